//! Holds and disposals, as the log tells of them.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{DatasetRef, Purpose};
use minster_retention::CategoryName;
use minster_vault_api::{Denial, DisposalReceipt, DisposedDataset, StandingHold};

use super::{Archive, OpenPart, PurposeState, State, short_name};
use crate::{
    log::{Entry, Event, Held},
    manifests::{Manifests, Place, has_persons, place},
};

/// A hold on a person or a category.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    /// SHA-256 of its proposal's text, which says whom it is on.
    pub(crate) sha256: String,
    /// The category, where it is a moratorium.
    pub(crate) category: Option<CategoryName>,
    ordered_by: Option<String>,
    reference: String,
    since: String,
    /// The number of its entry.
    number: u64,
}

/// A disposal list that was signed and not applied yet.
#[derive(Debug, Clone)]
pub(crate) struct OpenDisposal {
    /// SHA-256 of the signed list.
    pub(crate) sha256: String,
    /// Parts whose records are written to a sealed file first.
    pub(crate) parts: Vec<OpenPart>,
    /// Datasets that were written anew under it: SHA-256 of the manifests before and after.
    rewritten: BTreeMap<Place, (String, String)>,
}

/// A disposal list that was applied.
#[derive(Debug, Clone)]
pub(crate) struct ClosedDisposal {
    /// The outcome.
    pub(crate) receipt: DisposalReceipt,
    /// When it was reported (RFC 3339, UTC).
    pub(crate) time: String,
    /// The sealed files that were made before.
    pub(crate) parts: Vec<OpenPart>,
}

impl OpenDisposal {
    /// Whether rows left a dataset already.
    pub(crate) fn has_begun(&self) -> bool {
        !self.rewritten.is_empty()
    }

    /// Whether a dataset may be written anew from this manifest: not from one that was written under the list already.
    pub(crate) fn may_rewrite(&self, dataset: &DatasetRef, from: &str) -> bool {
        self.rewritten.get(&place(dataset)).is_none_or(|(_, after)| after != from)
    }

    /// Whether a receipt tells of every dataset with rows of persons that the log knows, and as the log does.
    ///
    /// # Errors
    /// [`Denial`], with the dataset.
    pub(crate) fn is_told(
        &self,
        manifests: &Manifests,
        purpose: &Purpose,
        receipt: &DisposalReceipt,
    ) -> Result<(), Denial> {
        let refused = |what: String| Err(Denial::OutOfOrder { what });
        if let Some(part) = self.unmade() {
            return refused(part.not_made());
        }
        if let Some((class, name, period)) = manifests.persons_due() {
            return refused(format!(
                "the dataset {} of an earlier release was not taken over yet; run `minster-ingest run` and `minster link` first",
                short_name(*class, name, period)
            ));
        }
        let mut told = BTreeSet::new();
        for DisposedDataset { dataset, before, after, .. } in &receipt.datasets {
            let place = place(dataset);
            let name = short_name(dataset.class, &dataset.name, &dataset.period);
            if dataset.purpose != *purpose || !has_persons(dataset.class) {
                return refused(format!(
                    "the receipt names {name}, which is none of the disposal's"
                ));
            }
            manifests.check(dataset, after, false)?;
            let is_true = match self.rewritten.get(&place) {
                Some((from, to)) if to == after => from == before,
                _ => before == after,
            };
            if !is_true || !told.insert(place) {
                return refused(format!("the receipt tells other of {name} than the log"));
            }
        }
        for (class, name, period, _) in manifests.newest() {
            if has_persons(class) && !told.contains(&(class, name.clone(), period.clone())) {
                return refused(format!(
                    "the receipt does not tell of {}, which may hold rows of the list; run `minster dispose` on a whole store, or have \
                     custodians give the dataset up first",
                    short_name(class, name, period)
                ));
            }
        }
        Ok(())
    }
}

