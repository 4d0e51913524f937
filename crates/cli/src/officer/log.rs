//! The vault's log, as far as the officer's records tell of it.

use std::{fmt, str::FromStr};

use minster_model::{Audience, Period, Purpose, TableName};
use minster_vault_api::{Client, PurposeDefinition};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

/// A month of the calendar, `2026-11`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(String);

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day: Result<jiff::civil::Date, _> = format!("{text}-01").parse();
        match (text.len(), day) {
            (7, Ok(_)) => Ok(Self(text.to_owned())),
            _ => Err("a month is written as in 2026-11".to_owned()),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Month {
    /// Whether a time (RFC 3339, UTC) is in it.
    pub(super) fn has(&self, time: &str) -> bool {
        time.get(..7) == Some(self.0.as_str())
    }

    /// Whether a time is in it or before it.
    pub(super) fn reaches(&self, time: &str) -> bool {
        time.get(..7).is_some_and(|month| month <= self.0.as_str())
    }

    /// Its last day.
    pub(super) fn last_day(&self) -> jiff::civil::Date {
        let first: Result<jiff::civil::Date, _> = format!("{}-01", self.0).parse();
        first.map(|day| day.last_of_month()).unwrap_or_default()
    }
}

/// One entry.
pub(super) struct Entry {
    pub(super) time: String,
    /// The event's name, as the log writes it.
    pub(super) name: String,
    pub(super) event: Event,
}

/// The events that the records tell of. A new kind of event is counted by its name until it stands here.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Event {
    Made {
        purposes: Vec<PurposeDefinition>,
    },
    NamedPurpose {
        definition: Box<PurposeDefinition>,
    },
    OpenedRun {
        purpose: Purpose,
    },
    ClosedRun {
        purpose: Option<Purpose>,
    },
    Pseudonymised {
        purpose: Purpose,
        #[serde(default)]
        today: u64,
    },
    RepairedNumbers {
        purpose: Purpose,
        today: u64,
    },
    MadeParts {
        purpose: Purpose,
        today: u64,
    },
    Alarm {
        purpose: Purpose,
    },
    Resumed {
        purpose: Purpose,
    },
    Proposed {
        proposal: String,
        action: String,
    },
    Approved {
        proposal: String,
    },
    OpenedQuarantine {
        chosen: u64,
    },
    Held {
        proposal: String,
        #[serde(default)]
        category: Option<String>,
    },
    LiftedHold {
        proposal: String,
        hold: String,
    },
    Disposed {
        proposal: String,
        purpose: Purpose,
        #[serde(default)]
        case: Option<String>,
        persons: std::collections::BTreeMap<String, u64>,
    },
    AppliedDisposal {
        receipt: Receipt,
    },
    LetOut(Publication),
    Withdrew(Publication),
    Denied {},
    Refused {
        strangers: Vec<Count>,
        full: Vec<Count>,
        denied: Vec<Count>,
    },
    Case(super::rights::Step),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Receipt {
    pub(super) list: String,
}

#[derive(Deserialize)]
pub(super) struct Publication {
    pub(super) purpose: Purpose,
    pub(super) release: TableName,
    pub(super) period: Period,
    #[serde(default)]
    pub(super) audience: Option<Audience>,
}

#[derive(Deserialize)]
pub(super) struct Count {
    pub(super) count: u64,
}

/// All entries, from the first.
pub(super) fn read(vault: &mut Client) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    let mut from = 0;
    loop {
        let page = vault.read_log(from)?;
        if page.lines.is_empty() {
            return Ok(entries);
        }
        from = page.next;
        for line in page.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            entries.push(entry(line).ok_or(Failure::OtherLog)?);
        }
    }
}

fn entry(line: &[u8]) -> Option<Entry> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let (time, name) = (text("time")?, text("event")?);
    let event = Event::deserialize(&value).ok()?;
    Some(Entry { time, name, event })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Entries as the log writes them, from their JSON without number and chain.
    pub(in super::super) fn entries(lines: &[&str]) -> Vec<Entry> {
        lines.iter().map(|line| entry(line.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn a_month_is_written_as_a_year_and_a_month() {
        let month: Month = "2026-02".parse().unwrap();
        assert!(month.has("2026-02-28T23:59:59Z") && !month.has("2026-03-01T00:00:00Z"));
        assert!(month.reaches("2025-12-01T00:00:00Z") && !month.reaches("2026-03-01T00:00:00Z"));
        assert_eq!(month.last_day().to_string(), "2026-02-28");
        for wrong in ["2026-13", "2026", "2026-1", "November", "2026-11-01", ""] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_of_a_later_release_is_read_by_its_name() {
        let [later] = entries(&[r#"{"time":"2026-11-02T10:00:00Z","event":"opened-case","x":1}"#])
            .try_into()
            .ok()
            .unwrap();
        assert_eq!(later.name, "opened-case");
        assert!(matches!(later.event, Event::Other));
        // One that is known, and cannot be read, is no entry: nothing is counted wrongly in silence.
        assert!(entry(br#"{"time":"2026-11-02T10:00:00Z","event":"alarm"}"#).is_none());
    }
}
