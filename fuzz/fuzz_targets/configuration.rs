//! Definitions, code lists and `pipeline.toml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minster_model::pipeline::Pipeline;
use minster_sources::{CodeList, CodeLists, layouts};

fuzz_target!(|text: &str| {
    if let Ok(versions) = layouts(text, &CodeLists::new()) {
        for version in versions {
            assert!(!version.tables.is_empty());
            for table in &version.tables {
                table.columns.keys().for_each(|column| drop(table.output_name(column)));
            }
        }
    }
    let _ = CodeList::parse(text);
    if let Ok(pipeline) = toml::from_str::<Pipeline>(text) {
        drop(pipeline.resolve("/somewhere".as_ref()));
    }
});
