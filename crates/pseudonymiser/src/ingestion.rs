use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use minster_model::{
    Role, RunId, SourceName,
    pipeline::{Arrival, OnFailure, Pipeline},
};
use minster_sources::Catalogue;
use minster_store::{
    Disk, Journal, LineageJob, Manifest, Origin, Progress, RunRecord, SourceRecord, Store,
    deliveries, name_by_clock,
};
use minster_vault_api::{Client, VaultError};

use crate::{
    IngestError, QuarantineReport, Report,
    delivery::{Planned, ReadingTools, Run},
    delivery_checks::{FoundDelivery, Lookups, find_deliveries},
    planned::{IngestionPlan, PlannedDelivery},
    tokens::TokenTable,
    trial::Tried,
};

/// As the run ledger names it.
const PROGRAM: &str = "minster-ingest";

/// A pipeline that can be run.
pub struct Ingestion {
    pub(crate) pipeline: Pipeline,
    pub(crate) definitions: Catalogue,
    lookups: Lookups,
}

/// How a run goes about it.
pub struct Options {
    /// Whether the caller holds the store's lock already.
    pub lock_held: bool,
    /// The run's name; made from the clock where absent.
    pub run: Option<RunId>,
    /// Deliveries that are the same as what stands are read too.
    pub again: bool,
    /// Reads again also what stands, gives parts for scored matching and has none any more: all is to be matched anew.
    pub parts: bool,
    /// Sources whose deliveries are taken as they are, empty, fallen or another year's.
    pub accept: BTreeSet<SourceName>,
    /// The disk on which the store is written.
    pub disk: Disk,
    /// Is told what happens.
    pub told: Arc<dyn Fn(&Event<'_>) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_held: false,
            run: None,
            again: false,
            parts: false,
            accept: BTreeSet::new(),
            disk: Disk::default(),
            told: Arc::new(|_| {}),
        }
    }
}

