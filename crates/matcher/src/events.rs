//! Rows of a table, each given to its child, and the summaries of all columns that the table fills: one pass.
//!
//! A row belongs to the child of its person's row in the same delivery, however that person was found. Where the source
//! has no table of persons, its number alone says which child it is about. A table with a key counts one event once: what
//! a later delivery says of it stands.

use std::hash::{BuildHasher, Hasher};

use ahash::{HashMap, HashMapExt, HashSet, HashSetExt};
use arrow::{
    array::{Array, DictionaryArray, FixedSizeBinaryArray, RecordBatch, UInt32Array},
    datatypes::Int32Type,
};
use minster_model::{ColumnName, Pseudonym, SourceName, TableName};
use minster_store::{Dataset, TableEntry, UNIT};

use crate::{
    MatchError,
    children::{Children, Linkage, Number},
    definition::{Identity, Matching, SummaryColumn},
    people::{People, TablePeople, column, pseudonym},
    report::{Linked, TableLinkage},
    summary::{Summariser, Taken, whole},
};

/// A delivery's dataset: its place among the pipeline's, and what it is of.
pub(crate) struct Delivered {
    pub(crate) place: u32,
    pub(crate) source: SourceName,
    pub(crate) dataset: Dataset,
}

impl Delivered {
    pub(crate) fn table(&self, name: &TableName) -> Option<&TableEntry> {
        self.dataset.manifest().tables.iter().find(|table| table.name == *name)
    }
}

