//! Tables of counts: dimensions with hierarchies, inner cells, margins, the pattern of withheld
//! cells. `disclosure` and `attack` share these words and nothing else.
//!
//! A table has one [`Hierarchy`] a dimension. An *inner cell* is a choice of one leaf in
//! every dimension; a *cell* is a choice of one node (leaf, subtotal or total) in every dimension,
//! and counts all inner cells below it. Cells and inner cells are numbered row-major: the last
//! dimension varies fastest.

mod order;

use serde::{Deserialize, Serialize};

pub use crate::{
    hierarchy::{Grouping, Hierarchy},
    table_error::TableError,
};
use crate::{
    ids::{LeafId, NodeId},
    policy::{Policy, Zeros},
};

/// A table of counts of children: its dimensions and the count of every inner cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountTable {
    name: String,
    dimensions: Vec<Hierarchy>,
    inner: Vec<u64>,
    sensitive: Vec<Sensitive>,
    #[serde(default, rename = "guarded")]
    protection_levels: Vec<ProtectionLevel>,
    #[serde(default, rename = "kept")]
    forced_published: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ties: Vec<Tie>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known_zeros: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zeros: Option<Zeros>,
    published: Option<Pattern>,
}

/// A division of children that follows from a dimension, and from other dimensions as well.
///
/// Ages 0 to 9, and the age groups 0-4 and 5-9: each age is of one group. The tie of the two has two
/// classes. Every child is in one class of a tie, the same one for every dimension that has it, in every
/// table of a set. So tables by age and by group agree on the classes, though they share no dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tie {
    /// Its name: ties of one name are one division.
    pub name: String,
    /// The dimension's place in the table.
    pub dimension: usize,
    /// The class of each leaf, by the leaf's ordinal. A leaf that nobody has is in one of its own.
    pub class_of: Vec<usize>,
}

impl Tie {
    /// The class of a leaf.
    pub fn class(&self, leaf: LeafId) -> usize {
        self.class_of[leaf.0]
    }
}

/// The protection level of a cell that is unsafe by rule, and so withheld whatever it counts: one that a definition
/// never publishes, or a sum that a few contributors dominate.
///
/// The published numbers must leave it possible that it is less by `lower` (or the least that the policy
/// allows, where that is more), and that it is more by `upper`. The two are sdcTable's `LPL` and `UPL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProtectionLevel {
    /// The cell's number.
    pub cell: usize,
    /// How much less it must be able to be.
    #[serde(rename = "down")]
    pub lower: u64,
    /// How much more it must be able to be.
    #[serde(rename = "up")]
    pub upper: u64,
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
    pub categories: Vec<NodeId>,
}

