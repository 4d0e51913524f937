//! Those who hold records: each knows the true counts of their own cells and takes their children out of
//! every number. Tables about everyone else are left, the *rests*. In these the promise must hold
//! as it does for an outsider, over the worlds that leave the holder's own cells at the truth.
//!
//! A holder without a child in a cell sees of it what everyone does: for them a world that leaves their
//! cells alone is enough. For one with children in it, the rest makes a demand of its own.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Guarded, Hierarchy, Pattern, TableSet},
};

use crate::{
    shared::{
        bound::Bound,
        refusal::{Failure, FailureReason},
    },
    suppressed::{
        equations::System,
        parts::{Parts, categories, parts},
        requirement::{Target, Whom},
        solve::Demand,
    },
};

/// The holder of each unknown, by the ordinal of their leaf; none where they are not declared or the
/// unknown's table does not divide by them.
pub(crate) fn of_unknowns(set: &TableSet, system: &System) -> Vec<Option<usize>> {
    let places: Vec<Option<usize>> = set.tables.iter().map(|table| place(set, table)).collect();
    let holder = |&(table, inner): &(usize, usize)| {
        let (place, dimensions) = (places[table]?, set.tables[table].dimensions());
        let after: usize = dimensions[place + 1..].iter().map(|d| d.leaves().len()).product();
        Some(inner / after % dimensions[place].leaves().len())
    };
    system.unknowns.iter().map(holder).collect()
}

/// Where in a table the dimension stands whose leaves are the holders.
fn place(set: &TableSet, table: &CountTable) -> Option<usize> {
    let name = set.holders()?;
    table.dimensions().iter().position(|dimension| dimension.name() == name)
}

/// A table that divides by the holders.
pub(crate) struct Held<'a> {
    counts: &'a [u64],
    dimension: &'a Hierarchy,
    /// How far apart neighbours along it are numbered.
    stride: usize,
}

impl<'a> Held<'a> {
    /// None where holders are not declared or the table does not divide by them.
    pub(crate) fn new(set: &TableSet, table: &'a CountTable, counts: &'a [u64]) -> Option<Self> {
        let place = place(set, table)?;
        let stride = table.dimensions()[place + 1..].iter().map(Hierarchy::node_count).product();
        Some(Self { counts, dimension: &table.dimensions()[place], stride })
    }

    /// Returns the holders who have children in a cell, and one who is alone to have any there.
    pub(crate) fn concerned(&self, cell: usize) -> Vec<usize> {
        let alone = self.is_of_one(cell);
        self.holders(cell).filter(|&holder| alone || self.own(cell, holder) > 0).collect()
    }

    /// Returns the holders who have children of a group outside a category, and one who alone has any inside it.
    pub(crate) fn concerned_by_class(&self, group: usize, inside: usize) -> Vec<usize> {
        let outside = |holder| self.own(group, holder) > self.own(inside, holder);
        let is_concerned = |&holder: &usize| outside(holder) || self.rest(inside, holder) == 0;
        self.holders(group).filter(is_concerned).collect()
    }

    fn node(&self, cell: usize) -> usize {
        cell / self.stride % self.dimension.node_count()
    }

    /// Whether all that a cell can count is one holder's.
    fn is_of_one(&self, cell: usize) -> bool {
        self.dimension.leaves_below(self.node(cell)).len() == 1
    }

    /// The holders whose children a cell counts.
    fn holders(&self, cell: usize) -> impl Iterator<Item = usize> {
        let leaves = self.dimension.leaves();
        let below = self.dimension.leaves_below(self.node(cell)).iter();
        below.map(|below| leaves.partition_point(|leaf| leaf < below))
    }

    /// How many of a cell's children are a holder's.
    fn own(&self, cell: usize, holder: usize) -> u64 {
        let (node, leaf) = (self.node(cell), self.dimension.leaves()[holder]);
        match self.dimension.counts(node, leaf) {
            true => self.counts[cell - node * self.stride + leaf * self.stride],
            false => 0,
        }
    }

