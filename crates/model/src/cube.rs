//! Tables of counts: dimensions with hierarchies, inner cells, margins, the policy, the pattern of
//! withheld cells. `disclosure` and `attack` share these words and nothing else.
//!
//! A table is a *cube*: one [`Hierarchy`] a dimension. An *inner cell* is a choice of one leaf in
//! every dimension; a *cell* is a choice of one node (leaf, subtotal or total) in every dimension,
//! and counts all inner cells below it. Cells and inner cells are numbered row-major: the last
//! dimension varies fastest.

use serde::{Deserialize, Serialize};

/// One dimension: a forest of nodes. A node's parent stands before it; a leaf has no children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    name: String,
    codes: Vec<String>,
    parents: Vec<Option<usize>>,
    leaves: Vec<usize>,
}

/// Why a hierarchy or table cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CubeError {
    /// A node names a parent that does not stand before it.
    #[error("dimension {dimension}: node {node} stands before its parent")]
    ParentOrder {
        /// The dimension's name.
        dimension: String,
        /// The node's number.
        node: usize,
    },
    /// Two nodes have the same code.
    #[error("dimension {dimension}: two nodes have the same code")]
    DuplicateCode {
        /// The dimension's name.
        dimension: String,
    },
    /// A dimension without nodes, or a table without dimensions.
    #[error("a table needs at least one dimension, and a dimension at least one node")]
    Empty,
    /// The inner counts do not fill the table.
    #[error("the table has {expected} inner cells, but {got} counts were given")]
    Counts {
        /// Inner cells of the cube.
        expected: usize,
        /// Counts given.
        got: usize,
    },
    /// The cells cannot be numbered.
    #[error("the table has too many cells to number")]
    TooLarge,
}

impl Hierarchy {
    /// Builds a dimension from `(code, parent)` pairs.
    pub fn new(
        name: impl Into<String>,
        nodes: Vec<(String, Option<usize>)>,
    ) -> Result<Self, CubeError> {
        let name = name.into();
        if nodes.is_empty() {
            return Err(CubeError::Empty);
        }
        let mut has_children = vec![false; nodes.len()];
        for (node, (_, parent)) in nodes.iter().enumerate() {
            if let Some(parent) = *parent {
                if parent >= node {
                    return Err(CubeError::ParentOrder { dimension: name, node });
                }
                has_children[parent] = true;
            }
        }
        let (codes, parents): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
        let distinct: std::collections::HashSet<&String> = codes.iter().collect();
        if distinct.len() != codes.len() {
            return Err(CubeError::DuplicateCode { dimension: name });
        }
        let leaves = (0..codes.len()).filter(|&node| !has_children[node]).collect();
        Ok(Self { name, codes, parents, leaves })
    }

    /// A dimension of plain categories under one total.
    pub fn flat(
        name: impl Into<String>,
        total: impl Into<String>,
        categories: impl IntoIterator<Item = String>,
    ) -> Result<Self, CubeError> {
        let nodes = std::iter::once((total.into(), None))
            .chain(categories.into_iter().map(|code| (code, Some(0))))
            .collect();
        Self::new(name, nodes)
    }

    /// The dimension's name. Tables of one universe that name the same dimension are linked by it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of nodes: leaves, subtotals and totals.
    pub fn node_count(&self) -> usize {
        self.codes.len()
    }

    /// A node's code.
    pub fn code(&self, node: usize) -> &str {
        &self.codes[node]
    }

    /// A node's parent.
    pub fn parent(&self, node: usize) -> Option<usize> {
        self.parents[node]
    }

    /// The leaves' node numbers, ascending. A leaf's place here is its ordinal.
    pub fn leaves(&self) -> &[usize] {
        &self.leaves
    }

    /// The nodes without a parent.
    pub fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.codes.len()).filter(|&node| self.parents[node].is_none())
    }

    /// Whether a node stands at or below another.
    pub fn is_within(&self, mut node: usize, ancestor: usize) -> bool {
        loop {
            if node == ancestor {
                return true;
            }
            match self.parents[node] {
                Some(parent) => node = parent,
                None => return false,
            }
        }
    }
}

/// A table of counts of children: its dimensions and the count of every inner cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountTable {
    name: String,
    dimensions: Vec<Hierarchy>,
    inner: Vec<u64>,
    sensitive: Vec<Sensitive>,
    published: Option<Pattern>,
}

/// A dimension whose categories must not be learnt about a whole group (*class disclosure*).
///
/// A group is one node in every other dimension. Where a listed category holds `c > 0` of the
/// group's `n` children and `n − c` is below the threshold, the group discloses the category; the
/// published numbers must then leave `n − c ≥ threshold` possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sensitive {
    /// The dimension's place in the table.
    pub dimension: usize,
    /// The sensitive nodes. Never a root that has children.
    pub categories: Vec<usize>,
}

