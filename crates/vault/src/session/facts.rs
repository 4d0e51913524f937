//! Facts that a run's rows say of persons, for the retention schedule: taken in with the run, sealed beside the registry.

use std::collections::HashMap;

use minster_model::Role;
use minster_retention::{CategoryName, Event as HappenedEvent, MOST_CATEGORIES};
use minster_vault_api::{Denial, PersonFacts, Response};
use zeroize::Zeroizing;

use super::{
    Session, fault, out_of_order,
    runs::{LONGEST, OpenRun},
};
use crate::{
    keys::{Keys, Link},
    log::Event,
    open_purpose::OpenPurpose,
    registry::ToldPerson,
    vault::in_use,
};

/// Identifiers of one row.
const MOST_IDENTIFIERS: usize = 64;
/// Dates of one row.
const MOST_DATES: usize = 64;
/// Different rows of facts that a run may tell for each identifier that it asked for.
const MOST_ROWS: u64 = 8;

/// The facts that a run tells.
#[derive(Default)]
pub(super) struct ToldFacts {
    /// Different rows.
    told: u64,
    /// Those that no delivery told before, by their keyed hashes.
    new: HashMap<Link, Zeroizing<Vec<u8>>>,
    /// Those that are known: a hash a row, so that each counts once.
    known: std::collections::HashSet<Link>,
}

impl Session<'_> {
    pub(super) fn tell_facts(&mut self, facts: Vec<PersonFacts>) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "facts of persons")?;
        let vault = self.vault;
        let Some(run) = self.run.as_mut() else { return Err(out_of_order("open a run first")) };
        let books = vault.books(&run.purpose)?;
        let books = in_use(&books)?;
        run.is_in(&books)?;
        let key = vault.keys().retention_key("facts", &run.purpose);
        for of in &facts {
            let row = told(of, run, &books, vault.keys())?.write().map_err(fault)?;
            let hash = key.hash(&row);
            let is_new = match books.facts.knows(&hash) {
                true => run.facts.known.insert(hash),
                false => run.facts.new.insert(hash, row).is_none(),
            };
            run.facts.told += u64::from(is_new);
        }
        if run.facts.told > run.distinct * MOST_ROWS {
            return Err(out_of_order("more facts than persons can have"));
        }
        Ok(Response::FactsTold)
    }

    /// Takes in the facts of a run as it is closed. Those of a run that is not closed are forgotten.
    pub(super) fn take_facts(&self, run: &mut OpenRun) -> Result<(), Denial> {
        let ToldFacts { told, new, .. } = std::mem::take(&mut run.facts);
        if told == 0 {
            return Ok(());
        }
        let vault = self.vault;
        let books = vault.books(&run.purpose)?;
        let mut books = in_use(&books)?;
        run.is_in(&books)?;
        // Another run may have told the same meanwhile.
        let mut rows: Vec<_> = new.into_iter().filter(|(row, _)| !books.facts.knows(row)).collect();
        rows.sort_unstable_by_key(|(row, _)| *row);
        let delivery = (&run.source, &run.period);
        let facts = books.facts.add(vault.keys(), run.version, delivery, &rows).map_err(fault)?;
        let event = Event::ToldFacts {
            run: run.run.clone(),
            purpose: run.purpose.clone(),
            source: run.source.clone(),
            period: run.period.clone(),
            told,
            new: rows.len() as u64,
            facts,
        };
        self.decide(|_| Ok((event, ())))
    }
}

/// Checks what was told of one person; its identifiers were asked for in the run.
fn told(
    of: &PersonFacts,
    run: &OpenRun,
    books: &OpenPurpose,
    keys: &Keys,
) -> Result<ToldPerson, Denial> {
    let PersonFacts { identifiers, kinds, own, categories, dates, open } = of;
    let own = *own as usize;
    let fits = identifiers.is_well_formed()
        && identifiers.len() == kinds.len()
        && (1..=identifiers.len()).contains(&own)
        && identifiers.len() <= MOST_IDENTIFIERS
        && identifiers.iter().all(|one| one.len() <= LONGEST)
        && categories.len() <= MOST_CATEGORIES
        && dates.len() + open.len() <= MOST_DATES;
    if !fits {
        return Err(out_of_order("facts of a person that do not fit"));
    }
    let mut person = ToldPerson::default();
    for (place, (identifier, kind)) in identifiers.iter().zip(kinds).enumerate() {
        let link = run.corrections.meant(keys.link_key(kind).link(identifier));
        if !run.has_asked(books, &link) {
            return Err(out_of_order("facts beside a number that the run did not ask for"));
        }
        match place < own {
            true => drop(person.own.insert((link, kind.clone()))),
            false => drop(person.beside.insert(link)),
        }
    }
    let wrong = |_| out_of_order("a category or date that is none");
    for category in categories {
        person.categories.insert(category.parse::<CategoryName>().map_err(wrong)?);
    }
    let dated = |(event, day): &(String, String)| {
        let event = HappenedEvent::ALL.into_iter().find(|known| known.as_str() == event);
        let event = event.ok_or_else(|| out_of_order("an event that is none"))?;
        let day = day.parse().map_err(|_| out_of_order("a category or date that is none"))?;
        Ok::<_, Denial>((event, day))
    };
    person.dates = dates.iter().map(dated).collect::<Result<_, _>>()?;
    person.open = open.iter().map(dated).collect::<Result<_, _>>()?;
    if person.open.iter().any(|(event, _)| !event.may_be_open()) {
        return Err(out_of_order("an event that is never open"));
    }
    Ok(person)
}
