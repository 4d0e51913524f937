//! The attacker writes this down: one unknown for each withheld inner cell, one equation for each
//! published number that covers an unknown, one for each shared margin; in connected components.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    policy::Policy,
    refinement::Refinements,
    table::{Pattern, TableSet},
};

use crate::shared::{alternative_table, linked_tables};

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
    /// For each table, the unknown that each inner cell is.
    place: Vec<Vec<Option<usize>>>,
    /// The true count of each unknown.
    pub(crate) truth: Vec<i64>,
    /// The policy of each unknown's table.
    policies: Vec<Policy>,
    /// For each table, whether those who know that they are in one of its cells know more by another table.
    divided: Vec<bool>,
    equations: Vec<Equation>,
    /// The component of each unknown.
    component: Vec<usize>,
    /// For each component, its unknowns and its equations.
    members: BTreeMap<usize, (Vec<usize>, Vec<usize>)>,
}

impl System {
    pub(crate) fn new(set: &TableSet, patterns: &[Pattern], refinements: &Refinements<'_>) -> Self {
        let mut unknowns = Vec::new();
        let mut place = Vec::new();
        for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
            let mut of_table = vec![None; table.inner().len()];
            for (inner, cell) in table.inner_cells().into_iter().enumerate() {
                // Whoever knows that nobody can be there knows the count.
                if pattern.withheld[cell] && !table.is_known_zero(inner) {
                    of_table[inner] = Some(unknowns.len());
                    unknowns.push((number, inner));
                }
            }
            place.push(of_table);
        }
        let mut sums: Vec<(Vec<(usize, i64)>, i64)> = Vec::new();
        for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
            let mut terms: Vec<Vec<(usize, i64)>> = vec![Vec::new(); table.cell_count()];
            let mut rest = vec![0; table.cell_count()];
            let covering = alternative_table::Covering::new(table);
            let mut above = Vec::new();
            for (inner, &unknown) in place[number].iter().enumerate() {
                let Some(unknown) = unknown else { continue };
                covering.of(inner, &mut above);
                for &cell in above.iter().filter(|cell| !pattern.withheld[**cell]) {
                    terms[cell].push((unknown, 1));
                    rest[cell] += table.inner()[inner] as i64;
                }
            }
            // A published margin less its published inner cells is the true sum of its unknowns.
            for (cell, terms) in terms.into_iter().enumerate() {
                if !terms.is_empty() {
                    sums.push((terms, rest[cell]));
                }
            }
        }
        for (first, second) in linked_tables::pairs(set) {
            for (of_first, of_second) in
                linked_tables::shared(&set.tables[first], &set.tables[second]).into_values()
            {
                let signed = |table: usize, cells: Vec<usize>, sign: i64| {
                    let place = &place[table];
                    cells
                        .into_iter()
                        .filter_map(move |inner| place[inner].map(|unknown| (unknown, sign)))
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
                    sums.push((terms, is));
                }
            }
        }
        sums.sort_unstable();
        sums.dedup();
        let equations: Vec<Equation> =
            sums.into_iter().map(|(terms, is)| Equation { terms, is }).collect();
        let component = components(unknowns.len(), &equations);
        let mut members: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (unknown, &component) in component.iter().enumerate() {
            members.entry(component).or_default().0.push(unknown);
        }
        for (number, equation) in equations.iter().enumerate() {
            members.entry(component[equation.terms[0].0]).or_default().1.push(number);
        }
        let true_count = |&(table, inner): &Unknown| set.tables[table].inner()[inner] as i64;
        let truth = unknowns.iter().map(true_count).collect();
        let policies =
            unknowns.iter().map(|&(table, _)| set.tables[table].policy(set.policy)).collect();
        // A family of two may be in two parts of a cell.
        let is_divided = |table| set.policy.insider <= 1 && refinements.is_divided(table);
        let divided = (0..set.tables.len()).map(is_divided).collect();
        Self { unknowns, place, truth, policies, divided, equations, component, members }
    }

    /// The least that an unknown can be by the policy.
    pub(crate) fn least(&self, unknown: usize) -> u64 {
        self.policies[unknown].zeros.least_withheld()
    }

    /// The least that some unknowns can be together.
    pub(crate) fn least_of(&self, unknowns: &[usize]) -> i64 {
        unknowns.iter().map(|&unknown| self.least(unknown) as i64).sum()
    }

    /// How many more than the least an insider knows to be in an unknown. Someone in a cell that another table divides
    /// is in one of the parts, and counts as an insider there.
    pub(crate) fn more_known(&self, unknown: usize) -> u64 {
        if self.divided[self.unknowns[unknown].0] {
            return 0;
        }
        self.policies[unknown].more_known(self.truth[unknown].unsigned_abs())
    }

    /// The unknown that an inner cell is, if it is one.
    pub(crate) fn unknown(&self, table: usize, inner: usize) -> Option<usize> {
        *self.place.get(table)?.get(inner)?
    }

    /// The unknowns, ascending, and the equations of all components that some unknowns are in.
    pub(crate) fn around(&self, unknowns: &[usize]) -> (Vec<usize>, Vec<&Equation>) {
        let touched: BTreeSet<usize> =
            unknowns.iter().map(|&unknown| self.component[unknown]).collect();
        let members = || touched.iter().filter_map(|component| self.members.get(component));
        let mut inside: Vec<usize> = members().flat_map(|(inside, _)| inside).copied().collect();
        inside.sort_unstable();
        let equations = members().flat_map(|(_, equations)| equations);
        (inside, equations.map(|&number| &self.equations[number]).collect())
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
