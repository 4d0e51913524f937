//! Default deny and reading, on files written here.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_sources::{Definition, Plan, PlanError, RawBatch, ReadError, Reason, read};

const CSV: &str = r#"
name = "eh"
format = "csv"
years = ["2024"]
ignore = ["README*"]
[[table]]
name = "plans"
file = "*_plans.csv"
required = true
[table.columns]
id = { treatment = "bridge", kind = "person", required = true }
start = { treatment = "keep", type = "date" }
name = { treatment = "drop" }
late = { treatment = "drop", optional = true }
"#;

const XML: &str = r#"
name = "cin"
format = "xml"
years = ["2024"]
unit = "/Message/Children/Child"
ignore = ["/Message/Header"]
[[table]]
name = "child"
file = "*.xml"
record = "."
[table.columns]
"Ids/Id" = { treatment = "bridge", kind = "child" }
[[table]]
name = "need"
file = "*.xml"
record = "Need"
[table.columns]
"^/Ids/Id" = { treatment = "bridge", kind = "child" }
"Code" = { treatment = "keep", type = "token" }
"#;

fn planned(
    definition: &str,
    name: &str,
    content: &[u8],
) -> Result<(tempfile::TempDir, Definition, Plan), PlanError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    let definition = Definition::parse(definition).unwrap();
    let plan = Plan::make(&definition, folder.path())?;
    Ok((folder, definition, plan))
}

fn csv_rows(content: &[u8]) -> (Vec<Vec<String>>, Vec<(u64, Reason)>) {
    let (_folder, definition, plan) = planned(CSV, "a_plans.csv", content).unwrap();
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    let take = |_, batch: RawBatch| {
        let text = |row, column| String::from_utf8(batch.field(row, column).to_vec()).unwrap();
        rows.extend((0..batch.len()).map(|row| (0..4).map(|column| text(row, column)).collect()));
        rejected.extend(batch.rejected().iter().map(|row| (row.number, row.reason)));
        true
    };
    read(&definition, &plan.files[0], |_| {}, take).unwrap();
    (rows, rejected)
}

#[test]
fn columns_come_in_the_definition_s_order_whatever_the_file_s() {
    let (rows, rejected) = csv_rows(b"\xef\xbb\xbfname,start,id\r\nN,S,1\r\n\"a,b\",,2");
    assert_eq!(rows, [["1", "", "N", "S"], ["2", "", "a,b", ""]]);
    assert!(rejected.is_empty());
}

#[test]
fn rows_that_are_none_are_numbered_and_named() {
    let (rows, rejected) = csv_rows(b"id,start,name\n1,2,3\n,,\n4,,\n1,2\n");
    assert_eq!(rows.len(), 2);
    assert_eq!(rejected, [(3, Reason::BlankRow), (5, Reason::FieldCount)]);
}

#[test]
fn an_unlisted_part_stops_the_source_and_is_named() {
    let error = planned(CSV, "a_plans.csv", b"id,start,name,nhs_no\n").unwrap_err();
    assert!(error.to_string().contains("nhs_no"), "{error}");
    let error = planned(CSV, "other.csv", b"id\n").unwrap_err();
    assert!(error.to_string().contains("other.csv"), "{error}");
    let error = planned(CSV, "a_plans.csv", b"id,name\n").unwrap_err();
    assert!(matches!(error, PlanError::OtherColumns { .. }));
    let error = planned(CSV, "a_plans.csv", b"").unwrap_err();
    assert!(matches!(error, PlanError::Empty { .. }));
    let error = planned(CSV, "README.md", b"").unwrap_err();
    assert!(matches!(error, PlanError::MissingTable { .. }));
}

