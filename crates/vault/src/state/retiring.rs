//! The end of a version of a purpose's keys, and what would be lost with it.

use minster_model::KeyVersion;

use super::PurposeState;

impl PurposeState {
    /// The datasets that stand under a version of the keys, as far as the vault knows.
    pub(crate) fn standing_under(&self, version: KeyVersion) -> impl Iterator<Item = &str> {
        let all = self.datasets.iter().filter(move |(_, under)| **under == version);
        all.map(|(dataset, _)| dataset.as_str())
    }

    /// Refuses to end a version that none follows, that is ended, or under which other datasets stand than are given up.
    pub(crate) fn may_retire(&self, version: KeyVersion, give_up: &[String]) -> Result<(), String> {
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
        let stands = |one: &String| self.datasets.get(one) == Some(&version);
        if let Some(other) = give_up.iter().find(|one| !stands(one)) {
            return Err(format!(
                "no dataset {other} stands under {version}, so it cannot be given up"
            ));
        }
        let left: Vec<_> = self
            .standing_under(version)
            .filter(|one| !give_up.iter().any(|it| it == one))
            .collect();
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
