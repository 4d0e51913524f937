//! The table of roles: taken over from `vault.toml` once, then changed by two custodians alone, and at once.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use jiff::ToSpan;
use minster_model::Role;
use minster_vault::{
    approvals::Proposal, disk::Disk, folder, purposes::today, session::Session, vault::Vault,
};
use minster_vault_api::{
    Denial, PROTOCOL, Proposed, ProposedAction, Request, Response, RoleGrant, StatusReport,
};

use crate::common::{Site, batch, carried_out, denial, kind, manifest};

/// A user of every Unix system, who runs nothing here.
const OTHER: u32 = 65_534;

fn own() -> u32 {
    rustix::process::getuid().as_raw()
}

fn session(vault: &Vault, uid: u32, role: Role) -> Result<Session<'_>, Denial> {
    let mut session = Session::new(vault, uid);
    let hello = Request::Hello { protocol: PROTOCOL, role, program: "test".into() };
    match session.answer(hello) {
        Response::Welcome { .. } => Ok(session),
        Response::Denied(denied) => Err(denied),
        _ => panic!("neither"),
    }
}

fn grant(role: Role, uid: u32, days: Option<i32>) -> ProposedAction {
    let until = days.map(|days| today().saturating_add(days.days()).to_string());
    ProposedAction::Grant { role, uid, until }
}

/// The short name of a proposal that two custodians approved.
fn approved(site: &Site, vault: &Vault, action: ProposedAction) -> Result<String, Denial> {
    let mut custodian = session(vault, own(), Role::Custodian).unwrap();
    let (reference, reason) = ("C/1".into(), "as the case says".into());
    let proposed = Proposed { action, reference, reason, expires: minster_tests::soon() };
    let text = match custodian.answer(Request::Propose(proposed)) {
        Response::Proposal(text) => text,
        Response::Denied(denied) => return Err(denied),
        _ => panic!("neither"),
    };
    for name in ["ann", "ben"] {
        let answer = custodian.answer(Request::Approve(site.sign(name, &text)));
        assert!(matches!(answer, Response::Approved { .. }));
    }
    Ok(Proposal::id(&text))
}

fn enacted(vault: &Vault, proposal: String) -> Result<(), Denial> {
    let mut custodian = session(vault, own(), Role::Custodian).unwrap();
    match custodian.answer(Request::Enact { proposal }) {
        Response::Enacted(_) => Ok(()),
        Response::Denied(denied) => Err(denied),
        _ => panic!("neither"),
    }
}

fn carry(site: &Site, vault: &Vault, action: ProposedAction) -> Result<(), Denial> {
    enacted(vault, approved(site, vault, action)?)
}

/// Puts another uid in a role's place in `vault.toml`.
fn edit(site: &Site, role: &str, uid: u32) {
    let path = site.vault().join("vault.toml");
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|line| match line.split_once(" = ") {
        Some((of, _)) if of == role => format!("{role} = [{}, {uid}]\n", own()),
        _ => format!("{line}\n"),
    });
    fs::write(&path, lines.collect::<String>()).unwrap();
}

fn holders(status: &StatusReport, role: Role) -> Vec<u32> {
    status.roles.iter().filter(|one| one.role == role).map(|one| one.uid).collect()
}

fn events(site: &Site, event: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(site.log()).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    all.filter(|entry| entry["event"] == event).collect()
}

