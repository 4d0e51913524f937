//! A workbook opened within bounds: its parts are unpacked once, to nowhere, before the library that reads
//! workbooks is given them, for that library holds shared strings whole and believes what they announce.

use std::{
    collections::HashSet,
    io::{self, BufReader, Read},
};

use calamine::{Reader as _, Sheet, SheetType, SheetVisible, Xlsx};
use quick_xml::events::Event;
use zip::ZipArchive;

use crate::{
    PlannedFile, ReadError,
    contain_panics::contain,
    container::{Jumping, LARGEST_RATIO, RATIO_FREE, Seekable, refuse},
};

/// A workbook has no more parts.
pub(crate) const MOST_PARTS: usize = 4_096;
/// A worksheet's XML is read piece by piece, but one cell at a time is held: it may be this long, in bytes.
pub(crate) const LARGEST_SHEET: u64 = 256 << 20;
/// All other parts together, in bytes; the shared strings are held whole.
pub(crate) const LARGEST_OTHERS: u64 = 64 << 20;
/// Between two tags stand no more bytes than these. Excel's own limit of a cell is 32,767 characters.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

pub(crate) type Workbook = Xlsx<Box<dyn Seekable>>;

pub(crate) const UNREADABLE: &str = "it is no workbook (XLSX) that can be read; open it in a spreadsheet, save it anew and deliver that";

/// Opens a workbook after its parts were measured.
pub(crate) fn open(file: &PlannedFile, bytes: &Jumping) -> Result<Workbook, ReadError> {
    let io = |source| ReadError::Io { path: file.path.clone(), source };
    let fits = contain(|| measure(bytes)).unwrap_or(Ok(Err(UNREADABLE))).map_err(io)?;
    fits.map_err(|what| refuse(&file.path, what))?;
    let bytes = bytes.bytes().map_err(io)?;
    match contain(|| Xlsx::new(bytes)) {
        Some(Ok(workbook)) => Ok(workbook),
        _ => Err(refuse(&file.path, UNREADABLE)),
    }
}

/// The workbook's sheets that hold cells, and whether each is hidden. Other kinds (charts, macros) hold
/// none.
pub(crate) fn sheets(workbook: &Workbook) -> Vec<(String, bool)> {
    let cells = |sheet: &&Sheet| sheet.typ == SheetType::WorkSheet;
    let sheets = workbook.sheets_metadata().iter().filter(cells);
    sheets.map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible)).collect()
}

type Fits = Result<(), &'static str>;

fn measure(bytes: &Jumping) -> io::Result<Fits> {
    let Ok(mut archive) = ZipArchive::new(bytes.bytes()?) else { return Ok(Err(UNREADABLE)) };
    if archive.len() > MOST_PARTS {
        return Ok(Err("the workbook has more parts than the 4,096 that are read"));
    }
    let mut names = HashSet::new();
    let mut others = 0;
    for place in 0..archive.len() {
        let Ok(mut part) = archive.by_index(place) else { return Ok(Err(UNREADABLE)) };
        let Ok(name) = part.name().map(|name| name.to_lowercase()) else {
            return Ok(Err(UNREADABLE));
        };
        let packed = part.compressed_size();
        let sheet = name.contains("worksheets/");
        let most = if sheet { LARGEST_SHEET } else { LARGEST_OTHERS - others };
        if name.ends_with("sharedstrings.xml") {
            match announced_strings(&mut part) {
                Some(count) if count <= LARGEST_OTHERS / 8 => {}
                _ => return Ok(Err("its shared strings are announced as more than are read")),
            }
        }
        drop(part);
        if !names.insert(name) {
            return Ok(Err("two of the workbook's parts have one name"));
        }
        let Ok(mut part) = archive.by_index(place) else { return Ok(Err(UNREADABLE)) };
        let length = match unpack(&mut part, packed, most) {
            Ok(length) => length,
            Err(what) => return Ok(Err(what)),
        };
        others += if sheet { 0 } else { length };
    }
    Ok(Ok(()))
}

/// The length of a part, or why it is not read.
fn unpack(part: &mut impl Read, packed: u64, most: u64) -> Result<u64, &'static str> {
    let mut buffer = vec![0; 64 << 10];
    let (mut length, mut text) = (0, 0);
    loop {
        let count = part.read(&mut buffer).map_err(|_| UNREADABLE)?;
        if count == 0 {
            return Ok(length);
        }
        length += count as u64;
        if length > most {
            return Err("a part of the workbook is larger than is read; deliver it as CSV");
        }
        if length > RATIO_FREE && length / packed.max(1) >= LARGEST_RATIO {
            return Err("a part of the workbook unpacks to more than 200 times its size");
        }
        for piece in buffer[..count].split_inclusive(|&byte| byte == b'<') {
            text += piece.len();
            if text > LONGEST_TEXT {
                return Err("a cell of the workbook is longer than any real one");
            }
            if piece.ends_with(b"<") {
                text = 0;
            }
        }
    }
}

/// How many shared strings a part announces; none where it is no such part.
fn announced_strings(part: &mut impl Read) -> Option<u64> {
    let mut reader = quick_xml::Reader::from_reader(BufReader::new(part.take(LARGEST_OTHERS)));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "sst" => {
                let mut attributes = tag.attributes();
                let count = attributes
                    .with_checks(false)
                    .flatten()
                    .find(|attribute| attribute.key.as_ref() == "uniqueCount");
                return count.map_or(Some(0), |count| count.value.parse().ok());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}
