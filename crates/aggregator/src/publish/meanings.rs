//! The meanings of the columns that a release shows, in the words of the data dictionary.
//!
//! The words come from the settings alone, and none follows from a row: a column's sentence, and the labels of a code list. A
//! release keeps those that it told while its numbers stand, so that a mended sentence makes no other release.

use std::collections::BTreeMap;

use minster_model::ColumnName;
use serde::{Deserialize, Serialize};

use crate::definition::release_definition::{Definition, Kind, Measure};

/// The meaning of a column of the integrated dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMeaning {
    /// A sentence, or several.
    pub meaning: String,
    /// The label of each code of its list; nothing where it has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Meanings, by column.
pub type ColumnMeanings = BTreeMap<ColumnName, ColumnMeaning>;

/// Those of the columns that a definition divides by or measures.
pub(crate) fn of_release(definition: &Definition, all: &ColumnMeanings) -> ColumnMeanings {
    let dimensions = definition.dimensions.iter().map(|of| &of.column);
    let tables = definition.tables.iter();
    let measures = tables.flat_map(|table| &table.measures).flat_map(measured);
    let named = dimensions.chain(measures);
    named.filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect()
}

/// The meanings as the files of a release have them: a derived column's is its definition's own.
#[derive(Clone, Copy)]
pub(super) struct Meanings<'a> {
    pub(super) definition: &'a Definition,
    pub(super) of_dataset: &'a ColumnMeanings,
}

impl Meanings<'_> {
    /// The sentence about a column, if anybody wrote one.
    pub(super) fn sentence(&self, column: &ColumnName) -> Option<&str> {
        let derived = self.definition.columns.iter().find(|of| of.name == *column);
        let meaning = match derived {
            Some(derived) => Some(derived.meaning.as_str()),
            None => self.of_dataset.get(column).map(|of| of.meaning.as_str()),
        };
        meaning.filter(|meaning| !meaning.is_empty())
    }

    /// The label of a code of a column, where it says more than the code.
    pub(super) fn label(&self, column: &ColumnName, code: &str) -> Option<&str> {
        let label = self.of_dataset.get(column)?.labels.get(code)?;
        (label != code).then_some(label.as_str())
    }

    /// The sentences about the columns of a measure, each behind its column's name.
    pub(super) fn of_measure(&self, measure: &Measure) -> String {
        let sentences = measured(measure).filter_map(|column| {
            let sentence = self.sentence(column)?;
            Some(format!(" {column}: {sentence}"))
        });
        sentences.collect()
    }
}

/// The columns that a measure adds up or takes the middle of.
fn measured(of: &Measure) -> impl Iterator<Item = &ColumnName> {
    let columns = match of.kind() {
        Kind::Sum { of, .. } | Kind::Median { of, .. } => [Some(of), None],
        Kind::Ratio { of, by, .. } => [Some(of), by],
        Kind::Percentage { .. } | Kind::Rate { .. } => [None, None],
    };
    columns.into_iter().flatten()
}
