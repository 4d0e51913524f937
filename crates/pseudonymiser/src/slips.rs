//! Mistyped numbers that stand beside a birth date: the vault says what they were, by what other deliveries told it. In turn, this
//! delivery's numbers and birth dates are told to the vault.

use std::collections::{BTreeSet, HashMap, HashSet};

use minster_identifiers::{canonicalise, nhs_numbers_before_a_slip, upns_before_a_slip};
use minster_model::{Kind, pipeline::IdentifierRule};
use minster_sources::Reason;
use minster_vault_api::{Client, Denial, IdentifierBatch, Token, VaultError};

use crate::replacement_gate::FEWEST;

/// Pairs in one message.
const BATCH: usize = 32 << 10;
/// A column of which more in a hundred are wrong was not mistyped: it slipped, or another system wrote it.
const MOST_PERCENT: usize = 20;

/// A number and the birth date beside it.
pub(crate) type NumberAndBirthDate<'a> = (&'a [u8], &'a str);

/// The right numbers, by faulty number and birth date; nothing for those that could not be repaired.
type Answers = HashMap<(Box<[u8]>, Box<str>), Option<Token>>;

/// The slips of a run. Has no `Debug`: it holds raw identifiers.
#[derive(Default)]
pub(crate) struct Slips {
    repaired: HashMap<Kind, Answers>,
    /// Hashes of pairs that were told.
    told: HashSet<u64>,
    keys: ahash::RandomState,
    /// How many more may be asked.
    left: u64,
    /// How many the run was granted.
    granted: u64,
    /// Those that were not asked, as the budget was used up.
    unasked: u64,
    /// Those that were not asked, as too much of their column is wrong.
    crowded: u64,
}

/// Whether numbers of a kind are repaired: their characters are checked.
pub(crate) fn are_repaired(kind: &Kind, rule: IdentifierRule) -> bool {
    match kind.as_str() {
        "upn" => rule == IdentifierRule::Strict,
        "nhs-number" => true,
        _ => false,
    }
}

/// A number that failed, in its canonical writing, where one slip leads to it from a right one.
pub(crate) fn slip_of(kind: &Kind, text: &str, reason: Reason) -> Option<Box<[u8]>> {
    if !matches!(reason, Reason::BadCheckLetter | Reason::BadCheckDigit | Reason::Malformed) {
        return None;
    }
    let canonical = canonicalise(text);
    let canonical = canonical.as_str();
    let may_be_one = match kind.as_str() {
        "upn" => !upns_before_a_slip(canonical).is_empty(),
        _ => !nhs_numbers_before_a_slip(canonical).is_empty(),
    };
    may_be_one.then(|| canonical.as_bytes().into())
}

/// Whether so many different numbers of a column may have been mistyped one by one.
pub(crate) fn are_slips(wrong: usize, of: usize) -> bool {
    (wrong as u64) < FEWEST || wrong * 100 <= of * MOST_PERCENT
}

impl Slips {
    /// Forgets all that belongs to another run; this one was granted so many repairs.
    pub(crate) fn begin_run(&mut self, granted: u64) {
        *self = Self { left: granted, granted, ..Self::default() };
    }

    /// The run's files are read once more: what was left is met again.
    pub(crate) fn begin_reading(&mut self) {
        self.crowded = 0;
    }

    /// Asks the vault for what was not asked yet, as far as the run's budget goes.
    pub(crate) fn ask(
        &mut self,
        kind: &Kind,
        slips: &BTreeSet<NumberAndBirthDate<'_>>,
        vault: &mut Client,
    ) -> Result<(), VaultError> {
        let known = self.repaired.entry(kind.clone()).or_default();
        let new: Vec<NumberAndBirthDate<'_>> = slips
            .iter()
            .copied()
            .filter(|(faulty, born)| !known.contains_key(&(Box::from(*faulty), Box::from(*born))))
            .collect();
        let (now, later) = new.split_at(new.len().min(self.left as usize));
        for (faulty, born) in later {
            known.insert((Box::from(*faulty), Box::from(*born)), None);
        }
        self.unasked += later.len() as u64;
        for part in now.chunks(BATCH) {
            let (numbers, days) = batches(part.iter().copied());
            let tokens = match vault.repair(kind, numbers, days) {
                // The day's budget is used up: what could be repaired tomorrow is no reason to do without the rest.
                Err(VaultError::Denied(Denial::OverRepairs { .. })) => {
                    self.left = 0;
                    self.unasked += part.len() as u64;
                    vec![None; part.len()]
                }
                tokens => tokens?,
            };
            self.left = self.left.saturating_sub(part.len() as u64);
            for ((faulty, born), token) in part.iter().zip(tokens) {
                known.insert((Box::from(*faulty), Box::from(*born)), token);
            }
        }
        Ok(())
    }

