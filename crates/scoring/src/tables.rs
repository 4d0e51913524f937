//! Two tables as they are compared: one numbering of values for both, and records in an order of their own content, so
//! that the order in which they came changes nothing.

use std::hash::Hash;

use crate::record::{BirthDate, Interned, KeyedValue, Name, PARTS, Postcode, Records};

/// The parts, as places of a record's values.
pub(crate) const FORENAME: usize = 0;
pub(crate) const SURNAME: usize = 1;
pub(crate) const BIRTH_DATE: usize = 2;
pub(crate) const POSTCODE: usize = 4;
pub(crate) const IDENTIFIER: usize = 5;

/// The distinct values of both tables, in order.
pub(crate) struct Values<'a> {
    pub(crate) names: Vec<&'a Name>,
    pub(crate) dates: Vec<&'a BirthDate>,
    pub(crate) postcodes: Vec<&'a Postcode>,
    keyed_values: Vec<&'a KeyedValue>,
}

/// A table's records, in order, with values by their number.
#[derive(Default)]
pub(crate) struct Side {
    /// Where each record stood when it came.
    pub(crate) places: Vec<u32>,
    ends: Vec<[u32; PARTS]>,
    values: Vec<u32>,
}

impl<'a> Values<'a> {
    /// The values of these tables, and the tables.
    pub(crate) fn of(tables: &[&'a Records]) -> (Self, Vec<Side>) {
        let values = Self {
            names: distinct(tables.iter().map(|table| &table.names)),
            dates: distinct(tables.iter().map(|table| &table.dates)),
            postcodes: distinct(tables.iter().map(|table| &table.postcodes)),
            keyed_values: distinct(tables.iter().map(|table| &table.keyed_values)),
        };
        let sides = tables.iter().map(|table| values.side(table)).collect();
        (values, sides)
    }

    /// How many distinct values a part can have.
    pub(crate) fn count(&self, part: usize) -> usize {
        match part {
            FORENAME | SURNAME => self.names.len(),
            BIRTH_DATE => self.dates.len(),
            POSTCODE => self.postcodes.len(),
            _ => self.keyed_values.len(),
        }
    }

    /// The keyed value of a sex or a number.
    pub(crate) fn keyed(&self, value: u32) -> KeyedValue {
        *self.keyed_values[value as usize]
    }

    fn side(&self, table: &Records) -> Side {
        let names = renumbered(&table.names, &self.names);
        let dates = renumbered(&table.dates, &self.dates);
        let postcodes = renumbered(&table.postcodes, &self.postcodes);
        let keyed_values = renumbered(&table.keyed_values, &self.keyed_values);
        let maps: [&[u32]; PARTS] =
            [&names, &names, &dates, &keyed_values, &postcodes, &keyed_values];
        let mut begin = 0;
        let mut records: Vec<(Vec<u32>, [u32; PARTS], u32)> = Vec::with_capacity(table.len());
        for (place, ends) in table.ends.iter().enumerate() {
            let (mut values, mut lengths) = (Vec::new(), [0; PARTS]);
            for part in 0..PARTS {
                let of_part = &table.values[begin as usize..ends[part] as usize];
                let mut of_part: Vec<u32> =
                    of_part.iter().map(|value| maps[part][*value as usize]).collect();
                of_part.sort_unstable();
                of_part.dedup();
                lengths[part] = of_part.len() as u32;
                values.extend(of_part);
                begin = ends[part];
            }
            records.push((values, lengths, place as u32));
        }
        // Records of one content keep the order in which they came; nothing that is found depends on it.
        records.sort();
        let mut side = Side::default();
        for (values, lengths, place) in records {
            let mut end = side.values.len() as u32;
            side.ends.push(lengths.map(|length| {
                end += length;
                end
            }));
            side.values.extend(values);
            side.places.push(place);
        }
        side
    }
}

impl Side {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the table comes behind another, by its records alone.
    pub(crate) fn is_behind(&self, other: &Self) -> bool {
        let order = self.len().cmp(&other.len());
        order.then_with(|| (&self.ends, &self.values).cmp(&(&other.ends, &other.values))).is_gt()
    }

    /// A record's values of a part.
    pub(crate) fn part(&self, record: usize, part: usize) -> &[u32] {
        let begin = match (part, record) {
            (0, 0) => 0,
            (0, _) => self.ends[record - 1][PARTS - 1],
            _ => self.ends[record][part - 1],
        };
        &self.values[begin as usize..self.ends[record][part] as usize]
    }
}

fn distinct<'a, T: Ord + Hash + 'a>(tables: impl Iterator<Item = &'a Interned<T>>) -> Vec<&'a T> {
    let mut values: Vec<&T> =
        tables.flat_map(|table| table.iter().map(|(value, _)| value)).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// For each place of a table's values, the value's number.
fn renumbered<T: Ord + Eq + Hash>(table: &Interned<T>, all: &[&T]) -> Vec<u32> {
    let mut numbers = vec![0; table.len()];
    for (value, place) in table.iter() {
        // Each value of a table is among all values.
        numbers[place as usize] = all.partition_point(|other| *other < value) as u32;
    }
    numbers
}
