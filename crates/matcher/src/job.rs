//! From the sources' datasets to one row a child and period.

use std::{cell::RefCell, sync::Arc, thread};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::take,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use minster_model::{
    DatasetClass, DatasetRef, KeyVersion, Period, Purpose, RunId, TableName,
    periods::{LinkedPeriod, Periods},
};
use minster_store::{
    DatasetKeys, DatasetWriter, Manifest, Origin, RowGroupWriter, Store, StoreError, TableEntry,
};

use crate::{
    MatchError,
    children::{Children, LastStep},
    clerical::{Pupils, Review},
    definition::Matching,
    events::Delivered,
    integration::{IntegratedTables, Integration},
    ledger::{self, Ledger},
    listed_numbers::Listed,
    parallel_reader::on_all_cores,
    person_tables::PersonTables,
    register::Register,
    report::{LinkageReport, REPORT},
    restricted,
    scored_linking::{self, ScoredLinks},
    tables::CROSSWALK,
    up_to_date,
};

/// Rows whose codes are turned into texts at once.
const PIECE: usize = 64 << 10;

/// Rows of a row group: an encoded one is held until those before it are written.
const GROUP: usize = 2 * PIECE;

/// The integrated dataset's table with a row a child.
pub const CHILDREN: &str = "children";

/// A linking job.
pub struct Job<'a> {
    /// The store.
    pub store: &'a Store,
    /// The purpose: every dataset must be of it.
    pub purpose: &'a Purpose,
    /// The periods, each with its deliveries, in order: a later one's attributes win.
    pub periods: &'a Periods,
    /// The run.
    pub run: &'a RunId,
    /// `matching.toml`.
    pub matching: &'a str,
    /// Numbers that custodians listed: their rows are linked by number alone.
    pub listed: &'a Listed,
    /// Links also where the integrated datasets that stand were made of the same.
    pub again: bool,
    /// Whether the purpose allows households.
    pub households: bool,
}

/// The integrated dataset of a period, and how its rows were linked.
#[derive(Debug)]
pub struct Integrated {
    /// The period.
    pub period: Period,
    /// The dataset.
    pub manifest: Manifest,
    /// The report.
    pub report: LinkageReport,
}

/// The reference of a purpose's integrated dataset.
pub fn integrated(purpose: &Purpose, period: &Period) -> Result<DatasetRef, MatchError> {
    let name = CHILDREN.parse().map_err(|_| MatchError::Name)?;
    let (period, purpose) = (period.clone(), purpose.clone());
    Ok(DatasetRef { class: DatasetClass::Integrated, name, period, purpose })
}

