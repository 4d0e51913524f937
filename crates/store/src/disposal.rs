//! Takes the rows of persons out of a dataset whose records were disposed of. The dataset is written anew under a new key and put in
//! its place as any other; the snapshots before it, and the key that led to them, are removed.
//!
//! Rows leave whose persons' own numbers are all such persons'. In a row that is about another person too, the cell with the number
//! becomes blank, and the row stays. Rows that hang on a row that leaves go with it: they have nobody's own number, and share the number
//! of a row or a case, or the XML unit, with a row that leaves and with none that stays.

mod kept;
mod numbers;
mod search;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
    path::Path,
};

use arrow::{
    array::{BooleanArray, BooleanBufferBuilder, RecordBatch},
    compute::{filter_record_batch, nullif},
    error::ArrowError,
};
use minster_model::{DatasetRef, Kind, Pseudonym, RunId, TableName};

pub use self::kept::{Kept, KeptRows};
pub(crate) use self::search::{OfTable, rows_of};
use self::{
    numbers::Numbers,
    search::{Leaving, leaving},
};
use crate::{
    Dataset, DatasetKeys, DatasetWriter, DisposalNote, Manifest, Origin, Store, StoreError,
    TableEntry, dataset::Before, files, locked, rekey, retention, within,
};

/// The file of sealed rows beside a delivery's tables.
pub const SEALED_ROWS: &str = "quarantine.age";

/// The persons whose rows leave.
pub struct Gone<'a> {
    /// The disposal list.
    pub list: &'a str,
    /// Pseudonyms of the persons' own numbers; of linked datasets, the persons' ids too.
    pub pseudonyms: &'a HashSet<Pseudonym>,
    /// Kinds of numbers that are persons' own.
    pub own_kinds: &'a BTreeSet<Kind>,
}

/// The outcome for a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DisposedFrom {
    /// SHA-256 of its manifest before.
    pub before: String,
    /// SHA-256 of its manifest now: the same, where it was not written anew.
    pub after: String,
    /// Rows that left it.
    pub rows: u64,
    /// Cells that became blank, in rows that are about others too.
    pub cells: u64,
    /// Files beside its tables that left it.
    pub files: u64,
    /// Superseded snapshots that were removed.
    pub snapshots: u64,
}

impl Store {
    /// Takes the rows of some persons out of a dataset that stands, and removes all that it superseded. Killed at any moment, the old
    /// dataset or the new one stands; run again, it goes on. The caller holds the run lock, and unwraps and makes keys as the vault's
    /// linker does.
    ///
    /// # Errors
    /// Where the dataset is not the newest in the vault's log, or cannot be read or written.
    pub fn dispose(
        &self,
        dataset: &DatasetRef,
        run: &RunId,
        gone: &Gone<'_>,
        keys: &mut dyn DatasetKeys,
    ) -> Result<DisposedFrom, StoreError> {
        let old = self.dataset(dataset, keys)?;
        let now = old.manifest_sha256().to_owned();
        let mut done =
            DisposedFrom { before: now.clone(), after: now.clone(), ..Default::default() };
        if let Some(note) = old.manifest().disposal.as_ref().filter(|note| note.list == gone.list) {
            // A program was stopped after this dataset.
            done.before.clone_from(&note.from);
            (done.rows, done.cells) = (note.rows, note.cells);
            (done.files, done.snapshots) = (note.files, note.snapshots);
        } else {
            let leaving = leaving(&old, gone)?;
            let dropped = files_leaving(&old, gone)?;
            done.rows = leaving.values().map(|of| of.rows.len() as u64).sum();
            let cells = leaving.values().flat_map(|of| of.cells.values());
            done.cells = cells.map(|rows| rows.len() as u64).sum();
            done.files = dropped.len() as u64;
            if done.rows + done.cells + done.files > 0 {
                done.snapshots = self.superseded_of(dataset)?.len() as u64 + 1;
                let note = DisposalNote {
                    list: gone.list.to_owned(),
                    from: now,
                    rows: done.rows,
                    cells: done.cells,
                    files: done.files,
                    snapshots: done.snapshots,
                };
                done.after = self.write_without(&old, run, (&leaving, &dropped), note, keys)?;
            }
        }
        let left = self.superseded_of(dataset)?;
        if done.before == done.after {
            done.snapshots = left.len() as u64;
        }
        for folder in left {
            within::remove_all(self.root(), &folder)?;
        }
        Ok(done)
    }

