//! Which requirements the promise makes of a pattern.

use std::collections::BTreeMap;

use minster_model::{
    policy::Policy,
    refinement::Refinements,
    table::{CountTable, Pattern, ProtectionLevel, TableSet},
};

use crate::{
    shared::{alternative_table, bound::Bound, refusal::FailureReason},
    suppressed::{
        cell_sums::{CellSum, categories, cell_sums},
        equations::System,
        requirement::{Attackers, LeastOfSmall, Requirement},
        respondents::{RemainderRequirements, TableByRespondent},
        solve::RequiredSum,
    },
};

/// `respondents` says whose each unknown is, where that is known.
pub(crate) fn requirements(
    set: &TableSet,
    patterns: &[Pattern],
    system: &System,
    (respondents, refinements): (&[Option<usize>], &Refinements<'_>),
) -> Vec<Requirement> {
    let mut all = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        let counts = alternative_table::cells(table, table.inner());
        let policy = table.policy(set.policy);
        let groups = groups(policy, table, &counts);
        let mut requirements = Vec::new();
        let mut asked: Vec<bool> = counts
            .iter()
            .zip(&pattern.withheld)
            .map(|(&count, &withheld)| withheld && policy.is_small(count))
            .collect();
        table.protection_levels().iter().for_each(|level| asked[level.cell] = true);
        groups.iter().for_each(|&(group, inside)| (asked[group], asked[inside]) = (true, true));
        let sums = cell_sums(table, number, system, &asked);
        let least = |cell: usize, sum: &CellSum| {
            least_of_small(set, refinements, system, (number, cell), sum)
        };
        small_cells(policy, (number, pattern), &counts, &sums, &least, &mut requirements);
        unsafe_by_rule((number, table), system, &counts, &sums, &mut requirements);
        let by_respondent = TableByRespondent::new(set, table, &counts);
        if let Some(by_respondent) = &by_respondent {
            for requirement in &mut requirements {
                requirement.attackers =
                    Attackers::Everyone { but: by_respondent.concerned(requirement.cell) };
            }
        }
        classes(policy, number, &groups, &sums, by_respondent.as_ref(), &mut requirements);
        all.append(&mut requirements);
        if let Some(by_respondent) = by_respondent {
            all.extend(
                RemainderRequirements { set, number, by_respondent, pattern, system, respondents }
                    .requirements(),
            );
        }
    }
    all
}

fn small_cells(
    policy: Policy,
    (number, pattern): (usize, &Pattern),
    counts: &[u64],
    sums: &BTreeMap<usize, CellSum>,
    least: &dyn Fn(usize, &CellSum) -> LeastOfSmall,
    requirements: &mut Vec<Requirement>,
) {
    let threshold = policy.threshold as i64;
    for (&cell, sum) in sums {
        let CellSum { unknowns, published } = sum;
        let count = counts[cell];
        // Where everyone knows that nobody can be, there is nothing to hide.
        let is_known = count == 0 && unknowns.is_empty();
        if !policy.is_small(count) || !pattern.withheld[cell] || is_known {
            continue;
        }
        let small = least(cell, sum);
        let low = small.low();
        let high = threshold.max(low + threshold - 1);
        for (reason, bound, met) in [
            (FailureReason::Low, Bound::AtMost(low - published), count as i64 <= low),
            (FailureReason::High, Bound::AtLeast(high - published), count as i64 >= high),
        ] {
            if !met {
                let requirement = requirement(number, cell, reason, unknowns.clone(), bound);
                requirements.push(Requirement { small: Some(small.clone()), ..requirement });
            }
        }
    }
}

