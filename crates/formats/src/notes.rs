//! The notes of a workbook, each with its number: on the release, and on the columns whose headings name their note.

use crate::{
    Linkage,
    content::{Dimension, Measure, Release, heading},
};

/// The notes, in order: those on the whole release come first.
pub(crate) struct Notes {
    texts: Vec<String>,
    of_release: usize,
}

impl Notes {
    pub(crate) fn of(release: &Release) -> Self {
        let on_release = release.protection.iter().chain(&release.not_counted).cloned();
        let on_release = on_release.chain(release.linkage.iter().flat_map(Linkage::in_words));
        let on_columns = release.tables.iter().flat_map(|table| {
            let dimensions = table.dimensions.iter().filter_map(on_dimension);
            dimensions.chain(table.measures.iter().map(on_measure))
        });
        let mut texts = Vec::new();
        each_once(on_release, &mut texts);
        let of_release = texts.len();
        each_once(on_columns, &mut texts);
        Self { texts, of_release }
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Each with its mark.
    pub(crate) fn marked(&self) -> impl Iterator<Item = (String, &str)> {
        (1..).map(mark).zip(self.texts.iter().map(String::as_str))
    }

    /// The marks of the notes on the whole release, in words that go behind others; nothing where there are none.
    pub(crate) fn on_release(&self) -> String {
        match self.of_release {
            0 => String::new(),
            1 => format!(": {}", mark(1)),
            last => format!(": {} to {}", mark(1), mark(last)),
        }
    }

    /// The heading of a dimension, with the mark of its note, if it has one.
    pub(crate) fn heading_of_dimension(&self, of: &Dimension) -> String {
        self.heading(&of.name, on_dimension(of))
    }

    /// The heading of a measure, with the mark of its note.
    pub(crate) fn heading_of_measure(&self, of: &Measure) -> String {
        self.heading(&of.name, Some(on_measure(of)))
    }

    fn heading(&self, name: &str, note: Option<String>) -> String {
        let place = note.and_then(|note| self.texts.iter().position(|of| *of == note));
        match place {
            Some(place) => format!("{} {}", heading(name), mark(place + 1)),
            None => heading(name),
        }
    }
}

/// In words, because a raised figure is none to a reader of screens.
fn mark(number: usize) -> String {
    format!("[note {number}]")
}

fn on_dimension(of: &Dimension) -> Option<String> {
    of.in_words().map(|words| format!("{}: {words}", heading(&of.name)))
}

fn on_measure(of: &Measure) -> String {
    format!("{}: {}", heading(&of.name), of.meaning)
}

fn each_once(notes: impl Iterator<Item = String>, texts: &mut Vec<String>) {
    for note in notes {
        if !texts.contains(&note) {
            texts.push(note);
        }
    }
}
