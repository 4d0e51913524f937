//! Sums that add up: absence with leave and without it is all absence. A withheld sum of one follows from the other two,
//! unless all three withhold the same cells.
//!
//! So columns that follow from each other withhold the same cells of each table. A published cell of one then says
//! nothing that the others do not say; among the withheld cells those that are independent vary freely of each other, as
//! far as their own published sums let them. A sum of two varies by as much as its larger part.

use std::collections::{BTreeMap, BTreeSet};

use minster_attack::ReleasableSet;
use minster_model::{
    ColumnName,
    table::{CountTable, Hierarchy, Pattern, ProtectionLevel},
};

use crate::{
    error::AggregateError,
    protect::{
        protect_counts::{ROUNDS, withholding},
        protect_sums::Column,
    },
    refusal::ReleaseRefusal,
    tabulate::additive::{Addition, Dependence},
};

/// The columns of a release, each with those that it adds up with.
pub(crate) fn families<'a>(
    columns: Vec<Column<'a>>,
    dependences: &[Dependence],
) -> Vec<Vec<Column<'a>>> {
    let mut families: Vec<Vec<Column<'a>>> = columns.into_iter().map(|of| vec![of]).collect();
    for dependence in dependences {
        let is_of = |family: &Vec<Column<'a>>| {
            family.iter().any(|column| dependence.columns.contains(column.name))
        };
        let (joined, others): (Vec<_>, Vec<_>) = families.into_iter().partition(is_of);
        families = others;
        let joined: Vec<Column<'a>> = joined.into_iter().flatten().collect();
        families.extend((!joined.is_empty()).then_some(joined));
    }
    families
}

/// Refuses columns that add up and are not summed in the same tables, those of earlier releases included, or of which
/// an earlier release withheld other cells: what one shows, the others hide.
///
/// # Errors
/// [`AggregateError::Refused`], with the columns' names.
pub(crate) fn check(
    columns: &[Column<'_>],
    published: &BTreeMap<ColumnName, Vec<CountTable>>,
    dependences: &[Dependence],
) -> Result<(), AggregateError> {
    let patterns = |column: &ColumnName| -> Vec<(&[Hierarchy], Option<&Pattern>)> {
        let tables = published.get(column).into_iter().flatten();
        tables.map(|table| (table.dimensions(), table.published_pattern())).collect()
    };
    for Dependence { columns: dependent, .. } in dependences {
        let of = |column: &ColumnName| {
            let own = columns.iter().find(|of| of.name == column);
            (own.map(|own| own.places.clone()), patterns(column))
        };
        let is_own = columns.iter().any(|column| dependent.contains(column.name));
        let mut alike = dependent.iter().map(of);
        let first = alike.next();
        if is_own && alike.any(|of| Some(of) != first) {
            let columns = dependent.iter().cloned().collect();
            return Err(ReleaseRefusal::SumsTellEachOther { columns }.into());
        }
    }
    Ok(())
}

/// Protects columns that add up, so that all withhold the same cells.
///
/// # Errors
/// [`AggregateError::Refused`] where no such pattern is found.
pub(crate) fn protect(
    family: &[Column<'_>],
    dependences: &[Dependence],
    protect: impl Fn(&Column<'_>, Vec<CountTable>) -> Result<ReleasableSet, AggregateError>,
) -> Result<Vec<ReleasableSet>, AggregateError> {
    let tables = with_levels_of_sums(family, dependences)?;
    let mut hidden: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); tables[0].len()];
    for _ in 0..ROUNDS {
        let mut sets = Vec::new();
        for (column, tables) in family.iter().zip(&tables) {
            let mut own = tables.clone();
            for (table, hidden) in own.iter_mut().zip(&hidden) {
                *table = withholding(table, hidden)?;
            }
            sets.push(protect(column, own)?);
        }
        let all: Vec<BTreeSet<usize>> = (0..hidden.len())
            .map(|place| {
                let patterns = sets.iter().map(|set| &set.patterns()[place].withheld);
                patterns.flat_map(|of| (0..of.len()).filter(|&cell| of[cell])).collect()
            })
            .collect();
        let is_all = |set: &ReleasableSet| {
            let patterns = set.patterns().iter().zip(&all);
            { patterns }.all(|(of, all)| of.withheld.iter().filter(|of| **of).count() == all.len())
        };
        if sets.iter().all(is_all) {
            return Ok(sets);
        }
        hidden = all;
    }
    let columns = family.iter().map(|column| column.name.clone()).collect();
    Err(ReleaseRefusal::SumsAddUp { columns }.into())
}

/// The tables of each column. Where a sum must stay uncertain, its larger part does by as much.
fn with_levels_of_sums(
    family: &[Column<'_>],
    dependences: &[Dependence],
) -> Result<Vec<Vec<CountTable>>, AggregateError> {
    let mut tables: Vec<Vec<CountTable>> = family.iter().map(|of| of.tables.clone()).collect();
    let place = |name: &ColumnName| family.iter().position(|column| column.name == name);
    let additions = dependences.iter().filter_map(|of| of.addition.as_ref());
    for Addition { sum, parts: [one, other] } in additions {
        let (Some(sum), Some(one), Some(other)) = (place(sum), place(one), place(other)) else {
            continue;
        };
        for number in 0..tables[sum].len() {
            let levels = tables[sum][number].protection_levels().to_vec();
            let counts = [one, other].map(|part| tables[part][number].cell_counts());
            for (part, is_first) in [(one, true), (other, false)] {
                let larger = |level: &ProtectionLevel| {
                    (counts[0][level.cell] >= counts[1][level.cell]) == is_first
                };
                let table = &tables[part][number];
                let levels = levels.iter().copied().filter(larger);
                let levels = levels.chain(table.protection_levels().iter().copied()).collect();
                tables[part][number] = table.clone().with_protection_levels(levels)?;
            }
        }
    }
    Ok(tables)
}
