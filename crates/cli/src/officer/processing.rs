//! The record of processing activities: UK GDPR, Article 30(1), letter by letter.

use std::{collections::BTreeMap, fmt::Write as _};

use maud::{Markup, html};
use minster_model::pipeline::Controller;
use minster_retention::Schedule;
use serde::Serialize;

use super::{Delivery, Measure, Site, measures, page as pages};
use crate::purposes::{Named, lines};

/// The record.
#[derive(Serialize)]
pub(super) struct Record {
    format: u32,
    /// Letter (a); none where the pipeline does not say.
    controller: Option<Controller>,
    /// Letter (b).
    purposes: Vec<Named>,
    /// Letter (c): persons by the retention schedule, and their numbers' kinds.
    persons: Vec<String>,
    /// Letter (c): the data, by source.
    data: Vec<Data>,
    /// Letter (d).
    recipients: Vec<Recipients>,
    /// Letter (e).
    transfers: &'static str,
    /// Letter (f).
    retention: Vec<Period>,
    /// Letter (g).
    measures: Vec<Measure>,
}

/// The data of a source.
#[derive(Serialize)]
struct Data {
    source: String,
    periods: Vec<String>,
    tables: usize,
    kept: usize,
    /// In no dataset, but keyed hashes for linking are made of them.
    used: usize,
    dropped: usize,
}

/// The readers of a purpose's releases.
#[derive(Serialize)]
struct Recipients {
    purpose: String,
    /// None: any.
    audiences: Option<Vec<String>>,
}

/// A row of the retention schedule.
#[derive(Serialize)]
struct Period {
    category: String,
    notice: String,
    end: &'static str,
}

const TRANSFERS: &str = "None. The programs open no connection to another machine; whoever passes a release on answers for that.";
const NO_CONTROLLER: &str =
    "not stated: write `[controller]` with name, contact and officer into pipeline.toml";

impl Record {
    pub(super) fn of(site: &Site) -> Self {
        let named = |definition: &minster_vault_api::PurposeDefinition| {
            Named::of(definition.clone(), &site.status)
        };
        let recipients = site.purposes.iter().map(|of| Recipients {
            purpose: of.name.to_string(),
            audiences: (of.audiences.as_ref())
                .map(|all| all.iter().map(ToString::to_string).collect()),
        });
        Self {
            format: 1,
            controller: site.controller.clone(),
            purposes: site.purposes.iter().map(named).collect(),
            persons: persons(site.schedule.as_ref()),
            data: data(&site.deliveries),
            recipients: recipients.collect(),
            transfers: TRANSFERS,
            retention: site.schedule.as_ref().map_or(Vec::new(), periods),
            measures: measures(&site.status),
        }
    }
}

fn persons(schedule: Option<&Schedule>) -> Vec<String> {
    let Some(schedule) = schedule else { return Vec::new() };
    schedule.persons().map(|(person, _)| person.as_str().to_owned()).collect()
}

fn data(deliveries: &[Delivery]) -> Vec<Data> {
    let mut all: BTreeMap<&str, Vec<&Delivery>> = BTreeMap::new();
    for delivery in deliveries {
        all.entry(&delivery.source).or_default().push(delivery);
    }
    let of = |(source, deliveries): (&str, Vec<&Delivery>)| {
        // The newest delivery's definition: earlier years have other columns.
        let newest = deliveries.iter().max_by_key(|of| &of.period);
        let tables: std::collections::BTreeSet<&str> = newest
            .map_or(Vec::new(), |of| {
                of.columns.iter().map(|column| column.table.as_str()).collect()
            })
            .into_iter()
            .collect();
        Data {
            source: source.to_owned(),
            periods: deliveries.iter().map(|of| of.period.clone()).collect(),
            tables: tables.len(),
            kept: newest.map_or(0, |of| of.columns.len()),
            used: newest.map_or(0, |of| of.used.len()),
            dropped: newest.map_or(0, |of| of.dropped.len()),
        }
    };
    all.into_iter().map(of).collect()
}

fn periods(schedule: &Schedule) -> Vec<Period> {
    let of = |category: &minster_retention::Category| Period {
        category: category.name.as_str().to_owned(),
        notice: category.notice.clone(),
        end: category.end.as_str(),
    };
    schedule.categories().iter().map(of).collect()
}

fn controller(record: &Record) -> Vec<(String, String)> {
    match &record.controller {
        None => vec![("Controller".into(), NO_CONTROLLER.into())],
        Some(Controller { name, contact, officer }) => vec![
            ("Controller".into(), name.clone()),
            ("Contact".into(), contact.clone()),
            ("Data protection officer".into(), officer.clone()),
        ],
    }
}

