//! The end of a purpose: proposed by one custodian, begun by two, told of by the store's side, and finished by the vault.

use std::collections::BTreeSet;

use minster_model::{Purpose, Role, counted};
use minster_vault_api::{
    CarriedOut, Denial, EndOrder, RemovedDataset, RemovedFiles, Response, StoreRemoval,
};

use super::{Session, approvals::made, fault, is_sha256, out_of_order};
use crate::{
    approvals::{Action, EndPurpose, refusal},
    ending,
    log::{EndEvent, Event},
    retention::HeldBack,
    state::{Ending, PurposeState, State},
    vault::in_use,
};

/// Datasets that a certificate names, at most: as many as a purpose has. A caller that tells of more fills the log.
const MOST_DATASETS: usize = 10_000;
/// Words of the store's side about one purpose, at most.
const MOST_REMOVALS: usize = 100;
/// Names of holds in a message.
const SHOWN: usize = 5;

/// The holds and cases that keep the records of a purpose.
struct Keeping {
    held: HeldBack,
    /// Holds on persons whose numbers are in its registry.
    holds: BTreeSet<String>,
}

impl Keeping {
    /// Whether the holds and restrictions are those that were looked at.
    fn is_still(&self, state: &State, purpose: &Purpose) -> Result<(), Denial> {
        let holds = state.holds.keys().eq(self.held.ids.iter());
        let restricted = state.cases.restricting(purpose);
        match holds && restricted.keys().eq(self.held.restricting.iter()) {
            true => Ok(()),
            false => {
                let why = "a hold or a restriction changed meanwhile; carry it out again";
                Err(refusal("carried out", why))
            }
        }
    }

    /// Refuses where anything keeps the records.
    fn refuse(&self, state: &State) -> Result<(), String> {
        let moratoria = state.holds.iter().filter(|(_, hold)| hold.category.is_some());
        let moratoria: BTreeSet<String> = moratoria.map(|(id, _)| id.clone()).collect();
        let mut keeps = Vec::new();
        for (ids, words) in [
            (&self.holds, counted(self.holds.len(), "legal hold", "legal holds")),
            (&moratoria, counted(moratoria.len(), "moratorium", "moratoria")),
            (
                &self.held.restricting,
                counted(self.held.restricting.len(), "restriction", "restrictions"),
            ),
        ] {
            let shown: Vec<&str> = ids.iter().take(SHOWN).map(String::as_str).collect();
            let more = if ids.len() > SHOWN { ", …" } else { "" };
            if !ids.is_empty() {
                keeps.push(format!("{words} ({}{more})", shown.join(", ")));
            }
        }
        match keeps.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "records of it are kept by {}: lift them first (`minster-vault request … lift --hold HOLD`, or `request … decide lift` of a \
                 restriction's case), or wait until they end",
                keeps.join(", ")
            )),
        }
    }
}

