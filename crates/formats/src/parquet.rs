//! A released table as Parquet: values typed, and empty where they are withheld.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};

use crate::{
    FormatError,
    tidy::{Column, Values},
};

/// The columns, with words in the file's footer.
pub(crate) fn parquet(
    columns: &[Column],
    footer: &[(&str, String)],
) -> Result<Vec<u8>, FormatError> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in columns {
        let array: ArrayRef = match &column.values {
            Values::Text(texts) => Arc::new(StringArray::from(texts.clone())),
            Values::Whole(values) => Arc::new(Int64Array::from(values.clone())),
            Values::Number(values) => Arc::new(Float64Array::from(values.clone())),
        };
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    let level = ZstdLevel::try_new(3)?;
    let metadata = footer.iter().map(|(key, value)| KeyValue::new((*key).into(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by("minster".into())
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}
