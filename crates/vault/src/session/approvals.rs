//! Proposals: made, approved by two custodians, carried out once by whoever made them.

use minster_model::{KeyVersion, Kind, Purpose, Role};
use minster_vault_api::{
    Approval, CarriedOut, Denial, IdentifierBatch, Proposed, ProposedAction, Response,
};

use super::{Session, check_reference, disposal::Approved, fault, out_of_order};
use crate::{
    approvals::{
        Action, CustodianKey, NEEDED, Proposal, StoppedRun, is_about_one_child, last_day, refusal,
        sha256,
    },
    keys::{hex, random},
    log::Event,
    purposes::parse_one,
    roles::{Accounts, Holder},
    state::{PurposeState, State},
    unseen::is_unseen,
};

pub(crate) const FOLDER: &str = "proposals";
const LONGEST_REASON: usize = 2_000;
/// Open proposals of one user: custodians read a list of them, and nobody reads thousands.
const MOST_OPEN: usize = 100;
const MOST_PSEUDONYMS: usize = 1_000;

/// The case of a proposal.
struct Case {
    reference: String,
    reason: String,
    expires: String,
}

impl Session<'_> {
    pub(super) fn propose(&mut self, proposed: Proposed) -> Result<Response, Denial> {
        let Proposed { action, reference, reason, expires } = proposed;
        let makers: &[Role] = match action {
            ProposedAction::Load { .. } | ProposedAction::Resume { .. } => {
                &[Role::Ingest, Role::Custodian]
            }
            _ => &[Role::Custodian],
        };
        self.allow(makers, "such a proposal")?;
        if self.vault.look(|state| state.proposed_by(self.uid))? >= MOST_OPEN {
            return Err(made(&format!(
                "a user has {MOST_OPEN} open ones at most: they end with their last day, or once they are carried out"
            )));
        }
        if let ProposedAction::Dispose { purpose, schedule, until } = action {
            return self.propose_disposal(
                Case { reference, reason, expires },
                purpose,
                schedule,
                &until,
            );
        }
        if let ProposedAction::Case { case, decision, schedule } = action {
            let (action, proposed) = self.case_decision(case, decision, schedule)?;
            return self.put(Case { reference, reason, expires }, action, |id| match proposed {
                Some(proposed) => self.keep_disposal(id, &proposed),
                None => Ok(()),
            });
        }
        if let ProposedAction::Rectify { case, correction } = action {
            let action = self.rectify_decision(case, &correction)?;
            let keep = |id: &str| self.keep_correction(id, &correction);
            return self.put(Case { reference, reason, expires }, action, keep);
        }
        if let ProposedAction::WithdrawCase { case } = action {
            let action = self.withdrawal(case)?;
            return self.put(Case { reference, reason, expires }, action, |_| Ok(()));
        }
        let listed = match &action {
            ProposedAction::ExactOnly { numbers, .. } => Some(self.links(numbers)?),
            _ => None,
        };
        let action = self.action(action)?;
        self.put(Case { reference, reason, expires }, action, |id| match listed {
            Some(listed) => self.keep_numbers(id, &listed),
            None => Ok(()),
        })
    }

    fn propose_disposal(
        &self,
        case: Case,
        purpose: Purpose,
        schedule: String,
        until: &str,
    ) -> Result<Response, Denial> {
        let (action, proposed) = self.disposal(purpose, schedule, until)?;
        self.put(case, action, |id| self.keep_disposal(id, &proposed))
    }

    /// Puts an action before the custodians; `keep` keeps what the text does not say. Gives its text.
    fn put(
        &self,
        case: Case,
        action: Action,
        keep: impl FnOnce(&str) -> Result<(), Denial>,
    ) -> Result<Response, Denial> {
        let Case { reference, reason, expires } = case;
        let expires = last_day(&expires).map_err(|why| made(&why))?;
        check_reference(&reference).map_err(made)?;
        let printable = !reason.chars().any(is_unseen);
        if reason.trim().is_empty() || reason.len() > LONGEST_REASON || !printable {
            return Err(made(
                "it needs a reason of one line, without characters that are not seen",
            ));
        }
        let proposal = Proposal {
            format: Proposal::FORMAT,
            store_id: self.vault.keys().store_id().to_owned(),
            nonce: hex(&random::<16>().map_err(fault)?),
            requester: self.uid,
            made: jiff::Timestamp::now().to_string(),
            expires,
            reference,
            reason,
            action,
        };
        let text = proposal.text().map_err(fault)?;
        let id = Proposal::id(&text);
        self.vault.write_sealed(FOLDER, &id, text.as_bytes()).map_err(fault)?;
        keep(&id)?;
        let event = Event::Proposed {
            proposal: id,
            sha256: sha256(&text),
            action: proposal.action.name().to_owned(),
            purpose: proposal.action.purpose().cloned(),
            count: proposal.action.count(),
            reference: proposal.reference,
            expires: proposal.expires.to_string(),
            about: proposal.action.about(),
            case: proposal.action.case().map(str::to_owned),
        };
        self.decide(|_| Ok((event, ())))?;
        Ok(Response::Proposal(text))
    }

    fn action(&self, proposed: ProposedAction) -> Result<Action, Denial> {
        Ok(match proposed {
            ProposedAction::Hold { kind, identifier } => {
                let tag = self.subject_tag(&kind, &identifier)?;
                Action::Hold { kind, tag }
            }
            ProposedAction::Moratorium { category, ordered_by, schedule } => {
                self.moratorium(&category, ordered_by, &schedule)?
            }
            ProposedAction::LiftHold { hold } => self.lifted(hold)?,
            ProposedAction::Grant { role, uid, until } => {
                let until = until.map(|day| day.parse()).transpose();
                let until = until.map_err(|_| made("its last day is no date, as in 2026-12-31"))?;
                let holder = Holder { role, uid, until };
                let may = |state: &State| state.may_grant(&holder, self.accounts(state));
                let may = self.vault.look(may)?;
                may.map_err(|why| made(&why))?;
                Action::GrantRole { role, uid, until }
            }
            ProposedAction::Revoke { role, uid } => {
                let may = |state: &State| state.may_revoke(role, uid, self.accounts(state));
                let may = self.vault.look(may)?;
                may.map_err(|why| made(&why))?;
                Action::RevokeRole { role, uid }
            }
            ProposedAction::Dispose { .. }
            | ProposedAction::Case { .. }
            | ProposedAction::Rectify { .. }
            | ProposedAction::WithdrawCase { .. } => {
                return Err(out_of_order("a disposal or a case is proposed alone"));
            }
            ProposedAction::Purpose(text) => {
                let definition = parse_one(&text).map_err(|why| made(&why))?;
                let may = self.vault.look(|state| state.may_name(&definition))?;
                may.map_err(|why| made(&why))?;
                Action::NamePurpose { definition }
            }
            ProposedAction::Load { purpose, source, ceiling } => {
                self.vault.live_purpose(&purpose)?.allow_source(&source)?;
                Action::AllowLoad { purpose, source, ceiling }
            }
            ProposedAction::Resume { purpose } => {
                let stopped = self.vault.live_purpose(&purpose)?.stopped;
                let stopped = stopped
                    .ok_or_else(|| made("the purpose is not stopped, so it needs no resuming"))?;
                Action::Resume { purpose, stopped: Some(stopped) }
            }
            ProposedAction::Custodians(keys) => {
                let custodians: Vec<CustodianKey> =
                    keys.into_iter().map(|(name, key)| CustodianKey { name, key }).collect();
                let good = custodians.iter().all(CustodianKey::is_well_formed);
                if !good || !CustodianKey::all_differ(&custodians) || custodians.len() < NEEDED {
                    return Err(made(
                        "it names two or more custodians, each with a key of their own",
                    ));
                }
                Action::ChangeCustodians { custodians }
            }
            ProposedAction::Reidentify { purpose, pseudonyms } => {
                self.vault.live_purpose(&purpose)?;
                if pseudonyms.is_empty() || pseudonyms.len() > MOST_PSEUDONYMS {
                    return Err(made(&format!("it is about 1 to {MOST_PSEUDONYMS} pseudonyms")));
                }
                Action::Reidentify { purpose, pseudonyms }
            }
            ProposedAction::Subject { kind, identifier } => {
                let tag = self.subject_tag(&kind, &identifier)?;
                Action::FindSubject { kind, tag }
            }
            ProposedAction::Access { kind, identifier, recipient, schedule } => {
                self.access(kind, &identifier, recipient, &schedule)?
            }
            ProposedAction::Reviewers { purpose, reviewers } => {
                self.vault.live_purpose(&purpose)?;
                let reviewers: Vec<CustodianKey> =
                    reviewers.into_iter().map(|(name, key)| CustodianKey { name, key }).collect();
                let good = reviewers.iter().all(CustodianKey::is_well_formed);
                if !good || !CustodianKey::all_differ(&reviewers) {
                    return Err(made("each reviewer has a name and a key of their own"));
                }
                Action::ChangeReviewers { purpose, reviewers }
            }
            ProposedAction::Rotate { purpose } => {
                let KeyVersion(now) = self.vault.live_purpose(&purpose)?.version;
                Action::Rotate { purpose, to: KeyVersion(now + 1) }
            }
            ProposedAction::Retire { purpose, version, give_up } => {
                let may = |state: &State| {
                    state.named(&purpose)?.may_retire(version, &give_up).map_err(|why| made(&why))
                };
                self.vault.look(may)??;
                Action::Retire { purpose, version, give_up }
            }
            ProposedAction::ExactOnly { change, numbers } => {
                let listed = self.links(&numbers)?;
                let tag = self.vault.keys().exact_only_tag(listed.links());
                Action::ChangeExactOnly { change, numbers: listed.by_kind(), tag }
            }
            ProposedAction::Snapshot { dataset, sha256 } => {
                let may = |state: &State| {
                    let PurposeState { manifests, retired, .. } = state.live(&dataset.purpose)?;
                    manifests.may_accept(&dataset, sha256.as_deref(), retired).map_err(made)
                };
                self.vault.look(may)??;
                Action::AcceptSnapshot { dataset, sha256 }
            }
            ProposedAction::OpenArchive { archive, person, recipient } => {
                self.archive_opening(archive, person, recipient)?
            }
            ProposedAction::EndPurpose { purpose, early, store_lost } => {
                self.end_of(purpose, early, store_lost)?
            }
            ProposedAction::ForgetRelease { purpose, release, period, sha256 } => {
                let may = |state: &State| {
                    let may = state.live(&purpose)?.may_forget(&release, &period, &sha256);
                    may.map_err(made)
                };
                self.vault.look(may)??;
                Action::ForgetRelease { purpose, release, period, sha256 }
            }
        })
    }

    pub(super) fn approve(&mut self, approval: Approval) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "an approval")?;
        let Approval { proposal, custodian, signature } = approval;
        let refused = |why: &str| refusal("approved", why);
        let store_id = self.vault.keys().store_id();
        let compared = self.compared.as_deref();
        let approvals = self.decide(|state| {
            let open_proposal =
                state.proposals.get(&proposal).ok_or_else(|| refused("no such one is open"))?;
            if open_proposal.expires.is_none_or(|last| last < state.day()) {
                return Err(refused("its last day is over; propose it anew with a later `--expires`"));
            }
            let key = state.custodians.iter().find(|key| key.name == custodian);
            let key = key.ok_or_else(|| refused("no custodian has this name here"))?;
            if !key.verify(store_id, &open_proposal.sha256, &signature) {
                return Err(refused("the signature is not this custodian's under this text; sign the very text with the key that is appointed"));
            }
            if open_proposal.by.contains(&custodian) {
                return Err(refused("this custodian has approved it; a second one must"));
            }
            let is_about_one = is_about_one_child(&open_proposal.action);
            if is_about_one && compared != Some(proposal.as_str()) {
                return Err(refused(
                    "it is about one child: whoever approves it types the child's number first, and the vault compares",
                ));
            }
            self.has_compared(&open_proposal.action, &proposal).map_err(refused)?;
            let approvals = open_proposal.by.len() as u32 + 1;
            let signature = hex(&signature);
            Ok((Event::Approved { proposal, custodian, signature }, approvals))
        })?;
        Ok(Response::Approved { approvals })
    }

    pub(super) fn enact(&mut self, id: &str) -> Result<Response, Denial> {
        let proposal = self.approved(id)?;
        // A user who asks a source's numbers may ask for more of them. All else is the custodians'.
        match proposal.action {
            Action::AllowLoad { .. } | Action::Resume { .. } => {
                self.allow(&[Role::Ingest, Role::Custodian], "carrying such a proposal out")?;
            }
            _ => self.allow(&[Role::Custodian], "carrying such a proposal out")?,
        }
        let changes_roles = proposal.action.about().is_some();
        let id = id.to_owned();
        let event = match proposal.action {
            Action::Hold { .. } | Action::Moratorium { .. } => self.held(id, &proposal)?,
            Action::LiftHold { hold } => Event::LiftedHold { proposal: id, hold },
            Action::GrantRole { role, uid, until } => {
                Event::GrantedRole { proposal: id, role, uid, until }
            }
            Action::RevokeRole { role, uid } => Event::RevokedRole { proposal: id, role, uid },
            Action::Dispose { purpose, until, schedule_sha256, tag, .. } => {
                return self.dispose(id, &Approved { purpose, until, schedule_sha256, tag });
            }
            Action::DecideCase(of) => return self.decide_case(id, &of),
            Action::WithdrawCase { case, restricts, .. } => {
                return self.withdraw(case, restricts, id);
            }
            Action::EndPurpose(of) => return self.begin_end(id, &of),
            Action::NamePurpose { definition } => Event::NamedPurpose { proposal: id, definition },
            Action::AllowLoad { purpose, source, ceiling } => {
                Event::AllowedLoad { proposal: id, purpose, source, ceiling }
            }
            Action::Resume { purpose, stopped } => return self.resume(id, purpose, stopped),
            Action::ChangeCustodians { custodians } => {
                Event::ChangedCustodians { proposal: id, custodians }
            }
            Action::ChangeReviewers { purpose, reviewers } => {
                Event::ChangedReviewers { proposal: id, purpose, reviewers }
            }
            Action::ChangeExactOnly { change, tag, .. } => {
                return self.change_exact_only(&id, change, &tag);
            }
            Action::AcceptSnapshot { dataset, sha256 } => {
                Event::AcceptedSnapshot { proposal: id, dataset, sha256 }
            }
            Action::ForgetRelease { purpose, release, period, sha256 } => {
                Event::ForgotRelease { proposal: id, purpose, release, period, sha256 }
            }
            Action::Rotate { purpose, to } => return self.rotate(id, &purpose, to),
            Action::Retire { purpose, version, give_up } => {
                return self.retire(id, &purpose, version, give_up);
            }
            Action::GiveAccess { .. } => {
                return Err(refusal("carried out", "it is carried out by `minster access`"));
            }
            Action::OpenArchive { .. } => {
                let by = "it is carried out by `minster-vault archive open`";
                return Err(refusal("carried out", by));
            }
            Action::Reidentify { .. } | Action::FindSubject { .. } => {
                return Err(refusal("carried out", "it is answered by `reidentify` or `subject`"));
            }
        };
        self.once(event)?;
        if changes_roles {
            // Cut from the log's end, it would undo itself unseen.
            self.vault.export_checkpoint(true).map_err(fault)?;
        }
        Ok(Response::Enacted(CarriedOut::Done))
    }

    fn accounts(&self, state: &State) -> Accounts {
        state.accounts(self.vault.shares())
    }

    /// Lets a purpose go on after the alarm that the custodians were shown, and no other.
    fn resume(
        &self,
        proposal: String,
        purpose: Purpose,
        shown: Option<StoppedRun>,
    ) -> Result<Response, Denial> {
        self.decide(|state| {
            state.approved(&proposal)?;
            let refused = |why: &str| Err(refusal("carried out", why));
            match (&state.live(&purpose)?.stopped, &shown) {
                (None, _) => return refused("the purpose is not stopped, so it needs no resuming"),
                (Some(now), Some(shown)) if now != shown => {
                    return refused("another run was stopped since; propose it anew");
                }
                _ => {}
            }
            let run = shown.as_ref().and_then(StoppedRun::resumed);
            Ok((Event::Resumed { proposal, purpose, run }, ()))
        })?;
        Ok(Response::Enacted(CarriedOut::Done))
    }

    /// The text of a proposal that two custodians approved, that is not over, and that is the caller's. It is looked at again
    /// as it is carried out: see [`Session::once`].
    pub(super) fn approved(&self, id: &str) -> Result<Proposal, Denial> {
        self.asker()?;
        let refused = |why: &str| refusal("carried out", why);
        let open_proposal = self.vault.look(|state| state.approved(id).cloned())??;
        let proposal = self.text(id, &open_proposal.sha256)?;
        let proposal = proposal.ok_or_else(|| refused("its text is missing or was changed"))?;
        if proposal.requester != self.uid {
            return Err(refused("another uid asked for it"));
        }
        Ok(proposal)
    }

    /// The text of a proposal with a SHA-256; nothing where it is missing or was changed.
    pub(super) fn text(&self, id: &str, sha256_of: &str) -> Result<Option<Proposal>, Denial> {
        let text = self.vault.read_sealed(FOLDER, id).map_err(fault)?;
        let text = text.as_deref().and_then(|text| std::str::from_utf8(text).ok());
        Ok(text.filter(|text| sha256(text) == sha256_of).and_then(Proposal::read))
    }

    /// Writes that a proposal was carried out, unless it was meanwhile, or is approved no more: other custodians may have
    /// taken over, or the purpose ended.
    pub(super) fn once(&self, event: Event) -> Result<(), Denial> {
        self.decide(|state| {
            if let Some(id) = event.carries_out() {
                state.approved(id)?;
            }
            match &event {
                Event::AllowedLoad { purpose, source, .. } => {
                    state.live(purpose)?.allow_source(source)?;
                }
                Event::NamedPurpose { definition, .. } => {
                    let may = state.may_name(definition);
                    may.map_err(|why| refusal("carried out", &why))?;
                }
                Event::AcceptedSnapshot { dataset, sha256, .. } => {
                    let PurposeState { manifests, retired, .. } = state.live(&dataset.purpose)?;
                    let may = manifests.may_accept(dataset, sha256.as_deref(), retired);
                    may.map_err(|why| refusal("carried out", why))?;
                }
                Event::GrantedRole { role, uid, until, .. } => {
                    let holder = Holder { role: *role, uid: *uid, until: *until };
                    let may = state.may_grant(&holder, self.accounts(state));
                    may.map_err(|why| refusal("carried out", &why))?;
                }
                Event::RevokedRole { role, uid, .. } => {
                    let may = state.may_revoke(*role, *uid, self.accounts(state));
                    may.map_err(|why| refusal("carried out", &why))?;
                }
                Event::ForgotRelease { purpose, release, period, sha256, .. } => {
                    let may = state.live(purpose)?.may_forget(release, period, sha256);
                    may.map_err(|why| refusal("carried out", why))?;
                }
                Event::Reidentified { purpose, .. } | Event::ChangedReviewers { purpose, .. } => {
                    state.live(purpose)?;
                }
                _ => {}
            }
            Ok((event, ()))
        })
    }

    pub(super) fn subject_tag(
        &self,
        kind: &Kind,
        identifier: &IdentifierBatch,
    ) -> Result<String, Denial> {
        if identifier.len() != 1 || !identifier.is_well_formed() {
            return Err(made("it is about one identifier"));
        }
        let one = identifier.iter().next().unwrap_or_default();
        Ok(self.vault.keys().subject_tag(kind, one))
    }
}

pub(super) fn made(why: &str) -> Denial {
    refusal("made", why)
}
