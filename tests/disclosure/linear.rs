//! The comparison modes: what they promise, and that they promise no more.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{cell::Cell, io::Write as _};

use minster_attack::{intervals, verify};
use minster_disclosure::SuppressionRefusal;
use minster_disclosure_tests::{
    comparison::{Linear, Singletons, linear},
    exact, peers, seen, tried,
};
use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Grouping, Hierarchy, Pattern, TableSet},
};
use proptest::{prelude::*, test_runner::TestRunner};

const NONE: Linear = Linear { singletons: Singletons::None, width: 0 };
const GUARDED: Linear = Linear { singletons: Singletons::Guarded, width: 0 };
const WIDE: Linear = Linear { singletons: Singletons::Guarded, width: 5 };

fn flat(name: &str, size: usize) -> Hierarchy {
    Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
}

fn tree(name: &str, nodes: &[(&str, Option<usize>)]) -> Hierarchy {
    let nodes = nodes.iter().map(|&(code, parent)| (code.to_owned(), parent));
    Hierarchy::new(name, nodes.collect()).unwrap()
}

fn count(patterns: &[Pattern]) -> usize {
    let withheld = patterns.iter().flat_map(|pattern| &pattern.withheld);
    withheld.filter(|withheld| **withheld).count()
}

/// Small tables of several shapes: with hierarchies, groupings that overlap, and two linked tables.
fn small_sets() -> impl Strategy<Value = TableSet> {
    let count = prop_oneof![2 => 0u64..3, 3 => 1u64..6, 4 => 5u64..40];
    let counts = prop::collection::vec(count, 18);
    let zeros = prop_oneof![
        2 => Just(Zeros::Published),
        1 => Just(Zeros::MayBeWithheld),
        1 => Just(Zeros::Unsafe)
    ];
    (0..6usize, counts, zeros).prop_map(|(shape, counts, zeros)| {
        let ward = tree(
            "ward",
            &[
                ("all", None),
                ("n", Some(0)),
                ("n1", Some(1)),
                ("n2", Some(1)),
                ("s", Some(0)),
                ("t", Some(0)),
            ],
        );
        let grouping = Grouping { codes: vec!["e".into(), "w".into()], group_of: vec![0, 1, 1, 0] };
        let dimensions = match shape {
            0 => vec![flat("a", 3), flat("b", 3)],
            1 => vec![flat("a", 3), flat("b", 5)],
            2 => vec![flat("a", 3), ward],
            3 => vec![flat("a", 3), ward.grouped(grouping).unwrap()],
            4 => vec![flat("a", 2), flat("b", 3), flat("c", 3)],
            _ => vec![flat("a", 3), flat("b", 3)],
        };
        let inner = dimensions.iter().map(|d| d.leaves().len()).product::<usize>();
        let policy = Policy::new(5, zeros);
        if shape < 5 {
            let table = CountTable::new("t", dimensions, counts[..inner].to_vec(), vec![]).unwrap();
            return TableSet { tables: vec![table], policy };
        }
        // Two margins of one table of three dimensions, linked by the first of them.
        let sum = |terms: [usize; 2]| terms.map(|at| counts[at]).iter().sum::<u64>();
        let by_b = (0..9).map(|at| sum([2 * at, 2 * at + 1])).collect();
        let by_c = (0..6).map(|at| {
            let (a, c) = (at / 2, at % 2);
            (0..3).map(|b| counts[6 * a + 2 * b + c]).sum()
        });
        let second = vec![flat("a", 3), flat("c", 2)];
        let tables = vec![
            CountTable::new("b", dimensions, by_b, vec![]).unwrap(),
            CountTable::new("c", second, by_c.collect(), vec![]).unwrap(),
        ];
        TableSet { tables, policy }
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

/// The cells withheld for their own sake, as table and number. The total of all is never one.
fn primary(set: &TableSet) -> Vec<(usize, usize)> {
    let tables = set.tables.iter().enumerate();
    let small = tables.flat_map(|(number, table)| {
        let counts = table.cell_counts().into_iter().enumerate();
        let small = counts.filter(|&(_, count)| set.policy.is_small(count));
        small.map(move |(cell, _)| (number, cell)).collect::<Vec<_>>()
    });
    small.collect()
}

#[test]
fn no_primary_cell_follows_and_each_secondary_would_give_one_away() {
    let (patterns, secondaries) = (Cell::new(0u32), Cell::new(0u32));
    cases(3_000)
        .run(&small_sets(), |set| {
            let Ok(found) = linear(&set, NONE) else { return Ok(()) };
            patterns.set(patterns.get() + 1);
            let rows = exact::rows(&set);
            let primary = primary(&set);
            let follows = |span: &exact::Span| {
                primary.iter().any(|&(table, cell)| span.holds(&rows.of_cell[table][cell]))
            };
            let published = rows.span(&found);
            prop_assert!(!follows(&published));
            prop_assert!(primary.iter().all(|&(table, cell)| found[table].withheld[cell]));
            for (table, pattern) in found.iter().enumerate() {
                for cell in (0..pattern.withheld.len()).filter(|&cell| pattern.withheld[cell]) {
                    if primary.contains(&(table, cell)) {
                        continue;
                    }
                    secondaries.set(secondaries.get() + 1);
                    let mut more = published.clone();
                    more.add(&rows.of_cell[table][cell]);
                    prop_assert!(
                        follows(&more),
                        "cell {cell} of table {table} is withheld in vain"
                    );
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(
        patterns.get() >= seen(2_000) && secondaries.get() >= seen(5_000),
        "{patterns:?} {secondaries:?}"
    );
}

/// Whether some primary cell follows for whoever is alone in an inner cell, and did not before.
fn known_to_one(set: &TableSet, patterns: &[Pattern]) -> bool {
    let rows = exact::rows(set);
    let (published, known) = (rows.span(patterns), rows.span_of_known());
    let primary = primary(set);
    let alone = primary.iter().filter(|&&(number, cell)| {
        let table = &set.tables[number];
        let inner = table.dimensions().iter().zip(table.coordinates(cell));
        table.cell_counts()[cell] == 1 && { inner }.all(|(d, node)| d.leaves().contains(&node))
    });
    { alone }.any(|&(table, cell)| {
        let with = |mut span: exact::Span| {
            span.add(&rows.of_cell[table][cell]);
            span
        };
        let (after, before) = (with(published.clone()), with(known.clone()));
        primary.iter().any(|&(table, cell)| {
            let row = &rows.of_cell[table][cell];
            after.holds(row) && !before.holds(row)
        })
    })
}

#[test]
fn whoever_is_alone_in_a_cell_works_out_no_other() {
    let (patterns, unguarded) = (Cell::new(0u32), Cell::new(0u32));
    cases(3_000)
        .run(&small_sets(), |set| {
            let Ok(found) = linear(&set, GUARDED) else { return Ok(()) };
            patterns.set(patterns.get() + 1);
            prop_assert!(!known_to_one(&set, &found));
            let published = exact::rows(&set).span(&found);
            let rows = exact::rows(&set);
            let follows =
                |&(table, cell): &(usize, usize)| published.holds(&rows.of_cell[table][cell]);
            prop_assert!(!primary(&set).iter().any(follows));
            let without = linear(&set, NONE).unwrap();
            unguarded.set(unguarded.get() + u32::from(known_to_one(&set, &without)));
            Ok(())
        })
        .unwrap();
    assert!(
        patterns.get() >= seen(2_000) && unguarded.get() >= seen(200),
        "{patterns:?} {unguarded:?}"
    );
}

#[test]
fn no_interval_of_a_primary_cell_is_narrow() {
    let (patterns, narrow) = (Cell::new(0u32), Cell::new(0u32));
    cases(400)
        .run(&small_sets(), |set| {
            let Ok(found) = linear(&set, WIDE) else { return Ok(()) };
            patterns.set(patterns.get() + 1);
            prop_assert!(!known_to_one(&set, &found));
            prop_assert_eq!(narrowest(&set, &found).min(5), 5);
            let without = linear(&set, GUARDED).unwrap();
            narrow.set(narrow.get() + u32::from(narrowest(&set, &without) < 5));
            Ok(())
        })
        .unwrap();
    assert!(patterns.get() >= seen(200) && narrow.get() >= seen(20), "{patterns:?} {narrow:?}");
}

/// The narrowest interval of a primary cell where what is withheld may be 0.
fn narrowest(set: &TableSet, patterns: &[Pattern]) -> u64 {
    let mut set = set.clone();
    let primary = primary(&set);
    set.policy.zeros = Zeros::MayBeWithheld;
    let intervals = intervals(&set, patterns).unwrap();
    let width = |&(table, cell): &(usize, usize)| {
        let interval = intervals[table][&cell];
        interval.high.map_or(u64::MAX, |high| high - interval.low)
    };
    primary.iter().map(width).min().unwrap_or(u64::MAX)
}

/// <https://github.com/sdcTools/UserSupport/issues/136>: regions in counties, and the same regions by size
/// of place. Each table is safe with its five small cells withheld; together they give K away, as small
/// places less N less the first county.
#[test]
fn linked_tables_that_are_safe_alone_need_one_more_cell() {
    let counts = vec![2, 2, 8, 8, 3, 3, 3, 7];
    let regions = ["A", "B", "I", "J", "K", "L", "M", "N"];
    let divided = |name: &str, groups: [&'static str; 2], group_of: [usize; 8]| {
        let mut nodes = vec![("all", None), (groups[0], Some(0)), (groups[1], Some(0))];
        nodes.extend(regions.into_iter().zip(group_of.map(|group| Some(1 + group))));
        CountTable::new(name, vec![tree("region", &nodes)], counts.clone(), vec![]).unwrap()
    };
    let of_size = [1, 1, 1, 1, 1, 0, 0, 1];
    let counties = divided("counties", ["county-1", "county-2"], [0, 0, 0, 0, 1, 1, 1, 1]);
    let sizes = divided("sizes", ["big", "small"], of_size);
    let policy = Policy::new(4, Zeros::Published);
    let set = |tables| TableSet { tables, policy };
    for table in [&counties, &sizes] {
        assert_eq!(count(&linear(&set(vec![table.clone()]), NONE).unwrap()), 5);
    }
    // Linked: the region N, which both tables show.
    let both = linear(&set(vec![counties.clone(), sizes]), NONE).unwrap();
    let withheld = |pattern: &Pattern| -> Vec<usize> {
        (0..11).filter(|&cell| pattern.withheld[cell]).collect()
    };
    for pattern in &both {
        assert_eq!(withheld(pattern), [3, 4, 7, 8, 9, 10]);
    }
    // As one table with two divisions.
    let grouping = Grouping { codes: vec!["big".into(), "small".into()], group_of: of_size.into() };
    let region = counties.dimensions()[0].clone().grouped(grouping).unwrap();
    let overlaid = CountTable::new("overlaid", vec![region], counts.clone(), vec![]).unwrap();
    let overlaid = linear(&set(vec![overlaid]), NONE).unwrap();
    assert_eq!(withheld(&overlaid[0]), [3, 4, 7, 8, 9, 10]);
    assert_eq!(count(&overlaid), 6);
}

#[test]
fn what_has_one_solution_is_not_releasable() {
    // No cell of the first row is a difference of published ones, but five ones are all that 5 can be.
    let counts = vec![1, 1, 1, 1, 1, 30, 31, 32, 33, 34];
    let table = CountTable::new("t", vec![flat("a", 2), flat("b", 5)], counts, vec![]).unwrap();
    let set = TableSet { tables: vec![table], policy: Policy::new(5, Zeros::Published) };
    let patterns = linear(&set, GUARDED).unwrap();
    assert_eq!(count(&patterns), 10);
    assert!(verify(set, patterns).is_err());
}

#[test]
fn what_totals_give_away_is_refused() {
    let table = CountTable::new("t", vec![flat("a", 2)], vec![0, 12], vec![]).unwrap();
    let set = |table, zeros| TableSet { tables: vec![table], policy: Policy::new(5, zeros) };
    assert_eq!(count(&linear(&set(table, Zeros::Published), NONE).unwrap()), 0);
    let small = CountTable::new("t", vec![flat("a", 2)], vec![1, 2], vec![]).unwrap();
    let refusal = linear(&set(small, Zeros::Published), NONE).unwrap_err();
    assert!(matches!(refusal, SuppressionRefusal::GrandTotalBelowThreshold { .. }));
    let two = CountTable::new("t", vec![flat("a", 2)], vec![2, 12], vec![]).unwrap();
    let forced_published = two.with_forced_published(vec![2]).unwrap();
    let refusal = linear(&set(forced_published, Zeros::Published), NONE).unwrap_err();
    assert!(matches!(refusal, SuppressionRefusal::Unprotectable { .. }));
}

/// No more is withheld than GaussSuppression withholds, and no primary cell follows.
#[test]
fn the_peer_withholds_no_less() {
    let (tables, missing) = peers::at_hand(false);
    for missing in missing {
        // Nobody is shown the output of a passed test.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {missing}");
    }
    for peers::PeerTable { name, set, recorded } in tables {
        let runs = [
            (NONE, recorded.no_singletons.or(recorded.default)),
            (GUARDED, recorded.default),
            (WIDE, recorded.intervals),
        ];
        for (mode, bar) in runs {
            let Some(bar) = bar else { continue };
            let patterns = linear(&set, mode).unwrap();
            let withheld = count(&patterns);
            println!("{name}: {withheld} withheld, the peer {bar}");
            assert!(withheld <= bar, "{name}: {withheld} withheld, the peer {bar}");
            let alone = mode.singletons == Singletons::Guarded;
            let given_away = exact::gives_away(&set, &patterns[0], alone);
            assert!(!given_away, "{name}: a primary cell follows");
        }
    }
}
