//! Refusals, kept for the analyst: which release, beside which others, for which column, and what would help. A refusal's text names
//! releases, tables and columns, and never a category or the count of a cell; so does what is kept.

use minster_model::{Period, RunId, TableName};
use minster_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{
    definition::release_definition::Definition,
    error::AggregateError,
    publish::restricted_report,
    refusal::{NamedRelease, ReleaseRefusal, RulesDiffer, TogetherWouldShow},
    release_job::job::Job,
};

/// So many are kept, the latest.
const MOST: usize = 200;
const FORMAT: u32 = 1;

/// The step that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedStep {
    /// A draft of a new release.
    Draft,
    /// The revision that would be released instead of a release that stands.
    Revision,
    /// Letting a draft out.
    Release,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRefusal {
    /// The release that was refused.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// The step.
    pub step: RefusedStep,
    /// The stable name of the reason.
    pub code: String,
    /// The releases that it was refused beside.
    pub beside: Vec<String>,
    /// The columns that the reason is about.
    pub columns: Vec<String>,
    /// The reason in words, and what would help.
    pub why: String,
    /// SHA-256 of the definition.
    pub definition_sha256: String,
    /// The first run in which it was refused so.
    pub first: RunId,
    /// The last.
    pub last: RunId,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    format: u32,
    refusals: Vec<KeptRefusal>,
}

/// The refusals that are kept, the latest first.
///
/// # Errors
/// [`AggregateError::Report`] where the file is none.
pub fn refusals(store: &Store) -> Result<Vec<KeptRefusal>, AggregateError> {
    let Some(bytes) = store.refusals()? else { return Ok(Vec::new()) };
    let kept = serde_json::from_slice::<Kept>(&bytes).ok().filter(|kept| kept.format == FORMAT);
    kept.map(|kept| kept.refusals).ok_or_else(|| {
        AggregateError::Report(format!(
            "{} is no list of refusals of this release of the program: remove it, and what is refused from now on is kept",
            store.root().join("refusals.json").display()
        ))
    })
}

/// Keeps a refusal. The very same, night after night, is kept once. A list that cannot be read stops no night.
pub(crate) fn keep(
    job: &Job<'_>,
    definition: &Definition,
    step: RefusedStep,
    why: &ReleaseRefusal,
) -> Result<(), AggregateError> {
    let refusal = KeptRefusal {
        release: definition.name.clone(),
        period: job.period.clone(),
        step,
        code: why.code().to_owned(),
        beside: beside(why),
        columns: columns(why),
        why: why.to_string(),
        definition_sha256: restricted_report::sha256_of(definition)?,
        first: job.run.clone(),
        last: job.run.clone(),
    };
    let kept = match refusals(job.store) {
        Ok(kept) => kept,
        Err(
            error @ (AggregateError::Report(_) | AggregateError::Store(StoreError::Linked { .. })),
        ) => {
            (job.notice)(&format!("the refusals before are not kept: {error}"));
            Vec::new()
        }
        Err(other) => return Err(other),
    };
    let kept = Kept { format: FORMAT, refusals: added(kept, refusal) };
    let bytes = serde_json::to_vec_pretty(&kept)
        .map_err(|_| AggregateError::Write("the list of refusals failed".into()))?;
    Ok(job.store.keep_refusals(&bytes)?)
}

fn added(mut kept: Vec<KeptRefusal>, mut refusal: KeptRefusal) -> Vec<KeptRefusal> {
    let same = |of: &KeptRefusal| {
        let times = (of.first.clone(), of.last.clone());
        *of == KeptRefusal { first: times.0, last: times.1, ..refusal.clone() }
    };
    if let Some(place) = kept.iter().position(same) {
        refusal.first = kept.remove(place).first;
    }
    kept.insert(0, refusal);
    kept.truncate(MOST);
    kept
}

