//! Rules that hold for children in every small world of rows.

use minster_matcher::{
    children::{Children, Number},
    person_rows::{PersonRow, Sex},
};
use proptest::prelude::*;

use super::{Said, Table, children, p, persons_of, pupils, world};

/// Small worlds of rows: two terms of the register and two services.
fn worlds() -> impl Strategy<Value = Vec<Table>> {
    let said = |numbers: u16, others: u16| {
        let row = (0..=numbers, 0..=others, 0u16..4, 0u16..4);
        prop::collection::vec(
            row.prop_map(|(a, b, birth, name)| Said(vec![a, b], birth, name)),
            0..8,
        )
    };
    (said(5, 5), said(5, 5), said(7, 0), said(0, 4)).prop_map(|(autumn, spring, one, two)| {
        let shift = |rows: Vec<Said>, by: u16| -> Vec<Said> {
            let shift = |said: Said| {
                let numbers = vec![said.0[0], if said.0[1] > 0 { said.0[1] + by } else { 0 }];
                Said(numbers, said.1, said.2)
            };
            rows.into_iter().map(shift).collect()
        };
        vec![
            ("census", 0, true, autumn),
            ("census", 1, true, spring),
            ("help", 2, false, shift(one, 20)),
            ("cin", 3, false, shift(two, 20)),
        ]
    })
}

/// The children as sets of rows: what they are called does not matter.
fn partition(children: &Children, tables: usize) -> Vec<Vec<(usize, usize)>> {
    let mut sets = vec![Vec::new(); children.names().len()];
    for table in 0..tables {
        for (row, child) in children.of_table(table).iter().enumerate() {
            sets[*child as usize].push((table, row));
        }
    }
    sets.sort();
    sets
}

