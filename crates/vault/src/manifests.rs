//! Which manifest of each dataset is the newest. A user who may write into the store can put an older snapshot in a dataset's
//! place, or change its manifest: the log says which one was written last, and nobody can take that away.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{DatasetClass, DatasetRef, KeyVersion, Period, Role, SourceName};
use minster_vault_api::{Denial, ManifestFault, RecordedManifest, writer};

/// The manifests of one purpose's datasets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifests {
    known: BTreeMap<Place, Known>,
    /// Datasets whose keys an earlier release made, which recorded no manifest.
    of_earlier_release: BTreeSet<Place>,
    /// The writers who took their datasets of earlier releases over.
    taken_over: BTreeSet<Role>,
    /// Manifests of before a disposal. Nobody puts one back, and none is recorded as new.
    disposed: BTreeSet<String>,
    /// Manifests of datasets that were begun anew.
    begun_anew: BTreeSet<String>,
}

/// A dataset's name within its purpose.
pub(crate) type Place = (DatasetClass, SourceName, Period);

/// The manifests of a dataset, by their hashes.
#[derive(Debug, Clone)]
struct Known {
    newest: String,
    /// The version of the purpose's keys that it was made under; none where an earlier release made it.
    version: Option<KeyVersion>,
    /// Those that it superseded, each with its version.
    older: BTreeMap<String, Option<KeyVersion>>,
}

impl Manifests {
    /// Takes note of a key that was made: `records` says whether the release that made it recorded manifests.
    pub(crate) fn key_created(&mut self, dataset: &DatasetRef, records: bool) {
        if !records {
            self.of_earlier_release.insert(place(dataset));
        }
    }

    /// Whether a role may record a manifest under the version of keys that is in use.
    ///
    /// # Errors
    /// [`Denial`], where it is no writer of the dataset, the manifest is an old one, or it was carried over from another than
    /// the newest.
    pub(crate) fn may_record(
        &self,
        role: Role,
        manifest: &RecordedManifest,
        carried_from: Option<&str>,
        version: KeyVersion,
    ) -> Result<(), Denial> {
        let RecordedManifest { dataset, sha256 } = manifest;
        let refused =
            |why: &str| Err(Denial::NotRecorded { dataset: dataset.clone(), why: why.to_owned() });
        check_hash(manifest)?;
        if self.disposed.contains(sha256) {
            return refused("it is of before a disposal");
        }
        let known = self.known.get(&place(dataset));
        if known.is_some_and(|known| known.older.contains_key(sha256)) {
            return refused("it is an older one, and a newer one was recorded since");
        }
        let writes = role == writer(dataset.class);
        match (carried_from, known) {
            (None, _) if writes => Ok(()),
            (None, _) => {
                let what = "recording the manifest of such a dataset".to_owned();
                Err(Denial::RoleForbids { role, what })
            }
            (Some(_), _) if role != Role::Linker => {
                let what = "carrying datasets over to new keys".to_owned();
                Err(Denial::RoleForbids { role, what })
            }
            (Some(from), Some(known)) if from == known.newest => {
                // A dataset that an earlier release made is of the first keys, or of later ones that it made.
                match version > known.version.unwrap_or(KeyVersion(1)) {
                    true => Ok(()),
                    false => refused("the purpose has no newer keys to carry it over to"),
                }
            }
            (Some(_), _) => refused("it was carried over from another than the newest"),
        }
    }

    /// Whether the linker may record the manifest of a dataset from which rows were taken.
    ///
    /// # Errors
    /// [`Denial`], where such a dataset holds no rows of persons, it is an old manifest, or it was made from another than the newest.
    pub(crate) fn may_record_disposed(
        &self,
        manifest: &RecordedManifest,
        carried_from: &str,
    ) -> Result<(), Denial> {
        let RecordedManifest { dataset, sha256 } = manifest;
        let refused =
            |why: &str| Err(Denial::NotRecorded { dataset: dataset.clone(), why: why.to_owned() });
        check_hash(manifest)?;
        if !has_persons(dataset.class) {
            return refused("a disposal takes no rows out of a dataset of its class");
        }
        let known = self.known.get(&place(dataset));
        let is_old = known.is_some_and(|known| known.older.contains_key(sha256));
        if is_old || self.disposed.contains(sha256) {
            return refused("it is an older one, or of before a disposal");
        }
        match known.is_some_and(|known| known.newest == carried_from) {
            true => Ok(()),
            false => refused("it was made from another manifest than the newest"),
        }
    }

