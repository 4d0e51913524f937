//! The pages can be read: their sentences begin with what they are about, and few of them hang clauses on pronouns.

use std::collections::BTreeMap;

use minster_tests::{files, root};
use regex::Regex;

use crate::pages::{self, Page};

/// A sentence that begins so keeps its reader waiting for its subject.
const FORBIDDEN: &str = r"^(Who|What|That|Of|Whom|Whose|Whoever)\b";
/// Few sentences may begin so.
const SELDOM: &str = r"^(Where|Which|To whom|So|Nor|There)\b";
/// Pronouns that hang a clause on a word, or point back at one.
const RELATIVE: &str = r"(?i)\b(who|whom|whose|what|that|which|those|these|whoever)\b";

/// The most pronouns in a hundred words, and the most sentences in a hundred that begin with one of [`SELDOM`].
const MOST: [f64; 2] = [2.5, 6.0];

/// The sentences of a text, without marks before their first word.
fn sentences(text: &str) -> Vec<&str> {
    let end = Regex::new(r"[.!?][)\x22\x27*]*\s+").unwrap();
    let mut begin = 0;
    let mut found = Vec::new();
    for stop in end.find_iter(text) {
        found.push(&text[begin..stop.end()]);
        begin = stop.end();
    }
    found.push(&text[begin..]);
    let bare = |one: &str| !one.trim().is_empty();
    let first = |one: &str| one.find(|letter: char| letter.is_alphanumeric()).unwrap_or(0);
    found.into_iter().filter(|one| bare(one)).map(|one| one[first(one)..].trim_end()).collect()
}

/// Pronouns in a hundred words, and seldom openings in a hundred sentences, of a page's paragraphs.
fn measured(page: &Page) -> [f64; 2] {
    let [relative, seldom] = [RELATIVE, SELDOM].map(|pattern| Regex::new(pattern).unwrap());
    let (mut words, mut pronouns, mut all, mut openings) = (0, 0, 0, 0);
    for (_, text) in &page.paragraphs {
        words += text.split_whitespace().count();
        pronouns += relative.find_iter(text).count();
        for sentence in sentences(text) {
            all += 1;
            openings += usize::from(seldom.is_match(sentence));
        }
    }
    let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
    [share(pronouns, words), share(openings, all)]
}

/// The sentences of a page that begin as none may.
fn wrong(page: &Page) -> Vec<String> {
    let forbidden = Regex::new(FORBIDDEN).unwrap();
    let cells = page.tables.iter().flat_map(|table| table.iter().skip(1).flatten());
    let cells = cells.map(|cell| ("a table".to_owned(), cell));
    let paragraphs = page.paragraphs.iter().map(|(line, text)| (line.to_string(), text));
    let told = paragraphs.chain(cells).flat_map(|(place, text)| {
        let found = sentences(text).into_iter().filter(|one| forbidden.is_match(one));
        found.map(move |one| (place.clone(), one)).collect::<Vec<_>>()
    });
    told.map(|(place, one)| format!("{}, {place}: {one}", page.name)).collect()
}

#[test]
fn no_sentence_of_a_page_begins_with_a_relative_pronoun() {
    let pages = pages::all();
    let wrong: Vec<String> = pages.iter().flat_map(wrong).collect();
    assert!(wrong.is_empty(), "begin with the subject:\n{}", wrong.join("\n"));
    let looked_at: usize = pages.iter().map(|page| page.paragraphs.len()).sum();
    assert!(looked_at > 800, "{looked_at} paragraphs looked at");
}

#[test]
fn each_page_is_easy_to_read() {
    let found: BTreeMap<String, [f64; 2]> =
        pages::all().iter().map(|page| (page.name.clone(), measured(page))).collect();
    for name in ["README.md", "docs/custodians.md", "docs/promise.md", "CHANGELOG.md"] {
        assert!(found[name][0] > 0.5, "{name}: {:?} is too good to be measured", found[name]);
    }
    let hard: Vec<String> = found
        .iter()
        .filter(|(_, is)| is.iter().zip(MOST).any(|(&is, most)| is > most))
        .map(|(name, [pronouns, openings])| {
            format!("{name}: {pronouns:.2} pronouns in 100 words, {openings:.1} % of openings")
        })
        .collect();
    assert!(hard.is_empty(), "at most {MOST:?}; break sentences up:\n{}", hard.join("\n"));
}

/// The paragraphs of a source file's comments, each with the number of its line, without code and tables.
fn comments(source: &str) -> Vec<(usize, String)> {
    let item = Regex::new(r"^(?:[-*]|\d+\.) ").unwrap();
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut goes_on, mut is_code) = (false, false);
    for (number, line) in (1..).zip(source.lines()) {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            (goes_on, is_code) = (false, false);
            continue;
        };
        let text = comment.trim_start_matches(['/', '!']).trim();
        let is_fence = text.starts_with("```");
        is_code ^= is_fence;
        if is_fence || is_code || text.is_empty() || text.starts_with('|') {
            goes_on = false;
            continue;
        }
        match found.last_mut() {
            Some((_, paragraph)) if goes_on && !item.is_match(text) => {
                paragraph.push(' ');
                paragraph.push_str(text);
            }
            _ => found.push((number, text.to_owned())),
        }
        goes_on = true;
    }
    found
}

#[test]
fn no_sentence_of_a_comment_begins_with_a_relative_pronoun() {
    let forbidden = Regex::new(FORBIDDEN).unwrap();
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for folder in ["crates", "tests", "benches", "examples", "fuzz/fuzz_targets", "mutants/src"] {
        let sources = files(&root().join(folder)).into_iter();
        for (path, bytes) in
            sources.filter(|(path, _)| path.extension().is_some_and(|of| of == "rs"))
        {
            for (line, text) in comments(&String::from_utf8(bytes).unwrap()) {
                looked_at += 1;
                let hard = sentences(&text).into_iter().filter(|one| forbidden.is_match(one));
                wrong.extend(hard.map(|one| format!("{}:{line}: {one}", path.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "begin with the subject:\n{}", wrong.join("\n"));
    assert!(looked_at > 10_000, "{looked_at} paragraphs of comments looked at");
}

#[test]
fn comments_are_read_over_their_lines_and_without_their_code() {
    let source = "/// A line\n/// goes on. What\n/// follows.\n///\n/// ```\n/// What::code();\n/// ```\nfn f() {}\n// - Of it.\n// - More.\n";
    let found = comments(source);
    let lines: Vec<(usize, &str)> =
        found.iter().map(|(line, text)| (*line, text.as_str())).collect();
    assert_eq!(lines, [(1, "A line goes on. What follows."), (9, "- Of it."), (10, "- More.")]);
}

#[test]
fn a_hard_sentence_is_seen_wherever_it_stands() {
    let text = "It ends. *What follows* is hard (as \"this.\") Whoever reads it waits. A child of whom this is said.";
    let forbidden = Regex::new(FORBIDDEN).unwrap();
    let found: Vec<&str> =
        sentences(text).into_iter().filter(|one| forbidden.is_match(one)).collect();
    assert_eq!(found, ["What follows* is hard (as \"this.\")", "Whoever reads it waits."]);
}

/// Printed on A4 in a readable size, a page takes some sixty lines of a hundred characters.
#[test]
fn the_auditors_page_fits_on_two_printed_pages() {
    let text = std::fs::read_to_string(root().join("docs/auditors.md")).unwrap();
    let lines: usize = text.lines().map(|line| line.chars().count().div_ceil(100).max(1)).sum();
    assert!(lines <= 120, "{lines} printed lines");
}
