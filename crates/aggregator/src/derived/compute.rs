//! The value of a derived column for each child, and the reason where it is blank.

use std::collections::HashMap;

use minster_formats::AND;
use minster_model::{ColumnName, Day, NamedDay};

use super::values::{Texts, Values};
use crate::{
    definition::derived_column::{
        Added, AgeOn, CalendarPart, DaysFrom, Derivation, Named, OpenOn, PartOf, RatioOf, Recoded,
        SamePart,
    },
    definition::location::did_you_mean,
    tabulate::check_against_data::NAMED_FROM,
};

/// Why a derived value is blank. Its number stands beside the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blank {
    /// A value that it is derived from is blank.
    Input,
    /// The number below the line is 0.
    DividedByZero,
    /// An end before its beginning, or a birth after the day.
    Impossible,
    /// More is taken away than there is.
    BelowZero,
    /// A value that no group and no look-up names.
    NotListed,
}

impl Blank {
    /// Each, in the order of its number, from 1.
    pub(crate) const ALL: [Self; 5] =
        [Self::Input, Self::DividedByZero, Self::Impossible, Self::BelowZero, Self::NotListed];

    pub(super) fn number(self) -> u8 {
        1 + Self::ALL.iter().position(|of| *of == self).unwrap_or_default() as u8
    }

    /// For a message, behind a number of children.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Input => "have no value that it is derived from",
            Self::DividedByZero => "would be divided by 0",
            Self::Impossible => {
                "have dates that cannot be: an end before its beginning, or a birth after the day"
            }
            Self::BelowZero => "would be below 0",
            Self::NotListed => "have a value that no group or look-up names",
        }
    }
}

/// A derived column: its values, and for each row 0, or the number of a [`Blank`].
pub(super) struct Computed {
    pub(super) values: Values,
    pub(super) why: Vec<u8>,
}

impl Computed {
    /// Whole numbers, none of which is blank.
    pub(super) fn of(numbers: Vec<i64>) -> Self {
        let why = vec![0; numbers.len()];
        Self { values: Values::Whole(numbers.into_iter().map(Some).collect()), why }
    }
}

pub(crate) type Cell<T> = Result<T, Blank>;

/// The columns that are derived from, and the rest that is needed.
pub(super) struct Inputs<'a> {
    pub(super) rows: usize,
    pub(super) columns: Vec<(&'a ColumnName, Values)>,
    /// The look-up that is named, in the file's order.
    pub(super) lookup: Option<Vec<(String, String)>>,
    pub(super) period: Option<(Day, Day)>,
}

impl Inputs<'_> {
    fn get(&self, name: &ColumnName) -> Result<&Values, String> {
        let found = self.columns.iter().find(|(of, _)| *of == name);
        found.map(|(_, values)| values).ok_or_else(|| format!("{name} was not read"))
    }

    fn whole(&self, name: &ColumnName) -> Result<&[Option<i64>], String> {
        match self.get(name)? {
            Values::Whole(values) => Ok(values),
            other => Err(format!("{name} holds {}, and whole numbers are needed", other.kind())),
        }
    }

    fn days(&self, name: &ColumnName) -> Result<&[Option<i64>], String> {
        match self.get(name)? {
            Values::Days(values) => Ok(values),
            // A column that nobody has a value of has no type of its own.
            values @ Values::Whole(none) if values.has_no_type() => Ok(none),
            other => Err(format!("{name} holds {}, and dates are needed", other.kind())),
        }
    }

    fn day(&self, named: NamedDay) -> Result<i64, String> {
        named.day(self.period).map(|Day(day)| i64::from(day))
    }

    fn each<T>(&self, of: impl Fn(usize) -> Cell<T>) -> (Vec<Option<T>>, Vec<u8>) {
        let cells = (0..self.rows).map(|row| match of(row) {
            Ok(value) => (Some(value), 0),
            Err(blank) => (None, blank.number()),
        });
        cells.unzip()
    }

    fn each_whole(&self, of: impl Fn(usize) -> Cell<i64>) -> Computed {
        let (values, why) = self.each(of);
        Computed { values: Values::Whole(values), why }
    }

    fn each_text(&self, of: impl Fn(usize) -> Cell<String>) -> Computed {
        let (texts, why) = self.each(of);
        Computed { values: Values::Texts(Texts::of(texts.into_iter())), why }
    }
}