    /// All manifests before the newest are of before a disposal: nobody puts their snapshots back.
    pub(crate) fn dispose_older(&mut self) {
        for known in self.known.values_mut() {
            self.disposed.extend(std::mem::take(&mut known.older).into_keys());
        }
        self.disposed.append(&mut self.begun_anew);
    }

    /// The dataset of an earlier release with rows of persons that waits to be taken over, if any.
    pub(crate) fn persons_due(&self) -> Option<&Place> {
        let due = [Role::Ingest, Role::Linker].into_iter().flat_map(|role| self.due(role));
        due.into_iter().find(|(class, _, _)| has_persons(*class))
    }

    /// Records a manifest as its dataset's newest.
    pub(crate) fn record(&mut self, manifest: &RecordedManifest, version: Option<KeyVersion>) {
        let (place, newest) = (place(&manifest.dataset), manifest.sha256.clone());
        self.of_earlier_release.remove(&place);
        let known = self.known.entry(place);
        let known = known.or_insert_with(|| Known {
            newest: newest.clone(),
            version,
            older: BTreeMap::new(),
        });
        let before = std::mem::replace(&mut known.newest, newest);
        if before != known.newest {
            known.older.insert(before, known.version);
        }
        // Custodians may have made an older one the newest again.
        known.older.remove(&known.newest);
        known.version = version;
    }

    /// Datasets of an earlier release that wait for this writer to take them over: class, name and period.
    pub(crate) fn due(&self, role: Role) -> impl Iterator<Item = &Place> {
        let all = self.of_earlier_release.iter().filter(move |_| !self.taken_over.contains(&role));
        all.filter(move |(class, _, _)| writer(*class) == role)
    }

    /// Whether a role may take these over.
    ///
    /// # Errors
    /// [`Denial`], where it did before, or one of them is none of its datasets of earlier releases.
    pub(crate) fn may_take_over(
        &self,
        role: Role,
        manifests: &[RecordedManifest],
    ) -> Result<(), Denial> {
        if self.due(role).next().is_none() {
            let what = "the role has nothing to take over from an earlier release".to_owned();
            return Err(Denial::OutOfOrder { what });
        }
        for manifest in manifests {
            check_hash(manifest)?;
            let dataset = &manifest.dataset;
            let is_its = writer(dataset.class) == role
                && !self.disposed.contains(&manifest.sha256)
                && self.of_earlier_release.contains(&place(dataset))
                && !self.known.contains_key(&place(dataset));
            if !is_its {
                let why = "no earlier release made the dataset in this role".to_owned();
                return Err(Denial::NotRecorded { dataset: dataset.clone(), why });
            }
        }
        Ok(())
    }

    /// Records the manifests that a writer took over, and that it did: what it did not find is never taken over.
    pub(crate) fn take_over(&mut self, role: Role, manifests: &[RecordedManifest]) {
        for manifest in manifests {
            self.record(manifest, None);
        }
        self.taken_over.insert(role);
    }

