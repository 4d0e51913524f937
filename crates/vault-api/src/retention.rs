//! The plan of what is due under the retention schedule, and its disposal.

use minster_model::{DatasetRef, KeyVersion, Kind, Purpose};
use serde::{Deserialize, Serialize};

use crate::{ListPart, bounds};

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
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub until: String,
    /// SHA-256 of the schedule's text.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub schedule_sha256: String,
    /// Persons that are due until that day and not held back.
    pub due: ShownCount,
    /// The same by category and month.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub due_by_month: Vec<DueCount>,
    /// How many of those that are due each delivery told of, as far as the vault knows.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub due_by_delivery: Vec<DeliveryCount>,
    /// Persons whose disposal date cannot be told.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub undetermined: Vec<UndeterminedCount>,
    /// Persons that would be due and are held back, by what holds them.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub held: Vec<HeldCount>,
    /// Persons that come due after that day, for ten years, by calendar year and category.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub forecast: Vec<DueCount>,
    /// Persons of whom no row of the schedule speaks.
    pub unscheduled: ShownCount,
    /// Categories that no source shows.
    #[serde(deserialize_with = "bounds::texts::<_, { bounds::MANY }, { bounds::WORD }>")]
    pub without_evidence: Vec<String>,
    /// Holds and moratoria that stand, without what a hold is about.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")]
    pub holds: Vec<StandingHold>,
}

/// How many come due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueCount {
    /// The category whose date counts.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub category: String,
    /// `2033-03`, or in a forecast `2033`.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub period: String,
    /// Persons.
    pub persons: ShownCount,
}

/// How many a delivery told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCount {
    /// Source and period, `school_census/2024-autumn`.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub delivery: String,
    /// Persons.
    pub persons: ShownCount,
}

/// How many are undetermined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndeterminedCount {
    /// The category that needs a date.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub category: String,
    /// The event whose date is missing.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub missing: String,
    /// Persons.
    pub persons: ShownCount,
}

/// How many are held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCount {
    /// `legal hold`, or the category of a moratorium.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub by: String,
    /// Persons.
    pub persons: ShownCount,
}

/// A hold that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingHold {
    /// The proposal that made it, which lifts it too.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub hold: String,
    /// The category, where it is a moratorium; else it is on a person.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::WORD }>")]
    pub category: Option<String>,
    /// The authority that ordered a moratorium.
    #[serde(deserialize_with = "bounds::some_text::<_, { bounds::LINE }>")]
    pub ordered_by: Option<String>,
    /// The case.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
    pub reference: String,
    /// Since when (RFC 3339, UTC).
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
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
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub store_id: String,
    /// The proposal that two custodians approved: the list's name.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub list: String,
    /// The purpose.
    pub purpose: Purpose,
    /// The version of its keys.
    pub version: KeyVersion,
    /// Kinds of numbers that are persons' own.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
    pub kinds: Vec<Kind>,
    /// Pseudonyms that follow.
    pub pseudonyms: u64,
    /// Parts of them whose records are written to a sealed file before they leave. Behind the pseudonyms those of each part follow,
    /// in this order.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "bounds::list::<_, _, { bounds::FEW }>"
    )]
    pub parts: Vec<ListPart>,
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
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub list: String,
    /// SHA-256 of its file.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub sha256: String,
    /// Every dataset with rows of persons. One from which nothing left has the same manifest before and after.
    #[serde(deserialize_with = "bounds::list::<_, _, { bounds::DATASETS }>")]
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
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub before: String,
    /// SHA-256 of its manifest now.
    #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
    pub after: String,
    /// Rows that left it.
    pub rows: u64,
    /// Numbers that became blank, in rows that are about others too.
    pub cells: u64,
    /// Files beside its tables that left it: sealed quarantine, reports that named a child's pseudonym.
    pub files: u64,
}
