//! Whatever a purpose does not name is refused with the sentence of the notice that it would break, and a new purpose needs a newer
//! notice first.

use minster_model::{Audience, DatasetClass, DatasetRef, Role};
use minster_vault::{custody::Wanted, disk::Disk, folder};
use minster_vault_api::{
    Client, Denial, Proposed, ProposedAction, Publication, Publishing, PurposeDefinition,
    ReadColumns, RunManifest,
};

use crate::common::{PURPOSES, Serving, Site, denial, manifest};

const SENTENCE: &str = "version 1 of the privacy notice (2026-09-01): \"We count children.\"";

/// The first purpose's columns and audiences, narrower.
fn narrow() -> String {
    let columns = "columns = { census = { pupils = [\"upn\", \"sex\"] }, cin = \"all\" }\n";
    PURPOSES
        .replacen("audiences = [\"council-teams\", \"partners\", \"public\"]\n", columns, 1)
        .replacen(columns, &format!("audiences = [\"council-teams\"]\n{columns}"), 1)
}

fn read(table: &str, columns: &[&str]) -> ReadColumns {
    let columns = columns.iter().map(|column| column.parse().unwrap()).collect();
    ReadColumns { table: table.parse().unwrap(), columns }
}

#[test]
fn a_definition_that_reads_more_than_its_purpose_allows_gets_no_run() {
    let site = Site::with(&narrow());
    let serving = site.serve();
    let mut client = serving.client(Role::Ingest).unwrap();
    let mut open = |source: &str, reads: Vec<ReadColumns>| {
        let opened = client.open_run(RunManifest { reads, ..manifest("education", source, 10) });
        if opened.is_ok() {
            client.leave_run().unwrap();
        }
        opened
    };
    assert!(open("census", vec![read("pupils", &["upn", "sex"])]).is_ok());
    assert!(open("cin", vec![read("needs", &["whatever"])]).is_ok());
    let denied = denial(open("census", vec![read("pupils", &["upn", "ethnicity", "sen"])]));
    assert!(matches!(denied, Denial::OutsidePurpose { .. }), "{denied}");
    let told = denied.to_string();
    for part in ["education", "the column ethnicity of the table pupils of census, and 1 more"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(told.ends_with(SENTENCE), "{told}");
    let denied = denial(open("census", vec![read("fsm", &["start"])])).to_string();
    assert!(denied.contains("the table fsm of census"), "{denied}");
    // A run that does not say what it reads passes no list.
    let denied = denial(open("census", Vec::new())).to_string();
    assert!(denied.contains("census without a word on the columns"), "{denied}");
    // The other purpose names no columns: it has all of its sources'.
    let all = RunManifest { reads: vec![read("fsm", &["x"])], ..manifest("health", "census", 1) };
    assert!(client.open_run(all).is_ok());
}

#[test]
fn a_source_and_a_role_outside_a_purpose_are_refused_with_its_sentence() {
    let site = Site::new();
    let serving = site.serve();
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let source = denial(ingest.open_run(manifest("health", "cin", 1)));
    assert!(matches!(source, Denial::SourceNotAllowed { .. }), "{source}");
    assert!(source.to_string().ends_with(SENTENCE), "{source}");
    // Nor does ingestion get a key for rows of such a source, nor for what links them.
    for class in [DatasetClass::Source, DatasetClass::Linkage] {
        let dataset = DatasetRef {
            class,
            name: "cin".parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            purpose: "health".parse().unwrap(),
        };
        let key = denial(ingest.create_key(&dataset).map(drop));
        assert!(matches!(key, Denial::SourceNotAllowed { .. }), "{key}");
        let entries = std::fs::read_to_string(site.log()).unwrap();
        assert!(!entries.contains("\"name\":\"cin\""), "no key was made");
    }
    let role = denial(serving.client(Role::Analyst).unwrap().publish(&out("health", None)));
    let why = role.to_string();
    assert!(why.contains("use programs of one release"), "an audience is asked for: {why}");
    let audience = Some(Audience::Public);
    let role = denial(serving.client(Role::Analyst).unwrap().publish(&out("health", audience)));
    assert!(matches!(role, Denial::PurposeForbids { role: Role::Analyst, .. }), "{role}");
    assert!(role.to_string().ends_with(SENTENCE), "{role}");
}

fn out(purpose: &str, audience: Option<Audience>) -> Publication {
    Publication {
        purpose: purpose.parse().unwrap(),
        release: "children".parse().unwrap(),
        period: "2024-25".parse().unwrap(),
        sha256: "a".repeat(64),
        what: Publishing::LetOut,
        rules: None,
        entry: Some("e".repeat(64)),
        audience,
    }
}

#[test]
fn a_release_for_readers_whom_the_purpose_does_not_name_is_let_out_by_nobody() {
    let site = Site::with(&narrow());
    let serving = site.serve();
    let mut analyst = serving.client(Role::Analyst).unwrap();
    for audience in [Audience::Public, Audience::Partners] {
        let denied = denial(analyst.publish(&out("education", Some(audience))));
        assert!(matches!(denied, Denial::AudienceNotAllowed { .. }), "{denied}");
        let told = denied.to_string();
        assert!(told.contains(&format!("the audience {audience}")), "{told}");
        assert!(told.ends_with(SENTENCE), "{told}");
    }
    assert_eq!(analyst.publish(&out("education", Some(Audience::CouncilTeams))).unwrap(), 0);
    // A withdrawal goes to nobody, and is never refused for its readers.
    let back = Publication { what: Publishing::Withdrawn, ..out("education", None) };
    assert_eq!(analyst.publish(&back).unwrap(), 0);
}

#[test]
fn whoever_holds_a_role_is_told_the_purposes_as_they_are_defined() {
    let site = Site::with(&narrow());
    let serving = site.serve();
    for role in Role::ALL {
        let told = serving.client(role).unwrap().purposes().unwrap();
        let names: Vec<&str> = told.iter().map(|of: &PurposeDefinition| of.name.as_str()).collect();
        assert_eq!(names, ["education", "health"]);
        assert_eq!(told[0].notice.as_ref().unwrap().version, 1);
        assert_eq!(told[0].audiences.as_deref(), Some(&[Audience::CouncilTeams][..]));
        assert!(told[0].columns.is_some() && told[1].columns.is_none());
    }
}

fn proposed(action: ProposedAction) -> Proposed {
    Proposed {
        action,
        reference: "NOTICE/1".into(),
        reason: "a new aim".into(),
        expires: minster_tests::soon(),
    }
}

/// One purpose's text with another name and notice.
fn purpose(name: &str, version: u32, sentence: &str) -> ProposedAction {
    let (_, health) = PURPOSES.rsplit_once("[[purpose]]").unwrap();
    let text = format!("[[purpose]]{health}")
        .replace("\"health\"", &format!("\"{name}\""))
        .replace("version = 1", &format!("version = {version}"))
        .replace("We count children.", sentence);
    ProposedAction::Purpose(text)
}

fn named(site: &Site, serving: &Serving, action: ProposedAction) -> Result<(), String> {
    let mut client: Client = serving.client(Role::Custodian).unwrap();
    let text = client.propose(proposed(action)).map_err(|why| why.to_string())?;
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &text)).unwrap();
    }
    let id = minster_vault::approvals::Proposal::id(&text);
    client.enact(&id).map(drop).map_err(|why| why.to_string())
}

