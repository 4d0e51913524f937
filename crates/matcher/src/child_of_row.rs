//! Which child a row of a delivery is about: that of its person's row in the same delivery, else that of its number.

use std::sync::{Arc, Mutex};

use ahash::{HashMap, HashMapExt};
use arrow::{
    array::{
        Array, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, UInt32Array,
    },
    datatypes::Int32Type,
};
use minster_model::{ColumnName, Pseudonym};
use minster_store::{UNIT, is_same_dictionary};

use crate::{
    MatchError,
    children::{Children, Linkage, Number, of_found},
    definition::Identity,
    events::{Delivered, Pass},
    parallel_reader::cores,
    person_tables::{DeliveredPersons, column, pseudonym},
    pseudonym_codes::PseudonymCodes,
    report::LinkageCounts,
    sorted_numbers::{SortedNumbers, by_child, by_code},
    summary::SummarisedRow,
};

/// How a row is known to be about a child.
#[derive(Clone, Copy)]
struct Resolved {
    child: Option<u32>,
    preferred: bool,
    linkage: Linkage,
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
    /// The dictionaries that the cores read last, each with the children to whom its numbers lead.
    dictionaries: Mutex<Vec<(FixedSizeBinaryArray, Arc<[Resolved]>)>>,
}

/// A column of numbers, as a row group holds it.
enum NumberColumn<'a> {
    Plain(&'a FixedSizeBinaryArray),
    /// Each number once, and a code a row.
    Coded {
        codes: &'a PrimitiveArray<Int32Type>,
        numbers: &'a FixedSizeBinaryArray,
    },
}

impl<'a> NumberColumn<'a> {
    /// Where the batch has it.
    fn of(batch: &'a RecordBatch, name: &ColumnName) -> Result<Option<Self>, MatchError> {
        let coded = batch
            .column_by_name(name.as_str())
            .and_then(|column| column.as_any().downcast_ref::<DictionaryArray<Int32Type>>());
        let Some(coded) = coded else { return Ok(column(batch, name)?.map(Self::Plain)) };
        let numbers = coded.values().as_any().downcast_ref::<FixedSizeBinaryArray>();
        let numbers = numbers.filter(|numbers| numbers.value_length() == Pseudonym::LEN as i32);
        match numbers {
            Some(numbers) => Ok(Some(Self::Coded { codes: coded.keys(), numbers })),
            None => Err(MatchError::WrongType { column: name.clone(), expected: "pseudonyms" }),
        }
    }
}

/// Rows as they are resolved, one after another.
struct ResolvedRows {
    next: u32,
    rows: Vec<SummarisedRow>,
    counts: LinkageCounts,
}

impl ResolvedRows {
    fn with_capacity(rows: usize) -> Self {
        Self { next: 0, rows: Vec::with_capacity(rows), counts: LinkageCounts::default() }
    }

    /// Adds the next row.
    fn add(&mut self, of: Resolved) {
        self.add_row(self.next, of);
        self.next += 1;
    }

    fn add_row(&mut self, row: u32, Resolved { child, preferred, linkage }: Resolved) {
        self.counts.add_rows(linkage, 1);
        if let Some(child) = child {
            self.rows.push(SummarisedRow { row, child, preferred });
        }
    }

