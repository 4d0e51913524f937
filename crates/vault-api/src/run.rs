//! A run's declaration, its grant and its requests.

use std::fmt;

use minster_model::{KeyVersion, Period, Purpose, RunId, SourceName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{SealedRunKey, bounds};

/// The declaration of a run, before it may ask for pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunManifest {
    /// The run.
    pub run: RunId,
    /// The purpose.
    pub purpose: Purpose,
    /// The source it ingests.
    pub source: SourceName,
    /// The delivery's period.
    pub period: Period,
    /// The files that it is to read.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub inputs: Vec<NamedFile>,
    /// How many distinct identifiers it will ask for at most.
    pub ceiling: u64,
}

/// A file that a run is to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedFile {
    /// The file's name inside its drop folder.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::NAME }>")]
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A file that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The file's name inside its drop folder.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::NAME }>")]
    pub name: String,
    /// Its SHA-256, in hexadecimal.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl InputFile {
    /// Whether it is this file, of this length.
    pub fn is(&self, named: &NamedFile) -> bool {
        self.name == named.name && self.bytes == named.bytes
    }
}

/// The vault's grant to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedRun {
    /// The version of the purpose's keys.
    pub key_version: KeyVersion,
    /// A value that shows which key made the pseudonyms and reveals nothing of it.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub key_check: String,
    /// How many identifiers the run may ask for.
    pub ceiling: u64,
    /// How many mistyped numbers it may have repaired.
    pub repairs: u64,
    /// The age recipient to which quarantined rows are sealed.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub recipient: String,
    /// The key of the run's tokens, sealed: it goes into the manifest of the dataset.
    pub run_key: SealedRunKey,
}

/// Many identifiers of one kind, end to end.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierBatch {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::BATCH }>")]
    ends: Vec<u32>,
}

impl IdentifierBatch {
    /// Adds one identifier.
    pub fn push(&mut self, identifier: &[u8]) {
        self.bytes.extend_from_slice(identifier);
        // A frame is bounded far below u32::MAX; `frame::write` refuses what is longer.
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all identifiers together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the ends are ascending and cover the bytes: to be asked of a batch that came over
    /// the socket before it is iterated.
    pub fn is_well_formed(&self) -> bool {
        let mut before = 0;
        self.ends.iter().all(|&end| std::mem::replace(&mut before, end) <= end)
            && before as usize == self.bytes.len()
    }

    /// The identifiers in order. One whose ends do not fit reads as empty.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let end = end as usize;
            self.bytes.get(std::mem::replace(&mut start, end)..end).unwrap_or_default()
        })
    }
}

impl Drop for IdentifierBatch {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for IdentifierBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentifierBatch({} identifiers)", self.len())
    }
}
