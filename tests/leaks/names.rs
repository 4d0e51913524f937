//! Names of files, sheets, columns and elements reach messages, records and logs: none may show an identifier, and none may
//! steer a terminal.

use std::{collections::BTreeSet, fs};

use minster_tests::{
    deliveries::{
        Cell, Child, Council, EARLY_HELP, Epoch, LIST_2, cin, cin_child, cin_identifiers,
        cin_referral, early_help_row, episodes_903, files_but, header_903, header_903_row,
        nhs_number, upn, workbook, zipped,
    },
    files, text,
};

use crate::holds;

/// A name, and the identifier that it holds, if any.
struct Name {
    name: String,
    identifier: Option<String>,
}

/// Put around an identifier: words, colours and titles of a terminal, marks that turn the direction of text.
const AROUND: [(&str, &str); 4] = [
    ("plan_", "_v2"),
    ("\u{1b}[31m", "\u{1b}[0m"),
    ("\u{1b}]0;", "\u{7}\u{9b}2J"),
    ("\u{2067}x \u{202e}", "\u{202c} \u{200f}\u{61c}"),
];

/// Nothing in them but what steers: a line end would begin a line of its own.
const STEERING: [&str; 4] =
    ["week\u{1b}[2J\u{1b}[1;1H", "week\u{202e}vsc", "week\u{2066}\u{200e}", "week\nerror: FORGED"];
const FORGED: &str = "error: FORGED";

fn names() -> Vec<Name> {
    let [words, colours, title, turned] = AROUND;
    let held = [
        (upn(9_101), &[words, colours, title, turned][..]),
        (nhs_number(41), &[colours, turned]),
        ("jo.k@family.example".to_owned(), &[title, turned]),
    ];
    let around = |(identifier, around): &(String, &[(&str, &str)])| -> Vec<Name> {
        let name = |(before, behind): &(&str, &str)| Name {
            name: format!("{before}{identifier}{behind}"),
            identifier: Some(identifier.clone()),
        };
        around.iter().map(name).collect()
    };
    let steering = STEERING.iter().map(|name| Name { name: (*name).to_owned(), identifier: None });
    held.iter().flat_map(around).chain(steering).collect()
}

/// Whether a character moves a cursor or turns the direction of text.
fn steers(c: char) -> bool {
    let turns = matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\n'
}

/// Whether a line steers, or was begun by a name.
fn steered(line: &str) -> bool {
    line.chars().any(steers) || line == FORGED
}

/// Files that people and other programs read: they show no character that steers.
const READ: [&str; 4] = ["store/runs/", "lineage.jsonl", "minster.prom", "vault/log.jsonl"];

