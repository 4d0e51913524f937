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
        self.admit_end(event)?;
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
            Event::Archive(step) => self.admit_archive(step),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Entry;

    fn entry(number: u64, event: Event) -> Entry {
        let entry = serde_json::json!({
            "number": number, "time": "2026-11-29T11:44:55Z", "prev": "", "asker": null,
        });
        let mut whole = serde_json::to_value(event).unwrap();
        whole.as_object_mut().unwrap().extend(entry.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn granted(expires: &str) -> State {
        let mut state = State::default();
        let proposed = Event::Proposed {
            proposal: "a".into(),
            sha256: "b".into(),
            action: crate::access::GIVE_ACCESS.into(),
            case: None,
            purpose: None,
            count: 1,
            reference: "SAR/1".into(),
            expires: expires.into(),
            about: None,
        };
        state.apply(&entry(1, proposed));
        for (number, custodian) in (2..).zip(["ann", "ben"]) {
            let (proposal, custodian, signature) = ("a".into(), custodian.into(), String::new());
            state.apply(&entry(number, Event::Approved { proposal, custodian, signature }));
        }
        state
    }

    #[test]
    fn a_grant_of_access_ends_with_its_bundle_and_with_its_day() {
        let (datasets, rows, pseudonyms, bytes) = (1, 1, 2, 1);
        let ended = Event::EndedAccess {
            proposal: "a".into(),
            datasets,
            rows,
            pseudonyms,
            bytes,
            sha256: "c".into(),
        };
        let mut state = granted("2099-12-31");
        let began = Event::BeganAccess { proposal: "a".into(), schedule: "d".into() };
        state.apply(&entry(4, began));
        assert_eq!(state.approved("a").unwrap().begun, 1, "to begin it does not use it up");
        assert!(state.admit(&ended).is_ok());
        state.apply(&entry(5, ended.clone()));
        assert!(state.approved("a").is_err() && state.admit(&ended).is_err());
        let over = granted("2026-11-28");
        let why = over.approved("a").unwrap_err().to_string();
        assert!(why.contains("its last day is over"), "{why}");
        assert!(over.admit(&ended).is_err());
    }
}