impl Session<'_> {
    /// The end of a purpose as it is proposed.
    pub(super) fn end_of(
        &self,
        purpose: Purpose,
        early: bool,
        store_lost: bool,
    ) -> Result<Action, Denial> {
        let may = |state: &State| state.may_end(&purpose, (early, store_lost), true);
        self.vault.look(may)?.map_err(|why| made(&why))?;
        let keeping = self.keeping(&purpose)?;
        let of = self.vault.look(|state| {
            keeping.refuse(state).map_err(|why| made(&why))?;
            Ok::<_, Denial>(state.named(&purpose)?.clone())
        })??;
        let numbers = of.registry.as_ref().map_or(0, |head| head.records);
        let destroys = destroys(&of, numbers, store_lost);
        let last_day = of.definition.expires;
        let end = EndPurpose { purpose, last_day, early, store_lost, numbers, destroys };
        Ok(Action::EndPurpose(end))
    }

    /// Begins the end that two custodians approved.
    pub(super) fn begin_end(&self, proposal: String, of: &EndPurpose) -> Result<Response, Denial> {
        let EndPurpose { purpose, early, store_lost, .. } = of;
        let refused = |why: String| refusal("carried out", &why);
        let keeping = self.keeping(purpose)?;
        self.decide(|state| {
            state.approved(&proposal)?;
            state.may_end(purpose, (*early, *store_lost), false).map_err(refused)?;
            keeping.is_still(state, purpose)?;
            keeping.refuse(state).map_err(refused)?;
            let (purpose, early, store_lost) = (purpose.clone(), *early, *store_lost);
            let step = EndEvent::Begun { proposal, purpose, early, store_lost };
            Ok((Event::PurposeEnd(step), ()))
        })?;
        // Cut from the log's end, it would undo itself unseen.
        self.vault.export_checkpoint(true).map_err(fault)?;
        Ok(Response::Enacted(CarriedOut::EndBegun))
    }

    /// How far the end came, for whoever removes what the store has. A hold that was made since then is told before anything is.
    pub(super) fn read_end(&self, purpose: &Purpose) -> Result<Response, Denial> {
        self.allow(&[Role::Linker, Role::Custodian], "the end of a purpose")?;
        let told = |state: &State| {
            let of = state.named(purpose)?;
            let end = begun(of)?.told();
            let releases = of.releases().filter(|of| !of.withdrawn).count() as u64;
            Ok::<_, Denial>(EndOrder { end, releases })
        };
        let order = self.vault.look(told)??;
        if order.end.destroyed.is_none() {
            self.nothing_keeps(purpose)?;
        }
        Ok(Response::EndOrder(order))
    }

    /// Takes note of what the store's side removed.
    pub(super) fn tell_removal(
        &self,
        purpose: Purpose,
        removal: StoreRemoval,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "what was removed of a purpose")?;
        check(&purpose, &removal)?;
        let is_told = |state: &State| {
            let ending = begun(state.named(&purpose)?)?;
            Ok::<_, Denial>(ending.removals.iter().any(|(_, told)| *told == removal))
        };
        if self.vault.look(is_told)?? {
            return Ok(Response::RemovalTold);
        }
        self.decide(|state| {
            let told = &begun(state.named(&purpose)?)?.removals;
            let datasets = told.iter().map(|(_, of)| of.datasets.len()).sum::<usize>();
            if told.len() >= MOST_REMOVALS || datasets + removal.datasets.len() > MOST_DATASETS {
                return Err(out_of_order("more was told of its removal than a store ever has"));
            }
            Ok((Event::PurposeEnd(EndEvent::Removed { purpose, removal }), ()))
        })?;
        Ok(Response::RemovalTold)
    }

    /// Destroys what the vault has of a purpose whose end has begun, and signs the certificate. Run again after an interruption, it
    /// goes on; run again after that, it signs the same certificate.
    pub(super) fn finish_end(&self, purpose: &Purpose) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "finishing the end of a purpose")?;
        if !self.vault.look(|state| state.named(purpose).map(PurposeState::is_destroyed))?? {
            self.destroy(purpose)?;
        }
        self.vault.sweep_ended().map_err(fault)?;
        self.signed_end(purpose)
    }

    fn destroy(&self, purpose: &Purpose) -> Result<(), Denial> {
        let keeping = self.nothing_keeps(purpose)?;
        let books = self.vault.books(purpose)?;
        let mut books = in_use(&books)?;
        let (state, of) = self
            .vault
            .look(|state| Ok::<_, Denial>((state.clone(), state.named(purpose)?.clone())))??;
        let ending = begun(&of)?;
        if ending.removals.is_empty() && !ending.store_lost() {
            return Err(out_of_order(
                "the store's side has not told yet what it removed: run `minster end-purpose` first; where the store is lost, two custodians \
                 approve `minster-vault request … end-purpose --store-lost`",
            ));
        }
        let untold = of.untold();
        if !untold.is_empty() && !ending.store_lost() {
            let names = untold.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>();
            let more = if untold.len() > SHOWN { ", …" } else { "" };
            return Err(out_of_order(&format!(
                "no word came of {} that the log knows ({}{more}): run `minster end-purpose` on the store that has them; where they are lost, or \
                 another state of them stood, two custodians approve `minster-vault request … end-purpose --store-lost`",
                counted(untold.len(), "dataset", "datasets"),
                names.join(", ")
            )));
        }
        let folder = self.vault.folder();
        let proposed = ending::proposed(folder).map_err(fault)?;
        let pieces = ending::pieces(folder, &state, purpose, &proposed).map_err(fault)?;
        let told = ending::told(&pieces, &of).map_err(fault)?;
        self.decide(|state| {
            keeping.is_still(state, purpose)?;
            let step = EndEvent::Destroyed { purpose: purpose.clone(), pieces: told };
            Ok((Event::PurposeEnd(step), ()))
        })?;
        // From here on nobody writes into the files that go.
        books.stale = true;
        self.vault.forget_books(purpose)?;
        // Without the entry, a vault whose files are gone does not open.
        self.vault.export_checkpoint(true).map_err(fault)?;
        ending::remove(folder, &pieces).map_err(fault)
    }

    /// The certificate of a purpose that was ended, once more.
    pub(super) fn end_certificate(&self, purpose: &Purpose) -> Result<Response, Denial> {
        let all = [Role::Custodian, Role::Auditor, Role::Linker];
        self.allow(&all, "the certificate of the end of a purpose")?;
        self.signed_end(purpose)
    }

    /// The certificate as the log has it, signed: the same each time.
    fn signed_end(&self, purpose: &Purpose) -> Result<Response, Denial> {
        let store_id = self.vault.keys().store_id();
        let told = |state: &State| {
            let of = state.named(purpose)?;
            let ending = begun(of)?;
            let not_yet = || {
                out_of_order(
                    "the end of the purpose is not finished: `minster-vault end-purpose finish` does it",
                )
            };
            let (time, pieces) = ending.destroyed.as_ref().ok_or_else(not_yet)?;
            let releases = |withdrawn: bool| {
                let all = of.releases().filter(move |of| of.withdrawn == withdrawn);
                all.map(|of| {
                    serde_json::json!({
                        "release": of.release, "period": of.period, "sha256": of.sha256,
                    })
                })
            };
            let orders = ending.orders.iter().map(|of| {
                serde_json::json!({
                    "proposal": of.proposal, "sha256": of.sha256, "reference": of.reference,
                    "approved_by": of.by, "carried_out": of.time,
                    "early": of.early, "store_lost": of.store_lost,
                })
            });
            let removals = ending
                .removals
                .iter()
                .map(|(time, removal)| serde_json::json!({ "told": time, "removal": removal }));
            let untold: Vec<String> = of.untold().iter().map(ToString::to_string).collect();
            Ok::<_, Denial>(serde_json::json!({
                "format": 1,
                "certificate": "end of a purpose",
                "store_id": store_id,
                "purpose": purpose,
                "last_day": of.definition.expires.map(|day| day.to_string()),
                "nothing_answered_since": ending.since(),
                "destroyed": time,
                "orders": orders.collect::<Vec<_>>(),
                "vault": pieces,
                "key_versions_refused": of.versions().count(),
                "store": removals.collect::<Vec<_>>(),
                "datasets_of_the_log_without_word": untold,
                "releases_that_stand": releases(false).collect::<Vec<_>>(),
                "releases_withdrawn": releases(true).count(),
            }))
        };
        let told = self.vault.look(told)??;
        self.signed("a certificate", &told)
    }

    fn nothing_keeps(&self, purpose: &Purpose) -> Result<Keeping, Denial> {
        let keeping = self.keeping(purpose)?;
        let kept = self.vault.look(|state| keeping.refuse(state))?;
        kept.map_err(|why| refusal("carried out", &why))?;
        Ok(keeping)
    }

    fn keeping(&self, purpose: &Purpose) -> Result<Keeping, Denial> {
        let held = self.held_back(purpose)?;
        let mut holds = BTreeSet::new();
        if !held.tags.is_empty() {
            let books = self.vault.books(purpose)?;
            let books = in_use(&books)?;
            for (link, _) in books.registry.records() {
                holds.extend(
                    held.tags.get(&self.vault.keys().tag_of(link)).into_iter().flatten().cloned(),
                );
            }
        }
        Ok(Keeping { held, holds })
    }
}

