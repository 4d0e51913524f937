//! The table definitions of a pipeline. A faulty file is named with its error, and keeps no other from being drafted.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use minster_aggregator::Definition;
use minster_model::TableName;
use serde::Serialize;

use crate::{
    failure::Failure,
    pipeline::{Loaded, read},
};

/// The definitions, by file name.
pub(crate) struct Definitions {
    pub(crate) whole: Vec<DefinitionFile>,
    pub(crate) faulty: Vec<Faulty>,
}

/// A file that holds a definition.
pub(crate) struct DefinitionFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) definition: Definition,
}

/// A file of which nothing is drafted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Faulty {
    /// The file's name.
    pub(crate) file: String,
    pub(crate) why: String,
    /// Its name without `.toml`, after which its stage is called.
    #[serde(skip)]
    pub(crate) stem: String,
}

impl Definitions {
    /// Reads the folder of definitions.
    pub(crate) fn read(loaded: &Loaded) -> Result<Self, Failure> {
        let folder = &loaded.pipeline.tables;
        let unreadable = |source| Failure::Config { path: folder.clone(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        let shared = loaded.columns()?;
        let (mut whole, mut faulty) = (Vec::new(), Vec::new());
        for path in paths {
            let text = match read(&path) {
                Ok(text) => text,
                Err(why) => {
                    faulty.push(Faulty::new(&path, why.to_string()));
                    continue;
                }
            };
            match Definition::parse_with(&text, &shared) {
                Ok(definition) => whole.push(DefinitionFile { path, text, definition }),
                Err(why) => faulty.push(Faulty::new(&path, why.to_string())),
            }
        }
        Ok(Self { whole, faulty })
    }

    /// The one definition of a release's name. Faulty files are told of, since it may be one of them.
    pub(crate) fn only(self, name: &TableName) -> Result<Self, Failure> {
        let Self { whole, faulty } = self;
        let (whole, others): (Vec<_>, Vec<_>) =
            whole.into_iter().partition(|file| file.definition.name == *name);
        if whole.is_empty() {
            let known: Vec<&str> = others.iter().map(|of| of.definition.name.as_str()).collect();
            let mut why = match known.is_empty() {
                true => "there is none at all".to_owned(),
                false => format!("there are {}", known.join(", ")),
            };
            for of in &faulty {
                let _ = write!(why, "; {}", of.text());
            }
            return Err(Failure::NoDefinition { release: name.clone(), why });
        }
        Ok(Self { whole, faulty })
    }
}

impl Faulty {
    pub(crate) fn new(path: &Path, why: String) -> Self {
        let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (file, stem) = (text(path.file_name()), text(path.file_stem()));
        Self { file, why: why.trim_end().to_owned(), stem }
    }

    /// For people, in one line or, where the error shows the place, more.
    pub(crate) fn text(&self) -> String {
        format!("faulty {}: {}", self.file, self.why)
    }
}
