//! A planned file's rows, whatever its format.

use crate::{
    Definition, Format, PlannedFile, RawBatch, ReadError, csv_reader::CsvReader,
    parquet_reader::read_parquet, xlsx_reader::read_workbook, xml_reader::XmlReader,
};

/// Reads a file in batches. `take` is given each with its table's place in the definition, and says whether
/// to go on. `seen` is given every byte of the delivered file by the end, for its hash.
///
/// # Errors
/// Where the file cannot be read on; the batches before were taken.
pub fn read(
    definition: &Definition,
    file: &PlannedFile,
    seen: impl FnMut(&[u8]) + Send + 'static,
    mut take: impl FnMut(usize, RawBatch) -> bool,
) -> Result<(), ReadError> {
    match definition.format {
        Format::Csv => {
            let mut reader = CsvReader::open(file, seen)?;
            while let Some(batch) = reader.next_batch()? {
                if !take(file.tables[0], batch) {
                    break;
                }
            }
            Ok(())
        }
        Format::Xml => {
            let mut reader = XmlReader::open(definition, file, seen)?;
            while let Some(batches) = reader.next_batches()? {
                if !batches.into_iter().all(|(table, batch)| batch.is_empty() || take(table, batch))
                {
                    break;
                }
            }
            Ok(())
        }
        Format::Xlsx => read_workbook(definition, file, seen, take),
        Format::Parquet => read_parquet(file, seen, |batch| take(file.tables[0], batch)),
    }
}
