//! Cases of a child's rights from end to end, by the programs: an erasure takes one child out of everything, a restriction keeps a
//! child out of every table, and the next release is judged by the difference.

use std::{collections::HashSet, fs};

use minster_model::{Pseudonym, Role};
use minster_tests::text;
use minster_vault_api::Client;
use serde_json::Value;

use super::{Council, PURPOSE, csv};

/// Counts of few cells: 150 pupils can be released so.
const BY_SEX: &str = r#"
name = "by_sex"
title = "Pupils by sex"
threshold = 5
zeros = "published"
insider = 0
population = "spine"

[[dimension]]
name = "sex"
column = "sex"
total = "All"
codes = ["F", "M"]

[[table]]
name = "by_sex"
title = "Pupils by sex"
dimensions = ["sex"]
"#;

impl Council {
    /// A council whose one release is out.
    pub(super) fn with_a_release(pupils: u64) -> Self {
        let council = Self::new(pupils);
        let tables = council.0.folder().join("config/tables");
        fs::remove_file(tables.join("children.toml")).unwrap();
        fs::write(tables.join("by_sex.toml"), BY_SEX).unwrap();
        council.run();
        council.release();
        council
    }

    /// The whole job; gives what it says.
    fn run(&self) -> String {
        let output = self.0.job();
        assert!(matches!(output.status.code(), Some(0 | 3 | 4 | 10)), "{}", text(&output));
        text(&output)
    }

    fn release(&self) -> String {
        let output = self.0.release();
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    }

    /// Opens a case about a pupil number; gives its name.
    pub(super) fn opened(&self, right: &str, upn: &str) -> String {
        fs::write(self.0.path("number"), upn).unwrap();
        let today = self.0.today().to_string();
        let of = ["case", "open", "--purpose", PURPOSE, "--right", right, "--received", &today];
        let more = ["--reference", "RET/1", "--kind", "upn", "--identifier-file", "number"];
        let told = self.vault(&[&of[..], &more, &["--json"]].concat());
        let told: Value = serde_json::from_str(&told).unwrap();
        told["case"]["case"].as_str().unwrap().to_owned()
    }

    /// Has two custodians approve a decision, each with the number; the proposal stands in `proposal`.
    fn decided(&self, decision: &[&str]) {
        self.approved(&[&["decide"], decision].concat(), &["--identifier-file", "number"]);
    }

    fn cases(&self) -> Vec<Value> {
        let told: Value = serde_json::from_str(&self.vault(&["cases", "--all", "--json"])).unwrap();
        told["cases"].as_array().unwrap().clone()
    }

    /// The pseudonyms that the linker is told as restricted.
    fn restricted(&self) -> HashSet<Pseudonym> {
        let socket = self.0.folder().join("vault.sock");
        let mut vault = Client::connect(&socket, Role::Linker, "test").unwrap();
        let list = vault.restricted(&PURPOSE.parse().unwrap()).unwrap();
        list.pseudonyms().flat_map(|(_, of)| of).collect()
    }

    /// The pupil numbers of children whom the census of the autumn has, and whose records nobody disposed of.
    pub(super) fn pupils(&self) -> Vec<String> {
        let children = csv(self, "truth/children.csv");
        let has = |child: &&std::collections::BTreeMap<String, String>| {
            child["in_spine"] == "true" && child["upn"].len() == 13
        };
        children.iter().filter(has).map(|child| child["upn"].clone()).collect()
    }

    /// The release that is out stands: another would tell of one child, by the difference.
    fn is_kept(&self, said: &str) {
        for word in [
            "release by_sex of 2024-25 kept",
            "A revised release is refused: the data have changed",
            "the difference is below the threshold",
        ] {
            assert!(said.contains(word), "{word}: {said}");
        }
        self.release();
    }

    /// The files of the release that stands.
    fn released_files(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let found = minster_tests::files(&self.0.folder().join("store/releases"));
        found
            .into_iter()
            .filter(|(path, _)| path.extension().is_some_and(|of| of == "csv"))
            .collect()
    }
}

