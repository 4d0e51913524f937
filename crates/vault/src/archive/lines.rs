//! The lines of an archive: each a JSON object, and each checked on its way in and out.

use std::{collections::HashSet, io::Write};

use age::stream::StreamWriter as Encrypting;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use crate::access::{BundleFault, Finished, Outlet};

/// Bytes of one line: a row with long texts is far shorter.
const LONGEST: usize = 4 << 20;
/// Encrypted bytes that wait for one answer: it must fit a frame.
const MOST_WAITING: usize = 6 << 20;

/// Why the lines of an archive are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArchiveFault {
    #[error("a line of it is no row of an archive")]
    Line,
    #[error("a line of it, or what waits for one answer, is too long")]
    TooLong,
    #[error("its last line has no end")]
    Cut,
    #[error("it could not be encrypted: {0}")]
    Crypto(BundleFault),
}

/// The part of a line that the vault reads.
#[derive(Deserialize)]
struct Line {
    /// The codes of the persons whose row it is; none, where it says what the columns of a table are.
    of: Option<Vec<String>>,
}

/// The rows that are let through.
pub(crate) enum Wanted {
    All,
    /// Rows of a person with one of these codes.
    Of(HashSet<String>),
}

impl Wanted {
    fn wants(&self, of: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::Of(codes) => of.iter().any(|code| codes.contains(code)),
        }
    }
}

/// Lines that are encrypted to a recipient as they come. They are a person's: no `Debug`.
pub(crate) struct SealedLines {
    to: Encrypting<Outlet>,
    outlet: Outlet,
    wanted: Wanted,
    /// A line that has no end yet.
    begun: Zeroizing<Vec<u8>>,
    rows: u64,
}

impl SealedLines {
    pub(crate) fn new(recipient: &str, wanted: Wanted) -> Result<Self, BundleFault> {
        let (to, outlet) = Outlet::encrypting(recipient)?;
        let begun = Zeroizing::new(Vec::new());
        Ok(Self { to, outlet, wanted, begun, rows: 0 })
    }

    /// Takes the next bytes of the lines, wherever they are cut.
    pub(crate) fn write(&mut self, text: &[u8]) -> Result<(), ArchiveFault> {
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            if self.begun.len() + part.len() > LONGEST {
                return Err(ArchiveFault::TooLong);
            }
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let mut line = std::mem::take(&mut self.begun);
                let taken = self.line(&line);
                line.zeroize();
                taken?;
            }
        }
        match self.outlet.waiting() <= MOST_WAITING {
            true => Ok(()),
            false => Err(ArchiveFault::TooLong),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), ArchiveFault> {
        let Line { of } = serde_json::from_slice(line).map_err(|_| ArchiveFault::Line)?;
        if of.as_ref().is_some_and(|of| !self.wanted.wants(of)) {
            return Ok(());
        }
        self.rows += u64::from(of.is_some());
        self.own(line)
    }

    /// Adds lines of the vault's own, which are no rows.
    pub(crate) fn own(&mut self, lines: &[u8]) -> Result<(), ArchiveFault> {
        self.to.write_all(lines).map_err(|_| ArchiveFault::Crypto(BundleFault::Crypto))
    }

    /// The encrypted bytes since the last time.
    pub(crate) fn taken(&mut self) -> Vec<u8> {
        self.outlet.taken()
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<Finished, ArchiveFault> {
        if !self.begun.is_empty() {
            return Err(ArchiveFault::Cut);
        }
        self.to.finish().map_err(|_| ArchiveFault::Crypto(BundleFault::Crypto))?;
        Ok(self.outlet.finished())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use age::x25519::Identity;
    use proptest::prelude::*;

    use super::*;

    fn opened(identity: &Identity, sealed: &[u8]) -> String {
        let decryptor = age::Decryptor::new(sealed).unwrap();
        let mut plain = String::new();
        let identities = std::iter::once(identity as &dyn age::Identity);
        decryptor.decrypt(identities).unwrap().read_to_string(&mut plain).unwrap();
        plain
    }

    #[test]
    fn what_is_no_line_of_an_archive_is_refused() {
        let to = Identity::generate().to_public().to_string();
        for (text, why) in [
            ("not a row\n", ArchiveFault::Line),
            ("{\"of\":\"a\"}\n", ArchiveFault::Line),
            ("{\"of\":[\"a\"]}", ArchiveFault::Cut),
        ] {
            let mut lines = SealedLines::new(&to, Wanted::All).unwrap();
            let taken = lines.write(text.as_bytes()).and_then(|()| lines.finish().map(drop));
            assert_eq!(taken, Err(why), "{text}");
        }
        let mut lines = SealedLines::new(&to, Wanted::All).unwrap();
        assert_eq!(lines.write(&vec![b' '; LONGEST + 1]), Err(ArchiveFault::TooLong));
    }

    proptest! {
        #[test]
        fn one_persons_rows_pass_whole_wherever_the_lines_are_cut(
            rows in prop::collection::vec((prop::collection::vec(0u8..4, 0..3), "[a-zé]{0,9}"), 0..40),
            cut in 1usize..30,
        ) {
            let mut text = "{\"table\":\"t\"}\n".to_owned();
            let mut wanted = text.clone();
            let mut count = 0;
            for (of, cell) in &rows {
                let of: Vec<String> = of.iter().map(|n| format!("c{n}")).collect();
                let line = format!("{}\n", serde_json::json!({ "of": of, "cells": cell }));
                if of.iter().any(|code| code == "c1") {
                    wanted += &line;
                    count += 1;
                }
                text += &line;
            }
            let identity = Identity::generate();
            let codes = ["c1".to_owned()].into();
            let mut lines = SealedLines::new(&identity.to_public().to_string(), Wanted::Of(codes)).unwrap();
            let mut sealed = Vec::new();
            for part in text.as_bytes().chunks(cut) {
                lines.write(part).unwrap();
                sealed.extend(lines.taken());
            }
            prop_assert_eq!(lines.rows(), count);
            let finished = lines.finish().unwrap();
            sealed.extend(finished.rest);
            prop_assert_eq!(sealed.len() as u64, finished.count);
            prop_assert_eq!(opened(&identity, &sealed), wanted);
        }
    }
}