    /// Whether custodians may take an older snapshot for the newest, or begin the dataset anew.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_accept(
        &self,
        dataset: &DatasetRef,
        sha256: Option<&str>,
        retired: &BTreeSet<KeyVersion>,
    ) -> Result<(), &'static str> {
        let Some(known) = self.known.get(&place(dataset)) else {
            // A dataset that was not there on the night of the takeover has no other way back.
            return match self.of_earlier_release.contains(&place(dataset)) {
                true => Ok(()),
                false => Err("the vault's log has no manifest of the dataset"),
            };
        };
        match sha256 {
            None => Ok(()),
            Some(sha256) if self.disposed.contains(sha256) => {
                Err("it is of before a disposal, and nobody puts it back")
            }
            Some(sha256) if known.newest == sha256 => Err("it is the newest snapshot already"),
            Some(sha256) => match known.older.get(sha256) {
                Some(Some(version)) if retired.contains(version) => {
                    Err("its version of the purpose's keys is retired, and nobody can read it")
                }
                Some(_) => Ok(()),
                None => Err("the vault's log never had this manifest of the dataset"),
            },
        }
    }

    /// Takes an older snapshot for the newest, or forgets the dataset.
    pub(crate) fn accept(&mut self, dataset: &DatasetRef, sha256: Option<&str>) {
        match sha256 {
            None => {
                if let Some(known) = self.known.remove(&place(dataset)) {
                    self.begun_anew.insert(known.newest);
                    self.begun_anew.extend(known.older.into_keys());
                }
                self.of_earlier_release.remove(&place(dataset));
            }
            Some(sha256) => {
                let known = self.known.get(&place(dataset));
                let version = known.and_then(|known| known.older.get(sha256).copied().flatten());
                let (dataset, sha256) = (dataset.clone(), sha256.to_owned());
                self.record(&RecordedManifest { dataset, sha256 }, version);
            }
        }
    }

    /// Whether a manifest is its dataset's newest or, where `older` is set, was.
    pub(crate) fn check(
        &self,
        dataset: &DatasetRef,
        sha256: &str,
        older: bool,
    ) -> Result<(), Denial> {
        let fault = match self.known.get(&place(dataset)) {
            _ if self.disposed.contains(sha256) => ManifestFault::Unknown,
            Some(known) if known.newest == sha256 => return Ok(()),
            Some(known) if known.older.contains_key(sha256) && older => return Ok(()),
            Some(known) if known.older.contains_key(sha256) => ManifestFault::Older,
            Some(_) => ManifestFault::Unknown,
            None if self.of_earlier_release.contains(&place(dataset))
                && !self.taken_over.contains(&writer(dataset.class)) =>
            {
                ManifestFault::NotTakenOver
            }
            None => ManifestFault::Unrecorded,
        };
        Err(Denial::OtherManifest { dataset: dataset.clone(), fault })
    }

    /// Forgets the datasets that were given up with a version of keys that ended: nobody is given their keys any more.
    pub(crate) fn give_up(
        &mut self,
        version: KeyVersion,
        is_given_up: impl Fn(DatasetClass, &SourceName, &Period) -> bool,
    ) {
        self.known.retain(|(class, name, period), known| {
            known.version != Some(version) && !is_given_up(*class, name, period)
        });
        self.of_earlier_release.retain(|(class, name, period)| !is_given_up(*class, name, period));
    }

    /// The version of keys under which a dataset's newest manifest was made, where the log knows.
    pub(crate) fn version(&self, dataset: &DatasetRef) -> Option<KeyVersion> {
        self.known.get(&place(dataset))?.version
    }

    /// The datasets of which the newest manifest is under a version of the keys.
    pub(crate) fn under(&self, version: KeyVersion) -> impl Iterator<Item = &Place> {
        let all = self.known.iter().filter(move |(_, known)| known.version == Some(version));
        all.map(|(place, _)| place)
    }

    /// The newest of each dataset: class, name, period and hash.
    pub(crate) fn newest(
        &self,
    ) -> impl Iterator<Item = (DatasetClass, &SourceName, &Period, &String)> {
        let all = self.known.iter();
        all.map(|((class, name, period), known)| (*class, name, period, &known.newest))
    }
}

/// Whether datasets of a class hold rows of persons that a disposal takes out.
pub(crate) fn has_persons(class: DatasetClass) -> bool {
    matches!(class, DatasetClass::Source | DatasetClass::Integrated)
}

pub(crate) fn place(dataset: &DatasetRef) -> Place {
    (dataset.class, dataset.name.clone(), dataset.period.clone())
}

fn check_hash(manifest: &RecordedManifest) -> Result<(), Denial> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match manifest.sha256.len() == 64 && manifest.sha256.bytes().all(is_hex) {
        true => Ok(()),
        false => {
            let why = "a manifest is named by its SHA-256".to_owned();
            Err(Denial::NotRecorded { dataset: manifest.dataset.clone(), why })
        }
    }
}
