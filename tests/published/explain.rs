//! Why the cells of a release are withheld, told to the analyst.

use std::{collections::BTreeSet, fs};

use minster_tests::without_origin;
use serde_json::Value;

use crate::{done, ends, json, released, run};

#[test]
fn an_analyst_is_told_why_and_what_would_free_a_cell_and_never_a_count() {
    let site = released();
    let summary = done(&site, "explain children");
    assert!(summary.contains("withheld because it is below the threshold"), "{summary}");
    assert!(summary.contains("this may free it:\n  - a coarser category"), "{summary}");

    let told = json(&site, "explain children");
    let cells = told["cells"].as_array().unwrap();
    let fields: BTreeSet<&str> = cells
        .iter()
        .flat_map(|cell| cell.as_object().unwrap().keys())
        .map(String::as_str)
        .collect();
    let expected = ["categories", "cause", "freed_by", "of", "shown_coarser", "table", "why"];
    assert_eq!(fields, BTreeSet::from(expected));
    assert!(cells.iter().all(|cell| !cell.as_object().unwrap().values().any(Value::is_number)));
    let causes: BTreeSet<&str> = cells.iter().map(|cell| cell["cause"].as_str().unwrap()).collect();
    for cause in ["below-threshold", "secondary", "as-count"] {
        assert!(causes.contains(cause), "{causes:?}");
    }

    // As many cells as the file withholds, by the names that the file has.
    let folder = site.folder().join("store/releases/children/2024-25/current");
    let file =
        without_origin(&fs::read_to_string(folder.join("looked_after_by_ward.csv")).unwrap());
    let withheld: BTreeSet<String> =
        file.lines().filter_map(|row| row.strip_suffix(",,c")).map(str::to_owned).collect();
    let of_table = cells.iter().filter(|cell| cell["table"] == "looked_after_by_ward");
    let named: BTreeSet<String> = of_table
        .map(|cell| {
            ["ward", "looked_after"].map(|of| cell["categories"][of].as_str().unwrap()).join(",")
        })
        .collect();
    assert_eq!(named, withheld);

    // What is said to be published one step coarser is published.
    let cell = cells.iter().find(|cell| {
        cell["table"] == "looked_after_by_ward" && cell["shown_coarser"] != serde_json::json!([])
    });
    for coarser in cell.unwrap()["shown_coarser"].as_array().unwrap() {
        let row = ["ward", "looked_after"].map(|of| coarser[of].as_str().unwrap()).join(",");
        let row = file.lines().find(|line| line.starts_with(&format!("{row},"))).unwrap();
        assert!(!row.ends_with(",c"), "{row}");
    }
    let ward = cell.unwrap()["categories"]["ward"].as_str().unwrap();
    let one = ["explain", "children", "--table", "looked_after_by_ward"];
    let of = [format!("ward={ward}"), "looked_after=yes".to_owned()];
    let one = [&one[..], &["--cell", &of[0], "--cell", &of[1]]].concat();
    let words = minster_tests::text(&site.run("minster", &one));
    assert!(words.contains("withheld because") && !words.contains("certificates"), "{words}");
    let exactly = minster_tests::text(&site.run("minster", &[&one[..], &["--exact"]].concat()));
    assert!(exactly.contains("the certificates show it from"), "{exactly}");
}

#[test]
fn a_name_that_is_none_is_refused_with_the_nearest() {
    let site = released();
    let line = "explain children --table looked_after_by_wrad";
    let told = ends(&site, line, 2);
    assert!(
        told.contains("there is no table looked_after_by_wrad: did you mean looked_after_by_ward?"),
        "{told}"
    );
    let line = "explain children --table looked_after_by_ward --cell";
    let told = ends(&site, &format!("{line} wrad=Abbey"), 2);
    assert!(told.contains("did you mean ward? There are ward, looked_after"), "{told}");
    for exact in ["", " --exact"] {
        let told = ends(&site, &format!("{line} ward=Abey{exact}"), 2);
        assert!(told.contains("there is no category Abey of ward: did you mean Abbey?"), "{told}");
    }
}

/// Categories that come from the data, one of them of a single child: nobody is told its name.
const OPEN: &str = r#"
name = "open"
threshold = 5
zeros = "may-be-withheld"
insider = 0
population = "spine"

[[dimension]]
name = "ethnicity"
column = "ethnicity"
total = "All"

[[table]]
name = "by_ethnicity"
dimensions = ["ethnicity"]
"#;

#[test]
fn a_category_without_a_name_in_the_files_has_none_here() {
    let site = minster_tests::Site::new();
    site.make_council(300, 2);
    fs::remove_file(site.folder().join("config/tables/children.toml")).unwrap();
    fs::write(site.folder().join("config/tables/open.toml"), OPEN).unwrap();
    site.released();
    let folder = site.folder().join("store/releases/open/2024-25/current");
    let file = without_origin(&fs::read_to_string(folder.join("by_ethnicity.csv")).unwrap());
    let names: BTreeSet<&str> = file.lines().filter_map(|row| row.split(',').next()).collect();
    assert!(names.contains("(withheld 1)"), "{file}");
    let told = json(&site, "explain open");
    let cells = told["cells"].as_array().unwrap();
    assert!(!cells.is_empty());
    for cell in cells {
        assert!(names.contains(cell["categories"]["ethnicity"].as_str().unwrap()), "{cell}");
    }
    // Nor does a mistake tell it.
    let told = run(&site, "explain open --table by_ethnicity --cell ethnicity=zzz");
    let told = minster_tests::text(&told);
    let listed = told.split("there are ").nth(1).unwrap().trim();
    assert!(listed.split(", ").all(|name| names.contains(name)), "{told}");
}
