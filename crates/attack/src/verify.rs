use minster_model::cube::{CountTable, Pattern, Policy, TableSet, Zeros};

use crate::{
    Failure, FailureReason, Refusal, World, linked,
    promise::{self, Target},
    solve::{self, Bound, Demand},
    system::System,
    world,
};

/// Tables and patterns that withstood the attack. Only [`verify`] makes one, and only one can be
/// released.
#[derive(Debug, Clone)]
pub struct ReleasableSet {
    set: TableSet,
    patterns: Vec<Pattern>,
    worlds: Vec<World>,
}

impl ReleasableSet {
    /// The tables.
    pub fn tables(&self) -> &[CountTable] {
        &self.set.tables
    }

    /// The patterns, one a table.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The published policy.
    pub fn policy(&self) -> Policy {
        self.set.policy
    }

    /// The certificates: for the auditor, never for the public.
    pub fn certificates(&self) -> &[World] {
        &self.worlds
    }

    /// One cell's count, if it is published.
    pub fn published(&self, table: usize, cell: usize) -> Option<u64> {
        let counts = world::cells(&self.set.tables[table], self.set.tables[table].inner());
        (!self.patterns[table].withheld[cell]).then(|| counts[cell])
    }

    /// Every cell's count of one table; none where it is withheld.
    pub fn published_cells(&self, table: usize) -> Vec<Option<u64>> {
        let counts = world::cells(&self.set.tables[table], self.set.tables[table].inner());
        let withheld = &self.patterns[table].withheld;
        counts
            .into_iter()
            .zip(withheld)
            .map(|(count, withheld)| (!withheld).then_some(count))
            .collect()
    }
}

/// Attacks the tables as they would be published.
pub fn verify(set: TableSet, patterns: Vec<Pattern>) -> Result<ReleasableSet, Refusal> {
    let fits =
        |(table, pattern): (&CountTable, &Pattern)| pattern.withheld.len() == table.cell_count();
    if patterns.len() != set.tables.len() || !set.tables.iter().zip(&patterns).all(fits) {
        return Err(Refusal::Shape);
    }
    linked::check(&set)?;
    let mut failures = visible(&set, &patterns)?;
    let system = System::new(&set, &patterns);
    let least = set.policy.zeros.least_withheld();
    let truth: Vec<u64> =
        system.unknowns.iter().map(|&(table, inner)| set.tables[table].inner()[inner]).collect();
    let mut found: Vec<Vec<u64>> = Vec::new();
    for target in promise::targets(&set, &patterns, &system) {
        if !is_met(
            &target,
            &found,
            || {
                let demand = target.demand.as_ref()?;
                let values = solve::solve(&system, least, demand)?;
                let mut world = truth.clone();
                values.into_iter().for_each(|(unknown, value)| world[unknown] = value);
                Some(world)
            },
            &set,
            &patterns,
            &system,
        )
        .is_some_and(|new| {
            found.extend(new);
            true
        }) {
            let Target { table, cell, reason, .. } = target;
            failures.push(Failure { table, cell, reason });
        }
    }
    if !failures.is_empty() {
        return Err(Refusal::Unprotected(failures));
    }
    let worlds = found.iter().map(|values| whole_world(&set, &system, values)).collect();
    Ok(ReleasableSet { set, patterns, worlds })
}

/// Whether a world found before meets the target (nothing new), or a new one does and fits (that one).
fn is_met(
    target: &Target,
    found: &[Vec<u64>],
    find: impl FnOnce() -> Option<Vec<u64>>,
    set: &TableSet,
    patterns: &[Pattern],
    system: &System,
) -> Option<Option<Vec<u64>>> {
    let demand = target.demand.as_ref()?;
    if found.iter().any(|values| meets(demand, values)) {
        return Some(None);
    }
    let values = find()?;
    let proven = meets(demand, &values) && whole_world(set, system, &values).fits(set, patterns);
    proven.then_some(Some(values))
}

fn meets(demand: &Demand, values: &[u64]) -> bool {
    let sum: i64 = demand.unknowns.iter().map(|&unknown| values[unknown] as i64).sum();
    match demand.bound {
        Bound::AtMost(bound) => sum <= bound,
        Bound::AtLeast(bound) => sum >= bound,
    }
}

fn whole_world(set: &TableSet, system: &System, values: &[u64]) -> World {
    let mut inner: Vec<Vec<u64>> = set.tables.iter().map(|table| table.inner().to_vec()).collect();
    for (&(table, cell), &value) in system.unknowns.iter().zip(values) {
        inner[table][cell] = value;
    }
    World { inner }
}

/// What needs no attack to be seen.
fn visible(set: &TableSet, patterns: &[Pattern]) -> Result<Vec<Failure>, Refusal> {
    let mut failures = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let total: u64 = table.inner().iter().sum();
        if (1..set.policy.threshold).contains(&total) {
            return Err(Refusal::GrandTotal { table: table.name().to_owned() });
        }
        for (cell, count) in world::cells(table, table.inner()).into_iter().enumerate() {
            let withheld = pattern.withheld[cell];
            let small = (1..set.policy.threshold).contains(&count);
            let reason = match (small, withheld) {
                (true, false) => FailureReason::SmallPublished,
                (false, true) if count == 0 && set.policy.zeros == Zeros::Published => {
                    FailureReason::ZeroWithheld
                }
                _ => continue,
            };
            failures.push(Failure { table: number, cell, reason });
        }
    }
    Ok(failures)
}
