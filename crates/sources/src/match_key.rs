//! Match keys, and the parts of which they are made.

use minster_model::TableName;
use schemars::JsonSchema;
use serde::Deserialize;

/// A keyed hash of several parts; the parts themselves do not pass.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchKey {
    /// Its name; keys of the same name can be compared across sources.
    #[schemars(with = "String")]
    pub name: TableName,
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// The meaning of a part of a match key: it says how the part is made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A surname: its letters without accents, upper case.
    Surname,
    /// A forename: its letters without accents, upper case.
    Forename,
    /// A date of birth, ISO.
    BirthDate,
    /// A postcode without its blanks, upper case.
    Postcode,
    /// A unique property reference number (GeoPlace): 1 to 12 digits, without zeros before them.
    Uprn,
    /// A house among the others of its postcode: its number or name, or the first line of an address. Words in upper
    /// case, one blank between them.
    AddressLine,
    /// A flat among the others of its house: a number or name, or the second line. A blank says that there is none.
    AddressUnit,
}

impl Part {
    /// Whether it says where a child lives and nothing else. Keys of these make households, which a purpose must allow.
    pub fn is_of_address(self) -> bool {
        matches!(self, Self::Uprn | Self::AddressLine | Self::AddressUnit)
    }
}

/// Names of the match keys that are made of addresses. A purpose must allow them.
const ADDRESS_KEYS: [&str; 2] = ["address", "uprn"];

impl MatchKey {
    /// A purpose tells keys of addresses by their names.
    pub(crate) fn check_name(&self) -> Result<(), &'static str> {
        let is_of_address = self.parts.iter().any(|part| part.is_of_address());
        match is_of_address == ADDRESS_KEYS.contains(&self.name.as_str()) {
            true => Ok(()),
            false => Err(
                "a key with a part of an address is named `address` or `uprn`, and no other is: a purpose must allow it",
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use crate::{CodeList, Definition, Fault};

    fn table(columns: &str, keys: &str) -> Result<Definition, crate::DefinitionError> {
        Definition::parse(&format!(
            "name='s'\nformat='csv'\nyears=['2024']\n[[table]]\nname='t'\nfile='t.csv'\n[table.columns]\n{columns}\n{keys}"
        ))
    }

    #[test]
    fn a_key_of_an_address_is_told_by_its_name() {
        let columns = "a = { treatment='match-key', part='uprn' }\nb = { treatment='match-key', part='postcode' }";
        let key = |name: &str, part: &str| {
            table(columns, &format!("[[table.match_key]]\nname='{name}'\nparts=['{part}']"))
        };
        assert!(key("uprn", "uprn").is_ok() && key("address", "uprn").is_ok());
        assert!(key("postcode", "postcode").is_ok());
        for (name, part) in [("home", "uprn"), ("address", "postcode")] {
            let wrong = key(name, part).unwrap_err().to_string();
            assert!(wrong.contains("is named `address` or `uprn`"), "{wrong}");
        }
        // A row whose address fails is still its child's.
        let definition = key("uprn", "uprn").unwrap();
        let fault = |name: &str| definition.tables[0].columns[name].fault();
        assert_eq!([fault("a"), fault("b")], [Fault::Blank, Fault::Quarantine]);
    }

    #[test]
    fn a_cohort_has_a_day_of_each_year_and_a_name_of_its_own() {
        let cohort = |at: &str, output: &str| {
            let column = "treatment='generalise', to='year', as='birth_year'";
            table(&format!("a = {{ {column}, cohort={{ at='{at}', as='{output}' }} }}"), "")
        };
        assert!(cohort("08-31", "cohort").is_ok());
        for at in ["02-29", "8-31", "31-08", "2025-08-31", "06-31"] {
            let wrong = cohort(at, "cohort").unwrap_err().to_string();
            assert!(wrong.contains("a day of each year"), "{wrong}");
        }
        let wrong = cohort("08-31", "birth_year").unwrap_err().to_string();
        assert!(wrong.contains("the name of another column"), "{wrong}");
    }

    #[test]
    fn labels_are_of_codes_of_the_list() {
        let list = "codes=['A']\nunknown='U'\n[extended]\nB='A'\n[labels]\n";
        assert!(CodeList::parse(&format!("{list}A='an A'\nB='a B'\nU='not known'")).is_ok());
        let wrong = CodeList::parse(&format!("{list}C='a C'")).unwrap_err().to_string();
        assert!(wrong.contains("`C` is no code of the list"), "{wrong}");
    }
}
