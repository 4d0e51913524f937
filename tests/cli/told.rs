//! The programs' words, as they are kept: each report, message and refusal in `told`, and the fields of each JSON
//! object in `json`. One made-up council and one vault go through all of it, as a council would.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
};

use minster_tests::{Site, files, snapshot_texts};
use serde_json::Value;

use crate::{
    ending,
    telling::{Telling, folder},
};

/// A definition that nobody put among those of the pipeline.
const TRIAL: &str = r#"
name = "trial"
zeros = "may-be-withheld"
insider = 0
population = "spine"
[[dimension]]
name = "sen"
column = "sen"
total = "All"
codes = ["N", "K"]
unknown = "not listed"
[[dimension]]
name = "looked_after"
column = "looked_after_episodes"
total = "All"
bands = [0, 1]
labels = ["no", "yes"]
[[table]]
name = "care"
dimensions = ["sen", "looked_after"]
sensitive = [{ dimension = "looked_after", categories = ["yes"] }]
[[table.measure]]
name = "missed"
sum = "sessions_missed"
"#;

#[test]
fn all_that_is_told_is_as_it_is_kept() {
    let mut telling = Telling { site: Site::new(), told: BTreeSet::new(), json: BTreeSet::new() };
    begin(&mut telling);
    plan(&mut telling);
    run(&mut telling);
    publish(&mut telling);
    report(&mut telling);
    govern(&mut telling);
    review(&mut telling);
    reveal(&mut telling);
    rights(&mut telling);
    ending::give_access(&mut telling);
    ending::end_a_purpose(&mut telling);
    retain(&mut telling);
    renew(&mut telling);
    stop(&mut telling);
    assert_eq!(
        snapshot_texts::names(&folder("told")),
        telling.told,
        "a text is kept that nothing tells"
    );
    assert_eq!(
        snapshot_texts::names(&folder("json")),
        telling.json,
        "fields are kept that nothing tells"
    );
    assert_eq!(offer_json(), telling.json, "a command with --json is not among those that are run");
}

/// The commands whose kept help has `--json`.
fn offer_json() -> BTreeSet<String> {
    let helps = files(&folder("help")).into_iter();
    let helps = helps.filter(|(_, help)| String::from_utf8_lossy(help).contains("--json\n"));
    helps.map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The configuration, the council and the custodians.
fn begin(of: &mut Telling) {
    of.tells("plan-without-a-pipeline", "minster plan");
    of.tells("init", "minster init");
    of.tells("init-overwrites-nothing", "minster init");
    of.json("minster-init", "minster init other");
    let council = "--pupils 1500 --seed 1 --attendance-days 5";
    of.tells("synth", &format!("minster-synth {council} --out council --truth truth"));
    of.json("minster-synth", &format!("minster-synth {council} --out again --truth again-truth"));
    let change = |name: &str, from: &str, to: &str| {
        let path = of.site.folder().join(name);
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.contains(from), "{name}");
        fs::write(&path, whole.replacen(from, to, 1)).unwrap();
    };
    change("config/pipeline.toml", "quiet_seconds = 2", "quiet_seconds = 0");
    // Almost every scored pair is then in doubt, and waits for reviewers.
    change("config/matching.toml", "threshold = 0.99 ", "threshold = 0.9999999 ");
    // So few pupils can hide nothing from those who know one of them.
    change("config/tables/children.toml", "insider = 1", "insider = 0");

    of.tells("custodian-new", "minster-vault custodian new --clear-key --out ann");
    of.json("minster-vault-custodian-new", "minster-vault custodian new --clear-key --out ben");
    fs::write(of.site.path("phrase"), "correct horse battery staple").unwrap();
    fs::set_permissions(of.site.path("phrase"), fs::Permissions::from_mode(0o600)).unwrap();
    of.tells(
        "custodian-seal",
        "minster-vault custodian seal --key ann --out ann.sealed --key-passphrase-file phrase",
    );
    of.json(
        "minster-vault-custodian-seal",
        "minster-vault custodian seal --key ben --out ben.sealed --key-passphrase-file phrase",
    );
    let identity = "minster-vault custodian identity --key-passphrase-file phrase";
    of.tells("custodian-identity", &format!("{identity} --out one.identity"));
    of.json("minster-vault-custodian-identity", &format!("{identity} --out two.identity"));
    let init = "--purposes config/purposes.toml --custodian ann=ann.pub --custodian ben=ben.pub";
    of.tells("vault-init", &format!("minster-vault init --dir own --key-file own.key {init}"));
    of.json(
        "minster-vault-init",
        &format!("minster-vault init --dir spare --key-file spare.key {init}"),
    );
    of.tells("vault-init-alone", "minster-vault init --dir alone --key-file alone.key");
    let appoint = "--custodian ann=ann.pub --custodian ben=ben.pub";
    of.tells(
        "custodian-appoint",
        &format!("minster-vault custodian appoint --dir alone --key-file alone.key {appoint}"),
    );
    of.site.stop_vault();
    of.tells("vault-away", "minster-vault status");
    of.tells("vault-away-from-a-run", "minster link");
    of.json(
        "minster-vault-custodian-appoint",
        &format!("minster-vault custodian appoint --dir vault --key-file custody.key {appoint}"),
    );
    of.site.serve();
}

