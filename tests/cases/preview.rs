//! Looking before a release: what a preview shows is what a release publishes, and nothing of it is kept.

use std::{collections::BTreeMap, fs, path::Path};

use minster_tests::{
    Site,
    deliveries::{Child, Council, files_but, pupils},
    files, root,
};
use serde_json::Value;

use crate::CENSUS;

const DEFINITION: &str = r#"
name = "looked_at"
threshold = 5
zeros = "may-be-withheld"
insider = 0
population = "all"
[[dimension]]
name = "ethnicity"
column = "ethnicity"
total = "All"
codes = ["WBRI", "AIND", "BCRB"]
[[dimension]]
name = "sex"
column = "sex"
total = "All"
codes = ["F", "M"]
[[dimension]]
name = "age"
column = "age_on_31_august"
total = "All"
bands = [0, 12, 14, 15]
labels = ["to 11", "12 and 13", "14", "15 and over"]
[[table]]
name = "by_sex"
dimensions = ["ethnicity", "sex"]
[[table]]
name = "by_age"
dimensions = ["ethnicity", "age"]
"#;

/// Three girls and boys of one ethnicity are few, and of two the school told none.
pub(crate) fn linked() -> Council {
    linked_at(Council::new(&[CENSUS]))
}

fn linked_at(council: Council) -> Council {
    let child = |place: u32| {
        let ethnicity = match place {
            1..=3 => "AIND",
            4..=24 => "BCRB",
            25..=26 => "",
            _ => "WBRI",
        };
        Child { ethnicity: ethnicity.to_owned(), ..Child::at(place) }
    };
    council.deliver(CENSUS, "2025_autumn_pupilonroll.csv", pupils((1..=120).map(child)));
    define(&council, "looked_at.toml", DEFINITION);
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    council
}

pub(crate) fn define(council: &Council, file: &str, definition: &str) {
    fs::write(council.path("config/tables").join(file), definition).unwrap();
}

/// A preview of a file beside the configuration.
fn preview(council: &Council, definition: &str, more: &[&str]) -> minster_tests::deliveries::Ran {
    let file = council.path("trial.toml");
    fs::write(&file, definition).unwrap();
    council.program("minster", &[&["preview", file.to_str().unwrap()], more].concat())
}

fn tables(previewed: &Value) -> &Vec<Value> {
    previewed["preview"]["tables"].as_array().unwrap()
}

/// A released table, each number as a preview shows it.
fn released(path: &Path) -> Vec<Vec<String>> {
    let text = minster_tests::without_origin(&fs::read_to_string(path).unwrap());
    let row = |line: &str| -> Vec<String> {
        let cells: Vec<&str> = line.split(',').collect();
        let [first, second, children, status] = cells[..] else { panic!("{line}") };
        let shown = if status.is_empty() { children.to_owned() } else { format!("[{status}]") };
        vec![first.to_owned(), second.to_owned(), shown]
    };
    text.lines().skip(1).map(row).collect()
}

fn shown(table: &Value) -> Vec<Vec<String>> {
    let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let rows = table["numbers"]["rows"].as_array().unwrap();
    rows.iter().map(|row| row.as_array().unwrap().iter().map(text).collect()).collect()
}

