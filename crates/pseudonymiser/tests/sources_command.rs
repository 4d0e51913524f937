//! `minster-ingest sources`: what it says of files, and that it repeats no value.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    path::Path,
    process::{Command, Output},
};

const DEFINITION: &str = r#"
name = "early_help"
format = "csv"
years = ["2023-24"]
[[table]]
name = "plans"
file = "plans.csv"
[table.columns]
person = { treatment = "bridge", kind = "person" }
start = { treatment = "drop" }
[[version]]
years = ["2024-25"]
[version.add.plans]
team = { treatment = "drop" }
"#;

fn sources(arguments: &[&str], folder: &Path) -> Output {
    let ran = Command::new(env!("CARGO_BIN_EXE_minster-ingest"))
        .arg("sources")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!String::from_utf8_lossy(text).contains("CANARY"), "a value was repeated");
    }
    ran
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("definitions")).unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn check(file: &str, content: &str) -> (Option<i32>, String) {
    let folder = folder(&[("definitions/eh.toml", DEFINITION), (file, content)]);
    let ran = sources(&["check", file, "--definitions", "definitions"], folder.path());
    assert!(ran.stderr.is_empty());
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn a_file_s_version_is_told() {
    let (code, text) = check("plans.csv", "person,start\nCANARY,1\n");
    assert_eq!((code, text.as_str()), (Some(0), "plans.csv\n  fits early_help (2023-24): plans\n"));
    let (code, text) = check("plans.csv", "person,start,team\nCANARY,1,2\n");
    assert_eq!((code, text.as_str()), (Some(0), "plans.csv\n  fits early_help (2024-25): plans\n"));
}

#[test]
fn a_misfit_is_told_with_every_column() {
    let (code, text) = check("plans.csv", "person,start,nhs_no,note\nCANARY,1,2,3\n");
    assert_eq!(code, Some(2));
    assert!(text.contains("`nhs_no`") && text.contains("`note`"), "{text}");
    let (code, text) = check("plans.csv", "start,team\nCANARY,1\n");
    assert!(code == Some(2) && text.contains("`person` is missing"), "{text}");
    let (code, text) = check("plans.csv", "CANARY,01/02/2010\nCANARY,1\n");
    assert!(code == Some(2) && text.contains("header row missing"), "{text}");
    let (code, text) = check("other.csv", "person,start\nCANARY,1\n");
    assert!(code == Some(2) && text.contains("does not fit plans.csv"), "{text}");
    let (code, text) = check("x.csv", "a,b\nCANARY,1\n");
    assert!(code == Some(2) && text.contains("sources new"), "{text}");
}

#[test]
fn a_period_narrows_and_json_is_one_object() {
    let file = ("plans.csv", "person,start\n");
    let folder = folder(&[("definitions/eh.toml", DEFINITION), file]);
    let check = ["check", "plans.csv", "--definitions", "definitions", "--json", "--period"];
    for (period, fits) in [("2023-24", 1), ("2024-25", 0)] {
        let ran = sources(&[&check[..], &[period]].concat(), folder.path());
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(report["files"][0]["fits"].as_array().unwrap().len(), fits);
        assert_eq!(ran.status.code(), Some(if fits == 1 { 0 } else { 2 }));
    }
}

#[test]
fn a_draft_is_a_definition_that_the_file_fits() {
    let quoted = "\"Child's \"\"own\"\" name\";UPN;Née le\nCANARY;1;2\n";
    let xml = "<M><H><X>CANARY</X></H><C><Id>1</Id><N><A>CANARY</A></N><N><A>2</A></N></C><C/></M>";
    for (file, content) in [
        ("plans.csv", "person,start\nCANARY,1\n"),
        ("Odd file (1).csv", quoted),
        ("m.xml", xml),
        ("one.xml", "<M><C><Id>CANARY</Id></C></M>"),
    ] {
        let folder = folder(&[(file, content)]);
        let drafted = sources(&["new", file], folder.path());
        assert_eq!(drafted.status.code(), Some(0), "{file}");
        let text = String::from_utf8(drafted.stdout).unwrap();
        assert!(
            text.lines()
                .filter(|line| line.contains("treatment"))
                .all(|line| line.contains("= { treatment = \"drop\" }"))
        );
        std::fs::write(folder.path().join("definitions/d.toml"), &text).unwrap();
        let checked = sources(&["check", file, "--definitions", "definitions"], folder.path());
        assert_eq!(checked.status.code(), Some(0), "{file}\n{text}{checked:?}");
    }
}

#[test]
fn a_fuller_row_below_is_not_taken_for_the_header() {
    let content = "Visits of 2025,,,\nsurname,forename,team,\nOther,Jo,North,\nCANARY,CANARY2,South,CANARY asked for it\n";
    let folder = folder(&[("a.csv", content)]);
    let ran = sources(&["new", "a.csv"], folder.path());
    // The fourth column has no name.
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let folder = self::folder(&[("a.csv", &content.replace("team,", "team,note"))]);
    let ran = sources(&["new", "a.csv", "--values", "team"], folder.path());
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("\"surname\" =") && text.contains("[\"North\", \"South\"]"), "{text}");
}

#[test]
fn no_draft_is_made_of_a_row() {
    for row in ["CANARY,01/02/2010\n", "CANARY,Q330400024001\n", "CANARY,a@b.org\n", "CANARY,\n"] {
        let folder = folder(&[("a.csv", row)]);
        let ran = sources(&["new", "a.csv"], folder.path());
        assert_eq!(ran.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ran.stderr).contains("cell 2"));
    }
}
