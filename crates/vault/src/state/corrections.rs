//! Corrections that cases of rectification made, as the log tells of them.

use jiff::civil::Date;
use minster_model::{Purpose, RunId, SourceName};
use minster_vault_api::{LastMet, MetCounts};

use super::cases::{Case, Cases};
use crate::log::MetCase;

/// The sealed files of a correction that stands.
#[derive(Debug, Clone)]
pub(crate) struct Correcting {
    pub(crate) case: String,
    /// Their SHA-256.
    pub(crate) links: String,
    pub(crate) words: String,
    /// The number of its entry: a later correction comes before an earlier one.
    pub(super) number: u64,
}

/// Sources of a case that are told.
const MOST_MET: usize = 256;

impl Case {
    /// The word of each source's last delivery on its correction.
    pub(super) fn met_last(&self) -> Vec<LastMet> {
        self.met.values().take(MOST_MET).cloned().collect()
    }
}

impl Cases {
    /// Whether the correction of a case stands.
    pub(crate) fn corrects(&self, case: &str) -> bool {
        self.get(case).is_some_and(Case::corrects)
    }

    /// The corrections of a purpose that stand, the earliest first.
    pub(crate) fn correcting(&self, purpose: &Purpose) -> Vec<Correcting> {
        let of_purpose = self.0.values().filter(|of| of.purpose == *purpose);
        let mut all: Vec<_> = of_purpose.filter_map(|of| of.corrects.clone()).collect();
        all.sort_unstable_by_key(|of| of.number);
        all
    }

    /// Notes what a source's delivery said of corrections.
    pub(super) fn meet(
        &mut self,
        (source, run): (&SourceName, &RunId),
        met: &[MetCase],
        day: Option<Date>,
    ) {
        let day = day.map(|day| day.to_string()).unwrap_or_default();
        for of in met {
            if let Some(case) = self.0.get_mut(&of.case) {
                let counts = MetCounts { old: of.old, right: of.right, third: of.third };
                let (run, day) = (run.clone(), day.clone());
                let last = LastMet { source: source.clone(), run, day, counts };
                case.met.insert(source.clone(), last);
            }
        }
    }
}
