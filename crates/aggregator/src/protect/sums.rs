//! Tables of sums, with what must be withheld of them for their own sake.

use minster_disclosure::SumRules;
use minster_model::{
    ColumnName,
    policy::{Policy, Zeros},
    table::{CountTable, ProtectionLevel},
};

use crate::{
    definition::release_definition::{Definition, Kind, Measure, Table},
    error::AggregateError,
    protect::flags,
    tabulate::contributions::Summed,
};

/// The policy that sums are published under: none is small by itself, and a zero is a zero unless it is
/// needed as cover.
pub(crate) fn policy() -> Policy {
    Policy::new(1, Zeros::MayBeWithheld)
}

/// The counts that are shown beside the sums.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The counts of the table's cells.
    counts: &'a [Option<u64>],
    /// The counts of the cells of its table by whether the column is 1; empty where there is none.
    of_flag: &'a [Option<u64>],
}

impl<'a> Shown<'a> {
    pub(crate) fn of(counts: &'a [Option<u64>]) -> Self {
        Self { counts, of_flag: &[] }
    }

    pub(crate) fn with_flag(self, of_flag: &'a [Option<u64>]) -> Self {
        Self { of_flag, ..self }
    }

    /// Whether a cell's sum tells a count that is withheld.
    fn is_withheld(&self, cell: usize) -> bool {
        let of_flag = self.of_flag.get(flags::cell_of(cell));
        self.counts[cell].is_none() || of_flag.is_some_and(Option::is_none)
    }
}

/// One table of sums, with what must be withheld of it for its own sake, given what is shown of the counts.
pub(crate) fn table(
    definition: &Definition,
    place: usize,
    column: &ColumnName,
    count: &CountTable,
    shown: Shown<'_>,
    summed: &Summed,
) -> Result<CountTable, AggregateError> {
    let is_of_events = counts_events(&definition.tables[place], column);
    let protection_level = |cell: usize| {
        let withheld = shown.is_withheld(cell).then_some(1);
        protection_level(definition, is_of_events, summed, cell).max(withheld)
    };
    let shown = shown.counts;
    // Where a published count says that nobody is, here or further up, the sum is known to be nothing.
    let mut forced_published = Vec::new();
    count.add_up(|_, cells| {
        if cells.iter().any(|&cell| shown[cell] == Some(0)) {
            forced_published.push(cells[0]);
        }
    });
    let unsafe_by_rule = (0..shown.len())
        .filter(|cell| shown[*cell] != Some(0) && forced_published.binary_search(cell).is_err())
        .filter_map(|cell| {
            Some(ProtectionLevel {
                cell,
                lower: protection_level(cell)?,
                upper: protection_level(cell)?,
            })
        });
    let name = format!("{} ({column})", count.name());
    let table = CountTable::new(name, count.dimensions().to_vec(), summed.inner.clone(), vec![])?;
    Ok(table
        .with_protection_levels(unsafe_by_rule.collect())?
        .with_forced_published(forced_published)?)
}

/// The sums of a column over the children of several releases, of which no number that is unsafe may follow.
pub(crate) fn of_others(
    definition: &Definition,
    column: &ColumnName,
    count: &CountTable,
    summed: &Summed,
) -> Result<CountTable, AggregateError> {
    let is_of_events = definition.tables.iter().any(|table| counts_events(table, column));
    let (is_flag, threshold) = (flags::is_flag(summed), definition.policy().threshold);
    let counts = count.cell_counts();
    let unsafe_by_rule = (0..summed.children.len()).filter_map(|cell| {
        let total = summed.children[cell].total;
        let is_few = |number: u64| is_flag && (1..threshold).contains(&number);
        let few = is_few(total) || is_few(counts[cell].saturating_sub(total));
        let protection_level = protection_level(definition, is_of_events, summed, cell)
            .max(few.then_some(threshold))?;
        Some(ProtectionLevel { cell, lower: protection_level, upper: protection_level })
    });
    let dimensions = count.dimensions().to_vec();
    let table = CountTable::new(count.name(), dimensions, summed.inner.clone(), vec![])?;
    Ok(table.with_protection_levels(unsafe_by_rule.collect())?)
}

fn counts_events(table: &Table, column: &ColumnName) -> bool {
    let mut kinds = table.measures.iter().map(Measure::kind);
    kinds.any(|kind| matches!(kind, Kind::Sum { of, events: true } if of == column))
}

/// How unsure of a cell's sum everyone must be, by the rules for sums; none where it is safe.
fn protection_level(
    definition: &Definition,
    is_of_events: bool,
    summed: &Summed,
    cell: usize,
) -> Option<u64> {
    let rules = definition.sum_rules();
    let children = rules.protection_level(&summed.children[cell]);
    let respondents = definition.respondent.as_ref().zip(summed.respondents.as_ref());
    let respondents = respondents.and_then(|(respondent, respondents)| {
        SumRules { contributors: Some(respondent.minimum), ..rules }
            .protection_level(&respondents[cell])
    });
    let (total, threshold) = (summed.children[cell].total, definition.policy().threshold);
    let few_events = is_of_events && (1..threshold).contains(&total);
    [children, respondents, few_events.then_some(threshold)].into_iter().flatten().max()
}
