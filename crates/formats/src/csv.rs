//! A released table as CSV, which spreadsheets open. Every CSV of a release is written here; Parquet and JSON run nothing.

use crate::{
    FormatError,
    tidy::{Column, Values},
};

/// Characters that a spreadsheet may take for the start of a formula: OWASP's list (CSV injection; ASVS 5.0, 1.2.10)
/// and the full-width forms, which Excel takes for the plain ones in some languages.
const STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// Text is made harmless, names of columns too; numbers stay numbers.
pub(crate) fn csv(columns: &[Column]) -> Result<Vec<u8>, FormatError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| harmless(&column.name)))?;
    let rows = columns.first().map_or(0, |column| match &column.values {
        Values::Text(values) => values.len(),
        Values::Whole(values) => values.len(),
        Values::Number(values) => values.len(),
    });
    for row in 0..rows {
        let cells = columns.iter().map(|column| match &column.values {
            Values::Text(texts) => harmless(&texts[row]),
            Values::Whole(values) => number(values[row]),
            Values::Number(values) => number(values[row]),
        });
        writer.write_record(cells)?;
    }
    writer.into_inner().map_err(|_| FormatError::Csv)
}

/// A spreadsheet runs a cell that begins like a formula: an apostrophe before it keeps it text.
pub(crate) fn harmless(text: &str) -> String {
    match text.starts_with(STARTS) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn number(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(name: &str, values: Values) -> Column {
        Column { name: name.to_owned(), values }
    }

    #[test]
    fn formulas_are_text_and_numbers_are_numbers() {
        let texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "a=1", "", "'=1"];
        let written = csv(&[
            column("=ward", Values::Text(texts.map(str::to_owned).into())),
            column("children", Values::Whole(vec![Some(-3); texts.len()])),
            column("change", Values::Number(vec![Some(-0.5); texts.len()])),
        ])
        .unwrap();
        let expected = "'=ward,children,change\n'=1+1,-3,-0.5\n'+1,-3,-0.5\n'-1,-3,-0.5\n'@SUM(A1),-3,-0.5\n'\tx,-3,-0.5\n\"'\rx\",-3,-0.5\n\"'\nx\",-3,-0.5\n'＝1,-3,-0.5\na=1,-3,-0.5\n,-3,-0.5\n'=1,-3,-0.5\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn no_text_begins_a_formula_and_none_is_lost(
            texts in prop::collection::vec("[=+@\t\r\n\0＝＋－＠'\",;a-]{0,4}", 1..8),
        ) {
            let columns: Vec<Column> =
                texts.iter().map(|text| column(text, Values::Text(vec![text.clone()]))).collect();
            let written = csv(&columns).unwrap();
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_slice());
            let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(records.len(), 2);
            for record in &records {
                prop_assert_eq!(record.len(), texts.len());
                for (cell, text) in record.iter().zip(&texts) {
                    prop_assert!(!cell.starts_with(STARTS), "{cell:?}");
                    prop_assert!(cell == text || cell.strip_prefix('\'') == Some(text), "{cell:?}");
                }
            }
        }
    }
}
