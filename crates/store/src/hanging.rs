//! Which rows with nobody's own number leave with those of a person. A disposal and a later delivery ask the same rule.

use std::{collections::HashSet, hash::Hash};

/// Numbers of rows and cases, and units, by which rows hang on rows about persons.
#[derive(Debug, Clone)]
pub struct HangingNumbers<N> {
    /// Numbers in rows that stay.
    pub alive: HashSet<N>,
    /// Numbers in rows that leave.
    pub dead: HashSet<N>,
    /// Units of rows that leave.
    pub dead_units: HashSet<u32>,
}

impl<N> Default for HangingNumbers<N> {
    fn default() -> Self {
        Self { alive: HashSet::new(), dead: HashSet::new(), dead_units: HashSet::new() }
    }
}

impl<N: Copy + Eq + Hash> HangingNumbers<N> {
    /// Whether a row with these numbers and this unit hangs on rows that leave, and on none that stays.
    pub fn leaves(&self, beside: &[N], unit: Option<u32>) -> bool {
        let is_dead = beside.iter().any(|number| self.dead.contains(number))
            || unit.is_some_and(|unit| self.dead_units.contains(&unit));
        is_dead && !beside.iter().any(|number| self.alive.contains(number))
    }

    /// Follows chains of hanging rows: first what hangs on rows that stay, then what hangs on rows that leave, and on none of these.
    pub fn settle<'a>(&mut self, rows: impl Iterator<Item = (&'a [N], Option<u32>)> + Clone)
    where
        N: 'a,
    {
        loop {
            let before = self.alive.len();
            for (beside, _) in rows.clone() {
                if beside.iter().any(|number| self.alive.contains(number)) {
                    self.alive.extend(beside);
                }
            }
            if self.alive.len() == before {
                break;
            }
        }
        loop {
            let before = self.dead.len();
            for (beside, unit) in rows.clone() {
                if self.leaves(beside, unit) {
                    self.dead.extend(beside);
                }
            }
            if self.dead.len() == before {
                break;
            }
        }
    }
}
