//! Sealed archives of records that were made inaccessible: proposed to be opened, opened, and listed.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use minster_model::{Kind, Purpose, Role};
use minster_vault_api::{
    ArchiveStatus, ArchivedCount, Client, OpenedArchive, PIECE, ProposedAction,
};

use crate::{
    Failure,
    arguments::{Caller, Json, ProposalName},
    client::{connect, number},
    print,
    quarantine::io_fault,
    retention::counted,
    tell,
};

/// Sealed archives.
#[derive(Subcommand)]
pub(crate) enum Archive {
    /// Open an archive for the recipient that two custodians approved. It works once.
    #[command(after_help = "Example:
  minster-vault archive open --proposal proposal.json \\
      --file 0123456789abcdef.age --out opened.age

The archive's file is in the store, below `archive/`; a copy will do, and is no secret. The vault decrypts it, adds the numbers, and \
encrypts all to the recipient: `age --decrypt --identity KEY opened.age` gives JSON lines.")]
    Open(Open),
    /// List the archives that stand. Small counts are hidden.
    #[command(after_help = "Example:
  minster-vault archive list

Auditors add --role auditor.")]
    List {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        form: Json,
    },
}

/// The archive that is opened.
#[derive(Args)]
pub(crate) struct Open {
    #[command(flatten)]
    caller: Caller,
    #[command(flatten)]
    proposal: ProposalName,
    /// The archive's file, or a copy of it.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// A new file for what is opened, encrypted to the recipient.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    form: Json,
}

/// The proposal to open one.
#[derive(Args)]
pub(crate) struct Proposed {
    /// The archive, as `minster-vault archive list` names it.
    #[arg(long, value_name = "ARCHIVE")]
    archive: String,
    /// The age recipient who alone can read what is opened.
    #[arg(long, value_name = "AGE")]
    recipient: String,
    /// Open the records of one person alone, by this kind of number.
    #[arg(long)]
    kind: Option<Kind>,
    /// A file whose first line is the number. Without it, the program asks.
    #[arg(long, value_name = "FILE", requires = "kind")]
    identifier_file: Option<PathBuf>,
}

impl Proposed {
    pub(crate) fn proposed(self) -> Result<ProposedAction, Failure> {
        let Self { archive, recipient, kind, identifier_file } = self;
        let person = match kind {
            Some(kind) => {
                let identifier = number(&kind, identifier_file.as_deref())?;
                Some((kind, identifier))
            }
            None => None,
        };
        Ok(ProposedAction::OpenArchive { archive, person, recipient })
    }
}

pub(crate) fn open(of: &Open) -> Result<(), Failure> {
    let id = of.proposal.id()?;
    let mut file = File::open(&of.file).map_err(io_fault("open", &of.file))?;
    // Before it is begun: a folder that cannot be written must not be found out at the end.
    let mut new = fs::OpenOptions::new();
    let out = new.write(true).create_new(true).mode(0o600).open(&of.out);
    let out = out.map_err(io_fault("create", &of.out))?;
    let opened = connect(&of.caller, Role::Custodian)
        .and_then(|mut vault| pass(&mut vault, &id, (&mut file, &of.file), (out, &of.out)));
    if opened.is_err() {
        // A part that was cut short must not be taken for the whole.
        let _ = fs::remove_file(&of.out);
    }
    let OpenedArchive { sha256, rows, numbers, .. } = opened?;
    let object = serde_json::json!({
        "format": 1, "proposal": id, "rows": rows, "numbers": numbers, "sha256": sha256, "file": of.out,
    });
    let words = match numbers {
        0 => format!(
            "the archive has no record of the person; {} says so to the recipient alone, and the log that it was opened",
            of.out.display()
        ),
        _ => format!(
            "{rows} rows and {numbers} numbers are in {}, encrypted to the recipient; its SHA-256 is {sha256}, and the log says so",
            of.out.display()
        ),
    };
    tell(&of.form, &object, &words)
}

fn pass(
    vault: &mut Client,
    proposal: &str,
    (file, path): (&mut File, &Path),
    (mut out, to): (File, &Path),
) -> Result<OpenedArchive, Failure> {
    let written = |result: std::io::Result<()>| result.map_err(io_fault("write", to));
    written(out.write_all(&vault.begin_opening(proposal)?))?;
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        let read = file.take(PIECE as u64).read_to_end(&mut piece);
        read.map_err(io_fault("read", path))?;
        if piece.is_empty() {
            break;
        }
        written(out.write_all(&vault.open_piece(&piece)?))?;
    }
    written(out.sync_all())?;
    let opened = vault.end_opening()?;
    written(out.write_all(&opened.bytes).and_then(|()| out.sync_all()))?;
    Ok(opened)
}

pub(crate) fn list(caller: &Caller, form: &Json) -> Result<(), Failure> {
    let archives = connect(caller, Role::Custodian)?.archives()?;
    match form.json {
        true => print(&format!("{}\n", serde_json::json!({ "format": 1, "archives": archives }))),
        false if archives.is_empty() => print("no sealed archive stands\n"),
        false => print(&archives.iter().map(line).collect::<String>()),
    }
}

/// The opening of an archive, and how many it is about, in words for those who approve it.
pub(crate) fn in_words(archive: &str, purpose: &Purpose, kind: Option<&Kind>) -> (String, String) {
    let (whose, how_many) = match kind {
        Some(kind) => (format!("for the person with the {kind} that you gave"), "1 person"),
        None => ("whole".to_owned(), "all persons in it"),
    };
    (format!("open the sealed archive {archive} of {purpose} {whose}"), how_many.to_owned())
}

/// To whom an opened archive is encrypted, and which file it is.
pub(crate) fn encrypted(recipient: &str, sha256: &str) -> Vec<(&'static str, String)> {
    vec![
        ("encrypted", format!("to {recipient}: compare it with the recipient's")),
        ("file", format!("with the SHA-256 {sha256}")),
    ]
}

fn line(of: &ArchiveStatus) -> String {
    let ArchiveStatus { archive, purpose, since, persons, sha256, opened } = of;
    let day = since.get(..10).unwrap_or(since);
    let each = |ArchivedCount { category, persons }: &ArchivedCount| {
        format!("{} of {category}", counted(*persons))
    };
    let persons: Vec<String> = persons.iter().map(each).collect();
    let file = match sha256 {
        Some(sha256) => format!("SHA-256 {sha256}"),
        None => "its file is not made yet: run `minster dispose`".to_owned(),
    };
    let opened = match opened {
        0 => "never opened".to_owned(),
        1 => "opened once".to_owned(),
        more => format!("opened {more} times"),
    };
    format!("{archive} of {purpose}, {day}: {}; {opened}; {file}\n", persons.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_hides_small_counts_and_says_what_is_missing() {
        let mut of = ArchiveStatus {
            archive: "0123456789abcdef".into(),
            purpose: "education".parse().unwrap(),
            since: "2026-11-30T12:00:00Z".into(),
            persons: vec![
                ArchivedCount { category: "adoption".into(), persons: None },
                ArchivedCount { category: "looked-after".into(), persons: Some(7) },
            ],
            sha256: None,
            opened: 0,
        };
        assert_eq!(
            line(&of),
            "0123456789abcdef of education, 2026-11-30: 1 to 4 of adoption, 7 of looked-after; never opened; its file is not made yet: run \
             `minster dispose`\n"
        );
        (of.sha256, of.opened) = (Some("ab".into()), 2);
        assert!(line(&of).ends_with("opened 2 times; SHA-256 ab\n"));
    }
}
