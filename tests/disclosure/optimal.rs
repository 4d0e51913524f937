//! The cheapest pattern, against every cheaper one.

use std::collections::BTreeMap;

use minster_attack::verify_with;
use minster_disclosure::{Effort, Optimum, SAME_COST, SearchOutcome, suppress_at};

use super::{
    insiders::{insiders, unsafe_by_rule_sets},
    *,
};

/// Returns the cost of withholding each cell of a table.
fn costs(table: &CountTable, costs: Costs) -> Vec<f64> {
    let counts = table.cell_counts();
    (0..counts.len()).map(|cell| costs.of(counts[cell], table.inner_cells_below(cell))).collect()
}

fn cost(set: &TableSet, of: Costs, patterns: &[Pattern]) -> f64 {
    let of_table = |(table, pattern): (&CountTable, &Pattern)| -> f64 {
        let costs = costs(table, of).into_iter().zip(&pattern.withheld);
        costs.filter(|(_, withheld)| **withheld).map(|(cost, _)| cost).sum()
    };
    set.tables.iter().zip(patterns).map(of_table).sum()
}

/// Whether a pattern keeps the promise: by every world, where these can be told, and by the attack.
fn is_safe(set: &TableSet, patterns: &[Pattern]) -> bool {
    let everyone = insiders(set, patterns).into_iter().map(Some).chain([None]);
    let by_alternatives = everyone
        .map(|known| {
            let alternatives = alternative_tables::extremes_known(set, patterns, 1_000, known)?;
            Some(holds_known(set, patterns, &alternatives, known))
        })
        .collect::<Option<Vec<bool>>>();
    let by_attack = verify(set.clone(), patterns.to_vec()).is_ok();
    if let Some(by_alternatives) = by_alternatives {
        assert_eq!(by_alternatives.into_iter().all(|held| held), by_attack);
    }
    by_attack
}

/// Every pattern that costs less than a bound and withholds what must be, nothing that must not; none where
/// they are too many.
fn cheaper(set: &TableSet, of: Costs, than: f64) -> Option<Vec<Vec<Pattern>>> {
    let mut forced = Vec::new();
    let mut free: Vec<(usize, usize, f64)> = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        let (counts, costs) = (table.cell_counts(), costs(table, of));
        let mut withheld = vec![false; counts.len()];
        for cell in 0..counts.len() {
            let unsafe_by_rule = table.protection_levels().iter().any(|level| level.cell == cell);
            match table.published_pattern() {
                Some(published) => withheld[cell] = published.withheld[cell],
                None if unsafe_by_rule || set.policy.is_small(counts[cell]) => {
                    withheld[cell] = true
                }
                None if counts[cell] == 0 && set.policy.zeros == Zeros::Published => {}
                None if cell == 0 || table.forced_published().contains(&cell) => {}
                None => free.push((number, cell, costs[cell])),
            }
        }
        forced.push(Pattern { withheld });
    }
    let left = than - cost(set, of, &forced) - SAME_COST;
    // The cheap ones first: a choice that is too dear with one is so with all that follow.
    free.sort_by(|a, b| a.2.total_cmp(&b.2));
    let mut found = Vec::new();
    let mut open = vec![(forced, 0, left)];
    while let Some((patterns, from, left)) = open.pop() {
        if left > 0.0 {
            for (next, &(table, cell, cost)) in free.iter().enumerate().skip(from) {
                if cost >= left {
                    break;
                }
                let mut patterns = patterns.clone();
                patterns[table].withheld[cell] = true;
                open.push((patterns, next + 1, left - cost));
            }
            found.push(patterns);
        }
        if found.len() + open.len() > 1_000 {
            return None;
        }
    }
    Some(found)
}

/// Small sets of every kind: cells withheld whatever they count, cells kept, insiders, one table published
/// before; and costs.
fn any_sets() -> impl Strategy<Value = (TableSet, Costs)> {
    let margin = prop_oneof![Just(0.3), Just(0.0), Just(3.0)];
    let others = (0..3u64, prop::option::of(1..27usize), any::<bool>(), margin);
    let sets = prop_oneof![small_sets().boxed(), unsafe_by_rule_sets().boxed()];
    (sets, others).prop_map(|(mut set, (insider, forced_published, stands, margin))| {
        set.policy.insider = insider;
        let table = &set.tables[0];
        let counts = table.cell_counts();
        if let Some(forced_published) =
            forced_published.map(|forced_published| forced_published % counts.len())
            && counts[forced_published] >= 5
            && table.protection_levels().iter().all(|level| level.cell != forced_published)
        {
            set.tables[0] = table.clone().with_forced_published(vec![forced_published]).unwrap();
        }
        if stands && set.tables.len() == 2 {
            let alone = TableSet { tables: vec![set.tables[0].clone()], policy: set.policy };
            if let Ok(before) = protect(&alone) {
                let table = set.tables[0].clone().published_before(before[0].clone()).unwrap();
                set.tables[0] = table;
            }
        }
        (set, Costs { margin, ..Costs::default() })
    })
}

