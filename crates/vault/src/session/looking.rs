//! The things that custodians and auditors look at: open proposals, the log, and whether a proposal is about the child they were told of.

use minster_model::Role;
use minster_vault_api::{Denial, IdentifierBatch, Response};

use super::Session;
use crate::{approvals::refusal, log::Event, purposes::today};

/// Wrong numbers that may be typed for one proposal. A custodian mistypes; whoever tries out numbers does not get far.
pub(super) const WRONG_NUMBERS: u32 = 5;

const LOOKERS: &[Role] = &[Role::Custodian, Role::Auditor];

impl Session<'_> {
    pub(super) fn proposals(&self) -> Result<Response, Denial> {
        self.allow(LOOKERS, "the proposals that are open")?;
        Ok(Response::Proposals(self.vault.look(|state| state.open_proposals())?))
    }

    /// The definitions of all purposes: whoever holds a role may know what it may do.
    pub(super) fn purposes(&self) -> Result<Response, Denial> {
        self.asker()?;
        let purposes = self.vault.look(|state| {
            let definitions: Vec<_> = state.purposes.values().map(|of| &of.definition).collect();
            serde_json::to_string(&definitions)
        })?;
        let odd = |_| Denial::Fault { what: "the purposes cannot be written".into() };
        Ok(Response::Purposes(purposes.map_err(odd)?))
    }

    pub(super) fn read_log(&self, from: u64) -> Result<Response, Denial> {
        self.allow(LOOKERS, "the log")?;
        Ok(Response::LogPage(self.vault.read_log(from)?))
    }

    /// Tells a custodian, who is to approve a proposal about one child, whether it is about the number that the custodian was
    /// told.
    pub(super) fn compare_subject(
        &mut self,
        id: String,
        identifier: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "what a proposal is about")?;
        let refused = |why: &str| refusal("compared", why);
        let open_proposal = self.vault.look(|state| state.proposals.get(&id).cloned())?;
        let open_proposal = open_proposal.ok_or_else(|| refused("no such one is open"))?;
        let proposal = self.text(&id, &open_proposal.sha256)?;
        let proposal = proposal.ok_or_else(|| refused("its text is missing or was changed"))?;
        let Some((kind, tag)) = proposal.action.child() else {
            return Err(refused("it is not about one child"));
        };
        let same = self.subject_tag(kind, identifier)? == tag;
        self.decide(|state| {
            let of = state.proposals.get(&id).ok_or_else(|| refused("no such one is open"))?;
            if of.expires.is_none_or(|last| last < today()) {
                return Err(refused(
                    "its last day is over; propose it anew with a later `--expires`",
                ));
            }
            if of.wrong_numbers >= WRONG_NUMBERS {
                return Err(refused(&format!(
                    "{WRONG_NUMBERS} wrong numbers were typed for it; propose it anew"
                )));
            }
            Ok((Event::ComparedSubject { proposal: id.clone(), same }, ()))
        })?;
        self.compared = same.then_some(id);
        Ok(Response::SubjectCompared(same))
    }
}
