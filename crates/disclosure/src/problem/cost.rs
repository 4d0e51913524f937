//! The cost of withholding a cell, by what it counts and by the dice.

use minster_model::{policy::Costs, table::CountTable};
use ring::hmac;

/// The dice makes no cell dearer than by this share. A large cell of a ward costs a fifth more than a small one: a dice that
/// weighs less would leave the choice to the counts.
const SPREAD: f64 = 0.5;

/// Returns the cost of withholding a cell: by [`Costs::of`], and by the dice where there is one. A cell that two tables
/// share costs the same in both but for what it covers there.
pub fn cost(table: &CountTable, cell: usize, count: u64, costs: Costs) -> f64 {
    let cost = costs.of(count, table.inner_cells_below(cell));
    let Some(secret) = costs.dice.secret() else { return cost };
    let mut dice = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    for (dimension, node) in table.divided(cell) {
        for part in [dimension.name(), dimension.code(node)] {
            dice.update(&(part.len() as u64).to_be_bytes());
            dice.update(part.as_bytes());
        }
    }
    let thrown = dice.sign();
    let thrown = thrown.as_ref().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    cost * (1.0 + SPREAD * f64::from(thrown) / f64::from(u32::MAX))
}
