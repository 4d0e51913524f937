//! Fewer withheld cells than one order of publishing leaves.

use std::collections::HashMap;

use minster_disclosure::building_blocks::{Cells, Withheld};
use minster_model::{CellId, IdVec};

use super::elimination::Elimination;

/// Walks tried for each cell that the first leaves withheld beside the primary ones.
const WALKS_EACH: usize = 12;
/// Steps of elimination after which no further walk is begun.
const STEPS: u64 = 1_000_000_000;

/// The fewest withheld cells found: the dearest cells are published first, or the cheapest, whichever leaves
/// fewer; then, over and over, some withheld cell before all others. A pattern that is no worse is kept. Work
/// is bounded by counted steps, and the same tables give the same pattern.
pub(super) fn fewest(cells: &Cells<'_>, start: &Elimination<'_>) -> IdVec<CellId, bool> {
    let mut order = start.candidates();
    order.sort_by(|&a, &b| cells.cost[b].total_cmp(&cells.cost[a]).then(a.cmp(&b)));
    let is_repeated = repeated(cells, start);
    let count = |withheld: &Withheld| {
        withheld.iter().zip(&is_repeated).filter(|(withheld, again)| **withheld && !**again).count()
    };
    let mut withheld = start.clone().walk(&order);
    let cheapest: Vec<CellId> = order.iter().rev().copied().collect();
    let found = start.clone().walk(&cheapest);
    if count(&found) < count(&withheld) {
        (withheld, order) = (found, cheapest);
    }
    let secondary = order.iter().filter(|&&cell| withheld[cell]).count();
    let mut dice = Dice(1);
    let mut steps = 0;
    for _ in 0..WALKS_EACH * secondary {
        let (mut last, mut next): (Vec<CellId>, Vec<CellId>) =
            order.iter().partition(|&&cell| withheld[cell]);
        if last.is_empty() || steps > STEPS {
            break;
        }
        next.insert(0, last.remove(dice.below(last.len())));
        next.append(&mut last);
        let mut elimination = start.clone();
        let found = elimination.walk(&next);
        steps += elimination.work() - start.work();
        if count(&found) <= count(&withheld) {
            (withheld, order) = (found, next);
        }
    }
    withheld
}

/// The cells that an earlier table has too: withheld in both, they are one cell less.
fn repeated(cells: &Cells<'_>, start: &Elimination<'_>) -> Vec<bool> {
    let mut start = start.clone();
    let mut first_table = HashMap::new();
    let is_again = |cell| {
        let (table, _) = cells.place(cell);
        *first_table.entry(start.left(cell)).or_insert(table) < table
    };
    cells.ids().map(is_again).collect()
}

/// Knuth's linear congruence: the same throws each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}
