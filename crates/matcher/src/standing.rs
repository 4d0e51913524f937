//! The integrated dataset that stands: whether linking would make the same.

use minster_model::DatasetRef;
use minster_store::{Manifest, Origin, sha256_hex};

use crate::{
    Job, LinkageReport,
    definition::Matching,
    integrate::integrated,
    report::{FORMAT, REPORT},
};

/// It and its report, where it was made of the same datasets by the same definition. One that cannot be
/// read is made again.
pub(crate) fn standing(job: &Job<'_>, matching: &Matching) -> Option<(Manifest, LinkageReport)> {
    let dataset = integrated(job.purpose, job.period).ok()?;
    let manifest = job.store.whole(&dataset).ok()?;
    let mut made_of = Vec::new();
    for dataset in wanted(job, matching) {
        let (_, sha256) = job.store.manifest(dataset).ok()?;
        made_of.push((dataset.clone(), sha256));
    }
    let report = std::fs::read(job.store.beside(&dataset, REPORT).ok()?).ok()?;
    let report: LinkageReport = serde_json::from_slice(&report).ok()?;
    let is_same = report.format == FORMAT && manifest.origin == origin(job, made_of);
    is_same.then_some((manifest, report))
}

/// The deliveries' datasets that the definition names.
pub(crate) fn wanted<'a>(
    job: &Job<'a>,
    matching: &'a Matching,
) -> impl Iterator<Item = &'a DatasetRef> {
    let wanted = matching.sources();
    job.deliveries.iter().filter(move |dataset| wanted.contains(&&dataset.name))
}

/// What an integrated dataset is made from: datasets, each with the SHA-256 of its manifest.
pub(crate) fn origin(job: &Job<'_>, datasets: Vec<(DatasetRef, String)>) -> Origin {
    Origin::Datasets { definition_sha256: sha256_hex(job.matching.as_bytes()), datasets }
}
