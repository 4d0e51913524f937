//! The part of a batch of rows that one column, or one table of events, takes.

use ahash::HashMap;
use arrow::array::RecordBatch;

use crate::{
    MatchError,
    events::WantedColumns,
    summary::{SummarisedRow, Summariser},
    tables::Events,
};

/// Rows of a batch about children, and whether each one's event is new, and new in this delivery.
pub(crate) struct TakenRows<'t> {
    pub(crate) batch: &'t RecordBatch,
    pub(crate) rows: &'t [SummarisedRow],
    pub(crate) news: &'t [(bool, bool)],
    pub(crate) delivery: u32,
    /// Whether the rows of preferred persons alone count.
    pub(crate) chosen: bool,
}

/// The place to which a column's rows go.
pub(crate) enum SummaryOf<'w, 'a> {
    Column(&'w mut Summariser),
    Events(&'w mut Events<'a>),
}

/// One column, or one table of events, and what of a batch concerns it alone: cores share the columns.
pub(crate) struct ColumnWork<'w, 'a> {
    pub(crate) wanted: &'w WantedColumns<'w>,
    pub(crate) passes: &'w [bool],
    pub(crate) summary: SummaryOf<'w, 'a>,
    pub(crate) unmet: &'w mut Vec<HashMap<String, bool>>,
}

impl ColumnWork<'_, '_> {
    pub(crate) fn take(self, taken: &TakenRows<'_>) -> Result<(), MatchError> {
        let Self { wanted, passes, summary, unmet } = self;
        let TakenRows { batch, rows, news, delivery, chosen } = *taken;
        for ((condition, _), met) in wanted.conditions.iter().zip(unmet) {
            condition.look_for_values(batch, met)?;
        }
        let is_present_in = wanted.present_in.is_some();
        let is_new = |at: usize| match news.get(at) {
            Some((_, is_new_here)) if is_present_in => *is_new_here,
            Some((is_new, _)) => *is_new,
            None => true,
        };
        let is_taken = |at: usize, taken: &SummarisedRow| {
            passes[taken.row as usize]
                && (wanted.by_delivery || is_new(at))
                && (!chosen || taken.preferred)
        };
        let all_pass = wanted.conditions.is_empty() && news.is_empty() && !chosen;
        let kept: Vec<SummarisedRow>;
        let rows = if all_pass {
            rows
        } else {
            let rows = rows.iter().enumerate().filter(|(at, taken)| is_taken(*at, taken));
            kept = rows.map(|(_, taken)| *taken).collect();
            &kept
        };
        match summary {
            SummaryOf::Column(summariser) => summariser.add(batch, delivery, rows),
            SummaryOf::Events(events) => events.add(batch, rows.iter().copied()),
        }
    }
}
