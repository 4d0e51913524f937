//! Birth dates that stand beside identifiers, so that a mistyped number can be repaired: of each pair a keyed hash, and
//! which delivery told it.
//!
//! A run looks only at what deliveries before its own told: not at its own rows, whose order would matter, nor at what came
//! later. So a delivery that is read again is repaired as it was at first.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    path::Path,
};

use minster_model::{KeyVersion, Period, Purpose, SourceName};

use super::file::{Batch, Fate, FileSubject, RegistryFile};
use crate::{
    VaultFault,
    disk::Disk,
    keys::{Keys, Link},
    log::RegistryHead,
};

const BIRTHS: FileSubject = FileSubject { magic: b"minster births 01\n", name: "births" };

/// The birth dates that a purpose's deliveries told.
pub struct Births {
    file: RegistryFile,
    /// In the order in which they first told, or had a number repaired.
    deliveries: Vec<String>,
    /// For each pair the first delivery that told it.
    told: HashMap<Link, u32>,
}

impl Births {
    /// Opens a purpose's file, or begins one. `head` is what the log says of it. Gives how many bytes a crash had left
    /// unfinished and were cut.
    pub fn open(
        path: &Path,
        keys: &Keys,
        purpose: &Purpose,
        head: Option<&RegistryHead>,
        disk: Disk,
    ) -> Result<(Self, u64), VaultFault> {
        let (file, batches, cut) = RegistryFile::open(BIRTHS, path, keys, purpose, head, disk)?;
        let mut births = Self { file, deliveries: Vec::new(), told: HashMap::new() };
        for Batch { subject, links } in batches {
            let delivery = births.place(subject);
            links.into_iter().for_each(|pair| births.take_in(pair, delivery));
        }
        Ok((births, cut))
    }

    /// How many deliveries came before this one.
    pub fn before(&self, source: &SourceName, period: &Period) -> u32 {
        let name = name(source, period);
        let place = self.deliveries.iter().position(|known| *known == name);
        place.unwrap_or(self.deliveries.len()) as u32
    }

    /// Whether one of the first so many deliveries told a pair.
    pub fn is_told(&self, pair: &Link, before: u32) -> bool {
        self.told.get(pair).is_some_and(|delivery| *delivery < before)
    }

    /// Whether nothing was told.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Whether any delivery told a pair.
    pub(crate) fn has(&self, pair: &Link) -> bool {
        self.told.contains_key(pair)
    }

    /// Adds what a delivery tells; durable when this returns. Gives how many pairs no earlier delivery had told, and the head
    /// that the log must name. A delivery takes its place though it tells nothing new.
    pub fn add(
        &mut self,
        keys: &Keys,
        version: KeyVersion,
        (source, period): (&SourceName, &Period),
        mut pairs: Vec<Link>,
    ) -> Result<(u64, RegistryHead), VaultFault> {
        let (name, before) = (name(source, period), self.before(source, period));
        // Told before by this delivery, or by one before it.
        pairs.retain(|pair| !self.is_told(pair, before.saturating_add(1)));
        pairs.sort_unstable();
        pairs.dedup();
        let is_new = before as usize == self.deliveries.len();
        if is_new || !pairs.is_empty() {
            self.file.append(keys, version, &name, pairs.iter().copied(), &[])?;
            let delivery = self.place(name);
            pairs.iter().for_each(|pair| self.take_in(*pair, delivery));
        }
        Ok((pairs.len() as u64, self.file.head()))
    }

    /// Writes the file anew beside itself without some pairs; gives the head that the log must name.
    pub(crate) fn write_without(
        &self,
        keys: &Keys,
        gone: &HashSet<Link>,
    ) -> Result<RegistryHead, VaultFault> {
        self.file.write_anew(keys, |pair| Fate::goes(gone.contains(pair)), None)
    }

    fn place(&mut self, name: String) -> u32 {
        let place = self.deliveries.iter().position(|known| *known == name);
        let place = place.unwrap_or_else(|| {
            self.deliveries.push(name);
            self.deliveries.len() - 1
        });
        place as u32
    }

    fn take_in(&mut self, pair: Link, delivery: u32) {
        match self.told.entry(pair) {
            Entry::Vacant(vacant) => drop(vacant.insert(delivery)),
            Entry::Occupied(mut first) => {
                let first = first.get_mut();
                *first = delivery.min(*first);
            }
        }
    }
}

/// Neither part holds a colon.
fn name(source: &SourceName, period: &Period) -> String {
    format!("{source}:{period}")
}
