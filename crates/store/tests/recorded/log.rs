//! The log of manifests that a vault would keep.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{DatasetRef, Purpose};
use minster_store::{DatasetKeys, ManifestFault, NewestManifests, RecordedManifest};
use minster_vault_api::{DataKey, Denial, SealedRunKey, Unwrapped, VaultError, WrappedKey};

/// A stand-in for the vault, which gives each snapshot a key of its own and has a log of manifests.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) keys: u8,
    pub(crate) newest: BTreeMap<DatasetRef, String>,
    pub(crate) older: BTreeSet<String>,
    pub(crate) due: Vec<DatasetRef>,
    pub(crate) taken_over: Vec<RecordedManifest>,
    /// Refuses to record.
    pub(crate) refuses: bool,
    /// Records, and is stopped before the answer.
    pub(crate) stops: bool,
}

impl DatasetKeys for Log {
    fn create(&mut self, _: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        self.keys += 1;
        Ok((DataKey::from_bytes([self.keys; 32]), WrappedKey(self.keys.to_string())))
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        _: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        let fault = match self.newest.get(dataset) {
            Some(newest) if newest == manifest_sha256 => {
                let key = DataKey::from_bytes([wrapped.0.parse().unwrap(); 32]);
                return Ok(Unwrapped { key, run: None });
            }
            Some(_) if self.older.contains(manifest_sha256) => ManifestFault::Older,
            Some(_) => ManifestFault::Unknown,
            None if self.due.contains(dataset) => ManifestFault::NotTakenOver,
            None => ManifestFault::Unrecorded,
        };
        Err(Denial::OtherManifest { dataset: dataset.clone(), fault }.into())
    }

    fn record(&mut self, of: &RecordedManifest, _: Option<&str>) -> Result<(), VaultError> {
        if self.refuses {
            let why = "it is another's".to_owned();
            return Err(Denial::NotRecorded { dataset: of.dataset.clone(), why }.into());
        }
        self.older.extend(self.newest.insert(of.dataset.clone(), of.sha256.clone()));
        if self.stops { Err(VaultError::Protocol) } else { Ok(()) }
    }

    fn newest(&mut self, purpose: &Purpose) -> Result<NewestManifests, VaultError> {
        let newest = self.newest.iter().filter(|(dataset, _)| dataset.purpose == *purpose);
        let newest = newest.map(|(dataset, sha256)| RecordedManifest {
            dataset: dataset.clone(),
            sha256: sha256.clone(),
        });
        Ok(NewestManifests { newest: newest.collect(), due: self.due.clone() })
    }

    fn take_over(&mut self, _: &Purpose, of: Vec<RecordedManifest>) -> Result<(), VaultError> {
        for one in &of {
            self.older.extend(self.newest.insert(one.dataset.clone(), one.sha256.clone()));
        }
        self.due.clear();
        self.taken_over = of;
        Ok(())
    }
}