/// A user who can write into the vault's folder names no auditor there any more.
#[test]
fn the_table_of_vault_toml_is_taken_over_once_and_counts_for_nothing_afterwards() {
    let site = Site::new();
    edit(&site, "auditor", 42);
    {
        let vault = site.open(Disk::new()).unwrap();
        let status = vault.status().unwrap();
        assert_eq!(holders(&status, Role::Auditor), sorted([42, own()]));
        assert!(!status.roles_file_ignored && session(&vault, 42, Role::Auditor).is_ok());
    }
    edit(&site, "linker", 43);
    let vault = site.open(Disk::new()).unwrap();
    let status = vault.status().unwrap();
    assert_eq!(holders(&status, Role::Linker), [own()]);
    assert!(status.roles_file_ignored, "it is not said aloud");
    let denied = session(&vault, 43, Role::Linker).map(drop).unwrap_err();
    assert_eq!(denied, Denial::NotInRole { uid: 43, role: Role::Linker });
    assert!(session(&vault, 42, Role::Auditor).is_ok());
    let taken = events(&site, "took-over-roles");
    assert_eq!(taken.len(), 1);
    assert!(taken[0]["roles"].to_string().contains(r#"{"role":"auditor","uid":42}"#));
}

/// Nobody could approve a change there: the file counts, and the log has each table that did.
#[test]
fn a_vault_without_two_custodians_follows_vault_toml_and_logs_it() {
    let site = Site::empty();
    let custody = minster_vault::custody::Wanted::KeyFile(site.path("key"));
    let plan = folder::Plan { custody: &custody, purposes: vec![], custodians: vec![] };
    folder::init(&site.vault(), &plan, &Disk::new()).unwrap();
    for (uid, entries) in [(None, 1), (None, 1), (Some(42), 2), (Some(42), 2), (Some(43), 3)] {
        uid.into_iter().for_each(|uid| edit(&site, "auditor", uid));
        let vault = site.open(Disk::new()).unwrap();
        let status = vault.status().unwrap();
        assert_eq!(holders(&status, Role::Auditor), sorted([own()].into_iter().chain(uid)));
        assert!(!status.roles_file_ignored);
        assert_eq!(events(&site, "took-over-roles").len(), entries);
    }
    // From the day on which there are two custodians, theirs is the table.
    let custodians = ["ann", "ben"].map(|name| site.custodian(name)).to_vec();
    folder::appoint(&site.vault(), &site.secret(), custodians, Disk::new()).unwrap();
    edit(&site, "auditor", 44);
    let status = site.open(Disk::new()).unwrap().status().unwrap();
    assert!(status.roles_file_ignored && !holders(&status, Role::Auditor).contains(&44));
}

#[test]
fn a_grant_and_its_end_count_at_once_in_conversations_that_go_on_too() {
    let site = Site::new();
    let vault = site.open(Disk::new()).unwrap();
    let not_in = |role| Denial::NotInRole { uid: OTHER, role };
    assert_eq!(session(&vault, OTHER, Role::Ingest).map(drop).unwrap_err(), not_in(Role::Ingest));
    carry(&site, &vault, grant(Role::Ingest, OTHER, Some(0))).unwrap();
    let mut ingest = session(&vault, OTHER, Role::Ingest).unwrap();
    let run = ingest.answer(Request::OpenRun(manifest("education", "census", 10)));
    assert!(matches!(run, Response::RunOpened(_)));
    let until = Some(today().to_string());
    let told = RoleGrant { role: Role::Ingest, uid: OTHER, until };
    assert!(vault.status().unwrap().roles.contains(&told));
    carry(&site, &vault, ProposedAction::Revoke { role: Role::Ingest, uid: OTHER }).unwrap();
    let (kind, identifiers) = (kind("upn"), batch(&["A999000124001"]));
    for request in
        [Request::Pseudonymise { kind, identifiers }, Request::CloseRun(vec![]), Request::Status]
    {
        match ingest.answer(request) {
            Response::Denied(denied) => assert_eq!(denied, not_in(Role::Ingest)),
            _ => panic!("a role that ended was answered"),
        }
    }
    assert!(!vault.status().unwrap().roles.contains(&told));
    // A restart brings neither back.
    drop(ingest);
    drop(vault);
    let vault = site.open(Disk::new()).unwrap();
    assert!(session(&vault, OTHER, Role::Ingest).is_err());
    assert_eq!((events(&site, "granted-role").len(), events(&site, "revoked-role").len()), (1, 1));
    minster_vault::log::verify(&site.log(), None).unwrap();
}

#[test]
fn a_grant_needs_two_custodians_and_is_carried_out_once() {
    let site = Site::new();
    let vault = site.open(Disk::new()).unwrap();
    let mut custodian = session(&vault, own(), Role::Custodian).unwrap();
    let (reference, reason) = ("C/1".into(), "as the case says".into());
    let action = grant(Role::Auditor, OTHER, None);
    let proposed = Proposed { action, reference, reason, expires: minster_tests::soon() };
    let Response::Proposal(text) = custodian.answer(Request::Propose(proposed)) else { panic!() };
    let id = Proposal::id(&text);
    let refused = |id: &str| enacted(&vault, id.into()).unwrap_err().to_string();
    assert!(refused(&id).contains("0 of 2"));
    custodian.answer(Request::Approve(site.sign("ann", &text)));
    assert!(refused(&id).contains("1 of 2"));
    assert!(session(&vault, OTHER, Role::Auditor).is_err());
    custodian.answer(Request::Approve(site.sign("ben", &text)));
    enacted(&vault, id.clone()).unwrap();
    assert!(refused(&id).contains("carried out once"));
    assert!(session(&vault, OTHER, Role::Auditor).is_ok());
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Auditor) {
        assert!(session(&vault, OTHER, role).is_err(), "{role}");
    }
}

/// A proposal that was right is looked at again as it is carried out.
#[test]
fn two_grants_that_undo_a_protection_together_are_refused_in_either_order() {
    for (first, second) in [(Role::Ingest, Role::Linker), (Role::Auditor, Role::Ingest)] {
        let site = Site::new();
        let vault = site.open(Disk::new()).unwrap();
        let of = |role| approved(&site, &vault, grant(role, OTHER, Some(9))).unwrap();
        let (one, other) = (of(first), of(second));
        enacted(&vault, one).unwrap();
        let why = enacted(&vault, other).unwrap_err().to_string();
        assert!(why.contains("search a dataset"), "{why}");
        let why = carry(&site, &vault, grant(second, OTHER, None)).unwrap_err().to_string();
        assert!(why.contains("cannot be made"), "{why}");
        assert!(session(&vault, OTHER, second).is_err());
        let why =
            carry(&site, &vault, ProposedAction::Revoke { role: Role::Custodian, uid: own() });
        assert!(why.unwrap_err().to_string().contains("nobody could approve anything"));
    }
}

#[test]
fn a_socket_lets_others_connect_from_their_first_grant_to_their_last() {
    let site = Site::new();
    let serving = site.serve();
    let mode = || fs::metadata(site.path("sock")).unwrap().permissions().mode() & 0o777;
    let becomes = |wanted: u32| {
        let begun = Instant::now();
        while mode() != wanted {
            assert!(begun.elapsed() < Duration::from_secs(10), "{:o}", mode());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(mode(), 0o600);
    carried_out(&site, &serving, grant(Role::Auditor, OTHER, None)).unwrap();
    becomes(0o666);
    let status = serving.client(Role::Auditor).unwrap().status().unwrap();
    assert_eq!(holders(&status, Role::Auditor), sorted([own(), OTHER]));
    carried_out(&site, &serving, ProposedAction::Revoke { role: Role::Auditor, uid: OTHER })
        .unwrap();
    becomes(0o600);
    let denied = denial(carried_out(&site, &serving, grant(Role::Auditor, OTHER, Some(-1))));
    assert!(denied.to_string().contains("its last day is over"), "{denied}");
}

fn sorted(uids: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut uids: Vec<u32> = uids.into_iter().collect();
    uids.sort_unstable();
    uids
}
