//! Queries, and the definitions that they are; and what is refused, at which place.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_model::policy::Zeros;
use minster_query::{Kind, Place, Rules, Schema, comment, definition};
use proptest::prelude::*;

fn schema() -> Schema {
    let columns =
        |of: &[(&str, Kind)]| of.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    Schema {
        children: columns(&[
            ("child", Kind::Text),
            ("on_spine", Kind::Truth),
            ("ward", Kind::Text),
            ("sex", Kind::Text),
            ("sen", Kind::Text),
            ("kind", Kind::Text),
            ("exclusions", Kind::Number),
            ("sessions", Kind::Number),
            ("sessions_missed", Kind::Number),
            ("first_plan", Kind::Day),
            ("ethnic_group", Kind::Any),
        ]),
        events: vec![
            ("missing_events".to_owned(), columns(&[("date", Kind::Day), ("kind", Kind::Text)])),
            (
                "sessions_by_month".to_owned(),
                columns(&[("date", Kind::Day), ("code", Kind::Text), ("events", Kind::Number)]),
            ),
        ],
        ..Schema::default()
    }
}

fn translated(sql: &str) -> String {
    definition(sql, &"query".parse().unwrap(), &schema()).unwrap_or_else(|error| panic!("{error}"))
}

/// The definition without what each has.
fn said(sql: &str) -> String {
    let text = translated(sql);
    let common = ["name = \"query\"", "zeros =", "total =", "unknown_if_any", "[[table]]"];
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !common.iter().any(|of| line.starts_with(of)));
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_definition_states_the_rules_that_are_asked_for() {
    let rules = Rules {
        threshold: Some(10),
        zeros: Some(Zeros::Unsafe),
        insider: Some(2),
        p_percent: Some(20),
    };
    let strict = Schema { rules, ..schema() };
    let sql = "SELECT sen, COUNT(*) FROM children GROUP BY sen";
    let name = "query".parse().unwrap();
    let text = definition(sql, &name, &strict).unwrap();
    for line in ["zeros = \"unsafe\"", "threshold = 10", "insider = 2", "p_percent = 20"] {
        assert!(text.lines().any(|of| of == line), "{line}: {text}");
    }
    let usual = definition(sql, &name, &schema()).unwrap();
    assert!(usual.contains("zeros = \"may-be-withheld\"\n"), "{usual}");
    assert!(!usual.contains("threshold") && !usual.contains("insider"), "{usual}");
}

#[test]
fn a_query_is_a_definition() {
    let ward = "[[dimension]]; name = \"ward\"; column = \"ward\"";
    let table = "dimensions = [\"ward\"]";
    let cases = [
        ("SELECT ward, COUNT(*) FROM children GROUP BY ward", format!("population = \"all\"; {ward}; {table}")),
        ("select WARD, count(*) as children\nfrom children where ON_SPINE group by 1;", format!("population = \"spine\"; {ward}; {table}")),
        (
            "SELECT ward, COUNT(*), SUM(exclusions) AS all_exclusions FROM children WHERE on_spine IS TRUE AND sen IN ('K', 'E') AND exclusions > 0 AND exclusions <= 9 GROUP BY ward",
            format!(
                "population = \"spine\"; [[where]]; column = \"exclusions\"; at-least = 1; below = 10; [[where]]; column = \"sen\"; in = [\"K\", \"E\"]; {ward}; {table}; \
                 [[table.measure]]; name = \"all_exclusions\"; sum = \"exclusions\""
            ),
        ),
        (
            "SELECT ward, 100 * SUM(sessions_missed) / SUM(sessions) AS rate, SUM(exclusions) / COUNT(*) AS mean FROM children GROUP BY ward",
            format!(
                "population = \"all\"; {ward}; {table}; [[table.measure]]; name = \"rate\"; sum = \"sessions_missed\"; per = \"sessions\"; times = 100.0; \
                 [[table.measure]]; name = \"mean\"; sum = \"exclusions\"; per = \"children\"; times = 1.0"
            ),
        ),
        (
            "SELECT ward, AVG(COALESCE(exclusions, 0)) FROM children WHERE first_plan BETWEEN '2024-04-01' AND DATE '2025-03-31' AND (sex NOT IN ('F') OR sex IS NULL) GROUP BY ward",
            format!(
                "population = \"all\"; [[where]]; column = \"first_plan\"; from = \"2024-04-01\"; until = \"2025-03-31\"; [[where]]; column = \"sex\"; not-in = [\"F\"]; {ward}; {table}; \
                 [[table.measure]]; name = \"mean_exclusions\"; mean = \"exclusions\""
            ),
        ),
        (
            "SELECT CASE WHEN exclusions >= 2 THEN 'two' WHEN exclusions >= 0 THEN 'fewer' ELSE 'none known' END AS times, COUNT(*) FROM children GROUP BY times",
            "population = \"all\"; [[dimension]]; name = \"times\"; column = \"exclusions\"; bands = [0, 2]; labels = [\"fewer\", \"two\"]; unknown = \"none known\"; dimensions = [\"times\"]"
                .to_owned(),
        ),
        (
            "SELECT ward, COUNT(*) AS episodes, COUNT(DISTINCT child) FROM missing_events JOIN children USING (child) WHERE missing_events.kind = 'high' AND date > DATE '2024-08-31' GROUP BY ward",
            format!(
                "population = \"all\"; # Children with such an event.; [[where]]; column = \"missing_events_of_child\"; at-least = 1; \
                 [[column]]; name = \"missing_events_of_child\"; [column.is.count]; events = \"missing_events\"; \
                 where = [{{ column = \"date\", from = \"2024-09-01\" }}, {{ column = \"kind\", in = [\"high\"] }}]; {ward}; {table}; \
                 [[table.measure]]; name = \"episodes\"; events = \"missing_events_of_child\""
            ),
        ),
    ];
    for (sql, expected) in cases {
        assert_eq!(said(sql), expected, "{sql}");
    }
}

