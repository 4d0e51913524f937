//! Where an XML return says what it is.

use schemars::JsonSchema;
use serde::Deserialize;

/// XML: the paths at which a file names its collection, year and authority.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The collection.
    pub collection: Option<HeaderPath>,
    /// The year, which must be one of the period's.
    pub year: Option<HeaderPath>,
    /// The authority, which must be the pipeline's.
    pub authority: Option<HeaderPath>,
}

/// An element of a file's header.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderPath {
    /// Its path.
    pub path: String,
    /// For the collection: the text that must stand there.
    pub is: Option<String>,
}

impl Header {
    /// The name of each of them, and its path.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("collection", &self.collection),
            ("year", &self.year),
            ("authority", &self.authority),
        ];
        all.into_iter().filter_map(|(what, path)| Some((what, path.as_ref()?.path.as_str())))
    }
}