/// The end of a purpose that has begun.
fn begun(of: &PurposeState) -> Result<&Ending, Denial> {
    let missing = || {
        out_of_order(
            "nobody ended the purpose: two custodians approve `minster-vault request … end-purpose`, and `minster-vault enact` begins it",
        )
    };
    of.ending.as_ref().ok_or_else(missing)
}

/// Refuses words about another purpose's datasets, and hashes that are none.
fn check(purpose: &Purpose, removal: &StoreRemoval) -> Result<(), Denial> {
    let of_dataset = |of: &RemovedDataset| {
        let is_none_or_hash = |text: &String| text.is_empty() || is_sha256(text);
        let told = [&of.manifest, &of.waiting].into_iter().all(is_none_or_hash);
        of.dataset.purpose == *purpose && told && is_sha256(&of.sha256)
    };
    let of_files = |of: &RemovedFiles| is_sha256(&of.sha256);
    match removal.datasets.iter().all(of_dataset) && removal.files.iter().all(of_files) {
        true => Ok(()),
        false => Err(out_of_order(
            "what was removed names another purpose's dataset, or a hash that is none",
        )),
    }
}

/// The words for what the end of a purpose destroys, and what it does not.
fn destroys(of: &PurposeState, numbers: u64, store_lost: bool) -> Vec<String> {
    let versions = of.versions().count();
    let releases = of.releases().filter(|of| !of.withdrawn).count();
    let in_store = match store_lost {
        true => "in the store: nothing, because it is lost".to_owned(),
        false => "in the store: every dataset of the purpose with its snapshots and quarantine, linked children, events and ids, restricted \
                  reports, linkage datasets, drafts, records of runs, and the files of sealed archives"
            .to_owned(),
    };
    vec![
        format!(
            "in the vault: the registry with {numbers} numbers, birth dates and facts beside them, blocked numbers, pairs of old and new \
             pseudonyms, what says whom cases are about, disposal lists, texts of proposals about the purpose, and the keys of its {}",
            counted(of.archives.len(), "sealed archive", "sealed archives")
        ),
        in_store,
        format!(
            "{} of the purpose's keys, which the vault never answers for again; its name is not used again",
            counted(versions, "version", "versions")
        ),
        format!(
            "not: {}, which the public has; backups; and files that left the store",
            counted(releases, "release", "releases")
        ),
    ]
}
