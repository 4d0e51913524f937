//! The messages of a run on stderr while it goes on: words and a bar for people, or JSON lines.

use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use minster_identifiers::shown_path;
use minster_model::RunId;
use minster_pseudonymiser::{Event, IngestError};
use minster_store::{Progress, SourceRecord};
use serde_json::{Value, json};

/// How it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A bar on a terminal, and what someone must know.
    Text,
    /// Every event, one JSON object a line.
    Json,
}

/// Where events go.
pub(crate) struct Log {
    format: Format,
    run: OnceLock<RunId>,
    bar: OnceLock<ProgressBar>,
}

impl Log {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, run: OnceLock::new(), bar: OnceLock::new() }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        match event {
            Event::Begun(run) => {
                let _ = self.run.set((*run).clone());
                self.line("info", "run-begun", json!({}));
            }
            Event::Waiting(path) => {
                self.say(&format!("waiting: {} is still being written", shown_path(path)));
                self.line("info", "waiting", json!({"file": shown_path(path)}));
            }
            Event::Planned(bytes) => {
                if self.format == Format::Text && io::stderr().is_terminal() {
                    let _ = self.bar.set(bar(*bytes));
                }
                self.line("info", "planned", json!({"bytes": bytes}));
            }
            Event::Read(bytes) => {
                if let Some(bar) = self.bar.get() {
                    bar.inc(*bytes);
                }
            }
            Event::SourceBegun(source) => self.line("info", "source-begun", named(source)),
            Event::SourceEnded(source) => {
                if let (Progress::LeftOut, Some(why)) = (source.progress, &source.why) {
                    self.say(&format!("left out: {} {}: {why}", source.name, source.period));
                }
                for warning in &source.warnings {
                    self.say(&format!("warning: {} {}: {warning}", source.name, source.period));
                }
                let is_well = source.progress != Progress::LeftOut && source.warnings.is_empty();
                let level = if is_well { "info" } else { "warning" };
                self.line(level, "source-ended", json!(source));
            }
            Event::Broken(why) => {
                self.say(&format!("warning: a definition cannot be used: {why}"));
                self.line("warning", "broken-definition", json!({"message": why}));
            }
            Event::Trouble(why) => {
                self.say(&format!("warning: a monitor's file is not written: {why}"));
                self.line("warning", "trouble", json!({"message": why}));
            }
            Event::Note(note) => {
                self.say(&format!("note: {note}"));
                self.line("warning", "note", json!({"message": note}));
            }
        }
    }

    pub(crate) fn ended(&self, exit: u8) {
        self.line("info", "run-ended", json!({"exit": exit}));
    }

    pub(crate) fn failed(&self, error: &IngestError) {
        self.say(&format!("error: {error}"));
        let told = json!({"exit": error.exit_code(), "message": error.to_string()});
        self.line("error", "run-failed", told);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn say(&self, text: &str) {
        let write = || drop(writeln!(io::stderr(), "{text}"));
        match (self.format, self.bar.get()) {
            (Format::Json, _) => {}
            (Format::Text, Some(bar)) => bar.suspend(write),
            (Format::Text, None) => write(),
        }
    }

    fn line(&self, level: &str, event: &str, mut object: Value) {
        if self.format == Format::Text {
            return;
        }
        object["time"] = json!(Timestamp::now());
        object["level"] = json!(level);
        object["event"] = json!(event);
        object["run"] = json!(self.run.get());
        let _ = writeln!(io::stderr(), "{object}");
    }
}

fn named(source: &SourceRecord) -> Value {
    json!({
        "name": source.name,
        "period": source.period,
        "files": source.files,
        "bytes": source.bytes,
    })
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("ingest {bar:30} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar
}
