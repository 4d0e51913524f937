//! The difference of a sum of the integrated dataset and derived counts of events: those who made the dataset may have counted
//! the same events. All exclusions less the derived suspensions are the permanent ones, perhaps one child's.

use minster_model::ColumnName;

use super::{
    linked::{Linked, wrong},
    parts::Counted,
    values::Values,
};
use crate::{
    definition::{location::location, release_definition::Definition},
    error::AggregateError,
    refusal::ReleaseRefusal,
    tabulate::column_values::failed,
};

/// Whether a column is named as a table of events is: `exclusions` as `exclusion_events`.
fn is_named_alike(column: &str, table: &str) -> bool {
    let first =
        |of: &str| of.split('_').next().unwrap_or_default().trim_end_matches('s').to_owned();
    first(column) == first(table)
}

fn is_within(of: &[i64], than: &[i64]) -> bool {
    of.iter().zip(than).all(|(of, than)| of <= than)
}

fn is_some(of: &[i64]) -> bool {
    of.iter().any(|value| *value != 0)
}

impl Linked<'_> {
    /// The difference of a sum of the dataset and a derived count of events, or all these counts together, each as a column.
    /// `only` is the one of the counts that is looked at; without it, each is.
    ///
    /// The sum may count some of the events where no child has more of it than there are events.
    pub(super) fn rests(
        &self,
        definition: &Definition,
        stored: &ColumnName,
        counted: &Counted,
        only: Option<&ColumnName>,
    ) -> Result<Vec<ColumnName>, AggregateError> {
        let lists = self.counts.borrow().get(counted).cloned().unwrap_or_default();
        let Some(first) = only.or(lists.of.keys().next()) else { return Ok(Vec::new()) };
        let all = self.of_standing(definition, first, self.all_events(definition, counted))?;
        let own = self.numbers(definition, stored)?;
        let Some(own) = own.filter(|own| is_some(own) && is_within(own, &all)) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for derived in lists.of.keys().filter(|of| only.is_none_or(|only| only == *of)) {
            let whole = self.of_standing(definition, derived, self.whole(definition, derived))?;
            let Some(Values::Whole(values)) = Values::read(&whole.values) else { continue };
            let values: Vec<i64> = values.into_iter().map(Option::unwrap_or_default).collect();
            found.extend(self.rest(
                (stored, &own),
                (derived, &values),
                derived.as_str(),
                counted,
            )?);
        }
        if lists.of.len() > 1 {
            let rows = self.row_of()?;
            let conditions: Vec<_> = lists.of.values().map(Vec::as_slice).collect();
            let counts =
                self.events(&counted.table, &rows).count(counted.sum.as_ref(), &conditions);
            let counts = counts.map_err(|error| wrong(definition, error, location!["column"]));
            let mut any = vec![0i64; rows.len()];
            for (_, of) in
                self.of_standing(definition, first, counts)?.into_iter().filter(|of| of.0 != 0)
            {
                any.iter_mut().zip(of).for_each(|(any, of)| *any += of);
            }
            found.extend(self.rest((stored, &own), (first, &any), "all", counted)?);
        }
        Ok(found)
    }

    fn rest(
        &self,
        (stored, own): (&ColumnName, &[i64]),
        (derived, of_events): (&ColumnName, &[i64]),
        name: &str,
        counted: &Counted,
    ) -> Result<Option<ColumnName>, AggregateError> {
        let rest: Vec<i64> = match (is_within(own, of_events), is_within(of_events, own)) {
            _ if !is_some(of_events) => return Ok(None),
            (true, true) => return Ok(None),
            (false, false) if is_named_alike(stored.as_str(), counted.table.as_str()) => {
                let (stored, derived) = (stored.clone(), derived.clone());
                return Err(ReleaseRefusal::CountsOverlap { stored, derived }.into());
            }
            (false, false) => return Ok(None),
            _ => own.iter().zip(of_events).map(|(own, of)| (own - of).abs()).collect(),
        };
        let Ok(name) = format!("{stored}.{}.{name}.rest", counted.table).parse::<ColumnName>()
        else {
            return Err(failed(counted.table.as_str(), "naming parts"));
        };
        self.keep(&name, rest);
        Ok(Some(name))
    }

    /// A sum of the dataset, whole; none where it holds no whole numbers, or the dataset has it no more.
    fn numbers(
        &self,
        definition: &Definition,
        column: &ColumnName,
    ) -> Result<Option<Vec<i64>>, AggregateError> {
        if !self.stored().any(|of| of == column.as_str()) {
            return Ok(None);
        }
        let known = self.stored_numbers.borrow().get(column).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let array = self.read(definition, (column, column), &location!["table"])?;
        let numbers = match Values::read(&array) {
            Some(Values::Whole(values)) => {
                Some(values.into_iter().map(Option::unwrap_or_default).collect::<Vec<i64>>())
            }
            _ => None,
        };
        self.stored_numbers.borrow_mut().insert(column.clone(), numbers.clone());
        Ok(numbers)
    }

    /// All events of each child.
    fn all_events(
        &self,
        definition: &Definition,
        counted: &Counted,
    ) -> Result<Vec<i64>, AggregateError> {
        let known = self.all_events.borrow().get(counted).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let rows = self.row_of()?;
        let counts = self.events(&counted.table, &rows).count(counted.sum.as_ref(), &[&[]]);
        let mut counts = counts.map_err(|error| wrong(definition, error, location!["column"]))?;
        let all = counts.remove(&1).unwrap_or_else(|| vec![0; rows.len()]);
        self.all_events.borrow_mut().insert(counted.clone(), all.clone());
        Ok(all)
    }

    /// The finding about a derived column. Where it is only that of a release that stands and can no longer be made, the new
    /// one is refused by the name of that release.
    pub(super) fn of_standing<T>(
        &self,
        definition: &Definition,
        column: &ColumnName,
        found: Result<T, AggregateError>,
    ) -> Result<T, AggregateError> {
        let is_own = definition.columns.iter().any(|of| of.name == *column);
        let known_by = self.known_by.borrow().get(column).cloned();
        match known_by.filter(|_| !is_own) {
            Some(release) => AggregateError::or_refused(found, || release),
            None => found,
        }
    }
}
