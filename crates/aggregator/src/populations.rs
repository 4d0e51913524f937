//! Releases about different children, where it is known that some of one are among those of another.
//!
//! Two releases are *related* where a condition of one is on a column that the other divides or chooses by, or where
//! everyone in the data is counted by one of the two; others through these. What is not related says nothing
//! together: every child of one could be none of the other's. What is related must show all that it shares, and the
//! shared numbers together must not give away few (`minster_attack::verify_beside`).

use std::collections::BTreeSet;

use minster_attack::{Beside, Refusal, ReleasableSet, verify_beside, who_counts};
use minster_model::cube::{CountTable, CubeError, Hierarchy, Pattern, Policy, Zeros};

use crate::{
    AggregateError, Condition, Definition, Population,
    ledger::Entry,
    tabulate::{self, ByTests, Tabulated},
};

/// What a child must be for a release to count them: one of the release's conditions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// A pupil of the council's schools.
    OnSpine,
    Condition(Condition),
}

impl Test {
    pub(crate) fn column(&self) -> &str {
        match self {
            Self::OnSpine => tabulate::ON_SPINE,
            Self::Condition(condition) => condition.column.as_str(),
        }
    }

    fn of(definition: &Definition) -> Vec<Self> {
        let spine = (definition.population == Population::Spine).then_some(Self::OnSpine);
        let conditions = definition.conditions.iter().cloned().map(Self::Condition);
        spine.into_iter().chain(conditions).collect()
    }
}

/// Releases that count the same children.
#[derive(Default)]
struct Group<'a> {
    /// How it is called in messages; none for the new release.
    name: Option<String>,
    definitions: Vec<&'a Definition>,
    /// Those of all its definitions: whoever meets one's meets every one's.
    tests: Vec<Test>,
    tables: Vec<CountTable>,
    patterns: Vec<Pattern>,
}

impl Group<'_> {
    /// The columns that its tables divide by.
    fn divides(&self) -> BTreeSet<&str> {
        self.tables.iter().flat_map(CountTable::dimensions).map(Hierarchy::name).collect()
    }

    fn chooses(&self) -> BTreeSet<&str> {
        self.tests.iter().map(Test::column).collect()
    }
}

/// The releases that a new one is related to.
pub(crate) struct Related<'a> {
    /// The new one last.
    groups: Vec<Group<'a>>,
    /// For each, the children of all by the columns that it shares and who counts them; and the node of its own.
    all: Vec<(CountTable, usize)>,
    policy: Policy,
}

/// A release that stands, of which the data still say the same, and its tables.
pub(crate) type Stands<'a> = (&'a Entry, Vec<CountTable>);

