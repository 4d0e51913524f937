//! Default deny: what a delivery holds is compared with the definition before any row is read.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    Definition, Format, ReadError,
    container::{self, Entry, Wrapping},
    csv_reader,
    header::MOST_COLUMNS,
    parquet_reader, xlsx_reader,
    xlsx_reader::PlannedSheet,
    xml_reader,
};

/// What would be read: every file with its tables.
#[derive(Debug, Default)]
pub struct Plan {
    /// The files, by name.
    pub files: Vec<PlannedFile>,
    /// Files that the definition knows and drops.
    pub ignored: Vec<String>,
}

/// One file of a delivery: a file of the drop folder, or a member of a zip there.
#[derive(Debug, Clone)]
pub struct PlannedFile {
    /// Its name: in a zip, the zip's name, `/` and the member's.
    pub name: String,
    /// The name of the delivered file in the drop folder: of a zip, the zip's.
    pub delivered: String,
    /// The delivered file's path.
    pub path: PathBuf,
    /// The delivered file's length when it was planned, in bytes. So many bytes are shown to whoever hashes.
    pub bytes: u64,
    /// The tables drawn from it: places in the definition.
    pub tables: Vec<usize>,
    /// CSV, Parquet: for each of the table's columns in order, its place in the file, or none.
    pub columns: Vec<Option<usize>>,
    /// XLSX: where each of the tables stands.
    pub(crate) sheets: Vec<PlannedSheet>,
    pub(crate) wrapping: Wrapping,
    stamp: Stamp,
}

/// What a file system changes of a file where anything writes to it, or puts another in its place. Its number is left
/// out: of a file on a share it may change by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// Of its entry too: no program sets it back.
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
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
    #[error("{}: {what} `{name}` has no treatment; add a line for it to the definition of {source_name}, for example `{name:?} = {{ treatment = \"drop\" }}`{}", path.display(), others(also))]
    Unlisted {
        /// The file.
        path: PathBuf,
        /// `column` or `element`.
        what: &'static str,
        /// Its name or path.
        name: String,
        /// Others of the file.
        also: Vec<String>,
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
    /// A header wider than any layout.
    #[error("{}: the header has more than {MOST_COLUMNS} columns; is it a file of this source?", path.display())]
    TooManyColumns {
        /// The file.
        path: PathBuf,
    },
    /// A sheet that the definition does not list.
    #[error("{}: the definition of {source_name} lists no sheet `{sheet}`{}; add a [[table]] for it, or name it in `ignore`", path.display(), if *hidden { " (it is hidden)" } else { "" })]
    UnlistedSheet {
        /// The file.
        path: PathBuf,
        /// The sheet.
        sheet: String,
        /// Whether a reader of the workbook would not see it.
        hidden: bool,
        /// The source.
        source_name: String,
    },
    /// A sheet without a row that holds the columns that the table counts on.
    #[error("{}, sheet `{sheet}`: none of its first rows is the header of the table {table}; the nearest lacks `{lacks}`", path.display())]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The sheet.
        sheet: String,
        /// The table.
        table: String,
        /// A column's name, from the definition.
        lacks: String,
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
    #[error("{}: the column `{name}` is missing; mark it `optional = true` in the definition if that is right{}", path.display(), others(also))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// Its name.
        name: String,
        /// Others of the table.
        also: Vec<String>,
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

fn others(names: &[String]) -> String {
    let few = names.iter().take(20).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => String::new(),
        1..=20 => format!("; so it is with {few}"),
        count => format!("; so it is with {few} and {} more", count - 20),
    }
}

