//! Which files a release has, and the names that its columns and files must leave free.

use std::collections::BTreeSet;

use minster_formats::{Formats, dfe, tidy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    definition::{
        location::location,
        release_definition::{CHILDREN, Definition, Table},
    },
    error::AggregateError,
};

/// A file beside CSV and Parquet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A data package: what each column means, for programs.
    DataPackage,
    /// A workbook, for Excel.
    Workbook,
    /// A page, for a browser or a printer.
    Page,
}

impl Definition {
    /// The files that it asks for: all where it says nothing.
    pub(crate) fn formats(&self) -> Formats {
        let Some(formats) = &self.formats else { return Formats::default() };
        let has = |format| formats.contains(&format);
        Formats {
            data_package: has(Format::DataPackage),
            workbook: has(Format::Workbook),
            page: has(Format::Page),
        }
    }
}

/// The columns that each table has beside its measures: a dimension must not be called as one of the others is.
pub(super) fn columns(
    definition: &Definition,
    number: usize,
    table: &Table,
) -> Result<BTreeSet<String>, AggregateError> {
    let names = [tidy::RELEASE, tidy::PERIOD, tidy::LEVEL, CHILDREN, "status"];
    let mut columns: BTreeSet<String> = names.map(str::to_owned).into();
    for (at, name) in table.dimensions.iter().enumerate() {
        let has_codes = definition.dimension(name).is_some_and(|of| of.code_lookup.is_some());
        let codes = has_codes.then(|| tidy::code_column(name.as_str()));
        for column in std::iter::once(name.to_string()).chain(codes) {
            if columns.contains(&column) {
                let what = format!(
                    "the table {}: its files have a column {column} already; give the dimension another name",
                    table.name
                );
                return Err(definition.rule(location!["table", number, "dimensions", at], what));
            }
            columns.insert(column);
        }
    }
    Ok(columns)
}

/// No two files of a release have one name, whether capitals are told from small letters or not.
pub(super) fn check_names(definition: &Definition) -> Result<(), AggregateError> {
    let release = &definition.name;
    let others = [format!("{release}.xlsx"), format!("{release}.html")];
    let mut names: BTreeSet<String> = others.into();
    names.extend(["manifest.json", "datapackage.json"].map(str::to_owned));
    for (number, table) in definition.tables.iter().enumerate() {
        let mut own = vec![format!("{}.csv", table.name), format!("{}.parquet", table.name)];
        if definition.dfe.is_some() {
            own.extend(dfe::names(table.name.as_str()));
        }
        if let Some(name) = own.into_iter().find(|name| !names.insert(name.to_lowercase())) {
            let what = format!("two files of the release would be called {name}");
            return Err(definition.rule(location!["table", number, "name"], what));
        }
    }
    Ok(())
}
