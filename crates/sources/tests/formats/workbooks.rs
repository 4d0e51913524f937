//! Workbooks, written here part by part.

use std::io::Write as _;

use minster_sources::Reason;

use crate::common::{gzipped, read_one, refused, zipped};

const DEFINITION: &str = r#"
name = "w"
format = "xlsx"
years = ["2024"]
ignore = ["Notes*"]
[[table]]
name = "children"
file = "*.xlsx"
sheet = "List 1"
required = true
[table.columns]
"Child Unique ID" = { treatment = "bridge", kind = "person", as = "person" }
"Date of Birth" = { treatment = "generalise", to = "year" }
"Seen Alone?" = { treatment = "keep", type = "flag" }
Age = { treatment = "drop", optional = true }
[[table]]
name = "plans"
file = "*.xlsx"
sheet = "List 2"
[table.columns]
Id = { treatment = "bridge", kind = "person" }
"#;

const HEADER: &str = "<row r='1'><c r='A1' t='inlineStr'><is><t>Seen  Alone?</t></is></c><c r='B1' t='inlineStr'><is><t>Child Unique&#10;ID</t></is></c><c r='C1' t='inlineStr'><is><t>Date of Birth</t></is></c></row>";

/// Sheets by name, their rows, and whether each is hidden.
fn workbook(sheets: &[(&str, &str, bool)]) -> Vec<u8> {
    with_parts(sheets, &[])
}

fn with_parts(sheets: &[(&str, &str, bool)], more: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut list, mut relations) = (String::new(), String::new());
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for ((name, rows, hidden), number) in sheets.iter().zip(1..) {
        let state = if *hidden { " state='hidden'" } else { "" };
        list += &format!("<sheet name='{name}' sheetId='{number}' r:id='r{number}'{state}/>");
        relations += &format!(
            "<Relationship Id='r{number}' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet{number}.xml'/>"
        );
        let sheet = format!(
            "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData>{rows}</sheetData></worksheet>"
        );
        parts.push((format!("xl/worksheets/sheet{number}.xml"), sheet.into_bytes()));
    }
    parts.push(("_rels/.rels".into(), b"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>".to_vec()));
    parts.push(("xl/workbook.xml".into(), format!("<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets>{list}</sheets></workbook>").into_bytes()));
    parts.push(("xl/_rels/workbook.xml.rels".into(), format!("<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{relations}</Relationships>").into_bytes()));
    parts.push(("xl/styles.xml".into(), b"<styleSheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>".to_vec()));
    let parts: Vec<(&str, &[u8])> =
        parts.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
    zipped(&[&parts, more].concat())
}

#[test]
fn a_sheet_s_typed_cells_become_text() {
    let rows = format!(
        "<row r='1'><c r='A1' t='inlineStr'><is><t>A heading over the table</t></is></c></row>{}\
         <row r='4'><c r='A4' t='b'><v>1</v></c><c r='B4'><v>9212044</v></c><c r='C4' s='1'><v>42029</v></c></row>\
         <row r='5'><c r='A5'/><c r='B5' t='str'><v> </v></c></row>\
         <row r='6'><c r='B6' t='str'><v>0012</v></c><c r='C6' t='e'><v>#N/A</v></c></row>\
         <row r='7'><c r='A7' t='str'><v>Total</v></c><c r='B7'><v>2</v></c></row>\
         <row r='8'><c r='B8'><v>1</v></c><c r='E8' t='str'><v>CANARY</v></c></row>\
         <row r='900000'/>",
        HEADER.replace("r='1'", "r='3'").replace("1' t", "3' t")
    );
    let content = workbook(&[("List 1", &rows, false), ("Notes on it", "", true)]);
    let read = read_one(DEFINITION, "a.xlsx", &content).unwrap();
    // In the order of the names: Age, Child Unique ID, Date of Birth, Seen Alone?
    assert_eq!(read.fields(), [["", "9212044", "2015-01-25", "TRUE"], ["", "0012", "#N/A", ""]]);
    // As a spreadsheet shows them.
    assert_eq!((read.rows[0].1, read.rows[1].1), (4, 6));
    assert_eq!(read.rejected, [(7, Reason::TotalsRow), (8, Reason::FieldCount)]);
    for (name, packed) in
        [("a.xlsx.gz", gzipped(&content)), ("d.zip", zipped(&[("x/a.xlsx", &content)]))]
    {
        assert_eq!(read_one(DEFINITION, name, &packed).unwrap().rows.len(), 2, "{name}");
    }
}

