//! The corrections with which a run reads its delivery, and what the delivery says of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use minster_model::{Kind, Purpose, Role, SourceName, TableName};
use minster_vault_api::{
    CorrectedCell, CorrectedNumbers, CorrectedValue, Corrections, Denial, IdentifierBatch,
    MetCounts, Response,
};
use zeroize::Zeroizing;

use super::{Session, fault, out_of_order, runs::OpenRun, slips};
use crate::{
    keys::{Link, hex},
    log::{Event, MetCase, hash},
    purposes::today,
    rectification::{self, FOLDER, Links, words_of},
    vault::in_use,
};

/// The child whom a wrong number means.
pub(super) struct Right {
    pub(super) link: Link,
    /// Its number; nothing where its records were disposed of.
    pub(super) number: Option<Zeroizing<Vec<u8>>>,
    pub(super) case: String,
}

/// A value of a child, and its correction.
struct Value {
    case: String,
    child: Link,
    table: TableName,
    cell: CorrectedCell,
}

/// The corrections of a source that stand as a run is opened. The later of two about the same number, or the same cell, counts.
#[derive(Default)]
pub(super) struct RunCorrections {
    /// By the wrong number.
    whole: HashMap<Link, Right>,
    /// By the wrong number with its birth date.
    beside: HashMap<Link, Right>,
    /// The wrong numbers of these.
    with_births: HashSet<Link>,
    values: Vec<Value>,
}

/// A delivery's word on corrections, so far.
#[derive(Default)]
pub(super) struct Met {
    /// Wrong numbers that were asked, by case.
    wrong: BTreeMap<String, HashSet<Link>>,
    /// Cases whose child was asked by its right number.
    right: HashSet<String>,
    /// By the correction's number in the run.
    values: BTreeMap<u32, MetCounts>,
}

impl RunCorrections {
    /// The child whom a number means in all rows, where it is another's.
    pub(super) fn of(&self, link: &Link) -> Option<&Right> {
        self.whole.get(link)
    }

    /// The link of whom a number means.
    pub(super) fn meant(&self, link: Link) -> Link {
        self.whole.get(&link).map_or(link, |right| right.link)
    }

    /// Takes note of a number that was asked.
    pub(super) fn note(&self, asked: &Link, met: &mut Met) {
        if let Some(right) = self.whole.get(asked) {
            met.wrong.entry(right.case.clone()).or_default().insert(*asked);
        }
        let rights = self.whole.values().chain(self.beside.values());
        met.right.extend(rights.filter(|of| of.link == *asked).map(|of| of.case.clone()));
    }

    /// The values of a child, for the place of its number.
    fn values_of<'a>(
        &'a self,
        child: &'a Link,
        place: u32,
    ) -> impl Iterator<Item = CorrectedValue> + 'a {
        let of_child = (0..).zip(&self.values).filter(move |(_, value)| value.child == *child);
        of_child.map(move |(correction, value)| {
            let (table, cell) = (value.table.clone(), value.cell.clone());
            CorrectedValue { place, correction, table, cell }
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.beside.is_empty() && self.values.is_empty()
    }
}

/// A correction that stands, as it is read.
struct Standing {
    case: String,
    child: Link,
    links: Links,
    /// Nothing where the child's records were disposed of.
    words: Option<minster_vault_api::Correction>,
    /// The hashes of its files.
    of: [String; 2],
}

impl Standing {
    fn concerns(&self, source: &SourceName) -> bool {
        let words = self.words.iter().flat_map(|of| &of.values);
        self.links.numbers.iter().any(|of| of.source == *source)
            || words.into_iter().any(|of| of.source == *source)
    }
}