#[test]
fn a_missing_header_row_is_not_quoted() {
    for row in ["CANARY,2024-01-01,x\n", "Q330400024001,2024-01-01,x y\n"] {
        let error = planned(CSV, "a_plans.csv", row.as_bytes()).unwrap_err().to_string();
        assert!(!error.contains("CANARY") && !error.contains("Q3304"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_the_drop_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("a_plans.csv")).unwrap();
    let definition = Definition::parse(CSV).unwrap();
    assert!(matches!(Plan::make(&definition, folder.path()), Err(PlanError::UnlistedFile { .. })));
}

type XmlRows = Vec<(usize, Vec<String>)>;

fn xml_rows(content: &str) -> Result<(XmlRows, Vec<(u64, Reason)>), ReadError> {
    let (_folder, definition, plan) = match planned(XML, "c.xml", content.as_bytes()) {
        Ok(planned) => planned,
        Err(PlanError::Read(error)) => return Err(error),
        Err(error) => {
            assert!(matches!(error, PlanError::OtherElements { .. }), "{error}");
            return Ok(Default::default());
        }
    };
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    read(
        &definition,
        &plan.files[0],
        |_| {},
        |table, batch| {
            let width = definition.tables[table].columns.len();
            let text = |row, column| String::from_utf8(batch.field(row, column).to_vec()).unwrap();
            let fields = |row| (0..width).map(|column| text(row, column)).collect();
            rows.extend((0..batch.len()).map(|row| (table, fields(row))));
            rejected.extend(batch.rejected().iter().map(|row| (row.number, row.reason)));
            true
        },
    )?;
    Ok((rows, rejected))
}

#[test]
fn records_know_their_child() {
    let (rows, rejected) = xml_rows(
        "<Message><Header><X>1</X></Header><Children><Child><Need><Code>N1</Code></Need><Ids><Id>a&amp;b</Id></Ids><Need><Code>N2</Code></Need></Child><Child><Ids/></Child></Children></Message>",
    )
    .unwrap();
    let text = |parts: &[&str]| parts.iter().map(|part| part.to_string()).collect::<Vec<_>>();
    assert_eq!(
        rows,
        [
            (0, text(&["a&b"])),
            (0, text(&[""])),
            (1, text(&["N1", "a&b"])),
            (1, text(&["N2", "a&b"])),
        ]
    );
    assert!(rejected.is_empty());
}

#[test]
fn repeated_elements_are_set_aside_and_text_between_elements_is_dropped_and_told() {
    let content = "<Message><Children>\n<Child><Ids><Id>1</Id>CANARY</Ids></Child>\n<Child><Ids><Id>1</Id><Id>2</Id></Ids></Child></Children></Message>";
    let (rows, rejected) = xml_rows(content).unwrap();
    assert_eq!(rows, [(0, vec!["1".to_owned()])]);
    assert_eq!(rejected, [(3, Reason::RepeatedElement)]);
    let (_folder, _, plan) = planned(XML, "c.xml", content.as_bytes()).unwrap();
    let notes = &plan.files[0].notes;
    assert!(notes.len() == 1 && notes[0].contains("near lines 2"), "{notes:?}");
    assert!(!notes[0].contains("CANARY"));
    // Nobody can tell the meaning of an element whose own text is read.
    let content =
        "<Message><Children><Child><Ids><Id>1<Name/>2</Id></Ids></Child></Children></Message>";
    let definition = XML.replace(
        "record = \".\"\n[table.columns]",
        "record = \".\"\n[table.columns]\n\"Ids/Id/Name\" = { treatment = \"drop\" }",
    );
    let (_folder, definition, plan) = planned(&definition, "c.xml", content.as_bytes()).unwrap();
    read(
        &definition,
        &plan.files[0],
        |_| {},
        |_, batch| {
            assert_eq!(batch.rejected()[0].reason, Reason::StrayText);
            true
        },
    )
    .unwrap();
}

#[test]
fn xml_in_another_encoding_is_read() {
    let content = "<?xml version='1.0' encoding='x'?><Message><Children><Child><Ids><Id>Zo\u{eb}</Id></Ids></Child></Children></Message>";
    let utf16: Vec<u8> = "\u{feff}"
        .chars()
        .chain(content.chars())
        .collect::<String>()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let western = encoding_rs::WINDOWS_1252.encode(content).0.into_owned();
    for bytes in [content.as_bytes().to_vec(), utf16, western] {
        let (_folder, definition, plan) = planned(XML, "c.xml", &bytes).unwrap();
        let mut read_ids = Vec::new();
        read(
            &definition,
            &plan.files[0],
            |_| {},
            |_, batch| {
                read_ids.push(String::from_utf8(batch.field(0, 0).to_vec()).unwrap());
                true
            },
        )
        .unwrap();
        assert_eq!(read_ids, ["Zo\u{eb}"]);
    }
}

#[test]
fn all_unlisted_elements_are_named_with_lines_that_list_them() {
    let content = "<Message><Other><A>CANARY</A></Other><Children><Child><Ids><Name>CANARY</Name></Ids><Need><Code>N1</Code><Plan><Start>CANARY</Start><End/></Plan></Need></Child></Children></Message>";
    let error = planned(XML, "c.xml", content.as_bytes()).unwrap_err().to_string();
    assert!(!error.contains("CANARY"), "{error}");
    let lines = |table: &str| {
        let start = error.find(&format!("table {table}:")).unwrap();
        let lines = error[start..].lines().skip(1);
        lines.take_while(|line| line.contains("treatment")).collect::<Vec<_>>().join("\n")
    };
    let ignore = error.split("`ignore`: ").nth(1).unwrap().trim();
    let mended =
        XML.replace("\"/Message/Header\"", &format!("\"/Message/Header\", {ignore}")).replace(
            "record = \".\"\n[table.columns]",
            &format!("record = \".\"\n[table.columns]\n{}", lines("child")),
        ) + &lines("need");
    let (_folder, _, plan) = planned(&mended, "c.xml", content.as_bytes()).unwrap();
    assert_eq!(plan.files.len(), 1);
}

/// Reads one file: each table's name, line and fields.
fn lines(definition: &str, content: &str) -> Vec<(String, u64, Vec<String>)> {
    let (_folder, definition, plan) = planned(definition, "c.xml", content.as_bytes()).unwrap();
    let mut rows = Vec::new();
    read(
        &definition,
        &plan.files[0],
        |_| {},
        |table, batch| {
            assert!(batch.rejected().is_empty());
            let table = &definition.tables[table];
            for row in 0..batch.len() {
                let text = |column| String::from_utf8(batch.field(row, column).to_vec()).unwrap();
                let fields = (0..table.columns.len()).map(text).collect();
                rows.push((table.name.to_string(), batch.number(row), fields));
            }
            true
        },
    )
    .unwrap();
    rows
}

#[test]
fn a_record_s_number_is_the_line_on_which_it_begins() {
    let content = "<?xml version='1.0'?>\n<Message>\r\n<!-- two\nlines --><Children>\n<Child><Ids><Id>a\nb</Id></Ids>\n<Need\n><Code>N1</Code></Need></Child>\n<Child/></Children></Message>";
    let rows = lines(XML, content);
    let numbers: Vec<_> = rows.iter().map(|(table, line, _)| (table.as_str(), *line)).collect();
    assert_eq!(numbers, [("child", 5), ("child", 9), ("need", 7)]);
}

#[test]
fn other_paths_other_records_and_other_units_are_read() {
    let definition = r#"
name = "cin"
format = "xml"
years = ["2024"]
unit = "/M/On/P"
[[table]]
name = "on"
file = "*.xml"
record = "."
[table.columns]
"Sex" = { treatment = "code", codes = ["F", "M"], also = ["Gender", "More/Sex"] }
[[table]]
name = "off"
file = "*.xml"
unit = "/M/Off/P"
record = "."
[table.columns]
Sex = { treatment = "code", codes = ["F", "M"] }
[[table]]
name = "plans"
file = "*.xml"
record = ["Plans/Record", "Plans"]
[table.columns]
Start = { treatment = "keep", type = "date" }
"#;
    let rows = lines(
        definition,
        "<M><On><P><gender>M</gender><Plans><Record><Start>1</Start></Record><Record><Start>2</Start></Record></Plans></P><P><More><Sex>M</Sex></More><Sex>M</Sex><Plans><Start>3</Start></Plans></P></On><Off><P><Sex>F</Sex></P></Off></M>",
    );
    let row = |table: &str, field: &str| (table.to_owned(), 1, vec![field.to_owned()]);
    assert_eq!(rows.len(), 6);
    for expected in [
        row("on", "M"),
        row("on", "M"),
        row("off", "F"),
        row("plans", "1"),
        row("plans", "2"),
        row("plans", "3"),
    ] {
        assert!(rows.contains(&expected), "{expected:?}");
    }
}

#[test]
fn a_dropped_element_tells_rows_apart_and_may_be_long_and_repeated() {
    let definition = XML.replace(
        "\"Code\" = { treatment = \"keep\", type = \"token\" }",
        "\"Code\" = { treatment = \"keep\", type = \"token\" }\nNote = { treatment = \"drop\" }",
    );
    let long = "x".repeat(100_000);
    let content = format!(
        "<Message><Children><Child><Need><Code>N1</Code><Note>a</Note><Note>b</Note></Need><Need><Code>N1</Code><Note>{long}</Note></Need></Child></Children></Message>"
    );
    let rows = lines(&definition, &content);
    let needs: Vec<_> = rows.iter().filter(|row| row.0 == "need").map(|row| &row.2).collect();
    assert_eq!(needs.len(), 2);
    assert_ne!(needs[0], needs[1]);
}

#[test]
fn two_ways_of_saying_one_thing_are_set_aside_where_they_differ() {
    let definition = XML
        .replace("record = \"Need\"", "record = [\"Needs/Need\", \"Need\"]")
        .replace("\"Code\" = {", "\"Code\" = { also = [\"Kode\"],");
    let rejected = |content: &str| {
        let (_folder, definition, plan) =
            planned(&definition, "c.xml", content.as_bytes()).unwrap();
        let mut rejected = Vec::new();
        read(
            &definition,
            &plan.files[0],
            |_| {},
            |_, batch| {
                rejected.extend(batch.rejected().iter().map(|row| row.reason));
                true
            },
        )
        .unwrap();
        rejected
    };
    let child =
        |needs: &str| format!("<Message><Children><Child>{needs}</Child></Children></Message>");
    let need = |inner: &str| format!("<Need>{inner}</Need>");
    let (one, other) = (need("<Code>1</Code>"), need("<Code>2</Code>"));
    let wrapped = format!("<Needs>{one}</Needs>");
    assert_eq!(rejected(&child(&format!("{wrapped}{other}"))), [Reason::RepeatedElement]);
    assert_eq!(rejected(&child(&wrapped)), []);
    assert_eq!(rejected(&child(&need("<Code>1</Code><Kode>1</Kode>"))), []);
    let differ = child(&need("<Code>1</Code><Kode>2</Kode>"));
    assert_eq!(rejected(&differ), [Reason::RepeatedElement]);
    // A unit inside another would never be seen.
    let nested =
        XML.replace("record = \"Need\"", "record = \".\"\nunit = \"/Message/Children/Child/Need\"");
    assert!(Definition::parse(&nested).is_err());
}

#[test]
fn empty_records_are_held_within_bounds() {
    // Forty bytes a record in a batch: a hundred units of 100,000 would take half a gigabyte at once.
    let unit = format!("<Child><Ids><Id>1</Id></Ids>{}</Child>", "<Need/>".repeat(100_000));
    let content = format!("<Message><Children>{}</Children></Message>", unit.repeat(20));
    let (_folder, definition, plan) = planned(XML, "c.xml", content.as_bytes()).unwrap();
    let mut rows = 0;
    read(
        &definition,
        &plan.files[0],
        |_| {},
        |table, batch| {
            assert!(batch.byte_len() < 16 << 20, "{}", batch.byte_len());
            rows += if table == 1 { batch.len() } else { 0 };
            true
        },
    )
    .unwrap();
    assert_eq!(rows, 2_000_000);
}

#[test]
fn a_unit_of_very_many_elements_takes_no_longer_than_its_length() {
    // 300,000 records in one child: with a search of all elements for each this would take a quarter of an hour.
    let content = format!(
        "<Message><Children><Child><Ids><Id>1</Id></Ids>{}</Child></Children></Message>",
        "<Need/>".repeat(300_000)
    );
    assert_eq!(lines(XML, &content).len(), 300_001);
}

#[test]
fn a_value_that_stands_once_is_not_repeated_without_end() {
    // An identifier of 60,000 characters in each of 100,000 rows would take six gigabytes.
    let content = format!(
        "<Message><Children><Child><Ids><Id>{}</Id></Ids>{}</Child></Children></Message>",
        "x".repeat(60_000),
        "<Need/>".repeat(100_000)
    );
    let (rows, rejected) = xml_rows(&content).unwrap();
    assert!(rows.is_empty());
    assert_eq!(rejected, [(1, Reason::RecordTooLarge), (1, Reason::RecordTooLarge)]);
}

#[test]
fn document_types_bombs_and_cut_files_are_refused() {
    for content in [
        "<!DOCTYPE a [<!ENTITY b 'c'>]><Message/>",
        "<Message><Children><Child><Ids><Id>&b;</Id></Ids></Child></Children></Message>",
        "<Message><Children><Child>",
        "<Message></Children>",
    ] {
        assert!(matches!(xml_rows(content), Err(ReadError::Malformed { .. })), "{content}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let mut csv = b"id,start,name\n".to_vec();
        csv.extend(&bytes);
        csv_rows(&csv);
        let _ = xml_rows(&String::from_utf8_lossy(&bytes));
    }
}
