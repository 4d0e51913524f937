//! A delivery's dictionary of identifiers and the tokens that stand for their pseudonyms: each distinct identifier
//! is sent to the vault once. The next delivery's tokens are others.

use std::collections::HashMap;

use minster_model::Kind;
use minster_vault_api::{Client, IdentifierBatch, Token, VaultError};

use crate::treatment::Cell;

/// A batch's bytes and count stay well below the frame's limit.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_COUNT: usize = 128 << 10;

/// Identifiers and their tokens, by kind. Has no `Debug`: it holds raw identifiers.
#[derive(Default)]
pub(crate) struct Dictionary {
    kinds: HashMap<Kind, Tokens>,
    asked: u64,
}

type Tokens = HashMap<Box<[u8]>, Token, ahash::RandomState>;

impl Dictionary {
    /// The identifier's token, if it was learnt.
    pub(crate) fn get(&self, kind: &Kind, identifier: &[u8]) -> Option<Token> {
        self.kinds.get(kind)?.get(identifier).copied()
    }

    /// The identifier's token, or the identifier itself, to be learnt.
    pub(crate) fn cell<'a>(&self, kind: &Kind, identifier: &[u8]) -> Cell<'a> {
        self.get(kind, identifier).map_or_else(|| Cell::New(identifier.into()), Cell::Known)
    }

    /// Forgets all tokens: the vault opened a run, and the next ones are of that run.
    pub(crate) fn begin_run(&mut self) {
        self.kinds.clear();
    }

    /// How many identifiers were sent, each once a delivery.
    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    /// Asks the vault for every identifier that is not known yet.
    pub(crate) fn learn<'a>(
        &mut self,
        kind: &Kind,
        identifiers: impl Iterator<Item = &'a [u8]>,
        vault: &mut Client,
    ) -> Result<(), VaultError> {
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
