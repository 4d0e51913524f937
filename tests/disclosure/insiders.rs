//! Those who know that they are in a cell, and cells that are withheld whatever they count: against every
//! world that someone thinks possible.

use minster_attack::verify_with;
use minster_model::table::AlternativeTable;

use super::*;

/// Whether another table divides the cells of a table: it has all of its dimensions. With the same ones in both, the
/// first divides the second.
fn is_divided(set: &TableSet, number: usize) -> bool {
    let has_all = |one: &CountTable, other: &CountTable| {
        let mut names = other.dimensions().iter().map(|of| of.name());
        names.all(|name| one.dimensions().iter().any(|of| of.name() == name))
    };
    let table = &set.tables[number];
    set.tables.iter().enumerate().any(|(at, other)| {
        at != number && has_all(other, table) && (at < number || !has_all(table, other))
    })
}

/// Everyone who could be in a withheld inner cell, with what they know of it. One child in a cell that another table
/// divides is in one of the parts, and asks there; a family of two may be in two.
pub(crate) fn insiders(set: &TableSet, patterns: &[Pattern]) -> Vec<Known> {
    let mut insiders = Vec::new();
    for (number, (table, pattern)) in set.tables.iter().zip(patterns).enumerate() {
        if set.policy.insider == 1 && is_divided(set, number) {
            continue;
        }
        for (inner, &count) in table.inner().iter().enumerate() {
            let withheld = pattern.withheld[table.cells_above(inner)[0]];
            let knows = set.policy.insider.min(count);
            if withheld && knows > set.policy.zeros.least_withheld() {
                insiders.push(((number, inner), knows));
            }
        }
    }
    insiders
}

/// Small sets of which some cells are withheld whatever they count.
pub(crate) fn unsafe_by_rule_sets() -> impl Strategy<Value = TableSet> {
    let levels = prop::collection::vec((0..27usize, 0..4u64, 0..7u64), 0..3);
    (small_sets(), levels).prop_map(|(mut set, levels)| {
        let zeros = set.policy.zeros;
        for table in &mut set.tables {
            let counts = table.cell_counts();
            let may = |cell: usize| counts[cell] > 0 || zeros != Zeros::Published;
            let unsafe_by_rule = levels
                .iter()
                .map(|&(cell, lower, upper)| ProtectionLevel {
                    cell: 1 + cell % (counts.len() - 1),
                    lower,
                    upper,
                })
                .filter(|level| may(level.cell));
            *table = table.clone().with_protection_levels(unsafe_by_rule.collect()).unwrap();
        }
        set
    })
}

#[test]
fn an_insider_learns_no_more_than_the_rule_says() {
    let (released, knowing) = (Cell::new(0u32), Cell::new(0u32));
    cases(4_000)
        .run(&(unsafe_by_rule_sets(), 0..3u64), |(mut set, insider)| {
            set.policy.insider = insider;
            let Ok(patterns) = protect(&set) else { return Ok(()) };
            let releasable = verify(set.clone(), patterns.clone()).unwrap();
            prop_assert!(certify(&set, &patterns, releasable.certificates()).is_ok());
            for known in insiders(&set, &patterns).into_iter().map(Some).chain([None]) {
                if let Some(alternatives) =
                    alternative_tables::extremes_known(&set, &patterns, 20_000, known)
                {
                    knowing.set(knowing.get() + 1);
                    prop_assert!(holds_known(&set, &patterns, &alternatives, known));
                }
            }
            released.set(released.get() + 1);
            Ok(())
        })
        .unwrap();
    assert!(
        released.get() >= seen(1_000) && knowing.get() >= seen(1_000),
        "{released:?} {knowing:?}"
    );
}