#[test]
fn a_new_purpose_needs_a_newer_notice_and_is_told_which() {
    let site = Site::new();
    let serving = site.serve();
    let we_count = "We count children.";
    let why = named(&site, &serving, purpose("research", 1, we_count)).unwrap_err();
    assert!(why.contains("research is new"), "{why}");
    assert!(why.contains("its version is 2 or later"), "{why}");
    named(&site, &serving, purpose("research", 2, we_count)).unwrap();
    let why = named(&site, &serving, purpose("audit", 2, we_count)).unwrap_err();
    assert!(why.contains("its version is 3 or later"), "{why}");
    // One that stands may be named anew under the sentence that it has, and under another by a newer notice alone.
    named(&site, &serving, purpose("health", 1, we_count)).unwrap();
    let why = named(&site, &serving, purpose("health", 1, "We count more.")).unwrap_err();
    assert!(why.contains("another sentence") && why.contains("2 or later"), "{why}");
    // Version 2 names a new purpose, and may say something else of one that stands.
    named(&site, &serving, purpose("health", 2, "We count more.")).unwrap();
    let why = named(&site, &serving, purpose("health", 1, "We count more.")).unwrap_err();
    assert!(why.contains("1 is older"), "{why}");
}

/// The purpose `health`, of some version of the notice, with one part replaced.
fn changed(version: u32, part: &str, by: &str) -> ProposedAction {
    let ProposedAction::Purpose(text) = purpose("health", version, "We count children.") else {
        unreachable!("a purpose is a purpose")
    };
    assert!(text.contains(part), "{text}");
    ProposedAction::Purpose(text.replace(part, by))
}

