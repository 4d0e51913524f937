//! `minster dictionary`: the tables of an integrated dataset as a Data Package (version 2, with Table Schema), from the
//! definitions alone. Nothing is decrypted.
//!
//! Properties that the specification does not know are the project's own, as it allows: `source`, `treatment`.

pub(crate) mod package;

use std::path::Path;

use minster_aggregator::{ColumnMeaning, ColumnMeanings};
use minster_matcher::{
    CHILDREN,
    definition::Matching,
    dictionary::{ColumnOrigin, Explained, column, table},
};
use minster_model::{DatasetRef, Period, TableName};
use minster_store::{Manifest, Origin, TableEntry};
use serde::Deserialize;

use self::package::{Category, Field, FieldType, Package, Resource};
use crate::{failure::Failure, pipeline, pipeline::Loaded, stages};

/// Says of a column that its whole numbers are days.
pub(crate) const IN_DAYS: &str = "In days since 1 January 1970.";

/// The deliveries' columns, as minster-ingest describes them.
#[derive(Deserialize)]
pub(crate) struct Described {
    deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    source: String,
    period: Period,
    columns: Vec<SourceColumn>,
}

/// A column of a source's dataset.
#[derive(Deserialize)]
pub(crate) struct SourceColumn {
    table: String,
    name: String,
    pub(crate) file: String,
    treatment: String,
    pub(crate) days: bool,
    pub(crate) meaning: Option<String>,
    #[serde(default)]
    pub(crate) codes: Vec<Code>,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) label: Option<String>,
}

impl Described {
    /// The column as the latest delivery's definition has it; a period's own deliveries go before.
    pub(crate) fn find(
        &self,
        own: &[(String, Period)],
        [source, table, name]: [&str; 3],
    ) -> Option<&SourceColumn> {
        let is_own = |delivery: &&Delivery| {
            own.iter()
                .any(|(known, period)| *known == delivery.source && *period == delivery.period)
        };
        let all = || self.deliveries.iter().filter(|delivery| delivery.source == source).rev();
        let mut all = all().filter(is_own).chain(all().filter(|delivery| !is_own(delivery)));
        all.find_map(|delivery| {
            delivery.columns.iter().find(|column| column.table == table && column.name == name)
        })
    }
}

/// An integrated dataset, and what the definitions say of each of its tables.
pub(crate) struct Explanation {
    pub(crate) dataset: DatasetRef,
    manifest: Manifest,
    pub(crate) tables: Vec<Resource>,
}

/// The meaning of a period's integrated dataset, as the definitions say it. No row of it is read.
pub(crate) fn explain(
    loaded: &Loaded,
    config: &Path,
    period: &Period,
) -> Result<Explanation, Failure> {
    let linked = Linked::read(loaded, period)?;
    linked.explained(&stages::described(config)?)
}

/// A period's integrated dataset, and the definition that it was linked by.
pub(crate) struct Linked<'a> {
    path: &'a Path,
    matching: Matching,
    dataset: DatasetRef,
    manifest: Manifest,
    /// The deliveries that it was linked from.
    own: Vec<(String, Period)>,
}

impl<'a> Linked<'a> {
    /// Reads the manifest. Refuses a dataset that was linked by another definition than the one that stands.
    pub(crate) fn read(loaded: &'a Loaded, period: &Period) -> Result<Self, Failure> {
        let path = &loaded.pipeline.matching;
        let text = pipeline::read(path)?;
        let matching = Matching::parse(&text).map_err(|error| Failure::Match {
            path: path.clone(),
            source: Box::new(minster_matcher::MatchError::Definition(Box::new(error))),
        })?;
        let dataset = stages::children(loaded, period)?;
        let (manifest, _) = loaded.store()?.manifest(&dataset)?;
        let Origin::Datasets { definition_sha256, datasets, .. } = &manifest.origin else {
            return Err(Failure::Name);
        };
        if *definition_sha256 != Matching::sha256(&text) {
            let (period, matching) = (period.clone(), path.clone());
            return Err(Failure::OtherMatching { period, matching });
        }
        let own = datasets
            .iter()
            .map(|(dataset, _)| (dataset.name.to_string(), dataset.period.clone()))
            .collect();
        Ok(Self { path, matching, dataset, manifest, own })
    }

