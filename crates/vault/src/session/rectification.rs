//! Rectification: proposed by one custodian, compared and signed by two, carried out, and kept sealed.

use minster_model::Role;
use minster_vault_api::{CarriedOut, CaseDecision, Correction, Denial, Response, Right};

use super::{Session, approvals::made, fault, runs::LONGEST};
use crate::{
    approvals::{Action, DecideCase, RECTIFY, refusal},
    keys::{Link, hex},
    log::{CaseEvent, hash},
    rectification::{self, FOLDER, Links, words_of},
    vault::in_use,
};

impl Session<'_> {
    /// The keyed hash that stands for a correction in its proposal.
    fn correction_tag(
        &self,
        of: &Correction,
        purpose: &minster_model::Purpose,
    ) -> Result<String, Denial> {
        let text = rectification::text(of).map_err(fault)?;
        Ok(hex(&self.vault.keys().retention_key("correction", purpose).hash(&text)))
    }

    /// A rectification as it is proposed. Whether the correction is about the case's child is looked at once two custodians approved
    /// it: one alone learns nothing of the child.
    pub(super) fn rectify_decision(
        &self,
        case: String,
        correction: &Correction,
    ) -> Result<Action, Denial> {
        let of = self.vault.look(|state| {
            let of = state.cases.get(&case).ok_or_else(|| made("no such case is there"))?;
            of.may_be(CaseDecision::Rectify, state.day()).map_err(|why| made(&why))?;
            Ok::<_, Denial>(of.clone())
        })??;
        let subject = self.case_subject(&case)?;
        rectification::check(correction, &subject.kind, LONGEST).map_err(|why| made(&why))?;
        let purpose = self.vault.live_purpose(&of.purpose)?;
        let sources = correction.numbers.iter().map(|of| &of.source);
        for source in sources.chain(correction.values.iter().map(|of| &of.source)) {
            purpose.allow_source(source)?;
        }
        let decided = DecideCase {
            case,
            right: Right::Rectification,
            case_reference: of.reference,
            received: of.received,
            decision: CaseDecision::Rectify,
            due: None,
            schedule_sha256: None,
            correction: Some(self.correction_tag(correction, &of.purpose)?),
            purpose: of.purpose,
            tag: self.vault.keys().tag_of(&subject.link),
            kind: subject.kind,
        };
        Ok(Action::DecideCase(decided))
    }

    /// Keeps what a proposal is about until it is carried out.
    pub(super) fn keep_correction(&self, id: &str, of: &Correction) -> Result<(), Denial> {
        let plain = rectification::write_words(of).map_err(fault)?;
        self.vault.write_sealed(FOLDER, &rectification::proposed(id), &plain).map_err(fault)
    }

    /// Compares a correction with that of a proposal. A wrong one counts as a wrong number does.
    pub(super) fn compare_correction(
        &mut self,
        id: String,
        correction: &Correction,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "what a proposal is about")?;
        let same = self.gave_the_same(&id, "or corrections were given", |action| {
            let Action::DecideCase(DecideCase { correction: Some(tag), purpose, .. }) = action
            else {
                return Err(refusal("compared", "it corrects nothing"));
            };
            Ok(self.correction_tag(correction, purpose)? == *tag)
        })?;
        self.compared_correction = same.then_some(id);
        Ok(Response::SubjectCompared(same))
    }

    /// Whether whoever approves a proposal gave the correction that it is about, where it is about one.
    ///
    /// # Errors
    /// The reason why it is not signed yet.
    pub(super) fn has_compared(&self, action: &str, proposal: &str) -> Result<(), &'static str> {
        match action == RECTIFY && self.compared_correction.as_deref() != Some(proposal) {
            false => Ok(()),
            true => Err(
                "it corrects a child's records: whoever approves it gives the correction as told to them, and the vault compares (`--correction`)",
            ),
        }
    }

    /// Carries out a correction that two custodians approved.
    pub(super) fn rectify(&self, proposal: String, of: &DecideCase) -> Result<Response, Denial> {
        let refused = |why: &str| refusal("carried out", why);
        let (vault, keys) = (self.vault, self.vault.keys());
        let missing = || refused("what it corrects is missing or was changed; propose it anew");
        let aside = rectification::proposed(&proposal);
        let plain = vault.read_sealed(FOLDER, &aside).map_err(fault)?;
        let correction = plain.and_then(|plain| rectification::read_words(&plain));
        let correction = correction.ok_or_else(missing)?;
        if of.correction.as_ref() != Some(&self.correction_tag(&correction, &of.purpose)?) {
            return Err(missing());
        }
        let subject = self.case_subject(&of.case)?;
        let link_key = keys.link_key(&subject.kind);
        let right = correction.number.iter().next().map(|number| link_key.link(number));
        if right != Some(subject.link) {
            return Err(refused(
                "the child's number in the correction is not the one of the case; propose it anew with the case's number",
            ));
        }
        let links = Links::of(&correction, &link_key, &keys.beside_key(&of.purpose));
        let links = links.ok_or_else(missing)?;
        let is_held = {
            let books = vault.books(&of.purpose)?;
            let books = in_use(&books)?;
            let mut numbers = links.numbers.iter().map(|of| &of.wrong).chain([&subject.link]);
            numbers.any(|link| books.registry.find(link).is_some())
        };
        let case = of.case.clone();
        let answer = match is_held {
            false => self.settle(CaseEvent::NoRecord { case, proposal }),
            true => {
                let words = rectification::write_words(&correction).map_err(fault)?;
                let plain = links.write().map_err(fault)?;
                vault.write_sealed(FOLDER, &words_of(&case), &words).map_err(fault)?;
                vault.write_sealed(FOLDER, &case, &plain).map_err(fault)?;
                let (links, words) = (hash(&plain), hash(&words));
                self.settle(CaseEvent::Rectified { case, proposal, links, words })
            }
        };
        let answer = answer?;
        vault.disk().remove(&vault.path().join(FOLDER).join(&aside)).map_err(fault)?;
        debug_assert!(matches!(answer, Response::Enacted(CarriedOut::Done | CarriedOut::NoRecord)));
        Ok(answer)
    }

    /// Removes what a case corrected, where it stands no more.
    pub(super) fn forget_correction(&self, case: &str) -> Result<(), Denial> {
        if self.vault.look(|state| state.cases.corrects(case))? {
            return Ok(());
        }
        for name in [case.to_owned(), words_of(case)] {
            self.forget_file(&name)?;
        }
        Ok(())
    }

    pub(super) fn forget_file(&self, name: &str) -> Result<(), Denial> {
        let path = self.vault.path().join(FOLDER).join(name);
        match path.exists() {
            true => self.vault.disk().remove(&path).map_err(fault),
            false => Ok(()),
        }
    }

    /// Removes the words of corrections of children whose records were disposed of. The links stay: rows with a wrong number are no
    /// other child's.
    pub(super) fn forget_words(
        &self,
        purpose: &minster_model::Purpose,
        is_gone: impl Fn(&Link) -> bool,
    ) -> Result<(), Denial> {
        for standing in self.vault.look(|state| state.cases.correcting(purpose))? {
            if is_gone(&self.case_subject(&standing.case)?.link) {
                self.forget_file(&words_of(&standing.case))?;
            }
        }
        Ok(())
    }
}
