//! An installation in which every program has its user: whole, as seen by root and by the auditor; and with faults that only
//! root can plant.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt};

use crate::{ALONE, planted, separate_users, verdicts::Audit};

/// Each program has a user of its own, as in service.
#[test]
fn where_every_program_has_its_user_nothing_fails() {
    let _alone = ALONE.lock();
    let Some(site) = separate_users::Site::new() else {
        minster_tests::left_out("only root can run programs as several users");
        return;
    };
    let audit = Audit::read(&site.audit(separate_users::ROOT));
    let (mut left, mut of_others) = (0, false);
    let ours = format!("WRONG: minster-vault (process {},", site.vault_pid().as_raw_nonzero());
    for (id, (verdict, evidence)) in &audit.verdicts {
        // Another installation's programs run beside these, and may be starting.
        if ["run.core", "run.environment", "run.mapped"].contains(&id.as_str()) {
            assert!(!evidence.contains(&ours), "{id} {verdict}: {evidence}");
            of_others |= verdict == "FAIL";
            left += u32::from(verdict == "NOT CHECKED");
            continue;
        }
        // Whether something runs now, and what else the machine keeps, is the machine's to say.
        let expected: &[&str] = match id.as_str() {
            "run.open-files" | "files.secrets" => &["PASS", "NOT CHECKED"],
            // Rows about children are the linker's to open, and root is none.
            "keys.disjoint" | "leakage.datasets" => &["NOT CHECKED"],
            _ => &["PASS"],
        };
        assert!(expected.contains(&verdict.as_str()), "{id} {verdict}: {evidence}");
        left += u32::from(verdict == "NOT CHECKED");
    }
    let code = match (of_others, left) {
        (true, _) => 9,
        (false, 0) => 0,
        (false, _) => 11,
    };
    assert_eq!(audit.code, code);
    by_its_own_user(&site);
    by_someone_without_the_role(&site);
    traces(&site);
    planted::on(&site);
}

/// The auditor's own user makes every check that needs no other user; beside each of the others stands what root runs.
fn by_its_own_user(site: &separate_users::Site) {
    let audit = Audit::read(&site.audit(separate_users::AUDITOR));
    let left: BTreeMap<&str, bool> = audit
        .verdicts
        .iter()
        .filter(|(_, (verdict, _))| verdict != "PASS")
        // Whether a program runs at this moment is the machine's to say.
        .filter(|(id, _)| *id != "run.open-files")
        .map(|(id, _)| (id.as_str(), audit.root_runs(id)))
        .collect();
    let expected = [
        // The vault's memory and folder are the vault's user's.
        ("build.graph", false),
        ("build.installed", true),
        ("files.secrets", true),
        // Rows about children are the linker's to open.
        ("keys.disjoint", false),
        ("leakage.datasets", false),
        ("roles.table", true),
        ("run.environment", true),
        ("run.mapped", true),
        ("run.vault-folder", true),
    ];
    let secrets = left.contains_key("files.secrets");
    let expected = expected.into_iter().filter(|(id, _)| *id != "files.secrets" || secrets);
    let of_log = audit.evidence("log.checkpoints");
    assert_eq!(left, expected.collect(), "{of_log}");
    assert_eq!(audit.code, 11);
    let scan = ["--only", "leakage.datasets", "--only", "keys.disjoint"];
    let by_linker = Audit::read(&site.audit_with(separate_users::MINSTER, &scan));
    by_linker.passes("leakage.datasets").passes("keys.disjoint");
    audit.is_left("leakage.datasets", "minster-audit --config").passes("leakage.persons");
    // The command for root makes the check.
    let by_root = site
        .audit_with(separate_users::ROOT, &["--only", "run.vault-folder", "--only", "roles.table"]);
    let by_root = Audit::read(&by_root);
    by_root.passes("run.vault-folder").passes("roles.table");
    assert_eq!((by_root.verdicts.len(), by_root.code), (2, 0));
}

/// Someone without the role is told so, and what they may not read is no pass.
fn by_someone_without_the_role(site: &separate_users::Site) {
    let audit = Audit::read(&site.audit(separate_users::STRANGER));
    assert_eq!(audit.code, 11);
    audit
        .is_left("keys.statement", "holds no role")
        .is_left("keys.manifests", "no statement")
        .is_left("leakage.datasets", "ermission denied")
        .is_left("keys.disjoint", "no dataset was opened");
    for id in
        ["run.vault-folder", "run.environment", "log.chain", "log.releases", "leakage.releases"]
    {
        assert_eq!(audit.verdict(id), "NOT CHECKED", "{id}: {}", audit.evidence(id));
    }
}

/// The traces that only root can plant.
pub(crate) fn traces(site: &separate_users::Site) {
    let by_root = || Audit::read(&site.only(&["run"]));
    let usurped = site.usurped();
    let audit = by_root();
    audit.fails("run.socket", &[]);
    assert!(audit.evidence("run.socket").contains("but uid 41003 listens"));
    drop(usurped);
    by_root().passes("run.socket").passes("run.core");

    // The vault itself forbids dumps as it starts; its limit is raised while it runs.
    let limit = |most| {
        let most = rustix::process::Rlimit { current: most, maximum: most };
        rustix::process::prlimit(Some(site.vault_pid()), rustix::process::Resource::Core, most)
    };
    match limit(None) {
        Ok(was) => {
            assert_eq!((was.current, was.maximum), (Some(0), Some(0)));
            by_root().fails("run.core", &[]);
            limit(Some(0)).unwrap();
            by_root().passes("run.core");
        }
        Err(_) => minster_tests::left_out("the system does not let root raise another's limit"),
    }

    let mut other = site.of_vault_user("minster-ingest");
    let audit = by_root();
    audit.fails("run.users", &[]);
    assert!(audit.evidence("run.users").contains(&format!("process {}", other.id())));
    other.kill().unwrap();
    other.wait().unwrap();
    by_root().passes("run.users");

    let planted = site.at("own/vault/planted");
    fs::write(&planted, "").unwrap();
    fs::set_permissions(&planted, fs::Permissions::from_mode(0o600)).unwrap();
    let audit = by_root();
    audit.fails("run.vault-folder", &[]);
    assert!(audit.evidence("run.vault-folder").contains("planted: it is uid 0's"));
    fs::remove_file(planted).unwrap();
    by_root().passes("run.vault-folder");
}
