//! The dataset that stands of each delivery, and what the run ledger and the linkage report say of it.

use jiff::Timestamp;
use minster_matcher::{LinkageReport, integrated};
use minster_model::{DatasetRef, Period, Role, RowCounts, RunId, SourceName, pipeline};
use minster_store::{
    CellCounts, FileCounts, Manifest, Origin, Progress, RunRecord, SourceRecord, Store, StoreError,
};
use minster_vault_api::Client;
use serde::Serialize;

use super::finding::{Finding, Kind, of_linkage};
use crate::{failure::Failure, pipeline::Loaded};

/// One delivery.
#[derive(Serialize)]
pub(super) struct Delivery {
    pub(super) source: SourceName,
    pub(super) period: Period,
    /// Why the last run left it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left_out: Option<String>,
    /// The dataset that stands of it; nothing where it was never taken in.
    pub(super) stands: Option<Stands>,
}

/// The dataset that stands of a delivery.
#[derive(Serialize)]
pub(super) struct Stands {
    /// The run that took it in.
    pub(super) run: RunId,
    /// When that run began, where the ledger still knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) started: Option<Timestamp>,
    pub(super) counts: Counts,
    pub(super) files: Vec<FileCounts>,
    /// The differences from the delivery before.
    pub(super) before: Option<Before>,
    /// The gravest first.
    pub(super) findings: Vec<Finding>,
    /// Things that someone must look at, in words.
    pub(super) warnings: Vec<String>,
    /// Things that are not known, and why.
    pub(super) notes: Vec<&'static str>,
}

/// Rows and cells of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    #[serde(flatten)]
    pub(super) rows: RowCounts,
    /// Cells that became unknown.
    pub(super) recoded: u64,
    /// Cells that became blank.
    pub(super) blanked: u64,
}

/// The delivery before.
#[derive(Serialize)]
pub(super) struct Before {
    /// The same period's, or that of an earlier one.
    pub(super) period: Period,
    /// When it was taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) started: Option<Timestamp>,
    pub(super) counts: Counts,
}

impl Counts {
    fn new(rows: RowCounts, cells: &[CellCounts]) -> Self {
        let became =
            |what: &str| cells.iter().filter(|of| of.became == what).map(|of| of.cells).sum();
        Self { rows, recoded: became("unknown"), blanked: became("blank") }
    }

    fn of(manifest: &Manifest) -> Self {
        let cells = match &manifest.origin {
            Origin::Delivery { cells, .. } => cells.as_slice(),
            Origin::Datasets { .. } => &[],
        };
        Self::new(manifest.totals(), cells)
    }

    /// The numbers that are compared with the delivery before, each with its name.
    pub(super) fn named(&self) -> [(&'static str, u64); 6] {
        let RowCounts { read, accepted, quarantined, duplicate, .. } = self.rows;
        [
            ("read", read),
            ("accepted", accepted),
            ("set aside", quarantined),
            ("duplicate", duplicate),
            ("recoded", self.recoded),
            ("blanked", self.blanked),
        ]
    }
}

impl Delivery {
    /// Greater is worse: what is not in, then rows set aside in a million, then the greatest share of another finding.
    fn weight(&self) -> (bool, u64, u64) {
        let Some(stands) = &self.stands else { return (true, u64::MAX, u64::MAX) };
        let share = |count: u64, of: u64| (count.saturating_mul(1_000_000)).checked_div(of);
        let RowCounts { read, quarantined, .. } = stands.counts.rows;
        let others = stands
            .findings
            .iter()
            .filter(|of| of.kind != Kind::Quarantined && !of.kind.is_harmless());
        let greatest = others.filter_map(|of| share(of.count, of.of)).max();
        let set_aside = share(quarantined, read).unwrap_or(0);
        (self.left_out.is_some(), set_aside, greatest.unwrap_or(0))
    }
}

/// The pipeline's deliveries that are asked for, the worst first.
pub(super) fn all(
    loaded: &Loaded,
    is_asked_for: impl Fn(&SourceName, &Period) -> bool,
) -> Result<Vec<Delivery>, Failure> {
    let pipeline = &loaded.pipeline;
    let store = Store::inspect(&pipeline.store)?;
    let ledger = Ledger { records: store.runs()? };
    let linkage = Linkage::read(loaded, &store)?;
    let mut deliveries = Vec::new();
    for (place, delivery) in pipeline.sources.iter().enumerate() {
        let pipeline::Delivery { name, period, .. } = delivery;
        if !is_asked_for(name, period) {
            continue;
        }
        let stands = match manifest(loaded, &store, delivery)? {
            None => None,
            Some((manifest, sha256)) => {
                let mut stands = stands(&store, &ledger, (&manifest, &sha256), &linkage)?;
                if stands.before.is_none() {
                    // The last period before this one of which something stands.
                    let earlier = pipeline.sources[..place].iter().rev();
                    for earlier in earlier.filter(|earlier| earlier.name == *name) {
                        if let Some((manifest, _)) = self::manifest(loaded, &store, earlier)? {
                            let started = ledger.standing(&manifest).map(|found| found.0);
                            let (period, counts) = (earlier.period.clone(), Counts::of(&manifest));
                            stands.before = Some(Before { period, started, counts });
                            break;
                        }
                    }
                }
                if stands.before.is_none() {
                    stands.before = stands
                        .started
                        .and_then(|at| ledger.of_another_pipeline(pipeline, name, at));
                }
                Some(stands)
            }
        };
        let left_out = ledger.left_out(name, period);
        deliveries.push(Delivery {
            source: name.clone(),
            period: period.clone(),
            left_out,
            stands,
        });
    }
    if deliveries.is_empty() {
        return Err(Failure::NoDelivery);
    }
    deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.weight()));
    Ok(deliveries)
}