#[test]
fn a_preview_shows_what_a_release_publishes_and_no_small_count() {
    let council = linked();
    let previewed = preview(&council, DEFINITION, &["--json"]);
    assert_eq!(previewed.exit, 0, "{}", previewed.text);
    let text = preview(&council, DEFINITION, &[]);
    let let_out = council.program("minster", &["release", "looked_at"]);
    assert_eq!(let_out.exit, 0, "{}", let_out.text);
    assert_eq!(tables(&previewed.summary).len(), 2);
    for table in tables(&previewed.summary) {
        let name = table["name"].as_str().unwrap();
        let file = format!("store/releases/looked_at/2024-25/current/{name}.csv");
        let public = released(&council.path(&file));
        assert_eq!(shown(table), public);
        let withheld = public.iter().filter(|row| row[2] == "[c]").count();
        assert_eq!(table["withheld"], withheld);
        let reasons = table["reasons"][0]["by_reason"].as_object().unwrap();
        let given: u64 = reasons.values().map(|cells| cells.as_u64().unwrap()).sum();
        assert_eq!(given, withheld as u64, "each withheld cell has a reason");
        assert!(reasons["below-threshold"].as_u64().unwrap() >= 1, "{reasons:?}");
        for row in &public {
            let small = row[2].parse().is_ok_and(|count: u64| (1..5).contains(&count));
            assert!(!small, "{row:?}");
            let line = format!("  {:<9}  {}", row[0], row[1]);
            let is_it =
                |said: &str| said.starts_with(&line) && said.ends_with(&format!(" {}", row[2]));
            assert!(text.text.lines().any(is_it), "{row:?}: {}", text.text);
        }
        assert!(public.iter().any(|row| row[2] == "[c]"));
        // The headline numbers that are lost are named as the files name them.
        let second = name.strip_prefix("by_").unwrap();
        let of_headline =
            |row: &&Vec<String>| row[2] == "[c]" && (row[0] == "All" || row[1] == "All");
        let headline = |row: &Vec<String>| match (row[0].as_str(), row[1].as_str()) {
            ("All", "All") => "the total".to_owned(),
            ("All", of_second) => format!("{second} {of_second}"),
            (of_first, _) => format!("ethnicity {of_first}"),
        };
        let lost: Vec<String> = public.iter().filter(of_headline).map(headline).collect();
        assert!(lost.contains(&"ethnicity AIND".to_owned()), "{lost:?}");
        assert_eq!(table["headlines"], serde_json::json!(lost));
        assert_eq!(table["headlines_withheld"], lost.len());
        let said = format!("  headline numbers: {} withheld: {}\n", lost.len(), lost.join("; "));
        assert!(text.text.contains(&said), "{said}: {}", text.text);
    }
    assert!(text.text.contains("No release of it stands"), "{}", text.text);
    // Two children have no ethnicity: that there are so few is all that is told.
    let blanks = &tables(&previewed.summary)[0]["blanks"];
    assert_eq!(blanks[0], serde_json::json!({ "dimension": "ethnicity", "share": "withheld" }));
    assert_eq!(blanks[1]["share"], "none");
    let after = preview(&council, DEFINITION, &["--json"]);
    assert_eq!(after.summary["preview"]["stands"], "same", "{}", after.text);
}

#[test]
fn blanks_of_enough_children_are_a_share_of_them() {
    let council = linked();
    let without = DEFINITION.replace("\"WBRI\", \"AIND\", \"BCRB\"", "\"WBRI\", \"BCRB\"");
    let previewed = preview(&council, &without, &["--json"]);
    assert_eq!(previewed.exit, 0, "{}", previewed.text);
    // Five of 120: two without a value, three of a code that is not listed.
    let share = &tables(&previewed.summary)[0]["blanks"][0]["share"];
    assert_eq!(share["percent"], 4.2, "{previewed:?}");
}

#[test]
fn a_preview_keeps_nothing_but_that_somebody_looked() {
    let council = linked();
    let kept = |council: &Council| {
        let store = council.path("store");
        (files_but(&store, &["runs", "lock"]), files(&council.path("config")))
    };
    let monitors = |council: &Council| {
        ["minster.prom", "lineage.jsonl"].map(|name| fs::read(council.path(name)).unwrap())
    };
    let runs = |council: &Council| files(&council.path("store/runs"));
    let log = |council: &Council| {
        let log = fs::read_to_string(council.path("vault/log.jsonl")).unwrap();
        ["let-out", "agreed", "withdrew"].map(|event| log.matches(event).count())
    };
    let (before, told, logged) = (kept(&council), monitors(&council), log(&council));
    let ran_before = runs(&council);
    let trial = DEFINITION.replace("looked_at", "never_seen").replace("by_sex", "hidden_name");
    let previewed = preview(&council, &trial, &[]);
    assert_eq!(previewed.exit, 0, "{}", previewed.text);
    assert!(previewed.text.contains("1 look at a preview of 2024-25 today"), "{}", previewed.text);
    assert!(kept(&council) == before, "the store is as it was");
    assert!(monitors(&council) == told, "monitors are told nothing");
    assert_eq!(log(&council), logged);
    let new: Vec<_> = runs(&council).into_iter().filter(|run| !ran_before.contains(run)).collect();
    let [(_, record)] = new.as_slice() else { panic!("one record, {new:?}") };
    let record = String::from_utf8_lossy(record);
    for name in ["never_seen", "hidden_name", "ethnicity", "AIND"] {
        assert!(!record.contains(name), "{record}");
    }
    // The vault's log names no definition either.
    let log = fs::read_to_string(council.path("vault/log.jsonl")).unwrap();
    assert!(!log.contains("never_seen") && !log.contains("hidden_name"));
}

