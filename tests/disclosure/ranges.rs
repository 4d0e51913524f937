//! Every world behind rounded numbers, found by trying: each count that could have been published as the
//! number that was.

use minster_model::table::{CountTable, TableSet};

use crate::alternative_tables;

/// Whether a count could have been published as a number; the first says whether it is an inner cell.
pub type Could<'a> = &'a dyn Fn(bool, u64, u64) -> bool;

/// For every cell of every table, the least and the greatest of some counts.
pub type Ends = Vec<Vec<(u64, u64)>>;

/// Larger than any count that is tried here.
const MOST: u64 = 120;

/// Returns what each number says by itself.
pub fn alone(set: &TableSet, published: &[Vec<u64>], could: Could<'_>) -> Ends {
    let ends = |possible: &Vec<bool>| {
        let mut counts = (0..).zip(possible).filter(|(_, possible)| **possible).map(|(c, _)| c);
        let least = counts.next().unwrap();
        (least, counts.last().unwrap_or(least))
    };
    let all = possible(set, published, could);
    all.iter().map(|of_table| of_table.iter().map(ends).collect()).collect()
}

/// Returns what all numbers say together; none where that takes more than `limit` steps.
pub fn together(
    set: &TableSet,
    published: &[Vec<u64>],
    could: Could<'_>,
    limit: u64,
) -> Option<Ends> {
    let below: Vec<_> = set.tables.iter().map(alternative_tables::below).collect();
    let mut places = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        let cells = (0..table.cell_count()).filter(|&cell| is_inner(table, cell));
        places.extend(cells.map(|cell| (number, cell, below[number][cell][0])));
    }
    let covering = |&(table, _, place): &(usize, usize, usize)| {
        let cells = 0..below[table].len();
        cells.filter(|&cell| below[table][cell].contains(&place)).collect()
    };
    let covering = places.iter().map(covering).collect();
    let sums = below.iter().map(|below| vec![0; below.len()]).collect();
    let possible = possible(set, published, could);
    let most = alone(set, published, could);
    let mut search =
        Search { set, possible, most, places, covering, sums, found: None, steps: 0, limit };
    search.go(0);
    (search.steps <= limit).then_some(search.found).flatten()
}

fn is_inner(table: &CountTable, cell: usize) -> bool {
    let nodes = table.coordinates(cell);
    table.dimensions().iter().zip(nodes).all(|(d, node)| d.leaves().contains(&node))
}

/// For every cell of every table, for every count, whether it could have been published so.
fn possible(set: &TableSet, published: &[Vec<u64>], could: Could<'_>) -> Vec<Vec<Vec<bool>>> {
    let of_table = |(table, published): (&CountTable, &Vec<u64>)| {
        let of_cell = |(cell, &number): (usize, &u64)| {
            let inner = is_inner(table, cell);
            (0..MOST).map(|count| could(inner, count, number)).collect()
        };
        published.iter().enumerate().map(of_cell).collect()
    };
    set.tables.iter().zip(published).map(of_table).collect()
}

struct Search<'a> {
    set: &'a TableSet,
    possible: Vec<Vec<Vec<bool>>>,
    most: Ends,
    /// Each inner cell: its table, its number there, its place among the inner cells.
    places: Vec<(usize, usize, usize)>,
    /// For each, the cells that count it.
    covering: Vec<Vec<usize>>,
    sums: Vec<Vec<u64>>,
    found: Option<Ends>,
    steps: u64,
    limit: u64,
}

impl Search<'_> {
    fn go(&mut self, at: usize) {
        self.steps += 1;
        if self.steps > self.limit {
            return;
        }
        let Some(&(table, cell, _)) = self.places.get(at) else { return self.look() };
        let (low, high) = self.most[table][cell];
        for count in low..=high {
            let mut may = true;
            for &cell in &self.covering[at] {
                self.sums[table][cell] += count;
                may &= self.sums[table][cell] <= self.most[table][cell].1;
            }
            if may {
                self.go(at + 1);
            }
            self.covering[at].iter().for_each(|&cell| self.sums[table][cell] -= count);
        }
    }

    fn look(&mut self) {
        let cells = self.sums.iter().flatten().zip(self.possible.iter().flatten());
        let fits = { cells }.all(|(&sum, possible)| possible[sum as usize]);
        if !fits || !alternative_tables::agree(self.set, &self.sums) {
            return;
        }
        let sums = &self.sums;
        let found = self.found.get_or_insert_with(|| {
            sums.iter().map(|sums| sums.iter().map(|&sum| (sum, sum)).collect()).collect()
        });
        for (known, &sum) in found.iter_mut().flatten().zip(sums.iter().flatten()) {
            *known = (known.0.min(sum), known.1.max(sum));
        }
    }
}
