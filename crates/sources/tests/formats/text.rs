//! CSV as it is exported, and what could not be held.

use minster_sources::Reason;

use crate::common::{read_one, refused};

fn definition(options: &str) -> String {
    format!(
        "name='s'\nformat='csv'\nyears=['2024']\n{options}\n[[table]]\nname='a'\nfile='a.csv'\n[table.columns]\nid = {{ treatment='bridge', kind='person' }}\n\"Née\" = {{ treatment='drop', optional=true }}\nx = {{ treatment='drop', optional=true }}"
    )
}

#[test]
fn each_delimiter_separates_and_quotes_hold() {
    for (name, delimiter) in [(",", ","), (";", ";"), ("\\t", "\t"), ("tab", "\t"), ("|", "|")] {
        let content = format!("x{delimiter}id\r\n\"a{delimiter}\"\"b\"\"\"{delimiter}1\r\n");
        let rows =
            read_one(&definition(&format!("delimiter=\"{name}\"")), "a.csv", content.as_bytes());
        assert_eq!(rows.unwrap().rows[0].2[1..], ["1".to_owned(), format!("a{delimiter}\"b\"")]);
    }
}

#[test]
fn windows_1252_names_and_values_are_read() {
    let rows = read_one(&definition("encoding='windows-1252'"), "a.csv", b"id,N\xe9e\n1,\x80\n");
    assert_eq!(rows.unwrap().fields(), [["€", "1", ""]]);
}

#[test]
fn utf_16_is_read_in_either_order_with_its_mark_and_without() {
    let definition = definition("encoding='utf-16'\ndelimiter='tab'");
    let text = "id\tNée\n1\t😀\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = [[&[0xff, 0xfe][..], &little].concat(), [&[0xfe, 0xff][..], &big].concat()];
    for content in marked.into_iter().chain([little, big]) {
        assert_eq!(read_one(&definition, "a.csv", &content).unwrap().fields(), [["😀", "1", ""]]);
    }
    // Half a pair is no character: its row is set aside, the next is not.
    let units = [0x69u16, 0x64, 0x0a, 0xd83d, 0x0a, 0x32, 0x0a];
    let content: Vec<u8> =
        [0xfeffu16].iter().chain(&units).flat_map(|unit| unit.to_le_bytes()).collect();
    let rows = read_one(&definition, "a.csv", &content).unwrap();
    assert_eq!((rows.rejected[0], rows.rows.len()), ((2, Reason::Encoding), 1));
}

#[test]
fn a_long_utf_16_file_is_read_whole() {
    let mut text = String::from("\u{feff}id\n");
    for number in 0..200_000 {
        text.push_str(&format!("é{number}\n"));
    }
    let content: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows = read_one(&definition("encoding='utf-16'"), "a.csv", &content).unwrap();
    assert_eq!((rows.rows.len(), rows.rows[199_999].2[1].as_str()), (200_000, "é199999"));
}

#[test]
fn totals_and_empty_rows_are_set_aside_and_counted() {
    let rows =
        read_one(&definition(""), "a.csv", b"id,x\n1,2\nTotal,2\ngrand total:,2\n,\nTotally,1\n");
    let rows = rows.unwrap();
    assert_eq!(rows.rows.len(), 2);
    let (totals, blank) = (Reason::TotalsRow, Reason::BlankRow);
    assert_eq!(rows.rejected, [(3, totals), (4, totals), (5, blank)]);
}

#[test]
fn a_quotation_mark_that_takes_in_rows_stops_the_source() {
    let rows = |from: u32, to: u32| (from..to).map(|n| format!("{n},x\n")).collect::<String>();
    for content in [
        // Never closed; closed by another far below; closed within reason, but around two rows.
        format!("id,x\n{}7,\"CANARY\n{}", rows(0, 50), rows(100, 5_000)),
        format!("id,x\n{}7,\"tall\n{}8,\"short\n{}", rows(0, 50), rows(100, 2_000), rows(0, 50)),
        format!("id,x\n7,\"a\n{}b\"\n", rows(0, 3)),
    ] {
        let error = refused(read_one(&definition(""), "a.csv", content.as_bytes()));
        assert!(error.contains("takes in whole rows"), "{error}");
    }
    // An address of several lines is a field.
    let rows = read_one(&definition(""), "a.csv", b"id,x\n1,\"2 High Street,\nTown\nAB1\"\n2,y\n");
    assert_eq!(rows.unwrap().rows.len(), 2);
}

#[test]
fn a_table_that_was_sorted_with_its_header_stops() {
    let content = b"1,CANARY\n2,CANARY\nid,x\n3,a\n";
    assert!(refused(read_one(&definition(""), "a.csv", content)).contains("header on top"));
}

#[test]
fn a_column_s_own_name_goes_before_another_s_second_name() {
    let two = definition("")
        .replace("x = {", "y = { treatment='drop', optional=true, also=['x'] }\nx = {");
    let rows = read_one(&two, "a.csv", b"id,x\n1,a\n").unwrap();
    // In the order of the names: Née, id, x, y.
    assert_eq!(rows.fields(), [["", "1", "a", ""]]);
}

