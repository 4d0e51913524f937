//! How often two persons agree by chance: of each value where it can be counted, else on the average of random pairs.

use std::collections::HashMap;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;

use crate::{
    compare::{
        Agreed, Comparer, LEVELS, MISSING, NAMES, Pattern, date, dates, name, names, postcode,
        postcodes,
    },
    record::{BirthDate, KeyedValue, Name, PARTS, Postcode},
    tables::{BIRTH_DATE, FORENAME, POSTCODE, SURNAME, Side, Values},
};

/// A spelling with letters less that more values share than this tells too little: the average stands for it. So the work
/// per value has a bound.
const MOST_SHARING: usize = 500;

/// The share of records with each value, of those that have the part.
pub(crate) struct Frequencies([Vec<f64>; PARTS]);

impl Frequencies {
    pub(crate) fn of(&self, part: usize, value: u32) -> f64 {
        self.0[part][value as usize]
    }

    pub(crate) fn new(values: &Values<'_>, sides: &[Side]) -> Self {
        Self(std::array::from_fn(|part| {
            let mut counts = vec![0_u32; values.count(part)];
            let mut having = 0_u32;
            for side in sides {
                for record in 0..side.len() {
                    let of_part = side.part(record, part);
                    having += u32::from(!of_part.is_empty());
                    of_part.iter().for_each(|value| counts[*value as usize] += 1);
                }
            }
            let all = f64::from(having.max(1));
            counts.into_iter().map(|count| f64::from(count) / all).collect()
        }))
    }
}

/// For each value and level, the share of records that agree with it at this level.
struct OwnFrequencies {
    shares: Vec<[f64; LEVELS]>,
}

/// The chances of random agreement.
pub(crate) struct Chances {
    /// One for each part and level, over random pairs.
    pub(crate) average: [[f64; LEVELS]; PARTS],
    own: [Option<OwnFrequencies>; PARTS],
}

/// Features that two values of a kind may have in common, for shares of their own.
trait Near {
    /// The level of equal values.
    const WHOLE: u8;
    /// The other levels whose two values share one of [`Near::spellings`].
    const NEAR: &'static [u8];
    /// The level of values that share one of [`Near::coarse`] and no closer level.
    const COARSE: Option<u8>;
    /// Keyed values of which two near values share one.
    fn spellings(&self) -> Vec<KeyedValue>;
    /// Features that many values have in common.
    fn coarse(&self) -> &[KeyedValue];
    /// The level at which two agree.
    fn level(&self, other: &Self) -> u8;
}

impl Near for Name {
    const WHOLE: u8 = name::WHOLE;
    // Names two letters apart are many and cost much to count; for these the average stands.
    const NEAR: &'static [u8] = &[name::ONE_LESS];
    const COARSE: Option<u8> = Some(name::SOUND);

    fn spellings(&self) -> Vec<KeyedValue> {
        self.one_less.clone()
    }

    fn coarse(&self) -> &[KeyedValue] {
        &self.sounds
    }

    fn level(&self, other: &Self) -> u8 {
        names(self, other)
    }
}

impl Near for BirthDate {
    const WHOLE: u8 = date::WHOLE;
    const NEAR: &'static [u8] = &[date::SWAPPED, date::ONE_LESS];
    const COARSE: Option<u8> = None;

    fn spellings(&self) -> Vec<KeyedValue> {
        self.one_less.iter().copied().chain([self.whole]).chain(self.swapped).collect()
    }

    fn coarse(&self) -> &[KeyedValue] {
        &[]
    }

    fn level(&self, other: &Self) -> u8 {
        dates(self, other)
    }
}

impl Near for Postcode {
    const WHOLE: u8 = postcode::UNIT;
    const NEAR: &'static [u8] = &[postcode::ONE_LESS];
    const COARSE: Option<u8> = Some(postcode::SECTOR);

    fn spellings(&self) -> Vec<KeyedValue> {
        self.one_less.clone()
    }

    fn coarse(&self) -> &[KeyedValue] {
        self.sector.as_slice()
    }

    fn level(&self, other: &Self) -> u8 {
        postcodes(self, other)
    }
}

impl OwnFrequencies {
    fn new<T: Near + Sync>(values: &[&T], frequency: impl Fn(u32) -> f64 + Sync) -> Self {
        let mut sharing: Vec<(KeyedValue, u32)> = Vec::new();
        let mut coarse: HashMap<KeyedValue, f64> = HashMap::new();
        for (place, value) in values.iter().enumerate() {
            sharing.extend(value.spellings().into_iter().map(|keyed| (keyed, place as u32)));
            for keyed in value.coarse() {
                *coarse.entry(*keyed).or_insert(0.0) += frequency(place as u32);
            }
        }
        sharing.par_sort_unstable();
        sharing.dedup();
        let shares = |(place, value): (usize, &&T)| {
            let mut shares = [f64::NAN; LEVELS];
            let mut near = vec![place as u32];
            let mut is_known = true;
            for keyed in value.spellings() {
                let begin = sharing.partition_point(|(other, _)| *other < keyed);
                let of_token = sharing[begin..].iter().take_while(|(other, _)| *other == keyed);
                let before = near.len();
                near.extend(of_token.take(MOST_SHARING).map(|(_, other)| *other));
                is_known &= near.len() - before < MOST_SHARING;
            }
            near.sort_unstable();
            near.dedup();
            let mut found = [0.0; LEVELS];
            let mut of_coarse: f64 = value.coarse().iter().map(|keyed| coarse[keyed]).sum();
            for other in near {
                let share = frequency(other);
                let other = values[other as usize];
                let level = value.level(other);
                found[usize::from(level)] += share;
                if Some(level) != T::COARSE {
                    let in_common = value.coarse().iter().filter(|of| other.coarse().contains(of));
                    of_coarse -= share * in_common.count() as f64;
                }
            }
            shares[usize::from(T::WHOLE)] = found[usize::from(T::WHOLE)];
            if is_known {
                T::NEAR.iter().for_each(|level| {
                    shares[usize::from(*level)] = found[usize::from(*level)];
                });
                if let Some(level) = T::COARSE {
                    shares[usize::from(level)] = of_coarse;
                }
            }
            shares
        };
        Self { shares: values.par_iter().enumerate().map(shares).collect() }
    }
}

