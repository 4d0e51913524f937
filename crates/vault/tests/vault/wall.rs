//! Ways around the table of roles: one change after the other, a table that shuts everybody out, the clock, the log's end.

use std::fs;

use jiff::ToSpan;
use minster_model::Role;
use minster_vault::{
    VaultFault,
    approvals::Proposal,
    custody::Wanted,
    disk::Disk,
    folder::{self, Closed, Plan},
    log::{self, Event},
    purposes::today,
    session::Session,
    vault::Vault,
};
use minster_vault_api::{
    Denial, PROTOCOL, Proposed, ProposedAction, Publication, Publishing, Request, Response,
    VaultError,
};

use crate::common::{PURPOSES, Site, carried_out, denial, manifest};

/// A user of every Unix system, who runs nothing here.
const OTHER: u32 = 65_534;

fn own() -> u32 {
    rustix::process::getuid().as_raw()
}

fn session(vault: &Vault, uid: u32, role: Role) -> Session<'_> {
    let mut session = Session::new(vault, uid);
    let hello = Request::Hello { protocol: PROTOCOL, role, program: "test".into() };
    assert!(matches!(session.answer(hello), Response::Welcome { .. }), "{uid} {role}");
    session
}

fn grant(role: Role, uid: u32) -> ProposedAction {
    ProposedAction::Grant { role, uid, until: None }
}

fn revoke(role: Role, uid: u32) -> ProposedAction {
    ProposedAction::Revoke { role, uid }
}

/// A proposal that a user made and two custodians approved: its text.
fn approved(site: &Site, vault: &Vault, uid: u32, action: ProposedAction) -> String {
    let mut custodian = session(vault, uid, Role::Custodian);
    let (reference, reason) = ("C/1".into(), "as the case says".into());
    let proposed = Proposed { action, reference, reason, expires: minster_tests::soon() };
    let text = match custodian.answer(Request::Propose(proposed)) {
        Response::Proposal(text) => text,
        Response::Denied(denied) => panic!("{denied}"),
        _ => panic!("neither"),
    };
    for name in ["ann", "ben"] {
        let answer = custodian.answer(Request::Approve(site.sign(name, &text)));
        assert!(matches!(answer, Response::Approved { .. }));
    }
    text
}

fn enacted(vault: &Vault, (uid, role): (u32, Role), text: &str) -> Result<(), Denial> {
    let proposal = Proposal::id(text);
    match session(vault, uid, role).answer(Request::Enact { proposal }) {
        Response::Enacted(_) => Ok(()),
        Response::Denied(denied) => Err(denied),
        _ => panic!("neither"),
    }
}

fn carry(site: &Site, vault: &Vault, action: ProposedAction) -> Result<(), Denial> {
    enacted(vault, (own(), Role::Custodian), &approved(site, vault, own(), action))
}

/// Writes a role's uids into `vault.toml`; none of them takes the line out.
fn write_role(site: &Site, role: &str, uids: Option<&str>) {
    let path = site.vault().join("vault.toml");
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter_map(|line| match line.split_once(" = ") {
        Some((of, _)) if of == role => uids.map(|uids| format!("{role} = [{uids}]\n")),
        _ => Some(format!("{line}\n")),
    });
    fs::write(&path, lines.collect::<String>()).unwrap();
}

/// Takes the folder as `serve` does: the roles are looked at, then the folder is opened.
fn served(site: &Site, single_user: bool) -> Result<Vault, VaultFault> {
    let closed = Closed::at(&site.vault())?;
    let unsealed = closed.unseal(&site.secret())?;
    Vault::new(closed.open(unsealed, Disk::new())?, None, single_user)
}

