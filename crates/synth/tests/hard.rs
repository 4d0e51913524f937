//! The promises of the harder council: valid returns of two years, and each way in which linking can fail.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

mod xmllint;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use minster_synth::{Council, Defects};

fn council(pupils: u64, seed: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let council = Council { pupils, seed, days: 2, defects: Defects::hard(), hard: true };
    council.write(&folder.path().join("out"), &folder.path().join("truth")).unwrap();
    folder
}

/// The data lines of a file, cell by cell.
fn lines(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Truth: children by their numbers.
fn children(folder: &Path) -> Vec<Vec<String>> {
    lines(&folder.join("truth/children.csv"))
}

fn pairs(folder: &Path, name: &str) -> Vec<(usize, usize)> {
    let pairs = lines(&folder.join("truth").join(name));
    pairs.iter().map(|pair| (pair[0].parse().unwrap(), pair[1].parse().unwrap())).collect()
}

#[test]
fn both_years_returns_validate() {
    let Some(spec) = xmllint::schemas() else { return };
    for seed in 1..=3 {
        let folder = council(3000, seed);
        for (schema, file) in [
            ("cin/CIN_schema_2024.xsd", "out/cin/2023-24/cin.xml"),
            ("cin/CIN_schema_2025.xsd", "out/cin/2024-25/cin.xml"),
            ("sen2/sen2_schema_2025.xsd", "out/sen2/2024-25/sen2.xml"),
        ] {
            xmllint::assert_valid(&spec.join(schema), &folder.path().join(file));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_harder_council_whatever_the_threads() {
    let made = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let folder = pool.install(|| council(900, 7));
        let (out, truth) = (folder.path().join("out"), folder.path().join("truth"));
        let files = [
            truth.join("rows.csv"),
            truth.join("children.csv"),
            out.join("school_census/2023-autumn/2023_autumn_pupilonroll.csv"),
            out.join("cin/2024-25/cin.xml"),
        ];
        files.map(|file| fs::read(file).unwrap())
    };
    assert!(made(1) == made(3));
}

#[test]
fn twins_and_adopted_children_are_named_in_pairs() {
    let folder = council(9000, 1);
    let children = children(folder.path());
    let (born, home, surname, upn) = (5, 8, 6, 1);
    let twins = pairs(folder.path(), "twins.csv");
    assert!(twins.len() > 50, "{}", twins.len());
    for (one, other) in twins {
        assert_eq!(children[one][born], children[other][born]);
        assert_eq!(children[one][home], children[other][home]);
    }
    let adopted = pairs(folder.path(), "exact_only.csv");
    assert!(adopted.len() > 8, "{}", adopted.len());
    for (before, after) in adopted {
        let (before, after) = (&children[before], &children[after]);
        assert_eq!(before[born], after[born]);
        assert!(before[upn] != after[upn] && before[home] != after[home]);
        assert!(before[11] == "true" && after[11] == "true");
    }
    let renamed = pairs(folder.path(), "exact_only.csv");
    let renamed =
        renamed.iter().filter(|pair| children[pair.0][surname] != children[pair.1][surname]);
    assert!(renamed.count() > 5);
}

#[test]
fn each_row_of_both_years_has_its_true_child() {
    let folder = council(2000, 2);
    let told = lines(&folder.path().join("truth/rows.csv"));
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    told.iter().for_each(|row| *rows.entry(&row[0]).or_default() += 1);
    for file in [
        "school_census/2023-autumn/2023_autumn_pupilonroll.csv",
        "school_census/2025-summer/2025_summer_pupilonroll.csv",
        "ssda903/2023-24/SSDA903_2024_header.csv",
        "ssda903/2024-25/SSDA903_2025_header.csv",
        "early_help/2023-24/early_help.csv",
        "ssd/2024-25/ssd_person.csv",
    ] {
        let delivered = lines(&folder.path().join("out").join(file)).len();
        assert!(delivered > 10, "{file}");
        assert_eq!(rows[file], delivered, "{file}");
    }
}

#[test]
fn every_way_to_fail_is_there() {
    let folder = council(9000, 3);
    let told = lines(&folder.path().join("truth/rows.csv"));
    let defects: BTreeSet<&str> = told.iter().map(|row| row[3].as_str()).collect();
    for defect in [
        "wrong-digit",
        "swapped-digits",
        "anothers-upn",
        "wrong-birth-date",
        "name-variant",
        "short-name",
        "swapped-names",
        "former-name",
        "former-home",
        "part-of-a-double-name",
        "wrong-nhs-number",
    ] {
        assert!(defects.contains(defect), "{defect}");
    }
    let mut traits: BTreeMap<String, usize> = BTreeMap::new();
    for row in lines(&folder.path().join("truth/traits.csv")) {
        *traits.entry(row[1].clone()).or_default() += 1;
    }
    for one in
        ["newly-arrived", "transliterated", "name-changed", "moved", "namesake", "number-changed"]
    {
        assert!(traits[one] > 20, "{one}: {traits:?}");
    }
    // Namesakes of different families, some born on one day.
    let children = children(folder.path());
    let mut named: BTreeMap<[&str; 2], Vec<&Vec<String>>> = BTreeMap::new();
    for child in children.iter().filter(|child| !child[7].is_empty()) {
        named.entry([&child[6], &child[7]]).or_default().push(child);
    }
    let namesakes = named.values().filter(|same| same.len() > 1);
    let born_alike =
        namesakes.clone().filter(|same| same.windows(2).any(|two| two[0][5] == two[1][5]));
    assert!(namesakes.count() > 100);
    assert!(born_alike.count() > 2);
    // A temporary number of the year before is another child's now.
    let numbers = |term: &str| -> BTreeMap<String, String> {
        let file = format!("{}_pupilonroll.csv", term.replace('-', "_"));
        let rows = lines(&folder.path().join("out/school_census").join(term).join(file));
        rows.into_iter().map(|row| (row[8].clone(), row[2].clone())).collect()
    };
    let (before, now) = (numbers("2024-summer"), numbers("2024-autumn"));
    let again = before.iter().filter(|(number, born)| {
        number.ends_with(|last: char| last.is_ascii_uppercase())
            && now.get(*number).is_some_and(|other| other != *born)
    });
    assert!(again.count() > 2);
    // Errors are more frequent about children whose names were written in other letters first.
    let foreign: BTreeSet<String> = lines(&folder.path().join("truth/traits.csv"))
        .into_iter()
        .filter(|row| row[1] == "transliterated")
        .map(|row| row[0].clone())
        .collect();
    let share = |is_foreign: bool| {
        let of = || {
            told.iter().filter(|row| {
                row[0].starts_with("early_help") && foreign.contains(&row[2]) == is_foreign
            })
        };
        let varied = of().filter(|row| row[3] == "name-variant" || row[3] == "misspelt-name");
        varied.count() as f64 / of().count() as f64
    };
    assert!(share(true) > 2.0 * share(false), "{} {}", share(true), share(false));
}
