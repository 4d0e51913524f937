//! Worlds that fit what is published, and which requirements they meet for whom.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::table::AlternativeTable;

use crate::{
    shared::{alternative_table::Checker, bound::Bound},
    suppressed::{equations::System, solve::RequiredSum},
};

/// Whoever asks what the published numbers say, with what they know besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attacker {
    /// Nothing.
    Outsider,
    /// The fact that an unknown is no less than a number.
    Insider(usize, u64),
    /// All unknowns that are theirs.
    Respondent(usize),
}

/// Worlds that fit, found again by the unknowns that they alter.
pub(crate) struct Certificates<'a> {
    checker: Checker<'a>,
    system: &'a System,
    /// Whose each unknown is, where respondents are known.
    respondents: &'a [Option<usize>],
    alternatives: Vec<FittingAlternative>,
    altering: BTreeMap<usize, Vec<usize>>,
    used: BTreeSet<usize>,
}

/// A world that fits.
struct FittingAlternative {
    alternative: AlternativeTable,
    /// By how much it differs from the truth.
    changes: BTreeMap<usize, i64>,
    /// The respondents whose unknowns differ, ascending.
    moved: Vec<usize>,
}

impl<'a> Certificates<'a> {
    pub(crate) fn new(
        checker: Checker<'a>,
        system: &'a System,
        respondents: &'a [Option<usize>],
    ) -> Self {
        let (alternatives, altering, used) = Default::default();
        Self { checker, system, respondents, alternatives, altering, used }
    }

    /// Adds a world, if it is one.
    pub(crate) fn add(&mut self, alternative: AlternativeTable) {
        if !self.checker.fits(&alternative) {
            return;
        }
        let change = |&(table, inner, count): &(usize, usize, u64)| {
            let unknown = self.system.unknown(table, inner)?;
            Some((unknown, self.checker.change(table, inner, count)?))
        };
        let changes: BTreeMap<usize, i64> = alternative.counts.iter().filter_map(change).collect();
        for &unknown in changes.keys() {
            self.altering.entry(unknown).or_default().push(self.alternatives.len());
        }
        let moved = changes.iter().filter(|(_, change)| **change != 0);
        let moved: BTreeSet<usize> =
            moved.filter_map(|(&unknown, _)| self.respondents[unknown]).collect();
        self.alternatives.push(FittingAlternative {
            alternative,
            changes,
            moved: moved.into_iter().collect(),
        });
    }

    /// The world in which the unknowns take these values.
    pub(crate) fn alternative(&self, values: &BTreeMap<usize, u64>) -> AlternativeTable {
        let count = |(&unknown, &value): (&usize, &u64)| {
            let (table, inner) = self.system.unknowns[unknown];
            (table, inner, value)
        };
        let differs = |&(table, inner, count): &(usize, usize, u64)| {
            self.checker.change(table, inner, count) != Some(0)
        };
        let mut counts: Vec<_> = values.iter().map(count).filter(differs).collect();
        counts.sort_unstable();
        AlternativeTable { counts }
    }

    /// Whether the truth or some world that someone thinks possible meets the requirement.
    pub(crate) fn meet(&mut self, required: &RequiredSum, attacker: Attacker) -> bool {
        if self.meets(required, &BTreeMap::new()) {
            return true;
        }
        let found = self.meeting(required).find(|&number| self.is_possible(number, attacker));
        self.used.extend(found);
        found.is_some()
    }

    /// The respondents, but for some, whom no known world that meets the requirement leaves alone. For the others,
    /// the worlds that show it are marked as certificates.
    pub(crate) fn moved_by_every_alternative(
        &mut self,
        required: &RequiredSum,
        but: &[usize],
    ) -> Vec<usize> {
        let mut moved: Option<Vec<usize>> = None;
        let mut needed = Vec::new();
        for number in self.meeting(required) {
            let here = &self.alternatives[number].moved;
            let both: Vec<usize> = match &moved {
                None => {
                    here.iter().copied().filter(|respondent| !but.contains(respondent)).collect()
                }
                Some(moved) => {
                    let in_both = |respondent: &usize| here.binary_search(respondent).is_ok();
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
    pub(crate) fn use_all(&mut self, alternatives: Vec<usize>) {
        self.used.extend(alternatives);
    }

    /// The worlds that meet a requirement, by their numbers; one may come more than once.
    pub(crate) fn meeting(&self, required: &RequiredSum) -> impl Iterator<Item = usize> {
        let known = required.unknowns.iter().filter_map(|unknown| self.altering.get(unknown));
        known
            .flatten()
            .copied()
            .filter(|&number| self.meets(required, &self.alternatives[number].changes))
    }

    /// Whether someone thinks a world possible.
    fn is_possible(&self, alternative: usize, attacker: Attacker) -> bool {
        match attacker {
            Attacker::Outsider => true,
            Attacker::Insider(unknown, knows) => self.value(alternative, unknown) >= knows as i64,
            Attacker::Respondent(respondent) => {
                self.alternatives[alternative].moved.binary_search(&respondent).is_err()
            }
        }
    }

    fn meets(&self, required: &RequiredSum, changes: &BTreeMap<usize, i64>) -> bool {
        let truth: i64 = required.unknowns.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let change: i64 = required.unknowns.iter().filter_map(|unknown| changes.get(unknown)).sum();
        match required.bound {
            Bound::AtMost(bound) => truth + change <= bound,
            Bound::AtLeast(bound) => truth + change >= bound,
        }
    }

    /// Returns the value of an unknown in a world.
    fn value(&self, alternative: usize, unknown: usize) -> i64 {
        let change =
            self.alternatives[alternative].changes.get(&unknown).copied().unwrap_or_default();
        self.system.truth[unknown] + change
    }

    /// Returns what is other than the truth in a world: unknowns and their values.
    pub(crate) fn altered(&self, alternative: usize) -> impl Iterator<Item = (usize, i64)> {
        let changes = self.alternatives[alternative].changes.iter();
        changes.map(|(&unknown, change)| (unknown, self.system.truth[unknown] + change))
    }

    /// The worlds that met a requirement, in order, each once.
    pub(crate) fn used(&self) -> Vec<AlternativeTable> {
        let used = self.used.iter().map(|&number| self.alternatives[number].alternative.clone());
        used.collect::<BTreeSet<AlternativeTable>>().into_iter().collect()
    }
}
