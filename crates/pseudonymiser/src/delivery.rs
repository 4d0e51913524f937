//! One delivery of one source, from its files to its published dataset.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::Path,
    sync::{Arc, Mutex, mpsc},
};

use minster_model::{
    Purpose, RowCounts, RunId, TableName,
    pipeline::{Delivery, IdentifierRule},
};
use minster_sources::{
    Definition, Duplicates as DuplicateRule, Lookup, Plan as DeliveryPlan, PlannedFile, ReadError,
};
use minster_store::{FileCounts, Manifest, Origin, Store, TableWriter};
use minster_vault_api::{Client, InputFile, NamedFile, RunManifest};
use ring::digest;

use crate::{
    IngestError, columns,
    duplicates::{Duplicates, Fingerprints},
    quarantine::Quarantine,
    tokens::Dictionary,
    treatment::Plan,
    work::{Group, OpenTable, Work, Written},
};

/// A delivery whose definition and files were compared, and whose rows are not read yet.
pub(crate) struct Planned {
    pub(crate) delivery: Delivery,
    pub(crate) definition: Definition,
    pub(crate) definition_sha256: String,
    /// What stands in its pupil-number columns.
    pub(crate) rule: IdentifierRule,
    /// Of all but the files that decides what the delivery becomes.
    pub(crate) recipe_sha256: String,
    pub(crate) files: DeliveryPlan,
}

/// What one run has in hand for all its deliveries.
pub(crate) struct Run<'a> {
    pub(crate) id: &'a RunId,
    pub(crate) purpose: &'a Purpose,
    pub(crate) store: &'a Store,
    pub(crate) vault: &'a mut Client,
    pub(crate) dictionary: &'a mut Dictionary,
    pub(crate) lookups: &'a HashMap<String, Arc<Lookup>>,
    /// Keys of the tables by which equal cells are found.
    pub(crate) keys: ahash::RandomState,
    /// Threads that treat rows.
    pub(crate) threads: usize,
    /// Is told how many more bytes were read.
    pub(crate) progress: Arc<dyn Fn(u64) + Send + Sync>,
}

/// What a delivery's treated rows are written to.
struct Outputs {
    names: Vec<TableName>,
    tables: Vec<TableWriter>,
    quarantine: Quarantine,
}

