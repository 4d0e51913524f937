//! `minster lineage --approvals`: the persons who agreed, as the vault's log has them, for an auditor. They are those who named the purpose
//! or let it do more, those who gave roles to whoever works with its data, and those who let the release out.

use std::{collections::BTreeMap, fmt::Write as _};

use minster_model::{Period, Purpose, TableName};
use minster_vault_api::Client;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{failure::Failure, report::plain};

/// The roles that ask the vault about the data of a release.
const WORKING: [&str; 3] = ["ingest", "linker", "analyst"];

/// One step that persons agreed to.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// When (RFC 3339, UTC).
    time: String,
    /// The step, in words.
    what: String,
    /// The uid that asked for it; none where the vault was made.
    uid: Option<u64>,
    /// The proposal that custodians approved, where they had to.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<Proposal>,
}

/// A proposal that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Proposal {
    id: String,
    /// When it was proposed, and by which uid.
    proposed: Option<(String, Option<u64>)>,
    /// The custodians who signed it, each with the time.
    approved: Vec<(String, String)>,
}

/// The events that tell of agreement. All others are passed over.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    Made {
        purposes: Vec<Named>,
    },
    NamedPurpose {
        proposal: String,
        definition: Named,
    },
    AllowedLoad {
        proposal: String,
        purpose: Purpose,
        source: String,
        ceiling: u64,
    },
    Resumed {
        proposal: String,
        purpose: Purpose,
    },
    GrantedRole {
        proposal: String,
        role: String,
        uid: u64,
        until: Option<String>,
    },
    RevokedRole {
        proposal: String,
        role: String,
        uid: u64,
    },
    Proposed {
        proposal: String,
    },
    Approved {
        proposal: String,
        custodian: String,
    },
    Agreed(Published),
    LetOut(Published),
    Withdrew(Published),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Named {
    name: Purpose,
}

#[derive(Deserialize)]
struct Published {
    purpose: Purpose,
    release: TableName,
    period: Period,
    sha256: String,
}

/// The steps behind a release, in the log's order. The client asks as the auditor.
pub(crate) fn read(
    vault: &mut Client,
    of: (&TableName, &Period, &Purpose),
) -> Result<Vec<Step>, Failure> {
    let (mut reading, mut from) = (Reading::of(of), 0);
    loop {
        let page = vault.read_log(from)?;
        if page.lines.is_empty() {
            return Ok(reading.steps);
        }
        from = page.next;
        for line in page.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            reading.read(line).ok_or(Failure::OtherLog)?;
        }
    }
}

struct Reading<'a> {
    release: (&'a TableName, &'a Period, &'a Purpose),
    proposals: BTreeMap<String, Proposal>,
    steps: Vec<Step>,
}

