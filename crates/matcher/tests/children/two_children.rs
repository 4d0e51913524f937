//! When a pupil number stands for two children: never by one change, and never by the order of terms.

use std::collections::BTreeSet;

use minster_matcher::{
    children::Number,
    person_rows::{PersonRow, Sex},
};
use proptest::prelude::*;

use super::{found, one, p, persons_of, pupils, world, worlds::cases};

const F: Option<Sex> = Some(Sex::Female);
const M: Option<Sex> = Some(Sex::Male);
const BLANK: Option<Sex> = None;

/// Terms of one number, each with a name, a sex and a birth date; and other pupils of the last term.
fn terms(said: &[(u16, Option<Sex>, u16)], others: &[(u16, u16, Sex)]) -> super::World {
    let mut tables: Vec<_> = (0..)
        .zip(said)
        .map(|(term, (name, sex, birth))| {
            let row = one(10, *birth, *name).row();
            ("census", term, true, vec![PersonRow { sex: *sex, ..row }])
        })
        .collect();
    let of_others = others.iter().map(|(number, name, sex)| one(*number, 1, *name).of(*sex));
    tables.last_mut().unwrap().3.extend(of_others);
    world(persons_of(tables))
}

#[test]
fn a_pupil_who_takes_another_name_and_sex_is_one_child_in_each_order_of_terms() {
    let said = [(1, F, 1), (2, BLANK, 1), (2, M, 1), (0, BLANK, 0)];
    for order in [[0, 1, 2, 3], [0, 2, 1, 3], [2, 0, 3, 1], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let children = terms(&order.map(|place| said[place]), &[]);
        assert_eq!((pupils(&children), children.names().len()), (1, 1), "{order:?}");
        assert_eq!(found(&children, "sex-in-doubt"), 1);
        assert_eq!(children.number(&p(10)), Number::Child(0));
    }
}

#[test]
fn a_service_s_row_with_a_pupil_s_new_name_and_sex_is_the_pupil_s() {
    let census = ("census", 0, true, vec![one(10, 1, 1).of(Sex::Female)]);
    let header = one(10, 1, 2).of(Sex::Male);
    // Without the birth date nothing but the number agrees.
    let undated = one(10, 0, 2).of(Sex::Male);
    let children = world(persons_of([census, ("header", 1, false, vec![header, undated])]));
    assert_eq!(children.of_table(1)[0], children.of_table(0)[0]);
    assert_ne!(children.of_table(1)[1], children.of_table(0)[0]);
}

#[test]
fn a_twin_with_the_other_s_number_is_a_second_child_in_each_order_of_terms() {
    let said = [(1, F, 1), (2, M, 1), (1, BLANK, 1), (0, BLANK, 1)];
    for order in [[0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0], [2, 1, 0, 3]] {
        let children = terms(&order.map(|place| said[place]), &[(20, 2, Sex::Male)]);
        let of = |place: usize| {
            let term = order.iter().position(|said| *said == place).unwrap();
            children.of_table(term)[0]
        };
        // The row that says neither name nor sex is the one's who has more rows.
        assert_eq!([of(2), of(3)], [of(0); 2], "{order:?}");
        assert_ne!(of(0), of(1));
        assert_eq!((pupils(&children), found(&children, "one-number-two-children")), (3, 1));
        assert_eq!(children.number(&p(10)), Number::Shared);
    }
}

#[test]
fn a_pupil_of_two_schools_with_two_names_and_sexes_in_one_term_is_two_children() {
    let rows = vec![one(10, 1, 1).of(Sex::Female), one(10, 1, 2).of(Sex::Male)];
    let children = world(persons_of([("census", 0, true, rows)]));
    assert_eq!((pupils(&children), found(&children, "one-number-two-children")), (2, 1));
}

#[test]
fn a_row_without_a_name_is_not_a_third_child_of_a_number_that_was_used_again() {
    for unclear in [(0, F, 0), (0, BLANK, 0), (0, BLANK, 9)] {
        let children = terms(&[(1, F, 1), unclear, (2, F, 2), (2, F, 2)], &[]);
        assert_eq!(pupils(&children), 2);
        assert_eq!(children.of_table(1), children.of_table(2), "the one with more rows");
    }
}

