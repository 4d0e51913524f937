//! From the sources' datasets to one row a child.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int64Array,
        Int64Builder, RecordBatch, StringViewArray, StringViewBuilder,
    },
    compute::cast,
    datatypes::{DataType as ArrowType, Field, Schema},
};
use minster_model::{
    ColumnName, DatasetClass, DatasetRef, Period, Pseudonym, Purpose, RunId, SourceName, TableName,
};
use minster_store::{Dataset, DatasetKeys, Manifest, Store};
use polars::prelude::{DataType, NamedFrom, Series};

use crate::{
    MatchError,
    children::{Children, ChildrenBuilder, IdentityRow},
    definition::{DELIVERY, Identity, Matching, SummaryColumn},
    report::{LinkageReport, TableLinkage},
    standing,
    summary::{Summarised, Summariser, Summary},
};

/// The integrated dataset's only table.
pub const CHILDREN: &str = "children";
/// The report beside it.
pub(crate) const REPORT: &str = "linkage.json";

/// What to link.
pub struct Job<'a> {
    /// The store.
    pub store: &'a Store,
    /// The purpose: every dataset must be of it.
    pub purpose: &'a Purpose,
    /// The period of the integrated dataset.
    pub period: &'a Period,
    /// The run.
    pub run: &'a RunId,
    /// The deliveries' datasets, in order: a later one's attributes win.
    pub deliveries: &'a [DatasetRef],
    /// `matching.toml`.
    pub matching: &'a str,
    /// Links also where the integrated dataset that stands was made of the same.
    pub again: bool,
}

/// The reference of a purpose's integrated dataset.
pub fn integrated(purpose: &Purpose, period: &Period) -> Result<DatasetRef, MatchError> {
    let name = CHILDREN.parse().map_err(|_| MatchError::Name)?;
    let (period, purpose) = (period.clone(), purpose.clone());
    Ok(DatasetRef { class: DatasetClass::Integrated, name, period, purpose })
}

/// Links the deliveries' datasets and publishes the integrated one with its report. Where one stands that was
/// made of the same datasets by the same definition, nothing is done: its manifest names an earlier run.
pub fn link(
    job: &Job<'_>,
    keys: &mut dyn DatasetKeys,
) -> Result<(Manifest, LinkageReport), MatchError> {
    let matching =
        Matching::parse(job.matching).map_err(|error| MatchError::Definition(Box::new(error)))?;
    if !job.again
        && let Some(standing) = standing::standing(job, &matching)
    {
        return Ok(standing);
    }
    let datasets = open(job, &matching, keys)?;
    let mut builder = ChildrenBuilder::default();
    for (delivery, (identity, dataset)) in persons(&matching, &datasets).enumerate() {
        each_person(identity, dataset, |row, has_current| match (identity.spine, has_current) {
            (true, true) => builder.add_spine(row),
            (true, false) => builder.add_unnumbered(delivery, row),
            (false, _) => builder.add(row),
        })?;
    }
    let children = builder.build();
    let mut integration = Integration::new(&children, &matching);
    integration.count_persons(&matching, &datasets)?;
    let columns = integration.summarise(&matching, &datasets)?;
    let (batch, report) = integration.assemble(columns)?;
    let manifest = publish(job, keys, &datasets, &batch, &report)?;
    Ok((manifest, report))
}

type Datasets = Vec<(SourceName, Dataset)>;

fn open(
    job: &Job<'_>,
    matching: &Matching,
    keys: &mut dyn DatasetKeys,
) -> Result<Datasets, MatchError> {
    let mut datasets: Datasets = Vec::new();
    for wanted in standing::wanted(job, matching) {
        let dataset = job.store.dataset(wanted, keys)?;
        let check = &dataset.manifest().key_check;
        if datasets.first().is_some_and(|(_, first)| first.manifest().key_check != *check) {
            return Err(MatchError::OtherKey { dataset: dataset.manifest().dataset.clone() });
        }
        datasets.push((wanted.name.clone(), dataset));
    }
    match datasets.is_empty() {
        true => Err(MatchError::Nothing),
        false => Ok(datasets),
    }
}

fn persons<'a>(
    matching: &'a Matching,
    datasets: &'a Datasets,
) -> impl Iterator<Item = (&'a Identity, &'a Dataset)> {
    matching.identities.iter().flat_map(move |identity| {
        let of_source = datasets.iter().filter(|(name, _)| *name == identity.source);
        of_source.map(move |(_, dataset)| (identity, dataset))
    })
}