fn plan(of: &mut Telling) {
    of.tells("plan", "minster plan");
    let planned = of.json("minster-plan", "minster plan");
    assert_eq!(planned["plan"]["releases"][0]["name"], "children");
    let ingest = of.json("minster-ingest-plan", "minster-ingest plan");
    assert_eq!(planned["ingest"], ingest, "one plan, two ways to it");
    of.tells("try", "minster-ingest try");
    of.json("minster-ingest-try", "minster-ingest try");
    let file = "council/early_help/2024-25/early_help.csv";
    let check = format!("minster-ingest sources check --definitions config/sources {file}");
    of.tells("sources-check", &check);
    of.json("minster-ingest-sources-check", &check);
    of.tells("sources-check-of-no-source", &check.replace(file, "config/pipeline.toml"));
    of.tells("sources-new", &format!("minster-ingest sources new {file} --values reason"));
    of.json("minster-ingest-sources-describe", "minster-ingest sources describe");
    let pipeline = fs::read_to_string(of.site.path("config/pipeline.toml")).unwrap();
    let one = pipeline.split("[[source]]").take(2).collect::<Vec<_>>().join("[[source]]");
    fs::write(of.site.path("config/one.toml"), one.replace("school_census", "early_help")).unwrap();
    of.tells("sources-describe", "minster-ingest sources describe --config config/one.toml");
}

