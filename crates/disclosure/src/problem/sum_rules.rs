//! When a sum says too much about one of those who contribute to it, and how far it must stay uncertain.
//!
//! Rules and protection levels as in Hundepool et al., *Statistical Disclosure Control* (Wiley, 2012),
//! chapter 4. A contributor is a child, or whoever holds the records (a school).

use serde::{Deserialize, Serialize};

/// The (n, k) rule: a sum is unsafe where its `n` largest contributions are more than `k` percent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dominance {
    /// How many contributions are added up.
    pub n: usize,
    /// Percent of the sum, from 1 to 100.
    pub k: u32,
}

/// Which sums are unsafe. A rule that is none is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SumRules {
    /// The (n, k) rule.
    pub dominance: Option<Dominance>,
    /// The p % rule: a sum is unsafe where the second largest contributor, who knows their own part, can
    /// work out the largest to within this many percent.
    pub p_percent: Option<u32>,
    /// A sum needs this many contributors.
    pub contributors: Option<u64>,
}

/// The parts that one sum is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contributions {
    /// The sum.
    pub total: u64,
    /// The largest contributions, largest first: as many as [`SumRules::largest`] asks for, or all.
    pub largest: Vec<u64>,
    /// How many contribute anything.
    pub contributors: u64,
}

impl Contributions {
    /// The largest contributions, so many of them, added up.
    fn top(&self, n: usize) -> u64 {
        self.largest.iter().take(n).sum()
    }
}

impl SumRules {
    /// How many of the largest contributions the rules look at.
    pub fn largest(&self) -> usize {
        self.dominance.map_or(2, |rule| rule.n.max(2))
    }

    /// By how much an attacker must be unsure of the sum, either way; none where it is safe.
    ///
    /// A sum of nothing is safe: one who contributes nothing is no contributor.
    pub fn protection_level(&self, of: &Contributions) -> Option<u64> {
        if of.contributors == 0 {
            return None;
        }
        let dominance = self.dominance.and_then(|Dominance { n, k }| {
            let (top, k) = (u128::from(of.top(n)) * 100, u128::from(k));
            (top > u128::from(of.total) * k).then(|| top.div_ceil(k) - u128::from(of.total))
        });
        let p_percent = self.p_percent.and_then(|p| {
            let largest = u128::from(of.top(1)) * u128::from(p);
            let rest = u128::from(of.total - of.top(2).min(of.total)) * 100;
            (largest > rest).then(|| (largest - rest).div_ceil(100))
        });
        // Each that is missing could contribute one at least.
        let missing = self.contributors.and_then(|least| least.checked_sub(of.contributors));
        let too_few = missing.filter(|missing| *missing > 0).map(u128::from);
        let distances = dominance.into_iter().chain(p_percent).chain(too_few);
        distances
            .max()
            .map(|protection_level| u64::try_from(protection_level).unwrap_or(u64::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[u64]) -> Contributions {
        let mut largest = parts.to_vec();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        let contributors = parts.iter().filter(|part| **part > 0).count() as u64;
        Contributions { total: parts.iter().sum(), largest, contributors }
    }

    #[test]
    fn two_that_hold_most_dominate() {
        let rules = SumRules { dominance: Some(Dominance { n: 2, k: 85 }), ..SumRules::default() };
        // 90 of 100: to be 85 % the sum would have to be 105.88.
        assert_eq!(rules.protection_level(&of(&[60, 30, 6, 4])), Some(6));
        assert_eq!(rules.protection_level(&of(&[50, 35, 10, 5])), None);
    }

    #[test]
    fn the_second_must_not_work_out_the_first() {
        let rules = SumRules { p_percent: Some(10), ..SumRules::default() };
        // The second knows 100 ± 4: within 10 %. Six more would make it 10.
        assert_eq!(rules.protection_level(&of(&[100, 50, 3, 1])), Some(6));
        assert_eq!(rules.protection_level(&of(&[100, 50, 6, 4])), None);
        assert_eq!(rules.protection_level(&of(&[7])), Some(1));
    }

    #[test]
    fn as_many_are_looked_at_as_the_rule_names_and_two_at_least() {
        let of = |n| SumRules { dominance: Some(Dominance { n, k: 85 }), ..SumRules::default() };
        assert_eq!([1, 2, 3].map(|n| of(n).largest()), [2, 2, 3]);
        assert_eq!(SumRules::default().largest(), 2);
    }

    #[test]
    fn few_contributors_are_too_few() {
        let rules = SumRules { contributors: Some(3), ..SumRules::default() };
        assert_eq!(rules.protection_level(&of(&[5, 5])), Some(1));
        assert_eq!(rules.protection_level(&of(&[1, 0, 0])), Some(2));
        assert_eq!(rules.protection_level(&of(&[5, 5, 5])), None);
        assert_eq!(rules.protection_level(&of(&[0, 0])), None);
    }
}
