//! Comparison of texts with the registries.

use super::{Client, VaultError};
use crate::{ComparedText, Recognisable, Recognised, Request, Response};

impl Client {
    /// The lines of each of these texts that tell of children whom a registry knows, in the order of the texts that end, and what the
    /// registries can recognise at all.
    pub fn compare(
        &mut self,
        texts: Vec<ComparedText>,
    ) -> Result<(Vec<Recognised>, Recognisable), VaultError> {
        let ended = texts.iter().filter(|text| text.ends).count();
        match self.ask(&Request::Compare(texts))? {
            Response::Compared { found, known } if found.len() == ended => Ok((found, known)),
            _ => Err(VaultError::Protocol),
        }
    }
}
