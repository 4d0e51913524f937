//! Purposes by name: those that are named, those that answer, and those that may be named next.

use minster_model::{Purpose, Role, SourceName};
use minster_vault_api::{Denial, PurposeDefinition, ReadColumns, first_of};

use super::{PurposeState, State};

impl State {
    /// A purpose that is named, over or not.
    pub(crate) fn named(&self, purpose: &Purpose) -> Result<&PurposeState, Denial> {
        let found = self.purposes.get(purpose);
        found.ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })
    }

    /// A purpose that is named, not ended and not over.
    pub(crate) fn live(&self, purpose: &Purpose) -> Result<&PurposeState, Denial> {
        let found = self.named(purpose)?;
        found.stands()?;
        match found.definition.expired() {
            false => Ok(found),
            true => Err(Denial::NoSuchPurpose { purpose: purpose.clone() }),
        }
    }

    /// A purpose that is named, not over and open to a role.
    pub(crate) fn open_to(&self, role: Role, purpose: &Purpose) -> Result<&PurposeState, Denial> {
        let found = self.live(purpose)?;
        match found.definition.roles.contains(&role) {
            true => Ok(found),
            false => Err(Denial::PurposeForbids {
                purpose: purpose.clone(),
                role,
                promise: found.definition.promise(),
            }),
        }
    }

    /// A purpose that is open to a role and that no alarm stopped.
    pub(crate) fn running(&self, role: Role, purpose: &Purpose) -> Result<&PurposeState, Denial> {
        let found = self.open_to(role, purpose)?;
        match found.stopped {
            None => Ok(found),
            Some(_) => {
                let rule = "an alarm stands".to_owned();
                Err(Denial::Probing { purpose: purpose.clone(), rule })
            }
        }
    }

    /// Whether custodians may name a purpose, or name one anew: a new one, and one with another sentence, stands in a version of
    /// the privacy notice that is newer than those that the log has.
    ///
    /// # Errors
    /// The version that it needs, in words.
    pub(crate) fn may_name(&self, new: &PurposeDefinition) -> Result<(), String> {
        if let Some(before) = self.purposes.get(&new.name) {
            before.stands().map_err(|denial| denial.to_string())?;
        }
        let versions = self.purposes.values().filter_map(|of| of.definition.notice.as_ref());
        let newest = versions.map(|notice| notice.version).max().unwrap_or_default();
        let version = new.notice.as_ref().map_or(0, |notice| notice.version);
        let sentence = new.notice.as_ref().map(|notice| &notice.sentence);
        let next = newest.saturating_add(1);
        match self.purposes.get(&new.name).map(|of| &of.definition) {
            None if version <= newest => Err(format!(
                "the purpose {} is new, and version {version} of the privacy notice cannot name it: the newest in the log is {newest}. \
                 Publish a notice that names it first: its version is {next} or later",
                new.name
            )),
            Some(before) => match &before.notice {
                Some(before) if version < before.version => Err(format!(
                    "the purpose {} stands in version {} of the privacy notice, and {version} is older",
                    new.name, before.version
                )),
                Some(before) if sentence != Some(&before.sentence) && version <= newest => {
                    Err(format!(
                        "the purpose {} has another sentence, and the newest notice in the log is {newest}. Publish a notice with \
                         this sentence first: its version is {next} or later",
                        new.name
                    ))
                }
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }
}

impl PurposeState {
    /// Refuses a source that the purpose does not name.
    pub(crate) fn allow_source(&self, source: &SourceName) -> Result<(), Denial> {
        let definition = &self.definition;
        match definition.allows(source) {
            true => Ok(()),
            false => Err(Denial::SourceNotAllowed {
                purpose: definition.name.clone(),
                source_name: source.clone(),
                promise: definition.promise(),
            }),
        }
    }

    /// Refuses columns that the purpose does not name.
    pub(crate) fn allow_columns(
        &self,
        source: &SourceName,
        read: &[ReadColumns],
    ) -> Result<(), Denial> {
        let definition = &self.definition;
        match first_of(&definition.outside(source, read)) {
            None => Ok(()),
            Some(what) => Err(Denial::OutsidePurpose {
                purpose: definition.name.clone(),
                what,
                promise: definition.promise(),
            }),
        }
    }
}
