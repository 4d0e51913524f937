//! Those who hold records: each knows the true counts of their own cells and takes their children out of
//! every number. Tables about everyone else are left, the *remainders*. In these the promise must hold
//! as it does for an outsider, over the worlds that leave the respondent's own cells at the truth.
//!
//! A respondent without a child in a cell sees of it what everyone does: for them a world that leaves their
//! cells alone is enough. For one with children in it, the remainder makes a requirement of its own.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, Pattern, ProtectionLevel, TableSet},
};

use crate::{
    shared::{
        bound::Bound,
        refusal::{Failure, FailureReason},
    },
    suppressed::{
        cell_sums::{CellSum, categories, cell_sums},
        equations::System,
        requirement::{Attackers, Requirement},
        solve::RequiredSum,
    },
};

/// The respondent of each unknown, by the ordinal of their leaf; none where they are not declared or the
/// unknown's table does not divide by them.
pub(crate) fn of_unknowns(set: &TableSet, system: &System) -> Vec<Option<usize>> {
    let places: Vec<Option<usize>> = set.tables.iter().map(|table| place(set, table)).collect();
    let respondent =
        |&(table, inner): &(usize, usize)| Some(set.tables[table].leaf(places[table]?, inner));
    system.unknowns.iter().map(respondent).collect()
}

/// Where in a table the dimension stands whose leaves are the respondents.
fn place(set: &TableSet, table: &CountTable) -> Option<usize> {
    let name = set.respondents()?;
    table.dimensions().iter().position(|dimension| dimension.name() == name)
}

/// A table that divides by the respondents.
pub(crate) struct TableByRespondent<'a> {
    counts: &'a [u64],
    dimension: &'a Hierarchy,
    /// How far apart neighbours along it are numbered.
    stride: usize,
}

impl<'a> TableByRespondent<'a> {
    /// None where respondents are not declared or the table does not divide by them.
    pub(crate) fn new(set: &TableSet, table: &'a CountTable, counts: &'a [u64]) -> Option<Self> {
        let place = place(set, table)?;
        let stride = table.dimensions()[place + 1..].iter().map(Hierarchy::node_count).product();
        Some(Self { counts, dimension: &table.dimensions()[place], stride })
    }

    /// Returns the respondents who have children in a cell, and one who is alone to have any there.
    pub(crate) fn concerned(&self, cell: usize) -> Vec<usize> {
        let alone = self.is_of_one(cell);
        self.respondents(cell)
            .filter(|&respondent| alone || self.own(cell, respondent) > 0)
            .collect()
    }

    /// Returns the respondents who have children of a group outside a category, and one who alone has any inside it.
    pub(crate) fn concerned_by_class(&self, group: usize, inside: usize) -> Vec<usize> {
        let outside = |respondent| self.own(group, respondent) > self.own(inside, respondent);
        let is_concerned =
            |&respondent: &usize| outside(respondent) || self.remainder(inside, respondent) == 0;
        self.respondents(group).filter(is_concerned).collect()
    }

    fn node(&self, cell: usize) -> usize {
        cell / self.stride % self.dimension.node_count()
    }

    /// Whether all that a cell can count is one respondent's.
    fn is_of_one(&self, cell: usize) -> bool {
        self.dimension.leaves_below(self.node(cell)).len() == 1
    }

    /// The respondents whose children a cell counts.
    fn respondents(&self, cell: usize) -> impl Iterator<Item = usize> {
        let leaves = self.dimension.leaves();
        let below = self.dimension.leaves_below(self.node(cell)).iter();
        below.map(|below| leaves.partition_point(|leaf| leaf < below))
    }

    /// How many of a cell's children are a respondent's.
    fn own(&self, cell: usize, respondent: usize) -> u64 {
        let (node, leaf) = (self.node(cell), self.dimension.leaves()[respondent]);
        match self.dimension.counts(node, leaf) {
            true => self.counts[cell - node * self.stride + leaf * self.stride],
            false => 0,
        }
    }

    /// How many of a cell's children are not a respondent's.
    fn remainder(&self, cell: usize, respondent: usize) -> u64 {
        self.counts[cell] - self.own(cell, respondent)
    }

