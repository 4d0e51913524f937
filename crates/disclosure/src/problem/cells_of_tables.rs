//! Reads a set of tables into cells and the sums between them.

use std::collections::BTreeMap;

use minster_model::{
    CellId, IdVec, LeafId, NodeId, TableId,
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
        let mut cells = Self::numbered(set);
        for number in cells.tables.ids() {
            let known_zeros = cells.tables[number].known_zero_cells();
            cells.is_known_zero.extend(known_zeros);
            cells.add_table(number);
        }
        let refinements = Refinements::new(set);
        cells.set_slack(&refinements);
        for cell in cells.ids() {
            let (table, at) = cells.place(cell);
            let count = cells.count[cell].unsigned_abs();
            cells.cost[cell] = cost(cells.tables[table], at, count, costs);
        }
        cells.respondents = Respondents::new(&cells);
        cells.within = within(&cells, &refinements);
        // Tables are about the same children, so every two of them agree.
        for second in cells.tables.ids() {
            for first in cells.tables.ids().take_while(|&first| first < second) {
                cells.link(first, second);
            }
        }
        for (number, relation) in cells.relations.enumerate() {
            relation.terms.iter().for_each(|&(cell, _)| cells.relations_of[cell].push(number));
        }
        cells
    }

    /// The cells of all tables with their numbers, and nothing known of them yet.
    fn numbered(set: &'a TableSet) -> Self {
        let tables: IdVec<TableId, &CountTable> = set.tables.iter().collect();
        let mut all = 0;
        let mut first = IdVec::with_capacity(tables.len());
        for table in &tables {
            first.push(CellId(all));
            all += table.cell_count();
        }
        Self {
            set,
            tables,
            count: vec![0; all].into(),
            is_inner: vec![false; all].into(),
            cost: vec![1.0; all].into(),
            // A margin keeps this: it can be as much less as its parts.
            slack: vec![i64::MAX; all].into(),
            insiders: vec![0; all].into(),
            is_fixed: vec![false; all].into(),
            stays_withheld: vec![false; all].into(),
            is_known_zero: IdVec::with_capacity(all),
            unsafe_by_rule: BTreeMap::new(),
            few_below: BTreeMap::new(),
            within: BTreeMap::new(),
            respondents: Respondents::default(),
            relations: IdVec::new(),
            relations_of: vec![Vec::new(); all].into(),
            first,
        }
    }

    /// Says how much less each cell can be, and how much of that its insiders rule out.
    fn set_slack(&mut self, refinements: &Refinements<'_>) {
        // A family of two may be in two parts of a cell.
        let is_divided =
            |table: TableId| self.set.policy.insider <= 1 && refinements.is_divided(table.0);
        let divided: IdVec<TableId, bool> = self.tables.ids().map(is_divided).collect();
        for cell in self.ids() {
            let policy = self.policy(cell);
            // Someone in a cell that another table divides counts as an insider there.
            let insider = if divided[self.place(cell).0] { 0 } else { policy.insider };
            let policy = Policy { insider, ..policy };
            let least = policy.zeros.least_withheld() as i64;
            if self.is_inner[cell] {
                // The rule for zeros is public, and with it the least of a withheld cell. An insider knows of more.
                self.insiders[cell] = policy.more_known(self.count[cell].unsigned_abs()) as i64;
                self.slack[cell] = self.count[cell] - least - self.insiders[cell];
            } else if self.count[cell] < least {
                // Zeros are published here, and all cells below this margin are zeros: none of them can change.
                self.slack[cell] = -1;
            }
            if self.is_known_zero[cell] {
                self.slack[cell] = -1;
            }
        }
    }

    /// Reads one table: what is unsafe by rule, the counts, what is settled beforehand, and the sums.
    fn add_table(&mut self, number: TableId) {
        self.add_unsafe_by_rule(number);
        self.add_counts(number);
        self.add_few_below(number);
        for cell in 0..self.tables[number].cell_count() {
            let nodes = self.tables[number].coordinates(cell);
            self.settle(number, cell, &nodes);
            self.add_sums(number, cell, &nodes);
        }
    }

    /// The cells of a table that are withheld for their own sake, whatever they count.
    fn add_unsafe_by_rule(&mut self, number: TableId) {
        let (table, first) = (self.tables[number], self.first[number]);
        // A number that was published before is out, unsafe by rule or not.
        let hidden = |level: &&ProtectionLevel| {
            let published = table.published_pattern();
            published.is_none_or(|published| published.withheld.get(level.cell) == Some(&true))
        };
        let unsafe_by_rule = table.protection_levels().iter().filter(hidden);
        let numbered = unsafe_by_rule.map(|&level| (nth_from(first, level.cell), level));
        self.unsafe_by_rule.extend(numbered);
    }

    /// The counts of a table's inner cells, and of its margins as their sums.
    fn add_counts(&mut self, number: TableId) {
        let (table, first) = (self.tables[number], self.first[number]);
        let (counts, is_inner) = (&mut self.count, &mut self.is_inner);
        let mut inner = table.inner().iter();
        table.with_margins(|_, cell, margins| {
            let count = inner.next().map_or(0, |&count| count as i64);
            is_inner[nth_from(first, cell)] = true;
            counts[nth_from(first, cell)] += count;
            margins.iter().for_each(|&margin| counts[nth_from(first, margin)] += count);
        });
    }

    /// The inner cells with anyone in them below each small margin. The counts must be complete: a margin is small by
    /// all that it counts.
    fn add_few_below(&mut self, number: TableId) {
        let (table, first) = (self.tables[number], self.first[number]);
        let policy = table.policy(self.set.policy);
        let (counts, few_below) = (&self.count, &mut self.few_below);
        table.with_margins(|_, cell, margins| {
            let cell = nth_from(first, cell);
            if counts[cell] == 0 {
                return;
            }
            for margin in margins.iter().map(|&margin| nth_from(first, margin)) {
                if policy.is_small(counts[margin].unsigned_abs()) {
                    few_below.entry(margin).or_default().push(cell);
                }
            }
        });
    }

    /// Says whether a cell is published or withheld whatever comes.
    fn settle(&mut self, number: TableId, cell: usize, nodes: &[NodeId]) {
        let table = self.tables[number];
        let here = self.number(number, cell);
        let counts_all = table.dimensions().iter().zip(nodes).all(|(dimension, &node)| {
            dimension.leaves_below(node).len() == dimension.leaves().len()
        });
        // Tables with a small total are refused, so the total can be published unless a rule forbids it.
        let is_forced_published = table.forced_published().binary_search(&cell).is_ok();
        self.is_fixed[here] =
            is_forced_published || counts_all && !self.unsafe_by_rule.contains_key(&here);
        // An earlier release binds: its numbers are known, and the cells that it withheld hid others.
        if let Some(published) = table.published_pattern() {
            let was_withheld = published.withheld.get(cell) == Some(&true);
            self.is_fixed[here] = !was_withheld;
            self.stays_withheld[here] = was_withheld;
        }
    }

    /// The sums that make up a cell, along each dimension. The first defines it: with one for each margin, every
    /// margin is the sum of its inner cells, and so all other sums follow.
    fn add_sums(&mut self, number: TableId, cell: usize, nodes: &[NodeId]) {
        let table = self.tables[number];
        let (first, sum) = (self.first[number], self.number(number, cell));
        let mut defining = true;
        // The last dimension changes fastest in a cell's number, so strides fall from the first dimension on.
        let mut stride = table.cell_count();
        for (dimension, &node) in table.dimensions().iter().zip(nodes) {
            stride /= dimension.node_count();
            let of_first_node = cell - node.0 * stride;
            for parts in dimension.sums(node) {
                let parts = parts
                    .iter()
                    .map(|part| (nth_from(first, of_first_node + part.0 * stride), 1.0));
                let terms = std::iter::once((sum, -1.0)).chain(parts).collect();
                self.relations.push(Relation { terms, defining });
                defining = false;
            }
        }
    }

    /// Two tables agree for every combination of leaves of the dimensions and classes of the ties that they share.
    fn link(&mut self, first: TableId, second: TableId) {
        let (one, other) = (self.margins(first, second), self.margins(second, first));
        for (leaves, cells) in one {
            let mut terms: Vec<(CellId, f64)> = cells.into_iter().map(|cell| (cell, 1.0)).collect();
            let others = other.get(&leaves).into_iter().flatten();
            terms.extend(others.map(|&cell| (cell, -1.0)));
            // A table's own sums do not imply that it agrees with another.
            self.relations.push(Relation { terms, defining: true });
        }
    }

    /// The cells of one table that add up, by the leaves of the dimensions and the classes of the ties it shares with
    /// another.
    fn margins(&self, number: TableId, with: TableId) -> BTreeMap<Vec<usize>, Vec<CellId>> {
        let (table, other) = (&self.tables[number], &self.tables[with]);
        let ties = ties(table, other);
        let mut shared: Vec<(&str, usize)> = Vec::new();
        let mut choices: Vec<Vec<NodeId>> = Vec::new();
        for (place, dimension) in table.dimensions().iter().enumerate() {
            let is_shared = other.dimensions().iter().any(|of| of.name() == dimension.name());
            if is_shared {
                shared.push((dimension.name(), place));
            }
            // Leaves tell a class. Along a dimension that the other table lacks, the roots count each child once.
            match is_shared || ties.iter().any(|tie| tie.dimension == place) {
                true => choices.push(dimension.leaves().to_vec()),
                false => choices.push(dimension.roots().collect()),
            }
        }
        // Tables may differ in the order of their dimensions; sorted by name, their keys are alike.
        shared.sort_unstable();
        let mut margins: BTreeMap<Vec<usize>, Vec<CellId>> = BTreeMap::new();
        for nodes in products(choices) {
            // A leaf was chosen in each dimension that is shared or tied.
            let leaves = shared.iter().filter_map(|&(_, place)| leaf_at(table, &nodes, place));
            let leaves = leaves.map(usize::from);
            let classes = ties
                .iter()
                .filter_map(|tie| Some(tie.class(leaf_at(table, &nodes, tie.dimension)?)));
            let key = leaves.chain(classes).collect();
            margins.entry(key).or_default().push(self.number(number, table.cell(&nodes)));
        }
        margins
    }
}

