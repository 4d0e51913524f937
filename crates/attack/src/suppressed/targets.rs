//! Which demands the promise makes of a pattern.

use std::collections::BTreeMap;

use minster_model::{
    policy::Policy,
    table::{CountTable, Guarded, Pattern, TableSet},
};

use crate::{
    shared::{bound::Bound, refusal::FailureReason, world},
    suppressed::{
        equations::System,
        holder::{Held, Rests},
        parts::{Parts, categories, parts},
        requirement::{Target, Whom},
        solve::Demand,
    },
};

/// `holders` says whose each unknown is, where that is known.
pub(crate) fn targets(
    set: &TableSet,
    patterns: &[Pattern],
    system: &System,
    holders: &[Option<usize>],
) -> Vec<Target> {
    let mut all = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let counts = world::cells(table, table.inner());
        let policy = table.policy(set.policy);
        let groups = groups(policy, table, &counts);
        let mut targets = Vec::new();
        let mut asked: Vec<bool> = counts
            .iter()
            .zip(&pattern.withheld)
            .map(|(&count, &withheld)| withheld && policy.is_small(count))
            .collect();
        table.guarded().iter().for_each(|guarded| asked[guarded.cell] = true);
        groups.iter().for_each(|&(group, inside)| (asked[group], asked[inside]) = (true, true));
        let parts = parts(table, number, system, &asked);
        small_cells(policy, (number, pattern), system, &counts, &parts, &mut targets);
        guarded((number, table), system, &counts, &parts, &mut targets);
        let held = Held::new(set, table, &counts);
        if let Some(held) = &held {
            for target in &mut targets {
                target.whom = Whom::Everyone { but: held.concerned(target.cell) };
            }
        }
        classes(policy, number, &groups, &parts, held.as_ref(), &mut targets);
        all.append(&mut targets);
        if let Some(held) = held {
            all.extend(Rests { set, number, held, pattern, system, holders }.targets());
        }
    }
    all
}

fn small_cells(
    policy: Policy,
    (number, pattern): (usize, &Pattern),
    system: &System,
    counts: &[u64],
    parts: &BTreeMap<usize, Parts>,
    targets: &mut Vec<Target>,
) {
    let threshold = policy.threshold as i64;
    for (&cell, Parts { unknowns, published }) in parts {
        let count = counts[cell];
        // Where everyone knows that nobody can be, there is nothing to hide.
        let is_known = count == 0 && unknowns.is_empty();
        if !policy.is_small(count) || !pattern.withheld[cell] || is_known {
            continue;
        }
        let low = published + system.least_of(unknowns);
        let high = threshold.max(low + threshold - 1);
        for (reason, bound, met) in [
            (FailureReason::Low, Bound::AtMost(low - published), count as i64 <= low),
            (FailureReason::High, Bound::AtLeast(high - published), count as i64 >= high),
        ] {
            if !met {
                let target = target(number, cell, reason, unknowns.clone(), bound);
                targets.push(Target { published: Some(*published), ..target });
            }
        }
    }
}

fn guarded(
    (number, table): (usize, &CountTable),
    system: &System,
    counts: &[u64],
    parts: &BTreeMap<usize, Parts>,
    targets: &mut Vec<Target>,
) {
    for &Guarded { cell, down, up } in table.guarded() {
        let Some(Parts { unknowns, published }) = parts.get(&cell) else { continue };
        let least = system.least_of(unknowns);
        let count = counts[cell] as i64 - published;
        let low = least.max(count - down as i64);
        let bounds = [
            (FailureReason::Low, Bound::AtMost(low), low >= count),
            (FailureReason::High, Bound::AtLeast(count + up as i64), up == 0),
        ];
        for (reason, bound, met) in bounds {
            if !met {
                targets.push(target(number, cell, reason, unknowns.clone(), bound));
            }
        }
    }
}

