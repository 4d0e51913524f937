//! A report in the form that is asked for: text, JSON, or one page of HTML.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use crate::failure::Failure;

/// The page loads nothing, whatever a name in it says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A text that someone else wrote, for a terminal, which it cannot move: nor can it turn the order of letters round.
pub(crate) fn plain(text: &str) -> String {
    let moves = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|letter| if moves(letter) { '?' } else { letter }).collect()
}

/// The form.
#[derive(Args)]
pub(crate) struct Form {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for a browser or a printer instead. The page needs no other file.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

impl Form {
    /// The text that is to be printed of a report; a page is written, and nothing is printed.
    pub(crate) fn of<R: Serialize>(
        &self,
        report: &R,
        page: impl Fn(&R) -> Markup,
        text: impl Fn(&R) -> String,
    ) -> Result<String, Failure> {
        if let Some(path) = &self.html {
            write(path, &page(report).into_string())
                .map_err(|source| Failure::Page { path: path.clone(), source })?;
            let _ = writeln!(io::stderr(), "written: {}", path.display());
            return Ok(String::new());
        }
        match self.json {
            true => json(report),
            false => Ok(text(report)),
        }
    }
}

/// One object in one line, as every `--json` prints it.
pub(crate) fn json(object: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(object).map(|text| text + "\n").map_err(Failure::Summary)
}

/// The page stays inside the council: until its owner hands it on, nobody else reads it.
fn write(path: &Path, page: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(page.as_bytes())
}

/// A page with its title, its styles, and what stands below the title.
pub(crate) fn frame(title: &str, styles: &[&str], body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { @for style in styles { (PreEscaped(style)) } }
            }
            body { main { h1 { (title) } (body) } }
        }
    }
}
/// The day of an instant, as people here count days.
pub(crate) fn day(at: Timestamp) -> String {
    const DAY: &str = "%-d %B %Y";
    let local = at.in_tz("Europe/London").map(|local| local.strftime(DAY).to_string());
    local.unwrap_or_else(|_| at.strftime(DAY).to_string())
}
