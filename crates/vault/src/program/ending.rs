//! The end of a purpose: when it is due, and the commands that finish it and show its certificate.

use std::{fmt::Write as _, path::PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use minster_model::{Purpose, Role, counted};
use minster_vault::{approvals::EndPurpose, disk::Disk, purposes::today};
use minster_vault_api::{EndStatus, ProposedAction, PurposeStatus, note::Verifier};
use serde_json::{Value, json};

use crate::{
    Failure,
    approve::Told,
    arguments::{Caller, Json},
    client::{connect, read, usage},
    print, tell,
};

/// A purpose that ends within so many days needs a decision now: a new one takes meetings.
pub(crate) const SOON: i32 = 60;

/// The purpose that is proposed to end.
#[derive(Args)]
pub(crate) struct Proposed {
    /// The purpose.
    #[arg(long)]
    purpose: Purpose,
    /// It ends before its last day is over. The signed text says so.
    #[arg(long)]
    early: bool,
    /// The store is lost: the vault destroys its own part without a word of what `minster end-purpose` removed. The signed text says
    /// so.
    #[arg(long)]
    store_lost: bool,
}

impl Proposed {
    pub(crate) fn action(self) -> ProposedAction {
        let Self { purpose, early, store_lost } = self;
        ProposedAction::EndPurpose { purpose, early, store_lost }
    }
}

/// The end of a purpose, once two custodians approved it.
#[derive(Subcommand)]
pub(crate) enum EndCommand {
    /// Destroy what the vault has of a purpose, after `minster end-purpose` removed what the store had. It writes the signed certificate.
    #[command(after_help = "Example:
  minster-vault end-purpose finish --purpose children-statistics \\
      --out certificate.note

It needs the custodian's role, and cannot be undone. Run again after an interruption, it goes on.")]
    Finish(Which),
    /// Write the signed certificate of a purpose that was ended, once more. It is the same each time.
    #[command(after_help = "Example:
  minster-vault end-purpose certificate --purpose children-statistics \\
      --out certificate.note

Auditors add --role auditor.")]
    Certificate(Which),
    /// Verify a certificate by the vault's key, without a vault.
    #[command(after_help = "Example:
  minster-vault end-purpose verify --certificate certificate.note \\
      --verifier \"$(cat verifier.txt)\"

Exit: 0 the vault signed it; 2 it did not")]
    Verify(Verify),
}

/// A purpose, and where its certificate goes.
#[derive(Args)]
pub(crate) struct Which {
    #[command(flatten)]
    caller: Caller,
    /// The purpose.
    #[arg(long)]
    purpose: Purpose,
    /// The file for the signed certificate. It names no child, and counts none but all together.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    form: Json,
}

/// A certificate, and the vault's key.
#[derive(Args)]
pub(crate) struct Verify {
    /// The certificate.
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The vault's key, the line in verifier.txt.
    #[arg(long, value_name = "KEY", env = "MINSTER_VERIFIER", hide_env_values = true)]
    verifier: String,
    #[command(flatten)]
    form: Json,
}

pub(crate) fn run(command: &EndCommand) -> Result<(), Failure> {
    let (of, note) = match command {
        EndCommand::Finish(of) => {
            let mut client = connect(&of.caller, Role::Custodian)?;
            (of, client.finish_end(&of.purpose)?)
        }
        EndCommand::Certificate(of) => {
            let mut client = connect(&of.caller, Role::Custodian)?;
            (of, client.end_certificate(&of.purpose)?)
        }
        EndCommand::Verify(of) => return verify(of),
    };
    Disk::new().replace(&of.out, note.as_bytes())?;
    let words = format!(
        "the purpose {} is ended; its signed certificate is in {}",
        of.purpose,
        of.out.display()
    );
    tell(&of.form, &json!({ "format": 1, "purpose": of.purpose, "certificate": of.out }), &words)
}

fn verify(of: &Verify) -> Result<(), Failure> {
    let path = of.certificate.display();
    let note = read(&of.certificate)?;
    let verifier: Verifier = of.verifier.parse().map_err(usage)?;
    let text = verifier.open(&note);
    let text = text.map_err(|error| usage(format!("{path} is not the vault's: {error}")))?;
    let certificate: Option<Value> = serde_json::from_str(text).ok();
    let is_one = |of: &Value| of["certificate"] == "end of a purpose" && of["format"] == 1;
    let certificate = certificate.filter(is_one);
    let certificate = certificate.ok_or_else(|| {
        usage(format!("{path} is the vault's, and no certificate of the end of a purpose"))
    })?;
    match of.form.json {
        true => print(&format!("{}\n", json!({ "format": 1, "verified": certificate }))),
        false => print(&certificate_text(&certificate)),
    }
}

/// A certificate for people.
fn certificate_text(of: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let all = |name: &str| of[name].as_array().cloned().unwrap_or_default();
    let mut out = format!(
        "the vault signed it\npurpose    {}, last day {}\nended      nothing answered since {}, destroyed {}\n",
        text(&of["purpose"]),
        text(&of["last_day"]),
        text(&of["nothing_answered_since"]),
        text(&of["destroyed"])
    );
    for order in all("orders") {
        let by: Vec<String> =
            order["approved_by"].as_array().into_iter().flatten().map(&text).collect();
        let _ = writeln!(
            out,
            "approved   by {}: proposal {}, {}",
            by.join(" and "),
            text(&order["proposal"]),
            text(&order["reference"])
        );
    }
    for kind in all("vault") {
        let files = counted(kind["files"].as_u64().unwrap_or_default(), "file", "files");
        let _ = writeln!(out, "vault      {}: {files}", text(&kind["what"]));
    }
    for removal in all("store") {
        let datasets = removal["removal"]["datasets"].as_array().map_or(0, Vec::len);
        let datasets = counted(datasets, "dataset", "datasets");
        let _ = writeln!(out, "store      {datasets} removed, told {}", text(&removal["told"]));
        for (what, name) in [
            ("snapshots that cannot be read", "unread"),
            ("drafts of nobody knows whose", "drafts"),
        ] {
            match removal["removal"][name].as_u64() {
                None | Some(0) => {}
                Some(left) => {
                    let _ = writeln!(out, "LEFT       {left} {what}");
                }
            }
        }
        for kind in removal["removal"]["files"].as_array().into_iter().flatten() {
            let files = counted(kind["files"].as_u64().unwrap_or_default(), "file", "files");
            let _ = writeln!(out, "store      {}: {files}", text(&kind["what"]));
        }
    }
    for (what, name) in [("EARLY", "early"), ("STORE LOST", "store_lost")] {
        if all("orders").iter().any(|order| order[name] == true) {
            let _ = writeln!(out, "{what:<10} two custodians said so");
        }
    }
    let untold = all("datasets_of_the_log_without_word");
    if !untold.is_empty() {
        let names: Vec<String> = untold.iter().map(&text).collect();
        let _ = writeln!(out, "NO WORD    of what the log knows: {}", names.join(", "));
    }
    let stand = all("releases_that_stand").len();
    let _ = writeln!(out, "stand      {}", counted(stand, "release", "releases"));
    out
}

/// The end of a purpose in the words of those who approve it.
pub(crate) fn told(of: &EndPurpose) -> Told {
    let EndPurpose { purpose, last_day, early, store_lost, numbers, destroys } = of;
    let last = last_day.map_or("it has none".to_owned(), |day| day.to_string());
    let last = match early {
        true => format!("{last}: it ends EARLY"),
        false => format!("{last}, which is over"),
    };
    let mut more = vec![("last day", last)];
    if *store_lost {
        more.push(("store", "it is LOST: the vault waits for no word of it".to_owned()));
    }
    more.extend(destroys.iter().map(|line| ("destroys", line.clone())));
    Told {
        what: format!(
            "end the purpose {purpose}: nothing is answered for it any more, and all that is held for it is destroyed; nobody can undo it"
        ),
        how_many: counted(numbers, "number", "numbers"),
        more,
    }
}

/// How near the end of a purpose is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// It has no last day.
    Never,
    /// So many days are left, more than [`SOON`].
    Later(i32),
    /// So many days are left: 0 on its last day.
    Soon(i32),
    /// It was over so many days ago, and all that is held for it stands.
    Over(i32),
    /// Custodians began its end, and it is not finished.
    Begun,
    /// It was ended, and destroyed.
    Ended,
}

