use minster_model::rounding::Rounding;

/// Why tables cannot be rounded. Names tables, never a count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoundingRefusal {
    /// A base that rounds nothing, or everything.
    #[error(
        "a base to round to is from {} to {}; choose one of these",
        Rounding::LEAST_BASE,
        Rounding::LARGEST_BASE
    )]
    Base,
    /// Record keys that do not belong to the tables.
    #[error(
        "the record keys do not fit the tables, or differ between tables of the same children; give each table the keys of its own children"
    )]
    Keys,
    /// A policy that the noise table was not made for.
    #[error(
        "the noise table leaves no count below {}; round a table of a higher threshold instead",
        Rounding::CELL_KEY_THRESHOLD
    )]
    Threshold,
    /// No rounding was found that adds up and is near.
    #[error(
        "no rounding of the table {table} was found that adds up; use fewer dimensions, a larger base or nearest"
    )]
    DoesNotAddUp {
        /// A table of which a margin is not near, or that differs from another where they share a margin.
        table: String,
    },
}

impl RoundingRefusal {
    /// The stable name of the reason, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Keys => "record-keys",
            Self::Threshold => "noise-threshold",
            Self::DoesNotAddUp { .. } => "does-not-add-up",
        }
    }
}
