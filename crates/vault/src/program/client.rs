//! Commands that ask a serving vault.

use std::{fmt::Write as _, fs, io, path::Path};

use minster_model::{DatasetRef, KeyVersion, Kind, Role, pipeline::VaultAddress};
use minster_vault::{
    VaultFault,
    access::canonical,
    approvals::{NEEDED, Proposal, sha256},
    disk::Disk,
    log::checkpoint::{Checkpoint, Exporter},
};
use minster_vault_api::{
    CarriedOut, Client, IdentifierBatch, ListChanged, Proposed, ProposedAction, RoleGrant,
    StatusReport, VaultState, note::Verifier,
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    Failure,
    arguments::{Caller, Json, ProposalName},
    cases::status_line,
    ending, exact_only, print,
    proposals::{Case, Child, What},
    tell,
    unlock::locked_text,
};

pub(crate) fn status(caller: &Caller, form: &Json) -> Result<(), Failure> {
    let role = caller.role.unwrap_or(Role::Auditor);
    let state = Client::state_of(&address(caller), role, "minster-vault")?;
    print(&match (&state, form.json) {
        (VaultState::Open(status), false) => status_text(status),
        (VaultState::Locked(locked), false) => locked_text(locked),
        (VaultState::Open(status), true) => {
            let ends = ending::status_json(&status.purposes);
            format!("{}\n", serde_json::json!({ "format": 2, "status": status, "ends": ends }))
        }
        (VaultState::Locked(locked), true) => {
            format!("{}\n", serde_json::json!({ "format": 2, "locked": locked }))
        }
    })
}

pub(crate) fn statement(caller: &Caller, form: &Json) -> Result<(), Failure> {
    let note = connect(caller, Role::Auditor)?.statement()?;
    match form.json {
        true => print(&format!("{}\n", serde_json::json!({ "format": 1, "statement": note }))),
        false => print(&note),
    }
}

pub(crate) fn checkpoint(caller: &Caller, out: &Path, form: &Json) -> Result<(), Failure> {
    let mut client = connect(caller, Role::Auditor)?;
    let verifier: Verifier = client.status()?.verifier.parse().map_err(usage)?;
    let mut exporter = Exporter::new(out, &verifier, Disk::new())?;
    let note = client.checkpoint()?;
    let checkpoint = Checkpoint::read(verifier.open(&note).map_err(usage)?)
        .ok_or_else(|| usage("the vault's answer is no checkpoint"))?;
    exporter.export(&note, checkpoint.entries)?;
    let entries = checkpoint.entries;
    let words = format!("a checkpoint of {entries} entries is in {}", out.display());
    tell(form, &serde_json::json!({ "format": 1, "entries": entries, "folder": out }), &words)
}

