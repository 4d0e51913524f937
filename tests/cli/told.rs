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
    ending, governing, keeping,
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
    governing::govern(&mut telling);
    governing::review(&mut telling);
    governing::reveal(&mut telling);
    governing::rights(&mut telling);
    ending::give_access(&mut telling);
    ending::end_a_purpose(&mut telling);
    keeping::retain(&mut telling);
    keeping::renew(&mut telling);
    keeping::stop(&mut telling);
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
