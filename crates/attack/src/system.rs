//! What the attacker writes down: one unknown for each withheld inner cell, one equation for each
//! published number that covers an unknown, one for each shared margin; in connected components.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::cube::{Pattern, TableSet};

use crate::{linked, world};

/// An unknown: a table and one of its inner cells.
pub(crate) type Unknown = (usize, usize);

/// A sum of unknowns (each once, with a sign) and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Equation {
    pub(crate) terms: Vec<(usize, i64)>,
    pub(crate) is: i64,
}

/// The whole system.
pub(crate) struct System {
    pub(crate) unknowns: Vec<Unknown>,
    pub(crate) place: BTreeMap<Unknown, usize>,
    /// The true count of each unknown.
    pub(crate) truth: Vec<i64>,
    pub(crate) equations: Vec<Equation>,
    /// The component of each unknown.
    pub(crate) component: Vec<usize>,
}

impl System {
    pub(crate) fn new(set: &TableSet, patterns: &[Pattern]) -> Self {
        let mut unknowns = Vec::new();
        for (place, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
            for (inner, cell) in world::inner_cells(table).into_iter().enumerate() {
                if pattern.withheld[cell] {
                    unknowns.push((place, inner));
                }
            }
        }
        let place: BTreeMap<Unknown, usize> =
            unknowns.iter().copied().enumerate().map(|(place, unknown)| (unknown, place)).collect();
        let mut sums: BTreeSet<(Vec<(usize, i64)>, i64)> = BTreeSet::new();
        for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
            let mut terms: Vec<Vec<(usize, i64)>> = vec![Vec::new(); table.cell_count()];
            let mut rest = vec![0; table.cell_count()];
            for (inner, above) in world::covering(table).into_iter().enumerate() {
                let Some(&unknown) = place.get(&(number, inner)) else { continue };
                for cell in above {
                    terms[cell].push((unknown, 1));
                    rest[cell] += table.inner()[inner] as i64;
                }
            }
            // A published margin less its published inner cells is the true sum of its unknowns.
            for (cell, terms) in terms.into_iter().enumerate() {
                if !pattern.withheld[cell] && !terms.is_empty() {
                    sums.insert((terms, rest[cell]));
                }
            }
        }
        for (first, second) in linked::pairs(set) {
            for (of_first, of_second) in
                linked::shared(&set.tables[first], &set.tables[second]).into_values()
            {
                let signed = |table: usize, cells: Vec<usize>, sign: i64| {
                    let place = &place;
                    cells.into_iter().filter_map(move |inner| {
                        place.get(&(table, inner)).map(|&unknown| (unknown, sign))
                    })
                };
                let terms: Vec<_> =
                    signed(first, of_first, 1).chain(signed(second, of_second, -1)).collect();
                if !terms.is_empty() {
                    let is = terms
                        .iter()
                        .map(|&(unknown, sign)| {
                            let (table, inner) = unknowns[unknown];
                            sign * set.tables[table].inner()[inner] as i64
                        })
                        .sum();
                    sums.insert((terms, is));
                }
            }
        }
        let equations: Vec<Equation> =
            sums.into_iter().map(|(terms, is)| Equation { terms, is }).collect();
        let component = components(unknowns.len(), &equations);
        let true_count = |&(table, inner): &Unknown| set.tables[table].inner()[inner] as i64;
        let truth = unknowns.iter().map(true_count).collect();
        Self { unknowns, place, truth, equations, component }
    }
}

fn components(unknowns: usize, equations: &[Equation]) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..unknowns).collect();
    fn root(parent: &mut [usize], mut node: usize) -> usize {
        while parent[node] != node {
            parent[node] = parent[parent[node]];
            node = parent[node];
        }
        node
    }
    for equation in equations {
        for pair in equation.terms.windows(2) {
            let (a, b) = (root(&mut parent, pair[0].0), root(&mut parent, pair[1].0));
            parent[a.max(b)] = a.min(b);
        }
    }
    (0..unknowns).map(|node| root(&mut parent, node)).collect()
}
