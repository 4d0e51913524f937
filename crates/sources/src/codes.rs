//! Lists of codes: main codes, extended codes, other spellings, and the years in which a code is valid. Several
//! columns share a list: one file each, `codes/NAME.toml` beside the definitions.
//!
//! ```toml
//! codes = ["WBRI", "WIRI"]         # main codes
//! unknown = "NOBT"                 # what any other becomes; counted
//! [extended]
//! WENG = "WBRI"                    # an extended code and its main code
//! [map]
//! "White British" = "WBRI"         # another spelling
//! [labels]
//! WBRI = "White British"           # what a code means, for the data dictionary
//! [years]
//! WENG = { from = "2016" }         # valid in periods that begin in 2016 or later
//! [[pattern]]
//! matches = 'white.*irish'         # many spellings at once
//! code = "WIRI"
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{DefinitionError, Pattern};

/// A list as it is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeList {
    /// Main codes.
    pub codes: BTreeSet<String>,
    /// Extended codes and the main code of each.
    #[serde(default)]
    pub extended: BTreeMap<String, String>,
    /// Other spellings and former codes, and what each stands for.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// The treatment of any other: a code, or `quarantine`. A column's own `unknown` goes before. Without either the
    /// cell becomes blank.
    #[serde(default)]
    pub unknown: Option<String>,
    /// Codes that are not valid in every year.
    #[serde(default)]
    pub years: BTreeMap<String, Years>,
    /// The meaning of codes, for people: the data dictionary has it.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Spellings that are too many to list, in order.
    #[serde(default, rename = "pattern")]
    pub patterns: Vec<CodePattern>,
    /// The list as cells are looked up in it, by level: many columns share it.
    #[serde(skip)]
    #[schemars(skip)]
    tables: [OnceLock<Arc<CodeTable>>; 2],
}

/// The years of periods in which a code is valid, both included. A period's year is its first four digits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Years {
    /// The first.
    #[serde(default)]
    pub from: Option<String>,
    /// The last.
    #[serde(default)]
    pub until: Option<String>,
}

/// Spellings of one code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodePattern {
    /// A regular expression, searched anywhere in the cell without regard to case.
    pub matches: String,
    /// The code that it stands for.
    pub code: String,
}

/// Which code of a list passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The main code: an extended one is mapped to it.
    #[default]
    Main,
    /// The extended code where the source has one.
    Extended,
}

/// The treatment of a code that is not in its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownCode {
    /// The row is quarantined.
    Quarantine,
    /// The cell becomes blank.
    Blank,
    /// The cell becomes this code.
    Becomes(String),
}