/// Nobody could propose, approve or unlock after that, for ever.
#[test]
fn a_table_without_a_custodian_is_not_taken_over_and_the_file_can_be_mended() {
    let site = Site::new();
    for uids in [Some(""), None] {
        write_role(&site, "custodian", uids);
        let why = site.open(Disk::new()).map(drop).unwrap_err().to_string();
        assert!(why.contains("vault.toml") && why.contains("0 of the 1 uids"), "{why}");
        let early = Closed::at(&site.vault()).unwrap().roles(true).unwrap_err().to_string();
        assert_eq!(early, why, "before a secret is read");
        assert!(!fs::read_to_string(site.log()).unwrap().contains("took-over-roles"));
        let path = site.vault().join("vault.toml");
        let text = fs::read_to_string(&path).unwrap();
        let without = text.lines().filter(|line| !line.starts_with("custodian"));
        let text = without.collect::<Vec<_>>().join("\n") + &format!("\ncustodian = [{}]\n", own());
        fs::write(&path, text).unwrap();
    }
    let vault = site.open(Disk::new()).unwrap();
    carry(&site, &vault, grant(Role::Auditor, OTHER)).unwrap();
}

/// Three recipients open the vault, two at a time, each from an account of their own.
#[test]
fn a_vault_that_two_shares_open_takes_no_table_with_one_account() {
    let site = Site::new();
    let recipients: Vec<String> = (0..3)
        .map(|n| {
            let identity = age::x25519::Identity::generate();
            let text = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
            fs::write(site.path(&format!("{n}.id")), text).unwrap();
            identity.to_public().to_string()
        })
        .collect();
    let wanted = Wanted::Recipients(recipients, 2);
    folder::rekey(&site.vault(), &site.secret(), &wanted, Disk::new()).unwrap();
    let roles = |single_user| Closed::at(&site.vault()).unwrap().roles(single_user);
    for role in ["ingest", "linker", "auditor"] {
        write_role(&site, role, Some(""));
    }
    let why = roles(false).unwrap_err().to_string();
    assert!(why.contains("1 of the 2 uids"), "{why}");
    roles(true).unwrap();
    write_role(&site, "custodian", Some(&format!("{}, {OTHER}", own())));
    roles(false).unwrap();
}

/// X asks for chosen numbers and keeps the tokens; on the day after, X is granted the role that turns them back.
#[test]
fn a_uid_that_asked_for_numbers_is_not_granted_later_what_turns_them_back() {
    for (first, second) in [(Role::Ingest, Role::Linker), (Role::Auditor, Role::Ingest)] {
        let site = Site::new();
        {
            let vault = site.open(Disk::new()).unwrap();
            carry(&site, &vault, grant(first, OTHER)).unwrap();
            if first == Role::Ingest {
                let mut ingest = session(&vault, OTHER, first);
                let run = ingest.answer(Request::OpenRun(manifest("education", "census", 10)));
                assert!(matches!(run, Response::RunOpened(_)));
            }
            carry(&site, &vault, revoke(first, OTHER)).unwrap();
        }
        // A restart forgets nothing.
        let vault = site.open(Disk::new()).unwrap();
        let action = grant(second, OTHER);
        let (reference, reason, expires) = ("C/2".into(), "r".into(), minster_tests::soon());
        let proposed = Proposed { action, reference, reason, expires };
        let mut custodian = session(&vault, own(), Role::Custodian);
        match custodian.answer(Request::Propose(proposed)) {
            Response::Denied(why) => {
                assert!(
                    why.to_string().contains(&format!("held the role {first} before")),
                    "{why}"
                );
            }
            _ => panic!("{first}, then {second}"),
        }
        carry(&site, &vault, grant(first, OTHER)).unwrap();
    }
}

