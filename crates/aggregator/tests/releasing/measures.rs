//! Numbers beside the children: sums, means, medians and rates.

use super::*;

#[test]
fn measures_say_what_they_are_defined_to() {
    let site = Site::new();
    let rows = site.rows(&format!(
        "{HEAD}
[[table]]
name = \"t\"
dimensions = [\"sex\"]
measure = [
  {{ name = \"missed\", sum = \"missed\" }},
  {{ name = \"mean\", mean = \"missed\" }},
  {{ name = \"rate\", sum = \"excluded\", per = \"children\", times = 100 }},
  {{ name = \"share\", percentage = \"sex\" }},
  {{ name = \"median\", median = \"missed\", step = 10 }},
]
"
    ));
    // Eighty girls: each ward has 0 to 19, which miss 0, 5 … 30 in turn.
    let girls = cell(&rows, &[("sex", "F")]);
    let missed = 4 * (0..20).map(|child| child % 7 * 5).sum::<i64>();
    assert_eq!(girls["missed"], missed.to_string());
    assert_eq!(missed, 1140);
    assert_eq!(girls["mean"], "14.3");
    assert_eq!(girls["rate"], "10");
    assert_eq!(girls["share"], "40");
    // Missed 0 counts as 0, 5 and 10 as 10, 15 and 20 as 20, 25 and 30 as 30.
    assert_eq!(girls["median"], "20");
    let nobody = cell(&rows, &[("sex", "Unknown")]);
    assert_eq!((nobody["mean"].as_str(), nobody["mean_status"].as_str()), ("", "z"));
}

#[test]
fn few_events_are_withheld_though_children_are_many() {
    let site = Site::new();
    let rows = site.rows(&format!(
        "{HEAD}\n[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\nmeasure = [{{ name = \"exclusions\", events = \"excluded\" }}]\n"
    ));
    // w3: children 0, 10 and 20 were excluded.
    let w3 = cell(&rows, &[("ward", "w3")]);
    assert_eq!((w3["children"].as_str(), w3["exclusions_status"].as_str()), ("23", "c"));
    let south = cell(&rows, &[("ward", "south")]);
    let w4 = cell(&rows, &[("ward", "w4")]);
    assert!(south["exclusions"].is_empty() || w4["exclusions"].is_empty());
}

#[test]
fn a_sum_of_one_respondent_is_withheld() {
    let site = Site::new();
    let table = "[[table]]\nname = \"t\"\ndimensions = [\"ward\"]\nmeasure = [{ name = \"exclusions\", sum = \"excluded\" }]\n";
    let total = |rows: &[BTreeMap<String, String>]| {
        cell(rows, &[("ward", "all")])["exclusions_status"].clone()
    };
    assert_eq!(total(&site.rows(&format!("{HEAD}{table}"))), "");
    // Only one school excludes.
    let of_schools = "holder = { column = \"school\" }\n";
    let with_holders = format!("{of_schools}{}{table}", HEAD.replacen("\"r\"", "\"s\"", 1));
    // Beside a release that shows the total it cannot be hidden.
    let error = site.release(&with_holders).unwrap_err().to_string();
    assert!(error.contains("other rules for sums"), "{error}");
    let rows = Site::new().rows(&with_holders);
    assert_eq!(total(&rows), "c");
}