#[test]
fn a_refusal_of_a_preview_ends_as_that_of_a_draft() {
    let council = linked();
    let refused = preview(&council, &DEFINITION.replace("threshold = 5", "threshold = 5000"), &[]);
    assert_eq!(refused.exit, 4, "{}", refused.text);
    assert!(refused.text.contains("refused: "), "{}", refused.text);
    let record = |council: &Council| {
        let runs = council.program("minster", &["runs", "list", "--json", "--most", "1"]);
        runs.summary["runs"][0].clone()
    };
    let of = record(&council);
    assert_eq!((&of["program"], &of["exit"]), (&"minster-preview".into(), &4.into()));
    assert!(of["why"].is_null() && of["stages"][0]["why"].is_null(), "{of}");
    let faulty =
        preview(&council, &DEFINITION.replace("[\"ethnicity\", \"sex\"]", "[\"ethnicty\"]"), &[]);
    assert_eq!(faulty.exit, 2, "{}", faulty.text);
    assert!(faulty.text.contains("did you mean ethnicity?"), "{}", faulty.text);
}

#[test]
fn under_a_lower_threshold_than_usual_a_preview_shows_no_number() {
    let council = linked();
    let weak = DEFINITION.replace("threshold = 5", "threshold = 2");
    let previewed = preview(&council, &weak, &["--json"]);
    assert_eq!(previewed.exit, 0, "{}", previewed.text);
    assert!(tables(&previewed.summary).iter().all(|table| table["numbers"].is_null()));
    let why = previewed.summary["preview"]["without_numbers"].as_str().unwrap();
    assert!(why.contains("its threshold is 2"), "{why}");
    let text = preview(&council, &weak, &[]);
    assert!(text.text.contains("No number is shown: its threshold is 2"), "{}", text.text);
    assert!(!text.text.contains("AIND"), "{}", text.text);
}

#[test]
fn a_purpose_may_keep_numbers_from_analysts_until_a_release() {
    let purposes = fs::read_to_string(root().join("config/purposes.toml")).unwrap();
    let shapes = "release = { previews = \"shapes\" }\nroles = ";
    let purposes = purposes.replacen("roles = ", shapes, 1);
    let council = linked_at(Council::at(Site::with_purposes(&purposes), &[CENSUS]));
    let previewed = preview(&council, DEFINITION, &["--json"]);
    assert_eq!(previewed.exit, 0, "{}", previewed.text);
    let tables = tables(&previewed.summary);
    assert!(tables.iter().all(|table| table["numbers"].is_null()));
    assert!(tables.iter().any(|table| table["withheld"].as_u64() > Some(0)), "{tables:?}");
    // Two of 120 children have no ethnicity, 1.7 %: to the nearest 5 % nobody can count them.
    let shares = serde_json::to_string(&tables.iter().map(|of| &of["blanks"]).collect::<Vec<_>>());
    let shares = shares.unwrap();
    assert!(!shares.contains("1.7"), "{shares}");
    let policy = council.site.path("risk.toml");
    fs::write(&policy, "[[quasi_identifier]]\ncolumn = \"sex\"\n").unwrap();
    let exact = council.program("minster", &["risk", "--exact", "--policy", &policy]);
    assert_eq!(exact.exit, 2, "{}", exact.text);
    assert!(exact.text.contains("keeps exact numbers from analysts"), "{}", exact.text);
    let text = preview(&council, DEFINITION, &[]);
    assert!(text.text.contains("No number is shown: the purpose shows shapes"), "{}", text.text);
    assert!(!text.text.contains("AIND"), "{}", text.text);
    let query = "SELECT ethnicity, COUNT(*) FROM children GROUP BY ethnicity";
    let asked = council.program("minster", &["query", query]);
    assert_eq!(asked.exit, 0, "{}", asked.text);
    assert!(asked.text.contains("No number is shown"), "{}", asked.text);
    assert!(!asked.text.contains("WBRI"), "{}", asked.text);
}

#[test]
fn a_day_has_so_many_previews_and_no_more() {
    let council = linked();
    let first = preview(&council, DEFINITION, &[]);
    assert_eq!(first.exit, 0, "{}", first.text);
    let runs = council.path("store/runs");
    let (path, record) = files(&runs)
        .into_iter()
        .find(|(path, _)| path.to_str().unwrap().contains("minster-preview"))
        .unwrap();
    let record = String::from_utf8(record).unwrap();
    let id = path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
    for number in 2..=99 {
        let other = format!("{id}{number}");
        let path = runs.join(format!("{other}.minster-preview.json"));
        fs::write(path, record.replace(&id, &other)).unwrap();
    }
    let last = preview(&council, DEFINITION, &[]);
    assert_eq!(last.exit, 0, "{}", last.text);
    assert!(last.text.contains("100 looks at a preview of 2024-25 today"), "{}", last.text);
    let refused = preview(&council, DEFINITION, &[]);
    assert_eq!(refused.exit, 4, "{}", refused.text);
    assert!(
        refused.text.contains("100 previews of 2024-25 were looked at today"),
        "{}",
        refused.text
    );
    assert!(!refused.text.contains("WBRI"), "{}", refused.text);
}

