//! One table as Parquet under modular encryption: every column and the footer with the dataset's
//! key, the dataset and table bound in as associated data, so that files cannot be swapped.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use minster_model::{DatasetRef, TableName};
use minster_vault_api::{DataKey, RunCipher, SealedRunKey};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    basic::{Compression, Encoding, ZstdLevel},
    encryption::{decrypt::FileDecryptionProperties, encrypt::FileEncryptionProperties},
    errors::ParquetError,
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};

use crate::{
    ColumnEntry, RowGroupWriter, StoreError, TableEntry,
    files::HashedFile,
    tokens::{self, TokenReader},
    within,
};

/// Rows of a row group: bounds what the writer holds.
const ROW_GROUP: usize = 512 << 10;
/// Rows of a batch that a reader gives, and that a writer's encoders take at once at most.
const BATCH: usize = 64 << 10;

/// Writes one table.
pub struct TableWriter {
    writer: ArrowWriter<BufWriter<HashedFile>>,
    path: PathBuf,
    name: TableName,
    schema: SchemaRef,
    rows: u64,
}

impl TableWriter {
    pub(crate) fn new(
        file: HashedFile,
        path: PathBuf,
        name: &TableName,
        (schema, unique): (SchemaRef, &[&str]),
        lock: Lock<'_>,
    ) -> Result<Self, StoreError> {
        let failed = failed("written", &path);
        let encryption = lock.encryption(name.as_str()).map_err(&failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(&failed)?))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_write_batch_size(BATCH)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_created_by("minster".into())
            .with_file_encryption_properties(encryption);
        let properties = unique.iter().fold(properties, |properties, column| {
            properties.set_column_dictionary_enabled(ColumnPath::from(*column), false)
        });
        let properties = properties.build();
        let writer = ArrowWriter::try_new(
            BufWriter::with_capacity(1 << 20, file),
            schema.clone(),
            Some(properties),
        )
        .map_err(&failed)?;
        Ok(Self { writer, path, name: name.clone(), schema, rows: 0 })
    }

    /// Adds rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        self.writer.write(batch).map_err(failed("written", &self.path))?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes by row groups, several at the same time.
    ///
    /// # Errors
    /// [`StoreError`] where rows were written already, or the file cannot be.
    pub fn in_row_groups(self) -> Result<RowGroupWriter, StoreError> {
        if self.rows > 0 {
            let late = ParquetError::General("rows were written before its row groups".into());
            return Err(failed("written", &self.path)(late));
        }
        let writer = self.writer.into_serialized_writer().map_err(failed("written", &self.path))?;
        Ok(RowGroupWriter::new(writer, (self.path, self.name, self.schema)))
    }

    /// Makes the table durable and describes it for the manifest.
    pub fn finish(self) -> Result<TableEntry, StoreError> {
        let Self { writer, path, name, schema, rows } = self;
        let buffer = writer.into_inner().map_err(failed("written", &path))?;
        Written { buffer, path, name, schema, rows }.entry()
    }
}

/// A table that was written to its end.
pub(crate) struct Written {
    pub(crate) buffer: BufWriter<HashedFile>,
    pub(crate) path: PathBuf,
    pub(crate) name: TableName,
    pub(crate) schema: SchemaRef,
    pub(crate) rows: u64,
}

impl Written {
    /// Makes it durable, and describes it.
    pub(crate) fn entry(self) -> Result<TableEntry, StoreError> {
        let Self { buffer, path, name, schema, rows } = self;
        let file = buffer
            .into_inner()
            .map_err(|error| StoreError::io("write", &path)(error.into_error()))?;
        file.sync()?;
        let columns = schema
            .fields()
            .iter()
            .map(|field| ColumnEntry {
                name: field.name().clone(),
                data_type: field.data_type().to_string(),
                kind: None,
            })
            .collect();
        Ok(TableEntry { name, rows, columns, key: None })
    }
}

/// The key and the names that a table, or a file beside the tables, is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Lock<'a> {
    pub(crate) dataset: &'a DatasetRef,
    pub(crate) key: &'a DataKey,
    pub(crate) run_key: Option<&'a SealedRunKey>,
}

