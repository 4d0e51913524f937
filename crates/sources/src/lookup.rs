use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// A look-up of the council: a CSV of two or more columns, the first two being key and value.
#[derive(Default)]
pub struct Lookup {
    values: HashMap<String, String>,
}

/// Why a look-up cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The file cannot be read as CSV.
    #[error("the look-up {} cannot be read as CSV: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why; no value.
        why: String,
    },
    /// A row without a key or value, or with a key that stood before.
    #[error("the look-up {}, row {row}: {what}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Data row, from 1.
        row: u64,
        /// The fault.
        what: &'static str,
    },
}

impl Lookup {
    /// Parses `key,value,…` with a header row; `path` is named in errors.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, LookupError> {
        let unreadable = |why: String| LookupError::Unreadable { path: path.to_owned(), why };
        let mut reader = csv::Reader::from_reader(bytes);
        let mut values = HashMap::new();
        for (record, row) in reader.records().zip(1..) {
            let record = record.map_err(|_| unreadable(format!("row {row} is malformed")))?;
            let wrong = |what| LookupError::Row { path: path.to_owned(), row, what };
            let (Some(key), Some(value)) = (record.get(0), record.get(1)) else {
                return Err(wrong("a key and a value belong here"));
            };
            if values.insert(normalise(key), value.trim().to_owned()).is_some() {
                return Err(wrong("the key stands twice"));
            }
        }
        Ok(Self { values })
    }

    /// The value of a key; case and white space do not matter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(&normalise(key)).map(String::as_str)
    }
}

fn normalise(key: &str) -> String {
    key.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}
