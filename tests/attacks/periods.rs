//! The same children under other names of periods and deliveries.

use crate::council::{RULES, Row, Small, children, dimension, table};

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
