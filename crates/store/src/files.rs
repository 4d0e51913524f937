//! The files of a dataset, as its manifest names them.
//!
//! Each file is hashed as it is written. A reader need not hash a table: Parquet's encryption authenticates the footer, which
//! names every page by its place, and each page with it, under the snapshot's own key, which the manifest alone leads to. So
//! no page of another file, snapshot or place opens, and none can be missing unseen; a reader compares the file's length,
//! which costs nothing. Whatever stands in clear beside the tables is hashed before it is believed, and an audit hashes all.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use minster_model::DatasetRef;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::{Manifest, StoreError, disk::DiskFile, within};

/// The manifest's own file.
pub(crate) const MANIFEST: &str = "manifest.json";

/// A file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name in the dataset's folder.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// The files that a writer has finished.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finished(Arc<Mutex<BTreeMap<String, FileEntry>>>);

impl Finished {
    fn add(&self, entry: FileEntry) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(entry.name.clone(), entry);
    }

    /// By name.
    pub(crate) fn all(&self) -> Vec<FileEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A file of a dataset that is being written, and hashed.
pub(crate) struct HashedFile {
    file: DiskFile,
    name: String,
    bytes: u64,
    digest: Context,
    finished: Finished,
}

impl HashedFile {
    pub(crate) fn new(file: DiskFile, name: String, finished: &Finished) -> Self {
        let (digest, finished) = (Context::new(&SHA256), finished.clone());
        Self { file, name, bytes: 0, digest, finished }
    }

    /// Makes it durable; the manifest will name it.
    pub(crate) fn sync(self) -> Result<(), StoreError> {
        let Self { file, name, bytes, digest, finished } = self;
        file.sync()?;
        finished.add(FileEntry { name, bytes, sha256: hex(digest) });
        Ok(())
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is hashed as it is read.
pub(crate) struct HashingReader {
    file: File,
    digest: Context,
}

impl HashingReader {
    pub(crate) fn new(file: File) -> Self {
        Self { file, digest: Context::new(&SHA256) }
    }

    /// SHA-256 of what was read.
    pub(crate) fn sha256(self) -> String {
        hex(self.digest)
    }
}

impl Read for HashingReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        self.digest.update(&bytes[..read]);
        Ok(read)
    }
}

/// The end of a hash, in hexadecimal.
pub(crate) fn hex(digest: Context) -> String {
    base16ct::lower::encode_string(digest.finish().as_ref())
}

/// The words of a manifest about a file; none where an earlier release wrote it, which named no files.
///
/// # Errors
/// [`StoreError::File`] where the manifest does not name the file.
pub(crate) fn entry<'a>(
    manifest: &'a Manifest,
    name: &str,
) -> Result<Option<&'a FileEntry>, StoreError> {
    if !manifest.names_files() {
        return Ok(None);
    }
    match manifest.files.iter().find(|file| file.name == name) {
        Some(file) => Ok(Some(file)),
        None => Err(fault(&manifest.dataset, name, "is none of those that its manifest names")),
    }
}

/// Opens a file of a dataset.
///
/// # Errors
/// [`StoreError::File`] where it is gone.
pub(crate) fn find(
    (root, folder): (&Path, &Path),
    manifest: &Manifest,
    name: &str,
) -> Result<File, StoreError> {
    match within::file(root, &folder.join(name)) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(fault(&manifest.dataset, name, "is gone"))
        }
        other => other,
    }
}

/// Compares a file's length with the manifest's.
///
/// # Errors
/// [`StoreError::File`] where it has another, or the manifest does not name it.
pub(crate) fn measure(file: &File, manifest: &Manifest, name: &str) -> Result<(), StoreError> {
    let Some(entry) = entry(manifest, name)? else { return Ok(()) };
    let bytes = file.metadata().map_err(StoreError::io("read", Path::new(name)))?.len();
    match bytes == entry.bytes {
        true => Ok(()),
        false => {
            let what = "does not have the length that its manifest says";
            Err(fault(&manifest.dataset, name, what))
        }
    }
}

/// Opens a file of a dataset, and compares its length.
///
/// # Errors
/// [`StoreError::File`] where it is gone, or has another length.
pub(crate) fn open(
    within: (&Path, &Path),
    manifest: &Manifest,
    name: &str,
) -> Result<File, StoreError> {
    let file = find(within, manifest, name)?;
    measure(&file, manifest, name)?;
    Ok(file)
}

/// Compares a hash with the manifest's.
///
/// # Errors
/// [`StoreError::File`] where it is another.
pub(crate) fn compare(manifest: &Manifest, name: &str, sha256: &str) -> Result<(), StoreError> {
    match entry(manifest, name)? {
        Some(entry) if entry.sha256 != sha256 => {
            Err(fault(&manifest.dataset, name, "is not the one that its manifest names"))
        }
        _ => Ok(()),
    }
}

/// The bytes of a file that is not large, hashed before they are given.
///
/// # Errors
/// [`StoreError::File`] where they are not those that the manifest names.
pub(crate) fn read(
    within: (&Path, &Path),
    manifest: &Manifest,
    name: &str,
) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let mut file = open(within, manifest, name)?;
    file.read_to_end(&mut bytes).map_err(StoreError::io("read", &within.1.join(name)))?;
    compare(manifest, name, &crate::sha256_hex(&bytes))?;
    Ok(bytes)
}

/// Hashes every file that a manifest names, and looks for others beside them: for an audit.
///
/// # Errors
/// [`StoreError::File`] for the first that is gone, changed or not named.
pub(crate) fn verify(
    (root, folder): (&Path, &Path),
    manifest: &Manifest,
) -> Result<(), StoreError> {
    if !manifest.names_files() {
        return Ok(());
    }
    for FileEntry { name, .. } in &manifest.files {
        let mut reader = HashingReader::new(open((root, folder), manifest, name)?);
        let unread = StoreError::io("read", &folder.join(name));
        io::copy(&mut reader, &mut io::sink()).map_err(unread)?;
        compare(manifest, name, &reader.sha256())?;
    }
    for path in within::entries(root, folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name != MANIFEST {
            entry(manifest, &name)?;
        }
    }
    Ok(())
}

fn fault(dataset: &DatasetRef, file: &str, what: &'static str) -> StoreError {
    StoreError::File { dataset: dataset.clone(), file: file.to_owned(), what }
}
