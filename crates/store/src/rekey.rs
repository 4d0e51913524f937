//! Carries a dataset over to a new version of its purpose's keys: every pseudonym is replaced by its
//! successor, batch by batch, and the whole is encrypted under a new dataset key. Where tokens stood for pseudonyms,
//! tokens of the same run stand for their successors.

use std::{
    collections::{HashMap, HashSet},
    fs,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, RecordBatch},
    datatypes::DataType,
};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Pseudonym, RunId, TableName};

use minster_vault_api::RunKey;

use crate::{
    Dataset, DatasetKeys, DatasetWriter, Manifest, Store, StoreError, TableEntry,
    dataset::Before,
    files::{self, HashingReader, MANIFEST},
    locked, tokens,
};

/// The successors of one version's pseudonyms.
pub struct Successors {
    /// The version that they are of.
    pub version: KeyVersion,
    /// The version's check value.
    pub key_check: String,
    /// The pseudonyms of the version before, and who follows each.
    pub pairs: HashMap<Pseudonym, Pseudonym>,
}

/// A dataset that was carried over.
#[derive(Debug)]
pub struct CarriedOver {
    /// Its new manifest.
    pub manifest: Manifest,
    /// How many different ids and match keys stay as they are: linking made them itself, of no key, and none follows. Only
    /// an integrated dataset has such ones.
    pub stayed: usize,
}

impl Store {
    /// Replaces a dataset that stands by the same under other pseudonyms, in one step for its readers.
    /// Killed at any moment, the old one or the new one stands. The caller holds the run lock, and
    /// unwraps and makes keys of all classes, as the vault's linker does.
    ///
    /// # Errors
    /// [`StoreError::NoSuccessor`] where a pseudonym is in no pair; the old dataset stands.
    pub fn rekey(
        &self,
        dataset: &DatasetRef,
        run: &RunId,
        successors: &Successors,
        keys: &mut dyn DatasetKeys,
    ) -> Result<CarriedOver, StoreError> {
        let old = self.dataset(dataset, keys)?;
        let (key, wrapped) = keys.create(dataset)?;
        let mut writer = self.stage(dataset, run, key, wrapped)?;
        if let Some(run_key) = &old.manifest().run_key {
            writer = writer.of_run(run_key.clone());
        }
        let (mut tables, mut stayed) = (Vec::new(), HashSet::new());
        for table in &old.manifest().tables {
            let carried = carry_over(&old, &table.name, &writer, successors, &mut stayed)?;
            let (key, columns) = (table.key.clone(), table.columns.clone());
            tables.push(TableEntry { key, columns, ..carried });
        }
        carry_files(&old, &writer, |_| true)?;
        let manifest = writer.publish_as(
            (successors.version, successors.key_check.clone()),
            old.manifest().origin.clone(),
            tables,
            Before::Rekeyed(old.manifest_sha256().to_owned()),
            keys,
        )?;
        Ok(CarriedOver { manifest, stayed: stayed.len() })
    }
}

fn carry_over(
    old: &Dataset,
    name: &TableName,
    writer: &DatasetWriter,
    successors: &Successors,
    stayed: &mut HashSet<Pseudonym>,
) -> Result<TableEntry, StoreError> {
    let reader = old.table(name, None)?;
    let schema = reader.schema();
    let cipher = old.run_key().map(RunKey::cipher);
    let linked = old.manifest().dataset.class == DatasetClass::Integrated;
    let mut table = writer.table(name, Arc::clone(&schema))?;
    let none =
        || StoreError::NoSuccessor { dataset: old.manifest().dataset.clone(), table: name.clone() };
    for batch in reader {
        let batch = batch?;
        let columns = batch.columns().iter();
        let columns: Option<Vec<ArrayRef>> = columns
            .map(|column| succeeded(column, successors, linked.then_some(&mut *stayed)))
            .collect();
        let columns = columns.ok_or_else(none)?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(|_| none())?;
        match &cipher {
            Some(cipher) => table.write(&tokens::to_tokens(cipher, &batch))?,
            None => table.write(&batch)?,
        }
    }
    table.finish()
}

/// A column of sixteen bytes holds pseudonyms, and nothing else does; other columns stay. Among children who were linked,
/// one without any number has an id that no key made: it has no successor, stays until the next linking, and is put into
/// `stayed`. A dataset without `stayed` has no such ids.
fn succeeded(
    column: &ArrayRef,
    successors: &Successors,
    mut stayed: Option<&mut HashSet<Pseudonym>>,
) -> Option<ArrayRef> {
    let width = Pseudonym::LEN as i32;
    if *column.data_type() != DataType::FixedSizeBinary(width) {
        return Some(Arc::clone(column));
    }
    let old = column.as_fixed_size_binary();
    let mut new = FixedSizeBinaryBuilder::with_capacity(old.len(), width);
    for row in 0..old.len() {
        if old.is_null(row) {
            new.append_null();
        } else {
            let bytes = old.value(row).try_into().ok()?;
            let old = Pseudonym::from_bytes(bytes);
            let successor = match successors.pairs.get(&old) {
                Some(successor) => *successor,
                None => {
                    stayed.as_deref_mut()?.insert(old);
                    old
                }
            };
            new.append_value(successor.as_bytes()).ok()?;
        }
    }
    Some(Arc::new(new.finish()))
}

/// The files beside the tables of a dataset: of those that its manifest names, or where an earlier release wrote that, of those that
/// are there.
pub(crate) fn beside_tables(old: &Dataset) -> Result<Vec<String>, StoreError> {
    let failed = || StoreError::io("read the folder", old.folder());
    let mut names: Vec<String> =
        old.manifest().files.iter().map(|file| file.name.clone()).collect();
    if names.is_empty() {
        for entry in fs::read_dir(old.folder()).map_err(failed())? {
            let name = entry.map_err(failed())?.file_name();
            names.extend(name.to_str().map(str::to_owned));
        }
    }
    names.retain(|name| name != MANIFEST && !name.ends_with(".parquet"));
    Ok(names)
}

/// The files beside the tables: reasons and sealed rows of the quarantine, reports.
pub(crate) fn carry_files(
    old: &Dataset,
    writer: &DatasetWriter,
    stays: impl Fn(&str) -> bool,
) -> Result<(), StoreError> {
    let folder = old.folder();
    for name in beside_tables(old)? {
        let (name, path) = (name.as_str(), folder.join(&name));
        if !stays(name) {
            continue;
        }
        if let Some(locked) = locked::name_of(name) {
            writer.locked(locked, &old.read_locked(locked)?)?;
            continue;
        }
        // One that its manifest names and that is gone is an error here: the new manifest would not miss it.
        let from = files::open((old.root(), folder), old.manifest(), name)?;
        let mut from = HashingReader::new(from);
        let mut to = writer.sealed(name)?;
        std::io::copy(&mut from, &mut to).map_err(StoreError::io("copy", &path))?;
        files::compare(old.manifest(), name, &from.sha256())?;
        to.sync()?;
    }
    Ok(())
}
