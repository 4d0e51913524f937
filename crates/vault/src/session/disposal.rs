//! Disposal: what is due leaves the vault's own files, its numbers are blocked, and a list of its pseudonyms is signed, by which the
//! store does the same.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;
use minster_model::{KeyVersion, Kind, Pseudonym, Purpose, Role};
use minster_retention::{CategoryName, End, PersonName, Schedule};
use minster_vault_api::{
    CarriedOut, Denial, DisposalCounts, DisposalHead, DisposalReceipt, ListPart, RecordedManifest,
    Response,
};

use super::{
    Session,
    approvals::made,
    archive::NewPart,
    fault, out_of_order,
    retention::{day, schedule},
};
use crate::{
    access::recipient,
    approvals::{Action, refusal, sha256},
    keys::Link,
    log::{Disposed, Event},
    open_purpose::OpenPurpose,
    purposes::today,
    registry::Births,
    retention::{Due, HeldBack, Persons, Proposed, shown},
    state::{OpenPart, State},
    vault::in_use,
};

/// Bytes of a list in one answer.
const PIECE: usize = 1 << 20;

/// A disposal that two custodians approved.
pub(super) struct Approved {
    pub(super) purpose: Purpose,
    pub(super) until: Date,
    pub(super) schedule_sha256: String,
    pub(super) tag: String,
}

/// A disposal that is carried out now.
pub(super) struct TakingOut<'a> {
    /// The proposal: the list's name.
    pub(super) id: String,
    pub(super) purpose: &'a Purpose,
    pub(super) version: KeyVersion,
    /// The schedule, and SHA-256 of its text.
    pub(super) schedule: (&'a Schedule, &'a str),
    /// The last day that counted.
    pub(super) until: Date,
    /// Persons, by the category whose date came.
    pub(super) by_category: BTreeMap<CategoryName, u64>,
    /// The case that it grants.
    pub(super) case: Option<String>,
    /// Those who stay, as they stood when the persons were chosen.
    pub(super) held: &'a HeldBack,
    pub(super) no_longer_due: u64,
    /// Persons whose records are written to a sealed file first.
    pub(super) parts: Vec<NewPart>,
}

/// All that leaves.
pub(super) struct Leaving {
    persons: HashSet<usize>,
    own: BTreeSet<Link>,
    /// Match keys and other numbers that stand beside these persons' numbers alone.
    beside: Vec<Link>,
    /// Keyed hashes of numbers and birth dates.
    births: HashSet<Link>,
    /// Rows of facts.
    rows: HashSet<Link>,
}

/// Every day on which somebody in a delivery may be born, as deliveries tell them: a period may end a year ahead.
fn birth_days() -> impl Iterator<Item = String> {
    let first = Date::constant(1900, 1, 1);
    let last = Date::new(today().year().saturating_add(1), 12, 31).unwrap_or(Date::MAX);
    first
        .series(jiff::Span::new().days(1))
        .take_while(move |day| *day <= last)
        .map(|day| day.to_string())
}

/// Categories whose records are made inaccessible, and those of which the City Archives are given the records first, each with the
/// recipient.
type Ends = (BTreeSet<CategoryName>, BTreeMap<CategoryName, String>);

/// The ends of categories that are due, as custodians are told of them.
fn ends(schedule: &Schedule, due: &[Due]) -> Result<Ends, Denial> {
    let sealed = due.iter().filter(|of| of.end == End::MadeInaccessible);
    let inaccessible = sealed.map(|of| of.category.clone()).collect();
    let mut city_archives = BTreeMap::new();
    for of in due {
        let to = schedule.category(&of.category).and_then(|row| row.city_archives.clone());
        let Some(to) = to else { continue };
        recipient(&to).map_err(|why| made(&format!("the row {}: {why}", of.category)))?;
        city_archives.insert(of.category.clone(), to);
    }
    Ok((inaccessible, city_archives))
}

