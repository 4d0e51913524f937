//! Keys and manifests of datasets.

use minster_model::{DatasetRef, Purpose};

use super::{Client, VaultError};
use crate::{
    DataKey, NewestManifests, RecordedManifest, Request, Response, SealedRunKey, Unwrapped,
    WrappedKey,
};

impl Client {
    /// A new key for a dataset, plain and wrapped.
    pub fn create_key(
        &mut self,
        dataset: &DatasetRef,
    ) -> Result<(DataKey, WrappedKey), VaultError> {
        match self.ask(&Request::CreateKey(dataset.clone()))? {
            Response::KeyCreated(key, wrapped) => Ok((key, wrapped)),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The key of a dataset from its wrapping, and the key of the run whose tokens it holds. `manifest_sha256` is the hash of the
    /// manifest that they were read from: the vault gives no key for another than its log's newest.
    pub fn unwrap_key(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        let (run, sha256) = (run.cloned(), manifest_sha256.to_owned());
        self.unwrapped(&Request::UnwrapKey(dataset.clone(), wrapped.clone(), run, sha256))
    }

    /// The same for a search for leaked identifiers; the vault logs it as such.
    pub fn scan_key(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        let (run, sha256) = (run.cloned(), manifest_sha256.to_owned());
        self.unwrapped(&Request::ScanKey(dataset.clone(), wrapped.clone(), run, sha256))
    }

    fn unwrapped(&mut self, request: &Request) -> Result<Unwrapped, VaultError> {
        match self.ask(request)? {
            Response::KeyUnwrapped(unwrapped) => Ok(unwrapped),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Has the manifest of a dataset recorded, before the dataset is put in its place. `carried_from` is the hash of the manifest
    /// that it was carried over from to new keys.
    pub fn record_manifest(
        &mut self,
        manifest: RecordedManifest,
        carried_from: Option<String>,
    ) -> Result<(), VaultError> {
        self.record(&Request::RecordManifest { manifest, carried_from })
    }

    /// Has the manifests of datasets recorded that an earlier release made; each dataset's newest comes last.
    pub fn take_over(
        &mut self,
        purpose: &Purpose,
        manifests: Vec<RecordedManifest>,
    ) -> Result<(), VaultError> {
        self.record(&Request::TakeOver { purpose: purpose.clone(), manifests })
    }

    pub(super) fn record(&mut self, request: &Request) -> Result<(), VaultError> {
        match self.ask(request)? {
            Response::ManifestRecorded => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The newest manifests of a purpose's datasets, and what the caller is to take over from an earlier release.
    pub fn manifests(&mut self, purpose: &Purpose) -> Result<NewestManifests, VaultError> {
        let mut all = NewestManifests { newest: Vec::new(), due: Vec::new() };
        for page in 0.. {
            match self.ask(&Request::Manifests { purpose: purpose.clone(), page })? {
                Response::Manifests(NewestManifests { newest, due }) => {
                    all.due.extend(due);
                    if newest.is_empty() {
                        break;
                    }
                    all.newest.extend(newest);
                }
                _ => return Err(VaultError::Protocol),
            }
        }
        Ok(all)
    }
}
