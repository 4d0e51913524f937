//! Two ways of withholding that are weaker than the promise, to compare with what others do.

mod coordinates;
mod elimination;
mod field;
mod search;
mod span;
mod width;

use minster_model::cube::{Pattern, Prices, TableSet};

use crate::{Refusal, cells, cells::Cells, secondary};
use elimination::Elimination;
use field::PRIMES;

/// What a contributor who is alone in an inner cell may work out by taking themselves off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Singletons {
    /// Anything: nobody is thought to know their own cell.
    None,
    /// Nothing: a primary cell is no combination of published cells and one inner cell that counts 1, except
    /// where it is that cell itself (or was one before anything but zeros and totals was out). So no sum
    /// of two primary cells of which one counts 1 follows from what is published.
    Guarded,
}

/// Which of the weaker guarantees is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Whether contributors know their own cells.
    pub singletons: Singletons,
    /// How far apart, in children, the least and the greatest whole count of a primary cell that fit what
    /// is published must be at least; 0 asks for nothing. A withheld cell may be 0 here, even where zeros are
    /// published: so do those with whom this is compared.
    pub width: u64,
}

/// Withholds so that no primary cell is a sum or difference of published ones, by Gaussian elimination.
/// For comparisons only: **nothing that it returns is releasable**. A cell that is no exact combination may
/// still have one possible value, and `minster-attack` alone says what may be released.
///
/// With [`Singletons::None`] and no width, publishing any further cell gives a primary one away.
///
/// # Errors
/// As [`suppress`](crate::suppress): [`Refusal::GrandTotalBelowThreshold`], [`Refusal::KeptAndWithheld`],
/// [`Refusal::Unprotectable`] where totals, zeros and earlier releases give a cell away or leave it too
/// narrow, and [`Refusal::WorkUsedUp`].
pub fn linear(set: &TableSet, mode: Linear) -> Result<Vec<Pattern>, Refusal> {
    for table in &set.tables {
        if set.policy.is_small(table.inner().iter().sum()) {
            return Err(Refusal::GrandTotalBelowThreshold { table: cells::name(table) });
        }
    }
    let cells = Cells::new(set, Prices::default());
    secondary::kept_and_withheld(&cells)?;
    for (first, second) in [(PRIMES[0], PRIMES[1]), (PRIMES[1], PRIMES[0])] {
        let start = Elimination::new(&cells, mode.singletons, first)?;
        let found = search::fewest(&cells, &start);
        let withheld = match mode.width {
            0 => found,
            width => width::widen(&cells, &start, found, width)?,
        };
        // Dependent modulo one prime by accident is independent modulo another.
        if Elimination::new(&cells, mode.singletons, second)?.confirms(&withheld) {
            return Ok(secondary::patterns(&cells, &withheld));
        }
    }
    Err(Refusal::WorkUsedUp)
}
