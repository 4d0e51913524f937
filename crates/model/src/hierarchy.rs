use serde::{Deserialize, Serialize};

use crate::{
    ids::{LeafId, NodeId},
    table_error::TableError,
};

/// One dimension: a forest of nodes, and groupings of the same leaves that overlap with it (wards in
/// localities, and the same wards in constituencies). A node's parent stands before it; a leaf has no
/// children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Hierarchy {
    parts: Parts,
    leaves: Vec<NodeId>,
    /// For each node, the leaves that it counts, ascending.
    below: Vec<Vec<NodeId>>,
    /// For each leaf, by its ordinal, the nodes that count it, itself first.
    above: Vec<Vec<NodeId>>,
    /// For each node, the ways in which it is the sum of others.
    sums: Vec<Vec<Vec<NodeId>>>,
}

/// The definition of a hierarchy; all else about it follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    name: String,
    codes: Vec<String>,
    parents: Vec<Option<usize>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groupings: Vec<Grouping>,
    /// Whether each leaf is someone who holds records.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    holders: bool,
}

/// Another division of a dimension's leaves than its tree: each leaf is in one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grouping {
    /// The groups' codes.
    pub codes: Vec<String>,
    /// The group of each leaf, by the leaf's ordinal.
    pub group_of: Vec<usize>,
}

impl Hierarchy {
    /// Builds a dimension from `(code, parent)` pairs.
    pub fn new(
        name: impl Into<String>,
        nodes: Vec<(String, Option<usize>)>,
    ) -> Result<Self, TableError> {
        let (codes, parents) = nodes.into_iter().unzip();
        Parts { name: name.into(), codes, parents, groupings: Vec::new(), holders: false }
            .try_into()
    }

    /// The same dimension with another division of its leaves beside the tree. Its groups are nodes that
    /// come after all others.
    pub fn grouped(self, grouping: Grouping) -> Result<Self, TableError> {
        self.with_groupings([grouping])
    }

    /// The same dimension with several other divisions of its leaves: each is worked out once, where one after the other
    /// would work all out anew.
    pub fn with_groupings(
        self,
        groupings: impl IntoIterator<Item = Grouping>,
    ) -> Result<Self, TableError> {
        let mut parts = self.parts;
        parts.groupings.extend(groupings);
        parts.try_into()
    }

    /// A dimension of plain categories under one total.
    pub fn flat(
        name: impl Into<String>,
        total: impl Into<String>,
        categories: impl IntoIterator<Item = String>,
    ) -> Result<Self, TableError> {
        let nodes = std::iter::once((total.into(), None))
            .chain(categories.into_iter().map(|code| (code, Some(0))))
            .collect();
        Self::new(name, nodes)
    }

    /// The same dimension, declared as that of the *respondents*: each leaf is someone (a school) who knows the
    /// true counts of their own cells. See [`TableSet::respondents`](crate::table::TableSet::respondents).
    pub fn of_respondents(mut self) -> Self {
        self.parts.holders = true;
        self
    }

    /// Whether each leaf is declared to be someone who holds records.
    pub fn is_of_respondents(&self) -> bool {
        self.parts.holders
    }

    /// The dimension's name. Tables of one universe that name the same dimension are linked by it.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Whether this divides the same column into the same leaves as another, in whatever order.
    pub fn has_leaves_of(&self, other: &Self) -> bool {
        let is_leaf = |of: &Self, code: &str| {
            of.node(code).is_some_and(|of_code| of.ordinal(of_code).is_some())
        };
        self.name() == other.name()
            && self.leaves.len() == other.leaves.len()
            && other.leaves.iter().all(|&leaf| is_leaf(self, other.code(leaf)))
    }

    /// The same dimension with its leaves in the order of another one. None if that is their order already, or if
    /// the other has other leaves.
    pub fn in_leaf_order_of(&self, other: &Self) -> Option<Self> {
        let leaves = |of: &Self| -> Vec<String> {
            of.leaves.iter().map(|&leaf| of.code(leaf).to_owned()).collect()
        };
        let (own, wanted) = (leaves(self), leaves(other));
        let before = |code: &String| own.iter().position(|of| of == code);
        let before: Vec<usize> = wanted.iter().map(before).collect::<Option<_>>()?;
        if own == wanted || own.len() != wanted.len() {
            return None;
        }
        // Whatever has leaves below comes first, so that each parent comes before its children.
        let has_any = |node: &usize| !self.sums[*node].is_empty();
        let inner = (0..self.parts.codes.len()).filter(has_any);
        let order: Vec<usize> = inner.chain(before.iter().map(|&of| self.leaves[of].0)).collect();
        let place = |node: usize| order.iter().position(|of| *of == node);
        let groupings = self.parts.groupings.iter().map(|grouping| Grouping {
            codes: grouping.codes.clone(),
            group_of: before.iter().map(|&of| grouping.group_of[of]).collect(),
        });
        let parts = Parts {
            name: self.parts.name.clone(),
            codes: order.iter().map(|&node| self.parts.codes[node].clone()).collect(),
            parents: order.iter().map(|&node| self.parts.parents[node].and_then(place)).collect(),
            groupings: groupings.collect(),
            holders: self.parts.holders,
        };
        parts.try_into().ok()
    }