#[test]
fn a_preview_is_protected_beside_what_stands() {
    let council = linked();
    let part = "name = \"part\"\nthreshold = 5\nzeros = \"may-be-withheld\"\ninsider = 0\npopulation = \"all\"\n\
        where = [{ column = \"ethnicity\", not-in = [\"AIND\"] }]\n\
        [[dimension]]\nname = \"sex\"\ncolumn = \"sex\"\ntotal = \"All\"\ncodes = [\"F\", \"M\"]\n\
        [[table]]\nname = \"t\"\ndimensions = [\"sex\"]\n";
    let alone = preview(&council, part, &["--json"]);
    assert_eq!(alone.exit, 0, "{}", alone.text);
    assert_eq!(tables(&alone.summary)[0]["withheld"], 0);
    let let_out = council.program("minster", &["release", "looked_at"]);
    assert_eq!(let_out.exit, 0, "{}", let_out.text);
    // The standing release hides the three children whom this table leaves out: the difference would show them.
    let beside = preview(&council, part, &[]);
    define(&council, "part.toml", part);
    let drafted = council.program("minster", &["aggregate", "part"]);
    assert_eq!([beside.exit, drafted.exit], [4, 4], "{} {}", beside.text, drafted.text);
    let why = "beside the release looked_at of 2024-25, about other children";
    assert!(beside.text.contains(why) && drafted.text.contains(why), "{}", beside.text);
    assert!(!beside.text.contains("All "), "{}", beside.text);
}

#[test]
fn a_faulty_definition_is_named_and_the_others_are_drafted() {
    let council = linked();
    let other =
        DEFINITION.replace("looked_at", "other").replacen("WBRI\", ", "WBRI\", \"XXXX\", ", 1);
    define(&council, "other.toml", &other);
    define(&council, "broken.toml", "name = \"broken\"\npopulation = \n");
    define(
        &council,
        "wrong.toml",
        &DEFINITION
            .replace("looked_at", "wrong")
            .replace("\"ethnicity\"\ntotal", "\"ethnicty\"\ntotal"),
    );
    let ran = council.program("minster", &["aggregate", "--json"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    let names = |of: &Value, key: &str| -> Vec<String> {
        let all = of.as_array().unwrap().iter();
        all.map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&ran.summary["releases"], "name"), ["looked_at", "other"]);
    assert_eq!(names(&ran.summary["faulty"], "file"), ["broken.toml", "wrong.toml"]);
    let why = names(&ran.summary["faulty"], "why");
    assert!(why[0].contains("line 2"), "{why:?}");
    assert!(why[1].contains("did you mean ethnicity?"), "{why:?}");
    let drafts = || -> BTreeMap<String, Vec<u8>> {
        let all = files(&council.path("store/drafts")).into_iter();
        all.map(|(path, bytes)| (path.file_stem().unwrap().to_str().unwrap().to_owned(), bytes))
            .collect()
    };
    assert_eq!(drafts().keys().collect::<Vec<_>>(), ["looked_at", "other"]);
    let plan = council.program("minster", &["plan"]);
    assert_eq!(plan.exit, 2, "{}", plan.text);
    assert!(plan.text.contains("faulty broken.toml: "), "{}", plan.text);
    assert!(plan.text.contains("drafted: looked_at"), "{}", plan.text);

    // One alone: the drafts of the others stay, and their faults are told without being its own.
    let before = drafts();
    let changed = other.replace("threshold = 5", "threshold = 6");
    define(&council, "other.toml", &changed);
    let one = council.program("minster", &["aggregate", "other"]);
    assert_eq!(one.exit, 0, "{}", one.text);
    assert!(one.text.contains("note: faulty broken.toml: "), "{}", one.text);
    assert!(one.text.contains("draft other of 2024-25"), "{}", one.text);
    assert!(!one.text.contains("draft looked_at"), "{}", one.text);
    let after = drafts();
    assert_eq!(before["looked_at"], after["looked_at"]);
    assert_ne!(before["other"], after["other"]);
    let none = council.program("minster", &["aggregate", "nobody"]);
    assert_eq!(none.exit, 2, "{}", none.text);
    assert!(
        none.text.contains("no definition has the name nobody; there are looked_at, other, wrong"),
        "{}",
        none.text
    );
    assert!(none.text.contains("faulty broken.toml"), "{}", none.text);
    assert!(drafts() == after, "nothing is forgotten");

    // A definition that became faulty leaves no draft behind.
    define(&council, "other.toml", &other.replace("\"sex\"\ntotal", "\"sxe\"\ntotal"));
    let ran = council.program("minster", &["run", "--json"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert_eq!(drafts().keys().collect::<Vec<_>>(), ["looked_at"]);
}
