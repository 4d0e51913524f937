//! Rectifications: a wrong number means the child, and a run is told the values to correct, once two custodians gave the same correction.

use std::fs;

use minster_model::Role;
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, CaseStatus, Client, CorrectedCell, Correction, Denial,
    MetCounts, ProposedAction, Right, Token, VaultError, WrongNumber, WrongValue,
};

use crate::{
    cases::{decided, opened, status, today},
    common::{Serving, Site, batch, denial, kind, manifest},
    retention::{education, filled, id, proposed, upn},
};

const ORIGIN: &str = "CANARY-ORIGIN, a birth certificate";

fn correction(number: &str) -> Correction {
    Correction {
        from: today().to_string(),
        origin: ORIGIN.into(),
        number: batch(&[number]),
        numbers: Vec::new(),
        values: Vec::new(),
    }
}

fn wrong(number: &str, born: Option<&str>) -> WrongNumber {
    WrongNumber {
        source: "census".parse().unwrap(),
        wrong: batch(&[number]),
        born: born.map(str::to_owned),
    }
}

fn value(old: &str, new: &str) -> WrongValue {
    WrongValue {
        source: "census".parse().unwrap(),
        table: "pupils".parse().unwrap(),
        cell: CorrectedCell {
            column: "ethnicity".into(),
            old: old.into(),
            new: new.into(),
            rows: Vec::new(),
        },
    }
}

fn proposal(serving: &Serving, case: &CaseStatus, of: &Correction) -> Result<String, VaultError> {
    let action = ProposedAction::Rectify { case: case.case.clone(), correction: of.clone() };
    proposed(&mut serving.client(Role::Custodian).unwrap(), action)
}

/// The whole ceremony of a correction.
fn rectified(
    site: &Site,
    serving: &Serving,
    number: &str,
    of: &Correction,
) -> (CaseStatus, Result<CarriedOut, VaultError>) {
    let case = opened(serving, Right::Rectification, number);
    let text = proposal(serving, &case, of).unwrap();
    let mut client = serving.client(Role::Custodian).unwrap();
    for name in ["ann", "ben"] {
        assert!(client.compare_subject(&id(&text), batch(&[number])).unwrap());
        assert!(client.compare_correction(&id(&text), of.clone()).unwrap());
        client.approve(site.sign(name, &text)).unwrap();
    }
    let outcome = client.enact(&id(&text));
    (case, outcome)
}

/// An open run of a source.
fn run(serving: &Serving, source: &str) -> Client {
    let mut client = serving.client(Role::Ingest).unwrap();
    client.open_run(manifest("education", source, 10_000)).unwrap();
    client
}

fn tokens(client: &mut Client, numbers: &[&str]) -> Vec<Option<Token>> {
    client.pseudonymise_some(&kind("upn"), batch(numbers)).unwrap()
}

/// Whether two numbers mean one child in a source.
fn are_one(serving: &Serving, source: &str, one: &str, other: &str) -> bool {
    let mut client = run(serving, source);
    let told = tokens(&mut client, &[one, other]);
    client.close_run(&[]).unwrap();
    assert!(told.iter().all(Option::is_some));
    told[0] == told[1]
}

fn digest(serving: &Serving, source: &str) -> String {
    let mut client = serving.client(Role::Ingest).unwrap();
    client.corrections_digest(&education(), &source.parse().unwrap()).unwrap()
}

fn beside(serving: &Serving, number: &str, days: &[&str]) -> Vec<Option<Option<Token>>> {
    let mut client = run(serving, "census");
    tokens(&mut client, &[number]);
    let numbers = vec![number; days.len()];
    let (answer, _) = client.correct_numbers(&kind("upn"), batch(&numbers), batch(days)).unwrap();
    client.close_run(&[]).unwrap();
    answer
}

