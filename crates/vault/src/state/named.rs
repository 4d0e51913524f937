//! Purposes by what may be asked under them: named, not over, open to a role, not stopped.

use minster_model::{Purpose, Role};
use minster_vault_api::Denial;

use super::{PurposeState, State};

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
            false => Err(Denial::PurposeForbids { purpose: purpose.clone(), role }),
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
}
