//! The rows of each child together, with what leads to the child alone: from these, ids are given out.

use ahash::{HashMap, HashMapExt};
use minster_model::Pseudonym;

use crate::{
    identities::{Assigned, Change, ChangeKind, ClusterEvidence, derived},
    parallel_reader::{made_on_each_core, stretch},
    person_rows::{PersonTable, Persons},
    register::Register,
    review::Review,
    services::Services,
    small_set::{NONE, OneOrSeveral},
};

/// Children before they have ids.
pub(crate) struct Clusters {
    /// The child of each row.
    pub(crate) of_row: Vec<u32>,
    pub(crate) all: ClusterEvidence,
    pub(crate) rows: RowsOf,
    pub(crate) keys: ClusterKeys,
}

/// The rows of each child.
pub(crate) struct RowsOf {
    /// For each child, and behind the last, where its rows begin.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl RowsOf {
    fn new(of_row: &[u32], children: usize) -> Self {
        let mut starts = vec![0u32; children + 1];
        of_row.iter().for_each(|child| starts[*child as usize + 1] += 1);
        for child in 0..children {
            starts[child + 1] += starts[child];
        }
        let (mut rows, mut next) = (vec![0u32; of_row.len()], starts.clone());
        for (child, row) in of_row.iter().zip(0u32..) {
            let place = &mut next[*child as usize];
            rows[*place as usize] = row;
            *place += 1;
        }
        Self { starts, rows }
    }

    pub(crate) fn of(&self, child: usize) -> &[u32] {
        &self.rows[self.starts[child] as usize..self.starts[child + 1] as usize]
    }
}

/// The key that names a child: its unit in the register, else the first of its rows.
#[derive(Clone, Copy)]
pub(crate) enum ClusterKey {
    RegisterChild(u32),
    Row(u32),
}

/// The child of each key, or none.
pub(crate) struct ClusterKeys {
    units: Vec<u32>,
    rows: Vec<u32>,
}

impl ClusterKeys {
    fn place(&mut self, key: ClusterKey) -> &mut u32 {
        match key {
            ClusterKey::RegisterChild(unit) => &mut self.units[unit as usize],
            ClusterKey::Row(row) => &mut self.rows[row as usize],
        }
    }

    /// The child of a unit of the register.
    pub(crate) fn of_unit(&self, unit: u32) -> Option<u32> {
        self.units.get(unit as usize).copied().filter(|child| *child != NONE)
    }
}

impl Clusters {
    pub(crate) fn new(persons: &Persons, register: &Register, services: &Services) -> Self {
        let key = |row: u32| match (register.unit(row), services.child(row)) {
            (NONE, NONE) => ClusterKey::Row(services.root(row)),
            (NONE, unit) => ClusterKey::RegisterChild(register.root(unit)),
            (unit, _) => ClusterKey::RegisterChild(unit),
        };
        let units = register.units().max().map_or(0, |last| last as usize + 1);
        let mut keys = ClusterKeys { units: vec![NONE; units], rows: vec![NONE; persons.len()] };
        let mut children = 0;
        let mut of_row = Vec::with_capacity(persons.len());
        for row in persons.all() {
            let child = keys.place(key(row));
            if *child == NONE {
                *child = children;
                children += 1;
            }
            of_row.push(*child);
        }
        let mut of_key = vec![OneOrSeveral::default(); persons.codes().len()];
        for row in persons.all() {
            for key in persons.keys(row) {
                of_key[key as usize].add(of_row[row as usize]);
            }
        }
        let rows = RowsOf::new(&of_row, children as usize);
        let telling = Telling { persons, register, services, keys: &keys, of_row: &of_row, of_key };
        let parts = made_on_each_core(|core, cores| {
            let (mut all, mut of_child) = (ClusterEvidence::default(), Vec::new());
            for child in stretch(children as usize, core, cores) {
                let best = telling.cluster(rows.of(child), child as u32, &mut of_child);
                all.add(&of_child, best);
            }
            all
        });
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        parts.for_each(|part| all.append(&part));
        Self { of_row, all, rows, keys }
    }
}