    /// So many are of a column of which too much is wrong: they are not asked.
    pub(crate) fn leave(&mut self, slips: usize) {
        self.crowded += slips as u64;
    }

    /// The right number, where it was asked and is known.
    pub(crate) fn token(
        &self,
        kind: &Kind,
        (faulty, born): NumberAndBirthDate<'_>,
    ) -> Option<Token> {
        let known = self.repaired.get(kind)?;
        known.get(&(Box::from(faulty), Box::from(born))).copied().flatten()
    }

    /// Tells the vault the pairs that were not told yet. The run has asked for their numbers.
    pub(crate) fn tell(
        &mut self,
        kind: &Kind,
        pairs: &BTreeSet<NumberAndBirthDate<'_>>,
        vault: &mut Client,
    ) -> Result<(), VaultError> {
        let keys = &self.keys;
        let told = &mut self.told;
        let new: Vec<&NumberAndBirthDate<'_>> =
            pairs.iter().filter(|pair| told.insert(keys.hash_one((kind.as_str(), pair)))).collect();
        for part in new.chunks(BATCH) {
            let (numbers, days) = batches(part.iter().map(|pair| **pair));
            vault.tell_births(kind, numbers, days)?;
        }
        Ok(())
    }

    /// Warnings about slips that could have been repaired.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Self { unasked, crowded, granted, .. } = self;
        let budget = match granted {
            0 => {
                "the purpose has no budget for it; custodians propose it anew with `repairs`".into()
            }
            _ => format!("the purpose's budget `repairs` is used up ({granted} a run)"),
        };
        let crowd = format!("more than {MOST_PERCENT} in a hundred of their column are wrong");
        let told = [(unasked, budget), (crowded, crowd)];
        let tell = |(count, why): (&u64, String)| {
            let what = "wrong numbers beside a birth date were not repaired";
            (*count > 0).then(|| format!("{count} {what}: {why}"))
        };
        told.into_iter().filter_map(tell).collect()
    }
}

/// Numbers, and the birth dates beside them, as the vault is sent them.
fn batches<'a>(
    pairs: impl Iterator<Item = NumberAndBirthDate<'a>>,
) -> (IdentifierBatch, IdentifierBatch) {
    let (mut numbers, mut days) = (IdentifierBatch::default(), IdentifierBatch::default());
    for (number, born) in pairs {
        numbers.push(number);
        days.push(born.as_bytes());
    }
    (numbers, days)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_no_slip_is_not_asked() {
        let (upn, nhs) = ("upn".parse().unwrap(), "nhs-number".parse().unwrap());
        let slip = |kind: &Kind, text| {
            let slip = slip_of(kind, text, Reason::Malformed)?;
            Some(String::from_utf8(slip.into()).unwrap())
        };
        assert_eq!(slip(&upn, " a330400024001").as_deref(), Some("A330400024001"));
        assert_eq!(slip(&upn, "33040002400"), None);
        assert_eq!(slip(&upn, "see the notes"), None);
        assert_eq!(slip(&nhs, "943 476 5918").as_deref(), Some("9434765918"));
        assert_eq!(slip_of(&upn, "A330400024001", Reason::SpreadsheetError), None);
        assert!(
            are_repaired(&upn, IdentifierRule::Strict)
                && are_repaired(&nhs, IdentifierRule::Opaque)
        );
        assert!(!are_repaired(&upn, IdentifierRule::Opaque));
        assert!(are_slips(9, 9) && are_slips(10, 50) && !are_slips(10, 49));
    }
}