#[test]
fn a_wrong_number_means_the_child_in_its_source_until_two_custodians_end_it() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    assert!(!are_one(&serving, "census", &upn(0), &upn(1)));
    assert_eq!(digest(&serving, "census"), "");
    let of = Correction { numbers: vec![wrong(&upn(1), None)], ..correction(&upn(0)) };
    let (case, outcome) = rectified(&site, &serving, &upn(0), &of);
    assert_eq!(outcome.unwrap(), CarriedOut::Done);
    assert!(are_one(&serving, "census", &upn(0), &upn(1)));
    assert!(!are_one(&serving, "cin", &upn(0), &upn(1)), "another source means what it says");
    assert!(!digest(&serving, "census").is_empty() && digest(&serving, "cin").is_empty());
    let told = status(&serving, &case);
    assert_eq!((told.outcome, told.corrects), (Some(CaseOutcome::Rectified), true));
    let last = told.met.first().unwrap();
    // The delivery had both numbers.
    assert_eq!(last.counts, MetCounts { old: 1, right: 0, third: 1 });
    assert_eq!((last.source.as_str(), last.day.clone()), ("census", today().to_string()));
    // A delivery with the right number alone says that the source corrected itself; one with neither says nothing.
    for numbers in [vec![upn(0)], vec![upn(4)]] {
        let mut client = run(&serving, "census");
        tokens(&mut client, &[&numbers[0]]);
        client.close_run(&[]).unwrap();
    }
    let last = status(&serving, &case).met.remove(0);
    assert_eq!(last.counts, MetCounts { right: 1, ..MetCounts::default() });
    assert_eq!(serving.client(Role::Auditor).unwrap().status().unwrap().cases.corrections, 1);
    // It stands after a restart, and when the case is closed.
    let mut client = serving.client(Role::Custodian).unwrap();
    let receipt = client.close_case(&case.case, &today().to_string()).unwrap();
    assert!(receipt.contains("rectified"), "{receipt}");
    drop((client, serving));
    let serving = site.serve();
    assert!(are_one(&serving, "census", &upn(0), &upn(1)));
    let kept = || fs::read_dir(site.vault().join("corrections")).unwrap().count();
    assert_eq!(kept(), 2, "the proposed one is removed");
    decided(&site, &serving, &case, CaseDecision::Lift, &upn(0)).unwrap();
    assert!(!are_one(&serving, "census", &upn(0), &upn(1)));
    assert_eq!((digest(&serving, "census").as_str(), kept()), ("", 0));
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(!log.contains("CANARY"), "the log has no number and no word of a correction");
}

#[test]
fn a_correction_needs_two_custodians_who_both_give_it() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let of = Correction { numbers: vec![wrong(&upn(1), None)], ..correction(&upn(0)) };
    let case = opened(&serving, Right::Rectification, &upn(0));
    let text = proposal(&serving, &case, &of).unwrap();
    assert!(!text.contains("CANARY"), "{text}");
    let mut client = serving.client(Role::Custodian).unwrap();
    assert!(client.compare_subject(&id(&text), batch(&[upn(0)])).unwrap());
    let refused = denial(client.approve(site.sign("ann", &text))).to_string();
    assert!(refused.contains("--correction"), "{refused}");
    let other = Correction { numbers: vec![wrong(&upn(2), None)], ..of.clone() };
    assert!(!client.compare_correction(&id(&text), other).unwrap());
    assert!(client.approve(site.sign("ann", &text)).is_err());
    assert!(client.compare_correction(&id(&text), of.clone()).unwrap());
    client.approve(site.sign("ann", &text)).unwrap();
    assert!(client.enact(&id(&text)).is_err(), "one custodian alone");
    assert!(!are_one(&serving, "census", &upn(0), &upn(1)));
    client.approve(site.sign("ben", &text)).unwrap();
    client.enact(&id(&text)).unwrap();
    assert!(are_one(&serving, "census", &upn(0), &upn(1)));
    // A correction about another child than the case's is told to nobody before two approved it, and corrects nothing.
    let (_, outcome) = rectified(&site, &serving, &upn(3), &correction_of(&upn(4), &upn(5)));
    assert!(denial(outcome).to_string().contains("not the one of the case"));
    assert!(!are_one(&serving, "census", &upn(4), &upn(5)));
    // Wrong corrections count as wrong numbers do.
    let case = opened(&serving, Right::Rectification, &upn(2));
    let text = proposal(&serving, &case, &correction_of(&upn(2), &upn(5))).unwrap();
    let mut refusals =
        (0..6).map(|n| client.compare_correction(&id(&text), correction_of(&upn(2), &upn(10 + n))));
    assert!(refusals.by_ref().take(5).all(|answer| !answer.unwrap()));
    assert!(denial(refusals.next().unwrap()).to_string().contains("propose it anew"));
    drop(refusals);
    for role in [Role::Linker, Role::Analyst, Role::Custodian, Role::Auditor] {
        let mut other = serving.client(role).unwrap();
        let refused = denial(other.corrections_digest(&education(), &"census".parse().unwrap()));
        assert!(matches!(refused, Denial::RoleForbids { .. }), "{role}");
    }
}

