//! Every dataset opened once, by the vault's logged unwrapping for scans in the linker's role; every value of every column handed to
//! a search that tells counts.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema, UInt32Type, UInt64Type},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use minster_leakage::Disguised;
use minster_model::{DatasetClass, DatasetRef, Pseudonym, Purpose};
use minster_store::{Dataset, DatasetKeys, StoreError, StoredDataset, TableReader};
use minster_vault_api::{
    Client, DataKey, ManifestFault, NewestManifests, RecordedManifest, SealedRunKey, Unwrapped,
    VaultError, WrappedKey,
};

use super::leakage::{Places, Sum};
use crate::{check::Gathered, site::Site};

/// The contents of the datasets.
#[derive(Default)]
pub(super) struct Decoded {
    /// The finds in each dataset, or why it was not opened.
    pub(super) datasets: Vec<(String, Result<Sum, Unopened>)>,
    /// Different pseudonyms of each purpose; gathered only where there are several purposes.
    pub(super) pseudonyms: BTreeMap<Purpose, HashSet<[u8; Pseudonym::LEN]>>,
    /// Linkage datasets that stand: the linker alone opens them, so that an auditor cannot.
    pub(super) of_linkage: usize,
    /// Why nothing was opened.
    pub(super) unread: Option<Unread>,
}

/// Why nothing was opened.
pub(super) enum Unread {
    Store(String, bool),
    Vault(String),
}

/// Why a dataset was not opened.
pub(super) enum Unopened {
    /// The vault gave no key.
    NoKey(String),
    /// Its key or its bytes are not what the manifest says.
    Broken(String),
}

impl Decoded {
    /// Says why nothing was opened, if so.
    pub(super) fn tell_unread(&self, check: &mut Gathered) {
        match &self.unread {
            None => {}
            Some(Unread::Store(why, true)) => check.for_root(why),
            Some(Unread::Store(why, false) | Unread::Vault(why)) => check.missing(why),
        }
    }

    /// Says why something was left out.
    pub(super) fn tell_unopened(&self, check: &mut Gathered) {
        self.tell_unread(check);
        for (name, found) in &self.datasets {
            if let Err(Unopened::NoKey(why) | Unopened::Broken(why)) = found {
                check.missing(format!("{name}: {why}"));
            }
        }
    }
}

/// Opens and searches all of them.
pub(super) fn decode(
    wanted: bool,
    standing: &Result<Vec<StoredDataset>, StoreError>,
    site: &Site,
) -> Decoded {
    let mut decoded = Decoded::default();
    if !wanted {
        return decoded;
    }
    let standing = match standing {
        Ok(standing) => standing,
        Err(error) => {
            let closed = matches!(error, StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied);
            decoded.unread = Some(Unread::Store(error.to_string(), closed));
            return decoded;
        }
    };
    let vault = &mut match site.linker() {
        Ok(vault) => vault,
        Err(error) => {
            let command = site.by_linker();
            let why = format!(
                "{} datasets were not opened: {error}. The linker's user makes this check: {command}",
                standing.len()
            );
            decoded.unread = Some(Unread::Vault(why));
            return decoded;
        }
    };
    let manifests = standing.iter().filter_map(|one| one.manifest.as_ref().ok());
    let purposes: BTreeSet<_> = manifests.map(|of| &of.dataset.purpose).collect();
    let several = purposes.len() > 1;
    for one in standing {
        let Ok(manifest) = &one.manifest else {
            let name = one.folder.display().to_string();
            let why = "its manifest cannot be read".to_owned();
            decoded.datasets.push((name, Err(Unopened::Broken(why))));
            continue;
        };
        if manifest.dataset.class == DatasetClass::Linkage {
            decoded.of_linkage += 1;
            continue;
        }
        let of_purpose = decoded.pseudonyms.entry(manifest.dataset.purpose.clone()).or_default();
        let found = search(one, vault, several.then_some(of_purpose));
        decoded.datasets.push((manifest.dataset.to_string(), found));
    }
    decoded
}

/// Searches a table that stands in clear.
pub(super) fn search_clear(path: &Path, sum: &mut Sum, name: &str) -> Result<(), StoreError> {
    search_table(TableReader::clear(path)?, sum, name, |_| {})
}

