//! A column's cells as numbers: days, whole numbers and flags as themselves, texts by a number of their own.

use std::sync::Arc;

use ahash::HashMap;
use arrow::{
    array::{
        Array, ArrayRef, Date32Array, DictionaryArray, Int64Array, PrimitiveArray, RecordBatch,
        StringArray, StringViewArray,
    },
    compute::cast,
    datatypes::{ArrowPrimitiveType, DataType, Int32Type},
};
use minster_model::ColumnName;

use crate::MatchError;

/// Texts by number.
#[derive(Default)]
pub(crate) struct TextCodes {
    texts: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, i64>,
    /// Whether a column of texts was seen.
    pub(crate) are_used: bool,
}

impl TextCodes {
    fn code(&mut self, text: &str) -> i64 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let (text, code): (Arc<str>, i64) = (text.into(), self.texts.len() as i64);
        self.texts.push(Arc::clone(&text));
        self.codes.insert(text, code);
        code
    }

    /// A column of values: texts by their codes, each text once, where there are texts; else the numbers.
    pub(crate) fn column(
        &self,
        values: impl Iterator<Item = Option<i64>>,
    ) -> Result<ArrayRef, MatchError> {
        if !self.are_used {
            return Ok(Arc::new(values.collect::<Int64Array>()));
        }
        let texts = StringViewArray::from_iter_values(&self.texts);
        let codes = values.map(|code| code.map(|code| code as i32)).collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(codes, Arc::new(texts))?))
    }

    pub(crate) fn text(&self, code: i64) -> Option<&str> {
        self.texts.get(usize::try_from(code).ok()?).map(AsRef::as_ref)
    }
}

/// A column's values as numbers: themselves, or those of texts.
pub(crate) enum NumericColumn {
    Whole(Int64Array),
    Days(Date32Array),
    Texts { keys: PrimitiveArray<Int32Type>, codes: Vec<i64> },
    Absent,
}

impl NumericColumn {
    /// Reads a column of any kind; a batch without it has blanks.
    pub(crate) fn of(
        batch: &RecordBatch,
        name: &ColumnName,
        words: &mut TextCodes,
    ) -> Result<Self, MatchError> {
        let Some(column) = batch.column_by_name(name.as_str()) else { return Ok(Self::Absent) };
        let Some(coded) = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>() else {
            return Self::whole(batch, name);
        };
        let wrong = || MatchError::WrongType { column: name.clone(), expected: "text" };
        let texts = coded.values().as_any().downcast_ref::<StringArray>().ok_or_else(wrong)?;
        words.are_used = true;
        let codes = texts.iter().map(|text| words.code(text.unwrap_or_default())).collect();
        Ok(Self::Texts { keys: coded.keys().clone(), codes })
    }

    /// Reads a column of days, whole numbers or flags.
    pub(crate) fn whole(batch: &RecordBatch, name: &ColumnName) -> Result<Self, MatchError> {
        match batch.column_by_name(name.as_str()) {
            None => Ok(Self::Absent),
            Some(column) => match column.as_any().downcast_ref::<Date32Array>() {
                Some(days) => Ok(Self::Days(days.clone())),
                None => whole(column, name).map(Self::Whole),
            },
        }
    }

    /// All days, where none is blank.
    pub(crate) fn days(&self) -> Option<&[i32]> {
        match self {
            Self::Days(days) if days.null_count() == 0 => Some(days.values()),
            _ => None,
        }
    }

    /// All whole numbers, where none is blank.
    pub(crate) fn whole_numbers(&self) -> Option<&[i64]> {
        match self {
            Self::Whole(whole) if whole.null_count() == 0 => Some(whole.values()),
            _ => None,
        }
    }

    pub(crate) fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Whole(whole) => value(whole, row),
            Self::Days(days) => value(days, row).map(i64::from),
            Self::Texts { keys, codes } => value(keys, row).map(|key| codes[key as usize]),
            Self::Absent => None,
        }
    }
}

#[inline]
fn value<T: ArrowPrimitiveType>(cells: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    cells.is_valid(row).then(|| cells.value(row))
}

/// The one type that a column has in all deliveries that have it: numbers of texts and whole numbers are not compared.
#[derive(Default)]
pub(crate) struct OneType(pub(crate) Option<DataType>);

impl OneType {
    /// Whether a batch has the column.
    ///
    /// # Errors
    /// [`MatchError::TwoTypes`], where another batch had it with another type.
    pub(crate) fn is_that_of(
        &mut self,
        batch: &RecordBatch,
        name: &ColumnName,
    ) -> Result<bool, MatchError> {
        let Some(column) = batch.column_by_name(name.as_str()) else { return Ok(false) };
        match &self.0 {
            Some(known) if known == column.data_type() => Ok(true),
            Some(_) => Err(MatchError::TwoTypes { column: name.clone() }),
            None => {
                self.0 = Some(column.data_type().clone());
                Ok(true)
            }
        }
    }
}

/// A column of days, whole numbers or flags, as numbers.
pub(crate) fn whole(column: &ArrayRef, name: &ColumnName) -> Result<Int64Array, MatchError> {
    let wrong =
        || MatchError::WrongType { column: name.clone(), expected: "days or whole numbers" };
    let whole = match column.data_type() {
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
        DataType::Boolean => cast(column, &DataType::Int64)?,
        data_type if data_type.is_integer() => cast(column, &DataType::Int64)?,
        _ => return Err(wrong()),
    };
    whole.as_any().downcast_ref::<Int64Array>().cloned().ok_or_else(wrong)
}
