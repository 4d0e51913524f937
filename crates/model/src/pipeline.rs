//! `pipeline.toml`: what one run reads, for which purpose, and where it writes. Shared by
//! `minster` and `minster-ingest`; paths are relative to the file's own folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Period, Purpose, SourceName};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The purpose the run pseudonymises for.
    pub purpose: Purpose,
    /// The period of the integrated dataset and the release.
    pub period: Period,
    /// Where the vault listens.
    pub vault: VaultAddress,
    /// The folder of datasets, quarantine, reports and releases.
    pub store: PathBuf,
    /// The folder of source definitions (`*.toml`).
    pub definitions: PathBuf,
    /// The matching definition (`matching.toml`).
    pub matching: PathBuf,
    /// The folder of table definitions (`*.toml`).
    pub tables: PathBuf,
    /// Threads for parsing and hashing; all cores where absent.
    #[serde(default)]
    pub threads: Option<usize>,
    /// The deliveries to read.
    #[serde(rename = "source")]
    pub sources: Vec<Delivery>,
    /// Code lists and look-ups that are data of the council: name to CSV file.
    #[serde(default)]
    pub lookups: std::collections::BTreeMap<String, PathBuf>,
}

fn tidy(path: &std::path::Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir if tidied.file_name().is_some() => {
                tidied.pop();
            }
            component => tidied.push(component),
        }
    }
    tidied
}

/// Where the vault listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VaultAddress {
    /// The Unix socket's path.
    pub socket: PathBuf,
}

/// One delivery of one source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The source, as its definition names it.
    pub name: SourceName,
    /// What it covers.
    pub period: Period,
    /// The drop folder. Every file in it must be listed by the definition.
    pub folder: PathBuf,
    /// What stands in its pupil-number columns, where that differs from the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<IdentifierRule>,
}

/// What stands in a pupil-number column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierRule {
    /// Pupil numbers with right check letters.
    #[default]
    Strict,
    /// Whatever identifier the supplier gives; its shape is not checked.
    Opaque,
}

impl Pipeline {
    /// Makes every path absolute against the folder that the file stands in; `..` is taken as written,
    /// so the folder itself should hold no link.
    pub fn resolve(mut self, folder: &std::path::Path) -> Self {
        let paths = [
            &mut self.vault.socket,
            &mut self.store,
            &mut self.definitions,
            &mut self.matching,
            &mut self.tables,
        ];
        let deliveries = self.sources.iter_mut().map(|delivery| &mut delivery.folder);
        for path in paths.into_iter().chain(deliveries).chain(self.lookups.values_mut()) {
            *path = tidy(&folder.join(&path));
        }
        self
    }
}