pub(crate) fn request(caller: &Caller, case: Case, what: What, form: &Json) -> Result<(), Failure> {
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
        What::Access { child, recipient, schedule } => {
            let schedule = read(&schedule)?;
            let identifier = identifier(&child)?;
            ProposedAction::Access { kind: child.kind, identifier, recipient, schedule }
        }
        What::Purpose { definition } => ProposedAction::Purpose(read(&definition)?),
        What::Load { purpose, source, ceiling } => {
            ProposedAction::Load { purpose, source, ceiling }
        }
        What::Custodians { custodians } => ProposedAction::Custodians(
            custodians.into_iter().map(|one| (one.name, one.key)).collect(),
        ),
        What::Resume { purpose } => ProposedAction::Resume { purpose },
        What::Rotate { purpose } => ProposedAction::Rotate { purpose },
        What::Retire { purpose, version, give_up } => {
            ProposedAction::Retire { purpose, version: KeyVersion(version), give_up }
        }
        What::Reviewers(of) => ProposedAction::Reviewers {
            purpose: of.purpose,
            reviewers: of.reviewers.into_iter().map(|one| (one.name, one.key)).collect(),
        },
        What::ExactOnly(change) => exact_only::proposed(change)?,
        What::Snapshot { purpose, dataset: (class, name, period), manifest, gone: _ } => {
            let sha256 =
                manifest.map(|path| Ok::<_, Failure>(sha256(&read(&path)?))).transpose()?;
            let dataset = DatasetRef { class, name, period, purpose };
            ProposedAction::Snapshot { dataset, sha256 }
        }
        What::ForgetRelease { purpose, release, period, sha256 } => {
            ProposedAction::ForgetRelease { purpose, release, period, sha256 }
        }
        What::Hold(hold) => hold.proposed()?,
        What::Moratorium { category, ordered_by, schedule } => {
            let schedule = read(&schedule)?;
            ProposedAction::Moratorium { category, ordered_by, schedule }
        }
        What::Lift { hold } => ProposedAction::LiftHold { hold },
        What::Grant { role, uid, until } => ProposedAction::Grant { role, uid, until },
        What::Revoke { role, uid } => ProposedAction::Revoke { role, uid },
        What::Dispose(schedule) => schedule.proposed()?,
        What::Decide(decision) => decision.proposed(caller)?,
        What::EndPurpose(end) => end.action(),
        What::OpenArchive(of) => of.proposed()?,
    };
    let Case { reference, reason, expires } = case;
    let proposed = Proposed { action, reference, reason, expires };
    let text = connect(caller, Role::Custodian)?.propose(proposed)?;
    let id = Proposal::id(&text);
    if !form.json {
        print(&text)?;
    }
    let object = serde_json::json!({ "format": 1, "proposal": id, "text": text, "needed": NEEDED });
    let words =
        format!("proposal {id}: {NEEDED} custodians must approve it, then you carry it out");
    tell(form, &object, &words)
}

pub(crate) fn enact(caller: &Caller, proposal: &ProposalName, form: &Json) -> Result<(), Failure> {
    let id = proposal.id()?;
    let carried_out = connect(caller, Role::Custodian)?.enact(&id)?;
    let mut object = serde_json::json!({
        "format": 1, "proposal": id, "exact_only": null, "rotated": null, "retired": null,
    });
    let words = match carried_out {
        CarriedOut::Done => "carried out".to_owned(),
        CarriedOut::ListChanged(ListChanged { added, removed, numbers }) => {
            object["exact_only"] =
                serde_json::json!({ "added": added, "removed": removed, "numbers": numbers });
            format!(
                "carried out\n{added} numbers put on the list of exact-only identities, {removed} taken off; {numbers} are on it now"
            )
        }
        CarriedOut::Rotated(version) => {
            object["rotated"] = version.0.into();
            format!(
                "carried out\nthe keys are {version} now: convert the datasets with `minster rekey`, then propose to retire the version before"
            )
        }
        CarriedOut::Retired(version) => {
            object["retired"] = version.0.into();
            format!("carried out\n{version} of the keys is retired")
        }
        CarriedOut::Disposed(counts) => format!(
            "carried out\n{} persons were disposed of; `minster-vault retention apply` with this proposal writes the signed list",
            counts.persons
        ),
        CarriedOut::EndBegun => {
            "carried out\nthe end of the purpose has begun: nothing is answered for it any more. Run `minster end-purpose` with its pipeline, then \
             `minster-vault end-purpose finish`".to_owned()
        }
        CarriedOut::NoRecord => {
            "carried out\nthe purpose holds no record under this number: send the answer, and close the case".to_owned()
        }
    };
    tell(form, &object, &words)
}

