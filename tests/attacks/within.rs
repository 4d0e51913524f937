//! Tables of which one divides the cells of the other.

use crate::{
    attacker::Attacker,
    council::{RULES, Row, Small, children, dimension, table},
};

#[test]
fn a_ward_of_three_is_hidden_beside_its_girls_and_boys() {
    let mut rows: Vec<Row> = Vec::new();
    for (ward, girls, boys) in [("W0", 30, 25), ("W1", 25, 31), ("W2", 2, 1), ("W3", 12, 19)] {
        rows.extend(children(girls, &[ward, "F"]));
        rows.extend(children(boys, &[ward, "M"]));
    }
    let wards = "codes = [\"W0\", \"W1\", \"W2\", \"W3\"]";
    let tables = [table("wards", &["ward"]), table("sexes", &["ward", "sex"])].concat();
    for zeros in ["published", "may-be-withheld"] {
        for insider in [0, 1] {
            let rules = RULES.replace("published", zeros);
            let rules = rules.replace("insider = 0", &format!("insider = {insider}"));
            let council = Small::new(&["ward", "sex"], &[]);
            council.deliver(&rows);
            let dimensions = dimension("ward", wards) + &dimension("sex", "");
            council.define("both", &(rules + &dimensions + &tables));
            let ran = council.run();
            assert_eq!(ran.exit, 0, "{zeros}, {insider}: {}", ran.text);
            let mut attacker = Attacker::new(&["ward", "sex"], &rows);
            if zeros != "published" {
                attacker.zeros_may_be_withheld();
            }
            for table in ["wards", "sexes"] {
                attacker.reads(&council.released("both", "2024-25", table).unwrap(), &[], &[]);
            }
            assert_eq!(attacker.small(5), 4, "the ward in both tables, its girls and its boys");
            assert_eq!(attacker.given_away(5), Vec::<String>::new());
        }
    }
}
