//! Decides what a row with a marked number says. It says its first number alone, unless its numbers name two identities.
//!
//! Social care types the number that an adopted child has now into its record of before. Such a row may be about either, and by
//! whichever number it were linked, it could be the link that must not be. So it is linked to nobody, unless birth dates show
//! that the other one is a sister, or the row has a name that is its own child's alone. A row with marked numbers alone is also
//! believed if the census knew its pupil number before the other one: the record is that of before.

use ahash::{HashMap, HashSet};

use crate::{
    person_rows::Persons,
    small_set::{NONE, SmallSet},
};

/// The statements of the rows with one first number about its child; if the register has the number, its rows alone.
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
    /// For each number of these rows the first numbers of the rows that it stands on.
    named: HashMap<u32, SmallSet>,
    told: HashMap<u32, Told>,
    /// Numbers in columns of pupil numbers, on rows that share a number with a marked identity's.
    pupil_numbers: HashSet<u32>,
    /// The register's current numbers, each with its first delivery.
    first_seen: HashMap<u32, u32>,
    /// The deliveries that give a birth date to a first number.
    dated: HashMap<(u32, u32), SmallSet>,
}

/// The statements of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Says {
    /// The column of its number.
    number: Option<usize>,
    /// Whether birth dates alone tell that the row is not the other child's.
    by_birth_date: bool,
}

impl Says {
    fn number(number: Option<usize>) -> Self {
        Self { number, by_birth_date: false }
    }
}

impl NamedIdentities {
    /// Looks at rows with a marked number, and at all rows that share a number with them.
    pub(crate) fn read(persons: &Persons, rows: &[u32], is_marked: impl Fn(u32) -> bool) -> Self {
        let of_rows = rows.iter().flat_map(|row| persons.numbers_known(*row));
        let shared: HashSet<u32> = of_rows.collect();
        let marked = shared.iter().copied().filter(|number| is_marked(*number)).collect();
        let own: HashSet<u32> = rows.iter().copied().collect();
        let (mut touched, mut named) = (Vec::new(), HashMap::<u32, SmallSet>::default());
        let mut first_seen = HashMap::default();
        for row in persons.all().filter(|row| persons.table_of(*row).register) {
            let (number, delivery) = (persons.current(row), persons.table_of(row).delivery);
            let first: &mut u32 = first_seen.entry(number).or_insert(delivery);
            *first = delivery.min(*first);
        }
        first_seen.remove(&NONE);
        let columns = pupil_columns(persons, &first_seen);
        let mut pupil_numbers = HashSet::default();
        for row in persons.all() {
            let register = persons.table_of(row).register;
            let mut met = false;
            for number in persons.numbers_known(row).filter(|number| shared.contains(number)) {
                // The current number alone says whose the register's rows are.
                if !register {
                    named.entry(number).or_default().add(persons.first_number(row));
                    met = true;
                }
            }
            if met && !own.contains(&row) {
                touched.push(row);
            }
            if met {
                let table = persons.table_place(row);
                let of_row = persons.numbers(row).iter().copied().enumerate();
                let of_pupils = of_row.filter(|(column, number)| {
                    *number != NONE && columns.contains(&(table, *column))
                });
                pupil_numbers.extend(of_pupils.map(|(_, number)| number));
            }
        }
        let all: HashSet<u32> = named.values().flat_map(SmallSet::iter).collect();
        let mut told: HashMap<u32, Told> = HashMap::default();
        let mut dated: HashMap<(u32, u32), SmallSet> = HashMap::default();
        for row in persons.all() {
            let (number, register) = (persons.first_number(row), persons.table_of(row).register);
            if all.contains(&number) && persons.birth(row) != NONE {
                let dated = dated.entry((number, persons.birth(row))).or_default();
                dated.add(persons.table_of(row).delivery);
            }
            if all.contains(&number) && first_seen.contains_key(&number) == register {
                let told = told.entry(number).or_default();
                told.births.add(persons.birth(row));
                told.names.add(persons.name(row));
            }
        }
        let rows = rows.to_vec();
        Self { rows, touched, marked, named, told, pupil_numbers, first_seen, dated }
    }

    /// The rows that do not say all that stands on them, each with the column of the number that it says; and how many rows
    /// birth dates alone tell from the other identity.
    pub(crate) fn decide(&self, persons: &Persons) -> (Vec<(u32, Option<usize>)>, u64) {
        let (mut decided, mut by_birth_date) = (Vec::new(), 0);
        for (rows, all) in [(&self.rows, true), (&self.touched, false)] {
            for row in rows {
                let said = self.said(persons, *row);
                by_birth_date += u64::from(said.by_birth_date);
                if all || said.number.is_none() {
                    decided.push((*row, said.number));
                }
            }
        }
        (decided, by_birth_date)
    }

