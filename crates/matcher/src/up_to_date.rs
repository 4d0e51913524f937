//! Whether the integrated datasets are up to date: linking would make the same.

use minster_model::{DatasetRef, periods::LinkedPeriod};
use minster_store::Origin;

use crate::{
    Integrated, Job, LinkageReport,
    clerical::decisions_sha256,
    definition::Matching,
    job::integrated,
    report::{FORMAT, REPORT},
};

/// The datasets of all periods, each with its report, where they were made of the same datasets by the same definition. One that
/// cannot be read is made again.
pub(crate) fn already_linked(job: &Job<'_>, matching: &Matching) -> Option<Vec<Integrated>> {
    let mut made_of = Vec::new();
    for dataset in wanted(job, matching) {
        let (_, sha256) = job.store.manifest(&dataset).ok()?;
        made_of.push((dataset, sha256));
    }
    let of_period = |period: &LinkedPeriod| {
        let dataset = integrated(job.purpose, &period.name).ok()?;
        let manifest = job.store.whole(&dataset).ok()?;
        let report = std::fs::read(job.store.beside(&dataset, REPORT).ok()?).ok()?;
        let report: LinkageReport = serde_json::from_slice(&report).ok()?;
        let origin = origin(job, period, made_of.clone());
        let is_same = report.format == FORMAT && manifest.origin == origin;
        is_same.then(|| Integrated { period: period.name.clone(), manifest, report })
    };
    job.periods.iter().map(of_period).collect()
}

/// The datasets of all periods' deliveries that the definition names.
pub(crate) fn wanted(job: &Job<'_>, matching: &Matching) -> Vec<DatasetRef> {
    let wanted = matching.sources();
    let mut all: Vec<DatasetRef> = Vec::new();
    for period in job.periods.iter() {
        // A dataset that no other period has as its own comes before.
        for dataset in period.carried(job.purpose).into_iter().chain(period.datasets(job.purpose)) {
            if wanted.contains(&&dataset.name) && !all.contains(&dataset) {
                all.push(dataset);
            }
        }
    }
    all
}

/// The origin of a period's integrated dataset: its deliveries' datasets and those that it carries over, and all
/// others, which say who is who. Each has the SHA-256 of its manifest.
pub(crate) fn origin(
    job: &Job<'_>,
    period: &LinkedPeriod,
    all: Vec<(DatasetRef, String)>,
) -> Origin {
    let (own, carried) = (period.datasets(job.purpose), period.carried(job.purpose));
    let (datasets, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(dataset, _)| own.contains(dataset));
    let (carried_over, linked_with) =
        others.into_iter().partition(|(dataset, _)| carried.contains(dataset));
    let definition_sha256 = Matching::sha256(job.matching);
    let listed = job.listed.origin();
    let decisions = decisions_sha256(job.store, job.purpose);
    Origin::Datasets { definition_sha256, datasets, carried_over, linked_with, listed, decisions }
}
