//! Cells that a rule withholds, publishes or forces, beside small counts.

use super::*;

#[test]
fn a_total_that_is_unsafe_by_rule_is_withheld_with_all_that_gives_it_away() {
    let nodes = [
        ("all", None),
        ("north", Some(0)),
        ("w1", Some(1)),
        ("w2", Some(1)),
        ("south", Some(0)),
        ("w3", Some(4)),
        ("w4", Some(4)),
        ("unknown", Some(0)),
    ];
    let nodes = nodes.map(|(code, parent)| (code.to_owned(), parent)).to_vec();
    let codes = ["none", "east", "west"].map(str::to_owned).to_vec();
    let grouping = Grouping { codes, group_of: vec![1, 2, 2, 1, 0] };
    let ward = Hierarchy::new("ward", nodes).unwrap().grouped(grouping).unwrap();
    let table = CountTable::new("t", vec![ward], vec![6, 5, 3, 8, 0], vec![]).unwrap();
    let unsafe_by_rule: Vec<usize> = (0..11).filter(|cell| ![7, 8].contains(cell)).collect();
    let level = |&cell: &usize| ProtectionLevel { cell, lower: 2, upper: 2 };
    let table = table.with_protection_levels(unsafe_by_rule.iter().map(level).collect()).unwrap();
    let table = table.with_forced_published(vec![7]).unwrap();
    let all = TableSet { tables: vec![table], policy: Policy::new(1, Zeros::MayBeWithheld) };
    let patterns = protect(&all).unwrap();
    let withheld: Vec<usize> = (0..11).filter(|&cell| patterns[0].withheld[cell]).collect();
    assert_eq!(withheld, unsafe_by_rule);
}

#[test]
fn a_zero_is_not_withheld_where_the_policy_publishes_zeros() {
    let table = CountTable::new("t", vec![flat("a", 3)], vec![0, 20, 30], vec![]).unwrap();
    let withheld = vec![Pattern { withheld: vec![false, true, true, true] }];
    for (zeros, reason) in
        [(Zeros::Published, Some(FailureReason::ZeroWithheld)), (Zeros::MayBeWithheld, None)]
    {
        let verdict = verify(set(vec![table.clone()], zeros), withheld.clone());
        let found = match verdict {
            Err(Refusal::Unprotected(failures)) => failures.first().map(|failure| failure.reason),
            other => {
                other.unwrap();
                None
            }
        };
        assert_eq!(found, reason);
    }
}

#[test]
fn a_forced_published_cell_is_not_withheld_and_one_unsafe_by_rule_is() {
    let table = CountTable::new("t", vec![flat("a", 3)], vec![10, 20, 30], vec![]).unwrap();
    let pattern = |withheld: [bool; 4]| vec![Pattern { withheld: withheld.to_vec() }];
    let reason = |table: &CountTable, withheld| match verify(
        set(vec![table.clone()], Zeros::MayBeWithheld),
        pattern(withheld),
    ) {
        Err(Refusal::Unprotected(failures)) => failures.first().map(|failure| failure.reason),
        other => {
            other.unwrap();
            None
        }
    };
    let forced_published = table.clone().with_forced_published(vec![1]).unwrap();
    assert_eq!(
        reason(&forced_published, [false, true, true, false]),
        Some(FailureReason::ForcedPublishedWithheld)
    );
    assert_eq!(reason(&forced_published, [false, false, true, true]), None);
    let unsafe_by_rule = table
        .with_protection_levels(vec![ProtectionLevel { cell: 1, lower: 5, upper: 5 }])
        .unwrap();
    assert_eq!(reason(&unsafe_by_rule, [false; 4]), Some(FailureReason::SmallPublished));
    assert_eq!(reason(&unsafe_by_rule, [false, true, true, false]), None);
}
