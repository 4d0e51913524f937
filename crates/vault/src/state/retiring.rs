//! What custodians may end of a purpose: a version of its keys, or a release that nobody saw.

use minster_model::{KeyVersion, Period, TableName};

use super::PurposeState;

impl PurposeState {
    /// Whether custodians may have a release forgotten: one of which the log names no entry in the ledger. Programs since 0.2.0 name
    /// it, and leave a copy of it where they are stopped.
    pub(crate) fn may_forget(
        &self,
        release: &TableName,
        period: &Period,
        sha256: &str,
    ) -> Result<(), &'static str> {
        let place = (period.clone(), release.clone(), sha256.to_owned());
        match self.releases.get(&place) {
            None => Err("the vault's log knows of no such release"),
            Some(known) if known.entry.is_some() => Err(
                "the log names its entry in the ledger: put the ledger back from a copy, where the public has the release",
            ),
            Some(_) => Ok(()),
        }
    }

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