    /// How many of a cell's children are not a holder's.
    fn rest(&self, cell: usize, holder: usize) -> u64 {
        self.counts[cell] - self.own(cell, holder)
    }

    /// Each cell that counts some of a holder's children and can count others' too, where these are few.
    fn small_rests(&self, policy: Policy) -> impl Iterator<Item = (usize, usize)> {
        let cells = (0..self.counts.len()).filter(|&cell| self.counts[cell] > 0);
        let leaves = cells.filter_map(|cell| {
            let leaf = self.node(cell);
            Some((cell - leaf * self.stride, self.dimension.leaves().binary_search(&leaf).ok()?))
        });
        let wider = leaves.flat_map(move |(first, holder)| {
            let above = self.dimension.above(holder).iter();
            above.map(move |node| (first + node * self.stride, holder))
        });
        wider.filter(move |&(cell, holder)| {
            !self.is_of_one(cell) && policy.is_small(self.rest(cell, holder))
        })
    }
}

/// Returns what is published though a holder who takes their own children out is left with few: seen without an
/// attack.
pub(crate) fn visible(
    set: &TableSet,
    number: usize,
    counts: &[u64],
    pattern: &Pattern,
) -> Vec<Failure> {
    let Some(held) = Held::new(set, &set.tables[number], counts) else { return Vec::new() };
    let published = held
        .small_rests(set.tables[number].policy(set.policy))
        .filter(|&(cell, _)| !pattern.withheld[cell]);
    let cells: BTreeSet<usize> = published.map(|(cell, _)| cell).collect();
    let failure = |cell| Failure { table: number, cell, reason: FailureReason::Holder };
    cells.into_iter().map(failure).collect()
}

/// The demands that each holder makes of the rests of cells in which they have children.
pub(crate) struct Rests<'a> {
    pub(crate) set: &'a TableSet,
    pub(crate) number: usize,
    pub(crate) held: Held<'a>,
    pub(crate) pattern: &'a Pattern,
    pub(crate) system: &'a System,
    pub(crate) holders: &'a [Option<usize>],
}

