//! The cells of a table are made of unknowns, and of what is published.

use std::collections::BTreeMap;

use minster_model::table::CountTable;

use crate::{shared::alternative_table, suppressed::equations::System};

/// The parts that a cell counts: its unknowns, ascending, and its published inner cells added up.
#[derive(Default)]
pub(crate) struct CellSum {
    pub(crate) unknowns: Vec<usize>,
    pub(crate) published: i64,
}

/// The parts of each cell that is asked for; nothing of others.
pub(crate) fn cell_sums(
    table: &CountTable,
    number: usize,
    system: &System,
    asked: &[bool],
) -> BTreeMap<usize, CellSum> {
    let mut sums: BTreeMap<usize, CellSum> = (0..asked.len())
        .filter(|&cell| asked[cell])
        .map(|cell| (cell, CellSum::default()))
        .collect();
    let covering = alternative_table::Covering::new(table);
    let mut above = Vec::new();
    for (inner, &count) in table.inner().iter().enumerate() {
        let unknown = system.unknown(number, inner);
        if unknown.is_none() && count == 0 {
            continue;
        }
        covering.of(inner, &mut above);
        for cell in above.iter().filter(|cell| asked[**cell]) {
            let Some(sums) = sums.get_mut(cell) else { continue };
            match unknown {
                Some(unknown) => sums.unknowns.push(unknown),
                None => sums.published += count as i64,
            }
        }
    }
    sums
}

/// Each group, and the cell in it of each sensitive category.
pub(crate) fn categories(table: &CountTable) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    for sensitive in table.sensitive() {
        let dimension = &table.dimensions()[sensitive.dimension];
        for cell in 0..table.cell_count() {
            let mut nodes = table.coordinates(cell);
            let category = nodes[sensitive.dimension];
            if !sensitive.categories.contains(&category) {
                continue;
            }
            let root = std::iter::successors(Some(category), |&node| dimension.parent(node)).last();
            nodes[sensitive.dimension] = root.unwrap_or(category);
            groups.push((table.cell(&nodes), cell));
        }
    }
    groups
}
