//! The dataset of ids: what leads to each, which was made when, and every merge and split. One for all periods of a purpose.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array},
    compute::concat_batches,
};
use minster_model::{DatasetClass, DatasetRef, Pseudonym, Purpose};
use minster_store::{Dataset, DatasetKeys, Origin, Store, StoreError};

use crate::{
    Job, MatchError,
    children::Children,
    definition::Matching,
    events::Delivered,
    identities::{ChangeKind, Identities},
    job::{KeyOrigin, StagedDataset, stage},
    person_tables::pseudonym,
    sorted_numbers::by_pseudonym,
    tables::{batch, pseudonyms},
};

/// The tables: what leads to an id, ids in the order in which they were made, and what happened to them.
pub(crate) const EVIDENCE: &str = "evidence";
pub(crate) const IDS: &str = "ids";
const CHANGES: &str = "changes";

/// The ids that stand, as they were read.
pub(crate) struct Ledger {
    pub(crate) identities: Identities,
    changes: Option<RecordBatch>,
}

/// The reference of the dataset of ids.
fn dataset(job: &Job<'_>) -> Result<DatasetRef, MatchError> {
    ledger_of(job.purpose)
}

/// The dataset of ids of a purpose.
///
/// # Errors
/// None that happens: its names are names.
pub fn ledger_of(purpose: &Purpose) -> Result<DatasetRef, MatchError> {
    Ok(DatasetRef {
        class: DatasetClass::Integrated,
        name: "identities".parse().map_err(|_| MatchError::Name)?,
        period: "all".parse().map_err(|_| MatchError::Name)?,
        purpose: purpose.clone(),
    })
}

/// The children to whom some numbers lead.
#[derive(Debug, Default)]
pub struct LedTo {
    /// Their ids, and those that were merged into them.
    pub ids: HashSet<Pseudonym>,
    /// All else that leads to them: other numbers and match keys, each with the id.
    pub others: HashMap<Pseudonym, Pseudonym>,
}

/// The ids of the children to whom some numbers lead, in the dataset of ids that stands; none where there is no such dataset.
///
/// # Errors
/// Where it cannot be read.
pub fn ids_led_to(
    store: &Store,
    purpose: &Purpose,
    numbers: &HashSet<Pseudonym>,
    keys: &mut dyn DatasetKeys,
) -> Result<LedTo, MatchError> {
    let mut led = LedTo::default();
    let dataset = match store.dataset(&ledger_of(purpose)?, keys) {
        Ok(dataset) => dataset,
        Err(StoreError::NoDataset { .. }) => return Ok(led),
        Err(error) => return Err(error.into()),
    };
    let LedTo { ids, others } = &mut led;
    each(&dataset, EVIDENCE, |batch| {
        let [evidence, led_to] = [pseudonym_column(batch, 0)?, pseudonym_column(batch, 1)?];
        for row in 0..batch.num_rows() {
            if pseudonym(evidence, row).is_some_and(|one| numbers.contains(&one)) {
                ids.extend(pseudonym(led_to, row));
            }
        }
        Ok(())
    })?;
    let mut merges = Vec::new();
    each(&dataset, CHANGES, |batch| {
        let happened = batch.column(1).as_any().downcast_ref::<StringArray>();
        let happened = happened.ok_or(MatchError::Ledger)?;
        let [from, to] = [pseudonym_column(batch, 2)?, pseudonym_column(batch, 3)?];
        for row in 0..batch.num_rows() {
            if happened.value(row) == ChangeKind::Merged.as_str() {
                merges.extend(pseudonym(from, row).zip(pseudonym(to, row)));
            }
        }
        Ok(())
    })?;
    let mut former = merged_into(ids, &merges);
    each(&dataset, EVIDENCE, |batch| {
        let [evidence, led_to] = [pseudonym_column(batch, 0)?, pseudonym_column(batch, 1)?];
        for row in 0..batch.num_rows() {
            let Some((one, id)) = pseudonym(evidence, row).zip(pseudonym(led_to, row)) else {
                continue;
            };
            // Something leads to it again: it is another child's.
            former.remove(&id);
            if ids.contains(&id) && !numbers.contains(&one) {
                others.insert(one, id);
            }
        }
        Ok(())
    })?;
    ids.extend(former);
    Ok(led)
}

