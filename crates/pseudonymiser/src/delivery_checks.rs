//! The pipeline's deliveries as they are found: compared with their definitions, before any row is read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use minster_identifiers::shown;
use minster_model::{
    SourceName,
    pipeline::{Arrival, Delivery, IdentifierRule, OnFailure, Pipeline},
};
use minster_retention::Schedule;
use minster_sources::{
    Catalogue, Definition, Generalisation, Lookup, LookupError, Plan, Treatment,
};
use minster_store::{Progress, SourceRecord, sha256_hex};

use crate::{
    IngestError,
    delivery::Planned,
    facts::SourceSchedule,
    planned::LackingColumns,
    replacement_gate::{self, Shares},
    wait_for_files::settle,
};

/// The council's look-ups by name, and the SHA-256 of each one's file.
#[derive(Default)]
pub(crate) struct Lookups {
    pub(crate) by_name: HashMap<String, Arc<Lookup>>,
    sha256: HashMap<String, String>,
    /// The council's retention schedule.
    pub(crate) schedule: Option<Arc<Schedule>>,
    /// Those that cannot be used.
    broken: BTreeMap<String, LookupError>,
}

impl Lookups {
    pub(crate) fn read(paths: &BTreeMap<String, PathBuf>) -> Self {
        let mut lookups = Self::default();
        for (name, path) in paths {
            let unreadable = |error: std::io::Error| LookupError::Unreadable {
                path: path.clone(),
                why: error.to_string(),
            };
            let read = std::fs::read(path)
                .map_err(unreadable)
                .and_then(|bytes| Ok((sha256_hex(&bytes), Arc::new(Lookup::parse(path, &bytes)?))));
            match read {
                Ok((sha256, lookup)) => {
                    lookups.sha256.insert(name.clone(), sha256);
                    lookups.by_name.insert(name.clone(), lookup);
                }
                Err(error) => {
                    lookups.broken.insert(name.clone(), error);
                }
            }
        }
        lookups
    }

    /// The first that cannot be used.
    pub(crate) fn take_broken(&mut self) -> Option<LookupError> {
        self.broken.pop_first().map(|(_, error)| error)
    }

    fn missing(&self, lookup: &str, table: &str) -> IngestError {
        let (lookup, table) = (lookup.to_owned(), table.to_owned());
        match self.broken.get(&lookup) {
            Some(error) => IngestError::BrokenLookup { why: error.to_string(), lookup, table },
            None => IngestError::NoLookup { lookup, table },
        }
    }
}

/// One delivery, as it was found.
pub(crate) struct FoundDelivery<'a> {
    pub(crate) delivery: &'a Delivery,
    pub(crate) on_failure: OnFailure,
    pub(crate) found: Result<Planned, IngestError>,
}

/// Waits for files that are still being written, and compares every delivery with its definition.
pub(crate) fn find_deliveries<'a>(
    pipeline: &'a Pipeline,
    definitions: &Catalogue,
    lookups: &Lookups,
    arrival: Arrival,
    accept: &BTreeSet<SourceName>,
    waiting: &dyn Fn(&Path),
) -> Vec<FoundDelivery<'a>> {
    let folders: Vec<&Path> =
        pipeline.sources.iter().map(|delivery| delivery.folder.as_path()).collect();
    let unsettled = settle(&folders, arrival, waiting);
    let found_deliveries =
        pipeline.sources.iter().zip(unsettled).map(|(delivery, unsettled)| FoundDelivery {
            delivery,
            on_failure: pipeline.on_failure(delivery),
            found: match unsettled {
                Some(path) => Err(IngestError::StillWritten { path, waited: arrival.wait_seconds }),
                None => {
                    let accepted = accept.contains(&delivery.name);
                    plan(delivery, pipeline, definitions, lookups, accepted)
                }
            },
        });
    found_deliveries.collect()
}

