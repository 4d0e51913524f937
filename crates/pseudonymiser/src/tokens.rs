//! A delivery's dictionary of identifiers and the tokens that stand for their pseudonyms: each distinct identifier
//! is sent to the vault once. The next delivery's tokens are others.

use std::collections::{BTreeSet, HashMap, HashSet};

use minster_model::Kind;
use minster_vault_api::{Client, IdentifierBatch, Token, VaultError};

use crate::{
    IngestError,
    corrections::{GONE, RunCorrections},
    facts::Facts,
    hanging::Hanging,
    slips::{NumberAndBirthDate, Slips},
    treatment::Cell,
};

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
    /// The facts of persons that were told for the retention schedule.
    pub(crate) facts: Facts,
    /// The corrections of the delivery's children.
    pub(crate) corrections: RunCorrections,
    /// Identifiers of persons whose records were disposed of.
    blocked: Identifiers,
    /// Rows that hang on rows about such persons.
    pub(crate) hanging: Hanging,
}

/// Identifiers, by kind.
type Identifiers = HashMap<Kind, HashSet<Box<[u8]>>>;

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

    #[cfg(test)]
    pub(crate) fn know(&mut self, kind: &Kind, identifier: &[u8], token: Token) {
        self.kinds.entry(kind.clone()).or_default().insert(Box::from(identifier), token);
    }

    /// The token of a text that was learnt.
    pub(crate) fn token(&self, kind: &Kind, text: &[u8]) -> Result<Token, IngestError> {
        let token = self.kinds.get(kind).and_then(|tokens| tokens.get(text));
        token.copied().ok_or(IngestError::Unlearnt)
    }

    /// Forgets all tokens: the vault opened a run, and the next ones are of that run. It was granted so many repairs, and its source has
    /// corrections or none.
    pub(crate) fn begin_run(&mut self, repairs: u64, corrects: bool) {
        self.corrections = RunCorrections::begin_run(corrects);
        self.kinds.clear();
        self.blocked.clear();
        self.hanging = Hanging::default();
        self.slips.begin_run(repairs);
        self.facts.begin_run();
    }

    /// Whether any identifier is of a person whose records were disposed of.
    pub(crate) fn blocks_some(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// Whether an identifier is of such a person.
    pub(crate) fn is_blocked(&self, kind: &Kind, identifier: &[u8]) -> bool {
        self.blocked.get(kind).is_some_and(|of| of.contains(identifier))
    }

    /// The delivery was read once; says whether it must be read again, to know which rows hang on rows about such persons.
    pub(crate) fn end_reading(&mut self) -> bool {
        let blocks = self.blocks_some();
        if self.corrections.has_news() {
            // Rows are others with the corrections.
            self.hanging = Hanging::default();
        }
        self.hanging.end_reading(blocks)
    }

    /// Asks whom numbers mean beside birth dates, by the corrections of custodians.
    pub(crate) fn ask_meant(
        &mut self,
        kind: &Kind,
        pairs: &BTreeSet<NumberAndBirthDate<'_>>,
        vault: &mut Client,
    ) -> Result<(), VaultError> {
        if self.corrections.ask(kind, pairs, vault)? {
            self.blocked.entry(kind.clone()).or_default().insert(GONE.into());
        }
        Ok(())
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
            let is_blocked = self.blocked.get(kind).is_some_and(|of| of.contains(identifier));
            if !is_blocked && !known.contains_key(identifier) && listed.insert(identifier) {
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
            let tokens = vault.pseudonymise_some(kind, batch)?;
            let mut answered = Vec::new();
            for (identifier, token) in now.iter().zip(tokens) {
                match token {
                    Some(token) => {
                        known.insert(Box::from(*identifier), token);
                        answered.push(*identifier);
                    }
                    None => {
                        let of_kind = self.blocked.entry(kind.clone()).or_default();
                        of_kind.insert(Box::from(*identifier));
                    }
                }
            }
            self.corrections.learn(kind, &answered, vault)?;
            self.asked += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}
