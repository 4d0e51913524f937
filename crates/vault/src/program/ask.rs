//! Commands that ask a serving vault.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use minster_identifiers::{NhsNumber, NumberForm, Uln, Upn};
use minster_model::{KeyVersion, Kind, Purpose, Role};
use minster_vault::{
    VaultFault,
    approvals::{NEEDED, Proposal, SigningKey},
    disk::Disk,
    log::checkpoint::{Checkpoint, Exporter},
};
use minster_vault_api::{
    Approval, Client, IdentifierBatch, ListChanged, Proposed, ProposedAction, StatusReport,
    note::Verifier,
};
use zeroize::Zeroizing;

use crate::{
    Failure,
    arguments::{Caller, Case, Child, What},
    exact_only,
};

/// A custodian's signature under a proposal.
#[derive(Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    caller: Caller,
    /// The proposal's text, as `request` printed it.
    #[arg(long)]
    proposal: PathBuf,
    /// Your name as a custodian.
    #[arg(long)]
    name: String,
    /// Your key file.
    #[arg(long)]
    key: PathBuf,
    /// Of a change of the list of exact-only identities: the numbers that you were told, in a file as for `request exact-only`.
    /// Nothing is signed where the proposal is about others.
    #[arg(long)]
    numbers: Option<PathBuf>,
    /// Do not ask whether to sign.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn status(caller: &Caller, json: bool) -> Result<(), Failure> {
    let status = connect(caller, Role::Auditor)?.status()?;
    if json {
        let object = serde_json::json!({ "format": 2, "status": status });
        writeln!(io::stdout(), "{object:#}")?;
    } else {
        print_status(&status)?;
    }
    Ok(())
}

pub(crate) fn statement(caller: &Caller) -> Result<(), Failure> {
    let note = connect(caller, Role::Auditor)?.statement()?;
    Ok(io::stdout().write_all(note.as_bytes())?)
}

pub(crate) fn checkpoint(caller: &Caller, out: &Path) -> Result<(), Failure> {
    let mut client = connect(caller, Role::Auditor)?;
    let verifier: Verifier = client.status()?.verifier.parse().map_err(usage)?;
    let mut exporter = Exporter::new(out, &verifier, Disk::new())?;
    let note = client.checkpoint()?;
    let checkpoint = Checkpoint::read(verifier.open(&note).map_err(usage)?)
        .ok_or_else(|| usage("the vault's answer is no checkpoint"))?;
    exporter.export(&note, checkpoint.entries)?;
    writeln!(
        io::stderr(),
        "a checkpoint of {} entries is in {}",
        checkpoint.entries,
        out.display()
    )?;
    Ok(())
}

pub(crate) fn request(caller: &Caller, case: Case, what: What) -> Result<(), Failure> {
    let action = match what {
        What::Reidentify { purpose, pseudonyms } => {
            let wrong = |line: usize| {
                usage(format!(
                    "{}, line {line}: a pseudonym is 32 lower-case hexadecimal digits",
                    pseudonyms.display()
                ))
            };
            let text = read(&pseudonyms)?;
            let mut list = Vec::new();
            for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty())
            {
                list.push(text.trim().parse().map_err(|_| wrong(line))?);
            }
            ProposedAction::Reidentify { purpose, pseudonyms: list }
        }
        What::Subject(child) => {
            let identifier = identifier(&child)?;
            ProposedAction::Subject { kind: child.kind, identifier }
        }
        What::Purpose { definition } => ProposedAction::Purpose(read(&definition)?),
        What::Load { purpose, source, ceiling } => {
            ProposedAction::Load { purpose, source, ceiling }
        }
        What::Custodians { custodians } => ProposedAction::Custodians(
            custodians.into_iter().map(|one| (one.name, one.key)).collect(),
        ),
        What::Resume { purpose } => ProposedAction::Resume { purpose },
        What::Reviewers(of) => ProposedAction::Reviewers {
            purpose: of.purpose,
            reviewers: of.reviewers.into_iter().map(|one| (one.name, one.key)).collect(),
        },
        What::ExactOnly(change) => exact_only::proposed(change)?,
    };
    let Case { reference, reason, expires } = case;
    let proposed = Proposed { action, reference, reason, expires };
    let text = connect(caller, Role::Custodian)?.propose(proposed)?;
    io::stdout().write_all(text.as_bytes())?;
    writeln!(
        io::stderr(),
        "proposal {}: {NEEDED} custodians must approve it, then you carry it out",
        Proposal::id(&text)
    )?;
    Ok(())
}

