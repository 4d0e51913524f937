use minster_model::{
    CellId, IdVec, NodeId,
    policy::{Costs, Policy, Zeros},
    table::{CountTable, Pattern, ProtectionLevel, Sensitive, TableSet},
};

use super::*;
use crate::test_tables::{flat, tree};

/// Two areas by three kinds: the first area has 1, 0 and 2, 3 in all.
///
/// ```text
///   0: 27    1: 10   2: 7    3: 10
///   4:  3    5:  1   6: 0    7:  2
///   8: 24    9:  9  10: 7   11:  8
/// ```
fn areas(sensitive: Vec<Sensitive>) -> CountTable {
    let dimensions = vec![flat("area", 2), flat("kind", 3)];
    CountTable::new("t", dimensions, vec![1, 0, 2, 9, 7, 8], sensitive).unwrap()
}

fn set(table: CountTable, zeros: Zeros, insider: u64) -> TableSet {
    TableSet { tables: vec![table], policy: Policy { insider, ..Policy::new(5, zeros) } }
}

/// Returns what each origin requires, given which cells are withheld.
fn required(set: &TableSet, withheld: &[usize]) -> Vec<String> {
    let cells = Cells::new(set, Costs::default());
    let withheld: IdVec<CellId, bool> =
        cells.ids().map(|cell| withheld.contains(&cell.0)).collect();
    let of = |origin: RequirementOrigin| {
        origin.requirements(&cells, &withheld).into_iter().map(move |d| (origin, d))
    };
    let requirements = origins(&cells).into_iter().flat_map(of);
    requirements
        .map(|(origin, requirement)| format!("{}: {}", origin_told(origin), told(&requirement)))
        .collect()
}

fn origin_told(origin: RequirementOrigin) -> String {
    match origin {
        RequirementOrigin::Small(cell) => format!("small {cell}"),
        RequirementOrigin::UnsafeByRule(cell, _) => format!("guarded {cell}"),
        RequirementOrigin::Remainder(cell) => format!("rest {cell}"),
        RequirementOrigin::Class { group, inside } => format!("class {inside} of {group}"),
    }
}

fn told(requirement: &Requirement) -> String {
    let terms = requirement.terms().map(|(cell, sign)| match sign > 0.0 {
        true => format!("+{cell}"),
        false => format!("-{cell}"),
    });
    let insiders = match requirement.insiders {
        InsiderCondition::Stay => "all stay".to_owned(),
        InsiderCondition::One(cell) => format!("{cell} asks"),
        InsiderCondition::Ignored => "no insiders".to_owned(),
    };
    let knowledge = match &requirement.knowledge {
        Knowledge::Published => String::new(),
        Knowledge::Respondents { but } => {
            let but: Vec<usize> = but.iter().map(|of| of.0).collect();
            format!(", all holders but {but:?}")
        }
        Knowledge::Respondent(respondent) => format!(", holder {respondent}"),
    };
    format!("{} by {:+}, {insiders}{knowledge}", terms.collect::<String>(), requirement.change)
}

/// Three schools by two kinds, the first two in the north.
///
/// ```text
///   all     0   1   2
///   north   3   4   5
///   s0      6   7   8
///   s1      9  10  11
///   s2     12  13  14
/// ```
fn schools(inner: [u64; 6], sensitive: Vec<Sensitive>) -> CountTable {
    let nodes =
        [("all", None), ("north", Some(0)), ("s0", Some(1)), ("s1", Some(1)), ("s2", Some(0))];
    let schools = tree("school", &nodes).of_respondents();
    CountTable::new("t", vec![schools, flat("kind", 2)], inner.to_vec(), sensitive).unwrap()
}

#[test]
fn a_small_cell_can_be_anything_that_the_rule_leaves_open() {
    let expected = [
        // 1 to 5 by the rule; two cells of at least 1 and one of 0 make 2, and 2 and 4 more are 6.
        "small 4: +4 by +3, all stay",
        "small 4: +4 by -1, all stay",
        "small 5: +5 by +4, all stay",
        "small 7: +7 by +3, all stay",
        "small 7: +7 by -1, all stay",
    ];
    let table = set(areas(vec![]), Zeros::Published, 0);
    assert_eq!(required(&table, &[4, 5, 7]), expected);
    // Someone who is not there is not withheld either.
    assert_eq!(required(&table, &[4, 5, 6, 7]), expected);
    // An attacker knows of a margin what is published below it.
    assert_eq!(required(&table, &[4, 5])[..2], ["small 4: +4 by +4, all stay", expected[2]]);
    let may_be_none = set(areas(vec![]), Zeros::MayBeWithheld, 0);
    let expected = [
        "small 4: +4 by +2, all stay",
        "small 4: +4 by -3, all stay",
        "small 5: +5 by +4, all stay",
        "small 5: +5 by -1, all stay",
        "small 7: +7 by +3, all stay",
        "small 7: +7 by -2, all stay",
    ];
    assert_eq!(required(&may_be_none, &[4, 5, 7]), expected);
    let mut expected = expected.to_vec();
    expected.insert(4, "small 6: +6 by +5, all stay");
    assert_eq!(required(&set(areas(vec![]), Zeros::Unsafe, 0), &[4, 5, 6, 7]), expected);
}

