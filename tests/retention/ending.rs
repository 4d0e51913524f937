//! The end of a purpose from end to end, by the programs: after its last day two custodians end it, the store and the vault are emptied of
//! it, a killed program goes on, and what the public has stands.

use std::{collections::HashSet, fs, process::Stdio, time::Duration};

use minster_tests::{copy_whole, files, left_out, text};
use serde_json::Value;

use super::{Council, PURPOSE, alone};

impl Council {
    /// The status of the vault, by the words about the end of the purpose, and by what programs read.
    fn due(&self) -> (String, Value) {
        let told = self.vault(&["status"]);
        let line = told.lines().find(|line| line.contains(&format!("purpose    {PURPOSE} ")));
        let json: Value = serde_json::from_str(&self.vault(&["status", "--json"])).unwrap();
        let ends = json["ends"].as_array().unwrap();
        let of = ends.iter().find(|of| of["purpose"] == PURPOSE).unwrap().clone();
        (line.unwrap().to_owned(), of)
    }

    fn metrics(&self) -> String {
        self.vault(&["metrics"])
    }

    fn end_purpose(&self) -> std::process::Output {
        self.0.run("minster", &["end-purpose", "--config", "config/pipeline.toml", "--json"])
    }

    /// The certificate, or why there is none.
    fn finished(&self, step: &str, out: &str) -> Result<String, String> {
        let of =
            ["end-purpose", step, "--socket", "vault.sock", "--purpose", PURPOSE, "--out", out];
        let output = self.0.run("minster-vault", &of);
        match output.status.success() {
            true => Ok(fs::read_to_string(self.0.path(out)).unwrap()),
            false => Err(text(&output)),
        }
    }

    fn audit(&self) -> String {
        let of = ["audit", "--config", "config/pipeline.toml", "--vault-dir", "vault"];
        text(&self.0.run("minster", &of))
    }

    /// Files of store and vault that say something of a child, or count rows exactly; releases and their ledger are the public's.
    fn that_tell(&self) -> Vec<String> {
        let all = ["store", "vault"].into_iter().flat_map(|of| files(&self.0.folder().join(of)));
        let names =
            all.map(|(path, _)| path.strip_prefix(self.0.folder()).unwrap().display().to_string());
        let tells = |name: &String| {
            let of_store = [
                "store/datasets/",
                "store/drafts/",
                "store/runs/",
                "store/staging/",
                "store/ending",
            ];
            let of_vault =
                ["registry", "births", "facts", "tombstones", "crosswalks", "cases", "disposals"];
            of_store.iter().any(|of| name.starts_with(of))
                || of_vault.iter().any(|of| name.starts_with(&format!("vault/{of}/")))
                    && !name.ends_with("/service-planning")
                    && !name.ends_with("/looked-after-review")
        };
        names.filter(tells).collect()
    }
}