impl CodeList {
    /// Parses a list's file.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let list: Self =
            toml::from_str(text).map_err(|error| DefinitionError::Toml(Box::new(error)))?;
        let leads_nowhere = |what: &str, to: &str| {
            DefinitionError::rule(what, format!("it leads to `{to}`, which is no code of the list"))
        };
        let known =
            |code: &String| list.codes.contains(code) || list.unknown.as_ref() == Some(code);
        if let Some(to) = list.extended.values().find(|to| !list.codes.contains(*to)) {
            return Err(leads_nowhere("extended", to));
        }
        let or_extended = |to: &&String| !known(to) && !list.extended.contains_key(*to);
        if let Some(to) = list.map.values().find(or_extended) {
            return Err(leads_nowhere("map", to));
        }
        if let Some(to) = list.patterns.iter().map(|one| &one.code).find(or_extended) {
            return Err(leads_nowhere("pattern", to));
        }
        let twice = |code: &&String| {
            usize::from(list.codes.contains(*code))
                + usize::from(list.extended.contains_key(*code))
                + usize::from(list.map.contains_key(*code))
                > 1
        };
        if let Some(code) = list.codes.iter().chain(list.extended.keys()).find(twice) {
            return Err(DefinitionError::rule(
                "map",
                format!("`{code}` passes as it is and as another"),
            ));
        }
        if let Some(code) = list.years.keys().find(|code| {
            !list.codes.contains(*code)
                && !list.extended.contains_key(*code)
                && !list.map.contains_key(*code)
        }) {
            return Err(DefinitionError::rule("years", format!("`{code}` is no code of the list")));
        }
        let is_no_code = |code: &&String| !known(code) && !list.extended.contains_key(*code);
        if let Some(code) = list.labels.keys().find(is_no_code) {
            return Err(DefinitionError::rule(
                "labels",
                format!("`{code}` is no code of the list"),
            ));
        }
        list.table(Level::Main).map_err(|rule| DefinitionError::rule("pattern", rule))?;
        Ok(list)
    }

    /// A list of a column's own.
    pub(crate) fn own(codes: BTreeSet<String>) -> Self {
        Self { codes, ..Self::default() }
    }

    /// The same with more spellings.
    pub(crate) fn with(&self, map: &BTreeMap<String, String>) -> Self {
        let mut list = self.clone();
        list.map.extend(map.clone());
        list.tables = Default::default();
        list
    }

    /// The list as cells are looked up in it.
    pub(crate) fn compile(&self, level: Level, unknown: UnknownCode) -> Result<Codes, String> {
        Ok(Codes { table: self.table(level)?, unknown })
    }

    fn table(&self, level: Level) -> Result<Arc<CodeTable>, String> {
        let place = &self.tables[usize::from(level == Level::Extended)];
        match place.get() {
            Some(table) => Ok(Arc::clone(table)),
            None => {
                let table = Arc::new(self.build(level)?);
                Ok(Arc::clone(place.get_or_init(|| table)))
            }
        }
    }

    fn build(&self, level: Level) -> Result<CodeTable, String> {
        let main = |code: &String| match (level, self.extended.get(code)) {
            (Level::Main, Some(main)) => main.clone(),
            _ => code.clone(),
        };
        let mut exact = HashMap::new();
        for code in self.codes.iter().chain(self.extended.keys()) {
            exact.insert(code.clone(), (main(code), code.clone()));
        }
        for (text, code) in &self.map {
            exact.insert(text.clone(), (main(code), text.clone()));
        }
        let mut folded: HashMap<String, Option<(String, String)>> = HashMap::new();
        let mut entries: Vec<_> = exact.iter().collect();
        entries.sort();
        for (text, hit) in entries {
            let both = folded.entry(fold(text)).or_insert_with(|| Some(hit.clone()));
            // Two codes that differ in case alone are told apart as they are written.
            if both.as_ref().is_some_and(|other| other.0 != hit.0) {
                *both = None;
            }
        }
        let mut patterns = Vec::new();
        for one in &self.patterns {
            patterns.push((Pattern::anywhere(&one.matches)?, main(&one.code)));
        }
        let mut years = HashMap::new();
        for (code, valid) in &self.years {
            let year = |text: &Option<String>| match text {
                None => Ok(None),
                Some(text) => match text.parse::<i16>() {
                    Ok(year) if text.len() == 4 => Ok(Some(year)),
                    _ => Err(format!("`{text}` is no year; write four digits")),
                },
            };
            years.insert(code.clone(), (year(&valid.from)?, year(&valid.until)?));
        }
        Ok(CodeTable { exact, folded, patterns, years, labels: self.labels.clone() })
    }
}

/// A text as it is compared: without surrounding space, one blank between words, upper case, and one sign for all that
/// stand between a code and its label: `N1: Abuse`, `N1 – Abuse` and `N1 - abuse` are one.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut add = |word: &str| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_uppercase));
    };
    for word in text.split_whitespace() {
        match word {
            "\u{2013}" | "\u{2014}" | ":" => add("-"),
            word => match word.strip_suffix(':') {
                Some(code) => {
                    add(code);
                    add("-");
                }
                None => add(word),
            },
        }
    }
    folded
}

/// A list in which cells are looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    table: Arc<CodeTable>,
    /// The treatment of any other.
    pub unknown: UnknownCode,
}

/// For each spelling the code that passes and the entry of the list.
#[derive(Debug, PartialEq)]
struct CodeTable {
    exact: HashMap<String, (String, String)>,
    folded: HashMap<String, Option<(String, String)>>,
    patterns: Vec<(Pattern, String)>,
    years: HashMap<String, (Option<i16>, Option<i16>)>,
    labels: BTreeMap<String, String>,
}

