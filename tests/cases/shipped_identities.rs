//! The shipped identities: each source with numbers of persons has its tables there, and they name columns that there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use minster_tests::root;

/// Kinds of numbers that are persons'.
const PERSONS: [&str; 6] = [
    "upn",
    "nhs-number",
    "la-child-id",
    "send-person",
    "early-help-person",
    "youth-justice-person",
];

/// For each source, versions with a name of their own too, its tables, and for each of these the names of its columns.
type Sources = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn texts<'a>(table: &'a toml::Value, key: &str) -> impl Iterator<Item = &'a toml::Value> {
    table.get(key).and_then(toml::Value::as_array).into_iter().flatten()
}

/// The tables of shipped definitions that have a number of persons.
fn sources() -> Sources {
    let mut sources = Sources::new();
    for file in fs::read_dir(root().join("config/sources")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") || path.ends_with("numbers.toml") {
            continue;
        }
        let definition: toml::Value = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for table in texts(&definition, "table") {
            let columns = table["columns"].as_table().unwrap();
            let kind = |column: &toml::Value| column.get("kind")?.as_str().map(str::to_owned);
            let has_persons = |column| kind(column).is_some_and(|kind| PERSONS.contains(&&*kind));
            if !columns.values().any(has_persons) {
                continue;
            }
            let name = |(name, column): (&String, &toml::Value)| {
                let other = column.get("as").and_then(toml::Value::as_str);
                let last = || name.rsplit(['/', '@']).next().unwrap_or(name).to_lowercase();
                other.map_or_else(last, str::to_owned)
            };
            let mut names: BTreeSet<String> = columns.iter().map(name).collect();
            let key = |key: &toml::Value| format!("key_{}", key["name"].as_str().unwrap());
            names.extend(texts(table, "match_key").map(key));
            tables.insert(table["name"].as_str().unwrap().to_owned(), names);
        }
        let versions = texts(&definition, "version").filter_map(|version| version.get("name"));
        for name in versions.chain(definition.get("name")) {
            sources.insert(name.as_str().unwrap().to_owned(), tables.clone());
        }
    }
    sources
}

#[test]
fn each_source_with_numbers_of_persons_says_who_they_are_by_columns_that_it_has() {
    let text = fs::read_to_string(root().join("config/matching.toml")).unwrap();
    let matching: toml::Value = toml::from_str(&text).unwrap();
    let sources = sources();
    let mut told = BTreeSet::new();
    for identity in texts(&matching, "identity") {
        let [source, table] = ["source", "table"].map(|key| identity[key].as_str().unwrap());
        let columns = sources.get(source).and_then(|tables| tables.get(table));
        let columns = columns.unwrap_or_else(|| panic!("{source}/{table} has no persons"));
        let lists = ["identifiers", "match_keys", "person_numbers"];
        let lists = lists.into_iter().flat_map(|key| texts(identity, key));
        let single = ["row", "birth_date", "name", "sex"].map(|key| identity.get(key));
        let ages = texts(identity, "from_age").map(|age| &age["birth_year"]);
        for column in lists.chain(single.into_iter().flatten()).chain(ages) {
            let column = column.as_str().unwrap();
            assert!(columns.contains(column), "{source}/{table} has no {column}");
        }
        told.insert(source);
    }
    // Marks of attendance name a pupil by the number, and no row is about the person alone.
    let wanted: BTreeSet<&str> =
        sources.iter().filter(|(_, tables)| !tables.is_empty()).map(|(name, _)| &**name).collect();
    let without: Vec<&&str> = wanted.difference(&told).collect();
    assert_eq!(without, [&"attendance"]);
}
