//! Rows about persons, held as small codes: what the tables of persons say of who is who.

use ahash::HashSet;
use minster_model::{Period, Pseudonym, SourceName, TableName};

use crate::{
    pseudonym_codes::{HashedPseudonym, PseudonymCodes},
    small_set::NONE,
};

/// One row about one person. Every field but the sex is a keyed pseudonym.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonRow {
    /// Its numbers, in the order of the table's columns; in a register's table the current number comes first.
    pub numbers: Vec<Option<Pseudonym>>,
    /// The keyed birth date.
    pub birth_date: Option<Pseudonym>,
    /// The keyed name, without the birth date.
    pub name: Option<Pseudonym>,
    /// The sex.
    pub sex: Option<Sex>,
    /// Match keys, in the order in which they are tried.
    pub match_keys: Vec<Option<Pseudonym>>,
    /// Whether it is linked by its number alone, and what happens to its child's id is written down nowhere.
    pub exact_only: bool,
}

/// A child's sex, as a source gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// `F`
    Female,
    /// `M`
    Male,
}

impl Sex {
    /// Reads a code; any but these two says nothing.
    pub(crate) fn of(code: &str) -> Option<Self> {
        match code {
            "F" => Some(Self::Female),
            "M" => Some(Self::Male),
            _ => None,
        }
    }

    /// A code that is no pseudonym's.
    fn code(self) -> u32 {
        match self {
            Self::Female => NONE - 1,
            Self::Male => NONE - 2,
        }
    }
}

/// A table of persons in one delivery.
#[derive(Debug, Clone)]
pub struct PersonTable {
    /// The source.
    pub source: SourceName,
    /// The delivery's period.
    pub period: Period,
    /// The table.
    pub table: TableName,
    /// The delivery's place among the pipeline's.
    pub delivery: u32,
    /// Whether the source is the register of pupils, whose numbers are believed before any other's.
    pub register: bool,
    /// Whether its rows are pupils of the council's schools.
    pub spine: bool,
    /// Columns with numbers.
    pub numbers: usize,
    /// Those among them, by place, whose number is given to one person alone.
    pub person_numbers: Vec<usize>,
    /// Columns with match keys.
    pub match_keys: usize,
}

/// All rows about persons.
#[derive(Debug, Default)]
pub struct Persons {
    pub(crate) tables: Vec<PersonTable>,
    /// For each table, its first row.
    pub(crate) starts: Vec<u32>,
    /// Numbers, birth dates, names and match keys.
    codes: PseudonymCodes,
    /// For each row its table and where its cells begin.
    rows: Vec<(u16, u32)>,
    /// Numbers, birth date, name, match keys and sex, row after row.
    cells: Vec<u32>,
    /// Rows that are linked by their number alone.
    exact_only: HashSet<u32>,
    /// Services' rows that a marked identity's number stands on, and that are linked to nobody.
    nobody: HashSet<u32>,
}

/// The numbers that rows lost when numbers and match keys were silenced.
pub(crate) struct Silenced {
    /// The numbers that rows lost, each with its row.
    pub(crate) lost: Vec<(u32, Pseudonym)>,
    /// How many different numbers and match keys were taken.
    pub(crate) taken: [u64; 2],
    /// Rows that lost a match key.
    pub(crate) keyless: Vec<u32>,
}

impl Persons {
    /// Begins a table; the rows that follow are its rows, in order.
    pub fn begin(&mut self, table: PersonTable) {
        self.starts.push(self.rows.len() as u32);
        self.tables.push(table);
    }

    /// Adds a row of the table that was begun last; cells beyond the table's columns are left out.
    pub fn add(&mut self, row: &PersonRow) {
        let Some(table) = self.tables.len().checked_sub(1) else { return };
        let (numbers, keys) = (self.tables[table].numbers, self.tables[table].match_keys);
        if row.exact_only {
            self.exact_only.insert(self.rows.len() as u32);
        }
        let cell = |cells: &[Option<Pseudonym>], place: usize| cells.get(place).copied().flatten();
        let cells = (0..numbers).map(|place| cell(&row.numbers, place));
        let cells = cells.chain([row.birth_date, row.name]);
        let cells = cells.chain((0..keys).map(|place| cell(&row.match_keys, place)));
        let hasher = self.codes.hasher().clone();
        self.add_hashed(cells.map(|cell| cell.map(|pseudonym| hasher.hashed(pseudonym))), row.sex);
    }

    /// Adds a row whose cells were hashed before: numbers, birth date, name and match keys, as many as the table has columns.
    pub(crate) fn add_hashed(
        &mut self,
        cells: impl Iterator<Item = Option<HashedPseudonym>>,
        sex: Option<Sex>,
    ) {
        let Some(table) = self.tables.len().checked_sub(1) else { return };
        self.rows.push((table as u16, self.cells.len() as u32));
        let codes = &mut self.codes;
        self.cells.extend(cells.map(|cell| cell.map_or(NONE, |hashed| codes.add_hashed(hashed))));
        self.cells.push(sex.map_or(NONE, Sex::code));
    }

