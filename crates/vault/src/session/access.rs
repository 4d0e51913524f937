//! Access to all that is held on one child, under a grant that two custodians approved. The store's side is told the child's
//! pseudonyms, sends the child's rows, and gets back what only the requester can read: the vault adds the numbers and the days itself.

use std::collections::{BTreeSet, HashSet};

use minster_model::{Kind, Purpose, Role};
use minster_retention::{Facts, Schedule};
use minster_vault_api::{
    AccessCounts, AccessPurpose, BUNDLE_PIECE, BegunAccess, BundlePart, Denial, EndedAccess,
    IdentifierBatch, Response,
};
use zeroize::Zeroizing;

use super::{Session, approvals::made, fault, out_of_order, retention::schedule};
use crate::{
    access::{
        Bundle, BundleFault, ChildNumbers, Keeping, Numbers, OwnNumber, OwnParts, Rules,
        numbers_of, recipient,
    },
    approvals::{Action, Proposal, refusal, sha256},
    keys::Link,
    log::Event,
    vault::in_use,
};

/// How often a grant may be begun: a full disk must not cost it, and nobody may try for ever.
const MOST_BEGUN: u32 = 10;

/// A grant while it is carried out.
pub(super) struct Access {
    grant: String,
    /// How many the store's side was told.
    pseudonyms: u64,
    numbers: ChildNumbers,
    in_doubt: u64,
    keeping: Keeping,
    bundle: Bundle,
}

impl Access {
    /// Whether datasets are still read for it: nothing of the bundle was written yet.
    pub(super) fn reads(&self) -> bool {
        self.bundle.is_empty()
    }
}

/// The grant that custodians signed.
struct Granted {
    kind: Kind,
    tag: String,
    recipient: String,
    schedule_sha256: String,
}

