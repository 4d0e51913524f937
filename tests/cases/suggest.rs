//! Suggestions hold what they promise: with the lines pasted in, a definition withholds as many cells as was said.

use std::fs;

use minster_tests::{deliveries::Council, files};
use serde_json::Value;

use crate::preview::{define, linked};

fn suggest(council: &Council, definition: &str, more: &[&str]) -> Value {
    let file = council.path("trial.toml");
    fs::write(&file, definition).unwrap();
    let words = [&["suggest", file.to_str().unwrap(), "--json"], more].concat();
    let ran = council.program("minster", &words);
    assert_eq!(ran.exit, 0, "{}", ran.text);
    ran.summary["suggestions"].clone()
}

/// The definition with the lines in the place of those with the same keys, in the section that is named.
fn pasted(definition: &str, suggestion: &Value) -> String {
    let place = suggestion["place"].as_str().unwrap().strip_prefix("in ").unwrap();
    let (section, name) = place.split_once(' ').unwrap();
    let at = definition.find(&format!("{section}\nname = \"{name}\"")).unwrap();
    let (before, rest) = definition.split_at(at);
    let end = rest[1..].find("[[").map_or(rest.len(), |end| end + 1);
    let (own, after) = rest.split_at(end);
    let mut own = own.to_owned();
    for line in suggestion["lines"].as_str().unwrap().lines() {
        let key = format!("{} =", line.split(' ').next().unwrap());
        let kept = own.lines().filter(|of| !of.starts_with(&key));
        own = kept.map(|of| format!("{of}\n")).collect::<String>() + line + "\n";
    }
    format!("{before}{own}{after}")
}

#[test]
fn what_is_suggested_holds_and_is_ranked() {
    let council = linked();
    let definition = fs::read_to_string(council.path("config/tables/looked_at.toml")).unwrap();
    let before = files(&council.path("store"));
    let found = suggest(&council, &definition, &[]);
    assert!(files(&council.path("store")) == before, "nothing is kept");
    let better = found["better"].as_array().unwrap();
    assert!(better.len() >= 3, "{found}");
    let now = found["now"]["withheld"].as_u64().unwrap();
    let mut last = 0;
    for suggestion in better {
        let withheld = suggestion["cells"]["withheld"].as_u64().unwrap();
        assert!(withheld < now && withheld >= last, "{found}");
        last = withheld;
        let pasted = pasted(&definition, suggestion);
        assert_ne!(pasted, definition);
        let trial = council.path("trial.toml");
        fs::write(&trial, pasted).unwrap();
        let ran = council.program("minster", &["preview", trial.to_str().unwrap(), "--json"]);
        assert_eq!(ran.exit, 0, "{}", ran.text);
        let tables = ran.summary["preview"]["tables"].as_array().unwrap();
        let sum = |key: &str| tables.iter().map(|of| of[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(
            [sum("cells"), sum("withheld")],
            [&suggestion["cells"]["cells"], &suggestion["cells"]["withheld"]]
                .map(|of| of.as_u64().unwrap()),
            "{suggestion}"
        );
    }
    let words: Vec<&str> = better.iter().map(|of| of["change"].as_str().unwrap()).collect();
    assert!(words.iter().any(|words| words.contains("wider bands")), "{words:?}");
    assert!(words.contains(&"the table by_sex without ethnicity"), "{words:?}");
}

#[test]
fn the_number_of_tries_is_bounded_and_a_refused_definition_may_be_helped() {
    let council = linked();
    let definition = fs::read_to_string(council.path("config/tables/looked_at.toml")).unwrap();
    let found = suggest(&council, &definition, &["--most", "1"]);
    let tried = ["no_better", "refused"].map(|key| found[key].as_u64().unwrap());
    assert_eq!(found["better"].as_array().unwrap().len() as u64 + tried.iter().sum::<u64>(), 1);
    assert!(found["untried"].as_u64().unwrap() > 3, "{found}");
    let none = suggest(&council, &definition, &["--seconds", "0"]);
    assert_eq!(none["better"].as_array().unwrap().len(), 0, "{none}");
    // Under this threshold no number but the total of a coarse table could be shown.
    let refused = definition.replace("threshold = 5", "threshold = 5000");
    define(&council, "looked_at.toml", &refused);
    let found = suggest(&council, &refused, &[]);
    assert!(found["now"].is_null(), "{found}");
    assert!(found["refused"].as_u64().unwrap() > 3, "{found}");
}
