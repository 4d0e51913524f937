use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// The four ways a row can go, counted. A row goes exactly one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows the reader found.
    pub read: u64,
    /// Rows that stand in the dataset.
    pub accepted: u64,
    /// Rows sealed into quarantine with a reason.
    pub quarantined: u64,
    /// Rows recognised as the repetition of an accepted one.
    pub duplicate: u64,
    /// Rows of an erased or restricted child.
    pub blocked: u64,
}

impl RowCounts {
    /// Whether every row read went exactly one way.
    pub fn conserved(&self) -> bool {
        self.accepted
            .checked_add(self.quarantined)
            .and_then(|sum| sum.checked_add(self.duplicate))
            .and_then(|sum| sum.checked_add(self.blocked))
            == Some(self.read)
    }
}

impl AddAssign for RowCounts {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.quarantined += other.quarantined;
        self.duplicate += other.duplicate;
        self.blocked += other.blocked;
    }
}
