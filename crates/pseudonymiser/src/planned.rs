//! `minster-ingest plan`: which files would be read and which columns would pass, before any row is read.

use std::fmt::Write as _;

use minster_identifiers::shown;
use minster_model::{
    Period, Purpose, SourceName, TableName, counted,
    pipeline::{Delivery, IdentifierRule},
};
use minster_sources::Treatment;
use serde::Serialize;

use crate::{delivery::Planned, delivery_checks::FoundDelivery};

/// The files and columns that a run would read. The plan holds names and counts; no row is read for it.
#[derive(Debug, Serialize)]
pub struct IngestionPlan {
    /// The plan's format.
    pub format: u32,
    /// The purpose that the identifiers would be pseudonymised for.
    pub purpose: Purpose,
    /// Definitions and code lists that cannot be used, and why.
    pub broken: Vec<String>,
    /// One entry a delivery.
    pub sources: Vec<PlannedDelivery>,
}

/// A delivery that would be read, or left out.
#[derive(Debug, Serialize)]
pub struct PlannedDelivery {
    /// The source.
    pub name: SourceName,
    /// Its period.
    pub period: Period,
    /// Why it would be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How many files it has.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// Whether pupil numbers are taken as they are, whatever their check letter.
    pub opaque: bool,
    /// Each file with each table that would be read from it.
    pub tables: Vec<PlannedTable>,
    /// Files that are known and not read.
    pub ignored: Vec<String>,
    /// The steps that were taken so that the files can be read, in words.
    pub notes: Vec<String>,
    /// Optional columns that no file of a table has.
    pub lacking: Vec<LackingColumns>,
}

/// A table of a file.
#[derive(Debug, Serialize)]
pub struct PlannedTable {
    /// The file's name.
    pub file: String,
    /// The table.
    pub table: TableName,
    /// Columns that would pass, treated.
    pub passing: usize,
    /// Match keys that would be made.
    pub match_keys: usize,
    /// Columns that would be dropped.
    pub dropped: usize,
}

/// Optional columns that are not there.
#[derive(Debug, Serialize)]
pub struct LackingColumns {
    /// The table.
    pub table: String,
    /// Their names.
    pub columns: Vec<String>,
}

impl PlannedDelivery {
    pub(crate) fn of(expected: &FoundDelivery<'_>) -> Self {
        let Delivery { name, period, .. } = expected.delivery;
        let none = Self {
            name: name.clone(),
            period: period.clone(),
            why: None,
            files: 0,
            bytes: 0,
            opaque: false,
            tables: Vec::new(),
            ignored: Vec::new(),
            notes: Vec::new(),
            lacking: Vec::new(),
        };
        match &expected.found {
            Err(why) => Self { why: Some(why.to_string()), ..none },
            Ok(planned) => Self {
                files: planned.files.files.len(),
                bytes: planned.bytes(),
                opaque: planned.rule == IdentifierRule::Opaque,
                tables: tables(planned),
                ignored: planned.files.ignored.iter().map(|name| shown(name).to_string()).collect(),
                notes: planned.notes(),
                lacking: planned.lacking(),
                ..none
            },
        }
    }

    fn text(&self, text: &mut String) {
        let Self { name, period, files, bytes, .. } = self;
        if let Some(why) = &self.why {
            let _ = writeln!(text, "\n{name} {period}: would be left out: {why}");
            return;
        }
        let opaque = if self.opaque { ", pupil numbers taken as they are" } else { "" };
        let _ = writeln!(
            text,
            "\n{name} {period} ({}, {bytes} bytes{opaque})",
            counted(*files, "file", "files")
        );
        for PlannedTable { file, table, passing, match_keys, dropped } in &self.tables {
            let _ = writeln!(
                text,
                "  {file} -> {table}: {passing} columns pass, {match_keys} match keys, {dropped} dropped"
            );
        }
        for ignored in &self.ignored {
            let _ = writeln!(text, "  {ignored}: known and dropped");
        }
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        for LackingColumns { table, columns } in &self.lacking {
            let _ = writeln!(text, "  {table} lacks {}", columns.join(", "));
        }
    }
}

fn tables(planned: &Planned) -> Vec<PlannedTable> {
    let mut tables = Vec::new();
    for file in &planned.files.files {
        for &table in &file.tables {
            let table = &planned.definition.tables[table];
            let kept = |column: &&minster_sources::Column| column.treatment != Treatment::Drop;
            let passing = table.columns.values().filter(kept).count();
            tables.push(PlannedTable {
                file: shown(&file.name).to_string(),
                table: table.name.clone(),
                passing,
                match_keys: table.match_keys.len(),
                dropped: table.columns.len() - passing,
            });
        }
    }
    tables
}

impl IngestionPlan {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("purpose {}\n", self.purpose);
        for broken in &self.broken {
            let _ = writeln!(text, "\na definition cannot be used: {broken}");
        }
        self.sources.iter().for_each(|source| source.text(&mut text));
        text
    }
}
