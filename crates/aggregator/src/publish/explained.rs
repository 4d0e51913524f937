//! Why the cells of a release are withheld, in words for the analyst: no count, no interval, no cost, and of a category that has no
//! name in the files no name either. All else of the restricted report is the auditor's.

use std::collections::BTreeMap;

use minster_model::{
    NodeId,
    table::{CountTable, Hierarchy},
};
use minster_store::DatasetKeys;
use serde::Serialize;

use crate::{
    definition::{
        location::did_you_mean,
        release_definition::{Definition, Table},
    },
    error::AggregateError,
    publish::{
        reasons::Reason,
        restricted_report::{COUNTS, Explanation, Report},
        verify::{self, Category, Which},
    },
};

/// Why a cell is withheld, as far as the report and the definition tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It is below the threshold.
    BelowThreshold,
    /// Its zero is unsafe.
    UnsafeZero,
    /// It would show that nearly all of a group are of a sensitive category.
    Sensitive,
    /// The definition never publishes it.
    Never,
    /// A sum whose count of children is withheld.
    AsCount,
    /// A sum that few contribute to.
    Dominated,
    /// A count that is near to a number of an earlier release, or was withheld there.
    NearEarlier,
    /// It covers others.
    Secondary,
    /// It was withheld when its table was published before.
    Standing,
}

impl Cause {
    /// The cause in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::BelowThreshold => "it is below the threshold",
            Self::UnsafeZero => "its zero is unsafe under the policy",
            Self::Sensitive => "with it nearly all of a group would be known to be sensitive",
            Self::Never => "the definition never publishes it",
            Self::AsCount => "its count of children is withheld",
            Self::Dominated => {
                "few contribute to it or to most of it, or an earlier release shows a number near to it"
            }
            Self::NearEarlier => "an earlier release shows a number near to it, or withheld it",
            Self::Secondary => "others could be worked out from it",
            Self::Standing => "it was withheld when its table was published before",
        }
    }

    /// Steps that may free it, in words.
    pub fn freed_by(self) -> &'static [&'static str] {
        const COARSER: &str = "a coarser category: a level of its dimension, wider bands, or one dimension fewer in the table";
        match self {
            Self::BelowThreshold => &[COARSER],
            Self::UnsafeZero => &[
                COARSER,
                "`zeros = \"may-be-withheld\"` or `\"published\"`, where the purpose allows it",
            ],
            Self::Sensitive => {
                &[COARSER, "`sensitive` without its category, where that harms nobody"]
            }
            Self::Never => &["`never` without it"],
            Self::AsCount => &["what frees its count"],
            Self::Dominated => &[COARSER, "the measure in another table with fewer dimensions"],
            Self::NearEarlier => &[
                COARSER,
                "a wait until more children differ",
                "both divisions in one release, in the place of two",
            ],
            Self::Secondary => &[
                "`keep` with its categories: others are then withheld in its place, where that can be done",
                "fewer small cells beside it: coarser categories, or `margins` with fewer totals",
            ],
            Self::Standing => {
                &["nothing, while its table stands: what was withheld once is withheld again"]
            }
        }
    }
}

/// A withheld cell, in words.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedCell {
    /// `children`, or the column that is summed.
    pub of: String,
    /// The table, as the definition names it.
    pub table: String,
    /// The category in each column, as the release's files name it.
    pub categories: Vec<Category>,
    /// Why it is withheld.
    pub cause: Cause,
    /// The cells one step coarser that are published.
    pub shown_coarser: Vec<Vec<Category>>,
}

/// The names of a release's tables, of their columns and of the categories there.
#[derive(Debug, Clone)]
pub struct Names(Vec<TableNames>);

#[derive(Debug, Clone)]
struct TableNames {
    table: String,
    columns: Vec<(String, Vec<String>)>,
}

/// Why the cells of a release are withheld.
#[derive(Debug, Clone)]
pub struct Reasons {
    /// Each withheld cell.
    pub cells: Vec<ExplainedCell>,
    names: Names,
}

