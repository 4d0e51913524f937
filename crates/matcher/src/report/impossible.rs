//! Linked rows say of a pupil what no child can be: two birth dates, two sexes, two schools at once, an event before birth. Each is
//! either a wrong link or a wrong record. Wrong links that contradict nothing are not seen, so this is no estimate of all.

use std::collections::{BTreeMap, BTreeSet};

use ahash::{HashMap, HashMapExt, HashSet};
use arrow::array::{Array, Date32Array};
use minster_model::{ColumnName, Day, TableName};
use minster_store::Dataset;
use serde::Serialize;

use super::{
    linked_rows::{ChildNumbers, PersonRows},
    settings::{OneAtOnce, Reporting},
};
use crate::{
    MatchError,
    condition::{Limits, all_pass},
    definition::Matching,
    events::{Delivered, present},
    person_tables::{DeliveredPersons, column, pseudonym},
    small_set::NONE,
    values::{NumericColumn, TextCodes, whole},
};

/// Pupils of whom linked rows say something impossible.
#[derive(Debug, Clone, Serialize)]
pub struct Impossible {
    /// A stable name; of `[[report.one_at_once]]` the definition's.
    pub name: String,
    /// How it was looked for.
    pub how: String,
    /// Pupils of whom it is true.
    pub pupils: u64,
    /// Pupils of whom it could have been seen: with two rows that say something; of `one_at_once`, with one that counts.
    pub of: u64,
    /// Pupils of whom it is true, by source: those with a row of the source among the rows that say it.
    pub sources: BTreeMap<String, u64>,
}

/// All of them, and pupils of whom one is true at least.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImpossibleFacts {
    /// Each by itself.
    pub each: Vec<Impossible>,
    /// Pupils of whom one is true, or more.
    pub pupils: u64,
    /// Pupils of whom one could have been seen.
    pub of: u64,
}

/// The data that are looked at.
pub(crate) struct ReportData<'a> {
    pub(crate) matching: &'a Matching,
    pub(crate) rows: &'a PersonRows<'a>,
    /// The tables of persons of the period's own deliveries.
    pub(crate) tables: &'a [&'a DeliveredPersons],
    pub(crate) delivered: &'a [Delivered],
    pub(crate) integrated: &'a Dataset,
    pub(crate) children: &'a ChildNumbers,
    /// One for each child, in the order of their places.
    pub(crate) on_spine: &'a [bool],
    pub(crate) days: Option<(Day, Day)>,
}

/// The values in each pupil's rows, each with the sources of the rows.
#[derive(Default)]
struct ValuesOfPupils(HashMap<u32, BTreeMap<i64, BTreeSet<String>>>);

impl ValuesOfPupils {
    fn add(&mut self, child: u32, value: i64, source: &str) {
        let sources = self.0.entry(child).or_default().entry(value).or_default();
        if !sources.contains(source) {
            sources.insert(source.to_owned());
        }
    }
}

/// Pupils of whom it could be seen, pupils of whom it is true, and the rows' sources.
#[derive(Default)]
struct Occurrences {
    could: HashSet<u32>,
    are: HashMap<u32, BTreeSet<String>>,
}

impl Occurrences {
    fn entry(self, name: &str, how: String, all: &mut (HashSet<u32>, HashSet<u32>)) -> Impossible {
        all.0.extend(self.could.iter());
        all.1.extend(self.are.keys());
        let mut sources: BTreeMap<String, u64> = BTreeMap::new();
        for source in self.are.values().flatten() {
            *sources.entry(source.clone()).or_default() += 1;
        }
        let (pupils, of) = (self.are.len() as u64, self.could.len() as u64);
        Impossible { name: name.to_owned(), how, pupils, of, sources }
    }
}

