//! Columns of a batch of children, as text and as numbers.

use arrow::{
    array::{Array, ArrayRef, Int64Array, RecordBatch, StringViewArray},
    compute::cast,
    datatypes::DataType,
};
use minster_model::ColumnName;

use crate::AggregateError;

/// A text column.
#[derive(Clone)]
pub(crate) struct Texts(StringViewArray);

impl Texts {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter()
    }

    /// What `of` says of each row's text: it is asked once for texts that follow each other and are
    /// short. `other` where there is no text, or it says nothing.
    pub(crate) fn map_to(&self, other: u32, of: impl Fn(&str) -> Option<u32>) -> Vec<u32> {
        let views = self.0.views();
        let mut known: Memory = Memory::default();
        (0..self.0.len())
            .map(|row| {
                if self.0.is_null(row) {
                    return other;
                }
                let view = views[row];
                // A view holds a text of up to twelve bytes whole (Arrow columnar format).
                match view as u32 <= 12 {
                    true => known.get(view, || of(self.0.value(row)).unwrap_or(other)),
                    false => of(self.0.value(row)).unwrap_or(other),
                }
            })
            .collect()
    }
}

/// What was said of short texts: one slot a hash, the latest wins.
struct Memory {
    slots: Vec<(u128, u32)>,
}

impl Default for Memory {
    fn default() -> Self {
        // No view of a text is all ones: its length would be.
        Self { slots: vec![(u128::MAX, 0); 1 << 10] }
    }
}

impl Memory {
    fn get(&mut self, view: u128, ask: impl FnOnce() -> u32) -> u32 {
        let folded = (view as u64) ^ ((view >> 64) as u64).rotate_left(23);
        let at = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize;
        let slot = &mut self.slots[at];
        if slot.0 != view {
            *slot = (view, ask());
        }
        slot.1
    }
}

pub(crate) fn texts(batch: &RecordBatch, name: &ColumnName) -> Result<Texts, AggregateError> {
    let wrong = || failed(name.as_str(), "reading text");
    let array = cast(column(batch, name)?, &DataType::Utf8View).map_err(|_| wrong())?;
    let array = array.as_any().downcast_ref::<StringViewArray>().ok_or_else(wrong)?;
    Ok(Texts(array.clone()))
}

pub(crate) fn numbers(
    batch: &RecordBatch,
    name: &ColumnName,
) -> Result<Vec<Option<i64>>, AggregateError> {
    let wrong = || failed(name.as_str(), "reading numbers");
    let array = cast(column(batch, name)?, &DataType::Int64).map_err(|_| wrong())?;
    let array = array.as_any().downcast_ref::<Int64Array>().ok_or_else(wrong)?;
    Ok(array.iter().collect())
}

/// Numbers that are added up: a blank adds nothing, and one below zero is refused.
pub(crate) fn amounts(batch: &RecordBatch, name: &ColumnName) -> Result<Vec<u64>, AggregateError> {
    let amount = |number: Option<i64>| u64::try_from(number.unwrap_or_default());
    let amounts = numbers(batch, name)?.into_iter().map(amount).collect::<Result<_, _>>();
    amounts.map_err(|_| failed(name.as_str(), "adding up a column that goes below zero"))
}

fn column<'a>(batch: &'a RecordBatch, name: &ColumnName) -> Result<&'a ArrayRef, AggregateError> {
    batch.column_by_name(name.as_str()).ok_or_else(|| failed(name.as_str(), "reading the column"))
}

pub(crate) fn failed(table: &str, step: &'static str) -> AggregateError {
    AggregateError::Tabulate { table: table.to_owned(), step }
}
