//! The weight of each level of agreement (Fellegi and Sunter 1969): the chance of it between two records of one person by
//! expectation and maximisation, against the chance of it between random records.

use rayon::prelude::*;

use crate::{
    chance::Chances,
    compare::{Agreed, LEVELS, MISSING, Pattern, name},
    record::PARTS,
    tables::FORENAME,
};

/// Pairs that are known before any is seen. With a hundred true pairs the data say more than they; with three they hold the
/// weights where a person would set them.
const PRIOR_PAIRS: f64 = 20.0;

/// Sums are made over pieces of so many pairs, in order: the same at any number of threads.
const PIECE: usize = 1 << 14;

const MOST_ROUNDS: u32 = 200;

/// The expectation for two records of one person before any is seen, level by level in the order of [`NAMES`].
const EXPECTED: [[f64; LEVELS]; PARTS] = [
    [0.03, 0.03, 0.03, 0.04, 0.10, 0.74, 0.01, 0.02],
    [0.05, 0.01, 0.03, 0.04, 0.10, 0.77, 0.0, 0.0],
    [0.01, 0.02, 0.05, 0.06, 0.01, 0.85, 0.0, 0.0],
    [0.02, 0.98, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.25, 0.07, 0.05, 0.63, 0.0, 0.0, 0.0, 0.0],
    [0.10, 0.90, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
];

/// A pair that was compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) keys: u16,
    pub(crate) pattern: Pattern,
    /// Parts whose chance is the average over all values: one bit a part.
    averaged: u8,
    /// The logarithm of the chance of the other parts' agreement.
    own: f64,
    /// Whether the rules forbid it.
    pub(crate) is_forbidden: bool,
}

impl Pair {
    pub(crate) fn new(
        (left, right, keys): (u32, u32, u16),
        (pattern, agreed): (Pattern, Agreed),
        chances: &Chances,
        is_forbidden: bool,
    ) -> Self {
        let (mut averaged, mut own) = (0, 0.0);
        for part in 0..PARTS {
            let level = pattern.0[part];
            if level == MISSING {
                continue;
            }
            let chance = match (part, level) {
                (FORENAME, name::SWAPPED) => chances.swapped(&agreed),
                (FORENAME, name::SWAPPED_NEAR) => None,
                _ => chances.of(pattern, &agreed, part),
            };
            match chance {
                Some(chance) => own += chance.ln(),
                None => averaged |= 1 << part,
            }
        }
        Self { left, right, keys, pattern, averaged, own, is_forbidden }
    }

    /// The same pair from the other table's side.
    pub(crate) fn turn(&mut self) {
        (self.left, self.right) = (self.right, self.left);
    }
}

/// The weights of one pair of tables.
#[derive(Debug)]
pub(crate) struct Weights {
    /// The chance of each level between two records of one person.
    pub(crate) matched: [[f64; LEVELS]; PARTS],
    /// The same between two random records.
    pub(crate) random: [[f64; LEVELS]; PARTS],
    /// The share of matches among all pairs of the two tables.
    pub(crate) share: f64,
    pub(crate) rounds: u32,
    pub(crate) converged: bool,
}

/// The expected matches among pairs, by level.
#[derive(Clone, Copy)]
struct Sums {
    matches: f64,
    levels: [[f64; LEVELS]; PARTS],
}

impl Weights {
    /// Estimates them from the pairs that were compared, of `all` pairs of the two tables.
    pub(crate) fn estimate(pairs: &[Pair], chances: &Chances, all: f64, at_most: f64) -> Self {
        let mut weights = Self {
            matched: expected(),
            random: chances.average,
            share: (at_most / 2.0 / all).clamp(f64::MIN_POSITIVE, 0.5),
            rounds: 0,
            converged: false,
        };
        while weights.rounds < MOST_ROUNDS && !weights.converged {
            weights.rounds += 1;
            let sums = weights.expect(pairs);
            weights.converged = weights.maximise(&sums, all) < 1e-6;
            weights.random = chances.without_matches(&weights.matched, weights.share);
        }
        weights
    }

    /// The logarithms of the odds that each pair is a match.
    pub(crate) fn all_log_odds(&self, pairs: &[Pair]) -> Vec<f64> {
        let table = Table::new(self);
        pairs.par_iter().map(|pair| table.log_odds(pair)).collect()
    }

