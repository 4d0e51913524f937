//! Rounding, perturbation and the attack by ranges together, against every world of small tables.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod rounded_before;

use std::{cell::Cell, collections::BTreeMap};

use minster_attack::{Failure, FailureReason, Refusal, certify_rounded, verify_rounded};
use minster_disclosure::{NOISE, Rounded, RoundingMethod, perturb, round};
use minster_disclosure_tests::{alternative_tables, ranges, seen, tried};
use minster_model::{
    NodeId,
    policy::{Policy, Zeros},
    rounding::{Margins, Rounding},
    table::{CountTable, Grouping, Hierarchy, Pattern, ProtectionLevel, Sensitive, TableSet},
};
use proptest::{prelude::*, test_runner::TestRunner};

fn flat(name: &str, size: usize) -> Hierarchy {
    Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
}

fn set(tables: Vec<CountTable>) -> TableSet {
    TableSet { tables, policy: Policy::new(5, Zeros::MayBeWithheld) }
}

fn one(dimensions: Vec<Hierarchy>, inner: Vec<u64>) -> TableSet {
    set(vec![CountTable::new("t", dimensions, inner, vec![]).unwrap()])
}

fn attack(set: &TableSet, rounded: &Rounded) -> Result<(), Refusal> {
    verify_rounded(set.clone(), rounded.published.clone(), rounded.rule).map(|_| ())
}

#[test]
fn one_and_two_are_three_to_the_nearest_five() {
    // 1 and 2 become 0, their sum of 3 becomes 5: it is 3 at least, so neither is none.
    let all = one(vec![flat("ward", 2), flat("sex", 2)], vec![1, 2, 30, 30]);
    let rounded = round(&all, RoundingMethod::Nearest { base: 5 }).unwrap();
    let table = &all.tables[0];
    assert_eq!(rounded.published[0][table.cell(&[1, 0])], 5);
    let Err(Refusal::Unprotected(failures)) = attack(&all, &rounded) else {
        panic!("both are at least 1")
    };
    let low = |leaf: usize| {
        let cell = table.cell(&[1, leaf]);
        failures.iter().any(|f| f.cell == cell && f.reason == FailureReason::Low)
    };
    assert!(low(1) && low(2));
    // Published so that they add up, they say nothing more.
    for base in [3, 5] {
        let rounded = round(&all, RoundingMethod::Controlled { base, attempt: 0 }).unwrap();
        assert!(attack(&all, &rounded).is_ok());
    }
}

#[test]
fn certificates_are_checked_again_by_adding_up() {
    let all = one(vec![flat("ward", 3), flat("sex", 2)], vec![1, 12, 3, 40, 30, 2]);
    let Rounded { published, rule } =
        round(&all, RoundingMethod::Controlled { base: 3, attempt: 0 }).unwrap();
    let releasable = verify_rounded(all.clone(), published.clone(), rule).unwrap();
    let alternatives = releasable.certificates();
    let certified = certify_rounded(&all, &published, rule, alternatives).unwrap();
    assert_eq!(certified.alternatives, alternatives);
    assert!(certified.requirements > 0);
    assert!(certify_rounded(&all, &published, rule, &[]).is_err());
    let mut wrong = alternatives.to_vec();
    wrong
        .iter_mut()
        .flat_map(|alternative| &mut alternative.counts)
        .for_each(|(_, _, count)| *count += 9);
    assert!(certify_rounded(&all, &published, rule, &wrong).is_err());
}

#[test]
fn what_is_published_is_rounded_and_says_how() {
    let all = one(vec![flat("ward", 2), flat("sex", 2)], vec![10, 20, 30, 41]);
    let Rounded { published, rule } = round(&all, RoundingMethod::Nearest { base: 5 }).unwrap();
    let releasable = verify_rounded(all, published.clone(), rule).unwrap();
    let shown: Vec<Option<u64>> = published[0].iter().copied().map(Some).collect();
    assert_eq!(releasable.published_cells(0), shown);
    assert_eq!(releasable.published(0, 0), Some(100));
    assert_eq!(releasable.rounding(), Some(Rounding::Nearest { base: 5 }));
    assert!(releasable.patterns()[0].withheld.iter().all(|withheld| !withheld));
}

