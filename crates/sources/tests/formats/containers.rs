//! gzip and zip: what they hold is read, and what they could do is refused.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::common::{gzipped, read_one, refused, zipped};

const CSV: &str = r#"
name = "s"
format = "csv"
years = ["2024"]
ignore = ["README*", "__MACOSX/*"]
[[table]]
name = "a"
file = "a.csv"
[table.columns]
id = { treatment = "bridge", kind = "person" }
[[table]]
name = "b"
file = "b.csv"
[table.columns]
id = { treatment = "bridge", kind = "person" }
"#;

const XML: &str = r#"
name = "x"
format = "xml"
years = ["2024"]
unit = "/M/C"
[[table]]
name = "c"
file = "*.xml"
record = "."
[table.columns]
Id = { treatment = "bridge", kind = "person" }
"#;

#[test]
fn gzip_is_read_under_the_inner_name() {
    let rows = read_one(CSV, "a.csv.gz", &gzipped(b"id\n1\n2\n")).unwrap();
    assert_eq!(rows.fields(), [["1"], ["2"]]);
    let rows = read_one(XML, "m.xml.gz", &gzipped(b"<M><C><Id>7</Id></C></M>")).unwrap();
    assert_eq!(rows.fields(), [["7"]]);
    // Two members one after the other are one file (RFC 1952, 2.2).
    let two = [gzipped(b"id\n1\n"), gzipped(b"2\n")].concat();
    assert_eq!(read_one(CSV, "a.csv.gz", &two).unwrap().fields(), [["1"], ["2"]]);
}

#[test]
fn a_cut_or_lengthened_gzip_is_an_error() {
    let whole = gzipped(b"id\n1\n2\n");
    refused(read_one(CSV, "a.csv.gz", &whole[..whole.len() - 3]));
    refused(read_one(CSV, "a.csv.gz", &[&whole[..], b"rubbish"].concat()));
    refused(read_one(CSV, "a.csv.gz", b"id\n1\n"));
}

#[test]
fn a_zip_s_members_are_files_of_the_delivery() {
    let zip = zipped(&[
        ("returns/a.csv", b"id\n1\n"),
        ("b.csv", b"id\n2\n"),
        ("README.txt", b"x"),
        ("__MACOSX/returns/x", b"x"),
    ]);
    let rows = read_one(CSV, "delivery.zip", &zip).unwrap();
    assert_eq!(rows.fields(), [["1"], ["2"]]);
    assert_eq!(rows.rows[1].0, "b");
    let error = refused(read_one(CSV, "delivery.zip", &zipped(&[("c.csv", b"id\n1\n")])));
    assert!(error.contains("delivery.zip/c.csv"), "{error}");
}

#[test]
fn stored_members_are_read_too() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("a.csv", stored).unwrap();
    zip.write_all(b"id\n1\n").unwrap();
    let zip = zip.finish().unwrap().into_inner();
    assert_eq!(read_one(CSV, "d.zip", &zip).unwrap().fields(), [["1"]]);
}

#[test]
fn names_that_lead_elsewhere_and_links_are_refused() {
    for name in ["../a.csv", "/a.csv", "x/../../a.csv", "c:\\a.csv"] {
        let error = refused(read_one(CSV, "d.zip", &zipped(&[(name, b"id\n1\n")])));
        assert!(error.contains("leads out"), "{name}: {error}");
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("a.csv", "/etc/hostname", SimpleFileOptions::default()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    assert!(refused(read_one(CSV, "d.zip", &zip)).contains("link"));
}

#[test]
fn one_layer_is_unpacked_and_no_more() {
    let inner = zipped(&[("a.csv", b"id\n1\n")]);
    let packed = gzipped(b"id\n1\n");
    for (name, content) in [
        ("d.zip", zipped(&[("inner.zip", &inner)])),
        ("d.zip", zipped(&[("a.csv.gz", &packed)])),
        ("a.csv.gz.gz", gzipped(&packed)),
        ("d.zip.gz", gzipped(&inner)),
    ] {
        assert!(refused(read_one(CSV, name, &content)).contains("packed twice"), "{name}");
    }
}

#[test]
fn bombs_are_refused_before_they_grow() {
    let zeros = [b"id\n".to_vec(), b"0\n".repeat(16 << 20)].concat();
    for (name, content) in [("a.csv.gz", gzipped(&zeros)), ("d.zip", zipped(&[("a.csv", &zeros)]))]
    {
        assert!(content.len() < zeros.len() / 200);
        assert!(refused(read_one(CSV, name, &content)).contains("200 times"), "{name}");
    }
    let names: Vec<String> = (0..300).map(|number| format!("{number}/a.csv")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"id\n"[..])).collect();
    assert!(refused(read_one(CSV, "d.zip", &zipped(&many))).contains("256"));
}

#[test]
fn an_archive_s_directory_is_compared_with_its_members() {
    let zip = zipped(&[("a.csv", b"id\n1\n2\n3\n")]);
    let directory = find(&zip, b"PK\x01\x02");
    // The directory's checksum, its unpacked length, and the flag of encryption (APPNOTE 4.3.12).
    for (place, says) in [(16, "checksum"), (24, "length"), (8, "encrypted")] {
        let mut forged = zip.clone();
        forged[directory + place] ^= 1;
        let error = refused(read_one(CSV, "d.zip", &forged));
        assert!(error.contains(says), "{place}: {error}");
    }
    let mut forged = zip.clone();
    let end = find(&zip, b"PK\x05\x06");
    forged[end + 10] = 2;
    forged[end + 8] = 2;
    refused(read_one(CSV, "d.zip", &forged));
    refused(read_one(CSV, "d.zip", &zip[..zip.len() - 10]));
}

#[test]
fn two_members_of_one_name_are_refused() {
    let mut zip = zipped(&[("a.csv", b"id\n1\n"), ("b.csv", b"id\n2\n")]);
    while let Some(place) = zip.windows(5).position(|window| window == b"b.csv") {
        zip[place] = b'a';
    }
    refused(read_one(CSV, "d.zip", &zip));
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, cases: 64, ..Default::default() })]
    #[test]
    fn any_change_of_a_byte_is_rows_or_an_error(place in 0usize..400, byte in proptest::num::u8::ANY) {
        let zip = zipped(&[("a.csv", b"id\n1\n2\n3\n"), ("b.csv", b"id\n4\n")]);
        let mut changed = zip.clone();
        let place = place % zip.len();
        changed[place] = byte;
        let _ = read_one(CSV, "d.zip", &changed);
        let _ = read_one(CSV, "d.zip", &zip[..place]);
    }
}
