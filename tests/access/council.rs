//! A made-up council, linked, and a requester who asks for one child's records.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use minster_model::{DatasetClass, Role};
use minster_store::Store;
use minster_tests::{Site, files, text};
use minster_vault_api::Client;
use serde_json::Value;

use crate::bundle::{self, Bundle, Requester};

pub(crate) struct Council {
    pub(crate) site: Site,
    pub(crate) requester: Requester,
    full: Option<tempfile::TempDir>,
}

/// A child by the truth.
#[derive(Clone)]
pub(crate) struct Child {
    pub(crate) child: String,
    pub(crate) upn: String,
    pub(crate) born: String,
    others: Vec<String>,
}

impl Child {
    /// All numbers that the truth has, blank ones left out.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &str> {
        let all = self.others.iter().chain([&self.upn]).map(String::as_str);
        all.filter(|number| !number.is_empty())
    }
}

impl Council {
    pub(crate) fn new(pupils: u64) -> Self {
        let council = Self::unlinked(pupils);
        council.linked();
        council
    }

    pub(crate) fn unlinked(pupils: u64) -> Self {
        let site = Site::new();
        site.make_council(pupils, 1);
        site.appoint();
        let full = tempfile::tempdir().ok();
        Self { site, requester: Requester::new(), full }
    }

