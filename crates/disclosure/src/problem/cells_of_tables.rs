//! Reads a set of tables into cells and the sums between them.

use std::collections::BTreeMap;

use minster_model::{
    policy::{Costs, Policy},
    refinement::Refinements,
    table::{CountTable, ProtectionLevel, TableSet, Tie},
};

use crate::problem::{
    cells::{Cells, Relation, products},
    cost::cost,
    requirements,
    respondents::Respondents,
};

impl<'a> Cells<'a> {
    /// Numbers the cells of all tables, at these costs.
    pub fn new(set: &'a TableSet, costs: Costs) -> Self {
        let mut first = vec![0];
        for table in &set.tables {
            first.push(first[first.len() - 1] + table.cell_count());
        }
        let all = first[first.len() - 1];
        let mut cells = Self {
            set,
            count: vec![0; all],
            is_inner: vec![false; all],
            cost: vec![1.0; all],
            slack: vec![i64::MAX; all],
            insiders: vec![0; all],
            is_fixed: vec![false; all],
            stays_withheld: vec![false; all],
            is_known_zero: Vec::with_capacity(all),
            unsafe_by_rule: BTreeMap::new(),
            few_below: BTreeMap::new(),
            within: BTreeMap::new(),
            respondents: Respondents::default(),
            relations: Vec::new(),
            relations_of: vec![Vec::new(); all],
            first,
        };
        for (number, table) in set.tables.iter().enumerate() {
            cells.is_known_zero.extend(table.known_zero_cells());
            cells.add_table(number);
        }
        let refinements = Refinements::new(set);
        // A family of two may be in two parts of a cell.
        let is_divided = |table| set.policy.insider <= 1 && refinements.is_divided(table);
        let divided: Vec<bool> = (0..set.tables.len()).map(is_divided).collect();
        for cell in 0..all {
            let policy = cells.policy(cell);
            // Someone in a cell that another table divides counts as an insider there.
            let insider = if divided[cells.place(cell).0] { 0 } else { policy.insider };
            let policy = Policy { insider, ..policy };
            let least = policy.zeros.least_withheld() as i64;
            if cells.is_inner[cell] {
                cells.insiders[cell] = policy.more_known(cells.count[cell].unsigned_abs()) as i64;
                cells.slack[cell] = cells.count[cell] - least - cells.insiders[cell];
            } else {
                // Nothing below it can change.
                if cells.count[cell] < least {
                    cells.slack[cell] = -1;
                }
            }
            if cells.is_known_zero[cell] {
                cells.slack[cell] = -1;
            }
            let count = cells.count[cell].unsigned_abs();
            let (table, at) = cells.place(cell);
            cells.cost[cell] = cost(&set.tables[table], at, count, costs);
        }
        cells.respondents = Respondents::new(&cells);
        cells.within = within(&cells, &refinements);
        for second in 0..set.tables.len() {
            for first in 0..second {
                cells.link(first, second);
            }
        }
        for (number, relation) in cells.relations.iter().enumerate() {
            relation.terms.iter().for_each(|&(cell, _)| cells.relations_of[cell].push(number));
        }
        cells
    }

    fn add_table(&mut self, number: usize) {
        let table = &self.set.tables[number];
        let policy = table.policy(self.set.policy);
        let dimensions = table.dimensions();
        let first = self.first[number];
        // A number that was published before is out, unsafe by rule or not.
        let hidden = |level: &&ProtectionLevel| {
            table.published_pattern().is_none_or(|published| published.withheld[level.cell])
        };
        let unsafe_by_rule = table.protection_levels().iter().filter(hidden);
        self.unsafe_by_rule.extend(unsafe_by_rule.map(|&level| (first + level.cell, level)));
        let counts = &mut self.count;
        let is_inner = &mut self.is_inner;
        table.add_up(|inner, cells| {
            is_inner[first + cells[0]] = true;
            cells.iter().for_each(|&cell| counts[first + cell] += table.inner()[inner] as i64);
        });
        let (counts, few_below) = (&self.count, &mut self.few_below);
        table.add_up(|inner, cells| {
            if table.inner()[inner] == 0 {
                return;
            }
            for &cell in &cells[1..] {
                if policy.is_small(counts[first + cell].unsigned_abs()) {
                    few_below.entry(first + cell).or_default().push(first + cells[0]);
                }
            }
        });
        for cell in 0..table.cell_count() {
            let nodes = table.coordinates(cell);
            let parent = self.number(number, cell);
            let counts_all = dimensions.iter().zip(&nodes).all(|(dimension, &node)| {
                dimension.leaves_below(node).len() == dimension.leaves().len()
            });
            let is_forced_published = table.forced_published().binary_search(&cell).is_ok();
            self.is_fixed[parent] =
                is_forced_published || counts_all && !self.unsafe_by_rule.contains_key(&parent);
            if let Some(published) = table.published_pattern() {
                self.is_fixed[parent] = !published.withheld[cell];
                self.stays_withheld[parent] = published.withheld[cell];
            }
            let mut defining = true;
            for (place, &node) in nodes.iter().enumerate() {
                for parts in dimensions[place].sums(node) {
                    let mut terms = vec![(parent, -1.0)];
                    for &part in parts {
                        let mut nodes = nodes.clone();
                        nodes[place] = part;
                        terms.push((self.number(number, table.cell(&nodes)), 1.0));
                    }
                    self.relations.push(Relation { terms, defining });
                    defining = false;
                }
            }
        }
    }

