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
use minster_model::Role;
use minster_vault_api::{Client, SignedDecisions};

use crate::{failure::Failure, pipeline::Loaded};

/// What is done with pairs that are in doubt.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the pairs that a reviewer is to judge: how their parts agree, and nothing else.
    #[command(
        after_help = "Example:\n  minster review export --reviewer rae --out rae.csv --config config/pipeline.toml\n\nThe reviewer fills in the last column, `same`, `different` or `cannot tell`, and signs the file with\n`minster-vault review sign`. Custodians approve reviewers (`minster-vault request reviewers`)."
    )]
    Export(Export),
    /// Take a reviewer's signed decisions in. The next `minster run` honours them.
    #[command(
        after_help = "Example:\n  minster review import --reviewer rae --decisions rae.csv --signature rae.csv.sig \\\n      --config config/pipeline.toml"
    )]
    Import(Import),
    /// Say how many pairs wait, what was decided, and how often reviewers agree.
    #[command(after_help = "Example:\n  minster review status --config config/pipeline.toml")]
    Status(Status),
}

/// Which pairs, and where to.
#[derive(Args)]
pub(crate) struct Export {
    /// The reviewer's name in the vault.
    #[arg(long)]
    reviewer: String,
    /// The file; never one that is there.
    #[arg(long)]
    out: PathBuf,
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
}

/// What comes back.
#[derive(Args)]
pub(crate) struct Import {
    /// The reviewer's name in the vault.
    #[arg(long)]
    reviewer: String,
    /// The file that was filled in.
    #[arg(long)]
    decisions: PathBuf,
    /// Its signature, as `minster-vault review sign` wrote it.
    #[arg(long)]
    signature: PathBuf,
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
}

/// What is counted.
#[derive(Args)]
pub(crate) struct Status {
    /// The pipeline.
    #[arg(long)]
    config: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Does it; gives what is printed.
pub(crate) fn run(command: &Command) -> Result<String, Failure> {
    match command {
        Command::Export(arguments) => export(arguments),
        Command::Import(arguments) => import(arguments),
        Command::Status(arguments) => status(arguments),
    }
}

fn export(arguments: &Export) -> Result<String, Failure> {
    let Export { reviewer, out, config } = arguments;
    let loaded = Loaded::read(config)?;
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
    Ok(format!("{pairs} pairs for {reviewer} are in {}\n", out.display()))
}

fn import(arguments: &Import) -> Result<String, Failure> {
    let Import { reviewer, decisions: path, signature, config } = arguments;
    let loaded = Loaded::read(config)?;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    let (review, mut vault) = read(&loaded)?;
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
    Ok(format!(
        "{} decisions of {reviewer} are taken in; the next `minster run` honours them\n",
        decisions.len()
    ))
}

fn status(arguments: &Status) -> Result<String, Failure> {
    let Status { config, json } = arguments;
    let report: ClericalReport = read(&Loaded::read(config)?)?.0.report();
    if !json {
        return Ok(report.text());
    }
    let object = serde_json::json!({ "format": 1, "review": report });
    serde_json::to_string_pretty(&object).map(|text| text + "\n").map_err(Failure::Summary)
}

/// What stands, read as the linker.
fn read(loaded: &Loaded) -> Result<(Review, Client), Failure> {
    let pipeline = &loaded.pipeline;
    let mut vault = Client::connect(&pipeline.vault.socket, Role::Linker, "minster")?;
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
