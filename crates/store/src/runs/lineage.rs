//! OpenLineage events (specification 2-0-2), one JSON object a line.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use jiff::Timestamp;
use minster_model::{DatasetRef, coarse};
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::RunRecord;
use crate::{StoreError, within::NO_LINK};

const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PARENT: &str =
    "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet";
const ERROR: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";
const STATISTICS: &str = "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet";
const PRODUCER: &str = concat!("urn:minster:", env!("CARGO_PKG_VERSION"));

/// A piece of work: what it is called, what it reads and what it writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageJob {
    name: String,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
}

impl LineageJob {
    /// A delivery becomes a dataset.
    pub fn ingest(folder: &Path, dataset: &DatasetRef) -> Self {
        let input = json!({"namespace": "file", "name": folder.display().to_string()});
        Self { name: name_of(dataset), inputs: vec![input], outputs: vec![dataset_of(dataset)] }
    }

    /// Datasets become others, one a period.
    pub fn link(inputs: &[DatasetRef], datasets: &[DatasetRef]) -> Self {
        let name = datasets.last().map(name_of).unwrap_or_default();
        let inputs = inputs.iter().map(dataset_of).collect();
        Self { name, inputs, outputs: datasets.iter().map(dataset_of).collect() }
    }

    /// A dataset becomes a draft.
    pub fn draft(dataset: &DatasetRef, release: &str) -> Self {
        Self::tables("draft", dataset, release)
    }

    /// A dataset becomes a release, or one is withdrawn.
    pub fn release(dataset: &DatasetRef, release: &str) -> Self {
        Self::tables("release", dataset, release)
    }

    /// The risk of a dataset is measured; nothing is written.
    pub fn risk(dataset: &DatasetRef) -> Self {
        let name = format!("risk/{}", dataset.period);
        Self { name, inputs: vec![dataset_of(dataset)], outputs: Vec::new() }
    }

    fn tables(what: &str, dataset: &DatasetRef, release: &str) -> Self {
        let name = format!("{what}/{release}/{}", dataset.period);
        let output = json!({"namespace": namespace(dataset), "name": name});
        Self { name, inputs: vec![dataset_of(dataset)], outputs: vec![output] }
    }
}

/// An event in a piece of work.
pub(super) enum Happening<'a> {
    Begun,
    /// With the rows written, where they are counted.
    Published(Option<u64>),
    Failed(Option<&'a str>),
}

/// Adds one event. Lines of two runs cannot mix: the caller holds the run lock.
pub(super) fn append(
    path: &Path,
    record: &RunRecord,
    job: &LineageJob,
    happening: &Happening<'_>,
) -> Result<(), StoreError> {
    let mut line = event(record, job, happening, Timestamp::now()).to_string();
    line.push('\n');
    open(path)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(StoreError::io("write", path))
}

/// The file is its owner's, and its group's: both programs add to it.
fn open(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    match options.append(true).custom_flags(NO_LINK).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let file = options.create(true).mode(0o660).open(path)?;
            // Against a umask that keeps the group out.
            file.set_permissions(fs::Permissions::from_mode(0o660))?;
            Ok(file)
        }
        file => file,
    }
}

fn event(record: &RunRecord, job: &LineageJob, happening: &Happening<'_>, now: Timestamp) -> Value {
    let namespace = format!("minster/{}", record.purpose);
    let mut facets = json!({"parent": {
        "_producer": PRODUCER,
        "_schemaURL": PARENT,
        "run": {"runId": run_id(record, "")},
        "job": {"namespace": namespace, "name": record.program},
    }});
    let mut outputs = job.outputs.clone();
    let kind = match happening {
        Happening::Begun => "START",
        Happening::Published(None) => "COMPLETE",
        Happening::Published(Some(rows)) => {
            // Rows are counted where one dataset is written. Others than the council's own people read these lines.
            for output in &mut outputs {
                output["outputFacets"] = json!({"outputStatistics": {
                    "_producer": PRODUCER,
                    "_schemaURL": STATISTICS,
                    "rowCount": coarse(*rows),
                }});
            }
            "COMPLETE"
        }
        Happening::Failed(why) => {
            facets["errorMessage"] = json!({
                "_producer": PRODUCER,
                "_schemaURL": ERROR,
                "message": why.unwrap_or("the run stopped"),
                "programmingLanguage": "Rust",
            });
            "FAIL"
        }
    };
    json!({
        "eventType": kind,
        "eventTime": now.to_string(),
        "run": {"runId": run_id(record, &job.name), "facets": facets},
        "job": {"namespace": namespace, "name": job.name},
        "inputs": job.inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": EVENT,
    })
}

/// A UUID of version 8 (RFC 9562): the same run's same work has the same one.
fn run_id(record: &RunRecord, job: &str) -> String {
    let name = format!("{}\n{}\n{}\n{job}", record.run, record.program, record.started);
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

fn dataset_of(dataset: &DatasetRef) -> Value {
    json!({"namespace": namespace(dataset), "name": name_of(dataset)})
}

fn namespace(dataset: &DatasetRef) -> String {
    format!("minster/{}", dataset.purpose)
}

fn name_of(dataset: &DatasetRef) -> String {
    format!("{}/{}/{}", dataset.class.as_str(), dataset.name, dataset.period)
}
