//! Those who hold records: each knows their own cells and takes their children out of every number. The
//! *remainder*, which is left then, must be as open to them as a count is to an outsider.
//!
//! A respondent who has no child in a cell sees of it what everyone does, and needs a world that leaves their own cells
//! alone: for two respondents it may be the same one. One who has children there makes requirements of their own.

use std::collections::BTreeMap;

use minster_model::{CellId, IdVec, RespondentId, TableId};

/// The respondent of each cell, and the cells of which little is left to a respondent.
#[derive(Default)]
pub(crate) struct Respondents {
    /// For each table, the place of the respondents' dimension and how far apart neighbours along it are
    /// numbered.
    pub(super) places: IdVec<TableId, Option<(usize, usize)>>,
    /// By cell, the respondent whose all of it is, by the ordinal of their leaf. Empty where none are declared.
    pub(super) of: IdVec<CellId, Option<RespondentId>>,
    /// A cell and a respondent with children there to whom the remainder is small: the others' inner cells with
    /// anyone in them.
    pub(super) small: BTreeMap<(CellId, RespondentId), Vec<CellId>>,
}

impl Respondents {
    /// Whether a definition names the data holders.
    pub(crate) fn are_declared(&self) -> bool {
        !self.of.is_empty()
    }

    /// The respondent whose all of a cell is.
    pub(crate) fn of(&self, cell: CellId) -> Option<RespondentId> {
        self.of.find(cell).copied().flatten()
    }

    /// Whether what is left of a cell is small to someone with children in it.
    pub(crate) fn has_small_remainder(&self, cell: CellId) -> bool {
        self.small_of(cell).next().is_some()
    }

    /// The others' inner cells with anyone in them, where what is left of a cell is small to a respondent.
    pub(crate) fn others(&self, cell: CellId, respondent: RespondentId) -> Option<&Vec<CellId>> {
        self.small.get(&(cell, respondent))
    }

    /// The cells with a small remainder, and to whom.
    pub(crate) fn all_small(&self) -> impl Iterator<Item = (CellId, RespondentId)> {
        self.small.keys().copied()
    }

    /// The respondents to whom a cell's remainder is small, with the others' inner cells.
    pub(super) fn small_of(
        &self,
        cell: CellId,
    ) -> impl Iterator<Item = (RespondentId, &Vec<CellId>)> {
        let of_cell = self.small.range(of_cell(cell));
        of_cell.map(|(&(_, respondent), others)| (respondent, others))
    }
}

/// The keys of a cell's remainders, to whomever they are.
pub(super) fn of_cell(cell: CellId) -> std::ops::RangeInclusive<(CellId, RespondentId)> {
    (cell, RespondentId(0))..=(cell, RespondentId(usize::MAX))
}
