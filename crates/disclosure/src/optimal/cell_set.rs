//! Sets of a component's cells.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellSet(Vec<u64>);

impl CellSet {
    /// None of so many.
    pub(crate) fn none(of: usize) -> Self {
        Self(vec![0; of.div_ceil(64)])
    }

    pub(crate) fn has(&self, cell: usize) -> bool {
        self.0[cell / 64] >> (cell % 64) & 1 == 1
    }

    pub(crate) fn put(&mut self, cell: usize) {
        self.0[cell / 64] |= 1 << (cell % 64);
    }

    pub(crate) fn take(&mut self, cell: usize) {
        self.0[cell / 64] &= !(1 << (cell % 64));
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(these, those)| these & !those == 0)
    }

    /// Its members, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..64 * self.0.len()).filter(|&cell| self.has(cell))
    }
}
