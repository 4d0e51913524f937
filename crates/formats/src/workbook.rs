//! A workbook for people, by the rules for accessible spreadsheets (Analysis Function, "Releasing statistics in
//! spreadsheets"): a cover, a list of contents, notes, and one real table a sheet. No cell of a table is empty.

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Table as ExcelTable, TableColumn,
    TableStyle, Url, Workbook, Worksheet,
};

use crate::{
    FormatError,
    content::{
        NO_CODE, NO_RATE, ROUNDS_TO_0, Release, Table, Value, heading, in_brackets, thousands,
    },
    notes::Notes,
    tidy, workbook_parts,
};

/// The meaning of the symbols, wherever a sheet has numbers.
pub(crate) const SYMBOLS: [(&str, &str); 4] = [
    ("[c]", "confidential: the number is withheld so that nobody can be recognised"),
    ("[low]", ROUNDS_TO_0),
    ("[x]", "not available: there is no code"),
    ("[z]", NO_RATE),
];

const FONT: &str = "Arial";
const SIZE: f64 = 12.0;
/// The size of titles, in points: no other text has it.
const TITLE: u32 = 16;
/// Characters; longer texts are wrapped.
const WIDEST: usize = 60;

/// The rows of a sheet, less those above a table and its header.
pub(crate) const MOST_ROWS: usize = 1_048_576 - 7;

struct Looks {
    text: Format,
    title: Format,
    strong: Format,
    header: Format,
    number_header: Format,
    whole: Format,
    decimal: Format,
    symbol: Format,
    link: Format,
}

impl Looks {
    fn new() -> Self {
        let text = Format::new().set_font_name(FONT).set_font_size(SIZE);
        let plain = text.clone().set_align(FormatAlign::Top);
        let right = text.clone().set_align(FormatAlign::Right);
        let header = text.clone().set_bold().set_text_wrap().set_align(FormatAlign::Bottom);
        Self {
            title: text.clone().set_bold().set_font_size(TITLE),
            strong: text.clone().set_bold(),
            number_header: header.clone().set_align(FormatAlign::Right),
            header,
            whole: right.clone().set_num_format("#,##0"),
            decimal: right.clone().set_num_format("#,##0.0"),
            symbol: right,
            link: plain
                .clone()
                .set_underline(rust_xlsxwriter::FormatUnderline::Single)
                .set_font_color("0B4F8A"),
            text: plain.set_text_wrap(),
        }
    }
}

pub(crate) fn workbook(release: &Release) -> Result<Vec<u8>, FormatError> {
    let looks = Looks::new();
    let mut workbook = Workbook::new();
    let mut properties = DocProperties::new()
        .set_title(format!("{}, {}", release.title, release.period))
        .set_subject("Statistics")
        .set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?);
    if let Some(publisher) = &release.publisher {
        properties = properties.set_author(publisher).set_company(publisher);
    }
    workbook.set_properties(&properties);
    cover(workbook.add_worksheet(), release, &looks)?;
    contents(workbook.add_worksheet(), release, &looks)?;
    let notes = Notes::of(release);
    sheet_of_notes(workbook.add_worksheet(), &notes, &looks)?;
    for (place, table) in release.tables.iter().enumerate() {
        sheet(workbook.add_worksheet(), (place, table), (release, &notes), &looks)?;
    }
    workbook_parts::completed(&workbook.save_to_buffer()?, TITLE)
}

/// Lines below each other in the first column, at one width.
fn lines(
    sheet: &mut Worksheet,
    lines: &[(String, &Format)],
    width: f64,
) -> Result<(), FormatError> {
    sheet.set_column_width(0, width)?;
    for (row, (line, format)) in (0..).zip(lines) {
        sheet.write_string_with_format(row, 0, line, format)?;
    }
    Ok(())
}

