//! Access to all that is held on one child, under a grant that two custodians approved. The store's side is told the child's
//! pseudonyms, sends the child's rows, and gets back what only the requester can read: the vault adds the numbers and the days itself.

use std::collections::{BTreeSet, HashSet};

use minster_model::{Kind, Purpose, Role};
use minster_retention::{Facts, Schedule};
use minster_vault_api::{
    AccessCounts, AccessPurpose, BUNDLE_PIECE, BegunAccess, BundlePart, Denial, EndedAccess,
    IdentifierBatch, PIECE, Response, SealedPiece,
};
use zeroize::Zeroizing;

use super::{Session, approvals::made, fault, out_of_order, retention::schedule};
use crate::{
    access::{
        Bundle, BundleFault, ChildNumbers, Keeping, Numbers, OwnNumber, OwnParts, Rules, SetAside,
        SetAsideSearch, numbers_of, recipient,
    },
    approvals::{Action, Proposal, refusal, sha256},
    keys::Link,
    log::Event,
    vault::in_use,
};

/// How often a grant may be begun: a full disk must not cost it, and nobody may try for ever.
const MOST_BEGUN: u32 = 10;
/// The row of the schedule whose children have two identities that must stay apart.
const ADOPTION: &str = "adoption";

/// A grant while it is carried out.
pub(super) struct Access {
    grant: String,
    numbers: ChildNumbers,
    in_doubt: u64,
    keeping: Keeping,
    search: Option<SetAsideSearch>,
    set_aside: SetAside,
    bundle: Bundle,
    /// Whether anything of the bundle was written: nothing is searched any more then.
    is_written: bool,
}