/// The leaf that nodes have in one dimension of their table, if it is a leaf.
fn leaf_at(table: &CountTable, nodes: &[NodeId], place: usize) -> Option<LeafId> {
    table.dimension(place).ordinal(*nodes.get(place)?)
}

/// The cell that comes so many after another.
fn nth_from(first: CellId, cell: usize) -> CellId {
    CellId(first.0 + cell)
}

/// For each small cell, the inner cells of other tables that lie within it and have anyone in them.
fn within(cells: &Cells<'_>, refinements: &Refinements<'_>) -> BTreeMap<CellId, Vec<Vec<CellId>>> {
    let mut within: BTreeMap<CellId, Vec<Vec<CellId>>> = BTreeMap::new();
    let tables = &cells.tables;
    // Where withheld cells may be 0 and there are no insiders, a part says only that it is 0 or more.
    let says = |other: &TableId| {
        let policy = tables[*other].policy(cells.set.policy);
        policy.zeros.least_withheld() > 0 || policy.insider > 0
    };
    let saying: Vec<TableId> = tables.ids().filter(says).collect();
    let inner: IdVec<TableId, Vec<CellId>> =
        tables.ids().map(|table| cells.inner_cells(table)).collect();
    for cell in cells.ids().filter(|&cell| requirements::is_small(cells, cell)) {
        let (table, number) = cells.place(cell);
        for &other in saying.iter().filter(|other| **other != table) {
            let Some(finer) = refinements.within(table.0, number, other.0) else { continue };
            let numbers = finer.into_iter().filter_map(|place| inner[other].get(place).copied());
            let filled: Vec<CellId> = numbers.filter(|&inner| cells.count[inner] > 0).collect();
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
    let mut by_name: BTreeMap<&str, &Tie> = BTreeMap::new();
    for tie in table.ties() {
        let (own, others) = (tied_dimensions(table, &tie.name), tied_dimensions(other, &tie.name));
        // A dimension of the tie that both tables have makes them agree on its leaves, and so on the classes.
        if !others.is_empty() && !own.iter().any(|name| others.contains(name)) {
            by_name.entry(&tie.name).or_insert(tie);
        }
    }
    by_name.into_values().collect()
}

/// The names of a table's dimensions that have a tie.
fn tied_dimensions(table: &CountTable, tie: &str) -> Vec<String> {
    let ties = table.ties().iter().filter(|of| of.name == tie);
    ties.map(|of| table.dimension(of.dimension).name().to_owned()).collect()
}