impl Due {
    /// The one rule, for the status and for monitors.
    pub(crate) fn of(purpose: &PurposeStatus, today: Date) -> Self {
        if let Some(end) = &purpose.end {
            return if end.destroyed.is_some() { Self::Ended } else { Self::Begun };
        }
        let last: Option<Date> = purpose.expires.as_ref().and_then(|last| last.parse().ok());
        match last.map(|last| (last - today).get_days()) {
            None => Self::Never,
            Some(days) if days < 0 => Self::Over(-days),
            Some(days) if days <= SOON => Self::Soon(days),
            Some(days) => Self::Later(days),
        }
    }

    /// Days until its last day; below 0 where it is over, and nothing where none counts any more.
    pub(crate) fn days_left(self) -> Option<i32> {
        match self {
            Self::Later(days) | Self::Soon(days) => Some(days),
            Self::Over(days) => Some(-days),
            Self::Never | Self::Begun | Self::Ended => None,
        }
    }

    /// Whether all that is held for it is to be destroyed, and is not yet.
    pub(crate) fn is_overdue(self) -> bool {
        matches!(self, Self::Over(_) | Self::Begun)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Never => "without-end",
            Self::Later(_) => "later",
            Self::Soon(_) => "soon",
            Self::Over(_) => "over",
            Self::Begun => "begun",
            Self::Ended => "ended",
        }
    }
}

