//! A release: the tables of one release, over one population, protected together.

use std::collections::BTreeMap;

use minster_disclosure::{Dominance, SumRules};
use minster_model::{
    Audience, ColumnName, Day, Period, Purpose, TableName,
    policy::{Costs, Dice, Policy, Zeros},
};
use minster_store::ReleaseRules;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::definition::measure::Measure;
pub(crate) use crate::definition::measure::{CHILDREN, Kind, MeasureRow};
use crate::{
    definition::{
        derived_column::DerivedColumn,
        dfe::DfeFiles,
        formats::Format,
        location::{Location, location},
        profile::Profile,
    },
    error::AggregateError,
};

/// One release: one file of `config/tables/`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name.
    #[schemars(with = "String")]
    pub name: TableName,
    /// A heading for people.
    #[serde(default)]
    pub title: String,
    /// The publisher: for its files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub publisher: String,
    /// How readers reach them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contact: String,
    /// The readers for whom it is made; teams of the council where it says nothing. The purpose allows them, or it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AudienceSchema>")]
    pub audience: Option<Audience>,
    /// The purpose that it is made for: another pipeline's data are refused. The pipeline's where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub purpose: Option<Purpose>,
    /// The files that it has beside CSV and Parquet; all of them where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formats: Option<Vec<Format>>,
    /// Facts for the ministry's table tool: with it each table has two files for the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dfe: Option<DfeFiles>,
    /// The periods that it is released for; all of the pipeline's where it names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub periods: Vec<Period>,
    /// The publisher whose rules it follows, where it does not give its own.
    #[serde(default)]
    pub profile: Profile,
    /// Counts from 1 to one less are withheld.
    #[serde(default)]
    pub threshold: Option<u64>,
    /// The treatment of zeros.
    #[serde(default)]
    #[schemars(with = "Option<ZerosSchema>")]
    pub zeros: Option<Zeros>,
    /// How small counts are kept from being known.
    #[serde(default)]
    pub method: Method,
    /// How many children of one withheld cell an attacker may know: themselves, a family.
    #[serde(default)]
    pub insider: Option<u64>,
    /// The (n, k) rule for sums.
    #[serde(default)]
    #[schemars(with = "Option<DominanceSchema>")]
    pub dominance: Option<Dominance>,
    /// The p % rule for sums.
    #[serde(default)]
    pub p_percent: Option<u32>,
    /// The holders of the records: the rules for sums hold for them too, and each is taken to know all cells of
    /// their own in every table with a dimension of that column.
    #[serde(default, rename = "holder")]
    pub respondent: Option<Respondent>,
    /// The cells that are kept where there is a choice of what to withhold.
    #[serde(default, rename = "prices")]
    #[schemars(with = "BTreeMap<String, f64>")]
    pub costs: Costs,
    /// Whether a secret dice changes the costs, so that a reader who knows the program learns less from its choice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dice: bool,
    /// Cells that must be shown by every table with these dimensions; other dimensions are at their totals. Where no pattern shows
    /// them, the release is refused with what to coarsen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, String>>")]
    pub keep: Vec<BTreeMap<ColumnName, String>>,
    /// Which children are counted, in every table of the release.
    pub population: Population,
    /// Further conditions on the children: all must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// The columns that it derives, and those of `columns.toml` that it uses.
    #[serde(default, rename = "column", skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<DerivedColumn>,
    /// The dimensions that tables may use.
    #[serde(rename = "dimension")]
    pub dimensions: Vec<Dimension>,
    /// The tables.
    #[serde(rename = "table")]
    pub tables: Vec<Table>,
}

/// How small counts are kept from being known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// They are withheld, and what would give them away.
    #[default]
    Suppress,
    /// Every number goes to the nearest multiple of a base.
    Nearest {
        /// The base.
        base: u64,
    },
    /// Every number goes to a multiple next to it so that the tables still add up.
    Controlled {
        /// The base.
        base: u64,
    },
    /// Counts up to 7 become 0, the rest go to the nearest 5.
    OpenSafely,
    /// Every number has noise that depends on the children it counts.
    CellKey,
}

/// The holders of records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Holder")]
pub struct Respondent {
    /// The column that names them: a school, a provider.
    #[schemars(with = "String")]
    pub column: ColumnName,
    /// A sum needs this many of them.
    #[serde(default = "two")]
    pub minimum: u64,
}

fn two() -> u64 {
    2
}

/// Which children are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Population {
    /// Pupils of the council's schools.
    Spine,
    /// Everyone whom any source knows.
    All,
}

/// A condition on a column: exactly one of its tests.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Condition {
    /// The column.
    #[schemars(with = "String")]
    pub column: ColumnName,
    /// The texts that pass.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The texts that do not pass; a blank passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<String>,
    /// The least number that passes; a blank does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i64>,
    /// The least number that no longer passes; a blank does not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<i64>,
    /// The first day that passes, of a column of dates; a blank does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Day>,
    /// The last day that passes; a blank does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Day>,
    /// Nobody may learn from this release and another together that everyone of a group meets it. The same holds where
    /// it chooses a category that a table of the one or the other lists as sensitive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

