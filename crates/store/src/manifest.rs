use std::{collections::BTreeMap, path::Path};

use minster_model::{DatasetRef, KeyVersion, Kind, RowCounts, RunId, TableName};
use minster_vault_api::{InputFile, SealedRunKey, WrappedKey};
use serde::{Deserialize, Serialize};

use crate::{FileEntry, StoreError, within};

/// The format that this release writes. It names the dataset's files.
pub(crate) const FORMAT: u32 = 2;
/// The oldest format that this release reads: it names no files.
const OLDEST: u32 = 1;

/// A dataset's names, its origin and the way to its key. Holds no row's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The manifest's format.
    pub format: u32,
    /// Which dataset.
    pub dataset: DatasetRef,
    /// The run that made it.
    pub run: RunId,
    /// The version of the purpose's pseudonym keys.
    pub key_version: KeyVersion,
    /// Shows which pseudonym key was used, and reveals nothing of it.
    pub key_check: String,
    /// The dataset's key, sealed by the vault.
    pub wrapped_key: WrappedKey,
    /// The sealed key of the run whose tokens stand in its tables for pseudonyms. Where absent, its tables hold
    /// pseudonyms: not a source's, or made by an earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_key: Option<SealedRunKey>,
    /// Its origin.
    pub origin: Origin,
    /// Its tables.
    pub tables: Vec<TableEntry>,
    /// Its files but the manifest, by name: tables, and what stands beside them. None where an earlier release wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
    /// SHA-256 of the manifest that this one took over from when the purpose's keys changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rekeyed_from: Option<String>,
    /// The version of the program that wrote it; none where an earlier release did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The disposal that left it so, where rows were taken out of it since it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposal: Option<DisposalNote>,
}

/// The rows and files that a disposal took out of a dataset, counted. Holds counts and names alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposalNote {
    /// The disposal list.
    pub list: String,
    /// SHA-256 of the manifest before.
    pub from: String,
    /// Rows that left.
    pub rows: u64,
    /// Cells that became blank, in rows that are about others too.
    pub cells: u64,
    /// Files beside the tables that left.
    pub files: u64,
    /// Snapshots that were superseded with it.
    pub snapshots: u64,
}

/// The origin of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "from")]
pub enum Origin {
    /// A delivery of a source.
    Delivery {
        /// SHA-256 of the definition that was applied.
        definition_sha256: String,
        /// SHA-256 of all that the files' bytes leave open: definition, look-ups, settings, the program's
        /// version. Files and this being the same, so is the dataset.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recipe_sha256: Option<String>,
        /// The files read.
        inputs: Vec<InputFile>,
        /// Where each file's rows went.
        rows: Vec<FileCounts>,
        /// Quarantined rows by reason code.
        reasons: BTreeMap<String, u64>,
        /// Cells of accepted rows that did not pass as they were.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cells: Vec<CellCounts>,
        /// Matters for a person to look at, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
    },
    /// Other datasets.
    Datasets {
        /// SHA-256 of the matching definition.
        definition_sha256: String,
        /// Those datasets, each with the SHA-256 of its manifest: a child stands in the dataset of whom one has a row.
        datasets: Vec<(DatasetRef, String)>,
        /// Datasets of other periods that say something about its children as well, and put none into it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        carried_over: Vec<(DatasetRef, String)>,
        /// Datasets of other periods that told who is who, and fill no cell.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        linked_with: Vec<(DatasetRef, String)>,
        /// Which list of identities that are linked by their number alone was honoured; says nothing of its numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        listed: Option<String>,
        /// SHA-256 of the manifest of the reviewers' decisions that were honoured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decisions: Option<String>,
    },
}

impl Origin {
    /// The origin of a dataset that was made from these datasets alone.
    pub fn datasets(definition_sha256: String, datasets: Vec<(DatasetRef, String)>) -> Self {
        Self::Datasets {
            definition_sha256,
            datasets,
            carried_over: Vec::new(),
            linked_with: Vec::new(),
            listed: None,
            decisions: None,
        }
    }
}

/// Where the rows of one table of one file went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// The file's name in its drop folder.
    pub file: String,
    /// The table drawn from it.
    pub table: TableName,
    /// The four ways.
    pub counts: RowCounts,
}

/// Cells of one column, in accepted rows, that did not pass as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellCounts {
    /// The table.
    pub table: TableName,
    /// The column, as the definition names it.
    pub column: String,
    /// Their outcome: `unknown`, `blank`, `repaired`, or `passed` all the same.
    pub became: String,
    /// Why: a reason code.
    pub reason: String,
    /// How many.
    pub cells: u64,
    /// All cells of the column that were not blank.
    pub of: u64,
    /// The first of them: file, and cell, row or line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
}

/// One table of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Its name; its file is `<name>.parquet`.
    pub name: TableName,
    /// How many rows.
    pub rows: u64,
    /// The columns in order.
    pub columns: Vec<ColumnEntry>,
    /// Columns that, with the child, tell one event from another: a plan's start date. Where absent, each row is an
    /// event of its own; where empty, a child has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Vec<String>>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// Its Arrow type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The kind of the identifiers or match keys whose pseudonyms it holds; none where an earlier release wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
}

impl Manifest {
    /// Whether it names its dataset's files.
    pub(crate) fn names_files(&self) -> bool {
        self.format > OLDEST
    }

    /// The manifest of which this dataset was made, where it took its place without a new delivery.
    pub fn carried_from(&self) -> Option<&str> {
        let disposed = self.disposal.as_ref().map(|note| note.from.as_str());
        self.rekeyed_from.as_deref().or(disposed)
    }

    /// Every row read went one way, and those accepted are the tables' rows.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let Origin::Delivery { rows, .. } = &self.origin else { return Ok(()) };
        if let Some(row) = rows.iter().find(|row| !row.counts.conserved()) {
            return Err(StoreError::NotConserved { file: row.file.clone() });
        }
        let accepted = |table: &TableEntry| -> u64 {
            let of_table = rows.iter().filter(|row| row.table == table.name);
            of_table.map(|row| row.counts.accepted).sum()
        };
        match self.tables.iter().find(|table| accepted(table) != table.rows) {
            Some(table) => Err(StoreError::OtherRows {
                dataset: self.dataset.clone(),
                table: table.name.clone(),
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn read(root: &Path, path: &Path) -> Result<(Self, String), StoreError> {
        let text = within::read(root, path)?;
        let wrong = |why: String| StoreError::Manifest { path: path.to_owned(), why };
        let format = serde_json::from_slice::<Format>(&text)
            .map_err(|error| wrong(format!("is not one: {error}")))?
            .format;
        if !(OLDEST..=FORMAT).contains(&format) {
            return Err(wrong(format!(
                "has format {format}; this release reads {OLDEST} to {FORMAT}"
            )));
        }
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| wrong(format!("is not one: {error}")))?;
        Ok((manifest, crate::sha256_hex(&text)))
    }

    /// The four ways of all files together.
    pub fn totals(&self) -> RowCounts {
        let mut totals = RowCounts::default();
        if let Origin::Delivery { rows, .. } = &self.origin {
            rows.iter().for_each(|row| totals += row.counts);
        }
        totals
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}