#[test]
fn unlisted_and_hidden_sheets_are_refused() {
    let error = refused(read_one(
        DEFINITION,
        "a.xlsx",
        &workbook(&[("List 1", HEADER, false), ("Staff", HEADER, true)]),
    ));
    assert!(error.contains("`Staff`") && error.contains("hidden"), "{error}");
    let error = refused(read_one(DEFINITION, "a.xlsx", &workbook(&[("List 2", "", false)])));
    assert!(error.contains("children"), "{error}");
}

#[test]
fn a_sheet_under_another_name_is_found_by_its_header_and_guidance_may_be_passed_over() {
    let row = format!("{HEADER}<row r='2'><c r='B2'><v>1</v></c></row>");
    let text = |text: &str| format!("<row r='1'><c r='A1' t='str'><v>{text}</v></c></row>");
    let content =
        workbook(&[("How to", &text("Read this"), false), ("Children 2024", &row, false)]);
    let error = refused(read_one(DEFINITION, "a.xlsx", &content));
    assert!(error.contains("`How to`"), "{error}");
    let lenient = format!("extra_sheets = \"ignore\"\n{DEFINITION}");
    let rows = read_one(&lenient, "a.xlsx", &content).unwrap();
    assert_eq!(rows.rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["children"]);
    // A second sheet with the same header is no other table: it is told, and not added.
    let twice = workbook(&[("List 1", &row, false), ("Copy", &row, false)]);
    assert!(refused(read_one(DEFINITION, "a.xlsx", &twice)).contains("`Copy`"));
    // The same under a name of the table is read as well.
    let definition = DEFINITION.replace("sheet = \"List 1\"", "sheet = [\"List 1\", \"list 1 *\"]");
    let both = workbook(&[("List 1", &row, false), ("LIST 1 (Sept)", &row, false)]);
    assert_eq!(read_one(&definition, "a.xlsx", &both).unwrap().rows.len(), 2);
}

#[test]
fn a_table_with_a_column_more_is_no_guidance_and_a_sorted_sheet_has_no_header() {
    let lenient = format!("extra_sheets = \"ignore\"\n{DEFINITION}");
    let row = format!("{HEADER}<row r='2'><c r='B2'><v>1</v></c></row>");
    let more = row.replacen("</row>", "<c r='D1' t='str'><v>New one</v></c></row>", 1);
    for (name, rows) in [("Copy of it", &row), ("Other", &more)] {
        let content = workbook(&[("List 1", &row, false), (name, rows, false)]);
        let error = refused(read_one(&lenient, "a.xlsx", &content));
        assert!(error.contains(name) || error.contains("New one"), "{error}");
    }
    let child = "<row r='1'><c r='A1' t='str'><v>CANARY</v></c><c r='B1'><v>1</v></c><c r='C1'><v>2</v></c></row>";
    let sorted = format!("{child}{}", HEADER.replace("r='1'", "r='2'").replace("1' t", "2' t"));
    let error = refused(read_one(DEFINITION, "a.xlsx", &workbook(&[("List 1", &sorted, false)])));
    assert!(error.contains("header on top"), "{error}");
}

#[test]
fn a_header_is_found_by_the_columns_that_it_must_hold() {
    let without = HEADER.replace("Date of Birth", "Birth");
    let error = refused(read_one(DEFINITION, "a.xlsx", &workbook(&[("List 1", &without, false)])));
    assert!(error.contains("Date of Birth") && error.contains("List 1"), "{error}");
    let more = HEADER
        .replace("</row>", "<c r='D1' t='inlineStr'><is><t>Allocated worker?</t></is></c></row>");
    let error = refused(read_one(DEFINITION, "a.xlsx", &workbook(&[("List 1", &more, false)])));
    assert!(error.contains("`Allocated worker?`"), "{error}");
}