/// One way of dividing the children.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Its name: a column of the released file.
    #[schemars(with = "String")]
    pub name: ColumnName,
    /// The column of the integrated dataset.
    #[schemars(with = "String")]
    pub column: ColumnName,
    /// The name of the total.
    pub total: String,
    /// The categories, in order. Without them (and without bands or levels from look-ups) those in the
    /// data.
    #[serde(default)]
    pub codes: Vec<String>,
    /// For a number: the lower bounds of its bands, ascending; a blank or smaller number is unknown.
    #[serde(default)]
    pub bands: Vec<i64>,
    /// The bands' names.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A look-up from category to a group above it (ward to locality): short for one level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
    /// The levels above the categories, lowest first: each groups the one below it. Categories that a level does
    /// not group stand under the total.
    #[serde(default, rename = "level", skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Other divisions of the same categories, beside the levels: overlapping geographies.
    #[serde(default, rename = "grouping", skip_serializing_if = "Vec::is_empty")]
    pub groupings: Vec<Level>,
    /// A look-up from categories, groups and the total to their codes: a column of its own in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_lookup: Option<String>,
    /// A file of `[boundaries]` in the pipeline: the page gets a map. Its areas have the codes of `code_lookup`, or the categories'
    /// names where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundaries: Option<String>,
    /// The name of a blank or unlisted value.
    #[serde(default = "unknown")]
    pub unknown: String,
    /// Whether the row of such values is left out where no child has one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_if_any: bool,
}

fn unknown() -> String {
    "Unknown".into()
}

/// The level above categories: exactly one of `lookup`, `column` and `groups`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its name, for messages and for whatever it does not group.
    #[serde(default)]
    pub name: String,
    /// A look-up of the pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<String>,
    /// A column of the integrated dataset: each category must stand beside one value of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub column: Option<ColumnName>,
    /// The groups, each with its categories.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name: the released files' too.
    #[schemars(with = "String")]
    pub name: TableName,
    /// A heading for people.
    #[serde(default)]
    pub title: String,
    /// The dimensions, by name.
    #[schemars(with = "Vec<String>")]
    pub dimensions: Vec<ColumnName>,
    /// The totals that are shown, each by the dimensions that it is divided by; the cells themselves and the total of all are
    /// shown in any case. Without it all are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Vec<String>>>")]
    pub margins: Option<Vec<Vec<ColumnName>>>,
    /// Categories that must not be learnt about a whole group.
    #[serde(default)]
    pub sensitive: Vec<SensitiveCategories>,
    /// Cells that are never published, each by its categories; a dimension that is not named is a total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, String>>")]
    pub never: Vec<BTreeMap<ColumnName, String>>,
    /// Cells that are always published; the release is refused where one may not be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, String>>")]
    pub always: Vec<BTreeMap<ColumnName, String>>,
    /// The measures beside the count of children.
    #[serde(default, rename = "measure")]
    pub measures: Vec<Measure>,
}

/// Categories of one dimension that must not be learnt about a whole group.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SensitiveCategories {
    /// The dimension.
    #[schemars(with = "String")]
    pub dimension: ColumnName,
    /// Its categories.
    pub categories: Vec<String>,
}

impl Dimension {
    /// The levels above the categories, the short form included, each with its place in a definition that
    /// has the dimension at `number`.
    pub(crate) fn placed_levels(&self, number: usize) -> Vec<(Level, Location)> {
        let short = self.lookup.as_ref().map(|lookup| Level {
            name: lookup.clone(),
            lookup: Some(lookup.clone()),
            column: None,
            groups: BTreeMap::new(),
        });
        let short = short.map(|level| (level, location!["dimension", number, "lookup"]));
        short.into_iter().chain(placed(number, "level", &self.levels)).collect()
    }

    /// The groupings, as [`Dimension::placed_levels`].
    pub(crate) fn placed_groupings(&self, number: usize) -> Vec<(Level, Location)> {
        placed(number, "grouping", &self.groupings).collect()
    }
}

fn placed(
    number: usize,
    key: &'static str,
    levels: &[Level],
) -> impl Iterator<Item = (Level, Location)> {
    levels.iter().enumerate().map(move |(at, level)| {
        let names = if level.lookup.is_some() { "lookup" } else { "column" };
        (level.clone(), location!["dimension", number, key, at, names])
    })
}

impl Definition {
    /// Whether it is released for a period.
    pub fn is_of(&self, period: &Period) -> bool {
        self.periods.is_empty() || self.periods.contains(period)
    }

