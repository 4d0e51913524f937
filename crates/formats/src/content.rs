//! The content of a release: titles, categories, and of each number either what is published or why nothing is.

use std::collections::BTreeSet;

/// A release, ready to be written in any format. Its maker hands over published numbers, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Its name, for files.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// The period that it is of.
    pub period: String,
    /// The publisher, if the definition says so.
    pub publisher: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// A sentence: for whom it is.
    pub audience: String,
    /// The children that it counts, in words that go after "counts".
    pub counted: String,
    /// Sentences: whom it does not count.
    pub not_counted: Vec<String>,
    /// Sentences: what is withheld, and why.
    pub protection: Vec<String>,
    /// How well its records were linked; nothing in a release of before releases said so.
    pub linkage: Option<crate::Linkage>,
    /// How its numbers are changed, in words that go after "are": none where each is exact or withheld.
    pub rounded: Option<String>,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Facts for the ministry's table tool, where the files for it are wanted.
    pub dfe: Option<crate::dfe::Dfe>,
}

/// A table: one entry a row in each of its lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name, for files and columns.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// The levels by which each row is divided. Rows of one level count no child twice.
    pub levels: Vec<String>,
    /// Its level.
    pub dimensions: Vec<Dimension>,
    /// Its numbers.
    pub measures: Vec<Measure>,
}

/// One way of dividing the children.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Its column.
    pub name: String,
    /// A sentence: what it divides by; nothing where nobody wrote one.
    pub meaning: Option<String>,
    /// Its categories, groups and totals.
    pub categories: Vec<Category>,
    /// The category of each row, by its place.
    pub of_row: Vec<usize>,
    /// Whether its column of codes stands beside it.
    pub has_codes: bool,
    /// The areas of its categories, where its page has a map: by their codes, or by their labels where it has no codes.
    pub boundaries: Option<crate::Boundaries>,
    /// The kind of its categories.
    pub kind: Kind,
}

/// The kind of a dimension's categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Plain,
    /// Combinations of these services, joined by ` + `.
    Combination(Vec<String>),
}

/// A category, group or total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its label.
    pub label: String,
    /// Its code, from a look-up.
    pub code: Option<String>,
    /// The meaning of its label, where that is a code of a list: `SEN support` of `K`.
    pub meaning: Option<String>,
    /// Its level: none where it is the total.
    pub level: Option<String>,
    /// Whether it is undivided: no other category is below it.
    pub is_lowest: bool,
    /// Whether its name is withheld.
    pub is_withheld: bool,
    /// Whether it is of the children whose value is not known.
    pub is_unknown: bool,
}

/// The numbers of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Its column.
    pub name: String,
    /// The column of its statuses.
    pub status: String,
    /// A sentence: what it says.
    pub meaning: String,
    /// Its unit.
    pub unit: Unit,
    /// The month that it is of, such as `2024-09`, and its name without it.
    pub month: Option<(String, String)>,
    /// The rows of CSV and Parquet that it stands in, in place of a column.
    pub row: Option<MeasureRow>,
    /// One value a row.
    pub values: Vec<Value>,
}

/// The rows of CSV and Parquet that a measure stands in: one a row of its table, apart from those of its fellows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureRow {
    /// The column that tells them from the others.
    pub column: String,
    /// The text of that column.
    pub text: String,
    /// The column of the values, which the fellows share.
    pub measure: String,
    /// A sentence: what that column says.
    pub meaning: String,
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Whole numbers.
    Whole,
    /// Numbers with one decimal.
    Number,
    /// Percentages with one decimal.
    Percent,
}

/// The number that is published, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// A number, rounded to one decimal.
    Number(f64),
    /// It rounds to 0, but is not 0.
    Low,
    /// Withheld.
    Withheld,
    /// A rate or a median of what is shown as 0, or is not known.
    NotApplicable,
}

