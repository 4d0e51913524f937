//! One delivery of one source, from its files to its published dataset.

mod groups;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, mpsc},
};

use arrow::array::RecordBatch;
use minster_model::{
    Purpose, RunId,
    pipeline::{Delivery, IdentifierRule},
};
use minster_retention::Schedule;
use minster_sources::{
    Definition, Duplicates as DuplicateRule, Lookup, Plan as DeliveryPlan, PlannedFile, ReadError,
};
use minster_store::{
    CellCounts, FileCounts, Manifest, Origin, Store, StoreError, TableEntry, TableWriter,
    sha256_hex,
};
use minster_vault_api::{Client, InputFile, NamedFile, RunManifest};
use ring::digest;

use crate::{
    IngestError,
    cells::Cells,
    columns,
    describe::read_columns,
    duplicates::{Duplicates, Fingerprints},
    facts::SourceSchedule,
    hash::sha256_of_file,
    kept_text::{KeptText, SecondReading},
    linkage_dataset::LinkageWriter,
    linkage_rows::LinkageRows,
    quarantine::{Failed, Headings, Quarantine},
    replacement_gate::{self, Shares},
    shared_numbers::{Watched, WatchedNumbers, strangers, watched},
    tokens::TokenTable,
    treatment::{Circumstances, TablePlan},
    workers::{OpenTable, TableCounts, Workers},
};

pub(crate) use groups::place_name;
use groups::{hand_out, read};

/// A delivery whose definition and files were compared, and whose rows are not read yet.
pub(crate) struct Planned {
    pub(crate) delivery: Delivery,
    pub(crate) definition: Definition,
    pub(crate) definition_sha256: String,
    /// The rule of its pupil-number columns.
    pub(crate) rule: IdentifierRule,
    /// A hash of everything but the files that decides about the dataset.
    pub(crate) recipe_sha256: String,
    /// Says which corrections of custodians it is read with; empty where there is none.
    pub(crate) corrections: String,
    pub(crate) files: DeliveryPlan,
    /// Unknown codes in a hundred, above which it stops.
    pub(crate) unknown_percent: u32,
    /// How far it may fall, and how much of it may be set aside.
    pub(crate) shares: Shares,
    /// Whether someone said that it is to be taken as it is.
    pub(crate) accepted: bool,
    /// Reasons that would stop it otherwise, before a row is read.
    pub(crate) let_through: Vec<String>,
    /// The retention schedule, where the pipeline names one.
    pub(crate) schedule: Option<Arc<Schedule>>,
}

/// The means of one run for all its deliveries.
pub(crate) struct Run<'a> {
    pub(crate) id: &'a RunId,
    pub(crate) purpose: &'a Purpose,
    pub(crate) store: &'a Store,
    pub(crate) vault: &'a mut Client,
    pub(crate) hands: ReadingTools<'a>,
}

/// The means of reading, whether a dataset is to be made or a definition is tried.
pub(crate) struct ReadingTools<'a> {
    pub(crate) tokens: &'a mut TokenTable,
    pub(crate) lookups: &'a HashMap<String, Arc<Lookup>>,
    /// Keys of the tables by which equal cells are found.
    pub(crate) keys: ahash::RandomState,
    /// Threads that treat rows.
    pub(crate) threads: usize,
    /// Is told how many more bytes were read.
    pub(crate) progress: Arc<dyn Fn(u64) + Send + Sync>,
}

/// Where a delivery's treated rows go.
pub(crate) trait RowSink: Send {
    /// Takes rows of a table, by its place in the definition.
    fn rows(&mut self, table: usize, rows: &RecordBatch) -> Result<(), IngestError>;
    /// Takes the same rows of the linkage dataset, where the table has one.
    fn parts(&mut self, _table: usize, _rows: &RecordBatch) -> Result<(), IngestError> {
        Ok(())
    }
    /// Takes a row that failed.
    fn failed(
        &mut self,
        file: &PlannedFile,
        headings: &Headings<'_>,
        failed: &Failed,
    ) -> Result<(), IngestError>;
}

