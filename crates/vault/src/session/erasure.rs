//! The erasure of one child, as two custodians granted it: a disposal of one person, whose day has not come.

use std::collections::BTreeMap;

use minster_retention::Schedule;
use minster_vault_api::{Denial, Response};

use super::{Session, cases::own_kind, disposal::TakingOut, retention::schedule};
use crate::{
    approvals::{DecideCase, refusal},
    log::CaseEvent,
    purposes::today,
    retention::Persons,
    vault::in_use,
};

impl Session<'_> {
    /// Disposes of the person whose number a case is about. A hold, or whatever else keeps records, is looked at here, once two custodians
    /// approved it: one alone learns nothing of the child.
    pub(super) fn erase(&self, proposal: String, of: &DecideCase) -> Result<Response, Denial> {
        let (vault, keys) = (self.vault, self.vault.keys());
        let refused = |why: &str| refusal("carried out", why);
        let subject = self.case_subject(&of.case)?;
        let schedule_sha256 = of.schedule_sha256.as_deref().unwrap_or_default();
        let proposed = self.proposed_disposal(&proposal, schedule_sha256, |numbers| {
            numbers.iter().eq([&subject.link])
        })?;
        let parsed: Schedule = schedule(&proposed.schedule)?;
        own_kind(&parsed, &subject.kind).map_err(refused)?;
        let books = vault.books(&of.purpose)?;
        let mut books = in_use(&books)?;
        let version = self.may_dispose(&proposal, &of.purpose)?;
        let held = self.held_back(&of.purpose)?;
        let persons = Persons::gather(&parsed, &books, keys).map_err(super::fault)?;
        let place = persons.all.iter().position(|person| person.own.contains(&subject.link));
        let Some(place) = place else {
            drop(books);
            let step = CaseEvent::NoRecord { case: of.case.clone(), proposal: proposal.clone() };
            let answer = self.settle(step)?;
            self.forget_proposed(&proposal)?;
            return Ok(answer);
        };
        if let Some(by) = held.on(&persons.all[place], &parsed, keys) {
            return Err(refused(&kept_by(&by)));
        }
        let leaving = self.leaving(&persons, [place].into_iter(), (&of.purpose, &books.births));
        let of = TakingOut {
            id: proposal,
            purpose: &of.purpose,
            version,
            schedule: (&parsed, schedule_sha256),
            until: today(),
            by_category: BTreeMap::new(),
            case: Some(of.case.clone()),
            held: &held,
            no_longer_due: 0,
        };
        self.take_out(of, &leaving, &mut books)
    }
}

/// The next step of custodians where something keeps the records.
fn kept_by(by: &str) -> String {
    let lift = match by {
        "legal hold" => {
            "a legal hold keeps the child's records: lift it first (`minster-vault retention plan` lists the holds)".to_owned()
        }
        "restriction" => {
            "a restriction keeps the child's records: lift it first (`minster-vault cases --all` lists the restrictions)".to_owned()
        }
        category => format!(
            "a moratorium on {category} keeps the child's records: lift it first (`minster-vault retention plan` lists the holds)"
        ),
    };
    format!("{lift}, or refuse the case")
}
