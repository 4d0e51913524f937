//! Who is the same child: each row about a person belongs to exactly one.
//!
//! The register of pupils is believed first ([`crate::persons::PersonTable::register`]): two current numbers are two
//! children, whatever another service's number says, unless a former number of the register itself ties them. Rows of other
//! sources come to a child of the register by its number, by a service's number that stands beside it, or by a match key;
//! those that come to none are joined among themselves. A number that stands for two children joins nothing. A row that
//! nothing joins to another is a child of its own: none is lost, and none is counted twice.

use std::collections::BTreeMap;

use ahash::{HashMap, HashMapExt};
use minster_model::Pseudonym;
use minster_store::sha256;

use crate::{
    few::NONE,
    persons::Persons,
    register::Register,
    review::{Review, ReviewEntry},
    services::Services,
};

/// How a row of a source came to its child of the spine, or why it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Linkage {
    /// By an identifier of its own, or one that a bridge or a former UPN ties to it.
    Identifier,
    /// By a match key that exactly one child of the spine has.
    MatchKey,
    /// Its identifier is unknown to the spine, and so are its match keys.
    NotOnSpine,
    /// More than one child of the spine has its match key.
    AmbiguousMatchKey,
    /// The row holds neither an identifier nor a match key.
    NoIdentifier,
    /// Its identifier is that of a pupil with another birth date and name.
    ConflictingBirthDate,
    /// Its identifier stands for two children.
    SharedNumber,
    /// An event whose number no row about a person has.
    Orphan,
}

impl Linkage {
    /// Whether the row is linked to the spine.
    pub fn is_linked(self) -> bool {
        matches!(self, Self::Identifier | Self::MatchKey)
    }

    /// The stable name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::MatchKey => "match-key",
            Self::NotOnSpine => "not-on-spine",
            Self::AmbiguousMatchKey => "ambiguous-match-key",
            Self::NoIdentifier => "no-identifier",
            Self::ConflictingBirthDate => "conflicting-birth-date",
            Self::SharedNumber => "shared-number",
            Self::Orphan => "orphan",
        }
    }
}

/// What a number leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// One child.
    Child(u32),
    /// Two children or more: what names the number alone is set aside.
    Shared,
    /// No row about a person has it.
    Unknown,
}

/// The children, numbered from 0 in the order of their pseudonyms.
#[derive(Debug)]
pub struct Children {
    names: Vec<Pseudonym>,
    spine: Vec<bool>,
    of_row: Vec<u32>,
    linkage: Vec<Linkage>,
    by_number: HashMap<Pseudonym, Option<u32>>,
    review: Review,
    starts: Vec<u32>,
}

impl Children {
    /// Decides who is who.
    pub fn new(persons: &Persons) -> Self {
        let mut review = Review::default();
        let register = Register::new(persons, &mut review);
        let services = Services::new(persons, &register, &mut review);
        // A child of the register is told by its unit, another by the first of its rows.
        let group = |row: u32| match (register.unit(row), services.child(row)) {
            (NONE, NONE) => (1u8, services.root(row)),
            (NONE, unit) => (0, unit),
            (unit, _) => (0, unit),
        };
        let mut named: BTreeMap<Pseudonym, (u8, u32)> = BTreeMap::new();
        for unit in register.units() {
            named.insert(register_name(persons, &register, unit), (0, unit));
        }
        for (root, name) in service_names(persons, &services) {
            // Two children may have one match key alone: their rows tell them apart.
            let name = match named.contains_key(&name) {
                false => name,
                true => of_row(persons, root),
            };
            named.insert(name, (1, root));
        }
        let child_of: HashMap<(u8, u32), u32> =
            named.values().zip(0u32..).map(|(group, child)| (*group, child)).collect();
        let child = |group: (u8, u32)| child_of.get(&group).copied();
        let spine = named.values().map(|(kind, unit)| *kind == 0 && register.at(*unit).spine);
        let spine: Vec<bool> = spine.collect();
        let rows: Vec<u32> = persons.all().map(|row| child(group(row)).unwrap_or(NONE)).collect();
        let linkage = |row: u32| {
            let on_spine = spine.get(rows[row as usize] as usize).copied().unwrap_or(false);
            match services.linkage[row as usize] {
                _ if persons.table_of(row).register && on_spine => Linkage::Identifier,
                linkage if linkage.is_linked() && !on_spine => Linkage::NotOnSpine,
                linkage => linkage,
            }
        };
        let linkage = persons.all().map(linkage).collect();
        let mut by_number: HashMap<Pseudonym, Option<u32>> = HashMap::new();
        let mut learn = |number: u32, child: Option<u32>| {
            by_number.insert(persons.pseudonyms[number as usize], child);
        };
        for (number, row) in &services.numbers {
            learn(*number, row.and_then(|row| child(group(row))));
        }
        for (number, unit) in register.all_numbers() {
            learn(number, child((0, unit)));
        }
        for number in register.shared.keys() {
            learn(*number, None);
        }
        let names = named.into_keys().collect();
        let starts = persons.starts.clone();
        Self { names, spine, of_row: rows, linkage, by_number, review, starts }
    }

