//! Which child a row of a delivery is about: that of its person's row in the same delivery, else that of its number.

use ahash::{HashMap, HashMapExt};
use arrow::array::{Array, RecordBatch, UInt32Array};
use minster_model::{ColumnName, Pseudonym};
use minster_store::UNIT;

use crate::{
    MatchError,
    children::{Children, Linkage, Number},
    definition::Identity,
    events::{Delivered, Pass},
    person_tables::{DeliveredPersons, column, pseudonym},
    pseudonym_codes::PseudonymCodes,
    small_set::NONE,
    sorted_numbers::SortedNumbers,
};

/// How a row is known to be about a child.
#[derive(Clone, Copy)]
pub(crate) struct Resolved {
    pub(crate) child: Option<u32>,
    pub(crate) preferred: bool,
    pub(crate) linkage: Linkage,
}

/// The persons of one delivery, by what its other tables call them.
pub(crate) struct DeliveryPersons<'a> {
    children: &'a Children,
    on_spine: &'a [bool],
    child: Option<&'a ColumnName>,
    /// Where the rows are persons' own.
    own: Option<&'a DeliveredPersons>,
    /// The source has a table of persons, so that an event without one is an orphan.
    has_persons: bool,
    called: PersonsByNumber,
    by_unit: HashMap<u32, (u32, bool)>,
}

impl<'a> DeliveryPersons<'a> {
    pub(crate) fn new(pass: &'a Pass<'_>, one: &Delivered, identity: Option<&Identity>) -> Self {
        let mut by_unit = HashMap::new();
        let tables = || pass.people.of_delivery(one.place);
        let own = tables().find(|table| identity.is_some() && table.table == *pass.table);
        // A person's own row needs no number to be found by.
        let others = || tables().filter(|_| own.is_none());
        let rows = |table: &'a DeliveredPersons| {
            let children = pass.children.of_table(table.place).iter().enumerate();
            children.map(|(row, child)| (row, (*child, table.is_preferred(row))))
        };
        let called = PersonsByNumber::new(others().flat_map(|table| {
            rows(table).flat_map(|(row, person)| {
                table.called(&pass.people.persons, row).map(move |number| (number, person))
            })
        }));
        for table in others() {
            let of_units = rows(table).filter_map(|(row, person)| Some((table.unit(row)?, person)));
            by_unit.extend(of_units);
        }
        let has_persons = tables().next().is_some();
        let Pass { children, child, ref on_spine, .. } = *pass;
        Self { children, on_spine, child, own, has_persons, called, by_unit }
    }

    /// The child of each row of a batch; `first` is the place of its first row in the table.
    pub(crate) fn resolve(
        &self,
        batch: &RecordBatch,
        first: usize,
    ) -> Result<Vec<Resolved>, MatchError> {
        if let Some(table) = self.own {
            let children = self.children.of_table(table.place);
            let linkage = self.children.linkage_of_table(table.place);
            let own = |row: usize| {
                let row = first + row;
                Resolved {
                    child: Some(children[row]),
                    preferred: table.is_preferred(row),
                    linkage: linkage[row],
                }
            };
            return Ok((0..batch.num_rows()).map(own).collect());
        }
        let numbers = match self.child {
            Some(name) => column(batch, name)?,
            None => None,
        };
        let units = batch
            .column_by_name(UNIT)
            .filter(|_| !self.by_unit.is_empty())
            .and_then(|units| units.as_any().downcast_ref::<UInt32Array>());
        // Numbers are looked up column by column: each alone is a wait for memory.
        let called = numbers.filter(|_| !self.called.places.is_empty());
        let called = called.map(|numbers| self.called.places.of_column(numbers));
        let elsewhere = match (numbers, &called) {
            (Some(numbers), None) => Some(self.children.of_numbers(numbers)),
            _ => None,
        };
        let find = |row: usize| {
            let unit = units.filter(|units| units.is_valid(row)).map(|units| units.value(row));
            if let Some(own) = unit.and_then(|unit| self.by_unit.get(&unit)) {
                return self.found(*own);
            }
            let Some(numbers) = numbers.filter(|numbers| numbers.is_valid(row)) else {
                return unlinked(Linkage::NoIdentifier);
            };
            let place = called.as_ref().map_or(NONE, |places| places[row]);
            match self.called.of.get(place as usize) {
                Some(Some(own)) => return self.found(*own),
                Some(None) => return unlinked(Linkage::SharedNumber),
                None => {}
            }
            let number = match &elsewhere {
                Some(found) => found[row],
                None => pseudonym(numbers, row)
                    .map_or(Number::Unknown, |number| self.children.number(&number)),
            };
            self.elsewhere(number)
        };
        Ok((0..batch.num_rows()).map(find).collect())
    }

    fn found(&self, (child, preferred): (u32, bool)) -> Resolved {
        let on_spine = self.on_spine[child as usize];
        let linkage = if on_spine { Linkage::Identifier } else { Linkage::NotOnSpine };
        Resolved { child: Some(child), preferred, linkage }
    }

    /// The child of a number that no person of this delivery has: another delivery or source may know it.
    fn elsewhere(&self, number: Number) -> Resolved {
        match number {
            Number::Child(child) => self.found((child, false)),
            Number::Shared => unlinked(Linkage::SharedNumber),
            Number::Unknown if self.has_persons => unlinked(Linkage::Orphan),
            Number::Unknown => unlinked(Linkage::NotOnSpine),
        }
    }
}

fn unlinked(linkage: Linkage) -> Resolved {
    Resolved { child: None, preferred: false, linkage }
}

/// The persons of a delivery by their numbers.
struct PersonsByNumber {
    /// Each number's place in what follows.
    places: SortedNumbers,
    /// The child, and whether its row is preferred; nothing where two children have the number.
    of: Vec<Option<(u32, bool)>>,
}

impl PersonsByNumber {
    fn new(all: impl Iterator<Item = (Pseudonym, (u32, bool))>) -> Self {
        let (mut codes, mut of): (_, Vec<Option<(u32, bool)>>) =
            (PseudonymCodes::default(), Vec::new());
        for (number, (child, preferred)) in all {
            match of.get_mut(codes.add(number) as usize) {
                None => of.push(Some((child, preferred))),
                Some(known) => {
                    *known = match *known {
                        Some((other, before)) if other == child => {
                            Some((other, before || preferred))
                        }
                        _ => None,
                    };
                }
            }
        }
        let places: Vec<_> =
            (0..of.len() as u32).map(|code| (codes.pseudonym(code), code)).collect();
        Self { places: SortedNumbers::new(&places), of }
    }
}
