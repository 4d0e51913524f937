//! The ledger beside the vault's log: what the log knows, the ledger has, or nothing is drafted or let out.

use std::{cell::RefCell, collections::BTreeMap, fs, path::PathBuf};

use minster_aggregator::{AggregateError, Job, Outcome, ReleaseReport, draft, let_out, withdraw};
use minster_model::{Audience, DatasetRef, Purpose};
use minster_store::{DatasetKeys, Floors, KnownRelease, Publication, Publishing, ReleaseLog};
use minster_vault_api::{
    DataKey, NewestManifests, RecordedManifest, SealedRunKey, Unwrapped, VaultError, WrappedKey,
};

use crate::{
    OneKey, Site, person,
    revised::{LOOKED_AFTER, SEX, by, pupils},
};

/// A stand-in for the vault, with a log.
#[derive(Default)]
pub(crate) struct Log {
    /// The readers whom its purpose does not allow.
    pub(crate) refused: Option<Audience>,
    /// The rules that its purpose asks for.
    floors: Floors,
    known: Vec<KnownRelease>,
    /// Further persons who must let a release out.
    missing: u32,
    /// Whether the program is stopped as soon as the log has something.
    stops: bool,
}

impl Log {
    pub(crate) fn asking(floors: Floors) -> Self {
        Self { floors, ..Self::default() }
    }
}

impl DatasetKeys for Log {
    fn create(&mut self, dataset: &DatasetRef) -> Result<(DataKey, WrappedKey), VaultError> {
        OneKey.create(dataset)
    }

    fn unwrap(
        &mut self,
        dataset: &DatasetRef,
        wrapped: &WrappedKey,
        run: Option<&SealedRunKey>,
        manifest_sha256: &str,
    ) -> Result<Unwrapped, VaultError> {
        OneKey.unwrap(dataset, wrapped, run, manifest_sha256)
    }

    fn record(&mut self, _: &RecordedManifest, _: Option<&str>) -> Result<(), VaultError> {
        Ok(())
    }

    fn newest(&mut self, _: &Purpose) -> Result<NewestManifests, VaultError> {
        Ok(NewestManifests { newest: Vec::new(), due: Vec::new() })
    }

    fn take_over(&mut self, _: &Purpose, _: Vec<RecordedManifest>) -> Result<(), VaultError> {
        Ok(())
    }
}

impl ReleaseLog for Log {
    fn publish(&mut self, publication: &Publication) -> Result<u32, VaultError> {
        if self.missing > 0 {
            return Ok(self.missing);
        }
        let Publication { release, period, sha256, what, entry, .. } = publication.clone();
        let withdrawn = what == Publishing::Withdrawn;
        match self.known.iter_mut().find(|of| of.sha256 == sha256) {
            Some(of) => {
                of.withdrawn = withdrawn;
                of.entry = entry.or(of.entry.take());
            }
            None => self.known.push(KnownRelease { release, period, sha256, entry, withdrawn }),
        }
        if self.stops { Err(VaultError::Protocol) } else { Ok(0) }
    }

    fn floors(&mut self, _: &Purpose) -> Result<Floors, VaultError> {
        Ok(self.floors.clone())
    }

    fn refused(&mut self, _: &Purpose) -> Result<BTreeMap<Audience, String>, VaultError> {
        let why = |of: Audience| (of, format!("no release for {of}: \"We count.\""));
        Ok(self.refused.map(why).into_iter().collect())
    }

    fn releases(&mut self, _: &Purpose) -> Result<Vec<KnownRelease>, VaultError> {
        Ok(self.known.clone())
    }
}

/// A site whose vault keeps a log; what was noted.
struct Logged {
    site: Site,
    log: RefCell<Log>,
    notes: RefCell<Vec<String>>,
}

impl Logged {
    /// The release `r`, by who is looked after, is out.
    fn new() -> Self {
        let site = Site::of(pupils(&[("F", "yes", 12), ("F", "no", 200), ("M", "no", 188)]));
        let logged = Self { site, log: RefCell::default(), notes: RefCell::default() };
        logged.draft("r").unwrap();
        assert_eq!(logged.let_out("r").unwrap().outcome, Outcome::Released);
        logged
    }

