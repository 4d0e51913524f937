//! Tables that share no column, and tell of the same children all the same.

use crate::{
    attacker::{Attacker, Cell},
    council::{RULES, Row, Small, children, dimension, table},
};

/// Children by ward and age; the age group follows from the age.
fn ages() -> Vec<Row> {
    let group = |age: usize| if age < 5 { "0-4" } else { "5-9" };
    let mut rows = Vec::new();
    for (ward, few) in [("W0", [1, 3]), ("W1", [99, 99]), ("W2", [7, 99])] {
        for age in 0..10 {
            let count = if few.contains(&age) { 2 + age % 3 } else { 11 + age };
            let age_of = age.to_string();
            rows.extend(children(count, &[ward, &age_of, group(age)]));
        }
    }
    rows
}

/// The raw cells of the children by ward and age: the group is known from the age.
fn by_age(rows: &[Row]) -> Attacker {
    Attacker::new(&["ward", "age", "agegroup"], rows)
}

#[test]
fn a_table_by_age_group_does_not_give_away_a_table_by_age() {
    let council = Small::new(&["ward", "age", "agegroup"], &[]);
    let rows = ages();
    council.deliver(&rows);
    let dimensions = ["ward", "age", "agegroup"].map(|column| dimension(column, ""));
    let tables = [table("ages", &["ward", "age"]), table("groups", &["ward", "agegroup"])];
    council.define("both", &(RULES.to_owned() + &dimensions.concat() + &tables.concat()));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let mut attacker = by_age(&rows);
    for table in ["ages", "groups"] {
        attacker.reads(&council.released("both", "2024-25", table).unwrap(), &[], &[]);
    }
    assert!(attacker.small(5) >= 3, "ages 1 and 3 of W0 and 7 of W2 are small");
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}

#[test]
fn a_table_by_age_group_of_a_later_release_does_not_give_away_a_table_by_age() {
    let council = Small::new(&["ward", "age", "agegroup"], &[]);
    let rows = ages();
    council.deliver(&rows);
    let rules = |column: &str| RULES.to_owned() + &dimension("ward", "") + &dimension(column, "");
    council.define("first", &(rules("age") + &table("ages", &["ward", "age"])));
    assert_eq!(council.run().exit, 0);
    council.define("second", &(rules("agegroup") + &table("groups", &["ward", "agegroup"])));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let mut attacker = by_age(&rows);
    attacker.reads(&council.released("first", "2024-25", "ages").unwrap(), &[], &[]);
    attacker.reads(&council.released("second", "2024-25", "groups").unwrap(), &[], &[]);
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
}

#[test]
fn placements_do_not_give_away_who_is_looked_after() {
    // A child has a placement exactly where there are episodes.
    let mut rows = Vec::new();
    for (ward, placed) in [("W0", [2, 0]), ("W1", [7, 6]), ("W2", [8, 1]), ("W3", [12, 13])] {
        rows.extend(children(40, &[ward, "0", ""]));
        for (placement, count) in ["U1", "K2"].into_iter().zip(placed) {
            rows.extend(children(count, &[ward, "1", placement]));
        }
    }
    let council = Small::new(&["ward", "episodes", "placement"], &["episodes"]);
    council.deliver(&rows);
    // The two tables by themselves take different wards to cover the small one.
    let bands = "bands = [0, 1]\nlabels = [\"no\", \"yes\"]";
    let rules = |column: &str, more: &str| {
        RULES.replace("published", "may-be-withheld")
            + &dimension("ward", "")
            + &dimension(column, more)
    };
    council.define(
        "first",
        &(rules("episodes", bands) + &table("looked_after", &["ward", "episodes"])),
    );
    assert_eq!(council.run().exit, 0);
    council.define("second", &(rules("placement", "") + &table("places", &["ward", "placement"])));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let mut attacker = Attacker::new(&["ward", "episodes", "placement"], &rows);
    attacker.zeros_may_be_withheld();
    let looked_after = council.released("first", "2024-25", "looked_after").unwrap();
    attacker.reads(&looked_after, &[], &[("episodes", "no", &["0"]), ("episodes", "yes", &["1"])]);
    attacker.reads(&council.released("second", "2024-25", "places").unwrap(), &[], &[]);
    assert_eq!(attacker.given_away(5), Vec::<String>::new());
    let of_ward = |ward: &str| Cell::of(&[("ward", &[ward]), ("episodes", &["1"])]);
    assert!(attacker.range(&of_ward("W0")).1 >= 5.0, "two children must not be told from five");
}

#[test]
fn bands_with_other_edges_are_refused_by_name() {
    let council = Small::new(&["ward", "age"], &["age"]);
    let rows: Vec<Row> = ages().into_iter().map(|row| row[..2].to_vec()).collect();
    council.deliver(&rows);
    let rules = |edge: u32| {
        let bands =
            format!("bands = [0, {edge}]\nlabels = [\"below {edge}\", \"{edge} and more\"]");
        RULES.to_owned() + &dimension("ward", "") + &dimension("age", &bands)
    };
    council.define("first", &(rules(5) + &table("ages", &["ward", "age"])));
    assert_eq!(council.run().exit, 0);
    council.define("second", &(rules(6) + &table("ages", &["ward", "age"])));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("divide age into other categories"), "{}", ran.text);
    assert!(council.released("second", "2024-25", "ages").is_none());
}

#[test]
fn a_release_chosen_by_what_follows_from_another_s_column_is_refused_by_name() {
    let rows: Vec<Row> = ages();
    let council = Small::new(&["ward", "age", "agegroup"], &[]);
    council.deliver(&rows);
    let by = |column: &str| dimension("ward", "") + &dimension(column, "");
    let ages = RULES.to_owned() + &by("age") + &table("ages", &["ward", "age"]);
    council.define("first", &ages);
    assert_eq!(council.run().exit, 0);
    let chosen = "where = [{ column = \"agegroup\", in = [\"0-4\"] }]\n";
    let wards = RULES.to_owned() + chosen + &dimension("ward", "") + &table("wards", &["ward"]);
    council.define("second", &wards);
    let ran = council.aggregate();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    let told = "age there and agegroup here tell of each other";
    assert!(ran.text.contains(told), "{}", ran.text);
}

#[test]
fn a_change_of_the_data_does_not_untie_two_tables() {
    let council = Small::new(&["ward", "age", "agegroup"], &[]);
    let mut rows = ages();
    council.deliver(&rows);
    let by = |column: &str, name: &str| {
        RULES.to_owned()
            + &dimension("ward", "")
            + &dimension(column, "")
            + &table(name, &["ward", column])
    };
    council.define("first", &by("age", "ages"));
    assert_eq!(council.run().exit, 0);
    rows.extend(children(7, &["W1", "8", "5-9"]));
    council.deliver(&rows);
    council.define("second", &by("agegroup", "groups"));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("the data have changed since"), "{}", ran.text);
    assert!(ran.text.contains("age there and agegroup here tell of each other"), "{}", ran.text);
}
