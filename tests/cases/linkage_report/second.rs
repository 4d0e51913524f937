//! The raw files, read a second time and with no part of the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use minster_tests::deliveries::Council;

/// A raw file as rows of cells by the names of their columns.
pub(super) fn raw(council: &Council, file: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(council.path("drop").join(file)).unwrap();
    let mut lines = text.lines();
    let header: Vec<String> = lines.next().unwrap().split(',').map(str::to_lowercase).collect();
    let row = |line: &str| header.iter().cloned().zip(line.split(',').map(str::to_owned)).collect();
    lines.map(row).collect()
}

/// The children in the raw files, told apart a second time and with no part of the program.
pub(super) struct Second {
    pub(super) pupils: BTreeSet<String>,
    former: BTreeMap<String, String>,
    by_name: BTreeMap<String, String>,
    pub(super) sex: BTreeMap<String, String>,
    pub(super) ethnicity: BTreeMap<String, String>,
}

/// `2012-03-04` of either writing.
fn iso(day: &str) -> String {
    match day.split_once('/') {
        Some(_) => day.split('/').rev().collect::<Vec<_>>().join("-"),
        None => day.to_owned(),
    }
}

fn name(row: &BTreeMap<String, String>) -> String {
    format!("{} {} {}", row["surname"], row["forename"], iso(&row["dob"]))
}

impl Second {
    pub(super) fn read(council: &Council) -> Self {
        let mut second = Self {
            pupils: BTreeSet::new(),
            former: BTreeMap::new(),
            by_name: BTreeMap::new(),
            sex: BTreeMap::new(),
            ethnicity: BTreeMap::new(),
        };
        for row in raw(council, "school_census/2025_autumn_pupilonroll.csv") {
            let number = row["upn"].clone();
            if !row["formerupn"].is_empty() {
                second.former.insert(row["formerupn"].clone(), number.clone());
            }
            second.by_name.insert(name(&row), number.clone());
            second.sex.insert(number.clone(), row["sex"].clone());
            second.ethnicity.insert(number.clone(), row["ethnicity"].clone());
            second.pupils.insert(number);
        }
        second
    }

    /// The pupil of a row of early help, and the way; first those that say it themselves.
    pub(super) fn early_help(&self, council: &Council) -> Vec<(Option<String>, &'static str)> {
        let rows = raw(council, "early_help/early_help.csv");
        let rows: Vec<_> = rows.into_iter().filter(|row| !row["dob"].starts_with("99")).collect();
        let alone = |row: &BTreeMap<String, String>| match row["upn"].as_str() {
            number if self.pupils.contains(number) => Some((number.to_owned(), "number")),
            number if self.former.contains_key(number) => {
                Some((self.former[number].clone(), "former-upn"))
            }
            _ => self.by_name.get(&name(row)).map(|pupil| (pupil.clone(), "match-key")),
        };
        let mut persons: BTreeMap<&str, String> = BTreeMap::new();
        for row in &rows {
            if let Some((pupil, _)) = alone(row) {
                persons.insert(&row["person_id"], pupil);
            }
        }
        let of = |row: &BTreeMap<String, String>| match (
            alone(row),
            persons.get(row["person_id"].as_str()),
        ) {
            (Some((pupil, way)), _) => (Some(pupil), way),
            (None, Some(pupil)) => (Some(pupil.clone()), "bridge"),
            (None, None) => (None, "not-on-spine"),
        };
        rows.iter().map(of).collect()
    }
}
