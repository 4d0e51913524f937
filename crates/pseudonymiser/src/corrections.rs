//! Corrections that custodians decided (UK GDPR Article 16), as far as this delivery's children have one. A first reading learns them with
//! the tokens of the children; then the delivery is read again with them, so that a corrected cell is treated as if the service had
//! written it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use minster_model::{Kind, TableName};
use minster_vault_api::{
    Client, CorrectedCell, CorrectedValue, IdentifierBatch, MetCounts, Token, VaultError,
};

use crate::{slips::NumberAndBirthDate, treatment::PlannedColumn};

/// Pairs in one message.
const BATCH: usize = 32 << 10;
/// Stands for a child whose records were disposed of. No canonical number has such a byte.
pub(crate) const GONE: &[u8] = b"\0gone";

/// The child whom a number means beside a birth date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meant {
    /// The child with this token.
    Child(Token),
    /// One whose records were disposed of.
    Gone,
}

/// Numbers, by kind.
type Numbers = HashMap<Kind, HashSet<Box<[u8]>>>;
/// The children whom numbers mean, by number and birth date; nothing for those that mean their own.
type Answers = HashMap<(Box<[u8]>, Box<str>), Option<Meant>>;

/// Rows that a correction met.
#[derive(Default)]
struct Counters {
    old: AtomicU64,
    right: AtomicU64,
    third: AtomicU64,
}

/// A cell beside its correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Old,
    Right,
    Third,
}

/// A value of one child to correct.
struct Value {
    kind: Kind,
    number: Box<[u8]>,
    /// The birth date beside it, where the number is another child's too.
    born: Option<Box<str>>,
    correction: u32,
    table: TableName,
    cell: Arc<CorrectedCell>,
    met: Arc<Counters>,
}

/// The corrections of a run. Has no `Debug`: it holds raw identifiers.
#[derive(Default)]
pub(crate) struct RunCorrections {
    /// Whether the source has any.
    is_on: bool,
    beside: Arc<Numbers>,
    answers: HashMap<Kind, Answers>,
    values: Vec<Value>,
    met: BTreeMap<u32, Arc<Counters>>,
    /// Whether this reading learnt of one that it was not begun with.
    has_news: bool,
}

/// The corrections of one table's rows, by the places of its columns.
#[derive(Default)]
pub(crate) struct TableCorrections {
    /// Numbers that mean another child beside one birth date.
    pub(crate) beside: Arc<Numbers>,
    pub(crate) values: Vec<PlannedValue>,
}

/// A value to correct in a table's rows.
pub(crate) struct PlannedValue {
    pub(crate) kind: Kind,
    pub(crate) number: Box<[u8]>,
    /// The birth date beside it, where the number is another child's too.
    pub(crate) born: Option<Box<str>>,
    pub(crate) column: usize,
    /// The columns by whose texts the rows are chosen, in the order of the cell's.
    pub(crate) by: Vec<usize>,
    pub(crate) cell: Arc<CorrectedCell>,
    met: Arc<Counters>,
}

