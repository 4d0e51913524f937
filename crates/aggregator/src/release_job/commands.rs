//! Drafts, what lets one out, and what withdraws a release.

use std::{collections::BTreeMap, path::PathBuf};

use minster_model::{Period, Purpose, TableName, table::TableSet};
use minster_store::{
    Dataset, DatasetKeys, Publication, Publishing, ReleaseLog, Store, StoreError, sha256_hex,
};

use crate::{
    definition::release_definition::Definition,
    derived::linked::Linked,
    earlier_releases::{
        entry::{Entry, Person, Withdrawal},
        known_releases::{self, KnownReleases},
        ledger,
    },
    error::AggregateError,
    publish::restricted_report::{self, Reporting},
    release_job::{
        draft::Draft,
        job::Job,
        made::Made,
        outcome::{Outcome, ReleaseReport, Revision, TableReport},
        protected_release::{Judged, Work},
        refused::{self, RefusedStep},
    },
    suggest::advice::advised,
    tabulate::{
        lookup,
        tables::{self, Who},
    },
};

/// Counts a definition's tables, all margins, and protects nothing: for benches, and for whoever may see
/// the dataset.
///
/// # Errors
/// As [`aggregate`], before anything is protected.
pub fn tabulate(
    definition: &Definition,
    dataset: &Dataset,
    children: &TableName,
    lookups: &BTreeMap<String, PathBuf>,
) -> Result<TableSet, AggregateError> {
    let linked = Linked::lent(dataset, children, lookups);
    linked.know(definition, None)?;
    linked.know_sums(definition);
    let lookups = lookup::of(definition, lookups)?;
    Ok(tables::tabulate(definition, &linked, children, &lookups, Who::Untold)?.set(definition))
}

/// Tabulates, protects and attacks one definition beside all that was ever published, and keeps a draft. Nothing
/// public changes. Where a release of the very definition stands, it says what has changed since.
///
/// # Errors
/// [`AggregateError::Refused`] where nothing of it stands and disclosure control refuses it;
/// [`AggregateError::LedgerLacks`] where not all that was ever published is known.
pub fn draft(
    job: &Job<'_>,
    definition_text: &str,
    vault: &mut dyn ReleaseLog,
) -> Result<ReleaseReport, AggregateError> {
    keep_draft(job, definition_text, vault).map_err(|error| error.located(definition_text))
}

/// Reads a definition and what stands. A ledger that lacks anything is refused.
pub(crate) fn begin<'a>(
    job: &'a Job<'a>,
    definition_text: &str,
    vault: &mut dyn ReleaseLog,
) -> Result<(Definition, Work<'a>), AggregateError> {
    let definition = Definition::parse_with(definition_text, job.columns)?;
    let work = Work::begin(job, vault)?;
    // A release that the ledger alone lacks may be drafted again, and let out where it is the very same: a program of an earlier
    // release that was stopped between the log and the ledger left nothing else to enter it from.
    work.known.in_ledger_but(job.store, |of| {
        (&of.release, &of.period) == (&definition.name, job.period)
    })?;
    if work.ledger.same(&definition).is_some_and(|entry| work.known.withdrew(entry)) {
        (job.notice)(&format!(
            "the vault's log says that the release {name} was withdrawn, and the ledger does not: `minster withdraw {name}` was cut short; run it again",
            name = definition.name
        ));
    }
    Ok((definition, work))
}

/// Says of a refusal what to coarsen, where cells that are to be shown are why.
pub(super) fn with_advice(
    judged: Result<Judged, AggregateError>,
    work: &Work<'_>,
    definition: &Definition,
    vault: &mut dyn ReleaseLog,
) -> Result<Judged, AggregateError> {
    match judged {
        Err(AggregateError::Refused(why)) => {
            Err(AggregateError::Refused(advised(work, definition, why, vault)?))
        }
        other => other,
    }
}