/// Withheld: confidential, in the notation of the Government Statistical Service.
pub const CONFIDENTIAL: &str = "c";
/// Not applicable: a rate or a median of what is shown as 0, or is not known.
pub const NOT_APPLICABLE: &str = "z";
/// Rounds to 0, but is not 0.
pub const LOW: &str = "low";
/// There is no code.
pub const NO_CODE: &str = "x";
/// The meaning of [`NOT_APPLICABLE`]. A number that is shown as 0 is nobody only where numbers are not rounded.
pub(crate) const NO_RATE: &str =
    "not applicable: a rate or a median of a number that is shown as 0, or is not known";
/// The meaning of [`LOW`].
pub(crate) const ROUNDS_TO_0: &str = "rounds to 0, but is not 0";

impl Value {
    /// Its status: nothing where it is published as it is.
    pub fn status(self) -> &'static str {
        match self {
            Self::Whole(_) | Self::Number(_) => "",
            Self::Low => LOW,
            Self::Withheld => CONFIDENTIAL,
            Self::NotApplicable => NOT_APPLICABLE,
        }
    }

    /// The number that a column of numbers has.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(number as f64),
            Self::Number(number) => Some(number),
            Self::Low => Some(0.0),
            Self::Withheld | Self::NotApplicable => None,
        }
    }

    /// For people: with separators of thousands, or its status in brackets.
    pub fn text(self) -> String {
        match self {
            Self::Whole(number) => thousands(number),
            Self::Number(number) => format!("{number:.1}"),
            other => in_brackets(other.status()),
        }
    }
}

impl Table {
    /// The number of its rows.
    pub fn rows(&self) -> usize {
        self.levels.len()
    }

    /// The category of a row in the dimension at a place.
    pub fn category(&self, row: usize, place: usize) -> &Category {
        let dimension = &self.dimensions[place];
        &dimension.categories[dimension.of_row[row]]
    }

    /// The row of the total of all, if it has one.
    pub fn total(&self) -> Option<usize> {
        (0..self.rows()).find(|&row| self.divided(row).next().is_none())
    }

    /// The places of the dimensions that a row is divided by.
    pub fn divided(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let places = 0..self.dimensions.len();
        places.filter(move |&place| self.category(row, place).level.is_some())
    }

    /// The rows that are divided by one dimension alone, at its lowest level.
    pub fn by(&self, place: usize) -> Vec<usize> {
        let is_by =
            |row: &usize| self.divided(*row).eq([place]) && self.category(*row, place).is_lowest;
        (0..self.rows()).filter(is_by).collect()
    }

    /// How many of a measure's values are withheld.
    pub fn withheld(&self, measure: &Measure) -> usize {
        measure.values.iter().filter(|value| **value == Value::Withheld).count()
    }
}

impl Dimension {
    /// The categories that its rows have, each once, in their order.
    pub(crate) fn used(&self) -> impl Iterator<Item = &Category> {
        let places: BTreeSet<usize> = self.of_row.iter().copied().collect();
        places.into_iter().map(|place| &self.categories[place])
    }

    /// Its meaning, and that of the codes that its rows have, in one sentence or two; nothing where nobody wrote either.
    pub(crate) fn in_words(&self) -> Option<String> {
        let code = |of: &Category| Some(format!("{} is {}", of.label, of.meaning.as_ref()?));
        let codes: Vec<String> = self.used().filter_map(code).collect();
        let codes = (!codes.is_empty()).then(|| format!("{}.", codes.join("; ")));
        let sentences: Vec<String> = self.meaning.iter().cloned().chain(codes).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }
}

/// A status or a missing code, for people.
pub(crate) fn in_brackets(status: &str) -> String {
    format!("[{status}]")
}

/// The text between the names of a combination.
pub const AND: &str = " + ";

/// A name, as a heading has it.
pub fn heading(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A whole number with separators of thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let of = [0, 12, 999, 1000, 25_000, 1_234_567].map(thousands);
        assert_eq!(of, ["0", "12", "999", "1,000", "25,000", "1,234,567"]);
        assert_eq!(heading("looked_after_by_ward"), "Looked after by ward");
        assert_eq!(Value::Number(6.0).text(), "6.0");
        assert_eq!(Value::Withheld.text(), "[c]");
    }
}
