//! The retention schedule at the vault: facts of persons add up, what is due is told without small counts, and holds hold.

use std::fs;

use minster_model::{Pseudonym, Role};
use minster_vault_api::{
    CarriedOut, Client, Denial, DisposalCounts, DisposalHead, OpenedRun, PersonFacts, Proposed,
    ProposedAction, RetentionPlan, RunManifest, Token, ToldDate, VaultError, note::Verifier,
};

pub(crate) use crate::told::facts;
use crate::{
    common::{Serving, Site, batch, carried_out, denial, kind, manifest, turned_back},
    told::{Loose, Row, packed, tell},
};

pub(crate) const SCHEDULE: &str = r#"
[[person]]
name = "child"
kinds = ["upn", "la-child-id"]

[[category]]
name = "plan"
notice = "child protection plan"
person = "child"
rule = { event = "birth", years = 40 }
end = "destroyed"
evidence = [{ sources = ["cin"], table = "plans" }]

[[category]]
name = "other"
notice = "all other records"
person = "child"
default = true
rule = { event = "birth", years = 25 }
end = "destroyed"
evidence = []
"#;

pub(crate) fn education() -> minster_model::Purpose {
    "education".parse().unwrap()
}

/// A run that asks for all identifiers of some facts, tells the facts, and is closed.
pub(crate) fn run(serving: &Serving, source: &str, told: &[Row]) -> Result<OpenedRun, VaultError> {
    let mut client = serving.client(Role::Ingest)?;
    let opened = client.open_run(RunManifest { ..manifest("education", source, 10_000) })?;
    tell(&mut client, told)?;
    client.close_run(&[])?;
    Ok(opened)
}

pub(crate) fn upn(n: u32) -> String {
    format!("CANARY-UPN-{n:03}")
}

pub(crate) fn child(n: u32) -> String {
    format!("CANARY-LA-{n:03}")
}

/// Children 0 to 5 were born in 1990 and are in the census; child 0 to 5 of the service are the same, by their pupil numbers. Children
/// 10 to 15 were born in 2010.
pub(crate) fn filled(serving: &Serving) {
    let census: Vec<_> = (0..6)
        .map(|n| (n, "1990-06-01"))
        .chain((10..16).map(|n| (n, "2010-06-01")))
        .map(|(n, born)| {
            let key = format!("CANARY-KEY-{n:03}");
            facts(&[("upn", &upn(n))], &[("match-key:name", &key)], &[], Some(born))
        })
        .collect();
    run(serving, "census", &census).unwrap();
    let service: Vec<_> = (0..6)
        .map(|n| facts(&[("la-child-id", &child(n)), ("upn", &upn(n))], &[], &[], None))
        .collect();
    run(serving, "cin", &service).unwrap();
}

pub(crate) fn plan(serving: &Serving, until: &str) -> RetentionPlan {
    serving.client(Role::Custodian).unwrap().plan_retention(&education(), SCHEDULE, until).unwrap()
}

fn due(plan: &RetentionPlan) -> Vec<(String, String, Option<u64>)> {
    let told = plan.due_by_month.iter();
    told.map(|of| (of.category.clone(), of.period.clone(), of.persons)).collect()
}

pub(crate) fn dispose(until: &str) -> ProposedAction {
    ProposedAction::Dispose { purpose: education(), schedule: SCHEDULE.into(), until: until.into() }
}

pub(crate) fn id(text: &str) -> String {
    minster_vault::approvals::Proposal::id(text)
}

pub(crate) fn proposed(client: &mut Client, action: ProposedAction) -> Result<String, VaultError> {
    let (reference, reason) = ("RET/2026/1".into(), "yearly".into());
    client.propose(Proposed { action, reference, reason, expires: minster_tests::soon() })
}

/// A disposal from its proposal to its list.
pub(crate) fn disposed(site: &Site, serving: &Serving, until: &str) -> (String, DisposalCounts) {
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, dispose(until)).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    match client.enact(&id(&text)).unwrap() {
        CarriedOut::Disposed(counts) => (id(&text), counts),
        other => panic!("{other:?}"),
    }
}