    /// Number of nodes: leaves, subtotals, totals and groups.
    pub fn node_count(&self) -> usize {
        self.below.len()
    }

    /// The nodes, ascending.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.node_count()).map(NodeId)
    }

    /// A node's code.
    pub fn code(&self, node: NodeId) -> &str {
        let parts = &self.parts;
        let groups = parts.groupings.iter().flat_map(|grouping| &grouping.codes);
        parts.codes.iter().chain(groups).nth(node.0).map_or("", String::as_str)
    }

    /// The node with a code.
    pub fn node(&self, code: &str) -> Option<NodeId> {
        self.nodes().find(|&node| self.code(node) == code)
    }

    /// A node's parent in the tree; a group has none.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        self.parts.parents.get(node.0).copied().flatten().map(NodeId)
    }

    /// The leaves, ascending. A leaf's place here is its ordinal.
    pub fn leaves(&self) -> &[NodeId] {
        &self.leaves
    }

    /// The node of a leaf.
    pub fn leaf(&self, leaf: LeafId) -> NodeId {
        self.leaves[leaf.0]
    }

    /// The ordinal of a node that is a leaf.
    pub fn ordinal(&self, node: NodeId) -> Option<LeafId> {
        self.leaves.binary_search(&node).ok().map(LeafId)
    }

    /// The nodes of the tree without a parent.
    pub fn roots(&self) -> impl Iterator<Item = NodeId> + '_ {
        let parents = self.parts.parents.iter().enumerate();
        parents.filter(|(_, parent)| parent.is_none()).map(|(node, _)| NodeId(node))
    }

    /// Whether a node is a total: nothing in the dimension counts more.
    pub fn is_total(&self, node: NodeId) -> bool {
        self.parts.parents.get(node.0).is_some_and(Option::is_none)
    }

    /// The leaves that a node counts, ascending.
    pub fn leaves_below(&self, node: NodeId) -> &[NodeId] {
        &self.below[node.0]
    }

    /// Whether a node counts a leaf.
    pub fn counts(&self, node: NodeId, leaf: NodeId) -> bool {
        self.leaves_below(node).binary_search(&leaf).is_ok()
    }

    /// The nodes that count a leaf, itself first, by the leaf's ordinal.
    pub fn above(&self, leaf: LeafId) -> &[NodeId] {
        &self.above[leaf.0]
    }

    /// The ways in which a node is the sum of others: none for a leaf.
    pub fn sums(&self, node: NodeId) -> &[Vec<NodeId>] {
        &self.sums[node.0]
    }
}

impl TryFrom<Parts> for Hierarchy {
    type Error = TableError;

    fn try_from(parts: Parts) -> Result<Self, TableError> {
        let dimension = || parts.name.clone();
        let tree = parts.codes.len();
        if tree == 0 || parts.parents.len() != tree {
            return Err(TableError::Empty);
        }
        let mut children = vec![Vec::new(); tree];
        for (node, parent) in parts.parents.iter().enumerate() {
            if let Some(parent) = *parent {
                if parent >= node {
                    return Err(TableError::ParentOrder { dimension: dimension(), node });
                }
                children[parent].push(NodeId(node));
            }
        }
        let groups = parts.groupings.iter().flat_map(|grouping| &grouping.codes);
        let mut distinct = std::collections::HashSet::new();
        if !parts.codes.iter().chain(groups).all(|code| distinct.insert(code)) {
            return Err(TableError::DuplicateCode { dimension: dimension() });
        }
        let is_leaf = |(_, children): &(usize, &Vec<NodeId>)| children.is_empty();
        let leaves: Vec<NodeId> =
            children.iter().enumerate().filter(is_leaf).map(|(node, _)| NodeId(node)).collect();
        let parent = |node: &NodeId| parts.parents[node.0].map(NodeId);
        let mut above: Vec<Vec<NodeId>> = leaves
            .iter()
            .map(|&leaf| std::iter::successors(Some(leaf), parent).collect())
            .collect();
        let mut sums: Vec<Vec<Vec<NodeId>>> = children
            .into_iter()
            .map(|children| if children.is_empty() { vec![] } else { vec![children] })
            .collect();
        for grouping in &parts.groupings {
            let first = sums.len();
            let size = grouping.codes.len();
            let fits = grouping.group_of.len() == leaves.len()
                && (0..size).all(|group| grouping.group_of.contains(&group))
                && grouping.group_of.iter().all(|&group| group < size);
            if !fits {
                return Err(TableError::Grouping { dimension: dimension() });
            }
            let mut members = vec![Vec::new(); size];
            for (ordinal, &group) in grouping.group_of.iter().enumerate() {
                members[group].push(leaves[ordinal]);
                above[ordinal].push(NodeId(first + group));
            }
            sums.extend(members.into_iter().map(|members| vec![members]));
            let mut roots = parts.parents.iter().enumerate().filter(|(_, p)| p.is_none());
            if let (Some((root, _)), None) = (roots.next(), roots.next()) {
                sums[root].push((first..first + size).map(NodeId).collect());
            }
        }
        let mut below = vec![Vec::new(); sums.len()];
        for (above, &leaf) in above.iter().zip(&leaves) {
            above.iter().for_each(|&node| below[node.0].push(leaf));
        }
        Ok(Self { parts, leaves, below, above, sums })
    }
}

