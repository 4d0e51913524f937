//! Cases of children's rights, as the log tells of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{DatasetClass, DatasetRef, Period, Purpose, SourceName};
use minster_vault_api::{
    CaseCounts, CaseDecision, CaseOutcome, CaseStatus, Denial, Ground, LastMet, Right, Turn,
};

use super::{ProposalState, State, corrections::Correcting};
use crate::{
    approvals::{NEEDED, refusal, sha256},
    cases::{EXTENDED_MONTHS, MONTHS, due},
    log::{CaseEvent, Entry, Event},
};

/// The cases.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cases(pub(super) BTreeMap<String, Case>);

/// A case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) right: Right,
    pub(crate) purpose: Purpose,
    pub(crate) received: Date,
    pub(crate) due: Date,
    pub(crate) reference: String,
    /// SHA-256 of the file that says whom it is about.
    pub(crate) sha256: String,
    stage: Stage,
    /// The day on which it was decided and carried out.
    pub(crate) settled: Option<Date>,
    /// The day on which it was closed.
    pub(crate) closed: Option<Date>,
    /// Whether a restriction that it made stands.
    restricts: bool,
    /// The correction that it made, where it stands.
    pub(super) corrects: Option<Correcting>,
    /// The word of each source's last delivery on it.
    pub(super) met: BTreeMap<SourceName, LastMet>,
    /// The custodians who decided it.
    pub(crate) signed: BTreeSet<String>,
    /// The disposal list, where records were disposed of.
    pub(crate) list: Option<String>,
    /// The uid that opened it.
    opened_by: Option<u32>,
    /// The number of its entry.
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody has decided it yet.
    Open,
    /// A disposal list is signed and not applied yet.
    Disposing,
    /// It is decided and carried out, and the answer is to be sent.
    Settled(Settlement),
    /// The answer was sent on a day; none was where two custodians took the case back.
    Closed(Settlement, Option<Date>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settlement {
    outcome: CaseOutcome,
    ground: Option<Ground>,
}

/// The integrated dataset that has a row a child.
const CHILDREN: &str = "children";

/// For each period of a purpose, the list of restricted children without whom its children were last linked. None where that list was
/// empty, or nobody knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Restrictions(BTreeMap<Period, String>);

/// Whether a dataset has a period's children; ids and other datasets that linking makes have not.
pub(crate) fn is_of_children(dataset: &DatasetRef) -> bool {
    dataset.class == DatasetClass::Integrated && dataset.name.as_str() == CHILDREN
}

impl Case {
    /// Whether the clock still runs.
    fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Closed(..))
    }

    fn settle(&mut self, outcome: CaseOutcome, ground: Option<Ground>, day: Option<Date>) {
        self.settled = day;
        self.stage = Stage::Settled(Settlement { outcome, ground });
    }

    fn extended(&self) -> bool {
        self.due != due(self.received, MONTHS)
    }

    /// Whether it can be decided so on a day.
    ///
    /// # Errors
    /// The reason why not.
    pub(crate) fn may_be(&self, decision: CaseDecision, day: Date) -> Result<(), String> {
        let refused = |why: &str| Err(why.to_owned());
        match decision {
            CaseDecision::Lift if self.restricts || self.corrects.is_some() => Ok(()),
            CaseDecision::Lift if self.right == Right::Rectification => {
                refused("no correction of this case stands")
            }
            CaseDecision::Lift => refused("no restriction of this case stands"),
            _ if self.stage != Stage::Open => refused("it is decided already"),
            CaseDecision::Extend if self.extended() => {
                refused("it has its two more months already, and the law gives no others")
            }
            // The person is told within the first month.
            CaseDecision::Extend if day > self.due => Err(format!(
                "its month was over on {}, and a delay is told within it: answer the case now",
                self.due
            )),
            CaseDecision::Rectify if self.right != Right::Rectification => {
                refused("a case of rectification alone corrects records")
            }
            CaseDecision::GrantSeveral if !self.right.disposes() => {
                refused("`--several` is for an erasure or an objection")
            }
            CaseDecision::Refuse(ground) if !ground.refuses(self.right) => {
                let all = Ground::ALL.iter().filter(|one| one.refuses(self.right));
                let all: Vec<&str> = all.map(|one| one.as_str()).collect();
                Err(format!(
                    "{ground} refuses no case of {}; its grounds are {}",
                    self.right,
                    all.join(", ")
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether a restriction that it made stands.
    pub(crate) fn restricts(&self) -> bool {
        self.restricts
    }

    /// Whether the correction that it made stands.
    pub(crate) fn corrects(&self) -> bool {
        self.corrects.is_some()
    }

    /// Whether it can be taken back: nothing was done of it, or a restriction or a correction alone.
    ///
    /// # Errors
    /// The reason why not.
    pub(crate) fn may_be_withdrawn(&self) -> Result<(), String> {
        match self.stage == Stage::Open || self.restricts || self.corrects() {
            true => Ok(()),
            false => Err("it is decided already".to_owned()),
        }
    }

    fn settlement(&self) -> Option<Settlement> {
        match self.stage {
            Stage::Settled(of) | Stage::Closed(of, _) => Some(of),
            Stage::Open | Stage::Disposing => None,
        }
    }

    /// As custodians are told of it, with the proposals that are about it.
    fn told(&self, id: &str, state: &State) -> CaseStatus {
        let about_it = |(_, of): &(&String, &ProposalState)| of.case.as_deref() == Some(id);
        let proposal = || state.proposals.iter().filter(|of| of.1.is_open()).find(about_it);
        let (turn, about) = match self.stage {
            Stage::Open => match proposal() {
                None => (Some(Turn::Decide), None),
                Some((id, of)) if of.by.len() < NEEDED => (Some(Turn::Sign), Some(id.clone())),
                Some((id, _)) => (Some(Turn::CarryOut), Some(id.clone())),
            },
            Stage::Disposing => (Some(Turn::Linker), self.list.clone()),
            Stage::Settled(_) => (Some(Turn::Answer), None),
            Stage::Closed(..) => (None, None),
        };
        let settlement = self.settlement();
        let answered = match self.stage {
            Stage::Closed(_, day) => day.map(|day| day.to_string()),
            _ => None,
        };
        CaseStatus {
            case: id.to_owned(),
            reference: self.reference.clone(),
            right: self.right,
            purpose: self.purpose.clone(),
            received: self.received.to_string(),
            due: self.due.to_string(),
            extended: self.extended(),
            days_left: self.is_open().then(|| days_until(self.due, state.day())),
            turn,
            about,
            outcome: settlement.map(|of| of.outcome),
            ground: settlement.and_then(|of| of.ground),
            restricts: self.restricts,
            corrects: self.corrects(),
            met: self.met_last(),
            answered,
        }
    }
}

fn days_until(last: Date, day: Date) -> i32 {
    (last - day).get_days()
}

impl Cases {
    pub(crate) fn get(&self, case: &str) -> Option<&Case> {
        self.0.get(case)
    }

    /// Whether the file that says whom a case is about is wanted.
    pub(crate) fn asks_for_subject(&self, case: &str) -> bool {
        self.get(case).is_some_and(|of| of.stage == Stage::Open || of.restricts || of.corrects())
    }

    /// Open cases of a right and purpose that nobody has decided yet.
    pub(crate) fn undecided(
        &self,
        right: Right,
        purpose: &Purpose,
    ) -> impl Iterator<Item = (&String, &Case)> {
        let is_it = move |of: &Case| of.right == right && of.purpose == *purpose;
        self.0.iter().filter(move |(_, of)| of.stage == Stage::Open && is_it(of))
    }

    /// Cases of a purpose that nobody has decided, and whose decision needs its records. An erasure does not: the end of the purpose
    /// does what it asks.
    pub(crate) fn waiting(&self, purpose: &Purpose) -> Vec<String> {
        let needs = |of: &Case| !of.right.disposes();
        let all = self.0.iter().filter(|(_, of)| of.purpose == *purpose && of.stage == Stage::Open);
        all.filter(|(_, of)| needs(of)).map(|(id, _)| id.clone()).collect()
    }

    /// All records of a purpose were destroyed: what its open cases ask is done.
    pub(super) fn end(&mut self, purpose: &Purpose, day: Option<Date>) {
        for case in self.0.values_mut().filter(|of| of.purpose == *purpose) {
            if matches!(case.stage, Stage::Open | Stage::Disposing) {
                case.settle(CaseOutcome::Erased, None, day);
            }
            case.restricts = false;
            case.corrects = None;
        }
    }

    /// Cases of a purpose whose restrictions stand, with the hashes of the files that say whom they are about.
    pub(crate) fn restricting(&self, purpose: &Purpose) -> BTreeMap<String, String> {
        let standing = self.0.iter().filter(|(_, of)| of.restricts && of.purpose == *purpose);
        standing.map(|(id, of)| (id.clone(), of.sha256.clone())).collect()
    }

    /// Says which restrictions of a purpose stand; empty where none does. It is of the cases, as the log names them, so that it can be
    /// compared without a number.
    pub(crate) fn restricted_digest(&self, purpose: &Purpose) -> String {
        let standing = self.restricting(purpose);
        let lines: String = standing.iter().map(|(id, of)| format!("{id} {of}\n")).collect();
        if lines.is_empty() { lines } else { sha256(&lines) }
    }

    /// How many are not closed; and how many of these a uid opened.
    pub(crate) fn open(&self, uid: u32) -> (usize, usize) {
        let open = || self.0.values().filter(|of| of.is_open());
        (open().count(), open().filter(|of| of.opened_by == Some(uid)).count())
    }

    pub(crate) fn counts(&self, day: Date) -> CaseCounts {
        let left: Vec<i32> =
            self.0.values().filter(|of| of.is_open()).map(|of| days_until(of.due, day)).collect();
        CaseCounts {
            open: left.len() as u32,
            overdue: left.iter().filter(|days| **days < 0).count() as u32,
            least_days_left: left.iter().min().copied(),
            restrictions: self.0.values().filter(|of| of.restricts).count() as u32,
            corrections: self.0.values().filter(|of| of.corrects()).count() as u32,
        }
    }

    /// Whether a step may be entered.
    fn admit(&self, event: &CaseEvent, day: Date) -> Result<(), String> {
        let case = self.get(event.case());
        if let CaseEvent::Opened { received, due: last, .. } = event {
            let is_new = case.is_none() && *last == due(*received, MONTHS) && *received <= day;
            return is_new.then_some(()).ok_or_else(|| "it stands already".to_owned());
        }
        let case = case.ok_or("no such case is there")?;
        match event {
            CaseEvent::Opened { .. } => Ok(()),
            CaseEvent::Extended { due: last, .. } => {
                let three = *last == due(case.received, EXTENDED_MONTHS);
                case.may_be(CaseDecision::Extend, day)
                    .and_then(|()| three.then_some(()).ok_or_else(|| "no such delay".to_owned()))
            }
            CaseEvent::Refused { ground, .. } => case.may_be(CaseDecision::Refuse(*ground), day),
            CaseEvent::Lifted { .. } => case.may_be(CaseDecision::Lift, day),
            CaseEvent::Rectified { .. } => case.may_be(CaseDecision::Rectify, day),
            CaseEvent::Withdrawn { .. } => case.may_be_withdrawn(),
            CaseEvent::Granted { .. }
            | CaseEvent::Restricted { .. }
            | CaseEvent::NoRecord { .. } => case.may_be(CaseDecision::Grant, day),
            CaseEvent::Closed { answered, .. } => match case.stage {
                // Nobody answers what is not decided yet.
                Stage::Settled(_) => match case.settled.unwrap_or(case.received) {
                    first if *answered >= first && *answered <= day => Ok(()),
                    first => Err(format!(
                        "the answer was sent between the day of its decision, {first}, and today"
                    )),
                },
                Stage::Closed(..) => Err("it is closed already".to_owned()),
                Stage::Open | Stage::Disposing => {
                    Err("it is not settled yet; `minster-vault cases` says whose turn it is".into())
                }
            },
        }
    }

    fn apply(
        &mut self,
        event: &CaseEvent,
        signed: Option<&ProposalState>,
        (number, opened_by, day): (u64, Option<u32>, Option<Date>),
    ) {
        if let CaseEvent::Opened { case, right, purpose, received, due, reference, sha256 } = event
        {
            let opened = Case {
                right: *right,
                purpose: purpose.clone(),
                received: *received,
                due: *due,
                reference: reference.clone(),
                sha256: sha256.clone(),
                stage: Stage::Open,
                settled: None,
                closed: None,
                restricts: false,
                corrects: None,
                met: BTreeMap::new(),
                signed: BTreeSet::new(),
                list: None,
                opened_by,
                number,
            };
            self.0.insert(case.clone(), opened);
            return;
        }
        let Some(case) = self.0.get_mut(event.case()) else { return };
        let decides = match event {
            CaseEvent::Extended { .. } | CaseEvent::Lifted { .. } => false,
            CaseEvent::Withdrawn { .. } => case.stage == Stage::Open,
            _ => true,
        };
        if let (true, Some(of)) = (decides, signed) {
            case.signed.clone_from(&of.by);
        }
        match event {
            CaseEvent::Opened { .. } => {}
            CaseEvent::Extended { due, .. } => case.due = *due,
            CaseEvent::Granted { .. } => case.settle(CaseOutcome::Granted, None, day),
            CaseEvent::Refused { ground, .. } => {
                case.settle(CaseOutcome::Refused, Some(*ground), day);
            }
            CaseEvent::NoRecord { .. } => case.settle(CaseOutcome::NoRecord, None, day),
            CaseEvent::Restricted { .. } => {
                case.restricts = true;
                case.settle(CaseOutcome::Restricted, None, day);
            }
            CaseEvent::Rectified { case: name, links, words, .. } => {
                let (links, words) = (links.clone(), words.clone());
                case.corrects = Some(Correcting { case: name.clone(), links, words, number });
                case.settle(CaseOutcome::Rectified, None, day);
            }
            CaseEvent::Lifted { .. } => (case.restricts, case.corrects) = (false, None),
            CaseEvent::Withdrawn { .. } => {
                (case.restricts, case.corrects) = (false, None);
                if case.stage == Stage::Open {
                    (case.settled, case.closed) = (day, day);
                    let outcome = CaseOutcome::Withdrawn;
                    case.stage = Stage::Closed(Settlement { outcome, ground: None }, None);
                }
            }
            CaseEvent::Closed { answered, .. } => {
                if let Some(settlement) = case.settlement() {
                    case.stage = Stage::Closed(settlement, Some(*answered));
                    case.closed = day;
                }
            }
        }
    }
}

impl State {
    /// Refuses a step of a case that does not follow.
    pub(super) fn admit_case(&self, event: &Event) -> Result<(), Denial> {
        let refused = |why: String| Err(refusal("carried out", &why));
        match event {
            Event::Case(of) => {
                let may = self.cases.admit(of, self.day());
                may.or_else(|why| match of {
                    CaseEvent::Opened { .. } => Err(Denial::Case { what: "opened".into(), why }),
                    CaseEvent::Closed { .. } => Err(Denial::Case { what: "closed".into(), why }),
                    _ => refused(why),
                })
            }
            Event::Disposed(of) => match of.case.as_ref().map(|case| self.cases.get(case)) {
                None => Ok(()),
                Some(None) => refused("no such case is there".into()),
                Some(Some(case)) => case.may_be(CaseDecision::Grant, self.day()).or_else(refused),
            },
            _ => Ok(()),
        }
    }

    /// Adds what an entry says of cases. `signed` is the proposal that it carried out.
    pub(super) fn apply_cases(&mut self, entry: &Entry, signed: Option<&ProposalState>) {
        match &entry.event {
            Event::Case(of) => {
                let day = self.last_day;
                let uid = entry.asker.as_ref().map(|asker| asker.uid);
                self.cases.apply(of, signed, (entry.number, uid, day));
            }
            Event::Disposed(of) => {
                let case = of.case.as_ref().and_then(|case| self.cases.0.get_mut(case));
                if let Some(case) = case {
                    case.stage = Stage::Disposing;
                    case.list = Some(of.proposal.clone());
                    case.signed = signed.map(|of| of.by.clone()).unwrap_or_default();
                }
            }
            Event::MetCorrections { run, source, met, .. } => {
                self.cases.meet((source, run), met, self.last_day);
            }
            Event::AppliedDisposal { receipt, .. } => {
                let day = self.last_day;
                let all = self.cases.0.values_mut();
                let of_list = all.filter(|of| of.stage == Stage::Disposing);
                of_list
                    .filter(|of| of.list.as_ref() == Some(&receipt.list))
                    .for_each(|case| case.settle(CaseOutcome::Erased, None, day));
            }
            Event::RecordedManifest { manifest, carried_from: None, restricted } => {
                self.linked(&manifest.dataset, restricted.as_ref());
            }
            // Nobody knows how these were linked.
            Event::AcceptedSnapshot { dataset, .. } => self.linked(dataset, None),
            Event::TookOver { manifests, .. } => {
                manifests.iter().for_each(|of| self.linked(&of.dataset, None));
            }
            _ => {}
        }
    }

    /// Notes the list without whose children a dataset of children was linked.
    fn linked(&mut self, dataset: &DatasetRef, restricted: Option<&String>) {
        if !is_of_children(dataset) {
            return;
        }
        self.purpose(&dataset.purpose, |of| match restricted {
            Some(digest) => {
                of.restrictions.0.insert(dataset.period.clone(), digest.clone());
            }
            None => {
                of.restrictions.0.remove(&dataset.period);
            }
        });
    }

    /// Whether the children of a period were linked without those whose restriction stands now, and without no other.
    ///
    /// # Errors
    /// [`Denial::RestrictionPending`].
    pub(crate) fn are_linked(&self, purpose: &Purpose, period: &Period) -> Result<(), Denial> {
        let linked = self.purposes.get(purpose).and_then(|of| of.restrictions.0.get(period));
        match *linked.map_or("", String::as_str) == *self.cases.restricted_digest(purpose) {
            true => Ok(()),
            false => Err(Denial::RestrictionPending { period: period.clone() }),
        }
    }

    /// The cases, as custodians are told of them: open ones first, the one that is due first at the head; then closed ones, the last
    /// one first.
    pub(crate) fn told_cases(&self, all: bool) -> Vec<CaseStatus> {
        let wanted = self.cases.0.iter().filter(|(_, of)| all || of.is_open());
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_by_key(|(_, of)| match of.is_open() {
            true => (false, Some(of.due), of.number),
            false => (true, None, u64::MAX - of.number),
        });
        wanted.into_iter().map(|(id, of)| of.told(id, self)).collect()
    }

    /// A case, as custodians are told of it.
    pub(crate) fn told_case(&self, case: &str) -> Option<CaseStatus> {
        Some(self.cases.get(case)?.told(case, self))
    }
}