/// Gives each person's row, and whether it has the first of the identifiers.
fn each_person(
    identity: &Identity,
    dataset: &Dataset,
    mut take: impl FnMut(IdentityRow, bool),
) -> Result<(), MatchError> {
    let names: Vec<&ColumnName> = identity
        .identifiers
        .iter()
        .chain(&identity.match_keys)
        .chain(&identity.birth_date)
        .collect();
    let (ids, keys) = (identity.identifiers.len(), identity.match_keys.len());
    for batch in read(dataset, &identity.table, &names)? {
        let batch = batch?;
        let columns: Vec<&FixedSizeBinaryArray> =
            names.iter().map(|name| pseudonyms(&batch, name)).collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let some = |columns: &[&FixedSizeBinaryArray]| {
                columns.iter().filter_map(|column| pseudonym(column, row)).collect()
            };
            let has_current = columns.first().is_some_and(|column| !column.is_null(row));
            let person = IdentityRow {
                identifiers: some(&columns[..ids]),
                match_keys: some(&columns[ids..ids + keys]),
                birth_date: columns.get(ids + keys).and_then(|column| pseudonym(column, row)),
            };
            take(person, has_current);
        }
    }
    Ok(())
}

/// The children, and what is gathered about them.
struct Integration<'a> {
    children: &'a Children,
    /// Children off the spine whom a match key showed to be one on it.
    same_as: HashMap<u32, u32>,
    on_spine: Vec<bool>,
    present: BTreeMap<SourceName, Vec<bool>>,
    report: LinkageReport,
}

impl<'a> Integration<'a> {
    fn new(children: &'a Children, matching: &Matching) -> Self {
        let absent = || vec![false; children.names().len()];
        let present =
            matching.sources().into_iter().map(|source| (source.clone(), absent())).collect();
        let report = LinkageReport {
            format: 1,
            conflicting_identifiers: children.conflicting_identifiers() as u64,
            refused_merges: children.refused_merges(),
            ..LinkageReport::default()
        };
        let on_spine = children.on_spine().to_vec();
        Self { children, same_as: HashMap::new(), on_spine, present, report }
    }

    fn count_persons(
        &mut self,
        matching: &Matching,
        datasets: &Datasets,
    ) -> Result<(), MatchError> {
        let children = self.children;
        let mut found: Vec<(SourceName, u32)> = Vec::new();
        let mut tables: BTreeMap<(String, String), TableLinkage> = BTreeMap::new();
        for (identity, dataset) in persons(matching, datasets) {
            let (source, table) = (identity.source.as_str(), identity.table.as_str());
            let entry = tables
                .entry((source.to_owned(), table.to_owned()))
                .or_insert_with(|| TableLinkage::new(source, table));
            each_person(identity, dataset, |row, _| {
                let (child, linkage) = children.resolve(&row);
                entry.count(linkage, 1);
                let Some(child) = child else { return };
                self.on_spine[child as usize] |= identity.spine;
                found.push((identity.source.clone(), child));
                let own = row.identifiers.iter().find_map(|id| children.child(id));
                if let Some(own) = own.filter(|&own| own != child) {
                    self.same_as.insert(own, child);
                }
            })?;
        }
        self.report.tables = tables.into_values().collect();
        for (source, child) in found {
            self.mark(&source, child);
        }
        Ok(())
    }

    fn mark(&mut self, source: &SourceName, child: u32) {
        let child = self.same_as.get(&child).copied().unwrap_or(child);
        if let Some(present) = self.present.get_mut(source) {
            present[child as usize] = true;
        }
    }

    fn summarise(
        &mut self,
        matching: &Matching,
        datasets: &Datasets,
    ) -> Result<Vec<(String, Summary, Summarised)>, MatchError> {
        let persons: Vec<_> = matching
            .identities
            .iter()
            .map(|identity| (&identity.source, &identity.table))
            .collect();
        let mut counted = Vec::new();
        let mut columns = Vec::new();
        for column in &matching.columns {
            let table = (&column.source, &column.table);
            // Tables of persons are counted as such; of the others, each once.
            let count = !persons.contains(&table) && !counted.contains(&table);
            if count {
                counted.push(table);
            }
            columns.push(self.summarise_one(column, datasets, count)?);
        }
        Ok(columns)
    }

