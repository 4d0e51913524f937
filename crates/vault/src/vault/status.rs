//! The state of a vault that serves, as far as it may be told without a secret.

use minster_model::Purpose;
use minster_vault_api::{Denial, PurposeStatus, StatusReport, VersionStatus};

use super::Vault;
use crate::{
    log::checkpoint::Exporter,
    state::{Ending, PurposeState, State},
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
            cases: state.cases.counts(state.day()),
            hardening: state.hardening.clone(),
            restorations: state.restorations,
            dangerous_roles: state.roles.dangerous(state.day()),
            roles: state.roles.told(state.day()),
            roles_file_ignored: core.ignores(&self.folder),
            single_user: state.single_user,
            custodian_accounts_missing: state
                .accounts(self.folder.shares)
                .kept()
                .saturating_sub(state.roles.custodians())
                as u32,
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
            end: purpose.ending.as_ref().map(Ending::told),
        };
        state.purposes.iter().map(status).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use minster_model::Role;
    use minster_vault_api::{Denial, PROTOCOL, Request, Response};

    use super::Vault;
    use crate::{custody, disk::Disk, folder, session::Session};

    /// These questions add no entry, so the log that refuses to go back does not refuse them.
    #[test]
    fn while_the_clock_is_behind_the_log_nothing_is_answered_not_even_what_is_not_logged() {
        let place = tempfile::tempdir().unwrap();
        let (path, key) = (place.path().join("vault"), place.path().join("key"));
        let custody = custody::Wanted::KeyFile(key.clone());
        let plan = folder::Plan { custody: &custody, purposes: vec![], custodians: vec![] };
        folder::init(&path, &plan, &Disk::new()).unwrap();
        let secret = custody::Secret::key_file(key);
        let opened = folder::open_folder(&path, &secret, Disk::new()).unwrap();
        let vault = Vault::new(opened, None, true).unwrap();
        let uid = rustix::process::getuid().as_raw();
        let hello =
            || Request::Hello { protocol: PROTOCOL, role: Role::Auditor, program: "t".into() };
        let mut before = Session::new(&vault, uid);
        assert!(matches!(before.answer(hello()), Response::Welcome { .. }));
        assert!(matches!(before.answer(Request::ReadLog { from: 0 }), Response::LogPage(_)));
        vault.core().unwrap().log.run_ahead(SignedDuration::from_hours(1));
        let mut after = Session::new(&vault, uid);
        let refused = |answer| match answer {
            Response::Denied(denied) => assert_eq!(denied, Denial::LogUnwritable),
            _ => panic!("answered"),
        };
        refused(after.answer(hello()));
        refused(before.answer(Request::ReadLog { from: 0 }));
        refused(before.answer(Request::Status));
    }
}
