//! Releases that are let out and withdrawn: logged before anyone can see them.

use minster_model::Role;
use minster_vault_api::{Denial, Publication, Publishing, Response};

use super::Session;
use crate::log::{Asker, Event};

impl Session<'_> {
    /// Where the purpose asks for several persons, each is a user of their own, as the socket tells, who lets the very
    /// same files out.
    pub(super) fn publish(&mut self, publication: Publication) -> Result<Response, Denial> {
        self.allow(&[Role::Analyst], "letting a release out")?;
        let is_hash = publication.sha256.len() == 64
            && publication.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(super::out_of_order("a release is named by its SHA-256"));
        }
        let Asker { uid, role, .. } = *self.asker()?;
        self.decide(|state| {
            let state = state.open_to(role, &publication.purpose)?;
            let broken = state.definition.release.broken_by(publication.rules.as_ref());
            if let (Publishing::LetOut, Some(what)) = (publication.what, broken) {
                let purpose = publication.purpose;
                return Err(Denial::WeakRules { purpose, what });
            }
            let needed = match publication.what {
                Publishing::LetOut => state.definition.release.persons,
                Publishing::Withdrawn => 1,
            };
            let mut by = state.agreed.get(&publication).cloned().unwrap_or_default();
            by.insert(uid);
            let missing = needed.saturating_sub(u32::try_from(by.len()).unwrap_or(u32::MAX));
            let event = match (publication.what, missing) {
                (Publishing::LetOut, 0) => Event::LetOut(publication),
                (Publishing::LetOut, _) => Event::Agreed(publication),
                (Publishing::Withdrawn, _) => Event::Withdrew(publication),
            };
            Ok((event, Response::Published { missing }))
        })
    }
}
