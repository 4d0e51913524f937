//! The bundle: an archive that is encrypted as it is written, and never stands in clear but in the few bytes that are on their way.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    io::{self, Write},
    rc::Rc,
};

use age::{stream::StreamWriter as Encrypting, x25519::Recipient};
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions, write::StreamWriter};

use crate::keys::hex;

/// Files of a bundle: a table or a page each.
const MOST_FILES: usize = 1_000;
/// Bytes of a bundle before compression. One child's rows are far fewer.
const MOST_BYTES: u64 = 1 << 30;
/// The vault's own files together have a multiple of so many bytes: the length of a bundle tells nothing about a child's numbers.
const STEP: usize = 64 << 10;
/// Encrypted bytes that wait for one answer: it must fit a frame.
const MOST_WAITING: usize = 6 << 20;

/// Why a bundle is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BundleFault {
    #[error("the recipient is no age recipient (age1…)")]
    Recipient,
    #[error(
        "a file's name is 1 to 64 of a-z, 0-9, '.', '-' and '_', each is begun once, and the vault's own files by the vault alone"
    )]
    Name,
    #[error("a file must be begun before it is written")]
    NoFile,
    #[error("it has more than 1000 files or 1 GiB, or 6 MiB in one message")]
    TooLarge,
    #[error("it could not be encrypted")]
    Crypto,
}

/// A requester's recipient.
pub(crate) fn recipient(text: &str) -> Result<Recipient, BundleFault> {
    text.parse().map_err(|_| BundleFault::Recipient)
}

/// The encrypted bytes that were not handed on yet.
#[derive(Clone)]
pub(crate) struct Outlet(Rc<RefCell<Encrypted>>);

struct Encrypted {
    waiting: Vec<u8>,
    all: Context,
    count: u64,
}

/// A bundle while it is written. Its plaintext is a child's: no `Debug`.
pub(crate) struct Bundle {
    archive: ZipWriter<StreamWriter<Encrypting<Outlet>>>,
    outlet: Outlet,
    names: BTreeSet<String>,
    plain: u64,
    /// Bytes that it may have.
    most: u64,
}

/// A file that the vault writes.
pub(crate) struct OwnFile {
    pub(crate) name: &'static str,
    pub(crate) text: Zeroizing<String>,
}

/// The vault's own page: blanks at its end change nothing.
pub(crate) const OWN_PAGE: &str = "numbers-and-days.html";
pub(crate) const NUMBERS_TABLE: &str = "numbers.csv";
pub(crate) const KEEPING_TABLE: &str = "how-long.csv";

/// A bundle that is whole.
pub(crate) struct Finished {
    /// Its last bytes.
    pub(crate) rest: Vec<u8>,
    /// SHA-256 of all its bytes.
    pub(crate) sha256: String,
    /// How many bytes it has.
    pub(crate) count: u64,
}

impl Bundle {
    pub(crate) fn new(to: &str) -> Result<Self, BundleFault> {
        let (encrypting, outlet) = Outlet::encrypting(to)?;
        let archive = ZipWriter::new_stream(encrypting);
        Ok(Self { archive, outlet, names: BTreeSet::new(), plain: 0, most: MOST_BYTES })
    }

    /// The same for records of many persons: it may be as long as they are.
    pub(crate) fn of_many(to: &str) -> Result<Self, BundleFault> {
        Ok(Self { most: u64::MAX, ..Self::new(to)? })
    }

    /// Begins a file of the store's side.
    pub(crate) fn begin(&mut self, name: &str) -> Result<(), BundleFault> {
        match [OWN_PAGE, NUMBERS_TABLE, KEEPING_TABLE].contains(&name) {
            true => Err(BundleFault::Name),
            false => self.start(name),
        }
    }

    fn start(&mut self, name: &str) -> Result<(), BundleFault> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        let capital = name == "README.txt";
        let is_name = (1..=64).contains(&name.len())
            && name.chars().all(|c| allowed(c) || capital)
            && !name.starts_with('.');
        if !is_name || !self.names.insert(name.to_owned()) {
            return Err(BundleFault::Name);
        }
        if self.names.len() > MOST_FILES {
            return Err(BundleFault::TooLarge);
        }
        // Never compressed: the store's side sees lengths, and chooses texts beside the numbers.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(self.most > MOST_BYTES)
            .unix_permissions(0o600);
        self.archive.start_file(name, options).map_err(|_| BundleFault::Crypto)
    }

    /// Goes on in the file.
    pub(crate) fn write(&mut self, text: &[u8]) -> Result<(), BundleFault> {
        if self.names.is_empty() {
            return Err(BundleFault::NoFile);
        }
        self.plain = self.plain.saturating_add(text.len() as u64);
        if self.plain > self.most {
            return Err(BundleFault::TooLarge);
        }
        self.archive.write_all(text).map_err(|_| BundleFault::Crypto)?;
        match self.outlet.0.borrow().waiting.len() <= MOST_WAITING {
            true => Ok(()),
            false => Err(BundleFault::TooLarge),
        }
    }

    /// The encrypted bytes since the last time.
    pub(crate) fn taken(&mut self) -> Vec<u8> {
        self.outlet.taken()
    }

    /// Whether no file was begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Ends the bundle with the vault's own files, the page last.
    pub(crate) fn finish(mut self, own: &[OwnFile]) -> Result<Finished, BundleFault> {
        let mut count = 0;
        for OwnFile { name, text } in own {
            self.start(name)?;
            self.archive.write_all(text.as_bytes()).map_err(|_| BundleFault::Crypto)?;
            count += text.len();
        }
        // At least one, so that a bundle without a number is as long as one with some.
        let blanks = vec![b' '; (count + 1).next_multiple_of(STEP) - count];
        if !own.is_empty() {
            self.archive.write_all(&blanks).map_err(|_| BundleFault::Crypto)?;
        }
        let Self { archive, outlet, .. } = self;
        let encrypting = archive.finish().map_err(|_| BundleFault::Crypto)?.into_inner();
        encrypting.finish().map_err(|_| BundleFault::Crypto)?;
        Ok(outlet.finished())
    }
}

