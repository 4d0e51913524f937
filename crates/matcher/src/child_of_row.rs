//! Which child a row of a delivery is about: that of its person's row in the same delivery, else that of its number.

use ahash::{HashMap, HashMapExt};
use arrow::array::{Array, FixedSizeBinaryArray, RecordBatch, UInt32Array};
use minster_model::{ColumnName, Pseudonym};
use minster_store::UNIT;

use crate::{
    MatchError,
    children::{Children, Linkage, Number},
    definition::Identity,
    events::{Delivered, Pass},
    person_tables::{DeliveredPersons, column, pseudonym},
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
    by_number: HashMap<Pseudonym, Option<(u32, bool)>>,
    by_unit: HashMap<u32, (u32, bool)>,
}

impl<'a> DeliveryPersons<'a> {
    pub(crate) fn new(pass: &'a Pass<'_>, one: &Delivered, identity: Option<&Identity>) -> Self {
        let mut by_number: HashMap<Pseudonym, Option<(u32, bool)>> = HashMap::new();
        let mut by_unit = HashMap::new();
        let tables = || pass.people.of_delivery(one.place);
        let own = tables().find(|table| identity.is_some() && table.table == *pass.table);
        // A person's own row needs no number to be found by.
        for table in tables().filter(|_| own.is_none()) {
            let children = pass.children.of_table(table.place);
            for (row, child) in children.iter().enumerate() {
                let preferred = table.is_preferred(row);
                for number in table.called(&pass.people.persons, row) {
                    let known = by_number.entry(number).or_insert(Some((*child, preferred)));
                    *known = match *known {
                        Some((other, before)) if other == *child => {
                            Some((other, before || preferred))
                        }
                        _ => None,
                    };
                }
                if let Some(unit) = table.unit(row) {
                    by_unit.insert(unit, (*child, preferred));
                }
            }
        }
        let has_persons = tables().next().is_some();
        let Pass { children, child, ref on_spine, .. } = *pass;
        Self { children, on_spine, child, own, has_persons, by_number, by_unit }
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
        let mut last: Option<(Option<u32>, Option<Pseudonym>, Resolved)> = None;
        let mut resolved = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let unit = units.filter(|units| units.is_valid(row)).map(|units| units.value(row));
            let number = numbers.and_then(|numbers: &FixedSizeBinaryArray| pseudonym(numbers, row));
            let found = match last {
                Some((of_unit, of_number, found)) if (of_unit, of_number) == (unit, number) => {
                    found
                }
                _ => self.find(unit, number),
            };
            last = Some((unit, number, found));
            resolved.push(found);
        }
        Ok(resolved)
    }

    fn find(&self, unit: Option<u32>, number: Option<Pseudonym>) -> Resolved {
        let found = |(child, preferred): (u32, bool)| {
            let on_spine = self.on_spine[child as usize];
            let linkage = if on_spine { Linkage::Identifier } else { Linkage::NotOnSpine };
            Resolved { child: Some(child), preferred, linkage }
        };
        let none = |linkage| Resolved { child: None, preferred: false, linkage };
        if let Some(own) = unit.and_then(|unit| self.by_unit.get(&unit)) {
            return found(*own);
        }
        let Some(number) = number else { return none(Linkage::NoIdentifier) };
        match self.by_number.get(&number) {
            Some(Some(own)) => return found(*own),
            Some(None) => return none(Linkage::SharedNumber),
            None => {}
        }
        // Not a person of this delivery: another delivery or source may know the number.
        match self.children.number(&number) {
            Number::Child(child) => found((child, false)),
            Number::Shared => none(Linkage::SharedNumber),
            Number::Unknown if self.has_persons => none(Linkage::Orphan),
            Number::Unknown => none(Linkage::NotOnSpine),
        }
    }
}
