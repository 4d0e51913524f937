//! The retention schedule at the vault: what is due, and what is held back.

use jiff::civil::Date;
use minster_model::{Purpose, Role};
use minster_retention::{CategoryName, Schedule};
use minster_vault_api::{Denial, Response};

use super::{Session, approvals::made, check_reference, fault};
use crate::{
    approvals::{Action, Proposal, refusal, sha256},
    log::{Event, Held},
    open_purpose::OpenPurpose,
    retention::{Assessment, HeldBack, Persons},
    vault::in_use,
};

/// A schedule's text is no longer.
const LONGEST_SCHEDULE: usize = 256 << 10;

impl Session<'_> {
    /// Tells a custodian or an auditor what is due. Small counts are hidden; the answer tells of no single person.
    pub(super) fn plan_retention(
        &mut self,
        purpose: Purpose,
        text: &str,
        until: &str,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian, Role::Auditor], "what is due")?;
        let schedule = schedule(text)?;
        let until = day(until)?;
        self.vault.live_purpose(&purpose)?;
        let held = self.held_back(&purpose)?;
        let books = self.vault.books(&purpose)?;
        let (persons, assessed) = {
            let books = in_use(&books)?;
            self.assess(&schedule, until, &held, &books)?
        };
        let schedule_sha256 = sha256(text);
        self.decide(|state| {
            state.live(&purpose)?;
            let of = (&purpose, &schedule, schedule_sha256.clone());
            let plan = assessed.plan(&persons, of, until, state.standing_holds());
            let event = Event::PlannedRetention {
                purpose: purpose.clone(),
                schedule: schedule_sha256,
                until: until.to_string(),
            };
            Ok((event, Response::RetentionPlan(plan)))
        })
    }

    /// All persons of a purpose, assessed.
    pub(super) fn assess(
        &self,
        schedule: &Schedule,
        until: Date,
        held: &HeldBack,
        books: &OpenPurpose,
    ) -> Result<(Persons, Assessment), Denial> {
        let persons = Persons::gather(schedule, books, self.vault.keys()).map_err(fault)?;
        let assessed = Assessment::of(&persons, (schedule, until), held, self.vault.keys());
        Ok((persons, assessed))
    }

    /// The holds and, for a purpose, the restrictions that stand now. A hold whose proposal is gone or was changed holds nobody that could be named: nothing is planned then.
    pub(super) fn held_back(&self, purpose: &Purpose) -> Result<HeldBack, Denial> {
        let mut held = HeldBack::default();
        for (case, subject) in self.restricting(purpose)? {
            held.restricting.insert(case);
            held.restricted.insert(subject.link);
        }
        for (id, hold) in self.vault.look(|state| state.holds.clone())? {
            held.ids.insert(id.clone());
            match hold.category {
                Some(category) => drop(held.categories.insert(category)),
                None => match self.text(&id, &hold.sha256)?.map(|proposal| proposal.action) {
                    Some(Action::Hold { tag, .. }) => {
                        held.tags.entry(tag).or_default().insert(id);
                    }
                    _ => {
                        let what = format!(
                            "the hold {id} cannot be read, so nobody can say whom it keeps; put proposals/{id} back from a copy \
                                 of the vault's folder"
                        );
                        return Err(Denial::Fault { what });
                    }
                },
            }
        }
        Ok(held)
    }

    /// A moratorium as it is proposed.
    pub(super) fn moratorium(
        &self,
        category: &str,
        ordered_by: String,
        text: &str,
    ) -> Result<Action, Denial> {
        let category: CategoryName = category.parse().map_err(|why: String| made(&why))?;
        let schedule = schedule(text)?;
        if schedule.category(&category).is_none() {
            return Err(made(&format!(
                "the schedule has no category {category}, so it would hold nobody; its `[[category]]` rows name them"
            )));
        }
        check_reference(&ordered_by)
            .map_err(|_| made("whoever ordered it is named by 1 to 40 letters, digits, '-', '_', '/' and '.': it is logged"))?;
        Ok(Action::Moratorium { category, ordered_by })
    }

    /// The end of a hold as it is proposed.
    pub(super) fn lifted(&self, hold: String) -> Result<Action, Denial> {
        match self.vault.look(|state| state.holds.contains_key(&hold))? {
            true => Ok(Action::LiftHold { hold }),
            false => Err(made("no such hold stands")),
        }
    }

    /// The entry of a hold that custodians approved.
    pub(super) fn held(&self, id: String, proposal: &Proposal) -> Result<Event, Denial> {
        let text = proposal.text().map_err(fault)?;
        let (category, ordered_by) = match &proposal.action {
            Action::Moratorium { category, ordered_by } => {
                (Some(category.clone()), Some(ordered_by.clone()))
            }
            _ => (None, None),
        };
        let (sha256, reference) = (sha256(&text), proposal.reference.clone());
        Ok(Event::Held(Held { proposal: id, sha256, reference, category, ordered_by }))
    }
}

/// A schedule's text, parsed.
pub(super) fn schedule(text: &str) -> Result<Schedule, Denial> {
    if text.len() > LONGEST_SCHEDULE {
        return Err(refusal("made", "the schedule is longer than 256 KiB"));
    }
    text.parse().map_err(|why| made(&format!("the schedule is refused: {why}")))
}

/// A day.
pub(super) fn day(text: &str) -> Result<Date, Denial> {
    text.parse().map_err(|_| made("its last day is no date (YYYY-MM-DD)"))
}
