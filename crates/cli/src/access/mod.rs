//! `minster access`: all that is held on one child, as one file that only the requester can open. The store's side of it: this program
//! finds the child's rows by pseudonyms, and never learns a number; the vault adds the numbers and the days, and encrypts.

mod bundle_file;
mod bundle_writer;
mod content;
mod gather;
mod page;
mod words;

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use minster_model::{Pseudonym, Purpose, Role};
use minster_store::sha256_hex;
use minster_vault_api::{AccessCounts, BegunAccess, Client};

use self::content::{Content, LeftOut};
pub(crate) use self::{
    bundle_file::BundleFile,
    bundle_writer::{BundleWriter, Sink, csv_name},
    words::Definitions,
};
use crate::{arguments::Report, failure::Failure, pipeline, pipeline::Loaded, report};

/// Access to all that is held on one child.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The grant: the proposal's text, or its 16 digits. Two custodians approved it.
    #[arg(long, value_name = "PROPOSAL")]
    grant: String,
    /// A new file for the encrypted bundle.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    pub(crate) report: Report,
}

/// The outcome: counts alone.
#[derive(Debug)]
pub(crate) struct Given {
    grant: String,
    datasets: u64,
    rows: u64,
    set_aside: u64,
    tables: usize,
    left_out: LeftOut,
    sha256: String,
    path: PathBuf,
}

/// The child, as the vault told the store's side.
pub(crate) struct Child {
    pub(crate) purposes: Vec<(Purpose, HashSet<Pseudonym>)>,
    /// Purposes that are not open to the linker.
    pub(crate) closed: HashSet<Purpose>,
    pub(crate) alike: BTreeSet<minster_model::Kind>,
    pub(crate) own_kinds: BTreeSet<minster_model::Kind>,
}

impl Child {
    fn of(begun: BegunAccess) -> Self {
        let BegunAccess { purposes, closed, child_kinds, own_kinds } = begun;
        let purposes = purposes.into_iter();
        Self {
            purposes: purposes
                .map(|of| (of.purpose, of.pseudonyms.into_iter().collect()))
                .collect(),
            closed: closed.into_iter().collect(),
            alike: child_kinds.into_iter().collect(),
            own_kinds: own_kinds.into_iter().collect(),
        }
    }

    fn pseudonyms(&self, purpose: &Purpose) -> Option<&HashSet<Pseudonym>> {
        self.purposes.iter().find(|(of, _)| of == purpose).map(|(_, pseudonyms)| pseudonyms)
    }
}

pub(crate) fn access(arguments: &Arguments) -> Result<Given, Failure> {
    let config = &arguments.report.config.path;
    let loaded = Loaded::read(config)?;
    let Grant { id, case } = Grant::read(&arguments.grant)?;
    let schedule = loaded.pipeline.schedule.as_ref().ok_or(Failure::NoSchedule)?;
    let schedule = pipeline::read(schedule)?;
    let store = loaded.store()?;
    let _lock = store.lock()?;
    // Before the grant is begun: a folder that cannot be written must not be found out at the end.
    let mut file = BundleFile::new(&arguments.out)?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Linker, "minster")?;
    let child = Child::of(vault.begin_access(&id, &schedule)?);
    let content = gather::gather(&loaded, config, &store, &child, &mut vault)?;
    let mut writer = BundleWriter::new(&mut vault, |bytes: &[u8]| file.add(bytes));
    write(&content, case.as_deref(), &mut writer)?;
    writer.flush()?;
    let counts = AccessCounts { datasets: content.datasets, rows: content.rows() };
    file.reserve()?;
    let ended = vault.end_access(counts)?;
    file.finish(&ended.bytes)?;
    Ok(Given {
        grant: id,
        datasets: counts.datasets,
        rows: counts.rows,
        set_aside: content.set_aside_rows(),
        tables: content.kinds.len(),
        left_out: content.left_out,
        sha256: ended.sha256,
        path: arguments.out.clone(),
    })
}

/// Writes the page, a table a kind of record, and a file that says what is what. The vault adds what it alone knows.
fn write(content: &Content, case: Option<&str>, to: &mut impl Sink) -> Result<(), Failure> {
    to.begin("README.txt")?;
    to.text(&page::readme(content, case))?;
    to.begin("page.html")?;
    page::page(content, case, to)?;
    to.begin("set-aside.csv")?;
    to.text(&content.set_aside_csv())?;
    for kind in &content.kinds {
        to.begin(&kind.file)?;
        kind.csv(to)?;
    }
    Ok(())
}

/// The grant as it is named.
struct Grant {
    id: String,
    /// The reference of the case, where the text is at hand.
    case: Option<String>,
}

impl Grant {
    fn read(name: &str) -> Result<Self, Failure> {
        let path = Path::new(name);
        if path.exists() {
            let text = pipeline::read(path)?;
            let case = serde_json::from_str::<serde_json::Value>(&text).ok();
            let case = case.and_then(|of| Some(of.get("reference")?.as_str()?.to_owned()));
            return Ok(Self { id: sha256_hex(text.as_bytes())[..16].to_owned(), case });
        }
        match name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self { id: name.to_owned(), case: None }),
            false => Err(Failure::Grant { name: name.to_owned() }),
        }
    }
}

impl Given {
    pub(crate) fn text(&self) -> String {
        let Self { grant, datasets, rows, set_aside, tables, left_out, sha256, path } = self;
        let mut text = String::new();
        let _ = writeln!(
            text,
            "grant {grant} is used up: {datasets} datasets read, {rows} rows in {tables} tables\n{set_aside} rows stand set aside in all \
             deliveries and were not searched: custodians open them with `minster-vault quarantine open`\n{} rows left out: {} another person's, \
             {} in doubt, {} of shared cases, {} of earlier copies; {} cells with another person's number; {} codes of linked children whom another \
             person's number leads to\n{} datasets of purposes that are not open to the linker, and {} of purposes that are over, were not read; \
             {} earlier copies were changed or do not say whose rows they have, and {} open no more\nthe bundle is in {}, encrypted to the requester; its SHA-256 is {sha256}",
            left_out.rows(),
            left_out.rows_of_others,
            left_out.rows_in_doubt,
            left_out.rows_of_shared_cases,
            left_out.rows_of_earlier,
            left_out.cells_of_others,
            left_out.shared_ids,
            left_out.closed,
            left_out.ended,
            left_out.unclear_copies,
            left_out.unreadable_copies,
            path.display()
        );
        text
    }

    pub(crate) fn json(&self) -> Result<String, Failure> {
        let Self { grant, datasets, rows, set_aside, tables, left_out, sha256, path: _ } = self;
        report::json(&serde_json::json!({
            "format": 1,
            "grant": grant,
            "datasets": datasets,
            "rows": rows,
            "tables": tables,
            "set_aside": set_aside,
            "left_out": left_out.rows(),
            "left_out_of": {
                "rows_of_others": left_out.rows_of_others,
                "rows_in_doubt": left_out.rows_in_doubt,
                "rows_of_shared_cases": left_out.rows_of_shared_cases,
                "rows_of_earlier_copies": left_out.rows_of_earlier,
                "cells_of_others": left_out.cells_of_others,
                "shared_ids": left_out.shared_ids,
                "closed_datasets": left_out.closed,
                "ended_datasets": left_out.ended,
                "unclear_copies": left_out.unclear_copies,
                "unreadable_copies": left_out.unreadable_copies,
            },
            "sha256": sha256,
        }))
    }
}