/// Says that readers know other tables by the definition's name.
pub(super) fn tell_of_another(work: &Work<'_>, definition: &Definition) {
    if work.ledger.another(definition).is_some() {
        (work.job.notice)(&format!(
            "a release of another definition stands as {name}: before this draft is let out, withdraw it, or give the definition another name",
            name = definition.name
        ));
    }
}

fn keep_draft(
    job: &Job<'_>,
    definition_text: &str,
    vault: &mut dyn ReleaseLog,
) -> Result<ReleaseReport, AggregateError> {
    let (definition, work) = begin(job, definition_text, vault)?;
    let judged = work.judge(&definition, vault);
    if matches!(judged, Ok(_) | Err(AggregateError::Refused(_))) {
        // A draft of another night's data is none.
        job.store.forget_draft(&definition.name, job.period)?;
    }
    let report = |outcome| ReleaseReport::new(&definition.name, job.period, outcome);
    let judged = with_advice(judged, &work, &definition, vault);
    if let Err(AggregateError::Refused(why)) = &judged {
        refused::keep(job, &definition, RefusedStep::Draft, why);
    }
    match judged? {
        Judged::New(made) => {
            Draft::of(&work, &made)?.keep(job)?;
            tell_of_another(&work, &definition);
            Ok(report(Outcome::Draft).of(&made))
        }
        Judged::Same(made) => {
            let name = (definition.name.as_str(), job.period.as_str());
            let seen = job.store.published_release(name.0, name.1, &made.sha256);
            if seen.is_none() {
                // Cut short when it was let out, or its folder is lost.
                Draft::of(&work, &made)?.keep(job)?;
            }
            let outcome = if seen.is_some() { Outcome::Same } else { Outcome::Lost };
            Ok(report(outcome).of(&made).seen(seen))
        }
        Judged::Kept { changed, revised } => {
            let entry = work.ledger.same(&definition);
            let seen = entry.and_then(|entry| ledger::release_of(job.store, entry));
            let revision = match revised {
                Ok(made) => {
                    Draft::of(&work, &made)?.keep(job)?;
                    Revision::Draft(TableReport::all(made.sizes()))
                }
                Err(why) => {
                    refused::keep(job, &definition, RefusedStep::Revision, &why);
                    Revision::Refused(why.to_string())
                }
            };
            let mut kept = report(Outcome::Kept).seen(seen);
            kept.tables = entry.map(|e| TableReport::all(e.sizes())).unwrap_or_default();
            kept.tables.iter_mut().zip(changed).for_each(|(of, n)| of.changed = Some(n));
            kept.revision = Some(revision);
            Ok(kept)
        }
    }
}

