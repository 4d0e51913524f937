//! How a CSV file is really written, and where its header stands: what spreadsheets do to exports is told from the file.

use std::io::Read;

use crate::{
    Definition, PlanError, PlannedFile, ReadError, Table, container,
    csv_records::Records,
    definition::{Delimiter, Encoding},
    header::{self, Comparison},
    planned_file::{Dialect, HEADER_ROWS, MOST_COLUMNS},
    xlsx_reader::ROWS_ABOVE,
};

/// So much of a file is looked at to tell its encoding, in bytes.
const LOOKED_AT: u64 = 256 << 10;

/// A file's first bytes, and its encoding by them.
pub(crate) struct Start {
    pub(crate) encoding: Encoding,
    /// The delimiter of a line `sep=;`.
    separator: Option<Option<Delimiter>>,
}

/// Looks at a file's first bytes. `declared` counts where they say nothing else.
pub(crate) fn look(file: &PlannedFile, declared: Encoding) -> Result<Start, ReadError> {
    let mut start = Vec::new();
    let bytes = container::open(file, Box::new(|_| {}))?;
    bytes
        .take(LOOKED_AT)
        .read_to_end(&mut start)
        .map_err(|source| container::io_error(&file.path, source))?;
    let encoding = encoding(&start, declared);
    let first = &start[..start.len().min(64)];
    let text = match encoding {
        Encoding::Utf16 if first.get(1) == Some(&0) || first.starts_with(&[0xff, 0xfe]) => {
            encoding_rs::UTF_16LE.decode(first).0
        }
        Encoding::Utf16 => encoding_rs::UTF_16BE.decode(first).0,
        _ => String::from_utf8_lossy(first),
    };
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    let line = line.trim_matches('"').to_lowercase();
    let separator = line.strip_prefix("sep=").filter(|rest| rest.chars().count() == 1);
    let known = |text: &str| {
        Delimiter::ALL.into_iter().find(|known| text.as_bytes().first() == Some(&known.byte()))
    };
    Ok(Start { encoding, separator: separator.map(known) })
}

fn encoding(start: &[u8], declared: Encoding) -> Encoding {
    // Text of Latin letters in UTF-16 has a zero in every other byte, and no other text has any.
    let zeros = |parity: usize| {
        let half = start.iter().skip(parity).step_by(2).take(512);
        half.filter(|byte| **byte == 0).count()
    };
    let looked_at = (start.len() / 2).min(512);
    let every_other = |(some, none): (usize, usize)| 2 * some > looked_at && 8 * none < looked_at;
    let utf16 =
        looked_at > 0 && (every_other((zeros(0), zeros(1))) || every_other((zeros(1), zeros(0))));
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) || utf16 {
        return Encoding::Utf16;
    }
    if start.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Encoding::Utf8;
    }
    match (std::str::from_utf8(start), declared) {
        // Nothing tells plain letters of Windows-1252 from UTF-8: what is declared counts.
        (Ok(_), Encoding::Utf16) => Encoding::Utf8,
        (Ok(_), declared) => declared,
        // A character may be cut where the looking ends.
        (Err(error), Encoding::Utf8) if error.error_len().is_none() => Encoding::Utf8,
        (Err(_), _) => Encoding::Windows1252,
    }
}

/// A header as it was found.
struct FoundHeader {
    dialect: Dialect,
    comparison: Comparison,
}

/// A file whose header was found.
pub(crate) struct DialectAndHeader {
    pub(crate) dialect: Dialect,
    /// For each of the table's columns, its place in the file.
    pub(crate) columns: Vec<Option<usize>>,
    /// Notes about it, for people.
    pub(crate) notes: Vec<String>,
}

