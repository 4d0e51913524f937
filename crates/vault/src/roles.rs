//! Who may ask in which role. The table is part of the log: two custodians change it, and what they change counts at once.

use std::collections::BTreeSet;

use jiff::civil::Date;
use minster_model::Role;
use minster_vault_api::{DangerousRoles, Denial, RoleGrant};
use serde::{Deserialize, Serialize};

use crate::{VaultFault, approvals::NEEDED, folder::Roles, purposes::today, state::State};

/// Rows of the table, at most: a council's users are a few dozen.
const MOST: usize = 256;

/// One uid's right to ask in one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The role.
    pub role: Role,
    /// The uid.
    pub uid: u32,
    /// The last day (UTC) on which it holds the role; without end where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Holder {
    fn is_on(&self, day: Date) -> bool {
        self.until.is_none_or(|last| day <= last)
    }
}

/// The table of roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleTable(BTreeSet<Holder>);

impl RoleTable {
    /// The table of `vault.toml`.
    pub fn of_file(roles: &Roles) -> Self {
        let of = |role: Role| {
            roles.holders(role).iter().map(move |&uid| Holder { role, uid, until: None })
        };
        Self(Role::ALL.into_iter().flat_map(of).collect())
    }

    /// Whether a uid holds a role today.
    pub fn holds(&self, uid: u32, role: Role) -> bool {
        let day = today();
        self.of(uid, role).any(|one| one.is_on(day))
    }

    /// The uids that hold any role today.
    pub(crate) fn uids(&self) -> BTreeSet<u32> {
        self.in_force().map(|one| one.uid).collect()
    }

    /// Those that hold today, as the status tells them.
    pub(crate) fn told(&self) -> Vec<RoleGrant> {
        let told = |one: &Holder| RoleGrant {
            role: one.role,
            uid: one.uid,
            until: one.until.map(|last| last.to_string()),
        };
        self.in_force().map(told).collect()
    }

    /// The pairs of roles that one uid holds today and must not: whoever asks about numbers and turns tokens back finds children
    /// in a dataset, and a custodian stands over all others.
    pub fn dangerous(&self) -> Vec<DangerousRoles> {
        let pairs = [
            (Role::Ingest, Role::Linker),
            (Role::Ingest, Role::Auditor),
            (Role::Custodian, Role::Ingest),
            (Role::Custodian, Role::Linker),
            (Role::Custodian, Role::Analyst),
            (Role::Custodian, Role::Auditor),
        ];
        let mut all = Vec::new();
        for (one, other) in pairs {
            let both = self.uids().into_iter();
            let both = both.filter(|uid| self.holds(*uid, one) && self.holds(*uid, other));
            all.extend(both.map(|uid| DangerousRoles { uid, one, other }));
        }
        all.sort_by_key(|pair| pair.uid);
        all
    }

    /// Refuses to serve where one uid holds two roles that turn tokens back together, unless one person runs everything.
    ///
    /// # Errors
    /// [`VaultFault::Usage`], which names them.
    pub fn refuse_shared_roles(&self, single_user: bool) -> Result<(), VaultFault> {
        match self.undone().first() {
            Some(DangerousRoles { uid, one, other }) if !single_user => {
                Err(VaultFault::Usage(format!(
                    "uid {uid} holds the roles {one} and {other}: it could search a dataset for the children that it asks for. Give \
                     each role a user of its own (in vault.toml before the vault first serves; later as `minster-vault status` \
                     says); where one person runs everything, as in a trial, say so with --single-user"
                )))
            }
            _ => Ok(()),
        }
    }

    /// The uids that turn tokens back and ask for them.
    fn undone(&self) -> Vec<DangerousRoles> {
        let mut all = self.dangerous();
        all.retain(|pair| {
            pair.one == Role::Ingest && matches!(pair.other, Role::Linker | Role::Auditor)
        });
        all
    }

    /// Gives a uid a role, in the place of what it held of it.
    pub(crate) fn grant(&mut self, holder: Holder) {
        self.revoke(holder.role, holder.uid);
        self.0.insert(holder);
    }

    /// Takes a role away.
    pub(crate) fn revoke(&mut self, role: Role, uid: u32) {
        self.0.retain(|one| (one.role, one.uid) != (role, uid));
    }

    fn of(&self, uid: u32, role: Role) -> impl Iterator<Item = &Holder> {
        self.0.iter().filter(move |one| (one.role, one.uid) == (role, uid))
    }

    fn in_force(&self) -> impl Iterator<Item = &Holder> {
        let day = today();
        self.0.iter().filter(move |one| one.is_on(day))
    }

    fn has_a_custodian(&self) -> bool {
        self.0.iter().any(|one| one.role == Role::Custodian && one.until.is_none())
    }
}

impl State {
    /// Refuses a uid that does not hold a role today.
    ///
    /// # Errors
    /// [`Denial::NotInRole`].
    pub(crate) fn holds(&self, uid: u32, role: Role) -> Result<(), Denial> {
        match self.roles.holds(uid, role) {
            true => Ok(()),
            false => Err(Denial::NotInRole { uid, role }),
        }
    }

