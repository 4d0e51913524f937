//! The things that custodians and auditors look at: open proposals, and the log.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use clap::Args;
use minster_model::Role;
use minster_vault::{
    approvals::NEEDED,
    log::{Asker, Entry},
    unseen::shown,
};
use minster_vault_api::OpenProposal;

use crate::{
    Failure,
    arguments::{Caller, Json},
    client::{connect, usage},
    print,
};

/// A part of the log.
#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    caller: Caller,
    /// Show entries from this number on.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: u64,
    /// Show at most so many entries, the last ones.
    #[arg(long, value_name = "NUMBER")]
    last: Option<usize>,
    /// Show entries of this event alone, such as alarm. It may be given several times.
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<String>,
    /// Print the lines as they stand in the log. All of them, in a file, are what `minster-vault log verify --log` verifies.
    #[arg(long)]
    lines: bool,
}

pub(crate) fn proposals(caller: &Caller, form: &Json) -> Result<(), Failure> {
    let open = connect(caller, Role::Custodian)?.proposals()?;
    if form.json {
        let object = serde_json::json!({ "format": 1, "needed": NEEDED, "proposals": open });
        return print(&format!("{object}\n"));
    }
    if open.is_empty() {
        let _ = writeln!(io::stderr(), "no proposal is open");
    }
    print(&open.iter().map(described).collect::<String>())
}

fn described(of: &OpenProposal) -> String {
    let OpenProposal { proposal, action, purpose, count, reference, requester, expires, .. } = of;
    let mut text = String::new();
    let purpose = purpose.as_ref().map(|purpose| format!(" of {purpose}")).unwrap_or_default();
    let _ = writeln!(text, "{proposal}  {}{purpose}, {count}, {}", shown(action), shown(reference));
    let signed = match of.signed.as_slice() {
        [] => "nobody".to_owned(),
        names => names.join(", "),
    };
    let missing = match (of.missing, of.may_sign.as_slice()) {
        (0, _) => "carried out by whoever asked for it".to_owned(),
        (missing, others) => format!("{missing} of {} missing", others.join(", ")),
    };
    let _ = writeln!(text, "  signed by {}; {}", shown(&signed), shown(&missing));
    let days = match of.days_left {
        0 => "the last day is today".to_owned(),
        days => format!("{days} days left"),
    };
    let asked = requester.map_or("an unknown uid".to_owned(), |uid| format!("uid {uid}"));
    let _ = writeln!(text, "  asked for by {asked} {}; until {expires}, {days}", of.made);
    text
}

pub(crate) fn show(of: &Show) -> Result<(), Failure> {
    let mut client = connect(&of.caller, Role::Auditor)?;
    let mut last = std::collections::VecDeque::new();
    let mut from = 0;
    loop {
        let page = client.read_log(from)?;
        if page.lines.is_empty() {
            break;
        }
        from = page.next;
        for line in page.lines.split_inclusive(|byte| *byte == b'\n') {
            let Some(text) = of.shown(line)? else { continue };
            match of.last {
                None => print(&text)?,
                Some(most) => {
                    last.push_back(text);
                    if last.len() > most {
                        last.pop_front();
                    }
                }
            }
        }
    }
    last.iter().try_for_each(|text| print(text))
}

impl Show {
    /// A line as it is shown; nothing where it is not asked for.
    fn shown(&self, line: &[u8]) -> Result<Option<String>, Failure> {
        let odd = |_| usage("the vault's answer is no log; use programs of one release");
        let entry: Entry = serde_json::from_slice(line).map_err(odd)?;
        let mut fields = serde_json::to_value(&entry.event).map_err(odd)?;
        let fields = fields.as_object_mut().ok_or_else(|| usage("an entry tells of no event"))?;
        let event = fields.remove("event");
        let event = event.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        let wanted = self.events.is_empty() || self.events.iter().any(|one| one == event);
        if entry.number < self.from || !wanted {
            return Ok(None);
        }
        if self.lines {
            return Ok(Some(String::from_utf8_lossy(line).into_owned()));
        }
        let asker = entry.asker.as_ref().map(|Asker { uid, role, program }| {
            format!(" by uid {uid} as {role} ({})", shown(program))
        });
        let mut text =
            format!("{} {} {event}{}", entry.number, entry.time, asker.unwrap_or_default());
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = write!(text, " {name}={}", shown(&value));
        }
        Ok(Some(text + "\n"))
    }
}
