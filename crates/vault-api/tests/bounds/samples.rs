//! One message of each kind, with no list empty and nothing left out.

use std::str::FromStr;

use minster_model::{
    Audience, DatasetClass, DatasetRef, KeyVersion, Kind, Pseudonym, Purpose, Role, policy::Zeros,
};
use minster_vault_api::{
    AccessCounts, AccessPurpose, Approval, BegunAccess, BrokenPromise, BundlePart, CarriedOut,
    CaseCounts, CaseDecision, ComparedText, DangerousRoles, DataKey, DeliveryCount, Denial,
    DisposalCounts, DisposalReceipt, DisposedDataset, DueCount, EndOrder, EndedAccess,
    ExactOnlyList, Floors, Ground, HeldCount, IdentifierBatch, InputFile, KnownRelease, ListChange,
    ListChanged, ListedKind, ListedPseudonyms, LockedReport, LogPage, ManifestFault, NamedFile,
    NewestManifests, Notice, OpenProposal, OpenedQuarantine, OpenedRun, PersonFacts, Previews,
    Proposed, ProposedAction, Publication, Publishing, PurposeStatus, QuarantineCase,
    QuarantineRows, ReadColumns, Recognisable, Recognised, RecordedManifest, Reidentified,
    ReleaseRules, Request, Response, RestrictedList, RetentionPlan, RoleGrant, RunKey, RunManifest,
    SealedRunKey, Share, ShareKind, SignedDecisions, StandingHold, StatusReport, SubjectPseudonym,
    TextToken, Token, ToldDate, UndeterminedCount, Unlocking, Unwrapped, VersionStatus, WrappedKey,
};

use crate::{
    cases::{case_status, new_case},
    ending::end_status,
};

/// A text.
pub(crate) fn t() -> String {
    "ab".into()
}

/// A name.
pub(crate) fn n<T: FromStr>() -> T {
    match "ab".parse() {
        Ok(name) => name,
        Err(_) => panic!("ab is a name"),
    }
}

fn kind() -> Kind {
    n()
}

fn purpose() -> Purpose {
    n()
}

pub(crate) fn batch() -> IdentifierBatch {
    let mut batch = IdentifierBatch::default();
    batch.push(b"first");
    batch
}

pub(crate) fn dataset() -> DatasetRef {
    DatasetRef { class: DatasetClass::Source, name: n(), period: n(), purpose: n() }
}

fn manifest() -> RecordedManifest {
    RecordedManifest { dataset: dataset(), sha256: t() }
}

fn input() -> InputFile {
    InputFile { name: t(), sha256: t(), bytes: 1 }
}

fn facts() -> PersonFacts {
    let mut facts = PersonFacts::new(jiff::civil::Date::constant(2024, 9, 1));
    let token = [Token::from_bytes([1; Token::LEN])];
    facts.push(Some("ab"), &token, &[], [("ab", ToldDate::Open)].into_iter()).unwrap();
    facts
}

fn compared() -> ComparedText {
    let mut text = ComparedText::default();
    text.push(TextToken::Word("x"));
    text
}

fn publication() -> Publication {
    let rules = ReleaseRules {
        threshold: 5,
        zeros: Zeros::Published,
        insider: 1,
        p_percent: Some(10),
        method: t(),
    };
    Publication {
        purpose: n(),
        release: n(),
        period: n(),
        sha256: t(),
        what: Publishing::LetOut,
        rules: Some(rules),
        entry: Some(t()),
        audience: Some(Audience::Public),
    }
}

fn receipt() -> DisposalReceipt {
    let dataset = DisposedDataset {
        dataset: dataset(),
        before: t(),
        after: t(),
        rows: 1,
        cells: 1,
        files: 1,
    };
    DisposalReceipt {
        list: t(),
        sha256: t(),
        datasets: vec![dataset],
        shredded: 1,
        snapshots: 1,
        shared_ids: 1,
    }
}

