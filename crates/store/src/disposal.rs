//! Takes the rows of persons out of a dataset whose records were disposed of. The dataset is written anew under a new key and put in
//! its place as any other; the snapshots before it, and the key that led to them, are removed.
//!
//! Rows leave that hold one of the persons' pseudonyms. So do rows that hang on such a row: they have nobody's own number, and share
//! the number of a row or a case, or the XML unit, with a row that leaves and with none that stays.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::{DataType, UInt32Type},
};
use minster_model::{DatasetRef, Kind, Pseudonym, RunId, TableName, UNIT};

use crate::{
    Dataset, DatasetKeys, DatasetWriter, DisposalNote, Manifest, Origin, Store, StoreError,
    TableEntry,
    dataset::Before,
    files::{self, MANIFEST},
    rekey, retention, within,
};

/// The file of sealed rows beside a delivery's tables.
pub(crate) const SEALED_ROWS: &str = "quarantine.age";
/// The beginning of the kinds of match keys.
const MATCH_KEY: &str = "match-key:";

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
    /// SHA-256 of its manifests before and now, where it was written anew.
    pub rewritten: Option<(String, String)>,
    /// Rows that left it.
    pub rows: u64,
    /// Files beside its tables that left it.
    pub files: u64,
    /// Superseded snapshots that were removed.
    pub snapshots: u64,
    /// Whether an earlier release made it, so that nothing says which of its columns are persons' own numbers: rows that only hang
    /// on a row that left may stay.
    pub without_kinds: bool,
}

/// Rows of each table that leave, by their places.
type Leaving = BTreeMap<TableName, BTreeSet<u64>>;

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
        let mut done =
            DisposedFrom { without_kinds: lacks_kinds(old.manifest()), ..Default::default() };
        if let Some(note) = old.manifest().disposal.as_ref().filter(|note| note.list == gone.list) {
            // A program was stopped after this dataset.
            done.rewritten = Some((note.from.clone(), old.manifest_sha256().to_owned()));
            (done.rows, done.files, done.snapshots) = (note.rows, note.files, note.snapshots);
        } else {
            let leaving = leaving(&old, gone)?;
            let dropped = files_leaving(&old, gone)?;
            done.rows = leaving.values().map(|rows| rows.len() as u64).sum();
            done.files = dropped.len() as u64;
            if done.rows + done.files > 0 {
                done.snapshots = self.superseded_of(dataset)?.len() as u64 + 1;
                let note = DisposalNote {
                    list: gone.list.to_owned(),
                    from: old.manifest_sha256().to_owned(),
                    rows: done.rows,
                    files: done.files,
                    snapshots: done.snapshots,
                };
                let from = note.from.clone();
                let written = self.write_without(&old, run, (&leaving, &dropped), note, keys)?;
                done.rewritten = Some((from, written));
            }
        }
        let left = self.superseded_of(dataset)?;
        if done.rewritten.is_none() {
            done.snapshots = left.len() as u64;
        }
        for folder in left {
            within::remove_all(self.root(), &folder)?;
        }
        Ok(done)
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
        let none = BTreeSet::new();
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
    leaving: &BTreeSet<u64>,
    writer: &DatasetWriter,
) -> Result<TableEntry, StoreError> {
    let reader = old.table_at_rest(&table.name)?;
    let mut to = writer.table(&table.name, reader.schema())?;
    let mut at = 0u64;
    for batch in reader {
        let batch = batch?;
        let rows = at..at + batch.num_rows() as u64;
        at = rows.end;
        if leaving.range(rows.clone()).next().is_none() {
            to.write(&batch)?;
            continue;
        }
        let stays: BooleanArray = rows.map(|row| Some(!leaving.contains(&row))).collect();
        let kept = filter_record_batch(&batch, &stays).map_err(|error| StoreError::Table {
            path: Path::new(table.name.as_str()).to_owned(),
            verb: "written",
            why: error.to_string(),
        })?;
        to.write(&kept)?;
    }
    let TableEntry { name, columns, key, .. } = table.clone();
    Ok(TableEntry { rows: to.finish()?.rows, name, columns, key })
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
            leaving.get(&file.table).map_or(0, |rows| rows.range(*start..end).count() as u64);
        *start = end;
        file.counts.accepted -= of_file;
        file.counts.blocked += of_file;
    }
    origin
}

/// The meaning of a column of sixteen bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// A person's own number.
    Own,
    /// A match key.
    Key,
    /// The number of a row or case.
    Beside,
    /// Nobody wrote it down.
    Unknown,
}

impl Says {
    fn of(kind: Option<&Kind>, own: &BTreeSet<Kind>) -> Self {
        match kind {
            None => Self::Unknown,
            Some(kind) if kind.as_str().starts_with(MATCH_KEY) => Self::Key,
            Some(kind) if own.contains(kind) => Self::Own,
            Some(_) => Self::Beside,
        }
    }
}

/// A row with nobody's own number.
struct Hanging {
    table: usize,
    row: u64,
    beside: Vec<Pseudonym>,
    unit: Option<u32>,
}

