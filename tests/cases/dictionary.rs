//! The data dictionary of an integrated dataset: a Data Package that the definitions alone make.

use std::collections::BTreeSet;

use minster_tests::deliveries::{Child, Council, EPISODES_903, header_903, header_903_row};
use serde_json::Value;

use crate::{council, values::of_period};

/// The rules of the published profiles of Data Package 2.0 for a descriptor that this project writes: required properties, types,
/// forms of names and paths, the types and formats of fields, categories.
fn check_package(package: &Value) {
    let text = |of: &Value, key: &str| {
        of[key].as_str().unwrap_or_else(|| panic!("{key} of {of}")).to_owned()
    };
    assert_eq!(text(package, "$schema"), "https://datapackage.org/profiles/2.0/datapackage.json");
    let name = text(package, "name");
    assert!(
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c)),
        "{name}"
    );
    let resources = package["resources"].as_array().unwrap();
    assert!(!resources.is_empty());
    let mut names = BTreeSet::new();
    for resource in resources {
        assert!(names.insert(text(resource, "name")), "two resources of one name");
        assert!(resource.get("data").is_none(), "a resource has a path or data, not both");
        let path = text(resource, "path");
        assert!(
            !path.starts_with(['.', '/', '~']) && !path.contains("..") && !path.contains('\\'),
            "{path}"
        );
        assert_eq!(text(resource, "type"), "table");
        assert_eq!(text(resource, "mediatype").split('/').count(), 2);
        let schema = &resource["schema"];
        let mut fields = BTreeSet::new();
        assert!(schema["missingValues"].as_array().unwrap().iter().all(Value::is_string));
        for field in schema["fields"].as_array().unwrap() {
            assert!(fields.insert(text(field, "name")), "two fields of one name");
            let kind = text(field, "type");
            assert!(
                ["string", "integer", "number", "boolean", "date"].contains(&kind.as_str()),
                "{kind}"
            );
            for key in ["title", "description"] {
                assert!(!text(field, key).is_empty());
            }
            if let Some(format) = field.get("format") {
                assert_eq!((kind.as_str(), format), ("string", &Value::from("binary")));
            }
            let Some(categories) = field.get("categories") else { continue };
            assert!(
                ["string", "integer"].contains(&kind.as_str()),
                "categories are of texts or whole numbers"
            );
            let values: Vec<String> =
                categories.as_array().unwrap().iter().map(|one| text(one, "value")).collect();
            assert!(!values.is_empty());
            assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len(), "a value twice");
            assert!(categories.as_array().unwrap().iter().all(|one| one["label"].is_string()));
        }
        assert!(!fields.is_empty());
    }
}

fn linked() -> Council {
    let council = council(40, &["ssda903"]);
    let header: Vec<String> =
        (1..=25).map(|place| header_903_row(&format!("L{place}"), &Child::at(place))).collect();
    council.deliver("ssda903", "header.csv", header_903(&header));
    let rows = (1..=25).map(|place| format!("L{place},19/02/2025,S,V2,N4,U4,PR2,,,,,,\r\n"));
    let episodes = EPISODES_903.join(",") + "\r\n" + &rows.collect::<String>();
    council.deliver("ssda903", "episodes.csv", episodes);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    council
}

fn dictionary(council: &Council) -> Value {
    let ran = council.program("minster", &["dictionary"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran.summary
}

fn field<'a>(package: &'a Value, table: &str, name: &str) -> &'a Value {
    let of = |all: &'a Value, name: &str| {
        all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()
    };
    of(&of(&package["resources"], table)["schema"]["fields"], name)
}

