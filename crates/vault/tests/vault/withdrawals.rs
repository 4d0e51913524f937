//! Cases that nobody can decide are taken back by two custodians, without a number.

use std::fs;

use minster_model::Role;
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, CaseStatus, Denial, ProposedAction, Right, Turn,
};

use crate::{
    cases::{decided, new, opened, status, today},
    common::{Site, carried_out, denial},
    retention::{education, filled, id, proposed, upn},
};

fn withdrawal(case: &CaseStatus) -> ProposedAction {
    ProposedAction::WithdrawCase { case: case.case.clone() }
}

#[test]
fn a_case_with_a_wrong_number_is_taken_back_and_opened_anew() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let wrong = opened(&serving, Right::Access, &upn(3));
    assert_eq!(carried_out(&site, &serving, withdrawal(&wrong)).unwrap(), CarriedOut::Done);
    let now = status(&serving, &wrong);
    assert_eq!((now.outcome, now.turn), (Some(CaseOutcome::Withdrawn), None::<Turn>));
    assert_eq!((now.days_left, now.answered), (None, None), "nobody answered it");
    let left = fs::read_dir(site.vault().join("cases")).unwrap().count();
    assert_eq!(left, 0, "what says whom it was about is gone");
    let mut client = serving.client(Role::Custodian).unwrap();
    assert!(client.case_receipt(&wrong.case).is_err(), "there is no answer to give a receipt of");
    opened(&serving, Right::Access, &upn(4));
    // One that was decided is not taken back.
    let why = denial(proposed(&mut client, withdrawal(&wrong))).to_string();
    assert!(why.contains("decided already"), "{why}");
    drop((client, serving));
    let serving = site.serve();
    assert_eq!(status(&serving, &wrong).outcome, Some(CaseOutcome::Withdrawn), "after a restart");
}

#[test]
fn a_case_is_not_taken_back_by_one_custodian_nor_after_it_was_decided() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Restriction, &upn(3));
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, withdrawal(&case)).unwrap();
    client.approve(site.sign("ann", &text)).unwrap();
    let alone = denial(client.enact(&id(&text))).to_string();
    assert!(alone.contains("approv"), "{alone}");
    client.approve(site.sign("ben", &text)).unwrap();
    // Meanwhile two custodians, who typed the number, restricted the child.
    decided(&site, &serving, &case, CaseDecision::Grant, &upn(3)).unwrap();
    let late = denial(client.enact(&id(&text))).to_string();
    assert!(late.contains("decided since"), "{late}");
    // A restriction whose child is known ends by the child's number alone.
    let known = denial(proposed(&mut client, withdrawal(&case))).to_string();
    assert!(known.contains("`decide lift` ends it"), "{known}");
    assert!(status(&serving, &case).restricts);
}

#[test]
fn an_erasure_under_way_is_not_taken_back() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Erasure, &upn(3));
    decided(&site, &serving, &case, CaseDecision::Grant, &upn(3)).unwrap();
    assert_eq!(status(&serving, &case).turn, Some(Turn::Linker));
    let mut client = serving.client(Role::Custodian).unwrap();
    let why = denial(proposed(&mut client, withdrawal(&case))).to_string();
    assert!(why.contains("decided already"), "{why}");
}

#[test]
fn a_case_whose_file_is_lost_blocks_until_it_is_taken_back() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let lost = opened(&serving, Right::Restriction, &upn(3));
    decided(&site, &serving, &lost, CaseDecision::Grant, &upn(3)).unwrap();
    let open = opened(&serving, Right::Access, &upn(4));
    for case in [&lost, &open] {
        fs::remove_file(site.vault().join("cases").join(&case.case)).unwrap();
    }
    let mut linker = serving.client(Role::Linker).unwrap();
    let why = denial(linker.restricted(&education())).to_string();
    assert!(why.contains("decide withdraw"), "{why}");
    let mut client = serving.client(Role::Custodian).unwrap();
    let another = client.open_case(new(Right::Access, &upn(5), today()));
    assert!(matches!(denial(another), Denial::Fault { .. }));
    for case in [&lost, &open] {
        carried_out(&site, &serving, withdrawal(case)).unwrap();
    }
    assert!(!status(&serving, &lost).restricts);
    assert_eq!(status(&serving, &lost).outcome, Some(CaseOutcome::Restricted));
    assert!(linker.restricted(&education()).unwrap().digest.is_empty());
    assert!(client.open_case(new(Right::Access, &upn(5), today())).is_ok());
}

/// The bound is counted by account; the vault of this test has one.
#[test]
fn one_account_opens_a_bounded_number_of_cases() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    for n in 0..400 {
        client.open_case(new(Right::Access, &upn(n), today())).unwrap();
    }
    let why = denial(client.open_case(new(Right::Access, &upn(400), today()))).to_string();
    assert!(why.contains("400 that one account opened"), "{why}");
}