impl CountTable {
    /// Builds a table; `inner` is row-major over the leaves' ordinals.
    pub fn new(
        name: impl Into<String>,
        dimensions: Vec<Hierarchy>,
        inner: Vec<u64>,
        sensitive: Vec<Sensitive>,
    ) -> Result<Self, TableError> {
        if dimensions.is_empty() {
            return Err(TableError::Empty);
        }
        let product = |size: fn(&Hierarchy) -> usize| {
            dimensions
                .iter()
                .try_fold(1usize, |product, dimension| product.checked_mul(size(dimension)))
                .ok_or(TableError::TooLarge)
        };
        product(Hierarchy::node_count)?;
        let expected = product(|dimension| dimension.leaves().len())?;
        if inner.len() != expected {
            return Err(TableError::Counts { expected, got: inner.len() });
        }
        let (protection_levels, forced_published, ties, known_zeros) = Default::default();
        Ok(Self {
            name: name.into(),
            dimensions,
            inner,
            sensitive,
            protection_levels,
            forced_published,
            ties,
            known_zeros,
            zeros: None,
            published: None,
        })
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

    /// Says which cells are withheld whatever they count. Each is a cell of the table; where one is named
    /// twice, the larger protection levels count.
    pub fn with_protection_levels(
        mut self,
        mut protection_levels: Vec<ProtectionLevel>,
    ) -> Result<Self, TableError> {
        protection_levels.sort_unstable();
        protection_levels.dedup_by(|next, first| {
            let same = next.cell == first.cell;
            if same {
                (first.lower, first.upper) =
                    (first.lower.max(next.lower), first.upper.max(next.upper));
            }
            same
        });
        if protection_levels.iter().any(|level| level.cell >= self.cell_count()) {
            return Err(TableError::NoSuchCell { table: self.name });
        }
        self.protection_levels = protection_levels;
        Ok(self)
    }

    /// Says which cells are published whatever comes: they are never withheld for the sake of others, and
    /// where one would have to be for its own sake, the table is refused.
    pub fn with_forced_published(
        mut self,
        mut forced_published: Vec<usize>,
    ) -> Result<Self, TableError> {
        forced_published.sort_unstable();
        forced_published.dedup();
        if forced_published.iter().any(|&cell| cell >= self.cell_count()) {
            return Err(TableError::NoSuchCell { table: self.name });
        }
        self.forced_published = forced_published;
        Ok(self)
    }

    /// The cells that are withheld whatever they count, in the order of their numbers.
    pub fn protection_levels(&self) -> &[ProtectionLevel] {
        &self.protection_levels
    }

    /// The cells that are published whatever comes, ascending.
    pub fn forced_published(&self) -> &[usize] {
        &self.forced_published
    }

    /// Says which divisions follow from its dimensions and from those of other tables too. Inner cells of which two
    /// dimensions name two classes of one tie are known to count nobody.
    pub fn tied(mut self, ties: Vec<Tie>) -> Result<Self, TableError> {
        let fits = |tie: &Tie| {
            let dimension = self.dimensions.get(tie.dimension);
            dimension.is_some_and(|of| of.leaves().len() == tie.class_of.len())
        };
        if !ties.iter().all(fits) {
            return Err(TableError::Tie { table: self.name });
        }
        self.ties = ties;
        let contradicts = |inner: &usize| {
            let mut classes = std::collections::BTreeMap::new();
            let mut of_ties = self.ties.iter().map(|tie| (&tie.name, self.class(tie, *inner)));
            of_ties.any(|(name, class)| *classes.entry(name).or_insert(class) != class)
        };
        let contradicting = (0..self.inner.len()).filter(contradicts).collect();
        self.knowing_zeros(contradicting)
    }

    /// Says which inner cells everyone knows to count nobody, beside those that it has: nobody who is counted can be
    /// there.
    pub fn knowing_zeros(mut self, zeros: Vec<usize>) -> Result<Self, TableError> {
        if zeros.iter().any(|&inner| self.inner.get(inner) != Some(&0)) {
            return Err(TableError::KnownZero { table: self.name });
        }
        self.known_zeros.extend(zeros);
        self.known_zeros.sort_unstable();
        self.known_zeros.dedup();
        Ok(self)
    }

    /// Says that its zeros are treated otherwise than the set's policy has it.
    pub fn with_zeros(mut self, zeros: Zeros) -> Self {
        self.zeros = Some(zeros);
        self
    }

    /// The policy of a set as it holds for this table.
    pub fn policy(&self, of_set: Policy) -> Policy {
        Policy { zeros: self.zeros.unwrap_or(of_set.zeros), ..of_set }
    }

    /// The divisions that follow from its dimensions and from those of other tables too.
    pub fn ties(&self) -> &[Tie] {
        &self.ties
    }

    /// The class of a tie that an inner cell is in.
    pub fn class(&self, tie: &Tie, inner: usize) -> usize {
        tie.class(self.leaf(tie.dimension, inner))
    }

    /// The leaf, by its ordinal, that an inner cell takes in the dimension at a place.
    pub fn leaf(&self, place: usize, inner: usize) -> LeafId {
        let after = self.dimensions[place + 1..].iter().map(|of| of.leaves().len());
        LeafId(inner / after.product::<usize>() % self.dimensions[place].leaves().len())
    }

    /// The cell number of each inner cell, row-major over the leaves.
    pub fn inner_cells(&self) -> Vec<usize> {
        let mut cells = vec![0];
        for dimension in &self.dimensions {
            let nodes = dimension.node_count();
            cells = cells
                .iter()
                .flat_map(|cell| dimension.leaves().iter().map(move |leaf| cell * nodes + leaf.0))
                .collect();
        }
        cells
    }

    /// Whether everyone knows that an inner cell counts nobody.
    pub fn is_known_zero(&self, inner: usize) -> bool {
        self.known_zeros.binary_search(&inner).is_ok()
    }

    /// For each cell, whether everyone knows that it counts nobody: all inner cells below it are known zeros.
    pub fn known_zero_cells(&self) -> Vec<bool> {
        let mut known = vec![!self.known_zeros.is_empty(); self.cell_count()];
        if !self.known_zeros.is_empty() {
            self.add_up(|inner, cells| {
                if !self.is_known_zero(inner) {
                    cells.iter().for_each(|&cell| known[cell] = false);
                }
            });
        }
        known
    }

    /// Says that the table was published before with this pattern: nothing in it can be withheld or
    /// shown any more, and what it shows counts against other tables.
    pub fn published_before(mut self, pattern: Pattern) -> Result<Self, TableError> {
        let (expected, got) = (self.cell_count(), pattern.withheld.len());
        if expected != got {
            return Err(TableError::Counts { expected, got });
        }
        self.published = Some(pattern);
        Ok(self)
    }

    /// The pattern with which it was published before, if it was.
    pub fn published_pattern(&self) -> Option<&Pattern> {
        self.published.as_ref()
    }

    /// The dimension at a place.
    ///
    /// # Panics
    /// Where the table has no such place.
    pub fn dimension(&self, place: usize) -> &Hierarchy {
        &self.dimensions[place]
    }

    /// Every cell's count, by cell number.
    pub fn cell_counts(&self) -> Vec<u64> {
        self.sums(&self.inner)
    }

    /// The sum of each cell, by cell number, from one number for each inner cell.
    pub fn sums(&self, inner: &[u64]) -> Vec<u64> {
        let mut sums = vec![0; self.cell_count()];
        self.add_up(|place, cells| {
            cells.iter().for_each(|&cell| sums[cell] += inner[place]);
        });
        sums
    }

    /// The numbers of all cells that count an inner cell, itself first.
    pub fn cells_above(&self, inner: usize) -> Vec<usize> {
        let (mut cells, mut wider) = (Vec::new(), Vec::new());
        self.climb(inner, &mut cells, &mut wider);
        cells
    }

    /// Whether a cell is an inner one: a leaf in every dimension.
    pub fn is_inner(&self, cell: usize) -> bool {
        let nodes = self.coordinates(cell);
        self.dimensions.iter().zip(nodes).all(|(dimension, node)| dimension.sums(node).is_empty())
    }

    /// How many inner cells a cell counts.
    pub fn inner_cells_below(&self, cell: usize) -> usize {
        let nodes = self.coordinates(cell);
        let leaves =
            self.dimensions.iter().zip(nodes).map(|(of, node)| of.leaves_below(node).len());
        leaves.product()
    }

    /// The dimensions by which a cell is told from its table's total, each with the node that the cell takes there.
    pub fn divided(&self, cell: usize) -> impl Iterator<Item = (&Hierarchy, NodeId)> {
        let nodes = self.dimensions.iter().zip(self.coordinates(cell));
        nodes.filter(|(dimension, node)| !dimension.is_total(*node))
    }

    /// Record keys of the children of each inner cell, added up over every cell modulo 2^64.
    pub fn key_sums(&self, inner: &[u64]) -> Vec<u64> {
        let mut sums = vec![0u64; self.cell_count()];
        self.add_up(|place, cells| {
            cells.iter().for_each(|&cell| sums[cell] = sums[cell].wrapping_add(inner[place]));
        });
        sums
    }

    /// Calls back for every inner cell, in order, with the numbers of all cells that count it.
    pub fn add_up(&self, mut each: impl FnMut(usize, &[usize])) {
        let (mut cells, mut wider) = (Vec::new(), Vec::new());
        for inner in 0..self.inner.len() {
            self.climb(inner, &mut cells, &mut wider);
            each(inner, &cells);
        }
    }

    /// Calls back for every inner cell, in order: its number among the inner cells, its cell, and the margins above it.
    pub fn with_margins(&self, mut each: impl FnMut(usize, usize, &[usize])) {
        self.add_up(|inner, cells| {
            if let Some((&cell, margins)) = cells.split_first() {
                each(inner, cell, margins);
            }
        });
    }

    /// Puts all cells that count an inner cell, itself first, in place of what `cells` held.
    fn climb(&self, inner: usize, cells: &mut Vec<usize>, wider: &mut Vec<usize>) {
        let (mut place, mut stride) = (inner, 1);
        cells.clear();
        cells.push(0);
        for dimension in self.dimensions.iter().rev() {
            let above = dimension.above(LeafId(place % dimension.leaves().len()));
            place /= dimension.leaves().len();
            wider.clear();
            wider.extend(
                cells.iter().flat_map(|cell| above.iter().map(move |node| cell + node.0 * stride)),
            );
            std::mem::swap(cells, wider);
            stride *= dimension.node_count();
        }
    }

    /// Number of cells: inner cells and all margins.
    pub fn cell_count(&self) -> usize {
        self.dimensions.iter().map(Hierarchy::node_count).product()
    }

    /// The node that a cell takes in every dimension.
    pub fn coordinates(&self, mut cell: usize) -> Vec<NodeId> {
        let mut nodes = vec![NodeId(0); self.dimensions.len()];
        for (node, dimension) in nodes.iter_mut().zip(&self.dimensions).rev() {
            *node = NodeId(cell % dimension.node_count());
            cell /= dimension.node_count();
        }
        nodes
    }

    /// The number of the cell with these nodes.
    pub fn cell<N: Copy + Into<NodeId>>(&self, nodes: &[N]) -> usize {
        let nodes = self.dimensions.iter().zip(nodes);
        nodes.fold(0, |cell, (dimension, &node)| cell * dimension.node_count() + node.into().0)
    }
}

/// Tables over one universe (same children, same filter), solved and attacked jointly.
///
/// Two tables that both name a dimension agree on it: same leaves, in the same order
/// ([`CountTable::in_order_of`]). For every
/// combination of leaves of all the dimensions and of classes of all the ties ([`Tie`]) that two tables share, their
/// counts are equal, and the attacker knows it. The tables must be *acyclic* (see `aggregator`), so that tables which agree
/// pairwise are margins of one joint table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSet {
    /// The tables.
    pub tables: Vec<CountTable>,
    /// The published policy.
    pub policy: Policy,
}

impl TableSet {
    /// The name of the dimension whose leaves are respondents, if a table declares one: whoever a leaf is knows
    /// the true counts of all cells with it, in every table that divides by a dimension of this name. There
    /// is one such dimension in a set.
    pub fn respondents(&self) -> Option<&str> {
        let mut dimensions = self.tables.iter().flat_map(CountTable::dimensions);
        dimensions.find(|dimension| dimension.is_of_respondents()).map(Hierarchy::name)
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
pub struct AlternativeTable {
    /// Each inner cell that differs: its table's place in the set, its own number among the inner
    /// cells, its count. In ascending order, each once.
    pub counts: Vec<(usize, usize, u64)>,
}

#[cfg(test)]
mod tests;
