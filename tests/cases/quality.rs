//! `minster report quality`: each figure of two made-up deliveries, on a terminal, as JSON and as a page, and no value of a row.

use std::fs;

use minster_model::Role;
use minster_tests::deliveries::{Child, Council, pupils};
use minster_vault_api::{Client, RecordedManifest};
use serde_json::{Value, json};

use crate::CENSUS;

const AUTUMN: &str = "2024-autumn";
const SPRING: &str = "2025-spring";
/// A name of a file that a browser would take for an element.
const PUPILS: &str = "2025-spring_pupilonroll_<b>&.csv";

fn dated(from: u32, until: u32) -> impl Iterator<Item = Child> {
    (from..=until).map(Child::at)
}

/// Pupils of a term, with the term's own numbers of rows.
fn deliver_pupils(council: &Council, term: &str, file: &str, of: impl Iterator<Item = Child>) {
    let rows = pupils(of).replace("row-", &format!("{term}-"));
    council.deliver(CENSUS, &format!("{term}/{file}"), rows);
}

fn deliver_meals(council: &Council, term: &str, rows: &[u32]) {
    let rows = rows.iter().map(|row| format!("{term}-{row},2023-09-11,\r\n"));
    let csv = "pupilonrolltableid,fsmstartdate,fsmenddate\r\n".to_owned();
    let file = format!("{term}/{term}_fsmperiodsonroll.csv");
    council.deliver(CENSUS, &file, csv + &rows.collect::<String>());
}

/// Sixty pupils, with one thing wrong with some of them; three twins under one number each, two pupils under a second one.
fn spring() -> impl Iterator<Item = Child> {
    let wrong = dated(1, 60).zip(1..).map(|(child, place)| match place {
        11 | 12 => Child { born: "umpteenth of May".into(), ..child },
        13 => {
            let letter = if child.upn.starts_with('A') { "B" } else { "A" };
            Child { upn: child.upn.replacen(char::is_alphabetic, letter, 1), ..child }
        }
        14..=16 => Child { ethnicity: "ZZZZ".into(), ..child },
        17 => Child { sessions: "umpteen".into(), ..child },
        _ => child,
    });
    let twin = |child: Child| Child { forename: "Zofia".into(), sex: "F".into(), ..child };
    let again =
        |(child, place)| Child { upn: Child::at(place).upn, school: "S777".into(), ..child };
    wrong.chain(dated(1, 3).map(twin)).chain(dated(4, 5).zip(300..).map(again))
}

/// Both terms on the first night.
fn council() -> Council {
    let council = Council::of_deliveries(&[(CENSUS, AUTUMN), (CENSUS, SPRING)]);
    deliver_pupils(&council, AUTUMN, "2024-autumn_pupilonroll.csv", dated(1, 60));
    deliver_meals(&council, AUTUMN, &(1..=10).collect::<Vec<_>>());
    deliver_pupils(&council, SPRING, PUPILS, spring());
    // Two rows stand twice; a pupil is set aside, and another is in no row.
    deliver_meals(&council, SPRING, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 11, 999]);
    let ran = council.run();
    assert_eq!(ran.exit, 3, "{}", ran.text);
    council
}

fn report(council: &Council, arguments: &[&str]) -> Value {
    let ran = council.program("minster", &[&["report", "quality", "--json"], arguments].concat());
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran.summary
}

fn page(council: &Council) -> String {
    let path = council.path("quality.html");
    let arguments = ["report", "quality", "--html", path.to_str().unwrap()];
    let ran = council.program("minster", &arguments);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    fs::read_to_string(path).unwrap()
}

