//! Purposes that two custodians ended, as the log tells of them.

use std::collections::BTreeSet;

use jiff::civil::Date;
use minster_model::{DatasetRef, Purpose};
use minster_vault_api::{Denial, EndStatus, RemovedDataset, StoreRemoval};

use super::{ProposalState, PurposeState, State};
use crate::{
    access::GIVE_ACCESS,
    approvals::{END_PURPOSE, NEEDED},
    log::{DestroyedFiles, EndEvent, Entry, Event},
    manifests::place,
};

/// The end of a purpose, as far as it came.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// The proposals that custodians approved: the one that began it, and perhaps one that says that the store is lost.
    pub(crate) orders: Vec<EndOrdered>,
    /// The removals of the store's side, and when it told of each.
    pub(crate) removals: Vec<(String, StoreRemoval)>,
    /// The files that the vault destroyed, and when.
    pub(crate) destroyed: Option<(String, Vec<DestroyedFiles>)>,
}

/// A proposal that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct EndOrdered {
    pub(crate) proposal: String,
    pub(crate) sha256: String,
    pub(crate) reference: String,
    pub(crate) by: BTreeSet<String>,
    /// When (RFC 3339, UTC).
    pub(crate) time: String,
    pub(crate) early: bool,
    pub(crate) store_lost: bool,
}

impl Ending {
    /// Since when nothing is answered (RFC 3339, UTC).
    pub(crate) fn since(&self) -> &str {
        self.orders.first().map_or("", |first| &first.time)
    }

    /// Whether custodians said that the store is lost.
    pub(crate) fn store_lost(&self) -> bool {
        self.orders.iter().any(|of| of.store_lost)
    }

    /// How far it came, as it is told.
    pub(crate) fn told(&self) -> EndStatus {
        EndStatus {
            proposal: self.orders.first().map_or_else(String::new, |first| first.proposal.clone()),
            since: self.since().to_owned(),
            removals: u32::try_from(self.removals.len()).unwrap_or(u32::MAX),
            store_lost: self.store_lost(),
            destroyed: self.destroyed.as_ref().map(|(time, _)| time.clone()),
        }
    }

    /// Whether the store's side told that a dataset was removed with this manifest.
    fn tells(&self, dataset: &DatasetRef, manifest: &str) -> bool {
        let mut told = self.removals.iter().flat_map(|(_, of)| &of.datasets);
        let is_it = |of: &RemovedDataset| of.manifest == manifest || of.waiting == manifest;
        told.any(|of| place(&of.dataset) == place(dataset) && is_it(of))
    }
}

impl PurposeState {
    /// Refuses a purpose whose end has begun.
    pub(crate) fn stands(&self) -> Result<(), Denial> {
        match &self.ending {
            None => Ok(()),
            Some(ending) => Err(Denial::PurposeEnded {
                purpose: self.definition.name.clone(),
                on: ending.since().get(..10).unwrap_or_default().to_owned(),
            }),
        }
    }

    /// Whether the vault destroyed what it had of it.
    pub(crate) fn is_destroyed(&self) -> bool {
        self.ending.as_ref().is_some_and(|of| of.destroyed.is_some())
    }

    /// The datasets that the log knows, and of which no word came that they were removed as the log has them. Linkage datasets are
    /// shredded by each match, without a word.
    pub(crate) fn untold(&self) -> Vec<DatasetRef> {
        let purpose = &self.definition.name;
        let known = self.manifests.newest().map(|(class, name, period, sha256)| {
            let (name, period, purpose) = (name.clone(), period.clone(), purpose.clone());
            (DatasetRef { class, name, period, purpose }, sha256)
        });
        let is_untold = |(dataset, sha256): &(DatasetRef, &String)| {
            dataset.class != minster_model::DatasetClass::Linkage
                && !self.ending.as_ref().is_some_and(|of| of.tells(dataset, sha256))
        };
        known.filter(is_untold).map(|(dataset, _)| dataset).collect()
    }
}