impl From<Hierarchy> for Parts {
    fn from(hierarchy: Hierarchy) -> Self {
        hierarchy.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::CountTable;

    fn ward() -> Hierarchy {
        let nodes =
            [("T", None), ("north", Some(0)), ("w1", Some(1)), ("w2", Some(1)), ("w3", Some(0))];
        Hierarchy::new("ward", nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec())
            .unwrap()
    }

    #[test]
    fn leaves_have_no_children() {
        let ward = ward();
        assert_eq!(ward.leaves(), [2, 3, 4]);
        assert!(ward.counts(NodeId(1), NodeId(2)));
        assert!(!ward.counts(NodeId(1), NodeId(4)));
    }

    #[test]
    fn leaves_take_the_order_of_another_dimension() {
        let grouping =
            Grouping { codes: vec!["east".into(), "west".into()], group_of: vec![0, 1, 1] };
        let ward = ward().grouped(grouping).unwrap();
        let other =
            |codes: [&str; 3]| Hierarchy::flat("ward", "all", codes.map(str::to_owned)).unwrap();
        let ordered = ward.in_leaf_order_of(&other(["w3", "w1", "w2"])).unwrap();
        let codes = |of: &Hierarchy, nodes: &[NodeId]| -> Vec<String> {
            nodes.iter().map(|&node| of.code(node).to_owned()).collect()
        };
        assert_eq!(codes(&ordered, ordered.leaves()), ["w3", "w1", "w2"]);
        for (node, below) in [("T", 3), ("north", 2), ("east", 1), ("west", 2)] {
            let (before, now) = (ward.node(node).unwrap(), ordered.node(node).unwrap());
            let mut of = [
                codes(&ward, ward.leaves_below(before)),
                codes(&ordered, ordered.leaves_below(now)),
            ];
            of.iter_mut().for_each(|codes| codes.sort());
            assert_eq!((of[0].len(), &of[0]), (below, &of[1]));
        }
        assert_eq!(ward.in_leaf_order_of(&other(["w1", "w2", "w3"])), None);
        assert_eq!(ward.in_leaf_order_of(&other(["w1", "w2", "w4"])), None);
    }

    #[test]
    fn groupings_overlap_with_the_tree() {
        let ward = ward();
        let grouping =
            Grouping { codes: vec!["east".into(), "west".into()], group_of: vec![0, 1, 1] };
        let ward = ward.grouped(grouping.clone()).unwrap();
        assert_eq!(ward.node("west"), Some(NodeId(6)));
        assert_eq!(ward.leaves_below(NodeId(6)), [3, 4]);
        assert_eq!(ward.above(LeafId(1)), [3, 1, 0, 6]);
        assert_eq!(ward.sums(NodeId(0)), [vec![1, 4], vec![5, 6]]);
        let again: Hierarchy = Parts::from(ward.clone()).try_into().unwrap();
        assert_eq!(again, ward);
        assert!(!ward.is_of_respondents() && ward.clone().of_respondents().is_of_respondents());
        let table = CountTable::new("t", vec![ward.clone()], vec![1, 2, 3], vec![]).unwrap();
        assert_eq!(table.cell_counts(), [6, 3, 1, 2, 3, 1, 5]);
        let short = Grouping { group_of: vec![0, 1], ..grouping };
        assert!(ward.grouped(short).is_err());
    }
}
