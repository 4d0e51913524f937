//! The questions that callers ask of the vault.

use minster_model::{DatasetRef, KeyVersion, Kind, Purpose, Role, SourceName};
use serde::{Deserialize, Serialize};

use crate::{
    AccessCounts, Approval, BundlePart, ComparedText, Correction, DisposalReceipt, IdentifierBatch,
    InputFile, MetCounts, NewCase, PersonFacts, Proposed, Publication, QuarantineCase,
    RecordedManifest, RunManifest, SealedRunKey, Share, SignedDecisions, StoreRemoval, WrappedKey,
    bounds,
};

/// A caller's request. Each list and text in it has a bound, and a longer one is refused as the message is read.
#[derive(Serialize, Deserialize)]
pub enum Request {
    /// Opens the conversation.
    Hello {
        /// The caller's [`crate::PROTOCOL`].
        protocol: u16,
        /// The role in which it asks; its uid must hold it.
        role: Role,
        /// The program's name, for the log.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
        program: String,
    },
    /// Opens a run: which purpose and source, how many identifiers at most.
    OpenRun(RunManifest),
    /// The run's tokens for the pseudonyms of these identifiers, in their order, under the open run's purpose.
    Pseudonymise {
        /// The kind of the identifiers.
        kind: Kind,
        /// The identifiers, canonical.
        identifiers: IdentifierBatch,
    },
    /// Birth dates that stand beside identifiers which the open run asked for, so that later runs' mistyped numbers can be
    /// repaired. The vault keeps them once the run is closed.
    TellBirths {
        /// The kind of the identifiers.
        kind: Kind,
        /// The identifiers, canonical.
        identifiers: IdentifierBatch,
        /// For each its birth date, `2008-03-15`.
        born: IdentifierBatch,
    },
    /// The run's tokens of the numbers that these were before one slip, where other deliveries told exactly one of them
    /// with this birth date.
    Repair {
        /// The kind of the identifiers.
        kind: Kind,
        /// Numbers that fail their check.
        faulty: IdentifierBatch,
        /// For each the birth date beside it, `2008-03-15`.
        born: IdentifierBatch,
    },
    /// Closes the open run, which read these files: all that it was opened for.
    CloseRun(#[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<InputFile>),
    /// Leaves the open run: what it was answered gets into no dataset. The conversation goes on.
    LeaveRun,
    /// A new dataset key, and the same wrapped.
    CreateKey(DatasetRef),
    /// The dataset key that this wrapping holds, and the key of the run whose tokens the dataset holds. The last is the SHA-256
    /// of the manifest that names them: the log's newest, or no key is given.
    UnwrapKey(
        DatasetRef,
        WrappedKey,
        Option<SealedRunKey>,
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")] String,
    ),
    /// The same for a search for leaked identifiers, of whatever dataset, superseded ones too. Logged as a scan.
    ScanKey(
        DatasetRef,
        WrappedKey,
        Option<SealedRunKey>,
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")] String,
    ),
    /// The vault's state, as far as it may be told without a secret.
    Status,
    /// Purposes, key versions and check values, signed.
    Statement,
    /// The log's length and last hash, signed.
    Checkpoint,
    /// Puts a proposal before the custodians.
    Propose(Proposed),
    /// One custodian's signature under a proposal.
    Approve(Approval),
    /// Carries out what two custodians approved: all but the next two.
    Enact {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
    },
    /// The identifiers behind the pseudonyms of an approved proposal. Once.
    Reidentify {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
    },
    /// All pseudonyms of the identifier of an approved proposal. Once.
    FindSubject {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
        /// The kind of the identifier.
        kind: Kind,
        /// The identifier, canonical: the same as was proposed.
        identifiers: IdentifierBatch,
    },
    /// Begins to open a sealed quarantine: why, and which of its rows.
    BeginQuarantine(QuarantineCase),
    /// A piece of the sealed file, at most [`crate::PIECE`] bytes. All of it is sent, then [`Request::EndQuarantine`]:
    /// what it holds is counted and logged. Sent a second time, the same pieces are answered with the rows.
    QuarantinePiece(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The sealed file was sent to its end.
    EndQuarantine,
    /// Old and new pseudonyms of a purpose's identifiers, one page of them.
    Crosswalk {
        /// The purpose.
        purpose: Purpose,
        /// The version of the old ones; the new ones are the next version's.
        from: KeyVersion,
        /// The page, from 0; an empty one ends them.
        page: u32,
    },
    /// Logs a release before it can be seen, or its withdrawal.
    Publish(Publication),
    /// The list of identities that are linked by their number alone, as pseudonyms of a purpose.
    ExactOnly {
        /// The purpose.
        purpose: Purpose,
    },
    /// How many numbers are on that list.
    CountExactOnly,
    /// Whether a proposal to change that list is about exactly these numbers.
    CompareExactOnly {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
        /// The numbers, canonical, by kind.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::FEW }>")]
        numbers: Vec<(Kind, IdentifierBatch)>,
    },
    /// Logs that a reviewer is given pairs to judge, whom custodians approved.
    GiveReview {
        /// The purpose.
        purpose: Purpose,
        /// The reviewer's name.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::WORD }>")]
        reviewer: String,
        /// How many pairs.
        pairs: u64,
    },
    /// Verifies and logs a reviewer's signed decisions.
    TakeReview(SignedDecisions),
    /// A [`crate::Proof`] that the vault holds its key, as a signed note.
    Prove {
        /// The bytes that the caller drew for it.
        challenge: [u8; 32],
    },
    /// The releases of a purpose that the vault's log knows, one page of them.
    Releases {
        /// The purpose.
        purpose: Purpose,
        /// The page, from 0; an empty one ends them.
        page: u32,
    },
    /// Records the manifest of a dataset before the dataset is put in its place.
    RecordManifest {
        /// The manifest.
        manifest: RecordedManifest,
        /// SHA-256 of the manifest that it was carried over from to new keys.
        #[serde(deserialize_with = "bounds::some_text::<_, { bounds::SHORT }>")]
        carried_from: Option<String>,
    },
    /// Records the manifests of datasets that an earlier release made; each dataset's newest comes last. Once a purpose and
    /// role.
    TakeOver {
        /// The purpose.
        purpose: Purpose,
        /// The manifests; none where no dataset stands.
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::DATASETS }>")]
        manifests: Vec<RecordedManifest>,
    },
    /// The newest manifests of a purpose's datasets, one page of them.
    Manifests {
        /// The purpose.
        purpose: Purpose,
        /// The page, from 0; an empty one ends them.
        page: u32,
    },
    /// The proposals that are open.
    Proposals,
    /// Whole lines of the log, from this byte on.
    ReadLog {
        /// 0, or what the page before named as the next.
        from: u64,
    },
    /// Whether a proposal about one child is about this number.
    CompareSubject {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
        /// The number, canonical: one.
        identifiers: IdentifierBatch,
    },
    /// A custodian's share, for a vault that is locked. Such a vault answers this and [`Request::Status`] alone.
    Unlock(Share),
    /// Facts of persons in the open run's rows, for the retention schedule. Their tokens were answered in the run. The vault
    /// keeps it once the run is closed.
    TellFacts(PersonFacts),
    /// The plan of a schedule.
    PlanRetention {
        /// The purpose.
        purpose: Purpose,
        /// The schedule's text.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::PAGE }>")]
        schedule: String,
        /// The last day that counts (ISO).
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        until: String,
    },
    /// A piece of a signed disposal list, from this byte on; an empty one ends it.
    ReadDisposal {
        /// The list.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        list: String,
        /// 0, or how much was read so far.
        from: u64,
    },
    /// Records the manifest of a dataset from which a disposal list's rows were taken.
    RecordDisposed {
        /// The manifest.
        manifest: RecordedManifest,
        /// SHA-256 of the manifest before.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        carried_from: String,
        /// The list.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        list: String,
    },
    /// The signed receipt of a list that was applied, once more.
    ReadReceipt {
        /// The list.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        list: String,
    },
    /// Says that a disposal list was applied to all datasets; answered with a signed receipt.
    ReportDisposal {
        /// The purpose.
        purpose: Purpose,
        /// The outcome.
        receipt: DisposalReceipt,
    },
    /// The definitions of all purposes.
    Purposes,
    /// Opens a case of a child's rights.
    OpenCase(NewCase),
    /// The cases, one page of them.
    Cases {
        /// Whether closed ones come behind the open ones.
        all: bool,
        /// The page, from 0; an empty one ends them.
        page: u32,
    },
    /// Closes a case whose answer was sent; answered with a signed receipt.
    CloseCase {
        /// The case.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        case: String,
        /// The day (ISO) on which the answer was sent.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        answered: String,
    },
    /// The signed receipt of a case that was closed, once more.
    CaseReceipt {
        /// The case.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        case: String,
    },
    /// The children whose processing is restricted, as pseudonyms of a purpose.
    Restricted {
        /// The purpose.
        purpose: Purpose,
    },
    /// Begins to carry out a grant of access to all that is held on one child.
    BeginAccess {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
        /// The retention schedule's text: the one that the custodians signed.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::PAGE }>")]
        schedule: String,
    },
    /// Goes on in the bundle with these parts: at most [`crate::BUNDLE_PIECE`] bytes.
    WriteBundle(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<BundlePart>,
    ),
    /// Ends the bundle, and with it the grant.
    EndAccess(AccessCounts),
    /// How far the end of a purpose came, for whoever removes what the store has of it.
    ReadEnd {
        /// The purpose.
        purpose: Purpose,
    },
    /// Says what was removed from the store.
    TellRemoval {
        /// The purpose.
        purpose: Purpose,
        /// The things that were removed.
        removal: StoreRemoval,
    },
    /// Has the vault destroy what it has of a purpose whose end has begun; answered with a signed certificate.
    FinishEnd {
        /// The purpose.
        purpose: Purpose,
    },
    /// The signed certificate of a purpose that was ended, once more.
    EndCertificate {
        /// The purpose.
        purpose: Purpose,
    },
    /// How far the parts of an open disposal list came.
    DisposalParts {
        /// The list.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        list: String,
    },
    /// Begins the sealed file of a part of an open disposal list. [`Request::WriteBundle`] goes on in it.
    BeginArchive {
        /// The list.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        list: String,
        /// The part's place in the list, from 0.
        part: u32,
    },
    /// Ends the sealed file of a part.
    EndArchive(AccessCounts),
    /// The archives that stand, one page of them.
    Archives {
        /// The page, from 0; an empty one ends them.
        page: u32,
    },
    /// Begins to open an archive, as two custodians approved.
    BeginOpening {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
    },
    /// A piece of the archive's file, at most [`crate::PIECE`] bytes.
    OpenPiece(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The archive's file was sent to its end.
    EndOpening,
    /// Whether a proposal to rectify is about exactly this correction.
    CompareCorrection {
        /// The proposal.
        #[serde(deserialize_with = "bounds::text::<_, { bounds::SHORT }>")]
        proposal: String,
        /// The correction.
        correction: Correction,
    },
    /// Which corrections a source's deliveries are read with now.
    CorrectionsDigest {
        /// The purpose.
        purpose: Purpose,
        /// The source.
        source: SourceName,
    },
    /// The corrections of children whose numbers the open run asked for.
    Corrections {
        /// The kind of the identifiers.
        kind: Kind,
        /// The identifiers, canonical.
        identifiers: IdentifierBatch,
    },
    /// The run's tokens of the children whom numbers mean beside these birth dates.
    CorrectNumbers {
        /// The kind of the identifiers.
        kind: Kind,
        /// The identifiers, canonical.
        identifiers: IdentifierBatch,
        /// For each the birth date beside it, `2008-03-15`.
        born: IdentifierBatch,
    },
    /// The word of the open run's rows on corrections, by their numbers in the run. The vault keeps it once the run is
    /// closed.
    TellCorrected(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::MANY }>")] Vec<(u32, MetCounts)>,
    ),
    /// The lines of texts that tell of children whom the registries know, as counts.
    Compare(
        #[serde(deserialize_with = "bounds::list::<_, _, { bounds::SOME }>")] Vec<ComparedText>,
    ),
}