#[test]
fn a_number_that_is_not_the_rules_is_refused() {
    let all = one(vec![flat("ward", 2)], vec![10, 21]);
    let refused = |published: Vec<u64>, rule| {
        let refusal = verify_rounded(all.clone(), vec![published], rule).unwrap_err();
        assert!(matches!(refusal, Refusal::Rule { .. }), "{refusal}");
    };
    refused(vec![30, 10, 25], Rounding::Nearest { base: 5 });
    refused(vec![31, 10, 21], Rounding::Nearest { base: 5 });
    let adjacent = Rounding::Controlled { base: 5, margins: Margins::Adjacent };
    refused(vec![35, 10, 20], adjacent);
    refused(vec![30, 10, 25], adjacent);
    refused(vec![30, 10, 4], Rounding::CellKey);
    refused(vec![37, 10, 21], Rounding::CellKey);
    assert!(matches!(verify_rounded(all.clone(), vec![], Rounding::CellKey), Err(Refusal::Shape)));
}

#[test]
fn what_may_not_be_published_is_not_rounded_either() {
    let inner = vec![10, 20, 30, 41];
    let table = CountTable::new("t", vec![flat("ward", 2), flat("sex", 2)], inner, vec![]).unwrap();
    let unsafe_by_rule = table
        .with_protection_levels(vec![ProtectionLevel { cell: 4, lower: 1, upper: 1 }])
        .unwrap();
    let all = set(vec![unsafe_by_rule]);
    let rounded = round(&all, RoundingMethod::Nearest { base: 5 }).unwrap();
    assert!(matches!(attack(&all, &rounded), Err(Refusal::Unprotected(_))));
}

#[test]
fn a_group_of_one_category_is_disclosure_rounded_or_not() {
    let sensitive = vec![Sensitive { dimension: 1, categories: vec![NodeId(1)] }];
    let dimensions = vec![flat("ward", 2), flat("care", 2)];
    let table = |inner| CountTable::new("t", dimensions.clone(), inner, sensitive.clone()).unwrap();
    let (all, none) =
        (set(vec![table(vec![30, 1, 20, 30])]), set(vec![table(vec![30, 9, 20, 30])]));
    // None of these few is in care.
    let few = set(vec![table(vec![0, 2, 20, 30])]);
    for method in
        [RoundingMethod::Nearest { base: 5 }, RoundingMethod::Controlled { base: 5, attempt: 0 }]
    {
        let Err(Refusal::Unprotected(failures)) = attack(&all, &round(&all, method).unwrap())
        else {
            panic!("nearly all are in care")
        };
        assert!(failures.iter().any(|failure| failure.reason == FailureReason::Class));
        assert!(attack(&none, &round(&none, method).unwrap()).is_ok());
        assert!(attack(&few, &round(&few, method).unwrap()).is_ok());
    }
}

#[test]
fn the_same_children_have_the_same_noise_in_every_table() {
    let key = |inner: usize| (inner as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let counts: Vec<u64> = (0..27).map(|inner| inner * inner % 11).collect();
    let tables: Vec<CountTable> = [[0, 1], [0, 2]]
        .map(|dims| {
            let names = ["a", "b", "c"];
            let dimensions = dims.map(|dim| flat(names[dim], 3)).to_vec();
            let mut inner = vec![0; 9];
            for (at, count) in counts.iter().enumerate() {
                let place = [at / 9, at / 3 % 3, at % 3];
                inner[place[dims[0]] * 3 + place[dims[1]]] += count;
            }
            CountTable::new(names[dims[1]], dimensions, inner, vec![]).unwrap()
        })
        .to_vec();
    let keys: Vec<Vec<u64>> = [1, 2]
        .map(|other| {
            let mut keys = vec![0u64; 9];
            for (at, &count) in counts.iter().enumerate() {
                let place = [at / 9, at / 3 % 3, at % 3];
                let sum = &mut keys[place[0] * 3 + place[other]];
                *sum = sum.wrapping_add(if count == 0 { 0 } else { key(at) });
            }
            keys
        })
        .to_vec();
    let all = set(tables);
    let published = round(&all, RoundingMethod::CellKey { keys: &keys }).unwrap().published;
    for node in 0..4 {
        let [one, other] = [0, 1].map(|t| published[t][all.tables[t].cell(&[node, 0])]);
        assert_eq!(one, other);
    }
    let mut wrong = keys.clone();
    wrong[1][0] ^= 1;
    assert!(round(&all, RoundingMethod::CellKey { keys: &wrong }).is_err());
    assert!(round(&all, RoundingMethod::CellKey { keys: &keys[..1] }).is_err());
    let strict = TableSet { policy: Policy::new(6, Zeros::Published), ..all };
    assert!(round(&strict, RoundingMethod::CellKey { keys: &keys }).is_err());
}

#[test]
fn a_thousand_cells_are_rounded_so_that_they_add_up_and_withstand() {
    let ward = Hierarchy::new(
        "ward",
        std::iter::once(("all".to_owned(), None))
            .chain((0..4).map(|l| (format!("L{l}"), Some(0))))
            .chain((0..16).map(|w| (format!("W{w}"), Some(1 + w % 4))))
            .collect(),
    )
    .unwrap();
    let grouping = Grouping {
        codes: vec!["east".into(), "west".into()],
        group_of: (0..16).map(|ward| usize::from(ward % 3 == 0)).collect(),
    };
    let dimensions = vec![ward.grouped(grouping).unwrap(), flat("sex", 2), flat("group", 14)];
    let mut state = 1u64;
    let inner = (0..448u64)
        .map(|cell| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % (400 / (1 + (cell % 14) * (cell % 14)))
        })
        .collect();
    let all = one(dimensions, inner);
    assert!(all.tables[0].cell_count() > 1_000);
    let mut choices = Vec::new();
    for attempt in 0..2 {
        for base in [3, 5] {
            let rounded = round(&all, RoundingMethod::Controlled { base, attempt }).unwrap();
            assert_eq!(rounded, round(&all, RoundingMethod::Controlled { base, attempt }).unwrap());
            attack(&all, &rounded).unwrap();
            choices.push(rounded.published);
        }
    }
    assert_ne!(choices[0], choices[2], "another attempt is another choice");
}

