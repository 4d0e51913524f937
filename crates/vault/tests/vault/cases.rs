//! Cases of children's rights: one custodian opens a case, two decide it, and the log never learns whom it is about.

use std::fs;

use jiff::{Span, civil::Date};
use minster_model::{DatasetClass, DatasetRef, KeyVersion, Role};
use minster_vault::{session::Session, vault::Vault};
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, CaseStatus, Client, Denial, DisposalReceipt,
    DisposedDataset, Ground, NewCase, PROTOCOL, Proposed, ProposedAction, Publication, Publishing,
    RecordedManifest, Request, Response, Right, Turn, VaultError, note::Verifier,
};

use crate::{
    common::{Serving, Site, batch, carried_out, copy, dataset, denial, kind, retired, rotated},
    crash::at_every_write,
    retention::{
        SCHEDULE, ask, child, dispose, education, facts, files, filled, held, id, list, plan,
        proposed, run, upn,
    },
};

fn today() -> Date {
    jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date()
}

fn ago(days: i32) -> Date {
    today().saturating_sub(Span::new().days(days))
}

fn new(right: Right, number: &str, received: Date) -> NewCase {
    NewCase {
        right,
        purpose: education(),
        received: received.to_string(),
        reference: "RIGHT/1".into(),
        kind: kind("upn"),
        identifier: batch(&[number]),
    }
}

pub(crate) fn opened(serving: &Serving, right: Right, number: &str) -> CaseStatus {
    let mut client = serving.client(Role::Custodian).unwrap();
    client.open_case(new(right, number, today())).unwrap()
}

fn decision(case: &CaseStatus, decision: CaseDecision) -> ProposedAction {
    let asks = matches!(case.right, Right::Erasure | Right::Objection | Right::Restriction);
    let grants = matches!(decision, CaseDecision::Grant | CaseDecision::GrantSeveral);
    let schedule = (asks && grants).then(|| SCHEDULE.to_owned());
    ProposedAction::Case { case: case.case.clone(), decision, schedule }
}

/// Two custodians who each type a number approve a decision; gives the proposal.
fn approved(
    site: &Site,
    serving: &Serving,
    case: &CaseStatus,
    of: CaseDecision,
    number: &str,
) -> String {
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, decision(case, of)).unwrap();
    for name in ["ann", "ben"] {
        if of != CaseDecision::Extend {
            assert!(client.compare_subject(&id(&text), batch(&[number])).unwrap());
        }
        client.approve(site.sign(name, &text)).unwrap();
    }
    id(&text)
}

pub(crate) fn decided(
    site: &Site,
    serving: &Serving,
    case: &CaseStatus,
    of: CaseDecision,
    number: &str,
) -> Result<CarriedOut, VaultError> {
    let proposal = approved(site, serving, case, of, number);
    serving.client(Role::Custodian).unwrap().enact(&proposal)
}

fn status(serving: &Serving, case: &CaseStatus) -> CaseStatus {
    let all = serving.client(Role::Custodian).unwrap().cases(true).unwrap();
    all.into_iter().find(|one| one.case == case.case).unwrap()
}

/// The linker's receipt for a list, where one dataset stands and nothing of it was the list's.
fn applied(serving: &Serving, of: &str) {
    let mut linker = serving.client(Role::Linker).unwrap();
    let bytes = linker.disposal_list(of).unwrap();
    let unchanged = DisposedDataset {
        dataset: dataset(DatasetClass::Source),
        before: "d".repeat(64),
        after: "d".repeat(64),
        rows: 0,
        cells: 0,
        files: 0,
    };
    let receipt = DisposalReceipt {
        list: of.to_owned(),
        sha256: minster_vault::approvals::sha256(std::str::from_utf8(&bytes).unwrap()),
        datasets: vec![unchanged],
        shredded: 0,
        snapshots: 0,
        shared_ids: 0,
    };
    linker.report_disposal(&education(), receipt).unwrap();
}

