//! Releases about different children, where it is known that some of one are among those of another.
//!
//! Two releases are *related* where a condition of one is on a column that the other divides or chooses by, or where
//! everyone in the data is counted by one of the two; others through these. Releases that are not related say nothing
//! together: every child of one could be none of the other's. Related ones must show all that they share, and the
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
        condition::Test,
        entry::Entry,
        joint_attack::{Beside, called},
        population_counts::{By, Everyone},
        release_group::{Group, Stands},
    },
    error::AggregateError,
    tabulate::tables::Tabulated,
};

/// The releases that a new one is related to.
pub(crate) struct Related<'a> {
    /// The new one last.
    groups: Vec<Group<'a>>,
    counts: Beside,
    sums: BTreeMap<ColumnName, Beside>,
}

impl<'a> Related<'a> {
    /// The related ones among `others`; none where there are none. `same` are about the same children as the new
    /// release `definition`, whose tables are in `own`.
    pub(crate) fn new(
        definition: &'a Definition,
        own: &Tabulated,
        same: Vec<Stands<'a>>,
        others: Vec<Stands<'a>>,
        everyone: &Everyone<'_>,
    ) -> Result<Option<Self>, AggregateError> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut children = Vec::new();
        for stands in others.into_iter().filter(|(entry, _)| entry.children.is_anyone()) {
            let entry = stands.0;
            let at = children.iter().position(|of| *of == entry.children).unwrap_or_else(|| {
                children.push(entry.children);
                let name = format!("{} of {}", entry.definition.name, entry.period);
                groups.push(Group { name: Some(name), ..Group::default() });
                groups.len() - 1
            });
            groups[at].add_standing(stands);
        }
        if groups.is_empty() || !own.children.is_anyone() {
            return Ok(None);
        }
        groups.push(new(definition, own, same));
        let mut tests: Vec<Test> = Vec::new();
        for test in groups.iter().flat_map(|group| &group.tests) {
            if !tests.contains(test) {
                tests.push(test.clone());
            }
        }
        if tests.len() > u64::BITS as usize {
            return Err(AggregateError::Refused(
                "the releases of the period choose their children by too many conditions to compare them; release fewer".into(),
            ));
        }
        let met = everyone.count(By { definition, columns: &[], tests: &tests })?;
        let met: Vec<u64> = met.counts.into_keys().collect();
        let groups = related(groups, &tests, &met);
        let Some((new, others)) = groups.split_last().filter(|(_, others)| !others.is_empty())
        else {
            return Ok(None);
        };
        let policy =
            policy(groups.iter().flat_map(|group| &group.definitions), definition.policy());
        let all: Vec<&Group<'_>> = groups.iter().collect();
        let counts = Beside::of_counts(&all, &tests, policy, everyone)?;
        let mut sums = BTreeMap::new();
        for column in new.sums.keys() {
            let others = others.iter().filter(|group| group.sums.contains_key(column));
            let all: Vec<&Group<'_>> = others.chain([new]).collect();
            if all.len() > 1 {
                sums.insert(
                    column.clone(),
                    Beside::of_sums(&all, column, &tests, definition, everyone)?,
                );
            }
        }
        let related = Self { groups, counts, sums };
        related.everyone_is_not_sensitive()?;
        Ok(Some(related))
    }

    /// The new release's tables, keeping all that they share with others.
    pub(crate) fn keeping(&self, tables: &mut [CountTable]) -> Result<(), AggregateError> {
        self.counts.keeping(tables)
    }

    /// Attacks the new release as it stands beside the related ones.
    pub(crate) fn verify(&self, new: &ReleasableSet) -> Result<(), AggregateError> {
        self.counts.verify(new)
    }

    /// How the sums of a column stand beside those of related releases, where there are any.
    pub(crate) fn sums(&self, column: &ColumnName) -> Option<&Beside> {
        self.sums.get(column)
    }

    /// Whether a release that stands is one of the related ones.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let definitions = self.groups.iter().flat_map(|group| &group.definitions);
        { definitions }.any(|of| std::ptr::eq(*of, &entry.definition))
    }

    /// Refuses where some number of one release is as large as another's, who are some of these, and so tells of
    /// everyone whom it counts what the other chooses by.
    fn everyone_is_not_sensitive(&self) -> Result<(), AggregateError> {
        for (place, one) in self.groups.iter().enumerate() {
            for (at, other) in self.groups.iter().enumerate() {
                let chosen = other.tests.iter().filter(|test| !one.tests.contains(test));
                let Some(test) = { chosen }.find(|test| self.is_sensitive(test)) else { continue };
                if self.counts.has_everyone_in(place, at) {
                    return Err(AggregateError::Refused(format!(
                        "{} and {} would show together that everyone of some group meets a condition on {}, which is sensitive; use coarser categories, or divide by {} in one release instead",
                        called(one.name.as_deref()),
                        called(other.name.as_deref()),
                        test.column(),
                        test.column()
                    )));
                }
            }
        }
        Ok(())
    }

    fn is_sensitive(&self, test: &Test) -> bool {
        self.groups.iter().any(|group| {
            let listed = |definition: &&Definition| {
                let lists = definition.tables.iter().flat_map(|table| &table.sensitive);
                { lists }.any(|SensitiveCategories { dimension, categories }| {
                    definition.dimension(dimension).is_some_and(|of| test.chooses(of, categories))
                })
            };
            group.sensitive.contains(test) || group.definitions.iter().any(listed)
        })
    }
}

/// The new release, with those that stand about the same children.
fn new<'a>(definition: &'a Definition, own: &Tabulated, same: Vec<Stands<'a>>) -> Group<'a> {
    let mut new = Group::default();
    new.add(definition);
    for (table, measured) in own.set.tables.iter().zip(&own.measured) {
        let columns = || table.dimensions().iter().map(|of| of.name().to_owned());
        new.counts.divides.extend(columns());
        for column in measured.sums.keys() {
            new.sums.entry(column.clone()).or_default().divides.extend(columns());
        }
    }
    same.into_iter().for_each(|stands| new.add_standing(stands));
    new
}

/// The groups that are related to the last, itself last.
fn related<'a>(groups: Vec<Group<'a>>, tests: &[Test], met: &[u64]) -> Vec<Group<'a>> {
    // A test that all of them ask alike tells none from another: everyone else is no one's.
    let is_common = |test: &Test| groups.iter().all(|group| group.tests.contains(test));
    let common: Vec<usize> = (0..tests.len()).filter(|&at| is_common(&tests[at])).collect();
    let is_anyones = |met: &&u64| common.iter().all(|at| *met >> at & 1 == 1);
    let met: Vec<u64> = met.iter().filter(is_anyones).copied().collect();
    let chooses = |group: &Group<'_>| -> BTreeSet<String> {
        let own = group.tests.iter().filter(|test| !is_common(test));
        own.map(|test| test.column().to_owned()).collect()
    };
    let touches = |one: &Group<'_>, other: &Group<'_>| {
        let (chooses, other_chooses) = (chooses(one), chooses(other));
        chooses
            .iter()
            .any(|column| other.counts.divides.contains(column) || other_chooses.contains(column))
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
            let members = || groups.iter().zip(&of).filter(|(_, of)| **of == family);
            met.iter().all(|&met| members().any(|(group, _)| group.counts(tests, met)))
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