/// Random worlds a property; `PROPTEST_CASES` asks for more.
pub(super) fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn each_row_belongs_to_exactly_one_child_and_no_child_is_empty(tables in worlds()) {
        let children = children(&tables);
        prop_assert_eq!(children.lost(), 0);
        let sets = partition(&children, tables.len());
        prop_assert!(sets.iter().all(|set| !set.is_empty()));
        let names: std::collections::BTreeSet<_> = children.names().iter().collect();
        prop_assert_eq!(names.len(), children.names().len());
    }

    #[test]
    fn rows_without_names_of_two_sexes_are_one_child_only_by_a_number_of_the_register(
        tables in worlds(), sexes in prop::collection::vec(prop::sample::select(vec![None, Some(Sex::Female), Some(Sex::Male)]), 7)
    ) {
        let sexed = |said: &Said, place: usize| PersonRow { sex: sexes[place % 7], ..said.row() };
        let rows: Vec<(&str, u32, bool, Vec<PersonRow>)> = tables
            .iter()
            .map(|(source, delivery, register, said)| {
                let rows = said.iter().zip(0..).map(|(said, place)| sexed(said, place + *delivery as usize));
                (*source, *delivery, *register, rows.collect())
            })
            .collect();
        let children = world(persons_of(rows.clone()));
        prop_assert_eq!(children.lost(), 0);
        for set in partition(&children, tables.len()) {
            let of_register = set.iter().any(|(table, _)| tables[*table].2);
            let row = |place: &(usize, usize)| &rows[place.0].3[place.1];
            let named = set.iter().any(|place| row(place).name.is_some());
            let has = |sex| set.iter().any(|place| row(place).sex == Some(sex));
            prop_assert!(of_register || named || !has(Sex::Female) || !has(Sex::Male), "{:?}", set);
        }
    }

    #[test]
    fn pupils_are_no_more_than_numbers_and_unnumbered_name_keys(tables in worlds()) {
        let mut numbers = std::collections::BTreeSet::new();
        // A number with two names, or with two birth dates where a name is not known, is two children's.
        let mut unnumbered = std::collections::BTreeSet::new();
        let mut nameless = 0;
        let children = children(&tables);
        let shared = |number: u16| children.number(&p(number)) == Number::Shared;
        for (_, _, _, rows) in tables.iter().filter(|table| table.2) {
            for Said(own, birth, name) in rows {
                match own[0] {
                    0 if *birth > 0 && *name > 0 => { unnumbered.insert((0, *birth, *name)); }
                    0 => nameless += 1,
                    number if shared(number) => { unnumbered.insert((number, *birth, *name)); }
                    number => { numbers.insert(number); }
                }
            }
        }
        prop_assert!(pupils(&children) <= numbers.len() + unnumbered.len() + nameless);
    }

    #[test]
    fn a_row_is_never_joined_to_a_child_whose_birth_dates_are_all_others(tables in worlds()) {
        let children = children(&tables);
        for set in partition(&children, tables.len()) {
            let said = |(table, row): &(usize, usize)| (&tables[*table].3[*row], tables[*table].2);
            let of_register: Vec<&Said> = set.iter().map(said).filter(|row| row.1).map(|row| row.0).collect();
            let births: Vec<u16> = of_register.iter().map(|said| said.1).filter(|birth| *birth > 0).collect();
            let names: Vec<u16> = of_register.iter().map(|said| said.2).filter(|name| *name > 0).collect();
            if births.is_empty() {
                continue;
            }
            for (row, is_register) in set.iter().map(said) {
                let two_numbers = set.iter().map(said).any(|(other, register)| {
                    !register && other.0[1] > 0 && other.0[1] == row.0[1] && row.0[0] > 0
                });
                let fits = row.1 == 0 || births.contains(&row.1) || names.contains(&row.2);
                prop_assert!(is_register || fits || two_numbers, "{:?} in {:?}", row, set);
            }
        }
    }

    #[test]
    fn two_current_numbers_are_one_child_only_by_the_registers_own_former_number(tables in worlds()) {
        let without: Vec<Table> = tables.iter().cloned().map(|(source, delivery, register, rows)| {
            let rows = rows.into_iter().map(|said| match register {
                true => Said(vec![said.0[0], 0], said.1, said.2),
                false => said,
            });
            (source, delivery, register, rows.collect())
        }).collect();
        let children = children(&without);
        for set in partition(&children, without.len()) {
            let numbers = set.iter().filter(|(table, _)| without[*table].2);
            let numbers: std::collections::BTreeSet<u16> =
                numbers.map(|(table, row)| without[*table].3[*row].0[0]).filter(|number| *number > 0).collect();
            prop_assert!(numbers.len() <= 1, "{numbers:?}");
        }
    }

    #[test]
    fn the_order_of_rows_and_the_numbers_themselves_change_nothing(
        tables in worlds(),
        seed in any::<u64>(),
    ) {
        let before = partition(&children(&tables), tables.len());
        let turned: Vec<(Table, Vec<usize>)> = tables.iter().map(|(source, delivery, register, rows)| {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.rotate_left((seed as usize) % rows.len().max(1));
            order.reverse();
            let renamed = |place: &usize| {
                let Said(numbers, birth, name) = rows[*place].clone();
                let other = |number: u16| if number > 0 { 900 - number } else { 0 };
                Said(numbers.into_iter().map(other).collect(), birth, name)
            };
            let rows = order.iter().map(renamed).collect();
            ((*source, *delivery, *register, rows), order)
        }).collect();
        let (tables, orders): (Vec<Table>, Vec<Vec<usize>>) = turned.into_iter().unzip();
        let mut after: Vec<Vec<(usize, usize)>> = partition(&children(&tables), tables.len())
            .into_iter()
            .map(|set| {
                let mut set: Vec<_> = set.into_iter().map(|(table, row)| (table, orders[table][row])).collect();
                set.sort_unstable();
                set
            })
            .collect();
        after.sort();
        prop_assert_eq!(before, after);
    }
}