impl Lock<'_> {
    /// A manifest that lost its run's key, or has another's, opens nothing: tokens are not taken for pseudonyms.
    fn associated_data(&self, what: &str) -> Vec<u8> {
        let dataset = self.dataset;
        match self.run_key {
            None => format!("minster dataset 1\n{dataset}\n{what}"),
            Some(SealedRunKey(key)) => format!("minster dataset 2\n{dataset}\n{what}\n{key}"),
        }
        .into_bytes()
    }

    /// The encryption of a table, or of a file beside the tables, that is called so.
    pub(crate) fn encryption(
        &self,
        what: &str,
    ) -> Result<Arc<FileEncryptionProperties>, ParquetError> {
        FileEncryptionProperties::builder(self.key.expose().to_vec())
            .with_aad_prefix(self.associated_data(what))
            .with_aad_prefix_storage(false)
            .build()
    }

    /// Opens what was encrypted under the same name.
    pub(crate) fn decryption(
        &self,
        what: &str,
    ) -> Result<Arc<FileDecryptionProperties>, ParquetError> {
        FileDecryptionProperties::builder(self.key.expose().to_vec())
            .with_aad_prefix(self.associated_data(what))
            .build()
    }
}

/// How text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// As it was written.
    Plain,
    /// As numbers into a dictionary, which is how Parquet holds what repeats.
    Coded,
}

/// A table that is open: its file's row groups, which can be read one after another or at the same time.
pub struct RowGroups {
    root: PathBuf,
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// The place of a column whose numbers are read as dictionaries, and the metadata for it.
    coded_numbers: Option<(usize, ArrowReaderMetadata)>,
    mask: ProjectionMask,
    cipher: Option<RunCipher>,
}

impl RowGroups {
    pub(crate) fn open(
        (root, path, file): (&Path, PathBuf, File),
        table: &TableEntry,
        columns: Option<&[&str]>,
        text: Text,
        lock: Lock<'_>,
        cipher: Option<RunCipher>,
    ) -> Result<Self, StoreError> {
        let failed = failed("read", &path);
        let decryption = lock.decryption(table.name.as_str()).map_err(&failed)?;
        let options = ArrowReaderOptions::new().with_file_decryption_properties(decryption);
        let mut metadata = ArrowReaderMetadata::load(&file, options.clone()).map_err(&failed)?;
        if text == Text::Coded {
            let options = options.with_schema(coded(metadata.schema()));
            let parquet = Arc::clone(metadata.metadata());
            metadata = ArrowReaderMetadata::try_new(parquet, options).map_err(&failed)?;
        }
        if u64::try_from(metadata.metadata().file_metadata().num_rows()) != Ok(table.rows) {
            let (dataset, table) = (lock.dataset.clone(), table.name.clone());
            return Err(StoreError::OtherRows { dataset, table });
        }
        let mask = match columns {
            None => ProjectionMask::all(),
            Some(columns) => {
                ProjectionMask::columns(metadata.parquet_schema(), columns.iter().copied())
            }
        };
        Ok(Self { root: root.to_owned(), path, metadata, coded_numbers: None, mask, cipher })
    }

