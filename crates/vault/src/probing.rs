//! Recognises that someone tries out numbers. It watches pupil numbers and NHS numbers, which
//! are built to a known plan and can be counted through; other identifiers have the budget alone.
//!
//! A run is stopped, and with it its purpose, where in one day (UTC) all runs of the purpose together ask for
//!
//! 1. **a block too densely**: more than [`DENSE_UPN`] of the thousand serials of one local authority,
//!    school and year of allocation (a school gives serials in sequence, but to its own intake only), or
//!    more than [`DENSE_NHS`] of a thousand neighbouring NHS numbers; or, of sources that were loaded before,
//!    more than [`DENSE_NEW`] that the vault never saw (the largest intake of a school in a year);
//! 2. **too many newcomers**: of sources that were loaded before, more than
//!    [`NEWCOMERS`] + a quarter of the day's numbers were never seen by the vault (a new school year
//!    brings about one in thirteen). The same holds for each run by itself and its own numbers.
//!
//! Repairs are asked with a birth date, so that they could be used to try out birth dates of a number, or numbers of a birth
//! date. They are stopped where, in one day (UTC),
//!
//! 3. **one number is tried with too many birth dates**: more than [`BIRTHS_TRIED`], for a number that the vault knows;
//! 4. **too many are of one block**: more than [`DENSE_SLIPS`] of what they may have been.
//!
//! docs/threats.md has the false-alarm rate.

use std::collections::HashMap;

use minster_model::Kind;

/// Serials of one school's year of allocation that a purpose may ask for in a day.
pub const DENSE_UPN: u32 = 400;
/// The same for a thousand neighbouring NHS numbers.
pub const DENSE_NHS: u32 = 100;
/// Newcomers of one block, where the source was loaded before.
pub const DENSE_NEW: u32 = 150;
/// Newcomers that are always allowed.
pub const NEWCOMERS: u64 = 1_000;

/// Birth dates with which one number may be tried in a day.
pub const BIRTHS_TRIED: usize = 5;
/// Mistyped numbers in a day that may have been of one block.
pub const DENSE_SLIPS: u32 = 60;

/// The block that a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(u64);

/// How many numbers were asked for, and how many of them the vault never saw: of one run, or of a purpose's day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Newcomers {
    asked: u64,
    new: u64,
}

/// The numbers that all runs of a purpose asked for in a day.
#[derive(Debug, Default)]
pub struct Watch {
    /// How many of each block were asked for, and how many of these were new.
    blocks: HashMap<Block, (u32, u32), std::hash::BuildHasherDefault<Spread>>,
    newcomers: Newcomers,
}

impl Block {
    const NHS: u64 = 1 << 63;

    /// The block of a canonical identifier, where it is one of the watched kinds: by its shape for
    /// pupil numbers (a letter and twelve digits, the last perhaps a letter), by its kind's name for
    /// NHS numbers (ten digits).
    pub fn of(kind: &Kind, identifier: &[u8]) -> Option<Self> {
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0u64, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
            })
        };
        match identifier.len() {
            13 if identifier[0].is_ascii_uppercase() => number(&identifier[1..10]).map(Self),
            10 if kind.as_str().contains("nhs") => {
                number(&identifier[..6]).map(|block| Self(block | Self::NHS))
            }
            _ => None,
        }
    }

    fn limit(self) -> u32 {
        if self.0 & Self::NHS == 0 { DENSE_UPN } else { DENSE_NHS }
    }
}

impl Newcomers {
    /// Goes on where the log says that a day was.
    pub fn of_day(asked: u64, new: u64) -> Self {
        Self { asked, new }
    }

    /// Those of sources that were loaded before.
    pub fn new_ones(&self) -> u64 {
        self.new
    }

    /// Takes note of a number that was not asked for before; gives the rule that it breaks. `new` is one that the vault never
    /// saw, of a source that was loaded before.
    pub fn see(&mut self, new: bool) -> Option<&'static str> {
        self.asked += 1;
        self.new += u64::from(new);
        (new && self.new > NEWCOMERS + self.asked / 4)
            .then_some("it asks for too many numbers that no earlier run of this source knew")
    }
}

impl Watch {
    /// Goes on where the log says that the day was. Which blocks were asked for, it does not say.
    pub fn of_day(newcomers: Newcomers) -> Self {
        Self { newcomers, ..Self::default() }
    }

    /// The day's newcomers.
    pub fn newcomers(&self) -> Newcomers {
        self.newcomers
    }

    /// Takes note of a number that no run asked for before on the day; gives the rule that it breaks.
    pub fn see(&mut self, block: Block, new: bool, loaded_before: bool) -> Option<&'static str> {
        let (asked, newcomers) = self.blocks.entry(block).or_default();
        let newcomer = new && loaded_before;
        *asked += 1;
        *newcomers += u32::from(newcomer);
        if *asked > block.limit() || newcomer && *newcomers > DENSE_NEW {
            return Some(
                "it asks for more numbers of one block than are ever given to children here",
            );
        }
        self.newcomers.see(newcomer)
    }
}