fn search(
    standing: &StoredDataset,
    vault: &mut Client,
    mut pseudonyms: Option<&mut HashSet<[u8; Pseudonym::LEN]>>,
) -> Result<Sum, Unopened> {
    let dataset = standing.open(&mut Scan(vault)).map_err(unopened)?;
    let mut sum = Sum::default();
    for table in &dataset.manifest().tables {
        search_in(&dataset, table, &mut sum, &mut pseudonyms).map_err(unopened)?;
    }
    Ok(sum)
}

fn search_in(
    dataset: &Dataset,
    table: &minster_store::TableEntry,
    sum: &mut Sum,
    pseudonyms: &mut Option<&mut HashSet<[u8; Pseudonym::LEN]>>,
) -> Result<(), StoreError> {
    let name = format!("{} of {}", table.name, dataset.manifest().dataset);
    // The search reads the values as they rest: a number in a token's place must not become what looks like chance.
    search_table(dataset.table_at_rest(&table.name)?, sum, &name, |batch| {
        if let Some(pseudonyms) = pseudonyms {
            gather(&dataset.with_pseudonyms(batch), pseudonyms);
        }
    })
}

/// Each column is searched by itself: chance in one must not hide a leak in another. Rows are searched for numbers in pieces.
fn search_table(
    reader: TableReader,
    sum: &mut Sum,
    name: &str,
    mut besides: impl FnMut(&RecordBatch),
) -> Result<(), StoreError> {
    let schema = reader.schema();
    let mut names = Places::default();
    search_names(&schema, &mut names);
    sum.add(&names, &format!("names of columns of {name}"));
    let mut searches: Vec<Places> = schema.fields().iter().map(|_| Places::default()).collect();
    let mut rows = Disguised::default();
    for batch in reader {
        let batch = batch?;
        besides(&batch);
        for (column, search) in batch.columns().iter().zip(&mut searches) {
            if search_column(column, search).is_err() {
                search.value(b"");
                sum.unread += 1;
            }
        }
        if search_rows(&batch, &mut rows).is_err() {
            sum.unread += 1;
        }
    }
    for (search, at) in searches.iter().zip(1..) {
        sum.add(search, &format!("column {at} of {name}"));
    }
    sum.add_rows(&rows, &format!("rows of {name}"));
    Ok(())
}

/// The cells of each row that hold text or whole numbers, as they stand beside each other.
fn search_rows(batch: &RecordBatch, rows: &mut Disguised) -> Result<(), ArrowError> {
    let options = FormatOptions::new();
    let is_plain = |column: &&arrow::array::ArrayRef| {
        column.data_type().is_integer()
            || matches!(
                column.data_type(),
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            )
    };
    let columns = batch.columns().iter().filter(is_plain);
    let columns = columns.map(|column| ArrayFormatter::try_new(column, &options));
    let columns: Vec<ArrayFormatter<'_>> = columns.collect::<Result<_, _>>()?;
    let mut line = String::new();
    for row in 0..batch.num_rows() {
        line.clear();
        for column in &columns {
            // A cell's own commas part its words, not its cells.
            let cell = column.value(row).to_string();
            line.push_str(&cell.replace([',', '\n', '\r'], " "));
            line.push(',');
        }
        rows.split(line.as_bytes());
    }
    Ok(())
}

fn search_names(schema: &Schema, search: &mut Places) {
    let of_fields = schema.fields().iter().flat_map(|field| field.metadata());
    for (key, value) in schema.metadata().iter().chain(of_fields) {
        search.value(key.as_bytes());
        search.value(value.as_bytes());
    }
    schema.fields().iter().for_each(|field| search.value(field.name().as_bytes()));
}

fn gather(batch: &RecordBatch, pseudonyms: &mut HashSet<[u8; Pseudonym::LEN]>) {
    for column in batch.columns() {
        if let Some(column) = column.as_fixed_size_binary_opt() {
            let values = column.iter().flatten();
            pseudonyms
                .extend(values.filter_map(|value| <[u8; Pseudonym::LEN]>::try_from(value).ok()));
        }
    }
}

