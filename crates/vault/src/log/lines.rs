//! Lines of the log, as they stand, for those who may look at it.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    path::Path,
};

use minster_vault_api::LogPage;

use crate::disk;

/// Bytes of a page: far below the longest message.
const PAGE: u64 = 1 << 20;
/// A single line may be longer, up to this: still below the longest message.
const LONGEST: u64 = 6 << 20;

/// Whole lines from a byte on, which must be a line's first, of the log's first `length` bytes.
pub(crate) fn read_lines(path: &Path, from: u64, length: u64) -> io::Result<LogPage> {
    let no_place = || io::Error::other("no line begins there; begin anew, at 0");
    if from > length {
        return Err(no_place());
    }
    let mut file = disk::open_regular(path)?;
    if let Some(before) = from.checked_sub(1) {
        let mut end = [0];
        file.seek(SeekFrom::Start(before))?;
        file.read_exact(&mut end)?;
        if end != *b"\n" {
            return Err(no_place());
        }
    }
    let mut lines = Vec::new();
    let mut file = io::BufReader::new(file.take((length - from).min(LONGEST)));
    file.by_ref().take(PAGE).read_to_end(&mut lines)?;
    let ends = |lines: &[u8]| lines.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
    if ends(&lines).is_none() {
        file.read_until(b'\n', &mut lines)?;
    }
    let whole = ends(&lines).unwrap_or(0);
    if whole == 0 && !lines.is_empty() {
        return Err(io::Error::other("it has a line that is longer than any entry"));
    }
    lines.truncate(whole);
    Ok(LogPage { next: from + whole as u64, lines })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pages_are_whole_lines_and_together_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let line = "x".repeat(1000) + "\n";
        let whole = line.repeat(2500);
        // Bytes behind the length were not yet answered for.
        fs::write(&path, format!("{whole}half a li")).unwrap();
        let length = whole.len() as u64;
        let (mut from, mut read, mut pages) = (0, Vec::new(), 0);
        loop {
            let page = read_lines(&path, from, length).unwrap();
            if page.lines.is_empty() {
                assert_eq!(page.next, from, "the end stays the end");
                break;
            }
            assert!(page.lines.ends_with(b"\n") && page.lines.len() as u64 <= PAGE);
            (from, pages) = (page.next, pages + 1);
            read.extend(page.lines);
        }
        assert_eq!((String::from_utf8(read).unwrap(), pages), (whole, 3));
        for wrong in [1, 1000, length + 1, u64::MAX] {
            assert!(read_lines(&path, wrong, length).is_err(), "{wrong}");
        }
    }
}
