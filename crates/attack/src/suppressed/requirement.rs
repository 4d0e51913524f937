use crate::{shared::refusal::FailureReason, suppressed::solve::RequiredSum};

/// One requirement, and the cell for whose sake it is made.
pub(crate) struct Requirement {
    pub(crate) table: usize,
    pub(crate) cell: usize,
    pub(crate) reason: FailureReason,
    /// None where no world can meet it, because nothing in it is unknown.
    pub(crate) required: Option<RequiredSum>,
    /// The least that the cell can be by the rules, where the requirement follows from that.
    pub(crate) small: Option<LeastOfSmall>,
    pub(crate) attackers: Attackers,
}

/// The least that a small cell can be by the rules alone.
#[derive(Clone)]
pub(crate) struct LeastOfSmall {
    /// The published part of the cell.
    pub(crate) published: i64,
    /// By table, the least that its inner cells within the cell add up to; none where it does not tell who is there.
    pub(crate) by_table: Vec<Option<i64>>,
}

impl LeastOfSmall {
    /// The least that the cell can be.
    pub(crate) fn low(&self) -> i64 {
        self.by_table.iter().flatten().copied().max().unwrap_or_default()
    }
}

/// Against whom a requirement must be met.
pub(crate) enum Attackers {
    /// Outsiders, insiders and every respondent, but for these: they have children in what it is about.
    Everyone { but: Vec<usize> },
    /// One respondent.
    Respondent(usize),
}
