//! Rows with nobody's own number that hang on rows about persons whose records were disposed of: they share the number of a row or a
//! case, or the XML unit, with such a row, be it by other hanging rows, and with none that stays. A disposal takes the same rows out of
//! the store.

use std::collections::{HashMap, HashSet};

use minster_model::Kind;
use minster_store::HangingNumbers;

/// The kind of a row, by the own numbers in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// It is about a person whose records stand.
    Stays,
    /// The records of all its persons were disposed of.
    Leaves,
    /// It has nobody's own number.
    Hangs,
}

/// How far the delivery was read.
#[derive(Default, PartialEq, Eq)]
enum Stage {
    /// Nobody knows yet whether any row leaves.
    #[default]
    Looking,
    /// Rows leave: what hangs on what is being noted.
    Noting,
    /// It is known which rows leave.
    Settled,
}

/// The rows of one delivery that hang on others. Has no `Debug`: it holds raw identifiers.
#[derive(Default)]
pub(crate) struct Hanging {
    stage: Stage,
    /// Numbers of rows and cases, each by its place.
    places: HashMap<Kind, HashMap<Box<[u8]>, u32>>,
    count: u32,
    /// Those in rows that stay and that leave.
    numbers: HangingNumbers<u32>,
    /// Different rows that hang: their numbers and units.
    rows: HashSet<(Vec<u32>, Option<u32>)>,
}

impl Hanging {
    /// Whether a row stays out. `beside` are its numbers of rows and cases.
    pub(crate) fn blocks<'a>(
        &mut self,
        row: Row,
        beside: impl Iterator<Item = (&'a Kind, &'a [u8])>,
        unit: Option<u32>,
    ) -> bool {
        match (&self.stage, row) {
            (Stage::Looking, _) => {}
            (Stage::Noting, _) => {
                let beside: Vec<u32> =
                    beside.map(|(kind, identifier)| self.place(kind, identifier)).collect();
                match row {
                    Row::Stays => self.numbers.alive.extend(beside),
                    Row::Leaves => {
                        self.numbers.dead.extend(beside);
                        self.numbers.dead_units.extend(unit);
                    }
                    Row::Hangs if beside.is_empty() && unit.is_none() => {}
                    Row::Hangs => drop(self.rows.insert((beside, unit))),
                }
            }
            (Stage::Settled, Row::Hangs) => {
                let known = |(kind, identifier): (&Kind, &[u8])| {
                    self.places.get(kind)?.get(identifier).copied()
                };
                let beside: Vec<u32> = beside.filter_map(known).collect();
                return self.numbers.leaves(&beside, unit);
            }
            (Stage::Settled, _) => {}
        }
        row == Row::Leaves
    }

    /// The delivery was read once; `blocks` says whether any row leaves. Says whether it must be read again.
    pub(crate) fn end_reading(&mut self, blocks: bool) -> bool {
        match self.stage {
            Stage::Looking if blocks => {
                self.stage = Stage::Noting;
                true
            }
            Stage::Noting => {
                let rows = self.rows.iter().map(|(beside, unit)| (beside.as_slice(), *unit));
                self.numbers.settle(rows.clone());
                self.stage = Stage::Settled;
                rows.clone().any(|(beside, unit)| self.numbers.leaves(beside, unit))
            }
            Stage::Looking | Stage::Settled => false,
        }
    }

    fn place(&mut self, kind: &Kind, identifier: &[u8]) -> u32 {
        if let Some(place) = self.places.get(kind).and_then(|of| of.get(identifier)) {
            return *place;
        }
        let place = self.count;
        self.count += 1;
        self.places.entry(kind.clone()).or_default().insert(identifier.into(), place);
        place
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    /// Rows as a delivery has them: what each is, its numbers, its unit.
    type Rows<'a> = [(Row, &'a [&'a str], Option<u32>)];

    /// Reads rows as often as is asked; says which stay out in the end, and how often they were read.
    fn read(rows: &Rows<'_>) -> (Vec<bool>, usize) {
        let kind: Kind = "case".parse().unwrap();
        let mut hanging = Hanging::default();
        for times in 1.. {
            let blocks = |(row, numbers, unit): &(Row, &[&str], Option<u32>)| {
                let beside = numbers.iter().map(|number| (&kind, number.as_bytes()));
                hanging.blocks(*row, beside, *unit)
            };
            let out = rows.iter().map(blocks).collect();
            if !hanging.end_reading(rows.iter().any(|(row, _, _)| *row == Row::Leaves)) {
                return (out, times);
            }
        }
        unreachable!()
    }

    #[test]
    fn a_row_that_hangs_on_a_case_of_a_person_who_stays_stays() {
        let rows: &Rows<'_> = &[
            (Row::Hangs, &["shared"], None),
            (Row::Leaves, &["shared", "alone"], None),
            (Row::Hangs, &["alone"], None),
            (Row::Stays, &["shared"], None),
        ];
        assert_eq!(read(rows), (vec![false, true, true, false], 3));
    }

    #[test]
    fn a_chain_of_rows_leaves_to_its_end_wherever_it_stands() {
        let rows: &Rows<'_> = &[
            (Row::Hangs, &["assessment", "need"], None),
            (Row::Hangs, &["request", "assessment"], None),
            (Row::Hangs, &["send", "request"], None),
            (Row::Hangs, &["other"], None),
            (Row::Leaves, &["send"], None),
            (Row::Hangs, &["need", "end"], None),
        ];
        assert_eq!(read(rows), (vec![true, true, true, false, true, true], 3));
        // One living person at the end of the chain keeps all of it.
        let kept = [rows, &[(Row::Stays, &["end"], None)]].concat();
        assert_eq!(read(&kept).0, [false, false, false, false, true, false, false]);
    }

    #[test]
    fn a_unit_leaves_with_its_person_and_nothing_is_read_again_without_need() {
        let rows: &Rows<'_> =
            &[(Row::Hangs, &[], Some(1)), (Row::Leaves, &[], Some(1)), (Row::Hangs, &[], Some(2))];
        assert_eq!(read(rows), (vec![true, true, false], 3));
        assert_eq!(read(&[(Row::Stays, &["a"], None), (Row::Hangs, &["a"], None)]).1, 1);
        assert_eq!(read(&[(Row::Stays, &["a"], None), (Row::Leaves, &["b"], None)]).1, 2);
    }
}