#[test]
fn a_purpose_that_may_use_more_needs_a_newer_notice() {
    let (wide, some) =
        ("sources = [\"census\"]\n", "columns = { census = { pupils = [\"upn\"] } }\n");
    let site = Site::with(&PURPOSES.replacen(wide, &format!("{wide}{some}"), 1));
    let serving = site.serve();
    let with = |columns: &str| changed(1, wide, &format!("{wide}{columns}"));
    for (action, what) in [
        (
            with("columns = { census = { pupils = [\"upn\", \"sex\"] } }\n"),
            "the column sex of the table pupils of census",
        ),
        (
            with("columns = { census = { pupils = \"all\" } }\n"),
            "all columns of the table pupils of census",
        ),
        (with(""), "all columns of its sources"),
        (changed(1, wide, "sources = [\"census\", \"cin\"]\n"), "the source cin"),
        (with(&format!("{some}households = true\n")), "addresses, by which children are counted"),
        (with(&format!("{some}linkage = {{ run = 1, day = 1 }}\n")), "for scored matching"),
        (with(&format!("{some}repairs = {{ run = 1, day = 1 }}\n")), "repairs of mistyped numbers"),
        (changed(1, "Statistics on health", "Scores of children"), "another aim"),
        (changed(1, "Article 9(2)(j)", "Article 9(2)(g)"), "another legal basis"),
    ] {
        let why = named(&site, &serving, action).unwrap_err();
        assert!(why.contains(what) && why.contains("2 or later"), "{what}: {why}");
    }
    let kinds = "\"linkage:name\"";
    let wider = format!("{kinds}, \"linkage:postcode\"");
    let ProposedAction::Purpose(text) = with(some) else { unreachable!("it is a purpose") };
    let action = ProposedAction::Purpose(text.replace(kinds, &wider));
    let why = named(&site, &serving, action).unwrap_err();
    assert!(why.contains("of the kind linkage:postcode"), "{why}");
    // With fewer readers it is named anew, and a reader whom it lost needs a newer notice.
    let readers = "audiences = [\"council-teams\", \"partners\", \"public\"]\n";
    let fewer = format!("audiences = [\"partners\"]\n{some}");
    named(&site, &serving, changed(1, readers, &fewer)).unwrap();
    let why = named(&site, &serving, with(some)).unwrap_err();
    assert!(why.contains("releases for council-teams") && why.contains("2 or later"), "{why}");
    named(&site, &serving, changed(2, wide, &format!("{wide}{some}"))).unwrap();
}

