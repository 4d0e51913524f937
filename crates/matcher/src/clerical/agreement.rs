//! How often two reviewers say the same, and how much more often than by chance (Cohen 1960).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Decision;

/// The agreement of two reviewers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewAgreement {
    /// Their names in the vault.
    pub reviewers: [String; 2],
    /// Pairs that both judged.
    pub pairs: u64,
    /// Pairs among them about which both say the same.
    pub agreed: u64,
    /// Cohen's kappa: (pₒ − pₑ)/(1 − pₑ), of the share that agrees and the share that would by chance. Blank where both give
    /// one and the same answer to all.
    pub kappa: Option<f64>,
}

/// The agreement of each two reviewers who judged a pair in common.
pub(super) fn agreements(
    decided: &BTreeMap<String, BTreeMap<String, Decision>>,
) -> Vec<ReviewAgreement> {
    let mut tables: BTreeMap<[&String; 2], [[u64; 3]; 3]> = BTreeMap::new();
    for by in decided.values() {
        let by: Vec<(&String, &Decision)> = by.iter().collect();
        for (place, (one, first)) in by.iter().enumerate() {
            for (other, second) in &by[place + 1..] {
                let table = tables.entry([*one, *other]).or_default();
                table[**first as usize][**second as usize] += 1;
            }
        }
    }
    let agreement = |(reviewers, table): ([&String; 2], [[u64; 3]; 3])| {
        let pairs: u64 = table.iter().flatten().sum();
        let agreed = (0..3).map(|word| table[word][word]).sum();
        ReviewAgreement {
            reviewers: reviewers.map(String::clone),
            pairs,
            agreed,
            kappa: kappa(&table),
        }
    };
    tables.into_iter().map(agreement).collect()
}

fn kappa(table: &[[u64; 3]; 3]) -> Option<f64> {
    let all: u64 = table.iter().flatten().sum();
    let share = |pairs: u64| pairs as f64 / all as f64;
    let same: u64 = (0..3).map(|word| table[word][word]).sum();
    let by_chance: f64 = (0..3)
        .map(|word| {
            let first: u64 = table[word].iter().sum();
            let second: u64 = table.iter().map(|row| row[word]).sum();
            share(first) * share(second)
        })
        .sum();
    (all > 0 && by_chance < 1.0).then(|| (share(same) - by_chance) / (1.0 - by_chance))
}

impl ReviewAgreement {
    /// For people: a line.
    pub(super) fn text(&self) -> String {
        let Self { reviewers: [one, other], pairs, agreed, kappa } = self;
        let share = 100.0 * *agreed as f64 / *pairs as f64;
        let kappa = kappa.map_or("-".to_owned(), |kappa| format!("{kappa:.3}"));
        format!(
            "  {one} and {other} agree on {agreed} of {pairs} pairs, {share:.1} %; Cohen's kappa {kappa} (n = {pairs})\n"
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    fn decided(table: [[u64; 3]; 3]) -> BTreeMap<String, BTreeMap<String, Decision>> {
        let mut decided = BTreeMap::new();
        for (first, row) in Decision::ALL.into_iter().zip(table) {
            for (second, pairs) in Decision::ALL.into_iter().zip(row) {
                for _ in 0..pairs {
                    let by = [("a".to_owned(), first), ("b".to_owned(), second)];
                    decided.insert(decided.len().to_string(), by.into());
                }
            }
        }
        decided
    }

    /// By hand: 20 + 15 of 50 agree, pₒ = .7; the margins are 25 and 25, 30 and 20, so that pₑ = .5 · .6 + .5 · .4 = .5;
    /// (.7 − .5)/(1 − .5) = .4.
    #[test]
    fn kappa_is_as_computed_by_hand() {
        let found = agreements(&decided([[20, 5, 0], [10, 15, 0], [0, 0, 0]]));
        let [of] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((of.pairs, of.agreed), (50, 35));
        assert!((of.kappa.unwrap() - 0.4).abs() < 1e-12, "{of:?}");
        assert_eq!(
            of.text(),
            "  a and b agree on 35 of 50 pairs, 70.0 %; Cohen's kappa 0.400 (n = 50)\n"
        );
    }

    #[test]
    fn perfect_agreement_is_one_and_none_beyond_chance_is_nought() {
        let kappa = |table| agreements(&decided(table))[0].kappa;
        assert_eq!(kappa([[3, 0, 0], [0, 2, 0], [0, 0, 4]]), Some(1.0));
        assert!(kappa([[4, 4, 0], [4, 4, 0], [0, 0, 0]]).unwrap().abs() < 1e-12);
        assert_eq!(kappa([[7, 0, 0], [0, 0, 0], [0, 0, 0]]), None, "one answer to all");
        assert!(agreements(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn a_pair_that_one_judged_counts_for_nobody() {
        let mut decided = decided([[1, 0, 0], [0, 1, 0], [0, 0, 0]]);
        decided.insert("x".into(), [("a".to_owned(), Decision::Same)].into());
        assert_eq!(agreements(&decided)[0].pairs, 2);
    }
}
