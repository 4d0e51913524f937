use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::Path,
    sync::Arc,
};

use minster_model::{
    DatasetRef, Period, Role, RowCounts, RunId, SourceName, exit,
    pipeline::{IdentifierRule, Pipeline},
};
use minster_sources::{Catalogue, Lookup, Plan, Treatment};
use minster_store::{Manifest, Origin, Store, sha256_hex};
use minster_vault_api::Client;
use serde::Serialize;

use crate::{
    IngestError,
    delivery::{self, Planned, Run},
    tokens::Dictionary,
};

/// A run that was planned: every delivery's files were compared with its definition.
pub struct Ingestion {
    pipeline: Pipeline,
    deliveries: Vec<Planned>,
    lookups: HashMap<String, Arc<Lookup>>,
}

/// How a run goes about it.
pub struct Options {
    /// Whether the caller holds the store's lock already.
    pub lock_held: bool,
    /// The run's name; made from the clock where absent.
    pub run: Option<RunId>,
    /// Is told how many more bytes were read.
    pub progress: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self { lock_held: false, run: None, progress: Arc::new(|_| {}) }
    }
}

/// What a run did. Holds counts and names; never a row's value.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The report's format.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// One entry a delivery.
    pub sources: Vec<SourceReport>,
    /// Identifiers that the vault was asked for, each once a delivery.
    pub distinct_identifiers: u64,
}

/// What became of one delivery.
#[derive(Debug, Serialize)]
pub struct SourceReport {
    /// The source.
    pub name: SourceName,
    /// Its period.
    pub period: Period,
    /// Files read.
    pub files: usize,
    /// Where the rows went.
    pub counts: RowCounts,
    /// Quarantined rows by reason.
    pub reasons: BTreeMap<String, u64>,
}

impl Ingestion {
    /// Reads the configuration and compares every delivery with its definition. No row is read: CSV
    /// headers, sheets' headers and XML element names alone.
    pub fn load(path: &Path) -> Result<Self, IngestError> {
        let pipeline: Pipeline = toml::from_str(&read(path)?).map_err(|error| {
            IngestError::Pipeline { path: path.to_owned(), source: Box::new(error) }
        })?;
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let pipeline = pipeline.resolve(whole.parent().unwrap_or(Path::new(".")));
        let definitions = Catalogue::load(&pipeline.definitions)?;
        let mut lookups = HashMap::new();
        for (name, path) in &pipeline.lookups {
            lookups.insert(name.clone(), Arc::new(Lookup::read(path)?));
        }
        let mut deliveries = Vec::new();
        for delivery in &pipeline.sources {
            let Some(found) = definitions.find(&delivery.name, &delivery.period) else {
                let source_name = delivery.name.clone();
                return Err(if definitions.knows(&source_name) {
                    IngestError::Year { source_name, period: delivery.period.clone() }
                } else {
                    IngestError::NoDefinition { source_name, folder: pipeline.definitions.clone() }
                });
            };
            let definition = found.definition.clone();
            let definition_sha256 = sha256_hex(found.text.as_bytes());
            let files = Plan::make(&definition, &delivery.folder)?;
            let delivery = delivery.clone();
            deliveries.push(Planned { delivery, definition, definition_sha256, files });
        }
        Ok(Self { pipeline, deliveries, lookups })
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.deliveries.iter().map(Planned::bytes).sum()
    }

    /// What would happen, for people.
    pub fn describe(&self) -> String {
        let mut text = format!("purpose {}\n", self.pipeline.purpose);
        for planned in &self.deliveries {
            let strict = match delivery::rule(planned) {
                IdentifierRule::Strict => "",
                IdentifierRule::Opaque => ", pupil numbers taken as they are",
            };
            let _ = writeln!(
                text,
                "\n{} {} ({} files, {} bytes{strict})",
                planned.delivery.name,
                planned.delivery.period,
                planned.files.files.len(),
                planned.bytes(),
            );
            for file in &planned.files.files {
                for &table in &file.tables {
                    let table = &planned.definition.tables[table];
                    let kept =
                        |column: &&minster_sources::Column| column.treatment != Treatment::Drop;
                    let passing = table.columns.values().filter(kept).count();
                    let dropped = table.columns.len() - passing;
                    let _ = writeln!(
                        text,
                        "  {} -> {}: {passing} columns pass, {} match keys, {dropped} dropped",
                        file.name,
                        table.name,
                        table.match_keys.len(),
                    );
                }
            }
            for ignored in &planned.files.ignored {
                let _ = writeln!(text, "  {ignored}: known and dropped");
            }
        }
        text
    }

