//! The shipped definitions against the schemas of the collections: every element, table, column and code that a schema
//! knows is understood, and a document that uses every element is read whole.
//!
//! The schemas are the work of others and no part of the project. `MINSTER_SPEC` names their folder; without it each test
//! says that it is left out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod annex_a;
mod delivered;
mod document;
mod returns;
mod tables;
mod xsd;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use minster_sources::{Catalogue, Definition};

/// The folder of schemas; says aloud where none is named.
fn spec() -> Option<PathBuf> {
    let spec = std::env::var_os("MINSTER_SPEC").map(PathBuf::from);
    if spec.is_none() {
        minster_tests::left_out("MINSTER_SPEC does not name the folder of schemas");
    }
    spec
}

/// A collection's schemas, each with the year that its name has, in the order of the years.
fn schemas(spec: &Path, collection: &str) -> Vec<(i16, PathBuf)> {
    let files = std::fs::read_dir(spec.join(collection)).unwrap();
    let year_of = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut numbers = name.split(|c: char| !c.is_ascii_digit());
        numbers.find(|number| number.len() == 4).unwrap().parse().unwrap()
    };
    let mut schemas: Vec<(i16, PathBuf)> =
        files.map(|file| file.unwrap().path()).map(|path| (year_of(&path), path)).collect();
    schemas.sort();
    assert!(!schemas.is_empty(), "{collection} has no schemas");
    schemas
}

/// A folder or file of the project's `config`.
fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(name).canonicalize().unwrap()
}

/// The version of a shipped definition that fits a period.
fn definition(name: &str, period: &str) -> &'static Definition {
    static SHIPPED: LazyLock<Catalogue> =
        LazyLock::new(|| Catalogue::load(&config("sources")).unwrap());
    let found = SHIPPED.find(&name.parse().unwrap(), &period.parse().unwrap());
    let none = || panic!("no version of {name} fits {period}; broken: {:?}", SHIPPED.broken());
    &found.unwrap_or_else(none).definition
}

/// Parts of schemas that a definition does not understand, and the periods in which it does not.
#[derive(Default)]
struct Gaps(BTreeMap<String, BTreeSet<String>>);

impl Gaps {
    fn add(&mut self, what: impl Into<String>, period: &str) {
        self.0.entry(what.into()).or_default().insert(period.to_owned());
    }

    /// Fails with every gap, where there is one.
    fn assert_none(&self) {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|(what, periods)| {
                let periods: Vec<&str> = periods.iter().map(String::as_str).collect();
                format!("{what} ({})", periods.join(", "))
            })
            .collect();
        assert!(lines.is_empty(), "{} gaps\n{}", lines.len(), lines.join("\n"));
    }
}
