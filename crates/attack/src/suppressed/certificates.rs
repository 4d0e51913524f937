//! Worlds that fit what is published, and which demands they meet for whom.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::table::World;

use crate::{
    shared::{bound::Bound, world::Checker},
    suppressed::{equations::System, solve::Demand},
};

/// Whoever asks what the published numbers say, with what they know besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Nothing.
    Outsider,
    /// The fact that an unknown is no less than a number.
    Insider(usize, u64),
    /// All unknowns that are theirs.
    Holder(usize),
}

/// Worlds that fit, found again by the unknowns that they alter.
pub(crate) struct Certificates<'a> {
    checker: Checker<'a>,
    system: &'a System,
    /// Whose each unknown is, where holders are known.
    holders: &'a [Option<usize>],
    worlds: Vec<Known>,
    altering: BTreeMap<usize, Vec<usize>>,
    used: BTreeSet<usize>,
}

/// A world that fits.
struct Known {
    world: World,
    /// By how much it differs from the truth.
    changes: BTreeMap<usize, i64>,
    /// The holders whose unknowns differ, ascending.
    moved: Vec<usize>,
}

impl<'a> Certificates<'a> {
    pub(crate) fn new(
        checker: Checker<'a>,
        system: &'a System,
        holders: &'a [Option<usize>],
    ) -> Self {
        let (worlds, altering, used) = Default::default();
        Self { checker, system, holders, worlds, altering, used }
    }

    /// Adds a world, if it is one.
    pub(crate) fn add(&mut self, world: World) {
        if !self.checker.fits(&world) {
            return;
        }
        let change = |&(table, inner, count): &(usize, usize, u64)| {
            let unknown = self.system.unknown(table, inner)?;
            Some((unknown, self.checker.change(table, inner, count)?))
        };
        let changes: BTreeMap<usize, i64> = world.counts.iter().filter_map(change).collect();
        for &unknown in changes.keys() {
            self.altering.entry(unknown).or_default().push(self.worlds.len());
        }
        let moved = changes.iter().filter(|(_, change)| **change != 0);
        let moved: BTreeSet<usize> =
            moved.filter_map(|(&unknown, _)| self.holders[unknown]).collect();
        self.worlds.push(Known { world, changes, moved: moved.into_iter().collect() });
    }

    /// The world in which the unknowns take these values.
    pub(crate) fn world(&self, values: &BTreeMap<usize, u64>) -> World {
        let count = |(&unknown, &value): (&usize, &u64)| {
            let (table, inner) = self.system.unknowns[unknown];
            (table, inner, value)
        };
        let differs = |&(table, inner, count): &(usize, usize, u64)| {
            self.checker.change(table, inner, count) != Some(0)
        };
        let mut counts: Vec<_> = values.iter().map(count).filter(differs).collect();
        counts.sort_unstable();
        World { counts }
    }

    /// Whether the truth or some world that someone thinks possible meets the demand.
    pub(crate) fn meet(&mut self, demand: &Demand, who: Who) -> bool {
        if self.meets(demand, &BTreeMap::new()) {
            return true;
        }
        let found = self.meeting(demand).find(|&number| self.is_possible(number, who));
        self.used.extend(found);
        found.is_some()
    }

    /// The holders, but for some, whom no known world that meets the demand leaves alone. For the others,
    /// the worlds that show it are marked as certificates.
    pub(crate) fn moved_by_every_world(&mut self, demand: &Demand, but: &[usize]) -> Vec<usize> {
        let mut moved: Option<Vec<usize>> = None;
        let mut needed = Vec::new();
        for number in self.meeting(demand) {
            let here = &self.worlds[number].moved;
            let both: Vec<usize> = match &moved {
                None => here.iter().copied().filter(|holder| !but.contains(holder)).collect(),
                Some(moved) => {
                    let in_both = |holder: &usize| here.binary_search(holder).is_ok();
                    moved.iter().copied().filter(in_both).collect()
                }
            };
            if moved.as_ref().is_none_or(|moved| both.len() < moved.len()) {
                needed.push(number);
            }
            let done = both.is_empty();
            moved = Some(both);
            if done {
                break;
            }
        }
        self.used.extend(needed);
        moved.unwrap_or_default()
    }

    /// Marks worlds as certificates that something rests on.
    pub(crate) fn use_all(&mut self, worlds: Vec<usize>) {
        self.used.extend(worlds);
    }

    /// The worlds that meet a demand, by their numbers; one may come more than once.
    pub(crate) fn meeting(&self, demand: &Demand) -> impl Iterator<Item = usize> {
        let known = demand.unknowns.iter().filter_map(|unknown| self.altering.get(unknown));
        known.flatten().copied().filter(|&number| self.meets(demand, &self.worlds[number].changes))
    }

    /// Whether someone thinks a world possible.
    fn is_possible(&self, world: usize, who: Who) -> bool {
        match who {
            Who::Outsider => true,
            Who::Insider(unknown, knows) => self.value(world, unknown) >= knows as i64,
            Who::Holder(holder) => self.worlds[world].moved.binary_search(&holder).is_err(),
        }
    }

    fn meets(&self, demand: &Demand, changes: &BTreeMap<usize, i64>) -> bool {
        let truth: i64 = demand.unknowns.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let change: i64 = demand.unknowns.iter().filter_map(|unknown| changes.get(unknown)).sum();
        match demand.bound {
            Bound::AtMost(bound) => truth + change <= bound,
            Bound::AtLeast(bound) => truth + change >= bound,
        }
    }

    /// Returns the value of an unknown in a world.
    fn value(&self, world: usize, unknown: usize) -> i64 {
        let change = self.worlds[world].changes.get(&unknown).copied().unwrap_or_default();
        self.system.truth[unknown] + change
    }

    /// Returns what is other than the truth in a world: unknowns and their values.
    pub(crate) fn altered(&self, world: usize) -> impl Iterator<Item = (usize, i64)> {
        let changes = self.worlds[world].changes.iter();
        changes.map(|(&unknown, change)| (unknown, self.system.truth[unknown] + change))
    }

    /// The worlds that met a demand, in order, each once.
    pub(crate) fn used(&self) -> Vec<World> {
        let used = self.used.iter().map(|&number| self.worlds[number].world.clone());
        used.collect::<BTreeSet<World>>().into_iter().collect()
    }
}
