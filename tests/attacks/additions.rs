//! Sums of columns that add up for every child.

use std::fmt::Write as _;

use crate::council::{RULES, Row, Small, dimension, table};

/// Sessions missed by ward, with leave and without: in W3 one child has nearly all of those with leave.
fn absences() -> Vec<Row> {
    let mut rows = Vec::new();
    for (ward, children) in [("W0", 20), ("W1", 24), ("W2", 18), ("W3", 15), ("W4", 30)] {
        for child in 0..children {
            let with_leave = match (ward, child) {
                ("W3", 0) => 180,
                ("W3", _) => child % 2,
                _ => 2 + child % 7,
            };
            let without = 1 + child % 5;
            let numbers = [with_leave, without, with_leave + without];
            let numbers = numbers.map(|number| number.to_string());
            rows.push([vec![ward.to_owned()], numbers.to_vec()].concat());
        }
    }
    rows
}

const COLUMNS: [&str; 4] = ["ward", "with_leave", "without_leave", "missed"];

fn by_ward(columns: &[&str]) -> String {
    let mut text = RULES.to_owned() + &dimension("ward", "") + &table("wards", &["ward"]);
    for column in columns {
        let _ = write!(text, "[[table.measure]]\nname = \"{column}\"\nsum = \"{column}\"\n");
    }
    text
}

#[test]
fn sums_that_add_up_hide_the_same_cells() {
    let council = Small::new(&COLUMNS, &COLUMNS[1..]);
    council.deliver(&absences());
    council.define("absence", &by_ward(&COLUMNS[1..]));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let released = council.released("absence", "2024-25", "wards").unwrap();
    let shown: Vec<(&str, usize)> = released
        .rows
        .iter()
        .map(|(ward, _, sums)| (ward[0].as_str(), sums.iter().flatten().count()))
        .collect();
    assert!(shown.contains(&("W3", 0)), "one child has most of a sum: {shown:?}");
    assert!(shown.iter().all(|(_, sums)| [0, 3].contains(sums)), "{shown:?}");
    assert!(shown.iter().filter(|(_, sums)| *sums == 3).count() >= 2, "{shown:?}");
}

#[test]
fn a_third_sum_that_follows_from_two_is_refused_by_the_columns_names() {
    let council = Small::new(&COLUMNS, &COLUMNS[1..]);
    council.deliver(&absences());
    council.define("two", &by_ward(&["with_leave", "missed"]));
    assert_eq!(council.run().exit, 0);
    council.define("third", &by_ward(&["without_leave"]));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    let told = "the sums of missed, with_leave, without_leave tell each other";
    assert!(ran.text.contains(told), "{}", ran.text);
}
