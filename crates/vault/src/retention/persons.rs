//! The persons behind a purpose's numbers. Numbers in one row are one person's: so rows of all sources and years add up to what is
//! known of a person. A number of which nothing was told is a person of whom nothing is known.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use minster_model::Kind;
use minster_retention::{Event, Facts, PersonName, Schedule};

use crate::{
    VaultFault,
    keys::{Keys, Link},
    open_purpose::OpenPurpose,
};

/// A person.
#[derive(Debug)]
pub(crate) struct Person {
    /// The name that the schedule has for them.
    pub(crate) name: PersonName,
    /// Links of the person's own numbers.
    pub(crate) own: Vec<Link>,
    /// All that deliveries told.
    pub(crate) facts: Facts,
    /// The deliveries that told of the person, by their places in [`Persons::deliveries`].
    pub(crate) deliveries: BTreeSet<usize>,
    /// Match keys and other numbers beside the person's own, by places in [`Persons::beside`].
    pub(crate) beside: BTreeSet<usize>,
    /// All birth dates that were told.
    pub(crate) births: BTreeSet<Date>,
    /// The rows of facts, by their keyed hashes.
    pub(crate) rows: Vec<Link>,
}

/// All persons of a purpose.
#[derive(Debug, Default)]
pub(crate) struct Persons {
    /// Each person.
    pub(crate) all: Vec<Person>,
    /// Deliveries, `source/period`.
    pub(crate) deliveries: Vec<String>,
    /// Links of match keys and of numbers of rows and cases.
    pub(crate) beside: Vec<Link>,
}

/// Sets of numbers that are one person's, by union and find.
struct Sets(Vec<u32>);

impl Sets {
    fn root(&mut self, mut of: u32) -> u32 {
        while self.0[of as usize] != of {
            let above = self.0[self.0[of as usize] as usize];
            self.0[of as usize] = above;
            of = above;
        }
        of
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.0[one.max(other) as usize] = one.min(other);
    }
}

impl Persons {
    /// Puts the persons together from the registry and from what was told.
    pub(crate) fn gather(
        schedule: &Schedule,
        books: &OpenPurpose,
        keys: &Keys,
    ) -> Result<Self, VaultFault> {
        let mut numbers: Vec<(Link, &Kind)> = Vec::new();
        let mut places: HashMap<Link, u32> = HashMap::new();
        for (link, kind) in books.registry.records() {
            if schedule.person_of(kind).is_some() {
                places.insert(*link, numbers.len() as u32);
                numbers.push((*link, kind));
            }
        }
        let mut sets = Sets((0..numbers.len() as u32).collect());
        let mut persons = Self::default();
        let (mut of_delivery, mut of_beside) = (HashMap::new(), HashMap::new());
        let mut told = Vec::new();
        books.facts.each(keys, |delivery, row, of| {
            // The schedule may count other kinds by now than when this was told.
            let own: Vec<u32> =
                of.own.iter().filter_map(|(link, _)| places.get(link).copied()).collect();
            let Some(first) = own.first().copied() else { return };
            let person = |place: u32| schedule.person_of(numbers[place as usize].1);
            for other in own.iter().skip(1).filter(|other| person(**other) == person(first)) {
                sets.join(first, *other);
            }
            let mut facts = Facts::default();
            let births: Vec<Date> = of
                .dates
                .iter()
                .filter(|(event, _)| *event == Event::Birth)
                .map(|(_, day)| *day)
                .collect();
            of.dates.iter().for_each(|(event, on)| facts.happened(*event, *on));
            of.open.iter().for_each(|(event, on)| facts.is_open(*event, *on));
            of.categories.into_iter().for_each(|category| facts.is_of(category));
            let deliveries = &mut persons.deliveries;
            let delivery = *of_delivery.entry(delivery.to_owned()).or_insert_with(|| {
                deliveries.push(delivery.to_owned());
                deliveries.len() - 1
            });
            let all = &mut persons.beside;
            let mut place = |link: Link| {
                *of_beside.entry(link).or_insert_with(|| {
                    all.push(link);
                    all.len() - 1
                })
            };
            let beside: Vec<usize> = of.beside.into_iter().map(&mut place).collect();
            told.push((first, (facts, births), delivery, beside, *row));
        })?;
        let mut of_root: HashMap<u32, usize> = HashMap::new();
        for (place, (link, kind)) in (0..).zip(&numbers) {
            let Some(name) = schedule.person_of(kind) else { continue };
            let all = &mut persons.all;
            let at = *of_root.entry(sets.root(place)).or_insert_with(|| {
                all.push(Person {
                    name: name.clone(),
                    own: Vec::new(),
                    facts: Facts::default(),
                    deliveries: BTreeSet::new(),
                    beside: BTreeSet::new(),
                    births: BTreeSet::new(),
                    rows: Vec::new(),
                });
                all.len() - 1
            });
            all[at].own.push(*link);
        }
        for (first, (facts, births), delivery, beside, row) in told {
            let Some(at) = of_root.get(&sets.root(first)) else { continue };
            let person = &mut persons.all[*at];
            person.facts.extend(&facts);
            person.births.extend(births);
            person.deliveries.insert(delivery);
            person.beside.extend(beside);
            person.rows.push(row);
        }
        Ok(persons)
    }

    /// Match keys and other numbers beside those of some persons and of no other: they go with them.
    pub(crate) fn beside_alone(&self, gone: &HashSet<usize>) -> Vec<Link> {
        let of = |is_gone: bool| {
            let some = self.all.iter().enumerate();
            let some = some.filter(move |(at, _)| gone.contains(at) == is_gone);
            some.flat_map(|(_, person)| person.beside.iter().copied())
        };
        let others: HashSet<usize> = of(false).collect();
        let alone: BTreeSet<usize> = of(true).filter(|at| !others.contains(at)).collect();
        alone.into_iter().map(|at| self.beside[at]).collect()
    }
}
