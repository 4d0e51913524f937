//! CSV in each encoding, after a header that fits or without one.
#![no_main]

mod common;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use minster_sources::Definition;

fn definitions() -> &'static Vec<Definition> {
    static DEFINITIONS: OnceLock<Vec<Definition>> = OnceLock::new();
    DEFINITIONS.get_or_init(|| {
        ["utf-8", "windows-1252", "utf-16"]
            .map(|encoding| {
                Definition::parse(&format!(
                    "name='s'\nformat='csv'\nyears=['2']\nencoding='{encoding}'\n[[table]]\nname='t'\nfile='a.csv'\n[table.columns]\nid={{treatment='bridge',kind='person'}}\nx={{treatment='drop',optional=true}}"
                ))
                .unwrap()
            })
            .into()
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, text)) = bytes.split_first() else { return };
    let definition = &definitions()[usize::from(which) % 3];
    let header: &[u8] = match which / 3 % 3 {
        0 => b"",
        1 => b"id,x\n",
        _ => b"\xff\xfei\0d\0,\0x\0\n\0",
    };
    common::read(definition, "a.csv", &[header, text].concat());
});