/// Tables of which a sum is withheld that must be able to be less: by less, the less of it is withheld.
fn sets_with_an_unsafe_sum() -> impl Strategy<Value = TableSet> {
    let count = prop_oneof![1 => 1u64..5, 4 => 5u64..12];
    let levels = prop::collection::vec((1..3usize, 1..9u64), 1..3);
    (2..4usize, prop::collection::vec(count, 9), levels, any::<bool>(), 0..3u64).prop_map(
        |(columns, counts, levels, published, insider)| {
            let dimensions = vec![flat("a", 3), flat("b", columns)];
            let counts = counts[..3 * columns].to_vec();
            let table = CountTable::new("t", dimensions, counts, vec![]).unwrap();
            let level = |&(row, lower): &(usize, u64)| {
                let cell = table.cell(&[row, 0]);
                ProtectionLevel { cell, lower, upper: 0 }
            };
            let table =
                table.clone().with_protection_levels(levels.iter().map(level).collect()).unwrap();
            let zeros = if published { Zeros::Published } else { Zeros::MayBeWithheld };
            let mut set = set(vec![table], zeros);
            set.policy.insider = insider;
            set
        },
    )
}

#[test]
fn no_cheaper_pattern_keeps_the_promise_to_an_unsafe_sum() {
    let compared = Cell::new(0u32);
    cases(1_000)
        .run(&sets_with_an_unsafe_sum(), |set| {
            let outcome = compare(&set, Costs::default())?;
            compared.set(compared.get() + u32::from(outcome == Some(SearchOutcome::Proved)));
            Ok(())
        })
        .unwrap();
    assert!(compared.get() >= seen(200), "{compared:?}");
}

/// Holds one set's cheapest pattern against every cheaper one, and says how it ended if that could be done.
fn compare(set: &TableSet, of: Costs) -> Result<Option<SearchOutcome>, TestCaseError> {
    let Ok(found) = suppress_at(set, of, Effort::default()) else { return Ok(None) };
    let outcomes: Vec<SearchOutcome> = found.optima.iter().map(|optimum| optimum.outcome).collect();
    let (outcome, than) = match () {
        () if outcomes.contains(&SearchOutcome::NoneSafe) => {
            (SearchOutcome::NoneSafe, f64::INFINITY)
        }
        () if outcomes.iter().all(|outcome| *outcome == SearchOutcome::Proved) => {
            prop_assert!(is_safe(set, &found.patterns));
            (SearchOutcome::Proved, cost(set, of, &found.patterns))
        }
        () => return Ok(None),
    };
    let Some(cheaper) = cheaper(set, of, than) else { return Ok(None) };
    for patterns in cheaper {
        prop_assert!(!is_safe(set, &patterns), "cheaper: {:?}", patterns);
    }
    Ok(Some(outcome))
}

#[test]
fn no_cheaper_pattern_keeps_the_promise() {
    let compared = Cell::new(BTreeMap::new());
    let count = |what: String| {
        let mut kinds = compared.take();
        *kinds.entry(what).or_insert(0u32) += 1;
        compared.set(kinds);
    };
    cases(1_000)
        .run(&any_sets(), |(set, of)| {
            match compare(&set, of)? {
                Some(SearchOutcome::Proved) => {
                    let stands = set.tables.iter().any(|table| table.published_pattern().is_some());
                    let tables = set.tables.len();
                    count(format!("zeros {:?}, insider {}", set.policy.zeros, set.policy.insider));
                    count(format!("tables {tables}, published before {stands}"));
                }
                Some(_) => count("none safe".into()),
                None => {}
            }
            Ok(())
        })
        .unwrap();
    let kinds = compared.take();
    // Two policies for zeros with three insiders; one table, two linked, two of which one stands; none safe.
    assert!(kinds.len() >= seen(10) as usize, "{kinds:?}");
    assert!(kinds.values().all(|&sets| sets >= seen(3)), "{kinds:?}");
    assert!(kinds.values().sum::<u32>() >= seen(800), "{kinds:?}");
}

