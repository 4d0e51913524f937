use std::{
    fs,
    path::{Path, PathBuf},
};

use arrow::datatypes::SchemaRef;
use minster_model::{DatasetRef, KeyVersion, RunId, TableName};
use minster_vault_api::{DataKey, WrappedKey};

use crate::{
    Manifest, Origin, Store, StoreError, TableEntry, TableReader, TableWriter, manifest::FORMAT,
    retention::remove_superseded, table::Text,
};

/// A dataset being written aside. Dropped unpublished, it leaves nothing.
pub struct DatasetWriter {
    store: Store,
    dataset: DatasetRef,
    run: RunId,
    folder: PathBuf,
    key: DataKey,
    wrapped: WrappedKey,
}

impl DatasetWriter {
    pub(crate) fn new(
        store: Store,
        dataset: DatasetRef,
        run: RunId,
        folder: PathBuf,
        key: DataKey,
        wrapped: WrappedKey,
    ) -> Self {
        Self { store, dataset, run, folder, key, wrapped }
    }

    /// Starts one table.
    pub fn table(&self, name: &TableName, schema: SchemaRef) -> Result<TableWriter, StoreError> {
        let path = self.folder.join(format!("{name}.parquet"));
        let file = self.store.disk().create_file(&path)?;
        TableWriter::new(file, path, name, schema, &self.dataset, &self.key)
    }

    /// Adds a file that is not a table: reasons in clear, rows that are already sealed, a report.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.disk().write_file(&self.folder.join(name), bytes)
    }

    /// A file of sealed bytes, written piecemeal; sync it before publishing.
    pub fn sealed(&self, name: &str) -> Result<SealedFile, StoreError> {
        Ok(SealedFile { file: self.store.disk().create_file(&self.folder.join(name))? })
    }

    /// Checks that rows are conserved, writes the manifest and puts the dataset in its place, in one
    /// step for its readers. What it supersedes is removed, at once or as the store's retention says.
    pub fn publish(
        self,
        key_version: KeyVersion,
        key_check: String,
        origin: Origin,
        tables: Vec<TableEntry>,
    ) -> Result<Manifest, StoreError> {
        self.publish_as(key_version, key_check, origin, tables, None)
    }

    pub(crate) fn publish_as(
        self,
        key_version: KeyVersion,
        key_check: String,
        origin: Origin,
        tables: Vec<TableEntry>,
        rekeyed_from: Option<String>,
    ) -> Result<Manifest, StoreError> {
        let manifest = Manifest {
            format: FORMAT,
            dataset: self.dataset.clone(),
            run: self.run.clone(),
            key_version,
            key_check,
            wrapped_key: self.wrapped.clone(),
            origin,
            tables,
            rekeyed_from,
        };
        manifest.check()?;
        let path = self.folder.join("manifest.json");
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| StoreError::Manifest { path: path.clone(), why: error.to_string() })?;
        self.store.disk().write_file(&path, &text)?;
        let place = self.store.place(&self.dataset);
        let version = format!("v-{}", self.run);
        self.store.switch(&self.folder, &place, &version)?;
        match manifest.rekeyed_from {
            // The version before is to be retired: what it could still name goes with it.
            Some(_) => remove_superseded(&place, &version),
            None => drop(self.store.sweep(&place, &version)),
        }
        Ok(manifest)
    }
}

impl Drop for DatasetWriter {
    fn drop(&mut self) {
        // Best effort: the next run sweeps staging too. After publishing the folder is elsewhere.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A file of sealed bytes, beside the tables.
pub struct SealedFile {
    file: crate::disk::DiskFile,
}

impl SealedFile {
    /// Makes it durable.
    pub fn sync(self) -> Result<(), StoreError> {
        self.file.sync()
    }
}

impl std::io::Write for SealedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A dataset that stands, opened with its key.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
    manifest: Manifest,
    sha256: String,
    key: DataKey,
}

impl Dataset {
    pub(crate) fn new(folder: PathBuf, manifest: Manifest, sha256: String, key: DataKey) -> Self {
        Self { folder, manifest, sha256, key }
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// SHA-256 of its manifest.
    pub fn manifest_sha256(&self) -> &str {
        &self.sha256
    }

    /// Opens a table, some of its columns where `columns` names them; refuses one with other rows
    /// than the manifest counts.
    pub fn table(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
    ) -> Result<TableReader, StoreError> {
        self.open(name, columns, Text::Plain)
    }

    /// [`Dataset::table`], with text columns as dictionaries (`Int32` to `Utf8`): for columns of few
    /// categories.
    pub fn table_coded(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
    ) -> Result<TableReader, StoreError> {
        self.open(name, columns, Text::Coded)
    }

    fn open(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
        text: Text,
    ) -> Result<TableReader, StoreError> {
        let dataset = &self.manifest.dataset;
        let Some(entry) = self.manifest.tables.iter().find(|table| table.name == *name) else {
            return Err(StoreError::NoTable { dataset: dataset.clone(), table: name.to_string() });
        };
        let path = self.folder.join(format!("{name}.parquet"));
        TableReader::open(path, entry, columns, text, dataset, &self.key)
    }
}
