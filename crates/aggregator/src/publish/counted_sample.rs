//! The sample of the children whom a release counted, in its restricted report.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, UInt64Array},
    datatypes::UInt64Type,
};
use minster_model::Purpose;
use minster_store::{DatasetKeys, DatasetWriter, Store, StoreError, TableEntry};

use crate::{
    earlier_releases::{entry::Entry, sample::Sample},
    error::AggregateError,
    publish::restricted_report,
};

/// The table's name.
const SAMPLE: &str = "sample";

/// Writes it into a release's report.
pub(super) fn write(writer: &DatasetWriter, sample: &Sample) -> Result<TableEntry, AggregateError> {
    let keys: ArrayRef = Arc::new(UInt64Array::from_iter_values(sample.keys()));
    restricted_report::write(writer, SAMPLE, vec![("record_key", keys)])
}

/// The sample of the children whom a release counted; none where its report is gone, or has none.
pub(crate) fn read(
    entry: &Entry,
    store: &Store,
    purpose: &Purpose,
    keys: &mut dyn DatasetKeys,
) -> Result<Option<Sample>, AggregateError> {
    let report =
        restricted_report::dataset(&entry.definition.name, &entry.sha256, &entry.period, purpose)?;
    let manifest = match store.manifest(&report) {
        Ok((manifest, _)) => manifest,
        Err(StoreError::NoDataset { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !manifest.tables.iter().any(|table| table.name.as_str() == SAMPLE) {
        return Ok(None);
    }
    let report = store.dataset(&report, keys)?;
    let mut sample = Sample::default();
    for batch in restricted_report::table(&report, SAMPLE)? {
        let batch = batch?;
        let keys = batch.columns().first().and_then(|of| of.as_primitive_opt::<UInt64Type>());
        keys.ok_or_else(restricted_report::unreadable)?
            .iter()
            .flatten()
            .for_each(|key| sample.add(key));
    }
    Ok(Some(sample))
}
