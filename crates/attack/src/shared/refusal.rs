/// Why tables may not be released. Names tables and cells, never a count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Patterns that do not belong to the tables.
    #[error("the patterns do not fit the tables")]
    Shape,
    /// A table that was published before cannot be published otherwise.
    #[error("a table that was published before would be published otherwise")]
    Standing,
    /// Two tables divide one column into other categories.
    #[error(
        "the tables {first} and {second} divide {dimension} into other categories; divide by it at all their edges in both, with the wider categories as a level above"
    )]
    OtherCategories {
        /// One table.
        first: String,
        /// The other.
        second: String,
        /// The column.
        dimension: String,
    },
    /// The tables' shared margins differ.
    #[error("the tables {first} and {second} count other children")]
    Inconsistent {
        /// One table.
        first: String,
        /// The other.
        second: String,
    },
    /// Tables whose dimensions form a cycle: worlds that agree pairwise may have no common one.
    #[error(
        "the tables' dimensions form a cycle, those released before of the period included; release fewer tables, or one table with all their dimensions"
    )]
    Cyclic,
    /// Two dimensions are declared as that of the respondents.
    #[error("the dimensions {first} and {second} are both declared as that of the holders")]
    Respondents {
        /// One dimension.
        first: String,
        /// The other.
        second: String,
    },
    /// A rounded or perturbed number that the rule does not give, or a table that does not add up though
    /// the rule says so.
    #[error("a published number of the table {table} does not follow from its count by the rule")]
    Rule {
        /// The table.
        table: String,
    },
    /// Fewer children than the threshold in all.
    #[error("the whole table {table} is below the threshold")]
    GrandTotal {
        /// The table.
        table: String,
    },
    /// A release beside others about other children does not show all that it shares with them.
    #[error(
        "numbers by what several releases about different children divide or choose by are withheld"
    )]
    SharedWithheld {
        /// The release's place among them.
        release: usize,
    },
    /// The steps allowed are used up.
    #[error("the work allowed did not settle every cell; use coarser dimensions")]
    WorkUsedUp,
    /// Cells that the published numbers give away.
    #[error("{} cells are not protected by the published numbers", .0.len())]
    Unprotected(Vec<Failure>),
}

/// One cell that is not protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The table's place in the set.
    pub table: usize,
    /// The cell's number.
    pub cell: usize,
    /// In what way.
    pub reason: FailureReason,
}

/// In what way a cell is not protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// A small count is published.
    SmallPublished,
    /// A zero is withheld although the policy publishes zeros.
    ZeroWithheld,
    /// A cell that is to be published whatever comes is withheld.
    ForcedPublishedWithheld,
    /// No world was found in which the cell takes its least value.
    Low,
    /// No world was found in which the cell is large.
    High,
    /// Someone who knows that they are in one cell would know more of this one than the rule says.
    Insider,
    /// A respondent who takes their own children out of it would know more of the others than the rule says.
    Respondent,
    /// No world was found in which enough of the group is outside the category.
    Class,
}
