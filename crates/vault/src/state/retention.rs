//! Holds and disposals, as the log tells of them.

use minster_model::{DatasetRef, Purpose};
use minster_retention::CategoryName;
use minster_vault_api::StandingHold;

use super::{PurposeState, State, short_name};
use crate::log::{Entry, Event, Held};

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
                let open = OpenDisposal { sha256: disposed.sha256.clone() };
                self.purpose(&disposed.purpose, |state| {
                    state.registry = Some(disposed.registry.clone());
                    state.births = Some(disposed.births.clone());
                    state.facts = Some(disposed.facts.clone());
                    state.tombstones = Some(disposed.tombstones.clone());
                    state.disposals.insert(disposed.proposal.clone(), open);
                });
            }
            Event::RecordedDisposed { manifest, .. } => {
                let DatasetRef { class, name, period, purpose } = &manifest.dataset;
                self.purpose(purpose, |state| {
                    let under = state.datasets.get(&short_name(*class, name, period));
                    state.manifests.record(manifest, Some(*under.unwrap_or(&state.version)));
                });
            }
            Event::AppliedDisposal { purpose, receipt } => self.purpose(purpose, |state| {
                state.disposals.remove(&receipt.list);
                state.manifests.forget_older();
            }),
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
        };
        let mut holds: Vec<_> = self.holds.iter().collect();
        holds.sort_by_key(|(_, hold)| hold.number);
        holds.into_iter().map(told).collect()
    }

    /// The purpose of a disposal list that is open.
    pub(crate) fn disposal(&self, list: &str) -> Option<(&Purpose, &OpenDisposal)> {
        let find = |(name, state): (&Purpose, &PurposeState)| {
            state.disposals.contains_key(list).then(|| name.clone())
        };
        let purpose = self.purposes.iter().find_map(find)?;
        let (name, state) = self.purposes.get_key_value(&purpose)?;
        Some((name, state.disposals.get(list)?))
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
        match self.disposals.keys().next() {
            Some(list) => Err(format!(
                "the disposal list {list} is not applied yet: run `minster dispose` first"
            )),
            None => Ok(()),
        }
    }
}
