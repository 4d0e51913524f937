use std::collections::BTreeMap;

use minster_model::{Audience, DatasetRef, Purpose};
use minster_vault_api::{
    Client, DataKey, Denial, Floors, KnownRelease, NewestManifests, Publication, RecordedManifest,
    SealedRunKey, Unwrapped, VaultError, WrappedKey,
};

/// A party that makes and unwraps dataset keys: the vault's client, or a stand-in in a test.
pub trait DatasetKeys {
    /// A new key, plain and wrapped.
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError>;
    /// The key that a wrapping holds, and the key of the run whose tokens the dataset holds; none where the manifest that they
    /// were read from, named by its hash, is not the newest of the dataset that was recorded.
    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError>;
    /// Has a manifest recorded before its dataset is put in its place. `carried_from` is the hash of the one that it was
    /// carried over from to new keys.
    fn record(
        &mut self,
        manifest: &RecordedManifest,
        carried_from: Option<&str>,
    ) -> Result<(), VaultError>;
    /// The newest manifests of a purpose's datasets, and what the caller is to take over from an earlier release.
    fn newest(&mut self, purpose: &Purpose) -> Result<NewestManifests, VaultError>;
    /// Has the manifests recorded of datasets that an earlier release made; each dataset's newest comes last.
    fn take_over(
        &mut self,
        purpose: &Purpose,
        manifests: Vec<RecordedManifest>,
    ) -> Result<(), VaultError>;
}

/// A party that also keeps a log of what is let out and withdrawn.
pub trait ReleaseLog: DatasetKeys {
    /// Has a release logged before it can be seen, or its withdrawal; gives how many further persons must let it out.
    fn publish(&mut self, publication: &Publication) -> Result<u32, VaultError>;
    /// All releases of a purpose that the log knows, withdrawn or not.
    fn releases(&mut self, purpose: &Purpose) -> Result<Vec<KnownRelease>, VaultError>;
    /// How strict the releases of a purpose are at least.
    fn floors(&mut self, purpose: &Purpose) -> Result<Floors, VaultError>;
    /// The audiences for which no release of a purpose may be, and why, ending with the sentence of the notice.
    fn refused(&mut self, purpose: &Purpose) -> Result<BTreeMap<Audience, String>, VaultError>;
}

impl ReleaseLog for Client {
    fn publish(&mut self, publication: &Publication) -> Result<u32, VaultError> {
        Client::publish(self, publication)
    }

    fn releases(&mut self, purpose: &Purpose) -> Result<Vec<KnownRelease>, VaultError> {
        Client::releases(self, purpose)
    }

    fn floors(&mut self, purpose: &Purpose) -> Result<Floors, VaultError> {
        let mut purposes = self.status()?.purposes.into_iter();
        let known = purposes.find(|of| of.purpose == *purpose);
        let known = known.ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })?;
        known.floors.ok_or(VaultError::Protocol)
    }

    fn refused(&mut self, purpose: &Purpose) -> Result<BTreeMap<Audience, String>, VaultError> {
        let named = self.purposes()?.into_iter().find(|of| of.name == *purpose);
        let named = named.ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })?;
        let why = |audience: Audience| {
            let (purpose, promise) = (purpose.clone(), named.promise());
            (audience, Denial::AudienceNotAllowed { purpose, audience, promise }.to_string())
        };
        let refused = Audience::ALL.into_iter().filter(|of| !named.allows_audience(*of));
        Ok(refused.map(why).collect())
    }
}

impl DatasetKeys for Client {
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        self.create_key(dataset)
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        self.unwrap_key(dataset, wrapped, run, manifest_sha256)
    }

    fn record(
        &mut self,
        manifest: &RecordedManifest,
        carried_from: Option<&str>,
    ) -> Result<(), VaultError> {
        self.record_manifest(manifest.clone(), carried_from.map(str::to_owned))
    }

    fn newest(&mut self, purpose: &Purpose) -> Result<NewestManifests, VaultError> {
        self.manifests(purpose)
    }

    fn take_over(
        &mut self,
        purpose: &Purpose,
        manifests: Vec<RecordedManifest>,
    ) -> Result<(), VaultError> {
        Client::take_over(self, purpose, manifests)
    }
}
