//! Clerical review: pairs in doubt go out to a reviewer, signed decisions come back, and both are counted.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use minster_matcher::{
    MatchError,
    clerical::{ClericalReport, Review, SignedFile, take},
};
use minster_model::{Role, counted};
use minster_vault_api::{Client, SignedDecisions};

use crate::{
    arguments::Report,
    failure::Failure,
    pipeline::{Loaded, settled},
    report::json,
};

/// The steps with pairs in doubt.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the pairs that a reviewer judges: how their parts agree, and nothing else.
    #[command(after_help = "Example:\n  minster review export --reviewer rae --out rae.csv\n\n\
            The reviewer fills in the last column with `same`, `different` or `cannot tell`, and signs the file with \
            `minster-vault review sign`. Custodians approve reviewers (`minster-vault request reviewers`).")]
    Export(Export),
    /// Take in a reviewer's signed decisions. The next `minster run` honours them.
    #[command(
        after_help = "Example:\n  minster review import --reviewer rae --decisions rae.csv \\\n      --signature rae.csv.sig"
    )]
    Import(Import),
    /// Count the pairs that wait, the decisions, and how often reviewers agree.
    #[command(after_help = "Example:\n  minster review status")]
    Status(Report),
}

/// Which pairs, and where to.
#[derive(Args)]
pub(crate) struct Export {
    /// The reviewer's name in the vault.
    #[arg(long)]
    reviewer: String,
    /// A new file for the pairs.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    report: Report,
}

/// The files that come back.
#[derive(Args)]
pub(crate) struct Import {
    /// The reviewer's name in the vault.
    #[arg(long)]
    reviewer: String,
    /// The file that the reviewer filled in.
    #[arg(long, value_name = "FILE")]
    decisions: PathBuf,
    /// The file's signature, as `minster-vault review sign` wrote it.
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    #[command(flatten)]
    report: Report,
}

/// Does it; gives what is printed.
pub(crate) fn run(command: &Command) -> Result<String, Failure> {
    match command {
        Command::Export(arguments) => export(arguments),
        Command::Import(arguments) => import(arguments),
        Command::Status(report) => status(report),
    }
}

fn export(arguments: &Export) -> Result<String, Failure> {
    let Export { reviewer, out, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let (review, mut vault) = read(&loaded)?;
    let (text, pairs) = review.file_for(reviewer);
    // Logged before anything is written: a reviewer whom nobody approved is given nothing.
    vault.give_review(&loaded.pipeline.purpose, reviewer, pairs)?;
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|source| Failure::Page { path: out.clone(), source })?;
    if report.form.json {
        return json(&serde_json::json!({
            "format": 1, "reviewer": reviewer, "pairs": pairs, "file": out,
        }));
    }
    let are = if pairs == 1 { "is" } else { "are" };
    let pairs = counted(pairs, "pair", "pairs");
    Ok(format!("{pairs} for {reviewer} {are} in {}\n", out.display()))
}

fn import(arguments: &Import) -> Result<String, Failure> {
    let Import { reviewer, decisions: path, signature, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Linker, "minster")?;
    let store = settled(&store, &loaded.pipeline.purpose, &mut vault)?;
    let review = Review::read(&store, &loaded.pipeline.purpose, &mut vault);
    let review = review.map_err(|error| failed(&loaded, error))?;
    let text = text(path)?;
    let wrong = |why: String| Failure::Decisions { path: path.clone(), why };
    let decisions = review.read_file(&text).map_err(|error| wrong(error.to_string()))?;
    if decisions.is_empty() {
        return Err(wrong("no pair is decided; fill in the last column".into()));
    }
    let digits = self::text(signature)?.trim().to_owned();
    let bytes = unhex(&digits).ok_or_else(|| Failure::Decisions {
        path: signature.clone(),
        why: "is no signature of `minster-vault review sign`".into(),
    })?;
    let sha256 = minster_store::sha256_hex(text.as_bytes());
    let purpose = &loaded.pipeline.purpose;
    vault.take_review(SignedDecisions {
        purpose: purpose.clone(),
        reviewer: reviewer.clone(),
        sha256: sha256.clone(),
        signature: bytes,
        decisions: decisions.len() as u64,
    })?;
    let file = SignedFile { reviewer: reviewer.clone(), text, sha256, signature: digits };
    take((&store, purpose, &loaded.run), file, &mut vault)
        .map_err(|error| failed(&loaded, error))?;
    if report.form.json {
        return json(&serde_json::json!({
            "format": 1, "reviewer": reviewer, "decisions": decisions.len(),
        }));
    }
    Ok(format!(
        "taken in: {} of {reviewer}; the next `minster run` honours them\n",
        counted(decisions.len(), "decision", "decisions")
    ))
}

fn status(asked: &Report) -> Result<String, Failure> {
    let report: ClericalReport = read(&Loaded::read(&asked.config.path)?)?.0.report();
    match asked.form.json {
        true => json(&serde_json::json!({ "format": 1, "review": report })),
        false => Ok(report.text()),
    }
}

/// The review that stands, read as the linker.
fn read(loaded: &Loaded) -> Result<(Review, Client), Failure> {
    let pipeline = &loaded.pipeline;
    let mut vault = Client::connect_to(&pipeline.vault, Role::Linker, "minster")?;
    let review = Review::read(&loaded.store()?, &pipeline.purpose, &mut vault);
    Ok((review.map_err(|error| failed(loaded, error))?, vault))
}

fn failed(loaded: &Loaded, source: MatchError) -> Failure {
    Failure::Match { path: loaded.pipeline.matching.clone(), source: Box::new(source) }
}

fn text(path: &Path) -> Result<String, Failure> {
    let unreadable = |source: io::Error| Failure::Config { path: path.to_owned(), source };
    fs::read_to_string(path).map_err(unreadable)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
