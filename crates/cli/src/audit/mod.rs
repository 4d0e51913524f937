//! `minster audit`: for someone with no secret. Each check says what was seen, PASS or FAIL, and how to
//! look oneself; what could not be looked at is said, never passed over.

mod build;
mod check;
mod datasets;
mod decode;
mod floors;
mod keys;
mod leakage;
mod log;
mod processes;
mod releases;
mod running;

use std::path::{Path, PathBuf};

use clap::Args;
use minster_model::{Role, pipeline::Pipeline};
use minster_store::Store;
use minster_vault_api::Client;

pub(crate) use check::{Check, exit_code, json, text};

use crate::{
    arguments::{Config, Json},
    failure::Failure,
    pipeline::Loaded,
};

/// The places that an auditor names.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: Config,
    /// The vault's folder, where the auditor may look into it.
    #[arg(long, value_name = "DIR")]
    vault_dir: Option<PathBuf>,
    /// The auditor's folder of checkpoints.
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
    /// The vault's log, or a copy of it. Without it, the log in --vault-dir is read.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The vault's signed statement (`minster-vault statement`). Without it, the vault is asked.
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
    /// The key that verifies the vault's signature, or a file with it. Without it, the checkpoints' key is taken.
    #[arg(long, value_name = "KEY")]
    verifier: Option<String>,
    /// The programs' source, for the graph of what each program links.
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// The folder of the three programs. Without it, this program's folder is taken.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Another file or folder to search for identifiers: the programs' output, or temporary files. It may be given several
    /// times.
    #[arg(long, value_name = "PATH")]
    also: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// The site that is audited.
struct Site<'a> {
    arguments: &'a Arguments,
    pipeline: Pipeline,
    programs: PathBuf,
    /// The vault's log, where it was named.
    log: Option<PathBuf>,
}

impl Site<'_> {
    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn socket(&self) -> &Path {
        &self.pipeline.vault.socket
    }
}

/// Makes every check.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Check>, Failure> {
    let pipeline = Loaded::read(&arguments.config.path)?.pipeline;
    let beside = std::env::current_exe().map_err(Failure::NoIngest)?;
    let beside = beside.parent().unwrap_or(Path::new(".")).to_owned();
    let programs = arguments.programs.clone().unwrap_or(beside);
    let in_folder = || arguments.vault_dir.as_ref().map(|folder| folder.join("log.jsonl"));
    let log = arguments.log.clone().or_else(in_folder);
    let site = Site { arguments, pipeline, programs, log };

    let mut checks = build::checks(&site);
    checks.extend(running::checks(&site));
    let store = Store::inspect(&site.pipeline.store);
    let standing = store.and_then(|store| store.stored_datasets());
    let mut vault = Client::connect_to(&site.pipeline.vault, Role::Auditor, "minster-audit");
    checks.extend(keys::checks(&site, &mut vault, &standing));
    let decoded = decode::decode(&standing, &mut vault);
    checks.push(keys::disjoint(&decoded));
    checks.extend(leakage::checks(&site, &decoded));
    checks.push(datasets::newest(&site, &mut vault, &standing));
    checks.push(floors::kept(&site, &mut vault));
    // Last: what was asked of the vault above is in its log.
    checks.extend(log::checks(&site));
    Ok(checks)
}
