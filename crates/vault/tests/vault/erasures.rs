//! Erasures and objections: a disposal of one child, approved by two custodians who typed the number.

use std::fs;

use minster_model::Role;
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, ProposedAction, Response, Right, Turn,
};

use crate::{
    cases::{applied, approved, decided, decision, opened, status, today},
    common::{Site, carried_out, copy, denial, enact_at},
    crash::at_every_write,
    retention::{SCHEDULE, ask, child, facts, files, filled, held, id, list, proposed, run, upn},
};

#[test]
fn an_erasure_disposes_of_one_child_alone_and_its_list_settles_the_case() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    // Child 12 is not due for years; child 11 is no part of it.
    let kept = ask(&serving, "upn", &upn(11)).unwrap();
    let gone = ask(&serving, "upn", &upn(12)).unwrap();
    let case = opened(&serving, Right::Erasure, &upn(12));
    let proposal = approved(&site, &serving, &case, CaseDecision::Grant, &upn(12));
    let CarriedOut::Disposed(counts) =
        serving.client(Role::Custodian).unwrap().enact(&proposal).unwrap()
    else {
        panic!()
    };
    assert_eq!((counts.persons, counts.numbers, counts.no_longer_due), (1, 1, 0));
    let (head, listed) = list(&serving, &proposal);
    assert_eq!((head.pseudonyms, listed), (1, vec![gone]));
    let now = status(&serving, &case);
    assert_eq!((now.turn, now.about.as_ref()), (Some(Turn::Linker), Some(&proposal)));
    assert!(!site.vault().join("cases").join(&case.case).exists(), "a tombstone alone stays");
    assert_eq!(ask(&serving, "upn", &upn(12)), None, "later deliveries are blocked");
    assert_eq!(ask(&serving, "upn", &upn(11)), Some(kept));
    applied(&serving, &proposal);
    let now = status(&serving, &case);
    assert_eq!((now.outcome, now.turn), (Some(CaseOutcome::Erased), Some(Turn::Answer)));
    let note = serving.client(Role::Custodian).unwrap();
    let note = { note }.close_case(&case.case, &today().to_string()).unwrap();
    assert!(note.contains("\"erased\"") && note.contains(&proposal), "{note}");
    // A second case about the same child: nothing is held any more.
    let second = opened(&serving, Right::Objection, &upn(12));
    let outcome = decided(&site, &serving, &second, CaseDecision::Grant, &upn(12)).unwrap();
    assert_eq!(outcome, CarriedOut::NoRecord);
    drop(serving);
    let serving = site.serve();
    assert_eq!(status(&serving, &case).outcome, Some(CaseOutcome::Erased), "after a restart");
    let (log, tag) = (fs::read_to_string(site.log()).unwrap(), upn(12));
    assert!(!log.contains(&tag) && log.contains("\"step\":\"no-record\""));
}

/// All numbers that rows showed to be one person's leave, as in a disposal.
#[test]
fn an_objection_takes_all_numbers_of_the_child() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Objection, &upn(3));
    let CarriedOut::Disposed(counts) =
        decided(&site, &serving, &case, CaseDecision::Grant, &upn(3)).unwrap()
    else {
        panic!()
    };
    assert_eq!((counts.persons, counts.numbers, counts.beside), (1, 2, 1));
    for (of, number) in [("upn", upn(3)), ("la-child-id", child(3))] {
        assert_eq!(ask(&serving, of, &number), None);
    }
    assert!(ask(&serving, "upn", &upn(4)).is_some());
}

