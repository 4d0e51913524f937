//! Tests of every program's command line: its help is the one that is kept, and completions and manual pages can be
//! made of it. A program's own tests hand its command line in, so that the program itself links nothing for this.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{Command, builder::StyledStr};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::snapshot_texts;

/// Columns that the kept help has.
const WIDTH: usize = 100;
/// Columns of the narrowest terminal on which no example is wrapped.
const NARROWEST: usize = 80;
/// Where completions and manual pages go; a folder that is dropped, where it is not set.
const FOLDER: &str = "MINSTER_ASSETS";

/// Compares the help of a program and of each of its sub-commands with `tests/cli/help`.
///
/// # Panics
/// Where the help is another, a sub-command has no kept help or no example, or a kept help has no sub-command.
pub fn help(program: Command) {
    let folder = crate::root().join("tests/cli/help").join(program.get_name());
    let mut known = BTreeSet::new();
    for (name, command) in commands(program) {
        let wrapped = command.clone().term_width(WIDTH).render_long_help().to_string();
        assert_is_plain(&name, &command, &wrapped);
        let file = format!("{}.txt", name.replace(' ', "-"));
        snapshot_texts::compare(&folder.join(&file), &wrapped);
        known.insert(file);
    }
    assert_eq!(snapshot_texts::names(&folder), known, "a help is kept of a command that is gone");
}

/// Makes completions for shells and a manual page for each sub-command, in the folder that `MINSTER_ASSETS` names.
///
/// # Panics
/// Where one cannot be made, or a completion lacks a sub-command.
pub fn assets(program: Command) {
    let dropped = tempfile::tempdir().unwrap();
    let folder = std::env::var_os(FOLDER).map_or(dropped.path().to_owned(), PathBuf::from);
    let [manual, completions] = ["man", "completions"].map(|name| folder.join(name));
    for folder in [&manual, &completions] {
        fs::create_dir_all(folder).unwrap();
    }
    let name = program.get_name().to_owned();
    let commands = commands(program.clone());
    for (path, command) in &commands {
        // `minster ingest` runs minster-ingest, whose own page has this name; so does `minster audit`.
        if path != "minster ingest" && path != "minster audit" {
            write_page(&manual, path, command);
        }
    }
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        let file =
            clap_complete::generate_to(shell, &mut program.clone(), &name, &completions).unwrap();
        let script = fs::read_to_string(file).unwrap();
        for command in commands.iter().filter_map(|(path, _)| path.split(' ').next_back()) {
            assert!(script.contains(command), "{shell} cannot complete {command}");
        }
    }
}

fn write_page(folder: &Path, path: &str, command: &Command) {
    let title = path.replace(' ', "-");
    let file = folder.join(format!("{title}.1"));
    let mut page = Vec::new();
    let man = Man::new(command.clone()).title(&title).manual("minster").source("minster");
    man.render(&mut page).unwrap();
    let text = String::from_utf8(page).unwrap();
    for part in [&format!(".TH {title} 1"), ".SH SYNOPSIS", "Example"] {
        assert!(text.contains(part), "the manual page of {path} lacks {part}");
    }
    fs::write(file, text).unwrap();
}

/// A program and all its sub-commands, each with its whole name. Hidden ones are among them.
fn commands(mut program: Command) -> Vec<(String, Command)> {
    program.build();
    let mut found = vec![(program.get_name().to_owned(), program)];
    let mut at = 0;
    while let Some((name, command)) = found.get(at).cloned() {
        let own = command.get_subcommands().filter(|command| command.get_name() != "help");
        found.extend(own.map(|own| (format!("{name} {}", own.get_name()), own.clone())));
        at += 1;
    }
    found
}

/// Each help has an example, which fits a narrow terminal; prose is wrapped once, by the terminal; no sentence begins with a
/// word that hides its subject.
fn assert_is_plain(name: &str, command: &Command, wrapped: &str) {
    let after = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
    assert!(after.starts_with("Example"), "the help of `{name}` has no example");
    let lines: Vec<&str> = after.lines().collect();
    for line in lines.iter().filter(|line| line.starts_with(' ')) {
        assert!(line.chars().count() <= NARROWEST, "`{name}`: a terminal wraps {line}");
    }
    for pair in lines.windows(2) {
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        let by_hand = is_prose(pair[0]) && is_prose(pair[1]);
        assert!(!by_hand, "`{name}`: this is wrapped by hand: {}", pair[0]);
    }
    // A synopsis is not wrapped.
    for line in wrapped.lines().filter(|line| !line.starts_with("Usage: ")) {
        assert!(line.chars().count() <= WIDTH, "`{name}`: too long: {line}");
    }
    let about = [command.get_about(), command.get_long_about()].into_iter().flatten();
    let arguments = command.get_arguments().filter_map(|argument| argument.get_help());
    let texts = about.chain(arguments).map(StyledStr::to_string).chain([after.clone()]);
    for text in texts {
        for sentence in text.split(['.', ';', ':', '\n']).map(str::trim) {
            let first = sentence.split(' ').next().unwrap_or_default();
            let hidden = ["Who", "What", "That", "Of"].contains(&first);
            assert!(!hidden, "`{name}`: a sentence begins with {first}: {sentence}");
        }
    }
}
