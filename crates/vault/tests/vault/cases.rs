//! Cases of children's rights: one custodian opens a case, two decide it, and the log never learns whom it is about.

use std::fs;

use jiff::{Span, civil::Date};
use minster_model::{DatasetClass, Role};
use minster_vault::session::Session;
use minster_vault_api::{
    CarriedOut, CaseDecision, CaseOutcome, CaseStatus, Denial, DisposalReceipt, DisposedDataset,
    Ground, NewCase, PROTOCOL, Proposed, ProposedAction, Request, Response, Right, Turn,
    VaultError, note::Verifier,
};

use crate::{
    common::{Serving, Site, batch, copy, dataset, denial, kind},
    crash::at_every_write,
    retention::{SCHEDULE, ask, education, filled, id, proposed, upn},
};

pub(crate) fn today() -> Date {
    jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date()
}

fn ago(days: i32) -> Date {
    today().saturating_sub(Span::new().days(days))
}

pub(crate) fn new(right: Right, number: &str, received: Date) -> NewCase {
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

pub(crate) fn decision(case: &CaseStatus, decision: CaseDecision) -> ProposedAction {
    let asks = matches!(case.right, Right::Erasure | Right::Objection | Right::Restriction);
    let grants = matches!(decision, CaseDecision::Grant | CaseDecision::GrantSeveral);
    let schedule = (asks && grants).then(|| SCHEDULE.to_owned());
    ProposedAction::Case { case: case.case.clone(), decision, schedule }
}

/// Two custodians who each type a number approve a decision; gives the proposal.
pub(crate) fn approved(
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

pub(crate) fn status(serving: &Serving, case: &CaseStatus) -> CaseStatus {
    let all = serving.client(Role::Custodian).unwrap().cases(true).unwrap();
    all.into_iter().find(|one| one.case == case.case).unwrap()
}

/// The linker's receipt for a list, where one dataset stands and nothing of it was the list's.
pub(crate) fn applied(serving: &Serving, of: &str) {
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