pub(crate) fn reidentify(
    caller: &Caller,
    proposal: &ProposalName,
    form: &Json,
) -> Result<(), Failure> {
    let found = connect(caller, Role::Custodian)?.reidentify(&proposal.id()?)?;
    let mut rows = Vec::new();
    for one in &found {
        match &one.found {
            Some((kind, identifiers)) => rows.extend(identifiers.iter().map(|identifier| {
                let text = Zeroizing::new(String::from_utf8_lossy(identifier).into_owned());
                (one.pseudonym.to_string(), Some((kind, text)))
            })),
            None => rows.push((one.pseudonym.to_string(), None)),
        }
    }
    if !form.json {
        for (pseudonym, found) in &rows {
            let line = match found {
                Some((kind, text)) => format!("{pseudonym}\t{kind}\t{}\n", **text),
                None => format!("{pseudonym}\t\t\n"),
            };
            print(&Zeroizing::new(line))?;
        }
        return Ok(());
    }
    // One row at a time: a tree of JSON values would leave copies of the identifiers in memory.
    print(r#"{"format":1,"identifiers":["#)?;
    for (at, (pseudonym, found)) in rows.iter().enumerate() {
        let (kind, text) = found.as_ref().map(|(kind, text)| (kind, text.as_str())).unzip();
        let row = Revealed { pseudonym, kind, identifier: text };
        let row = Zeroizing::new(serde_json::to_string(&row).map_err(io::Error::from)?);
        print(if at == 0 { "" } else { "," })?;
        print(&row)?;
    }
    print("]}\n")
}

/// A pseudonym and what stands behind it, if anything does.
#[derive(Serialize)]
struct Revealed<'a> {
    pseudonym: &'a str,
    kind: Option<&'a &'a Kind>,
    identifier: Option<&'a str>,
}

pub(crate) fn subject(
    caller: &Caller,
    proposal: &ProposalName,
    child: &Child,
    form: &Json,
) -> Result<(), Failure> {
    let mut client = connect(caller, Role::Custodian)?;
    let found = client.find_subject(&proposal.id()?, &child.kind, identifier(child)?)?;
    if form.json {
        let pseudonyms = found.iter().map(|one| {
            serde_json::json!({
                "purpose": one.purpose, "version": one.version.0,
                "pseudonym": one.pseudonym.to_string(), "answered": one.answered,
            })
        });
        let pseudonyms: Vec<_> = pseudonyms.collect();
        let object = serde_json::json!({ "format": 1, "pseudonyms": pseudonyms });
        return print(&format!("{object}\n"));
    }
    let mut text = String::new();
    for one in found {
        let answered = if one.answered { "yes" } else { "no" };
        let _ = writeln!(text, "{}\t{}\t{}\t{answered}", one.purpose, one.version, one.pseudonym);
    }
    print(&text)
}

pub(crate) fn connect(caller: &Caller, role: Role) -> Result<Client, Failure> {
    Ok(Client::connect_to(&address(caller), caller.role.unwrap_or(role), "minster-vault")?)
}

/// Where the vault is, and whom a command takes for it.
pub(crate) fn address(caller: &Caller) -> VaultAddress {
    let Caller { socket, vault_uid, verifier, role: _ } = caller;
    VaultAddress { socket: socket.path.clone(), uid: *vault_uid, verifier: verifier.clone() }
}

impl ProposalName {
    /// The short name: of the text in a file, or as it was typed.
    pub(crate) fn id(&self) -> Result<String, Failure> {
        let Self { name } = self;
        if Path::new(name).exists() {
            return Ok(Proposal::id(&read(Path::new(name))?));
        }
        match name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(name.clone()),
            false => Err(usage("a proposal is named by its text's file, or by 16 digits")),
        }
    }
}

fn identifier(child: &Child) -> Result<IdentifierBatch, Failure> {
    number(&child.kind, child.identifier_file.as_deref())
}

/// A child's number in its canonical form, from a file or the terminal.
pub(crate) fn number(kind: &Kind, file: Option<&Path>) -> Result<IdentifierBatch, Failure> {
    let text = match file {
        Some(path) => Zeroizing::new(read(path)?),
        None => Zeroizing::new(rpassword::prompt_password("Number (not shown): ")?),
    };
    let line = text.lines().next().unwrap_or_default();
    let mut batch = IdentifierBatch::default();
    let wrong = |why: String| usage(format!("this is no {kind}: {why}"));
    canonical(kind, line, |bytes| batch.push(bytes)).map_err(wrong)?;
    Ok(batch)
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let io = |source| VaultFault::Io { what: "read", path: path.to_owned(), source };
    Ok(fs::read_to_string(path).map_err(io)?)
}

