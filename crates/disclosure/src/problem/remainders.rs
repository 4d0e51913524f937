//! Works out what is left of a number to a respondent who takes their own children out of it.

use std::collections::BTreeMap;

use minster_model::table::{CountTable, Hierarchy, TableSet};

use crate::problem::{cells::Cells, respondents::Respondents};

impl Respondents {
    pub(crate) fn new(cells: &Cells<'_>) -> Self {
        let Some(name) = cells.set.respondents() else { return Self::default() };
        let mut respondents = Self {
            places: places(cells.set, name),
            of: vec![None; cells.len()],
            ..Self::default()
        };
        for cell in 0..cells.len() {
            let Some(at) = respondents.at(cells, cell) else { continue };
            if let [leaf] = at.dimension.leaves_below(at.node)[..] {
                respondents.of[cell] = at.ordinal(leaf);
            }
        }
        respondents.small = respondents.small_remainders(cells);
        respondents.find_others(cells);
        respondents
    }

    /// Returns each respondent who has children in a cell, or is alone to have any there.
    pub(super) fn concerned(&self, cells: &Cells<'_>, cell: usize) -> Vec<u32> {
        match self.of(cell) {
            Some(respondent) => vec![respondent],
            None => self.below(cells, cell).filter(|&h| self.own(cells, cell, h) > 0).collect(),
        }
    }

    /// The respondents whose children a cell counts.
    pub(super) fn below<'a>(
        &self,
        cells: &'a Cells<'_>,
        cell: usize,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let at = self.at(cells, cell);
        at.into_iter().flat_map(|at| {
            let leaves = at.dimension.leaves_below(at.node).iter();
            leaves.filter_map(move |&leaf| at.ordinal(leaf))
        })
    }

    /// How many of a cell's children are a respondent's.
    pub(super) fn own(&self, cells: &Cells<'_>, cell: usize, respondent: u32) -> i64 {
        let Some(at) = self.at(cells, cell) else { return 0 };
        let leaf = at.dimension.leaves()[respondent as usize];
        match at.dimension.counts(at.node, leaf) {
            true => cells.count[at.first + leaf * at.stride],
            false => 0,
        }
    }

    pub(super) fn remainder(&self, cells: &Cells<'_>, cell: usize, respondent: u32) -> i64 {
        cells.count[cell] - self.own(cells, cell, respondent)
    }

    fn at<'a>(&self, cells: &Cells<'a>, cell: usize) -> Option<At<'a>> {
        let set: &'a TableSet = cells.set;
        let (table, number) = cells.place(cell);
        let (place, stride) = (*self.places.get(table)?)?;
        let dimension = &set.tables[table].dimensions()[place];
        let node = number / stride % dimension.node_count();
        Some(At { dimension, node, stride, first: cell - node * stride })
    }

    /// The cells and respondents to whom the remainder is small.
    fn small_remainders(&self, cells: &Cells<'_>) -> BTreeMap<(usize, u32), Vec<usize>> {
        let mut small = BTreeMap::new();
        for leaf in (0..cells.len()).filter(|&cell| cells.count[cell] > 0) {
            let Some(at) = self.at(cells, leaf) else { continue };
            let Some(respondent) = at.ordinal(at.node) else { continue };
            for node in at.dimension.above(respondent as usize) {
                let cell = at.first + node * at.stride;
                let remainder = cells.count[cell] - cells.count[leaf];
                if self.of(cell).is_none() && cells.policy(cell).is_small(remainder.unsigned_abs())
                {
                    small.insert((cell, respondent), Vec::new());
                }
            }
        }
        small
    }

    fn find_others(&mut self, cells: &Cells<'_>) {
        if self.small.is_empty() {
            return;
        }
        for (number, table) in cells.set.tables.iter().enumerate() {
            if self.places[number].is_none() {
                continue;
            }
            table.add_up(|inner, above| {
                if table.inner()[inner] == 0 {
                    return;
                }
                let inner = cells.number(number, above[0]);
                let own = self.of[inner];
                for &cell in &above[1..] {
                    let cell = cells.number(number, cell);
                    let of_cell = self.small.range_mut((cell, 0)..=(cell, u32::MAX));
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
    node: usize,
    stride: usize,
    /// The cell that it would be at the first node.
    first: usize,
}

impl At<'_> {
    fn ordinal(&self, leaf: usize) -> Option<u32> {
        self.dimension.leaves().binary_search(&leaf).ok().map(|ordinal| ordinal as u32)
    }
}

fn places(set: &TableSet, name: &str) -> Vec<Option<(usize, usize)>> {
    let place = |table: &CountTable| {
        let dimensions = table.dimensions();
        let place = dimensions.iter().position(|dimension| dimension.name() == name)?;
        Some((place, dimensions[place + 1..].iter().map(Hierarchy::node_count).product()))
    };
    set.tables.iter().map(place).collect()
}