impl<'a> Related<'a> {
    /// The related ones among `others`; none where there are none. `same` are about the same children as the new
    /// release `definition`, whose tables are in `own`.
    pub(crate) fn new(
        definition: &'a Definition,
        own: &Tabulated,
        same: Vec<Stands<'a>>,
        others: Vec<Stands<'a>>,
        mut count: impl FnMut(&Definition, &[&str], &[Test]) -> Result<ByTests, AggregateError>,
    ) -> Result<Option<Self>, AggregateError> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut children = Vec::new();
        for (entry, tables) in others.into_iter().filter(|(entry, _)| entry.children.is_anyone()) {
            let at = children.iter().position(|of| *of == entry.children).unwrap_or_else(|| {
                children.push(entry.children);
                let name = format!("{} of {}", entry.definition.name, entry.period);
                groups.push(Group { name: Some(name), ..Group::default() });
                groups.len() - 1
            });
            groups[at].add(&entry.definition, tables);
        }
        if groups.is_empty() || !own.children.is_anyone() {
            return Ok(None);
        }
        let mut new = Group::default();
        new.add(definition, own.set.tables.clone());
        for (entry, tables) in same {
            new.add(&entry.definition, tables);
        }
        groups.push(new);
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
        let met: Vec<u64> = count(definition, &[], &tests)?.counts.into_keys().collect();
        let groups = related(groups, &tests, &met);
        if groups.len() < 2 {
            return Ok(None);
        }
        let policy =
            policy(groups.iter().flat_map(|group| &group.definitions), definition.policy());
        let mut all = Vec::new();
        for place in 0..groups.len() {
            all.push(everyone(&groups, place, &tests, &mut count)?);
        }
        Ok(Some(Self { groups, all, policy }))
    }

    /// The new release's tables, keeping all that they share with others.
    pub(crate) fn keeping(&self, tables: &mut [CountTable]) -> Result<(), AggregateError> {
        let (Some(group), Some((all, _))) = (self.groups.last(), self.all.last()) else {
            return Ok(());
        };
        let shared = shared_of(all);
        let divides = |table: &CountTable| margin(table, &shared);
        let stands = group.tables.iter().zip(&group.patterns).skip(tables.len());
        let mut stands = stands.filter_map(|(table, pattern)| Some((divides(table)?, pattern)));
        if stands.any(|(cells, pattern)| cells.iter().all(|&cell| !pattern.withheld[cell])) {
            return Ok(());
        }
        let Some(table) = tables.iter_mut().find(|table| divides(table).is_some()) else {
            return Err(self.not_shown(self.groups.len() - 1));
        };
        let cells = divides(table).unwrap_or_default();
        let counts = table.cell_counts();
        let is_withheld = |cell: &usize| {
            let is_guarded = table.guarded().iter().any(|guarded| guarded.cell == *cell);
            let mut rules = group.definitions.iter().map(|definition| definition.policy());
            is_guarded || rules.any(|rule| rule.is_small(counts[*cell]))
        };
        if cells.iter().any(is_withheld) {
            return Err(self.not_shown(self.groups.len() - 1));
        }
        let kept = table.kept().iter().copied().chain(cells).collect();
        *table = table.clone().keeping(kept)?;
        Ok(())
    }

    /// Attacks the new release as it stands beside the related ones.
    pub(crate) fn verify(&self, new: &ReleasableSet) -> Result<(), AggregateError> {
        let last = self.groups.len() - 1;
        let releases: Vec<Beside<'_>> = self
            .groups
            .iter()
            .zip(&self.all)
            .enumerate()
            .map(|(place, (group, (all, own)))| {
                let (tables, patterns) = match place == last {
                    // What stands of the same children was protected together with it.
                    true => (new.tables(), new.patterns()),
                    false => (group.tables.as_slice(), group.patterns.as_slice()),
                };
                Beside { tables, patterns, all: all.clone(), own: *own }
            })
            .collect();
        verify_beside(self.policy, &releases).map_err(|refusal| match refusal {
            Refusal::SharedWithheld { release } => self.not_shown(release),
            Refusal::Unprotected(failures) => AggregateError::Refused(format!(
                "beside {}, about other children, this one would show {} small numbers of children whom one of them counts and another does not; divide by {} in one release instead",
                self.names(),
                failures.len(),
                self.chosen()
            )),
            refusal => AggregateError::Refused(format!(
                "beside {}, about other children: {refusal}; divide by {} in one release instead",
                self.names(),
                self.chosen()
            )),
        })
    }

    fn not_shown(&self, release: usize) -> AggregateError {
        let shared: Vec<&str> =
            shared_of(&self.all[release].0).iter().map(|of| of.name()).collect();
        let shared = if shared.is_empty() { "all children".into() } else { shared.join(" and ") };
        let which = match &self.groups[release].name {
            Some(name) => format!("the release {name}"),
            None => "this one".into(),
        };
        AggregateError::Refused(format!(
            "beside {}, about other children, {which} would have to show every number by {shared}, and does not: the two together would show what each hides; divide by {} in one release instead",
            self.names(),
            self.chosen()
        ))
    }

    fn names(&self) -> String {
        let names: Vec<&str> =
            self.groups.iter().filter_map(|group| group.name.as_deref()).collect();
        format!("the release {}", names.join(" and "))
    }

    /// The columns that not all of them choose by alike.
    fn chosen(&self) -> String {
        let tests = self.groups.iter().flat_map(|group| &group.tests);
        let differing = tests.filter(|test| !self.groups.iter().all(|of| of.tests.contains(test)));
        let columns: BTreeSet<&str> = differing.map(Test::column).collect();
        columns.into_iter().collect::<Vec<_>>().join(" and ")
    }

    /// Whether a release that stands is one of the related ones.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let definitions = self.groups.iter().flat_map(|group| &group.definitions);
        { definitions }.any(|of| std::ptr::eq(*of, &entry.definition))
    }
}

impl<'a> Group<'a> {
    /// A definition, and its tables: as they were published, where they were.
    fn add(&mut self, definition: &'a Definition, tables: Vec<CountTable>) {
        self.definitions.push(definition);
        for test in Test::of(definition) {
            if !self.tests.contains(&test) {
                self.tests.push(test);
            }
        }
        for table in tables {
            let shown = || Pattern { withheld: vec![false; table.cell_count()] };
            self.patterns.push(table.standing().cloned().unwrap_or_else(shown));
            self.tables.push(table);
        }
    }
}

