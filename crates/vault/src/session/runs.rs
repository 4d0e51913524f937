//! Runs: pseudonyms within a budget of different identifiers.

use std::{
    collections::{HashMap, hash_map::Entry},
    iter::Peekable,
    slice::Iter,
    sync::Arc,
};

use minster_model::{KeyVersion, Kind, Period, Pseudonym, Purpose, Role, RunId, SourceName};
use minster_vault_api::{
    Denial, IdentifierBatch, InputFile, NamedFile, OpenedRun, Response, RunCipher, RunManifest,
};

use super::{
    Session,
    corrections::{Met, RunCorrections},
    facts::ToldFacts,
    fault, out_of_order,
    slips::ToldBirthDates,
};
use crate::{
    keys::Link,
    log::{Asker, Event, RegistryHead, RunCounts},
    open_purpose::{OpenPurpose, RecordSet},
    probing::{Block, Newcomers},
    registry::{New, spread},
    state::PurposeState,
    tokens::{self, RunOf},
    vault::{Vault, in_use},
};

/// A run in progress.
pub(super) struct OpenRun {
    pub(super) run: RunId,
    pub(super) purpose: Purpose,
    pub(super) source: SourceName,
    pub(super) period: Period,
    inputs: Vec<NamedFile>,
    pub(super) version: KeyVersion,
    /// The answers that leave are not pseudonyms, but this run's tokens for them.
    pub(super) tokens: RunCipher,
    ceiling: u64,
    pub(super) seen: RecordSet,
    pub(super) distinct: u64,
    /// Parts for scored matching.
    parts: u64,
    newcomers: Newcomers,
    loaded_before: bool,
    /// How many numbers it may have repaired.
    pub(super) repairs: u64,
    /// How many deliveries told before it what it may be repaired by.
    pub(super) before: u32,
    pub(super) told: ToldBirthDates,
    pub(super) facts: ToldFacts,
    /// The corrections with which the delivery is read.
    pub(super) corrections: Arc<RunCorrections>,
    /// The delivery's word on them.
    pub(super) met: Met,
    /// The edition of the purpose's books, by whose records it counts.
    edition: u64,
}

impl OpenRun {
    /// Whether the purpose's keys are still those under which it was opened.
    pub(super) fn is_of(&self, state: &PurposeState) -> Result<(), Denial> {
        match state.version == self.version {
            true => Ok(()),
            false => {
                Err(out_of_order("the purpose has a new version of its keys; begin the run anew"))
            }
        }
    }

    /// Whether it asked for a number.
    pub(super) fn has_asked(&self, books: &OpenPurpose, link: &Link) -> bool {
        books.registry.find(link).is_some_and(|record| self.seen.has(record))
    }

    /// Whether the books are those that it began with.
    pub(super) fn is_in(&self, books: &OpenPurpose) -> Result<(), Denial> {
        match self.edition == books.edition {
            true => Ok(()),
            false => Err(out_of_order("records were disposed of meanwhile; begin the run anew")),
        }
    }
}

/// A batch's identifiers as the registry knows them.
struct Looked {
    link: Link,
    record: Option<u32>,
    block: Option<Block>,
    /// Whether its person's records were disposed of.
    is_blocked: bool,
}

/// The counts that a batch adds to a run and a day.
#[derive(Default)]
struct BatchCounts {
    fresh: Vec<u32>,
    fresh_today: Vec<u32>,
    /// Places in the batch of identifiers that the vault never saw, each once.
    new: Vec<usize>,
    new_by_link: HashMap<Link, usize>,
    /// Identifiers of persons whose records were disposed of: a caller who tries numbers out pays for them too.
    blocked: u64,
}