/// The statements of one row of a number: its term, name, birth date and sex.
type Row = (u32, u16, u16, Option<Sex>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let sex = prop::sample::select(vec![F, M, BLANK]);
    prop::collection::vec((0u32..4, 0u16..4, 0u16..4, sex), 1..9)
}

/// The rows in a register of four terms, as these stand, and a pupil of another number. Gives for each row its child.
fn linked(rows: &[Row], order: [u32; 4], another: Option<(u16, Sex)>) -> Vec<u32> {
    let said =
        |(_, name, birth, sex): &Row| PersonRow { sex: *sex, ..one(10, *birth, *name).row() };
    let mut places = Vec::new();
    let mut tables: Vec<_> = (0u32..4)
        .map(|term| {
            let of_term = (0..).zip(rows).filter(|(_, row)| order[row.0 as usize] == term);
            let (of, rows): (Vec<usize>, Vec<PersonRow>) =
                of_term.map(|(place, row)| (place, said(row))).unzip();
            places.push(of);
            ("census", term, true, rows)
        })
        .collect();
    tables[3].3.extend(another.map(|(name, sex)| one(20, 1, name).of(sex)));
    let children = world(persons_of(tables));
    let mut of_row = vec![0; rows.len()];
    for (term, places) in places.into_iter().enumerate() {
        for (place, child) in places.into_iter().zip(children.of_table(term)) {
            of_row[place] = *child;
        }
    }
    of_row
}

/// The children that rows of one number may be at most: those whom one term tells apart, those who share neither name nor birth
/// date, or two of two sexes.
fn at_most(rows: &[Row]) -> usize {
    let in_term = |term: u32| {
        let of_term = || rows.iter().filter(move |row| row.0 == term);
        let names: BTreeSet<u16> = of_term().map(|row| row.1).filter(|name| *name > 0).collect();
        let unnamed = of_term().filter(|row| row.1 == 0 && row.2 > 0);
        names.len() + unnamed.map(|row| row.2).collect::<BTreeSet<u16>>().len()
    };
    let whole: BTreeSet<(u16, u16)> =
        rows.iter().map(|row| (row.1, row.2)).filter(|row| row.0 > 0 && row.1 > 0).collect();
    // The most rows of which no two share anything.
    fn most(all: &[(u16, u16)]) -> usize {
        let [first, rest @ ..] = all else { return 0 };
        let apart: Vec<_> =
            rest.iter().copied().filter(|one| one.0 != first.0 && one.1 != first.1).collect();
        most(rest).max(1 + most(&apart))
    }
    let sexes: BTreeSet<char> = rows
        .iter()
        .filter_map(|row| row.3.map(|sex| if sex == Sex::Male { 'M' } else { 'F' }))
        .collect();
    let whole: Vec<(u16, u16)> = whole.into_iter().collect();
    (0..4).map(in_term).max().unwrap_or(0).max(most(&whole)).max(sexes.len()).max(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_number_is_no_more_children_than_its_rows_tell_apart_in_any_order_of_terms(
        rows in rows(), order in Just([0u32, 1, 2, 3]).prop_shuffle(),
        another in prop::option::of((1u16..4, prop::sample::select(vec![Sex::Female, Sex::Male])))
    ) {
        let found = linked(&rows, [0, 1, 2, 3], another);
        let children: BTreeSet<u32> = found.iter().copied().collect();
        prop_assert!(children.len() <= at_most(&rows), "{:?}", found);
        let turned = linked(&rows, order, another);
        for a in 0..rows.len() {
            for b in 0..a {
                prop_assert_eq!(found[a] == found[b], turned[a] == turned[b], "{} {}", a, b);
            }
        }
    }

    #[test]
    fn one_row_a_term_and_one_birth_date_are_one_child_whatever_name_and_sex(
        said in prop::collection::vec((0u16..4, prop::sample::select(vec![F, M, BLANK])), 1..6)
    ) {
        let rows: Vec<(u16, Option<Sex>, u16)> =
            said.iter().map(|(name, sex)| (*name, *sex, 1)).collect();
        let children = terms(&rows, &[]);
        prop_assert_eq!((pupils(&children), children.names().len()), (1, 1));
        prop_assert_eq!(found(&children, "one-number-two-children"), 0);
    }
}
