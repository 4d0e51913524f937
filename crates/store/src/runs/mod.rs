//! The run ledger: one record a run and program, replaced in one step whenever something more is done, so
//! that it tells after a crash how far the run came. From it, and beside it, what monitors read: a
//! Prometheus textfile and OpenLineage events. All hold names, counts, times and messages; never a row's
//! value.

mod attempt;
pub mod deliveries;
mod journal;
mod lineage;
mod record;
mod textfile;

pub use attempt::{record_attempt, record_beginning};
pub use journal::Journal;
pub use lineage::LineageJob;
pub use record::{Progress, RunRecord, SourceRecord, StageRecord, name_by_clock};
