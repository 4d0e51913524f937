//! All answers that the vault ever gave: one registry a purpose, each identifier sealed in a row of its own.
//!
//! The registry undoes a pseudonym (`reidentify`), and its index of links makes a new version's
//! pseudonyms without the identifiers (`rotate`). It grows by batches that are durable before their
//! pseudonyms leave. A batch is
//!
//! ```text
//! length u32 | first record u64 | count u32 | version u32 | kind | salt 32 | links, sealed | rows | tag 32
//! ```
//!
//! Birth dates beside identifiers stand in a file of their own ([`Births`]): of each a keyed hash alone, without rows.
//!
//! with AES-256-GCM under keys derived for the batch. A row's associated data are the store's id,
//! purpose, version and record number, so that rows cannot change places. The tag is an HMAC over the
//! batch and the tag before it. The log's entry about the batch names the tag, so that an older copy of
//! a registry is refused.

mod births;
mod facts;
mod file;
mod tombstones;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use hashbrown::HashTable;
use minster_model::{KeyVersion, Kind, Pseudonym, Purpose};

use crate::{
    VaultFault,
    disk::Disk,
    keys::{Keys, Link},
    log::RegistryHead,
    purposes::{MOST_KINDS, PurposeDefinition},
};
pub use births::Births;
pub use facts::FactsBook;
pub(crate) use facts::{NewRow, ToldPerson};
use file::{Batch, Fate, FileSubject, RegistryFile};
pub use tombstones::Tombstones;

const REGISTRY: FileSubject = FileSubject { magic: b"minster registry 01\n", name: "registry" };

/// Kinds in the registry of a purpose that names none.
const MOST_UNNAMED: usize = 64;

/// One purpose's registry, open.
pub struct Registry {
    file: RegistryFile,
    kinds: Vec<Kind>,
    kind_of: Vec<u8>,
    links: Vec<Link>,
    pseudonyms: Vec<Pseudonym>,
    by_link: HashTable<u32>,
    by_pseudonym: HashTable<u32>,
}

/// An identifier and its link, to be added.
pub type New<'a> = (Link, &'a [u8]);

impl Registry {
    /// Opens a purpose's registry, or begins one. `head` is what the log says of it. Gives how many
    /// bytes a crash had left unfinished and were cut.
    pub fn open(
        path: &Path,
        keys: &Keys,
        purpose: &Purpose,
        version: KeyVersion,
        head: Option<&RegistryHead>,
        disk: Disk,
    ) -> Result<(Self, u64), VaultFault> {
        let (file, batches, cut) = RegistryFile::open(REGISTRY, path, keys, purpose, head, disk)?;
        let mut registry = Self {
            file,
            kinds: Vec::new(),
            kind_of: Vec::new(),
            links: Vec::new(),
            pseudonyms: Vec::new(),
            by_link: HashTable::new(),
            by_pseudonym: HashTable::new(),
        };
        for Batch { subject, links } in batches {
            let kind: Kind =
                subject.parse().map_err(|_| VaultFault::Crypto("a batch's kind is no name"))?;
            let key = keys.purpose_key(purpose, version, &kind);
            let pseudonyms =
                spread(&links, |links| links.iter().map(|link| key.pseudonym(link)).collect());
            registry.take_in(&kind, links.into_iter().zip(pseudonyms))?;
        }
        Ok((registry, cut))
    }

