//! The text of a definition: TOML, written and read by the library that `minster` reads it with. `minster` alone judges its words.

/// A definition, given as JSON, as TOML.
///
/// # Errors
/// Where it is no table, or a value has no place in TOML, such as a null.
pub(crate) fn to_toml(json: &str) -> Result<String, String> {
    let value: toml::Value = serde_json::from_str(json).map_err(|fault| fault.to_string())?;
    toml::to_string(&value).map_err(|fault| fault.to_string())
}

/// TOML as JSON.
///
/// # Errors
/// Where the text is no TOML; the words have the line.
pub(crate) fn from_toml(text: &str) -> Result<String, String> {
    let table: toml::Table = toml::from_str(text).map_err(|fault| fault.to_string())?;
    serde_json::to_string(&table).map_err(|fault| fault.to_string())
}