/// Links the deliveries' datasets of all periods together, and publishes for each period an integrated dataset with its
/// report. Where those stand that were made of the same datasets by the same definition, nothing is done: their manifests
/// name an earlier run.
///
/// # Errors
/// [`MatchError`], before anything of a period is published.
pub fn link(job: &Job<'_>, keys: &mut dyn DatasetKeys) -> Result<Vec<Integrated>, MatchError> {
    let matching =
        Matching::parse(job.matching).map_err(|error| MatchError::Definition(Box::new(error)))?;
    matching.check()?;
    if matching.households.is_some() && !job.households {
        return Err(MatchError::NoHouseholds { purpose: job.purpose.clone() });
    }
    if !job.again
        && let Some(linked) = up_to_date::already_linked(job, &matching, keys)?
    {
        return Ok(linked);
    }
    let delivered = open(job, &matching, keys)?;
    let listed = job.listed.of(&delivered)?;
    let restricted = job.listed.restricted.of(&delivered)?;
    let ledger = Ledger::open(job, &delivered, keys)?;
    // The person of each row, and the ids that stand, are read at the same time.
    let (people, ledger) = thread::scope(|scope| {
        let ledger = scope.spawn(|| Ledger::read(ledger));
        let people = PersonTables::read(&matching, &delivered, (&listed, job.listed.numbers));
        (people, ledger.join().unwrap_or(Err(MatchError::Thread)))
    });
    let (mut people, mut ledger) = (people?, ledger?);
    let mut review = Review::of(job, &delivered, keys)?;
    let pairs = review.pairs().clone();
    let (mut scored, mut clerical) = (ScoredLinks::default(), None);
    let (known, settled_pupils) = (review.clone(), RefCell::new(Pupils::default()));
    let first = |register: &Register| {
        let settled = known.settle_pupils(&people.persons, register);
        let same = settled.same.clone();
        settled_pupils.replace(settled);
        same
    };
    let children = Children::with(&people.persons, &mut ledger.identities, first, |exact| {
        let pupils = settled_pupils.borrow();
        let settled = review.settle(exact);
        if let Some(scoring) = &matching.scoring {
            let of = (&matching, scoring, &settled);
            scored = scored_linking::score(job, of, (&delivered, &people), exact, keys)?;
        }
        let conflicts = crate::clerical::conflicts(exact, &scored.doubts);
        scored.doubts.extend(conflicts);
        review.learn(exact, (&settled, &pupils), (&scored.doubts, &scored.pupils));
        clerical = review.report_of(&settled, &pupils);
        let (reviewed, apart) = (settled.same, settled.apart);
        Ok::<_, MatchError>(LastStep { scored: std::mem::take(&mut scored.links), reviewed, apart })
    })?;
    match children.lost() {
        0 => people.prefer(&matching, &children),
        rows => return Err(MatchError::Lost { rows }),
    }
    let ids = ledger.counted(&children)?;
    // Ids are written at once, so that they need not be held, and published once all that they are of was made.
    let staged = match children.is_news() {
        true => Some(ledger.stage(job, &children, &delivered, keys)?),
        false => {
            drop(ledger);
            None
        }
    };
    let restricted = restricted::of_children(&restricted, &people, &children);
    let mut made = Vec::new();
    for period in job.periods.iter() {
        let who = (&children, &people, &scored.probabilities, restricted.children.as_slice());
        let integration = Integration::new(&matching, who, &delivered, (period, job.purpose));
        let mut of_period = integration.make()?;
        of_period.report.notes.extend(restricted.warning());
        of_period.report.ids = ids.clone();
        of_period.report.scored.clone_from(&scored.report);
        of_period.report.clerical.clone_from(&clerical);
        made.push((period, of_period));
    }
    // Ids go first: whatever stops the rest, the next run gives the same.
    if let Some(staged) = staged {
        staged.publish(keys)?;
    }
    review.write(&pairs, job, &delivered, keys)?;
    // All is written: who is who need not be held beside it.
    drop((people, children));
    let publish = |(period, made)| publish_period(job, keys, &delivered, period, made);
    made.into_iter().map(publish).collect()
}

/// Whether linking will need the parts for scored matching: the definition scores, and what stands is not what linking would
/// make.
///
/// # Errors
/// [`MatchError::Definition`]; [`MatchError::Store`] where what stands was changed.
pub fn needs_parts(job: &Job<'_>, keys: &mut dyn DatasetKeys) -> Result<bool, MatchError> {
    let matching =
        Matching::parse(job.matching).map_err(|error| MatchError::Definition(Box::new(error)))?;
    // The current datasets are looked at last: they are read from the disk.
    Ok(matching.scoring.is_some()
        && (job.again || up_to_date::already_linked(job, &matching, keys)?.is_none()))
}

pub(crate) fn open(
    job: &Job<'_>,
    matching: &Matching,
    keys: &mut dyn DatasetKeys,
) -> Result<Vec<Delivered>, MatchError> {
    let mut delivered: Vec<Delivered> = Vec::new();
    for (wanted, place) in up_to_date::wanted(job, matching).iter().zip(0..) {
        let dataset = job.store.dataset(wanted, keys)?;
        let check = &dataset.manifest().key_check;
        if delivered.first().is_some_and(|first| first.dataset.manifest().key_check != *check) {
            return Err(MatchError::OtherKey { dataset: dataset.manifest().dataset.clone() });
        }
        delivered.push(Delivered { place, source: wanted.name.clone(), dataset });
    }
    match delivered.is_empty() {
        true => Err(MatchError::Nothing),
        false => Ok(delivered),
    }
}

fn publish_period(
    job: &Job<'_>,
    keys: &mut dyn DatasetKeys,
    delivered: &[Delivered],
    period: &LinkedPeriod,
    made: IntegratedTables,
) -> Result<Integrated, MatchError> {
    let dataset = integrated(job.purpose, &period.name)?;
    let origin =
        up_to_date::origin(job, period, delivered.iter().map(Delivered::made_of).collect());
    let tables: Vec<_> = made.tables.iter().map(|(name, batch)| (name.as_str(), batch)).collect();
    let json = serde_json::to_vec_pretty(&made.report).map_err(MatchError::Report)?;
    let files = [(REPORT, json.as_slice())];
    let stamp = KeyOrigin::of(delivered)?;
    let of = (&dataset, origin);
    let manifest = publish((job.store, job.run), keys, stamp, of, &tables, &files)?;
    Ok(Integrated { period: period.name.clone(), manifest, report: made.report })
}

