//! Two releases about nearly the same children show those who are in one and not in the other. A cell that
//! differs from one that was published before by less than the threshold is withheld for its own sake.

use std::collections::{BTreeMap, HashMap};

use minster_model::cube::{CountTable, Guarded, Hierarchy};

use crate::{AggregateError, ledger::Entry};

/// The categories that a cell is about, totals left out, by the column that is divided.
type Categories<'a> = BTreeMap<&'a str, &'a str>;

/// The table with the cells guarded that would show a difference by few children from what was published
/// before about others; and how many they are.
pub(crate) fn guard<'a>(
    table: CountTable,
    threshold: u64,
    others: impl Iterator<Item = &'a Entry>,
) -> Result<(CountTable, usize), AggregateError> {
    let all: Vec<Option<u64>> = table.cell_counts().into_iter().map(Some).collect();
    let mine: Vec<(usize, Categories<'_>, u64)> = by_categories(table.dimensions(), &all).collect();
    let mut close = vec![false; all.len()];
    for published in others.flat_map(|entry| &entry.tables) {
        let theirs: HashMap<Categories<'_>, u64> =
            by_categories(&published.dimensions, &published.counts)
                .map(|(_, categories, count)| (categories, count))
                .collect();
        for (cell, categories, count) in &mine {
            if let Some(other) = theirs.get(categories) {
                close[*cell] |= (1..threshold).contains(&count.abs_diff(*other));
            }
        }
    }
    let guarded = (0..close.len()).filter(|&cell| close[cell]).map(|cell| Guarded {
        cell,
        down: threshold,
        up: threshold,
    });
    let guarded: Vec<Guarded> = guarded.chain(table.guarded().iter().copied()).collect();
    let found = close.iter().filter(|close| **close).count();
    Ok((table.guarding(guarded)?, found))
}

fn by_categories<'a>(
    dimensions: &'a [Hierarchy],
    counts: &[Option<u64>],
) -> impl Iterator<Item = (usize, Categories<'a>, u64)> {
    let shown = counts.iter().enumerate().filter_map(|(cell, count)| Some((cell, (*count)?)));
    shown.map(|(cell, count)| {
        let mut categories = Categories::new();
        let mut rest = cell;
        for dimension in dimensions.iter().rev() {
            let node = rest % dimension.node_count();
            rest /= dimension.node_count();
            if !dimension.is_total(node) {
                categories.insert(dimension.name(), dimension.code(node));
            }
        }
        (cell, categories, count)
    })
}
