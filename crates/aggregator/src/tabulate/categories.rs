//! A dimension's categories: which they are, how they stand below one another, and which one a value is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::RecordBatch;
use minster_model::{
    ColumnName, NodeId,
    table::{Grouping, Hierarchy, TableError},
};

use crate::{
    definition::{
        location::{Location, did_you_mean, location},
        release_definition::{Definition, Dimension, Level},
    },
    error::AggregateError,
    tabulate::column_values,
};

/// The look-ups of the pipeline that a definition names: category and group, in the file's order.
pub(crate) type Lookups = HashMap<String, Vec<(String, String)>>;

/// The data's word on a dimension's categories, where its definition leaves that to them.
#[derive(Default)]
pub(crate) struct Found {
    categories: BTreeSet<String>,
    /// For each level from a column, then for each such grouping: what stands beside each category, or
    /// beside each group of the level below.
    above: BTreeMap<ColumnName, BTreeMap<String, String>>,
}

/// A dimension's categories, and how a value finds its own.
pub(crate) struct Categories {
    pub(crate) hierarchy: Hierarchy,
    column: ColumnName,
    bands: Vec<i64>,
    labels: Vec<String>,
    /// The ordinal of each leaf.
    ordinals: HashMap<String, u32>,
    unknown: u32,
    /// Whether the categories are those in the data, which no message names.
    is_open: bool,
}

impl Found {
    /// The columns that must be looked through before a dimension can be built.
    pub(crate) fn columns(dimension: &Dimension) -> Vec<&ColumnName> {
        let levels = dimension.levels.iter().chain(&dimension.groupings);
        let mut columns: Vec<&ColumnName> =
            levels.filter_map(|level| level.column.as_ref()).collect();
        if !columns.is_empty() || is_open(dimension) {
            columns.push(&dimension.column);
        }
        columns
    }

    /// Looks through one batch.
    pub(crate) fn add(
        &mut self,
        definition: &Definition,
        number: usize,
        batch: &RecordBatch,
    ) -> Result<(), AggregateError> {
        let dimension = &definition.dimensions[number];
        if Self::columns(dimension).is_empty() {
            return Ok(());
        }
        let leaves = column_values::texts(batch, &dimension.column)?;
        for leaf in leaves.distinct() {
            if !self.categories.contains(leaf) {
                harmless(definition, number, leaf)?;
                self.categories.insert(leaf.to_owned());
            }
        }
        // Levels stand on each other; groupings all stand on the categories.
        let mut below = leaves.clone();
        for level in &dimension.levels {
            if let Some(column) = &level.column {
                let values = column_values::texts(batch, column)?;
                self.stand(definition, number, column, &below, &values)?;
                below = values;
            }
        }
        for column in dimension.groupings.iter().filter_map(|grouping| grouping.column.as_ref()) {
            let values = column_values::texts(batch, column)?;
            self.stand(definition, number, column, &leaves, &values)?;
        }
        Ok(())
    }

    fn stand(
        &mut self,
        definition: &Definition,
        number: usize,
        column: &ColumnName,
        below: &column_values::Texts,
        values: &column_values::Texts,
    ) -> Result<(), AggregateError> {
        let above = self.above.entry(column.clone()).or_default();
        for (category, group) in below.iter().zip(values.iter()) {
            let (Some(category), Some(group)) = (category, group) else { continue };
            match above.get(category) {
                Some(known) if known == group => {}
                Some(_) => {
                    return Err(definition.rule(
                        location!["dimension", number],
                        format!(
                            "the column {column} has two values beside one category of {}; name a look-up instead",
                            definition.dimensions[number].name
                        ),
                    ));
                }
                None => {
                    harmless(definition, number, group)?;
                    above.insert(category.to_owned(), group.to_owned());
                }
            }
        }
        Ok(())
    }
}

/// Refuses a label that comes from the data and may identify someone. It is not repeated.
fn harmless(definition: &Definition, number: usize, label: &str) -> Result<(), AggregateError> {
    if !minster_leakage::may_identify(label) {
        return Ok(());
    }
    let name = &definition.dimensions[number].name;
    Err(definition.rule(
        location!["dimension", number],
        format!(
            "a category of {name} comes from the data and looks like an identifier, an address or a telephone number; \
             nothing is released. List the codes of {name}, or mend what the source's definition keeps"
        ),
    ))
}

/// Whether the categories are those in the data.
pub(crate) fn is_open(dimension: &Dimension) -> bool {
    let listed = dimension.lookup.is_some()
        || dimension.levels.first().is_some_and(|level| level.column.is_none());
    dimension.bands.is_empty() && dimension.codes.is_empty() && !listed
}

