//! Releases in the log: who lets one out, and that two must where the purpose says so.

use std::fs;

use minster_model::{Role, policy::Zeros};
use minster_vault::{disk::Disk, log, purposes::PurposeDefinition, session::Session, vault::Vault};
use minster_vault_api::{PROTOCOL, Publication, Publishing, ReleaseRules, Request, Response};

use crate::common::{PURPOSES, Site};

fn publication(sha256: &str, what: Publishing) -> Publication {
    Publication {
        purpose: "education".parse().unwrap(),
        release: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        sha256: sha256.repeat(64),
        what,
        rules: None,
    }
}

/// How many persons are missing after this user in this role has asked; none where the vault denies it.
fn ask(vault: &Vault, uid: u32, role: Role, publication: &Publication) -> Option<u32> {
    // The socket tells the uid, and a test has but one: the conversation is held without the socket.
    let mut session = Session::new(vault, uid);
    session.answer(Request::Hello { protocol: PROTOCOL, role, program: "test".into() });
    match session.answer(Request::Publish(publication.clone())) {
        Response::Published { missing } => Some(missing),
        _ => None,
    }
}

#[test]
fn an_analyst_lets_a_release_out_and_the_log_says_so() {
    let site = Site::new();
    let vault = site.open(Disk::new()).unwrap();
    let uid = rustix::process::getuid().as_raw();
    let (out, back) =
        (publication("a", Publishing::LetOut), publication("a", Publishing::Withdrawn));
    for role in Role::ALL {
        assert_eq!(ask(&vault, uid, role, &out).is_some(), role == Role::Analyst, "{role}");
    }
    assert_eq!(ask(&vault, uid + 1, Role::Analyst, &out), None, "a user without the role");
    assert_eq!(ask(&vault, uid, Role::Analyst, &publication("no hash", Publishing::LetOut)), None);
    assert_eq!(ask(&vault, uid, Role::Analyst, &back), Some(0));
    let verified = log::verify(&site.log(), None).unwrap();
    assert_eq!(verified.publications, [out, back]);
}

#[test]
fn a_release_under_weaker_rules_than_its_purpose_asks_for_is_denied_and_logged() {
    let floors = "release = { threshold = 5, insider = 1, methods = [\"suppress\"] }\nbudget";
    let site = Site::with(&PURPOSES.replacen("budget", floors, 1));
    let vault = site.open(Disk::new()).unwrap();
    let uid = rustix::process::getuid().as_raw();
    let let_out = |threshold: u64, insider: u64, method: &str| {
        let method = method.to_owned();
        let zeros = Zeros::Published;
        let rules = Some(ReleaseRules { threshold, zeros, insider, p_percent: None, method });
        let publication = Publication { rules, ..publication("a", Publishing::LetOut) };
        ask(&vault, uid, Role::Analyst, &publication)
    };
    assert_eq!(let_out(2, 1, "suppress"), None);
    assert_eq!(let_out(5, 0, "suppress"), None);
    assert_eq!(let_out(5, 1, "cell-key"), None);
    let said_nothing = publication("a", Publishing::LetOut);
    assert_eq!(ask(&vault, uid, Role::Analyst, &said_nothing), None);
    assert_eq!(let_out(6, 1, "suppress"), Some(0));
    let withdrawn = publication("a", Publishing::Withdrawn);
    assert_eq!(ask(&vault, uid, Role::Analyst, &withdrawn), Some(0), "no rule keeps one public");
    let publications = log::verify(&site.log(), None).unwrap().publications;
    let rules: Vec<Option<u64>> =
        publications.iter().map(|of| of.rules.as_ref().map(|rules| rules.threshold)).collect();
    assert_eq!(rules, [Some(6), None]);
    let log = fs::read_to_string(site.log()).unwrap();
    assert_eq!(log.matches("\"denied\"").count(), 4);
}

#[test]
fn where_a_purpose_asks_for_two_persons_two_let_the_same_files_out() {
    let two = PURPOSES.replacen("budget", "release = { persons = 2 }\nbudget", 1);
    let site = Site::with(&two);
    let uid = rustix::process::getuid().as_raw();
    let settings = site.vault().join("vault.toml");
    let roles = fs::read_to_string(&settings).unwrap();
    let roles: Vec<String> = roles
        .lines()
        .map(|line| match line.starts_with("analyst = ") {
            true => format!("analyst = [{uid}, {}]", uid + 1),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&settings, roles.join("\n")).unwrap();
    let (out, other) = (publication("a", Publishing::LetOut), publication("b", Publishing::LetOut));
    let let_out = || log::verify(&site.log(), None).unwrap().publications;
    {
        let vault = site.open(Disk::new()).unwrap();
        for _ in 0..2 {
            assert_eq!(ask(&vault, uid, Role::Analyst, &out), Some(1), "one person is one");
        }
        assert_eq!(ask(&vault, uid + 1, Role::Analyst, &other), Some(1), "other files");
        assert_eq!(let_out(), []);
    }
    // A restart forgets nobody.
    let vault = site.open(Disk::new()).unwrap();
    assert_eq!(ask(&vault, uid + 1, Role::Analyst, &out), Some(0));
    assert_eq!(let_out().as_slice(), std::slice::from_ref(&out));
    assert_eq!(ask(&vault, uid, Role::Analyst, &out), Some(1), "another time, two again");
    let nobody = PurposeDefinition::parse_all(&two.replace("= 2 }", "= 0 }"), "p".as_ref());
    assert!(nobody.is_err());
}
