//! Facts of persons that deliveries tell for the retention schedule: who has which numbers, categories and dates. Each row of it is
//! sealed; a keyed hash of the row says whether it was told before, so that the same delivery adds nothing twice.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use jiff::civil::Date;
use minster_model::{KeyVersion, Kind, Period, Purpose, SourceName};
use minster_retention::{CategoryName, Event};
use zeroize::Zeroizing;

use super::file::{Fate, FileSubject, RegistryFile};
use crate::{
    VaultFault,
    disk::Disk,
    keys::{Keys, Link},
    log::RegistryHead,
};

const FACTS: FileSubject = FileSubject { magic: b"minster facts 02\n", name: "facts" };

/// Bytes of rows after which a batch of the file ends: it is read into memory whole.
const BATCH: usize = 16 << 20;

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

/// The same on its way to its bytes. Its lists are used again for the next row.
#[derive(Default)]
pub(crate) struct NewRow<'a> {
    pub(crate) own: Vec<(&'a Link, &'a Kind)>,
    pub(crate) beside: Vec<&'a Link>,
    pub(crate) category: Option<&'a CategoryName>,
    pub(crate) dates: Vec<(Event, Date)>,
    pub(crate) open: Vec<(Event, Date)>,
}

impl NewRow<'_> {
    /// Its bytes, which take the place of what stands in `bytes`: the same facts have the same, in whatever order they were told.
    ///
    /// ```text
    /// own u8 | beside u8 | categories u8 | dates u8 | open u8 |
    /// own: link 32, kind | beside: link 32 | categories: name | dates, open: event, year i16, month u8, day u8
    /// ```
    ///
    /// with a length u8 before each kind, name and event.
    pub(crate) fn write(&mut self, bytes: &mut Vec<u8>) -> Result<(), VaultFault> {
        sort(&mut self.own);
        sort(&mut self.beside);
        sort(&mut self.dates);
        sort(&mut self.open);
        bytes.clear();
        let category = self.category.map(CategoryName::as_str);
        let counts = [
            self.own.len(),
            self.beside.len(),
            usize::from(category.is_some()),
            self.dates.len(),
            self.open.len(),
        ];
        for count in counts {
            bytes.push(small(count)?);
        }
        for (link, kind) in &self.own {
            bytes.extend_from_slice(link.as_slice());
            text(bytes, kind.as_str())?;
        }
        self.beside.iter().for_each(|link| bytes.extend_from_slice(link.as_slice()));
        if let Some(category) = category {
            text(bytes, category)?;
        }
        for (event, on) in self.dates.iter().chain(&self.open) {
            text(bytes, event.as_str())?;
            bytes.extend_from_slice(&on.year().to_be_bytes());
            bytes.extend_from_slice(&[on.month() as u8, on.day() as u8]);
        }
        Ok(())
    }
}

fn sort<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

fn small(count: usize) -> Result<u8, VaultFault> {
    u8::try_from(count).map_err(|_| VaultFault::Crypto("facts of a person are too long"))
}

fn text(bytes: &mut Vec<u8>, text: &str) -> Result<(), VaultFault> {
    bytes.push(small(text.len())?);
    bytes.extend_from_slice(text.as_bytes());
    Ok(())
}

impl ToldPerson {
    /// Reads the bytes of [`NewRow::write`].
    fn read(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        let [own, beside, categories, dates, open] = taken(from)?;
        let link = |from: &mut &[u8]| taken::<32>(from);
        let date = |from: &mut &[u8]| {
            let event = name(from)?;
            let event = Event::ALL.into_iter().find(|known| known.as_str() == event)?;
            let [high, low, month, day] = taken(from)?;
            let small = |of: u8| i8::try_from(of).ok();
            let year = i16::from_be_bytes([high, low]);
            Some((event, Date::new(year, small(month)?, small(day)?).ok()?))
        };
        let person = Self {
            own: (0..own)
                .map(|_| Some((link(from)?, name(from)?.parse().ok()?)))
                .collect::<Option<_>>()?,
            beside: (0..beside).map(|_| link(from)).collect::<Option<_>>()?,
            categories: (0..categories).map(|_| name(from)?.parse().ok()).collect::<Option<_>>()?,
            dates: (0..dates).map(|_| date(from)).collect::<Option<_>>()?,
            open: (0..open).map(|_| date(from)).collect::<Option<_>>()?,
        };
        bytes.is_empty().then_some(person)
    }
}

fn taken<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*taken)
}

