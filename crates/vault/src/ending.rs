//! The files that a vault has of one purpose alone, and their destruction.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use minster_model::Purpose;
use ring::digest::{Context, SHA256};

use crate::{
    VaultFault,
    approvals::{Action, Proposal},
    archive::{self, SealedPart},
    cases, disk,
    folder::OpenFolder,
    keys::hex,
    log::DestroyedFiles,
    rectification,
    retention::{PROPOSED, Proposed},
    session::{CROSSWALKS, PROPOSALS},
    state::{PurposeState, State},
};

/// The folders whose files are named for their purpose, each with the words for them.
const BOOKS: [(&str, &str); 5] = [
    ("registry", "registry of numbers"),
    ("births", "birth dates beside numbers"),
    ("facts", "facts of persons"),
    ("tombstones", "blocked numbers"),
    (CROSSWALKS, "pairs of old and new pseudonyms"),
];

/// A file of one purpose.
pub(crate) struct Piece {
    what: &'static str,
    /// Its folder and name within the vault's folder.
    name: String,
    path: PathBuf,
}

/// The sealed texts of proposals that go with their purpose, by name. The texts that named and ended it stay: they are the evidence, and
/// no child stands in them.
pub(crate) fn proposed(folder: &OpenFolder) -> Result<BTreeMap<String, Purpose>, VaultFault> {
    let mut proposed = BTreeMap::new();
    for (name, _) in folder.files_in(PROPOSALS)? {
        let plain = folder.read_sealed(PROPOSALS, &name)?;
        let text = plain.as_deref().and_then(|plain| std::str::from_utf8(plain).ok());
        let Some(action) = text.and_then(Proposal::read).map(|of| of.action) else { continue };
        let stays = matches!(action, Action::NamePurpose { .. } | Action::EndPurpose(_));
        if let (false, Some(purpose)) = (stays, action.purpose()) {
            proposed.insert(name, purpose.clone());
        }
    }
    Ok(proposed)
}

/// All files that the vault has of a purpose whose end has begun; `proposed` are the [`proposed`] ones.
pub(crate) fn pieces(
    folder: &OpenFolder,
    state: &State,
    purpose: &Purpose,
    proposed: &BTreeMap<String, Purpose>,
) -> Result<Vec<Piece>, VaultFault> {
    let mut all = Vec::new();
    let mut add = |of: &str, what: &'static str, is_its: &dyn Fn(&str) -> bool| {
        let files = folder.files_in(of)?.into_iter().filter(|(name, _)| is_its(name));
        let piece = |(name, path)| Piece { what, name: format!("{of}/{name}"), path };
        all.extend(files.map(piece));
        Ok::<_, VaultFault>(())
    };
    // `P`, `P.anew`, `P.v1.0`, and what a stopped process left aside, `.P.…`. No purpose has a dot in its name.
    let begins = format!("{purpose}.");
    let is_named = |name: &str| {
        let name = name.strip_prefix('.').unwrap_or(name);
        name == purpose.as_str() || name.starts_with(&begins)
    };
    for (of, what) in BOOKS {
        add(of, what, &is_named)?;
    }
    add(cases::FOLDER, "subjects of cases", &|name| {
        state.cases.get(name).is_some_and(|case| case.purpose == *purpose)
    })?;
    let is_about_it = |name: &str| proposed.get(name) == Some(purpose);
    add(rectification::FOLDER, "corrections", &|name| match rectification::owner_of(name) {
        (Some(case), _) => state.cases.get(case).is_some_and(|case| case.purpose == *purpose),
        (None, proposal) => proposal.is_some_and(is_about_it),
    })?;
    // A list is its proposal's, and goes before the proposal's text. Another purpose's may be there before the log has it.
    add(Proposed::FOLDER, "disposal lists", &|name| {
        is_about_it(name.strip_prefix(PROPOSED).unwrap_or(name))
    })?;
    add(SealedPart::FOLDER, "keys and numbers of sealed archives", &|name| {
        archive::is_its(state, purpose, name)
    })?;
    add(PROPOSALS, "texts of proposals", &is_about_it)?;
    Ok(all)
}

/// The files as a certificate tells of them: by kind, counted and hashed.
pub(crate) fn told(pieces: &[Piece], of: &PurposeState) -> Result<Vec<DestroyedFiles>, VaultFault> {
    let mut kinds: BTreeMap<&'static str, BTreeMap<&str, String>> = BTreeMap::new();
    for piece in pieces {
        kinds.entry(piece.what).or_default().insert(&piece.name, digest(&piece.path)?);
    }
    let heads = [&of.registry, &of.births, &of.facts, &of.tombstones];
    let records = |what: &str| {
        let place = BOOKS.iter().position(|(_, words)| *words == what)?;
        Some(heads.get(place)?.as_ref().map_or(0, |head| head.records))
    };
    let told = kinds.into_iter().map(|(what, files)| {
        let lines: String =
            files.iter().map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
        DestroyedFiles {
            what: what.to_owned(),
            files: files.len() as u64,
            records: records(what),
            sha256: crate::approvals::sha256(&lines),
        }
    });
    Ok(told.collect())
}

/// Removes files for good.
pub(crate) fn remove(folder: &OpenFolder, pieces: &[Piece]) -> Result<(), VaultFault> {
    pieces.iter().try_for_each(|piece| folder.disk.remove(&piece.path))
}

/// Removes what is left of purposes that the log says were destroyed: a process was stopped before it did, or a copy was put back.
pub(crate) fn sweep(folder: &OpenFolder, state: &State) -> Result<(), VaultFault> {
    let mut ended = state.purposes.iter().filter(|(_, of)| of.is_destroyed()).peekable();
    if ended.peek().is_none() {
        return Ok(());
    }
    let proposed = proposed(folder)?;
    ended.try_for_each(|(name, _)| remove(folder, &pieces(folder, state, name, &proposed)?))
}

/// SHA-256 of a file's bytes, hexadecimal.
fn digest(path: &Path) -> Result<String, VaultFault> {
    let read = VaultFault::io("read", path);
    let hashed = || {
        let mut file = disk::open_regular(path)?;
        let (mut context, mut bytes) = (Context::new(&SHA256), vec![0; 64 << 10]);
        loop {
            match file.read(&mut bytes)? {
                0 => return Ok(hex(context.finish().as_ref())),
                some => context.update(&bytes[..some]),
            }
        }
    };
    hashed().map_err(read)
}
