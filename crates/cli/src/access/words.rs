//! Words for columns and codes, from the definitions.

use std::path::Path;

use minster_model::{DatasetClass, Period};
use minster_store::Manifest;

use crate::{
    dictionary::{self, Described, Linked, package::Resource},
    failure::Failure,
    pipeline::Loaded,
    stages,
};

/// The words of the definitions about a column.
#[derive(Default)]
pub(crate) struct Words {
    /// Its title, where the file's own name tells one.
    pub(super) title: Option<String>,
    pub(crate) meaning: String,
    /// Whether whole numbers in it are days.
    pub(super) is_day: bool,
    /// Codes with what they mean.
    pub(super) codes: Vec<(String, String)>,
}

/// The definitions.
pub(crate) struct Definitions<'a> {
    loaded: &'a Loaded,
    described: Described,
    /// Linked datasets, by period; nothing where the definitions changed since.
    linked: Vec<(Period, Option<Vec<Resource>>)>,
}

impl<'a> Definitions<'a> {
    pub(crate) fn read(loaded: &'a Loaded, config: &Path) -> Result<Self, Failure> {
        Ok(Self { loaded, described: stages::described(config)?, linked: Vec::new() })
    }

    /// A table of a linked dataset, where the definitions explain it.
    fn resource(&mut self, manifest: &Manifest, table: &str) -> Option<&Resource> {
        if manifest.dataset.purpose != self.loaded.pipeline.purpose {
            return None;
        }
        let period = &manifest.dataset.period;
        if !self.linked.iter().any(|(known, _)| known == period) {
            let explained = Linked::read(self.loaded, period)
                .and_then(|linked| linked.explained(&self.described));
            let tables = explained.ok().filter(|of| of.dataset == manifest.dataset);
            self.linked.push((period.clone(), tables.map(|of| of.tables)));
        }
        let tables = self.linked.iter().find(|(known, _)| known == period)?.1.as_ref()?;
        tables.iter().find(|resource| resource.name == table)
    }

    /// The meaning of a table.
    pub(super) fn table(&mut self, manifest: &Manifest, table: &str) -> String {
        match manifest.dataset.class {
            DatasetClass::Integrated => self
                .resource(manifest, table)
                .map(|resource| resource.description.clone())
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// The meaning of a column.
    pub(crate) fn column(&mut self, manifest: &Manifest, table: &str, name: &str) -> Words {
        let dataset = &manifest.dataset;
        if dataset.class == DatasetClass::Integrated {
            let resource = self.resource(manifest, table);
            let field = resource.and_then(|of| of.fields().iter().find(|of| of.name == name));
            return field.map_or_else(Words::default, |field| Words {
                title: None,
                meaning: field.description.clone(),
                is_day: field.description.contains(dictionary::IN_DAYS),
                codes: field
                    .categories
                    .iter()
                    .map(|code| (code.value.clone(), code.label.clone()))
                    .collect(),
            });
        }
        let own = [(dataset.name.to_string(), dataset.period.clone())];
        let column = self.described.find(&own, [dataset.name.as_str(), table, name]);
        column.map_or_else(Words::default, |column| Words {
            title: title_of_file(&column.file).filter(|_| is_named_as(&column.file, name)),
            meaning: column.meaning.clone().unwrap_or_default(),
            is_day: column.days,
            codes: column
                .codes
                .iter()
                .filter_map(|code| Some((code.code.clone(), code.label.clone()?)))
                .collect(),
        })
    }
}

impl Words {
    /// A cell in words.
    pub(super) fn cell(&self, text: &str) -> String {
        let label = self.codes.iter().find(|(code, _)| code == text).map(|(_, label)| label);
        match label {
            Some(label) if label != text => format!("{label} ({text})"),
            _ => text.to_owned(),
        }
    }
}

/// A source or a table of the shipped definitions by its usual name; another by its own.
pub(super) fn usual(name: &str) -> String {
    let usual = match name {
        "cin" => "Children in need census",
        "ssda903" | "ssda903_xlsx" | "ssda903_xml" => "Children looked after (SSDA903)",
        "school_census_xml" => "School census",
        "sen2" => "Special educational needs (SEN2)",
        "annex_a" => "Social care (Annex A)",
        "annex_a_send" => "Special educational needs (Annex A)",
        "missing" => "Missing children (police)",
        "ssd" => "Social care (SSD)",
        "pnw" => "Placements",
        _ => return title(name),
    };
    usual.to_owned()
}

/// Whether the definition names the column as the file does, or gave it another name of its own.
fn is_named_as(file: &str, name: &str) -> bool {
    let last = file.rsplit('/').next().unwrap_or(file);
    last.to_lowercase() == name.replace('_', "")
}

/// A name of a file's column in words, where capital letters part them: `CINclosureDate` is `CIN closure date`.
fn title_of_file(file: &str) -> Option<String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let letters: Vec<char> = name.chars().collect();
    let is_parted = name.chars().all(|c| c.is_ascii_alphanumeric())
        && letters.windows(2).any(|two| two[0].is_lowercase() && two[1].is_uppercase());
    if !is_parted {
        return None;
    }
    let mut words = vec![String::new()];
    for (at, c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let begins = c.is_uppercase() && before.is_some_and(|before| !before.is_uppercase());
        // The last capital of several begins a word, unless it is the end of an abbreviation with a word in small letters behind it.
        let ends = c.is_lowercase()
            && at > 1
            && before.is_some_and(|before| before.is_uppercase())
            && letters[at - 2].is_uppercase();
        if begins || ends {
            words.push(String::new());
        }
        let is_short = c.is_uppercase() && after.is_none_or(|after| after.is_uppercase());
        let small = words.len() > 1 && !is_short && before.is_some_and(|of| !of.is_uppercase());
        if let Some(word) = words.last_mut() {
            match small {
                true => word.extend(c.to_lowercase()),
                false => word.push(*c),
            }
        }
    }
    Some(words.join(" "))
}

/// `school_census` as a person reads it.
pub(super) fn title(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_in_words_and_as_it_is() {
        let codes = vec![("E".to_owned(), "Education, health and care plan".to_owned())];
        let words = Words { codes, ..Words::default() };
        assert_eq!(words.cell("E"), "Education, health and care plan (E)");
        assert_eq!(words.cell("K"), "K");
        assert_eq!(title("school_census"), "School census");
        assert_eq!(usual("cin"), "Children in need census");
        assert_eq!(usual("early_help"), "Early help");
        for (file, words) in [
            ("CINclosureDate", Some("CIN closure date")),
            ("Assessments/AssessmentActualStartDate", Some("Assessment actual start date")),
            ("ReferralNFA", Some("Referral NFA")),
            ("entrydate", None),
            ("DATE_INT", None),
            ("UPN", None),
        ] {
            assert_eq!(title_of_file(file).as_deref(), words, "{file}");
        }
        assert!(is_named_as("A/CINclosureDate", "cinclosuredate"));
        assert!(!is_named_as("NativeId", "school"));
    }
}
