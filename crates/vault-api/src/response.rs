//! The vault's answers.

use serde::{Deserialize, Serialize};

use crate::{
    ArchiveStatus, BegunAccess, CarriedOut, CaseStatus, CorrectedNumbers, Corrections, DataKey,
    Denial, DisposalParts, EndOrder, EndedAccess, ExactOnlyList, KnownRelease, ListedKind,
    LockedReport, LogPage, MetCounts, NewestManifests, OpenProposal, OpenedArchive,
    OpenedQuarantine, OpenedRun, QuarantineRows, Recognisable, Recognised, Reidentified,
    RestrictedList, RetentionPlan, StatusReport, SubjectPseudonym, Unlocking, Unwrapped,
    WrappedKey, bounds,
};

/// The vault's answer.
#[derive(Serialize, Deserialize)]
pub enum Response {
    /// The conversation is open.
    Welcome {
        /// The vault's [`crate::PROTOCOL`].
        protocol: u16,
    },
    /// The run is open.
    RunOpened(OpenedRun),
    /// Tokens, sixteen bytes each, in the order asked.
    Tokens(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The birth dates are taken note of.
    BirthsTold,
    /// Tokens of the repaired numbers, in the order asked.
    Repaired {
        /// Whether each was repaired.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::BATCH }>")]
        found: Vec<bool>,
        /// Sixteen bytes for each that was.
        #[serde(with = "serde_bytes")]
        tokens: Vec<u8>,
    },
    /// The run is closed, or left.
    RunClosed,
    /// A new dataset key.
    KeyCreated(DataKey, WrappedKey),
    /// The keys that open a dataset.
    KeyUnwrapped(Unwrapped),
    /// The status.
    Status(StatusReport),
    /// A signed note.
    Note(#[serde(deserialize_with = "bounds::text::<_, { bounds::WHOLE }>")] String),
    /// A proposal as custodians sign it: the exact text.
    Proposal(#[serde(deserialize_with = "bounds::text::<_, { bounds::WHOLE }>")] String),
    /// How many custodians approved so far.
    Approved {
        /// Different custodians.
        approvals: u32,
    },
    /// It was carried out.
    Enacted(CarriedOut),
    /// Identifiers, in the order of the proposal's pseudonyms.
    Identifiers(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<Reidentified>,
    ),
    /// Pseudonyms, one a purpose and version.
    Subject(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")] Vec<SubjectPseudonym>,
    ),
    /// The next piece of the sealed file may come.
    QuarantineNext,
    /// The sealed file is whole and its opening is logged.
    QuarantineOpened(OpenedQuarantine),
    /// The chosen rows in the piece.
    QuarantineRows(QuarantineRows),
    /// Old and new pseudonyms in pairs, 32 bytes each pair.
    Crosswalk(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Nothing was done.
    Denied(Denial),
    /// It is logged.
    Published {
        /// How many further persons must let the release out before it may be seen.
        missing: u32,
    },
    /// The list, as pseudonyms of the purpose.
    ExactOnly(ExactOnlyList),
    /// The reviewer may be given the pairs, or the decisions are the reviewer's; it is logged.
    ReviewLogged,
    /// Whether the numbers are the same.
    ExactOnlyCompared(bool),
    /// Its numbers, counted by kind.
    ExactOnlyCounted(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")] Vec<ListedKind>,
    ),
    /// Releases that the log knows, by period and name.
    Releases(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<KnownRelease>,
    ),
    /// The manifest is recorded.
    ManifestRecorded,
    /// The newest manifests that the log knows, by dataset.
    Manifests(NewestManifests),
    /// The proposals that are open.
    Proposals(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<OpenProposal>,
    ),
    /// Lines of the log.
    LogPage(LogPage),
    /// Whether the number is the same.
    SubjectCompared(bool),
    /// The state of a vault that is locked.
    Locked(LockedReport),
    /// The share is right.
    Unlocking(Unlocking),
    /// Tokens, as in [`Response::Tokens`]; some identifiers are of persons whose records were disposed of, and stay out.
    SomeBlocked {
        /// Sixteen bytes for each identifier; those of blocked ones mean nothing.
        #[serde(with = "serde_bytes")]
        tokens: Vec<u8>,
        /// Their places, ascending.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::BATCH }>")]
        blocked: Vec<u32>,
    },
    /// The facts are taken note of.
    FactsTold,
    /// The plan.
    RetentionPlan(RetentionPlan),
    /// A piece of a disposal list.
    DisposalPiece(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The definitions of all purposes: a JSON list of [`crate::PurposeDefinition`].
    Purposes(#[serde(deserialize_with = "bounds::text::<_, { bounds::WHOLE }>")] String),
    /// Cases; the one that was opened, alone.
    Cases(#[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<CaseStatus>),
    /// The children whose processing is restricted.
    Restricted(RestrictedList),
    /// The child, as the store's side may know it.
    AccessBegun(BegunAccess),
    /// The next bytes of the encrypted bundle; there may be none yet.
    Bundle(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The bundle is whole, and logged.
    AccessEnded(EndedAccess),
    /// The end of the purpose has begun.
    EndOrder(EndOrder),
    /// It is logged.
    RemovalTold,
    /// How far the parts of a disposal list came.
    DisposalParts(DisposalParts),
    /// The sealed file of a part is begun.
    ArchiveBegun,
    /// Archives, by purpose and name.
    Archives(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<ArchiveStatus>,
    ),
    /// The archive was opened, and it is logged.
    ArchiveOpened(OpenedArchive),
    /// Says which corrections they are, and nothing of them; empty where there is none.
    CorrectionsDigest(#[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")] String),
    /// Corrections.
    Corrections(Corrections),
    /// Tokens of the children whom the numbers mean, in the order asked.
    NumbersCorrected(CorrectedNumbers),
    /// The word of the whole delivery.
    CorrectedTold(MetCounts),
    /// The texts that ended are compared, and it is logged.
    Compared {
        /// The lines of each that tell of children, in the order in which they ended.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")]
        found: Vec<Recognised>,
        /// The parts that the registries can recognise at all.
        known: Recognisable,
    },
}
