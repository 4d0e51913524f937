//! Clerical review, blind: pairs that are in doubt go out as patterns of agreement, decisions come back signed, are kept, and
//! are honoured whenever children are linked. A reviewer sees neither a value nor what the rules would decide.

mod agreement;
mod conflicts;
mod decisions;
mod file;
mod ledger;
mod pupil_pairs;

use std::collections::BTreeMap;

use minster_model::{Pseudonym, counted};
use minster_scoring::{AGREEMENT_PARTS, Agreement};
use serde::{Deserialize, Serialize};

pub use agreement::ReviewAgreement;
pub(crate) use conflicts::conflicts;
pub(crate) use decisions::{DecidedPair, Doubt, Settled};
pub use file::FileError;
pub(crate) use ledger::decisions_sha256;
pub use ledger::{DECISIONS, REVIEW, take};
pub(crate) use pupil_pairs::{Pupils, alike};

/// Why a decision was not honoured.
const NOT_FOUND: &str = "not-found";
const EXACT_ONLY: &str = "exact-only";
const TWO_PUPILS: &str = "two-pupils";
const BY_NUMBER: &str = "linked-by-number";

/// A reviewer's decision about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The two are one child.
    Same,
    /// They are two children.
    Different,
    /// The pattern does not say.
    CannotTell,
}

impl Decision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Same, Self::Different, Self::CannotTell];

    /// The word in a reviewer's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// Rows of a service, or a pupil of the register, and another pupil, who may be one child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// How their parts agree.
    agreement: [Agreement; AGREEMENT_PARTS.len()],
    /// Whether the last linking left it in doubt.
    open: bool,
    /// Whether both are pupils.
    two_pupils: bool,
    /// Numbers and match keys that lead to the rows, or the first pupil, alone.
    rows: Vec<Pseudonym>,
    /// Numbers, or else match keys, that lead to the pupil alone.
    pupil: Vec<Pseudonym>,
}

/// A file of decisions as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFile {
    /// The reviewer's name in the vault.
    pub reviewer: String,
    /// The file.
    pub text: String,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
    /// The reviewer's signature, hexadecimal.
    pub signature: String,
}

/// Pairs that were ever in doubt, by an id that means nothing outside, and the decisions about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    pairs: BTreeMap<String, Pair>,
    files: Vec<SignedFile>,
    /// The last decision of each reviewer about each pair.
    decided: BTreeMap<String, BTreeMap<String, Decision>>,
}

/// The sum of the decisions about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Undecided,
    Agreed(Decision),
    Disagreed,
}

/// Clerical review in a report: counts alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClericalReport {
    /// Pairs that were ever in doubt.
    pub pairs: u64,
    /// Those among them that are still in doubt and nobody has judged.
    pub waiting: u64,
    /// Pairs by what was decided: `same`, `different`, `cannot tell`, `disagreed`.
    pub decided: BTreeMap<String, u64>,
    /// How often two reviewers say the same.
    pub agreements: Vec<ReviewAgreement>,
    /// Pairs that a decision linked, in the last linking.
    pub linked: u64,
    /// Pairs that a decision kept apart, in the last linking.
    pub kept_apart: u64,
    /// Decisions that were not honoured in it, by reason.
    pub refused: BTreeMap<String, u64>,
}

impl Review {
    fn verdict(&self, id: &str) -> Verdict {
        let Some(by) = self.decided.get(id) else { return Verdict::Undecided };
        let mut all = by.values();
        match all.next() {
            None => Verdict::Undecided,
            Some(first) if all.all(|other| other == first) => Verdict::Agreed(*first),
            Some(_) => Verdict::Disagreed,
        }
    }

    /// The file for a reviewer, and how many pairs are in it: those in doubt that the reviewer has not judged, and those on
    /// which reviewers disagree. Other reviewers' decisions are not in it.
    pub fn file_for(&self, reviewer: &str) -> (String, u64) {
        let wanted = |(id, pair): &(&String, &Pair)| match self.verdict(id) {
            Verdict::Disagreed => true,
            _ => pair.open && !self.decided.get(*id).is_some_and(|by| by.contains_key(reviewer)),
        };
        let pairs: Vec<(&String, &Pair)> = self.pairs.iter().filter(wanted).collect();
        (file::write(&pairs), pairs.len() as u64)
    }

    /// The decisions of a reviewer's file, by pair.
    ///
    /// # Errors
    /// [`FileError`], with its line: a pair that is none of this store's, or stands twice; a word that is no decision.
    pub fn read_file(&self, text: &str) -> Result<BTreeMap<String, Decision>, FileError> {
        file::read(text, |id| self.pairs.contains_key(id))
    }

    /// All decisions so far; the report of the last linking tells their effect.
    pub fn report(&self) -> ClericalReport {
        let mut decided: BTreeMap<String, u64> = BTreeMap::new();
        let mut waiting = 0;
        for (id, pair) in &self.pairs {
            let word = match self.verdict(id) {
                Verdict::Undecided => {
                    waiting += u64::from(pair.open);
                    continue;
                }
                Verdict::Agreed(decision) => decision.as_str(),
                Verdict::Disagreed => "disagreed",
            };
            *decided.entry(word.to_owned()).or_default() += 1;
        }
        ClericalReport {
            pairs: self.pairs.len() as u64,
            waiting,
            decided,
            agreements: agreement::agreements(&self.decided),
            ..ClericalReport::default()
        }
    }

    /// The same with what this linking did; nothing where no pair was ever in doubt.
    pub(crate) fn report_of(&self, settled: &Settled, pupils: &Pupils) -> Option<ClericalReport> {
        let linked = (settled.same.len() + pupils.same.len()) as u64;
        let kept_apart = (settled.apart.len() + pupils.apart.len()) as u64;
        let mut refused = settled.refused.clone();
        for (why, pairs) in &pupils.refused {
            *refused.entry(why.clone()).or_default() += pairs;
        }
        (!self.is_empty()).then(|| ClericalReport { linked, kept_apart, refused, ..self.report() })
    }

    fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.files.is_empty()
    }
}

impl ClericalReport {
    /// For people: a line each.
    pub fn text(&self) -> String {
        let Self { pairs, waiting, decided, agreements, linked, kept_apart, refused } = self;
        let counts = |of: &BTreeMap<String, u64>| {
            let counts: Vec<String> =
                of.iter().map(|(what, pairs)| format!("{what} {pairs}")).collect();
            counts.join(", ")
        };
        let mut text = format!(
            "clerical review: {} in doubt, {waiting} not judged yet",
            counted(*pairs, "pair", "pairs")
        );
        if !decided.is_empty() {
            text += &format!("; {}", counts(decided));
        }
        if linked + kept_apart > 0 {
            text += &format!("; {linked} linked, {kept_apart} kept apart");
        }
        if !refused.is_empty() {
            text += &format!("; not honoured: {}", counts(refused));
        }
        text.push('\n');
        agreements.iter().for_each(|of| text += &of.text());
        text
    }
}