/// Finds the rows that leave.
#[derive(Default)]
struct Search {
    leaving: Vec<BTreeSet<u64>>,
    /// Numbers of rows and cases, and units, of rows that leave.
    dead: HashSet<Pseudonym>,
    dead_units: HashSet<u32>,
    /// Numbers of rows and cases of rows that stay.
    alive: HashSet<Pseudonym>,
    hanging: Vec<Hanging>,
}

fn leaving(old: &Dataset, gone: &Gone<'_>) -> Result<Leaving, StoreError> {
    let tables = &old.manifest().tables;
    let mut search = Search { leaving: vec![BTreeSet::new(); tables.len()], ..Search::default() };
    for (place, table) in tables.iter().enumerate() {
        let wanted = |name: &str, data_type: &str| {
            data_type.starts_with("FixedSizeBinary") || (name == UNIT && data_type == "UInt32")
        };
        let columns = table.columns.iter().filter(|column| wanted(&column.name, &column.data_type));
        let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        if names.is_empty() {
            continue;
        }
        let mut first = 0;
        for batch in old.table(&table.name, Some(&names))? {
            let batch = batch?;
            search.look(place, first, table, &batch, gone);
            first += batch.num_rows() as u64;
        }
    }
    search.settle();
    let named = tables.iter().map(|table| table.name.clone()).zip(search.leaving);
    Ok(named.filter(|(_, rows)| !rows.is_empty()).collect())
}

impl Search {
    fn look(
        &mut self,
        place: usize,
        first: u64,
        table: &TableEntry,
        batch: &RecordBatch,
        gone: &Gone<'_>,
    ) {
        let schema = batch.schema();
        let kind = |name: &str| {
            let column = table.columns.iter().find(|column| column.name == name);
            column.and_then(|column| column.kind.as_ref())
        };
        let has_keys = table
            .columns
            .iter()
            .any(|column| Says::of(column.kind.as_ref(), gone.own_kinds) == Says::Key);
        let width = DataType::FixedSizeBinary(Pseudonym::LEN as i32);
        let fields = schema.fields().iter().zip(batch.columns());
        let columns: Vec<_> = fields
            .clone()
            .filter(|(field, _)| *field.data_type() == width)
            .map(|(field, column)| {
                (Says::of(kind(field.name()), gone.own_kinds), column.as_fixed_size_binary())
            })
            .collect();
        let units = fields.clone().find(|(field, _)| field.name() == UNIT);
        let units = units.and_then(|(_, column)| column.as_primitive_opt::<UInt32Type>());
        for row in 0..batch.num_rows() {
            let value = |column: &arrow::array::FixedSizeBinaryArray| {
                let bytes = (!column.is_null(row)).then(|| column.value(row))?;
                bytes.try_into().ok().map(Pseudonym::from_bytes)
            };
            let all = || columns.iter().filter_map(|(says, column)| Some((*says, value(column)?)));
            let beside = || all().filter(|(says, _)| *says == Says::Beside).map(|(_, value)| value);
            let unit = units.map(|units| units.value(row));
            if all().any(|(_, value)| gone.pseudonyms.contains(&value)) {
                self.leaving[place].insert(first + row as u64);
                self.dead.extend(beside());
                self.dead_units.extend(unit);
            } else if all().any(|(says, _)| matches!(says, Says::Own | Says::Unknown)) {
                self.alive.extend(beside());
            } else if has_keys && unit.is_none() {
                // A row with a match key is about a person of its own.
                self.alive.extend(beside());
            } else {
                // A unit is one person, whatever else its rows have.
                let beside = if has_keys { Vec::new() } else { beside().collect() };
                self.hanging.push(Hanging { table: place, row: first + row as u64, beside, unit });
            }
        }
    }

    /// Finds out which hanging rows leave: first what hangs on rows that stay, then what hangs on rows that leave, and on none of these.
    fn settle(&mut self) {
        loop {
            let before = self.alive.len();
            for of in &self.hanging {
                if of.beside.iter().any(|value| self.alive.contains(value)) {
                    self.alive.extend(of.beside.iter().copied());
                }
            }
            if self.alive.len() == before {
                break;
            }
        }
        loop {
            let mut changed = false;
            for Hanging { table, row, beside, unit } in &self.hanging {
                let stays = beside.iter().any(|value| self.alive.contains(value));
                let leaves = beside.iter().any(|value| self.dead.contains(value))
                    || unit.is_some_and(|unit| self.dead_units.contains(&unit));
                if leaves && !stays && self.leaving[*table].insert(*row) {
                    self.dead.extend(beside.iter().copied());
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
    }
}

/// Files beside the tables that leave: sealed rows, since nobody can tell whose they are, and reports that name a person's pseudonym.
fn files_leaving(old: &Dataset, gone: &Gone<'_>) -> Result<BTreeSet<String>, StoreError> {
    let mut leaving = BTreeSet::new();
    for name in rekey::names(old)? {
        if name == MANIFEST || name.ends_with(".parquet") {
            continue;
        }
        let leaves = match name == SEALED_ROWS {
            true => old.manifest().totals().quarantined > 0,
            false => {
                let bytes = files::read((old.root(), old.folder()), old.manifest(), &name)?;
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
