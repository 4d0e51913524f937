//! The checks, one file a group.

mod acl;
mod build;
mod clock;
mod compared;
mod datasets;
mod decode;
mod events;
mod files;
mod floors;
mod keys;
mod leakage;
mod log;
mod mapped;
pub(crate) mod packages;
mod packed;
mod processes;
mod releases;
mod retention;
mod roles;
mod running;
mod secrets;
mod unknown;
mod verified;

use minster_store::Store;

use crate::{check::Check, site::Site};

/// Makes every check that is asked for.
pub(crate) fn all(site: &Site) -> Vec<Check> {
    let mut checks = Vec::new();
    if site.wants_some(&["build"]) {
        checks.extend(build::checks(site));
        checks.push(packages::installed(site));
    }
    if site.wants_some(&["run", "files"]) {
        checks.extend(running::checks(site));
        checks.extend(files::checks(site));
    }
    if site.wants("files.secrets") {
        checks.push(secrets::check(site));
    }
    if site.wants_some(&["roles"]) {
        checks.extend(roles::checks(site));
    }
    let of_data = ["keys", "leakage", "log.datasets", "log.snapshots", "releases.floors", "store"];
    if site.wants_some(&of_data) {
        let standing =
            Store::inspect(&site.pipeline.store).and_then(|store| store.stored_datasets());
        let mut vault = site.vault();
        checks.push(unknown::check(site, &standing));
        checks.extend(keys::checks(site, &mut vault, &standing));
        if site.wants_some(&["keys.disjoint", "leakage"]) {
            let wanted = site.wants_some(&["keys.disjoint", "leakage.datasets"]);
            let decoded = decode::decode(wanted, &standing, site);
            checks.push(keys::disjoint(&decoded));
            checks.extend(leakage::checks(site, &decoded));
        }
        if site.wants("leakage.persons") {
            checks.push(compared::check(site, &mut vault));
        }
        checks.push(datasets::newest(site, &mut vault, &standing));
        checks.push(datasets::known(site, &standing));
        checks.push(floors::kept(site, &mut vault));
    }
    if site.wants("releases.verify") {
        checks.push(verified::check(site));
    }
    if site.wants("retention.due") {
        checks.push(retention::check(site));
    }
    // Last: what was asked of the vault above is in its log.
    if site.wants_some(&["log"]) {
        checks.extend(log::checks(site));
        checks.extend(clock::checks(site));
    }
    checks.retain(|check| site.wants(&check.id));
    for check in &mut checks {
        if check.as_root.is_some() {
            check.as_root = Some(site.as_root(&check.id));
        }
    }
    checks
}
