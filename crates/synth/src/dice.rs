//! Chance that depends on nothing but the seed and what it is rolled for.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The subject of a roll. Each subject has a stream of its own, so that a change to one source leaves
/// the others as they were.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Family = 1,
    Child,
    Census,
    Attendance,
    LookedAfter,
    InNeed,
    Sen2,
    EarlyHelp,
    Missing,
    SecondNumber,
    FileEnd,
    Detail,
    Pupil,
    Left,
    Referrals,
    CareEpisodes,
    Request,
    Hard,
    Safeguarding,
}

/// A stream of chance.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for one subject and its number (a family, a child, a file).
    pub(crate) fn new(seed: u64, subject: Subject, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(subject as u64).to_le_bytes());
        key[16..24].copy_from_slice(&number.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number between two, both included.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below(u64::from(high.abs_diff(low)) + 1) as i32
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, rate: f64) -> bool {
        self.unit() < rate
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of several by weight.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: u32 = from.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(u64::from(total)) as u32;
        for (item, weight) in from {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *item,
            }
        }
        from[0].0
    }
}
