//! Records as they come in: for each part of a person, the keyed values that stand for its texts.

use std::{collections::HashMap, fmt, hash::Hash};

use crate::ScoringError;

/// The most values that one record may have of one part: names of a lifetime, postcodes of all its terms.
pub const MOST_VALUES: usize = 32;

/// The most keyed values of one form that one value may have. A name of 20 letters has 190 spellings with two letters less.
pub const MOST_KEYED_VALUES: usize = 256;

/// Forenames, surnames, birth dates, sexes, postcodes, identifiers: in this order everywhere.
pub(crate) const PARTS: usize = 6;

/// Stands for a text: equal texts of one kind have one keyed value, and nothing of the text can be told from it. The caller
/// makes it with a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyedValue([u8; 16]);

impl KeyedValue {
    /// The keyed value of these 128 bits.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Eight of its bytes, for keys of blocks.
    pub(crate) fn low(self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for KeyedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedValue(…)")
    }
}

/// A forename or a surname. Forenames and surnames are keyed values of one kind, so that a swap is seen.
///
/// `whole`, `one_less` and `two_less` are keyed values of one kind too: `ANNA` is `ANNNA` with a letter less.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The name. Nothing, where the source has its first letter alone.
    pub whole: Option<KeyedValue>,
    /// Its first letter.
    pub initial: Option<KeyedValue>,
    /// How it sounds: codes of a phonetic algorithm.
    pub sounds: Vec<KeyedValue>,
    /// The name with each of its letters left out. Two names that share one, or where one is among the other's, are one
    /// typing error apart: a letter more, less, another, or two neighbours in the wrong order.
    pub one_less: Vec<KeyedValue>,
    /// The name with each two of its letters left out: two typing errors.
    pub two_less: Vec<KeyedValue>,
}

/// A birth date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate {
    /// The date.
    pub whole: KeyedValue,
    /// The date whose day is this one's month and whose month is this one's day, where there is another such date. A keyed value of
    /// the kind of `whole`.
    pub swapped: Option<KeyedValue>,
    /// The date's digits with each of them left out.
    pub one_less: Vec<KeyedValue>,
    /// The year.
    pub year: KeyedValue,
    /// The month of the year.
    pub month: KeyedValue,
    /// The day of the month.
    pub day: KeyedValue,
}

/// A postcode, of any term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Postcode {
    /// The whole postcode.
    pub unit: KeyedValue,
    /// The postcode without its last two letters.
    pub sector: Option<KeyedValue>,
    /// The postcode with each of its characters left out: keyed values of the kind of `unit`.
    pub one_less: Vec<KeyedValue>,
}

/// One person in one table. Each part may have no value, one, or several: a preferred and a former name,
/// the postcodes of several terms. The order of values does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Forenames.
    pub forenames: Vec<Name>,
    /// Surnames.
    pub surnames: Vec<Name>,
    /// Birth dates.
    pub birth_dates: Vec<BirthDate>,
    /// Sexes.
    pub sexes: Vec<KeyedValue>,
    /// Postcodes.
    pub postcodes: Vec<Postcode>,
    /// Numbers that name the person.
    pub identifiers: Vec<KeyedValue>,
}

/// A table of records, each known by its place. A value that many records have is held once.
#[derive(Debug, Default)]
pub struct Records {
    pub(crate) names: Interned<Name>,
    pub(crate) dates: Interned<BirthDate>,
    pub(crate) postcodes: Interned<Postcode>,
    pub(crate) keyed_values: Interned<KeyedValue>,
    /// For each record and part, where its values end in `values`.
    pub(crate) ends: Vec<[u32; PARTS]>,
    pub(crate) values: Vec<u32>,
}

/// Distinct values, each with its place.
#[derive(Debug)]
pub(crate) struct Interned<T> {
    places: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { places: HashMap::new() }
    }
}

impl<T: Eq + Hash> Interned<T> {
    fn place(&mut self, value: T) -> u32 {
        // There are fewer values than 32 bits can count: `values` would not hold them.
        let next = self.places.len() as u32;
        *self.places.entry(value).or_insert(next)
    }

    /// The values and their places, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&T, u32)> {
        self.places.iter().map(|(value, place)| (value, *place))
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }
}

impl Records {
    /// Adds a record behind the others.
    ///
    /// # Errors
    /// A record with more values or keyed values than a person can have, or a table with too many records. Thereby two records are
    /// compared at a bounded cost.
    pub fn add(&mut self, record: Record) -> Result<(), ScoringError> {
        let row = self.ends.len();
        if self.values.len() + PARTS * MOST_VALUES >= u32::MAX as usize {
            return Err(ScoringError::TooManyRecords);
        }
        let Record { forenames, surnames, birth_dates, sexes, postcodes, identifiers } = record;
        let counts = [
            ("forename", forenames.len()),
            ("surname", surnames.len()),
            ("birth date", birth_dates.len()),
            ("sex", sexes.len()),
            ("postcode", postcodes.len()),
            ("identifier", identifiers.len()),
        ];
        if let Some((part, _)) = counts.into_iter().find(|(_, count)| *count > MOST_VALUES) {
            return Err(ScoringError::TooManyValues { row, part });
        }
        let mut ends = [0; PARTS];
        for (end, names) in ends.iter_mut().zip([forenames, surnames]) {
            for name in names.into_iter().filter(|name| *name != Name::default()) {
                let name = name.ordered(row)?;
                self.values.push(self.names.place(name));
            }
            *end = self.values.len() as u32;
        }
        for mut date in birth_dates {
            sorted(&mut date.one_less, row, "birth date")?;
            self.values.push(self.dates.place(date));
        }
        ends[2] = self.values.len() as u32;
        self.values.extend(sexes.into_iter().map(|sex| self.keyed_values.place(sex)));
        ends[3] = self.values.len() as u32;
        for mut postcode in postcodes {
            postcode.one_less.push(postcode.unit);
            sorted(&mut postcode.one_less, row, "postcode")?;
            self.values.push(self.postcodes.place(postcode));
        }
        ends[4] = self.values.len() as u32;
        self.values.extend(identifiers.into_iter().map(|number| self.keyed_values.place(number)));
        ends[5] = self.values.len() as u32;
        self.ends.push(ends);
        Ok(())
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl Name {
    /// The same, with sorted keyed values: those with a letter less hold the name itself, those with two less hold both.
    fn ordered(mut self, row: usize) -> Result<Self, ScoringError> {
        self.one_less.extend(self.whole);
        self.two_less.extend_from_slice(&self.one_less);
        for keyed_values in [&mut self.sounds, &mut self.one_less, &mut self.two_less] {
            sorted(keyed_values, row, "name")?;
        }
        Ok(self)
    }
}

fn sorted(
    keyed_values: &mut Vec<KeyedValue>,
    row: usize,
    part: &'static str,
) -> Result<(), ScoringError> {
    keyed_values.sort_unstable();
    keyed_values.dedup();
    match keyed_values.len() > MOST_KEYED_VALUES {
        true => Err(ScoringError::TooManyKeyedValues { row, part }),
        false => Ok(()),
    }
}
