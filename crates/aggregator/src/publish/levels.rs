//! The levels by which the rows of a table are divided. The rows of one level count no child twice.

use std::collections::{BTreeMap, BTreeSet};

use minster_formats::tidy::{BY, TOTAL};
use minster_model::{NodeId, table::Hierarchy};

use crate::{
    definition::release_definition::{Definition, Dimension, Level},
    publish::public_table::PublicTable,
};

/// The level of each node of a dimension; none of a total.
pub(crate) struct Levels(Vec<Option<String>>);

impl Levels {
    /// A node's level.
    pub(crate) fn of(&self, node: NodeId) -> Option<&str> {
        self.0.get(node.0)?.as_deref()
    }
}

/// The levels by which a row with these nodes is divided.
pub(crate) fn of_row(levels: &[Levels], nodes: &[NodeId]) -> String {
    let names: Vec<&str> =
        levels.iter().zip(nodes).filter_map(|(levels, node)| levels.of(*node)).collect();
    match names.is_empty() {
        true => TOTAL.to_owned(),
        false => names.join(BY),
    }
}

/// The levels of a table's dimensions. Two of one name, of two dimensions or of one, are told from each other by the
/// dimension's name and a number.
pub(crate) fn of(definition: &Definition, table: &PublicTable) -> Vec<Levels> {
    let names = &table.definition().dimensions;
    let mut taken = BTreeSet::from([TOTAL.to_owned()]);
    let mut levels = Vec::new();
    for (name, hierarchy) in names.iter().zip(table.dimensions()) {
        let Some(dimension) = definition.dimension(name) else {
            levels.push(Levels(vec![None; hierarchy.node_count()]));
            continue;
        };
        let kinds = kinds(hierarchy);
        let mut called: BTreeMap<Kind, String> = BTreeMap::new();
        for kind in kinds.iter().flatten() {
            called.entry(*kind).or_insert_with(|| {
                let plain = plain(definition, dimension, *kind);
                let mut own = plain.clone();
                let mut number = 1;
                while !taken.insert(own.clone()) {
                    number += 1;
                    own = format!("{plain} of {name} {number}");
                }
                own
            });
        }
        let of_node = |kind: &Option<Kind>| kind.and_then(|kind| called.get(&kind).cloned());
        levels.push(Levels(kinds.iter().map(of_node).collect()));
    }
    levels
}

/// The kind of a node that is no total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A category.
    Category,
    /// A group of a level, the lowest one first.
    Level(usize),
    /// A group of a grouping.
    Grouping(usize),
}

pub(super) fn kinds(hierarchy: &Hierarchy) -> Vec<Option<Kind>> {
    let mut kinds: Vec<Option<Kind>> = vec![None; hierarchy.node_count()];
    // Parents stand before their children, and so are looked at after them.
    let mut height = vec![0; hierarchy.node_count()];
    let nodes: Vec<NodeId> = hierarchy.nodes().collect();
    for &node in nodes.iter().rev() {
        if let Some(parent) = hierarchy.parent(node) {
            height[parent.0] = height[parent.0].max(height[node.0] + 1);
            kinds[node.0] = Some(match height[node.0] {
                0 => Kind::Category,
                height => Kind::Level(height - 1),
            });
        }
    }
    for root in hierarchy.roots() {
        for (at, groups) in hierarchy.sums(root).iter().skip(1).enumerate() {
            groups.iter().for_each(|group| kinds[group.0] = Some(Kind::Grouping(at)));
        }
    }
    kinds
}

fn plain(definition: &Definition, dimension: &Dimension, kind: Kind) -> String {
    let name = &dimension.name;
    let number = definition.dimensions.iter().position(|of| of.name == *name).unwrap_or_default();
    let level = match kind {
        Kind::Category => return name.to_string(),
        Kind::Level(at) => dimension.placed_levels(number).into_iter().nth(at),
        Kind::Grouping(at) => dimension.placed_groupings(number).into_iter().nth(at),
    };
    let Some((Level { name: own, lookup, column, .. }, _)) = level else {
        return format!("groups of {name}");
    };
    // `lookup` of a dimension gives its level the look-up's name: `ward_locality` leads from a ward to its locality.
    let of_lookup = lookup.map(|lookup| match lookup.strip_prefix(&format!("{name}_")) {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => lookup,
    });
    let is_short = dimension.lookup.as_ref() == Some(&own);
    let own = Some(own).filter(|own| !own.is_empty() && !is_short);
    own.or(of_lookup)
        .or(column.map(|column| column.to_string()))
        .unwrap_or_else(|| format!("groups of {name}"))
        .replace(BY, " in ")
}

#[cfg(test)]
mod tests {
    use minster_model::table::Grouping;

    use super::*;

    #[test]
    fn categories_levels_and_groupings_are_told_apart() {
        let nodes = [
            ("All", None),
            ("north", Some(0)),
            ("hill", Some(1)),
            ("w1", Some(2)),
            ("w2", Some(2)),
            ("Unknown", Some(0)),
        ];
        let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec();
        let hierarchy = Hierarchy::new("ward", nodes).unwrap();
        let codes = vec!["c1".to_owned(), "c2".to_owned()];
        let grouping = Grouping { codes, group_of: vec![0, 1, 1] };
        let hierarchy = hierarchy.grouped(grouping).unwrap();
        let expected = [
            None,
            Some(Kind::Level(1)),
            Some(Kind::Level(0)),
            Some(Kind::Category),
            Some(Kind::Category),
            Some(Kind::Category),
            Some(Kind::Grouping(0)),
            Some(Kind::Grouping(0)),
        ];
        assert_eq!(kinds(&hierarchy), expected);
    }
}
