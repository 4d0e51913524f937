//! Releases that readers see, against the floors of their purpose: what custodians signed, and the vault states under its signature. A
//! release says its rules in its own files, so that nobody need be believed who let it out.

use std::fs;

use minster_store::Release;

use super::{
    keys::{self, Vault},
    releases::{Current, current},
};
use crate::{
    check::{Check, quoted},
    site::Site,
};

/// Compares the rules of every current release with what the purpose asks for.
pub(super) fn kept(site: &Site, vault: &mut Vault) -> Check {
    let (store, purpose) = (&site.pipeline.store, &site.pipeline.purpose);
    let title =
        "Every release that readers see was protected by rules as strict as its purpose asks";
    let by_hand = format!(
        "minster-vault statement --socket {}; compare `floors` with `policy` in {}/releases/*/*/current/manifest.json",
        quoted(site.socket()),
        quoted(store)
    );
    let mut check = Check::begin("releases.floors", title, by_hand);
    let Some(statement) = keys::stated(site, vault, &mut check) else { return check.end() };
    let Some(of) = statement.purposes.iter().find(|of| of.purpose == *purpose) else {
        check.missing(format!("the vault does not state the purpose {purpose}"));
        return check.end();
    };
    let Some(floors) = &of.floors else {
        check.missing(
            "the statement says nothing of floors: an earlier release signed it; take a new one",
        );
        return check.end();
    };
    let Some(releases) = current(store, &mut check) else { return check.end() };
    for Current { name, period, folder } in &releases {
        let rules = fs::read(folder.join("manifest.json"));
        let rules = rules.ok().and_then(|manifest| Release::rules(&manifest));
        if let Some(what) = floors.broken_by(rules.as_ref()) {
            check.wrong(format!("{name} of {period}: {what}"));
        }
    }
    check.fine(format!("{} current releases", releases.len()));
    check.end()
}
