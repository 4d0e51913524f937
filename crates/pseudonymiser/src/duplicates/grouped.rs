//! Fingerprints of rows whose first column is mostly that of the row before: a file that has one child after the other.
//! They stand one after the other; where a child comes again, theirs are looked up again.

use std::collections::HashMap;

use hashbrown::{HashTable, hash_table::Entry};

use super::{Print, scattered::Scattered};

/// The cost of beginning with another first column, in rows looked up again.
const BEGINNING: usize = 16;
/// The cost that beginnings may have in a generation: so much at first, and more with each row.
const SPENT_AT_FIRST: usize = 64 << 10;
const SPENT_BY_ROW: usize = 2;
/// A first column that has come so many times will come again: its rows are kept at hand.
const OFTEN: u32 = 4;
/// Rows kept at hand, and rows of one first column: where there are more, it says too little.
const MOST_KEPT: usize = 512 << 10;
/// The memory of a set beside its rows, in rows.
const SET: usize = 16;
/// A set with room for more than these is not used again for the next first column.
const SMALL: usize = 4 << 10;

/// Two generations of fingerprints, and those of the first column that is current.
pub(super) struct Grouped {
    current: Generation,
    previous: Option<Generation>,
    first: Option<u32>,
    /// All that have this first column.
    known: HashTable<u64>,
    /// The same of first columns that come often, and how many rows these are.
    often: HashMap<u32, HashTable<u64>, ahash::RandomState>,
    kept: usize,
    /// Rows of this generation, and what was spent on beginnings in it.
    rows: usize,
    spent: usize,
}

/// A generation's fingerprints in the order in which they came.
struct Generation {
    rows: Vec<u64>,
    segments: Vec<Segment>,
    /// The last segment of each first column.
    last: HashMap<u32, u32, ahash::RandomState>,
}

/// Fingerprints of one first column, up to where the next segment begins.
struct Segment {
    first: u32,
    begin: u32,
    /// The one before with the same first column.
    before: Option<u32>,
    /// How many there are of it, up to this one.
    times: u32,
}

impl Grouped {
    pub(super) fn new(most: usize) -> Self {
        Self {
            current: Generation::new(most),
            previous: None,
            first: None,
            known: HashTable::new(),
            often: HashMap::default(),
            kept: 0,
            rows: 0,
            spent: 0,
        }
    }

    /// Says of each row whether it was not seen before, and remembers it; ends early where first columns change too
    /// often.
    pub(super) fn recognise(&mut self, prints: &[Print], fresh: &mut Vec<bool>) {
        for print in prints {
            if self.first != Some(print.first) {
                self.begin(print.first);
            }
            let most = SPENT_AT_FIRST + SPENT_BY_ROW * self.rows;
            if self.spent > most || self.known.len() > MOST_KEPT {
                return;
            }
            self.rows += 1;
            fresh.push(self.add(print.row));
        }
    }

    fn add(&mut self, row: u64) -> bool {
        let is_new = insert(&mut self.known, row);
        if is_new {
            self.current.rows.push(row);
        }
        is_new
    }

    fn begin(&mut self, first: u32) {
        self.put_away();
        self.first = Some(first);
        self.spent += BEGINNING;
        match self.often.remove(&first) {
            Some(known) => {
                self.kept -= weight(&known);
                self.known = known;
            }
            None => {
                for log in self.previous.iter().chain([&self.current]) {
                    for row in log.of(first) {
                        insert(&mut self.known, row);
                    }
                }
                self.spent += self.known.len();
            }
        }
        self.current.begin(first);
    }

    /// Puts away what is known of the current first column.
    fn put_away(&mut self) {
        if let Some(first) = self.first
            && self.current.times(first) >= OFTEN
            && self.kept + weight(&self.known) <= MOST_KEPT
        {
            self.kept += weight(&self.known);
            self.often.insert(first, std::mem::take(&mut self.known));
        } else if self.known.capacity() > SMALL {
            self.known = HashTable::new();
        } else {
            self.known.clear();
        }
    }

    /// A generation begins; the one before the last is forgotten.
    pub(super) fn turn(&mut self, most: usize) {
        self.previous = Some(std::mem::replace(&mut self.current, Generation::new(most)));
        self.first = None;
        self.often.clear();
        (self.kept, self.rows, self.spent) = (0, 0, 0);
    }

    /// The same fingerprints for rows in any order.
    pub(super) fn scatter(&self, most: usize) -> Scattered {
        let previous = self.previous.as_ref().map(Generation::prints);
        Scattered::of(self.current.prints(), previous, most)
    }
}

/// The memory of a set, in rows.
fn weight(known: &HashTable<u64>) -> usize {
    known.len() + SET
}

/// Whether it was not there.
fn insert(known: &mut HashTable<u64>, row: u64) -> bool {
    match known.entry(row, |other| *other == row, |other| *other) {
        Entry::Occupied(_) => false,
        Entry::Vacant(place) => {
            place.insert(row);
            true
        }
    }
}

impl Generation {
    fn new(most: usize) -> Self {
        Self { rows: Vec::with_capacity(most), segments: Vec::new(), last: HashMap::default() }
    }

    fn begin(&mut self, first: u32) {
        let number = self.segments.len() as u32;
        let before = self.last.insert(first, number);
        let times = before.map_or(0, |before| self.segments[before as usize].times) + 1;
        self.segments.push(Segment { first, begin: self.rows.len() as u32, before, times });
    }

    /// How often a first column has come.
    fn times(&self, first: u32) -> u32 {
        self.last.get(&first).map_or(0, |last| self.segments[*last as usize].times)
    }

    /// The rows of a segment.
    fn rows(&self, number: u32) -> &[u64] {
        let begin = self.segments[number as usize].begin as usize;
        let next = self.segments.get(number as usize + 1);
        &self.rows[begin..next.map_or(self.rows.len(), |next| next.begin as usize)]
    }

    /// All rows with a first column.
    fn of(&self, first: u32) -> impl Iterator<Item = u64> {
        let before = |number: &u32| self.segments[*number as usize].before;
        let segments = std::iter::successors(self.last.get(&first).copied(), before);
        segments.flat_map(|number| self.rows(number)).copied()
    }

    fn prints(&self) -> impl ExactSizeIterator<Item = Print> {
        let mut segments = self.segments.iter().peekable();
        let mut first = 0;
        self.rows.iter().enumerate().map(move |(place, row)| {
            while let Some(segment) = segments.next_if(|next| next.begin as usize <= place) {
                first = segment.first;
            }
            Print { row: *row, first }
        })
    }
}

#[cfg(test)]
impl Grouped {
    /// Rows that are remembered.
    pub(super) fn held(&self) -> usize {
        self.current.rows.len() + self.previous.as_ref().map_or(0, |log| log.rows.len())
    }
}