#[test]
fn a_version_has_one_day_that_is_not_to_come_and_a_number_of_eight_digits_at_most() {
    let site = Site::new();
    let serving = site.serve();
    let mistyped = changed(1, "2026-09-01", "2026-09-02");
    let why = named(&site, &serving, mistyped).unwrap_err();
    assert!(why.contains("version 1 of the privacy notice as that of 2026-09-01"), "{why}");
    let why = named(&site, &serving, changed(2, "2026-09-01", "2099-09-01")).unwrap_err();
    assert!(why.contains("that day is to come"), "{why}");
    let why = named(&site, &serving, purpose("research", 100_000_000, "We count.")).unwrap_err();
    assert!(why.contains("a version from 1 to 99999999"), "{why}");
    // A council that numbers by the day goes on as it did.
    named(&site, &serving, purpose("research", 20_260_901, "We count.")).unwrap();
    named(&site, &serving, purpose("health", 20_270_901, "We count more.")).unwrap();
    // In one file too.
    let apart = PURPOSES.replacen("2026-09-01", "2026-09-02", 1);
    let why = minster_vault::purposes::parse_all(&apart, "p".as_ref()).unwrap_err().to_string();
    assert!(why.contains("has two days there"), "{why}");
}

#[test]
fn a_purpose_of_before_notices_becomes_wider_by_a_newer_notice_alone() {
    let site = Site::empty();
    let mut all = minster_vault::purposes::parse_all(PURPOSES, "p".as_ref()).unwrap();
    all[1].notice = None;
    let custodians = ["ann", "ben"].map(|name| site.custodian(name)).to_vec();
    let custody = Wanted::KeyFile(site.path("key"));
    let plan = folder::Plan { custody: &custody, purposes: all, custodians };
    folder::init(&site.vault(), &plan, &Disk::new()).unwrap();
    let serving = site.serve();
    let wide = "sources = [\"census\", \"cin\"]\n";
    let why = named(&site, &serving, changed(1, "sources = [\"census\"]\n", wide)).unwrap_err();
    assert!(why.contains("the source cin") && why.contains("2 or later"), "{why}");
    named(&site, &serving, purpose("health", 1, "We count children.")).unwrap();
}

#[test]
fn two_proposals_of_one_notice_name_one_new_purpose() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let texts = ["research", "audit"].map(|name| {
        let text = client.propose(proposed(purpose(name, 2, "We count."))).unwrap();
        for name in ["ann", "ben"] {
            client.approve(site.sign(name, &text)).unwrap();
        }
        minster_vault::approvals::Proposal::id(&text)
    });
    client.enact(&texts[0]).unwrap();
    let why = denial(client.enact(&texts[1])).to_string();
    assert!(why.contains("audit is new") && why.contains("3 or later"), "{why}");
}

/// A vault of before purposes named a notice: it opens, answers, and its purpose stays as wide as it was.
#[test]
fn a_purpose_of_before_notices_answers_as_it_did() {
    let site = Site::empty();
    let now = minster_vault::purposes::parse_all(PURPOSES, "p".as_ref()).unwrap().remove(0);
    let before = PurposeDefinition {
        name: "before".parse().unwrap(),
        notice: None,
        audiences: None,
        columns: None,
        ..now
    };
    let written = serde_json::to_string(&before).unwrap();
    assert!(!written.contains("notice") && !written.contains("audiences"), "{written}");
    let custody = Wanted::KeyFile(site.path("key"));
    let plan = folder::Plan { custody: &custody, purposes: vec![before], custodians: Vec::new() };
    folder::init(&site.vault(), &plan, &Disk::new()).unwrap();
    let serving = site.serve();
    let mut ingest = serving.client(Role::Ingest).unwrap();
    let reads = vec![read("fsm", &["x"])];
    assert!(ingest.open_run(RunManifest { reads, ..manifest("before", "cin", 1) }).is_ok());
    let mut analyst = serving.client(Role::Analyst).unwrap();
    assert_eq!(analyst.publish(&out("before", Some(Audience::Public))).unwrap(), 0);
    let denied = denial(ingest.open_run(manifest("before", "police", 1)));
    assert!(!denied.to_string().contains("privacy notice"), "{denied}");
}