/// Every name, in a place that a closure delivers to: the source stops or passes, and shows nothing.
fn nothing_is_shown(source: &str, deliver: impl Fn(&Council, &str)) {
    let council = Council::new(&[source]);
    let stop = council.site.path("pipeline.toml");
    let other = fs::read_to_string(&stop).unwrap();
    let other = other.replacen("on_failure = \"stop\"", "on_failure = \"go-on\"", 1);
    let go_on = council.site.path("other.toml");
    fs::write(&go_on, other).unwrap();
    let definitions = council.site.path("config/sources");
    // All are told at once.
    let (mut found, mut looked_at) = (BTreeSet::new(), BTreeSet::<&str>::new());
    for Name { name, identifier } in names() {
        council.take_back(source);
        deliver(&council, &name);
        let mut shown: Vec<(String, String)> = Vec::new();
        let mut run = |program: &str, arguments: &[&str]| {
            let ran = council.site.run(program, arguments);
            assert!(matches!(ran.status.code(), Some(0 | 2 | 3)), "{name:?}: {}", text(&ran));
            shown.push((format!("{program} {}", arguments[..2].join(" ")), text(&ran)));
        };
        run("minster", &["run", "--config", &stop]);
        run("minster-ingest", &["run", "--json", "--log", "json", "--config", &go_on]);
        run("minster-ingest", &["quarantine", "list", "--config", &stop]);
        let mut check = vec!["sources".to_owned(), "check".into(), "--definitions".into()];
        check.push(definitions.clone());
        let delivered = files(&council.path("drop"));
        check.extend(delivered.iter().map(|(path, _)| path.to_str().unwrap().to_owned()));
        run("minster-ingest", &check.iter().map(String::as_str).collect::<Vec<_>>());
        run("minster-ingest", &["sources", "new", check.last().unwrap()]);

        let mut files = files_but(council.site.folder(), &["drop", "config"]);
        files.retain(|(path, bytes)| {
            let what = path.strip_prefix(council.site.folder()).unwrap().display().to_string();
            let read = READ.iter().find(|read| what.starts_with(**read));
            if read.is_some() {
                shown.push((what, String::from_utf8(bytes.clone()).unwrap()));
            }
            looked_at.extend(read);
            read.is_none()
        });
        let identifies =
            |bytes: &[u8]| identifier.as_ref().is_some_and(|text| holds(bytes, text).is_some());
        let holding = files.iter().filter(|(_, bytes)| identifies(bytes));
        found.extend(holding.map(|(path, _)| format!("{name:?} in {}", path.display())));
        for (what, shown) in &shown {
            let tells = |line: &&str| identifies(line.as_bytes()) || steered(line);
            found.extend(shown.split('\n').filter(tells).map(|line| format!("{what}: {line:?}")));
        }
    }
    assert_eq!(looked_at.len(), READ.len(), "{looked_at:?}");
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Early help's file below these headings; one cell becomes blank and one row is set aside, so that both are told of.
fn plans(headings: &str) -> String {
    let more = headings.matches(',').count() - EARLY_HELP.matches(',').count();
    let row = |place: u32| {
        let row = early_help_row(&format!("{}", 7000 + place), &Child::at(place), "14/10/2024");
        match place {
            3 => row.replace("14/10/2024", "in autumn"),
            5 => row.replace("/20", "/00/20"),
            _ => row,
        }
    };
    let rows: String = (1..=9).map(|place| row(place) + &",x".repeat(more) + "\r\n").collect();
    format!("{headings}\r\n{rows}")
}

#[test]
fn a_new_column_shows_nothing() {
    nothing_is_shown("early_help", |council, name| {
        let headings = format!("{EARLY_HELP},{}", quoted(name));
        council.deliver("early_help", "early_help.csv", plans(&headings));
    });
}

#[test]
fn a_column_in_the_place_of_another_shows_nothing() {
    nothing_is_shown("early_help", |council, name| {
        let headings = EARLY_HELP.replacen("postcode", &quoted(name), 1);
        council.deliver("early_help", "early_help.csv", plans(&headings));
    });
}

fn children(more: &str) -> String {
    let child = |place: u32| {
        let born = match place {
            4 => Child { born: "2012-00-01".to_owned(), ..Child::at(place) },
            _ => Child::at(place),
        };
        let identifiers = cin_identifiers(&format!("LC{place:04}"), &born) + more;
        cin_child(&identifiers, "WIRI", &cin_referral(""))
    };
    cin(&(1..=6).map(child).collect::<Vec<_>>())
}

#[test]
fn an_element_shows_nothing() {
    nothing_is_shown("cin", |council, name| {
        council.deliver("cin", "cin.xml", children(&format!("<N{name}>x</N{name}>")));
    });
}

#[test]
fn the_name_of_an_xml_file_shows_nothing() {
    nothing_is_shown("cin", |council, name| {
        council.deliver("cin", &format!("{name}.xml"), children(""));
    });
}

fn list_2() -> Vec<Vec<Cell>> {
    let row = |place: i8| {
        let born = match place {
            4 => Cell::from("in spring"),
            _ => jiff::civil::date(2013, place, 9).into(),
        };
        let number = format!("N{place:03}").into();
        vec![number, "b) Female".into(), "c) MWBC".into(), born, Cell::Number(11), "autumn".into()]
    };
    std::iter::once(LIST_2.map(Cell::from).to_vec()).chain((1..=9).map(row)).collect()
}

#[test]
fn a_sheet_shows_nothing() {
    nothing_is_shown("annex_a", |council, name| {
        // One that is passed over, and one that is read.
        let guidance = vec![vec![Cell::from("Read this")]];
        let sheets = [(name, guidance), (&*format!("List 2 {name}"), list_2())];
        council.deliver("annex_a", "annex_a.xlsx", workbook(Epoch::Of1900, &sheets));
    });
}

#[test]
fn a_heading_of_a_sheet_shows_nothing() {
    nothing_is_shown("annex_a", |council, name| {
        let mut rows = list_2();
        rows[0].push(Cell::from(name));
        let sheets = [("List 2", rows)];
        council.deliver("annex_a", "annex_a.xlsx", workbook(Epoch::Of1900, &sheets));
    });
}

/// The looked-after return; one row is set aside.
fn header() -> String {
    let row = |place: u32| {
        let row = header_903_row(&format!("N{place:03}"), &Child::at(place));
        if place == 4 { row.replace("/20", "/00/20") } else { row }
    };
    header_903(&(1..=9).map(row).collect::<Vec<_>>())
}

fn episodes() -> String {
    let episodes = episodes_903(&(1..=9).map(|place| format!("N{place:03}")).collect::<Vec<_>>());
    episodes.replacen("19/02/2025", "in spring", 1)
}

#[test]
fn the_name_of_a_file_that_is_listed_shows_nothing() {
    nothing_is_shown("ssda903", |council, name| {
        council.deliver("ssda903", &format!("{name}_header.csv"), header());
        council.deliver("ssda903", &format!("{name}_episodes.csv"), episodes());
    });
}

#[test]
fn the_name_of_a_file_that_is_not_listed_shows_nothing() {
    nothing_is_shown("early_help", |council, name| {
        council.deliver("early_help", "early_help.csv", plans(EARLY_HELP));
        council.deliver("early_help", name, plans(EARLY_HELP));
    });
}

#[test]
fn the_name_of_a_zip_shows_nothing() {
    nothing_is_shown("ssda903", |council, name| {
        let (header, episodes) = (header(), episodes());
        let members = [("header.csv", header.as_bytes()), ("episodes.csv", episodes.as_bytes())];
        council.deliver("ssda903", &format!("{name}.zip"), zipped(&members));
    });
}

#[test]
fn a_member_of_a_zip_shows_nothing() {
    nothing_is_shown("ssda903", |council, name| {
        let (header, episodes) = (header(), episodes());
        let member = format!("{name}_episodes.csv");
        let members = [("header.csv", header.as_bytes()), (&member, episodes.as_bytes())];
        council.deliver("ssda903", "return.zip", zipped(&members));
    });
}

#[test]
fn a_folder_of_a_zip_shows_nothing() {
    nothing_is_shown("ssda903", |council, name| {
        let (header, episodes) = (header(), episodes());
        let member = format!("{name}/episodes.csv");
        let members = [("header.csv", header.as_bytes()), (&member, episodes.as_bytes())];
        council.deliver("ssda903", "return.zip", zipped(&members));
    });
}

/// A file is waited for before its name is compared with anything.
#[test]
fn the_name_of_a_file_that_is_still_being_written_shows_nothing() {
    let sources = ["early_help", "cin", "ssda903"];
    let council = Council::new(&sources);
    let written = fs::read_to_string(council.path("pipeline.toml")).unwrap();
    let held = [upn(9_101), nhs_number(41), "jo.k@family.example".to_owned()];
    for (wait, log) in [(20, "text"), (20, "json"), (0, "text")] {
        let waiting = format!("quiet_seconds = 1\nwait_seconds = {wait}");
        let waiting = written.replacen("quiet_seconds = 0", &waiting, 1);
        let waiting = waiting.replacen("on_failure = \"stop\"", "on_failure = \"go-on\"", 1);
        fs::write(council.path("pipeline.toml"), waiting).unwrap();
        for ((source, held), (before, behind)) in sources.iter().zip(&held).zip(&AROUND[1..]) {
            council.take_back(source);
            council.deliver(source, &format!("{before}{held}{behind}"), "x");
        }
        let ran = council.program("minster-ingest", &["run", "--log", log]);
        assert!(ran.text.contains("still being written") || log == "json", "{}", ran.text);
        for text in &held {
            assert_eq!(holds(ran.text.as_bytes(), text), None, "{:?}", ran.text);
        }
        assert!(!ran.text.lines().any(steered), "{:?}", ran.text);
    }
}