#[test]
fn a_grouping_says_which_totals_are_shown() {
    let margins = |by: &str| {
        let text = translated(&format!("SELECT COUNT(*) FROM children GROUP BY {by}"));
        let line = text.lines().find(|line| line.starts_with("margins")).map(str::to_owned);
        line.unwrap_or_else(|| "all".to_owned())
    };
    assert_eq!(margins("ward, sex"), "margins = []");
    assert_eq!(margins("CUBE (ward, sex)"), "all");
    assert_eq!(margins("ROLLUP (ward, sex, sen)"), "margins = [[\"ward\"], [\"ward\", \"sex\"]]");
    assert_eq!(
        margins("GROUPING SETS ((sex), (ward, sex), (), (ward), (sex, ward))"),
        "margins = [[\"sex\"], [\"ward\"]]"
    );
}

#[test]
fn texts_of_a_query_stay_texts() {
    let sql = "SELECT ward, COUNT(*) FROM children WHERE sen IN ('a\"]\n[[table]]', 'it''s') GROUP BY ward";
    let text = translated(sql);
    let parsed: toml::Table = text.parse().unwrap();
    let values = parsed["where"][0]["in"].as_array().unwrap();
    assert_eq!((values[0].as_str(), values[1].as_str()), (Some("a\"]\n[[table]]"), Some("it's")));
    assert_eq!(parsed["table"].as_array().unwrap().len(), 1);
    // A comment that is saved above the definition is one.
    assert!(
        format!("{}{text}", comment(&format!("{sql}\r\u{1b}[2J"))).parse::<toml::Table>().is_ok()
    );
}

