//! Releases as a third checker sees them, which adds up JSON: tables by ward and age, by ward and age group, and by
//! ward, tied and untied.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::cell::Cell;

use minster_attack::{ReleasableSet, verify_with};
use minster_disclosure::{suppress, widen};
use minster_disclosure_tests::{checker::check, seen, tried};
use minster_model::policy::Costs;
use minster_model::{
    policy::{Policy, Zeros},
    table::{CountTable, Hierarchy, TableSet, Tie},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

/// Ages 0 to 3 in two wards, and the groups 0-1 and 2-3; then the wards alone. Counts of ward and age.
fn tables(counts: &[u64], zeros: Zeros) -> TableSet {
    let of = |name: &str, codes: &[&str]| {
        Hierarchy::flat(name, "all", codes.iter().map(|&code| code.to_owned())).unwrap()
    };
    let wards = || of("ward", &["w0", "w1"]);
    let tied = |name: &str, dimension: Hierarchy, inner: Vec<u64>, class_of: &[usize]| {
        let tie = Tie { name: "age, group".into(), dimension: 1, class_of: class_of.to_vec() };
        let table = CountTable::new(name, vec![wards(), dimension], inner, vec![]).unwrap();
        let nobody = (0..table.inner().len()).filter(|&inner| is_nobody(&table, inner)).collect();
        table.tied(vec![tie]).unwrap().knowing_zeros(nobody).unwrap()
    };
    let groups: Vec<u64> = counts.chunks(2).map(|pair| pair.iter().sum()).collect();
    let by_ward: Vec<u64> = counts.chunks(4).map(|ages| ages.iter().sum()).collect();
    let ages = of("age", &["0", "1", "2", "3"]);
    let tables = vec![
        tied("ages", ages, counts.to_vec(), &[0, 0, 1, 1]),
        tied("groups", of("group", &["0-1", "2-3"]), groups, &[0, 1]),
        CountTable::new("wards", vec![wards()], by_ward, vec![]).unwrap(),
    ];
    TableSet { tables, policy: Policy::new(5, zeros) }
}

/// Whether nobody in the table has an inner cell's second category.
fn is_nobody(table: &CountTable, inner: usize) -> bool {
    let leaves = table.dimensions()[1].leaves().len();
    (0..table.inner().len())
        .filter(|other| other % leaves == inner % leaves)
        .all(|other| table.inner()[other] == 0)
}

/// The set that withstands the attack, if one does.
fn released(set: &TableSet) -> Option<ReleasableSet> {
    let mut suppression = suppress(set).ok()?;
    for _ in 0..5 {
        match verify_with(set.clone(), suppression.patterns.clone(), &suppression.alternatives) {
            Ok(releasable) => return Some(releasable),
            Err(minster_attack::Refusal::Unprotected(failures)) => {
                let failing: Vec<_> = failures.iter().map(|of| (of.table, of.cell)).collect();
                suppression = widen(set, &suppression.patterns, &failing, Costs::default()).ok()?;
            }
            Err(_) => return None,
        }
    }
    None
}

/// A set, its patterns and its certificates, as the restricted report has them.
fn report(of: &ReleasableSet) -> [Value; 3] {
    let set = TableSet { tables: of.tables().to_vec(), policy: of.policy() };
    [json!(set), json!(of.patterns()), json!(of.certificates())]
}

#[test]
fn the_certificates_of_tied_tables_add_up_for_a_third_checker() {
    let counts = prop::collection::vec(prop_oneof![2 => 0..5u64, 3 => 5..30u64], 8);
    let zeros = prop::sample::select(vec![Zeros::Published, Zeros::MayBeWithheld, Zeros::Unsafe]);
    let (passed, small, caught) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config { cases: tried(2_000), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(counts, zeros), |(counts, zeros)| {
            let Some(releasable) = released(&tables(&counts, zeros)) else { return Ok(()) };
            let [set, patterns, certificates] = report(&releasable);
            let checked = check(&set, &patterns, &certificates);
            prop_assert!(checked.is_ok(), "{checked:?}");
            passed.set(passed.get() + 1);
            small.set(small.get() + checked.unwrap());
            // Without its certificates a release that hides anything shows nothing.
            if !releasable.certificates().is_empty() {
                prop_assert!(check(&set, &patterns, &json!([])).is_err());
                caught.set(caught.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    println!(
        "{} released, {} small counts, {} rest on certificates",
        passed.get(),
        small.get(),
        caught.get()
    );
    assert!(passed.get() >= seen(500) && caught.get() >= seen(200), "the cases try something");
}

#[test]
fn the_third_checker_sees_what_is_wrong() {
    let counts = [2, 9, 12, 3, 8, 14, 9, 20];
    let releasable = released(&tables(&counts, Zeros::Published)).unwrap();
    let [set, patterns, certificates] = report(&releasable);
    assert!(check(&set, &patterns, &certificates).unwrap() >= 2);
    let told = |set: &Value, patterns: &Value, certificates: &Value| {
        check(set, patterns, certificates).unwrap_err()
    };
    // One published number more: a certificate contradicts it, or a small count is shown.
    let withheld = patterns[0]["withheld"].as_array().unwrap();
    for cell in (0..withheld.len()).filter(|&cell| withheld[cell] == true) {
        let mut shown = patterns.clone();
        shown[0]["withheld"][cell] = json!(false);
        told(&set, &shown, &certificates);
    }
    // Tables that are not tied need not agree on the groups, and then have nothing in common but the wards.
    let mut other = certificates.clone();
    let changed = other[0]["counts"][0][2].as_u64().unwrap();
    other[0]["counts"][0][2] = json!(changed + 1);
    told(&set, &patterns, &other);
    // A threshold above is not met.
    let mut higher = set.clone();
    higher["policy"]["threshold"] = json!(9);
    told(&higher, &patterns, &certificates);
}
