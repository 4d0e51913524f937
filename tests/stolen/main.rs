//! A thief holds the datasets of a run, decrypted, and the role `ingest`. The vault's answers to that role lead
//! to none of their children; the linker reads the same from two runs.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::Path,
};

use arrow::array::{AsArray, RecordBatch};
use minster_model::{DatasetClass, Role};
use minster_store::{Dataset, Manifest, Store};
use minster_tests::{Site, text};
use minster_vault_api::{Client, IdentifierBatch, RunKey, RunManifest};

type Values = HashSet<[u8; 16]>;

/// The datasets of one class: what rests in them, and what the linker reads.
struct Stolen {
    at_rest: Values,
    /// By dataset and table.
    read: BTreeMap<String, Vec<RecordBatch>>,
}

impl Stolen {
    fn of(site: &Site, class: DatasetClass) -> Self {
        let store = Store::open(&site.folder().join("store")).unwrap();
        let mut linker = client(site, Role::Linker);
        let mut stolen = Self { at_rest: Values::new(), read: BTreeMap::new() };
        let all = store.manifests().unwrap();
        for Manifest { dataset, run_key, tables, .. } in
            all.iter().filter(|one| one.dataset.class == class)
        {
            assert_eq!(run_key.is_some(), class == DatasetClass::Source, "{dataset}");
            let opened: Dataset = store.dataset(dataset, &mut linker).unwrap();
            for table in tables {
                for batch in opened.table_at_rest(&table.name).unwrap() {
                    take(&batch.unwrap(), &mut stolen.at_rest);
                }
                let read = opened.table(&table.name, None).unwrap().map(Result::unwrap);
                stolen.read.insert(format!("{dataset} {}", table.name), read.collect());
            }
        }
        stolen
    }

    fn read_values(&self) -> Values {
        let mut values = Values::new();
        self.read.values().flatten().for_each(|batch| take(batch, &mut values));
        values
    }
}

fn take(batch: &RecordBatch, values: &mut Values) {
    for column in batch.columns() {
        if let Some(column) = column.as_fixed_size_binary_opt() {
            values
                .extend(column.iter().flatten().map(|value| <[u8; 16]>::try_from(value).unwrap()));
        }
    }
}

fn client(site: &Site, role: Role) -> Client {
    Client::connect(Path::new(&site.path("vault.sock")), role, "thief").unwrap()
}

/// Every pupil number of a census, as it was delivered.
fn numbers(site: &Site) -> BTreeSet<String> {
    let text = fs::read_dir(site.folder().join("council/school_census/2024-autumn")).unwrap();
    let text: String =
        text.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default()).collect();
    let shaped =
        |word: &&str| word.len() == 13 && word[1..12].bytes().all(|byte| byte.is_ascii_digit());
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(shaped).map(str::to_owned).collect()
}

#[test]
fn stolen_datasets_and_the_role_that_asks_match_nobody() {
    let site = Site::new();
    site.make_council(300, 2);
    assert_eq!(site.released().status.code(), Some(3));
    let (source, integrated) =
        (Stolen::of(&site, DatasetClass::Source), Stolen::of(&site, DatasetClass::Integrated));
    let children = source.read_values();
    assert!(source.at_rest.len() > 900 && source.at_rest.len() >= children.len());
    assert!(source.at_rest.is_disjoint(&children), "no pseudonym rests in a source's dataset");
    assert!(source.at_rest.is_disjoint(&integrated.at_rest));
    assert_eq!(integrated.at_rest, integrated.read_values());

    // The thief asks for exactly the children whose data these are.
    let numbers = numbers(&site);
    let mut thief = client(&site, Role::Ingest);
    let opened = thief
        .open_run(RunManifest {
            run: "thief".parse().unwrap(),
            purpose: "children-statistics".parse().unwrap(),
            source: "school_census".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            inputs: vec![],
            ceiling: u64::MAX,
            reads: Vec::new(),
        })
        .unwrap();
    let mut batch = IdentifierBatch::default();
    numbers.iter().for_each(|number| batch.push(number.as_bytes()));
    let answers = thief.pseudonymise(&"upn".parse().unwrap(), batch).unwrap();
    thief.close_run(&[]).unwrap();
    assert!(answers.len() > 200, "{}", answers.len());
    let matched =
        |values: &Values| answers.iter().filter(|one| values.contains(one.as_bytes())).count();
    assert_eq!((matched(&source.at_rest), matched(&integrated.at_rest)), (0, 0));

    // A user who is the linker as well finds them all.
    let store = Store::open(&site.folder().join("store")).unwrap();
    let census = store.manifests().unwrap().into_iter().find(|manifest| {
        manifest.dataset.class == DatasetClass::Source
            && manifest.dataset.name.as_str() == "school_census"
    });
    let Manifest { dataset, wrapped_key, .. } = census.unwrap();
    let (_, sha256) = store.manifest(&dataset).unwrap();
    let mut linker = client(&site, Role::Linker);
    let unwrapped = linker.unwrap_key(&dataset, &wrapped_key, Some(&opened.run_key), &sha256);
    let unwrapped = unwrapped.unwrap();
    let cipher = unwrapped.run.as_ref().map(RunKey::cipher).unwrap();
    let found = answers.iter().filter(|token| {
        let mut bytes = *token.as_bytes();
        cipher.to_pseudonyms(&mut bytes);
        children.contains(&bytes)
    });
    assert!(found.count() * 10 > answers.len() * 8, "all but those that were set aside");

    // The same files again: other tokens, and behind them the same datasets.
    let config = site.path("config/pipeline.toml");
    let again = site.run("minster", &["run", "--again", "--config", &config]);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again));
    let later = Stolen::of(&site, DatasetClass::Source);
    assert!(later.at_rest.is_disjoint(&source.at_rest));
    assert!(later.read == source.read, "turned back, every batch is the same");
    assert!(Stolen::of(&site, DatasetClass::Integrated).read == integrated.read);
}