    /// Explains its tables by what the definitions of the sources say.
    pub(crate) fn explained(self, described: &Described) -> Result<Explanation, Failure> {
        let Self { path, matching, dataset, manifest, own } = self;
        let period = &dataset.period;
        let explain = Explain { matching: &matching, described, own: &own, period };
        let mut tables = Vec::new();
        for table in &manifest.tables {
            let unexplained = |column: &str| Failure::Unexplained {
                matching: path.to_owned(),
                table: table.name.clone(),
                column: column.to_owned(),
            };
            tables.push(explain.resource(table).map_err(|column| unexplained(&column))?);
        }
        Ok(Explanation { dataset, manifest, tables })
    }
}

/// The meanings of the columns of a period's children and their codes, as a release tells them.
pub(crate) fn meanings(loaded: &Loaded, period: &Period) -> Result<ColumnMeanings, Failure> {
    let Explanation { tables, .. } = explain(loaded, &loaded.path, period)?;
    let children = tables.iter().filter(|table| table.name == CHILDREN);
    let meaning = |field: &Field| {
        let label = |of: &Category| (of.value.clone(), of.label.clone());
        let labels = field.categories.iter().map(label).collect();
        let meaning = field.description.clone();
        Some((field.name.parse().ok()?, ColumnMeaning { meaning, labels }))
    };
    Ok(children.flat_map(|table| table.fields()).filter_map(meaning).collect())
}

/// The data package of a period's integrated dataset, as JSON.
pub(crate) fn dictionary(config: &Path, asked: Option<&Period>) -> Result<String, Failure> {
    let loaded = Loaded::read(config)?;
    let period = &loaded.period_or_last(asked)?.name;
    let Explanation { manifest, tables, .. } = explain(&loaded, config, period)?;
    let package = Package::new(&manifest, period, tables);
    let json = serde_json::to_string_pretty(&package).map_err(Failure::Summary)?;
    Ok(json + "\n")
}

struct Explain<'a> {
    matching: &'a Matching,
    described: &'a Described,
    own: &'a [(String, Period)],
    period: &'a Period,
}

impl Explain<'_> {
    /// A table; the column that nothing explains, where there is one.
    fn resource(&self, entry: &TableEntry) -> Result<Resource, String> {
        let name: &TableName = &entry.name;
        let mut fields = Vec::new();
        for of in &entry.columns {
            let explained = column(self.matching, name.as_str(), &of.name);
            let explained = explained.ok_or_else(|| of.name.clone())?;
            let field_type = FieldType::of(&of.data_type).ok_or_else(|| of.name.clone())?;
            fields.push(self.field(&of.name, field_type, explained));
        }
        let meaning = table(self.matching, name.as_str()).unwrap_or_default();
        Ok(Resource::new(name.as_str(), meaning, fields))
    }

    fn field(&self, name: &str, field_type: FieldType, explained: Explained) -> Field {
        let mut field = Field::new(name, field_type, explained.meaning, self.period);
        let code = |(code, label): &(&str, &str)| Category::new(code, Some(label));
        field.categories = explained.codes.iter().map(code).collect();
        match explained.from {
            ColumnOrigin::Linking => field.treatment = Some("made by linking".into()),
            ColumnOrigin::Table(source, table) => {
                field.source = Some(format!("{source}/{table}"));
                field.treatment = Some("summed up by linking".into());
            }
            ColumnOrigin::Column(source, table, column) => {
                let place = [source.as_str(), table.as_str(), column.as_str()];
                field.source = Some(place.join("/"));
                let Some(of) = self.described.find(self.own, place) else { return field };
                if let Some(meaning) = &of.meaning {
                    field.describe(meaning);
                }
                if of.days && field_type == FieldType::Integer {
                    field.describe(IN_DAYS);
                }
                field.file = Some(of.file.clone()).filter(|file| !file.is_empty());
                field.treatment = Some(of.treatment.clone());
                if field_type == FieldType::String {
                    let code = |of: &Code| Category::new(&of.code, of.label.as_deref());
                    field.categories = of.codes.iter().map(code).collect();
                }
            }
        }
        field
    }
}

/// The name of the package: the dataset's, in the letters that the specification recommends.
fn package_name(manifest: &Manifest, period: &Period) -> String {
    let name = format!("{}-{}-{period}", manifest.dataset.purpose, manifest.dataset.name);
    name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c), "-")
}