/// Those of the wanted columns that a table has, and its number of units, each once.
pub(crate) fn present<'n>(
    table: &TableEntry,
    wanted: impl Iterator<Item = &'n str>,
) -> Vec<&'n str> {
    let mut names: Vec<&str> = Vec::new();
    for name in wanted.chain([UNIT]) {
        if table.columns.iter().any(|column| column.name == name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// All columns that one table fills by one column of numbers.
pub(crate) struct Pass<'a> {
    pub(crate) matching: &'a Matching,
    pub(crate) children: &'a Children,
    pub(crate) people: &'a People,
    pub(crate) source: &'a SourceName,
    pub(crate) table: &'a TableName,
    pub(crate) child: Option<&'a ColumnName>,
    pub(crate) columns: Vec<&'a SummaryColumn>,
}

/// What a pass gathered.
pub(crate) struct Passed {
    /// One a column.
    pub(crate) summarisers: Vec<Summariser>,
    pub(crate) linkage: TableLinkage,
    /// Children that a row of the source is about.
    pub(crate) present: Vec<bool>,
    /// For each column and condition, the values that no row has.
    pub(crate) unmet: Vec<Vec<HashMap<String, bool>>>,
}

/// How a row is known to be about a child.
#[derive(Clone, Copy)]
struct Resolved {
    child: Option<u32>,
    preferred: bool,
    linkage: Linkage,
}

/// Why events were not told apart within a child: the table is read again, and all of its events are remembered.
struct Scattered;

/// Events that were met.
enum Met {
    /// The child's whose rows are being read: the rows of a child stand together.
    OfOneChild { child: u32, events: HashSet<u64>, done: Vec<bool> },
    /// Of all children.
    OfAll(HashSet<(u32, u64)>),
}

impl Met {
    /// Whether the event is new.
    fn is_new(&mut self, child: u32, event: u64) -> Result<bool, Scattered> {
        match self {
            Self::OfAll(events) => Ok(events.insert((child, event))),
            Self::OfOneChild { child: now, events, done } => {
                if *now != child {
                    if let Some(before) = done.get_mut(*now as usize) {
                        *before = true;
                    }
                    if done[child as usize] {
                        return Err(Scattered);
                    }
                    events.clear();
                    *now = child;
                }
                Ok(events.insert(event))
            }
        }
    }
}

impl Pass<'_> {
    /// Reads the table in all deliveries of its source.
    pub(crate) fn run(&self, delivered: &[Delivered]) -> Result<Passed, MatchError> {
        let of_source = || {
            let has =
                |one: &&Delivered| one.source == *self.source && one.table(self.table).is_some();
            delivered.iter().filter(has)
        };
        self.check(delivered)?;
        let children = self.children.names().len();
        // One delivery, its rows child by child: the events of one child are remembered at a time.
        if of_source().count() == 1 {
            let done = vec![false; children];
            let met = Met::OfOneChild { child: u32::MAX, events: HashSet::new(), done };
            if let Ok(passed) = self.all(of_source(), met)? {
                return Ok(passed);
            }
        }
        match self.all(of_source(), Met::OfAll(HashSet::new()))? {
            Ok(passed) => Ok(passed),
            Err(Scattered) => Err(MatchError::Events),
        }
    }

    fn all<'d>(
        &self,
        delivered: impl DoubleEndedIterator<Item = &'d Delivered>,
        mut met: Met,
    ) -> Result<Result<Passed, Scattered>, MatchError> {
        let children = self.children.names().len();
        let summariser = |column: &&SummaryColumn| {
            Summariser::new(column.summary.clone(), column.blank, children)
        };
        let mut passed = Passed {
            summarisers: self.columns.iter().map(summariser).collect(),
            linkage: TableLinkage::new(self.source.as_str(), self.table.as_str()),
            present: vec![false; children],
            unmet: self
                .columns
                .iter()
                .map(|column| vec![HashMap::new(); column.conditions.len()])
                .collect(),
        };
        // The latest delivery first: what it says of an event stands.
        for one in delivered.rev() {
            if self.one(one, &mut met, &mut passed)?.is_err() {
                return Ok(Err(Scattered));
            }
        }
        Ok(Ok(passed))
    }

    fn one(
        &self,
        one: &Delivered,
        met: &mut Met,
        passed: &mut Passed,
    ) -> Result<Result<(), Scattered>, MatchError> {
        let Some(entry) = one.table(self.table) else { return Ok(Ok(())) };
        let identity = self.matching.identity(self.source, self.table);
        let key: Option<Vec<&str>> =
            entry.key.as_ref().map(|key| key.iter().map(String::as_str).collect());
        let wanted = self.columns.iter().flat_map(|column| {
            let tested = column.conditions.iter().flat_map(|condition| condition.columns());
            column.summary.columns().into_iter().chain(tested)
        });
        let wanted = wanted.chain(self.child).map(ColumnName::as_str);
        let names = present(entry, wanted.chain(key.iter().flatten().copied()));
        let own = OwnPeople::new(self, one, identity);
        // In a delivery of its own, an event that a later one has as well was there all the same.
        let mut here: HashSet<(u32, u64)> = HashSet::new();
        let is_here = self.columns.iter().any(|column| column.present_in().is_some());
        let in_period = |column: &SummaryColumn| {
            let period = &one.dataset.manifest().dataset.period;
            column.present_in().is_none_or(|wanted| wanted == period)
        };
        let mut linked = Linked::default();
        let mut first = 0u32;
        for batch in one.dataset.table_coded(self.table, Some(&names))? {
            let batch = batch?;
            let resolved = own.resolve(&batch, first)?;
            first += batch.num_rows() as u32;
            let mut events: Vec<(Taken, bool, bool)> = Vec::with_capacity(batch.num_rows());
            let hashes = match &key {
                Some(key) if !(key.is_empty() && identity.is_some()) => Some(hashes(&batch, key)?),
                _ => None,
            };
            for (row, resolved) in resolved.into_iter().enumerate() {
                if identity.is_none() {
                    linked.count(resolved.linkage);
                }
                let Some(child) = resolved.child else { continue };
                passed.present[child as usize] = true;
                let (mut is_new, mut is_new_here) = (true, true);
                if let Some(hashes) = &hashes {
                    is_new = match met.is_new(child, hashes[row]) {
                        Ok(is_new) => is_new,
                        Err(scattered) => return Ok(Err(scattered)),
                    };
                    is_new_here = !is_here || here.insert((child, hashes[row]));
                    linked.superseded += u64::from(!is_new);
                }
                events.push((
                    Taken { row, child, preferred: resolved.preferred },
                    is_new,
                    is_new_here,
                ));
            }
            for (place, column) in self.columns.iter().enumerate() {
                if !in_period(column) {
                    continue;
                }
                let mut passes = vec![true; batch.num_rows()];
                for (condition, met) in column.conditions.iter().zip(&mut passed.unmet[place]) {
                    let of = condition.passes(&batch, &self.matching.groups)?;
                    passes.iter_mut().zip(of).for_each(|(passes, of)| *passes &= of);
                    condition.look_for_values(&batch, met)?;
                }
                let chosen = identity.is_some_and(|identity| !identity.prefer.is_empty());
                let rows = events.iter().filter(|(taken, is_new, is_new_here)| {
                    let is_new = if column.present_in().is_some() { is_new_here } else { is_new };
                    *is_new && passes[taken.row] && (!chosen || taken.preferred)
                });
                passed.summarisers[place].add(&batch, one.place, rows.map(|(taken, ..)| *taken))?;
            }
        }
        passed.linkage.add(&one.dataset.manifest().dataset.period, linked);
        Ok(Ok(()))
    }

    /// The columns that are named must stand in one delivery at least, and a period that is named must be one.
    fn check(&self, delivered: &[Delivered]) -> Result<(), MatchError> {
        let of_source = || delivered.iter().filter(|one| one.source == *self.source);
        // A source whose deliveries were all left out, or a table that none of them has, fills nothing.
        let tables: Vec<&TableEntry> =
            of_source().filter_map(|one| one.table(self.table)).collect();
        if tables.is_empty() {
            let mut others = of_source().flat_map(|one| &one.dataset.manifest().tables).peekable();
            return match others.peek() {
                None => Ok(()),
                Some(_) => Err(MatchError::NoTable {
                    source_name: self.source.clone(),
                    table: self.table.clone(),
                    nearest: nearest(self.table.as_str(), others.map(|table| table.name.as_str())),
                }),
            };
        }
        let by_unit =
            tables.iter().flat_map(|table| &table.columns).any(|column| column.name == UNIT);
        let of_persons = self.matching.identity(self.source, self.table).is_some();
        if let (None, false, false, Some(column)) =
            (self.child, by_unit, of_persons, self.columns.first())
        {
            return Err(MatchError::Condition {
                column: column.name.clone(),
                why: "`child` must name the column that says which child a row is about".into(),
            });
        }
        for column in &self.columns {
            for condition in &column.conditions {
                condition
                    .check(&self.matching.groups)
                    .map_err(|why| MatchError::Condition { column: column.name.clone(), why })?;
            }
            let tested = column.conditions.iter().flat_map(|condition| condition.columns());
            let wanted = column.summary.columns().into_iter().chain(tested).chain(&column.child);
            for name in wanted {
                let known = || {
                    tables
                        .iter()
                        .flat_map(|table| &table.columns)
                        .map(|column| column.name.as_str())
                };
                if !known().any(|known| known == name.as_str()) {
                    return Err(MatchError::NoColumn {
                        source_name: self.source.clone(),
                        table: self.table.clone(),
                        column: name.clone(),
                        nearest: nearest(name.as_str(), known()),
                    });
                }
            }
            if let Some(period) = column.present_in() {
                let periods =
                    || of_source().map(|one| one.dataset.manifest().dataset.period.as_str());
                if !periods().any(|known| known == period.as_str()) {
                    return Err(MatchError::NoPeriod {
                        column: column.name.clone(),
                        source_name: self.source.clone(),
                        nearest: nearest(period.as_str(), periods()),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The persons of one delivery, by what its other tables call them.
struct OwnPeople<'a> {
    children: &'a Children,
    child: Option<&'a ColumnName>,
    /// Where the rows are persons' own.
    own: Option<&'a TablePeople>,
    /// The source has a table of persons, so that an event without one is an orphan.
    has_persons: bool,
    by_number: HashMap<Pseudonym, Option<(u32, bool)>>,
    by_unit: HashMap<u32, (u32, bool)>,
}

impl<'a> OwnPeople<'a> {
    fn new(pass: &'a Pass<'_>, one: &Delivered, identity: Option<&Identity>) -> Self {
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
        Self { children: pass.children, child: pass.child, own, has_persons, by_number, by_unit }
    }

    /// The child of each row of a batch; `first` is the place of its first row in the table.
    fn resolve(&self, batch: &RecordBatch, first: u32) -> Result<Vec<Resolved>, MatchError> {
        if let Some(table) = self.own {
            let children = self.children.of_table(table.place);
            let linkage = self.children.linkage_of_table(table.place);
            let own = |row: usize| {
                let row = first as usize + row;
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
            let on_spine = self.children.on_spine()[child as usize];
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

/// One number a row, made of its key's cells: equal cells give equal numbers. Of two events of one child, the chance that
/// they are taken for one is one in 10¹⁹.
fn hashes(batch: &RecordBatch, key: &[&str]) -> Result<Vec<u64>, MatchError> {
    let state = ahash::RandomState::with_seeds(1, 2, 3, 4);
    let mut hashers: Vec<_> = (0..batch.num_rows()).map(|_| state.build_hasher()).collect();
    for name in key {
        let Some(column) = batch.column_by_name(name) else {
            hashers.iter_mut().for_each(|hasher| hasher.write_u8(0));
            continue;
        };
        if let Some(coded) = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>() {
            let words = coded.values().as_any().downcast_ref::<arrow::array::StringArray>();
            for (row, hasher) in hashers.iter_mut().enumerate() {
                match (coded.is_valid(row), words) {
                    (true, Some(words)) => {
                        hasher.write(words.value(coded.keys().value(row) as usize).as_bytes())
                    }
                    _ => hasher.write_u8(0),
                }
                hasher.write_u8(0xff);
            }
        } else if let Some(bytes) = column.as_any().downcast_ref::<FixedSizeBinaryArray>() {
            for (row, hasher) in hashers.iter_mut().enumerate() {
                hasher.write(if bytes.is_valid(row) { bytes.value(row) } else { &[] });
                hasher.write_u8(0xff);
            }
        } else {
            let whole = whole(column, &name.parse().map_err(|_| MatchError::Name)?)?;
            for (row, hasher) in hashers.iter_mut().enumerate() {
                match whole.is_valid(row) {
                    true => hasher.write_i64(whole.value(row)),
                    false => hasher.write_u8(0),
                }
                hasher.write_u8(0xff);
            }
        }
    }
    Ok(hashers.into_iter().map(|hasher| hasher.finish()).collect())
}

/// The known name that is most like a wrong one.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let like = |name: &str| (strsim::jaro_winkler(wrong, name) * 1e6) as u64;
    known.max_by_key(|name| like(name)).unwrap_or_default().to_owned()
}
