//! Columns that follow from each other for every child: sessions missed with leave and without it are the sessions
//! missed.

use std::collections::BTreeSet;

use minster_model::{ColumnName, TableName};

use crate::{
    definition::release_definition::Definition,
    derived::linked::Linked,
    error::AggregateError,
    tabulate::{column_values, contributions::Measured, tables},
};

/// Columns of which one follows from the others for every child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependence {
    pub(crate) columns: BTreeSet<ColumnName>,
    /// A sum of two others, where that is what it is.
    pub(crate) addition: Option<Addition>,
}

/// A column that is, for every child, the sum of two others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addition {
    pub(crate) sum: ColumnName,
    pub(crate) parts: [ColumnName; 2],
}

/// A large prime: numbers are reckoned modulo it, so that none overflows. A dependence holds then too; one that does
/// not hold is taken for one in a case out of more than 10^18.
const PRIME: u128 = (1 << 61) - 1;

/// Looks through the children of a definition for columns among these that follow from each other, in one pass.
///
/// # Errors
/// As [`tables::tabulate`].
pub(crate) fn find(
    definition: &Definition,
    columns: &BTreeSet<&ColumnName>,
    dataset: &Linked<'_>,
    children: &TableName,
) -> Result<Vec<Dependence>, AggregateError> {
    if columns.len() < 2 {
        return Ok(Vec::new());
    }
    let columns: Vec<&ColumnName> = columns.iter().copied().collect();
    // Each column times each: columns follow from each other as their products do.
    let mut products = vec![vec![0u128; columns.len()]; columns.len()];
    let conditions = definition.conditions.iter().map(|of| of.column.as_str());
    let read = columns.iter().map(|of| of.as_str()).chain(conditions).collect();
    tables::each_batch(definition, dataset, children, &read, |batch| {
        let amounts = columns
            .iter()
            .map(|column| column_values::amounts(batch, column))
            .collect::<Result<Vec<_>, _>>()?;
        for (row, one) in products.iter_mut().zip(&amounts) {
            for (product, other) in row.iter_mut().zip(&amounts) {
                let both = one.iter().zip(other);
                let of_batch = both.map(|(a, b)| u128::from(*a) * u128::from(*b) % PRIME);
                *product = (*product + of_batch.sum::<u128>()) % PRIME;
            }
        }
        Ok(())
    })?;
    let name = |place: usize| columns[place].clone();
    let dependence = |places: BTreeSet<usize>| {
        let three: Vec<usize> = places.iter().copied().collect();
        let addition = addition(&products, &three)
            .map(|(sum, parts)| Addition { sum: name(sum), parts: parts.map(name) });
        Dependence { columns: places.into_iter().map(name).collect(), addition }
    };
    Ok(dependent(products.clone()).into_iter().map(dependence).collect())
}

/// Leaves out the columns that a definition does not show and from which, with others, nothing follows that it shows.
pub(crate) fn keep_needed(
    definition: &Definition,
    measured: &mut [Measured],
    dependences: &[Dependence],
) {
    let mut needed: BTreeSet<ColumnName> = definition.summed_columns().cloned().collect();
    loop {
        let before = needed.len();
        for Dependence { columns, .. } in dependences {
            if columns.iter().any(|column| needed.contains(column)) {
                needed.extend(columns.iter().cloned());
            }
        }
        if needed.len() == before {
            break;
        }
    }
    measured.iter_mut().for_each(|of| of.sums.retain(|column, _| needed.contains(column)));
}

/// The sum among three columns, and its parts, if one is the sum of the other two: then what it is more than they are is
/// nothing, times itself.
fn addition(products: &[Vec<u128>], three: &[usize]) -> Option<(usize, [usize; 2])> {
    let &[a, b, c] = three else { return None };
    let is_sum = |(sum, [one, other]): &(usize, [usize; 2])| {
        let of = |first: usize, second: usize| products[first][second];
        let squares = of(*sum, *sum) + of(*one, *one) + of(*other, *other) + 2 * of(*one, *other);
        let mixed = 2 * (of(*sum, *one) + of(*sum, *other));
        squares % PRIME == mixed % PRIME
    };
    [(a, [b, c]), (b, [a, c]), (c, [a, b])].into_iter().find(is_sum)
}