#[test]
fn insiders_add_themselves() {
    let expected = [
        // An insider who knows of two in cell 7 must think 2 to 6 possible there and in the whole area: 4 more than
        // the least.
        "small 4: +4 by +3, all stay",
        "small 4: +4 by -3, all stay",
        "small 4: +4 by -2, 5 asks",
        "small 4: +4 by -1, 7 asks",
        "small 5: +5 by +4, all stay",
        "small 5: +5 by -1, all stay",
        "small 7: +7 by +4, all stay",
        "small 7: +7 by -2, all stay",
    ];
    let table = set(areas(vec![]), Zeros::MayBeWithheld, 2);
    assert_eq!(required(&table, &[4, 5, 7]), expected);
    // One of a withheld cell is known to everyone there.
    let expected = [
        "small 4: +4 by +4, all stay",
        "small 4: +4 by -1, all stay",
        "small 5: +5 by +4, all stay",
        "small 7: +7 by +4, all stay",
        "small 7: +7 by -1, all stay",
    ];
    assert_eq!(required(&set(areas(vec![]), Zeros::Published, 2), &[4, 5, 7]), expected);
}

#[test]
fn a_world_for_insiders_takes_none_of_them_away_but_those_who_ask() {
    let set = set(areas(vec![]), Zeros::MayBeWithheld, 1);
    let cells = Cells::new(&set, Costs::default());
    let alternative = |changes: &[(usize, f64)]| {
        let changes = changes.iter().map(|&(cell, change)| (CellId(cell), change));
        ChangedTable::new(&cells, changes)
    };
    // 5 is one insider; of the 2 in 7 one can go, and both where nobody in 7 asks.
    let more = Requirement::change_of(CellId(5), 4.0);
    assert!(more.is_met(&cells, &alternative(&[(5, 4.0), (7, -1.0)])));
    assert!(!more.is_met(&cells, &alternative(&[(5, 4.0), (7, -2.0)])));
    assert!(!more.is_met(&cells, &alternative(&[(5, 3.0)])));
    assert!(more.ignoring_insiders().is_met(&cells, &alternative(&[(5, 4.0), (7, -2.0)])));
    let less = Requirement::change_of(CellId(7), -2.0);
    assert!(less.is_met(&cells, &alternative(&[(7, -2.0)])));
    assert!(!less.is_met(&cells, &alternative(&[(7, -1.0)])));
    assert!(!less.is_met(&cells, &alternative(&[(5, -1.0), (7, -2.0)])));
    let asked = |requirement: &Requirement| {
        [5, 7].map(CellId).map(|cell| requirement.own(&cells).beyond(&cells, cell))
    };
    let margin = Requirement::change_of(CellId(4), -1.0);
    assert_eq!(asked(&margin), [1, 1]);
    assert_eq!(
        asked(&Requirement { insiders: InsiderCondition::One(CellId(5)), ..margin.clone() }),
        [0, 1]
    );
    assert_eq!(asked(&Requirement::change_of(CellId(4), 1.0)), [0, 0]);
    assert_eq!(asked(&less), [0, 1]);
}

#[test]
fn a_sensitive_category_leaves_others_possible() {
    let class = vec![Sensitive { dimension: 1, categories: vec![NodeId(1), NodeId(3)] }];
    let requirements = required(&set(areas(class), Zeros::Published, 0), &[4, 5, 7]);
    // The first area has 2 outside kind 0 and 1 outside kind 2; the second has enough.
    let expected = ["class 5 of 4: +4-5 by +3, all stay", "class 7 of 4: +4-7 by +4, all stay"];
    assert_eq!(requirements[5..], expected);
    // All categories together are the whole group, which nothing is outside of.
    let whole = vec![Sensitive { dimension: 1, categories: vec![NodeId(0)] }];
    assert_eq!(required(&set(areas(whole), Zeros::Published, 0), &[4, 5, 7]), requirements[..5]);
}

