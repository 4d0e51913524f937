//! The gate before kept text: what looks like an identifier is set aside where it is treated; what equals a person's name
//! of the same delivery is known only when all of it was read, and then the delivery is read once more. So it is with a
//! column of dates that holds a spreadsheet's numbers and others: `40110` may be 24 October 2009, or a 4 January 2010 that
//! lost its zero, where `150310` stands below it.
//!
//! Names and kept texts are remembered as hashes under keys drawn for the run, and forgotten with it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use ahash::RandomState;
use minster_identifiers::{folded_name, words};
use minster_model::TableName;
use minster_sources::{Reason, TokenRule};

use crate::{
    IngestError,
    batch::ParsedBatch,
    cells::Note,
    treatment::{Cell, TablePlan},
};

/// Different texts of a column that are remembered, where its pattern bounds them no further.
const MOST_TEXTS: usize = 1 << 20;
/// An initial is no name.
const SHORTEST_NAME: usize = 2;
/// A word of a name or text counts by itself from this length on: `de`, `van` and codes of a few letters are too common.
const SHORTEST_WORD: usize = 4;

/// The result of a first reading of a delivery: its names, as hashes, and columns of dates with two kinds of numbers.
pub(crate) struct SecondReading {
    keys: RandomState,
    names: HashSet<u64>,
    doubted: HashSet<ColumnPlace>,
}

/// A table's and a column's place.
type ColumnPlace = (usize, usize);

impl SecondReading {
    /// Whether a text is one of its names, or holds one as a word, without regard to case, accents and punctuation.
    pub(crate) fn hold(&self, text: &str) -> bool {
        hashes(&self.keys, text).into_iter().any(|hash| self.names.contains(&hash))
    }

    /// Whether the numbers of a column of dates are in doubt.
    pub(crate) fn doubts(&self, column: ColumnPlace) -> bool {
        self.doubted.contains(&column)
    }
}

/// Hashes of a name or a text: of the whole, and of each word that is long enough to be a name. A word with a digit is no name: one
/// row with its cells shifted would else set every other row aside.
fn hashes(keys: &RandomState, text: &str) -> Vec<u64> {
    let words = words(text).into_iter().filter(|word| word.chars().count() >= SHORTEST_WORD);
    let whole = std::iter::once(folded_name(text));
    let whole = whole.filter(|whole| whole.chars().count() >= SHORTEST_NAME);
    let names = whole.chain(words).filter(|name| !name.contains(|c: char| c.is_numeric()));
    names.map(|name| keys.hash_one(name.as_str())).collect()
}

/// The kept texts and names of a delivery that were read so far.
pub(crate) struct KeptText {
    keys: RandomState,
    seen: Mutex<ReadCells>,
}

#[derive(Default)]
struct ReadCells {
    names: HashSet<u64>,
    /// Kept texts, by table and column: so that they can be counted.
    kept: HashMap<ColumnPlace, HashSet<u64>>,
    /// Parts of them that may be a name.
    parts: HashSet<u64>,
    /// Columns of dates with a spreadsheet's numbers, and with numbers that are none.
    serials: HashSet<ColumnPlace>,
    others: HashSet<ColumnPlace>,
}

impl KeptText {
    pub(crate) fn new(keys: RandomState) -> Self {
        Self { keys, seen: Mutex::default() }
    }

    /// Takes note of a batch.
    ///
    /// # Errors
    /// Where a column holds more different texts than its rule allows.
    pub(crate) fn note(
        &self,
        (table, name): (usize, &TableName),
        plan: &TablePlan,
        batch: &ParsedBatch<'_>,
    ) -> Result<(), IngestError> {
        let (mut names, mut kept) = (Vec::new(), Vec::new());
        for (place, planned) in plan.columns.iter().enumerate() {
            if planned.is_date() {
                self.note_numbers((table, place), batch);
            }
            let rule = planned.token_rule();
            if rule.is_none() && !planned.is_name() {
                continue;
            }
            for treated in batch.distinct(place).filter_map(|cell| cell.as_ref().ok()) {
                names.extend(treated.name.iter().flat_map(|name| hashes(&self.keys, name)));
                if let (Some(_), Cell::Text(text)) = (rule, &treated.cell) {
                    let whole = self.keys.hash_one((text.as_ref(), true));
                    kept.push((place, whole, hashes(&self.keys, text)));
                }
            }
        }
        if names.is_empty() && kept.is_empty() {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(|held| held.into_inner());
        seen.names.extend(names);
        for (column, whole, parts) in kept {
            seen.parts.extend(parts);
            let texts = seen.kept.entry((table, column)).or_default();
            texts.insert(whole);
            let most = match plan.columns[column].token_rule() {
                Some(TokenRule::Distinct(most)) => *most,
                _ => MOST_TEXTS,
            };
            if texts.len() > most {
                return Err(IngestError::TooManyTexts {
                    table: name.clone(),
                    column: plan.columns[column].name.clone(),
                    most,
                });
            }
        }
        Ok(())
    }

    /// Which kinds of numbers a column of dates holds.
    fn note_numbers(&self, column: ColumnPlace, batch: &ParsedBatch<'_>) {
        let (mut serial, mut other) = (false, false);
        for cell in batch.distinct(column.1) {
            let number = Reason::DateNumber;
            match cell {
                Ok(cell) => {
                    serial |= cell.note == Some(Note::Serial);
                    other |= cell.note == Some(Note::Blank(number));
                }
                Err(reason) => other |= *reason == number,
            }
        }
        if serial || other {
            let mut seen = self.seen.lock().unwrap_or_else(|held| held.into_inner());
            seen.serials.extend(serial.then_some(column));
            seen.others.extend(other.then_some(column));
        }
    }

    /// The result, where the delivery is to be read again: a kept text is a name, or a date's number is in doubt.
    pub(crate) fn again(self) -> Option<Arc<SecondReading>> {
        let ReadCells { names, parts, serials, others, .. } =
            self.seen.into_inner().unwrap_or_else(|held| held.into_inner());
        let doubted: HashSet<ColumnPlace> = serials.intersection(&others).copied().collect();
        let again = !doubted.is_empty() || parts.iter().any(|part| names.contains(part));
        again.then(|| Arc::new(SecondReading { keys: self.keys, names, doubted }))
    }
}
