//! Facts of persons on their way to the vault. There is a row of them for each child and delivery: so they are packed, and name a
//! person by the tokens that the run was answered, from which the vault finds its records again without hashing a number anew.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{Token, bounds, frame::FrameError};

/// An event's date, as a row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToldDate {
    /// It happened on a day.
    On(Date),
    /// The row leaves it blank: it had not happened yet on the first day of the delivery's period.
    Open,
}

/// Facts of persons in a delivery's rows, for the retention schedule. Holds birth dates: no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFacts {
    /// The first day of the delivery's period (ISO): events that are open had not happened yet.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    first_day: String,
    /// Categories of the schedule that rows show.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::FEW }, { bounds::WORD }>")]
    categories: Vec<String>,
    /// Events whose dates rows have, by their names in the schedule.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::FEW }, { bounds::WORD }>")]
    events: Vec<String>,
    /// The tokens of all rows, end to end: of each the person's own numbers first, then what stands beside them.
    #[serde(with = "serde_bytes")]
    tokens: Vec<u8>,
    /// A row has [`HEAD`] bytes, then [`DATE`] bytes for each date.
    #[serde(with = "serde_bytes")]
    rows: Vec<u8>,
}

/// A row's category (0: none, 1: the first), the count of own numbers, of numbers beside them, and of dates.
const HEAD: usize = 4;
/// A date's event, by its place; year, month and day, or zeros where it is open.
const DATE: usize = 5;

/// A row, without its tokens.
#[derive(Clone, Copy)]
pub struct FactsRow<'a> {
    /// The category that it shows, by its place among [`PersonFacts::categories`].
    pub category: Option<usize>,
    /// How many of its tokens are of the person's own numbers: they come first.
    pub own: usize,
    /// How many tokens follow them: match keys, numbers of rows and cases.
    pub beside: usize,
    dates: &'a [[u8; DATE]],
}

impl PersonFacts {
    /// None yet, of a delivery whose period begins on a day.
    pub fn new(first_day: Date) -> Self {
        Self {
            first_day: first_day.to_string(),
            categories: Vec::new(),
            events: Vec::new(),
            tokens: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where it does not fit: a row has at most 255 own numbers, 255 others and 255 dates, and a message 255 categories and 256
    /// events. Nothing of it is added then.
    pub fn push<'n>(
        &mut self,
        category: Option<&str>,
        own: &[Token],
        beside: &[Token],
        dates: impl ExactSizeIterator<Item = (&'n str, ToldDate)>,
    ) -> Result<(), FrameError> {
        let category = match category {
            Some(category) => {
                place(&mut self.categories, category).and_then(|at| at.checked_add(1))
            }
            None => Some(0),
        };
        let small = |count: usize| u8::try_from(count).ok();
        let (Some(category), Some(owns), Some(others), Some(count)) =
            (category, small(own.len()), small(beside.len()), small(dates.len()))
        else {
            return Err(FrameError::Malformed);
        };
        let before = self.rows.len();
        self.rows.extend([category, owns, others, count]);
        for (event, date) in dates {
            let Some(event) = place(&mut self.events, event) else {
                self.rows.truncate(before);
                return Err(FrameError::Malformed);
            };
            let (year, month, day) = match date {
                ToldDate::On(on) => (on.year(), on.month() as u8, on.day() as u8),
                ToldDate::Open => (0, 0, 0),
            };
            let [high, low] = year.to_be_bytes();
            self.rows.extend([event, high, low, month, day]);
        }
        own.iter().chain(beside).for_each(|token| self.tokens.extend(token.as_bytes()));
        Ok(())
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its bytes in a message, but for a few.
    pub fn byte_len(&self) -> usize {
        self.tokens.len() + self.rows.len()
    }

    /// The first day of the delivery's period (ISO), as it was told.
    pub fn first_day(&self) -> &str {
        &self.first_day
    }

    /// The names that rows give categories by their places.
    pub fn categories(&self) -> &[String] {
        &self.categories
    }

    /// The names that dates give events by their places.
    pub fn events(&self) -> &[String] {
        &self.events
    }

    /// The tokens of all rows, end to end.
    pub fn tokens(&self) -> &[u8] {
        &self.tokens
    }

    /// The rows in order; nothing in the place of one that is cut. The counts of tokens are still to be compared with the tokens that
    /// there are, and places with names.
    pub fn rows(&self) -> impl Iterator<Item = Option<FactsRow<'_>>> {
        let mut rest = self.rows.as_slice();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let row = FactsRow::read(rest);
            rest = row.map_or(&[], |(_, rest)| rest);
            Some(row.map(|(row, _)| row))
        })
    }
}

impl<'a> FactsRow<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let ([category, own, beside, count], rest) = bytes.split_first_chunk::<HEAD>()?;
        let (dates, rest) = rest.split_at_checked(usize::from(*count) * DATE)?;
        let row = Self {
            category: usize::from(*category).checked_sub(1),
            own: usize::from(*own),
            beside: usize::from(*beside),
            dates: dates.as_chunks().0,
        };
        Some((row, rest))
    }

    /// Its dates, each with the place of its event among [`PersonFacts::events`]; nothing in the place of a day that is none.
    pub fn dates(&self) -> impl ExactSizeIterator<Item = Option<(usize, ToldDate)>> + use<'a> {
        self.dates.iter().map(|&[event, high, low, month, day]| {
            let date = match (i16::from_be_bytes([high, low]), month, day) {
                (0, 0, 0) => ToldDate::Open,
                (year, month, day) => {
                    let small = |of: u8| i8::try_from(of).ok();
                    ToldDate::On(Date::new(year, small(month)?, small(day)?).ok()?)
                }
            };
            Some((usize::from(event), date))
        })
    }
}

