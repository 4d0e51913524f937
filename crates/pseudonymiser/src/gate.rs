//! The gate before kept text: what looks like an identifier is set aside where it is treated; what equals a person's name
//! of the same delivery is known only when all of it was read, and then the delivery is read once more.
//!
//! Names and kept texts are remembered as hashes under keys drawn for the run, and forgotten with it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use ahash::RandomState;
use minster_model::TableName;
use minster_sources::TokenRule;

use crate::{
    IngestError,
    rows::Treated,
    treatment::{Cell, Plan, folded_name},
};

/// Different texts of a column that are remembered, where its pattern bounds them no further.
const MOST_TEXTS: usize = 1 << 20;
/// An initial is no name.
const SHORTEST_NAME: usize = 2;

/// The names of a delivery, as hashes.
pub(crate) struct Names {
    keys: RandomState,
    hashes: HashSet<u64>,
}

impl Names {
    /// Whether a text is one of them, without regard to case and punctuation.
    pub(crate) fn hold(&self, text: &str) -> bool {
        hash(&self.keys, &folded_name(text)).is_some_and(|hash| self.hashes.contains(&hash))
    }
}

fn hash(keys: &RandomState, folded: &str) -> Option<u64> {
    (folded.chars().count() >= SHORTEST_NAME).then(|| keys.hash_one(folded))
}

/// What was seen of a delivery so far.
pub(crate) struct Gate {
    keys: RandomState,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    names: HashSet<u64>,
    /// By table and column.
    kept: HashMap<(usize, usize), HashSet<u64>>,
}

impl Gate {
    pub(crate) fn new(keys: RandomState) -> Self {
        Self { keys, seen: Mutex::default() }
    }

    /// Takes note of a batch.
    ///
    /// # Errors
    /// Where a column holds more different texts than its rule allows.
    pub(crate) fn note(
        &self,
        (table, name): (usize, &TableName),
        plan: &Plan,
        batch: &Treated<'_>,
    ) -> Result<(), IngestError> {
        let (mut names, mut kept) = (Vec::new(), Vec::new());
        for (place, planned) in plan.columns.iter().enumerate() {
            let rule = planned.token_rule();
            if rule.is_none() && !planned.is_name() {
                continue;
            }
            for treated in batch.distinct(place).flatten() {
                names.extend(treated.name.as_deref().and_then(|folded| hash(&self.keys, folded)));
                if let (Some(_), Cell::Text(text)) = (rule, &treated.cell) {
                    // A text that could be no name counts against the column's bound all the same.
                    let folded = folded_name(text);
                    let print = hash(&self.keys, &folded)
                        .unwrap_or_else(|| self.keys.hash_one((text.as_ref(), true)));
                    kept.push((place, print));
                }
            }
        }
        if names.is_empty() && kept.is_empty() {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(|held| held.into_inner());
        seen.names.extend(names);
        for (column, print) in kept {
            let texts = seen.kept.entry((table, column)).or_default();
            texts.insert(print);
            let most = match plan.columns[column].token_rule() {
                Some(TokenRule::Distinct(most)) => *most,
                _ => MOST_TEXTS,
            };
            if texts.len() > most {
                return Err(IngestError::TooManyTexts {
                    table: name.clone(),
                    column: plan.columns[column].name.clone(),
                    most,
                });
            }
        }
        Ok(())
    }

    /// The names, where a kept text is one of them.
    pub(crate) fn collision(self) -> Option<Arc<Names>> {
        let Seen { names, kept } = self.seen.into_inner().unwrap_or_else(|held| held.into_inner());
        let collides = kept.values().flatten().any(|print| names.contains(print));
        collides.then(|| Arc::new(Names { keys: self.keys, hashes: names }))
    }
}
