//! The book, and the links of its pages.

use std::{collections::BTreeSet, fs};

use minster_tests::root;

use crate::pages::{self, Page};

#[test]
fn the_book_has_every_page_in_its_own_place() {
    let summary = Page::read("book/SUMMARY.md");
    let listed: Vec<&String> = summary.links.iter().collect();
    let different: BTreeSet<&String> = listed.iter().copied().collect();
    assert_eq!(listed.len(), different.len(), "book/SUMMARY.md lists a page twice");
    let pages = pages::all();
    let names: BTreeSet<&String> = pages.iter().map(|page| &page.name).collect();
    assert_eq!(different, names, "left: book/SUMMARY.md lists; right: the project has");
    // The book's folder has links to the pages, so that no page stands twice.
    for name in names {
        let in_book = root().join("book").join(name).canonicalize();
        assert_eq!(in_book.ok(), Some(root().join(name)), "book/{name} does not lead to {name}");
    }
}

#[test]
fn every_link_and_anchor_leads_somewhere() {
    let pages = pages::all();
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for page in &pages {
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            looked_at += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = root().join(&page.name).parent().unwrap().to_owned();
            let target = match path {
                "" => Ok(root().join(&page.name)),
                path => folder.join(path).canonicalize(),
            };
            let found = target.is_ok_and(|target| {
                let other = pages.iter().find(|other| root().join(&other.name) == target);
                anchor.is_empty()
                    || other.is_some_and(|other| other.anchors.iter().any(|one| one == anchor))
            });
            if !found {
                wrong.push(format!("{}: {link}", page.name));
            }
        }
        for (number, anchor) in page.anchors.iter().enumerate() {
            if page.anchors[..number].contains(anchor) {
                wrong.push(format!("{}: two headings have the anchor #{anchor}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at > 80, "{looked_at} links looked at");
}

#[test]
fn every_block_of_settings_is_toml() {
    let mut looked_at = 0;
    for page in pages::all() {
        for block in page.blocks.iter().filter(|block| block.language() == "toml") {
            looked_at += 1;
            if let Err(fault) = block.text.parse::<toml::Table>() {
                panic!("{}:{}: {fault}", page.name, block.line);
            }
        }
    }
    assert!(looked_at >= 20, "{looked_at} blocks looked at");
}

#[test]
fn a_block_says_what_it_is() {
    for page in pages::all() {
        for block in &page.blocks {
            let place = format!("{}:{}", page.name, block.line);
            assert!(
                !block.indented,
                "{place}: fence the block, and say behind the fence what it is"
            );
            let known = [
                "drawing", "input", "sh", "text", "csv", "toml", "json", "rust", "mermaid",
                "python", "r",
            ];
            assert!(known.contains(&block.language()), "{place}: {}", block.info);
            assert!(block.left_out().is_none_or(|why| why.len() > 8), "{place}: say why");
        }
    }
    assert!(fs::exists(root().join("book.toml")).unwrap());
}
