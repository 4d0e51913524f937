//! Suppress, attack, and widen until the attack finds nothing; or round, and attack: or refuse.

use minster_attack::{Refusal, ReleasableSet, check, verify_rounded, verify_with};
use minster_disclosure::{RoundingMethod, round, suppress_with, widen};
use minster_model::{policy::Costs, table::TableSet};

use crate::{definition::release_definition::Method, error::AggregateError};

/// How often a pattern is widened before the tables are refused.
pub(crate) const ROUNDS: usize = 12;

/// Protects tables of one release together. Nothing is released on trust: what is returned withstood
/// the attack.
pub fn protect(set: TableSet, costs: Costs) -> Result<ReleasableSet, AggregateError> {
    let refused = |why: &dyn std::fmt::Display| AggregateError::Refused(why.to_string());
    check(&set).map_err(|refusal| refused(&refusal))?;
    let mut suppression = suppress_with(&set, costs).map_err(|refusal| refused(&refusal))?;
    for _ in 0..ROUNDS {
        match verify_with(set.clone(), suppression.patterns.clone(), &suppression.alternatives) {
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

/// Rounds or perturbs every number of the tables. Where there is another choice, it is made as often as a
/// pattern is widened.
///
/// `keys` are the children's record keys, added up over each inner cell, one list a table.
///
/// # Errors
/// [`AggregateError::Refused`] where the numbers together say more than each by itself.
pub fn protect_rounded(
    set: TableSet,
    method: Method,
    costs: Costs,
    keys: &[Vec<u64>],
) -> Result<ReleasableSet, AggregateError> {
    let refused = |why: &dyn std::fmt::Display| AggregateError::Refused(why.to_string());
    let attempts = if matches!(method, Method::Controlled { .. }) { ROUNDS as u64 } else { 1 };
    let mut failing = 0;
    for attempt in 0..attempts {
        let method = match method {
            Method::Suppress => return protect(set, costs),
            Method::Nearest { base } => RoundingMethod::Nearest { base },
            Method::Controlled { base } => RoundingMethod::Controlled { base, attempt },
            Method::OpenSafely => RoundingMethod::OpenSafely,
            Method::CellKey => RoundingMethod::CellKey { keys },
        };
        let rounded = round(&set, method).map_err(|refusal| refused(&refusal))?;
        match verify_rounded(set.clone(), rounded.published, rounded.rule) {
            Ok(releasable) => return Ok(releasable),
            Err(Refusal::Unprotected(failures)) => failing = failures.len(),
            Err(refusal) => return Err(refused(&refusal)),
        }
    }
    Err(AggregateError::Refused(format!(
        "rounded so, all numbers together say more than each by itself about {failing} small counts; use a method that adds up, a larger base or coarser dimensions"
    )))
}