/// A list's head and pseudonyms, once its signature was verified.
pub(crate) fn list(serving: &Serving, of: &str) -> (DisposalHead, Vec<Pseudonym>) {
    let mut linker = serving.client(Role::Linker).unwrap();
    let verifier: Verifier = linker.status().unwrap().verifier.parse().unwrap();
    let note = String::from_utf8(linker.disposal_list(of).unwrap()).unwrap();
    let text = verifier.open(&note).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    (serde_json::from_str(head).unwrap(), rest.lines().map(|line| line.parse().unwrap()).collect())
}

/// Whether a number is blocked, and else its pseudonym.
pub(crate) fn ask(serving: &Serving, of: &str, number: &str) -> Option<Pseudonym> {
    let mut client = serving.client(Role::Ingest).unwrap();
    let opened = client.open_run(manifest("education", "census", 10_000)).unwrap();
    let tokens = client.pseudonymise_some(&kind(of), batch(&[number])).unwrap();
    client.close_run(&[]).unwrap();
    let token = tokens[0].as_ref()?;
    Some(turned_back(&serving.run_key("education", &opened.run_key), &[*token])[0])
}

/// The bytes of all files of a vault, by path.
pub(crate) fn files(site: &Site) -> Vec<(String, Vec<u8>)> {
    let (mut all, mut folders) = (Vec::new(), vec![site.vault()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => all.push((path.display().to_string(), fs::read(&path).unwrap())),
            }
        }
    }
    all
}

#[test]
fn facts_of_several_sources_add_up_and_the_latest_date_counts() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    // Twelve persons, though eighteen numbers: the service's and the census's are one person's.
    let now = plan(&serving, "2026-01-01");
    assert_eq!(now.due, Some(6));
    assert_eq!(due(&now), [("other".into(), "2015-06".into(), Some(6))]);
    assert_eq!(now.forecast.len(), 1, "{:?}", now.forecast);
    assert_eq!((now.forecast[0].period.as_str(), now.forecast[0].persons), ("2035", Some(6)));
    let told: Vec<_> =
        now.due_by_delivery.iter().map(|of| (of.delivery.as_str(), of.persons)).collect();
    assert_eq!(told, [("census/2024-25", Some(6)), ("cin/2024-25", Some(6))]);
    // A plan that the service alone knows of keeps the census's row too.
    let plans: Vec<_> =
        (0..6).map(|n| facts(&[("la-child-id", &child(n))], &[], &["plan"], None)).collect();
    run(&serving, "cin", &plans).unwrap();
    assert_eq!(plan(&serving, "2026-01-01").due, Some(0));
    assert_eq!(due(&plan(&serving, "2030-06-01")), [("plan".into(), "2030-06".into(), Some(6))]);
    drop(serving);
    assert_eq!(plan(&site.serve(), "2030-05-31").due, Some(0), "the day before, after a restart");
}

/// A blank end in a later delivery keeps a case that had ended before, after a restart too.
#[test]
fn a_case_that_is_open_again_is_undetermined_until_its_end_is_told() {
    let site = Site::new();
    let serving = site.serve();
    let schedule =
        SCHEDULE.replace("event = \"birth\", years = 40", "event = \"case-closed\", years = 25");
    let of = |closed: Option<&str>, open: Option<&str>| -> Vec<Row> {
        let date = match closed {
            Some(day) => ToldDate::On(day.parse().unwrap()),
            None => ToldDate::Open,
        };
        let first_day = open.unwrap_or("2024-09-01").parse().unwrap();
        let row = |n| Row {
            dates: vec![("case-closed".to_owned(), date)],
            first_day,
            ..facts(&[("upn", &upn(n))], &[], &["plan"], None)
        };
        (0..6).map(row).collect()
    };
    let told = |serving: &Serving| {
        let mut client = serving.client(Role::Custodian).unwrap();
        let plan = client.plan_retention(&education(), &schedule, "2026-01-01").unwrap();
        let missing = plan.undetermined.first().map(|of| (of.missing.clone(), of.persons));
        (plan.due, missing)
    };
    run(&serving, "cin", &of(Some("2000-02-01"), None)).unwrap();
    assert_eq!(told(&serving), (Some(6), None));
    run(&serving, "cin", &of(None, Some("2024-04-01"))).unwrap();
    let open = (Some(0), Some(("case-closed".to_owned(), Some(6))));
    assert_eq!(told(&serving), open);
    drop(serving);
    let serving = site.serve();
    assert_eq!(told(&serving), open);
    run(&serving, "cin", &of(Some("2025-01-31"), None)).unwrap();
    assert_eq!(told(&serving), (Some(0), None), "its new end counts");
}