/// An event in a run. Holds no row's value.
#[derive(Debug)]
pub enum Event<'a> {
    /// It begins.
    Begun(&'a RunId),
    /// A file is still being written.
    Waiting(&'a Path),
    /// All deliveries were compared with their definitions; so many bytes are to be read.
    Planned(u64),
    /// So many more bytes were read.
    Read(u64),
    /// A delivery's turn has come.
    SourceBegun(&'a SourceRecord),
    /// The outcome of a delivery.
    SourceEnded(&'a SourceRecord),
    /// A definition or code list that cannot be used; sources that need it are left out.
    Broken(String),
    /// A monitor's file could not be written; the run goes on.
    Trouble(String),
    /// Something about the store that a person should know; the run goes on.
    Note(String),
}

impl Ingestion {
    /// Reads the configuration: pipeline, definitions, look-ups.
    pub fn load(path: &Path) -> Result<Self, IngestError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| IngestError::Config { path: path.to_owned(), source })?;
        let failed =
            |error| IngestError::Pipeline { path: path.to_owned(), source: Box::new(error) };
        let pipeline: Pipeline = toml::from_str(&text).map_err(failed)?;
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let pipeline = pipeline
            .resolve(whole.parent().unwrap_or(Path::new(".")))
            .map_err(|why| failed(serde::de::Error::custom(why)))?;
        let sources: Vec<_> = pipeline.sources.iter().map(|delivery| &delivery.name).collect();
        let mut definitions = Catalogue::load_for(&pipeline.definitions, &sources)?;
        let mut lookups = Lookups::read(&pipeline.lookups);
        if let Some(path) = &pipeline.schedule {
            let text = std::fs::read_to_string(path)
                .map_err(|source| IngestError::Config { path: path.clone(), source })?;
            let wrong = |why| IngestError::Schedule { path: path.clone(), why: Box::new(why) };
            lookups.schedule = Some(Arc::new(text.parse().map_err(wrong)?));
        }
        // Where one source may be left out, another's definition or look-up is no reason to stop.
        let goes_on = |delivery| pipeline.on_failure(delivery) == OnFailure::GoOn;
        if !pipeline.sources.iter().all(goes_on) {
            if let Some(broken) = definitions.take_broken() {
                return Err(broken.into());
            }
            if let Some(broken) = lookups.take_broken() {
                return Err(broken.into());
            }
        }
        Ok(Self { pipeline, definitions, lookups })
    }

    /// The folders that a run reads deliveries from.
    pub fn reads(&self) -> Vec<&Path> {
        self.pipeline.sources.iter().map(|delivery| delivery.folder.as_path()).collect()
    }

    /// The folders that a run writes to: the store, and those of the monitors' files.
    pub fn writes(&self) -> Vec<&Path> {
        let monitoring = &self.pipeline.monitoring;
        let files = [&monitoring.textfile, &monitoring.lineage].into_iter().flatten();
        let folders = files.filter_map(|file| file.parent());
        std::iter::once(self.pipeline.store.as_path()).chain(folders).collect()
    }

    /// Says what a run would read and what would pass. No row is read: CSV headers, sheets' headers and XML
    /// element names alone.
    ///
    /// # Errors
    /// The error that would stop the run.
    pub fn describe(&self) -> Result<IngestionPlan, IngestError> {
        let now = Arrival { quiet_seconds: 0, wait_seconds: 0 };
        let found_deliveries = self.find_deliveries(now, &BTreeSet::new(), &|_| {})?;
        Ok(IngestionPlan {
            format: 1,
            purpose: self.pipeline.purpose.clone(),
            broken: self.definitions.broken().iter().map(ToString::to_string).collect(),
            sources: found_deliveries.iter().map(PlannedDelivery::of).collect(),
        })
    }

    /// Connects to the vault, for the whole of a run.
    ///
    /// # Errors
    /// [`VaultError`]; the run tells of it, where it needs the vault.
    pub fn call(&self) -> Result<Client, VaultError> {
        Client::connect_to(&self.pipeline.vault, Role::Ingest, PROGRAM)
    }

    /// Ingests every delivery that is not the same as what stands.
    pub fn run(&self, options: &Options) -> Result<Report, IngestError> {
        self.run_with(options, self.call())
    }

    /// The same by a connection that there is: a program that has shut itself in makes none.
    pub fn run_with(
        &self,
        options: &Options,
        vault: Result<Client, VaultError>,
    ) -> Result<Report, IngestError> {
        let store = Store::open_on(&self.pipeline.store, options.disk.clone())?
            .keeping(self.pipeline.retention);
        let _lock = if options.lock_held { None } else { Some(store.lock()?) };
        let now = Timestamp::now();
        let run = match &options.run {
            Some(run) => run.clone(),
            None => name_by_clock(now)?,
        };
        (options.told)(&Event::Begun(&run));
        for broken in self.definitions.broken() {
            (options.told)(&Event::Broken(broken.to_string()));
        }
        let record = RunRecord::begin(run, PROGRAM, self.pipeline.purpose.clone(), now);
        let mut journal = Journal::begin(&store, &self.pipeline.monitoring, record)?;
        let outcome = self.ingest(&store, &mut journal, options, vault);
        let recorded = match &outcome {
            Ok(report) => journal.end(report.exit_code(), None),
            Err(error) => journal.end(error.exit_code(), Some(error.to_string())),
        };
        if let Some(trouble) = journal.trouble() {
            (options.told)(&Event::Trouble(trouble.to_string()));
        }
        let report = outcome?;
        recorded?;
        self.retire(&store, now)?;
        Ok(report)
    }

    /// Compares every delivery with its definition; fails where one that failed stops the run.
    fn find_deliveries(
        &self,
        arrival: Arrival,
        accept: &BTreeSet<SourceName>,
        waiting: &dyn Fn(&Path),
    ) -> Result<Vec<FoundDelivery<'_>>, IngestError> {
        let mut found_deliveries = find_deliveries(
            &self.pipeline,
            &self.definitions,
            &self.lookups,
            arrival,
            accept,
            waiting,
        );
        let stops = |found_deliveries: &FoundDelivery<'_>| {
            found_deliveries.found.is_err() && found_deliveries.on_failure == OnFailure::Stop
        };
        if let Some(place) = found_deliveries.iter().position(stops)
            && let FoundDelivery { delivery, found: Err(error), .. } =
                found_deliveries.swap_remove(place)
        {
            return Err(error.named(&delivery.name, &delivery.period));
        }
        Ok(found_deliveries)
    }

    fn ingest(
        &self,
        store: &Store,
        journal: &mut Journal<'_>,
        options: &Options,
        vault: Result<Client, VaultError>,
    ) -> Result<Report, IngestError> {
        let told = &options.told;
        let delivered = |name: &&SourceName| {
            self.pipeline.sources.iter().any(|delivery| delivery.name == **name)
        };
        if let Some(name) = options.accept.iter().find(|name| !delivered(name)) {
            return Err(IngestError::NotDelivered { source_name: name.clone() });
        }
        let waiting = |path: &Path| told(&Event::Waiting(path));
        let mut found_deliveries =
            self.find_deliveries(self.pipeline.arrival, &options.accept, &waiting)?;
        journal.list(found_deliveries.iter().map(FoundDelivery::record).collect())?;
        told(&Event::Planned(journal.record().sources.iter().map(|source| source.bytes).sum()));
        keep_freed_memory();
        let run = journal.record().run.clone();
        let mut vault = if_there(vault, told)?;
        let store = &match &mut vault {
            Ok(vault) => {
                let (store, settled) = store.settled(&self.pipeline.purpose, vault)?;
                settled.notes().into_iter().for_each(|note| told(&Event::Note(note)));
                store
            }
            Err(_) => store.clone(),
        };
        if let Ok(vault) = &mut vault {
            for one in &mut found_deliveries {
                if let Ok(planned) = &mut one.found {
                    let source = &one.delivery.name;
                    let of = vault.corrections_digest(&self.pipeline.purpose, source)?;
                    planned.read_with(of);
                }
            }
        }
        let mut tokens = TokenTable::default();
        // With --again, all are read again.
        let parts = options.again || options.parts || self.lacks_parts(&found_deliveries, store)?;
        for (place, FoundDelivery { delivery, on_failure, found }) in
            found_deliveries.into_iter().enumerate()
        {
            let dataset = delivery.dataset(&self.pipeline.purpose);
            journal.begin_source(place, LineageJob::ingest(&delivery.folder, &dataset))?;
            told(&Event::SourceBegun(&journal.record().sources[place]));
            let outcome = found.and_then(|planned| {
                let again =
                    options.again || (parts && planned.lacks_parts(store, &self.pipeline.purpose));
                self.ingest_one(&planned, &run, (store, again), &mut vault, &mut tokens, options)
            });
            match outcome {
                Ok((progress, manifest)) => journal.end_source(place, |record| {
                    record.progress = progress;
                    if progress == Progress::Published {
                        record.facts = tokens.facts.told();
                    }
                    record.counts = manifest.totals();
                    if let Origin::Delivery { reasons, cells, warnings, .. } = &manifest.origin {
                        record.reasons.clone_from(reasons);
                        record.cells.clone_from(cells);
                        record.warnings.clone_from(warnings);
                    }
                })?,
                Err(error) if on_failure == OnFailure::GoOn && error.is_of_source() => {
                    // The vault's run of it is not closed, and the next source opens one of its own.
                    if let Ok(vault) = &mut vault {
                        vault.leave_run()?;
                    }
                    journal.end_source(place, |record| {
                        record.progress = Progress::LeftOut;
                        record.why = Some(error.to_string());
                    })?;
                }
                Err(error) => return Err(error.named(&delivery.name, &delivery.period)),
            }
            told(&Event::SourceEnded(&journal.record().sources[place]));
        }
        let RunRecord { run, sources, .. } = journal.record().clone();
        let left_out = deliveries::left_out(&sources);
        if left_out > 0 && left_out == sources.len() {
            return Err(IngestError::AllLeftOut { sources: left_out });
        }
        Ok(Report { format: 1, run, sources, distinct_identifiers: tokens.asked() })
    }

    /// Whether a delivery is not what stands: then all are matched anew, and those whose parts were shredded after the last
    /// match are read again.
    fn lacks_parts(
        &self,
        found_deliveries: &[FoundDelivery<'_>],
        store: &Store,
    ) -> Result<bool, IngestError> {
        let purpose = &self.pipeline.purpose;
        let planned: Vec<_> =
            found_deliveries.iter().filter_map(|one| one.found.as_ref().ok()).collect();
        if !planned.iter().any(|one| one.lacks_parts(store, purpose)) {
            return Ok(false);
        }
        for one in planned {
            if one.unchanged(store, purpose)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn ingest_one(
        &self,
        planned: &Planned,
        run: &RunId,
        (store, again): (&Store, bool),
        vault: &mut Result<Client, Unreachable>,
        tokens: &mut TokenTable,
        options: &Options,
    ) -> Result<(Progress, Manifest), IngestError> {
        let purpose = &self.pipeline.purpose;
        if !again && let Some(manifest) = planned.unchanged(store, purpose)? {
            (options.told)(&Event::Read(planned.bytes()));
            return Ok((Progress::Unchanged, manifest));
        }
        let vault = match vault {
            Ok(vault) => vault,
            Err(unreachable) => return Err(unreachable.again().into()),
        };
        let told = Arc::clone(&options.told);
        let manifest = planned.ingest(&mut Run {
            id: run,
            purpose,
            store,
            vault,
            hands: ReadingTools {
                tokens,
                lookups: &self.lookups.by_name,
                keys: ahash::RandomState::new(),
                threads: self.threads(),
                progress: Arc::new(move |bytes| told(&Event::Read(bytes))),
            },
        })?;
        Ok((Progress::Published, manifest))
    }

    /// Applies the definitions to every row, without a vault and without a dataset.
    ///
    /// # Errors
    /// Where the configuration cannot be used. A delivery that would stop is told in what is given.
    pub fn try_definitions(&self) -> Result<Tried, IngestError> {
        let now = Arrival { quiet_seconds: 0, wait_seconds: 0 };
        let none = BTreeSet::new();
        let found_deliveries =
            find_deliveries(&self.pipeline, &self.definitions, &self.lookups, now, &none, &|_| {});
        let broken = self.definitions.broken().iter().map(ToString::to_string).collect();
        let mut tried = Tried { format: 1, broken, sources: Vec::new() };
        for found_deliveries in found_deliveries {
            let mut tokens = TokenTable::default();
            let mut hands = ReadingTools {
                tokens: &mut tokens,
                lookups: &self.lookups.by_name,
                keys: ahash::RandomState::new(),
                threads: self.threads(),
                progress: Arc::new(|_| {}),
            };
            tried.add(&found_deliveries, &mut hands);
        }
        Ok(tried)
    }

    /// As many as there are processors, where the pipeline does not say.
    fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.pipeline.threads.filter(|threads| *threads > 0).unwrap_or_else(all)
    }

    /// Counts the quarantined rows of the current deliveries, by reason.
    pub fn quarantined(&self) -> Result<QuarantineReport, IngestError> {
        let store = Store::inspect(&self.pipeline.store)?;
        QuarantineReport::of(&store, &self.pipeline)
    }

    /// Lets go of what is kept no longer.
    fn retire(&self, store: &Store, now: Timestamp) -> Result<(), IngestError> {
        store.sweep_snapshots()?;
        let days = SignedDuration::from_hours(24 * i64::from(self.pipeline.retention.run_days));
        if let Ok(before) = now.checked_sub(days) {
            store.forget_runs(before)?;
        }
        Ok(())
    }
}

/// A batch's memory is used again for the next one. The allocator of glibc else gives it back whenever a thread frees
/// some at its end, and takes it anew page by page; it leaves that once a block as large as this one was freed
/// (mallopt(3), "dynamic mmap threshold").
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(24 << 20)));
}

/// The reason why the vault does not answer, for each delivery that needs it.
struct Unreachable {
    socket: PathBuf,
    kind: std::io::ErrorKind,
    why: String,
}

impl Unreachable {
    fn again(&self) -> VaultError {
        let source = std::io::Error::new(self.kind, self.why.clone());
        VaultError::Unreachable { socket: self.socket.clone(), source }
    }
}

/// The vault, if it answers. Where nothing changed, nothing is asked of it but whether what stands is the newest, and whoever links
/// asks that again.
fn if_there(
    vault: Result<Client, VaultError>,
    told: &Arc<dyn Fn(&Event<'_>) + Send + Sync>,
) -> Result<Result<Client, Unreachable>, IngestError> {
    match vault {
        Ok(vault) => Ok(Ok(vault)),
        Err(VaultError::Unreachable { socket, source }) => {
            let unreachable = Unreachable { socket, kind: source.kind(), why: source.to_string() };
            told(&Event::Note(format!(
                "{} Whether the datasets that stand are the newest is not compared now, but when they are linked",
                unreachable.again()
            )));
            Ok(Err(unreachable))
        }
        Err(error) => Err(error.into()),
    }
}