impl Session<'_> {
    /// The corrections of a source that hold today, the earliest first.
    fn standing(&self, purpose: &Purpose, source: &SourceName) -> Result<Vec<Standing>, Denial> {
        let mut all = Vec::new();
        for of in self.vault.look(|state| state.cases.correcting(purpose))? {
            let lost = || Denial::Fault {
                what: format!(
                    "the correction of the case {0} cannot be read; put {FOLDER}/{0} and {FOLDER}/{0}-words back from a copy of the vault's folder",
                    of.case
                ),
            };
            let child = self.case_subject(&of.case)?.link;
            let read = |name: &str, sha256: &str| {
                let plain = self.vault.read_sealed(FOLDER, name).map_err(fault)?;
                Ok::<_, Denial>(plain.filter(|plain| hash(plain) == *sha256))
            };
            let links = read(&of.case, &of.links)?.and_then(|plain| Links::read(&plain));
            let links = links.ok_or_else(lost)?;
            let is_gone = {
                let books = self.vault.books(purpose)?;
                in_use(&books)?.tombstones.blocks(&child)
            };
            let words = match is_gone {
                true => {
                    self.forget_file(&words_of(&of.case))?;
                    None
                }
                false => {
                    let plain = read(&words_of(&of.case), &of.words)?;
                    let words = plain.and_then(|plain| rectification::read_words(&plain));
                    Some(words.ok_or_else(lost)?)
                }
            };
            let standing =
                Standing { case: of.case, child, links, words, of: [of.links, of.words] };
            if standing.links.from <= today() && standing.concerns(source) {
                all.push(standing);
            }
        }
        Ok(all)
    }

    /// Says which corrections a source's deliveries are read with now, and nothing of them.
    pub(super) fn corrections_digest(
        &self,
        purpose: &Purpose,
        source: &SourceName,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "corrections")?;
        let standing = self.standing(purpose, source)?;
        if standing.is_empty() {
            return Ok(Response::CorrectionsDigest(String::new()));
        }
        let line = |of: &Standing| format!("{} {} {}\n", of.case, of.of[0], of.of[1]);
        let lines: String = standing.iter().map(line).collect();
        let text = format!("{source}\n{lines}");
        let digest = self.vault.keys().retention_key("corrections", purpose).hash(text.as_bytes());
        Ok(Response::CorrectionsDigest(hex(&digest)))
    }

    /// The corrections with which a run reads its delivery.
    pub(super) fn run_corrections(
        &self,
        purpose: &Purpose,
        source: &SourceName,
    ) -> Result<RunCorrections, Denial> {
        let mut all = RunCorrections::default();
        for Standing { case, child, links, words, .. } in self.standing(purpose, source)? {
            let number = words.as_ref().and_then(|of| of.number.iter().next());
            let number = number.map(|bytes| Zeroizing::new(bytes.to_vec()));
            for of in links.numbers.into_iter().filter(|of| of.source == *source) {
                let right = Right { link: child, number: number.clone(), case: case.clone() };
                match of.beside {
                    None => drop(all.whole.insert(of.wrong, right)),
                    Some(pair) => {
                        all.with_births.insert(of.wrong);
                        all.beside.insert(pair, right);
                    }
                }
            }
            let values = words.into_iter().flat_map(|of| of.values);
            for of in values.filter(|of| of.source == *source) {
                let value = Value { case: case.clone(), child, table: of.table, cell: of.cell };
                all.values.retain(|before| !before.is_of_the_same_cell(&value));
                all.values.push(value);
            }
        }
        // A number that means its own child again was corrected back.
        all.whole.retain(|wrong, right| *wrong != right.link);
        Ok(all)
    }

    /// Pseudonyms of numbers as a delivery has them: a wrong number that was corrected means its child.
    pub(super) fn pseudonymise(
        &mut self,
        kind: &Kind,
        batch: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        let corrections = self.run.as_ref().map(|run| Arc::clone(&run.corrections));
        self.answer_numbers(kind, batch, &corrections.unwrap_or_default())
    }

    /// Pseudonyms of right numbers.
    pub(super) fn pseudonyms_of(
        &mut self,
        kind: &Kind,
        batch: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.answer_numbers(kind, batch, &RunCorrections::default())
    }

    /// The corrections of children whose numbers the run asked for.
    pub(super) fn corrections(
        &mut self,
        kind: &Kind,
        identifiers: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "corrections")?;
        let asked = self.asked(kind, identifiers)?;
        let run = self.run.as_ref().ok_or_else(|| out_of_order("open a run first"))?;
        let mut told = Corrections::default();
        for (place, link) in (0..).zip(asked) {
            if run.corrections.with_births.contains(&link) {
                told.beside.push(place);
            }
            let meant = run.corrections.meant(link);
            told.values.extend(run.corrections.values_of(&meant, place));
        }
        Ok(Response::Corrections(told))
    }

    /// Links of numbers that the open run asked for.
    fn asked(&self, kind: &Kind, identifiers: &IdentifierBatch) -> Result<Vec<Link>, Denial> {
        let run = self.run.as_ref().ok_or_else(|| out_of_order("open a run first"))?;
        if !identifiers.is_well_formed() {
            return Err(out_of_order("a batch whose lengths do not fit"));
        }
        let books = self.vault.books(&run.purpose)?;
        let books = in_use(&books)?;
        run.is_in(&books)?;
        let key = self.vault.keys().link_key(kind);
        let link = |identifier: &[u8]| {
            let link = key.link(identifier);
            match run.has_asked(&books, &run.corrections.meant(link)) {
                true => Ok(link),
                false => Err(out_of_order("corrections of a number that the run did not ask for")),
            }
        };
        identifiers.iter().map(link).collect()
    }

    /// The tokens of the children whom numbers mean beside birth dates. They are asked for as if the delivery had the right number.
    pub(super) fn correct_numbers(
        &mut self,
        kind: &Kind,
        identifiers: &IdentifierBatch,
        born: &IdentifierBatch,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "corrections")?;
        slips::check(identifiers, born)?;
        let asked = self.asked(kind, identifiers)?;
        let run = self.run.as_mut().ok_or_else(|| out_of_order("open a run first"))?;
        let beside = self.vault.keys().beside_key(&run.purpose);
        let corrections = Arc::clone(&run.corrections);
        let pairs = asked.iter().zip(born.iter()).map(|(link, born)| beside.beside(link, born));
        let rights: Vec<Option<&Right>> = pairs
            .map(|pair| {
                let right = corrections.beside.get(&pair)?;
                run.met.wrong.entry(right.case.clone()).or_default().insert(pair);
                Some(right)
            })
            .collect();
        let found: Vec<bool> = rights.iter().map(Option::is_some).collect();
        let placed = (0..).zip(&rights).filter_map(|(place, right)| Some((place, (*right)?)));
        let values = placed.flat_map(|(place, right)| corrections.values_of(&right.link, place));
        let values: Vec<CorrectedValue> = values.collect();
        let (mut batch, mut gone) = (IdentifierBatch::default(), Vec::new());
        for right in rights.into_iter().flatten() {
            gone.push(right.number.is_none());
            if let Some(number) = &right.number {
                batch.push(number);
            }
        }
        let (tokens, blocked) = match batch.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => match self.pseudonyms_of(kind, &batch)? {
                Response::Tokens(tokens) => (tokens, Vec::new()),
                Response::SomeBlocked { tokens, blocked } => (tokens, blocked),
                other => return Ok(other),
            },
        };
        let blocked: HashSet<u32> = blocked.into_iter().collect();
        let mut answered = (0..).zip(tokens.chunks(minster_model::Pseudonym::LEN));
        let (mut all, mut is_gone) = (Vec::new(), Vec::new());
        for (place, gone) in (0..).zip(gone) {
            let token = if gone { None } else { answered.next() };
            match token {
                Some((at, token)) => {
                    all.extend_from_slice(token);
                    is_gone.extend(blocked.contains(&at).then_some(place));
                }
                None => {
                    all.extend([0; minster_model::Pseudonym::LEN]);
                    is_gone.push(place);
                }
            }
        }
        Ok(Response::NumbersCorrected(CorrectedNumbers {
            found,
            tokens: all,
            blocked: is_gone,
            values,
        }))
    }

    /// Takes note of what the rows said of values; gives what is told of the whole delivery.
    pub(super) fn tell_corrected(
        &mut self,
        met: Vec<(u32, MetCounts)>,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Ingest], "what became of corrections")?;
        let run = self.run.as_mut().ok_or_else(|| out_of_order("open a run first"))?;
        if met.iter().any(|(of, _)| *of as usize >= run.corrections.values.len()) {
            return Err(out_of_order("a correction that the run was not told"));
        }
        run.met.values = met.into_iter().collect();
        let mut total = MetCounts::default();
        run.met_by_case().into_values().for_each(|of| total.add(of));
        Ok(Response::CorrectedTold(total))
    }

    /// Logs what a run's delivery said of corrections, as the run is closed.
    pub(super) fn take_met(&self, run: &OpenRun) -> Result<(), Denial> {
        let met: Vec<MetCase> = run
            .met_by_case()
            .into_iter()
            .map(|(case, MetCounts { old, right, third })| MetCase { case, old, right, third })
            .collect();
        if met.is_empty() {
            return Ok(());
        }
        let (run, purpose, source) = (run.run.clone(), run.purpose.clone(), run.source.clone());
        self.decide(|_| Ok((Event::MetCorrections { run, purpose, source, met }, ())))
    }
}

impl OpenRun {
    /// The delivery's word on corrections, by case.
    fn met_by_case(&self) -> BTreeMap<String, MetCounts> {
        let mut all: BTreeMap<String, MetCounts> = BTreeMap::new();
        for case in &self.met.right {
            all.entry(case.clone()).or_default().right = 1;
        }
        for (case, wrong) in &self.met.wrong {
            let of = all.entry(case.clone()).or_default();
            // Both numbers in one delivery: the source may have corrected itself, and the rows may be another child's.
            let is_whole = wrong.iter().any(|link| self.corrections.whole.contains_key(link));
            of.third = u64::from(is_whole && of.right > 0);
            (of.old, of.right) = (wrong.len() as u64, 0);
        }
        for (correction, counts) in &self.met.values {
            if let Some(value) = self.corrections.values.get(*correction as usize) {
                all.entry(value.case.clone()).or_default().add(*counts);
            }
        }
        all.retain(|_, counts| !counts.is_none());
        all
    }
}

impl Value {
    /// Whether another correction is about the same cells.
    fn is_of_the_same_cell(&self, other: &Self) -> bool {
        self.child == other.child
            && self.table == other.table
            && self.cell.column == other.cell.column
            && self.cell.rows == other.cell.rows
    }
}
