//! Which pairs are compared: those that share a key of a few parts. The cost of a key has a bound.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    Settings,
    record::{BirthDate, KeyedValue, Name, Postcode},
    tables::{BIRTH_DATE, FORENAME, IDENTIFIER, POSTCODE, SURNAME, Side, Values},
};

/// The keys, and how they are called in the report.
pub(crate) const KEYS: [&str; 10] = [
    "birth-date",
    "forename+surname",
    "surname-or-sound+postcode",
    "forename-or-sound+postcode",
    "forename-sound+two-date-parts",
    "surname-sound+two-date-parts",
    "forename-sound+surname-sound",
    "postcode+birth-year-or-day",
    "forename+surname-one-letter",
    "identifier",
];

/// The key of the birth date alone.
pub(crate) const BY_DATE: u16 = 1;
/// The keys of names alone.
pub(crate) const BY_NAMES: u16 = 1 << 1 | 1 << 6 | 1 << 8;

/// The most keys of one kind that one record has: a child with 32 names and 32 postcodes has 1,024 pairs of them.
const MOST_KEYS: usize = 64;

/// A record's values of a part by which a block is split.
type Split = fn(&Values<'_>, &Side, usize) -> Vec<u64>;

/// By what a block that is too large is split, one after the other.
const SPLITS: [Split; 5] = [
    |values, side, record| dates(values, side, record, |date| date.year),
    |values, side, record| initials(values, side, record, FORENAME),
    |values, side, record| initials(values, side, record, SURNAME),
    |values, side, record| {
        let sectors = postcodes(values, side, record).filter_map(|postcode| postcode.sector);
        once(sectors)
    },
    |values, side, record| dates(values, side, record, |date| date.day),
];

/// The pairs that one key compared, and those that it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// The key.
    pub key: &'static str,
    /// Blocks: records of both tables with one value of the key.
    pub blocks: u64,
    /// Blocks that were too large and were split by further parts.
    pub split: u64,
    /// Blocks that were too large even so, and were not compared.
    pub skipped: u64,
    /// Pairs that this key gave to compare; some of them other keys gave too.
    pub pairs: u64,
    /// Pairs of split and skipped blocks that this key did not give to compare.
    pub pairs_left_out: u64,
    /// Records that had more keys of this kind than are used.
    pub records_with_too_many: u64,
}

/// A pair to compare, and the keys that gave it: one bit a key.
pub(crate) type Candidate = (u32, u32, u16);

/// The pairs to compare, in order, and what was left out.
pub(crate) fn candidates(
    values: &Values<'_>,
    sides: &[Side],
    settings: &Settings,
) -> (Vec<Candidate>, Vec<KeyReport>) {
    let mut reports = Vec::new();
    let mut entries: Vec<Vec<Entries>> = Vec::new();
    for (place, key) in KEYS.iter().enumerate() {
        let mut report = KeyReport { key, ..KeyReport::default() };
        let mut of_key: Vec<Entries> = Vec::new();
        for side in sides {
            let known = of_key.first().map(Vec::as_slice);
            of_key.push(of_side(values, side, place, known, &mut report));
        }
        entries.push(of_key);
        reports.push(report);
    }
    // Where all blocks together are too many, the largest go. How large they are is counted first.
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    let blocks = Blocks { values, sides, largest: settings.largest_block };
    for of_key in &entries {
        blocks.of_key(of_key, &mut KeyReport::default(), &mut |block| {
            *sizes.entry(blocks.pairs(&block)).or_insert(0) += 1;
        });
    }
    let (mut all, mut largest) = (0_u64, 0);
    for (size, count) in sizes {
        all = all.saturating_add(size.saturating_mul(count));
        if all > settings.most_pairs {
            break;
        }
        largest = size;
    }
    let mut found: Vec<Candidate> = Vec::new();
    let is_one = sides.len() == 1;
    for (place, (of_key, report)) in entries.iter().zip(&mut reports).enumerate() {
        let (mut skipped, mut pairs, mut left_out) = (0, 0, 0);
        blocks.of_key(of_key, report, &mut |block| {
            let of_block = blocks.pairs(&block);
            if of_block > largest {
                skipped += 1;
                left_out += of_block;
                return;
            }
            pairs += of_block;
            for i in &block.left {
                for j in block.right.iter().filter(|j| !is_one || i < *j) {
                    found.push((*i, *j, 1 << place));
                }
            }
        });
        report.skipped += skipped;
        report.pairs += pairs;
        report.pairs_left_out += left_out;
        // One pair that several keys give is held once: what is held does not grow with the keys.
        found.par_sort_unstable();
        found.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 |= next.2;
            }
            same
        });
    }
    (found, reports)
}

