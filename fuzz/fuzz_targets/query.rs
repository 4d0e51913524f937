//! Queries: whatever is written is refused at a place within it, or is the text of one table's definition.
#![no_main]

use libfuzzer_sys::fuzz_target;
use minster_query::{Kind, Schema, comment, definition};

fuzz_target!(|sql: &str| {
    let of = |columns: &[(&str, Kind)]| {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect::<Vec<_>>()
    };
    let schema = Schema {
        children: of(&[
            ("child", Kind::Text),
            ("on_spine", Kind::Truth),
            ("ward", Kind::Text),
            ("sex", Kind::Any),
            ("exclusions", Kind::Number),
            ("first_plan", Kind::Day),
        ]),
        events: vec![("events".to_owned(), of(&[("date", Kind::Day), ("kind", Kind::Text)]))],
        ..Schema::default()
    };
    let Ok(name) = "query".parse() else { return };
    match definition(sql, &name, &schema) {
        Ok(text) => {
            let whole = format!("{}{text}", comment(sql));
            let parsed: toml::Table = whole.parse().expect("the text of a definition is TOML");
            assert_eq!(parsed["table"].as_array().map(Vec::len), Some(1));
        }
        Err(error) => {
            assert!(error.place.line <= 1 + sql.matches('\n').count() as u64);
            assert!(!error.to_string().replace('\n', "").contains(char::is_control));
        }
    }
});
