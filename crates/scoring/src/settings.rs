//! The choices of the caller.

use crate::ScoringError;

/// A probability, between 0 and 1 and neither.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Probability(f64);

impl Probability {
    /// Parses one.
    ///
    /// # Errors
    /// A number that is no probability, or says that something is certain.
    pub fn new(probability: f64) -> Result<Self, ScoringError> {
        match probability > 0.0 && probability < 1.0 {
            true => Ok(Self(probability)),
            false => Err(ScoringError::Probability(probability.to_string())),
        }
    }

    /// As a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// How many times as likely a pair must be as the next best of the same record: a ratio of odds, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Lead(f64);

impl Lead {
    /// Parses one.
    ///
    /// # Errors
    /// A ratio below 1.
    pub fn new(ratio: f64) -> Result<Self, ScoringError> {
        match ratio >= 1.0 && ratio.is_finite() {
            true => Ok(Self(ratio)),
            false => Err(ScoringError::Lead(ratio.to_string())),
        }
    }

    /// Its logarithm. Two pairs of equal odds never lead one another, also where the ratio is 1.
    pub(crate) fn log(self) -> f64 {
        self.0.ln().max(f64::EPSILON)
    }
}

/// How many records of one table may be one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// A person has at most one record in each table.
    OneToOne,
    /// A person has at most one record in the right table, and any number in the left one.
    ManyToOne,
}

/// The demand on the forenames of two records, unless an identifier is the same. Twins share a birth date, a surname and a
/// postcode, so that among children these three never suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forenames {
    /// Alike: the same, a typing error apart, one sound, or the surname in its place. Where the sexes differ, the same.
    Agree,
    /// Alike, or one of the two is missing. A row without a forename may be linked to the wrong twin.
    AgreeOrMissing,
    /// Anything. For records of grown persons alone.
    Any,
}

/// How records are scored and chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The least probability of a match.
    pub threshold: Probability,
    /// The lead over the runner-up.
    pub lead: Lead,
    /// How many records may be one. [`crate::dedupe`] does not look at it.
    pub matching: Matching,
    /// The demand on the forenames of a pair.
    pub forenames: Forenames,
    /// The most pairs that one block may give. A larger one is split by further parts, or skipped.
    pub largest_block: u64,
    /// The most pairs that are compared, as all keys give them. Where there are more, the largest blocks are skipped. One
    /// takes 72 bytes at most.
    pub most_pairs: u64,
    /// The random pairs from which chances of agreement are estimated.
    pub sampled_pairs: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: Probability(0.99),
            lead: Lead(100.0),
            matching: Matching::OneToOne,
            forenames: Forenames::Agree,
            largest_block: 20_000,
            most_pairs: 4_000_000,
            sampled_pairs: 400_000,
        }
    }
}
