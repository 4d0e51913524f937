//! What the readers' targets share: a drop folder, reading all of it, and changing a whole file here and there.

use std::{fs, path::PathBuf, sync::OnceLock};

use minster_sources::{
    CsvReader, Definition, Format, Plan, PlanError, RawBatch, XmlReader, read_parquet,
    read_workbook,
};

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap().keep())
}

/// Plans and reads one file of this name. What comes out is rows or an error; the rows are whole.
#[allow(dead_code)]
pub fn read(definition: &Definition, name: &str, content: &[u8]) {
    let path = folder().join(name);
    fs::write(&path, content).unwrap();
    let _ = read_all(definition);
    fs::remove_file(path).unwrap();
}

fn read_all(definition: &Definition) -> Result<(), PlanError> {
    let look = |batch: &RawBatch, table: usize| {
        for row in batch.rows() {
            for column in 0..definition.tables[table].columns.len() {
                assert!(row.field(column).len() <= 4 << 20);
            }
        }
    };
    for file in &Plan::make(definition, folder())?.files {
        match definition.format {
            Format::Csv => {
                let mut reader = CsvReader::open(definition, file, |_| {})?;
                while let Some(batch) = reader.next_batch()? {
                    look(&batch, file.tables[0]);
                }
            }
            Format::Xml => {
                let mut reader = XmlReader::open(definition, file, |_| {})?;
                while let Some(batches) = reader.next_batches()? {
                    batches.iter().for_each(|(table, batch)| look(batch, *table));
                }
            }
            Format::Xlsx => read_workbook(
                definition,
                file,
                |_| {},
                |table, batch| {
                    look(&batch, table);
                    true
                },
            )?,
            Format::Parquet => read_parquet(
                definition,
                file,
                |_| {},
                |batch| {
                    look(&batch, file.tables[0]);
                    true
                },
            )?,
        }
    }
    Ok(())
}

/// Changes bytes of a whole file: two bytes say where, the third what.
#[allow(dead_code)]
pub fn changed(mut whole: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % whole.len();
        whole[place] = change[2];
    }
    whole
}
