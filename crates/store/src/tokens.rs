//! In a source's tables at rest stand its run's tokens; in memory they are pseudonyms. A column of sixteen bytes
//! holds these, and nothing else does; other columns stay.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, DictionaryArray, FixedSizeBinaryArray, RecordBatch},
    buffer::Buffer,
    datatypes::{DataType, Int32Type},
};
use minster_model::Pseudonym;
use minster_vault_api::RunCipher;

pub(crate) const WIDTH: i32 = Pseudonym::LEN as i32;

/// Turns batches of tokens into pseudonyms, one after another.
pub(crate) struct TokenReader {
    cipher: RunCipher,
    /// The tokens of a dictionary that several batches share, and their pseudonyms.
    shared: Option<(FixedSizeBinaryArray, FixedSizeBinaryArray)>,
}

impl TokenReader {
    pub(crate) fn new(cipher: RunCipher) -> Self {
        Self { cipher, shared: None }
    }

    /// A batch of tokens as pseudonyms; a dictionary of the batch before is not turned again.
    pub(crate) fn pseudonyms_of(&mut self, batch: &RecordBatch) -> RecordBatch {
        let columns = batch.columns().iter().map(|column| match numbers_by_code(column) {
            Some((coded, tokens)) => {
                Arc::new(coded.with_values(Arc::new(self.shared(tokens)))) as ArrayRef
            }
            None => turned_column(column, &|tokens| self.cipher.to_pseudonyms(tokens)),
        });
        with_columns(batch, columns.collect())
    }

    fn shared(&mut self, tokens: &FixedSizeBinaryArray) -> FixedSizeBinaryArray {
        match &self.shared {
            Some((known, pseudonyms)) if is_same_dictionary(known, tokens) => pseudonyms.clone(),
            _ => {
                let pseudonyms =
                    turned_numbers(tokens, &|tokens| self.cipher.to_pseudonyms(tokens));
                self.shared = Some((tokens.clone(), pseudonyms.clone()));
                pseudonyms
            }
        }
    }
}

/// Whether two dictionaries of numbers are one, as batches of a row group share it. The known one must be kept: what is kept is not
/// freed, and so its place in memory is no other's.
pub fn is_same_dictionary(known: &FixedSizeBinaryArray, numbers: &FixedSizeBinaryArray) -> bool {
    known.to_data().ptr_eq(&numbers.to_data())
}

/// A column that holds each number once, and these.
pub(crate) fn numbers_by_code(
    column: &ArrayRef,
) -> Option<(&DictionaryArray<Int32Type>, &FixedSizeBinaryArray)> {
    let coded = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>()?;
    let numbers = coded.values().as_any().downcast_ref::<FixedSizeBinaryArray>()?;
    (numbers.value_length() == WIDTH).then_some((coded, numbers))
}

/// A batch of tokens as pseudonyms.
pub(crate) fn to_pseudonyms(cipher: &RunCipher, batch: &RecordBatch) -> RecordBatch {
    turned(batch, |tokens| cipher.to_pseudonyms(tokens))
}

/// A batch of pseudonyms as tokens.
pub(crate) fn to_tokens(cipher: &RunCipher, batch: &RecordBatch) -> RecordBatch {
    turned(batch, |pseudonyms| cipher.to_tokens(pseudonyms))
}

fn turned(batch: &RecordBatch, turn: impl Fn(&mut [u8])) -> RecordBatch {
    let columns = batch.columns().iter().map(|column| turned_column(column, &turn));
    with_columns(batch, columns.collect())
}

fn turned_column(column: &ArrayRef, turn: &impl Fn(&mut [u8])) -> ArrayRef {
    match column.data_type() {
        DataType::FixedSizeBinary(WIDTH) => {
            Arc::new(turned_numbers(column.as_fixed_size_binary(), turn))
        }
        _ => Arc::clone(column),
    }
}

fn turned_numbers(old: &FixedSizeBinaryArray, turn: &impl Fn(&mut [u8])) -> FixedSizeBinaryArray {
    let mut bytes = old.value_data().to_vec();
    turn(&mut bytes);
    if old.null_count() > 0 {
        // A null has bytes beneath it, but they are nobody's token.
        for (row, value) in bytes.chunks_exact_mut(Pseudonym::LEN).enumerate() {
            if old.is_null(row) {
                value.fill(0);
            }
        }
    }
    FixedSizeBinaryArray::new(WIDTH, Buffer::from_vec(bytes), old.nulls().cloned())
}

fn with_columns(batch: &RecordBatch, columns: Vec<ArrayRef>) -> RecordBatch {
    // Types, lengths and nulls are the same.
    RecordBatch::try_new(batch.schema(), columns).unwrap_or_else(|_| batch.clone())
}