fn classes(
    policy: Policy,
    number: usize,
    groups: &[(usize, usize)],
    parts: &BTreeMap<usize, Parts>,
    held: Option<&Held<'_>>,
    targets: &mut Vec<Target>,
) {
    for &(group, cell) in groups {
        let (Some(all), Some(inside)) = (parts.get(&group), parts.get(&cell)) else { continue };
        let is_outside = |unknown: &usize| inside.unknowns.binary_search(unknown).is_err();
        let unknowns = all.unknowns.iter().copied().filter(is_outside).collect();
        let bound = policy.threshold as i64 - (all.published - inside.published);
        let bound = Bound::AtLeast(bound);
        let but = held.map_or_else(Vec::new, |held| held.concerned_by_class(group, cell));
        let target = target(number, cell, FailureReason::Class, unknowns, bound);
        targets.push(Target { whom: Whom::Everyone { but }, ..target });
    }
}

/// Each group that a sensitive category discloses, and the category's cell in it.
fn groups(policy: Policy, table: &CountTable, counts: &[u64]) -> Vec<(usize, usize)> {
    let discloses = |&(group, cell): &(usize, usize)| {
        counts[cell] > 0 && counts[group] - counts[cell] < policy.threshold
    };
    categories(table).into_iter().filter(discloses).collect()
}

fn target(
    table: usize,
    cell: usize,
    reason: FailureReason,
    unknowns: Vec<usize>,
    bound: Bound,
) -> Target {
    let demand = (!unknowns.is_empty()).then_some(Demand { unknowns, bound });
    let whom = Whom::Everyone { but: Vec::new() };
    Target { table, cell, reason, demand, published: None, whom }
}

#[cfg(test)]
mod tests {
    use minster_model::{policy::Zeros, table::Hierarchy};

    use super::*;
    use crate::shared::refusal::{Failure, Refusal};

    #[test]
    fn a_small_margin_must_be_able_to_be_as_many_more_as_its_parts() {
        let nodes = [("all", None), ("m", Some(0)), ("a", Some(1)), ("b", Some(1)), ("z", Some(0))];
        let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec();
        let dimension = Hierarchy::new("d", nodes).unwrap();
        let high_of_m = |z: u64| {
            let inner = vec![1, 1, z];
            let table = CountTable::new("t", vec![dimension.clone()], inner, vec![]).unwrap();
            let policy = Policy::new(5, Zeros::Published);
            let set = TableSet { tables: vec![table], policy };
            let withheld = vec![false, true, true, true, true];
            let failure = Failure { table: 0, cell: 1, reason: FailureReason::High };
            match crate::verify(set, vec![Pattern { withheld }]) {
                Err(Refusal::Unprotected(failures)) => failures.contains(&failure),
                verdict => verdict.is_err(),
            }
        };
        // For one and one, 6 must be possible: the threshold alone would be 5.
        assert!(high_of_m(4));
        assert!(!high_of_m(5));
    }

    #[test]
    fn a_guarded_number_must_be_able_to_be_as_much_less_as_it_is_asked_to() {
        let of = |name: &str| Hierarchy::flat(name, "all", ["1".into(), "2".into()]).unwrap();
        // One more than its diagonal neighbour, whatever is withheld.
        let verdict = |down: u64| {
            let table = CountTable::new("t", vec![of("a"), of("b")], vec![3, 9, 9, 2], vec![]);
            let (cell, up) = (table.as_ref().unwrap().cell(&[1, 1]), 3);
            let table = table.unwrap().guarding(vec![Guarded { cell, down, up }]).unwrap();
            let withheld = (0..9).map(|cell| table.is_inner(cell)).collect();
            let policy = Policy::new(1, Zeros::MayBeWithheld);
            let set = TableSet { tables: vec![table], policy };
            let failure = Failure { table: 0, cell, reason: FailureReason::Low };
            match crate::verify(set, vec![Pattern { withheld }]) {
                Err(refusal) => refusal == Refusal::Unprotected(vec![failure]),
                Ok(_) => false,
            }
        };
        assert!(verdict(3));
        assert!(!verdict(2));
    }
}
