//! Workbooks: bytes as one of the parts of an otherwise whole one.
#![no_main]

mod common;

use std::{
    io::{Cursor, Write},
    sync::OnceLock,
};

use libfuzzer_sys::fuzz_target;
use minster_sources::Definition;
use zip::{ZipWriter, write::SimpleFileOptions};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

fn definition() -> &'static Definition {
    static DEFINITION: OnceLock<Definition> = OnceLock::new();
    DEFINITION.get_or_init(|| {
        Definition::parse("name='w'\nformat='xlsx'\nyears=['2']\n[[table]]\nname='t'\nfile='a.xlsx'\nsheet='S'\n[table.columns]\nid={treatment='drop'}").unwrap()
    })
}

fn parts() -> [(&'static str, String); 6] {
    let header = "<row r='1'><c r='A1' t='inlineStr'><is><t>id</t></is></c></row>";
    [
        (
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet xmlns='{MAIN}'><sheetData>{header}<row r='2'><c r='A2' s='1'><v>45565</v></c></row></sheetData></worksheet>"
            ),
        ),
        (
            "xl/sharedStrings.xml",
            format!("<sst xmlns='{MAIN}' count='1' uniqueCount='1'><si><t>x</t></si></sst>"),
        ),
        (
            "xl/styles.xml",
            format!(
                "<styleSheet xmlns='{MAIN}'><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns='{MAIN}' xmlns:r='{OFFICE}'><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns='{PACKAGE}'><Relationship Id='r1' Type='{OFFICE}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns='{PACKAGE}'><Relationship Id='r1' Type='{OFFICE}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
            ),
        ),
    ]
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, rest)) = bytes.split_first() else { return };
    if which == 0 {
        return common::read(definition(), "a.xlsx", rest);
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for ((name, whole), place) in parts().into_iter().zip(0u8..) {
        let mut content = whole.into_bytes();
        if place == which % 6 {
            // A header before the bytes, so that they are looked at as rows; or changes of the part.
            content = match (which / 6 % 3, place) {
                (0, _) => rest.to_vec(),
                (1, 0) => [format!("<worksheet xmlns='{MAIN}'><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>id</t></is></c></row>").as_bytes(), rest, b"</sheetData></worksheet>"].concat(),
                _ => common::changed(content, rest),
            };
        }
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&content).unwrap();
    }
    common::read(definition(), "a.xlsx", &zip.finish().unwrap().into_inner());
});
