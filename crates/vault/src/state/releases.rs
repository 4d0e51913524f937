//! The releases of a purpose that the log knows: let out, withdrawn, or forgotten because nobody saw them.

use minster_model::{Period, TableName};
use minster_vault_api::{KnownRelease, Publication};

use super::PurposeState;
use crate::session::files_of;

impl PurposeState {
    /// Every release that was ever let out, by period and name.
    pub(crate) fn releases(&self) -> impl Iterator<Item = KnownRelease> {
        self.releases.iter().map(|((period, release, sha256), known)| KnownRelease {
            release: release.clone(),
            period: period.clone(),
            sha256: sha256.clone(),
            entry: known.entry.clone(),
            withdrawn: known.withdrawn,
        })
    }

    /// Whether custodians may have a release forgotten: one of which the log names no entry in the ledger. Programs since 0.2.0 name
    /// it, and leave a copy of it where they are stopped.
    pub(crate) fn may_forget(
        &self,
        release: &TableName,
        period: &Period,
        sha256: &str,
    ) -> Result<(), &'static str> {
        let place = (period.clone(), release.clone(), sha256.to_owned());
        match self.releases.get(&place) {
            None => Err("the vault's log knows of no such release"),
            Some(known) if known.entry.is_some() => Err(
                "the log names its entry in the ledger: put the ledger back from a copy, where the public has the release",
            ),
            Some(_) => Ok(()),
        }
    }

    /// A user lets the very same files out as others do; more must agree.
    pub(super) fn agree(&mut self, publication: &Publication, uid: Option<u32>) {
        self.agreed.entry(publication.clone()).or_default().extend(uid);
    }

    /// A release is out.
    pub(super) fn let_out(&mut self, publication: &Publication) {
        self.agreed.remove(&files_of(publication));
        let known = self.releases.entry(place_of(publication)).or_default();
        known.withdrawn = false;
        // An entry that was named once is asked for ever after.
        known.entry = publication.entry.clone().or(known.entry.take());
    }

    /// A release is withdrawn.
    pub(super) fn withdraw(&mut self, publication: &Publication) {
        if let Some(known) = self.releases.get_mut(&place_of(publication)) {
            known.withdrawn = true;
        }
    }

    /// Two custodians had a release forgotten.
    pub(super) fn forget(&mut self, release: &TableName, period: &Period, sha256: &str) {
        self.releases.remove(&(period.clone(), release.clone(), sha256.to_owned()));
    }
}

fn place_of(of: &Publication) -> (Period, TableName, String) {
    (of.period.clone(), of.release.clone(), of.sha256.clone())
}
