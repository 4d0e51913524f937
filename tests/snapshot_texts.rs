//! Texts that programs print, beside those that are kept in `tests/cli`. `SNAPSHOTS=overwrite` writes them anew.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;
use snapbox::{Assert, Data, Redactions, assert::DEFAULT_ACTION_ENV, data::DataFormat};

/// Patterns of text that differs from one run to the next, each with the word that stands for it.
const PASSING: [(&str, &str); 15] = [
    ("[RUN]", r"\b\d{8}t\d{9}-[0-9a-f]+\b *"),
    ("[TIME]", r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z"),
    (
        "[TODAY]",
        r"\b\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d\b",
    ),
    ("[HASH]", r"\b[0-9a-f]{64}\b"),
    ("[SIGNATURE]", r"\b[0-9a-f]{128}\b"),
    ("[ID]", r"\b[0-9a-f]{32}\b"),
    ("[SHORT]", r"\b[0-9a-f]{16}\b"),
    ("[SECONDS]", r"(?<redacted>\d+\.\d) s\b"),
    // The column of a list of runs, with the blanks before it: its width is fixed.
    ("[SECONDS]", r"(?:Z|\[TIME\])(?<redacted> +\d+\.\d)\b"),
    ("[MILLISECONDS]", r#""milliseconds":(?<redacted>\d+)"#),
    ("[UID]", r"\buid (?<redacted>\d+)"),
    ("[USER]", r"\buid (\d+|\[UID\]) \((?<redacted>[^)]+)\)"),
    // A slow machine asks the vault in other batches.
    ("[ENTRIES]", r"\((?<redacted>\d+) entries; "),
    ("[PROCESS]", r"process (?<redacted>\d+)"),
    ("[KEY]", r"\b(age1[0-9a-z]{58}|minster-vault[-/][^\s+]+\+\S+)"),
];

/// Compares a text with a kept one.
///
/// # Panics
/// Where it is another, or none is kept.
pub fn compare(path: &Path, text: &str) {
    let kept = Data::read_from(path, Some(DataFormat::Text)).raw();
    let outcome = Assert::new().action_env(DEFAULT_ACTION_ENV).try_eq(
        Some(&"what is printed"),
        Data::text(text),
        kept,
    );
    if let Err(difference) = outcome {
        panic!("{}: {difference}", path.display());
    }
}

/// A text without what differs from one run to the next: the folder, times, hashes, names of runs.
pub fn without_passing(text: &str, folder: &Path) -> String {
    let mut redactions = Redactions::new();
    redactions.insert("[FOLDER]", folder.to_owned()).unwrap();
    redactions.insert("[SOON]", crate::soon()).unwrap();
    for (word, pattern) in PASSING {
        redactions.insert(word, Regex::new(pattern).unwrap()).unwrap();
    }
    redactions.redact(text)
}

/// The files of a folder.
pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
