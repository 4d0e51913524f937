//! Noise that is the same for the same children, and averages out over many releases about others.

use crate::council::{RULES, Row, Small, children, dimension, table};

#[test]
fn a_child_is_counted_in_so_few_numbers_with_noise_that_they_do_not_average_out() {
    let crowds: Vec<String> = (0..8).map(|crowd| format!("a{crowd}")).collect();
    let mut rows: Vec<Row> = children(3, &["F", "few"]);
    for crowd in &crowds {
        rows.extend(
            [40, 35].into_iter().zip(["F", "M"]).flat_map(|(n, s)| children(n, &[s, crowd])),
        );
    }
    let council = Small::new(&["sex", "part"], &[]);
    council.deliver(&rows);
    let about = |parts: &str| {
        RULES.to_owned()
            + "method = \"cell-key\"\n"
            + &format!("where = [{{ column = \"part\", in = [{parts}] }}]\n")
            + &dimension("sex", "codes = [\"F\", \"M\"]")
            + &table("t", &["sex"])
    };
    council.define("first", &about("\"a0\", \"few\""));
    assert_eq!(council.run().exit, 0);
    let mut let_out = 1;
    for (number, crowd) in crowds.iter().enumerate().skip(1) {
        // Each of the three is in the number of girls and in that of all.
        council.define(&format!("with-{number}"), &about(&format!("\"{crowd}\", \"few\"")));
        let ran = council.aggregate();
        if ran.exit != 0 {
            assert_eq!(ran.exit, 4, "{}", ran.text);
            let message = "it would count a child in more than 12 numbers with noise, together with first of 2024-25, with-1 of 2024-25";
            assert!(ran.text.contains(message), "{}", ran.text);
            break;
        }
        let_out += 1;
    }
    assert_eq!(let_out, 6, "two numbers a release");
    // The others of the crowd were counted in two numbers alone.
    council.define("without", &about("\"a1\""));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.summary["releases"][0]["outcome"], "draft", "{}", ran.text);
}

#[test]
fn a_release_that_counts_a_child_with_noise_too_often_is_refused_by_itself() {
    let columns = ["a", "b", "c", "d"];
    let rows: Vec<Row> = (0..16u32)
        .flat_map(|of| {
            let values: Vec<String> = (0..4).map(|bit| format!("v{}", of >> bit & 1)).collect();
            children(30, &values.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    let council = Small::new(&columns, &[]);
    council.deliver(&rows);
    let of = |columns: &[&str]| {
        let codes = "codes = [\"v0\", \"v1\"]";
        let dimensions: String = columns.iter().map(|column| dimension(column, codes)).collect();
        RULES.to_owned() + "method = \"cell-key\"\n" + &dimensions + &table("t", columns)
    };
    council.define("four", &of(&columns));
    let ran = council.run();
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("use fewer dimensions, levels or groupings"), "{}", ran.text);
    council.define("three", &of(&columns[..3]));
    let ran = council.aggregate();
    assert_eq!(ran.exit, 0, "{}", ran.text);
}
