//! An open purpose of a serving vault: its registry, the birth dates beside it, and who asked for how many
//! different identifiers and repairs today.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::{
    keys::Link,
    probing::{Newcomers, Slips, Watch},
    purposes::today,
    registry::{Births, FactsBook, Registry, Tombstones},
    state::PurposeState,
};

/// A set of records.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordSet(Vec<u64>);

impl RecordSet {
    /// Adds a record; gives whether it is new.
    pub(crate) fn insert(&mut self, record: u32) -> bool {
        let (word, bit) = (record as usize / 64, 1u64 << (record % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    /// Whether a record is in it.
    pub(crate) fn has(&self, record: u32) -> bool {
        self.0.get(record as usize / 64).is_some_and(|word| word & 1 << (record % 64) != 0)
    }

    /// Takes a record out again.
    pub(crate) fn remove(&mut self, record: u32) {
        if let Some(word) = self.0.get_mut(record as usize / 64) {
            *word &= !(1 << (record % 64));
        }
    }
}

/// The files of a purpose, open.
pub(crate) struct Books {
    pub(crate) registry: Registry,
    pub(crate) births: Births,
    pub(crate) facts: FactsBook,
    pub(crate) tombstones: Tombstones,
}

/// A purpose's registry and its day.
pub(crate) struct OpenPurpose {
    /// The registry.
    pub(crate) registry: Registry,
    /// The birth dates beside its identifiers.
    pub(crate) births: Births,
    /// The facts of persons that were told for the retention schedule.
    pub(crate) facts: FactsBook,
    /// The numbers that are blocked.
    pub(crate) tombstones: Tombstones,
    /// Whether the books are those of before a disposal, and could not be opened anew: nothing is asked of them any more.
    pub(crate) stale: bool,
    /// How often they were written anew since the vault started: the numbers of records are others then.
    pub(crate) edition: u64,
    day: Date,
    /// Records asked today since the vault started.
    pub(crate) seen: RecordSet,
    /// Different identifiers today. Those from before a restart count again if they are asked again:
    /// the vault does not keep which they were.
    pub(crate) count: u64,
    /// The day's numbers, watched for someone who tries them out.
    pub(crate) watch: Watch,
    /// How often custodians had let the purpose go on when the watch began.
    resumed: u32,
    /// Keyed hashes of what was to be repaired today since the vault started.
    pub(crate) faulty: HashSet<Link>,
    /// The numbers of these repairs, watched for someone who tries them out.
    pub(crate) slips: Slips,
    /// Different numbers to be repaired today, counted as `count` is.
    pub(crate) repairs: u64,
    /// Parts for scored matching, asked today.
    pub(crate) parts: u64,
}

impl OpenPurpose {
    /// Opens the books with what the log says of today.
    pub(crate) fn new(books: Books, state: &PurposeState) -> Self {
        let Books { registry, births, facts, tombstones } = books;
        let (count, repairs, parts) = (state.today(), state.repairs_today(), state.parts_today());
        Self {
            registry,
            births,
            facts,
            tombstones,
            stale: false,
            edition: 0,
            day: today(),
            seen: RecordSet::default(),
            count,
            watch: Watch::of_day(Newcomers::of_day(count, state.newcomers_today())),
            resumed: state.resumed,
            faulty: HashSet::new(),
            slips: Slips::default(),
            repairs,
            parts,
        }
    }

    /// Takes the files that were written anew in the place of those before. Numbers asked about today are counted on; which numbers they were
    /// is forgotten, as their records have other numbers now.
    pub(crate) fn turn_to(&mut self, books: Books) {
        let Books { registry, births, facts, tombstones } = books;
        (self.registry, self.births) = (registry, births);
        (self.facts, self.tombstones) = (facts, tombstones);
        self.seen = RecordSet::default();
        self.edition += 1;
    }

    /// Begins anew where a day ended.
    pub(crate) fn turn_day(&mut self) {
        let now = today();
        if self.day != now {
            (self.day, self.count, self.parts, self.seen) = (now, 0, 0, RecordSet::default());
            (self.repairs, self.faulty, self.slips) = (0, HashSet::new(), Slips::default());
            self.watch = Watch::default();
        }
    }

    /// Begins the watch anew where custodians saw an alarm and let the purpose go on: what was asked before they know.
    pub(crate) fn go_on(&mut self, state: &PurposeState) {
        if self.resumed != state.resumed {
            (self.resumed, self.watch) = (state.resumed, Watch::default());
        }
    }
}