    fn summarise_one(
        &mut self,
        column: &SummaryColumn,
        datasets: &Datasets,
        count: bool,
    ) -> Result<(String, Summary, Summarised), MatchError> {
        let mut summariser = Summariser::new(column.name.as_str(), column.summary.clone());
        let mut linkage = TableLinkage::new(column.source.as_str(), column.table.as_str());
        let wanted: Vec<&ColumnName> =
            column.summary.columns().into_iter().filter(|name| name.as_str() != DELIVERY).collect();
        let tested = column.conditions.iter().map(|condition| &condition.column);
        let names: Vec<&ColumnName> =
            std::iter::once(&column.child).chain(wanted).chain(tested).collect();
        for (delivery, (_, dataset)) in
            datasets.iter().enumerate().filter(|(_, (name, _))| *name == column.source)
        {
            for batch in read(dataset, &column.table, &names)? {
                let batch = batch?;
                let (rows, children) = self.rows(column, &batch, &mut linkage)?;
                let values = column.summary.columns().into_iter().map(|name| match name.as_str() {
                    DELIVERY => Ok(Series::new(DELIVERY.into(), vec![delivery as i64; rows.len()])),
                    _ => series(&batch, name, &rows),
                });
                summariser.add(&children, values.collect::<Result<_, _>>()?)?;
            }
        }
        if count {
            self.report.tables.push(linkage);
        }
        Ok((column.name.to_string(), column.summary.clone(), summariser.finish()?))
    }

    /// The batch's rows that pass the conditions and are about a known child, and that child.
    fn rows(
        &mut self,
        column: &SummaryColumn,
        batch: &RecordBatch,
        linkage: &mut TableLinkage,
    ) -> Result<(Vec<usize>, Vec<u32>), MatchError> {
        use crate::children::Linkage;
        let ids = pseudonyms(batch, &column.child)?;
        let mut tests = Vec::new();
        for condition in &column.conditions {
            tests.push((texts(batch, &condition.column)?, &condition.values));
        }
        let mut last: Option<(Pseudonym, Option<u32>)> = None;
        let (mut rows, mut children) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let Some(id) = pseudonym(ids, row) else {
                linkage.count(Linkage::NoIdentifier, 1);
                continue;
            };
            let child = match last {
                Some((known, child)) if known == id => child,
                _ => {
                    let child = self.children.child(&id);
                    child.map(|child| self.same_as.get(&child).copied().unwrap_or(child))
                }
            };
            if last != Some((id, child)) {
                last = Some((id, child));
                if let Some(child) = child {
                    self.mark(&column.source, child);
                }
            }
            let on_spine = child.is_some_and(|child| self.on_spine[child as usize]);
            linkage.count(if on_spine { Linkage::Identifier } else { Linkage::NotOnSpine }, 1);
            let passes = tests.iter().all(|(texts, values)| {
                !texts.is_null(row) && values.iter().any(|value| value == texts.value(row))
            });
            if let (Some(child), true) = (child, passes) {
                rows.push(row);
                children.push(child);
            }
        }
        Ok((rows, children))
    }

    fn assemble(
        mut self,
        columns: Vec<(String, Summary, Summarised)>,
    ) -> Result<(RecordBatch, LinkageReport), MatchError> {
        let kept: Vec<u32> = (0..self.children.names().len() as u32)
            .filter(|child| !self.same_as.contains_key(child))
            .collect();
        let flags = |flags: &[bool]| -> ArrayRef {
            Arc::new(BooleanArray::from_iter(kept.iter().map(|&child| Some(flags[child as usize]))))
        };
        let mut names = FixedSizeBinaryBuilder::with_capacity(kept.len(), Pseudonym::LEN as i32);
        for &child in &kept {
            names.append_value(self.children.names()[child as usize].as_bytes())?;
        }
        let on_spine = flags(&self.on_spine);
        self.report.children = kept.len() as u64;
        self.report.on_spine =
            kept.iter().filter(|&&child| self.on_spine[child as usize]).count() as u64;
        let mut fields: Vec<(String, ArrayRef)> =
            vec![("child".to_owned(), Arc::new(names.finish())), ("on_spine".to_owned(), on_spine)];
        for (source, present) in &self.present {
            fields.push((format!("in_{source}"), flags(present)));
        }
        for (name, summary, summarised) in columns {
            let values = spread(&name, &summary, &summarised, &kept)?;
            fields.push((name, values));
        }
        let schema = fields
            .iter()
            .map(|(name, values)| Field::new(name, values.data_type().clone(), true))
            .collect::<Vec<_>>();
        let arrays = fields.into_iter().map(|(_, values)| values).collect();
        Ok((RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays)?, self.report))
    }
}

