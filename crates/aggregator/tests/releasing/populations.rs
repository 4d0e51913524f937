//! Releases about different children, one after the other.

use super::*;

/// A release of one table over children chosen by a condition, if there is one.
fn chosen(name: &str, condition: &str, dimensions: &str) -> String {
    let conditions = match condition {
        "" => String::new(),
        condition => format!("\nwhere = [{{ {condition} }}]"),
    };
    let population = format!("population = \"spine\"{conditions}");
    HEAD.replacen("name = \"r\"", &format!("name = \"{name}\""), 1).replacen(
        "population = \"spine\"",
        &population,
        1,
    ) + &format!("[[table]]\nname = \"t\"\ndimensions = [{dimensions}]\n")
}

fn refusal(site: &Site, definition: &str) -> String {
    match site.release(definition) {
        Err(AggregateError::Refused(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_release_about_some_children_keeps_what_one_about_all_shows() {
    let site = Site::new();
    site.rows(&chosen("everyone", "", "\"ward\""));
    // By ward both show all, so that nothing else of either follows from the two.
    let some = chosen("some", "column = \"school\", in = [\"a\"]", "\"ward\", \"sex\"");
    let rows = site.rows(&some);
    assert_eq!(cell(&rows, &[("ward", "w3"), ("sex", "all")])["children"], "12");
    assert_eq!(cell(&rows, &[("ward", "w3"), ("sex", "M")])["status"], "c");
    assert_eq!(cell(&rows, &[("ward", "w3"), ("sex", "F")])["status"], "c");
    let wards: Vec<_> = rows.iter().filter(|row| row["sex"] == "all").collect();
    assert!(wards.iter().all(|row| row["status"] != "c"), "{wards:?}");

    // Four children of the third ward missed nothing.
    let few = refusal(&site, &chosen("few", "column = \"missed\", at-least = 5", "\"ward\""));
    assert!(few.contains("small numbers of children whom one of them counts"), "{few}");
    assert!(few.contains("everyone of 2024-25") && few.contains("divide by missed"), "{few}");
    // Three children of the third ward are boys, which is not shown, and so the girls are not all there are.
    let hiding = refusal(&site, &chosen("boys", "column = \"sex\", in = [\"M\"]", "\"ward\""));
    assert!(hiding.contains("this one would have to show every number by ward"), "{hiding}");
}

#[test]
fn a_release_about_all_children_is_refused_beside_one_that_hides_what_it_shows() {
    let site = Site::new();
    site.rows(&chosen("boys", "column = \"sex\", in = [\"M\"]", "\"ward\""));
    let all = refusal(&site, &chosen("everyone", "", "\"ward\""));
    assert!(all.contains("the release boys of 2024-25 would have to show"), "{all}");
    // With nothing in common but the total, nothing more is told.
    site.rows(&chosen("everyone", "", "\"sex\"").replace("\"sex\"]", "\"school\"]").replacen(
        "[[table]]",
        "[[dimension]]\nname = \"school\"\ncolumn = \"school\"\ntotal = \"all\"\ncodes = [\"a\", \"b\"]\n\n[[table]]",
        1,
    ));
}

#[test]
fn releases_that_choose_by_other_columns_stand_beside_each_other() {
    let site = Site::new();
    site.rows(&chosen("boys", "column = \"sex\", in = [\"M\"]", "\"ward\""));
    // No girl need be of the other school: who is a boy says nothing of who is of it.
    site.rows(&chosen("some", "column = \"school\", in = [\"a\"]", "\"ward\""));
    // But boys and girls are everyone.
    let girls = refusal(&site, &chosen("girls", "column = \"sex\", in = [\"F\"]", "\"ward\""));
    assert!(girls.contains("the release boys of 2024-25 would have to show"), "{girls}");
}

/// A dimension of areas, to show how often children were excluded in each.
const AREA: &str = r#"
[[dimension]]
name = "area"
column = "area"
total = "all"
codes = ["inland", "coast"]
"#;

/// The same release with the exclusions of each number.
fn excluded(definition: &str) -> String {
    format!("{definition}measure = [{{ name = \"excluded\", sum = \"excluded\" }}]\n")
}

fn by_area(name: &str, condition: &str) -> String {
    chosen(name, condition, "\"area\"").replacen("[[table]]", &format!("{AREA}\n[[table]]"), 1)
}

#[test]
fn a_sum_that_few_make_does_not_follow_from_two_releases() {
    let site = Site::new();
    let rows = site.rows(&excluded(&by_area("everyone", "")));
    assert_eq!(cell(&rows, &[("area", "coast")])["excluded"], "8");
    let boys = by_area("boys", "column = \"sex\", in = [\"M\"]");
    // Twenty girls live at the coast, and two of them were excluded.
    let why = refusal(&site, &excluded(&boys));
    assert!(
        why.starts_with("the sums of excluded: beside the release everyone of 2024-25"),
        "{why}"
    );
    assert!(why.contains("or leave that measure out"), "{why}");
    assert_eq!(cell(&site.rows(&boys), &[("area", "coast")])["children"], "54");
}

#[test]
fn nor_from_more_of_which_no_two_are_close() {
    let by_school = |name: &str, condition: &str| {
        let school = AREA.replace("area", "school").replace("inland", "a").replace("coast", "b");
        let school = format!("{school}\n[[table]]");
        let definition = chosen(name, condition, "\"school\"").replacen("[[table]]", &school, 1);
        excluded(&definition)
    };
    let of_ward = |ward: &str| by_school(ward, &format!("column = \"ward\", in = [\"{ward}\"]"));
    let site = Site::new();
    site.rows(&by_school("everyone", ""));
    site.rows(&of_ward("w1"));
    site.rows(&of_ward("w2"));
    // 22 in all, of which 6, 5 and 8 leave three for the third ward.
    let why = refusal(&site, &of_ward("w4"));
    assert!(why.contains("w1 of 2024-25 and w2 of 2024-25"), "{why}");
    let counts = of_ward("w4");
    site.rows(&counts[..counts.find("measure").unwrap()]);
}

#[test]
fn sums_are_shown_by_all_that_is_shared() {
    let site = Site::new();
    let rows = site.rows(&excluded(&chosen("everyone", "", "\"ward\"")));
    assert_eq!(cell(&rows, &[("ward", "w3")])["excluded_status"], "c");
    let some = chosen("some", "column = \"school\", in = [\"a\"]", "\"ward\"");
    let why = refusal(&site, &excluded(&some));
    assert!(why.contains("this one would have to show every number by ward"), "{why}");
    assert!(why.starts_with("the sums of excluded"), "{why}");
    // Only this school excludes: the two would tell of those whom it does not, whatever is summed.
    let missed = format!("{some}measure = [{{ name = \"missed\", sum = \"missed\" }}]\n");
    let why = refusal(&site, &missed);
    assert!(why.contains("excluded there and school here tell of each other"), "{why}");
}

#[test]
fn that_everyone_of_a_group_is_chosen_is_not_shown_where_it_is_sensitive() {
    // All who live at the coast live in the fourth ward.
    let condition = "column = \"ward\", in = [\"w4\"]";
    let site = Site::new();
    site.rows(&by_area("everyone", ""));
    let sensitive = by_area("coast", &format!("{condition}, sensitive = true"));
    let why = refusal(&site, &sensitive);
    assert!(why.contains("everyone of some group meets a condition on ward"), "{why}");
    // Said of the earlier release, it holds as well.
    let other = Site::new();
    other.rows(&sensitive);
    assert!(refusal(&other, &by_area("everyone", "")).contains("condition on ward"));
    // A ward alone is not.
    site.rows(&by_area("coast", condition));
}

#[test]
fn more_conditions_than_a_word_has_bits_are_compared() {
    let site = Site::new();
    let wide = |name: &str, first: usize, more: &str| {
        let conditions =
            (first..first + 40).map(|most| format!("{{ column = \"missed\", below = {most} }}"));
        let conditions = conditions.collect::<Vec<_>>().join(", ") + more;
        chosen(name, "", "\"ward\"").replacen(
            "population = \"spine\"",
            &format!("population = \"spine\"\nwhere = [{conditions}]"),
            1,
        )
    };
    site.rows(&wide("everyone", 1_000, ""));
    // Four children of the third ward missed nothing.
    let few = wide("few", 2_000, ", { column = \"missed\", at-least = 5 }");
    let refused = refusal(&site, &few);
    assert!(refused.contains("about other children"), "{refused}");
    let site = Site::new();
    site.rows(&wide("everyone", 1_000, ""));
    let some = wide("some", 2_000, ", { column = \"school\", in = [\"a\"] }");
    let rows = site.rows(&some);
    assert!(rows.iter().all(|row| row["status"] != "c"), "{rows:?}");
}
