//! What is released: the tables of one release, over one population, protected together.

use minster_model::{
    ColumnName, TableName,
    cube::{Prices, Zeros},
};
use serde::{Deserialize, Serialize};

use crate::AggregateError;

/// One release: one file of `config/tables/`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name.
    pub name: TableName,
    /// A heading for people.
    #[serde(default)]
    pub title: String,
    /// Counts from 1 to one less are withheld.
    pub threshold: u64,
    /// What becomes of zeros.
    pub zeros: Zeros,
    /// What is kept where there is a choice of what to withhold.
    #[serde(default)]
    pub prices: Prices,
    /// Which children are counted, in every table of the release.
    pub population: Population,
    /// Further conditions on the children: all must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// The dimensions that tables may use.
    #[serde(rename = "dimension")]
    pub dimensions: Vec<Dimension>,
    /// The tables.
    #[serde(rename = "table")]
    pub tables: Vec<Table>,
}

/// Which children are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Population {
    /// Pupils of the council's schools.
    Spine,
    /// Everyone whom any source knows.
    All,
}

/// A condition on a text column.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: ColumnName,
    /// The values that pass.
    #[serde(rename = "in")]
    pub values: Vec<String>,
}

/// One way of dividing the children.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Its name: a column of the released file.
    pub name: ColumnName,
    /// The column of the integrated dataset.
    pub column: ColumnName,
    /// What the total is called.
    pub total: String,
    /// The categories, in order. Without them (and without bands or a look-up) those in the data.
    #[serde(default)]
    pub codes: Vec<String>,
    /// For a number: the lower bounds of its bands, ascending; a blank or smaller number is unknown.
    #[serde(default)]
    pub bands: Vec<i64>,
    /// The bands' names.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A look-up from category to a group above it (ward to locality).
    #[serde(default)]
    pub lookup: Option<String>,
    /// What a blank or unlisted value is called.
    #[serde(default = "unknown")]
    pub unknown: String,
}

fn unknown() -> String {
    "Unknown".into()
}

/// One table.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name: the released files' too.
    pub name: TableName,
    /// A heading for people.
    #[serde(default)]
    pub title: String,
    /// The dimensions, by name.
    pub dimensions: Vec<ColumnName>,
    /// Categories that must not be learnt about a whole group.
    #[serde(default)]
    pub sensitive: Vec<SensitiveCategories>,
    /// What is shown beside the count of children, where that is shown.
    #[serde(default, rename = "measure")]
    pub measures: Vec<Measure>,
}

/// Categories of one dimension that must not be learnt about a whole group.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SensitiveCategories {
    /// The dimension.
    pub dimension: ColumnName,
    /// Its categories.
    pub categories: Vec<String>,
}

/// A number beside the count.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Its name: a column of the released file.
    pub name: ColumnName,
    /// The column that is summed.
    pub sum: ColumnName,
    /// Divided by the sum of this column, or by the children where it is `children`: a rate.
    #[serde(default)]
    pub per: Option<ColumnName>,
    /// What the rate is multiplied with.
    #[serde(default = "one")]
    pub times: f64,
}

fn one() -> f64 {
    1.0
}

impl Definition {
    /// Parses and checks a definition.
    pub fn parse(text: &str) -> Result<Self, AggregateError> {
        let definition: Self =
            toml::from_str(text).map_err(|error| AggregateError::Definition(Box::new(error)))?;
        definition.check()?;
        Ok(definition)
    }

    /// A dimension by its name.
    pub fn dimension(&self, name: &ColumnName) -> Result<&Dimension, AggregateError> {
        self.dimensions.iter().find(|dimension| dimension.name == *name).ok_or_else(|| {
            let known: Vec<&str> =
                self.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
            self.rule(format!("there is no dimension {name}; there are {}", known.join(", ")))
        })
    }

    fn check(&self) -> Result<(), AggregateError> {
        if self.threshold < 2 {
            return Err(self.rule("a threshold below 2 withholds nothing".into()));
        }
        let Prices { margin, size } = self.prices;
        if !(0.0..=100.0).contains(&margin) || !(0.0..=100.0).contains(&size) {
            return Err(self.rule("prices lie between 0 and 100".into()));
        }
        for dimension in &self.dimensions {
            let labels = dimension.labels.len() == dimension.bands.len();
            if !labels || !dimension.bands.is_sorted_by(|a, b| a < b) {
                let name = &dimension.name;
                return Err(self.rule(format!("{name}: bands ascend, and each has a label")));
            }
        }
        for table in &self.tables {
            let name = &table.name;
            if table.dimensions.is_empty() {
                return Err(self.rule(format!("the table {name} has no dimension")));
            }
            for (place, dimension) in table.dimensions.iter().enumerate() {
                self.dimension(dimension)?;
                if table.dimensions[..place].contains(dimension) {
                    return Err(self.rule(format!("the table {name} names {dimension} twice")));
                }
                let column = &self.dimension(dimension)?.column;
                for other in &table.dimensions[..place] {
                    if self.dimension(other)?.column == *column {
                        return Err(self.rule(format!(
                            "the table {name} divides the column {column} by {other} and by {dimension}; one of them is enough"
                        )));
                    }
                }
            }
            for sensitive in &table.sensitive {
                if !table.dimensions.contains(&sensitive.dimension) {
                    let dimension = &sensitive.dimension;
                    return Err(self.rule(format!("the table {name} has no dimension {dimension}")));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn rule(&self, what: String) -> AggregateError {
        AggregateError::Rule { release: self.name.to_string(), what }
    }
}
