//! The events of a child: how many there are, and a value of one of them.

use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch};
use minster_model::{ColumnName, Day, TableName};
use minster_store::Dataset;

use super::{
    compute::{Blank, Computed},
    values::{Texts, Values},
};
use crate::{
    definition::{
        derived_column::{EventCondition, EventValue, Which},
        location::did_you_mean,
    },
    error::AggregateError,
    tabulate::column_values::{CHILD, failed},
};

/// Why a table of events cannot be used: a mistake of the definition, or a fault.
pub(super) enum Unusable {
    Wrong(String),
    Fault(AggregateError),
}

impl From<AggregateError> for Unusable {
    fn from(fault: AggregateError) -> Self {
        Self::Fault(fault)
    }
}

impl From<minster_store::StoreError> for Unusable {
    fn from(fault: minster_store::StoreError) -> Self {
        Self::Fault(fault.into())
    }
}

/// The events of the children of a dataset.
pub(super) struct EventRows<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) table: &'a TableName,
    /// The row of each child.
    pub(super) row_of: &'a HashMap<[u8; 16], u32>,
    pub(super) period: Option<(Day, Day)>,
}

/// Events of a batch: the child's row of each, and the columns that were asked for.
pub(super) struct Batch {
    children: Vec<Option<u32>>,
    columns: Vec<(ColumnName, Values)>,
}

impl Batch {
    pub(super) fn get(&self, name: &ColumnName) -> Result<&Values, String> {
        let found = self.columns.iter().find(|(of, _)| of == name);
        found.map(|(_, values)| values).ok_or_else(|| format!("{name} was not read"))
    }

    fn days(&self, name: &ColumnName) -> Result<&[Option<i64>], String> {
        match self.get(name)? {
            Values::Days(values) => Ok(values),
            Values::Whole(values) if values.iter().all(Option::is_none) => Ok(values),
            other => Err(format!("{name} holds {}, and dates are needed", other.kind())),
        }
    }
}