fn cover(sheet: &mut Worksheet, release: &Release, looks: &Looks) -> Result<(), FormatError> {
    sheet.set_name("Cover")?;
    let (text, strong) = (&looks.text, &looks.strong);
    let mut of = vec![
        (format!("{}, {}", release.title, release.period), &looks.title),
        (format!("This workbook counts {} in {}.", release.counted, release.period), text),
    ];
    of.extend(release.not_counted.iter().map(|sentence| (sentence.clone(), text)));
    of.push(("Period".into(), strong));
    of.push((release.period.clone(), text));
    if let Some(publisher) = &release.publisher {
        of.push(("Publisher".into(), strong));
        of.push((publisher.clone(), text));
    }
    if let Some(contact) = &release.contact {
        of.push(("Contact".into(), strong));
        of.push((contact.clone(), text));
    }
    of.push(("Readers".into(), strong));
    of.push((release.audience.clone(), text));
    of.push(("Tables".into(), strong));
    of.push((how_many(release.tables.len(), "table", "each on a sheet of its own"), text));
    of.push(("Symbols".into(), strong));
    of.extend(SYMBOLS.map(|(symbol, meaning)| (format!("{symbol} {meaning}"), text)));
    lines(sheet, &of, 90.0)
}

fn how_many(number: usize, what: &str, more: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("This workbook has {number} {what}{ending}, {more}.")
}

/// Excel's name for a table: its number, because a table's own name may have a hyphen, which Excel refuses.
fn excel_name(place: usize) -> String {
    format!("table_{}", place + 1)
}

fn sheet_name(place: usize) -> String {
    format!("Table {}", place + 1)
}

fn contents(sheet: &mut Worksheet, release: &Release, looks: &Looks) -> Result<(), FormatError> {
    sheet.set_name("Contents")?;
    sheet.write_string_with_format(0, 0, "Contents", &looks.title)?;
    sheet.write_string_with_format(
        1,
        0,
        "This worksheet has one table, of the other sheets. [z] stands where a sheet has no numbers.",
        &looks.text,
    )?;
    let header = ["Sheet", "Title", "Numbers", "Withheld"];
    let mut rows = vec![("Notes".to_owned(), "Notes".to_owned(), None)];
    for (place, table) in release.tables.iter().enumerate() {
        let numbers: usize = table.measures.iter().map(|of| of.values.len()).sum();
        let withheld: usize = table.measures.iter().map(|of| table.withheld(of)).sum();
        rows.push((sheet_name(place), table.title.clone(), Some((numbers, withheld))));
    }
    excel_table(sheet, (3, rows.len()), "contents", &header.map(str::to_owned), looks)?;
    for (row, (name, title, numbers)) in (4..).zip(&rows) {
        let link = Url::new(format!("internal:'{name}'!A1")).set_text(name);
        sheet.write_url_with_format(row, 0, link, &looks.link)?;
        sheet.write_string_with_format(row, 1, title, &looks.text)?;
        for (column, number) in
            (2..).zip(numbers.map_or([None; 2], |(all, of)| [Some(all), Some(of)]))
        {
            match number {
                Some(number) => {
                    sheet.write_number_with_format(row, column, number as f64, &looks.whole)?
                }
                None => sheet.write_string_with_format(row, column, "[z]", &looks.symbol)?,
            };
        }
    }
    sheet.set_column_width(0, 14)?.set_column_width(1, WIDEST as f64)?;
    sheet.set_column_width(2, 12)?.set_column_width(3, 12)?;
    Ok(())
}

fn sheet_of_notes(sheet: &mut Worksheet, notes: &Notes, looks: &Looks) -> Result<(), FormatError> {
    sheet.set_name("Notes")?;
    sheet.write_string_with_format(0, 0, "Notes", &looks.title)?;
    sheet.write_string_with_format(1, 0, "This worksheet has one table.", &looks.text)?;
    excel_table(sheet, (3, notes.len()), "notes", &["Note", "Text"].map(str::to_owned), looks)?;
    for (row, (mark, note)) in (4..).zip(notes.marked()) {
        sheet.write_string_with_format(row, 0, mark, &looks.text)?;
        sheet.write_string_with_format(row, 1, note, &looks.text)?;
    }
    sheet.set_column_width(0, 12)?.set_column_width(1, 90)?;
    Ok(())
}

