//! Corrections of children's numbers and values.

use minster_model::{Kind, Purpose, SourceName};

use super::{Client, VaultError};
use crate::{
    CorrectedNumbers, CorrectedValue, Correction, Corrections, IdentifierBatch, MetCounts, Request,
    Response, Token,
};

impl Client {
    /// Whether a proposal to rectify is about exactly this correction.
    pub fn compare_correction(
        &mut self,
        proposal: &str,
        correction: Correction,
    ) -> Result<bool, VaultError> {
        let proposal = proposal.to_owned();
        match self.ask(&Request::CompareCorrection { proposal, correction })? {
            Response::SubjectCompared(same) => Ok(same),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Says which corrections a source's deliveries are read with now, and nothing of them; empty where there is none.
    pub fn corrections_digest(
        &mut self,
        purpose: &Purpose,
        source: &SourceName,
    ) -> Result<String, VaultError> {
        let (purpose, source) = (purpose.clone(), source.clone());
        match self.ask(&Request::CorrectionsDigest { purpose, source })? {
            Response::CorrectionsDigest(digest) => Ok(digest),
            _ => Err(VaultError::Protocol),
        }
    }

    /// The corrections of children whose numbers the open run asked for.
    pub fn corrections(
        &mut self,
        kind: &Kind,
        identifiers: IdentifierBatch,
    ) -> Result<Corrections, VaultError> {
        let asked = identifiers.len();
        match self.ask(&Request::Corrections { kind: kind.clone(), identifiers })? {
            Response::Corrections(told)
                if told.beside.iter().all(|place| (*place as usize) < asked)
                    && told.values.iter().all(|value| (value.place as usize) < asked) =>
            {
                Ok(told)
            }
            _ => Err(VaultError::Protocol),
        }
    }

    /// The run's tokens of the children whom numbers mean beside these birth dates; nothing for those that mean their own. A token
    /// that is nothing stands for a child whose records were disposed of. With them come the values to correct in these rows.
    #[allow(clippy::type_complexity, reason = "the two outcomes of one number")]
    pub fn correct_numbers(
        &mut self,
        kind: &Kind,
        identifiers: IdentifierBatch,
        born: IdentifierBatch,
    ) -> Result<(Vec<Option<Option<Token>>>, Vec<CorrectedValue>), VaultError> {
        let asked = identifiers.len();
        let kind = kind.clone();
        match self.ask(&Request::CorrectNumbers { kind, identifiers, born })? {
            Response::NumbersCorrected(CorrectedNumbers { found, tokens, blocked, values })
                if found.len() == asked
                    && blocked.windows(2).all(|two| two[0] < two[1])
                    && values.iter().all(|value| (value.place as usize) < asked) =>
            {
                let corrected = found.iter().filter(|found| **found).count();
                let (tokens, rest) = tokens.as_chunks::<{ Token::LEN }>();
                if !rest.is_empty() || tokens.len() != corrected {
                    return Err(VaultError::Protocol);
                }
                let mut tokens = (0..).zip(tokens);
                let mut next = || {
                    let (place, token) = tokens.next()?;
                    let is_blocked = blocked.binary_search(&place).is_ok();
                    Some((!is_blocked).then(|| Token::from_bytes(*token)))
                };
                let meant = found.into_iter().map(|found| found.then(&mut next).flatten());
                Ok((meant.collect(), values))
            }
            _ => Err(VaultError::Protocol),
        }
    }

    /// Tells what the rows of the open run's delivery said of corrections, by their numbers in the run; gives what is told of the
    /// whole delivery.
    pub fn tell_corrected(&mut self, met: Vec<(u32, MetCounts)>) -> Result<MetCounts, VaultError> {
        match self.ask(&Request::TellCorrected(met))? {
            Response::CorrectedTold(counts) => Ok(counts),
            _ => Err(VaultError::Protocol),
        }
    }
}
