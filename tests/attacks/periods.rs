//! The same children under other names of periods and deliveries.

use crate::council::{RULES, Released, Row, Small, children, dimension, table};

#[test]
fn weaker_rules_for_the_same_children_of_another_period_are_refused() {
    let mut rows: Vec<Row> = Vec::new();
    for (ward, count) in [("W0", 30), ("W1", 25), ("W2", 3), ("W3", 12)] {
        rows.extend(children(count, &[ward]));
    }
    let council = Small::new(&["ward"], &[]);
    council.deliver(&rows);
    let by_ward = |threshold: u32| {
        RULES.replace("threshold = 5", &format!("threshold = {threshold}"))
            + &dimension("ward", "")
            + &table("t", &["ward"])
    };
    council.define("first", &by_ward(5));
    assert_eq!(council.run().exit, 0);
    council.period("2024-25-copy");
    council.define("second", &by_ward(2));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("stands under another threshold"), "{}", ran.text);
    assert!(council.released("second", "2024-25-copy", "t").is_none());
}

/// Children by ward and age. In the second year the youngest of the first ward have left, and some of the oldest of the
/// last are new.
fn ages(joined: usize, left: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for ward in ["W0", "W1", "W2"] {
        for age in 0..10 {
            let age_of = age.to_string();
            rows.extend(children(20 + age, &[ward, &age_of]));
        }
    }
    rows.drain(..left);
    for _ in 0..joined {
        rows.extend(children(1, &["W2", "9"]));
    }
    rows
}

fn by_age(edge: u32) -> String {
    let bands = format!("bands = [0, {edge}]\nlabels = [\"below {edge}\", \"{edge} and more\"]");
    RULES.to_owned()
        + &dimension("ward", "codes = [\"W0\", \"W1\", \"W2\"]")
        + &dimension("age", &bands)
        + &table("t", &["ward", "age"])
}

/// A council whose first year is released, at the edge 5; and the second year's children are delivered.
fn second_year(joined: usize, left: usize) -> Small {
    let council = Small::new(&["ward", "age"], &["age"]);
    let first = ages(0, 0);
    council.deliver(&first);
    council.define("first", &by_age(5));
    assert_eq!(council.run().exit, 0);
    council.period("2025-26");
    council.deliver_from(1 + left, &ages(joined, left));
    council
}

#[test]
fn moved_edges_of_another_year_are_refused_by_name() {
    let council = second_year(20, 30);
    council.define("second", &by_age(6));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(
        ran.text.contains("divides age at 0, 5, where this one divides it at 0, 6"),
        "{}",
        ran.text
    );
    // The same edges and more are no harm.
    let edges = "bands = [0, 5, 6]\nlabels = [\"0-4\", \"5\", \"6+\"]";
    let finer = RULES.to_owned() + &dimension("age", edges) + &table("t", &["age"]);
    council.define("third", &finer);
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
}

#[test]
fn weaker_rules_for_mostly_the_same_children_are_refused() {
    let council = second_year(20, 30);
    council.define("second", &by_age(5).replace("threshold = 5", "threshold = 3"));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("is about mostly the same children"), "{}", ran.text);
    council.define("second", &by_age(5).replace("threshold = 5", "threshold = 6"));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
}

#[test]
fn two_children_who_changed_since_another_period_are_not_told() {
    // Two of the youngest of W0 have left, and two of the oldest joined in W2.
    let council = second_year(2, 2);
    council.define("second", &by_age(5));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let then = council.released("first", "2024-25", "t").unwrap();
    let now = council.released("second", "2025-26", "t").unwrap();
    let cell = |of: &Released, ward: &str, age: &str| {
        let mut rows = of.rows.iter();
        rows.find(|(cell, ..)| cell[0] == ward && cell[1] == age).unwrap().1
    };
    assert_eq!(cell(&then, "W2", "5 and more"), Some(135));
    assert_eq!(cell(&now, "W2", "5 and more"), None, "137 would tell of two children");
    assert_eq!(cell(&now, "W0", "below 5"), None, "108 would tell of two children");
    assert_eq!(cell(&now, "All", "All"), cell(&then, "All", "All"));
}

#[test]
fn few_children_more_than_in_another_period_are_refused() {
    let council = second_year(2, 0);
    council.define("second", &by_age(5));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("wait until more children differ"), "{}", ran.text);
}
