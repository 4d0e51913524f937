//! The files that a vault has of one purpose alone, and their destruction.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use minster_model::Purpose;
use ring::digest::{Context, SHA256};

use crate::{
    VaultFault,
    approvals::{Action, Proposal},
    cases, disk,
    folder::OpenFolder,
    keys::{Keys, hex, open},
    log::DestroyedFiles,
    retention::{PROPOSED, Proposed},
    session::{CROSSWALKS, PROPOSALS},
    state::{PurposeState, State},
};

/// A longer sealed file was not written by this program.
const LONGEST_SEALED: u64 = 1 << 30;
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

/// The text that the vault sealed in a file, bound to its name; nothing where it is not there or was changed.
pub(crate) fn read_sealed(
    (keys, path): (&Keys, &Path),
    folder: &str,
    name: &str,
) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, VaultFault> {
    let key = keys.cipher(&["sealed file", folder])?;
    let path = path.join(folder).join(name);
    let Ok(sealed) = disk::read_regular(&path, LONGEST_SEALED) else {
        return Ok(None);
    };
    Ok(open(&key, name.as_bytes(), &sealed))
}

/// All files that the vault has of a purpose whose end has begun. The texts of the proposals that named and ended it stay: they are the
/// evidence, and no child stands in them.
pub(crate) fn pieces(
    folder: &OpenFolder,
    state: &State,
    purpose: &Purpose,
) -> Result<Vec<Piece>, VaultFault> {
    let mut all = Vec::new();
    let mut add =
        |of: &str, what: &'static str, is_its: &dyn Fn(&str) -> Result<bool, VaultFault>| {
            for path in files_in(&folder.path.join(of))? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if is_its(&name)? {
                    all.push(Piece { what, name: format!("{of}/{name}"), path });
                }
            }
            Ok::<_, VaultFault>(())
        };
    // `P`, `P.anew`, `P.v1.0`, and what a stopped process left aside, `.P.…`. No purpose has a dot in its name.
    let begins = format!("{purpose}.");
    let is_named = |name: &str| {
        let name = name.strip_prefix('.').unwrap_or(name);
        Ok(name == purpose.as_str() || name.starts_with(&begins))
    };
    for (of, what) in BOOKS {
        add(of, what, &is_named)?;
    }
    add(cases::FOLDER, "subjects of cases", &|name| {
        Ok(state.cases.get(name).is_some_and(|case| case.purpose == *purpose))
    })?;
    let is_about_it = |name: &str| {
        let plain = read_sealed((&folder.keys, &folder.path), PROPOSALS, name)?;
        let text = plain.as_deref().and_then(|plain| std::str::from_utf8(plain).ok());
        let proposal = text.and_then(Proposal::read);
        Ok(proposal.is_some_and(|of| {
            let stays = matches!(of.action, Action::NamePurpose { .. } | Action::EndPurpose(_));
            of.action.purpose() == Some(purpose) && !stays
        }))
    };
    // A list is its proposal's, and goes before the proposal's text. Another purpose's may be there before the log has it.
    add(Proposed::FOLDER, "disposal lists", &|name| {
        is_about_it(name.strip_prefix(PROPOSED).unwrap_or(name))
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
    for (purpose, _) in state.purposes.iter().filter(|(_, of)| of.is_destroyed()) {
        remove(folder, &pieces(folder, state, purpose)?)?;
    }
    Ok(())
}

/// The files in a folder; none where it is not there.
fn files_in(within: &Path) -> Result<Vec<PathBuf>, VaultFault> {
    if !within.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(within).map_err(VaultFault::io("read", within))?;
    let entries = entries.map(|entry| Ok(entry.map_err(VaultFault::io("read", within))?.path()));
    entries.collect()
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
