use minster_model::DatasetRef;
use minster_vault_api::{Client, DataKey, SealedRunKey, Unwrapped, VaultError, WrappedKey};

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
