//! XML: the records that each child's element holds, read child by child.
//!
//! The number of a record is the line of the file on which its start tag begins.

use std::{io::BufReader, path::PathBuf};

use minster_identifiers::Shape;
use quick_xml::{Reader, events::Event};

use crate::{
    Definition, PlannedFile, RawBatch, ReadError, Reason,
    batch::LONGEST_FIELD,
    csv_dialect,
    definition::Encoding,
    text::{RecordMark, Text},
    xml_layout::{Layout, TableLayout},
};

/// No real child's element is longer, in bytes; what is longer is quarantined and not held.
const LARGEST_UNIT: u64 = 4 << 20;
/// The rows of one child's element have no more bytes: a value that stands once in it stands in each of its rows.
const LARGEST_ROWS: usize = 64 << 20;
/// A batch is full at this many units or bytes.
const BATCH_UNITS: usize = 2_000;
const BATCH_BYTES: usize = 4 << 20;
/// Deeper than any real layout.
const DEEPEST: usize = 64;

/// Reads one XML file, unit by unit (a unit holds one child), in batches of raw rows.
pub(crate) struct XmlReader {
    events: Events,
    layout: Layout,
    /// For each open element outside of a unit its node; none where nothing is listed.
    open: Vec<Option<usize>>,
    /// The next unit's number in the delivery.
    next_unit: u32,
    ended: bool,
}

/// One child's element: the rows that its records become.
struct Unit {
    /// The line on which it begins.
    line: u64,
    /// For each table its record paths, each with its rows.
    rows: Vec<Vec<Vec<XmlRow>>>,
    /// For each table the cells that stand once in the unit.
    shared: Vec<Vec<CellText>>,
    /// Whether text stands between the elements of one whose own text is read.
    stray: bool,
}

/// One record.
struct XmlRow {
    line: u64,
    cells: Vec<CellText>,
    repeated: bool,
}

/// The text of one column.
struct CellText {
    column: usize,
    choice: usize,
    passes: bool,
    text: String,
    repeated: bool,
}

/// An open element of a unit.
struct OpenElement {
    node: Option<usize>,
    text: String,
    has_text: bool,
    has_children: bool,
}

impl OpenElement {
    fn new(node: Option<usize>) -> Self {
        Self { node, text: String::new(), has_text: false, has_children: false }
    }
}

