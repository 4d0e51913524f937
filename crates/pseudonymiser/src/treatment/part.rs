//! A cell's part of match keys, and a birth date's cohort.

use minster_identifiers::{folded_name, is_placeholder};
use minster_sources::{Part, Reason, parse_date};

use super::{PlannedColumn, TablePlan, compact, days};

/// No name, date, postcode or line of an address is longer, in bytes; the vault takes four of them in one match key.
pub(super) const LONGEST_PART: usize = 1_000;

/// Digits of a unique property reference number, at most (GeoPlace).
const LONGEST_UPRN: usize = 12;

impl TablePlan {
    /// A part of match keys in the one writing of it that is compared. Without one, no key is made of the row.
    pub(super) fn comparable(&self, part: Part, text: &str) -> Result<Option<String>, Reason> {
        let text = match part {
            // A house without flats.
            Part::AddressUnit if text.is_empty() => return Ok(Some("-".to_owned())),
            _ if text.is_empty() => return Ok(None),
            _ if text.len() > LONGEST_PART => return Err(Reason::FieldTooLong),
            Part::Surname | Part::Forename => folded_name(text),
            Part::BirthDate => {
                let born = parse_date(text, &self.dates)?;
                if self.last_day.is_some_and(|last_day| born > last_day) {
                    return Err(Reason::BirthAfterDelivery);
                }
                born.to_string()
            }
            Part::Postcode => compact(text),
            Part::Uprn if is_placeholder(text) => return Ok(None),
            Part::Uprn => uprn(text)?,
            Part::AddressLine | Part::AddressUnit => words(text),
        };
        Ok((!text.is_empty()).then_some(text))
    }

    /// The cohort of a birth date, as days since 1970.
    pub(super) fn cohort(
        &self,
        planned: &PlannedColumn,
        text: &str,
    ) -> Result<Option<i32>, Reason> {
        match &planned.column.cohort {
            Some(cohort) if !text.is_empty() => {
                let born = parse_date(text, &self.dates)?;
                Ok(Some(days(cohort.of(born).ok_or(Reason::DateRange)?)))
            }
            _ => Ok(None),
        }
    }
}

fn uprn(text: &str) -> Result<String, Reason> {
    let digits = text.trim_start_matches('0');
    let fits = digits.len() <= LONGEST_UPRN && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.to_owned()).ok_or(Reason::Malformed)
}

/// The words of a line, whatever stands between them.
fn words(text: &str) -> String {
    let upper: String = text.chars().flat_map(char::to_uppercase).collect();
    // `St. Mary's` and `St Marys` are one.
    let upper = upper.replace(['\'', '\u{2019}'], "");
    let words = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_writing() {
        assert_eq!(words("12,  High St."), "12 HIGH ST");
        assert_eq!(words("st. mary\u{2019}s house"), "ST MARYS HOUSE");
        assert_eq!(uprn("000100012345678"), Ok("100012345678".to_owned()));
        assert_eq!(uprn("100012345678"), Ok("100012345678".to_owned()));
        assert_eq!(uprn("1000123456789"), Err(Reason::Malformed));
        assert_eq!(uprn("12 High Street"), Err(Reason::Malformed));
    }
}
