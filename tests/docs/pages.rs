//! The pages as they are written: their headings, links, blocks and words of code.

use std::{fs, path::Path};

use minster_tests::root;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file of the project.
pub(crate) struct Page {
    /// Its path from the project's folder.
    pub(crate) name: String,
    /// The anchors of its headings, as GitHub and mdBook make them.
    pub(crate) anchors: Vec<String>,
    /// The places that it links to.
    pub(crate) links: Vec<String>,
    pub(crate) blocks: Vec<Block>,
    /// Its words of code, each with the number of its line.
    pub(crate) words: Vec<(usize, String)>,
    /// The cells of its tables, row by row, without their marks.
    pub(crate) tables: Vec<Vec<Vec<String>>>,
    /// Its paragraphs and the items of its lists, each with the number of its line.
    pub(crate) paragraphs: Vec<(usize, String)>,
}

/// A block of code.
pub(crate) struct Block {
    /// The anchor of the heading above it.
    pub(crate) section: String,
    /// The words behind its opening fence.
    pub(crate) info: String,
    pub(crate) text: String,
    pub(crate) line: usize,
    /// Without fences: four blanks stand before each line.
    pub(crate) indented: bool,
}

impl Block {
    /// The language.
    pub(crate) fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or("")
    }

    /// The rest of the words behind the fence.
    pub(crate) fn mark(&self) -> &str {
        self.info[self.language().len()..].trim()
    }

    /// The value of `name=value` behind the fence.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let words = self.mark().split_whitespace();
        words.into_iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// Why the block cannot be run or compared.
    pub(crate) fn left_out(&self) -> Option<&str> {
        self.mark().split_once("norun:").map(|(_, why)| why.trim())
    }
}

/// All pages, sorted by name.
pub(crate) fn all() -> Vec<Page> {
    let mut names = Vec::new();
    find(&root(), "", &mut names);
    names.sort();
    names.iter().map(|name| Page::read(name)).collect()
}

fn find(folder: &Path, below: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        // Links lead to pages that are found in their own place.
        if kind.is_symlink() || name.starts_with('.') || name == "target" {
            continue;
        }
        if kind.is_dir() {
            find(&entry.path(), &format!("{below}{name}/"), names);
        } else if name.ends_with(".md") && name != "SUMMARY.md" {
            names.push(format!("{below}{name}"));
        }
    }
}

impl Page {
    /// Reads one page.
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap();
        let mut page = Self {
            name: name.to_owned(),
            anchors: Vec::new(),
            links: Vec::new(),
            blocks: Vec::new(),
            words: Vec::new(),
            tables: Vec::new(),
            paragraphs: Vec::new(),
        };
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        let mut cell: Option<String> = None;
        let mut paragraph: Option<(usize, String)> = None;
        let line = |at: usize| 1 + text[..at].matches('\n').count();
        let parser = Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter();
        for (event, range) in parser {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|text| anchor(&text)));
                }
                Event::Start(Tag::Link { dest_url, .. }) => page.links.push(dest_url.into_string()),
                Event::Start(Tag::CodeBlock(kind)) => {
                    let (info, indented) = match kind {
                        CodeBlockKind::Fenced(info) => (info.into_string(), false),
                        CodeBlockKind::Indented => (String::new(), true),
                    };
                    let section = page.anchors.last().cloned().unwrap_or_default();
                    let line = line(range.start);
                    block = Some(Block { section, info, text: String::new(), line, indented });
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::Start(Tag::Table(_)) => page.tables.push(Vec::new()),
                Event::Start(Tag::TableHead | Tag::TableRow) => {
                    page.tables.last_mut().unwrap().push(Vec::new());
                }
                Event::Start(Tag::TableCell) => cell = Some(String::new()),
                Event::End(TagEnd::TableCell) => {
                    let row = page.tables.last_mut().unwrap().last_mut().unwrap();
                    row.extend(cell.take());
                }
                Event::Start(Tag::Paragraph | Tag::Item) => {
                    page.paragraphs.extend(paragraph.replace((line(range.start), String::new())));
                }
                Event::Start(Tag::List(_)) | Event::End(TagEnd::Paragraph | TagEnd::Item) => {
                    page.paragraphs.extend(paragraph.take());
                }
                Event::SoftBreak => {
                    paragraph.iter_mut().for_each(|(_, text)| text.push(' '));
                }
                Event::Text(part) => {
                    let paragraph = paragraph.as_mut().map(|(_, text)| text);
                    let places = [heading.as_mut(), cell.as_mut(), paragraph];
                    match &mut block {
                        Some(block) => block.text.push_str(&part),
                        None => places.into_iter().flatten().for_each(|text| text.push_str(&part)),
                    }
                }
                Event::Code(part) => {
                    page.words.push((line(range.start), part.to_string()));
                    let paragraph = paragraph.as_mut().map(|(_, text)| text);
                    for text in [heading.as_mut(), cell.as_mut(), paragraph].into_iter().flatten() {
                        text.push_str(&part);
                    }
                }
                _ => {}
            }
        }
        page.paragraphs.retain(|(_, text)| !text.trim().is_empty());
        page
    }
}

/// The anchor of a heading: small letters, blanks as hyphens, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}
