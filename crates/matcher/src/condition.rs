//! Which rows count: codes, dates, blanks, and what is open on a day.
//!
//! ```toml
//! where = [{ column = "dec", blank = true }]
//! where = [{ column = "decom", from = "2024-04-01", until = "2025-03-31" }]
//! where = [{ column = "decom", end = "dec", open_on = "2025-03-31" }]
//! where = [{ column = "code", group = "absent", on = "date" }]
//! where = [{ column = "decom", end = "dec", open_on = "03-31" }]
//! where = [{ column = "startdate", in_period = true }]
//! where = [{ present_in = "2025-spring" }]
//! where = [{ present_in = "*-spring" }]
//! ```

use ahash::HashMap;
use arrow::{
    array::{Array, ArrayRef, BooleanArray, DictionaryArray, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Int32Type},
};
use minster_model::{ColumnName, Day};
use serde::Deserialize;

use crate::{
    MatchError,
    named_day::{DeliveryPeriod, NamedDay},
    values::whole,
};

/// A condition on one column. All that it says must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The column.
    pub column: Option<ColumnName>,
    /// The values that pass: codes, whole numbers, `true` and `false`, dates as `2025-03-31`; an empty text is a blank.
    #[serde(rename = "in")]
    pub values: Option<Vec<String>>,
    /// The values that do not.
    pub not_in: Option<Vec<String>>,
    /// Whether the cell must be blank (`true`) or must not (`false`).
    pub blank: Option<bool>,
    /// The first day that passes.
    pub from: Option<NamedDay>,
    /// The last day that passes.
    pub until: Option<NamedDay>,
    /// With `true`: only days of the period that is linked pass.
    pub in_period: Option<bool>,
    /// With `end`: what began on this day or before and did not end on it or before.
    pub open_on: Option<NamedDay>,
    /// The column with the last day, for `open_on`.
    pub end: Option<ColumnName>,
    /// The group whose codes pass.
    pub group: Option<String>,
    /// The column with the day, or the month, that decides which codes are in the group.
    pub on: Option<ColumnName>,
    /// The period of the only delivery whose rows pass: pupils on roll on the day of the spring census. `*-spring` is the
    /// period's only delivery whose name ends so.
    pub present_in: Option<DeliveryPeriod>,
}

/// Codes that count as one thing: a session missed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeGroup {
    /// Its name.
    pub name: String,
    /// Codes that belong to it in every year.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Codes that belong to it for some time.
    #[serde(default)]
    pub dated: Vec<DatedCodes>,
}

/// Codes of a group, and from when until when they belong to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedCodes {
    /// The codes.
    pub codes: Vec<String>,
    /// The first day.
    #[serde(default)]
    pub from: Option<Day>,
    /// The last day.
    #[serde(default)]
    pub until: Option<Day>,
}

/// A condition's days, those of the period that is linked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    from: Option<Day>,
    until: Option<Day>,
    open_on: Option<Day>,
}

impl Condition {
    /// Its days in a period whose first and last days these are.
    ///
    /// # Errors
    /// Says which day the period does not have, or has twice.
    pub fn limits(&self, period: Option<(Day, Day)>) -> Result<Limits, String> {
        let day = |when: Option<NamedDay>| when.map(|when| when.day(period)).transpose();
        let mut limits =
            Limits { from: day(self.from)?, until: day(self.until)?, open_on: day(self.open_on)? };
        if self.in_period == Some(true) {
            let (from, until) = period.ok_or(
                "`in_period` needs the period's first and last day: give it `from` and `until`",
            )?;
            limits.from = limits.from.max(Some(from));
            limits.until = Some(limits.until.map_or(until, |day| day.min(until)));
        }
        Ok(limits)
    }

