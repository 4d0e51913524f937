//! Rows that ingestion set aside are sealed to the vault's age recipient. Here they are unsealed piece by
//! piece, so that no file is too large, and the chosen ones let through.

use std::{
    cell::RefCell,
    io::{self, Read},
    rc::Rc,
};

use age::{DecryptError, Decryptor, stream::StreamReader, x25519::Identity};
use zeroize::Zeroizing;

/// Why a file is not unsealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsealed {
    #[error("the file is no sealed quarantine")]
    NotSealed,
    #[error("the file was sealed to another vault")]
    OtherVault,
    #[error("the file was changed, or its end is missing")]
    Changed,
}

/// An age file that comes in pieces.
pub(crate) struct Unsealing {
    identity: Identity,
    feed: Feed,
    stream: Option<StreamReader<Feed>>,
}

/// The pieces that were not read yet.
#[derive(Clone, Default)]
struct Feed(Rc<RefCell<Pieces>>);

#[derive(Default)]
struct Pieces {
    bytes: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Unsealing {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, feed: Feed::default(), stream: None }
    }

    /// Takes the next piece; hands on what can be read of it.
    pub(crate) fn take(&mut self, piece: &[u8], plain: impl FnMut(&[u8])) -> Result<(), Unsealed> {
        self.feed.add(piece);
        self.read(plain)
    }

    /// Says that there are no more pieces; hands on the rest.
    pub(crate) fn end(&mut self, plain: impl FnMut(&[u8])) -> Result<(), Unsealed> {
        self.feed.0.borrow_mut().ended = true;
        self.read(plain)
    }

    fn read(&mut self, mut plain: impl FnMut(&[u8])) -> Result<(), Unsealed> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            // The first piece has the whole header: one recipient's is two hundred bytes.
            empty => empty.insert(self.feed.unseal(&self.identity)?),
        };
        let mut buffer = Zeroizing::new(vec![0; 64 << 10]);
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => plain(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Unsealed::Changed),
            }
        }
    }
}

impl Feed {
    fn add(&self, piece: &[u8]) {
        let mut pieces = self.0.borrow_mut();
        let read = std::mem::take(&mut pieces.read);
        pieces.bytes.drain(..read);
        pieces.bytes.extend_from_slice(piece);
    }

    fn unseal(&self, identity: &Identity) -> Result<StreamReader<Self>, Unsealed> {
        let decryptor = Decryptor::new(self.clone()).map_err(|_| Unsealed::NotSealed)?;
        let identities = std::iter::once(identity as &dyn age::Identity);
        decryptor.decrypt(identities).map_err(|error| match error {
            DecryptError::NoMatchingKeys => Unsealed::OtherVault,
            _ => Unsealed::Changed,
        })
    }
}

impl Read for Feed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut pieces = self.0.borrow_mut();
        let rest = &pieces.bytes[pieces.read..];
        if rest.is_empty() && !pieces.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        pieces.read += count;
        Ok(count)
    }
}

/// Rows of JSON lines, told apart as they pass; those that are chosen are let through.
pub(crate) struct Rows {
    chosen: Option<Vec<u8>>,
    /// Whole rows that passed.
    before: u64,
    /// Whether a row has begun.
    within: bool,
    let_through: u64,
}

impl Rows {
    pub(crate) fn new(chosen: Option<Vec<u8>>) -> Self {
        Self { chosen, before: 0, within: false, let_through: 0 }
    }

    /// Hands on what of the chosen rows stands in the text.
    pub(crate) fn pass(&mut self, text: &[u8], mut through: impl FnMut(&[u8])) {
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            let wanted = self.wants(self.before);
            if !std::mem::replace(&mut self.within, true) {
                self.let_through += u64::from(wanted);
            }
            if wanted {
                through(part);
            }
            if part.ends_with(b"\n") {
                self.before += 1;
                self.within = false;
            }
        }
    }

    /// Rows that passed, and those of them that were let through.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.before + u64::from(self.within), self.let_through)
    }

    /// Whether every row that is chosen has passed.
    pub(crate) fn all_passed(&self) -> bool {
        self.chosen.as_ref().is_none_or(|bytes| {
            let chosen: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
            self.let_through == chosen
        })
    }

    /// The same rows from the beginning.
    pub(crate) fn again(self) -> Self {
        Self::new(self.chosen)
    }

    fn wants(&self, row: u64) -> bool {
        let Some(chosen) = &self.chosen else { return true };
        let byte = usize::try_from(row / 8).ok().and_then(|at| chosen.get(at));
        byte.is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn sealed(to: &Identity, plain: &[u8]) -> Vec<u8> {
        let recipient = to.to_public();
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).unwrap();
        let mut writer = encryptor.wrap_output(Vec::new()).unwrap();
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    fn unseal(by: &Identity, sealed: &[u8], piece: usize) -> Result<Vec<u8>, Unsealed> {
        let mut unsealing = Unsealing::new(by.clone());
        let mut plain = Vec::new();
        for piece in sealed.chunks(piece) {
            unsealing.take(piece, |part| plain.extend_from_slice(part))?;
        }
        unsealing.end(|part| plain.extend_from_slice(part))?;
        Ok(plain)
    }

    #[test]
    fn whatever_the_pieces_the_whole_comes_out_or_an_error() {
        let (own, other) = (Identity::generate(), Identity::generate());
        for length in [0usize, 1, 65_535, 65_536, 65_537, 200_000] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let whole = sealed(&own, &plain);
            for piece in [400, 1000, 65_552, 1 << 20] {
                assert!(unseal(&own, &whole, piece).unwrap() == plain, "{length} {piece}");
                assert_eq!(unseal(&other, &whole, piece), Err(Unsealed::OtherVault));
            }
            let cut = unseal(&own, &whole[..whole.len() - 1], 1 << 20);
            assert_eq!(cut, Err(Unsealed::Changed), "{length}");
            for at in (0..whole.len()).step_by(whole.len() / 40) {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                assert!(unseal(&own, &changed, 1 << 20).is_err(), "{length} {at}");
            }
        }
        assert_eq!(unseal(&own, b"", 1), Err(Unsealed::NotSealed));
        assert_eq!(unseal(&own, b"a,b\n1,2\n", 1 << 20), Err(Unsealed::NotSealed));
    }

    proptest! {
        #[test]
        fn chosen_rows_pass_whole_wherever_the_text_is_cut(
            rows in prop::collection::vec(("[a-z]{0,9}", any::<bool>()), 0..40),
            cut in 1usize..30,
        ) {
            let text: String = rows.iter().map(|(row, _)| format!("{row}\n")).collect();
            let wanted: String =
                rows.iter().filter(|(_, chosen)| *chosen).map(|(row, _)| format!("{row}\n")).collect();
            let mut bits = vec![0; rows.len().div_ceil(8)];
            for (at, _) in rows.iter().enumerate().filter(|(_, (_, chosen))| *chosen) {
                bits[at / 8] |= 1 << (at % 8);
            }
            for (chosen, wanted) in [(Some(bits), &wanted), (None, &text)] {
                let mut choice = Rows::new(chosen);
                let mut out = Vec::new();
                text.as_bytes().chunks(cut).for_each(|part| choice.pass(part, |row| out.extend_from_slice(row)));
                prop_assert_eq!(&String::from_utf8(out).unwrap(), wanted);
                prop_assert_eq!(choice.counts(), (rows.len() as u64, wanted.lines().count() as u64));
                prop_assert!(choice.all_passed());
            }
        }
    }
}