impl Rests<'_> {
    pub(crate) fn targets(&self) -> Vec<Target> {
        let table = &self.set.tables[self.number];
        let small: Vec<(usize, usize)> = self
            .held
            .small_rests(table.policy(self.set.policy))
            .filter(|&(cell, _)| self.pattern.withheld[cell])
            .collect();
        let guarded: Vec<(Guarded, usize)> =
            table.guarded().iter().flat_map(|&guarded| self.guarded(guarded)).collect();
        let classes: Vec<(usize, usize, usize)> = categories(table)
            .into_iter()
            .flat_map(|(group, inside)| self.classes(group, inside))
            .collect();
        let mut asked = vec![false; table.cell_count()];
        small.iter().for_each(|&(cell, _)| asked[cell] = true);
        guarded.iter().for_each(|(guarded, _)| asked[guarded.cell] = true);
        classes.iter().for_each(|&(group, inside, _)| {
            (asked[group], asked[inside]) = (true, true);
        });
        let parts = parts(table, self.number, self.system, &asked);
        let mut targets = Vec::new();
        for (cell, holder) in small {
            self.demand_small(cell, holder, &parts, &mut targets);
        }
        for (guarded, holder) in guarded {
            self.demand_guarded(guarded, holder, &parts, &mut targets);
        }
        for (group, inside, holder) in classes {
            self.demand_class((group, inside), holder, &parts, &mut targets);
        }
        targets
    }

    /// Returns the holders who have children in a guarded cell that can count others' too. Where zeros are published,
    /// a rest of nobody is published as such.
    fn guarded(&self, guarded: Guarded) -> Vec<(Guarded, usize)> {
        let cell = guarded.cell;
        if self.held.is_of_one(cell) {
            return Vec::new();
        }
        let table = &self.set.tables[self.number];
        let published = table.policy(self.set.policy).zeros == Zeros::Published;
        let concerned = self.held.concerned(cell).into_iter();
        concerned
            .filter(|&holder| self.held.rest(cell, holder) > 0 || !published)
            .map(|holder| (guarded, holder))
            .collect()
    }

    /// Returns the holders who have children outside a category of a group in which others have some, and
    /// few outside it.
    fn classes(&self, group: usize, inside: usize) -> Vec<(usize, usize, usize)> {
        let held = &self.held;
        let outside = held.counts[group] - held.counts[inside];
        let is_asked = |&holder: &usize| {
            let own = held.own(group, holder) - held.own(inside, holder);
            own > 0 && held.rest(inside, holder) > 0 && outside - own < self.set.policy.threshold
        };
        held.holders(group).filter(is_asked).map(|holder| (group, inside, holder)).collect()
    }

    fn demand_small(
        &self,
        cell: usize,
        holder: usize,
        parts: &BTreeMap<usize, Parts>,
        targets: &mut Vec<Target>,
    ) {
        let Some(Parts { unknowns, published }) = self.rest_of(cell, holder, parts) else { return };
        let rest = self.held.rest(cell, holder) as i64;
        if rest == 0 && unknowns.is_empty() {
            // Everyone knows that nobody else can be there.
            return;
        }
        let low = published + self.least(&unknowns);
        let threshold = self.set.policy.threshold as i64;
        let high = threshold.max(low + threshold - 1);
        if rest > low {
            targets.push(self.target(cell, holder, &unknowns, Bound::AtMost(low - published)));
        }
        if rest < high {
            targets.push(self.target(cell, holder, &unknowns, Bound::AtLeast(high - published)));
        }
    }

    fn demand_guarded(
        &self,
        Guarded { cell, down, up }: Guarded,
        holder: usize,
        parts: &BTreeMap<usize, Parts>,
        targets: &mut Vec<Target>,
    ) {
        let Some(Parts { unknowns, published }) = self.rest_of(cell, holder, parts) else { return };
        let unknown = self.held.rest(cell, holder) as i64 - published;
        let low = self.least(&unknowns).max(unknown - down as i64);
        if unknown > low {
            targets.push(self.target(cell, holder, &unknowns, Bound::AtMost(low)));
        }
        if up > 0 {
            let bound = Bound::AtLeast(unknown + up as i64);
            targets.push(self.target(cell, holder, &unknowns, bound));
        }
    }

    fn demand_class(
        &self,
        (group, inside): (usize, usize),
        holder: usize,
        parts: &BTreeMap<usize, Parts>,
        targets: &mut Vec<Target>,
    ) {
        let (Some(all), Some(within)) =
            (self.rest_of(group, holder, parts), self.rest_of(inside, holder, parts))
        else {
            return;
        };
        let is_outside = |unknown: &usize| within.unknowns.binary_search(unknown).is_err();
        let unknowns: Vec<usize> = all.unknowns.into_iter().filter(is_outside).collect();
        let missing = self.set.policy.threshold as i64 - (all.published - within.published);
        targets.push(self.target(inside, holder, &unknowns, Bound::AtLeast(missing)));
    }

    /// The parts of a cell that are not a holder's.
    fn rest_of(&self, cell: usize, holder: usize, parts: &BTreeMap<usize, Parts>) -> Option<Parts> {
        let Parts { unknowns, published } = parts.get(&cell)?;
        let (own, others): (Vec<usize>, Vec<usize>) =
            unknowns.iter().partition(|&&unknown| self.holders[unknown] == Some(holder));
        let own_unknown: i64 = own.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let own_published = self.held.own(cell, holder) as i64 - own_unknown;
        Some(Parts { unknowns: others, published: published - own_published })
    }

    /// The least that some unknowns can be together.
    fn least(&self, unknowns: &[usize]) -> i64 {
        self.system.least_of(unknowns)
    }

    fn target(&self, cell: usize, holder: usize, unknowns: &[usize], bound: Bound) -> Target {
        let demand = (!unknowns.is_empty()).then(|| Demand { unknowns: unknowns.to_vec(), bound });
        Target {
            table: self.number,
            cell,
            reason: FailureReason::Holder,
            demand,
            published: None,
            whom: Whom::Holder(holder),
        }
    }
}