impl State {
    pub(super) fn apply_retention(&mut self, entry: &Entry) {
        match &entry.event {
            Event::ToldFacts { purpose, facts, .. } => {
                self.purpose(purpose, |state| state.facts = Some(facts.clone()));
            }
            Event::Held(Held { proposal, sha256, reference, category, ordered_by }) => {
                let hold = Hold {
                    sha256: sha256.clone(),
                    category: category.clone(),
                    ordered_by: ordered_by.clone(),
                    reference: reference.clone(),
                    since: entry.time.clone(),
                    number: entry.number,
                };
                self.holds.insert(proposal.clone(), hold);
            }
            Event::LiftedHold { hold, .. } => drop(self.holds.remove(hold)),
            Event::Disposed(disposed) => {
                let (sha256, rewritten) = (disposed.sha256.clone(), BTreeMap::new());
                let parts: Vec<OpenPart> = disposed.parts.iter().map(OpenPart::of).collect();
                let archive = parts.iter().find_map(|part| Archive::of(part, &entry.time));
                let open = OpenDisposal { sha256, parts, rewritten };
                self.purpose(&disposed.purpose, |state| {
                    state.registry = Some(disposed.registry.clone());
                    state.births = Some(disposed.births.clone());
                    state.facts = Some(disposed.facts.clone());
                    state.tombstones = Some(disposed.tombstones.clone());
                    state.disposals.insert(disposed.proposal.clone(), open);
                    state.archives.extend(archive.map(|of| (disposed.proposal.clone(), of)));
                });
            }
            Event::RecordedDisposed { manifest, carried_from, list } => {
                let DatasetRef { class, name, period, purpose } = &manifest.dataset;
                self.purpose(purpose, |state| {
                    let under = state.datasets.get(&short_name(*class, name, period));
                    state.manifests.record(manifest, Some(*under.unwrap_or(&state.version)));
                    if let Some(open) = state.disposals.get_mut(list) {
                        let hashes = (carried_from.clone(), manifest.sha256.clone());
                        open.rewritten.insert(place(&manifest.dataset), hashes);
                    }
                });
            }
            Event::AppliedDisposal { purpose, receipt } => self.purpose(purpose, |state| {
                let open = state.disposals.remove(&receipt.list);
                state.manifests.dispose_older();
                let parts = open.map(|open| open.parts).unwrap_or_default();
                let (receipt, time) = (receipt.clone(), entry.time.clone());
                let closed = ClosedDisposal { receipt: receipt.clone(), time, parts };
                state.receipts.insert(receipt.list.clone(), closed);
            }),
            Event::Archive(step) => self.apply_archive(step),
            _ => {}
        }
    }

    /// The holds that stand, in the order in which they were made, for custodians.
    pub(crate) fn standing_holds(&self) -> Vec<StandingHold> {
        let told = |(proposal, hold): (&String, &Hold)| StandingHold {
            hold: proposal.clone(),
            category: hold.category.as_ref().map(ToString::to_string),
            ordered_by: hold.ordered_by.clone(),
            reference: hold.reference.clone(),
            since: hold.since.clone(),
            is_known: true,
        };
        let mut holds: Vec<_> = self.holds.iter().collect();
        holds.sort_by_key(|(_, hold)| hold.number);
        holds.into_iter().map(told).collect()
    }

    /// The purpose and the receipt of a disposal list that was applied.
    pub(crate) fn receipt(&self, list: &str) -> Option<(&Purpose, &ClosedDisposal)> {
        self.purposes.iter().find_map(|(name, state)| Some((name, state.receipts.get(list)?)))
    }

    /// The purpose of a disposal list that is open. A purpose that was ended has none.
    pub(crate) fn disposal(&self, list: &str) -> Option<(&Purpose, &OpenDisposal)> {
        let mut standing = self.purposes.iter().filter(|(_, state)| state.ending.is_none());
        standing.find_map(|(name, state)| Some((name, state.disposals.get(list)?)))
    }
}

impl PurposeState {
    /// Whether records may be disposed of: the pseudonyms of one version alone stand for a person, and no list is open.
    pub(crate) fn may_dispose(&self) -> Result<(), String> {
        if let Some((version, _)) = self.versions().rev().skip(1).find(|(_, retired)| !retired) {
            return Err(format!(
                "version {version} of the keys still leads to the persons: convert the datasets (`minster rekey`), retire it, then \
                 propose the disposal anew"
            ));
        }
        self.has_no_open_list()
    }

    /// Fails while a disposal list is open.
    pub(crate) fn has_no_open_list(&self) -> Result<(), String> {
        match self.disposals.keys().next() {
            Some(list) => Err(format!(
                "the disposal list {list} is not applied yet: run `minster dispose` first"
            )),
            None => Ok(()),
        }
    }
}
