//! An XML definition as a tree of elements: what each element's path means to the tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    Definition, PlanError, PlannedFile, Table, Treatment,
    planned_file::{HeaderText, Proposed},
    xml_reader::{Events, XmlToken},
};

/// Lines that are told.
const FEW: usize = 5;
/// As many different unlisted paths are named; more than any layout adds.
const MOST_UNLISTED: usize = 1_000;

/// All element paths that the tables of a file list, and those that lead to them.
pub(crate) struct Layout {
    nodes: Vec<Node>,
    /// The tables, by their places in the definition.
    pub(crate) tables: Vec<TableLayout>,
}

/// An element's meaning.
#[derive(Default)]
pub(crate) struct Node {
    children: HashMap<String, usize>,
    /// By the name in lower case; none where two differ in case alone.
    folded: HashMap<String, Option<usize>>,
    /// Whether everything below is passed over.
    ignored: bool,
    pub(crate) is_unit: bool,
    /// Records that begin here: the table, and which of its record paths this is.
    pub(crate) records: Vec<(usize, usize)>,
    /// Columns whose text stands here.
    pub(crate) columns: Vec<ColumnPlace>,
}

/// A column of a table at an element.
pub(crate) struct ColumnPlace {
    pub(crate) table: usize,
    pub(crate) column: usize,
    /// Its record path; none for a column of the unit.
    pub(crate) record: Option<usize>,
    /// Its place among the column's paths: the first one counts where several stand.
    pub(crate) choice: usize,
    /// Whether anything of it passes. A dropped element is read all the same: it tells two rows apart.
    pub(crate) passes: bool,
}

pub(crate) struct TableLayout {
    /// Its place in the definition.
    pub(crate) table: usize,
    /// How many columns it has.
    pub(crate) columns: usize,
    /// How many record paths it has.
    pub(crate) records: usize,
    /// The unit's element.
    pub(crate) unit: usize,
}

impl Layout {
    pub(crate) const ROOT: usize = 0;

    pub(crate) fn new(definition: &Definition, file: &PlannedFile) -> Self {
        let mut layout = Self { nodes: vec![Node::default()], tables: Vec::new() };
        for path in &definition.ignore {
            let node = layout.at(Self::ROOT, path);
            layout.nodes[node].ignored = true;
        }
        for &table in &file.tables {
            layout.add(definition, table);
        }
        for node in &mut layout.nodes {
            let mut folded: HashMap<String, Option<usize>> = HashMap::new();
            for (name, child) in &node.children {
                let both = folded.entry(name.to_lowercase());
                both.and_modify(|first| *first = None).or_insert(Some(*child));
            }
            node.folded = folded;
        }
        layout
    }

    fn add(&mut self, definition: &Definition, place: usize) {
        let table = &definition.tables[place];
        let unit_path = table.unit.as_deref().or(definition.unit.as_deref()).unwrap_or_default();
        let unit = self.at(Self::ROOT, unit_path);
        self.nodes[unit].is_unit = true;
        let own = self.tables.len();
        for (record, path) in table.records.iter().enumerate() {
            let node = self.at(unit, path);
            self.nodes[node].records.push((own, record));
            for (column, (name, what)) in table.columns.iter().enumerate() {
                for (choice, name) in paths_of(name, &what.also).enumerate() {
                    if name.starts_with("^/") {
                        continue;
                    }
                    let at = self.at(node, name);
                    let (record, passes) = (Some(record), passes(what));
                    let place = ColumnPlace { table: own, column, record, choice, passes };
                    self.nodes[at].columns.push(place);
                }
            }
        }
        for (column, (name, what)) in table.columns.iter().enumerate() {
            for (choice, name) in paths_of(name, &what.also).enumerate() {
                let Some(below) = name.strip_prefix("^/") else { continue };
                let at = self.at(unit, below);
                let (record, passes) = (None, passes(what));
                let place = ColumnPlace { table: own, column, record, choice, passes };
                self.nodes[at].columns.push(place);
            }
        }
        let (columns, records) = (table.columns.len(), table.records.len());
        self.tables.push(TableLayout { table: place, columns, records, unit });
    }

    /// The node of a path below another, made where there is none.
    fn at(&mut self, from: usize, path: &str) -> usize {
        let mut at = from;
        for step in path.split('/').filter(|step| !step.is_empty() && *step != ".") {
            at = match self.nodes[at].children.get(step) {
                Some(child) => *child,
                None => {
                    self.nodes.push(Node::default());
                    let child = self.nodes.len() - 1;
                    self.nodes[at].children.insert(step.to_owned(), child);
                    child
                }
            };
        }
        at
    }

    pub(crate) fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    /// The child of that name: as it is written, or without regard to case.
    pub(crate) fn child(&self, node: usize, name: &str) -> Option<usize> {
        let node = &self.nodes[node];
        node.children
            .get(name)
            .copied()
            .or_else(|| node.folded.get(&name.to_lowercase()).copied().flatten())
    }
}

fn paths_of<'a>(name: &'a str, also: &'a [String]) -> impl Iterator<Item = &'a str> {
    std::iter::once(name).chain(also.iter().map(String::as_str))
}

fn passes(column: &crate::Column) -> bool {
    column.treatment != Treatment::Drop
        || column.part.is_some()
        || column.required
        || column.person_name
}