impl Session<'_> {
    /// A grant as it is proposed.
    pub(super) fn access(
        &self,
        kind: Kind,
        identifier: &IdentifierBatch,
        to: String,
    ) -> Result<Action, Denial> {
        recipient(&to).map_err(|why| made(&why.to_string()))?;
        let tag = self.subject_tag(&kind, identifier)?;
        Ok(Action::GiveAccess { kind, tag, recipient: to })
    }

    pub(super) fn begin_access(&mut self, id: String, text: &str) -> Result<Response, Denial> {
        self.allow_access()?;
        let refused = |why: &str| refusal("carried out", why);
        if self.access.is_some() {
            return Err(out_of_order("a grant is being carried out in this conversation"));
        }
        let schedule = schedule(text)?;
        let (kind, tag, recipient) = self.granted(&id)?;
        let person = schedule.person_of(&kind).ok_or_else(|| {
            refused(&format!("the retention schedule names no person whose number a {kind} is"))
        })?;
        let child_kinds = schedule.kinds(person).cloned().unwrap_or_default();
        let Numbers { own, in_doubt, facts } = self.child(&kind, &tag, &schedule)?;
        let purposes = self.pseudonyms(&own)?;
        let begun = BegunAccess {
            child_kinds: child_kinds.into_iter().collect(),
            own_kinds: schedule.persons().flat_map(|(_, kinds)| kinds.iter().cloned()).collect(),
            purposes,
        };
        let access = Access {
            grant: id.clone(),
            numbers: ChildNumbers::new(self.numbers(&own)?, kind, tag),
            in_doubt,
            keeping: Keeping::of(&schedule, person, &facts),
            search: None,
            set_aside: SetAside::default(),
            bundle: Bundle::new(&recipient).map_err(wrong)?,
            is_written: false,
        };
        let pseudonyms = begun.purposes.iter().map(|of| of.pseudonyms.len() as u64).sum();
        self.decide(|state| {
            if state.approved(&id)?.begun >= MOST_BEGUN {
                return Err(refused(&format!(
                    "it was begun {MOST_BEGUN} times and never ended; propose it anew"
                )));
            }
            Ok((Event::BeganAccess { proposal: id, schedule: sha256(text), pseudonyms }, ()))
        })?;
        self.access = Some(access);
        Ok(Response::AccessBegun(begun))
    }

    pub(super) fn search_sealed(&mut self, piece: SealedPiece) -> Result<Response, Denial> {
        self.allow_access()?;
        let SealedPiece { dataset, bytes, is_last } = piece;
        if bytes.len() > PIECE {
            return Err(out_of_order("a piece of more than there may be"));
        }
        let vault = self.vault;
        let access = self.access.as_mut().ok_or_else(nothing_begun)?;
        if access.is_written {
            return Err(out_of_order("the bundle was begun before; sealed rows come first"));
        }
        let new = || SetAsideSearch::new(dataset.clone(), vault.identity().clone());
        let mut search = access.search.take().unwrap_or_else(new);
        if search.dataset != dataset {
            return Err(out_of_order("the sealed rows before were not sent to their end"));
        }
        let of = (&access.numbers, vault.keys());
        search
            .take(&bytes, is_last, of, &mut access.set_aside)
            .map_err(|why| Denial::Quarantine { why: format!("{dataset}: {why}") })?;
        access.search = (!is_last).then_some(search);
        Ok(Response::SealedSearched)
    }

    pub(super) fn write_bundle(&mut self, parts: Vec<BundlePart>) -> Result<Response, Denial> {
        self.allow_access()?;
        let access = self.access.as_mut().ok_or_else(nothing_begun)?;
        let bytes = |part: &BundlePart| match part {
            BundlePart::Text(text) => text.len(),
            BundlePart::File(_) | BundlePart::Vaults(_) => 0,
        };
        if parts.iter().map(bytes).sum::<usize>() > BUNDLE_PIECE {
            return Err(out_of_order("more of a bundle than a message may hold"));
        }
        if access.search.is_some() {
            return Err(out_of_order("the sealed rows were not sent to their end"));
        }
        access.is_written = true;
        let Access { numbers, in_doubt, keeping, set_aside, bundle, .. } = access;
        let own = OwnParts { numbers, in_doubt: *in_doubt, keeping, set_aside };
        for part in &parts {
            match part {
                BundlePart::File(name) => bundle.begin(name),
                BundlePart::Text(text) => bundle.write(text),
                BundlePart::Vaults(part) => bundle.write(own.text(*part).as_bytes()),
            }
            .map_err(wrong)?;
        }
        Ok(Response::Bundle(bundle.taken()))
    }

    /// Ends the bundle. The log has its hash before its last bytes leave, and without them nobody can read its end.
    pub(super) fn end_access(&mut self, counts: AccessCounts) -> Result<Response, Denial> {
        self.allow_access()?;
        let Access { grant, set_aside, bundle, is_written, .. } =
            self.access.take().ok_or_else(nothing_begun)?;
        if !is_written {
            return Err(out_of_order("nothing of the bundle was written"));
        }
        let AccessCounts { datasets, rows } = counts;
        let finished = bundle.finish().map_err(wrong)?;
        let sha256 = finished.sha256.clone();
        let set_aside = set_aside.rows.len() as u64;
        self.decide(|_| {
            let event = Event::EndedAccess {
                proposal: grant,
                datasets,
                rows,
                set_aside,
                bytes: finished.count,
                sha256: finished.sha256,
            };
            Ok((event, ()))
        })?;
        Ok(Response::AccessEnded(EndedAccess { bytes: finished.rest, sha256, set_aside }))
    }

    /// Whoever can open all datasets, and nobody who knows numbers: the ingest role never does.
    fn allow_access(&self) -> Result<(), Denial> {
        self.allow(&[Role::Linker], "access to all that is held on one child")
    }

    /// What a grant is about. It names no user who carries it out, as its bundle is of use to the requester alone.
    fn granted(&self, id: &str) -> Result<(Kind, String, String), Denial> {
        let refused = |why: &str| refusal("carried out", why);
        let open = self.vault.look(|state| state.approved(id).cloned())??;
        let proposal = self.text(id, &open.sha256)?;
        match proposal {
            Some(Proposal { action: Action::GiveAccess { kind, tag, recipient }, .. }) => {
                Ok((kind, tag, recipient))
            }
            Some(_) => Err(refused("it gives no access to what is held on one child")),
            None => Err(refused("its text is missing or was changed")),
        }
    }

    /// The child's numbers, and what is known for the schedule; none of a child that no registry knows.
    fn child(&self, kind: &Kind, tag: &str, schedule: &Schedule) -> Result<Numbers, Denial> {
        let keys = self.vault.keys();
        let mut anchor: Option<Link> = None;
        let purposes = self.purposes()?;
        for purpose in &purposes {
            let books = self.vault.books(purpose)?;
            let books = in_use(&books)?;
            let mut links = books.registry.records().filter(|(_, of)| *of == kind);
            anchor = anchor.or_else(|| {
                links.find(|(link, _)| keys.tag_of(link) == tag).map(|(link, _)| *link)
            });
        }
        let Some(anchor) = anchor else {
            let facts = Facts::default();
            return Ok(Numbers { facts, ..Numbers::default() });
        };
        let person = schedule.person_of(kind);
        let listed = {
            let _turn = self.vault.list()?;
            self.listed()?.1
        };
        let listed: HashSet<Link> = listed.links().copied().collect();
        let rules = Rules {
            is_child: &|of| schedule.person_of(of) == person,
            is_listed: &|link| listed.contains(link),
            is_adoption: &|told| told.categories.iter().any(|of| of.as_str() == ADOPTION),
        };
        numbers_of((anchor, kind.clone()), &rules, |each| {
            for purpose in &purposes {
                let books = self.vault.books(purpose)?;
                let books = in_use(&books)?;
                books.facts.each(keys, |_, _, told| each(told)).map_err(fault)?;
            }
            Ok(())
        })
    }

    fn purposes(&self) -> Result<Vec<Purpose>, Denial> {
        self.vault.look(|state| state.purposes.keys().cloned().collect())
    }

    /// The pseudonyms of numbers, under each purpose that is not over.
    fn pseudonyms(&self, own: &BTreeSet<(Link, Kind)>) -> Result<Vec<AccessPurpose>, Denial> {
        let keys = self.vault.keys();
        let mut purposes = Vec::new();
        for purpose in self.purposes()? {
            let Ok(state) = self.vault.live_purpose(&purpose) else { continue };
            let mut pseudonyms = Vec::new();
            for (version, _) in state.versions().filter(|(_, retired)| !retired) {
                let of = |(link, kind): &(Link, Kind)| {
                    keys.purpose_key(&purpose, version, kind).pseudonym(link)
                };
                pseudonyms.extend(own.iter().map(of));
            }
            pseudonyms.sort_unstable();
            purposes.push(AccessPurpose { purpose, pseudonyms });
        }
        Ok(purposes)
    }

    /// The numbers themselves, by kind.
    fn numbers(&self, own: &BTreeSet<(Link, Kind)>) -> Result<Vec<OwnNumber>, Denial> {
        let mut found: Vec<OwnNumber> = Vec::new();
        for purpose in self.purposes()? {
            let books = self.vault.books(&purpose)?;
            let books = in_use(&books)?;
            for (link, kind) in own {
                let Some(record) = books.registry.find(link) else { continue };
                let text: Zeroizing<Vec<u8>> =
                    books.registry.identifier(self.vault.keys(), record).map_err(fault)?;
                let is_known = found.iter().any(|of| of.kind == *kind && of.text == text);
                // One that was disposed of is empty.
                if !text.is_empty() && !is_known {
                    found.push(OwnNumber { kind: kind.clone(), text });
                }
            }
        }
        found.sort_by(|a, b| (&a.kind, &*a.text).cmp(&(&b.kind, &*b.text)));
        Ok(found)
    }
}

fn nothing_begun() -> Denial {
    out_of_order("begin to carry a grant of access out first")
}

fn wrong(why: BundleFault) -> Denial {
    out_of_order(&format!("the bundle: {why}"))
}
