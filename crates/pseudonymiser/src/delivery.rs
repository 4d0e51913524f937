//! One delivery of one source, from its files to its published dataset.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::Path,
    sync::{Arc, Mutex, mpsc},
};

use arrow::datatypes::SchemaRef;
use minster_model::{
    DatasetClass, DatasetRef, Pseudonym, Purpose, RowCounts, RunId,
    pipeline::{Delivery, IdentifierRule},
};
use minster_sources::{
    CsvReader, Definition, Duplicates as DuplicateRule, Format, Lookup, Plan as DeliveryPlan,
    PlannedFile, RawBatch, ReadError, XmlReader, read_parquet, read_workbook,
};
use minster_store::{FileCounts, Manifest, Origin, Store, TableWriter};
use minster_vault_api::{Client, InputFile, RunManifest};
use rayon::prelude::*;
use ring::digest;

use crate::{
    IngestError,
    columns::{self, Column},
    duplicates::Duplicates,
    quarantine::{Failed, Quarantine},
    tokens::Dictionary,
    treatment::{Missing, Plan},
};

/// A delivery whose definition and files were compared, and whose rows are not read yet.
pub(crate) struct Planned {
    pub(crate) delivery: Delivery,
    pub(crate) definition: Definition,
    pub(crate) definition_sha256: String,
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
    /// Is told how many more bytes were read.
    pub(crate) progress: Arc<dyn Fn(u64) + Send + Sync>,
}

/// One table while it is written.
struct OpenTable {
    name: String,
    plan: Plan,
    schema: SchemaRef,
    writer: TableWriter,
    duplicates: Option<Duplicates>,
}

impl Planned {
    /// Reads, treats and publishes the delivery.
    pub(crate) fn ingest(&self, run: &mut Run<'_>) -> Result<Manifest, IngestError> {
        let inputs = self.hash_inputs()?;
        let opened = run.vault.open_run(RunManifest {
            run: run.id.clone(),
            purpose: run.purpose.clone(),
            source: self.delivery.name.clone(),
            inputs: inputs.clone(),
            ceiling: u64::MAX,
        })?;
        run.dictionary.turn_to(&opened.key_check);
        let dataset = DatasetRef {
            class: DatasetClass::Source,
            name: self.delivery.name.clone(),
            period: self.delivery.period.clone(),
            purpose: run.purpose.clone(),
        };
        let (key, wrapped) = run.vault.create_key(&dataset)?;
        let writer = run.store.stage(&dataset, run.id, key, wrapped)?;
        let mut quarantine = Quarantine::open(&writer, &opened.recipient)?;
        let rule = self.delivery.identifier.unwrap_or(self.definition.identifier);
        let mut tables: Vec<OpenTable> = Vec::new();
        for table in &self.definition.tables {
            let plan = Plan::new(&self.definition, table, rule, run.lookups)?;
            let schema = columns::schema(&plan.outputs);
            tables.push(OpenTable {
                name: table.name.to_string(),
                writer: writer.table(&table.name, Arc::clone(&schema))?,
                duplicates: (table.duplicates == DuplicateRule::Exact).then(Duplicates::new),
                plan,
                schema,
            });
        }
        let mut rows = Vec::new();
        for file in &self.files.files {
            let input = inputs.iter().find(|input| input.name == file.delivered);
            let input = input.ok_or_else(|| ReadError::Changed { path: file.path.clone() })?;
            let counts = self.ingest_file(file, input, run, &mut tables, &mut quarantine)?;
            for (&table, counts) in file.tables.iter().zip(counts) {
                let table = self.definition.tables[table].name.clone();
                rows.push(FileCounts { file: file.name.clone(), table, counts });
            }
        }
        run.vault.close_run()?;
        let reasons = quarantine.finish()?;
        let entries: Result<Vec<_>, _> =
            tables.into_iter().map(|table| table.writer.finish()).collect();
        let definition_sha256 = self.definition_sha256.clone();
        let origin = Origin::Delivery { definition_sha256, inputs, rows, reasons };
        Ok(writer.publish(opened.key_version, opened.key_check, origin, entries?)?)
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.files.iter().map(|file| file.bytes).sum()
    }

