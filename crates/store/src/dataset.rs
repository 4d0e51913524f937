use std::path::{Path, PathBuf};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, RunId, TableName};
use minster_vault_api::{DataKey, RunKey, SealedRunKey, Unwrapped, WrappedKey};

use crate::{
    DatasetKeys, DisposalNote, Manifest, Origin, Store, StoreError, TableEntry, TableReader,
    TableWriter,
    files::{self, Finished, HashedFile, MANIFEST},
    locked,
    manifest::FORMAT,
    retention::remove_superseded,
    table::{Lock, RowGroups, Text, refuse_clear},
    tokens, within,
};

/// The dataset before, whose place a dataset takes.
pub(crate) enum Before {
    /// A delivery before, or nothing.
    Delivery,
    /// The same under earlier keys, by the hash of its manifest.
    Rekeyed(String),
    /// The same with rows that were disposed of.
    Disposed(DisposalNote),
}

/// A dataset being written aside. Dropped unpublished, it leaves nothing.
pub struct DatasetWriter {
    store: Store,
    dataset: DatasetRef,
    run: RunId,
    folder: PathBuf,
    key: DataKey,
    wrapped: WrappedKey,
    run_key: Option<SealedRunKey>,
    finished: Finished,
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
        let finished = Finished::default();
        Self { store, dataset, run, folder, key, wrapped, run_key: None, finished }
    }

    /// Says, before any table is begun, that the tables will hold tokens of the run with this key.
    pub fn of_run(mut self, key: SealedRunKey) -> Self {
        self.run_key = Some(key);
        self
    }

    /// Starts one table.
    pub fn table(&self, name: &TableName, schema: SchemaRef) -> Result<TableWriter, StoreError> {
        self.table_of_unique(name, schema, &[])
    }

    /// [`DatasetWriter::table`], some of whose columns have another value in each row: no dictionary is sought for them.
    pub fn table_of_unique(
        &self,
        name: &TableName,
        schema: SchemaRef,
        unique: &[&str],
    ) -> Result<TableWriter, StoreError> {
        let file = format!("{name}.parquet");
        let path = self.folder.join(&file);
        let file = self.create(file)?;
        TableWriter::new(file, path, name, (schema, unique), self.lock())
    }

    fn lock(&self) -> Lock<'_> {
        Lock { dataset: &self.dataset, key: &self.key, run_key: self.run_key.as_ref() }
    }

    /// Adds a file that is not a table, and is encrypted as the tables are: a report with small counts. [`Dataset::read_locked`]
    /// reads it.
    pub fn locked(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let file_name = locked::file_name(name);
        let path = self.folder.join(&file_name);
        locked::write(self.create(file_name)?, &path, name, self.lock(), bytes)
    }

    /// Adds a file that is not a table: reasons in clear, rows that are already sealed.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.sealed(name)?;
        let written = std::io::Write::write_all(&mut file, bytes);
        written.map_err(StoreError::io("write", &self.folder.join(name)))?;
        file.sync()
    }

    /// A file of sealed bytes, written piecemeal; sync it before publishing.
    pub fn sealed(&self, name: &str) -> Result<SealedFile, StoreError> {
        Ok(SealedFile { file: self.create(name.to_owned())? })
    }

    fn create(&self, name: String) -> Result<HashedFile, StoreError> {
        let file = self.store.disk().create_file(&self.folder.join(&name))?;
        Ok(HashedFile::new(file, name, &self.finished))
    }

    /// Checks that rows are conserved, writes the manifest, has it recorded and puts the dataset in its place, in one
    /// step for its readers. The snapshot before it is removed, at once or as the store's retention says.
    ///
    /// # Errors
    /// Where the manifest is not recorded, what stood stands. Stopped after it was recorded, [`Store::settled`] goes on.
    pub fn publish(
        self,
        key_version: KeyVersion,
        key_check: String,
        origin: Origin,
        tables: Vec<TableEntry>,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Manifest, StoreError> {
        self.publish_as((key_version, key_check), origin, tables, Before::Delivery, keys)
    }

    pub(crate) fn publish_as(
        self,
        (key_version, key_check): (KeyVersion, String),
        origin: Origin,
        tables: Vec<TableEntry>,
        before: Before,
        keys: &mut dyn DatasetKeys,
    ) -> Result<Manifest, StoreError> {
        let (rekeyed_from, disposal) = match before {
            Before::Delivery => (None, None),
            Before::Rekeyed(from) => (Some(from), None),
            Before::Disposed(note) => (None, Some(note)),
        };
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
            files: self.finished.all(),
            rekeyed_from,
            program: Some(env!("CARGO_PKG_VERSION").to_owned()),
            disposal,
        };
        manifest.check()?;
        self.check_finished(&manifest)?;
        let path = self.folder.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| StoreError::Manifest { path: path.clone(), why: error.to_string() })?;
        self.store.disk().write_file(&path, &text)?;
        let sha256 = crate::sha256_hex(&text);
        let version = self.store.publish_recorded(&self.folder, &manifest, sha256, keys)?;
        let place = self.store.place(&self.dataset);
        match manifest.carried_from() {
            // The version before is to be retired, or rows were disposed of: what stood before goes with it.
            Some(_) => remove_superseded(self.store.root(), &place, &version),
            // Parts for scored matching are kept for the next match alone.
            None if self.dataset.class == DatasetClass::Linkage => {
                remove_superseded(self.store.root(), &place, &version);
            }
            None => drop(self.store.sweep(&place, &version)),
        }
        Ok(manifest)
    }

    /// A file that was begun and not finished would be named by no manifest.
    fn check_finished(&self, manifest: &Manifest) -> Result<(), StoreError> {
        for path in within::entries(self.store.root(), &self.folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files::entry(manifest, &name)?;
        }
        Ok(())
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
    file: HashedFile,
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
        let unwrapped = keys.unwrap(&manifest.dataset, wrapped, run, &sha256)?;
        let Unwrapped { key, run: run_key } = unwrapped;
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

    /// Whether a file of this name was written by [`DatasetWriter::locked`].
    pub fn has_locked(&self, name: &str) -> bool {
        let file_name = locked::file_name(name);
        self.manifest.files.iter().any(|file| file.name == file_name)
    }

    /// The bytes of a file that was written by [`DatasetWriter::locked`].
    ///
    /// # Errors
    /// [`StoreError::File`] where it is gone or was changed.
    pub fn read_locked(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let file_name = locked::file_name(name);
        let within = (self.root.as_path(), self.folder.as_path());
        let file = files::open(within, &self.manifest, &file_name)?;
        let run_key = self.manifest.run_key.as_ref();
        let lock = Lock { dataset: &self.manifest.dataset, key: &self.key, run_key };
        locked::read(file, &self.folder.join(&file_name), name, lock)
    }

    /// Hashes every file that its manifest names, and looks for others beside them: for an audit.
    ///
    /// # Errors
    /// [`StoreError::File`] for the first that is gone, changed or not named.
    pub fn verify_files(&self) -> Result<(), StoreError> {
        files::verify((&self.root, &self.folder), &self.manifest)
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

    /// [`Dataset::table`], some of its columns, to be read by row groups.
    pub(crate) fn row_groups(
        &self,
        name: &TableName,
        columns: &[&str],
    ) -> Result<RowGroups, StoreError> {
        self.open(name, Some(columns), Text::Plain)
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
        let file_name = format!("{name}.parquet");
        let path = self.folder.join(&file_name);
        let file = files::find((&self.root, &self.folder), &self.manifest, &file_name)?;
        refuse_clear(&file, &path)?;
        // For a table the length is enough; `files.rs` says why.
        files::measure(&file, &self.manifest, &file_name)?;
        let run_key = self.manifest.run_key.as_ref();
        let lock = Lock { dataset, key: &self.key, run_key };
        let cipher = self.run_key.as_ref().map(RunKey::cipher);
        RowGroups::open((&self.root, path, file), entry, columns, text, lock, cipher)
    }
}
