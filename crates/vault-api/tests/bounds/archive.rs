//! Samples of messages about sealed archives.

use minster_vault_api::{
    AccessCounts, ArchiveStatus, ArchivedCount, DisposalParts, MadePart, OpenedArchive, Request,
    Response,
};

use crate::samples::{n, t};

/// Every request about them.
pub(crate) fn requests() -> Vec<Request> {
    vec![
        Request::DisposalParts { list: t() },
        Request::BeginArchive { list: t(), part: 1 },
        Request::EndArchive(AccessCounts { datasets: 1, rows: 1 }),
        Request::Archives { page: 1 },
        Request::BeginOpening { proposal: t() },
        Request::OpenPiece(vec![1]),
        Request::EndOpening,
    ]
}

/// Every response.
pub(crate) fn responses() -> Vec<Response> {
    let made = MadePart { sha256: t(), bytes: 1, rows: 1, datasets: 1 };
    let archive = ArchiveStatus {
        archive: t(),
        purpose: n(),
        since: t(),
        persons: vec![ArchivedCount { category: t(), persons: Some(9) }],
        sha256: Some(t()),
        opened: 1,
    };
    let opened = OpenedArchive { bytes: vec![1], sha256: t(), rows: 1, numbers: 1 };
    vec![
        Response::DisposalParts(DisposalParts { made: vec![Some(made)], has_begun: true }),
        Response::ArchiveBegun,
        Response::Archives(vec![archive]),
        Response::ArchiveOpened(opened),
    ]
}
