//! `minster init`: writes the example council's configuration, which is complete and commented.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use include_dir::{Dir, DirEntry, include_dir};
use serde::Serialize;

use crate::{failure::Failure, report};

static CONFIGURATION: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../config");

/// The files that were written.
#[derive(Serialize)]
pub(crate) struct Written {
    format: u32,
    folder: PathBuf,
    /// Below the folder.
    files: Vec<PathBuf>,
}

/// Writes the configuration into a new or empty folder; an existing file is never touched.
pub(crate) fn write(folder: &Path) -> Result<Written, Failure> {
    let failed = |source| Failure::Page { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(Failure::NotEmpty { folder: folder.to_owned() });
    }
    let mut files = Vec::new();
    write_entries(CONFIGURATION.entries(), folder, &mut files)?;
    files.sort();
    Ok(Written { format: 1, folder: folder.to_owned(), files })
}

fn write_entries(
    entries: &[DirEntry<'_>],
    folder: &Path,
    files: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    for entry in entries {
        let path = folder.join(entry.path());
        let failed = |source| Failure::Page { path: path.clone(), source };
        match entry {
            DirEntry::Dir(dir) => {
                fs::create_dir(&path).map_err(failed)?;
                write_entries(dir.entries(), folder, files)?;
            }
            DirEntry::File(file) => {
                write_new(&path, file.contents()).map_err(failed)?;
                files.push(file.path().to_owned());
            }
        }
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

impl Written {
    /// For people: where the files are, and what to do with them.
    pub(crate) fn text(&self) -> String {
        let Self { folder, files, .. } = self;
        let folder = folder.display();
        let mut text = format!("{} files of configuration are in {folder}.\n\n", files.len());
        for step in [
            format!("Name the council's folders and its vault's socket in {folder}/pipeline.toml."),
            format!("See whether the files fit: minster plan --config {folder}/pipeline.toml"),
            format!(
                "Make the vault: minster-vault init --dir DIR --purposes {folder}/purposes.toml"
            ),
            "Start it: minster-vault serve --dir DIR --socket SOCKET (for a trial as one user: --single-user)".to_owned(),
            format!("Run the pipeline: minster run --config {folder}/pipeline.toml"),
        ]
        .iter()
        .zip(1..)
        .map(|(step, number)| format!("{number}. {step}"))
        {
            let _ = writeln!(text, "{step}");
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, Failure> {
        report::json(self)
    }
}
