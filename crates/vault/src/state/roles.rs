//! The table of roles, and the day by which it counts, as the log tells of them.

use minster_model::Role;

use super::{ProposalState, State, day_of};
use crate::{
    log::{AboutRole, Entry, Event},
    roles::{Accounts, Holder},
};

impl State {
    pub(super) fn see_day(&mut self, entry: &Entry) {
        let day = day_of(entry);
        self.last_day = match entry.event {
            Event::Restored { clock: true, .. } => day,
            _ => self.last_day.max(day),
        };
    }

    pub(super) fn apply_roles(&mut self, event: &Event) {
        match event {
            Event::TookOverRoles { roles } => {
                self.roles.clone_from(roles);
                self.roles_file = Some(roles.clone());
                self.ever_held.add_all(roles);
            }
            Event::GrantedRole { role, uid, until, .. } => {
                self.roles.grant(Holder { role: *role, uid: *uid, until: *until });
                self.ever_held.add(*uid, *role);
                self.proposals.retain(|_, open| !open.ends_with(event));
            }
            Event::RevokedRole { role, uid, .. } => {
                self.roles.revoke(*role, *uid);
                self.proposals.retain(|_, open| !open.ends_with(event));
            }
            _ => {}
        }
    }

    /// The accounts that custodians need, where so many shares open the vault.
    pub(crate) fn accounts(&self, shares: usize) -> Accounts {
        Accounts { shares, single_user: self.single_user }
    }
}

impl ProposalState {
    fn ends_with(&self, event: &Event) -> bool {
        changes_end(event, self.about.as_ref(), self.requester)
    }
}

/// Whether an open proposal ends with a change of the roles: one about the same role and uid was signed for what was before, and a
/// signature that stands in the log could be put under it again; one of a custodian who is none any more has nobody who asks for it.
pub(crate) fn changes_end(
    event: &Event,
    about: Option<&AboutRole>,
    requester: Option<u32>,
) -> bool {
    match event {
        Event::GrantedRole { role, uid, .. } => {
            about == Some(&AboutRole { role: *role, uid: *uid })
        }
        Event::RevokedRole { role, uid, .. } => {
            about == Some(&AboutRole { role: *role, uid: *uid })
                || *role == Role::Custodian && requester == Some(*uid)
        }
        _ => false,
    }
}
