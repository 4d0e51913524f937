//! Rows that failed: their place and reason in clear, the row itself sealed to the vault's recipient.

use std::{borrow::Cow, collections::BTreeMap, io::Write};

use minster_sources::{Reason, Rejected};
pub use minster_store::SEALED_ROWS as ROWS;
use minster_store::{AlsoFailed, DatasetWriter, REASONS, SealedFile, SetAside};
use serde::{Serialize, Serializer};

use crate::IngestError;

/// A row that failed.
pub(crate) struct Failed {
    pub(crate) number: u64,
    /// The place of the column that failed first, in the table.
    pub(crate) column: Option<usize>,
    pub(crate) reason: Reason,
    /// Its other faults.
    pub(crate) also: Vec<(usize, Reason)>,
    pub(crate) raw: Raw,
}

/// The content of a row that failed.
pub(crate) enum Raw {
    /// It could not be split into fields.
    Unsplit(Vec<u8>),
    /// Columns and their texts.
    Fields(Vec<(String, String)>),
}

impl Failed {
    pub(crate) fn unsplit(row: &Rejected) -> Self {
        let Rejected { number, reason, raw } = row;
        let raw = Raw::Unsplit(raw.clone());
        Self { number: *number, column: None, reason: *reason, also: Vec::new(), raw }
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unsplit(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
            Self::Fields(fields) => serializer.collect_map(fields.iter().map(|(k, v)| (k, v))),
        }
    }
}

/// A table's columns, as quarantine names them: each with its letter, where it has one.
pub(crate) struct Headings<'a> {
    /// The table's place in the definition.
    pub(crate) place: usize,
    pub(crate) table: &'a str,
    pub(crate) columns: Vec<(&'a str, Option<String>)>,
}

/// A line inside [`ROWS`]; `raw` is one text, or one a column.
#[derive(Serialize)]
struct SealedLine<'a> {
    file: &'a str,
    table: &'a str,
    row: u64,
    raw: &'a Raw,
}

/// Writes both files beside the dataset's tables.
pub(crate) struct Quarantine {
    reasons: SealedFile,
    rows: age::stream::StreamWriter<SealedFile>,
    counts: BTreeMap<String, u64>,
}

impl Quarantine {
    pub(crate) fn open(writer: &DatasetWriter, recipient: &str) -> Result<Self, IngestError> {
        let recipient: age::x25519::Recipient = recipient
            .parse()
            .map_err(|_| IngestError::Sealing("the vault's recipient is not an age recipient"))?;
        let encryptor =
            age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
                .map_err(|_| IngestError::Sealing("the quarantine cannot be sealed"))?;
        let rows = encryptor.wrap_output(writer.sealed(ROWS)?).map_err(IngestError::Quarantine)?;
        Ok(Self { reasons: writer.sealed(REASONS)?, rows, counts: BTreeMap::new() })
    }

    pub(crate) fn add(
        &mut self,
        file: &str,
        headings: &Headings<'_>,
        failed: &Failed,
    ) -> Result<(), IngestError> {
        let table = headings.table;
        let reason = failed.reason.code();
        let letter = |column: usize| headings.columns[column].1.as_deref().map(Cow::from);
        let also = failed.also.iter().map(|&(column, reason)| AlsoFailed {
            column: headings.columns[column].0.into(),
            letter: letter(column),
            reason: reason.code().into(),
        });
        let line = SetAside {
            file: file.into(),
            table: table.into(),
            row: failed.number,
            column: failed.column.map(|column| headings.columns[column].0.into()),
            letter: failed.column.and_then(letter),
            reason: reason.into(),
            also: also.collect(),
        };
        write_line(&mut self.reasons, &line)?;
        let raw = &failed.raw;
        write_line(&mut self.rows, &SealedLine { file, table, row: failed.number, raw })?;
        *self.counts.entry(reason.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Makes both files durable; gives the rows by reason.
    pub(crate) fn finish(self) -> Result<BTreeMap<String, u64>, IngestError> {
        self.rows.finish().map_err(IngestError::Quarantine)?.sync()?;
        self.reasons.sync()?;
        Ok(self.counts)
    }
}

fn write_line(to: &mut impl Write, line: &impl Serialize) -> Result<(), IngestError> {
    let mut bytes =
        serde_json::to_vec(line).map_err(|error| IngestError::Quarantine(error.into()))?;
    bytes.push(b'\n');
    to.write_all(&bytes).map_err(IngestError::Quarantine)
}
