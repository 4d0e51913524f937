//! Releases about different children, where it is known that some of one are among those of another.
//!
//! Two releases *overlap* where a condition of one is on a column that the other divides or chooses by, or where
//! everyone in the data is counted by one of the two; others through these. Releases that do not overlap say nothing
//! together: every child of one could be none of the other's. Overlapping ones must show all that they share, and the
//! shared numbers together must not give away few (`joint_attack`); nor that everyone of a group has what some of the
//! releases choose by, where that is sensitive.

use std::collections::{BTreeMap, BTreeSet};

use minster_attack::ReleasableSet;
use minster_model::{
    ColumnName,
    policy::{Policy, Zeros},
    table::CountTable,
};

use crate::{
    definition::release_definition::{Definition, SensitiveCategories},
    earlier_releases::{
        entry::Entry,
        joint_attack::{JointReleases, called},
        met_selections::MetSelections,
        population_counts::{CountBy, PopulationCounts},
        release_group::{Group, PublishedRelease},
        selection::Selection,
    },
    error::AggregateError,
    protect::flags,
    refusal::ReleaseRefusal,
    tabulate::{children::Children, tables::Tabulated},
};

/// The releases that a new one overlaps with.
pub(crate) struct Overlap<'a> {
    /// The new one last.
    groups: Vec<Group<'a>>,
    counts: JointReleases,
    sums: BTreeMap<ColumnName, JointReleases>,
}

impl<'a> Overlap<'a> {
    /// The overlapping ones among `others`, each with the children whom it would count now; none where there are none.
    /// `same` are about the same children as the new release `definition`, whose tables are in `own`.
    pub(crate) fn new(
        definition: &'a Definition,
        own: &Tabulated,
        same: Vec<PublishedRelease<'a>>,
        others: Vec<(Children, PublishedRelease<'a>)>,
        population: &PopulationCounts<'_>,
    ) -> Result<Option<Self>, AggregateError> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut children = Vec::new();
        for (now, published) in others.into_iter().filter(|(now, _)| now.is_anyone()) {
            let entry = published.0;
            let at = children.iter().position(|of| *of == now).unwrap_or_else(|| {
                children.push(now);
                let name = format!("{} of {}", entry.definition.name, entry.period);
                groups.push(Group { name: Some(name), ..Group::default() });
                groups.len() - 1
            });
            groups[at].add_published(published);
        }
        if groups.is_empty() || !own.children.is_anyone() {
            return Ok(None);
        }
        groups.push(new(definition, own, same));
        let mut selections: Vec<Selection> = Vec::new();
        for selection in groups.iter().flat_map(|group| &group.selections) {
            if !selections.contains(selection) {
                selections.push(selection.clone());
            }
        }
        let met =
            population.count(CountBy { definition, columns: &[], selections: &selections })?;
        let met: Vec<MetSelections> = met.counts.into_keys().collect();
        let groups = overlapping(groups, &selections, &met);
        let Some((new, others)) = groups.split_last().filter(|(_, others)| !others.is_empty())
        else {
            return Ok(None);
        };
        let policy =
            policy(groups.iter().flat_map(|group| &group.definitions), definition.policy());
        let all: Vec<&Group<'_>> = groups.iter().collect();
        let counts = JointReleases::of_counts(&all, &selections, policy, population)?;
        let mut sums = BTreeMap::new();
        for column in new.sums.keys() {
            let others = others.iter().filter(|group| group.sums.contains_key(column));
            let all: Vec<&Group<'_>> = others.chain([new]).collect();
            if all.len() > 1 {
                sums.insert(
                    column.clone(),
                    JointReleases::of_sums(&all, column, &selections, definition, population)?,
                );
            }
        }
        let overlap = Self { groups, counts, sums };
        overlap.everyone_is_not_sensitive()?;
        Ok(Some(overlap))
    }

    /// The new release's tables, keeping all that they share with others.
    pub(crate) fn force_shared(&self, tables: &mut [CountTable]) -> Result<(), AggregateError> {
        self.counts.force_shared(tables)
    }

    /// Attacks the new release as it stands beside the overlapping ones.
    pub(crate) fn verify(&self, new: &ReleasableSet) -> Result<(), AggregateError> {
        self.counts.verify(new)
    }

    /// How the sums of a column stand beside those of overlapping releases, where there are any.
    pub(crate) fn sums(&self, column: &ColumnName) -> Option<&JointReleases> {
        self.sums.get(column)
    }

