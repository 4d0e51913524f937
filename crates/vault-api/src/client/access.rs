//! Access to all that is held on one child.

use super::{Client, VaultError};
use crate::{AccessCounts, BegunAccess, BundlePart, EndedAccess, Request, Response};

impl Client {
    /// Begins to carry out an approved grant of access; `schedule` is the retention schedule's text.
    pub fn begin_access(&mut self, grant: &str, schedule: &str) -> Result<BegunAccess, VaultError> {
        let (proposal, schedule) = (grant.to_owned(), schedule.to_owned());
        match self.ask(&Request::BeginAccess { proposal, schedule })? {
            Response::AccessBegun(begun) => Ok(begun),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Goes on in the bundle; gives its next encrypted bytes.
    pub fn write_bundle(&mut self, parts: Vec<BundlePart>) -> Result<Vec<u8>, VaultError> {
        match self.ask(&Request::WriteBundle(parts))? {
            Response::Bundle(bytes) => Ok(bytes),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Ends the bundle, and with it the grant.
    pub fn end_access(&mut self, counts: AccessCounts) -> Result<EndedAccess, VaultError> {
        match self.ask(&Request::EndAccess(counts))? {
            Response::AccessEnded(ended) => Ok(ended),
            _ => Err(VaultError::Protocol),
        }
    }
}
