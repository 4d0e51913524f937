//! The rows of each child together, with what leads to the child alone: from these, ids are given out.

use ahash::{HashMap, HashMapExt};
use minster_model::Pseudonym;

use crate::{
    few::{NONE, Seen},
    identities::{Assigned, Change, Cluster, Happened, derived},
    persons::{PersonTable, Persons},
    register::Register,
    review::Review,
    services::Services,
};

/// Children before they have ids.
pub(crate) struct Clusters {
    /// The child of each row.
    pub(crate) of_row: Vec<u32>,
    pub(crate) all: Vec<Cluster>,
    /// The rows of each child.
    pub(crate) rows: Vec<Vec<u32>>,
    /// The child of each unit of the register (0), and of each first row of others (1).
    pub(crate) keys: HashMap<(u8, u32), u32>,
}

impl Clusters {
    pub(crate) fn new(persons: &Persons, register: &Register, services: &Services) -> Self {
        // A child of the register is told by its unit, another by the first of its rows.
        let key = |row: u32| match (register.unit(row), services.child(row)) {
            (NONE, NONE) => (1u8, services.root(row)),
            (NONE, unit) => (0, register.root(unit)),
            (unit, _) => (0, unit),
        };
        let mut keys: HashMap<(u8, u32), u32> = HashMap::new();
        let mut rows: Vec<Vec<u32>> = Vec::new();
        let mut of_row = Vec::with_capacity(persons.len());
        for row in persons.all() {
            let cluster = *keys.entry(key(row)).or_insert(rows.len() as u32);
            match rows.get_mut(cluster as usize) {
                Some(rows) => rows.push(row),
                None => rows.push(vec![row]),
            }
            of_row.push(cluster);
        }
        let mut of_key: HashMap<u32, Seen> = HashMap::new();
        for row in persons.all() {
            for key in persons.keys(row) {
                of_key.entry(key).or_default().add(of_row[row as usize]);
            }
        }
        let telling = Telling { persons, register, services, keys: &keys, of_row: &of_row, of_key };
        let all = rows.iter().zip(0..).map(|(rows, cluster)| telling.cluster(rows, cluster));
        let all = all.collect();
        Self { of_row, all, rows, keys }
    }
}

/// What tells a child from all others.
struct Telling<'a> {
    persons: &'a Persons,
    register: &'a Register,
    services: &'a Services,
    keys: &'a HashMap<(u8, u32), u32>,
    of_row: &'a [u32],
    of_key: HashMap<u32, Seen>,
}

impl Telling<'_> {
    /// Whether a number leads to the child, and to no other.
    fn leads(&self, number: u32, cluster: u32) -> bool {
        let found = match self.register.number(number) {
            Some(unit) => self.keys.get(&(0, unit)).copied(),
            None if self.register.shared.contains_key(&number) => None,
            None => {
                let row = self.services.numbers.get(&number).copied().flatten();
                row.map(|row| self.of_row[row as usize])
            }
        };
        found == Some(cluster)
    }

    fn cluster(&self, rows: &[u32], cluster: u32) -> Cluster {
        let persons = self.persons;
        let mut all = Vec::new();
        let first = rows.iter().map(|row| persons.table_of(*row).delivery).min();
        let (mut current, mut number, mut key) = (None, None, None);
        let less = |known: &mut Option<Pseudonym>, found: Pseudonym| {
            *known = Some(known.map_or(found, |known| known.min(found)));
        };
        for &row in rows {
            let table = persons.table_of(row);
            let is_first = Some(table.delivery) == first;
            let mut is_told = false;
            for code in persons.numbers_known(row).filter(|code| self.leads(*code, cluster)) {
                let found = persons.pseudonyms[code as usize];
                all.push(found);
                is_told = true;
                if is_first && table.register && code == persons.current(row) {
                    less(&mut current, found);
                }
                if is_first {
                    less(&mut number, found);
                }
            }
            let is_own =
                |key: &u32| self.of_key.get(key).copied().and_then(Seen::only) == Some(cluster);
            for code in persons.keys(row).filter(is_own) {
                let found = of_key(persons, code);
                all.push(found);
                is_told = true;
                if is_first {
                    less(&mut key, found);
                }
            }
            if !is_told {
                all.push(of_place(persons, row));
            }
        }
        all.sort_unstable();
        all.dedup();
        let best = current.or(number).or(key);
        Cluster { evidence: all, best, of_row: of_place(persons, rows[0]) }
    }
}

fn of_place(persons: &Persons, row: u32) -> Pseudonym {
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

/// Why ids were merged or split: of a merge the table of the first row that has evidence of both, of a split what there is
/// for review about the child.
pub(crate) fn reasons(
    persons: &Persons,
    rows: &[Vec<u32>],
    assigned: &Assigned,
    (review, register, services): (&Review, &Register, &Services),
) -> Vec<String> {
    let for_review = if assigned.changes.is_empty() { HashMap::new() } else { review.by_row() };
    let why = |change: &Change| {
        let rows = &rows[change.cluster];
        let is_reviewed =
            rows.iter().any(|row| services.is_reviewed(*row) || register.is_decided(*row));
        match change.happened {
            Happened::Merged => {
                let has_both = |row: &&u32| {
                    let before = |evidence| assigned.before.get(&evidence);
                    let ids: Vec<_> = evidence(persons, **row).filter_map(before).collect();
                    ids.contains(&&change.from) && ids.iter().any(|id| **id != change.from)
                };
                match rows.iter().find(has_both).map(|row| persons.table_of(*row)) {
                    Some(PersonTable { source, table, period, .. }) => {
                        format!("{source}/{table} of {period} has both")
                    }
                    None if is_reviewed => "a reviewer's decision".to_owned(),
                    None => "several rows tie them".to_owned(),
                }
            }
            Happened::Split if is_reviewed => "a reviewer's decision".to_owned(),
            Happened::Split => match rows.iter().find_map(|row| for_review.get(row)) {
                Some(finding) => finding.code().to_owned(),
                None => "no row ties them any more".to_owned(),
            },
        }
    };
    assigned.changes.iter().map(why).collect()
}

/// A row's numbers and match keys, as they are remembered.
fn evidence(persons: &Persons, row: u32) -> impl Iterator<Item = Pseudonym> + '_ {
    let numbers = persons.numbers_known(row).map(|code| persons.pseudonyms[code as usize]);
    numbers.chain(persons.keys(row).map(|code| of_key(persons, code)))
}

fn of_key(persons: &Persons, code: u32) -> Pseudonym {
    derived("key", persons.pseudonyms[code as usize].as_bytes())
}
