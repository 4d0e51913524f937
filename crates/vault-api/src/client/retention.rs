//! Retention: facts told, the plan, disposal lists and their receipts.

use minster_model::Purpose;

use super::{Client, VaultError};
use crate::{DisposalReceipt, PersonFacts, RecordedManifest, Request, Response, RetentionPlan};

impl Client {
    /// Tells what the open run's rows say of persons. A batch must fit one frame.
    pub fn tell_facts(&mut self, facts: PersonFacts) -> Result<(), VaultError> {
        match self.ask(&Request::TellFacts(facts))? {
            Response::FactsTold => Ok(()),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The plan of a schedule until a day (ISO).
    pub fn plan_retention(
        &mut self,
        purpose: &Purpose,
        schedule: &str,
        until: &str,
    ) -> Result<RetentionPlan, VaultError> {
        let (schedule, until) = (schedule.to_owned(), until.to_owned());
        match self.ask(&Request::PlanRetention { purpose: purpose.clone(), schedule, until })? {
            Response::RetentionPlan(plan) => Ok(plan),
            _ => Err(VaultError::Protocol),
        }
    }

    /// A disposal list that the vault signed, whole.
    pub fn disposal_list(&mut self, list: &str) -> Result<Vec<u8>, VaultError> {
        let mut whole = Vec::new();
        loop {
            let (list, from) = (list.to_owned(), whole.len() as u64);
            match self.ask(&Request::ReadDisposal { list, from })? {
                Response::DisposalPiece(piece) if piece.is_empty() => return Ok(whole),
                Response::DisposalPiece(piece) => whole.extend(piece),
                _ => return Err(VaultError::Protocol),
            }
        }
    }

    /// Has the manifest recorded of a dataset from which a list's rows were taken.
    pub fn record_disposed(
        &mut self,
        manifest: RecordedManifest,
        carried_from: &str,
        list: &str,
    ) -> Result<(), VaultError> {
        let (carried_from, list) = (carried_from.to_owned(), list.to_owned());
        self.record(&Request::RecordDisposed { manifest, carried_from, list })
    }

    /// The signed receipt of a list that was applied, once more.
    pub fn disposal_receipt(&mut self, list: &str) -> Result<String, VaultError> {
        self.note(&Request::ReadReceipt { list: list.to_owned() })
    }

    /// Says what was done with a list; gives the vault's signed receipt.
    pub fn report_disposal(
        &mut self,
        purpose: &Purpose,
        receipt: DisposalReceipt,
    ) -> Result<String, VaultError> {
        self.note(&Request::ReportDisposal { purpose: purpose.clone(), receipt })
    }
}