impl Categories {
    pub(crate) fn new(
        definition: &Definition,
        number: usize,
        found: &Found,
        lookups: &Lookups,
    ) -> Result<Self, AggregateError> {
        let dimension = &definition.dimensions[number];
        let tops: Vec<Vec<(String, String)>> = dimension
            .placed_levels(number)
            .into_iter()
            .map(|(level, at)| pairs(definition, &level, at, found, lookups))
            .collect::<Result<_, _>>()?;
        let mut categories: Vec<String> = if !dimension.bands.is_empty() {
            dimension.labels.clone()
        } else if !dimension.codes.is_empty() {
            dimension.codes.clone()
        } else if is_open(dimension) {
            found.categories.iter().cloned().collect()
        } else {
            tops.first().into_iter().flatten().map(|(category, _)| category.clone()).collect()
        };
        if !categories.contains(&dimension.unknown) {
            categories.push(dimension.unknown.clone());
        }
        let (nodes, leaves) = tree(&dimension.total, categories, &tops);
        let same_name = |error: TableError| match error {
            TableError::DuplicateCode { dimension } => definition.rule(
                location!["dimension", number],
                format!("two of the categories, groups and totals of {dimension} have one name"),
            ),
            error => error.into(),
        };
        // Tables are linked by what they divide, whatever a definition calls it.
        let mut hierarchy = Hierarchy::new(dimension.column.as_str(), nodes).map_err(same_name)?;
        for (level, at) in dimension.placed_groupings(number) {
            let groups = pairs(definition, &level, at, found, lookups)?;
            let grouping = grouping(&level, &leaves, &groups);
            hierarchy = hierarchy.grouped(grouping).map_err(same_name)?;
        }
        if definition.divides_by_respondents(dimension) {
            hierarchy = hierarchy.of_respondents();
        }
        let ordinals: HashMap<String, u32> = leaves.into_iter().zip(0..).collect();
        let unknown = ordinals.get(&dimension.unknown).copied().unwrap_or_default();
        Ok(Self {
            hierarchy,
            column: dimension.column.clone(),
            bands: dimension.bands.clone(),
            labels: dimension.labels.clone(),
            ordinals,
            unknown,
            is_open: is_open(dimension),
        })
    }

    /// The ordinal of each row's category.
    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Vec<u32>, AggregateError> {
        if self.bands.is_empty() {
            let texts = column_values::texts(batch, &self.column)?;
            return Ok(texts.map_to(self.unknown, |text| self.ordinals.get(text).copied()));
        }
        let band = |number: Option<i64>| {
            let above = self.bands.partition_point(|&lower| number.is_some_and(|n| lower <= n));
            let label = above.checked_sub(1).and_then(|at| self.labels.get(at));
            label.and_then(|label| self.ordinals.get(label)).copied().unwrap_or(self.unknown)
        };
        Ok(column_values::numbers(batch, &self.column)?.into_iter().map(band).collect())
    }

    /// The texts that a category takes, where the definition or a look-up lists them.
    pub(crate) fn listed(&self) -> Option<BTreeSet<&str>> {
        let listed = self.bands.is_empty() && !self.is_open;
        listed.then(|| self.ordinals.keys().map(String::as_str).collect())
    }

    /// Rows with a value that is no number or in no band, where the categories are bands.
    pub(crate) fn in_no_band(&self, batch: &RecordBatch) -> Result<u64, AggregateError> {
        if self.bands.is_empty() {
            return Ok(0);
        }
        let unknown = self.of(batch)?.into_iter().filter(|of| *of == self.unknown).count() as u64;
        Ok(unknown.saturating_sub(column_values::blanks(batch, &self.column)?))
    }

    /// The node with a name, or what to say instead.
    pub(crate) fn node(&self, code: &str) -> Result<NodeId, String> {
        let hierarchy = &self.hierarchy;
        hierarchy.node(code).ok_or_else(|| {
            if self.is_open {
                return "its categories are those in the data".to_owned();
            }
            did_you_mean(code, hierarchy.nodes().map(|node| hierarchy.code(node)))
        })
    }
}

/// Each category (or group of the level below) with the group that it belongs to.
fn pairs(
    definition: &Definition,
    level: &Level,
    at: Location,
    found: &Found,
    lookups: &Lookups,
) -> Result<Vec<(String, String)>, AggregateError> {
    if let Some(name) = &level.lookup {
        return lookups.get(name).cloned().ok_or_else(|| {
            let suggestion = did_you_mean(name, lookups.keys().map(String::as_str));
            definition.rule(at, format!("there is no look-up {name} under [lookups]; {suggestion}"))
        });
    }
    if let Some(column) = &level.column {
        let above = found.above.get(column).into_iter().flatten();
        return Ok(above.map(|(below, above)| (below.clone(), above.clone())).collect());
    }
    let groups = level.groups.iter();
    Ok(groups
        .flat_map(|(group, members)| members.iter().map(move |m| (m.clone(), group.clone())))
        .collect())
}

