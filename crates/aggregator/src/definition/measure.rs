//! The numbers that a table shows beside the count of children.

use minster_model::ColumnName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number beside the count: exactly one of `sum`, `events`, `mean`, `percentage` and `median`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Its name: a column of the released file.
    #[schemars(with = "String")]
    pub name: ColumnName,
    /// The column that is summed; with `per`, a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sum: Option<ColumnName>,
    /// A column that counts events of each child; fewer events than the threshold are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub events: Option<ColumnName>,
    /// The column of which the mean a child is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub mean: Option<ColumnName>,
    /// The dimension in whose total each cell is shown as a percentage of the children.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub percentage: Option<ColumnName>,
    /// The column of which the median is shown, rounded to `step`: where `minimum` children have a value,
    /// and as many as the threshold have the rounded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub median: Option<ColumnName>,
    /// A number of people for each category of a dimension, which everyone may know: the count is shown per so many of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Denominator>,
    /// With `sum`: divided by the sum of this column, or by the children where it is `children`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub per: Option<ColumnName>,
    /// With `per` and `rate`: what the rate is multiplied with.
    #[serde(default = "one")]
    pub times: f64,
    /// With `median`: what it is rounded to a multiple of.
    #[serde(default = "one_unit")]
    pub step: u64,
    /// Endings of columns, for each of which there is such a measure: `2024-09` for the columns that end in `_2024_09`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<String>,
    /// With `each`: CSV and Parquet have a column of this name and a row for each ending, in place of a column for each. The
    /// other numbers stand in a row where it says `All`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub rows: Option<ColumnName>,
    /// The rows that a measure of `each` is written as. The program writes it; a definition says `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub(crate) row: Option<MeasureRow>,
    /// With `median`: the children that it needs.
    #[serde(default = "ten")]
    pub minimum: u64,
}

/// The rows of CSV and Parquet that a measure stands in.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasureRow {
    /// The column that tells these rows from others.
    pub(crate) column: ColumnName,
    /// The text of that column: the ending in `each`.
    pub(crate) text: String,
    /// The measure's name without the ending.
    pub(crate) measure: ColumnName,
}

/// A look-up of numbers of people.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Denominator {
    /// The look-up of the pipeline: category and number.
    pub lookup: String,
    /// The dimension whose categories it names.
    #[schemars(with = "String")]
    pub by: ColumnName,
}

fn one() -> f64 {
    1.0
}

fn one_unit() -> u64 {
    1
}

fn ten() -> u64 {
    10
}

/// The count's own name in `per`.
pub(crate) const CHILDREN: &str = "children";

/// The number that a measure says.
pub(crate) enum Kind<'a> {
    /// A sum; with a threshold of its own where it counts events.
    Sum { of: &'a ColumnName, events: bool },
    /// A sum divided by another, or by the children where `by` is none.
    Ratio { of: &'a ColumnName, by: Option<&'a ColumnName>, times: f64 },
    /// The share of a dimension's total.
    Percentage { of: &'a ColumnName },
    /// The count by a public number of people.
    Rate { of: &'a Denominator, times: f64 },
    /// A median.
    Median { of: &'a ColumnName, step: u64, minimum: u64 },
}

impl Measure {
    /// The sum of a column; none where its name is no column's.
    pub(crate) fn sum_of(column: &str) -> Option<Self> {
        let name: ColumnName = column.parse().ok()?;
        Some(Self {
            name: name.clone(),
            sum: Some(name),
            events: None,
            mean: None,
            percentage: None,
            median: None,
            rate: None,
            per: None,
            times: one(),
            step: one_unit(),
            each: Vec::new(),
            rows: None,
            row: None,
            minimum: ten(),
        })
    }

    /// The kind of number that it says. A definition that was checked says exactly one thing.
    pub(crate) fn kind(&self) -> Kind<'_> {
        if let Some(of) = &self.percentage {
            return Kind::Percentage { of };
        }
        if let Some(of) = &self.rate {
            return Kind::Rate { of, times: self.times };
        }
        if let Some(of) = &self.median {
            return Kind::Median { of, step: self.step, minimum: self.minimum };
        }
        if let Some(of) = &self.mean {
            return Kind::Ratio { of, by: None, times: 1.0 };
        }
        let events = self.events.is_some();
        let of = self.sum.as_ref().or(self.events.as_ref()).unwrap_or(&self.name);
        match &self.per {
            None => Kind::Sum { of, events },
            Some(per) => {
                let by = Some(per).filter(|per| per.as_str() != CHILDREN);
                Kind::Ratio { of, by, times: self.times }
            }
        }
    }

    /// The columns whose sums it tells something about.
    pub(crate) fn summed(&self) -> Vec<&ColumnName> {
        match self.kind() {
            Kind::Sum { of, .. } => vec![of],
            Kind::Ratio { of, by, .. } => std::iter::once(of).chain(by).collect(),
            Kind::Percentage { .. } | Kind::Rate { .. } | Kind::Median { .. } => Vec::new(),
        }
    }
}
