use std::{collections::BTreeSet, io::BufReader, path::PathBuf};

use quick_xml::{Reader, events::Event};

use crate::{
    Definition, PlanError, PlannedFile, RawBatch, ReadError, Reason, Treatment,
    definition::Encoding,
    text::{Mark, Text},
};

/// No real child's element is longer; what is longer is quarantined and not held.
const LARGEST_UNIT: u64 = 4 << 20;
/// A batch is full at this many units.
const BATCH_UNITS: usize = 2_000;
/// As many different paths are remembered as known; more than any layout has.
const MOST_KNOWN: usize = 10_000;
/// Deeper than any real layout.
const DEEPEST: usize = 64;

/// Reads one XML file, unit by unit (a unit holds one child), in batches of raw rows.
pub(crate) struct XmlReader {
    events: Events,
    unit_path: Vec<String>,
    tables: Vec<TablePaths>,
    path: Vec<String>,
    ended: bool,
}

/// Where a table's records and columns stand.
struct TablePaths {
    table: usize,
    record: Vec<String>,
    columns: Vec<ColumnPath>,
    rows: u64,
}

struct ColumnPath {
    from_unit: bool,
    steps: Vec<String>,
    dropped: bool,
}

impl XmlReader {
    /// Opens a planned file. `seen` is given every byte read, for the file's hash.
    pub(crate) fn open(
        definition: &Definition,
        file: &PlannedFile,
        seen: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, ReadError> {
        let tables = file.tables.iter().map(|&table| TablePaths::new(definition, table)).collect();
        Ok(Self {
            events: Events::open(file, Box::new(seen))?,
            unit_path: absolute(definition.unit.as_deref().unwrap_or_default()),
            tables,
            path: Vec::new(),
            ended: false,
        })
    }

    /// The next batches, one for each of the file's tables (by its place in the definition).
    pub(crate) fn next_batches(&mut self) -> Result<Option<Vec<(usize, RawBatch)>>, ReadError> {
        let mut batches: Vec<_> = self
            .tables
            .iter()
            .map(|table| (table.table, RawBatch::new(table.columns.len())))
            .collect();
        let mut units = 0;
        while !self.ended && units < BATCH_UNITS {
            match self.events.next()? {
                Token::Start(name) => {
                    self.path.push(name);
                    if self.path == self.unit_path {
                        let unit = self.unit()?;
                        self.path.pop();
                        units += 1;
                        for (table, (_, batch)) in self.tables.iter_mut().zip(&mut batches) {
                            table.take(unit.as_ref(), batch);
                        }
                    }
                }
                Token::End => {
                    self.path.pop();
                }
                Token::Text(_) => {}
                Token::Eof => self.ended = true,
            }
        }
        Ok(batches.iter().any(|(_, batch)| !batch.is_empty()).then_some(batches))
    }

    /// Reads the unit whose start tag was just read; none if it is too large to be one.
    fn unit(&mut self) -> Result<Option<Unit>, ReadError> {
        let start = self.events.position();
        let mut unit = Unit { nodes: vec![Node::default()], stray: false };
        let mut open = vec![0];
        let mut too_large = false;
        while let Some(&at) = open.last() {
            too_large |= self.events.position() - start > LARGEST_UNIT;
            match self.events.next()? {
                Token::Start(name) => {
                    let node = unit.nodes.len();
                    if too_large {
                        open.push(at);
                    } else {
                        unit.nodes[at].children.push(node);
                        unit.nodes.push(Node { name, ..Node::default() });
                        open.push(node);
                    }
                }
                Token::Text(text) if !too_large => unit.nodes[at].text.push_str(&text),
                Token::Text(_) => {}
                Token::End => {
                    open.pop();
                }
                Token::Eof => return Err(self.events.malformed("the file ends inside an element")),
            }
        }
        unit.stray =
            unit.nodes.iter().any(|node| !node.children.is_empty() && !node.text.trim().is_empty());
        Ok((!too_large).then_some(unit))
    }
}

impl TablePaths {
    fn new(definition: &Definition, table: usize) -> Self {
        let definition = &definition.tables[table];
        let columns = definition
            .columns
            .iter()
            .map(|(name, column)| ColumnPath {
                from_unit: name.starts_with("^/"),
                steps: relative(name.strip_prefix("^/").unwrap_or(name)),
                dropped: column.treatment == Treatment::Drop && column.part.is_none(),
            })
            .collect();
        let record = relative(definition.record.as_deref().unwrap_or("."));
        Self { table, record, columns, rows: 0 }
    }

