//! The state of a vault that serves, as far as it may be told without a secret.

use minster_model::Purpose;
use minster_vault_api::{Denial, PurposeStatus, StatusReport, VersionStatus};

use super::Vault;
use crate::{
    log::checkpoint::Exporter,
    state::{PurposeState, State},
};

impl Vault {
    /// The facts that may be told without a secret.
    pub fn status(&self) -> Result<StatusReport, Denial> {
        let core = self.core()?;
        let (log_entries, log_head) = core.log.head();
        let state = &core.state;
        Ok(StatusReport {
            store_id: self.folder.keys.store_id().to_owned(),
            custody: self.folder.custody.clone(),
            custody_generation: state.generation,
            recipient: self.folder.recipient.clone(),
            verifier: self.folder.signer.verifier().to_string(),
            custodians: state.custodians.iter().map(|one| one.name.clone()).collect(),
            purposes: self.purposes(state),
            log_entries,
            log_head: log_head.to_owned(),
            checkpointed: core.exporter.as_ref().map_or(0, Exporter::covered),
            open_proposals: state.open_proposals().len() as u32,
            hardening: state.hardening.clone(),
            restorations: state.restorations,
            dangerous_roles: state.roles.dangerous(),
            roles: state.roles.told(),
            roles_file_ignored: core.ignores(&self.folder),
            single_user: state.single_user,
            checkpoint_age: core.exporter.as_ref().and_then(Exporter::age),
        })
    }

    pub(super) fn purposes(&self, state: &State) -> Vec<PurposeStatus> {
        let status = |(name, purpose): (&Purpose, &PurposeState)| PurposeStatus {
            purpose: name.clone(),
            key_version: purpose.version,
            key_check: self.folder.keys.check_value(name, purpose.version),
            versions: purpose
                .versions()
                .map(|(version, retired)| VersionStatus {
                    version,
                    key_check: self.folder.keys.check_value(name, version),
                    retired,
                })
                .collect(),
            expires: purpose.definition.expires.map(|date| date.to_string()),
            expired: purpose.definition.expired(),
            stopped: purpose.stopped.is_some(),
            identifiers: purpose.registry.as_ref().map_or(0, |head| head.records),
            today: purpose.today(),
            budget: (purpose.definition.budget.run, purpose.definition.budget.day),
            repairs_today: purpose.repairs_today(),
            repair_budget: purpose.definition.repairs.map_or((0, 0), |of| (of.run, of.day)),
            households: purpose.definition.households,
            floors: Some(purpose.definition.release.floors()),
        };
        state.purposes.iter().map(status).collect()
    }
}