#[test]
fn the_same_facts_told_again_add_nothing() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let length = || fs::metadata(site.vault().join("facts/education")).unwrap().len();
    let before = length();
    filled(&serving);
    assert_eq!(length(), before);
    drop(serving);
    let log = fs::read_to_string(site.log()).unwrap();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("\"told-facts\"")).collect();
    assert_eq!(told.len(), 4);
    assert!(told[0].contains("\"told\":12,\"new\":12"), "{}", told[0]);
    assert!(told[2].contains("\"told\":12,\"new\":0"), "{}", told[2]);
}

#[test]
fn small_counts_are_hidden_and_a_missing_date_is_listed() {
    let site = Site::new();
    let serving = site.serve();
    let some: Vec<_> =
        (0..4).map(|n| facts(&[("upn", &upn(n))], &[], &[], Some("1990-06-01"))).collect();
    run(&serving, "census", &some).unwrap();
    let unknown: Vec<String> = (20..27).map(upn).collect();
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    serving.ask("education", "upn", &unknown).unwrap();
    let now = plan(&serving, "2026-01-01");
    assert_eq!(now.due, None);
    assert_eq!(due(&now), [("other".into(), "2015-06".into(), None)]);
    let undetermined = &now.undetermined[0];
    let told =
        (undetermined.category.as_str(), undetermined.missing.as_str(), undetermined.persons);
    assert_eq!(told, ("other", "birth", Some(7)));
}

#[test]
fn facts_come_with_numbers_that_the_run_asked_for_and_no_others() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let mut client = serving.client(Role::Ingest).unwrap();
    let known = facts(&[("upn", &upn(0))], &[], &[], Some("1990-06-01"));
    let told = |client: &mut Client, of: PersonFacts| denial(client.tell_facts(of));
    let before = {
        let mut earlier = serving.client(Role::Ingest).unwrap();
        earlier.open_run(manifest("education", "census", 10_000)).unwrap();
        earlier.pseudonymise(&kind("upn"), batch(&[upn(0)])).unwrap()[0]
    };
    let of_token = |token| packed(std::slice::from_ref(&known), |_| token);
    assert!(matches!(told(&mut client, of_token(before)), Denial::OutOfOrder { .. }), "no run");
    let opened = client.open_run(manifest("education", "census", 10_000)).unwrap();
    let not_asked = |client: &mut Client, token| {
        let why = told(client, of_token(token)).to_string();
        assert!(why.contains("the run did not ask for"), "{why}");
    };
    not_asked(&mut client, before);
    let token = client.pseudonymise(&kind("upn"), batch(&[upn(0)])).unwrap()[0];
    client.tell_facts(of_token(token)).unwrap();
    // Another run's token of the same number, a made-up one, and this run's for a number that others asked for.
    not_asked(&mut client, before);
    not_asked(&mut client, Token::from_bytes([7; Token::LEN]));
    let other = serving.ask("education", "upn", &[&upn(1)]).unwrap()[0];
    let mut bytes = *other.as_bytes();
    serving.run_key("education", &opened.run_key).cipher().to_tokens(&mut bytes);
    not_asked(&mut client, Token::from_bytes(bytes));
    let fits = Loose {
        first_day: "2024-09-01".into(),
        categories: vec!["plan".into()],
        events: vec!["birth".into(), "case-closed".into()],
        tokens: token.as_bytes().to_vec(),
        rows: vec![1, 1, 0, 2, 0, 7, 198, 6, 1, 1, 0, 0, 0, 0],
    };
    client.tell_facts(fits.facts()).unwrap();
    let with = |change: fn(&mut Loose)| {
        let mut wrong = fits.clone();
        change(&mut wrong);
        wrong
    };
    for (what, wrong) in [
        ("no own number", with(|of| of.rows[1..3].copy_from_slice(&[0, 1]))),
        ("more numbers than tokens", with(|of| of.rows[1] = 2)),
        ("more tokens than numbers", with(|of| of.tokens.extend(of.tokens.clone()))),
        ("half a token", with(|of| of.tokens.truncate(8))),
        (
            "too many numbers",
            with(|of| {
                (of.rows[1], of.tokens) = (65, of.tokens.repeat(65));
            }),
        ),
        ("a row that is cut", with(|of| of.rows.truncate(13))),
        (
            "too many dates",
            with(|of| {
                of.rows = [&[1, 1, 0, 65][..], &[0, 7, 198, 6, 1].repeat(65)].concat();
            }),
        ),
        ("a category that is none", with(|of| of.categories[0] = "Not A Name".into())),
        ("a category without a name", with(|of| of.rows[0] = 2)),
        ("an event that is none", with(|of| of.events[0] = "expected-birth".into())),
        ("an event without a name", with(|of| of.rows[4] = 2)),
        ("a day that is none", with(|of| of.rows[7] = 13)),
        ("a birth that is open", with(|of| of.rows[9] = 0)),
        ("a first day that is none", with(|of| of.first_day = "2024-13-01".into())),
    ] {
        let why = told(&mut client, wrong.facts());
        assert!(matches!(why, Denial::OutOfOrder { .. }), "{what}: {why}");
    }
    // One number cannot fill the vault with made-up dates.
    let many: Vec<_> = (1..=9)
        .map(|n| facts(&[("upn", &upn(0))], &[], &[], Some(&format!("1991-01-0{n}"))))
        .collect();
    let why = told(&mut client, packed(&many, |_| token)).to_string();
    assert!(why.contains("more facts than persons can have"), "{why}");
    // The run is over with it: a caller who does not listen fills nothing either.
    let more = told(&mut client, packed(&many[..1], |_| token)).to_string();
    assert!(more.contains("open a run first"), "{more}");
    assert!(matches!(denial(client.close_run(&[])), Denial::OutOfOrder { .. }));
    for role in [Role::Linker, Role::Analyst, Role::Custodian, Role::Auditor] {
        let mut other = serving.client(role).unwrap();
        assert!(matches!(told(&mut other, of_token(token)), Denial::RoleForbids { .. }), "{role}");
        if !matches!(role, Role::Custodian | Role::Auditor) {
            let asked = other.plan_retention(&education(), SCHEDULE, "2026-01-01");
            assert!(matches!(denial(asked), Denial::RoleForbids { .. }), "{role}");
        }
    }
    drop(client);
    // A run that is not closed tells nothing.
    assert_eq!(plan(&serving, "2016-07-01").due, Some(6));
}

