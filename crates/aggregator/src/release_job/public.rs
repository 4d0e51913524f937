//! All releases that readers were ever given, for a folder of them: as the vault's log has them, and as they stand.

use minster_model::{Period, Purpose, TableName};
use minster_store::{KnownRelease, Release, ReleaseLog, Store};

use crate::{
    earlier_releases::{
        entry::{Entry, WITHDRAWN, Withdrawal},
        known_releases::KnownReleases,
        ledger,
    },
    error::AggregateError,
    publish::content,
    release_job::commands::check_reason,
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
    /// The way in which the store differs from the vault's log, and what to do.
    pub fault: Option<String>,
}

/// How a release stands that was let out.
#[derive(Debug, Clone)]
pub enum PublicState {
    /// Readers have it.
    Current(Release),
    /// It was withdrawn, by the vault's log.
    Withdrawn {
        /// When (RFC 3339, UTC); none where the ledger does not say.
        on: Option<String>,
        /// The reason, which is public; none where the ledger does not say, or not so that it may be shown.
        reason: Option<String>,
    },
    /// It cannot be shown: [`PublicRelease::fault`] says why.
    NotShown,
}

/// The releases of a purpose, and what of the ledger is not among them.
#[derive(Debug, Clone)]
pub struct PublicReleases {
    /// By name; the latest period of each first.
    pub releases: Vec<PublicRelease>,
    /// Entries of the ledger that the vault's log of this purpose does not have.
    pub not_in_log: usize,
    /// Entries of releases of which the log has another, newer entry: the releases were let out again, or someone wrote these.
    pub earlier: usize,
}

/// Every release of a purpose that was let out, withdrawn or not. The vault's log says which, and whether it was withdrawn; the
/// ledger says what they are. Where the two differ, the log is believed and the release has a fault, so that one that is damaged
/// keeps no withdrawn one before readers. The caller holds the run lock.
///
/// # Errors
/// Those of the ledger and the vault.
pub fn public_releases(
    store: &Store,
    (period, purpose): (&Period, &Purpose),
    vault: &mut dyn ReleaseLog,
) -> Result<PublicReleases, AggregateError> {
    let known = KnownReleases::compare(store, (period, purpose), vault)?;
    let lacking = known.lacking().iter().map(PublicRelease::lacking).collect();
    let mut all = PublicReleases { releases: lacking, not_in_log: 0, earlier: 0 };
    for period in store.ledger_periods()? {
        for entry in ledger::read(store, &period)? {
            match known.named(&entry) {
                Some(of) => all.releases.push(PublicRelease::new(store, entry, of)),
                None if known.has_another(&entry) => all.earlier += 1,
                None => all.not_in_log += 1,
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
    fn new(store: &Store, entry: Entry, known: &KnownRelease) -> Self {
        let (state, fault) = state(store, &entry, known);
        let Entry { definition, period, sha256, let_out, .. } = entry;
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            title: content::title(&definition),
            tables: definition.tables.iter().map(content::table_title).collect(),
            publisher: some(definition.publisher),
            contact: some(definition.contact),
            let_out: let_out.map(|of| of.by.at),
            name: definition.name,
            period,
            sha256,
            state,
            fault,
        }
    }

    /// A release that the log has and the ledger has not: its name and period are all that is known of it.
    fn lacking(of: &KnownRelease) -> Self {
        let state = match of.withdrawn {
            true => PublicState::Withdrawn { on: None, reason: None },
            false => PublicState::NotShown,
        };
        Self {
            name: of.release.clone(),
            period: of.period.clone(),
            sha256: of.sha256.clone(),
            title: of.release.to_string(),
            tables: Vec::new(),
            publisher: None,
            contact: None,
            let_out: None,
            state,
            fault: Some(
                "the ledger lacks what the vault's log says was let out; bring the ledger back from a copy"
                    .to_owned(),
            ),
        }
    }
}

/// How the release of an entry stands. The log says whether it was withdrawn; of that the ledger adds day and reason.
fn state(store: &Store, entry: &Entry, known: &KnownRelease) -> (PublicState, Option<String>) {
    let (name, period) = (&entry.definition.name, &entry.period);
    let again = |command: &str| {
        format!("run `minster {command} {name} --period {period}` again, then this")
    };
    match (&entry.withdrawn, known.withdrawn) {
        (Some(Withdrawal { by, reason, .. }), true) => {
            let unfit = check_reason(reason).err();
            let reason = unfit.is_none().then(|| reason.clone());
            // The log has no hash of a withdrawal's entry: no word of it but the reason comes to readers.
            let of_time = |letter: char| letter.is_ascii_digit() || "T:-.+Z".contains(letter);
            let on = Some(by.at.clone()).filter(|at| at.len() < 40 && at.chars().all(of_time));
            let fault = unfit.map(|why| {
                format!("the reason of its withdrawal in the ledger is none that `minster withdraw` takes: {why}")
            });
            (PublicState::Withdrawn { on, reason }, fault)
        }
        (None, true) => {
            let fault = format!(
                "it is withdrawn in the vault's log, and the ledger does not say so: a program was stopped; {}",
                again("withdraw")
            );
            (PublicState::Withdrawn { on: None, reason: None }, Some(fault))
        }
        (withdrawn, false) => {
            let forged = withdrawn.as_ref().map(|_| {
                format!("the ledger has a withdrawal that the vault's log does not have, which is not believed: remove ledger/{period}/{}{WITHDRAWN}.json, and find who wrote it", entry.file)
            });
            match ledger::release_of(store, entry) {
                Some(release) => (PublicState::Current(release), forged),
                None => {
                    let gone = format!(
                        "it was let out, and its folder is not in the store; {}",
                        again("release")
                    );
                    (PublicState::NotShown, Some(forged.unwrap_or(gone)))
                }
            }
        }
    }
}
