//! Purposes by name: those that are named, those that answer, and those that may be named next.

use jiff::civil::Date;
use minster_model::{Purpose, Role, SourceName};
use minster_vault_api::{Denial, PurposeDefinition, ReadColumns, first_of, today};

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

    /// Whether custodians may name a purpose, or name one anew: a new one stands in a version of the privacy notice that is newer than
    /// those that the log has; one with another aim or sentence, and one that may use more or release to more readers, in a newer one
    /// than it stands in.
    ///
    /// # Errors
    /// The version that it needs, in words.
    pub(crate) fn may_name(&self, new: &PurposeDefinition) -> Result<(), String> {
        let stands = self.purposes.get(&new.name);
        if let Some(stands) = stands {
            stands.stands().map_err(|denial| denial.to_string())?;
        }
        let notices = || self.purposes.values().filter_map(|of| of.definition.notice.as_ref());
        let newest = notices().map(|notice| notice.version).max().unwrap_or_default();
        let version = new.notice.as_ref().map_or(0, |of| of.version);
        let stands = stands.map(|of| &of.definition);
        let own = stands.and_then(|of| of.notice.as_ref());
        if let Some(notice) = new.notice.as_ref().filter(|notice| Some(*notice) != own) {
            if notice.day.parse().is_ok_and(|day: Date| day > today()) {
                return Err(format!(
                    "the privacy notice of the purpose {} is of {}, and that day is to come: publish it first",
                    new.name, notice.day
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
        let Some(stands) = stands else {
            return match version <= newest {
                true => Err(format!(
                    "the purpose {} is new, and version {version} of the privacy notice cannot name it: the newest in the log is \
                     {newest}. Publish a notice that names it first: its version is {} or later",
                    new.name,
                    newest.saturating_add(1)
                )),
                false => Ok(()),
            };
        };
        // One of before notices were named stands in none: what is wider is newer than all.
        let before = own.map_or(newest, |notice| notice.version);
        let next = before.saturating_add(1);
        if let Some(own) = own.filter(|own| version < own.version) {
            return Err(format!(
                "the purpose {} stands in version {} of the privacy notice, and {version} is older",
                new.name, own.version
            ));
        }
        if version > before {
            return Ok(());
        }
        let sentence = new.notice.as_ref().map(|of| &of.sentence);
        let changed = match own {
            Some(own) if sentence != Some(&own.sentence) => Some("sentence"),
            Some(_) if new.text != stands.text => Some("aim (`text`)"),
            Some(_) if new.legal_basis != stands.legal_basis => Some("legal basis"),
            _ => None,
        };
        if let Some(changed) = changed {
            return Err(format!(
                "the purpose {} has another {changed}, and stands in version {before} of the privacy notice. Publish a notice that \
                 says so first: its version is {next} or later",
                new.name
            ));
        }
        match new.wider_than(stands) {
            Some(what) => Err(format!(
                "the purpose {} would allow {what}, which it does not allow today. Publish a notice that says so first: its version is \
                 {next} or later",
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