    /// Whether a release that stands is one of the overlapping ones.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let definitions = self.groups.iter().flat_map(|group| &group.definitions);
        { definitions }.any(|of| std::ptr::eq(*of, &entry.definition))
    }

    /// Refuses where some number of one release is as large as another's, who are some of these, and so tells of
    /// everyone whom it counts what the other chooses by.
    fn everyone_is_not_sensitive(&self) -> Result<(), AggregateError> {
        for (place, one) in self.groups.iter().enumerate() {
            for (at, other) in self.groups.iter().enumerate() {
                let chosen =
                    other.selections.iter().filter(|selection| !one.selections.contains(selection));
                let Some(selection) = { chosen }.find(|selection| self.is_sensitive(selection))
                else {
                    continue;
                };
                if self.counts.has_everyone_in(place, at) {
                    let (one, other) = (called(one.name.as_deref()), called(other.name.as_deref()));
                    let column = selection.column().to_owned();
                    return Err(ReleaseRefusal::EveryoneMeets { one, other, column }.into());
                }
            }
        }
        Ok(())
    }

    fn is_sensitive(&self, selection: &Selection) -> bool {
        self.groups.iter().any(|group| {
            let listed = |definition: &&Definition| {
                let lists = definition.tables.iter().flat_map(|table| &table.sensitive);
                { lists }.any(|SensitiveCategories { dimension, categories }| {
                    definition
                        .dimension(dimension)
                        .is_some_and(|of| selection.chooses(of, categories))
                })
            };
            group.sensitive.contains(selection) || group.definitions.iter().any(listed)
        })
    }
}

/// The new release, with those that stand about the same children.
fn new<'a>(
    definition: &'a Definition,
    own: &Tabulated,
    same: Vec<PublishedRelease<'a>>,
) -> Group<'a> {
    let mut new = Group::default();
    new.add(definition);
    for table in &own.tables {
        let columns = || table.counts.dimensions().iter().map(|of| of.name().to_owned());
        new.counts.divides.extend(columns());
        for (column, summed) in &table.measured.sums {
            // A sum of zeros and ones counts the children by its column.
            new.counts.flags.extend(flags::is_flag(summed).then(|| column.to_string()));
            new.sums.entry(column.clone()).or_default().divides.extend(columns());
        }
    }
    same.into_iter().for_each(|published| new.add_published(published));
    new
}

/// The groups that overlap with the last, itself last.
fn overlapping<'a>(
    groups: Vec<Group<'a>>,
    selections: &[Selection],
    met: &[MetSelections],
) -> Vec<Group<'a>> {
    // A selection that all of them ask alike tells none from another: everyone else is no one's.
    let is_common =
        |selection: &Selection| groups.iter().all(|group| group.selections.contains(selection));
    let common: Vec<usize> =
        (0..selections.len()).filter(|&at| is_common(&selections[at])).collect();
    let met: Vec<&MetSelections> = met.iter().filter(|met| met.all(&common)).collect();
    let chosen_by: Vec<Vec<usize>> =
        groups.iter().map(|group| group.chosen_by(selections)).collect();
    let chooses = |group: &Group<'_>| -> BTreeSet<String> {
        let own = group.selections.iter().filter(|selection| !is_common(selection));
        own.map(|selection| selection.column().to_owned()).collect()
    };
    let touches = |one: &Group<'_>, other: &Group<'_>| {
        let (chooses, other_chooses) = (chooses(one), chooses(other));
        chooses.iter().any(|column| other.counts.tells(column) || other_chooses.contains(column))
    };
    let mut of: Vec<usize> = (0..groups.len()).collect();
    let join = |of: &mut Vec<usize>, one: usize, other: usize| {
        let (from, to) = (of[one], of[other]);
        of.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
    };
    for one in 0..groups.len() {
        for other in 0..groups.len() {
            if touches(&groups[one], &groups[other]) {
                join(&mut of, one, other);
            }
        }
    }
    // Where each child is counted by some release of a family, no child can be taken to be outside the family.
    loop {
        let is_everyone = |family: usize| {
            let members = || chosen_by.iter().zip(&of).filter(|(_, of)| **of == family);
            met.iter().all(|met| members().any(|(chosen_by, _)| met.all(chosen_by)))
        };
        let families: BTreeSet<usize> = of.iter().copied().collect();
        let wide = families.iter().copied().find(|&family| is_everyone(family));
        let (Some(wide), true) = (wide, families.len() > 1) else { break };
        of.iter_mut().for_each(|of| *of = wide);
    }
    let last = of[of.len() - 1];
    groups.into_iter().zip(of).filter(|(_, of)| *of == last).map(|(group, _)| group).collect()
}

/// The policy that all of them obey.
fn policy<'a>(definitions: impl Iterator<Item = &'a &'a Definition>, own: Policy) -> Policy {
    definitions.map(|definition| definition.policy()).fold(own, |all, of| Policy {
        threshold: all.threshold.min(of.threshold),
        insider: all.insider.max(of.insider),
        zeros: if of.zeros == Zeros::Unsafe { of.zeros } else { all.zeros },
    })
}
