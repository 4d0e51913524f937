//! The pipeline's deliveries as they are found: compared with their definitions, before any row is read.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use minster_model::pipeline::{Arrival, Delivery, IdentifierRule, OnFailure, Pipeline};
use minster_sources::{
    Catalogue, Definition, Generalisation, Lookup, LookupError, Plan, Treatment,
};
use minster_store::{Progress, SourceRecord, sha256_hex};

use crate::{IngestError, arrival::settle, delivery::Planned};

/// The council's look-ups by name, and the SHA-256 of each one's file.
#[derive(Default)]
pub(crate) struct Lookups {
    pub(crate) by_name: HashMap<String, Arc<Lookup>>,
    sha256: HashMap<String, String>,
}

impl Lookups {
    pub(crate) fn read(paths: &BTreeMap<String, PathBuf>) -> Result<Self, IngestError> {
        let mut lookups = Self::default();
        for (name, path) in paths {
            let unreadable = |error: std::io::Error| LookupError::Unreadable {
                path: path.clone(),
                why: error.to_string(),
            };
            let bytes = std::fs::read(path).map_err(unreadable)?;
            lookups.sha256.insert(name.clone(), sha256_hex(&bytes));
            lookups.by_name.insert(name.clone(), Arc::new(Lookup::parse(path, &bytes)?));
        }
        Ok(lookups)
    }
}

/// One delivery, as it was found.
pub(crate) struct Expected<'a> {
    pub(crate) delivery: &'a Delivery,
    pub(crate) on_failure: OnFailure,
    pub(crate) found: Result<Planned, IngestError>,
}

/// Waits for files that are still being written, and compares every delivery with its definition.
pub(crate) fn expect<'a>(
    pipeline: &'a Pipeline,
    definitions: &Catalogue,
    lookups: &Lookups,
    arrival: Arrival,
    waiting: &dyn Fn(&Path),
) -> Vec<Expected<'a>> {
    let folders: Vec<&Path> =
        pipeline.sources.iter().map(|delivery| delivery.folder.as_path()).collect();
    let unsettled = settle(&folders, arrival, waiting);
    let expected = pipeline.sources.iter().zip(unsettled).map(|(delivery, unsettled)| Expected {
        delivery,
        on_failure: pipeline.on_failure(delivery),
        found: match unsettled {
            Some(path) => Err(IngestError::StillWritten { path, waited: arrival.wait_seconds }),
            None => plan(delivery, pipeline, definitions, lookups),
        },
    });
    expected.collect()
}

fn plan(
    delivery: &Delivery,
    pipeline: &Pipeline,
    definitions: &Catalogue,
    lookups: &Lookups,
) -> Result<Planned, IngestError> {
    let Some(found) = definitions.find(&delivery.name, &delivery.period) else {
        let source_name = delivery.name.clone();
        return Err(if definitions.knows(&source_name) {
            IngestError::Year { source_name, period: delivery.period.clone() }
        } else {
            IngestError::NoDefinition { source_name, folder: pipeline.definitions.clone() }
        });
    };
    let files = Plan::make(&found.definition, &delivery.folder)?;
    let definition = found.definition.clone();
    let definition_sha256 = sha256_hex(found.text.as_bytes());
    let rule = delivery.identifier.unwrap_or(definition.identifier);
    let recipe_sha256 = recipe(&definition, &definition_sha256, rule, lookups)?;
    let delivery = delivery.clone();
    Ok(Planned { delivery, definition, definition_sha256, rule, recipe_sha256, files })
}

/// SHA-256 of all but the files that decides what a delivery becomes.
fn recipe(
    definition: &Definition,
    definition_sha256: &str,
    rule: IdentifierRule,
    lookups: &Lookups,
) -> Result<String, IngestError> {
    let mut text = format!("minster-ingest {}\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "definition {definition_sha256}");
    let _ = writeln!(text, "identifier {rule:?}");
    for table in &definition.tables {
        for (name, column) in &table.columns {
            let Treatment::Generalise(Generalisation::Lookup { lookup, .. }) = &column.treatment
            else {
                continue;
            };
            let sha256 = lookups.sha256.get(lookup).ok_or_else(|| IngestError::NoLookup {
                lookup: lookup.clone(),
                table: table.name.to_string(),
            })?;
            let _ = writeln!(text, "lookup {} {name} {lookup} {sha256}", table.name);
        }
    }
    Ok(sha256_hex(text.as_bytes()))
}

impl Expected<'_> {
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
            why: None,
        }
    }

    /// What would happen, for people.
    pub(crate) fn describe(&self, text: &mut String) {
        let Delivery { name, period, .. } = self.delivery;
        let planned = match &self.found {
            Ok(planned) => planned,
            Err(why) => {
                let _ = writeln!(text, "\n{name} {period}: would be left out: {why}");
                return;
            }
        };
        let strict = match planned.rule {
            IdentifierRule::Strict => "",
            IdentifierRule::Opaque => ", pupil numbers taken as they are",
        };
        let (files, bytes) = (planned.files.files.len(), planned.bytes());
        let _ = writeln!(text, "\n{name} {period} ({files} files, {bytes} bytes{strict})");
        for file in &planned.files.files {
            for &table in &file.tables {
                let table = &planned.definition.tables[table];
                let kept = |column: &&minster_sources::Column| column.treatment != Treatment::Drop;
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
}