fn pseudonym() -> Pseudonym {
    Pseudonym::from_bytes([7; 16])
}

/// Every action that is proposed.
pub(crate) fn actions() -> Vec<ProposedAction> {
    vec![
        ProposedAction::Purpose(t()),
        ProposedAction::Load { purpose: n(), source: n(), ceiling: 1 },
        ProposedAction::Resume { purpose: n() },
        ProposedAction::EndPurpose { purpose: n(), early: false, store_lost: false },
        ProposedAction::OpenArchive { archive: t(), person: Some((n(), batch())), recipient: t() },
        ProposedAction::Custodians(vec![(t(), t())]),
        ProposedAction::Reidentify { purpose: n(), pseudonyms: vec![pseudonym()] },
        ProposedAction::Subject { kind: n(), identifier: batch() },
        ProposedAction::Reviewers { purpose: n(), reviewers: vec![(t(), t())] },
        ProposedAction::Rotate { purpose: n() },
        ProposedAction::Retire { purpose: n(), version: KeyVersion(1), give_up: vec![t()] },
        ProposedAction::ExactOnly { change: ListChange::Add, numbers: vec![(n(), batch())] },
        ProposedAction::Snapshot { dataset: dataset(), sha256: Some(t()) },
        ProposedAction::ForgetRelease { purpose: n(), release: n(), period: n(), sha256: t() },
        ProposedAction::Hold { kind: n(), identifier: batch() },
        ProposedAction::Moratorium { category: t(), ordered_by: t(), schedule: t() },
        ProposedAction::LiftHold { hold: t() },
        ProposedAction::Grant { role: Role::Auditor, uid: 1, until: Some(t()) },
        ProposedAction::Revoke { role: Role::Auditor, uid: 1 },
        ProposedAction::Access { kind: n(), identifier: batch(), recipient: t(), schedule: t() },
        ProposedAction::Dispose { purpose: n(), schedule: t(), until: t() },
        ProposedAction::Case {
            case: t(),
            decision: CaseDecision::Refuse(Ground::Research),
            schedule: Some(t()),
        },
        ProposedAction::WithdrawCase { case: t() },
    ]
}