impl Session<'_> {
    pub(super) fn open_run(&mut self, manifest: RunManifest) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "pseudonyms")?;
        if self.run.is_some() {
            return Err(out_of_order("a run is open; close it first"));
        }
        manifest.fits().map_err(|fault| out_of_order(&fault.to_string()))?;
        let RunManifest { run, purpose, source, period, inputs, ceiling, reads } = manifest;
        let role = self.asker()?.role;
        let vault = self.vault;
        let (before, edition) = {
            let books = vault.books(&purpose)?;
            let books = in_use(&books)?;
            (books.births.before(&source, &period), books.edition)
        };
        let corrections = self.run_corrections(&purpose, &source)?;
        let of = RunOf { purpose: &purpose, source: &source, run: &run };
        let (key, run_key) = tokens::draw(vault.keys(), of).map_err(fault)?;
        let (opened, loaded_before) = self.decide(|state| {
            let state = state.running(role, &purpose)?;
            state.allow_source(&source)?;
            state.allow_columns(&source, &reads)?;
            let (budget, load) = match state.raised.get(&source) {
                Some((raised, proposal)) if ceiling > state.definition.budget.run => {
                    (*raised, Some(proposal.clone()))
                }
                _ => (state.definition.budget.run, None),
            };
            let opened = OpenedRun {
                key_version: state.version,
                key_check: vault.keys().check_value(&purpose, state.version),
                ceiling: ceiling.min(budget),
                repairs: state.definition.repairs.map_or(0, |budget| budget.run),
                recipient: vault.recipient().to_owned(),
                run_key,
            };
            // A first load that is never closed is one first load all the same.
            let newcomers = state.loading.get(&source).copied().unwrap_or_default();
            let loaded = state.loaded.contains(&source) || newcomers >= state.definition.budget.run;
            let loaded_before = loaded && load.is_none();
            let event = Event::OpenedRun {
                run: run.clone(),
                purpose: purpose.clone(),
                source: source.clone(),
                inputs: inputs.clone(),
                ceiling: opened.ceiling,
                load,
            };
            Ok((event, (opened, loaded_before)))
        })?;
        let OpenedRun { key_version: version, ceiling, repairs, .. } = opened;
        self.run = Some(OpenRun {
            run,
            purpose,
            source,
            period,
            inputs,
            version,
            tokens: key.cipher(),
            ceiling,
            seen: RecordSet::default(),
            distinct: 0,
            parts: 0,
            newcomers: Newcomers::default(),
            loaded_before,
            repairs,
            before,
            told: ToldBirthDates::default(),
            facts: ToldFacts::default(),
            corrections: Arc::new(corrections),
            met: Met::default(),
            edition,
        });
        Ok(Response::RunOpened(opened))
    }

    /// Pseudonyms of numbers, with corrections or none.
    pub(super) fn answer_numbers(
        &mut self,
        kind: &Kind,
        batch: &IdentifierBatch,
        corrections: &RunCorrections,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "pseudonyms")?;
        if !batch.is_well_formed() || batch.iter().any(|identifier| identifier.len() > LONGEST) {
            return Err(out_of_order("a batch whose lengths do not fit"));
        }
        let (vault, asker) = (self.vault, self.asker.clone());
        let purpose = self.run.as_ref().map(|run| run.purpose.clone());
        let purpose = purpose.ok_or_else(|| out_of_order("open a run first"))?;
        let books = vault.books(&purpose)?;
        let mut books = in_use(&books)?;
        books.turn_day();
        // Under the lock of the books: a rotation holds it too. Other changes are looked for as the entry is added.
        let state = self.running(&purpose)?;
        books.go_on(&state);
        let is_known = kind.is_linkage() || books.registry.takes(kind, &state.definition);
        if !state.definition.allows_kind(kind) || !is_known {
            let kind = kind.clone();
            return Err(match kind.is_address() && !state.definition.households {
                true => Denial::NoHouseholds { purpose, kind },
                false => Denial::KindNotAllowed { purpose, kind },
            });
        }
        let Some(run) = self.run.as_mut() else { return Err(out_of_order("open a run first")) };
        run.is_of(&state)?;
        run.is_in(&books)?;
        if kind.is_linkage() {
            return run.parts(vault, asker.as_ref(), &mut books, &state, kind, batch);
        }

        let mut identifiers: Vec<&[u8]> = batch.iter().collect();
        let link_key = vault.keys().link_key(kind);
        let (registry, tombstones) = (&books.registry, &books.tombstones);
        let mut looked = spread(&identifiers, |part| {
            let links: Vec<Link> = part.iter().map(|one| link_key.link(one)).collect();
            let records = registry.find_all(&links);
            let look = |((identifier, link), record): ((&&[u8], Link), Option<u32>)| Looked {
                link,
                record,
                block: Block::of(kind, identifier),
                is_blocked: tombstones.blocks(&link),
            };
            part.iter().zip(links).zip(records).map(look).collect()
        });
        let asked: Vec<Link> = match corrections.is_empty() {
            true => Vec::new(),
            false => looked.iter().map(|of| of.link).collect(),
        };
        for (place, wrong) in asked.iter().enumerate() {
            let Some(right) = corrections.of(wrong) else { continue };
            identifiers[place] = right.number.as_ref().map_or(identifiers[place], |of| of);
            let (link, block) = (right.link, Block::of(kind, identifiers[place]));
            let (record, is_blocked) = (registry.find(&link), tombstones.blocks(&link));
            looked[place] = Looked { link, record, block, is_blocked };
        }
        let tally = BatchCounts::take(&looked, run, &mut books);
        if let Err(denial) = tally.within(run, &books, &state) {
            tally.undo(run, &mut books);
            return Err(denial);
        }
        if let Some(rule) = tally.watched(&looked, run, &mut books) {
            tally.undo(run, &mut books);
            return Err(self.alarm(rule, books.count)?);
        }

        let new: Vec<New<'_>> =
            tally.new.iter().map(|&place| (looked[place].link, identifiers[place])).collect();
        let purpose_key = vault.keys().purpose_key(&purpose, run.version, kind);
        let pseudonyms =
            spread(&new, |part| part.iter().map(|(link, _)| purpose_key.pseudonym(link)).collect());
        let first = books.registry.len();
        let mut head: Option<RegistryHead> = None;
        if !new.is_empty() {
            let added = books.registry.add(vault.keys(), run.version, kind, &new, &pseudonyms);
            match added {
                Ok(added) => head = Some(added),
                Err(why) => {
                    tally.undo(run, &mut books);
                    return Err(fault(why));
                }
            }
        }
        tally.enter(run, &mut books, first);
        let event = Event::Pseudonymised {
            run: run.run.clone(),
            purpose,
            source: Some(run.source.clone()),
            kind: kind.clone(),
            count: identifiers.len() as u64,
            distinct: run.distinct,
            new: new.len() as u64,
            today: books.count,
            newcomers: books.watch.newcomers().new_ones(),
            blocked: tally.blocked,
            registry: head,
        };
        vault.decide(asker.as_ref(), |now| state.grant(now, event))?;
        asked.iter().for_each(|link| corrections.note(link, &mut run.met));

        let mut answer = Vec::with_capacity(looked.len() * Pseudonym::LEN);
        let mut blocked = Vec::new();
        for (place, Looked { link, record, is_blocked, .. }) in (0..).zip(&looked) {
            let pseudonym = match record {
                _ if *is_blocked => {
                    blocked.push(place);
                    Pseudonym::from_bytes([0; Pseudonym::LEN])
                }
                Some(record) => books.registry.pseudonym(*record),
                None => pseudonyms[tally.new_by_link[link]],
            };
            answer.extend_from_slice(pseudonym.as_bytes());
        }
        run.tokens.to_tokens(&mut answer);
        Ok(match blocked.is_empty() {
            true => Response::Tokens(answer),
            false => Response::SomeBlocked { tokens: answer, blocked },
        })
    }

    /// Ends a run that tries out numbers, and writes the alarm down, with the numbers asked on the purpose's day. Gives what the
    /// caller is told.
    pub(super) fn alarm(&mut self, rule: &str, today: u64) -> Result<Denial, Denial> {
        let Some(OpenRun { run, purpose, source, ceiling, distinct, newcomers, .. }) =
            self.run.as_ref()
        else {
            return Err(out_of_order("no run is open"));
        };
        let (run, purpose, source) = (run.clone(), purpose.clone(), source.clone());
        let new = newcomers.new_ones();
        let counts = Some(RunCounts { asked: *distinct, new, today, ceiling: *ceiling });
        let rule = rule.to_owned();
        let event =
            Event::Alarm { run, purpose: purpose.clone(), source, rule: rule.clone(), counts };
        self.decide(|_| Ok((event, ())))?;
        self.run = None;
        Ok(Denial::Probing { purpose, rule })
    }

    pub(super) fn close_run(&mut self, inputs: Vec<InputFile>) -> Result<Response, Denial> {
        let mut run = self.run.take().ok_or_else(|| out_of_order("no run is open"))?;
        let same = inputs.len() == run.inputs.len()
            && inputs.iter().zip(&run.inputs).all(|(read, named)| read.is(named));
        if !same {
            return Err(out_of_order("the files read are not those that the run was opened for"));
        }
        self.take_births(&mut run)?;
        self.take_facts(&mut run)?;
        self.take_met(&run)?;
        let event = Event::ClosedRun {
            run: run.run,
            source: Some(run.source),
            purpose: Some(run.purpose),
            asked: run.distinct,
            inputs,
        };
        self.decide(|_| Ok((event, ())))?;
        Ok(Response::RunClosed)
    }

    /// Forgets the open run, as the end of the conversation would. The log tells of a run that was opened and not closed.
    pub(super) fn leave_run(&mut self) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "a run")?;
        self.run = None;
        Ok(Response::RunClosed)
    }

    /// A purpose that answers, as it is now; [`PurposeState::grant`] looks whether it still is.
    pub(super) fn running(&self, purpose: &Purpose) -> Result<PurposeState, Denial> {
        let role = self.asker()?.role;
        self.vault.look(|state| state.running(role, purpose).cloned())?
    }
}

