//! The containers of delivered files: plain, gzip, or a zip of several files. Every reader gets its bytes
//! from here, and here the limits of unpacking are kept. Nothing is unpacked to disk.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::{
    Crc,
    read::{DeflateDecoder, MultiGzDecoder},
};
use zip::{CompressionMethod, ZipArchive};

use crate::{ByteObserver, PlannedFile, ReadError, planned_file::Wrapping};

/// A zip holds no more members than this; a return has some dozens at most.
pub(crate) const MOST_MEMBERS: usize = 256;
/// An unpacked file may be this many times its packed size. Deflate reaches 1,032 on zeros alone
/// (RFC 1951: 258 bytes from two bits); tables of a council stay below 60.
pub(crate) const LARGEST_RATIO: u64 = 200;
/// The ratio is not looked at before this many unpacked bytes.
pub(crate) const RATIO_FREE: u64 = 1 << 20;
/// Nothing is unpacked further than this many bytes.
pub(crate) const LARGEST_UNPACKED: u64 = 256 << 30;
/// A file that cannot be read from front to back (a workbook, a Parquet file) is held in memory while it is
/// read out of a container, and so may be this many bytes.
pub(crate) const LARGEST_HELD: u64 = 256 << 20;

/// A file that a delivered file holds.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its own name, without folders and without `.gz`.
    pub(crate) name: String,
    /// How it is read.
    pub(crate) wrapping: Wrapping,
}

/// The files that the delivered file `name` at `path` holds: itself, if it is no container.
pub(crate) fn entries(path: &Path, name: &str) -> Result<Vec<Entry>, ReadError> {
    match packing(name) {
        Some((inner, "gz")) if packing(inner).is_none() => {
            Ok(vec![Entry { name: inner.to_owned(), wrapping: Wrapping::Gzip }])
        }
        Some((_, "gz")) => Err(refuse(path, NESTED)),
        Some(_) => members(path),
        None => Ok(vec![Entry { name: name.to_owned(), wrapping: Wrapping::Plain }]),
    }
}

const NESTED: &str = "it is packed twice, and only one layer is unpacked; deliver what it holds";

/// The name without its packing, and the packing.
fn packing(name: &str) -> Option<(&str, &'static str)> {
    let (start, end) = name.rsplit_once('.')?;
    ["gz", "zip"].into_iter().find(|p| end.eq_ignore_ascii_case(p)).map(|packing| (start, packing))
}

fn members(path: &Path) -> Result<Vec<Entry>, ReadError> {
    let mut archive = archive(path)?;
    let mut entries = Vec::new();
    for place in 0..archive.len() {
        let member =
            archive.by_index_raw(place).map_err(|_| refuse(path, "a member cannot be found"))?;
        if member.encrypted() {
            return Err(refuse(
                path,
                "a member is encrypted; a password protects nothing here: deliver it plain",
            ));
        }
        if member.is_symlink() {
            return Err(refuse(path, "a member is a link; only plain files are read"));
        }
        let name = member.name().map_err(|_| refuse(path, "a member's name is no text"))?;
        let strange = |c: char| c.is_control() || c == '\\' || c == ':';
        let outside = name.starts_with('/') || name.split('/').any(|step| step == "..");
        if outside || name.chars().any(strange) {
            return Err(refuse(path, "a member's name leads out of the archive"));
        }
        if member.is_dir() {
            continue;
        }
        if !matches!(member.compression(), CompressionMethod::Stored | CompressionMethod::Deflated)
        {
            return Err(refuse(path, "a member is packed in another way than deflate"));
        }
        let own = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if packing(&own).is_some() {
            return Err(refuse(path, NESTED));
        }
        entries.push(Entry { name: own, wrapping: Wrapping::Member(name.into_owned()) });
    }
    Ok(entries)
}

