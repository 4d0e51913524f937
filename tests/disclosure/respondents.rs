//! Those who hold records and know all of their own cells: against every world that leaves these at the
//! truth.

use minster_attack::verify_with;
use minster_model::{NodeId, table::AlternativeTable};

use super::*;
use minster_disclosure_tests::alternative_tables::{
    Extremes, below, extremes, extremes_of_respondent, groups, is_of_respondent, sums,
};

/// The set with one of a table's dimensions declared as that of the respondents.
fn held(set: TableSet, dimension: &str) -> TableSet {
    let mut is_declared = false;
    let tables = set.tables.into_iter().map(|table| {
        let dimensions = table.dimensions().iter().map(|of| {
            // In one table is enough.
            let declare = of.name() == dimension && !std::mem::replace(&mut is_declared, true);
            if declare { of.clone().of_respondents() } else { of.clone() }
        });
        let (inner, sensitive) = (table.inner().to_vec(), table.sensitive().to_vec());
        let declared =
            CountTable::new(table.name(), dimensions.collect(), inner, sensitive).unwrap();
        declared.with_protection_levels(table.protection_levels().to_vec()).unwrap()
    });
    TableSet { tables: tables.collect(), policy: set.policy }
}

/// How many respondents a set declares.
fn respondents(set: &TableSet) -> usize {
    let dimensions = set.tables.iter().flat_map(CountTable::dimensions);
    let declared = dimensions.filter(|dimension| Some(dimension.name()) == set.respondents());
    declared.map(|dimension| dimension.leaves().len()).max().unwrap_or_default()
}

