//! Decides what a row with a marked number says. It says its first number alone, unless its numbers name two identities.
//!
//! Social care types the number that an adopted child has now into its record of before. Such a row may be about either, and by
//! whichever number it were linked, it could be the link that must not be. So it is linked to nobody, unless birth dates show
//! that the other one is a sister, or the row has a name that is its own child's alone.

use ahash::{HashMap, HashSet};

use crate::{
    person_rows::Persons,
    small_set::{NONE, SmallSet},
};

/// What the rows with one first number say of its child; if the register has the number, its rows alone.
#[derive(Debug, Default)]
struct Told {
    births: SmallSet,
    names: SmallSet,
}

/// The rows that a marked identity's numbers touch, and whom their numbers name.
pub(crate) struct NamedIdentities {
    /// Rows with a marked number.
    rows: Vec<u32>,
    /// Rows without one that have a service's number of a row with one.
    touched: Vec<u32>,
    marked: HashSet<u32>,
    /// The register's current numbers.
    current: HashSet<u32>,
    /// For each number of these rows the first numbers of the rows that it stands on.
    named: HashMap<u32, SmallSet>,
    told: HashMap<u32, Told>,
}

impl NamedIdentities {
    /// Looks at rows with a marked number, and at all rows that share a number with them.
    pub(crate) fn read(persons: &Persons, rows: &[u32], is_marked: impl Fn(u32) -> bool) -> Self {
        let of_rows = rows.iter().flat_map(|row| persons.numbers_known(*row));
        let shared: HashSet<u32> = of_rows.collect();
        let marked = shared.iter().copied().filter(|number| is_marked(*number)).collect();
        let own: HashSet<u32> = rows.iter().copied().collect();
        let (mut touched, mut named) = (Vec::new(), HashMap::<u32, SmallSet>::default());
        let mut current = HashSet::default();
        for row in persons.all() {
            let register = persons.table_of(row).register;
            if register {
                current.insert(persons.current(row));
            }
            let mut met = false;
            for number in persons.numbers_known(row).filter(|number| shared.contains(number)) {
                // Of the register's rows the current number alone says whose they are.
                if !register {
                    named.entry(number).or_default().add(first(persons, row));
                    met = true;
                }
            }
            if met && !own.contains(&row) {
                touched.push(row);
            }
        }
        current.remove(&NONE);
        let all: HashSet<u32> = named.values().flat_map(SmallSet::iter).collect();
        let mut told: HashMap<u32, Told> = HashMap::default();
        for row in persons.all() {
            let (number, register) = (first(persons, row), persons.table_of(row).register);
            if all.contains(&number) && current.contains(&number) == register {
                let told = told.entry(number).or_default();
                told.births.add(persons.birth(row));
                told.names.add(persons.name(row));
            }
        }
        Self { rows: rows.to_vec(), touched, marked, current, named, told }
    }

    /// The rows that do not say all that stands on them, each with the column of the number that it says.
    pub(crate) fn decide(&self, persons: &Persons) -> Vec<(u32, Option<usize>)> {
        let of_rows = self.rows.iter().map(|row| (*row, self.said(persons, *row)));
        let touched = self.touched.iter().map(|row| (*row, self.said(persons, *row)));
        of_rows.chain(touched.filter(|(_, said)| said.is_none())).collect()
    }

    fn said(&self, persons: &Persons, row: u32) -> Option<usize> {
        let numbers = persons.numbers(row);
        // A school knows its own pupil: the current number stands, and a former one alone says nothing.
        if persons.table_of(row).register {
            return numbers.first().filter(|number| **number != NONE).map(|_| 0);
        }
        let said = numbers.iter().position(|number| *number != NONE)?;
        let own = numbers[said];
        let (name, is_pupil) = (persons.name(row), self.current.contains(&own));
        let own_names =
            self.told.get(&own).map(|told| &told.names).filter(|names| !names.is_empty());
        // A service typed the pupil number: the name must not be another's.
        let other_name = name != NONE && own_names.is_some_and(|names| !names.has(name));
        if is_pupil && other_name && self.marked.contains(&own) {
            return None;
        }
        if persons.numbers_known(row).all(|number| self.marked.contains(&number)) {
            return Some(said);
        }
        let mut others = SmallSet::default();
        for number in numbers.iter().copied().filter(|number| *number != NONE && *number != own) {
            let mut known = false;
            for named in self.named.get(&number).into_iter().flat_map(SmallSet::iter) {
                let is_marked = self.marked.contains(&named);
                known |= is_marked;
                if named != own && (is_marked || self.current.contains(&named)) {
                    others.add(named);
                }
            }
            if self.marked.contains(&number) && !known {
                others.add(number);
            }
        }
        let touches =
            self.marked.contains(&own) || others.iter().any(|other| self.marked.contains(&other));
        if !touches || !is_pupil && !self.marked.contains(&own) {
            return Some(said);
        }
        let is_told_apart = |other: u32| {
            let (Some(own), Some(other)) = (self.told.get(&own), self.told.get(&other)) else {
                return false;
            };
            let two_births = !own.births.is_empty()
                && !other.births.is_empty()
                && !own.births.meets(&other.births);
            let named = own.names.has(name) && !other.names.is_empty() && !other.names.has(name);
            two_births || named
        };
        others.iter().all(is_told_apart).then_some(said)
    }
}

