//! `minster query`: a query becomes a definition, which is previewed as every other is. Nothing is evaluated outside that path.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use minster_aggregator::{AggregateError, Profile, SharedColumns};
use minster_matcher::{CHILDREN, CROSSWALK};
use minster_model::{Period, Role, TableName, policy::Zeros};
use minster_query::{Kind, Rules, Schema};
use minster_store::{ReleaseLog, TableEntry};
use minster_vault_api::{Client, Floors};

use crate::{arguments, failure::Failure, pipeline::Loaded, preview, report, stages};

/// The release's name where the definition is not saved.
const UNSAVED: &str = "query";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The query.
    #[arg(value_name = "SQL")]
    sql: String,
    /// Write the definition as NAME.toml among those of the pipeline, once it is previewed. No file is overwritten.
    #[arg(long, value_name = "NAME")]
    save: Option<TableName>,
    /// The period; the pipeline's last one, where none is given.
    #[arg(long)]
    period: Option<Period>,
    #[command(flatten)]
    report: arguments::Report,
}

/// The text to print.
pub(crate) fn query(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { sql, save, period, report } = arguments;
    let loaded = Loaded::read(&report.config.path)?;
    let period = &loaded.period_or_last(period.as_ref())?.name;
    let name = match save {
        Some(name) => name.clone(),
        None => UNSAVED.parse().map_err(|_| Failure::Name)?,
    };
    let path = loaded.pipeline.tables.join(format!("{name}.toml"));
    if save.is_some() && path.exists() {
        return Err(Failure::DefinitionStands { path });
    }
    let dataset = stages::children(&loaded, period)?;
    let (manifest, _) = loaded.store()?.manifest(&dataset)?;
    let mut schema = schema(&manifest.tables, &loaded.columns()?);
    let mut vault = Client::connect_to(&loaded.pipeline.vault, Role::Analyst, "minster")?;
    schema.rules = rules(&vault.floors(&loaded.pipeline.purpose)?);
    drop(vault);
    let definition = minster_query::definition(sql, &name, &schema)
        .map_err(|error| Failure::Query(Box::new(error)))?;
    let previewed = preview::judged(&loaded, (Path::new("the query"), &definition), Some(period));
    let previewed = previewed.map_err(of_query)?;
    if save.is_some() {
        write(&path, &format!("{}\n{definition}", minster_query::comment(sql)))?;
        let config = report.config.path.display();
        let _ = writeln!(
            io::stderr(),
            "written: {}; `minster aggregate {name} --config {config}` drafts it",
            path.display()
        );
    }
    match report.form.json {
        true => {
            let object =
                serde_json::json!({ "format": 1, "definition": definition, "preview": previewed });
            report::json(&object)
        }
        false => Ok(preview::text(&previewed)),
    }
}

/// A line of the definition is none of the query.
fn of_query(failure: Failure) -> Failure {
    match failure {
        Failure::Aggregate { path, mut source } => {
            if let AggregateError::Rule { line, .. } = source.as_mut() {
                *line = None;
            }
            Failure::Aggregate { path, source }
        }
        other => other,
    }
}

fn write(path: &PathBuf, text: &str) -> Result<(), Failure> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::DefinitionStands { path: path.clone() },
        _ => Failure::Page { path: path.clone(), source },
    })
}

/// The rules that a query's definition states: those that its purpose asks for, where they are stricter than the usual ones. A
/// method is never chosen here: what a purpose rounds, no query asks for.
fn rules(floors: &Floors) -> Rules {
    let Floors { threshold, zeros, insider, p_percent, methods: _, previews: _ } = floors;
    let usual = Profile::default();
    Rules {
        threshold: threshold.filter(|least| *least > usual.policy().threshold),
        zeros: zeros.filter(|least| *least > Zeros::MayBeWithheld),
        insider: insider.filter(|least| *least > usual.policy().insider),
        p_percent: p_percent.filter(|least| *least > usual.p_percent()),
    }
}

/// The columns that a query can name, by the manifest and `columns.toml`. No row is read, and no pseudonym but the child's is
/// among them.
fn schema(tables: &[TableEntry], shared: &SharedColumns) -> Schema {
    let columns = |entry: &TableEntry| {
        let columns = entry.columns.iter().filter_map(|column| {
            let kind = match column.data_type.as_str() {
                "Int64" | "UInt32" | "Int32" => Kind::Number,
                "Date32" => Kind::Day,
                "Boolean" => Kind::Truth,
                pseudonym if pseudonym.starts_with("FixedSizeBinary") && column.name != "child" => {
                    return None;
                }
                "Float64" => return None,
                // A column that nobody has a value of has no type of its own.
                "Null" => Kind::Any,
                _ => Kind::Text,
            };
            Some((column.name.clone(), kind))
        });
        columns.collect::<Vec<_>>()
    };
    let mut schema = Schema::default();
    for entry in tables {
        match entry.name.as_str() {
            CHILDREN => schema.children = columns(entry),
            CROSSWALK => {}
            name => {
                let of_events = columns(entry).into_iter().filter(|(column, _)| column != "child");
                schema.events.push((name.to_owned(), of_events.collect()));
            }
        }
    }
    schema.children.extend(shared.names().map(|name| (name.to_string(), Kind::Any)));
    schema
}