    fn done(self) -> (Vec<SummarisedRow>, LinkageCounts) {
        (self.rows, self.counts)
    }
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
        Self {
            children,
            on_spine,
            child,
            own,
            has_persons,
            called,
            by_unit,
            dictionaries: Mutex::default(),
        }
    }

    /// [`DeliveryPersons::resolve`], child by child where there are many; what is about one child stays in the table's order.
    pub(crate) fn resolve_by_child(
        &self,
        batch: &RecordBatch,
        first: usize,
    ) -> Result<(Vec<SummarisedRow>, LinkageCounts), MatchError> {
        let numbers = match (self.own, self.child) {
            (None, Some(name)) if self.by_unit.is_empty() => NumberColumn::of(batch, name)?,
            _ => None,
        };
        let Some(NumberColumn::Plain(numbers)) = numbers else {
            let (rows, counts) = self.resolve(batch, first)?;
            return Ok((by_child(rows, self.on_spine.len(), |taken| taken.child), counts));
        };
        // Children stand nearly in the order of their numbers: cells that were looked up in that order are nearly sorted.
        let mut resolved = ResolvedRows::with_capacity(batch.num_rows());
        let cells = self.sorted().of_cells(numbers);
        resolved.counts.add_rows(Linkage::NoIdentifier, batch.num_rows() - cells.len());
        for (row, found) in cells {
            let number = pseudonym(numbers, row as usize);
            let of =
                number.map_or(unlinked(Linkage::NoIdentifier), |it| self.of_number(found, &it));
            resolved.add_row(row, of);
        }
        let (rows, counts) = resolved.done();
        let mut rows = by_code(rows, |taken| taken.child);
        // A child with two numbers: its rows stand by number.
        for of_child in rows.chunk_by_mut(|a, b| a.child == b.child) {
            if !of_child.is_sorted_by_key(|taken| taken.row) {
                of_child.sort_unstable_by_key(|taken| taken.row);
            }
        }
        Ok((rows, counts))
    }

    /// The rows of a batch about children, in the table's order, and how each was linked; `first` is the place of its first row
    /// in the table.
    pub(crate) fn resolve(
        &self,
        batch: &RecordBatch,
        first: usize,
    ) -> Result<(Vec<SummarisedRow>, LinkageCounts), MatchError> {
        let mut resolved = ResolvedRows::with_capacity(batch.num_rows());
        if let Some(table) = self.own {
            let children = self.children.of_table(table.place);
            let linkage = self.children.linkage_of_table(table.place);
            for row in first..first + batch.num_rows() {
                resolved.add(Resolved {
                    child: Some(children[row]),
                    preferred: table.is_preferred(row),
                    linkage: linkage[row],
                });
            }
            return Ok(resolved.done());
        }
        let numbers = match self.child {
            Some(name) => NumberColumn::of(batch, name)?,
            None => None,
        };
        let units = batch
            .column_by_name(UNIT)
            .filter(|_| !self.by_unit.is_empty())
            .and_then(|units| units.as_any().downcast_ref::<UInt32Array>());
        let by_unit = |row: usize| {
            let units = units.filter(|units| units.is_valid(row))?;
            self.by_unit.get(&units.value(row)).map(|own| self.found(*own))
        };
        let nobody = || unlinked(Linkage::NoIdentifier);
        match numbers {
            None => (0..batch.num_rows())
                .for_each(|row| resolved.add(by_unit(row).unwrap_or_else(nobody))),
            // Numbers are looked up column by column: each alone is a wait for memory.
            Some(NumberColumn::Plain(numbers)) => {
                let found = self.sorted().of_column(numbers);
                for (row, found) in found.into_iter().enumerate() {
                    let by_number =
                        || pseudonym(numbers, row).map(|number| self.of_number(found, &number));
                    resolved.add(by_unit(row).or_else(by_number).unwrap_or_else(nobody));
                }
            }
            Some(NumberColumn::Coded { codes, numbers }) => {
                let found = self.of_dictionary(numbers);
                if units.is_none() && codes.null_count() == 0 {
                    codes.values().iter().for_each(|code| resolved.add(found[*code as usize]));
                } else {
                    for (row, code) in codes.iter().enumerate() {
                        let by_number = || code.map(|code| found[code as usize]);
                        resolved.add(by_unit(row).or_else(by_number).unwrap_or_else(nobody));
                    }
                }
            }
        }
        Ok(resolved.done())
    }

    /// The numbers of the delivery's persons; where it has none, those of all children.
    fn sorted(&self) -> &SortedNumbers {
        match self.called.places.is_empty() {
            true => self.children.by_number(),
            false => &self.called.places,
        }
    }

    /// The child of a number, which leads there by [`DeliveryPersons::sorted`].
    fn of_number(&self, found: u32, number: &Pseudonym) -> Resolved {
        if self.called.places.is_empty() {
            return self.elsewhere(of_found(found));
        }
        match self.called.of.get(found as usize) {
            Some(Some(own)) => self.found(*own),
            Some(None) => unlinked(Linkage::SharedNumber),
            None => self.elsewhere(self.children.number(number)),
        }
    }

    /// The child of each number of a dictionary. Batches of a row group share one: it is looked up once.
    fn of_dictionary(&self, numbers: &FixedSizeBinaryArray) -> Arc<[Resolved]> {
        let is_it = |(known, _): &&(FixedSizeBinaryArray, Arc<[Resolved]>)| {
            is_same_dictionary(known, numbers)
        };
        // Only a thread that panicked leaves a lock that cannot be had: then nothing is remembered.
        let known =
            self.dictionaries.lock().ok().and_then(|known| {
                known.iter().find(is_it).map(|(_, resolved)| Arc::clone(resolved))
            });
        known.unwrap_or_else(|| {
            let found = self.sorted().of_column(numbers);
            let resolved = found.into_iter().enumerate().map(|(place, found)| {
                let number = pseudonym(numbers, place);
                number.map_or(unlinked(Linkage::NoIdentifier), |it| self.of_number(found, &it))
            });
            let resolved: Arc<[Resolved]> = resolved.collect();
            if let Ok(mut known) = self.dictionaries.lock() {
                if known.len() == cores() {
                    known.remove(0);
                }
                known.push((numbers.clone(), Arc::clone(&resolved)));
            }
            resolved
        })
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use arrow::{
        array::{ArrayRef, UInt32Array},
        compute::cast,
        datatypes::{DataType, Field, Schema},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::person_rows::{PersonRow, PersonTable, Persons};

    fn number(n: u8) -> Pseudonym {
        Pseudonym::from_bytes([n; Pseudonym::LEN])
    }

    /// Children with the numbers 0 to 9; care alone knows every third, and it is off the spine.
    fn persons() -> Persons {
        let mut persons = Persons::default();
        for (place, spine) in [true, false].into_iter().enumerate() {
            persons.begin(PersonTable {
                source: if spine { "census" } else { "care" }.parse().unwrap(),
                period: "2024-25".parse().unwrap(),
                table: "rows".parse().unwrap(),
                delivery: place as u32,
                register: spine,
                spine,
                numbers: 1,
                match_keys: 0,
                person_numbers: Vec::new(),
            });
            for n in (0..10).filter(|n| (n % 3 > 0) == spine) {
                persons.add(&PersonRow { numbers: vec![Some(number(n))], ..PersonRow::default() });
            }
        }
        persons
    }

    fn batch(numbers: &[Option<u8>], units: &[Option<u32>], is_coded: bool) -> RecordBatch {
        let cells = numbers.iter().map(|n| n.map(|n| *number(n).as_bytes()));
        let column = FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, 16).unwrap();
        let mut column: ArrayRef = Arc::new(column);
        if is_coded {
            let codes = DataType::Int32;
            let coded = DataType::Dictionary(Box::new(codes), Box::new(column.data_type().clone()));
            column = cast(&column, &coded).unwrap();
        }
        let units: ArrayRef = Arc::new(UInt32Array::from(units.to_vec()));
        let fields = vec![
            Field::new("child", column.data_type().clone(), true),
            Field::new(UNIT, DataType::UInt32, true),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![column, units]).unwrap()
    }

    /// More numbers than children, and more than the processor's own memory holds: a child's rows under two numbers stay in the
    /// table's order.
    #[test]
    fn rows_of_a_child_with_two_numbers_stay_in_order_among_many_numbers() {
        let persons = persons();
        let children = Children::new(&persons);
        let name: ColumnName = "child".parse().unwrap();
        let wide = |n: u32| {
            let mut bytes = [0; Pseudonym::LEN];
            bytes[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B9).to_be_bytes());
            bytes
        };
        let called = (0..70_000).map(|n| (Pseudonym::from_bytes(wide(n)), (n % 10, true)));
        let of = DeliveryPersons {
            children: &children,
            on_spine: children.on_spine(),
            child: Some(&name),
            own: None,
            has_persons: true,
            called: PersonsByNumber::new(called),
            by_unit: HashMap::new(),
            dictionaries: Mutex::default(),
        };
        let cells = (0..300u32).map(|row| Some(wide(row * 7_919 % 70_000)));
        let numbers = FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, 16).unwrap();
        let fields = vec![Field::new("child", numbers.data_type().clone(), true)];
        let batch =
            RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(numbers)]).unwrap();
        let (rows, counts) = of.resolve_by_child(&batch, 0).unwrap();
        assert!(rows.is_sorted_by_key(|taken| (taken.child, taken.row)));
        let mut in_order = rows;
        in_order.sort_by_key(|taken| taken.row);
        assert_eq!((in_order, counts), of.resolve(&batch, 0).unwrap());
    }

    proptest! {
        /// A file that holds each number once says of each row what one that holds it row by row says, and so do rows child by
        /// child.
        #[test]
        fn rows_have_the_same_children_however_their_numbers_are_held(
            cells in prop::collection::vec((prop::option::of(0u8..14), prop::option::of(0u32..9)), 1..80),
            called in prop::collection::vec((0u8..12, 0u32..10), 0..6),
            of_units in prop::collection::vec((0u32..9, 0u32..10), 0..3),
            has_persons in any::<bool>(),
        ) {
            let persons = persons();
            let children = Children::new(&persons);
            let name: ColumnName = "child".parse().unwrap();
            let called = called.into_iter().map(|(n, child)| (number(n), (child, child % 2 == 0)));
            let of_units = of_units.into_iter().map(|(unit, child)| (unit, (child, false)));
            let of = DeliveryPersons {
                children: &children,
                on_spine: children.on_spine(),
                child: Some(&name),
                own: None,
                has_persons,
                called: PersonsByNumber::new(called),
                by_unit: of_units.collect(),
                dictionaries: Mutex::default(),
            };
            let (numbers, units): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
            let plain = batch(&numbers, &units, false);
            let expected = of.resolve(&plain, 0).unwrap();
            prop_assert!(expected.0.is_sorted_by_key(|taken| taken.row));
            let coded = batch(&numbers, &units, true);
            for _ in 0..2 {
                prop_assert_eq!(&of.resolve(&coded, 0).unwrap(), &expected);
            }
            for batch in [&plain, &coded] {
                let (mut rows, counts) = of.resolve_by_child(batch, 0).unwrap();
                let of_child = |one: &SummarisedRow, two: &SummarisedRow| {
                    one.child != two.child || one.row < two.row
                };
                let in_order = rows.iter().enumerate().all(|(place, one)| {
                    rows[place + 1..].iter().all(|two| of_child(one, two))
                });
                prop_assert!(in_order, "the rows of a child stand in the table's order");
                rows.sort_by_key(|taken| taken.row);
                prop_assert_eq!(&(rows, counts), &expected);
            }
        }
    }
}
