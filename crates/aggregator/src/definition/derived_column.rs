//! Columns that a definition derives: from columns of a child, or from the child's events.

use std::collections::BTreeMap;

use minster_formats::AND;
use minster_model::{ColumnName, NamedDay, TableName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::each::Each;

/// A column that is derived for each child. It divides, chooses and is measured as a column of the integrated dataset.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DerivedColumn {
    /// Its name: no column of the integrated dataset has it.
    #[schemars(with = "String")]
    pub name: ColumnName,
    /// Its meaning, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub meaning: String,
    /// The columns that it is derived from, and the way.
    pub is: Derivation,
    /// Months or codes, for each of which there is such a column, with the month or code behind the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
}

/// The way from some columns to another.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Derivation {
    /// One number per another, times 100, rounded down; with `at-least`, 1 where it is that much, else 0.
    Ratio(RatioOf),
    /// The whole years completed at the end of a day.
    Age(AgeOn),
    /// The days from one date to another, or to a day.
    Days(DaysFrom),
    /// 1 where something has begun by a day and has not ended by it, else 0.
    Open(OpenOn),
    /// The first of these columns that is known.
    First(Vec<NameOfColumn>),
    /// The least of these columns: of dates, the earliest.
    Least(Vec<NameOfColumn>),
    /// The greatest of these columns: of dates, the latest.
    Greatest(Vec<NameOfColumn>),
    /// 1 where any of these columns is above nothing, or is a date; else 0.
    Any(Vec<NameOfColumn>),
    /// Numbers added up, less others.
    Add(Added),
    /// The month, term, calendar year or academic year of a date.
    Part(PartOf),
    /// 1 where all these dates lie in one month, term or year; else 0, and blank where one is.
    Same(SamePart),
    /// Values under other names, several under one: by written groups, or by a look-up.
    Recode(Recoded),
    /// The names of those columns that are above nothing, or are dates: `Early help + SEN plan`.
    Combination(Named),
    /// The names of those dates that are known, earliest first: `Early help > Looked after`.
    Path(Named),
    /// The number of a child's events.
    Count(EventCount),
    /// A value of one of a child's events.
    Event(EventValue),
}

/// A column's name, with a schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct NameOfColumn(#[schemars(with = "String")] pub ColumnName);

/// One number per another.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RatioOf {
    /// The number above the line.
    #[schemars(with = "String")]
    pub of: ColumnName,
    /// The number below it: where that is 0 or blank, the ratio is blank.
    #[schemars(with = "String")]
    pub per: ColumnName,
    /// The number that it is multiplied with.
    #[serde(default = "hundred")]
    pub times: u32,
    /// The bound from which on the column is 1, and below which it is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u32>,
}

fn hundred() -> u32 {
    100
}

/// An age.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgeOn {
    /// The date of birth; or the year of birth, which tells the age on 31 December alone.
    #[schemars(with = "String")]
    pub of: ColumnName,
    /// The day: `2025-03-31`, or `03-31` for that of the period.
    #[schemars(with = "String")]
    pub on: NamedDay,
}

/// A difference of dates.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DaysFrom {
    /// The date from which they are counted.
    #[schemars(with = "String")]
    pub from: ColumnName,
    /// The date to which they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<ColumnName>,
    /// The day to which they are counted; with `until`, where that is blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until_day: Option<NamedDay>,
}

/// Something that is open on a day.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenOn {
    /// The date of its beginning.
    #[schemars(with = "String")]
    pub from: ColumnName,
    /// The date of its end; a blank is none.
    #[schemars(with = "String")]
    pub end: ColumnName,
    /// The day.
    #[schemars(with = "String")]
    pub on: NamedDay,
}

/// Numbers added up.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// The numbers that are added. Where all are blank, so is the column; else a blank adds nothing.
    pub of: Vec<NameOfColumn>,
    /// The numbers that are taken away. A result below 0 is blank.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub less: Vec<NameOfColumn>,
}

/// A part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarPart {
    /// `2025-03`.
    Month,
    /// `2024-25 1 autumn` (September to December), `2 spring` (January to March), `3 summer` (April to August).
    Term,
    /// `2025`.
    Year,
    /// `2024-25`, from September to August.
    AcademicYear,
}