#[test]
fn what_no_definition_says_is_refused_at_its_place() {
    let by = "FROM children GROUP BY ward";
    let cases = [
        ("DELETE FROM children", (1, 1), "begins with SELECT"),
        ("WITH a AS (SELECT 1) SELECT 1 FROM a", (1, 1), "no parts with names"),
        ("SELECT * FROM children", (1, 8), "only aggregates come out"),
        ("SELECT DISTINCT ward FROM children", (1, 8), "leave DISTINCT out"),
        ("SELECT ward", (1, 12), "FROM is missing"),
        ("SELECT COUNT(*) FROM children", (1, 8), "add GROUP BY"),
        ("SELECT ward, COUNT(*) FROM children", (1, 8), "GROUP BY does not name it"),
        ("SELECT ward, sex, COUNT(*) FROM children\nGROUP BY ward", (1, 14), "sex is selected"),
        (
            "SELECT ward, COUNT(*) FROM children\nGROUP BY ward\nHAVING COUNT(*) > 5",
            (3, 1),
            "leave HAVING out",
        ),
        (
            "SELECT ward, COUNT(*) FROM children GROUP BY ward ORDER BY 2",
            (1, 51),
            "leave ORDER BY out",
        ),
        ("SELECT ward, COUNT(*) FROM children GROUP BY ward LIMIT 5", (1, 51), "leave LIMIT out"),
        (
            "SELECT ward, COUNT(*) FROM children GROUP BY ward; DROP TABLE children",
            (1, 50),
            "one query is one SELECT",
        ),
        (
            "SELECT ward, COUNT(*) FROM children GROUP BY ward UNION SELECT 1",
            (1, 51),
            "two queries are two tables",
        ),
        (
            "SELECT ward, COUNT(*) FROM (SELECT * FROM children) GROUP BY ward",
            (1, 29),
            "no query stands within a query",
        ),
        (
            "SELECT ward, COUNT(*) FROM kids GROUP BY ward",
            (1, 28),
            "there is no table kids; there are children",
        ),
        (
            "SELECT ward, COUNT(*) FROM children c GROUP BY c.ward",
            (1, 37),
            "is no part of a query here",
        ),
        ("SELECT wards, COUNT(*) FROM children GROUP BY wards", (1, 8), "did you mean ward?"),
        ("SELECT ward AS sen, COUNT(*) FROM children GROUP BY sen", (1, 16), "could mean either"),
        ("SELECT COUNT(*) FROM children GROUP BY nobody", (1, 40), "there is no column nobody"),
        (
            "SELECT child, COUNT(*) FROM children GROUP BY child",
            (1, 8),
            "each child would be a row",
        ),
        (
            "SELECT COUNT(*) FROM children GROUP BY CUBE (sex, children.child)",
            (1, 60),
            "each child would be a row",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE child = 'abc' GROUP BY ward",
            (1, 43),
            "no release is about one child",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen = 'K' OR sex = 'F' GROUP BY ward",
            (1, 53),
            "OR joins no conditions",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen <> 'K' GROUP BY ward",
            (1, 47),
            "OR sen IS NULL",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen NOT IN ('K') GROUP BY ward",
            (1, 47),
            "OR sen IS NULL",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE NOT on_spine GROUP BY ward",
            (1, 43),
            "begins no condition",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE on_spine = FALSE GROUP BY ward",
            (1, 54),
            "or leave it out",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen LIKE 'K%' GROUP BY ward",
            (1, 47),
            "`LIKE` is no condition",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen >= 'K' GROUP BY ward",
            (1, 47),
            "numbers and dates",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen = 3 GROUP BY ward",
            (1, 49),
            "sen has no numbers",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE exclusions = 'x' GROUP BY ward",
            (1, 56),
            "exclusions has no texts",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE exclusions > 9223372036854775807 GROUP BY ward",
            (1, 54),
            "a bound can have",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE exclusions > 1.5 GROUP BY ward",
            (1, 56),
            "1.5 is no whole number",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE first_plan > '2025-02-30' GROUP BY ward",
            (1, 56),
            "is no day",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE sen = 'K' AND sen = 'E' GROUP BY ward",
            (1, 57),
            "write one, with IN",
        ),
        (
            "SELECT ward, COUNT(*) FROM children WHERE ward = UPPER('x') GROUP BY ward",
            (1, 50),
            "a value is expected",
        ),
        ("SELECT ward, COUNT(*) FROM children WHERE ward = 'x", (1, 50), "close what is open"),
        (
            "SELECT exclusions, COUNT(*) FROM children GROUP BY exclusions",
            (1, 8),
            "CASE WHEN exclusions >= 1",
        ),
        (
            "SELECT first_plan, COUNT(*) FROM children GROUP BY first_plan",
            (1, 8),
            "derive its month",
        ),
        (
            "SELECT ward, COUNT(*) FROM children GROUP BY ward, ward",
            (1, 52),
            "divides the table already",
        ),
        (
            "SELECT COUNT(*), ward FROM children GROUP BY 1",
            (1, 46),
            "no column to divide by at place 1",
        ),
        (
            "SELECT CASE WHEN exclusions >= 1 THEN 'a' WHEN exclusions >= 2 THEN 'b' END AS e, COUNT(*) FROM children GROUP BY e",
            (1, 62),
            "never reached",
        ),
        (
            "SELECT CASE WHEN sen = 'K' THEN 'a' END AS e, COUNT(*) FROM children GROUP BY e",
            (1, 18),
            "sen is no number",
        ),
        (
            "SELECT ward, COUNT(*) FROM missing_events JOIN children USING (child) WHERE kind = 'x' GROUP BY ward",
            (1, 77),
            "both tables have a column kind",
        ),
        (
            "SELECT kind, COUNT(*) FROM missing_events GROUP BY kind",
            (1, 8),
            "a table divides children",
        ),
        (
            "SELECT ward, SUM(exclusions) FROM missing_events JOIN children USING (child) GROUP BY ward",
            (1, 18),
            "added up too often",
        ),
        (
            "SELECT ward, COUNT(*) FROM children LEFT JOIN missing_events USING (child) GROUP BY ward",
            (1, 37),
            "need a definition",
        ),
        (
            "SELECT ward, COUNT(*) FROM missing_events JOIN sessions_by_month USING (child) GROUP BY ward",
            (1, 48),
            "join it with the table children",
        ),
        (
            "SELECT ward, COUNT(*) FROM missing_events JOIN children ON 1 = 1 GROUP BY ward",
            (1, 57),
            "USING (child)",
        ),
    ];
    for (sql, (line, column), told) in cases {
        let error = definition(sql, &"query".parse().unwrap(), &schema()).unwrap_err();
        assert_eq!(error.place, Place { line, column }, "{sql}\n{error}");
        assert!(error.to_string().contains(told), "{sql}\n{error}");
        assert!(error.to_string().ends_with('^'), "{error}");
    }
    let selected = [
        ("COUNT(sen)", 20, "leaves blanks out"),
        ("COUNT(DISTINCT sen)", 29, "COUNT(DISTINCT child)"),
        ("SUM(sen)", 18, "sen has no numbers"),
        ("AVG(exclusions)", 18, "AVG(COALESCE(exclusions, 0))"),
        ("AVG(COALESCE(exclusions, 1))", 39, "counts a blank as 0"),
        ("MEDIAN(exclusions)", 14, "`median`"),
        ("MAX(exclusions)", 14, "one child's value"),
        ("RANDOM()", 14, "RANDOM is no aggregate"),
        ("COUNT(*) OVER (PARTITION BY sex)", 23, "no part of a release"),
        ("SUM(sessions_missed) / SUM(sessions)", 14, "a quotient needs a name"),
        ("SUM(sessions_missed) * SUM(sessions) AS a", 14, "no measure of a table"),
        ("COUNT(*) / SUM(sessions) AS a", 14, "no measure of a table"),
        ("SUM(sessions) / SUM(exclusions) / 2 AS a", 46, "divide once"),
        ("0 * SUM(sessions) / COUNT(*) AS a", 14, "no number above 0"),
        ("COUNT(*) AS pupils", 14, "leave AS out"),
        ("SUM(sessions) AS ward", 14, "called ward"),
        ("SUM(sessions) AS \"a b\"", 31, "letters, digits and _"),
        ("SUM(sessions) + 1", 28, "FROM is expected"),
    ];
    for (number, column, told) in selected {
        let sql = format!("SELECT ward, {number} {by}");
        let error = definition(&sql, &"query".parse().unwrap(), &schema()).unwrap_err();
        assert_eq!(error.place, Place { line: 1, column }, "{sql}\n{error}");
        assert!(error.to_string().contains(told), "{sql}\n{error}");
    }
    let long = format!("SELECT ward, COUNT(*) {by}{}", " ".repeat(minster_query::LONGEST));
    let error = definition(&long, &"query".parse().unwrap(), &schema()).unwrap_err();
    assert!(error.to_string().contains("at most 8192 bytes"), "{error}");
}