pub(crate) fn approve(arguments: &Approve) -> Result<(), Failure> {
    let Approve { caller, proposal: path, name, key, numbers, yes } = arguments;
    let text = read(path)?;
    let (proposal, signature) = SigningKey::read(key)?.sign(&text)?;
    let mut err = io::stderr().lock();
    writeln!(err, "{text}proposal {} of vault {}", Proposal::id(&text), proposal.store_id)?;
    if let Some(from) = numbers {
        let numbers = exact_only::numbers(from)?;
        match connect(caller, Role::Custodian)?.compare_exact_only(&Proposal::id(&text), numbers)? {
            true => writeln!(err, "it is about the numbers in {}, and no others", from.display())?,
            false => {
                let why = format!(
                    "the proposal is about other numbers than {}; not signed",
                    from.display()
                );
                return Err(usage(why));
            }
        }
    }
    if !yes {
        if !io::stdin().is_terminal() {
            return Err(usage("nobody can be asked whether to sign; --yes signs without asking"));
        }
        write!(err, "Sign this as {name}? Type yes: ")?;
        err.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            return Err(usage("not signed"));
        }
    }
    let approval = Approval { proposal: Proposal::id(&text), custodian: name.clone(), signature };
    let approvals = connect(caller, Role::Custodian)?.approve(approval)?;
    writeln!(err, "approved by {approvals} of {NEEDED} custodians")?;
    Ok(())
}

pub(crate) fn enact(caller: &Caller, proposal: &str) -> Result<(), Failure> {
    let changed = connect(caller, Role::Custodian)?.enact(&id(proposal)?)?;
    let mut err = io::stderr().lock();
    writeln!(err, "carried out")?;
    if let Some(ListChanged { added, removed, numbers }) = changed {
        writeln!(
            err,
            "{added} numbers put on the list of exact-only identities, {removed} taken off; {numbers} are on it now"
        )?;
    }
    Ok(())
}

pub(crate) fn reidentify(caller: &Caller, proposal: &str) -> Result<(), Failure> {
    let found = connect(caller, Role::Custodian)?.reidentify(&id(proposal)?)?;
    let mut out = io::stdout().lock();
    for one in found {
        match one.found {
            Some((kind, identifiers)) => {
                for identifier in identifiers.iter() {
                    let text = Zeroizing::new(String::from_utf8_lossy(identifier).into_owned());
                    writeln!(out, "{}\t{kind}\t{}", one.pseudonym, *text)?;
                }
            }
            None => writeln!(out, "{}\t\t", one.pseudonym)?,
        }
    }
    Ok(())
}

pub(crate) fn subject(caller: &Caller, proposal: &str, child: &Child) -> Result<(), Failure> {
    let mut client = connect(caller, Role::Custodian)?;
    let found = client.find_subject(&id(proposal)?, &child.kind, identifier(child)?)?;
    let mut out = io::stdout().lock();
    for one in found {
        let answered = if one.answered { "yes" } else { "no" };
        writeln!(out, "{}\t{}\t{}\t{answered}", one.purpose, one.version, one.pseudonym)?;
    }
    Ok(())
}

pub(crate) fn rotate(caller: &Caller, purpose: &Purpose) -> Result<(), Failure> {
    let version = connect(caller, Role::Custodian)?.rotate(purpose)?;
    writeln!(
        io::stderr(),
        "the keys of {purpose} are {version} now: carry the datasets over with `minster rekey`, then \
         retire the version before"
    )?;
    Ok(())
}

pub(crate) fn retire(caller: &Caller, purpose: &Purpose, version: u32) -> Result<(), Failure> {
    connect(caller, Role::Custodian)?.retire(purpose, KeyVersion(version))?;
    writeln!(io::stderr(), "v{version} of the keys of {purpose} is retired")?;
    Ok(())
}

pub(crate) fn connect(caller: &Caller, role: Role) -> Result<Client, Failure> {
    Ok(Client::connect(&caller.socket, caller.role.unwrap_or(role), "minster-vault")?)
}