#[test]
fn after_its_end_nothing_of_a_purpose_is_left_but_what_the_public_has() {
    let _alone = alone();
    let council = Council::with_a_release(150);
    let released = files(&council.0.folder().join("store/releases"));
    let ledger = files(&council.0.folder().join("store/ledger"));
    assert!(!released.is_empty() && !ledger.is_empty());
    let tables = council.tables(&HashSet::new());
    let datasets: HashSet<&str> =
        tables.keys().map(|table| table.rsplit_once('/').unwrap().0).collect();

    // Too early: nobody can, but by a text that says so.
    let (told, json) = council.due();
    assert!(told.contains("until ") && !told.contains("OVERDUE"), "{told}");
    assert_eq!(json["due"], "later", "{json}");
    let last: jiff::civil::Date = told.split("until ").nth(1).unwrap()[..10].parse().unwrap();
    let days = i64::from((last - council.0.today()).get_days());
    if !council.0.pass_days(days - 60) {
        return left_out(
            "the end of a purpose: there is no libfaketime, which moves the programs' clock",
        );
    }
    let (told, json) = council.due();
    assert!(told.contains("ENDS in 60 days") && told.contains("end-purpose"), "{told}");
    assert_eq!((&json["due"], &json["days_left"]), (&"soon".into(), &60.into()));
    let soon = council.metrics();
    assert!(
        soon.contains(&format!("minster_vault_purpose_days_left{{purpose=\"{PURPOSE}\"}} 60\n")),
        "{soon}"
    );
    let request = [
        "request",
        "--socket",
        "vault.sock",
        "--reference",
        "C/1",
        "--reason",
        "over",
        "--expires",
        "SOON",
    ];
    let early = council
        .0
        .run("minster-vault", &[&request[..], &["end-purpose", "--purpose", PURPOSE]].concat());
    assert!(
        text(&early).contains("not over: propose it after that day, or say with `--early`"),
        "{}",
        text(&early)
    );
    assert!(council.0.pass_days(61));
    let (told, json) = council.due();
    assert!(
        told.contains("OVERDUE by 1 day")
            && told.contains(&format!("end-purpose --purpose {PURPOSE}")),
        "{told}"
    );
    assert_eq!((&json["due"], &json["days_left"]), (&"over".into(), &(-1).into()));
    let over = council.metrics();
    assert!(
        over.contains("\nminster_vault_purposes_to_destroy ") && !over.contains("to_destroy 0\n"),
        "{over}"
    );
    let audit = council.audit();
    assert!(audit.contains("request … end-purpose --purpose children-statistics"), "{audit}");

    // Nothing is removed before custodians began the end, nor destroyed before the store's side told.
    let nobody = council.end_purpose();
    assert_eq!(nobody.status.code(), Some(6));
    assert!(text(&nobody).contains("nobody ended the purpose"), "{}", text(&nobody));
    assert!(council.that_tell().len() > 20, "{:?}", council.that_tell());
    council.approved(&["end-purpose", "--purpose", PURPOSE], &[]);
    council.vault(&["enact", "--proposal", "proposal"]);
    let (told, json) = council.due();
    assert!(told.contains("ENDING since") && told.contains("run `minster end-purpose`"), "{told}");
    assert_eq!(json["due"], "begun");
    let waits = council.finished("finish", "certificate.note").unwrap_err();
    assert!(waits.contains("has not told yet what it removed"), "{waits}");
    for (program, command) in [("minster-ingest", "run"), ("minster", "link"), ("minster", "rekey")]
    {
        let refused = council.0.run(program, &[command, "--config", "config/pipeline.toml"]);
        let told = text(&refused);
        assert!(told.contains("two custodians ended the purpose"), "{program} {command}: {told}");
    }
    council.0.keep();
    let kept = council.0.folder().join("kept-store");

    // Killed at any moment, it goes on: the last word tells of all that stood at first.
    let mut killed = 0;
    for wait in 0..60 {
        let of = ["end-purpose", "--config", "config/pipeline.toml", "--json"];
        let mut command = council.0.command("minster", &of);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let is_done = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        killed += u32::from(!is_done);
        if is_done {
            break;
        }
    }
    assert!(killed > 0);
    let output = council.end_purpose();
    assert!(output.status.success(), "{}", text(&output));
    let certificate = council.finished("finish", "certificate.note").unwrap();
    let status: Value = serde_json::from_str(&council.vault(&["status", "--json"])).unwrap();
    let verifier = status["status"]["verifier"].as_str().unwrap().to_owned();
    let verified = council.0.run(
        "minster-vault",
        &[
            "end-purpose",
            "verify",
            "--certificate",
            "certificate.note",
            "--json",
            "--verifier",
            &verifier,
        ],
    );
    assert!(verified.status.success(), "{}", text(&verified));
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let told = &verified["verified"];
    assert_eq!(told["datasets_of_the_log_without_word"], serde_json::json!([]), "{told}");
    let removed = told["store"][0]["removal"]["datasets"].as_array().unwrap();
    let of_rows = removed
        .iter()
        .filter(|of| matches!(of["dataset"]["class"].as_str(), Some("source" | "integrated")));
    assert_eq!(of_rows.count(), datasets.len(), "{told}");
    for of in removed.iter().filter(|of| of["dataset"]["class"] == "source") {
        let name = format!(
            "source/{}/{}/",
            of["dataset"]["name"].as_str().unwrap(),
            of["dataset"]["period"].as_str().unwrap()
        );
        let rows: u64 = tables
            .iter()
            .filter(|(table, _)| table.starts_with(&name))
            .map(|(_, (rows, _))| rows)
            .sum();
        assert_eq!(of["rows"], rows, "{name}");
    }
    assert_eq!(told["orders"][0]["approved_by"], serde_json::json!(["ann", "ben"]));
    assert_eq!(told["releases_that_stand"].as_array().unwrap().len(), 1);
    // The certificate of another's hand is none.
    fs::write(council.0.path("forged.note"), certificate.replacen("ann", "eve", 1)).unwrap();
    let forged = council.0.run(
        "minster-vault",
        &["end-purpose", "verify", "--certificate", "forged.note", "--verifier", &verifier],
    );
    assert_eq!(forged.status.code(), Some(2), "{}", text(&forged));

    // Nothing is left in store or vault: no file of the purpose, and in no file a child's number, or what stood for one.
    assert_eq!(council.that_tell(), Vec::<String>::new());
    assert_eq!(files(&council.0.folder().join("store/releases")), released);
    assert_eq!(files(&council.0.folder().join("store/ledger")), ledger);
    let mut words: Vec<Vec<u8>> = council.pupils().into_iter().map(String::into_bytes).collect();
    assert!(words.len() > 100);
    for (path, bytes) in files(&council.0.folder().join("kept-vault/registry")) {
        assert!(bytes.len() > 1_000 || !path.ends_with(PURPOSE), "{}", path.display());
        words.extend((path.ends_with(PURPOSE)).then(|| bytes[bytes.len() - 64..].to_vec()));
    }
    for (_, bytes) in files(&kept.join("datasets")) {
        words.extend((bytes.len() > 200).then(|| bytes[100..164].to_vec()));
    }
    let is_found = |folder: &str| {
        let all = files(&council.0.folder().join(folder)).into_iter();
        let found = all.filter(|(_, bytes)| {
            words.iter().any(|word| memchr::memmem::find(bytes, word).is_some())
        });
        found.map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert!(
        is_found("kept-store").len() > 20 && !is_found("kept-vault").is_empty(),
        "the search finds what is there"
    );
    assert_eq!((is_found("store"), is_found("vault")), (vec![], vec![]));
    let (told, json) = council.due();
    assert!(told.contains("ENDED ") && json["due"] == "ended", "{told}");
    assert!(!council.metrics().contains(&format!("days_left{{purpose=\"{PURPOSE}\"}}")));

    // A copy that is put back opens for nobody. The audit names it, and the same command removes it again.
    copy_whole(&kept, &council.0.folder().join("store"));
    let refused = council.0.run("minster", &["link", "--config", "config/pipeline.toml"]);
    assert!(text(&refused).contains("two custodians ended the purpose"), "{}", text(&refused));
    let audit = council.audit();
    assert!(audit.contains("its data is here again"), "{audit}");
    let again = council.end_purpose();
    assert!(again.status.success(), "{}", text(&again));
    assert_eq!(council.that_tell(), Vec::<String>::new());
    assert_eq!(council.finished("certificate", "second.note").unwrap(), certificate);
    let log = council.0.run("minster-vault", &["log", "verify", "--dir", "vault"]);
    assert!(log.status.success(), "{}", text(&log));
}
