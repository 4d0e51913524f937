//! Datasets against the vault's log: each that stands is the newest that the log has, file by file, and none that the log has
//! is gone.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{DatasetClass, DatasetRef, Purpose};
use minster_store::{StoreError, StoredDataset};
use minster_vault_api::{Client, VaultError};

use super::{
    Check, Site,
    check::{Gathered, quoted},
    keys::unreadable,
};

/// Compares the manifests that stand with those that the vault's log has as the newest, and the files with the manifests.
pub(super) fn newest(
    site: &Site<'_>,
    vault: &mut Result<Client, VaultError>,
    standing: &Result<Vec<StoredDataset>, StoreError>,
) -> Check {
    let title = "Every dataset that stands is the newest that the vault's log has, file by file";
    let log = site.log.as_deref().map_or_else(|| "LOG".to_owned(), quoted);
    let by_hand = format!(
        "sha256sum {store}/datasets/*/*/*/current/manifest.json; grep recorded-manifest {log}: each dataset's last entry has \
         this hash",
        store = quoted(&site.pipeline.store)
    );
    let mut check = Check::begin("log.datasets", title, by_hand);
    match (standing, vault) {
        (Err(error), _) => check.missing(unreadable(error)),
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
            Err(error) => check.missing(unreadable(&error)),
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
