//! Default deny: what a delivery holds is compared with the definition before any row is read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Definition, Format, ReadError, csv_reader, xml_reader};

/// What would be read: every file with its tables.
#[derive(Debug)]
pub struct Plan {
    /// The files, by name.
    pub files: Vec<PlannedFile>,
    /// Files that the definition knows and drops.
    pub ignored: Vec<String>,
}

/// One file of a delivery.
#[derive(Debug, Clone)]
pub struct PlannedFile {
    /// Its name in the drop folder.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// Its length when it was planned, in bytes.
    pub bytes: u64,
    /// The tables drawn from it: places in the definition.
    pub tables: Vec<usize>,
    /// CSV: for each of the table's columns in order, its place in the file, or none.
    pub columns: Vec<Option<usize>>,
}

/// Why a delivery is not read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The drop folder cannot be listed.
    #[error("cannot read the drop folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that the definition does not list, or one that is no plain file.
    #[error("{}: the definition of {source_name} lists no such file; add a [[table]] for it, or name it in `ignore`, or take it away", path.display())]
    UnlistedFile {
        /// The file.
        path: PathBuf,
        /// The source.
        source_name: String,
    },
    /// A file that two tables of a CSV source, or none's order, could take.
    #[error("{}: the tables {first} and {second} both list this file", path.display())]
    AmbiguousFile {
        /// The file.
        path: PathBuf,
        /// One table.
        first: String,
        /// The other.
        second: String,
    },
    /// A column (or element) without a treatment. Its name is part of the layout, not of a row.
    #[error("{}: {what} `{name}` has no treatment; add a line for it to the definition of {source_name}, for example `{name:?} = {{ treatment = \"drop\" }}`", path.display())]
    Unlisted {
        /// The file.
        path: PathBuf,
        /// `column` or `element`.
        what: &'static str,
        /// Its name or path.
        name: String,
        /// The source.
        source_name: String,
    },
    /// A header cell that cannot be a column's name: the header row may be missing.
    #[error("{}: header cell {place} cannot be a column's name; is the header row missing?", path.display())]
    NotAHeader {
        /// The file.
        path: PathBuf,
        /// Which cell, from 1.
        place: usize,
    },
    /// A file without even a header.
    #[error("{}: the file is empty; ask the service to deliver it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Two columns with one name.
    #[error("{}: the column `{name}` stands twice", path.display())]
    TwoColumns {
        /// The file.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// A column that the definition counts on.
    #[error("{}: the column `{name}` is missing; mark it `optional = true` in the definition if that is right", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// A table that every delivery has.
    #[error("{}: no file for the table {table} ({pattern})", path.display())]
    MissingTable {
        /// The folder.
        path: PathBuf,
        /// The table.
        table: String,
        /// What its file would be called.
        pattern: String,
    },
    /// The file cannot be read far enough.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Plan {
    /// Compares the files of `folder` with the definition: names and CSV headers; for XML, all
    /// element paths (the rows' values are passed over).
    pub fn make(definition: &Definition, folder: &Path) -> Result<Self, PlanError> {
        let mut plan = Self { files: Vec::new(), ignored: Vec::new() };
        for (name, path, bytes) in list(definition, folder)? {
            if definition.format == Format::Csv && listed(&definition.ignore, &name) {
                plan.ignored.push(name);
                continue;
            }
            let tables: Vec<usize> = (0..definition.tables.len())
                .filter(|&table| matches(&definition.tables[table].file, &name))
                .collect();
            let columns = match (definition.format, tables.as_slice()) {
                (_, []) => {
                    let source_name = definition.name.to_string();
                    return Err(PlanError::UnlistedFile { path, source_name });
                }
                (Format::Csv, [table]) => csv_reader::plan_columns(definition, *table, &path)?,
                (Format::Csv, [first, second, ..]) => {
                    return Err(PlanError::AmbiguousFile {
                        path,
                        first: definition.tables[*first].name.to_string(),
                        second: definition.tables[*second].name.to_string(),
                    });
                }
                (Format::Xml, _) => {
                    xml_reader::check_structure(definition, &tables, &path)?;
                    Vec::new()
                }
            };
            plan.files.push(PlannedFile { name, path, bytes, tables, columns });
        }
        for (place, table) in definition.tables.iter().enumerate() {
            if table.required && !plan.files.iter().any(|file| file.tables.contains(&place)) {
                return Err(PlanError::MissingTable {
                    path: folder.to_owned(),
                    table: table.name.to_string(),
                    pattern: table.file.clone(),
                });
            }
        }
        Ok(plan)
    }
}

fn list(definition: &Definition, folder: &Path) -> Result<Vec<(String, PathBuf, u64)>, PlanError> {
    let unreadable = |source| PlanError::Folder { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let metadata = entry.metadata().map_err(unreadable)?;
        let name = match entry.file_name().into_string() {
            // A link could name any file of the machine: only plain files are read.
            Ok(name) if metadata.is_file() => name,
            _ => {
                let source_name = definition.name.to_string();
                return Err(PlanError::UnlistedFile { path, source_name });
            }
        };
        files.push((name, path, metadata.len()));
    }
    files.sort();
    Ok(files)
}

fn listed(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stands_for_any_characters() {
        assert!(matches("*_pupilonroll.csv", "2024_autumn_pupilonroll.csv"));
        assert!(!matches("*_pupilonroll.csv", "2024_autumn_pupilnolongeronroll.csv"));
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("a.csv", "a.csv") && !matches("a.csv", "A.csv"));
    }
}