/// Two signed grants were made while one was wanted. The role is revoked, and one custodian has the other grant left.
#[test]
fn one_custodian_alone_gives_no_role_back_that_was_revoked() {
    let site = Site::new();
    let vault = site.open(Disk::new()).unwrap();
    let until = |days: i64| Some(today().saturating_add(days.days()).to_string());
    let of = |days| ProposedAction::Grant { role: Role::Auditor, uid: OTHER, until: until(days) };
    let [one, spare] = [30, 60].map(|days| approved(&site, &vault, own(), of(days)));
    let another = approved(&site, &vault, own(), grant(Role::Auditor, 70_000));
    enacted(&vault, (own(), Role::Custodian), &one).unwrap();
    let later = approved(&site, &vault, own(), of(50));
    carry(&site, &vault, revoke(Role::Auditor, OTHER)).unwrap();
    for text in [&spare, &later] {
        let why = enacted(&vault, (own(), Role::Custodian), text).unwrap_err().to_string();
        assert!(why.contains("no such one is open"), "{why}");
        // The signatures stand in the log: they are not put under it again.
        let answer = session(&vault, own(), Role::Custodian)
            .answer(Request::Approve(site.sign("ann", text)));
        assert!(matches!(answer, Response::Denied(_)));
    }
    assert!(vault.status().unwrap().roles.iter().all(|one| one.uid != OTHER));
    // Another's is nobody's business here.
    enacted(&vault, (own(), Role::Custodian), &another).unwrap();
    drop(vault);
    log::verify(&site.log(), None).unwrap();
    drop(site.open(Disk::new()).unwrap());
}

/// One who is a custodian no more has a signed proposal left, and a role of another kind.
#[test]
fn a_custodian_who_was_revoked_carries_nothing_out() {
    let site = Site::new();
    let vault = site.open(Disk::new()).unwrap();
    for uid in [70_001, OTHER] {
        carry(&site, &vault, grant(Role::Custodian, uid)).unwrap();
    }
    carry(&site, &vault, grant(Role::Analyst, OTHER)).unwrap();
    let text = approved(&site, &vault, OTHER, grant(Role::Auditor, 70_000));
    let denied = enacted(&vault, (OTHER, Role::Analyst), &text).unwrap_err();
    assert!(matches!(denied, Denial::RoleForbids { role: Role::Analyst, .. }), "{denied}");
    carry(&site, &vault, revoke(Role::Custodian, OTHER)).unwrap();
    carry(&site, &vault, grant(Role::Custodian, OTHER)).unwrap();
    let why = enacted(&vault, (OTHER, Role::Custodian), &text).unwrap_err().to_string();
    assert!(why.contains("no such one is open"), "{why}");
}

/// A program that reads the log without a secret sees it as well.
#[test]
fn a_log_in_which_a_role_came_back_by_a_spent_signature_is_refused() {
    let site = Site::new();
    let (spare, sha256) = {
        let vault = site.open(Disk::new()).unwrap();
        let text = approved(&site, &vault, own(), grant(Role::Auditor, OTHER));
        let again = ProposedAction::Grant {
            role: Role::Auditor,
            uid: OTHER,
            until: Some(today().to_string()),
        };
        carry(&site, &vault, again).unwrap();
        carry(&site, &vault, revoke(Role::Auditor, OTHER)).unwrap();
        (Proposal::id(&text), text)
    };
    assert!(!sha256.is_empty());
    let mut opened = folder::open_folder(&site.vault(), &site.secret(), Disk::new()).unwrap();
    let event =
        Event::GrantedRole { proposal: spare, role: Role::Auditor, uid: OTHER, until: None };
    opened.log.append(None, event).unwrap();
    let why = log::verify(&site.log(), None).unwrap_err().to_string();
    assert!(why.contains("done without a proposal"), "{why}");
}

/// The log was cut before the first takeover, or somebody wrote a second one.
#[test]
fn a_log_that_takes_the_file_over_twice_is_refused() {
    let site = Site::new();
    drop(site.open(Disk::new()).unwrap());
    log::verify(&site.log(), None).unwrap();
    let mut opened = folder::open_folder(&site.vault(), &site.secret(), Disk::new()).unwrap();
    let roles = opened.state.roles.clone();
    opened.log.append(None, Event::TookOverRoles { roles }).unwrap();
    let why = log::verify(&site.log(), None).unwrap_err().to_string();
    assert!(why.contains("taken over again"), "{why}");
}

/// The log is looked at before it is verified, and may be another afterwards.
#[test]
fn a_verified_log_with_roles_that_undo_a_protection_is_not_served_to_several_users() {
    let site = Site::new();
    drop(site.open(Disk::new()).unwrap());
    let why = served(&site, false).map(drop).unwrap_err().to_string();
    assert!(why.contains("--single-user"), "{why}");
    served(&site, true).unwrap();
    // The first takeover too.
    let fresh = Site::new();
    served(&fresh, false).map(drop).unwrap_err();
    assert!(!fs::read_to_string(fresh.log()).unwrap().contains("took-over-roles"));
}

