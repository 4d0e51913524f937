//! Sums of a column of 0 and 1, which are counts.

use crate::{
    attacker::Attacker,
    council::{RULES, Row, Small, children, dimension, table},
};

/// Children eligible for free meals by ward: of 20, 18; of 22, all; of 25, 4.
fn eligible() -> Vec<Row> {
    let mut rows = Vec::new();
    for (ward, yes, no) in
        [("W0", 18, 2), ("W1", 22, 0), ("W2", 26, 4), ("W3", 4, 21), ("W4", 12, 21), ("W5", 15, 13)]
    {
        rows.extend(children(yes, &[ward, "1"]));
        rows.extend(children(no, &[ward, "0"]));
    }
    rows
}

const MEASURES: &str = "[[table.measure]]\nname = \"eligible\"\nsum = \"fsm\"\n\
    [[table.measure]]\nname = \"share\"\nmean = \"fsm\"\n";

fn by_ward() -> String {
    RULES.to_owned() + &dimension("ward", "") + &table("wards", &["ward"]) + MEASURES
}

#[test]
fn a_sum_of_a_flag_does_not_tell_the_few_of_whom_it_is_not_so() {
    let council = Small::new(&["ward", "fsm"], &["fsm"]);
    let rows = eligible();
    council.deliver(&rows);
    council.define("meals", &by_ward());
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let released = council.released("meals", "2024-25", "wards").unwrap();
    let shown = released.measures();
    let is_shown = |ward: &str| shown[ward].is_some();
    let wards = ["W0", "W1", "W2", "W3", "W4", "W5"].map(is_shown);
    assert_eq!(wards, [false, true, false, false, true, true]);
    let mut attacker = Attacker::new(&["ward", "fsm"], &rows);
    attacker.reads(&released, &[Some(("fsm", "1")), None], &[]);
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}

#[test]
fn a_sum_of_a_flag_stands_beside_a_table_by_the_flag() {
    let rows = eligible();
    let bands = "bands = [0, 1]\nlabels = [\"no\", \"yes\"]";
    let by_flag = RULES.to_owned()
        + &dimension("ward", "")
        + &dimension("fsm", bands)
        + &table("meals", &["ward", "fsm"]);
    for sum_first in [true, false] {
        let council = Small::new(&["ward", "fsm"], &["fsm"]);
        council.deliver(&rows);
        let mut definitions = [("summed", by_ward()), ("divided", by_flag.clone())];
        if !sum_first {
            definitions.reverse();
        }
        council.define(definitions[0].0, &definitions[0].1);
        assert_eq!(council.run().exit, 0);
        council.define(definitions[1].0, &definitions[1].1);
        let ran = council.aggregate();
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let mut attacker = Attacker::new(&["ward", "fsm"], &rows);
        let summed = council.released("summed", "2024-25", "wards").unwrap();
        attacker.reads(&summed, &[Some(("fsm", "1")), None], &[]);
        let divided = council.released("divided", "2024-25", "meals").unwrap();
        attacker.reads(&divided, &[], &[("fsm", "no", &["0"]), ("fsm", "yes", &["1"])]);
        assert!(attacker.small(5) >= 3);
        assert_eq!(attacker.given_away(5), Vec::<String>::new());
    }
}

#[test]
fn a_release_chosen_by_a_flag_is_refused_beside_its_sum() {
    let mut rows: Vec<Row> = Vec::new();
    let counts = [("W0", "primary", 18, 2), ("W0", "nursery", 0, 20), ("W1", "primary", 30, 30)];
    let more = [("W1", "nursery", 0, 25), ("W2", "primary", 35, 35), ("W2", "nursery", 0, 30)];
    for (ward, phase, yes, no) in counts.into_iter().chain(more) {
        rows.extend(children(yes, &[ward, phase, "1"]));
        rows.extend(children(no, &[ward, phase, "0"]));
    }
    let dimensions = dimension("ward", "") + &dimension("phase", "");
    let summed = RULES.to_owned() + &dimensions + &table("t", &["ward", "phase"]) + MEASURES;
    let chosen = "where = [{ column = \"fsm\", in = [\"1\"] }]\n";
    let chosen = RULES.to_owned() + chosen + &dimension("ward", "") + &table("t", &["ward"]);
    for summed_first in [true, false] {
        let council = Small::new(&["ward", "phase", "fsm"], &["fsm"]);
        council.deliver(&rows);
        let mut definitions = [("summed", &summed), ("chosen", &chosen)];
        if !summed_first {
            definitions.reverse();
        }
        council.define(definitions[0].0, definitions[0].1);
        assert_eq!(council.run().exit, 0);
        council.define(definitions[1].0, definitions[1].1);
        let ran = council.aggregate();
        // The eligible of a ward are those of its primary school: 2 of 20 are not.
        assert_eq!(ran.exit, 4, "{}", ran.text);
    }
}
