use std::path::{Path, PathBuf};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, RunId, TableName};
use minster_vault_api::{DataKey, RunKey, SealedRunKey, Unwrapped, WrappedKey};

use crate::{
    DatasetKeys, Manifest, Origin, Store, StoreError, TableEntry, TableReader, TableWriter,
    manifest::FORMAT,
    retention::remove_superseded,
    table::{Lock, RowGroups, Text},
    tokens, within,
};

/// A dataset being written aside. Dropped unpublished, it leaves nothing.
pub struct DatasetWriter {
    store: Store,
    dataset: DatasetRef,
    run: RunId,
    folder: PathBuf,
    key: DataKey,
    wrapped: WrappedKey,
    run_key: Option<SealedRunKey>,
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
        Self { store, dataset, run, folder, key, wrapped, run_key: None }
    }

    /// Says, before any table is begun, that the tables will hold tokens of the run with this key.
    pub fn of_run(mut self, key: SealedRunKey) -> Self {
        self.run_key = Some(key);
        self
    }

    /// Starts one table.
    pub fn table(&self, name: &TableName, schema: SchemaRef) -> Result<TableWriter, StoreError> {
        let path = self.folder.join(format!("{name}.parquet"));
        let file = self.store.disk().create_file(&path)?;
        let lock = Lock { dataset: &self.dataset, key: &self.key, run_key: self.run_key.as_ref() };
        TableWriter::new(file, path, name, schema, lock)
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
    /// step for its readers. The snapshot before it is removed, at once or as the store's retention says.
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
            run_key: self.run_key.clone(),
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
        // A name that was used before is not used again: what stands is superseded, not overwritten.
        let names = std::iter::once(format!("v-{}", self.run));
        let others = (2u64..).map(|next| format!("v-{}-{next}", self.run));
        let is_free = |name: &String| !place.join(name).exists();
        let version = names.chain(others).find(is_free).unwrap_or_default();
        self.store.switch(&self.folder, &place, &version)?;
        match manifest.rekeyed_from {
            // The version before is to be retired: what it could still name goes with it.
            Some(_) => remove_superseded(self.store.root(), &place, &version),
            // Parts for scored matching are kept for the next match alone.
            None if self.dataset.class == DatasetClass::Linkage => {
                remove_superseded(self.store.root(), &place, &version);
            }
            None => drop(self.store.sweep(&place, &version)),
        }
        Ok(manifest)
    }
}

impl Drop for DatasetWriter {
    fn drop(&mut self) {
        // Best effort: the next run sweeps staging too. After publishing the folder is elsewhere.
        let _ = within::remove_all(self.store.root(), &self.folder);
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
    root: PathBuf,
    folder: PathBuf,
    manifest: Manifest,
    sha256: String,
    key: DataKey,
    run_key: Option<RunKey>,
}

impl Dataset {
    pub(crate) fn open_with(
        (root, folder): (&Path, PathBuf),
        manifest: Manifest,
        sha256: String,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Self, StoreError> {
        let (wrapped, run) = (&manifest.wrapped_key, manifest.run_key.as_ref());
        let Unwrapped { key, run: run_key } = keys.unwrap(&manifest.dataset, wrapped, run)?;
        Ok(Self { root: root.to_owned(), folder, manifest, sha256, key, run_key })
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The store's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// SHA-256 of its manifest.
    pub fn manifest_sha256(&self) -> &str {
        &self.sha256
    }

    /// The key of the run whose tokens its tables hold.
    pub(crate) fn run_key(&self) -> Option<&RunKey> {
        self.run_key.as_ref()
    }

    /// Opens a table, some of its columns where `columns` names them; refuses one with other rows
    /// than the manifest counts. Tokens are turned back into pseudonyms as they are read.
    pub fn table(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
    ) -> Result<TableReader, StoreError> {
        self.open(name, columns, Text::Plain)?.all()
    }

    /// [`Dataset::table`], with text columns as dictionaries (`Int32` to `Utf8`): for columns of few
    /// categories.
    pub fn table_coded(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
    ) -> Result<TableReader, StoreError> {
        self.open(name, columns, Text::Coded)?.all()
    }

    /// [`Dataset::table_coded`], to be read by row groups, several at the same time.
    pub fn row_groups_coded(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
    ) -> Result<RowGroups, StoreError> {
        self.open(name, columns, Text::Coded)
    }

    /// [`Dataset::table`] as it rests: with tokens where it holds tokens.
    pub fn table_at_rest(&self, name: &TableName) -> Result<TableReader, StoreError> {
        Ok(self.open(name, None, Text::Plain)?.all()?.at_rest())
    }

    /// A batch that was read as it rests, with pseudonyms.
    pub fn with_pseudonyms(&self, batch: &RecordBatch) -> RecordBatch {
        match &self.run_key {
            Some(key) => tokens::to_pseudonyms(&key.cipher(), batch),
            None => batch.clone(),
        }
    }

    fn open(
        &self,
        name: &TableName,
        columns: Option<&[&str]>,
        text: Text,
    ) -> Result<RowGroups, StoreError> {
        let dataset = &self.manifest.dataset;
        let Some(entry) = self.manifest.tables.iter().find(|table| table.name == *name) else {
            return Err(StoreError::NoTable { dataset: dataset.clone(), table: name.to_string() });
        };
        let path = self.folder.join(format!("{name}.parquet"));
        let run_key = self.manifest.run_key.as_ref();
        let lock = Lock { dataset, key: &self.key, run_key };
        let cipher = self.run_key.as_ref().map(RunKey::cipher);
        RowGroups::open((&self.root, path), entry, columns, text, lock, cipher)
    }
}
