//! The threads that treat a file's groups of batches: each group by one of them, several at once. A step that depends on the
//! rows before takes place in the file's order, so that the same file gives the same dataset whatever the threads.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, mpsc},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use minster_model::{Kind, RowCounts, TableName};
use minster_sources::{RawBatch, ReadError};
use minster_vault_api::Client;

use crate::{
    IngestError,
    batch::{ParsedBatch, TriagedBatch},
    cells::Tally,
    duplicates::{Duplicates, Fingerprints, Print},
    file_order::FileOrder,
    kept_text::KeptText,
    linkage_rows::LinkageRows,
    quarantine::Failed,
    shared_numbers::{Watched, WatchedNumbers},
    slips::are_slips,
    tokens::TokenTable,
    treatment::TablePlan,
};

/// How a table's rows are treated.
pub(crate) struct OpenTable {
    pub(crate) name: TableName,
    pub(crate) plan: TablePlan,
    pub(crate) schema: SchemaRef,
    /// Where duplicates are to be recognised.
    pub(crate) fingerprints: Option<Fingerprints>,
    /// Columns whose numbers other tables have too.
    pub(crate) watched: Vec<Watched>,
}

/// Batches of one table, one after the other in the file.
pub(crate) struct Group {
    pub(crate) table: usize,
    pub(crate) batches: Vec<RawBatch>,
}

/// A group that can be written.
pub(crate) struct Written {
    pub(crate) table: usize,
    pub(crate) batches: Vec<WrittenBatch>,
}

/// A batch that can be written.
pub(crate) struct WrittenBatch {
    pub(crate) rows: RecordBatch,
    /// The same rows of the linkage dataset, where the table has one.
    pub(crate) parts: Option<RecordBatch>,
    pub(crate) failed: Vec<Failed>,
}

/// Groups as they are read, or why reading ended.
pub(crate) type Groups = mpsc::Receiver<Result<Group, ReadError>>;

/// One file's work.
pub(crate) struct Workers<'a> {
    tables: &'a [OpenTable],
    keys: &'a ahash::RandomState,
    kept_text: &'a KeptText,
    known: FileOrder<&'a mut [Option<Duplicates>]>,
    /// Mistyped numbers are asked about in the file's order, since there is a budget of them.
    slips: FileOrder<()>,
    vault: Mutex<(&'a mut TokenTable, Option<&'a mut Client>)>,
    parts: &'a LinkageRows,
    outlet: FileOrder<Outlet>,
    /// The first group that failed.
    failure: Mutex<Option<(u64, IngestError)>>,
}

/// Where groups leave.
struct Outlet {
    to: mpsc::SyncSender<Written>,
    /// By table.
    counts: Vec<TableCounts>,
}

/// The outcome of a table's rows and cells in one file.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableCounts {
    pub(crate) rows: RowCounts,
    pub(crate) cells: Tally,
    pub(crate) numbers: WatchedNumbers,
}

impl TableCounts {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.cells.add(other.cells);
        for (column, numbers) in other.numbers {
            self.numbers.entry(column).or_default().extend(numbers);
        }
    }
}

