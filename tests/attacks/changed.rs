//! Releases about other children, of which the data have changed in between: a night's delivery is no way round.

use crate::council::{RULES, Row, Small, children, dimension, table};

/// Pupils by ward and sex; two of W0 are recorded as neither. So many more come to W1.
fn pupils(more: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (ward, counts) in [("W0", [40, 38, 2]), ("W1", [35, 30, 7]), ("W2", [20, 25, 9])] {
        for (sex, count) in ["F", "M", "U"].into_iter().zip(counts) {
            rows.extend(children(count, &[ward, sex]));
        }
    }
    rows.extend(children(more, &["W1", "F"]));
    rows.extend(children(more, &["W1", "M"]));
    rows
}

fn by_ward(chosen: &str) -> String {
    let wards = "codes = [\"W0\", \"W1\", \"W2\"]";
    RULES.to_owned() + chosen + &dimension("ward", wards) + &table("t", &["ward"])
}

fn of_sex(sex: &str) -> String {
    by_ward(&format!("where = [{{ column = \"sex\", in = [\"{sex}\"] }}]\n"))
}

#[test]
fn everyone_girls_and_boys_do_not_tell_of_the_others_after_a_change_of_the_data() {
    for more in [0, 1, 6] {
        let council = Small::new(&["ward", "sex"], &[]);
        council.deliver(&pupils(0));
        council.define("all", &by_ward(""));
        assert_eq!(council.run().exit, 0);
        council.deliver(&pupils(more));
        council.define("girls", &of_sex("F"));
        let girls = council.run();
        assert_eq!(girls.exit, 0, "{more}: {}", girls.text);
        // 80 of W0, 40 girls and 38 boys.
        council.define("boys", &of_sex("M"));
        let boys = council.aggregate();
        assert_eq!(boys.exit, 4, "{more}: {}", boys.text);
        assert!(boys.text.contains("small-numbers-apart"), "{more}: {}", boys.text);
    }
}

#[test]
fn a_category_that_is_new_does_not_keep_releases_from_being_attacked_together() {
    let council = Small::new(&["ward", "sex"], &[]);
    council.deliver(&pupils(0));
    // The categories are those in the data: a new ward is one more.
    let by_ward =
        |chosen: &str| RULES.to_owned() + chosen + &dimension("ward", "") + &table("t", &["ward"]);
    council.define("all", &by_ward(""));
    assert_eq!(council.run().exit, 0);
    let mut rows = pupils(0);
    rows.extend(children(9, &["W3", "F"]));
    rows.extend(children(9, &["W3", "M"]));
    council.deliver(&rows);
    council.define("girls", &by_ward("where = [{ column = \"sex\", in = [\"F\"] }]\n"));
    let girls = council.run();
    assert_eq!(girls.exit, 0, "{}", girls.text);
    council.define("boys", &by_ward("where = [{ column = \"sex\", in = [\"M\"] }]\n"));
    let boys = council.aggregate();
    assert_eq!(boys.exit, 4, "{}", boys.text);
    assert!(boys.text.contains("small-numbers-apart"), "{}", boys.text);
}

#[test]
fn another_period_of_nearly_the_same_children_is_no_way_round_either() {
    for more in [0, 1] {
        let council = Small::new(&["ward", "sex"], &[]);
        council.deliver(&pupils(0));
        council.define("all", &by_ward(""));
        assert_eq!(council.run().exit, 0);
        council.period("2024-25-spring");
        council.deliver(&pupils(more));
        council.define("girls", &of_sex("F"));
        let girls = council.run();
        assert_eq!(girls.exit, 0, "{more}: {}", girls.text);
        council.define("boys", &of_sex("M"));
        let boys = council.aggregate();
        assert_eq!(boys.exit, 4, "{more}: {}", boys.text);
        let told = |beside: &str| boys.text.contains(beside);
        assert!(told("all of 2024-25") && told("girls of 2024-25-spring"), "{}", boys.text);
    }
}

#[test]
fn all_but_a_few_of_another_period_are_not_shown() {
    let council = Small::new(&["ward", "sex"], &[]);
    council.deliver(&pupils(0));
    council.define("all", &by_ward(""));
    assert_eq!(council.run().exit, 0);
    council.period("2024-25-spring");
    council.deliver(&pupils(0));
    // All but two of the 80 of W0.
    council.define("known", &by_ward("where = [{ column = \"sex\", in = [\"F\", \"M\"] }]\n"));
    let known = council.run();
    assert_eq!(known.exit, 4, "{}", known.text);
    assert!(council.released("known", "2024-25-spring", "t").is_none());
}
