use crate::{shared::refusal::FailureReason, suppressed::solve::RequiredSum};

/// One requirement, and the cell for whose sake it is made.
pub(crate) struct Requirement {
    pub(crate) table: usize,
    pub(crate) cell: usize,
    pub(crate) reason: FailureReason,
    /// None where no world can meet it, because nothing in it is unknown.
    pub(crate) required: Option<RequiredSum>,
    /// The published part of the cell, where the requirement follows from the least that a small cell can be.
    pub(crate) published: Option<i64>,
    pub(crate) attackers: Attackers,
}

/// Against whom a requirement must be met.
pub(crate) enum Attackers {
    /// Outsiders, insiders and every respondent, but for these: they have children in what it is about.
    Everyone { but: Vec<usize> },
    /// One respondent.
    Respondent(usize),
}
