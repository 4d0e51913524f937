//! Files beside the tables that are as restricted as the tables: encrypted under the dataset's key, and bound to the dataset and
//! their name. Such a file is Parquet with one cell, so that it is encrypted by what encrypts tables.

use std::{fs::File, io::BufWriter, path::Path, sync::Arc};

use arrow::{
    array::{Array, AsArray, BinaryArray, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
};

use crate::{
    StoreError,
    files::HashedFile,
    table::{Lock, failed, refuse_clear},
};

/// How the name of such a file ends. No table's name has a dot.
const ENDING: &str = ".locked";

/// The name of the file that holds what is called so.
pub(crate) fn file_name(name: &str) -> String {
    format!("{name}{ENDING}")
}

/// The content of a file of this name, if it is such a file.
pub(crate) fn name_of(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(ENDING)
}

/// Writes it, and makes it durable.
pub(crate) fn write(
    file: HashedFile,
    path: &Path,
    name: &str,
    lock: Lock<'_>,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let failed = failed("written", path);
    let schema = Arc::new(Schema::new(vec![Field::new("bytes", DataType::Binary, false)]));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(&failed)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_created_by("minster".into())
        .with_file_encryption_properties(lock.encryption(&file_name(name)).map_err(&failed)?)
        .build();
    let cell =
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(BinaryArray::from(vec![bytes]))]);
    let cell = cell.map_err(|error| failed(error.into()))?;
    let mut writer =
        ArrowWriter::try_new(BufWriter::new(file), schema, Some(properties)).map_err(&failed)?;
    writer.write(&cell).map_err(&failed)?;
    let buffer = writer.into_inner().map_err(&failed)?;
    let file = buffer.into_inner();
    file.map_err(|error| StoreError::io("write", path)(error.into_error()))?.sync()
}

/// Reads it.
pub(crate) fn read(
    file: File,
    path: &Path,
    name: &str,
    lock: Lock<'_>,
) -> Result<Vec<u8>, StoreError> {
    refuse_clear(&file, path)?;
    let failed = failed("read", path);
    let decryption = lock.decryption(&file_name(name)).map_err(&failed)?;
    let options = ArrowReaderOptions::new().with_file_decryption_properties(decryption);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options);
    let mut reader = reader.and_then(ParquetRecordBatchReaderBuilder::build).map_err(&failed)?;
    let batch = reader.next().transpose().map_err(|error| failed(error.into()))?;
    let cells = batch.as_ref().and_then(|batch| batch.columns().first()?.as_binary_opt::<i32>());
    let cell = cells.filter(|cells| cells.len() == 1).map(|cells| cells.value(0).to_vec());
    cell.ok_or_else(|| StoreError::Table {
        path: path.to_owned(),
        verb: "read",
        why: "it is not one cell of bytes".into(),
    })
}
