//! Custodians, reviewers and the cases of children, as they are told.

use std::fs;

use minster_tests::files;
use serde_json::Value;

use crate::telling::Telling;

/// Keeps what custodians and auditors see.
pub(crate) fn govern(of: &mut Telling) {
    // A copy that the checkpoint below is not of: it is put back in `stop`.
    let [vault, older] = ["vault", "older"].map(|name| of.site.path(name));
    assert!(
        std::process::Command::new("cp").arg("-a").args([vault, older]).status().unwrap().success()
    );
    of.json("minster-vault-status", "minster-vault status");
    let status = of.done("minster-vault status");
    let own = |line: &&str| !["process", "log", "checkpoint"].iter().any(|of| line.starts_with(of));
    let status: String = status.lines().filter(own).map(|line| format!("{line}\n")).collect();
    of.keep("vault-status", &status);
    let signed = of.json("minster-vault-statement", "minster-vault statement");
    let note = of.done("minster-vault statement");
    assert_eq!(signed["statement"].as_str().unwrap().lines().next(), note.lines().next());
    let entries = of.json("minster-vault-checkpoint", "minster-vault checkpoint --out checkpoints");
    assert!(entries["entries"].as_u64().unwrap() > 10);
    of.json(
        "minster-vault-log-verify",
        "minster-vault log verify --dir vault --checkpoints checkpoints",
    );
    of.tells("log-verify", "minster-vault log verify --log own/log.jsonl");
    of.tells("exact-only", "minster-vault exact-only");
    of.json("minster-vault-exact-only", "minster-vault exact-only");
    let request = "minster-vault request --reference R/2 --reason test --expires SOON";
    let load = "load --purpose children-statistics --source school_census --ceiling 400000";
    of.tells("request", &format!("{request} {load}"));
    let expired = request.replace("SOON", "2019-01-01");
    of.tells("request-that-is-over", &format!("{expired} {load}"));
    let proposal = of.json("minster-vault-request", &format!("{request} --json {load}"));
    fs::write(of.site.path("load"), proposal["text"].as_str().unwrap()).unwrap();
    let approve = "minster-vault approve --proposal load";
    of.tells("enact-too-early", "minster-vault enact --proposal load");
    let all = of.json("minster-vault-proposals", "minster-vault proposals");
    assert_eq!(all["proposals"].as_array().unwrap().len(), 2);
    of.tells("approve-with-a-key-in-clear", &format!("{approve} --name ann --key ann --yes"));
    of.tells("approve-unasked", &format!("{approve} --name ann --key ann --clear-key"));
    of.tells("approve", &format!("{approve} --name ann --key ann --clear-key --yes"));
    of.tells("proposals", "minster-vault proposals");
    of.json("minster-vault-approve", &format!("{approve} --name ben --key ben --clear-key --yes"));
    of.tells("approve-as-another", &format!("{approve} --name ben --key ann --clear-key --yes"));
    of.json("minster-vault-enact", "minster-vault enact --proposal load");
    of.tells("enact-twice", "minster-vault enact --proposal load");
    let shown = of.done("minster-vault log show --from 2 --event proposed --event allowed-load");
    // How far the log had grown is not the same each time.
    let shown: String =
        shown.lines().map(|line| line.split_once(' ').unwrap().1.to_owned() + "\n").collect();
    of.keep("log-show", &shown);
}

pub(crate) fn review(of: &mut Telling) {
    of.tells("review-status", "minster review status");
    of.json("minster-review-status", "minster review status");
    of.tells("review-export-refused", "minster review export --reviewer rae --out rae.csv");
    of.done("minster-vault custodian new --clear-key --out rae");
    of.approved("reviewers --purpose children-statistics --reviewer rae=rae.pub");
    of.tells("enact", "minster-vault enact --proposal proposal");
    of.tells("review-export", "minster review export --reviewer rae --out rae.csv");
    of.json("minster-review-export", "minster review export --reviewer rae --out rae2.csv");
    let sign =
        "minster-vault review sign --purpose children-statistics --name rae --key rae --clear-key";
    let import = "minster review import --reviewer rae --signature rae.csv.sig";
    let signed = of.done(&format!("{sign} --decisions rae.csv"));
    fs::write(of.site.path("rae.csv.sig"), signed).unwrap();
    of.tells("review-import-of-no-decision", &format!("{import} --decisions rae.csv"));
    let file = fs::read_to_string(of.site.path("rae2.csv")).unwrap();
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    assert!(lines.len() > 1, "no pair is in doubt");
    let undecided = lines[1].clone();
    lines[1] = format!("{undecided}different");
    let decided = |lines: &[String]| lines.join("\n") + "\n";
    fs::write(of.site.path("rae.csv"), decided(&lines)).unwrap();
    let signed = of.json("minster-vault-review-sign", &format!("{sign} --decisions rae.csv"));
    fs::write(of.site.path("rae.csv.sig"), signed["signature"].as_str().unwrap()).unwrap();
    of.tells("review-import", &format!("{import} --decisions rae.csv"));
    lines[1] = undecided + "cannot tell";
    fs::write(of.site.path("rae.csv"), decided(&lines)).unwrap();
    of.tells("review-import-of-another-file", &format!("{import} --decisions rae.csv"));
    let signed = of.done(&format!("{sign} --decisions rae.csv"));
    fs::write(of.site.path("rae.csv.sig"), signed).unwrap();
    of.json("minster-review-import", &format!("{import} --decisions rae.csv"));
}