/// The nodes of a tree, parents first, and its leaves in their order.
fn tree(
    total: &str,
    categories: Vec<String>,
    levels: &[Vec<(String, String)>],
) -> (Vec<(String, Option<usize>)>, Vec<String>) {
    // The names at each level, the categories first, and each one's group a level up.
    let mut names = vec![categories];
    let mut above: Vec<HashMap<&str, &str>> = Vec::new();
    for pairs in levels {
        let group_of: HashMap<&str, &str> =
            pairs.iter().map(|(below, group)| (below.as_str(), group.as_str())).collect();
        let below = &names[names.len() - 1];
        let groups: BTreeSet<&str> =
            below.iter().filter_map(|name| group_of.get(name.as_str()).copied()).collect();
        let groups = groups.into_iter().map(str::to_owned).collect();
        above.push(group_of);
        names.push(groups);
    }
    let (mut nodes, mut leaves) = (vec![(total.to_owned(), None)], Vec::new());
    // Under the total stand groups of the highest level first, then what is in no group.
    for level in (0..names.len()).rev() {
        for name in &names[level] {
            let grouped = above.get(level).is_some_and(|of| of.contains_key(name.as_str()));
            if !grouped {
                descend(level, name, 0, &names, &above, &mut nodes, &mut leaves);
            }
        }
    }
    (nodes, leaves)
}

fn descend(
    level: usize,
    name: &str,
    parent: usize,
    names: &[Vec<String>],
    above: &[HashMap<&str, &str>],
    nodes: &mut Vec<(String, Option<usize>)>,
    leaves: &mut Vec<String>,
) {
    let node = nodes.len();
    nodes.push((name.to_owned(), Some(parent)));
    let Some(below) = level.checked_sub(1) else {
        leaves.push(name.to_owned());
        return;
    };
    for member in names[below].iter().filter(|m| above[below].get(m.as_str()) == Some(&name)) {
        descend(below, member, node, names, above, nodes, leaves);
    }
}

/// A grouping of the leaves; those that it does not name are together in a group of their own.
fn grouping(level: &Level, leaves: &[String], pairs: &[(String, String)]) -> Grouping {
    let group_of: HashMap<&str, &str> =
        pairs.iter().map(|(below, group)| (below.as_str(), group.as_str())).collect();
    let name = [level.lookup.as_deref(), level.column.as_ref().map(ColumnName::as_str)];
    let name = name.into_iter().flatten().next().filter(|_| level.name.is_empty());
    let none = format!("No {}", name.unwrap_or(&level.name));
    let groups: Vec<&str> =
        leaves.iter().map(|leaf| group_of.get(leaf.as_str()).copied().unwrap_or(&none)).collect();
    let mut codes: Vec<&str> = groups.clone();
    codes.sort_unstable();
    codes.dedup();
    let place = |group: &&str| codes.partition_point(|code| code < group);
    Grouping {
        group_of: groups.iter().map(place).collect(),
        codes: codes.iter().map(|&code| code.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(below, above)| (below.to_owned(), above.to_owned())).collect()
    }

    #[test]
    fn levels_stand_on_each_other() {
        let wards = ["w1", "w2", "w3", "?"].map(str::to_owned).to_vec();
        let localities = pairs(&[("w1", "l2"), ("w2", "l1"), ("w3", "l1")]);
        let areas = pairs(&[("l1", "north")]);
        let (nodes, leaves) = tree("all", wards, &[localities, areas]);
        let nodes: Vec<(&str, Option<usize>)> =
            nodes.iter().map(|(code, parent)| (code.as_str(), *parent)).collect();
        let expected = [
            ("all", None),
            ("north", Some(0)),
            ("l1", Some(1)),
            ("w2", Some(2)),
            ("w3", Some(2)),
            ("l2", Some(0)),
            ("w1", Some(5)),
            ("?", Some(0)),
        ];
        assert_eq!(nodes, expected);
        assert_eq!(leaves, ["w2", "w3", "w1", "?"]);
    }

    #[test]
    fn what_a_grouping_does_not_name_is_a_group() {
        let level = Level {
            name: "constituency".into(),
            lookup: Some("x".into()),
            column: None,
            groups: BTreeMap::new(),
        };
        let leaves = ["w1", "w2", "?"].map(str::to_owned);
        let grouping = grouping(&level, &leaves, &pairs(&[("w1", "east"), ("w2", "west")]));
        assert_eq!(grouping.codes, ["No constituency", "east", "west"]);
        assert_eq!(grouping.group_of, [1, 2, 0]);
    }
}