/// A dataset that is being written.
struct Outputs {
    /// None where nothing of a table passes: its rows are counted and not written.
    tables: Vec<Option<TableWriter>>,
    /// Where a column gives a part to scored matching.
    linkage: Option<LinkageWriter>,
    quarantine: Quarantine,
}

/// The outcome of all files of a delivery.
pub(crate) struct ReadDelivery {
    /// The files as they were read.
    pub(crate) inputs: Vec<InputFile>,
    /// Where each file's rows went.
    pub(crate) rows: Vec<FileCounts>,
    /// Cells that did not pass as they were.
    pub(crate) cells: Vec<CellCounts>,
    /// Matters for a person to look at, in words.
    pub(crate) warnings: Vec<String>,
    /// The values that the rows give to scored matching.
    parts: LinkageRows,
    /// The result of this reading, where the delivery must be read again with it.
    again: Option<Arc<SecondReading>>,
}

impl ReadDelivery {
    /// The result of this reading, where the delivery must be read again with it.
    pub(crate) fn again(&self) -> Option<Arc<SecondReading>> {
        self.again.clone()
    }
}

impl Planned {
    /// The manifest that stands, where it is of the same files by the same recipe. Nothing is hashed where names and
    /// lengths tell.
    ///
    /// # Errors
    /// Where it is not the newest in the vault's log, or lacks a file: someone changed it.
    pub(crate) fn unchanged(
        &self,
        store: &Store,
        purpose: &Purpose,
    ) -> Result<Option<Manifest>, IngestError> {
        let manifest = match store.whole(&self.delivery.dataset(purpose)) {
            Ok(manifest) => manifest,
            Err(error @ (StoreError::NotRecorded { .. } | StoreError::File { .. })) => {
                return Err(error.into());
            }
            Err(_) => return Ok(None),
        };
        let Origin::Delivery { inputs, recipe_sha256: Some(recipe), .. } = &manifest.origin else {
            return Ok(None);
        };
        let named = self.named();
        let alike = *recipe == self.recipe_sha256
            && inputs.len() == named.len()
            && inputs.iter().zip(&named).all(|(stood, named)| stood.is(named));
        let same = alike && self.hash_inputs()? == *inputs;
        Ok(same.then_some(manifest))
    }

    /// Takes note of the corrections that it is read with: another list makes it another dataset.
    pub(crate) fn read_with(&mut self, corrections: String) {
        if !corrections.is_empty() {
            let text = format!("{}\n{corrections}", self.recipe_sha256);
            self.recipe_sha256 = sha256_hex(text.as_bytes());
        }
        self.corrections = corrections;
    }

