//! XML, whole or within a child's element.
#![no_main]

mod common;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use minster_sources::Definition;

fn definition() -> &'static Definition {
    static DEFINITION: OnceLock<Definition> = OnceLock::new();
    DEFINITION.get_or_init(|| {
        Definition::parse("name='x'\nformat='xml'\nyears=['2']\nunit='/M/C'\nignore=['/M/H']\n[[table]]\nname='c'\nfile='a.xml'\nrecord='.'\n[table.columns]\nId={treatment='bridge',kind='person'}\n[[table]]\nname='n'\nfile='a.xml'\nrecord='N'\n[table.columns]\n'^/Id'={treatment='drop'}\nA={treatment='drop'}").unwrap()
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, text)) = bytes.split_first() else { return };
    let content = match which % 2 {
        0 => text.to_vec(),
        _ => [b"<M><C>", text, b"</C></M>"].concat(),
    };
    common::read(definition(), "a.xml", &content);
});
