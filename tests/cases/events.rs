//! Equal rows that are two events, and rows about persons without a number.

use minster_tests::deliveries::{Child, Council, EARLY_HELP, early_help_row, nhs_number};

use crate::values::table;

/// The key of a table, as its manifest gives it.
fn key(council: &Council, source: &str, table: &str) -> serde_json::Value {
    let manifest = council.manifest(source);
    let tables = manifest["tables"].as_array().unwrap();
    tables.iter().find(|entry| entry["name"] == table).unwrap()["key"].clone()
}

#[test]
fn two_equal_rows_of_a_table_without_a_key_are_two_events() {
    let council = Council::new(&["missing", "early_help"]);
    let mut episodes =
        "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk\n".to_owned();
    let mut plans = format!("{EARLY_HELP}\n");
    for place in 1..=12 {
        let child = Child::at(place);
        let Child { surname, forename, born, .. } = &child;
        let nhs = nhs_number(place);
        let row = format!(
            "PR{place},{nhs},{forename},{surname},{born},LS9 8ZZ,2025-01-07,2025-01-07,LOW\n"
        );
        episodes += &row.repeat(2);
        plans += &(early_help_row(&format!("E{place}"), &child, "03/12/2024") + "\n").repeat(2);
    }
    council.deliver("missing", "missing_episodes.csv", episodes);
    council.deliver("early_help", "early_help.csv", plans);
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("missing"), [24, 24, 0, 0]);
    assert!(key(&council, "missing", "episodes").is_null());
    // A plan is told by its start.
    assert_eq!(ran.rows("early_help"), [24, 12, 0, 12]);
    assert_eq!(key(&council, "early_help", "plans"), serde_json::json!(["start_date"]));
}

/// A person of the return about special educational needs, with an active plan.
fn person(place: u32, upn: &str) -> String {
    let Child { surname, forename, born, .. } = Child::at(place);
    let upn = match upn {
        "" => "<UPNunknown>UN1</UPNunknown>".to_owned(),
        upn => format!("<UPN>{upn}</UPN>"),
    };
    format!(
        "<Person><Surname>{surname}</Surname><Forename>{forename}</Forename><PersonBirthDate>{born}</PersonBirthDate>\
         <Sex>F</Sex>{upn}<ActivePlans><ActivePlansRecord><SENtype>ASD</SENtype></ActivePlansRecord></ActivePlans></Person>"
    )
}

fn return_of(people: impl Iterator<Item = String>) -> String {
    format!("<Message><Persons>{}</Persons></Message>", people.collect::<Vec<_>>().join("\n"))
}

#[test]
fn plans_of_persons_without_a_number_are_all_read_and_name_their_persons() {
    let council = Council::new(&["sen2"]);
    // Every second person has no pupil number; the surname of all is the same, so that their rows are equal.
    let upn =
        |place: u32| if place.is_multiple_of(2) { Child::at(place).upn } else { String::new() };
    let person = |place: u32| {
        let one = person(1, &upn(place));
        one.replacen("<Sex>F", if place % 4 == 1 { "<Sex>M" } else { "<Sex>F" }, 1)
    };
    council.deliver("sen2", "a.xml", return_of((1..=25).map(person)));
    council.deliver("sen2", "b.xml", return_of((26..=40).map(person)));
    let ran = council.ingest();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("sen2"), [80, 80, 0, 0]);
    let numbered: Vec<String> = (0..40).map(|unit| unit.to_string()).collect();
    assert_eq!(table(&council.site, "sen2", "persons").column("unit"), numbered);
    assert_eq!(table(&council.site, "sen2", "active_plans").column("unit"), numbered);
    let manifest = council.manifest("sen2");
    assert!(manifest["tables"].to_string().contains(r#"{"name":"unit","type":"UInt32"}"#));
    let entry = |table| key(&council, "sen2", table);
    assert_eq!(entry("persons"), serde_json::json!([]));
    // However many threads read it.
    let first = table(&council.site, "sen2", "active_plans").rows;
    let pipeline = std::fs::read_to_string(council.path("pipeline.toml")).unwrap();
    std::fs::write(council.path("pipeline.toml"), format!("threads = 1\n{pipeline}")).unwrap();
    assert_eq!(council.program("minster-ingest", &["run", "--again"]).exit, 0);
    let places = |rows: &[Vec<String>]| {
        let last = |row: &Vec<String>| row.last().cloned();
        rows.iter().map(last).collect::<Vec<_>>()
    };
    let again = table(&council.site, "sen2", "active_plans").rows;
    assert_eq!(places(&first), places(&again));
}