/// Identifiers and rows, for those who may see them.
pub(crate) fn reveal(of: &mut Telling) {
    let census = of.site.folder().join("council/school_census/2024-autumn");
    let number = files(&census).into_iter().find_map(|(_, bytes)| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_number = |cell: &&str| {
            cell.len() == 13
                && cell.starts_with(|c: char| c.is_ascii_uppercase())
                && cell[1..12].bytes().all(|c| c.is_ascii_digit())
        };
        text.split([',', '\n', '\r', '"']).find(is_number).map(str::to_owned)
    });
    fs::write(of.site.path("number"), number.unwrap()).unwrap();
    let child = "--kind upn --identifier-file number";
    let mut pseudonym = String::new();
    for json in [false, true] {
        of.approved(&format!("subject {child}"));
        let line = format!("minster-vault subject --proposal proposal {child}");
        match json {
            false => drop(of.tells("subject", &line)),
            true => {
                let found = of.json("minster-vault-subject", &line);
                pseudonym = found["pseudonyms"][0]["pseudonym"].as_str().unwrap().to_owned();
            }
        }
        of.tells(&format!("subject-twice-{json}"), &line);
    }
    fs::write(of.site.path("pseudonyms"), format!("{pseudonym}\n{}\n", "0".repeat(32))).unwrap();
    for json in [false, true] {
        of.approved("reidentify --purpose children-statistics --pseudonyms pseudonyms");
        let line = "minster-vault reidentify --proposal proposal";
        match json {
            false => drop(of.tells("reidentify", line)),
            true => {
                let found = of.json("minster-vault-reidentify", line);
                let number = fs::read_to_string(of.site.path("number")).unwrap();
                assert_eq!(found["identifiers"][0]["identifier"], number);
                assert_eq!(found["identifiers"][1]["identifier"], Value::Null);
            }
        }
    }
    let store = of.site.folder().join("store/datasets");
    let mut sealed = files(&store).into_iter().map(|(path, _)| path);
    let sealed = sealed.rfind(|path| path.ends_with("quarantine.age")).unwrap();
    let open = format!(
        "minster-vault quarantine open --sealed {} --reference R/3 --reason test",
        sealed.display()
    );
    of.tells("quarantine-open", &format!("{open} --out rows.jsonl"));
    of.json("minster-vault-quarantine-open", &format!("{open} --out rows2.jsonl"));
    of.tells("quarantine-open-without-a-file", &format!("{open} --json"));
    of.tells("quarantine-open-of-no-row", &format!("{open} --row 999999999"));
}

/// A case of a child's rights. Days left differ from month to month: their words are compared elsewhere.
pub(crate) fn rights(of: &mut Telling) {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let open = "minster-vault case open --right erasure --purpose children-statistics --kind upn";
    let open = format!("{open} --identifier-file number --reference RIGHT/1 --received");
    of.tells("case-open-before-it-came", &format!("{open} 2999-01-01"));
    of.json("minster-vault-case-open", &format!("{open} {today}"));
    of.json("minster-vault-cases", "minster-vault cases");
    of.approved("decide refuse --case RIGHT/1 --ground research");
    of.tells("case-refused", "minster-vault enact --proposal proposal");
    of.json("minster-vault-case-close", "minster-vault case close --case RIGHT/1");
    of.json("minster-vault-case-receipt", "minster-vault case receipt --case RIGHT/1");
    of.tells("case-close-twice", "minster-vault case close --case RIGHT/1");
    of.tells("case-close-of-none", "minster-vault case close --case RIGHT/9");
}