impl OpenRun {
    /// Tokens for parts for scored matching. No registry knows a part, so that nobody can ask what stands behind one; a part
    /// counts each time it is asked.
    fn parts(
        &mut self,
        vault: &Vault,
        asker: Option<&Asker>,
        books: &mut OpenPurpose,
        state: &PurposeState,
        kind: &Kind,
        batch: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        let purpose = &self.purpose;
        let Some(budget) = state.definition.linkage else {
            return Err(Denial::KindNotAllowed { purpose: purpose.clone(), kind: kind.clone() });
        };
        let parts: Vec<&[u8]> = batch.iter().collect();
        let count = parts.len() as u64;
        if self.parts + count > budget.run {
            return Err(Denial::OverParts { purpose: purpose.clone(), budget: budget.run });
        }
        if books.parts + count > budget.day {
            return Err(Denial::OverDay { purpose: purpose.clone(), budget: budget.day });
        }
        let link_key = vault.keys().link_key(kind);
        let purpose_key = vault.keys().purpose_key(purpose, self.version, kind);
        let made: Vec<Pseudonym> = spread(&parts, |some| {
            some.iter().map(|part| purpose_key.pseudonym(&link_key.link(part))).collect()
        });
        self.parts += count;
        books.parts += count;
        let event = Event::MadeParts {
            run: self.run.clone(),
            purpose: purpose.clone(),
            source: self.source.clone(),
            kind: kind.clone(),
            count,
            so_far: self.parts,
            today: books.parts,
        };
        vault.decide(asker, |now| state.grant(now, event))?;
        let mut answer: Vec<u8> = made.iter().flat_map(Pseudonym::as_bytes).copied().collect();
        self.tokens.to_tokens(&mut answer);
        Ok(Response::Tokens(answer))
    }
}

