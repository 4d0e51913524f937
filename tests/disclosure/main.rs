//! Suppression and attack together: the attack cannot undo what suppression withholds. Both crates are at hand
//! here alone; neither knows the other.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod dice;
mod insiders;
mod optimal;
mod populations;
mod promise;
mod respondents;
mod rules;

use std::cell::Cell;

use minster_attack::{Failure, FailureReason, Refusal, certify, intervals, verify};
use minster_disclosure::{suppress, suppress_with, widen};
use minster_disclosure_tests::{
    alternative_tables::{self, Known},
    seen, tried,
};
use minster_model::{
    NodeId,
    policy::{Costs, Policy, Zeros},
    table::{CountTable, Grouping, Hierarchy, Pattern, ProtectionLevel, Sensitive, TableSet},
};
use proptest::{prelude::*, test_runner::TestRunner};

use self::promise::{holds, holds_known, promised};

fn flat(name: &str, size: usize) -> Hierarchy {
    Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
}

fn set(tables: Vec<CountTable>, zeros: Zeros) -> TableSet {
    TableSet { tables, policy: Policy::new(5, zeros) }
}

/// Counts of which one tells of twice another: as much as `first` is more, `last` is less twice over. All
/// else is withheld but for what ties them, cells of nobody else included; `beside` is published next to
/// the first, in a table that divides by `dimension` first.
fn tied(dimension: Hierarchy, [first, beside, last]: [u64; 3]) -> (CountTable, Pattern) {
    let leaves = dimension.leaves().len();
    let mut inner = vec![100; 4 * leaves];
    (inner[0], inner[4], inner[3]) = (first, beside, last);
    inner[8..].fill(9);
    let table =
        CountTable::new("t", vec![dimension, flat("y", 2), flat("z", 2)], inner, vec![]).unwrap();
    let unknown = [[1, 1, 1], [2, 2, 1], [2, 1, 2], [2, 2, 2], [1, 2, 2]];
    // The first and the second; the first and the third; the second to the fourth; the fourth and the last.
    let sums = [[0, 0, 1], [0, 1, 0], [2, 0, 0], [0, 2, 2]];
    let withheld = (0..table.cell_count()).map(|cell| {
        let nodes: Vec<usize> = table.coordinates(cell).into_iter().map(usize::from).collect();
        let nodes: [usize; 3] = nodes.try_into().unwrap();
        unknown.contains(&nodes) || !table.is_inner(cell) && !sums.contains(&nodes)
    });
    let pattern = Pattern { withheld: withheld.collect() };
    (table, pattern)
}

fn protect(set: &TableSet) -> Result<Vec<Pattern>, String> {
    protect_at(set, Costs::default())
}

fn protect_at(set: &TableSet, costs: Costs) -> Result<Vec<Pattern>, String> {
    let mut patterns = suppress_with(set, costs).map_err(|refusal| refusal.to_string())?.patterns;
    for _ in 0..8 {
        match verify(set.clone(), patterns.clone()) {
            Ok(_) => return Ok(patterns),
            Err(Refusal::Unprotected(failures)) => {
                let failing: Vec<_> = failures.iter().map(|f| (f.table, f.cell)).collect();
                patterns = widen(set, &patterns, &failing, costs)
                    .map_err(|refusal| refusal.to_string())?
                    .patterns;
            }
            Err(refusal) => return Err(refusal.to_string()),
        }
    }
    Err("rounds used up".into())
}

#[test]
fn a_lone_small_cell_takes_three_more() {
    let table = CountTable::new(
        "t",
        vec![flat("a", 3), flat("b", 3)],
        vec![2, 20, 30, 25, 40, 50, 31, 42, 53],
        vec![],
    )
    .unwrap();
    let patterns = protect(&set(vec![table], Zeros::Published)).unwrap();
    assert_eq!(patterns[0].withheld.iter().filter(|withheld| **withheld).count(), 4);
}

