//! Everything that the pages name exists: commands and their options, paths, names of the code, exit codes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use minster_tests::{files, programs, root};
use regex::Regex;

use crate::pages::{self, Page};

/// The pages about the project as it is; the changelog is about what it was.
fn present() -> impl Iterator<Item = Page> {
    pages::all().into_iter().filter(|page| page.name != "CHANGELOG.md")
}

/// The commands and options that a program's help lists, by the words that lead to a command.
#[derive(Default)]
struct Help {
    commands: BTreeMap<String, BTreeSet<String>>,
    options: BTreeMap<String, BTreeSet<String>>,
}

impl Help {
    /// Asks a program, and all its commands.
    fn ask(&mut self, words: &[&str]) {
        let asked =
            Command::new(programs().join(words[0])).args(&words[1..]).arg("--help").output();
        let help = String::from_utf8(asked.unwrap().stdout).unwrap();
        let option = Regex::new(r"(?m)^\s+(?:-\w, )?(--[a-z0-9-]+)").unwrap();
        let options = option.captures_iter(&help).map(|found| found[1].to_owned()).collect();
        self.options.insert(words.join(" "), options);
        let listed = help.split("Commands:\n").nth(1).unwrap_or("");
        let command = Regex::new(r"^  ([a-z][a-z-]*)(?:  |$)").unwrap();
        let mut commands = BTreeSet::new();
        for line in listed.lines().take_while(|line| !line.is_empty()) {
            let Some(found) = command.captures(line) else { continue };
            // Arguments after `ingest` are another program's.
            if &found[1] != "help" {
                commands.insert(found[1].to_owned());
                self.ask(&[words, &[&found[1]]].concat());
            }
        }
        self.commands.insert(words.join(" "), commands);
    }

    /// The mistake in a command of a page.
    fn wrong(&self, command: &str) -> Option<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let mut words = match words.as_slice() {
            ["sudo", "-u", _, rest @ ..] => rest.to_vec(),
            ["cargo", "demo", ..] => [&["xtask"], &words[1..]].concat(),
            ["cargo", "xtask", ..] => words[1..].to_vec(),
            _ => words,
        };
        let program = words.first()?.rsplit('/').next()?;
        words[0] = program;
        if let ["minster", "ingest", _, ..] = words.as_slice() {
            words.remove(0);
            words[0] = "minster-ingest";
        }
        if let ["minster", "audit", ..] = words.as_slice() {
            words.remove(0);
            words[0] = "minster-audit";
        }
        let mut at = words[0].to_owned();
        let mut just_named = self.commands.contains_key(&at);
        if !just_named {
            return None;
        }
        for word in &words[1..] {
            let word = word.trim_matches(['"', '\'']);
            if word.starts_with(['#', '>', '|', '&', ';']) {
                break;
            }
            let option = word.split('=').next().unwrap();
            if option.starts_with("--") && !self.options[&at].contains(option) {
                return Some(format!("`{at}` has no {option}"));
            }
            if self.commands[&at].contains(word) {
                at = format!("{at} {word}");
                just_named = true;
                continue;
            }
            let is_name = word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
            if just_named && is_name && !word.starts_with('-') && !self.commands[&at].is_empty() {
                return Some(format!("`{at}` has no command {word}"));
            }
            just_named = false;
        }
        None
    }
}

fn help() -> Help {
    let mut help = Help::default();
    for program in
        ["minster", "minster-vault", "minster-ingest", "minster-audit", "minster-synth", "xtask"]
    {
        help.ask(&[program]);
    }
    help
}

