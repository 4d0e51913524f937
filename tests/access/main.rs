//! Access to all that is held on one child, by the programs: the bundle has the child's rows and nobody else's, only the requester can
//! open it, and a grant is good for one.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod bundle;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Output,
};

use bundle::{Bundle, Requester};
use minster_tests::{Site, files, text};
use serde_json::Value;

/// A made-up council, linked, and a requester.
struct Council {
    site: Site,
    requester: Requester,
}

impl Council {
    fn new(pupils: u64) -> Self {
        let site = Site::new();
        site.make_council(pupils, 1);
        site.appoint();
        let council = Self { site, requester: Requester::new() };
        council.linked();
        council
    }

    fn linked(&self) {
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
    fn proposed(&self, name: &str, (kind, number): (&str, &str)) {
        fs::write(self.site.path("number"), number).unwrap();
        let case = "request --socket vault.sock --reference SAR/1 --reason asked --expires SOON";
        let what = format!("{case} access --kind {kind} --identifier-file number --recipient");
        let words: Vec<&str> = what.split(' ').chain([self.requester.recipient.as_str()]).collect();
        fs::write(self.site.path(name), self.done(&words)).unwrap();
    }

    fn approve(&self, name: &str, by: &str, number: &str) -> Output {
        fs::write(self.site.path("typed"), number).unwrap();
        let approve = "approve --socket vault.sock --yes --clear-key --identifier-file typed";
        let words = approve.split(' ').chain(["--proposal", name, "--name", by, "--key", by]);
        self.site.run("minster-vault", &words.collect::<Vec<_>>())
    }

    fn granted(&self, name: &str, number: (&str, &str)) {
        self.proposed(name, number);
        for by in ["ann", "ben"] {
            let approved = self.approve(name, by, number.1);
            assert!(approved.status.success(), "{}", text(&approved));
        }
    }

    fn access(&self, grant: &str, out: &str) -> Output {
        let of = ["access", "--grant", grant, "--out", out, "--config", "config/pipeline.toml"];
        self.site.run("minster", &[&of[..], &["--json"]].concat())
    }

    /// The bundle of a child, and what the command told.
    fn bundle(&self, number: (&str, &str)) -> (Bundle, Value) {
        let (grant, out) = ("grant.json", "bundle.age");
        let _ = fs::remove_file(self.site.path(out));
        self.granted(grant, number);
        let output = self.access(grant, out);
        assert!(output.status.success(), "{}", text(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let bytes = fs::read(self.site.path(out)).unwrap();
        assert_eq!(told["sha256"], minster_store::sha256_hex(&bytes));
        (self.requester.open(&bytes), told)
    }

    fn log(&self, event: &str) -> Vec<Value> {
        let shown =
            self.done(&["log", "show", "--socket", "vault.sock", "--lines", "--event", event]);
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Rows of a made-up CSV file.
    fn csv(&self, path: &str) -> Vec<BTreeMap<String, String>> {
        bundle::rows(&fs::read_to_string(self.site.folder().join(path)).unwrap())
    }

    /// A child of the truth with a pupil number, and in care.
    fn looked_after(&self) -> BTreeMap<String, String> {
        let header = self.csv("council/ssda903/2024-25/SSDA903_2025_header.csv");
        let upns: HashSet<&String> = header.iter().map(|row| &row["UPN"]).collect();
        let mut children = self.csv("truth/children.csv").into_iter();
        children.find(|child| child["upn"].len() == 13 && upns.contains(&child["upn"])).unwrap()
    }
}

/// Whether bytes stand in any file below a folder.
fn stands(folder: &Path, what: &[u8]) -> bool {
    files(folder).iter().any(|(_, bytes)| memchr::memmem::find(bytes, what).is_some())
}

#[test]
fn the_bundle_has_the_child_s_rows_and_nobody_else_s() {
    let council = Council::new(150);
    let child = council.looked_after();
    let upn = child["upn"].as_str();
    let (bundle, told) = council.bundle(("upn", upn));
    println!("{told} {:?}", bundle.files.keys());
    if let Ok(to) = std::env::var("MINSTER_TEST_FOLDER") {
        for (name, bytes) in &bundle.files {
            fs::write(Path::new(&to).join(name), bytes).unwrap();
        }
    }
}
