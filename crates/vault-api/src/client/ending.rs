//! The end of a purpose.

use minster_model::Purpose;

use super::{Client, VaultError};
use crate::{EndOrder, Request, Response, StoreRemoval};

impl Client {
    /// How far the end of a purpose came, for whoever removes what the store has of it.
    pub fn end_order(&mut self, purpose: &Purpose) -> Result<EndOrder, VaultError> {
        match self.ask(&Request::ReadEnd { purpose: purpose.clone() })? {
            Response::EndOrder(order) => Ok(order),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Says what was removed from the store. Told again, the same is taken once.
    pub fn tell_removal(
        &mut self,
        purpose: &Purpose,
        removal: StoreRemoval,
    ) -> Result<(), VaultError> {
        let purpose = purpose.clone();
        match self.ask(&Request::TellRemoval { purpose, removal })? {
            Response::RemovalTold => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Has the vault destroy what it has of a purpose whose end has begun; gives its signed certificate.
    pub fn finish_end(&mut self, purpose: &Purpose) -> Result<String, VaultError> {
        self.note(&Request::FinishEnd { purpose: purpose.clone() })
    }

    /// The signed certificate of a purpose that was ended, once more.
    pub fn end_certificate(&mut self, purpose: &Purpose) -> Result<String, VaultError> {
        self.note(&Request::EndCertificate { purpose: purpose.clone() })
    }
}