impl Session<'_> {
    /// A grant as it is proposed.
    pub(super) fn access(
        &self,
        kind: Kind,
        identifier: &IdentifierBatch,
        to: String,
        text: &str,
    ) -> Result<Action, Denial> {
        recipient(&to).map_err(|why| made(&why.to_string()))?;
        let schedule = schedule(text)?;
        if schedule.person_of(&kind).is_none() {
            return Err(made(&format!(
                "the retention schedule names no person whose number a {kind} is"
            )));
        }
        if schedule.apart().next().is_none() {
            return Err(made(
                "no category of the retention schedule has two_identities = true: nobody could tell which children's identities must stay apart",
            ));
        }
        let tag = self.subject_tag(&kind, identifier)?;
        Ok(Action::GiveAccess { kind, tag, recipient: to, schedule_sha256: sha256(text) })
    }

    pub(super) fn begin_access(&mut self, id: String, text: &str) -> Result<Response, Denial> {
        self.allow_access()?;
        let refused = |why: &str| refusal("carried out", why);
        if self.access.is_some() || self.making.is_some() {
            return Err(out_of_order("a grant is being carried out in this conversation"));
        }
        let Granted { kind, tag, recipient, schedule_sha256 } = self.granted(&id)?;
        if sha256(text) != schedule_sha256 {
            return Err(refused(
                "the retention schedule is another than the custodians signed; give that one, or propose it anew",
            ));
        }
        let schedule = schedule(text)?;
        let person = schedule.person_of(&kind).ok_or_else(|| {
            refused(&format!("the retention schedule names no person whose number a {kind} is"))
        })?;
        let child_kinds = schedule.kinds(person).cloned().unwrap_or_default();
        // Before the registries are gone through: a user must not have it done for ever.
        let proposal = id.clone();
        self.decide(|state| {
            if state.approved(&id)?.begun >= MOST_BEGUN {
                return Err(refused(&format!(
                    "it was begun {MOST_BEGUN} times and never ended; propose it anew"
                )));
            }
            Ok((Event::BeganAccess { proposal: id.clone(), schedule: schedule_sha256 }, ()))
        })?;
        let Numbers { own, in_doubt, facts } = self.child(&kind, &tag, &schedule)?;
        let (purposes, closed) = self.pseudonyms(&own)?;
        let begun = BegunAccess {
            child_kinds: child_kinds.into_iter().collect(),
            own_kinds: schedule.persons().flat_map(|(_, kinds)| kinds.iter().cloned()).collect(),
            purposes,
            closed,
        };
        let access = Access {
            grant: proposal,
            pseudonyms: begun.purposes.iter().map(|of| of.pseudonyms.len() as u64).sum(),
            numbers: ChildNumbers(self.numbers(&own)?),
            in_doubt,
            keeping: Keeping::of(&schedule, person, &facts),
            bundle: Bundle::new(&recipient).map_err(wrong)?,
        };
        self.access = Some(access);
        Ok(Response::AccessBegun(begun))
    }

    pub(super) fn write_bundle(&mut self, parts: Vec<BundlePart>) -> Result<Response, Denial> {
        if let Some(making) = self.making.take() {
            return self.write_archive(making, parts);
        }
        self.allow_access()?;
        let access = self.access.as_mut().ok_or_else(nothing_begun)?;
        let bytes = |part: &BundlePart| match part {
            BundlePart::Text(text) => text.len(),
            BundlePart::File(_) => 0,
        };
        if parts.iter().map(bytes).sum::<usize>() > BUNDLE_PIECE {
            return Err(out_of_order("more of a bundle than a message may hold"));
        }
        for part in &parts {
            match part {
                BundlePart::File(name) => access.bundle.begin(name),
                BundlePart::Text(text) => access.bundle.write(text),
            }
            .map_err(wrong)?;
        }
        Ok(Response::Bundle(access.bundle.taken()))
    }

    /// Ends the bundle. The log has its hash before its last bytes leave, and without them nobody can read its end.
    pub(super) fn end_access(&mut self, counts: AccessCounts) -> Result<Response, Denial> {
        self.allow_access()?;
        let Access { grant, pseudonyms, numbers, in_doubt, keeping, bundle } =
            self.access.take().ok_or_else(nothing_begun)?;
        if bundle.is_empty() {
            return Err(out_of_order("nothing of the bundle was written"));
        }
        let AccessCounts { datasets, rows } = counts;
        let archives = self.vault.look(|state| state.archives().len() as u64)?;
        let own = OwnParts { numbers: &numbers, in_doubt, keeping: &keeping, archives };
        let finished = bundle.finish(&own.files()).map_err(wrong)?;
        let sha256 = finished.sha256.clone();
        self.decide(|_| {
            let event = Event::EndedAccess {
                proposal: grant,
                datasets,
                rows,
                pseudonyms,
                bytes: finished.count,
                sha256: finished.sha256,
            };
            Ok((event, ()))
        })?;
        Ok(Response::AccessEnded(EndedAccess { bytes: finished.rest, sha256 }))
    }

    /// A caller that can open all datasets may, and none that knows numbers: the ingest role never does.
    fn allow_access(&self) -> Result<(), Denial> {
        self.allow(&[Role::Linker], "access to all that is held on one child")
    }

    /// The subject of a grant. It names no user who carries it out, as its bundle is of use to the requester alone.
    fn granted(&self, id: &str) -> Result<Granted, Denial> {
        let refused = |why: &str| refusal("carried out", why);
        let open = self.vault.look(|state| state.approved(id).cloned())??;
        let proposal = self.text(id, &open.sha256)?;
        match proposal {
            Some(Proposal {
                action: Action::GiveAccess { kind, tag, recipient, schedule_sha256 },
                ..
            }) => Ok(Granted { kind, tag, recipient, schedule_sha256 }),
            Some(_) => Err(refused("it gives no access to what is held on one child")),
            None => Err(refused("its text is missing or was changed")),
        }
    }

    /// The child's numbers, and what is known for the schedule; none of a child that no registry knows.
    fn child(&self, kind: &Kind, tag: &str, schedule: &Schedule) -> Result<Numbers, Denial> {
        let keys = self.vault.keys();
        let mut anchor: Option<Link> = None;
        let purposes = self.live_purposes()?;
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
            is_adoption: &|told| schedule.apart().any(|of| told.categories.contains(of)),
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

    fn live_purposes(&self) -> Result<Vec<Purpose>, Denial> {
        self.vault.look(|state| {
            let standing = state.purposes.iter().filter(|(_, of)| of.ending.is_none());
            standing.map(|(name, _)| name.clone()).collect()
        })
    }

    /// The pseudonyms of numbers, under each purpose that is not over and open to the linker; and the purposes that are not open.
    fn pseudonyms(
        &self,
        own: &BTreeSet<(Link, Kind)>,
    ) -> Result<(Vec<AccessPurpose>, Vec<Purpose>), Denial> {
        let keys = self.vault.keys();
        let (mut purposes, mut closed) = (Vec::new(), Vec::new());
        for purpose in self.live_purposes()? {
            let Ok(state) = self.vault.live_purpose(&purpose) else { continue };
            if !state.definition.roles.contains(&Role::Linker) {
                closed.push(purpose);
                continue;
            }
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
        Ok((purposes, closed))
    }

    /// The numbers themselves, by kind.
    fn numbers(&self, own: &BTreeSet<(Link, Kind)>) -> Result<Vec<OwnNumber>, Denial> {
        let mut found: Vec<OwnNumber> = Vec::new();
        for purpose in self.live_purposes()? {
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
