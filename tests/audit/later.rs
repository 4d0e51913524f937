//! Faults that only a clock or an opening of the vault shows, in a whole installation.

use std::fs;

use minster_tests::{Site, copy, root, text};

use crate::{ALONE, verdicts::Audit};

/// The roles of `vault.toml`, each beside those that its holder must not have.
const PAIRS: [[&str; 2]; 6] = [
    ["ingest", "linker"],
    ["ingest", "auditor"],
    ["custodian", "ingest"],
    ["custodian", "linker"],
    ["custodian", "analyst"],
    ["custodian", "auditor"],
];

#[test]
fn each_dangerous_pair_of_roles_fails_by_its_name_and_no_other_does() {
    let _alone = ALONE.lock();
    let site = Site::empty();
    copy(&root().join("config"), &site.folder().join("config"));
    let config = site.folder().join("config/pipeline.toml");
    let whole = fs::read_to_string(&config).unwrap();
    fs::create_dir(site.folder().join("store")).unwrap();
    assert!(whole.contains("socket = \"../vault.sock\""), "{whole}");
    // Another uid, since this test's own holds every role.
    let shared = 41_077;
    for [one, other] in PAIRS {
        let dir = site.path(&format!("{one}-{other}"));
        let (key, purposes) = (format!("{dir}.key"), site.path("config/purposes.toml"));
        let init = ["init", "--dir", &dir, "--key-file", &key, "--purposes", &purposes];
        let made = site.run("minster-vault", &init);
        assert!(made.status.success(), "{}", text(&made));
        let table = format!("{dir}/vault.toml");
        let roles = fs::read_to_string(&table).unwrap();
        let lines = roles.lines().map(|line| match line.split_once(" = [") {
            Some((role, uids)) if [one, other].contains(&role) => {
                format!("{role} = [{shared}, {uids}\n")
            }
            _ => format!("{line}\n"),
        });
        fs::write(&table, lines.collect::<String>()).unwrap();
        site.serve_with(&format!("{one}-{other}"), &["--key-file", &key]);
        let audit = Audit::with(&site, &["--only", "roles.pairs"]);
        let evidence = audit.fails("roles.pairs", &[]).evidence("roles.pairs");
        let told: Vec<&str> =
            evidence.split('"').filter(|line| line.contains("uid 41077 holds")).collect();
        let said = format!("uid {shared} holds {one} and {other}: ");
        assert!(told.len() == 1 && told[0].contains(&said), "{evidence}");
        site.stop_vault();
    }
}

#[test]
fn a_machine_whose_clock_went_back_fails() {
    let _alone = ALONE.lock();
    let site = Site::new();
    site.make_council(300, 1);
    let only = ["--only", "log.clock"];
    Audit::with(&site, &only).passes("log.clock");
    if !site.clock_of_programs(-2) {
        return;
    }
    let audit = Audit::with(&site, &only);
    audit.fails("log.clock", &[]);
    assert!(audit.evidence("log.clock").contains("one of the two clocks is wrong"));
}

#[test]
fn records_that_nobody_disposed_of_and_a_list_that_nobody_applied_fail() {
    let _alone = ALONE.lock();
    let site = Site::new();
    site.make_council(300, 1);
    site.appoint();
    let run = |program: &str, line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let ran = site.run(program, &arguments);
        assert!(matches!(ran.status.code(), Some(0 | 3)), "{line}: {}", text(&ran));
        String::from_utf8(ran.stdout).unwrap()
    };
    run("minster-ingest", "run --config config/pipeline.toml");
    run("minster", "link --config config/pipeline.toml");
    let audit = || Audit::with(&site, &["--only", "retention.due"]);
    audit().passes("retention.due");

    // A council that keeps records for a shorter time has many that are over.
    let schedule = site.folder().join("config/retention.toml");
    let whole = fs::read_to_string(&schedule).unwrap();
    assert!(whole.contains("years = 25 }"), "{whole}");
    fs::write(&schedule, whole.replace("years = 25 }", "years = 12 }")).unwrap();
    let told = audit();
    let evidence = told.fails("retention.due", &[]).evidence("retention.due");
    assert!(evidence.contains("92 days ago, and are still held"), "{evidence}");

    // Custodians sign the list, and the store does not apply it.
    let request = "request --socket vault.sock --reference RET/1 --reason yearly --expires SOON";
    let of = "dispose --purpose children-statistics --schedule config/retention.toml";
    let proposal = run("minster-vault", &format!("{request} {of}"));
    fs::write(site.path("proposal"), proposal).unwrap();
    for name in ["ann", "ben"] {
        let by = format!("--proposal proposal --yes --clear-key --name {name} --key {name}");
        run("minster-vault", &format!("approve --socket vault.sock {by}"));
    }
    let out = "--proposal proposal --out disposal.list";
    run("minster-vault", &format!("retention apply --socket vault.sock {out}"));
    let signed = audit();
    let evidence = signed.evidence("retention.due");
    assert!(evidence.contains("was signed 0 days ago"), "{evidence}");
    if site.pass_days(8) {
        let late = audit();
        let evidence = late.fails("retention.due", &[]).evidence("retention.due");
        assert!(evidence.contains("WRONG: the disposal list"), "{evidence}");
        assert!(evidence.contains("was signed 8 days ago"), "{evidence}");
    }
    run("minster", "dispose disposal.list --receipt receipt --config config/pipeline.toml");
    audit().passes("retention.due");
}
