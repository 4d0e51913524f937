//! The entries that may be added.

use minster_vault_api::Denial;

use super::State;
use crate::log::Event;

impl State {
    /// Refuses an entry that nobody who reads the log later would accept: each who adds one asks first, so that no log can
    /// stand that does not open.
    pub(crate) fn admit(&self, event: &Event) -> Result<(), Denial> {
        if let Some(proposal) = event.carries_out() {
            self.approved(proposal)?;
        }
        self.admit_case(event)?;
        let refused = |why: &str| Err(Denial::Fault { what: why.into() });
        match event {
            Event::OpenedRun { purpose, source, load: Some(load), .. } => {
                let raised = self.named(purpose)?.raised.get(source);
                match raised.is_some_and(|(_, proposal)| proposal == load) {
                    true => Ok(()),
                    false => refused("a load was granted twice"),
                }
            }
            Event::Approved { proposal, custodian, .. } => {
                let is_custodian = self.custodians.iter().any(|one| one.name == *custodian);
                let open = self.proposals.get(proposal);
                match is_custodian && open.is_some_and(|one| !one.by.contains(custodian)) {
                    true => Ok(()),
                    false => refused("an approval that does not count"),
                }
            }
            Event::TookReview { purpose, reviewer, .. } => {
                let reviewers = &self.named(purpose)?.reviewers;
                match reviewers.iter().any(|one| one.name == *reviewer) {
                    true => Ok(()),
                    false => refused("decisions of someone who is no reviewer"),
                }
            }
            Event::Rotated { purpose, version, .. } => {
                match version.0 == self.named(purpose)?.version.0 + 1 {
                    true => Ok(()),
                    false => refused("a version of keys that does not follow"),
                }
            }
            Event::LiftedHold { hold, .. } => match self.holds.contains_key(hold) {
                true => Ok(()),
                false => refused("the end of a hold that does not stand"),
            },
            Event::AppliedDisposal { purpose, receipt } => {
                match self.named(purpose)?.disposals.contains_key(&receipt.list) {
                    true => Ok(()),
                    false => refused("a receipt for a disposal that is not open"),
                }
            }
            _ => Ok(()),
        }
    }
}