#[test]
fn a_cell_that_is_unsafe_by_rule_moves_as_far_as_it_is_told_and_can() {
    let unsafe_by_rule = vec![
        ProtectionLevel { cell: 8, lower: 3, upper: 2 },
        ProtectionLevel { cell: 9, lower: 20, upper: 6 },
    ];
    let table = areas(vec![]).with_protection_levels(unsafe_by_rule).unwrap();
    let requirements = required(&set(table, Zeros::Published, 0), &[4, 5, 7, 8, 9]);
    let expected = [
        "guarded 8: +8 by +2, all stay",
        "guarded 8: +8 by -3, all stay",
        "guarded 9: +9 by +6, all stay",
        "guarded 9: +9 by -8, all stay",
    ];
    assert_eq!(requirements[5..], expected);
}

#[test]
fn what_was_withheld_before_under_another_policy_is_at_least_what_this_one_says() {
    let mut withheld = vec![false; 12];
    [4, 5, 6, 7, 9].iter().for_each(|cell| withheld[*cell] = true);
    let published = areas(vec![]).published_before(Pattern { withheld }).unwrap();
    let requirements = required(&set(published, Zeros::Published, 0), &[4, 5, 6, 7, 9]);
    // Three withheld cells make 3: a zero among them was withheld then.
    let expected = ["small 4: +4 by +4, all stay", "small 5: +5 by +4, all stay"];
    assert_eq!(requirements[..2], expected);
}

#[test]
fn respondents_ask_for_what_their_own_leave_of_a_cell() {
    // North: 14, of kind 0 8 and of kind 1 6; school 0 has 12 of them, 7 and 5.
    let inner = [7, 5, 1, 1, 15, 11];
    let withheld = [6, 7, 8, 9, 10, 11];
    let requirements = required(&set(schools(inner, vec![]), Zeros::Published, 0), &withheld);
    let expected = [
        "small 9: +9 by +4, all stay",
        "small 9: +9 by +4, no insiders, all holders but [1]",
        "small 10: +10 by +4, all stay",
        "small 10: +10 by +4, no insiders, all holders but [1]",
        "small 11: +11 by +4, all stay",
        "small 11: +11 by +4, no insiders, all holders but [1]",
        "rest 3: +3 by +4, no insiders, holder 0",
        "rest 4: +4 by +4, no insiders, holder 0",
        "rest 5: +5 by +4, no insiders, holder 0",
    ];
    assert_eq!(requirements, expected);
    let requirements = required(&set(schools(inner, vec![]), Zeros::MayBeWithheld, 0), &withheld);
    let expected = [
        "rest 3: +3 by +3, no insiders, holder 0",
        "rest 3: +3 by -2, no insiders, holder 0",
        "rest 4: +4 by +4, no insiders, holder 0",
        "rest 4: +4 by -1, no insiders, holder 0",
        "rest 5: +5 by +4, no insiders, holder 0",
        "rest 5: +5 by -1, no insiders, holder 0",
    ];
    assert_eq!(requirements[12..], expected);
}

#[test]
fn who_is_not_there_adds_nothing_to_a_rest_but_where_they_were_withheld_before() {
    // North: 13, of which 12 are of school 0; school 1 has 0 and 1.
    let table = || schools([7, 5, 0, 1, 15, 11], vec![]);
    let withheld = [3, 4, 5, 7, 10, 11];
    let remainder = |set: &TableSet| {
        let requirements = required(set, &withheld);
        requirements
            .into_iter()
            .filter(|requirement| requirement.starts_with("rest 3"))
            .collect::<Vec<_>>()
    };
    let expected = ["rest 3: +3 by +4, no insiders, holder 0"];
    assert_eq!(remainder(&set(table(), Zeros::Published, 0)), expected);
    let pattern = Pattern { withheld: (0..15).map(|cell| withheld.contains(&cell)).collect() };
    let published = table().published_before(pattern).unwrap();
    let expected = ["rest 3: +3 by +5, no insiders, holder 0"];
    assert_eq!(remainder(&set(published, Zeros::Published, 0)), expected);
}

