//! Whether the integrated datasets are up to date: linking would make the same.

use minster_model::{DatasetRef, periods::LinkedPeriod};
use minster_store::{DatasetKeys, Origin, StoreError};

use crate::{
    Integrated, Job, LinkageReport, MatchError, clerical::decisions_sha256, definition::Matching,
    job::integrated, report::FORMAT,
};

/// The datasets of all periods, each with its report, where they were made of the same datasets by the same definition. One that
/// cannot be read is made again.
///
/// # Errors
/// Where one is not the newest in the vault's log, or a file of it was changed.
pub(crate) fn already_linked(
    job: &Job<'_>,
    matching: &Matching,
    keys: &mut dyn DatasetKeys,
) -> Result<Option<Vec<Integrated>>, MatchError> {
    let mut made_of = Vec::new();
    for dataset in wanted(job, matching) {
        let Some((_, sha256)) = if_readable(job.store.manifest(&dataset))? else { return Ok(None) };
        made_of.push((dataset, sha256));
    }
    let mut linked = Vec::new();
    for period in job.periods.iter() {
        let dataset = integrated(job.purpose, &period.name)?;
        let Some(manifest) = if_readable(job.store.whole(&dataset))? else { return Ok(None) };
        if manifest.origin != origin(job, period, made_of.clone()) {
            return Ok(None);
        }
        let report = if_readable(LinkageReport::read(job.store, &dataset, keys))?;
        match report.flatten().filter(|report| report.format == FORMAT) {
            Some(report) => {
                linked.push(Integrated { period: period.name.clone(), manifest, report });
            }
            None => return Ok(None),
        }
    }
    Ok(Some(linked))
}

fn if_readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, MatchError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ (StoreError::NotRecorded { .. } | StoreError::File { .. })) => {
            Err(error.into())
        }
        Err(_) => Ok(None),
    }
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
    let restricted = job.listed.restricted.origin();
    let decisions = decisions_sha256(job.store, job.purpose);
    Origin::Datasets {
        definition_sha256,
        datasets,
        carried_over,
        linked_with,
        listed,
        restricted,
        decisions,
    }
}