#[test]
fn every_column_of_the_integrated_dataset_is_explained_and_no_row_is_in_it() {
    let council = linked();
    let package = dictionary(&council);
    check_package(&package);
    let tables = [
        "children",
        "exclusion_events",
        "care_episodes",
        "need_events",
        "protection_plan_events",
        "early_help_events",
        "missing_events",
        "sessions_by_month",
        "crosswalk",
    ];
    let names: Vec<&str> = package["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, tables);
    for table in tables {
        let fields =
            package["resources"].as_array().unwrap().iter().find(|of| of["name"] == table).unwrap();
        let fields = fields["schema"]["fields"].as_array().unwrap();
        let fields: Vec<&str> =
            fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(fields, of_period(&council.site, "2024-25", table).columns, "{table}");
    }
    let text = package.to_string();
    for child in (1..=40).map(Child::at) {
        for value in [&child.upn, &child.surname, &child.born, &child.school] {
            assert!(!text.contains(value.as_str()));
        }
    }
    for pseudonym in of_period(&council.site, "2024-25", "children").column("child") {
        assert!(!text.contains(pseudonym));
    }
}

#[test]
fn a_field_has_its_meaning_source_treatment_period_and_codes() {
    let council = linked();
    let package = dictionary(&council);
    let sen = field(&package, "children", "sen");
    assert_eq!(
        *sen,
        serde_json::json!({
            "name": "sen",
            "type": "string",
            "title": "sen",
            "description": "The provision for special educational needs, as the latest school census gives it.",
            "categories": [
                { "value": "E", "label": "education, health and care plan" },
                { "value": "K", "label": "SEN support" },
                { "value": "N", "label": "no special educational need" },
            ],
            "source": "school_census/pupils/sen",
            "sourceColumn": "senprovision",
            "treatment": "mapped to a code of a list",
            "period": "2024-25",
        })
    );
    let latest = field(&package, "children", "latest_placement");
    assert_eq!(latest["description"], "Latest value of place, by decom, in ssda903/episodes.");
    let labels = latest["categories"].as_array().unwrap();
    assert!(labels.contains(&serde_json::json!({ "value": "K2", "label": "children's home" })));
    let count = field(&package, "children", "looked_after_episodes");
    assert_eq!(count["description"], "Number of rows in ssda903/episodes.");
    assert_eq!((&count["source"], &count["type"]), (&"ssda903/episodes".into(), &"integer".into()));
    let age = field(&package, "children", "age_on_31_august");
    assert!(
        age["description"]
            .as_str()
            .unwrap()
            .starts_with("Age in whole years on 08-31 of the period")
    );
    let linked_by = field(&package, "children", "linked_by_ssda903");
    assert_eq!(linked_by["categories"][0]["value"], "identifier");
    let day = field(&package, "care_episodes", "date");
    assert_eq!((&day["type"], &day["treatment"]), (&"date".into(), &"kept as a day".into()));
}

#[test]
fn a_meaning_of_either_definition_is_told_and_a_change_of_matching_asks_for_another_link() {
    let council = linked();
    council.change("sources/ssda903.toml", |text| {
        text.replacen(
            "PLACE = { treatment = \"code\"",
            "PLACE = { meaning = \"Where the child lives.\", treatment = \"code\"",
            1,
        )
    });
    let place = dictionary(&council);
    let place =
        field(&place, "children", "latest_placement")["description"].as_str().unwrap().to_owned();
    assert!(place.ends_with("in ssda903/episodes. Where the child lives."), "{place}");
    // A meaning links nothing anew, and is told at once.
    let care = "[[event]]\nname = \"care_episodes\"\n";
    council.change("matching.toml", |text| {
        text.replacen(care, &format!("{care}meaning = \"Spells in care.\"\n"), 1)
    });
    let package = dictionary(&council);
    let resources = package["resources"].as_array().unwrap();
    let care = resources.iter().find(|of| of["name"] == "care_episodes").unwrap();
    assert_eq!(care["description"], "Spells in care.");
    // Another summary does.
    council.change("matching.toml", |text| {
        text.replacen("kind = \"latest\", of = \"place\"", "kind = \"first\", of = \"place\"", 1)
    });
    let ran = council.program("minster", &["dictionary"]);
    assert_eq!(ran.exit, 2, "{}", ran.text);
    assert!(ran.text.contains("2024-25 was linked by an earlier"), "{}", ran.text);
    assert!(ran.text.contains("run `minster link`"), "{}", ran.text);
    let ran = council.program("minster", &["run"]);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let package = dictionary(&council);
    let first = field(&package, "children", "latest_placement")["description"].as_str().unwrap();
    assert!(first.starts_with("First value of place"), "{first}");
    let other = council.program("minster", &["dictionary", "--period", "2023-24"]);
    assert_eq!(other.exit, 2, "{}", other.text);
    assert!(other.text.contains("it has 2024-25"), "{}", other.text);
}
