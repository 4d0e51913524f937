//! Three tables of two columns each, in a circle.

use crate::{
    attacker::Attacker,
    council::{RULES, Row, Small, children, dimension, table},
};

const COLUMNS: [&str; 3] = ["ward", "sex", "sen"];

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let counts = [[60, 9, 1, 55, 12, 3], [48, 11, 6, 51, 2, 7], [70, 14, 8, 66, 21, 5]];
    for (ward, counts) in ["W0", "W1", "W2"].iter().zip(counts) {
        let cells = ["F", "M"].iter().flat_map(|sex| ["N", "K", "E"].map(|sen| (sex, sen)));
        for ((sex, sen), count) in cells.zip(counts) {
            rows.extend(children(count, &[ward, sex, sen]));
        }
    }
    rows
}

fn rules(columns: &[&str]) -> String {
    RULES.to_owned() + &columns.iter().map(|column| dimension(column, "")).collect::<String>()
}

fn pairs() -> [(&'static str, [&'static str; 2]); 3] {
    [("a", ["ward", "sex"]), ("b", ["ward", "sen"]), ("c", ["sex", "sen"])]
}

#[test]
fn three_tables_in_a_circle_are_one_release_that_gives_no_child_away() {
    let council = Small::new(&COLUMNS, &[]);
    let rows = rows();
    council.deliver(&rows);
    let tables: String = pairs().iter().map(|(name, columns)| table(name, columns)).collect();
    council.define("circle", &(rules(&COLUMNS) + &tables));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // The same again is the same.
    let again = council.aggregate();
    assert_eq!(again.summary["releases"][0]["outcome"], "same", "{}", again.text);
    let mut attacker = Attacker::new(&COLUMNS, &rows);
    for (name, _) in pairs() {
        attacker.reads(&council.released("circle", "2024-25", name).unwrap(), &[], &[]);
    }
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}

#[test]
fn the_third_release_that_closes_a_circle_gives_no_child_away() {
    let council = Small::new(&COLUMNS, &[]);
    let rows = rows();
    council.deliver(&rows);
    let mut attacker = Attacker::new(&COLUMNS, &rows);
    for (number, (name, columns)) in pairs().into_iter().enumerate() {
        council.define(&format!("r{number}"), &(rules(&columns) + &table(name, &columns)));
        let ran = if number == 0 { council.run() } else { council.aggregate() };
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let released = council.released(&format!("r{number}"), "2024-25", name).unwrap();
        attacker.reads(&released, &[], &[]);
    }
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}
