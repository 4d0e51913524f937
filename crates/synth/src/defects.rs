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
        }
    }
}

impl Defects {
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
        }
    }
}
