//! Alternative tables, *worlds* for short: changes of the true counts that contradict nothing published.

use minster_model::{CellId, IdVec, RespondentId};

use crate::problem::cells::Cells;

minster_model::id! {
    /// The number of a world among those that are known.
    AlternativeId
}

/// How small a change is none.
const NONE: f64 = 1e-7;

/// Other counts than the true ones: the cells that change, in their order, and by how much.
#[derive(Debug, Clone)]
pub struct ChangedTable {
    changes: Vec<(CellId, f64)>,
    /// The respondents whose cells change, ascending.
    respondents: Vec<RespondentId>,
}

impl ChangedTable {
    /// Changes in the order of the cells; those that are none are left out, and what is nearly whole
    /// is made whole.
    pub(crate) fn new(cells: &Cells<'_>, changes: impl Iterator<Item = (CellId, f64)>) -> Self {
        let tidy = |(cell, change): (CellId, f64)| {
            let whole = change.round();
            (cell, if (change - whole).abs() < 1e-6 { whole } else { change })
        };
        let changes: Vec<_> = changes.map(tidy).filter(|(_, change)| change.abs() > NONE).collect();
        let mut respondents = Vec::new();
        if cells.respondents.are_declared() {
            respondents.extend(changes.iter().filter_map(|&(cell, _)| cells.respondents.of(cell)));
            respondents.sort_unstable();
            respondents.dedup();
        }
        Self { changes, respondents }
    }

    /// The respondents whose cells change, ascending.
    pub(crate) fn respondents(&self) -> &[RespondentId] {
        &self.respondents
    }

    /// By how much a cell changes.
    pub fn change(&self, cell: CellId) -> f64 {
        let at = self.changes.binary_search_by_key(&cell, |&(cell, _)| cell).ok();
        at.and_then(|at| self.changes.get(at)).map_or(0.0, |&(_, change)| change)
    }

    /// Whether a cell changes.
    pub fn alters(&self, cell: CellId) -> bool {
        self.changes.binary_search_by_key(&cell, |&(cell, _)| cell).is_ok()
    }

    /// Whether all changes are whole numbers.
    pub fn is_whole(&self) -> bool {
        self.changes.iter().all(|(_, change)| change.fract() == 0.0)
    }

    /// The cells that change, ascending, and by how much.
    pub fn changes(&self) -> &[(CellId, f64)] {
        &self.changes
    }
}

/// The worlds known so far, found again by the cells that they alter.
#[derive(Debug, Clone, Default)]
pub struct ChangedTables {
    alternatives: IdVec<AlternativeId, Option<ChangedTable>>,
    altering: IdVec<CellId, Vec<AlternativeId>>,
}

impl ChangedTables {
    /// None yet, of so many cells.
    pub fn new(cells: usize) -> Self {
        Self { alternatives: IdVec::new(), altering: vec![Vec::new(); cells].into() }
    }

    /// One more is known.
    pub fn add(&mut self, alternative: ChangedTable) {
        for &(cell, _) in alternative.changes() {
            self.altering[cell].push(self.alternatives.next_id());
        }
        self.alternatives.push(Some(alternative));
    }

    /// The worlds known to alter a cell.
    pub fn altering(&self, cell: CellId) -> impl Iterator<Item = &ChangedTable> {
        self.altering[cell].iter().filter_map(|&number| self.alternatives[number].as_ref())
    }

    /// Forgets the worlds that alter a cell.
    pub fn forget(&mut self, cell: CellId) {
        for number in std::mem::take(&mut self.altering[cell]) {
            self.alternatives[number] = None;
        }
    }

    /// All worlds that are not forgotten.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ChangedTable> {
        self.alternatives.iter().flatten()
    }
}