#[test]
fn a_case_is_opened_by_one_custodian_and_its_clock_runs_from_the_day_it_was_received() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let late = client.open_case(new(Right::Access, &upn(1), ago(80))).unwrap();
    let case = client.open_case(new(Right::Erasure, &upn(0), today())).unwrap();
    assert_eq!(case.turn, Some(Turn::Decide));
    let due: Date = case.due.parse().unwrap();
    assert_eq!(due, today().saturating_add(Span::new().months(1)));
    assert_eq!(case.days_left, Some((due - today()).get_days()));
    assert!(late.days_left.unwrap() < -40, "{late:?}");
    let cases = client.cases(false).unwrap();
    let first: Vec<_> = cases.iter().map(|one| one.case.as_str()).collect();
    assert_eq!(first, [late.case.as_str(), case.case.as_str()], "the first clock comes first");
    let counts = client.status().unwrap().cases;
    assert_eq!((counts.open, counts.overdue), (2, 1));
    assert_eq!(counts.least_days_left, late.days_left);
    // Auditors look; nobody else does, and none of them opens one.
    assert_eq!(serving.client(Role::Auditor).unwrap().cases(false).unwrap(), cases);
    for role in [Role::Ingest, Role::Linker, Role::Analyst] {
        let mut other = serving.client(role).unwrap();
        assert!(matches!(denial(other.cases(false)), Denial::RoleForbids { .. }), "{role}");
        let new = new(Right::Erasure, &upn(2), today());
        assert!(matches!(denial(other.open_case(new)), Denial::RoleForbids { .. }), "{role}");
    }
    let mut auditor = serving.client(Role::Auditor).unwrap();
    let refused = denial(auditor.open_case(new(Right::Erasure, &upn(2), today())));
    assert!(matches!(refused, Denial::RoleForbids { .. }));
    // After a restart it is the same.
    drop((client, auditor, serving));
    let serving = site.serve();
    assert_eq!(serving.client(Role::Custodian).unwrap().cases(false).unwrap(), cases);
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("RIGHT/1") && !log.contains("CANARY"), "the log has no number");
}

#[test]
fn a_case_that_cannot_be_is_refused_with_the_reason() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let tomorrow = today().saturating_add(Span::new().days(1));
    let right = Right::Erasure;
    let known = client.open_case(new(right, &upn(0), today())).unwrap();
    let mut refused = |case: NewCase, why: &str| {
        let told = denial(client.open_case(case)).to_string();
        assert!(told.contains(why), "{told}");
    };
    refused(new(right, &upn(1), tomorrow), "today at the latest");
    refused(new(right, &upn(1), ago(367)), "look at the year");
    let one = || new(right, &upn(1), today());
    refused(NewCase { received: "yesterday".into(), ..one() }, "is no date");
    refused(NewCase { reference: "Jane Doe".into(), ..one() }, "reference is 1 to 40");
    refused(NewCase { reference: "330400024001".into(), ..one() }, "nine digits");
    refused(NewCase { kind: kind("match-key:name"), ..one() }, "kind that the purpose does not");
    refused(NewCase { kind: kind("passport"), ..one() }, "kind that the purpose does not");
    refused(NewCase { identifier: batch(&["a", "b"]), ..one() }, "one number");
    refused(NewCase { identifier: batch(&[""; 0]), ..one() }, "one number");
    refused(new(right, &upn(0), ago(1)), &format!("the case {} is about the same", known.case));
    let nowhere = NewCase { purpose: "nowhere".parse().unwrap(), ..one() };
    assert!(matches!(denial(client.open_case(nowhere)), Denial::NoSuchPurpose { .. }));
    // The same child asks for another right, and another child for the same.
    client.open_case(new(Right::Restriction, &upn(0), today())).unwrap();
    client.open_case(one()).unwrap();
    assert_eq!(client.cases(false).unwrap().len(), 3);
}

