//! The run's dictionary of identifiers and their pseudonyms: each distinct identifier is sent to the
//! vault once.

use std::collections::HashMap;

use minster_model::{Kind, Pseudonym};
use minster_vault_api::{Client, IdentifierBatch, VaultError};

/// A batch's bytes and count stay well below the frame's limit.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_COUNT: usize = 128 << 10;

/// Identifiers and their pseudonyms, by kind. Has no `Debug`: it holds raw identifiers.
#[derive(Default)]
pub(crate) struct Dictionary {
    kinds: HashMap<Kind, HashMap<Box<[u8]>, Pseudonym>>,
    key_check: String,
    asked: u64,
}

/// One kind's part of the dictionary, to look up in from many threads.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a>(Option<&'a HashMap<Box<[u8]>, Pseudonym>>);

impl Known<'_> {
    pub(crate) fn get(self, identifier: &[u8]) -> Option<Pseudonym> {
        self.0?.get(identifier).copied()
    }
}

impl Dictionary {
    pub(crate) fn known(&self, kind: &Kind) -> Known<'_> {
        Known(self.kinds.get(kind))
    }

    /// Forgets all pseudonyms where those of the next run are of another key.
    pub(crate) fn turn_to(&mut self, key_check: &str) {
        if self.key_check != key_check {
            self.kinds.clear();
            key_check.clone_into(&mut self.key_check);
        }
    }

    /// How many distinct identifiers were sent.
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
            let pseudonyms = vault.pseudonymise(kind, batch)?;
            known.extend(now.iter().map(|id| Box::from(*id)).zip(pseudonyms));
            self.asked += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}
