//! Cases of children's rights: opened by one custodian, decided by two, closed with a receipt when the answer is sent.

use jiff::civil::Date;
use minster_model::{DatasetRef, Kind, Purpose, Role};
use minster_retention::Schedule;
use minster_vault_api::{
    CarriedOut, CaseDecision, Denial, IdentifierBatch, ListedPseudonyms, NewCase, Response,
    RestrictedList, Right,
};

use super::{Session, approvals::made, check_reference, fault, retention::schedule};
use crate::{
    approvals::{Action, DecideCase, refusal, sha256},
    cases::{CaseSubject, EXTENDED_MONTHS, FOLDER, LONGEST_AGO, MONTHS, due},
    log::{CaseEvent, Event, hash},
    purposes::today,
    retention::Proposed,
    state::{Case, State, is_of_children},
    vault::in_use,
};

/// Cases in one answer: some 500 bytes each.
const PAGE: usize = 1_000;
/// Cases that are open at one time. A council that has more has another fault than this program can mend.
const MOST_OPEN: usize = 1_000;
/// Those among them that one uid opened, so that no custodian alone shuts the register for the others.
const MOST_OPEN_EACH: usize = 400;

fn opened(why: &str) -> Denial {
    Denial::Case { what: "opened".into(), why: why.into() }
}

fn told(why: &str) -> Denial {
    Denial::Case { what: "told of".into(), why: why.into() }
}