#[test]
fn two_more_months_need_two_custodians_a_reason_and_the_first_month() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let case = client.open_case(new(Right::Erasure, &upn(0), ago(20))).unwrap();
    let late = client.open_case(new(Right::Erasure, &upn(1), ago(60))).unwrap();
    let text = proposed(&mut client, decision(&case, CaseDecision::Extend)).unwrap();
    assert_eq!(status(&serving, &case).turn, Some(Turn::Sign));
    assert_eq!(status(&serving, &case).about, Some(id(&text)));
    client.approve(site.sign("ann", &text)).unwrap();
    let one = denial(client.enact(&id(&text))).to_string();
    assert!(one.contains("1 of 2"), "{one}");
    client.approve(site.sign("ben", &text)).unwrap();
    assert_eq!(status(&serving, &case).turn, Some(Turn::CarryOut));
    client.enact(&id(&text)).unwrap();
    let now = status(&serving, &case);
    let received: Date = case.received.parse().unwrap();
    assert_eq!(now.due, received.saturating_add(Span::new().months(3)).to_string());
    assert!(now.extended && now.turn == Some(Turn::Decide));
    let twice = denial(proposed(&mut client, decision(&case, CaseDecision::Extend))).to_string();
    assert!(twice.contains("two more months already"), "{twice}");
    let over = denial(proposed(&mut client, decision(&late, CaseDecision::Extend))).to_string();
    assert!(over.contains("its month was over on"), "{over}");
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(!log.contains("yearly"), "the reason is sealed");
}

#[test]
fn a_refusal_has_a_ground_of_the_law_and_the_case_closes_with_a_receipt() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Erasure, &upn(0));
    let mut client = serving.client(Role::Custodian).unwrap();
    let wrong = CaseDecision::Refuse(Ground::CompellingGrounds);
    let why = denial(proposed(&mut client, decision(&case, wrong))).to_string();
    assert!(why.contains("its grounds are expression, statutory-duty"), "{why}");
    let early = denial(client.close_case(&case.case, &today().to_string())).to_string();
    assert!(early.contains("not settled yet"), "{early}");
    // Nobody signs for a child whose number was not typed.
    let of = CaseDecision::Refuse(Ground::StatutoryDuty);
    let text = proposed(&mut client, decision(&case, of)).unwrap();
    assert!(!text.contains("CANARY"));
    let blind = denial(client.approve(site.sign("ann", &text))).to_string();
    assert!(blind.contains("types the child's number first"), "{blind}");
    assert!(!client.compare_subject(&id(&text), batch(&[upn(1)])).unwrap());
    let other = denial(client.approve(site.sign("ann", &text))).to_string();
    assert!(other.contains("types the child's number first"), "{other}");
    for name in ["ann", "ben"] {
        assert!(client.compare_subject(&id(&text), batch(&[upn(0)])).unwrap());
        client.approve(site.sign(name, &text)).unwrap();
    }
    assert_eq!(client.enact(&id(&text)).unwrap(), CarriedOut::Done);
    let now = status(&serving, &case);
    assert_eq!(
        (now.outcome, now.ground),
        (Some(CaseOutcome::Refused), Some(Ground::StatutoryDuty))
    );
    assert_eq!(now.turn, Some(Turn::Answer), "the clock runs until the answer is sent");
    assert!(now.days_left.is_some());
    let again = denial(proposed(&mut client, decision(&case, CaseDecision::Grant))).to_string();
    assert!(again.contains("decided already"), "{again}");
    for day in [ago(1), today().saturating_add(Span::new().days(1))] {
        let why = denial(client.close_case(&case.case, &day.to_string())).to_string();
        assert!(why.contains("the answer was sent between"), "{why}");
    }
    // Nobody answers before the decision, also where the case was received long before it.
    let older = client.open_case(new(Right::Erasure, &upn(5), ago(20))).unwrap();
    decided(&site, &serving, &older, of, &upn(5)).unwrap();
    let why = denial(client.close_case(&older.case, &ago(10).to_string())).to_string();
    assert!(why.contains("the day of its decision"), "{why}");
    client.close_case(&older.case, &today().to_string()).unwrap();
    let note = client.close_case(&case.case, &today().to_string()).unwrap();
    let verifier: Verifier = client.status().unwrap().verifier.parse().unwrap();
    let told = verifier.open(&note).unwrap();
    let day = format!("{}\"", today());
    for what in ["decided", "closed"] {
        assert!(told.contains(&format!("\"{what}\": \"{day}")), "{what}: {told}");
    }
    for word in ["\"refused\"", "\"statutory-duty\"", "\"ann\"", "\"ben\"", "RIGHT/1", &case.case] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(client.case_receipt(&case.case).unwrap(), note, "the same each time");
    let twice = denial(client.close_case(&case.case, &today().to_string())).to_string();
    assert!(twice.contains("closed already"), "{twice}");
    assert!(client.cases(false).unwrap().is_empty());
    let all = client.cases(true).unwrap();
    assert_eq!((all.len(), all[0].days_left, all[0].turn), (2, None, None));
    assert!(ask(&serving, "upn", &upn(0)).is_some(), "the records stay");
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("\"step\":\"refused\"") && log.contains("statutory-duty"));
    let folder = site.vault().join("cases");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nobody needs the number any more");
}

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