    /// Ingests every delivery.
    pub fn run(&self, options: &Options) -> Result<Report, IngestError> {
        let store = Store::open(&self.pipeline.store)?;
        let _lock = if options.lock_held { None } else { Some(store.lock()?) };
        let run = match &options.run {
            Some(run) => run.clone(),
            None => clock_run()?,
        };
        let mut vault =
            Client::connect(&self.pipeline.vault.socket, Role::Ingest, "minster-ingest")?;
        let mut dictionary = Dictionary::default();
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(self.pipeline.threads.unwrap_or(0))
            .build()
            .map_err(|_| IngestError::Threads)?;
        let sources = threads.install(|| {
            let mut sources = Vec::new();
            for planned in &self.deliveries {
                let manifest = planned.ingest(&mut Run {
                    id: &run,
                    purpose: &self.pipeline.purpose,
                    store: &store,
                    vault: &mut vault,
                    dictionary: &mut dictionary,
                    lookups: &self.lookups,
                    keys: ahash::RandomState::new(),
                    progress: Arc::clone(&options.progress),
                })?;
                sources.push(SourceReport::new(&manifest));
            }
            Ok::<_, IngestError>(sources)
        })?;
        Ok(Report { format: 1, run, sources, distinct_identifiers: dictionary.asked() })
    }
}

impl SourceReport {
    fn new(manifest: &Manifest) -> Self {
        let DatasetRef { name, period, .. } = manifest.dataset.clone();
        let (files, reasons) = match &manifest.origin {
            Origin::Delivery { inputs, reasons, .. } => (inputs.len(), reasons.clone()),
            Origin::Datasets { .. } => Default::default(),
        };
        Self { name, period, files, counts: manifest.totals(), reasons }
    }
}

impl Report {
    /// Where all rows went.
    pub fn totals(&self) -> RowCounts {
        let mut totals = RowCounts::default();
        self.sources.iter().for_each(|source| totals += source.counts);
        totals
    }

    /// 0, or 3 where rows are in quarantine.
    pub fn exit_code(&self) -> u8 {
        if self.totals().quarantined > 0 { exit::QUARANTINED } else { exit::DONE }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:<16} {:<14} {:>11} {:>11} {:>11} {:>10}\n",
            "source", "period", "read", "accepted", "quarantined", "duplicate"
        );
        for SourceReport { name, period, counts, reasons, .. } in &self.sources {
            let RowCounts { read, accepted, quarantined, duplicate, .. } = counts;
            let _ = writeln!(
                text,
                "{:<16} {:<14} {read:>11} {accepted:>11} {quarantined:>11} {duplicate:>10}",
                name.as_str(),
                period.as_str(),
            );
            for (reason, rows) in reasons {
                let _ = writeln!(text, "  {rows:>8} {reason}");
            }
        }
        let asked = self.distinct_identifiers;
        let _ = writeln!(text, "{asked} identifiers asked of the vault, each once a delivery");
        text
    }
}

fn read(path: &Path) -> Result<String, IngestError> {
    std::fs::read_to_string(path)
        .map_err(|source| IngestError::Config { path: path.to_owned(), source })
}

/// A name for this run: the time and the process.
fn clock_run() -> Result<RunId, IngestError> {
    let now = jiff::Timestamp::now().strftime("%Y%m%dt%H%M%S").to_string();
    Ok(format!("{now}-{:x}", std::process::id()).parse()?)
}