impl Session<'_> {
    /// The persons that are due now, as custodians are told of them, and the part that is kept sealed.
    pub(super) fn disposal(
        &self,
        purpose: Purpose,
        text: String,
        until: &str,
    ) -> Result<(Action, Proposed), Denial> {
        let parsed = schedule(&text)?;
        let until = day(until)?;
        if until > today() {
            return Err(made(
                "nothing is disposed of before its day: the last day is today at most",
            ));
        }
        let may = self.vault.look(|state| state.live(&purpose).map(|of| of.may_dispose()))??;
        may.map_err(|why| made(&why))?;
        let held = self.held_back(&purpose)?;
        let books = self.vault.books(&purpose)?;
        let books = in_use(&books)?;
        let (persons, assessed) = self.assess(&parsed, until, &held, &books)?;
        if assessed.due.is_empty() {
            return Err(made(
                "nothing is due until that day; `minster-vault retention plan` tells what will be",
            ));
        }
        let (inaccessible, city_archives) = ends(&parsed, &assessed.due)?;
        let own = assessed.due.iter().flat_map(|due| &persons.all[due.person].own);
        let numbers: BTreeSet<Link> = own.copied().collect();
        let action = Action::Dispose {
            purpose,
            until,
            schedule_sha256: sha256(&text),
            persons: assessed
                .by_category()
                .into_iter()
                .map(|(of, count)| (of, shown(count)))
                .collect(),
            numbers: shown(numbers.len() as u64),
            tag: self.vault.keys().disposal_tag(numbers.iter()),
            inaccessible,
            city_archives,
        };
        Ok((action, Proposed { schedule: text, numbers }))
    }

    /// Keeps what a proposal is about until it is carried out.
    pub(super) fn keep_disposal(&self, id: &str, proposed: &Proposed) -> Result<(), Denial> {
        let plain = proposed.write().map_err(fault)?;
        self.vault.write_sealed(Proposed::FOLDER, &Proposed::name(id), &plain).map_err(fault)
    }

    /// Disposes of what two custodians approved, as far as it is still due. All files are written anew beside those that stand before
    /// the log names them; then they are put in their place.
    pub(super) fn dispose(&self, id: String, approved: &Approved) -> Result<Response, Denial> {
        let Approved { purpose, until, schedule_sha256, tag } = approved;
        let vault = self.vault;
        let proposed = self.proposed_disposal(&id, schedule_sha256, |numbers| {
            vault.keys().disposal_tag(numbers.iter()) == *tag
        })?;
        let parsed: Schedule = schedule(&proposed.schedule)?;
        let books = vault.books(purpose)?;
        let mut books = in_use(&books)?;
        let version = self.may_dispose(&id, purpose)?;
        let held = self.held_back(purpose)?;
        let (persons, assessed) = self.assess(&parsed, *until, &held, &books)?;
        let whole = |place: usize| {
            persons.all[place].own.iter().all(|link| proposed.numbers.contains(link))
        };
        let still: Vec<_> = assessed.due.iter().filter(|due| whole(due.person)).collect();
        let due = still.iter().map(|due| due.person);
        let leaving = self.leaving(&persons, due, (purpose, &books.births));
        let no_longer_due = proposed.numbers.difference(&leaving.own).count() as u64;
        if leaving.persons.is_empty() {
            return Err(refusal("carried out", "nothing of it is due any more; propose it anew"));
        }
        let mut by_category = BTreeMap::new();
        still.iter().for_each(|due| *by_category.entry(due.category.clone()).or_default() += 1);
        let of = TakingOut {
            id,
            purpose,
            version,
            schedule: (&parsed, schedule_sha256),
            until: *until,
            by_category,
            case: None,
            held: &held,
            no_longer_due,
            parts: self.parts(&parsed, (&still, &persons), &books)?,
        };
        self.take_out(of, &leaving, &mut books)
    }

    /// The matter of a proposal, which is kept sealed; `is_it` says whether the numbers are those that custodians approved.
    pub(super) fn proposed_disposal(
        &self,
        id: &str,
        schedule_sha256: &str,
        is_it: impl FnOnce(&BTreeSet<Link>) -> bool,
    ) -> Result<Proposed, Denial> {
        let plain = self.vault.read_sealed(Proposed::FOLDER, &Proposed::name(id)).map_err(fault)?;
        let proposed = plain.and_then(|plain| Proposed::read(&plain));
        let proposed =
            proposed.filter(|of| sha256(&of.schedule) == schedule_sha256 && is_it(&of.numbers));
        let missing = || refusal("carried out", "what it is about is missing or was changed");
        proposed.ok_or_else(missing)
    }

    /// The version of the keys, where records of a purpose may be disposed of by an approved proposal.
    pub(super) fn may_dispose(&self, id: &str, purpose: &Purpose) -> Result<KeyVersion, Denial> {
        self.vault.look(|state| {
            state.approved(id)?;
            let state = state.live(purpose)?;
            state.may_dispose().map_err(|why| refusal("carried out", &why))?;
            Ok(state.version)
        })?
    }

    /// Removes what a proposal was about: it was carried out.
    pub(super) fn forget_proposed(&self, id: &str) -> Result<(), Denial> {
        let aside = self.vault.path().join(Proposed::FOLDER).join(Proposed::name(id));
        self.vault.disk().remove(&aside).map_err(fault)
    }

    /// Takes persons out of all files of the vault, and signs the list of their pseudonyms. The caller holds the books.
    pub(super) fn take_out(
        &self,
        of: TakingOut<'_>,
        leaving: &Leaving,
        books: &mut OpenPurpose,
    ) -> Result<Response, Denial> {
        let (vault, keys) = (self.vault, self.vault.keys());
        let TakingOut {
            id,
            purpose,
            version,
            until,
            by_category,
            case,
            held,
            no_longer_due,
            parts,
            ..
        } = of;
        let (parsed, schedule_sha256) = of.schedule;
        let list = self.list(&id, (purpose, version), parsed, (leaving, &parts), books)?;
        self.keep_parts(&id, &parts)?;
        vault.write_sealed(Proposed::FOLDER, &id, list.as_bytes()).map_err(fault)?;
        let gone: HashSet<Link> = leaving.own.iter().copied().collect();
        let beside: HashSet<Link> = leaving.beside.iter().copied().collect();
        let own: Vec<Link> = leaving.own.iter().copied().collect();
        let disposed = Disposed {
            proposal: id.clone(),
            purpose: purpose.clone(),
            version,
            case: case.clone(),
            schedule: schedule_sha256.to_owned(),
            until: until.to_string(),
            persons: by_category,
            numbers: own.len() as u64,
            beside: leaving.beside.len() as u64,
            sha256: sha256(&list),
            registry: books.registry.write_without(keys, &gone, &beside).map_err(fault)?,
            births: books.births.write_without(keys, &leaving.births).map_err(fault)?,
            facts: books.facts.write_without(keys, &leaving.rows).map_err(fault)?,
            tombstones: books.tombstones.write_with(keys, version, &id, &own).map_err(fault)?,
            parts: parts.into_iter().map(|part| part.told).collect(),
        };
        let counts = DisposalCounts {
            persons: leaving.persons.len() as u64,
            numbers: disposed.numbers,
            beside: disposed.beside,
            no_longer_due,
        };
        self.decide(|state| {
            state.approved(&id)?;
            let of = state.live(purpose)?;
            let refused = |why: &str| refusal("carried out", why);
            of.may_dispose().map_err(|why| refused(&why))?;
            // A hold or a restriction that was made while the files were written.
            let holds = state.holds.keys().eq(held.ids.iter());
            let restricted = state.cases.restricting(purpose).keys().eq(held.restricting.iter());
            if of.version != version || !holds || !restricted {
                return Err(refused(
                    "a hold, a restriction or the keys changed meanwhile; carry it out again",
                ));
            }
            Ok((Event::Disposed(Box::new(disposed)), ()))
        })?;
        vault.reopen(purpose, books)?;
        self.forget_proposed(&id)?;
        self.forget_words(purpose, |child| gone.contains(child))?;
        if let Some(case) = &case {
            self.forget_subject(case)?;
        }
        Ok(Response::Enacted(CarriedOut::Disposed(counts)))
    }

    pub(super) fn leaving(
        &self,
        persons: &Persons,
        due: impl Iterator<Item = usize>,
        (purpose, births): (&Purpose, &Births),
    ) -> Leaving {
        let beside_key = self.vault.keys().beside_key(purpose);
        let gone: HashSet<usize> = due.collect();
        let mut leaving = Leaving {
            beside: persons.beside_alone(&gone),
            persons: HashSet::new(),
            own: BTreeSet::new(),
            births: HashSet::new(),
            rows: HashSet::new(),
        };
        for place in &gone {
            let person = &persons.all[*place];
            leaving.own.extend(person.own.iter().copied());
            leaving.rows.extend(person.rows.iter().copied());
        }
        // A pair's keyed hash says nothing of its number: each day on which anybody can be born is tried, so that no told date stays.
        if births.is_empty() {
            leaving.persons = gone;
            return leaving;
        }
        let told = gone.iter().flat_map(|place| &persons.all[*place].births);
        let mut days: BTreeSet<String> = told.map(Date::to_string).collect();
        days.extend(birth_days());
        for link in &leaving.own {
            let pairs = days.iter().map(|day| beside_key.beside(link, day.as_bytes()));
            leaving.births.extend(pairs.filter(|pair| births.has(pair)));
        }
        leaving.persons = gone;
        leaving
    }

    /// The signed list: the pseudonyms of the persons' own numbers, ascending, so that their order says nothing.
    fn list(
        &self,
        id: &str,
        (purpose, version): (&Purpose, KeyVersion),
        schedule: &Schedule,
        (leaving, parts): (&Leaving, &[NewPart]),
        books: &OpenPurpose,
    ) -> Result<String, Denial> {
        let registry = &books.registry;
        let records = leaving.own.iter().filter_map(|link| registry.find(link));
        let mut pseudonyms: Vec<Pseudonym> =
            records.map(|record| registry.pseudonym(record)).collect();
        pseudonyms.sort_unstable();
        let kinds =
            |(_, kinds): (&PersonName, &BTreeSet<Kind>)| kinds.iter().cloned().collect::<Vec<_>>();
        let head = DisposalHead {
            format: DisposalHead::FORMAT,
            store_id: self.vault.keys().store_id().to_owned(),
            list: id.to_owned(),
            purpose: purpose.clone(),
            version,
            kinds: schedule.persons().flat_map(kinds).collect(),
            pseudonyms: pseudonyms.len() as u64,
            parts: parts
                .iter()
                .map(|part| ListPart { of: part.told.of, pseudonyms: part.codes.len() as u64 })
                .collect(),
        };
        let unwritable = |_| Denial::Fault { what: "a disposal list could not be written".into() };
        let mut text = serde_json::to_string(&head).map_err(unwritable)?;
        text.push('\n');
        for pseudonym in pseudonyms.iter().chain(parts.iter().flat_map(|part| &part.codes)) {
            text.push_str(&pseudonym.to_string());
            text.push('\n');
        }
        self.vault.sign(&text)
    }

    /// A piece of a list that is open, for whoever applies it.
    pub(super) fn read_disposal(&mut self, list: &str, from: u64) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian, Role::Linker], "a disposal list")?;
        let missing =
            || refusal("told", "no such disposal list is open: it was applied, or never signed");
        let (purpose, sha256_of) = self
            .vault
            .look(|state| {
                state.disposal(list).map(|(purpose, open)| (purpose.clone(), open.sha256.clone()))
            })?
            .ok_or_else(missing)?;
        let plain = self.vault.read_sealed(Proposed::FOLDER, list).map_err(fault)?;
        let plain = plain.filter(|plain| crate::log::hash(plain) == sha256_of);
        let lost = || Denial::Fault {
            what: format!(
                "the disposal list {list} is missing or was changed; put disposals/{list} back from a copy of the vault's folder"
            ),
        };
        let plain = plain.ok_or_else(lost)?;
        if from == 0 {
            let event = Event::ReadDisposal { purpose, list: list.to_owned() };
            self.decide(|_| Ok((event, ())))?;
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(plain.len());
        let to = from.saturating_add(PIECE).min(plain.len());
        Ok(Response::DisposalPiece(plain[from..to].to_vec()))
    }

    /// Records the manifest of a dataset without a list's rows.
    pub(super) fn record_disposed(
        &mut self,
        manifest: RecordedManifest,
        carried_from: String,
        list: String,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "recording what a disposal left of a dataset")?;
        let role = self.asker()?.role;
        self.decide(|state| {
            let of = state.open_to(role, &manifest.dataset.purpose)?;
            let refused = |why: &str| {
                Err(Denial::NotRecorded { dataset: manifest.dataset.clone(), why: why.to_owned() })
            };
            match of.disposals.get(&list) {
                None => return refused("no such disposal list is open for its purpose"),
                Some(open) if open.unmade().is_some() => {
                    let why = open.unmade().map(OpenPart::not_made);
                    return refused(&why.unwrap_or_default());
                }
                Some(open) if !open.may_rewrite(&manifest.dataset, &carried_from) => {
                    return refused("the list was applied to the dataset already");
                }
                Some(_) => {}
            }
            of.manifests.may_record_disposed(&manifest, &carried_from)?;
            let event = Event::RecordedDisposed { manifest, carried_from, list };
            Ok((event, Response::ManifestRecorded))
        })
    }

    /// Closes a list that was applied to all datasets, and signs the receipt. The list is destroyed with it.
    pub(super) fn report_disposal(
        &mut self,
        purpose: Purpose,
        receipt: DisposalReceipt,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "a receipt of a disposal")?;
        let role = self.asker()?.role;
        let list = receipt.list.clone();
        self.decide(|state| {
            let of = state.open_to(role, &purpose)?;
            let open = of.disposals.get(&receipt.list);
            let open =
                open.ok_or_else(|| out_of_order("no such disposal list is open for the purpose"))?;
            if open.sha256 != receipt.sha256 {
                return Err(out_of_order("the receipt is of another list"));
            }
            open.is_told(&of.manifests, &purpose, &receipt)?;
            Ok((Event::AppliedDisposal { purpose, receipt }, ()))
        })?;
        let path = self.vault.path().join(Proposed::FOLDER).join(&list);
        self.vault.disk().remove(&path).map_err(fault)?;
        self.forget_bundles(&list)?;
        self.signed_receipt(&list)
    }

    /// The receipt of a list that was applied, once more: whoever lost it is not without proof.
    pub(super) fn read_receipt(&mut self, list: &str) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian, Role::Linker], "the receipt of a disposal")?;
        self.signed_receipt(list)
    }

    /// The receipt as the log has it, signed: the same each time.
    fn signed_receipt(&self, list: &str) -> Result<Response, Denial> {
        let told = |state: &State| {
            let (purpose, closed) = state.receipt(list)?;
            let mut told = serde_json::json!({
                "format": 1,
                "store_id": self.vault.keys().store_id(),
                "time": closed.time,
                "purpose": purpose,
                "receipt": closed.receipt,
            });
            if !closed.parts.is_empty() {
                told["sealed_files"] = closed.parts.iter().map(OpenPart::told).collect();
            }
            Some(told)
        };
        let told = self.vault.look(told)?;
        let told = told.ok_or_else(|| refusal("told", "no such disposal list was applied"))?;
        self.signed("a receipt", &told)
    }
}
