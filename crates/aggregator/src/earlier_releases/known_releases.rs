//! The ledger beside the vault's log. A user who may write into the store can take an entry out of the ledger, or change it;
//! the log has the hash of each, and nobody can take that away. A ledger that lacks a release protects nothing beside it.

use std::collections::BTreeSet;

use minster_model::{Period, Purpose, TableName};
use minster_store::{KnownRelease, ReleaseLog, Store, StoreError, sha256_hex};

use crate::{
    earlier_releases::{entry::Entry, ledger},
    error::AggregateError,
};

/// Releases that the message names; of further ones it gives the number.
const NAMED: usize = 5;

/// The releases of a purpose that the log knows, and those of them that the ledger lacks.
pub(crate) struct KnownReleases {
    known: Vec<KnownRelease>,
    lacking: Vec<KnownRelease>,
}

impl KnownReleases {
    /// Asks the log, finishes what a stopped program was entering, and compares. The caller holds the run lock.
    pub(crate) fn compare(
        store: &Store,
        (period, purpose): (&Period, &Purpose),
        vault: &mut dyn ReleaseLog,
    ) -> Result<Self, AggregateError> {
        let known = vault.releases(purpose).map_err(StoreError::from)?;
        let mut periods: BTreeSet<&Period> = known.iter().map(|of| &of.period).collect();
        periods.insert(period);
        let mut lacking = Vec::new();
        for period in periods {
            let of_period: Vec<&KnownRelease> =
                known.iter().filter(|of| of.period == *period).collect();
            finish(store, (period, purpose), &of_period)?;
            let entries = ledger::read(store, period)?;
            let is_lacking = |of: &&KnownRelease| !entries.iter().any(|entry| tells(entry, of));
            lacking.extend(of_period.into_iter().filter(is_lacking).cloned());
        }
        Ok(Self { known, lacking })
    }

    /// Refuses to go on with a ledger that lacks anything.
    ///
    /// # Errors
    /// [`AggregateError::LedgerLacks`].
    pub(crate) fn in_ledger(&self, store: &Store) -> Result<(), AggregateError> {
        self.in_ledger_but(store, |_| false)
    }

    /// The same, where these are about to be entered.
    pub(crate) fn in_ledger_but(
        &self,
        store: &Store,
        entered_next: impl Fn(&KnownRelease) -> bool,
    ) -> Result<(), AggregateError> {
        let lacking = self.lacking.iter().filter(|of| !entered_next(of));
        let names: Vec<String> =
            lacking.map(|of| format!("{} of {}", of.release, of.period)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut releases = names[..names.len().min(NAMED)].join(", ");
        if names.len() > NAMED {
            releases += &format!(" and {} more", names.len() - NAMED);
        }
        Err(AggregateError::LedgerLacks { path: store.root().join("ledger"), releases })
    }

    /// Whether the ledger lacks a release of this name.
    pub(crate) fn lacks(&self, name: &TableName, period: &Period) -> bool {
        self.lacking.iter().any(|of| of.release == *name && of.period == *period)
    }

    /// The log's words on the release of an entry; none where the log does not have it.
    pub(crate) fn named(&self, entry: &Entry) -> Option<&KnownRelease> {
        let is_its = |of: &&KnownRelease| {
            (&of.release, &of.period, &of.sha256)
                == (&entry.definition.name, &entry.period, &entry.sha256)
        };
        self.known.iter().find(is_its)
    }

    /// Whether the log has a release as withdrawn that the ledger has not.
    pub(crate) fn withdrew(&self, standing: &Entry) -> bool {
        standing.withdrawn.is_none()
            && self.known.iter().any(|of| of.withdrawn && tells(standing, of))
    }
}

/// Whether an entry is that of a release, as it was written when the release was let out.
fn tells(entry: &Entry, of: &KnownRelease) -> bool {
    entry.definition.name == of.release
        && entry.period == of.period
        && entry.sha256 == of.sha256
        && of.entry.as_ref().is_none_or(|sha256| *sha256 == entry.recorded_sha256)
}

/// Enters what the log has by now, of a program that was stopped between the log and the ledger. An entry that the log has not, was
/// never let out.
fn finish(
    store: &Store,
    (period, purpose): (&Period, &Purpose),
    known: &[&KnownRelease],
) -> Result<(), AggregateError> {
    for (waiting, bytes) in store.next_entries(period)? {
        // The log of this purpose knows nothing of another's.
        let Some(file) = of_purpose(&waiting, purpose) else { continue };
        let sha256 = sha256_hex(&bytes);
        if known.iter().any(|of| of.entry.as_deref() == Some(sha256.as_str())) {
            store.enter(period, file, &bytes)?;
        }
        store.forget_next_entry(period, &waiting)?;
    }
    Ok(())
}

/// The name under which an entry waits until the log has it: a purpose has no dot in its name.
pub(crate) fn waiting(file: &str, purpose: &Purpose) -> String {
    format!("{purpose}.{file}")
}

fn of_purpose<'a>(waiting: &'a str, purpose: &Purpose) -> Option<&'a str> {
    waiting.split_once('.').filter(|(of, _)| *of == purpose.as_str()).map(|(_, file)| file)
}
