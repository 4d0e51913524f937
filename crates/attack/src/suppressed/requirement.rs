use crate::{shared::refusal::FailureReason, suppressed::solve::Demand};

/// One demand, and the cell for whose sake it is made.
pub(crate) struct Target {
    pub(crate) table: usize,
    pub(crate) cell: usize,
    pub(crate) reason: FailureReason,
    /// None where no world can meet it, because nothing in it is unknown.
    pub(crate) demand: Option<Demand>,
    /// The published part of the cell, where the demand follows from the least that a small cell can be.
    pub(crate) published: Option<i64>,
    pub(crate) whom: Whom,
}

/// Against whom a demand must be met.
pub(crate) enum Whom {
    /// Outsiders, insiders and every holder, but for these: they have children in what it is about.
    Everyone { but: Vec<usize> },
    /// One holder.
    Holder(usize),
}
