//! Samples of messages about the end of a purpose.

use minster_vault_api::{EndStatus, RemovedDataset, RemovedFiles, Request, StoreRemoval};

use crate::samples::{dataset, n, t};

pub(crate) fn end_status() -> EndStatus {
    EndStatus { proposal: t(), since: t(), removals: 1, store_lost: false, destroyed: Some(t()) }
}

fn removal() -> StoreRemoval {
    let removed = RemovedDataset {
        dataset: dataset(),
        manifest: t(),
        waiting: t(),
        rows: 1,
        snapshots: 1,
        sha256: t(),
    };
    let files = RemovedFiles { what: t(), files: 1, sha256: t() };
    StoreRemoval { datasets: vec![removed], files: vec![files], unread: 1, drafts: 1 }
}

/// Every request about it.
pub(crate) fn requests() -> Vec<Request> {
    vec![
        Request::ReadEnd { purpose: n() },
        Request::TellRemoval { purpose: n(), removal: removal() },
        Request::FinishEnd { purpose: n() },
        Request::EndCertificate { purpose: n() },
    ]
}
