//! Why a delivery is not read, in words that say what to do.

use std::{collections::BTreeMap, path::PathBuf};

use minster_identifiers::{Shape, shown, shown_path};
use minster_model::is_hidden;

use crate::{
    DefinitionError, ReadError,
    planned_file::{HEADER_ROWS, MOST_COLUMNS},
};

/// Why a delivery is not read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The drop folder cannot be listed.
    #[error("cannot read the drop folder {}: {source}", shown_path(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A file that the definition does not list, or one that is no plain file.
    #[error(
        "{}: the definition of {source_name} lists no such file; add a [[table]] for it, or name it in `ignore`, or take it away",
        shown_path(path)
    )]
    UnlistedFile {
        /// The file.
        path: PathBuf,
        /// The source.
        source_name: String,
    },
    /// A file that two tables of a CSV source, or none's order, could take.
    #[error(
        "{}: the tables {first} and {second} both list this file; make the `file` of one of them narrower",
        shown_path(path)
    )]
    AmbiguousFile {
        /// The file.
        path: PathBuf,
        /// One table.
        first: String,
        /// The other.
        second: String,
    },
    /// Columns without a treatment, or columns that the definition counts on. Their names are part of the layout, not of
    /// a row.
    #[error("{}: {}", shown_path(path), other_columns(source_name, table, missing, unlisted))]
    OtherColumns {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
        /// The source.
        source_name: String,
        /// Columns that the definition counts on and the file lacks.
        missing: Box<[String]>,
        /// Columns of the file that the definition does not list.
        unlisted: Box<[String]>,
    },
    /// Elements without a treatment.
    #[error("{}: {}", shown_path(path), proposed.text(source_name))]
    OtherElements {
        /// The file.
        path: PathBuf,
        /// The source.
        source_name: String,
        /// The lines that list them.
        proposed: Proposed,
    },
    /// A name that may identify a child. It is not repeated.
    #[error("{}, in the order of their names the {}: the name holds what looks like {shape}, and names reach logs; have it named otherwise", shown_path(path), ordinal(*place))]
    TellingName {
        /// The folder of files, or the file of members or sheets.
        path: PathBuf,
        /// Which file, member or sheet, from 1.
        place: usize,
        /// The look of the name.
        shape: Shape,
    },
    /// A name with characters that cannot be seen: it would stand in logs for ever.
    #[error("{}, in the order of their names the {}: the name holds control characters or others that cannot be seen; have it named otherwise", shown_path(path), ordinal(*place))]
    HiddenName {
        /// The folder of files, or the file of members.
        path: PathBuf,
        /// Which file or member, from 1.
        place: usize,
    },
    /// A header cell that cannot be a column's name: the header row may be missing.
    #[error(
        "{}: header cell {place} cannot be a column's name; is the header row missing? None of the first {HEADER_ROWS} rows is the table's header",
        shown_path(path)
    )]
    NotAHeader {
        /// The file.
        path: PathBuf,
        /// Which cell, from 1.
        place: usize,
    },
    /// A file without even a header.
    #[error("{}: the file is empty; ask the service to deliver it again", shown_path(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A header wider than any layout.
    #[error(
        "{}: the header has more than {MOST_COLUMNS} columns; is it a file of this source?",
        shown_path(path)
    )]
    TooManyColumns {
        /// The file.
        path: PathBuf,
    },
    /// A sheet that the definition does not list.
    #[error("{}: the definition of {source_name} lists no sheet `{}`{}; add a [[table]] for it, or name it in `ignore`", shown_path(path), shown(sheet), if *hidden { " (it is hidden)" } else { "" })]
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
    #[error(
        "{}, sheet `{}`: none of its first rows is the header of the table {table}; the nearest lacks {}{}",
        shown_path(path),
        shown(sheet),
        few(lacks),
        new_columns(new)
    )]
    NoHeader {
        /// The file.
        path: PathBuf,
        /// The sheet.
        sheet: String,
        /// The table.
        table: String,
        /// Columns' names, from the definition.
        lacks: Box<[String]>,
        /// Columns of the nearest row that the table does not list, where they can be told.
        new: Box<[String]>,
    },
    /// Two columns with one name.
    #[error(
        "{}: the column `{}` stands twice; have the service name one of them otherwise",
        shown_path(path),
        shown(name)
    )]
    TwoColumns {
        /// The file.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// A table that every delivery has.
    #[error(
        "{}: no file for the table {table} ({pattern}); ask the service for it, or take `required` away from the table",
        shown_path(path)
    )]
    MissingTable {
        /// The folder.
        path: PathBuf,
        /// The table.
        table: String,
        /// The pattern of its file's name.
        pattern: String,
    },
    /// The file cannot be read far enough.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A pattern of the definition cannot be used.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
}

