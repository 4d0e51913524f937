//! The auditor's own folder: the key that signs reports, what was accepted, and the reports that were filed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use minster_vault_api::note::{NoteError, Verifier, signed_text};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::{checks::packages::sha256, failure::Failure, report::Report};

const KEY: &str = "auditor.key";
const PUBLIC: &str = "auditor.pub";
const PROGRAMS: &str = "programs.note";
const PACKAGER: &str = "packager.pub";
/// The first lines of what is signed.
const REPORT: &str = "minster-audit/report";
const LIST: &str = "minster-audit/programs";
/// A longer file is none of ours.
const LONGEST: u64 = 64 << 20;

/// The auditor's folder, open.
pub(crate) struct Records {
    folder: PathBuf,
    signer: Signer,
}

/// A key that signs notes.
struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

/// A program of a signed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// SHA-256, hexadecimal.
    pub(crate) sha256: String,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) path: PathBuf,
}

impl Records {
    /// Opens the folder, and its key.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let signer = Signer::read(&folder.join(KEY), &folder.join(PUBLIC))?;
        Ok(Self { folder: folder.to_owned(), signer })
    }

    /// The newest report, if there is one: as it was signed.
    pub(crate) fn newest(&self) -> Result<Option<Report>, Failure> {
        let entries = fs::read_dir(&self.folder)
            .map_err(|source| Failure::Read { path: self.folder.clone(), source })?;
        let names = entries.flatten().map(|entry| entry.path());
        let is_note = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("audit-") && name.ends_with(".note")
        };
        let Some(newest) = names.filter(is_note).max() else { return Ok(None) };
        let files = read_note(&newest, &self.signer.verifier)?;
        let json = files.iter().find(|(path, _)| path.extension().is_some_and(|of| of == "json"));
        let wrong = |why: &str| Failure::NotTheReport { path: newest.clone(), why: why.into() };
        let (path, _) = json.ok_or_else(|| wrong("it names no report in JSON"))?;
        let report = serde_json::from_str(&text(path)?);
        report
            .map(Some)
            .map_err(|_| wrong("its report in JSON is of another release of this program"))
    }

    /// Files a report: as text, JSON and a page, and a signed note that has the hash of each. Gives the note's path.
    pub(crate) fn file(&self, report: &Report) -> Result<PathBuf, Failure> {
        let time: Timestamp = report.time.parse().unwrap_or_else(|_| Timestamp::now());
        let name = format!("audit-{}", time.strftime("%Y%m%dt%H%M%Sz"));
        let page = report.page(&self.signer.verifier.to_string());
        let mut note = format!("{REPORT}\ntime {}\nexit {}\n", report.time, report.exit);
        for (end, bytes) in [("txt", report.text()), ("json", report.json()?), ("html", page)] {
            let file = format!("{name}.{end}");
            write_new(&self.folder.join(&file), 0o640, bytes.as_bytes())?;
            let sha256 = sha256(bytes.as_bytes())
                .map_err(|source| Failure::Read { path: file.clone().into(), source })?;
            note += &format!("{sha256} {file}\n");
        }
        let path = self.folder.join(format!("{name}.note"));
        write_new(&path, 0o640, self.signer.sign(&note)?.as_bytes())?;
        Ok(path)
    }
}

/// The programs that the packager signed, as a folder keeps the list.
pub(crate) fn programs(folder: &Path) -> Result<Vec<Listed>, Failure> {
    let (note, public) = (folder.join(PROGRAMS), folder.join(PACKAGER));
    let verifier: Verifier = noted(&public, text(&public)?.parse())?;
    let signed = text(&note)?;
    let signed = noted(&note, verifier.open(&signed))?;
    let why = "it is signed, and is no list of programs";
    let wrong = || Failure::NotTheReport { path: note.clone(), why: why.into() };
    let lines = signed.strip_prefix(LIST).ok_or_else(wrong)?.trim().lines();
    lines.map(|line| Listed::parse(line).ok_or_else(wrong)).collect()
}

/// Makes a key in a new or empty place of a folder; gives the line that verifies its signatures.
pub(crate) fn make_key(folder: &Path, name: &str) -> Result<String, Failure> {
    if !folder.exists() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| Failure::Write { path: folder.to_owned(), source })?;
    }
    let pkcs8 =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| Failure::Random)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| Failure::Random)?;
    let verifier = verifier_of(&pair, name)?.to_string();
    let digits = Zeroizing::new(base16ct::lower::encode_string(pkcs8.as_ref()) + "\n");
    write_new(&folder.join(KEY), 0o600, digits.as_bytes())?;
    write_new(&folder.join(PUBLIC), 0o644, format!("{verifier}\n").as_bytes())?;
    Ok(verifier)
}

/// The mode of a program that a package installs.
const PACKAGED: u32 = 0o755;