/// The structure of an XML file, as its elements tell it.
pub(crate) struct Structure {
    /// How many units it has.
    pub(crate) units: u32,
    pub(crate) header: Vec<HeaderText>,
    /// Notes about it, for people.
    pub(crate) notes: Vec<String>,
}

/// Default deny for XML: every element's path must be a listed one, lead to one, or be ignored. All that are not are
/// named at once, each with the line that would list it.
pub(crate) fn check_structure(
    definition: &Definition,
    file: &PlannedFile,
) -> Result<Structure, PlanError> {
    let layout = Layout::new(definition, file);
    let mut events = Events::open(file, Box::new(|_| {}))?;
    let mut path: Vec<String> = Vec::new();
    // For each open element its node; none below what is ignored or unlisted.
    let mut open: Vec<Option<usize>> = vec![Some(Layout::ROOT)];
    let mut unlisted: BTreeSet<Vec<String>> = BTreeSet::new();
    // For each open element the line on which its own text stands, and whether it has children.
    let mut texts: Vec<(Option<u64>, bool)> = vec![(None, false)];
    let (mut strays, mut lines) = (0u64, Vec::new());
    let mut units = 0u32;
    let header_paths: Vec<(&'static str, Vec<&str>)> = (definition.header.paths())
        .map(|(what, path)| (what, path.split('/').filter(|step| !step.is_empty()).collect()))
        .collect();
    let mut header = Vec::new();
    loop {
        match events.next()? {
            XmlToken::Start(name) => {
                let parent = open.last().copied().flatten();
                let node = parent.and_then(|parent| layout.child(parent, &name));
                path.push(name);
                let is_unit = node.is_some_and(|node| layout.node(node).is_unit);
                units = units.saturating_add(u32::from(is_unit));
                let passed_over = node.is_some_and(|node| layout.node(node).ignored);
                let below_unlisted = parent.is_none() && unlisted.contains(&path[..path.len() - 1]);
                if (parent.is_some() && node.is_none() || below_unlisted)
                    && unlisted.len() < MOST_UNLISTED
                {
                    unlisted.insert(path.clone());
                }
                open.push(node.filter(|_| !passed_over));
                if let Some(around) = texts.last_mut() {
                    around.1 = true;
                }
                texts.push((None, false));
            }
            XmlToken::End => {
                path.pop();
                open.pop();
                if let Some((Some(line), true)) = texts.pop() {
                    strays += 1;
                    if lines.len() < FEW {
                        lines.push(line.to_string());
                    }
                }
            }
            XmlToken::Text(text) => {
                let is_here = |steps: &Vec<&str>| {
                    steps.len() == path.len()
                        && steps
                            .iter()
                            .zip(&path)
                            .all(|(step, name)| step.eq_ignore_ascii_case(name))
                };
                if let Some((what, _)) = header_paths.iter().find(|(_, steps)| is_here(steps))
                    && !text.trim().is_empty()
                {
                    header.push(HeaderText { what, text: text.trim().to_owned() });
                }
                if let Some(around) = texts.last_mut().filter(|_| !text.trim().is_empty()) {
                    around.0.get_or_insert(events.last_line());
                }
            }
            XmlToken::Eof => break,
        }
    }
    if unlisted.is_empty() {
        let more = if strays > lines.len() as u64 { ", ..." } else { "" };
        let told = || {
            let lines = lines.join(", ");
            format!("text between elements dropped in {strays} elements, near lines {lines}{more}")
        };
        let notes = (strays > 0).then(told).into_iter().collect();
        return Ok(Structure { units, header, notes });
    }
    Err(PlanError::OtherElements {
        path: file.path.clone(),
        source_name: definition.name.to_string(),
        proposed: propose(definition, file, &unlisted),
    })
}

/// The lines that would list the elements, by table.
fn propose(
    definition: &Definition,
    file: &PlannedFile,
    unlisted: &BTreeSet<Vec<String>>,
) -> Proposed {
    let mut proposed = Proposed { columns: BTreeMap::new(), ignore: Vec::new() };
    // An entry that lists an element lists those around it.
    let innermost = unlisted.iter().filter(|path| {
        !unlisted.range(path.to_vec()..).skip(1).take(1).any(|next| next.starts_with(path))
    });
    for path in innermost {
        let tables = file.tables.iter().map(|&table| &definition.tables[table]);
        let records = tables.flat_map(|table| {
            let unit = table.unit.as_deref().or(definition.unit.as_deref()).unwrap_or_default();
            table.records.iter().map(move |record| (table, absolute(unit, record)))
        });
        let around = records.filter(|(_, record)| path.starts_with(record));
        match around.max_by_key(|(_, record)| record.len()) {
            Some((Table { name, .. }, record)) => {
                let below = path[record.len()..].join("/");
                proposed.columns.entry(name.to_string()).or_default().push(below);
            }
            None => {
                let first = (1..=path.len())
                    .map(|length| &path[..length])
                    .find(|outer| unlisted.contains(*outer))
                    .unwrap_or(path);
                let line = format!("/{}", first.join("/"));
                if !proposed.ignore.contains(&line) {
                    proposed.ignore.push(line);
                }
            }
        }
    }
    proposed
}

fn absolute(unit: &str, record: &str) -> Vec<String> {
    let steps = unit.split('/').chain(record.split('/'));
    steps.filter(|step| !step.is_empty() && *step != ".").map(str::to_owned).collect()
}
