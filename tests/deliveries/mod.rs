//! A council of a few children: what its services deliver is made by a test, and the shipped configuration reads it.

mod numbers;
mod returns;
mod workbook;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

pub use self::{
    numbers::{learner_number, nhs_number, upn},
    returns::{
        Child, EARLY_HELP, EPISODES_903, born, cin, cin_child, cin_identifiers, cin_referral,
        day_first, early_help_row, episodes_903, header_903, header_903_row, leavers, pupils,
    },
    workbook::{Cell, Epoch, LIST_2, workbook, zipped},
};
use crate::{Site, copy, pipeline, root, text};

const MORE: &str = "[monitoring]\ntextfile = \"minster.prom\"\nlineage = \"lineage.jsonl\"\n\
                    [lookups]\npostcode_ward = \"wards.csv\"\n";

/// A site with the shipped configuration, a drop folder a source, and no released table.
pub struct Council {
    /// Where it runs.
    pub site: Site,
}

impl Council {
    /// With drop folders for these sources.
    pub fn new(sources: &[&str]) -> Self {
        Self::at(Site::new(), sources)
    }

    /// The same at a site.
    pub fn at(site: Site, sources: &[&str]) -> Self {
        let council = Self { site };
        copy(&root().join("config"), &council.path("config"));
        fs::remove_dir_all(council.path("config/tables")).unwrap();
        fs::create_dir(council.path("config/tables")).unwrap();
        fs::write(council.path("wards.csv"), "postcode,ward\nLS9 8ZZ,W7\n").unwrap();
        let folders: Vec<String> = sources.iter().map(|source| format!("drop/{source}")).collect();
        folders.iter().for_each(|folder| fs::create_dir_all(council.path(folder)).unwrap());
        let sources: Vec<(&str, &str)> =
            sources.iter().copied().zip(folders.iter().map(String::as_str)).collect();
        fs::write(council.path("pipeline.toml"), pipeline(&sources, MORE)).unwrap();
        council
    }

    /// With a drop folder for each delivery: a source and the period that it is of, in their order.
    pub fn of_deliveries(deliveries: &[(&str, &str)]) -> Self {
        let mut sources: Vec<&str> = deliveries.iter().map(|delivery| delivery.0).collect();
        sources.dedup();
        let council = Self::new(&sources);
        let text = fs::read_to_string(council.path("pipeline.toml")).unwrap();
        let mut text = text[..text.find("[[source]]").unwrap()].to_owned();
        for (source, period) in deliveries {
            let folder = format!("drop/{source}/{period}");
            fs::create_dir_all(council.path(&folder)).unwrap();
            text += &format!(
                "[[source]]\nname = \"{source}\"\nperiod = \"{period}\"\nfolder = \"{folder}\"\n"
            );
        }
        fs::write(council.path("pipeline.toml"), text).unwrap();
        council
    }

