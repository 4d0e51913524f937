//! `matching.toml`: which tables tie identifiers together, and which summary columns a child gets.

use minster_model::{ColumnName, Period, SourceName, TableName};
use minster_store::sha256_hex;
use serde::Deserialize;

use crate::{
    CHILDREN, CROSSWALK, MatchError,
    condition::{CodeGroup, Condition},
    events::nearest,
    named_day::{DeliveryPeriod, NamedDay},
    report::settings::Reporting,
    spells::EndDay,
    summary::Summary,
};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// Tables with a row a person: what they say about who is who.
    #[serde(rename = "identity")]
    pub identities: Vec<Identity>,
    /// Identities that are linked by their numbers alone.
    #[serde(default)]
    pub exact_only: Vec<ExactOnly>,
    /// Scored matching of what numbers and match keys leave.
    #[serde(default)]
    pub scoring: Option<Scoring>,
    /// Codes that conditions name together, with the dates between which each counts.
    #[serde(default, rename = "group")]
    pub groups: Vec<CodeGroup>,
    /// The summary columns of the integrated dataset, in order.
    #[serde(default, rename = "column")]
    pub columns: Vec<SummaryColumn>,
    /// The event tables of the integrated dataset.
    #[serde(default, rename = "event")]
    pub events: Vec<EventTable>,
    /// Columns made of two summary columns.
    #[serde(default, rename = "ratio")]
    pub ratios: Vec<Ratio>,
    /// Children counted by where they live.
    #[serde(default)]
    pub households: Option<Households>,
    /// The settings of the linkage report.
    #[serde(default)]
    pub report: Reporting,
}

/// Children counted by where they live. The purpose must allow it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Households {
    /// The source.
    pub source: SourceName,
    /// Its table of addresses.
    pub table: TableName,
    /// The column that says which child a row is about. A row about a person is about its own child.
    #[serde(default)]
    pub child: Option<ColumnName>,
    /// The column with the keyed property reference number. It goes before the address.
    #[serde(default)]
    pub uprn: Option<ColumnName>,
    /// The column with the keyed address.
    #[serde(default)]
    pub address: Option<ColumnName>,
    /// The column with the first day at the address. Without it the latest delivery counts.
    #[serde(default)]
    pub from: Option<ColumnName>,
    /// The column with the end.
    #[serde(default)]
    pub end: Option<ColumnName>,
    /// The day on which a row must be open. Without it the latest start counts.
    #[serde(default)]
    pub on: Option<NamedDay>,
    /// Whether the day of the end belongs to the spell.
    #[serde(default)]
    pub end_day: EndDay,
    /// More children than this are no household: a boarding school, a hostel, a children's home.
    pub largest: u32,
}

impl Households {
    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        [&self.child, &self.uprn, &self.address, &self.from, &self.end].into_iter().flatten()
    }

    fn check(&self) -> Result<(), MatchError> {
        let wrong = |why| Err(MatchError::Households { why });
        match self {
            Self { uprn: None, address: None, .. } => {
                wrong("it names neither `uprn` nor `address`, a column with a keyed address")
            }
            Self { on: Some(_), from: None, .. } => {
                wrong("`on` needs `from`, the column with the first day at the address")
            }
            Self { largest: 0, .. } => wrong("`largest` is 1 or more"),
            _ => Ok(()),
        }
    }
}

/// Which sources' rows are scored against the register, where no number and no match key leads to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// The sources.
    pub sources: Vec<SourceName>,
    /// Sources among them in which a child has one person at most.
    #[serde(default)]
    pub one_to_one: Vec<SourceName>,
    /// The least probability of a link.
    #[serde(default = "usual_threshold")]
    pub threshold: f64,
    /// How many times as likely a child must be as the next best: a ratio of odds.
    #[serde(default = "usual_lead")]
    pub lead: f64,
}

fn usual_threshold() -> f64 {
    0.99
}

fn usual_lead() -> f64 {
    100.0
}

/// A table with a row a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The source.
    pub source: SourceName,
    /// Its table.
    pub table: TableName,
    /// The columns with the person's identifiers; the first is the current pupil number, where there
    /// is one. Identifiers in one row are one child's: so a service's own number is a bridge.
    pub identifiers: Vec<ColumnName>,
    /// Those of the columns whose number is given to one person alone, as an NHS number is. A service's own number may be a family's:
    /// two names under it are two children.
    #[serde(default)]
    pub person_numbers: Vec<ColumnName>,
    /// Numbers that nobody younger has, such as a learner number.
    #[serde(default)]
    pub from_age: Vec<FromAge>,
    /// The column with the number by which the delivery's other tables name the row. It is a row's and no child's: the
    /// next delivery uses it again.
    #[serde(default)]
    pub row: Option<ColumnName>,
    /// The column with the keyed birth date.
    #[serde(default)]
    pub birth_date: Option<ColumnName>,
    /// The column with the keyed name, without the birth date: it tells twins under one number from one child whose
    /// birth date was mistyped.
    #[serde(default)]
    pub name: Option<ColumnName>,
    /// The column with the sex, `F` or `M`; any other code says nothing. It tells twins apart where names do not.
    #[serde(default)]
    pub sex: Option<ColumnName>,
    /// The columns with match keys, in the order in which they are tried.
    #[serde(default)]
    pub match_keys: Vec<ColumnName>,
    /// Whether its rows are pupils of the council's schools. Their source is the register: its numbers are believed before
    /// any other's.
    #[serde(default)]
    pub spine: bool,
    /// Which row of a child counts where a delivery has several, as a pupil of two schools has: the first of these that
    /// tells them apart decides, then the first row. All columns are taken from it.
    #[serde(default)]
    pub prefer: Vec<Preference>,
}

