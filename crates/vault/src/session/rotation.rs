//! New versions of a purpose's keys, and the end of old ones.
//!
//! The index of links makes the new pseudonyms without the raw identifiers. The pairs of old and new
//! ones are kept sealed until the old version is retired, so that `minster rekey` can be resumed.

use minster_model::{KeyVersion, Pseudonym, Purpose, Role};
use minster_vault_api::{CarriedOut, Denial, Response};

use super::{Session, fault};
use crate::{approvals::refusal, log::Event, state::State, vault::in_use};

/// Pairs of old and new pseudonyms in one answer: 4 MiB.
const PAGE: usize = 128 << 10;
pub(crate) const FOLDER: &str = "crosswalks";
const PAIR: usize = 2 * Pseudonym::LEN;

impl Session<'_> {
    /// Makes the version that custodians approved, which must still be the next one. The pairs are durable before it
    /// counts.
    pub(super) fn rotate(
        &mut self,
        proposal: String,
        purpose: &Purpose,
        version: KeyVersion,
    ) -> Result<Response, Denial> {
        let vault = self.vault;
        let books = vault.books(purpose)?;
        let mut books = in_use(&books)?;
        let from = vault.look(|state| {
            state.approved(&proposal)?;
            follows(state, purpose, version)
        })??;
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
            follows(state, purpose, version)?;
            let (proposal, purpose) = (Some(proposal), purpose.clone());
            Ok((Event::Rotated { proposal, purpose, version, pairs }, ()))
        })?;
        books.registry.turn_to(successors);
        Ok(Response::Enacted(CarriedOut::Rotated(version)))
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

    /// Ends a version that another has followed, as custodians approved. Then its pairs are removed: they lead back to it.
    pub(super) fn retire(
        &mut self,
        proposal: String,
        purpose: &Purpose,
        version: KeyVersion,
        given_up: Vec<String>,
    ) -> Result<Response, Denial> {
        self.decide(|state| {
            let may = state.named(purpose)?.may_retire(version, &given_up);
            may.map_err(|why| refusal("carried out", &why))?;
            let (proposal, purpose) = (Some(proposal), purpose.clone());
            Ok((Event::Retired { proposal, purpose, version, given_up }, ()))
        })?;
        let folder = self.vault.path().join(FOLDER);
        for page in 0.. {
            let path = folder.join(name(purpose, version, page));
            if !path.exists() {
                break;
            }
            self.vault.disk().remove(&path).map_err(fault)?;
        }
        Ok(Response::Enacted(CarriedOut::Retired(version)))
    }
}

/// The version before one that is the purpose's next.
fn follows(state: &State, purpose: &Purpose, version: KeyVersion) -> Result<KeyVersion, Denial> {
    let of = state.live(purpose)?;
    let now = of.version;
    of.has_no_open_list().map_err(|why| refusal("carried out", &why))?;
    if version.0 == now.0 + 1 {
        return Ok(now);
    }
    let why = format!(
        "the keys of {purpose} are {now} by now, so {version} is not their next version; propose it anew if they are to \
         change again"
    );
    Err(refusal("carried out", &why))
}

fn name(purpose: &Purpose, from: KeyVersion, page: usize) -> String {
    format!("{purpose}.{from}.{page}")
}