#[test]
fn five_over_five_cells_is_no_cover_where_zeros_are_published() {
    // A row total of 5 over five withheld cells has one solution: all ones.
    let table = CountTable::new(
        "t",
        vec![flat("a", 2), flat("b", 5)],
        vec![1, 1, 1, 1, 1, 30, 31, 32, 33, 34],
        vec![],
    )
    .unwrap();
    let all = set(vec![table.clone()], Zeros::Published);
    let mut withheld = vec![false; table.cell_count()];
    for leaf in 1..=5 {
        withheld[table.cell(&[1, leaf])] = true;
        withheld[table.cell(&[2, leaf])] = true;
    }
    assert!(verify(all.clone(), vec![Pattern { withheld }]).is_err());
    let patterns = protect(&all).unwrap();
    assert!(patterns[0].withheld[table.cell(&[1, 0])], "the row's total must go too");
}

#[test]
fn three_ones_and_a_four_of_seven_need_more() {
    // Where zeros are published, a total of 7 leaves a cell at most 4 beside three others.
    let counts = vec![1, 1, 1, 4, 30, 31, 32, 33];
    let table = CountTable::new("t", vec![flat("a", 2), flat("b", 4)], counts, vec![]).unwrap();
    let all = set(vec![table.clone()], Zeros::Published);
    let mut withheld = vec![false; table.cell_count()];
    (1..=4).for_each(|leaf| {
        withheld[table.cell(&[1, leaf])] = true;
        withheld[table.cell(&[2, leaf])] = true;
    });
    let Err(Refusal::Unprotected(failures)) = verify(all.clone(), vec![Pattern { withheld }])
    else {
        panic!("seven bounds each of the four")
    };
    assert_eq!(failures.len(), 4, "each can be no more than 4");
    let patterns = protect(&all).unwrap();
    assert!(patterns[0].withheld[table.cell(&[1, 0])], "the row's total must go too");
}

#[test]
fn what_is_dear_is_kept() {
    let counts = vec![2, 3, 9, 30, 41, 52, 33, 44, 55, 36, 47, 58];
    let table = CountTable::new("t", vec![flat("a", 4), flat("b", 3)], counts, vec![]).unwrap();
    let all = set(vec![table.clone()], Zeros::MayBeWithheld);
    let withheld_margins = |margin: f64| {
        let costs = Costs { margin, ..Costs::default() };
        let suppression = suppress_with(&all, costs).unwrap();
        assert!(verify(all.clone(), suppression.patterns.clone()).is_ok());
        let is_margin = |&cell: &usize| table.coordinates(cell).contains(&NodeId(0));
        let withheld = &suppression.patterns[0].withheld;
        (0..12 + 8).filter(is_margin).filter(|&cell| withheld[cell]).count()
    };
    assert_eq!(withheld_margins(50.0), 0);
    assert!(withheld_margins(0.0) >= withheld_margins(50.0));
}

#[test]
fn a_linked_table_gives_nothing_away() {
    let first = CountTable::new("f", vec![flat("a", 2), flat("b", 2)], vec![3, 20, 30, 40], vec![])
        .unwrap();
    let second =
        CountTable::new("s", vec![flat("a", 2), flat("c", 2)], vec![10, 13, 35, 35], vec![])
            .unwrap();
    let linked = set(vec![first.clone(), second], Zeros::MayBeWithheld);
    let patterns = protect(&linked).unwrap();
    assert!(patterns[0].withheld[first.cell(&[1, 1])]);
    // Each safe alone, but the second table publishes the margin that the first withholds.
    let mut of_first = vec![false; 9];
    for nodes in [[1, 1], [1, 0], [2, 1], [2, 0]] {
        of_first[first.cell(&nodes)] = true;
    }
    assert!(
        verify(linked, vec![Pattern { withheld: of_first }, Pattern { withheld: vec![false; 9] }])
            .is_err()
    );
}