impl Planned {
    /// The manifest that stands, where it is of the same files by the same recipe. One that cannot be read
    /// is superseded. Nothing is hashed where names and lengths tell.
    pub(crate) fn standing(
        &self,
        store: &Store,
        purpose: &Purpose,
    ) -> Result<Option<Manifest>, IngestError> {
        let Ok(manifest) = store.whole(&self.delivery.dataset(purpose)) else { return Ok(None) };
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

    /// Reads, treats and publishes the delivery.
    pub(crate) fn ingest(&self, run: &mut Run<'_>) -> Result<Manifest, IngestError> {
        let opened = run.vault.open_run(RunManifest {
            run: run.id.clone(),
            purpose: run.purpose.clone(),
            source: self.delivery.name.clone(),
            inputs: self.named(),
            ceiling: u64::MAX,
        })?;
        run.dictionary.begin_run();
        let dataset = self.delivery.dataset(run.purpose);
        let (key, wrapped) = run.vault.create_key(&dataset)?;
        let writer = run.store.stage(&dataset, run.id, key, wrapped)?.of_run(opened.run_key);
        let quarantine = Quarantine::open(&writer, &opened.recipient)?;
        let mut outputs = Outputs { names: Vec::new(), tables: Vec::new(), quarantine };
        let (mut tables, mut duplicates) = (Vec::new(), Vec::new());
        for table in &self.definition.tables {
            let plan = Plan::new(&self.definition, table, self.rule, run.lookups)?;
            let schema = columns::schema(&plan.outputs);
            outputs.names.push(table.name.clone());
            outputs.tables.push(writer.table(&table.name, Arc::clone(&schema))?);
            let exact = table.duplicates == DuplicateRule::Exact;
            duplicates.push(exact.then(Duplicates::new));
            let fingerprints = exact.then(Fingerprints::default);
            tables.push(OpenTable { plan, schema, fingerprints });
        }
        let (mut rows, mut inputs) = (Vec::new(), Vec::<InputFile>::new());
        for file in &self.files.files {
            let (sha256, counts) =
                self.ingest_file(file, run, &tables, &mut duplicates, &mut outputs)?;
            match inputs.last() {
                // Another member of the same zip.
                Some(last) if last.name == file.delivered && last.sha256 == sha256 => {}
                Some(last) if last.name == file.delivered => return Err(changed(file)),
                _ => inputs.push(read_as(file, sha256)),
            }
            for &table in &file.tables {
                let (counts, table) = (counts[table], self.definition.tables[table].name.clone());
                rows.push(FileCounts { file: file.name.clone(), table, counts });
            }
        }
        // So much memory takes a while to give back.
        std::thread::spawn(move || drop(duplicates));
        run.vault.close_run(&inputs)?;
        let reasons = outputs.quarantine.finish()?;
        let entries: Result<Vec<_>, _> =
            outputs.tables.into_iter().map(TableWriter::finish).collect();
        let definition_sha256 = self.definition_sha256.clone();
        let recipe_sha256 = Some(self.recipe_sha256.clone());
        let origin = Origin::Delivery { definition_sha256, recipe_sha256, inputs, rows, reasons };
        Ok(writer.publish(opened.key_version, opened.key_check, origin, entries?)?)
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

    /// Reads on one thread, treats on all, writes on another, all in the file's order. Gives the
    /// delivered file's hash and each table's counts.
    fn ingest_file(
        &self,
        file: &PlannedFile,
        run: &mut Run<'_>,
        tables: &[OpenTable],
        duplicates: &mut [Option<Duplicates>],
        outputs: &mut Outputs,
    ) -> Result<(String, Vec<RowCounts>), IngestError> {
        let hasher = Arc::new(Mutex::new(digest::Context::new(&digest::SHA256)));
        let seen = {
            let (hasher, progress) = (Arc::clone(&hasher), Arc::clone(&run.progress));
            move |bytes: &[u8]| {
                if let Ok(mut hasher) = hasher.lock() {
                    hasher.update(bytes);
                }
                progress(bytes.len() as u64);
            }
        };
        let counts = std::thread::scope(|scope| -> Result<Vec<RowCounts>, IngestError> {
            let (sender, groups) = mpsc::sync_channel(run.threads);
            let (treated, to_write) = mpsc::sync_channel(run.threads);
            scope.spawn(move || read(&self.definition, file, seen, &sender));
            let writing = scope.spawn(move || outputs.write(&file.name, to_write));
            let work = Work::new(tables, duplicates, &run.keys, run.dictionary, run.vault, treated);
            let counts = work.carry_out(groups, run.threads);
            // Where the writer stopped listening, this is why.
            let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let counts = counts?;
            written.map(|()| counts)
        })?;
        let hash = hasher.lock().map(|hasher| hex(hasher.clone().finish().as_ref()));
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

/// Bytes of a group, about: few enough that several fit in a processor's cache, and many enough that the vault is
/// asked seldom.
const GROUP: usize = 2 << 20;

/// Sends groups of about [`GROUP`] bytes; stops when nobody listens any more.
fn read(
    definition: &Definition,
    file: &PlannedFile,
    seen: impl FnMut(&[u8]) + Send + 'static,
    sender: &mpsc::SyncSender<Result<Group, ReadError>>,
) {
    let mut group: Option<Group> = None;
    let mut bytes = 0;
    let outcome = minster_sources::read(definition, file, seen, |table, batch| match &mut group {
        Some(group) if group.table == table && bytes < GROUP => {
            bytes += batch.byte_len();
            group.batches.push(batch);
            true
        }
        _ => {
            bytes = batch.byte_len();
            let full = group.replace(Group { table, batches: vec![batch] });
            full.is_none_or(|full| sender.send(Ok(full)).is_ok())
        }
    });
    // If nobody listens, the other side failed first and says why.
    let _ = match (outcome, group) {
        (Err(error), _) => sender.send(Err(error)),
        (Ok(()), Some(last)) => sender.send(Ok(last)),
        (Ok(()), None) => Ok(()),
    };
}

impl Outputs {
    fn write(&mut self, file: &str, groups: mpsc::Receiver<Written>) -> Result<(), IngestError> {
        for Written { table, batches } in groups {
            for (rows, failed) in batches {
                self.tables[table].write(&rows)?;
                for failed in &failed {
                    self.quarantine.add(file, self.names[table].as_str(), failed)?;
                }
            }
        }
        Ok(())
    }
}

fn sha256_of_file(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(context.finish().as_ref())),
            count => context.update(&buffer[..count]),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