impl XmlReader {
    /// Opens a planned file. `seen` is given every byte read, for the file's hash.
    pub(crate) fn open(
        definition: &Definition,
        file: &PlannedFile,
        seen: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, ReadError> {
        Ok(Self {
            events: Events::open(file, Box::new(seen))?,
            layout: Layout::new(definition, file),
            open: vec![Some(Layout::ROOT)],
            next_unit: file.first_unit,
            ended: false,
        })
    }

    /// The next batches, one for each of the file's tables (by its place in the definition).
    pub(crate) fn next_batches(&mut self) -> Result<Option<Vec<(usize, RawBatch)>>, ReadError> {
        let mut batches: Vec<_> = self
            .layout
            .tables
            .iter()
            .map(|table| (table.table, RawBatch::new(table.columns)))
            .collect();
        let mut units = 0;
        let full = |batches: &[(usize, RawBatch)]| {
            batches.iter().any(|(_, batch)| batch.byte_len() >= BATCH_BYTES)
        };
        while !self.ended && units < BATCH_UNITS && !full(&batches) {
            match self.events.next()? {
                XmlToken::Start(name) => {
                    let parent = self.open.last().copied().flatten();
                    let node = parent.and_then(|parent| self.layout.child(parent, &name));
                    match node {
                        Some(node) if self.layout.node(node).is_unit => {
                            units += 1;
                            let (line, unit) = self.unit(node)?;
                            self.put(node, line, unit.as_ref(), &mut batches);
                            self.next_unit = self.next_unit.saturating_add(1);
                        }
                        node => self.open.push(node),
                    }
                }
                XmlToken::End => {
                    self.open.pop();
                }
                XmlToken::Text(_) => {}
                XmlToken::Eof => self.ended = true,
            }
        }
        Ok(batches.iter().any(|(_, batch)| !batch.is_empty()).then_some(batches))
    }

    /// Reads the unit whose start tag was just read, and the line on which it begins; none if it is too large to be
    /// one.
    fn unit(&mut self, node: usize) -> Result<(u64, Option<Unit>), ReadError> {
        let start = self.events.position();
        let tables = &self.layout.tables;
        let mut unit = Unit {
            line: self.events.line(),
            rows: tables.iter().map(|t| (0..t.records).map(|_| Vec::new()).collect()).collect(),
            shared: tables.iter().map(|_| Vec::new()).collect(),
            stray: false,
        };
        let mut open = vec![OpenElement::new(Some(node))];
        unit.begin(&self.layout, node, unit.line);
        let mut too_large = false;
        while let Some(current) = open.last_mut() {
            too_large |= self.events.position() - start > LARGEST_UNIT;
            match self.events.next()? {
                XmlToken::Start(name) => {
                    current.has_children = true;
                    let node = current.node.and_then(|node| self.layout.child(node, &name));
                    if let (Some(node), false) = (node, too_large) {
                        unit.begin(&self.layout, node, self.events.line());
                    }
                    open.push(OpenElement::new(node));
                }
                XmlToken::Text(text) if !too_large => {
                    current.has_text |= !text.trim().is_empty();
                    if current.node.is_some_and(|node| !self.layout.node(node).columns.is_empty()) {
                        current.text.push_str(&text);
                    }
                }
                XmlToken::Text(_) => {}
                XmlToken::End => {
                    // Text between elements has no treatment: it is dropped, and the plan told where it stands. Where
                    // the definition reads an element's own text, it cannot be told from that.
                    let read = |node: usize| {
                        self.layout.node(node).columns.iter().any(|place| place.passes)
                    };
                    unit.stray |=
                        current.has_children && current.has_text && current.node.is_some_and(read);
                    if let (Some(node), false) = (current.node, too_large) {
                        unit.end(&self.layout, node, &current.text);
                    }
                    open.pop();
                }
                XmlToken::Eof => {
                    return Err(self.events.malformed("the file ends inside an element"));
                }
            }
        }
        let too_large = too_large || unit.bytes(&self.layout) > LARGEST_ROWS;
        Ok((unit.line, (!too_large).then_some(unit)))
    }

    fn put(&self, node: usize, line: u64, unit: Option<&Unit>, batches: &mut [(usize, RawBatch)]) {
        for (own, (table, (_, batch))) in self.layout.tables.iter().zip(batches).enumerate() {
            if table.unit != node {
                continue;
            }
            match unit {
                Some(unit) => {
                    unit.put(own, table.columns, batch);
                    batch.end_unit(self.next_unit);
                }
                None => batch.reject(line, Reason::RecordTooLarge, b""),
            }
        }
    }
}

impl Unit {
    /// Records that begin at an element.
    fn begin(&mut self, layout: &Layout, node: usize, line: u64) {
        for &(table, record) in &layout.node(node).records {
            let row = XmlRow { line, cells: Vec::new(), repeated: false };
            self.rows[table][record].push(row);
        }
    }

    /// Columns whose text ends at an element.
    fn end(&mut self, layout: &Layout, node: usize, text: &str) {
        for place in &layout.node(node).columns {
            let cell = |text: &str| CellText {
                column: place.column,
                choice: place.choice,
                passes: place.passes,
                text: text.trim().to_owned(),
                repeated: false,
            };
            match place.record {
                None => put_cell(&mut self.shared[place.table], cell(text)),
                Some(record) => {
                    if let Some(row) = self.rows[place.table][record].last_mut() {
                        put_cell(&mut row.cells, cell(text));
                        row.repeated |= row.cells.iter().any(|cell| cell.repeated);
                    }
                }
            }
        }
    }

