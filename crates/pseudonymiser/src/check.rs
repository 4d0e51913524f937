//! `minster-ingest sources check`: which definition a file fits, without reading a row.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use minster_identifiers::{shown, shown_path};
use minster_model::{Period, SourceName, exit};
use minster_sources::{
    Catalogue, CatalogueEntry, Outline, OutlinedTable, Plan, PlanError, PlannedFile,
};
use serde::Serialize;

use crate::IngestError;

/// The definitions that each file fits.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The report's format.
    pub format: u32,
    /// One entry a file.
    pub files: Vec<CheckedFile>,
}

/// The definitions that one file fits.
#[derive(Debug, Serialize)]
pub struct CheckedFile {
    /// The file.
    pub file: PathBuf,
    /// The sources whose layout it has; one is right.
    pub fits: Vec<Fit>,
    /// The layouts whose file's name it has, and why it does not fit them.
    pub nearly: Vec<NearFit>,
}

/// A layout that a file has.
#[derive(Debug, Serialize)]
pub struct Fit {
    /// The source.
    pub source: SourceName,
    /// The versions that it fits, by their years. Versions that differ in codes alone cannot be told apart here.
    pub years: Vec<String>,
    /// The tables that would be read.
    pub tables: Vec<String>,
}

/// A layout that a file nearly has.
#[derive(Debug, Serialize)]
pub struct NearFit {
    /// The source.
    pub source: SourceName,
    /// The version's years.
    pub years: Vec<String>,
    /// The misfit.
    pub why: String,
}

impl Checked {
    /// Compares each file with every definition of a folder; with a period, only with the versions
    /// that fit it.
    pub fn make(
        files: &[PathBuf],
        definitions: &Path,
        period: Option<&Period>,
    ) -> Result<Self, IngestError> {
        let mut catalogue = Catalogue::load(definitions)?;
        if let Some(broken) = catalogue.take_broken() {
            return Err(broken.into());
        }
        let entries: Vec<&CatalogueEntry> = catalogue
            .entries()
            .iter()
            .filter(|entry| period.is_none_or(|period| entry.definition.fits(period)))
            .collect();
        let files = files.iter().map(|file| CheckedFile::make(file, &entries)).collect();
        Ok(Self { format: 1, files })
    }

    /// 0 where every file fits exactly one source, else 2.
    pub fn exit_code(&self) -> u8 {
        if self.files.iter().all(|file| file.fits.len() == 1) { exit::DONE } else { exit::USAGE }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for CheckedFile { file, fits, nearly } in &self.files {
            let _ = writeln!(text, "{}", shown_path(file));
            for Fit { source, years, tables } in fits {
                let (years, tables) = (years.join(", "), tables.join(", "));
                let _ = writeln!(text, "  fits {source} ({years}): {tables}");
            }
            if fits.len() > 1 {
                let _ =
                    writeln!(text, "  it must fit one source alone; give each its own file names");
            }
            // Where one fits, what others lack is of no use.
            for NearFit { source, years, why } in nearly.iter().filter(|_| fits.len() != 1) {
                let _ = writeln!(text, "  nearly {source} ({}): {why}", years.join(", "));
            }
            if fits.is_empty() && nearly.is_empty() {
                let _ = writeln!(
                    text,
                    "  fits no definition; draft one: minster-ingest sources new {}",
                    shown_path(file)
                );
            }
        }
        text
    }
}

impl CheckedFile {
    fn make(file: &Path, entries: &[&CatalogueEntry]) -> Self {
        let mut checked = Self { file: file.to_owned(), fits: Vec::new(), nearly: Vec::new() };
        for entry in entries {
            let definition = &entry.definition;
            let source = definition.name.clone();
            match Plan::of_file(definition, file) {
                // A workbook of which every sheet is passed over has not the layout.
                Ok(plan) if plan.files.iter().any(|file| file.tables.is_empty()) => {}
                Ok(plan) => {
                    let name = |&table: &usize| definition.tables[table].name.to_string();
                    let tables =
                        |file: &PlannedFile| file.tables.iter().map(name).collect::<Vec<_>>();
                    let mut tables: Vec<String> = plan.files.iter().flat_map(tables).collect();
                    if plan.files.is_empty() {
                        tables.push("known and dropped".to_owned());
                    }
                    match checked.fits.iter_mut().find(|fit| fit.source == source) {
                        Some(fit) => fit.years.extend(definition.years.iter().cloned()),
                        None => {
                            let years = definition.years.clone();
                            checked.fits.push(Fit { source, years, tables });
                        }
                    }
                }
                Err(PlanError::UnlistedFile { .. }) => {}
                Err(error) => {
                    let years = definition.years.clone();
                    checked.nearly.push(NearFit { source, years, why: error.to_string() });
                }
            }
        }
        if checked.fits.is_empty() && checked.nearly.is_empty() {
            checked.nearly = other_name(file, entries);
        }
        // The misfit with another version of the same source is of no use where one fits.
        let CheckedFile { fits, nearly, .. } = &mut checked;
        nearly.retain(|near| fits.iter().all(|fit| fit.source != near.source));
        checked
    }
}

/// Layouts whose columns a file has under a name that is not theirs.
fn other_name(file: &Path, entries: &[&CatalogueEntry]) -> Vec<NearFit> {
    let Ok(outline) = Outline::of(file) else { return Vec::new() };
    let mut near = Vec::new();
    for definition in entries.iter().map(|entry| &entry.definition) {
        let same_format = definition.format == outline.format && outline.unit.is_none();
        for table in definition.tables.iter().filter(|_| same_format) {
            let has = |outlined: &&OutlinedTable| definition.has_header(table, &outlined.columns);
            if let Some(outlined) = outline.tables.iter().find(has) {
                near.push(NearFit {
                    source: definition.name.clone(),
                    years: definition.years.clone(),
                    why: format!(
                        "{} has the columns of the table {}, but its name does not fit {}",
                        shown(&outlined.file),
                        table.name,
                        table.files.join(", ")
                    ),
                });
            }
        }
    }
    near
}
