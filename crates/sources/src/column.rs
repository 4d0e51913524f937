//! One column of a table, and what it may become.

use std::sync::Arc;

use jiff::civil::Date;
use minster_model::{ColumnName, Kind, LinkagePart};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Codes, Part, Pattern};

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its treatment.
    pub treatment: Treatment,
    /// Other names that it may have in the file; XML: other paths.
    pub also: Vec<String>,
    /// CSV, XLSX, Parquet: a pattern of the headings that it may have.
    pub heading: Option<Pattern>,
    /// Its name in the dataset.
    pub output: Option<ColumnName>,
    /// The cohort that a birth date gives besides.
    pub cohort: Option<Cohort>,
    /// Its meaning, for people.
    pub meaning: Option<String>,
    /// The part that it gives to match keys.
    pub part: Option<Part>,
    /// The part that it gives to scored matching, in a dataset that the linker alone opens.
    pub linkage: Option<LinkagePart>,
    /// Whether a blank cell sends the row to quarantine.
    pub required: bool,
    /// CSV, XLSX, Parquet: whether the file may lack it.
    pub optional: bool,
    /// The consequence for a row where the cell fails.
    pub fault: Fault,
    /// Whether it holds a person's name, for which kept texts are searched.
    pub person_name: bool,
}

impl Column {
    /// The consequence for a row where this cell fails. Without its match keys or what the table cannot do without, a row is
    /// set aside, whatever the column says. A number that fails becomes blank as other cells do: the row stays where
    /// something else tells whose it is.
    pub fn fault(&self) -> Fault {
        // A row whose address cannot be told is still its child's.
        let tells = self.part.is_some_and(|part| !part.is_of_address());
        if self.required || tells { Fault::Quarantine } else { self.fault }
    }

    /// Whether its cells are read as dates.
    pub fn is_date(&self) -> bool {
        use Generalisation::{AcademicYear, Age, Month, Term, Year};
        self.part == Some(Part::BirthDate)
            || self.cohort.is_some()
            || matches!(
                self.treatment,
                Treatment::Keep(ValueType::Date)
                    | Treatment::Generalise(Year | Month | Term | AcademicYear | Age { .. })
            )
    }
}

/// The first day of this month and day of the month on which a child was born already: `2011-08-31` for one who was born on
/// 15 March 2011, and for one who was born on 1 September 2010. The age on this day of any year follows from it, and no birth
/// date does. DfE counts ages at 31 August.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// 1 to 12.
    pub month: i8,
    /// 1 to 31. No 29 February: most years have none.
    pub day: i8,
    /// Its name in the dataset.
    pub output: ColumnName,
}

impl Cohort {
    /// The cohort of a birth date. A child born on 29 February is a year older from 1 March in other years.
    pub fn of(&self, born: Date) -> Option<Date> {
        let is_later = (born.month(), born.day()) > (self.month, self.day);
        Date::new(born.year() + i16::from(is_later), self.month, self.day).ok()
    }
}

/// The consequence for a row where a cell is not what its column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The cell becomes blank and is counted; the row stays.
    #[default]
    Blank,
    /// The row is set aside.
    Quarantine,
}

/// The treatment of a column. A council's privacy notice and DfE's common basic data set (CBDS) say what the
/// columns are; each variant says its rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// Gone: names, addresses, free text (its part may still go into match keys, as a keyed hash alone).
    Drop,
    /// The keyed pseudonym of an identifier under the run's purpose. A `bridge` is the same of a
    /// service's own number, kept to join the source's tables and other sources.
    Pseudonymise(Kind),
    /// As it is, typed. Free text has no type, so it never passes.
    Keep(ValueType),
    /// A short text as it is, bound by a rule: whatever passes is searched for identifiers and names.
    Token(TokenRule),
    /// A code of a list, mapped to the current list's.
    Code(Arc<Codes>),
    /// Coarser.
    Generalise(Generalisation),
}

impl Treatment {
    /// Whether a text of the file passes as it is, so that it must be searched.
    pub fn passes_text(&self) -> bool {
        matches!(self, Self::Token(_))
    }
}

/// The rule for a kept text.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenRule {
    /// The whole cell matches.
    Pattern(Pattern),
    /// At most 16 characters without a blank, and no more different ones in a delivery.
    Distinct(usize),
}

/// The types that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A day.
    Date,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// True or false.
    Flag,
}

/// How a value becomes coarser.
#[derive(Debug, Clone, PartialEq)]
pub enum Generalisation {
    /// A date: its calendar year, `2024`.
    Year,
    /// A date: its year and month, `2024-09`.
    Month,
    /// A date: its school term, `2025-spring`: autumn is 1 September to 31 December, spring 1 January to
    /// Easter Sunday, summer the day after to 31 August. So the school census divides the year where it
    /// collects attendance and exclusions (DfE, School census guide, "collection periods").
    Term,
    /// A date: the academic year it falls in, `2024-25`, from 1 September to 31 August (Education Act
    /// 1996, section 579: the school year begins at the start of the first term after July; DfE counts ages at 31 August).
    /// For a birth date this is the group that starts school together.
    AcademicYear,
    /// A birth date: the whole years completed at the end of a named day. A child born on 29 February is a
    /// year older from 1 March in other years. A birth after that day is out of range.
    Age {
        /// The day.
        at: Date,
    },
    /// A postcode: its outward part, `AB12` (Royal Mail, Postcode Address File: the inward part is a digit and two letters).
    District,
    /// A postcode: its outward part and the inward part's digit, `AB12 3`.
    Sector,
    /// Anything: the value of a look-up that the council names, such as the LSOA or ward of a postcode (Office
    /// for National Statistics, Postcode Directory). Case and white space do not matter.
    Lookup {
        /// The look-up's name in `pipeline.toml`.
        lookup: String,
        /// The text for a value that is not in it; without it the row is quarantined.
        unknown: Option<String>,
    },
    /// A whole number: the band it falls in, by the bands' lower bounds: `[5, 10]` gives `<5`, `5–9`, `10+`.
    Band(Vec<i64>),
}
