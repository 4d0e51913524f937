//! The report on how well the children of a period were linked: all of it, from the datasets that stand.

use minster_model::{DatasetRef, Period, Purpose, RunId, periods::LinkedPeriod};
use minster_store::{Dataset, DatasetKeys, Manifest, Origin, StoreError};
use serde::Serialize;

use super::{
    LinkageReport,
    agreement::{Agreement, KeyTest, agreements, key_tests},
    flow::{FlowData, SourceFlow},
    groups::{ComparedGroups, Grouped, KnownChildren, NotCompared},
    impossible::{ImpossibleFacts, ReportData},
    linked_rows::{ChildNumbers, PersonRows},
};
use crate::{
    Job, MatchError, ScoredSource,
    definition::Matching,
    events::Delivered,
    job::{integrated, open},
    person_tables::{DeliveredPersons, PersonTables},
    review::ReviewEntry,
    up_to_date::{already_linked, origin},
};

/// The format of [`Appraisal`] as JSON.
const FORMAT: u32 = 1;

/// How well the children of a period were linked. It has counts, and codes beside counts that are not small.
#[derive(Debug, Clone, Serialize)]
pub struct Appraisal {
    /// Its format.
    pub format: u32,
    /// Whether counts are to the nearest 5 ([`Appraisal::coarse`]).
    pub coarse: bool,
    /// The purpose.
    pub purpose: Purpose,
    /// The period.
    pub period: Period,
    /// The run that linked.
    pub run: RunId,
    /// SHA-256 of what linking depended on in the matching definition: all but `[report]`, comments and layout.
    pub definition_sha256: String,
    /// Children of the integrated dataset.
    pub children: u64,
    /// Pupils of the council's schools among them.
    pub on_spine: u64,
    /// The smallest count by value that is shown.
    pub smallest: u64,
    /// From rows to children, source by source.
    pub flow: Vec<SourceFlow>,
    /// The number of pupils of whom the sources that should cover them have a row, by group.
    pub reached: Vec<Grouped>,
    /// Linked children beside the others, by source and group.
    pub compared: Vec<Grouped>,
    /// Columns that could not be compared.
    pub not_compared: Vec<NotCompared>,
    /// The estimates of scored matching about itself, in all periods together.
    pub scored: Vec<ScoredSource>,
    /// How far birth dates, names and sexes of linked rows agree with the register.
    pub agreements: Vec<Agreement>,
    /// The rows that a number linked, as match keys would have linked them.
    pub key_tests: Vec<KeyTest>,
    /// Contradictions in linked rows: facts that no child can have.
    pub impossible: ImpossibleFacts,
    /// Matters for a person to look at: codes and counts.
    pub review: Vec<Reviewed>,
    /// Further notes.
    pub notes: Vec<String>,
}

/// A finding for review, without places.
#[derive(Debug, Clone, Serialize)]
pub struct Reviewed {
    /// The stable name.
    pub code: &'static str,
    /// In words, after the count.
    pub meaning: &'static str,
    /// How many numbers, pupils or rows.
    pub count: u64,
}

