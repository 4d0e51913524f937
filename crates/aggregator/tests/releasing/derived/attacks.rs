//! Attacks on derived columns and on releases that stand beside them.

use super::*;

fn sex() -> String {
    dimension("sex", "codes = [\"F\", \"M\"]")
}

/// A release whose children a condition chooses.
fn chosen(name: &str, condition: &str, more: &str) -> String {
    let population = "population = \"spine\"";
    definition(name, more)
        .replace(population, &format!("{population}\nwhere = [{{ {condition} }}]"))
}

const BY_LOCALITY: &str = "[[column]]\nname = \"place\"\nis = { recode = { of = \"ward\", lookup = \"locality\" } }\n\
    [[dimension]]\nname = \"place\"\ncolumn = \"place\"\ntotal = \"all\"\n\
    [[table]]\nname = \"t\"\ndimensions = [\"place\"]\n";

#[test]
fn beside_a_release_whose_look_up_is_no_more_nothing_is_let_out() {
    let level = "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n";
    let with_level = definition("all", level).replacen("total", "lookup = \"locality\"\ntotal", 1);
    for all in [definition("all", BY_LOCALITY), with_level] {
        let site = with_events(vec![], &[]);
        site.release(&all).unwrap();
        let girls = chosen("girls", "column = \"sex\", in = [\"F\"]", level);
        let mut lookups = site.lookups.clone();
        let locality = lookups.remove("locality").unwrap();
        lookups.insert("localities".to_owned(), locality);
        let site = Site { lookups, ..site };
        let why = refused(&site, &girls);
        let says = "the release all of 2024-25 was let out, and cannot be counted again";
        assert!(why.contains(says), "{why}");
        assert!(why.contains("no look-up locality under [lookups]"), "{why}");
    }
}

#[test]
fn a_month_of_a_date_and_children_chosen_by_the_date_tell_of_the_days_between() {
    let began = by_ward(|_, child| Some(if child < 2 { "2024-09-01" } else { "2024-09-20" }));
    let site = with_events(vec![("began", dates(began))], &[]);
    let month = "[[column]]\nname = \"month\"\nis = { part = { of = \"began\", by = \"month\" } }\n"
        .to_owned()
        + &dimension("month", "unknown = \"none\"")
        + "[[table]]\nname = \"t\"\ndimensions = [\"month\"]\n";
    site.release(&definition("a", &month)).unwrap();
    let by_sex = sex() + "[[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n";
    let late =
        chosen("b", "column = \"began\", from = \"2024-09-03\", until = \"2024-12-31\"", &by_sex);
    let why = refused(&site, &late);
    assert!(why.contains("month there and began here tell of each other"), "{why}");
}

#[test]
fn areas_of_zones_and_children_chosen_by_the_zone_tell_of_each_other() {
    let zones = by_ward(|_, child| ["a", "b", "c", "d"][child % 4]);
    let site = with_events(vec![("zone", Arc::new(StringViewArray::from(zones)))], &[]);
    let areas = "[[column]]\nname = \"place\"\nis = { recode = { of = \"zone\", groups = { north = [\"a\", \"b\"], south = [\"c\", \"d\"] } } }\n"
        .to_owned()
        + &dimension("place", "")
        + "[[table]]\nname = \"t\"\ndimensions = [\"place\"]\n";
    site.release(&definition("a", &areas)).unwrap();
    let by_sex = sex() + "[[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n";
    let why = refused(&site, &chosen("b", "column = \"zone\", in = [\"a\", \"c\"]", &by_sex));
    assert!(why.contains("place there and zone here tell of each other"), "{why}");
}

/// The children of whom a column of the dataset counts all visits, and a derived one those at home.
fn counted_twice(name: &str) -> Site {
    let mut all: Vec<(usize, &str, &str)> =
        (0..12).map(|child| (child, "2024-09-10", "home")).collect();
    all.push((13, "2024-09-10", "school"));
    all.extend((60..200).map(|child| (child, "2024-09-10", "home")));
    all.extend((60..200).step_by(2).map(|child| (child, "2024-10-01", "school")));
    let mut stored = vec![0i64; 200];
    // The dataset counts the visits of the period: not that of one more child, before it.
    all.iter().for_each(|(child, _, _)| stored[*child] += 1);
    all.push((20, "2023-09-10", "school"));
    with_events(vec![(name, Arc::new(Int64Array::from(stored)))], &all)
}

