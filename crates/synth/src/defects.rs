use serde::{Deserialize, Serialize};

/// How often each defect is made: a share of the rows (or children) that could have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defects {
    /// A pupil number in lower case, with blanks, a no-break space or a spreadsheet's apostrophe.
    pub untidy_upn: f64,
    /// A pupil number with a wrong check letter.
    pub wrong_check_letter: f64,
    /// Two children with one pupil number (children).
    pub shared_upn: f64,
    /// One child with two pupil numbers (children).
    pub second_upn: f64,
    /// A row that stands twice.
    pub duplicate_row: f64,
    /// A blank, or a code, where a pupil number is known.
    pub missing_upn: f64,
    /// A date as a spreadsheet's serial number.
    pub serial_date: f64,
    /// A date with day and month swapped.
    pub swapped_date: f64,
    /// An ethnicity code that is in no list.
    pub unknown_code: f64,
    /// A name spelt otherwise than in the census.
    pub misspelt_name: f64,
    /// An NHS number with a wrong check digit.
    pub wrong_nhs_number: f64,
    /// Empty rows at a file's end (files).
    pub trailing_rows: f64,
    /// A pupil number with one digit that is another.
    #[serde(skip_serializing_if = "is_none")]
    pub wrong_digit: f64,
    /// A pupil number with two neighbouring digits swapped.
    #[serde(skip_serializing_if = "is_none")]
    pub swapped_digits: f64,
    /// A valid pupil number that is a sibling's or a classmate's, in a service's record.
    #[serde(skip_serializing_if = "is_none")]
    pub relatives_upn: f64,
    /// A birth date that was mistyped or guessed. This and what follows is made in the harder council alone.
    #[serde(skip_serializing_if = "is_none")]
    pub wrong_date: f64,
    /// A name whose sounds are written in another way.
    #[serde(skip_serializing_if = "is_none")]
    pub name_variant: f64,
    /// A forename as the child is called.
    #[serde(skip_serializing_if = "is_none")]
    pub short_name: f64,
    /// Forename and surname in each other's place.
    #[serde(skip_serializing_if = "is_none")]
    pub swapped_names: f64,
}

/// The ordinary council's configuration is written without what it has not.
fn is_none(rate: &f64) -> bool {
    *rate == 0.0
}

impl Default for Defects {
    fn default() -> Self {
        Self {
            untidy_upn: 0.01,
            wrong_check_letter: 0.002,
            shared_upn: 0.0004,
            second_upn: 0.002,
            duplicate_row: 0.001,
            missing_upn: 0.01,
            serial_date: 0.001,
            swapped_date: 0.001,
            unknown_code: 0.001,
            misspelt_name: 0.02,
            wrong_nhs_number: 0.01,
            trailing_rows: 0.5,
            wrong_digit: 0.0,
            swapped_digits: 0.0,
            relatives_upn: 0.0,
            wrong_date: 0.0,
            name_variant: 0.0,
            short_name: 0.0,
            swapped_names: 0.0,
        }
    }
}

impl Defects {
    /// The rates of the harder council. Those of a child's records are multiplied for children whose names were written
    /// in other letters first, who are new, or who are in care.
    pub fn hard() -> Self {
        Self {
            misspelt_name: 0.025,
            wrong_digit: 0.0015,
            swapped_digits: 0.0010,
            relatives_upn: 0.004,
            wrong_date: 0.006,
            name_variant: 0.03,
            short_name: 0.02,
            swapped_names: 0.002,
            ..Self::default()
        }
    }

    /// No defect at all.
    pub fn none() -> Self {
        Self {
            untidy_upn: 0.0,
            wrong_check_letter: 0.0,
            shared_upn: 0.0,
            second_upn: 0.0,
            duplicate_row: 0.0,
            missing_upn: 0.0,
            serial_date: 0.0,
            swapped_date: 0.0,
            unknown_code: 0.0,
            misspelt_name: 0.0,
            wrong_nhs_number: 0.0,
            trailing_rows: 0.0,
            wrong_digit: 0.0,
            swapped_digits: 0.0,
            relatives_upn: 0.0,
            wrong_date: 0.0,
            name_variant: 0.0,
            short_name: 0.0,
            swapped_names: 0.0,
        }
    }
}