fn manifest(
    loaded: &Loaded,
    store: &Store,
    delivery: &pipeline::Delivery,
) -> Result<Option<(Manifest, String)>, Failure> {
    match store.manifest(&delivery.dataset(&loaded.pipeline.purpose)) {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NoDataset { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn stands(
    store: &Store,
    ledger: &Ledger,
    (manifest, sha256): (&Manifest, &str),
    linkage: &Linkage,
) -> Result<Stands, Failure> {
    let dataset = &manifest.dataset;
    let (set_aside, rows) = store.set_aside(dataset)?;
    let counts = Counts::of(manifest);
    // A run has switched to another snapshot meanwhile.
    if rows != counts.rows.quarantined {
        return Err(Failure::Changing { source_name: dataset.name.clone() });
    }
    let mut findings = Vec::new();
    let (mut files, mut warned) = (Vec::new(), Vec::new());
    if let Origin::Delivery { rows, cells, warnings, .. } = &manifest.origin {
        findings.extend(set_aside.into_iter().map(|group| Finding::set_aside(group, rows)));
        findings.extend(cells.iter().cloned().map(Finding::cells));
        findings.extend(rows.iter().filter_map(Finding::duplicates));
        (files, warned) = (rows.clone(), warnings.clone());
    }
    let mut notes = Vec::new();
    match linkage.of(manifest, sha256) {
        Ok(report) => {
            findings.extend(of_linkage(report, dataset, &files));
        }
        Err(why) => notes.push(why),
    }
    findings.sort_by_key(|finding| (finding.kind, std::cmp::Reverse(finding.count)));
    let standing = ledger.standing(manifest);
    let (run, started) = (manifest.run.clone(), standing.map(|found| found.0));
    let before = ledger.before(manifest);
    Ok(Stands { run, started, counts, files, before, findings, warnings: warned, notes })
}

/// The run ledger, the latest run first.
struct Ledger {
    records: Vec<RunRecord>,
}

impl Ledger {
    fn of<'a>(
        &'a self,
        name: &'a SourceName,
        period: &'a Period,
    ) -> impl Iterator<Item = (&'a RunRecord, &'a SourceRecord)> {
        let of_run = move |record: &'a RunRecord| {
            let of_delivery =
                move |source: &&SourceRecord| source.name == *name && source.period == *period;
            record.sources.iter().filter(of_delivery).map(move |source| (record, source))
        };
        self.records.iter().flat_map(of_run)
    }

    fn published<'a>(
        &'a self,
        manifest: &'a Manifest,
    ) -> impl Iterator<Item = (Timestamp, &'a RunRecord, &'a SourceRecord)> {
        let of_delivery = self.of(&manifest.dataset.name, &manifest.dataset.period);
        let published = of_delivery.filter(|of| of.1.progress == Progress::Published);
        published.map(|(record, source)| (record.started, record, source))
    }

    /// The run that took in what stands. After a change of keys another made the dataset of the same.
    fn standing<'a>(&'a self, manifest: &'a Manifest) -> Option<(Timestamp, &'a SourceRecord)> {
        let made = |of: &(Timestamp, &RunRecord, &SourceRecord)| of.1.run == manifest.run;
        let found = self.published(manifest).find(made);
        let found = found.or_else(|| self.published(manifest).find(|of| is_as(of.2, manifest)));
        found.map(|(started, _, source)| (started, source))
    }

    /// The last other delivery of the same period. The same files read again are none.
    fn before(&self, manifest: &Manifest) -> Option<Before> {
        let standing = self.standing(manifest);
        let other = |of: &(Timestamp, &RunRecord, &SourceRecord)| match standing {
            Some((started, source)) => {
                of.0 < started && (!is_as(of.2, manifest) || of.2.bytes != source.bytes)
            }
            None => !is_as(of.2, manifest),
        };
        let (started, _, source) = self.published(manifest).find(other)?;
        let counts = Counts::new(source.counts, &source.cells);
        Some(Before { period: source.period.clone(), started: Some(started), counts })
    }

    /// The last delivery of a source before `at` of which the pipeline knows nothing: last year's, where each year has a
    /// file.
    fn of_another_pipeline(
        &self,
        pipeline: &pipeline::Pipeline,
        name: &SourceName,
        at: Timestamp,
    ) -> Option<Before> {
        let all = self
            .records
            .iter()
            .flat_map(|record| record.sources.iter().map(move |source| (record.started, source)));
        let is_known = |source: &SourceRecord| {
            pipeline.sources.iter().any(|of| of.name == *name && of.period == source.period)
        };
        let (started, source) = all.into_iter().find(|(started, source)| {
            *started < at
                && source.name == *name
                && source.progress == Progress::Published
                && !is_known(source)
        })?;
        let counts = Counts::new(source.counts, &source.cells);
        Some(Before { period: source.period.clone(), started: Some(started), counts })
    }

    /// Why the last run that came to it left it out.
    fn left_out(&self, name: &SourceName, period: &Period) -> Option<String> {
        let came = |of: &(&RunRecord, &SourceRecord)| of.1.progress != Progress::Waiting;
        let (_, last) = self.of(name, period).find(came)?;
        match last.progress {
            Progress::LeftOut | Progress::Failed => last.why.clone(),
            _ => None,
        }
    }
}

