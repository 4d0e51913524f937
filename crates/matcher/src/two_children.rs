//! Whether rows under one number of the register are about two children: twins, or a number that was used again.

use ahash::{HashMap, HashMapExt};

use crate::{
    person_rows::Persons,
    small_set::{NONE, OneOrSeveral, SmallSet},
};

/// Where rows of one number are about two children: for each row which of them. Names tell them apart; where a row has
/// none, birth dates do.
pub(crate) fn two_children(persons: &Persons, rows: &[u32]) -> Option<Vec<u32>> {
    let first = (persons.birth(*rows.first()?), persons.name(rows[0]));
    if rows.iter().all(|row| (persons.birth(*row), persons.name(*row)) == first) {
        return None;
    }
    if two_in_one_term(persons, rows) {
        let by_name = |row: &u32| match persons.name(*row) {
            NONE => persons.birth(*row),
            name => name,
        };
        return Some(rows.iter().map(by_name).collect());
    }
    apart(persons, rows)
}

/// Whether rows of one delivery have two names, or, where a name is not known, two birth dates.
fn two_in_one_term(persons: &Persons, rows: &[u32]) -> bool {
    let mut terms: HashMap<u32, (OneOrSeveral, OneOrSeveral, bool)> = HashMap::new();
    for row in rows {
        let (names, births, unnamed) = terms.entry(persons.table_of(*row).delivery).or_default();
        names.add(persons.name(*row));
        births.add(persons.birth(*row));
        *unnamed |= persons.name(*row) == NONE && persons.birth(*row) != NONE;
    }
    let two = |(names, births, unnamed): &(OneOrSeveral, OneOrSeveral, bool)| {
        *names == OneOrSeveral::Several || *unnamed && *births == OneOrSeveral::Several
    };
    terms.values().any(two)
}

/// Rows of several terms that neither a name nor a birth date and sex hold together: a number that was used again.
fn apart(persons: &Persons, rows: &[u32]) -> Option<Vec<u32>> {
    let mut groups: Vec<[SmallSet; 3]> = Vec::new();
    let told = |row: u32| [persons.name(row), persons.birth(row), persons.sex(row)];
    // A twin who was given the other's number has its birth date.
    let meets = |[names, births, sexes]: &[SmallSet; 3], [name, birth, sex]: [u32; 3]| {
        let other_sex = sex != NONE && !sexes.is_empty() && !sexes.has(sex);
        names.has(name) || births.has(birth) && !other_sex
    };
    let whole = |row: &&u32| persons.name(**row) != NONE && persons.birth(**row) != NONE;
    for row in rows.iter().filter(whole).map(|row| told(*row)) {
        let mut joined: [SmallSet; 3] = Default::default();
        joined.iter_mut().zip(row).for_each(|(set, code)| set.add(code));
        for group in groups.extract_if(.., |group| meets(group, row)) {
            joined.iter_mut().zip(&group).for_each(|(set, other)| set.add_all(other));
        }
        groups.push(joined);
    }
    if groups.len() < 2 {
        return None;
    }
    let group_of = |row: &u32| {
        let mut found = groups.iter().enumerate().filter(|(_, group)| meets(group, told(*row)));
        match (found.next(), found.next()) {
            (Some((place, _)), None) => place as u32,
            // A row that could be either child's is told as a third: it is not given to one of them by chance.
            _ => NONE,
        }
    };
    Some(rows.iter().map(group_of).collect())
}
