//! Sensitive categories, and the groups that they could be learnt about.

use minster_model::{
    NodeId,
    table::{CountTable, Hierarchy},
};

use crate::shared::typed::{DimensionId, TableCell, TypedTable};

/// A sensitive category within a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Category {
    /// The cell that counts the whole group.
    pub(crate) group: TableCell,
    /// The cell that counts those of the group who are in the category.
    pub(crate) inside: TableCell,
}

/// Each group, and the cell in it of each sensitive category.
pub(crate) fn categories(table: &CountTable) -> Vec<Category> {
    let mut categories = Vec::new();
    for sensitive in table.sensitive() {
        let place = DimensionId(sensitive.dimension);
        let dimension = table.by_dimension().at(place);
        for inside in table.cells() {
            let mut nodes = table.nodes(inside);
            let category = nodes[place];
            if sensitive.categories.contains(&category) {
                // To be outside the category is to be anywhere else under the total, not beside it in one subtotal alone.
                nodes[place] = total_of(dimension, category);
                categories.push(Category { group: table.cell_at(&nodes), inside });
            }
        }
    }
    categories
}

/// The node without a parent that a node is below; itself, if it has none.
fn total_of(dimension: &Hierarchy, mut node: NodeId) -> NodeId {
    while let Some(parent) = dimension.parent(node) {
        node = parent;
    }
    node
}