impl Outlet {
    /// The second gives out, encrypted, all that is written into the first.
    pub(crate) fn encrypting(to: &str) -> Result<(Encrypting<Self>, Self), BundleFault> {
        let recipient = recipient(to)?;
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor =
            age::Encryptor::with_recipients(recipients).map_err(|_| BundleFault::Crypto)?;
        let encrypted = Encrypted { waiting: Vec::new(), all: Context::new(&SHA256), count: 0 };
        let outlet = Self(Rc::new(RefCell::new(encrypted)));
        let encrypting = encryptor.wrap_output(outlet.clone()).map_err(|_| BundleFault::Crypto)?;
        Ok((encrypting, outlet))
    }

    /// The encrypted bytes since the last time.
    pub(crate) fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().waiting)
    }

    /// How many bytes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.borrow().waiting.len()
    }

    /// The last bytes, and the hash of all.
    pub(crate) fn finished(&self) -> Finished {
        let rest = self.taken();
        let encrypted = self.0.borrow();
        let sha256 = hex(encrypted.all.clone().finish().as_ref());
        Finished { rest, sha256, count: encrypted.count }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut encrypted = self.0.borrow_mut();
        encrypted.waiting.extend_from_slice(bytes);
        encrypted.all.update(bytes);
        encrypted.count += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use age::x25519::Identity;

    use super::*;

    #[test]
    fn what_comes_out_piece_by_piece_is_one_archive_for_the_requester_alone() {
        let (own, other) = (Identity::generate(), Identity::generate());
        let mut bundle = Bundle::new(&own.to_public().to_string()).unwrap();
        assert_eq!(bundle.write(b"x"), Err(BundleFault::NoFile));
        let mut whole = Vec::new();
        let text = "a child's row\n".repeat(20_000);
        for name in ["page.html", "README.txt"] {
            bundle.begin(name).unwrap();
            for part in text.as_bytes().chunks(999) {
                bundle.write(part).unwrap();
                whole.extend(bundle.taken());
            }
        }
        for name in ["page.html", "", "../x", ".x", "A.csv", "numbers.csv", OWN_PAGE] {
            assert_eq!(bundle.begin(name), Err(BundleFault::Name), "{name}");
        }
        let Finished { rest, sha256, count } = bundle.finish(&[]).unwrap();
        whole.extend(rest);
        assert_eq!(whole.len() as u64, count);
        assert_eq!(hex(ring::digest::digest(&SHA256, &whole).as_ref()), sha256);
        let open = |identity: &Identity| {
            let decryptor = age::Decryptor::new(whole.as_slice()).unwrap();
            let mut plain = Vec::new();
            let identities = std::iter::once(identity as &dyn age::Identity);
            decryptor.decrypt(identities).ok()?.read_to_end(&mut plain).ok()?;
            Some(plain)
        };
        assert!(open(&other).is_none());
        let mut archive = zip::ZipArchive::new(Cursor::new(open(&own).unwrap())).unwrap();
        assert_eq!(archive.len(), 2);
        for name in ["page.html", "README.txt"] {
            let mut read = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut read).unwrap();
            assert!(read == text, "{name}");
        }
        assert_eq!(Bundle::new("age1x").err(), Some(BundleFault::Recipient));
    }

    #[test]
    fn no_length_that_the_linker_sees_tells_a_number() {
        let own = Identity::generate().to_public().to_string();
        let lengths = |numbers: &[&str]| {
            let mut bundle = Bundle::new(&own).unwrap();
            // The header alone has parts of a random length, and comes before any text.
            let header = bundle.taken().len();
            let mut seen = Vec::new();
            bundle.begin("guess.csv").unwrap();
            // A guess that compression would find again in the vault's own text.
            for _ in 0..200 {
                bundle.write("upn,Q330400024001\n".repeat(100).as_bytes()).unwrap();
                seen.push(bundle.taken().len());
            }
            let text: String = numbers.iter().map(|number| format!("upn,{number}\n")).collect();
            let files = [NUMBERS_TABLE, OWN_PAGE]
                .map(|name| OwnFile { name, text: Zeroizing::new(text.clone()) });
            let Finished { rest, count, .. } = bundle.finish(&files).unwrap();
            seen.extend([rest.len(), count as usize - header]);
            seen
        };
        let guessed = lengths(&["Q330400024001"]);
        assert_eq!(guessed, lengths(&["Z897200123000"]));
        assert_eq!(guessed, lengths(&["Q330400024001", "Z897200123000", "9434765919"]));
        assert_eq!(guessed, lengths(&[]), "not even how many there are");
    }
}