impl EventRows<'_> {
    /// Calls back with each batch of some columns.
    pub(super) fn each(
        &self,
        columns: &[&ColumnName],
        mut each: impl FnMut(&Batch) -> Result<(), String>,
    ) -> Result<(), Unusable> {
        let tables = &self.dataset.manifest().tables;
        let events = || tables.iter().filter(|of| of.columns.iter().any(|of| of.name == CHILD));
        let Some(entry) = events().find(|of| of.name == *self.table) else {
            let known = did_you_mean(self.table.as_str(), events().map(|of| of.name.as_str()));
            return Err(Unusable::Wrong(format!(
                "there is no table of events {}; {known}",
                self.table
            )));
        };
        for column in columns {
            let known = || entry.columns.iter().map(|of| of.name.as_str());
            if !known().any(|of| of == column.as_str()) {
                let known = did_you_mean(column.as_str(), known().filter(|of| *of != CHILD));
                let table = self.table;
                return Err(Unusable::Wrong(format!("{table} has no column {column}; {known}")));
            }
        }
        let mut read: Vec<&str> = columns.iter().map(|of| of.as_str()).collect();
        read.sort_unstable();
        read.dedup();
        read.push(CHILD);
        for batch in self.dataset.table_coded(self.table, Some(&read))? {
            each(&self.batch(&batch?, columns)?).map_err(Unusable::Wrong)?;
        }
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch, columns: &[&ColumnName]) -> Result<Batch, Unusable> {
        let wrong = || failed(self.table.as_str(), "reading events");
        let children = batch.column_by_name(CHILD).ok_or_else(wrong)?;
        let children = children.as_fixed_size_binary_opt().ok_or_else(wrong)?;
        let row = |bytes: Option<&[u8]>| self.row_of.get(bytes?.first_chunk::<16>()?).copied();
        let children = children.iter().map(row).collect();
        let column = |name: &&ColumnName| {
            let array = batch.column_by_name(name.as_str()).ok_or_else(wrong)?;
            let values = Values::read(array).ok_or_else(wrong)?;
            Ok(((*name).clone(), values))
        };
        let columns = columns.iter().map(column).collect::<Result<_, AggregateError>>()?;
        Ok(Batch { children, columns })
    }

    /// For each child, how many events meet which of several lists of conditions: by the bits of those that are met.
    pub(super) fn count(
        &self,
        sum: Option<&ColumnName>,
        lists: &[&[EventCondition]],
    ) -> Result<HashMap<u64, Vec<i64>>, Unusable> {
        let mut columns: Vec<&ColumnName> =
            lists.iter().flat_map(|of| of.iter()).flat_map(EventCondition::columns).collect();
        columns.extend(sum);
        let mut counts: HashMap<u64, Vec<i64>> = HashMap::new();
        self.each(&columns, |batch| {
            let met = lists.iter().map(|of| self.pass(of, batch));
            let met = met.collect::<Result<Vec<_>, _>>()?;
            let amounts = sum.map(|sum| match batch.get(sum)? {
                Values::Whole(amounts) => Ok(amounts),
                other => Err(format!("{sum} holds {}, and whole numbers are needed", other.kind())),
            });
            let amounts = amounts.transpose()?;
            for (row, child) in batch.children.iter().enumerate() {
                let Some(child) = child else { continue };
                let bit = |(place, passes): (usize, &Vec<bool>)| u64::from(passes[row]) << place;
                let mask: u64 = met.iter().enumerate().map(bit).sum();
                let amount = amounts.map_or(1, |amounts| amounts[row].unwrap_or_default());
                let of = counts.entry(mask).or_insert_with(|| vec![0; self.row_of.len()]);
                of[*child as usize] += amount;
            }
            Ok(())
        })?;
        Ok(counts)
    }

    /// For each child the value of one of the events.
    pub(super) fn value(&self, of: &EventValue) -> Result<Computed, Unusable> {
        let EventValue { of: name, which, by, conditions, .. } = of;
        let by: ColumnName =
            by.parse().map_err(|_| Unusable::Wrong(format!("`{by}` is no column's name")))?;
        let mut columns: Vec<&ColumnName> =
            conditions.iter().flat_map(EventCondition::columns).collect();
        columns.push(name);
        let is_ordered = matches!(which, Which::First | Which::Latest);
        if is_ordered {
            columns.push(&by);
        }
        let children = self.row_of.len();
        // The key by which the value is compared, and the value: a number, or the place of a text.
        let mut found: Vec<Option<(i64, i64)>> = vec![None; children];
        let (mut texts, mut place_of) = (Vec::new(), HashMap::<String, i64>::new());
        let mut is_days = false;
        self.each(&columns, |batch| {
            let passes = self.pass(conditions, batch)?;
            let values: Vec<Option<i64>> = match batch.get(name)? {
                Values::Whole(values) => values.clone(),
                Values::Days(values) => {
                    is_days = true;
                    values.clone()
                }
                Values::Texts(_) if !is_ordered => {
                    return Err(format!("{name} holds texts: take the first or the latest"));
                }
                Values::Texts(of) => (0..of.places.len())
                    .map(|row| {
                        let text = of.get(row)?.to_owned();
                        Some(*place_of.entry(text).or_insert_with_key(|text| {
                            texts.push(text.clone());
                            texts.len() as i64 - 1
                        }))
                    })
                    .collect(),
            };
            let order = if is_ordered { batch.days(&by)?.to_vec() } else { values.clone() };
            for (row, child) in batch.children.iter().enumerate() {
                let (Some(child), Some(value), Some(at)) = (child, values[row], order[row]) else {
                    continue;
                };
                let known = &mut found[*child as usize];
                // The event with the lesser value counts among those of one day, whatever their order in the table.
                let is_better = |(known, of): (i64, i64)| match which {
                    Which::First | Which::Least => (at, value) < (known, of),
                    Which::Latest | Which::Greatest => at > known || at == known && value < of,
                };
                if passes[row] && known.is_none_or(is_better) {
                    *known = Some((at, value));
                }
            }
            Ok(())
        })?;
        let values: Vec<Option<i64>> = found.iter().map(|of| of.map(|(_, value)| value)).collect();
        let why = found.iter().map(|of| of.map_or(Blank::Input.number(), |_| 0)).collect();
        let values = match (texts.is_empty(), is_days) {
            (false, _) => {
                let places = values.iter().map(|place| place.map(|place| place as u32)).collect();
                Values::Texts(Texts { places, texts })
            }
            (true, true) => Values::Days(values),
            (true, false) => Values::Whole(values),
        };
        Ok(Computed { values, why })
    }

    /// Whether each event meets all conditions.
    fn pass(&self, conditions: &[EventCondition], batch: &Batch) -> Result<Vec<bool>, String> {
        let mut passes = vec![true; batch.children.len()];
        for condition in conditions {
            let EventCondition { column, values, not_in, from, until, open_on, end } = condition;
            if !values.is_empty() || !not_in.is_empty() {
                let cells = batch.get(column)?;
                for (row, passes) in passes.iter_mut().enumerate() {
                    let is = |text: &str| {
                        (values.is_empty() || values.iter().any(|of| of == text))
                            && !not_in.iter().any(|of| of == text)
                    };
                    *passes &= match cells {
                        Values::Texts(texts) => texts.get(row).map_or(values.is_empty(), is),
                        Values::Whole(numbers) => {
                            numbers[row].map_or(values.is_empty(), |of| is(&of.to_string()))
                        }
                        Values::Days(_) => {
                            return Err(format!(
                                "{column} holds dates: choose with `from` and `until`"
                            ));
                        }
                    };
                }
            }
            let day = |named: &Option<minster_model::NamedDay>| {
                named.map(|named| named.day(self.period)).transpose()
            };
            let (from, until, open_on) = (day(from)?, day(until)?, day(open_on)?);
            if from.is_none() && until.is_none() && open_on.is_none() {
                continue;
            }
            let starts = batch.days(column)?;
            let ends = end.as_ref().map(|end| batch.days(end)).transpose()?;
            for (row, passes) in passes.iter_mut().enumerate() {
                let is_after = |day: Day| {
                    ends.is_none_or(|ends| ends[row].is_none_or(|end| end > i64::from(day.0)))
                };
                let begun = |day: Day| starts[row].is_some_and(|start| start <= i64::from(day.0));
                *passes &= open_on.is_none_or(|day| begun(day) && is_after(day));
                *passes &= until.is_none_or(begun);
                *passes &= from.is_none_or(|day| match ends {
                    // With an end: what is still open after the first day.
                    Some(_) => is_after(day) && starts[row].is_some(),
                    None => starts[row].is_some_and(|start| start >= i64::from(day.0)),
                });
            }
        }
        Ok(passes)
    }
}
