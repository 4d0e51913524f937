//! Keys against data: the vault says under its signature which keys there are; every dataset was made with
//! one of them, for a purpose that is named and not over.

use std::{fs, path::Path};

use minster_model::{KeyVersion, Purpose};
use minster_store::{StoreError, StoredDataset};
use minster_vault_api::{Client, Statement, VaultError, note::Verifier};

use super::decode::Decoded;
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

pub(super) type Vault = Result<Client, VaultError>;

/// The statement's signature, the manifests' check values, the purposes.
pub(super) fn checks(
    site: &Site,
    vault: &mut Vault,
    standing: &Result<Vec<StoredDataset>, StoreError>,
) -> Vec<Check> {
    let by_hand = format!(
        "minster-vault statement --socket {socket} > statement.note; minster-vault status --socket {socket}",
        socket = quoted(site.socket())
    );
    let title = "The vault's statement of its keys carries the vault's signature";
    let mut signed = Check::begin("keys.statement", title, &by_hand);
    let statement = stated(site, vault, &mut signed);
    let store = quoted(&site.pipeline.store);
    let by_hand = format!(
        "{by_hand}; grep -r '\"key_check\"' --include manifest.json {store}/datasets: each value stands in the statement"
    );
    let title = "Every dataset was made with a key that the vault states and has not retired";
    let mut manifests = Check::begin("keys.manifests", title, &by_hand);
    let title = "Every purpose that data is held for is named in the vault and not over";
    let by_hand = by_hand.replace("key_check", "purpose");
    let mut purposes = Check::begin("keys.purposes", title, by_hand);
    match (&statement, standing) {
        (None, _) => {
            let why = "there is no statement whose signature is right, see keys.statement";
            manifests.missing(why);
            purposes.missing(why);
        }
        (_, Err(error)) => {
            manifests.unread_store(error);
            purposes.unread_store(error);
        }
        (Some(statement), Ok(standing)) => {
            compare(statement, standing, &mut manifests);
            let of_data = standing.iter().filter_map(|one| one.manifest.as_ref().ok());
            let mut named: Vec<&Purpose> = of_data.map(|of| &of.dataset.purpose).collect();
            named.push(&site.pipeline.purpose);
            named.sort();
            named.dedup();
            let today: String = jiff::Timestamp::now().to_string().chars().take(10).collect();
            named.iter().for_each(|purpose| look_up(statement, purpose, &today, &mut purposes));
        }
    }
    vec![signed.end(), manifests.end(), purposes.end()]
}

/// No pseudonym stands under two purposes.
pub(super) fn disjoint(decoded: &Decoded) -> Check {
    let title = "No pseudonym of one purpose stands in the data of another";
    let by_hand = "needs the datasets' keys: the vault's log shows by its `scanned-key` entries that this \
                   audit opened each dataset once";
    let mut check = Check::begin("keys.disjoint", title, by_hand);
    decoded.tell_unopened(&mut check);
    let sets: Vec<_> = decoded.pseudonyms.iter().collect();
    match sets.as_slice() {
        [] => check.missing("no dataset was opened"),
        [(purpose, _)] => check.fine(format!("all data is held for one purpose, {purpose}")),
        _ => {}
    }
    for (at, (one, some)) in sets.iter().enumerate() {
        for (other, others) in &sets[at + 1..] {
            let told = format!(
                "{one} has {} different pseudonyms, {other} has {}",
                some.len(),
                others.len()
            );
            match some.intersection(others).count() {
                0 => check.fine(format!("{told}; none is in both")),
                both => check.wrong(format!(
                    "{told}; {both} are in both: whoever holds both joins these children"
                )),
            }
        }
    }
    check.end()
}