impl State {
    /// Whether the end of a purpose may be proposed, or carried out where `is_proposed` is not set.
    ///
    /// # Errors
    /// The reason why not, with the next step.
    pub(crate) fn may_end(
        &self,
        purpose: &Purpose,
        (early, store_lost): (bool, bool),
        is_proposed: bool,
    ) -> Result<(), String> {
        let of = self.named(purpose).map_err(|denial| denial.to_string())?;
        let next = format!("`minster-vault end-purpose finish --purpose {purpose}`");
        match &of.ending {
            Some(ending) if ending.destroyed.is_some() => {
                return Err(format!(
                    "it was ended; `minster-vault end-purpose certificate --purpose {purpose}` prints its certificate again"
                ));
            }
            Some(ending) if !store_lost => {
                let since = ending.since();
                return Err(format!(
                    "its end began on {since}: run `minster end-purpose`, then {next}; where the store is lost, propose it again with \
                     `--store-lost`"
                ));
            }
            Some(ending) if ending.store_lost() => {
                return Err(format!(
                    "its end began, and custodians said that the store is lost: run {next}"
                ));
            }
            Some(_) => return Ok(()),
            None => {}
        }
        let last =
            |last: Option<Date>| last.map_or("without end".to_owned(), |day| day.to_string());
        match (of.definition.expired(), early) {
            (false, false) => {
                return Err(format!(
                    "its last day is {}, and not over: propose it after that day, or say with `--early` that it ends before it",
                    last(of.definition.expires)
                ));
            }
            (true, true) if is_proposed => {
                return Err(format!(
                    "its last day, {}, is over, so that it does not end early: propose it without `--early`",
                    last(of.definition.expires)
                ));
            }
            _ => {}
        }
        let waiting = self.cases.waiting(purpose);
        if !waiting.is_empty() {
            return Err(format!(
                "{} of children's rights wait for a decision that needs its records ({}): decide them first (`minster-vault cases`)",
                minster_model::counted(waiting.len(), "case", "cases"),
                waiting.join(", ")
            ));
        }
        let grants = |(_, of): &(&String, &ProposalState)| {
            of.action == GIVE_ACCESS && of.is_open() && of.by.len() >= NEEDED
        };
        if let Some((id, _)) = self.proposals.iter().find(grants) {
            return Err(format!(
                "the grant of access {id} is approved and not carried out, and a child's records would be destroyed before it: run `minster \
                 access` first, or wait until its last day is over"
            ));
        }
        Ok(())
    }

    /// Adds what an entry says of the end of a purpose. `signed` is the proposal that it carried out.
    pub(super) fn apply_end(&mut self, entry: &Entry, signed: Option<&ProposalState>) {
        let Event::PurposeEnd(step) = &entry.event else { return };
        let purpose = step.purpose().clone();
        match step {
            EndEvent::Begun { proposal, early, store_lost, .. } => {
                let order = EndOrdered {
                    proposal: proposal.clone(),
                    sha256: signed.map(|of| of.sha256.clone()).unwrap_or_default(),
                    reference: signed.map(|of| of.reference.clone()).unwrap_or_default(),
                    by: signed.map(|of| of.by.clone()).unwrap_or_default(),
                    time: entry.time.clone(),
                    early: *early,
                    store_lost: *store_lost,
                };
                self.purpose(&purpose, |of| {
                    let none = || Ending { orders: vec![], removals: vec![], destroyed: None };
                    of.ending.get_or_insert_with(none).orders.push(order);
                });
                // Nothing of it is carried out any more.
                let is_over = |of: &ProposalState| {
                    of.purpose.as_ref() == Some(&purpose) && of.action != END_PURPOSE
                };
                self.proposals.retain(|_, of| !is_over(of));
            }
            EndEvent::Removed { removal, .. } => {
                let told = (entry.time.clone(), removal.clone());
                self.purpose(&purpose, |of| {
                    if let Some(ending) = &mut of.ending {
                        ending.removals.push(told);
                    }
                });
            }
            EndEvent::Destroyed { pieces, .. } => {
                let done = (entry.time.clone(), pieces.clone());
                self.purpose(&purpose, |of| {
                    if let Some(ending) = &mut of.ending {
                        ending.destroyed = Some(done);
                    }
                    let all: Vec<_> = of.versions().map(|(version, _)| version).collect();
                    of.retired.extend(all);
                    (of.registry, of.births, of.facts, of.tombstones) = (None, None, None, None);
                    of.disposals.clear();
                    of.reviewers.clear();
                });
                self.proposals.retain(|_, of| of.purpose.as_ref() != Some(&purpose));
                let day = self.last_day;
                self.cases.end(&purpose, day);
            }
        }
    }

    /// Refuses a step of the end of a purpose that does not follow, and a proposal about a purpose whose end has begun.
    pub(super) fn admit_end(&self, event: &Event) -> Result<(), Denial> {
        let refused = |what: &str| Err(Denial::Fault { what: what.into() });
        match event {
            Event::Proposed { purpose: Some(purpose), action, .. } if action != END_PURPOSE => {
                self.purposes.get(purpose).map_or(Ok(()), PurposeState::stands)
            }
            Event::PurposeEnd(EndEvent::Begun { .. }) => Ok(()),
            Event::PurposeEnd(
                EndEvent::Removed { purpose, .. } | EndEvent::Destroyed { purpose, .. },
            ) => {
                let of = self.named(purpose)?;
                match &of.ending {
                    None => refused("the end of a purpose that did not begin"),
                    Some(ending) if ending.destroyed.is_some() => {
                        refused("the end of a purpose that was ended before")
                    }
                    Some(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
