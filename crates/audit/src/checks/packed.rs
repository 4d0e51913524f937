//! Text that is packed or written in another alphabet: gzip, zip, UTF-16, base64, hexadecimal. It is unpacked in memory, within
//! limits, and searched as what it is.

use std::io::{self, Cursor, Read};

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use flate2::read::MultiGzDecoder;

/// Bytes that are unpacked of one file, at most.
const MOST: u64 = 256 << 20;
/// Packed in packed in packed.
const DEEPEST: u32 = 3;
/// Entries of one archive, at most.
const ENTRIES: usize = 10_000;
/// Characters of the shortest number, in each alphabet.
const BASE64: usize = 14;
const HEX: usize = 20;
const WIDE: usize = 10;
/// How forms that this program does not open begin.
const CLOSED: [(&[u8], &str); 6] = [
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"\x04\x22\x4d\x18", "lz4"),
];

/// Places that could not be looked into.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// A form that this program does not know.
    Closed(&'static str),
    /// An entry of an archive that needs a password, or is broken.
    Entry,
    /// There is more than is unpacked.
    TooMuch,
}

impl Unopened {
    /// For people.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Closed(form) => {
                format!("it is packed by {form}, which this program does not open")
            }
            Self::Entry => "a part of it is sealed by a password, or broken".to_owned(),
            Self::TooMuch => format!(
                "more than {} MiB, or archives in archives in archives, are packed in it",
                MOST >> 20
            ),
        }
    }
}

/// So many bytes tell whether something is packed.
pub(super) const BEGIN: u64 = 6;

/// Whether a file that begins so is packed, in a form that is opened here or not.
pub(super) fn is_packed(begin: &[u8]) -> bool {
    is_opened(begin) || CLOSED.iter().any(|(closed, _)| begin.starts_with(closed))
}

/// Gzip or zip.
fn is_opened(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08") || bytes.starts_with(b"PK\x03\x04")
}

/// Hands on whatever is packed in these bytes, in pieces that are searched by themselves. The bytes as they are, are not.
pub(super) fn unpack(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Vec<Unopened> {
    unpack_at_most(MOST, bytes, each)
}

fn unpack_at_most(most: u64, bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Vec<Unopened> {
    let mut work = Work { left: most, each, unopened: Vec::new() };
    work.look(bytes, 0);
    work.unopened
}

struct Work<'a> {
    left: u64,
    each: &'a mut dyn FnMut(&[u8]),
    unopened: Vec<Unopened>,
}

impl Work<'_> {
    fn look(&mut self, bytes: &[u8], depth: u32) {
        if let Some((_, form)) = CLOSED.iter().find(|(begin, _)| bytes.starts_with(begin)) {
            return self.unopened.push(Unopened::Closed(form));
        }
        if is_opened(bytes) && depth >= DEEPEST {
            return self.unopened.push(Unopened::TooMuch);
        }
        if bytes.starts_with(b"\x1f\x8b\x08") {
            self.read(MultiGzDecoder::new(bytes), depth);
        } else if bytes.starts_with(b"PK\x03\x04") {
            self.archive(bytes, depth);
        } else {
            self.alphabets(bytes, depth);
        }
    }

    fn archive(&mut self, bytes: &[u8], depth: u32) {
        let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
            return self.unopened.push(Unopened::Entry);
        };
        if archive.len() > ENTRIES {
            self.unopened.push(Unopened::TooMuch);
        }
        for at in 0..archive.len().min(ENTRIES) {
            match archive.by_index(at) {
                Ok(entry) => {
                    // A name that is no text is searched as the bytes that it is.
                    let name = entry.name_raw().to_vec();
                    (self.each)(&name);
                    self.read(entry, depth);
                }
                Err(_) => self.unopened.push(Unopened::Entry),
            }
        }
    }

    fn read(&mut self, packed: impl Read, depth: u32) {
        let mut bytes = Vec::new();
        let read = packed.take(self.left + 1).read_to_end(&mut bytes);
        let length = bytes.len() as u64;
        if length > self.left {
            self.unopened.push(Unopened::TooMuch);
        }
        self.left = self.left.saturating_sub(length);
        if read.is_err_and(|error| error.kind() != io::ErrorKind::OutOfMemory) {
            self.unopened.push(Unopened::Entry);
        }
        (self.each)(&bytes);
        self.look(&bytes, depth + 1);
    }

    fn alphabets(&mut self, bytes: &[u8], depth: u32) {
        wide(bytes, self.each);
        let of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        for word in bytes.split(|byte| !of_base64(byte)).filter(|word| word.len() >= BASE64) {
            if word.len() >= HEX && word.len() % 2 == 0 && word.iter().all(u8::is_ascii_hexdigit) {
                if let Ok(plain) = base16ct::mixed::decode_vec(word) {
                    self.decoded(&plain, depth);
                }
                continue;
            }
            for alphabet in [STANDARD, URL_SAFE] {
                let lenient = GeneralPurposeConfig::new()
                    .with_decode_allow_trailing_bits(true)
                    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
                if let Ok(plain) = GeneralPurpose::new(&alphabet, lenient).decode(word) {
                    self.decoded(&plain, depth);
                    break;
                }
            }
        }
    }

    /// Decoded text may be packed itself.
    fn decoded(&mut self, plain: &[u8], depth: u32) {
        (self.each)(plain);
        if is_opened(plain) && depth < DEEPEST {
            self.look(plain, depth + 1);
        }
    }
}

