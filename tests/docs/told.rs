//! The commands of each page run, in order, and the programs print what the page shows.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use minster_tests::{Site, copy, files, python, root, soon, text};

use crate::{
    pages::{self, Page},
    run::{Followed, Reader, sections},
};

/// The pages whose commands are run here. All others say of each command why it is not run.
const FOLLOWED: [&str; 15] = [
    "examples/README.md",
    "README.md",
    "docs/analysts.md",
    "docs/auditors.md",
    "docs/custodians.md",
    "docs/engineers.md",
    "docs/matching.md",
    "docs/method.md",
    "docs/promise.md",
    "docs/python.md",
    "docs/r.md",
    "docs/recipes.md",
    "docs/risk.md",
    "docs/sources.md",
    "docs/tutorial.md",
];

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn told(page: &str, followed: &Followed, run: usize, compared: usize) {
    say(&format!("{page}: {} blocks run, {} compared", followed.run, followed.compared));
    followed.left_out.iter().for_each(|left| say(&format!("LEFT OUT: {left}")));
    assert!(followed.run >= run && followed.compared >= compared, "{page} lost its commands");
}

/// An empty folder for a page that makes everything itself.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn follow_whole(reader: &Reader, name: &str, at: &str, run: usize, compared: usize) {
    let page = Page::read(name);
    told(name, &reader.follow(name, at, &page.blocks), run, compared);
}

/// A server's folders are folders of the demo.
fn on_a_server(reader: Reader) -> Reader {
    reader
        .meaning("/etc/minster", "config")
        .meaning("/srv/drop", "council")
        .meaning("/srv/auditor/checkpoints", "auditor")
        .meaning("/srv/auditor/records", "records")
        .meaning("/var/lib/minster-vault", "vault")
        .meaning("--also /var/log/minster", "--also auditor")
        .meaning("--source /usr/src/minster", "")
}

#[test]
fn a_newcomer_and_the_readers_of_a_whole_council_see_what_the_pages_show() {
    let folder = folder();
    let reader = on_a_server(Reader::in_site(folder.path()));
    follow_whole(&reader, "README.md", "", 2, 2);
    let demo = "target/demo";
    follow_whole(&reader, "docs/promise.md", demo, 2, 3);
    follow_whole(&reader, "docs/method.md", demo, 2, 3);
    follow_whole(&reader, "docs/matching.md", demo, 2, 2);
    in_other_languages(&reader, demo);
    follow_whole(&reader, "docs/engineers.md", demo, 6, 5);
    // Some checks of an audit are root's, and another user sees other verdicts.
    if !rustix::process::getuid().is_root() {
        say("LEFT OUT: docs/auditors.md shows an audit by root, and this user is another");
        return;
    }
    let page = Page::read("docs/auditors.md");
    let first: Vec<_> =
        page.blocks.iter().take_while(|block| block.section == "for-auditors").collect();
    let mut followed = reader.follow("docs/auditors.md", "", first.iter().copied());
    followed.add(reader.follow("docs/auditors.md", demo, page.blocks.iter().skip(first.len())));
    told("docs/auditors.md", &followed, 4, 1);
}

/// The pages for Python and R, where these and their packages are installed.
fn in_other_languages(reader: &Reader, at: &str) {
    let python = python();
    if runs(&python, &["-c", "import minster, pandas"]) {
        reader.has_program("python", &python);
        follow_whole(reader, "docs/python.md", at, 3, 3);
    } else {
        let python = python.display();
        say(&format!("LEFT OUT: docs/python.md, since {python} has no minster or no pandas"));
    }
    if runs("Rscript".as_ref(), &["-e", "library(readr); library(jsonlite)"]) {
        follow_whole(reader, "docs/r.md", at, 1, 1);
    } else {
        say("LEFT OUT: docs/r.md, since there is no R with readr and jsonlite");
    }
}

fn runs(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|ran| ran.status.success())
}

