//! The data package of a release (datapackage.org, version 2): each CSV file with its columns and what they mean.

use serde_json::{Map, Value as Json, json};

use crate::{
    CsvFile, FormatError,
    content::{
        CONFIDENTIAL, Category, Dimension, LOW, Measure, NO_CODE, NO_RATE, NOT_APPLICABLE,
        ROUNDS_TO_0, Release, Table, Unit,
    },
    csv,
    tidy::{self, LEVEL, PERIOD, RELEASE},
};

const PACKAGE: &str = "https://datapackage.org/profiles/2.0/datapackage.json";
const RESOURCE: &str = "https://datapackage.org/profiles/2.0/dataresource.json";
const SCHEMA: &str = "https://datapackage.org/profiles/2.0/tableschema.json";

pub(crate) fn package(release: &Release, files: &[CsvFile]) -> Result<Vec<u8>, FormatError> {
    let both = release.tables.iter().zip(files);
    let resources: Vec<Json> = both.map(|(table, csv)| resource(release, table, csv)).collect();
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
        "audience": release.audience,
        "policy": release.protection,
        "resources": resources,
    });
    if let Some(linkage) = &release.linkage {
        package["linkage"] = linkage.json();
    }
    if let Some(contact) = &release.contact {
        package["contact"] = contact.as_str().into();
    }
    if let Some(publisher) = &release.publisher {
        let mut contributor = json!({ "title": publisher, "roles": ["publisher"] });
        if let Some(address) = release.contact.as_deref().filter(|contact| is_email(contact)) {
            contributor["email"] = address.into();
        }
        package["contributors"] = json!([contributor]);
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&package)?).into_bytes())
}

/// Whether a contact is an address of mail: it may as well be a telephone's number or a sentence.
fn is_email(contact: &str) -> bool {
    let parts: Vec<&str> = contact.split('@').collect();
    let is_plain = |part: &&str| !part.is_empty() && !part.contains(char::is_whitespace);
    parts.len() == 2 && parts.iter().all(is_plain) && parts[1].contains('.')
}

fn resource(release: &Release, table: &Table, CsvFile { bytes, sha256 }: &CsvFile) -> Json {
    let table = &*tidy::in_rows(table);
    let dimensions = table.dimensions.iter().map(|dimension| csv::harmless(&dimension.name));
    let key: Vec<String> =
        [RELEASE, PERIOD].map(str::to_owned).into_iter().chain(dimensions).collect();
    json!({
        "$schema": RESOURCE,
        "name": table.name,
        "type": "table",
        "title": table.title,
        "path": format!("{}.csv", table.name),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": bytes.len(),
        "hash": format!("sha256:{sha256}"),
        "schema": {
            "$schema": SCHEMA,
            "fields": fields(release, table),
            "missingValues": [""],
            "primaryKey": key,
        },
    })
}