/// Finds the table's header, and gives how the file is read, where the table's columns stand, and what is to be told.
pub(crate) fn find(
    definition: &Definition,
    table: &Table,
    file: &PlannedFile,
) -> Result<DialectAndHeader, PlanError> {
    let declared = (definition.encoding, definition.delimiter);
    let start = match definition.excel_exports {
        true => look(file, declared.0)?,
        false => Start { encoding: declared.0, separator: None },
    };
    let delimiters: Vec<Delimiter> = match start.separator {
        Some(Some(said)) => vec![said],
        _ if definition.excel_exports => {
            let others = Delimiter::ALL.into_iter().filter(|other| *other != declared.1);
            std::iter::once(declared.1).chain(others).collect()
        }
        _ => vec![declared.1],
    };
    let mut nearest: Option<FoundHeader> = None;
    let mut empty = true;
    let filled = |names: &[String]| names.iter().filter(|name| !name.is_empty()).count();
    for delimiter in delimiters {
        let dialect = Dialect {
            encoding: start.encoding,
            delimiter,
            header: 0,
            width: 0,
            blank_ends: definition.excel_exports,
        };
        let mut records = Records::open(file, &dialect, Box::new(|_| {}))?;
        let most = if definition.excel_exports { HEADER_ROWS } else { 1 };
        let skipped = usize::from(start.separator.is_some());
        let mut widest = 0;
        for number in 1..=most + skipped {
            match records.read() {
                Ok(true) => empty = false,
                Ok(false) => break,
                // With another delimiter it may be readable.
                Err(_) if nearest.is_some() => break,
                Err(error) => return Err(error.into()),
            }
            if number <= skipped {
                continue;
            }
            if records.fields() > MOST_COLUMNS {
                return Err(PlanError::TooManyColumns { path: file.path.clone() });
            }
            let names = names(&records, &dialect);
            let comparison = header::compare(definition, table, &names);
            let dialect = Dialect { header: number, width: names.len(), ..dialect };
            let certain = comparison.certain();
            if certain && widest >= filled(&names) {
                return Err(container::refuse(&file.path, ROWS_ABOVE).into());
            }
            widest = widest.max(filled(&names));
            let nearer = nearest
                .as_ref()
                .is_none_or(|nearest| certain || comparison.known > nearest.comparison.known);
            if nearer {
                nearest = Some(FoundHeader { dialect, comparison });
            }
            if certain {
                break;
            }
        }
        if nearest.as_ref().is_some_and(|nearest| nearest.comparison.certain()) {
            break;
        }
    }
    match nearest {
        Some(FoundHeader { dialect, comparison }) => {
            let notes = notes(declared, &dialect, start.separator.is_some());
            let columns = comparison.places(definition, table, &file.path)?;
            Ok(DialectAndHeader { dialect, columns, notes })
        }
        None if empty => Err(PlanError::Empty { path: file.path.clone() }),
        None => Err(PlanError::NotAHeader { path: file.path.clone(), place: 1 }),
    }
}

/// The note about a file that is not written as it was declared.
fn notes(declared: (Encoding, Delimiter), found: &Dialect, separator: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if found.encoding != declared.0 {
        notes.push(format!("read as {}", found.encoding.name()));
    }
    if found.delimiter != declared.1 {
        notes.push(format!("read with {} between fields", found.delimiter.name()));
    }
    let titles = found.header - 1 - usize::from(separator);
    if titles > 0 {
        let rows = minster_model::counted(titles, "row", "rows");
        notes.push(format!("{rows} above the header passed over"));
    }
    notes
}

/// The cells of a record as names; blank ones at the end are none where they may be.
pub(crate) fn names(records: &Records, dialect: &Dialect) -> Vec<String> {
    let name = |cell: &[u8]| match (std::str::from_utf8(cell), dialect.encoding) {
        (Ok(name), _) => header::tidy(name),
        (Err(_), Encoding::Windows1252) => header::tidy(&encoding_rs::WINDOWS_1252.decode(cell).0),
        (Err(_), _) => String::new(),
    };
    let mut names: Vec<String> = records.cells().map(name).collect();
    while dialect.blank_ends && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
            Self::Utf16 => "UTF-16",
        }
    }
}

impl Delimiter {
    fn name(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Bar => "bars",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_told_from_the_first_bytes() {
        let utf16: Vec<u8> = "a,b\r\nc,d".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "a,b\r\nc,d".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, declared, expected) in [
            (b"a,b".as_slice(), Encoding::Utf8, Encoding::Utf8),
            (b"a,b", Encoding::Windows1252, Encoding::Windows1252),
            (b"a,b", Encoding::Utf16, Encoding::Utf8),
            (b"Zo\xeb,b", Encoding::Utf8, Encoding::Windows1252),
            ("Zo\u{eb}".as_bytes(), Encoding::Utf8, Encoding::Utf8),
            (b"\xef\xbb\xbfa", Encoding::Windows1252, Encoding::Utf8),
            (&utf16, Encoding::Utf8, Encoding::Utf16),
            (&big, Encoding::Utf8, Encoding::Utf16),
            (b"\xff\xfea\0", Encoding::Utf8, Encoding::Utf16),
            // Half a character, where the looking ends.
            (b"a\xc3", Encoding::Utf8, Encoding::Utf8),
            (b"", Encoding::Utf8, Encoding::Utf8),
            (b"id\0\0\0\0\0\0\0\0", Encoding::Utf8, Encoding::Utf8),
        ] {
            assert_eq!(encoding(bytes, declared), expected, "{bytes:?}");
        }
    }
}
