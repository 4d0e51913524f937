//! `minster purposes`: what each purpose may use, and whether the pipeline's own definitions stay within theirs.

use std::{fmt::Write as _, path::Path};

use clap::Args;
use minster_model::{Audience, DatasetClass, Period, Purpose, Role, SourceName, TableName, exit};
use minster_store::{Store, TableEntry};
use minster_vault_api::{
    Budget, Client, ColumnScope, Notice, Previews, PurposeDefinition, ReadColumns, ReleaseFloors,
    SourceColumns, StatusReport, TableColumns, first_of,
};
use serde::{Deserialize, Serialize};

use crate::{
    arguments::Report,
    definitions::{DefinitionFile, Definitions, Faulty},
    failure::Failure,
    pipeline::Loaded,
    report, stages,
};

/// The role in which it is asked, and the form.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The role in which the vault is asked: one that you hold.
    #[arg(long, default_value = "analyst", value_parser = role)]
    role: Role,
    #[command(flatten)]
    report: Report,
}

fn role(text: &str) -> Result<Role, String> {
    let named = Role::ALL.into_iter().find(|role| role.to_string() == text);
    named.ok_or_else(|| {
        let all: Vec<String> = Role::ALL.iter().map(ToString::to_string).collect();
        format!("no such role; there are {}", all.join(", "))
    })
}

/// The purposes, and the pipeline beside its own.
#[derive(Serialize)]
pub(crate) struct Purposes {
    format: u32,
    purposes: Vec<Named>,
    pipeline: Within,
}

/// A purpose.
#[derive(Serialize)]
pub(crate) struct Named {
    #[serde(flatten)]
    pub(crate) definition: PurposeDefinition,
    /// Whether its last day is over.
    pub(crate) expired: bool,
    /// The day on which two custodians ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
}

impl Named {
    /// A definition, with what the status says of its end.
    pub(crate) fn of(definition: PurposeDefinition, status: &StatusReport) -> Self {
        let of = status.purposes.iter().find(|of| of.purpose == definition.name);
        let since = of.and_then(|of| of.end.as_ref()).map(|end| end.since.as_str());
        let ended = since.map(|since| since.get(..10).unwrap_or(since).to_owned());
        Self { expired: definition.expired(), ended, definition }
    }
}

/// The definitions of the pipeline beside its purpose.
#[derive(Serialize)]
struct Within {
    purpose: Purpose,
    sources: Vec<SourceWithin>,
    releases: Vec<ReleaseWithin>,
    /// Datasets that stand, of any purpose, and have more than theirs allows today: custodians narrowed it since.
    standing: Vec<StandsOutside>,
    /// Files of which nothing is known.
    faulty: Vec<Faulty>,
}

#[derive(Serialize)]
struct SourceWithin {
    source: SourceName,
    period: Period,
    /// Tables and columns that the purpose does not allow; all of them where it does not allow the source.
    outside: Vec<String>,
}

#[derive(Serialize)]
struct StandsOutside {
    dataset: String,
    /// Tables and columns that its purpose does not allow; all of them where it does not allow the source.
    outside: Vec<String>,
}

#[derive(Serialize)]
struct ReleaseWithin {
    release: TableName,
    audience: Audience,
    /// Why it is outside, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<String>,
}

/// The columns that definitions read, as minster-ingest describes them.
#[derive(Deserialize)]
struct Described {
    deliveries: Vec<DescribedDelivery>,
}

#[derive(Deserialize)]
struct DescribedDelivery {
    source: SourceName,
    period: Period,
    columns: Vec<DescribedColumn>,
}

#[derive(Deserialize)]
struct DescribedColumn {
    table: TableName,
    name: minster_model::ColumnName,
}

impl DescribedDelivery {
    /// Its columns, table by table.
    fn read(&self) -> Vec<ReadColumns> {
        let mut read: Vec<ReadColumns> = Vec::new();
        for DescribedColumn { table, name } in &self.columns {
            match read.iter_mut().find(|of| of.table == *table) {
                Some(of) => of.columns.push(name.clone()),
                None => {
                    read.push(ReadColumns { table: table.clone(), columns: vec![name.clone()] });
                }
            }
        }
        read
    }
}

/// All purposes that the vault has.
pub(crate) fn named(vault: &mut Client) -> Result<Vec<Named>, Failure> {
    let status = vault.status()?;
    Ok(vault.purposes()?.into_iter().map(|of| Named::of(of, &status)).collect())
}