    /// Reads, treats and publishes the delivery.
    pub(crate) fn ingest(&self, run: &mut Run<'_>) -> Result<Manifest, IngestError> {
        let declared = RunManifest {
            run: run.id.clone(),
            purpose: run.purpose.clone(),
            source: self.delivery.name.clone(),
            period: self.delivery.period.clone(),
            inputs: self.named(),
            ceiling: u64::MAX,
            reads: read_columns(&self.definition)?,
        };
        declared.fits().map_err(IngestError::Files)?;
        let opened = run.vault.open_run(declared)?;
        run.hands.tokens.begin_run(opened.repairs, !self.corrections.is_empty());
        let dataset = self.delivery.dataset(run.purpose);
        let (mut whole, mut second) = (None, false);
        loop {
            let (key, wrapped) = run.vault.create_key(&dataset)?;
            let writer =
                run.store.stage(&dataset, run.id, key, wrapped)?.of_run(opened.run_key.clone());
            let quarantine = Quarantine::open(&writer, &opened.recipient)?;
            let mut outputs = Outputs { tables: Vec::new(), linkage: None, quarantine };
            run.hands.tokens.slips.begin_reading();
            run.hands.tokens.facts.begin_reading();
            run.hands.tokens.corrections.begin_reading();
            let mut tables = self.open_tables(run.hands.lookups, whole.clone())?;
            for table in &mut tables {
                let corrections = &run.hands.tokens.corrections;
                table.plan.corrections = corrections.of_table(&table.name, &table.plan.columns);
            }
            for table in &tables {
                let passes = !table.schema.fields().is_empty();
                let table = || writer.table(&table.name, Arc::clone(&table.schema));
                outputs.tables.push(passes.then(table).transpose()?);
            }
            outputs.linkage = self.begin_linkage(run, &opened, &tables)?;
            let current = run.store.whole(&dataset).ok();
            let mut read = self
                .read(&mut run.hands, Some(run.vault), &tables, &mut outputs)
                .map_err(|error| replacement_gate::against_current(current.as_ref(), error))?;
            // Which rows a name or a doubtful date sets aside is known once all of them were read, and so is which hang on a row of
            // a person whose records were disposed of.
            let corrects = run.hands.tokens.corrections.has_news();
            let hangs = run.hands.tokens.end_reading();
            let again = read.again.clone().filter(|_| !second);
            if hangs || corrects || again.is_some() {
                if again.is_some() {
                    (whole, second) = (again, true);
                }
                drop(outputs);
                drop(writer);
                continue;
            }
            if let Some(current) = &current {
                let found = replacement_gate::check_fall(
                    &self.definition,
                    current,
                    &read.rows,
                    self.shares,
                );
                read.warnings.extend(replacement_gate::stop_or_tell(found, self.accepted)?);
            }
            read.warnings.extend(run.hands.tokens.slips.warnings());
            read.warnings.extend(run.hands.tokens.facts.warnings());
            let columns = tables.iter().map(|table| (&table.name, table.plan.columns.as_slice()));
            let corrections = &run.hands.tokens.corrections;
            let misplaced = corrections.misplaced(columns);
            read.warnings.extend(corrections.tell(misplaced, run.vault)?);
            run.hands.tokens.facts.tell(run.vault)?;
            run.vault.close_run(&read.inputs)?;
            let reasons = outputs.quarantine.finish()?;
            let told = self.definition.tables.iter().map(|table| table.key.clone()).zip(&tables);
            let written = outputs.tables.into_iter().zip(told);
            let entries: Result<Vec<TableEntry>, IngestError> = written
                .filter_map(|(table, told)| Some((table?, told)))
                .map(|(table, (key, of))| {
                    let mut entry = table.finish()?;
                    for (column, output) in entry.columns.iter_mut().zip(&of.plan.outputs) {
                        column.kind.clone_from(&output.kind);
                    }
                    Ok(TableEntry { key, ..entry })
                })
                .collect();
            let definition_sha256 = self.definition_sha256.clone();
            let recipe_sha256 = Some(self.recipe_sha256.clone());
            let ReadDelivery { inputs, rows, cells, warnings, parts, .. } = read;
            let origin = Origin::Delivery {
                definition_sha256,
                recipe_sha256,
                inputs,
                rows,
                reasons,
                cells,
                warnings,
            };
            let (version, check) = (opened.key_version, opened.key_check);
            let manifest = writer.publish(version, check.clone(), origin, entries?, run.vault)?;
            if let Some(linkage) = outputs.linkage {
                linkage.publish(run, &self.definition_sha256, (version, check), parts)?;
            } else {
                // A definition of before gave parts.
                run.store.shred(&dataset.linkage())?;
            }
            return Ok(manifest);
        }
    }

