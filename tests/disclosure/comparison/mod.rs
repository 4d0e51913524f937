//! Two ways of withholding that are weaker than the promise, to compare with what others do.

mod coordinates;
mod elimination;
mod fewest_cells;
mod field;
mod span;
mod width;

use minster_disclosure::{
    SuppressionRefusal,
    building_blocks::{Cells, forced_published_and_unsafe, patterns},
};
use minster_model::{
    policy::Costs,
    table::{Pattern, TableSet},
};

use elimination::Elimination;
pub use elimination::Singletons;
use field::PRIMES;

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

/// The peer counts cells, whatever they cover.
fn costs() -> Costs {
    Costs { coverage: 0.0, ..Costs::default() }
}

/// Withholds so that no primary cell is a sum or difference of published ones, by Gaussian elimination.
/// For comparisons only: **nothing that it returns is releasable**. A cell that is no exact combination may
/// still have one possible value, and `minster-attack` alone says what may be released.
///
/// With [`Singletons::None`] and no width, publishing any further cell gives a primary one away.
///
/// # Errors
/// As [`suppress`](minster_disclosure::suppress): [`SuppressionRefusal::GrandTotalBelowThreshold`], [`SuppressionRefusal::ForcedPublishedAndUnsafe`],
/// [`SuppressionRefusal::Unprotectable`] where totals, zeros and earlier releases give a cell away or leave it too
/// narrow, and [`SuppressionRefusal::WorkUsedUp`].
pub fn linear(set: &TableSet, mode: Linear) -> Result<Vec<Pattern>, SuppressionRefusal> {
    for table in &set.tables {
        if set.policy.is_small(table.inner().iter().sum()) {
            return Err(SuppressionRefusal::GrandTotalBelowThreshold {
                table: table.name().to_owned(),
            });
        }
    }
    let cells = Cells::new(set, costs());
    forced_published_and_unsafe(&cells)?;
    for (first, second) in [(PRIMES[0], PRIMES[1]), (PRIMES[1], PRIMES[0])] {
        let start = Elimination::new(&cells, mode.singletons, first)?;
        let found = fewest_cells::fewest(&cells, &start);
        let withheld = match mode.width {
            0 => found,
            width => width::widen(&cells, &start, found, width)?,
        };
        // Dependent modulo one prime by accident is independent modulo another.
        if Elimination::new(&cells, mode.singletons, second)?.confirms(&withheld) {
            return Ok(patterns(&cells, &withheld));
        }
    }
    Err(SuppressionRefusal::WorkUsedUp)
}