#[test]
fn a_count_of_the_dataset_beside_a_derived_count_of_the_same_events_does_not_tell_the_rest() {
    for both_first in [true, false] {
        let site = counted_twice("visits");
        if both_first {
            let both = [HOMES, &measured(&["visits", "homes"])].concat();
            let (rows, _) = released(&site, &definition("r", &both), 0);
            let of = |column: &str| number(&rows, &[("ward", "w1")], column);
            assert_eq!(of("visits").zip(of("homes")), None, "{rows:?}");
            continue;
        }
        // One after the other, in either order.
        for derived_first in [true, false] {
            let site = counted_twice("visits");
            let mut both = [[HOMES, &measured(&["homes"])].concat(), measured(&["visits"])];
            if !derived_first {
                both.reverse();
            }
            let (rows, _) = released(&site, &definition("r", &both[0]), 0);
            let first = if derived_first { "homes" } else { "visits" };
            assert!(number(&rows, &[("ward", "w1")], first).is_some());
            let why = refused(&site, &definition("s", &both[1]));
            assert!(why.contains("tell each other") && why.contains("homes"), "{why}");
        }
    }
}

#[test]
fn a_count_of_the_dataset_that_has_some_of_the_same_events_is_refused_beside_a_derived_one() {
    let all: Vec<(usize, &str, &str)> = (0..200)
        .flat_map(|child| [(child, "2024-09-10", if child % 2 == 0 { "home" } else { "school" })])
        .collect();
    let stored: Vec<i64> = (0..200).map(|child| i64::from(child % 3 == 0)).collect();
    let site = with_events(vec![("visits", Arc::new(Int64Array::from(stored)))], &all);
    let why = refused(&site, &definition("r", &[HOMES, &measured(&["visits", "homes"])].concat()));
    assert!(why.contains("visits of the integrated dataset and the derived homes"), "{why}");
}

#[test]
fn the_median_of_a_column_of_zeros_and_ones_is_refused() {
    let site = with_events(vec![], &[]);
    for is in [
        "ratio = { of = \"missed\", per = \"missed\", at-least = 20 }",
        "any = [\"missed\"]",
        "greatest = [\"flag\"]",
        "add = { of = [\"flag\"] }",
    ] {
        let columns = format!(
            "[[column]]\nname = \"flag\"\nis = {{ any = [\"excluded\"] }}\n[[column]]\nname = \"x\"\nis = {{ {is} }}\n"
        );
        let median = "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n[[table.measure]]\nname = \"x\"\nmedian = \"x\"\n";
        let what = wrong(&site, &definition("r", &(columns + median)));
        assert!(what.contains("x is 0 or 1, and its median"), "{is}: {what}");
    }
}

#[test]
fn a_row_of_unknown_values_is_left_out_only_where_insiders_are_considered_or_zeros_shown() {
    let site = with_events(vec![], &[]);
    let unknown = dimension("sex", "codes = [\"F\", \"M\"]\nunknown_if_any = true")
        + "[[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n";
    let with = |rules: &str| {
        definition("r", &unknown).replace("population", &format!("{rules}\npopulation"))
    };
    let what = wrong(&site, &with("insider = 0"));
    assert!(what.contains("take `insider` 1 or more, or leave `unknown_if_any` out"), "{what}");
    site.draft(&with("insider = 1")).unwrap();
    site.draft(&with("insider = 0").replace("may-be-withheld", "published")).unwrap();
}

#[test]
fn each_code_that_no_row_has_is_told() {
    let all: Vec<(usize, &str, &str)> =
        (0..200).map(|child| (child, "2024-09-10", "home")).collect();
    let site = with_events(vec![], &all);
    let columns = "[[column]]\nname = \"homes\"\nis = { count = { events = \"visits\", where = [{ column = \"kind\", in = [\"home\", \"hme\"] }] } }\n\
        [[column]]\nname = \"others\"\nis = { event = { events = \"visits\", of = \"date\", which = \"least\", where = [{ column = \"kind\", not-in = [\"scool\"] }] } }\n\
        [[column]]\nname = \"group\"\nis = { recode = { of = \"area\", groups = { sea = [\"coast\", \"cost\"] }, other = \"land\" } }\n"
        .to_owned() + &dimension("group", "");
    let tables = "[[table]]\nname = \"g\"\ndimensions = [\"group\"]\n";
    let (_, notes) =
        released(&site, &definition("r", &[&columns, tables, &measured(&["homes"])].concat()), 0);
    let told: Vec<&String> = notes.iter().filter(|note| note.contains("has the ")).collect();
    assert_eq!(
        told,
        [
            "the column homes: no row of visits has the kind hme",
            "the column others: no row of visits has the kind scool",
            "the column group: no child has the area cost",
        ]
    );
}