fn publish(
    job: &Job<'_>,
    keys: &mut dyn DatasetKeys,
    datasets: &Datasets,
    batch: &RecordBatch,
    report: &LinkageReport,
) -> Result<Manifest, MatchError> {
    let dataset = integrated(job.purpose, job.period)?;
    let (key, wrapped) = keys.create(&dataset).map_err(minster_store::StoreError::from)?;
    let writer = job.store.stage(&dataset, job.run, key, wrapped)?;
    let mut table =
        writer.table(&CHILDREN.parse().map_err(|_| MatchError::Name)?, batch.schema())?;
    table.write(batch)?;
    let table = table.finish()?;
    let json = serde_json::to_vec_pretty(report).map_err(MatchError::Report)?;
    writer.file(REPORT, &json)?;
    writer.file("linkage.txt", report.text().as_bytes())?;
    let (_, first) = datasets.first().ok_or(MatchError::Nothing)?;
    let (version, check) = (first.manifest().key_version, first.manifest().key_check.clone());
    let made_of = datasets.iter().map(|(_, dataset)| {
        (dataset.manifest().dataset.clone(), dataset.manifest_sha256().to_owned())
    });
    let origin = standing::origin(job, made_of.collect());
    Ok(writer.publish(version, check, origin, vec![table])?)
}

fn read(
    dataset: &Dataset,
    table: &TableName,
    columns: &[&ColumnName],
) -> Result<minster_store::TableReader, MatchError> {
    let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
    Ok(dataset.table(table, Some(&names))?)
}

fn column<'a>(batch: &'a RecordBatch, name: &ColumnName) -> Result<&'a ArrayRef, MatchError> {
    batch.column_by_name(name.as_str()).ok_or_else(|| MatchError::NoColumn { column: name.clone() })
}

fn pseudonyms<'a>(
    batch: &'a RecordBatch,
    name: &ColumnName,
) -> Result<&'a FixedSizeBinaryArray, MatchError> {
    let column = column(batch, name)?;
    let wrong = || MatchError::WrongType { column: name.clone(), expected: "pseudonyms" };
    let array = column.as_any().downcast_ref::<FixedSizeBinaryArray>().ok_or_else(wrong)?;
    if array.value_length() == Pseudonym::LEN as i32 { Ok(array) } else { Err(wrong()) }
}

fn pseudonym(column: &FixedSizeBinaryArray, row: usize) -> Option<Pseudonym> {
    let bytes = (!column.is_null(row)).then(|| column.value(row))?;
    bytes.try_into().ok().map(Pseudonym::from_bytes)
}

fn texts<'a>(batch: &'a RecordBatch, name: &ColumnName) -> Result<&'a StringViewArray, MatchError> {
    let wrong = || MatchError::WrongType { column: name.clone(), expected: "text" };
    column(batch, name)?.as_any().downcast_ref::<StringViewArray>().ok_or_else(wrong)
}

/// Some rows of a column as Polars takes them: text, or whole numbers (days, flags).
fn series(batch: &RecordBatch, name: &ColumnName, rows: &[usize]) -> Result<Series, MatchError> {
    let values = column(batch, name)?;
    if let Some(texts) = values.as_any().downcast_ref::<StringViewArray>() {
        let values: Vec<Option<&str>> =
            rows.iter().map(|&row| (!texts.is_null(row)).then(|| texts.value(row))).collect();
        return Ok(Series::new(name.as_str().into(), values));
    }
    let whole = match values.data_type() {
        ArrowType::Date32 => cast(&cast(values, &ArrowType::Int32)?, &ArrowType::Int64)?,
        _ => cast(values, &ArrowType::Int64)?,
    };
    let wrong = || MatchError::WrongType { column: name.clone(), expected: "text or numbers" };
    let whole = whole.as_any().downcast_ref::<Int64Array>().ok_or_else(wrong)?;
    let values: Vec<Option<i64>> =
        rows.iter().map(|&row| (!whole.is_null(row)).then(|| whole.value(row))).collect();
    Ok(Series::new(name.as_str().into(), values))
}

/// One value a child: counts and sums are 0 where there is no row, other summaries null.
fn spread(
    name: &str,
    summary: &Summary,
    summarised: &Summarised,
    kept: &[u32],
) -> Result<ArrayRef, MatchError> {
    let wrong = || MatchError::Values { column: name.to_owned() };
    let place: HashMap<u32, usize> =
        summarised.children.iter().enumerate().map(|(place, &child)| (child, place)).collect();
    let places = kept.iter().map(|child| place.get(child).copied());
    if summarised.values.dtype() == &DataType::String {
        let texts = summarised.values.str().map_err(|_| wrong())?;
        let mut builder = StringViewBuilder::new().with_deduplicate_strings();
        places.for_each(|place| builder.append_option(place.and_then(|place| texts.get(place))));
        return Ok(Arc::new(builder.finish()));
    }
    let numbers = summarised.values.cast(&DataType::Int64).map_err(|_| wrong())?;
    let numbers = numbers.i64().map_err(|_| wrong())?;
    let absent = matches!(summary, Summary::Count | Summary::Sum { .. }).then_some(0);
    let mut builder = Int64Builder::new();
    for place in places {
        builder.append_option(place.and_then(|place| numbers.get(place)).or(absent));
    }
    Ok(Arc::new(builder.finish()))
}
