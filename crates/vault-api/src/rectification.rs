//! Rectification: the correction of a child's number or value, and what deliveries say of it since.

use minster_model::{RunId, SourceName, TableName};
use serde::{Deserialize, Serialize};

use crate::{IdentifierBatch, bounds};

/// A correction as custodians decide it. Holds identifiers and values of a child: no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Correction {
    /// The first day (ISO) on which deliveries are read with it.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub from: String,
    /// The person who showed it, and the proof.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub origin: String,
    /// The child's right number, canonical: the one that the case is about.
    pub number: IdentifierBatch,
    /// Wrong numbers of it in sources.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub numbers: Vec<WrongNumber>,
    /// Wrong values in its rows.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub values: Vec<WrongValue>,
}

/// A source writes this number, of the case's kind, where it means the child.
#[derive(Clone, Serialize, Deserialize)]
pub struct WrongNumber {
    /// The source.
    pub source: SourceName,
    /// The wrong number, canonical.
    pub wrong: IdentifierBatch,
    /// The birth date (ISO) in the rows that mean the child; all rows with the number do where none is named.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
    pub born: Option<String>,
}

/// A value in the child's rows of a source.
#[derive(Clone, Serialize, Deserialize)]
pub struct WrongValue {
    /// The source.
    pub source: SourceName,
    /// The table, by its name in the source's definition.
    pub table: TableName,
    /// The column and its values.
    pub cell: CorrectedCell,
}

/// A column of a child's rows, with the wrong and the right text. Holds a child's values: no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct CorrectedCell {
    /// The column, by its name in the source's definition.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub column: String,
    /// The wrong text, as the source writes it.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub old: String,
    /// The right one.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")]
    pub new: String,
    /// Other columns and their texts, by which its rows are chosen among the child's; all are where none is named.
    #[serde(deserialize_with = "bounds::pairs::<_, { bounds::FEW }, { bounds::LINE }>")]
    pub rows: Vec<(String, String)>,
}

/// The corrections of children whom a run asked for.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Corrections {
    /// Places of numbers that mean another child beside one birth date.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::BATCH }>")]
    pub beside: Vec<u32>,
    /// Values to correct.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub values: Vec<CorrectedValue>,
}

/// A value to correct in the rows with one of the numbers that were asked.
#[derive(Clone, Serialize, Deserialize)]
pub struct CorrectedValue {
    /// The number's place among those asked.
    pub place: u32,
    /// The correction, by its number in the open run.
    pub correction: u32,
    /// The table.
    pub table: TableName,
    /// The column and its values.
    pub cell: CorrectedCell,
}

/// The children whom numbers mean beside birth dates, in the order asked.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct CorrectedNumbers {
    /// Whether each means another child.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::BATCH }>")]
    pub found: Vec<bool>,
    /// Tokens, sixteen bytes for each that does.
    #[serde(with = "serde_bytes")]
    pub tokens: Vec<u8>,
    /// Places among the tokens, ascending, of children whose records were disposed of.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::BATCH }>")]
    pub blocked: Vec<u32>,
    /// Values to correct in the rows with one of the numbers and the birth date beside it.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub values: Vec<CorrectedValue>,
}

/// The word of a delivery's rows on a correction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetCounts {
    /// Entries with the old value: they were corrected.
    pub old: u64,
    /// Entries with the right value: the source corrected itself.
    pub right: u64,
    /// Entries in doubt: a third value, which stays as it was delivered, or a delivery with the wrong number and the right one.
    pub third: u64,
}

impl MetCounts {
    /// Whether nothing was met.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// With others.
    pub fn add(&mut self, other: Self) {
        self.old = self.old.saturating_add(other.old);
        self.right = self.right.saturating_add(other.right);
        self.third = self.third.saturating_add(other.third);
    }
}

/// The last delivery of a source that had an entry of a correction, as custodians are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMet {
    /// The source.
    pub source: SourceName,
    /// The run that read it.
    pub run: RunId,
    /// The day (ISO).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub day: String,
    /// Its word.
    pub counts: MetCounts,
}