pub(crate) fn held(site: &Site, serving: &Serving, number: &str) -> String {
    let mut client = serving.client(Role::Custodian).unwrap();
    let identifier = batch(&[number]);
    let text =
        proposed(&mut client, ProposedAction::Hold { kind: kind("upn"), identifier }).unwrap();
    let unseen = client.approve(site.sign("ann", &text));
    assert!(matches!(denial(unseen), Denial::Proposal { .. }), "the number is typed first");
    assert!(!client.compare_subject(&id(&text), batch(&["CANARY-UPN-777"])).unwrap());
    assert!(client.compare_subject(&id(&text), batch(&[number])).unwrap());
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    client.enact(&id(&text)).unwrap();
    id(&text)
}

#[test]
fn a_hold_on_one_number_keeps_all_of_the_person_until_it_is_lifted() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let hold = held(&site, &serving, &upn(3));
    let now = plan(&serving, "2026-01-01");
    assert_eq!((now.due, now.held.len()), (Some(5), 1));
    assert!(now.holds[0].is_known);
    assert_eq!((now.held[0].by.as_str(), now.held[0].persons), ("legal hold", None));
    assert_eq!((now.holds[0].hold.as_str(), now.holds[0].category.as_ref()), (hold.as_str(), None));
    let (of, counts) = disposed(&site, &serving, "2026-01-01");
    assert_eq!((counts.persons, counts.numbers, counts.beside), (5, 10, 5));
    let kept = ask(&serving, "la-child-id", &child(3)).unwrap();
    assert!(!list(&serving, &of).1.contains(&kept));
    assert_eq!(ask(&serving, "upn", &upn(2)), None);
    let other = carried_out(&site, &serving, ProposedAction::LiftHold { hold: "0".repeat(16) });
    assert!(matches!(denial(other), Denial::Proposal { .. }));
    carried_out(&site, &serving, ProposedAction::LiftHold { hold: hold.clone() }).unwrap();
    let again = plan(&serving, "2026-01-01");
    assert_eq!((again.due, again.held.len(), again.holds.len()), (None, 0, 0));
    let twice = carried_out(&site, &serving, ProposedAction::LiftHold { hold });
    assert!(matches!(denial(twice), Denial::Proposal { .. }), "it ends once");
    drop(serving);
    let log = fs::read_to_string(site.log()).unwrap();
    assert!(log.contains("\"event\":\"held\"") && log.contains("\"event\":\"lifted-hold\""));
    assert!(!log.contains("CANARY"));
}

