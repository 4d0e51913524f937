//! The latest refusals by disclosure control, for the analyst: one file, which the programs that share the store can read.

use std::path::PathBuf;

use crate::{Store, StoreError, within};

impl Store {
    /// The file, if there is one.
    pub fn refusals(&self) -> Result<Option<Vec<u8>>, StoreError> {
        within::read_if_there(self.root(), &self.refusals_path())
    }

    /// Puts another in its place, in one step. The caller holds the run lock.
    pub fn keep_refusals(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.replace(&self.refusals_path(), bytes)
    }

    fn refusals_path(&self) -> PathBuf {
        self.root().join("refusals.json")
    }
}