/// The ids that were merged into some, in whatever steps: datasets of earlier periods have them still.
fn merged_into(ids: &HashSet<Pseudonym>, merges: &[(Pseudonym, Pseudonym)]) -> HashSet<Pseudonym> {
    let mut former = HashSet::new();
    // The last merge first: what was merged into an id before went on with it.
    for (from, to) in merges.iter().rev() {
        if (ids.contains(to) || former.contains(to)) && !ids.contains(from) {
            former.insert(*from);
        }
    }
    former
}

impl Ledger {
    /// Opens its dataset; there may be none yet.
    ///
    /// # Errors
    /// [`MatchError::OtherKey`] where its ids are of other keys than the deliveries' pseudonyms.
    pub(crate) fn open(
        job: &Job<'_>,
        delivered: &[Delivered],
        keys: &mut dyn DatasetKeys,
    ) -> Result<Option<Dataset>, MatchError> {
        let dataset = match job.store.dataset(&dataset(job)?, keys) {
            Ok(dataset) => dataset,
            Err(StoreError::NoDataset { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let check = &dataset.manifest().key_check;
        if delivered.first().is_some_and(|one| one.dataset.manifest().key_check != *check) {
            return Err(MatchError::OtherKey { dataset: dataset.manifest().dataset.clone() });
        }
        Ok(Some(dataset))
    }

    /// Reads it; where there is none, nobody has an id yet.
    pub(crate) fn read(dataset: Option<Dataset>) -> Result<Self, MatchError> {
        let Some(dataset) = dataset else {
            return Ok(Self { identities: Identities::default(), changes: None });
        };
        let mut read = Identities::default();
        let rows = |table: &str| {
            let mut tables = dataset.manifest().tables.iter();
            tables.find(|known| known.name.as_str() == table).map_or(0, |known| known.rows as usize)
        };
        read.evidence.reserve(rows(EVIDENCE));
        read.made.reserve(rows(IDS));
        each(&dataset, EVIDENCE, |batch| {
            let [evidence, ids] = [pseudonym_column(batch, 0)?, pseudonym_column(batch, 1)?];
            for row in 0..batch.num_rows() {
                let pair = pseudonym(evidence, row).zip(pseudonym(ids, row));
                read.evidence.extend(pair);
            }
            Ok(())
        })?;
        each(&dataset, IDS, |batch| {
            let ids = pseudonym_column(batch, 0)?;
            let made = batch.column(1).as_any().downcast_ref::<UInt64Array>();
            let made = made.ok_or(MatchError::Ledger)?;
            for row in 0..batch.num_rows() {
                read.made.extend(pseudonym(ids, row).map(|id| (id, made.value(row))));
            }
            Ok(())
        })?;
        let mut changes: Vec<RecordBatch> = Vec::new();
        each(&dataset, CHANGES, |batch| {
            changes.push(batch.clone());
            Ok(())
        })?;
        let changes = match changes.first() {
            Some(first) => Some(concat_batches(&first.schema(), &changes)?),
            None => None,
        };
        Ok(Self { identities: read, changes })
    }

    /// How many ids were made, merged and split since the first linking, this one included: linking the same again gives the
    /// same numbers.
    pub(crate) fn counted(&self, children: &Children) -> Result<BTreeMap<String, u64>, MatchError> {
        let mut counted = BTreeMap::from([("made".to_owned(), self.identities.made.len() as u64)]);
        for (change, _) in children.changes() {
            *counted.entry(change.happened.as_str().to_owned()).or_default() += 1;
        }
        if let Some(changes) = &self.changes {
            let happened = changes.column(1).as_any().downcast_ref::<StringArray>();
            for happened in happened.ok_or(MatchError::Ledger)?.iter().flatten() {
                *counted.entry(happened.to_owned()).or_default() += 1;
            }
        }
        Ok(counted)
    }

    /// Writes it with what linking made, merged, split or learnt.
    pub(crate) fn stage(
        self,
        job: &Job<'_>,
        children: &Children,
        delivered: &[Delivered],
        keys: &mut dyn DatasetKeys,
    ) -> Result<StagedDataset, MatchError> {
        let Identities { evidence, made } = self.identities;
        let made = by_pseudonym(made.into_iter().collect());
        let places = made.iter().map(|(_, place)| *place);
        let ids = batch(vec![
            ("id".into(), pseudonyms(made.iter().map(|(id, _)| *id))?),
            ("made".into(), Arc::new(UInt64Array::from_iter_values(places))),
        ])?;
        drop(made);
        let evidence = by_pseudonym(evidence.into_iter().collect());
        let leads = batch(vec![
            ("evidence".into(), pseudonyms(evidence.iter().map(|(one, _)| *one))?),
            ("id".into(), pseudonyms(evidence.iter().map(|(_, id)| *id))?),
        ])?;
        drop(evidence);
        let now = changes(job, children)?;
        let changes = match &self.changes {
            Some(before) => concat_batches(&now.schema(), [before, &now])?,
            None => now,
        };
        let dataset = dataset(job)?;
        let tables = [(EVIDENCE, &leads), (IDS, &ids), (CHANGES, &changes)];
        let definition = Matching::sha256(job.matching);
        let origin =
            Origin::datasets(definition, delivered.iter().map(Delivered::made_of).collect());
        let stamp = KeyOrigin::of(delivered)?;
        stage((job.store, job.run), keys, stamp, (&dataset, origin), &tables, &[])
    }
}

/// The changes of ids in this run.
fn changes(job: &Job<'_>, children: &Children) -> Result<RecordBatch, MatchError> {
    let changes = children.changes();
    let texts = |text: &dyn Fn(&(crate::identities::Change, String)) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(changes.iter().map(text)))
    };
    batch(vec![
        ("run".into(), texts(&|_| job.run.to_string())),
        ("happened".into(), texts(&|(change, _)| change.happened.as_str().to_owned())),
        ("from".into(), pseudonyms(changes.iter().map(|(change, _)| change.from))?),
        ("to".into(), pseudonyms(changes.iter().map(|(change, _)| change.to))?),
        ("why".into(), texts(&|(_, why)| why.clone())),
    ])
}

pub(crate) fn each(
    dataset: &Dataset,
    table: &str,
    mut each: impl FnMut(&RecordBatch) -> Result<(), MatchError>,
) -> Result<(), MatchError> {
    for batch in dataset.table(&table.parse().map_err(|_| MatchError::Name)?, None)? {
        each(&batch?)?;
    }
    Ok(())
}

pub(crate) fn pseudonym_column(
    batch: &RecordBatch,
    column: usize,
) -> Result<&FixedSizeBinaryArray, MatchError> {
    let column = batch.columns().get(column).ok_or(MatchError::Ledger)?;
    let pseudonyms = column.as_any().downcast_ref::<FixedSizeBinaryArray>();
    pseudonyms
        .filter(|pseudonyms| pseudonyms.value_length() == Pseudonym::LEN as i32)
        .ok_or(MatchError::Ledger)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(n: u8) -> Pseudonym {
        Pseudonym::from_bytes([n; Pseudonym::LEN])
    }

    #[test]
    fn an_id_has_all_that_were_merged_into_it_step_by_step() {
        // 1 into 2, later 2 into 3; 4 into 5 is another child's, and so is what came from 3 before it was the child's.
        let merges = [(p(1), p(2)), (p(4), p(5)), (p(2), p(3))];
        let former = |id| merged_into(&HashSet::from([p(id)]), &merges);
        assert_eq!(former(3), HashSet::from([p(1), p(2)]));
        assert_eq!(former(5), HashSet::from([p(4)]));
        assert_eq!(former(1), HashSet::new());
    }
}
