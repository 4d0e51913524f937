//! Whether rows under one number of the register are about two children: twins, or a number that was used again.
//!
//! A pupil takes another name and another sex, or has a new name and a mistyped sex: that is one child. Two children need
//! more: two names in one term, names and birth dates of which none agree, or another pupil who has the second's.

use std::cmp::Reverse;

use ahash::{HashMap, HashMapExt};
use minster_model::Pseudonym;

use crate::{
    person_rows::Persons,
    small_set::{NONE, OneOrSeveral, SmallSet},
};

/// The statements of one number's rows about one child.
#[derive(Debug, Clone, Default)]
struct Told {
    names: SmallSet,
    births: SmallSet,
    sexes: SmallSet,
}

impl Told {
    fn of(persons: &Persons, rows: &[u32]) -> Self {
        let mut told = Self::default();
        rows.iter().for_each(|row| told.add(persons, *row));
        told
    }

    fn add(&mut self, persons: &Persons, row: u32) {
        self.names.add(persons.name(row));
        self.births.add(persons.birth(row));
        self.sexes.add(persons.sex(row));
    }

    /// How well a row agrees: a name outweighs a birth date and a sex.
    fn score(&self, persons: &Persons, row: u32) -> u32 {
        4 * u32::from(self.names.has(persons.name(row)))
            + 2 * u32::from(self.births.has(persons.birth(row)))
            + u32::from(self.sexes.has(persons.sex(row)))
    }

    /// By this children are put in order, whatever the order of rows: two of one order are told alike.
    fn order(&self, persons: &Persons) -> (Vec<Pseudonym>, Vec<Pseudonym>, Vec<u32>) {
        let sorted = |set: &SmallSet| {
            let mut all: Vec<_> = set.iter().map(|code| persons.pseudonym(code)).collect();
            all.sort_unstable();
            all
        };
        let mut sexes: Vec<u32> = self.sexes.iter().collect();
        sexes.sort_unstable();
        (sorted(&self.names), sorted(&self.births), sexes)
    }
}

/// Where rows of one number are about several children: for each row which of them. `is_another_s` tells of a row whether another
/// number has its name and birth date.
pub(crate) fn two_children(
    persons: &Persons,
    rows: &[u32],
    is_another_s: impl Fn(u32) -> bool,
) -> Option<Vec<u32>> {
    let first = (persons.birth(*rows.first()?), persons.name(rows[0]));
    if rows.iter().all(|row| (persons.birth(*row), persons.name(*row)) == first) {
        return None;
    }
    let children = in_one_term(persons, rows)
        .or_else(|| used_again(persons, rows))
        .or_else(|| a_twin_s(persons, rows, is_another_s))?;
    Some(nearest(persons, rows, &children))
}

/// Whether rows of one number have two names and two sexes: then another number's rows are asked.
pub(crate) fn may_be_a_twin_s(persons: &Persons, rows: &[u32]) -> bool {
    let (mut names, mut sexes) = (OneOrSeveral::default(), OneOrSeveral::default());
    for row in rows {
        names.add(persons.name(*row));
        sexes.add(persons.sex(*row));
    }
    names == OneOrSeveral::Several && sexes == OneOrSeveral::Several
}

/// The children whom the rows of one delivery name, of that which names most: by name, and by birth date where a row has no name.
fn in_one_term(persons: &Persons, rows: &[u32]) -> Option<Vec<Told>> {
    let mut terms: HashMap<u32, Vec<u32>> = HashMap::new();
    for row in rows {
        terms.entry(persons.table_of(*row).delivery).or_default().push(*row);
    }
    let children = |rows: Vec<u32>| {
        let (named, unnamed): (Vec<u32>, Vec<u32>) =
            rows.into_iter().partition(|row| persons.name(*row) != NONE);
        let mut children = by(persons, &named, |row| persons.name(row));
        let is_new = |row: &u32| {
            let birth = persons.birth(*row);
            birth != NONE && !children.iter().any(|child| child.births.has(birth))
        };
        let unnamed: Vec<u32> = unnamed.into_iter().filter(is_new).collect();
        children.extend(by(persons, &unnamed, |row| persons.birth(row)));
        children
    };
    let order = |children: &Vec<Told>| {
        let mut order: Vec<_> = children.iter().map(|child| child.order(persons)).collect();
        order.sort_unstable();
        (children.len(), order)
    };
    terms.into_values().map(children).filter(|children| children.len() > 1).max_by_key(order)
}

/// Children of whom each has a name and a birth date that no other has: a number that was used again.
fn used_again(persons: &Persons, rows: &[u32]) -> Option<Vec<Told>> {
    let is_whole = |row: &u32| persons.name(*row) != NONE && persons.birth(*row) != NONE;
    let mut children: Vec<Told> = Vec::new();
    for row in rows.iter().copied().filter(is_whole) {
        let mut joined = Told::of(persons, &[row]);
        let (name, birth) = (persons.name(row), persons.birth(row));
        let meets = |child: &mut Told| child.names.has(name) || child.births.has(birth);
        for child in children.extract_if(.., meets) {
            joined.names.add_all(&child.names);
            joined.births.add_all(&child.births);
            joined.sexes.add_all(&child.sexes);
        }
        children.push(joined);
    }
    (children.len() > 1).then_some(children)
}

/// Two children of two names and two sexes, one of whom is another pupil too: a twin was given the other's number.
fn a_twin_s(
    persons: &Persons,
    rows: &[u32],
    is_another_s: impl Fn(u32) -> bool,
) -> Option<Vec<Told>> {
    let is_told = |row: &u32| persons.name(*row) != NONE && persons.sex(*row) != NONE;
    let told: Vec<u32> = rows.iter().copied().filter(is_told).collect();
    let children = by(persons, &told, |row| persons.sex(row));
    let [one, other] = children.as_slice() else { return None };
    let is_two = !one.names.meets(&other.names) && told.iter().any(|row| is_another_s(*row));
    is_two.then_some(children)
}

/// Rows by a code.
fn by(persons: &Persons, rows: &[u32], code: impl Fn(u32) -> u32) -> Vec<Told> {
    let mut children: HashMap<u32, Told> = HashMap::new();
    for row in rows {
        children.entry(code(*row)).or_default().add(persons, *row);
    }
    children.into_values().collect()
}

/// For each row the child with whom it agrees best; one that agrees as well with two is the one's who has more rows.
fn nearest(persons: &Persons, rows: &[u32], children: &[Told]) -> Vec<u32> {
    let best = |row: u32| {
        let scores: Vec<u32> = children.iter().map(|child| child.score(persons, row)).collect();
        let most = scores.iter().copied().max();
        (0..children.len()).filter(move |place| Some(scores[*place]) == most)
    };
    let mut sizes = vec![0u32; children.len()];
    for row in rows {
        let mut found = best(*row);
        if let (Some(place), None) = (found.next(), found.next()) {
            sizes[place] += 1;
        }
    }
    let rank = |place: &usize| (sizes[*place], Reverse(children[*place].order(persons)));
    rows.iter().map(|row| best(*row).max_by_key(rank).unwrap_or(0) as u32).collect()
}