pub(crate) fn usage(why: impl ToString) -> Failure {
    Failure::Vault(VaultFault::Usage(why.to_string()))
}

fn status_text(status: &StatusReport) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "vault      {}", status.store_id);
    let _ =
        writeln!(out, "custody    {}, changed {} times", status.custody, status.custody_generation);
    let custodians = match status.custodians.as_slice() {
        [] => "none: nothing can be approved".to_owned(),
        names => names.join(", "),
    };
    let _ = writeln!(out, "custodians {custodians}");
    let _ = writeln!(out, "verifier   {}", status.verifier);
    let _ = writeln!(out, "quarantine {}", status.recipient);
    let _ = writeln!(out, "log        {} entries, last {}", status.log_entries, status.log_head);
    let _ = writeln!(out, "checkpoint covers {} entries", status.checkpointed);
    let _ = writeln!(out, "proposals  {} open", status.open_proposals);
    let _ = writeln!(out, "cases      {}", status_line(&status.cases));
    let _ = writeln!(out, "process    {}", status.hardening);
    if status.restorations > 0 {
        let times = status.restorations;
        let _ = writeln!(
            out,
            "RESTORED   {times} times: custodians accepted what kept it from starting; `minster-vault log verify` tells more"
        );
    }
    if status.single_user {
        let _ = writeln!(
            out,
            "ONE USER   the vault was started with --single-user: roles that undo a protection may be one person's"
        );
    }
    for of in status.roles.chunk_by(|one, other| one.role == other.role) {
        let uid = |one: &RoleGrant| match &one.until {
            Some(last) => format!("uid {} until {last}", one.uid),
            None => format!("uid {}", one.uid),
        };
        let uids = of.iter().map(uid).collect::<Vec<_>>().join(", ");
        let role = of.first().map_or("", |one| one.role.as_str());
        let _ = writeln!(out, "role       {role}: {uids}");
    }
    let missing = status.custodian_accounts_missing;
    if missing > 0 && !status.custodians.is_empty() {
        let _ = writeln!(
            out,
            "TOO FEW    {missing} more of the accounts that custodians need: grant custodian without --until to an account of each"
        );
    }
    if status.roles_file_ignored {
        let _ = writeln!(
            out,
            "IGNORED    vault.toml was changed after the log took its roles over: that counts for nothing"
        );
    }
    for uids in status.dangerous_roles.chunk_by(|one, other| one.uid == other.uid) {
        let pairs = uids.iter().map(|pair| format!("{} with {}", pair.one, pair.other));
        let pairs = pairs.collect::<Vec<_>>().join(", ");
        let uid = uids.first().map_or(0, |pair| pair.uid);
        let _ = writeln!(
            out,
            "DANGER     uid {uid} holds {pairs}: grant each role to a user of its own, and revoke it here"
        );
    }
    for purpose in &status.purposes {
        let until = ending::status_words(purpose);
        let stopped = if purpose.stopped { ", STOPPED by an alarm" } else { "" };
        let _ = writeln!(out, "purpose    {} {until}{stopped}", purpose.purpose);
        let (run, day) = purpose.budget;
        let budget = |limit: u64| match limit {
            u64::MAX => "any number".to_owned(),
            limit => limit.to_string(),
        };
        let _ = writeln!(
            out,
            "             {} identifiers, {} today; allowed: {} a run, {} a day",
            purpose.identifiers,
            purpose.today,
            budget(run),
            budget(day)
        );
        let (run, day) = purpose.repair_budget;
        let _ = writeln!(
            out,
            "             {} repairs today; allowed: {run} a run, {day} a day",
            purpose.repairs_today
        );
        let households = if purpose.households { "allowed" } else { "not allowed" };
        let _ = writeln!(out, "             households: {households}");
        for version in &purpose.versions {
            let retired = if version.retired { ", retired" } else { "" };
            let _ = writeln!(
                out,
                "             keys {} check {}{retired}",
                version.version, version.key_check
            );
        }
    }
    out
}
