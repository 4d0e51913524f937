//! `pipeline.toml`: what one run reads, for which purpose, and where it writes. Shared by
//! `minster` and `minster-ingest`; paths are relative to the file's own folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{DatasetClass, DatasetRef, Period, Purpose, SourceName, periods::Periods};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The purpose the run pseudonymises for.
    pub purpose: Purpose,
    /// The periods of the integrated dataset and the releases.
    #[serde(rename = "period")]
    pub periods: Periods,
    /// Where the vault listens.
    pub vault: VaultAddress,
    /// The folder of datasets, quarantine, reports and releases.
    pub store: PathBuf,
    /// The folder of source definitions (`*.toml`).
    pub definitions: PathBuf,
    /// The matching definition (`matching.toml`).
    pub matching: PathBuf,
    /// The retention schedule (`retention.toml`); without it nothing is told to the vault of when records are due.
    #[serde(default)]
    pub schedule: Option<PathBuf>,
    /// The folder of table definitions (`*.toml`).
    pub tables: PathBuf,
    /// The derived columns that several definitions use (`columns.toml`).
    #[serde(default)]
    pub columns: Option<PathBuf>,
    /// The policy of risk (`risk.toml`): what an intruder may know of a child, and bounds that stop a run.
    #[serde(default)]
    pub risk: Option<PathBuf>,
    /// Threads for parsing and hashing; all cores where absent.
    #[serde(default)]
    pub threads: Option<usize>,
    /// The consequence for the others where a delivery is not what its definition says.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How a file is told that is still being written.
    #[serde(default)]
    pub arrival: Arrival,
    /// The retention of the past.
    #[serde(default)]
    pub retention: Retention,
    /// The council's number, `816`: a file whose header names another stops its source.
    #[serde(default)]
    pub authority: Option<String>,
    /// Whether parts for scored matching stay after the match, in datasets that the linker alone opens. Else they are
    /// shredded, and a run to which anything new was delivered reads all deliveries that give parts again.
    #[serde(default)]
    pub keep_linkage_parts: bool,
    /// The files that monitors read.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// The limits at which a delivery stops its source.
    #[serde(default)]
    pub limits: Limits,
    /// The controller, for the record of processing activities.
    #[serde(default)]
    pub controller: Option<Controller>,
    /// The deliveries to read: once the file is resolved, those of all periods.
    #[serde(rename = "source", default)]
    pub sources: Vec<Delivery>,
    /// Code lists and look-ups that are data of the council: name to CSV file.
    #[serde(default)]
    pub lookups: std::collections::BTreeMap<String, PathBuf>,
    /// The files of areas that maps are drawn from, by name.
    #[serde(default)]
    pub boundaries: std::collections::BTreeMap<String, BoundaryFile>,
}

/// A file of areas.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundaryFile {
    /// GeoJSON, in degrees of longitude and latitude.
    pub file: PathBuf,
    /// The property of each feature that has its area's code, such as `WD23CD`.
    pub code: String,
}

/// The controller of the data (UK GDPR, Article 30(1)(a)).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// How people reach it.
    pub contact: String,
    /// How people reach its data protection officer.
    pub officer: String,
}

/// The consequence for the other deliveries where one is not what its definition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The run ends before anything is read.
    #[default]
    Stop,
    /// It is left out and named; what stood of it stands, the others go on, and the run ends with
    /// [`crate::exit::LEFT_OUT`].
    GoOn,
}

/// When a delivered file counts as whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Arrival {
    /// Seconds for which a file must not have changed.
    pub quiet_seconds: u64,
    /// Seconds that a run waits for that, at most.
    pub wait_seconds: u64,
}

impl Default for Arrival {
    fn default() -> Self {
        Self { quiet_seconds: 10, wait_seconds: 600 }
    }
}

/// The retention of the past in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Superseded snapshots of a dataset, at most.
    pub snapshots: usize,
    /// Days after which a superseded snapshot goes in any case.
    pub snapshot_days: u32,
    /// Days for which the records of runs are kept.
    pub run_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { snapshots: 0, snapshot_days: 30, run_days: 400 }
    }
}

/// The share of a delivery that may be unknown, missing or set aside before its source stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// In a required table: codes of a column that are not in its list, in a hundred that are not blank.
    pub unknown_percent: u32,
    /// Rows by which a table may fall against the dataset that stands, in a hundred.
    pub fall_percent: u32,
    /// Rows of a required table that may be set aside, and cells of a column of its numbers that may fail, in a hundred.
    pub quarantine_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unknown_percent: 5, fall_percent: 20, quarantine_percent: 5 }
    }
}

/// Files for monitors. Each holds names, counts and times; never a row's value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Monitoring {
    /// Prometheus' text format, for the node exporter's textfile collector; written anew by each run.
    pub textfile: Option<PathBuf>,
    /// OpenLineage events, one JSON object a line; each run adds to it.
    pub lineage: Option<PathBuf>,
}