    /// Each cell that counts some of a respondent's children and can count others' too, where these are few.
    fn small_remainders(&self, policy: Policy) -> impl Iterator<Item = (usize, usize)> {
        let cells = (0..self.counts.len()).filter(|&cell| self.counts[cell] > 0);
        let leaves = cells.filter_map(|cell| {
            let leaf = self.node(cell);
            Some((cell - leaf * self.stride, self.dimension.leaves().binary_search(&leaf).ok()?))
        });
        let wider = leaves.flat_map(move |(first, respondent)| {
            let above = self.dimension.above(respondent).iter();
            above.map(move |node| (first + node * self.stride, respondent))
        });
        wider.filter(move |&(cell, respondent)| {
            !self.is_of_one(cell) && policy.is_small(self.remainder(cell, respondent))
        })
    }
}

/// Returns what is published though a respondent who takes their own children out is left with few: seen without an
/// attack.
pub(crate) fn visible(
    set: &TableSet,
    number: usize,
    counts: &[u64],
    pattern: &Pattern,
) -> Vec<Failure> {
    let Some(by_respondent) = TableByRespondent::new(set, &set.tables[number], counts) else {
        return Vec::new();
    };
    let published = by_respondent
        .small_remainders(set.tables[number].policy(set.policy))
        .filter(|&(cell, _)| !pattern.withheld[cell]);
    let cells: BTreeSet<usize> = published.map(|(cell, _)| cell).collect();
    let failure = |cell| Failure { table: number, cell, reason: FailureReason::Respondent };
    cells.into_iter().map(failure).collect()
}

/// The requirements that each respondent makes of the remainders of cells in which they have children.
pub(crate) struct RemainderRequirements<'a> {
    pub(crate) set: &'a TableSet,
    pub(crate) number: usize,
    pub(crate) by_respondent: TableByRespondent<'a>,
    pub(crate) pattern: &'a Pattern,
    pub(crate) system: &'a System,
    pub(crate) respondents: &'a [Option<usize>],
}