/// No identifier of a council is longer; a match key's parts may be.
pub(super) const LONGEST: usize = 4096;

impl BatchCounts {
    /// Marks what is known as asked for; [`BatchCounts::undo`] takes it back.
    fn take(looked: &[Looked], run: &mut OpenRun, books: &mut OpenPurpose) -> Self {
        let mut tally = Self::default();
        for (place, Looked { link, record, is_blocked, .. }) in looked.iter().enumerate() {
            match record {
                _ if *is_blocked => tally.blocked += 1,
                Some(record) => {
                    if run.seen.insert(*record) {
                        tally.fresh.push(*record);
                    }
                    if books.seen.insert(*record) {
                        tally.fresh_today.push(*record);
                    }
                }
                None => {
                    if let Entry::Vacant(vacant) = tally.new_by_link.entry(*link) {
                        vacant.insert(tally.new.len());
                        tally.new.push(place);
                    }
                }
            }
        }
        tally
    }

    fn undo(&self, run: &mut OpenRun, books: &mut OpenPurpose) {
        self.fresh.iter().for_each(|&record| run.seen.remove(record));
        self.fresh_today.iter().for_each(|&record| books.seen.remove(record));
    }

    fn within(
        &self,
        run: &OpenRun,
        books: &OpenPurpose,
        state: &PurposeState,
    ) -> Result<(), Denial> {
        let new = self.new.len() as u64 + self.blocked;
        if run.distinct + self.fresh.len() as u64 + new > run.ceiling {
            return Err(Denial::OverBudget { ceiling: run.ceiling });
        }
        // A first load that custodians allowed may exceed the day, too.
        let budget = state.definition.budget.day.max(run.ceiling);
        if books.count + self.fresh_today.len() as u64 + new > budget {
            return Err(Denial::OverDay { purpose: run.purpose.clone(), budget });
        }
        Ok(())
    }

    /// The rule that the batch breaks, if it does. Looks at what the run, or the purpose's day, asks for the first time.
    fn watched(
        &self,
        looked: &[Looked],
        run: &mut OpenRun,
        books: &mut OpenPurpose,
    ) -> Option<&'static str> {
        let mut fresh = self.fresh.iter().peekable();
        let mut fresh_today = self.fresh_today.iter().peekable();
        let mut new = self.new.iter().peekable();
        looked.iter().enumerate().find_map(|(place, looked)| {
            let is_new = new.next_if(|&&at| at == place).is_some();
            let is_next = |of: &mut Peekable<Iter<'_, u32>>| {
                looked.record.is_some_and(|record| of.next_if(|&&next| next == record).is_some())
            };
            let (of_run, of_day) = (is_next(&mut fresh), is_next(&mut fresh_today));
            let block = looked.block?;
            let broken = (is_new || of_run)
                .then(|| run.newcomers.see(is_new && run.loaded_before))
                .flatten();
            let dense = (is_new || of_day)
                .then(|| books.watch.see(block, is_new, run.loaded_before))
                .flatten();
            broken.or(dense)
        })
    }

    /// Counts what was accepted; records from `first` on are the new ones.
    fn enter(&self, run: &mut OpenRun, books: &mut OpenPurpose, first: u64) {
        for record in (first..first + self.new.len() as u64).map(|record| record as u32) {
            run.seen.insert(record);
            books.seen.insert(record);
        }
        let new = self.new.len() as u64 + self.blocked;
        run.distinct += self.fresh.len() as u64 + new;
        books.count += self.fresh_today.len() as u64 + new;
    }
}
