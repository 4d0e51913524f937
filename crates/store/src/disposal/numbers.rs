//! A column of pseudonyms, as it is read: each row's, or codes into those of a row group.

use arrow::{
    array::{Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray},
    datatypes::Int32Type,
};
use minster_model::Pseudonym;

use crate::tokens::{WIDTH, is_same_dictionary, numbers_by_code};

/// The pseudonyms of a column.
#[derive(Clone, Copy)]
pub(super) enum Numbers<'a> {
    /// One a row.
    Rows(&'a FixedSizeBinaryArray),
    /// Codes, and the numbers that they stand for.
    Coded(&'a DictionaryArray<Int32Type>, &'a FixedSizeBinaryArray),
}

impl<'a> Numbers<'a> {
    /// None where the column holds something else.
    pub(super) fn of(column: &'a ArrayRef) -> Option<Self> {
        if let Some((codes, numbers)) = numbers_by_code(column) {
            return Some(Self::Coded(codes, numbers));
        }
        let numbers = column.as_any().downcast_ref::<FixedSizeBinaryArray>()?;
        (numbers.value_length() == WIDTH).then_some(Self::Rows(numbers))
    }

    /// A row's.
    pub(super) fn at(&self, row: usize) -> Option<Pseudonym> {
        match self {
            Self::Rows(numbers) => number(numbers, row),
            Self::Coded(codes, numbers) => number(numbers, codes.key(row)?),
        }
    }

    /// Whether a row has none.
    pub(super) fn is_blank(&self, row: usize) -> bool {
        match self {
            Self::Rows(numbers) => numbers.is_null(row),
            Self::Coded(codes, _) => codes.is_null(row),
        }
    }

    /// Each of its numbers: of codes, once.
    pub(super) fn all(&self) -> impl Iterator<Item = Pseudonym> + '_ {
        let (Self::Rows(numbers) | Self::Coded(_, numbers)) = *self;
        (0..numbers.len()).filter_map(|row| number(numbers, row))
    }

    /// Whether its numbers are others than the last that were asked about: batches of a row group share what their codes stand for.
    pub(super) fn is_another_than(&self, last: &mut Option<FixedSizeBinaryArray>) -> bool {
        let Self::Coded(_, numbers) = self else { return true };
        if last.as_ref().is_some_and(|last| is_same_dictionary(last, numbers)) {
            return false;
        }
        *last = Some((*numbers).clone());
        true
    }

    /// For each row, whether a question about its number has the answer yes.
    pub(super) fn rows_where(&self, is: impl Fn(&Pseudonym) -> bool) -> Vec<bool> {
        let answers = |numbers: &FixedSizeBinaryArray| -> Vec<bool> {
            let answer = |row| number(numbers, row).is_some_and(|number| is(&number));
            (0..numbers.len()).map(answer).collect()
        };
        match self {
            Self::Rows(numbers) => answers(numbers),
            Self::Coded(codes, numbers) => {
                let answers = answers(numbers);
                let of = |code: Option<i32>| {
                    let code = usize::try_from(code?).ok()?;
                    answers.get(code).copied()
                };
                codes.keys().iter().map(|code| of(code).unwrap_or(false)).collect()
            }
        }
    }
}

fn number(numbers: &FixedSizeBinaryArray, row: usize) -> Option<Pseudonym> {
    let bytes = (!numbers.is_null(row)).then(|| numbers.value(row))?;
    bytes.try_into().ok().map(Pseudonym::from_bytes)
}