/// The first number of a row, or none; of a register's row the current one.
fn first(persons: &Persons, row: u32) -> u32 {
    match persons.table_of(row).register {
        true => persons.current(row),
        false => persons.numbers_known(row).next().unwrap_or(NONE),
    }
}

#[cfg(test)]
mod tests {
    use minster_model::Pseudonym;

    use super::*;
    use crate::person_rows::{PersonRow, PersonTable, Persons};

    fn p(n: u16) -> Pseudonym {
        let mut bytes = [7; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        Pseudonym::from_bytes(bytes)
    }

    /// Numbers, birth date and name; 0 is a blank.
    type Said = ([u16; 3], u16, u16);

    const OLD: u16 = 10;
    const NEW: u16 = 20;
    const SISTER: u16 = 30;
    /// Social care's number of before, and one of early help.
    const CARE: u16 = 50;
    const HELP: u16 = 60;

    /// Pupils before and after an adoption, with their sister, and rows of services. Gives what each service's row says: the column
    /// of its number, or nothing. Rows that nothing marked touches say all.
    fn said(marked: &[u16], services: &[Said], same_name: bool) -> Vec<Option<usize>> {
        let after = if same_name { 1 } else { 2 };
        let pupils = [([OLD, 0, 0], 1, 1), ([NEW, 0, 0], 1, after), ([SISTER, 0, 0], 3, 3)];
        let mut persons = Persons::default();
        for (source, rows) in [("census", &pupils[..]), ("care", services)] {
            persons.begin(PersonTable {
                source: source.parse().unwrap(),
                period: "2024-25".parse().unwrap(),
                table: "persons".parse().unwrap(),
                delivery: 0,
                register: source == "census",
                spine: source == "census",
                numbers: 3,
                person_numbers: Vec::new(),
                match_keys: 0,
            });
            let some = |number: u16| (number > 0).then(|| p(number));
            for (numbers, birth, name) in rows {
                persons.add(&PersonRow {
                    numbers: numbers.map(some).to_vec(),
                    birth_date: some(if *birth > 0 { 1_000 + birth } else { 0 }),
                    name: some(if *name > 0 { 2_000 + name } else { 0 }),
                    ..PersonRow::default()
                });
            }
        }
        let marked: Vec<u32> =
            marked.iter().map(|number| persons.code_of(&p(*number)).unwrap()).collect();
        let has = |row: &u32| persons.numbers_known(*row).any(|number| marked.contains(&number));
        let rows: Vec<u32> = persons.all().filter(has).collect();
        let named = NamedIdentities::read(&persons, &rows, |number| marked.contains(&number));
        let decided: HashMap<u32, Option<usize>> = named.decide(&persons).into_iter().collect();
        let of_services = persons.all().skip(3);
        of_services.map(|row| decided.get(&row).copied().unwrap_or(Some(9))).collect()
    }

    #[test]
    fn a_row_with_the_numbers_of_both_identities_says_neither() {
        let header = ([OLD, 0, CARE], 1, 0);
        // Social care types the number of now into its record of before.
        let rows = [header, ([NEW, 0, CARE], 1, 0), ([OLD, 0, CARE], 1, 0)];
        assert_eq!(said(&[OLD, CARE], &rows, false), [Some(0), None, Some(0)]);
        // The header has no pupil number: its birth date is that of the identity.
        let rows = [([0, 0, CARE], 1, 0), ([NEW, 0, CARE], 1, 0), ([SISTER, 0, CARE], 3, 0)];
        assert_eq!(said(&[CARE], &rows, false), [Some(2), None, Some(0)]);
    }

    #[test]
    fn a_sister_with_the_family_s_number_is_told_by_her_birth_date() {
        let rows = [([OLD, 0, HELP], 1, 0), ([SISTER, 0, HELP], 3, 0)];
        assert_eq!(said(&[OLD, HELP], &rows, false), [Some(0), Some(0)]);
    }

    #[test]
    fn a_service_s_number_beside_both_tells_neither_but_by_a_name() {
        for (name, same_name, says) in [(1, false, [Some(0), None]), (2, false, [None, Some(9)])] {
            let rows = [([OLD, 0, HELP], 1, name), ([NEW, 0, HELP], 1, name)];
            assert_eq!(said(&[OLD], &rows, same_name), says, "{name}");
        }
        let rows = [([OLD, 0, HELP], 1, 1), ([NEW, 0, HELP], 1, 1)];
        assert_eq!(said(&[OLD], &rows, true), [None, None]);
    }

    #[test]
    fn a_marked_number_on_a_row_with_another_name_is_not_believed() {
        let rows = [([OLD, 0, 0], 1, 1), ([OLD, 0, 0], 1, 2), ([OLD, 0, 0], 1, 0)];
        assert_eq!(said(&[OLD], &rows, false), [Some(0), None, Some(0)]);
    }

    /// No program can do better, and this shows why. Two councils deliver the same bytes. In the one the last row is
    /// about the identity of before; in the other it is about the child of now, with a number that was typed by mistake, and
    /// both have one name and birth date. So the last row goes to the identity of before in both.
    #[test]
    fn one_number_and_nothing_that_speaks_against_it_is_believed() {
        let rows = [([OLD, 0, 0], 1, 1)];
        assert_eq!(said(&[OLD], &rows, true), [Some(0)]);
    }
}
