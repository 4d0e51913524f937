use std::sync::Arc;

use crate::{IdentifierError, OpaqueId, canonicalise};

/// Fillers that people and systems write where a number belongs and none is known: letters and digits alone, upper case.
const PLACEHOLDERS: [&str; 29] = [
    "AWAITED",
    "BLANK",
    "DUMMY",
    "EMPTY",
    "MISSING",
    "NA",
    "NAN",
    "NEW",
    "NIL",
    "NK",
    "NONE",
    "NONUMBER",
    "NOTALLOCATED",
    "NOTAPPLICABLE",
    "NOTAVAILABLE",
    "NOTKNOWN",
    "NOTRECORDED",
    "NOTSTATED",
    "NOTYETKNOWN",
    "NOUPN",
    "NULL",
    "PENDING",
    "TBA",
    "TBC",
    "TBD",
    "TEMP",
    "TOBECONFIRMED",
    "UNK",
    "UNKNOWN",
];

/// Whether a text stands for no number: a word such as `N/A` or `Not known`, nothing but punctuation, nothing but zeros, or
/// nothing but the letter X. A blank text is no placeholder.
///
/// ```
/// use minster_identifiers::is_placeholder;
///
/// assert!(["N/A", "0", "0.0", "-", "not known", "XXX"].into_iter().all(is_placeholder));
/// assert!(!["10", "EH7", "X1", ""].into_iter().any(is_placeholder));
/// ```
pub fn is_placeholder(text: &str) -> bool {
    let told: String = letters(text);
    let all = |of: char| told.chars().all(|c| c == of);
    !text.trim().is_empty()
        && (told.is_empty() || all('0') || all('X') || PLACEHOLDERS.contains(&told.as_str()))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// The normal form of a kind of service number: what of its writing does not matter. By default case does not, nor do zeros
/// before a number of digits alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberForm {
    /// Whether `eh7` and `EH7` are one.
    pub fold_case: bool,
    /// Whether `0000123` and `123` are one.
    pub drop_leading_zeros: bool,
    /// Whether a number with anything but digits in it is none.
    pub digits_alone: bool,
    /// More texts that stand for no number.
    pub placeholders: Arc<[String]>,
}

impl Default for NumberForm {
    fn default() -> Self {
        Self {
            fold_case: true,
            drop_leading_zeros: true,
            digits_alone: false,
            placeholders: Arc::new([]),
        }
    }
}

impl NumberForm {
    /// Reads a number; nothing, where the text stands for none. White space goes, and so does the `.0` that a spreadsheet
    /// puts behind a number.
    ///
    /// ```
    /// use minster_identifiers::NumberForm;
    ///
    /// let form = NumberForm::default();
    /// let canonical = |text| form.parse(text).map(|id| id.map(|id| id.canonical().to_vec()));
    /// for text in ["0000123", "123", " 123.0", "'123"] {
    ///     assert_eq!(canonical(text), Ok(Some(b"123".to_vec())));
    /// }
    /// assert_eq!(canonical("N/A"), Ok(None));
    /// ```
    ///
    /// # Errors
    /// Where the text is no number of this form.
    pub fn parse(&self, field: &str) -> Result<Option<OpaqueId>, IdentifierError> {
        let canonical = canonicalise(field);
        let folded = canonical.as_str();
        if is_placeholder(folded) || self.stands_for_none(folded) {
            return Ok(None);
        }
        let kept: String;
        let text = match self.fold_case {
            true => folded,
            false => {
                kept = crate::canonical::trimmed(field);
                &kept
            }
        };
        let whole = without_fraction(text);
        let is_digits = whole.bytes().all(|byte| byte.is_ascii_digit());
        if self.digits_alone && !is_digits {
            return Err(IdentifierError::Malformed);
        }
        let number = match is_digits && self.drop_leading_zeros {
            true => whole.trim_start_matches('0'),
            false => whole,
        };
        OpaqueId::of_canonical(number).map(Some)
    }

    fn stands_for_none(&self, text: &str) -> bool {
        let told = letters(text);
        self.placeholders.iter().any(|placeholder| letters(placeholder) == told)
    }
}

/// A number of digits without the `.0` of a spreadsheet.
fn without_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && !zeros.is_empty()
                && whole.bytes().all(|byte| byte.is_ascii_digit())
                && zeros.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(form: &NumberForm, field: &str) -> Result<Option<String>, IdentifierError> {
        let text = |id: OpaqueId| String::from_utf8(id.canonical().to_vec()).unwrap();
        form.parse(field).map(|id| id.map(text))
    }

    #[test]
    fn shapes_of_one_number_are_one() {
        let form = NumberForm::default();
        for (fields, number) in [
            (&["0000123", "123", " 123.0", "123.00", "'0123", "00 123"][..], "123"),
            (&["eh0007", "EH0007", " Eh0007 "], "EH0007"),
            (&["12.5"], "12.5"),
            (&["1.0.0"], "1.0.0"),
        ] {
            for field in fields {
                assert_eq!(parsed(&form, field), Ok(Some(number.to_owned())), "{field}");
            }
        }
    }

    #[test]
    fn a_filler_is_no_number() {
        let form = NumberForm {
            placeholders: Arc::new(["Ask the team".into(), "999".into()]),
            ..Default::default()
        };
        for field in [
            "0",
            "000",
            "0.0",
            "N/A",
            "n/a",
            "#N/A",
            "NA",
            "unknown",
            "Not known",
            "NOT KNOWN.",
            "-",
            "--",
            "?",
            "None",
            "NULL",
            "(null)",
            "<NA>",
            "TBC",
            "xxx",
            "ask the team",
            "999",
        ] {
            assert_eq!(parsed(&form, field), Ok(None), "{field}");
        }
        assert_eq!(parsed(&form, " "), Err(IdentifierError::Blank));
        assert_eq!(parsed(&form, "9990"), Ok(Some("9990".to_owned())));
    }

    #[test]
    fn a_form_may_say_otherwise() {
        let kept = NumberForm { fold_case: false, drop_leading_zeros: false, ..Default::default() };
        assert_eq!(parsed(&kept, " a7 "), Ok(Some("a7".to_owned())));
        assert_eq!(parsed(&kept, "A7"), Ok(Some("A7".to_owned())));
        assert_eq!(parsed(&kept, "007"), Ok(Some("007".to_owned())));
        assert_eq!(parsed(&kept, "007.0"), Ok(Some("007".to_owned())));
        let digits = NumberForm { digits_alone: true, ..Default::default() };
        assert_eq!(parsed(&digits, "abc123"), Err(IdentifierError::Malformed));
        assert_eq!(parsed(&digits, "0123"), Ok(Some("123".to_owned())));
    }

    proptest! {
        #[test]
        fn a_form_of_a_form_is_the_same(field in "\\PC{0,12}|[0-9]{1,9}(\\.0)?") {
            let form = NumberForm::default();
            if let Ok(Some(number)) = parsed(&form, &field) {
                prop_assert_eq!(parsed(&form, &number), Ok(Some(number.clone())));
            }
        }

        #[test]
        fn zeros_case_and_a_fraction_do_not_matter(number in 1u64..u64::MAX, zeros in 0usize..8) {
            let form = NumberForm::default();
            let shape = format!(" {}{number}.0", "0".repeat(zeros));
            prop_assert_eq!(parsed(&form, &shape), Ok(Some(number.to_string())));
        }
    }
}
