//! Cell-key perturbation: noise that follows from which children a cell counts.
//!
//! Every child has a record key, a keyed hash that never leaves. A cell's key is the sum of its children's,
//! modulo 2^64, so that it is the same wherever the same children are counted; 16 bits of its hash choose
//! the noise in the row of [`NOISE`] for the cell's count (Fraser & Wooton 2005; Thompson, Broadfoot & Elazar,
//! *Methodology for the automatic confidentialisation of statistical outputs*, UNECE 2013).
//!
//! The sum itself would not do: two cells that differ by one child have sums that differ by that child's key, the same
//! in every such pair of cells, so that their noises go together. Many pairs would give the child away.

use minster_model::{
    CellId, IdVec, NodeId,
    policy::Costs,
    rounding::Rounding,
    table::{CountTable, TableSet},
};
use ring::digest;

use crate::{problem::cells::Cells, rounding::refusal::RoundingRefusal};

/// How often each noise from −5 to +5 is added, in 65,536ths, to a count of 1, of 2, … and in the last row
/// to 10 and more.
///
/// Each row is the distribution of the greatest entropy (Giessing, *Computational issues in the design of
/// transition probabilities and disclosure risk estimation for additive noise*, PSD 2016, as in the R
/// package `ptable`) over the noises that leave 0 or at least 5, with mean 0 and variance 2; where
/// no such noise has so small a variance (counts of 1 to 4), with half more than the least there is.
/// Rounded to whole weights of which none is 0 and the mean is exactly 0.
#[rustfmt::skip]
pub const NOISE: [[u16; 11]; 10] = [
    //−5    −4     −3     −2     −1      0     +1     +2     +3     +4     +5
    [    0,     0,     0,     0, 53521,     0,     0,     0,     0,  6554,  5461],
    [    0,     0,     0, 40378,     0,     0,     0,     0, 20413,  4208,   537],
    [    0,     0, 27282,     0,     0,     0,     0, 33271,  4640,   331,    12],
    [    0, 14183,     0,     0,     0,     0, 46215,  4904,   228,     5,     1],
    [ 4122,     0,     0,     0,     0, 44154, 14249,  2693,   298,    19,     1],
    [    0,     0,     0,     0, 34107, 15086,  7365,  3965,  2355,  1543,  1115],
    [    0,     0,     0, 10299, 15785, 16929, 12691,  6654,  2440,   626,   112],
    [    0,     0,  2250,  7238, 14509, 18113, 14095,  6833,  2064,   388,    46],
    [    0,   350,  1985,  6852, 14398, 18429, 14358,  6813,  1968,   346,    37],
    [   36,   340,  1953,  6806, 14394, 18478, 14394,  6806,  1953,   340,    36],
];

/// How often no children are published as the least number above 0, in 65,536ths: one in 64. So nobody can say of that
/// number that somebody is there, while the cells of a sparse table gain one child in thirteen. The Office for National
/// Statistics perturbs zeros of the 2021 census for the same reason.
const NOISE_ON_NONE: u16 = 1 << 10;

/// Returns the number published for a count whose key is `key`: the sum of the children's record keys or, for no children,
/// what the keys of its categories add up to.
pub fn perturb(count: u64, key: u64) -> u64 {
    let hash = digest::digest(&digest::SHA256, &key.to_be_bytes());
    let chosen = hash.as_ref().first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
    noisy(count, chosen)
}

/// The number published for a count, by the place among 65,536 that chooses its noise.
fn noisy(count: u64, chosen: u16) -> u64 {
    let row = usize::try_from(count).unwrap_or(usize::MAX).min(NOISE.len());
    let Some(weights) = row.checked_sub(1).and_then(|row| NOISE.get(row)) else {
        return if chosen < NOISE_ON_NONE { Rounding::CELL_KEY_THRESHOLD } else { 0 };
    };
    let chosen = u32::from(chosen);
    let below = weights.iter().scan(0u32, |sum, &weight| {
        *sum += u32::from(weight);
        Some(*sum)
    });
    // The weights sum to one for each key, so that some noise is always chosen.
    let noise = below.take_while(|&sum| sum <= chosen).count() as u64;
    (count + noise).saturating_sub(Rounding::CELL_KEY_MAXIMUM)
}

