//! A file of keyed hashes: batches, each sealed and chained to the one before. The answers stand in one, the birth
//! dates beside it in another; each has keys of its own.

mod rewriting;

use std::{
    fs::File,
    io::{BufReader, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use minster_model::{KeyVersion, Purpose};
use ring::{
    aead::{Aad, LessSafeKey, NONCE_LEN, Nonce},
    hmac,
};
use zeroize::Zeroizing;

use crate::{
    VaultFault,
    disk::{self, Disk},
    keys::{Keys, Link, hex, label, random},
    log::RegistryHead,
};

pub(super) use rewriting::Fate;

const TAG: usize = 32;
const GCM_TAG: usize = 16;
/// Bytes of a batch before its subject: first record, count, version, the subject's length.
const FIXED: usize = 8 + 4 + 4 + 1;
const OTHER: &str = "the log names another registry: one of them was put back";
/// A longer batch was not written by this release.
const LONGEST: usize = 1 << 28;

/// The subject of a file.
#[derive(Clone, Copy)]
pub(super) struct FileSubject {
    /// Its first line.
    pub(super) magic: &'static [u8],
    /// An input of its keys' derivation.
    pub(super) name: &'static str,
}

/// The links that a batch adds to the index.
pub(super) struct Batch {
    /// The kind of its identifiers, or the delivery that told of them.
    pub(super) subject: String,
    pub(super) links: Vec<Link>,
}

/// Where a batch stands, so that a row of it can be found again.
struct Place {
    first: u64,
    count: u32,
    at: u64,
    length: usize,
}

pub(super) struct RegistryFile {
    path: PathBuf,
    file: File,
    disk: Disk,
    book: FileSubject,
    purpose: Purpose,
    mac: hmac::Key,
    tag: [u8; TAG],
    records: u64,
    length: u64,
    places: Vec<Place>,
}

impl RegistryFile {
    /// Opens a file, or begins one. Where a process was stopped as it put a file in its place that was written anew, it is put there
    /// now, if the log names it; else it is removed.
    pub(super) fn open(
        book: FileSubject,
        path: &Path,
        keys: &Keys,
        purpose: &Purpose,
        head: Option<&RegistryHead>,
        disk: Disk,
    ) -> Result<(Self, Vec<Batch>, u64), VaultFault> {
        let anew = anew(path);
        if anew.exists() {
            let opened = Self::open_at(book, &anew, keys, purpose, None, disk.clone());
            let is_named = opened.is_ok_and(|(file, ..)| head == Some(&file.head()));
            match is_named {
                true => disk.rename(&anew, path)?,
                false => disk.remove(&anew)?,
            }
        }
        Self::open_at(book, path, keys, purpose, head, disk)
    }

    fn open_at(
        book: FileSubject,
        path: &Path,
        keys: &Keys,
        purpose: &Purpose,
        head: Option<&RegistryHead>,
        disk: Disk,
    ) -> Result<(Self, Vec<Batch>, u64), VaultFault> {
        let bad = |why| VaultFault::Registry { path: path.to_owned(), why };
        let io = |error| VaultFault::io("read", path)(error);
        let file = disk.open_append(path)?;
        let mac = keys.book_key(book.name, purpose);
        let mut opened = Self {
            path: path.to_owned(),
            file,
            disk,
            book,
            purpose: purpose.clone(),
            mac,
            tag: [0; TAG],
            records: 0,
            length: 0,
            places: Vec::new(),
        };
        let mut batches = Vec::new();
        let mut expected = head.filter(|head| !head.tag.is_empty() && head.tag != hex(&[0; TAG]));
        let mut reader = BufReader::with_capacity(1 << 20, disk::open_regular(path).map_err(io)?);
        let mut magic = vec![0; book.magic.len()];
        if read_whole(&mut reader, &mut magic).map_err(io)? {
            if magic != *book.magic {
                return Err(bad("it is not a registry of this release"));
            }
            opened.length = book.magic.len() as u64;
            while let Some(body) = next(&mut reader).map_err(io)? {
                batches.push(opened.take(keys, &body).map_err(bad)?);
                if let Some(head) = expected {
                    // A batch may add none.
                    if opened.records > head.records {
                        return Err(bad(OTHER));
                    }
                    if opened.records == head.records && hex(&opened.tag) == head.tag {
                        expected = None;
                    }
                }
            }
        }
        if let Some(head) = expected {
            return Err(bad(match opened.records == head.records {
                true => OTHER,
                false => {
                    "it lacks identifiers that were answered: it was cut, or an older copy put back"
                }
            }));
        }
        let whole = opened.file.metadata().map_err(io)?.len();
        let cut = whole - opened.length;
        if cut > 0 {
            opened
                .disk
                .truncate(&opened.file, opened.length)
                .map_err(VaultFault::io("repair", path))?;
        }
        if opened.length == 0 {
            let begun = opened.disk.append(&mut opened.file, book.magic);
            begun.map_err(VaultFault::io("write", path))?;
            opened.length = book.magic.len() as u64;
        }
        Ok((opened, batches, cut))
    }

    pub(super) fn head(&self) -> RegistryHead {
        RegistryHead { records: self.records, tag: hex(&self.tag) }
    }

    /// Appends a batch; durable when this returns. A torn batch is cut off again. `identifiers` are those of
    /// the links, or none.
    pub(super) fn append(
        &mut self,
        keys: &Keys,
        version: KeyVersion,
        subject: &str,
        links: impl ExactSizeIterator<Item = Link>,
        identifiers: &[&[u8]],
    ) -> Result<(), VaultFault> {
        let long = |_| VaultFault::Crypto("a batch is too long");
        let salt = random::<32>()?;
        let count = u32::try_from(links.len()).map_err(long)?;
        let sealer = Sealer::new(keys, self.book, &self.purpose, version, &salt)?;
        let rows: usize = identifiers.iter().map(|identifier| identifier.len() + GCM_TAG + 2).sum();
        let all = 4 + FIXED + subject.len() + links.len() * 32 + rows + 2 * TAG + GCM_TAG;
        // Its length stands before it, once that is known.
        let mut bytes = Vec::with_capacity(all);
        bytes.extend_from_slice(&[0; 4]);
        let body = &mut bytes;
        body.extend_from_slice(&self.records.to_be_bytes());
        body.extend_from_slice(&count.to_be_bytes());
        body.extend_from_slice(&version.0.to_be_bytes());
        body.push(u8::try_from(subject.len()).map_err(long)?);
        body.extend_from_slice(subject.as_bytes());
        body.extend_from_slice(&salt);
        let mut links: Vec<u8> = links.flatten().collect();
        sealer.seal(&sealer.index, self.records, 0, &mut links)?;
        body.extend_from_slice(&links);
        let first = self.records;
        let numbered: Vec<(u32, &&[u8])> = (0..).zip(identifiers).collect();
        let rows = super::spread(&numbered, |part| {
            let mut rows = Vec::with_capacity(part.len() * 40);
            for (place, identifier) in part {
                let mut row = Vec::with_capacity(identifier.len() + GCM_TAG);
                row.extend_from_slice(identifier);
                let record = first + u64::from(*place);
                let sealed = sealer.seal(&sealer.rows, record, *place, &mut row);
                rows.push(sealed.map(|()| row));
            }
            rows
        });
        for row in rows {
            let row = row?;
            let length = u16::try_from(row.len())
                .map_err(|_| VaultFault::Crypto("an identifier is too long"))?;
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(&row);
        }
        let tag = self.tag_of(&bytes[4..]);
        bytes.extend_from_slice(tag.as_ref());
        let length = bytes.len() - 4;
        // A longer one would be taken for a torn end as the file is opened.
        if length > LONGEST {
            return Err(VaultFault::Crypto("a batch is too long"));
        }
        let length = u32::try_from(length).map_err(long)?;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        if let Err(error) = self.disk.append(&mut self.file, &bytes) {
            let _ = self.disk.truncate(&self.file, self.length);
            return Err(VaultFault::io("write", &self.path)(error));
        }
        self.entered(&bytes[4..], count);
        Ok(())
    }

    /// The identifier of a record.
    pub(super) fn identifier(
        &self,
        keys: &Keys,
        record: u32,
    ) -> Result<Zeroizing<Vec<u8>>, VaultFault> {
        let bad = |why| VaultFault::Registry { path: self.path.clone(), why };
        let record = u64::from(record);
        let place = self
            .places
            .iter()
            .find(|place| (place.first..place.first + u64::from(place.count)).contains(&record))
            .ok_or_else(|| bad("a record is not in it"))?;
        let mut body = vec![0; place.length];
        self.file.read_exact_at(&mut body, place.at).map_err(VaultFault::io("read", &self.path))?;
        let parts = BatchParts::read(&body).ok_or_else(|| bad("a batch of it was changed"))?;
        let sealer = Sealer::new(keys, self.book, &self.purpose, parts.version, parts.salt)?;
        let at = (record - place.first) as u32;
        let row = parts.row(at).ok_or_else(|| bad("a row of it was changed"))?;
        let plain = sealer.open(&sealer.rows, record, at, row);
        plain.ok_or_else(|| bad("a row of it was changed or moved"))
    }

    fn take(&mut self, keys: &Keys, body: &[u8]) -> Result<Batch, &'static str> {
        const CHANGED: &str = "a batch of it was changed, removed or moved";
        let (sealed, tag) = body.split_last_chunk::<TAG>().ok_or(CHANGED)?;
        hmac_verify(&self.mac, &self.tag, sealed, tag).ok_or(CHANGED)?;
        let parts = BatchParts::read(body).ok_or(CHANGED)?;
        if parts.first != self.records {
            return Err(CHANGED);
        }
        let sealer = Sealer::new(keys, self.book, &self.purpose, parts.version, parts.salt)
            .map_err(|_| "its key could not be derived")?;
        let links = sealer.open(&sealer.index, parts.first, 0, parts.links).ok_or(CHANGED)?;
        let (links, []) = links.as_chunks::<32>() else { return Err(CHANGED) };
        let batch = Batch { subject: parts.subject.to_owned(), links: links.to_vec() };
        let count = parts.count;
        self.entered(body, count);
        Ok(batch)
    }

    fn entered(&mut self, body: &[u8], count: u32) {
        let at = self.length + 4;
        self.places.push(Place { first: self.records, count, at, length: body.len() });
        self.records += u64::from(count);
        self.length = at + body.len() as u64;
        if let Some(tag) = body.last_chunk::<TAG>() {
            self.tag = *tag;
        }
    }

    fn tag_of(&self, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(&self.tag);
        context.update(body);
        context.sign()
    }
}

/// The file that is written anew, until it is put in its place. No purpose's name has a dot.
fn anew(path: &Path) -> PathBuf {
    path.with_extension("anew")
}

fn hmac_verify(key: &hmac::Key, before: &[u8], sealed: &[u8], tag: &[u8]) -> Option<()> {
    hmac::verify(key, &[before, sealed].concat(), tag).ok()
}

/// Seals the parts of one batch, under keys that the batch's random salt makes its own.
struct Sealer {
    index: LessSafeKey,
    rows: LessSafeKey,
    bound: Vec<u8>,
}

impl Sealer {
    fn new(
        keys: &Keys,
        book: FileSubject,
        purpose: &Purpose,
        version: KeyVersion,
        salt: &[u8; 32],
    ) -> Result<Self, VaultFault> {
        let salt = hex(salt);
        let version = version.0.to_string();
        let cipher = |of: &str| {
            let use_ = format!("{} {of}", book.name);
            keys.cipher(&[&use_, purpose.as_str(), &version, &salt])
        };
        Ok(Self {
            index: cipher("index")?,
            rows: cipher("rows")?,
            bound: label(&[keys.store_id(), purpose.as_str(), &version]),
        })
    }

    /// The nonce is the place in the batch: no key seals two things in one place.
    fn seal(
        &self,
        key: &LessSafeKey,
        record: u64,
        place: u32,
        plain: &mut Vec<u8>,
    ) -> Result<(), VaultFault> {
        let bound = [self.bound.as_slice(), &record.to_be_bytes()].concat();
        key.seal_in_place_append_tag(nonce(place), Aad::from(bound), plain)
            .map_err(|_| VaultFault::Crypto("sealing failed"))
    }

    fn open(
        &self,
        key: &LessSafeKey,
        record: u64,
        place: u32,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let bound = [self.bound.as_slice(), &record.to_be_bytes()].concat();
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = key.open_in_place(nonce(place), Aad::from(bound), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

fn nonce(place: u32) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 4..].copy_from_slice(&place.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// A batch's parts.
struct BatchParts<'a> {
    first: u64,
    count: u32,
    version: KeyVersion,
    subject: &'a str,
    salt: &'a [u8; 32],
    links: &'a [u8],
    rows: &'a [u8],
}

impl<'a> BatchParts<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let body = body.get(..body.len().checked_sub(TAG)?)?;
        let (fixed, rest) = body.split_first_chunk::<FIXED>()?;
        let (first, fixed) = fixed.split_first_chunk::<8>()?;
        let (count, fixed) = fixed.split_first_chunk::<4>()?;
        let (version, fixed) = fixed.split_first_chunk::<4>()?;
        let (subject, rest) = rest.split_at_checked(usize::from(*fixed.first()?))?;
        let (salt, rest) = rest.split_first_chunk::<32>()?;
        let count = u32::from_be_bytes(*count);
        let (links, rows) = rest.split_at_checked(count as usize * 32 + GCM_TAG)?;
        Some(Self {
            first: u64::from_be_bytes(*first),
            count,
            version: KeyVersion(u32::from_be_bytes(*version)),
            subject: std::str::from_utf8(subject).ok()?,
            salt,
            links,
            rows,
        })
    }

    fn row(&self, place: u32) -> Option<&'a [u8]> {
        let mut rows = self.rows;
        for at in 0..=place {
            let (length, rest) = rows.split_first_chunk::<2>()?;
            let (row, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            if at == place {
                return Some(row);
            }
            rows = rest;
        }
        None
    }
}

/// The next whole batch; nothing where the file ends, even in the middle of one.
fn next(reader: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if !read_whole(reader, &mut length)? {
        return Ok(None);
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Ok(None);
    }
    let mut body = Vec::new();
    reader.take(length as u64).read_to_end(&mut body)?;
    Ok((body.len() == length).then_some(body))
}

fn read_whole(reader: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
