//! The texts that a night prints, mails and leaves in clear: no count of few children is in it.

use std::fs;

use minster_model::{DatasetClass, DatasetRef, Role};
use minster_store::Store;
use minster_tests::{
    deliveries::{Child, Council, EARLY_HELP, early_help_row, pupils},
    files, text,
};
use minster_vault_api::Client;
use serde_json::Value;

const PUPILS: u32 = 62;

/// Three of 42 persons with a plan are no pupils, and one row stands in quarantine.
fn council() -> Council {
    let council = Council::new(&["school_census", "early_help"]);
    let census = pupils((1..=PUPILS).map(Child::at));
    council.deliver("school_census", "2025_autumn_pupilonroll.csv", census);
    let persons = (1..=39).chain(901..=903);
    let rows = persons.map(|at| early_help_row(&format!("E{at}"), &Child::at(at), "14/10/2024"));
    let rows: Vec<String> = rows.collect();
    council.deliver(
        "early_help",
        "early_help.csv",
        EARLY_HELP.to_owned() + "\n" + &rows.join("\n") + "\n",
    );
    council
}

/// Every whole number of a JSON value but formats.
fn numbers(name: &str, value: &Value, found: &mut Vec<(String, u64)>) {
    match value {
        Value::Number(number) if name != "format" => {
            found.extend(number.as_u64().map(|of| (name.to_owned(), of)));
        }
        Value::Array(all) => all.iter().for_each(|of| numbers(name, of, found)),
        Value::Object(all) => all.iter().for_each(|(name, of)| numbers(name, of, found)),
        _ => {}
    }
}

#[test]
fn a_night_tells_no_few_children_in_print_or_in_a_file_in_clear() {
    let council = council();
    let config = council.site.path("pipeline.toml");
    let ran = council.site.run("minster", &["run", "--json", "--config", &config]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    let printed: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let exact = council.program("minster", &["report", "links", "--json"]);
    let mut counts = [Vec::new(), Vec::new()];
    numbers("", &exact.summary, &mut counts[0]);
    numbers("", &printed["linkage"], &mut counts[1]);
    let [exact, coarse] = counts;
    assert!(exact.contains(&("not-on-spine".to_owned(), 3)), "{exact:?}");
    assert!(coarse.contains(&("not-on-spine".to_owned(), 5)), "{coarse:?}");
    assert!(coarse.iter().all(|(_, count)| count % 5 == 0), "{coarse:?}");

    let linked = council.program("minster", &["link"]);
    assert_eq!(linked.exit, 0, "{}", linked.text);
    let of_tables = linked
        .text
        .lines()
        .filter(|line| line.contains("school_census/") || line.contains("early_help/"));
    let words: Vec<&str> = of_tables.flat_map(|line| line.split([' ', ',', '/'])).collect();
    let told: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    assert!(told.len() >= 5 && told.iter().all(|count| count % 5 == 0), "{}", linked.text);

    // The report beside the dataset is encrypted as its tables are; whoever lists the folder reads none of it.
    let mut in_clear = Vec::new();
    for (path, bytes) in files(&council.path("store/datasets/integrated")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !bytes.ends_with(b"PARE") {
            in_clear.push(name);
        }
        let tells = b"not-on-spine";
        assert!(!bytes.windows(tells.len()).any(|part| part == tells), "{}", path.display());
    }
    in_clear.sort();
    in_clear.dedup();
    assert_eq!(in_clear, ["manifest.json"]);
    // Another role may not open it.
    let dataset = DatasetRef {
        class: DatasetClass::Integrated,
        name: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        purpose: "children-statistics".parse().unwrap(),
    };
    let store = Store::inspect(&council.path("store")).unwrap();
    let client = |role| Client::connect(&council.path("vault.sock"), role, "test").unwrap();
    let opened = store.dataset(&dataset, &mut client(Role::Linker)).unwrap();
    assert!(
        opened.read_locked("linkage.json").unwrap().windows(12).any(|of| of == b"not-on-spine")
    );
    assert!(store.dataset(&dataset, &mut client(Role::Ingest)).is_err());

    let events = fs::read_to_string(council.path("lineage.jsonl")).unwrap();
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut rows = Vec::new();
    for event in &events {
        numbers("", &event["outputs"], &mut rows);
    }
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().all(|(_, rows)| rows % 5 == 0), "{rows:?}");
}

#[test]
fn a_report_on_linkage_is_coarse_until_exact_counts_are_asked_for() {
    let council = council();
    assert_eq!(council.run().exit, 0);
    let counts = |arguments: &[&str]| {
        let ran =
            council.program("minster", &[&["report", "linkage", "--json"], arguments].concat());
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let mut found = Vec::new();
        for part in
            ["flow", "agreements", "key_tests", "impossible", "review", "on_spine", "children"]
        {
            numbers(part, &ran.summary[part], &mut found);
        }
        (found, ran.summary)
    };
    let ((exact, _), (coarse, summary)) = (counts(&["--exact"]), counts(&[]));
    assert!(exact.iter().any(|(_, count)| (1..5).contains(count)), "{exact:?}");
    assert_eq!(exact.len(), coarse.len());
    assert!(coarse.iter().all(|(_, count)| count % 5 == 0), "{coarse:?}");
    // 39 of 42 would tell of three.
    let flow = summary["flow"].as_array().unwrap();
    let early_help = flow.iter().find(|of| of["source"] == "early_help").unwrap();
    let share = early_help["rate"]["of_accepted"]["share"].as_f64().unwrap();
    assert!((share - 40.0 / 45.0).abs() < 1e-9, "{share}");
    let text = council.program("minster", &["report", "linkage"]).text;
    assert!(text.contains("to the nearest 5"), "{text}");
}

#[test]
fn a_definition_s_notes_tell_no_exact_number_of_children() {
    let council = council();
    // Four of 62 pupils have no ethnicity: more than five in a hundred.
    let census = pupils((1..=PUPILS).map(|at| Child {
        ethnicity: if at <= 4 { String::new() } else { "WBRI".into() },
        ..Child::at(at)
    }));
    council.deliver("school_census", "2025_autumn_pupilonroll.csv", census);
    let definition = "name = \"small\"\nthreshold = 5\nzeros = \"published\"\ninsider = 0\npopulation = \"spine\"\n\
        [[dimension]]\nname = \"ethnicity\"\ncolumn = \"ethnicity\"\ntotal = \"All\"\n[[table]]\nname = \"t\"\n\
        dimensions = [\"ethnicity\"]\n";
    fs::write(council.path("config/tables/small.toml"), definition).unwrap();
    let ran = council.program("minster", &["run"]);
    let note = ran.text.lines().find(|line| line.contains("children have no ethnicity"));
    let note = note.unwrap_or_else(|| panic!("{}", ran.text));
    assert!(note.contains("fewer than 5 of 60 children have no ethnicity"), "{note}");
}
