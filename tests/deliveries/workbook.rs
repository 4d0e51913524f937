//! Workbooks (ECMA-376), written part by part.

use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};

use jiff::civil::Date;
use zip::{ZipWriter, write::SimpleFileOptions};

/// The headings of list 2 of Ofsted's Annex A: early help assessments.
pub const LIST_2: [&str; 8] = [
    "Child Unique ID",
    "Gender",
    "Ethnicity",
    "Date of Birth",
    "Age",
    "Assessment start date",
    "Assessment completion date",
    "Organisation completing assessment",
];

/// A cell of a sheet.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Nothing.
    Blank,
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// A day: a number with a date's format.
    Day(Date),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Blank } else { Self::Text(text.to_owned()) }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Date> for Cell {
    fn from(day: Date) -> Self {
        Self::Day(day)
    }
}

/// From which day a workbook counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// 1900, as on Windows.
    Of1900,
    /// 1904, as once on a Mac.
    Of1904,
    /// 1904, with the extension that newer programs write beside it ([MS-XLSX], `x15:workbookPr`).
    Of1904Extended,
}

impl Epoch {
    fn serial(self, day: Date) -> i32 {
        let first = match self {
            // 1900 has a 29 February there: all later days are counted from a day earlier.
            Self::Of1900 => jiff::civil::date(1899, 12, 30),
            Self::Of1904 | Self::Of1904Extended => jiff::civil::date(1904, 1, 1),
        };
        day.since(first).map_or(0, |span| span.get_days())
    }
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// A workbook of sheets, by name. A row without a cell is an empty row.
pub fn workbook(epoch: Epoch, sheets: &[(&str, Vec<Vec<Cell>>)]) -> Vec<u8> {
    let (mut list, mut relations) = (String::new(), String::new());
    let mut parts = Vec::new();
    for ((name, rows), number) in sheets.iter().zip(1..) {
        let name = escaped(name);
        let _ = write!(list, "<sheet name='{name}' sheetId='{number}' r:id='r{number}'/>");
        let _ = write!(
            relations,
            "<Relationship Id='r{number}' Type='{OFFICE}/worksheet' Target='worksheets/sheet{number}.xml'/>"
        );
        parts.push((format!("xl/worksheets/sheet{number}.xml"), sheet(epoch, rows)));
    }
    let (properties, extension) = match epoch {
        Epoch::Of1900 => ("", ""),
        Epoch::Of1904 => ("<workbookPr date1904='1'/>", ""),
        Epoch::Of1904Extended => ("<workbookPr date1904='1'/>", EXTENSION),
    };
    let whole = |name: &str, content: String| (name.to_owned(), content);
    parts.extend([
        whole("[Content_Types].xml", TYPES.to_owned()),
        whole("_rels/.rels", format!("<Relationships xmlns='{PACKAGE}'><Relationship Id='r1' Type='{OFFICE}/officeDocument' Target='xl/workbook.xml'/></Relationships>")),
        whole("xl/workbook.xml", format!("<workbook xmlns='{MAIN}' xmlns:r='{OFFICE}'>{properties}<sheets>{list}</sheets>{extension}</workbook>")),
        whole("xl/_rels/workbook.xml.rels", format!("<Relationships xmlns='{PACKAGE}'>{relations}<Relationship Id='styles' Type='{OFFICE}/styles' Target='styles.xml'/></Relationships>")),
        // Format 14 is a date's, in the order of the reader's country.
        whole("xl/styles.xml", format!("<styleSheet xmlns='{MAIN}'><cellXfs><xf numFmtId='0'/><xf numFmtId='14' applyNumberFormat='1'/></cellXfs></styleSheet>")),
    ]);
    let members: Vec<(&str, &[u8])> =
        parts.iter().map(|(name, content)| (name.as_str(), content.as_bytes())).collect();
    zipped(&members)
}

const TYPES: &str = "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'><Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/><Default Extension='xml' ContentType='application/xml'/><Override PartName='/xl/workbook.xml' ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/></Types>";

const EXTENSION: &str = "<extLst><ext xmlns:x15='http://schemas.microsoft.com/office/spreadsheetml/2010/11/main' uri='{140A7094-0E35-4892-8432-C4D2E57EDEB5}'><x15:workbookPr chartTrackingRefBase='1'/></ext></extLst>";

fn sheet(epoch: Epoch, rows: &[Vec<Cell>]) -> String {
    let mut text = format!("<worksheet xmlns='{MAIN}'><sheetData>");
    for (row, number) in rows.iter().zip(1..).filter(|(row, _)| !row.is_empty()) {
        let _ = write!(text, "<row r='{number}'>");
        for (cell, letter) in row.iter().zip('A'..='Z') {
            let at = format!("{letter}{number}");
            let _ = match cell {
                Cell::Blank => Ok(()),
                Cell::Text(cell) => {
                    let cell = escaped(cell);
                    write!(text, "<c r='{at}' t='inlineStr'><is><t>{cell}</t></is></c>")
                }
                Cell::Number(number) => write!(text, "<c r='{at}'><v>{number}</v></c>"),
                Cell::Day(day) => {
                    write!(text, "<c r='{at}' s='1'><v>{}</v></c>", epoch.serial(*day))
                }
            };
        }
        text.push_str("</row>");
    }
    text + "</sheetData></worksheet>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

/// A zip of members, by name.
pub fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
