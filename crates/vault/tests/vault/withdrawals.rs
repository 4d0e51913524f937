//! Cases that nobody can decide are taken back by two custodians, without a number.

use std::fs;

use minster_model::Role;
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, CaseStatus, Denial, ProposedAction, Right, Turn,
};

use crate::{
    cases::{decided, new, opened, status, today},
    common::{Site, carried_out, denial},
    retention::{education, filled, proposed, upn},
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
    assert_eq!((now.outcome, now.turn), (Some(CaseOutcome::Withdrawn), Some(Turn::Answer)));
    let left = fs::read_dir(site.vault().join("cases")).unwrap().count();
    assert_eq!(left, 0, "what says whom it was about is gone");
    // It is closed as every other is, and the right number's case has the clock of the day of the letter.
    let mut client = serving.client(Role::Custodian).unwrap();
    client.close_case(&wrong.case, &today().to_string()).unwrap();
    opened(&serving, Right::Access, &upn(4));
    // One that was decided is not taken back.
    let why = denial(proposed(&mut client, withdrawal(&wrong))).to_string();
    assert!(why.contains("decided already"), "{why}");
    drop(serving);
    let serving = site.serve();
    assert_eq!(status(&serving, &wrong).outcome, Some(CaseOutcome::Withdrawn), "after a restart");
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

/// The vault's log has each opening; the bound is counted per account, and does not shut the register for another.
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
