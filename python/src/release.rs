//! The folder of a release: each file is there, is the one that the manifest names, and no other stands beside it.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    manifest::{Manifest, NAME, hex},
    table::Table,
};

/// A file of a release is smaller than this many bytes: a stranger's folder cannot fill the memory.
const LARGEST_FILE: u64 = 1 << 30;

/// Why a folder is not opened as a release. It names no value of a table.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {source}{advice}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
        /// The next step.
        advice: &'static str,
    },
    /// A file is larger than any of a release.
    #[error("{0} is larger than a file of a release may be, which is 1 GiB")]
    Large(PathBuf),
    /// The manifest is none.
    #[error("the release's manifest.json is not to be trusted: {0}")]
    Manifest(String),
    /// A file is another than the one that was released.
    #[error(
        "{name} is not the file that was released: its hash is another than the manifest's; fetch the release's folder again"
    )]
    Changed {
        /// The file.
        name: String,
    },
    /// A file stands there that the release does not have.
    #[error("{name} is no file of the release, and stands in its folder: take it away")]
    More {
        /// The file.
        name: String,
    },
    /// The release is another than the caller expects, or than its folder's name says.
    #[error(
        "the release's hash begins with {found}, and {place} says {expected}: it is another release, or was changed"
    )]
    Other {
        /// The start of its hash.
        found: String,
        /// The start of the hash that was expected.
        expected: String,
        /// The place that says so.
        place: &'static str,
    },
    /// A table's file cannot be used.
    #[error("the table {table}: {what}")]
    Table {
        /// The table.
        table: String,
        /// The fault.
        what: String,
    },
}

/// A release whose files are those that its manifest names.
pub(crate) struct Release {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
    /// Over all files and their names: the hash that `minster` prints and the vault's log has.
    pub(crate) sha256: String,
    pub(crate) tables: Vec<Table>,
}

/// Opens the folder of a release and compares all that is in it with its manifest.
///
/// # Errors
/// A [`Fault`] where anything is missing, changed or more.
pub(crate) fn open(folder: &Path, expected: Option<&str>) -> Result<Release, Fault> {
    let missing = "; name the folder that has the release's manifest.json";
    let folder = fs::canonicalize(folder).map_err(|source| Fault::Read {
        path: folder.to_owned(),
        source,
        advice: missing,
    })?;
    let manifest_bytes = read(&folder, NAME, missing)?;
    let manifest = Manifest::parse(&manifest_bytes)?;
    let mut named: BTreeSet<&str> = manifest.files.iter().map(|(name, _)| name.as_str()).collect();
    named.insert(NAME);
    nothing_more(&folder, &named)?;
    let (mut whole, mut parquet) = (Sha256::new(), Vec::new());
    for (name, hash) in &manifest.files {
        let bytes = read(&folder, name.as_str(), "; copy the release's folder whole")?;
        if !hash.is_of(&bytes) {
            return Err(Fault::Changed { name: name.as_str().to_owned() });
        }
        add(&mut whole, name.as_str(), &bytes);
        if name.as_str().ends_with(".parquet") {
            parquet.push(bytes);
        }
    }
    add(&mut whole, NAME, &manifest_bytes);
    let sha256 = hex(&whole.finalize());
    let of_folder = folder.file_name().and_then(|name| name.to_str()?.strip_prefix("r-"));
    for (said, place) in [(of_folder, "its folder's name"), (expected, "`sha256`")] {
        let Some(said) = said else { continue };
        if said.len() < 32 || !sha256.starts_with(said) {
            let start = |text: &str| text.chars().take(32).collect();
            return Err(Fault::Other { found: start(&sha256), expected: start(said), place });
        }
    }
    let tables = manifest.tables.iter().zip(parquet);
    let tables = tables.map(|(entry, bytes)| Table::read(&manifest, entry, bytes.into()));
    let tables = tables.collect::<Result<_, _>>()?;
    Ok(Release { folder, manifest, sha256, tables })
}

/// Each name and each file with its length before it, so that no two releases have one hash.
fn add(whole: &mut Sha256, name: &str, bytes: &[u8]) {
    for part in [name.as_bytes(), bytes] {
        whole.update((part.len() as u64).to_le_bytes());
        whole.update(part);
    }
}

fn nothing_more(folder: &Path, named: &BTreeSet<&str>) -> Result<(), Fault> {
    let failed = |source| Fault::Read { path: folder.to_owned(), source, advice: "" };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !named.contains(name.as_str()) {
            return Err(Fault::More { name });
        }
    }
    Ok(())
}

/// A file's bytes. It must be a file, and no link to one elsewhere.
fn read(folder: &Path, name: &str, advice: &'static str) -> Result<Vec<u8>, Fault> {
    let path = folder.join(name);
    let failed = |source| Fault::Read { path: path.clone(), source, advice };
    let is_file = fs::symlink_metadata(&path).map_err(failed)?.is_file();
    if !is_file {
        return Err(failed(std::io::Error::other("it is no file")));
    }
    let file = fs::File::open(&path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > LARGEST_FILE {
        true => Err(Fault::Large(path)),
        false => Ok(bytes),
    }
}