impl Identity {
    /// The places of columns among the identifiers.
    pub(crate) fn places_of(&self, columns: &[ColumnName]) -> Vec<usize> {
        let place = |column| self.identifiers.iter().position(|known| known == column);
        columns.iter().filter_map(place).collect()
    }

    /// Its statements on identifiers are about identifiers.
    fn check(&self) -> Result<(), MatchError> {
        let told = self.person_numbers.iter().chain(self.from_age.iter().map(|one| &one.column));
        let mut unknown = told.filter(|column| !self.identifiers.contains(column));
        let Some(column) = unknown.next() else { return Ok(()) };
        Err(MatchError::NotAnIdentifier {
            source_name: self.source.clone(),
            table: self.table.clone(),
            column: column.clone(),
            nearest: nearest(column.as_str(), self.identifiers.iter().map(ColumnName::as_str)),
        })
    }
}

/// Numbers that nobody younger has: a younger child's row with one has another's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FromAge {
    /// One of the identifiers.
    pub column: ColumnName,
    /// Years that a child completes at the latest in the school year of the delivery.
    pub age: u32,
    /// The column with the calendar year of birth. A row without one is believed.
    pub birth_year: ColumnName,
}

impl FromAge {
    /// The last calendar year of birth of those who may have such a number in a delivery: `2024-autumn`, `2024-25` and `2025-spring`
    /// are of the school year that ends in August 2025. None where a period names no year.
    pub(crate) fn last_birth_year(&self, period: &Period) -> Option<i64> {
        let (year, rest) = period.as_str().split_at_checked(4)?;
        let year: i64 = year.parse().ok()?;
        let ends = if matches!(rest, "-spring" | "-summer") { year } else { year + 1 };
        Some(ends - i64::from(self.age))
    }
}

/// Rows that mark the identity of their child: an adopted child's before the adoption. It is linked by its number alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExactOnly {
    /// The source.
    pub source: SourceName,
    /// Its table.
    pub table: TableName,
    /// The column that says which child a row is about.
    pub child: ColumnName,
    /// Rows that mark: all of these must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
}

impl ExactOnly {
    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        let tested = self.conditions.iter().flat_map(|condition| condition.columns());
        tested.chain([&self.child])
    }
}

/// The preference for one row of a child over another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// The column: codes in the order given, else the greatest date or number.
    pub column: ColumnName,
    /// Codes, the preferred first; any other comes after them.
    #[serde(default)]
    pub order: Vec<String>,
}

/// One summary column of the integrated dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryColumn {
    /// Its name.
    pub name: ColumnName,
    /// The source.
    pub source: SourceName,
    /// Its table.
    pub table: TableName,
    /// The column that says which child a row is about. A row about a person is about its own child.
    #[serde(default)]
    pub child: Option<ColumnName>,
    /// The summary of the rows. `by = "delivery"` orders them by the pipeline's deliveries.
    pub summary: Summary,
    /// Rows that count: all of these must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// The meaning of a blank.
    #[serde(default)]
    pub blank: Blank,
    /// Its meaning, for people: the data dictionary has it.
    #[serde(default)]
    pub meaning: Option<String>,
}

impl SummaryColumn {
    /// The period of the only delivery that counts.
    pub fn present_in(&self) -> Option<&DeliveryPeriod> {
        present_in(&self.conditions)
    }
}

fn present_in(conditions: &[Condition]) -> Option<&DeliveryPeriod> {
    conditions.iter().find_map(|condition| condition.present_in.as_ref())
}

