//! A purpose whose end began is answered nothing more.

use minster_model::{DatasetClass, KeyVersion, Role};
use minster_vault::{disk::Disk, session::Session};
use minster_vault_api::{
    Denial, PROTOCOL, Proposed, ProposedAction, Publishing, RecordedManifest, Request, Response,
    RunManifest,
};

use crate::{
    common::{Site, batch, carried_out, dataset, denial, kind, manifest},
    ending::{end, lived, named_anew, publication},
    retention::{SCHEDULE, education, id, proposed, upn},
};

#[test]
fn nothing_is_answered_for_a_purpose_whose_end_began() {
    let site = Site::new();
    let serving = site.serve();
    lived(&site, &serving);
    let mut running = serving.client(Role::Ingest).unwrap();
    running.open_run(manifest("education", "census", 100)).unwrap();
    running.pseudonymise(&kind("upn"), batch(&[upn(10)])).unwrap();
    let mut linker = serving.client(Role::Linker).unwrap();
    let source = dataset(DatasetClass::Source);
    let (_, wrapped) = linker.create_key(&source).unwrap();
    let recorded = RecordedManifest { dataset: source.clone(), sha256: "d".repeat(64) };
    let mut client = serving.client(Role::Custodian).unwrap();
    let reidentify = ProposedAction::Reidentify {
        purpose: education(),
        pseudonyms: vec!["0".repeat(32).parse().unwrap()],
    };
    let approved = proposed(&mut client, reidentify).unwrap();
    for name in ["ann", "ben"] {
        client.approve(site.sign(name, &approved)).unwrap();
    }
    carried_out(&site, &serving, end(true, false)).unwrap();
    // A run that was open, and a proposal that was approved, are no way round it.
    let asked = denial(running.pseudonymise(&kind("upn"), batch(&[upn(11)])));
    assert!(matches!(asked, Denial::PurposeEnded { .. }), "{asked}");
    assert!(client.reidentify(&id(&approved)).is_err());
    drop((running, linker, client, serving));
    let vault = site.open(Disk::new()).unwrap();
    let purpose = education;
    let requests = |role: Role| -> Vec<Request> {
        let propose = |action: ProposedAction| {
            Request::Propose(Proposed {
                action,
                reference: "C/1".into(),
                reason: "r".into(),
                expires: minster_tests::soon(),
            })
        };
        match role {
            Role::Ingest => vec![
                Request::OpenRun(RunManifest { ..manifest("education", "census", 10) }),
                Request::CreateKey(source.clone()),
                Request::RecordManifest { manifest: recorded.clone(), carried_from: None },
                Request::TakeOver { purpose: purpose(), manifests: vec![] },
            ],
            Role::Linker => vec![
                Request::CreateKey(source.clone()),
                Request::UnwrapKey(source.clone(), wrapped.clone(), None, "d".repeat(64)),
                Request::ScanKey(source.clone(), wrapped.clone(), None, "d".repeat(64)),
                Request::Crosswalk { purpose: purpose(), from: KeyVersion(1), page: 0 },
                Request::ExactOnly { purpose: purpose() },
                Request::Restricted { purpose: purpose() },
                Request::Manifests { purpose: purpose(), page: 0 },
                Request::GiveReview { purpose: purpose(), reviewer: "rae".into(), pairs: 1 },
                Request::RecordDisposed {
                    manifest: recorded.clone(),
                    carried_from: "d".repeat(64),
                    list: "0".repeat(16),
                },
            ],
            Role::Analyst => vec![
                Request::Publish(publication("3", Publishing::LetOut)),
                Request::Releases { purpose: purpose(), page: 0 },
            ],
            Role::Custodian => vec![
                propose(ProposedAction::Reidentify {
                    purpose: purpose(),
                    pseudonyms: vec!["1".repeat(32).parse().unwrap()],
                }),
                propose(ProposedAction::Rotate { purpose: purpose() }),
                propose(ProposedAction::Retire {
                    purpose: purpose(),
                    version: KeyVersion(1),
                    give_up: vec![],
                }),
                propose(ProposedAction::Load {
                    purpose: purpose(),
                    source: "census".parse().unwrap(),
                    ceiling: 1,
                }),
                propose(ProposedAction::Reviewers { purpose: purpose(), reviewers: vec![] }),
                propose(ProposedAction::Purpose(named_anew())),
                Request::PlanRetention {
                    purpose: purpose(),
                    schedule: SCHEDULE.into(),
                    until: "2030-01-01".into(),
                },
            ],
            Role::Auditor => {
                let report = dataset(DatasetClass::Report);
                vec![Request::UnwrapKey(report, wrapped.clone(), None, "d".repeat(64))]
            }
        }
    };
    let mut asked = 0;
    for role in Role::ALL {
        let mut session = Session::new(&vault, rustix::process::getuid().as_raw());
        session.answer(Request::Hello { protocol: PROTOCOL, role, program: "test".into() });
        for (place, request) in requests(role).into_iter().enumerate() {
            let Response::Denied(denied) = session.answer(request) else {
                panic!("{role} {place}")
            };
            let told = denied.to_string();
            assert!(
                told.contains("two custodians ended the purpose education"),
                "{role} {place}: {told}"
            );
            asked += 1;
        }
    }
    assert_eq!(asked, 23);
    // A child's pseudonyms are those of the purposes that stand.
    drop(vault);
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let subject = ProposedAction::Subject { kind: kind("upn"), identifier: batch(&[upn(10)]) };
    let text = proposed(&mut client, subject).unwrap();
    for name in ["ann", "ben"] {
        assert!(client.compare_subject(&id(&text), batch(&[upn(10)])).unwrap());
        client.approve(site.sign(name, &text)).unwrap();
    }
    let found = client.find_subject(&id(&text), &kind("upn"), batch(&[upn(10)])).unwrap();
    assert!(!found.is_empty() && found.iter().all(|of| of.purpose.as_str() == "health"));
}
