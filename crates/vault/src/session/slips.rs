//! Birth dates that a run tells beside its identifiers, and the mistyped numbers that it has repaired by those that others
//! told.

use std::collections::HashSet;

use minster_model::{Kind, Role};
use minster_vault_api::{Denial, IdentifierBatch, Response};

use super::{
    Session, fault, out_of_order,
    runs::{LONGEST, OpenRun},
};
use crate::{keys::Link, log::Event, open_purpose::OpenPurpose, slips, slips::Slip, vault::in_use};

/// Pairs that a run may tell for each identifier that it asked for.
const MOST_BIRTHS: usize = 4;

/// The birth dates that a run tells, and the numbers that it has repaired.
#[derive(Default)]
pub(super) struct ToldBirthDates {
    /// Keyed hashes of identifiers and birth dates.
    pairs: HashSet<Link>,
    /// Keyed hashes of what was to be repaired.
    faulty: HashSet<Link>,
}

impl Session<'_> {
    pub(super) fn tell_births(
        &mut self,
        kind: &Kind,
        identifiers: &IdentifierBatch,
        born: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "what stands beside identifiers")?;
        check(identifiers, born)?;
        let vault = self.vault;
        let Some(run) = self.run.as_mut() else { return Err(out_of_order("open a run first")) };
        let books = vault.books(&run.purpose)?;
        let books = in_use(&books)?;
        run.is_in(&books)?;
        let (link_key, beside) =
            (vault.keys().link_key(kind), vault.keys().beside_key(&run.purpose));
        for (identifier, born) in identifiers.iter().zip(born.iter()) {
            let link = run.corrections.meant(link_key.link(identifier));
            if !run.has_asked(&books, &link) {
                return Err(out_of_order(
                    "a birth date beside a number that the run did not ask for",
                ));
            }
            run.told.pairs.insert(beside.beside(&link, born));
        }
        if run.told.pairs.len() as u64 > run.distinct * MOST_BIRTHS as u64 {
            return Err(out_of_order("more birth dates than children can have"));
        }
        Ok(Response::BirthsTold)
    }

    pub(super) fn repair(
        &mut self,
        kind: &Kind,
        faulty: &IdentifierBatch,
        born: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "a repair")?;
        check(faulty, born)?;
        let (vault, asker) = (self.vault, self.asker.clone());
        let purpose = self.run.as_ref().map(|run| run.purpose.clone());
        let purpose = purpose.ok_or_else(|| out_of_order("open a run first"))?;
        let books = vault.books(&purpose)?;
        let mut books = in_use(&books)?;
        books.turn_day();
        let state = self.running(&purpose)?;
        if !state.definition.allows_kind(kind) {
            return Err(Denial::KindNotAllowed { purpose, kind: kind.clone() });
        }
        let Some(run) = self.run.as_mut() else { return Err(out_of_order("open a run first")) };
        run.is_of(&state)?;
        run.is_in(&books)?;
        let (link_key, beside) = (vault.keys().link_key(kind), vault.keys().beside_key(&purpose));
        let asked: Vec<(&[u8], &[u8], Link)> = faulty
            .iter()
            .zip(born.iter())
            .map(|(faulty, born)| (faulty, born, beside.beside(&link_key.link(faulty), born)))
            .collect();
        let day = state.definition.repairs.map_or(0, |budget| budget.day);
        within(run, &books, day, &asked)?;

        let (mut found, mut tokens) = (Vec::with_capacity(asked.len()), Vec::new());
        for (faulty, born, pair) in asked {
            let candidates = slips::candidates(kind, faulty)
                .ok_or_else(|| out_of_order("numbers of this kind are not repaired"))?;
            let keys = (&link_key, &beside);
            let told = (&books.registry, &books.births, run.before);
            let Slip { found: record, known, blocks } =
                Slip::look(kind, &candidates, born, keys, told);
            run.told.faulty.insert(pair);
            if books.faulty.insert(pair) {
                books.repairs += 1;
                let born = beside.beside(&[0; 32], born);
                let born = born.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
                if let Some(rule) = books.slips.see(blocks, &known, born) {
                    return Err(self.alarm(rule, books.count)?);
                }
            }
            found.push(record.is_some());
            if let Some(record) = record {
                tokens.extend_from_slice(books.registry.pseudonym(record).as_bytes());
            }
        }
        let event = Event::RepairedNumbers {
            run: run.run.clone(),
            purpose,
            source: run.source.clone(),
            kind: kind.clone(),
            count: found.len() as u64,
            found: found.iter().filter(|found| **found).count() as u64,
            distinct: run.told.faulty.len() as u64,
            today: books.repairs,
        };
        vault.decide(asker.as_ref(), |now| state.grant(now, event))?;
        run.tokens.to_tokens(&mut tokens);
        Ok(Response::Repaired { found, tokens })
    }

    /// Takes in the birth dates of a run as it is closed. Those of a run that is not closed are forgotten.
    pub(super) fn take_births(&self, run: &mut OpenRun) -> Result<(), Denial> {
        let ToldBirthDates { pairs, faulty } = std::mem::take(&mut run.told);
        if pairs.is_empty() && faulty.is_empty() {
            return Ok(());
        }
        let (vault, told) = (self.vault, pairs.len() as u64);
        let books = vault.books(&run.purpose)?;
        let mut books = in_use(&books)?;
        run.is_in(&books)?;
        let delivery = (&run.source, &run.period);
        let pairs = pairs.into_iter().collect();
        let added = books.births.add(vault.keys(), run.version, delivery, pairs);
        let (new, births) = added.map_err(fault)?;
        let event = Event::ToldBirths {
            run: run.run.clone(),
            purpose: run.purpose.clone(),
            source: run.source.clone(),
            period: run.period.clone(),
            told,
            new,
            births,
        };
        self.decide(|_| Ok((event, ())))
    }
}

/// Whether numbers and birth dates belong together.
pub(super) fn check(identifiers: &IdentifierBatch, born: &IdentifierBatch) -> Result<(), Denial> {
    let is_day = |born: &[u8]| {
        born.len() == 10
            && std::str::from_utf8(born).is_ok_and(|day| day.parse::<jiff::civil::Date>().is_ok())
    };
    let fits = identifiers.is_well_formed()
        && born.is_well_formed()
        && identifiers.len() == born.len()
        && identifiers.iter().all(|identifier| identifier.len() <= LONGEST)
        && born.iter().all(is_day);
    if fits { Ok(()) } else { Err(out_of_order("numbers and birth dates that do not fit")) }
}

/// Whether the run and the day may have all this repaired.
fn within(
    run: &OpenRun,
    books: &OpenPurpose,
    day: u64,
    asked: &[(&[u8], &[u8], Link)],
) -> Result<(), Denial> {
    let fresh = |known: &HashSet<Link>| {
        let fresh: HashSet<&Link> =
            asked.iter().map(|(_, _, pair)| pair).filter(|pair| !known.contains(*pair)).collect();
        fresh.len() as u64
    };
    let over = |budget, whose: &str| {
        Err(Denial::OverRepairs { purpose: run.purpose.clone(), budget, whose: whose.to_owned() })
    };
    if run.told.faulty.len() as u64 + fresh(&run.told.faulty) > run.repairs {
        return over(run.repairs, "this run");
    }
    if books.repairs + fresh(&books.faulty) > day {
        return over(day, "a day");
    }
    Ok(())
}
