//! Cases of a child's rights.

use minster_model::Purpose;

use super::{Client, VaultError};
use crate::{CaseStatus, NewCase, Request, Response, RestrictedList};

impl Client {
    /// Opens a case.
    pub fn open_case(&mut self, case: NewCase) -> Result<CaseStatus, VaultError> {
        match self.ask(&Request::OpenCase(case))? {
            Response::Cases(mut opened) => opened.pop().ok_or(VaultError::Protocol),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The open cases, the one that is due first at the head; with `all`, the closed ones behind them.
    pub fn cases(&mut self, all: bool) -> Result<Vec<CaseStatus>, VaultError> {
        let mut cases = Vec::new();
        for page in 0.. {
            match self.ask(&Request::Cases { all, page })? {
                Response::Cases(more) if more.is_empty() => break,
                Response::Cases(more) => cases.extend(more),
                _ => return Err(VaultError::Protocol),
            }
        }
        Ok(cases)
    }

    /// Closes a case whose answer was sent on a day (ISO); gives the vault's signed receipt.
    pub fn close_case(&mut self, case: &str, answered: &str) -> Result<String, VaultError> {
        let (case, answered) = (case.to_owned(), answered.to_owned());
        self.note(&Request::CloseCase { case, answered })
    }

    /// The signed receipt of a case that was closed, once more.
    pub fn case_receipt(&mut self, case: &str) -> Result<String, VaultError> {
        self.note(&Request::CaseReceipt { case: case.to_owned() })
    }

    /// The children whose processing is restricted, as pseudonyms of a purpose.
    pub fn restricted(&mut self, purpose: &Purpose) -> Result<RestrictedList, VaultError> {
        match self.ask(&Request::Restricted { purpose: purpose.clone() })? {
            Response::Restricted(list) => Ok(list),
            _ => Err(VaultError::Protocol),
        }
    }
}
