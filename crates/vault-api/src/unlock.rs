//! A vault that starts locked, and the shares by which custodians open it.

use std::fmt;

use minster_model::{Role, pipeline::VaultAddress};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Client, Denial, Request, Response, StatusReport, VaultError, bounds};

/// The share that one custodian gives so that the vault opens. It is cleared when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Share(#[serde(deserialize_with = "bounds::text::<_, { bounds::LINE }>")] String);

impl Share {
    /// An age identity, a passphrase or a PIN.
    pub fn new(secret: &str) -> Self {
        Self(secret.to_owned())
    }

    /// The secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share(…)")
    }
}

/// The kind of share that a custody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareKind {
    /// An age identity of one of the recipients.
    Identity,
    /// The passphrase.
    Passphrase,
    /// The PIN of the PKCS#11 token.
    Pin,
}

/// The state of a vault that is locked: all that it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedReport {
    /// How the root key is sealed.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub custody: String,
    /// The kind of share.
    pub share: ShareKind,
    /// How many shares open it.
    pub needed: u32,
    /// The uids whose shares it holds.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub given_by: Vec<u32>,
    /// Wrong shares since it started.
    pub wrong: u32,
    /// Whether it takes all shares from one uid.
    pub single_user: bool,
}

/// A vault that serves, open or locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultState {
    /// It answers.
    Open(Box<StatusReport>),
    /// It waits for custodians.
    Locked(LockedReport),
}

/// How far custodians have come with opening a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlocking {
    /// Shares that it holds.
    pub given: u32,
    /// Shares that open it.
    pub needed: u32,
}

impl Client {
    /// The state of a vault that may be locked. A locked one cannot prove its key, so that its user alone is looked at.
    pub fn state_of(
        address: &VaultAddress,
        role: Role,
        program: &str,
    ) -> Result<VaultState, VaultError> {
        let ask = || match Self::connect_to(address, role, program) {
            Ok(mut open) => open.state(),
            Err(VaultError::Denied(Denial::Locked { .. })) => {
                Self::greet(address, role, program)?.state()
            }
            Err(other) => Err(other),
        };
        match ask() {
            // A vault that opens ends the conversations of its locked time.
            Err(VaultError::Connection(_)) => ask(),
            answer => answer,
        }
    }

    /// The state of the vault at the other end.
    pub fn state(&mut self) -> Result<VaultState, VaultError> {
        match self.ask(&Request::Status)? {
            Response::Status(status) => Ok(VaultState::Open(Box::new(status))),
            Response::Locked(locked) => Ok(VaultState::Locked(locked)),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Gives a share to a locked vault.
    pub fn unlock(&mut self, share: Share) -> Result<Unlocking, VaultError> {
        match self.ask(&Request::Unlock(share))? {
            Response::Unlocking(unlocking) => Ok(unlocking),
            _ => Err(VaultError::Protocol),
        }
    }
}