fn name<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let [length] = taken(from)?;
    let (name, rest) = from.split_at_checked(usize::from(length))?;
    *from = rest;
    std::str::from_utf8(name).ok()
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
        // Neither part holds a slash.
        let delivery = format!("{source}/{period}");
        let mut rest = rows;
        while !rest.is_empty() {
            let mut bytes = 0;
            let is_within = |(_, row): &&(Link, Zeroizing<Vec<u8>>)| {
                let before = bytes;
                bytes += row.len();
                before < BATCH
            };
            let (rows, more) = rest.split_at(rest.iter().take_while(is_within).count());
            rest = more;
            let links = rows.iter().map(|(link, _)| *link);
            let bytes: Vec<&[u8]> = rows.iter().map(|(_, row)| row.as_slice()).collect();
            self.file.append(keys, version, &delivery, links, &bytes)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::RootKey;
    use proptest::prelude::*;

    /// A batch that is too long would be taken for a torn end, and cut off.
    #[test]
    fn however_many_rows_one_delivery_tells_they_stand_in_batches_that_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::new(RootKey::from_bytes([1; 32]), "s");
        let (purpose, path): (Purpose, _) = ("p".parse().unwrap(), folder.path().join("p"));
        let row = |n: u32| {
            let kind: Kind = "upn".parse().unwrap();
            let link = |of: u32| {
                let mut link = [of as u8; 32];
                link[..4].copy_from_slice(&n.to_be_bytes());
                link
            };
            let (own, beside) = (link(0), [1, 2, 3, 4, 5, 6, 7, 8].map(link));
            let mut row = NewRow {
                own: vec![(&own, &kind)],
                beside: beside.iter().collect(),
                ..NewRow::default()
            };
            let mut bytes = Vec::new();
            row.write(&mut bytes).unwrap();
            (own, Zeroizing::new(bytes))
        };
        let rows: Vec<_> = (0..60_000).map(row).collect();
        let open = |head: Option<&RegistryHead>| {
            FactsBook::open(&path, &keys, &purpose, head, Disk::new()).unwrap()
        };
        let (mut book, _) = open(None);
        let delivery = (&"census".parse().unwrap(), &"2024-25".parse().unwrap());
        let head = book.add(&keys, KeyVersion(1), delivery, &rows).unwrap();
        let (book, cut) = open(Some(&head));
        assert_eq!(cut, 0);
        let mut read = Vec::new();
        book.each(&keys, |delivery, link, told| {
            assert_eq!(delivery, "census/2024-25");
            assert_eq!((told.own.len(), told.beside.len()), (1, 8));
            read.push(*link);
        })
        .unwrap();
        assert!(read.iter().eq(rows.iter().map(|(link, _)| link)), "each once, in its order");
        let file = std::fs::read(&path).unwrap();
        let (mut rest, mut batches) = (&file[FACTS.magic.len()..], 0);
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            assert!(length < 2 * BATCH, "{length}");
            (rest, batches) = (&more[length..], batches + 1);
        }
        assert_eq!(batches, 2, "17 MB of rows");
    }

    fn date() -> impl Strategy<Value = (Event, Date)> {
        let event = (0..Event::ALL.len()).prop_map(|at| Event::ALL[at]);
        let day = (1900i16..2100, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date::constant(y, m, d));
        (event, day)
    }

    proptest! {
        #[test]
        fn the_same_facts_have_the_same_bytes_and_are_read_back(
            own in prop::collection::vec((any::<[u8; 32]>(), "[a-z]{1,9}"), 1..4),
            beside in prop::collection::vec(any::<[u8; 32]>(), 0..4),
            category in prop::option::of("[a-z]{1,9}"),
            dates in prop::collection::vec(date(), 0..4),
            open in prop::collection::vec(date(), 0..4),
        ) {
            let own: Vec<(Link, Kind)> =
                own.into_iter().map(|(link, kind)| (link, kind.parse().unwrap())).collect();
            let category: Option<CategoryName> = category.map(|name| name.parse().unwrap());
            let mut row = NewRow {
                own: own.iter().map(|(link, kind)| (link, kind)).collect(),
                beside: beside.iter().collect(),
                category: category.as_ref(),
                dates: dates.clone(),
                open: open.clone(),
            };
            // Told the other way round, and twice.
            let twice = |list: &[(Event, Date)]| list.iter().rev().chain(list).copied().collect();
            let mut other = NewRow {
                own: own.iter().rev().chain(&own).map(|(link, kind)| (link, kind)).collect(),
                beside: beside.iter().rev().chain(&beside).collect(),
                category: category.as_ref(),
                dates: twice(&dates),
                open: twice(&open),
            };
            let (mut bytes, mut same) = (vec![1], Vec::new());
            row.write(&mut bytes).unwrap();
            other.write(&mut same).unwrap();
            prop_assert_eq!(&bytes, &same);
            let told = ToldPerson {
                own: own.into_iter().collect(),
                beside: beside.into_iter().collect(),
                categories: category.into_iter().collect(),
                dates: dates.into_iter().collect(),
                open: open.into_iter().collect(),
            };
            prop_assert_eq!(ToldPerson::read(&bytes), Some(told));
            for cut in 0..bytes.len() {
                prop_assert_eq!(ToldPerson::read(&bytes[..cut]), None);
            }
            bytes.push(0);
            prop_assert_eq!(ToldPerson::read(&bytes), None);
        }
    }
}
