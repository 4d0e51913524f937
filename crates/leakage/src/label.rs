//! Whether a label that is to be published may identify someone: a label comes from data where a definition lists no codes.

use crate::Search;

/// Whether a short text holds a number with the right check character, an address or a telephone number. Nothing of the
/// text is told.
///
/// ```
/// assert!(!minster_leakage::may_identify("Ward 12"));
/// assert!(minster_leakage::may_identify("plan Q330400024001"));
/// assert!(minster_leakage::may_identify("someone@example.org"));
/// assert!(minster_leakage::may_identify("AB1 2CD"));
/// ```
pub fn may_identify(label: &str) -> bool {
    let mut search = Search::default();
    search.value(label.as_bytes());
    search.findings().iter().any(|finding| finding.right > 0)
        || is_email(label)
        || is_telephone(label)
        || is_postcode(label)
}

fn is_email(label: &str) -> bool {
    label.split_once('@').is_some_and(|(before, after)| {
        before.ends_with(|c: char| c.is_ascii_alphanumeric()) && after.contains('.')
    })
}

/// Ten or eleven digits with a 0 before them, or with the country's number (Ofcom, National Telephone Numbering Plan).
fn is_telephone(label: &str) -> bool {
    let only = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '+' | '(' | ')');
    let digits: String = label.chars().filter(char::is_ascii_digit).collect();
    label.chars().all(only)
        && (digits.starts_with('0') && (10..=11).contains(&digits.len())
            || digits.starts_with("44") && digits.len() == 12)
}

/// One or two letters, a district, a digit and two letters (Royal Mail, Postcode Address File). A district alone is none.
fn is_postcode(label: &str) -> bool {
    let plain: Vec<u8> = label.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !(5..=7).contains(&plain.len()) || !plain.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let (outward, inward) = plain.split_at(plain.len() - 3);
    let letters = outward.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    (1..=2).contains(&letters)
        && outward.get(letters).is_some_and(u8::is_ascii_digit)
        && inward[0].is_ascii_digit()
        && inward[1..].iter().all(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_categories_identify_nobody() {
        for label in [
            "WBRI",
            "School 12",
            "E05000001",
            "816/2000",
            "2024-autumn",
            "10+",
            "5–9",
            "100000",
            "N1",
            "",
        ] {
            assert!(!may_identify(label), "{label}");
        }
    }

    #[test]
    fn numbers_and_addresses_are_told() {
        for label in
            ["943 476 5919", "9434765919", "01632 960983", "+44 1632 960983", "sw1a2aa", "a@b.org"]
        {
            assert!(may_identify(label), "{label}");
        }
    }
}