fn sheet(
    sheet: &mut Worksheet,
    (place, table): (usize, &Table),
    (release, notes): (&Release, &Notes),
    looks: &Looks,
) -> Result<(), FormatError> {
    sheet.set_name(sheet_name(place))?;
    let title = format!("{}: {}, {}", sheet_name(place), table.title, release.period);
    sheet.write_string_with_format(0, 0, title, &looks.title)?;
    let symbols: Vec<String> =
        SYMBOLS.iter().map(|(symbol, meaning)| format!("{symbol} {meaning}")).collect();
    // These lines stand beside each other's columns: wrapped, they would be as narrow as the first one.
    let line = &looks.strong.clone().unset_bold();
    let notes_tell = format!(
        "This worksheet has one table. The sheet Notes tells what is withheld, and why{}.",
        notes.on_release()
    );
    sheet.write_string_with_format(1, 0, notes_tell, line)?;
    sheet.write_string_with_format(2, 0, format!("Symbols: {}.", symbols.join("; ")), line)?;
    sheet.write_string_with_format(
        3,
        0,
        "Rows of one level count no child twice; rows of two levels may.",
        line,
    )?;
    sheet.write_url_with_format(
        4,
        0,
        Url::new("internal:'Contents'!A1").set_text("Contents"),
        &looks.link,
    )?;
    let no_code = in_brackets(NO_CODE);
    let mut columns: Vec<(String, Vec<Shown<'_>>)> =
        vec![("Level".into(), table.levels.iter().map(|of| Shown::Text(of)).collect())];
    for (place, dimension) in table.dimensions.iter().enumerate() {
        let of = |row: usize| table.category(row, place);
        let labels = (0..table.rows()).map(|row| Shown::Text(&of(row).label)).collect();
        columns.push((notes.heading_of_dimension(dimension), labels));
        if dimension.has_codes {
            let codes = (0..table.rows())
                .map(|row| of(row).code.as_deref().map_or(Shown::Text(&no_code), Shown::Text))
                .collect();
            columns.push((heading(&tidy::code_column(&dimension.name)), codes));
        }
    }
    let first_number = columns.len();
    for measure in &table.measures {
        let values = measure.values.iter().map(|&value| Shown::Value(value)).collect();
        columns.push((notes.heading_of_measure(measure), values));
    }
    distinct(&mut columns);
    let header: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    excel_table_of(sheet, (6, table.rows()), &excel_name(place), (&header, first_number), looks)?;
    for (at, (name, values)) in (0u16..).zip(&columns) {
        let widest = values.iter().map(Shown::width).chain([name.len().min(16)]).max();
        let width = widest.unwrap_or_default().clamp(10, WIDEST) + 3;
        sheet.set_column_width(at, width as f64)?;
        for (row, value) in (7..).zip(values) {
            value.write(sheet, (row, at), looks)?;
        }
    }
    Ok(())
}

/// Headings differ, whatever the names of columns are: Excel tells no capitals from small letters.
fn distinct(columns: &mut [(String, Vec<Shown<'_>>)]) {
    for at in 1..columns.len() {
        let before: Vec<String> =
            columns[..at].iter().map(|(name, _)| name.to_lowercase()).collect();
        let mut number = 2;
        let plain = columns[at].0.clone();
        while before.contains(&columns[at].0.to_lowercase()) {
            columns[at].0 = format!("{plain} ({number})");
            number += 1;
        }
    }
}

enum Shown<'a> {
    Text(&'a str),
    Value(Value),
}

impl Shown<'_> {
    fn width(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Value(Value::Whole(number)) => thousands(*number).len(),
            Self::Value(_) => 6,
        }
    }

    fn write(
        &self,
        sheet: &mut Worksheet,
        (row, column): (u32, u16),
        looks: &Looks,
    ) -> Result<(), FormatError> {
        match self {
            Self::Text(text) => sheet.write_string_with_format(row, column, *text, &looks.text)?,
            Self::Value(Value::Whole(number)) => {
                sheet.write_number_with_format(row, column, *number as f64, &looks.whole)?
            }
            Self::Value(Value::Number(number)) => {
                sheet.write_number_with_format(row, column, *number, &looks.decimal)?
            }
            Self::Value(other) => {
                sheet.write_string_with_format(row, column, other.text(), &looks.symbol)?
            }
        };
        Ok(())
    }
}

fn excel_table(
    sheet: &mut Worksheet,
    place: (u32, usize),
    name: &str,
    header: &[String],
    looks: &Looks,
) -> Result<(), FormatError> {
    excel_table_of(sheet, place, name, (header, header.len()), looks)
}

/// A real table of Excel with its header, below which so many rows are written. Headings of numbers begin at a column.
fn excel_table_of(
    sheet: &mut Worksheet,
    (first, rows): (u32, usize),
    name: &str,
    (header, first_number): (&[String], usize),
    looks: &Looks,
) -> Result<(), FormatError> {
    let columns: Vec<TableColumn> =
        header.iter().map(|name| TableColumn::new().set_header(name.as_str())).collect();
    let table = ExcelTable::new()
        .set_name(name)
        .set_columns(&columns)
        .set_style(TableStyle::Light1)
        .set_banded_rows(false)
        .set_autofilter(false);
    let too_long = |_| FormatError::Workbook(rust_xlsxwriter::XlsxError::RowColumnLimitError);
    let last = first + u32::try_from(rows.max(1)).map_err(too_long)?;
    let last_column = u16::try_from(header.len().saturating_sub(1)).map_err(too_long)?;
    sheet.add_table(first, 0, last, last_column, &table)?;
    for (at, name) in (0u16..).zip(header) {
        let is_number = usize::from(at) >= first_number;
        let format = if is_number { &looks.number_header } else { &looks.header };
        sheet.write_string_with_format(first, at, name, format)?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};

    use super::*;
    use crate::content::{Category, Dimension, Kind, Measure, Unit};

    #[test]
    fn a_table_that_is_longer_than_a_sheet_is_refused_by_name() {
        let of = |rows: usize| {
            let table = Table {
                name: "long".to_owned(),
                title: String::new(),
                levels: vec![String::new(); rows],
                dimensions: Vec::new(),
                measures: Vec::new(),
            };
            Release {
                name: "r".to_owned(),
                title: String::new(),
                period: "2024-25".to_owned(),
                publisher: None,
                contact: None,
                audience: "It is for everybody.".into(),
                counted: String::new(),
                not_counted: Vec::new(),
                protection: Vec::new(),
                linkage: None,
                rounded: None,
                tables: vec![table],
                dfe: None,
            }
        };
        let (most, all) = (of(MOST_ROWS), crate::Formats::default());
        assert!(crate::check_lengths(&most, all).is_ok());
        let said = crate::check_lengths(&of(MOST_ROWS + 1), all).unwrap_err().to_string();
        assert!(said.contains("long has 1048570 rows") && said.contains("`formats`"), "{said}");
        let without = crate::Formats { workbook: false, ..all };
        assert!(crate::check_lengths(&of(MOST_ROWS + 1), without).is_ok());
    }

    #[test]
    fn a_text_that_begins_like_a_formula_is_a_text() {
        let category = |label: &str| Category {
            label: label.to_owned(),
            code: None,
            meaning: None,
            level: Some("part".to_owned()),
            is_lowest: true,
            is_withheld: false,
            is_unknown: false,
        };
        let labels = ["=1+1", "+1", "-1", "@SUM(A1)", "http://example.org", "=HYPERLINK(\"x\")"];
        let dimension = Dimension {
            name: "=part".to_owned(),
            categories: labels.map(category).to_vec(),
            of_row: (0..labels.len()).collect(),
            meaning: None,
            has_codes: true,
            boundaries: None,
            kind: Kind::Plain,
        };
        let children = Measure {
            name: "children".to_owned(),
            status: "status".to_owned(),
            meaning: "=2+2".to_owned(),
            unit: Unit::Whole,
            month: None,
            row: None,
            values: vec![Value::Whole(7); labels.len()],
        };
        let table = Table {
            name: "by-ward".to_owned(),
            title: "=3+3".to_owned(),
            levels: vec!["part".to_owned(); labels.len()],
            dimensions: vec![dimension],
            measures: vec![children],
        };
        let release = Release {
            name: "r".to_owned(),
            title: "=4+4".to_owned(),
            period: "2024-25".to_owned(),
            publisher: Some("=5+5".to_owned()),
            contact: None,
            audience: "It is for everybody.".into(),
            counted: "pupils".to_owned(),
            not_counted: Vec::new(),
            protection: Vec::new(),
            tables: vec![table],
            linkage: None,
            rounded: None,
            dfe: None,
        };
        let written = workbook(&release).unwrap();
        let mut read: Xlsx<_> = Xlsx::new(Cursor::new(written)).unwrap();
        for name in read.sheet_names() {
            let formulas = read.worksheet_formula(&name).unwrap();
            assert_eq!(formulas.used_cells().count(), 0, "{name}");
        }
        let sheet = read.worksheet_range("Table 1").unwrap();
        for (row, label) in (7..).zip(labels) {
            assert_eq!(sheet.get_value((row, 1)), Some(&Data::String(label.to_owned())));
            assert_eq!(sheet.get_value((row, 2)), Some(&Data::String("[x]".to_owned())));
            assert_eq!(sheet.get_value((row, 3)), Some(&Data::Float(7.0)));
        }
    }
}
