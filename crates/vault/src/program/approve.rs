//! A custodian reads a proposal, sees in a few lines what it comes to, and signs it.

use std::{
    io::{self, IsTerminal, Write as _},
    path::PathBuf,
};

use clap::Args;
use minster_model::{Role, SourceName};
use minster_vault::{
    approvals::{Action, DecideCase, KeyForm, NEEDED, Proposal, SigningKey, StoppedRun},
    purposes::today,
    unseen::{shown, shown_lines},
};
use minster_vault_api::{Approval, Client, ListChange, PurposeDefinition, SourceColumns};

use crate::{
    Failure, archive,
    arguments::{Caller, Json},
    cases,
    client::{connect, number, read, usage},
    ending, exact_only, rectification, retention, tell,
};

/// A custodian's signature under a proposal.
#[derive(Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    caller: Caller,
    /// The proposal's text, as `minster-vault request` printed it.
    #[arg(long, value_name = "FILE")]
    proposal: PathBuf,
    /// Your name as a custodian.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    key: KeyFile,
    /// For a change of the list of exact-only identities: the numbers that you were told, in a file as for `request
    /// exact-only`. The program signs nothing where the proposal is about others.
    #[arg(long, value_name = "FILE")]
    numbers: Option<PathBuf>,
    /// For a proposal about one child: a file whose first line is the number that you were told. Without it, the program asks.
    /// The vault compares; the program signs nothing where the proposal is about another.
    #[arg(long, value_name = "FILE")]
    identifier_file: Option<PathBuf>,
    /// For a proposal that corrects a child's records: the correction that you were told, in a file as for `request decide rectify`. The
    /// vault compares; the program signs nothing where the proposal is about another.
    #[arg(long, value_name = "FILE")]
    correction: Option<PathBuf>,
    /// Sign without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    form: Json,
}

/// A signing key, and how it is opened.
#[derive(Args)]
pub(crate) struct KeyFile {
    /// Your key file.
    #[arg(long = "key", value_name = "FILE")]
    key_file: PathBuf,
    #[command(flatten)]
    form: KeyOpening,
}

/// How a signing key stands in its file.
#[derive(Args)]
pub(crate) struct KeyOpening {
    /// A file whose first line is the key's passphrase. Without it, the program asks.
    #[arg(long, value_name = "FILE")]
    key_passphrase_file: Option<PathBuf>,
    /// The key stands in clear in its file. A copy of the file signs in your name.
    #[arg(long, conflicts_with = "key_passphrase_file")]
    clear_key: bool,
}

impl KeyFile {
    /// The key; with a word of warning where it stands in clear.
    pub(crate) fn open(&self) -> Result<SigningKey, Failure> {
        let form = self.form.form();
        let key = SigningKey::read(&self.key_file, &form)?;
        if form == KeyForm::Clear {
            self.form.warn(&self.key_file.display().to_string());
        }
        Ok(key)
    }
}

impl KeyOpening {
    /// The form that the options name.
    pub(crate) fn form(&self) -> KeyForm {
        match self.clear_key {
            true => KeyForm::Clear,
            false => KeyForm::Sealed(self.key_passphrase_file.clone()),
        }
    }

    /// Says what a key in clear means, where it is one.
    pub(crate) fn warn(&self, path: &str) {
        if self.clear_key {
            let _ = writeln!(
                io::stderr(),
                "warning: the key in {path} stands in clear: whoever copies the file signs in its owner's name"
            );
        }
    }
}

pub(crate) fn approve(arguments: &Approve) -> Result<(), Failure> {
    let Approve {
        caller,
        proposal: path,
        name,
        key,
        numbers,
        identifier_file,
        correction,
        yes,
        form,
    } = arguments;
    let text = read(path)?;
    let (proposal, signature) = key.open()?.sign(&text)?;
    let id = Proposal::id(&text);
    let mut client = connect(caller, Role::Custodian)?;
    let mut err = io::stderr().lock();
    write!(err, "{}", shown_lines(&text))?;
    if let Some(from) = numbers {
        let numbers = exact_only::numbers(from)?;
        let same = client.compare_exact_only(&id, numbers)?;
        let from = from.display();
        if !same {
            let why = format!("the proposal is about other numbers than {from}; not signed");
            return Err(usage(why));
        }
        writeln!(err, "it is about the numbers in {from}, and no others")?;
    }
    if let Some((kind, _)) = proposal.action.child() {
        let number = number(kind, identifier_file.as_deref())?;
        if !client.compare_subject(&id, number)? {
            return Err(usage("the proposal is about another number; not signed"));
        }
        writeln!(err, "it is about the number that you gave")?;
    }
    let compared = rectification::compare(&mut client, &proposal, &id, correction.as_deref())?;
    if let Some(words) = compared {
        writeln!(err, "{words}")?;
    }
    write!(err, "\n{}", summary(&proposal, &id))?;
    if !yes {
        ask_to_sign(&mut err, name)?;
    }
    drop(err);
    let approvals =
        signed(client, Approval { proposal: id.clone(), custodian: name.clone(), signature })?;
    let object = serde_json::json!({
        "format": 1, "proposal": id, "approvals": approvals, "needed": NEEDED,
    });
    tell(form, &object, &format!("approved by {approvals} of {NEEDED} custodians"))
}

