//! Tables that divide by one column with its categories in another order.

use crate::{
    hierarchy::Hierarchy,
    ids::NodeId,
    table::{CountTable, Pattern, ProtectionLevel, Sensitive, Tie},
    table_error::TableError,
};

impl CountTable {
    /// The same table, with the leaves of each dimension in the order in which the first of these with the same ones has them.
    /// Other dimensions stay as they are.
    ///
    /// # Errors
    /// As [`CountTable::new`]: never, for a table that was built.
    pub fn in_order_of(self, known: &[Hierarchy]) -> Result<Self, TableError> {
        let ordered = |own: &Hierarchy| {
            let other = known.iter().find(|of| own.has_leaves_of(of));
            other.and_then(|other| own.in_leaf_order_of(other))
        };
        let found: Vec<Option<Hierarchy>> = self.dimensions.iter().map(ordered).collect();
        if found.iter().all(Option::is_none) {
            return Ok(self);
        }
        let dimensions: Vec<Hierarchy> = { found.into_iter().zip(&self.dimensions) }
            .map(|(new, own)| new.unwrap_or_else(|| own.clone()))
            .collect();
        // The codes of a dimension are distinct.
        let node_of = |dimension: usize, node: NodeId| {
            dimensions[dimension].node(self.dimensions[dimension].code(node)).unwrap_or_default()
        };
        let size = self.inner.len();
        let mut shape = Self::new(self.name.clone(), dimensions.clone(), vec![0; size], vec![])?;
        let cell_of = |cell: usize| {
            let nodes = self.coordinates(cell).into_iter().enumerate();
            shape.cell(&nodes.map(|(dimension, node)| node_of(dimension, node)).collect::<Vec<_>>())
        };
        let inner_of_cell: std::collections::HashMap<usize, usize> =
            shape.inner_cells().into_iter().zip(0..).collect();
        let inner_of: Vec<usize> =
            self.inner_cells().into_iter().map(|cell| inner_of_cell[&cell_of(cell)]).collect();
        let mut inner = vec![0; size];
        inner_of.iter().zip(&self.inner).for_each(|(&of, count)| inner[of] = *count);
        let sensitive = self.sensitive.iter().map(|of| Sensitive {
            dimension: of.dimension,
            categories: of.categories.iter().map(|&node| node_of(of.dimension, node)).collect(),
        });
        let levels = self
            .protection_levels
            .iter()
            .map(|level| ProtectionLevel { cell: cell_of(level.cell), ..*level });
        let forced = self.forced_published.iter().map(|&cell| cell_of(cell));
        let (levels, forced) = (levels.collect(), forced.collect());
        let ties = self.ties.iter().map(|tie| {
            let (own, new) = (&self.dimensions[tie.dimension], &dimensions[tie.dimension]);
            let before = |leaf: &NodeId| own.node(new.code(*leaf)).and_then(|of| own.ordinal(of));
            let class = |leaf: &NodeId| before(leaf).map_or(0, |leaf| tie.class(leaf));
            Tie { class_of: new.leaves().iter().map(class).collect(), ..tie.clone() }
        });
        let ties = ties.collect();
        let known_zeros = self.known_zeros.iter().map(|&zero| inner_of[zero]).collect();
        let published = self.published.as_ref().map(|pattern| {
            let mut withheld = vec![false; pattern.withheld.len()];
            let cells = pattern.withheld.iter().enumerate();
            cells.for_each(|(cell, hidden)| withheld[cell_of(cell)] = *hidden);
            Pattern { withheld }
        });
        let sensitive = sensitive.collect();
        shape.inner = inner;
        let table = Self { sensitive, zeros: self.zeros, published, ..shape };
        table
            .with_protection_levels(levels)?
            .with_forced_published(forced)?
            .tied(ties)?
            .knowing_zeros(known_zeros)
    }
}