/// Lets a draft out: it is made again and attacked beside all that was published up to now, and what is let out is
/// what that gives. The caller holds the run lock.
///
/// # Errors
/// [`AggregateError::Draft`] where there is no draft, or it is one of other data; [`AggregateError::Refused`] where
/// it can be let out no more. Where a release stands that must be withdrawn first, it is kept, and nothing is done.
pub fn release(
    job: &Job<'_>,
    name: &TableName,
    by: &Person,
    vault: &mut dyn ReleaseLog,
) -> Result<ReleaseReport, AggregateError> {
    let draft = Draft::read(job.store, name, job.period)?;
    let draft = draft.ok_or(AggregateError::Draft(
        "there is no draft of it; `minster aggregate` makes drafts",
    ))?;
    let work = Work::begin(job, vault)?;
    if draft.dataset_sha256 != work.dataset.manifest_sha256() {
        return Err(AggregateError::Draft(
            "it was made of data that were linked anew since; make it again with `minster aggregate`, and look at it",
        ));
    }
    let report = |outcome| ReleaseReport::new(name, job.period, outcome);
    let judged = work.judge(&draft.definition, vault);
    if let Err(AggregateError::Refused(why)) = &judged {
        refused::keep(job, &draft.definition, RefusedStep::Release, why);
    }
    let (made, outcome) = match judged? {
        Judged::Kept { .. } => return Ok(report(Outcome::Kept)),
        // Readers of the name would find other tables in the place of those that they know.
        Judged::New(_) if work.ledger.another(&draft.definition).is_some() => {
            return Ok(report(Outcome::Kept));
        }
        // It was let out, and the program was stopped before readers could see it.
        Judged::Same(made) => (made, Outcome::Same),
        Judged::New(made) => (made, Outcome::Released),
    };
    if made.sha256 != draft.sha256 && draft.ledger_sha256 == ledger::sha256_of(job.store)? {
        return Err(AggregateError::Draft(
            "made again it is another, because a look-up, the dictionary or the program has changed; make it again with `minster aggregate`, and look at it",
        ));
    }
    let is_entered = matches!(outcome, Outcome::Released);
    work.known.in_ledger_but(job.store, |of| {
        is_entered && (&of.release, &of.period, &of.sha256) == (name, job.period, &made.sha256)
    })?;
    write_report(&work, &made, vault)?;
    if is_entered {
        let file = work.ledger.file(name, &made.sha256);
        let manifest = work.dataset.manifest();
        let entry = made.entry(job.period, manifest, by.clone(), file.clone()).bytes()?;
        // The log has its hash before the ledger has it: here it waits until the log has.
        let waiting = known_releases::waiting(&file, &manifest.dataset.purpose);
        job.store.keep_next_entry(job.period, &waiting, &entry)?;
        let missing = vault.publish(&let_out_now(job, &made, sha256_hex(&entry)));
        let missing = missing.map_err(StoreError::from)?;
        if missing == 0 {
            job.store.enter(job.period, &file, &entry)?;
        }
        job.store.forget_next_entry(job.period, &waiting)?;
        if missing > 0 {
            return Ok(report(Outcome::Waiting(missing)).of(&made));
        }
    }
    let seen = job.store.publish_release(name.as_str(), job.period.as_str(), &made.files)?;
    tell_withdrawn(job.store, (name, job.period))?;
    job.store.forget_draft(name, job.period)?;
    let mut report = report(outcome).of(&made).seen(Some(seen));
    report.differs_from_draft = made.sha256 != draft.sha256;
    Ok(report)
}

/// Withdraws a release: the ledger marks it, readers find `WITHDRAWN.txt` and no current release. Numbers that
/// were public count as known for ever. Done twice, it is the same. The caller holds the run lock.
///
/// # Errors
/// [`AggregateError::Draft`] where no release of this name was let out, or the reason is none.
pub fn withdraw(
    store: &Store,
    (name, period, purpose): (&TableName, &Period, &Purpose),
    by: &Person,
    reason: &str,
    vault: &mut dyn ReleaseLog,
) -> Result<ReleaseReport, AggregateError> {
    check_reason(reason).map_err(AggregateError::Draft)?;
    let known = KnownReleases::compare(store, (period, purpose), vault)?;
    let entries = ledger::read(store, period)?;
    let mut named = entries.into_iter().filter(|of| of.definition.name == *name).peekable();
    if named.peek().is_none() {
        if known.lacks(name, period) {
            known.in_ledger(store)?;
        }
        return Err(AggregateError::Draft(
            "no release of this name and period was let out: look at the name, or give its period with `--period`",
        ));
    }
    let mut withdrawals = Vec::new();
    for mut entry in named {
        if entry.withdrawn.is_none() {
            let sha256 = entry.sha256.clone();
            let (purpose, release, period) = (purpose.clone(), name.clone(), period.clone());
            let what = Publishing::Withdrawn;
            let (rules, logged) = (None, None);
            let publication = Publication {
                purpose,
                release,
                period,
                sha256,
                what,
                rules,
                entry: logged,
                audience: None,
            };
            vault.publish(&publication).map_err(StoreError::from)?;
            let withdrawal = Withdrawal::new(&entry, by.clone(), reason);
            withdrawal.enter(store, &entry.period)?;
            entry.withdrawn = Some(withdrawal);
        }
        withdrawals.extend(entry.withdrawn);
    }
    let text = notice(withdrawals.iter().collect());
    store.withdraw_release(name.as_str(), period.as_str(), text.as_bytes())?;
    Ok(ReleaseReport::new(name, period, Outcome::Withdrawn))
}

