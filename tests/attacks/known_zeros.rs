//! Counts that everyone knows to be nobody hide no one.

use crate::{
    attacker::Attacker,
    council::{RULES, Row, Small, children, dimension, table},
};

#[test]
fn a_category_that_the_release_s_own_condition_rules_out_hides_nobody() {
    let mut rows: Vec<Row> = Vec::new();
    for (ward, counts) in [("W0", [90, 13, 4]), ("W1", [80, 17, 14]), ("W2", [70, 40, 8])] {
        for (sen, count) in ["N", "K", "E"].into_iter().zip(counts) {
            rows.extend(children(count, &[ward, sen]));
        }
    }
    let council = Small::new(&["ward", "sen"], &[]);
    council.deliver(&rows);
    let rules = RULES.replace("published", "unsafe")
        + "where = [{ column = \"sen\", in = [\"K\", \"E\"] }]\n";
    let dimensions = ["ward", "sen"].map(|column| {
        let codes = if column == "sen" { "codes = [\"N\", \"K\", \"E\"]" } else { "" };
        dimension(column, codes)
    });
    council.define("plans", &(rules + &dimensions.concat() + &table("t", &["ward", "sen"])));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // The same again is the same, though nothing covers what everyone knows.
    let again = council.aggregate();
    assert_eq!(again.summary["releases"][0]["outcome"], "same", "{}", again.text);
    let chosen: Vec<Row> = rows.into_iter().filter(|row| row[1] != "N").collect();
    let mut attacker = Attacker::new(&["ward", "sen"], &chosen);
    attacker.zeros_may_be_withheld();
    attacker.reads(&council.released("plans", "2024-25", "t").unwrap(), &[], &[]);
    assert_eq!(attacker.small(5), 1);
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}
