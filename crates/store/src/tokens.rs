//! In a source's tables at rest stand its run's tokens; in memory they are pseudonyms. A column of sixteen bytes
//! holds these, and nothing else does; other columns stay.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, RecordBatch},
    buffer::Buffer,
    datatypes::DataType,
};
use minster_model::Pseudonym;
use minster_vault_api::RunCipher;

const WIDTH: i32 = Pseudonym::LEN as i32;

/// A batch of tokens as pseudonyms.
pub(crate) fn to_pseudonyms(cipher: &RunCipher, batch: &RecordBatch) -> RecordBatch {
    turned(batch, |tokens| cipher.to_pseudonyms(tokens))
}

/// A batch of pseudonyms as tokens.
pub(crate) fn to_tokens(cipher: &RunCipher, batch: &RecordBatch) -> RecordBatch {
    turned(batch, |pseudonyms| cipher.to_tokens(pseudonyms))
}

fn turned(batch: &RecordBatch, turn: impl Fn(&mut [u8])) -> RecordBatch {
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::FixedSizeBinary(WIDTH) => {
            let old = column.as_fixed_size_binary();
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
            let (values, nulls) = (Buffer::from_vec(bytes), old.nulls().cloned());
            Arc::new(FixedSizeBinaryArray::new(WIDTH, values, nulls)) as ArrayRef
        }
        _ => Arc::clone(column),
    };
    let columns = batch.columns().iter().map(column).collect();
    // Types, lengths and nulls are the same.
    RecordBatch::try_new(batch.schema(), columns).unwrap_or_else(|_| batch.clone())
}
