//! Sealed files of records that leave with a disposal: made before the rows leave the datasets, and, of archives, opened once two
//! custodians approved it.

use minster_model::{Kind, Purpose, Role};
use minster_retention::{End, Schedule};
use minster_vault_api::{
    AccessCounts, BUNDLE_PIECE, BundlePart, Denial, DisposalParts, EndedAccess, IdentifierBatch,
    MadePart, OpenedArchive, PIECE, PartUse, Response,
};
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::{Session, approvals::made, fault, out_of_order};
use crate::{
    access::{Bundle, recipient},
    approvals::{Action, TaggedNumber, refusal},
    archive::{ArchiveFault, KeptNumber, KeptPerson, SealedLines, SealedPart, Wanted},
    keys::hex,
    log::{ArchiveEvent, DisposedPart, Event},
    open_purpose::OpenPurpose,
    quarantine::{Unsealed, Unsealing},
    retention::{Due, Persons},
    state::State,
};

/// How often an opening may be begun: a full disk must not cost it, and nobody may try for ever.
const MOST_BEGUN: u32 = 10;
/// Archives in one answer.
const PAGE: usize = 1_000;

/// The sealed file of a part while it is made.
pub(super) struct Making {
    purpose: Purpose,
    list: String,
    part: u32,
    to: SealedFile,
}

enum SealedFile {
    Archive(Box<SealedLines>),
    CityArchives(Box<Bundle>),
}

/// An archive while it is opened.
pub(super) struct Opening {
    proposal: String,
    purpose: Purpose,
    archive: String,
    /// SHA-256 of its file.
    sha256: String,
    unsealing: Unsealing,
    file: Context,
    numbers: u64,
    to: SealedLines,
}

/// A part of a disposal that is carried out now.
pub(super) struct NewPart {
    pub(super) told: DisposedPart,
    /// The pseudonyms of its persons, ascending.
    pub(super) codes: Vec<minster_model::Pseudonym>,
    sealed: Zeroizing<Vec<u8>>,
}