#[test]
fn the_verdict_on_insiders_is_that_of_every_world() {
    let (compared, passed) = (Cell::new(0u32), Cell::new(0u32));
    let patterns = prop::collection::vec(any::<bool>(), 64);
    cases(4_000)
        .run(&(unsafe_by_rule_sets(), patterns, 0..3u64), |(mut set, withheld, insider)| {
            set.policy.insider = insider;
            let pattern = |(number, table): (usize, &CountTable)| {
                let counts = alternative_tables::sums(table, table.inner());
                let withheld = (0..table.cell_count()).map(|cell| {
                    let small = (1..5).contains(&counts[cell])
                        || table.protection_levels().iter().any(|level| level.cell == cell);
                    cell != 0
                        && (small || withheld[(31 * number + cell) % 64])
                        && !(counts[cell] == 0 && set.policy.zeros == Zeros::Published)
                });
                Pattern { withheld: withheld.collect() }
            };
            let patterns: Vec<Pattern> = set.tables.iter().enumerate().map(pattern).collect();
            let everyone = insiders(&set, &patterns).into_iter().map(Some).chain([None]);
            let small = |t: &CountTable| (1..5).contains(&t.inner().iter().sum::<u64>());
            let mut safe = !set.tables.iter().any(small);
            for known in everyone {
                let Some(alternatives) =
                    alternative_tables::extremes_known(&set, &patterns, 5_000, known)
                else {
                    return Ok(());
                };
                safe &= holds_known(&set, &patterns, &alternatives, known);
            }
            compared.set(compared.get() + 1);
            let verdict = verify(set.clone(), patterns.clone()).is_ok();
            prop_assert_eq!(verdict, safe);
            passed.set(passed.get() + u32::from(verdict));
            Ok(())
        })
        .unwrap();
    assert!(compared.get() >= seen(2_000) && passed.get() >= seen(100), "{compared:?} {passed:?}");
}

#[test]
fn whoever_is_in_a_small_cell_does_not_know_how_small() {
    // 3 can be 6 at most, for the 7 then falls to 1. To three of them that is 3 more than they are.
    let (table, pattern) = tied(flat("x", 2), [3, 100, 7]);
    let cell = table.cell(&[1, 1, 1]);
    let mut all = set(vec![table], Zeros::MayBeWithheld);
    for insider in 0..3 {
        all.policy.insider = insider;
        assert!(verify(all.clone(), vec![pattern.clone()]).is_ok(), "{insider}");
    }
    all.policy.insider = 3;
    let failure = Failure { table: 0, cell, reason: FailureReason::Insider };
    assert_eq!(verify(all, vec![pattern]).unwrap_err(), Refusal::Unprotected(vec![failure]));
}

#[test]
fn what_is_published_of_a_small_cell_counts_for_those_in_its_rest() {
    // An earlier release was less strict: 1 of north's 3 is published, and the other two can be 7.
    let nodes =
        [("all", None), ("north", Some(0)), ("n1", Some(1)), ("n2", Some(1)), ("south", Some(0))];
    let nodes = nodes.map(|(code, of)| (code.to_owned(), of)).to_vec();
    let ward = Hierarchy::new("ward", nodes).unwrap();
    let pattern = Pattern { withheld: vec![false, true, false, true, true] };
    let table = CountTable::new("t", vec![ward], vec![1, 2, 5], vec![]).unwrap();
    let table = table.published_before(pattern.clone()).unwrap();
    let mut all = set(vec![table], Zeros::MayBeWithheld);
    all.policy.insider = 2;
    assert!(verify(all, vec![pattern]).is_ok());
}

#[test]
fn what_leaves_insiders_where_they_are_is_a_certificate() {
    let table = CountTable::new("t", vec![flat("a", 3)], vec![2, 5, 5], vec![]).unwrap();
    let mut all = set(vec![table], Zeros::MayBeWithheld);
    all.policy.insider = 2;
    let patterns = vec![Pattern { withheld: vec![false, true, true, true] }];
    // One of those in which the 2 is large leaves too few in the second cell, the next in the third.
    let alternative = |counts: [u64; 3]| AlternativeTable {
        counts: (0..3).map(|at| (0, at, counts[at])).collect(),
    };
    let proposed = [[5, 1, 6], [5, 6, 1], [0, 6, 6], [6, 0, 6]].map(alternative);
    let releasable = verify_with(all.clone(), patterns.clone(), &proposed).unwrap();
    assert_eq!(releasable.certificates().len(), 4);
    assert!(certify(&all, &patterns, releasable.certificates()).is_ok());
}
