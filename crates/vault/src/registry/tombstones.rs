//! Tombstones: keyed hashes of the numbers of persons whose records were disposed of. They block the return of these persons in
//! later deliveries, and lead to nobody.

use std::{collections::HashSet, path::Path};

use minster_model::{KeyVersion, Purpose};

use super::file::{Batch, Fate, FileSubject, RegistryFile};
use crate::{
    VaultFault,
    disk::Disk,
    keys::{Keys, Link, RetentionKey},
    log::RegistryHead,
};

const TOMBSTONES: FileSubject =
    FileSubject { magic: b"minster tombstones 01\n", name: "tombstones" };

/// The tombstones of a purpose.
pub struct Tombstones {
    file: RegistryFile,
    key: RetentionKey,
    stones: HashSet<Link>,
}

impl Tombstones {
    /// Opens a purpose's file, or begins one. `head` is what the log says of it. Gives how many bytes a crash had left
    /// unfinished and were cut.
    pub fn open(
        path: &Path,
        keys: &Keys,
        purpose: &Purpose,
        head: Option<&RegistryHead>,
        disk: Disk,
    ) -> Result<(Self, u64), VaultFault> {
        let (file, batches, cut) = RegistryFile::open(TOMBSTONES, path, keys, purpose, head, disk)?;
        let stones = batches.into_iter().flat_map(|batch| batch.links).collect();
        let key = keys.retention_key("tombstone", purpose);
        Ok((Self { file, key, stones }, cut))
    }

    /// Whether a number's person was disposed of.
    pub(crate) fn blocks(&self, link: &Link) -> bool {
        !self.stones.is_empty() && self.stones.contains(&self.key.hash(link))
    }

    /// Writes the file anew beside itself with further numbers; gives the head that the log must name.
    pub(crate) fn write_with(
        &self,
        keys: &Keys,
        version: KeyVersion,
        list: &str,
        numbers: &[Link],
    ) -> Result<RegistryHead, VaultFault> {
        let mut stones: Vec<Link> = numbers.iter().map(|link| self.key.hash(link)).collect();
        stones.sort_unstable();
        let batch = Batch { subject: list.to_owned(), links: stones };
        self.file.write_anew(keys, |_| Fate::Stays, Some((version, batch)))
    }
}