#[test]
fn a_group_of_one_category_is_disclosure() {
    let sensitive = vec![Sensitive { dimension: 1, categories: vec![NodeId(1)] }];
    let table = CountTable::new(
        "t",
        vec![flat("ward", 3), flat("care", 2)],
        vec![12, 0, 20, 30, 25, 35],
        sensitive,
    )
    .unwrap();
    let all = set(vec![table.clone()], Zeros::MayBeWithheld);
    assert!(verify(all.clone(), vec![Pattern { withheld: vec![false; 12] }]).is_err());
    let patterns = protect(&all).unwrap();
    assert!(patterns[0].withheld[table.cell(&[1, 1])]);
}

#[test]
fn a_hierarchy_protects_at_every_level() {
    let ward = Hierarchy::new(
        "ward",
        vec![
            ("all".into(), None),
            ("north".into(), Some(0)),
            ("n1".into(), Some(1)),
            ("n2".into(), Some(1)),
            ("south".into(), Some(0)),
            ("s1".into(), Some(4)),
            ("s2".into(), Some(4)),
        ],
    )
    .unwrap();
    let table = CountTable::new(
        "t",
        vec![ward, flat("sex", 2)],
        vec![3, 14, 22, 18, 40, 35, 28, 31],
        vec![],
    )
    .unwrap();
    for zeros in [Zeros::Published, Zeros::MayBeWithheld] {
        protect(&set(vec![table.clone()], zeros)).unwrap();
    }
}

#[test]
fn a_whole_table_below_the_threshold_is_refused() {
    let table = CountTable::new("t", vec![flat("a", 2)], vec![1, 3], vec![]).unwrap();
    let all = set(vec![table], Zeros::Published);
    assert!(suppress(&all).is_err());
    assert!(matches!(
        verify(all, vec![Pattern { withheld: vec![true; 3] }]),
        Err(Refusal::GrandTotal { .. })
    ));
}

#[test]
fn a_cycle_of_tables_is_refused() {
    let table = |name: &str, a: &str, b: &str| {
        CountTable::new(name, vec![flat(a, 2), flat(b, 2)], vec![10; 4], vec![]).unwrap()
    };
    let all = set(
        vec![table("x", "a", "b"), table("y", "b", "c"), table("z", "c", "a")],
        Zeros::Published,
    );
    let none = vec![Pattern { withheld: vec![false; 9] }; 3];
    assert_eq!(verify(all, none).unwrap_err(), Refusal::Cyclic);
}

/// A table of about a thousand cells, skewed as wards and ethnic groups are.
#[test]
fn a_thousand_cells() {
    let ward = Hierarchy::new(
        "ward",
        std::iter::once(("all".to_owned(), None))
            .chain((0..4).map(|l| (format!("L{l}"), Some(0))))
            .chain((0..16).map(|w| (format!("W{w}"), Some(1 + w % 4))))
            .collect(),
    )
    .unwrap();
    let dims = vec![ward, flat("sex", 2), flat("group", 14)];
    let size: usize = dims.iter().map(|d| d.leaves().len()).product();
    let mut state = 1u64;
    let inner = (0..size)
        .map(|cell| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let group = cell % 14;
            (state >> 33) % (400 / (1 + group as u64 * group as u64))
        })
        .collect();
    let table = CountTable::new("t", dims, inner, vec![]).unwrap();
    assert!(table.cell_count() > 900);
    let patterns = protect(&set(vec![table], Zeros::MayBeWithheld)).unwrap();
    assert!(patterns[0].withheld.iter().any(|withheld| !withheld));
}