    /// The columns that it reads.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        [&self.column, &self.end, &self.on].into_iter().flatten()
    }

    /// Why it says nothing that could be tested.
    pub(crate) fn check(&self, groups: &[CodeGroup]) -> Result<(), String> {
        let tests = self.values.is_some() || self.not_in.is_some() || self.blank.is_some();
        let days = self.from.is_some() || self.until.is_some() || self.in_period.is_some();
        let of_column = tests || days || self.open_on.is_some() || self.group.is_some();
        if self.in_period == Some(false) {
            return Err("`in_period` is `true` or left out".into());
        }
        if of_column && self.column.is_none() {
            return Err("a condition names no `column`".into());
        }
        if !of_column && (self.column.is_some() || self.present_in.is_none()) {
            return Err(
                "a condition has none of in, not_in, blank, from, until, in_period, open_on, group, present_in".into()
            );
        }
        if self.open_on.is_some() != self.end.is_some() {
            return Err(
                "`open_on` needs `end`, the column with the last day, and `end` needs `open_on`"
                    .into(),
            );
        }
        match &self.group {
            Some(name) => match groups.iter().find(|group| group.name == *name) {
                None => Err(format!("there is no [[group]] `{name}`")),
                Some(group) if !group.dated.is_empty() && self.on.is_none() => Err(format!(
                    "the group `{name}` has codes with dates: say with `on` which column has the day"
                )),
                Some(_) => Ok(()),
            },
            None if self.on.is_some() => Err("`on` needs `group`".into()),
            None => Ok(()),
        }
    }

    /// For each row whether it passes.
    pub(crate) fn passes(
        &self,
        batch: &RecordBatch,
        groups: &[CodeGroup],
        limits: &Limits,
    ) -> Result<Vec<bool>, MatchError> {
        let Some(name) = &self.column else { return Ok(vec![true; batch.num_rows()]) };
        let rows = batch.num_rows();
        // A delivery without the column: its cells are blank.
        let Some(cells) = batch.column_by_name(name.as_str()) else {
            return Ok(vec![self.blank_passes() && *limits == Limits::default(); rows]);
        };
        let cells = ConditionColumn::new(cells, name)?;
        let mut passes = vec![true; rows];
        if let Some(blank) = self.blank {
            keep(&mut passes, |row| cells.is_blank(row) == blank);
        }
        if let Some(values) = &self.values {
            let one = cells.one_of(values, name)?;
            one.keep(&mut passes, &cells, true);
        }
        if let Some(values) = &self.not_in {
            let one = cells.one_of(values, name)?;
            one.keep(&mut passes, &cells, false);
        }
        if limits.from.is_some() || limits.until.is_some() {
            let (from, until) = (limits.from.map(|day| day.0), limits.until.map(|day| day.0));
            let days = cells.days(name)?;
            keep(&mut passes, |row| {
                days.get(row).is_some_and(|day| {
                    from.is_none_or(|from| day >= from) && until.is_none_or(|until| day <= until)
                })
            });
        }
        if let (Some(Day(on)), Some(end)) = (limits.open_on, &self.end) {
            let days = cells.days(name)?;
            let ends = match batch.column_by_name(end.as_str()) {
                Some(ends) => ConditionColumn::new(ends, end)?,
                None => ConditionColumn::Blank,
            };
            let ends = ends.days(end)?;
            keep(&mut passes, |row| {
                let begun = days.get(row).is_some_and(|day| day <= on);
                begun && ends.get(row).is_none_or(|end| end > on)
            });
        }
        if let Some(group) =
            self.group.as_ref().and_then(|name| groups.iter().find(|group| group.name == *name))
        {
            let of = cells.of_group(group, name)?;
            let days = match self.on.as_ref().map(|on| (on, batch.column_by_name(on.as_str()))) {
                Some((on, Some(days))) => ConditionColumn::new(days, on)?.days(on)?,
                _ => Days(None),
            };
            keep(&mut passes, |row| of(row, days.get(row)));
        }
        Ok(passes)
    }

    /// Whether a blank cell passes.
    fn blank_passes(&self) -> bool {
        let blank = |values: &Vec<String>| values.iter().any(String::is_empty);
        self.blank != Some(false)
            && self.values.as_ref().is_none_or(blank)
            && !self.not_in.as_ref().is_some_and(blank)
            && self.group.is_none()
    }

    /// Notes which of the condition's values, any of which could be mistyped, a batch has. A value that was met is not
    /// looked for again.
    pub(crate) fn look_for_values(
        &self,
        batch: &RecordBatch,
        met: &mut HashMap<String, bool>,
    ) -> Result<(), MatchError> {
        let (Some(name), Some(values)) = (&self.column, &self.values) else { return Ok(()) };
        let Some(column) = batch.column_by_name(name.as_str()) else { return Ok(()) };
        let cells = ConditionColumn::new(column, name)?;
        for value in values.iter().filter(|value| !value.is_empty()) {
            let is_met = met.entry(value.clone()).or_default();
            if !*is_met {
                let one = cells.one_of(std::slice::from_ref(value), name)?;
                *is_met = (0..batch.num_rows()).any(|row| one.has(&cells, row));
            }
        }
        Ok(())
    }
}