/// Until two custodians approved the decision, a child whom nobody has is told from no other.
#[test]
fn a_case_about_a_child_whom_nobody_has_is_answered_alike_and_ends_with_no_record() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let cases = [12, 99].map(|n| opened(&serving, Right::Erasure, &upn(n)));
    let [known, nobody] = cases.clone().map(|case| CaseStatus { case: String::new(), ..case });
    assert_eq!(known, nobody);
    let proposals = [0, 1].map(|of| {
        let number = upn([12, 99][of]);
        approved(&site, &serving, &cases[of], CaseDecision::Grant, &number)
    });
    let told = [0, 1].map(|of| {
        let status = status(&serving, &cases[of]);
        assert_eq!(status.about.as_ref(), Some(&proposals[of]));
        CaseStatus { case: String::new(), about: None, ..status }
    });
    assert_eq!(told[0], told[1]);
    let mut client = serving.client(Role::Custodian).unwrap();
    assert_eq!(client.enact(&proposals[1]).unwrap(), CarriedOut::NoRecord);
    assert!(matches!(client.enact(&proposals[0]).unwrap(), CarriedOut::Disposed(_)));
    let now = status(&serving, &cases[1]);
    assert_eq!((now.outcome, now.turn), (Some(CaseOutcome::NoRecord), Some(Turn::Answer)));
    let note = client.close_case(&cases[1].case, &today().to_string()).unwrap();
    assert!(note.contains("\"no-record\""), "{note}");
    // Nothing is kept of the number.
    assert_eq!(fs::read_dir(site.vault().join("cases")).unwrap().count(), 0);
    let proposed = site.vault().join("disposals").join(format!("proposed-{}", proposals[1]));
    assert!(!proposed.exists());
    let restriction = opened(&serving, Right::Restriction, &upn(99));
    let outcome = decided(&site, &serving, &restriction, CaseDecision::Grant, &upn(99)).unwrap();
    assert_eq!(outcome, CarriedOut::NoRecord);
    assert!(!status(&serving, &restriction).restricts);
    assert_eq!(serving.client(Role::Linker).unwrap().restricted(&education()).unwrap().digest, "");
    assert!(ask(&serving, "upn", &upn(99)).is_some(), "a later delivery may bring the child");
}