/// The data that tell a child from all others.
struct Telling<'a> {
    persons: &'a Persons,
    register: &'a Register,
    services: &'a Services,
    keys: &'a ClusterKeys,
    of_row: &'a [u32],
    of_key: Vec<OneOrSeveral>,
}

impl Telling<'_> {
    /// Whether a number leads to the child, and to no other.
    fn leads(&self, number: u32, cluster: u32) -> bool {
        let found = match self.register.number(number) {
            Some(unit) => self.keys.of_unit(unit),
            None if self.register.shared.contains_key(&number) => None,
            None => {
                let row = self.services.numbers.get(&number).copied().flatten();
                row.map(|row| self.of_row[row as usize])
            }
        };
        found == Some(cluster)
    }

    /// Gathers the evidence of a child, and gives the id that fits it best.
    fn cluster(&self, rows: &[u32], cluster: u32, all: &mut Vec<Pseudonym>) -> Option<Pseudonym> {
        let (persons, mut before) = (self.persons, NONE);
        all.clear();
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
                let found = persons.pseudonym(code);
                // Most rows of a child say one number.
                if code != before {
                    all.push(found);
                    before = code;
                }
                is_told = true;
                if is_first && table.register && code == persons.current(row) {
                    less(&mut current, found);
                }
                if is_first {
                    less(&mut number, found);
                }
            }
            let is_own = |key: &u32| self.of_key[*key as usize].only() == Some(cluster);
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
        current.or(number).or(key)
    }
}

/// The id that a row gives, where none other fits.
pub(crate) fn of_place(persons: &Persons, row: u32) -> Pseudonym {
    let table = persons.table_of(row);
    let place = persons.place_of(row);
    let mut text =
        format!("{}\n{}\n{}\n{place}\n", table.source, table.period, table.table).into_bytes();
    // The content of the row is keyed: someone who knows its place alone cannot make the pseudonym.
    let said = persons.numbers_known(row).chain(persons.keys(row));
    let said = said
        .chain([persons.birth(row), persons.name(row)].into_iter().filter(|code| *code != NONE));
    for code in said {
        text.extend_from_slice(persons.pseudonym(code).as_bytes());
    }
    derived("row", &text)
}

/// Why ids were merged or split: of a merge the table of the first row that has evidence of both, of a split what there is
/// for review about the child.
pub(crate) fn reasons(
    persons: &Persons,
    rows: &RowsOf,
    assigned: &Assigned,
    (review, register, services): (&Review, &Register, &Services),
) -> Vec<String> {
    let for_review = if assigned.changes.is_empty() { HashMap::new() } else { review.by_row() };
    let why = |change: &Change| {
        let rows = rows.of(change.cluster);
        let is_reviewed =
            rows.iter().any(|row| services.is_reviewed(*row) || register.is_decided(*row));
        match change.happened {
            ChangeKind::Merged => {
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
            ChangeKind::Split if is_reviewed => "a reviewer's decision".to_owned(),
            ChangeKind::Split => match rows.iter().find_map(|row| for_review.get(row)) {
                Some(finding) => finding.code().to_owned(),
                None => "no row ties them any more".to_owned(),
            },
        }
    };
    assigned.changes.iter().map(why).collect()
}

/// A row's numbers and match keys, as they are remembered.
fn evidence(persons: &Persons, row: u32) -> impl Iterator<Item = Pseudonym> + '_ {
    let numbers = persons.numbers_known(row).map(|code| persons.pseudonym(code));
    numbers.chain(persons.keys(row).map(|code| of_key(persons, code)))
}

fn of_key(persons: &Persons, code: u32) -> Pseudonym {
    derived("key", persons.pseudonym(code).as_bytes())
}
