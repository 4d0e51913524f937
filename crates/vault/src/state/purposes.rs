//! Purposes by name: those that are named, those that answer, and those that may be named next.

use minster_model::{Purpose, Role, SourceName};
use minster_vault_api::{Denial, PurposeDefinition, ReadColumns, first_of};

use super::{PurposeState, State};

/// Versions of the privacy notice that may lie between one in the log and the next.
const MOST_SKIPPED: u32 = 1_000;

impl State {
    /// A purpose that is named, over or not.
    pub(crate) fn named(&self, purpose: &Purpose) -> Result<&PurposeState, Denial> {
        let found = self.purposes.get(purpose);
        found.ok_or_else(|| Denial::NoSuchPurpose { purpose: purpose.clone() })
    }

    /// A purpose that is named and not over.
    pub(crate) fn live(&self, purpose: &Purpose) -> Result<&PurposeState, Denial> {
        let found = self.named(purpose)?;
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

    /// Whether custodians may name a purpose, or name one anew: a new one, one with another sentence, and one that may use more
    /// or release to more readers stands in a version of the privacy notice that is newer than those that the log has.
    ///
    /// # Errors
    /// The version that it needs, in words.
    pub(crate) fn may_name(&self, new: &PurposeDefinition) -> Result<(), String> {
        let notices = || self.purposes.values().filter_map(|of| of.definition.notice.as_ref());
        let newest = notices().map(|notice| notice.version).max().unwrap_or_default();
        let (version, next) =
            (new.notice.as_ref().map_or(0, |of| of.version), newest.saturating_add(1));
        if let Some(notice) = &new.notice {
            // A mistyped version would close the way for all that follow.
            if version > newest.saturating_add(MOST_SKIPPED) {
                return Err(format!(
                    "version {version} of the privacy notice is more than {MOST_SKIPPED} above {newest}, the newest in the log: look \
                     whether it is mistyped"
                ));
            }
            let other = notices().find(|of| of.version == version && of.day != notice.day);
            if let Some(other) = other {
                return Err(format!(
                    "the log has version {version} of the privacy notice as that of {}, and the purpose {} says {}",
                    other.day, new.name, notice.day
                ));
            }
        }
        let Some(stands) = self.purposes.get(&new.name).map(|of| &of.definition) else {
            return match version <= newest {
                true => Err(format!(
                    "the purpose {} is new, and version {version} of the privacy notice cannot name it: the newest in the log is \
                     {newest}. Publish a notice that names it first: its version is {next} or later",
                    new.name
                )),
                false => Ok(()),
            };
        };
        let Some(before) = &stands.notice else { return Ok(()) };
        if version < before.version {
            return Err(format!(
                "the purpose {} stands in version {} of the privacy notice, and {version} is older",
                new.name, before.version
            ));
        }
        if version > newest {
            return Ok(());
        }
        if new.notice.as_ref().is_none_or(|notice| notice.sentence != before.sentence) {
            return Err(format!(
                "the purpose {} has another sentence, and the newest notice in the log is {newest}. Publish a notice with this \
                 sentence first: its version is {next} or later",
                new.name
            ));
        }
        match new.wider_than(stands) {
            Some(what) => Err(format!(
                "the purpose {} would allow {what}, which version {version} of the privacy notice did not tell of. Publish a notice \
                 that does first: its version is {next} or later",
                new.name
            )),
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