impl CountTable {
    /// Builds a table; `inner` is row-major over the leaves' ordinals.
    pub fn new(
        name: impl Into<String>,
        dimensions: Vec<Hierarchy>,
        inner: Vec<u64>,
        sensitive: Vec<Sensitive>,
    ) -> Result<Self, CubeError> {
        if dimensions.is_empty() {
            return Err(CubeError::Empty);
        }
        let product = |size: fn(&Hierarchy) -> usize| {
            dimensions
                .iter()
                .try_fold(1usize, |product, dimension| product.checked_mul(size(dimension)))
                .ok_or(CubeError::TooLarge)
        };
        product(Hierarchy::node_count)?;
        let expected = product(|dimension| dimension.leaves().len())?;
        if inner.len() != expected {
            return Err(CubeError::Counts { expected, got: inner.len() });
        }
        Ok(Self { name: name.into(), dimensions, inner, sensitive, published: None })
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dimensions.
    pub fn dimensions(&self) -> &[Hierarchy] {
        &self.dimensions
    }

    /// The counts of the inner cells.
    pub fn inner(&self) -> &[u64] {
        &self.inner
    }

    /// The sensitive dimensions.
    pub fn sensitive(&self) -> &[Sensitive] {
        &self.sensitive
    }

    /// Says that the table was published before with this pattern: nothing in it can be withheld or
    /// shown any more, and what it shows counts against other tables.
    pub fn published_before(mut self, pattern: Pattern) -> Result<Self, CubeError> {
        let (expected, got) = (self.cell_count(), pattern.withheld.len());
        if expected != got {
            return Err(CubeError::Counts { expected, got });
        }
        self.published = Some(pattern);
        Ok(self)
    }

    /// The pattern with which it was published before, if it was.
    pub fn standing(&self) -> Option<&Pattern> {
        self.published.as_ref()
    }

    /// Every cell's count, by cell number.
    pub fn cell_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.cell_count()];
        for (mut place, &count) in self.inner.iter().enumerate() {
            let mut cells = vec![0];
            let mut stride = 1;
            for dimension in self.dimensions.iter().rev() {
                let leaf = dimension.leaves[place % dimension.leaves.len()];
                place /= dimension.leaves.len();
                let above = std::iter::successors(Some(leaf), |&node| dimension.parent(node));
                let above: Vec<usize> = above.map(|node| node * stride).collect();
                cells = cells
                    .iter()
                    .flat_map(|cell| above.iter().map(move |offset| cell + offset))
                    .collect();
                stride *= dimension.node_count();
            }
            cells.into_iter().for_each(|cell| counts[cell] += count);
        }
        counts
    }

    /// Number of cells: inner cells and all margins.
    pub fn cell_count(&self) -> usize {
        self.dimensions.iter().map(Hierarchy::node_count).product()
    }

    /// The node that a cell takes in every dimension.
    pub fn coordinates(&self, mut cell: usize) -> Vec<usize> {
        let mut nodes = vec![0; self.dimensions.len()];
        for (node, dimension) in nodes.iter_mut().zip(&self.dimensions).rev() {
            *node = cell % dimension.node_count();
            cell /= dimension.node_count();
        }
        nodes
    }

    /// The number of the cell with these nodes.
    pub fn cell(&self, nodes: &[usize]) -> usize {
        self.dimensions
            .iter()
            .zip(nodes)
            .fold(0, |cell, (dimension, node)| cell * dimension.node_count() + node)
    }
}

/// Tables over one universe (same children, same filter), solved and attacked jointly.
///
/// Two tables that both name a dimension agree on it: same leaves, in the same order. For every
/// combination of leaves of all the dimensions that two tables share, their counts are equal, and
/// the attacker knows it. The tables must be *acyclic* (see `aggregator`), so that tables which agree
/// pairwise are margins of one joint table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSet {
    /// The tables.
    pub tables: Vec<CountTable>,
    /// The published policy.
    pub policy: Policy,
}

/// What is published with the tables: the attacker knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Counts from 1 to `threshold − 1` are withheld.
    pub threshold: u64,
    /// Whether a zero may be withheld.
    pub zeros: Zeros,
}

/// What becomes of a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zeros {
    /// Every zero is published, so a withheld cell is at least 1.
    Published,
    /// A zero is published unless it is needed as cover, so a withheld cell may be 0.
    MayBeWithheld,
}

impl Zeros {
    /// The least that a withheld inner cell can be.
    pub fn least_withheld(self) -> u64 {
        match self {
            Self::Published => 1,
            Self::MayBeWithheld => 0,
        }
    }
}

/// What it costs to withhold a cell besides the one that every cell costs: where there is a choice, the
/// cheaper cells go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// Added for a margin: more keeps totals.
    pub margin: f64,
    /// Times the logarithm of the count more one: more keeps large cells.
    pub size: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self { margin: 0.3, size: 0.1 }
    }
}

/// Which cells of one table are withheld, by cell number. Says nothing about why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// One entry a cell.
    pub withheld: Vec<bool>,
}

/// Other inner counts than the true ones. One that obeys the policy and contradicts no published number
/// shows what an attacker cannot rule out: it is a *certificate*, checked by adding up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct World {
    /// Each inner cell that differs: its table's place in the set, its own number among the inner
    /// cells, its count. In ascending order, each once.
    pub counts: Vec<(usize, usize, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> CountTable {
        let ward = Hierarchy::new(
            "ward",
            vec![
                ("T".into(), None),
                ("north".into(), Some(0)),
                ("w1".into(), Some(1)),
                ("w2".into(), Some(1)),
                ("w3".into(), Some(0)),
            ],
        )
        .unwrap();
        let sex = Hierarchy::flat("sex", "T", ["F".into(), "M".into()]).unwrap();
        CountTable::new("t", vec![ward, sex], vec![1; 6], vec![]).unwrap()
    }

    #[test]
    fn leaves_have_no_children() {
        let table = table();
        assert_eq!(table.dimensions()[0].leaves(), [2, 3, 4]);
        assert!(table.dimensions()[0].is_within(2, 1));
        assert!(!table.dimensions()[0].is_within(4, 1));
    }

    #[test]
    fn cells_are_numbered_row_major() {
        let table = table();
        for cell in 0..table.cell_count() {
            assert_eq!(table.cell(&table.coordinates(cell)), cell);
        }
        assert_eq!(table.coordinates(1), [0, 1]);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        assert!(Hierarchy::new("d", vec![("a".into(), Some(0))]).is_err());
        assert!(Hierarchy::flat("d", "T", ["T".into()]).is_err());
        assert!(CountTable::new("t", vec![], vec![], vec![]).is_err());
    }
}