fn recipients(record: &Record) -> Vec<Vec<String>> {
    let of = |of: &Recipients| {
        let any = || "any: an earlier release made the purpose".to_owned();
        vec![of.purpose.clone(), of.audiences.as_ref().map_or_else(any, |all| all.join(", "))]
    };
    record.recipients.iter().map(of).collect()
}

fn data_rows(record: &Record) -> Vec<Vec<String>> {
    let of = |of: &Data| {
        let counts = [of.tables, of.kept, of.used, of.dropped].map(|of| of.to_string());
        [vec![of.source.clone(), of.periods.join(", ")], counts.to_vec()].concat()
    };
    record.data.iter().map(of).collect()
}

fn retention_rows(record: &Record) -> Vec<Vec<String>> {
    let of = |of: &Period| vec![of.category.clone(), of.notice.clone(), of.end.to_owned()];
    record.retention.iter().map(of).collect()
}

/// For people, without a page.
pub(super) fn text(record: &Record) -> String {
    let mut text =
        String::from("Record of processing activities (UK GDPR, Article 30)\n\n(a) controller\n");
    for (name, value) in controller(record) {
        let _ = writeln!(text, "  {name}: {value}");
    }
    text += "\n(b) purposes\n";
    for named in &record.purposes {
        let _ = writeln!(text, "  {}", named.definition.name);
        for (name, value) in lines(named) {
            let _ = writeln!(text, "    {name:<9} {value}");
        }
    }
    let _ = writeln!(text, "\n(c) persons: {}", or_none(&record.persons.join(", ")));
    for row in data_rows(record) {
        let _ = writeln!(
            text,
            "  {} ({}): {} tables, {} columns kept or treated, {} used for keys or scored matching, {} dropped",
            row[0], row[1], row[2], row[3], row[4], row[5]
        );
    }
    text += "\n(d) recipients\n";
    for row in recipients(record) {
        let _ = writeln!(text, "  {}: {}", row[0], row[1]);
    }
    let _ = writeln!(text, "\n(e) transfers to other countries: {}", record.transfers);
    text += "\n(f) periods\n";
    if record.retention.is_empty() {
        text += "  not stated: name the schedule in pipeline.toml (`schedule`)\n";
    }
    for row in retention_rows(record) {
        let _ = writeln!(text, "  {}: {}; then {}", row[0], row[1], row[2]);
    }
    text += "\n(g) measures of security\n";
    for Measure { what, here, evidence } in &record.measures {
        let _ = writeln!(text, "  {}: {what} ({evidence})", here.words());
    }
    text
}

fn or_none(text: &str) -> &str {
    if text.is_empty() {
        "not stated: name the schedule in pipeline.toml (`schedule`)"
    } else {
        text
    }
}

/// As a page.
pub(super) fn page(record: &Record) -> Markup {
    let body = html! {
        p {
            "UK GDPR, Article 30(1), from the configuration and the vault as they are now. The officer checks it, and adds what no "
            "program knows."
        }
        h2 { "Controller (a)" }
        (pages::facts(&controller(record)))
        h2 { "Purposes (b)" }
        @for named in &record.purposes {
            h3 { (named.definition.name) }
            (pages::facts(&capital(lines(named))))
        }
        h2 { "Persons and data (c)" }
        p { "Persons: " (or_none(&record.persons.join(", "))) "." }
        (pages::table("Data by source", &["Source", "Deliveries", "Tables", "Columns kept or treated", "Used for keys or scored matching", "Columns dropped"], &data_rows(record), &[2, 3, 4, 5]))
        h2 { "Recipients (d)" }
        p { "Nobody receives rows. Releases are tables that passed disclosure control, for these readers." }
        (pages::table("Readers by purpose", &["Purpose", "Readers"], &recipients(record), &[]))
        h2 { "Transfers (e)" }
        p { (record.transfers) }
        h2 { "Periods (f)" }
        (pages::table("Retention schedule", &["Category", "The notice says", "Then"], &retention_rows(record), &[]))
        h2 { "Measures (g)" }
        (pages::measures(&record.measures))
    };
    pages::page("Record of processing activities", &body)
}

/// Names as a page has them.
pub(super) fn capital(lines: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    let of = |(name, value): (&str, String)| {
        let (first, rest) = name.split_at(1);
        (first.to_uppercase() + rest, value)
    };
    lines.into_iter().map(of).collect()
}
