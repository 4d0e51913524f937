//! The boundary files that a definition's maps are drawn from.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

use minster_formats::{Boundaries, MOST_BOUNDARY_BYTES};
use minster_model::{ColumnName, pipeline::BoundaryFile};

use crate::{
    definition::{
        location::{did_you_mean, location},
        release_definition::Definition,
    },
    error::AggregateError,
};

/// The areas of each dimension that names a boundary file; of none where the release has no page.
///
/// # Errors
/// [`AggregateError::Rule`] where the pipeline has no such file; [`AggregateError::Boundaries`] where it cannot be used.
pub(crate) fn of(
    definition: &Definition,
    files: &BTreeMap<String, BoundaryFile>,
) -> Result<BTreeMap<ColumnName, Boundaries>, AggregateError> {
    let mut boundaries = BTreeMap::new();
    for (number, dimension) in definition.dimensions.iter().enumerate() {
        let Some(name) = &dimension.boundaries else { continue };
        let file = files.get(name).ok_or_else(|| {
            let suggestion = did_you_mean(name, files.keys().map(String::as_str));
            let what = format!("there is no file {name} under [boundaries]; {suggestion}");
            definition.rule(location!["dimension", number, "boundaries"], what)
        })?;
        if definition.formats().page {
            boundaries.insert(dimension.name.clone(), read(file)?);
        }
    }
    Ok(boundaries)
}

fn read(BoundaryFile { file: path, code }: &BoundaryFile) -> Result<Boundaries, AggregateError> {
    let wrong = |why: String| AggregateError::Boundaries { path: path.to_owned(), why };
    let bytes = bytes(path).map_err(|error| {
        wrong(format!("cannot be read ({error}); look at its path under [boundaries]"))
    })?;
    Boundaries::read(&bytes, code).map_err(|error| wrong(error.to_string()))
}

/// The file, and one byte more than it may have at most.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BOUNDARY_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
