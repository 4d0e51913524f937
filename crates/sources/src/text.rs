//! A text file's bytes as UTF-8, with a limit on how far one record or tag may reach.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::{ByteObserver, PlannedFile, ReadError, container, definition::Encoding};

/// No record, tag or text between two tags reaches further than this many bytes: where one does, a quote
/// was never closed.
pub(crate) const LONGEST_RECORD: u64 = 16 << 20;

/// Bytes for a reader that holds a record whole however long it is: so it is not given more of one than
/// [`LONGEST_RECORD`].
pub(crate) struct Text {
    inner: Box<dyn Read + Send>,
    given: u64,
    mark: RecordMark,
}

/// Where the reader is: it says so between two records.
#[derive(Clone, Default)]
pub(crate) struct RecordMark(Arc<AtomicU64>);

impl RecordMark {
    /// A record ended at this byte.
    pub(crate) fn set(&self, byte: u64) {
        self.0.store(byte, Ordering::Relaxed);
    }
}

impl Text {
    pub(crate) fn open(
        file: &PlannedFile,
        encoding: Encoding,
        seen: ByteObserver,
    ) -> Result<Self, ReadError> {
        let bytes = container::open(file, seen)?;
        let inner: Box<dyn Read + Send> = match encoding {
            Encoding::Utf8 | Encoding::Windows1252 => bytes,
            Encoding::Utf16 => Box::new(Decoded::new(bytes)),
        };
        Ok(Self { inner, given: 0, mark: RecordMark::default() })
    }

    /// The same as UTF-8, whatever the encoding: for a reader that knows no other.
    pub(crate) fn decoded(
        file: &PlannedFile,
        encoding: Encoding,
        seen: ByteObserver,
    ) -> Result<Self, ReadError> {
        if encoding != Encoding::Windows1252 {
            return Self::open(file, encoding, seen);
        }
        let mut decoded = Decoded::new(container::open(file, seen)?);
        decoded.decoder = Some(WINDOWS_1252.new_decoder_without_bom_handling());
        Ok(Self { inner: Box::new(decoded), given: 0, mark: RecordMark::default() })
    }

    pub(crate) fn mark(&self) -> RecordMark {
        self.mark.clone()
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given.saturating_sub(self.mark.0.load(Ordering::Relaxed)) > LONGEST_RECORD {
            return Err(io::Error::other(
                "a row or element reaches over more than 16 MiB, as where a quote is not closed; ask the service for a whole file",
            ));
        }
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        Ok(count)
    }
}

/// UTF-16 to UTF-8, or from the encoding whose decoder is there. A byte that is no character becomes one that UTF-8 never has, so that its row is
/// set aside.
struct Decoded {
    inner: Box<dyn Read + Send>,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    at: usize,
    ready: Vec<u8>,
    ended: bool,
}

impl Decoded {
    fn new(inner: Box<dyn Read + Send>) -> Self {
        Self { inner, decoder: None, raw: Vec::new(), at: 0, ready: Vec::new(), ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.raw.resize(64 << 10, 0);
        let mut filled = 0;
        // The mark may come in two reads.
        while filled < 2 {
            match self.inner.read(&mut self.raw[filled..])? {
                0 => {
                    self.ended = true;
                    break;
                }
                count => filled += count,
            }
        }
        let mut source = &self.raw[..filled];
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            None => {
                let encoding = match source {
                    [0xff, 0xfe, ..] => UTF_16LE,
                    [0xfe, 0xff, ..] => UTF_16BE,
                    // Without a mark: the first character is a letter or a sign of ASCII, and so has a zero.
                    [first, 0, ..] if *first != 0 => UTF_16LE,
                    [0, second, ..] if *second != 0 => UTF_16BE,
                    _ => {
                        return Err(io::Error::other(
                            "it is not UTF-16; is the definition's `encoding` right?",
                        ));
                    }
                };
                let marked = matches!(source, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
                source = &source[if marked { 2 } else { 0 }..];
                self.decoder.insert(encoding.new_decoder_without_bom_handling())
            }
        };
        self.ready.clear();
        self.at = 0;
        loop {
            let needed = decoder.max_utf8_buffer_length_without_replacement(source.len());
            let start = self.ready.len();
            self.ready.resize(start + needed.unwrap_or(source.len() * 4 + 16), 0);
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(
                source,
                &mut self.ready[start..],
                self.ended,
            );
            self.ready.truncate(start + written);
            source = &source[read..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.ready.push(0xff),
            }
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() && !self.ended {
            self.fill()?;
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
