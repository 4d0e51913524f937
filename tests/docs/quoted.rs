//! Messages that no command of a page prints, as a refusal that a page only tells of. They are compared with the texts of the
//! source, or of a test that makes a program print them: `from=PATH` behind the fence names the file.

use std::fs;

use minster_tests::root;
use regex::Regex;

use crate::pages::{self, Block};

/// The texts of a source file, a line each, without what breaks a long one.
fn literals(source: &str) -> Vec<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code: Vec<&str> = source.lines().filter(is_code).collect();
    // A letter that is a quotation mark begins no text.
    let source = &code.join("\n").replace("'\"'", "' '").replace("'\\\"'", "' '");
    let literal = Regex::new(r#"(?s)"((?:[^"\\]|\\.)*)""#).unwrap();
    let broken = Regex::new(r"\\\n\s*").unwrap();
    let texts = literal
        .captures_iter(source)
        .map(|found| broken.replace_all(&found[1], "").replace("\\n", "\n").replace("\\\"", "\""));
    texts
        .flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .collect()
}

/// A text that says less than this matches too much.
const LEAST: usize = 10;

/// Whether a line is this text with something in each of its holes. A line that ends with `…` is the beginning of one.
fn fits(line: &str, text: &str) -> bool {
    let hole = Regex::new(r"\{[^{}]*\}").unwrap();
    let letters =
        hole.replace_all(text, "").chars().filter(|letter| !letter.is_whitespace()).count();
    if letters < LEAST {
        return false;
    }
    let pattern = |text: &str| {
        let parts: Vec<String> = hole.split(text).map(regex::escape).collect();
        Regex::new(&format!("^{}$", parts.join(".*"))).unwrap()
    };
    match line.strip_suffix('…') {
        None => pattern(text).is_match(line),
        Some(begin) => {
            let begin = begin.trim_end();
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).skip(LEAST);
            // A text that is cut within a hole, or behind one, would say anything.
            let is_whole = |at: usize| {
                let text = &text[..at];
                text.matches('{').count() == text.matches('}').count() && !text.ends_with('}')
            };
            ends.filter(|&at| is_whole(at)).any(|at| pattern(&text[..at]).is_match(begin))
        }
    }
}

/// The lines of a block that the file has no text for. A table is looked at for its heading alone: its rows are made up.
fn missing(block: &Block, source: &str) -> Vec<String> {
    let texts = literals(source);
    let rows = if block.language() == "csv" { 1 } else { usize::MAX };
    let lines = block.text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "…");
    let lines = lines.take(rows).map(|line| line.strip_prefix("note: ").unwrap_or(line));
    let is_missing = |line: &&str| !texts.iter().any(|text| fits(line, text));
    lines.filter(is_missing).map(str::to_owned).collect()
}

#[test]
fn a_message_on_a_page_is_one_that_the_programs_have() {
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for page in pages::all() {
        for block in &page.blocks {
            let Some(path) = block.value("from") else { continue };
            looked_at += 1;
            let place = format!("{}:{}", page.name, block.line);
            let source = fs::read_to_string(root().join(path))
                .unwrap_or_else(|fault| panic!("{place}: {path}: {fault}"));
            wrong.extend(
                missing(block, &source)
                    .into_iter()
                    .map(|line| format!("{place}: {path} has no: {line}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at >= 8, "{looked_at} blocks looked at");
}

#[test]
fn a_message_is_told_from_a_like_one() {
    let source = r#"format!("the release {name} of {period} is gone; \
                      put it back\n  has {count}")"#;
    let texts = literals(source);
    let has = |line: &str| texts.iter().any(|text| fits(line, text));
    assert!(has("the release children of 2024-25 is gone; put it back"));
    assert!(has("the release children of 2024-25 is …"));
    assert!(!has("has 3"), "it says too little");
    assert!(!has("the release children of 2024-25 is here; put it back"));
    assert!(!has("the release children of 2024-25 was …"));
}
