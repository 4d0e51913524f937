//! The manifest of a release: which files it has, and the hash of each.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::release::Fault;

/// The file's name.
pub(crate) const NAME: &str = "manifest.json";
/// The formats of a manifest that are understood.
const FORMATS: std::ops::RangeInclusive<u64> = 1..=4;

/// A manifest that was read.
pub(crate) struct Manifest {
    pub(crate) release: String,
    pub(crate) period: String,
    pub(crate) title: String,
    /// The statuses that its tables may have.
    pub(crate) statuses: BTreeSet<String>,
    /// Its tables, in their order.
    pub(crate) tables: Vec<TableEntry>,
    /// Every file but the manifest, in the order of the release's hash.
    pub(crate) files: Vec<(FileName, Sha256Hex)>,
    /// The hash of the manifest without the Parquet files' hashes, as these files name it.
    pub(crate) own_sha256: String,
    /// The text.
    pub(crate) text: String,
}

/// A table, as the manifest has it.
pub(crate) struct TableEntry {
    pub(crate) name: String,
    pub(crate) title: String,
}

/// A file's name that stands in the release's own folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName(String);

impl FileName {
    fn parse(text: &str) -> Result<Self, Fault> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let plain = text.chars().all(allowed) && !text.starts_with('.') && !text.is_empty();
        match plain && text.len() <= 255 {
            true => Ok(Self(text.to_owned())),
            false => Err(Fault::Manifest("a file's name is none that a release has".into())),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A hash, as text.
#[derive(PartialEq, Eq)]
pub(crate) struct Sha256Hex(String);

impl Sha256Hex {
    fn parse(text: &str) -> Result<Self, Fault> {
        let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        match text.len() == 64 && text.chars().all(digit) {
            true => Ok(Self(text.to_owned())),
            false => {
                Err(Fault::Manifest("a hash is no SHA-256 in 64 small letters and digits".into()))
            }
        }
    }

    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        self.0 == sha256(bytes)
    }
}

/// The hash of bytes, as text.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Manifest {
    /// Reads the manifest.
    ///
    /// # Errors
    /// [`Fault::Manifest`] where it is none of a known format, or names a hash of itself that is another.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::Manifest(what.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is no text"))?;
        let json: Value = serde_json::from_str(text)
            .map_err(|fault| wrong(&format!("it is no JSON: {fault}")))?;
        let format = json["format"].as_u64().ok_or_else(|| wrong("it names no format"))?;
        if !FORMATS.contains(&format) {
            return Err(wrong(&format!(
                "its format is {format}, and this package reads {} to {}: install a newer one",
                FORMATS.start(),
                FORMATS.end()
            )));
        }
        let listed = |key: &str| json[key].as_array().cloned();
        let (mut tables, mut files) = (Vec::new(), Vec::new());
        for table in listed("tables").ok_or_else(|| wrong("it lists no tables"))? {
            let name = word(&table, "name")?;
            for kind in ["csv", "parquet"] {
                let hash = Sha256Hex::parse(&word(&table, &format!("{kind}_sha256"))?)?;
                files.push((FileName::parse(&format!("{name}.{kind}"))?, hash));
            }
            tables.push(TableEntry { name, title: word(&table, "title")? });
        }
        // Before format 3 a release had CSV and Parquet alone.
        for file in listed("files").into_iter().flatten() {
            let name = FileName::parse(&word(&file, "name")?)?;
            files.push((name, Sha256Hex::parse(&word(&file, "sha256")?)?));
        }
        let names: BTreeSet<&FileName> = files.iter().map(|(name, _)| name).collect();
        if names.len() < files.len() || names.iter().any(|name| name.as_str() == NAME) {
            return Err(wrong("it names a file twice"));
        }
        let statuses = json["status"].as_object().ok_or_else(|| wrong("it lists no statuses"))?;
        let own_sha256 = word(&json, "sha256_without_parquet")?;
        if without_parquet(&json) != own_sha256 {
            return Err(wrong(
                "it was changed since the release was made: its own hash is another",
            ));
        }
        Ok(Self {
            release: word(&json, "release")?,
            period: word(&json, "period")?,
            title: word(&json, "title")?,
            statuses: statuses.keys().cloned().collect(),
            tables,
            files,
            own_sha256,
            text: text.to_owned(),
        })
    }
}

/// The hash of the manifest in one line, as it was before it named the Parquet files.
fn without_parquet(manifest: &Value) -> String {
    let mut before = manifest.clone();
    if let Some(all) = before.as_object_mut() {
        all.shift_remove("sha256_without_parquet");
    }
    for table in before["tables"].as_array_mut().into_iter().flatten() {
        if let Some(of) = table.as_object_mut() {
            of.shift_remove("parquet_sha256");
        }
    }
    sha256(before.to_string().as_bytes())
}

fn word(object: &Value, key: &str) -> Result<String, Fault> {
    let text = object[key].as_str().map(str::to_owned);
    text.ok_or_else(|| Fault::Manifest(format!("it has no text `{key}` where one belongs")))
}