/// Appraises a period of what stands, as the linker.
///
/// # Errors
/// [`MatchError::NotLinked`] where what stands was not linked from the deliveries and the definition as they are;
/// [`MatchError::NoGroup`] and others where `[report]` names what is not there.
pub fn appraise(
    job: &Job<'_>,
    period: &LinkedPeriod,
    keys: &mut dyn DatasetKeys,
) -> Result<Appraisal, MatchError> {
    let matching =
        Matching::parse(job.matching).map_err(|error| MatchError::Definition(Box::new(error)))?;
    matching.check()?;
    let linked = already_linked(job, &matching, keys)?.ok_or(MatchError::NotLinked)?;
    let of_period = linked.into_iter().find(|linked| linked.period == period.name);
    let of_period = of_period.ok_or(MatchError::NotLinked)?;
    let delivered = open(job, &matching, keys)?;
    // A run may have switched to another snapshot since the manifests were looked at.
    let made_of = delivered.iter().map(Delivered::made_of).collect();
    if of_period.manifest.origin != origin(job, period, made_of) {
        return Err(MatchError::NotLinked);
    }
    let reporting = &matching.report;
    reporting.check(&matching, &delivered)?;
    let listed = job.listed.of(&delivered)?;
    let people = PersonTables::read(&matching, &delivered, (&listed, job.listed.numbers))?;
    let mut datasets: Vec<Dataset> = Vec::new();
    for one in job.periods.iter() {
        datasets.push(job.store.dataset(&integrated(job.purpose, &one.name)?, keys)?);
    }
    let mut children = ChildNumbers::default();
    let rows = PersonRows::read(&matching, &people, &datasets, &mut children)?;
    let place = job.periods.iter().position(|one| one.name == period.name);
    let dataset = place.and_then(|place| datasets.get(place)).ok_or(MatchError::NotLinked)?;
    if dataset.manifest().run != of_period.manifest.run {
        return Err(MatchError::NotLinked);
    }
    let known = KnownChildren::read(&matching, reporting, dataset, &mut children)?;
    let own = period.datasets(job.purpose);
    let manifests = manifests(job, &own, &delivered)?;
    let is_own = |source: &str, of: &Period| {
        own.iter().any(|dataset| dataset.name.as_str() == source && dataset.period == *of)
    };
    let tables: Vec<&DeliveredPersons> = rows.tables(is_own).collect();
    let report = &of_period.report;
    let counts = known.counts();
    let flow = FlowData { manifests: &manifests, report, rows: &rows, children: &counts }.flow()?;
    let (reached, mut notes) = known.reached(reporting);
    let comparison = ComparedGroups {
        matching: &matching,
        reporting,
        known: &known,
        rows: &rows,
        tables: &tables,
        delivered: &delivered,
    };
    let (compared, not_compared) = comparison.compare()?;
    let scene = ReportData {
        matching: &matching,
        rows: &rows,
        tables: &tables,
        delivered: &delivered,
        integrated: dataset,
        children: &children,
        on_spine: &known.on_spine,
        days: period.days(),
    };
    let impossible = scene.floor(reporting)?;
    let LinkageReport { children, on_spine, scored, review, notes: of_linking, .. } =
        of_period.report;
    notes.extend(of_linking);
    Ok(Appraisal {
        format: FORMAT,
        coarse: false,
        purpose: job.purpose.clone(),
        period: period.name.clone(),
        run: of_period.manifest.run.clone(),
        definition_sha256: definition(&of_period.manifest),
        children,
        on_spine,
        smallest: reporting.smallest.get(),
        flow,
        reached,
        compared,
        not_compared,
        scored,
        agreements: agreements(&rows, &tables),
        key_tests: key_tests(&rows, &tables),
        impossible,
        review: review.iter().map(Reviewed::new).collect(),
        notes,
    })
}

impl Reviewed {
    fn new(entry: &ReviewEntry) -> Self {
        let (code, meaning) = (entry.code.code(), entry.code.meaning());
        Self { code, meaning, count: entry.count }
    }
}

/// The manifests of the period's own deliveries, those that the definition does not name among them. One of which nothing
/// stands is left out: what was linked was linked without it.
fn manifests(
    job: &Job<'_>,
    own: &[DatasetRef],
    delivered: &[Delivered],
) -> Result<Vec<Manifest>, MatchError> {
    let manifest = |dataset: &DatasetRef| {
        let opened = delivered.iter().map(|one| one.dataset.manifest());
        if let Some(manifest) = opened.into_iter().find(|manifest| manifest.dataset == *dataset) {
            return Some(Ok(manifest.clone()));
        }
        match job.store.manifest(dataset) {
            Ok((manifest, _)) => Some(Ok(manifest)),
            Err(StoreError::NoDataset { .. }) => None,
            Err(error) => Some(Err(error.into())),
        }
    };
    own.iter().filter_map(manifest).collect()
}

fn definition(manifest: &Manifest) -> String {
    match &manifest.origin {
        Origin::Datasets { definition_sha256, .. } => definition_sha256.clone(),
        Origin::Delivery { .. } => String::new(),
    }
}
