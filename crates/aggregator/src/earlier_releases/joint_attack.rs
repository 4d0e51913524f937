//! The numbers of one kind that overlapping releases show, how many children or a column added up, as they stand beside
//! each other (`minster_attack::verify_joint`).

use std::collections::{BTreeMap, BTreeSet};

use minster_attack::{self as attack, Refusal, ReleasableSet, verify_joint, who_counts};
use minster_model::{
    ColumnName, NodeId,
    policy::Policy,
    table::{CountTable, Hierarchy, Pattern},
};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::{
        entry::learn,
        met_selections::MetSelections,
        population_counts::{CountBy, CountsBySelection, PopulationCounts},
        release_group::{Group, ShownTables},
        selection::Selection,
    },
    error::AggregateError,
    protect::sums,
    refusal::{ReleaseRefusal, TogetherWouldShow},
};

/// Several groups of releases that show a kind of number, the new one last.
pub(crate) struct JointReleases {
    releases: Vec<Release>,
    policy: Policy,
    /// The policy that the new one obeys.
    own: Policy,
    /// The columns that not all of them choose by alike.
    chosen: String,
}

struct Release {
    /// None for the new one.
    name: Option<String>,
    tables: Vec<CountTable>,
    patterns: Vec<Pattern>,
    /// The children of all releases by the columns that this one shares, and last by who counts them.
    all: CountTable,
    /// The children whom each of the releases counts: nodes of that last dimension.
    who: Vec<NodeId>,
}