/// Twins in one row are one person by their numbers. Nobody erases one of them and the other unseen.
#[test]
fn an_erasure_of_one_twin_does_not_take_the_other_unless_custodians_say_so() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let twins = [facts(&[("upn", &upn(12)), ("la-child-id", &child(12))], &[], &[], None)];
    run(&serving, "cin", &twins).unwrap();
    let other = [facts(&[("upn", &upn(13)), ("la-child-id", &child(12))], &[], &[], None)];
    run(&serving, "cin", &other).unwrap();
    let case = opened(&serving, Right::Erasure, &upn(12));
    let why = decided(&site, &serving, &case, CaseDecision::Grant, &upn(12));
    let why = denial(why).to_string();
    assert!(why.contains("rows show 2 numbers of one kind"), "{why}");
    for n in [12, 13] {
        assert!(ask(&serving, "upn", &upn(n)).is_some(), "nobody is taken");
    }
    assert_eq!(status(&serving, &case).outcome, None);
    let outcome = decided(&site, &serving, &case, CaseDecision::GrantSeveral, &upn(12)).unwrap();
    let CarriedOut::Disposed(counts) = outcome else { panic!() };
    assert_eq!((counts.persons, counts.numbers), (1, 3));
    let access = opened(&serving, Right::Access, &upn(0));
    let mut client = serving.client(Role::Custodian).unwrap();
    let why = denial(proposed(&mut client, decision(&access, CaseDecision::GrantSeveral)));
    assert!(why.to_string().contains("for an erasure or an objection"), "{why}");
}

#[test]
fn a_hold_a_moratorium_and_a_restriction_stop_an_erasure_until_they_are_lifted() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Erasure, &upn(12));
    let hold = held(&site, &serving, &upn(12));
    let proposal = approved(&site, &serving, &case, CaseDecision::Grant, &upn(12));
    let enact = || serving.client(Role::Custodian).unwrap().enact(&proposal);
    let why = denial(enact()).to_string();
    assert!(why.contains("a legal hold keeps the child's records"), "{why}");
    assert_eq!(status(&serving, &case).turn, Some(Turn::CarryOut), "the case stays open");
    carried_out(&site, &serving, ProposedAction::LiftHold { hold }).unwrap();
    let moratorium = ProposedAction::Moratorium {
        category: "other".into(),
        ordered_by: "INQUIRY".into(),
        schedule: SCHEDULE.into(),
    };
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, moratorium).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    client.enact(&id(&text)).unwrap();
    let why = denial(enact()).to_string();
    assert!(why.contains("a moratorium on other keeps"), "{why}");
    carried_out(&site, &serving, ProposedAction::LiftHold { hold: id(&text) }).unwrap();
    let restriction = opened(&serving, Right::Restriction, &upn(12));
    decided(&site, &serving, &restriction, CaseDecision::Grant, &upn(12)).unwrap();
    let why = denial(enact()).to_string();
    assert!(why.contains("a restriction keeps the child's records"), "{why}");
    assert!(ask(&serving, "upn", &upn(12)).is_some());
    decided(&site, &serving, &restriction, CaseDecision::Lift, &upn(12)).unwrap();
    assert!(matches!(enact().unwrap(), CarriedOut::Disposed(_)));
    assert_eq!(ask(&serving, "upn", &upn(12)), None);
}

/// The process is killed at each write of an erasure. Afterwards the case is of before, or waits for the linker.
#[test]
fn a_killed_erasure_is_whole_or_not_at_all() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Erasure, &upn(3));
    let proposal = approved(&site, &serving, &case, CaseDecision::Grant, &upn(3));
    drop(serving);
    copy(&site.vault(), &site.path("before"));
    let steps = at_every_write(|disk| {
        fs::remove_dir_all(site.vault()).unwrap();
        copy(&site.path("before"), &site.vault());
        let done = site
            .open(disk)
            .is_ok_and(|vault| matches!(enact_at(&vault, &proposal), Response::Enacted(_)));
        let serving = site.serve();
        let blocked = ask(&serving, "upn", &upn(3)).is_none();
        assert!(blocked || !done);
        assert_eq!(ask(&serving, "la-child-id", &child(3)).is_none(), blocked);
        let now = status(&serving, &case);
        match blocked {
            true => {
                assert_eq!(now.turn, Some(Turn::Linker));
                assert_eq!(list(&serving, &proposal).1.len(), 2);
                let left = fs::read_dir(site.vault().join("cases")).unwrap().count();
                assert_eq!(left, 0, "what says whom it was about is gone");
            }
            false => {
                assert_eq!(now.turn, Some(Turn::CarryOut));
                assert!(serving.client(Role::Custodian).unwrap().enact(&proposal).is_ok());
            }
        }
        drop(serving);
        assert!(!files(&site).iter().any(|(path, _)| path.ends_with(".anew")));
        done
    });
    assert!(steps > 20, "{steps}");
}