impl<'a> Reading<'a> {
    fn of(release: (&'a TableName, &'a Period, &'a Purpose)) -> Self {
        Self { release, proposals: BTreeMap::new(), steps: Vec::new() }
    }

    /// Takes an entry; none where it has another form.
    fn read(&mut self, line: &[u8]) -> Option<()> {
        let entry: Value = serde_json::from_slice(line).ok()?;
        let time = entry["time"].as_str()?.to_owned();
        let uid = entry["asker"]["uid"].as_u64();
        let ours = self.release.2;
        let (what, proposal) = match Event::deserialize(&entry).ok()? {
            Event::Proposed { proposal } => {
                self.proposal(&proposal).proposed = Some((time, uid));
                return Some(());
            }
            Event::Approved { proposal, custodian } => {
                self.proposal(&proposal).approved.push((custodian, time));
                return Some(());
            }
            Event::Made { purposes } if purposes.iter().any(|of| of.name == *ours) => {
                (format!("the purpose {ours}, as the vault was made"), None)
            }
            Event::NamedPurpose { proposal, definition } if definition.name == *ours => {
                (format!("the purpose {ours}"), Some(proposal))
            }
            Event::AllowedLoad { proposal, purpose, source, ceiling } if purpose == *ours => {
                (format!("one run of {source} may ask for {ceiling} numbers"), Some(proposal))
            }
            Event::Resumed { proposal, purpose } if purpose == *ours => {
                ("the stopped purpose is answered again".to_owned(), Some(proposal))
            }
            Event::GrantedRole { proposal, role, uid, until } if is_working(&role) => {
                let until = until.map(|day| format!(", until {day}")).unwrap_or_default();
                (format!("the role of {role} for uid {uid}{until}"), Some(proposal))
            }
            Event::RevokedRole { proposal, role, uid } if is_working(&role) => {
                (format!("no role of {role} for uid {uid} any more"), Some(proposal))
            }
            Event::Agreed(of) if self.is_it(&of) => {
                (format!("agreed to let out {}; another must, too", short(&of.sha256)), None)
            }
            Event::LetOut(of) if self.is_it(&of) => {
                (format!("let out {}", short(&of.sha256)), None)
            }
            Event::Withdrew(of) if self.is_it(&of) => {
                (format!("withdrew {}", short(&of.sha256)), None)
            }
            _ => return Some(()),
        };
        let proposal = proposal.map(|id| self.proposal(&id).clone());
        self.steps.push(Step { time, what, uid, proposal });
        Some(())
    }

    fn proposal(&mut self, id: &str) -> &mut Proposal {
        let new = || Proposal { id: id.to_owned(), proposed: None, approved: Vec::new() };
        self.proposals.entry(id.to_owned()).or_insert_with(new)
    }

    fn is_it(&self, of: &Published) -> bool {
        (&of.release, &of.period, &of.purpose) == self.release
    }
}

fn is_working(role: &str) -> bool {
    WORKING.contains(&role)
}

/// Sixteen digits tell the releases of one name apart.
fn short(sha256: &str) -> String {
    format!("SHA-256 {}…", plain(sha256.get(..16).unwrap_or(sha256)))
}

/// The lines for people.
pub(crate) fn text(steps: &[Step]) -> String {
    let mut text = "\napprovals, as the vault's log has them\n".to_owned();
    for Step { time, what, uid, proposal } in steps {
        let by = uid.map(|uid| format!(" by uid {uid}")).unwrap_or_default();
        let _ = writeln!(text, "  {}  {}{by}", plain(time), plain(what));
        let Some(Proposal { id, proposed, approved }) = proposal else { continue };
        let _ = match proposed {
            Some((time, uid)) => {
                let by = uid.map(|uid| format!(" by uid {uid}")).unwrap_or_default();
                writeln!(text, "    proposed {}{by}, as {}", plain(time), plain(id))
            }
            None => writeln!(text, "    nobody wrote down by whom it was proposed"),
        };
        for (custodian, time) in approved {
            let _ = writeln!(text, "    approved {} by {}", plain(time), plain(custodian));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    const LOG: [&str; 12] = [
        r#"{"time":"T1","asker":null,"event":"made","purposes":[{"name":"other"}]}"#,
        r#"{"time":"T2","asker":{"uid":7},"event":"proposed","proposal":"p1","action":"name a purpose"}"#,
        r#"{"time":"T3","asker":{"uid":8},"event":"approved","proposal":"p1","custodian":"ada","signature":"00"}"#,
        r#"{"time":"T4","asker":{"uid":9},"event":"approved","proposal":"p1","custodian":"ben","signature":"00"}"#,
        r#"{"time":"T5","asker":{"uid":7},"event":"named-purpose","proposal":"p1","definition":{"name":"ours","sources":[]}}"#,
        r#"{"time":"T6","asker":{"uid":7},"event":"granted-role","proposal":"p2","role":"analyst","uid":1000,"until":"2027-01-31"}"#,
        r#"{"time":"T7","asker":{"uid":7},"event":"granted-role","proposal":"p3","role":"auditor","uid":1001}"#,
        r#"{"time":"T8","asker":{"uid":1000},"event":"let-out","purpose":"ours","release":"r","period":"2024-25","sha256":"0123456789abcdef0123"}"#,
        r#"{"time":"T9","asker":{"uid":1000},"event":"let-out","purpose":"ours","release":"another","period":"2024-25","sha256":"00"}"#,
        r#"{"time":"T10","asker":{"uid":1000},"event":"let-out","purpose":"other","release":"r","period":"2024-25","sha256":"00"}"#,
        r#"{"time":"T11","asker":{"uid":7},"event":"allowed-load","proposal":"p4","purpose":"other","source":"cin","ceiling":5}"#,
        r#"{"time":"T12","asker":{"uid":1},"event":"something-new","more":[1]}"#,
    ];

    #[test]
    fn the_steps_behind_a_release_have_their_persons_and_no_others_are_there() {
        let of = ("r".parse().unwrap(), "2024-25".parse().unwrap(), "ours".parse().unwrap());
        let mut reading = Reading::of((&of.0, &of.1, &of.2));
        LOG.iter().for_each(|line| reading.read(line.as_bytes()).unwrap());
        let expected = "\napprovals, as the vault's log has them\n\
            \x20 T5  the purpose ours by uid 7\n\
            \x20   proposed T2 by uid 7, as p1\n\
            \x20   approved T3 by ada\n\
            \x20   approved T4 by ben\n\
            \x20 T6  the role of analyst for uid 1000, until 2027-01-31 by uid 7\n\
            \x20   nobody wrote down by whom it was proposed\n\
            \x20 T8  let out SHA-256 0123456789abcdef… by uid 1000\n";
        assert_eq!(text(&reading.steps), expected);
        assert_eq!(reading.read(b"{\"event\":\"let-out\"}"), None);
    }
}
