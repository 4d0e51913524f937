//! The texts of every error and refusal of the programs, as their source declares them: one kept file for each type in
//! `errors`. Words can be reviewed there side by side, and do not drift unseen.

use std::collections::{BTreeMap, BTreeSet};

use minster_tests::{files, root, snapshot_texts};
use regex::Regex;

use crate::telling::folder;

/// The errors of one source file, by the name of their type: each with its code, or else its variant, and its text.
fn declared(source: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let derived = Regex::new(r"#\[derive\([^)]*\bError\b[^)]*\)\]").unwrap();
    let named = Regex::new(r"\b(?:enum|struct) (\w+)").unwrap();
    let mut found = BTreeMap::new();
    for derive in derived.find_iter(source) {
        let rest = &source[derive.end()..];
        let name = named.captures(rest).unwrap();
        let begin = name.get(0).unwrap();
        let is_enum = begin.as_str().starts_with("enum");
        // A type's body ends where a brace stands in its first column; a struct's text stands before its name.
        let body = match is_enum {
            true => &rest[begin.end()..rest.find("\n}").unwrap()],
            false => &rest[..begin.end()],
        };
        found.insert(name[1].to_owned(), texts(body));
    }
    for (name, texts) in &mut found {
        let codes = codes(source, name);
        let all = std::mem::take(texts).into_iter();
        *texts = all
            .map(|(variant, text)| (codes.get(&variant).unwrap_or(&variant).clone(), text))
            .collect();
    }
    found
}

/// The texts of a type's body, by variant.
fn texts(body: &str) -> BTreeMap<String, String> {
    let error = Regex::new(r"#\[error\(").unwrap();
    let variant =
        Regex::new(r"^\s*(?:(?:///[^\n]*|#\[[^\]]*\]|pub(?:\(crate\))?|enum|struct)\s*)*(\w+)")
            .unwrap();
    let blanks = Regex::new(" {2,}").unwrap();
    let written = Regex::new(r"\\\n\s*").unwrap();
    let mut found = BTreeMap::new();
    for begin in error.find_iter(body) {
        let inside = &body[begin.end()..];
        let (text, end) = attribute(inside);
        let name = variant.captures(&inside[end..]).unwrap()[1].to_owned();
        let text = written.replace_all(text.trim(), "").replace('\n', " ");
        found.insert(name, blanks.replace_all(text.trim_end_matches(','), " ").into_owned());
    }
    found
}

/// The text between the parentheses of an attribute, and the place where the attribute ends.
fn attribute(inside: &str) -> (&str, usize) {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, letter) in inside.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&inside[..at], at + inside[at..].find(']').unwrap() + 1);
        }
    }
    panic!("an attribute does not end: {}", &inside[..inside.len().min(80)]);
}

/// The stable codes of a type's variants, if it has any.
fn codes(source: &str, name: &str) -> BTreeMap<String, String> {
    let arm = Regex::new(r#"Self::(\w+)(?:\(_\)|\s*\{\s*\.\.\s*\})?\s*=>\s*"([a-z-]+)""#).unwrap();
    let Some(at) = source.find(&format!("impl {name} {{")) else { return BTreeMap::new() };
    let body = &source[at..];
    let body = &body[..body.find("\n}").unwrap()];
    let Some(at) = body.find("fn code(") else { return BTreeMap::new() };
    let body = &body[at..];
    let body = &body[..body.find("\n    }").unwrap_or(body.len())];
    arm.captures_iter(body).map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}

#[test]
fn every_error_and_refusal_says_what_is_kept() {
    let mut kept_files = BTreeSet::new();
    let mut texts = 0;
    for (path, bytes) in files(&root().join("crates")) {
        let path = path.strip_prefix(root().join("crates")).unwrap().to_owned();
        let is_source = path.extension().is_some_and(|ending| ending == "rs");
        if !is_source || path.iter().nth(1) != Some("src".as_ref()) {
            continue;
        }
        let package = path.iter().next().unwrap().to_str().unwrap();
        for (name, of) in declared(&String::from_utf8(bytes).unwrap()) {
            texts += of.len();
            let listed: String =
                of.iter().map(|(code, text)| format!("{code}: {text}\n")).collect();
            let name = format!("{package}-{name}.txt");
            snapshot_texts::compare(&folder("errors").join(&name), &listed);
            assert!(kept_files.insert(name), "two error types of one crate have one name");
        }
    }
    assert!(texts > 250, "{texts} texts");
    assert_eq!(
        snapshot_texts::names(&folder("errors")),
        kept_files,
        "texts are kept that no source has"
    );
}

#[test]
fn a_text_is_read_with_its_code_wherever_it_stands() {
    let source = r##"
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// One.
    #[error("all (or {0}) are \"out\"; \
             ask again")]
    Out(u32),
    #[error(
        "the cell {cell}, {}",
        name(cell)
    )]
    Cell {
        /// Which.
        cell: u32,
    },
    #[error(transparent)]
    Other(#[from] Io),
}

impl Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Out(_) => "all-out",
            Self::Cell { .. } => "one-cell",
        }
    }
}
"##;
    let found = &declared(source)["Refusal"];
    let line = |code: &str| found[code].as_str();
    assert_eq!(line("all-out"), r#""all (or {0}) are \"out\"; ask again""#);
    assert_eq!(line("one-cell"), r#""the cell {cell}, {}", name(cell)"#);
    assert_eq!(line("Other"), "transparent");
    assert_eq!(found.len(), 3);
}