impl PlannedValue {
    /// Counts what a row says.
    pub(crate) fn note(&self, said: Said) {
        let counter = match said {
            Said::Old => &self.met.old,
            Said::Right => &self.met.right,
            Said::Third => &self.met.third,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl RunCorrections {
    /// Those of a new run, whose source has some or none.
    pub(crate) fn begin_run(is_on: bool) -> Self {
        Self { is_on, ..Self::default() }
    }

    /// The delivery is read from its beginning.
    pub(crate) fn begin_reading(&mut self) {
        self.has_news = false;
        for met in self.met.values() {
            [&met.old, &met.right, &met.third].iter().for_each(|of| of.store(0, Ordering::Relaxed));
        }
    }

    /// Whether the delivery must be read again: this reading knew too little. The next one tells the rest of its children.
    pub(crate) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Asks for the corrections of children whose tokens were learnt.
    pub(crate) fn learn(
        &mut self,
        kind: &Kind,
        identifiers: &[&[u8]],
        vault: &mut Client,
    ) -> Result<(), VaultError> {
        if !self.is_on || identifiers.is_empty() || kind.is_match_key() || kind.is_linkage() {
            return Ok(());
        }
        let mut batch = IdentifierBatch::default();
        identifiers.iter().for_each(|identifier| batch.push(identifier));
        let told = vault.corrections(kind, batch)?;
        self.has_news |= !told.beside.is_empty() || !told.values.is_empty();
        if !told.beside.is_empty() {
            let of_kind = Arc::make_mut(&mut self.beside).entry(kind.clone()).or_default();
            of_kind.extend(told.beside.iter().map(|at| Box::from(identifiers[*at as usize])));
        }
        for value in told.values {
            self.add(kind, (identifiers[value.place as usize], None), value);
        }
        Ok(())
    }

    fn add(&mut self, kind: &Kind, (number, born): (&[u8], Option<&str>), value: CorrectedValue) {
        let CorrectedValue { correction, table, cell, .. } = value;
        let met = Arc::clone(self.met.entry(correction).or_default());
        let (number, born) = (Box::from(number), born.map(Box::from));
        let (kind, cell) = (kind.clone(), Arc::new(cell));
        self.values.push(Value { kind, number, born, correction, table, cell, met });
    }

    /// Asks whom numbers mean beside birth dates, where it was not asked yet. Says whether one means a child whose records were disposed
    /// of.
    pub(crate) fn ask(
        &mut self,
        kind: &Kind,
        pairs: &BTreeSet<NumberAndBirthDate<'_>>,
        vault: &mut Client,
    ) -> Result<bool, VaultError> {
        let known = self.answers.entry(kind.clone()).or_default();
        let is_new = |(number, born): &&NumberAndBirthDate<'_>| {
            !known.contains_key(&(Box::from(*number), Box::from(*born)))
        };
        let new: Vec<&NumberAndBirthDate<'_>> = pairs.iter().filter(is_new).collect();
        let (mut is_gone, mut told) = (false, Vec::new());
        for part in new.chunks(BATCH) {
            let (mut numbers, mut born) = (IdentifierBatch::default(), IdentifierBatch::default());
            for (number, day) in part {
                numbers.push(number);
                born.push(day.as_bytes());
            }
            let (answers, values) = vault.correct_numbers(kind, numbers, born)?;
            told.extend(values.into_iter().map(|value| (*part[value.place as usize], value)));
            for ((number, day), answer) in part.iter().zip(answers) {
                let meant = answer.map(|token| token.map_or(Meant::Gone, Meant::Child));
                is_gone |= meant == Some(Meant::Gone);
                known.insert((Box::from(*number), Box::from(*day)), meant);
            }
        }
        self.has_news |= !told.is_empty();
        for ((number, day), value) in told {
            self.add(kind, (number, Some(day)), value);
        }
        Ok(is_gone)
    }

    /// The child whom a number means beside a birth date, where it is another's.
    pub(crate) fn meant(
        &self,
        kind: &Kind,
        (number, born): NumberAndBirthDate<'_>,
    ) -> Option<Meant> {
        let known = self.answers.get(kind)?;
        known.get(&(Box::from(number), Box::from(born))).copied().flatten()
    }

    /// Those of a table's rows.
    pub(crate) fn of_table(&self, name: &TableName, columns: &[PlannedColumn]) -> TableCorrections {
        let of_table = self.values.iter().filter(|of| of.table == *name);
        let planned = |of: &Value| {
            let by = of.cell.rows.iter().map(|(column, _)| place(columns, column));
            Some(PlannedValue {
                kind: of.kind.clone(),
                number: of.number.clone(),
                born: of.born.clone(),
                column: place(columns, &of.cell.column)?,
                by: by.collect::<Option<_>>()?,
                cell: Arc::clone(&of.cell),
                met: Arc::clone(&of.met),
            })
        };
        let values = of_table.filter_map(planned).collect();
        TableCorrections { beside: Arc::clone(&self.beside), values }
    }

    /// How many corrections no table has a place for.
    pub(crate) fn misplaced<'a>(
        &self,
        tables: impl Iterator<Item = (&'a TableName, &'a [PlannedColumn])> + Clone,
    ) -> u64 {
        let fits = |of: &Value| {
            let mut named = tables.clone().filter(|(name, _)| **name == of.table);
            let asked = of.cell.rows.iter().map(|(column, _)| column).chain([&of.cell.column]);
            named.any(|(_, columns)| asked.clone().all(|column| place(columns, column).is_some()))
        };
        let misplaced = self.values.iter().filter(|of| !fits(of)).map(|of| of.correction);
        misplaced.collect::<BTreeSet<u32>>().len() as u64
    }

    /// Tells the vault what the rows said; gives warnings for people.
    pub(crate) fn tell(
        &self,
        misplaced: u64,
        vault: &mut Client,
    ) -> Result<Vec<String>, VaultError> {
        if !self.is_on {
            return Ok(Vec::new());
        }
        let counts = |met: &Counters| MetCounts {
            old: met.old.load(Ordering::Relaxed),
            right: met.right.load(Ordering::Relaxed),
            third: met.third.load(Ordering::Relaxed),
        };
        let met = self.met.iter().map(|(correction, met)| (*correction, counts(met)));
        let MetCounts { old, right, third } = vault.tell_corrected(met.collect())?;
        let told = [
            (
                old,
                "corrected by custodians: the delivery still has the old number or value; have the service correct its records",
            ),
            (right, "right in the delivery: the service corrected its records as custodians did"),
            (
                third,
                "in doubt: a third value, which stays as delivered, or the wrong number and the right one in one delivery; tell the custodians (`minster-vault cases --all`)",
            ),
            (
                misplaced,
                "in a table or column that the definition lacks: custodians decide the correction anew",
            ),
        ];
        let entry = |count: u64| if count == 1 { "entry is" } else { "entries are" };
        let told = told.iter().filter(|(count, _)| *count > 0);
        Ok(told.map(|(count, what)| format!("{count} {} {what}", entry(*count))).collect())
    }
}

/// The place of a column whose cells are texts of their own.
fn place(columns: &[PlannedColumn], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.name == name && !column.is_drawn())
}