    /// How many identifiers it holds.
    pub fn len(&self) -> u64 {
        self.links.len() as u64
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The record of a link.
    pub fn find(&self, link: &Link) -> Option<u32> {
        self.by_link.find(hash(link), |&record| self.links[record as usize] == *link).copied()
    }

    /// The records of links. All candidates are fetched before any is compared, so that the waits for
    /// memory overlap: one link after the other takes several times as long.
    pub fn find_all(&self, links: &[Link]) -> Vec<Option<u32>> {
        let candidate = |link: &Link| self.by_link.find(hash(link), |_| true).copied();
        let mut found: Vec<Option<u32>> = links.iter().map(candidate).collect();
        for (found, link) in found.iter_mut().zip(links) {
            if found.is_some_and(|record| self.links[record as usize] != *link) {
                *found = self.find(link);
            }
        }
        found
    }

    /// The record of a pseudonym of the current version.
    pub fn find_pseudonym(&self, pseudonym: &Pseudonym) -> Option<u32> {
        let same = |&record: &u32| self.pseudonyms[record as usize] == *pseudonym;
        self.by_pseudonym.find(hash(pseudonym.as_bytes()), same).copied()
    }

    /// The same of many, as [`Registry::find_all`] finds links.
    pub(crate) fn find_pseudonyms(&self, pseudonyms: &[Pseudonym]) -> Vec<Option<u32>> {
        let candidate =
            |of: &Pseudonym| self.by_pseudonym.find(hash(of.as_bytes()), |_| true).copied();
        let mut found: Vec<Option<u32>> = pseudonyms.iter().map(candidate).collect();
        for (found, pseudonym) in found.iter_mut().zip(pseudonyms) {
            if found.is_some_and(|record| self.pseudonyms[record as usize] != *pseudonym) {
                *found = self.find_pseudonym(pseudonym);
            }
        }
        found
    }

    /// The link of a record.
    pub(crate) fn link(&self, record: u32) -> &Link {
        &self.links[record as usize]
    }

    /// The records of pseudonyms of another version. All records are tried, once for all pseudonyms.
    pub fn find_under(
        &self,
        keys: &Keys,
        purpose: &Purpose,
        version: KeyVersion,
        wanted: &[Pseudonym],
    ) -> HashMap<Pseudonym, u32> {
        let wanted: HashSet<&Pseudonym> = wanted.iter().collect();
        let all = (0..).zip(self.pseudonyms_under(keys, purpose, version));
        all.filter(|(_, one)| wanted.contains(one)).map(|(record, one)| (one, record)).collect()
    }

    /// The pseudonym of a record, in the current version.
    pub fn pseudonym(&self, record: u32) -> Pseudonym {
        self.pseudonyms[record as usize]
    }

    /// The kind of a record.
    pub fn kind(&self, record: u32) -> &Kind {
        &self.kinds[usize::from(self.kind_of[record as usize])]
    }

    /// Whether identifiers of a kind have their place here: kinds that are there, those that the purpose names, and for a
    /// purpose of an earlier release, which names none, some others. So nobody fills the registry with made-up kinds.
    pub(crate) fn takes(&self, kind: &Kind, definition: &PurposeDefinition) -> bool {
        let room = match definition.kinds {
            Some(_) => MOST_KINDS,
            None => MOST_UNNAMED,
        };
        self.kinds.contains(kind) || self.kinds.len() < room
    }

    /// Adds identifiers that [`Registry::find`] does not know, all different; durable when this
    /// returns. Gives the head that the log must name.
    ///
    /// # Errors
    /// Where two links have the same pseudonym (128 bits: less than 10⁻²⁰ for a thousand million) it
    /// refuses, as it does where the disk does.
    pub fn add(
        &mut self,
        keys: &Keys,
        version: KeyVersion,
        kind: &Kind,
        new: &[New<'_>],
        pseudonyms: &[Pseudonym],
    ) -> Result<RegistryHead, VaultFault> {
        let collides = |pseudonym| self.find_pseudonym(pseudonym).is_some();
        if pseudonyms.iter().any(collides) {
            return Err(VaultFault::Crypto("two identifiers have one pseudonym"));
        }
        // Before it is written: a registry with more of them does not open.
        if self.kinds.len() > usize::from(u8::MAX) && !self.kinds.contains(kind) {
            return Err(VaultFault::Crypto("a registry holds at most 256 kinds"));
        }
        let identifiers: Vec<&[u8]> = new.iter().map(|(_, identifier)| *identifier).collect();
        let links = new.iter().map(|(link, _)| *link);
        self.file.append(keys, version, kind.as_str(), links, &identifiers)?;
        self.take_in(kind, new.iter().map(|(link, _)| *link).zip(pseudonyms.iter().copied()))?;
        Ok(self.file.head())
    }

    /// Every record's link and kind, in the order of the records.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&Link, &Kind)> {
        self.links.iter().zip(self.kind_of.iter().map(|of| &self.kinds[usize::from(*of)]))
    }

    /// Hands on each match key that tells of a person, from the disk: those of addresses do not.
    pub(crate) fn each_match_key(
        &self,
        keys: &Keys,
        mut each: impl FnMut(&str),
    ) -> Result<(), VaultFault> {
        self.file.each_row(keys, |kind, _, row| {
            let kind: Kind =
                kind.parse().map_err(|_| VaultFault::Crypto("a batch's kind is no name"))?;
            if kind.is_match_key()
                && !kind.is_address()
                && let Ok(text) = std::str::from_utf8(row)
            {
                each(text);
            }
            Ok(())
        })
    }

    /// Writes the registry anew beside itself without some links, and without the identifiers of others, whose pseudonyms may stand
    /// in rows of other persons; gives the head that the log must name.
    pub(crate) fn write_without(
        &self,
        keys: &Keys,
        gone: &HashSet<Link>,
        beside: &HashSet<Link>,
    ) -> Result<RegistryHead, VaultFault> {
        let fate = |link: &Link| match (gone.contains(link), beside.contains(link)) {
            (true, _) => Fate::Goes,
            (false, true) => Fate::LosesItsRow,
            (false, false) => Fate::Stays,
        };
        self.file.write_anew(keys, fate, None)
    }

    /// The length and tag that the log must name.
    pub fn head(&self) -> RegistryHead {
        self.file.head()
    }

    /// The identifier of a record, from the disk; empty where it was disposed of.
    pub fn identifier(
        &self,
        keys: &Keys,
        record: u32,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultFault> {
        self.file.identifier(keys, record)
    }

    /// Every record's pseudonym under some version, in the order of the records.
    pub fn pseudonyms_under(
        &self,
        keys: &Keys,
        purpose: &Purpose,
        version: KeyVersion,
    ) -> Vec<Pseudonym> {
        let of_kinds: Vec<_> =
            self.kinds.iter().map(|kind| keys.purpose_key(purpose, version, kind)).collect();
        let records: Vec<(&u8, &Link)> = self.kind_of.iter().zip(&self.links).collect();
        spread(&records, |records| {
            let pseudonym =
                |&(kind, link): &(&u8, &Link)| of_kinds[usize::from(*kind)].pseudonym(link);
            records.iter().map(pseudonym).collect()
        })
    }

    /// Each record's pseudonym with its successor, in the order of the old ones, which says nothing of when
    /// they were first asked for.
    pub fn crosswalk(&self, successors: &[Pseudonym]) -> Vec<(Pseudonym, Pseudonym)> {
        let mut pairs: Vec<_> =
            self.pseudonyms.iter().copied().zip(successors.iter().copied()).collect();
        pairs.sort_unstable();
        pairs
    }

    /// Goes over to the pseudonyms of a new version.
    pub fn turn_to(&mut self, successors: Vec<Pseudonym>) {
        self.pseudonyms = successors;
        self.by_pseudonym.clear();
        for record in 0..self.pseudonyms.len() as u32 {
            enter(&mut self.by_pseudonym, &self.pseudonyms, record, Pseudonym::as_bytes);
        }
    }

    fn take_in(
        &mut self,
        kind: &Kind,
        records: impl Iterator<Item = (Link, Pseudonym)>,
    ) -> Result<(), VaultFault> {
        let place = match self.kinds.iter().position(|known| known == kind) {
            Some(place) => place,
            None => {
                self.kinds.push(kind.clone());
                self.kinds.len() - 1
            }
        };
        let place = u8::try_from(place)
            .map_err(|_| VaultFault::Crypto("a registry holds at most 256 kinds"))?;
        for (link, pseudonym) in records {
            let record = u32::try_from(self.links.len())
                .map_err(|_| VaultFault::Crypto("a registry holds at most 2^32 identifiers"))?;
            self.links.push(link);
            self.kind_of.push(place);
            self.pseudonyms.push(pseudonym);
            enter(&mut self.by_link, &self.links, record, Link::as_slice);
            enter(&mut self.by_pseudonym, &self.pseudonyms, record, Pseudonym::as_bytes);
        }
        Ok(())
    }
}

/// Enters a record into an index of what stands in a list at its place.
fn enter<T, B: AsRef<[u8]> + ?Sized>(
    index: &mut HashTable<u32>,
    all: &[T],
    record: u32,
    bytes: impl Fn(&T) -> &B,
) {
    let hash_of = |&record: &u32| hash(bytes(&all[record as usize]).as_ref());
    index.insert_unique(hash_of(&record), record, hash_of);
}

/// Links and pseudonyms are keyed hashes already.
fn hash(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// Works through a slice on all cores where it is worth it; the order is kept.
pub(crate) fn spread<T: Sync, R: Send>(all: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    const WORTH_IT: usize = 4096;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = all.len().div_ceil(cores).max(WORTH_IT);
    if all.len() <= share {
        return work(all);
    }
    std::thread::scope(|scope| {
        let work = &work;
        let (first, rest) = all.split_at(share);
        let threads: Vec<_> =
            rest.chunks(share).map(|part| (part, scope.spawn(move || work(part)))).collect();
        let mut done = work(first);
        for (part, thread) in threads {
            // A thread that could not finish has its share worked through here.
            done.extend(thread.join().unwrap_or_else(|_| work(part)));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::RootKey;

    /// Links that the index cannot tell apart: only the comparison can.
    #[test]
    fn links_found_together_are_those_found_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::new(RootKey::from_bytes([1; 32]), "s");
        let (purpose, kind) = ("p".parse().unwrap(), "upn".parse().unwrap());
        let (path, version) = (folder.path().join("p"), KeyVersion(1));
        let (mut registry, _) =
            Registry::open(&path, &keys, &purpose, version, None, Disk::new()).unwrap();
        let links: Vec<Link> = (0..2000u32)
            .map(|n| {
                let mut link = [0; 32];
                link[0] = (n % 3) as u8;
                link[28..].copy_from_slice(&n.to_be_bytes());
                link
            })
            .collect();
        assert!(registry.find_all(&links).iter().all(Option::is_none));
        let known: Vec<New<'_>> = links.iter().step_by(2).map(|link| (*link, &b"x"[..])).collect();
        let key = keys.purpose_key(&purpose, version, &kind);
        let pseudonyms: Vec<Pseudonym> =
            known.iter().map(|(link, _)| key.pseudonym(link)).collect();
        registry.add(&keys, version, &kind, &known, &pseudonyms).unwrap();
        let found = registry.find_all(&links);
        for (n, (link, found)) in (0..).zip(links.iter().zip(found)) {
            assert_eq!(found, (n % 2 == 0).then_some(n / 2));
            assert_eq!(found, registry.find(link));
        }
    }
}
