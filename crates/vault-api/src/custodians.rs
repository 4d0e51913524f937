//! The things that custodians and auditors look at: proposals that are open, and the log.

use minster_model::Purpose;
use serde::{Deserialize, Serialize};

use crate::{Client, IdentifierBatch, Request, Response, VaultError, bounds};

/// A proposal that is open: neither carried out nor over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenProposal {
    /// Its short name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub proposal: String,
    /// The action, in a word.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub action: String,
    /// The purpose that it is about, if it is about one.
    pub purpose: Option<Purpose>,
    /// How many pseudonyms, numbers, custodians or given up datasets it is about.
    pub count: u64,
    /// The case it belongs to.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reference: String,
    /// The uid that asked, and that alone may carry it out. Entries of earlier releases may not name it.
    pub requester: Option<u32>,
    /// When it was made (RFC 3339, UTC).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub made: String,
    /// Its last day (ISO, UTC).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub expires: String,
    /// Days until its last day; 0 on that day.
    pub days_left: u32,
    /// The custodians who signed it.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::SOME }, { bounds::WORD }>")]
    pub signed: Vec<String>,
    /// How many further custodians must sign it.
    pub missing: u32,
    /// The custodians who may still sign it.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::SOME }, { bounds::WORD }>")]
    pub may_sign: Vec<String>,
}

/// Whole lines of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Lines, each with its line feed, exactly as they stand; none at the log's end.
    #[serde(with = "serde_bytes")]
    pub lines: Vec<u8>,
    /// The byte behind them.
    pub next: u64,
}

impl Client {
    /// The proposals that are open.
    pub fn proposals(&mut self) -> Result<Vec<OpenProposal>, VaultError> {
        match self.ask(&Request::Proposals)? {
            Response::Proposals(open) => Ok(open),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Whole lines of the log from a byte on: 0, or what the page before named as the next. No lines stand at the log's end.
    pub fn read_log(&mut self, from: u64) -> Result<LogPage, VaultError> {
        match self.ask(&Request::ReadLog { from })? {
            Response::LogPage(page) => Ok(page),
            _ => Err(VaultError::Protocol),
        }
    }

    /// Whether a proposal about one child is about this number. The vault logs the answer, and takes an approval of such a
    /// proposal in this conversation alone, after the answer yes.
    pub fn compare_subject(
        &mut self,
        proposal: &str,
        identifiers: IdentifierBatch,
    ) -> Result<bool, VaultError> {
        let proposal = proposal.to_owned();
        match self.ask(&Request::CompareSubject { proposal, identifiers })? {
            Response::SubjectCompared(same) => Ok(same),
            _ => Err(VaultError::Protocol),
        }
    }
}
