//! The things that custodians and auditors look at: open proposals, the log, and whether a proposal is about the child they were told of.

use minster_model::Role;
use minster_vault_api::{Denial, IdentifierBatch, Response};

use super::Session;
use crate::{
    approvals::{Action, refusal},
    log::Event,
    purposes::today,
};

/// Wrong numbers that may be typed for one proposal. A custodian mistypes; whoever tries out numbers does not get far.
const WRONG_NUMBERS: u32 = 5;

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
        let same = self.gave_the_same(&id, "were typed", |action| {
            let Some((kind, tag)) = action.child() else {
                return Err(refusal("compared", "it is not about one child"));
            };
            Ok(self.subject_tag(kind, identifier)? == tag)
        })?;
        self.compared = same.then_some(id);
        Ok(Response::SubjectCompared(same))
    }

    /// Compares something with an open proposal, and logs whether it is the same. `given` ends the refusal of too many wrong ones.
    pub(super) fn gave_the_same(
        &self,
        id: &str,
        given: &str,
        is_same: impl FnOnce(&Action) -> Result<bool, Denial>,
    ) -> Result<bool, Denial> {
        let refused = |why: &str| refusal("compared", why);
        let open = self.vault.look(|state| state.proposals.get(id).cloned())?;
        let open = open.ok_or_else(|| refused("no such one is open"))?;
        let proposal = self.text(id, &open.sha256)?;
        let proposal = proposal.ok_or_else(|| refused("its text is missing or was changed"))?;
        let same = is_same(&proposal.action)?;
        self.decide(|state| {
            let of = state.proposals.get(id).ok_or_else(|| refused("no such one is open"))?;
            if of.expires.is_none_or(|last| last < today()) {
                return Err(refused(
                    "its last day is over; propose it anew with a later `--expires`",
                ));
            }
            if of.wrong_numbers >= WRONG_NUMBERS {
                return Err(refused(&format!(
                    "{WRONG_NUMBERS} wrong numbers {given} for it; propose it anew"
                )));
            }
            Ok((Event::ComparedSubject { proposal: id.to_owned(), same }, ()))
        })?;
        Ok(same)
    }
}