fn plan(
    delivery: &Delivery,
    pipeline: &Pipeline,
    definitions: &Catalogue,
    lookups: &Lookups,
    accepted: bool,
) -> Result<Planned, IngestError> {
    let Some(found) = definitions.find(&delivery.name, &delivery.period) else {
        let source_name = delivery.name.clone();
        let broken = definitions.broken().first();
        return Err(if let (Some(broken), false) = (broken, definitions.knows(&source_name)) {
            IngestError::BrokenDefinition { source_name, why: broken.to_string() }
        } else if definitions.knows(&source_name) {
            IngestError::Year { source_name, period: delivery.period.clone() }
        } else {
            IngestError::NoDefinition { source_name, folder: pipeline.definitions.clone() }
        });
    };
    let files = Plan::make(&found.definition, &delivery.folder)?;
    let definition = found.definition.clone();
    let authority = pipeline.authority.as_deref();
    let others =
        replacement_gate::check_headers(&definition, &files.files, &delivery.period, authority);
    let let_through = replacement_gate::stop_or_tell(others, accepted)?;
    let definition_sha256 = sha256_hex(found.text.as_bytes());
    let rule = delivery.identifier.unwrap_or(definition.identifier);
    let schedule = lookups.schedule.clone();
    if let Some(schedule) = &schedule {
        check_tables(schedule, &delivery.name, &definition)?;
    }
    let of_source =
        schedule.as_deref().map(|schedule| SourceSchedule { schedule, source: &delivery.name });
    let recipe_sha256 = recipe(&definition, &definition_sha256, rule, lookups, of_source)?;
    let delivery = delivery.clone();
    let unknown_percent = pipeline.unknown_percent(&delivery);
    let shares = Shares {
        fall: pipeline.fall_percent(&delivery),
        quarantine: pipeline.quarantine_percent(&delivery),
    };
    Ok(Planned {
        delivery,
        definition,
        definition_sha256,
        rule,
        recipe_sha256,
        corrections: String::new(),
        files,
        unknown_percent,
        shares,
        accepted,
        let_through,
        schedule,
    })
}

/// Every table that the schedule names for a source is in its definition: else its rows would tell nothing, and nobody would know.
fn check_tables(
    schedule: &Schedule,
    source: &SourceName,
    definition: &Definition,
) -> Result<(), IngestError> {
    for record in schedule.records(source) {
        if !definition.tables.iter().any(|table| table.name == record.table) {
            let (source_name, table) = (source.clone(), record.table.clone());
            return Err(IngestError::ScheduleTable { source_name, table });
        }
    }
    Ok(())
}

/// SHA-256 of all but the files that decides what a delivery becomes.
fn recipe(
    definition: &Definition,
    definition_sha256: &str,
    rule: IdentifierRule,
    lookups: &Lookups,
    schedule: Option<SourceSchedule<'_>>,
) -> Result<String, IngestError> {
    let mut text = format!("minster-ingest {}\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "definition {definition_sha256}");
    let _ = writeln!(text, "identifier {rule:?}");
    if let Some(schedule) = schedule.and_then(|of| of.text()) {
        let _ = writeln!(text, "schedule {}", sha256_hex(schedule.as_bytes()));
    }
    for table in &definition.tables {
        for (name, column) in &table.columns {
            let Treatment::Generalise(Generalisation::Lookup { lookup, .. }) = &column.treatment
            else {
                continue;
            };
            let sha256 = lookups.sha256.get(lookup);
            let sha256 = sha256.ok_or_else(|| lookups.missing(lookup, table.name.as_str()))?;
            let _ = writeln!(text, "lookup {} {name} {lookup} {sha256}", table.name);
        }
    }
    Ok(sha256_hex(text.as_bytes()))
}

impl Planned {
    /// The steps that made the files readable, in words.
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = |file: &minster_sources::PlannedFile| {
            let name = shown(&file.name);
            file.notes.iter().map(|note| format!("{name}: {note}")).collect::<Vec<_>>()
        };
        self.files.files.iter().flat_map(notes).collect()
    }

    /// Optional columns that no file of a table has.
    pub(crate) fn lacking(&self) -> Vec<LackingColumns> {
        let mut lacking = Vec::new();
        for (place, table) in self.definition.tables.iter().enumerate() {
            let files: Vec<_> =
                self.files.files.iter().filter(|file| file.tables.contains(&place)).collect();
            let absent = |(column, _): &(usize, &String)| {
                !files.is_empty() && files.iter().all(|file| file.lacks(place, *column))
            };
            let columns: Vec<String> = (table.columns.keys().enumerate())
                .filter(absent)
                .filter(|(_, name)| table.columns[*name].treatment != Treatment::Drop)
                .map(|(_, name)| name.clone())
                .collect();
            if !columns.is_empty() {
                lacking.push(LackingColumns { table: table.name.to_string(), columns });
            }
        }
        lacking
    }
}

impl FoundDelivery<'_> {
    /// As it stands in the run's record before its turn has come.
    pub(crate) fn record(&self) -> SourceRecord {
        let planned = self.found.as_ref().ok();
        SourceRecord {
            name: self.delivery.name.clone(),
            period: self.delivery.period.clone(),
            progress: Progress::Waiting,
            files: planned.map_or(0, |planned| planned.files.files.len()),
            bytes: planned.map_or(0, Planned::bytes),
            milliseconds: 0,
            counts: Default::default(),
            reasons: BTreeMap::new(),
            cells: Vec::new(),
            notes: planned.map_or_else(Vec::new, Planned::notes),
            facts: 0,
            warnings: Vec::new(),
            why: None,
        }
    }
}