/// A code that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// The code that passes.
    pub code: &'a str,
    /// Whether its years do not include the period's.
    pub outside_its_years: bool,
    /// Whether a pattern alone led to it.
    pub by_pattern: bool,
}

impl Codes {
    /// Looks a cell up: as it is written, without regard to case and space, without a letter before it (`a) N1`),
    /// without a label behind it (`N1 - Abuse`), without the `.0` of a number, and last by the list's patterns.
    /// `year` is that of the delivery's period.
    pub fn find(&self, cell: &str, year: Option<i16>) -> Option<Found<'_>> {
        let cell = cell.trim();
        let hit = self.known(cell).or_else(|| candidates(cell).find_map(|part| self.known(part)));
        match hit {
            Some((code, entry)) => {
                let outside = self.table.years.get(entry).is_some_and(|(from, until)| {
                    let before = |year| from.is_some_and(|from| year < from);
                    let after = |year| until.is_some_and(|until| year > until);
                    year.is_some_and(|year| before(year) || after(year))
                });
                Some(Found { code, outside_its_years: outside, by_pattern: false })
            }
            None => {
                let mut patterns = self.table.patterns.iter();
                let (_, code) = patterns.find(|(pattern, _)| pattern.fits(cell))?;
                Some(Found { code, outside_its_years: false, by_pattern: true })
            }
        }
    }

    fn known(&self, text: &str) -> Option<&(String, String)> {
        if let Some(hit) = self.table.exact.get(text) {
            return Some(hit);
        }
        self.table.folded.get(&fold(text))?.as_ref()
    }

    /// Compiles its patterns.
    ///
    /// # Errors
    /// Where one cannot be used.
    pub(crate) fn compile_patterns(&self) -> Result<(), String> {
        self.table.patterns.iter().try_for_each(|(pattern, _)| pattern.compile())
    }

    /// A code's meaning, where the list has one.
    pub fn label(&self, code: &str) -> Option<&str> {
        self.table.labels.get(code).map(String::as_str)
    }

    /// Every code that can pass, in order, with the one for unknown cells.
    pub fn passing(&self) -> BTreeSet<&str> {
        let known = self.table.exact.values().map(|(code, _)| code.as_str());
        let patterns = self.table.patterns.iter().map(|(_, code)| code.as_str());
        let unknown = match &self.unknown {
            UnknownCode::Becomes(code) => Some(code.as_str()),
            _ => None,
        };
        known.chain(patterns).chain(unknown).collect()
    }
}

/// The parts of a cell that may be its code, likeliest first.
fn candidates(cell: &str) -> impl Iterator<Item = &str> {
    let without = match cell.split_once(')') {
        Some((letter, rest))
            if (1..=2).contains(&letter.len())
                && letter.bytes().all(|byte| byte.is_ascii_alphabetic()) =>
        {
            rest.trim_start()
        }
        _ => cell,
    };
    let mut ends: Vec<usize> = [": ", " - ", " \u{2013} ", " \u{2014} ", " (", "\t", " = ", "- "]
        .iter()
        .filter_map(|between| without.find(between))
        .collect();
    ends.sort_unstable();
    let number = cell.strip_suffix(".0").filter(|start| start.bytes().all(|b| b.is_ascii_digit()));
    let labelled = ends.into_iter().map(move |end| without[..end].trim_end());
    number.into_iter().chain([without]).chain(labelled).filter(|part| !part.is_empty())
}

