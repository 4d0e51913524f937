//! Facts of persons in a delivery's rows, for the retention schedule: the cells that are told to the vault, and those told already.

use std::collections::{BTreeSet, HashSet};

use jiff::civil::Date;
use minster_model::{Kind, SourceName};
use minster_retention::{CategoryName, Event, Record, Schedule};
use minster_sources::{Part, Table};
use minster_vault_api::{Client, PersonFacts, Token, ToldDate, VaultError};

use crate::{IngestError, treatment::PlannedColumn};

/// Bytes of facts in one message.
const BATCH_BYTES: usize = 1 << 20;

/// The cells of a table's rows that tell of persons, by their columns' places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedFacts {
    /// The person's own numbers.
    pub(crate) own: Vec<usize>,
    pub(crate) dates: Vec<(Event, usize)>,
    /// The rows that count: those with one of these cells, in upper case.
    pub(crate) condition: Option<(usize, BTreeSet<String>)>,
    pub(crate) category: Option<CategoryName>,
}

/// The facts of a person in one row. Has no `Debug`: it holds birth dates.
#[derive(Default, PartialEq, Eq, Hash)]
pub(crate) struct RowFacts<'a> {
    pub(crate) category: Option<&'a CategoryName>,
    pub(crate) own: Vec<Token>,
    pub(crate) beside: Vec<Token>,
    pub(crate) dates: Vec<(Event, ToldDate)>,
}

/// A schedule as it is read for one source.
#[derive(Clone, Copy)]
pub(crate) struct SourceSchedule<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) source: &'a SourceName,
}

impl SourceSchedule<'_> {
    /// Whether numbers of a kind are a person's own.
    pub(crate) fn is_own(&self, kind: &Kind) -> bool {
        self.schedule.person_of(kind).is_some()
    }

    /// The cells that are told of a table's rows.
    ///
    /// # Errors
    /// Where the schedule names a column that the definition does not.
    pub(crate) fn of_table(
        &self,
        table: &Table,
        columns: &[PlannedColumn],
    ) -> Result<Vec<PlannedFacts>, IngestError> {
        let records = self.schedule.records(self.source);
        let records = records.filter(|record| record.table == table.name);
        records.map(|record| self.of_record(record, table, columns)).collect()
    }

    fn of_record(
        &self,
        record: &Record,
        table: &Table,
        columns: &[PlannedColumn],
    ) -> Result<PlannedFacts, IngestError> {
        let find = |name: &String| {
            let place = columns.iter().position(|column| column.name == *name);
            place.ok_or_else(|| IngestError::ScheduleColumn {
                source_name: self.source.clone(),
                table: table.name.clone(),
                column: name.clone(),
            })
        };
        let kinds = self.schedule.kinds(&record.person);
        let is_own = |column: &PlannedColumn| {
            column.kind().is_some_and(|kind| kinds.is_some_and(|kinds| kinds.contains(kind)))
        };
        let own = match record.numbers.is_empty() {
            false => record.numbers.iter().map(find).collect::<Result<Vec<_>, _>>()?,
            true => {
                let places = columns.iter().enumerate();
                places.filter(|(_, column)| is_own(column)).map(|(place, _)| place).collect()
            }
        };
        if own.is_empty() || !own.iter().all(|place| is_own(&columns[*place])) {
            return Err(IngestError::ScheduleNumbers {
                source_name: self.source.clone(),
                table: table.name.clone(),
                person: record.person.to_string(),
            });
        }
        let needed = self.schedule.needs(&record.person);
        let mut dates = Vec::new();
        for (event, column) in &record.dates {
            let place = find(column)?;
            if needed.contains(event) {
                dates.push((*event, place));
            }
        }
        let is_birth_told = record.dates.iter().any(|(event, _)| *event == Event::Birth);
        let born = columns.iter().rposition(|column| column.part() == Some(Part::BirthDate));
        if let Some(born) = born.filter(|_| needed.contains(&Event::Birth) && !is_birth_told) {
            dates.push((Event::Birth, born));
        }
        let condition = match &record.condition {
            Some(condition) => Some((find(&condition.column)?, condition.one_of.clone())),
            None => None,
        };
        Ok(PlannedFacts { own, dates, condition, category: record.category.clone() })
    }

    /// All that it says of the source: another text tells other facts, so that a delivery is read again.
    pub(crate) fn text(&self) -> Option<String> {
        let records: Vec<&Record> = self.schedule.records(self.source).collect();
        let persons: Vec<_> = self
            .schedule
            .persons()
            .map(|(name, kinds)| (name, kinds, self.schedule.needs(name)))
            .collect();
        (!records.is_empty()).then(|| format!("{records:?} {persons:?}"))
    }
}

/// The facts of a run. Each is told once.
#[derive(Default)]
pub(crate) struct Facts {
    told: HashSet<u64>,
    keys: ahash::RandomState,
    /// Those that are on their way.
    untold_yet: Option<PersonFacts>,
    untold: Untold,
}

/// Counts of facts that could not be told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Untold {
    /// Dates that could not be read.
    pub(crate) dates: u64,
    /// Rows that show a category, and have no number of the person.
    pub(crate) evidence: u64,
}

impl Facts {
    /// Forgets what was told in another run.
    pub(crate) fn begin_run(&mut self) {
        *self = Self::default();
    }

    /// How many different rows of facts were told in the run.
    pub(crate) fn told(&self) -> u64 {
        self.told.len() as u64
    }

    /// The run's files are read once more: what was left is met again.
    pub(crate) fn begin_reading(&mut self) {
        self.untold = Untold::default();
    }

    /// Counts what could not be told.
    pub(crate) fn leave(&mut self, untold: Untold) {
        self.untold.dates += untold.dates;
        self.untold.evidence += untold.evidence;
    }

    /// Takes a row of a delivery whose period begins on `first_day`, and tells the vault of it and others once they are many.
    pub(crate) fn take(
        &mut self,
        row: &RowFacts<'_>,
        first_day: Date,
        vault: &mut Client,
    ) -> Result<(), VaultError> {
        if !self.told.insert(self.keys.hash_one(row)) {
            return Ok(());
        }
        let waiting = self.untold_yet.get_or_insert_with(|| PersonFacts::new(first_day));
        let category = row.category.map(CategoryName::as_str);
        let dates = row.dates.iter().map(|(event, date)| (event.as_str(), *date));
        waiting.push(category, &row.own, &row.beside, dates)?;
        match waiting.byte_len() >= BATCH_BYTES {
            true => self.tell(vault),
            false => Ok(()),
        }
    }

    /// Tells the vault of all that was taken: to be asked before the run is closed.
    pub(crate) fn tell(&mut self, vault: &mut Client) -> Result<(), VaultError> {
        match self.untold_yet.take() {
            Some(facts) => vault.tell_facts(facts),
            None => Ok(()),
        }
    }

    /// Warnings about what the vault lacks.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Untold { dates, evidence } = self.untold;
        let told = [
            (dates, "dates that the retention schedule needs could not be read, and were not told"),
            (
                evidence,
                "rows show a category of the retention schedule and have no number of the person: the vault does not know of it",
            ),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{count} {what}")).collect()
    }
}
