//! Changes of the true counts that contradict nothing published.

use crate::problem::cells::Cells;

/// How small a change is none.
const NONE: f64 = 1e-7;

/// Other counts than the true ones: the cells that change, in their order, and by how much.
#[derive(Debug, Clone)]
pub struct World {
    changes: Vec<(usize, f64)>,
    /// The holders whose cells change, ascending.
    holders: Vec<u32>,
}

impl World {
    /// Changes in the order of the cells; those that are none are left out, and what is nearly whole
    /// is made whole.
    pub(crate) fn new(cells: &Cells<'_>, changes: impl Iterator<Item = (usize, f64)>) -> Self {
        let tidy = |(cell, change): (usize, f64)| {
            let whole = change.round();
            (cell, if (change - whole).abs() < 1e-6 { whole } else { change })
        };
        let changes: Vec<_> = changes.map(tidy).filter(|(_, change)| change.abs() > NONE).collect();
        let mut holders = Vec::new();
        if cells.holders.are_declared() {
            holders.extend(changes.iter().filter_map(|&(cell, _)| cells.holders.of(cell)));
            holders.sort_unstable();
            holders.dedup();
        }
        Self { changes, holders }
    }

    /// The holders whose cells change, ascending.
    pub(crate) fn holders(&self) -> &[u32] {
        &self.holders
    }

    /// By how much a cell changes.
    pub fn change(&self, cell: usize) -> f64 {
        match self.changes.binary_search_by_key(&cell, |&(cell, _)| cell) {
            Ok(at) => self.changes[at].1,
            Err(_) => 0.0,
        }
    }

    /// Whether a cell changes.
    pub fn alters(&self, cell: usize) -> bool {
        self.changes.binary_search_by_key(&cell, |&(cell, _)| cell).is_ok()
    }

    /// Whether all changes are whole numbers.
    pub fn is_whole(&self) -> bool {
        self.changes.iter().all(|(_, change)| change.fract() == 0.0)
    }

    /// The cells that change, ascending, and by how much.
    pub fn changes(&self) -> &[(usize, f64)] {
        &self.changes
    }
}

/// The worlds known so far, found again by the cells that they alter.
#[derive(Debug, Clone, Default)]
pub struct Worlds {
    worlds: Vec<Option<World>>,
    altering: Vec<Vec<usize>>,
}

impl Worlds {
    /// None yet, of so many cells.
    pub fn new(cells: usize) -> Self {
        Self { worlds: Vec::new(), altering: vec![Vec::new(); cells] }
    }

    /// One more is known.
    pub fn add(&mut self, world: World) {
        for &(cell, _) in world.changes() {
            self.altering[cell].push(self.worlds.len());
        }
        self.worlds.push(Some(world));
    }

    /// The worlds known to alter a cell.
    pub fn altering(&self, cell: usize) -> impl Iterator<Item = &World> {
        self.altering[cell].iter().filter_map(|&number| self.worlds[number].as_ref())
    }

    /// Forgets the worlds that alter a cell.
    pub fn forget(&mut self, cell: usize) {
        for number in std::mem::take(&mut self.altering[cell]) {
            self.worlds[number] = None;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &World> {
        self.worlds.iter().flatten()
    }
}
