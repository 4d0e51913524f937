//! Which demands the promise makes of a pattern.

use minster_model::cube::{CountTable, Guarded, Pattern, Policy, TableSet};

use crate::{
    FailureReason,
    solve::{Bound, Demand},
    system::System,
    world,
};

/// One demand, and the cell for whose sake it is made.
pub(crate) struct Target {
    pub(crate) table: usize,
    pub(crate) cell: usize,
    pub(crate) reason: FailureReason,
    /// None where no world can meet it, because nothing in it is unknown.
    pub(crate) demand: Option<Demand>,
    /// What of the cell is published, where the demand follows from the least that a small cell can be.
    pub(crate) published: Option<i64>,
}

pub(crate) fn targets(set: &TableSet, patterns: &[Pattern], system: &System) -> Vec<Target> {
    let mut targets = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let below = below(table);
        small_cells(set.policy, number, table, pattern, &below, system, &mut targets);
        guarded(set.policy, number, table, &below, system, &mut targets);
        classes(set.policy, number, table, &below, system, &mut targets);
    }
    targets
}

/// For each cell, its inner cells.
pub(crate) fn below(table: &CountTable) -> Vec<Vec<usize>> {
    let mut below = vec![Vec::new(); table.cell_count()];
    for (inner, above) in world::covering(table).into_iter().enumerate() {
        for cell in above {
            below[cell].push(inner);
        }
    }
    below
}

fn small_cells(
    policy: Policy,
    number: usize,
    table: &CountTable,
    pattern: &Pattern,
    below: &[Vec<usize>],
    system: &System,
    targets: &mut Vec<Target>,
) {
    let threshold = policy.threshold as i64;
    for (cell, count) in world::cells(table, table.inner()).into_iter().enumerate() {
        if !policy.is_small(count) || !pattern.withheld[cell] {
            continue;
        }
        let unknowns = unknowns(system, number, &below[cell]);
        let published = published(table, system, number, &below[cell]);
        let low = published + (unknowns.len() as u64 * policy.zeros.least_withheld()) as i64;
        let high = threshold.max(low + threshold - 1);
        for (reason, bound, met) in [
            (FailureReason::Low, Bound::AtMost(low - published), count as i64 <= low),
            (FailureReason::High, Bound::AtLeast(high - published), count as i64 >= high),
        ] {
            if !met {
                let demand = Some(Demand { unknowns: unknowns.clone(), bound });
                let demand = demand.filter(|demand| !demand.unknowns.is_empty());
                let published = Some(published);
                targets.push(Target { table: number, cell, reason, demand, published });
            }
        }
    }
}

fn guarded(
    policy: Policy,
    number: usize,
    table: &CountTable,
    below: &[Vec<usize>],
    system: &System,
    targets: &mut Vec<Target>,
) {
    let counts = world::cells(table, table.inner());
    for &Guarded { cell, down, up } in table.guarded() {
        let unknowns = unknowns(system, number, &below[cell]);
        let published = published(table, system, number, &below[cell]);
        let least = (unknowns.len() as u64 * policy.zeros.least_withheld()) as i64;
        let count = counts[cell] as i64 - published;
        let bounds = [
            (FailureReason::Low, Bound::AtMost(least.max(count - down as i64)), least == count),
            (FailureReason::High, Bound::AtLeast(count + up as i64), up == 0),
        ];
        for (reason, bound, met) in bounds {
            if !met {
                let demand = Some(Demand { unknowns: unknowns.clone(), bound });
                let demand = demand.filter(|demand| !demand.unknowns.is_empty());
                let published = None;
                targets.push(Target { table: number, cell, reason, demand, published });
            }
        }
    }
}

fn classes(
    policy: Policy,
    number: usize,
    table: &CountTable,
    below: &[Vec<usize>],
    system: &System,
    targets: &mut Vec<Target>,
) {
    let counts = world::cells(table, table.inner());
    for sensitive in table.sensitive() {
        let dimension = &table.dimensions()[sensitive.dimension];
        for cell in 0..table.cell_count() {
            let nodes = table.coordinates(cell);
            let category = nodes[sensitive.dimension];
            if !sensitive.categories.contains(&category) || counts[cell] == 0 {
                continue;
            }
            let root = std::iter::successors(Some(category), |&node| dimension.parent(node)).last();
            let mut group = nodes;
            group[sensitive.dimension] = root.unwrap_or(category);
            let group = table.cell(&group);
            if counts[group] - counts[cell] >= policy.threshold {
                continue;
            }
            let rest: Vec<usize> = below[group]
                .iter()
                .copied()
                .filter(|inner| below[cell].binary_search(inner).is_err())
                .collect();
            let unknowns = unknowns(system, number, &rest);
            let bound = policy.threshold as i64 - published(table, system, number, &rest);
            let demand = Demand { unknowns, bound: Bound::AtLeast(bound) };
            targets.push(Target {
                table: number,
                cell,
                reason: FailureReason::Class,
                demand: (!demand.unknowns.is_empty()).then_some(demand),
                published: None,
            });
        }
    }
}

pub(crate) fn unknowns(system: &System, table: usize, inner: &[usize]) -> Vec<usize> {
    inner.iter().filter_map(|&inner| system.place.get(&(table, inner)).copied()).collect()
}

pub(crate) fn published(
    table: &CountTable,
    system: &System,
    number: usize,
    inner: &[usize],
) -> i64 {
    inner
        .iter()
        .filter(|&&inner| !system.place.contains_key(&(number, inner)))
        .map(|&inner| table.inner()[inner] as i64)
        .sum()
}
