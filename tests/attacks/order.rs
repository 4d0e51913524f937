//! The order of codes, of dimensions and of releases, and another title, change nothing about what may be let out.

use crate::{
    attacker::Attacker,
    council::{RULES, Row, Small, children, dimension, table},
};

const COLUMNS: [&str; 3] = ["ward", "sex", "sen"];

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let counts =
        [[30, 12, 2, 41], [25, 3, 17, 22], [4, 21, 9, 33], [16, 14, 8, 1], [27, 6, 13, 20]];
    for (ward, counts) in ["W0", "W1", "W2", "W3", "W4"].iter().zip(counts) {
        let cells = [("F", "N"), ("F", "K"), ("M", "K"), ("M", "N")];
        for ((sex, sen), count) in cells.iter().zip(counts) {
            rows.extend(children(count, &[ward, sex, sen]));
        }
    }
    rows
}

/// A column, and its codes in some order.
type Codes = (&'static str, &'static str);

const WARD: Codes = ("ward", "\"W0\", \"W1\", \"W2\", \"W3\", \"W4\"");
const WARD_BACKWARDS: Codes = ("ward", "\"W4\", \"W3\", \"W2\", \"W1\", \"W0\"");
const SEX: Codes = ("sex", "\"F\", \"M\"");
const SEX_BACKWARDS: Codes = ("sex", "\"M\", \"F\"");
const SEN: Codes = ("sen", "\"N\", \"K\"");

fn by(rules: &str, codes: &[Codes]) -> String {
    let dimensions =
        codes.iter().map(|(column, codes)| dimension(column, &format!("codes = [{codes}]")));
    let columns: Vec<&str> = codes.iter().map(|(column, _)| *column).collect();
    rules.to_owned() + &dimensions.collect::<String>() + &table("t", &columns)
}

/// Cells by their categories, whatever the order.
fn cells(council: &Small, release: &str) -> Vec<(Vec<String>, Option<u64>)> {
    let released = council.released(release, "2024-25", "t").unwrap();
    let cell = |(cell, count, _): (Vec<String>, Option<u64>, _)| {
        let mut cell: Vec<String> = { cell.into_iter().zip(&released.dimensions) }
            .map(|(category, column)| format!("{column} {category}"))
            .collect();
        cell.sort();
        (cell, count)
    };
    let mut cells: Vec<_> = released.rows.iter().cloned().map(cell).collect();
    cells.sort();
    cells
}

#[test]
fn a_table_under_another_title_or_in_another_order_withholds_the_same_cells() {
    for zeros in ["published", "may-be-withheld"] {
        let rules = RULES.replace("published", zeros);
        let council = Small::new(&COLUMNS, &[]);
        council.deliver(&rows());
        let others: [&[Codes]; 4] = [
            &[WARD, SEX, SEN],
            &[WARD, SEX, SEN],
            &[WARD_BACKWARDS, SEX_BACKWARDS, SEN],
            &[SEN, WARD_BACKWARDS, SEX],
        ];
        for (at, codes) in others.into_iter().enumerate() {
            let name = format!("r{at}");
            council.define(&name, &by(&rules, codes));
            let ran = if at == 0 { council.run() } else { council.aggregate() };
            assert_eq!(ran.exit, 0, "{zeros}, {at}: {}", ran.text);
            assert_eq!(cells(&council, &name), cells(&council, "r0"), "{zeros}, {at}");
        }
    }
}

#[test]
fn a_coarser_table_and_a_finer_one_are_let_out_in_either_order() {
    let (coarse, fine): (&[Codes], &[Codes]) =
        (&[SEX_BACKWARDS, WARD], &[WARD_BACKWARDS, SEX, SEN]);
    for order in [[coarse, fine], [fine, coarse]] {
        let council = Small::new(&COLUMNS, &[]);
        let rows = rows();
        council.deliver(&rows);
        let mut attacker = Attacker::new(&COLUMNS, &rows);
        for (at, codes) in order.into_iter().enumerate() {
            let name = format!("r{at}");
            council.define(&name, &by(RULES, codes));
            let ran = if at == 0 { council.run() } else { council.aggregate() };
            assert_eq!(ran.exit, 0, "{at}: {}", ran.text);
            attacker.reads(&council.released(&name, "2024-25", "t").unwrap(), &[], &[]);
        }
        assert_eq!(attacker.given_away(5), Vec::<String>::new());
    }
}

#[test]
fn releases_about_other_children_stand_beside_each_other_in_any_order_of_their_codes() {
    let council = Small::new(&COLUMNS, &[]);
    council.deliver(&rows());
    council.define("all", &by(RULES, &[WARD]));
    assert_eq!(council.run().exit, 0);
    let girls = "where = [{ column = \"sex\", in = [\"F\"] }]\n";
    council.define("girls", &by(&(RULES.to_owned() + girls), &[WARD_BACKWARDS]));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // Once the data have changed too.
    let mut more = rows();
    more.extend(children(9, &["W1", "M", "N"]));
    council.deliver(&more);
    let boys = "where = [{ column = \"sex\", in = [\"M\"] }]\n";
    council.define("boys", &by(&(RULES.to_owned() + boys), &[WARD_BACKWARDS]));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
}

#[test]
fn two_who_joined_are_not_told_where_the_codes_are_in_another_order() {
    let council = Small::new(&COLUMNS, &[]);
    council.deliver(&rows());
    council.define("first", &by(RULES, &[WARD, SEX]));
    assert_eq!(council.run().exit, 0);
    let mut more = rows();
    more.extend(children(7, &["W1", "M", "N"]));
    more.extend(children(6, &["W1", "F", "N"]));
    more.extend(children(2, &["W4", "M", "N"]));
    council.deliver(&more);
    let withheld = [[WARD, SEX], [WARD_BACKWARDS, SEX_BACKWARDS]].map(|codes| {
        council.define("second", &by(RULES, &codes));
        let ran = council.draft();
        assert_eq!(ran.exit, 0, "{}", ran.text);
        ran.summary["releases"][0]["tables"][0]["withheld"].as_u64().unwrap()
    });
    assert_eq!(withheld[0], withheld[1]);
    assert!(withheld[0] > 0);
}