/// Every request.
pub(crate) fn requests() -> Vec<Request> {
    let run = RunManifest {
        run: n(),
        purpose: n(),
        source: n(),
        period: n(),
        inputs: vec![NamedFile { name: t(), bytes: 1 }],
        ceiling: 1,
        reads: vec![ReadColumns { table: n(), columns: vec![n()] }],
    };
    let (wrapped, sealed) = (WrappedKey(t()), Some(SealedRunKey(t())));
    let approval = Approval { proposal: t(), custodian: t(), signature: vec![1] };
    let case = QuarantineCase { reference: t(), reason: t(), chosen: Some(vec![1]) };
    let decisions = SignedDecisions {
        purpose: n(),
        reviewer: t(),
        sha256: t(),
        signature: vec![1],
        decisions: 1,
    };
    let mut all = vec![
        Request::Hello { protocol: 1, role: Role::Ingest, program: t() },
        Request::OpenRun(run),
        Request::Pseudonymise { kind: n(), identifiers: batch() },
        Request::TellBirths { kind: n(), identifiers: batch(), born: batch() },
        Request::Repair { kind: n(), faulty: batch(), born: batch() },
        Request::CloseRun(vec![input()]),
        Request::LeaveRun,
        Request::CreateKey(dataset()),
        Request::UnwrapKey(dataset(), wrapped.clone(), sealed.clone(), t()),
        Request::ScanKey(dataset(), wrapped, sealed, t()),
        Request::Status,
        Request::Statement,
        Request::Checkpoint,
        Request::Approve(approval),
        Request::Enact { proposal: t() },
        Request::Reidentify { proposal: t() },
        Request::FindSubject { proposal: t(), kind: n(), identifiers: batch() },
        Request::BeginQuarantine(case),
        Request::QuarantinePiece(vec![1]),
        Request::EndQuarantine,
        Request::Crosswalk { purpose: n(), from: KeyVersion(1), page: 0 },
        Request::Publish(publication()),
        Request::ExactOnly { purpose: n() },
        Request::CountExactOnly,
        Request::CompareExactOnly { proposal: t(), numbers: vec![(n(), batch())] },
        Request::GiveReview { purpose: n(), reviewer: t(), pairs: 1 },
        Request::TakeReview(decisions),
        Request::Prove { challenge: [1; 32] },
        Request::Releases { purpose: n(), page: 0 },
        Request::RecordManifest { manifest: manifest(), carried_from: Some(t()) },
        Request::TakeOver { purpose: n(), manifests: vec![manifest()] },
        Request::Manifests { purpose: n(), page: 0 },
        Request::Proposals,
        Request::ReadLog { from: 0 },
        Request::CompareSubject { proposal: t(), identifiers: batch() },
        Request::Unlock(Share::new("ab")),
        Request::TellFacts(facts()),
        Request::Compare(vec![compared()]),
        Request::PlanRetention { purpose: n(), schedule: t(), until: t() },
        Request::ReadDisposal { list: t(), from: 0 },
        Request::RecordDisposed { manifest: manifest(), carried_from: t(), list: t() },
        Request::ReadReceipt { list: t() },
        Request::ReportDisposal { purpose: n(), receipt: receipt() },
        Request::Purposes,
        Request::OpenCase(new_case()),
        Request::Cases { all: true, page: 0 },
        Request::CloseCase { case: t(), answered: t() },
        Request::CaseReceipt { case: t() },
        Request::Restricted { purpose: n() },
        Request::BeginAccess { proposal: t(), schedule: t() },
        Request::WriteBundle(vec![BundlePart::File(t())]),
        Request::WriteBundle(vec![BundlePart::Text(vec![1])]),
        Request::EndAccess(AccessCounts { datasets: 1, rows: 1 }),
    ];
    all.extend(actions().into_iter().map(|action| {
        Request::Propose(Proposed { action, reference: t(), reason: t(), expires: t() })
    }));
    all
}

fn floors() -> Floors {
    Floors {
        threshold: Some(1),
        zeros: Some(Zeros::Unsafe),
        insider: Some(1),
        p_percent: Some(1),
        methods: vec![t()],
        previews: Previews::Shapes,
    }
}

fn purpose_status() -> PurposeStatus {
    PurposeStatus {
        purpose: n(),
        key_version: KeyVersion(1),
        key_check: t(),
        versions: vec![VersionStatus { version: KeyVersion(1), key_check: t(), retired: false }],
        expires: Some(t()),
        expired: false,
        stopped: false,
        identifiers: 1,
        today: 1,
        budget: (1, 1),
        repairs_today: 1,
        repair_budget: (1, 1),
        households: false,
        floors: Some(floors()),
        end: Some(end_status()),
    }
}

fn status() -> StatusReport {
    StatusReport {
        store_id: t(),
        custody: t(),
        custody_generation: 1,
        recipient: t(),
        verifier: t(),
        custodians: vec![t()],
        purposes: vec![purpose_status()],
        log_entries: 1,
        log_head: t(),
        checkpointed: 1,
        open_proposals: 1,
        cases: CaseCounts {
            open: 1,
            overdue: 1,
            least_days_left: Some(-1),
            restrictions: 1,
            corrections: 1,
        },
        hardening: t(),
        restorations: 1,
        dangerous_roles: vec![DangerousRoles { uid: 1, one: Role::Ingest, other: Role::Linker }],
        roles: vec![RoleGrant { role: Role::Auditor, uid: 1, until: Some(t()) }],
        roles_file_ignored: false,
        single_user: false,
        custodian_accounts_missing: 0,
        checkpoint_age: Some(1),
    }
}

