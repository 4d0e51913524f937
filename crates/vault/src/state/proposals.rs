//! Proposals that are open, as the log tells of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::Purpose;
use minster_vault_api::OpenProposal;

use super::{PurposeState, State};
use crate::{
    approvals::NEEDED,
    log::{AboutRole, Entry, Event, ResumedRun},
    purposes::today,
};

/// One proposal's state.
#[derive(Debug, Clone)]
pub struct ProposalState {
    /// SHA-256 of its text.
    pub sha256: String,
    /// The custodians who approved it.
    pub by: BTreeSet<String>,
    /// Its last day.
    pub expires: Option<Date>,
    /// The action, in a word.
    pub(crate) action: String,
    /// Numbers that custodians typed and that it is not about.
    pub(crate) wrong_numbers: u32,
    /// How often a grant of access was begun.
    pub(crate) begun: u32,
    pub(super) purpose: Option<Purpose>,
    count: u64,
    pub(super) reference: String,
    /// The case that it decides.
    pub(crate) case: Option<String>,
    /// The role and uid that it grants or revokes.
    pub(super) about: Option<AboutRole>,
    pub(super) requester: Option<u32>,
    made: String,
    /// The number of its entry.
    number: u64,
}

impl ProposalState {
    /// Made from the entry that tells of it.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let Event::Proposed {
            sha256, action, purpose, count, reference, expires, about, case, ..
        } = &entry.event
        else {
            return None;
        };
        Some(Self {
            sha256: sha256.clone(),
            by: BTreeSet::new(),
            expires: expires.parse().ok(),
            action: action.clone(),
            wrong_numbers: 0,
            begun: 0,
            purpose: purpose.clone(),
            count: *count,
            reference: reference.clone(),
            case: case.clone(),
            about: *about,
            requester: entry.asker.as_ref().map(|asker| asker.uid),
            made: entry.time.clone(),
            number: entry.number,
        })
    }

    /// Whether it can still be approved or carried out.
    pub(super) fn is_open(&self) -> bool {
        self.days_left().is_some()
    }

    /// Days until its last day; nothing where that is over.
    fn days_left(&self) -> Option<u32> {
        let days = (self.expires? - today()).get_days();
        u32::try_from(days).ok()
    }
}

impl State {
    /// Open proposals that a user made.
    pub(crate) fn proposed_by(&self, uid: u32) -> usize {
        let open = self.proposals.values().filter(|of| of.days_left().is_some());
        open.filter(|of| of.requester == Some(uid)).count()
    }

    /// The proposals that can still be approved or carried out, the one that ends first at the head, and of these
    /// the one that was made first.
    pub(crate) fn open_proposals(&self) -> Vec<OpenProposal> {
        let custodians = self.custodians.iter().map(|one| &one.name);
        let open = |(id, of): (&String, &ProposalState)| {
            let days_left = of.days_left()?;
            let expires = of.expires?.to_string();
            let missing = NEEDED.saturating_sub(of.by.len()) as u32;
            let others = custodians.clone().filter(|name| missing > 0 && !of.by.contains(*name));
            let told = OpenProposal {
                proposal: id.clone(),
                action: of.action.clone(),
                purpose: of.purpose.clone(),
                count: of.count,
                reference: of.reference.clone(),
                requester: of.requester,
                made: of.made.clone(),
                expires,
                days_left,
                signed: of.by.iter().cloned().collect(),
                missing,
                may_sign: others.cloned().collect(),
            };
            Some(((days_left, of.number), told))
        };
        let all: BTreeMap<_, _> = self.proposals.iter().filter_map(open).collect();
        all.into_values().collect()
    }
}

impl PurposeState {
    /// Goes on after an alarm. The source of the stopped run has one run with its ceiling, as a load that custodians allowed;
    /// a larger one that they allowed before stays.
    pub(super) fn resume(&mut self, proposal: &str, run: Option<&ResumedRun>) {
        (self.stopped, self.newcomers) = (None, None);
        self.resumed += 1;
        if let Some(ResumedRun { source, ceiling, .. }) = run
            && self.raised.get(source).is_none_or(|(raised, _)| raised < ceiling)
        {
            self.raised.insert(source.clone(), (*ceiling, proposal.to_owned()));
        }
    }
}
