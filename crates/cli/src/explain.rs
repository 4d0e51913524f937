//! `minster explain`: why cells of a release are withheld. In words for the analyst; with `--exact` the restricted report, for the
//! auditor.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
};

use clap::Args;
use minster_aggregator::{Category, Cause, ExplainedCell, Reasons};
use minster_model::Role;
use serde_json::json;

use crate::{
    arguments::Released,
    failure::Failure,
    pipeline::Loaded,
    report,
    verify::{self, Chosen},
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    released: Released,
    /// Explain this table alone.
    #[arg(long)]
    table: Option<String>,
    /// Explain one cell alone: `column=category`, once for each column.
    #[arg(long, value_name = "COLUMN=CATEGORY", requires = "table")]
    cell: Vec<String>,
    /// Say between which counts each cell is left, in the auditor's role.
    #[arg(long)]
    exact: bool,
}

/// The text to print.
pub(crate) fn explain(arguments: &Arguments) -> Result<String, Failure> {
    let Arguments { released, table, cell, exact } = arguments;
    let Released { release, period, report } = released;
    let loaded = Loaded::read(&report.config.path)?;
    let which = (release, period.as_ref());
    let mut named = BTreeMap::new();
    for pair in cell {
        let (column, category) = pair.split_once('=').ok_or(Failure::Cell)?;
        named.insert(column.to_owned(), category.to_owned());
    }
    let failed = |source| Failure::Release { release: release.clone(), source: Box::new(source) };
    let json = report.form.json;
    if *exact {
        let explained = verify::open(&loaded, which, Role::Auditor, |which, vault| {
            minster_aggregator::explain(which, vault)
        })?;
        explained.names.check(table.as_deref(), &named).map_err(failed)?;
        let chosen = Chosen::new(explained, table.as_deref(), &named);
        return if json { chosen.json() } else { Ok(chosen.text()) };
    }
    let reasons = verify::open(&loaded, which, Role::Analyst, |which, vault| {
        minster_aggregator::reasons(which, vault)
    })?;
    let reasons = reasons.only(table.as_deref(), &named).map_err(failed)?;
    let _ = writeln!(
        io::stderr(),
        "note: for whoever may open the data: a reason tells more than the release does, so hand none of it on"
    );
    match (json, named.is_empty()) {
        (true, _) => self::json(&reasons),
        (false, true) => Ok(summary(&reasons)),
        (false, false) => Ok(of_one(&reasons)),
    }
}

/// How many cells of each table are withheld for which cause, and what would free them.
fn summary(reasons: &Reasons) -> String {
    let mut by_cause: BTreeMap<(String, Cause), usize> = BTreeMap::new();
    for cell in &reasons.cells {
        *by_cause.entry((number(cell), cell.cause)).or_default() += 1;
    }
    if by_cause.is_empty() {
        return "no cell is withheld\n".to_owned();
    }
    let mut text = String::new();
    for ((table, cause), cells) in &by_cause {
        let _ = writeln!(text, "{table:<40} {cells:>6} withheld because {}", cause.text());
    }
    let causes: std::collections::BTreeSet<Cause> =
        by_cause.into_keys().map(|(_, of)| of).collect();
    for cause in causes {
        let _ = writeln!(text, "\nwhere {}, this may free it:", cause.text());
        steps(&mut text, cause);
    }
    text
}

fn of_one(reasons: &Reasons) -> String {
    if reasons.cells.is_empty() {
        return "no cell with these categories is withheld\n".to_owned();
    }
    let mut text = String::new();
    for cell in &reasons.cells {
        let _ = writeln!(
            text,
            "{}: {}\n  withheld because {}\n  this may free it:",
            number(cell),
            words(&cell.categories),
            cell.cause.text()
        );
        steps(&mut text, cell.cause);
        if !cell.shown_coarser.is_empty() {
            let _ = writeln!(text, "  published one step coarser:");
        }
        for coarser in &cell.shown_coarser {
            let _ = writeln!(text, "  - {}", words(coarser));
        }
    }
    text
}

fn steps(text: &mut String, cause: Cause) {
    for step in cause.freed_by() {
        let _ = writeln!(text, "  - {step}");
    }
}

/// A table, and the column that is summed.
fn number(cell: &ExplainedCell) -> String {
    match cell.of.as_str() {
        "children" => cell.table.clone(),
        column => format!("{} ({column})", cell.table),
    }
}

fn words(categories: &[Category]) -> String {
    let pairs = categories.iter().map(|of| format!("{}={}", of.column, of.code));
    pairs.collect::<Vec<_>>().join(" ")
}

fn json(reasons: &Reasons) -> Result<String, Failure> {
    let categories = |of: &[Category]| -> BTreeMap<String, String> {
        of.iter().map(|of| (of.column.clone(), of.code.clone())).collect()
    };
    let cell = |of: &ExplainedCell| {
        json!({
            "of": of.of,
            "table": of.table,
            "categories": categories(&of.categories),
            "cause": of.cause,
            "why": of.cause.text(),
            "freed_by": of.cause.freed_by(),
            "shown_coarser": of.shown_coarser.iter().map(|of| categories(of)).collect::<Vec<_>>(),
        })
    };
    let cells: Vec<_> = reasons.cells.iter().map(cell).collect();
    report::json(&json!({ "format": 2, "cells": cells }))
}