#[test]
fn a_change_of_roles_is_under_a_checkpoint_when_it_is_answered() {
    let site = Site::new();
    let checkpoints = site.path("auditor");
    let serving = site.serve_on(Disk::new(), Some(&checkpoints)).unwrap();
    for action in [grant(Role::Auditor, OTHER), revoke(Role::Auditor, OTHER)] {
        carried_out(&site, &serving, action).unwrap();
        let status = serving.client(Role::Auditor).unwrap().status().unwrap();
        assert_eq!(status.checkpointed, status.log_entries);
    }
}

#[test]
fn a_person_whose_role_ended_is_not_the_second_who_lets_a_release_out() {
    let site = Site::with(&PURPOSES.replacen("budget", "release = { persons = 2 }\nbudget", 1));
    let vault = site.open(Disk::new()).unwrap();
    carry(&site, &vault, grant(Role::Analyst, OTHER)).unwrap();
    let publication = Publication {
        purpose: "education".parse().unwrap(),
        release: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        sha256: "a".repeat(64),
        what: Publishing::LetOut,
        rules: None,
        entry: Some("e".repeat(64)),
        audience: Some(minster_model::Audience::Public),
    };
    let ask = |uid| match session(&vault, uid, Role::Analyst)
        .answer(Request::Publish(publication.clone()))
    {
        Response::Published { missing } => missing,
        _ => panic!("denied"),
    };
    assert_eq!(ask(OTHER), 1);
    carry(&site, &vault, revoke(Role::Analyst, OTHER)).unwrap();
    assert_eq!(ask(own()), 1, "the other one holds the role no more");
    carry(&site, &vault, grant(Role::Analyst, 70_000)).unwrap();
    assert_eq!(ask(70_000), 0);
}

#[test]
fn the_status_says_that_custodians_lack_accounts() {
    let site = Site::new();
    let serving = site.serve();
    let missing = || {
        let status = serving.client(Role::Auditor).unwrap().status().unwrap();
        status.custodian_accounts_missing
    };
    assert_eq!(missing(), 1);
    carried_out(&site, &serving, grant(Role::Custodian, OTHER)).unwrap();
    assert_eq!(missing(), 0);
    let denied = denial(carried_out(&site, &serving, revoke(Role::Custodian, OTHER)));
    assert!(denied.to_string().contains("1 of the 2 uids"), "{denied}");
}

/// Without two keys nobody approves; the file must name a custodian all the same, for the day on which two are appointed.
#[test]
fn a_vault_without_custodians_keys_takes_no_table_without_a_custodian_either() {
    let site = Site::empty();
    let custody = Wanted::KeyFile(site.path("key"));
    let plan = Plan { custody: &custody, purposes: vec![], custodians: vec![] };
    folder::init(&site.vault(), &plan, &Disk::new()).unwrap();
    write_role(&site, "custodian", None);
    let why = site.open(Disk::new()).map(drop).unwrap_err().to_string();
    assert!(why.contains("0 of the 1 uids"), "{why}");
}

/// Its place is another's then, and it sends no long messages any more.
#[test]
fn a_conversation_ends_when_its_role_has_ended() {
    let site = Site::new();
    let serving = site.serve();
    carried_out(&site, &serving, grant(Role::Custodian, OTHER)).unwrap();
    carried_out(&site, &serving, grant(Role::Auditor, 70_000)).unwrap();
    let mut auditor = serving.client(Role::Auditor).unwrap();
    auditor.status().unwrap();
    carried_out(&site, &serving, revoke(Role::Auditor, own())).unwrap();
    let denied = denial(auditor.status());
    assert_eq!(denied, Denial::NotInRole { uid: own(), role: Role::Auditor });
    match auditor.status() {
        Err(VaultError::Denied(denied)) => panic!("it goes on: {denied}"),
        Err(_) => {}
        Ok(_) => panic!("it is answered"),
    }
}
