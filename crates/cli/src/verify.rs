//! A release under doubt: its checks, and why its cells are withheld.

use std::{collections::BTreeMap, fmt::Write as _};

use minster_aggregator::{
    AggregateError, Category, Check, Explained, Explanation, Interval, Reason, Which,
};
use minster_model::{Period, Role, TableName, exit};
use minster_vault_api::Client;

use crate::{failure::Failure, pipeline::Loaded, report};

/// Checks a release, as the auditor.
pub(crate) fn verify(
    loaded: &Loaded,
    release: (&TableName, Option<&Period>),
) -> Result<Vec<Check>, Failure> {
    open(loaded, release, Role::Auditor, |which, vault| {
        minster_aggregator::verify_release(which, vault)
    })
}

/// Asks about a release, in a role.
pub(crate) fn open<T>(
    loaded: &Loaded,
    (release, asked): (&TableName, Option<&Period>),
    role: Role,
    ask: impl Fn(&Which<'_>, &mut Client) -> Result<T, AggregateError>,
) -> Result<T, Failure> {
    let pipeline = &loaded.pipeline;
    let store = loaded.store()?;
    let purpose = &pipeline.purpose;
    let period = loaded.period(asked, release, |period| {
        Ok(store.current_release(release.as_str(), period.as_str()).is_some())
    })?;
    let mut vault = Client::connect_to(&pipeline.vault, role, "minster")?;
    let which = Which { store: &store, release, period, purpose };
    ask(&which, &mut vault)
        .map_err(|source| Failure::Release { release: release.clone(), source: Box::new(source) })
}

pub(crate) fn exit_code(checks: &[Check]) -> u8 {
    if checks.iter().all(|check| check.passed) { exit::DONE } else { exit::AUDIT }
}

/// For people.
pub(crate) fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { what, passed, evidence } in checks {
        let verdict = if *passed { "PASS" } else { "FAIL" };
        let _ = writeln!(text, "{verdict}  {what}\n      {evidence}");
    }
    text
}

/// For programs.
pub(crate) fn json(checks: &[Check]) -> Result<String, Failure> {
    let object = serde_json::json!({ "format": 1, "exit": exit_code(checks), "checks": checks });
    report::json(&object)
}

/// The withheld cells that were asked for.
pub(crate) struct Chosen {
    cells: Vec<(Explanation, Vec<Category>)>,
    /// Where one cell was asked for, what is left open of it, in the order of the cells.
    intervals: Vec<Option<Interval>>,
    /// Whether one cell was asked for.
    is_one: bool,
}

impl Chosen {
    pub(crate) fn new(
        explained: Explained,
        table: Option<&str>,
        named: &BTreeMap<String, String>,
    ) -> Self {
        let all: Vec<_> =
            explained.cells.iter().cloned().zip(explained.categories.iter().cloned()).collect();
        let of_table = |of: &Explanation| {
            // The sums of a table are named after it and the column.
            table.is_none_or(|table| {
                of.table == table || of.table.starts_with(&format!("{table} ("))
            })
        };
        let mut cells: Vec<_> = all.into_iter().filter(|(of, _)| of_table(of)).collect();
        let is_one = !named.is_empty();
        if is_one {
            let asked = |of: &Category| match named.get(&of.column) {
                Some(code) => of.code == *code,
                None => of.total,
            };
            cells.retain(|(_, categories)| categories.iter().all(asked));
        }
        let exact = |(of, _): &(Explanation, _)| explained.interval(of);
        let intervals = if is_one { cells.iter().map(exact).collect() } else { Vec::new() };
        Self { cells, intervals, is_one }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.is_one {
            let mut by_reason: BTreeMap<(&str, &str, Reason), usize> = BTreeMap::new();
            for (of, _) in &self.cells {
                *by_reason.entry((&of.set, &of.table, of.reason)).or_default() += 1;
            }
            for ((_, table, reason), cells) in by_reason {
                let _ = writeln!(text, "{table:<40} {cells:>6} withheld because {}", reason.text());
            }
            return text;
        }
        if self.cells.is_empty() {
            return "no cell with these categories is withheld\n".to_owned();
        }
        for ((of, categories), exact) in self.cells.iter().zip(&self.intervals) {
            let named: Vec<String> =
                categories.iter().map(|of| format!("{}={}", of.column, of.code)).collect();
            let _ = writeln!(
                text,
                "{}: {}\n  withheld because {}\n  the certificates show it from {} to {}; withholding it cost {:.2}",
                of.table,
                named.join(" "),
                of.reason.text(),
                of.low,
                of.high,
                of.cost
            );
            if let Some(Interval { low, high }) = exact {
                let high = high.map_or("any number".to_owned(), |high| high.to_string());
                let _ =
                    writeln!(text, "  the published numbers leave open {low} to {high}, exactly");
            }
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, Failure> {
        let cells: Vec<_> = self
            .cells
            .iter()
            .enumerate()
            .map(|(at, (of, categories))| {
                let exact = self.intervals.get(at).copied().flatten();
                let exact = exact.map(|exact| (exact.low, exact.high));
                let categories: BTreeMap<_, _> =
                    categories.iter().map(|of| (&of.column, &of.code)).collect();
                serde_json::json!({
                    "explanation": of,
                    "categories": categories,
                    "exactly": exact,
                })
            })
            .collect();
        let object = serde_json::json!({ "format": 1, "cells": cells });
        report::json(&object)
    }
}