fn plan() -> RetentionPlan {
    let due = || vec![DueCount { category: t(), period: t(), persons: Some(9) }];
    let hold = StandingHold {
        hold: t(),
        category: Some(t()),
        ordered_by: Some(t()),
        reference: t(),
        since: t(),
        is_known: true,
    };
    RetentionPlan {
        purpose: n(),
        until: t(),
        schedule_sha256: t(),
        due: Some(9),
        due_by_month: due(),
        due_by_delivery: vec![DeliveryCount { delivery: t(), persons: Some(9) }],
        undetermined: vec![UndeterminedCount { category: t(), missing: t(), persons: Some(9) }],
        held: vec![HeldCount { by: t(), persons: Some(9) }],
        forecast: due(),
        unscheduled: Some(9),
        without_evidence: vec![t()],
        holds: vec![hold],
    }
}

/// Every answer.
pub(crate) fn responses() -> Vec<Response> {
    let opened = OpenedRun {
        key_version: KeyVersion(1),
        key_check: t(),
        ceiling: 1,
        repairs: 1,
        recipient: t(),
        run_key: SealedRunKey(t()),
    };
    let unwrapped =
        Unwrapped { key: DataKey::from_bytes([1; 32]), run: Some(RunKey::from_bytes([1; 16])) };
    let released =
        KnownRelease { release: n(), period: n(), sha256: t(), entry: Some(t()), withdrawn: false };
    let listed = ExactOnlyList {
        numbers: 1,
        digest: t(),
        versions: vec![ListedPseudonyms { version: KeyVersion(1), bytes: vec![1; 16] }],
    };
    let proposal = OpenProposal {
        proposal: t(),
        action: t(),
        purpose: Some(n()),
        count: 1,
        reference: t(),
        requester: Some(1),
        made: t(),
        expires: t(),
        days_left: 1,
        signed: vec![t()],
        missing: 1,
        may_sign: vec![t()],
    };
    let locked = LockedReport {
        custody: t(),
        share: ShareKind::Pin,
        needed: 1,
        given_by: vec![1000],
        wrong: 1,
        single_user: false,
    };
    let reidentified = Reidentified { pseudonym: pseudonym(), found: Some((kind(), batch())) };
    let subject = SubjectPseudonym {
        purpose: purpose(),
        version: KeyVersion(1),
        pseudonym: pseudonym(),
        answered: true,
    };
    let disposed = DisposalCounts { persons: 1, numbers: 1, beside: 1, no_longer_due: 1 };
    let mut all = vec![
        Response::Welcome { protocol: 1 },
        Response::RunOpened(opened),
        Response::Tokens(vec![1]),
        Response::BirthsTold,
        Response::Repaired { found: vec![true], tokens: vec![1] },
        Response::RunClosed,
        Response::KeyCreated(DataKey::from_bytes([1; 32]), WrappedKey(t())),
        Response::KeyUnwrapped(unwrapped),
        Response::Status(status()),
        Response::Note(t()),
        Response::EndOrder(EndOrder { end: end_status(), releases: 1 }),
        Response::RemovalTold,
        Response::Proposal(t()),
        Response::Approved { approvals: 1 },
        Response::Enacted(CarriedOut::Done),
        Response::Enacted(CarriedOut::ListChanged(ListChanged {
            added: 1,
            removed: 1,
            numbers: 1,
        })),
        Response::Enacted(CarriedOut::Disposed(disposed)),
        Response::Identifiers(vec![reidentified]),
        Response::Subject(vec![subject]),
        Response::QuarantineNext,
        Response::QuarantineOpened(OpenedQuarantine { sha256: t(), rows: 1, chosen: 1 }),
        Response::QuarantineRows(QuarantineRows(vec![1])),
        Response::Crosswalk(vec![1]),
        Response::Published { missing: 1 },
        Response::ExactOnly(listed),
        Response::ReviewLogged,
        Response::ExactOnlyCompared(true),
        Response::ExactOnlyCounted(vec![ListedKind { kind: n(), numbers: 1 }]),
        Response::Releases(vec![released]),
        Response::ManifestRecorded,
        Response::Manifests(NewestManifests { newest: vec![manifest()], due: vec![dataset()] }),
        Response::Proposals(vec![proposal]),
        Response::LogPage(LogPage { lines: vec![1], next: 1 }),
        Response::SubjectCompared(true),
        Response::Compared { found: vec![Recognised::default()], known: Recognisable::default() },
        Response::Locked(locked),
        Response::Unlocking(Unlocking { given: 1, needed: 1 }),
        Response::SomeBlocked { tokens: vec![1], blocked: vec![1000] },
        Response::FactsTold,
        Response::RetentionPlan(plan()),
        Response::DisposalPiece(vec![1]),
        Response::Purposes(t()),
        Response::Cases(vec![case_status()]),
        Response::Restricted(RestrictedList {
            digest: t(),
            versions: vec![ListedPseudonyms { version: KeyVersion(1), bytes: vec![1; 16] }],
        }),
        Response::AccessBegun(BegunAccess {
            purposes: vec![AccessPurpose { purpose: n(), pseudonyms: vec![pseudonym()] }],
            closed: vec![n()],
            child_kinds: vec![n()],
            own_kinds: vec![n()],
        }),
        Response::Bundle(vec![1]),
        Response::AccessEnded(EndedAccess { bytes: vec![1], sha256: t() }),
    ];
    all.extend(denials().into_iter().map(Response::Denied));
    all
}

