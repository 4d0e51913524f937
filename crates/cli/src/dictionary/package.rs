//! A Data Package and its Table Schemas (version 2): datapackage.org/standard.

use minster_model::Period;
use minster_store::Manifest;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::package_name;

const PACKAGE: &str = "https://datapackage.org/profiles/2.0/datapackage.json";
const RESOURCE: &str = "https://datapackage.org/profiles/2.0/dataresource.json";
const SCHEMA: &str = "https://datapackage.org/profiles/2.0/tableschema.json";

/// The package: all tables of an integrated dataset.
#[derive(Serialize)]
pub(super) struct Package {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: String,
    title: String,
    description: String,
    /// The version is the dataset's run: another run, another version.
    version: String,
    resources: Vec<Resource>,
}

impl Package {
    pub(super) fn new(manifest: &Manifest, period: &Period, resources: Vec<Resource>) -> Self {
        Self {
            schema: PACKAGE,
            name: package_name(manifest, period),
            title: format!("Children of {period}, for {}", manifest.dataset.purpose),
            description:
                "Pseudonymised records, row by row: not anonymous, and not for release. The files are encrypted, and the vault has the key."
                    .into(),
            version: manifest.run.to_string(),
            resources,
        }
    }
}

/// A table.
#[derive(Serialize)]
pub(crate) struct Resource {
    #[serde(rename = "$schema")]
    profile: &'static str,
    pub(crate) name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    path: String,
    format: &'static str,
    mediatype: &'static str,
    pub(crate) description: String,
    schema: Schema,
}

#[derive(Serialize)]
struct Schema {
    #[serde(rename = "$schema")]
    schema: &'static str,
    fields: Vec<Field>,
    /// A cell of Parquet is there or not; no text stands for a missing one.
    #[serde(rename = "missingValues")]
    missing_values: [&'static str; 1],
}

impl Resource {
    /// Its columns, in order.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.schema.fields
    }

    pub(super) fn new(name: &str, description: String, fields: Vec<Field>) -> Self {
        Self {
            profile: RESOURCE,
            name: name.to_owned(),
            kind: "table",
            path: format!("{name}.parquet"),
            format: "parquet",
            mediatype: "application/vnd.apache.parquet",
            description,
            schema: Schema { schema: SCHEMA, fields, missing_values: [""] },
        }
    }
}

/// The types of Table Schema that an integrated dataset has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    /// Text.
    String,
    /// Sixteen bytes.
    Pseudonym,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A day.
    Date,
}

impl FieldType {
    /// The type for an Arrow type, as a manifest names it.
    pub(super) fn of(data_type: &str) -> Option<Self> {
        Some(match data_type {
            "Utf8" | "Utf8View" | "Dictionary(Int32, Utf8View)" => Self::String,
            "Int64" | "UInt32" => Self::Integer,
            "Float64" => Self::Number,
            "Boolean" => Self::Boolean,
            "Date32" => Self::Date,
            binary if binary.starts_with("FixedSizeBinary") => Self::Pseudonym,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::String | Self::Pseudonym => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
        }
    }
}

/// A field.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) field_type: FieldType,
    pub(crate) description: String,
    pub(crate) period: String,
    pub(super) source: Option<String>,
    pub(super) file: Option<String>,
    pub(super) treatment: Option<String>,
    pub(crate) categories: Vec<Category>,
}

impl Field {
    pub(super) fn new(
        name: &str,
        field_type: FieldType,
        description: String,
        period: &Period,
    ) -> Self {
        Self {
            name: name.to_owned(),
            field_type,
            description,
            period: period.to_string(),
            source: None,
            file: None,
            treatment: None,
            categories: Vec::new(),
        }
    }

    /// Adds a sentence.
    pub(super) fn describe(&mut self, sentence: &str) {
        self.description = format!("{} {sentence}", self.description);
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("type", self.field_type.name())?;
        if self.field_type == FieldType::Pseudonym {
            map.serialize_entry("format", "binary")?;
        }
        map.serialize_entry("title", &self.name.replace(['_', '-'], " "))?;
        map.serialize_entry("description", &self.description)?;
        if !self.categories.is_empty() {
            map.serialize_entry("categories", &self.categories)?;
        }
        for (key, value) in
            [("source", &self.source), ("sourceColumn", &self.file), ("treatment", &self.treatment)]
        {
            if let Some(value) = value {
                map.serialize_entry(key, value)?;
            }
        }
        map.serialize_entry("period", &self.period)?;
        map.end()
    }
}

/// A code, and what it means. Without a label it means what it says.
#[derive(Serialize)]
pub(crate) struct Category {
    pub(crate) value: String,
    pub(crate) label: String,
}

impl Category {
    pub(super) fn new(code: &str, label: Option<&str>) -> Self {
        Self { value: code.to_owned(), label: label.unwrap_or(code).to_owned() }
    }
}