impl<'a> Workers<'a> {
    pub(crate) fn new(
        tables: &'a [OpenTable],
        duplicates: &'a mut [Option<Duplicates>],
        keys: &'a ahash::RandomState,
        kept_text: &'a KeptText,
        (tokens, vault, parts): (&'a mut TokenTable, Option<&'a mut Client>, &'a LinkageRows),
        to: mpsc::SyncSender<Written>,
    ) -> Self {
        let counts = vec![TableCounts::default(); tables.len()];
        Self {
            tables,
            keys,
            kept_text,
            known: FileOrder::new(duplicates),
            slips: FileOrder::new(()),
            vault: Mutex::new((tokens, vault)),
            parts,
            outlet: FileOrder::new(Outlet { to, counts }),
            failure: Mutex::new(None),
        }
    }

    /// Treats all groups on so many threads; each table's counts. Ends early, and well, where nobody listens any
    /// more to what is treated.
    ///
    /// # Errors
    /// The error of the first group of the file that failed.
    pub(crate) fn carry_out(
        self,
        groups: Groups,
        threads: usize,
    ) -> Result<Vec<TableCounts>, IngestError> {
        // Dropped by the last thread that ends: then the reader stops.
        let groups = Arc::new(Mutex::new(groups.into_iter().enumerate()));
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                let groups = Arc::clone(&groups);
                let work = &self;
                scope.spawn(move || {
                    let next = || groups.lock().ok()?.next();
                    while let Some((number, group)) = next()
                        && work.serve(number as u64, group)
                    {}
                });
            }
            drop(groups);
        });
        let failure = self.failure.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        match failure {
            Some((_, error)) => Err(error),
            None => Ok(self.outlet.into_inner().counts),
        }
    }

    /// Says whether to go on.
    fn serve(&self, number: u64, group: Result<Group, ReadError>) -> bool {
        let mut held = Ticket { work: self, number, done: false };
        match group.map_err(IngestError::from).and_then(|group| self.treat(number, &group)) {
            Ok(went_on) => held.done = went_on.is_some(),
            Err(error) => {
                let mut failure = self.failure.lock().unwrap_or_else(|held| held.into_inner());
                if failure.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                    *failure = Some((number, error));
                }
            }
        }
        held.done
    }

    /// `None` where an earlier group failed, or nobody listens.
    fn treat(&self, number: u64, group: &Group) -> Result<Option<()>, IngestError> {
        let OpenTable { name, plan, schema, fingerprints, watched } = &self.tables[group.table];
        let (mut treated, prints): (Vec<_>, Vec<_>) = group
            .batches
            .iter()
            .map(|batch| ParsedBatch::new(plan, batch, fingerprints.as_ref(), self.keys))
            .unzip();
        match self.slips.pass(number, |()| self.repair(plan, &mut treated)) {
            Some(repaired) => repaired?,
            None => return Ok(None),
        }
        self.correct(plan, &mut treated)?;
        for batch in &treated {
            self.kept_text.note((group.table, name), plan, batch)?;
        }
        let prints: Option<Vec<Vec<Print>>> = prints.into_iter().collect();
        let fresh = self.known.pass(number, |known| match (&mut known[group.table], prints) {
            (Some(known), Some(prints)) => Some(known.recognise(&prints)),
            _ => None,
        });
        let Some(fresh) = fresh else { return Ok(None) };
        let mut fresh = fresh.into_iter().flatten();
        let mut triaged: Vec<TriagedBatch<'_>> =
            treated.into_iter().map(|batch| batch.triage(fresh.next().as_deref())).collect();
        let mut counts = TableCounts::default();
        for column in watched {
            let numbers = triaged.iter().flat_map(|batch| batch.numbers(*column));
            let numbers = numbers.map(|number| self.keys.hash_one(number)).collect();
            counts.numbers.insert(*column, numbers);
        }
        let parts = self.learn(plan, &mut triaged)?;
        let mut batches = Vec::with_capacity(triaged.len());
        for (mut batch, parts) in triaged.into_iter().zip(parts) {
            counts.rows += batch.counts;
            counts.cells.add(std::mem::take(&mut batch.tally));
            let failed = std::mem::take(&mut batch.failed);
            batches.push(WrittenBatch { rows: batch.gather(schema)?, parts, failed });
        }
        let left = self.outlet.pass(number, |outlet| {
            outlet.counts[group.table].add(counts);
            outlet.to.send(Written { table: group.table, batches }).ok()
        });
        Ok(left.flatten())
    }

    /// Has mistyped numbers repaired that stand beside a birth date. Without a vault, where a definition is only tried, none is.
    fn repair(&self, plan: &TablePlan, treated: &mut [ParsedBatch<'_>]) -> Result<(), IngestError> {
        for (column, planned) in plan.columns.iter().enumerate() {
            let Some(kind) = planned.repaired() else { continue };
            let (mut slips, mut wrong, mut of) = (BTreeSet::new(), 0, 0);
            for batch in treated.iter() {
                let (more, (wrong_, of_)) = batch.slips(column);
                slips.extend(more);
                (wrong, of) = (wrong + wrong_, of + of_);
            }
            if slips.is_empty() {
                continue;
            }
            let mut vault = self.vault.lock().map_err(|_| IngestError::Unlearnt)?;
            let (tokens, Some(vault)) = &mut *vault else { continue };
            if !are_slips(wrong, of) {
                tokens.slips.leave(slips.len());
                continue;
            }
            tokens.slips.ask(kind, &slips, vault)?;
            drop(slips);
            for batch in treated.iter_mut() {
                batch.mend(column, |pair| tokens.slips.token(kind, pair));
            }
        }
        Ok(())
    }

    /// Puts the children in their places whom numbers mean beside a birth date, by the corrections of custodians.
    fn correct(
        &self,
        plan: &TablePlan,
        treated: &mut [ParsedBatch<'_>],
    ) -> Result<(), IngestError> {
        for (column, planned) in plan.columns.iter().enumerate() {
            let Some(kind) = planned.kind() else { continue };
            let pairs: BTreeSet<_> =
                treated.iter().flat_map(|batch| batch.beside(column)).collect();
            if pairs.is_empty() {
                continue;
            }
            let mut vault = self.vault.lock().map_err(|_| IngestError::Unlearnt)?;
            let (tokens, Some(vault)) = &mut *vault else { continue };
            tokens.ask_meant(kind, &pairs, vault)?;
            drop(pairs);
            for batch in treated.iter_mut() {
                batch.put_meant(column, |pair| tokens.corrections.meant(kind, pair));
            }
        }
        Ok(())
    }

    /// Puts tokens in the places of identifiers, and tells the birth dates beside them; gives each batch's rows of the linkage dataset.
    fn learn(
        &self,
        plan: &TablePlan,
        triaged: &mut [TriagedBatch<'_>],
    ) -> Result<Vec<Option<RecordBatch>>, IngestError> {
        let mut vault = self.vault.lock().map_err(|_| IngestError::Unlearnt)?;
        let (tokens, vault) = &mut *vault;
        let kinds: Vec<&Kind> = plan.outputs.iter().filter_map(|of| of.kind.as_ref()).collect();
        let (own, others): (Vec<&Kind>, Vec<&Kind>) =
            kinds.into_iter().partition(|kind| !kind.is_match_key() && plan.is_own(kind));
        // Persons' own numbers first: of a person whose records were disposed of, nothing else is asked.
        for (place, kinds) in [own, others].into_iter().enumerate() {
            for kind in kinds {
                let identifiers = triaged.iter().flat_map(TriagedBatch::identifiers);
                let of_kind =
                    identifiers.filter(|(of, _)| *of == kind).map(|(_, identifier)| identifier);
                tokens.learn(kind, of_kind, vault.as_deref_mut())?;
            }
            if place == 0 {
                triaged.iter_mut().for_each(|batch| batch.block(tokens));
            }
        }
        // A reading that learnt of a correction tells nothing: the next one knows better.
        let tells = !tokens.corrections.has_news();
        for (column, planned) in plan.columns.iter().enumerate().filter(|_| tells) {
            let (Some(kind), Some(vault)) = (planned.repaired(), vault.as_deref_mut()) else {
                continue;
            };
            let births = triaged.iter().flat_map(|batch| batch.births(column)).collect();
            tokens.slips.tell(kind, &births, vault)?;
        }
        triaged.iter_mut().try_for_each(|batch| batch.resolve(tokens))?;
        if let Some(vault) = vault.as_deref_mut().filter(|_| tells) {
            for of in &plan.facts {
                for batch in triaged.iter() {
                    let take = |row: &_| tokens.facts.take(row, plan.first_day, vault);
                    let untold = batch.facts(of, take)?;
                    tokens.facts.leave(untold);
                }
            }
        }
        let rows = |batch: &TriagedBatch<'_>| {
            self.parts.rows(plan, batch, (&mut **tokens, vault.as_deref_mut()))
        };
        triaged.iter().map(rows).collect()
    }
}

/// A group under way: where it does not get to its end, even by a panic, the groups after it do not wait.
struct Ticket<'a, 'b> {
    work: &'a Workers<'b>,
    number: u64,
    done: bool,
}

impl Drop for Ticket<'_, '_> {
    fn drop(&mut self) {
        if !self.done {
            self.work.slips.fail(self.number);
            self.work.known.fail(self.number);
            self.work.outlet.fail(self.number);
        }
    }
}
