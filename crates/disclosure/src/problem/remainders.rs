//! Works out what is left of a number to a respondent who takes their own children out of it.

use std::collections::BTreeMap;

use minster_model::{
    CellId, NodeId, RespondentId,
    table::{CountTable, Hierarchy},
};

use crate::problem::{
    cells::Cells,
    respondents::{Respondents, of_cell},
};

impl Respondents {
    /// Reads whose each cell is and where remainders are small; nothing where no respondents are declared.
    pub(crate) fn new(cells: &Cells<'_>) -> Self {
        let Some(name) = cells.set.respondents() else { return Self::default() };
        let mut respondents = Self {
            places: cells.tables.iter().map(|table| place(table, name)).collect(),
            of: vec![None; cells.len()].into(),
            ..Self::default()
        };
        for cell in cells.ids() {
            let Some(at) = respondents.at(cells, cell) else { continue };
            // A margin that counts one respondent alone belongs to them as their inner cells do.
            if let [leaf] = at.dimension.leaves_below(at.node)[..] {
                respondents.of[cell] = at.ordinal(leaf);
            }
        }
        // The others' cells are listed for small remainders alone, so these come first.
        respondents.small = respondents.small_remainders(cells);
        respondents.find_others(cells);
        respondents
    }

    /// Returns each respondent who has children in a cell, or is alone to have any there.
    pub(super) fn concerned(&self, cells: &Cells<'_>, cell: CellId) -> Vec<RespondentId> {
        match self.of(cell) {
            Some(respondent) => vec![respondent],
            None => self.below(cells, cell).filter(|&h| self.own(cells, cell, h) > 0).collect(),
        }
    }

    /// The respondents whose children a cell counts.
    pub(super) fn below<'a>(
        &self,
        cells: &'a Cells<'_>,
        cell: CellId,
    ) -> impl Iterator<Item = RespondentId> + use<'a> {
        let at = self.at(cells, cell);
        at.into_iter().flat_map(|at| {
            let leaves = at.dimension.leaves_below(at.node).iter();
            leaves.filter_map(move |&leaf| at.ordinal(leaf))
        })
    }

    /// How many of a cell's children are a respondent's.
    pub(super) fn own(&self, cells: &Cells<'_>, cell: CellId, respondent: RespondentId) -> i64 {
        let Some(at) = self.at(cells, cell) else { return 0 };
        let leaf = at.dimension.leaf(respondent.leaf());
        match at.dimension.counts(at.node, leaf) {
            true => cells.count[at.cell(leaf)],
            false => 0,
        }
    }

    /// The rest of a cell's count to a respondent who takes their own children out.
    pub(super) fn remainder(
        &self,
        cells: &Cells<'_>,
        cell: CellId,
        respondent: RespondentId,
    ) -> i64 {
        cells.count[cell] - self.own(cells, cell, respondent)
    }

    /// Where a cell stands along the respondents' dimension, if its table has it.
    fn at<'a>(&self, cells: &Cells<'a>, cell: CellId) -> Option<At<'a>> {
        let (table, number) = cells.place(cell);
        let (place, stride) = (*self.places.find(table)?)?;
        let dimension = cells.tables[table].dimension(place);
        let node = number / stride % dimension.node_count();
        Some(At { dimension, node: NodeId(node), stride, first: CellId(cell.0 - node * stride) })
    }

    /// The cells and respondents to whom the remainder is small.
    fn small_remainders(&self, cells: &Cells<'_>) -> BTreeMap<(CellId, RespondentId), Vec<CellId>> {
        let mut small = BTreeMap::new();
        // A respondent without children in a cell has the whole count as remainder, as an outsider has. So it is enough to
        // climb from each respondent's own cells with children.
        for leaf in cells.ids().filter(|&cell| cells.count[cell] > 0) {
            let Some(at) = self.at(cells, leaf) else { continue };
            let Some(respondent) = at.ordinal(at.node) else { continue };
            for &node in at.dimension.above(respondent.leaf()) {
                let cell = at.cell(node);
                let remainder = cells.count[cell] - cells.count[leaf];
                // A respondent's own cell counts no one else.
                if self.of(cell).is_none() && cells.policy(cell).is_small(remainder.unsigned_abs())
                {
                    small.insert((cell, respondent), Vec::new());
                }
            }
        }
        small
    }

    /// Lists the inner cells that make up each small remainder.
    fn find_others(&mut self, cells: &Cells<'_>) {
        if self.small.is_empty() {
            return;
        }
        for (number, table) in cells.tables.enumerate() {
            if self.places[number].is_none() {
                continue;
            }
            table.with_margins(|_, inner, margins| {
                let inner = cells.number(number, inner);
                // An empty cell does not raise the least that a remainder can be.
                if cells.count[inner] == 0 {
                    return;
                }
                let own = self.of[inner];
                for &cell in margins {
                    let of_cell = self.small.range_mut(of_cell(cells.number(number, cell)));
                    let of_others = of_cell.filter(|((_, respondent), _)| Some(*respondent) != own);
                    of_others.for_each(|(_, others)| others.push(inner));
                }
            });
        }
    }
}

/// Where a cell stands along the respondents' dimension.
struct At<'a> {
    dimension: &'a Hierarchy,
    node: NodeId,
    stride: usize,
    /// The cell that it would be at the first node.
    first: CellId,
}

impl At<'_> {
    /// The respondent of a node that is a leaf.
    fn ordinal(&self, node: NodeId) -> Option<RespondentId> {
        self.dimension.ordinal(node).map(RespondentId::from)
    }

    /// The cell that it would be at another node.
    fn cell(&self, node: NodeId) -> CellId {
        CellId(self.first.0 + node.0 * self.stride)
    }
}

/// The place of a table's dimension of a name, and how far apart neighbours along it are numbered.
fn place(table: &CountTable, name: &str) -> Option<(usize, usize)> {
    let place = table.dimensions().iter().position(|dimension| dimension.name() == name)?;
    let after = table.dimensions().iter().skip(place + 1);
    Some((place, after.map(Hierarchy::node_count).product()))
}
