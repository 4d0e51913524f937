//! Parquet as a source, and forged files.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListBuilder, RecordBatch,
        StringArray, StringBuilder, TimestampMillisecondArray,
    },
    datatypes::Schema,
};
use minster_sources::Reason;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use crate::common::{gzipped, read_one, refused};

const DEFINITION: &str = r#"
name = "p"
format = "parquet"
years = ["2024"]
[[table]]
name = "t"
file = "*.parquet"
[table.columns]
id = { treatment = "bridge", kind = "person" }
n = { treatment = "keep", type = "integer" }
f = { treatment = "keep", type = "decimal" }
b = { treatment = "keep", type = "flag" }
d = { treatment = "keep", type = "date" }
t = { treatment = "keep", type = "date" }
late = { treatment = "drop", optional = true }
"#;

fn file(columns: &[(&str, ArrayRef)], compression: Compression) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let schema: Arc<Schema> = batch.schema();
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn sample(compression: Compression) -> Vec<u8> {
    file(
        &[
            ("t", Arc::new(TimestampMillisecondArray::from(vec![Some(0), Some(3_600_000), None]))),
            ("id", Arc::new(StringArray::from(vec![Some("a,b"), Some("0012"), None]))),
            ("n", Arc::new(Int64Array::from(vec![Some(-3), None, None]))),
            ("f", Arc::new(Float64Array::from(vec![Some(2.0), Some(1.5), None]))),
            ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("d", Arc::new(Date32Array::from(vec![Some(19_996), None, None]))),
        ],
        compression,
    )
}

#[test]
fn values_become_text_in_one_way() {
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())]
    {
        let rows = read_one(DEFINITION, "a.parquet", &sample(compression)).unwrap();
        // In the order of the names: b, d, f, id, late, n, t.
        assert_eq!(
            rows.fields(),
            [
                ["true", "2024-09-30", "2", "a,b", "", "-3", "1970-01-01"],
                ["false", "", "1.5", "0012", "", "", "1970-01-01T01:00:00"],
            ]
        );
        assert_eq!(rows.rejected, [(3, Reason::BlankRow)]);
    }
    let packed = gzipped(&sample(Compression::UNCOMPRESSED));
    assert_eq!(read_one(DEFINITION, "a.parquet.gz", &packed).unwrap().rows.len(), 2);
}

#[test]
fn unlisted_columns_and_nested_ones_are_refused() {
    let mut columns: Vec<(&str, ArrayRef)> = vec![("nhs_no", Arc::new(Int64Array::from(vec![1])))];
    for name in ["id", "n", "f", "b", "d", "t"] {
        columns.push((name, Arc::new(Int64Array::from(vec![1]))));
    }
    let error =
        refused(read_one(DEFINITION, "a.parquet", &file(&columns, Compression::UNCOMPRESSED)));
    assert!(error.contains("nhs_no"), "{error}");
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("CANARY")]);
    let nested = file(&[("id", Arc::new(list.finish()))], Compression::UNCOMPRESSED);
    assert!(refused(read_one(DEFINITION, "a.parquet", &nested)).contains("lists"));
}

#[test]
fn a_field_as_long_as_a_book_is_set_aside() {
    let long = "x".repeat(3 << 20);
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("id", Arc::new(StringArray::from(vec![long.as_str(), "1"])))];
    for name in ["n", "f", "b", "d", "t"] {
        columns.push((name, Arc::new(Int64Array::from(vec![1, 2]))));
    }
    let rows = read_one(DEFINITION, "a.parquet", &file(&columns, Compression::SNAPPY)).unwrap();
    assert_eq!((rows.rows.len(), rows.rejected[0].1), (1, Reason::FieldTooLong));
}

/// The footer with its row counts changed: they stand as variable-length numbers in the description.
#[test]
fn forged_counts_are_refused() {
    let whole = file(
        &[
            ("id", Arc::new(StringArray::from(vec!["1"; 100]))),
            ("n", nulls()),
            ("f", nulls()),
            ("b", nulls()),
            ("d", nulls()),
            ("t", nulls()),
        ],
        Compression::UNCOMPRESSED,
    );
    assert_eq!(read_one(DEFINITION, "a.parquet", &whole).unwrap().rows.len(), 100);
    let footer = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap());
    let start = whole.len() - 8 - footer as usize;
    // 100 as a zigzag variable-length number is C8 01 (Thrift, compact protocol).
    let places: Vec<usize> =
        (start..whole.len() - 9).filter(|&place| whole[place..place + 2] == [0xc8, 0x01]).collect();
    assert!(places.len() > 2, "the counts of the file, its group and its columns");
    for &place in &places {
        // 101, and 99.
        for other in [0xca, 0xc6] {
            let mut forged = whole.clone();
            forged[place] = other;
            if let Ok(rows) = read_one(DEFINITION, "a.parquet", &forged) {
                assert_eq!(rows.rows.len(), 100);
            }
        }
    }
    let mut forged = whole.clone();
    for place in places {
        forged[place] = 0xca;
    }
    refused(read_one(DEFINITION, "a.parquet", &forged));
}

