//! gzip and zip: bytes as they are, and a whole archive changed here and there.
#![no_main]

mod common;

use std::{
    io::{Cursor, Write},
    sync::OnceLock,
};

use libfuzzer_sys::fuzz_target;
use minster_sources::Definition;
use zip::{ZipWriter, write::SimpleFileOptions};

struct Base {
    definition: Definition,
    zip: Vec<u8>,
    gzip: Vec<u8>,
}

fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let table = |name: &str| {
            format!("[[table]]\nname='{name}'\nfile='{name}.csv'\n[table.columns]\nid={{treatment='drop'}}\n")
        };
        let text = format!("name='s'\nformat='csv'\nyears=['2']\n{}{}", table("a"), table("b"));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["a.csv", "x/b.csv"] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(b"id\n1\n2\n3\n").unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(b"id\n1\n2\n3\n").unwrap();
        Base { definition: Definition::parse(&text).unwrap(), zip, gzip: gzip.finish().unwrap() }
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let base = base();
    match which % 4 {
        0 => common::read(&base.definition, "d.zip", rest),
        1 => common::read(&base.definition, "a.csv.gz", rest),
        2 => common::read(&base.definition, "d.zip", &common::changed(base.zip.clone(), rest)),
        _ => common::read(&base.definition, "a.csv.gz", &common::changed(base.gzip.clone(), rest)),
    }
});
