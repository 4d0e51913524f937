use minster_model::DatasetRef;
use minster_vault_api::{Client, DataKey, VaultError, WrappedKey};

/// Whoever makes and unwraps dataset keys: the vault's client, or a stand-in in a test.
pub trait DatasetKeys {
    /// A new key, plain and wrapped.
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError>;
    /// The key that a wrapping holds.
    fn unwrap(&mut self, dataset: &DatasetRef, wrapped: &WrappedKey)
    -> Result<DataKey, VaultError>;
}

impl DatasetKeys for Client {
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        self.create_key(dataset)
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
    ) -> Result<DataKey, VaultError> {
        self.unwrap_key(dataset, wrapped)
    }
}