fn signed(mut client: Client, approval: Approval) -> Result<u32, Failure> {
    Ok(client.approve(approval)?)
}

/// Asks the custodian at the terminal, below the text, whether to sign it.
pub(crate) fn ask_to_sign(err: &mut impl io::Write, name: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(usage("nobody can be asked whether to sign; --yes signs without asking"));
    }
    write!(err, "Sign this as {}? Type yes: ", shown(name))?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(usage("not signed")),
    }
}

/// A text is long, and a custodian reads its end: what comes of it, for how many, for whom, which case, until when.
fn summary(proposal: &Proposal, id: &str) -> String {
    let Proposal { store_id, requester, made, expires, reference, reason, action, .. } = proposal;
    let mut lines = String::new();
    let mut line = |name: &str, value: &str| lines += &format!("{name:<11}{}\n", shown(value));
    let told = told(action);
    line("what", &told.what);
    line("how many", &told.how_many);
    for (name, value) in told.more {
        line(name, &value);
    }
    let for_whom = match action {
        Action::GiveAccess { .. } => {
            format!(
                "the requester; uid {requester} asked for it {made}, and the linker's user carries it out"
            )
        }
        _ => format!("uid {requester}, who asked for it {made}, and nobody else"),
    };
    line("for whom", &for_whom);
    line("reference", reference);
    line("reason", reason);
    let left = match (*expires - today()).get_days() {
        days if days < 0 => "which is over".to_owned(),
        0 => "which is today".to_owned(),
        days => format!("in {days} days"),
    };
    line("until", &format!("{expires} (UTC), {left}"));
    line("proposal", &format!("{id} of vault {store_id}"));
    lines
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// An action in the words of those who approve it.
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) how_many: String,
    pub(crate) more: Vec<(&'static str, String)>,
}

