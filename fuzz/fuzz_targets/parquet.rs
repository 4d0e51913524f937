//! Parquet: bytes as they are, and a whole file changed here and there.
#![no_main]

mod common;

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use libfuzzer_sys::fuzz_target;
use minster_sources::Definition;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

fn base() -> &'static (Definition, [Vec<u8>; 2]) {
    static BASE: OnceLock<(Definition, [Vec<u8>; 2])> = OnceLock::new();
    BASE.get_or_init(|| {
        let definition = Definition::parse("name='p'\nformat='parquet'\nyears=['2']\n[[table]]\nname='t'\nfile='a.parquet'\n[table.columns]\nid={treatment='drop'}\nn={treatment='drop',optional=true}\nt={treatment='drop',optional=true}").unwrap();
        let files = [Compression::UNCOMPRESSED, Compression::SNAPPY].map(|compression| {
            let rows: Vec<Option<String>> =
                (0..50).map(|row| (row % 7 != 0).then(|| format!("v{}", row % 11))).collect();
            let columns: [(&str, ArrayRef); 3] = [
                ("id", Arc::new(StringArray::from(rows))),
                ("n", Arc::new(Int64Array::from_iter_values(0..50))),
                ("t", Arc::new(TimestampMillisecondArray::from_iter_values(0..50))),
            ];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let properties = WriterProperties::builder().set_compression(compression).build();
            let mut bytes = Vec::new();
            let mut writer =
                ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            bytes
        });
        (definition, files)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let (definition, files) = base();
    match which % 3 {
        0 => common::read(definition, "a.parquet", rest),
        which => {
            let file = files[usize::from(which) - 1].clone();
            common::read(definition, "a.parquet", &common::changed(file, rest));
        }
    }
});
