//! Manifests of datasets: recorded before a dataset is put in its place, and told to whoever opens it.

use minster_model::{DatasetRef, Period, Purpose, Role, SourceName};
use minster_vault_api::{Denial, NewestManifests, RecordedManifest, Response};

use super::Session;
use crate::log::Event;

/// Manifests in one answer: some 200 bytes each.
const PAGE: usize = 1_000;

impl Session<'_> {
    pub(super) fn record_manifest(
        &mut self,
        manifest: RecordedManifest,
        carried_from: Option<String>,
    ) -> Result<Response, Denial> {
        let role = self.asker()?.role;
        let restricted = self.linked_without(&manifest.dataset);
        self.decide(|state| {
            let state = state.open_to(role, &manifest.dataset.purpose)?;
            let version = state.version;
            state.manifests.may_record(role, &manifest, carried_from.as_deref(), version)?;
            let event = Event::RecordedManifest { manifest, carried_from, restricted };
            Ok((event, Response::ManifestRecorded))
        })
    }

    pub(super) fn take_over(
        &mut self,
        purpose: Purpose,
        manifests: Vec<RecordedManifest>,
    ) -> Result<Response, Denial> {
        let role = self.asker()?.role;
        self.decide(|state| {
            let state = state.open_to(role, &purpose)?;
            if let Some(other) = manifests.iter().find(|one| one.dataset.purpose != purpose) {
                let why = "it is another purpose's".to_owned();
                return Err(Denial::NotRecorded { dataset: other.dataset.clone(), why });
            }
            state.manifests.may_take_over(role, &manifests)?;
            let event = Event::TookOver { purpose, role, manifests };
            Ok((event, Response::ManifestRecorded))
        })
    }

    /// A page of the newest manifests of a purpose's datasets.
    pub(super) fn manifests(&mut self, purpose: &Purpose, page: u32) -> Result<Response, Denial> {
        self.allow(
            &[Role::Ingest, Role::Linker, Role::Analyst, Role::Auditor],
            "the log's manifests",
        )?;
        let role = self.asker()?.role;
        let before = (page as usize).saturating_mul(PAGE);
        self.vault.look(|state| {
            let manifests = &state.open_to(role, purpose)?.manifests;
            let named = |class, name: &SourceName, period: &Period| DatasetRef {
                class,
                name: name.clone(),
                period: period.clone(),
                purpose: purpose.clone(),
            };
            let page_of = manifests.newest().skip(before).take(PAGE);
            let newest = page_of.map(|(class, name, period, sha256)| RecordedManifest {
                dataset: named(class, name, period),
                sha256: sha256.clone(),
            });
            let due = manifests.due(role).filter(|_| page == 0);
            let due = due.map(|(class, name, period)| named(*class, name, period)).collect();
            Ok(Response::Manifests(NewestManifests { newest: newest.collect(), due }))
        })?
    }
}