/// Small sets with respondents: two to four of them, in one table or in both, in a hierarchy, of cells that are unsafe
/// by rule, and where zeros are unsafe.
fn held_sets() -> impl Strategy<Value = TableSet> {
    let larger = prop::collection::vec(prop_oneof![2 => 0u64..6, 1 => 0u64..30], 9);
    let three = (larger, 0..2usize).prop_map(|(counts, second)| {
        let table = CountTable::new("t", vec![flat("a", 3), flat("b", 3)], counts, vec![]);
        let zeros = if second == 0 { Zeros::Published } else { Zeros::MayBeWithheld };
        set(vec![table.unwrap()], zeros)
    });
    let sets = prop_oneof![2 => insiders::unsafe_by_rule_sets().boxed(), 1 => three.boxed()];
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

/// Whether the promise holds for a respondent: of every table with their own children taken out.
fn holds_for(set: &TableSet, patterns: &[Pattern], bounds: &Extremes, respondent: usize) -> bool {
    let Policy { threshold, zeros, .. } = set.policy;
    let own = |number: usize, inner: &[u64]| -> Vec<u64> {
        let only = |(at, &count): (usize, &u64)| {
            if is_of_respondent(set, (number, at), respondent) { count } else { 0 }
        };
        sums(&set.tables[number], &inner.iter().enumerate().map(only).collect::<Vec<u64>>())
    };
    let owned: Vec<Vec<u64>> =
        set.tables.iter().enumerate().map(|(number, table)| own(number, table.inner())).collect();
    let counts: Vec<Vec<u64>> = set.tables.iter().map(|table| sums(table, table.inner())).collect();
    for (number, table) in set.tables.iter().enumerate() {
        let below = below(table);
        let is_inner = |cell: &usize| table.is_inner(*cell);
        let inner_cells: Vec<usize> = (0..below.len()).filter(is_inner).collect();
        for cell in 0..below.len() {
            let others: Vec<usize> = below[cell]
                .iter()
                .copied()
                .filter(|&at| !is_of_respondent(set, (number, at), respondent))
                .collect();
            if others.is_empty() {
                continue;
            }
            let own = owned[number][cell];
            let remainder = counts[number][cell] - own;
            let (least, most) = (bounds.least[number][cell] - own, bounds.most[number][cell] - own);
            let least_of = |&at: &usize| match patterns[number].withheld[inner_cells[at]] {
                true => zeros.least_withheld(),
                false => table.inner()[at],
            };
            let low: u64 = others.iter().map(least_of).sum();
            let high = threshold.max(low + threshold - 1);
            if set.policy.is_small(remainder) && (least > low || most < high) {
                return false;
            }
            let unsafe_by_rule = table.protection_levels().iter().find(|level| level.cell == cell);
            let Some(&ProtectionLevel { lower, upper, .. }) = unsafe_by_rule else { continue };
            let is_asked = remainder > 0 || zeros != Zeros::Published;
            if is_asked
                && (least > low.max(remainder.saturating_sub(lower)) || most < remainder + upper)
            {
                return false;
            }
        }
    }
    let groups = groups(set).into_iter().zip(&bounds.outside);
    groups.into_iter().all(|((number, group, inside), outside)| {
        let own = |cell: usize| owned[number][cell];
        counts[number][inside] == own(inside) || outside - (own(group) - own(inside)) >= threshold
    })
}

#[test]
fn the_verdict_on_respondents_is_that_of_every_world() {
    let (compared, passed, by_respondents) = (Cell::new(0u32), Cell::new(0u32), Cell::new(0u32));
    let patterns = prop::collection::vec(0..4u8, 64);
    cases(12_000)
        .run(&(held_sets(), patterns, 0..4u8), |(set, withheld, often)| {
            let pattern = |(number, table): (usize, &CountTable)| {
                let counts = sums(table, table.inner());
                let withheld = (0..table.cell_count()).map(|cell| {
                    let small = set.policy.is_small(counts[cell])
                        || table.protection_levels().iter().any(|level| level.cell == cell);
                    cell != 0
                        && (small || withheld[(31 * number + cell) % 64] <= often)
                        && !(counts[cell] == 0 && set.policy.zeros == Zeros::Published)
                });
                Pattern { withheld: withheld.collect() }
            };
            let patterns: Vec<Pattern> = set.tables.iter().enumerate().map(pattern).collect();
            let Some(everyone) = extremes(&set, &patterns, 3_000) else { return Ok(()) };
            let small = |t: &CountTable| set.policy.is_small(t.inner().iter().sum::<u64>());
            let without = !set.tables.iter().any(small) && holds(&set, &patterns, &everyone);
            let mut safe = without;
            for respondent in 0..respondents(&set) {
                let bounds = extremes_of_respondent(&set, &patterns, 3_000, respondent);
                safe &= holds_for(&set, &patterns, &bounds.unwrap(), respondent);
            }
            compared.set(compared.get() + 1);
            let verdict = verify(set.clone(), patterns.clone());
            prop_assert_eq!(verdict.is_ok(), safe, "{:?} {:?}", &set, &patterns);
            if let Ok(releasable) = verdict {
                prop_assert!(certify(&set, &patterns, releasable.certificates()).is_ok());
            }
            passed.set(passed.get() + u32::from(safe));
            by_respondents.set(by_respondents.get() + u32::from(without && !safe));
            Ok(())
        })
        .unwrap();
    let counted = (compared.get(), passed.get(), by_respondents.get());
    assert!(
        counted.0 >= seen(5_000) && counted.1 >= seen(100) && counted.2 >= seen(400),
        "{counted:?}"
    );
}

/// Sets in which most requirements come from cells that are unsafe by rule and from sensitive categories, as few counts
/// are small: of two or three respondents, or with nobody declared.
fn asking_sets() -> impl Strategy<Value = (TableSet, Vec<Pattern>)> {
    let count = prop_oneof![1 => Just(0u64), 1 => 1u64..3, 5 => 3u64..7];
    let levels = prop::collection::vec((1..16usize, 0..4u64, 0..4u64), 0..3);
    let counts = prop::collection::vec(count, 9);
    let drawn = (2..4usize, 2..4usize, counts, levels, any::<bool>(), 0..3usize, any::<bool>());
    let bits = prop::collection::vec(0..4u8, 16);
    (drawn, bits, 1..4u8).prop_map(
        |((rows, columns, counts, levels, published, of, class), bits, often)| {
            let mut dimensions = vec![flat("a", rows), flat("b", columns)];
            if of < 2 {
                dimensions[of] = dimensions[of].clone().of_respondents();
            }
            let sensitive = Sensitive { dimension: 1, categories: vec![NodeId(1)] };
            let sensitive = if class { vec![sensitive] } else { vec![] };
            let inner = counts[..rows * columns].to_vec();
            let table = CountTable::new("t", dimensions, inner, sensitive).unwrap();
            let cells = table.cell_count();
            let counts = table.cell_counts();
            let zeros = if published { Zeros::Published } else { Zeros::MayBeWithheld };
            let may = |&(cell, ..): &(usize, u64, u64)| {
                cell < cells && (counts[cell] > 0 || zeros != Zeros::Published)
            };
            let level = |(cell, lower, upper)| ProtectionLevel { cell, lower, upper };
            let levels = levels.into_iter().filter(may).map(level).collect();
            let table = table.with_protection_levels(levels).unwrap();
            let policy = Policy::new(3, zeros);
            let withheld = |cell: usize| {
                let own = table.protection_levels().iter().any(|level| level.cell == cell);
                let zero = counts[cell] == 0 && zeros == Zeros::Published;
                cell > 0 && !zero && (own || policy.is_small(counts[cell]) || bits[cell] <= often)
            };
            let pattern = Pattern { withheld: (0..cells).map(withheld).collect() };
            (TableSet { tables: vec![table], policy }, vec![pattern])
        },
    )
}

#[test]
fn the_verdict_on_cells_unsafe_by_rule_and_classes_is_that_of_every_world() {
    let (safe, unsafe_to_respondents, others) = (Cell::new(0u32), Cell::new(0u32), Cell::new(0u32));
    cases(12_000)
        .run(&asking_sets(), |(set, patterns)| {
            let Some(everyone) = extremes(&set, &patterns, 2_000) else { return Ok(()) };
            let total: u64 = set.tables[0].inner().iter().sum();
            let to_all = !set.policy.is_small(total) && holds(&set, &patterns, &everyone);
            let to_each = |respondent| {
                let bounds = extremes_of_respondent(&set, &patterns, 2_000, respondent).unwrap();
                holds_for(&set, &patterns, &bounds, respondent)
            };
            let expected = to_all && (0..respondents(&set)).all(to_each);
            let verdict = verify(set.clone(), patterns.clone());
            prop_assert_eq!(verdict.is_ok(), expected, "{:?} {:?}", &set, &patterns);
            if let Ok(releasable) = verdict {
                prop_assert!(certify(&set, &patterns, releasable.certificates()).is_ok());
            }
            let seen = match (to_all, expected) {
                (_, true) => &safe,
                (true, false) => &unsafe_to_respondents,
                (false, false) => &others,
            };
            seen.set(seen.get() + 1);
            Ok(())
        })
        .unwrap();
    let counted = (safe.get(), unsafe_to_respondents.get(), others.get());
    assert!(
        counted.0 >= seen(1_000) && counted.1 >= seen(1_000) && counted.2 >= seen(1_000),
        "{counted:?}"
    );
}

/// All that may be withheld: everything but totals, and zeros where these are published.
fn everything(set: &TableSet) -> Vec<Pattern> {
    let pattern = |table: &CountTable| {
        let counts = sums(table, table.inner());
        let is_total = |cell: usize| {
            let nodes = table.coordinates(cell);
            table.dimensions().iter().zip(nodes).all(|(of, node)| of.is_total(node))
        };
        let stays = |cell: usize| {
            let own = table.protection_levels().iter().any(|level| level.cell == cell);
            is_total(cell) && !own || counts[cell] == 0 && set.policy.zeros == Zeros::Published
        };
        Pattern { withheld: (0..counts.len()).map(|cell| !stays(cell)).collect() }
    };
    set.tables.iter().map(pattern).collect()
}

#[test]
fn a_respondent_learns_no_more_than_the_rule_says() {
    let (hiding, knowing) = (Cell::new(0u32), Cell::new(0u32));
    let (refused, missed) = (Cell::new(0u32), Cell::new(0u32));
    cases(6_000)
        .run(&(held_sets(), 0..3u64), |(mut set, insider)| {
            set.policy.insider = insider;
            let patterns = match protect(&set) {
                Ok(patterns) => patterns,
                Err(_) => {
                    refused.set(refused.get() + 1);
                    if verify(set.clone(), everything(&set)).is_ok() {
                        missed.set(missed.get() + 1);
                    }
                    return Ok(());
                }
            };
            let withholds = patterns.iter().any(|pattern| pattern.withheld.contains(&true));
            hiding.set(hiding.get() + u32::from(withholds));
            let releasable = verify(set.clone(), patterns.clone()).unwrap();
            prop_assert!(certify(&set, &patterns, releasable.certificates()).is_ok());
            for respondent in 0..respondents(&set) {
                if let Some(bounds) = extremes_of_respondent(&set, &patterns, 20_000, respondent) {
                    prop_assert!(
                        holds_for(&set, &patterns, &bounds, respondent),
                        "{:?} {:?} {}",
                        &set,
                        &patterns,
                        respondent
                    );
                    knowing.set(knowing.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap();
    let counted = (hiding.get(), knowing.get(), refused.get(), missed.get());
    assert!(counted.0 >= seen(2_000) && counted.1 >= seen(5_000) && counted.3 <= 5, "{counted:?}");
}

#[test]
fn what_was_published_before_is_known_to_respondents_too() {
    let both = Cell::new(0u32);
    let linked = held_sets().prop_filter("two tables", |set| set.tables.len() == 2).boxed();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: tried(600),
        failure_persistence: None,
        max_local_rejects: 1_000_000,
        ..ProptestConfig::default()
    });
    runner
        .run(&linked, |joint| {
            let policy = joint.policy;
            let alone = TableSet { tables: vec![joint.tables[0].clone()], policy };
            let Ok(before) = protect(&alone) else { return Ok(()) };
            let published = joint.tables[0].clone().published_before(before[0].clone()).unwrap();
            let later = TableSet { tables: vec![joint.tables[1].clone(), published], policy };
            let Ok(patterns) = protect(&later) else { return Ok(()) };
            both.set(both.get() + 1);
            for respondent in 0..respondents(&later) {
                if let Some(bounds) = extremes_of_respondent(&later, &patterns, 20_000, respondent)
                {
                    prop_assert!(holds_for(&later, &patterns, &bounds, respondent));
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(both.get() >= seen(100), "{both:?}");
}

/// Schools by special educational needs: some, none.
fn schools(counts: &[[u64; 2]]) -> TableSet {
    let school = flat("school", counts.len()).of_respondents();
    let table =
        CountTable::new("t", vec![school, flat("sen", 2)], counts.concat(), vec![]).unwrap();
    set(vec![table], Zeros::Published)
}

#[test]
fn of_two_schools_each_would_work_out_the_other() {
    let two = schools(&[[30, 40], [3, 50]]);
    let table = &two.tables[0];
    let mut withheld = vec![false; table.cell_count()];
    for nodes in [[1, 1], [1, 2], [2, 1], [2, 2]] {
        withheld[table.cell(&nodes)] = true;
    }
    let patterns = vec![Pattern { withheld }];
    // To the first, 33 less their own 30 is 3.
    let Err(Refusal::Unprotected(failures)) = verify(two.clone(), patterns.clone()) else {
        panic!("the second school's three are known to the first")
    };
    assert!(failures.iter().all(|failure| failure.reason == FailureReason::Respondent));
    let cells: Vec<usize> = failures.iter().map(|failure| failure.cell).collect();
    assert!(cells.contains(&table.cell(&[2, 1])) && cells.contains(&table.cell(&[0, 1])));
    // Nobody else knows.
    let undeclared = CountTable::new(
        "t",
        vec![flat("school", 2), flat("sen", 2)],
        table.inner().to_vec(),
        vec![],
    );
    let undeclared = set(vec![undeclared.unwrap()], Zeros::Published);
    assert!(verify(undeclared, patterns).is_ok());
    let patterns = protect(&two).unwrap();
    assert!(patterns[0].withheld[table.cell(&[0, 1])], "the total must go too");
}

#[test]
fn of_three_schools_none_works_out_another() {
    let three = schools(&[[30, 40], [3, 50], [12, 60]]);
    let table = &three.tables[0];
    let patterns = protect(&three).unwrap();
    assert!(!patterns[0].withheld[table.cell(&[0, 1])], "the total can stay");
    assert!((1..=3).all(|school| patterns[0].withheld[table.cell(&[school, 1])]));
}

#[test]
fn what_is_few_without_a_school_is_hidden_from_it() {
    let four = schools(&[[30, 40], [1, 50], [1, 60], [1, 70]]);
    let patterns = protect(&four).unwrap();
    assert!(patterns[0].withheld[four.tables[0].cell(&[0, 1])]);
    // The total of all children but three cannot be hidden.
    let one = schools(&[[30, 40], [1, 2]]);
    let refusal = suppress(&one).unwrap_err().to_string();
    assert!(refusal.contains("cannot be kept from a data holder"), "{refusal}");
}

#[test]
fn two_kinds_of_respondents_are_refused() {
    let dimensions = vec![flat("a", 2).of_respondents(), flat("b", 2).of_respondents()];
    let table = CountTable::new("t", dimensions, vec![10; 4], vec![]).unwrap();
    let none = vec![Pattern { withheld: vec![false; 9] }];
    let refusal = verify(set(vec![table], Zeros::Published), none).unwrap_err();
    assert!(matches!(refusal, Refusal::Respondents { .. }));
}

#[test]
fn what_leaves_schools_alone_is_a_certificate_and_nothing_else() {
    let school = flat("school", 3).of_respondents();
    let table = CountTable::new("t", vec![school], vec![2, 5, 5], vec![]).unwrap();
    let all = set(vec![table], Zeros::MayBeWithheld);
    let patterns = vec![Pattern { withheld: vec![false, true, true, true] }];
    // Large and none, at the cost of the second school, then of the third.
    let other = |counts: [u64; 3]| {
        let counts = (0..3).map(|at| (0, at, counts[at])).collect();
        AlternativeTable { counts }
    };
    let needed = [[0, 5, 7], [0, 7, 5], [5, 2, 5], [5, 5, 2]].map(other);
    let proposed = [[5, 2, 5], [6, 1, 5], [5, 5, 2], [0, 7, 5], [0, 8, 4], [0, 5, 7]].map(other);
    let releasable = verify_with(all.clone(), patterns.clone(), &proposed).unwrap();
    assert_eq!(releasable.certificates(), needed);
    assert!(certify(&all, &patterns, &needed).is_ok());
    assert!(certify(&all, &patterns, &needed[1..]).is_err());
}

#[test]
fn what_a_school_sees_published_of_others_counts_in_the_least() {
    // An earlier release was less strict: of 2 published and a withheld cell of nobody, the third school
    // must not know that they are no more than 5.
    let verdict = |last: u64| {
        let (table, pattern) = tied(flat("school", 3).of_respondents(), [0, 2, last]);
        let table = table.published_before(pattern.clone()).unwrap();
        let cell = table.cell(&[0, 1, 1]);
        (cell, verify(set(vec![table], Zeros::MayBeWithheld), vec![pattern]))
    };
    let (cell, refused) = verdict(7);
    let failure = Failure { table: 0, cell, reason: FailureReason::Respondent };
    assert_eq!(refused.unwrap_err(), Refusal::Unprotected(vec![failure]));
    assert!(verdict(8).1.is_ok());
}

/// Four schools by three categories. The first category of the first three and the last of the others are withheld, so
/// that the second and third school have the less of the first category the fewer of the fourth are in the last one,
/// to whoever knows the first school. Whether the pattern withstands, and the cell of all schools' first category.
fn chained(counts: [[u64; 3]; 4], before: bool) -> (usize, Result<(), Refusal>) {
    let dimensions = vec![flat("school", 4).of_respondents(), flat("sen", 3)];
    let table = CountTable::new("t", dimensions, counts.concat(), vec![]).unwrap();
    let mut withheld = vec![false; table.cell_count()];
    let inner = [[1, 2], [1, 3], [2, 1], [2, 3], [3, 1], [3, 3], [4, 2], [4, 3]];
    for nodes in inner.into_iter().chain([[0, 1], [0, 2]]) {
        withheld[table.cell(&nodes)] = true;
    }
    // A zero is published.
    withheld[table.cell(&[1, 1])] = counts[0][0] > 0;
    let (pattern, cell) = (Pattern { withheld }, table.cell(&[0, 1]));
    let table = match before {
        true => table.published_before(pattern.clone()).unwrap(),
        false => table,
    };
    (cell, verify(set(vec![table], Zeros::Published), vec![pattern]).map(drop))
}

#[test]
fn what_others_have_together_can_be_the_least_to_each_school() {
    let refused = |(cell, verdict): (usize, Result<(), Refusal>)| {
        let failure = Failure { table: 0, cell, reason: FailureReason::Respondent };
        assert_eq!(verdict, Err(Refusal::Unprotected(vec![failure])));
    };
    // Two and two can each be one, and together they can be many; but not two.
    refused(chained([[20, 30, 30], [2, 20, 20], [2, 20, 20], [0, 20, 2]], false));
    assert_eq!(chained([[20, 30, 30], [2, 20, 20], [2, 20, 20], [0, 20, 3]], false).1, Ok(()));
    // Nor to a school that has none there itself.
    refused(chained([[0, 30, 30], [2, 20, 20], [2, 20, 20], [0, 20, 2]], false));
    assert_eq!(chained([[0, 30, 30], [2, 20, 20], [2, 20, 20], [0, 20, 3]], false).1, Ok(()));
    // Where an earlier release showed one of the fourth school, it is one more.
    refused(chained([[20, 30, 30], [1, 20, 20], [2, 20, 20], [1, 20, 1]], true));
    assert_eq!(chained([[20, 30, 30], [1, 20, 20], [2, 20, 20], [1, 20, 2]], true).1, Ok(()));
}

/// Many schools in areas by sex and a skewed category, of which one school has most; and sex by another
/// category for all schools together.
fn many_schools(schools: usize) -> TableSet {
    let groups = 6;
    let areas = (0..10).map(|area| (format!("area{area}"), Some(0)));
    let nodes = (0..schools).map(|school| (format!("school{school}"), Some(1 + school % 10)));
    let nodes = std::iter::once(("all".to_owned(), None)).chain(areas).chain(nodes);
    let school = Hierarchy::new("school", nodes.collect()).unwrap().of_respondents();
    let mut state = 1u64;
    let mut inner: Vec<u64> = (0..schools * 2 * groups)
        .map(|cell| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let group = (cell % groups) as u64;
            (state >> 33) % (150 / (1 + group * group))
        })
        .collect();
    inner[groups - 1] = 300;
    let of_sex = |sex: usize| -> u64 {
        let of_school = |school: usize| &inner[(2 * school + sex) * groups..][..groups];
        (0..schools).flat_map(of_school).sum()
    };
    let by_other = [0, 1].map(|sex| [3, 7, 100, of_sex(sex) - 110]).concat();
    let dimensions = vec![school, flat("sex", 2), flat("group", groups)];
    let first = CountTable::new("t", dimensions, inner, vec![]).unwrap();
    let dimensions = vec![flat("sex", 2), flat("other", 4)];
    let second = CountTable::new("u", dimensions, by_other, vec![]).unwrap();
    set(vec![first, second], Zeros::MayBeWithheld)
}

#[test]
fn many_schools_are_attacked_with_few_worlds() {
    let all = many_schools(300);
    let suppression = suppress(&all).unwrap();
    let patterns = &suppression.patterns;
    let releasable = verify_with(all.clone(), patterns.clone(), &suppression.alternatives).unwrap();
    let certified = certify(&all, patterns, releasable.certificates()).unwrap();
    let (required, used) = (certified.requirements, certified.alternatives.len());
    assert!(required > 2_000 && used < 2 * required, "{required} met by {used}");
    // To the school that has most, the remainder of the category is few.
    let table = &all.tables[0];
    let hidden = patterns[0].withheld.iter().filter(|withheld| **withheld).count();
    assert!(2 * hidden < table.cell_count(), "{hidden} withheld");
}
