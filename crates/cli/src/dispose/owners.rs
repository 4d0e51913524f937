//! The persons of an archive's rows, so that it can be opened for one of them. A row is of each person whose number stands in it. A row of
//! linked data is of those whose numbers lead to its id. A row with nobody's number is of those with whose rows it shares the number of a
//! row or a case, or a unit.

use std::collections::{BTreeSet, HashMap};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, UInt32Type},
};
use minster_model::{DatasetClass, Pseudonym, UNIT};
use minster_store::{Dataset, Kept, KeptRows, TableEntry};

use super::sealed::PartPersons;
use crate::failure::Failure;

/// Persons, by the pseudonyms of their own numbers.
pub(super) type Persons = BTreeSet<Pseudonym>;

/// The persons behind ids, as the dataset of ids says.
#[derive(Default)]
pub(super) struct Owners {
    of_id: HashMap<Pseudonym, Persons>,
}

/// A value that rows of one case or unit share.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Link {
    Number(Pseudonym),
    Unit(u32),
}

impl Owners {
    /// Looks a dataset's rows through: learns which ids are whose, and gives the persons of the rows with nobody's number, by the rows'
    /// places.
    pub(super) fn learn(
        &mut self,
        (dataset, rows): (&Dataset, &KeptRows),
        kept: &Kept<'_>,
        persons: &PartPersons,
    ) -> Result<HashMap<u64, Persons>, Failure> {
        let is_linked = dataset.manifest().dataset.class == DatasetClass::Integrated;
        let mut hanging: Vec<(u64, Vec<Link>)> = Vec::new();
        let mut of_link: HashMap<Link, Persons> = HashMap::new();
        let mut at = 0u64;
        dataset.each_kept(rows, kept, |table, batch| {
            for row in 0..batch.num_rows() {
                let place = at;
                at += 1;
                let numbers: Vec<Pseudonym> = numbers(batch, row).map(|(_, one)| one).collect();
                let own: Persons =
                    numbers.iter().filter(|one| persons.numbers.contains(*one)).copied().collect();
                if is_linked {
                    let ids = numbers.iter().filter(|one| {
                        persons.with_ids.contains(*one) && !persons.numbers.contains(*one)
                    });
                    ids.for_each(|id| self.of_id.entry(*id).or_default().extend(&own));
                    continue;
                }
                let links = links(table, batch, row, kept);
                match own.is_empty() {
                    true => hanging.push((place, links)),
                    false => links
                        .into_iter()
                        .for_each(|link| of_link.entry(link).or_default().extend(&own)),
                }
            }
            Ok::<_, Failure>(())
        })?;
        Ok(settled(&hanging, of_link))
    }

    /// The persons whose row it is; `hanging` are those of a row with nobody's number.
    pub(super) fn of(
        &self,
        batch: &RecordBatch,
        row: usize,
        persons: &PartPersons,
        hanging: Option<&Persons>,
    ) -> Persons {
        let mut of: Persons = hanging.cloned().unwrap_or_default();
        for (_, one) in numbers(batch, row) {
            if persons.numbers.contains(&one) {
                of.insert(one);
            }
            of.extend(self.of_id.get(&one).into_iter().flatten());
        }
        of
    }
}

/// The persons of rows with nobody's number, by the rows' places. A row may hang on another such row.
fn settled(
    hanging: &[(u64, Vec<Link>)],
    mut of_link: HashMap<Link, Persons>,
) -> HashMap<u64, Persons> {
    let mut of_row: HashMap<u64, Persons> = HashMap::new();
    loop {
        let mut has_grown = false;
        for (place, links) in hanging {
            let all: Persons =
                links.iter().filter_map(|link| of_link.get(link)).flatten().copied().collect();
            let of = of_row.entry(*place).or_default();
            if all.len() > of.len() {
                has_grown = true;
                for link in links {
                    of_link.entry(*link).or_default().extend(&all);
                }
                *of = all;
            }
        }
        if !has_grown {
            return of_row;
        }
    }
}

/// The pseudonyms in a row, each with its column's place.
pub(super) fn numbers(
    batch: &RecordBatch,
    row: usize,
) -> impl Iterator<Item = (usize, Pseudonym)> + '_ {
    let width = DataType::FixedSizeBinary(Pseudonym::LEN as i32);
    let columns = batch.columns().iter().enumerate();
    let numbers = columns.filter(move |(_, column)| *column.data_type() == width);
    numbers.filter_map(move |(place, column)| {
        let column = column.as_fixed_size_binary();
        let bytes = (!column.is_null(row)).then(|| column.value(row))?;
        Some((place, Pseudonym::from_bytes(bytes.try_into().ok()?)))
    })
}

/// The numbers of rows and cases in a row, and its unit.
fn links(table: &TableEntry, batch: &RecordBatch, row: usize, kept: &Kept<'_>) -> Vec<Link> {
    let schema = batch.schema_ref();
    let is_beside = |place: usize| {
        let name = schema.field(place).name();
        let kind = table.columns.iter().find(|of| of.name == *name)?.kind.as_ref()?;
        Some(!kind.is_match_key() && !kept.gone.own_kinds.contains(kind))
    };
    let beside = numbers(batch, row).filter(|(place, _)| is_beside(*place) == Some(true));
    let mut links: Vec<Link> = beside.map(|(_, one)| Link::Number(one)).collect();
    let unit =
        batch.column_by_name(UNIT).and_then(|column| column.as_primitive_opt::<UInt32Type>());
    links.extend(unit.filter(|of| !of.is_null(row)).map(|of| Link::Unit(of.value(row))));
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_hangs_on_a_row_that_hangs_is_the_same_persons() {
        let of = |n: u8| Pseudonym::from_bytes([n; 16]);
        let case = |n: u8| Link::Number(of(n));
        let hanging = [
            (0, vec![case(12), case(13)]),
            (1, vec![case(11), case(12)]),
            (2, vec![Link::Unit(7)]),
            (3, vec![case(99)]),
        ];
        let known = [
            (case(11), Persons::from([of(1)])),
            (case(13), Persons::from([of(2)])),
            (Link::Unit(7), Persons::from([of(3)])),
        ];
        let found = settled(&hanging, known.into());
        assert_eq!(found[&0], [of(1), of(2)].into());
        assert_eq!(found[&1], [of(1), of(2)].into());
        assert_eq!(found[&2], [of(3)].into());
        assert!(found[&3].is_empty());
    }
}
