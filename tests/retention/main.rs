//! A disposal from end to end, by the programs: what the notice says is due leaves vault and store, does not come back, and all else
//! stays.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod ending;
mod inaccessible;
mod rectified;
mod rights;
mod year;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
};

use arrow::{
    array::{Array, AsArray},
    datatypes::DataType,
};
use minster_model::{DatasetClass, Pseudonym, Role};
use minster_store::Store;
use minster_tests::{Site, files, left_over, text};
use minster_vault_api::{Client, IdentifierBatch, RunManifest};
use serde_json::Value;

const PURPOSE: &str = "children-statistics";

/// The audit of one test would see the library that moves the clock of another's vault.
static ONE_AFTER_THE_OTHER: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AFTER_THE_OTHER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A made-up council, linked, whose schedule keeps other records for twelve years.
struct Council(Site);

impl Council {
    fn new(pupils: u64) -> Self {
        let site = Site::new();
        site.make_council(pupils, 1);
        site.appoint();
        let council = Self(site);
        council.keep_for(12);
        council.linked(&[]);
        council
    }

    /// Has the schedule keep other records for so many years.
    fn keep_for(&self, years: i64) {
        let schedule = self.0.folder().join("config/retention.toml");
        let whole = fs::read_to_string(&schedule).unwrap();
        let short = whole.replace("years = 25 }", &format!("years = {years} }}"));
        assert_ne!(short, whole);
        fs::write(&schedule, short).unwrap();
    }

    /// Ingests and links; drafts take long, and nothing here is about them.
    fn linked(&self, more: &[&str]) {
        self.done("minster-ingest", &[&["run", "--config", "config/pipeline.toml"], more].concat());
        self.done("minster", &["link", "--config", "config/pipeline.toml"]);
    }

