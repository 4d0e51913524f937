//! The XML returns: children in need, and special educational needs.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use minster_sources::Definition;
use serde_json::Value;

use crate::{
    Gaps, config, definition,
    document::{Document, document},
    schemas, spec,
    xsd::{Content, Element},
};

#[test]
fn every_element_of_the_children_in_need_census_has_a_line() {
    every_element_has_a_line("cin");
}

#[test]
fn every_element_of_sen2_has_a_line() {
    every_element_has_a_line("sen2");
}

#[test]
fn a_children_in_need_census_that_uses_every_element_is_read_whole() {
    every_element_is_read("cin");
}

#[test]
fn a_sen2_return_that_uses_every_element_is_read_whole() {
    every_element_is_read("sen2");
}

fn every_element_has_a_line(collection: &str) {
    let Some(spec) = spec() else { return };
    let mut gaps = Gaps::default();
    for (year, schema) in schemas(&spec, collection) {
        let year = year.to_string();
        let lines = Lines::of(definition(collection, &year));
        lines.look_for(&Element::read(&schema), "", &year, &mut gaps);
    }
    gaps.assert_none();
}

/// The paths that a definition lists, from the root.
struct Lines {
    columns: Vec<String>,
    ignored: Vec<String>,
}

impl Lines {
    fn of(definition: &Definition) -> Self {
        let mut columns = Vec::new();
        for table in &definition.tables {
            let unit = unit(definition, table);
            for (name, column) in &table.columns {
                for name in std::iter::once(name).chain(&column.also) {
                    match name.strip_prefix("^/") {
                        Some(name) => columns.push(below(unit, name)),
                        None => columns.extend(
                            table.records.iter().map(|record| below(&below(unit, record), name)),
                        ),
                    }
                }
            }
        }
        Self { columns, ignored: definition.ignore.clone() }
    }

    /// An element of text must be a column, and one of elements lead to one; what is ignored must not.
    fn look_for(&self, element: &Element, above: &str, year: &str, gaps: &mut Gaps) {
        let path = format!("{above}/{}", element.name);
        if self.ignored.contains(&path) {
            return;
        }
        let leads = |to: &String| to.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/'));
        match &element.content {
            Content::Elements(elements) => {
                if !self.columns.iter().chain(&self.ignored).any(leads) {
                    gaps.add(path.clone(), year);
                }
                for element in elements {
                    self.look_for(element, &path, year, gaps);
                }
            }
            Content::Text(_) if self.columns.contains(&path) => {}
            Content::Text(_) => gaps.add(path, year),
        }
    }
}

fn unit<'a>(definition: &'a Definition, table: &'a minster_sources::Table) -> &'a str {
    table.unit.as_deref().or(definition.unit.as_deref()).unwrap()
}

/// A path below another; `.` is the other itself.
fn below(path: &str, name: &str) -> String {
    if name == "." { path.to_owned() } else { format!("{path}/{name}") }
}

fn every_element_is_read(collection: &str) {
    let Some(spec) = spec() else { return };
    let mut wrong = Vec::new();
    for (year, schema) in schemas(&spec, collection) {
        let definition = definition(collection, &year.to_string());
        let root = Element::read(&schema);
        let document = document(&root, definition.unit.as_deref().unwrap());
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("drop")).unwrap();
        let file = folder.path().join("drop/return.xml");
        // Its header names the year that the delivery is of.
        let text = document.text.replacen("<Year>2015<", &format!("<Year>{year}<"), 1);
        fs::write(&file, text).unwrap();
        validate(folder.path(), &schema, &file);
        let tried = tried(folder.path(), collection, year);
        let differences = differences(definition, &document, &tried);
        wrong.extend(differences.into_iter().map(|what| format!("{collection} {year}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Has xmllint hold the document against its schema: so the document is one that the ministry would take. Two patterns are
/// written with `^` and `$`, which are plain characters in a schema; the copy that xmllint reads is without.
fn validate(folder: &Path, schema: &Path, file: &Path) {
    let copy = folder.join("schema.xsd");
    let text = fs::read_to_string(schema).unwrap();
    fs::write(&copy, text.replace("value=\"^", "value=\"").replace("$\"/>", "\"/>")).unwrap();
    let found = Command::new("xmllint").args(["--noout", "--schema"]).arg(copy).arg(file).output();
    let Ok(found) = found else {
        minster_tests::left_out(
            "xmllint is not installed, so no document is held against its schema",
        );
        return;
    };
    let said = String::from_utf8_lossy(&found.stderr);
    let first: Vec<&str> = said.lines().take(5).collect();
    assert!(found.status.success(), "{}: {first:?}", schema.display());
}

/// Tries the definition on the file in the folder `drop`, and gives what it would become.
fn tried(folder: &Path, collection: &str, year: i16) -> Value {
    let pipeline = format!(
        "purpose = \"children-statistics\"\n\
         period = \"{year}\"\n\
         store = \"store\"\n\
         definitions = {:?}\n\
         matching = {:?}\n\
         tables = \"tables\"\n\
         [arrival]\n\
         quiet_seconds = 0\n\
         [vault]\n\
         socket = \"vault.sock\"\n\
         [[source]]\n\
         name = \"{collection}\"\n\
         period = \"{year}\"\n\
         folder = \"drop\"\n",
        config("sources"),
        config("matching.toml"),
    );
    fs::write(folder.join("pipeline.toml"), pipeline).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_minster-ingest"))
        .args(["try", "pipeline.toml", "--json"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut tried: Value = serde_json::from_slice(&ran.stdout).unwrap();
    tried["sources"][0].take()
}

/// Compares the trial with the document: rows that are not its elements, rows that do not pass, cells that do not.
fn differences(definition: &Definition, document: &Document, tried: &Value) -> Vec<String> {
    if let Some(stops) = tried["stops"].as_str() {
        return vec![format!("it stops: {stops}")];
    }
    let mut wrong = Vec::new();
    for fault in tried["faults"].as_array().unwrap() {
        wrong.push(format!("rows are set aside: {fault}"));
    }
    for cells in tried["cells"].as_array().unwrap() {
        wrong.push(format!("cells do not pass: {cells}"));
    }
    let files = tried["files"].as_array().unwrap().iter();
    let counts: BTreeMap<&str, &Value> =
        files.map(|file| (file["table"].as_str().unwrap(), &file["counts"])).collect();
    for table in &definition.tables {
        let unit = unit(definition, table);
        let mut records = table.records.iter();
        let rows = records.find_map(|record| document.counts.get(&below(unit, record)));
        let rows = rows.copied().unwrap_or(0);
        let count = |what: &str| {
            counts.get(table.name.as_str()).and_then(|counts| counts[what].as_u64()).unwrap_or(0)
        };
        let found = [count("read"), count("accepted"), count("duplicate")];
        if found != [rows, rows, 0] {
            wrong.push(format!(
                "{} has {rows} rows; read, accepted and duplicate: {found:?}",
                table.name
            ));
        }
    }
    wrong
}