#[test]
fn a_text_does_not_say_that_something_is_there() {
    let site = with_events(vec![], &[]);
    for is in [
        "any = [\"area\", \"missed\"]",
        "combination = { of = [{ name = \"A\", column = \"area\" }], none = \"none\" }",
    ] {
        let column = format!("[[column]]\nname = \"x\"\nis = {{ {is} }}\n");
        let table = "[[table]]\nname = \"t\"\ndimensions = [\"x\"]\n";
        let what = wrong(&site, &definition("r", &[&column, &dimension("x", ""), table].concat()));
        assert!(what.contains("area holds texts, of which each would count as there"), "{what}");
    }
}

#[test]
fn shared_columns_of_two_codes_do_not_get_one_name() {
    let text = "[[column]]\nname = \"other\"\nis = { any = [\"missed\"] }\n\
        [[column]]\nname = \"x\"\nis = { count = { events = \"visits\" } }\neach = { column = \"kind\", in = [\"A-1\", \"A 1\"] }\n";
    let error = SharedColumns::parse(text, std::path::Path::new("columns.toml")).unwrap_err();
    assert_eq!(error.to_string(), "line 4: two columns are named x_a_1");
}

#[test]
fn values_of_few_children_are_not_told_where_a_recoded_column_matches_nothing() {
    let kinds = by_ward(|ward, child| if ward == "w1" && child == 0 { "wx" } else { "wy" });
    let site = with_events(vec![("group", Arc::new(StringViewArray::from(kinds)))], &[]);
    let column = "[[column]]\nname = \"x\"\nis = { recode = { of = \"group\", groups = { a = [\"wz\"] } } }\n";
    let table = "[[table]]\nname = \"t\"\ndimensions = [\"x\"]\n";
    let what = wrong(&site, &definition("r", &[column, &dimension("x", ""), table].concat()));
    assert!(what.contains("no child has any of these values"), "{what}");
    assert!(what.contains("wy") && !what.contains("wx"), "{what}");
}

#[test]
fn beside_a_count_that_cannot_be_made_again_sums_are_refused_by_the_release_that_stands() {
    let all: Vec<(usize, &str, &str)> =
        (0..200).map(|child| (child, "2024-09-10", "home")).collect();
    let site = with_events(vec![], &all);
    site.release(&definition("r", &[HOMES, &measured(&["homes"])].concat())).unwrap();
    // The next delivery has no column of kinds.
    let batch = events(&all);
    let keep: Vec<usize> =
        (0..batch.num_columns()).filter(|at| batch.schema().field(*at).name() != "kind").collect();
    site.link_with(children_with(vec![]), &[("visits", batch.project(&keep).unwrap())]);
    let why = refused(&site, &definition("s", &[VISITS, &measured(&["visits_made"])].concat()));
    assert!(
        why.contains("the release r of 2024-25 was let out, and cannot be counted again"),
        "{why}"
    );
    assert!(why.contains("visits has no column kind"), "{why}");
}

#[test]
fn a_count_and_a_sum_of_one_table_of_events_do_not_tell_the_rest_one_after_the_other() {
    let site = nearly_all_of_one_kind();
    let (rows, _) = released(&site, &definition("r", &[HOMES, &measured(&["homes"])].concat()), 0);
    assert_eq!(number(&rows, &[("ward", "w1")], "homes"), Some(12));
    // Each row stands for one visit.
    let summed = VISITS.replace("events = \"visits\"", "events = \"visits\", sum = \"number\"");
    assert_ne!(summed, VISITS);
    let why = refused(&site, &definition("s", &(summed + &measured(&["visits_made"]))));
    assert!(why.contains("tell each other") && why.contains("homes"), "{why}");
}

#[test]
fn a_count_of_the_dataset_less_two_derived_counts_is_protected() {
    // Twelve children have a visit at home and one at the school, and one child has one elsewhere.
    let mut all: Vec<(usize, &str, &str)> = Vec::new();
    for child in (0..12).chain(60..200) {
        all.extend([(child, "2024-09-10", "home"), (child, "2024-09-10", "school")]);
    }
    all.push((13, "2024-09-10", "street"));
    all.extend((60..200).map(|child| (child, "2024-09-10", "street")));
    let mut stored = vec![0i64; 200];
    all.iter().for_each(|(child, _, _)| stored[*child] += 1);
    // The dataset counts no visit of another year.
    all.push((20, "2023-09-10", "street"));
    let site = with_events(vec![("visits", Arc::new(Int64Array::from(stored)))], &all);
    let schools = HOMES.replace("home", "school");
    let all = measured(&["visits", "homes", "schools"]);
    match site.release(&definition("r", &[HOMES, &schools, &all].concat())) {
        Err(AggregateError::Refused(_)) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => {
            let rows = read(&site, "r", "t");
            let of = |column: &str| number(&rows, &[("ward", "w1")], column);
            let shown = [of("visits"), of("homes"), of("schools")];
            assert!(shown.contains(&None), "{rows:?}");
        }
    }
}
