use minster_model::TableId;

use crate::shared::typed::TableCell;

/// Why tables may not be released. Names tables and cells, never a count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Patterns that do not belong to the tables.
    #[error(
        "the patterns do not fit the tables; give each table a pattern of as many cells as it has"
    )]
    Shape,
    /// A table that was published before cannot be published otherwise.
    #[error(
        "a table that was published before would be published otherwise; keep its numbers, or withdraw its release first"
    )]
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
    #[error(
        "the tables {first} and {second} count other children; choose the children of both by one `where`, or release them apart"
    )]
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
    #[error(
        "the dimensions {first} and {second} are both declared as that of the data holders; divide by one of them"
    )]
    Respondents {
        /// One dimension.
        first: String,
        /// The other.
        second: String,
    },
    /// A rounded or perturbed number that the rule does not give, or a table that does not add up though
    /// the rule says so.
    #[error(
        "a published number of the table {table} does not follow from its count by the rule; round the table anew by the rule"
    )]
    Rule {
        /// The table.
        table: String,
    },
    /// Fewer children than the threshold in all.
    #[error(
        "the whole table {table} is below the threshold; count more children, or leave the table out"
    )]
    GrandTotal {
        /// The table.
        table: String,
    },
    /// A release beside others about other children does not show all that it shares with them.
    #[error(
        "numbers by what several releases about different children divide or choose by are withheld; divide by these columns in one release"
    )]
    SharedWithheld {
        /// The release's place among them.
        release: usize,
    },
    /// The steps allowed are used up.
    #[error("the work allowed did not settle every cell; use coarser dimensions")]
    WorkUsedUp,
    /// Cells that the published numbers give away.
    #[error(
        "{} not protected by the published numbers; withhold more, or use coarser dimensions",
        match .0.len() { 1 => "a cell is".to_owned(), cells => format!("{cells} cells are") }
    )]
    Unprotected(Vec<Failure>),
}

impl Refusal {
    /// The stable name in reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Standing => "standing",
            Self::OtherCategories { .. } => "other-categories",
            Self::Inconsistent { .. } => "inconsistent",
            Self::Cyclic => "cyclic",
            Self::Respondents { .. } => "respondents",
            Self::Rule { .. } => "rule",
            Self::GrandTotal { .. } => "grand-total",
            Self::SharedWithheld { .. } => "shared-withheld",
            Self::WorkUsedUp => "work-used-up",
            Self::Unprotected(_) => "unprotected",
        }
    }
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

impl Failure {
    /// The failure of a cell of a table.
    pub(crate) fn new(table: TableId, cell: TableCell, reason: FailureReason) -> Self {
        Self { table: table.0, cell: cell.0, reason }
    }
}

/// In what way a cell is not protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FailureReason {
    /// A small count is published.
    #[error("a small count is published")]
    SmallPublished,
    /// A zero is withheld although the policy publishes zeros.
    #[error("a zero is withheld although zeros are published")]
    ZeroWithheld,
    /// A cell that is to be published whatever comes is withheld.
    #[error("a cell that is to be published whatever comes is withheld")]
    ForcedPublishedWithheld,
    /// No world was found in which the cell takes its least value.
    #[error("no alternative table was found in which the cell takes its least value")]
    Low,
    /// No world was found in which the cell is large.
    #[error("no alternative table was found in which the cell is large")]
    High,
    /// Someone who knows that they are in one cell would know more of this one than the rule says.
    #[error("an insider would know more of the cell than the rule says")]
    Insider,
    /// A respondent who takes their own children out of it would know more of the others than the rule says.
    #[error(
        "a data holder who takes their own children out would know more of the others than the rule says"
    )]
    Respondent,
    /// No world was found in which enough of the group is outside the category.
    #[error("no alternative table was found in which enough of the group is outside the category")]
    Class,
}

impl FailureReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::SmallPublished,
        Self::ZeroWithheld,
        Self::ForcedPublishedWithheld,
        Self::Low,
        Self::High,
        Self::Insider,
        Self::Respondent,
        Self::Class,
    ];

    /// The stable name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::SmallPublished => "small-published",
            Self::ZeroWithheld => "zero-withheld",
            Self::ForcedPublishedWithheld => "forced-published-withheld",
            Self::Low => "low",
            Self::High => "high",
            Self::Insider => "insider",
            Self::Respondent => "respondent",
            Self::Class => "class",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_refusal_has_a_code_and_a_text_of_its_own() {
        let name = "t".to_owned();
        let refusals = [
            Refusal::Shape,
            Refusal::Standing,
            Refusal::OtherCategories {
                first: name.clone(),
                second: name.clone(),
                dimension: name.clone(),
            },
            Refusal::Inconsistent { first: name.clone(), second: name.clone() },
            Refusal::Cyclic,
            Refusal::Respondents { first: name.clone(), second: name.clone() },
            Refusal::Rule { table: name.clone() },
            Refusal::GrandTotal { table: name.clone() },
            Refusal::SharedWithheld { release: 0 },
            Refusal::WorkUsedUp,
            Refusal::Unprotected(vec![]),
        ];
        let reasons = FailureReason::ALL;
        let codes = refusals.iter().map(Refusal::code).chain(reasons.map(FailureReason::code));
        let texts = refusals.iter().map(ToString::to_string);
        let texts: BTreeSet<_> = texts.chain(reasons.map(|reason| reason.to_string())).collect();
        let codes: BTreeSet<_> = codes.collect();
        assert_eq!((codes.len(), texts.len()), (19, 19));
        assert!(codes.iter().all(|code| code.split('-').all(is_word)), "{codes:?}");
    }

    fn is_word(word: &str) -> bool {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
    }
}
