//! All definitions of a folder, and which of them fits a delivery.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use minster_model::{Period, SourceName};

use crate::{CodeList, CodeLists, Definition, DefinitionError, Numbers, layouts};

/// The file of the forms of numbers: no definition.
const NUMBERS: &str = "numbers.toml";

/// Every version of every definition, and the texts that it was made of.
#[derive(Default)]
pub struct Catalogue {
    entries: Vec<CatalogueEntry>,
    broken: Vec<CatalogueError>,
}

/// One version of one definition.
#[derive(Clone)]
pub struct CatalogueEntry {
    /// The definition's file.
    pub path: PathBuf,
    /// The version, whole.
    pub definition: Definition,
    /// All that the version depends on, to be hashed: the file's text, then that of each shared code
    /// list that it could name, by name, and that of the forms of numbers.
    pub text: Arc<str>,
}

/// Why definitions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {source}", minster_identifiers::shown_path(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A definition or code list is not one.
    #[error("{}: {source}", minster_identifiers::shown_path(path))]
    Definition {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: DefinitionError,
    },
}

impl Catalogue {
    /// Reads `*.toml` of a folder, its code lists `codes/*.toml` and its forms of numbers `numbers.toml`. Files that cannot be
    /// used are set apart.
    ///
    /// # Errors
    /// Where the folder cannot be listed, or the forms of numbers cannot be used: all sources have them.
    pub fn load(folder: &Path) -> Result<Self, CatalogueError> {
        Self::load_all(folder, None)
    }

    /// The same of these sources alone: a run needs few of all that ship, and the others would be most of its start.
    ///
    /// # Errors
    /// As [`Catalogue::load`].
    pub fn load_for(folder: &Path, sources: &[&SourceName]) -> Result<Self, CatalogueError> {
        Self::load_all(folder, Some(sources))
    }

    fn load_all(folder: &Path, sources: Option<&[&SourceName]>) -> Result<Self, CatalogueError> {
        let mut broken = Vec::new();
        let mut definitions: Vec<(PathBuf, String)> = Vec::new();
        for path in files(folder)?.into_iter().filter(|path| !path.ends_with(NUMBERS)) {
            match read(&path) {
                Ok(text) if sources.is_none_or(|sources| may_define(&path, &text, sources)) => {
                    definitions.push((path, text));
                }
                Ok(_) => {}
                Err(error) => broken.push(error),
            }
        }
        let (mut lists, mut texts) = (CodeLists::new(), String::new());
        let codes = folder.join("codes");
        for path in if codes.is_dir() { files(&codes)? } else { Vec::new() } {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let list = read(&path).and_then(|text| {
                let is_named = definitions.iter().any(|(_, definition)| names(definition, &name));
                let list = is_named.then(|| CodeList::parse(&text)).transpose();
                Ok((list.map_err(|source| wrong(&path, source))?, text))
            });
            match list {
                Ok((list, text)) => {
                    // The hashed text is the same, whichever sources a run has.
                    texts.push_str(&text);
                    lists.extend(list.map(|list| (name.into_owned(), Arc::new(list))));
                }
                Err(error) => broken.push(error),
            }
        }
        let path = folder.join(NUMBERS);
        let mut numbers = Arc::<Numbers>::default();
        if path.exists() {
            let text = read(&path)?;
            numbers = Arc::new(Numbers::parse(&text).map_err(|source| wrong(&path, source))?);
            texts.push_str(&text);
        }
        let mut entries: Vec<CatalogueEntry> = Vec::new();
        for (path, text) in definitions {
            let versions = layouts(&text, &lists).and_then(|versions| {
                let known = entries.iter().map(|entry: &CatalogueEntry| &entry.definition);
                let all: Vec<&Definition> = known.chain(&versions).collect();
                layouts::one_version_a_period(&all)?;
                Ok(versions)
            });
            let versions = match versions {
                Ok(versions) => versions,
                Err(source) => {
                    broken.push(wrong(&path, source));
                    continue;
                }
            };
            let text: Arc<str> = (text + &texts).into();
            entries.extend(versions.into_iter().map(|definition| CatalogueEntry {
                path: path.clone(),
                definition: Definition { numbers: Arc::clone(&numbers), ..definition },
                text: Arc::clone(&text),
            }));
        }
        Ok(Self { entries, broken })
    }

    /// Why files cannot be used.
    pub fn broken(&self) -> &[CatalogueError] {
        &self.broken
    }

    /// Why the first of them cannot.
    pub fn take_broken(&mut self) -> Option<CatalogueError> {
        (!self.broken.is_empty()).then(|| self.broken.remove(0))
    }

    /// All versions of all definitions.
    pub fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// Whether any definition has this name.
    pub fn knows(&self, name: &SourceName) -> bool {
        self.entries.iter().any(|entry| entry.definition.name == *name)
    }

    /// The one version of a source that fits a period.
    pub fn find(&self, name: &SourceName, period: &Period) -> Option<&CatalogueEntry> {
        let mut found = self.entries.iter();
        found.find(|entry| entry.definition.name == *name && entry.definition.fits(period))
    }
}

/// Whether a definition's file may be one of these sources': its name says so, or a quoted text in it.
fn may_define(path: &Path, text: &str, sources: &[&SourceName]) -> bool {
    let stem = path.file_stem().unwrap_or_default();
    sources.iter().any(|source| stem == source.as_str() || names(text, source.as_str()))
}

/// Whether a definition's text has a name in quotation marks.
fn names(text: &str, name: &str) -> bool {
    let quoted = |(at, _): (usize, &str)| {
        let around = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        matches!(around, (Some('"'), Some('"')) | (Some('\''), Some('\'')))
    };
    text.match_indices(name).any(quoted)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let unreadable = |source| CatalogueError::Io { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, CatalogueError> {
    fs::read_to_string(path).map_err(|source| CatalogueError::Io { path: path.to_owned(), source })
}

fn wrong(path: &Path, source: DefinitionError) -> CatalogueError {
    CatalogueError::Definition { path: path.to_owned(), source }
}