    fn said(&self, persons: &Persons, row: u32) -> Says {
        let numbers = persons.numbers(row);
        // A school knows its own pupil: the current number stands, and a former one alone says nothing.
        if persons.table_of(row).register {
            return Says::number(numbers.first().filter(|number| **number != NONE).map(|_| 0));
        }
        let Some(said) = numbers.iter().position(|number| *number != NONE) else {
            return Says::number(None);
        };
        let own = numbers[said];
        let (name, is_pupil) = (persons.name(row), self.first_seen.contains_key(&own));
        let own_names =
            self.told.get(&own).map(|told| &told.names).filter(|names| !names.is_empty());
        // A service typed the pupil number: the name must not be another's.
        let other_name = name != NONE && own_names.is_some_and(|names| !names.has(name));
        if is_pupil && other_name && self.marked.contains(&own) {
            return Says::number(None);
        }
        // The marking return marks all that stands beside the child, the number of now too. So marks alone do not tell whose a
        // row is: another pupil number beside one of its numbers speaks against it.
        let all_marked = persons.numbers_known(row).all(|number| self.marked.contains(&number));
        let mut others = SmallSet::default();
        for number in numbers.iter().copied().filter(|number| *number != NONE && *number != own) {
            let mut known = false;
            for named in self.named.get(&number).into_iter().flat_map(SmallSet::iter) {
                let is_marked = self.marked.contains(&named);
                known |= is_marked;
                let is_identity = match all_marked {
                    true => self.is_pupil_number(named),
                    false => is_marked || self.first_seen.contains_key(&named),
                };
                if named != own && is_identity {
                    others.add(named);
                }
            }
            let speaks = match all_marked {
                true => self.is_pupil_number(number),
                false => self.marked.contains(&number) && !known,
            };
            if speaks {
                others.add(number);
            }
        }
        let touches =
            self.marked.contains(&own) || others.iter().any(|other| self.marked.contains(&other));
        if !touches || !is_pupil && !self.marked.contains(&own) {
            return Says::number(Some(said));
        }
        let is_surely_apart = |other: u32| {
            all_marked && self.is_earlier(own, other) || self.is_named(own, other, name)
        };
        if others.iter().all(is_surely_apart) {
            return Says::number(Some(said));
        }
        let birth = persons.birth(row);
        let is_apart = |other: u32| is_surely_apart(other) || self.is_born_apart(own, other, birth);
        match others.iter().all(is_apart) {
            true => Says { number: Some(said), by_birth_date: true },
            false => Says::number(None),
        }
    }

    fn is_pupil_number(&self, number: u32) -> bool {
        self.first_seen.contains_key(&number) || self.pupil_numbers.contains(&number)
    }

    /// Whether the register had the one number before it had the other.
    fn is_earlier(&self, own: u32, other: u32) -> bool {
        match (self.first_seen.get(&own), self.first_seen.get(&other)) {
            (Some(own), Some(other)) => own < other,
            _ => false,
        }
    }

    /// Whether a name is the one child's, and not the other's.
    fn is_named(&self, own: u32, other: u32, name: u32) -> bool {
        let (Some(own), Some(other)) = (self.told.get(&own), self.told.get(&other)) else {
            return false;
        };
        own.names.has(name) && !other.names.is_empty() && !other.names.has(name)
    }

    /// Whether a birth date is the one child's, and not the other's. One typing error must not tell two identities of one child
    /// apart: so the row must agree with its own child, and two deliveries must give the other's date.
    fn is_born_apart(&self, own: u32, other: u32, birth: u32) -> bool {
        let (Some(mine), Some(others)) = (self.told.get(&own), self.told.get(&other)) else {
            return false;
        };
        let twice = |birth: u32| self.dated.get(&(other, birth)).is_some_and(SmallSet::several);
        mine.births.has(birth)
            && !mine.births.meets(&others.births)
            && others.births.iter().any(twice)
    }
}