/// A table's records by their values of a key, sorted.
type Entries = Vec<(u64, u32)>;

/// The records of both tables with one value of a key.
struct Block {
    left: Vec<u32>,
    right: Vec<u32>,
}

struct Blocks<'a> {
    values: &'a Values<'a>,
    sides: &'a [Side],
    largest: u64,
}

impl Blocks<'_> {
    fn pairs(&self, block: &Block) -> u64 {
        let (left, right) = (block.left.len() as u64, block.right.len() as u64);
        if self.sides.len() == 1 { left * right.saturating_sub(1) / 2 } else { left * right }
    }

    fn of_key(&self, entries: &[Entries], report: &mut KeyReport, take: &mut dyn FnMut(Block)) {
        let (Some(mut left), Some(right)) = (entries.first().map(Vec::as_slice), entries.last())
        else {
            return;
        };
        while let Some((key, _)) = left.first() {
            let count = left.partition_point(|(other, _)| other <= key);
            let begin = right.partition_point(|(other, _)| other < key);
            let end = right.partition_point(|(other, _)| other <= key);
            let block = Block {
                left: left[..count].iter().map(|(_, record)| *record).collect(),
                right: right[begin..end].iter().map(|(_, record)| *record).collect(),
            };
            left = &left[count..];
            // In one table a record alone has no partner.
            if self.pairs(&block) == 0 {
                continue;
            }
            report.blocks += 1;
            self.divide(block, 0, report, take);
        }
    }

    /// Hands a block on; one that is too large in smaller ones, by its records' next part.
    fn divide(
        &self,
        block: Block,
        depth: usize,
        report: &mut KeyReport,
        take: &mut dyn FnMut(Block),
    ) {
        let pairs = self.pairs(&block);
        if pairs <= self.largest {
            take(block);
            return;
        }
        let Some(part) = SPLITS.get(depth) else {
            report.skipped += 1;
            report.pairs_left_out += pairs;
            return;
        };
        report.split += u64::from(depth == 0);
        let right_side = self.sides.last().unwrap_or(&self.sides[0]);
        let mut smaller: BTreeMap<u64, Block> = BTreeMap::new();
        for (records, side, is_left) in
            [(&block.left, &self.sides[0], true), (&block.right, right_side, false)]
        {
            for record in records {
                for key in part(self.values, side, *record as usize) {
                    let block = smaller
                        .entry(key)
                        .or_insert_with(|| Block { left: Vec::new(), right: Vec::new() });
                    if is_left { &mut block.left } else { &mut block.right }.push(*record);
                }
            }
        }
        let kept: u64 = smaller.values().map(|block| self.pairs(block)).sum();
        report.pairs_left_out += pairs.saturating_sub(kept);
        for block in smaller.into_values().filter(|block| self.pairs(block) > 0) {
            self.divide(block, depth + 1, report, take);
        }
    }
}

/// Each record's keys of one kind, sorted by key: those that the other table has too, where it is known.
fn of_side(
    values: &Values<'_>,
    side: &Side,
    key: usize,
    other: Option<&[(u64, u32)]>,
    report: &mut KeyReport,
) -> Entries {
    let too_many = AtomicU64::new(0);
    let is_shared =
        |key: &u64| other.is_none_or(|other| other.binary_search_by_key(key, |of| of.0).is_ok());
    let mut all: Entries = (0..side.len())
        .into_par_iter()
        .flat_map_iter(|record| {
            let mut keys = keys(values, side, record, key);
            keys.sort_unstable();
            keys.dedup();
            too_many.fetch_add(u64::from(keys.len() > MOST_KEYS), Ordering::Relaxed);
            let used = keys.into_iter().take(MOST_KEYS).filter(is_shared);
            used.map(move |key| (key, record as u32)).collect::<Vec<_>>()
        })
        .collect();
    report.records_with_too_many += too_many.into_inner();
    all.par_sort_unstable();
    all
}