/// Small tables of several shapes, with any counts.
fn small_sets() -> impl Strategy<Value = TableSet> {
    let count = prop_oneof![3 => 0u64..6, 1 => 0u64..15];
    let counts = prop::collection::vec(count, 8);
    (0..6usize, counts, any::<bool>(), any::<bool>()).prop_map(
        |(shape, counts, published, sensitive)| {
            let ward = Hierarchy::new(
                "ward",
                vec![
                    ("all".into(), None),
                    ("north".into(), Some(0)),
                    ("n1".into(), Some(1)),
                    ("n2".into(), Some(1)),
                    ("s1".into(), Some(0)),
                ],
            )
            .unwrap();
            let dimensions = match shape {
                0 => vec![flat("a", 2), flat("b", 2)],
                1 => vec![flat("a", 2), flat("b", 3)],
                2 => vec![flat("a", 2), flat("b", 4)],
                3 => vec![flat("a", 2), ward],
                4 => vec![flat("a", 2), flat("b", 2), flat("c", 2)],
                _ => vec![flat("a", 2), flat("b", 2)],
            };
            let zeros = if published { Zeros::Published } else { Zeros::MayBeWithheld };
            let inner = dimensions.iter().map(|d| d.leaves().len()).product::<usize>();
            let of_last = match (sensitive, shape) {
                (true, 0..3) => vec![Sensitive { dimension: 1, categories: vec![NodeId(1)] }],
                _ => vec![],
            };
            if shape < 5 {
                let counts = counts[..inner].to_vec();
                let table = CountTable::new("t", dimensions, counts, of_last).unwrap();
                return set(vec![table], zeros);
            }
            // Two margins of one table of three dimensions, linked by the first of them.
            let pairs = |pairs: [[usize; 2]; 4]| {
                pairs.map(|[one, other]| counts[one] + counts[other]).to_vec()
            };
            let by_b = pairs([[0, 1], [2, 3], [4, 5], [6, 7]]);
            let by_c = pairs([[0, 2], [1, 3], [4, 6], [5, 7]]);
            let first = CountTable::new("b", dimensions, by_b, vec![]).unwrap();
            let dimensions = vec![flat("a", 2), flat("c", 2)];
            let second = CountTable::new("c", dimensions, by_c, vec![]).unwrap();
            set(vec![first, second], zeros)
        },
    )
}

fn cases(cases: u32) -> TestRunner {
    let config = ProptestConfig {
        cases: tried(cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
}

#[test]
fn what_is_released_keeps_the_promise_in_every_world() {
    let (released, left_out) = (Cell::new(0u32), Cell::new(0u32));
    cases(10_000)
        .run(&small_sets(), |set| {
            let Ok(patterns) = protect(&set) else { return Ok(()) };
            match alternative_tables::extremes(&set, &patterns, 20_000) {
                Some(alternatives) => {
                    released.set(released.get() + 1);
                    prop_assert!(holds(&set, &patterns, &alternatives));
                }
                None => left_out.set(left_out.get() + 1),
            }
            Ok(())
        })
        .unwrap();
    assert!(released.get() >= seen(5_000), "{} left out", left_out.get());
}

#[test]
fn what_was_published_before_counts_in_every_world() {
    let (both, refused) = (Cell::new(0u32), Cell::new(0u32));
    let linked = small_sets().prop_filter("two tables", |set| set.tables.len() == 2);
    let linked = linked.boxed();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: tried(1_500),
        failure_persistence: None,
        max_global_rejects: 100_000,
        max_local_rejects: 1_000_000,
        ..ProptestConfig::default()
    });
    runner
        .run(&linked, |joint| {
            let alone = set(vec![joint.tables[0].clone()], joint.policy.zeros);
            let Ok(before) = protect(&alone) else { return Ok(()) };
            let published = joint.tables[0].clone().published_before(before[0].clone()).unwrap();
            let later = set(vec![joint.tables[1].clone(), published], joint.policy.zeros);
            let Ok(patterns) = protect(&later) else {
                refused.set(refused.get() + 1);
                return Ok(());
            };
            prop_assert_eq!(&patterns[1], &before[0]);
            if let Some(alternatives) = alternative_tables::extremes(&later, &patterns, 20_000) {
                both.set(both.get() + 1);
                prop_assert!(holds(&later, &patterns, &alternatives));
            }
            Ok(())
        })
        .unwrap();
    assert!(both.get() >= seen(300), "{both:?} released, {refused:?} refused");
}

