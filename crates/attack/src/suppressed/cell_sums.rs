//! The cells of a table are made of unknowns, and of what is published.

use minster_model::{IdVec, TableId, id, table::CountTable};

use crate::{
    shared::{
        alternative_table,
        categories::Category,
        typed::{TableCell, TypedTable},
    },
    suppressed::equations::{System, UnknownId},
};

id! {
    /// The number of a cell of which the parts are asked for.
    AskedId
}

/// The parts that a cell counts: its unknowns, ascending, and its published inner cells added up.
#[derive(Clone, Default)]
pub(crate) struct CellSum {
    pub(crate) unknowns: Vec<UnknownId>,
    pub(crate) published: i64,
}

impl CellSum {
    /// The parts of a group that lie outside a part of it.
    pub(crate) fn without(&self, inside: &Self) -> Self {
        let is_outside = |unknown: &UnknownId| inside.unknowns.binary_search(unknown).is_err();
        Self {
            unknowns: self.unknowns.iter().copied().filter(is_outside).collect(),
            published: self.published - inside.published,
        }
    }
}

/// A sensitive category within a group, of which the parts are asked for.
#[derive(Clone, Copy)]
pub(crate) struct AskedCategory {
    pub(crate) of: Category,
    pub(crate) group: AskedId,
    pub(crate) inside: AskedId,
}

impl AskedCategory {
    pub(crate) fn new(of: Category, asked: &mut AskedCells<'_>) -> Self {
        Self { of, group: asked.ask(of.group), inside: asked.ask(of.inside) }
    }
}

/// The parts of each cell that was asked for.
pub(crate) type CellSums = IdVec<AskedId, CellSum>;

/// The cells of a table of which the parts are asked for: whoever asks gets the number under which they will be.
pub(crate) struct AskedCells<'a> {
    table: &'a CountTable,
    number: IdVec<TableCell, Option<AskedId>>,
    sums: CellSums,
}

impl<'a> AskedCells<'a> {
    /// None yet.
    pub(crate) fn of(table: &'a CountTable) -> Self {
        Self { table, number: IdVec::of(None, table.cell_count()), sums: CellSums::new() }
    }

    /// Asks for a cell, for the first time or again.
    pub(crate) fn ask(&mut self, cell: TableCell) -> AskedId {
        *self.number[cell].get_or_insert_with(|| self.sums.push(CellSum::default()))
    }

    /// The parts of all cells that were asked for; a cell may have none.
    pub(crate) fn sums(mut self, table: TableId, system: &System) -> CellSums {
        let covering = alternative_table::Covering::new(self.table);
        let mut above = Vec::new();
        for (inner, &count) in self.table.by_inner().enumerate() {
            let unknown = system.unknown(table, inner);
            // Most inner cells of a large table are published zeros: they add nothing to any cell.
            if unknown.is_none() && count == 0 {
                continue;
            }
            covering.of(inner, &mut above);
            for asked in above.iter().filter_map(|&cell| self.number[cell]) {
                let sum = &mut self.sums[asked];
                match unknown {
                    Some(unknown) => sum.unknowns.push(unknown),
                    None => sum.published += count as i64,
                }
            }
        }
        self.sums
    }
}
