//! The holders of each role. The table is part of the log: two custodians change it, and what they change counts at once.

use std::collections::{BTreeMap, BTreeSet};

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

    /// Whether a uid holds a role on a day: see [`State::day`].
    pub fn holds(&self, uid: u32, role: Role, day: Date) -> bool {
        self.of(uid, role).any(|one| one.is_on(day))
    }

    /// The uids that hold any role on a day.
    pub(crate) fn uids(&self, day: Date) -> BTreeSet<u32> {
        self.in_force(day).map(|one| one.uid).collect()
    }

    /// Those that hold on a day, as the status tells them.
    pub(crate) fn told(&self, day: Date) -> Vec<RoleGrant> {
        let told = |one: &Holder| RoleGrant {
            role: one.role,
            uid: one.uid,
            until: one.until.map(|last| last.to_string()),
        };
        self.in_force(day).map(told).collect()
    }

    /// The pairs of roles that one uid holds on a day and must not: whoever asks about numbers and turns tokens back finds children
    /// in a dataset, and a custodian stands over all others.
    pub fn dangerous(&self, day: Date) -> Vec<DangerousRoles> {
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
            let both = self.uids(day).into_iter();
            let both =
                both.filter(|uid| self.holds(*uid, one, day) && self.holds(*uid, other, day));
            all.extend(both.map(|uid| DangerousRoles { uid, one, other }));
        }
        all.sort_by_key(|pair| pair.uid);
        all
    }

    /// Refuses to serve where one uid holds two roles that turn tokens back together, unless one person runs everything.
    ///
    /// # Errors
    /// [`VaultFault::Usage`], which names them.
    pub fn refuse_shared_roles(&self, single_user: bool, day: Date) -> Result<(), VaultFault> {
        match self.undone(day).first() {
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
    fn undone(&self, day: Date) -> Vec<DangerousRoles> {
        let mut all = self.dangerous(day);
        all.retain(|pair| undo_together(pair.one, pair.other));
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

    fn in_force(&self, day: Date) -> impl Iterator<Item = &Holder> {
        self.0.iter().filter(move |one| one.is_on(day))
    }

    /// Uids that hold the role custodian without end.
    pub(crate) fn custodians(&self) -> usize {
        self.0.iter().filter(|one| one.role == Role::Custodian && one.until.is_none()).count()
    }
}

/// Whether two roles of one uid turn tokens back and ask for them. In earlier releases the auditor was given the keys for it, and a key that
/// was given outlives the release.
fn undo_together(one: Role, other: Role) -> bool {
    let turns_back = |role| matches!(role, Role::Linker | Role::Auditor);
    one == Role::Ingest && turns_back(other) || other == Role::Ingest && turns_back(one)
}

/// The roles that each uid ever held. A run's numbers outlive the role in which they were asked, and so does a key that a role was
/// given: two roles of one uid undo a protection together one after the other too.
#[derive(Debug, Clone, Default)]
pub(crate) struct EverHeld(BTreeMap<u32, BTreeSet<Role>>);

impl EverHeld {
    pub(crate) fn add(&mut self, uid: u32, role: Role) {
        self.0.entry(uid).or_default().insert(role);
    }

    pub(crate) fn add_all(&mut self, roles: &RoleTable) {
        roles.0.iter().for_each(|one| self.add(one.uid, one.role));
    }

    /// A role that a uid held and that another would undo a protection with.
    fn against(&self, uid: u32, role: Role) -> Option<Role> {
        self.0.get(&uid)?.iter().copied().find(|held| undo_together(*held, role))
    }
}

/// The accounts that a vault's custodians need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accounts {
    /// Shares that open the vault, each from an account of its own; 1 where it is opened without.
    pub(crate) shares: usize,
    /// Whether one person runs everything, with one account.
    pub(crate) single_user: bool,
}

impl Accounts {
    /// So many are kept once they are there.
    pub(crate) fn kept(self) -> usize {
        if self.single_user { 1 } else { self.shares.max(NEEDED) }
    }

    /// Without so many, nobody could open the vault or change a role any more.
    fn least(self) -> usize {
        if self.single_user { 1 } else { self.shares.max(1) }
    }
}

impl State {
    /// The day (UTC) by which last days count: today, or the day of the log's last entry where the clock shows an earlier one. A clock
    /// that was put back brings no role back.
    pub(crate) fn day(&self) -> Date {
        self.last_day.map_or_else(today, |last| last.max(today()))
    }

    /// Refuses a uid that does not hold a role on that day.
    ///
    /// # Errors
    /// [`Denial::NotInRole`].
    pub(crate) fn holds(&self, uid: u32, role: Role) -> Result<(), Denial> {
        match self.roles.holds(uid, role, self.day()) {
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

    /// Whether the table of `vault.toml` may be taken over. Without accounts for its custodians a vault that has taken it over could
    /// never be opened, or its roles never be changed, again.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_take_over(&self, file: &RoleTable, accounts: Accounts) -> Result<(), String> {
        let (found, least) = (file.custodians(), accounts.least());
        if found < least {
            return Err(format!(
                "names {found} of the {least} uids that the role custodian needs at least: the log would take this table over, and nobody \
                 could approve a change of it, or open the vault, any more. Name each custodian's account under [roles] custodian"
            ));
        }
        let new = file.0.iter().filter(|one| !self.roles.0.contains(*one) && !accounts.single_user);
        for Holder { uid, role, .. } in new {
            if let Some(held) = self.ever_held.against(*uid, *role) {
                return Err(held_before(*uid, *role, held));
            }
        }
        Ok(())
    }

    /// Whether a role may be granted.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_grant(&self, holder: &Holder, accounts: Accounts) -> Result<(), String> {
        let Holder { role, uid, until } = holder;
        if until.is_some_and(|last| last < self.day()) {
            return Err("its last day is over".into());
        }
        if self.roles.0.contains(holder) {
            return Err(format!("uid {uid} holds the role {role} so already"));
        }
        let mut after = self.roles.clone();
        after.grant(holder.clone());
        if after.0.len() > MOST {
            return Err(format!("the table has {MOST} rows, and may have no more; revoke some"));
        }
        // One user who runs everything holds them already, and the status says so.
        let new = after.undone(self.day()).into_iter().find(|pair| pair.uid == *uid);
        if let Some(DangerousRoles { one, other, .. }) = new.filter(|_| !accounts.single_user) {
            return Err(format!(
                "uid {uid} would hold {one} and {other}, and could search a dataset for the children that it asks for"
            ));
        }
        if let Some(held) = self.ever_held.against(*uid, *role).filter(|_| !accounts.single_user) {
            return Err(held_before(*uid, *role, held));
        }
        self.keeps_custodians(&after, accounts)
    }

    /// Whether a role may be taken away.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_revoke(
        &self,
        role: Role,
        uid: u32,
        accounts: Accounts,
    ) -> Result<(), String> {
        if self.roles.of(uid, role).next().is_none() {
            return Err(format!("uid {uid} does not hold the role {role}"));
        }
        let mut after = self.roles.clone();
        after.revoke(role, uid);
        self.keeps_custodians(&after, accounts)
    }

    /// A vault that has fewer than it needs gets no fewer.
    fn keeps_custodians(&self, after: &RoleTable, accounts: Accounts) -> Result<(), String> {
        let least = accounts.kept().min(self.roles.custodians()).max(1);
        match after.custodians() {
            0 => Err(
                "no uid would hold the role custodian without end, and nobody could approve anything any more".into(),
            ),
            left if left < least => Err(format!(
                "{left} of the {least} uids would be left that must hold the role custodian without end: each custodian unlocks the vault \
                 from an account of their own; grant it to another first"
            )),
            _ => Ok(()),
        }
    }
}