/// A page is held whole: one that unpacks to more than 64 MiB is refused before it does.
#[test]
fn a_page_that_unpacks_to_a_gigabyte_is_refused() {
    let long = String::from_utf8(vec![b'0'; 65 << 20]).unwrap();
    for compression in [Compression::ZSTD(Default::default()), Compression::UNCOMPRESSED] {
        let columns: [(&str, ArrayRef); 6] = [
            ("id", Arc::new(StringArray::from(vec![long.as_str()]))),
            ("n", Arc::new(Int64Array::from(vec![1]))),
            ("f", Arc::new(Int64Array::from(vec![1]))),
            ("b", Arc::new(Int64Array::from(vec![1]))),
            ("d", Arc::new(Int64Array::from(vec![1]))),
            ("t", Arc::new(Int64Array::from(vec![1]))),
        ];
        let whole = file(&columns, compression);
        let error = refused(read_one(DEFINITION, "a.parquet", &whole));
        assert!(error.contains("64 MiB"), "{error}");
    }
}

/// A file of many rows that all have one text, which stands in it once.
fn one_text(text: &str, rows: usize) -> Vec<u8> {
    let keys = arrow::array::Int32Array::from(vec![0; rows]);
    let values = Arc::new(StringArray::from(vec![text]));
    let ids = arrow::array::DictionaryArray::try_new(keys, values).unwrap();
    let mut columns: Vec<(&str, ArrayRef)> = vec![("id", Arc::new(ids))];
    for name in ["n", "f", "b", "d", "t"] {
        columns.push((name, Arc::new(Int64Array::from(vec![1; rows]))));
    }
    file(&columns, Compression::ZSTD(Default::default()))
}

#[test]
fn a_value_that_is_repeated_without_end_ends_its_source_within_bounds() {
    // Each is a small file: one that would be formatted for minutes, and one that would take gigabytes.
    for (text, rows) in [("x".repeat(200), 4_000_000), ("CANARY".repeat(10_000), 100_000)] {
        let content = one_text(&text, rows);
        assert!(content.len() < 200_000, "{}", content.len());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.parquet"), &content).unwrap();
        let definition = minster_sources::Definition::parse(DEFINITION).unwrap();
        let plan = minster_sources::Plan::make(&definition, folder.path()).unwrap();
        let take = |_, batch: minster_sources::RawBatch| {
            assert!(batch.byte_len() < 8 << 20);
            true
        };
        let error = minster_sources::read(&definition, &plan.files[0], |_| {}, take).unwrap_err();
        assert!(error.to_string().contains("without end"), "{error}");
    }
    // A value longer than any cell is never copied: its rows are set aside.
    let rows = read_one(DEFINITION, "a.parquet", &one_text(&"CANARY".repeat(20_000), 50_000));
    assert_eq!(rows.unwrap().rejected.len(), 50_000);
}

#[test]
fn an_instant_is_the_time_that_clocks_in_london_showed() {
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let times = [
        // Midnight of a summer's day in London, as pandas writes it, and of a winter's day.
        (instant("2024-09-30T23:00:00Z"), "2024-10-01"),
        (instant("2024-12-01T00:00:00Z"), "2024-12-01"),
        (instant("2024-07-01T12:30:00Z"), "2024-07-01T13:30:00"),
    ];
    let values = TimestampMillisecondArray::from(times.map(|time| time.0).to_vec());
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("t", Arc::new(values.with_timezone("UTC"))),
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ];
    for name in ["n", "f", "b", "d"] {
        columns.push((name, nulls_of(3)));
    }
    let rows = read_one(DEFINITION, "a.parquet", &file(&columns, Compression::SNAPPY)).unwrap();
    let read: Vec<&str> = rows.fields().iter().map(|row| row[6]).collect();
    assert_eq!(read, times.map(|time| time.1));
}

fn nulls_of(rows: usize) -> ArrayRef {
    Arc::new(Int64Array::from(vec![None; rows]))
}

#[test]
fn more_columns_than_any_layout_has_are_refused() {
    let value: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let names: Vec<String> = (0..16_385).map(|place| format!("c{place}")).collect();
    let columns: Vec<(&str, ArrayRef)> =
        names.iter().map(|name| (name.as_str(), Arc::clone(&value))).collect();
    let error = refused(read_one(DEFINITION, "a.parquet", &file(&columns, Compression::SNAPPY)));
    assert!(error.contains("16384"), "{error}");
}

fn nulls() -> ArrayRef {
    Arc::new(Int64Array::from(vec![None; 100]))
}

#[test]
fn no_parquet_at_all_is_an_error() {
    let whole = sample(Compression::SNAPPY);
    for content in
        [&b""[..], b"PAR1", b"\xff\xff\xff\xffPAR1", &whole[..whole.len() - 1], &whole[9..]]
    {
        assert!(refused(read_one(DEFINITION, "a.parquet", content)).contains("no Parquet file"));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, cases: 400, ..Default::default() })]
    #[test]
    fn any_changed_byte_is_rows_or_an_error(place in 0usize..10_000, byte in proptest::num::u8::ANY) {
        let mut bytes = sample(Compression::SNAPPY);
        let place = place % bytes.len();
        bytes[place] = byte;
        let _ = read_one(DEFINITION, "a.parquet", &bytes);
    }
}
