//! Samples of messages about cases of children's rights, and about corrections.

use minster_vault_api::{
    CaseOutcome, CaseStatus, CorrectedCell, CorrectedNumbers, CorrectedValue, Correction,
    Corrections, Ground, LastMet, MetCounts, NewCase, Proposed, ProposedAction, Request, Response,
    Right, Turn, WrongNumber, WrongValue,
};

use crate::samples::{batch, n, t};

pub(crate) fn new_case() -> NewCase {
    NewCase {
        right: Right::Erasure,
        purpose: n(),
        received: t(),
        reference: t(),
        kind: n(),
        identifier: batch(),
    }
}

pub(crate) fn case_status() -> CaseStatus {
    CaseStatus {
        case: t(),
        reference: t(),
        right: Right::Erasure,
        purpose: n(),
        received: t(),
        due: t(),
        extended: true,
        days_left: Some(1),
        turn: Some(Turn::Answer),
        about: Some(t()),
        outcome: Some(CaseOutcome::Refused),
        ground: Some(Ground::Research),
        restricts: true,
        corrects: true,
        met: vec![LastMet { source: n(), run: n(), day: t(), counts: met() }],
        answered: Some(t()),
    }
}

fn met() -> MetCounts {
    MetCounts { old: 1, right: 1, third: 1 }
}

fn cell() -> CorrectedCell {
    CorrectedCell { column: t(), old: t(), new: t(), rows: vec![(t(), t())] }
}

fn correction() -> Correction {
    Correction {
        from: t(),
        origin: t(),
        number: batch(),
        numbers: vec![WrongNumber { source: n(), wrong: batch(), born: Some(t()) }],
        values: vec![WrongValue { source: n(), table: n(), cell: cell() }],
    }
}

/// The proposed correction.
pub(crate) fn action() -> ProposedAction {
    ProposedAction::Rectify { case: t(), correction: correction() }
}

/// Every request about a correction.
pub(crate) fn requests() -> Vec<Request> {
    vec![
        Request::CompareCorrection { proposal: t(), correction: correction() },
        Request::CorrectionsDigest { purpose: n(), source: n() },
        Request::Corrections { kind: n(), identifiers: batch() },
        Request::CorrectNumbers { kind: n(), identifiers: batch(), born: batch() },
        Request::TellCorrected(vec![(1, met())]),
        Request::Propose(Proposed { action: action(), reference: t(), reason: t(), expires: t() }),
    ]
}

fn value() -> CorrectedValue {
    CorrectedValue { place: 1, correction: 1, table: n(), cell: cell() }
}

/// Every answer about a correction.
pub(crate) fn responses() -> Vec<Response> {
    vec![
        Response::CorrectionsDigest(t()),
        Response::Corrections(Corrections { beside: vec![1000], values: vec![value()] }),
        Response::NumbersCorrected(CorrectedNumbers {
            found: vec![true],
            tokens: vec![1],
            blocked: vec![1000],
            values: vec![value()],
        }),
        Response::CorrectedTold(met()),
    ]
}