/// The next step of custodians, where there is one.
fn next(purpose: &PurposeStatus, due: Due) -> Option<String> {
    let name = &purpose.purpose;
    let prolong = "name it anew with a later day (`minster-vault request … purpose`)";
    let end = format!("`minster-vault request … end-purpose --purpose {name}`");
    match due {
        Due::Never | Due::Later(_) | Due::Ended => None,
        Due::Soon(_) => Some(format!("{prolong}, or end it after its last day ({end})")),
        Due::Over(_) => Some(format!("end it ({end}), or {prolong}")),
        Due::Begun => Some(match &purpose.end {
            Some(EndStatus { removals: 0, store_lost: false, .. }) => {
                "run `minster end-purpose` with its pipeline".to_owned()
            }
            _ => format!("run `minster-vault end-purpose finish --purpose {name}`"),
        }),
    }
}

/// The end of a purpose as the status tells of it, with a word of warning where one is due.
pub(crate) fn status_words(purpose: &PurposeStatus) -> String {
    let due = Due::of(purpose, today());
    let last = purpose.expires.as_deref().unwrap_or_default();
    let since = |of: fn(&EndStatus) -> Option<&str>| {
        purpose.end.as_ref().and_then(of).and_then(|time| time.get(..10)).unwrap_or_default()
    };
    let next = next(purpose, due).unwrap_or_default();
    match due {
        Due::Never => "without end".to_owned(),
        Due::Later(_) => format!("until {last}"),
        Due::Soon(days) => {
            format!("until {last}, ENDS in {days} days: decide now what becomes of it; {next}")
        }
        Due::Over(days) => format!(
            "EXPIRED {last}, OVERDUE by {}: nothing is answered, and its data, registry and keys stand; {next}",
            counted(days, "day", "days")
        ),
        Due::Begun => format!(
            "ENDING since {}: nothing is answered, and not all is destroyed yet; {next}",
            since(|end| Some(&end.since))
        ),
        Due::Ended => format!(
            "ENDED {}: all that was held for it is destroyed",
            since(|end| end.destroyed.as_deref())
        ),
    }
}

/// The same as JSON, for programs.
pub(crate) fn status_json(purposes: &[PurposeStatus]) -> Vec<Value> {
    let of = |purpose: &PurposeStatus| {
        let due = Due::of(purpose, today());
        json!({
            "purpose": purpose.purpose, "due": due.name(), "days_left": due.days_left(),
            "next": next(purpose, due),
        })
    };
    purposes.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Span;
    use minster_model::KeyVersion;

    use super::*;

    fn purpose(days: i32) -> PurposeStatus {
        PurposeStatus {
            purpose: "one".parse().unwrap(),
            key_version: KeyVersion(1),
            key_check: String::new(),
            versions: Vec::new(),
            expires: Some(today().saturating_add(Span::new().days(days)).to_string()),
            expired: days < 0,
            stopped: false,
            identifiers: 0,
            today: 0,
            budget: (1, 1),
            repairs_today: 0,
            repair_budget: (0, 0),
            households: false,
            floors: None,
            end: None,
        }
    }

    fn ended(removals: u32, destroyed: Option<&str>) -> PurposeStatus {
        let end = EndStatus {
            proposal: "0".repeat(16),
            since: "2026-11-30T10:00:00Z".into(),
            removals,
            store_lost: false,
            destroyed: destroyed.map(str::to_owned),
        };
        PurposeStatus { end: Some(end), ..purpose(100) }
    }

    #[test]
    fn a_purpose_is_warned_of_from_sixty_days_before_its_last_day() {
        let words = |days: i32| status_words(&purpose(days));
        assert!(!words(61).contains("ENDS"), "{}", words(61));
        for days in [60, 1, 0] {
            let told = words(days);
            assert!(told.contains(&format!("ENDS in {days} days: decide now")), "{told}");
            assert!(told.contains("request … end-purpose --purpose one"), "{told}");
        }
        let told = words(-1);
        assert!(told.contains("OVERDUE by 1 day: nothing is answered"), "{told}");
        assert!(told.contains("request … end-purpose --purpose one"), "{told}");
        let json = status_json(&[purpose(61), purpose(60), purpose(-3)]);
        let told = json.iter().map(|of| (of["due"].as_str().unwrap(), of["days_left"].as_i64()));
        let expected = [("later", Some(61)), ("soon", Some(60)), ("over", Some(-3))];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert!(json[0]["next"].is_null() && json[1]["next"].is_string());
    }

    #[test]
    fn a_purpose_whose_end_began_says_whose_turn_it_is() {
        assert!(status_words(&ended(0, None)).contains("run `minster end-purpose`"));
        assert!(status_words(&ended(1, None)).contains("end-purpose finish --purpose one"));
        let done = ended(1, Some("2026-12-01T10:00:00Z"));
        let told = status_words(&done);
        assert_eq!(told, "ENDED 2026-12-01: all that was held for it is destroyed");
        assert!(!Due::of(&done, today()).is_overdue());
        assert!(Due::of(&ended(1, None), today()).is_overdue());
        assert!(Due::of(&purpose(-1), today()).is_overdue());
        assert!(!Due::of(&purpose(0), today()).is_overdue());
    }
}