impl Reasons {
    /// Those of one table, or of the one cell with these categories; a column that is not named is at its total.
    ///
    /// # Errors
    /// [`AggregateError::Report`] where a name is none, with the nearest one.
    pub fn only(
        mut self,
        table: Option<&str>,
        cell: &BTreeMap<String, String>,
    ) -> Result<Self, AggregateError> {
        self.names.check(table, cell)?;
        let is_asked = |of: &Category| match cell.get(&of.column) {
            Some(code) => of.code == *code,
            None => of.total,
        };
        self.cells.retain(|of| {
            table.is_none_or(|table| of.table == table)
                && (cell.is_empty() || of.categories.iter().all(is_asked))
        });
        Ok(self)
    }
}

impl Names {
    /// As the release's files name them.
    fn published(report: &Report) -> Self {
        Self::by(report, |place, table, counts| labels(report, place, table, counts))
    }

    /// As the restricted report names them.
    pub(super) fn of_report(report: &Report) -> Self {
        let codes = |dimension: &Hierarchy| {
            dimension.nodes().map(|node| dimension.code(node).to_owned()).collect()
        };
        Self::by(report, |_, _, counts| counts.dimensions().iter().map(codes).collect())
    }

    fn by(
        report: &Report,
        labels: impl Fn(usize, &Table, &CountTable) -> Vec<Vec<String>>,
    ) -> Self {
        let names = |(place, table): (usize, &Table)| {
            let labels = counts(report, place).map(|counts| labels(place, table, counts));
            let columns = table.dimensions.iter().map(ToString::to_string);
            TableNames {
                table: table.name.to_string(),
                columns: columns.zip(labels.unwrap_or_default()).collect(),
            }
        };
        Self(report.definition.tables.iter().enumerate().map(names).collect())
    }

    /// Whether there are such a table, columns and categories.
    ///
    /// # Errors
    /// [`AggregateError::Report`] with the nearest name.
    pub fn check(
        &self,
        table: Option<&str>,
        cell: &BTreeMap<String, String>,
    ) -> Result<(), AggregateError> {
        let Some(table) = table else { return Ok(()) };
        let none = |what: String, meant: String| {
            Err(AggregateError::Report(format!("there is no {what}: {meant}")))
        };
        let Some(of) = self.0.iter().find(|of| of.table == table) else {
            let meant = did_you_mean(table, self.0.iter().map(|of| of.table.as_str()));
            return none(format!("table {table}"), meant);
        };
        for (column, category) in cell {
            let Some((_, codes)) = of.columns.iter().find(|(name, _)| name == column) else {
                let meant = did_you_mean(column, of.columns.iter().map(|(name, _)| name.as_str()));
                return none(format!("column {column} in the table {table}"), meant);
            };
            if !codes.contains(category) {
                let meant = did_you_mean(category, codes.iter().map(String::as_str));
                return none(format!("category {category} of {column}"), meant);
            }
        }
        Ok(())
    }
}

/// Says of each withheld cell why, and what is published one step coarser.
///
/// # Errors
/// Where the report cannot be opened.
pub fn reasons(which: &Which<'_>, keys: &mut dyn DatasetKeys) -> Result<Reasons, AggregateError> {
    let report = verify::open(which, keys)?;
    let names = Names::published(&report);
    let mut published = Published { report: &report, known: BTreeMap::new() };
    let cells = report.cells.iter().filter_map(|of| explained(&mut published, of, &names));
    Ok(Reasons { cells: cells.collect(), names })
}

/// The published numbers of each set and table of a report: a table is added up once, however many of its cells are withheld.
struct Published<'a> {
    report: &'a Report,
    known: BTreeMap<(&'a str, usize), Option<Vec<Option<u64>>>>,
}

impl<'a> Published<'a> {
    fn numbers(&mut self, set: &'a str, place: usize) -> Option<&[Option<u64>]> {
        let report = self.report;
        let known = self.known.entry((set, place)).or_insert_with(|| match set {
            COUNTS => verify::published(report, COUNTS, place),
            _ => verify::published_sums(report, place, set),
        });
        known.as_deref()
    }
}

