//! Facts of persons that deliveries tell for the retention schedule: who has which numbers, categories and dates. Each row of it is
//! sealed; a keyed hash of the row says whether it was told before, so that the same delivery adds nothing twice.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use jiff::civil::Date;
use minster_model::{KeyVersion, Kind, Period, Purpose, SourceName};
use minster_retention::{CategoryName, Event};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::{Fate, FileSubject, RegistryFile};
use crate::{
    VaultFault,
    disk::Disk,
    keys::{Keys, Link, hex, unhex},
    log::RegistryHead,
};

const FACTS: FileSubject = FileSubject { magic: b"minster facts 01\n", name: "facts" };

/// The facts of a person in one row.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ToldPerson {
    /// Links of the person's own numbers.
    pub(crate) own: BTreeSet<(Link, Kind)>,
    /// Links of match keys and other numbers beside them.
    pub(crate) beside: BTreeSet<Link>,
    /// Categories that the row shows.
    pub(crate) categories: BTreeSet<CategoryName>,
    /// Dates of events.
    pub(crate) dates: BTreeSet<(Event, Date)>,
    /// Events that had not happened yet on a day.
    pub(crate) open: BTreeSet<(Event, Date)>,
}

/// The same, as it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    own: Vec<(String, Kind)>,
    beside: Vec<String>,
    categories: BTreeSet<CategoryName>,
    dates: BTreeSet<(Event, Date)>,
    open: BTreeSet<(Event, Date)>,
}

impl ToldPerson {
    /// Its bytes: the same facts have the same.
    pub(crate) fn write(&self) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let row = Row {
            own: self.own.iter().map(|(link, kind)| (hex(link), kind.clone())).collect(),
            beside: self.beside.iter().map(|link| hex(link)).collect(),
            categories: self.categories.clone(),
            dates: self.dates.clone(),
            open: self.open.clone(),
        };
        let written = serde_json::to_vec(&row);
        written.map(Zeroizing::new).map_err(|_| VaultFault::Crypto("facts could not be written"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let row: Row = serde_json::from_slice(bytes).ok()?;
        let link = |text: &String| Link::try_from(unhex(text)?).ok();
        let own = row.own.iter().map(|(text, kind)| Some((link(text)?, kind.clone())));
        Some(Self {
            own: own.collect::<Option<_>>()?,
            beside: row.beside.iter().map(link).collect::<Option<_>>()?,
            categories: row.categories,
            dates: row.dates,
            open: row.open,
        })
    }
}

/// The facts that a purpose's deliveries told.
pub struct FactsBook {
    file: RegistryFile,
    known: HashSet<Link>,
}

impl FactsBook {
    /// Opens a purpose's file, or begins one. `head` is what the log says of it. Gives how many bytes a crash had left
    /// unfinished and were cut.
    pub fn open(
        path: &Path,
        keys: &Keys,
        purpose: &Purpose,
        head: Option<&RegistryHead>,
        disk: Disk,
    ) -> Result<(Self, u64), VaultFault> {
        let (file, batches, cut) = RegistryFile::open(FACTS, path, keys, purpose, head, disk)?;
        let known = batches.into_iter().flat_map(|batch| batch.links).collect();
        Ok((Self { file, known }, cut))
    }

    /// Whether a row was told before, by its keyed hash.
    pub(crate) fn knows(&self, row: &Link) -> bool {
        self.known.contains(row)
    }

    /// Adds rows that are not known, each with its keyed hash; durable when this returns. Gives the head that the log must name.
    pub(crate) fn add(
        &mut self,
        keys: &Keys,
        version: KeyVersion,
        (source, period): (&SourceName, &Period),
        rows: &[(Link, Zeroizing<Vec<u8>>)],
    ) -> Result<RegistryHead, VaultFault> {
        if !rows.is_empty() {
            let links = rows.iter().map(|(link, _)| *link);
            let bytes: Vec<&[u8]> = rows.iter().map(|(_, row)| row.as_slice()).collect();
            // Neither part holds a slash.
            self.file.append(keys, version, &format!("{source}/{period}"), links, &bytes)?;
            self.known.extend(rows.iter().map(|(link, _)| *link));
        }
        Ok(self.file.head())
    }

    /// Hands all that was told to `each`, with the delivery that told it.
    pub(crate) fn each(
        &self,
        keys: &Keys,
        mut each: impl FnMut(&str, &Link, ToldPerson),
    ) -> Result<(), VaultFault> {
        self.file.each_row(keys, |delivery, row, bytes| {
            let told = ToldPerson::read(bytes)
                .ok_or(VaultFault::Crypto("facts of a person were written by another release"))?;
            each(delivery, row, told);
            Ok(())
        })
    }

    /// Writes the file anew beside itself without some rows; gives the head that the log must name.
    pub(crate) fn write_without(
        &self,
        keys: &Keys,
        gone: &HashSet<Link>,
    ) -> Result<RegistryHead, VaultFault> {
        self.file.write_anew(keys, |row| Fate::goes(gone.contains(row)), None)
    }
}