/// Text and bytes as they are; numbers of ten digits as text; what is nested as text.
fn search_column(column: &dyn Array, search: &mut Places) -> Result<(), ArrowError> {
    let mut text = |value: &str| search.value(value.as_bytes());
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().flatten().for_each(text),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().flatten().for_each(text),
        DataType::Utf8View => column.as_string_view().iter().flatten().for_each(text),
        DataType::Binary => {
            column.as_binary::<i32>().iter().flatten().for_each(|value| search.value(value));
        }
        DataType::LargeBinary => {
            column.as_binary::<i64>().iter().flatten().for_each(|value| search.value(value));
        }
        DataType::FixedSizeBinary(_) => {
            let values = column.as_fixed_size_binary().iter().flatten();
            values.for_each(|value| search.value(value));
        }
        DataType::Dictionary(_, _) => {
            return search_column(column.as_any_dictionary().values(), search);
        }
        // None of these can hold ten digits.
        DataType::Null
        | DataType::Boolean
        | DataType::Date32
        | DataType::Int8
        | DataType::Int16
        | DataType::UInt8
        | DataType::UInt16 => {}
        DataType::Int32 => {
            let values = column.as_primitive::<Int32Type>().iter().flatten();
            values.for_each(|value| number(i128::from(value), search));
        }
        DataType::UInt32 => {
            let values = column.as_primitive::<UInt32Type>().iter().flatten();
            values.for_each(|value| number(i128::from(value), search));
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>().iter().flatten();
            values.for_each(|value| number(i128::from(value), search));
        }
        DataType::UInt64 => {
            let values = column.as_primitive::<UInt64Type>().iter().flatten();
            values.for_each(|value| number(i128::from(value), search));
        }
        DataType::Float64 => {
            let whole = |value: &f64| value.fract() == 0.0;
            let values = column.as_primitive::<Float64Type>().iter().flatten().filter(whole);
            values.for_each(|value| number(value as i128, search));
        }
        _ => {
            let formatter = ArrayFormatter::try_new(column, &FormatOptions::new())?;
            (0..column.len()).for_each(|row| text(&formatter.value(row).to_string()));
        }
    }
    Ok(())
}

fn number(value: i128, search: &mut Places) {
    if (1_000_000_000..1_000_000_000_000).contains(&value) {
        search.value(value.to_string().as_bytes());
    }
}

/// Unwraps as a scan, which the vault logs as such; makes nothing.
struct Scan<'a>(&'a mut Client);

impl DatasetKeys for Scan<'_> {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        Err(VaultError::Protocol)
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        self.0.scan_key(dataset, wrapped, run, manifest_sha256)
    }

    fn record(&mut self, _: &RecordedManifest, _: Option<&str>) -> Result<(), VaultError> {
        Err(VaultError::Protocol)
    }

    fn newest(&mut self, purpose: &Purpose) -> Result<NewestManifests, VaultError> {
        self.0.manifests(purpose)
    }

    fn take_over(&mut self, _: &Purpose, _: Vec<RecordedManifest>) -> Result<(), VaultError> {
        Err(VaultError::Protocol)
    }
}

fn unopened(error: StoreError) -> Unopened {
    match error {
        StoreError::Vault(VaultError::Denied(minster_vault_api::Denial::WrongWrapping {
            ..
        })) => Unopened::Broken(error.to_string()),
        // It waits for the program that takes it over.
        StoreError::NotRecorded { fault: ManifestFault::NotTakenOver, .. } => {
            Unopened::NoKey(error.to_string())
        }
        StoreError::Vault(_) | StoreError::Io { .. } => Unopened::NoKey(error.to_string()),
        _ => Unopened::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        ArrayRef, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array, ListArray,
        StringArray, StringViewArray,
    };
    use std::sync::Arc;

    #[test]
    fn every_type_of_column_is_searched() {
        let upn = "Q330400024001";
        let dictionary: DictionaryArray<Int32Type> = vec![upn, upn].into_iter().collect();
        let list =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(9_434_765_919)])]);
        let columns: [ArrayRef; 7] = [
            Arc::new(StringArray::from(vec!["W01", upn])),
            Arc::new(StringViewArray::from(vec![upn])),
            Arc::new(dictionary),
            Arc::new(FixedSizeBinaryArray::try_from_iter([upn.as_bytes()].into_iter()).unwrap()),
            Arc::new(Int64Array::from(vec![9_434_765_919])),
            Arc::new(Float64Array::from(vec![0.5, 9_434_765_919.0])),
            Arc::new(list),
        ];
        for column in columns {
            let mut search = Places::default();
            search_column(&column, &mut search).unwrap();
            let right: u64 = search.plain.findings().iter().map(|finding| finding.right).sum();
            assert_eq!(right, 1, "{}", column.data_type());
        }
    }
}