    /// A path in the site's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.site.folder().join(name)
    }

    /// Puts a file into a source's drop folder.
    pub fn deliver(&self, source: &str, file: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path("drop").join(source).join(file), content).unwrap();
    }

    /// Empties a source's drop folder.
    pub fn take_back(&self, source: &str) {
        let folder = self.path("drop").join(source);
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
    }

    /// Changes a file of the configuration; it must have become another.
    pub fn change(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let path = self.path("config").join(file);
        let before = fs::read_to_string(&path).unwrap();
        let after = change(&before);
        assert_ne!(before, after, "{file}");
        fs::write(path, after).unwrap();
    }

    /// Does what a message asks for: puts the lines that it proposes where it says.
    pub fn paste(&self, file: &str, message: &str) {
        self.change(file, |definition| pasted(definition, message));
    }

    /// Releases one table of these dimensions.
    pub fn release(&self, dimensions: &[Dimension<'_>]) {
        let mut definition =
            "name = \"small\"\nthreshold = 5\nzeros = \"may-be-withheld\"\ninsider = 0\n\
             population = \"all\"\n"
                .to_owned();
        for Dimension { name, column, categories } in dimensions {
            definition += &format!(
                "[[dimension]]\nname = \"{name}\"\ncolumn = \"{column}\"\ntotal = \"All\"\n{categories}\n"
            );
        }
        let names: Vec<&str> = dimensions.iter().map(|dimension| dimension.name).collect();
        definition += &format!("[[table]]\nname = \"cells\"\ndimensions = {names:?}\n");
        fs::write(self.path("config/tables/small.toml"), definition).unwrap();
    }

    /// The released table without its header.
    pub fn released(&self) -> Vec<String> {
        let path = self.path("store/releases/small/2024-25/current/cells.csv");
        let table = crate::without_origin(&fs::read_to_string(path).unwrap());
        table.lines().skip(1).map(str::to_owned).collect()
    }

    /// Reads, links, drafts, and lets the drafts out.
    pub fn run(&self) -> Ran {
        let ran = self.program("minster", &["run", "--json"]);
        if [0, 3, 10].contains(&ran.exit) {
            let let_out = self.program("minster", &["release", "--all"]);
            assert_eq!(let_out.exit, 0, "{}", let_out.text);
        }
        ran
    }

    /// Reads alone.
    pub fn ingest(&self) -> Ran {
        self.program("minster-ingest", &["run", "--json"])
    }

    /// Runs a program over the pipeline.
    pub fn program(&self, program: &str, arguments: &[&str]) -> Ran {
        let config = self.site.path("pipeline.toml");
        let ran = self.site.run(program, &[arguments, &["--config", &config]].concat());
        let mut summary: Value = serde_json::from_slice(&ran.stdout).unwrap_or_default();
        if let Some(linkage) = summary.get_mut("linkage").filter(|linkage| linkage.is_object()) {
            // The printed counts of linking are coarse, and a test asks for exact counts.
            let exact = ["report", "links", "--json", "--config", &config];
            *linkage = serde_json::from_slice(&self.site.run("minster", &exact).stdout).unwrap();
        }
        Ran { exit: ran.status.code().unwrap(), summary, text: text(&ran) }
    }

    /// The manifest of a source's dataset.
    pub fn manifest(&self, source: &str) -> Value {
        let path = self.path("store/datasets/source").join(source);
        let text = fs::read(path.join("2024-25/current/manifest.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// A dimension of a released table.
pub struct Dimension<'a> {
    name: &'a str,
    column: &'a str,
    categories: String,
}

impl<'a> Dimension<'a> {
    /// Over the texts that occur in a column.
    pub fn of(name: &'a str, column: &'a str) -> Self {
        Self { name, column, categories: String::new() }
    }

    /// Over a count: none, one, more.
    pub fn counting(name: &'a str, column: &'a str) -> Self {
        let categories = "bands = [0, 1, 2]\nlabels = [\"none\", \"one\", \"more\"]".to_owned();
        Self { name, column, categories }
    }
}

/// A program that ran to its end.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub exit: i32,
    /// Its output, where that is JSON.
    pub summary: Value,
    /// All that it printed.
    pub text: String,
}

impl Ran {
    fn source(&self, name: &str) -> &Value {
        let all = match &self.summary["ingest"] {
            Value::Null => &self.summary["sources"],
            ingest => &ingest["sources"],
        };
        let all = all.as_array().unwrap_or_else(|| panic!("{}", self.text));
        all.iter().find(|source| source["name"] == name).unwrap()
    }

    /// A source's rows: read, accepted, set aside, duplicate.
    pub fn rows(&self, source: &str) -> [u64; 4] {
        let counts = &self.source(source)["counts"];
        ["read", "accepted", "quarantined", "duplicate"].map(|way| counts[way].as_u64().unwrap())
    }

    /// Why rows of a source were set aside.
    pub fn reasons(&self, source: &str) -> Vec<(String, u64)> {
        counts(&self.source(source)["reasons"])
    }

    /// A source's cells that did not pass as they were, a column an entry.
    pub fn cells(&self, source: &str) -> Vec<String> {
        let cells = self.source(source)["cells"].as_array().cloned().unwrap_or_default();
        cells.iter().map(cell).collect()
    }

    /// The ways in which a source's files had to be read, in words.
    pub fn notes(&self, source: &str) -> Vec<String> {
        let notes = self.source(source)["notes"].as_array().cloned().unwrap_or_default();
        notes.iter().map(|note| note.as_str().unwrap().to_owned()).collect()
    }

    /// Matters for a person to look at in a source's delivery, in words.
    pub fn warnings(&self, source: &str) -> Vec<String> {
        let warnings = self.source(source)["warnings"].as_array().cloned().unwrap_or_default();
        warnings.iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
    }

    /// How the persons of a table were linked, and why others were not.
    pub fn linked(&self, table: &str) -> Vec<(String, u64)> {
        let entry = self.linkage(table);
        [counts(&entry["linked"]), counts(&entry["unlinked"])].concat()
    }

    fn linkage(&self, table: &str) -> &Value {
        let tables = self.summary["linkage"]["tables"].as_array();
        let tables = tables.unwrap_or_else(|| panic!("{}", self.text));
        let named = |entry: &&Value| {
            let part = |key: &str| entry[key].as_str().unwrap().to_owned();
            part("source") + "/" + &part("table") == table
        };
        tables.iter().find(named).unwrap()
    }

    /// Children in all, and pupils of the council's schools.
    pub fn children(&self) -> (u64, u64) {
        let count = |key: &str| self.summary["linkage"][key].as_u64().unwrap();
        (count("children"), count("on_spine"))
    }

    /// The findings for review, by code.
    pub fn review(&self) -> Vec<(String, u64)> {
        let found = self.summary["linkage"]["review"].as_array().unwrap();
        let entry = |entry: &Value| {
            (entry["code"].as_str().unwrap().to_owned(), entry["count"].as_u64().unwrap())
        };
        found.iter().map(entry).collect()
    }

    /// Rows of a table of events that say again what another row says.
    pub fn superseded(&self, table: &str) -> u64 {
        self.linkage(table)["superseded"].as_u64().unwrap()
    }
}

/// An entry of cells, in words: `3 of 40 in sex of pupils: unknown, unknown-code`.
pub fn cell(entry: &Value) -> String {
    let word = |key: &str| entry[key].as_str().unwrap().to_owned();
    format!(
        "{} of {} in {} of {}: {}, {}",
        entry["cells"],
        entry["of"],
        word("column"),
        word("table"),
        word("became"),
        word("reason")
    )
}

fn counts(object: &Value) -> Vec<(String, u64)> {
    let counts: BTreeMap<String, u64> = serde_json::from_value(object.clone()).unwrap();
    counts.into_iter().collect()
}

/// Counts by name, as [`Ran`] gives them.
pub fn by_name(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn pasted(definition: &str, message: &str) -> String {
    let mut definition = definition.to_owned();
    let mut below: Option<String> = None;
    for line in message.lines() {
        if let Some((_, rest)) = line.split_once("below [table.columns] of the table ") {
            let name = rest.split([' ', ':']).next().unwrap();
            below = Some(format!("name = \"{name}\"\n"));
        }
        if let Some((_, paths)) = line.split_once("Add to `ignore`: ") {
            definition = definition.replacen("ignore = [", &format!("ignore = [{paths}, "), 1);
        } else if line.starts_with('"') {
            let table = definition.find(below.as_deref().unwrap()).unwrap();
            let columns = "[table.columns]\n";
            let at = table + definition[table..].find(columns).unwrap() + columns.len();
            definition.insert_str(at, &format!("{line}\n"));
        }
    }
    definition
}

/// Every file below a folder but those below the folders that are named.
pub fn files_but(folder: &Path, left_out: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let all = crate::files(folder).into_iter();
    all.filter(|(path, _)| left_out.iter().all(|name| !path.starts_with(folder.join(name))))
        .collect()
}