/// The place of a name, which is added where it is new.
fn place(names: &mut Vec<String>, name: &str) -> Option<u8> {
    let known = names.iter().position(|known| known == name);
    let at = u8::try_from(known.unwrap_or(names.len())).ok()?;
    if known.is_none() {
        names.push(name.to_owned());
    }
    Some(at)
}

impl Drop for PersonFacts {
    fn drop(&mut self) {
        self.rows.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;
    use proptest::prelude::*;

    /// Category, tokens of own numbers and of others, dates.
    type Row = (Option<u8>, Vec<u8>, Vec<u8>, Vec<(u8, Option<Date>)>);

    fn token(of: u8) -> Token {
        Token::from_bytes([of; 16])
    }

    fn packed(rows: &[Row]) -> PersonFacts {
        let mut facts = PersonFacts::new(Date::constant(2024, 9, 1));
        for (category, own, beside, dates) in rows {
            let category = category.map(|of| format!("category-{of}"));
            let tokens = |of: &[u8]| of.iter().copied().map(token).collect::<Vec<_>>();
            let names: Vec<String> = dates.iter().map(|(of, _)| format!("event-{of}")).collect();
            let dates = names
                .iter()
                .zip(dates)
                .map(|(name, (_, on))| (name.as_str(), on.map_or(ToldDate::Open, ToldDate::On)));
            facts.push(category.as_deref(), &tokens(own), &tokens(beside), dates).unwrap();
        }
        facts
    }

    fn unpacked(facts: &PersonFacts) -> Vec<Row> {
        let mut tokens = facts.tokens().chunks_exact(16).map(|token| token[0]);
        let number = |name: &String| name.rsplit('-').next().unwrap().parse::<u8>().unwrap();
        let read = |row: FactsRow<'_>| {
            let category = row.category.map(|at| number(&facts.categories()[at]));
            let own = tokens.by_ref().take(row.own).collect();
            let beside = tokens.by_ref().take(row.beside).collect();
            let dates = row.dates().map(|date| match date.unwrap() {
                (at, ToldDate::On(on)) => (number(&facts.events()[at]), Some(on)),
                (at, ToldDate::Open) => (number(&facts.events()[at]), None),
            });
            (category, own, beside, dates.collect())
        };
        facts.rows().map(Option::unwrap).map(read).collect()
    }

    fn day() -> impl Strategy<Value = Date> {
        (1i16..=2100, 1i8..=12, 1i8..=28)
            .prop_map(|(year, month, day)| Date::constant(year, month, day))
    }

    proptest! {
        #[test]
        fn packed_rows_are_unpacked_as_they_were(rows in prop::collection::vec((
            prop::option::of(0u8..4),
            prop::collection::vec(any::<u8>(), 0..5),
            prop::collection::vec(any::<u8>(), 0..5),
            prop::collection::vec((0u8..6, prop::option::of(day())), 0..5),
        ), 0..40)) {
            let mut wire = Vec::new();
            frame::write(&mut wire, &packed(&rows)).unwrap();
            let back: PersonFacts = frame::read(&mut &wire[..]).unwrap();
            prop_assert_eq!(back.is_empty(), rows.is_empty());
            prop_assert_eq!(unpacked(&back), rows);
        }

        #[test]
        fn any_bytes_are_rows_or_a_cut_one(rows in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut facts = packed(&[]);
            facts.rows.clone_from(&rows);
            let mut length = 0;
            let mut is_cut = false;
            for row in facts.rows() {
                prop_assert!(!is_cut, "nothing follows a row that is cut");
                match row {
                    Some(row) => length += HEAD + row.dates().count() * DATE,
                    None => is_cut = true,
                }
            }
            prop_assert_eq!(is_cut, length != rows.len());
        }
    }

    #[test]
    fn a_row_that_does_not_fit_is_not_added() {
        let mut facts = packed(&[(None, vec![1], vec![], vec![])]);
        let before = facts.clone();
        let none = || std::iter::empty::<(&str, ToldDate)>();
        assert!(facts.push(None, &[token(1); 256], &[], none()).is_err());
        assert!(facts.push(None, &[token(1)], &[token(2); 256], none()).is_err());
        let dates = vec![("birth", ToldDate::Open); 256];
        assert!(facts.push(None, &[token(1)], &[], dates.into_iter()).is_err());
        assert!(facts == before);
        let names: Vec<String> = (0..257).map(|n| format!("event-{n}")).collect();
        for (at, name) in names.iter().enumerate() {
            let date = [(name.as_str(), ToldDate::Open)];
            let added = facts.push(None, &[token(1)], &[], date.into_iter());
            assert_eq!(added.is_ok(), at < 256, "{name}");
        }
        assert_eq!(
            facts.rows().map(Option::unwrap).count(),
            257,
            "the first one and those of 256 events"
        );
    }

    #[test]
    fn a_day_that_is_none_is_told() {
        for day in
            [[7, 208, 13, 1], [7, 208, 2, 30], [7, 208, 0, 1], [7, 208, 200, 1], [0, 0, 0, 1]]
        {
            let mut facts = packed(&[(None, vec![1], vec![], vec![(0, None)])]);
            facts.rows[HEAD + 1..].copy_from_slice(&day);
            let row = facts.rows().next().unwrap().unwrap();
            assert!(row.dates().next().unwrap().is_none(), "{day:?}");
        }
    }
}