/// Computes a column that is derived from others of the child.
///
/// # Errors
/// What is wrong with a column that it names.
pub(super) fn compute(derivation: &Derivation, inputs: &Inputs<'_>) -> Result<Computed, String> {
    match derivation {
        Derivation::Ratio(of) => ratio(of, inputs),
        Derivation::Age(of) => age(of, inputs),
        Derivation::Days(of) => days(of, inputs),
        Derivation::Open(OpenOn { from, end, on }) => {
            let (from, end, on) = (inputs.days(from)?, inputs.days(end)?, inputs.day(*on)?);
            Ok(inputs.each_whole(|row| match (from[row], end[row]) {
                (Some(from), Some(end)) if end < from => Err(Blank::Impossible),
                (None, Some(_)) => Err(Blank::Impossible),
                (from, end) => {
                    let begun = from.is_some_and(|from| from <= on);
                    Ok(i64::from(begun && end.is_none_or(|end| end > on)))
                }
            }))
        }
        Derivation::First(_) | Derivation::Least(_) | Derivation::Greatest(_) => {
            one_of(derivation, inputs)
        }
        Derivation::Any(_) => {
            inputs.columns.iter().try_for_each(|(name, of)| may_be_there(name, of))?;
            let is_any = |row: usize| inputs.columns.iter().any(|(_, of)| of.is_there(row));
            Ok(inputs.each_whole(|row| Ok(i64::from(is_any(row)))))
        }
        Derivation::Add(of) => add(of, inputs),
        Derivation::Part(PartOf { of, by }) => {
            let days = inputs.days(of)?;
            Ok(inputs.each_text(|row| part(days[row].ok_or(Blank::Input)?, *by)))
        }
        Derivation::Same(of) => same(of, inputs),
        Derivation::Recode(of) => recode(of, inputs),
        Derivation::Combination(Named { of, none }) => {
            let all = of.iter().map(|of| Ok((&of.name, inputs.get(&of.column)?)));
            let all: Vec<(&String, &Values)> = all.collect::<Result<_, String>>()?;
            inputs.columns.iter().try_for_each(|(name, of)| may_be_there(name, of))?;
            Ok(inputs.each_text(|row| {
                let there = all.iter().filter(|(_, values)| values.is_there(row));
                let names: Vec<&str> = there.map(|(name, _)| name.as_str()).collect();
                Ok(if names.is_empty() { none.clone() } else { names.join(AND) })
            }))
        }
        Derivation::Path(of) => path(of, inputs),
        Derivation::Count(_) | Derivation::Event(_) => Err("it is of events".to_owned()),
    }
}

/// Refuses texts: "N" for no would count as there.
fn may_be_there(name: &ColumnName, values: &Values) -> Result<(), String> {
    match values {
        Values::Texts(texts) if texts.places.iter().any(Option::is_some) => Err(format!(
            "{name} holds texts, of which each would count as there, also one that says no: derive a number from it, or take a date"
        )),
        _ => Ok(()),
    }
}

fn ratio(
    RatioOf { of, per, times, at_least }: &RatioOf,
    inputs: &Inputs<'_>,
) -> Result<Computed, String> {
    let (of, per) = (inputs.whole(of)?, inputs.whole(per)?);
    Ok(inputs.each_whole(|row| {
        let (of, per) = (of[row].ok_or(Blank::Input)?, per[row].ok_or(Blank::Input)?);
        if per == 0 {
            return Err(Blank::DividedByZero);
        }
        if of < 0 || per < 0 {
            return Err(Blank::BelowZero);
        }
        let ratio = i128::from(of) * i128::from(*times) / i128::from(per);
        Ok(match at_least {
            // Without a division, nothing is rounded.
            Some(least) => i64::from(
                i128::from(of) * i128::from(*times) >= i128::from(*least) * i128::from(per),
            ),
            None => i64::try_from(ratio).unwrap_or(i64::MAX),
        })
    }))
}

fn age(AgeOn { of, on }: &AgeOn, inputs: &Inputs<'_>) -> Result<Computed, String> {
    let on = inputs.day(*on)?;
    let calendar = |day: i64| i32::try_from(day).ok().and_then(|day| Day(day).calendar());
    let (year, month, day) = calendar(on).ok_or("the day is beyond the calendar")?;
    if let Values::Whole(years) = inputs.get(of)?
        && years.iter().any(Option::is_some)
    {
        if (month, day) != (12, 31) {
            return Err(format!(
                "{of} holds years of birth, which tell the age on 31 December alone: take that day, or a date"
            ));
        }
        return Ok(inputs.each_whole(|row| {
            let age = i64::from(year) - years[row].ok_or(Blank::Input)?;
            if (0..=150).contains(&age) { Ok(age) } else { Err(Blank::Impossible) }
        }));
    }
    let births = inputs.days(of)?;
    Ok(inputs.each_whole(|row| {
        let birth = births[row].ok_or(Blank::Input)?;
        let (of_year, of_month, of_day) = calendar(birth).ok_or(Blank::Impossible)?;
        let before_birthday = (month, day) < (of_month, of_day);
        let age = i64::from(year) - i64::from(of_year) - i64::from(before_birthday);
        if birth <= on && age <= 150 { Ok(age) } else { Err(Blank::Impossible) }
    }))
}