/// The text of `WITHDRAWN.txt`: each withdrawal, in their order.
fn notice(mut withdrawals: Vec<&Withdrawal>) -> String {
    withdrawals.sort_by(|a, b| a.by.at.cmp(&b.by.at));
    withdrawals.into_iter().map(Withdrawal::text).collect::<Vec<_>>().join("\n")
}

/// Writes anew what `WITHDRAWN.txt` says, when a release was let out: it says nothing of one that stands again.
fn tell_withdrawn(
    store: &Store,
    (name, period): (&TableName, &Period),
) -> Result<(), AggregateError> {
    let entries = ledger::read(store, period)?;
    let named: Vec<&Entry> = entries.iter().filter(|of| of.definition.name == *name).collect();
    let stands =
        |sha256: &str| named.iter().any(|of| of.withdrawn.is_none() && of.sha256 == sha256);
    let mut withdrawals: Vec<&Withdrawal> =
        named.iter().filter_map(|of| of.withdrawn.as_ref()).collect();
    if !withdrawals.iter().any(|of| stands(&of.sha256)) {
        return Ok(());
    }
    withdrawals.retain(|of| !stands(&of.sha256));
    let (name, period) = (name.as_str(), period.as_str());
    match withdrawals.is_empty() {
        true => store.forget_withdrawn(name, period)?,
        false => store.say_withdrawn(name, period, notice(withdrawals).as_bytes())?,
    }
    Ok(())
}

/// The reason is public, so that it must not be what identifies a child.
pub(crate) fn check_reason(reason: &str) -> Result<(), &'static str> {
    const LONGEST: usize = 500;
    if reason.trim().is_empty() || reason.len() > LONGEST || reason.chars().any(char::is_control) {
        return Err("a withdrawal needs a reason, of one line");
    }
    let words: Vec<&str> = reason.split_whitespace().collect();
    let few = words.iter().map(|word| (*word).to_owned());
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    let identifies = |text: String| minster_leakage::may_identify(&text);
    if minster_leakage::may_identify(reason) || few.chain(pairs).any(identifies) {
        return Err(
            "the reason is published, and must not hold a number or an address that may identify someone",
        );
    }
    Ok(())
}

fn let_out_now(job: &Job<'_>, made: &Made, entry: String) -> Publication {
    Publication {
        purpose: job.dataset.purpose.clone(),
        release: made.definition.name.clone(),
        period: job.period.clone(),
        sha256: made.sha256.clone(),
        what: Publishing::LetOut,
        rules: Some(made.definition.release_rules()),
        entry: Some(entry),
        audience: Some(made.definition.audience()),
    }
}

/// A report of what was never released does no harm; a release without its report does.
fn write_report(
    work: &Work<'_>,
    made: &Made,
    keys: &mut dyn DatasetKeys,
) -> Result<(), AggregateError> {
    let Job { store, run, period, dataset, .. } = work.job;
    let Made { definition, sha256, .. } = made;
    let stands = restricted_report::dataset(&definition.name, sha256, period, &dataset.purpose)?;
    match store.manifest(&stands) {
        Ok(_) => return Ok(()),
        Err(error @ StoreError::NotRecorded { .. }) => return Err(error.into()),
        // None was written yet, or what stands is no report.
        Err(_) => {}
    }
    let integrated = work.dataset.dataset();
    Reporting { store, run, period, integrated, definition, sha256 }.write(
        &made.counts,
        &made.sums,
        &made.sample,
        keys,
    )
}
