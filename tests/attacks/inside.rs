//! Categories inside one another: every child with a plan is one in need, and some in need have no plan.

use crate::{
    attacker::{Attacker, Cell},
    council::{RULES, Row, Small, children, dimension, table},
};

const COLUMNS: [&str; 3] = ["ward", "need", "plan"];

/// Two children of W0 are in need without a plan.
fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (ward, counts) in [("W0", [20, 2, 50]), ("W1", [10, 12, 60]), ("W2", [9, 8, 40])] {
        for (of, count) in [["yes", "yes"], ["yes", "no"], ["no", "no"]].into_iter().zip(counts) {
            rows.extend(children(count, &[ward, of[0], of[1]]));
        }
    }
    rows
}

fn by(columns: &[&str]) -> String {
    let dimensions = columns.iter().map(|column| {
        let codes =
            if *column == "ward" { "[\"W0\", \"W1\", \"W2\"]" } else { "[\"yes\", \"no\"]" };
        dimension(column, &format!("codes = {codes}"))
    });
    RULES.to_owned() + &dimensions.collect::<String>()
}

/// In need without a plan, in W0.
fn without_a_plan() -> Cell {
    Cell::of(&[("ward", &["W0"]), ("need", &["yes"]), ("plan", &["no"])])
}

#[test]
fn a_table_of_needs_and_one_of_plans_do_not_tell_of_needs_without_a_plan() {
    let rows = rows();
    let council = Small::new(&COLUMNS, &[]);
    council.deliver(&rows);
    let tables = [table("needs", &["ward", "need"]), table("plans", &["ward", "plan"])].concat();
    council.define("both", &(by(&COLUMNS) + &tables));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let mut attacker = Attacker::new(&COLUMNS, &rows);
    for table in ["needs", "plans"] {
        attacker.reads(&council.released("both", "2024-25", table).unwrap(), &[], &[]);
    }
    let (least, most) = attacker.range(&without_a_plan());
    assert!(least < 1e-6 && most >= 5.0, "two lie between {least} and {most}");
    // The same again is the same.
    let again = council.aggregate();
    assert_eq!(again.summary["releases"][0]["outcome"], "same", "{}", again.text);
}

#[test]
fn a_later_table_of_plans_does_not_tell_of_needs_without_a_plan() {
    let rows = rows();
    for order in [["need", "plan"], ["plan", "need"]] {
        let council = Small::new(&COLUMNS, &[]);
        council.deliver(&rows);
        let mut attacker = Attacker::new(&COLUMNS, &rows);
        for (at, column) in order.into_iter().enumerate() {
            council.define(column, &(by(&["ward", column]) + &table("t", &["ward", column])));
            let ran = if at == 0 { council.run() } else { council.aggregate() };
            assert_eq!(ran.exit, 0, "{}", ran.text);
            attacker.reads(&council.released(column, "2024-25", "t").unwrap(), &[], &[]);
        }
        let (least, most) = attacker.range(&without_a_plan());
        assert!(least < 1e-6 && most >= 5.0, "two lie between {least} and {most}");
    }
}

#[test]
fn children_with_a_plan_beside_all_by_need_are_refused_by_name() {
    let council = Small::new(&COLUMNS, &[]);
    council.deliver(&rows());
    council.define("needs", &(by(&["ward", "need"]) + &table("t", &["ward", "need"])));
    assert_eq!(council.run().exit, 0);
    let chosen = "where = [{ column = \"plan\", in = [\"yes\"] }]\n";
    council.define("plans", &(chosen.to_owned() + &by(&["ward"]) + &table("t", &["ward"])));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("need there and plan here tell of each other"), "{}", ran.text);
}

#[test]
fn a_change_of_the_data_does_not_part_needs_from_plans() {
    let council = Small::new(&COLUMNS, &[]);
    let mut rows = rows();
    council.deliver(&rows);
    council.define("needs", &(by(&["ward", "need"]) + &table("t", &["ward", "need"])));
    assert_eq!(council.run().exit, 0);
    rows.extend(children(7, &["W1", "no", "no"]));
    council.deliver(&rows);
    council.define("plans", &(by(&["ward", "plan"]) + &table("t", &["ward", "plan"])));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("need there and plan here tell of each other"), "{}", ran.text);
}

#[test]
fn nobody_has_a_plan_without_a_need_and_no_such_zero_is_cover() {
    let mut rows = rows();
    rows.extend(children(3, &["W1", "yes", "yes"]));
    rows.extend(children(3, &["W3", "yes", "no"]));
    rows.extend(children(30, &["W3", "no", "no"]));
    rows.extend(children(20, &["W3", "yes", "yes"]));
    let council = Small::new(&COLUMNS, &[]);
    council.deliver(&rows);
    let rules =
        by(&COLUMNS).replace("published", "may-be-withheld").replace("\"W2\"", "\"W2\", \"W3\"");
    council.define("cross", &(rules + &table("t", &COLUMNS)));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let mut attacker = Attacker::new(&COLUMNS, &rows);
    attacker.zeros_may_be_withheld();
    attacker.reads(&council.released("cross", "2024-25", "t").unwrap(), &[], &[]);
    assert!(attacker.small(5) >= 2);
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}
