//! The sizes that a Parquet file's pages announce, read before any of them is: a page is held whole, and may announce
//! 2 GiB of which it has no more than some bytes.
//!
//! A page begins with a Thrift structure in the compact protocol (parquet-format, `PageHeader`): its second field is
//! the page's size unpacked, its third the size packed, after which the next page begins.

use std::io::Read;

use parquet::{errors::ParquetError, file::metadata::ParquetMetaData};

/// No page is longer, unpacked. Writers begin a new one after some MiB at most.
pub(crate) const LARGEST_PAGE: u64 = 64 << 20;

/// How deep structures in a header stand in one another, at most; the format's own go to three.
const DEEPEST: u32 = 8;

/// The largest size that any page announces; none where a header is no header.
pub(crate) fn largest<R: Read>(
    metadata: &ParquetMetaData,
    open: impl Fn(u64) -> Result<R, ParquetError>,
) -> Result<Option<u64>, ParquetError> {
    let mut largest = 0;
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let (mut at, length) = column.byte_range();
        let end = at.saturating_add(length);
        while at < end {
            let mut header = PageHeader { input: open(at)?.take(end - at), taken: 0 };
            let Some((unpacked, packed)) = header.sizes() else { return Ok(None) };
            largest = largest.max(unpacked).max(packed);
            at += header.taken + packed;
        }
    }
    Ok(Some(largest))
}

/// A page's header while it is read.
struct PageHeader<R> {
    input: R,
    taken: u64,
}

impl<R: Read> PageHeader<R> {
    /// The page's size unpacked and packed.
    fn sizes(&mut self) -> Option<(u64, u64)> {
        let (mut unpacked, mut packed) = (None, None);
        let mut last = 0;
        while let Some((field, kind)) = self.field(&mut last)? {
            match (field, kind) {
                (2, 5) if unpacked.is_none() => unpacked = Some(self.size()?),
                (3, 5) if packed.is_none() => packed = Some(self.size()?),
                // A second time, or as something else: readers could differ in what they make of it.
                (2 | 3, _) => return None,
                _ => self.skip(kind, 0)?,
            }
        }
        Some((unpacked?, packed?))
    }

    /// The next field's number and kind; none at the structure's end.
    fn field(&mut self, last: &mut i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *last = match byte >> 4 {
            0 => self.number()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some(Some((*last, byte & 15)))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            // True and false are told by the kind alone.
            1 | 2 => {}
            3 => self.pass(1)?,
            4..=6 => {
                self.varint()?;
            }
            7 => self.pass(8)?,
            8 => {
                let length = self.varint()?;
                self.pass(length)?;
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.varint()?,
                    count => count.into(),
                };
                for _ in 0..count {
                    match byte & 15 {
                        1 | 2 => self.pass(1)?,
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
            }
            12 => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            // The format's headers hold no maps.
            _ => return None,
        }
        Some(())
    }

    fn size(&mut self) -> Option<u64> {
        u64::try_from(self.number()?).ok().filter(|size| *size <= i32::MAX as u64)
    }

    /// A signed number: zigzag.
    fn number(&mut self) -> Option<i64> {
        let bits = self.varint()?;
        Some((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut bits = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            bits |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(bits);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).ok()?;
        self.taken += 1;
        Some(byte[0])
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let passed =
            std::io::copy(&mut (&mut self.input).take(count), &mut std::io::sink()).ok()?;
        self.taken += passed;
        (passed == count).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[u8]) -> Option<(u64, u64)> {
        PageHeader { input: bytes, taken: 0 }.sizes()
    }

    #[test]
    fn sizes_are_found_among_other_fields_and_nothing_else_is() {
        // Fields 1 (i32), 2, 3, and 5, a structure with an i32 and a text.
        let whole =
            [0x15, 0, 0x15, 0xc8, 1, 0x15, 20, 0x2c, 0x15, 2, 0x18, 3, b'a', b'b', b'c', 0, 0];
        assert_eq!(sizes(&whole), Some((100, 10)));
        for length in 0..whole.len() {
            assert_eq!(sizes(&whole[..length]), None, "{length}");
        }
        // Twice; as an i64; less than nothing; in structures without an end.
        assert_eq!(sizes(&[0x25, 2, 0x15, 2, 0x05, 4, 2, 0]), None);
        assert_eq!(sizes(&[0x26, 2, 0x15, 2, 0]), None);
        assert_eq!(sizes(&[0x25, 1, 0x15, 2, 0]), None);
        assert_eq!(sizes(&[0x1c; 10_000]), None);
    }
}