/// The text that is to be printed, and the exit code.
pub(crate) fn purposes(arguments: &Arguments) -> Result<(String, u8), Failure> {
    let Arguments { role, report: Report { config, form } } = arguments;
    let loaded = Loaded::read(&config.path)?;
    let mut vault = Client::connect_to(&loaded.pipeline.vault, *role, "minster")?;
    let purposes = named(&mut vault)?;
    drop(vault);
    let described: Described = stages::described(&config.path)?;
    let asked = &loaded.pipeline.purpose;
    let own = purposes.iter().find(|of| of.definition.name == *asked);
    let own = own.ok_or_else(|| Failure::NoPurpose { purpose: asked.clone() })?;
    let Definitions { whole, faulty } = Definitions::read(&loaded)?;
    let within = Within {
        purpose: asked.clone(),
        sources: described.deliveries.iter().map(|of| source(&own.definition, of)).collect(),
        releases: whole.iter().map(|of| release(&own.definition, of)).collect(),
        standing: standing(&loaded.pipeline.store, &purposes)?,
        faulty,
    };
    let code = if within.is_whole() { exit::DONE } else { exit::USAGE };
    let all = Purposes { format: 1, pipeline: within, purposes };
    Ok((if form.json { report::json(&all)? } else { text(&all) }, code))
}

fn source(own: &PurposeDefinition, of: &DescribedDelivery) -> SourceWithin {
    let outside = match own.allows(&of.source) {
        true => own.outside(&of.source, &of.read()),
        false => vec![format!("the source {}", of.source)],
    };
    SourceWithin { source: of.source.clone(), period: of.period.clone(), outside }
}

/// Datasets of sources that stand and are outside their purpose.
fn standing(store: &Path, purposes: &[Named]) -> Result<Vec<StandsOutside>, Failure> {
    let there = store
        .try_exists()
        .map_err(|source| Failure::Unreadable { path: store.to_owned(), source })?;
    if !there {
        return Ok(Vec::new());
    }
    let mut outside = Vec::new();
    for one in Store::inspect(store)?.stored_datasets()? {
        // A superseded snapshot goes by itself.
        if !one.current {
            continue;
        }
        let manifest = one.manifest?;
        let dataset = &manifest.dataset;
        if dataset.class != DatasetClass::Source {
            continue;
        }
        let own = purposes.iter().find(|of| of.definition.name == dataset.purpose);
        let what = match own.map(|of| &of.definition) {
            None => vec![format!("the purpose {}, which the vault does not have", dataset.purpose)],
            Some(own) if !own.allows(&dataset.name) => vec![format!("the source {}", dataset.name)],
            Some(own) => {
                own.outside(&dataset.name, &manifest.tables.iter().map(stands).collect::<Vec<_>>())
            }
        };
        if !what.is_empty() {
            outside.push(StandsOutside { dataset: dataset.to_string(), outside: what });
        }
    }
    Ok(outside)
}

/// A table's columns that definitions name: those of the programs themselves are of no source.
fn stands(table: &TableEntry) -> ReadColumns {
    let named = table.columns.iter().filter_map(|column| column.name.parse().ok());
    ReadColumns { table: table.name.clone(), columns: named.collect() }
}

fn release(own: &PurposeDefinition, of: &DefinitionFile) -> ReleaseWithin {
    let definition = &of.definition;
    let audience = definition.audience();
    let other = definition.purpose.as_ref().filter(|named| **named != own.name);
    let outside = match other {
        Some(named) => Some(format!("it is defined for the purpose {named}")),
        None if !own.allows_audience(audience) => Some(format!("it is for {audience}")),
        None => None,
    };
    ReleaseWithin { release: definition.name.clone(), audience, outside }
}

impl Within {
    fn is_whole(&self) -> bool {
        self.faulty.is_empty()
            && self.sources.iter().all(|of| of.outside.is_empty())
            && self.standing.is_empty()
            && self.releases.iter().all(|of| of.outside.is_none())
    }
}

