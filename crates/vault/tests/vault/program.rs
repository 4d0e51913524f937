//! The program, as custodians use it: a whole ceremony by its commands.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use minster_model::{DatasetClass, Role};
use minster_vault_api::{Client, RecordedManifest};

use crate::common::{PURPOSES, batch, dataset, kind, manifest, turned_back};

pub(crate) struct Office {
    pub(crate) folder: tempfile::TempDir,
    vault: Option<Child>,
}

impl Office {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(folder.path().join("purposes.toml"), PURPOSES).unwrap();
        Self { folder, vault: None }
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_minster-vault"))
            .args(arguments.replace("SOON", &minster_tests::soon()).split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    pub(crate) fn good(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {err}");
        String::from_utf8(output.stdout).unwrap() + &err
    }

    pub(crate) fn bad(&self, arguments: &str, code: i32) -> String {
        let output = self.run(arguments);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {err}");
        err
    }

    /// Starts the vault, and does not wait for it.
    pub(crate) fn start(&mut self, arguments: &str) -> u32 {
        let child = Command::new(env!("CARGO_BIN_EXE_minster-vault"))
            .args("serve --single-user --dir vault --socket s --checkpoints auditor".split(' '))
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.vault.insert(child).id()
    }

    pub(crate) fn serve(&mut self, arguments: &str) {
        self.start(arguments);
        for _ in 0..1000 {
            if Client::connect(&self.folder.path().join("s"), Role::Ingest, "test").is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not serve");
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.vault.take() {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn keep(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn a_year_of_a_vault() {
    let mut office = Office::new();
    office.keep("phrase", "correct horse battery staple\n");
    office.keep("short", "too short\n");
    for name in ["ann", "ben"] {
        office.good(&format!("custodian new --clear-key --out {name}"));
    }
    let why = office.bad("init --dir vault --passphrase-file short", 2);
    assert!(why.contains("12 characters"), "{why}");
    office.good(
        "init --dir vault --purposes purposes.toml --passphrase-file phrase \
         --custodian ann=ann.pub --custodian ben=ben.pub",
    );
    office.bad("init --dir vault --passphrase-file phrase", 2);
    office.serve("--passphrase-file phrase");
    let status = office.good("status --socket s");
    for word in
        ["ONE USER", "Argon2id, 65536 KiB", "ann, ben", "education until 2099", "seccomp: yes"]
    {
        assert!(status.contains(word), "{word}: {status}");
    }
    let mut client =
        Client::connect(&office.folder.path().join("s"), Role::Ingest, "test").unwrap();
    let opened = client.open_run(manifest("education", "census", 10)).unwrap();
    let tokens = client.pseudonymise(&kind("upn"), batch(&["Q330400024001"])).unwrap();
    client.close_run(&[]).unwrap();
    let source = dataset(DatasetClass::Source);
    let mut linker =
        Client::connect(&office.folder.path().join("s"), Role::Linker, "test").unwrap();
    let (_, wrapped) = linker.create_key(&source).unwrap();
    let sha256 = "d".repeat(64);
    let manifest = RecordedManifest { dataset: source.clone(), sha256: sha256.clone() };
    client.record_manifest(manifest, None).unwrap();
    let unwrapped = linker.unwrap_key(&source, &wrapped, Some(&opened.run_key), &sha256).unwrap();
    let made = turned_back(&unwrapped.run.unwrap(), &tokens);

    office.keep("list", &format!("{}\n", made[0]));
    let case = "--socket s --reference SAR/1 --reason access --expires SOON";
    let text =
        office.good(&format!("request {case} reidentify --purpose education --pseudonyms list"));
    office.keep("proposal", text.split("proposal ").next().unwrap());
    let why = office.bad("reidentify --socket s --proposal proposal", 6);
    assert!(why.contains("0 of 2"), "{why}");
    for name in ["ann", "ben"] {
        let ask = format!(
            "approve --socket s --proposal proposal --name {name} --key {name} --clear-key"
        );
        let why = office.bad(&ask, 2);
        assert!(why.contains("--yes"), "{why}");
        office.good(&format!("{ask} --yes"));
    }
    let told = office.good("reidentify --socket s --proposal proposal");
    assert_eq!(told, format!("{}\tupn\tQ330400024001\n", made[0]));
    office.bad("reidentify --socket s --proposal proposal", 6);

    office.keep("number", "q330400024001 \n");
    let text = office.good(&format!("request {case} subject --kind upn --identifier-file number"));
    office.keep("proposal", text.split("proposal ").next().unwrap());
    let letter = minster_identifiers::check_letter(b"330400024002").unwrap();
    office.keep("another", &format!("{letter}330400024002\n"));
    for name in ["ann", "ben"] {
        let approve = format!(
            "approve --socket s --proposal proposal --name {name} --key {name} --clear-key --yes"
        );
        let why = office.bad(&format!("{approve} --identifier-file another"), 2);
        assert!(why.contains("about another number; not signed") && !why.contains("3304"), "{why}");
        let said = office.good(&format!("{approve} --identifier-file number"));
        assert!(
            said.contains("about the number that you gave") && !said.contains("3304"),
            "{said}"
        );
    }
    let told =
        office.good("subject --socket s --proposal proposal --kind upn --identifier-file number");
    assert!(told.contains(&format!("education\tv1\t{}\tyes", made[0])), "{told}");
    office.keep("number", "A330400024001\n");
    let why =
        office.bad("subject --socket s --proposal proposal --kind upn --identifier-file number", 2);
    assert!(!why.contains("3304"), "never the number: {why}");

    let enacted = |what: &str| {
        let text = office.good(&format!("request {case} {what}"));
        office.keep("proposal", text.split("proposal ").next().unwrap());
        for name in ["ann", "ben"] {
            office.good(&format!(
                "approve --socket s --proposal proposal --name {name} --key {name} --clear-key --yes"
            ));
        }
        office.good("enact --socket s --proposal proposal")
    };
    let told = enacted("rotate --purpose education");
    assert!(told.contains("the keys are v2 now"), "{told}");
    let retire = "retire --purpose education --version 1";
    let why = office.bad(&format!("request {case} {retire}"), 6);
    assert!(why.contains("would be lost: source/census/2024-25"), "{why}");
    let told = enacted(&format!("{retire} --give-up source/census/2024-25"));
    assert!(told.contains("v1 of the keys is retired"), "{told}");
    let figures = office.good("metrics --socket s");
    for line in [
        "minster_vault_up 1",
        "minster_vault_locked 0",
        "minster_vault_budget_used_ratio{purpose=\"education\"} 0.01",
        "minster_vault_budget_used_ratio{purpose=\"health\"} 0.0",
        "minster_vault_alarm{purpose=\"education\"} 0",
        "minster_vault_purposes_ending 0",
        "minster_vault_open_proposals 0",
    ] {
        assert!(figures.lines().any(|one| one == line), "{line}: {figures}");
    }
    let figure = |name: &str| {
        let line = figures.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse::<i64>().unwrap()
    };
    assert!((0..600).contains(&figure("minster_vault_checkpoint_age_seconds")));
    assert!(figure("minster_vault_purpose_days_left{purpose=\"education\"}") > 20_000);
    assert!(!figures.contains(&made[0].to_string()) && !figures.contains("Q3304"));
    office.good("metrics --socket s --out vault.prom");
    let out = office.folder.path().join("vault.prom");
    assert!(fs::read_to_string(&out).unwrap().starts_with("# HELP minster_vault_"));
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o644);
    // The program makes files for its user alone, but for the auditor's.
    let mode = |name: &str| {
        fs::metadata(office.folder.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("auditor"), mode("auditor/verifier.txt")), (0o750, 0o640));
    office.good("checkpoint --socket s --out auditor");
    let verified = office.good("log verify --dir vault --checkpoints auditor");
    assert!(verified.contains("chain whole") && verified.contains("8 custodians' approvals"));
    office.stop();
    office.good("rekey --dir vault --passphrase-file phrase --new-key-file key");
    office.serve("--key-file key");
    assert!(office.good("status --socket s").contains("key file, changed 1 times"));
    let statement = office.good("statement --socket s");
    assert!(statement.contains("\u{2014} minster-vault/"));
    office.bad("serve --single-user --dir vault --socket t --key-file key", 8);
}

#[test]
fn rows_in_quarantine_are_opened_into_a_file_of_one_s_own() {
    let mut office = Office::new();
    office.good("init --dir vault --purposes purposes.toml --key-file key");
    office.serve("--key-file key");
    let status = office.good("status --socket s");
    let recipient = status.lines().find_map(|line| line.strip_prefix("quarantine ")).unwrap();
    let row = |file: &str, row: u32| {
        format!("{{\"file\":\"{file}\",\"table\":\"t\",\"row\":{row},\"raw\":\"CANARY{row}\"}}\n")
    };
    let rows = [row("a.csv", 1), row("a.csv", 2), row("b.csv", 1)];
    let recipient: age::x25519::Recipient = recipient.parse().unwrap();
    let sealed = age::encrypt(&recipient, rows.concat().as_bytes()).unwrap();
    fs::write(office.folder.path().join("quarantine.age"), sealed).unwrap();
    let reason = |file: &str, row: u32, reason: &str| {
        format!(
            "{{\"file\":\"{file}\",\"table\":\"t\",\"row\":{row},\"column\":null,\"reason\":\"{reason}\"}}\n"
        )
    };
    let reasons = [
        reason("a.csv", 1, "encoding"),
        reason("a.csv", 2, "required"),
        reason("b.csv", 1, "encoding"),
    ];
    office.keep("quarantine.jsonl", &reasons.concat());

    let open =
        "quarantine open --socket s --sealed quarantine.age --reference DQ/1 --reason letters";
    office.good(&format!("{open} --out rows.jsonl"));
    let out = office.folder.path().join("rows.jsonl");
    assert_eq!(fs::read_to_string(&out).unwrap(), rows.concat());
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    office.bad(&format!("{open} --out rows.jsonl"), 2);
    assert_eq!(fs::read_to_string(&out).unwrap(), rows.concat(), "what is there stays");
    for (choice, chosen) in [
        ("--failed-for encoding", vec![0, 2]),
        ("--failed-for encoding --file a.csv", vec![0]),
        ("--row 1 --table t", vec![0, 2]),
        ("--row 2", vec![1]),
    ] {
        let told = office.run(&format!("{open} {choice}")).stdout;
        let wanted: String = chosen.iter().map(|&at| rows[at].as_str()).collect();
        assert_eq!(String::from_utf8(told).unwrap(), wanted, "{choice}");
    }
    let why = office.bad(&format!("{open} --row 9"), 2);
    assert!(why.contains("no row that fits"), "{why}");
    let why = office.bad(&open.replace("--reason letters", "--reason 9434765919"), 6);
    assert!(why.contains("number") && !why.contains("9434"), "{why}");
    let why = office.bad(&format!("{open} --role auditor"), 6);
    assert!(why.contains("may not ask"), "{why}");
    fs::write(office.folder.path().join("quarantine.age"), "a,b\n").unwrap();
    let why = office.bad(&format!("{open} --out none.jsonl"), 6);
    assert!(why.contains("no sealed quarantine"), "{why}");
    assert!(!office.folder.path().join("none.jsonl").exists());
    let log = fs::read_to_string(office.folder.path().join("vault/log.jsonl")).unwrap();
    assert!(log.contains("\"rows\":3,\"chosen\":2") && !log.contains("CANARY"));
}

/// A custodian is shown what they sign, whatever whoever wrote it wanted them to see.
#[test]
fn a_text_of_another_s_hand_is_escaped_before_it_is_signed() {
    let mut office = Office::new();
    office.keep("phrase", "correct horse battery staple");
    office.good("custodian new --out ann --key-passphrase-file phrase");
    office.good("custodian new --out ben --key-passphrase-file phrase");
    office.good("init --dir vault --purposes purposes.toml --key-file key --custodian ann=ann.pub --custodian ben=ben.pub");
    office.serve("--key-file key");
    let request = "request --socket s --reference A/1 --reason REASON --expires SOON rotate --purpose education";
    let text = String::from_utf8(office.run(request).stdout).unwrap();
    office.keep("case", &text);
    let approve = "approve --socket s --name ann --key ann --key-passphrase-file phrase";
    let said = office.good(&format!("{approve} --proposal case --yes"));
    let end = said.split("\n\n").last().unwrap();
    for line in
        ["what       make new keys for education: version v2", "reference  A/1", "in 30 days"]
    {
        assert!(end.contains(line), "{line}: {said}");
    }
    assert!(said.ends_with("approved by 1 of 2 custodians\n"));
    let hidden = "\u{202e}\u{9b}2J\u{7f}\u{2066}";
    office.keep("bad", &text.replace("REASON", hidden));
    let said = office.bad(&format!("{approve} --proposal bad"), 2);
    assert!(
        said.contains("nobody can be asked")
            && !hidden.chars().any(|one| said.contains(one) && one != '2' && one != 'J')
    );
    assert_eq!(
        said.matches("\\u{202e}\\u{9b}2J\\u{7f}\\u{2066}").count(),
        2,
        "text and summary: {said}"
    );
    // Nor does the vault take such a reason.
    let why = office.bad(&request.replace("REASON", "a\u{202e}b"), 6);
    assert!(why.contains("not seen"), "{why}");
    let why = office.bad(
        &format!("{approve} --proposal case --yes")
            .replace(" --key-passphrase-file phrase", " --clear-key"),
        2,
    );
    assert!(why.contains("leave --clear-key out"), "{why}");
}

#[test]
fn a_fault_is_told_with_the_remedy() {
    let office = Office::new();
    office.good("custodian new --clear-key --out ann");
    office.bad("custodian new --clear-key --out ann", 2);
    office.good("init --dir vault --purposes purposes.toml --key-file key");
    for (arguments, code, word) in [
        ("serve --single-user --dir vault --socket s", 2, "--key-file"),
        ("serve --single-user --dir vault --socket s --key-file none", 2, "none"),
        ("serve --single-user --dir none --socket s --key-file key", 2, "none"),
        ("serve --dir vault --socket s --key-file key", 2, "holds the roles ingest and linker"),
        ("status --socket s", 6, "minster-vault serve"),
        ("log verify --dir none", 2, "none"),
        ("log verify --dir vault --checkpoints none", 2, "verifier.txt"),
        (
            "approve --socket s --proposal purposes.toml --name a --key ann --clear-key",
            1,
            "not a proposal",
        ),
        ("init --dir v2 --purposes ann.pub --key-file key", 2, "ann.pub"),
        ("init --dir v2 --custodian ann=purposes.toml --key-file key", 2, "hexadecimal"),
        ("init --dir v2 --recipient age1x --threshold 1 --key-file key", 2, "cannot be used with"),
        ("init --dir v2 --recipient age1x --recipient age1y", 2, "--threshold"),
        ("rekey --dir vault --key-file key --new-recipient age1x", 2, "--new-threshold"),
        (
            "serve --single-user --dir vault --socket s --await-custodians",
            2,
            "no custodian has a share",
        ),
        (
            "serve --single-user --dir vault --socket s --await-custodians --key-file key",
            2,
            "cannot be used with",
        ),
        ("init --dir v2 --recipient age1x --threshold 2", 2, "age recipient"),
    ] {
        let why = office.bad(arguments, code);
        assert!(why.contains(word), "{arguments}: {why}");
    }
    assert!(!Path::new("v2").exists());
}

/// Runs a command with this on its standard input.
fn piped(office: &Office, arguments: &str, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_minster-vault"))
        .args(arguments.replace("SOON", &minster_tests::soon()).split_whitespace())
        .current_dir(office.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn numbers_of_the_list_come_from_a_file_or_standard_input_and_stand_in_no_message() {
    let mut office = Office::new();
    for name in ["ann", "ben"] {
        office.good(&format!("custodian new --clear-key --out {name}"));
    }
    office.good(
        "init --dir vault --purposes purposes.toml --key-file key --custodian ann=ann.pub --custodian ben=ben.pub",
    );
    office.serve("--key-file key");
    let request = "request --socket s --reference A/1 --reason order --expires SOON exact-only";
    for (numbers, line, why) in [
        ("upn Q330400024001\n\nupn Q330400024002\n", 3, "no number of its kind"),
        ("Q330400024001\n", 1, "a kind, a space"),
        ("Q330400024001 upn\n", 1, "does not begin with a kind"),
        ("1234567890 uln\n", 1, "does not begin with a kind"),
        ("uln 1234567890\n", 1, "no number of its kind"),
        ("la-child-id unknown\n", 1, "no number of its kind"),
    ] {
        let output = piped(&office, &format!("{request} add --numbers -"), numbers);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{numbers}: {said}");
        assert!(said.contains(&format!("line {line}")) && said.contains(why), "{numbers}: {said}");
        let canaries = ["33040", "12345"];
        assert!(canaries.iter().all(|canary| !said.contains(canary)), "{said}");
    }
    let empty = piped(&office, &format!("{request} add --numbers -"), "\n");
    assert_eq!(empty.status.code(), Some(2));
    // Two writings of one number are one number.
    let numbers = "la-child-id C007\nla-child-id c007\n upn  q330400024001 \n";
    let output = piped(&office, &format!("{request} add --numbers -"), numbers);
    assert!(output.status.success());
    office.keep("case", &String::from_utf8(output.stdout).unwrap());
    let why = office.bad("enact --socket s --proposal case", 6);
    assert!(why.contains("0 of 2"), "{why}");
    office.keep("told", "la-child-id c007\nupn Q330400024001\n");
    office.keep("others", "la-child-id c008\nupn Q330400024001\n");
    for name in ["ann", "ben"] {
        let approve = format!(
            "approve --socket s --proposal case --name {name} --key {name} --clear-key --yes"
        );
        let why = office.bad(&format!("{approve} --numbers others"), 2);
        assert!(why.contains("other numbers") && !why.contains("c008"), "{why}");
        let said = office.good(&format!("{approve} --numbers told"));
        assert!(said.contains("and no others"), "{said}");
    }
    let said = office.good("enact --socket s --proposal case");
    assert!(said.contains("2 numbers put on the list of exact-only identities"), "{said}");
    assert_eq!(office.good("exact-only --socket s"), "la-child-id\t1\nupn\t1\n");
    let json: serde_json::Value =
        serde_json::from_str(&office.good("exact-only --socket s --json")).unwrap();
    assert_eq!(json["exact_only"]["upn"], 1);
    let why = office.bad("exact-only --socket s --role ingest", 6);
    assert!(why.contains("may not ask"), "{why}");
}

#[test]
fn two_custodians_restore_a_vault_whose_checkpoints_are_lost() {
    let mut office = Office::new();
    for name in ["ann", "ben"] {
        office.good(&format!("custodian new --clear-key --out {name}"));
    }
    office.good(
        "init --dir vault --purposes purposes.toml --key-file key --custodian ann=ann.pub \
         --custodian ben=ben.pub",
    );
    for _ in 0..2 {
        office.serve("--key-file key");
        office.stop();
    }
    fs::remove_dir_all(office.folder.path().join("auditor")).unwrap();
    let why = office
        .bad("serve --single-user --dir vault --socket s --checkpoints auditor --key-file key", 9);
    assert!(why.contains("minster-vault restore"), "{why}");
    let why = office.bad("serve --single-user --dir vault --socket s --key-file key", 9);
    assert!(why.contains("--checkpoints"), "{why}");

    let case = "--reference INC/9 --reason lost --expires SOON";
    let restore = "restore --dir vault --key-file key --checkpoints auditor";
    let why = office.bad(&format!("{restore} --accept-loss-after 3 {case}"), 2);
    assert!(why.contains("--accept-loss-after 0"), "{why}");
    let why = office.bad(&format!("{restore} --accept-clock {case}"), 2);
    assert!(why.contains("not behind"), "{why}");
    let printed = office.run(&format!("{restore} --accept-loss-after 0 {case}"));
    office.keep("loss.json", &String::from_utf8(printed.stdout).unwrap());
    office.bad("custodian sign --text loss.json --name ann --key ann --clear-key --out ann.sig", 2);
    for name in ["ann", "ben"] {
        let sign =
            format!("custodian sign --text loss.json --name {name} --key {name} --clear-key");
        office.good(&format!("{sign} --out {name}.sig --yes"));
    }
    let carry_out = format!("{restore} --text loss.json --signature ann.sig");
    office.bad(&carry_out, 2);
    office.good(&format!("{carry_out} --signature ben.sig"));
    office.serve("--key-file key");
    office.stop();
    let verified = office.good("log verify --dir vault --checkpoints auditor");
    assert!(verified.contains("1 times two custodians accepted a loss"), "{verified}");
}
