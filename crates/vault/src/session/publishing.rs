//! Releases that are let out and withdrawn: logged before anyone can see them.

use minster_model::{Purpose, Role};
use minster_vault_api::{Denial, Publication, Publishing, Response};

use super::{Session, is_sha256};
use crate::log::{Asker, Event};

/// Releases in one answer: some 300 bytes each.
const PAGE: usize = 1_000;

impl Session<'_> {
    /// Where the purpose asks for several persons, each is a user of their own, as the socket tells, who lets the very
    /// same files out.
    pub(super) fn publish(&mut self, publication: Publication) -> Result<Response, Denial> {
        self.allow(&[Role::Analyst], "letting a release out")?;
        let entry = publication.entry.iter().all(|entry| is_sha256(entry));
        if !is_sha256(&publication.sha256) || !entry {
            return Err(super::out_of_order("a release and its entry are named by their SHA-256"));
        }
        if publication.what == Publishing::LetOut && publication.entry.is_none() {
            // Without it nobody could say later that the ledger lost the release.
            return Err(super::out_of_order(
                "a release is let out with the SHA-256 of its entry in the ledger of releases; use programs of one release",
            ));
        }
        if publication.what == Publishing::LetOut && publication.audience.is_none() {
            return Err(super::out_of_order(
                "a release is let out for an audience; use programs of one release",
            ));
        }
        let Asker { uid, role, .. } = *self.asker()?;
        self.decide(|state| {
            let (roles, day, all) = (&state.roles, state.day(), state);
            let state = state.open_to(role, &publication.purpose)?;
            let broken = state.definition.release.floors().broken_by(publication.rules.as_ref());
            if publication.what == Publishing::LetOut {
                all.are_linked(&publication.purpose, &publication.period)?;
            }
            if let (Publishing::LetOut, Some(what)) = (publication.what, broken) {
                let purpose = publication.purpose;
                return Err(Denial::WeakRules { purpose, what });
            }
            if let (Publishing::LetOut, Some(audience)) = (publication.what, publication.audience)
                && !state.definition.allows_audience(audience)
            {
                let (purpose, promise) = (publication.purpose, state.definition.promise());
                return Err(Denial::AudienceNotAllowed { purpose, audience, promise });
            }
            let needed = match publication.what {
                Publishing::LetOut => state.definition.release.persons,
                Publishing::Withdrawn => 1,
            };
            let agreed = files_of(&publication);
            let mut by = state.agreed.get(&agreed).cloned().unwrap_or_default();
            // One whose role ended since is no second person any more.
            by.retain(|uid| roles.holds(*uid, Role::Analyst, day));
            by.insert(uid);
            let missing = needed.saturating_sub(u32::try_from(by.len()).unwrap_or(u32::MAX));
            let event = match (publication.what, missing) {
                (Publishing::LetOut, 0) => Event::LetOut(publication),
                (Publishing::LetOut, _) => Event::Agreed(agreed),
                (Publishing::Withdrawn, _) => Event::Withdrew(publication),
            };
            Ok((event, Response::Published { missing }))
        })
    }
    /// A page of the releases of a purpose that the log knows.
    pub(super) fn releases(&mut self, purpose: &Purpose, page: u32) -> Result<Response, Denial> {
        self.allow(&[Role::Analyst], "the log's releases")?;
        let role = self.asker()?.role;
        let before = (page as usize).saturating_mul(PAGE);
        self.vault.look(|state| {
            let known = state.open_to(role, purpose)?.releases();
            Ok(Response::Releases(known.skip(before).take(PAGE).collect()))
        })?
    }
}

/// The matter that several persons agree on: the files. The entry in the ledger names the one who let them out.
pub(crate) fn files_of(publication: &Publication) -> Publication {
    Publication { entry: None, ..publication.clone() }
}