#[test]
fn an_analyst_defines_and_lets_out_the_release_of_the_page() {
    let folder = folder();
    let reader = on_a_server(Reader::in_site(folder.path()));
    reader.shell("", "cargo demo >/dev/null");
    // The page's definition stands alone: another release about the same children would be protected together with it.
    fs::remove_file(folder.path().join("target/demo/config/tables/children.toml")).unwrap();
    copy(&root().join("examples"), &folder.path().join("target/demo/examples"));
    // Before anything is let out: beside what stands, other cells may be withheld.
    follow_whole(&reader, "docs/recipes.md", "target/demo", 15, 14);
    follow_whole(&reader, "docs/risk.md", "target/demo", 1, 1);
    follow_whole(&reader, "docs/analysts.md", "target/demo", 12, 12);
}

#[test]
fn a_newcomer_makes_a_first_table() {
    let folder = folder();
    let reader = Reader::in_site(folder.path());
    let page = Page::read("docs/tutorial.md");
    let first = 1;
    let mut followed = reader.follow(&page.name, "", page.blocks.iter().take(first));
    followed.add(reader.follow(&page.name, "target/demo", page.blocks.iter().skip(first)));
    told(&page.name, &followed, 10, 8);
}

#[test]
fn an_engineer_comes_from_an_unknown_file_to_a_definition() {
    let site = Site::new();
    site.make_council(300, 2);
    let reader = Reader::in_site(site.folder());
    let page = Page::read("docs/sources.md");
    let whole = ["a-definition-whole"];
    // The example at the head speaks of a definition that stands further below.
    let mut followed = reader.follow(&page.name, "", sections(&page, &whole, true));
    followed.add(reader.follow(&page.name, "", sections(&page, &whole, false)));
    told(&page.name, &followed, 8, 3);
}

#[test]
fn the_examples_do_what_their_page_shows() {
    let folder = folder();
    let reader = Reader::in_site(folder.path());
    copy(&root().join("examples"), &folder.path().join("examples"));
    follow_whole(&reader, "examples/README.md", "", 7, 7);
}

/// The first number of a pupil in the made-up council.
fn a_number(site: &Site) -> String {
    let rolls = files(&site.folder().join("council/school_census/2025-spring"));
    let (_, roll) =
        rolls.iter().find(|(path, _)| path.to_str().unwrap().ends_with("pupilonroll.csv")).unwrap();
    let roll = String::from_utf8(roll.clone()).unwrap();
    let mut lines = roll.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heads = lines.next().unwrap();
    let place = heads.iter().position(|head| head.eq_ignore_ascii_case("upn")).unwrap();
    lines.map(|cells| cells[place].to_owned()).find(|number| number.len() == 13).unwrap()
}

/// The folder of a delivery with rows set aside for this reason.
fn set_aside(site: &Site, reason: &str) -> PathBuf {
    let store = files(&site.folder().join("store"));
    let found = store.into_iter().find(|(path, text)| {
        path.ends_with("quarantine.jsonl") && String::from_utf8_lossy(text).contains(reason)
    });
    found.unwrap().0.parent().unwrap().to_owned()
}