    /// Each child's pseudonym: its least current number of the register, else its least number, else one made of its
    /// match key or of its row's place.
    pub fn names(&self) -> &[Pseudonym] {
        &self.names
    }

    /// Whether each child is a pupil of the council's schools.
    pub fn on_spine(&self) -> &[bool] {
        &self.spine
    }

    /// The child of a number.
    pub fn number(&self, number: &Pseudonym) -> Number {
        match self.by_number.get(number) {
            Some(Some(child)) => Number::Child(*child),
            Some(None) => Number::Shared,
            None => Number::Unknown,
        }
    }

    /// The child of each row of a table of persons, tables and rows in the order in which they were added.
    pub fn of_table(&self, table: usize) -> &[u32] {
        let (start, end) = self.bounds(table);
        &self.of_row[start..end]
    }

    /// How each row of a table of persons came to the spine.
    pub fn linkage_of_table(&self, table: usize) -> &[Linkage] {
        let (start, end) = self.bounds(table);
        &self.linkage[start..end]
    }

    fn bounds(&self, table: usize) -> (usize, usize) {
        let at = |table: usize| self.starts.get(table).map_or(self.of_row.len(), |at| *at as usize);
        (at(table), at(table + 1))
    }

    /// Rows about persons that belong to no child: none, or this program is at fault.
    pub fn lost(&self) -> usize {
        self.of_row.iter().filter(|child| **child == NONE).count()
    }

    /// For review: what has a row in one of the wanted tables of persons, which are numbered in the order in which they
    /// were added.
    pub fn review(&self, persons: &Persons, wanted: impl Fn(usize) -> bool) -> Vec<ReviewEntry> {
        self.review.entries(persons, wanted)
    }
}

fn register_name(persons: &Persons, register: &Register, unit: u32) -> Pseudonym {
    let known = register.at(unit);
    let least = known.numbers.iter().map(|number| persons.pseudonyms[number as usize]).min();
    least.unwrap_or_else(|| match (persons.current(known.row), persons.keys(known.row).next()) {
        // A pupil without a number is told by the match key; one of two with one number by the row.
        (NONE, Some(key)) => derived("key", persons.pseudonyms[key as usize].as_bytes()),
        _ => of_row(persons, known.row),
    })
}

/// The children whom only other sources know, each by its first row.
fn service_names(persons: &Persons, services: &Services) -> Vec<(u32, Pseudonym)> {
    let mut least: BTreeMap<u32, Option<Pseudonym>> = BTreeMap::new();
    let rows = persons
        .all()
        .filter(|row| !persons.table_of(*row).register && services.child(*row) == NONE);
    for row in rows {
        let own = persons
            .numbers_known(row)
            .filter(|number| services.numbers.get(number).is_some_and(Option::is_some));
        let own = own.map(|number| persons.pseudonyms[number as usize]).min();
        let known = least.entry(services.root(row)).or_default();
        *known = match (*known, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    let name = |(root, least): (u32, Option<Pseudonym>)| {
        let by_key = || {
            let key = persons.keys(root).next()?;
            Some(derived("key", persons.pseudonyms[key as usize].as_bytes()))
        };
        (root, least.or_else(by_key).unwrap_or_else(|| of_row(persons, root)))
    };
    least.into_iter().map(name).collect()
}

fn of_row(persons: &Persons, row: u32) -> Pseudonym {
    let table = persons.table_of(row);
    let place = persons.place_of(row);
    let mut text =
        format!("{}\n{}\n{}\n{place}\n", table.source, table.period, table.table).into_bytes();
    // What the row says is keyed: who knows its place alone cannot make the pseudonym.
    let said = persons.numbers_known(row).chain(persons.keys(row));
    let said = said
        .chain([persons.birth(row), persons.name(row)].into_iter().filter(|code| *code != NONE));
    for code in said {
        text.extend_from_slice(persons.pseudonyms[code as usize].as_bytes());
    }
    derived("row", &text)
}

/// A pseudonym of a child without a number, made of what is pseudonymised or a place: it says nothing that these do not.
fn derived(kind: &str, of: &[u8]) -> Pseudonym {
    let digest = sha256(&[b"minster child\n", kind.as_bytes(), b"\n", of].concat());
    let mut bytes = [0u8; Pseudonym::LEN];
    bytes.copy_from_slice(&digest[..Pseudonym::LEN]);
    Pseudonym::from_bytes(bytes)
}
