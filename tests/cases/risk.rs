//! The risk of the pseudonymised rows: what is reported is what a plain count of the delivered rows says, and data that break a
//! bound stop a run before anything is drafted or let out.

use std::{collections::BTreeMap, fs};

use minster_tests::deliveries::{
    Child, Council, Dimension, episodes_903, header_903, header_903_row, pupils,
};
use serde_json::Value;

use crate::CENSUS;

const POLICY: &str = r#"
[[quasi_identifier]]
column = "sex"
[[quasi_identifier]]
column = "birth_year"
coarser = [{ bands = 2 }]
[[quasi_identifier]]
column = "ethnicity"
coarser = [{ lookup = "ethnic_groups" }]
[[sensitive]]
column = "school"
"#;

/// Some children of few groups; one is born in a year of their own, and of some the school told no ethnicity.
fn children() -> Vec<Child> {
    let child = |place: u32| {
        let ethnicity = match place {
            1..=2 => "AIND",
            3..=32 => "BCRB",
            33..=35 => "",
            36..=55 => "BAFR",
            _ => "WBRI",
        };
        let born = if place == 90 { "2001-05-04".to_owned() } else { Child::at(place).born };
        Child { ethnicity: ethnicity.to_owned(), born, ..Child::at(place) }
    };
    (1..=120).map(child).collect()
}

fn council(more: &[&str]) -> Council {
    let council = Council::new(&[&[CENSUS], more].concat());
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils(children()));
    fs::write(council.path("ethnic_groups.csv"), "code,group\nBCRB,Black\nBAFR,Black\n").unwrap();
    change_pipeline(&council, "[lookups]\n", "[lookups]\nethnic_groups = \"ethnic_groups.csv\"\n");
    change_pipeline(&council, "on_failure", "risk = \"risk.toml\"\non_failure");
    fs::write(council.path("risk.toml"), POLICY).unwrap();
    council
}

fn change_pipeline(council: &Council, from: &str, to: &str) {
    council.change("../pipeline.toml", |text| text.replacen(from, to, 1));
}

/// The sizes of classes, by a plain count.
fn classes(by: impl Fn(&Child) -> Vec<String>) -> Vec<u64> {
    let mut classes: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    children().iter().for_each(|child| *classes.entry(by(child)).or_default() += 1);
    classes.into_values().collect()
}

fn below(classes: &[u64], bound: u64) -> u64 {
    classes.iter().filter(|&&size| size < bound).sum()
}

fn year(child: &Child) -> u32 {
    child.born[..4].parse().unwrap()
}

fn measured(council: &Council, more: &[&str]) -> Value {
    let ran = council.program("minster", &[&["risk", "--json"], more].concat());
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran.summary
}