/// For each row whether it passes all conditions.
pub(crate) fn all_pass(
    conditions: &[(&Condition, Limits)],
    batch: &RecordBatch,
    groups: &[CodeGroup],
) -> Result<Vec<bool>, MatchError> {
    let mut passes = vec![true; batch.num_rows()];
    for (condition, limits) in conditions {
        let of = condition.passes(batch, groups, limits)?;
        passes.iter_mut().zip(of).for_each(|(passes, of)| *passes &= of);
    }
    Ok(passes)
}

/// A column as conditions look at it.
enum ConditionColumn<'a> {
    Text { codes: &'a arrow::array::PrimitiveArray<Int32Type>, words: &'a StringArray },
    Days(Int64Array),
    Whole(Int64Array),
    Flags(&'a BooleanArray),
    Blank,
}

/// Values that are looked for, as the column holds them.
enum OneOf {
    TextCodes(Vec<bool>, bool),
    Whole(Vec<i64>, bool),
}

struct Days(Option<Int64Array>);

impl Days {
    fn get(&self, row: usize) -> Option<i32> {
        let days = self.0.as_ref()?;
        days.is_valid(row).then(|| days.value(row) as i32)
    }
}

/// Leaves the rows that pass one more test.
fn keep(passes: &mut [bool], test: impl Fn(usize) -> bool) {
    passes.iter_mut().enumerate().for_each(|(row, passes)| *passes = *passes && test(row));
}

impl OneOf {
    /// Leaves the rows that have one of the values, or those that have none.
    fn keep(&self, passes: &mut [bool], cells: &ConditionColumn<'_>, wanted: bool) {
        match (self, cells) {
            // A code a row, and no blank: no branch hangs on what stands in a row.
            (Self::TextCodes(words, _), ConditionColumn::Text { codes, .. })
                if codes.null_count() == 0 =>
            {
                for (passes, code) in passes.iter_mut().zip(codes.values()) {
                    *passes &= (words.get(*code as usize) == Some(&true)) == wanted;
                }
            }
            _ => keep(passes, |row| self.has(cells, row) == wanted),
        }
    }

    fn has(&self, cells: &ConditionColumn<'_>, row: usize) -> bool {
        match (self, cells) {
            (Self::TextCodes(words, blank), ConditionColumn::Text { codes, .. }) => {
                match codes.is_valid(row) {
                    true => words.get(codes.value(row) as usize).copied().unwrap_or(false),
                    false => *blank,
                }
            }
            (Self::Whole(whole, blank), cells) => match cells.whole(row) {
                Some(value) => whole.contains(&value),
                None => *blank,
            },
            _ => false,
        }
    }
}

impl<'a> ConditionColumn<'a> {
    fn new(column: &'a ArrayRef, name: &ColumnName) -> Result<Self, MatchError> {
        let wrong = || MatchError::WrongType {
            column: name.clone(),
            expected: "text, days, whole numbers or flags",
        };
        if let Some(coded) = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>() {
            let words = coded.values().as_any().downcast_ref::<StringArray>().ok_or_else(wrong)?;
            return Ok(Self::Text { codes: coded.keys(), words });
        }
        if let Some(flags) = column.as_any().downcast_ref::<BooleanArray>() {
            return Ok(Self::Flags(flags));
        }
        match column.data_type() {
            DataType::Date32 => Ok(Self::Days(whole(column, name)?)),
            DataType::Null => Ok(Self::Blank),
            _ => whole(column, name).map(Self::Whole).map_err(|_| wrong()),
        }
    }