/// Whether a group counts whoever meets these tests (a bit each).
fn counts(group: &Group<'_>, tests: &[Test], met: u64) -> bool {
    let place = |test: &Test| tests.iter().position(|of| of == test);
    group.tests.iter().filter_map(place).all(|place| met >> place & 1 == 1)
}

/// The groups that are related to the last, itself last.
fn related<'a>(groups: Vec<Group<'a>>, tests: &[Test], met: &[u64]) -> Vec<Group<'a>> {
    // What all of them ask alike tells none from another: everyone else is no one's.
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
        let divides = other.divides();
        chooses
            .iter()
            .any(|column| divides.contains(column.as_str()) || other_chooses.contains(column))
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
    // Of whom everyone is counted by one of some, no one can be taken to be none of theirs.
    loop {
        let is_everyone = |family: usize| {
            let members = || groups.iter().zip(&of).filter(|(_, of)| **of == family);
            met.iter().all(|&met| members().any(|(group, _)| counts(group, tests, met)))
        };
        let families: BTreeSet<usize> = of.iter().copied().collect();
        let wide = families.iter().copied().find(|&family| is_everyone(family));
        let (Some(wide), true) = (wide, families.len() > 1) else { break };
        of.iter_mut().for_each(|of| *of = wide);
    }
    let last = of[of.len() - 1];
    groups.into_iter().zip(of).filter(|(_, of)| *of == last).map(|(group, _)| group).collect()
}

/// What all of them obey.
fn policy<'a>(definitions: impl Iterator<Item = &'a &'a Definition>, own: Policy) -> Policy {
    definitions.map(|definition| definition.policy()).fold(own, |all, of| Policy {
        threshold: all.threshold.min(of.threshold),
        insider: all.insider.max(of.insider),
        zeros: if of.zeros == Zeros::Unsafe { of.zeros } else { all.zeros },
    })
}

/// The children of all groups by what one of them shares and by who counts them; and whom it counts itself.
fn everyone(
    groups: &[Group<'_>],
    place: usize,
    tests: &[Test],
    mut count: impl FnMut(&Definition, &[&str], &[Test]) -> Result<ByTests, AggregateError>,
) -> Result<(CountTable, usize), AggregateError> {
    let group = &groups[place];
    let others = groups.iter().enumerate().filter(|(of, _)| *of != place);
    let mut known: BTreeSet<&str> = others.flat_map(|(_, other)| other.divides()).collect();
    known.extend(groups.iter().flat_map(Group::chooses));
    let shared: Vec<&str> = group.divides().intersection(&known).copied().collect();
    // Divided as its own tables divide.
    let divides = |definition: &&&Definition| {
        let dimensions = |column: &&str| {
            definition.dimensions.iter().any(|dimension| dimension.column.as_str() == *column)
        };
        shared.iter().all(dimensions)
    };
    let Some(definition) = group.definitions.iter().find(divides) else {
        return Err(AggregateError::Refused(format!(
            "releases about the same children divide by {} apart, and others are about other children; use one release",
            shared.join(" and ")
        )));
    };
    let ByTests { hierarchies, counts: found } = count(definition, &shared, tests)?;
    let who = |met: u64| groups.iter().map(|of| counts(of, tests, met)).collect::<Vec<bool>>();
    let anyone = found.into_iter().map(|(met, counts)| (who(met), counts));
    let leaves: Vec<(Vec<bool>, Vec<u64>)> =
        anyone.filter(|(who, _)| who.contains(&true)).collect();
    let counted: Vec<Vec<bool>> = leaves.iter().map(|(who, _)| who.clone()).collect();
    let (who, nodes) = who_counts(&counted)?;
    let size: usize = hierarchies.iter().map(|of| of.leaves().len()).product();
    let inner = (0..size).flat_map(|cell| leaves.iter().map(move |(_, counts)| counts[cell]));
    let name = group.name.clone().unwrap_or_else(|| definition.name.to_string());
    let inner = inner.collect();
    let dimensions = hierarchies.into_iter().chain([who]).collect();
    let table = CountTable::new(name, dimensions, inner, vec![])?;
    Ok((table, *nodes.get(place).ok_or(CubeError::Empty)?))
}

/// The dimensions of [`everyone`] but the last.
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
