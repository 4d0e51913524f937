//! The end of a version of a purpose's keys, and what would be lost with it.

use std::collections::BTreeSet;

use minster_model::{DatasetClass, KeyVersion};

use super::{PurposeState, short_name};

impl PurposeState {
    /// The datasets that stand under a version of the keys, as far as the vault knows.
    ///
    /// A dataset whose newest recorded manifest is under that version counts too: a key of the next version may have been made
    /// for it, by a program that was stopped before it recorded what it wrote.
    pub(crate) fn standing_under(&self, version: KeyVersion) -> BTreeSet<String> {
        let all = self.datasets.iter().filter(|(_, under)| **under == version);
        let recorded = self.manifests.under(version);
        let recorded = recorded.filter(|(class, ..)| *class != DatasetClass::Linkage);
        let recorded = recorded.map(|(class, name, period)| short_name(*class, name, period));
        all.map(|(dataset, _)| dataset.clone()).chain(recorded).collect()
    }

    /// Refuses to end a version that none follows, that is ended, or under which other datasets stand than are given up.
    pub(crate) fn may_retire(&self, version: KeyVersion, give_up: &[String]) -> Result<(), String> {
        self.stands().map_err(|denial| denial.to_string())?;
        let purpose = &self.definition.name;
        if version.0 == 0 || version > self.version {
            return Err(format!("the keys of {purpose} have the versions v1 to {}", self.version));
        }
        if version == self.version {
            return Err(format!(
                "{version} is the version in use: first `minster-vault request rotate` makes the next one, and `minster \
                 rekey` converts the datasets"
            ));
        }
        if self.retired.contains(&version) {
            return Err(format!("{version} is retired already"));
        }
        let standing = self.standing_under(version);
        let stands = |one: &String| standing.contains(one);
        if let Some(other) = give_up.iter().find(|one| !stands(one)) {
            return Err(format!(
                "no dataset {other} stands under {version}, so it cannot be given up"
            ));
        }
        let left: Vec<&str> =
            standing.iter().filter(|one| !give_up.contains(one)).map(String::as_str).collect();
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "datasets stand under {version}, and would be lost: {}. Convert them with `minster rekey`; one that is gone \
                 already, or may be lost, is named with --give-up",
                left.join(", ")
            )),
        }
    }
}