#[test]
fn bombs_and_forged_workbooks_are_refused() {
    let row = |cells: &str| format!("{HEADER}<row r='2'>{cells}</row>");
    let long =
        row(&format!("<c r='B2' t='inlineStr'><is><t>{}</t></is></c>", "CANARY".repeat(400_000)));
    let far = row("<c r='XFE2' t='str'><v>CANARY</v></c>");
    let backwards =
        format!("{}<row r='1'><c r='B1'><v>1</v></c></row>", row("<c r='B2'><v>1</v></c>"));
    let twice = row("<c r='B2'><v>1</v></c><c r='B2'><v>2</v></c>");
    for (rows, says) in [(&long, "longer"), (&far, ""), (&backwards, "order"), (&twice, "twice")] {
        let content = workbook(&[("List 1", rows, false)]);
        let error = refused(read_one(DEFINITION, "a.xlsx", &content));
        assert!(error.contains(says), "{error}");
    }
    let sheet = [("List 1", HEADER, false)];
    let bomb = vec![b'<'; 40 << 20];
    let error =
        refused(read_one(DEFINITION, "a.xlsx", &with_parts(&sheet, &[("xl/x.xml", &bomb)])));
    assert!(error.contains("200 times"), "{error}");
    let strings = b"<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' count='1' uniqueCount='999999999999'><si><t>x</t></si></sst>";
    let forged = with_parts(&sheet, &[("xl/sharedStrings.xml", strings)]);
    assert!(refused(read_one(DEFINITION, "a.xlsx", &forged)).contains("announced"));
    let entities = b"<!DOCTYPE sst [<!ENTITY a 'CANARY'>]><sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' count='1' uniqueCount='1'><si><t>&a;</t></si></sst>";
    let cell = row("<c r='B2' t='s'><v>0</v></c>");
    let content = with_parts(&[("List 1", &cell, false)], &[("xl/sharedStrings.xml", entities)]);
    refused(read_one(DEFINITION, "a.xlsx", &content));
    refused(read_one(DEFINITION, "a.xlsx", b"PK\x03\x04 no workbook"));
}

#[test]
fn a_shared_string_in_every_cell_is_not_held_once_a_cell() {
    let text = "C".repeat(900_000);
    let strings = format!(
        "<sst xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' count='1' uniqueCount='1'><si><t>{text}</t></si></sst>"
    );
    let cells: String = (0..10_000).map(|_| "<c t='s'><v>0</v></c>").collect();
    let rows = format!("{HEADER}<row r='2'>{cells}</row>");
    let content =
        with_parts(&[("List 1", &rows, false)], &[("xl/sharedStrings.xml", strings.as_bytes())]);
    // Whether by its packed size or by its row, it is refused.
    refused(read_one(DEFINITION, "a.xlsx", &content));
}

#[test]
fn an_outline_holds_names_and_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    let rows = format!("{HEADER}<row r='2'><c r='B2' t='str'><v>CANARY</v></c></row>");
    std::fs::write(&path, workbook(&[("List 1", &rows, false), ("Empty", "", false)])).unwrap();
    let outline = minster_sources::Outline::of(&path).unwrap();
    assert_eq!(outline.ignore, ["Empty"]);
    assert_eq!(outline.tables[0].columns, ["Seen Alone?", "Child Unique ID", "Date of Birth"]);
}

#[test]
fn the_published_annex_a_is_read() {
    let Some(samples) = std::env::var_os("MINSTER_SAMPLES") else {
        // Nobody is shown the output of a passed test.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: MINSTER_SAMPLES names no folder of samples");
        return;
    };
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sources");
    let catalogue = minster_sources::Catalogue::load(&sources).unwrap();
    let found = catalogue.find(&"annex_a".parse().unwrap(), &"2024".parse().unwrap()).unwrap();
    let folder = std::path::Path::new(&samples).join("annex_a");
    let rows = crate::common::read(&found.definition, &folder).unwrap();
    // Rows below each sheet's header that have content, counted in the sheets' XML.
    let counted: Vec<usize> = found
        .definition
        .tables
        .iter()
        .map(|table| rows.rows.iter().filter(|row| row.0 == table.name.as_str()).count())
        .collect();
    assert_eq!(counted, [5, 5, 6, 5, 5, 5, 7, 5, 6, 5, 5]);
    assert!(rows.rejected.is_empty());
}
