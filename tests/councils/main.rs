//! Small made-up councils with all that goes wrong in deliveries: what the program makes of them is what a second program,
//! in Python, counts from the raw files. `MINSTER_COUNCILS` asks for more of them.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod made_council;
#[path = "../values.rs"]
#[allow(dead_code, reason = "one of its ways to look at a dataset is used here")]
mod values;

use std::{collections::BTreeMap, fs, process::Command};

use minster_tests::{deliveries::Council, root};

use self::made_council::DELIVERIES;

/// The values that are compared for a child, in the order of the second program.
const COLUMNS: [&str; 10] = [
    "on_spine",
    "sex",
    "sen",
    "ethnicity",
    "year_group",
    "meal_periods",
    "looked_after_episodes",
    "referrals",
    "plans",
    "missing_episodes",
];

/// A line a child, of the integrated dataset.
fn linked(council: &Council) -> Vec<String> {
    let table = values::integrated(&council.site);
    let columns: Vec<Vec<&str>> = COLUMNS.iter().map(|name| table.column(name)).collect();
    let line = |row: usize| columns.iter().map(|column| column[row]).collect::<Vec<_>>().join(",");
    let mut lines: Vec<String> = (0..table.rows.len()).map(line).collect();
    lines.sort();
    lines
}

/// The same of the raw files, counted by the second program; none without Python.
fn counted(council: &Council) -> Option<Vec<String>> {
    let script = root().join("tests/councils/count.py");
    let output = Command::new("python3").arg(script).arg(council.path("drop")).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    Some(lines)
}

#[test]
fn every_child_of_a_council_with_defects_is_as_a_second_program_counts_it() {
    let councils = std::env::var("MINSTER_COUNCILS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    for seed in 0..councils {
        let council = Council::of_deliveries(&DELIVERIES);
        made_council::deliver(&council, seed);
        let Some(expected) = counted(&council) else {
            minster_tests::left_out("there is no python3 to count with");
            return;
        };
        let ran = council.run();
        assert_eq!(ran.exit, 0, "council {seed}: {}", ran.text);
        let linked = linked(&council);
        let only = |a: &[String], b: &[String]| {
            a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>()
        };
        let differ = (only(&linked, &expected), only(&expected, &linked));
        assert!(
            linked == expected,
            "council {seed}, {} children and not {}: the program alone has {:#?}, the second alone {:#?}\n{}",
            linked.len(),
            expected.len(),
            differ.0,
            differ.1,
            ran.text
        );
    }
}

#[test]
fn the_integrated_dataset_is_the_same_whatever_the_threads() {
    let council = Council::of_deliveries(&DELIVERIES);
    made_council::deliver(&council, 5);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let pipeline = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    let linked = || {
        let table = values::integrated(&council.site);
        (table.columns, table.rows)
    };
    let first = linked();
    assert!(first.1.len() > 70);
    for threads in [1, 2, 5] {
        let with = format!("threads = {threads}\n{pipeline}");
        fs::write(council.path("pipeline.toml"), with).unwrap();
        for (program, command) in [("minster-ingest", "run"), ("minster", "link")] {
            let ran = council.program(program, &[command, "--again"]);
            assert_eq!(ran.exit, 0, "{}", ran.text);
        }
        // Pseudonyms and the order of children too.
        assert!(linked() == first, "{threads} threads");
    }
}

#[test]
fn the_crosswalk_leads_each_row_to_the_child_that_it_is_counted_for() {
    let council = Council::of_deliveries(&DELIVERIES);
    made_council::deliver(&council, 6);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    let children = values::integrated(&council.site);
    let crosswalk = values::of_period(&council.site, "2024-25", "crosswalk");
    let mut episodes: BTreeMap<&str, usize> =
        children.column("child").into_iter().map(|child| (child, 0)).collect();
    let (sources, of) = (crosswalk.column("source"), crosswalk.column("child"));
    for (source, child) in sources.into_iter().zip(of) {
        // No row is about a child that is not there.
        let known = episodes.get_mut(child).unwrap();
        *known += usize::from(source == "missing");
    }
    let counted =
        children.column("missing_episodes").into_iter().map(|count| count.parse().unwrap());
    let counted: BTreeMap<&str, usize> =
        children.column("child").into_iter().zip(counted).collect();
    assert_eq!(episodes, counted);
    assert!(episodes.values().sum::<usize>() > 15);
}