#[test]
fn respondents_ask_for_cells_unsafe_by_rule_that_others_are_in() {
    let unsafe_by_rule = vec![
        ProtectionLevel { cell: 4, lower: 2, upper: 2 },
        ProtectionLevel { cell: 5, lower: 9, upper: 2 },
        ProtectionLevel { cell: 13, lower: 4, upper: 1 },
    ];
    let table =
        |inner| schools(inner, vec![]).with_protection_levels(unsafe_by_rule.clone()).unwrap();
    let of = |zeros: Zeros, inner: [u64; 6]| {
        let requirements = required(&set(table(inner), zeros, 0), &[6, 7, 8, 9, 10, 11]);
        let unsafe_by_rule =
            requirements.into_iter().filter(|requirement| requirement.starts_with("guarded"));
        unsafe_by_rule.filter(|requirement| !requirement.ends_with("all stay")).collect::<Vec<_>>()
    };
    let expected = [
        "guarded 4: +4 by +2, no insiders, all holders but [0, 1]",
        "guarded 4: +4 by -2, no insiders, all holders but [0, 1]",
        // To school 0, one other is there, and at least one.
        "guarded 4: +4 by +2, no insiders, holder 0",
        "guarded 4: +4 by +2, no insiders, holder 1",
        "guarded 4: +4 by -2, no insiders, holder 1",
        "guarded 5: +5 by +2, no insiders, all holders but [0, 1]",
        "guarded 5: +5 by -4, no insiders, all holders but [0, 1]",
        "guarded 5: +5 by +2, no insiders, holder 0",
        "guarded 5: +5 by +2, no insiders, holder 1",
        "guarded 5: +5 by -4, no insiders, holder 1",
        // A cell of one school: it knows all of it.
        "guarded 13: +13 by +1, no insiders, all holders but [2]",
        "guarded 13: +13 by -4, no insiders, all holders but [2]",
    ];
    assert_eq!(of(Zeros::Published, [7, 5, 1, 1, 15, 11]), expected);
    // Nobody but school 0 has children of kind 0 in the north: it sees that a zero is published, or cannot tell.
    let alone = [7, 5, 0, 1, 15, 11];
    let expected = [
        "guarded 4: +4 by +2, no insiders, all holders but [0]",
        "guarded 4: +4 by -2, no insiders, all holders but [0]",
    ];
    assert_eq!(of(Zeros::Published, alone)[..2], expected);
    assert!(of(Zeros::Published, alone)[2].starts_with("guarded 5"));
    let expected = "guarded 4: +4 by +2, no insiders, holder 0";
    assert_eq!(of(Zeros::MayBeWithheld, alone)[2], expected);
    assert!(of(Zeros::MayBeWithheld, alone)[3].starts_with("guarded 5"));
}

#[test]
fn respondents_ask_for_classes_without_their_own() {
    // North: 7 of kind 0, and outside it the 2 of school 1; school 0 has nobody outside.
    let class = vec![Sensitive { dimension: 1, categories: vec![NodeId(1)] }];
    let table = schools([3, 0, 4, 2, 9, 9], class);
    let requirements = required(&set(table, Zeros::Published, 0), &[3, 4, 5, 6, 7, 9, 10, 11]);
    let of_respondents =
        |requirement: &&String| requirement.starts_with("class") && !requirement.ends_with("stay");
    let requirements: Vec<_> = requirements.iter().filter(of_respondents).collect();
    let expected = [
        // Outside it are 11 in all, and 9 of them are of school 2.
        "class 1 of 0: +0-1 by +3, no insiders, holder 2",
        "class 4 of 3: +3-4 by +5, no insiders, holder 1",
        "class 4 of 3: +3-4 by +3, no insiders, all holders but [1]",
        "class 7 of 6: +6-7 by +5, no insiders, all holders but [0]",
        "class 10 of 9: +9-10 by +3, no insiders, all holders but [1]",
    ];
    assert_eq!(requirements, expected);
}

#[test]
fn respondents_without_children_in_a_cell_see_what_everyone_sees() {
    // North, kind 1: 2, of school 1 alone. School 0 has none there.
    let table = schools([9, 0, 9, 2, 9, 9], vec![]);
    let requirements = required(&set(table, Zeros::Published, 0), &[5, 11]);
    let of_five: Vec<_> =
        requirements.iter().filter(|requirement| requirement.contains("+5 ")).collect();
    let expected = [
        "small 5: +5 by +3, all stay",
        "small 5: +5 by -1, all stay",
        "small 5: +5 by +3, no insiders, all holders but [1]",
        "small 5: +5 by -1, no insiders, all holders but [1]",
    ];
    assert_eq!(of_five, expected);
}
