//! Dates and categories of persons on their way to the vault, the plan of what is due, and its disposal.

use minster_model::{DatasetRef, KeyVersion, Kind, Purpose};
use serde::{Deserialize, Serialize};

use crate::IdentifierBatch;

/// Facts of one person in a delivery's rows, for the retention schedule. Holds identifiers: no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct PersonFacts {
    /// Identifiers of one row, canonical: the person's own come first.
    pub identifiers: IdentifierBatch,
    /// Their kinds, in the same order.
    pub kinds: Vec<Kind>,
    /// How many of them are the person's own numbers. The others stand beside them: match keys, numbers of rows and cases.
    pub own: u32,
    /// Categories of the schedule that the rows show.
    pub categories: Vec<String>,
    /// Dates of events: the event's name in the schedule, and the day (ISO).
    pub dates: Vec<(String, String)>,
    /// Events whose dates the row leaves blank, and the first day of its delivery's period (ISO): they had not happened yet.
    pub open: Vec<(String, String)>,
}

/// A count that is told only where it is not small.
pub type ShownCount = Option<u64>;

/// Counts below this one, and above 0, are hidden.
pub const SMALLEST_SHOWN: u64 = 5;

/// A plan: the persons that are due, undetermined and held back under a schedule, counted. Says nothing of a single person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionPlan {
    /// The purpose.
    pub purpose: Purpose,
    /// The last day that counts (ISO).
    pub until: String,
    /// SHA-256 of the schedule's text.
    pub schedule_sha256: String,
    /// Persons that are due until that day and not held back.
    pub due: ShownCount,
    /// The same by category and month.
    pub due_by_month: Vec<DueCount>,
    /// How many of those that are due each delivery told of, as far as the vault knows.
    pub due_by_delivery: Vec<DeliveryCount>,
    /// Persons whose disposal date cannot be told.
    pub undetermined: Vec<UndeterminedCount>,
    /// Persons that would be due and are held back, by what holds them.
    pub held: Vec<HeldCount>,
    /// Persons that come due after that day, for ten years, by calendar year and category.
    pub forecast: Vec<DueCount>,
    /// Persons of whom no row of the schedule speaks.
    pub unscheduled: ShownCount,
    /// Categories that no source shows.
    pub without_evidence: Vec<String>,
    /// Holds and moratoria that stand, without what a hold is about.
    pub holds: Vec<StandingHold>,
}

/// How many come due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueCount {
    /// The category whose date counts.
    pub category: String,
    /// `2033-03`, or in a forecast `2033`.
    pub period: String,
    /// Persons.
    pub persons: ShownCount,
}

/// How many a delivery told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCount {
    /// Source and period, `school_census/2024-autumn`.
    pub delivery: String,
    /// Persons.
    pub persons: ShownCount,
}

/// How many are undetermined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndeterminedCount {
    /// The category that needs a date.
    pub category: String,
    /// The event whose date is missing.
    pub missing: String,
    /// Persons.
    pub persons: ShownCount,
}

/// How many are held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCount {
    /// `legal hold`, or the category of a moratorium.
    pub by: String,
    /// Persons.
    pub persons: ShownCount,
}

/// A hold that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingHold {
    /// The proposal that made it, which lifts it too.
    pub hold: String,
    /// The category, where it is a moratorium; else it is on a person.
    pub category: Option<String>,
    /// The authority that ordered a moratorium.
    pub ordered_by: Option<String>,
    /// The case.
    pub reference: String,
    /// Since when (RFC 3339, UTC).
    pub since: String,
    /// Whether the schedule has the category, or a person of the purpose the number. Else it holds nobody here.
    pub is_known: bool,
}

/// The outcome of a disposal that custodians approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposalCounts {
    /// Persons.
    pub persons: u64,
    /// Their own numbers.
    pub numbers: u64,
    /// Match keys and other numbers beside them whose text left the registry too. Their keyed links stay, for new keys.
    pub beside: u64,
    /// Persons that were due when it was proposed and are not any more: held since, or with a later date.
    pub no_longer_due: u64,
}

/// The head of a disposal list, as its first line has it in JSON; a pseudonym a line follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisposalHead {
    /// The list's format.
    pub format: u32,
    /// The vault.
    pub store_id: String,
    /// The proposal that two custodians approved: the list's name.
    pub list: String,
    /// The purpose.
    pub purpose: Purpose,
    /// The version of its keys.
    pub version: KeyVersion,
    /// Kinds of numbers that are persons' own.
    pub kinds: Vec<Kind>,
    /// Pseudonyms that follow.
    pub pseudonyms: u64,
}

impl DisposalHead {
    /// The format of this release.
    pub const FORMAT: u32 = 1;
}

/// The outcome of a disposal list in the store. Holds counts, names and hashes alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisposalReceipt {
    /// The list.
    pub list: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Every dataset with rows of persons. One from which nothing left has the same manifest before and after.
    pub datasets: Vec<DisposedDataset>,
    /// Linkage datasets that were shredded.
    pub shredded: u64,
    /// Superseded snapshots that were removed.
    pub snapshots: u64,
    /// Ids of children to which numbers of others lead too, so that their linked rows stay.
    pub shared_ids: u64,
}

/// A dataset from which the list's rows were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisposedDataset {
    /// Which.
    pub dataset: DatasetRef,
    /// SHA-256 of its manifest before.
    pub before: String,
    /// SHA-256 of its manifest now.
    pub after: String,
    /// Rows that left it.
    pub rows: u64,
    /// Numbers that became blank, in rows that are about others too.
    pub cells: u64,
    /// Files beside its tables that left it: sealed quarantine, reports that named a child's pseudonym.
    pub files: u64,
}
