//! A release built again from the data, as on the day when it was let out: beside what stood then, and nothing that came later. Its
//! files are compared byte by byte with those that readers have. Nothing is kept.

use std::{borrow::Cow, collections::BTreeMap};

use minster_model::{Period, TableName};
use minster_store::{Origin, ReleaseLog, StoreError};
use serde::Serialize;

use crate::{
    earlier_releases::{entry::Entry, ledger},
    error::AggregateError,
    publish::{linkage_rates::Linkage, restricted_report},
    release_job::{
        job::Job,
        protected_release::{Judged, Work},
    },
};

/// The comparison of a release with itself, built again.
#[derive(Debug, Clone, Serialize)]
pub struct Reproduction {
    /// The release.
    pub release: TableName,
    /// Its period.
    pub period: Period,
    /// SHA-256 of its files.
    pub sha256: String,
    /// The outcome.
    pub outcome: Reproduced,
    /// Conditions that are others than when it was let out, in words.
    pub changed: Vec<String>,
}

/// The outcome of building a release again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reproduced {
    /// Every file is the same, byte by byte.
    Same {
        /// The files.
        files: Vec<String>,
    },
    /// Files differ.
    Differs {
        /// Those that differ, or are in one of the two alone.
        files: Vec<String>,
        /// Those that are the same.
        same: Vec<String>,
    },
    /// It could not be built.
    Not {
        /// Why.
        why: String,
    },
}

/// Builds a release that stands again, and compares its files. The caller holds the run lock.
///
/// # Errors
/// [`AggregateError::Report`] where no release of this name stands; others where the data, the vault or the release's own files
/// cannot be read. A release that cannot be built again is no error: [`Reproduced::Not`].
pub fn reproduce(
    job: &Job<'_>,
    name: &TableName,
    vault: &mut dyn ReleaseLog,
) -> Result<Reproduction, AggregateError> {
    let mut work = Work::begin(job, vault)?;
    work.known.in_ledger(job.store)?;
    let standing = work.ledger.named(name).find(|of| of.withdrawn.is_none()).cloned();
    let entry = standing.ok_or_else(|| {
        AggregateError::Report(
            "none of this name stands: it was never let out, or was withdrawn".to_owned(),
        )
    })?;
    let gone = || AggregateError::Report("its folder is gone; put it back from a copy".to_owned());
    let release = ledger::release_of(job.store, &entry).ok_or_else(gone)?;
    let published = release.verified_files(job.store)?;
    let (is_same_snapshot, mut changed) = changed(job, &work, &entry)?;
    if !is_same_snapshot || entry.linkage.is_none() {
        if entry.linkage.is_some() {
            changed.push(
                "its rates of linkage are taken as it tells them: they are of the other snapshot"
                    .to_owned(),
            );
        }
        work.linkage = Linkage::AsReleased(entry.linkage.clone());
    }
    // A word of the dictionary that was mended since is no other number.
    work.meanings = Cow::Owned(entry.meanings.clone());
    let is_ordered = entry.let_out.is_some();
    work.ledger.keep_before(&entry);
    let outcome = match work.judge(&entry.definition, vault) {
        Ok(Judged::New(made) | Judged::Same(made) | Judged::Kept { revised: Ok(made), .. }) => {
            compared(&published, &made.files)
        }
        Ok(Judged::Kept { revised: Err(why), .. }) | Err(AggregateError::Refused(why)) => {
            Reproduced::Not { why: format!("disclosure control refuses it now: {why}") }
        }
        // The definition names what is no more.
        Err(
            why @ (AggregateError::Rule { .. }
            | AggregateError::Lookup { .. }
            | AggregateError::Boundaries { .. }),
        ) => Reproduced::Not { why: why.to_string() },
        Err(other) => return Err(other),
    };
    // Beside other releases the same definition gives other files, and nobody knows which stood then.
    let outcome = match outcome {
        Reproduced::Differs { .. } if !is_ordered => Reproduced::Not {
            why: "an earlier release of the program let it out without a time, so nobody knows what stood beside it then; built beside nothing that has a time, it differs".to_owned(),
        },
        known => known,
    };
    Ok(Reproduction {
        release: name.clone(),
        period: job.period.clone(),
        sha256: entry.sha256,
        outcome,
        changed,
    })
}

/// Whether it was made of the snapshot that stands, and the conditions that are others than when the release was let out, as its
/// restricted report's manifest tells them.
fn changed(
    job: &Job<'_>,
    work: &Work<'_>,
    entry: &Entry,
) -> Result<(bool, Vec<String>), AggregateError> {
    let name = &entry.definition.name;
    let purpose = &job.dataset.purpose;
    let report = restricted_report::dataset(name, &entry.sha256, job.period, purpose)?;
    let manifest = match job.store.manifest(&report) {
        Ok((manifest, _)) => manifest,
        Err(StoreError::NoDataset { .. }) => {
            let gone =
                "its restricted report is gone, so nobody can say of which snapshot it was made";
            return Ok((false, vec![gone.to_owned()]));
        }
        Err(error) => return Err(error.into()),
    };
    let mut changed = Vec::new();
    let now = work.dataset.manifest_sha256();
    let made_of = match &manifest.origin {
        Origin::Datasets { datasets, .. } => datasets.first().map(|(_, sha256)| sha256.as_str()),
        Origin::Delivery { .. } => None,
    };
    let is_same_snapshot = made_of == Some(now);
    if !is_same_snapshot {
        changed.push(format!(
            "it was made of the snapshot of {} whose manifest has SHA-256 {}; the one that stands has {now}, and the vault opens no older one",
            job.dataset,
            made_of.unwrap_or("that nobody wrote down")
        ));
    }
    let program = env!("CARGO_PKG_VERSION");
    if manifest.program.as_deref() != Some(program) {
        changed.push(format!(
            "{} let it out, and this is {program}",
            manifest.program.as_deref().unwrap_or("an earlier release of the program")
        ));
    }
    Ok((is_same_snapshot, changed))
}

fn compared(published: &[(String, Vec<u8>)], made: &[(String, Vec<u8>)]) -> Reproduced {
    let mut files: BTreeMap<&str, [Option<&[u8]>; 2]> = BTreeMap::new();
    for (place, of) in [published, made].into_iter().enumerate() {
        for (name, bytes) in of {
            files.entry(name).or_default()[place] = Some(bytes);
        }
    }
    let (same, differing): (Vec<_>, Vec<_>) = files.into_iter().partition(|(_, [a, b])| a == b);
    let names = |of: Vec<(&str, _)>| of.into_iter().map(|(name, _)| name.to_owned()).collect();
    match differing.is_empty() {
        true => Reproduced::Same { files: names(same) },
        false => Reproduced::Differs { files: names(differing), same: names(same) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_more_a_file_less_and_one_more_are_all_differences() {
        let of = |files: &[(&str, &str)]| -> Vec<(String, Vec<u8>)> {
            let whole =
                |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
            files.iter().map(whole).collect()
        };
        let published = of(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(
            compared(&published, &published),
            Reproduced::Same { files: ["a", "b", "c"].map(str::to_owned).to_vec() }
        );
        assert_eq!(
            compared(&published, &of(&[("a", "1"), ("b", "2 "), ("d", "3")])),
            Reproduced::Differs {
                files: ["b", "c", "d"].map(str::to_owned).to_vec(),
                same: vec!["a".to_owned()]
            }
        );
    }
}
