//! Dimensions to coarsen so that the cells that a definition keeps can be shown.

use minster_store::ReleaseLog;

use super::{Candidate, Suggestions, candidates, judged, promising_first};
use crate::{
    definition::release_definition::Definition,
    error::AggregateError,
    refusal::ReleaseRefusal,
    release_job::{job::Job, protected_release::Work},
};

/// Coarser definitions that are tried.
const TRIED: usize = 12;

/// The refusal of a definition, with what to coarsen where it is refused for the cells that it keeps. They alone are why, if it would
/// not be refused without them.
pub(crate) fn advised(
    work: &Work<'_>,
    definition: &Definition,
    why: Box<ReleaseRefusal>,
    vault: &mut dyn ReleaseLog,
) -> Result<Box<ReleaseRefusal>, AggregateError> {
    if definition.keep.is_empty() && definition.tables.iter().all(|table| table.always.is_empty()) {
        return Ok(why);
    }
    // Notes about each definition that is tried would drown the answer.
    let quiet = Job { notice: &|_| {}, ..*work.job };
    let work = Work::begin(&quiet, vault)?;
    let mut free = definition.clone();
    free.keep.clear();
    free.tables.iter_mut().for_each(|table| table.always.clear());
    if !is_safe(&work, &free, vault)? {
        return Ok(why);
    }
    let all = candidates::of(definition, quiet.lookups.keys());
    let mut coarser = None;
    let ranked = promising_first(&work, all, &mut Suggestions::none(definition, quiet.period))?;
    for Candidate { definition, change, place, lines } in ranked.into_iter().take(TRIED) {
        if is_safe(&work, &definition, vault)? {
            let lines: Vec<&str> = lines.lines().collect();
            coarser = Some(format!("{change}: {place}, {}", lines.join("; ")));
            break;
        }
    }
    Ok(Box::new(ReleaseRefusal::Keeps { why, coarser }))
}

fn is_safe(
    work: &Work<'_>,
    definition: &Definition,
    vault: &mut dyn ReleaseLog,
) -> Result<bool, AggregateError> {
    match judged(work, definition, vault) {
        Ok(_) => Ok(true),
        Err(
            AggregateError::Refused(_)
            | AggregateError::Rule { .. }
            | AggregateError::Lookup { .. },
        ) => Ok(false),
        Err(other) => Err(other),
    }
}