fn explained<'a>(
    published: &mut Published<'a>,
    of: &'a Explanation,
    names: &Names,
) -> Option<ExplainedCell> {
    let report = published.report;
    let (place, table) = own_table(&report.definition, &of.table)?;
    let counts = counts(report, place)?;
    let labels = &names.0[place].columns;
    let nodes = counts.coordinates(of.cell);
    let categories = |nodes: &[NodeId]| -> Vec<Category> {
        let named = counts.dimensions().iter().zip(nodes).zip(labels);
        let category = |((dimension, node), (column, labels)): (
            (&Hierarchy, &NodeId),
            &(String, Vec<String>),
        )| Category {
            column: column.clone(),
            code: labels[node.0].clone(),
            total: dimension.is_total(*node),
        };
        named.map(category).collect()
    };
    let cause = cause(published, of, place, &nodes);
    let numbers = published.numbers(&of.set, place);
    let is_shown =
        |cell: usize| numbers.is_some_and(|of| of.get(cell).copied().flatten().is_some());
    let coarser = |at: usize| {
        let mut above = nodes.clone();
        above[at] = counts.dimensions()[at].parent(nodes[at])?;
        is_shown(counts.cell(&above)).then(|| categories(&above))
    };
    Some(ExplainedCell {
        of: of.set.clone(),
        table: table.name.to_string(),
        categories: categories(&nodes),
        cause,
        shown_coarser: (0..nodes.len()).filter_map(coarser).collect(),
    })
}

fn cause(published: &mut Published<'_>, of: &Explanation, place: usize, nodes: &[NodeId]) -> Cause {
    let is_count = of.set == COUNTS;
    match of.reason {
        Reason::BelowThreshold => Cause::BelowThreshold,
        Reason::UnsafeZero => Cause::UnsafeZero,
        Reason::Sensitive => Cause::Sensitive,
        Reason::Secondary => Cause::Secondary,
        Reason::Standing => Cause::Standing,
        Reason::ForItsOwnSake if is_never(published.report, place, nodes) => Cause::Never,
        Reason::ForItsOwnSake if is_count => Cause::NearEarlier,
        Reason::ForItsOwnSake => {
            let counts = published.numbers(COUNTS, place);
            let is_withheld =
                counts.is_some_and(|of_table| of_table.get(of.cell).is_some_and(Option::is_none));
            if is_withheld { Cause::AsCount } else { Cause::Dominated }
        }
    }
}

/// Whether the definition names the cell in `never`.
fn is_never(report: &Report, place: usize, nodes: &[NodeId]) -> bool {
    let (table, Some(counts)) = (&report.definition.tables[place], counts(report, place)) else {
        return false;
    };
    let at = |pattern: &BTreeMap<_, String>| {
        let named = table.dimensions.iter().zip(counts.dimensions()).zip(nodes);
        named.clone().all(|((name, dimension), node)| match pattern.get(name) {
            Some(code) => dimension.code(*node) == code,
            None => dimension.is_total(*node),
        })
    };
    table.never.iter().any(at)
}

fn counts(report: &Report, place: usize) -> Option<&CountTable> {
    report.sets.iter().find(|of| of.name == COUNTS)?.set.tables.get(place)
}

/// The definition's own table that a table of the report is: sums of a table are named after it and the column.
fn own_table<'a>(definition: &'a Definition, name: &str) -> Option<(usize, &'a Table)> {
    let is_its = |(_, of): &(usize, &Table)| {
        let own = of.name.as_str();
        name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
    };
    definition.tables.iter().enumerate().find(is_its)
}

/// The names of a table's categories in its files, by dimension and node.
fn labels(report: &Report, place: usize, table: &Table, counts: &CountTable) -> Vec<Vec<String>> {
    let published = verify::published(report, COUNTS, place).unwrap_or_default();
    let order = verify::row_order(report, place, (table, counts), &published);
    let of_dimension = |(at, dimension): (usize, &Hierarchy)| order.labels(at, dimension);
    counts.dimensions().iter().enumerate().map(of_dimension).collect()
}