#[test]
fn linked_tables_are_rounded_to_the_same_margins() {
    let sizes = [12, 9, 7, 5];
    let names = ["ward", "group", "age", "sex"];
    let table = |name: &str, dims: &[usize]| {
        let dimensions = dims.iter().map(|&dim| flat(names[dim], sizes[dim])).collect();
        let mut inner = vec![0; dims.iter().map(|&dim| sizes[dim]).product()];
        for child in 0..4_000u64 {
            let mixed = (child + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            // Skewed: the first of each are the most.
            let leaf = |dim: usize| {
                let part = (mixed >> (12 * dim)) as usize % (sizes[dim] * sizes[dim]);
                part.isqrt()
            };
            inner[dims.iter().fold(0, |at, &dim| at * sizes[dim] + leaf(dim))] += 1;
        }
        CountTable::new(name, dimensions, inner, vec![]).unwrap()
    };
    let all = set(vec![table("one", &[0, 1]), table("two", &[2, 0]), table("three", &[0, 3, 2])]);
    for base in [3, 5] {
        let rounded = round(&all, RoundingMethod::Controlled { base, attempt: 0 }).unwrap();
        attack(&all, &rounded).unwrap();
        let [one, two] = [0, 1].map(|number| {
            let table = &all.tables[number];
            let cell = |ward| table.cell(&if number == 0 { [ward, 0] } else { [0, ward] });
            (0..13).map(|ward| rounded.published[number][cell(ward)]).collect::<Vec<u64>>()
        });
        assert_eq!(one, two);
    }
}

/// Small tables of several shapes, with any counts.
fn small_sets() -> impl Strategy<Value = TableSet> {
    let count = prop_oneof![3 => 0u64..5, 1 => 0u64..14];
    (0..7usize, prop::collection::vec(count, 8)).prop_map(|(shape, counts)| {
        let ward = || {
            let nodes = [
                ("all", None),
                ("north", Some(0)),
                ("n1", Some(1)),
                ("n2", Some(1)),
                ("s1", Some(0)),
            ];
            Hierarchy::new("ward", nodes.map(|(code, of)| (code.to_owned(), of)).to_vec()).unwrap()
        };
        let grouping =
            Grouping { codes: vec!["east".into(), "west".into()], group_of: vec![0, 1, 0] };
        let dimensions = match shape {
            0 => vec![flat("a", 3)],
            1 => vec![flat("a", 2), flat("b", 2)],
            2 => vec![flat("a", 2), flat("b", 3)],
            3 => vec![ward(), flat("a", 2)],
            4 => vec![ward().grouped(grouping).unwrap(), flat("a", 2)],
            5 => vec![flat("a", 2), flat("b", 2), flat("c", 2)],
            _ => vec![flat("a", 2), flat("b", 2)],
        };
        if shape < 6 {
            let inner = dimensions.iter().map(|d| d.leaves().len()).product::<usize>();
            return one(dimensions, counts[..inner].to_vec());
        }
        let pairs =
            |pairs: [[usize; 2]; 4]| pairs.map(|[one, other]| counts[one] + counts[other]).to_vec();
        let by_b = pairs([[0, 1], [2, 3], [4, 5], [6, 7]]);
        let by_c = pairs([[0, 2], [1, 3], [4, 6], [5, 7]]);
        let first = CountTable::new("b", dimensions, by_b, vec![]).unwrap();
        let second = CountTable::new("c", vec![flat("a", 2), flat("c", 2)], by_c, vec![]).unwrap();
        set(vec![first, second])
    })
}

fn cases(cases: u32) -> TestRunner {
    let config = ProptestConfig {
        cases: tried(cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
}

/// Whether a count could be published as a number: what the rule says, said again.
fn could(rule: Rounding, is_inner: bool, count: u64, number: u64) -> bool {
    let nearest = |base: u64| {
        (0..=number + base)
            .step_by(base as usize)
            .min_by_key(|multiple| (multiple.abs_diff(count), std::cmp::Reverse(*multiple)))
            == Some(number)
    };
    match rule {
        Rounding::Nearest { base } => nearest(base),
        Rounding::Controlled { base, margins } => {
            let far = if is_inner || margins == Margins::Adjacent { base } else { 2 * base };
            number.abs_diff(count) < far
        }
        Rounding::OpenSafely => {
            if count < 8 {
                number == 0
            } else {
                number > 0 && nearest(5)
            }
        }
        Rounding::CellKey if count == 0 => number == 0 || number == 5,
        Rounding::CellKey => {
            let weights = &NOISE[(count as usize).min(10) - 1];
            (0..11).any(|noise| weights[noise] > 0 && count + noise as u64 == number + 5)
        }
    }
}

/// For each small cell, its own range and what all numbers together leave of it.
fn small_cells(
    set: &TableSet,
    rule: Rounding,
    alone: &ranges::Ends,
    together: &ranges::Ends,
) -> BTreeMap<(usize, usize), [(u64, u64); 2]> {
    let mut small = BTreeMap::new();
    for (number, table) in set.tables.iter().enumerate() {
        let below = alternative_tables::below(table);
        let counts = alternative_tables::sums(table, table.inner());
        for cell in (0..counts.len()).filter(|&cell| (1..5).contains(&counts[cell])) {
            let mut own = alone[number][cell];
            if let Rounding::Controlled { .. } = rule {
                // Numbers that add up say no more of a margin than its inner cells do.
                let is_part = |part: &usize| {
                    let nodes = table.coordinates(*part);
                    let leaves =
                        table.dimensions().iter().zip(&nodes).all(|(d, n)| d.leaves().contains(n));
                    leaves && below[cell].contains(&below[*part][0])
                };
                let parts = (0..counts.len()).filter(is_part).map(|part| alone[number][part]);
                let (low, high) = parts.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
                own = (own.0.max(low), own.1.min(high));
            }
            small.insert((number, cell), [own, together[number][cell]]);
        }
    }
    small
}

#[test]
fn the_verdict_is_that_of_every_world() {
    let (compared, safe, refused) = (Cell::new(0u32), Cell::new(0u32), Cell::new(0u32));
    let keys = prop::collection::vec(any::<u64>(), 8);
    cases(9_000)
        .run(&(small_sets(), 0..6usize, keys), |(set, method, keys)| {
            let total: u64 = set.tables[0].inner().iter().sum();
            if (1..5).contains(&total) {
                return Ok(());
            }
            let keys = keys_of(&set, &keys);
            let method = match method {
                0 => RoundingMethod::Nearest { base: 5 },
                1 => RoundingMethod::Nearest { base: 4 },
                2 => RoundingMethod::Controlled { base: 3, attempt: 0 },
                3 => RoundingMethod::Controlled { base: 5, attempt: keys[0][0] % 2 },
                4 => RoundingMethod::OpenSafely,
                _ => RoundingMethod::CellKey { keys: &keys },
            };
            let Rounded { published, rule } = round(&set, method).unwrap();
            let could =
                |is_inner: bool, count: u64, number: u64| could(rule, is_inner, count, number);
            let alone = ranges::alone(&set, &published, &could);
            let Some(together) = ranges::together(&set, &published, &could, 60_000) else {
                return Ok(());
            };
            compared.set(compared.get() + 1);
            let small = small_cells(&set, rule, &alone, &together);
            let holds = small.values().all(|[own, together]| own == together);
            match verify_rounded(set.clone(), published, rule) {
                Ok(_) => {
                    safe.set(safe.get() + 1);
                    prop_assert!(holds);
                }
                Err(Refusal::Unprotected(failures)) => {
                    refused.set(refused.get() + 1);
                    prop_assert!(!holds);
                    for Failure { table, cell, reason } in failures {
                        let [own, together] = small[&(table, cell)];
                        let narrowed = match reason {
                            FailureReason::Low => own.0 < together.0,
                            _ => own.1 > together.1,
                        };
                        prop_assert!(narrowed);
                    }
                }
                Err(refusal) => prop_assert!(false, "{}", refusal),
            }
            Ok(())
        })
        .unwrap();
    let (compared, safe, refused) = (compared.get(), safe.get(), refused.get());
    assert!(
        compared >= seen(5_000) && safe >= seen(1_000) && refused >= seen(500),
        "{compared} {safe} {refused}"
    );
}

/// Record keys of inner cells, the same where tables count the same children; none where there are none.
fn keys_of(set: &TableSet, keys: &[u64]) -> Vec<Vec<u64>> {
    let [one, other] = set.tables.as_slice() else {
        let inner = set.tables[0].inner().iter().zip(keys);
        return vec![inner.map(|(&count, &key)| if count == 0 { 0 } else { key }).collect()];
    };
    let mut of_other = keys[4..8].to_vec();
    let mut of_one = keys[..4].to_vec();
    for row in 0..2 {
        let (a, b) = (2 * row, 2 * row + 1);
        for (of_table, table) in [(&mut of_one, one), (&mut of_other, other)] {
            for place in [a, b] {
                if table.inner()[place] == 0 {
                    of_table[place] = 0;
                }
            }
        }
        // The other table's row is made to sum to the same.
        let sum = of_one[a].wrapping_add(of_one[b]);
        let last = if other.inner()[b] > 0 { b } else { a };
        of_other[last] = sum.wrapping_sub(of_other[a + b - last]);
    }
    vec![of_one, of_other]
}

#[test]
fn a_controlled_rounding_adds_up_and_leaves_multiples() {
    let adjacent = Cell::new(0u32);
    cases(3_000)
        .run(&(small_sets(), 2u64..7, 0u64..3), |(set, base, attempt)| {
            let Rounded { published, rule } =
                round(&set, RoundingMethod::Controlled { base, attempt }).unwrap();
            let is_adjacent = rule == Rounding::Controlled { base, margins: Margins::Adjacent };
            adjacent.set(adjacent.get() + u32::from(is_adjacent));
            for (table, published) in set.tables.iter().zip(&published) {
                let below = alternative_tables::below(table);
                let counts = alternative_tables::sums(table, table.inner());
                let mut inner = vec![0; table.inner().len()];
                for (cell, places) in below.iter().enumerate() {
                    let nodes = table.coordinates(cell);
                    if table.dimensions().iter().zip(&nodes).all(|(d, n)| d.leaves().contains(n)) {
                        inner[places[0]] = published[cell];
                        prop_assert!(published[cell].abs_diff(counts[cell]) < base);
                    }
                }
                prop_assert_eq!(&alternative_tables::sums(table, &inner), published);
                let far = if is_adjacent { base } else { 2 * base };
                let off = published.iter().zip(&counts).map(|(p, c)| p.abs_diff(*c));
                prop_assert!(off.max().unwrap() < far);
            }
            prop_assert!(alternative_tables::agree(&set, &published));
            Ok(())
        })
        .unwrap();
    assert!(adjacent.get() >= seen(2_900), "{adjacent:?} next to the truth everywhere");
}

#[test]
fn perturbation_leaves_small_numbers_out_and_makes_none_5_at_most() {
    cases(5_000)
        .run(&(0u64..40, any::<u64>()), |(count, key)| {
            let number = perturb(count, key);
            prop_assert!(!(1..5).contains(&number) && number.abs_diff(count) <= 5);
            prop_assert!(count > 0 || number == 0 || number == 5);
            prop_assert_eq!(number, perturb(count, key));
            Ok(())
        })
        .unwrap();
}