/// The vault's statement, where its signature is right.
pub(super) fn stated(site: &Site, vault: &mut Vault, signed: &mut Gathered) -> Option<Statement> {
    let note = match (&site.arguments.statement, &mut *vault) {
        (Some(path), _) => match fs::read_to_string(path) {
            Ok(note) => note,
            Err(error) => {
                signed.missing(format!("{} cannot be read: {error}", path.display()));
                return None;
            }
        },
        (None, Ok(vault)) => match vault.statement() {
            Ok(note) => note,
            Err(error) => {
                signed.missing(error.to_string());
                return None;
            }
        },
        (None, Err(error)) => {
            signed.missing(format!("{error}; or give --statement FILE"));
            return None;
        }
    };
    let verifier = verifier(site, vault, signed)?;
    match verifier.open(&note).map(Statement::read) {
        Ok(Some(statement)) => {
            signed.fine(format!(
                "signed by {verifier}, of {}, {} purposes",
                statement.time,
                statement.purposes.len()
            ));
            Some(statement)
        }
        Ok(None) => {
            signed.wrong("what is signed is no statement");
            None
        }
        Err(error) => {
            signed.wrong(format!("the statement: {error}"));
            None
        }
    }
}

/// The signature that it must have: as the auditor says, as the auditor's checkpoints say, or, weakest, as the
/// vault says of itself.
fn verifier(site: &Site, vault: &mut Vault, signed: &mut Gathered) -> Option<Verifier> {
    let held = site.arguments.checkpoints.as_ref().map(|folder| folder.join("verifier.txt"));
    let (text, whence) = match (&site.arguments.verifier, held) {
        (Some(given), _) => {
            let text = fs::read_to_string(Path::new(given)).unwrap_or_else(|_| given.clone());
            (text, "the key was given by the auditor".to_owned())
        }
        (None, Some(path)) => match fs::read_to_string(&path) {
            Ok(text) => (text, format!("the key is the one in {}", path.display())),
            Err(error) => {
                signed.missing(format!("{} cannot be read: {error}", path.display()));
                return None;
            }
        },
        (None, None) => match vault.as_mut().map(Client::status) {
            Ok(Ok(status)) => {
                let whence = "the key was told by the vault itself, which shows only that the statement \
                              is whole: give --checkpoints or --verifier";
                (status.verifier, whence.to_owned())
            }
            _ => {
                signed.missing("no key to verify it with: give --checkpoints or --verifier");
                return None;
            }
        },
    };
    signed.note(whence);
    match text.parse() {
        Ok(verifier) => Some(verifier),
        Err(error) => {
            signed.wrong(format!("the key to verify with: {error}"));
            None
        }
    }
}

fn compare(statement: &Statement, standing: &[StoredDataset], check: &mut Gathered) {
    if standing.is_empty() {
        check.missing("the store holds no dataset yet");
    }
    for StoredDataset { folder, manifest, .. } in standing {
        let manifest = match manifest {
            Ok(manifest) => manifest,
            Err(error) => {
                check.wrong(format!("{}: {error}", folder.display()));
                continue;
            }
        };
        let (version, value) = (manifest.key_version, &manifest.key_check);
        let what = format!("{}: key {version}, check value {value}", manifest.dataset);
        match known(statement, &manifest.dataset.purpose, version) {
            Some((stated, false)) if stated == value => check.fine(what),
            Some((stated, true)) if stated == value => {
                check.wrong(format!("{what}: this key was retired, the dataset should be gone"));
            }
            Some((stated, _)) => {
                check.wrong(format!("{what}: the vault states {stated} for that key"));
            }
            None => check.wrong(format!("{what}: the vault states no such key")),
        }
    }
}

/// A version's check value, and whether it was retired.
fn known<'a>(
    statement: &'a Statement,
    purpose: &Purpose,
    version: KeyVersion,
) -> Option<(&'a String, bool)> {
    let purpose = statement.purposes.iter().find(|stated| stated.purpose == *purpose)?;
    let version = purpose.versions.iter().find(|stated| stated.version == version)?;
    Some((&version.key_check, version.retired))
}