fn days(
    DaysFrom { from, until, until_day }: &DaysFrom,
    inputs: &Inputs<'_>,
) -> Result<Computed, String> {
    let from = inputs.days(from)?;
    let until = until.as_ref().map(|until| inputs.days(until)).transpose()?;
    let day = until_day.map(|day| inputs.day(day)).transpose()?;
    Ok(inputs.each_whole(|row| {
        let from = from[row].ok_or(Blank::Input)?;
        let until = until.and_then(|until| until[row]).or(day).ok_or(Blank::Input)?;
        if until < from { Err(Blank::Impossible) } else { Ok(until - from) }
    }))
}

/// The first known, the least or the greatest of some columns of one type.
fn one_of(derivation: &Derivation, inputs: &Inputs<'_>) -> Result<Computed, String> {
    let kind = |values: &Values| std::mem::discriminant(values);
    if inputs.columns.is_empty() {
        return Err("it names no column".to_owned());
    }
    // A column that nobody has a value of has no type of its own, and goes with any.
    let mut typed = inputs.columns.iter().filter(|(_, values)| !values.has_no_type());
    let Some((first, of_first)) = typed.next() else {
        return Ok(inputs.each_whole(|_| Err(Blank::Input)));
    };
    let others: Vec<&(&ColumnName, Values)> = typed.collect();
    for (name, values) in &others {
        if kind(values) != kind(of_first) {
            return Err(format!("{first} holds {}, and {name} {}", of_first.kind(), values.kind()));
        }
    }
    let numbers = |values: &Values| match values {
        Values::Whole(values) | Values::Days(values) => Some(values.clone()),
        Values::Texts(_) => None,
    };
    let typed = std::iter::once(of_first).chain(others.iter().map(|(_, of)| of));
    let all: Option<Vec<Vec<Option<i64>>>> = typed.map(numbers).collect();
    match (derivation, all) {
        (Derivation::First(_), None) => Ok(inputs.each_text(|row| {
            let mut texts = inputs.columns.iter().filter_map(|(_, values)| match values {
                Values::Texts(texts) => texts.get(row),
                _ => None,
            });
            texts.next().map(str::to_owned).ok_or(Blank::Input)
        })),
        (_, None) => Err(format!("{first} holds texts: numbers or dates are compared")),
        (_, Some(all)) => {
            let (values, why) = inputs.each(|row| {
                let mut known = all.iter().filter_map(|of| of[row]);
                let one = match derivation {
                    Derivation::Least(_) => known.min(),
                    Derivation::Greatest(_) => known.max(),
                    _ => known.next(),
                };
                one.ok_or(Blank::Input)
            });
            let is_days = matches!(of_first, Values::Days(_));
            let values = if is_days { Values::Days(values) } else { Values::Whole(values) };
            Ok(Computed { values, why })
        }
    }
}

fn add(Added { of, less }: &Added, inputs: &Inputs<'_>) -> Result<Computed, String> {
    let columns = of.iter().map(|of| (1, &of.0)).chain(less.iter().map(|of| (-1, &of.0)));
    let all = columns.map(|(sign, name)| Ok((sign, inputs.whole(name)?)));
    let all: Vec<(i128, &[Option<i64>])> = all.collect::<Result<_, String>>()?;
    Ok(inputs.each_whole(|row| {
        if all.iter().all(|(_, values)| values[row].is_none()) {
            return Err(Blank::Input);
        }
        let part = |values: &[Option<i64>]| i128::from(values[row].unwrap_or_default());
        let sum: i128 = all.iter().map(|(sign, values)| sign * part(values)).sum();
        if sum < 0 { Err(Blank::BelowZero) } else { Ok(i64::try_from(sum).unwrap_or(i64::MAX)) }
    }))
}