/// The short name of a proposal: of the text in a file, or as it was typed.
fn id(proposal: &str) -> Result<String, Failure> {
    if Path::new(proposal).exists() {
        return Ok(Proposal::id(&read(Path::new(proposal))?));
    }
    match proposal.len() == 16 && proposal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(proposal.to_owned()),
        false => Err(usage("a proposal is named by its text's file, or by 16 digits")),
    }
}

/// The child's number in its canonical form, from a file or the terminal.
fn identifier(child: &Child) -> Result<IdentifierBatch, Failure> {
    let text = match &child.identifier_file {
        Some(path) => Zeroizing::new(read(path)?),
        None => Zeroizing::new(rpassword::prompt_password("Number (not shown): ")?),
    };
    let line = text.lines().next().unwrap_or_default();
    let mut batch = IdentifierBatch::default();
    let wrong = |why: String| usage(format!("this is no {}: {why}", child.kind));
    canonical(&child.kind, line, |bytes| batch.push(bytes)).map_err(wrong)?;
    Ok(batch)
}

/// As ingestion canonicalises: pupil, NHS and learner numbers with their check characters, others in the usual form of service
/// numbers.
pub(crate) fn canonical(
    kind: &Kind,
    text: &str,
    mut take: impl FnMut(&[u8]),
) -> Result<(), String> {
    let told = |error: minster_identifiers::IdentifierError| error.to_string();
    match kind.as_str() {
        "upn" => take(Upn::parse(text).map_err(told)?.canonical()),
        "uln" => {
            let number = Uln::parse(text).map_err(told)?;
            take(number.canonical().ok_or("it is a temporary number, which many have")?);
        }
        "nhs-number" => take(NhsNumber::parse(text).map_err(told)?.canonical()),
        _ => {
            let number = NumberForm::default().parse(text).map_err(told)?;
            take(number.ok_or("a word or a zero stands in its place")?.canonical());
        }
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let io = |source| VaultFault::Io { what: "read", path: path.to_owned(), source };
    Ok(fs::read_to_string(path).map_err(io)?)
}

pub(crate) fn usage(why: impl ToString) -> Failure {
    Failure::Vault(VaultFault::Usage(why.to_string()))
}

fn print_status(status: &StatusReport) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "vault      {}", status.store_id)?;
    writeln!(out, "custody    {}, changed {} times", status.custody, status.custody_generation)?;
    let custodians = match status.custodians.as_slice() {
        [] => "none: nothing can be approved".to_owned(),
        names => names.join(", "),
    };
    writeln!(out, "custodians {custodians}")?;
    writeln!(out, "verifier   {}", status.verifier)?;
    writeln!(out, "quarantine {}", status.recipient)?;
    writeln!(out, "log        {} entries, last {}", status.log_entries, status.log_head)?;
    writeln!(out, "checkpoint covers {} entries", status.checkpointed)?;
    writeln!(out, "proposals  {} open", status.open_proposals)?;
    writeln!(out, "process    {}", status.hardening)?;
    for purpose in &status.purposes {
        let until = match (&purpose.expires, purpose.expired) {
            (Some(date), true) => format!("EXPIRED {date}: it has no key"),
            (Some(date), false) => format!("until {date}"),
            (None, _) => "without end".to_owned(),
        };
        let stopped = if purpose.stopped { ", STOPPED by an alarm" } else { "" };
        writeln!(out, "purpose    {} {until}{stopped}", purpose.purpose)?;
        let (run, day) = purpose.budget;
        let budget = |limit: u64| match limit {
            u64::MAX => "any number".to_owned(),
            limit => limit.to_string(),
        };
        writeln!(
            out,
            "             {} identifiers, {} today; allowed: {} a run, {} a day",
            purpose.identifiers,
            purpose.today,
            budget(run),
            budget(day)
        )?;
        let (run, day) = purpose.repair_budget;
        writeln!(
            out,
            "             {} repairs today; allowed: {run} a run, {day} a day",
            purpose.repairs_today
        )?;
        let households = if purpose.households { "allowed" } else { "not allowed" };
        writeln!(out, "             households: {households}")?;
        for version in &purpose.versions {
            let retired = if version.retired { ", retired" } else { "" };
            writeln!(
                out,
                "             keys {} check {}{retired}",
                version.version, version.key_check
            )?;
        }
    }
    Ok(())
}
