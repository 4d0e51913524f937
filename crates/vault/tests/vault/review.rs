//! Reviewers: two custodians approve them, and the vault takes their own signatures alone.

use std::fs;

use minster_model::Role;
use minster_vault::approvals::{KeyForm, Proposal, SigningKey};
use minster_vault_api::{Denial, Proposed, ProposedAction, SignedDecisions};

use crate::common::{Serving, Site, denial};

const PURPOSE: &str = "education";

fn proposed(site: &Site, names: &[&str]) -> Proposed {
    let reviewers = names.iter().map(|name| site.custodian(name));
    Proposed {
        action: ProposedAction::Reviewers {
            purpose: PURPOSE.parse().unwrap(),
            reviewers: reviewers.map(|one| (one.name, one.key)).collect(),
        },
        reference: "REVIEW/1".into(),
        reason: "clerical review".into(),
        expires: minster_tests::soon(),
    }
}

fn approve(site: &Site, serving: &Serving, names: &[&str]) {
    let mut client = serving.client(Role::Custodian).unwrap();
    let text = client.propose(proposed(site, names)).unwrap();
    for name in ["ann", "ben"] {
        let refused = denial(client.enact(&Proposal::id(&text)));
        assert!(refused.to_string().contains("of 2 custodians"), "{refused}");
        client.approve(site.sign(name, &text)).unwrap();
    }
    client.enact(&Proposal::id(&text)).unwrap();
}

fn signed(site: &Site, reviewer: &str, key: &str, purpose: &str) -> SignedDecisions {
    let file = b"pair,decision\na1,same\n";
    let purpose = purpose.parse().unwrap();
    let signature = SigningKey::read(&site.path(key), &KeyForm::Clear)
        .unwrap()
        .sign_review(&purpose, reviewer, file);
    let sha256 = minster_vault::approvals::sha256(std::str::from_utf8(file).unwrap());
    SignedDecisions { purpose, reviewer: reviewer.into(), sha256, signature, decisions: 1 }
}

fn why<T>(outcome: Result<T, minster_vault_api::VaultError>) -> String {
    let denial = denial(outcome);
    assert!(matches!(denial, Denial::Review { .. }), "{denial}");
    denial.to_string()
}

#[test]
fn a_reviewer_s_own_signature_is_taken_and_no_other() {
    let site = Site::new();
    let serving = site.serve();
    let linker = || serving.client(Role::Linker).unwrap();
    let purpose = PURPOSE.parse().unwrap();
    assert!(why(linker().give_review(&purpose, "cat", 3)).contains("approved no reviewer"));
    approve(&site, &serving, &["cat"]);
    linker().give_review(&purpose, "cat", 3).unwrap();
    let good = signed(&site, "cat", "cat", PURPOSE);
    let not_theirs = |decisions| {
        assert!(why(linker().take_review(decisions)).contains("not this reviewer's"));
    };
    not_theirs(signed(&site, "cat", "ben", PURPOSE));
    not_theirs(SignedDecisions { sha256: "0".repeat(64), ..good.clone() });
    not_theirs(SignedDecisions { purpose, ..signed(&site, "cat", "cat", "health") });
    let mut flipped = good.clone();
    flipped.signature[5] ^= 1;
    not_theirs(flipped);
    assert!(
        why(linker().take_review(signed(&site, "ben", "ben", PURPOSE))).contains("approved no")
    );
    linker().take_review(good.clone()).unwrap();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Linker) {
        let mut client = serving.client(role).unwrap();
        let refused = denial(client.take_review(good.clone()));
        assert!(matches!(refused, Denial::RoleForbids { .. }), "{refused}");
    }
    // A reviewer whose approval has ended is believed no more, also after a restart.
    approve(&site, &serving, &["ben"]);
    drop(serving);
    let serving = site.serve();
    let linker = || serving.client(Role::Linker).unwrap();
    assert!(why(linker().take_review(good)).contains("approved no reviewer"));
    linker().take_review(signed(&site, "ben", "ben", PURPOSE)).unwrap();
    drop(serving);
    minster_vault::log::verify(&site.log(), None).unwrap();
    let log = fs::read_to_string(site.log()).unwrap();
    assert_eq!(log.matches(r#""event":"took-review""#).count(), 2);
    assert_eq!(log.matches(r#""event":"changed-reviewers""#).count(), 2);
    // Without any secret it shows that a signature in the log is not the reviewer's.
    let last = log.rfind(r#""event":"took-review""#).unwrap();
    let (cut, _) = log[last..].split_once('\n').unwrap();
    let entry = format!("{}{cut}", &log[..last]);
    let (copy, place) = (site.path("copy"), entry.rfind(r#""signature":""#).unwrap() + 13);
    let digit = if &entry[place..=place] == "0" { "1" } else { "0" };
    for (text, good) in [
        (format!("{entry}\n"), true),
        (format!("{}{digit}{}\n", &entry[..place], &entry[place + 1..]), false),
    ] {
        fs::write(&copy, text).unwrap();
        let verified = minster_vault::log::verify(&copy, None).map_err(|fault| fault.to_string());
        match good {
            true => drop(verified.unwrap()),
            false => assert!(verified.unwrap_err().contains("reviewer's signature is wrong")),
        }
    }
}

#[test]
fn reviewers_have_names_and_keys_of_their_own() {
    let site = Site::new();
    let serving = site.serve();
    let mut client = serving.client(Role::Custodian).unwrap();
    let refused = denial(client.propose(proposed(&site, &["cat", "cat"])));
    assert!(refused.to_string().contains("a key of their own"), "{refused}");
    let mut engineer = serving.client(Role::Ingest).unwrap();
    let refused = denial(engineer.propose(proposed(&site, &["cat"])));
    assert!(matches!(refused, Denial::RoleForbids { .. }), "{refused}");
}