/// Lines that would list what a definition does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// By table, the columns.
    pub columns: BTreeMap<String, Vec<String>>,
    /// Element paths outside of every table.
    pub ignore: Vec<String>,
}

impl Proposed {
    fn text(&self, source: &str) -> String {
        let count = self.columns.values().map(Vec::len).sum::<usize>() + self.ignore.len();
        let mut text = match count {
            1 => format!("an element has no treatment in the definition of {source}."),
            _ => format!("{count} elements have no treatment in the definition of {source}."),
        };
        for (table, columns) in &self.columns {
            text.push_str(&format!("\nAdd below [table.columns] of the table {table}:"));
            for column in columns {
                text.push_str(&format!("\n{} = {{ treatment = \"drop\" }}", quoted(column)));
            }
        }
        if !self.ignore.is_empty() {
            let paths: Vec<String> = self.ignore.iter().map(|path| quoted(path)).collect();
            text.push_str(&format!("\nAdd to `ignore`: {}", paths.join(", ")));
        }
        text
    }
}

/// A TOML string, which is also a quoted key. (A text that `toml` writes may be a string of several lines, which is no
/// key.)
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted.push_str("\\t"),
            c if is_hidden(c) && u32::from(c) > 0xffff => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(c)));
            }
            c if is_hidden(c) => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn other_columns(source: &str, table: &str, missing: &[String], unlisted: &[String]) -> String {
    let at = format!("of the table {table} in the definition of {source}");
    match (missing, unlisted) {
        (missing, []) => format!(
            "{} missing; mark {} `optional = true` below [table.columns] {at} if that is right",
            are(missing),
            if missing.len() == 1 { "it" } else { "them" },
        ),
        ([], unlisted) => {
            let lines = unlisted.iter().take(FEW).map(|name| {
                format!("\n{} = {{ treatment = \"drop\" }}", quoted(name))
            });
            format!(
                "{} no treatment. Add below [table.columns] {at}, for example:{}",
                have(unlisted),
                lines.collect::<String>()
            )
        }
        ([old], [new]) => format!(
            "{} missing, {} new. If it is the same column renamed, add to its line {at}: also = [{}]; if not, list the \
             new one and mark the other `optional = true`",
            are(missing),
            are(unlisted),
            quoted(new),
        )
        .replace("its line", &format!("the line of `{}`", shown(old))),
        (missing, unlisted) => format!(
            "{} missing, {} new. For each that was renamed, add to the old one's line {at}: also = [\"the new name\"]; \
             list the others, and mark what may be missing `optional = true`",
            are(missing),
            are(unlisted),
        ),
    }
}

/// As many names are told at once.
const FEW: usize = 40;

fn few(names: &[String]) -> String {
    let few: Vec<String> =
        names.iter().take(FEW).map(|name| format!("`{}`", shown(name))).collect();
    match names.len().checked_sub(FEW) {
        None | Some(0) => few.join(", "),
        Some(more) => format!("{} and {more} more", few.join(", ")),
    }
}

fn are(names: &[String]) -> String {
    format!("{} {}", few(names), if names.len() == 1 { "is" } else { "are" })
}

fn have(names: &[String]) -> String {
    format!("{} {}", few(names), if names.len() == 1 { "has" } else { "have" })
}

fn new_columns(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", and {} new", are(names)) }
}

fn ordinal(place: usize) -> String {
    let end = match (place % 10, place % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{place}{end}")
}