#[test]
fn a_restricted_child_is_kept_and_told_to_the_linker_alone_until_it_is_lifted() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let pseudonym = ask(&serving, "upn", &upn(0)).unwrap();
    let other = ask(&serving, "upn", &upn(1)).unwrap();
    let restricted =
        |serving: &Serving| serving.client(Role::Linker).unwrap().restricted(&education()).unwrap();
    assert_eq!(restricted(&serving), Default::default());
    let first = opened(&serving, Right::Restriction, &upn(0));
    assert_eq!(
        decided(&site, &serving, &first, CaseDecision::Grant, &upn(0)).unwrap(),
        CarriedOut::Done
    );
    let one = restricted(&serving);
    let told: Vec<_> = one.pseudonyms().collect();
    assert_eq!(told, [(KeyVersion(1), vec![pseudonym])]);
    for role in [Role::Ingest, Role::Analyst, Role::Custodian, Role::Auditor] {
        let mut client = serving.client(role).unwrap();
        let refused = denial(client.restricted(&education()));
        assert!(matches!(refused, Denial::RoleForbids { .. }), "{role}");
    }
    let of_health = serving.client(Role::Linker).unwrap().restricted(&"health".parse().unwrap());
    assert_eq!(of_health.unwrap(), Default::default(), "another purpose is another case");
    // It is kept: the schedule does not take it.
    let due = plan(&serving, "2026-01-01");
    assert_eq!(due.due, Some(5));
    let held: Vec<_> = due.held.iter().map(|of| of.by.as_str()).collect();
    assert_eq!(held, ["restriction"]);
    let second = opened(&serving, Right::Restriction, &upn(1));
    decided(&site, &serving, &second, CaseDecision::Grant, &upn(1)).unwrap();
    let two = restricted(&serving);
    assert_ne!((one.digest.as_str(), two.digest.is_empty()), (two.digest.as_str(), true));
    let mut both = [pseudonym, other];
    both.sort_unstable();
    assert_eq!(two.pseudonyms().next().unwrap().1, both);
    // New keys tell both versions, until the old ones are retired.
    rotated(&site, &serving, "education");
    let versions: Vec<_> = restricted(&serving).pseudonyms().map(|(of, _)| of).collect();
    assert_eq!(versions, [KeyVersion(1), KeyVersion(2)]);
    retired(&site, &serving, 1, &["source/census/2024-25"]).unwrap();
    // The case is closed, and the restriction stands; after a restart too.
    let mut client = serving.client(Role::Custodian).unwrap();
    client.close_case(&first.case, &today().to_string()).unwrap();
    drop((client, serving));
    let serving = site.serve();
    assert!(status(&serving, &first).restricts);
    assert_eq!(restricted(&serving).versions.len(), 1);
    let outcome = decided(&site, &serving, &first, CaseDecision::Lift, &upn(0)).unwrap();
    assert_eq!(outcome, CarriedOut::Done);
    assert_eq!(restricted(&serving).pseudonyms().next().unwrap().1.len(), 1);
    let mut client = serving.client(Role::Custodian).unwrap();
    let twice = denial(proposed(&mut client, decision(&first, CaseDecision::Lift))).to_string();
    assert!(twice.contains("no restriction of this case stands"), "{twice}");
    assert!(!site.vault().join("cases").join(&first.case).exists());
    assert_eq!(client.status().unwrap().cases.restrictions, 1);
    // A case whose file was lost holds the linker back: nobody could say whom it keeps out.
    let file = site.vault().join("cases").join(&second.case);
    fs::remove_file(&file).unwrap();
    let lost = denial(serving.client(Role::Linker).unwrap().restricted(&education()));
    assert!(lost.to_string().contains("put cases/"), "{lost}");
    let lost = denial(proposed(&mut client, dispose("2026-01-01"))).to_string();
    assert!(lost.contains("put cases/"), "{lost}");
}

/// A file of another case in the place of one would keep another child out.
#[test]
fn a_case_s_file_stands_for_no_other_case() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let cases = [0, 1].map(|n| {
        let case = opened(&serving, Right::Restriction, &upn(n));
        decided(&site, &serving, &case, CaseDecision::Grant, &upn(n)).unwrap();
        site.vault().join("cases").join(case.case)
    });
    fs::copy(&cases[0], &cases[1]).unwrap();
    let swapped = denial(serving.client(Role::Linker).unwrap().restricted(&education()));
    assert!(matches!(swapped, Denial::Fault { .. }), "{swapped}");
}

fn publication(what: Publishing) -> Publication {
    Publication {
        purpose: education(),
        audience: Some(minster_model::Audience::CouncilTeams),
        release: "by_year".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        sha256: "a".repeat(64),
        entry: Some("b".repeat(64)),
        rules: None,
        what,
    }
}

/// A conversation of the linker: it is told the list, and records datasets.
struct Linking(Client);

impl Linking {
    fn new(serving: &Serving) -> Self {
        Self(serving.client(Role::Linker).unwrap())
    }

    /// One that is told the list.
    fn told(serving: &Serving) -> Self {
        let mut linking = Self::new(serving);
        linking.0.restricted(&education()).unwrap();
        linking
    }

    fn records(&mut self, linked: &DatasetRef, sha: &str) {
        self.0.create_key(linked).unwrap();
        let manifest = RecordedManifest { dataset: linked.clone(), sha256: sha.repeat(64) };
        self.0.record_manifest(manifest, None).unwrap();
    }
}

fn children(period: &str) -> DatasetRef {
    DatasetRef {
        name: "children".parse().unwrap(),
        period: period.parse().unwrap(),
        ..dataset(DatasetClass::Integrated)
    }
}