/// The textfile of a pipeline's configuration, however faulty all the rest of it is: a monitor must hear of that too. Where the
/// configuration is missing or no TOML, it is the file that `MINSTER_TEXTFILE` names.
pub fn textfile_of(
    config: &std::path::Path,
    parse: impl FnOnce(&str) -> Option<MonitoringAlone>,
) -> Option<PathBuf> {
    let named = || {
        let config = config.canonicalize().ok()?;
        let monitoring = parse(&std::fs::read_to_string(&config).ok()?)?.monitoring;
        let textfile = monitoring.and_then(|monitoring| monitoring.textfile);
        Some(textfile.and_then(|path| Some(tidy(&config.parent()?.join(path)))))
    };
    let elsewhere = || std::env::var_os("MINSTER_TEXTFILE").map(PathBuf::from);
    named().unwrap_or_else(elsewhere)
}

/// A configuration's lines about monitors, whatever else it holds.
#[derive(Deserialize)]
pub struct MonitoringAlone {
    monitoring: Option<TextfileAlone>,
}

#[derive(Deserialize)]
struct TextfileAlone {
    textfile: Option<PathBuf>,
}

fn tidy(path: &std::path::Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir if tidied.file_name().is_some() => {
                tidied.pop();
            }
            component => tidied.push(component),
        }
    }
    tidied
}

/// Where the vault listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultAddress {
    /// The Unix socket's path.
    pub socket: PathBuf,
    /// The vault's user: a program tells nothing to a socket on which another listens. Without it, root and the program's
    /// own user are believed.
    #[serde(default)]
    pub uid: Option<u32>,
    /// The vault's verifier key, as `verifier.txt` and `minster-vault status` have it: a program tells nothing to a vault
    /// that does not hold the key. Without it, the user alone is looked at.
    #[serde(default)]
    pub verifier: Option<String>,
}

impl VaultAddress {
    /// A socket of root's or the program's own user.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), uid: None, verifier: None }
    }
}

/// One delivery of one source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// The source, as its definition names it.
    pub name: SourceName,
    /// The period that it covers.
    pub period: Period,
    /// The drop folder. Every file in it must be listed by the definition.
    pub folder: PathBuf,
    /// The rule of its pupil-number columns, where that differs from the definition.
    #[serde(default)]
    pub identifier: Option<IdentifierRule>,
    /// The consequence for the others where this one fails, where that differs from the pipeline's.
    #[serde(default)]
    pub on_failure: Option<OnFailure>,
    /// Unknown codes in a hundred, where that differs from the pipeline's [`Limits`].
    #[serde(default)]
    pub unknown_percent: Option<u32>,
    /// Rows by which a table may fall, likewise.
    #[serde(default)]
    pub fall_percent: Option<u32>,
    /// Rows of a required table that may be set aside, likewise.
    #[serde(default)]
    pub quarantine_percent: Option<u32>,
}

impl Delivery {
    /// The dataset that it becomes.
    pub fn dataset(&self, purpose: &Purpose) -> DatasetRef {
        DatasetRef {
            class: DatasetClass::Source,
            name: self.name.clone(),
            period: self.period.clone(),
            purpose: purpose.clone(),
        }
    }
}

/// The content of a pupil-number column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierRule {
    /// Pupil numbers with right check letters.
    #[default]
    Strict,
    /// Whatever identifier the supplier gives; its shape is not checked.
    Opaque,
}

impl Pipeline {
    /// The consequence for the others where this delivery fails.
    pub fn on_failure(&self, delivery: &Delivery) -> OnFailure {
        delivery.on_failure.unwrap_or(self.on_failure)
    }

    /// Unknown codes in a hundred, above which this delivery stops.
    pub fn unknown_percent(&self, delivery: &Delivery) -> u32 {
        delivery.unknown_percent.unwrap_or(self.limits.unknown_percent)
    }

    /// Rows in a hundred by which a table of this delivery may fall.
    pub fn fall_percent(&self, delivery: &Delivery) -> u32 {
        delivery.fall_percent.unwrap_or(self.limits.fall_percent)
    }

    /// Rows in a hundred of a required table of this delivery that may be set aside.
    pub fn quarantine_percent(&self, delivery: &Delivery) -> u32 {
        delivery.quarantine_percent.unwrap_or(self.limits.quarantine_percent)
    }

    /// Makes every path absolute against the folder that the file stands in; `..` is taken as written,
    /// so the folder itself should hold no link. Gives each period its deliveries.
    ///
    /// # Errors
    /// Says what the periods contradict each other in.
    pub fn resolve(mut self, folder: &std::path::Path) -> Result<Self, String> {
        let paths = [
            &mut self.vault.socket,
            &mut self.store,
            &mut self.definitions,
            &mut self.matching,
            &mut self.tables,
        ];
        self.periods.settle(&mut self.sources)?;
        let deliveries = self.sources.iter_mut().chain(self.periods.deliveries_mut());
        let deliveries = deliveries.map(|delivery| &mut delivery.folder);
        let monitors =
            [&mut self.monitoring.textfile, &mut self.monitoring.lineage, &mut self.columns];
        let monitors = monitors.into_iter().flatten();
        let boundaries = self.boundaries.values_mut().map(|of| &mut of.file);
        let others = deliveries.chain(self.lookups.values_mut()).chain(boundaries).chain(monitors);
        for path in paths.into_iter().chain(others).chain(&mut self.schedule).chain(&mut self.risk)
        {
            *path = tidy(&folder.join(&path));
        }
        Ok(self)
    }
}
