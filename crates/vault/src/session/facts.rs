//! Facts that a run's rows say of persons, for the retention schedule: taken in with the run, sealed beside the registry.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use minster_model::{Pseudonym, Role};
use minster_retention::{CategoryName, Event as HappenedEvent};
use minster_vault_api::{Denial, FactsRow, PersonFacts, Response, ToldDate};
use zeroize::Zeroizing;

use super::{Session, fault, out_of_order, runs::OpenRun};
use crate::{
    keys::Link,
    log::Event,
    open_purpose::OpenPurpose,
    registry::{NewRow, spread},
    retention::RetentionKey,
    vault::in_use,
};

/// Numbers of one row.
const MOST_NUMBERS: usize = 64;
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
    known: HashSet<Link>,
}

impl Session<'_> {
    pub(super) fn tell_facts(&mut self, facts: &PersonFacts) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "facts of persons")?;
        let vault = self.vault;
        let Some(run) = self.run.as_mut() else { return Err(out_of_order("open a run first")) };
        let books = vault.books(&run.purpose)?;
        let books = in_use(&books)?;
        run.is_in(&books)?;
        // Tokens stand for the pseudonyms of one version of the keys.
        vault.look(|state| run.is_of(state.named(&run.purpose)?))??;
        let names = Names::of(facts)?;
        let records = asked_records(facts, run, &books)?;
        let rows = with_records(facts, &records)?;
        let key = vault.keys().retention_key("facts", &run.purpose);
        let hashed = spread(&rows, |some| {
            let (mut row, mut bytes) = (NewRow::default(), Zeroizing::new(Vec::new()));
            some.iter().map(|of| hashed(of, &names, &books, &key, (&mut row, &mut bytes))).collect()
        });
        // A message with a row that is none adds nothing.
        for (hash, new) in hashed.into_iter().collect::<Result<Vec<_>, _>>()? {
            let is_told_first = match new {
                Some(row) => run.facts.new.insert(hash, row).is_none(),
                None => run.facts.known.insert(hash),
            };
            run.facts.told += u64::from(is_told_first);
        }
        if run.facts.told > run.distinct * MOST_ROWS {
            // The run ends, and what it told is forgotten: a caller who goes on fills nothing.
            self.run = None;
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

/// The names of a message, as the schedule has them.
struct Names {
    categories: Vec<CategoryName>,
    events: Vec<HappenedEvent>,
    first_day: Date,
}

impl Names {
    fn of(facts: &PersonFacts) -> Result<Self, Denial> {
        let wrong = || out_of_order("a category or date that is none");
        let category = |name: &String| name.parse::<CategoryName>().map_err(|_| wrong());
        let event = |name: &String| {
            let event = HappenedEvent::ALL.into_iter().find(|known| known.as_str() == name);
            event.ok_or_else(|| out_of_order("an event that is none"))
        };
        Ok(Self {
            categories: facts.categories().iter().map(category).collect::<Result<_, _>>()?,
            events: facts.events().iter().map(event).collect::<Result<_, _>>()?,
            first_day: facts.first_day().parse().map_err(|_| wrong())?,
        })
    }
}

/// The records behind all tokens; each was answered in the run.
fn asked_records(
    facts: &PersonFacts,
    run: &OpenRun,
    books: &OpenPurpose,
) -> Result<Vec<u32>, Denial> {
    let mut pseudonyms = facts.tokens().to_vec();
    run.tokens.to_pseudonyms(&mut pseudonyms);
    let (pseudonyms, []) = pseudonyms.as_chunks() else {
        return Err(out_of_order("facts of a person that do not fit"));
    };
    let pseudonyms: Vec<Pseudonym> =
        pseudonyms.iter().copied().map(Pseudonym::from_bytes).collect();
    let found = books.registry.find_pseudonyms(&pseudonyms);
    let asked = found.into_iter().map(|record| record.filter(|record| run.seen.has(*record)));
    asked
        .collect::<Option<_>>()
        .ok_or_else(|| out_of_order("facts beside a number that the run did not ask for"))
}

/// Each row with the records of its numbers.
fn with_records<'a>(
    facts: &'a PersonFacts,
    mut records: &'a [u32],
) -> Result<Vec<(FactsRow<'a>, &'a [u32])>, Denial> {
    let do_not_fit = || out_of_order("facts of a person that do not fit");
    let mut rows = Vec::new();
    for row in facts.rows() {
        let row = row.ok_or_else(do_not_fit)?;
        let (own, beside) = (row.own, row.beside);
        let fits = own >= 1 && own + beside <= MOST_NUMBERS && row.dates().len() <= MOST_DATES;
        let of_row = records.split_at_checked(own + beside).filter(|_| fits);
        let (of_row, rest) = of_row.ok_or_else(do_not_fit)?;
        rows.push((row, of_row));
        records = rest;
    }
    match records.is_empty() {
        true => Ok(rows),
        false => Err(do_not_fit()),
    }
}

/// A row's keyed hash, and its bytes where no delivery told it before.
type HashedRow = (Link, Option<Zeroizing<Vec<u8>>>);

/// A row as it is kept.
fn hashed<'a>(
    (told, records): &(FactsRow<'_>, &[u32]),
    names: &'a Names,
    books: &'a OpenPurpose,
    key: &RetentionKey,
    (row, bytes): (&mut NewRow<'a>, &mut Zeroizing<Vec<u8>>),
) -> Result<HashedRow, Denial> {
    let registry = &books.registry;
    let (own, beside) = records.split_at(told.own);
    row.own.clear();
    row.own.extend(own.iter().map(|record| (registry.link(*record), registry.kind(*record))));
    row.beside.clear();
    row.beside.extend(beside.iter().map(|record| registry.link(*record)));
    let wrong = || out_of_order("a category or date that is none");
    row.category = match told.category {
        Some(at) => Some(names.categories.get(at).ok_or_else(wrong)?),
        None => None,
    };
    row.dates.clear();
    row.open.clear();
    for date in told.dates() {
        let (event, date) = date.ok_or_else(wrong)?;
        let event = *names.events.get(event).ok_or_else(wrong)?;
        match date {
            ToldDate::On(on) => row.dates.push((event, on)),
            ToldDate::Open if event.may_be_open() => row.open.push((event, names.first_day)),
            ToldDate::Open => return Err(out_of_order("an event that is never open")),
        }
    }
    row.write(bytes).map_err(fault)?;
    let hash = key.hash(bytes);
    let is_new = !books.facts.knows(&hash);
    Ok((hash, is_new.then(|| bytes.clone())))
}
