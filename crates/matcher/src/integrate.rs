//! From the sources' datasets to one row a child.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, FixedSizeBinaryBuilder, Int64Array, RecordBatch},
    datatypes::{Field, Schema},
};
use minster_model::{
    ColumnName, DatasetClass, DatasetRef, Period, Pseudonym, Purpose, RunId, SourceName, TableName,
};
use minster_store::{DatasetKeys, Manifest, Store};

use crate::{
    MatchError,
    children::Children,
    definition::{Matching, Ratio, SummaryColumn},
    events::{Delivered, Pass, Passed, nearest},
    people::People,
    report::{FORMAT, LinkageReport, Linked, REPORT, TableLinkage},
    standing,
};

/// The integrated dataset's only table.
pub const CHILDREN: &str = "children";

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
    let delivered = open(job, &matching, keys)?;
    let mut people = People::read(&matching, &delivered)?;
    let children = Children::new(&people.persons);
    match children.lost() {
        0 => people.prefer(&matching, &children),
        rows => return Err(MatchError::Lost { rows }),
    }
    let mut integration = Integration::new(&matching, &children, &people, &delivered);
    let columns = integration.summarise()?;
    let (batch, report) = integration.assemble(columns)?;
    let manifest = publish(job, keys, &delivered, &batch, &report)?;
    Ok((manifest, report))
}

fn open(
    job: &Job<'_>,
    matching: &Matching,
    keys: &mut dyn DatasetKeys,
) -> Result<Vec<Delivered>, MatchError> {
    let mut delivered: Vec<Delivered> = Vec::new();
    for (wanted, place) in standing::wanted(job, matching).zip(0..) {
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

/// The children, and what is gathered about them.
struct Integration<'a> {
    matching: &'a Matching,
    children: &'a Children,
    people: &'a People,
    delivered: &'a [Delivered],
    present: BTreeMap<SourceName, Vec<bool>>,
    report: LinkageReport,
}

impl<'a> Integration<'a> {
    fn new(
        matching: &'a Matching,
        children: &'a Children,
        people: &'a People,
        delivered: &'a [Delivered],
    ) -> Self {
        let absent = || vec![false; children.names().len()];
        let present =
            matching.sources().into_iter().map(|source| (source.clone(), absent())).collect();
        let on_spine = children.on_spine().iter().filter(|on_spine| **on_spine).count();
        let report = LinkageReport {
            format: FORMAT,
            children: children.names().len() as u64,
            on_spine: on_spine as u64,
            review: children.review().to_vec(),
            notes: people.missing.clone(),
            ..LinkageReport::default()
        };
        let mut integration = Self { matching, children, people, delivered, present, report };
        integration.count_persons();
        integration
    }

    fn count_persons(&mut self) {
        let delivered =
            |source: &SourceName| self.delivered.iter().any(|one| one.source == *source);
        for (place, identity) in self.matching.identities.iter().enumerate() {
            let (source, table) = (&identity.source, &identity.table);
            if !delivered(source) {
                continue;
            }
            let mut counted = TableLinkage::new(source.as_str(), table.as_str());
            for people in self.people.tables.iter().filter(|people| people.identity == place) {
                let of = &self.people.persons.tables[people.place];
                let linkage = self.children.linkage_of_table(people.place);
                let mut rows = Linked::default();
                linkage.iter().for_each(|linkage| rows.count(*linkage));
                counted.add(&of.period, rows);
                if let Some(present) = self.present.get_mut(source) {
                    let rows = self.children.of_table(people.place);
                    rows.iter().for_each(|child| present[*child as usize] = true);
                }
            }
            self.report.tables.push(counted);
        }
        self.report.tables.sort_by(|a, b| (&a.source, &a.table).cmp(&(&b.source, &b.table)));
    }

    /// Every column, each table's in one pass.
    fn summarise(&mut self) -> Result<Vec<(ColumnName, ArrayRef)>, MatchError> {
        type Place<'a> = (&'a SourceName, &'a TableName, Option<&'a ColumnName>);
        let mut tables: Vec<(Place<'_>, Vec<(usize, &SummaryColumn)>)> = Vec::new();
        for (place, column) in self.matching.columns.iter().enumerate() {
            let table = (&column.source, &column.table, column.child.as_ref());
            match tables.iter_mut().find(|known| known.0 == table) {
                Some(known) => known.1.push((place, column)),
                None => tables.push((table, vec![(place, column)])),
            }
        }
        let mut counted: Vec<(&SourceName, &TableName)> = Vec::new();
        let mut values: BTreeMap<usize, ArrayRef> = BTreeMap::new();
        for ((source, table, child), columns) in tables {
            let pass = Pass {
                matching: self.matching,
                children: self.children,
                people: self.people,
                source,
                table,
                child,
                columns: columns.iter().map(|column| column.1).collect(),
            };
            let passed = pass.run(self.delivered)?;
            self.look_for_unmet(&columns, &passed)?;
            for (summariser, (place, _)) in passed.summarisers.into_iter().zip(&columns) {
                values.insert(*place, summariser.finish());
            }
            if let Some(present) = self.present.get_mut(source) {
                let both = present.iter_mut().zip(&passed.present);
                both.for_each(|(present, passed)| *present |= passed);
            }
            // Tables of persons are counted as such; of the others, each once.
            if self.matching.identity(source, table).is_none()
                && !counted.contains(&(source, table))
            {
                counted.push((source, table));
                self.report.tables.push(passed.linkage);
            }
        }
        let names = self.matching.columns.iter().map(|column| column.name.clone());
        let mut columns: Vec<(ColumnName, ArrayRef)> = names.zip(values.into_values()).collect();
        for ratio in &self.matching.ratios {
            let values = share(ratio, &columns)?;
            columns.push((ratio.name.clone(), values));
        }
        Ok(columns)
    }

    /// A condition none of whose codes stands in any row would count nothing without a word.
    fn look_for_unmet(
        &mut self,
        columns: &[(usize, &SummaryColumn)],
        passed: &Passed,
    ) -> Result<(), MatchError> {
        for ((_, column), conditions) in columns.iter().zip(&passed.unmet) {
            for (condition, met) in column.conditions.iter().zip(conditions) {
                let unmet = met.values().filter(|is_met| !**is_met).count();
                if unmet == 0 {
                    continue;
                }
                if unmet == met.len() && condition.blank.is_none() {
                    return Err(MatchError::Unmet { column: column.name.clone() });
                }
                self.report.notes.push(format!(
                    "{}: {unmet} of the {} values of its condition stand in no row",
                    column.name,
                    met.len()
                ));
            }
        }
        Ok(())
    }

    /// For each delivery of the register, 1 where the child is a pupil in it: on roll on the day of that census.
    fn on_roll(&self) -> Vec<(String, ArrayRef)> {
        let mut on_roll: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for people in &self.people.tables {
            let table = &self.people.persons.tables[people.place];
            if !table.spine {
                continue;
            }
            let name = format!("on_roll_{}", table.period.as_str().replace('-', "_"));
            let present =
                on_roll.entry(name).or_insert_with(|| vec![0; self.children.names().len()]);
            let rows = self.children.of_table(people.place);
            rows.iter().for_each(|child| present[*child as usize] = 1);
        }
        let column =
            |(name, present)| -> (String, ArrayRef) { (name, Arc::new(Int64Array::from(present))) };
        on_roll.into_iter().map(column).collect()
    }

    fn assemble(
        self,
        columns: Vec<(ColumnName, ArrayRef)>,
    ) -> Result<(RecordBatch, LinkageReport), MatchError> {
        let flags = |flags: &[bool]| -> ArrayRef { Arc::new(BooleanArray::from(flags.to_vec())) };
        let names = self.children.names();
        let mut tokens = FixedSizeBinaryBuilder::with_capacity(names.len(), Pseudonym::LEN as i32);
        for child in names {
            tokens.append_value(child.as_bytes())?;
        }
        let mut fields: Vec<(String, ArrayRef)> = vec![
            ("child".to_owned(), Arc::new(tokens.finish())),
            ("on_spine".to_owned(), flags(self.children.on_spine())),
        ];
        for (source, present) in &self.present {
            fields.push((format!("in_{source}"), flags(present)));
        }
        fields.extend(self.on_roll());
        fields.extend(columns.into_iter().map(|(name, values)| (name.to_string(), values)));
        let schema = fields
            .iter()
            .map(|(name, values)| Field::new(name, values.data_type().clone(), true))
            .collect::<Vec<_>>();
        let arrays = fields.into_iter().map(|(_, values)| values).collect();
        Ok((RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays)?, self.report))
    }
}