    /// Whether the rows of some persons can be taken out of a dataset that stands.
    ///
    /// # Errors
    /// [`StoreError::UnknownKinds`], where nothing says whether its rows are about others too.
    pub fn may_dispose(
        &self,
        dataset: &DatasetRef,
        gone: &Gone<'_>,
        keys: &mut dyn DatasetKeys,
    ) -> Result<(), StoreError> {
        let (manifest, _) = self.manifest(dataset)?;
        if lacks_kinds(&manifest) {
            leaving(&self.dataset(dataset, keys)?, gone)?;
        }
        Ok(())
    }

    /// The persons' own numbers in a delivery's dataset that stands.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn own_numbers(
        &self,
        dataset: &DatasetRef,
        own_kinds: &BTreeSet<Kind>,
        keys: &mut dyn DatasetKeys,
    ) -> Result<HashSet<Pseudonym>, StoreError> {
        let opened = self.dataset(dataset, keys)?;
        let mut own = HashSet::new();
        for table in &opened.manifest().tables {
            let is_own = |kind: Option<&Kind>| kind.is_some_and(|kind| own_kinds.contains(kind));
            let columns = table.columns.iter().filter(|column| is_own(column.kind.as_ref()));
            // One column after the other: each number of a row group is then decrypted and kept once.
            for column in columns {
                let name = column.name.as_str();
                let groups = opened.row_groups(&table.name, &[name])?.with_coded_numbers(name)?;
                for group in 0..groups.rows().len() {
                    let mut seen = None;
                    for batch in groups.read(group)? {
                        for column in batch?.columns() {
                            if let Some(numbers) = Numbers::of(column)
                                && numbers.is_another_than(&mut seen)
                            {
                                own.extend(numbers.all());
                            }
                        }
                    }
                }
            }
        }
        Ok(own)
    }

    fn superseded_of(&self, dataset: &DatasetRef) -> Result<Vec<std::path::PathBuf>, StoreError> {
        let place = self.place(dataset);
        let current = within::link(self.root(), &place.join("current"))?.unwrap_or_default();
        Ok(retention::superseded(&place, &current.to_string_lossy()).collect())
    }

    /// Gives the hash of the manifest of what was written.
    fn write_without(
        &self,
        old: &Dataset,
        run: &RunId,
        (leaving, dropped): (&Leaving, &BTreeSet<String>),
        note: DisposalNote,
        keys: &mut dyn DatasetKeys,
    ) -> Result<String, StoreError> {
        let manifest = old.manifest();
        let (key, wrapped) = keys.create(&manifest.dataset)?;
        let mut writer = self.stage(&manifest.dataset, run, key, wrapped)?;
        if let Some(run_key) = &manifest.run_key {
            writer = writer.of_run(run_key.clone());
        }
        let none = OfTable::default();
        let mut tables = Vec::new();
        for table in &manifest.tables {
            tables.push(kept(old, table, leaving.get(&table.name).unwrap_or(&none), &writer)?);
        }
        rekey::carry_files(old, &writer, |name| !dropped.contains(name))?;
        let origin = without(&manifest.origin, leaving);
        let key = (manifest.key_version, manifest.key_check.clone());
        let written = writer.publish_as(key, origin, tables, Before::Disposed(note), keys)?;
        let (_, sha256) = self.manifest(&written.dataset)?;
        Ok(sha256)
    }
}