/// Perturbs every cell. `keys` holds one list a table, one sum of record keys an inner cell; for a table
/// that was published before, nothing is read.
pub(crate) fn perturb_all(
    set: &TableSet,
    keys: &[Vec<u64>],
) -> Result<Vec<Vec<u64>>, RoundingRefusal> {
    if set.policy.threshold > Rounding::CELL_KEY_THRESHOLD {
        return Err(RoundingRefusal::Threshold);
    }
    let fits = keys.len() == set.tables.len()
        && set.tables.iter().zip(keys).all(|(table, keys)| {
            table.published_pattern().is_some() || table.inner().len() == keys.len()
        });
    if !fits {
        return Err(RoundingRefusal::Keys);
    }
    let tables = set.tables.iter().zip(keys);
    let cell_keys: Vec<Vec<u64>> = tables
        .map(|(table, keys)| match table.published_pattern() {
            Some(_) => vec![0; table.cell_count()],
            None => table.key_sums(keys),
        })
        .collect();
    same_children_same_key(set, cell_keys.iter().flatten().copied().collect())?;
    let perturbed = set.tables.iter().zip(keys).zip(cell_keys).map(|((table, inner), keys)| {
        if table.published_pattern().is_some() {
            return Vec::new();
        }
        let known = table.known_zero_cells();
        let categories = CategoryKeys::of(table, inner);
        let cells = table.cell_counts().into_iter().zip(known).zip(keys).enumerate();
        let number = |(cell, ((count, is_known_zero), key))| match count {
            0 if is_known_zero => 0,
            0 => categories.of_none(table, cell).map_or(0, |key| perturb(0, key)),
            count => perturb(count, key),
        };
        cells.map(number).collect()
    });
    Ok(perturbed.collect())
}

/// The record keys of everyone in each category of each dimension, added up: the keys of cells without children are made
/// of them, so that they are the same in every table of the same children, and as secret as the children's.
struct CategoryKeys {
    everyone: u64,
    /// By dimension and node.
    keys: Vec<IdVec<NodeId, u64>>,
}

impl CategoryKeys {
    /// `keys` has one sum an inner cell.
    fn of(table: &CountTable, keys: &[u64]) -> Self {
        let nodes = table.dimensions().iter();
        let nodes = nodes.map(|dimension| vec![0; dimension.node_count()].into());
        let (mut of, mut everyone) = (nodes.collect::<Vec<IdVec<NodeId, u64>>>(), 0u64);
        for (inner, &key) in keys.iter().enumerate() {
            for (place, (dimension, of)) in table.dimensions().iter().zip(&mut of).enumerate() {
                for &node in dimension.above(table.leaf(place, inner)) {
                    of[node] = of[node].wrapping_add(key);
                }
            }
            everyone = everyone.wrapping_add(key);
        }
        Self { everyone, keys: of }
    }

    /// The key of a cell without children. A category that everyone is in does not count. There is none where one of
    /// the categories has nobody at all: the same noise everywhere would hide that no better.
    fn of_none(&self, table: &CountTable, cell: usize) -> Option<u64> {
        let nodes = table.coordinates(cell);
        let keys = self.keys.iter().zip(nodes).map(|(of, node)| of[node]);
        let apart = keys.filter(|key| *key != self.everyone);
        apart
            .map(|key| (key != 0).then_some(key))
            .try_fold(0, |sum: u64, key| Some(sum.wrapping_add(key?)))
    }
}

