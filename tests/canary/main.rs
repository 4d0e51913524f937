//! A known pupil number, name, postcode and key are put in; every command is run, forced to fail and
//! killed; every byte written or printed is searched, datasets after decoding every column.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use minster_model::{DatasetClass, Role};
use minster_store::{Manifest, Store};
use minster_tests::{Site, files, text};
use minster_vault_api::Client;

/// With its right check letter, so that it is accepted; then one that is quarantined; then the rest.
const CANARIES: [&str; 5] =
    ["Q330400024001", "A330400024001", "Zzyzxcanary", "Quuxforename", "MZ99 9ZZ"];

fn plant(site: &Site) {
    let [upn, bad, surname, forename, postcode] = CANARIES;
    let early_help = site.folder().join("council/early_help/2024-25/early_help.csv");
    let attendance = site.folder().join("council/attendance/2024-25/attendance.csv");
    let mut text = std::fs::read_to_string(&early_help).unwrap();
    for (person, upn) in [("EHCANARY1", upn), ("EHCANARY2", bad)] {
        text += &format!(
            "{person},{upn},{forename},{surname},01/02/2012,{postcode},01/03/2025,,HEALTH\n"
        );
    }
    // A row that is no row, a date that is none.
    text += &format!(
        "{upn},{surname}\n{person},{upn},{forename},{surname},{surname},{postcode},x,,HEALTH\n",
        person = "EHCANARY3"
    );
    std::fs::write(&early_help, text).unwrap();
    let mut text = std::fs::read_to_string(&attendance).unwrap();
    text += &format!(
        "{upn},2024-09-02,AM,I,SCH001\n{bad},2024-09-02,AM,I,SCH001\n{upn},{surname},AM,I,SCH001\n"
    );
    std::fs::write(&attendance, text).unwrap();
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for canary in CANARIES.iter().chain(&["EHCANARY"]) {
        let forms = [
            canary.to_string(),
            canary.to_lowercase(),
            canary.to_uppercase(),
            canary.replace(' ', ""),
        ];
        for form in forms {
            let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "{what} holds {form}");
        }
    }
}

fn assert_folder_clean(site: &Site) {
    for place in ["store", "vault"] {
        for (path, bytes) in files(&site.folder().join(place)) {
            assert_clean(&path.display().to_string(), &bytes);
        }
    }
}

#[test]
fn no_value_of_a_row_is_written_or_printed() {
    let site = Site::new();
    site.make_council(600, 2);
    plant(&site);
    let config = site.path("config/pipeline.toml");
    let socket = site.path("vault.sock");
    let [page, linkage] = ["quality.html", "linkage.html"].map(|name| site.path(name));
    let commands: [(&str, &[&str]); 15] = [
        ("minster", &["plan", "--config", &config]),
        ("minster", &["run", "--config", &config]),
        ("minster", &["release", "children", "--config", &config]),
        ("minster", &["run", "--json", "--config", &config]),
        ("minster", &["link", "--config", &config]),
        ("minster", &["report", "quality", "--config", &config]),
        ("minster", &["report", "quality", "--json", "--config", &config]),
        ("minster", &["report", "quality", "--html", &page, "--config", &config]),
        ("minster", &["report", "linkage", "--config", &config]),
        ("minster", &["report", "linkage", "--json", "--config", &config]),
        ("minster", &["report", "linkage", "--html", &linkage, "--config", &config]),
        ("minster", &["aggregate", "--json", "--config", &config]),
        ("minster", &["withdraw", "children", "--reason", "as a test", "--config", &config]),
        ("minster-ingest", &["run", "--json", "--config", &config]),
        ("minster-vault", &["status", "--socket", &socket, "--json"]),
    ];
    for (program, arguments) in commands {
        let output = site.run(program, arguments);
        assert!([Some(0), Some(3)].contains(&output.status.code()), "{}", text(&output));
        assert_clean(&format!("{program} {arguments:?}"), text(&output).as_bytes());
    }
    for page in [&page, &linkage] {
        assert_clean(page, &std::fs::read(page).unwrap());
    }
    assert_folder_clean(&site);
    decode_all(&site);

    // Forced to fail: a missing header row, a new column whose name is a value, a cut XML.
    let delivery = site.folder().join("council/early_help/2024-25/early_help.csv");
    let good = std::fs::read_to_string(&delivery).unwrap();
    let headless = good.lines().rev().take(3).collect::<Vec<_>>().join("\n");
    for broken in [headless, good.replacen("reason", "Zzyzxcanary Quuxforename", 1)] {
        std::fs::write(&delivery, broken).unwrap();
        let output = site.job();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert_clean("a failing run", text(&output).as_bytes());
    }
    std::fs::write(&delivery, &good).unwrap();
    let cin = site.folder().join("council/cin/2024-25/cin.xml");
    let xml = std::fs::read_to_string(&cin).unwrap();
    std::fs::write(&cin, xml.replacen("<UPN>", "<UPN>Q330400024001<Unlisted/>", 1)).unwrap();
    let output = site.job();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    // An element's name is part of the layout, and named; what stands beside it is not.
    assert!(text(&output).contains("Unlisted"));
    assert_clean("a run that stops at an element", text(&output).as_bytes());
    std::fs::write(&cin, xml).unwrap();

    // Killed half-way, and the vault gone.
    let mut run = site.command("minster", &["run", "--config", &config]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(60));
    run.kill().unwrap();
    run.wait().unwrap();
    site.stop_vault();
    let output = site.job();
    assert_eq!(output.status.code(), Some(6));
    assert_clean("a run without the vault", text(&output).as_bytes());
    assert_folder_clean(&site);
}

/// Every value of every column of every dataset, as text.
fn decode_all(site: &Site) {
    let store = Store::open(&site.folder().join("store")).unwrap();
    let socket = site.path("vault.sock");
    let connect = |role| Client::connect(Path::new(&socket), role, "canary").unwrap();
    let (mut linker, mut auditor) = (connect(Role::Linker), connect(Role::Auditor));
    let mut values = 0;
    for (path, bytes) in files(&site.folder().join("store/datasets")) {
        if path.file_name().unwrap() != "manifest.json" {
            continue;
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
        let vault = match manifest.dataset.class {
            DatasetClass::Report => &mut auditor,
            DatasetClass::Source | DatasetClass::Integrated | DatasetClass::Linkage => &mut linker,
        };
        let dataset = store.dataset(&manifest.dataset, vault).unwrap();
        for table in &manifest.tables {
            for batch in dataset.table(&table.name, None).unwrap() {
                let batch = batch.unwrap();
                for column in batch.columns() {
                    let formatter = ArrayFormatter::try_new(column, &FormatOptions::new()).unwrap();
                    for row in 0..column.len() {
                        assert_clean(
                            table.name.as_str(),
                            formatter.value(row).to_string().as_bytes(),
                        );
                        values += 1;
                    }
                }
            }
        }
    }
    assert!(values > 10_000, "{values}");
}
