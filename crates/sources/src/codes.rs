//! Code lists that several columns share: one file each, `codes/NAME.toml` beside the definitions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::DefinitionError;

/// A shared list: the current codes, and older ones that stand for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeList {
    /// Codes that pass as they are.
    pub codes: BTreeSet<String>,
    /// Codes that pass as another.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// What becomes of any other: a code, or `quarantine`. A column's own `unknown` goes before.
    #[serde(default)]
    pub unknown: Option<String>,
}

impl CodeList {
    /// Parses a list's file.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let list: Self =
            toml::from_str(text).map_err(|error| DefinitionError::Toml(Box::new(error)))?;
        if let Some(to) = list.map.values().find(|to| !list.codes.contains(*to)) {
            return Err(DefinitionError::rule(
                "map",
                format!("it leads to `{to}`, which is no code of the list"),
            ));
        }
        if let Some(code) = list.codes.iter().find(|code| list.map.contains_key(*code)) {
            return Err(DefinitionError::rule(
                "map",
                format!("`{code}` passes as it is and as another"),
            ));
        }
        Ok(list)
    }
}

/// All shared lists by name.
pub type CodeLists = BTreeMap<String, CodeList>;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;

    #[test]
    fn a_list_maps_to_its_own_codes() {
        let list = CodeList::parse("codes = ['M']\nmap = { 1 = 'M' }").unwrap();
        assert_eq!(list.map["1"], "M");
        let error = CodeList::parse("codes = ['M']\nmap = { 2 = 'F' }").unwrap_err();
        assert!(error.to_string().contains("`F`"), "{error}");
        assert!(CodeList::parse("codes = ['M']\nmap = { M = 'M' }").is_err());
        assert!(CodeList::parse("code = ['M']").is_err());
    }
}
