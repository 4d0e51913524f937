//! From the drop folder to the vault's log, two things must neither pass nor be shown: identifiers and names in kept text,
//! and names of files, sheets, columns and elements that hold an identifier or steer a terminal.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod bounds;
mod kept_text;
mod litter;
mod names;
#[path = "../values.rs"]
#[allow(dead_code, reason = "only the sources' datasets are looked at here")]
mod values;

use memchr::memmem;
use minster_tests::deliveries::{Council, files_but};

const CENSUS: &str = "school_census";
const ROLL: &str = "2025_autumn_pupilonroll.csv";
const LEFT: &str = "2025_autumn_pupilnolongeronroll.csv";

/// The forms in which a text could stand somewhere.
fn forms(text: &str) -> Vec<String> {
    let compact = text.replace([' ', '-'], "");
    let forms = [text.to_owned(), compact.clone(), text.to_lowercase(), compact.to_lowercase()];
    let upper = [text.to_uppercase(), compact.to_uppercase()];
    let mut forms: Vec<String> = forms.into_iter().chain(upper).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// The form of a text that bytes hold.
fn holds(bytes: &[u8], text: &str) -> Option<String> {
    forms(text).into_iter().find(|form| memmem::find(bytes, form.as_bytes()).is_some())
}

fn assert_without(what: &str, bytes: &[u8], texts: &[String]) {
    for text in texts {
        assert_eq!(holds(bytes, text), None, "{what}");
    }
}

/// None of the texts stands in any file but those that were delivered, in any value of a dataset, or in what is told of
/// the quarantine. (Values sealed in quarantine cannot be found: they are encrypted.)
fn assert_nowhere(council: &Council, texts: &[String]) {
    for (path, bytes) in files_but(council.site.folder(), &["drop"]) {
        assert_without(&path.display().to_string(), &bytes, texts);
    }
    for table in values::values(&council.site) {
        for cell in table.rows.iter().flatten() {
            assert_without(&table.table, cell.as_bytes(), texts);
        }
    }
    let listed = council.program("minster-ingest", &["quarantine", "list"]);
    assert_without("the list of the quarantine", listed.text.as_bytes(), texts);
}