    /// Whether the table of `vault.toml` is taken over: once, and where nobody could approve a change, each time it is another.
    pub(crate) fn takes_over(&self, file: &RoleTable) -> bool {
        match &self.roles_file {
            None => true,
            Some(taken) => self.custodians.len() < NEEDED && taken != file,
        }
    }

    /// Whether a role may be granted.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_grant(&self, holder: &Holder) -> Result<(), String> {
        let Holder { role, uid, until } = holder;
        if until.is_some_and(|last| last < today()) {
            return Err("its last day is over".into());
        }
        if self.roles.of(*uid, *role).any(|one| one == holder) {
            return Err(format!("uid {uid} holds the role {role} so already"));
        }
        let mut after = self.roles.clone();
        after.grant(holder.clone());
        if after.0.len() > MOST {
            return Err(format!("the table has {MOST} rows, and may have no more; revoke some"));
        }
        // Whoever runs everything holds them already, and the status says so.
        let new = after.undone().into_iter().find(|pair| pair.uid == *uid);
        if let Some(DangerousRoles { one, other, .. }) = new.filter(|_| !self.single_user) {
            return Err(format!(
                "uid {uid} would hold {one} and {other}, and could search a dataset for the children that it asks for"
            ));
        }
        Self::keeps_a_custodian(&after)
    }

    /// Whether a role may be taken away.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_revoke(&self, role: Role, uid: u32) -> Result<(), String> {
        if self.roles.of(uid, role).next().is_none() {
            return Err(format!("uid {uid} does not hold the role {role}"));
        }
        let mut after = self.roles.clone();
        after.revoke(role, uid);
        Self::keeps_a_custodian(&after)
    }

    fn keeps_a_custodian(after: &RoleTable) -> Result<(), String> {
        match after.has_a_custodian() {
            true => Ok(()),
            false => Err(
                "no uid would hold the role custodian without end, and nobody could approve anything any more".into(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn table(text: &str) -> RoleTable {
        RoleTable::of_file(&toml::from_str(text).unwrap())
    }

    fn holder(role: Role, uid: u32, days: Option<i32>) -> Holder {
        let until = days.map(|days| today().saturating_add(days.days()));
        Holder { role, uid, until }
    }

    #[test]
    fn a_grant_for_a_day_ends_with_the_day() {
        let mut roles = table("custodian = [1]");
        roles.grant(holder(Role::Auditor, 7, Some(0)));
        assert!(roles.holds(7, Role::Auditor) && !roles.holds(7, Role::Custodian));
        assert_eq!(roles.uids(), [1, 7].into());
        roles.grant(holder(Role::Auditor, 7, Some(-1)));
        assert!(!roles.holds(7, Role::Auditor), "its last day was yesterday");
        assert_eq!((roles.uids(), roles.told().len()), ([1].into(), 1));
        // One that is over is in nobody's way.
        roles.grant(holder(Role::Ingest, 7, None));
        assert!(roles.dangerous().is_empty());
        let text = serde_json::to_string(&roles).unwrap();
        assert_eq!(serde_json::from_str::<RoleTable>(&text).unwrap(), roles);
    }

    #[test]
    fn a_grant_that_undoes_a_protection_or_leaves_nobody_to_approve_is_refused() {
        let roles = table("ingest = [2]\nlinker = [3]\ncustodian = [1]\nauditor = [4]");
        let mut state = State { roles, ..State::default() };
        let told = |state: &State, of: Holder| state.may_grant(&of).err().unwrap_or_default();
        for (role, uid) in
            [(Role::Linker, 2), (Role::Auditor, 2), (Role::Ingest, 3), (Role::Ingest, 4)]
        {
            for days in [None, Some(3)] {
                let why = told(&state, holder(role, uid, days));
                assert!(why.contains("search a dataset"), "{role} {uid}: {why}");
            }
        }
        assert_eq!(told(&state, holder(Role::Auditor, 9, Some(0))), "");
        assert!(told(&state, holder(Role::Auditor, 9, Some(-1))).contains("over"));
        assert!(told(&state, holder(Role::Auditor, 4, None)).contains("already"));
        assert!(told(&state, holder(Role::Custodian, 1, Some(9))).contains("nobody could approve"));
        assert!(state.may_revoke(Role::Custodian, 1).unwrap_err().contains("nobody could approve"));
        assert!(state.may_revoke(Role::Analyst, 1).unwrap_err().contains("does not hold"));
        assert_eq!(state.may_revoke(Role::Auditor, 4), Ok(()));
        state.single_user = true;
        assert_eq!(told(&state, holder(Role::Linker, 2, None)), "", "one person runs everything");
        (0..300).for_each(|uid| state.roles.grant(holder(Role::Analyst, 1_000 + uid, None)));
        assert!(told(&state, holder(Role::Analyst, 9, None)).contains("no more"));
    }
}