fn run(of: &mut Telling) {
    of.tells("no-draft", "minster release children");
    of.tells("run", "minster run");
    of.json("minster-run", "minster run");
    of.json("minster-ingest-run", "minster-ingest run");
    of.tells("ingest-run-again", "minster-ingest run --again");
    of.tells("link", "minster link");
    of.json("minster-link", "minster link");
    of.tells("aggregate", "minster aggregate");
    of.json("minster-aggregate", "minster aggregate");
    let definition = "config/tables/children.toml";
    of.tells("columns", "minster columns");
    of.json("minster-columns", "minster columns");
    fs::write(of.site.path("trial.toml"), TRIAL).unwrap();
    of.tells("preview", "minster preview trial.toml");
    of.json("minster-preview", &format!("minster preview {definition}"));
    let sql = "\"SELECT sen, COUNT(*) FROM children WHERE on_spine GROUP BY sen\"";
    of.tells("query", &format!("minster query {sql} --save by_sen"));
    fs::remove_file(of.site.path("config/tables/by_sen.toml")).unwrap();
    of.json("minster-query", &format!("minster query {sql}"));
    of.tells("query-of-rows", "minster query \"SELECT * FROM children\"");
    of.tells(
        "query-of-no-column",
        "minster query \"SELECT wards, COUNT(*) FROM children GROUP BY wards\"",
    );
    of.tells("risk", "minster risk");
    of.json("minster-risk", "minster risk");
    let policy = fs::read_to_string(of.site.path("config/risk.toml")).unwrap();
    let bound = format!("{policy}\n[bounds]\nunique_percent = 0\nbelow_5_percent = 1\n");
    fs::write(of.site.path("config/risk.toml"), bound).unwrap();
    of.tells("risk-above-a-bound", "minster risk");
    of.tells("aggregate-above-a-bound", "minster aggregate");
    fs::write(of.site.path("config/risk.toml"), policy).unwrap();
    of.tells("preview-of-no-file", "minster preview config/tables/adults.toml");
    of.tells("suggest", &format!("minster suggest {definition} --most 3"));
    of.json("minster-suggest", &format!("minster suggest {definition} --most 1"));
    of.tells("aggregate-of-no-definition", "minster aggregate adults");
    of.tells("quarantine-list", "minster-ingest quarantine list");
    of.json("minster-ingest-quarantine-list", "minster-ingest quarantine list");
    of.tells("config-of-no-pipeline", "minster run --config config/matching.toml");
    of.tells("unknown-option", "minster run --config config/pipeline.toml --fast");
    of.tells("unknown-command", "minster publish");
}

fn publish(of: &mut Telling) {
    of.tells("release", "minster release children");
    of.json("minster-release", "minster release --all");
    of.tells("release-of-no-draft", "minster release adults");
    of.tells("verify", "minster verify children");
    of.json("minster-verify", "minster verify children");
    of.tells("verify-of-no-release", "minster verify adults");
    of.tells("explain", "minster explain children");
    of.json("minster-explain", "minster explain children");
    let exactly = of.done("minster explain children --exact --json");
    let explained: Value = serde_json::from_str(&exactly).unwrap();
    let withheld = &explained["cells"][0];
    let mut cell = String::new();
    for (column, category) in withheld["categories"].as_object().unwrap() {
        cell += &format!(" --cell {column}={}", category.as_str().unwrap());
    }
    let table = withheld["explanation"]["table"].as_str().unwrap();
    let one = format!("minster explain children --table {table}{cell}");
    of.tells("explain-a-cell", &one);
    of.tells("explain-a-cell-exactly", &format!("{one} --exact"));
    of.tells("explain-no-table", "minster explain children --table sen_by_wrad");
    of.tells("explain-no-column", "minster explain children --table sen_by_ward --cell wrad=Abbey");
    of.tells("explain-no-category", "minster explain children --table sen_by_ward --cell sen=Q");
    of.tells("explain-a-cell-without-a-table", "minster explain children --cell ward=W01");
    of.tells("lineage", "minster lineage children");
    of.json("minster-lineage", "minster lineage children");
    of.tells("lineage-of-no-release", "minster lineage childern");
    of.tells("reproduce", "minster reproduce children");
    of.json("minster-reproduce", "minster reproduce children");
    of.tells("site", "minster site --out site");
    of.tells("site-in-the-place-of-something-else", "minster site --out council");
    of.json("minster-site", "minster site --out site");
    of.tells("withdraw", "minster withdraw children --reason a-file-was-cut-off");
    of.json("minster-withdraw", "minster withdraw children --reason again");
    of.tells("dictionary-of-no-period", "minster dictionary --period 1999-00");
    // More than there are children.
    let high = TRIAL.replace("zeros =", "threshold = 5000\nzeros =");
    let path = of.site.folder().join("config/tables/trial.toml");
    fs::write(&path, high).unwrap();
    of.tells("aggregate-refused", "minster aggregate trial");
    of.tells("refusals", "minster refusals");
    of.json("minster-refusals", "minster refusals");
    fs::remove_file(path).unwrap();
}