#[test]
fn the_cheapest_costs_no_more_than_the_heuristic_and_withstands() {
    let (safe, better) = (Cell::new(0u32), Cell::new(0u32));
    cases(2_000)
        .run(&any_sets(), |(set, of)| {
            let Ok(before) = suppress_at(&set, of, Effort::NONE) else { return Ok(()) };
            let found = suppress_at(&set, of, Effort::default()).unwrap();
            let sum = |cost: fn(&Optimum) -> f64| found.optima.iter().map(cost).sum::<f64>();
            prop_assert!((sum(|o| o.before) - cost(&set, of, &before.patterns)).abs() < 1e-6);
            prop_assert!((sum(|o| o.cost) - cost(&set, of, &found.patterns)).abs() < 1e-6);
            let is_left = |optimum: &Optimum| optimum.outcome == SearchOutcome::TooLarge;
            prop_assert!(before.optima.iter().all(is_left));
            let was_safe = verify(set.clone(), before.patterns).is_ok();
            for optimum in &found.optima {
                // A pattern that is not safe, where nothing better was found, may cost less than anything that is.
                let none_found =
                    matches!(optimum.outcome, SearchOutcome::NoneSafe | SearchOutcome::WorkUsedUp)
                        && !was_safe;
                prop_assert!(optimum.cost >= optimum.bound || none_found);
                prop_assert!(optimum.cost <= optimum.before || !was_safe);
                better.set(better.get() + u32::from(optimum.cost < optimum.before - SAME_COST));
            }
            if was_safe || found.optima.iter().all(|o| o.outcome == SearchOutcome::Proved) {
                // Its own worlds are certificates enough.
                let proposed =
                    verify_with(set.clone(), found.patterns.clone(), &found.alternatives);
                prop_assert!(certify(&set, &found.patterns, &found.alternatives).is_ok());
                prop_assert!(proposed.is_ok());
                safe.set(safe.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    assert!(safe.get() >= seen(1_000) && better.get() >= seen(50), "{safe:?} {better:?}");
}

#[test]
fn where_nothing_safe_was_found_the_bound_is_on_what_is_safe() {
    let by = |name: &str, inner: [u64; 4]| {
        let table =
            CountTable::new(name, vec![flat("a", 2), flat(name, 2)], inner.to_vec(), vec![]);
        table
            .unwrap()
            .with_protection_levels(vec![ProtectionLevel { cell: 6, lower: 3, upper: 0 }])
            .unwrap()
    };
    let withheld = [false, true, true, true, false, true, true, true, false].to_vec();
    let published = by("b", [0, 6, 3, 7]).published_before(Pattern { withheld }).unwrap();
    let policy = Policy { insider: 1, ..Policy::new(5, Zeros::MayBeWithheld) };
    let set = TableSet { tables: vec![published, by("c", [0, 6, 5, 5])], policy };
    let found =
        suppress_at(&set, Costs { margin: 3.0, ..Costs::default() }, Effort::default()).unwrap();
    assert!(found.optima.iter().any(|optimum| optimum.bound > optimum.cost), "{:?}", found.optima);
    assert!(verify(set, found.patterns).is_err());
}

/// A table that the heuristic does not solve at the least cost.
fn hard() -> TableSet {
    let mut state = 11u64;
    let mut below = |most: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % most
    };
    let mut count = || {
        let most = [4, 12, 40, 100][below(4) as usize];
        below(most)
    };
    let counts = (0..80).map(|_| count()).collect();
    let table = CountTable::new("t", vec![flat("a", 8), flat("b", 10)], counts, vec![]).unwrap();
    set(vec![table], Zeros::Published)
}

#[test]
fn the_same_tables_have_the_same_cheapest_pattern() {
    let of = || suppress_at(&hard(), Costs::default(), Effort::default()).unwrap();
    let first = of();
    assert!(first.optima[0].outcome == SearchOutcome::Proved && first == of());
}

#[test]
fn where_the_work_is_used_up_the_best_so_far_stands() {
    let set = hard();
    let at = |effort: Effort| suppress_at(&set, Costs::default(), effort).unwrap();
    let (before, cheapest) = (at(Effort::NONE), at(Effort::default()));
    let least = cheapest.optima[0].cost;
    assert!(least < before.optima[0].cost - SAME_COST);
    for (cells, steps, outcome) in [
        (10, 500_000, SearchOutcome::TooLarge),
        (200, 0, SearchOutcome::WorkUsedUp),
        (200, 500, SearchOutcome::WorkUsedUp),
    ] {
        let found = at(Effort { cells, steps });
        assert_eq!((&found.patterns, found.optima[0].outcome), (&before.patterns, outcome));
    }
    let mut ended = Vec::new();
    for steps in (0..16).map(|doubled| 1 << doubled) {
        let found = at(Effort { cells: 200, steps });
        let Optimum { cost, bound, outcome, .. } = found.optima[0];
        assert!(bound <= least + SAME_COST && least <= cost + SAME_COST, "{steps}");
        assert!(cost <= before.optima[0].cost);
        assert!(verify(set.clone(), found.patterns).is_ok());
        assert_eq!(outcome == SearchOutcome::Proved, (cost - bound).abs() < SAME_COST);
        ended.push(outcome);
    }
    assert!(
        ended.contains(&SearchOutcome::WorkUsedUp) && ended.contains(&SearchOutcome::Proved),
        "{ended:?}"
    );
}
