//! Two custodians accept what keeps a vault from starting; one does not, and nobody accepts what is not lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_model::Role;
use minster_vault::{
    VaultFault,
    approvals::{KeyForm, SigningKey},
    disk::Disk,
    log::verify,
    restoring::{self, SignedRestoration, Wish},
};

use crate::common::{Site, copy};

fn wish(loss_after: Option<u64>) -> Wish {
    Wish {
        loss_after,
        clock: false,
        reference: "INC/9".into(),
        reason: "the auditor's disk is lost".into(),
        expires: minster_tests::soon(),
    }
}

fn propose(site: &Site, checkpoints: &Path, loss_after: Option<u64>) -> Result<String, VaultFault> {
    let (dir, secret) = (site.vault(), site.secret());
    restoring::propose(&dir, &secret, Some(checkpoints), wish(loss_after), Disk::new())
}

#[test]
fn an_acceptance_holds_for_a_while_and_no_longer() {
    let (site, checkpoints) = lived();
    fs::remove_dir_all(&checkpoints).unwrap();
    let day = |days: i64| {
        let today = minster_vault::purposes::today();
        today.saturating_add(jiff::Span::new().days(days)).to_string()
    };
    let propose = |expires: String, reason: &str| {
        let wish = Wish { expires, reason: reason.into(), ..wish(Some(0)) };
        let (dir, secret) = (site.vault(), site.secret());
        restoring::propose(&dir, &secret, Some(&checkpoints), wish, Disk::new())
    };
    for (expires, reason, why) in [
        (day(93), "lost", "more than 92 days ahead"),
        (day(-1), "lost", "is over"),
        (day(1), "lo\u{202e}st", "a reason of one line"),
    ] {
        let refused = propose(expires, reason).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    propose(day(92), "lost").unwrap();
}

fn signed(site: &Site, by: &[&str], text: &str) -> Vec<SignedRestoration> {
    let sign = |name: &&str| {
        SigningKey::read(&site.path(name), &KeyForm::Clear)
            .unwrap()
            .sign_restoration(name, text)
            .unwrap()
    };
    by.iter().map(sign).collect()
}

fn restore(
    site: &Site,
    checkpoints: &Path,
    text: &str,
    signed: &[SignedRestoration],
) -> Result<(), VaultFault> {
    let (dir, secret) = (site.vault(), site.secret());
    restoring::restore(&dir, &secret, Some(checkpoints), text, signed, Disk::new())
}

/// A vault that served three times, and copies of its folders after the first.
fn lived() -> (Site, PathBuf) {
    let site = Site::new();
    let checkpoints = site.path("auditor");
    for round in 0..3 {
        let serving = site.serve_on(Disk::new(), Some(&checkpoints)).unwrap();
        serving.ask("education", "upn", &[&format!("n{round}")]).unwrap();
        drop(serving);
        if round == 0 {
            copy(&site.vault(), &site.path("older"));
        }
    }
    (site, checkpoints)
}

/// Gives how many restorations its status tells of.
fn serves(site: &Site, checkpoints: &Path) -> Result<u64, VaultFault> {
    let serving = site.serve_on(Disk::new(), Some(checkpoints))?;
    Ok(serving.client(Role::Auditor).unwrap().status().unwrap().restorations)
}

#[test]
fn two_custodians_accept_that_the_folder_of_checkpoints_is_lost() {
    let (site, checkpoints) = lived();
    assert!(propose(&site, &checkpoints, Some(0)).is_err(), "nothing is lost");
    fs::remove_dir_all(&checkpoints).unwrap();
    fs::create_dir(&checkpoints).unwrap();
    assert!(matches!(serves(&site, &checkpoints), Err(VaultFault::CheckpointsLost { .. })));
    let Err(VaultFault::Usage(why)) = propose(&site, &checkpoints, Some(7)) else { panic!() };
    assert!(why.contains("covers entry 0"), "{why}");
    let text = propose(&site, &checkpoints, Some(0)).unwrap();

    let by = |names: &[&str]| signed(&site, names, &text);
    let mut renamed = by(&["ann", "cat"]);
    renamed[1].custodian = "ben".into();
    let other = propose(&site, &checkpoints, Some(0)).unwrap();
    let length = fs::metadata(site.log()).unwrap().len();
    for (few, what) in [
        (by(&[]), "nobody"),
        (by(&["ann"]), "one"),
        (by(&["ann", "ann"]), "one, twice"),
        (by(&["ann", "cat"]), "a stranger"),
        (renamed, "a stranger in another's name"),
        (signed(&site, &["ann", "ben"], &other), "another text"),
    ] {
        let outcome = restore(&site, &checkpoints, &text, &few);
        assert!(matches!(outcome, Err(VaultFault::Usage(_))), "{what}");
    }
    assert_eq!(fs::metadata(site.log()).unwrap().len(), length, "nothing was logged");
    assert!(serves(&site, &checkpoints).is_err());

    restore(&site, &checkpoints, &text, &by(&["ann", "ben"])).unwrap();
    assert_eq!(serves(&site, &checkpoints).unwrap(), 1, "its status says so");
    let verified = verify(&site.log(), Some(&checkpoints)).unwrap();
    assert_eq!((verified.restorations, verified.lost, verified.approvals), (1, 0, 2));
    assert!(restore(&site, &checkpoints, &text, &by(&["ann", "ben"])).is_err(), "once");
    // It was accepted once, for what was lost then.
    fs::remove_dir_all(&checkpoints).unwrap();
    assert!(serves(&site, &checkpoints).is_err());
}

#[test]
fn two_custodians_accept_that_the_end_of_the_log_is_lost() {
    let (site, checkpoints) = lived();
    fs::remove_dir_all(site.vault()).unwrap();
    copy(&site.path("older"), &site.vault());
    assert!(matches!(serves(&site, &checkpoints), Err(VaultFault::Checkpoint { .. })));
    let held = || fs::read_dir(&checkpoints).unwrap().count();
    let before = held();
    let Err(VaultFault::Usage(why)) = propose(&site, &checkpoints, Some(0)) else { panic!() };
    let covered = why.split("covers entry ").nth(1).unwrap().split(':').next().unwrap();
    let covered: u64 = covered.parse().unwrap();
    let text = propose(&site, &checkpoints, Some(covered)).unwrap();
    restore(&site, &checkpoints, &text, &signed(&site, &["ann", "ben"], &text)).unwrap();
    for round in 1..4 {
        // The first finds entries that no checkpoint covers, and so writes one more.
        serves(&site, &checkpoints).unwrap();
        assert_eq!(held(), before + 1 + round, "those that are lost stay as evidence");
    }
    let verified = verify(&site.log(), Some(&checkpoints)).unwrap();
    assert_eq!((verified.restorations, verified.lost), (1, 2));
    assert_eq!(verified.covered, verified.entries);
    // A cut from now on shows as it did before.
    let text = fs::read_to_string(site.log()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(site.log(), lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    assert!(matches!(verify(&site.log(), Some(&checkpoints)), Err(VaultFault::Checkpoint { .. })));
}

/// Killed at any write, it is accepted, or can be made anew.
#[test]
fn a_restoration_that_was_cut_short_is_made_anew() {
    let steps = crate::crash::at_every_write(|disk| {
        let (site, checkpoints) = lived();
        fs::remove_dir_all(&checkpoints).unwrap();
        let text = propose(&site, &checkpoints, Some(0)).unwrap();
        let by = signed(&site, &["ann", "ben"], &text);
        let (dir, secret) = (site.vault(), site.secret());
        let folder = Some(checkpoints.as_path());
        let done = restoring::restore(&dir, &secret, folder, &text, &by, disk).is_ok();
        if serves(&site, &checkpoints).is_err() {
            assert!(!done);
            let text = propose(&site, &checkpoints, Some(0)).unwrap();
            let by = signed(&site, &["ann", "ben"], &text);
            restore(&site, &checkpoints, &text, &by).unwrap();
            serves(&site, &checkpoints).unwrap();
        }
        let verified = verify(&site.log(), Some(&checkpoints)).unwrap();
        assert_eq!(verified.restorations, 1);
        done
    });
    assert!(steps > 6, "{steps}");
}
