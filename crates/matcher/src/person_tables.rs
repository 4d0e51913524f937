//! The tables of persons, read: who each row says it is about, what the delivery's other tables call it, and which row
//! of a child is preferred.

use ahash::{HashMap, HashMapExt, HashSet};
use arrow::{
    array::{
        Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int32Array, RecordBatch,
        StringArray, UInt32Array,
    },
    datatypes::Int32Type,
};
use minster_model::{ColumnName, Period, Pseudonym, TableName};
use minster_store::UNIT;

use crate::{
    MatchError,
    children::Children,
    definition::{FromAge, Identity, Matching, Preference},
    events::{Delivered, must_have, present},
    exact_only::{Marked, OtherNumbers},
    parallel_reader::{cores, in_order},
    person_rows::{PersonTable, Persons, Sex},
    pseudonym_codes::{HashedPseudonym, PseudonymHasher},
    values::whole,
};

/// All tables of persons, of all deliveries.
#[derive(Default)]
pub(crate) struct PersonTables {
    pub(crate) persons: Persons,
    pub(crate) tables: Vec<DeliveredPersons>,
    /// Identities that are linked by their numbers alone.
    pub(crate) marked: Marked,
    /// Columns of the definition that no delivery has: what is missing is not needed to go on, and is told.
    pub(crate) missing: Vec<String>,
    /// Numbers that were not believed.
    pub(crate) notes: Vec<String>,
}

/// A table of persons of one delivery.
pub(crate) struct DeliveredPersons {
    /// Its place among all tables of persons.
    pub(crate) place: usize,
    pub(crate) delivery: u32,
    pub(crate) table: TableName,
    /// Its definition's place in `matching.toml`.
    pub(crate) identity: usize,
    row_numbers: Vec<Option<Pseudonym>>,
    units: Vec<Option<u32>>,
    unsaid: OtherNumbers,
    /// The rank of each row, one number a preference; the greater goes before.
    ranks: Vec<i64>,
    preferred: Vec<bool>,
}

impl DeliveredPersons {
    /// The content of its rows.
    pub(crate) fn persons<'a>(&self, people: &'a PersonTables) -> &'a PersonTable {
        &people.persons.tables[self.place]
    }

    /// The pseudonyms by which other tables of the delivery call a row: its own number, and its person's.
    pub(crate) fn called<'a>(
        &'a self,
        persons: &'a Persons,
        row: usize,
    ) -> impl Iterator<Item = Pseudonym> + 'a {
        let own = self.row_numbers.get(row).copied().flatten();
        let numbers = persons.numbers_known(persons.starts[self.place] + row as u32);
        let said = own.into_iter().chain(numbers.map(|number| persons.pseudonym(number)));
        said.chain(self.unsaid.numbers(row))
    }

    pub(crate) fn unit(&self, row: usize) -> Option<u32> {
        self.units.get(row).copied().flatten()
    }

    /// Whether the row is the one of its child that counts.
    pub(crate) fn is_preferred(&self, row: usize) -> bool {
        self.preferred.get(row).copied().unwrap_or(true)
    }
}

impl PersonTables {
    /// Reads them.
    pub(crate) fn read(
        matching: &Matching,
        delivered: &[Delivered],
        listed: (&HashSet<Pseudonym>, u64),
    ) -> Result<Self, MatchError> {
        let marked = Marked::read(matching, delivered, listed)?;
        let mut people = Self { marked, ..Self::default() };
        for (place, identity) in matching.identities.iter().enumerate() {
            let of_source = || delivered.iter().filter(|one| one.source == identity.source);
            people.check(identity, of_source().collect())?;
            for one in of_source() {
                people.add(matching, place, one)?;
            }
        }
        people.silence();
        Ok(people)
    }

    /// Leaves one number alone to rows of marked identities, and takes what stands beside it away from all other rows too. The
    /// deliveries' own tables go on to call rows by it.
    fn silence(&mut self) {
        let silenced = self.marked.silence(&mut self.persons);
        for (row, number) in silenced {
            let table = &mut self.tables[self.persons.table_place(row)];
            table.unsaid.add(self.persons.place_of(row), number);
        }
    }