impl Session<'_> {
    /// The parts of a disposal: the persons whose records are made inaccessible, and for each recipient of the City Archives those whose
    /// records it is given.
    pub(super) fn parts(
        &self,
        schedule: &Schedule,
        (due, persons): (&[&Due], &Persons),
        books: &OpenPurpose,
    ) -> Result<Vec<NewPart>, Denial> {
        let mut groups =
            vec![(None, due.iter().filter(|of| of.end == End::MadeInaccessible).collect())];
        let city = |of: &Due| schedule.category(&of.category)?.city_archives.clone();
        let mut recipients: Vec<String> = due.iter().filter_map(|of| city(of)).collect();
        recipients.sort_unstable();
        recipients.dedup();
        for to in recipients {
            let its: Vec<_> = due.iter().filter(|of| city(of).as_ref() == Some(&to)).collect();
            groups.push((Some(to), its));
        }
        let groups = groups.into_iter().filter(|(_, due)| !due.is_empty());
        groups.map(|(city, due)| self.part(city.as_deref(), &due, persons, books)).collect()
    }

    fn part(
        &self,
        city: Option<&str>,
        due: &[&&Due],
        persons: &Persons,
        books: &OpenPurpose,
    ) -> Result<NewPart, Denial> {
        let (keys, registry) = (self.vault.keys(), &books.registry);
        let mut kept = Vec::new();
        let (mut codes, mut counts) = (Vec::new(), std::collections::BTreeMap::new());
        for of in due {
            let person = &persons.all[of.person];
            let mut numbers = Vec::new();
            for link in &person.own {
                let Some(record) = registry.find(link) else { continue };
                let identifier = registry.identifier(keys, record).map_err(fault)?;
                let pseudonym = registry.pseudonym(record);
                codes.push(pseudonym);
                numbers.push(KeptNumber {
                    kind: registry.kind(record).clone(),
                    tag: keys.tag_of(link),
                    code: pseudonym.to_string(),
                    number: String::from_utf8_lossy(&identifier).into_owned(),
                });
            }
            *counts.entry(of.category.clone()).or_default() += 1;
            let born = person.births.iter().map(ToString::to_string).collect();
            kept.push(KeptPerson { category: of.category.clone(), born, numbers });
        }
        codes.sort_unstable();
        let (sealed, recipient) = SealedPart::new(kept, city);
        let plain = sealed.write().map_err(fault)?;
        let told = DisposedPart {
            of: if city.is_some() { PartUse::CityArchives } else { PartUse::Archive },
            recipient,
            sealed: crate::log::hash(&plain),
            persons: counts,
            numbers: codes.len() as u64,
        };
        Ok(NewPart { told, codes, sealed: plain })
    }

    /// Keeps the sealed side of parts, before the log names them.
    pub(super) fn keep_parts(&self, list: &str, parts: &[NewPart]) -> Result<(), Denial> {
        for (place, part) in parts.iter().enumerate() {
            let name = SealedPart::name(list, place);
            self.vault.write_sealed(SealedPart::FOLDER, &name, &part.sealed).map_err(fault)?;
        }
        Ok(())
    }

    /// Removes the numbers of bundles whose list was applied.
    pub(super) fn forget_bundles(&self, list: &str) -> Result<(), Denial> {
        let bundles = self.vault.look(|state| {
            let parts = state.receipt(list).map(|(_, closed)| closed.parts.clone());
            let parts = parts.unwrap_or_default().into_iter().enumerate();
            let bundles = parts.filter(|(_, part)| part.told.of == PartUse::CityArchives);
            bundles.map(|(place, _)| SealedPart::name(list, place)).collect::<Vec<_>>()
        })?;
        for name in bundles {
            let path = self.vault.path().join(SealedPart::FOLDER).join(name);
            self.vault.disk().remove(&path).map_err(fault)?;
        }
        Ok(())
    }

    fn sealed_part(&self, list: &str, part: usize, sha256: &str) -> Result<SealedPart, Denial> {
        let name = SealedPart::name(list, part);
        let plain = self.vault.read_sealed(SealedPart::FOLDER, &name).map_err(fault)?;
        let plain = plain.filter(|plain| crate::log::hash(plain) == sha256);
        plain.and_then(|plain| SealedPart::read(&plain)).ok_or_else(|| Denial::Fault {
            what: format!(
                "the sealed side of the archive {list} is missing or was changed; put archives/{name} back from a copy of the vault's folder"
            ),
        })
    }

    pub(super) fn disposal_parts(&self, list: &str) -> Result<Response, Denial> {
        self.allow(&[Role::Linker, Role::Custodian], "the parts of a disposal list")?;
        let told = |state: &State| {
            state.disposal(list).map(|(_, open)| DisposalParts {
                made: open.parts.iter().map(|part| part.made.clone()).collect(),
                has_begun: open.has_begun(),
            })
        };
        self.vault.look(told)?.map(Response::DisposalParts).ok_or_else(no_list)
    }

    pub(super) fn begin_archive(&mut self, list: String, part: u32) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "the sealed file of a disposal")?;
        let role = self.asker()?.role;
        if self.access.is_some() || self.making.is_some() {
            return Err(out_of_order("another bundle is being written in this conversation"));
        }
        let (purpose, told) = self.vault.look(|state| {
            let (purpose, open) = state.disposal(&list).ok_or_else(no_list)?;
            state.open_to(role, purpose)?;
            Ok::<_, Denial>((purpose.clone(), open.may_make(part)?.told.clone()))
        })??;
        let to = match told.of {
            PartUse::Archive => SealedLines::new(&told.recipient, Wanted::All)
                .map(|to| SealedFile::Archive(Box::new(to))),
            PartUse::CityArchives => {
                Bundle::of_many(&told.recipient).map(|to| SealedFile::CityArchives(Box::new(to)))
            }
        };
        let to = to.map_err(|why| out_of_order(&format!("the sealed file: {why}")))?;
        self.making = Some(Making { purpose, list, part, to });
        Ok(Response::ArchiveBegun)
    }

    /// Goes on in the sealed file. A fault ends it.
    pub(super) fn write_archive(
        &mut self,
        mut making: Making,
        parts: Vec<BundlePart>,
    ) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "the sealed file of a disposal")?;
        let bytes = |part: &BundlePart| match part {
            BundlePart::Text(text) => text.len(),
            BundlePart::File(_) => 0,
        };
        if parts.iter().map(bytes).sum::<usize>() > BUNDLE_PIECE {
            return Err(out_of_order("more of a sealed file than a message may hold"));
        }
        for part in &parts {
            match (&mut making.to, part) {
                (SealedFile::CityArchives(to), BundlePart::File(name)) => {
                    to.begin(name).map_err(|why| why.to_string())
                }
                (SealedFile::CityArchives(to), BundlePart::Text(text)) => {
                    to.write(text).map_err(|why| why.to_string())
                }
                (SealedFile::Archive(to), BundlePart::Text(text)) => {
                    to.write(text).map_err(|why| why.to_string())
                }
                (SealedFile::Archive(_), BundlePart::File(_)) => {
                    Err("an archive has no files in it".into())
                }
            }
            .map_err(|why| out_of_order(&format!("the sealed file: {why}")))?;
        }
        let taken = match &mut making.to {
            SealedFile::Archive(to) => to.taken(),
            SealedFile::CityArchives(to) => to.taken(),
        };
        self.making = Some(making);
        Ok(Response::Bundle(taken))
    }

    /// Ends the sealed file. The log has its hash before its last bytes leave.
    pub(super) fn end_archive(&mut self, counts: AccessCounts) -> Result<Response, Denial> {
        self.allow(&[Role::Linker], "the sealed file of a disposal")?;
        let role = self.asker()?.role;
        let Making { purpose, list, part, to } =
            self.making.take().ok_or_else(|| out_of_order("begin the sealed file first"))?;
        let wrong = |why: String| out_of_order(&format!("the sealed file: {why}"));
        let (finished, rows) = match to {
            SealedFile::Archive(to) => {
                let rows = to.rows();
                if rows != counts.rows {
                    return Err(wrong(format!(
                        "it has {rows} rows, and {} were told",
                        counts.rows
                    )));
                }
                (to.finish().map_err(|why| wrong(why.to_string()))?, rows)
            }
            SealedFile::CityArchives(to) => {
                let sha256 = self.vault.look(|state| {
                    let (_, open) = state.disposal(&list).ok_or_else(no_list)?;
                    Ok::<_, Denial>(open.may_make(part)?.told.sealed.clone())
                })??;
                let place = usize::try_from(part).unwrap_or(usize::MAX);
                let sealed = self.sealed_part(&list, place, &sha256)?;
                let finished =
                    to.finish(&[sealed.table()]).map_err(|why| wrong(why.to_string()))?;
                (finished, counts.rows)
            }
        };
        let sha256 = finished.sha256.clone();
        let made = MadePart {
            sha256: finished.sha256,
            bytes: finished.count,
            rows,
            datasets: counts.datasets,
        };
        self.decide(|state| {
            state.open_to(role, &purpose)?;
            Ok((Event::Archive(ArchiveEvent::Made { purpose, list, part, made }), ()))
        })?;
        Ok(Response::AccessEnded(EndedAccess { bytes: finished.rest, sha256 }))
    }

    pub(super) fn archives(&self, page: u32) -> Result<Response, Denial> {
        let all = [Role::Custodian, Role::Auditor, Role::Linker];
        self.allow(&all, "the list of sealed archives")?;
        let archives = self.vault.look(State::archives)?;
        let from = usize::try_from(page).unwrap_or(usize::MAX).saturating_mul(PAGE);
        Ok(Response::Archives(archives.into_iter().skip(from).take(PAGE).collect()))
    }

    /// The opening of an archive as it is proposed. Whether the person is in it, nobody learns here.
    pub(super) fn archive_opening(
        &self,
        archive: String,
        person: Option<(Kind, IdentifierBatch)>,
        to: String,
    ) -> Result<Action, Denial> {
        recipient(&to).map_err(|why| made(&why.to_string()))?;
        let (purpose, sha256) = self.vault.look(|state| {
            let (purpose, of) = state.archive(&archive)?;
            Ok::<_, Denial>((purpose.clone(), of.sha256.clone()))
        })??;
        let sha256 = sha256.ok_or_else(|| {
            made("the archive is not made yet: run `minster dispose` with its disposal list first")
        })?;
        let person = match person {
            Some((kind, identifier)) => {
                let tag = self.subject_tag(&kind, &identifier)?;
                Some(TaggedNumber { kind, tag })
            }
            None => None,
        };
        Ok(Action::OpenArchive { archive, sha256, purpose, recipient: to, person })
    }

    pub(super) fn begin_opening(&mut self, id: String) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "a sealed archive")?;
        let refused = |why: &str| refusal("carried out", why);
        let Action::OpenArchive { archive, sha256, purpose, recipient, person } =
            self.approved(&id)?.action
        else {
            return Err(refused("it opens no archive"));
        };
        let proposal = id.clone();
        let sealed = self.decide(|state| {
            let begun = state.approved(&id)?.begun;
            if begun >= MOST_BEGUN {
                return Err(refused(&format!(
                    "it was begun {MOST_BEGUN} times and never ended; propose it anew"
                )));
            }
            let (of, standing) = state.archive(&archive)?;
            if *of != purpose || standing.sha256.as_ref() != Some(&sha256) {
                return Err(refused("the archive was made anew since; propose it anew"));
            }
            let archive = archive.clone();
            let event = ArchiveEvent::Began { proposal: id, archive };
            Ok((Event::Archive(event), standing.sealed.clone()))
        })?;
        // An archive is the first part of its list.
        let mut part = self.sealed_part(&archive, 0, &sealed)?;
        let identity = part.identity().ok_or_else(|| Denial::Fault {
            what: format!("the archive {archive} has no identity in the vault"),
        })?;
        let wanted = match &person {
            None => Wanted::All,
            Some(TaggedNumber { tag, .. }) => {
                part.only(tag);
                Wanted::Of(part.codes())
            }
        };
        let mut to =
            SealedLines::new(&recipient, wanted).map_err(|why| refused(&why.to_string()))?;
        to.own(part.lines().as_bytes()).map_err(why)?;
        let first = to.taken();
        let (unsealing, file) = (Unsealing::new(identity), Context::new(&SHA256));
        let numbers = part.numbers();
        let opening = Opening { proposal, purpose, archive, sha256, unsealing, file, numbers, to };
        self.opening = Some(opening);
        Ok(Response::Bundle(first))
    }

    pub(super) fn open_piece(&mut self, piece: &[u8]) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "a sealed archive")?;
        let mut opening = self.opening.take().ok_or_else(nothing_begun)?;
        if piece.is_empty() || piece.len() > PIECE {
            return Err(out_of_order("a piece of nothing, or of more than there may be"));
        }
        opening.file.update(piece);
        opening.pass(Some(piece))?;
        let taken = opening.to.taken();
        self.opening = Some(opening);
        Ok(Response::Bundle(taken))
    }

    /// Ends the opening. The log has it before its last bytes leave, and without them nobody can read its end.
    pub(super) fn end_opening(&mut self) -> Result<Response, Denial> {
        self.allow(&[Role::Custodian], "a sealed archive")?;
        let mut opening = self.opening.take().ok_or_else(nothing_begun)?;
        opening.pass(None)?;
        let Opening { proposal, purpose, archive, sha256, file, numbers, to, .. } = opening;
        if hex(file.finish().as_ref()) != sha256 {
            return Err(refusal(
                "carried out",
                "the file is not the archive that the log names; take the one whose SHA-256 `minster-vault archive list` tells",
            ));
        }
        let rows = to.rows();
        let finished = to.finish().map_err(why)?;
        let sha256 = finished.sha256;
        let told = sha256.clone();
        self.decide(|state| {
            state.approved(&proposal)?;
            let event = ArchiveEvent::Opened { proposal, purpose, archive, rows, numbers, sha256 };
            Ok((Event::Archive(event), ()))
        })?;
        let opened = OpenedArchive { bytes: finished.rest, sha256: told, rows, numbers };
        Ok(Response::ArchiveOpened(opened))
    }
}

impl Opening {
    /// Hands the rows of a piece on, or those of the end.
    fn pass(&mut self, piece: Option<&[u8]>) -> Result<(), Denial> {
        let Self { unsealing, to, .. } = self;
        let mut taken = Ok(());
        let mut pass = |plain: &[u8]| {
            if taken.is_ok() {
                taken = to.write(plain);
            }
        };
        let read = match piece {
            Some(piece) => unsealing.take(piece, &mut pass),
            None => unsealing.end(&mut pass),
        };
        read.map_err(|unsealed| refusal("carried out", no_archive(unsealed)))?;
        taken.map_err(why)
    }
}

fn no_archive(unsealed: Unsealed) -> &'static str {
    match unsealed {
        Unsealed::NotSealed => "the file is no sealed archive",
        Unsealed::OtherVault => "the file is another archive than the one that was approved",
        Unsealed::Changed => "the file was changed, or its end is missing",
    }
}

fn why(fault: ArchiveFault) -> Denial {
    refusal("carried out", &format!("the archive: {fault}"))
}

fn nothing_begun() -> Denial {
    out_of_order("begin to open an archive first")
}

fn no_list() -> Denial {
    out_of_order("no such disposal list is open: it was applied, or never signed")
}
