//! The erasure of one child, as two custodians granted it: a disposal of one person, whose day has not come.

use std::collections::{BTreeMap, HashSet};

use minster_model::Kind;
use minster_retention::Schedule;
use minster_vault_api::{CaseDecision, Denial, Response};

use super::{Session, cases::own_kind, disposal::TakingOut, retention::schedule};
use crate::{
    approvals::{DecideCase, refusal},
    keys::Link,
    log::CaseEvent,
    open_purpose::OpenPurpose,
    purposes::today,
    retention::{Person, Persons},
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
        if of.decision != CaseDecision::GrantSeveral {
            is_one(&persons.all[place], &books).map_err(|why| refused(&why))?;
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
            parts: Vec::new(),
        };
        self.take_out(of, &leaving, &mut books)
    }
}

/// Whether all that rows show of a person may be one child's. Twins who stand in one row are one person by their numbers, and the
/// erasure of one would take the other.
///
/// # Errors
/// The reason why nobody can tell.
fn is_one(person: &Person, books: &OpenPurpose) -> Result<(), String> {
    let own: HashSet<&Link> = person.own.iter().collect();
    let mut by_kind: BTreeMap<&Kind, u64> = BTreeMap::new();
    for (_, kind) in books.registry.records().filter(|(link, _)| own.contains(link)) {
        *by_kind.entry(kind).or_default() += 1;
    }
    let numbers = by_kind.values().copied().max().unwrap_or_default();
    let births = person.births.len();
    match numbers > 1 || births > 1 {
        false => Ok(()),
        true => Err(format!(
            "rows show {numbers} numbers of one kind and {births} birth dates as one person's, who may be several children, such as twins; have \
             the services look, and propose it anew with `--several` where it is one child"
        )),
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