    fn is_blank(&self, row: usize) -> bool {
        match self {
            Self::Text { codes, .. } => codes.is_null(row),
            Self::Days(days) | Self::Whole(days) => days.is_null(row),
            Self::Flags(flags) => flags.is_null(row),
            Self::Blank => true,
        }
    }

    fn whole(&self, row: usize) -> Option<i64> {
        match self {
            Self::Days(whole) | Self::Whole(whole) => whole.is_valid(row).then(|| whole.value(row)),
            Self::Flags(flags) => flags.is_valid(row).then(|| i64::from(flags.value(row))),
            Self::Text { .. } | Self::Blank => None,
        }
    }

    /// Its days; of a month, the first.
    fn days(&self, name: &ColumnName) -> Result<Days, MatchError> {
        match self {
            Self::Days(days) => Ok(Days(Some(days.clone()))),
            Self::Blank => Ok(Days(None)),
            Self::Text { codes, words } => {
                let day = |word: Option<&str>| {
                    let word = word?;
                    let whole =
                        if word.len() == 7 { format!("{word}-01") } else { word.to_owned() };
                    Day::try_from(whole).ok().map(|day| i64::from(day.0))
                };
                let days: Vec<Option<i64>> = words.iter().map(day).collect();
                if !days.is_empty() && days.iter().all(Option::is_none) {
                    return Err(MatchError::WrongType {
                        column: name.clone(),
                        expected: "days or months",
                    });
                }
                let of_row = |code: Option<i32>| days.get(code? as usize).copied().flatten();
                Ok(Days(Some(Int64Array::from_iter(codes.iter().map(of_row)))))
            }
            _ => Err(MatchError::WrongType { column: name.clone(), expected: "days" }),
        }
    }

    fn one_of(&self, values: &[String], name: &ColumnName) -> Result<OneOf, MatchError> {
        let blank = values.iter().any(String::is_empty);
        let told = values.iter().filter(|value| !value.is_empty());
        if let Self::Text { words, .. } = self {
            let has = |word: &str| values.iter().any(|value| value == word);
            return Ok(OneOf::TextCodes(
                words.iter().map(|word| word.is_some_and(has)).collect(),
                blank,
            ));
        }
        let parse = |value: &String| match self {
            Self::Flags(_) => value.parse::<bool>().map(i64::from).ok(),
            Self::Days(_) => Day::try_from(value.clone()).map(|day| i64::from(day.0)).ok(),
            _ => value.parse().ok(),
        };
        match told.map(parse).collect() {
            Some(values) => Ok(OneOf::Whole(values, blank)),
            None => Err(MatchError::WrongValue { column: name.clone() }),
        }
    }

    /// Whether a row's code is in a group on a day.
    #[allow(clippy::type_complexity, reason = "one closure, used once")]
    fn of_group(
        &'a self,
        group: &'a CodeGroup,
        name: &ColumnName,
    ) -> Result<Box<dyn Fn(usize, Option<i32>) -> bool + 'a>, MatchError> {
        let Self::Text { codes, words } = self else {
            return Err(MatchError::WrongType { column: name.clone(), expected: "text" });
        };
        let always: Vec<bool> = words
            .iter()
            .map(|word| word.is_some_and(|word| group.codes.iter().any(|code| code == word)))
            .collect();
        let dated: Vec<Vec<(i32, i32)>> = words
            .iter()
            .map(|word| {
                let has = |dated: &&DatedCodes| {
                    word.is_some_and(|word| dated.codes.iter().any(|code| code == word))
                };
                let span = |dated: &DatedCodes| {
                    (
                        dated.from.map_or(i32::MIN, |day| day.0),
                        dated.until.map_or(i32::MAX, |day| day.0),
                    )
                };
                group.dated.iter().filter(has).map(span).collect()
            })
            .collect();
        Ok(Box::new(move |row, day| {
            if codes.is_null(row) {
                return false;
            }
            let code = codes.value(row) as usize;
            always[code]
                || day.is_some_and(|day| {
                    dated[code].iter().any(|(from, until)| (*from..=*until).contains(&day))
                })
        }))
    }
}