    /// The JSON schema of a definition, for editors.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
    }

    /// Every column that it names outside its derived columns, with the place.
    pub(crate) fn named_columns(&self) -> Vec<(&ColumnName, Location)> {
        let mut named: Vec<(&ColumnName, Location)> = Vec::new();
        for (number, dimension) in self.dimensions.iter().enumerate() {
            named.push((&dimension.column, location!["dimension", number, "column"]));
            for (key, levels) in [("level", &dimension.levels), ("grouping", &dimension.groupings)]
            {
                for (at, level) in levels.iter().enumerate() {
                    let at = location!["dimension", number, key, at, "column"];
                    named.extend(level.column.as_ref().map(|column| (column, at)));
                }
            }
        }
        for (number, condition) in self.conditions.iter().enumerate() {
            named.push((&condition.column, location!["where", number, "column"]));
        }
        named.extend(
            self.respondent.iter().map(|respondent| (&respondent.column, location!["holder"])),
        );
        for (number, table) in self.tables.iter().enumerate() {
            for (at, measure) in table.measures.iter().enumerate() {
                let at = location!["table", number, "measure", at];
                named.extend(measure.summed().into_iter().map(|column| (column, at.clone())));
                if let Kind::Median { of, .. } = measure.kind() {
                    named.push((of, at));
                }
            }
        }
        named
    }

    /// The columns that its tables divide by.
    pub(crate) fn divided_columns(&self) -> impl Iterator<Item = &ColumnName> {
        let names = self.tables.iter().flat_map(|table| &table.dimensions);
        names.filter_map(|name| self.dimension(name)).map(|dimension| &dimension.column)
    }

    /// The columns that its tables add up.
    pub(crate) fn summed_columns(&self) -> impl Iterator<Item = &ColumnName> {
        let measures = self.tables.iter().flat_map(|table| &table.measures);
        measures.flat_map(Measure::summed)
    }

    /// A dimension by its name.
    pub fn dimension(&self, name: &ColumnName) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.name == *name)
    }

    /// Whether a dimension's categories are those who hold the records.
    pub(crate) fn divides_by_respondents(&self, dimension: &Dimension) -> bool {
        let of_respondents =
            self.respondent.as_ref().is_some_and(|of| of.column == dimension.column);
        of_respondents && dimension.bands.is_empty()
    }

    /// The same definition, whose costs the dice changes where it is to be thrown. It is for protecting alone: no ledger
    /// knows it.
    pub(crate) fn cast(&self, dice: Dice) -> Self {
        let dice = if self.dice { dice } else { Dice::default() };
        Self { costs: self.costs.cast(dice), ..self.clone() }
    }

    /// The readers for whom it is made.
    pub fn audience(&self) -> Audience {
        self.audience.unwrap_or_default()
    }

    /// The policy that is published with the tables.
    pub fn policy(&self) -> Policy {
        let Policy { threshold, zeros, insider } = self.profile.policy();
        Policy {
            threshold: self.threshold.unwrap_or(threshold),
            zeros: self.zeros.unwrap_or(zeros),
            insider: self.insider.unwrap_or(insider),
        }
    }

    /// The rules for sums, about children: as many as the threshold contribute to one that is shown.
    pub fn sum_rules(&self) -> SumRules {
        let contributors = Some(self.policy().threshold);
        SumRules { dominance: self.dominance, p_percent: self.p_percent, contributors }
    }

    /// The rules that its release is protected by, as a purpose's floors are compared with them.
    pub(crate) fn release_rules(&self) -> ReleaseRules {
        let Policy { threshold, zeros, insider } = self.policy();
        let method = match self.method {
            Method::Suppress => "suppress",
            Method::Nearest { .. } => "nearest",
            Method::Controlled { .. } => "controlled",
            Method::OpenSafely => "open-safely",
            Method::CellKey => "cell-key",
        };
        let p_percent = self.sum_rules().p_percent;
        ReleaseRules { threshold, zeros, insider, p_percent, method: method.to_owned() }
    }

    pub(crate) fn rule(&self, at: Location, what: String) -> AggregateError {
        AggregateError::Rule { release: self.name.to_string(), line: None, at, what }
    }
}

impl Table {
    /// The first of the measures that CSV and Parquet have rows for, with its place. They stand last, and are of one `each`.
    pub(crate) fn written_in_rows(&self) -> Option<(usize, &MeasureRow)> {
        let mut rows = self.measures.iter().enumerate();
        rows.find_map(|(at, measure)| Some((at, measure.row.as_ref()?)))
    }

    /// Whether it divides by all dimensions that a cell names.
    pub(crate) fn has_all(&self, cell: &BTreeMap<ColumnName, String>) -> bool {
        cell.keys().all(|name| self.dimensions.contains(name))
    }
}

/// The words of [`Zeros`], for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema alone is made of it")]
enum ZerosSchema {
    Published,
    MayBeWithheld,
    Unsafe,
}

/// The audiences, for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema alone is made of it")]
enum AudienceSchema {
    CouncilTeams,
    Partners,
    Public,
}

/// The parts of [`Dominance`], for the schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the schema alone is made of it")]
struct DominanceSchema {
    n: usize,
    k: u32,
}