impl CalendarPart {
    /// Its name in a definition.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Term => "term",
            Self::Year => "year",
            Self::AcademicYear => "academic-year",
        }
    }

    /// One such part, for a message.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Month => "2024-09",
            Self::Term => "2024-25 1 autumn",
            Self::Year => "2024",
            Self::AcademicYear => "2024-25",
        }
    }
}

/// The part of the calendar in which a date lies.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartOf {
    /// The date.
    #[schemars(with = "String")]
    pub of: ColumnName,
    /// The part.
    pub by: CalendarPart,
}

/// Whether dates lie in one part of the calendar.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamePart {
    /// The dates.
    pub of: Vec<NameOfColumn>,
    /// The part.
    pub by: CalendarPart,
}

/// Other names for values: exactly one of `groups` and `lookup`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recoded {
    /// The column.
    #[schemars(with = "String")]
    pub of: ColumnName,
    /// Each new name, with the values that get it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// A look-up of the pipeline, from value to new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
    /// The name of all other values; without it they are blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

/// Columns, each with a name that readers know.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The columns, in the order in which their names stand.
    pub of: Vec<NamedColumn>,
    /// The name where there is none of them.
    pub none: String,
}

/// A column and its name.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedColumn {
    /// The name.
    pub name: String,
    /// The column.
    #[schemars(with = "String")]
    pub column: ColumnName,
}

/// A number of events.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventCount {
    /// The table of events.
    #[schemars(with = "String")]
    pub events: TableName,
    /// A column that says how many events a row stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sum: Option<ColumnName>,
    /// The events that count: all conditions must hold.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<EventCondition>,
}

/// A value of one event.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventValue {
    /// The table of events.
    #[schemars(with = "String")]
    pub events: TableName,
    /// The column whose value is taken.
    #[schemars(with = "String")]
    pub of: ColumnName,
    /// The event whose value it is, among those with a value.
    pub which: Which,
    /// The column that orders the events, for `first` and `latest`.
    #[serde(default = "date")]
    #[schemars(with = "String")]
    pub by: String,
    /// The events that count: all conditions must hold.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<EventCondition>,
}

fn date() -> String {
    "date".to_owned()
}

/// One of several events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The first, by the column `by`.
    First,
    /// The latest, by the column `by`.
    Latest,
    /// The one with the least value.
    Least,
    /// The one with the greatest value.
    Greatest,
}

/// A condition on a column of events: all that it says must hold, and it says something.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EventCondition {
    /// The column.
    #[schemars(with = "String")]
    pub column: ColumnName,
    /// The texts that pass.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The texts that do not pass; a blank passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<String>,
    /// The first day that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub from: Option<NamedDay>,
    /// The last day that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<NamedDay>,
    /// With `end`: what began on this day or before, and did not end on it or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub open_on: Option<NamedDay>,
    /// The column with the end, for `open-on` and `open-until`: then what begins by `until` and ends after `from` passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub end: Option<ColumnName>,
}

impl Derivation {
    /// The columns of a child that it reads.
    pub(crate) fn inputs(&self) -> Vec<&ColumnName> {
        match self {
            Self::Ratio(RatioOf { of, per, .. }) => vec![of, per],
            Self::Age(AgeOn { of, .. })
            | Self::Part(PartOf { of, .. })
            | Self::Recode(Recoded { of, .. }) => vec![of],
            Self::Days(DaysFrom { from, until, .. }) => {
                std::iter::once(from).chain(until.as_ref()).collect()
            }
            Self::Open(OpenOn { from, end, .. }) => vec![from, end],
            Self::First(of) | Self::Least(of) | Self::Greatest(of) | Self::Any(of) => plain(of),
            Self::Same(SamePart { of, .. }) => plain(of),
            Self::Add(Added { of, less }) => of.iter().chain(less).map(|of| &of.0).collect(),
            Self::Combination(Named { of, .. }) | Self::Path(Named { of, .. }) => {
                of.iter().map(|of| &of.column).collect()
            }
            Self::Count(_) | Self::Event(_) => Vec::new(),
        }
    }

