//! Restrictions: the child is kept, and counted by nothing until the restriction is lifted.

use std::fs;

use minster_model::{DatasetClass, DatasetRef, KeyVersion, Role};
use minster_vault_api::{
    CarriedOut, CaseDecision, Client, Denial, ProposedAction, Publication, Publishing,
    RecordedManifest, Right, VaultError,
};

use crate::{
    cases::{decided, decision, opened, status, today},
    common::{Serving, Site, carried_out, dataset, denial, retired, rotated},
    retention::{ask, dispose, education, filled, plan, proposed, upn},
};

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