fn told(action: &Action) -> Told {
    let of = |what: String, how_many: String| Told { what, how_many, more: Vec::new() };
    let names = |keys: &[minster_vault::approvals::CustodianKey]| {
        keys.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    match action {
        Action::NamePurpose { definition } => {
            let sources = definition.sources.as_ref().map_or(0, Vec::len);
            let kinds = definition.kinds.as_ref().map_or(0, Vec::len);
            let (run, day) = (definition.budget.run, definition.budget.day);
            let how_many = format!(
                "{sources} sources, {kinds} kinds of numbers; {run} numbers a run, {day} a day"
            );
            let mut told = of(
                format!("give keys to the purpose {}, as the text defines it", definition.name),
                how_many,
            );
            told.more.push(("aim", definition.text.clone()));
            if let Some(notice) = &definition.notice {
                told.more.push(("notice", format!("version {} of {}", notice.version, notice.day)));
                told.more.push(("sentence", notice.sentence.clone()));
            }
            told.more.push(("columns", columns(definition)));
            if let Some(audiences) = &definition.audiences {
                let audiences: Vec<&str> = audiences.iter().map(|of| of.as_str()).collect();
                told.more.push(("readers", audiences.join(", ")));
            }
            told
        }
        Action::AllowLoad { purpose, source, ceiling } => of(
            format!("let one run of {source} ask for more under {purpose}"),
            format!("{ceiling} different numbers at most"),
        ),
        Action::Resume { purpose, stopped } => resumed(purpose, stopped.as_ref()),
        Action::ChangeCustodians { custodians } => of(
            format!("let {} approve from now on, and nobody else", names(custodians)),
            format!("{} custodians", custodians.len()),
        ),
        Action::Reidentify { purpose, pseudonyms } => of(
            format!("tell the numbers of children behind pseudonyms of {purpose}"),
            counted(pseudonyms.len(), "pseudonym"),
        ),
        Action::FindSubject { kind, .. } => of(
            format!("tell all pseudonyms of the child with the {kind} that you gave"),
            "1 child".into(),
        ),
        Action::GiveAccess { kind, recipient, schedule_sha256, .. } => Told {
            more: vec![
                ("encrypted", format!("to {recipient}: compare it with the requester's")),
                ("schedule", format!("the file with the SHA-256 {schedule_sha256}")),
            ],
            ..of(
                format!("give all that is held on the child with the {kind} that you gave"),
                "1 child".into(),
            )
        },
        Action::Hold { kind, .. } => of(
            format!("hold the person with the {kind} that you gave back from disposal"),
            "1 person".into(),
        ),
        Action::Moratorium { category, ordered_by } => Told {
            more: vec![("ordered by", ordered_by.clone())],
            ..of(
                format!("hold all of the category {category} back from disposal"),
                "1 category".into(),
            )
        },
        Action::LiftHold { hold } => of(
            format!("end the hold or moratorium {hold}: what it kept is due by the schedule"),
            "1 hold".into(),
        ),
        Action::GrantRole { role, uid, until } => of(
            match until {
                Some(last) => format!("let uid {uid} ask in the role {role} until {last} (UTC)"),
                None => format!("let uid {uid} ask in the role {role}, without end"),
            },
            "1 role of 1 user".into(),
        ),
        Action::RevokeRole { role, uid } => {
            of(format!("let uid {uid} ask in the role {role} no more"), "1 role of 1 user".into())
        }
        Action::Dispose { .. } => retention::told(action),
        Action::OpenArchive { archive, sha256, purpose, recipient, person } => {
            let more = archive::encrypted(recipient, sha256);
            let kind = person.as_ref().map(|of| &of.kind);
            let (what, how_many) = archive::in_words(archive, purpose, kind);
            Told { more, ..of(what, how_many) }
        }
        Action::DecideCase(case) => {
            let (what, how_many) = cases::in_words(case);
            let DecideCase { case, case_reference, received, .. } = case;
            let case = format!("{case}, {case_reference}, received {received}");
            Told { more: vec![("case", case)], ..of(what, how_many) }
        }
        Action::WithdrawCase { case, restricts, case_reference, right, purpose, received } => {
            let ends =
                if *restricts { ", and count the child whom it restricts again" } else { "" };
            Told {
                more: vec![("case", format!("{case}, {case_reference}, received {received}"))],
                ..of(
                    format!(
                        "take back the case of {right} under {purpose}{ends}; open another with the right number, or nobody answers the \
                         person who asked"
                    ),
                    "1 case".into(),
                )
            }
        }
        Action::EndPurpose(of) => ending::told(of),
        Action::ChangeReviewers { purpose, reviewers } if reviewers.is_empty() => {
            of(format!("let nobody judge pairs of {purpose} any more"), "no reviewers".into())
        }
        Action::ChangeReviewers { purpose, reviewers } => of(
            format!("let {} judge pairs of {purpose}, and nobody else", names(reviewers)),
            counted(reviewers.len(), "reviewer"),
        ),
        Action::Rotate { purpose, to } => of(
            format!("make new keys for {purpose}: version {to}"),
            "all pseudonyms of the purpose".into(),
        ),
        Action::Retire { purpose, version, give_up } => of(
            format!("end version {version} of the keys of {purpose}; nobody can undo it"),
            match give_up.as_slice() {
                [] => "no dataset is lost with it".into(),
                lost => {
                    let lost_ones = lost.join(", ");
                    format!("{} lost with it: {lost_ones}", counted(lost.len(), "dataset"))
                }
            },
        ),
        Action::ChangeExactOnly { change, numbers, .. } => {
            let what = match change {
                ListChange::Add => "link children by their number alone from now on",
                ListChange::Remove => "link children by more than their number again",
            };
            let each: Vec<String> =
                numbers.iter().map(|(kind, count)| format!("{count} of {kind}")).collect();
            of(what.into(), each.join(", "))
        }
        Action::AcceptSnapshot { dataset, sha256: Some(sha256) } => Told {
            more: vec![("manifest", sha256.clone())],
            ..of(
                format!(
                    "take an older snapshot of {dataset} for its newest, and do without what came after it"
                ),
                "1 dataset".into(),
            )
        },
        Action::AcceptSnapshot { dataset, sha256: None } => of(
            format!("begin {dataset} anew, because no snapshot of it is left"),
            "1 dataset".into(),
        ),
        Action::ForgetRelease { purpose, release, period, sha256 } => Told {
            more: vec![("files", sha256.clone())],
            ..of(
                format!("forget the release {release} of {period} of {purpose}, which nobody saw"),
                "1 release".into(),
            )
        },
    }
}

/// How wide a purpose reads, in a line: a custodian must not overlook that it has all columns.
fn columns(definition: &PurposeDefinition) -> String {
    let Some(columns) = &definition.columns else { return "all of its sources".to_owned() };
    let of = |(source, columns): (&SourceName, &SourceColumns)| match columns {
        SourceColumns::Whole(_) => format!("all of {source}"),
        SourceColumns::Tables(tables) => {
            format!("{} of {source}", counted(tables.len(), "table"))
        }
    };
    columns.0.iter().map(of).collect::<Vec<_>>().join("; ")
}

fn resumed(purpose: &minster_model::Purpose, stopped: Option<&StoppedRun>) -> Told {
    let what = format!("answer {purpose} again after an alarm");
    let Some(StoppedRun { run, source, rule, counts }) = stopped else {
        return Told { what, how_many: "not known".into(), more: Vec::new() };
    };
    let (how_many, known) = match counts {
        Some(counts) => (
            format!("one run of {source} may ask for {} different numbers", counts.ceiling),
            format!(
                "{} different numbers answered, {} new ones of a source loaded before; {} on the day, all runs together",
                counts.asked, counts.new, counts.today
            ),
        ),
        None => ("no run is raised".into(), "an earlier release did not count".into()),
    };
    let more = vec![
        ("run", run.to_string()),
        ("source", source.to_string()),
        ("counts", known),
        ("rule", rule.clone()),
    ];
    Told { what, how_many, more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(action: Action) -> Proposal {
        let text = serde_json::json!({
            "format": 1, "store_id": "s", "nonce": "0", "requester": 1001, "made": "2026-01-01T00:00:00Z",
            "expires": "2026-02-01", "reference": "CASE/1", "reason": "help\u{202e}me\u{1b}[2J", "what": action,
        });
        serde_json::from_value(text).unwrap()
    }

    fn purpose() -> minster_model::Purpose {
        "education".parse().unwrap()
    }

    #[test]
    fn the_summary_says_what_for_how_many_for_whom_and_until_when() {
        let pseudonyms = vec!["0".repeat(32).parse().unwrap(); 3];
        let told = summary(&proposal(Action::Reidentify { purpose: purpose(), pseudonyms }), "id1");
        for word in [
            "what       tell the numbers of children behind pseudonyms of education\n",
            "how many   3 pseudonyms\n",
            "for whom   uid 1001, who asked for it 2026-01-01T00:00:00Z, and nobody else\n",
            "reference  CASE/1\n",
            "until      2026-02-01 (UTC), which is over\n",
            "proposal   id1 of vault s\n",
        ] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(told.contains("help\\u{202e}me\\u{1b}[2J"), "{told}");
        assert!(!told.contains(['\u{202e}', '\u{1b}']));
    }

    #[test]
    fn a_name_in_a_text_of_another_s_hand_is_escaped() {
        let give_up = vec!["source/a\u{9b}2J/2024".to_owned()];
        let version = minster_model::KeyVersion(1);
        let told = summary(&proposal(Action::Retire { purpose: purpose(), version, give_up }), "i");
        assert!(told.contains("1 dataset lost with it: source/a\\u{9b}2J/2024"), "{told}");
    }

    #[test]
    fn a_stopped_run_is_shown_with_its_source_its_counts_and_the_rule() {
        let counts = minster_vault::log::RunCounts { asked: 7, new: 5, today: 9, ceiling: 400 };
        let stopped = StoppedRun {
            run: "r1".parse().unwrap(),
            source: "census".parse().unwrap(),
            rule: "too many".into(),
            counts: Some(counts),
        };
        let action = Action::Resume { purpose: purpose(), stopped: Some(stopped) };
        let told = summary(&proposal(action), "i");
        for word in [
            "how many   one run of census may ask for 400 different numbers\n",
            "run        r1\n",
            "source     census\n",
            "counts     7 different numbers answered, 5 new ones of a source loaded before; 9 on the day, all runs together\n",
            "rule       too many\n",
        ] {
            assert!(told.contains(word), "{word}: {told}");
        }
    }
}