fn held_before(uid: u32, role: Role, held: Role) -> String {
    format!(
        "uid {uid} held the role {held} before, and with {role} could search a dataset for children that it asked for or was given: give \
         {role} to a user that never held {held}"
    )
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
        let day = today();
        assert!(roles.holds(7, Role::Auditor, day) && !roles.holds(7, Role::Custodian, day));
        assert_eq!(roles.uids(day), [1, 7].into());
        roles.grant(holder(Role::Auditor, 7, Some(-1)));
        assert!(!roles.holds(7, Role::Auditor, day), "its last day was yesterday");
        assert_eq!((roles.uids(day), roles.told(day).len()), ([1].into(), 1));
        // One that is over is in nobody's way.
        roles.grant(holder(Role::Ingest, 7, None));
        assert!(roles.dangerous(day).is_empty());
        let text = serde_json::to_string(&roles).unwrap();
        assert_eq!(serde_json::from_str::<RoleTable>(&text).unwrap(), roles);
    }

    #[test]
    fn a_grant_that_undoes_a_protection_or_leaves_nobody_to_approve_is_refused() {
        let roles = table("ingest = [2]\nlinker = [3]\ncustodian = [1]\nauditor = [4]");
        let mut state = State { roles, ..State::default() };
        let told = |state: &State, of: Holder| {
            state.may_grant(&of, state.accounts(1)).err().unwrap_or_default()
        };
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
        let revoked = |role, uid| state.may_revoke(role, uid, state.accounts(1));
        assert!(revoked(Role::Custodian, 1).unwrap_err().contains("nobody could approve"));
        assert!(revoked(Role::Analyst, 1).unwrap_err().contains("does not hold"));
        assert_eq!(revoked(Role::Auditor, 4), Ok(()));
        state.single_user = true;
        assert_eq!(told(&state, holder(Role::Linker, 2, None)), "", "one person runs everything");
        (0..300).for_each(|uid| state.roles.grant(holder(Role::Analyst, 1_000 + uid, None)));
        assert!(told(&state, holder(Role::Analyst, 9, None)).contains("no more"));
    }

    /// Numbers that were asked, and keys that were given, outlive the role.
    #[test]
    fn a_uid_that_ever_held_one_role_of_a_dangerous_pair_is_not_granted_the_other() {
        for (first, second) in [(Role::Ingest, Role::Linker), (Role::Auditor, Role::Ingest)] {
            let mut state = State { roles: table("custodian = [1, 2]"), ..State::default() };
            state.ever_held.add(9, first);
            let told = |state: &State| state.may_grant(&holder(second, 9, None), state.accounts(1));
            assert!(told(&state).unwrap_err().contains("held the role"), "{first} then {second}");
            let of = |role, uid| state.may_grant(&holder(role, uid, None), state.accounts(1));
            assert_eq!(
                (of(first, 9), of(Role::Analyst, 9), of(second, 8)),
                (Ok(()), Ok(()), Ok(()))
            );
            // The table of a vault whose file counts, for want of two custodians, is held to the same.
            let file = format!("custodian = [1]\n{second} = [9]");
            let accounts = |single_user| Accounts { shares: 1, single_user };
            let why = state.may_take_over(&table(&file), accounts(false)).unwrap_err();
            assert!(why.contains("held the role"), "{why}");
            assert_eq!(state.may_take_over(&table(&file), accounts(true)), Ok(()));
            state.single_user = true;
            assert_eq!(told(&state), Ok(()));
        }
    }

    #[test]
    fn a_table_without_accounts_for_its_custodians_is_not_taken_over() {
        let taken = |text: &str, shares, single_user| {
            State::default().may_take_over(&table(text), Accounts { shares, single_user })
        };
        for (text, shares, single_user) in [
            ("", 1, false),
            ("", 1, true),
            ("auditor = [7]", 1, false),
            ("custodian = [1]", 2, false),
            ("custodian = [1, 1]", 2, false),
        ] {
            let why = taken(text, shares, single_user).unwrap_err();
            assert!(why.contains("under [roles] custodian"), "{text}: {why}");
        }
        for (text, shares, single_user) in [
            ("custodian = [1]", 1, false),
            ("custodian = [1]", 3, true),
            ("custodian = [1, 2]", 2, false),
        ] {
            assert_eq!(taken(text, shares, single_user), Ok(()), "{text}");
        }
    }

    #[test]
    fn so_many_accounts_stay_as_the_custodians_need_to_open_the_vault() {
        let state = State { roles: table("custodian = [1, 2, 3]"), ..State::default() };
        let revoked = |state: &State, shares| {
            state.may_revoke(Role::Custodian, 1, state.accounts(shares)).err().unwrap_or_default()
        };
        assert!(revoked(&state, 3).contains("2 of the 3 uids"), "{}", revoked(&state, 3));
        assert_eq!(revoked(&state, 2), "");
        let ends = state.may_grant(&holder(Role::Custodian, 1, Some(9)), state.accounts(3));
        assert!(ends.unwrap_err().contains("2 of the 3 uids"), "a last day is an end too");
        // Two sign, so two accounts stay, however the vault is opened.
        let two = State { roles: table("custodian = [1, 2]"), ..State::default() };
        assert!(revoked(&two, 1).contains("1 of the 2 uids"));
        assert_eq!(revoked(&State { single_user: true, ..two }, 1), "");
    }

    /// The clock is put back after an entry of a later day.
    #[test]
    fn a_role_that_ended_by_the_log_s_last_entry_does_not_come_back_with_an_earlier_clock() {
        let mut roles = table("custodian = [1]");
        roles.grant(holder(Role::Auditor, 7, Some(0)));
        let tomorrow = Some(today().saturating_add(1.day()));
        let mut state = State { roles, last_day: tomorrow, ..State::default() };
        let denied = Err(Denial::NotInRole { uid: 7, role: Role::Auditor });
        assert_eq!(state.holds(7, Role::Auditor), denied);
        let why = state.may_grant(&holder(Role::Analyst, 8, Some(0)), state.accounts(1));
        assert!(why.unwrap_err().contains("over"));
        state.last_day = None;
        assert_eq!(state.holds(7, Role::Auditor), Ok(()));
    }
}
