//! Suppression and attack together: what one withholds, the other cannot undo. Both crates are at hand
//! here alone; neither knows the other.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_attack::{Refusal, verify};
use minster_disclosure::{suppress, widen};
use minster_model::cube::{CountTable, Hierarchy, Pattern, Policy, Sensitive, TableSet, Zeros};
use proptest::prelude::*;

fn flat(name: &str, size: usize) -> Hierarchy {
    Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
}

fn set(tables: Vec<CountTable>, zeros: Zeros) -> TableSet {
    TableSet { tables, policy: Policy { threshold: 5, zeros } }
}

fn protect(set: &TableSet) -> Result<Vec<Pattern>, String> {
    let mut patterns = suppress(set).map_err(|refusal| refusal.to_string())?.patterns;
    for _ in 0..8 {
        match verify(set.clone(), patterns.clone()) {
            Ok(_) => return Ok(patterns),
            Err(Refusal::Unprotected(failures)) => {
                let failing: Vec<_> = failures.iter().map(|f| (f.table, f.cell)).collect();
                patterns = widen(set, &patterns, &failing)
                    .map_err(|refusal| refusal.to_string())?
                    .patterns;
            }
            Err(refusal) => return Err(refusal.to_string()),
        }
    }
    Err("rounds used up".into())
}

/// All worlds of one flat two-way table by brute force, inner counts up to `most`.
fn worlds(table: &CountTable, pattern: &Pattern, zeros: Zeros, most: u64) -> Vec<Vec<u64>> {
    let inner: Vec<usize> = (0..table.cell_count())
        .filter(|&cell| {
            let nodes = table.coordinates(cell);
            table.dimensions().iter().zip(nodes).all(|(d, node)| d.leaves().contains(&node))
        })
        .collect();
    let sums = |values: &[u64]| -> Vec<u64> {
        (0..table.cell_count())
            .map(|cell| {
                let at = table.coordinates(cell);
                inner
                    .iter()
                    .zip(values)
                    .filter(|(leafcell, _)| {
                        let leaf = table.coordinates(**leafcell);
                        table
                            .dimensions()
                            .iter()
                            .enumerate()
                            .all(|(d, dim)| dim.is_within(leaf[d], at[d]))
                    })
                    .map(|(_, value)| value)
                    .sum()
            })
            .collect()
    };
    let truth = sums(table.inner());
    let mut found = Vec::new();
    let mut values = table.inner().to_vec();
    fn go(
        at: usize,
        values: &mut Vec<u64>,
        free: &dyn Fn(usize) -> Option<u64>,
        most: u64,
        done: &mut dyn FnMut(&[u64]),
    ) {
        if at == values.len() {
            return done(values);
        }
        match free(at) {
            None => go(at + 1, values, free, most, done),
            Some(least) => {
                let keep = values[at];
                for value in least..=most {
                    values[at] = value;
                    go(at + 1, values, free, most, done);
                }
                values[at] = keep;
            }
        }
    }
    let free = |at: usize| pattern.withheld[inner[at]].then(|| zeros.least_withheld());
    go(0, &mut values, &free, most, &mut |values| {
        let now = sums(values);
        if (0..now.len()).all(|cell| pattern.withheld[cell] || now[cell] == truth[cell]) {
            found.push(now);
        }
    });
    found
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
    let sensitive = vec![Sensitive { dimension: 1, categories: vec![1] }];
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The brute force finds every world of a released table, and the promise holds in them.
    #[test]
    fn what_passes_keeps_the_promise(counts in prop::collection::vec(0u64..9, 4), published in any::<bool>()) {
        let zeros = if published { Zeros::Published } else { Zeros::MayBeWithheld };
        let table = CountTable::new("t", vec![flat("a", 2), flat("b", 2)], counts, vec![]).unwrap();
        if let Ok(patterns) = protect(&set(vec![table.clone()], zeros)) {
            let total: u64 = table.inner().iter().sum();
            let worlds = worlds(&table, &patterns[0], zeros, total.min(14));
            let truth = (0..table.cell_count()).map(|cell| {
                let at = table.coordinates(cell);
                (0..4).filter(|inner| (at[0] == 0 || at[0] == 1 + inner / 2) && (at[1] == 0 || at[1] == 1 + inner % 2)).map(|inner| table.inner()[inner]).sum::<u64>()
            }).collect::<Vec<_>>();
            for cell in (0..table.cell_count()).filter(|&cell| (1..5).contains(&truth[cell])) {
                prop_assert!(patterns[0].withheld[cell]);
                let high = worlds.iter().map(|world| world[cell]).max().unwrap();
                prop_assert!(high >= 5, "cell {cell}: at most {high}");
            }
        }
    }

    /// The attack refuses exactly the patterns for which the brute force finds no world.
    #[test]
    fn the_attack_agrees_with_all_worlds(counts in prop::collection::vec(0u64..7, 4), withheld in prop::collection::vec(any::<bool>(), 9)) {
        let zeros = Zeros::MayBeWithheld;
        let table = CountTable::new("t", vec![flat("a", 2), flat("b", 2)], counts, vec![]).unwrap();
        let pattern = Pattern { withheld };
        let worlds = worlds(&table, &pattern, zeros, 13);
        let truth = worlds.iter().find(|world| [4, 5, 7, 8].iter().zip(table.inner()).all(|(&cell, count)| world[cell] == *count)).unwrap().clone();
        let mut holds = !(1..5).contains(&truth[0]);
        for cell in 0..9 {
            if (1..5).contains(&truth[cell]) {
                let mine: Vec<u64> = match cell { 0 => vec![4, 5, 7, 8], 1 => vec![4, 7], 2 => vec![5, 8], 3 => vec![4, 5], 6 => vec![7, 8], other => vec![other as u64] };
                let low: u64 = mine.iter().map(|&inner| if pattern.withheld[inner as usize] { 0 } else { truth[inner as usize] }).sum();
                holds &= pattern.withheld[cell]
                    && worlds.iter().any(|world| world[cell] <= low)
                    && worlds.iter().any(|world| world[cell] >= 5.max(low + 4));
            }
        }
        let verdict = verify(set(vec![table], zeros), vec![pattern]).is_ok();
        prop_assert_eq!(verdict, holds);
    }
}