/// 1 where one column is at least a share of another.
fn share(ratio: &Ratio, columns: &[(ColumnName, ArrayRef)]) -> Result<ArrayRef, MatchError> {
    let find = |name: &ColumnName| {
        let column = columns.iter().find(|(known, _)| known == name);
        let whole = column.and_then(|(_, values)| values.as_any().downcast_ref::<Int64Array>());
        whole.ok_or_else(|| MatchError::NoCount {
            column: ratio.name.clone(),
            of: name.clone(),
            nearest: nearest(name.as_str(), columns.iter().map(|(known, _)| known.as_str())),
        })
    };
    let (of, per) = (find(&ratio.of)?, find(&ratio.per)?);
    let at_least = |(of, per): (Option<i64>, Option<i64>)| {
        let (of, per) = (i128::from(of?), i128::from(per?));
        (per > 0).then(|| i64::from(of * 100 >= per * i128::from(ratio.at_least_percent)))
    };
    Ok(Arc::new(Int64Array::from_iter(of.iter().zip(per).map(at_least))))
}

fn publish(
    job: &Job<'_>,
    keys: &mut dyn DatasetKeys,
    delivered: &[Delivered],
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
    let first = delivered.first().ok_or(MatchError::Nothing)?.dataset.manifest();
    let (version, check) = (first.key_version, first.key_check.clone());
    let made_of = delivered.iter().map(|one| {
        (one.dataset.manifest().dataset.clone(), one.dataset.manifest_sha256().to_owned())
    });
    let origin = standing::origin(job, made_of.collect());
    Ok(writer.publish(version, check, origin, vec![table])?)
}