    fn hash_inputs(&self) -> Result<Vec<InputFile>, IngestError> {
        let hash = |file: &PlannedFile| {
            let sha256 = sha256_of_file(&file.path)
                .map_err(|source| ReadError::Io { path: file.path.clone(), source })?;
            Ok(InputFile { name: file.delivered.clone(), sha256, bytes: file.bytes })
        };
        // A zip is one file, however many members are read from it; they stand together.
        let mut files: Vec<&PlannedFile> = self.files.files.iter().collect();
        files.dedup_by(|one, other| one.delivered == other.delivered);
        files.into_iter().map(hash).collect()
    }

    /// Reads on one thread, treats on all, writes in the file's order.
    fn ingest_file(
        &self,
        file: &PlannedFile,
        input: &InputFile,
        run: &mut Run<'_>,
        tables: &mut [OpenTable],
        quarantine: &mut Quarantine,
    ) -> Result<Vec<RowCounts>, IngestError> {
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
        let group = 2 * rayon::current_num_threads();
        let (sender, receiver) = mpsc::sync_channel(2);
        let mut counts = vec![RowCounts::default(); file.tables.len()];
        std::thread::scope(|scope| -> Result<(), IngestError> {
            scope.spawn(move || read(&self.definition, file, seen, group, &sender));
            for group in receiver {
                for (table, batches) in group? {
                    let place = file.tables.iter().position(|&listed| listed == table);
                    let counts = &mut counts[place.unwrap_or_default()];
                    take(&mut tables[table], &file.name, batches, run, quarantine, counts)?;
                }
            }
            Ok(())
        })?;
        let hash = hasher.lock().map(|hasher| hasher.clone().finish());
        let unchanged = hash.is_ok_and(|hash| hex(hash.as_ref()) == input.sha256);
        if !unchanged {
            return Err(ReadError::Changed { path: file.path.clone() }.into());
        }
        Ok(counts)
    }
}

type Group = Vec<(usize, Vec<RawBatch>)>;

/// Sends groups of batches; stops when nobody listens any more.
fn read(
    definition: &Definition,
    file: &PlannedFile,
    seen: impl FnMut(&[u8]) + Send + 'static,
    group: usize,
    sender: &mpsc::SyncSender<Result<Group, ReadError>>,
) {
    let outcome = match definition.format {
        Format::Csv => CsvReader::open(definition, file, seen).and_then(|mut reader| {
            loop {
                let mut batches = Vec::new();
                while batches.len() < group
                    && let Some(batch) = reader.next_batch()?
                {
                    batches.push(batch);
                }
                let ended = batches.len() < group;
                let heard = sender.send(Ok(vec![(file.tables[0], batches)])).is_ok();
                if ended || !heard {
                    return Ok(());
                }
            }
        }),
        Format::Xml => XmlReader::open(definition, file, seen).and_then(|mut reader| {
            while let Some(batches) = reader.next_batches()? {
                let group = batches.into_iter().map(|(table, batch)| (table, vec![batch]));
                if sender.send(Ok(group.collect())).is_err() {
                    break;
                }
            }
            Ok(())
        }),
        Format::Xlsx => read_workbook(definition, file, seen, |table, batch| {
            sender.send(Ok(vec![(table, vec![batch])])).is_ok()
        }),
        Format::Parquet => read_parquet(definition, file, seen, |batch| {
            sender.send(Ok(vec![(file.tables[0], vec![batch])])).is_ok()
        }),
    };
    if let Err(error) = outcome {
        // If nobody listens, the other side failed first and says why.
        let _ = sender.send(Err(error));
    }
}

/// A batch whose rows were treated; the pseudonyms of new identifiers are still to come.
struct Treated {
    columns: Vec<Column>,
    accepted: u64,
    failed: Vec<Failed>,
    missing: Missing,
}