/// A signed list of programs: as they stand, or as a package will install them in a folder.
pub(crate) fn list(
    programs: &[PathBuf],
    installed_in: Option<&Path>,
    key: &Path,
) -> Result<String, Failure> {
    let signer = Signer::read(key, &key.with_extension("pub"))?;
    let mut list = format!("{LIST}\n");
    for path in programs {
        let unread = |source| Failure::Read { path: path.clone(), source };
        let whole = path.canonicalize().map_err(unread)?;
        let file = File::open(&whole).map_err(unread)?;
        let metadata = file.metadata().map_err(unread)?;
        let (mode, uid, gid, place) = match installed_in {
            None => (metadata.mode() & 0o7777, metadata.uid(), metadata.gid(), whole),
            Some(folder) => (PACKAGED, 0, 0, folder.join(whole.file_name().unwrap_or_default())),
        };
        let sha256 = sha256(file).map_err(unread)?;
        list += &format!("{sha256} {mode:o} {uid} {gid} {}\n", place.display());
    }
    signer.sign(&list)
}

/// Verifies a filed report: the note's signature, then each file's hash. Gives what to tell.
pub(crate) fn verify(note: &Path, verifier: &Path) -> Result<String, Failure> {
    let key: Verifier = noted(verifier, text(verifier)?.parse())?;
    let files = read_note(note, &key)?;
    let names: Vec<String> = files
        .iter()
        .map(|(path, _)| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    Ok(format!("signed by {}; as they were signed: {}\n", key.name(), names.join(", ")))
}

/// The files of a report's note, each with the hash that was signed, and has still.
fn read_note(path: &Path, verifier: &Verifier) -> Result<Vec<(PathBuf, String)>, Failure> {
    let note = text(path)?;
    let signed = noted(path, verifier.open(&note))?;
    let wrong = |why: String| Failure::NotTheReport { path: path.to_owned(), why };
    let lines = signed
        .strip_prefix(REPORT)
        .ok_or_else(|| wrong("it is signed, and is no report".into()))?;
    let mut files = Vec::new();
    for line in lines.lines().filter(|line| line.contains(" audit-")) {
        let (hash, name) = line.split_once(' ').ok_or_else(|| wrong("it is no report".into()))?;
        let file = path.with_file_name(name);
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(wrong("it names a file elsewhere".into()));
        }
        let unread = |source| Failure::Read { path: file.clone(), source };
        let found =
            File::open(&file).map_err(unread).and_then(|file| sha256(file).map_err(unread))?;
        if found != hash {
            return Err(wrong(format!("{name} was changed since it was signed")));
        }
        files.push((file, hash.to_owned()));
    }
    match files.is_empty() {
        true => Err(wrong("it names no file".into())),
        false => Ok(files),
    }
}

impl Signer {
    /// A key of this user alone, and the name that its public line gives it.
    fn read(key: &Path, public: &Path) -> Result<Self, Failure> {
        let unread = |source| Failure::Read { path: key.to_owned(), source };
        let metadata = fs::metadata(key).map_err(unread)?;
        if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(Failure::Exposed { path: key.to_owned() });
        }
        let digits = Zeroizing::new(text(key)?);
        let none = || Failure::NoKey { path: key.to_owned() };
        let pkcs8 =
            base16ct::lower::decode_vec(digits.trim()).map(Zeroizing::new).map_err(|_| none())?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| none())?;
        let verifier: Verifier = noted(public, text(public)?.parse())?;
        // The line beside it must be this key's: a report that nobody can verify is found out now.
        match verifier_of(&pair, verifier.name())? == verifier {
            true => Ok(Self { pair, verifier }),
            false => Err(Failure::Note { path: public.to_owned(), source: NoteError::OtherKey }),
        }
    }

    fn sign(&self, text: &str) -> Result<String, Failure> {
        let signature = self.pair.sign(signed_text(text).as_bytes());
        let signature = signature.as_ref().try_into().map_err(|_| Failure::Random)?;
        Ok(self.verifier.note(text, signature))
    }
}

impl Listed {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(5, ' ');
        let (sha256, mode, uid, gid, path) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        Some(Self {
            sha256: sha256.to_owned(),
            mode: u32::from_str_radix(mode, 8).ok()?,
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            path: path.into(),
        })
    }
}

fn verifier_of(pair: &Ed25519KeyPair, name: &str) -> Result<Verifier, Failure> {
    let public = pair.public_key().as_ref().try_into().map_err(|_| Failure::Random)?;
    Verifier::new(name, public).map_err(|_| Failure::Name)
}

fn noted<T>(path: &Path, opened: Result<T, NoteError>) -> Result<T, Failure> {
    opened.map_err(|source| Failure::Note { path: path.to_owned(), source })
}

fn text(path: &Path) -> Result<String, Failure> {
    let unread = |source| Failure::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(unread)?;
    io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text).map_err(unread)?;
    Ok(text)
}

/// Nothing is overwritten: a filed report stays as it is.
fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
    let unwritten = |source| Failure::Write { path: path.to_owned(), source };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(unwritten)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unwritten)
}