fn report(of: &mut Telling) {
    of.tells("report-quality", "minster report quality");
    of.json("minster-report-quality", "minster report quality");
    of.tells("report-quality-of-no-source", "minster report quality libraries");
    of.tells("report-quality-as-a-page", "minster report quality --html quality.html");
    of.tells("purposes", "minster purposes");
    of.json("minster-purposes", "minster purposes");
    of.tells("report-processing", "minster report processing");
    of.json("minster-report-processing", "minster report processing");
    of.tells("report-dpia", "minster report dpia");
    of.json("minster-report-dpia", "minster report dpia");
    of.tells("report-month", "minster report month --month 2019-02");
    of.json("minster-report-month", "minster report month --month 2019-02");
    of.tells("report-linkage", "minster report linkage");
    of.json("minster-report-linkage", "minster report linkage");
    of.tells("report-links", "minster report links");
    of.json("minster-report-links", "minster report links");
    of.json("minster-runs-list", "minster runs list");
    let runs = of.json("minster-runs-list", "minster runs list --most 100");
    let of_program = |program: &str| {
        let runs = runs["runs"].as_array().unwrap().iter().rev();
        let name = |run: &Value| run["run"].as_str().unwrap().to_owned();
        runs.filter(|run| run["program"] == program).map(name).next().unwrap()
    };
    let [first, let_out] = ["minster-ingest", "minster-release"].map(of_program);
    of.tells("runs-list", "minster runs list --most 3");
    of.tells("runs-show", &format!("minster runs show {first}"));
    of.json("minster-runs-show", &format!("minster runs show {let_out}"));
    of.tells("runs-show-of-no-run", "minster runs show 20200101t000000000-000");
    let audit = of.json("minster-audit", "minster audit");
    // The findings depend on the machine; the titles and the words of each check do not.
    let checks = audit["checks"].as_array().unwrap().iter();
    let titles: BTreeMap<_, _> = checks
        .map(|check| (check["id"].as_str().unwrap(), check["title"].as_str().unwrap()))
        .collect();
    let titles: String = titles.iter().map(|(id, title)| format!("{title} [{id}]\n")).collect();
    of.keep("audit-titles", &titles);
}

