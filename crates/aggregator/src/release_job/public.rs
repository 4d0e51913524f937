//! All releases that readers were ever given, for a folder of them: as the vault's log has them, and as they stand.

use minster_model::{Period, Purpose, TableName};
use minster_store::{KnownRelease, Release, ReleaseLog, Store};

use crate::{
    earlier_releases::{entry::Entry, known_releases::KnownReleases, ledger},
    error::AggregateError,
    publish::content,
};

/// A release that was let out.
#[derive(Debug, Clone)]
pub struct PublicRelease {
    /// Its name.
    pub name: TableName,
    /// Its period.
    pub period: Period,
    /// SHA-256 of its files.
    pub sha256: String,
    /// Its title.
    pub title: String,
    /// The titles of its tables.
    pub tables: Vec<String>,
    /// The publisher, where its definition names one.
    pub publisher: Option<String>,
    /// The contact, where its definition names one.
    pub contact: Option<String>,
    /// When it was let out (RFC 3339, UTC); none where an earlier release of the program did not write it down.
    pub let_out: Option<String>,
    /// How it stands.
    pub state: PublicState,
}

/// How a release stands that was let out.
#[derive(Debug, Clone)]
pub enum PublicState {
    /// Readers have it.
    Current(Release),
    /// It was withdrawn.
    Withdrawn {
        /// When (RFC 3339, UTC).
        on: String,
        /// The reason, which is public.
        reason: String,
    },
}

/// The releases of a purpose, and what of the ledger is not among them.
#[derive(Debug, Clone)]
pub struct PublicReleases {
    /// By name; the latest period of each first.
    pub releases: Vec<PublicRelease>,
    /// Entries of the ledger that the vault's log of this purpose does not have.
    pub not_in_log: usize,
}

/// Every release of a purpose that was let out, withdrawn or not. The vault's log says which; the ledger says what they are.
/// The caller holds the run lock.
///
/// # Errors
/// [`AggregateError::LedgerLacks`] where the ledger lacks one; [`AggregateError::Report`] where one was let out, or withdrawn,
/// and that was not finished.
pub fn public_releases(
    store: &Store,
    (period, purpose): (&Period, &Purpose),
    vault: &mut dyn ReleaseLog,
) -> Result<PublicReleases, AggregateError> {
    let known = KnownReleases::compare(store, (period, purpose), vault)?;
    known.in_ledger(store)?;
    let mut all = PublicReleases { releases: Vec::new(), not_in_log: 0 };
    for period in store.ledger_periods()? {
        for entry in ledger::read(store, &period)? {
            match known.named(&entry) {
                None => all.not_in_log += 1,
                Some(of) => all.releases.push(PublicRelease::new(store, entry, of)?),
            }
        }
    }
    let place = |of: &PublicRelease| {
        let at = of.let_out.clone().unwrap_or_default();
        (of.name.clone(), std::cmp::Reverse((of.period.clone(), at)), of.sha256.clone())
    };
    all.releases.sort_by_key(place);
    Ok(all)
}

impl PublicRelease {
    fn new(store: &Store, entry: Entry, known: &KnownRelease) -> Result<Self, AggregateError> {
        let (name, period) = (entry.definition.name.clone(), entry.period.clone());
        let unfinished = |what: &str, command: &str| {
            AggregateError::Report(format!(
                "{name} of {period} {what}; run `minster {command} {name} --period {period}` again, then this"
            ))
        };
        let state = match &entry.withdrawn {
            Some(withdrawal) => PublicState::Withdrawn {
                on: withdrawal.by.at.clone(),
                reason: withdrawal.reason.clone(),
            },
            None if known.withdrawn => {
                let what = "is withdrawn in the vault's log, and the ledger does not say so: a program was stopped";
                return Err(unfinished(what, "withdraw"));
            }
            None => {
                let release = ledger::release_of(store, &entry);
                let what = "was let out, and its folder is not in the store";
                PublicState::Current(release.ok_or_else(|| unfinished(what, "release"))?)
            }
        };
        let Entry { definition, sha256, let_out, .. } = entry;
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Self {
            title: content::title(&definition),
            tables: definition.tables.iter().map(content::table_title).collect(),
            publisher: some(definition.publisher),
            contact: some(definition.contact),
            let_out: let_out.map(|of| of.by.at),
            name,
            period,
            sha256,
            state,
        })
    }
}
