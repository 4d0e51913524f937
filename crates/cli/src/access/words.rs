//! Words for columns and codes, from the definitions.

use std::path::Path;

use minster_model::{DatasetClass, Period};
use minster_store::Manifest;

use crate::{
    dictionary::{self, Described, package::Resource},
    failure::Failure,
    pipeline::Loaded,
    stages,
};

/// What the definitions say of a column.
#[derive(Default)]
pub(super) struct Words {
    pub(super) meaning: String,
    /// Whether whole numbers in it are days.
    pub(super) is_day: bool,
    /// Codes with what they mean.
    pub(super) codes: Vec<(String, String)>,
}

/// The definitions.
pub(super) struct Definitions<'a> {
    loaded: &'a Loaded,
    config: &'a Path,
    described: Described,
    /// Linked datasets, by period; nothing where the definitions changed since.
    linked: Vec<(Period, Option<Vec<Resource>>)>,
}

impl<'a> Definitions<'a> {
    pub(super) fn read(loaded: &'a Loaded, config: &'a Path) -> Result<Self, Failure> {
        Ok(Self { loaded, config, described: stages::described(config)?, linked: Vec::new() })
    }

    /// A table of a linked dataset, where the definitions explain it.
    fn resource(&mut self, manifest: &Manifest, table: &str) -> Option<&Resource> {
        if manifest.dataset.purpose != self.loaded.pipeline.purpose {
            return None;
        }
        let period = &manifest.dataset.period;
        if !self.linked.iter().any(|(known, _)| known == period) {
            let explained = dictionary::explain(self.loaded, self.config, period);
            let tables = explained.ok().filter(|of| of.dataset == manifest.dataset);
            self.linked.push((period.clone(), tables.map(|of| of.tables)));
        }
        let tables = self.linked.iter().find(|(known, _)| known == period)?.1.as_ref()?;
        tables.iter().find(|resource| resource.name == table)
    }

    /// What a table is.
    pub(super) fn table(&mut self, manifest: &Manifest, table: &str) -> String {
        match manifest.dataset.class {
            DatasetClass::Integrated => self
                .resource(manifest, table)
                .map(|resource| resource.description.clone())
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// What a column is.
    pub(super) fn column(&mut self, manifest: &Manifest, table: &str, name: &str) -> Words {
        let dataset = &manifest.dataset;
        if dataset.class == DatasetClass::Integrated {
            let resource = self.resource(manifest, table);
            let field = resource.and_then(|of| of.fields().iter().find(|of| of.name == name));
            return field.map_or_else(Words::default, |field| Words {
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
    }
}