/// A table of the integrated dataset with a row an event: its child, its day, its kind, and further codes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTable {
    /// Its name.
    pub name: TableName,
    /// The source.
    pub source: SourceName,
    /// Its table.
    pub table: TableName,
    /// The column that says which child a row is about. A row about a person is about its own child.
    #[serde(default)]
    pub child: Option<ColumnName>,
    /// The column with the day, which becomes `date`.
    #[serde(default)]
    pub date: Option<ColumnName>,
    /// With `month`, `date` is the first of the day's month.
    #[serde(default)]
    pub by: DayPrecision,
    /// The column with the kind of event, which becomes `kind`.
    #[serde(default)]
    pub kind: Option<ColumnName>,
    /// Further columns, under their own names.
    #[serde(default)]
    pub codes: Vec<ColumnName>,
    /// The name of a column that counts equal events of a child, which are then one row.
    #[serde(default)]
    pub count: Option<ColumnName>,
    /// Rows that count: all of these must hold.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// Its rows' meaning, for people: the data dictionary has it.
    #[serde(default)]
    pub meaning: Option<String>,
}

/// How exact the day of an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayPrecision {
    /// As the source has it.
    #[default]
    Day,
    /// The first of its month.
    Month,
}

impl EventTable {
    /// The period of the only delivery that counts.
    pub fn present_in(&self) -> Option<&DeliveryPeriod> {
        present_in(&self.conditions)
    }

    /// The columns of the source's table that become columns of this one, by their new names.
    pub fn columns(&self) -> Vec<(&ColumnName, &str)> {
        let named = [(&self.date, "date"), (&self.kind, "kind")];
        let named = named.into_iter().filter_map(|(column, name)| Some((column.as_ref()?, name)));
        named.chain(self.codes.iter().map(|code| (code, code.as_str()))).collect()
    }
}

/// The meaning of a blank where an earlier delivery had a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blank {
    /// Nothing: the latest known value stands.
    #[default]
    SaysNothing,
    /// The value is no longer known.
    Clears,
}

/// 1 where one count of a child is at least a share of another, else 0; not known where the other is 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Its name.
    pub name: ColumnName,
    /// The count above the line.
    pub of: ColumnName,
    /// The count below it.
    pub per: ColumnName,
    /// In a hundred: 10 for persistent absence.
    pub at_least_percent: u32,
    /// Its meaning, for people: the data dictionary has it.
    #[serde(default)]
    pub meaning: Option<String>,
}

/// The name of the order of deliveries, as a summary's `by`.
pub const DELIVERY: &str = "delivery";

impl Matching {
    /// Parses the file.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// SHA-256 of what linking depends on: all but `[report]`, each `meaning`, comments and layout. Another way to tell of
    /// what stands makes nothing anew. The manifest of an integrated dataset has it.
    pub fn sha256(text: &str) -> String {
        let settled = text.parse::<toml::Table>().map(|mut table| {
            table.remove("report");
            for kind in ["column", "event", "ratio"] {
                let all = table.get_mut(kind).and_then(toml::Value::as_array_mut);
                for one in all.into_iter().flatten().filter_map(toml::Value::as_table_mut) {
                    one.remove("meaning");
                }
            }
            table.to_string()
        });
        sha256_hex(settled.as_deref().unwrap_or(text).as_bytes())
    }

    /// The tables of an integrated dataset have names of their own.
    pub(crate) fn check(&self) -> Result<(), MatchError> {
        let mut names = vec![CHILDREN, CROSSWALK];
        for table in &self.events {
            if names.contains(&table.name.as_str()) {
                return Err(MatchError::TwoTables { table: table.name.clone() });
            }
            names.push(table.name.as_str());
        }
        self.households.as_ref().map_or(Ok(()), Households::check)?;
        self.identities.iter().try_for_each(Identity::check)?;
        let Some(scoring) = &self.scoring else { return Ok(()) };
        for source in &scoring.sources {
            let has_persons = self.identities.iter().any(|identity| identity.source == *source);
            if !has_persons || self.is_register(source) {
                return Err(MatchError::NotScored { source_name: source.clone() });
            }
            scoring.settings(source)?;
        }
        match scoring.one_to_one.iter().find(|source| !scoring.sources.contains(source)) {
            Some(source) => Err(MatchError::NotScored { source_name: source.clone() }),
            None => Ok(()),
        }
    }

    /// The sources it reads, each once, in order.
    pub fn sources(&self) -> Vec<&SourceName> {
        let identities = self.identities.iter().map(|identity| &identity.source);
        let columns = self.columns.iter().map(|column| &column.source);
        let events = self.events.iter().map(|events| &events.source);
        let marked = self.exact_only.iter().map(|rule| &rule.source);
        let at_home = self.households.iter().map(|households| &households.source);
        let all = identities.chain(columns).chain(events).chain(marked).chain(at_home);
        let mut sources: Vec<_> = all.collect();
        sources.sort();
        sources.dedup();
        sources
    }

    /// Whether a source is the register of pupils.
    pub fn is_register(&self, source: &SourceName) -> bool {
        self.identities.iter().any(|identity| identity.spine && identity.source == *source)
    }

    /// The table of persons of this name.
    pub fn identity(&self, source: &SourceName, table: &TableName) -> Option<&Identity> {
        self.identities.iter().find(|one| one.source == *source && one.table == *table)
    }
}
