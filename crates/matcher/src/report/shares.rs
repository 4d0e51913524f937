//! Shares with their intervals, and how unlike two groups are.

use serde::Serialize;

use super::hiding::Pair;

/// The 97.5th percentile of the normal distribution: for intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// The share, between 0 and 1.
    pub share: f64,
    /// The lower end of the interval of 95 %, after Wilson 1927.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Share {
    /// `part` of `all`; none of nothing.
    pub fn of(part: u64, all: u64) -> Option<Self> {
        if all == 0 {
            return None;
        }
        let (share, n) = (part as f64 / all as f64, all as f64);
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        // At the ends the interval ends where the share is, whatever rounding says.
        let low = if part == 0 { 0.0 } else { (middle - half) / scale };
        let high = if part == all { 1.0 } else { (middle + half) / scale };
        Some(Self { share, low, high })
    }
}

/// How unlike the two parts are in a column, over all of its values: the standardised difference of Yang and Dalton 2012,
/// the distance of the two distributions by the mean of their covariances. With two values it is the difference
/// of the shares by the root of the mean of their variances. None of one value, and where one part is empty or no value is in
/// both.
pub(crate) fn difference(values: &[Pair]) -> Option<f64> {
    let all = Pair::sum(values.iter().copied());
    if all.part == 0 || all.rest == 0 {
        return None;
    }
    let shares: Vec<(f64, f64)> = (values.iter().filter(|pair| pair.size() > 0))
        .map(|pair| (pair.part as f64 / all.part as f64, pair.rest as f64 / all.rest as f64))
        .collect();
    // The last value's share follows from the others'; of one value alone nothing can be compared.
    let free = shares.len().checked_sub(1).filter(|free| *free > 0)?;
    let apart: Vec<f64> = shares[..free].iter().map(|(a, b)| a - b).collect();
    let spread = |i: usize, j: usize| {
        let (a, b) = (shares[i], shares[j]);
        match i == j {
            true => (a.0 * (1.0 - a.0) + a.1 * (1.0 - a.1)) / 2.0,
            false => -(a.0 * b.0 + a.1 * b.1) / 2.0,
        }
    };
    let matrix: Vec<Vec<f64>> =
        (0..free).map(|i| (0..free).map(|j| spread(i, j)).collect()).collect();
    let solved = solve(matrix, apart.clone())?;
    let square: f64 = apart.iter().zip(solved).map(|(a, b)| a * b).sum();
    Some(square.max(0.0).sqrt())
}

/// Solves a symmetric system by elimination with the greatest pivot; none where it is singular.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-12 {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        let (above, below) = matrix.split_at_mut(column + 1);
        let of_pivot = &above[column];
        for (row, more) in below.iter_mut().zip(column + 1..) {
            let factor = row[column] / of_pivot[column];
            for (cell, of_pivot) in row.iter_mut().zip(of_pivot).skip(column) {
                *cell -= factor * of_pivot;
            }
            right[more] -= factor * right[column];
        }
    }
    for column in (0..n).rev() {
        let known: f64 = (column + 1..n).map(|other| matrix[column][other] * right[other]).sum();
        right[column] = (right[column] - known) / matrix[column][column];
    }
    Some(right)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    fn pairs(of: &[(u64, u64)]) -> Vec<Pair> {
        of.iter().map(|(part, rest)| Pair { part: *part, rest: *rest }).collect()
    }

    /// Those of Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    #[test]
    fn an_interval_is_as_published() {
        let near = |(part, all): (u64, u64), expected: [f64; 2]| {
            let Share { low, high, .. } = Share::of(part, all).unwrap();
            for (is, should) in [low, high].into_iter().zip(expected) {
                assert!((is - should).abs() < 5e-5, "{part} of {all}: {is} for {should}");
            }
        };
        near((81, 263), [0.2553, 0.3662]);
        near((15, 148), [0.0624, 0.1605]);
        near((0, 20), [0.0, 0.1611]);
        near((1, 29), [0.0061, 0.1718]);
        assert_eq!(Share::of(20, 20).unwrap().high, 1.0);
        assert_eq!(Share::of(0, 0), None);
    }

    #[test]
    fn the_difference_of_two_values_is_that_of_the_shares_by_their_spread() {
        let (a, b): (f64, f64) = (0.7, 0.45);
        let expected = (a - b).abs() / ((a * (1.0 - a) + b * (1.0 - b)) / 2.0).sqrt();
        let found = difference(&pairs(&[(70, 45), (30, 55)])).unwrap();
        assert!((found - expected).abs() < 1e-9, "{found}");
        // A value without children changes nothing, nor does the order of the values.
        let found = difference(&pairs(&[(0, 0), (30, 55), (70, 45)])).unwrap();
        assert!((found - expected).abs() < 1e-9, "{found}");
    }

    #[test]
    fn the_difference_of_several_values_is_the_distance_of_the_distributions() {
        let found = difference(&pairs(&[(50, 20), (30, 40), (20, 40)])).unwrap();
        assert!((found - by_adjugate()).abs() < 1e-9, "{found}");
        assert_eq!(difference(&pairs(&[(50, 20), (50, 20)])), Some(0.0));
        assert_eq!(difference(&pairs(&[(50, 0)])), None);
        assert_eq!(difference(&pairs(&[(50, 20)])), None);
        assert_eq!(difference(&pairs(&[(50, 0), (0, 20)])), None, "nothing is in both");
    }

    /// The same by the inverse of a matrix of two rows.
    fn by_adjugate() -> f64 {
        let (p, q): ([f64; 2], [f64; 2]) = ([0.5, 0.3], [0.2, 0.4]);
        let spread = |i: usize| (p[i] * (1.0 - p[i]) + q[i] * (1.0 - q[i])) / 2.0;
        let (a, c, b) = (spread(0), spread(1), -(p[0] * p[1] + q[0] * q[1]) / 2.0);
        let (x, y) = (p[0] - q[0], p[1] - q[1]);
        ((c * x * x - 2.0 * b * x * y + a * y * y) / (a * c - b * b)).sqrt()
    }
}
