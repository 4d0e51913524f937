//! Datasets against the vault's log: each that stands is the newest that the log has, file by file, and none that the log has
//! is gone.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{DatasetClass, DatasetRef, Purpose};
use minster_store::{StoreError, StoredDataset};
use minster_vault_api::{Client, VaultError};

use super::events;
use crate::{
    check::{Check, Gathered, quoted},
    site::Site,
};

/// Compares the manifests that stand with those that the vault's log has as the newest, and the files with the manifests.
pub(super) fn newest(
    site: &Site,
    vault: &mut Result<Client, VaultError>,
    standing: &Result<Vec<StoredDataset>, StoreError>,
) -> Check {
    let title = "Every dataset that stands is the newest that the vault's log has, file by file";
    let log = "log.jsonl";
    let by_hand = format!(
        "sha256sum {store}/datasets/*/*/*/current/manifest.json; grep recorded-manifest {log}: each dataset's last entry has \
         this hash",
        store = quoted(&site.pipeline.store)
    );
    let mut check = Check::begin("log.datasets", title, by_hand);
    match (standing, vault) {
        (Err(error), _) => check.unread_store(error),
        (Ok(_), Err(error)) => check.missing(error.to_string()),
        (Ok(standing), Ok(vault)) => {
            let current: Vec<&StoredDataset> = standing.iter().filter(|one| one.current).collect();
            let of_data = current.iter().filter_map(|one| one.manifest.as_ref().ok());
            let mut purposes: BTreeSet<&Purpose> =
                of_data.map(|manifest| &manifest.dataset.purpose).collect();
            purposes.insert(&site.pipeline.purpose);
            for purpose in purposes {
                match vault.manifests(purpose) {
                    Ok(known) => {
                        let known = known.newest.into_iter().map(|one| (one.dataset, one.sha256));
                        compare(purpose, &known.collect(), &current, &mut check);
                    }
                    Err(error) => check.missing(format!("datasets for {purpose}: {error}")),
                }
            }
        }
    }
    check.end()
}

/// Superseded snapshots too: a manifest that the log never had was made by nobody whom the vault knows.
pub(super) fn known(site: &Site, standing: &Result<Vec<StoredDataset>, StoreError>) -> Check {
    let title = "No snapshot of any dataset has a manifest that the vault's log never had";
    let by_hand = format!(
        "sha256sum {}/datasets/*/*/*/*/manifest.json; grep -c HASH log.jsonl gives at least 1 for each",
        quoted(&site.pipeline.store)
    );
    let mut check = Check::begin("log.snapshots", title, by_hand);
    let standing = match standing {
        Ok(standing) => standing,
        Err(error) => {
            check.unread_store(error);
            return check.end();
        }
    };
    match events::read(site) {
        Err(why) => check.missing(why),
        Ok(events) => {
            for one in standing {
                let name = match &one.manifest {
                    Ok(manifest) => manifest.dataset.to_string(),
                    Err(error) => {
                        check.wrong(format!("{}: {error}", one.folder.display()));
                        continue;
                    }
                };
                if !events.manifests.contains(&one.sha256) {
                    let standing = if one.current { "stands" } else { "is a superseded snapshot" };
                    check.wrong(format!(
                        "{name}: {} {standing}, and the log never had its manifest",
                        one.folder.display()
                    ));
                }
            }
            let superseded = standing.iter().filter(|one| !one.current).count();
            check.fine(format!("{} snapshots, {superseded} of them superseded", standing.len()));
        }
    }
    check.end()
}

fn compare(
    purpose: &Purpose,
    known: &BTreeMap<DatasetRef, String>,
    current: &[&StoredDataset],
    check: &mut Gathered,
) {
    let (mut same, mut files, mut seen) = (0, 0, BTreeSet::new());
    for one in current {
        let Ok(manifest) = &one.manifest else {
            check.wrong(format!("{}: its manifest cannot be read", one.folder.display()));
            continue;
        };
        let dataset = &manifest.dataset;
        if dataset.purpose != *purpose {
            continue;
        }
        seen.insert(dataset);
        match known.get(dataset) {
            Some(newest) if *newest == one.sha256 => same += 1,
            Some(_) => {
                check.wrong(format!(
                    "{dataset}: its manifest is not the newest in the log: it was changed, or an older snapshot was put back"
                ));
                continue;
            }
            None => {
                check.wrong(format!(
                    "{dataset}: the log has no manifest of it (`minster run` takes over, once, what an earlier release made)"
                ));
                continue;
            }
        }
        match one.verify_files() {
            Ok(()) => files += manifest.files.len(),
            Err(StoreError::File { file, what, .. }) => {
                check.wrong(format!("{dataset}: the file {file} {what}"));
            }
            Err(error) => check.unread_store(&error),
        }
    }
    for dataset in known.keys() {
        // The match shreds linkage datasets.
        if !seen.contains(dataset) && dataset.class != DatasetClass::Linkage {
            check.wrong(format!("{dataset}: it is gone from the store, and the log knows it"));
        }
    }
    check.fine(format!(
        "{purpose}: {same} datasets are the newest that the log has, {files} files are those that their manifests name"
    ));
}
