//! Rows in quarantine, opened for a custodian.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use minster_model::Role;
use minster_vault::VaultFault;
use minster_vault_api::{Client, OpenedQuarantine, PIECE, QuarantineCase};
use serde::Deserialize;

use crate::{
    Failure,
    arguments::{Caller, Json},
    client, tell,
};

/// Bytes of a selection: one bit a row, well within a message.
const LARGEST_SELECTION: u64 = 4 << 20;

#[derive(Subcommand)]
pub(crate) enum Quarantine {
    /// Open rows that ingestion set aside, as JSON lines: file, table, row, raw. The vault logs it first.
    #[command(after_help = "Examples:
  minster-vault quarantine open --sealed quarantine.age --reference DQ/2026/3 \\
      --reason \"check letters of one school\" --out rows.jsonl
    all rows, into a new file that only you can read

  ... --reasons quarantine.jsonl --failed-for bad-check-letter --file census.csv
    the rows of one file that failed for one reason

  ... --row 17 --row 4031
    these rows

Any one custodian may do it. The log keeps your uid, the file's hash, the number of rows, the reference and the \
reason; it keeps no row. The sealed file and the reasons are in the dataset's folder; copies will do, and are no \
secret.")]
    Open(Open),
}

#[derive(Args)]
pub(crate) struct Open {
    #[command(flatten)]
    caller: Caller,
    /// The sealed rows: `quarantine.age`, or a copy of it.
    #[arg(long, value_name = "FILE")]
    sealed: PathBuf,
    /// A case number, never a name: it is logged.
    #[arg(long, value_name = "CASE")]
    reference: String,
    /// The reason, in one short line. It is logged: never a child's name or number.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The rows' places and reasons, by which rows are chosen. Without it, `quarantine.jsonl` in the folder of the sealed rows
    /// is taken.
    #[arg(long, value_name = "FILE")]
    reasons: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// A new file for the rows, which only you can read. Without it, they go to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object about what was opened. The rows go to the file of --out.
    #[arg(long, requires = "out")]
    json: bool,
}

/// The rows that are opened; all of them, where no option chooses.
#[derive(Args)]
struct Choice {
    /// Open rows of this delivered file alone.
    #[arg(long)]
    file: Option<String>,
    /// Open rows of this table alone.
    #[arg(long)]
    table: Option<String>,
    /// Open the row of this number alone. It may be given several times.
    #[arg(long = "row")]
    rows: Vec<u64>,
    /// Open rows that failed for this reason alone.
    #[arg(long, value_name = "CODE")]
    failed_for: Option<String>,
}

/// A line of the file of reasons.
#[derive(Deserialize)]
struct Line {
    file: String,
    table: String,
    row: u64,
    reason: String,
}

pub(crate) fn open(open: Open) -> Result<(), Failure> {
    let Open { caller, sealed, reference, reason, reasons, choice, out, json } = open;
    let reasons = reasons.unwrap_or_else(|| sealed.with_file_name("quarantine.jsonl"));
    let chosen = choice.of(&reasons)?;
    let mut file = File::open(&sealed).map_err(io_fault("open", &sealed))?;
    let mut vault = client::connect(&caller, Role::Custodian)?;
    vault.begin_quarantine(QuarantineCase { reference, reason, chosen })?;
    pieces(&mut file, &sealed, |piece| Ok(vault.weigh_quarantine(piece)?))?;
    let opened = vault.end_quarantine()?;
    file.rewind().map_err(io_fault("read", &sealed))?;
    match &out {
        Some(path) => {
            let mut rows = create(path)?;
            let written = pass(&mut file, &sealed, &mut vault, &mut rows)
                .and_then(|()| Ok(rows.sync_all().map_err(io_fault("write", path))?));
            if written.is_err() {
                // A part that was cut short must not be taken for the whole.
                let _ = fs::remove_file(path);
            }
            written?;
        }
        None => match pass(&mut file, &sealed, &mut vault, &mut io::stdout().lock()) {
            // The reader has seen enough.
            Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
            passed => passed?,
        },
    }
    let OpenedQuarantine { chosen, rows, sha256, .. } = opened;
    let object = serde_json::json!({
        "format": 1, "opened": chosen, "rows": rows, "sha256": sha256, "file": out,
    });
    let words = match rows {
        0 => format!("the sealed file {sha256} is opened and has no rows; the log says so"),
        _ => format!("{chosen} of {rows} rows opened of the sealed file {sha256}; the log says so"),
    };
    tell(&Json { json }, &object, &words)
}

impl Choice {
    /// One bit a row of the sealed file, whose rows stand in the order of their reasons.
    fn of(&self, reasons: &Path) -> Result<Option<Vec<u8>>, Failure> {
        let Self { file, table, rows, failed_for } = self;
        if file.is_none() && table.is_none() && rows.is_empty() && failed_for.is_none() {
            return Ok(None);
        }
        let wrong = |line: u64, why: &str| {
            let why = format!("line {line}: {why}");
            Failure::Vault(VaultFault::File { path: reasons.to_owned(), why })
        };
        let lines = BufReader::new(File::open(reasons).map_err(io_fault("open", reasons))?).lines();
        let mut chosen = Vec::new();
        let mut found = false;
        for (at, text) in (0u64..).zip(lines) {
            let text = text.map_err(io_fault("read", reasons))?;
            let line: Line = serde_json::from_str(&text)
                .map_err(|_| wrong(at + 1, "is no place and reason of a row in quarantine"))?;
            if at % 8 == 0 {
                if at / 8 == LARGEST_SELECTION {
                    return Err(wrong(at + 1, "too many rows to choose from; open all of them"));
                }
                chosen.push(0);
            }
            let is = |wanted: &Option<String>, own: &String| {
                wanted.as_ref().is_none_or(|one| one == own)
            };
            let wanted = is(file, &line.file)
                && is(table, &line.table)
                && is(failed_for, &line.reason)
                && (rows.is_empty() || rows.contains(&line.row));
            if let (true, Some(last)) = (wanted, chosen.last_mut()) {
                *last |= 1 << (at % 8);
                found = true;
            }
        }
        if !found {
            let why = format!(
                "{} names no row that fits the choice; `minster-ingest quarantine list` names its rows",
                reasons.display()
            );
            return Err(Failure::Vault(VaultFault::Usage(why)));
        }
        Ok(Some(chosen))
    }
}

fn create(path: &Path) -> Result<File, VaultFault> {
    let mut new = fs::OpenOptions::new();
    new.write(true).create_new(true).mode(0o600).open(path).map_err(io_fault("create", path))
}

fn pass(
    file: &mut File,
    sealed: &Path,
    vault: &mut Client,
    out: &mut impl Write,
) -> Result<(), Failure> {
    pieces(file, sealed, |piece| Ok(out.write_all(&vault.open_quarantine(piece)?.0)?))?;
    Ok(out.flush()?)
}

/// Hands on a file piece by piece.
fn pieces(
    file: &mut File,
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        file.take(PIECE as u64).read_to_end(&mut piece).map_err(io_fault("read", path))?;
        if piece.is_empty() {
            return Ok(());
        }
        take(&piece)?;
    }
}

pub(crate) fn io_fault(
    what: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> VaultFault + use<> {
    let path = path.to_owned();
    move |source| VaultFault::Io { what, path, source }
}