fn archive(path: &Path) -> Result<ZipArchive<File>, ReadError> {
    let mut file = File::open(path).map_err(|source| io_error(path, source))?;
    let count = announced(&mut file).map_err(|source| io_error(path, source))?;
    match count {
        None => return Err(refuse(path, "it is no zip, or was cut; deliver it again")),
        Some(count) if count > MOST_MEMBERS => {
            return Err(refuse(path, "it has more members than the 256 that are read"));
        }
        Some(_) => {}
    }
    let archive = ZipArchive::new(file).map_err(|_| refuse(path, "it is no readable zip"))?;
    // A name that stands twice is kept once by the library: nothing may be lost unseen.
    if Some(archive.len()) != count {
        return Err(refuse(path, "its directory is forged, or two members have one name"));
    }
    Ok(archive)
}

/// The largest number of members that any end-of-directory record in the file's tail announces (APPNOTE 4.3.16),
/// so that no directory is read that is too long.
fn announced(file: &mut File) -> io::Result<Option<usize>> {
    const RECORD: usize = 22;
    let length = file.seek(SeekFrom::End(0))?;
    let tail = length.min((RECORD + usize::from(u16::MAX)) as u64);
    file.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    file.rewind()?;
    let records = bytes.windows(RECORD).filter(|window| window.starts_with(b"PK\x05\x06"));
    Ok(records.map(|record| usize::from(u16::from_le_bytes([record[10], record[11]]))).max())
}

/// Opens a planned file's bytes. `seen` is given every byte of the delivered file by the time that
/// the reader has reached its end: while it is read or, where reading jumps, in one go afterwards.
pub(crate) fn open(
    file: &PlannedFile,
    seen: ByteObserver,
) -> Result<Box<dyn Read + Send>, ReadError> {
    Ok(match &file.wrapping {
        Wrapping::Plain => Box::new(ObservedBytes::open(&file.path, seen)?),
        Wrapping::Gzip => {
            let taken = Arc::new(AtomicU64::new(0));
            let packed = CountedBytes {
                inner: ObservedBytes::open(&file.path, seen)?,
                taken: Arc::clone(&taken),
            };
            let inner = MultiGzDecoder::new(BufReader::with_capacity(1 << 20, packed));
            Box::new(Limited { inner, taken, given: 0, most: LARGEST_UNPACKED })
        }
        Wrapping::Member(name) => Box::new(Member::open(&file.path, name, seen)?),
    })
}

/// Bytes that can be read in any order.
pub(crate) trait Seekable: Read + Seek + Send {}
impl<T: Read + Seek + Send> Seekable for T {}

/// A file whose reader jumps about in it.
pub(crate) struct Jumping {
    file: File,
    /// The unpacked bytes, where it was packed.
    held: Option<Arc<[u8]>>,
}

impl Jumping {
    /// Opens a planned file; what is packed is unpacked into memory.
    pub(crate) fn open(file: &PlannedFile) -> Result<Self, ReadError> {
        let io = |source| io_error(&file.path, source);
        let held = match file.wrapping {
            Wrapping::Plain => None,
            _ => {
                let mut bytes = Vec::new();
                let mut packed = open(file, Box::new(|_| {}))?;
                packed.by_ref().take(LARGEST_HELD + 1).read_to_end(&mut bytes).map_err(io)?;
                if bytes.len() as u64 > LARGEST_HELD {
                    let what = "it is too large to be read out of a container; deliver it unpacked";
                    return Err(refuse(&file.path, what));
                }
                Some(bytes.into())
            }
        };
        Ok(Self { file: File::open(&file.path).map_err(io)?, held })
    }

    /// The bytes, from their start.
    pub(crate) fn bytes(&self) -> io::Result<Box<dyn Seekable>> {
        Ok(match &self.held {
            Some(held) => Box::new(Cursor::new(Arc::clone(held))),
            None => {
                let mut file = self.file.try_clone()?;
                file.rewind()?;
                Box::new(BufReader::with_capacity(64 << 10, file))
            }
        })
    }