/// Columns, each with the place of its table, that hold pupil numbers: the register's current number stands there on some row. A
/// number of another kind never has its pseudonym.
fn pupil_columns(persons: &Persons, current: &HashMap<u32, u32>) -> HashSet<(usize, usize)> {
    let mut seen: HashSet<(usize, usize)> = HashSet::default();
    for row in persons.all() {
        let numbers = persons.numbers(row).iter().enumerate();
        let of_pupils = numbers.filter(|(_, number)| current.contains_key(number));
        seen.extend(of_pupils.map(|(column, _)| (persons.table_place(row), column)));
    }
    let mut all = seen.clone();
    for (table, column) in seen {
        // The same column of the source's other deliveries.
        let same = |of: usize| {
            let (a, b) = (&persons.tables[table], &persons.tables[of]);
            a.source == b.source && a.table == b.table
        };
        let tables = (0..persons.tables.len()).filter(|of| same(*of));
        all.extend(tables.map(|of| (of, column)));
    }
    all
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
        said_of(marked, services, same_name, 1)
    }

    /// The same, of an identity of before whose only census gives this birth date.
    fn said_of(marked: &[u16], services: &[Said], same_name: bool, old: u16) -> Vec<Option<usize>> {
        let after = if same_name { 1 } else { 2 };
        let before = [([OLD, 0, 0], old, 1), ([SISTER, 0, 0], 3, 3)];
        let after = [([NEW, 0, 0], 1, after)];
        let mut persons = Persons::default();
        let tables = [("census", &before[..]), ("census", &after), ("care", services)];
        for (delivery, (source, rows)) in (0..).zip(tables) {
            persons.begin(PersonTable {
                source: source.parse().unwrap(),
                period: "2024-25".parse().unwrap(),
                table: "persons".parse().unwrap(),
                delivery,
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
        let decided: HashMap<u32, Option<usize>> = named.decide(&persons).0.into_iter().collect();
        let of_services = persons.all().skip(3);
        of_services.map(|row| decided.get(&row).copied().unwrap_or(Some(9))).collect()
    }

    #[test]
    fn a_row_with_the_numbers_of_both_identities_says_neither() {
        let header = ([OLD, 0, CARE], 1, 0);
        // Social care types the number of now into its record of before.
        let rows = [header, ([NEW, 0, CARE], 1, 0), ([OLD, 0, CARE], 1, 0)];
        assert_eq!(said(&[OLD, CARE], &rows, false), [Some(0), None, Some(0)]);
        // The header has no pupil number: its birth date is that of the identity. One delivery alone gives it, so it tells no
        // sister either.
        let rows = [([0, 0, CARE], 1, 0), ([NEW, 0, CARE], 1, 0), ([SISTER, 0, CARE], 3, 0)];
        assert_eq!(said(&[CARE], &rows, false), [Some(2), None, None]);
    }

    #[test]
    fn a_number_that_the_marking_return_has_beside_the_child_is_no_proof_that_the_row_is_hers() {
        // Last year's return has the number of before, and this year's, with the mark, the number of now.
        let rows = [([OLD, 0, CARE], 1, 0), ([NEW, 0, CARE], 1, 0)];
        assert_eq!(said(&[NEW, CARE], &rows, false), [None, None]);
        // No census has the number of before; it stands where pupil numbers stand.
        const NOT_AT_SCHOOL: u16 = 15;
        let rows = [([NOT_AT_SCHOOL, 0, CARE], 1, 0), ([NEW, 0, CARE], 1, 0)];
        assert_eq!(said(&[NEW, CARE], &rows, false), [Some(0), None]);
        // A service's own number, where the pupil number is blank, is no second identity.
        let rows = [([0, 0, CARE], 1, 0), ([NEW, 0, CARE], 1, 0)];
        assert_eq!(said(&[NEW, CARE], &rows, false), [Some(2), Some(0)]);
    }

    #[test]
    fn both_numbers_on_the_list_protect_no_less_than_one() {
        let rows = [([OLD, 0, HELP], 1, 0), ([NEW, 0, HELP], 1, 0)];
        assert_eq!(said(&[OLD, HELP], &rows, false), [Some(0), None]);
        assert_eq!(said(&[OLD, HELP, NEW], &rows, false), [Some(0), None]);
        let rows = [([NEW, OLD, 0], 1, 0)];
        assert_eq!(said(&[OLD, NEW], &rows, false), [None]);
    }

    #[test]
    fn one_mistyped_birth_date_does_not_tell_two_identities_apart() {
        // The only census of before has another date; then the number of now has it on one row.
        let rows = [([NEW, 0, CARE], 1, 0), ([OLD, 0, 0], 1, 0)];
        assert_eq!(said_of(&[OLD, CARE], &rows, false, 9)[0], None);
        let rows = [([OLD, 0, CARE], 1, 0), ([NEW, 0, CARE], 9, 0)];
        assert_eq!(said(&[OLD, CARE], &rows, false), [Some(0), None]);
        // Two deliveries give a sister's date: she is told, and must agree with it herself.
        let rows = [([OLD, 0, HELP], 1, 0), ([SISTER, 0, HELP], 3, 0), ([SISTER, 0, HELP], 1, 0)];
        assert_eq!(said(&[OLD, HELP], &rows, false), [Some(0), Some(0), None]);
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
