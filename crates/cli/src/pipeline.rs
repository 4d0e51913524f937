use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use minster_aggregator::Definition;
use minster_model::{RunId, pipeline::Pipeline};
use minster_store::{Store, name_by_clock};

use crate::failure::Failure;

/// A pipeline whose paths are resolved.
pub(crate) struct Loaded {
    pub(crate) pipeline: Pipeline,
    pub(crate) run: RunId,
}

impl Loaded {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let pipeline: Pipeline = toml::from_str(&read(path)?).map_err(|error| {
            Failure::Pipeline { path: path.to_owned(), source: Box::new(error) }
        })?;
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let pipeline = pipeline.resolve(whole.parent().unwrap_or(Path::new(".")));
        let run = name_by_clock(jiff::Timestamp::now()).map_err(|_| Failure::Name)?;
        Ok(Self { pipeline, run })
    }

    pub(crate) fn store(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.pipeline.store)?.keeping(self.pipeline.retention))
    }

    /// The table definitions, by file name.
    pub(crate) fn tables(&self) -> Result<Vec<(PathBuf, String)>, Failure> {
        let folder = &self.pipeline.tables;
        let unreadable = |source| Failure::Config { path: folder.clone(), source };
        let mut tables = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = read(&path)?;
                tables.push((path, text));
            }
        }
        tables.sort();
        Ok(tables)
    }

    /// What would be linked and released, for people.
    pub(crate) fn describe(&self) -> Result<String, Failure> {
        let mut text = format!(
            "\nlinked into {} {} by {}\n",
            self.pipeline.purpose,
            self.pipeline.period,
            self.pipeline.matching.display()
        );
        for (path, definition) in self.tables()? {
            let definition = Definition::parse(&definition).map_err(|source| {
                Failure::Aggregate { path: path.clone(), source: Box::new(source) }
            })?;
            let tables: Vec<&str> =
                definition.tables.iter().map(|table| table.name.as_str()).collect();
            let _ = writeln!(
                text,
                "drafted: {}, threshold {}: {}",
                definition.name,
                definition.policy().threshold,
                tables.join(", ")
            );
        }
        Ok(text)
    }
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|source| Failure::Config { path: path.to_owned(), source })
}