/// Keeps what custodians and auditors see.
fn govern(of: &mut Telling) {
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

fn review(of: &mut Telling) {
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
fn reveal(of: &mut Telling) {
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
fn rights(of: &mut Telling) {
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

/// The retention schedule, with a shorter period: nobody of the council is twenty-five.
fn retain(of: &mut Telling) {
    let schedule = fs::read_to_string(of.site.path("config/retention.toml")).unwrap();
    fs::write(of.site.path("short.toml"), schedule.replace("years = 25 }", "years = 12 }"))
        .unwrap();
    of.approved("hold --kind upn --identifier-file number");
    of.done("minster-vault enact --proposal proposal");
    let moratorium = "--schedule short.toml --ordered-by HOME-OFFICE/INQUIRY";
    of.approved(&format!("moratorium --category adoption {moratorium}"));
    of.tells("moratorium", "minster-vault enact --proposal proposal");
    let request = "minster-vault request --reference R/1 --reason test --expires SOON";
    let of_none = format!("{request} moratorium --category adoptions {moratorium}");
    of.tells("moratorium-on-no-category", &of_none);
    let what = "--purpose children-statistics --schedule short.toml --until";
    let plan = format!("minster-vault retention plan {what} 2026-11-01");
    of.tells("retention-plan", &plan);
    of.json("minster-vault-retention-plan", &plan);
    let request = "minster-vault request --reference R/1 --reason test --expires SOON dispose";
    of.tells("dispose-of-nothing", &format!("{request} {what} 2000-01-01"));
    of.tells("dispose-before-the-day", &format!("{request} {what} 2999-01-01"));
    of.approved(&format!("dispose {what} 2026-11-01"));
    let apply = "minster-vault retention apply --proposal proposal --out disposal.list";
    of.json("minster-vault-retention-apply", apply);
    of.tells("retention-apply-again", apply);
    fs::write(of.site.path("forged.list"), "nothing\n").unwrap();
    of.tells("dispose-by-a-forged-list", "minster dispose forged.list --receipt receipt.note");
    let dispose = "minster dispose disposal.list --receipt";
    of.json("minster-dispose", &format!("{dispose} receipt.note"));
    of.tells("dispose-twice", &format!("{dispose} second.note"));
}

fn renew(of: &mut Telling) {
    let purpose = "--purpose children-statistics";
    for name in ["rotate", "rotate-again"] {
        of.approved(&format!("rotate {purpose}"));
        of.tells(name, "minster-vault enact --proposal proposal");
    }
    let request = "minster-vault request --reference R/1 --reason test --expires SOON retire";
    let retire = format!("{request} {purpose}");
    of.tells("retire-while-datasets-stand", &format!("{retire} --version 1"));
    of.tells("rekey", "minster rekey");
    of.json("minster-rekey", "minster rekey");
    of.approved(&format!("retire {purpose} --version 1"));
    of.tells("retire", "minster-vault enact --proposal proposal");
    of.tells("retire-twice", &format!("{retire} --version 1"));
    of.tells("retire-of-the-present-one", &format!("{retire} --version 3"));
}

/// The vault stands still.
fn stop(of: &mut Telling) {
    of.site.stop_vault();
    let rekey = |from: &str, to: &str| {
        format!("minster-vault rekey --dir vault --key-file {from} --new-key-file {to}")
    };
    of.tells("vault-rekey", &rekey("custody.key", "new.key"));
    of.json("minster-vault-rekey", &rekey("new.key", "newer.key"));
    of.tells("vault-rekey-with-the-old-key", &rekey("custody.key", "newest.key"));
    let restore =
        "minster-vault restore --dir older --checkpoints checkpoints --key-file custody.key";
    let case = "--reference INC/9 --reason lost --expires SOON";
    of.tells("restore-after-another-entry", &format!("{restore} --accept-loss-after 3 {case}"));
    let text = of.json("minster-vault-restore", &format!("{restore} --accept-loss-after 0 {case}"));
    fs::write(of.site.path("loss"), text["text"].as_str().unwrap()).unwrap();
    let sign = |name: &str| {
        let who = format!("--name {name} --key {name} --clear-key --out {name}.sig");
        format!("minster-vault custodian sign --text loss --yes {who}")
    };
    of.json("minster-vault-custodian-sign", &sign("ann"));
    of.done(&sign("ben"));
    let restore = format!("{restore} --text loss --signature ann.sig");
    of.tells("restore-by-one", &restore);
    of.tells("restore", &format!("{restore} --signature ben.sig"));
    of.tells("vault-dir-of-no-vault", "minster-vault log verify --dir council");
    unlock(of);
}

/// A vault that starts locked.
fn unlock(of: &mut Telling) {
    let recipient = of.done("minster-vault custodian identity --clear-key --out three.identity");
    of.tells(
        "vault-init-without-a-threshold",
        &format!("minster-vault init --dir trio --recipient {}", recipient.trim()),
    );
    let another = of.done("minster-vault custodian identity --clear-key --out four.identity");
    of.done("minster-vault custodian identity --clear-key --out five.identity");
    let both = format!("--recipient {} --recipient {}", recipient.trim(), another.trim());
    of.done(&format!("minster-vault init --dir trio --threshold 2 {both}"));
    of.site.serve_with("trio", &["--await-custodians"]);
    of.tells("vault-status-of-a-locked-vault", "minster-vault status");
    of.tells("log-show-of-a-locked-vault", "minster-vault log show");
    let unlock = "minster-vault unlock --clear-key --identity";
    of.tells("unlock-wrong", &format!("{unlock} five.identity"));
    of.json("minster-vault-unlock", &format!("{unlock} three.identity"));
    of.tells("unlock", &format!("{unlock} four.identity"));
}