    fn job<T>(&self, work: impl FnOnce(&Job<'_>, &mut Log) -> T) -> T {
        self.site.job(|job| {
            let notice = |text: &str| self.notes.borrow_mut().push(text.to_owned());
            work(&Job { notice: &notice, ..*job }, &mut self.log.borrow_mut())
        })
    }

    /// `r` is by who is looked after, any other by sex.
    fn draft(&self, name: &str) -> Result<ReleaseReport, AggregateError> {
        let definition = by(name, &[if name == "r" { LOOKED_AFTER } else { SEX }]);
        self.job(|job, log| draft(job, &definition, log))
    }

    fn let_out(&self, name: &str) -> Result<ReleaseReport, AggregateError> {
        self.job(|job, log| let_out(job, &name.parse().unwrap(), &person(), log))
    }

    fn withdraw(&self, name: &str) -> Result<ReleaseReport, AggregateError> {
        let (name, purpose) = (name.parse().unwrap(), "test".parse().unwrap());
        self.job(|job, log| {
            withdraw(job.store, (&name, job.period, &purpose), &person(), "cut off", log)
        })
    }

    fn entries(&self) -> Vec<PathBuf> {
        let folder = self.site.store.root().join("ledger/2024-25");
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Nothing of the kind waits beside the drafts.
    fn nothing_waits(&self) -> bool {
        self.site.store.next_entries(&self.site.period).unwrap().is_empty()
    }
}

fn is_lacking(done: Result<ReleaseReport, AggregateError>) -> bool {
    matches!(done, Err(AggregateError::LedgerLacks { releases, .. }) if releases == "r of 2024-25")
}

#[test]
fn with_an_emptied_ledger_nothing_is_drafted_or_let_out_until_it_is_put_back() {
    let logged = Logged::new();
    logged.draft("other").unwrap();
    let entry = logged.entries().remove(0);
    let bytes = fs::read(&entry).unwrap();
    for empty in [true, false] {
        match empty {
            true => fs::remove_file(&entry).unwrap(),
            false => fs::remove_dir_all(logged.site.store.root().join("ledger")).unwrap(),
        }
        assert!(is_lacking(logged.draft("another")));
        assert!(is_lacking(logged.let_out("other")));
        assert!(is_lacking(logged.withdraw("r")));
        fs::create_dir_all(entry.parent().unwrap()).unwrap();
        fs::write(&entry, &bytes).unwrap();
    }
    assert_eq!(logged.let_out("other").unwrap().outcome, Outcome::Released);
}

#[test]
fn an_entry_that_is_changed_counts_as_lacking() {
    let logged = Logged::new();
    let entry = logged.entries().remove(0);
    let text = fs::read_to_string(&entry).unwrap();
    let changed = text.replacen("388", "null", 1);
    assert_ne!(text, changed);
    fs::write(&entry, changed).unwrap();
    assert!(is_lacking(logged.draft("other")));
}

#[test]
fn an_entry_without_a_hash_in_the_log_of_an_earlier_release_is_enough_by_its_name() {
    let logged = Logged::new();
    logged.log.borrow_mut().known[0].entry = None;
    logged.draft("other").unwrap();
    fs::remove_file(logged.entries().remove(0)).unwrap();
    assert!(is_lacking(logged.draft("other")));
}

#[test]
fn a_release_stopped_between_log_and_ledger_is_entered_by_whatever_runs_next() {
    for data_change in [false, true] {
        let logged = Logged::new();
        logged.draft("other").unwrap();
        logged.log.borrow_mut().stops = true;
        assert!(logged.let_out("other").is_err());
        logged.log.borrow_mut().stops = false;
        assert_eq!((logged.entries().len(), logged.nothing_waits()), (1, false));
        if data_change {
            let more = pupils(&[("F", "yes", 12), ("F", "no", 260), ("M", "no", 188)]);
            logged.site.link(more);
        }
        logged.draft("r").unwrap();
        assert_eq!((logged.entries().len(), logged.nothing_waits()), (2, true));
        let outcome = if data_change { Outcome::Kept } else { Outcome::Lost };
        assert_eq!(logged.draft("other").unwrap().outcome, outcome);
        assert_eq!(logged.log.borrow().known.len(), 2);
    }
}

#[test]
fn what_waited_for_the_log_in_vain_is_no_entry() {
    let logged = Logged::new();
    let (store, period) = (&logged.site.store, &logged.site.period);
    store.keep_next_entry(period, "test.other.0", b"{}").unwrap();
    logged.draft("other").unwrap();
    assert_eq!((logged.entries().len(), logged.nothing_waits()), (1, true));
    // An entry of another purpose waits for another log.
    store.keep_next_entry(period, "research.other.0", b"{}").unwrap();
    logged.draft("other").unwrap();
    assert_eq!((logged.entries().len(), logged.nothing_waits()), (1, false));
    store.forget_next_entry(period, "research.other.0").unwrap();
    logged.log.borrow_mut().missing = 1;
    assert_eq!(logged.let_out("other").unwrap().outcome, Outcome::Waiting(1));
    assert_eq!((logged.entries().len(), logged.nothing_waits()), (1, true));
}

#[test]
fn the_release_that_alone_is_lacking_may_be_let_out_once_more() {
    let logged = Logged::new();
    logged.draft("other").unwrap();
    let folder = logged.site.store.root().to_owned();
    let draft = fs::read(folder.join("drafts/2024-25/other.json")).unwrap();
    logged.let_out("other").unwrap();
    let other = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("other");
    fs::remove_file(logged.entries().into_iter().find(other).unwrap()).unwrap();
    // As an older copy of the store has it.
    fs::write(folder.join("drafts/2024-25/other.json"), draft).unwrap();
    assert!(logged.draft("another").is_err());
    assert_eq!(logged.let_out("other").unwrap().outcome, Outcome::Released);
    logged.draft("another").unwrap();
    assert_eq!(logged.log.borrow().known.len(), 2);
}

/// 0.2.0 gave the log no hash of an entry and kept no copy of it. Stopped between the log and the ledger, it left the log alone.
#[test]
fn the_release_that_alone_is_lacking_is_drafted_again_and_let_out_where_it_is_the_same() {
    let logged = Logged::new();
    fs::remove_file(&logged.entries()[0]).unwrap();
    logged.log.borrow_mut().known[0].entry = None;
    assert!(is_lacking(logged.draft("other")));
    let drafted = logged.draft("r").unwrap();
    assert_eq!(drafted.outcome, Outcome::Draft);
    assert!(is_lacking(logged.draft("other")), "a draft is no entry");
    assert_eq!(logged.let_out("r").unwrap().outcome, Outcome::Released);
    assert_eq!((logged.entries().len(), logged.log.borrow().known.len()), (1, 1));
    logged.draft("other").unwrap();
}

/// Other data under the name would be a second release: it is drafted, and not let out.
#[test]
fn another_release_under_the_name_of_the_one_that_is_lacking_is_not_let_out() {
    let logged = Logged::new();
    fs::remove_file(&logged.entries()[0]).unwrap();
    logged.site.link(pupils(&[("F", "yes", 40), ("F", "no", 200), ("M", "no", 188)]));
    logged.draft("r").unwrap();
    assert!(is_lacking(logged.let_out("r")));
    assert_eq!(logged.log.borrow().known.len(), 1);
}

#[test]
fn a_withdrawal_that_the_ledger_does_not_know_is_told_of() {
    let logged = Logged::new();
    logged.draft("r").unwrap();
    let told = || logged.notes.borrow().iter().any(|note| note.contains("run it again"));
    assert!(!told());
    logged.log.borrow_mut().stops = true;
    assert!(logged.withdraw("r").is_err());
    logged.log.borrow_mut().stops = false;
    logged.draft("r").unwrap();
    assert!(told());
    logged.withdraw("r").unwrap();
    assert_eq!(logged.entries().len(), 2);
}

#[test]
fn without_the_restricted_report_of_a_release_whose_data_changed_nothing_stands_beside_it() {
    let site = Site::of(pupils(&[("F", "yes", 3), ("F", "no", 200), ("M", "no", 188)]));
    assert_eq!(site.release(&by("r", &[LOOKED_AFTER])).unwrap().tables[0].withheld, 2);
    site.link(pupils(&[("F", "yes", 3), ("F", "no", 260), ("M", "no", 188)]));
    site.draft(&by("other", &[SEX])).unwrap();
    fs::remove_dir_all(site.store.root().join("datasets/report")).unwrap();
    let refused = site.draft(&by("other", &[SEX])).unwrap_err().to_string();
    assert!(refused.contains("its restricted report is gone"), "{refused}");
}
