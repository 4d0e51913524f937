//! Those who hold records: each knows their own cells and takes their children out of every number. The
//! *remainder*, which is left then, must be as open to them as a count is to an outsider.
//!
//! A respondent who has no child in a cell sees of it what everyone does, and needs a world that leaves their own cells
//! alone: for two respondents it may be the same one. One who has children there makes requirements of their own.

use std::collections::BTreeMap;

/// Whose each cell is, and where what is left to a respondent is small.
#[derive(Default)]
pub(crate) struct Respondents {
    /// For each table, the place of the respondents' dimension and how far apart neighbours along it are
    /// numbered.
    pub(super) places: Vec<Option<(usize, usize)>>,
    /// By cell, the respondent whose all of it is, by the ordinal of their leaf. Empty where none are declared.
    pub(super) of: Vec<Option<u32>>,
    /// A cell and a respondent with children there to whom the remainder is small: the others' inner cells with
    /// anyone in them.
    pub(super) small: BTreeMap<(usize, u32), Vec<usize>>,
}

impl Respondents {
    pub(crate) fn are_declared(&self) -> bool {
        !self.of.is_empty()
    }

    /// The respondent whose all of a cell is.
    pub(crate) fn of(&self, cell: usize) -> Option<u32> {
        self.of.get(cell).copied().flatten()
    }

    /// Whether what is left of a cell is small to someone with children in it.
    pub(crate) fn has_small_remainder(&self, cell: usize) -> bool {
        self.small_of(cell).next().is_some()
    }

    /// The others' inner cells with anyone in them, where what is left of a cell is small to a respondent.
    pub(crate) fn others(&self, cell: usize, respondent: u32) -> Option<&Vec<usize>> {
        self.small.get(&(cell, respondent))
    }

    /// The cells with a small remainder, and to whom.
    pub(crate) fn all_small(&self) -> impl Iterator<Item = (usize, u32)> {
        self.small.keys().copied()
    }

    pub(super) fn small_of(&self, cell: usize) -> impl Iterator<Item = (u32, &Vec<usize>)> {
        let of_cell = self.small.range((cell, 0)..=(cell, u32::MAX));
        of_cell.map(|(&(_, respondent), others)| (respondent, others))
    }
}
