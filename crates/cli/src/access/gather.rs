//! Finds the child's rows in every dataset of the store.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Int64Type, UInt32Type},
    util::display::{ArrayFormatter, FormatOptions},
};
use jiff::civil::Date;
use minster_matcher::{LedTo, ids_led_to};
use minster_model::{DatasetClass, Pseudonym, Purpose, UNIT};
use minster_store::{
    Manifest, OnePerson, PersonsRows, Store, StoreError, StoredDataset, TableRows,
};
use minster_vault_api::{Client, Denial, ManifestFault, VaultError};

use super::{
    Child,
    content::{Column, Content, Record, RecordKind},
    csv_name,
    words::{Definitions, Words, title, usual},
};
use crate::{failure::Failure, pipeline::Loaded, stages};

/// Bytes of the rows of one child that are held in memory.
const MOST_BYTES: usize = 256 << 20;

/// All that is held on the child.
pub(super) fn gather(
    loaded: &Loaded,
    config: &Path,
    store: &Store,
    child: &Child,
    vault: &mut Client,
) -> Result<Content, Failure> {
    for (purpose, _) in &child.purposes {
        let (_, settled) = store.settled(purpose, vault)?;
        if let Some(dataset) = settled.differing.first() {
            return Err(Failure::AccessDiffers { dataset: dataset.to_string() });
        }
    }
    let mut search = Search {
        definitions: Definitions::read(loaded, config)?,
        content: Content::default(),
        kinds: BTreeMap::new(),
        ids: HashMap::new(),
        bytes: 0,
    };
    let mut datasets = store.stored_datasets()?;
    // The newest first: a row of an earlier copy is told only where it differs.
    datasets.sort_by_key(|of| !of.current);
    for stored in &datasets {
        search.dataset(loaded, store, stored, child, vault)?;
    }
    Ok(search.finish())
}

struct Search<'a> {
    definitions: Definitions<'a>,
    content: Content,
    kinds: BTreeMap<(DatasetClass, String, String), RecordKind>,
    /// The child's numbers and ids, by purpose.
    ids: HashMap<Purpose, HashSet<Pseudonym>>,
    bytes: usize,
}

