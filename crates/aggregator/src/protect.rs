//! Suppress, attack, and widen until the attack finds nothing: or refuse.

use minster_attack::{Refusal, ReleasableSet, verify_with};
use minster_disclosure::{suppress_with, widen};
use minster_model::cube::{Prices, TableSet};

use crate::AggregateError;

/// How often a pattern is widened before the tables are refused.
const ROUNDS: usize = 12;

/// Protects tables of one release together. Nothing is released on trust: what is returned withstood
/// the attack.
pub fn protect(set: TableSet, prices: Prices) -> Result<ReleasableSet, AggregateError> {
    let refused = |why: &dyn std::fmt::Display| AggregateError::Refused(why.to_string());
    let mut suppression = suppress_with(&set, prices).map_err(|refusal| refused(&refusal))?;
    for _ in 0..ROUNDS {
        match verify_with(set.clone(), suppression.patterns.clone(), &suppression.worlds) {
            Ok(releasable) => return Ok(releasable),
            Err(Refusal::Unprotected(failures)) => {
                let failing: Vec<_> =
                    failures.iter().map(|failure| (failure.table, failure.cell)).collect();
                suppression = widen(&set, &suppression.patterns, &failing)
                    .map_err(|refusal| refused(&refusal))?;
            }
            Err(refusal) => return Err(refused(&refusal)),
        }
    }
    Err(AggregateError::Refused("no pattern withstood the attack; use coarser dimensions".into()))
}