/// Runs of characters of two bytes of which one is zero: UTF-16 of either order.
fn wide(bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
    // A first pass that costs little: nothing is wide without zeros.
    if !bytes.contains(&0) {
        return;
    }
    for from in 0..2 {
        for zero in 0..2 {
            let mut run = Vec::new();
            for pair in bytes.get(from..).unwrap_or_default().as_chunks::<2>().0 {
                match (pair[zero], pair[1 - zero]) {
                    (0, character) if character != 0 => run.push(character),
                    _ => hand_on(&mut run, each),
                }
            }
            hand_on(&mut run, each);
        }
    }
}

fn hand_on(run: &mut Vec<u8>, each: &mut dyn FnMut(&[u8])) {
    if run.len() >= WIDE {
        each(run);
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &str = "ward W01, number Q330400024001, end";

    fn found(bytes: &[u8]) -> bool {
        let mut found = false;
        let unopened = unpack(bytes, &mut |plain| {
            found |= plain.windows(13).any(|window| window == b"Q330400024001");
        });
        assert_eq!(unopened, []);
        found
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_found() {
        assert!(!found(TEXT.as_bytes()), "the plain bytes are another's");
        let mut zipped = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zipped.start_file("a/b.csv", zip::write::SimpleFileOptions::default()).unwrap();
        zipped.write_all(TEXT.as_bytes()).unwrap();
        let zipped = zipped.finish().unwrap().into_inner();
        let little: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> =
            [vec![0], TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat();
        let base64 = base64::prelude::BASE64_STANDARD.encode(TEXT);
        let url = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(format!("{TEXT}??>"));
        let hex = base16ct::upper::encode_string(TEXT.as_bytes());
        for (form, bytes) in [
            ("gzip", gzip(TEXT.as_bytes())),
            ("gzip twice", gzip(&gzip(TEXT.as_bytes()))),
            ("zip", zipped.clone()),
            ("zip in gzip", gzip(&zipped)),
            ("UTF-16", little),
            ("UTF-16, big, at an odd place", big),
            ("base64", format!("note: {base64}.").into_bytes()),
            ("base64 for addresses", format!("note: {url}.").into_bytes()),
            ("hexadecimal", format!("x={hex};").into_bytes()),
            (
                "gzip in base64",
                base64::prelude::BASE64_STANDARD.encode(gzip(TEXT.as_bytes())).into_bytes(),
            ),
        ] {
            assert!(found(&bytes), "{form}");
        }
    }

    #[test]
    fn what_is_not_opened_is_said() {
        let mut deep = TEXT.as_bytes().to_vec();
        (0..DEEPEST + 1).for_each(|_| deep = gzip(&deep));
        assert_eq!(unpack(&deep, &mut |_| {}), [Unopened::TooMuch]);
        assert_eq!(unpack(b"BZh91AY", &mut |_| {}), [Unopened::Closed("bzip2")]);
        assert_eq!(unpack(&gzip(TEXT.as_bytes())[..30], &mut |_| {}), [Unopened::Entry]);
        let bomb = gzip(&vec![0; 10_000]);
        assert_eq!(unpack_at_most(9_999, &bomb, &mut |_| {}), [Unopened::TooMuch]);
        assert_eq!(unpack_at_most(10_000, &bomb, &mut |_| {}), []);
    }
}
