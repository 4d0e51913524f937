//! Default deny for columns: a header's cells against a table's columns.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use minster_identifiers::Shape;
use minster_model::ColumnName;

use crate::{Column, Definition, PlanError, Table};

/// The columns that a header has and the table has not, and the other way round.
pub(crate) struct Comparison {
    /// For each of the table's columns in order, its place in the file.
    pub(crate) places: Vec<Option<usize>>,
    /// Columns without a treatment, by place from 1.
    pub(crate) unlisted: Vec<(usize, String)>,
    /// Columns that the table counts on.
    pub(crate) missing: Vec<String>,
    /// The first name that stands twice.
    twice: Option<String>,
    pub(crate) known: usize,
    cells: usize,
}

/// A name as it is compared: its words with one blank between them.
pub(crate) fn tidy(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name without case, blanks and punctuation: so a spreadsheet's user may change it.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A column of the file, as the table names it: more than one value may be drawn out of its JSON.
struct Wanted<'a> {
    name: &'a str,
    columns: Vec<(usize, &'a Column)>,
}

impl<'a> Wanted<'a> {
    fn of(table: &'a Table) -> Vec<Self> {
        let mut wanted: Vec<Self> = Vec::new();
        for (place, (name, column)) in table.columns.iter().enumerate() {
            let (name, _) = Table::source_of(name);
            match wanted.iter_mut().find(|wanted| wanted.name == name) {
                Some(wanted) => wanted.columns.push((place, column)),
                None => wanted.push(Self { name, columns: vec![(place, column)] }),
            }
        }
        wanted
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let also = self.columns.iter().flat_map(|(_, column)| &column.also).map(String::as_str);
        std::iter::once(self.name).chain(also)
    }
}

/// Compares names with a table's columns: exact names first, then names without case and punctuation where the
/// definition allows it, then patterns.
pub(crate) fn compare(definition: &Definition, table: &Table, names: &[String]) -> Comparison {
    let wanted = Wanted::of(table);
    let mut place_of: Vec<Option<usize>> = vec![None; wanted.len()];
    let mut taken = vec![false; names.len()];
    let at: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let mut take = |place_of: &mut Vec<Option<usize>>, want: usize, place: usize| {
        if place_of[want].is_none() && !taken[place] {
            place_of[want] = Some(place);
            taken[place] = true;
        }
    };
    // A column's own name before any other's second name.
    for (want, wanted) in wanted.iter().enumerate() {
        if let Some(place) = at.get(wanted.name) {
            take(&mut place_of, want, *place);
        }
    }
    for (want, wanted) in wanted.iter().enumerate() {
        if let Some(place) = wanted.names().find_map(|name| at.get(name)) {
            take(&mut place_of, want, *place);
        }
    }
    if definition.excel_exports {
        // Two names that are the same without case are told apart as they are written, or not at all.
        let mut loose: HashMap<String, Option<usize>> = HashMap::new();
        for (place, name) in names.iter().enumerate().filter(|(_, name)| !folded(name).is_empty()) {
            loose.entry(folded(name)).and_modify(|first| *first = None).or_insert(Some(place));
        }
        for (want, wanted) in wanted.iter().enumerate() {
            let found = wanted.names().find_map(|name| loose.get(&folded(name)).copied().flatten());
            if let Some(place) = found {
                take(&mut place_of, want, place);
            }
        }
    }
    for (want, wanted) in wanted.iter().enumerate() {
        for pattern in wanted.columns.iter().filter_map(|(_, column)| column.heading.as_ref()) {
            let fits = names.iter().position(|name| pattern.fits(name));
            let free = names
                .iter()
                .enumerate()
                .position(|(place, name)| pattern.fits(name) && !place_of.contains(&Some(place)));
            if let Some(place) = free.or(fits) {
                take(&mut place_of, want, place);
            }
        }
    }
    let mut places = vec![None; table.columns.len()];
    let mut missing = Vec::new();
    for (wanted, place) in wanted.iter().zip(&place_of) {
        for (column, _) in &wanted.columns {
            places[*column] = *place;
        }
        if place.is_none() && wanted.columns.iter().any(|(_, column)| !column.optional) {
            missing.push(wanted.name.to_owned());
        }
    }
    let unlisted: Vec<(usize, String)> = (1..)
        .zip(names)
        .zip(&taken)
        .filter(|(_, taken)| !**taken)
        .map(|((place, name), _)| (place, name.clone()))
        .collect();
    Comparison {
        places,
        missing,
        known: names.len() - unlisted.len(),
        unlisted,
        twice: repeated(names).cloned(),
        cells: names.len(),
    }
}

/// The first name that stands twice.
pub(crate) fn repeated(names: &[String]) -> Option<&String> {
    let mut known = HashSet::new();
    names.iter().filter(|name| !name.is_empty()).find(|name| !known.insert(*name))
}

impl Definition {
    /// Whether a header has the columns that a table counts on, and none that it does not list.
    pub fn has_header(&self, table: &Table, names: &[String]) -> bool {
        compare(self, table, names).is_exact()
    }
}

impl Comparison {
    /// Whether all columns that the table counts on are there: then the row is a header beyond doubt.
    pub(crate) fn certain(&self) -> bool {
        self.missing.is_empty() && self.known > 0
    }

    /// Whether nothing is missing and nothing is unlisted.
    pub(crate) fn is_exact(&self) -> bool {
        self.certain() && self.unlisted.is_empty()
    }

    /// The places of the table's columns, or the first thing that is wrong.
    pub(crate) fn places(
        self,
        definition: &Definition,
        table: &Table,
        path: &Path,
    ) -> Result<Vec<Option<usize>>, PlanError> {
        let path = path.to_owned();
        // A cell that is no name may be a row's value: it is not repeated, unless the header is one for certain.
        let strange = self.unlisted.iter().find(|(_, name)| !self.may_be_named(name));
        if let Some((place, _)) = strange {
            return Err(PlanError::NotAHeader { path, place: *place });
        }
        // Where most names are unknown the header row may be missing, and a name be a row's value.
        if 2 * self.known < self.cells {
            return Err(PlanError::NotAHeader { path, place: 1 });
        }
        if let Some(name) = self.twice {
            return Err(PlanError::TwoColumns { path, name });
        }
        if self.unlisted.is_empty() && self.missing.is_empty() {
            return Ok(self.places);
        }
        Err(PlanError::OtherColumns {
            path,
            table: table.name.to_string(),
            source_name: definition.name.to_string(),
            missing: self.missing.into(),
            unlisted: self.unlisted.into_iter().map(|(_, name)| name).collect(),
        })
    }

    fn may_be_named(&self, name: &str) -> bool {
        let plain = name.parse::<ColumnName>().is_ok();
        Shape::find(name).is_none() && (plain || (self.certain() && is_a_heading(name)))
    }
}

/// Whether a text has the shape of a column's name in a workbook: short, and text.
pub(crate) fn is_a_heading(name: &str) -> bool {
    (1..=256).contains(&name.len())
        && name.contains(char::is_alphabetic)
        && !name.contains(char::is_control)
}
