//! Numbers of the attack's own kinds, and the model's lists under numbers of their kind: where a list takes the number
//! of an inner cell, that of a cell does not compile.

use minster_model::{
    IdVec, NodeId, TableId, id,
    table::{CountTable, Hierarchy, Pattern, TableSet},
};

use crate::shared::id_slice::IdSlice;

id! {
    /// The number of a cell, inner cell or margin, among those of its table.
    TableCell
}

id! {
    /// The number of an inner cell among the inner cells of its table.
    InnerCell
}

id! {
    /// The place of a dimension in its table.
    DimensionId
}

/// The lists of a set.
pub(crate) trait TypedSet {
    /// The tables.
    fn by_table(&self) -> IdSlice<'_, TableId, CountTable>;

    /// A table.
    fn table(&self, table: TableId) -> &CountTable {
        self.by_table().at(table)
    }
}

impl TypedSet for TableSet {
    fn by_table(&self) -> IdSlice<'_, TableId, CountTable> {
        IdSlice::new(&self.tables)
    }
}

/// The lists of a table.
pub(crate) trait TypedTable {
    /// The true counts of the inner cells.
    fn by_inner(&self) -> IdSlice<'_, InnerCell, u64>;

    /// The dimensions.
    fn by_dimension(&self) -> IdSlice<'_, DimensionId, Hierarchy>;

    /// Where the dimension of a name stands.
    fn place_of(&self, name: &str) -> Option<DimensionId> {
        let mut dimensions = self.by_dimension().enumerate();
        let found = dimensions.find(|(_, dimension)| dimension.name() == name);
        found.map(|(place, _)| place)
    }

    /// The cell that each inner cell is; ascending.
    fn cells_of_inner(&self) -> IdVec<InnerCell, TableCell>;

    /// The cells, ascending.
    fn cells(&self) -> impl Iterator<Item = TableCell> + use<Self>;

    /// The node that a cell takes in every dimension.
    fn nodes(&self, cell: TableCell) -> IdVec<DimensionId, NodeId>;

    /// The cell with these nodes.
    fn cell_at(&self, nodes: &IdVec<DimensionId, NodeId>) -> TableCell;
}

impl TypedTable for CountTable {
    fn by_inner(&self) -> IdSlice<'_, InnerCell, u64> {
        IdSlice::new(self.inner())
    }

    fn by_dimension(&self) -> IdSlice<'_, DimensionId, Hierarchy> {
        IdSlice::new(self.dimensions())
    }

    fn cells_of_inner(&self) -> IdVec<InnerCell, TableCell> {
        self.inner_cells().into_iter().map(TableCell).collect()
    }

    fn cells(&self) -> impl Iterator<Item = TableCell> + use<> {
        (0..self.cell_count()).map(TableCell)
    }

    fn nodes(&self, cell: TableCell) -> IdVec<DimensionId, NodeId> {
        self.coordinates(cell.0).into()
    }

    fn cell_at(&self, nodes: &IdVec<DimensionId, NodeId>) -> TableCell {
        TableCell(self.cell(nodes.as_slice()))
    }
}

/// The list of a pattern.
pub(crate) trait TypedPattern {
    /// For each cell, whether it is withheld.
    fn by_cell(&self) -> IdSlice<'_, TableCell, bool>;
}

impl TypedPattern for Pattern {
    fn by_cell(&self) -> IdSlice<'_, TableCell, bool> {
        IdSlice::new(&self.withheld)
    }
}
