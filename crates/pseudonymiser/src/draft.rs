//! `minster-ingest sources new`: a definition's draft, in which every column is dropped.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use minster_sources::{Delimiter, Encoding, Format, Outline, OutlinedTable};

use crate::IngestError;

/// Drafts a definition from a file's layout: names alone, never a value. `year` is the period that it
/// is said to fit.
pub fn draft(path: &Path, year: &str) -> Result<String, IngestError> {
    let outline = Outline::of(path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut text = String::from(
        "# A draft: every column is dropped. Say of each what it may become, in what form the dates are, and\n\
         # which periods have this layout.\n",
    );
    let _ = writeln!(text, "name = {}", quoted(&simple(&stem, "source")));
    let format = match outline.format {
        Format::Csv => "csv",
        Format::Xml => "xml",
        Format::Xlsx => "xlsx",
        Format::Parquet => "parquet",
    };
    let _ = writeln!(
        text,
        "format = {}\ndates = [\"iso\"]\nyears = [{}]",
        quoted(format),
        quoted(year)
    );
    let encoding = match outline.encoding {
        Encoding::Utf8 => None,
        Encoding::Windows1252 => Some("windows-1252"),
        Encoding::Utf16 => Some("utf-16"),
    };
    if let Some(encoding) = encoding {
        let _ = writeln!(text, "encoding = {}", quoted(encoding));
    }
    if outline.delimiter != Delimiter::Comma {
        let delimiter = char::from(outline.delimiter.byte()).to_string();
        let _ = writeln!(text, "delimiter = {}", quoted(&delimiter));
    }
    if let Some(unit) = &outline.unit {
        let _ = writeln!(text, "unit = {}", quoted(unit));
    }
    if !outline.ignore.is_empty() {
        let ignore: Vec<String> = outline.ignore.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(text, "ignore = [{}]", ignore.join(", "));
    }
    let mut names = BTreeSet::new();
    for OutlinedTable { file, sheet, record, columns } in &outline.tables {
        let hint = sheet.as_deref().or(record.as_deref().filter(|record| *record != "."));
        let plain = file.rsplit_once('.').map_or(file.as_str(), |(start, _)| start);
        let mut name = simple(hint.unwrap_or(plain), "table");
        while !names.insert(name.clone()) {
            name.push_str("_2");
        }
        let _ = writeln!(text, "\n[[table]]\nname = {}\nfile = {}", quoted(&name), quoted(file));
        for (key, value) in [("sheet", sheet), ("record", record)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", quoted(value));
            }
        }
        let _ = writeln!(text, "[table.columns]");
        for column in columns {
            let _ = writeln!(text, "{} = {{ treatment = \"drop\" }}", quoted(column));
        }
    }
    Ok(text)
}

/// A TOML string, which is also a quoted key.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A name of letters, digits and `_` that begins with a letter.
fn simple(text: &str, otherwise: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("_").to_lowercase();
    let name: String = name.chars().take(48).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("{otherwise}_{name}")
    }
}