    /// The table of events that it reads.
    pub(crate) fn events(&self) -> Option<&TableName> {
        match self {
            Self::Count(EventCount { events, .. }) | Self::Event(EventValue { events, .. }) => {
                Some(events)
            }
            _ => None,
        }
    }

    /// The look-up that it reads.
    pub(crate) fn lookup(&self) -> Option<&str> {
        match self {
            Self::Recode(Recoded { lookup, .. }) => lookup.as_deref(),
            _ => None,
        }
    }

    /// Whether it may be added up. Two ages, or two differences of dates, of the same children differ by a count that
    /// nobody protects; so do two ratios. Sums of counts are protected together with their parts.
    pub(crate) fn may_be_summed(&self) -> bool {
        matches!(self, Self::Add(_) | Self::Count(_))
    }

    /// The fault in it, by itself.
    pub(crate) fn fault(&self) -> Option<String> {
        let none = |of: &[NameOfColumn]| of.is_empty().then(|| "it names no column".to_owned());
        match self {
            Self::Ratio(RatioOf { times: 0, .. }) => Some("`times` is above 0".to_owned()),
            Self::Days(DaysFrom { until: None, until_day: None, .. }) => {
                Some("it needs `until`, a date, or `until-day`, a day".to_owned())
            }
            Self::First(of) | Self::Least(of) | Self::Greatest(of) | Self::Any(of) => none(of),
            Self::Add(Added { of, .. }) => none(of),
            Self::Same(SamePart { of, .. }) => {
                (of.len() < 2).then(|| "it compares two dates or more".to_owned())
            }
            Self::Recode(of) => of.fault(),
            Self::Combination(of) => of.fault().or_else(|| {
                let has_and = of.of.iter().find(|of| of.name.contains(AND));
                has_and.map(|of| {
                    format!(
                        "the name {} has `{AND}` in it, which stands between two names",
                        of.name
                    )
                })
            }),
            Self::Path(of) => of.fault(),
            Self::Count(EventCount { conditions, .. })
            | Self::Event(EventValue { conditions, .. }) => {
                conditions.iter().find_map(EventCondition::fault)
            }
            _ => None,
        }
    }
}

fn plain(of: &[NameOfColumn]) -> Vec<&ColumnName> {
    of.iter().map(|of| &of.0).collect()
}

impl Recoded {
    fn fault(&self) -> Option<String> {
        if self.groups.is_empty() == self.lookup.is_none() {
            return Some("it has exactly one of `groups` and `lookup`".to_owned());
        }
        let mut values: Vec<&String> = self.groups.values().flatten().collect();
        values.sort();
        let twice = values.windows(2).find(|pair| pair[0] == pair[1]);
        twice.map(|pair| format!("the value {} is in two groups", pair[0]))
    }
}

impl Named {
    fn fault(&self) -> Option<String> {
        let mut names: Vec<&str> = self.of.iter().map(|of| of.name.as_str()).collect();
        names.push(&self.none);
        names.sort_unstable();
        if self.of.is_empty() {
            return Some("it names no column".to_owned());
        }
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        twice.map(|pair| format!("two are called {}", pair[0]))
    }
}

impl EventCondition {
    /// A condition on a column that says nothing yet.
    pub(crate) fn of(column: ColumnName) -> Self {
        Self {
            column,
            values: Vec::new(),
            not_in: Vec::new(),
            from: None,
            until: None,
            open_on: None,
            end: None,
        }
    }

    fn fault(&self) -> Option<String> {
        let Self { column, values, not_in, from, until, open_on, end } = self;
        let texts = !values.is_empty() || !not_in.is_empty();
        let days = from.is_some() || until.is_some();
        if !texts && !days && open_on.is_none() {
            return Some(format!(
                "the condition on {column} has none of `in`, `not-in`, `from`, `until` and `open-on`"
            ));
        }
        let spans = open_on.is_some() || (from.is_some() && until.is_some());
        if (open_on.is_some() && end.is_none()) || (end.is_some() && !spans) {
            return Some(format!(
                "the condition on {column}: `end` stands beside `open-on`, or beside `from` and `until`, and `open-on` needs it"
            ));
        }
        None
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        std::iter::once(&self.column).chain(&self.end)
    }
}