#[test]
fn a_note_below_the_data_is_no_child() {
    let three = definition("").replace("x = {", "y = { treatment='drop' }\nx = {");
    let content = b"id,x,y\n1,2,3\nNote: as at 31 March,,\n4,,\nBT 3,,\n";
    let rows = read_one(&three, "a.csv", content).unwrap();
    assert_eq!(rows.rejected, [(3, Reason::NoteRow)]);
    assert_eq!(rows.rows.len(), 3);
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_within_bounds() {
    let mut content = b"id,x\n1,\"CANARY".to_vec();
    content.resize(64 << 20, b'\n');
    assert!(refused(read_one(&definition(""), "a.csv", &content)).contains("never closed"));
    // The header too.
    let mut content = b"id,\"x".to_vec();
    content.resize(64 << 20, b'y');
    assert!(refused(read_one(&definition(""), "a.csv", &content)).contains("never closed"));
}

#[test]
fn a_tag_or_text_without_an_end_is_an_error_within_bounds() {
    let xml = "name='x'\nformat='xml'\nyears=['2024']\nunit='/M/C'\n[[table]]\nname='c'\nfile='*.xml'\nrecord='.'\n[table.columns]\nId = { treatment='bridge', kind='person' }";
    for start in ["<M><C><Id>CANARY", "<M><C a='CANARY", "<M><!-- CANARY", "<M><![CDATA[CANARY"] {
        let mut content = start.as_bytes().to_vec();
        content.resize(40 << 20, b'x');
        assert!(refused(read_one(xml, "a.xml", &content)).contains("16 MiB"), "{start}");
    }
}

#[test]
fn a_hundred_thousand_columns_are_refused() {
    let header: Vec<String> = (0..100_000).map(|number| format!("c{number}")).collect();
    let error = refused(read_one(&definition(""), "a.csv", header.join(",").as_bytes()));
    assert!(error.contains("16384"), "{error}");
}

#[test]
fn many_rejected_rows_fill_a_batch_too() {
    let mut content = b"id,x\n".to_vec();
    for _ in 0..200_000 {
        content.extend_from_slice(b"a,b,c,CANARY\n");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.csv"), &content).unwrap();
    let definition = minster_sources::Definition::parse(&definition("")).unwrap();
    let plan = minster_sources::Plan::make(&definition, folder.path()).unwrap();
    let mut rows = 0;
    let take = |_, batch: minster_sources::RawBatch| {
        assert!(batch.byte_len() < 8 << 20);
        rows += batch.rejected().len();
        true
    };
    minster_sources::read(&definition, &plan.files[0], |_| {}, take).unwrap();
    assert_eq!(rows, 200_000);
}

#[test]
fn a_nul_in_a_header_is_no_name() {
    let error = refused(read_one(&definition(""), "a.csv", b"id,CAN\0ARY\n"));
    assert!(error.contains("header cell 2"), "{error}");
}

/// The rows that `csv` itself reads from the text: the fields, or why there are none. A row's number is that of a
/// spreadsheet: one more than the line ends before it that stand in no field.
fn by_csv(content: &[u8]) -> Vec<(u64, Result<Vec<String>, Reason>)> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(content);
    let newlines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count() as u64;
    let (mut inside, mut row, mut before, mut counted) = (0, 0, 0, 0);
    let mut rows = Vec::new();
    for record in reader.records().map(Result::unwrap) {
        let fields: Vec<String> = record.iter().map(str::to_owned).collect();
        let mut start = record.position().unwrap().byte() as usize;
        while matches!(content.get(start), Some(b'\n' | b'\r')) {
            start += 1;
        }
        before += newlines(&content[counted..start]);
        counted = start;
        row = (before - inside + 1).max(row + 1);
        inside += fields.iter().map(|field| newlines(field.as_bytes())).sum::<u64>();
        let more_is_blank = || fields[2..].iter().all(|field| field.trim().is_empty());
        rows.push((
            row,
            match fields.len() {
                _ if fields.iter().all(|field| field.trim().is_empty()) => Err(Reason::BlankRow),
                2 => Ok(fields),
                3.. if more_is_blank() => Ok(fields[..2].to_vec()),
                _ => Err(Reason::FieldCount),
            },
        ));
    }
    drop(rows.remove(0));
    rows
}

fn compare_with_csv(content: &[u8]) {
    let rows = match read_one(&definition(""), "a.csv", content) {
        Ok(rows) => rows,
        Err(error) => {
            // A quotation mark that takes in two rows or more is refused.
            assert!(error.to_string().contains("takes in whole rows"), "{error}");
            let rows_inside =
                |field: &str| field.matches(',').count() >= 2 && field.matches('\n').count() >= 2;
            let mut reader =
                csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(content);
            assert!(reader.records().any(|record| record.unwrap().iter().any(rows_inside)));
            return;
        }
    };
    let read = rows.rows.iter().map(|(_, number, fields)| {
        // The table's order: id, Née, x; the file has id and x.
        (*number, Ok(vec![fields[1].clone(), fields[2].clone()]))
    });
    let rejected = rows.rejected.iter().map(|(number, reason)| (*number, Err(*reason)));
    let mut all: Vec<_> = read.chain(rejected).collect();
    all.sort_by_key(|(number, _)| *number);
    assert!(
        all == by_csv(content),
        "{:?}",
        String::from_utf8_lossy(&content[..content.len().min(200)])
    );
}

#[test]
fn rows_are_the_same_wherever_a_block_ends_and_a_quote_stands() {
    let mut content = b"id,x\r\n".to_vec();
    for number in 0..400_000u32 {
        match number % 90_001 {
            0 => content.extend_from_slice(b"\"a\r\n,b\"\"\",1\r\n"),
            1 => content.extend_from_slice(b"\n\r\n ,\t\r1\n1,2,3\n"),
            // A quotation mark in the midst of a field is a character.
            7 => content.extend_from_slice(b"a\"b,2\n"),
            _ => content.extend_from_slice(format!("{number},x{}\n", number % 977).as_bytes()),
        }
    }
    assert!(content.len() > 4 << 20);
    compare_with_csv(&content);
    content.pop();
    compare_with_csv(&content);
}

proptest::proptest! {
    #[test]
    fn plain_text_and_quoted_text_are_split_as_csv_does(
        lines in proptest::collection::vec("[a ,\r\n]{0,9}|[a,\"\r\n]{0,9}", 0..20),
    ) {
        compare_with_csv(format!("id,x\n{}", lines.concat()).as_bytes());
    }
}

#[test]
fn an_export_that_a_spreadsheet_changed_is_read_and_the_change_told() {
    let plain = "id,x\r\n1,a\r\n2,b\r\n";
    let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let quoted = format!("\u{feff}{}", "\"id\",\"x\"\r\n\"1\",\"a\"\r\n\"2\",\"b\"\r\n");
    for (what, content, first) in [
        ("as it was", plain.as_bytes().to_vec(), 2),
        ("a separator", format!("sep=,\r\n{plain}").into_bytes(), 3),
        ("another separator", format!("sep=;\n{}", plain.replace(',', ";")).into_bytes(), 3),
        ("a quoted separator", format!("\"sep=,\"\r\n{plain}").into_bytes(), 3),
        ("blank ends", plain.replace("\r\n", ",,\r\n").into_bytes(), 2),
        ("blank ends of rows alone", plain.replace("a\r\n", "a,,\r\n").into_bytes(), 2),
        ("titles", format!("Plans,,\nMade on 2 June,,\n\n{plain}").into_bytes(), 5),
        ("case and spaces", plain.replace("id", " I_D ").into_bytes(), 2),
        ("semicolons", plain.replace(',', ";").into_bytes(), 2),
        ("tabs", plain.replace(',', "\t").into_bytes(), 2),
        ("UTF-16", utf16, 2),
        ("a mark", format!("\u{feff}{plain}").into_bytes(), 2),
        ("a mark and quotes", quoted.into_bytes(), 2),
    ] {
        let rows = read_one(&definition(""), "a.csv", &content).unwrap();
        assert_eq!(rows.fields(), [["", "1", "a"], ["", "2", "b"]], "{what}");
        assert_eq!(rows.rows[0].1, first, "{what}");
        assert!(rows.rejected.is_empty(), "{what}");
    }
    // A text behind the last name is a value, and not passed over.
    let rows = read_one(&definition(""), "a.csv", b"id,x,,\n1,a,,CANARY\n").unwrap();
    assert_eq!(rows.rejected, [(2, Reason::FieldCount)]);
}

#[test]
fn a_definition_may_be_strict() {
    for content in ["sep=,\nid,x\n1,a\n", "Plans\nid,x\n1,a\n", "ID,x\n1,a\n", "id;x\n1;a\n"] {
        let definition = definition("excel_exports=false");
        let error = refused(read_one(&definition, "a.csv", content.as_bytes()));
        assert!(error.contains("a.csv"), "{error}");
    }
}

#[test]
fn windows_1252_is_told_from_the_file_where_it_is_not_declared() {
    let rows = read_one(&definition(""), "a.csv", b"id,x\n1,Zo\xeb\n").unwrap();
    assert_eq!(rows.fields(), [["", "1", "Zo\u{eb}"]]);
}

#[test]
fn columns_that_differ_are_told_from_both_sides_with_the_line_to_write() {
    let one = definition("")
        .replace("x = { treatment='drop', optional=true }", "reason = { treatment='drop' }");
    let error = refused(read_one(&one, "a.csv", b"id,reason_code\n1,CANARY\n"));
    for part in ["`reason` is missing", "`reason_code` is new", "also = [\"reason_code\"]"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = refused(read_one(&one, "a.csv", b"id,reason,team,note\n1,2,3,CANARY\n"));
    for line in ["\n\"team\" = { treatment = \"drop\" }", "\n\"note\" = { treatment = \"drop\" }"] {
        assert!(error.contains(line), "{error}");
    }
}
