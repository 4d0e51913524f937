use std::path::{Path, PathBuf};

use minster_vault_api::ReleaseRules;
use serde_json::Value;

use crate::{Store, StoreError, files, retention::remove_superseded, within};

/// A release that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its folder.
    pub folder: PathBuf,
    /// SHA-256 over its files' names and bytes.
    pub sha256: String,
}

impl Release {
    /// SHA-256 over files' names and bytes: the same files are the same release.
    pub fn sha256_of(files: &[(String, Vec<u8>)]) -> String {
        content_hash(files)
    }

    /// The rules that a release says it was protected by, from the bytes of its `manifest.json`; none where it says none.
    pub fn rules(manifest: &[u8]) -> Option<ReleaseRules> {
        let manifest: Value = serde_json::from_slice(manifest).ok()?;
        let policy = &manifest["policy"];
        let method = match &policy["method"] {
            Value::String(method) => method,
            // With a base.
            Value::Object(method) => method.keys().next()?,
            _ => return None,
        };
        Some(ReleaseRules {
            threshold: policy["threshold"].as_u64()?,
            zeros: serde_json::from_value(policy["zeros"].clone()).ok()?,
            insider: policy["insider"].as_u64()?,
            p_percent: match &policy["p_percent"] {
                Value::Null => None,
                percent => Some(u32::try_from(percent.as_u64()?).ok()?),
            },
            method: method.clone(),
        })
    }

    /// The files of a release as its manifest lists them, in the order of its hash. A release of before format 3 has CSV and
    /// Parquet alone. None where one is missing or the manifest cannot be read.
    pub fn files_in(folder: &Path) -> Option<Vec<(String, Vec<u8>)>> {
        Self::files_by(|name| std::fs::read(folder.join(name)).ok())
    }

    fn files_by(bytes_of: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<(String, Vec<u8>)>> {
        let read = |name: String| {
            let is_plain = !name.contains('/');
            let bytes = is_plain.then(|| bytes_of(&name))??;
            Some((name, bytes))
        };
        let manifest = read("manifest.json".to_owned())?;
        let listed: serde_json::Value = serde_json::from_slice(&manifest.1).ok()?;
        let name = |of: &serde_json::Value| of["name"].as_str().map(str::to_owned);
        let mut files = Vec::new();
        for table in listed["tables"].as_array()? {
            let table = name(table)?;
            files.push(read(format!("{table}.csv"))?);
            files.push(read(format!("{table}.parquet"))?);
        }
        for file in listed["files"].as_array().into_iter().flatten() {
            files.push(read(name(file)?)?);
        }
        files.push(manifest);
        Some(files)
    }

    /// A release's files, where they are those that were let out: no fewer, no more, and with the release's hash. No link is
    /// followed.
    ///
    /// # Errors
    /// [`StoreError::OtherRelease`] where they are not.
    pub fn verified_files(&self, store: &Store) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let read = |name: &str| within::read(store.root(), &self.folder.join(name)).ok();
        let files = Self::files_by(read).unwrap_or_default();
        let there = within::entries(store.root(), &self.folder)?.len();
        match there == files.len() && content_hash(&files) == self.sha256 {
            true => Ok(files),
            false => Err(StoreError::OtherRelease { path: self.folder.clone() }),
        }
    }

    pub(crate) fn publish(
        store: &Store,
        place: &Path,
        files: &[(String, Vec<u8>)],
    ) -> Result<Self, StoreError> {
        let sha256 = content_hash(files);
        let version = format!("r-{}", &sha256[..32]);
        within::check(store.root(), place)?;
        if holds_files(&place.join(&version), files) {
            store.disk().switch_link(&place.join("current"), &version)?;
            remove_superseded(store.root(), place, &version);
            return Ok(Self { folder: place.join(version), sha256 });
        }
        let staged = store.staging().join(format!("release.{}", &sha256[..16]));
        if staged.exists() {
            within::remove_all(store.root(), &staged)?;
        }
        store.disk().create_folders(&staged)?;
        for (name, bytes) in files {
            store.disk().write_file(&staged.join(name), bytes)?;
        }
        let folder = store.switch(&staged, place, &version)?;
        remove_superseded(store.root(), place, &version);
        Ok(Self { folder, sha256 })
    }
}

/// Whether the folder holds exactly these files: the release published before.
fn holds_files(folder: &Path, files: &[(String, Vec<u8>)]) -> bool {
    let whole = |(name, bytes): &(String, Vec<u8>)| {
        std::fs::read(folder.join(name)).is_ok_and(|published| published == *bytes)
    };
    std::fs::read_dir(folder).is_ok_and(|entries| entries.count() == files.len())
        && files.iter().all(whole)
}

fn content_hash(files: &[(String, Vec<u8>)]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for (name, bytes) in files {
        for part in [name.as_bytes(), bytes.as_slice()] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
    }
    files::hex(context)
}