    /// Leaves a row one of its number columns, or none, and no match key: it is linked by this number alone. Gives the numbers and
    /// match keys that it lost.
    pub(crate) fn say_alone(
        &mut self,
        row: u32,
        said: Option<usize>,
    ) -> (Vec<Pseudonym>, Vec<Pseudonym>) {
        let (table, start) = (self.table_of(row), self.rows[row as usize].1 as usize);
        let (end, keys) = (start + table.numbers, table.match_keys);
        let said = said.map(|column| start + column);
        let mut lost = (Vec::new(), Vec::new());
        for place in (start..end).filter(|place| Some(*place) != said) {
            let number = std::mem::replace(&mut self.cells[place], NONE);
            lost.0.extend((number != NONE).then(|| self.codes.pseudonym(number)));
        }
        for place in end + 2..end + 2 + keys {
            let key = std::mem::replace(&mut self.cells[place], NONE);
            lost.1.extend((key != NONE).then(|| self.codes.pseudonym(key)));
        }
        self.exact_only.insert(row);
        if said.is_none() && !self.table_of(row).register {
            self.nobody.insert(row);
        }
        lost
    }

    /// Takes numbers and match keys away from all rows, but for the current numbers of the register; rows that lose one are
    /// linked by what is left to them alone, and by no score.
    pub(crate) fn silence(
        &mut self,
        numbers: &HashSet<Pseudonym>,
        keys: &HashSet<Pseudonym>,
    ) -> Silenced {
        let codes = |of: &HashSet<Pseudonym>| -> HashSet<u32> {
            of.iter().filter_map(|one| self.codes.code(one)).collect()
        };
        let (mut numbers, keys) = (codes(numbers), codes(keys));
        for row in self.all().filter(|row| self.table_of(*row).register) {
            numbers.remove(&self.current(row));
        }
        let (mut lost, mut keyless) = (Vec::new(), Vec::new());
        let (mut taken_numbers, mut taken_keys) = (HashSet::default(), HashSet::default());
        for row in self.all() {
            let (table, start) = (self.table_of(row), self.rows[row as usize].1 as usize);
            let (end, width) = (start + table.numbers, table.match_keys);
            let mut loses = false;
            for cell in &mut self.cells[start..end] {
                if numbers.contains(cell) {
                    lost.push((row, self.codes.pseudonym(*cell)));
                    taken_numbers.insert(std::mem::replace(cell, NONE));
                    loses = true;
                }
            }
            for cell in &mut self.cells[end + 2..end + 2 + width] {
                if keys.contains(cell) {
                    taken_keys.insert(std::mem::replace(cell, NONE));
                    loses = true;
                    if keyless.last() != Some(&row) {
                        keyless.push(row);
                    }
                }
            }
            if loses {
                self.exact_only.insert(row);
            }
        }
        let taken = [taken_numbers.len() as u64, taken_keys.len() as u64];
        Silenced { lost, taken, keyless }
    }

    /// The code of each pseudonym.
    pub(crate) fn codes(&self) -> &PseudonymCodes {
        &self.codes
    }

    /// The pseudonym with a code.
    pub(crate) fn pseudonym(&self, code: u32) -> Pseudonym {
        self.codes.pseudonym(code)
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.rows.len() as u32
    }

    /// The rows that are.
    pub(crate) fn exact_only_rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.exact_only.iter().copied()
    }

    /// The code of a number, name or match key that some row has or had.
    pub(crate) fn code_of(&self, pseudonym: &Pseudonym) -> Option<u32> {
        self.codes.code(pseudonym)
    }

    /// Whether the row is linked by its number alone.
    pub(crate) fn is_exact_only(&self, row: u32) -> bool {
        self.exact_only.contains(&row)
    }

    /// Whether the row is linked to nobody, since a marked identity's number stands on it and it may be another child's.
    pub(crate) fn is_nobody_s(&self, row: u32) -> bool {
        self.nobody.contains(&row)
    }

    pub(crate) fn table_of(&self, row: u32) -> &PersonTable {
        &self.tables[self.rows[row as usize].0 as usize]
    }

    /// The place of the row's table.
    pub(crate) fn table_place(&self, row: u32) -> usize {
        self.rows[row as usize].0 as usize
    }

    /// The row's place in its table, from 0.
    pub(crate) fn place_of(&self, row: u32) -> u32 {
        row - self.starts[self.rows[row as usize].0 as usize]
    }

    pub(crate) fn numbers(&self, row: u32) -> &[u32] {
        let start = self.rows[row as usize].1 as usize;
        &self.cells[start..start + self.table_of(row).numbers]
    }

    /// The number that comes first: in the register the current one, if there is one.
    pub(crate) fn first_number(&self, row: u32) -> u32 {
        match self.table_of(row).register {
            true => self.current(row),
            false => self.numbers_known(row).next().unwrap_or(NONE),
        }
    }

    /// The register's current number.
    pub(crate) fn current(&self, row: u32) -> u32 {
        self.numbers(row).first().copied().unwrap_or(NONE)
    }

    pub(crate) fn birth(&self, row: u32) -> u32 {
        self.cells[self.rows[row as usize].1 as usize + self.table_of(row).numbers]
    }

    pub(crate) fn name(&self, row: u32) -> u32 {
        self.cells[self.rows[row as usize].1 as usize + self.table_of(row).numbers + 1]
    }

    pub(crate) fn keys(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        let (table, start) = (self.table_of(row), self.rows[row as usize].1 as usize);
        let start = start + table.numbers + 2;
        self.cells[start..start + table.match_keys].iter().copied().filter(|key| *key != NONE)
    }

    pub(crate) fn sex(&self, row: u32) -> u32 {
        let (table, start) = (self.table_of(row), self.rows[row as usize].1 as usize);
        self.cells[start + table.numbers + 2 + table.match_keys]
    }

    pub(crate) fn numbers_known(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.numbers(row).iter().copied().filter(|number| *number != NONE)
    }
}
