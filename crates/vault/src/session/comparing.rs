//! Texts that an auditor's program found, compared with the registries.
//!
//! The answer is counts of lines for a text, and only where they are beyond chance; each message has an entry in the log. A
//! day's budget keeps an auditor from trying out whom the registries know.

use minster_model::{Purpose, Role};
use minster_vault_api::{ComparedText, Denial, Response};

use super::{Session, fault, out_of_order};
use crate::{
    log::Event,
    recognising::{Known, Reading},
    vault::in_use,
};

/// Texts of all auditors together may cost so much in a day (UTC): see [`Reading::end`]. A text in which nothing of a child stands
/// costs nothing; a single guess costs ten.
pub(crate) const BUDGET: u64 = 2_000;

/// The hashes that a conversation compares with, and the text that has not ended.
#[derive(Default)]
pub(super) struct Comparing {
    known: Known,
    /// How often the books of each purpose had been written anew when they were read.
    read: Vec<(Purpose, u64)>,
    reading: Reading,
}

impl Session<'_> {
    pub(super) fn compare(&mut self, texts: Vec<ComparedText>) -> Result<Response, Denial> {
        self.allow(&[Role::Auditor], "a comparison with the registries")?;
        let all_end = texts.iter().rev().skip(1).all(|text| text.ends);
        let read: Option<Vec<_>> =
            texts.iter().map(|text| Some((text.tokens()?, text.ends))).collect();
        let Some(read) = read.filter(|_| all_end) else {
            return Err(out_of_order("texts that do not fit"));
        };
        let mut comparing = self.comparing()?;
        let (mut found, mut cost) = (Vec::new(), 0);
        for (tokens, ends) in read {
            let Comparing { known, reading, .. } = &mut comparing;
            tokens.into_iter().for_each(|token| reading.take(known, token));
            if ends {
                let (recognised, of_text) = std::mem::take(reading).end(known);
                found.push(recognised);
                cost += of_text;
            }
        }
        let known = comparing.known.can();
        self.comparing = Some(comparing);
        if found.is_empty() {
            return Ok(Response::Compared { found, known });
        }
        let (texts, recognised) =
            (found.len() as u64, found.iter().filter(|one| !one.is_none()).count() as u64);
        self.decide(|state| {
            let today = state.compared_today() + cost;
            if today > BUDGET {
                return Err(Denial::OverComparisons { budget: BUDGET });
            }
            let event = Event::Compared { texts, recognised, cost, today };
            Ok((event, Response::Compared { found, known }))
        })
    }

    /// The registries, read for this conversation: once, and again where rows were taken out of them meanwhile.
    fn comparing(&mut self) -> Result<Comparing, Denial> {
        let purposes: Vec<Purpose> = self.vault.look(|state| {
            let standing = state.purposes.iter().filter(|(_, state)| !state.is_destroyed());
            standing.map(|(name, _)| name.clone()).collect()
        })?;
        let mut read = Vec::new();
        for purpose in &purposes {
            let books = self.vault.books(purpose)?;
            read.push((purpose.clone(), in_use(&books)?.edition));
        }
        let before = self.comparing.take().unwrap_or_default();
        if before.read == read {
            return Ok(before);
        }
        let mut known = Known::default();
        for purpose in &purposes {
            let books = self.vault.books(purpose)?;
            let books = in_use(&books)?;
            let each = |text: &str| known.add(text);
            books.registry.each_match_key(self.vault.keys(), each).map_err(fault)?;
        }
        Ok(Comparing { known, read, reading: before.reading })
    }
}
