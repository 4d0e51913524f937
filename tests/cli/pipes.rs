//! A reader who has seen enough closes the pipe, as `head -1` does; the program ends as if it had been read to the end.

use std::process::{Command, Stdio};

use minster_tests::{Site, text};

/// Runs a command with a standard output, or error, that nobody reads. Gives its exit and what it says on the other one.
fn unread(mut command: Command, is_error: bool) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    match is_error {
        false => command.stdout(writer).stderr(Stdio::piped()),
        true => command.stderr(writer).stdout(Stdio::piped()),
    };
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), text(&output))
}

#[test]
fn a_closed_pipe_ends_every_program_quietly() {
    let site = Site::new();
    site.make_council(300, 3);
    assert_eq!(site.job().status.code(), Some(3));
    for line in [
        "minster plan",
        "minster ingest plan",
        "minster run",
        "minster runs list",
        "minster schema",
        "minster report quality",
        "minster report linkage --json",
        "minster audit",
        "minster-audit",
        "minster-audit --help",
        "minster --help",
        "minster --version",
        "minster-ingest plan",
        "minster-ingest schema",
        "minster-ingest quarantine list",
        "minster-ingest --help",
        "minster-vault status",
        "minster-vault statement",
        "minster-vault log verify --dir vault",
        "minster-vault --help",
        "minster-synth --pupils 20 --seed 1 --out other --truth other-truth --json",
        "minster-synth --help",
    ] {
        let command = || {
            let mut words = line.split(' ');
            let program = words.next().unwrap();
            let arguments: Vec<&str> = words.collect();
            let mut command = site.command(program, &arguments);
            command.env("MINSTER_SOCKET", "vault.sock");
            command
        };
        let (exit, said) = unread(command(), false);
        for made in ["other", "other-truth"] {
            let _ = std::fs::remove_dir_all(site.folder().join(made));
        }
        let read = command().output().unwrap();
        assert!(!read.stdout.is_empty(), "{line} prints nothing, so nothing is tested");
        assert_eq!(exit, read.status.code(), "{line}: {said}");
        assert_eq!(said, String::from_utf8_lossy(&read.stderr), "{line}");
    }
}

#[test]
fn what_is_done_is_done_though_nobody_reads_of_it() {
    let site = Site::new();
    let new = site.command("minster-vault", &["custodian", "new", "--clear-key", "--out", "ann"]);
    assert_eq!(unread(new, true), (Some(0), String::new()));
    assert!(site.folder().join("ann.pub").exists());
}
