//! A draft: what may be let out, as it was checked. It holds sizes and hashes, and no number: what is let out is made
//! again, and checked again, when it is.

use minster_model::{Period, TableName};
use minster_store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{
    definition::release_definition::Definition,
    earlier_releases::ledger,
    error::AggregateError,
    release_job::{job::Job, made::Made, protected_release::Work},
};

const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    format: u32,
    pub(crate) definition: Definition,
    /// SHA-256 of the files that would be released.
    pub(crate) sha256: String,
    /// SHA-256 of the integrated dataset's manifest.
    pub(crate) dataset_sha256: String,
    /// SHA-256 of all that was published before.
    pub(crate) ledger_sha256: String,
}

impl Draft {
    pub(crate) fn of(work: &Work<'_>, made: &Made) -> Result<Self, AggregateError> {
        Ok(Self {
            format: FORMAT,
            definition: made.definition.clone(),
            sha256: made.sha256.clone(),
            dataset_sha256: work.dataset.manifest_sha256().to_owned(),
            ledger_sha256: ledger::sha256_of(work.job.store)?,
        })
    }

    pub(crate) fn keep(&self, job: &Job<'_>) -> Result<(), AggregateError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|_| AggregateError::Write("the draft failed".into()))?;
        Ok(job.store.keep_draft(&self.definition.name, job.period, &bytes)?)
    }

    pub(crate) fn read(
        store: &Store,
        name: &TableName,
        period: &Period,
    ) -> Result<Option<Self>, AggregateError> {
        let Some(bytes) = store.draft(name, period)? else { return Ok(None) };
        let draft: Option<Self> = serde_json::from_slice(&bytes).ok();
        let draft = draft.filter(|draft| draft.format == FORMAT && draft.definition.name == *name);
        let path = store.root().join("drafts");
        let why = "holds a draft that this release does not understand".into();
        draft.map(Some).ok_or(AggregateError::Store(StoreError::Manifest { path, why }))
    }
}