impl RemainderRequirements<'_> {
    pub(crate) fn requirements(&self) -> Vec<Requirement> {
        let table = &self.set.tables[self.number];
        let small: Vec<(usize, usize)> = self
            .by_respondent
            .small_remainders(table.policy(self.set.policy))
            .filter(|&(cell, _)| self.pattern.withheld[cell])
            .collect();
        let unsafe_by_rule: Vec<(ProtectionLevel, usize)> = table
            .protection_levels()
            .iter()
            .flat_map(|&level| self.unsafe_by_rule(level))
            .collect();
        let classes: Vec<(usize, usize, usize)> = categories(table)
            .into_iter()
            .flat_map(|(group, inside)| self.classes(group, inside))
            .collect();
        let mut asked = vec![false; table.cell_count()];
        small.iter().for_each(|&(cell, _)| asked[cell] = true);
        unsafe_by_rule.iter().for_each(|(level, _)| asked[level.cell] = true);
        classes.iter().for_each(|&(group, inside, _)| {
            (asked[group], asked[inside]) = (true, true);
        });
        let sums = cell_sums(table, self.number, self.system, &asked);
        let mut requirements = Vec::new();
        for (cell, respondent) in small {
            self.require_small(cell, respondent, &sums, &mut requirements);
        }
        for (level, respondent) in unsafe_by_rule {
            self.require_unsafe_by_rule(level, respondent, &sums, &mut requirements);
        }
        for (group, inside, respondent) in classes {
            self.require_class((group, inside), respondent, &sums, &mut requirements);
        }
        requirements
    }

    /// Returns the respondents who have children in a cell that is unsafe by rule, if it can count others' too. Where
    /// zeros are published, a remainder of nobody is published as such.
    fn unsafe_by_rule(&self, level: ProtectionLevel) -> Vec<(ProtectionLevel, usize)> {
        let cell = level.cell;
        if self.by_respondent.is_of_one(cell) {
            return Vec::new();
        }
        let table = &self.set.tables[self.number];
        let published = table.policy(self.set.policy).zeros == Zeros::Published;
        let concerned = self.by_respondent.concerned(cell).into_iter();
        concerned
            .filter(|&respondent| self.by_respondent.remainder(cell, respondent) > 0 || !published)
            .map(|respondent| (level, respondent))
            .collect()
    }

    /// Returns the respondents who have children outside a category of a group in which others have some, and
    /// few outside it.
    fn classes(&self, group: usize, inside: usize) -> Vec<(usize, usize, usize)> {
        let by_respondent = &self.by_respondent;
        let outside = by_respondent.counts[group] - by_respondent.counts[inside];
        let is_asked = |&respondent: &usize| {
            let own = by_respondent.own(group, respondent) - by_respondent.own(inside, respondent);
            own > 0
                && by_respondent.remainder(inside, respondent) > 0
                && outside - own < self.set.policy.threshold
        };
        by_respondent
            .respondents(group)
            .filter(is_asked)
            .map(|respondent| (group, inside, respondent))
            .collect()
    }

    fn require_small(
        &self,
        cell: usize,
        respondent: usize,
        sums: &BTreeMap<usize, CellSum>,
        requirements: &mut Vec<Requirement>,
    ) {
        let Some(CellSum { unknowns, published }) = self.remainder_of(cell, respondent, sums)
        else {
            return;
        };
        let remainder = self.by_respondent.remainder(cell, respondent) as i64;
        if remainder == 0 && unknowns.is_empty() {
            // Everyone knows that nobody else can be there.
            return;
        }
        let low = published + self.least(&unknowns);
        let threshold = self.set.policy.threshold as i64;
        let high = threshold.max(low + threshold - 1);
        if remainder > low {
            requirements.push(self.requirement(
                cell,
                respondent,
                &unknowns,
                Bound::AtMost(low - published),
            ));
        }
        if remainder < high {
            requirements.push(self.requirement(
                cell,
                respondent,
                &unknowns,
                Bound::AtLeast(high - published),
            ));
        }
    }

    fn require_unsafe_by_rule(
        &self,
        ProtectionLevel { cell, lower, upper }: ProtectionLevel,
        respondent: usize,
        sums: &BTreeMap<usize, CellSum>,
        requirements: &mut Vec<Requirement>,
    ) {
        let Some(CellSum { unknowns, published }) = self.remainder_of(cell, respondent, sums)
        else {
            return;
        };
        let unknown = self.by_respondent.remainder(cell, respondent) as i64 - published;
        let low = self.least(&unknowns).max(unknown - lower as i64);
        if unknown > low {
            requirements.push(self.requirement(cell, respondent, &unknowns, Bound::AtMost(low)));
        }
        if upper > 0 {
            let bound = Bound::AtLeast(unknown + upper as i64);
            requirements.push(self.requirement(cell, respondent, &unknowns, bound));
        }
    }

    fn require_class(
        &self,
        (group, inside): (usize, usize),
        respondent: usize,
        sums: &BTreeMap<usize, CellSum>,
        requirements: &mut Vec<Requirement>,
    ) {
        let (Some(all), Some(within)) = (
            self.remainder_of(group, respondent, sums),
            self.remainder_of(inside, respondent, sums),
        ) else {
            return;
        };
        let is_outside = |unknown: &usize| within.unknowns.binary_search(unknown).is_err();
        let unknowns: Vec<usize> = all.unknowns.into_iter().filter(is_outside).collect();
        let missing = self.set.policy.threshold as i64 - (all.published - within.published);
        requirements.push(self.requirement(inside, respondent, &unknowns, Bound::AtLeast(missing)));
    }

    /// The parts of a cell that are not a respondent's.
    fn remainder_of(
        &self,
        cell: usize,
        respondent: usize,
        sums: &BTreeMap<usize, CellSum>,
    ) -> Option<CellSum> {
        let CellSum { unknowns, published } = sums.get(&cell)?;
        let (own, others): (Vec<usize>, Vec<usize>) =
            unknowns.iter().partition(|&&unknown| self.respondents[unknown] == Some(respondent));
        let own_unknown: i64 = own.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let own_published = self.by_respondent.own(cell, respondent) as i64 - own_unknown;
        Some(CellSum { unknowns: others, published: published - own_published })
    }

    /// The least that some unknowns can be together.
    fn least(&self, unknowns: &[usize]) -> i64 {
        self.system.least_of(unknowns)
    }

    fn requirement(
        &self,
        cell: usize,
        respondent: usize,
        unknowns: &[usize],
        bound: Bound,
    ) -> Requirement {
        let required =
            (!unknowns.is_empty()).then(|| RequiredSum { unknowns: unknowns.to_vec(), bound });
        Requirement {
            table: self.number,
            cell,
            reason: FailureReason::Respondent,
            required,
            small: None,
            attackers: Attackers::Respondent(respondent),
        }
    }
}
