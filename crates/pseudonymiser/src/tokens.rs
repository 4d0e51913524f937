//! A delivery's dictionary of identifiers and the tokens that stand for their pseudonyms: each distinct identifier
//! is sent to the vault once. The next delivery's tokens are others.

use std::collections::HashMap;

use minster_model::Kind;
use minster_vault_api::{Client, IdentifierBatch, Token, VaultError};

use crate::{IngestError, slips::Slips, treatment::Cell};

/// A batch's bytes and count stay well below the frame's limit.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_COUNT: usize = 128 << 10;

/// Identifiers and their tokens, by kind. Has no `Debug`: it holds raw identifiers.
#[derive(Default)]
pub(crate) struct TokenTable {
    kinds: HashMap<Kind, Tokens>,
    asked: u64,
    /// The repaired numbers, and the birth dates that were told.
    pub(crate) slips: Slips,
}

type Tokens = HashMap<Box<[u8]>, Token, ahash::RandomState>;

impl TokenTable {
    /// Puts an identifier's token in its place.
    pub(crate) fn resolve(&self, kind: &Kind, cell: &mut Cell<'_>) -> Result<(), IngestError> {
        if let Some(identifier) = cell.identifier() {
            let token = self.kinds.get(kind).and_then(|tokens| tokens.get(identifier));
            *cell = Cell::Token(*token.ok_or(IngestError::Unlearnt)?);
        }
        Ok(())
    }

    /// The token of a text that was learnt.
    pub(crate) fn token(&self, kind: &Kind, text: &[u8]) -> Result<Token, IngestError> {
        let token = self.kinds.get(kind).and_then(|tokens| tokens.get(text));
        token.copied().ok_or(IngestError::Unlearnt)
    }

    /// Forgets all tokens: the vault opened a run, and the next ones are of that run. It was granted so many repairs.
    pub(crate) fn begin_run(&mut self, repairs: u64) {
        self.kinds.clear();
        self.slips.begin_run(repairs);
    }

    /// How many identifiers were sent, each once a delivery.
    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    /// Asks the vault for every identifier that is not known yet. Without a vault, where a definition is only tried, what
    /// stands for each says nothing.
    pub(crate) fn learn<'a>(
        &mut self,
        kind: &Kind,
        identifiers: impl Iterator<Item = &'a [u8]>,
        vault: Option<&mut Client>,
    ) -> Result<(), VaultError> {
        let Some(vault) = vault else {
            let known = self.kinds.entry(kind.clone()).or_default();
            let nothing = Token::from_bytes([0; Token::LEN]);
            known.extend(identifiers.map(|identifier| (Box::from(identifier), nothing)));
            return Ok(());
        };
        let known = self.kinds.entry(kind.clone()).or_default();
        // Entered at once, so that an identifier in two batches is sent once.
        let mut new: Vec<&[u8]> = Vec::new();
        let mut listed = std::collections::HashSet::new();
        for identifier in identifiers {
            if !known.contains_key(identifier) && listed.insert(identifier) {
                new.push(identifier);
            }
        }
        let mut rest = new.as_slice();
        while !rest.is_empty() {
            let mut batch = IdentifierBatch::default();
            for identifier in rest.iter().take(BATCH_COUNT) {
                if batch.byte_len() >= BATCH_BYTES {
                    break;
                }
                batch.push(identifier);
            }
            let count = batch.len();
            let (now, later) = rest.split_at(count);
            let tokens = vault.pseudonymise(kind, batch)?;
            known.extend(now.iter().map(|id| Box::from(*id)).zip(tokens));
            self.asked += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}
