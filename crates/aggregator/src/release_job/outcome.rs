//! The outcome of a definition or a release, for people and for programs.

use std::{fmt::Write as _, path::PathBuf};

use minster_model::{Period, TableName};
use minster_store::Release;
use serde::Serialize;

use crate::release_job::made::Made;

/// A report of what became of a definition or a release.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseReport {
    /// The release.
    pub name: TableName,
    /// Its period.
    pub period: Period,
    /// The outcome of it.
    pub outcome: Outcome,
    /// Its folder, where readers see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// SHA-256 of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its tables.
    pub tables: Vec<TableReport>,
    /// The revision that would be released instead of what stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Whether others were let out since its draft was made, so that it withholds other cells than the draft.
    pub differs_from_draft: bool,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableReport {
    /// The table.
    pub name: TableName,
    /// Its cells, margins included.
    pub cells: usize,
    /// The withheld ones among them.
    pub withheld: usize,
    /// How many of its counts and sums are others now, where a release stands though the data have changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<usize>,
}

/// The outcome of a definition or a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A draft, which a person may let out. Nothing is public.
    Draft,
    /// It was let out.
    Released,
    /// It was let out before, and the data still say the same.
    Same,
    /// It was let out before; the data have changed since, and it was kept.
    Kept,
    /// It was let out before, and its folder is not there.
    Lost,
    /// So many further persons must let it out too.
    Waiting(u32),
    /// It was withdrawn.
    Withdrawn,
}

/// The release that would replace one that stands though the data have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revision {
    /// There is a draft of it.
    Draft(Vec<TableReport>),
    /// Disclosure control refuses it, for this reason.
    Refused(String),
}

impl TableReport {
    pub(crate) fn all<'a>(sizes: impl Iterator<Item = (&'a TableName, usize, usize)>) -> Vec<Self> {
        sizes
            .map(|(name, cells, withheld)| Self {
                name: name.clone(),
                cells,
                withheld,
                changed: None,
            })
            .collect()
    }

    fn text(&self, text: &mut String) {
        let Self { name, cells, withheld, changed } = self;
        let _ = write!(text, "  {:<28} {cells:>6} cells, {withheld} withheld", name.as_str());
        let _ = match changed {
            None => writeln!(text),
            Some(0) => writeln!(text, "; its counts and sums are equal now"),
            Some(changed) => writeln!(text, "; {changed} numbers are others now"),
        };
    }
}

impl ReleaseReport {
    pub(crate) fn new(name: &TableName, period: &Period, outcome: Outcome) -> Self {
        Self {
            name: name.clone(),
            period: period.clone(),
            outcome,
            folder: None,
            sha256: None,
            tables: Vec::new(),
            revision: None,
            differs_from_draft: false,
        }
    }

    pub(crate) fn of(mut self, made: &Made) -> Self {
        self.tables = TableReport::all(made.sizes());
        self.sha256 = Some(made.sha256.clone());
        self
    }

    pub(crate) fn seen(mut self, release: Option<Release>) -> Self {
        if let Some(Release { folder, sha256 }) = release {
            self.folder = Some(folder.canonicalize().unwrap_or(folder));
            self.sha256 = Some(sha256);
        }
        self
    }

    /// Whether there is a draft that a person may let out.
    pub fn has_draft(&self) -> bool {
        matches!(self.outcome, Outcome::Draft | Outcome::Lost)
            || matches!(self.revision, Some(Revision::Draft(_)))
    }

    /// For people.
    pub fn text(&self) -> String {
        let Self { name, period, outcome, .. } = self;
        let folder = self.folder.as_ref().map(|folder| format!(" in {}", folder.display()));
        let folder = folder.unwrap_or_default();
        let mut text = match outcome {
            Outcome::Draft => format!("draft {name} of {period}: nothing of it is public\n"),
            Outcome::Released => format!("release {name} of {period} let out{folder}\n"),
            Outcome::Same => format!("release {name} of {period} unchanged{folder}\n"),
            Outcome::Kept => format!(
                "release {name} of {period} kept{folder}\n  It stands as it was published, though the data have changed since.\n"
            ),
            Outcome::Lost => format!(
                "release {name} of {period} was let out, but its folder is not there: let it out again\n"
            ),
            Outcome::Waiting(missing) => format!(
                "release {name} of {period} waits: nothing of it is public until so many further users run the same command: {missing}\n"
            ),
            Outcome::Withdrawn => format!(
                "release {name} of {period} withdrawn: WITHDRAWN.txt says so in its place, and none is current\n  What was published counts as known for ever.\n"
            ),
        };
        self.tables.iter().for_each(|table| table.text(&mut text));
        if self.differs_from_draft {
            text += "  Others were let out since the draft was made; it was checked again, and withholds other cells than the draft.\n";
        }
        match &self.revision {
            None => {}
            Some(Revision::Draft(tables)) => {
                let _ = writeln!(
                    text,
                    "  A revised release is drafted. Before it is let out, what stands is withdrawn:\n  `minster withdraw {name} --reason \"…\"`"
                );
                tables.iter().for_each(|table| table.text(&mut text));
            }
            Some(Revision::Refused(why)) => {
                let _ = writeln!(text, "  A revised release is refused: {why}");
            }
        }
        text
    }
}