/// The rows of a table that stay, as they rest.
fn kept(
    old: &Dataset,
    table: &TableEntry,
    leaving: &OfTable,
    writer: &DatasetWriter,
) -> Result<TableEntry, StoreError> {
    let reader = old.table_at_rest(&table.name)?;
    let mut to = writer.table(&table.name, reader.schema())?;
    let mut at = 0u64;
    for batch in reader {
        let batch = batch?;
        let rows = at..at + batch.num_rows() as u64;
        at = rows.end;
        if !leaving.touches(&rows) {
            to.write(&batch)?;
            continue;
        }
        let kept = blanked(&batch, &rows, &leaving.cells)
            .and_then(|batch| filter_record_batch(&batch, &marked(&rows, &leaving.rows, false)));
        let kept = kept.map_err(|error| StoreError::Table {
            path: Path::new(table.name.as_str()).to_owned(),
            verb: "written",
            why: error.to_string(),
        })?;
        to.write(&kept)?;
    }
    let TableEntry { name, columns, key, .. } = table.clone();
    Ok(TableEntry { rows: to.finish()?.rows, name, columns, key })
}

/// A batch of some rows with some cells blank.
fn blanked(
    batch: &RecordBatch,
    rows: &Range<u64>,
    cells: &BTreeMap<String, BTreeSet<u64>>,
) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let Some(of) = cells.get(field.name()) else { return Ok(column.clone()) };
        nullif(column, &marked(rows, of, true))
    });
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

/// One mark for each row of a batch: those of a set have it, and the others its opposite.
fn marked(rows: &Range<u64>, set: &BTreeSet<u64>, mark: bool) -> BooleanArray {
    let length = (rows.end - rows.start) as usize;
    let mut marks = BooleanBufferBuilder::new(length);
    marks.append_n(length, !mark);
    for row in set.range(rows.clone()) {
        marks.set_bit((row - rows.start) as usize, mark);
    }
    BooleanArray::new(marks.finish(), None)
}

/// The origin without some rows: of a delivery, they were accepted and are blocked now. A table's rows stand in the order of its files.
fn without(origin: &Origin, leaving: &Leaving) -> Origin {
    let mut origin = origin.clone();
    let Origin::Delivery { rows, .. } = &mut origin else { return origin };
    let mut before: BTreeMap<TableName, u64> = BTreeMap::new();
    for file in rows {
        let start = before.entry(file.table.clone()).or_default();
        let end = *start + file.counts.accepted;
        let of_file =
            leaving.get(&file.table).map_or(0, |of| of.rows.range(*start..end).count() as u64);
        *start = end;
        file.counts.accepted -= of_file;
        file.counts.blocked += of_file;
    }
    origin
}

/// Files beside the tables that leave: sealed rows, since nobody can tell whose they are, and reports that name a person's pseudonym.
fn files_leaving(old: &Dataset, gone: &Gone<'_>) -> Result<BTreeSet<String>, StoreError> {
    let mut leaving = BTreeSet::new();
    for name in rekey::beside_tables(old)? {
        let leaves = match name == SEALED_ROWS {
            true => old.manifest().totals().quarantined > 0,
            false => {
                let bytes = match locked::name_of(&name) {
                    Some(locked) => old.read_locked(locked)?,
                    None => files::read((old.root(), old.folder()), old.manifest(), &name)?,
                };
                names_one(&bytes, gone.pseudonyms)
            }
        };
        if leaves {
            leaving.insert(name);
        }
    }
    Ok(leaving)
}

/// Whether a text names a pseudonym: its 32 hexadecimal digits.
fn names_one(bytes: &[u8], pseudonyms: &HashSet<Pseudonym>) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let words = bytes.split(|byte| !is_digit(byte));
    let mut words = words.filter(|word| word.len() == 2 * Pseudonym::LEN);
    words.any(|word| {
        let pseudonym = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        pseudonym.is_some_and(|pseudonym| pseudonyms.contains(&pseudonym))
    })
}

/// Whether a delivery's dataset says of no column of sixteen bytes what it holds.
fn lacks_kinds(manifest: &Manifest) -> bool {
    let Origin::Delivery { .. } = &manifest.origin else { return false };
    let columns = manifest.tables.iter().flat_map(|table| &table.columns);
    columns.clone().any(|column| column.data_type.starts_with("FixedSizeBinary"))
        && !columns.clone().any(|column| column.kind.is_some())
}
