use minster_model::{
    IdVec, TableId,
    policy::Policy,
    rounding::Rounding,
    table::{AlternativeTable, CountTable, Pattern, TableSet},
};

use crate::shared::{
    alternative_table,
    typed::{TypedPattern, TypedSet},
};

/// Tables and patterns that withstood the attack. Only [`verify`](crate::verify) makes one, and only one can be
/// released.
#[derive(Debug, Clone)]
pub struct ReleasableSet {
    set: TableSet,
    patterns: IdVec<TableId, Pattern>,
    alternatives: Vec<AlternativeTable>,
    /// Where every number is published rounded or perturbed: by which rule, and the numbers.
    rounded: Option<(Rounding, IdVec<TableId, Vec<u64>>)>,
}

impl ReleasableSet {
    /// Takes what withstood the attack on withheld cells: for [`verify_with`](crate::verify_with) alone.
    pub(crate) fn new(
        set: TableSet,
        patterns: Vec<Pattern>,
        alternatives: Vec<AlternativeTable>,
    ) -> Self {
        Self { set, patterns: patterns.into(), alternatives, rounded: None }
    }

    /// Takes what withstood the attack by ranges: for [`verify_rounded`](crate::verify_rounded) alone. The patterns
    /// are those of tables that were published before.
    pub(crate) fn new_rounded(
        set: TableSet,
        patterns: Vec<Pattern>,
        published: Vec<Vec<u64>>,
        rule: Rounding,
        alternatives: Vec<AlternativeTable>,
    ) -> Self {
        let rounded = Some((rule, published.into()));
        Self { set, patterns: patterns.into(), alternatives, rounded }
    }

    /// The tables.
    pub fn tables(&self) -> &[CountTable] {
        &self.set.tables
    }

    /// The patterns, one a table.
    pub fn patterns(&self) -> &[Pattern] {
        self.patterns.as_slice()
    }

    /// By which rule every number is rounded or perturbed, if it is: for the public to know.
    pub fn rounding(&self) -> Option<Rounding> {
        self.rounded.as_ref().map(|(rule, _)| *rule)
    }

    /// The published policy.
    pub fn policy(&self) -> Policy {
        self.set.policy
    }

    /// The certificates: for the auditor, never for the public.
    pub fn certificates(&self) -> &[AlternativeTable] {
        &self.alternatives
    }

    /// One cell's number, if it is published.
    pub fn published(&self, table: usize, cell: usize) -> Option<u64> {
        self.published_cells(table).get(cell).copied().flatten()
    }

    /// Every cell's number of one table, rounded where it is published so; none where it is withheld.
    pub fn published_cells(&self, table: usize) -> Vec<Option<u64>> {
        let table = TableId(table);
        let of_table = self.set.table(table);
        // The rule is that of the new tables: one that was published before shows what it showed then.
        if let (Some((_, numbers)), None) = (&self.rounded, of_table.published_pattern()) {
            return numbers[table].iter().copied().map(Some).collect();
        }
        alternative_table::counts(of_table)
            .into_iter()
            .zip(self.patterns[table].by_cell())
            .map(|(count, withheld)| (!withheld).then_some(count))
            .collect()
    }
}

/// Says what certificates were found to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    /// How many requirements the promise makes that the truth alone does not meet.
    pub requirements: usize,
    /// The certificates that meet them.
    pub alternatives: Vec<AlternativeTable>,
}
