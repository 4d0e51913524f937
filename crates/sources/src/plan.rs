//! Default deny: what a delivery holds is compared with the definition before any row is read.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

mod error;

pub use error::{PlanError, Proposed, quoted};
use minster_identifiers::Shape;
use minster_model::is_hidden;

use crate::{
    Definition, Format, ReadError,
    container::{self, Entry, Wrapping},
    csv_dialect::Dialect,
    csv_reader, parquet_reader, xlsx_reader,
    xlsx_reader::PlannedSheet,
    xml_layout,
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
    /// What was done so that it can be read, in words: another delimiter, titles passed over, sheets ignored.
    pub notes: Vec<String>,
    /// XML: how many units it has, and how many stand in the files before it.
    pub units: u32,
    pub(crate) first_unit: u32,
    /// XML: what its header says that it is.
    pub header: Vec<HeaderText>,
    /// CSV: how it is written.
    pub(crate) dialect: Dialect,
    /// XLSX: where each of the tables stands.
    pub(crate) sheets: Vec<PlannedSheet>,
    pub(crate) wrapping: Wrapping,
    stamp: Stamp,
}

/// A word of a file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderText {
    /// `collection`, `year` or `authority`.
    pub what: &'static str,
    /// What stands there.
    pub text: String,
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

impl Plan {
    /// Compares the files of `folder` with the definition: names and CSV headers; for XML, all
    /// element paths (the rows' values are passed over); for a workbook, its sheets and their headers.
    pub fn make(definition: &Definition, folder: &Path) -> Result<Self, PlanError> {
        definition.compile_patterns()?;
        let mut plan = Self::default();
        for (name, path, stamp) in list(definition, folder)? {
            plan.add(definition, name, path, stamp)?;
        }
        for (place, table) in definition.tables.iter().enumerate() {
            if table.required && !plan.files.iter().any(|file| file.tables.contains(&place)) {
                return Err(PlanError::MissingTable {
                    path: folder.to_owned(),
                    table: table.name.to_string(),
                    pattern: table.files.join(", "),
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
        if let Some(shape) = Shape::find(&name) {
            let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
            return Err(PlanError::TellingName { path: folder, place: 1, shape });
        }
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
        // In a workbook's definition a pattern without a dot is a sheet's.
        let files = |patterns: &[String]| -> Vec<String> {
            let of_file =
                |pattern: &&String| definition.format != Format::Xlsx || pattern.contains('.');
            patterns.iter().filter(of_file).cloned().collect()
        };
        let ignored = files(&definition.ignore);
        let files_can_be_ignored = definition.format != Format::Xml;
        if is_litter(&delivered) || files_can_be_ignored && listed(&ignored, &delivered) {
            self.ignored.push(delivered);
            return Ok(());
        }
        for (Entry { name: own, wrapping }, place) in
            container::entries(&path, &delivered)?.into_iter().zip(1..)
        {
            if let (Wrapping::Member(member), false) = (&wrapping, is_litter(&own))
                && let Some(shape) = member.split('/').find_map(Shape::find)
            {
                return Err(PlanError::TellingName { path, place, shape });
            }
            if let Wrapping::Member(member) = &wrapping
                && member.contains(is_hidden)
            {
                return Err(PlanError::HiddenName { path, place });
            }
            let (name, inside) = match &wrapping {
                Wrapping::Member(member) => (format!("{delivered}/{member}"), member),
                Wrapping::Plain | Wrapping::Gzip => (delivered.clone(), &own),
            };
            let litter = is_litter(&own) || inside.split('/').any(|step| step == "__MACOSX");
            if litter
                || files_can_be_ignored && (listed(&ignored, &own) || listed(&ignored, inside))
            {
                self.ignored.push(name);
                continue;
            }
            let tables = fitting(definition, &own);
            let unplanned = PlannedFile::unplanned(&path, &delivered, wrapping);
            let mut file = PlannedFile { name, bytes: stamp.bytes, tables, stamp, ..unplanned };
            file.compare(definition)?;
            let before = self.files.last().map_or(0, |last| last.first_unit + last.units);
            file.first_unit = before;
            // More children than numbers is no delivery.
            if before.checked_add(file.units).is_none() {
                let what = "the delivery has more units than can be numbered";
                return Err(ReadError::Refused { path: file.path, what }.into());
            }
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
            notes: Vec::new(),
            units: 0,
            first_unit: 0,
            header: Vec::new(),
            dialect: Dialect::default(),
            sheets: Vec::new(),
            wrapping,
            stamp: Stamp::default(),
        }
    }

    /// The letter of a table's column in a spreadsheet: the file's own, if it has rows and columns. Tables and columns are
    /// places in the definition.
    pub fn letter(&self, table: usize, column: usize) -> Option<String> {
        Some(letters(self.place(table, column)?))
    }

    /// Whether the file lacks a table's column.
    pub fn lacks(&self, table: usize, column: usize) -> bool {
        let tabular = !self.columns.is_empty() || !self.sheets.is_empty();
        tabular && self.place(table, column).is_none()
    }

    /// Whether a record's number is a line, as of XML, and not a row.
    pub fn counts_lines(&self) -> bool {
        self.columns.is_empty() && self.sheets.is_empty()
    }

    fn place(&self, table: usize, column: usize) -> Option<usize> {
        match self.sheets.iter().find(|sheet| sheet.table == table) {
            Some(sheet) => sheet.place(column),
            None if self.tables == [table] => self.columns.get(column).copied().flatten(),
            None => None,
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
            (Format::Csv, _) => csv_reader::plan_columns(definition, self)?,
            (Format::Parquet, _) => self.columns = parquet_reader::plan_columns(definition, self)?,
            (Format::Xml, _) => {
                let structure = xml_layout::check_structure(definition, self)?;
                (self.units, self.header, self.notes) =
                    (structure.units, structure.header, structure.notes);
            }
            (Format::Xlsx, _) => {
                (self.sheets, self.notes) = xlsx_reader::plan_sheets(definition, self)?;
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

/// A spreadsheet's name of a column: A to Z, then AA.
fn letters(place: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = place + 1;
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
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
    for ((name, ..), place) in files.iter().zip(1..) {
        let path = || folder.to_owned();
        if let (Some(shape), false) = (Shape::find(name), is_litter(name)) {
            return Err(PlanError::TellingName { path: path(), place, shape });
        }
        if name.contains(is_hidden) {
            return Err(PlanError::HiddenName { path: path(), place });
        }
    }
    Ok(files)
}

/// The tables whose file this may be. Of a file that several list, those count that list it most exactly.
fn fitting(definition: &Definition, name: &str) -> Vec<usize> {
    let fit = |table: usize| Some((best(&definition.tables[table].files, name)?, table));
    let fits: Vec<(usize, usize)> = (0..definition.tables.len()).filter_map(fit).collect();
    match definition.format {
        // One file holds all tables.
        Format::Xml | Format::Xlsx => fits.into_iter().map(|(_, table)| table).collect(),
        Format::Csv | Format::Parquet => {
            let most = fits.iter().map(|(exact, _)| *exact).max();
            let best = fits.into_iter().filter(|(exact, _)| Some(*exact) == most);
            best.map(|(_, table)| table).collect()
        }
    }
}

/// How exactly the best of the patterns that fit describes a name: its characters besides `*`.
pub(crate) fn best(patterns: &[String], name: &str) -> Option<usize> {
    let fit = patterns.iter().filter(|pattern| matches(pattern, name));
    fit.map(|pattern| pattern.chars().filter(|c| *c != '*').count()).max()
}

/// Files that systems leave in folders, and no service delivers: Windows' and macOS' own, and the lock of a workbook
/// that is open.
fn is_litter(name: &str) -> bool {
    ["thumbs.db", "desktop.ini", ".ds_store"].contains(&name.to_lowercase().as_str())
        || name.starts_with("~$")
        || name.starts_with("._")
}

pub(crate) fn listed(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

/// Whether a name fits a pattern: a `*` stands for any characters, and case does not matter.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        // The earliest place leaves the most for what follows.
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters_and_case_does_not_matter() {
        for (pattern, name) in [
            ("*_pupilonroll.csv", "2024_autumn_pupilonroll.csv"),
            ("*_pupilonroll.csv", "2024_AUTUMN_PupilOnRoll.CSV"),
            ("a.csv", "A.csv"),
            ("*", ""),
            ("a*b*c", "abc"),
            ("a*b*c", "a1b2b3c"),
            ("*ab*ab*", "xabyab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*_pupilonroll.csv", "2024_autumn_pupilnolongeronroll.csv"),
            ("ab*ba", "aba"),
            ("a.csv", "a.csv2"),
            ("a*b*c", "acb"),
            ("*ab*ab*", "xaby"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn columns_have_letters() {
        for (place, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(place), name);
        }
    }

    #[test]
    fn the_most_exact_pattern_counts() {
        let episodes = ["*episodes.csv".to_owned()];
        let workers = ["*sw_episodes.csv".to_owned(), "*workers*".to_owned()];
        assert!(best(&workers, "903_SW_episodes.csv") > best(&episodes, "903_SW_episodes.csv"));
        assert_eq!(best(&workers, "903_episodes.csv"), None);
    }
}
