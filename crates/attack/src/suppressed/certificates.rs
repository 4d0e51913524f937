//! Worlds that fit what is published, and which requirements they meet for whom.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{IdVec, RespondentId, id, table::AlternativeTable};

use crate::{
    shared::alternative_table::Checker,
    suppressed::{
        equations::{System, UnknownId},
        solve::RequiredSum,
    },
};

id! {
    /// The number of a world that fits, in the order in which they were added.
    AlternativeId
}

/// A person who asks what the published numbers say, with what they know besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attacker {
    /// Nothing.
    Outsider,
    /// The fact that an unknown is no less than a number.
    Insider(UnknownId, u64),
    /// All unknowns that are theirs.
    Respondent(RespondentId),
}

/// Worlds that fit, found again by the unknowns that they alter.
pub(crate) struct Certificates<'a> {
    checker: Checker<'a>,
    system: &'a System,
    /// The respondent of each unknown, where respondents are known.
    respondents: &'a IdVec<UnknownId, Option<RespondentId>>,
    alternatives: IdVec<AlternativeId, FittingAlternative>,
    altering: BTreeMap<UnknownId, Vec<AlternativeId>>,
    used: BTreeSet<AlternativeId>,
}

/// A world that fits.
struct FittingAlternative {
    alternative: AlternativeTable,
    /// By how much it differs from the truth.
    changes: BTreeMap<UnknownId, i64>,
    /// The respondents whose unknowns differ, ascending.
    moved: Vec<RespondentId>,
}

impl<'a> Certificates<'a> {
    pub(crate) fn new(
        checker: Checker<'a>,
        system: &'a System,
        respondents: &'a IdVec<UnknownId, Option<RespondentId>>,
    ) -> Self {
        let (alternatives, altering, used) = Default::default();
        Self { checker, system, respondents, alternatives, altering, used }
    }

    /// Adds a world, if it is one.
    pub(crate) fn add(&mut self, alternative: AlternativeTable) {
        let Some(changes) = self.changes(&alternative) else { return };
        // Each world that meets what the truth does not alters an unknown of the sum: no other needs to be looked at.
        for &unknown in changes.keys() {
            self.altering.entry(unknown).or_default().push(self.alternatives.next_id());
        }
        let moved = changes.iter().filter(|(_, change)| **change != 0);
        let moved: BTreeSet<RespondentId> =
            moved.filter_map(|(&unknown, _)| self.respondents[unknown]).collect();
        let moved = moved.into_iter().collect();
        self.alternatives.push(FittingAlternative { alternative, changes, moved });
    }

    /// By how much each unknown differs from the truth in a world; none where it is none, or alters a known count.
    fn changes(&self, alternative: &AlternativeTable) -> Option<BTreeMap<UnknownId, i64>> {
        let changes = self.checker.fitting(alternative)?;
        changes
            .into_iter()
            .map(|(table, inner, change)| Some((self.system.unknown(table, inner)?, change)))
            .collect()
    }

    /// The world in which the unknowns take these values.
    pub(crate) fn alternative(&self, values: &BTreeMap<UnknownId, u64>) -> AlternativeTable {
        let mut counts = Vec::new();
        for (&unknown, &value) in values {
            let (table, inner) = self.system.unknowns[unknown];
            if self.checker.change(table, inner, value) != Some(0) {
                counts.push((table.0, inner.0, value));
            }
        }
        counts.sort_unstable();
        AlternativeTable { counts }
    }

    /// Whether the truth or some world that someone thinks possible meets the requirement.
    pub(crate) fn meet(&mut self, required: &RequiredSum, attacker: Attacker) -> bool {
        // The truth is a world to everyone, whatever they know, and needs no certificate.
        if self.meets(required, &BTreeMap::new()) {
            return true;
        }
        let found = self.meeting(required).find(|&number| self.is_possible(number, attacker));
        self.used.extend(found);
        found.is_some()
    }

    /// The respondents, but for some, whom no known world that meets the requirement leaves alone. For the others,
    /// the worlds that show it are marked as certificates.
    ///
    /// To be asked once the requirement is met for an outsider: where no world meets it, the truth does, and leaves
    /// everyone alone.
    pub(crate) fn moved_by_every_alternative(
        &mut self,
        required: &RequiredSum,
        but: &[RespondentId],
    ) -> Vec<RespondentId> {
        let mut moved: Option<Vec<RespondentId>> = None;
        let mut needed = Vec::new();
        for number in self.meeting(required) {
            // A world that moves nothing of a respondent's is one to them too, and an outsider's certificate serves them.
            let here = &self.alternatives[number].moved;
            let both: Vec<RespondentId> = match &moved {
                None => {
                    here.iter().copied().filter(|respondent| !but.contains(respondent)).collect()
                }
                Some(moved) => {
                    let in_both =
                        |respondent: &RespondentId| here.binary_search(respondent).is_ok();
                    moved.iter().copied().filter(in_both).collect()
                }
            };
            // One that leaves nobody further alone shows nothing new, and is not stored.
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
    pub(crate) fn use_all(&mut self, alternatives: Vec<AlternativeId>) {
        self.used.extend(alternatives);
    }

    /// The worlds that meet a requirement, by their numbers; one may come more than once.
    pub(crate) fn meeting(&self, required: &RequiredSum) -> impl Iterator<Item = AlternativeId> {
        let known = required.unknowns.iter().filter_map(|unknown| self.altering.get(unknown));
        known
            .flatten()
            .copied()
            .filter(|&number| self.meets(required, &self.alternatives[number].changes))
    }

    /// Whether someone thinks a world possible.
    fn is_possible(&self, alternative: AlternativeId, attacker: Attacker) -> bool {
        match attacker {
            Attacker::Outsider => true,
            Attacker::Insider(unknown, knows) => self.value(alternative, unknown) >= knows as i64,
            Attacker::Respondent(respondent) => {
                self.alternatives[alternative].moved.binary_search(&respondent).is_err()
            }
        }
    }

    fn meets(&self, required: &RequiredSum, changes: &BTreeMap<UnknownId, i64>) -> bool {
        let truth: i64 = required.unknowns.iter().map(|&unknown| self.system.truth[unknown]).sum();
        let change: i64 = required.unknowns.iter().filter_map(|unknown| changes.get(unknown)).sum();
        required.bound.is_met(truth + change)
    }

    /// Returns the value of an unknown in a world, which is the true one where nothing changes it.
    fn value(&self, alternative: AlternativeId, unknown: UnknownId) -> i64 {
        let change = self.alternatives[alternative].changes.get(&unknown);
        self.system.truth[unknown] + change.map_or(0, |change| *change)
    }

    /// Returns what is other than the truth in a world: unknowns and their values.
    pub(crate) fn altered(
        &self,
        alternative: AlternativeId,
    ) -> impl Iterator<Item = (UnknownId, i64)> {
        let changes = self.alternatives[alternative].changes.iter();
        changes.map(|(&unknown, change)| (unknown, self.system.truth[unknown] + change))
    }

    /// The worlds that met a requirement, in order, each once.
    pub(crate) fn used(&self) -> Vec<AlternativeTable> {
        let used = self.used.iter().map(|&number| self.alternatives[number].alternative.clone());
        used.collect::<BTreeSet<AlternativeTable>>().into_iter().collect()
    }
}
