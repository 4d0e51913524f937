//! A definition as it is written; its JSON schema is made of these types.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use minster_model::{
    ColumnName, Kind, LinkagePart, SourceName, TableName, pipeline::IdentifierRule,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    DateForm, Delimiter, Duplicates, Encoding, ExtraSheets, Fault, Format, Header, Level, MatchKey,
    Part,
};

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionText {
    /// The source's name, as the pipeline names it.
    #[schemars(with = "String")]
    pub(super) name: SourceName,
    pub(super) format: Format,
    /// The forms in which its dates are written.
    #[serde(default)]
    pub(super) dates: Vec<DateForm>,
    /// Beginnings of the periods that it fits: `2024` fits `2024-25` and `2024-autumn`.
    pub(super) years: Vec<String>,
    /// `opaque` takes pupil numbers as they are, without their check letter.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) identifier: IdentifierRule,
    #[serde(default)]
    pub(super) encoding: Encoding,
    #[serde(default)]
    pub(super) delimiter: Delimiter,
    /// Whether what a spreadsheet does to an export is read.
    #[serde(default = "yes")]
    pub(super) excel_exports: bool,
    /// Texts that mean a blank cell.
    #[serde(default)]
    pub(super) blanks: Vec<String>,
    #[serde(default)]
    pub(super) extra_sheets: ExtraSheets,
    /// Files, sheets or element paths that are known and dropped.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
    /// XML: the path of the element that holds one child.
    #[serde(default)]
    pub(super) unit: Option<String>,
    /// XML: where a file says what it is.
    #[serde(default)]
    pub(super) header: Header,
    #[serde(rename = "table")]
    pub(super) tables: Vec<TableText>,
    #[serde(default, rename = "version")]
    pub(super) versions: Vec<VersionText>,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableText {
    /// Its name in the dataset.
    #[schemars(with = "String")]
    pub(super) name: TableName,
    /// The patterns of its file's name; `*` stands for any characters.
    pub(super) file: OneOrMany,
    /// XLSX: what its sheet may be called.
    #[serde(default)]
    pub(super) sheet: OneOrMany,
    /// XML: its unit, where it is not the definition's.
    #[serde(default)]
    pub(super) unit: Option<String>,
    /// XML: its records' path below the unit.
    #[serde(default)]
    pub(super) record: OneOrMany,
    /// Whether a delivery without it is incomplete.
    #[serde(default)]
    pub(super) required: bool,
    /// The treatment of equal rows; without it they are duplicates where the table has a key.
    pub(super) duplicates: Option<Duplicates>,
    /// Columns of the dataset that, with the child, tell one event from another.
    pub(super) key: Option<Vec<String>>,
    /// Its columns by their names in the file.
    pub(super) columns: BTreeMap<String, ColumnText>,
    #[serde(default, rename = "match_key")]
    pub(super) match_keys: Vec<MatchKey>,
}

/// A text, or several.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    pub(super) fn all(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Many(texts) => texts.clone(),
        }
    }
}

fn yes() -> bool {
    true
}

/// A difference from the version before.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionText {
    pub(super) years: Vec<String>,
    #[schemars(with = "Option<String>")]
    pub(super) name: Option<SourceName>,
    pub(super) format: Option<Format>,
    pub(super) dates: Option<Vec<DateForm>>,
    pub(super) blanks: Option<Vec<String>>,
    pub(super) extra_sheets: Option<ExtraSheets>,
    pub(super) encoding: Option<Encoding>,
    pub(super) delimiter: Option<Delimiter>,
    pub(super) ignore: Option<Vec<String>>,
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) remove_tables: Vec<TableName>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(super) remove: BTreeMap<TableName, Vec<String>>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, String>>")]
    pub(super) rename: BTreeMap<TableName, BTreeMap<String, String>>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, ColumnText>>")]
    pub(super) change: BTreeMap<TableName, BTreeMap<String, ColumnText>>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, ColumnText>>")]
    pub(super) add: BTreeMap<TableName, BTreeMap<String, ColumnText>>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, PlaceText>")]
    pub(super) place: BTreeMap<TableName, PlaceText>,
    #[serde(default, rename = "table")]
    pub(super) tables: Vec<TableText>,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceText {
    pub(super) file: Option<OneOrMany>,
    pub(super) sheet: Option<OneOrMany>,
    pub(super) record: Option<OneOrMany>,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum CodesText {
    Shared(String),
    Own(BTreeSet<String>),
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnText {
    /// Its treatment.
    pub(super) treatment: TreatmentText,
    /// The kind, for an identifier.
    #[schemars(with = "Option<String>")]
    pub(super) kind: Option<Kind>,
    /// Its name in the dataset.
    #[serde(rename = "as")]
    #[schemars(with = "Option<String>")]
    pub(super) output: Option<ColumnName>,
    /// Other names that it may have in the file.
    #[serde(default)]
    pub(super) also: Vec<String>,
    /// A regular expression of the headings that it may have.
    pub(super) heading: Option<String>,
    #[serde(rename = "type")]
    pub(super) value_type: Option<TypeText>,
    /// For a token: a regular expression that the whole cell matches.
    pub(super) pattern: Option<String>,
    /// For a token: how many different ones a delivery may hold.
    pub(super) distinct: Option<usize>,
    pub(super) codes: Option<CodesText>,
    /// Other spellings, and the code that each stands for.
    pub(super) map: Option<BTreeMap<String, String>>,
    /// The value of a cell that is not in the list.
    pub(super) unknown: Option<String>,
    #[serde(default)]
    pub(super) level: Level,
    /// Earlier releases asked for it; now a label behind a code is always passed over.
    #[serde(default, rename = "labelled")]
    #[schemars(skip)]
    pub(super) _labelled: bool,
    pub(super) to: Option<ToText>,
    #[schemars(with = "Option<String>")]
    pub(super) at: Option<Date>,
    pub(super) lookup: Option<String>,
    pub(super) bands: Option<Vec<i64>>,
    /// The cohort that a birth date gives besides.
    pub(super) cohort: Option<CohortText>,
    /// Its meaning, for people: the data dictionary has it.
    pub(super) meaning: Option<String>,
    pub(super) part: Option<Part>,
    /// The part that it gives to scored matching: `forename`, `surname`, `birth-date`, `sex` or `postcode`. Several columns may
    /// give one part.
    #[schemars(with = "Option<String>")]
    pub(super) linkage: Option<LinkagePart>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) optional: bool,
    #[serde(default)]
    pub(super) fault: Fault,
    /// Whether a dropped column holds a person's name.
    #[serde(default)]
    pub(super) person_name: bool,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CohortText {
    /// The day of the year at which cohorts begin: `08-31`.
    pub(super) at: String,
    /// Its name in the dataset.
    #[serde(rename = "as")]
    #[schemars(with = "String")]
    pub(super) output: ColumnName,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TreatmentText {
    Drop,
    MatchKey,
    Pseudonymise,
    Bridge,
    Keep,
    Code,
    Generalise,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TypeText {
    Date,
    Integer,
    Decimal,
    Flag,
    Token,
    Postcode,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ToText {
    Year,
    Month,
    Term,
    AcademicYear,
    Age,
    District,
    Sector,
    Lookup,
    Band,
}