#[test]
fn the_report_says_what_a_plain_count_says() {
    let council = council(&[]);
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let exact = measured(&council, &["--exact"]);
    let sex = |child: &Child| child.sex.clone();
    let whole = classes(|of| vec![sex(of), year(of).to_string(), of.ethnicity.clone()]);
    let shown = &exact["whole"];
    assert_eq!(shown["children"], 120);
    assert_eq!(shown["classes"], whole.len());
    assert_eq!(shown["smallest_class"], *whole.iter().min().unwrap());
    for (key, bound) in [("unique", 2), ("below_3", 3), ("below_5", 5), ("below_10", 10)] {
        assert_eq!(shown[key]["children"], below(&whole, bound), "{key}");
    }
    assert!(below(&whole, 2) > 0 && below(&whole, 5) > below(&whole, 3), "{whole:?}");
    let without = |column: &str| {
        let of = exact["quasi_identifiers"].as_array().unwrap().iter();
        of.clone().find(|of| of["column"] == column).unwrap().clone()
    };
    let by_two = classes(|of| vec![sex(of), of.ethnicity.clone()]);
    assert_eq!(without("birth_year")["without"]["children"], below(&by_two, 2));
    assert_eq!(without("birth_year")["alone"]["children"], 1);
    assert_eq!(without("ethnicity")["blank"]["children"], 3);
    let effect = |treatment: &str| {
        let of = exact["coarser"].as_array().unwrap().iter();
        of.clone().find(|of| of["treatment"] == treatment).unwrap().clone()
    };
    let bands = classes(|of| vec![sex(of), (year(of) / 2).to_string(), of.ethnicity.clone()]);
    assert_eq!(effect("in bands of 2")["unique"]["children"], below(&bands, 2));
    let grouped = classes(|of| {
        let is_black = ["BCRB", "BAFR"].contains(&of.ethnicity.as_str());
        let group = if is_black { "Black" } else { &of.ethnicity };
        vec![sex(of), year(of).to_string(), group.to_owned()]
    });
    assert_eq!(effect("by the look-up ethnic_groups")["below_5"]["children"], below(&grouped, 5));
    assert_ne!(below(&grouped, 5), below(&whole, 5));

    // Without `--exact` no small count is in it, and no percentage tells one.
    let coarse = measured(&council, &[]);
    fn counts(value: &Value, found: &mut Vec<u64>) {
        match value {
            Value::Object(of) => of.iter().for_each(|(key, value)| match key.as_str() {
                "children" | "classes" if value.is_u64() => found.push(value.as_u64().unwrap()),
                _ => counts(value, found),
            }),
            Value::Array(of) => of.iter().for_each(|value| counts(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    counts(&coarse, &mut found);
    assert!(found.len() > 20 && found.iter().all(|count| count % 5 == 0), "{found:?}");
    assert_eq!(coarse["whole"]["smallest_class"], Value::Null);
    let unique = &coarse["whole"]["unique"];
    let percent = 100.0 * unique["children"].as_u64().unwrap() as f64 / 120.0;
    assert!((unique["percent"].as_f64().unwrap() - percent).abs() <= 0.05, "{unique}");

    // Each report is a look, whatever its policy: the run ledger has it.
    let runs = council.program("minster", &["runs", "list", "--json", "--most", "9"]).summary;
    let looks = runs["runs"].as_array().unwrap().iter();
    assert_eq!(looks.filter(|of| of["program"] == "minster-preview").count(), 2, "{runs}");
    let text = council.program("minster", &["risk"]).text;
    let (advice, table) = (text.find("what to do first").unwrap(), text.find("classes\n").unwrap());
    assert!(advice < table, "{text}");
    let page = council.site.path("risk.html");
    let ran = council.program("minster", &["risk", "--html", &page]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("What to do first") && page.contains("by the look-up ethnic_groups"));
}

#[test]
fn data_that_break_a_bound_are_not_drafted_and_no_draft_is_let_out() {
    let council = council(&[]);
    council.release(&[Dimension::of("sex", "sex")]);
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let draft = council.path("store/drafts");
    assert!(draft.exists());
    let bound = |bounds: &str| {
        fs::write(council.path("risk.toml"), format!("{POLICY}\n{bounds}")).unwrap();
    };
    bound("[bounds]\nunique_percent = 0.1\nsmallest_class = 2\n");
    for command in [&["run"][..], &["aggregate"], &["release", "small"], &["release", "--all"]] {
        let ran = council.program("minster", command);
        assert_eq!(ran.exit, 4, "{}", ran.text);
        for told in ["unique_percent = 0.1", "smallest_class = 2"] {
            assert!(ran.text.contains(told), "{}", ran.text);
        }
        // Beside a run stands the record of its ingestion.
        let runs = council.program("minster", &["runs", "list", "--json", "--most", "2"]).summary;
        let records = runs["runs"].as_array().unwrap().iter();
        let record = records.clone().find(|of| of["program"] != "minster-ingest").unwrap();
        let last = record["stages"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["name"], &last["progress"]), (&"risk".into(), &"refused".into()));
        assert!(last["why"].as_str().unwrap().contains("unique_percent = 0.1"), "{last}");
        assert_eq!(record["exit"], 4);
    }
    assert!(!council.path("store/releases/small").exists());
    // The report says what would keep the bounds; it stops nothing itself.
    let report = measured(&council, &[]);
    assert_eq!(report["broken"].as_array().unwrap().len(), 2);
    let first = report["advice"][0].as_str().unwrap();
    assert!(first.starts_with("These treatments together keep the bounds"), "{first}");
    // A column's own bound stops it too: each class of one child has one school.
    bound("");
    let text = POLICY.replace("column = \"school\"", "column = \"school\"\ndistinct_l = 2");
    fs::write(council.path("risk.toml"), text).unwrap();
    let ran = council.program("minster", &["aggregate"]);
    assert_eq!(ran.exit, 4, "{}", ran.text);
    assert!(ran.text.contains("distinct_l = 2 of school"), "{}", ran.text);
    // Within bounds the same data are let out, and the record says that they were measured.
    bound("[bounds]\nunique_percent = 90\n");
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert!(council.path("store/releases/small").exists());
}

#[test]
fn of_several_events_the_declared_one_stands_for_the_child() {
    let council = council(&["ssda903"]);
    let of = |place: u32| format!("N{place:03}");
    let rows: Vec<String> = (1..=40).map(|at| header_903_row(&of(at), &Child::at(at))).collect();
    council.deliver("ssda903", "header.csv", header_903(&rows));
    let mut episodes = episodes_903(&(1..=40).map(of).collect::<Vec<_>>());
    // The first ten were in a children's home before.
    for at in 1..=10 {
        let number = of(at);
        episodes += &format!("{number},03/06/2024,S,V2,N4,K2,PR2,18/02/2025,E3,,,,\r\n");
    }
    council.deliver("ssda903", "episodes.csv", episodes);
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let policy = |take: &str| {
        let text = format!(
            "[rows]\ntable = \"care_episodes\"\ntake = \"{take}\"\nby = \"date\"\n[[quasi_identifier]]\ncolumn = \"kind\"\n"
        );
        fs::write(council.path("risk.toml"), text).unwrap();
        let report = measured(&council, &["--exact"]);
        let sizes = report["whole"]["by_size"].as_array().unwrap();
        let sizes: Vec<u64> =
            sizes.iter().map(|of| of["children"]["children"].as_u64().unwrap()).collect();
        (report["whole"]["children"].as_u64().unwrap(), sizes, report["unit"].clone())
    };
    let (children, sizes, unit) = policy("latest");
    assert_eq!((children, sizes), (40, vec![40]));
    assert_eq!(unit, "the latest event of each child, by date");
    let (children, sizes, _) = policy("first");
    assert_eq!((children, sizes), (40, vec![10, 30]));
}

#[test]
fn a_faulty_policy_is_told_where_and_what_to_do() {
    let council = council(&[]);
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let cases = [
        (
            POLICY.replace("\"sex\"", "\"gender\""),
            "the table children has no column gender; it has",
        ),
        (
            POLICY.replace("bands = 2", "lookup = \"decades\""),
            "there is no look-up decades under [lookups]",
        ),
        (
            POLICY
                .replace("coarser = [{ lookup = \"ethnic_groups\" }]", "coarser = [{ bands = 2 }]"),
            "ethnicity has no whole numbers",
        ),
        (
            POLICY.replace("column = \"school\"", "column = \"school\"\norder = [\"S101\"]"),
            "values of school are not in its `order`",
        ),
        (POLICY.replace("column = \"school\"", "column = \"child\""), "child is a pseudonym"),
        (
            format!(
                "[rows]\ntable = \"exclusion_event\"\ntake = \"first\"\nby = \"date\"\n{POLICY}"
            ),
            "there is no table exclusion_event; there are",
        ),
    ];
    for (policy, told) in cases {
        fs::write(council.path("risk.toml"), policy).unwrap();
        let ran = council.program("minster", &["risk"]);
        assert_eq!(ran.exit, 2, "{}", ran.text);
        assert!(ran.text.contains(told), "{told}: {}", ran.text);
    }
    change_pipeline(&council, "risk = \"risk.toml\"\n", "");
    let ran = council.program("minster", &["risk"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("--policy"), "{}", ran.text);
}
