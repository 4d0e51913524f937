//! New versions of a purpose's keys, and the end of old ones.
//!
//! The index of links makes the new pseudonyms without the raw identifiers. The pairs of old and new
//! ones are kept sealed until the old version is retired, so that `minster rekey` can be resumed.

use minster_model::{KeyVersion, Pseudonym, Purpose, Role};
use minster_vault_api::{Denial, Response};

use super::{Session, fault, out_of_order};
use crate::{approvals::refusal, log::Event, state::State, vault::locked};

/// Pairs of old and new pseudonyms in one answer: 4 MiB.
const PAGE: usize = 128 << 10;
const FOLDER: &str = "crosswalks";
const PAIR: usize = 2 * Pseudonym::LEN;

impl Session<'_> {
    /// Makes the next version. The pairs are durable before the version counts.
    pub(super) fn rotate(&mut self, purpose: &Purpose) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "a new version of keys")?;
        let vault = self.vault;
        let books = vault.books(purpose)?;
        let mut books = locked(&books)?;
        let from = vault.live_purpose(purpose)?.version;
        let version = KeyVersion(from.0 + 1);
        let successors = books.registry.pseudonyms_under(vault.keys(), purpose, version);
        let pairs = books.registry.crosswalk(&successors);
        for (page, pairs) in pairs.chunks(PAGE).enumerate() {
            let mut bytes = Vec::with_capacity(pairs.len() * PAIR);
            for (old, new) in pairs {
                bytes.extend_from_slice(old.as_bytes());
                bytes.extend_from_slice(new.as_bytes());
            }
            vault.write_sealed(FOLDER, &name(purpose, from, page), &bytes).map_err(fault)?;
        }
        let pairs = pairs.len() as u64;
        self.decide(|state| {
            // Under the lock of the books no other rotation comes between; the purpose's definition may.
            if state.live(purpose)?.version != from {
                return Err(out_of_order("the purpose has a new version of its keys already"));
            }
            Ok((Event::Rotated { purpose: purpose.clone(), version, pairs }, ()))
        })?;
        books.registry.turn_to(successors);
        Ok(Response::Rotated { version })
    }

    pub(super) fn crosswalk(
        &mut self,
        purpose: &Purpose,
        from: KeyVersion,
        page: u32,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "old and new pseudonyms")?;
        let role = self.asker()?.role;
        let check = |state: &State| {
            let state = state.open_to(role, purpose)?;
            if state.retired.contains(&from) {
                return Err(Denial::Retired { purpose: purpose.clone(), version: from });
            }
            let pairs = state.pairs.get(&from).copied();
            pairs.ok_or_else(|| refusal("answered", &format!("no version follows {from}")))
        };
        // First, too: the pages of a version that has no successor yet are not all there.
        let all = self.vault.look(check)??;
        let pairs = all.saturating_sub(u64::from(page) * PAGE as u64).min(PAGE as u64);
        let bytes = match pairs {
            0 => Vec::new(),
            _ => {
                let sealed = self.vault.read_sealed(FOLDER, &name(purpose, from, page as usize));
                let whole =
                    sealed.map_err(fault)?.filter(|it| it.len() as u64 == pairs * PAIR as u64);
                let purpose = purpose.clone();
                whole.ok_or(Denial::BrokenCrosswalk { purpose, from, page })?.to_vec()
            }
        };
        self.decide(|state| {
            check(state)?;
            let event = Event::ReadCrosswalk { purpose: purpose.clone(), from, page, pairs };
            Ok((event, ()))
        })?;
        Ok(Response::Crosswalk(bytes))
    }

    /// Ends a version that another has followed. Its pairs are removed first: they lead back to it.
    pub(super) fn retire(
        &mut self,
        purpose: &Purpose,
        version: KeyVersion,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "the end of a version of keys")?;
        self.decide(|state| {
            if version.0 == 0 || version >= state.named(purpose)?.version {
                let why = format!("{version} is not a version that another has followed");
                return Err(refusal("retired", &why));
            }
            Ok((Event::Retired { purpose: purpose.clone(), version }, ()))
        })?;
        let folder = self.vault.path().join(FOLDER);
        for page in 0.. {
            let path = folder.join(name(purpose, version, page));
            if !path.exists() {
                break;
            }
            self.vault.disk().remove(&path).map_err(fault)?;
        }
        Ok(Response::Retired)
    }
}

fn name(purpose: &Purpose, from: KeyVersion, page: usize) -> String {
    format!("{purpose}.{from}.{page}")
}
