use minster_model::CellId;

use crate::problem::{cells::Cells, sparsity::Sparsity};

/// Why no pattern was found. Names tables and dimensions, never a category or a count: a cell that no pattern protects
/// counts few, and a message goes to logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuppressionRefusal {
    /// Fewer children than the threshold in all.
    #[error(
        "the whole table {table} is below the threshold; count more children, or leave the table out"
    )]
    GrandTotalBelowThreshold {
        /// The table.
        table: String,
    },
    /// A table of which hardly anything would be left, too large to find out how little.
    #[error("{0}; it is too large for a pattern to be sought, use coarser dimensions")]
    Sparse(Box<Sparsity>),
    /// A cell that is to be published whatever comes is below the threshold.
    #[error(
        "the table {table} is to publish a cell {by} whatever comes, and the cell is withheld for its own sake; leave it out of `always`, or of `keep`"
    )]
    ForcedPublishedAndUnsafe {
        /// The table.
        table: String,
        /// By which dimensions the cell is divided.
        by: String,
    },
    /// A cell that cannot be protected even by withholding everything but the totals.
    #[error(
        "a cell {by} of the table {table} cannot be protected, whatever else is withheld; use coarser dimensions, or let zeros be withheld"
    )]
    Unprotectable {
        /// The table.
        table: String,
        /// By which dimensions the cell is divided.
        by: String,
    },
    /// A cell that a respondent knows, whatever else is withheld, once they take their own children out.
    #[error(
        "a cell {by} of the table {table} cannot be kept from a data holder, who holds most of it or all that could hide it; use coarser dimensions, or fewer"
    )]
    KnownToRespondent {
        /// The table.
        table: String,
        /// By which dimensions the cell is divided.
        by: String,
    },
    /// The rounds are used up.
    #[error("no pattern was found within the work allowed; use coarser dimensions")]
    WorkUsedUp,
}

impl SuppressionRefusal {
    /// The stable name of the reason, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::GrandTotalBelowThreshold { .. } => "grand-total",
            Self::Sparse(_) => "sparse",
            Self::ForcedPublishedAndUnsafe { .. } => "always-and-unsafe",
            Self::Unprotectable { .. } => "unprotectable",
            Self::KnownToRespondent { .. } => "known-to-respondent",
            Self::WorkUsedUp => "no-pattern",
        }
    }

    /// Nothing protects this cell.
    pub fn unprotectable(cells: &Cells<'_>, cell: CellId) -> Self {
        let (table, by) = cells.described(cell);
        Self::Unprotectable { table, by }
    }

    /// A cell cannot be kept from a respondent.
    pub(crate) fn known_to_respondent(cells: &Cells<'_>, cell: CellId) -> Self {
        let (table, by) = cells.described(cell);
        Self::KnownToRespondent { table, by }
    }
}
