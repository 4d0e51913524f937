//! `minster plan`: the periods that a run would link, and the releases that it would draft. minster-ingest plans the
//! deliveries.

use std::{fmt::Write as _, path::PathBuf};

use minster_model::{Period, Purpose, SourceName, TableName, exit};
use serde::Serialize;
use serde_json::Value;

use crate::{
    definitions::{DefinitionFile, Definitions, Faulty},
    failure::Failure,
    pipeline::Loaded,
    report,
};

/// The steps that a run would take after ingestion.
#[derive(Serialize)]
pub(crate) struct Plan {
    purpose: Purpose,
    /// The rules of linkage.
    matching: PathBuf,
    periods: Vec<PlannedPeriod>,
    releases: Vec<PlannedRelease>,
    /// Files of which nothing would be drafted.
    faulty: Vec<Faulty>,
}

/// A period that would be linked.
#[derive(Serialize)]
struct PlannedPeriod {
    period: Period,
    /// Earlier deliveries that count for it too.
    carried_over: Vec<PlannedDelivery>,
}

#[derive(Serialize)]
struct PlannedDelivery {
    source: SourceName,
    period: Period,
}

/// A release that would be drafted.
#[derive(Serialize)]
struct PlannedRelease {
    name: TableName,
    /// The smallest count that may be shown.
    threshold: u64,
    tables: Vec<TableName>,
}

impl Plan {
    pub(crate) fn of(loaded: &Loaded) -> Result<Self, Failure> {
        let pipeline = &loaded.pipeline;
        let periods = pipeline.periods.iter().map(|period| PlannedPeriod {
            period: period.name.clone(),
            carried_over: (period.carries_over.iter())
                .map(|of| PlannedDelivery { source: of.name.clone(), period: of.period.clone() })
                .collect(),
        });
        let Definitions { whole, faulty } = Definitions::read(loaded)?;
        let releases = whole.into_iter().map(|DefinitionFile { definition, .. }| PlannedRelease {
            threshold: definition.policy().threshold,
            tables: definition.tables.iter().map(|table| table.name.clone()).collect(),
            name: definition.name,
        });
        Ok(Self {
            purpose: pipeline.purpose.clone(),
            matching: pipeline.matching.clone(),
            periods: periods.collect(),
            releases: releases.collect(),
            faulty,
        })
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let Self { purpose, matching, periods, releases, faulty } = self;
        let mut text = String::from("\n");
        for PlannedPeriod { period, carried_over } in periods {
            let _ = writeln!(text, "linked into {purpose} {period} by {}", matching.display());
            for PlannedDelivery { source, period } in carried_over {
                let _ = writeln!(text, "  carried over: {source} {period}");
            }
        }
        for PlannedRelease { name, threshold, tables } in releases {
            let tables: Vec<&str> = tables.iter().map(TableName::as_str).collect();
            let _ = writeln!(text, "drafted: {name}, threshold {threshold}: {}", tables.join(", "));
        }
        faulty.iter().for_each(|of| text += &(of.text() + "\n"));
        text
    }

    /// As of the run that is planned.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.faulty.is_empty() { exit::DONE } else { exit::USAGE }
    }

    /// For programs, with minster-ingest's own plan.
    pub(crate) fn json(&self, ingest: &Value) -> Result<String, Failure> {
        report::json(&serde_json::json!({ "format": 1, "ingest": ingest, "plan": self }))
    }
}
