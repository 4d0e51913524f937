//! A run's declaration, its grant and its requests.

use std::fmt;

use minster_model::{KeyVersion, Period, Purpose, RunId, SourceName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{ReadColumns, SealedRunKey, bounds};

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
    /// The columns that its definition reads into the dataset, table by table.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
    pub reads: Vec<ReadColumns>,
}

impl RunManifest {
    /// Files of one run, at most.
    pub const MOST_FILES: usize = bounds::SOME;
    /// Bytes of one file's name, at most.
    pub const LONGEST_NAME: usize = bounds::NAME;
    /// Bytes of all names together, at most: they stand in one entry of the log, which fits one page of it.
    pub const LONGEST_NAMES: usize = 512 << 10;

    /// Whether the vault takes so many files with such names. To be asked before the vault is: it hangs up on a longer message,
    /// and no other source would be answered.
    ///
    /// # Errors
    /// [`FilesFault`].
    pub fn fits(&self) -> Result<(), FilesFault> {
        let files = self.inputs.len();
        if files > Self::MOST_FILES {
            return Err(FilesFault::TooMany { files });
        }
        let lengths = || self.inputs.iter().map(|file| file.name.len());
        if let Some(place) = lengths().position(|bytes| bytes > Self::LONGEST_NAME) {
            return Err(FilesFault::LongName { place: place + 1 });
        }
        match lengths().sum() {
            bytes if bytes > Self::LONGEST_NAMES => Err(FilesFault::LongNames { bytes }),
            _ => Ok(()),
        }
    }
}

/// A delivery whose files no message to the vault names. Their names stay out of it: whoever delivers chose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilesFault {
    /// Too many files.
    #[error(
        "it has {files} files, and one delivery has {} at most; deliver them in one archive",
        RunManifest::MOST_FILES
    )]
    TooMany {
        /// So many there are.
        files: usize,
    },
    /// A name that is too long.
    #[error(
        "the name of file {place}, in the order of names, has more than {} bytes; rename it",
        RunManifest::LONGEST_NAME
    )]
    LongName {
        /// From 1.
        place: usize,
    },
    /// Names that are too long together.
    #[error(
        "the names of its files have {bytes} bytes together, and may have {}; shorten them, or deliver one archive",
        RunManifest::LONGEST_NAMES
    )]
    LongNames {
        /// So many bytes.
        bytes: usize,
    },
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
        self.push_parts(&[identifier]);
    }

    /// Adds one, whose parts follow each other.
    pub(crate) fn push_parts(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, frame};

    fn manifest(names: impl IntoIterator<Item = String>) -> RunManifest {
        let file = |name| NamedFile { name, bytes: 1 };
        RunManifest {
            run: "r".parse().unwrap(),
            purpose: "p".parse().unwrap(),
            source: "s".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            inputs: names.into_iter().map(file).collect(),
            ceiling: 1,
            reads: Vec::new(),
        }
    }

    /// The vault hangs up on a message that it cannot read, and all sources of the night were lost with it.
    #[test]
    fn what_fits_is_what_the_vault_reads_of_a_run_s_files() {
        let names =
            |count: usize, bytes: usize| manifest((0..count).map(move |n| format!("{n:0bytes$}")));
        let is_read = |of: &RunManifest| {
            let mut frame = Vec::new();
            frame::write(&mut frame, &Request::OpenRun(of.clone())).unwrap();
            frame::read_within::<Request>(&mut frame.as_slice(), frame::MAX_FRAME).is_ok()
        };
        for (of, fits, read) in [
            (names(4_096, 8), Ok(()), true),
            (names(4_097, 8), Err(FilesFault::TooMany { files: 4_097 }), false),
            (names(1, 1_024), Ok(()), true),
            (names(2, 1_025), Err(FilesFault::LongName { place: 1 }), false),
            (names(512, 1_024), Ok(()), true),
            // It is read, and refused by its own words.
            (names(513, 1_024), Err(FilesFault::LongNames { bytes: 513 << 10 }), true),
        ] {
            assert_eq!((of.fits(), is_read(&of)), (fits, read));
        }
    }
}
