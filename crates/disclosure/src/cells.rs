//! All cells of the tables in one numbering, and the sums that hold between them.

use std::collections::BTreeMap;

use minster_model::cube::{CountTable, Guarded, Prices, TableSet};

use crate::holders::Holders;

/// What it costs to change a cell that is withheld already.
pub(crate) const KNOWN: f64 = 0.001;

/// A sum of cells, with signs, that is 0 in every world.
pub(crate) struct Relation {
    pub(crate) terms: Vec<(usize, f64)>,
    /// Whether it is one of those from which all others follow.
    pub(crate) defining: bool,
}

/// The cells of all tables, numbered on from table to table.
pub(crate) struct Cells<'a> {
    pub(crate) set: &'a TableSet,
    pub(crate) count: Vec<i64>,
    pub(crate) is_inner: Vec<bool>,
    /// What it costs to withhold each cell: one, and more the larger it is and if it is a margin.
    pub(crate) price: Vec<f64>,
    /// How much less each cell can be for its own sake: a margin, as much less as its parts.
    pub(crate) room: Vec<i64>,
    /// How much less again it can be where nobody in it is asked: an insider knows of themselves.
    pub(crate) insiders: Vec<i64>,
    /// Published whatever comes: it counts every child of its table (and nothing guards it), is kept, or
    /// was published before.
    pub(crate) is_fixed: Vec<bool>,
    /// Withheld whatever comes: it was when its table was published before.
    pub(crate) stays_withheld: Vec<bool>,
    /// Withheld for its own sake, whatever it counts.
    pub(crate) guarded: BTreeMap<usize, Guarded>,
    /// Of each margin below the threshold, the inner cells with anyone in them.
    pub(crate) few_below: BTreeMap<usize, Vec<usize>>,
    /// Who holds what, where that is declared.
    pub(crate) holders: Holders,
    pub(crate) relations: Vec<Relation>,
    /// The relations that each cell is in.
    pub(crate) relations_of: Vec<Vec<usize>>,
    first: Vec<usize>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(set: &'a TableSet, prices: Prices) -> Self {
        let mut first = vec![0];
        for table in &set.tables {
            first.push(first[first.len() - 1] + table.cell_count());
        }
        let all = first[first.len() - 1];
        let mut cells = Self {
            set,
            count: vec![0; all],
            is_inner: vec![false; all],
            price: vec![1.0; all],
            room: vec![i64::MAX; all],
            insiders: vec![0; all],
            is_fixed: vec![false; all],
            stays_withheld: vec![false; all],
            guarded: BTreeMap::new(),
            few_below: BTreeMap::new(),
            holders: Holders::default(),
            relations: Vec::new(),
            relations_of: vec![Vec::new(); all],
            first,
        };
        for number in 0..set.tables.len() {
            cells.add_table(number);
        }
        let least = set.policy.zeros.least_withheld() as i64;
        for cell in 0..all {
            if cells.is_inner[cell] {
                cells.insiders[cell] =
                    set.policy.more_known(cells.count[cell].unsigned_abs()) as i64;
                cells.room[cell] = cells.count[cell] - least - cells.insiders[cell];
            } else {
                // Nothing below it can change.
                if cells.count[cell] < least {
                    cells.room[cell] = -1;
                }
            }
            let count = cells.count[cell].unsigned_abs();
            cells.price[cell] = prices.of(count, !cells.is_inner[cell]);
        }
        cells.holders = Holders::new(&cells);
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

    pub(crate) fn len(&self) -> usize {
        self.count.len()
    }

    /// What it costs to change each cell, given which are withheld: infinite where it must not change.
    pub(crate) fn costs(&self, withheld: &[bool]) -> Vec<f64> {
        let cost = |cell: usize| match () {
            () if !self.may_change(cell) => f64::INFINITY,
            () if withheld[cell] => KNOWN,
            () => self.price[cell],
        };
        (0..self.len()).map(cost).collect()
    }

    /// Whether a cell may change where it is withheld.
    pub(crate) fn may_change(&self, cell: usize) -> bool {
        !self.is_fixed[cell] && self.room[cell] >= 0
    }

    /// The table of a cell, and the cell's number there.
    pub(crate) fn place(&self, cell: usize) -> (usize, usize) {
        let table = self.first.partition_point(|&first| first <= cell) - 1;
        (table, cell - self.first[table])
    }

    /// The table of a cell, and the cell by its categories, for people.
    pub(crate) fn named(&self, cell: usize) -> (String, String) {
        let (number, cell) = self.place(cell);
        let table = &self.set.tables[number];
        let named = table.dimensions().iter().zip(table.coordinates(cell));
        let named = named.map(|(of, node)| format!("{} {}", of.name(), of.code(node)));
        (name(table), named.collect::<Vec<_>>().join(", "))
    }

    /// Whether a cell's table was published before.
    pub(crate) fn is_standing(&self, cell: usize) -> bool {
        self.set.tables[self.place(cell).0].standing().is_some()
    }

    /// The number here of a table's cell.
    pub(crate) fn number(&self, table: usize, cell: usize) -> usize {
        self.first[table] + cell
    }

    /// The number among a table's inner cells of one of its cells that is inner.
    pub(crate) fn inner_number(&self, table: usize, cell: usize) -> usize {
        let table = &self.set.tables[table];
        let nodes = table.coordinates(cell);
        table.dimensions().iter().zip(nodes).fold(0, |number, (dimension, node)| {
            let leaves = dimension.leaves();
            number * leaves.len() + leaves.partition_point(|&leaf| leaf < node)
        })
    }

    /// The inner cells that a cell counts.
    pub(crate) fn inner_below(&self, cell: usize) -> Vec<usize> {
        let (number, cell) = self.place(cell);
        let table = &self.set.tables[number];
        let nodes = table.coordinates(cell);
        let choices = table
            .dimensions()
            .iter()
            .zip(nodes)
            .map(|(dimension, node)| dimension.leaves_below(node).to_vec());
        let below = products(choices.collect());
        below.iter().map(|nodes| self.number(number, table.cell(nodes))).collect()
    }

    fn add_table(&mut self, number: usize) {
        let table = &self.set.tables[number];
        let policy = self.set.policy;
        let dimensions = table.dimensions();
        let first = self.first[number];
        // What was published before is out, guarded or not.
        let hidden = |guarded: &&Guarded| {
            table.standing().is_none_or(|standing| standing.withheld[guarded.cell])
        };
        let guarded = table.guarded().iter().filter(hidden);
        self.guarded.extend(guarded.map(|&guarded| (first + guarded.cell, guarded)));
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
            let is_kept = table.kept().binary_search(&cell).is_ok();
            self.is_fixed[parent] = is_kept || counts_all && !self.guarded.contains_key(&parent);
            if let Some(standing) = table.standing() {
                self.is_fixed[parent] = !standing.withheld[cell];
                self.stays_withheld[parent] = standing.withheld[cell];
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

    /// Two tables agree for every combination of leaves of the dimensions that they share.
    fn link(&mut self, first: usize, second: usize) {
        let (one, other) = (self.margins(first, second), self.margins(second, first));
        for (leaves, cells) in one {
            let mut terms: Vec<(usize, f64)> = cells.into_iter().map(|cell| (cell, 1.0)).collect();
            let others = other.get(&leaves).into_iter().flatten();
            terms.extend(others.map(|&cell| (cell, -1.0)));
            self.relations.push(Relation { terms, defining: true });
        }
    }

    /// The cells of one table that add up, by the leaves of the dimensions it shares with another.
    fn margins(&self, number: usize, with: usize) -> BTreeMap<Vec<usize>, Vec<usize>> {
        let table = &self.set.tables[number];
        let mut shared: Vec<(&str, usize)> = Vec::new();
        let mut choices: Vec<Vec<usize>> = Vec::new();
        for (place, dimension) in table.dimensions().iter().enumerate() {
            let theirs = self.set.tables[with].dimensions();
            if theirs.iter().any(|other| other.name() == dimension.name()) {
                shared.push((dimension.name(), place));
                choices.push(dimension.leaves().to_vec());
            } else {
                choices.push(dimension.roots().collect());
            }
        }
        shared.sort_unstable();
        let mut margins: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for nodes in products(choices) {
            let ordinal = |&(_, place): &(&str, usize)| {
                table.dimensions()[place].leaves().partition_point(|&leaf| leaf < nodes[place])
            };
            let key = shared.iter().map(ordinal).collect();
            margins.entry(key).or_default().push(self.number(number, table.cell(&nodes)));
        }
        margins
    }
}

/// Every way to take one of each, the last changing fastest.
fn products(choices: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::with_capacity(choices.len())];
    for choice in choices {
        all = all
            .iter()
            .flat_map(|taken: &Vec<usize>| {
                choice.iter().map(move |&next| taken.iter().copied().chain([next]).collect())
            })
            .collect();
    }
    all
}

/// The table of a set that a cell of it belongs to, by name.
pub(crate) fn name(table: &CountTable) -> String {
    table.name().to_owned()
}