fn take(
    table: &mut OpenTable,
    file: &str,
    batches: Vec<RawBatch>,
    run: &mut Run<'_>,
    quarantine: &mut Quarantine,
    counts: &mut RowCounts,
) -> Result<(), IngestError> {
    let fresh = recognise_duplicates(table.duplicates.as_mut(), &batches);
    let treated: Vec<Treated> = batches
        .par_iter()
        .zip(&fresh)
        .map(|(batch, fresh)| treat(&table.plan, batch, fresh, run.dictionary))
        .collect();
    for (place, output) in table.plan.outputs.iter().enumerate() {
        if let Some(kind) = &output.kind {
            let identifiers = treated
                .iter()
                .flat_map(|batch| batch.missing.places.keys())
                .filter(|(column, _)| *column == place)
                .map(|(_, identifier)| &**identifier);
            run.dictionary.learn(kind, identifiers, run.vault)?;
        }
    }
    let dictionary = &*run.dictionary;
    let rows: Vec<u64> = batches.iter().map(|b| (b.len() + b.rejected().len()) as u64).collect();
    let fresh_rows = fresh.iter().map(|fresh| fresh.iter().filter(|new| **new).count() as u64);
    for ((read, fresh), batch) in rows.iter().zip(fresh_rows).zip(&treated) {
        let rejected = batch.failed.len() as u64;
        counts.read += read;
        counts.accepted += batch.accepted;
        counts.quarantined += rejected;
        // Of the rows with fields, those that are not fresh.
        counts.duplicate += read - (rejected_unsplit(batch) + fresh);
    }
    let arrays: Result<Vec<_>, IngestError> = treated
        .into_par_iter()
        .map(|batch| {
            let learnt = learnt(&table.plan, &batch.missing, dictionary)?;
            let rows = columns::batch(&table.schema, batch.columns, &learnt)?;
            Ok((rows, batch.failed))
        })
        .collect();
    for (rows, failed) in arrays? {
        table.writer.write(&rows)?;
        for failed in &failed {
            quarantine.add(file, &table.name, failed)?;
        }
    }
    Ok(())
}

fn rejected_unsplit(batch: &Treated) -> u64 {
    batch.failed.iter().filter(|failed| failed.column.is_none()).count() as u64
}

/// For each batch, which of its rows were not seen before.
fn recognise_duplicates(
    duplicates: Option<&mut Duplicates>,
    batches: &[RawBatch],
) -> Vec<Vec<bool>> {
    let Some(duplicates) = duplicates else {
        return batches.iter().map(|batch| vec![true; batch.len()]).collect();
    };
    let known = &*duplicates;
    let prints: Vec<Vec<u128>> = batches
        .par_iter()
        .map(|batch| batch.rows().map(|row| known.fingerprint(row)).collect())
        .collect();
    prints
        .into_iter()
        .map(|prints| prints.into_iter().map(|print| duplicates.is_new(print)).collect())
        .collect()
}

fn treat(plan: &Plan, batch: &RawBatch, fresh: &[bool], dictionary: &Dictionary) -> Treated {
    let mut columns: Vec<Column> =
        plan.outputs.iter().map(|output| Column::new(output.output_type)).collect();
    let known: Vec<_> = plan
        .outputs
        .iter()
        .map(|output| output.kind.as_ref().map(|kind| dictionary.known(kind)))
        .collect();
    let mut treated = Treated {
        columns: Vec::new(),
        accepted: 0,
        failed: Vec::new(),
        missing: Missing::default(),
    };
    for row in batch.rejected() {
        let (number, reason, raw) = (row.number, row.reason, row.raw.clone());
        treated.failed.push(Failed { number, column: None, reason, raw });
    }
    let mut cells = Vec::new();
    for (row, _) in batch.rows().zip(fresh).filter(|(_, fresh)| **fresh) {
        match plan.treat(row, &known, &mut treated.missing, &mut cells) {
            Ok(()) => {
                for (column, cell) in columns.iter_mut().zip(cells.drain(..)) {
                    column.push(cell);
                }
                treated.accepted += 1;
            }
            Err((reason, column)) => treated.failed.push(Failed {
                number: row.number(),
                column: Some(column.to_owned()),
                reason,
                raw: row.content().0.to_vec(),
            }),
        }
    }
    treated.failed.sort_by_key(|failed| failed.number);
    treated.columns = columns;
    treated
}

/// The pseudonyms of a batch's new identifiers, by their places.
fn learnt(
    plan: &Plan,
    missing: &Missing,
    dictionary: &Dictionary,
) -> Result<Vec<Pseudonym>, IngestError> {
    let mut learnt = vec![None; missing.places.len()];
    for ((column, identifier), &place) in &missing.places {
        let kind = plan.outputs[*column].kind.as_ref();
        learnt[place as usize] = kind.and_then(|kind| dictionary.known(kind).get(identifier));
    }
    learnt.into_iter().collect::<Option<_>>().ok_or(IngestError::Unlearnt)
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

/// What stands in the delivery's pupil-number columns.
pub(crate) fn rule(planned: &Planned) -> IdentifierRule {
    planned.delivery.identifier.unwrap_or(planned.definition.identifier)
}