    /// The unpacked bytes, or the file itself.
    pub(crate) fn parts(&self) -> (Option<Arc<[u8]>>, &File) {
        (self.held.clone(), &self.file)
    }

    /// Shows `seen` the whole delivered file, now that it was read: if it is another than before, its
    /// hash tells.
    pub(crate) fn show(
        mut self,
        file: &PlannedFile,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<(), ReadError> {
        show(&mut self.file, &mut seen).map_err(|source| io_error(&file.path, source))
    }
}

fn show(file: &mut File, seen: &mut impl FnMut(&[u8])) -> io::Result<()> {
    file.rewind()?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            count => seen(&buffer[..count]),
        }
    }
}

/// Shows every byte that is read.
struct ObservedBytes {
    inner: File,
    seen: ByteObserver,
}

impl ObservedBytes {
    fn open(path: &Path, seen: ByteObserver) -> Result<Self, ReadError> {
        let inner = File::open(path).map_err(|source| io_error(path, source))?;
        Ok(Self { inner, seen })
    }
}

impl Read for ObservedBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.seen)(&buffer[..count]);
        Ok(count)
    }
}

/// Counts what is read.
struct CountedBytes<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for CountedBytes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Stops where more comes out than may.
pub(crate) struct Limited<R> {
    inner: R,
    taken: Arc<AtomicU64>,
    given: u64,
    most: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        let taken = self.taken.load(Ordering::Relaxed).max(1);
        if self.given > RATIO_FREE && self.given / taken >= LARGEST_RATIO {
            return Err(io::Error::other(
                "it unpacks to more than 200 times its size, as no table does; ask the service what it is",
            ));
        }
        if self.given > self.most {
            return Err(io::Error::other(
                "it unpacks to more bytes than are read; deliver it in parts",
            ));
        }
        Ok(count)
    }
}

/// A zip's member, read from front to back.
struct Member {
    unpacked: Limited<Box<dyn Read + Send>>,
    crc: Crc,
    expected: (u32, u64),
    file: File,
    seen: ByteObserver,
    ended: bool,
}

impl Member {
    fn open(path: &Path, name: &str, seen: ByteObserver) -> Result<Self, ReadError> {
        let gone = || ReadError::Changed { path: path.to_owned() };
        let mut archive = archive(path)?;
        let place = archive.index_for_name(name).ok_or_else(gone)?;
        let member = archive.by_index_raw(place).map_err(|_| gone())?;
        let start = member.data_start().ok_or_else(gone)?;
        let expected = (member.crc32(), member.size());
        let (compressed, method) = (member.compressed_size(), member.compression());
        drop(member);
        let mut file = archive.into_inner();
        let io = |source| io_error(path, source);
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        let taken = Arc::new(AtomicU64::new(0));
        let packed = file.try_clone().map_err(io)?.take(compressed);
        let packed = CountedBytes { inner: packed, taken: Arc::clone(&taken) };
        let packed = BufReader::with_capacity(256 << 10, packed);
        let inner: Box<dyn Read + Send> = match method {
            CompressionMethod::Stored => Box::new(packed),
            _ => Box::new(DeflateDecoder::new(packed)),
        };
        let unpacked = Limited { inner, taken, given: 0, most: LARGEST_UNPACKED };
        Ok(Self { unpacked, crc: Crc::new(), expected, file, seen, ended: false })
    }
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let count = self.unpacked.read(buffer)?;
        self.crc.update(&buffer[..count]);
        if count == 0 {
            if (self.crc.sum(), self.unpacked.given) != self.expected {
                return Err(io::Error::other(
                    "a member's length or checksum is not what its archive says; deliver it again",
                ));
            }
            show(&mut self.file, &mut self.seen)?;
            self.ended = true;
        }
        Ok(count)
    }
}

pub(crate) fn refuse(path: &Path, what: &'static str) -> ReadError {
    ReadError::Refused { path: path.to_owned(), what }
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> ReadError {
    ReadError::Io { path: path.to_owned(), source }
}