impl Search<'_> {
    fn dataset(
        &mut self,
        loaded: &Loaded,
        store: &Store,
        stored: &StoredDataset,
        child: &Child,
        vault: &mut Client,
    ) -> Result<(), Failure> {
        let left_out = &mut self.content.left_out;
        let manifest = match &stored.manifest {
            Ok(manifest) => manifest,
            Err(_) if !stored.current => {
                left_out.unreadable_copies += 1;
                return Ok(());
            }
            Err(_) => {
                let dataset = stored.folder.display().to_string();
                return Err(Failure::AccessDiffers { dataset });
            }
        };
        let purpose = &manifest.dataset.purpose;
        match (manifest.dataset.class, child.pseudonyms(purpose)) {
            (DatasetClass::Report, _) => {
                left_out.reports += 1;
                return Ok(());
            }
            (DatasetClass::Linkage, _) => {
                left_out.keyed_datasets += 1;
                return Ok(());
            }
            (_, None) if child.closed.contains(purpose) => {
                left_out.closed += 1;
                return Ok(());
            }
            (_, None) => {
                left_out.ended += 1;
                return Ok(());
            }
            (DatasetClass::Source | DatasetClass::Integrated, Some(_)) => {}
        }
        if let Some(set_aside) = stored.set_aside().filter(|_| stored.current) {
            let of = (manifest.dataset.name.to_string(), manifest.dataset.period.to_string());
            self.content.set_aside.insert(of, set_aside);
        }
        self.learn_ids(loaded, store, child, purpose, vault)?;
        let none = HashSet::new();
        let numbers = child.pseudonyms(purpose).unwrap_or(&none);
        let pseudonyms = match manifest.dataset.class {
            DatasetClass::Integrated => self.ids.get(purpose).unwrap_or(&none),
            _ => numbers,
        };
        if numbers.is_empty() {
            // A child that no registry knows has no row.
            self.content.datasets += 1;
            return Ok(());
        }
        let opened = match stored.open(vault) {
            Ok(opened) => opened,
            Err(StoreError::Vault(error)) if !stored.current && is_lost(&error) => {
                self.content.left_out.unreadable_copies += 1;
                return Ok(());
            }
            Err(StoreError::Vault(error)) if !stored.current && is_changed(&error) => {
                self.content.left_out.unclear_copies += 1;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let person = OnePerson { pseudonyms, alike: &child.alike, own_kinds: &child.own_kinds };
        let rows = match opened.rows_of(&person) {
            Ok(rows) => rows,
            Err(StoreError::UnknownKinds { .. }) if !stored.current => {
                self.content.left_out.unclear_copies += 1;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.content.datasets += 1;
        self.take_in(manifest, stored.current, rows)
    }

    /// The ids to which the child's numbers lead.
    fn learn_ids(
        &mut self,
        loaded: &Loaded,
        store: &Store,
        child: &Child,
        purpose: &Purpose,
        vault: &mut Client,
    ) -> Result<(), Failure> {
        let Some(numbers) = child.pseudonyms(purpose) else { return Ok(()) };
        if self.ids.contains_key(purpose) {
            return Ok(());
        }
        let mut all = numbers.clone();
        if !numbers.is_empty() {
            let led = ids_led_to(store, purpose, numbers, vault);
            let led = led.map_err(|error| stages::failed(loaded, error))?;
            // An id to which another person's number leads too is two children's: what was put together under it may be the other's.
            let mut others = HashSet::new();
            for manifest in store.manifests()? {
                let dataset = &manifest.dataset;
                if dataset.class == DatasetClass::Source && dataset.purpose == *purpose {
                    let own = store.own_numbers(dataset, &child.own_kinds, vault)?;
                    others.extend(own);
                }
            }
            let (ids, shared) = childs_ids(&led, &others);
            self.content.left_out.shared_ids += shared;
            all.extend(ids);
        }
        self.ids.insert(purpose.clone(), all);
        Ok(())
    }

    fn take_in(
        &mut self,
        manifest: &Manifest,
        is_newest: bool,
        rows: PersonsRows,
    ) -> Result<(), Failure> {
        let PersonsRows { tables, of_others, in_doubt, shared_cases } = rows;
        let left_out = &mut self.content.left_out;
        match is_newest {
            true => {
                left_out.rows_of_others += of_others;
                left_out.rows_in_doubt += in_doubt;
                left_out.rows_of_shared_cases += shared_cases;
            }
            false => left_out.rows_of_earlier += of_others + in_doubt + shared_cases,
        }
        for TableRows { table, batches, cells_of_others } in tables {
            self.content.left_out.cells_of_others += cells_of_others;
            for batch in &batches {
                self.batch(manifest, is_newest, table.name.as_str(), batch)?;
            }
        }
        Ok(())
    }

    fn batch(
        &mut self,
        manifest: &Manifest,
        is_newest: bool,
        table: &str,
        batch: &RecordBatch,
    ) -> Result<(), Failure> {
        let schema = batch.schema_ref();
        let fields = schema.fields().iter().zip(batch.columns());
        // Keyed numbers say nothing to anybody; the vault tells the child's own.
        let shown: Vec<_> = fields
            .filter(|(field, _)| {
                !matches!(field.data_type(), DataType::FixedSizeBinary(_)) && field.name() != UNIT
            })
            .collect();
        if shown.is_empty() {
            self.content.left_out.rows_of_codes += batch.num_rows() as u64;
            return Ok(());
        }
        let mut cells = vec![BTreeMap::new(); batch.num_rows()];
        let mut columns = Vec::new();
        for (field, column) in shown {
            let words = self.definitions.column(manifest, table, field.name());
            for (row, cells) in cells.iter_mut().enumerate() {
                if let Some(text) = cell(column, row, &words)? {
                    self.bytes += text.len();
                    cells.insert(field.name().clone(), text);
                }
            }
            columns.push(Column {
                name: field.name().clone(),
                title: words.title.unwrap_or_else(|| title(field.name())),
                meaning: words.meaning,
            });
        }
        if self.bytes > MOST_BYTES {
            return Err(Failure::TooManyRows);
        }
        let dataset = &manifest.dataset;
        let source = dataset.name.to_string();
        let key = (dataset.class, source.clone(), table.to_owned());
        if !self.kinds.contains_key(&key) {
            let meaning = self.definitions.table(manifest, table);
            self.kinds.insert(key.clone(), kind_of(manifest, table, meaning));
        }
        let Some(kind) = self.kinds.get_mut(&key) else { return Ok(()) };
        for column in columns {
            match kind.columns.iter_mut().find(|known| known.name == column.name) {
                None => kind.columns.push(column),
                Some(known) if known.meaning.is_empty() => known.meaning = column.meaning,
                Some(_) => {}
            }
        }
        for cells in cells {
            let record = Record {
                source: source.clone(),
                delivery: dataset.period.to_string(),
                taken_in: taken_in(manifest),
                is_earlier: !is_newest,
                cells,
            };
            let is_same =
                |known: &&Record| known.delivery == record.delivery && known.cells == record.cells;
            match !is_newest && kind.records.iter().any(|known| is_same(&known)) {
                true => self.content.left_out.same_in_earlier += 1,
                false => kind.records.push(record),
            }
        }
        Ok(())
    }

    fn finish(self) -> Content {
        let Self { mut content, kinds, .. } = self;
        content.kinds = kinds.into_values().collect();
        for kind in &mut content.kinds {
            kind.records
                .sort_by(|a, b| (&a.delivery, a.is_earlier).cmp(&(&b.delivery, b.is_earlier)));
        }
        content
    }
}

/// The ids that are the child's alone, and how many a number of a delivery leads to that is none of the child's.
fn childs_ids(led: &LedTo, numbers: &HashSet<Pseudonym>) -> (HashSet<Pseudonym>, u64) {
    let shared: HashSet<Pseudonym> =
        numbers.iter().filter_map(|one| led.others.get(one)).copied().collect();
    let own = led.ids.difference(&shared).copied().collect();
    (own, shared.len() as u64)
}

/// Whether a copy cannot be opened by anybody any more: it is under keys that are retired, or of before the vault kept a record.
fn is_lost(error: &VaultError) -> bool {
    use ManifestFault::{NotTakenOver, Unrecorded};
    let VaultError::Denied(denial) = error else { return false };
    matches!(
        denial,
        Denial::Retired { .. } | Denial::OtherManifest { fault: Unrecorded | NotTakenOver, .. }
    )
}

/// Whether the vault says of a copy that it is not what it was.
fn is_changed(error: &VaultError) -> bool {
    let VaultError::Denied(denial) = error else { return false };
    matches!(denial, Denial::WrongWrapping { .. } | Denial::OtherManifest { .. }) && !is_lost(error)
}

fn kind_of(manifest: &Manifest, table: &str, meaning: String) -> RecordKind {
    let dataset = &manifest.dataset;
    let (class, name) = (dataset.class, dataset.name.as_str());
    let title = match class {
        DatasetClass::Source => format!("{}: {}", usual(name), title(table).to_lowercase()),
        _ => match table {
            "children" => "Linked data: the child, put together".to_owned(),
            "crosswalk" => "Linked data: which rows were put together".to_owned(),
            "ids" => "Linked data: the child's place in the list of codes".to_owned(),
            "sides" => "Linked data: pairs of records that a person may judge".to_owned(),
            "changes" => "Linked data: changes of the child's code".to_owned(),
            _ => format!("Linked data: {}", title(table).to_lowercase()),
        },
    };
    let file = csv_name(&format!("{}-{name}-{table}.csv", class.as_str()));
    RecordKind { class, file, title, meaning, columns: Vec::new(), records: Vec::new() }
}

/// A cell in words; nothing for a blank.
fn cell(column: &dyn Array, row: usize, words: &Words) -> Result<Option<String>, Failure> {
    if column.is_null(row) {
        return Ok(None);
    }
    let day = |days: i64| {
        let epoch = Date::constant(1970, 1, 1);
        epoch.checked_add(jiff::Span::new().try_days(days).ok()?).ok().map(|day| day.to_string())
    };
    let number = match column.data_type() {
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt32 => Some(i64::from(column.as_primitive::<UInt32Type>().value(row))),
        _ => None,
    };
    if let Some(day) = number.filter(|_| words.is_day).and_then(day) {
        return Ok(Some(day));
    }
    if let Some(flags) = column.as_boolean_opt() {
        return Ok(Some(if flags.value(row) { "yes" } else { "no" }.to_owned()));
    }
    let options = FormatOptions::new();
    let formatted = ArrayFormatter::try_new(column, &options)
        .and_then(|formatter| formatter.value(row).try_to_string());
    let text = formatted.map_err(|error| {
        Failure::from(StoreError::Table {
            path: "a cell".into(),
            verb: "read",
            why: error.to_string(),
        })
    })?;
    // HTML takes no such characters, and nobody sees them.
    let is_mark = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    Ok((!text.is_empty()).then(|| words.cell(&text).replace(is_mark, "\u{fffd}")))
}

/// The day on which a dataset was taken in: its run's name tells it.
fn taken_in(manifest: &Manifest) -> String {
    let day = manifest.run.as_str().get(..8).and_then(|digits| {
        let number = |of: std::ops::Range<usize>| digits.get(of)?.parse::<i16>().ok();
        let (month, day) = (number(4..6)?, number(6..8)?);
        Date::new(number(0..4)?, month.try_into().ok()?, day.try_into().ok()?).ok()
    });
    let day = day.map_or_else(|| "day not known".to_owned(), |day| day.to_string());
    match manifest.rekeyed_from.is_some() || manifest.disposal.is_some() {
        true => format!("{day} (written anew)"),
        false => day,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_two_children_is_left_out_and_counted() {
        let of = |n: u8| Pseudonym::from_bytes([n; 16]);
        let ids = [of(1), of(2)].into();
        // A match key leads to the first id; the number of another child to the second.
        let others = [(of(8), of(1)), (of(9), of(2))].into();
        let led = LedTo { ids, others };
        assert_eq!(childs_ids(&led, &[of(7)].into()), ([of(1), of(2)].into(), 0));
        assert_eq!(childs_ids(&led, &[of(7), of(9)].into()), ([of(1)].into(), 1));
    }

    #[test]
    fn only_what_nobody_can_open_any_more_is_told_to_be_so() {
        let dataset = || minster_model::DatasetRef {
            class: DatasetClass::Source,
            name: "cin".parse().unwrap(),
            period: "2025".parse().unwrap(),
            purpose: "p".parse().unwrap(),
        };
        let other = |fault| VaultError::Denied(Denial::OtherManifest { dataset: dataset(), fault });
        assert!(is_lost(&other(ManifestFault::Unrecorded)));
        assert!(!is_changed(&other(ManifestFault::Unrecorded)));
        assert!(is_changed(&other(ManifestFault::Unknown)));
        assert!(!is_lost(&other(ManifestFault::Unknown)));
        for error in [VaultError::Protocol, VaultError::Denied(Denial::LogUnwritable)] {
            assert!(!is_lost(&error) && !is_changed(&error), "{error}");
        }
    }
}