#[test]
fn intervals_and_verdict_are_those_of_every_world() {
    let (compared, passed) = (Cell::new(0u32), Cell::new(0u32));
    let patterns = prop::collection::vec(any::<bool>(), 64);
    cases(10_000)
        .run(&(small_sets(), patterns), |(set, withheld)| {
            let pattern = |(number, table): (usize, &CountTable)| {
                let counts = alternative_tables::sums(table, table.inner());
                let stands = |cell: usize| {
                    cell == 0 || (counts[cell] == 0 && set.policy.zeros == Zeros::Published)
                };
                let withheld = (0..table.cell_count())
                    .map(|cell| withheld[(31 * number + cell) % 64] && !stands(cell))
                    .collect();
                Pattern { withheld }
            };
            let patterns: Vec<Pattern> = set.tables.iter().enumerate().map(pattern).collect();
            let Some(alternatives) = alternative_tables::extremes(&set, &patterns, 5_000) else {
                return Ok(());
            };
            compared.set(compared.get() + 1);
            let intervals = intervals(&set, &patterns).unwrap();
            for (table, of_table) in intervals.iter().enumerate() {
                for (&cell, interval) in of_table {
                    prop_assert_eq!(interval.low, alternatives.least[table][cell]);
                    prop_assert_eq!(interval.high, Some(alternatives.most[table][cell]));
                    if cell % 5 == 0 {
                        let alone = minster_attack::interval(&set, &patterns, table, cell).unwrap();
                        prop_assert_eq!(alone, Some(*interval));
                    }
                }
            }
            let total = |table: &CountTable| table.inner().iter().sum::<u64>();
            let verdict = verify(set.clone(), patterns.clone()).is_ok();
            let small = set.tables.iter().any(|table| (1..5).contains(&total(table)));
            prop_assert_eq!(verdict, !small && holds(&set, &patterns, &alternatives));
            passed.set(passed.get() + u32::from(verdict));
            Ok(())
        })
        .unwrap();
    assert!(compared.get() >= seen(8_000) && passed.get() >= seen(200), "{compared:?} {passed:?}");
}

#[test]
fn what_is_withheld_is_not_published() {
    let inner = vec![2, 20, 30, 40];
    let table = CountTable::new("t", vec![flat("a", 2), flat("b", 2)], inner, vec![]).unwrap();
    let all = set(vec![table.clone()], Zeros::MayBeWithheld);
    let withheld = [false, false, false, false, true, true, false, true, true].to_vec();
    let releasable = verify(all, vec![Pattern { withheld: withheld.clone() }]).unwrap();
    assert_eq!(releasable.tables(), [table]);
    assert_eq!(releasable.patterns(), [Pattern { withheld }]);
    let shown = [Some(92), Some(32), Some(60), Some(22), None, None, Some(70), None, None];
    assert_eq!(releasable.published_cells(0), shown);
    assert_eq!((releasable.published(0, 1), releasable.published(0, 4)), (Some(32), None));
}

#[test]
fn patterns_of_other_tables_have_no_intervals() {
    let table = CountTable::new("t", vec![flat("a", 2)], vec![10, 20], vec![]).unwrap();
    let all = set(vec![table], Zeros::MayBeWithheld);
    let pattern = |cells: usize| Pattern { withheld: vec![false; cells] };
    for wrong in [vec![], vec![pattern(2)], vec![pattern(3), pattern(3)]] {
        assert_eq!(intervals(&all, &wrong), Err(Refusal::Shape));
        assert_eq!(verify(all.clone(), wrong).unwrap_err(), Refusal::Shape);
    }
    assert!(intervals(&all, &[pattern(3)]).is_ok());
}
