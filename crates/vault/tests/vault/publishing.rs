//! Releases in the log: who lets one out, and that two must where the purpose says so.

use std::fs;

use minster_model::{Audience, Role, policy::Zeros};
use minster_vault::{
    disk::Disk,
    folder,
    log::{self, Event},
    purposes,
    session::Session,
    vault::Vault,
};
use minster_vault_api::{
    KnownRelease, PROTOCOL, ProposedAction, Publication, Publishing, ReleaseRules, Request,
    Response,
};

use crate::common::{PURPOSES, Site, carried_out, denial};

fn publication(sha256: &str, what: Publishing) -> Publication {
    Publication {
        purpose: "education".parse().unwrap(),
        release: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        sha256: sha256.repeat(64),
        what,
        rules: None,
        entry: (what == Publishing::LetOut).then(|| "e".repeat(64)),
        audience: (what == Publishing::LetOut).then_some(Audience::Public),
    }
}

/// The entry of 0.2.0, which named no entry in the ledger.
fn let_out_by_an_earlier_release(site: &Site, sha256: &str) {
    let mut opened = folder::open_folder(&site.vault(), &site.secret(), Disk::new()).unwrap();
    let publication = Publication { entry: None, ..publication(sha256, Publishing::LetOut) };
    opened.log.append(None, Event::LetOut(publication)).unwrap();
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
        for digit in ["0", "1"] {
            let out = Publication { entry: Some(digit.repeat(64)), ..out.clone() };
            assert_eq!(ask(&vault, uid, Role::Analyst, &out), Some(1), "one person is one");
        }
        assert_eq!(ask(&vault, uid + 1, Role::Analyst, &other), Some(1), "other files");
        assert_eq!(let_out(), []);
    }
    // A restart forgets nobody.
    let vault = site.open(Disk::new()).unwrap();
    // The entry in the ledger names a person, and so is another's for each.
    let second = Publication { entry: Some("2".repeat(64)), ..out.clone() };
    assert_eq!(ask(&vault, uid + 1, Role::Analyst, &second), Some(0));
    assert_eq!(let_out(), [second]);
    assert_eq!(ask(&vault, uid, Role::Analyst, &out), Some(1), "another time, two again");
    let nobody = purposes::parse_all(&two.replace("= 2 }", "= 0 }"), "p".as_ref());
    assert!(nobody.is_err());
}

#[test]
fn the_log_tells_an_analyst_every_release_that_was_ever_let_out() {
    let site = Site::new();
    let_out_by_an_earlier_release(&site, "c");
    let uid = rustix::process::getuid().as_raw();
    let publish = |vault: &Vault, sha256: &str, what, entry: Option<&str>| {
        let entry = entry.map(|entry| entry.repeat(64));
        let publication = Publication { entry, ..publication(sha256, what) };
        ask(vault, uid, Role::Analyst, &publication)
    };
    let known = |vault: &Vault, role, page| {
        let mut session = Session::new(vault, uid);
        session.answer(Request::Hello { protocol: PROTOCOL, role, program: "test".into() });
        match session.answer(Request::Releases { purpose: "education".parse().unwrap(), page }) {
            Response::Releases(known) => Some(known),
            _ => None,
        }
    };
    let of = |sha256: &str, entry: Option<&str>, withdrawn| {
        let Publication { release, period, sha256, .. } = publication(sha256, Publishing::LetOut);
        let entry = entry.map(|entry| entry.repeat(64));
        KnownRelease { release, period, sha256, entry, withdrawn }
    };
    {
        let vault = site.open(Disk::new()).unwrap();
        assert_eq!(known(&vault, Role::Analyst, 0), Some(vec![of("c", None, false)]));
        assert_eq!(publish(&vault, "a", Publishing::LetOut, Some("no hash")), None);
        assert_eq!(publish(&vault, "a", Publishing::LetOut, None), None, "no entry in the ledger");
        publish(&vault, "a", Publishing::LetOut, Some("1")).unwrap();
        publish(&vault, "a", Publishing::Withdrawn, None).unwrap();
        publish(&vault, "b", Publishing::LetOut, Some("2")).unwrap();
        publish(&vault, "b", Publishing::Withdrawn, None).unwrap();
        publish(&vault, "b", Publishing::LetOut, Some("3")).unwrap();
    }
    // A restart forgets none.
    let vault = site.open(Disk::new()).unwrap();
    let all = vec![of("a", Some("1"), true), of("b", Some("3"), false), of("c", None, false)];
    for role in Role::ALL {
        let told = known(&vault, role, 0);
        assert_eq!(told, (role == Role::Analyst).then(|| all.clone()), "{role}");
    }
    assert_eq!(known(&vault, Role::Analyst, 1), Some(vec![]));
}

/// 0.2.0 named no entry of a release in the ledger, and left no copy of it where it was stopped.
#[test]
fn two_custodians_have_a_release_forgotten_of_which_the_log_names_no_entry() {
    let site = Site::new();
    let_out_by_an_earlier_release(&site, "b");
    let serving = site.serve();
    let mut analyst = serving.client(Role::Analyst).unwrap();
    let named = Publication { entry: Some("1".repeat(64)), ..publication("a", Publishing::LetOut) };
    analyst.publish(&named).unwrap();
    let forget = |digit: &str| {
        let Publication { purpose, release, period, sha256, .. } =
            publication(digit, Publishing::LetOut);
        let action = ProposedAction::ForgetRelease { purpose, release, period, sha256 };
        carried_out(&site, &serving, action)
    };
    for (digit, why) in [("a", "names its entry in the ledger"), ("c", "knows of no such release")]
    {
        let denied = denial(forget(digit)).to_string();
        assert!(denied.contains(why), "{denied}");
    }
    forget("b").unwrap();
    let known = analyst.releases(&named.purpose).unwrap();
    let known: Vec<&str> = known.iter().map(|of| of.sha256.as_str()).collect();
    assert_eq!(known, [named.sha256.as_str()]);
    let denied = denial(forget("b")).to_string();
    assert!(denied.contains("knows of no such release"), "once: {denied}");
    log::verify(&site.log(), None).unwrap();
}
