//! Rounded numbers beside what was published before.

use super::*;

#[test]
fn what_was_published_before_is_known_exactly() {
    // The total of ward 1 is out: to the nearest 5, a table of the same children tells more than it would.
    let before = CountTable::new("b", vec![flat("ward", 2)], vec![6, 60], vec![]).unwrap();
    let before = before.published_before(Pattern { withheld: vec![false; 3] }).unwrap();
    let dimensions = vec![flat("ward", 2), flat("sex", 2)];
    let now = CountTable::new("n", dimensions, vec![4, 2, 30, 30], vec![]).unwrap();
    let method = RoundingMethod::Nearest { base: 5 };
    let alone = set(vec![now.clone()]);
    assert!(attack(&alone, &round(&alone, method).unwrap()).is_ok());
    let both = set(vec![now, before]);
    let rounded = round(&both, method).unwrap();
    assert!(rounded.published[1].is_empty());
    let Err(Refusal::Unprotected(failures)) = attack(&both, &rounded) else {
        panic!("4 is 3 to 7 by itself, and 4 to 6 beside 0 to 2 of 6")
    };
    assert!(failures.iter().all(|failure| failure.table == 0));
}

#[test]
fn what_was_withheld_before_stays_so_beside_rounded_numbers() {
    // It is known how many are in ward 0 and ward 1 together.
    let reasons = |first: u64,
                   unsafe_by_rule: Option<ProtectionLevel>,
                   parts: [u64; 2]|
     -> Vec<FailureReason> {
        let before = CountTable::new("b", vec![flat("ward", 3)], vec![first, 60, 40], vec![]);
        let before =
            before.unwrap().with_protection_levels(unsafe_by_rule.into_iter().collect()).unwrap();
        let withheld = vec![false, true, true, false];
        let before = before.published_before(Pattern { withheld }).unwrap();
        let dimensions = vec![flat("ward", 3), flat("sex", 2)];
        let inner = vec![parts[0], parts[1], 30, 30, 20, 20];
        let now = CountTable::new("n", dimensions, inner, vec![]).unwrap();
        let both = set(vec![now, before]);
        match attack(&both, &round(&both, RoundingMethod::Nearest { base: 15 }).unwrap()) {
            Ok(()) => vec![],
            Err(Refusal::Unprotected(failures)) => {
                assert!(failures.iter().all(|failure| (failure.table, failure.cell) == (1, 1)));
                failures.iter().map(|failure| failure.reason).collect()
            }
            Err(refusal) => panic!("{refusal}"),
        }
    };
    let level = |lower, upper| Some(ProtectionLevel { cell: 1, lower, upper });
    // To the nearest 15, none to 7 are none, and 8 to 22 are 15.
    assert_eq!(reasons(4, None, [4, 0]), []);
    assert_eq!(reasons(15, None, [15, 0]), []);
    assert_eq!(reasons(15, level(7, 7), [15, 0]), []);
    assert_eq!(reasons(15, level(8, 7), [15, 0]), [FailureReason::Low]);
    assert_eq!(reasons(15, level(20, 7), [15, 0]), [FailureReason::Low]);
    assert_eq!(reasons(15, level(7, 8), [15, 0]), [FailureReason::High]);
}

#[test]
fn what_was_small_before_can_still_be_so_many_more() {
    // The first two of 1 + 2 + 5, none of which is none, are 2 to 7.
    let before =
        CountTable::new("b", vec![flat("ward", 2), flat("sex", 2)], vec![1, 2, 5, 0], vec![]);
    let withheld = [false, true, true, true, true, true, true, true, false].to_vec();
    let before = before.unwrap().published_before(Pattern { withheld }).unwrap();
    let now = CountTable::new("n", vec![flat("other", 2)], vec![8, 0], vec![]).unwrap();
    let policy = Policy::new(6, Zeros::Published);
    let both = |policy| TableSet { tables: vec![now.clone(), before.clone()], policy };
    let verdict = |all| attack(&all, &round(&all, RoundingMethod::Nearest { base: 5 }).unwrap());
    assert_eq!(verdict(both(policy)), Ok(()));
    let Rounded { published, rule } =
        round(&both(policy), RoundingMethod::Nearest { base: 5 }).unwrap();
    let releasable = verify_rounded(both(policy), published, rule).unwrap();
    let shown = [Some(8), None, None, None, None, None, None, None, Some(0)];
    assert_eq!(releasable.published_cells(1), shown);
    assert_eq!(releasable.published_cells(0), [Some(10), Some(10), Some(0)]);
    let Err(Refusal::Unprotected(failures)) = verdict(both(Policy { threshold: 7, ..policy }))
    else {
        panic!("3 are not 8")
    };
    let high =
        |cell: usize| failures.iter().any(|f| f.cell == cell && f.reason == FailureReason::High);
    assert!(high(before.cell(&[1, 0])));
}
