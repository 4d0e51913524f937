use std::{
    io::{Cursor, Write as _},
    path::Path,
    sync::{Arc, Mutex},
};

use minster_sources::{Definition, Plan, PlanError, RawBatch, Reason};
use zip::{ZipWriter, write::SimpleFileOptions};

/// The outcome of a drop folder.
#[derive(Default, Debug)]
pub(crate) struct Rows {
    /// The table's name, the row's number, its fields.
    pub(crate) rows: Vec<(String, u64, Vec<String>)>,
    pub(crate) rejected: Vec<(u64, Reason)>,
}

impl Rows {
    pub(crate) fn fields(&self) -> Vec<Vec<&str>> {
        self.rows.iter().map(|(_, _, row)| row.iter().map(String::as_str).collect()).collect()
    }

    fn take(&mut self, definition: &Definition, table: usize, batch: &RawBatch) {
        let table = &definition.tables[table];
        for row in 0..batch.len() {
            let field = |column| String::from_utf8(batch.field(row, column).to_vec()).unwrap();
            let fields = (0..table.columns.len()).map(field).collect();
            self.rows.push((table.name.to_string(), batch.number(row), fields));
        }
        self.rejected.extend(batch.rejected().iter().map(|row| (row.number, row.reason)));
    }
}

/// Reads a whole folder; every byte of every file must have been shown once.
pub(crate) fn read(definition: &Definition, folder: &Path) -> Result<Rows, PlanError> {
    let plan = Plan::make(definition, folder)?;
    let mut rows = Rows::default();
    for file in &plan.files {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let seen = {
            let shown = Arc::clone(&shown);
            move |bytes: &[u8]| shown.lock().unwrap().extend_from_slice(bytes)
        };
        minster_sources::read(definition, file, seen, |table, batch| {
            rows.take(definition, table, &batch);
            true
        })?;
        assert!(*shown.lock().unwrap() == std::fs::read(&file.path).unwrap(), "not all was shown");
    }
    Ok(rows)
}

/// Reads one file of this name and content.
pub(crate) fn read_one(definition: &str, name: &str, content: &[u8]) -> Result<Rows, PlanError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    read(&Definition::parse(definition).unwrap(), folder.path())
}

/// The error's text, which holds no value.
pub(crate) fn refused(result: Result<Rows, PlanError>) -> String {
    let text = result.unwrap_err().to_string();
    assert!(!text.contains("CANARY"), "{text}");
    text
}

pub(crate) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}
