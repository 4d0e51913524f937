//! The data package of a release (datapackage.org, version 2): each CSV file with its columns and what they mean.

use serde_json::{Map, Value as Json, json};

use crate::{
    FormatError,
    content::{
        CONFIDENTIAL, Category, Dimension, LOW, Measure, NO_CODE, NOT_APPLICABLE, Release, Table,
        Unit,
    },
    csv,
    tidy::{self, LEVEL, PERIOD, RELEASE},
};

const PACKAGE: &str = "https://datapackage.org/profiles/2.0/datapackage.json";
const RESOURCE: &str = "https://datapackage.org/profiles/2.0/dataresource.json";
const SCHEMA: &str = "https://datapackage.org/profiles/2.0/tableschema.json";

pub(crate) fn package(
    release: &Release,
    sha256: &dyn Fn(&[u8]) -> String,
) -> Result<Vec<u8>, FormatError> {
    let resources = release.tables.iter().map(|table| resource(release, table, sha256));
    let resources: Vec<Json> = resources.collect::<Result<_, _>>()?;
    let counted = format!("It counts {} in {}.", release.counted, release.period);
    let sentences: Vec<&str> = std::iter::once(counted.as_str())
        .chain(release.not_counted.iter().map(String::as_str))
        .chain(release.protection.iter().map(String::as_str))
        .collect();
    let mut package = json!({
        "$schema": PACKAGE,
        "name": release.name,
        "title": release.title,
        "description": sentences.join(" "),
        "period": release.period,
        "policy": release.protection,
        "resources": resources,
    });
    if let Some(publisher) = &release.publisher {
        let mut contributor = json!({ "title": publisher, "roles": ["publisher"] });
        if let Some(contact) = &release.contact {
            contributor["email"] = contact.as_str().into();
        }
        package["contributors"] = json!([contributor]);
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&package)?).into_bytes())
}

fn resource(
    release: &Release,
    table: &Table,
    sha256: &dyn Fn(&[u8]) -> String,
) -> Result<Json, FormatError> {
    let csv = csv::csv(&tidy::columns(release, table))?;
    let dimensions = table.dimensions.iter().map(|dimension| dimension.name.as_str());
    let key: Vec<&str> = [RELEASE, PERIOD].into_iter().chain(dimensions).collect();
    Ok(json!({
        "$schema": RESOURCE,
        "name": table.name,
        "type": "table",
        "title": table.title,
        "path": format!("{}.csv", table.name),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": csv.len(),
        "hash": format!("sha256:{}", sha256(&csv)),
        "schema": {
            "$schema": SCHEMA,
            "fields": fields(release, table),
            "missingValues": [""],
            "primaryKey": key,
        },
    }))
}

fn fields(release: &Release, table: &Table) -> Vec<Json> {
    let one = |name: &str, value: &str, description: &str| json!({ "name": name, "type": "string", "description": description, "categories": [value] });
    let mut fields = vec![
        one(RELEASE, &release.name, "The release's name."),
        one(PERIOD, &release.period, "The period that the numbers are of."),
        json!({
            "name": LEVEL, "type": "string",
            "description": "What the row is divided by. Rows of one level count no child twice; rows of two levels may.",
            "categories": levels(table),
        }),
    ];
    for dimension in &table.dimensions {
        fields.extend(of_dimension(dimension));
    }
    for measure in &table.measures {
        fields.push(json!({
            "name": measure.name,
            "type": if measure.unit == Unit::Whole { "integer" } else { "number" },
            "description": format!("{} Empty where no number is published: see {}.", measure.meaning, measure.status),
        }));
        fields.push(status(measure));
    }
    fields
}

/// The levels of a table, each once, in their order.
fn levels(table: &Table) -> Vec<&str> {
    let mut levels: Vec<&str> = Vec::new();
    for level in &table.levels {
        if !levels.contains(&level.as_str()) {
            levels.push(level);
        }
    }
    levels
}

fn of_dimension(dimension: &Dimension) -> Vec<Json> {
    let used = |place: &usize| dimension.of_row.contains(place);
    let categories: Vec<&Category> = (0..dimension.categories.len())
        .filter(used)
        .map(|place| &dimension.categories[place])
        .collect();
    let labels: Vec<&str> = categories.iter().map(|category| category.label.as_str()).collect();
    let mut fields = vec![json!({
        "name": dimension.name, "type": "string",
        "description": "A category, a group of categories, or the total: the column level tells which.",
        "categories": labels,
    })];
    if dimension.has_codes {
        fields.push(json!({
            "name": tidy::code_column(&dimension.name), "type": "string",
            "description": format!("The code of {}; {NO_CODE} where there is none.", dimension.name),
        }));
    }
    fields
}

fn status(measure: &Measure) -> Json {
    let mut field = Map::new();
    field.insert("name".into(), measure.status.as_str().into());
    field.insert("type".into(), "string".into());
    field.insert(
        "description".into(),
        format!("Why {} is as it is; empty where the number is published.", measure.name).into(),
    );
    field.insert(
        "categories".into(),
        json!([
            { "value": CONFIDENTIAL, "label": "confidential: the number is withheld" },
            { "value": NOT_APPLICABLE, "label": "not applicable: a rate of nobody" },
            { "value": LOW, "label": "rounds to 0, but is not 0" },
        ]),
    );
    Json::Object(field)
}