fn is_as(source: &SourceRecord, manifest: &Manifest) -> bool {
    match &manifest.origin {
        Origin::Delivery { reasons, cells, .. } => {
            source.counts == manifest.totals()
                && source.reasons == *reasons
                && source.cells == *cells
        }
        Origin::Datasets { .. } => false,
    }
}

/// The linkage reports that stand, one a period, each with its own deliveries and of what it was made.
struct Linkage {
    reports: Vec<(Vec<DatasetRef>, LinkageReport, Manifest)>,
    /// Whether the vault opened them to the user.
    is_open: bool,
}

impl Linkage {
    fn read(loaded: &Loaded, store: &Store) -> Result<Self, Failure> {
        let pipeline = &loaded.pipeline;
        let mut standing = Vec::new();
        for period in pipeline.periods.iter() {
            let dataset = integrated(&pipeline.purpose, &period.name).map_err(|_| Failure::Name)?;
            match store.manifest(&dataset) {
                Ok((manifest, _)) => standing.push((period.datasets(&pipeline.purpose), manifest)),
                Err(StoreError::NoDataset { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let closed = || Ok(Self { reports: Vec::new(), is_open: false });
        let mut reports = Vec::new();
        let mut vault = None;
        for (own, manifest) in standing {
            let connect = || Client::connect_to(&pipeline.vault, Role::Linker, "minster");
            let Ok(mut client) = vault.take().map_or_else(connect, Ok) else { return closed() };
            match LinkageReport::read(store, &manifest.dataset, &mut client) {
                Ok(report) => reports.extend(report.map(|report| (own, report, manifest))),
                Err(StoreError::Vault(_)) => return closed(),
                Err(error) => return Err(error.into()),
            }
            vault = Some(client);
        }
        Ok(Self { reports, is_open: true })
    }

    /// The report, where it is of this very delivery.
    fn of(&self, manifest: &Manifest, sha256: &str) -> Result<&LinkageReport, &'static str> {
        if !self.is_open {
            return Err(
                "the vault does not answer, or not to this user as the linker: what linking found is not in this report",
            );
        }
        let of_period = self.reports.iter().find(|(own, ..)| own.contains(&manifest.dataset));
        let Some((_, report, linked)) = of_period else {
            return Err(
                "not linked yet by this release: who is who is not known; run `minster link`",
            );
        };
        let Origin::Datasets { datasets, .. } = &linked.origin else {
            return Err("not linked");
        };
        match datasets.iter().find(|(dataset, _)| *dataset == manifest.dataset) {
            None => Err("not named by the matching definition: it is not linked"),
            Some((_, made_of)) => {
                let before = manifest.rekeyed_from.as_deref();
                match made_of == sha256 || before == Some(made_of) {
                    true => Ok(report),
                    false => Err("linked before this delivery was taken in: run `minster link`"),
                }
            }
        }
    }
}