impl Session<'_> {
    /// Opens a case. Whether the purpose holds the child is not looked at: one custodian learns nothing of it.
    pub(super) fn open_case(&mut self, new: NewCase) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "opening a case")?;
        let NewCase { right, purpose, received, reference, kind, identifier } = new;
        check_reference(&reference).map_err(opened)?;
        let received: Date = received
            .parse()
            .map_err(|_| opened("the day it was received is no date (YYYY-MM-DD)"))?;
        let ago = (today() - received).get_days();
        if !(0..=LONGEST_AGO).contains(&ago) {
            return Err(opened(&format!(
                "the day it was received is today at the latest, and at most {LONGEST_AGO} days ago: look at the year"
            )));
        }
        let allows = self.vault.live_purpose(&purpose)?.definition.allows_kind(&kind);
        if !allows || kind.is_linkage() || kind.is_match_key() {
            return Err(opened("its number is of a kind that the purpose does not name"));
        }
        let subject = CaseSubject { link: self.one_link(&kind, &identifier)?, kind };
        let uid = self.asker()?.uid;
        let (open, own) = self.vault.look(|state| state.cases.open(uid))?;
        if open >= MOST_OPEN || own >= MOST_OPEN_EACH {
            return Err(opened(&format!(
                "{MOST_OPEN} are open at most, and {MOST_OPEN_EACH} that one account opened; close those that were answered \
                 (`minster-vault case close`)"
            )));
        }
        let undecided: Vec<_> = self.vault.look(|state| {
            let all = state.cases.undecided(right, &purpose);
            all.map(|(id, case)| (id.clone(), case.sha256.clone())).collect()
        })?;
        for (other, sha256) in undecided {
            if self.subject_of(&other, &sha256)?.link == subject.link {
                return Err(opened(&format!(
                    "the case {other} is about the same child, right and purpose, and is not decided yet"
                )));
            }
        }
        let plain = subject.write().map_err(fault)?;
        let sha256 = hash(&plain);
        let case = sha256[..16].to_owned();
        self.vault.write_sealed(FOLDER, &case, &plain).map_err(fault)?;
        let event = CaseEvent::Opened {
            case: case.clone(),
            right,
            purpose: purpose.clone(),
            received,
            due: due(received, MONTHS),
            reference,
            sha256,
        };
        self.decide(|state| {
            state.live(&purpose)?;
            Ok((Event::Case(event), ()))
        })?;
        self.told_case(&case)
    }

    fn told_case(&self, case: &str) -> Result<Response, Denial> {
        let status = self.vault.look(|state| state.told_case(case))?;
        let status = status.ok_or_else(|| told("no such case is there"))?;
        Ok(Response::Cases(vec![status]))
    }

    /// A page of the cases.
    pub(super) fn cases(&self, all: bool, page: u32) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian, Role::Auditor], "cases of children's rights")?;
        let before = (page as usize).saturating_mul(PAGE);
        let told = self.vault.look(|state| state.told_cases(all))?;
        Ok(Response::Cases(told.into_iter().skip(before).take(PAGE).collect()))
    }

    /// Closes a case whose answer was sent, and signs its receipt.
    pub(super) fn close_case(&mut self, case: String, answered: &str) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "closing a case")?;
        let no_date = "the day of the answer is no date (YYYY-MM-DD)";
        let answered: Date = answered
            .parse()
            .map_err(|_| Denial::Case { what: "closed".into(), why: no_date.into() })?;
        let event = Event::Case(CaseEvent::Closed { case: case.clone(), answered });
        self.decide(|_| Ok((event, ())))?;
        self.signed_case(&case)
    }

    /// The receipt of a case that was closed, once more.
    pub(super) fn case_receipt(&mut self, case: &str) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian, Role::Auditor], "the receipt of a case")?;
        self.signed_case(case)
    }

    /// The receipt as the log has it, signed: the same each time.
    fn signed_case(&self, case: &str) -> Result<Response, Denial> {
        let of = |state: &State| {
            let (status, of) = (state.told_case(case)?, state.cases.get(case)?);
            status.answered.as_ref()?;
            Some(serde_json::json!({
                "format": 1,
                "store_id": self.vault.keys().store_id(),
                "case": case,
                "reference": status.reference,
                "right": status.right,
                "purpose": status.purpose,
                "received": status.received,
                "due": status.due,
                "extended": status.extended,
                "outcome": status.outcome,
                "ground": status.ground,
                "decided": of.settled.map(|day| day.to_string()),
                "decided_by": of.signed,
                "disposal_list": of.list,
                "answered": status.answered,
                "closed": of.closed.map(|day| day.to_string()),
            }))
        };
        let receipt = self.vault.look(of)?;
        let receipt = receipt.ok_or_else(|| told("it is not closed, or not there"))?;
        self.signed("a receipt", &receipt)
    }

    /// A decision as it is proposed. A schedule comes with it where records are disposed of.
    pub(super) fn case_decision(
        &self,
        case: String,
        decision: CaseDecision,
        text: Option<String>,
    ) -> Result<(Action, Option<Proposed>), Denial> {
        let of: Case = self.vault.look(|state| {
            let of = state.cases.get(&case).ok_or_else(|| made("no such case is there"))?;
            of.may_be(decision, state.day()).map_err(|why| made(&why))?;
            Ok::<_, Denial>(of.clone())
        })??;
        let subject = self.subject_of(&case, &of.sha256)?;
        let grants = matches!(decision, CaseDecision::Grant | CaseDecision::GrantSeveral);
        let disposes = grants && of.right.disposes();
        // A number that is nobody's own, such as a case's, stands on no row about a person: it would keep nobody out.
        let asks = disposes || (grants && of.right == Right::Restriction);
        let schedule_sha256 = text.as_deref().map(sha256);
        let proposed = match (asks, text) {
            (true, None) => {
                return Err(made(
                    "it is about one person, and needs the retention schedule, which names the kinds of a person's own numbers (`--schedule`)",
                ));
            }
            (false, Some(_)) => return Err(made("it disposes of nothing, and needs no schedule")),
            (false, None) => None,
            (true, Some(text)) => {
                own_kind(&schedule(&text)?, &subject.kind).map_err(made)?;
                if disposes {
                    let may = |state: &State| state.live(&of.purpose).map(|of| of.may_dispose());
                    self.vault.look(may)??.map_err(|why| made(&why))?;
                }
                disposes.then(|| Proposed { schedule: text, numbers: [subject.link].into() })
            }
        };
        let decided = DecideCase {
            case,
            right: of.right,
            purpose: of.purpose,
            case_reference: of.reference,
            received: of.received,
            decision,
            due: (decision == CaseDecision::Extend).then(|| due(of.received, EXTENDED_MONTHS)),
            schedule_sha256,
            correction: None,
            tag: self.vault.keys().tag_of(&subject.link),
            kind: subject.kind,
        };
        Ok((Action::DecideCase(decided), proposed))
    }

    /// The withdrawal of a case as it is proposed.
    pub(super) fn withdrawal(&self, case: String) -> Result<Action, Denial> {
        let of = self.withdrawable(&case, None).map_err(|why| made(&why))?;
        Ok(Action::WithdrawCase {
            case,
            restricts: of.restricts(),
            case_reference: of.reference,
            right: of.right,
            purpose: of.purpose,
            received: of.received,
        })
    }

    /// Carries out a withdrawal that two custodians approved, of a case that is as they saw it.
    pub(super) fn withdraw(
        &self,
        case: String,
        restricts: bool,
        proposal: String,
    ) -> Result<Response, Denial> {
        self.withdrawable(&case, Some(restricts)).map_err(|why| refusal("carried out", &why))?;
        self.settle(CaseEvent::Withdrawn { case, proposal })
    }

    /// A case that may be taken back: nobody decided it, or it restricts a child whom nobody can name any more.
    fn withdrawable(&self, case: &str, seen: Option<bool>) -> Result<Case, String> {
        let of = self.vault.look(|state| state.cases.get(case).cloned());
        let of = of.map_err(|denied| denied.to_string())?.ok_or("no such case is there")?;
        of.may_be_withdrawn()?;
        if seen.is_some_and(|restricts| restricts != of.restricts()) {
            return Err("it was decided since; propose anew".to_owned());
        }
        let stands = of.restricts() || of.corrects();
        match stands && self.subject_of(case, &of.sha256).is_ok() {
            true => {
                Err("a restriction or a correction of it stands, and its child is known: `decide lift` ends it, \
                with the child's number"
                    .to_owned())
            }
            false => Ok(of),
        }
    }

    /// Carries out what two custodians approved of a case.
    pub(super) fn decide_case(
        &self,
        proposal: String,
        of: &DecideCase,
    ) -> Result<Response, Denial> {
        let case = of.case.clone();
        self.vault.look(|state| {
            let refused = |why: &str| refusal("carried out", why);
            let found = state.cases.get(&case).ok_or_else(|| refused("no such case is there"))?;
            found.may_be(of.decision, state.day()).map_err(|why| refused(&why))
        })??;
        let step = match (of.decision, of.right) {
            (CaseDecision::Extend, _) => {
                CaseEvent::Extended { case, proposal, due: due(of.received, EXTENDED_MONTHS) }
            }
            (CaseDecision::Refuse(ground), _) => CaseEvent::Refused { case, proposal, ground },
            (CaseDecision::Rectify, _) => return self.rectify(proposal, of),
            (CaseDecision::Lift, _) => CaseEvent::Lifted { case, proposal },
            (CaseDecision::Grant, Right::Access | Right::Rectification) => {
                CaseEvent::Granted { case, proposal }
            }
            (CaseDecision::GrantSeveral, _)
            | (CaseDecision::Grant, Right::Erasure | Right::Objection) => {
                return self.erase(proposal, of);
            }
            (CaseDecision::Grant, Right::Restriction) => {
                let subject = self.case_subject(&case)?;
                let books = self.vault.books(&of.purpose)?;
                let is_held = in_use(&books)?.registry.find(&subject.link).is_some();
                match is_held {
                    true => CaseEvent::Restricted { case, proposal },
                    false => CaseEvent::NoRecord { case, proposal },
                }
            }
        };
        self.settle(step)
    }

    /// Enters a step that carries a proposal out, and removes what says whom the case is about where nobody asks for it any more.
    pub(super) fn settle(&self, step: CaseEvent) -> Result<Response, Denial> {
        let carried_out = match step {
            CaseEvent::NoRecord { .. } => CarriedOut::NoRecord,
            _ => CarriedOut::Done,
        };
        let case = step.case().to_owned();
        self.once(Event::Case(step))?;
        self.forget_subject(&case)?;
        self.forget_correction(&case)?;
        Ok(Response::Enacted(carried_out))
    }

    /// Removes what says whom a case is about, unless somebody asks for it.
    pub(super) fn forget_subject(&self, case: &str) -> Result<(), Denial> {
        let path = self.vault.path().join(FOLDER).join(case);
        let is_wanted = self.vault.look(|state| state.cases.asks_for_subject(case))?;
        match is_wanted || !path.exists() {
            true => Ok(()),
            false => self.vault.disk().remove(&path).map_err(fault),
        }
    }

    /// The number that a case is about.
    pub(super) fn case_subject(&self, case: &str) -> Result<CaseSubject, Denial> {
        let sha256 = self.vault.look(|state| state.cases.get(case).map(|of| of.sha256.clone()))?;
        let sha256 = sha256.ok_or_else(|| refusal("carried out", "no such case is there"))?;
        self.subject_of(case, &sha256)
    }

    fn subject_of(&self, case: &str, sha256: &str) -> Result<CaseSubject, Denial> {
        let plain = self.vault.read_sealed(FOLDER, case).map_err(fault)?;
        let plain = plain.filter(|plain| hash(plain) == sha256);
        plain.and_then(|plain| CaseSubject::read(&plain)).ok_or_else(|| Denial::Fault {
            what: format!(
                "the case {case} cannot be read, so nobody can say whom it is about; put {FOLDER}/{case} back from a copy of the vault's folder, or \
                 have two custodians take the case back (`minster-vault request … decide withdraw`) and open it anew"
            ),
        })
    }

    /// The cases of a purpose whose restrictions stand, and whom they are about.
    pub(super) fn restricting(
        &self,
        purpose: &Purpose,
    ) -> Result<Vec<(String, CaseSubject)>, Denial> {
        let standing = self.vault.look(|state| state.cases.restricting(purpose))?;
        let read = |(case, sha256): (String, String)| {
            let subject = self.subject_of(&case, &sha256)?;
            Ok((case, subject))
        };
        standing.into_iter().map(read).collect()
    }

    /// Tells the linker the children whose processing is restricted, as pseudonyms of a purpose.
    pub(super) fn restricted(&mut self, purpose: Purpose) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "the children whose processing is restricted")?;
        let role = self.asker()?.role;
        let standing = self.restricting(&purpose)?;
        let told = purpose.clone();
        let list = self.decide(|state| {
            let of = state.open_to(role, &purpose)?;
            if !state.cases.restricting(&purpose).keys().eq(standing.iter().map(|(case, _)| case)) {
                return Err(super::out_of_order("a restriction changed meanwhile; ask again"));
            }
            let digest = state.cases.restricted_digest(&purpose);
            let mut list = RestrictedList { digest, ..RestrictedList::default() };
            if !standing.is_empty() {
                let keys = self.vault.keys();
                for (version, _) in of.versions().filter(|(_, retired)| !retired) {
                    let pseudonym = |(_, of): &(String, CaseSubject)| {
                        keys.purpose_key(&purpose, version, &of.kind).pseudonym(&of.link)
                    };
                    let mut pseudonyms: Vec<_> = standing.iter().map(pseudonym).collect();
                    pseudonyms.sort_unstable();
                    pseudonyms.dedup();
                    let bytes = pseudonyms.iter().flat_map(|one| *one.as_bytes()).collect();
                    list.versions.push(ListedPseudonyms { version, bytes });
                }
            }
            let versions = list.versions.len() as u64;
            Ok((Event::ReadRestricted { purpose, versions }, list))
        })?;
        self.restricted = Some((told, list.digest.clone()));
        Ok(Response::Restricted(list))
    }

    /// The list of restricted children that was told in this conversation, where a dataset is the children's and that list was of
    /// somebody. Another conversation's list says nothing of how these children were linked.
    pub(super) fn linked_without(&self, dataset: &DatasetRef) -> Option<String> {
        let (purpose, digest) = self.restricted.as_ref()?;
        let is_told = is_of_children(dataset) && *purpose == dataset.purpose && !digest.is_empty();
        is_told.then(|| digest.clone())
    }

    fn one_link(
        &self,
        kind: &Kind,
        identifier: &IdentifierBatch,
    ) -> Result<crate::keys::Link, Denial> {
        let one = identifier.iter().next().filter(|one| !one.is_empty());
        match (identifier.len() == 1 && identifier.is_well_formed(), one) {
            (true, Some(one)) => Ok(self.vault.keys().link_key(kind).link(one)),
            _ => Err(opened("it is about one number")),
        }
    }
}

/// Whether numbers of a kind are a person's own, by a schedule.
pub(super) fn own_kind(schedule: &Schedule, kind: &Kind) -> Result<(), &'static str> {
    match schedule.person_of(kind) {
        Some(_) => Ok(()),
        None => Err(
            "the schedule counts numbers of the case's kind as nobody's own (`[[person]]` has no such kind); open the case with the child's own number",
        ),
    }
}
