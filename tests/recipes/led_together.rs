//! The children whom only services know, as a pipeline without their pupil numbers can tell them apart: the records that a number leads
//! together are one child's. One whom two services know by numbers of their own alone counts twice, as docs/recipes.md says.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use super::raw::{RowOf, inner, rows, values};

/// The files about persons beside the censuses, whose rows name them by numbers.
const FOLDERS: [&str; 3] = ["ssda903/2024-25", "early_help/2024-25", "missing/2024-25"];
/// Each kind of number with the columns that have it.
const NUMBERS: [(&str, &[&str]); 4] = [
    ("pupil", &["UPN", "upn", "formerupn"]),
    ("child of the council", &["CHILD", "LAchildID"]),
    ("person", &["person_id"]),
    ("NHS", &["nhs_number"]),
];

/// The rows of the truth, with another number in the place of a child's who is no pupil: one for each group of records that a number
/// leads together. The numbers begin behind those of the truth's children.
pub(crate) fn apart(
    council: &Path,
    place_of: &RowOf,
    pupils: &HashSet<usize>,
    first: usize,
) -> RowOf {
    let mut groups = Groups::default();
    let mut of_row: Vec<((String, usize), usize)> = Vec::new();
    let mut add = |key: (String, usize), numbers: Vec<(usize, String)>| {
        if place_of.get(&key).is_some_and(|child| !pupils.contains(child)) {
            let record = groups.add(numbers);
            of_row.push((key, record));
        }
    };
    for folder in FOLDERS {
        for path in fs::read_dir(council.join(folder)).unwrap().map(|of| of.unwrap().path()) {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            for (at, row) in rows(&path).iter().enumerate() {
                add((file.clone(), at + 1), numbers(|name| row.get(name).cloned()));
            }
        }
    }
    for (path, element) in [("cin/2024-25/cin.xml", "Child"), ("sen2/2024-25/sen2.xml", "Person")] {
        let file = path.rsplit('/').next().unwrap().to_owned();
        let text = fs::read_to_string(council.join(path)).unwrap();
        for (at, person) in inner(&text, element).iter().enumerate() {
            add((file.clone(), at + 1), numbers(|name| values(person, name).pop()));
        }
    }
    let mut number_of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut apart = place_of.clone();
    for (key, record) in of_row {
        let next = first + number_of.len();
        let number = *number_of.entry(groups.root(record)).or_insert(next);
        apart.insert(key, number);
    }
    apart
}

/// The numbers of a record. A pupil number `UN4` says why there is none.
fn numbers(of: impl Fn(&str) -> Option<String>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (kind, (_, columns)) in NUMBERS.iter().enumerate() {
        let all = columns.iter().filter_map(|column| of(column));
        let is_number = |text: &String| !text.is_empty() && !text.starts_with("UN");
        found.extend(all.filter(is_number).map(|text| (kind, text)));
    }
    found
}

/// Records, each in one group.
#[derive(Default)]
struct Groups {
    above: Vec<usize>,
    record_of: HashMap<(usize, String), usize>,
}

impl Groups {
    fn add(&mut self, numbers: Vec<(usize, String)>) -> usize {
        let record = self.above.len();
        self.above.push(record);
        for number in numbers {
            let known = *self.record_of.entry(number).or_insert(record);
            let (one, other) = (self.root(known), self.root(record));
            self.above[other] = one;
        }
        record
    }

    fn root(&self, record: usize) -> usize {
        match self.above[record] {
            above if above == record => record,
            above => self.root(above),
        }
    }
}