/// The commands of a block, one a line, without what is behind a pipe.
fn commands(text: &str) -> Vec<String> {
    let quoted = Regex::new(r#""[^"]*"|'[^']*'"#).unwrap();
    let joined = text.replace("\\\n", " ");
    let joined = quoted.replace_all(&joined, "QUOTED");
    let lines = joined.lines().flat_map(|line| line.split(" | ").flat_map(|part| part.split("&&")));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_command_and_option_exists() {
    let help = help();
    // The program of the mutants is no member of the workspace.
    let mutants = fs::read_to_string(root().join("mutants/src/main.rs")).unwrap();
    let field = Regex::new(r"#\[arg\(long[^\n]*\]\n\s+(\w+):").unwrap();
    let fields = field.captures_iter(&mutants).map(|found| format!("--{}", &found[1]));
    let any: BTreeSet<String> = help.options.values().flatten().cloned().chain(fields).collect();
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for page in present() {
        let blocks = page.blocks.iter().filter(|block| block.language() == "sh");
        let in_blocks = blocks.flat_map(|block| {
            commands(&block.text).into_iter().map(|command| (block.line, command))
        });
        let in_text = page.words.iter().map(|(line, word)| (*line, word.replace('\n', " ")));
        for (line, command) in in_blocks.chain(in_text) {
            looked_at += 1;
            let option = command.split([' ', '=']).next().unwrap();
            // Behind `--` stand a test's words, which are cargo's.
            if option.starts_with("--") && option != "--" && !any.contains(option) {
                wrong.push(format!("{}:{line}: no program has {option}", page.name));
            }
            if let Some(why) = help.wrong(&command) {
                wrong.push(format!("{}:{line}: {why}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at > 500, "{looked_at} looked at");
    // A test that finds nothing wrong in what is wrong would be none.
    for wrong in ["minster frobnicate", "minster link --agin", "minster-vault request x --sokket S"]
    {
        assert!(help.wrong(wrong).is_some(), "{wrong}");
    }
}

/// Whether a path of a page, in which `*` stands for any name, is one of the project.
fn exists(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    match path.split_once('*') {
        None => root().join(path).exists(),
        Some((before, after)) => {
            let (folder, begin) = before.rsplit_once('/').unwrap_or(("", before));
            let listed = fs::read_dir(root().join(folder)).into_iter().flatten();
            listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).any(|name| {
                let (here, below) = after.split_once('/').unwrap_or((after, ""));
                let fits = name.strip_prefix(begin).is_some_and(|rest| rest.ends_with(here));
                fits && (below.is_empty() || exists(&format!("{folder}/{name}/{below}")))
            })
        }
    }
}

const FOLDERS: [&str; 12] = [
    "config",
    "crates",
    "docs",
    "tests",
    "packaging",
    "benches",
    "fuzz",
    "mutants",
    "python",
    "book",
    "examples",
    ".ci",
];

#[test]
fn every_path_exists() {
    let path = Regex::new(r"^[\w.*-]+(/[\w.*-]+)*/?$").unwrap();
    let file = Regex::new(r"^[\w*-]+\.(rs|css|toml)$").unwrap();
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for page in present() {
        // A page may write files of its own into a council's configuration.
        let written = |word: &str| {
            page.blocks.iter().any(|block| {
                block.value("file") == Some(word) || block.text.contains(&format!("> {word}"))
            })
        };
        // On this page, a path begins below `crates`, and a file stands beside the one before it.
        let is_map = page.name == "ARCHITECTURE.md";
        let mut before = (0, String::new());
        for (line, word) in page.words.iter().filter(|(_, word)| path.is_match(word)) {
            let first = word.split('/').next().unwrap();
            let whole = if word.contains('/') && FOLDERS.contains(&first) {
                word.clone()
            } else if is_map && word.contains('/') && root().join("crates").join(first).is_dir() {
                format!("crates/{word}")
            } else if is_map && before.0 == *line && file.is_match(word) {
                let (folder, _) = before.1.rsplit_once('/').unwrap();
                format!("{folder}/{word}")
            } else {
                continue;
            };
            looked_at += 1;
            if !exists(&whole) && !written(&whole) {
                wrong.push(format!("{}:{line}: there is no {whole}", page.name));
            }
            before = (*line, whole);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at > 150, "{looked_at} looked at");
    assert!(exists("config/sources/*.toml") && exists("crates/*/src/lib.rs"));
    assert!(!exists("config/sources/*.tml") && !exists("crates/*/src/lib.r"));
}

/// The text of every source file, but of these tests.
fn sources(endings: &[&str]) -> String {
    let folders = ["crates", "tests", "benches", "config", "mutants/src", "fuzz/fuzz_targets"];
    let found = folders.iter().flat_map(|folder| files(&root().join(folder)));
    let own = root().join("tests/docs");
    let wanted = found.filter(|(path, _)| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| endings.contains(&ending)) && !path.starts_with(&own)
    });
    wanted.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned() + "\n").collect()
}

#[test]
fn every_name_of_the_code_exists() {
    let sources = sources(&["rs", "toml", "py", "txt"]);
    let word = Regex::new(r"\w+").unwrap();
    let known: BTreeSet<&str> = word.find_iter(&sources).map(|found| found.as_str()).collect();
    let name = Regex::new(r"^[A-Za-z_]\w+(::\w+)*$").unwrap();
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for page in ["ARCHITECTURE.md", "docs/proofs.md", "docs/mutants.md", "docs/method.md"] {
        for (line, word) in Page::read(page).words.iter().filter(|(_, word)| name.is_match(word)) {
            looked_at += 1;
            if let Some(gone) = word.split("::").find(|part| !known.contains(part)) {
                wrong.push(format!("{page}:{line}: no source has {gone}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at > 140, "{looked_at} looked at");
}

/// The rows of the table whose first heading this is.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let tables = Page::read(page).tables;
    let mut table = tables.into_iter().find(|table| table[0][0] == heading).unwrap();
    table.remove(0);
    table
}

#[test]
fn the_exit_codes_are_those_of_the_programs() {
    let source = fs::read_to_string(root().join("crates/model/src/exit.rs")).unwrap();
    let code = Regex::new(r"(?m)^pub const \w+: u8 = (\d+);").unwrap();
    let told: Vec<String> = code.captures_iter(&source).map(|found| found[1].to_owned()).collect();
    let listed: Vec<String> =
        table("docs/engineers.md", "exit").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told, listed);
    assert!(told.len() > 10);
}

#[test]
fn the_table_of_switches_lists_each_one_of_the_source_and_no_other() {
    let read = [
        r"\b(MINSTER_[A-Z_]*[A-Z])\b",
        r#"\benv::var(?:_os)?\(\s*"([A-Z_]+)""#,
        r#"\benv\s*=\s*"([A-Z_]+)""#,
        r"\$\{([A-Z_]+):-",
        r#"\bos\.environ(?:\.get\(|\[)\s*"([A-Z_]+)""#,
    ]
    .map(|pattern| Regex::new(pattern).unwrap());
    let mut text = sources(&["rs", "py", "sh", "toml"]);
    for (_, bytes) in files(&root().join("packaging")) {
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    for path in [".ci/run", ".cargo/config.toml"] {
        text.push_str(&fs::read_to_string(root().join(path)).unwrap());
    }
    // A variable that a build script tells the compiler is no switch.
    let told = Regex::new(r"rustc-env=(\w+)").unwrap();
    let told: BTreeSet<&str> =
        told.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
    let found = read.iter().flat_map(|pattern| pattern.captures_iter(&text));
    let mut found: BTreeSet<String> = found
        .map(|found| found[1].to_owned())
        .filter(|name| !told.contains(name.as_str()))
        // Cargo tells a build script of its package.
        .filter(|name| !name.starts_with("CARGO_PKG_") && name != "CARGO_MANIFEST_DIR")
        .collect();
    // Read by libraries of tests, which no source shows.
    let of_libraries = [
        ("tests/snapshot_texts.rs", "snapbox::", "SNAPSHOTS"),
        ("tests/ui/main.rs", "trybuild::", "TRYBUILD"),
    ];
    for (file, library, switch) in of_libraries {
        if fs::read_to_string(root().join(file)).unwrap().contains(library) {
            found.insert(switch.to_owned());
        }
    }
    let listed = table("CONTRIBUTING.md", "switch").into_iter();
    let listed: Vec<String> =
        listed.flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    let different: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(different.len(), listed.len(), "a switch stands twice");
    assert_eq!(found, different, "left: the source reads; right: CONTRIBUTING.md lists");
    assert!(found.len() > 15);
}

#[test]
fn the_drawn_floors_are_those_of_the_arrows() {
    let page = Page::read("ARCHITECTURE.md");
    let drawing = page.blocks.iter().find(|block| block.language() == "mermaid").unwrap();
    let (mut floors, mut floor, mut drawn) = (BTreeMap::new(), 0, BTreeSet::new());
    for line in drawing.text.lines().map(str::trim) {
        if let Some((from, to)) = line.split_once(" --> ") {
            drawn.insert((from.to_owned(), to.to_owned()));
        } else if line.starts_with("subgraph ") {
            floor += 1;
        } else if line != "end" {
            floors.insert(line.to_owned(), floor);
        }
    }
    let golden = fs::read_to_string(root().join("tests/separation/arrows.txt")).unwrap();
    // The program `minster` is the crate `cli`.
    let short = |name: &str| match name {
        "minster" => "cli".to_owned(),
        name => name.trim_start_matches("minster-").to_owned(),
    };
    let mut told = BTreeSet::new();
    for line in golden.lines() {
        let (from, to) = line.split_once(" ->").unwrap();
        // Tests stand in no program.
        if from.ends_with("-tests") {
            continue;
        }
        told.extend(to.split_whitespace().map(|to| (short(from), short(to))));
    }
    assert_eq!(drawn, told);
    for (from, to) in &drawn {
        assert!(floors[from] < floors[to], "{from} links {to}, which stands no floor below it");
    }
}
