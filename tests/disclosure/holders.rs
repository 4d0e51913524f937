//! Those who hold records and know all of their own cells: against every world that leaves these at the
//! truth.

use super::*;

/// The set with one of a table's dimensions declared as that of the holders.
fn held(set: TableSet, dimension: &str) -> TableSet {
    let mut is_declared = false;
    let tables = set.tables.into_iter().map(|table| {
        let dimensions = table.dimensions().iter().map(|of| {
            // In one table is enough.
            let declare = of.name() == dimension && !std::mem::replace(&mut is_declared, true);
            if declare { of.clone().of_holders() } else { of.clone() }
        });
        let (inner, sensitive) = (table.inner().to_vec(), table.sensitive().to_vec());
        let declared =
            CountTable::new(table.name(), dimensions.collect(), inner, sensitive).unwrap();
        declared.guarding(table.guarded().to_vec()).unwrap()
    });
    TableSet { tables: tables.collect(), policy: set.policy }
}

/// How many holders a set declares.
fn holders(set: &TableSet) -> usize {
    let dimensions = set.tables.iter().flat_map(CountTable::dimensions);
    let declared = dimensions.filter(|dimension| Some(dimension.name()) == set.holders());
    declared.map(|dimension| dimension.leaves().len()).max().unwrap_or_default()
}

/// Small sets with holders: two to four of them, in one table or in both, in a hierarchy, of guarded cells,
/// and where zeros are unsafe.
fn held_sets() -> impl Strategy<Value = TableSet> {
    let larger = prop::collection::vec(prop_oneof![2 => 0u64..6, 1 => 0u64..30], 9);
    let three = (larger, 0..2usize).prop_map(|(counts, second)| {
        let table = CountTable::new("t", vec![flat("a", 3), flat("b", 3)], counts, vec![]);
        let zeros = if second == 0 { Zeros::Published } else { Zeros::MayBeWithheld };
        set(vec![table.unwrap()], zeros)
    });
    let sets = prop_oneof![2 => insiders::guarded_sets().boxed(), 1 => three.boxed()];
    (sets, any::<bool>(), 0..6u8).prop_map(|(mut set, last, zeros)| {
        if zeros == 0 {
            set.policy.zeros = Zeros::Unsafe;
        }
        let dimensions = set.tables[0].dimensions();
        let at = if last { dimensions.len() - 1 } else { 0 };
        let name = dimensions[at].name().to_owned();
        held(set, &name)
    })
}

/// Whether the promise holds for a holder: of every table with their own children taken out.
fn holds_for(
    set: &TableSet,
    patterns: &[Pattern],
    worlds: &worlds::Extremes,
    holder: usize,
) -> bool {
    let Policy { threshold, zeros, .. } = set.policy;
    let own = |number: usize, inner: &[u64]| -> Vec<u64> {
        let only = |(at, &count): (usize, &u64)| {
            if worlds::is_held(set, (number, at), holder) { count } else { 0 }
        };
        worlds::sums(&set.tables[number], &inner.iter().enumerate().map(only).collect::<Vec<u64>>())
    };
    let owned: Vec<Vec<u64>> =
        set.tables.iter().enumerate().map(|(number, table)| own(number, table.inner())).collect();
    let counts: Vec<Vec<u64>> =
        set.tables.iter().map(|table| worlds::sums(table, table.inner())).collect();
    for (number, table) in set.tables.iter().enumerate() {
        let below = worlds::below(table);
        let is_inner = |cell: &usize| table.is_inner(*cell);
        let inner_cells: Vec<usize> = (0..below.len()).filter(is_inner).collect();
        for cell in 0..below.len() {
            let others: Vec<usize> = below[cell]
                .iter()
                .copied()
                .filter(|&at| !worlds::is_held(set, (number, at), holder))
                .collect();
            if others.is_empty() {
                continue;
            }
            let own = owned[number][cell];
            let rest = counts[number][cell] - own;
            let (least, most) = (worlds.least[number][cell] - own, worlds.most[number][cell] - own);
            let least_of = |&at: &usize| match patterns[number].withheld[inner_cells[at]] {
                true => zeros.least_withheld(),
                false => table.inner()[at],
            };
            let low: u64 = others.iter().map(least_of).sum();
            let high = threshold.max(low + threshold - 1);
            if set.policy.is_small(rest) && (least > low || most < high) {
                return false;
            }
            let guarded = table.guarded().iter().find(|guarded| guarded.cell == cell);
            let Some(&Guarded { down, up, .. }) = guarded else { continue };
            let is_asked = rest > 0 || zeros != Zeros::Published;
            if is_asked && (least > low.max(rest.saturating_sub(down)) || most < rest + up) {
                return false;
            }
        }
    }
    let groups = worlds::groups(set).into_iter().zip(&worlds.outside);
    groups.into_iter().all(|((number, group, inside), outside)| {
        let own = |cell: usize| owned[number][cell];
        counts[number][inside] == own(inside) || outside - (own(group) - own(inside)) >= threshold
    })
}

#[test]
fn the_verdict_on_holders_is_that_of_every_world() {
    let (compared, passed, by_holders) = (Cell::new(0u32), Cell::new(0u32), Cell::new(0u32));
    let patterns = prop::collection::vec(0..4u8, 64);
    cases(12_000)
        .run(&(held_sets(), patterns, 0..4u8), |(set, withheld, often)| {
            let pattern = |(number, table): (usize, &CountTable)| {
                let counts = worlds::sums(table, table.inner());
                let withheld = (0..table.cell_count()).map(|cell| {
                    let small = set.policy.is_small(counts[cell])
                        || table.guarded().iter().any(|guarded| guarded.cell == cell);
                    cell != 0
                        && (small || withheld[(31 * number + cell) % 64] <= often)
                        && !(counts[cell] == 0 && set.policy.zeros == Zeros::Published)
                });
                Pattern { withheld: withheld.collect() }
            };
            let patterns: Vec<Pattern> = set.tables.iter().enumerate().map(pattern).collect();
            let Some(everyone) = worlds::extremes(&set, &patterns, 3_000) else { return Ok(()) };
            let small = |t: &CountTable| set.policy.is_small(t.inner().iter().sum::<u64>());
            let without = !set.tables.iter().any(small) && holds(&set, &patterns, &everyone);
            let mut safe = without;
            for holder in 0..holders(&set) {
                let worlds = worlds::extremes_held(&set, &patterns, 3_000, holder);
                safe &= holds_for(&set, &patterns, &worlds.unwrap(), holder);
            }
            compared.set(compared.get() + 1);
            let verdict = verify(set.clone(), patterns.clone());
            prop_assert_eq!(verdict.is_ok(), safe, "{:?} {:?}", &set, &patterns);
            if let Ok(releasable) = verdict {
                prop_assert!(certify(&set, &patterns, releasable.certificates()).is_ok());
            }
            passed.set(passed.get() + u32::from(safe));
            by_holders.set(by_holders.get() + u32::from(without && !safe));
            Ok(())
        })
        .unwrap();
    let counted = (compared.get(), passed.get(), by_holders.get());
    assert!(counted.0 > 5_000 && counted.1 > 100 && counted.2 > 400, "{counted:?}");
}