/// The releases that a refusal names.
fn beside(why: &ReleaseRefusal) -> Vec<String> {
    use ReleaseRefusal as R;
    let named = |release: &NamedRelease| vec![release.to_string()];
    match why {
        R::SameChildren { release, .. }
        | R::MostlySameChildren { release, .. }
        | R::ChosenAndDivided { release, .. }
        | R::BesideRounded { release }
        | R::ReportGone { release }
        | R::CannotBeCounted { release, .. }
        | R::TiedColumns { release, .. } => named(release),
        R::NoiseBudget { together_with, .. } => together_with.clone(),
        R::OtherChildren { releases, why: TogetherWouldShow::Hidden { release, .. }, .. }
            if release != releases =>
        {
            vec![releases.clone(), release.clone()]
        }
        R::OtherChildren { releases, .. } => vec![releases.clone()],
        R::EveryoneMeets { one, other, .. } => vec![one.clone(), other.clone()],
        R::DataChanged { releases, why } => {
            let mut all: Vec<String> = releases.iter().map(ToString::to_string).collect();
            all.extend(
                beside(why).into_iter().filter(|of| !releases.iter().any(|r| r.to_string() == *of)),
            );
            all
        }
        R::Keeps { why, .. } | R::Sums { why, .. } => beside(why),
        R::Attack(_)
        | R::Suppression(_)
        | R::Rounding(_)
        | R::StaysOpen { .. }
        | R::RoundedTogether { .. }
        | R::SumsTellEachOther { .. }
        | R::CountsOverlap { .. }
        | R::DerivedFromOne { .. }
        | R::SumsAddUp { .. }
        | R::WeakerThanPurpose { .. }
        | R::DividedApart { .. }
        | R::Difference
        | R::ExcludingColumns { .. } => Vec::new(),
    }
}

/// The columns that a refusal names.
fn columns(why: &ReleaseRefusal) -> Vec<String> {
    use ReleaseRefusal as R;
    match why {
        R::SameChildren { difference, .. } | R::MostlySameChildren { difference, .. } => {
            match difference {
                RulesDiffer::Edges { column, .. } => vec![column.to_string()],
                _ => Vec::new(),
            }
        }
        R::ChosenAndDivided { column, .. }
        | R::OtherChildren { column, .. }
        | R::EveryoneMeets { column, .. } => vec![column.clone()],
        R::SumsTellEachOther { columns } | R::SumsAddUp { columns } => {
            columns.iter().map(ToString::to_string).collect()
        }
        R::CountsOverlap { stored, derived } => vec![stored.to_string(), derived.to_string()],
        R::DerivedFromOne { columns, .. } | R::DividedApart { columns } => columns.clone(),
        R::ExcludingColumns { columns, .. } => columns.to_vec(),
        R::TiedColumns { there, here, .. } => vec![there.clone(), here.clone()],
        R::Sums { column, why } => {
            let mut all = vec![column.to_string()];
            all.extend(columns(why));
            all
        }
        R::Keeps { why, .. } | R::DataChanged { why, .. } => columns(why),
        R::Attack(_)
        | R::Suppression(_)
        | R::Rounding(_)
        | R::StaysOpen { .. }
        | R::RoundedTogether { .. }
        | R::WeakerThanPurpose { .. }
        | R::BesideRounded { .. }
        | R::NoiseBudget { .. }
        | R::Difference
        | R::ReportGone { .. }
        | R::CannotBeCounted { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(release: &str, run: &str) -> KeptRefusal {
        KeptRefusal {
            release: release.parse().unwrap(),
            period: "2024-25".parse().unwrap(),
            step: RefusedStep::Draft,
            code: "difference".to_owned(),
            beside: Vec::new(),
            columns: Vec::new(),
            why: "why".to_owned(),
            definition_sha256: "0".to_owned(),
            first: run.parse().unwrap(),
            last: run.parse().unwrap(),
        }
    }

    #[test]
    fn the_same_refusal_is_kept_once_and_the_latest_ones_alone() {
        let mut kept = Vec::new();
        for night in 0..3 {
            kept = added(kept, refusal("a", &format!("night-{night}")));
        }
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].first.as_str(), kept[0].last.as_str()), ("night-0", "night-2"));
        for other in 0..MOST + 5 {
            kept = added(kept, refusal(&format!("b{other}"), "night-3"));
        }
        assert_eq!(kept.len(), MOST);
        assert_eq!(kept[0].release.as_str(), format!("b{}", MOST + 4));
        assert!(!kept.iter().any(|of| of.release.as_str() == "a"));
    }

    #[test]
    fn the_releases_and_columns_of_an_inner_reason_are_found() {
        let release =
            NamedRelease { name: "care".parse().unwrap(), period: "2024-25".parse().unwrap() };
        let inner =
            ReleaseRefusal::ChosenAndDivided { release: release.clone(), column: "sen".to_owned() };
        let sums =
            ReleaseRefusal::Sums { column: "sessions".parse().unwrap(), why: Box::new(inner) };
        let whole = ReleaseRefusal::DataChanged { releases: vec![release], why: Box::new(sums) };
        assert_eq!(beside(&whole), ["care of 2024-25"]);
        assert_eq!(columns(&whole), ["sessions", "sen"]);
    }
}
