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
        self.bundle(&Request::WriteBundle(parts))
    }

    /// Ends the bundle, and with it the grant.
    pub fn end_access(&mut self, counts: AccessCounts) -> Result<EndedAccess, VaultError> {
        self.end_bundle(&Request::EndAccess(counts))
    }

    /// The next bytes of an encrypted file.
    pub(super) fn bundle(&mut self, request: &Request) -> Result<Vec<u8>, VaultError> {
        match self.ask(request)? {
            Response::Bundle(bytes) => Ok(bytes),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Its last ones.
    pub(super) fn end_bundle(&mut self, request: &Request) -> Result<EndedAccess, VaultError> {
        match self.ask(request)? {
            Response::AccessEnded(ended) => Ok(ended),
            _ => Err(VaultError::Protocol),
        }
    }
}
