//! The measures of security, and whether they stand here.

use minster_vault_api::StatusReport;
use serde::Serialize;

/// A measure of security, and whether this installation has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Measure {
    pub(super) what: String,
    pub(super) here: Standing,
    pub(super) evidence: String,
}

/// Whether a measure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Standing {
    /// The vault's status shows it.
    Stands,
    /// The vault's status shows that it is missing: the officer asks why.
    DoesNotStand,
    /// The programs are built so; nothing here measures it. `minster-audit` looks at what they made.
    ByConstruction,
}

impl Standing {
    fn of(stands: bool) -> Self {
        if stands { Self::Stands } else { Self::DoesNotStand }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::DoesNotStand => "DOES NOT STAND",
            Self::ByConstruction => "by construction",
        }
    }
}

/// A checkpoint that is older covers too little of the log: that of a day and a half before, as the alert rules have it.
const OLDEST_CHECKPOINT: u64 = 36 * 3600;

/// The measures of security: those that the vault's own status tells of, and those by which the programs are built.
pub(super) fn measures(status: &StatusReport) -> Vec<Measure> {
    let measure = |what: &str, stands: bool, evidence: String| Measure {
        what: what.to_owned(),
        here: Standing::of(stands),
        evidence,
    };
    let built = |what: &str, evidence: &str| Measure {
        what: what.to_owned(),
        here: Standing::ByConstruction,
        evidence: evidence.to_owned(),
    };
    let is_covered = status.checkpointed >= status.log_entries;
    let is_shut_in = status.hardening.split("; ").all(|part| part.ends_with(": yes"));
    let dangerous: Vec<String> = status
        .dangerous_roles
        .iter()
        .map(|of| format!("uid {} holds {} and {}", of.uid, of.one, of.other))
        .collect();
    let checkpoint = match status.checkpoint_age {
        None => "the vault keeps no folder of checkpoints, or none is there yet".to_owned(),
        Some(seconds) => format!("the last is {} hours old", seconds / 3600),
    };
    vec![
        Measure {
            evidence: format!("the root key is sealed: {}", status.custody),
            ..built("identifiers become keyed pseudonyms, and the key stays in the vault", "")
        },
        measure(
            "two custodians approve whatever undoes a protection",
            status.custodians.len() >= 2,
            format!("{} custodians", status.custodians.len()),
        ),
        measure(
            "nobody holds two roles that undo a protection together",
            dangerous.is_empty() && !status.single_user,
            match (status.single_user, dangerous.is_empty()) {
                (true, _) => "the vault serves a single user, who holds all roles".to_owned(),
                (false, true) => "no account does".to_owned(),
                (false, false) => dangerous.join("; "),
            },
        ),
        measure("the vault's process is closed to others", is_shut_in, status.hardening.clone()),
        measure(
            "each answer of the vault is logged before it is given, and signed checkpoints cover the log",
            status.checkpoint_age.is_some_and(|age| age <= OLDEST_CHECKPOINT || is_covered),
            format!("{} entries; {checkpoint}", status.log_entries),
        ),
        built(
            "datasets are encrypted, and only the vault opens their keys",
            "a key for each dataset, made anew by each run",
        ),
        built(
            "only tables that withstood an attack leave, and a person lets each out",
            "see the purposes' rules for releases; `minster verify` attacks a release again",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use minster_model::Role;
    use minster_vault_api::DangerousRoles;

    use super::*;

    fn whole() -> StatusReport {
        StatusReport {
            store_id: String::new(),
            custody: "shares".into(),
            custody_generation: 1,
            recipient: String::new(),
            verifier: String::new(),
            custodians: vec!["ann".into(), "ben".into()],
            purposes: Vec::new(),
            log_entries: 10,
            log_head: String::new(),
            checkpointed: 10,
            open_proposals: 0,
            cases: Default::default(),
            hardening: "no core dumps: yes; seccomp: yes".into(),
            restorations: 0,
            dangerous_roles: Vec::new(),
            roles: Vec::new(),
            roles_file_ignored: false,
            single_user: false,
            custodian_accounts_missing: 0,
            checkpoint_age: Some(60),
        }
    }

    fn missing(of: &StatusReport) -> Vec<String> {
        let all = measures(of).into_iter();
        all.filter(|of| of.here == Standing::DoesNotStand).map(|of| of.what).collect()
    }

    #[test]
    fn each_measure_that_the_status_can_deny_is_denied() {
        assert_eq!(missing(&whole()), [""; 0]);
        let measured = measures(&whole()).iter().filter(|of| of.here == Standing::Stands).count();
        assert_eq!(measured, 4);
        // A log that is covered is covered by an old checkpoint too.
        let old = StatusReport { checkpoint_age: Some(OLDEST_CHECKPOINT + 1), ..whole() };
        assert_eq!(missing(&old), [""; 0]);
        let roles = DangerousRoles { uid: 7, one: Role::Ingest, other: Role::Linker };
        let faulty = [
            ("two custodians", StatusReport { custodians: vec!["ann".into()], ..whole() }),
            ("two roles", StatusReport { dangerous_roles: vec![roles], ..whole() }),
            ("two roles", StatusReport { single_user: true, ..whole() }),
            ("closed to others", StatusReport { hardening: String::new(), ..whole() }),
            ("closed to others", {
                let hardening = "no core dumps: yes; seccomp: refused by the system".into();
                StatusReport { hardening, ..whole() }
            }),
            ("checkpoints", StatusReport { checkpoint_age: None, ..whole() }),
            ("checkpoints", StatusReport { checkpointed: 9, ..old.clone() }),
        ];
        for (what, status) in faulty {
            let missing = missing(&status);
            assert!(missing.len() == 1 && missing[0].contains(what), "{what}: {missing:?}");
        }
    }
}