fn correction_of(right: &str, of: &str) -> Correction {
    Correction { numbers: vec![wrong(of, None)], ..correction(right) }
}

#[test]
fn what_is_no_correction_is_refused_with_the_reason() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Rectification, &upn(0));
    let good = correction_of(&upn(0), &upn(1));
    let health = |of: WrongValue| WrongValue { source: "police".parse().unwrap(), ..of };
    for (of, why) in [
        (Correction { from: "30/11/2026".into(), ..good.clone() }, "no date"),
        (Correction { origin: " ".into(), ..good.clone() }, "an origin"),
        (Correction { numbers: Vec::new(), ..good.clone() }, "1 to 64"),
        (Correction { numbers: vec![wrong("", None)], ..good.clone() }, "is one upn"),
        (Correction { numbers: vec![wrong("A", Some("2011"))], ..good.clone() }, "birth date"),
        (Correction { values: vec![value("a", "a")], ..good.clone() }, "same before and after"),
        (Correction { values: vec![health(value("a", "b"))], ..good.clone() }, "police"),
    ] {
        let refused = denial(proposal(&serving, &case, &of)).to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let erasure = opened(&serving, Right::Erasure, &upn(0));
    let refused = denial(proposal(&serving, &erasure, &good)).to_string();
    assert!(refused.contains("a case of rectification alone"), "{refused}");
    // Nothing is kept of numbers that nobody has.
    let (case, outcome) = rectified(&site, &serving, "NOBODY", &correction_of("NOBODY", "NONE"));
    assert_eq!(outcome.unwrap(), CarriedOut::NoRecord);
    assert!(!status(&serving, &case).corrects);
    // A correction that holds from a later day is not read with yet.
    let from = today().saturating_add(jiff::Span::new().days(1)).to_string();
    let later = Correction { from, ..correction_of(&upn(2), &upn(3)) };
    rectified(&site, &serving, &upn(2), &later).1.unwrap();
    assert!(!are_one(&serving, "census", &upn(2), &upn(3)));
}

#[test]
fn a_number_means_another_child_beside_one_birth_date_alone() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let numbers = vec![wrong(&upn(1), Some("2011-03-04"))];
    let values = vec![value("CANARY-OLD", "CANARY-NEW")];
    let of = Correction { numbers, values, ..correction(&upn(0)) };
    let (case, outcome) = rectified(&site, &serving, &upn(0), &of);
    outcome.unwrap();
    assert!(!are_one(&serving, "census", &upn(0), &upn(1)), "the number is its own child's");
    let mut client = run(&serving, "census");
    let asked = tokens(&mut client, &[&upn(0), &upn(1), &upn(2)]);
    let told = client.corrections(&kind("upn"), batch(&[upn(0), upn(1), upn(2)])).unwrap();
    let own: Vec<u32> = told.values.iter().map(|of| of.place).collect();
    assert_eq!((told.beside, own), (vec![1], vec![0]));
    let (numbers, days) = ([upn(1), upn(1), upn(2)], ["2011-03-04", "2011-03-05", "2011-03-04"]);
    let (answer, values) =
        client.correct_numbers(&kind("upn"), batch(&numbers), batch(&days)).unwrap();
    assert_eq!(answer, [Some(asked[0]), None, None]);
    let values: Vec<_> = values.iter().map(|of| (of.place, of.cell.new.as_str())).collect();
    assert_eq!(values, [(0, "CANARY-NEW")]);
    client.close_run(&[]).unwrap();
    assert_eq!(status(&serving, &case).met[0].counts.old, 1);
    // Nobody asks for a number that the run has no row of.
    let mut client = run(&serving, "census");
    let refused = denial(
        client.correct_numbers(&kind("upn"), batch(&[upn(1)]), batch(&days[..1])).map(|_| ()),
    );
    assert!(matches!(refused, Denial::OutOfOrder { .. }), "{refused}");
    let refused = denial(client.corrections(&kind("upn"), batch(&[upn(1)])).map(|_| ()));
    assert!(matches!(refused, Denial::OutOfOrder { .. }), "{refused}");
}

