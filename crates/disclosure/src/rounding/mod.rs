mod cell_key;
mod choices;
mod controlled;
mod controlled_search;
mod refusal;

use minster_model::{
    rounding::{Margins, Rounding},
    table::TableSet,
};

pub use cell_key::{NOISE, perturb};
pub use refusal::RoundingRefusal;

/// How a set of tables is to be rounded, with what only the publisher knows.
#[derive(Debug, Clone, Copy)]
pub enum RoundingMethod<'a> {
    /// [`Rounding::Nearest`].
    Nearest {
        /// The base.
        base: u64,
    },
    /// [`Rounding::Controlled`].
    Controlled {
        /// The base.
        base: u64,
        /// 0 at first; each further number gives another choice, the same for the same number, for where
        /// the attack refuses one.
        attempt: u64,
    },
    /// [`Rounding::OpenSafely`].
    OpenSafely,
    /// [`Rounding::CellKey`].
    CellKey {
        /// For each table, for each inner cell, its children's record keys, summed modulo 2^64.
        keys: &'a [Vec<u64>],
    },
}

/// Tables as they would be published. The attack decides whether they may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rounded {
    /// Every cell's number, by cell number, one list a table: empty for a table that was published before.
    pub published: Vec<Vec<u64>>,
    /// The rule that they follow, for the public to know.
    pub rule: Rounding,
}

/// Rounds every cell of every table that was not published before.
///
/// # Errors
/// [`RoundingRefusal`]; a nearest or OpenSAFELY rounding is always found, and a controlled one unless its
/// work is used up.
pub fn round(set: &TableSet, method: RoundingMethod<'_>) -> Result<Rounded, RoundingRefusal> {
    let bases = Rounding::LEAST_BASE..=Rounding::LARGEST_BASE;
    match method {
        RoundingMethod::Nearest { base } | RoundingMethod::Controlled { base, .. }
            if !bases.contains(&base) =>
        {
            Err(RoundingRefusal::Base)
        }
        RoundingMethod::Nearest { base } => {
            let published = each(set, |count| nearest(count, base));
            Ok(Rounded { published, rule: Rounding::Nearest { base } })
        }
        RoundingMethod::Controlled { base, attempt } => {
            let (published, adjacent) = controlled::round(set, base, attempt)?;
            let margins = if adjacent { Margins::Adjacent } else { Margins::WithinTwo };
            Ok(Rounded { published, rule: Rounding::Controlled { base, margins } })
        }
        RoundingMethod::OpenSafely => {
            let published = each(set, |count| match count {
                0..=Rounding::OPEN_SAFELY_REDACTED => 0,
                _ => nearest(count, Rounding::OPEN_SAFELY_BASE),
            });
            Ok(Rounded { published, rule: Rounding::OpenSafely })
        }
        RoundingMethod::CellKey { keys } => {
            let published = cell_key::perturb_all(set, keys)?;
            Ok(Rounded { published, rule: Rounding::CellKey })
        }
    }
}

/// The nearest multiple of the base, halves upwards.
fn nearest(count: u64, base: u64) -> u64 {
    (count + base / 2) / base * base
}

/// Publishes each cell by its own count alone; nothing for a table that was published before.
fn each(set: &TableSet, published: impl Fn(u64) -> u64) -> Vec<Vec<u64>> {
    let of_table = |table: &minster_model::table::CountTable| match table.published_pattern() {
        Some(_) => Vec::new(),
        None => table.cell_counts().into_iter().map(&published).collect(),
    };
    set.tables.iter().map(of_table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_tables::{flat, set};

    fn one(inner: Vec<u64>) -> TableSet {
        set(vec![flat("a", inner.len())], inner)
    }

    #[test]
    fn each_cell_goes_to_the_nearest_by_itself() {
        let rounded =
            round(&one(vec![2, 3, 7, 8, 12]), RoundingMethod::Nearest { base: 5 }).unwrap();
        assert_eq!(rounded.published, [vec![30, 0, 5, 5, 10, 10]]);
        let rounded = round(&one(vec![4, 5, 15]), RoundingMethod::Nearest { base: 10 }).unwrap();
        assert_eq!(rounded.published, [vec![20, 0, 10, 20]]);
    }

    #[test]
    fn open_safely_redacts_up_to_seven() {
        let rounded = round(&one(vec![0, 7, 8, 12, 13]), RoundingMethod::OpenSafely).unwrap();
        assert_eq!(rounded.published, [vec![40, 0, 0, 10, 10, 15]]);
    }

    #[test]
    fn a_base_of_one_is_none() {
        for base in [0, 1, 1_001] {
            assert_eq!(
                round(&one(vec![9]), RoundingMethod::Controlled { base, attempt: 0 }),
                Err(RoundingRefusal::Base)
            );
        }
    }

    #[test]
    fn a_controlled_rounding_adds_up_by_hand() {
        // 5 + 5 = 10 is off by 1, 1 and 2; 5 + 0 = 5 by 1, 4 and 3.
        let rounded =
            round(&one(vec![4, 4]), RoundingMethod::Controlled { base: 5, attempt: 0 }).unwrap();
        assert_eq!(rounded.published, [vec![10, 5, 5]]);
        let rounded =
            round(&one(vec![1, 1]), RoundingMethod::Controlled { base: 5, attempt: 0 }).unwrap();
        assert_eq!(rounded.published, [vec![0, 0, 0]]);
        // A sum that is a multiple stays, so that one of the two is rounded up.
        let rounded =
            round(&one(vec![2, 1]), RoundingMethod::Controlled { base: 3, attempt: 0 }).unwrap();
        assert_eq!(rounded.published, [vec![3, 3, 0]]);
    }
}
