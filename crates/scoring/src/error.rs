/// Why records could not be scored. No variant holds a keyed value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoringError {
    /// More records than a place can number.
    #[error("a table of more than 4,294,967,295 records cannot be scored")]
    TooManyRecords,
    /// One record with more values of a part than a person has.
    #[error("record {row} has more than {} values of the part {part}", crate::MOST_VALUES)]
    TooManyValues {
        /// Its place, from 0.
        row: usize,
        /// The part.
        part: &'static str,
    },
    /// One value with more keyed values of one form than its length allows.
    #[error(
        "record {row} has a {part} with more than {} keyed values of one form",
        crate::MOST_KEYED_VALUES
    )]
    TooManyKeyedValues {
        /// Its place, from 0.
        row: usize,
        /// The part.
        part: &'static str,
    },
    /// A probability that is none.
    #[error("a probability lies between 0 and 1, and {0} does not")]
    Probability(String),
    /// A lead below 1.
    #[error("the lead over the runner-up is a ratio of odds of at least 1, and {0} is not")]
    Lead(String),
}