    fn done(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.0.run(program, arguments);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 3 | 4)), "{arguments:?}: {code:?} {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn vault(&self, arguments: &[&str]) -> String {
        let (first, rest) = arguments.split_first().unwrap();
        let mut all = vec![*first];
        let takes_socket_later = matches!(*first, "retention" | "case" | "archive");
        if takes_socket_later {
            all.push(rest[0]);
        }
        all.extend(["--socket", "vault.sock"]);
        all.extend(&rest[usize::from(takes_socket_later)..]);
        let output = self.0.run("minster-vault", &all);
        assert!(output.status.success(), "{all:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn plan(&self) -> Value {
        let of = [
            "retention",
            "plan",
            "--purpose",
            PURPOSE,
            "--schedule",
            "config/retention.toml",
            "--json",
        ];
        serde_json::from_str(&self.vault(&of)).unwrap()
    }

    /// Proposes something, and has two custodians approve it, who type what else is asked of them.
    fn approved(&self, what: &[&str], typed: &[&str]) {
        let case = "request --reference RET/1 --reason yearly --expires SOON";
        let case: Vec<&str> = case.split(' ').collect();
        let proposal = self.vault(&[&case[..], what].concat());
        fs::write(self.0.path("proposal"), proposal).unwrap();
        for name in ["ann", "ben"] {
            let approve = ["approve", "--proposal", "proposal", "--yes", "--clear-key"];
            let by = ["--name", name, "--key", name];
            self.vault(&[&approve[..], &by, typed].concat());
        }
    }

    /// Proposes a disposal, has two custodians approve it, carries it out, and gives the list's file.
    fn listed(&self) -> &str {
        let schedule = ["--schedule", "config/retention.toml"];
        self.approved(&[&["dispose", "--purpose", PURPOSE], &schedule[..]].concat(), &[]);
        self.vault(&["retention", "apply", "--proposal", "proposal", "--out", "disposal.list"]);
        "disposal.list"
    }

    fn dispose(&self, receipt: &str) -> Value {
        let of = [
            "dispose",
            "disposal.list",
            "--receipt",
            receipt,
            "--config",
            "config/pipeline.toml",
            "--json",
        ];
        serde_json::from_str(&self.done("minster", &of)).unwrap()
    }

    /// The pseudonyms of the list.
    fn pseudonyms(&self) -> HashSet<Pseudonym> {
        let list = fs::read_to_string(self.0.path("disposal.list")).unwrap();
        list.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// For each table of each dataset that stands: its rows, and how many hold one of some pseudonyms.
    fn tables(&self, gone: &HashSet<Pseudonym>) -> BTreeMap<String, (u64, u64)> {
        let store = Store::open(&self.0.folder().join("store")).unwrap();
        let mut vault =
            Client::connect(&self.0.folder().join("vault.sock"), Role::Linker, "test").unwrap();
        let mut found = BTreeMap::new();
        for manifest in store.manifests().unwrap() {
            if matches!(manifest.dataset.class, DatasetClass::Report | DatasetClass::Linkage) {
                continue;
            }
            let dataset = store.dataset(&manifest.dataset, &mut vault).unwrap();
            dataset.verify_files().unwrap();
            for table in &manifest.tables {
                let (mut rows, mut with) = (0, 0);
                for batch in dataset.table(&table.name, None).unwrap() {
                    let batch = batch.unwrap();
                    let columns: Vec<_> = batch
                        .columns()
                        .iter()
                        .filter(|column| *column.data_type() == DataType::FixedSizeBinary(16))
                        .map(|column| column.as_fixed_size_binary())
                        .collect();
                    for row in 0..batch.num_rows() {
                        let holds = columns.iter().any(|column| {
                            !column.is_null(row)
                                && gone.contains(&Pseudonym::from_bytes(
                                    column.value(row).try_into().unwrap(),
                                ))
                        });
                        (rows, with) = (rows + 1, with + u64::from(holds));
                    }
                }
                let dataset = &manifest.dataset;
                let class = dataset.class.as_str();
                found.insert(
                    format!("{class}/{}/{}/{}", dataset.name, dataset.period, table.name),
                    (rows, with),
                );
            }
        }
        found
    }

    /// Ids of the dataset of ids: those to which a number of the list leads, before the disposal or, where none leads any more, after it
    /// all; and those to which a person's number leads that is not on it.
    fn ids(&self, gone: &HashSet<Pseudonym>) -> (HashSet<Pseudonym>, HashSet<Pseudonym>) {
        let store = Store::open(&self.0.folder().join("store")).unwrap();
        let mut vault =
            Client::connect(&self.0.folder().join("vault.sock"), Role::Linker, "test").unwrap();
        let kinds = ["upn", "uln", "nhs-number", "la-child-id", "early-help-person", "send-person"];
        let kinds =
            kinds.into_iter().chain(["ssd-person", "youth-justice-person", "adopter-family"]);
        let kinds = kinds.map(|kind| kind.parse().unwrap()).collect();
        let (mut own, mut pairs) = (HashSet::new(), Vec::new());
        for manifest in store.manifests().unwrap() {
            if manifest.dataset.class == DatasetClass::Source {
                own.extend(store.own_numbers(&manifest.dataset, &kinds, &mut vault).unwrap());
            }
            if manifest.dataset.name.to_string() != "identities" {
                continue;
            }
            let dataset = store.dataset(&manifest.dataset, &mut vault).unwrap();
            for batch in dataset.table(&"evidence".parse().unwrap(), None).unwrap() {
                let batch = batch.unwrap();
                let of = |column: usize, row: usize| {
                    let cells = batch.column(column).as_fixed_size_binary();
                    Pseudonym::from_bytes(cells.value(row).try_into().unwrap())
                };
                pairs.extend((0..batch.num_rows()).map(|row| (of(0, row), of(1, row))));
            }
        }
        let is_listed = |number: &Pseudonym| gone.contains(number);
        let led = pairs.iter().filter(|(number, _)| is_listed(number));
        let mut listed: HashSet<Pseudonym> = led.map(|(_, id)| *id).collect();
        if listed.is_empty() {
            listed = pairs.iter().map(|(_, id)| *id).collect();
        }
        let others = pairs.iter().filter(|(number, _)| own.contains(number) && !is_listed(number));
        (listed, others.map(|(_, id)| *id).collect())
    }

    /// Whether each pupil number is of a person whose records were disposed of.
    fn blocked<'a>(&self, run: &str, upns: impl Iterator<Item = &'a str>) -> Vec<bool> {
        let socket = self.0.folder().join("vault.sock");
        let mut vault = Client::connect(&socket, Role::Ingest, "test").unwrap();
        let run = RunManifest {
            run: run.parse().unwrap(),
            purpose: PURPOSE.parse().unwrap(),
            source: "school_census".parse().unwrap(),
            period: "2024-autumn".parse().unwrap(),
            inputs: Vec::new(),
            ceiling: u64::MAX,
            reads: Vec::new(),
        };
        vault.open_run(run).unwrap();
        let mut batch = IdentifierBatch::default();
        upns.for_each(|upn| batch.push(upn.as_bytes()));
        let tokens = vault.pseudonymise_some(&"upn".parse().unwrap(), batch).unwrap();
        vault.close_run(&[]).unwrap();
        tokens.iter().map(Option::is_none).collect()
    }

    /// The four ways of a delivery's rows together, as the manifest counts them.
    fn totals(&self, name: &str) -> minster_model::RowCounts {
        let store = Store::open(&self.0.folder().join("store")).unwrap();
        let mut totals = minster_model::RowCounts::default();
        for manifest in store.manifests().unwrap() {
            let of = &manifest.dataset;
            if of.class == DatasetClass::Source && format!("{}/{}", of.name, of.period) == name {
                totals += manifest.totals();
            }
        }
        totals
    }
}