    /// The size of all rows together, in bytes: their texts, and a place for each field.
    fn bytes(&self, layout: &Layout) -> usize {
        let length = |cells: &[CellText]| cells.iter().map(|cell| cell.text.len()).sum::<usize>();
        let tables = self.rows.iter().zip(&self.shared).zip(&layout.tables);
        let of_table =
            |((paths, shared), table): ((&Vec<Vec<XmlRow>>, &Vec<CellText>), &TableLayout)| {
                let places = (table.columns + 4) * size_of::<u32>();
                let shared = length(shared) + places;
                paths.iter().flatten().map(|row| length(&row.cells) + shared).sum::<usize>()
            };
        tables.map(of_table).sum()
    }

    fn put(&self, table: usize, columns: usize, batch: &mut RawBatch) {
        let shared = &self.shared[table];
        let filled =
            |row: &XmlRow| row.cells.iter().any(|cell| cell.passes && !cell.text.is_empty());
        let paths = &self.rows[table];
        let first = paths.iter().position(|rows| rows.iter().any(filled));
        let Some(chosen) = first.or_else(|| paths.iter().position(|rows| !rows.is_empty())) else {
            return;
        };
        // Records under two of its paths are two ways of saying it: one is read, the other is set aside and told.
        for row in paths.iter().skip(chosen + 1).flatten().filter(|row| filled(row)) {
            batch.reject(row.line, Reason::RepeatedElement, b"");
        }
        let rows = &paths[chosen];
        let mut fields: Vec<&[u8]> = vec![b""; columns];
        for row in rows {
            fields.fill(b"");
            let mut too_long = false;
            for cell in shared.iter().chain(&row.cells) {
                fields[cell.column] = cell.text.as_bytes();
                too_long |= cell.passes && cell.text.len() > LONGEST_FIELD;
            }
            let repeated = row.repeated || shared.iter().any(|cell| cell.repeated);
            let reason = if self.stray {
                Some(Reason::StrayText)
            } else if repeated {
                Some(Reason::RepeatedElement)
            } else if too_long {
                Some(Reason::FieldTooLong)
            } else {
                None
            };
            match reason {
                None => batch.push(row.line, fields.iter().copied()),
                Some(reason) => batch.reject(row.line, reason, &fields.join(&[b','][..])),
            }
        }
    }
}

/// Adds a cell; of two under different names the one that the definition names first counts, a second under the same
/// name makes the row doubtful.
fn put_cell(cells: &mut Vec<CellText>, cell: CellText) {
    match cells.iter_mut().find(|known| known.column == cell.column) {
        None => cells.push(cell),
        // A dropped element may stand more than once; it tells two rows apart.
        Some(known) if !cell.passes => {
            known.text.push('\u{1f}');
            known.text.push_str(&cell.text);
        }
        Some(known) if known.choice == cell.choice => known.repeated = true,
        Some(_) if cell.text.is_empty() => {}
        Some(known) if known.text.is_empty() => *known = cell,
        // Two names of one column that say two things are doubtful, too.
        Some(known) => known.repeated |= known.text != cell.text,
    }
}

pub(crate) enum XmlToken {
    Start(String),
    End,
    Text(String),
    Eof,
}

/// The events that matter: elements and text. A document type is refused, and with it every entity
/// but XML's own five.
pub(crate) struct Events {
    reader: Reader<BufReader<Text>>,
    mark: RecordMark,
    buffer: Vec<u8>,
    file: PathBuf,
    /// Line ends that were read.
    lines: u64,
    /// The line on which the last element began.
    line: u64,
    depth: usize,
    /// The end of an element that was opened and closed in one tag.
    pending_end: bool,
}

impl Events {
    pub(crate) fn open(file: &PlannedFile, seen: crate::ByteObserver) -> Result<Self, ReadError> {
        let encoding = csv_dialect::look(file, Encoding::Utf8)?.encoding;
        let text = Text::decoded(file, encoding, seen)?;
        let mark = text.mark();
        let reader = Reader::from_reader(BufReader::with_capacity(1 << 20, text));
        let file = file.path.clone();
        let buffer = Vec::new();
        Ok(Self { reader, mark, buffer, file, lines: 0, line: 1, depth: 0, pending_end: false })
    }

    fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    /// The line on which the last element began.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The line up to which was read.
    pub(crate) fn last_line(&self) -> u64 {
        self.lines + 1
    }

    pub(crate) fn malformed(&self, what: &'static str) -> ReadError {
        ReadError::Malformed { path: self.file.clone(), what, at: self.position() }
    }

    pub(crate) fn next(&mut self) -> Result<XmlToken, ReadError> {
        if std::mem::take(&mut self.pending_end) {
            return Ok(XmlToken::End);
        }
        loop {
            self.buffer.clear();
            self.mark.set(self.reader.buffer_position());
            let token = match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(tag)) => {
                    Ok(Some((XmlToken::Start(tag.local_name().as_ref().to_owned()), true)))
                }
                Ok(Event::Empty(tag)) => {
                    Ok(Some((XmlToken::Start(tag.local_name().as_ref().to_owned()), false)))
                }
                Ok(Event::End(_)) => Ok(Some((XmlToken::End, false))),
                Ok(Event::Text(text)) => {
                    Ok(Some((XmlToken::Text(text.xml10_content().into_owned()), false)))
                }
                Ok(Event::CData(text)) => {
                    Ok(Some((XmlToken::Text(text.xml10_content().into_owned()), false)))
                }
                Ok(Event::GeneralRef(reference)) => {
                    let text = match (reference.resolve_char_ref(), Some(reference.as_ref())) {
                        (Ok(Some(character)), _) => Some(character.into()),
                        (Ok(None), Some("amp")) => Some("&".to_owned()),
                        (Ok(None), Some("lt")) => Some("<".to_owned()),
                        (Ok(None), Some("gt")) => Some(">".to_owned()),
                        (Ok(None), Some("quot")) => Some("\"".to_owned()),
                        (Ok(None), Some("apos")) => Some("'".to_owned()),
                        _ => None,
                    };
                    let text = text.ok_or("an entity that XML does not know");
                    text.map(|text| Some((XmlToken::Text(text), false)))
                }
                Ok(Event::DocType(_)) => Err("a document type (DTD) is not accepted"),
                Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => Ok(None),
                Ok(Event::Eof) if self.depth == 0 => Ok(Some((XmlToken::Eof, false))),
                Ok(Event::Eof) => Err("the file ends inside an element"),
                Err(quick_xml::Error::Io(error)) => {
                    let source = std::io::Error::new(error.kind(), error.to_string());
                    return Err(ReadError::Io { path: self.file.clone(), source });
                }
                Err(_) => Err("the XML is not well formed"),
            };
            let begun = self.lines + 1;
            self.lines += memchr::memchr_iter(b'\n', &self.buffer).count() as u64;
            match token.map_err(|what| self.malformed(what))? {
                None => {}
                Some((XmlToken::Start(name), opens)) => {
                    // A text that is no name may be a value out of place: it is not repeated.
                    let strange = name.parse::<minster_model::ColumnName>().is_err();
                    if strange || Shape::find(&name).is_some() {
                        return Err(self.malformed("an element has an unusual name"));
                    }
                    self.line = begun;
                    if opens {
                        self.depth += 1;
                        if self.depth > DEEPEST {
                            return Err(self.malformed("elements are nested too deep"));
                        }
                    } else {
                        self.pending_end = true;
                    }
                    return Ok(XmlToken::Start(name));
                }
                Some((token, _)) => {
                    if matches!(token, XmlToken::End) {
                        self.depth = self.depth.saturating_sub(1);
                    }
                    return Ok(token);
                }
            }
        }
    }
}
