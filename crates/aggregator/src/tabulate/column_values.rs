//! Columns of a batch of children, as text and as numbers.

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::{DataType, Date32Type, Int32Type},
};
use minster_model::ColumnName;

use crate::error::AggregateError;

/// A text column: a code a row, and the text of each code.
#[derive(Clone)]
pub(crate) struct Texts {
    codes: Int32Array,
    texts: StringArray,
}

impl Texts {
    /// Each row's text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.codes.iter().map(|code| code.map(|code| self.texts.value(code as usize)))
    }

    /// The texts that occur: each once, or a few times.
    pub(crate) fn distinct(&self) -> impl Iterator<Item = &str> {
        let mut occurs = vec![false; self.texts.len()];
        self.codes.iter().flatten().for_each(|code| occurs[code as usize] = true);
        (0..self.texts.len()).filter(move |&code| occurs[code]).map(|code| self.texts.value(code))
    }

    /// The number that `of` gives for each row's text; `other` where there is no text, or it says nothing.
    pub(crate) fn map_to(&self, other: u32, of: impl Fn(&str) -> Option<u32>) -> Vec<u32> {
        let said: Vec<u32> =
            self.texts.iter().map(|text| text.and_then(&of).unwrap_or(other)).collect();
        self.codes.iter().map(|code| code.map_or(other, |code| said[code as usize])).collect()
    }
}

pub(crate) fn texts(batch: &RecordBatch, name: &ColumnName) -> Result<Texts, AggregateError> {
    let wrong = || failed(name.as_str(), "reading text");
    let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let array = cast(column(batch, name)?, &coded).map_err(|_| wrong())?;
    let array = array.as_dictionary_opt::<Int32Type>().ok_or_else(wrong)?;
    let texts = array.values().as_string_opt::<i32>().ok_or_else(wrong)?;
    Ok(Texts { codes: array.keys().clone(), texts: texts.clone() })
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

/// Dates, as days since 1970. A column that nobody has a value of has no type of its own.
pub(crate) fn days(
    batch: &RecordBatch,
    name: &ColumnName,
) -> Result<Vec<Option<i32>>, AggregateError> {
    let wrong = || failed(name.as_str(), "reading dates");
    let column = column(batch, name)?;
    if *column.data_type() == DataType::Null || column.logical_null_count() == column.len() {
        return Ok(vec![None; column.len()]);
    }
    let days = column.as_primitive_opt::<Date32Type>().ok_or_else(wrong)?;
    Ok(days.iter().collect())
}

/// Rows without a value.
pub(crate) fn blanks(batch: &RecordBatch, name: &ColumnName) -> Result<u64, AggregateError> {
    Ok(column(batch, name)?.logical_null_count() as u64)
}

/// The column of the children's pseudonyms.
pub(crate) const CHILD: &str = "child";

/// Each child's record key: the first eight bytes of the pseudonym, which is the vault's keyed hash, so that
/// nobody without the dataset knows it.
pub(crate) fn record_keys(batch: &RecordBatch) -> Result<Vec<u64>, AggregateError> {
    let wrong = || failed(CHILD, "reading pseudonyms");
    let column = batch.column_by_name(CHILD).ok_or_else(wrong)?;
    let pseudonyms = column.as_fixed_size_binary_opt().ok_or_else(wrong)?;
    let key = |bytes: Option<&[u8]>| {
        let first = bytes?.first_chunk::<8>()?;
        Some(u64::from_be_bytes(*first))
    };
    pseudonyms.iter().map(|bytes| key(bytes).ok_or_else(wrong)).collect()
}

/// The least pseudonym of a batch; none where it has no rows.
pub(crate) fn least_pseudonym(batch: &RecordBatch) -> Result<Option<&[u8]>, AggregateError> {
    let wrong = || failed(CHILD, "reading pseudonyms");
    let column = batch.column_by_name(CHILD).ok_or_else(wrong)?;
    Ok(column.as_fixed_size_binary_opt().ok_or_else(wrong)?.iter().flatten().min())
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
