//! The report of a run, in figures that say nothing of any one record.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    blocks::{BY_DATE, BY_NAMES, KeyReport},
    compare::NAMES,
    links::Chosen,
    weights::{Pair, Weights, probability},
};

/// The bounds of the bands of probability.
const BANDS: [f64; 8] = [0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0];

/// The comparisons, estimates and choices of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Records of the left table.
    pub left_records: u64,
    /// Records of the right table; of the same table, where there is one.
    pub right_records: u64,
    /// Pairs that were compared.
    pub pairs: u64,
    /// The pairs that each key of the blocks gave and left out.
    pub keys: Vec<KeyReport>,
    /// The weight of each level of agreement.
    pub weights: Vec<LevelReport>,
    /// Rounds of estimation.
    pub rounds: u32,
    /// Whether the estimates stood still at the end.
    pub converged: bool,
    /// Compared pairs by their probability.
    pub bands: Vec<Band>,
    /// Pairs that were chosen.
    pub links: u64,
    /// Pairs of the threshold's probability that a rule forbade, by the rule.
    pub refused: BTreeMap<&'static str, u64>,
    /// Pairs of the threshold's probability that were not chosen, for another was as likely or nearly so.
    pub runners_up: u64,
    /// How many matches there are among the compared pairs: the sum of their probabilities. Without those that a rule forbade.
    pub expected_matches: f64,
    /// The same of the pairs that a rule forbade: an upper bound of what the rules cost.
    pub expected_refused: f64,
    /// How many matches there are in all, as two ways to find them tell: by birth date alone (n₁), by names alone (n₂), by
    /// both (m); (n₁ + 1)(n₂ + 1)/(m + 1) − 1, after Chapman 1951. It is right where errors in names and in birth dates
    /// come independently, and too low where they come together. Never less than `expected_matches`.
    pub expected_in_all: f64,
    /// The share of links that are matches: the mean of their probabilities. It is right where the parts agree
    /// independently, once it is given whether two records are one person's.
    pub estimated_precision: Option<f64>,
    /// The share of matches that were linked: expected matches among the links, by `expected_in_all`. None of the pairs that a
    /// rule forbade is taken for a match.
    pub estimated_recall: Option<f64>,
    /// The same where each of them is a match with its probability. The truth lies between the two: twins are no match, a
    /// child whose forename is missing may be one.
    pub estimated_recall_least: Option<f64>,
}

/// One level of a part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelReport {
    /// The part.
    pub part: &'static str,
    /// The level.
    pub level: &'static str,
    /// Compared pairs that agree at it.
    pub pairs: u64,
    /// The share of matches that agree at it.
    pub matched: f64,
    /// The share of random pairs that do.
    pub random: f64,
    /// The logarithm to base 2 of their ratio. A name, date or postcode weighs more or less than this, as it is rare or not.
    pub bits: f64,
}

/// Pairs between two probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// The least.
    pub from: f64,
    /// Below this, or equal to it where it is 1.
    pub to: f64,
    /// Pairs.
    pub pairs: u64,
}

impl Report {
    pub(crate) fn new(
        records: (usize, usize),
        keys: Vec<KeyReport>,
        weights: &Weights,
        (pairs, log_odds): (&[Pair], &[f64]),
        chosen: &Chosen,
    ) -> Self {
        let mut bands: Vec<Band> =
            BANDS.windows(2).map(|ends| Band { from: ends[0], to: ends[1], pairs: 0 }).collect();
        let (mut all, mut by_date, mut by_names, mut by_both) = (0.0, 0.0, 0.0, 0.0);
        for (pair, log_odds) in pairs.iter().zip(log_odds).filter(|(pair, _)| !pair.is_forbidden) {
            let probability = probability(*log_odds);
            let band = BANDS.partition_point(|least| *least <= probability).clamp(1, bands.len());
            bands[band - 1].pairs += 1;
            all += probability;
            let (date, names) = (pair.keys & BY_DATE != 0, pair.keys & BY_NAMES != 0);
            by_date += if date { probability } else { 0.0 };
            by_names += if names { probability } else { 0.0 };
            by_both += if date && names { probability } else { 0.0 };
        }
        let in_all = (by_date + 1.0) * (by_names + 1.0) / (by_both + 1.0) - 1.0;
        let expected_in_all = in_all.max(all);
        let linked: f64 = chosen.pairs.iter().map(|(_, _, probability)| probability).sum();
        let links = chosen.pairs.len() as u64;
        let recall = |further: f64| {
            let matches = expected_in_all + further;
            (matches > 0.0).then(|| (linked / matches).min(1.0))
        };
        Self {
            left_records: records.0 as u64,
            right_records: records.1 as u64,
            pairs: pairs.len() as u64,
            keys,
            weights: levels(weights, pairs),
            rounds: weights.rounds,
            converged: weights.converged,
            bands,
            links,
            refused: chosen.conflicts.clone(),
            runners_up: chosen.runners_up,
            expected_matches: all,
            expected_refused: chosen.refused,
            expected_in_all,
            estimated_precision: (links > 0).then(|| linked / links as f64),
            estimated_recall: recall(0.0),
            estimated_recall_least: recall(chosen.refused),
        }
    }
}

fn levels(weights: &Weights, pairs: &[Pair]) -> Vec<LevelReport> {
    let mut all = Vec::new();
    for (part, (name, levels)) in NAMES.iter().enumerate() {
        for (place, level) in levels.iter().enumerate() {
            let at_level = |pair: &&Pair| usize::from(pair.pattern.0[part]) == place;
            let (matched, random) = (weights.matched[part][place], weights.random[part][place]);
            all.push(LevelReport {
                part: name,
                level,
                pairs: pairs.iter().filter(at_level).count() as u64,
                matched,
                random,
                bits: (matched / random).log2(),
            });
        }
    }
    all
}
