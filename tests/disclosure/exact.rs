//! Decides by whole-number elimination what follows from published cells by adding and subtracting.

use minster_model::{
    NodeId,
    policy::Zeros,
    table::{CountTable, Pattern, TableSet},
};

use crate::alternative_tables;

/// The cells of all tables as rows over all their inner cells.
pub struct Rows {
    pub of_cell: Vec<Vec<Vec<i128>>>,
    /// All that is known in any case: that tables agree on their first dimension, the totals, and zeros where
    /// the policy publishes them.
    pub known: Vec<Vec<i128>>,
}

pub fn rows(set: &TableSet) -> Rows {
    let width: usize = set.tables.iter().map(|table| table.inner().len()).sum();
    let mut first = 0;
    let (mut of_cell, mut known) = (Vec::new(), Vec::new());
    for table in &set.tables {
        let row = |below: &Vec<usize>| {
            let mut row = vec![0; width];
            below.iter().for_each(|&inner| row[first + inner] = 1);
            row
        };
        let below = alternative_tables::below(table);
        let counts = alternative_tables::sums(table, table.inner());
        let rows: Vec<Vec<i128>> = below.iter().map(row).collect();
        for (cell, row) in rows.iter().enumerate() {
            let is_zero = counts[cell] == 0 && set.policy.zeros == Zeros::Published;
            if is_zero || below[cell].len() == table.inner().len() {
                known.push(row.clone());
            }
        }
        of_cell.push(rows);
        first += table.inner().len();
    }
    if let [one, other] = set.tables.as_slice() {
        let of = |table: &CountTable, number: usize, leaf: usize| {
            let mut nodes = vec![NodeId(0); table.dimensions().len()];
            nodes[0] = table.dimensions()[0].leaves()[leaf];
            of_cell[number][table.cell(&nodes)].clone()
        };
        for leaf in 0..one.dimensions()[0].leaves().len() {
            let (one, other) = (of(one, 0, leaf), of(other, 1, leaf));
            known.push(one.iter().zip(&other).map(|(one, other)| one - other).collect());
        }
    }
    Rows { of_cell, known }
}

impl Rows {
    /// Returns what is known where this is published.
    pub fn span(&self, patterns: &[Pattern]) -> Span {
        let mut span = Span::default();
        self.known.iter().for_each(|row| span.add(row));
        for (rows, pattern) in self.of_cell.iter().zip(patterns) {
            let cells = rows.iter().zip(&pattern.withheld);
            cells.filter(|(_, withheld)| !**withheld).for_each(|(row, _)| span.add(row));
        }
        span
    }

    pub fn span_of_known(&self) -> Span {
        let mut span = Span::default();
        self.known.iter().for_each(|row| span.add(row));
        span
    }
}

/// Whether a primary cell of one large table follows from what is published, for nobody in particular or
/// (`alone`) for someone alone in an inner cell: decided modulo a prime, over the withheld inner cells.
pub fn gives_away(set: &TableSet, pattern: &Pattern, alone: bool) -> bool {
    let table = &set.tables[0];
    let (below, inner) = (alternative_tables::below(table), table.inner());
    let counts = table.cell_counts();
    let is_inner = |cell: usize| {
        let nodes = table.coordinates(cell);
        table.dimensions().iter().zip(&nodes).all(|(d, node)| d.leaves().contains(node))
    };
    let withheld_inner: Vec<usize> = (0..counts.len())
        .filter(|&cell| pattern.withheld[cell] && is_inner(cell))
        .map(|cell| below[cell][0])
        .collect();
    let row = |cell: usize| -> Vec<i128> {
        withheld_inner.iter().map(|place| i128::from(below[cell].contains(place))).collect()
    };
    let mut published = Span { modulus: (1 << 31) - 1, ..Span::default() };
    let shown = (0..counts.len()).filter(|&cell| !pattern.withheld[cell]);
    shown.for_each(|cell| published.add(&row(cell)));
    let primary: Vec<usize> =
        (0..counts.len()).filter(|&cell| set.policy.is_small(counts[cell])).collect();
    let singletons = primary.iter().filter(|&&cell| alone && counts[cell] == 1 && is_inner(cell));
    let mut someone = singletons.map(|&cell| {
        let mut span = published.clone();
        span.add(&row(cell));
        (Some(cell), span)
    });
    let nobody = std::iter::once((None, published.clone()));
    let follows = |(of, span): (Option<usize>, Span)| {
        primary.iter().any(|&cell| {
            let filled: Vec<&usize> =
                below[cell].iter().filter(|&&place| inner[place] > 0).collect();
            let is_own = of.is_some_and(|of| filled == [&below[of][0]]);
            !is_own && span.holds(&row(cell))
        })
    };
    nobody.chain(&mut someone).any(follows)
}

/// All combinations of some rows: rows in echelon form. Exact, with each row divided by what all its
/// numbers share; or modulo a prime.
#[derive(Clone, Default)]
pub struct Span {
    rows: Vec<(usize, Vec<i128>)>,
    /// 0 where it is exact.
    modulus: i128,
}

impl Span {
    pub fn add(&mut self, row: &[i128]) {
        let rest = self.rest(row);
        if let Some(lead) = rest.iter().position(|number| *number != 0) {
            self.rows.push((lead, rest));
        }
    }

    pub fn holds(&self, row: &[i128]) -> bool {
        self.rest(row).iter().all(|number| *number == 0)
    }

    /// Returns what is left of a row, or some multiple of it, without the leads of the others.
    fn rest(&self, row: &[i128]) -> Vec<i128> {
        let mut rest = row.to_vec();
        for (lead, other) in &self.rows {
            let (a, b) = (rest[*lead], other[*lead]);
            if a == 0 {
                continue;
            }
            for (number, other) in rest.iter_mut().zip(other) {
                *number = number.checked_mul(b).unwrap() - other.checked_mul(a).unwrap();
            }
            if self.modulus > 0 {
                rest.iter_mut().for_each(|number| *number = number.rem_euclid(self.modulus));
                continue;
            }
            let shared = rest.iter().fold(0, |shared, number| divisor(shared, number.abs()));
            if shared > 1 {
                rest.iter_mut().for_each(|number| *number /= shared);
            }
        }
        rest
    }
}

fn divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { divisor(b, a % b) }
}