/// Words and signs of which a query may consist.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "SELECT",
        "ward",
        "sex",
        "child",
        "on_spine",
        "exclusions",
        "first_plan",
        "COUNT(*)",
        "SUM(",
        "AVG(",
        "COALESCE(",
        ")",
        "(",
        ",",
        "FROM",
        "children",
        "missing_events",
        "JOIN",
        "USING (child)",
        "WHERE",
        "AND",
        "OR",
        "IN",
        "NOT",
        "BETWEEN",
        "GROUP BY",
        "CUBE",
        "GROUPING SETS",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        ">=",
        "=",
        "<",
        "'K'",
        "'2025-03-31'",
        "DATE",
        "-",
        "7",
        "1.5",
        "*",
        "/",
        ".",
        ";",
        "AS",
        "\"",
        "'",
        "--",
        "/*",
        "\n",
        "é",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|of| of.join(" "))
}

proptest! {
    #[test]
    fn any_text_is_a_definition_or_is_refused_at_a_place_within_it(sql in prop_oneof![pieces(), any::<String>()]) {
        match definition(&sql, &"query".parse().unwrap(), &schema()) {
            Ok(text) => {
                let parsed: toml::Table = text.parse().unwrap();
                prop_assert_eq!(parsed["table"].as_array().unwrap().len(), 1);
                prop_assert!(!parsed["dimension"].as_array().unwrap().is_empty());
            }
            Err(error) => {
                prop_assert!(error.place.line >= 1 && error.place.line <= 1 + sql.matches('\n').count() as u64);
                prop_assert!(!error.to_string().replace('\n', "").contains(char::is_control), "{error}");
            }
        }
    }
}
