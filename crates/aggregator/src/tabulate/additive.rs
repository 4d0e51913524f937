//! Columns that add up for every child: sessions missed with leave and without it are the sessions missed.

use std::collections::BTreeSet;

use minster_model::{ColumnName, TableName};
use minster_store::Dataset;

use crate::{
    definition::release_definition::Definition,
    error::AggregateError,
    tabulate::{column_values, tables},
};

/// A column that is, for every child, the sum of two others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addition {
    pub(crate) sum: ColumnName,
    pub(crate) parts: [ColumnName; 2],
}

impl Addition {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        std::iter::once(&self.sum).chain(&self.parts)
    }
}

/// Looks through the children of a definition for columns among these that add up, in one pass.
///
/// # Errors
/// As [`tables::tabulate`].
pub(crate) fn find(
    definition: &Definition,
    columns: &BTreeSet<&ColumnName>,
    dataset: &Dataset,
    children: &TableName,
) -> Result<Vec<Addition>, AggregateError> {
    let columns: Vec<&ColumnName> = columns.iter().copied().collect();
    let all = 0..columns.len();
    let pairs = all.clone().flat_map(|one| (one + 1..all.end).map(move |other| [one, other]));
    let mut found: Vec<(usize, [usize; 2])> = pairs
        .flat_map(|parts| all.clone().map(move |sum| (sum, parts)))
        .filter(|(sum, parts)| !parts.contains(sum))
        .collect();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut is_nothing = vec![true; columns.len()];
    let conditions = definition.conditions.iter().map(|of| of.column.as_str());
    let read = columns.iter().map(|of| of.as_str()).chain(conditions).collect();
    tables::each_batch(definition, dataset, children, &read, |batch| {
        let amounts = columns
            .iter()
            .map(|column| column_values::amounts(batch, column))
            .collect::<Result<Vec<_>, _>>()?;
        for (is_nothing, amounts) in is_nothing.iter_mut().zip(&amounts) {
            *is_nothing &= amounts.iter().all(|amount| *amount == 0);
        }
        found.retain(|&(sum, [one, other])| {
            let parts = amounts[one].iter().zip(&amounts[other]);
            amounts[sum].iter().zip(parts).all(|(sum, (one, other))| *sum == one + other)
        });
        Ok(())
    })?;
    // A column that is nothing for everyone makes of two equal columns no addition that says anything.
    found.retain(|(_, parts)| parts.iter().all(|&part| !is_nothing[part]));
    let name = |place: usize| columns[place].clone();
    let addition =
        |(sum, parts): (usize, [usize; 2])| Addition { sum: name(sum), parts: parts.map(name) };
    Ok(found.into_iter().map(addition).collect())
}
