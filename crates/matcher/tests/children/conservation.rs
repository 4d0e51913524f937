//! Persons are conserved: no conflict makes a second child of one, and no row is lost or left alone without need.

use std::collections::BTreeMap;

use minster_matcher::{
    children::{Children, Number},
    identities::Identities,
    review::ReviewEntry,
};
use proptest::prelude::*;

use super::{Said, Table, World, children, found, p, persons, pupils, worlds::cases};

/// Terms of the register, one after another.
fn terms(rows: Vec<Vec<Said>>) -> Vec<Table> {
    rows.into_iter().zip(0..).map(|(rows, term)| ("census", term, true, rows)).collect()
}

fn entry(world: &World, code: &str) -> Option<ReviewEntry> {
    world.review().into_iter().find(|entry| entry.code.code() == code)
}

/// A row about a child off the register: its number of a service, its name and birth date, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Number,
    Name,
    Both,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn one_odd_birth_date_among_several_terms_is_a_date_in_doubt_and_no_new_child(
        count in 2usize..7, odd in any::<prop::sample::Index>(), named in any::<bool>(), others in 0u16..4
    ) {
        let (odd, name) = (odd.index(count), u16::from(named));
        let term = |place: usize| {
            let birth = if place == odd { 2 } else { 1 };
            let others = (1..=others).map(|n| Said(vec![20 + n, 0], 10 + n, 10 + n));
            others.chain([Said(vec![10, 0], birth, name)]).collect()
        };
        let mut tables = terms((0..count).map(term).collect());
        // Other sources have the number and either date, or the name and either date.
        let by_number = [1, 2].map(|birth| Said(vec![10, 0], birth, 0));
        let by_name = [1, 2].map(|birth| Said(vec![0, 0], birth, name)).into_iter().filter(|_| named);
        tables.push(("help", 9, false, by_number.into_iter().chain(by_name).collect()));
        let world = children(&tables);
        prop_assert_eq!(pupils(&world), usize::from(others) + 1);
        prop_assert_eq!(world.names().len(), usize::from(others) + 1);
        prop_assert_eq!(found(&world, "birth-date-in-doubt"), 1);
        let child = *world.of_table(0).last().unwrap();
        prop_assert_eq!(world.number(&p(10)), Number::Child(child));
        prop_assert!(world.of_table(count).iter().all(|one| *one == child));
    }

    #[test]
    fn two_names_under_one_number_are_two_children_and_never_more(
        births in prop::collection::vec((1u16..4, 1u16..4, 0u8..4), 1..6), first in any::<prop::sample::Index>()
    ) {
        // Birth dates differ as they like; in one term at least both names stand.
        let both = first.index(births.len());
        let term = |(place, (one, two, seen)): (usize, &(u16, u16, u8))| {
            let rows = [Said(vec![10, 0], *one, 1), Said(vec![10, 0], *two, 2)];
            let keep = |(name, _): &(u8, Said)| place == both || seen >> name & 1 == 1;
            (0..).zip(rows).filter(keep).map(|(_, row)| row).collect::<Vec<_>>()
        };
        let tables = terms(births.iter().enumerate().map(term).collect());
        let rows: usize = tables.iter().map(|table| table.3.len()).sum();
        let world = children(&tables);
        prop_assert_eq!((pupils(&world), world.names().len()), (2, 2));
        // Sessions name the number alone: they are set aside. The rows are counted and listed.
        prop_assert_eq!(world.number(&p(10)), Number::Shared);
        let entry = entry(&world, "one-number-two-children").unwrap();
        prop_assert_eq!((entry.count, entry.first.len()), (1, rows));
        prop_assert_eq!(entry.rows.iter().map(|of| of.rows).sum::<u64>(), rows as u64);
    }

    #[test]
    fn children_without_any_identifier_get_an_identity_of_their_row_and_keep_it(
        blank in prop::collection::vec(0usize..3, 1..8), births in prop::collection::vec(0u16..3, 8)
    ) {
        let row = |place: usize| Said(vec![0, 0], births[place], 0);
        let of = |table: usize| -> Vec<Said> {
            (0..blank.len()).filter(|place| blank[*place] == table).map(row).collect()
        };
        let known = vec![Said(vec![10, 0], 1, 1), Said(vec![11, 50], 2, 2)];
        let tables = [
            ("census", 0, true, [known.clone(), of(0)].concat()),
            ("help", 1, false, [vec![Said(vec![0, 50], 0, 0)], of(1)].concat()),
            ("police", 2, false, of(2)),
        ];
        let persons = persons(&tables);
        let mut identities = Identities::default();
        let before = Children::known(&persons, &mut identities);
        let after = Children::known(&persons, &mut identities);
        prop_assert_eq!(before.names().len(), known.len() + blank.len());
        prop_assert_eq!(before.names(), after.names());
        prop_assert_eq!((before.lost(), after.changes().len()), (0, 0));
        let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
        for table in 0..3 {
            prop_assert_eq!(before.of_table(table), after.of_table(table));
            before.of_table(table).iter().for_each(|child| *rows.entry(*child).or_default() += 1);
        }
        // All but the pupil whom the service's number leads to have one row.
        let mut counted: Vec<usize> = rows.into_values().collect();
        counted.sort_unstable();
        prop_assert_eq!(counted, [vec![1; known.len() + blank.len() - 1], vec![2]].concat());
    }

    #[test]
    fn rows_of_children_off_the_spine_are_joined_among_themselves(
        told in prop::collection::vec((0u16..4, prop::sample::select(vec![Told::Number, Told::Name, Told::Both]), 0usize..3), 1..16)
    ) {
        // Each child has a number, a name and a birth date of its own; three services say some of it.
        let said = |(child, told, _): &(u16, Told, usize)| {
            let number = if *told == Told::Name { 0 } else { 50 + child };
            let name = if *told == Told::Number { 0 } else { 1 + child };
            Said(vec![0, number], name, name)
        };
        let of = |service: usize| told.iter().filter(|row| row.2 == service).map(said).collect();
        let names = ["help", "cin", "police"];
        let mut tables: Vec<Table> = vec![("census", 0, true, vec![Said(vec![10, 0], 90, 90)])];
        tables.extend((0..3).map(|service| (names[service], 1 + service as u32, false, of(service))));
        let world = children(&tables);
        // A row with both ties what says the one to what says the other.
        let mut expected = 0;
        for child in 0..4 {
            let has = |wanted: Told| told.iter().any(|row| row.0 == child && row.1 == wanted);
            expected += match has(Told::Both) {
                true => 1,
                false => usize::from(has(Told::Number)) + usize::from(has(Told::Name)),
            };
        }
        prop_assert_eq!((pupils(&world), world.names().len()), (1, expected + 1));
        let mut places = [0; 3];
        let mut of_child: BTreeMap<(u16, Told), u32> = BTreeMap::new();
        for row in &told {
            let linked = world.of_table(1 + row.2)[places[row.2]];
            places[row.2] += 1;
            let is_tied = told.iter().any(|other| other.0 == row.0 && other.1 == Told::Both);
            let key = (row.0, if is_tied { Told::Both } else { row.1 });
            prop_assert_eq!(*of_child.entry(key).or_insert(linked), linked);
        }
    }
}