const CHILDREN: &str = "integrated/children/2024-25/children";

#[test]
fn an_erasure_takes_one_child_out_of_everything_and_its_release_is_judged_as_a_difference() {
    let council = Council::with_a_release(150);
    let out = council.released_files();
    assert!(!out.is_empty());
    let before = council.tables(&HashSet::new());
    let upn = council.pupils().remove(3);
    let case = council.opened("erasure", &upn);
    council.decided(&["grant", "--case", &case, "--schedule", "config/retention.toml"]);
    council.vault(&["retention", "apply", "--proposal", "proposal", "--out", "disposal.list"]);
    let gone = council.pseudonyms();
    assert!(!gone.is_empty() && gone.len() < 10, "one child's numbers: {}", gone.len());
    assert_eq!(council.cases()[0]["turn"], "linker");
    let told = council.dispose("receipt.note");
    for (table, (rows, with)) in council.tables(&gone) {
        assert_eq!(with, 0, "{table}");
        assert!(rows <= before[&table].0, "{table}");
    }
    assert_eq!(council.cases()[0]["turn"], "answer");
    assert_eq!(council.cases()[0]["outcome"], "erased");
    let counted = told["receipt"]["datasets"].as_array().unwrap();
    assert!(counted.iter().any(|one| one["rows"].as_u64().unwrap() > 0));
    // Read again and linked again, the child does not come back.
    let said = council.run();
    let after = council.tables(&gone);
    // A service has this child under another number too, which names alone had led to it. Its row stands as another child's, so one row
    // goes and one comes. The receipt counts it.
    let shared = told["receipt"]["shared_ids"].as_u64().unwrap();
    assert_eq!(after[CHILDREN].0, before[CHILDREN].0 - 1 + shared, "one child, and no other");
    assert!(after.values().all(|(_, with)| *with == 0));
    council.is_kept(&said);
    assert_eq!(council.released_files(), out, "what is out stands");
    let receipt = council.vault(&["case", "close", "--case", &case]);
    assert!(receipt.contains("\"erased\""), "{receipt}");
    let listed = council.vault(&["cases", "--all"]);
    assert!(listed.contains("the child's records were disposed of; answered"), "{listed}");
}

#[test]
fn a_restricted_child_is_kept_and_stands_in_no_table_until_it_is_lifted() {
    let council = Council::with_a_release(150);
    let out = council.released_files();
    let before = council.tables(&HashSet::new());
    let upn = council.pupils().remove(3);
    let case = council.opened("restriction", &upn);
    council.decided(&["grant", "--case", &case, "--schedule", "config/retention.toml"]);
    council.vault(&["enact", "--proposal", "proposal"]);
    let number = council.restricted();
    assert_eq!(number.len(), 1);
    let said = council.run();
    assert!(said.contains("children are restricted"), "{said}");
    let (ids, _) = council.ids(&number);
    assert_eq!(ids.len(), 1, "the child has an id still");
    let after = council.tables(&ids);
    for (table, (rows, with)) in &after {
        match table.as_str() {
            CHILDREN => assert_eq!((*rows, *with), (before[table].0 - 1, 0)),
            kept if kept.starts_with("source/") || kept.ends_with("/crosswalk") => {
                assert_eq!(*rows, before[table].0, "{table}");
            }
            of if of.starts_with("integrated/children/") => assert_eq!(*with, 0, "{table}"),
            _ => {}
        }
    }
    // It is kept: ids, crosswalk and deliveries have it.
    let crosswalk = "integrated/children/2024-25/crosswalk";
    assert!(after[crosswalk].1 > 0);
    assert!(
        council
            .tables(&number)
            .iter()
            .any(|(of, (_, with))| of.starts_with("source/") && *with > 0)
    );
    council.is_kept(&said);
    assert_eq!(council.released_files(), out, "what is out stands");
    // A linked dataset that stands is not made again while nothing changed.
    council.decided(&["lift", "--case", &case]);
    council.vault(&["enact", "--proposal", "proposal"]);
    council.run();
    assert_eq!(council.tables(&HashSet::new()), before, "all is as it was");
}
