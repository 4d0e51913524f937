//! Coarser definitions, each tried with the real suppression, and the lines that make a definition so.

pub(crate) mod advice;
mod candidates;

use std::time::{Duration, Instant};

use minster_model::{Period, table::CountTable};
use minster_store::ReleaseLog;
use serde::Serialize;

use self::candidates::Candidate;
use crate::{
    definition::release_definition::Definition,
    error::AggregateError,
    release_job::{
        commands::begin,
        job::Job,
        made::Made,
        protected_release::{Judged, Work},
    },
};

/// The most candidates that are tried, and the time after which no further one is begun.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Candidates.
    pub most: usize,
    /// Time, the definition itself included.
    pub time: Duration,
}

/// Coarser definitions, those that save the most cells first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestions {
    /// The release.
    pub name: String,
    /// Its period.
    pub period: Period,
    /// The definition as it is; none where disclosure control refuses it.
    pub now: Option<Cells>,
    /// Definitions with fewer withheld cells, best first.
    pub better: Vec<Suggestion>,
    /// How many were tried and withhold as many cells, or more.
    pub no_better: usize,
    /// How many were tried and are refused.
    pub refused: usize,
    /// How many do not fit the data, or break a rule of definitions.
    pub unfit: usize,
    /// How many were not tried, for want of time or beyond the number.
    pub untried: usize,
}

/// The cells of all tables of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// All, margins included.
    pub cells: usize,
    /// The withheld ones among them.
    pub withheld: usize,
}

/// A coarser definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The change, in words.
    pub change: String,
    /// Where the lines go.
    pub place: String,
    /// The lines, in TOML; they take the place of the lines with the same keys.
    pub lines: String,
    /// The cells that it would have.
    pub cells: Cells,
}

impl Suggestions {
    /// Before any was tried.
    fn none(definition: &Definition, period: &Period) -> Self {
        Self {
            name: definition.name.to_string(),
            period: period.clone(),
            now: None,
            better: Vec::new(),
            no_better: 0,
            refused: 0,
            unfit: 0,
            untried: 0,
        }
    }
}

/// Tries coarser definitions beside all that was ever published, and keeps nothing. The caller holds the run lock, as for
/// [`preview`](crate::preview).
///
/// # Errors
/// As [`preview`](crate::preview), but a definition that disclosure control refuses is no error.
pub fn suggest(
    job: &Job<'_>,
    definition_text: &str,
    bounds: Bounds,
    vault: &mut dyn ReleaseLog,
) -> Result<Suggestions, AggregateError> {
    try_all(job, definition_text, bounds, vault).map_err(|error| error.located(definition_text))
}

fn try_all(
    job: &Job<'_>,
    definition_text: &str,
    bounds: Bounds,
    vault: &mut dyn ReleaseLog,
) -> Result<Suggestions, AggregateError> {
    let begun = Instant::now();
    // Notes about each candidate would drown what is asked for.
    let quiet = Job { notice: &|_| {}, ..*job };
    let (definition, work) = begin(&quiet, definition_text, vault)?;
    let now = match judged(&work, &definition, vault) {
        Ok(cells) => Some(cells),
        Err(AggregateError::Refused(_)) => None,
        Err(other) => return Err(other),
    };
    let mut found = Suggestions { now, ..Suggestions::none(&definition, job.period) };
    let all = candidates::of(&definition, job.lookups.keys());
    let ranked = promising_first(&work, all, &mut found)?;
    for (tried, candidate) in ranked.into_iter().enumerate() {
        if tried >= bounds.most || begun.elapsed() >= bounds.time {
            found.untried += 1;
            continue;
        }
        let Candidate { definition, change, place, lines } = candidate;
        match judged(&work, &definition, vault) {
            Ok(cells) if now.is_none_or(|now| cells.withheld < now.withheld) => {
                found.better.push(Suggestion { change, place, lines, cells });
            }
            Ok(_) => found.no_better += 1,
            Err(AggregateError::Refused(_)) => found.refused += 1,
            Err(AggregateError::Rule { .. } | AggregateError::Lookup { .. }) => found.unfit += 1,
            Err(other) => return Err(other),
        }
    }
    // The fewest withheld save the most; among equals, what publishes more.
    let published = |cells: &Cells| cells.cells - cells.withheld;
    found.better.sort_by(|a, b| {
        let of = |one: &Suggestion| (one.cells.withheld, std::cmp::Reverse(published(&one.cells)));
        of(a).cmp(&of(b))
    });
    Ok(found)
}

/// The candidates, those with the fewest small cells first. One that does not fit the data is counted, and left out.
fn promising_first(
    work: &Work<'_>,
    all: Vec<Candidate>,
    found: &mut Suggestions,
) -> Result<Vec<Candidate>, AggregateError> {
    let mut ranked = Vec::new();
    for candidate in all {
        match small_cells(work, &candidate.definition) {
            Ok(small) => ranked.push((small, candidate)),
            Err(AggregateError::Rule { .. } | AggregateError::Lookup { .. }) => found.unfit += 1,
            Err(other) => return Err(other),
        }
    }
    ranked.sort_by_key(|(small, _)| *small);
    Ok(ranked.into_iter().map(|(_, candidate)| candidate).collect())
}

/// The cells below the threshold that a definition's tables would have.
fn small_cells(work: &Work<'_>, definition: &Definition) -> Result<usize, AggregateError> {
    let set = work.tabulate(definition)?.set(definition);
    let small = |table: &CountTable| {
        table.cell_counts().into_iter().filter(|&count| set.policy.is_small(count)).count()
    };
    Ok(set.tables.iter().map(small).sum())
}

fn judged(
    work: &Work<'_>,
    definition: &Definition,
    vault: &mut dyn ReleaseLog,
) -> Result<Cells, AggregateError> {
    let made: Box<Made> = match work.judge(definition, vault)? {
        Judged::New(made) | Judged::Same(made) => made,
        Judged::Kept { revised, .. } => revised.map_err(AggregateError::Refused)?,
    };
    let sizes = made.sizes().map(|(_, cells, withheld)| (cells, withheld));
    let (cells, withheld) = sizes.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    Ok(Cells { cells, withheld })
}