/// The keys of a dataset's pseudonyms.
pub(crate) struct KeyOrigin {
    pub(crate) version: KeyVersion,
    pub(crate) check: String,
}

impl KeyOrigin {
    /// Those of the deliveries' datasets.
    pub(crate) fn of(delivered: &[Delivered]) -> Result<Self, MatchError> {
        let first = delivered.first().ok_or(MatchError::Nothing)?.dataset.manifest();
        Ok(Self { version: first.key_version, check: first.key_check.clone() })
    }
}

/// A dataset that linking made, written and not published yet.
pub(crate) struct StagedDataset {
    writer: DatasetWriter,
    stamp: KeyOrigin,
    origin: Origin,
    tables: Vec<TableEntry>,
}

impl StagedDataset {
    pub(crate) fn publish(self, keys: &mut dyn DatasetKeys) -> Result<Manifest, MatchError> {
        let Self { writer, stamp, origin, tables } = self;
        Ok(writer.publish(stamp.version, stamp.check, origin, tables, keys)?)
    }
}

/// Publishes a dataset that linking made: its tables, and what is locked up beside them.
pub(crate) fn publish(
    store: (&Store, &RunId),
    keys: &mut dyn DatasetKeys,
    stamp: KeyOrigin,
    of: (&DatasetRef, Origin),
    tables: &[(&str, &RecordBatch)],
    files: &[(&str, &[u8])],
) -> Result<Manifest, MatchError> {
    stage(store, keys, stamp, of, tables, files)?.publish(keys)
}

/// Tables and columns of them with other values in nearly all rows.
const WITHOUT_DICTIONARY: [(&str, &str); 5] = [
    (CHILDREN, "child"),
    (CROSSWALK, "row"),
    (ledger::EVIDENCE, "evidence"),
    (ledger::IDS, "id"),
    (ledger::IDS, "made"),
];

/// Writes a dataset that linking made.
pub(crate) fn stage(
    (store, run): (&Store, &RunId),
    keys: &mut dyn DatasetKeys,
    stamp: KeyOrigin,
    (dataset, origin): (&DatasetRef, Origin),
    tables: &[(&str, &RecordBatch)],
    locked: &[(&str, &[u8])],
) -> Result<StagedDataset, MatchError> {
    let (key, wrapped) = keys.create(dataset).map_err(StoreError::from)?;
    let writer = store.stage(dataset, run, key, wrapped)?;
    let writers = tables.iter().map(|(table, batch)| {
        let plain = WITHOUT_DICTIONARY.iter().filter(|(of, _)| of == table);
        let plain: Vec<&str> = plain.map(|(_, column)| *column).collect();
        let name: TableName = table.parse().map_err(|_| MatchError::Name)?;
        Ok(writer.table_of_unique(&name, at_rest(&batch.schema()), &plain)?.in_row_groups()?)
    });
    let writers: Vec<RowGroupWriter> = writers.collect::<Result<_, MatchError>>()?;
    let groups = writers.iter().zip(tables).flat_map(|(writer, (_, batch))| {
        (0..batch.num_rows().div_ceil(GROUP)).map(move |group| (writer, *batch, group))
    });
    on_all_cores(groups.collect(), |(writer, batch, group)| {
        let end = ((group + 1) * GROUP).min(batch.num_rows());
        // Codes become texts a piece at a time: all at once they are most of what linking holds.
        let pieces = (group * GROUP..end).step_by(PIECE);
        writer.write(group, pieces.map(|at| texts(&batch.slice(at, PIECE.min(end - at)))))
    })?;
    let written = writers.into_iter().zip(tables);
    let written = written.map(|(writer, (_, batch))| writer.finish(batch.num_rows() as u64));
    let tables: Vec<TableEntry> = written.collect::<Result<_, _>>()?;
    for (name, bytes) in locked {
        writer.locked(name, bytes)?;
    }
    Ok(StagedDataset { writer, stamp, origin, tables })
}

/// A table's columns as they are written: texts stand in no dictionary.
fn at_rest(schema: &Schema) -> SchemaRef {
    let plain = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(_, texts) => {
            Arc::new(field.as_ref().clone().with_data_type(texts.as_ref().clone()))
        }
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

/// Rows as they are written.
fn texts(batch: &RecordBatch) -> Result<RecordBatch, MatchError> {
    let schema = at_rest(&batch.schema());
    let columns = batch.columns().iter().map(|column| match column.as_any_dictionary_opt() {
        Some(coded) => take(coded.values(), coded.keys(), None),
        None => Ok(Arc::clone(column)),
    });
    let columns = columns.collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}