/// Rows of a made-up CSV file, each as its cells by heading.
fn csv(council: &Council, path: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(council.0.folder().join(path)).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines();
    let cells = |line: &str| {
        line.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect::<Vec<_>>()
    };
    let header = cells(lines.next().unwrap());
    lines.map(|line| header.iter().cloned().zip(cells(line)).collect()).collect()
}

#[test]
fn a_disposal_takes_what_is_due_out_of_everything_and_nothing_else() {
    let _alone = alone();
    let council = Council::new(150);
    let before = council.tables(&HashSet::new());
    let plan = council.plan();
    let due = plan["plan"]["due"].as_u64().unwrap();
    assert!(due > 10, "{plan}");
    // Due, by the council's truth alone: born twelve years ago or earlier, not looked after, without a protection plan.
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let is_old = |born: &str| {
        let born: jiff::civil::Date = born.parse().unwrap();
        born.saturating_add(jiff::Span::new().years(12)) <= today
    };
    // Numbers as the two services tell them: a child's plan or care keeps what stands under each of its numbers.
    let header = csv(&council, "council/ssda903/2024-25/SSDA903_2025_header.csv");
    let mut kept: HashSet<String> = header.iter().map(|row| row["UPN"].clone()).collect();
    let in_care: HashSet<&str> = header.iter().map(|row| row["CHILD"].as_str()).collect();
    let cin = files(&council.0.folder().join("council/cin/2024-25")).remove(0).1;
    let cin = String::from_utf8(cin).unwrap();
    let of = |child: &str, name: &str| {
        let rest = child.split_once(&format!("<{name}>"))?.1;
        Some(rest.split_once('<')?.0.to_owned())
    };
    for child in cin.split("<Child>").skip(1) {
        let number = of(child, "LAchildID").unwrap_or_default();
        if child.contains("<ChildProtectionPlans>") || in_care.contains(number.as_str()) {
            kept.extend(of(child, "UPN"));
        }
    }
    kept.retain(|upn| !upn.is_empty());
    assert!(kept.len() > 2);
    let list = council.listed();
    let gone = council.pseudonyms();
    assert!(gone.len() as u64 >= due);
    let with: u64 = council.tables(&gone).values().map(|(_, with)| with).sum();
    assert!(with > due, "their rows stand until the list is applied");
    let (linked, kept_ids) = council.ids(&gone);
    let told = council.dispose("receipt.note");
    let receipt = fs::read_to_string(council.0.path("receipt.note")).unwrap();
    assert!(receipt.contains("\"datasets\"") && receipt.contains("\u{2014} minster-vault/"));

    let after = council.tables(&gone);
    for (table, (rows, with)) in &after {
        assert_eq!(*with, 0, "{table}");
        assert!(*rows <= before[table].0, "{table}");
    }
    let left: u64 = before.iter().map(|(table, (rows, _))| rows - after[table].0).sum();
    let counted = told["receipt"]["datasets"].as_array().unwrap();
    let counted: u64 = counted.iter().map(|one| one["rows"].as_u64().unwrap()).sum();
    assert_eq!(left, counted, "the receipt counts what left");
    // The tables without persons' numbers lost what hung on a pupil who left, and kept the rest.
    let addresses = "source/school_census/2024-autumn/addresses";
    let pupils = "source/school_census/2024-autumn/pupils";
    assert!(after[addresses].0 < before[addresses].0 && after[addresses].0 > 0);
    assert!(after[pupils].0 < before[pupils].0 && after[pupils].0 > 0);
    let totals = council.totals("school_census/2024-autumn");
    assert!(totals.conserved() && totals.blocked > 0);

    // A child to whom numbers of others lead too stays, and all others whose numbers are on the list have left.
    let (linked_now, _) = council.ids(&gone);
    let mut shared = 0;
    for id in &linked {
        let (is_kept, is_there) = (kept_ids.contains(id), linked_now.contains(id));
        assert_eq!(is_kept, is_there);
        shared += u64::from(is_kept);
    }
    assert_eq!(told["receipt"]["shared_ids"], shared, "of {}", linked.len());
    // The integrated dataset has lost them, and so has the dataset of ids.
    let children = "integrated/children/2024-25/children";
    assert!(after[children].0 < before[children].0 && after[children].0 > 0);
    for table in ["integrated/identities/all/ids", "integrated/identities/all/evidence"] {
        assert!(after[table].0 < before[table].0, "{table}");
    }
    assert!(left_over(&council.0.folder().join("store")).is_empty());
    // No sealed row that was set aside stands, and no snapshot of before.
    for (path, _) in files(&council.0.folder().join("store/datasets")) {
        assert!(
            !path.ends_with("quarantine.age") || path.metadata().unwrap().len() < 1_000,
            "{}",
            path.display()
        );
    }
    // Nobody left who is not due, and of those who are due, hardly anybody stayed: whose birth date one source has wrong.
    let upns: Vec<(String, bool)> = csv(&council, "truth/children.csv")
        .into_iter()
        .filter(|child| child["in_spine"] == "true" && child["upn"].len() == 13)
        .map(|child| {
            let upn = child["upn"].clone();
            let is_due = is_old(&child["dob"]) && !kept.contains(&upn);
            (upn, is_due)
        })
        .collect();
    let blocked = council.blocked("test", upns.iter().map(|(upn, _)| upn.as_str()));
    let early: Vec<_> =
        upns.iter().zip(&blocked).filter(|((_, due), gone)| **gone && !due).collect();
    assert!(early.is_empty(), "{} left too early", early.len());
    let (due, left_by_now) = upns
        .iter()
        .zip(&blocked)
        .filter(|((_, due), _)| *due)
        .fold((0, 0), |(due, gone), (_, is_gone)| (due + 1, gone + u32::from(*is_gone)));
    assert!(due > 20 && left_by_now * 10 >= due * 9, "{left_by_now} of {due}");
    // The same list is not applied twice: whoever lost the receipt is given it again, into a new file alone. Nothing more is due.
    let again = |receipt: &str| {
        let of = ["dispose", list, "--receipt", receipt, "--config", "config/pipeline.toml"];
        council.0.run("minster", &of)
    };
    let over = again("receipt.note");
    assert_eq!(over.status.code(), Some(2), "{}", text(&over));
    let second = again("second.note");
    assert!(text(&second).contains("was applied before"), "{}", text(&second));
    assert_eq!(fs::read_to_string(council.0.path("second.note")).unwrap(), receipt);
    assert_eq!(council.tables(&gone), after, "nothing was written");
    let plan = council.plan();
    assert_eq!(plan["plan"]["due"], 0, "{plan}");

    // The same deliveries, read again, do not bring them back: by another way the same rows stay out.
    council.linked(&["--again"]);
    let read_again = council.tables(&gone);
    for (table, (rows, with)) in &read_again {
        assert_eq!(*with, 0, "{table}");
        if table.starts_with("source/") {
            assert_eq!(*rows, after[table].0, "{table}");
        }
    }
    let blocked = council.totals("school_census/2024-autumn");
    assert_eq!(blocked.accepted, totals.accepted);
    assert!(blocked.conserved() && blocked.blocked > 0);
    let verified = council.0.run("minster-vault", &["log", "verify", "--dir", "vault"]);
    assert!(verified.status.success(), "{}", text(&verified));
    let audit = council
        .0
        .run("minster", &["audit", "--config", "config/pipeline.toml", "--vault-dir", "vault"]);
    let told = text(&audit);
    // One user runs all in a test.
    let failed: Vec<&str> = told.lines().filter(|line| line.starts_with("FAIL")).collect();
    let of_one_user = ["[run.users]", "[roles.pairs]", "[roles.used]"];
    let is_expected = |line: &&str| of_one_user.iter().any(|id| line.contains(id));
    assert!(failed.iter().all(is_expected), "{told}");
    assert!(
        told.lines().any(|line| line.starts_with("PASS") && line.contains("[log.datasets]")),
        "{told}"
    );
}
