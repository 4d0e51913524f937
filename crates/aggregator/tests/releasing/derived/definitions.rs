//! How a definition says its derived columns, and what is told of mistakes.

use super::*;

#[test]
fn a_mistake_in_a_derived_column_is_told_with_its_line_and_the_nearest_name() {
    let site = with_events(vec![], &[(0, "2024-09-10", "home")]);
    let with = |is: &str| {
        let column = format!("[[column]]\nname = \"x\"\nis = {{ {is} }}\n");
        let table = "[[table]]\nname = \"t\"\ndimensions = [\"x\"]\n";
        wrong(
            &site,
            &definition(
                "r",
                &(column + &dimension("x", "bands = [0]\nlabels = [\"any\"]") + table),
            ),
        )
    };
    for (is, says) in [
        (
            "recode = { of = \"wrad\", lookup = \"locality\" }",
            "there is no column wrad; did you mean ward?",
        ),
        (
            "recode = { of = \"ward\", lookup = \"loclity\" }",
            "there is no look-up loclity under [lookups]; did you mean locality?",
        ),
        (
            "recode = { of = \"ward\", groups = { north = [\"w9\"] } }",
            "no child has any of these values",
        ),
        (
            "count = { events = \"visit\" }",
            "there is no table of events visit; did you mean visits?",
        ),
        (
            "count = { events = \"visits\", where = [{ column = \"knd\", in = [\"a\"] }] }",
            "visits has no column knd; did you mean kind?",
        ),
        (
            "count = { events = \"visits\", where = [{ column = \"kind\", from = \"2024-09-01\" }] }",
            "kind holds texts, and dates are needed",
        ),
        ("age = { of = \"ward\", on = \"2025-03-31\" }", "ward holds texts, and dates are needed"),
        ("age = { of = \"missed\", on = \"2025-03-31\" }", "tell the age on 31 December alone"),
        ("any = [\"x\"]", "it is derived from itself"),
        ("days = { from = \"missed\" }", "it needs `until`"),
    ] {
        let what = with(is);
        assert!(what.contains(says), "{is}: {what}");
        let line = what.strip_prefix("line ").and_then(|of| of.split(':').next());
        assert!(matches!(line, Some("9" | "11")), "{what}");
    }
}

#[test]
fn a_measure_for_each_month_may_be_of_shared_columns_and_names_those_that_are_not_there() {
    let path = std::path::Path::new("columns.toml");
    let shared = "[[column]]\nname = \"visits\"\nis = { count = { events = \"visits\" } }\neach = { month = [\"2024-09\", \"2024-10\"] }\n";
    let shared = SharedColumns::parse(shared, path).unwrap();
    let with = |each: &str| {
        let table = format!(
            "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\n[[table.measure]]\nname = \"visits\"\nevents = \"visits\"\neach = [{each}]\n"
        );
        Definition::parse_with(&definition("r", &table), &shared)
    };
    let parsed = with("\"2024-09\", \"2024-10\"").unwrap();
    let names: Vec<String> = parsed.columns.iter().map(|of| of.name.to_string()).collect();
    assert_eq!(names, ["visits_2024_09", "visits_2024_10"]);
    let measured: Vec<String> =
        parsed.tables[0].measures.iter().map(|of| of.name.to_string()).collect();
    assert_eq!(measured, names);
    let what = with("\"2024-11\"").unwrap_err().to_string();
    assert!(what.contains("no column of it ends in 2024-11"), "{what}");
    assert!(what.starts_with("line 12: "), "{what}");
}

#[test]
fn a_definition_takes_the_shared_columns_that_it_uses_and_no_others() {
    let path = std::path::Path::new("columns.toml");
    let text = "[[column]]\nname = \"group\"\nis = { recode = { of = \"area\", groups = { sea = [\"coast\"] }, other = \"land\" } }\n\
        [[column]]\nname = \"unused\"\nis = { any = [\"group\"] }\n";
    let shared = SharedColumns::parse(text, path).unwrap();
    let own = definition(
        "r",
        &(dimension("group", "") + "[[table]]\nname = \"t\"\ndimensions = [\"group\"]\n"),
    );
    let parsed = Definition::parse_with(&own, &shared).unwrap();
    let names: Vec<&str> = parsed.columns.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["group"]);
    let site = Site { columns: shared.clone(), ..with_events(vec![], &[]) };
    let (rows, _) = released(&site, &own, 0);
    assert_eq!(
        ["sea", "land"].map(|of| number(&rows, &[("group", of)], "children")),
        [Some(74), Some(126)]
    );
    let twice = own.clone() + "[[column]]\nname = \"group\"\nis = { any = [\"missed\"] }\n";
    let what = Definition::parse_with(&twice, &shared).unwrap_err().to_string();
    assert!(what.contains("columns.toml derives a column group for all definitions"), "{what}");
    let what = SharedColumns::parse(&text.replace("name = \"unused\"", "name = \"group\""), path)
        .unwrap_err();
    assert_eq!(what.to_string(), "line 4: two columns are named group");
}