    fn take(&mut self, unit: Option<&Unit>, batch: &mut RawBatch) {
        let Some(unit) = unit else {
            self.rows += 1;
            return batch.reject(self.rows, Reason::RecordTooLarge, b"");
        };
        for record in unit.find(0, &self.record) {
            self.rows += 1;
            let mut repeated = false;
            let fields: Vec<&[u8]> = self
                .columns
                .iter()
                .map(|column| {
                    let found = unit.find(if column.from_unit { 0 } else { record }, &column.steps);
                    repeated |= found.len() > 1 && !column.dropped;
                    found.first().map_or("", |&node| unit.nodes[node].text.trim()).as_bytes()
                })
                .collect();
            let reason = match (unit.stray, repeated) {
                (true, _) => Some(Reason::StrayText),
                (_, true) => Some(Reason::RepeatedElement),
                _ => None,
            };
            match reason {
                Some(reason) => batch.reject(self.rows, reason, &fields.join(&[b','][..])),
                None => batch.push(self.rows, fields.into_iter()),
            }
        }
    }
}

/// One child's element as a tree.
struct Unit {
    nodes: Vec<Node>,
    stray: bool,
}

#[derive(Default)]
struct Node {
    name: String,
    text: String,
    children: Vec<usize>,
}

impl Unit {
    fn find(&self, from: usize, steps: &[String]) -> Vec<usize> {
        let mut found = vec![from];
        for step in steps {
            found = found
                .iter()
                .flat_map(|&node| &self.nodes[node].children)
                .copied()
                .filter(|&child| self.nodes[child].name == *step)
                .collect();
        }
        found
    }
}

/// Default deny for XML: every element's path must be a listed one, lead to one, or be ignored.
pub(crate) fn check_structure(
    definition: &Definition,
    file: &PlannedFile,
) -> Result<(), PlanError> {
    let unit = absolute(definition.unit.as_deref().unwrap_or_default());
    let mut listed: BTreeSet<Vec<String>> = BTreeSet::new();
    for &table in &file.tables {
        let paths = TablePaths::new(definition, table);
        for column in paths.columns {
            let mut path = unit.clone();
            if !column.from_unit {
                path.extend_from_slice(&paths.record);
            }
            path.extend(column.steps);
            for length in 1..=path.len() {
                listed.insert(path[..length].to_vec());
            }
        }
    }
    let ignored: Vec<Vec<String>> = definition.ignore.iter().map(|path| absolute(path)).collect();
    let mut events = Events::open(file, Box::new(|_| {}))?;
    let mut path = Vec::new();
    let mut known: BTreeSet<Vec<String>> = BTreeSet::new();
    loop {
        match events.next()? {
            Token::Start(name) => {
                path.push(name);
                if known.contains(&path) {
                    continue;
                }
                let allowed = listed.contains(&path)
                    || ignored
                        .iter()
                        .any(|ignored| path.starts_with(ignored) || ignored.starts_with(&path));
                if !allowed {
                    return Err(PlanError::Unlisted {
                        path: file.path.clone(),
                        what: "element",
                        name: format!("/{}", path.join("/")),
                        also: Vec::new(),
                        source_name: definition.name.to_string(),
                    });
                }
                if known.len() < MOST_KNOWN {
                    known.insert(path.clone());
                }
            }
            Token::End => {
                path.pop();
            }
            Token::Text(_) => {}
            Token::Eof => return Ok(()),
        }
    }
}

fn absolute(path: &str) -> Vec<String> {
    path.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

fn relative(path: &str) -> Vec<String> {
    path.split('/').filter(|step| !step.is_empty() && *step != ".").map(str::to_owned).collect()
}

pub(crate) enum Token {
    Start(String),
    End,
    Text(String),
    Eof,
}

/// The events that matter: elements and text. A document type is refused, and with it every entity
/// but XML's own five.
pub(crate) struct Events {
    reader: Reader<BufReader<Text>>,
    mark: Mark,
    buffer: Vec<u8>,
    file: PathBuf,
    depth: usize,
    /// The end of an element that was opened and closed in one tag.
    pending_end: bool,
}

impl Events {
    pub(crate) fn open(file: &PlannedFile, seen: crate::Seen) -> Result<Self, ReadError> {
        let text = Text::open(file, Encoding::Utf8, seen)?;
        let mark = text.mark();
        let reader = Reader::from_reader(BufReader::with_capacity(1 << 20, text));
        let file = file.path.clone();
        Ok(Self { reader, mark, buffer: Vec::new(), file, depth: 0, pending_end: false })
    }

    fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    fn malformed(&self, what: &'static str) -> ReadError {
        ReadError::Malformed { path: self.file.clone(), what, at: self.position() }
    }

    pub(crate) fn next(&mut self) -> Result<Token, ReadError> {
        if std::mem::take(&mut self.pending_end) {
            return Ok(Token::End);
        }
        loop {
            self.buffer.clear();
            self.mark.set(self.reader.buffer_position());
            let token = match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(tag)) => Ok(Some((tag.local_name().as_ref().to_owned(), true))),
                Ok(Event::Empty(tag)) => Ok(Some((tag.local_name().as_ref().to_owned(), false))),
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Ok(Event::Text(text)) => return Ok(Token::Text(text.xml10_content().into_owned())),
                Ok(Event::CData(text)) => {
                    return Ok(Token::Text(text.xml10_content().into_owned()));
                }
                Ok(Event::GeneralRef(reference)) => {
                    match (reference.resolve_char_ref(), Some(reference.as_ref())) {
                        (Ok(Some(character)), _) => return Ok(Token::Text(character.into())),
                        (Ok(None), Some("amp")) => return Ok(Token::Text("&".into())),
                        (Ok(None), Some("lt")) => return Ok(Token::Text("<".into())),
                        (Ok(None), Some("gt")) => return Ok(Token::Text(">".into())),
                        (Ok(None), Some("quot")) => return Ok(Token::Text("\"".into())),
                        (Ok(None), Some("apos")) => return Ok(Token::Text("'".into())),
                        _ => Err("an entity that XML does not know"),
                    }
                }
                Ok(Event::DocType(_)) => Err("a document type (DTD) is not accepted"),
                Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => Ok(None),
                Ok(Event::Eof) if self.depth == 0 => return Ok(Token::Eof),
                Ok(Event::Eof) => Err("the file ends inside an element"),
                Err(quick_xml::Error::Io(error)) => {
                    let source = std::io::Error::new(error.kind(), error.to_string());
                    return Err(ReadError::Io { path: self.file.clone(), source });
                }
                Err(_) => Err("the XML is not well formed"),
            };
            match token {
                Err(what) => return Err(self.malformed(what)),
                Ok(None) => {}
                // What is no name may be a value out of place: it is not repeated.
                Ok(Some((name, _))) if name.parse::<minster_model::ColumnName>().is_err() => {
                    return Err(self.malformed("an element has an unusual name"));
                }
                Ok(Some((name, opens))) => {
                    if opens {
                        self.depth += 1;
                        if self.depth > DEEPEST {
                            return Err(self.malformed("elements are nested too deep"));
                        }
                    } else {
                        self.pending_end = true;
                    }
                    return Ok(Token::Start(name));
                }
            }
        }
    }
}