#[test]
fn custodians_go_through_every_ceremony_of_their_page() {
    let site = Site::new();
    site.make_council(300, 2);
    // The page makes a vault of its own.
    site.stop_vault();
    let here = site.folder().to_owned();
    fs::remove_dir_all(here.join("vault")).unwrap();
    fs::remove_file(here.join("vault.sock")).unwrap();
    fs::create_dir(here.join("stick")).unwrap();
    let number = a_number(&site);
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let mut reader = Reader::in_site(&here)
        .with_chance()
        .meaning("/media/stick", "stick")
        .meaning("/srv/auditor/checkpoints", "auditor")
        .meaning("/run/minster-vault/vault.sock", "vault.sock")
        .meaning("/var/lib/minster-vault", "vault")
        .meaning("--socket S", "--socket vault.sock")
        .meaning("copy/log.jsonl", "vault/log.jsonl")
        .meaning("2026-12-31", &soon())
        .meaning("2026-11-30", &today.to_string())
        .meaning("Z897200123000", &number);
    for name in ["age1ann…", "age1ben…", "age1cat…", "age1dan…"] {
        let path = format!("stick/{}.identity", &name[4..7]);
        let sealed = ["--key-passphrase-file", "phrase", "--out", &path];
        let made = site.run("minster-vault", &[&["custodian", "identity"][..], &sealed].concat());
        assert!(made.status.success(), "{}", text(&made));
        reader = reader.meaning(name, String::from_utf8(made.stdout).unwrap().trim());
    }
    let page = Page::read("docs/custodians.md");
    let follow =
        |anchors: &[&str], wanted| reader.follow(&page.name, "", sections(&page, anchors, wanted));
    let first = "before-the-first-day";
    let mut followed = follow(&[first], true);
    for name in ["ben", "cat", "dan", "rae", "sol"] {
        reader.shell("", &format!("minster-vault custodian new --out stick/{name}"));
    }
    reader.shell("", "cp stick/*.pub .");
    let [made, opened] = ["make-the-vault", "open-it"];
    followed.add(follow(&[made, opened], true));
    let ingested = site.run("minster-ingest", &["run", "--config", "config/pipeline.toml"]);
    assert_eq!(ingested.status.code(), Some(3), "{}", text(&ingested));
    let aside = set_aside(&site, "bad-check-letter");
    for name in ["quarantine.age", "quarantine.jsonl"] {
        fs::copy(aside.join(name), here.join(name)).unwrap();
    }
    fs::write(here.join("number.txt"), &number).unwrap();
    let purposes = fs::read_to_string(here.join("purposes.toml")).unwrap();
    // One purpose is proposed at a time, and a new one by a newer notice.
    let one = purposes.split("[[purpose]]").nth(1).unwrap();
    let new = one.replace("children-statistics", "children-research");
    let new = new.replacen("version = 1", "version = 2", 1);
    fs::write(here.join("new.toml"), format!("[[purpose]]{new}")).unwrap();
    write_as_shown(&page, "numbers.txt", &here.join("told.txt"));
    // The pseudonym of the example at the head is the one that the access request tells.
    let asked = "a-child-or-a-parent-asks-what-is-held";
    followed.add(follow(&[asked], true));
    let pseudonym = followed.printed.split('\t').nth(2).unwrap();
    fs::write(here.join("list.txt"), pseudonym).unwrap();
    followed.add(follow(&[first, made, opened, asked], false));
    told(&page.name, &followed, 20, 6);
}

fn write_as_shown(page: &Page, name: &str, path: &Path) {
    let block = page.blocks.iter().find(|block| block.value("file") == Some(name)).unwrap();
    fs::write(path, &block.text).unwrap();
}

#[test]
fn a_page_that_is_followed_opens_with_a_command_and_its_output() {
    for name in FOLLOWED {
        let page = Page::read(name);
        let opening = page.blocks.iter().take(5).map(|block| block.language());
        let asked = opening.clone().position(|language| language == "sh");
        let told = opening.clone().position(|language| language == "text");
        assert!(
            asked.is_some() && told > asked,
            "{name} opens with {:?}",
            opening.collect::<Vec<_>>()
        );
    }
}

#[test]
fn no_command_of_another_page_is_left_out_in_silence() {
    let mut left_out = 0;
    for page in pages::all() {
        let followed = FOLLOWED.contains(&page.name.as_str());
        for block in page.blocks.iter().filter(|block| matches!(block.language(), "sh" | "text")) {
            let why = block.left_out();
            left_out += usize::from(why.is_some());
            if let (false, Some(why)) = (followed, why) {
                say(&format!("LEFT OUT: {}:{}: {why}", page.name, block.line));
            }
            let place = format!("{}:{}", page.name, block.line);
            let is_seen = followed || block.value("from").is_some() || why.is_some();
            assert!(is_seen, "{place}: neither run nor left out with a reason");
        }
    }
    assert!(left_out <= 20, "{left_out} blocks are left out: make some of them run");
}