/// All shared lists by name.
pub type CodeLists = BTreeMap<String, Arc<CodeList>>;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str, level: Level) -> Codes {
        CodeList::parse(text).unwrap().compile(level, UnknownCode::Blank).unwrap()
    }

    #[test]
    fn a_list_leads_to_its_own_codes() {
        let list = CodeList::parse("codes = ['M']\nmap = { 1 = 'M' }").unwrap();
        assert_eq!(list.map["1"], "M");
        let error = CodeList::parse("codes = ['M']\nmap = { 2 = 'F' }").unwrap_err();
        assert!(error.to_string().contains("`F`"), "{error}");
        for wrong in [
            "codes = ['M']\nmap = { M = 'M' }",
            "code = ['M']",
            "codes = ['M']\nextended = { X = 'F' }",
            "codes = ['M']\nextended = { M = 'M' }",
            "codes = ['M']\n[years]\nF = { from = '2020' }",
            "codes = ['M']\n[years]\nM = { from = 'MMXX' }",
            "codes = ['M']\n[[pattern]]\nmatches = '('\ncode = 'M'",
            "codes = ['M']\n[[pattern]]\nmatches = 'm'\ncode = 'F'",
        ] {
            assert!(CodeList::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_code_is_found_whatever_its_case_its_space_and_its_label() {
        let text = "codes = ['WBRI', '6', 'N1', 'U6', 'C2', 'UN', '1A', '3']\nmap = { '3 - Gone' = '6', 'Not stated/recorded' = 'UN', 'a) Male' = 'C2' }";
        let codes = codes(text, Level::Main);
        for (cell, code) in [
            ("WBRI", "WBRI"),
            (" wbri ", "WBRI"),
            ("a) WBRI", "WBRI"),
            ("a)WBRI", "WBRI"),
            ("q) 6: Police", "6"),
            ("6.0", "6"),
            ("N1 - Abuse or Neglect", "N1"),
            ("n1 \u{2013} Abuse", "N1"),
            ("N1- Abuse", "N1"),
            ("3 \u{2013} Gone", "6"),
            ("3: gone", "6"),
            ("3: somewhere", "3"),
            ("f) U6: Foster placement - not FFA", "U6"),
            ("1A (Individual)", "1A"),
            ("b) not  stated/recorded", "UN"),
            ("A) male", "C2"),
        ] {
            let found = codes.find(cell, None).map(|found| found.code);
            assert_eq!(found, Some(code), "{cell}");
        }
        for cell in ["Ann) smith", "N", "N10", "- N1", "", "N1 or so"] {
            assert_eq!(codes.find(cell, None), None, "{cell}");
        }
    }

    #[test]
    fn an_extended_code_passes_as_its_main_code_or_as_itself() {
        let text = "codes = ['WBRI']\nextended = { WENG = 'WBRI' }\nmap = { English = 'WENG' }";
        for (level, code) in [(Level::Main, "WBRI"), (Level::Extended, "WENG")] {
            let codes = codes(text, level);
            assert_eq!(codes.find("weng", None).unwrap().code, code);
            assert_eq!(codes.find("English", None).unwrap().code, code);
        }
    }

    #[test]
    fn a_code_outside_its_years_passes_and_is_told() {
        let codes = codes("codes = ['A', 'B']\n[years]\nA = { until = '2014' }", Level::Main);
        for (code, year, outside) in [
            ("A", Some(2015), true),
            ("A", Some(2014), false),
            ("A", None, false),
            ("B", Some(2015), false),
        ] {
            assert_eq!(codes.find(code, year).unwrap().outside_its_years, outside, "{code}");
        }
    }

    #[test]
    fn codes_that_differ_in_case_alone_are_told_apart_as_they_are_written() {
        let codes = codes("codes = ['a', 'A']", Level::Main);
        assert_eq!(codes.find("a", None).unwrap().code, "a");
        assert_eq!(codes.find("A", None).unwrap().code, "A");
    }

    #[test]
    fn patterns_come_last_and_in_order() {
        let text = "codes = ['X', 'Y']\nmap = { 'any x' = 'Y' }\n[[pattern]]\nmatches = 'x'\ncode = 'X'\n[[pattern]]\nmatches = 'x|y'\ncode = 'Y'";
        let codes = codes(text, Level::Main);
        for (cell, code) in [("any x", "Y"), ("some X", "X"), ("yes", "Y")] {
            assert_eq!(codes.find(cell, None).unwrap().code, code, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn a_found_code_is_one_of_the_list(cell in "[a-cA-C0-9):\u{2013}. -]{0,12}") {
            let codes = codes("codes = ['A', 'B1', '2']\nmap = { c = 'A' }", Level::Main);
            if let Some(found) = codes.find(&cell, None) {
                prop_assert!(codes.passing().contains(found.code));
            }
        }
    }
}