impl Chances {
    /// From random pairs and from how often each value stands.
    pub(crate) fn new(comparer: &Comparer<'_>, sides: &[Side], sampled: u32) -> Self {
        let values = comparer.values;
        let frequency = |part| move |value| comparer.frequencies.of(part, value);
        let own = std::array::from_fn(|part| match part {
            FORENAME | SURNAME => Some(OwnFrequencies::new(&values.names, frequency(part))),
            BIRTH_DATE => Some(OwnFrequencies::new(&values.dates, frequency(part))),
            POSTCODE => Some(OwnFrequencies::new(&values.postcodes, frequency(part))),
            _ => None,
        });
        Self { average: averages(comparer, sides, sampled), own }
    }

    #[cfg(test)]
    pub(crate) fn of_averages(average: [[f64; LEVELS]; PARTS]) -> Self {
        Self { average, own: [const { None }; PARTS] }
    }

    /// The chance that two random records agree as these do in a part, and whether it is that of their own values.
    pub(crate) fn of(&self, pattern: Pattern, agreed: &Agreed, part: usize) -> Option<f64> {
        let level = pattern.0[part];
        let (a, b) = agreed[part];
        let own = self.own[part].as_ref()?;
        let share = |value: u32| own.shares[value as usize].get(usize::from(level)).copied();
        let chance = (share(a)? + share(b)?) / 2.0;
        // A difference that rounding leaves is no chance.
        (chance > 1e-12).then_some(chance)
    }

    /// The chance that a random person has the two names of another, in the wrong order or the right one.
    pub(crate) fn swapped(&self, agreed: &Agreed) -> Option<f64> {
        let share = |part: usize, value: u32| {
            let own = self.own[part].as_ref()?;
            Some(own.shares[value as usize][usize::from(name::WHOLE)])
        };
        let (fore, sur) = (agreed[FORENAME], agreed[SURNAME]);
        let one = share(FORENAME, fore.0)? * share(SURNAME, sur.0)?;
        let other = share(FORENAME, sur.1)? * share(SURNAME, fore.1)?;
        Some((one + other) / 2.0)
    }

    /// Takes out of the averages what the matches among random pairs put in: in two small tables these are many.
    pub(crate) fn without_matches(
        &self,
        matched: &[[f64; LEVELS]; PARTS],
        share: f64,
    ) -> [[f64; LEVELS]; PARTS] {
        std::array::from_fn(|part| {
            let levels = NAMES[part].1.len();
            let mut chances = [0.0; LEVELS];
            for level in 0..levels {
                let mixed = self.average[part][level];
                // At least a tenth stays: the share of matches is an estimate itself.
                chances[level] = (mixed - share * matched[part][level]).max(mixed / 10.0);
            }
            let sum: f64 = chances.iter().sum();
            chances.map(|chance| chance / sum)
        })
    }
}

/// For each part, how often random pairs agree at each level. Where there are few pairs, all are taken.
fn averages(comparer: &Comparer<'_>, sides: &[Side], sampled: u32) -> [[f64; LEVELS]; PARTS] {
    let (left, right) = (&sides[0], sides.last().unwrap_or(&sides[0]));
    let is_one = sides.len() == 1;
    let all = left.len() as u64 * right.len() as u64;
    let pairs: Vec<(usize, usize)> = if all <= u64::from(sampled) {
        (0..left.len()).flat_map(|i| (0..right.len()).map(move |j| (i, j))).collect()
    } else {
        // The seed is no secret: the tables are sampled, nobody is hidden by it.
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut below =
            |count: usize| ((u128::from(random.next_u64()) * count as u128) >> 64) as usize;
        (0..sampled).map(|_| (below(left.len()), below(right.len()))).collect()
    };
    let counts: HashMap<Pattern, u64> = pairs
        .par_chunks(1 << 14)
        .map(|chunk| {
            let mut counts = HashMap::new();
            for (i, j) in chunk.iter().filter(|(i, j)| !is_one || i != j) {
                *counts.entry(comparer.compare((left, *i), (right, *j)).0).or_insert(0) += 1;
            }
            counts
        })
        // Whole numbers: their sum is one in any order.
        .reduce(HashMap::new, |mut all, part| {
            part.into_iter().for_each(|(pattern, count)| *all.entry(pattern).or_insert(0) += count);
            all
        });
    std::array::from_fn(|part| {
        let levels = NAMES[part].1.len();
        // Half a pair a level: what was never seen is rare, not impossible.
        let mut chances = [0.0; LEVELS];
        chances[..levels].fill(0.5);
        for (pattern, count) in &counts {
            if pattern.0[part] != MISSING {
                chances[usize::from(pattern.0[part])] += *count as f64;
            }
        }
        let sum: f64 = chances.iter().sum();
        chances.map(|chance| chance / sum)
    })
}