    pub(crate) fn of_delivery(&self, delivery: u32) -> impl Iterator<Item = &DeliveredPersons> {
        self.tables.iter().filter(move |table| table.delivery == delivery)
    }

    /// A table of persons must have one column at least that says who they are; others may be absent, and are told.
    fn check(&mut self, identity: &Identity, delivered: Vec<&Delivered>) -> Result<(), MatchError> {
        let tables: Vec<_> =
            delivered.iter().filter_map(|one| one.table(&identity.table)).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let known = || tables.iter().flat_map(|table| &table.columns).map(|one| one.name.as_str());
        let has = |name: &&ColumnName| known().any(|known| known == name.as_str());
        let tell = identity.identifiers.iter().chain(&identity.match_keys);
        let (of_persons, absent): (Vec<&ColumnName>, Vec<&ColumnName>) = tell.partition(has);
        if of_persons.is_empty() {
            must_have((&identity.source, &identity.table), &tables, absent.iter().copied())?;
        }
        let others = [&identity.row, &identity.birth_date, &identity.name, &identity.sex];
        let others = others.into_iter().flatten();
        let others = others.chain(identity.prefer.iter().map(|one| &one.column));
        let absent = absent.into_iter().chain(others.filter(|name| !has(name)));
        let place = format!("{}/{}", identity.source, identity.table);
        self.missing.extend(absent.map(|name| format!("{place} has no column {name}")));
        Ok(())
    }

    fn add(
        &mut self,
        matching: &Matching,
        place: usize,
        one: &Delivered,
    ) -> Result<(), MatchError> {
        let identity = &matching.identities[place];
        let Some(entry) = one.table(&identity.table) else { return Ok(()) };
        let all = identity.identifiers.iter().chain(&identity.match_keys);
        let all = all.chain(&identity.birth_date).chain(&identity.name).chain(&identity.sex);
        let all =
            all.chain(&identity.row).chain(identity.from_age.iter().map(|one| &one.birth_year));
        let all = all.chain(identity.prefer.iter().map(|one| &one.column));
        let names = present(entry, all.map(ColumnName::as_str));
        self.persons.begin(PersonTable {
            source: identity.source.clone(),
            period: one.dataset.manifest().dataset.period.clone(),
            table: identity.table.clone(),
            delivery: one.place,
            register: matching.is_register(&identity.source),
            spine: identity.spine,
            numbers: identity.identifiers.len(),
            person_numbers: identity.places_of(&identity.person_numbers),
            match_keys: identity.match_keys.len(),
        });
        let mut table = DeliveredPersons {
            place: self.tables.len(),
            delivery: one.place,
            table: identity.table.clone(),
            identity: place,
            row_numbers: Vec::new(),
            units: Vec::new(),
            unsaid: OtherNumbers::default(),
            ranks: Vec::new(),
            preferred: Vec::new(),
        };
        let hasher = self.persons.codes().hasher().clone();
        let period = &one.dataset.manifest().dataset.period;
        let read = |_: usize, batch| {
            let mut read = PersonBatch::read(&batch, identity, &hasher)?;
            read.forget_of_the_young(&batch, identity, period)?;
            Ok(read)
        };
        let mut young = vec![0u64; identity.from_age.len()];
        let groups = one.dataset.row_groups_coded(&identity.table, Some(&names))?;
        in_order(&groups, cores(), read, |read: PersonBatch| {
            young.iter_mut().zip(&read.young).for_each(|(sum, more)| *sum += more);
            for row in 0..read.rows {
                let numbers = read.hashed.iter().take(identity.identifiers.len());
                let numbers = numbers.filter_map(|cells| *cells.get(row)?);
                if self.marked.any(numbers.map(HashedPseudonym::pseudonym)) {
                    self.marked.met(self.persons.len() as u32);
                }
                self.persons.add_hashed(read.cells(row), read.sex(row));
                if let Some(own) = &read.own {
                    table.row_numbers.push(own[row]);
                }
                if let Some(units) = &read.units {
                    table.units.push(units[row]);
                }
                table.ranks.extend(read.ranks.iter().map(|rank| rank[row]));
            }
            Ok::<_, MatchError>(())
        })?;
        self.tables.push(table);
        let found = identity.from_age.iter().zip(young).filter(|(_, rows)| *rows > 0);
        self.notes.extend(found.map(|(FromAge { column, age, .. }, rows)| {
            format!(
                "{}/{} of {period}: {rows} rows have a number in {column}, and the child is younger than {age}; it is not believed",
                identity.source, identity.table
            )
        }));
        Ok(())
    }