    /// Reads the pseudonyms of one column as a dictionary (`Int32` to `FixedSizeBinary`) in each row group whose file holds each
    /// once: a number of many rows is then decrypted, and looked up, once. The other row groups stay as they are.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read so.
    pub fn with_coded_numbers(self, column: &str) -> Result<Self, StoreError> {
        let schema = self.metadata.schema();
        let Some((place, field)) = schema.column_with_name(column) else { return Ok(self) };
        let coded = match field.data_type() {
            DataType::FixedSizeBinary(tokens::WIDTH) => {
                let (codes, numbers) = (Box::new(DataType::Int32), field.data_type().clone());
                DataType::Dictionary(codes, Box::new(numbers))
            }
            _ => return Ok(self),
        };
        let mut fields = schema.fields().to_vec();
        fields[place] = Arc::new(field.clone().with_data_type(coded));
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(self.metadata.metadata()), options)
            .map_err(failed("read", &self.path))?;
        Ok(Self { coded_numbers: Some((place, metadata)), ..self })
    }

    /// The metadata by which a row group is read.
    fn metadata_of(&self, group: usize) -> &ArrowReaderMetadata {
        let is_coded = |column: usize| {
            // Tables have no nested columns: the place of a field is that of its column.
            let column = self.metadata.metadata().row_group(group).column(column);
            let pages = column.page_encoding_stats_mask();
            pages.is_some_and(|pages| pages.is_only(Encoding::RLE_DICTIONARY))
        };
        match &self.coded_numbers {
            Some((column, coded)) if is_coded(*column) => coded,
            _ => &self.metadata,
        }
    }

    /// How many rows each has, in the table's order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        // Parquet counts rows as signed numbers.
        self.metadata.metadata().row_groups().iter().map(|group| group.num_rows().unsigned_abs())
    }

    /// Reads one of them.
    pub fn read(&self, group: usize) -> Result<TableReader, StoreError> {
        self.reader(Some(vec![group]))
    }

    /// Reads all of them, one after another.
    pub(crate) fn all(&self) -> Result<TableReader, StoreError> {
        self.reader(None)
    }

    fn reader(&self, groups: Option<Vec<usize>>) -> Result<TableReader, StoreError> {
        let file = within::file(&self.root, &self.path)?;
        let metadata = match groups.as_deref() {
            Some([group]) => self.metadata_of(*group),
            _ => &self.metadata,
        };
        let metadata = metadata.clone();
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(self.mask.clone())
            .with_batch_size(BATCH);
        if let Some(groups) = groups {
            builder = builder.with_row_groups(groups);
        }
        let reader = builder.build().map_err(failed("read", &self.path))?;
        let schema = arrow::array::RecordBatchReader::schema(&reader);
        let cipher = self.cipher.clone().map(TokenReader::new);
        Ok(TableReader { reader, path: self.path.clone(), schema, tokens: cipher })
    }
}

/// Reads a table, batch by batch.
pub struct TableReader {
    reader: ParquetRecordBatchReader,
    path: PathBuf,
    schema: SchemaRef,
    tokens: Option<TokenReader>,
}

impl TableReader {
    /// Leaves tokens as they are.
    pub(crate) fn at_rest(self) -> Self {
        Self { tokens: None, ..self }
    }

    /// A table in clear, as releases have them.
    pub fn clear(path: &Path) -> Result<Self, StoreError> {
        let failed = failed("read", path);
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(&failed)?;
        let reader = builder.with_batch_size(BATCH).build().map_err(&failed)?;
        let schema = arrow::array::RecordBatchReader::schema(&reader);
        Ok(Self { reader, path: path.to_owned(), schema, tokens: None })
    }

    /// The columns, in the table's order.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Iterator for TableReader {
    type Item = Result<RecordBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let batch = batch.map_err(|error| failed("read", &self.path)(error.into()));
        Some(match &mut self.tokens {
            Some(tokens) => batch.map(|batch| tokens.pseudonyms_of(&batch)),
            None => batch,
        })
    }
}

/// Refuses a table in clear: the reader takes one, whatever key it is given. An encrypted footer opens with the dataset's key
/// alone, and says of each column that it is encrypted.
pub(crate) fn refuse_clear(mut file: &File, path: &Path) -> Result<(), StoreError> {
    let mut magic = [0; 4];
    let read = file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut magic));
    match read {
        Ok(()) if &magic == b"PARE" => Ok(()),
        Ok(()) if &magic == b"PAR1" => Err(StoreError::Clear { path: path.to_owned() }),
        // Not Parquet at all: the reader says so.
        _ => Ok(()),
    }
}

/// The same columns, with text as codes.
fn coded(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::Utf8View => {
            let codes = (Box::new(DataType::Int32), Box::new(DataType::Utf8));
            let coded = DataType::Dictionary(codes.0, codes.1);
            Arc::new(field.as_ref().clone().with_data_type(coded))
        }
        _ => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = schema.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

pub(crate) fn failed(
    verb: &'static str,
    path: &Path,
) -> impl Fn(ParquetError) -> StoreError + use<> {
    let path = path.to_owned();
    move |error| {
        let why = match error {
            ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
                Ok(source) => {
                    return StoreError::Io {
                        what: "write or read",
                        path: path.clone(),
                        source: *source,
                    };
                }
                Err(_) => "its bytes do not open with this key: another key, or changed".to_owned(),
            },
            ParquetError::General(why) => why,
            _ => "the Parquet is malformed or its key is another".to_owned(),
        };
        StoreError::Table { path: path.clone(), verb, why }
    }
}