fn fields(release: &Release, table: &Table) -> Vec<Json> {
    let one = |name: &str, value: &str, description: &str| json!({ "name": name, "type": "string", "description": description, "categories": [csv::harmless(value)] });
    let mut fields = vec![
        one(RELEASE, &release.name, "The release's name."),
        one(PERIOD, &release.period, "The period that the numbers are of."),
        json!({
            "name": LEVEL, "type": "string",
            "description": "What the row is divided by. Rows of one level count no child twice; rows of two levels may.",
            // Each text is the one that the file has: some begin with an apostrophe there.
            "categories": levels(table).into_iter().map(csv::harmless).collect::<Vec<_>>(),
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
    let categories: Vec<&Category> = dimension.used().collect();
    // The standard has texts alone, or values with labels alone.
    let has_labels = categories.iter().any(|category| category.meaning.is_some());
    let of_category = |category: &&Category| {
        let value = csv::harmless(&category.label);
        match &category.meaning {
            Some(meaning) => json!({ "value": value, "label": meaning }),
            None if has_labels => json!({ "value": value, "label": category.label }),
            None => json!(value),
        }
    };
    let which = "A category, a group of categories, or the total: the column level tells which.";
    let description = match &dimension.meaning {
        Some(meaning) => format!("{meaning} {which}"),
        None => which.to_owned(),
    };
    let mut fields = vec![json!({
        "name": csv::harmless(&dimension.name), "type": "string",
        "description": description,
        "categories": categories.iter().map(of_category).collect::<Vec<_>>(),
    })];
    if dimension.has_codes {
        fields.push(json!({
            "name": csv::harmless(&tidy::code_column(&dimension.name)), "type": "string",
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
            { "value": NOT_APPLICABLE, "label": NO_RATE },
            { "value": LOW, "label": ROUNDS_TO_0 },
        ]),
    );
    Json::Object(field)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;
    use crate::content::{Kind, Value};

    fn release(contact: &str) -> Release {
        let category = |label: &str| Category {
            label: label.to_owned(),
            code: None,
            meaning: None,
            level: Some("change".to_owned()),
            is_lowest: true,
            is_withheld: false,
            is_unknown: false,
        };
        let dimension = Dimension {
            name: "change".to_owned(),
            categories: ["-1", "0"].map(category).to_vec(),
            of_row: vec![0, 1],
            meaning: None,
            has_codes: false,
            boundaries: None,
            kind: Kind::Plain,
        };
        let children = Measure {
            name: "children".to_owned(),
            status: "status".to_owned(),
            meaning: String::new(),
            unit: Unit::Whole,
            month: None,
            row: None,
            values: vec![Value::Whole(7); 2],
        };
        let table = Table {
            name: "t".to_owned(),
            title: String::new(),
            levels: vec!["change".to_owned(); 2],
            dimensions: vec![dimension],
            measures: vec![children],
        };
        Release {
            name: "r".to_owned(),
            title: String::new(),
            period: "2024-25".to_owned(),
            publisher: Some("Exampleton".to_owned()),
            contact: Some(contact.to_owned()),
            audience: "It is for everybody.".into(),
            counted: String::new(),
            not_counted: Vec::new(),
            protection: Vec::new(),
            linkage: None,
            rounded: None,
            tables: vec![table],
            dfe: None,
        }
    }

    fn csv_file(release: &Release) -> CsvFile {
        let bytes = crate::csv_of(&tidy::columns(release, &release.tables[0])).unwrap();
        CsvFile { sha256: bytes.len().to_string(), bytes }
    }

    fn of(release: &Release) -> Json {
        let written = package(release, &[csv_file(release)]).unwrap();
        serde_json::from_slice(&written).unwrap()
    }

    #[test]
    fn a_category_is_the_text_that_the_file_has() {
        let release = release("statistics@example.org");
        let csv = csv_file(&release).bytes;
        assert!(String::from_utf8(csv).unwrap().contains(",'-1,7,"));
        let fields = &of(&release)["resources"][0]["schema"]["fields"];
        assert_eq!(fields[3]["categories"], json!(["'-1", "0"]));
    }

    #[test]
    fn a_column_has_its_meaning_and_each_code_its_label() {
        let mut release = release("statistics@example.org");
        let dimension = &mut release.tables[0].dimensions[0];
        dimension.meaning = Some("The change since the census.".to_owned());
        dimension.categories[0].meaning = Some("one fewer".to_owned());
        let field = &of(&release)["resources"][0]["schema"]["fields"][3];
        assert_eq!(
            field["description"],
            "The change since the census. A category, a group of categories, or the total: the column level tells which."
        );
        // The value is the text of the file; the standard asks for a label of each, if one has it.
        let expected =
            json!([{ "value": "'-1", "label": "one fewer" }, { "value": "0", "label": "0" }]);
        assert_eq!(field["categories"], expected);
    }

    #[test]
    fn a_contact_is_an_address_of_mail_only_where_it_is_one() {
        let mail = of(&release("statistics@example.org"));
        assert_eq!(mail["contributors"][0]["email"], "statistics@example.org");
        for contact in ["01632 960 001", "the team @ the council.", "a@b@c.org"] {
            let mut release = release(contact);
            let package = of(&release);
            assert_eq!(package["contributors"][0].get("email"), None);
            assert_eq!(package["contact"], contact);
            // It stands without a publisher too.
            release.publisher = None;
            assert_eq!(of(&release)["contact"], contact);
            let page = crate::page::page(&release, crate::Formats::default());
            assert!(page.contains(&format!("Contact: {contact}.")), "{page}");
        }
    }
}
