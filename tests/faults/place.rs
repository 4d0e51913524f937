//! Two small sources, and what their datasets hold once decrypted.

use std::{fs, path::PathBuf, process::Command};

use arrow::{array::RecordBatch, compute::concat_batches};
use minster_model::{DatasetClass, DatasetRef, Role};
use minster_store::{Origin, Store};
use minster_tests::{Site, copy, pipeline, root};
use minster_vault_api::Client;

const MORE: &str = "[retention]\nsnapshots = 1\n[monitoring]\ntextfile = \"minster.prom\"\nlineage = \"lineage.jsonl\"\n";
const HELP: (&str, &str) = ("early_help", "help");
const MISSING: (&str, &str) = ("missing", "missing");

pub(crate) struct Place {
    site: Site,
}

/// The current datasets, source by source.
#[derive(PartialEq)]
pub(crate) struct Content {
    pub(crate) sources: Vec<Source>,
}

/// Tables, where the rows went, and why some are in quarantine.
#[derive(Clone, PartialEq)]
pub(crate) struct Source {
    tables: Vec<(String, RecordBatch)>,
    origin: Origin,
    quarantine: Vec<u8>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { site: Site::new() };
        copy(&root().join("config"), &place.at("config"));
        fs::create_dir(place.at("help")).unwrap();
        fs::create_dir(place.at("missing")).unwrap();
        place.both();
        place
    }

    pub(crate) fn both(&self) {
        fs::write(self.pipeline(), pipeline(&[HELP, MISSING], MORE)).unwrap();
    }

    pub(crate) fn only_missing(&self) {
        fs::write(self.pipeline(), pipeline(&[MISSING], MORE)).unwrap();
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.site.folder().join(name)
    }

    pub(crate) fn pipeline(&self) -> PathBuf {
        self.at("pipeline.toml")
    }

    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        self.site.command(program, arguments)
    }

    pub(crate) fn vault_pid(&self) -> u32 {
        self.site.vault_pid()
    }

    pub(crate) fn serve_again(&self) {
        self.site.stop_vault();
        self.site.serve();
    }

    /// The deliveries of a night; some rows of each are for the quarantine, one is a duplicate.
    pub(crate) fn deliver(&self, night: u32) {
        let help = "person_id,upn,forename,surname,dob,postcode,start_date,end_date,reason\n";
        let rows = (0..40 + 10 * night).map(|n| {
            let born = if n % 9 == 0 { "2012-02-30" } else { "01/02/2012" };
            format!("EH{n},,Ann,Other{n},{born},AB1 2CD,03/04/2025,,R{night}\n")
        });
        let again = format!("EH1,,Ann,Other1,01/02/2012,AB1 2CD,03/04/2025,,R{night}\n");
        let text = help.to_owned() + &rows.collect::<String>() + &again;
        fs::write(self.at("help/early_help.csv"), text).unwrap();
        let missing = "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk\n";
        let rows = (0..30 + night).map(|n| {
            format!("P{n},,Bo,Other{n},2011-05-06,AB1 2CD,2025-02-03,2025-02-0{night},low\n")
        });
        let text = missing.to_owned() + &rows.collect::<String>();
        fs::write(self.at("missing/missing_episodes.csv"), text).unwrap();
    }

    /// The files in the drop folders.
    pub(crate) fn dropped(&self) -> Vec<PathBuf> {
        ["help/early_help.csv", "missing/missing_episodes.csv"].map(|name| self.at(name)).to_vec()
    }

    pub(crate) fn manifests(&self) -> Vec<PathBuf> {
        let files = minster_tests::files(&self.at("store/datasets")).into_iter();
        files.map(|(path, _)| path).filter(|path| path.ends_with("manifest.json")).collect()
    }

    pub(crate) fn keep(&self) {
        self.site.keep();
    }

    pub(crate) fn put_back(&self) {
        self.site.put_back();
    }

    pub(crate) fn content(&self) -> Content {
        let sources = ["early_help", "missing"].map(|name| self.content_of(name)).to_vec();
        Content { sources }
    }

    /// As whoever links reads it, once the store has what the vault's log says.
    pub(crate) fn content_of(&self, name: &str) -> Source {
        let store = Store::open(&self.at("store")).unwrap();
        let _lock = store.lock().unwrap();
        let dataset = DatasetRef {
            class: DatasetClass::Source,
            name: name.parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            purpose: "children-statistics".parse().unwrap(),
        };
        let mut vault = Client::connect(&self.at("vault.sock"), Role::Linker, "test").unwrap();
        let (store, _) = store.settled(&dataset.purpose, &mut vault).unwrap();
        let opened = store.dataset(&dataset, &mut vault).unwrap();
        let table = |table: &minster_store::TableEntry| {
            let reader = opened.table(&table.name, None).unwrap();
            let schema = reader.schema();
            let batches: Vec<_> = reader.map(Result::unwrap).collect();
            (table.name.to_string(), concat_batches(&schema, &batches).unwrap())
        };
        Source {
            tables: opened.manifest().tables.iter().map(table).collect(),
            origin: opened.manifest().origin.clone(),
            quarantine: fs::read(store.beside(&dataset, "quarantine.jsonl").unwrap()).unwrap(),
        }
    }

    pub(crate) fn left_over(&self) -> Vec<String> {
        minster_tests::left_over(&self.at("store"))
    }
}
