use minster_model::{IdVec, RespondentId, TableId};

use crate::{
    shared::{refusal::FailureReason, typed::TableCell},
    suppressed::solve::RequiredSum,
};

/// One requirement, and the cell for whose sake it is made.
pub(crate) struct Requirement {
    pub(crate) table: TableId,
    pub(crate) cell: TableCell,
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
    /// The least that the cell can be.
    pub(crate) low: i64,
    /// The published part of the cell.
    pub(crate) published: i64,
    /// By table, the least that its inner cells within the cell add up to; none where it does not tell who is there.
    pub(crate) by_table: IdVec<TableId, Option<i64>>,
}

/// Against whom a requirement must be met.
pub(crate) enum Attackers {
    /// Outsiders, insiders and every respondent, but for these: they have children in what it is about.
    Everyone { but: Vec<RespondentId> },
    /// One respondent.
    Respondent(RespondentId),
}