impl ReportData<'_> {
    pub(crate) fn floor(&self, reporting: &Reporting) -> Result<ImpossibleFacts, MatchError> {
        let mut all = (HashSet::default(), HashSet::default());
        let persons = &self.rows.people.persons;
        let births = self.two(|row| persons.birth(row)).entry(
            "two-birth-dates",
            "linked rows of the period, of all sources, give a pupil two birth dates".to_owned(),
            &mut all,
        );
        let sexes = self.two(|row| persons.sex(row)).entry(
            "two-sexes",
            "linked rows of the period, of all sources, give a pupil two sexes".to_owned(),
            &mut all,
        );
        let mut each = vec![births, sexes];
        for one in &reporting.one_at_once {
            let how = format!(
                "rows of one delivery of {}/{} give a pupil two values of {}",
                one.source, one.table, one.column
            );
            each.push(self.two_at_once(one)?.entry(&one.name, how, &mut all));
        }
        if let Some(birth_year) = &reporting.birth_year {
            let years = self.birth_years(birth_year)?;
            for table in &self.matching.events {
                if table.date.is_none() {
                    continue;
                }
                let how = format!(
                    "an event of {} is of a year before every year of birth that the register gives the pupil",
                    table.name
                );
                let seen = self.before_birth(&table.name, table.source.as_str(), &years)?;
                each.push(seen.entry(&format!("{}-before-birth", table.name), how, &mut all));
            }
        }
        Ok(ImpossibleFacts { each, pupils: all.1.len() as u64, of: all.0.len() as u64 })
    }

    fn is_pupil(&self, child: u32) -> bool {
        self.on_spine.get(child as usize).copied().unwrap_or(false)
    }

    /// Pupils whose linked rows give two values.
    fn two(&self, of: impl Fn(u32) -> u32) -> Occurrences {
        let mut said = ValuesOfPupils::default();
        let mut rows_of: HashMap<u32, u32> = HashMap::new();
        for table in self.tables {
            let source = table.persons(self.rows.people).source.as_str();
            for row in self.rows.of_table(table) {
                let (child, value) = (self.rows.child[row as usize], of(row));
                if value == NONE || !self.rows.is_linked(row) || !self.is_pupil(child) {
                    continue;
                }
                said.add(child, i64::from(value), source);
                *rows_of.entry(child).or_default() += 1;
            }
        }
        let mut seen = Occurrences::default();
        seen.could.extend(rows_of.iter().filter(|of| *of.1 > 1).map(|of| of.0));
        for (child, values) in said.0 {
            if values.len() > 1 {
                seen.are.insert(child, values.into_values().flatten().collect());
            }
        }
        seen
    }

    /// Pupils of whom rows of one delivery give two values of a column.
    fn two_at_once(&self, one: &OneAtOnce) -> Result<Occurrences, MatchError> {
        let conditions: Result<Vec<(_, Limits)>, String> = (one.conditions.iter())
            .map(|condition| Ok((condition, condition.limits(self.days)?)))
            .collect();
        let conditions =
            conditions.map_err(|why| MatchError::Condition { column: one.column.clone(), why })?;
        let mut seen = Occurrences::default();
        for table in self.tables {
            let of = table.persons(self.rows.people);
            if of.source != one.source || of.table != one.table {
                continue;
            }
            let Some(delivered) = self.delivered.iter().find(|of| of.place == table.delivery)
            else {
                continue;
            };
            let Some(entry) = delivered.table(&one.table) else { continue };
            let names = present(entry, one.columns().map(ColumnName::as_str));
            let (mut words, mut place) = (TextCodes::default(), self.rows.of_table(table).start);
            let mut said: HashMap<u32, (i64, bool)> = HashMap::new();
            for batch in delivered.dataset.table_coded(&one.table, Some(&names))? {
                let batch = batch?;
                let passes = all_pass(&conditions, &batch, &self.matching.groups)?;
                let values = NumericColumn::of(&batch, &one.column, &mut words)?;
                for (row, passes) in passes.into_iter().enumerate() {
                    let (child, linked) =
                        (self.rows.child[place as usize], self.rows.is_linked(place));
                    place += 1;
                    let Some(value) = values.at(row).filter(|_| passes && linked) else { continue };
                    let said = said.entry(child).or_insert((value, false));
                    said.1 |= said.0 != value;
                }
            }
            for (child, (_, differ)) in said {
                seen.could.insert(child);
                if differ {
                    seen.are.insert(child, BTreeSet::from([one.source.to_string()]));
                }
            }
        }
        Ok(seen)
    }

    /// For each pupil the first day of the first year of birth that the register gives.
    fn birth_years(&self, birth_year: &ColumnName) -> Result<HashMap<u32, i64>, MatchError> {
        let mut years: HashMap<u32, i64> = HashMap::new();
        for table in self.tables.iter().filter(|table| table.persons(self.rows.people).spine) {
            let Some(delivered) = self.delivered.iter().find(|of| of.place == table.delivery)
            else {
                continue;
            };
            let Some(entry) = delivered.table(&table.table) else { continue };
            if !entry.columns.iter().any(|column| column.name == birth_year.as_str()) {
                continue;
            }
            let mut place = self.rows.of_table(table).start;
            for batch in
                delivered.dataset.table_coded(&table.table, Some(&[birth_year.as_str()]))?
            {
                let batch = batch?;
                let found = NumericColumn::whole(&batch, birth_year)?;
                for row in 0..batch.num_rows() {
                    let first = |year: i64| Day::of(i16::try_from(year).ok()?, 1, 1);
                    if let Some(Day(day)) = found.at(row).and_then(first) {
                        let day = i64::from(day);
                        let known = years.entry(self.rows.child[place as usize]).or_insert(day);
                        *known = (*known).min(day);
                    }
                    place += 1;
                }
            }
        }
        Ok(years)
    }

    fn before_birth(
        &self,
        table: &TableName,
        source: &str,
        years: &HashMap<u32, i64>,
    ) -> Result<Occurrences, MatchError> {
        let mut seen = Occurrences::default();
        let manifest = self.integrated.manifest();
        let has_days = manifest.tables.iter().any(|entry| {
            entry.name == *table && entry.columns.iter().any(|column| column.name == "date")
        });
        if !has_days {
            return Ok(seen);
        }
        let (date, child): (ColumnName, ColumnName) = (
            "date".parse().map_err(|_| MatchError::Name)?,
            "child".parse().map_err(|_| MatchError::Name)?,
        );
        for batch in self.integrated.table_coded(table, Some(&["child", "date"]))? {
            let batch = batch?;
            let Some(ids) = column(&batch, &child)? else { continue };
            let Some(days) = batch.column_by_name("date") else { continue };
            // A column in which no delivery had a day holds none.
            if days.as_any().downcast_ref::<Date32Array>().is_none() {
                continue;
            }
            let days = whole(days, &date)?;
            for row in 0..batch.num_rows() {
                let place = pseudonym(ids, row).and_then(|id| self.children.get(&id));
                let Some(place) = place.filter(|place| self.is_pupil(*place)) else { continue };
                let (Some(born), true) = (years.get(&place), days.is_valid(row)) else { continue };
                seen.could.insert(place);
                if days.value(row) < *born {
                    seen.are.insert(place, BTreeSet::from([source.to_owned()]));
                }
            }
        }
        Ok(seen)
    }
}
