use minster_model::{DatasetRef, Purpose};
use minster_vault_api::{
    Client, DataKey, KnownRelease, Publication, SealedRunKey, Unwrapped, VaultError, WrappedKey,
};

/// Whoever makes and unwraps dataset keys: the vault's client, or a stand-in in a test.
pub trait DatasetKeys {
    /// A new key, plain and wrapped.
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError>;
    /// The key that a wrapping holds, and the key of the run whose tokens the dataset holds.
    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
    ) -> Result<Unwrapped, VaultError>;
}

/// Whoever also keeps a log of what is let out and withdrawn.
pub trait ReleaseLog: DatasetKeys {
    /// Has a release logged before it can be seen, or its withdrawal; gives how many further persons must let it out.
    fn publish(&mut self, publication: &Publication) -> Result<u32, VaultError>;
    /// All releases of a purpose that the log knows, withdrawn or not.
    fn releases(&mut self, purpose: &Purpose) -> Result<Vec<KnownRelease>, VaultError>;
}

impl ReleaseLog for Client {
    fn publish(&mut self, publication: &Publication) -> Result<u32, VaultError> {
        Client::publish(self, publication)
    }

    fn releases(&mut self, purpose: &Purpose) -> Result<Vec<KnownRelease>, VaultError> {
        Client::releases(self, purpose)
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
    ) -> Result<Unwrapped, VaultError> {
        self.unwrap_key(dataset, wrapped, run)
    }
}