    /// Decides for each child which of its rows of a delivery counts.
    pub(crate) fn prefer(&mut self, matching: &Matching, children: &Children) {
        for table in &mut self.tables {
            let width = matching.identities[table.identity].prefer.len();
            if width == 0 {
                continue;
            }
            let of_row = children.of_table(table.place);
            let rank = |row: usize| &table.ranks[row * width..(row + 1) * width];
            let mut best: HashMap<u32, usize> = HashMap::new();
            for (row, child) in of_row.iter().enumerate() {
                let known = best.entry(*child).or_insert(row);
                if rank(row) > rank(*known) {
                    *known = row;
                }
            }
            table.preferred = vec![false; of_row.len()];
            best.into_values().for_each(|row| table.preferred[row] = true);
            table.ranks = Vec::new();
        }
    }
}

/// A batch of rows about persons, and what needs no other batch to be known of it.
struct PersonBatch {
    rows: usize,
    /// The cells of each column in the order of [`Persons::add_hashed`]; none where the delivery has no such column.
    hashed: Vec<Vec<Option<HashedPseudonym>>>,
    own: Option<Vec<Option<Pseudonym>>>,
    units: Option<Vec<Option<u32>>>,
    ranks: Vec<Vec<i64>>,
    sexes: Vec<Option<Sex>>,
    /// For each `from_age` the rows of younger children with such a number.
    young: Vec<u64>,
}

impl PersonBatch {
    fn read(
        batch: &RecordBatch,
        identity: &Identity,
        hasher: &PseudonymHasher,
    ) -> Result<Self, MatchError> {
        let pseudonyms =
            |name: Option<&ColumnName>| name.map_or(Ok(None), |name| column(batch, name));
        let hashed = |name: Option<&ColumnName>| {
            Ok(pseudonyms(name)?.map_or_else(Vec::new, |column| hasher.cells(column)))
        };
        let single = [identity.birth_date.as_ref(), identity.name.as_ref()];
        let columns = identity.identifiers.iter().map(Some).chain(single);
        let columns = columns.chain(identity.match_keys.iter().map(Some));
        let hashed = columns.map(hashed).collect::<Result<_, MatchError>>()?;
        let rows = batch.num_rows();
        let own = pseudonyms(identity.row.as_ref())?;
        let own = own.map(|own| (0..rows).map(|row| pseudonym(own, row)).collect());
        let units = batch.column_by_name(UNIT);
        let units = units.and_then(|units| units.as_any().downcast_ref::<UInt32Array>());
        let units = units.map(|units| units.iter().collect());
        let ranks = ranks(batch, &identity.prefer)?;
        let sexes = identity.sex.as_ref().map(|column| sexes(batch, column)).transpose()?;
        Ok(Self {
            rows,
            hashed,
            own,
            units,
            ranks,
            sexes: sexes.unwrap_or_default(),
            young: Vec::new(),
        })
    }

    /// Takes away numbers that no child so young has.
    fn forget_of_the_young(
        &mut self,
        batch: &RecordBatch,
        identity: &Identity,
        period: &Period,
    ) -> Result<(), MatchError> {
        for one in &identity.from_age {
            let mut young = 0;
            let place = identity.identifiers.iter().position(|column| *column == one.column);
            let cells = place.and_then(|place| self.hashed.get_mut(place));
            let born = batch.column_by_name(one.birth_year.as_str());
            if let (Some(cells), Some(born), Some(last)) =
                (cells, born, one.last_birth_year(period))
            {
                let born = whole(born, &one.birth_year)?;
                for (cell, born) in cells.iter_mut().zip(born.iter()) {
                    if born.is_some_and(|born| born > last) && cell.take().is_some() {
                        young += 1;
                    }
                }
            }
            self.young.push(young);
        }
        Ok(())
    }