impl Plan {
    /// Compares the files of `folder` with the definition: names and CSV headers; for XML, all
    /// element paths (the rows' values are passed over); for a workbook, its sheets and their headers.
    pub fn make(definition: &Definition, folder: &Path) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for (name, path, stamp) in list(definition, folder)? {
            plan.add(definition, name, path, stamp)?;
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

    /// Compares one file with the definition, as if it alone were delivered and no table were
    /// required.
    pub fn of_file(definition: &Definition, path: &Path) -> Result<Self, PlanError> {
        let unreadable = |source| ReadError::Io { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut plan = Self::default();
        plan.add(definition, name, path.to_owned(), Stamp::of(&metadata))?;
        Ok(plan)
    }

    fn add(
        &mut self,
        definition: &Definition,
        delivered: String,
        path: PathBuf,
        stamp: Stamp,
    ) -> Result<(), PlanError> {
        let files_can_be_ignored = definition.format != Format::Xml;
        if files_can_be_ignored && listed(&definition.ignore, &delivered) {
            self.ignored.push(delivered);
            return Ok(());
        }
        for Entry { name: own, wrapping } in container::entries(&path, &delivered)? {
            let (name, inside) = match &wrapping {
                Wrapping::Member(member) => (format!("{delivered}/{member}"), member),
                Wrapping::Plain | Wrapping::Gzip => (delivered.clone(), &own),
            };
            if files_can_be_ignored
                && (listed(&definition.ignore, &own) || listed(&definition.ignore, inside))
            {
                self.ignored.push(name);
                continue;
            }
            let tables = (0..definition.tables.len())
                .filter(|&table| matches(&definition.tables[table].file, &own))
                .collect();
            let unplanned = PlannedFile::unplanned(&path, &delivered, wrapping);
            let mut file = PlannedFile { name, bytes: stamp.bytes, tables, stamp, ..unplanned };
            file.compare(definition)?;
            self.files.push(file);
        }
        Ok(())
    }
}

impl PlannedFile {
    /// A file that is looked at before any definition is known.
    pub(crate) fn unplanned(path: &Path, delivered: &str, wrapping: Wrapping) -> Self {
        Self {
            name: delivered.to_owned(),
            delivered: delivered.to_owned(),
            path: path.to_owned(),
            bytes: 0,
            tables: Vec::new(),
            columns: Vec::new(),
            sheets: Vec::new(),
            wrapping,
            stamp: Stamp::default(),
        }
    }

    /// Whether the delivered file is still the one that was planned, and was not written to since.
    pub fn is_as_planned(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|now| Stamp::of(&now) == self.stamp)
    }

    /// Default deny for what the file holds.
    fn compare(&mut self, definition: &Definition) -> Result<(), PlanError> {
        match (definition.format, self.tables.as_slice()) {
            (_, []) => {
                let (path, source_name) = (self.shown_path(), definition.name.to_string());
                return Err(PlanError::UnlistedFile { path, source_name });
            }
            (Format::Csv | Format::Parquet, [first, second, ..]) => {
                return Err(PlanError::AmbiguousFile {
                    path: self.shown_path(),
                    first: definition.tables[*first].name.to_string(),
                    second: definition.tables[*second].name.to_string(),
                });
            }
            (Format::Csv, _) => self.columns = csv_reader::plan_columns(definition, self)?,
            (Format::Parquet, _) => self.columns = parquet_reader::plan_columns(definition, self)?,
            (Format::Xml, _) => xml_reader::check_structure(definition, self)?,
            (Format::Xlsx, _) => {
                self.sheets = xlsx_reader::plan_sheets(definition, self)?;
                self.tables = self.sheets.iter().map(|sheet| sheet.table).collect();
                self.tables.sort_unstable();
                self.tables.dedup();
            }
        }
        Ok(())
    }

    /// The path with the member's name, for messages.
    fn shown_path(&self) -> PathBuf {
        match &self.wrapping {
            Wrapping::Member(member) => self.path.join(member),
            Wrapping::Plain | Wrapping::Gzip => self.path.clone(),
        }
    }
}

fn list(
    definition: &Definition,
    folder: &Path,
) -> Result<Vec<(String, PathBuf, Stamp)>, PlanError> {
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
        files.push((name, path, Stamp::of(&metadata)));
    }
    files.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    Ok(files)
}

pub(crate) fn listed(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

pub(crate) fn matches(pattern: &str, name: &str) -> bool {
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