#[test]
fn a_hold_on_a_number_that_nobody_has_says_so_in_each_plan() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    held(&site, &serving, "CANARY-UPN-555");
    let now = plan(&serving, "2026-01-01");
    assert_eq!((now.due, now.holds.len(), now.holds[0].is_known), (Some(6), 1, false));
    // It holds as soon as a delivery has the number.
    run(&serving, "census", &[facts(&[("upn", "CANARY-UPN-555")], &[], &[], Some("1990-06-01"))])
        .unwrap();
    let now = plan(&serving, "2026-01-01");
    assert_eq!((now.due, now.held.len(), now.holds[0].is_known), (Some(6), 1, true));
}

/// A field of an entry of the log, wherever it stands.
fn found<'a>(value: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    let object = value.as_object()?;
    object.get(name).or_else(|| object.values().find_map(|value| found(value, name)))
}

/// The text that custodians sign hides what a plan hides.
#[test]
fn a_proposal_to_dispose_tells_no_small_count() {
    let site = Site::new();
    let serving = site.serve();
    let some: Vec<_> =
        (0..3).map(|n| facts(&[("upn", &upn(n))], &[], &[], Some("1990-06-01"))).collect();
    run(&serving, "census", &some).unwrap();
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = proposed(&mut client, dispose("2026-01-01")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let persons = found(&told, "persons").unwrap();
    assert_eq!(persons, &serde_json::json!({ "other": null }), "{text}");
    assert_eq!(found(&told, "numbers").unwrap(), &serde_json::Value::Null, "{text}");
}

#[test]
fn a_hold_that_cannot_be_read_stops_every_plan() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let hold = held(&site, &serving, &upn(3));
    fs::remove_file(site.vault().join("proposals").join(hold)).unwrap();
    let mut client = serving.client(Role::Custodian).unwrap();
    let asked = client.plan_retention(&education(), SCHEDULE, "2026-01-01");
    assert!(matches!(denial(asked), Denial::Fault { .. }));
    assert!(matches!(denial(proposed(&mut client, dispose("2026-01-01"))), Denial::Fault { .. }));
}

#[test]
fn a_moratorium_holds_a_category_and_no_other() {
    let site = Site::new();
    let serving = site.serve();
    filled(&serving);
    let moratorium = |category: &str| ProposedAction::Moratorium {
        category: category.into(),
        ordered_by: "HOME-OFFICE/IICSA".into(),
        schedule: SCHEDULE.into(),
    };
    // One on a category that is none would hold nobody.
    let mistyped = proposed(&mut serving.client(Role::Custodian).unwrap(), moratorium("plans"));
    assert!(denial(mistyped).to_string().contains("has no category plans"));
    carried_out(&site, &serving, moratorium("plan")).unwrap();
    assert_eq!(plan(&serving, "2026-01-01").due, Some(6));
    carried_out(&site, &serving, moratorium("other")).unwrap();
    let now = plan(&serving, "2026-01-01");
    assert_eq!(
        (now.due, now.held[0].by.as_str(), now.held[0].persons),
        (Some(0), "other", Some(6))
    );
    assert_eq!(now.holds.len(), 2);
    assert!(now.holds.iter().all(|hold| hold.is_known));
    // Under another schedule the first holds nobody, and the plan says so.
    let renamed = SCHEDULE.replace("\"plan\"", "\"protection-plan\"");
    let mut client = serving.client(Role::Custodian).unwrap();
    let other = client.plan_retention(&education(), &renamed, "2026-01-01").unwrap();
    assert_eq!(other.holds.iter().map(|hold| hold.is_known).collect::<Vec<_>>(), [false, true]);
    assert_eq!(now.holds[0].ordered_by.as_deref(), Some("HOME-OFFICE/IICSA"));
    let nothing = proposed(&mut serving.client(Role::Custodian).unwrap(), dispose("2026-01-01"));
    assert!(denial(nothing).to_string().contains("nothing is due"));
}