#[test]
fn values_are_told_of_children_whom_the_run_asked_for_and_the_later_correction_counts() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let of = Correction {
        numbers: vec![wrong(&upn(1), None)],
        values: vec![value("CANARY-OLD", "CANARY-NEW")],
        ..correction(&upn(0))
    };
    let (case, outcome) = rectified(&site, &serving, &upn(0), &of);
    outcome.unwrap();
    let mut client = run(&serving, "census");
    tokens(&mut client, &[&upn(1), &upn(2)]);
    let told = client.corrections(&kind("upn"), batch(&[upn(1), upn(2)])).unwrap();
    let [value_of] = told.values.as_slice() else { panic!("{}", told.values.len()) };
    assert_eq!((value_of.place, value_of.cell.new.as_str()), (0, "CANARY-NEW"));
    let met = MetCounts { old: 2, right: 1, third: 3 };
    // The wrong number that was asked is an entry too.
    let total = client.tell_corrected(vec![(value_of.correction, met)]).unwrap();
    assert_eq!(total, MetCounts { old: 3, ..met });
    assert!(client.tell_corrected(vec![(7, met)]).is_err());
    client.close_run(&[]).unwrap();
    assert_eq!(status(&serving, &case).met[0].counts, total);
    // Corrected back: the later one counts.
    let back =
        Correction { values: vec![value("CANARY-NEW", "CANARY-OLD")], ..correction(&upn(0)) };
    let before = digest(&serving, "census");
    rectified(&site, &serving, &upn(0), &back).1.unwrap();
    assert_ne!(digest(&serving, "census"), before);
    let mut client = run(&serving, "census");
    tokens(&mut client, &[&upn(0)]);
    let told = client.corrections(&kind("upn"), batch(&[upn(0)])).unwrap();
    let [value_of] = told.values.as_slice() else { panic!("{}", told.values.len()) };
    assert_eq!(value_of.cell.new, "CANARY-OLD");
    // A run that is not closed says nothing of it.
    client.tell_corrected(vec![(value_of.correction, met)]).unwrap();
    client.leave_run().unwrap();
    assert_eq!(status(&serving, &case).met[0].counts, total);
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(!log.contains("CANARY"));
}

#[test]
fn a_wrong_number_of_a_child_who_was_erased_is_blocked_and_its_words_are_gone() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let numbers = vec![wrong(&upn(11), None), wrong(&upn(12), Some("2011-03-04"))];
    let values = vec![value("CANARY-OLD", "CANARY-NEW")];
    let of = Correction { numbers, values, ..correction(&upn(0)) };
    let (case, outcome) = rectified(&site, &serving, &upn(0), &of);
    outcome.unwrap();
    let words = site.vault().join("corrections").join(format!("{}-words", case.case));
    assert!(words.exists());
    let erasure = opened(&serving, Right::Erasure, &upn(0));
    let outcome = decided(&site, &serving, &erasure, CaseDecision::Grant, &upn(0)).unwrap();
    assert!(matches!(outcome, CarriedOut::Disposed(_)));
    assert!(!words.exists());
    let mut client = run(&serving, "census");
    let told = tokens(&mut client, &[&upn(11), &upn(12)]);
    assert!(
        told[0].is_none() && told[1].is_some(),
        "rows with the wrong number are no other child's"
    );
    client.close_run(&[]).unwrap();
    assert_eq!(beside(&serving, &upn(12), &["2011-03-04", "2011-03-05"]), [Some(None), None]);
    // A file that somebody put back is not read.
    fs::write(&words, "put back").unwrap();
    assert!(!digest(&serving, "census").is_empty());
    assert!(!words.exists());
    // A correction whose file is lost holds the source's runs back: its rows would be another child's.
    fs::remove_file(site.vault().join("corrections").join(&case.case)).unwrap();
    let mut client = serving.client(Role::Ingest).unwrap();
    let lost = denial(client.open_run(manifest("education", "census", 10_000)).map(|_| ()));
    assert!(lost.to_string().contains("put corrections/"), "{lost}");
}