/// Refuses keys that do not add up to the same where two tables count the same children.
fn same_children_same_key(set: &TableSet, keys: IdVec<CellId, u64>) -> Result<(), RoundingRefusal> {
    let cells = Cells::new(set, Costs::default());
    let agrees = cells.relations.iter().all(|relation| {
        let sum = relation.terms.iter().fold(0u64, |sum, &(cell, sign)| {
            let key = keys[cell];
            if sign > 0.0 { sum.wrapping_add(key) } else { sum.wrapping_sub(key) }
        });
        sum == 0 || !relation.terms.iter().all(|&(cell, _)| !cells.was_published_before(cell))
    });
    if agrees { Ok(()) } else { Err(RoundingRefusal::Keys) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One for each value of a cell key's 16 highest bits.
    const WEIGHTS: u32 = 1 << 16;
    const NOISES: std::ops::RangeInclusive<i64> = -5..=5;

    #[test]
    fn the_noise_table_is_what_its_rule_says() {
        for (row, weights) in NOISE.iter().enumerate() {
            let count = row as i64 + 1;
            assert_eq!(weights.iter().map(|&weight| u32::from(weight)).sum::<u32>(), WEIGHTS);
            let moment = |power: u32| -> i64 {
                NOISES.zip(weights).map(|(noise, &w)| noise.pow(power) * i64::from(w)).sum()
            };
            assert_eq!(moment(1), 0, "the mean for {count}");
            for (noise, &weight) in NOISES.zip(weights) {
                let left = count + noise;
                let permitted = left == 0 || left >= Rounding::CELL_KEY_THRESHOLD as i64;
                assert_eq!(weight > 0, permitted, "{noise} on {count}");
            }
            let variance = moment(2) as f64 / f64::from(WEIGHTS);
            // Two permitted noises next to 0, one below and one above, have the least variance.
            let least = if count < 5 { count * (5 - count) } else { 0 };
            let wanted = if least == 0 { 2.0 } else { least as f64 + 0.5 };
            assert!((variance - wanted).abs() < 0.001, "{variance} for {count}");
        }
    }

    #[test]
    fn each_row_has_the_greatest_entropy() {
        // Such a distribution is exp(a + b·noise + c·noise²): its logarithm is a parabola. Weights that
        // whole numbers can hardly tell apart are left out.
        for weights in &NOISE {
            let large: Vec<(f64, f64)> = NOISES
                .zip(weights)
                .filter(|(_, weight)| **weight > 200)
                .map(|(noise, &weight)| (noise as f64, f64::from(weight).ln()))
                .collect();
            let [x, y, z] = [large[0], large[1], large[large.len() - 1]];
            let slope = |p: (f64, f64), q: (f64, f64)| (q.1 - p.1) / (q.0 - p.0);
            let curve = (slope(y, z) - slope(x, y)) / (z.0 - x.0);
            for &(noise, ln) in &large {
                let on = x.1 + slope(x, y) * (noise - x.0) + curve * (noise - x.0) * (noise - y.0);
                assert!((on - ln).abs() < 0.02, "{weights:?} at {noise}");
            }
        }
    }

    #[test]
    fn every_place_finds_the_noise_of_its_weight() {
        for count in [1, 4, 5, 10, 1_000] {
            let mut found = [0u16; 11];
            for chosen in 0..=u16::MAX {
                let noise = noisy(count, chosen) + 5 - count;
                found[noise as usize] += 1;
            }
            assert_eq!(found, NOISE[(count as usize).min(10) - 1]);
        }
        let of_none = (0..=u16::MAX).filter(|&chosen| noisy(0, chosen) == 5).count();
        assert_eq!(of_none, usize::from(NOISE_ON_NONE));
    }

    /// How noises of pairs of cells go together that differ by one child, the same in each pair: 1 where they are equal.
    #[test]
    fn noises_of_cells_that_differ_by_one_child_do_not_go_together() {
        const PAIRS: u64 = 20_000;
        let key = |child: u64| child.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let noise = |key: u64| perturb(100, key) as f64 - 100.0;
        // A child whose key is small moves the sum least.
        for child in [1, 1 << 20, 1 << 40, 1 << 60] {
            let pairs =
                (0..PAIRS).map(|cell| (noise(key(cell)), noise(key(cell).wrapping_add(child))));
            let both: f64 = pairs.map(|(one, other)| one * other).sum();
            // The variance of the noise is 2, and its mean 0.
            let correlation = both / PAIRS as f64 / 2.0;
            assert!(correlation.abs() < 0.04, "{correlation} for {child}");
        }
    }

    /// Three children are in every second of so many pairs of cells, and the differences are averaged.
    #[test]
    fn the_numbers_that_a_child_may_be_in_average_to_no_truth() {
        const GROUPS: u64 = 4_000;
        let key = |child: u64| child.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let found = |pairs: u64| {
            let right = (0..GROUPS).filter(|group| {
                let three = key(group << 20);
                let difference = |pair: u64| {
                    let crowd = key((group << 20) + pair + 1);
                    let with = perturb(103, crowd.wrapping_add(three));
                    with as f64 - perturb(100, crowd) as f64
                };
                let sum: f64 = (0..pairs).map(difference).sum();
                (sum / pairs as f64).round() as i64 == 3
            });
            right.count() as f64 / GROUPS as f64
        };
        let permitted = found(Rounding::CELL_KEY_NUMBERS);
        assert!(permitted < 0.65, "found in {permitted} of the cases");
        // Without the bound it comes out: this is why there is one.
        assert!(found(100) > 0.97);
    }
}
