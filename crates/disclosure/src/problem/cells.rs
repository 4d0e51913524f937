//! All cells of the tables in one numbering, and the sums that hold between them.

use std::collections::BTreeMap;

use minster_model::{
    CellId, IdVec, NodeId, TableId,
    policy::Policy,
    table::{CountTable, ProtectionLevel, TableSet},
};

use crate::problem::respondents::Respondents;

/// Whether each cell is withheld.
pub type Withheld = IdVec<CellId, bool>;

/// The cost of changing a cell that is withheld already.
pub const KNOWN: f64 = 0.001;

minster_model::id! {
    /// The number of a sum that holds between cells.
    RelationId
}

/// A sum of cells, with signs, that is 0 in every world.
pub struct Relation {
    /// The cells, each with its sign.
    pub terms: Vec<(CellId, f64)>,
    /// Whether it is one of those from which all others follow.
    pub defining: bool,
}

/// The cells of all tables, numbered on from table to table.
pub struct Cells<'a> {
    /// The tables, with their policy.
    pub set: &'a TableSet,
    /// The tables by number.
    pub tables: IdVec<TableId, &'a CountTable>,
    /// The children that each cell counts.
    pub count: IdVec<CellId, i64>,
    /// Whether each cell is an inner one.
    pub is_inner: IdVec<CellId, bool>,
    /// The cost of withholding each cell: one, and more the larger it is and if it is a margin.
    pub cost: IdVec<CellId, f64>,
    /// How much less each cell can be for its own sake: a margin, as much less as its parts.
    pub(crate) slack: IdVec<CellId, i64>,
    /// How much less again it can be where nobody in it is asked: an insider knows of themselves.
    pub(crate) insiders: IdVec<CellId, i64>,
    /// Published whatever comes: it counts every child of its table (and no rule calls it unsafe), is forced to be
    /// published, or was published before.
    pub is_fixed: IdVec<CellId, bool>,
    /// Withheld whatever comes: it was when its table was published before.
    pub stays_withheld: IdVec<CellId, bool>,
    /// Everyone knows that it counts nobody: it hides nothing, and cannot change.
    pub(crate) is_known_zero: IdVec<CellId, bool>,
    /// Withheld for its own sake, whatever it counts.
    pub unsafe_by_rule: BTreeMap<CellId, ProtectionLevel>,
    /// For each margin below the threshold, the inner cells with anyone in them.
    pub(crate) few_below: BTreeMap<CellId, Vec<CellId>>,
    /// For each small cell, and each other table of which inner cells lie within it, those with anyone in them. Where
    /// no withheld cell must have anyone in it, and there are no insiders, they say nothing, and are left out.
    pub(crate) within: BTreeMap<CellId, Vec<Vec<CellId>>>,
    /// The respondents and what each holds, where that is declared.
    pub(crate) respondents: Respondents,
    /// The sums between the cells.
    pub relations: IdVec<RelationId, Relation>,
    /// The relations that each cell is in.
    pub(crate) relations_of: IdVec<CellId, Vec<RelationId>>,
    /// For each table, the number of its first cell.
    pub(super) first: IdVec<TableId, CellId>,
}

impl<'a> Cells<'a> {
    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.count.len()
    }

    /// The cells, ascending.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = CellId> + use<> {
        (0..self.len()).map(CellId)
    }

    /// Returns the cost of changing each cell, given which are withheld: infinite where the cell must not change.
    pub fn costs(&self, withheld: &Withheld) -> IdVec<CellId, f64> {
        let cost = |cell: CellId| match (self.may_change(cell), withheld[cell]) {
            (false, _) => f64::INFINITY,
            (true, true) => KNOWN,
            (true, false) => self.cost[cell],
        };
        self.ids().map(cost).collect()
    }

    /// Whether a cell may change where it is withheld.
    pub fn may_change(&self, cell: CellId) -> bool {
        !self.is_fixed[cell] && self.slack[cell] >= 0
    }

    /// The table of a cell, and the cell's number there.
    pub fn place(&self, cell: CellId) -> (TableId, usize) {
        let after = self.first.as_slice().partition_point(|&first| first <= cell);
        let table = TableId(after - 1);
        (table, cell.0 - self.first[table].0)
    }

    /// The policy of a cell's table.
    pub(crate) fn policy(&self, cell: CellId) -> Policy {
        self.tables[self.place(cell).0].policy(self.set.policy)
    }

    /// The least that a withheld inner cell can be.
    pub(crate) fn least_withheld(&self, cell: CellId) -> i64 {
        self.policy(cell).zeros.least_withheld() as i64
    }

    /// The table of a cell, and by which of its dimensions the cell is told from others, for people. Its categories are
    /// not named: a message goes to logs, and the cell counts few.
    pub fn described(&self, cell: CellId) -> (String, String) {
        let (number, cell) = self.place(cell);
        let table = &self.tables[number];
        let divided = table.divided(cell).map(|(of, _)| of.name());
        let divided = divided.collect::<Vec<_>>().join(" and ");
        let by = if divided.is_empty() { "of all".to_owned() } else { format!("by {divided}") };
        (name(table), by)
    }

    /// Whether a cell's table was published before.
    pub(crate) fn was_published_before(&self, cell: CellId) -> bool {
        self.tables[self.place(cell).0].published_pattern().is_some()
    }

    /// The number here of a table's cell.
    pub fn number(&self, table: TableId, cell: usize) -> CellId {
        CellId(self.first[table].0 + cell)
    }

    /// The number among a table's inner cells of one of its cells that is inner.
    pub(crate) fn inner_number(&self, table: TableId, cell: usize) -> usize {
        let table = &self.tables[table];
        let nodes = table.coordinates(cell);
        table.dimensions().iter().zip(nodes).fold(0, |number, (dimension, node)| {
            let leaves = dimension.leaves();
            number * leaves.len() + leaves.partition_point(|&leaf| leaf < node)
        })
    }

    /// The inner cells of a table, by their numbers among these.
    pub(crate) fn inner_cells(&self, table: TableId) -> Vec<CellId> {
        let inner = self.tables[table].inner_cells().into_iter();
        inner.map(|cell| self.number(table, cell)).collect()
    }

    /// The inner cells that a cell counts.
    pub(crate) fn inner_below(&self, cell: CellId) -> Vec<CellId> {
        let (number, cell) = self.place(cell);
        let table = &self.tables[number];
        let nodes = table.coordinates(cell);
        // An inner cell has a leaf of each dimension, and lies below those nodes that count its leaves.
        let choices = table
            .dimensions()
            .iter()
            .zip(nodes)
            .map(|(dimension, node)| dimension.leaves_below(node).to_vec());
        let below = products(choices.collect());
        below.iter().map(|nodes| self.number(number, table.cell(nodes))).collect()
    }
}

/// Every way to take one of each, the last changing fastest.
pub(super) fn products(choices: Vec<Vec<NodeId>>) -> Vec<Vec<NodeId>> {
    let mut all = vec![Vec::with_capacity(choices.len())];
    for choice in choices {
        all = all
            .iter()
            .flat_map(|taken: &Vec<NodeId>| {
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
