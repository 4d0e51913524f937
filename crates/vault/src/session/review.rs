//! Clerical review: pairs go out to reviewers whom custodians approved, and their signed decisions come back.

use minster_model::{Purpose, Role};
use minster_vault_api::{Denial, Response, SignedDecisions};

use super::Session;
use crate::{approvals::CustodianKey, keys::hex, log::Event, state::State};

impl Session<'_> {
    pub(super) fn give_review(
        &self,
        purpose: Purpose,
        reviewer: String,
        pairs: u64,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "pairs to be judged")?;
        let role = self.asker()?.role;
        self.decide(|state| {
            find(state, role, &purpose, &reviewer)?;
            Ok((Event::GaveReview { purpose, reviewer, pairs }, Response::ReviewLogged))
        })
    }

    pub(super) fn take_review(&self, decisions: SignedDecisions) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "decisions of a reviewer")?;
        let role = self.asker()?.role;
        self.decide(|state| {
            let key = find(state, role, &decisions.purpose, &decisions.reviewer)?;
            if !key.verify_review(&decisions) {
                let why = "the signature is not this reviewer's under this file";
                return Err(Denial::Review { why: why.into() });
            }
            let SignedDecisions { purpose, reviewer, sha256, signature, decisions } = decisions;
            let signature = hex(&signature);
            let event = Event::TookReview { purpose, reviewer, sha256, signature, decisions };
            Ok((event, Response::ReviewLogged))
        })
    }
}

/// A reviewer whom custodians approved for a purpose.
fn find<'a>(
    state: &'a State,
    role: Role,
    purpose: &Purpose,
    name: &str,
) -> Result<&'a CustodianKey, Denial> {
    let found = state.open_to(role, purpose)?.reviewers.iter().find(|one| one.name == name);
    let why = "custodians approved no reviewer of this name for the purpose (`minster-vault request reviewers`)";
    found.ok_or_else(|| Denial::Review { why: why.into() })
}
