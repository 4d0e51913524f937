//! The store beside the vault's log of manifests. A user who may write into the store can put an older snapshot in a dataset's
//! place; the log says which manifest is the newest, and a dataset with another is not read.
//!
//! A dataset is put aside in its place, recorded, and put in its place, in this order. A program that is stopped before the
//! record leaves the dataset that stood; after it, the next program that holds the run lock puts the recorded one in its
//! place.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minster_model::{DatasetClass, DatasetRef, Purpose};
use minster_vault_api::{ManifestFault, NewestManifests, RecordedManifest};

use crate::{DatasetKeys, Manifest, Store, StoreError, files::MANIFEST, retention, within};

/// A snapshot that is not recorded yet, or not in its place yet. No snapshot's name: those begin with `v-`.
pub(crate) const NEXT: &str = "next";

/// The newest manifests, as the vault's log has them.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    purpose: Purpose,
    newest: Arc<Mutex<BTreeMap<DatasetRef, String>>>,
}

impl Records {
    fn newest(&self) -> MutexGuard<'_, BTreeMap<DatasetRef, String>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, manifest: RecordedManifest) {
        self.newest().insert(manifest.dataset, manifest.sha256);
    }

    /// Compares what stands with the log; `sha256` is none where nothing does.
    pub(crate) fn check(
        &self,
        dataset: &DatasetRef,
        sha256: Option<&str>,
    ) -> Result<(), StoreError> {
        if dataset.purpose != self.purpose {
            return Ok(());
        }
        let fault = match (self.newest().get(dataset), sha256) {
            (Some(newest), Some(sha256)) if newest == sha256 => return Ok(()),
            (Some(_), Some(_)) => ManifestFault::Other,
            (None, Some(_)) => ManifestFault::Unrecorded,
            // The match shreds linkage datasets.
            (Some(_), None) if dataset.class != DatasetClass::Linkage => ManifestFault::Gone,
            (_, None) => return Ok(()),
        };
        Err(StoreError::NotRecorded { dataset: dataset.clone(), fault })
    }
}

/// The steps that made the store and the vault's log say the same, and what still differs.
#[derive(Debug, Default)]
pub struct Settled {
    /// Datasets that an earlier release made and that are recorded from now on.
    pub taken_over: Vec<DatasetRef>,
    /// Datasets whose recorded snapshot was put in its place, where a program had been stopped before.
    pub finished: Vec<DatasetRef>,
    /// Datasets that are gone, or have another manifest than the newest in the log.
    pub differing: Vec<DatasetRef>,
    /// How many datasets of an earlier release the vault knows, where none of them stands in this store.
    pub not_found: usize,
}

impl Settled {
    /// Each matter in words, for people.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.taken_over.is_empty() {
            notes.push(format!(
                "an earlier release made {}; the vault's log has the manifests from now on, and no older snapshot or changed \
                 manifest is read any more",
                list(&self.taken_over)
            ));
        }
        if self.not_found > 0 {
            notes.push(format!(
                "the vault knows {} datasets that an earlier release made, and none of them stands in this store: nothing is taken \
                 over. Look whether `store` in pipeline.toml is the right folder, and whether its disk is there",
                self.not_found
            ));
        }
        for dataset in &self.finished {
            notes.push(format!(
                "the newest snapshot of {dataset} was recorded and not in its place: a program was stopped, or someone put an \
                 older one there. It is in its place now"
            ));
        }
        for dataset in &self.differing {
            notes.push(format!(
                "{dataset} is not what the vault's log says: its manifest was changed, an older snapshot was put back, or it is \
                 gone. Look who may write into the store (docs/engineers.md, \"When a snapshot is not the newest\")"
            ));
        }
        notes
    }
}