impl JointReleases {
    /// How many children they count.
    pub(crate) fn of_counts(
        groups: &[&Group<'_>],
        selections: &[Selection],
        policy: Policy,
        population: &PopulationCounts<'_>,
    ) -> Result<Self, AggregateError> {
        let shown: Vec<&ShownTables> = groups.iter().map(|group| &group.counts).collect();
        let own = groups.last().and_then(|group| group.definitions.first());
        let own = own.map_or(policy, |definition| definition.policy());
        Self::new(groups, &shown, [policy, own], |shared| {
            shared.count(groups, selections, population)
        })
    }

    /// A column added up, by the new release's rules.
    pub(crate) fn of_sums(
        groups: &[&Group<'_>],
        column: &ColumnName,
        selections: &[Selection],
        definition: &Definition,
        population: &PopulationCounts<'_>,
    ) -> Result<Self, AggregateError> {
        let shown: Vec<&ShownTables> =
            groups.iter().filter_map(|group| group.sums.get(column)).collect();
        Self::new(groups, &shown, [sums::policy(); 2], |shared| {
            let counted = shared.count(groups, selections, population)?;
            let by = shared.by(selections);
            let leaf = |met: &MetSelections| counted.leaf_of.get(met).copied();
            let summed = population.sum(by, column, definition, &counted.table, leaf)?;
            let table = sums::of_others(definition, column, &counted.table, &summed)?;
            Ok(Counted { table, ..counted })
        })
    }

    fn new(
        groups: &[&Group<'_>],
        shown: &[&ShownTables],
        [policy, own]: [Policy; 2],
        mut all: impl FnMut(&Shared<'_>) -> Result<Counted, AggregateError>,
    ) -> Result<Self, AggregateError> {
        let mut releases = Vec::new();
        for (place, (group, of)) in groups.iter().zip(shown).enumerate() {
            let Counted { table: all, who, .. } = all(&Shared::new(groups, shown, place)?)?;
            let (tables, patterns) = (of.tables.clone(), of.patterns.clone());
            releases.push(Release { name: group.name.clone(), tables, patterns, all, who });
        }
        // Each definition has its categories in an order of its own; the new one's is everyone's.
        let mut known = Vec::new();
        for release in releases.iter().rev() {
            learn(&mut known, release.all.dimensions().split_last().map_or(&[], |(_, of)| of));
            release.tables.iter().for_each(|table| learn(&mut known, table.dimensions()));
        }
        for release in &mut releases {
            release.all = release.all.clone().in_order_of(&known)?;
        }
        let selections = groups.iter().flat_map(|group| &group.selections);
        let differing = selections
            .filter(|selection| !groups.iter().all(|of| of.selections.contains(selection)));
        let chosen: BTreeSet<&str> = differing.map(Selection::column).collect();
        let chosen = chosen.into_iter().collect::<Vec<_>>().join(" and ");
        Ok(Self { releases, policy, own, chosen })
    }

    /// The new release's tables, keeping all that they share with others.
    pub(crate) fn force_shared(&self, tables: &mut [CountTable]) -> Result<(), AggregateError> {
        let Some(new) = self.releases.last() else { return Ok(()) };
        let shared = shared_of(&new.all);
        let published = new.tables.iter().zip(&new.patterns);
        let mut published =
            published.filter_map(|(table, pattern)| Some((margin(table, &shared)?, pattern)));
        if published.any(|(cells, pattern)| cells.iter().all(|&cell| !pattern.withheld[cell])) {
            return Ok(());
        }
        let divided = tables.iter_mut().find_map(|table| {
            let cells = margin(table, &shared)?;
            Some((table, cells))
        });
        let Some((table, cells)) = divided else {
            return Err(self.not_shown(self.releases.len() - 1));
        };
        let counts = table.cell_counts();
        let is_withheld = |cell: &usize| {
            let is_unsafe_by_rule =
                table.protection_levels().iter().any(|level| level.cell == *cell);
            is_unsafe_by_rule || self.own.is_small(counts[*cell])
        };
        if cells.iter().any(is_withheld) {
            return Err(self.not_shown(self.releases.len() - 1));
        }
        let forced_published = table.forced_published().iter().copied().chain(cells).collect();
        *table = table.clone().with_forced_published(forced_published)?;
        Ok(())
    }

    /// Attacks the new release, with what stands of the same children, as it stands beside the others.
    pub(crate) fn verify(&self, new: &ReleasableSet) -> Result<(), AggregateError> {
        let last = self.releases.len() - 1;
        let releases: Vec<attack::JointRelease<'_>> = self
            .releases
            .iter()
            .enumerate()
            .map(|(place, of)| {
                let (tables, patterns) = match place == last {
                    true => (new.tables(), new.patterns()),
                    false => (of.tables.as_slice(), of.patterns.as_slice()),
                };
                attack::JointRelease { tables, patterns, all: of.all.clone(), own: of.who[place] }
            })
            .collect();
        verify_joint(self.policy, &releases).map_err(|refusal| match refusal {
            Refusal::SharedWithheld { release } => self.not_shown(release),
            Refusal::Unprotected(failures) => {
                self.refused(TogetherWouldShow::SmallNumbers(failures.len()))
            }
            refusal => self.refused(TogetherWouldShow::Attack(refusal)),
        })
    }

    /// Whether of all whom one release counts in some number that it shares, another counts everyone.
    pub(crate) fn has_everyone_in(&self, one: usize, other: usize) -> bool {
        let Release { all, who, .. } = &self.releases[one];
        let Some(who_counts) = all.dimensions().last() else { return false };
        let is_apart =
            |leaf| who_counts.counts(who[one], leaf) && !who_counts.counts(who[other], leaf);
        let is_so = |node: &NodeId| {
            let mut leaves = who_counts.leaves().iter();
            leaves.all(|&leaf| who_counts.counts(*node, leaf) == is_apart(leaf))
        };
        // Without such a node there is nobody whom the one counts alone.
        let apart = who_counts.nodes().find(is_so);
        let counts = all.cell_counts();
        (0..counts.len()).filter(|&cell| counts[cell] > 0).any(|cell| {
            let mut nodes = all.coordinates(cell);
            let last = nodes.len() - 1;
            let is_own = std::mem::replace(&mut nodes[last], apart.unwrap_or_default()) == who[one];
            is_own && (apart.is_none() || counts[all.cell(&nodes)] == 0)
        })
    }

    fn not_shown(&self, release: usize) -> AggregateError {
        let Release { name, all, .. } = &self.releases[release];
        let shared: Vec<&str> = shared_of(all).iter().map(|of| of.name()).collect();
        let shared = if shared.is_empty() { "all children".into() } else { shared.join(" and ") };
        let which = called(name.as_deref());
        self.refused(TogetherWouldShow::Hidden { release: which, shared })
    }

    fn refused(&self, why: TogetherWouldShow) -> AggregateError {
        let (releases, column) = (self.names(), self.chosen.clone());
        ReleaseRefusal::OtherChildren { releases, why, column }.into()
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.releases.iter().filter_map(|of| of.name.as_deref()).collect();
        format!("the release {}", names.join(" and "))
    }
}

/// A release in a message: the new one has no name.
pub(crate) fn called(name: Option<&str>) -> String {
    name.map_or_else(|| "this one".into(), |name| format!("the release {name}"))
}

/// The part that one of several groups shares with the others.
struct Shared<'a> {
    /// One of its definitions, which divides as its own tables do.
    definition: &'a Definition,
    /// The columns.
    columns: Vec<&'a str>,
    name: String,
}

/// All children by shared columns, and last by who counts them.
struct Counted {
    table: CountTable,
    /// The children whom each group counts: nodes of the last dimension.
    who: Vec<NodeId>,
    /// The leaf of it for the selections that a child meets, where a group counts them.
    leaf_of: BTreeMap<MetSelections, usize>,
}

impl<'a> Shared<'a> {
    fn new(
        groups: &[&'a Group<'_>],
        shown: &[&'a ShownTables],
        place: usize,
    ) -> Result<Self, AggregateError> {
        let group = groups[place];
        let others = shown.iter().enumerate().filter(|(of, _)| *of != place);
        let mut known: BTreeSet<&str> =
            others.flat_map(|(_, other)| other.divides.iter().map(String::as_str)).collect();
        known.extend(groups.iter().flat_map(|group| group.chooses()));
        let of = shown[place];
        let told: BTreeSet<&str> = of.divides.union(&of.flags).map(String::as_str).collect();
        let columns: Vec<&str> = told.into_iter().filter(|column| known.contains(column)).collect();
        let divides = |definition: &&&Definition| {
            let dimensions = |column: &&str| {
                definition.dimensions.iter().any(|dimension| dimension.column.as_str() == *column)
            };
            columns.iter().all(dimensions)
        };
        let Some(definition) = group.definitions.iter().find(divides) else {
            let columns = columns.into_iter().map(str::to_owned).collect();
            return Err(ReleaseRefusal::DividedApart { columns }.into());
        };
        let name = group.name.clone().unwrap_or_else(|| definition.name.to_string());
        Ok(Self { definition, columns, name })
    }

    fn by<'b>(&'b self, selections: &'b [Selection]) -> CountBy<'b> {
        CountBy { definition: self.definition, columns: &self.columns, selections }
    }

    fn count(
        &self,
        groups: &[&Group<'_>],
        selections: &[Selection],
        population: &PopulationCounts<'_>,
    ) -> Result<Counted, AggregateError> {
        let CountsBySelection { hierarchies, counts } = population.count(self.by(selections))?;
        let chosen_by: Vec<Vec<usize>> =
            groups.iter().map(|group| group.chosen_by(selections)).collect();
        let mut leaves: Vec<Vec<bool>> = Vec::new();
        let mut known: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        let mut of_leaves: Vec<Vec<u64>> = Vec::new();
        let mut leaf_of = BTreeMap::new();
        for (met, counts) in counts {
            let who: Vec<bool> = chosen_by.iter().map(|places| met.all(places)).collect();
            if !who.contains(&true) {
                continue;
            }
            let leaf = *known.entry(who).or_insert_with_key(|who| {
                leaves.push(who.clone());
                of_leaves.push(vec![0; counts.len()]);
                leaves.len() - 1
            });
            of_leaves[leaf].iter_mut().zip(counts).for_each(|(of, count)| *of += count);
            leaf_of.insert(met, leaf);
        }
        let (dimension, who) = who_counts(&leaves)?;
        let size: usize = hierarchies.iter().map(|of| of.leaves().len()).product();
        let inner = (0..size).flat_map(|cell| of_leaves.iter().map(move |counts| counts[cell]));
        let inner = inner.collect();
        let dimensions = hierarchies.into_iter().chain([dimension]).collect();
        let table = CountTable::new(self.name.as_str(), dimensions, inner, vec![])?;
        Ok(Counted { table, who, leaf_of })
    }
}

/// The dimensions of a table of all children but the last.
fn shared_of(all: &CountTable) -> Vec<&Hierarchy> {
    let dimensions = all.dimensions();
    dimensions[..dimensions.len() - 1].iter().collect()
}

/// A table's cells by some columns together; none where it does not divide by all of them.
fn margin(table: &CountTable, shared: &[&Hierarchy]) -> Option<Vec<usize>> {
    let is_shared = |own: &Hierarchy| shared.iter().any(|of| of.name() == own.name());
    if table.dimensions().iter().filter(|own| is_shared(own)).count() < shared.len() {
        return None;
    }
    let is_margin = |cell: &usize| {
        let nodes = table.coordinates(*cell);
        let mut nodes = table.dimensions().iter().zip(nodes);
        nodes.all(|(own, node)| match is_shared(own) {
            true => own.leaves().binary_search(&node).is_ok(),
            false => own.roots().any(|root| root == node),
        })
    };
    Some((0..table.cell_count()).filter(is_margin).collect())
}