fn text(all: &Purposes) -> String {
    let Purposes { purposes, pipeline, .. } = all;
    let mut text = String::new();
    for named in purposes {
        let own = if named.definition.name == pipeline.purpose { ", the pipeline's" } else { "" };
        let _ = writeln!(text, "{}{own}", named.definition.name);
        for (name, value) in lines(named) {
            let _ = writeln!(text, "  {name:<9} {value}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "the pipeline beside {}", pipeline.purpose);
    for SourceWithin { source, period, outside } in &pipeline.sources {
        let of = format!("{source} {period}");
        let told = first_of(outside).map_or("within".to_owned(), |what| format!("OUTSIDE: {what}"));
        let _ = writeln!(text, "  {of:<32} {told}");
    }
    for ReleaseWithin { release, audience, outside } in &pipeline.releases {
        let of = format!("release {release}");
        let told = match outside {
            Some(why) => format!("OUTSIDE: {why}"),
            None => format!("within, for {audience}"),
        };
        let _ = writeln!(text, "  {of:<32} {told}");
    }
    for StandsOutside { dataset, outside } in &pipeline.standing {
        let what = first_of(outside).unwrap_or_default();
        let _ = writeln!(
            text,
            "  STANDS OUTSIDE: {dataset}: {what}; run its delivery again with a definition that drops it, or remove the dataset"
        );
    }
    pipeline.faulty.iter().for_each(|of| text += &format!("  {}\n", of.text()));
    let own = purposes.iter().find(|of| of.definition.name == pipeline.purpose);
    let promise = own.map(|of| of.definition.promise().to_string()).unwrap_or_default();
    if !pipeline.is_whole() && !promise.is_empty() {
        let _ = writeln!(text, "  what is outside is refused{promise}");
    }
    text
}

/// The scope of a purpose, name by name.
pub(crate) fn lines(of: &Named) -> Vec<(&'static str, String)> {
    let Named { definition, expired, ended } = of;
    let joined = |all: Vec<String>| match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(", "),
    };
    let list = |all: Option<Vec<String>>| all.map_or("any".to_owned(), joined);
    let mut lines = vec![("aim", definition.text.clone())];
    lines.push(("notice", notice(definition.notice.as_ref())));
    lines.push(("law", definition.legal_basis.clone()));
    let sources = definition.sources.as_ref();
    lines.push(("sources", list(sources.map(|all| all.iter().map(ToString::to_string).collect()))));
    lines.push(("columns", columns(definition.columns.as_ref())));
    let kinds = definition.kinds.as_ref().map(|all| all.len().to_string());
    let kinds = kinds.unwrap_or_else(|| "any".to_owned());
    lines.push(("numbers", format!("{kinds} kinds of identifiers and match keys")));
    let roles = definition.roles.iter().map(ToString::to_string).collect();
    lines.push(("roles", joined(roles)));
    lines.push(("budget", budgets(definition)));
    lines.push(("releases", floors(&definition.release)));
    let audiences = definition.audiences.as_ref();
    lines.push((
        "readers",
        list(audiences.map(|all| all.iter().map(ToString::to_string).collect())),
    ));
    let end = match (ended, &definition.expires, expired) {
        (Some(day), ..) => format!("two custodians ended it on {day}"),
        (None, None, _) => "without end".to_owned(),
        (None, Some(last), false) => last.to_string(),
        (None, Some(last), true) => format!("{last}, which is over: it has no key"),
    };
    lines.push(("until", end));
    lines
}

fn notice(notice: Option<&Notice>) -> String {
    match notice {
        Some(Notice { version, day, sentence }) => {
            format!("version {version} of {day}: \"{sentence}\"")
        }
        None => "none is named: an earlier release made it".to_owned(),
    }
}

/// The columns that a purpose may use, in a line.
fn columns(columns: Option<&ColumnScope>) -> String {
    let Some(ColumnScope(sources)) = columns else { return "all of its sources".to_owned() };
    let of_table = |(table, columns): (&TableName, &TableColumns)| match columns {
        TableColumns::Whole(_) => format!("all of {table}"),
        TableColumns::Some(columns) => {
            let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
            format!("{table} ({})", names.join(", "))
        }
    };
    let of = |(source, columns): (&SourceName, &SourceColumns)| match columns {
        SourceColumns::Whole(_) => format!("{source}: all"),
        SourceColumns::Tables(tables) => {
            let tables: Vec<String> = tables.iter().map(of_table).collect();
            format!("{source}: {}", tables.join(", "))
        }
    };
    sources.iter().map(of).collect::<Vec<_>>().join("; ")
}

fn budgets(definition: &PurposeDefinition) -> String {
    let of = |budget: &Budget, what: &str| {
        let Budget { run, day } = budget;
        let day = match *day {
            u64::MAX => "any number".to_owned(),
            day => day.to_string(),
        };
        format!("{run} {what} a run, {day} a day")
    };
    let mut all = vec![of(&definition.budget, "numbers")];
    all.extend(definition.repairs.as_ref().map(|budget| of(budget, "repairs")));
    all.extend(definition.linkage.as_ref().map(|budget| of(budget, "parts for scored matching")));
    all.join("; ")
}

fn floors(release: &ReleaseFloors) -> String {
    let ReleaseFloors { persons, threshold, zeros, insider, p_percent, methods, previews } =
        release;
    let mut all = vec![
        minster_model::counted(*persons as usize, "person lets one", "persons let one") + " out",
    ];
    all.extend(threshold.map(|least| format!("threshold {least} or more")));
    let zeros = zeros.and_then(|zeros| serde_json::to_value(zeros).ok());
    all.extend(zeros.and_then(|of| Some(format!("zeros {} or stricter", of.as_str()?))));
    all.extend(insider.map(|least| format!("insider {least} or more")));
    all.extend(p_percent.map(|least| format!("p % {least} or more")));
    let shapes = "previews show shapes and shares alone".to_owned();
    all.extend((*previews == Previews::Shapes).then_some(shapes));
    all.extend((!methods.is_empty()).then(|| format!("methods {}", methods.join(", "))));
    all.join("; ")
}