    fn expect(&self, pairs: &[Pair]) -> Sums {
        let table = Table::new(self);
        let pieces: Vec<Sums> = pairs
            .par_chunks(PIECE)
            .map(|piece| {
                let mut sums = Sums { matches: 0.0, levels: [[0.0; LEVELS]; PARTS] };
                for pair in piece.iter().filter(|pair| !pair.is_forbidden) {
                    let probability = probability(table.log_odds(pair));
                    sums.matches += probability;
                    for (levels, level) in sums.levels.iter_mut().zip(pair.pattern.0) {
                        if let Some(sum) = levels.get_mut(usize::from(level)) {
                            *sum += probability;
                        }
                    }
                }
                sums
            })
            .collect();
        let mut all = Sums { matches: 0.0, levels: [[0.0; LEVELS]; PARTS] };
        for piece in pieces {
            all.matches += piece.matches;
            for (levels, of_piece) in all.levels.iter_mut().zip(piece.levels) {
                levels.iter_mut().zip(of_piece).for_each(|(sum, of_piece)| *sum += of_piece);
            }
        }
        all
    }

    /// The most that a chance changed.
    fn maximise(&mut self, sums: &Sums, all: f64) -> f64 {
        let mut most = 0.0_f64;
        let expected = expected();
        for (part, expected) in expected.iter().enumerate() {
            let seen: f64 = sums.levels[part].iter().sum();
            let known = sums.levels[part].iter().zip(expected);
            for (chance, (sum, expected)) in self.matched[part].iter_mut().zip(known) {
                let next = (sum + PRIOR_PAIRS * expected) / (seen + PRIOR_PAIRS);
                most = most.max((next - *chance).abs());
                *chance = next;
            }
        }
        self.share = ((sums.matches + 0.5) / (all + 1.0)).min(0.5);
        most
    }
}

/// Each part's expectation, as shares of 1.
fn expected() -> [[f64; LEVELS]; PARTS] {
    EXPECTED.map(|levels| {
        let sum: f64 = levels.iter().sum();
        levels.map(|level| level / sum)
    })
}

/// The logarithms, so that a pair costs additions alone.
struct Table {
    odds: f64,
    own: [[f64; LEVELS]; PARTS],
    averaged: [[f64; LEVELS]; PARTS],
}

impl Table {
    fn new(weights: &Weights) -> Self {
        let own = weights.matched.map(|levels| levels.map(f64::ln));
        let averaged = std::array::from_fn(|part| {
            std::array::from_fn(|level| own[part][level] - weights.random[part][level].ln())
        });
        Self { odds: (weights.share / (1.0 - weights.share)).ln(), own, averaged }
    }

    fn log_odds(&self, pair: &Pair) -> f64 {
        let mut sum = self.odds - pair.own;
        for part in 0..PARTS {
            let table = if pair.averaged >> part & 1 == 1 { &self.averaged } else { &self.own };
            // A part that one of the two does not have says nothing.
            sum += table[part].get(usize::from(pair.pattern.0[part])).copied().unwrap_or(0.0);
        }
        sum
    }
}

/// The probability of these odds.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odds_are_those_of_the_parts_by_hand() {
        let mut matched = expected();
        let mut random = [[0.0; LEVELS]; PARTS];
        // Sex: 0.9 of matches agree, and 0.5 of random pairs.
        (matched[3], random[3]) = ([0.1, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0; LEVELS]);
        (random[3][0], random[3][1]) = (0.5, 0.5);
        let weights = Weights { matched, random, share: 0.01, rounds: 1, converged: true };
        let pattern = Pattern([MISSING, MISSING, MISSING, 1, MISSING, MISSING]);
        // One pair in 100 is a match; 1.8 times as likely with one sex: 1.8 / 99.
        let pair = Pair {
            left: 0,
            right: 0,
            keys: 0,
            pattern,
            averaged: 1 << 3,
            own: 0.0,
            is_forbidden: false,
        };
        let odds = weights.all_log_odds(&[pair])[0].exp();
        assert!((odds - 1.8 / 99.0).abs() < 1e-12, "{odds}");
        // A surname that one record in 400 has, in three quarters of matches.
        let mut weights = weights;
        weights.matched[1][5] = 0.75;
        let pair = Pair {
            pattern: Pattern([MISSING, 5, MISSING, 1, MISSING, MISSING]),
            own: (1.0_f64 / 400.0).ln(),
            ..pair
        };
        let odds = weights.all_log_odds(&[pair])[0].exp();
        assert!((odds - 1.8 / 99.0 * 0.75 * 400.0).abs() < 1e-9, "{odds}");
        let probability = probability(odds.ln());
        assert!((probability - odds / (1.0 + odds)).abs() < 1e-12);
    }

    #[test]
    fn with_no_pair_the_expectation_stands() {
        let average = [[1.0 / LEVELS as f64; LEVELS]; PARTS];
        let chances = Chances::of_averages(average);
        let weights = Weights::estimate(&[], &chances, 1_000.0, 10.0);
        let pairs = weights.matched.iter().flatten().zip(expected().into_iter().flatten());
        assert!(pairs.into_iter().all(|(one, other)| (one - other).abs() < 1e-12));
        assert!(weights.share < 0.001 && weights.converged);
    }
}
