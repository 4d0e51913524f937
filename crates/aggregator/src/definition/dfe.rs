//! Facts about a release for the ministry's table tool, where its files are wanted.

use minster_model::ColumnName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    definition::{
        location::{did_you_mean, location},
        release_definition::Definition,
    },
    error::AggregateError,
};

/// A release for the ministry's table tool: each table as a CSV of data and a CSV about its columns.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DfeFiles {
    /// The kind of period, such as `Academic year`.
    pub time_identifier: String,
    /// The council.
    pub authority: Authority,
    /// Its region.
    pub region: Region,
    /// The dimension whose categories are places; without it every row is of the council.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<DfePlaces>,
}

/// A council.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its code of nine characters, such as `E06000014`.
    pub code: String,
    /// Its number of three digits.
    pub number: String,
    /// Its name.
    pub name: String,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its code of nine characters.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// A dimension of places.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DfePlaces {
    /// The dimension; its `code_lookup` gives the codes.
    #[schemars(with = "String")]
    pub dimension: ColumnName,
    /// The kind of its categories.
    pub is: DfePlace,
}

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DfePlace {
    /// A ward.
    Ward,
    /// A parliamentary constituency.
    Constituency,
    /// A school.
    School,
    /// A police force's area.
    PoliceForceArea,
}

/// The rules of the tool that a definition alone can break.
pub(super) fn check(definition: &Definition) -> Result<(), AggregateError> {
    let Some(dfe) = &definition.dfe else { return Ok(()) };
    let wrong = |key: &'static str, what: String| Err(definition.rule(location!["dfe", key], what));
    // A period may be named; whether its name goes with the identifier is known when it is released.
    for period in &definition.periods {
        let time = minster_formats::dfe::time_period(period.as_str(), &dfe.time_identifier);
        time.map(drop).or_else(|error| wrong("time_identifier", error.to_string()))?;
    }
    let is_code = |text: &str| {
        text.len() == 9
            && text.starts_with('E')
            && text.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    };
    if !is_code(&dfe.authority.code) || !is_code(&dfe.region.code) {
        let key = if is_code(&dfe.authority.code) { "region" } else { "authority" };
        return wrong(key, "a code is E and eight digits, such as E06000014".to_owned());
    }
    let number = &dfe.authority.number;
    if number.len() != 3 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong("authority", "the council's number has three digits".to_owned());
    }
    let snake = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    for (number, table) in definition.tables.iter().enumerate() {
        let measures = table.measures.iter().map(|of| &of.name);
        let odd = table.dimensions.iter().chain(measures).find(|name| !snake(name.as_str()));
        if let Some(name) = odd {
            let what = format!(
                "{name}: the tool's names are small letters, digits and _, and begin with a letter"
            );
            return Err(definition.rule(location!["table", number], what));
        }
        if !snake(table.name.as_str()) {
            let what = format!(
                "{}: the tool's files have names of small letters, digits and _",
                table.name
            );
            return Err(definition.rule(location!["table", number, "name"], what));
        }
    }
    if let Some(place) = &dfe.place {
        let Some(dimension) = definition.dimension(&place.dimension) else {
            let known = definition.dimensions.iter().map(|of| of.name.as_str());
            let suggestion = did_you_mean(place.dimension.as_str(), known);
            return wrong(
                "place",
                format!("there is no dimension {}; {suggestion}", place.dimension),
            );
        };
        if dimension.code_lookup.is_none() {
            return wrong(
                "place",
                format!("{} has no codes: give it a `code_lookup`", dimension.name),
            );
        }
    }
    Ok(())
}
