//! The parts that sums of derived columns are made of.
//!
//! All exclusions less those of the autumn are those of the other terms: whoever sees the sums of the two sees a third, which
//! may be one child's. So the counts of one table of events that are added up are cut into parts that share no event, and
//! a column that is added up of others has these for parts. Nobody publishes the parts; where they follow from what is
//! published, they are protected with it.

use std::collections::{BTreeMap, BTreeSet};

use minster_model::{ColumnName, TableName};

use super::{
    event_rows::Unusable,
    linked::{Linked, wrong},
    values::Values,
};
use crate::{
    definition::{
        derived_column::{Added, Derivation, EventCondition, EventCount},
        location::location,
        release_definition::{Definition, Measure, Table},
    },
    error::AggregateError,
    tabulate::column_values::failed,
};

/// The events of one table, each counted once or by one column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counted {
    pub(super) table: TableName,
    pub(super) sum: Option<ColumnName>,
}

/// The counts of a table of events that are added up, in releases that stand or in a new one.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    pub(super) of: BTreeMap<ColumnName, Vec<EventCondition>>,
}

/// More counts of one table than this have too many parts.
pub(super) const MOST: usize = 48;

impl Linked<'_> {
    /// Notes the counts of events that a column that is added up is made of.
    pub(super) fn know_counts(&self, column: &ColumnName) {
        let derivation = self.derivations.borrow().get(column).cloned();
        match derivation {
            Some(Derivation::Count(EventCount { events, sum, conditions })) => {
                let counted = Counted { table: events, sum };
                let mut counts = self.counts.borrow_mut();
                let lists = counts.entry(counted.clone()).or_default();
                if lists.of.insert(column.clone(), conditions).is_none() {
                    self.parts.borrow_mut().retain(|of, _| of.table != counted.table);
                }
            }
            Some(Derivation::Add(Added { of, less })) => {
                of.iter().chain(&less).for_each(|part| self.know_counts(&part.0));
            }
            Some(_) => {}
            None => drop(self.stored_sums.borrow_mut().insert(column.clone())),
        }
    }

    /// Forgets the counts of other definitions.
    pub(crate) fn forget_counts(&self) {
        self.counts.borrow_mut().clear();
        self.stored_sums.borrow_mut().clear();
        for part in std::mem::take(&mut *self.parts.borrow_mut()).into_values().flatten() {
            self.computed.borrow_mut().remove(&part);
        }
    }

    /// The columns that nobody publishes and that the sums of a table are made of.
    pub(crate) fn parts_of(
        &self,
        definition: &Definition,
        table: &Table,
    ) -> Result<Vec<ColumnName>, AggregateError> {
        let shown: BTreeSet<&ColumnName> =
            table.measures.iter().flat_map(Measure::summed).collect();
        let mut found = BTreeSet::new();
        for column in &shown {
            self.add_parts(definition, column, &mut found)?;
        }
        found.retain(|column| !shown.contains(column));
        Ok(found.into_iter().collect())
    }

    fn add_parts(
        &self,
        definition: &Definition,
        column: &ColumnName,
        found: &mut BTreeSet<ColumnName>,
    ) -> Result<(), AggregateError> {
        let derivation = self.derivations.borrow().get(column).cloned();
        match derivation {
            Some(Derivation::Add(Added { of, less })) => {
                for part in of.iter().chain(&less) {
                    found.insert(part.0.clone());
                    self.add_parts(definition, &part.0, found)?;
                }
            }
            Some(Derivation::Count(EventCount { events, sum, .. })) => {
                for counted in self.counted_of(&events) {
                    found.extend(self.parts_of_events(definition, counted)?);
                }
                let counted = Counted { table: events, sum };
                let stored = self.stored_sums.borrow().clone();
                for stored in &stored {
                    found.extend(self.rests(definition, stored, &counted, Some(column))?);
                }
            }
            Some(_) => {}
            // Those who made the dataset may have counted the same events.
            None => {
                let counts: Vec<Counted> = self.counts.borrow().keys().cloned().collect();
                for counted in counts {
                    let rests = self.rests(definition, column, &counted, None)?;
                    if !rests.is_empty() {
                        found.extend(self.parts_of_events(definition, counted)?);
                        found.extend(rests);
                    }
                }
            }
        }
        Ok(())
    }

    /// The ways in which the events of a table are added up: by their number, and by columns.
    fn counted_of(&self, table: &TableName) -> Vec<Counted> {
        self.counts.borrow().keys().filter(|of| of.table == *table).cloned().collect()
    }

    /// The counts of a table of events, whatever they add up: they are cut into parts together.
    pub(super) fn lists_of(&self, table: &TableName) -> Lists {
        let counts = self.counts.borrow();
        let of =
            counts.iter().filter(|(of, _)| of.table == *table).flat_map(|(_, lists)| &lists.of);
        Lists { of: of.map(|(column, conditions)| (column.clone(), conditions.clone())).collect() }
    }

    /// The new release is refused by the name of the one that stands of which a count can no longer be made.
    fn refused_by_list(
        &self,
        definition: &Definition,
        counted: &Counted,
        lists: &Lists,
    ) -> Result<(), AggregateError> {
        let rows = self.row_of()?;
        for (column, conditions) in &lists.of {
            let counts =
                self.events(&counted.table, &rows).count(counted.sum.as_ref(), &[conditions]);
            if let Err(error) = counts {
                let own = definition.columns.iter().position(|of| of.name == *column);
                let at =
                    own.map_or_else(|| location!["column"], |at| location!["column", at, "is"]);
                return self.of_standing(definition, column, Err(wrong(definition, error, at)));
            }
        }
        Ok(())
    }

    /// The parts of a table of events that share no event, each as a column.
    fn parts_of_events(
        &self,
        definition: &Definition,
        counted: Counted,
    ) -> Result<Vec<ColumnName>, AggregateError> {
        if let Some(parts) = self.parts.borrow().get(&counted) {
            return Ok(parts.clone());
        }
        let lists = self.lists_of(&counted.table);
        if lists.of.len() > MOST {
            let what = format!("more than {MOST} sums count events of {}", counted.table);
            return Err(definition.rule(location!["column"], what));
        }
        let conditions: Vec<_> = lists.of.values().map(Vec::as_slice).collect();
        let rows = self.row_of()?;
        let events = self.events(&counted.table, &rows);
        let counts = events.count(counted.sum.as_ref(), &conditions);
        if matches!(counts, Err(Unusable::Wrong(_))) {
            self.refused_by_list(definition, &counted, &lists)?;
        }
        let mut counts: Vec<(u64, Vec<i64>)> = counts
            .map_err(|error| wrong(definition, error, location!["column"]))?
            .into_iter()
            .collect();
        counts.sort_by_key(|(mask, _)| *mask);
        let mut parts = Vec::new();
        for (mask, values) in counts {
            // The events that one count alone has are that count where no event of it is in another.
            let (place, sum) = (parts.len(), counted.sum.as_ref());
            let name = match sum {
                Some(sum) => format!("{}.{sum}.part{place}", counted.table),
                None => format!("{}.part{place}", counted.table),
            };
            let Ok(name) = name.parse::<ColumnName>() else {
                return Err(failed(counted.table.as_str(), "naming parts"));
            };
            let alone = lists.of.keys().enumerate().find(|(place, _)| mask == 1 << place);
            if let Some((_, column)) = alone
                && self.whole(definition, column)?.values.as_ref()
                    == Values::Whole(values.iter().copied().map(Some).collect()).array().as_ref()
            {
                continue;
            }
            self.keep(&name, values);
            parts.push(name);
        }
        self.parts.borrow_mut().insert(counted, parts.clone());
        Ok(parts)
    }
}
