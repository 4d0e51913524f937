//! Identifiers of one child, joined: union-find that never joins two known birth dates.

use std::collections::{HashMap, HashSet};

use minster_model::Pseudonym;

use crate::children::IdentityRow;

/// What the rows say of each identifier's birth date, whatever their order.
#[derive(Default)]
pub(crate) struct BirthDates {
    pub(crate) known: HashMap<Pseudonym, Pseudonym>,
    /// Identifiers whose rows name two: they link nothing.
    pub(crate) conflicting: HashSet<Pseudonym>,
}

impl BirthDates {
    /// A pupil's current identifier is believed first, then what the spine's rows say of others, then
    /// what other rows say.
    pub(crate) fn new<'a>(
        spine: &'a [IdentityRow],
        others: impl Iterator<Item = &'a IdentityRow>,
    ) -> Self {
        let mut dates = Self::default();
        dates.add(spine.iter().flat_map(|row| row.identifiers.first().map(|id| (id, row))));
        dates.add(
            spine.iter().flat_map(|row| row.identifiers.iter().skip(1).map(move |id| (id, row))),
        );
        dates.add(others.flat_map(|row| row.identifiers.iter().map(move |id| (id, row))));
        dates
    }

    fn add<'a>(&mut self, rows: impl Iterator<Item = (&'a Pseudonym, &'a IdentityRow)>) {
        let mut said: HashMap<Pseudonym, Pseudonym> = HashMap::new();
        let mut two = HashSet::new();
        for (&identifier, row) in rows {
            if self.known.contains_key(&identifier) || self.conflicting.contains(&identifier) {
                continue;
            }
            let Some(date) = row.birth_date else { continue };
            if *said.entry(identifier).or_insert(date) != date {
                two.insert(identifier);
            }
        }
        said.retain(|identifier, _| !two.contains(identifier));
        self.known.extend(said);
        self.conflicting.extend(two);
    }
}

pub(crate) fn usable<'a>(
    row: &'a IdentityRow,
    conflicting: &'a HashSet<Pseudonym>,
) -> impl Iterator<Item = &'a Pseudonym> {
    row.identifiers.iter().filter(|identifier| !conflicting.contains(identifier))
}

/// Union-find with the birth date that each group is known by.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) codes: HashMap<Pseudonym, u32>,
    parents: Vec<u32>,
    birth_dates: Vec<Option<Pseudonym>>,
}

impl Groups {
    /// Joins a row's identifiers; returns how many merges the birth dates forbade.
    pub(crate) fn join(
        &mut self,
        identifiers: Vec<&Pseudonym>,
        birth_date: Option<Pseudonym>,
    ) -> u64 {
        let mut refused = 0;
        let mut identifiers = identifiers.into_iter();
        let Some(first) = identifiers.next() else { return 0 };
        let first = self.code(*first);
        if let Some(birth_date) = birth_date {
            let root = self.find(first) as usize;
            match self.birth_dates[root] {
                None => self.birth_dates[root] = Some(birth_date),
                Some(known) if known != birth_date => return 1,
                Some(_) => {}
            }
        }
        for identifier in identifiers {
            let other = self.code(*identifier);
            refused += u64::from(!self.union(first, other));
        }
        refused
    }

    fn code(&mut self, token: Pseudonym) -> u32 {
        let next = self.parents.len() as u32;
        let code = *self.codes.entry(token).or_insert(next);
        if code == next {
            self.parents.push(next);
            self.birth_dates.push(None);
        }
        code
    }

    pub(crate) fn find(&self, mut code: u32) -> u32 {
        while self.parents[code as usize] != code {
            code = self.parents[code as usize];
        }
        code
    }

    pub(crate) fn find_known(&self, token: &Pseudonym) -> Option<u32> {
        self.codes.get(token).map(|&code| self.find(code))
    }

    /// False where two known birth dates differ.
    pub(crate) fn union(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return true;
        }
        let (keep, join) = (a.min(b), a.max(b));
        let known = (self.birth_dates[keep as usize], self.birth_dates[join as usize]);
        if matches!(known, (Some(one), Some(other)) if one != other) {
            return false;
        }
        self.birth_dates[keep as usize] = known.0.or(known.1);
        self.parents[join as usize] = keep;
        true
    }
}
