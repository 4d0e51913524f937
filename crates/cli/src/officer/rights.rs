//! Cases of children's rights in the officer's month. Each count is of children: 1 to 4 are hidden, others are to the nearest 5.

use std::collections::BTreeMap;

use jiff::civil::Date;
use minster_vault_api::{Right, ShownCount};
use serde::{Deserialize, Serialize};

use super::month::of_persons;

/// A step of a case, as the vault's log has it.
#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub(super) enum Step {
    Opened {
        case: String,
        right: Right,
        due: Date,
    },
    Extended {
        case: String,
        due: Date,
    },
    Closed {
        case: String,
    },
    Restricted {
        case: String,
    },
    Rectified {
        case: String,
    },
    Withdrawn {
        case: String,
    },
    #[serde(other)]
    Decided,
}

/// Cases of a right.
#[derive(Serialize, Default)]
pub(super) struct Cases {
    /// Opened in the month.
    pub(super) opened: ShownCount,
    /// Closed in the month.
    pub(super) closed: ShownCount,
    /// Open at the month's end.
    pub(super) open: ShownCount,
    /// Those of them whose last day for the answer was over then.
    pub(super) overdue: ShownCount,
}

struct Case {
    right: Right,
    due: Date,
    opened: bool,
    closed: bool,
    open: bool,
    /// Whether it restricts a child or corrects its records, so that taking it back ends that and leaves the case as it is.
    restricts: bool,
}

/// The register, read up to the month's end.
#[derive(Default)]
pub(super) struct Register<'a>(BTreeMap<&'a str, Case>);

impl<'a> Register<'a> {
    /// Takes in a step; `in_month` is whether it is one of the month.
    pub(super) fn takes(&mut self, step: &'a Step, in_month: bool) {
        match step {
            Step::Opened { case, right, due } => {
                let (right, due) = (*right, *due);
                let (opened, restricts) = (in_month, false);
                let new = Case { right, due, opened, closed: false, open: true, restricts };
                self.0.insert(case, new);
            }
            Step::Extended { case, due } => {
                if let Some(of) = self.0.get_mut(case.as_str()) {
                    of.due = *due;
                }
            }
            Step::Closed { case } => {
                if let Some(of) = self.0.get_mut(case.as_str()) {
                    (of.open, of.closed) = (false, in_month);
                }
            }
            Step::Restricted { case } | Step::Rectified { case } => {
                if let Some(of) = self.0.get_mut(case.as_str()) {
                    of.restricts = true;
                }
            }
            Step::Withdrawn { case } => {
                if let Some(of) = self.0.get_mut(case.as_str()).filter(|of| !of.restricts) {
                    (of.open, of.closed) = (false, in_month);
                }
            }
            Step::Decided => {}
        }
    }

    /// The counts by right. A case is overdue where its last day is before `day`.
    pub(super) fn counts(&self, day: Date) -> BTreeMap<String, Cases> {
        let mut rights: BTreeMap<Right, Vec<&Case>> = BTreeMap::new();
        for case in self.0.values().filter(|of| of.opened || of.closed || of.open) {
            rights.entry(case.right).or_default().push(case);
        }
        let of = |(right, cases): (Right, Vec<&Case>)| {
            let count = |is: &dyn Fn(&Case) -> bool| {
                of_persons(cases.iter().filter(|case| is(case)).count() as u64)
            };
            let told = Cases {
                opened: count(&|of| of.opened),
                closed: count(&|of| of.closed),
                open: count(&|of| of.open),
                overdue: count(&|of| of.open && of.due < day),
            };
            (right.to_string(), told)
        };
        rights.into_iter().map(of).collect()
    }
}