fn look_up(statement: &Statement, purpose: &Purpose, today: &str, check: &mut Gathered) {
    let Some(stated) = statement.purposes.iter().find(|stated| stated.purpose == *purpose) else {
        check.wrong(format!("{purpose} is not named in the vault"));
        return;
    };
    if let Some(end) = &stated.end {
        let day = end.destroyed.as_ref().unwrap_or(&end.since).get(..10).unwrap_or_default();
        check.wrong(match &end.destroyed {
            Some(_) => format!(
                "{purpose} was ended and destroyed on {day}, and its data is here again: find out who put it back, and run `minster end-purpose`"
            ),
            None => format!(
                "the end of {purpose} began on {day}, and its data is still held: run `minster end-purpose`, then `minster-vault end-purpose \
                 finish --purpose {purpose}`"
            ),
        });
        return;
    }
    let stopped = if stated.stopped { "; stopped by an alarm" } else { "" };
    match &stated.expires {
        Some(last) if stated.expired || last.as_str() < today => {
            check.wrong(format!(
                "{purpose} was over on {last}, and its data is still held: custodians end it (`minster-vault request … end-purpose --purpose \
                 {purpose}`), or name it anew with a later day"
            ));
        }
        Some(last) => check.fine(format!("{purpose} is named, until {last}{stopped}")),
        None => check.fine(format!("{purpose} is named, without an end{stopped}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use minster_vault_api::{PurposeStatus, VersionStatus};

    fn statement() -> Statement {
        let version = |version, retired| VersionStatus {
            version: KeyVersion(version),
            key_check: format!("check{version}"),
            retired,
        };
        let purpose = PurposeStatus {
            purpose: "one".parse().unwrap(),
            key_version: KeyVersion(2),
            key_check: "check2".into(),
            versions: vec![version(1, true), version(2, false)],
            expires: Some("2030-12-31".into()),
            expired: false,
            stopped: false,
            identifiers: 0,
            today: 0,
            budget: (1, 1),
            repairs_today: 0,
            repair_budget: (0, 0),
            households: false,
            floors: None,
            end: None,
        };
        Statement { store_id: "s".into(), time: String::new(), purposes: vec![purpose] }
    }

    #[test]
    fn a_retired_key_an_unknown_one_and_a_purpose_that_is_over_fail() {
        let manifest = |version: u32, value: &str| {
            let text = format!(
                r#"{{"format":1,"dataset":{{"class":"source","name":"a","period":"p","purpose":"one"}},"run":"r",
                "key_version":{version},"key_check":"{value}","wrapped_key":"w",
                "origin":{{"from":"datasets","definition_sha256":"","datasets":[]}},"tables":[]}}"#
            );
            let manifest = Ok(serde_json::from_str(&text).unwrap());
            StoredDataset { folder: "f".into(), manifest, sha256: String::new(), current: true }
        };
        for (version, value, verdict) in [
            (2, "check2", Verdict::Pass),
            (1, "check1", Verdict::Fail),
            (2, "check1", Verdict::Fail),
            (3, "check3", Verdict::Fail),
        ] {
            let mut check = Check::begin("", "", "");
            compare(&statement(), &[manifest(version, value)], &mut check);
            assert_eq!(check.end().verdict, verdict, "{version} {value}");
        }
        for (purpose, today, verdict) in [
            ("one", "2030-12-31", Verdict::Pass),
            ("one", "2031-01-01", Verdict::Fail),
            ("two", "2030-12-31", Verdict::Fail),
        ] {
            let mut check = Check::begin("", "", "");
            look_up(&statement(), &purpose.parse().unwrap(), today, &mut check);
            assert_eq!(check.end().verdict, verdict, "{purpose} {today}");
        }
    }

    #[test]
    fn a_pseudonym_of_two_purposes_fails() {
        let mut decoded = Decoded::default();
        let of = |decoded: &mut Decoded, purpose: &str, bytes: [u8; 16]| {
            decoded.pseudonyms.entry(purpose.parse().unwrap()).or_default().insert(bytes);
        };
        assert_eq!(disjoint(&decoded).verdict, Verdict::NotChecked);
        of(&mut decoded, "one", [1; 16]);
        of(&mut decoded, "two", [2; 16]);
        assert_eq!(disjoint(&decoded).verdict, Verdict::Pass);
        of(&mut decoded, "two", [1; 16]);
        assert_eq!(disjoint(&decoded).verdict, Verdict::Fail);
    }
}