/// The findings of a delivery, a line each: kind, reason, column, table, count, of how many, places.
fn findings(delivery: &Value) -> Vec<String> {
    let line = |finding: &Value| {
        let word = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
        let places: Vec<&str> = finding["places"]
            .as_array()
            .unwrap()
            .iter()
            .map(|place| place.as_str().unwrap())
            .collect();
        assert!(!word("next").is_empty());
        format!(
            "{} {} {} {} {}/{} {}",
            word("kind"),
            word("reason"),
            word("column"),
            word("table"),
            finding["count"],
            finding["of"],
            places.join(", ")
        )
    };
    delivery["stands"]["findings"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn every_figure_of_a_delivery_is_told_and_the_worst_comes_first() {
    let council = council();
    let report = report(&council, &[]);
    assert_eq!((&report["format"], &report["period"]), (&json!(1), &json!("2024-25")));
    let [spring, autumn] = report["deliveries"].as_array().unwrap().as_slice() else {
        panic!("{report}")
    };
    assert_eq!((&spring["period"], &autumn["period"]), (&json!(SPRING), &json!(AUTUMN)));
    assert_eq!(
        spring["stands"]["counts"],
        json!({
            "read": 79, "accepted": 75, "quarantined": 2, "duplicate": 2, "blocked": 0, "recoded": 3, "blanked": 1
        })
    );
    let first = &spring["stands"]["findings"][0];
    assert_eq!((&first["share"], &first["file"]), (&json!(3.08), &json!(PUPILS)));
    let pupils = |cells: &[&str]| {
        let cells = cells.iter().map(|cell| format!("{PUPILS} cell {cell}"));
        cells.collect::<Vec<_>>().join(", ")
    };
    let accepted = |rows: &[u32]| {
        let rows = rows.iter().map(|row| format!("{PUPILS} accepted row {row}"));
        rows.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        findings(spring),
        [
            format!("quarantined date-form dob pupils 2/65 {}", pupils(&["C12", "C13"])),
            format!(
                "number-on-two-children one-number-two-children - pupils 6/63 {}",
                accepted(&[1, 2, 3, 59, 60])
            ),
            format!(
                "child-on-two-numbers two-numbers-one-child - pupils 2/63 {}",
                accepted(&[62, 63])
            ),
            "orphan orphan - fsm 2/12 ".to_owned(),
            format!(
                "recoded unknown-code ethnicity pupils 3/63 {}",
                pupils(&["H15", "H16", "H17"])
            ),
            format!("blanked not-integer termlysessionspossible pupils 1/63 {}", pupils(&["P18"])),
            format!("repaired bad-check-letter upn pupils 1/63 {}", pupils(&["F14"])),
            "duplicate - - fsm 2/14 ".to_owned(),
        ]
    );
    // The autumn's census is the spring's delivery before, as none of the spring is known before it.
    let before = &spring["stands"]["before"];
    assert_eq!((&before["period"], &before["counts"]["read"]), (&json!(AUTUMN), &json!(70)));
    assert_eq!(autumn["stands"]["before"], Value::Null);
    assert_eq!(
        findings(autumn),
        [
            "number-on-two-children one-number-two-children - pupils 3/60 2024-autumn_pupilonroll.csv accepted row 1, \
             2024-autumn_pupilonroll.csv accepted row 2, 2024-autumn_pupilonroll.csv accepted row 3",
            "superseded - - fsm 10/10 ",
        ]
    );
}

#[test]
fn no_value_of_a_row_is_in_the_report_in_any_form_and_foreign_names_are_escaped() {
    let council = council();
    let json = report(&council, &[]).to_string();
    let page = page(&council);
    let text = council.program("minster", &["report", "quality"]).text;
    for printed in [&json, &page, &text] {
        assert!(printed.contains("bad-check-letter"), "{printed}");
        for value in ["umpteen", "ZZZZ", "Zofia", "S777", "2023-09-11", "2025-spring-999"] {
            assert!(!printed.contains(value), "{value}: {printed}");
        }
        for child in spring().chain(dated(300, 301)) {
            let Child { upn, surname, forename, born, .. } = child;
            for value in [upn, surname, forename, born] {
                assert!(!printed.contains(&value), "{value}: {printed}");
            }
        }
    }
    assert!(page.contains("2025-spring_pupilonroll_&lt;b&gt;&amp;.csv cell C12"), "{page}");
    assert!(!page.contains("<b>") && !page.contains("<script") && !page.contains("://"), "{page}");
}

/// The text between tags, piece by piece.
fn words(page: &str) -> Vec<&str> {
    let pieces = page.split('<').filter_map(|piece| piece.split_once('>'));
    pieces.map(|(_, text)| text.trim()).filter(|text| !text.is_empty()).collect()
}

#[test]
fn the_page_has_the_same_figures_and_says_each_bar_in_words() {
    let council = council();
    let page = page(&council);
    let words = words(&page).join("|");
    for told in [
        "school_census 2025-spring|79|75|2 (2.5 %)|2|70|",
        "rows set aside|date-form in dob of pupils|2|3.1 % of 65|2025-spring_pupilonroll_&lt;b&gt;&amp;.csv cell C12, C13|",
        "rows of a number on two children|one-number-two-children in pupils|6|9.5 % of 63|\
         2025-spring_pupilonroll_&lt;b&gt;&amp;.csv accepted row 1, 2, 3, 59, 60, ...|",
        "rows of a child on two numbers|two-numbers-one-child in pupils|2|3.2 % of 63|",
        "cells blanked|not-integer in termlysessionspossible of pupils|1|1.6 % of 63|",
        "duplicate rows|in fsm|2|14.3 % of 14|",
        "cells recoded to unknown|unknown-code in ethnicity of pupils|3|4.8 % of 63|",
        "rows about nobody|orphan in fsm|2|16.7 % of 12|",
        "superseded rows|in fsm|10|100.0 % of 10|",
        "read|70|79|+9|",
        "2025-spring_pupilonroll_&lt;b&gt;&amp;.csv|pupils|65|63|2 (3.1 %)|0|",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en-GB\">"), "{page}");
    let said = "aria-label=\"75 of 79 accepted, 2 set aside, 2 duplicate, 0 blocked\"";
    assert!(page.contains(said), "{page}");
    // Each drawing says what it shows, or is hidden from readers of screens; each heading of a table has its scope.
    let drawn = page.matches("<svg").count();
    assert_eq!(drawn, page.matches("aria-label=").count() + page.matches("aria-hidden").count());
    assert_eq!(page.matches("<th ").count(), page.matches("<th scope=").count());
    assert_eq!(page.matches("<table").count(), page.matches("<caption>").count());
}

#[test]
fn the_second_night_is_compared_with_the_first() {
    let council = council();
    deliver_pupils(&council, SPRING, PUPILS, dated(1, 55));
    deliver_meals(&council, SPRING, &(1..=10).collect::<Vec<_>>());
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // The children are still linked from what stood before: nothing is said of who is who.
    let unlinked = report(&council, &["school_census", "--period", SPRING]);
    assert_eq!(unlinked["deliveries"].as_array().unwrap().len(), 1);
    let stands = &unlinked["deliveries"][0]["stands"];
    assert_eq!(stands["findings"], json!([]));
    let note = stands["notes"][0].as_str().unwrap();
    assert!(note.contains("run `minster link`"), "{note}");
    assert_eq!(council.run().exit, 0);
    // Read once more, it is no other delivery.
    let again = council.program("minster-ingest", &["run", "--again"]);
    assert_eq!(again.exit, 0, "{}", again.text);
    let report = report(&council, &["--period", SPRING]);
    let stands = &report["deliveries"][0]["stands"];
    let before = &stands["before"];
    assert_eq!(before["period"], json!(SPRING));
    let both = ["read", "accepted", "quarantined", "duplicate", "recoded", "blanked"].map(|way| {
        (before["counts"][way].as_u64().unwrap(), stands["counts"][way].as_u64().unwrap())
    });
    assert_eq!(both, [(79, 65), (75, 65), (2, 0), (2, 0), (3, 0), (1, 0)]);
    let text = council.program("minster", &["report", "quality", "--period", SPRING]).text;
    assert!(
        text.contains("read 79 -> 65 (-14), accepted 75 -> 65 (-10), set aside 2 -> 0 (-2)"),
        "{text}"
    );
}

#[test]
fn the_first_term_of_a_new_year_s_file_is_compared_with_the_last_of_the_old() {
    let council = Council::of_deliveries(&[(CENSUS, AUTUMN)]);
    deliver_pupils(&council, AUTUMN, "2024-autumn_pupilonroll.csv", dated(1, 60));
    assert_eq!(council.ingest().exit, 0);
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    fs::write(council.path("pipeline.toml"), pipeline.replace(AUTUMN, SPRING)).unwrap();
    fs::create_dir_all(council.path("drop").join(CENSUS).join(SPRING)).unwrap();
    deliver_pupils(&council, SPRING, PUPILS, dated(1, 55));
    assert_eq!(council.ingest().exit, 0);
    let before = &report(&council, &[])["deliveries"][0]["stands"]["before"];
    assert_eq!((&before["period"], &before["counts"]["read"]), (&json!(AUTUMN), &json!(60)));
}

#[test]
fn children_whom_an_earlier_release_linked_are_linked_again() {
    let council = council();
    let folder = council.path("store/datasets/integrated/children/2024-25/current");
    // It stood in clear.
    fs::remove_file(folder.join("linkage.json.locked")).unwrap();
    fs::write(folder.join("linkage.json"), "{\"format\": 7}").unwrap();
    // Its manifest names no files, and the vault's log has it.
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    manifest["format"] = json!(1);
    manifest.as_object_mut().unwrap().remove("files").unwrap();
    let dataset = serde_json::from_value(manifest["dataset"].clone()).unwrap();
    fs::write(&path, manifest.to_string()).unwrap();
    let sha256 = minster_store::sha256_hex(manifest.to_string().as_bytes());
    let socket = council.path("vault.sock");
    let mut linker = Client::connect(&socket, Role::Linker, "test").unwrap();
    linker.record_manifest(RecordedManifest { dataset, sha256 }, None).unwrap();
    let notes = &report(&council, &[])["deliveries"][0]["stands"]["notes"];
    assert!(notes[0].as_str().unwrap().contains("run `minster link`"), "{notes}");
    assert_eq!(council.program("minster", &["link"]).exit, 0);
    let stands = &report(&council, &[])["deliveries"][0]["stands"];
    assert_eq!(stands["notes"], json!([]));
    assert_eq!(stands["findings"].as_array().unwrap().len(), 8);
}

#[test]
fn a_delivery_that_was_left_out_comes_first_with_its_reason() {
    let council = council();
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    let pipeline = pipeline.replacen("on_failure = \"stop\"", "on_failure = \"go-on\"", 1);
    fs::create_dir_all(council.path("drop/early_help")).unwrap();
    let more =
        "[[source]]\nname = \"early_help\"\nperiod = \"2024-25\"\nfolder = \"drop/early_help\"\n";
    fs::write(council.path("pipeline.toml"), pipeline + more).unwrap();
    council.deliver("early_help", "early_help.csv", "person_id,hobby\nE1,chess\n");
    assert_eq!(council.ingest().exit, 10);
    let report = report(&council, &[]);
    let first = &report["deliveries"][0];
    assert_eq!((&first["source"], &first["stands"]), (&json!("early_help"), &Value::Null));
    assert!(first["left_out"].as_str().unwrap().contains("hobby"), "{first}");
    assert!(page(&council).contains("never taken in"));
    let unknown = council.program("minster", &["report", "quality", "sen2"]);
    assert_eq!(unknown.exit, 2, "{}", unknown.text);
}