fn let_out(serving: &Serving) -> Result<u32, VaultError> {
    serving.client(Role::Analyst).unwrap().publish(&publication(Publishing::LetOut))
}

fn is_pending(serving: &Serving) -> bool {
    match let_out(serving) {
        Ok(_) => false,
        refused => matches!(denial(refused), Denial::RestrictionPending { .. }),
    }
}

/// A draft of before the restriction counts the child: it is not let out.
#[test]
fn no_release_is_let_out_until_the_children_are_linked_without_the_restricted_one() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    assert_eq!(let_out(&serving).unwrap(), 0);
    let case = opened(&serving, Right::Restriction, &upn(0));
    let mut before = Linking::told(&serving);
    decided(&site, &serving, &case, CaseDecision::Grant, &upn(0)).unwrap();
    assert!(is_pending(&serving));
    // A list of before the restriction does not count, whoever else is told the new one meanwhile.
    let mut told = Linking::told(&serving);
    before.records(&children("2024-25"), "1");
    assert!(is_pending(&serving));
    // Nor does a linker who asks for no list, another period, or another dataset.
    Linking::new(&serving).records(&children("2024-25"), "2");
    told.records(&children("2023-24"), "3");
    let ids = DatasetRef { name: "identities".parse().unwrap(), ..children("2024-25") };
    told.records(&ids, "4");
    assert!(is_pending(&serving));
    told.records(&children("2024-25"), "5");
    assert!(!is_pending(&serving));
    drop((before, told, serving));
    let serving = site.serve();
    assert!(!is_pending(&serving), "after a restart it is the same");
    // A release is withdrawn at any time.
    decided(&site, &serving, &case, CaseDecision::Lift, &upn(0)).unwrap();
    let mut analyst = serving.client(Role::Analyst).unwrap();
    assert_eq!(analyst.publish(&publication(Publishing::Withdrawn)).unwrap(), 0);
    assert!(is_pending(&serving), "so is a lifted one");
    Linking::told(&serving).records(&children("2024-25"), "6");
    assert!(!is_pending(&serving));
}

/// Linking finds nothing to do then, and records nothing: a stamp of the time would hold releases back for ever.
#[test]
fn a_restriction_that_is_lifted_before_the_next_linking_holds_no_release_back() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut linker = Linking::told(&serving);
    linker.records(&children("2024-25"), "1");
    let first = opened(&serving, Right::Restriction, &upn(0));
    decided(&site, &serving, &first, CaseDecision::Grant, &upn(0)).unwrap();
    let mut told = Linking::told(&serving);
    told.records(&children("2024-25"), "2");
    assert!(!is_pending(&serving));
    let digest = |serving: &Serving| {
        serving.client(Role::Linker).unwrap().restricted(&education()).unwrap().digest
    };
    let without_first = digest(&serving);
    let second = opened(&serving, Right::Restriction, &upn(1));
    decided(&site, &serving, &second, CaseDecision::Grant, &upn(1)).unwrap();
    assert!(is_pending(&serving));
    decided(&site, &serving, &second, CaseDecision::Lift, &upn(1)).unwrap();
    assert_eq!(digest(&serving), without_first, "linking finds nothing to do");
    assert!(!is_pending(&serving));
}

/// An older snapshot may count the child.
#[test]
fn an_accepted_snapshot_of_the_children_is_linked_again_before_a_release() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let of = children("2024-25");
    Linking::told(&serving).records(&of, "1");
    let case = opened(&serving, Right::Restriction, &upn(0));
    decided(&site, &serving, &case, CaseDecision::Grant, &upn(0)).unwrap();
    Linking::told(&serving).records(&of, "2");
    assert!(!is_pending(&serving));
    let accept = ProposedAction::Snapshot { dataset: of.clone(), sha256: Some("1".repeat(64)) };
    carried_out(&site, &serving, accept).unwrap();
    assert!(is_pending(&serving));
    Linking::told(&serving).records(&of, "3");
    assert!(!is_pending(&serving));
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
        let done = site.open(disk).is_ok_and(|vault| enacted(&vault, &proposal));
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