    /// The schedule, as it is read for this source.
    fn schedule(&self) -> Option<SourceSchedule<'_>> {
        let schedule = self.schedule.as_deref()?;
        Some(SourceSchedule { schedule, source: &self.delivery.name })
    }

    /// The definition's tables, ready for rows. `whole` is what a first reading told.
    pub(crate) fn open_tables(
        &self,
        lookups: &HashMap<String, Arc<Lookup>>,
        whole: Option<Arc<SecondReading>>,
    ) -> Result<Vec<OpenTable>, IngestError> {
        let circumstances = Circumstances {
            rule: self.rule,
            period: &self.delivery.period,
            lookups,
            whole,
            schedule: self.schedule(),
        };
        let open = |(place, (table, watched)): (usize, (&minster_sources::Table, Vec<Watched>))| {
            let plan = TablePlan::new(&self.definition, (place, table), &circumstances)?;
            let schema = columns::schema(&plan.outputs);
            let exact = table.duplicates == DuplicateRule::Exact;
            let fingerprints = exact.then(Fingerprints::default);
            Ok(OpenTable { name: table.name.clone(), plan, schema, fingerprints, watched })
        };
        let tables = self.definition.tables.iter().zip(watched(&self.definition));
        tables.enumerate().map(open).collect()
    }

    /// Reads and treats all files.
    ///
    /// # Errors
    /// Where a file cannot be read, or holds too much that is not understood.
    pub(crate) fn read(
        &self,
        hands: &mut ReadingTools<'_>,
        mut vault: Option<&mut Client>,
        tables: &[OpenTable],
        sink: &mut dyn RowSink,
    ) -> Result<ReadDelivery, IngestError> {
        let kept_text = KeptText::new(hands.keys.clone());
        let mut duplicates: Vec<Option<Duplicates>> = tables
            .iter()
            .map(|table| table.fingerprints.as_ref().map(|_| Duplicates::new()))
            .collect();
        let parts = LinkageRows::default();
        let (mut rows, mut inputs) = (Vec::new(), Vec::<InputFile>::new());
        let mut told = vec![Cells::default(); tables.len()];
        let mut numbers = vec![WatchedNumbers::new(); tables.len()];
        for file in &self.files.files {
            let vault = vault.as_deref_mut();
            let (sha256, mut counts) = self.read_file(
                file,
                hands,
                vault,
                (&kept_text, &parts),
                tables,
                &mut duplicates,
                sink,
            )?;
            match inputs.last() {
                // Another member of the same zip.
                Some(last) if last.name == file.delivered && last.sha256 == sha256 => {}
                Some(last) if last.name == file.delivered => return Err(changed(file)),
                _ => inputs.push(read_as(file, sha256)),
            }
            for &table in &file.tables {
                let TableCounts { rows: counts, cells, numbers: met } =
                    std::mem::take(&mut counts[table]);
                for (column, met) in met {
                    numbers[table].entry(column).or_default().extend(met);
                }
                let name = tables[table].name.clone();
                rows.push(FileCounts { file: file.name.clone(), table: name, counts });
                let place = |column, row| place_name(file, table, Some(column), row);
                told[table].add(cells.named(place));
            }
        }
        // So much memory takes a while to give back.
        std::thread::spawn(move || drop(duplicates));
        let mut cells = Vec::new();
        let mut found = replacement_gate::check_rows(&self.definition, &rows, self.shares);
        for ((told, table), definition) in told.iter().zip(tables).zip(&self.definition.tables) {
            if definition.required {
                told.check(&table.name, &table.plan, self.unknown_percent)?;
                let percent = self.shares.quarantine;
                found.extend(told.wrong_numbers(&table.name, &table.plan, percent));
            }
            cells.extend(told.counts(&table.name, &table.plan));
        }
        let mut warnings = self.let_through.clone();
        warnings.extend(replacement_gate::stop_or_tell(found, self.accepted)?);
        warnings.extend(strangers(&self.definition, &numbers));
        Ok(ReadDelivery { inputs, rows, cells, warnings, parts, again: kept_text.again() })
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.files.iter().map(|file| file.bytes).sum()
    }

    /// The delivered files. A zip is one, however many members are read from it; they stand together.
    fn delivered(&self) -> Vec<&PlannedFile> {
        let mut files: Vec<&PlannedFile> = self.files.files.iter().collect();
        files.dedup_by(|one, other| one.delivered == other.delivered);
        files
    }

    fn named(&self) -> Vec<NamedFile> {
        let name =
            |file: &PlannedFile| NamedFile { name: file.delivered.clone(), bytes: file.bytes };
        self.delivered().into_iter().map(name).collect()
    }

    /// Each delivered file with its hash.
    fn hash_inputs(&self) -> Result<Vec<InputFile>, IngestError> {
        let hash = |file: &PlannedFile| {
            let sha256 = sha256_of_file(&file.path)
                .map_err(|source| ReadError::Io { path: file.path.clone(), source })?;
            Ok(read_as(file, sha256))
        };
        self.delivered().into_iter().map(hash).collect()
    }

    /// Reads on one thread, treats on all, hands out on another, all in the file's order. Gives the
    /// delivered file's hash and each table's counts.
    #[allow(clippy::too_many_arguments, reason = "they are the parts of one file's way")]
    fn read_file(
        &self,
        file: &PlannedFile,
        hands: &mut ReadingTools<'_>,
        vault: Option<&mut Client>,
        (kept_text, parts): (&KeptText, &LinkageRows),
        tables: &[OpenTable],
        duplicates: &mut [Option<Duplicates>],
        sink: &mut dyn RowSink,
    ) -> Result<(String, Vec<TableCounts>), IngestError> {
        let hasher = Arc::new(Mutex::new(digest::Context::new(&digest::SHA256)));
        let seen = {
            let (hasher, progress) = (Arc::clone(&hasher), Arc::clone(&hands.progress));
            move |bytes: &[u8]| {
                if let Ok(mut hasher) = hasher.lock() {
                    hasher.update(bytes);
                }
                progress(bytes.len() as u64);
            }
        };
        let counts = std::thread::scope(|scope| -> Result<Vec<TableCounts>, IngestError> {
            let (sender, groups) = mpsc::sync_channel(hands.threads);
            let (treated, to_write) = mpsc::sync_channel(hands.threads);
            scope.spawn(move || read(&self.definition, file, seen, &sender));
            let writing = scope.spawn(move || hand_out(file, tables, to_write, sink));
            let answers = (&mut *hands.tokens, vault, parts);
            let work = Workers::new(tables, duplicates, &hands.keys, kept_text, answers, treated);
            let counts = work.carry_out(groups, hands.threads);
            // Where the writer stopped listening, this is why.
            let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let counts = counts?;
            written.map(|()| counts)
        })?;
        let hash = hasher
            .lock()
            .map(|hasher| base16ct::lower::encode_string(hasher.clone().finish().as_ref()));
        match hash {
            Ok(hash) if file.is_as_planned() => Ok((hash, counts)),
            _ => Err(changed(file)),
        }
    }
}

fn read_as(file: &PlannedFile, sha256: String) -> InputFile {
    InputFile { name: file.delivered.clone(), sha256, bytes: file.bytes }
}

fn changed(file: &PlannedFile) -> IngestError {
    ReadError::Changed { path: file.path.clone() }.into()
}

impl RowSink for Outputs {
    fn rows(&mut self, table: usize, rows: &RecordBatch) -> Result<(), IngestError> {
        match &mut self.tables[table] {
            Some(table) => Ok(table.write(rows)?),
            None => Ok(()),
        }
    }

    fn parts(&mut self, table: usize, rows: &RecordBatch) -> Result<(), IngestError> {
        match &mut self.linkage {
            Some(linkage) => linkage.write(table, rows),
            None => Ok(()),
        }
    }

    fn failed(
        &mut self,
        file: &PlannedFile,
        headings: &Headings<'_>,
        failed: &Failed,
    ) -> Result<(), IngestError> {
        self.quarantine.add(&file.name, headings, failed)
    }
}