    pub(crate) fn linked(&self) {
        for (program, run) in [("minster-ingest", "run"), ("minster", "link")] {
            let output = self.site.run(program, &[run, "--config", "config/pipeline.toml"]);
            assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output));
        }
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.site.run("minster-vault", arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Proposes access, in a file of this name.
    pub(crate) fn proposed(&self, name: &str, (kind, number): (&str, &str)) {
        fs::write(self.site.path("number"), number).unwrap();
        let case = "request --socket vault.sock --reference SAR/1 --reason asked --expires SOON";
        let what = format!(
            "{case} access --schedule config/retention.toml --kind {kind} --identifier-file number --recipient"
        );
        let words: Vec<&str> = what.split(' ').chain([self.requester.recipient.as_str()]).collect();
        fs::write(self.site.path(name), self.done(&words)).unwrap();
    }

    pub(crate) fn approve(&self, name: &str, by: &str, number: &str) -> Output {
        fs::write(self.site.path("typed"), number).unwrap();
        let approve = "approve --socket vault.sock --yes --clear-key --identifier-file typed";
        let words = approve.split(' ').chain(["--proposal", name, "--name", by, "--key", by]);
        self.site.run("minster-vault", &words.collect::<Vec<_>>())
    }

    pub(crate) fn granted(&self, name: &str, number: (&str, &str)) {
        self.proposed(name, number);
        for by in ["ann", "ben"] {
            let approved = self.approve(name, by, number.1);
            assert!(approved.status.success(), "{}", text(&approved));
        }
    }

    pub(crate) fn access(&self, grant: &str, out: &str) -> Output {
        let of = ["access", "--grant", grant, "--out", out, "--config", "config/pipeline.toml"];
        self.site.run("minster", &[&of[..], &["--json"]].concat())
    }

    /// The bundle of a child, and what the command told.
    pub(crate) fn bundle(&self, number: (&str, &str)) -> (Bundle, Value) {
        let (grant, out) = ("grant.json", "bundle.age");
        let _ = fs::remove_file(self.site.path(out));
        self.granted(grant, number);
        let output = self.access(grant, out);
        assert!(output.status.success(), "{}", text(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let bytes = fs::read(self.site.path(out)).unwrap();
        assert_eq!(told["sha256"], minster_store::sha256_hex(&bytes));
        let bundle = self.requester.open(&bytes);
        if let Ok(to) = std::env::var("MINSTER_TEST_FOLDER") {
            for (name, bytes) in &bundle.files {
                fs::write(Path::new(&to).join(name), bytes).unwrap();
            }
        }
        (bundle, told)
    }

    /// Entries of the log.
    pub(crate) fn log(&self, event: &str) -> Vec<Value> {
        let show = ["log", "show", "--socket", "vault.sock", "--lines", "--event", event];
        let shown = self.done(&show);
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Rows of a made-up CSV file.
    pub(crate) fn csv(&self, path: &str) -> Vec<BTreeMap<String, String>> {
        bundle::rows(&fs::read_to_string(self.site.folder().join(path)).unwrap())
    }

    pub(crate) fn children(&self) -> Vec<Child> {
        let child = |row: BTreeMap<String, String>| Child {
            child: row["child"].clone(),
            upn: row["upn"].clone(),
            born: row["dob"].clone(),
            others: ["former_upn", "nhs", "uln"].map(|name| row[name].clone()).into(),
        };
        self.csv("truth/children.csv").into_iter().map(child).collect()
    }

    /// Children whose rows have no defect, who have one pupil number and are not on the way to an adoption; and the others.
    pub(crate) fn tidy_children(&self) -> (Vec<Child>, Vec<Child>) {
        let rows = self.csv("truth/rows.csv");
        let faulty: HashSet<&String> =
            rows.iter().filter(|row| !row["defect"].is_empty()).map(|row| &row["child"]).collect();
        let adopted = |row: &&BTreeMap<String, String>| {
            ["_ad1.csv", "_placedadoption.csv"].iter().any(|end| row["file"].ends_with(end))
        };
        let adopted: HashSet<&String> =
            rows.iter().filter(adopted).map(|row| &row["child"]).collect();
        let mut by_upn: BTreeMap<String, u32> = BTreeMap::new();
        let all = self.children();
        all.iter().for_each(|child| *by_upn.entry(child.upn.clone()).or_default() += 1);
        all.into_iter().partition(|child| {
            child.upn.len() == 13
                && child.others[0].is_empty()
                && by_upn[&child.upn] == 1
                && !faulty.contains(&child.child)
                && !adopted.contains(&child.child)
        })
    }

    /// How many rows of raw files whose names end so are the child's: by the truth, and of attendance, of which the truth names faulty
    /// rows alone, by the number.
    pub(crate) fn raw_rows(&self, child: &Child, file: &str) -> usize {
        if file == "attendance.csv" {
            let rows = self.csv("council/attendance/2024-25/attendance.csv");
            return rows.iter().filter(|row| row["UPN"] == child.upn).count();
        }
        let rows = self.csv("truth/rows.csv");
        rows.iter().filter(|row| row["child"] == child.child && row["file"].ends_with(file)).count()
    }

    pub(crate) fn append(&self, path: &str, rows: &str) {
        let path = self.site.folder().join(path);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole + rows).unwrap();
    }

    /// Pseudonyms that stand in the store: some hundreds of them, in hexadecimal.
    pub(crate) fn pseudonyms(&self) -> Vec<String> {
        use arrow::array::AsArray;
        let store = Store::open(&self.site.folder().join("store")).unwrap();
        let socket = self.site.folder().join("vault.sock");
        let mut vault = Client::connect(&socket, Role::Linker, "test").unwrap();
        let mut found = Vec::new();
        for manifest in store.manifests().unwrap() {
            if matches!(manifest.dataset.class, DatasetClass::Report | DatasetClass::Linkage) {
                continue;
            }
            let dataset = store.dataset(&manifest.dataset, &mut vault).unwrap();
            for table in &manifest.tables {
                for batch in dataset.table(&table.name, None).unwrap() {
                    let batch = batch.unwrap();
                    let columns = batch.columns().iter();
                    let numbers = columns.filter_map(|column| column.as_fixed_size_binary_opt());
                    let cells = numbers.flat_map(|column| column.iter().flatten().take(20));
                    found.extend(cells.map(|bytes| {
                        minster_model::Pseudonym::from_bytes(bytes.try_into().unwrap()).to_string()
                    }));
                }
            }
        }
        assert!(found.len() > 100);
        found
    }

    /// Files of the folder, but those of the store, the vault and the council.
    pub(crate) fn plain_files(&self) -> HashSet<PathBuf> {
        let of = |path: &PathBuf| {
            let within = path.strip_prefix(self.site.folder()).unwrap();
            let first = within.components().next().unwrap();
            !["store", "vault", "council"].contains(&first.as_os_str().to_str().unwrap())
        };
        let all = files(self.site.folder()).into_iter().map(|(path, _)| path);
        all.filter(of).collect()
    }

    /// A path on a file system that is full; none where this user may not mount one.
    pub(crate) fn full_disk(&self) -> Option<PathBuf> {
        let folder = self.full.as_ref()?.path();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            minster_tests::left_out("no file system can be mounted, so none is full");
            return None;
        }
        let _ = fs::write(folder.join("filler"), vec![1; 60 << 10]);
        Some(folder.join("bundle.age"))
    }
}

impl Drop for Council {
    fn drop(&mut self) {
        if let Some(full) = &self.full {
            let _ = Command::new("umount").arg(full.path()).output();
        }
    }
}

/// Whether bytes stand in any file below a folder.
pub(crate) fn stands(folder: &Path, what: &[u8]) -> bool {
    files(folder).iter().any(|(_, bytes)| memchr::memmem::find(bytes, what).is_some())
}
