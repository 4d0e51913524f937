//! `numbers.toml` beside the definitions: the normal form of each kind of service number, so that two systems of one council
//! write the same number.
//!
//! ```toml
//! [la-child-id]
//! case = "fold"             # `c7` and `C7` are one; "keep": they are two
//! leading_zeros = "drop"    # `0000123` and `123` are one; "keep": they are two
//! characters = "any"        # "digits": a number with anything else in it is none, and its row is set aside
//! placeholders = ["999999"] # more texts that stand for no number, beside `0`, `N/A`, `unknown` and the like
//! ```

use std::collections::BTreeMap;

use minster_identifiers::NumberForm;
use minster_model::Kind;
use serde::Deserialize;

use crate::DefinitionError;

/// The normal forms of a council's kinds of numbers.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    forms: BTreeMap<Kind, NumberForm>,
}

/// Kinds whose form is fixed by those who give the numbers.
const FIXED: [&str; 3] = ["upn", "nhs-number", "uln"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormText {
    #[serde(default)]
    case: LetterCase,
    #[serde(default)]
    leading_zeros: LeadingZeros,
    #[serde(default)]
    characters: Characters,
    #[serde(default)]
    placeholders: Vec<String>,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LetterCase {
    #[default]
    Fold,
    Keep,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LeadingZeros {
    #[default]
    Drop,
    Keep,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Characters {
    #[default]
    Any,
    Digits,
}

impl Numbers {
    /// Parses the file's text.
    ///
    /// # Errors
    /// Where it is not one.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let kinds: BTreeMap<Kind, FormText> =
            toml::from_str(text).map_err(|error| DefinitionError::Toml(Box::new(error)))?;
        let mut forms = BTreeMap::new();
        for (kind, form) in kinds {
            if FIXED.contains(&kind.as_str()) {
                return Err(DefinitionError::rule(
                    kind.to_string(),
                    "its form is fixed; remove it",
                ));
            }
            let form = NumberForm {
                fold_case: form.case == LetterCase::Fold,
                drop_leading_zeros: form.leading_zeros == LeadingZeros::Drop,
                digits_alone: form.characters == Characters::Digits,
                placeholders: form.placeholders.into(),
            };
            forms.insert(kind, form);
        }
        Ok(Self { forms })
    }

    /// The form of a kind: the usual one, where the file does not name it.
    pub fn form(&self, kind: &Kind) -> NumberForm {
        self.forms.get(kind).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_the_form_that_is_declared_and_others_the_usual_one() {
        let text = "[police-ref]\ncase = 'keep'\nleading_zeros = 'keep'\nplaceholders = ['9']\n[la-child-id]\n";
        let numbers = Numbers::parse(text).unwrap();
        let form = |kind: &str| numbers.form(&kind.parse().unwrap());
        assert!(!form("police-ref").fold_case && !form("police-ref").drop_leading_zeros);
        assert_eq!(form("la-child-id"), NumberForm::default());
        assert_eq!(form("other"), NumberForm::default());
        for wrong in ["[upn]\n", "[a]\ncase = 'lower'\n", "[a]\nzeros = 'drop'\n"] {
            assert!(Numbers::parse(wrong).is_err(), "{wrong}");
        }
    }
}
