//! The parts that sums of derived columns are made of.
//!
//! All exclusions less those of the autumn are those of the other terms: whoever sees the sums of the two sees a third, which
//! may be one child's. So the counts of one table of events that are added up are cut into parts that share no event, and
//! a column that is added up of others has these for parts. Nobody publishes the parts; where they follow from what is
//! published, they are protected with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use minster_model::{ColumnName, TableName};

use super::{
    compute::Computed,
    linked::{Linked, Whole, wrong},
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
                    self.parts.borrow_mut().remove(&counted);
                }
            }
            Some(Derivation::Add(Added { of, less })) => {
                of.iter().chain(&less).for_each(|part| self.know_counts(&part.0));
            }
            _ => {}
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
                found.extend(self.parts_of_events(definition, Counted { table: events, sum })?);
            }
            _ => {}
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
        let lists = self.counts.borrow().get(&counted).cloned().unwrap_or_default();
        if lists.of.len() > MOST {
            let what = format!("more than {MOST} sums count events of {}", counted.table);
            return Err(definition.rule(location!["column"], what));
        }
        let conditions: Vec<_> = lists.of.values().map(Vec::as_slice).collect();
        let rows = self.row_of()?;
        let events = self.events(&counted.table, &rows);
        let counts = events.count(counted.sum.as_ref(), &conditions);
        let mut counts: Vec<(u64, Vec<i64>)> = counts
            .map_err(|error| wrong(definition, error, location!["column"]))?
            .into_iter()
            .collect();
        counts.sort_by_key(|(mask, _)| *mask);
        let mut parts = Vec::new();
        for (mask, values) in counts {
            // What one count alone has, and nothing else, is that count where no event of it is in another.
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
            let why = vec![0; values.len()];
            let values = Values::Whole(values.into_iter().map(Some).collect());
            self.computed
                .borrow_mut()
                .insert(name.clone(), Rc::new(Whole::new(Computed { values, why })));
            parts.push(name);
        }
        self.parts.borrow_mut().insert(counted, parts.clone());
        Ok(parts)
    }
}