fn unsafe_by_rule(
    (number, table): (usize, &CountTable),
    system: &System,
    counts: &[u64],
    sums: &BTreeMap<usize, CellSum>,
    requirements: &mut Vec<Requirement>,
) {
    for &ProtectionLevel { cell, lower, upper } in table.protection_levels() {
        let Some(CellSum { unknowns, published }) = sums.get(&cell) else { continue };
        let least = system.least_of(unknowns);
        let count = counts[cell] as i64 - published;
        let low = least.max(count - lower as i64);
        let bounds = [
            (FailureReason::Low, Bound::AtMost(low), low >= count),
            (FailureReason::High, Bound::AtLeast(count + upper as i64), upper == 0),
        ];
        for (reason, bound, met) in bounds {
            if !met {
                requirements.push(requirement(number, cell, reason, unknowns.clone(), bound));
            }
        }
    }
}

fn classes(
    policy: Policy,
    number: usize,
    groups: &[(usize, usize)],
    sums: &BTreeMap<usize, CellSum>,
    by_respondent: Option<&TableByRespondent<'_>>,
    requirements: &mut Vec<Requirement>,
) {
    for &(group, cell) in groups {
        let (Some(all), Some(inside)) = (sums.get(&group), sums.get(&cell)) else { continue };
        let is_outside = |unknown: &usize| inside.unknowns.binary_search(unknown).is_err();
        let unknowns = all.unknowns.iter().copied().filter(is_outside).collect();
        let bound = policy.threshold as i64 - (all.published - inside.published);
        let bound = Bound::AtLeast(bound);
        let but = by_respondent
            .map_or_else(Vec::new, |by_respondent| by_respondent.concerned_by_class(group, cell));
        let requirement = requirement(number, cell, FailureReason::Class, unknowns, bound);
        requirements.push(Requirement { attackers: Attackers::Everyone { but }, ..requirement });
    }
}

/// Each group that a sensitive category discloses, and the category's cell in it.
fn groups(policy: Policy, table: &CountTable, counts: &[u64]) -> Vec<(usize, usize)> {
    let discloses = |&(group, cell): &(usize, usize)| {
        counts[cell] > 0 && counts[group] - counts[cell] < policy.threshold
    };
    categories(table).into_iter().filter(discloses).collect()
}

fn requirement(
    table: usize,
    cell: usize,
    reason: FailureReason,
    unknowns: Vec<usize>,
    bound: Bound,
) -> Requirement {
    let required = (!unknowns.is_empty()).then_some(RequiredSum { unknowns, bound });
    let attackers = Attackers::Everyone { but: Vec::new() };
    Requirement { table, cell, reason, required, small: None, attackers }
}

/// The least that a small cell is by the rules alone: by its own table, and by each other one of which inner cells lie
/// within it. Two girls and a boy, withheld apart where no zero is, are two or more together.
fn least_of_small(
    set: &TableSet,
    refinements: &Refinements<'_>,
    system: &System,
    (number, cell): (usize, usize),
    CellSum { unknowns, published }: &CellSum,
) -> LeastOfSmall {
    let of_table = |other: usize| -> Option<i64> {
        if other == number {
            return Some(published + system.least_of(unknowns));
        }
        let least = |&inner: &usize| match system.unknown(other, inner) {
            Some(unknown) => system.least(unknown) as i64,
            None => set.tables[other].inner()[inner] as i64,
        };
        Some(refinements.within(number, cell, other)?.iter().map(least).sum())
    };
    let by_table = (0..set.tables.len()).map(of_table).collect();
    LeastOfSmall { published: *published, by_table }
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
    fn a_number_unsafe_by_rule_must_be_able_to_be_less_by_its_protection_level() {
        let of = |name: &str| Hierarchy::flat(name, "all", ["1".into(), "2".into()]).unwrap();
        // One more than its diagonal neighbour, whatever is withheld.
        let verdict = |lower: u64| {
            let table = CountTable::new("t", vec![of("a"), of("b")], vec![3, 9, 9, 2], vec![]);
            let (cell, upper) = (table.as_ref().unwrap().cell(&[1, 1]), 3);
            let table = table
                .unwrap()
                .with_protection_levels(vec![ProtectionLevel { cell, lower, upper }])
                .unwrap();
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
