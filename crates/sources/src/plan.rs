//! Default deny: what a delivery holds is compared with the definition before any row is read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minster_identifiers::Shape;
use minster_model::is_hidden;

use crate::{
    Definition, Format, PlanError, ReadError,
    container::{self, Entry},
    csv_reader, parquet_reader,
    planned_file::{FileStamp, PlannedFile, Wrapping, exactness, listed},
    xlsx_reader, xml_layout,
};

/// The plan of a delivery: every file with its tables.
#[derive(Debug, Default)]
pub struct Plan {
    /// The files, by name.
    pub files: Vec<PlannedFile>,
    /// Files that the definition knows and drops.
    pub ignored: Vec<String>,
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
        plan.add(definition, name, path.to_owned(), FileStamp::of(&metadata))?;
        Ok(plan)
    }

    fn add(
        &mut self,
        definition: &Definition,
        delivered: String,
        path: PathBuf,
        stamp: FileStamp,
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
            compare(&mut file, definition)?;
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

/// Default deny for what the file holds.
fn compare(file: &mut PlannedFile, definition: &Definition) -> Result<(), PlanError> {
    match (definition.format, file.tables.as_slice()) {
        (_, []) => {
            let (path, source_name) = (file.shown_path(), definition.name.to_string());
            return Err(PlanError::UnlistedFile { path, source_name });
        }
        (Format::Csv | Format::Parquet, [first, second, ..]) => {
            return Err(PlanError::AmbiguousFile {
                path: file.shown_path(),
                first: definition.tables[*first].name.to_string(),
                second: definition.tables[*second].name.to_string(),
            });
        }
        (Format::Csv, _) => csv_reader::plan_columns(definition, file)?,
        (Format::Parquet, _) => file.columns = parquet_reader::plan_columns(definition, file)?,
        (Format::Xml, _) => {
            let structure = xml_layout::check_structure(definition, file)?;
            (file.units, file.header, file.notes) =
                (structure.units, structure.header, structure.notes);
        }
        (Format::Xlsx, _) => {
            (file.sheets, file.notes) = xlsx_reader::plan_sheets(definition, file)?;
            file.tables = file.sheets.iter().map(|sheet| sheet.table).collect();
            file.tables.sort_unstable();
            file.tables.dedup();
        }
    }
    Ok(())
}

fn list(
    definition: &Definition,
    folder: &Path,
) -> Result<Vec<(String, PathBuf, FileStamp)>, PlanError> {
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
        files.push((name, path, FileStamp::of(&metadata)));
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

/// The tables whose file this may be. Where several list it, those count that list it most exactly.
fn fitting(definition: &Definition, name: &str) -> Vec<usize> {
    let fit = |table: usize| Some((exactness(&definition.tables[table].files, name)?, table));
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

/// Files that systems leave in folders, and no service delivers: Windows' and macOS' own, and the lock of a workbook
/// that is open.
fn is_litter(name: &str) -> bool {
    ["thumbs.db", "desktop.ini", ".ds_store"].contains(&name.to_lowercase().as_str())
        || name.starts_with("~$")
        || name.starts_with("._")
}