/// The name of the part of the calendar in which a day lies. The names of a period sort by time.
pub(crate) fn part(day: i64, by: CalendarPart) -> Cell<String> {
    let day = i32::try_from(day).ok().and_then(|day| Day(day).calendar());
    let (year, month, _) = day.ok_or(Blank::Impossible)?;
    let first = if month >= 9 { year } else { year - 1 };
    let academic = format!("{first}-{:02}", (first + 1).rem_euclid(100));
    Ok(match by {
        CalendarPart::Month => format!("{year}-{month:02}"),
        CalendarPart::Year => year.to_string(),
        CalendarPart::AcademicYear => academic,
        CalendarPart::Term => {
            let term = match month {
                9..=12 => "1 autumn",
                1..=3 => "2 spring",
                _ => "3 summer",
            };
            format!("{academic} {term}")
        }
    })
}

fn same(SamePart { of, by }: &SamePart, inputs: &Inputs<'_>) -> Result<Computed, String> {
    let all = of.iter().map(|of| inputs.days(&of.0)).collect::<Result<Vec<_>, _>>()?;
    Ok(inputs.each_whole(|row| {
        let parts = all.iter().map(|days| part(days[row].ok_or(Blank::Input)?, *by));
        let parts = parts.collect::<Cell<Vec<String>>>()?;
        Ok(i64::from(parts.windows(2).all(|pair| pair[0] == pair[1])))
    }))
}

fn recode(
    Recoded { of, groups, other, .. }: &Recoded,
    inputs: &Inputs<'_>,
) -> Result<Computed, String> {
    let listed: HashMap<&str, &str> = match &inputs.lookup {
        Some(pairs) => pairs.iter().map(|(value, name)| (value.as_str(), name.as_str())).collect(),
        None => {
            let pairs =
                groups.iter().flat_map(|(name, values)| values.iter().map(move |v| (v, name)));
            pairs.map(|(value, name)| (value.as_str(), name.as_str())).collect()
        }
    };
    let values = inputs.get(of)?;
    let text = |row: usize| match values {
        Values::Texts(texts) => texts.get(row).map(str::to_owned),
        Values::Whole(values) => values[row].map(|value| value.to_string()),
        Values::Days(_) => None,
    };
    if matches!(values, Values::Days(_)) {
        return Err(format!("{of} holds dates: take a part of the calendar"));
    }
    // A value that is mistyped would leave its group empty, and its children in none.
    if let Some(written) = groups.values().flatten().next() {
        let in_data: Vec<String> = match values {
            Values::Texts(texts) => texts.texts.clone(),
            _ => Vec::new(),
        };
        let none = groups.values().flatten().all(|value| !in_data.contains(value));
        if none && !in_data.is_empty() && in_data.len() <= 60 {
            let mut children = vec![0u64; in_data.len()];
            if let Values::Texts(texts) = values {
                texts.places.iter().flatten().for_each(|place| children[*place as usize] += 1);
            }
            // A value of few children is not told.
            let shown = in_data.iter().zip(children);
            let shown = shown.filter(|(value, children)| {
                *children >= NAMED_FROM && !minster_leakage::may_identify(value)
            });
            let shown = shown.map(|(value, _)| value.as_str());
            return Err(format!(
                "no child has any of these values; of {written}: {}",
                did_you_mean(written, shown)
            ));
        }
    }
    Ok(inputs.each_text(|row| {
        let value = text(row).ok_or(Blank::Input)?;
        let name = listed.get(value.as_str()).copied().or(other.as_deref());
        name.map(str::to_owned).ok_or(Blank::NotListed)
    }))
}

fn path(Named { of, none }: &Named, inputs: &Inputs<'_>) -> Result<Computed, String> {
    let all = of.iter().map(|of| Ok((of.name.as_str(), inputs.days(&of.column)?)));
    let all: Vec<(&str, &[Option<i64>])> = all.collect::<Result<_, String>>()?;
    Ok(inputs.each_text(|row| {
        let mut steps: Vec<(i64, &str)> =
            all.iter().filter_map(|(name, days)| Some((days[row]?, *name))).collect();
        // A stable order: names of one day stand in the order in which they are written.
        steps.sort_by_key(|(day, _)| *day);
        let mut text = String::new();
        for (place, (day, name)) in steps.iter().enumerate() {
            let before = place.checked_sub(1).map(|before| steps[before].0);
            text += match before {
                None => "",
                Some(before) if before == *day => " & ",
                Some(_) => " > ",
            };
            text += name;
        }
        Ok(if text.is_empty() { none.clone() } else { text })
    }))
}