/// The numbers that a day's repairs were about.
#[derive(Debug, Default)]
pub struct Slips {
    /// Birth dates, as keyed hashes, with which a record was tried.
    tried: HashMap<u32, Vec<u64>>,
    blocks: HashMap<Block, u32, std::hash::BuildHasherDefault<Spread>>,
}

impl Slips {
    /// Takes note of a repair that was not asked for before today: the blocks of what the number may have been, the records
    /// that are such, and what stands for the birth date. Gives the rule that it breaks.
    pub fn see(
        &mut self,
        blocks: impl IntoIterator<Item = Block>,
        records: &[u32],
        born: u64,
    ) -> Option<&'static str> {
        let mut dense = false;
        let mut seen: Vec<Block> = blocks.into_iter().collect();
        seen.sort_unstable();
        seen.dedup();
        for block in seen {
            let slips = self.blocks.entry(block).or_default();
            *slips += 1;
            dense |= *slips > DENSE_SLIPS;
        }
        for record in records {
            let births = self.tried.entry(*record).or_default();
            if !births.contains(&born) {
                births.push(born);
            }
            if births.len() > BIRTHS_TRIED {
                return Some("it tries out birth dates of one number");
            }
        }
        dense.then_some("it has more numbers of one block repaired than are ever mistyped")
    }
}

/// Multiplies: blocks are not chosen by anyone who could gain from collisions, and there are few.
#[derive(Default)]
struct Spread(u64);

impl std::hash::Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upn(school: u32, year: u32, serial: u32) -> Vec<u8> {
        format!("A330{school:04}{year:02}{serial:03}").into_bytes()
    }

    fn stops(numbers: impl Iterator<Item = (Vec<u8>, bool)>, loaded: bool) -> Option<usize> {
        let kind = "upn".parse().unwrap();
        let mut watch = Watch::default();
        numbers.enumerate().find_map(|(at, (number, new))| {
            let block = Block::of(&kind, &number).unwrap();
            watch.see(block, new, loaded).map(|_| at)
        })
    }

    #[test]
    fn counting_through_a_school_s_year_is_stopped() {
        assert_eq!(stops((0..1000).map(|s| (upn(1, 24, s), true)), false), Some(400));
        assert_eq!(stops((0..1000).map(|s| (upn(1, 24, s), true)), true), Some(150));
        let schools = (1..200).flat_map(|school| (0..300).map(move |s| (upn(school, 24, s), true)));
        assert_eq!(stops(schools, false), None, "serials in sequence are normal");
    }

    #[test]
    fn too_many_newcomers_are_stopped_unless_it_is_the_first_load() {
        let numbers =
            |new: u32| (0..13_000u32).map(move |n| (upn(n / 100, 24, n % 100), n % 13 < new));
        assert_eq!(stops(numbers(1), true), None, "a new year group");
        assert!(stops(numbers(6), true).is_some());
        assert_eq!(stops(numbers(6), false), None);
        assert_eq!(stops((0..1000).map(|n| (upn(n / 100, 24, n % 100), true)), true), None);
    }

    #[test]
    fn a_day_goes_on_where_the_log_says_that_it_was() {
        let block = Block::of(&"upn".parse().unwrap(), &upn(1, 24, 7)).unwrap();
        let mut watch = Watch::of_day(Newcomers::of_day(1_200, 1_299));
        assert_eq!(watch.see(block, true, true), None);
        assert_eq!(watch.see(block, false, true), None, "a known one breaks no rule");
        assert_eq!(watch.newcomers().new_ones(), 1_300);
        assert!(watch.see(block, true, true).is_some());
    }

    #[test]
    fn birth_dates_of_one_number_and_numbers_of_one_block_are_not_tried_out() {
        let kind = "upn".parse().unwrap();
        let block = |school| Block::of(&kind, &upn(school, 24, 7)).unwrap();
        let mut slips = Slips::default();
        // Services repeat a child's birth date; five different ones are told of a number, and no sixth.
        for born in [1, 1, 2, 1, 3, 4, 5, 5] {
            assert_eq!(slips.see([], &[7, 8], born), None);
        }
        assert!(slips.see([], &[9], 6).is_none() && slips.see([], &[9, 8], 6).is_some());
        // All candidates for one mistyped number count once in a block.
        for asked in 0..u64::from(DENSE_SLIPS) {
            assert_eq!(slips.see([block(1), block(2), block(1)], &[], asked), None);
        }
        assert!(slips.see([block(3)], &[], 0).is_none());
        assert!(slips.see([block(2)], &[], 0).is_some());
    }

    #[test]
    fn only_numbers_with_a_plan_are_watched() {
        let (nhs, own) = ("nhs-number".parse().unwrap(), "la-child-id".parse().unwrap());
        assert!(Block::of(&nhs, b"9434765919").is_some());
        assert_eq!(Block::of(&own, b"9434765919"), None);
        assert_eq!(Block::of(&own, b"A12"), None);
        assert!(Block::of(&own, b"Q330400024001").is_some(), "whatever its kind is called");
        assert_ne!(Block::of(&nhs, b"3304000249"), Block::of(&nhs, b"Q330400024001"));
    }
}
