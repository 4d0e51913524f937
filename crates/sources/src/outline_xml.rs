//! The outline of an XML file: which elements stand where, and which of them repeat.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    Delimiter, Encoding, Format, Outline, OutlinedTable, PlannedFile, ReadError, container,
    xml_reader::{Events, XmlToken},
};

/// No layout has more different elements.
const MOST_PATHS: usize = 10_000;

type Path = Vec<String>;

/// An element's path, as far as it is known.
#[derive(Default)]
struct ElementOutline {
    /// Whether one parent held it twice.
    repeats: bool,
    has_children: bool,
}

pub(crate) fn outline(file: &PlannedFile, own: &str) -> Result<Outline, ReadError> {
    let known = paths(file)?;
    let unit = unit(&known);
    let (mut tables, mut ignore) = (BTreeMap::<Path, Vec<String>>::new(), BTreeSet::new());
    // The unit's own columns, if there are any, come first.
    for (path, what) in &known {
        if !path.starts_with(&unit) {
            if !unit.starts_with(path) {
                let shared = path.iter().zip(&unit).take_while(|(one, other)| one == other).count();
                ignore.insert(format!("/{}", path[..=shared.min(path.len() - 1)].join("/")));
            }
            continue;
        }
        let record = record(&known, &unit, path);
        let below = &path[record.len()..];
        let columns = tables.entry(record).or_default();
        if !what.has_children {
            columns.push(if below.is_empty() { ".".to_owned() } else { below.join("/") });
        }
    }
    let tables = tables.into_iter().filter(|(_, columns)| !columns.is_empty());
    let tables = tables.map(|(record, columns)| OutlinedTable {
        file: own.to_owned(),
        sheet: None,
        record: Some(match &record[unit.len()..] {
            [] => ".".to_owned(),
            below => below.join("/"),
        }),
        columns,
    });
    Ok(Outline {
        format: Format::Xml,
        encoding: Encoding::Utf8,
        delimiter: Delimiter::Comma,
        unit: Some(format!("/{}", unit.join("/"))),
        ignore: ignore.into_iter().collect(),
        tables: tables.collect(),
    })
}

/// The outermost element with children that one parent holds twice; where there is none, the root's
/// first child or the root.
fn unit(known: &BTreeMap<Path, ElementOutline>) -> Path {
    let repeating = known.iter().filter(|(_, what)| what.repeats && what.has_children);
    let outermost = repeating.map(|(path, _)| path).min_by_key(|path| path.len());
    let first = || known.keys().min_by_key(|path| (path.len() != 2, path.len()));
    outermost.or_else(first).cloned().unwrap_or_default()
}

/// The innermost element around a path, below the unit, that repeats: its record.
fn record(known: &BTreeMap<Path, ElementOutline>, unit: &Path, path: &Path) -> Path {
    let around = (unit.len() + 1..=path.len()).rev().map(|length| &path[..length]);
    let mut repeating = around.filter(|path| known.get(*path).is_some_and(|what| what.repeats));
    repeating.next().map_or_else(|| unit.clone(), <[String]>::to_vec)
}

fn paths(file: &PlannedFile) -> Result<BTreeMap<Path, ElementOutline>, ReadError> {
    let mut events = Events::open(file, Box::new(|_| {}))?;
    let mut known: BTreeMap<Path, ElementOutline> = BTreeMap::new();
    let mut path = Path::new();
    // For each open element, how often each child stood in it.
    let mut open: Vec<HashMap<String, u64>> = vec![HashMap::new()];
    loop {
        match events.next()? {
            XmlToken::Start(name) => {
                if let Some(parent) = known.get_mut(&path) {
                    parent.has_children = true;
                }
                path.push(name.clone());
                let siblings = open.last_mut().map(|open| open.entry(name).or_default());
                let again = siblings.is_some_and(|count| {
                    *count += 1;
                    *count > 1
                });
                open.push(HashMap::new());
                if !known.contains_key(&path) && known.len() == MOST_PATHS {
                    return Err(container::refuse(
                        &file.path,
                        "it has more than 10,000 different elements, as no layout has",
                    ));
                }
                known.entry(path.clone()).or_default().repeats |= again;
            }
            XmlToken::End => {
                path.pop();
                open.pop();
            }
            XmlToken::Text(_) => {}
            XmlToken::Eof => return Ok(known),
        }
    }
}
