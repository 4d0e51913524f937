//! The list of exact-only identities, as custodians change and count it.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use minster_model::{Kind, Role};
use minster_vault::access::canonical;
use minster_vault_api::{IdentifierBatch, ListChange, ProposedAction};
use zeroize::Zeroizing;

use crate::{
    Failure,
    arguments::{Caller, Json},
    client, print,
};

/// A change of the list.
#[derive(Subcommand)]
pub(crate) enum ExactOnly {
    /// Propose to put numbers on the list.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/8 --reason \"adoption\" \\
      --expires 2026-12-31 exact-only add --numbers numbers.txt > proposal.json")]
    Add(Numbers),
    /// Propose to take numbers off the list.
    #[command(after_help = "Example:
  minster-vault request --reference IG/2026/9 --reason \"listed by mistake\" \\
      --expires 2026-12-31 exact-only remove --numbers numbers.txt > case.json")]
    Remove(Numbers),
}

/// Numbers of children. They are read from a file or from standard input: a command line is seen by others.
#[derive(Args)]
pub(crate) struct Numbers {
    /// A file with a number a line: its kind, as the source definitions call it, a space, and the number. `-` reads standard
    /// input.
    #[arg(long, value_name = "FILE")]
    numbers: PathBuf,
}

/// The count of the list.
#[derive(Args)]
#[command(after_help = "Example:
  minster-vault exact-only

It prints one line a kind: kind, numbers, with a tab between.")]
pub(crate) struct CountExactOnly {
    #[command(flatten)]
    caller: Caller,
    #[command(flatten)]
    form: Json,
}

/// The action that a custodian proposes.
pub(crate) fn proposed(change: ExactOnly) -> Result<ProposedAction, Failure> {
    let (change, from) = match change {
        ExactOnly::Add(of) => (ListChange::Add, of.numbers),
        ExactOnly::Remove(of) => (ListChange::Remove, of.numbers),
    };
    Ok(ProposedAction::ExactOnly { change, numbers: numbers(&from)? })
}

pub(crate) fn count(count: &CountExactOnly) -> Result<(), Failure> {
    let kinds = client::connect(&count.caller, Role::Custodian)?.count_exact_only()?;
    if count.form.json {
        let kinds: BTreeMap<String, u64> =
            kinds.into_iter().map(|one| (one.kind.to_string(), one.numbers)).collect();
        let object = serde_json::json!({ "format": 1, "exact_only": kinds });
        return print(&format!("{object}\n"));
    }
    if kinds.is_empty() {
        let _ = writeln!(io::stderr(), "no number is on the list");
    }
    let lines = kinds.iter().map(|one| format!("{}\t{}\n", one.kind, one.numbers));
    print(&lines.collect::<String>())
}

/// The numbers of a file, or of standard input, canonical. No message repeats one.
pub(crate) fn numbers(from: &Path) -> Result<Vec<(Kind, IdentifierBatch)>, Failure> {
    let text = Zeroizing::new(match from.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
        false => client::read(from)?,
    });
    let mut by_kind: BTreeMap<Kind, IdentifierBatch> = BTreeMap::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |why: &str| client::usage(format!("{}, line {line}: {why}", from.display()));
        let (kind, number) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(|| wrong("a line is a kind, a space, and a number"))?;
        // Where a line begins with the number, what stands for the kind is the number: no message repeats it.
        let kind: Kind = Some(kind)
            .filter(|kind| kind.starts_with(|first: char| first.is_ascii_lowercase()))
            .and_then(|kind| kind.parse().ok())
            .ok_or_else(|| wrong("it does not begin with a kind, such as upn or la-child-id"))?;
        let batch = by_kind.entry(kind.clone()).or_default();
        canonical(&kind, number.trim(), |bytes| batch.push(bytes))
            .map_err(|why| wrong(&format!("this is no number of its kind: {why}")))?;
    }
    match by_kind.is_empty() {
        true => Err(client::usage(format!("{} has no number", from.display()))),
        false => Ok(by_kind.into_iter().collect()),
    }
}