fn keys(values: &Values<'_>, side: &Side, record: usize, key: usize) -> Vec<u64> {
    let whole = |part| once(names(values, side, record, part).filter_map(|name| name.whole));
    let sounds =
        |part| once(names(values, side, record, part).flat_map(|name| name.sounds.iter().copied()));
    let units = || once(postcodes(values, side, record).map(|postcode| postcode.unit));
    let born = || side.part(record, BIRTH_DATE).iter().map(|date| values.dates[*date as usize]);
    let two_parts = || {
        let pairs = born().flat_map(|BirthDate { year, month, day, .. }| {
            [(1, year, month), (2, year, day), (3, month, day)]
        });
        pairs.map(|(which, a, b)| mix(mix(which, a.low()), b.low())).collect::<Vec<_>>()
    };
    match key {
        0 => once(born().flat_map(|date| [Some(date.whole), date.swapped]).flatten()),
        1 => unordered(&whole(FORENAME), &whole(SURNAME)),
        2 => crossed(&[whole(SURNAME), sounds(SURNAME)].concat(), &units()),
        3 => crossed(&[whole(FORENAME), sounds(FORENAME)].concat(), &units()),
        4 => crossed(&sounds(FORENAME), &two_parts()),
        5 => crossed(&sounds(SURNAME), &two_parts()),
        6 => unordered(&sounds(FORENAME), &sounds(SURNAME)),
        7 => {
            let parts = born().flat_map(|BirthDate { year, month, day, .. }| {
                [mix(1, year.low()), mix(mix(2, month.low()), day.low())]
            });
            crossed(&units(), &parts.collect::<Vec<_>>())
        }
        8 => {
            let less = |part| {
                once(
                    names(values, side, record, part)
                        .flat_map(|name| name.one_less.iter().copied()),
                )
            };
            let mut keys = unordered(&whole(FORENAME), &less(SURNAME));
            keys.extend(unordered(&less(FORENAME), &whole(SURNAME)));
            keys
        }
        _ => once(side.part(record, IDENTIFIER).iter().map(|number| values.keyed(*number))),
    }
}

fn names<'a>(
    values: &'a Values<'_>,
    side: &'a Side,
    record: usize,
    part: usize,
) -> impl Iterator<Item = &'a Name> {
    side.part(record, part).iter().map(|name| values.names[*name as usize])
}

fn postcodes<'a>(
    values: &'a Values<'_>,
    side: &'a Side,
    record: usize,
) -> impl Iterator<Item = &'a Postcode> {
    side.part(record, POSTCODE).iter().map(|postcode| values.postcodes[*postcode as usize])
}

fn initials(values: &Values<'_>, side: &Side, record: usize, part: usize) -> Vec<u64> {
    once(names(values, side, record, part).filter_map(|name| name.initial))
}

fn dates(
    values: &Values<'_>,
    side: &Side,
    record: usize,
    of: fn(&BirthDate) -> KeyedValue,
) -> Vec<u64> {
    once(side.part(record, BIRTH_DATE).iter().map(|date| of(values.dates[*date as usize])))
}

fn once(keyed_values: impl Iterator<Item = KeyedValue>) -> Vec<u64> {
    let mut all: Vec<u64> = keyed_values.map(KeyedValue::low).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn crossed(some: &[u64], others: &[u64]) -> Vec<u64> {
    some.iter().flat_map(|a| others.iter().map(|b| mix(mix(0, *a), *b))).collect()
}

/// The same key for two names and for the same two swapped.
fn unordered(some: &[u64], others: &[u64]) -> Vec<u64> {
    some.iter().flat_map(|a| others.iter().map(|b| mix(mix(0, *a.min(b)), *a.max(b)))).collect()
}

/// Two keys that are equal by chance cost one comparison more. Keyed values are hashes under a key, so that nobody can make many.
fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