    /// Two tables agree for every combination of leaves of the dimensions and classes of the ties that they share.
    fn link(&mut self, first: usize, second: usize) {
        let (one, other) = (self.margins(first, second), self.margins(second, first));
        for (leaves, cells) in one {
            let mut terms: Vec<(usize, f64)> = cells.into_iter().map(|cell| (cell, 1.0)).collect();
            let others = other.get(&leaves).into_iter().flatten();
            terms.extend(others.map(|&cell| (cell, -1.0)));
            self.relations.push(Relation { terms, defining: true });
        }
    }

    /// The cells of one table that add up, by the leaves of the dimensions and the classes of the ties it shares with
    /// another.
    fn margins(&self, number: usize, with: usize) -> BTreeMap<Vec<usize>, Vec<usize>> {
        let (table, other) = (&self.set.tables[number], &self.set.tables[with]);
        let ties = ties(table, other);
        let mut shared: Vec<(&str, usize)> = Vec::new();
        let mut choices: Vec<Vec<usize>> = Vec::new();
        for (place, dimension) in table.dimensions().iter().enumerate() {
            let is_shared = other.dimensions().iter().any(|of| of.name() == dimension.name());
            if is_shared {
                shared.push((dimension.name(), place));
            }
            match is_shared || ties.iter().any(|tie| tie.dimension == place) {
                true => choices.push(dimension.leaves().to_vec()),
                false => choices.push(dimension.roots().collect()),
            }
        }
        shared.sort_unstable();
        let mut margins: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for nodes in products(choices) {
            let ordinal = |place: usize| {
                table.dimensions()[place].leaves().partition_point(|&leaf| leaf < nodes[place])
            };
            let leaves = shared.iter().map(|&(_, place)| ordinal(place));
            let classes = ties.iter().map(|tie| tie.class_of[ordinal(tie.dimension)]);
            let key = leaves.chain(classes).collect();
            margins.entry(key).or_default().push(self.number(number, table.cell(&nodes)));
        }
        margins
    }
}

/// For each small cell, the inner cells of other tables that lie within it and have anyone in them.
fn within(cells: &Cells<'_>, refinements: &Refinements<'_>) -> BTreeMap<usize, Vec<Vec<usize>>> {
    let mut within: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
    let tables = &cells.set.tables;
    let says = |other: &usize| {
        let policy = tables[*other].policy(cells.set.policy);
        policy.zeros.least_withheld() > 0 || policy.insider > 0
    };
    let saying: Vec<usize> = (0..tables.len()).filter(says).collect();
    let inner: Vec<Vec<usize>> = tables.iter().map(CountTable::inner_cells).collect();
    for cell in (0..cells.len()).filter(|&cell| requirements::is_small(cells, cell)) {
        let (table, number) = cells.place(cell);
        for &other in saying.iter().filter(|other| **other != table) {
            let Some(finer) = refinements.within(table, number, other) else { continue };
            let numbers = finer.into_iter().map(|place| cells.number(other, inner[other][place]));
            let filled: Vec<usize> = numbers.filter(|&inner| cells.count[inner] > 0).collect();
            if !filled.is_empty() {
                within.entry(cell).or_default().push(filled);
            }
        }
    }
    within
}

/// The ties that a table shares with another, one a name, in the order of the names; but for those of which a dimension
/// that both have settles the class.
fn ties<'a>(table: &'a CountTable, other: &CountTable) -> Vec<&'a Tie> {
    let names = |of: &CountTable, name: &str| -> Vec<String> {
        let ties = of.ties().iter().filter(|tie| tie.name == name);
        ties.map(|tie| of.dimensions()[tie.dimension].name().to_owned()).collect()
    };
    let mut by_name: BTreeMap<&str, &Tie> = BTreeMap::new();
    for tie in table.ties() {
        let (own, others) = (names(table, &tie.name), names(other, &tie.name));
        if !others.is_empty() && !own.iter().any(|name| others.contains(name)) {
            by_name.entry(&tie.name).or_insert(tie);
        }
    }
    by_name.into_values().collect()
}
