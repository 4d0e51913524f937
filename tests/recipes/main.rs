//! The releases of `examples/releases`: each number that one would publish is what a plain count of the raw files says.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod led_together;
mod queries;
mod raw;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use minster_tests::{Site, care_leavers::more_care_leavers, root, text};
use serde_json::Value;

use self::raw::Child;

const PUPILS: &str = "3000";
const NO_DEFECTS: &str = r#"{ "untidy_upn": 0, "wrong_check_letter": 0, "shared_upn": 0, "second_upn": 0, "duplicate_row": 0,
    "missing_upn": 0, "serial_date": 0, "swapped_date": 0, "unknown_code": 0, "misspelt_name": 0, "wrong_nhs_number": 0,
    "trailing_rows": 0 }"#;
const MARCH: &str = "2025-03-31";

/// A council with the shipped configuration, linked, and a look-up of police areas: each is of some localities.
fn linked() -> Site {
    let site = Site::new();
    minster_tests::copy(&root().join("config"), &site.folder().join("config"));
    minster_tests::copy(&root().join("examples/releases"), &site.folder().join("releases"));
    fs::write(site.folder().join("defects.json"), NO_DEFECTS).unwrap();
    let council = ["--pupils", PUPILS, "--seed", "5", "--out", "council", "--truth", "truth"];
    let made = site.run("minster-synth", &[&council[..], &["--defects", "defects.json"]].concat());
    assert!(made.status.success(), "{}", text(&made));
    more_care_leavers(site.folder());
    let wards =
        fs::read_to_string(site.folder().join("council/lookups/ward_locality.csv")).unwrap();
    let mut areas = "ward,police_area\n".to_owned();
    for line in wards.lines().skip(1) {
        let (ward, locality) = line.split_once(',').unwrap();
        areas += &format!("{ward},{}\n", police_area(locality));
    }
    fs::write(site.folder().join("config/police_area.csv"), areas).unwrap();
    let path = site.folder().join("config/pipeline.toml");
    let pipeline = fs::read_to_string(&path).unwrap();
    let with_area =
        pipeline.replace("[lookups]\n", "[lookups]\npolice_area = \"police_area.csv\"\n");
    assert_ne!(pipeline, with_area);
    fs::write(path, with_area.replace("quiet_seconds = 2", "quiet_seconds = 0")).unwrap();
    let ran = site.run("minster", &["run"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    site
}

fn police_area(locality: &str) -> &str {
    if ["North", "West"].contains(&locality.trim()) { "Rural" } else { "City" }
}

/// The numbers of a table that a preview shows, by its categories.
type Shown = Vec<(Vec<String>, Vec<Option<f64>>)>;

fn preview(site: &Site, release: &str) -> BTreeMap<String, Shown> {
    shown_by(site, &["preview", &format!("releases/{release}.toml")])
}

fn shown_by(site: &Site, command: &[&str]) -> BTreeMap<String, Shown> {
    let ran = site.run("minster", &[command, &["--json"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{command:?}: {}", text(&ran));
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let tables = report["preview"]["tables"].as_array().unwrap();
    let shown = |table: &Value| {
        let rows = table["numbers"]["rows"].as_array().unwrap().iter();
        let rows = rows.map(|row| {
            let (mut categories, mut numbers) = (Vec::new(), Vec::new());
            for cell in row.as_array().unwrap() {
                match cell.as_str() {
                    Some(word) if word.starts_with('[') => numbers.push(None),
                    Some(word) => categories.push(word.to_owned()),
                    None => numbers.push(cell.as_f64()),
                }
            }
            (categories, numbers)
        });
        (table["name"].as_str().unwrap().to_owned(), rows.collect())
    };
    tables.iter().map(shown).collect()
}

/// One child's categories of a table's dimensions, in order.
type Categories<'a> = dyn Fn(&Child) -> Vec<String> + 'a;
/// The numbers beside a count, of the children of a cell and of all in the table.
type Measures<'a> = dyn Fn(&[&Child], &[&Child]) -> Vec<Option<f64>> + 'a;

/// Compares what a preview shows with a count: `total` is the name of the total of each dimension.
fn compare(
    found: &mut Vec<String>,
    (shown, least): (&Shown, usize),
    children: &[&Child],
    totals: &[&str],
    categories: &Categories<'_>,
    measures: &Measures<'_>,
) {
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut of_cells: BTreeMap<Vec<String>, Vec<&Child>> = BTreeMap::new();
    for child in children {
        let own = categories(child);
        for which in 0..1u32 << own.len() {
            let name = |(place, category): (usize, &String)| match which >> place & 1 {
                1 => totals[place].to_owned(),
                _ => category.clone(),
            };
            of_cells.entry(own.iter().enumerate().map(name).collect()).or_default().push(child);
        }
    }
    for (cell, numbers) in shown {
        let nobody = Vec::new();
        let counted = of_cells.get(cell).unwrap_or(&nobody);
        let mut expected = vec![Some(counted.len() as f64)];
        expected.extend(measures(counted, children));
        assert_eq!(numbers.len(), expected.len(), "{cell:?}");
        for (number, expected) in numbers.iter().zip(expected) {
            let (Some(number), Some(expected)) = (number, expected) else { continue };
            if (number - expected).abs() > 0.051 {
                wrong.push(format!("{cell:?}: {number}, and counted {expected}"));
            }
            compared += 1;
        }
    }
    found.extend(wrong);
    // Every category that children have stands in the table, if its label is not withheld.
    let labels =
        shown.iter().filter(|(cell, _)| cell.iter().any(|of| of.starts_with("(withheld"))).count();
    let inner = |cell: &&Vec<String>| !cell.iter().zip(totals).any(|(of, total)| of == total);
    let missing = of_cells
        .keys()
        .filter(inner)
        .filter(|cell| !shown.iter().any(|(of, _)| of == *cell))
        .count();
    let name = &shown[0].0;
    if missing > labels {
        found
            .push(format!("{name:?}: {missing} categories are not shown, and {labels} are hidden"));
    }
    if compared < least {
        found.push(format!("{name:?}: {compared} numbers were compared, and not {least}"));
    }
}

fn no_measures(_: &[&Child], _: &[&Child]) -> Vec<Option<f64>> {
    Vec::new()
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn or_unknown(text: &str) -> String {
    if text.is_empty() { "Unknown" } else { text }.to_owned()
}

fn sen(child: &Child) -> String {
    match child.of("sen") {
        "N" => "No SEN",
        "K" => "SEN support",
        "E" => "EHC plan",
        other => panic!("{other}"),
    }
    .to_owned()
}

fn ethnic_group(child: &Child) -> String {
    match child.of("ethnicity") {
        "" => "Unknown",
        "REFU" | "NOBT" => "Not known",
        // An extended code begins as its main group does; CHNE and those below it are Chinese.
        code => match &code[..1] {
            "W" => "White",
            "M" => "Mixed",
            "A" | "C" => "Asian",
            "B" => "Black",
            "O" => "Any other",
            _ => panic!("{code}"),
        },
    }
    .to_owned()
}

fn percent(of: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| of as f64 * 100.0 / all as f64)
}

fn persistence(child: &Child) -> String {
    let (missed, possible) = child.sessions();
    match possible {
        0 => "No sessions".to_owned(),
        _ => yes(missed * 10 >= possible),
    }
}

/// The share of the children of a cell, among all with the other categories of the cell.
fn shares(
    of: impl Fn(&Child) -> Vec<String>,
    place: usize,
) -> impl Fn(&[&Child], &[&Child]) -> Vec<Option<f64>> {
    move |counted, all| {
        let Some(first) = counted.first() else { return vec![None] };
        let mut same: Vec<bool> = vec![true; of(first).len()];
        for child in counted {
            let own = of(child);
            same.iter_mut()
                .zip(own.iter().zip(of(first)))
                .for_each(|(same, (a, b))| *same &= *a == b);
        }
        // A cell of one category by chance looks like that category: it is the same share.
        let has = |child: &&&Child| {
            let own = of(child);
            own.iter()
                .zip(of(first))
                .enumerate()
                .all(|(at, (a, b))| at == place || !same[at] || *a == b)
        };
        vec![percent(counted.len(), all.iter().filter(has).count())]
    }
}

#[test]
fn each_example_publishes_what_the_raw_files_say() {
    let site = linked();
    let everyone = raw::children(site.folder());
    let all: Vec<&Child> = everyone.iter().filter(|child| child.is_known).collect();
    let pupils: Vec<&Child> = all.iter().copied().filter(|child| child.is_pupil).collect();
    let mut found = Vec::new();
    let table = |release: &str, table: &str| preview(&site, release).remove(table).unwrap();
    // Rows about children who are no pupils have no pupil number to lead them together: a few such children count twice, as
    // the linkage report says. The releases about all children count them so.
    let led_together = raw::children_led_together(site.folder());
    let known: Vec<&Child> = led_together.iter().filter(|child| child.is_known).collect();
    assert!(known.len() > all.len(), "{} of {}", known.len(), all.len());

    let shown = table("sen_by_ward", "sen_by_ward");
    let of =
        |child: &Child| vec![or_unknown(child.of("ward")), child.of("sex").to_owned(), sen(child)];
    compare(&mut found, (&shown, 100), &pupils, &["All wards", "All", "All"], &of, &no_measures);

    let absence = preview(&site, "absence_by_school");
    let of = |child: &Child| vec![child.of("school").to_owned(), persistence(child)];
    compare(
        &mut found,
        (&absence["absence_by_school"], 30),
        &pupils,
        &["All schools", "All"],
        &of,
        &shares(of, 1),
    );
    let years = |child: &Child| {
        let phase = match child.of("year") {
            "N1" | "N2" | "R" => "Early years",
            year => match year.parse::<u32>().unwrap() {
                1..=6 => "Years 1 to 6",
                7..=11 => "Years 7 to 11",
                _ => "Years 12 to 14",
            },
        };
        vec![phase.to_owned(), persistence(child)]
    };
    compare(
        &mut found,
        (&absence["absence_by_years"], 10),
        &pupils,
        &["All", "All"],
        &years,
        &shares(years, 1),
    );

    let shown = table("exclusions_by_ethnicity", "exclusions_by_ethnicity");
    let suspensions = |counted: &[&Child], _: &[&Child]| {
        let sum: usize = counted.iter().map(|child| child.suspensions.len()).sum();
        vec![Some(sum as f64), percent(sum, counted.len())]
    };
    compare(
        &mut found,
        (&shown, 10),
        &pupils,
        &["All"],
        &|child| vec![ethnic_group(child)],
        &suspensions,
    );

    let shown = table("looked_after_by_placement", "looked_after_by_placement");
    let in_care: Vec<&Child> =
        all.iter().copied().filter(|of| of.place_on(MARCH).is_some()).collect();
    let of = |child: &Child| {
        let place = match child.place_on(MARCH).unwrap() {
            "U1" | "U2" | "U3" | "U4" | "U5" | "U6" => "Foster placement",
            "K1" | "K2" | "R1" => "Children's home",
            "P1" => "Parents",
            _ => "Other",
        };
        let age = match child.age_on(MARCH) {
            0..=4 => "0 to 4",
            5..=9 => "5 to 9",
            10..=15 => "10 to 15",
            _ => "16 and over",
        };
        vec![place.to_owned(), age.to_owned()]
    };
    compare(&mut found, (&shown, 8), &in_care, &["All", "All"], &of, &no_measures);

    // A ward and its locality are rows of one table, and each is counted by itself.
    let localities: BTreeSet<&str> = pupils.iter().map(|child| child.of("locality")).collect();
    let is_locality =
        |(cell, _): &(Vec<String>, Vec<Option<f64>>)| localities.contains(cell[0].as_str());
    let shown = table("protection_by_ward", "protection_by_ward");
    let (of_localities, of_wards): (Shown, Shown) = shown.into_iter().partition(is_locality);
    assert_eq!(of_localities.len(), 3 * localities.len());
    for (place, shown, least) in [("locality", &of_localities, 5), ("ward", &of_wards, 33)] {
        let of = |child: &Child| {
            let is_on_plan = child.protection.iter().any(|of| of.is_open(MARCH));
            vec![or_unknown(child.of(place)), yes(is_on_plan)]
        };
        compare(&mut found, (shown, least), &pupils, &["All wards", "All"], &of, &no_measures);
    }

    let terms = preview(&site, "early_help_by_term");
    for (term, first, last) in [
        ("autumn", "2024-09-01", "2024-12-31"),
        ("spring", "2025-01-01", "2025-03-31"),
        ("summer", "2025-04-01", "2025-08-31"),
    ] {
        let of = |child: &Child| {
            let helped = child.early_help.iter().any(|of| of.touches(first, last));
            vec![or_unknown(child.of("locality")), yes(helped)]
        };
        compare(&mut found, (&terms[term], 12), &pupils, &["All", "All"], &of, &no_measures);
    }

    let shown = table("missing_by_looked_after", "missing_by_looked_after");
    let episodes = |counted: &[&Child], _: &[&Child]| {
        let days = || counted.iter().flat_map(|child| &child.missing);
        let autumn = days().filter(|day| ("2024-09-01".."2025-01-01").contains(&day.as_str()));
        vec![Some(days().count() as f64), Some(autumn.count() as f64)]
    };
    compare(
        &mut found,
        (&shown, 4),
        &known,
        &["All"],
        &|child| vec![yes(!child.care.is_empty())],
        &episodes,
    );

    let shown = table("meals_by_sen", "meals_by_sen");
    let of = |child: &Child| vec![yes(!child.meals.is_empty()), sen(child), ethnic_group(child)];
    compare(&mut found, (&shown, 50), &pupils, &["All", "All", "All"], &of, &no_measures);

    let shown = table("attendance_by_month", "attendance_by_month");
    let months = ["2024-09", "2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03"];
    let rates = |counted: &[&Child], _: &[&Child]| {
        let of_month = |month: &&str| {
            let sessions = counted.iter().filter_map(|child| child.sessions.get(*month));
            let (missed, possible) = sessions.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
            percent(missed as usize, possible as usize)
        };
        months.iter().map(of_month).collect()
    };
    compare(&mut found, (&shown, 24), &pupils, &["All"], &|child| vec![sen(child)], &rates);

    let shown = table("sen_by_police_area", "sen_by_police_area");
    let of = |child: &Child| vec![police_area(child.of("locality")).to_owned(), sen(child)];
    compare(&mut found, (&shown, 10), &pupils, &["All areas", "All"], &of, &no_measures);

    let shown = table("absence_medians", "absence_medians");
    let medians = |counted: &[&Child], all: &[&Child]| {
        let missed = |child: &&Child| {
            let (missed, possible) = child.sessions();
            (possible > 0).then(|| missed * 100 / possible)
        };
        let mut values: Vec<u64> = counted.iter().filter_map(missed).collect();
        values.sort_unstable();
        let median = values.len().checked_sub(1).map(|last| values[last / 2] as f64);
        vec![percent(counted.len(), all.len()), median]
    };
    compare(&mut found, (&shown, 10), &pupils, &["All"], &|child| vec![sen(child)], &medians);

    let shown = table("care_leavers", "care_leavers");
    let leavers: Vec<&Child> = all.iter().copied().filter(|of| of.activity.is_some()).collect();
    let of = |child: &Child| {
        let is_busy = !child.activity.as_ref().unwrap().starts_with('G');
        vec![
            if is_busy {
                "In education, training or work"
            } else {
                "Not in education, training or work"
            }
            .to_owned(),
        ]
    };
    compare(&mut found, (&shown, 3), &leavers, &["All"], &of, &no_measures);

    let shown = table("services_together", "services_together");
    let of = |child: &Child| {
        let services = [
            ("Early help", !child.early_help.is_empty()),
            ("In need", !child.referrals.is_empty()),
            ("Looked after", !child.care.is_empty()),
            ("EHC plan", child.plans > 0),
        ];
        let names: Vec<&str> =
            services.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        vec![if names.is_empty() { "No service".to_owned() } else { names.join(" + ") }]
    };
    compare(&mut found, (&shown, 4), &known, &["All children"], &of, &no_measures);

    let shown = table("paths", "paths");
    let of = |child: &Child| {
        let first = |name, days: Option<&String>| days.map(|day| (day.clone(), name));
        let steps = [
            first("Early help", child.early_help.iter().map(|of| &of.from).min()),
            first("In need", child.referrals.iter().min()),
            first("Looked after", child.care.iter().map(|(of, _)| &of.from).min()),
        ];
        let mut steps: Vec<(String, &str)> = steps.into_iter().flatten().collect();
        steps.sort_by(|a, b| a.0.cmp(&b.0));
        let mut path = String::new();
        for (place, (day, name)) in steps.iter().enumerate() {
            path += match place.checked_sub(1).map(|before| steps[before].0 == *day) {
                None => "",
                Some(true) => " & ",
                Some(false) => " > ",
            };
            path += name;
        }
        vec![if path.is_empty() { "No service".to_owned() } else { path }]
    };
    compare(&mut found, (&shown, 4), &known, &["All children"], &of, &no_measures);
    assert!(found.is_empty(), "{found:#?}");
}