fn enacted(vault: &Vault, proposal: &str) -> bool {
    let mut session = Session::new(vault, rustix::process::getuid().as_raw());
    let (role, program) = (Role::Custodian, "test".into());
    session.answer(Request::Hello { protocol: PROTOCOL, role, program });
    let answer = session.answer(Request::Enact { proposal: proposal.to_owned() });
    matches!(answer, Response::Enacted(_))
}

/// The process is killed at each write of a new case: it is there as it was told, or not at all.
#[test]
fn a_killed_opening_leaves_a_case_or_nothing() {
    let site = Site::new();
    copy(&site.vault(), &site.path("before"));
    let steps = at_every_write(|disk| {
        fs::remove_dir_all(site.vault()).unwrap();
        copy(&site.path("before"), &site.vault());
        let done = site.open(disk).is_ok_and(|vault| {
            let mut session = Session::new(&vault, rustix::process::getuid().as_raw());
            let (role, program) = (Role::Custodian, "test".into());
            session.answer(Request::Hello { protocol: PROTOCOL, role, program });
            let new = new(Right::Erasure, &upn(0), today());
            matches!(session.answer(Request::OpenCase(new)), Response::Cases(_))
        });
        let serving = site.serve();
        let cases = serving.client(Role::Custodian).unwrap().cases(true).unwrap();
        assert!(!done || cases.len() == 1);
        let folder = site.vault().join("cases");
        let left = fs::read_dir(folder).map_or(0, |all| all.count());
        assert_eq!(left, cases.len(), "no number of a case that is not there");
        if let [case] = cases.as_slice() {
            let mut client = serving.client(Role::Custodian).unwrap();
            let of = CaseDecision::Refuse(Ground::Research);
            proposed(&mut client, decision(case, of)).unwrap();
        }
        done
    });
    assert!(steps > 3, "{steps}");
}

#[test]
fn a_grant_needs_the_schedule_where_it_disposes_of_records_and_only_there() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Custodian).unwrap();
    let erasure = opened(&serving, Right::Erasure, &upn(0));
    let access = opened(&serving, Right::Access, &upn(0));
    let restriction = opened(&serving, Right::Restriction, &upn(0));
    let mut refused = |case: &CaseStatus, schedule: Option<&str>, why: &str| {
        let (case, schedule) = (case.case.clone(), schedule.map(str::to_owned));
        let action = ProposedAction::Case { case, decision: CaseDecision::Grant, schedule };
        let told = denial(proposed(&mut client, action)).to_string();
        assert!(told.contains(why), "{told}");
    };
    refused(&erasure, None, "`--schedule`");
    refused(&access, Some(SCHEDULE), "needs no schedule");
    refused(&erasure, Some(&SCHEDULE.replace("\"upn\", ", "")), "nobody's own");
    // A number that is nobody's own is on no row about a person: it would keep nobody out.
    refused(&restriction, None, "`--schedule`");
    refused(&restriction, Some(&SCHEDULE.replace("\"upn\", ", "")), "nobody's own");
    refused(&CaseStatus { case: "0".repeat(16), ..access.clone() }, None, "no such case");
    let outcome = decided(&site, &serving, &access, CaseDecision::Grant, &upn(0)).unwrap();
    assert_eq!(outcome, CarriedOut::Done);
    assert_eq!(status(&serving, &access).outcome, Some(CaseOutcome::Granted));
}

/// Two proposals for one case: the second is carried out no more.
#[test]
fn a_case_is_decided_once() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let case = opened(&serving, Right::Erasure, &upn(3));
    let refusal = CaseDecision::Refuse(Ground::Research);
    let grant = approved(&site, &serving, &case, CaseDecision::Grant, &upn(3));
    let refuse = approved(&site, &serving, &case, refusal, &upn(3));
    let mut client = serving.client(Role::Custodian).unwrap();
    client.enact(&refuse).unwrap();
    let late = denial(client.enact(&grant)).to_string();
    assert!(late.contains("decided already"), "{late}");
    assert!(ask(&serving, "upn", &upn(3)).is_some());
    let expired = Proposed {
        action: decision(&case, refusal),
        reference: "R/1".into(),
        reason: "late".into(),
        expires: today().to_string(),
    };
    assert!(denial(client.propose(expired)).to_string().contains("decided already"));
}
