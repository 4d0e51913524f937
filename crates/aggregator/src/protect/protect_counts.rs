//! Suppress, attack, and widen until the attack finds nothing; or round, and attack: or refuse.

use std::collections::{BTreeMap, BTreeSet};

use minster_attack::{Failure, Refusal, ReleasableSet, check, verify_rounded, verify_with};
use minster_disclosure::{RoundingMethod, SuppressionRefusal, round, suppress_with, widen};
use minster_model::{
    policy::Costs,
    table::{CountTable, ProtectionLevel, TableSet},
};

use crate::{
    definition::release_definition::Method, error::AggregateError, refusal::ReleaseRefusal,
};

/// How often a pattern is widened before the tables are refused.
pub(crate) const ROUNDS: usize = 12;

/// Protects tables of one release together. Nothing is released on trust: what is returned withstood
/// the attack.
pub fn protect(set: TableSet, costs: Costs) -> Result<ReleasableSet, AggregateError> {
    check(&set)?;
    let mut suppression = suppress_with(&set, costs)?;
    let mut open = Vec::new();
    for _ in 0..ROUNDS {
        match verify_with(set.clone(), suppression.patterns.clone(), &suppression.alternatives) {
            Ok(releasable) => return Ok(releasable),
            Err(Refusal::Unprotected(failures)) => open = failures,
            Err(refusal) => return Err(refusal.into()),
        }
        let failing: Vec<_> = open.iter().map(|failure| (failure.table, failure.cell)).collect();
        suppression = match widen(&set, &suppression.patterns, &failing, costs) {
            Ok(wider) => wider,
            Err(SuppressionRefusal::WorkUsedUp) => break,
            Err(refusal) => return Err(refusal.into()),
        };
    }
    Err(stays_open(&set, &open).into())
}

/// The table with these cells withheld, of which nothing need be left open.
pub(crate) fn withholding(
    table: &CountTable,
    cells: &BTreeSet<usize>,
) -> Result<CountTable, AggregateError> {
    let levels = cells.iter().map(|&cell| ProtectionLevel { cell, lower: 0, upper: 0 });
    let levels = levels.chain(table.protection_levels().iter().copied()).collect();
    let is_shown = |cell: &usize| !cells.contains(cell);
    let forced = table.forced_published().iter().copied().filter(is_shown).collect();
    Ok(table.clone().with_protection_levels(levels)?.with_forced_published(forced)?)
}

/// Says of which tables cells stay open, whatever else is withheld: how many, and none by name.
fn stays_open(set: &TableSet, failures: &[Failure]) -> ReleaseRefusal {
    let mut tables: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for failure in failures {
        tables.entry(failure.table).or_default().insert(failure.cell);
    }
    let is_published = |table: &usize| set.tables[*table].published_pattern().is_some();
    let beside_published = tables.keys().any(is_published);
    let open = |(&table, cells): (&usize, &BTreeSet<usize>)| {
        (set.tables[table].name().to_owned(), cells.len())
    };
    ReleaseRefusal::StaysOpen { tables: tables.iter().map(open).collect(), beside_published }
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
        let rounded = round(&set, method)?;
        match verify_rounded(set.clone(), rounded.published, rounded.rule) {
            Ok(releasable) => return Ok(releasable),
            Err(Refusal::Unprotected(failures)) => failing = failures.len(),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Err(ReleaseRefusal::RoundedTogether { counts: failing }.into())
}