fn list(datasets: &[DatasetRef]) -> String {
    datasets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Store {
    /// The store beside the vault's log: takes over what an earlier release made in the caller's role, puts in its place
    /// what a stopped program had recorded, and compares from then on each manifest with the log. The caller holds the run
    /// lock.
    ///
    /// # Errors
    /// Where the vault does not answer, or a snapshot cannot be put in its place. A difference from the log is no error here,
    /// but where it is read.
    pub fn settled(
        &self,
        purpose: &Purpose,
        keys: &mut dyn DatasetKeys,
    ) -> Result<(Self, Settled), StoreError> {
        let NewestManifests { newest, due } = keys.newest(purpose)?;
        let mut newest: BTreeMap<DatasetRef, String> =
            newest.into_iter().map(|one| (one.dataset, one.sha256)).collect();
        let mut settled = Settled::default();
        if !due.is_empty() {
            let mut manifests = Vec::new();
            let waiting = due.len();
            for dataset in due {
                let snapshots = self.snapshots_of_earlier_release(&dataset)?;
                if let Some(last) = snapshots.last() {
                    newest.insert(dataset.clone(), last.sha256.clone());
                    settled.taken_over.push(dataset);
                }
                manifests.extend(snapshots);
            }
            // It is done once. A store that is not mounted, or another one, must not use it up.
            match manifests.is_empty() {
                true => settled.not_found = waiting,
                false => keys.take_over(purpose, manifests)?,
            }
        }
        for (dataset, sha256) in &newest {
            match self.put_in_its_place(dataset, sha256)? {
                Stands::Newest => {}
                Stands::Finished => settled.finished.push(dataset.clone()),
                Stands::Other => settled.differing.push(dataset.clone()),
            }
        }
        self.remove_unrecorded(purpose)?;
        let records = Records { purpose: purpose.clone(), newest: Arc::new(Mutex::new(newest)) };
        let mut store = self.clone();
        store.records = Some(records);
        Ok((store, settled))
    }

    /// The manifests of a dataset's snapshots, the one that stands last; none where none stands.
    ///
    /// # Errors
    /// Where the one that stands cannot be read: what is not taken over now never is.
    fn snapshots_of_earlier_release(
        &self,
        dataset: &DatasetRef,
    ) -> Result<Vec<RecordedManifest>, StoreError> {
        let place = self.place(dataset);
        let Some(current) = within::link(self.root(), &place.join("current"))? else {
            return Ok(Vec::new());
        };
        let older = retention::superseded(&place, &current.to_string_lossy());
        let recorded = |(manifest, sha256): (Manifest, String)| {
            let is_its = manifest.dataset == *dataset;
            is_its.then(|| RecordedManifest { dataset: dataset.clone(), sha256 })
        };
        let Some(current) = recorded(self.manifest_in(&place.join(current))?) else {
            return Ok(Vec::new());
        };
        // An older one that cannot be read is nothing that anybody could put back.
        let older = older.filter_map(|folder| recorded(self.manifest_in(&folder).ok()?));
        let older = older.filter(|one| one.sha256 != current.sha256).collect::<Vec<_>>();
        Ok(older.into_iter().chain([current]).collect())
    }

    /// Looks for the snapshot with a recorded manifest, and lets it be the one that stands.
    fn put_in_its_place(&self, dataset: &DatasetRef, sha256: &str) -> Result<Stands, StoreError> {
        let place = self.place(dataset);
        let current = within::link(self.root(), &place.join("current"))?;
        let of = |folder: &Path| self.manifest_in(folder).ok();
        let recorded = |folder: &Path| of(folder).filter(|(_, found)| found == sha256);
        let standing = current.as_ref().and_then(|version| of(&place.join(version)));
        match &standing {
            Some((_, found)) if found == sha256 => return Ok(Stands::Newest),
            // Another purpose's dataset was put into the place, as only one stands there.
            Some((manifest, _)) if manifest.dataset.purpose != dataset.purpose => {
                return Ok(Stands::Newest);
            }
            _ => {}
        }
        if let Some((manifest, _)) = recorded(&place.join(NEXT)) {
            self.put_next(&place, &manifest)?;
            return Ok(Stands::Finished);
        }
        let version = current.unwrap_or_default();
        let mut others = retention::superseded(&place, &version.to_string_lossy());
        if let Some(folder) = others.find(|folder| recorded(folder).is_some()) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.let_stand(&place, &name)?;
            return Ok(Stands::Finished);
        }
        // The match shreds linkage datasets.
        match dataset.class == DatasetClass::Linkage && standing.is_none() {
            true => Ok(Stands::Newest),
            false => Ok(Stands::Other),
        }
    }

    /// Removes the snapshots that a stopped program put aside and did not record.
    fn remove_unrecorded(&self, purpose: &Purpose) -> Result<(), StoreError> {
        for place in self.places()? {
            let next = place.join(NEXT);
            let of_another =
                |(manifest, _): (Manifest, String)| manifest.dataset.purpose != *purpose;
            if next.is_dir() && !self.manifest_in(&next).is_ok_and(of_another) {
                within::remove_all(self.root(), &next)?;
            }
        }
        Ok(())
    }

    /// Puts a finished folder aside in its place, has its manifest recorded, and lets it be the one that stands. Gives its name.
    pub(crate) fn publish_recorded(
        &self,
        staged: &Path,
        manifest: &Manifest,
        sha256: String,
        keys: &mut dyn DatasetKeys,
    ) -> Result<String, StoreError> {
        let place = self.place(&manifest.dataset);
        within::check(self.root(), staged)?;
        within::check(self.root(), &place)?;
        self.disk().sync_folder(staged)?;
        self.disk().create_folders(&place)?;
        let next = place.join(NEXT);
        if next.exists() {
            within::remove_all(self.root(), &next)?;
        }
        self.disk().rename(staged, &next)?;
        self.sync_ancestors(&place)?;
        let recorded = RecordedManifest { dataset: manifest.dataset.clone(), sha256 };
        keys.record(&recorded, manifest.carried_from())?;
        if let Some(records) = &self.records {
            records.record(recorded);
        }
        self.put_next(&place, manifest)
    }

    fn put_next(&self, place: &Path, manifest: &Manifest) -> Result<String, StoreError> {
        // A name that was used before is not used again: what stands is superseded, not overwritten.
        let names = std::iter::once(format!("v-{}", manifest.run));
        let others = (2u64..).map(|next| format!("v-{}-{next}", manifest.run));
        let is_free = |name: &String| !place.join(name).exists();
        let version = names.chain(others).find(is_free).unwrap_or_default();
        self.disk().rename(&place.join(NEXT), &place.join(&version))?;
        self.let_stand(place, &version)?;
        Ok(version)
    }

    fn let_stand(&self, place: &Path, version: &str) -> Result<(), StoreError> {
        self.disk().switch_link(&place.join("current"), version)?;
        self.sync_ancestors(place)
    }

    fn manifest_in(&self, folder: &Path) -> Result<(Manifest, String), StoreError> {
        Manifest::read(self.root(), &folder.join(MANIFEST))
    }
}

/// Whether the snapshot stands that the log has as the newest.
enum Stands {
    Newest,
    /// Since now.
    Finished,
    Other,
}