    fn cells(&self, row: usize) -> impl Iterator<Item = Option<HashedPseudonym>> + '_ {
        self.hashed.iter().map(move |cells| cells.get(row).copied().flatten())
    }

    fn sex(&self, row: usize) -> Option<Sex> {
        self.sexes.get(row).copied().flatten()
    }
}

/// For each row the sex; nothing where the batch has no such column.
fn sexes(batch: &RecordBatch, column: &ColumnName) -> Result<Vec<Option<Sex>>, MatchError> {
    let Some(cells) = batch.column_by_name(column.as_str()) else { return Ok(Vec::new()) };
    let (codes, words) = coded(cells, column)?;
    let sexes: Vec<Option<Sex>> = words.iter().map(|word| word.and_then(Sex::of)).collect();
    Ok(codes.iter().map(|code| sexes[code? as usize]).collect())
}

/// A column of codes: for each row the place of its word.
pub(crate) fn coded<'a>(
    cells: &'a ArrayRef,
    column: &ColumnName,
) -> Result<(&'a Int32Array, &'a StringArray), MatchError> {
    let wrong = || MatchError::WrongType { column: column.clone(), expected: "text" };
    let coded = cells.as_any().downcast_ref::<DictionaryArray<Int32Type>>().ok_or_else(wrong)?;
    let words = coded.values().as_any().downcast_ref::<StringArray>().ok_or_else(wrong)?;
    Ok((coded.keys(), words))
}

/// For each preference, for each row: the greater goes before.
fn ranks(batch: &RecordBatch, prefer: &[Preference]) -> Result<Vec<Vec<i64>>, MatchError> {
    let rank = |preference: &Preference| -> Result<Vec<i64>, MatchError> {
        let rows = batch.num_rows();
        let Some(column) = batch.column_by_name(preference.column.as_str()) else {
            return Ok(vec![0; rows]);
        };
        if preference.order.is_empty() {
            let whole = whole(column, &preference.column)?;
            return Ok(whole.iter().map(|value| value.unwrap_or(i64::MIN)).collect());
        }
        let (codes, words) = coded(column, &preference.column)?;
        let place = |word: Option<&str>| {
            let place = preference.order.iter().position(|code| Some(code.as_str()) == word);
            -(place.unwrap_or(preference.order.len()) as i64)
        };
        let places: Vec<i64> = words.iter().map(place).collect();
        let rank = |code: Option<i32>| code.map_or(i64::MIN, |code| places[code as usize]);
        Ok(codes.iter().map(rank).collect())
    };
    prefer.iter().map(rank).collect()
}

pub(crate) fn columns<'a>(
    batch: &'a RecordBatch,
    names: &[ColumnName],
) -> Result<Vec<Option<&'a FixedSizeBinaryArray>>, MatchError> {
    names.iter().map(|name| column(batch, name)).collect()
}

/// A column of pseudonyms, where the batch has it.
pub(crate) fn column<'a>(
    batch: &'a RecordBatch,
    name: &ColumnName,
) -> Result<Option<&'a FixedSizeBinaryArray>, MatchError> {
    match batch.column_by_name(name.as_str()) {
        Some(_) => pseudonyms(batch, name).map(Some),
        None => Ok(None),
    }
}

fn pseudonyms<'a>(
    batch: &'a RecordBatch,
    name: &ColumnName,
) -> Result<&'a FixedSizeBinaryArray, MatchError> {
    let wrong = || MatchError::WrongType { column: name.clone(), expected: "pseudonyms" };
    let column = batch.column_by_name(name.as_str()).ok_or_else(wrong)?;
    let array = column.as_any().downcast_ref::<FixedSizeBinaryArray>().ok_or_else(wrong)?;
    if array.value_length() == Pseudonym::LEN as i32 { Ok(array) } else { Err(wrong()) }
}

/// A row's pseudonym.
pub(crate) fn pseudonym(column: &FixedSizeBinaryArray, row: usize) -> Option<Pseudonym> {
    let bytes = (!column.is_null(row)).then(|| column.value(row))?;
    bytes.try_into().ok().map(Pseudonym::from_bytes)
}