fn promise() -> BrokenPromise {
    BrokenPromise(Some(Notice { version: 1, day: t(), sentence: t() }))
}

/// Every denial.
pub(crate) fn denials() -> Vec<Denial> {
    let (uid, role, version) = (1, Role::Ingest, KeyVersion(1));
    let fault = ManifestFault::Unknown;
    vec![
        Denial::Protocol { vault: 1 },
        Denial::NotInRole { uid, role },
        Denial::RoleForbids { role, what: t() },
        Denial::NoSuchPurpose { purpose: n() },
        Denial::SourceNotAllowed { purpose: n(), source_name: n(), promise: promise() },
        Denial::OutsidePurpose { purpose: n(), what: t(), promise: promise() },
        Denial::AudienceNotAllowed { purpose: n(), audience: Audience::Public, promise: promise() },
        Denial::PurposeForbids { purpose: n(), role, promise: promise() },
        Denial::WeakRules { purpose: n(), what: t() },
        Denial::OverBudget { ceiling: 1 },
        Denial::OverParts { purpose: n(), budget: 1 },
        Denial::OverDay { purpose: n(), budget: 1 },
        Denial::OverRepairs { purpose: n(), budget: 1, whose: t() },
        Denial::Probing { purpose: n(), rule: t() },
        Denial::Retired { purpose: n(), version },
        Denial::Proposal { what: t(), why: t() },
        Denial::Quarantine { why: t() },
        Denial::Review { why: t() },
        Denial::OutOfOrder { what: t() },
        Denial::WrongWrapping { dataset: dataset() },
        Denial::LogUnwritable,
        Denial::Fault { what: t() },
        Denial::NoHouseholds { purpose: n(), kind: n() },
        Denial::KindNotAllowed { purpose: n(), kind: n() },
        Denial::Stranger { uid },
        Denial::BrokenCrosswalk { purpose: n(), from: version, page: 1 },
        Denial::NoPlace { uid, places: 1 },
        Denial::OtherManifest { dataset: dataset(), fault },
        Denial::NotRecorded { dataset: dataset(), why: t() },
        Denial::Locked { given: 1, needed: 1 },
        Denial::Share { why: t() },
        Denial::WrongShare { why: t() },
        Denial::Case { what: t(), why: t() },
        Denial::RestrictionPending { period: n() },
        Denial::PurposeEnded { purpose: n(), on: t() },
        Denial::OverComparisons { budget: 1 },
    ]
}