/// The sets of columns that follow from each other, by the matrix of their products: Gaussian elimination. A column of
/// nothing follows from none.
fn dependent(mut matrix: Vec<Vec<u128>>) -> Vec<BTreeSet<usize>> {
    let size = matrix.len();
    let nothing: Vec<bool> = (0..size).map(|place| matrix[place][place] == 0).collect();
    let mut pivots: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    for column in (0..size).filter(|&column| !nothing[column]) {
        let is_free = |row: &usize| pivots.iter().all(|(of, _)| of != row);
        let pivot = (0..size).filter(is_free).find(|&row| matrix[row][column] != 0);
        let Some(pivot) = pivot else {
            let of = pivots.iter().filter(|(row, _)| matrix[*row][column] != 0);
            found.push(of.map(|(_, column)| *column).chain([column]).collect());
            continue;
        };
        let inverse = power(matrix[pivot][column], PRIME - 2);
        matrix[pivot].iter_mut().for_each(|value| *value = *value * inverse % PRIME);
        let row = matrix[pivot].clone();
        for (_, other) in matrix.iter_mut().enumerate().filter(|(number, _)| *number != pivot) {
            let times = other[column];
            for (value, of_pivot) in other.iter_mut().zip(&row) {
                *value = (*value + (PRIME - times) * of_pivot) % PRIME;
            }
        }
        pivots.push((pivot, column));
    }
    found
}

fn power(mut base: u128, mut exponent: u128) -> u128 {
    let mut product = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = product * base % PRIME;
        }
        base = base * base % PRIME;
        exponent >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each column times each.
    fn products(columns: &[&[u128]]) -> Vec<Vec<u128>> {
        let product = |one: &[u128], other: &[u128]| -> u128 {
            one.iter().zip(other).map(|(a, b)| a * b).sum::<u128>() % PRIME
        };
        let row = |one: &&[u128]| columns.iter().map(|other| product(one, other)).collect();
        columns.iter().map(row).collect()
    }

    /// The dependent sets among columns of numbers.
    fn of(columns: &[&[u128]]) -> Vec<Vec<usize>> {
        let found = dependent(products(columns));
        found.into_iter().map(|of| of.into_iter().collect()).collect()
    }

    #[test]
    fn columns_that_follow_from_others_are_found() {
        let (a, b, c): (&[u128], &[u128], &[u128]) =
            (&[3, 0, 5, 9, 1], &[1, 1, 4, 0, 2], &[0, 7, 7, 2, 2]);
        let sum = |columns: &[&[u128]]| -> Vec<u128> {
            (0..5).map(|row| columns.iter().map(|column| column[row]).sum()).collect()
        };
        assert_eq!(of(&[a, b, c]), Vec::<Vec<usize>>::new());
        assert_eq!(of(&[a, b, &sum(&[a, b]), c]), [vec![0, 1, 2]]);
        assert_eq!(of(&[&sum(&[a, b, c]), a, b, c]), [vec![0, 1, 2, 3]]);
        assert_eq!(of(&[a, b, a]), [vec![0, 2]]);
        let double: Vec<u128> = b.iter().map(|value| 2 * value).collect();
        assert_eq!(of(&[a, b, &double, c, &sum(&[a, c])]), [vec![1, 2], vec![0, 3, 4]]);
        assert_eq!(of(&[a, &[0; 5], b]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn a_sum_is_told_from_other_dependences() {
        let (a, b): (&[u128], &[u128]) = (&[3, 0, 5, 9, 1], &[1, 1, 4, 0, 2]);
        let sum: Vec<u128> = a.iter().zip(b).map(|(a, b)| a + b).collect();
        let other: Vec<u128> = a.iter().zip(b).map(|(a, b)| 2 * a + b).collect();
        let of = |columns: &[&[u128]]| addition(&products(columns), &[0, 1, 2]);
        assert_eq!(of(&[a, b, &sum]), Some((2, [0, 1])));
        assert_eq!(of(&[&sum, a, b]), Some((0, [1, 2])));
        assert_eq!(of(&[a, b, &other]), None);
        assert_eq!(addition(&products(&[a, a]), &[0, 1]), None);
    }
}
