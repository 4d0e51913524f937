//! Sets of a component's cells.

use fixedbitset::FixedBitSet;

minster_model::id! {
    /// The number of a cell within its component.
    ComponentCellId
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellSet(FixedBitSet);

impl CellSet {
    /// None of so many.
    pub(crate) fn none(of: usize) -> Self {
        Self(FixedBitSet::with_capacity(of))
    }

    /// Whether a cell is in it.
    pub(crate) fn has(&self, cell: ComponentCellId) -> bool {
        self.0.contains(cell.0)
    }

    /// Adds a cell.
    pub(crate) fn put(&mut self, cell: ComponentCellId) {
        self.0.insert(cell.0);
    }

    /// Takes a cell out.
    pub(crate) fn take(&mut self, cell: ComponentCellId) {
        self.0.set(cell.0, false);
    }

    /// Whether another set has all of its cells.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Its members, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ComponentCellId> {
        self.0.ones().map(ComponentCellId)
    }
}
