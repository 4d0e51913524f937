//! Rows are told apart by child, on small tables of persons that a person can work out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use minster_matcher::{
    children::{Children, Linkage, Number},
    person_rows::{PersonRow, PersonTable, Persons, Sex},
    review::ReviewEntry,
};
use minster_model::Pseudonym;
use proptest::prelude::*;

fn p(n: u16) -> Pseudonym {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Pseudonym::from_bytes(bytes)
}

fn some(n: u16) -> Option<Pseudonym> {
    (n > 0).then(|| p(n))
}

/// A made-up person's row: 0 is a blank. Numbers, birth date, name; the match key is made of the last two.
#[derive(Debug, Clone)]
struct Said(Vec<u16>, u16, u16);

impl Said {
    fn row(&self) -> PersonRow {
        let Self(numbers, birth, name) = self;
        let key = (*birth > 0 && *name > 0).then(|| p(10_000 + 100 * birth + name));
        PersonRow {
            numbers: numbers.iter().map(|number| some(*number)).collect(),
            birth_date: some(1_000 * u16::from(*birth > 0) + birth),
            name: some(2_000 * u16::from(*name > 0) + name),
            match_keys: vec![key],
            ..PersonRow::default()
        }
    }

    fn of(&self, sex: Sex) -> PersonRow {
        PersonRow { sex: Some(sex), ..self.row() }
    }
}

/// A table of one delivery: the name of its source, whether it is the register, its rows.
type Table = (&'static str, u32, bool, Vec<Said>);

fn persons(tables: &[Table]) -> Persons {
    let rows = |rows: &[Said]| rows.iter().map(Said::row).collect();
    let tables = tables
        .iter()
        .map(|(source, delivery, register, said)| (*source, *delivery, *register, rows(said)));
    persons_of(tables)
}

fn persons_of<'a>(
    tables: impl IntoIterator<Item = (&'a str, u32, bool, Vec<PersonRow>)>,
) -> Persons {
    let mut persons = Persons::default();
    for (source, delivery, register, rows) in tables {
        persons.begin(PersonTable {
            source: source.parse().unwrap(),
            period: format!("2024-{delivery}").parse().unwrap(),
            table: "persons".parse().unwrap(),
            delivery,
            register,
            spine: register,
            numbers: 3,
            match_keys: 1,
        });
        rows.iter().for_each(|row| persons.add(row));
    }
    persons
}

/// Children, and the rows that say who they are.
struct World {
    persons: Persons,
    children: Children,
}

impl std::ops::Deref for World {
    type Target = Children;

    fn deref(&self) -> &Children {
        &self.children
    }
}

impl World {
    fn review(&self) -> Vec<ReviewEntry> {
        self.children.review(&self.persons, |_| true)
    }
}

fn children(tables: &[Table]) -> World {
    world(persons(tables))
}

fn world(persons: Persons) -> World {
    let children = Children::new(&persons);
    World { persons, children }
}

fn pupils(children: &Children) -> usize {
    children.on_spine().iter().filter(|on_spine| **on_spine).count()
}

fn found(children: &World, code: &str) -> u64 {
    children
        .review()
        .iter()
        .filter(|entry| entry.code.code() == code)
        .map(|entry| entry.count)
        .sum()
}

fn one(number: u16, birth: u16, name: u16) -> Said {
    Said(vec![number, 0], birth, name)
}

#[test]
fn a_bridge_and_a_former_number_lead_to_the_pupil() {
    let census = ("census", 0, true, vec![Said(vec![10, 11], 1, 1)]);
    let header = ("header", 1, false, vec![Said(vec![11, 50], 1, 0)]);
    let cin = ("cin", 2, false, vec![Said(vec![50, 0], 0, 0)]);
    let children = children(&[census, header, cin]);
    assert_eq!(children.names(), [p(10)]);
    assert_eq!(children.of_table(2), [0]);
    assert_eq!(children.linkage_of_table(2), [Linkage::Identifier]);
    assert_eq!(children.number(&p(50)), Number::Child(0));
}

#[test]
fn twins_under_one_number_are_two_pupils_and_the_number_alone_is_neither() {
    let census = ("census", 0, true, vec![one(10, 1, 1), one(10, 1, 2), one(20, 1, 3)]);
    let plans = ("help", 1, false, vec![one(10, 1, 2), one(10, 1, 0)]);
    let children = children(&[census, plans]);
    assert_eq!((pupils(&children), found(&children, "one-number-two-children")), (3, 1));
    assert_eq!(children.number(&p(10)), Number::Shared);
    // The name tells which twin the first plan is about; the second could be either's.
    let plan = children.of_table(1);
    assert_eq!(plan[0], children.of_table(0)[1]);
    assert!(!children.of_table(0).contains(&plan[1]));
    assert_eq!(children.linkage_of_table(1), [Linkage::Identifier, Linkage::SharedNumber]);
}

#[test]
fn twins_without_names_under_a_family_s_number_are_told_apart_by_their_sex() {
    for (second, children, noted) in [(Sex::Male, 2, 1), (Sex::Female, 1, 0)] {
        let header = ("header", 0, false, vec![one(50, 1, 0).of(Sex::Female)]);
        let cin = ("cin", 1, false, vec![one(50, 1, 0).of(second)]);
        let found_ = world(persons_of([header, cin]));
        assert_eq!(found_.names().len(), children);
        assert_eq!(found(&found_, "service-number-two-children"), noted);
    }
    // Two who have one name are one child, whatever a source says of the sex.
    let header = ("header", 0, false, vec![one(50, 1, 1).of(Sex::Female)]);
    let ssd = ("ssd", 1, false, vec![one(50, 1, 1).of(Sex::Male)]);
    assert_eq!(world(persons_of([header, ssd])).names().len(), 1);
}

#[test]
fn a_brother_with_his_twin_sister_s_number_is_the_brother() {
    let (sister, brother) = (one(10, 1, 1).of(Sex::Female), one(20, 1, 2).of(Sex::Male));
    let mistaken = one(10, 1, 2).of(Sex::Male);
    let no_name = one(10, 1, 0).of(Sex::Male);
    let short_name = one(10, 1, 3).of(Sex::Female);
    let census = ("census", 0, true, vec![sister, brother]);
    let help = ("help", 1, false, vec![mistaken, no_name, short_name]);
    let children = world(persons_of([census, help]));
    let pupils = children.of_table(0);
    assert_eq!(children.of_table(1), [pupils[1], pupils[0], pupils[0]]);
    assert_eq!(
        children.linkage_of_table(1),
        [Linkage::MatchKey, Linkage::Identifier, Linkage::Identifier]
    );
}

#[test]
fn a_pupil_with_two_sexes_is_one_child_and_is_noted() {
    let terms = [(0, Sex::Female), (1, Sex::Male), (2, Sex::Female)];
    let tables = terms.map(|(term, sex)| ("census", term, true, vec![one(10, 1, 1).of(sex)]));
    let children = world(persons_of(tables));
    assert_eq!((pupils(&children), found(&children, "sex-in-doubt")), (1, 1));
}

#[test]
fn a_learner_number_under_both_numbers_of_one_pupil_leads_to_the_pupil() {
    let census = |former| {
        let before = ("census", 0, true, vec![Said(vec![10, 0, 30], 1, 1)]);
        let now = ("census", 1, true, vec![Said(vec![20, former, 30], 1, 2)]);
        let colleges = ("college", 2, false, vec![Said(vec![0, 30], 1, 0)]);
        world(persons_of([before, now, colleges].map(|(source, delivery, register, said)| {
            (source, delivery, register, said.iter().map(Said::row).collect::<Vec<_>>())
        })))
    };
    let one = census(10);
    assert_eq!((pupils(&one), found(&one, "former-number-refused")), (1, 0));
    assert_eq!(one.linkage_of_table(2), [Linkage::Identifier]);
    // Alone it makes no one child of two current numbers.
    let two = census(0);
    assert_eq!((pupils(&two), found(&two, "former-number-refused")), (2, 1));
    assert_eq!(two.number(&p(30)), Number::Shared);
}

#[test]
fn a_former_number_that_would_tie_brother_and_sister_is_refused() {
    for (name, sex, tied) in [(2, Sex::Male, false), (1, Sex::Male, true), (2, Sex::Female, true)] {
        let before = ("census", 0, true, vec![one(10, 1, 1).of(Sex::Female)]);
        let now = ("census", 1, true, vec![Said(vec![20, 10], 1, name).of(sex)]);
        let children = world(persons_of([before, now]));
        assert_eq!(pupils(&children), if tied { 1 } else { 2 });
        assert_eq!(found(&children, "former-number-refused"), u64::from(!tied));
    }
}

#[test]
fn one_mistyped_birth_date_in_one_term_makes_no_other_child() {
    for names in [[1, 1, 1], [0, 0, 0]] {
        let terms = [(0, 1), (1, 2), (2, 1)];
        let tables: Vec<Table> = (terms.iter().zip(names))
            .map(|((term, birth), name)| ("census", *term, true, vec![one(10, *birth, name)]))
            .collect();
        let children = children(&tables);
        assert_eq!((pupils(&children), children.names()), (1, &[p(10)][..]));
        assert_eq!(found(&children, "birth-date-in-doubt"), 1);
    }
}

#[test]
fn a_temporary_number_that_was_used_again_leads_each_of_both_to_the_number_that_followed() {
    let first = ("census", 0, true, vec![one(10, 1, 1)]);
    let second = ("census", 1, true, vec![Said(vec![20, 10], 1, 1), one(10, 2, 2)]);
    let third = ("census", 2, true, vec![Said(vec![20, 10], 1, 1), Said(vec![30, 10], 2, 2)]);
    let children = children(&[first, second, third]);
    assert_eq!((pupils(&children), found(&children, "former-number-refused")), (2, 0));
    assert_eq!(children.of_table(0)[0], children.of_table(2)[0]);
    assert_eq!(children.of_table(1)[1], children.of_table(2)[1]);
    // The number alone is neither's.
    assert_eq!(children.number(&p(10)), Number::Shared);
}

#[test]
fn two_numbers_of_one_name_and_birth_date_are_not_made_one_by_a_former_number_of_both() {
    let claims = vec![Said(vec![20, 10], 1, 1), Said(vec![30, 10], 1, 1), one(10, 1, 1)];
    let children = children(&[("census", 0, true, claims)]);
    assert_eq!((pupils(&children), found(&children, "former-number-refused")), (3, 2));
}

#[test]
fn a_number_that_was_used_again_ties_nobody_with_another_name_or_birth_date() {
    let first = ("census", 0, true, vec![one(10, 1, 1), one(10, 2, 2)]);
    for (birth, name) in [(1, 2), (3, 1), (0, 1), (1, 0)] {
        let second = ("census", 1, true, vec![Said(vec![20, 10], birth, name)]);
        let children = children(&[first.clone(), second]);
        assert_eq!((pupils(&children), found(&children, "former-number-refused")), (3, 1));
    }
}

#[test]
fn a_number_that_was_used_again_for_another_child_is_two_pupils() {
    let tables =
        [("census", 0, true, vec![one(10, 1, 1)]), ("census", 1, true, vec![one(10, 2, 2)])];
    let children = children(&tables);
    assert_eq!((pupils(&children), found(&children, "one-number-two-children")), (2, 1));
}

#[test]
fn two_current_numbers_are_two_pupils_whatever_a_services_number_says() {
    // Twins and a family's number.
    let census = ("census", 0, true, vec![one(10, 1, 1), one(20, 1, 2)]);
    let plans = ("help", 1, false, vec![Said(vec![10, 90], 1, 1), Said(vec![20, 90], 1, 2)]);
    // A worker knows the family's number alone.
    let visits = ("visits", 2, false, vec![Said(vec![0, 90], 0, 0)]);
    let children = children(&[census, plans, visits]);
    assert_eq!((pupils(&children), children.names().len()), (2, 3));
    assert_eq!(found(&children, "service-number-two-children"), 1);
    assert_eq!(children.number(&p(90)), Number::Shared);
    assert_eq!(children.of_table(1), [0, 1]);
}

#[test]
fn a_word_in_the_place_of_a_number_merges_nobody() {
    let census = ("census", 0, true, (1..=40).map(|n| one(n, 1 + n % 5, n)).collect());
    let plans = ("help", 1, false, (1..=40).map(|n| Said(vec![n, 99], 1 + n % 5, n)).collect());
    let children = children(&[census, plans]);
    assert_eq!(children.names().len(), 40);
    assert_eq!(children.of_table(0), children.of_table(1));
}

#[test]
fn one_child_under_two_numbers_is_for_review() {
    let census = ("census", 0, true, vec![one(10, 1, 1), one(20, 1, 1), one(30, 2, 1)]);
    let children = children(&[census]);
    assert_eq!((pupils(&children), found(&children, "two-numbers-one-child")), (3, 1));
    let review = children.review();
    let places = &review.iter().find(|e| e.code.code() == "two-numbers-one-child").unwrap();
    assert_eq!(places.first[0].row, 2);
}

#[test]
fn a_former_number_that_two_children_claim_goes_to_the_one_with_its_name_and_birth_date() {
    let claims = vec![Said(vec![10, 5], 1, 1), Said(vec![20, 5], 1, 2)];
    for (name, expected) in [(1, (2, 1)), (2, (2, 1)), (3, (3, 2)), (0, (3, 2))] {
        let rows = [claims.clone(), vec![one(5, 1, name)]].concat();
        let children = children(&[("census", 0, true, rows)]);
        let counted = (pupils(&children), found(&children, "former-number-refused"));
        assert_eq!(counted, expected, "{name}");
        assert_ne!(children.of_table(0)[0], children.of_table(0)[1]);
    }
}

#[test]
fn a_former_number_is_followed_over_the_terms_unless_birth_dates_and_names_forbid_it() {
    let autumn = ("census", 0, true, vec![one(10, 1, 1), one(11, 1, 2)]);
    let spring = ("census", 1, true, vec![Said(vec![20, 10], 1, 1), Said(vec![21, 11], 2, 3)]);
    let children = children(&[autumn, spring]);
    assert_eq!((pupils(&children), found(&children, "former-number-refused")), (3, 1));
    assert_eq!(children.number(&p(10)), children.number(&p(20)));
    assert_ne!(children.number(&p(11)), children.number(&p(21)));
}

#[test]
fn a_mistyped_birth_date_before_a_number_changed_is_in_doubt_and_makes_no_second_pupil() {
    let autumn = ("census", 0, true, vec![one(10, 9, 1)]);
    let spring = ("census", 1, true, vec![Said(vec![20, 10], 1, 1)]);
    let children = children(&[autumn, spring]);
    assert_eq!((pupils(&children), found(&children, "birth-date-in-doubt")), (1, 1));
}

#[test]
fn pupils_without_a_number_are_told_by_name_and_birth_date() {
    let autumn = ("census", 0, true, vec![one(0, 1, 1), one(0, 1, 1), one(10, 1, 2), one(0, 0, 0)]);
    let spring = ("census", 1, true, vec![one(0, 1, 1), one(0, 1, 2), one(0, 0, 0)]);
    let children = children(&[autumn, spring]);
    // One without a number; the numbered one; two rows that say nothing of who they are.
    assert_eq!(pupils(&children), 4);
    assert_eq!(children.of_table(0)[0], children.of_table(1)[0]);
    assert_eq!(children.of_table(0)[2], children.of_table(1)[1]);
}

#[test]
fn a_number_of_a_pupil_with_another_birth_date_is_not_believed_alone() {
    let census = ("census", 0, true, vec![one(10, 1, 1), one(20, 2, 2)]);
    // The first row has a neighbour's number; the second a mistyped birth date, and the right name.
    let help = ("help", 1, false, vec![one(10, 2, 2), one(10, 3, 1), one(10, 4, 4)]);
    let children = children(&[census, help]);
    let of = children.of_table(1);
    assert_eq!(of[..2], [1, 0]);
    assert_eq!(children.linkage_of_table(1)[0], Linkage::MatchKey);
    assert_eq!(children.linkage_of_table(1)[2], Linkage::ConflictingBirthDate);
    assert_eq!(found(&children, "number-of-another-child"), 1);
}

#[test]
fn two_numbers_outweigh_one_mistyped_birth_date() {
    let census = ("census", 0, true, vec![one(10, 1, 1)]);
    let cin = ("cin", 1, false, vec![Said(vec![10, 50], 1, 0)]);
    let header = ("header", 2, false, vec![Said(vec![10, 50], 9, 0)]);
    let children = children(&[census, cin, header]);
    assert_eq!(children.names(), [p(10)]);
}

#[test]
fn children_off_the_register_are_joined_among_themselves() {
    let police = ("police", 0, false, vec![one(0, 1, 1), one(0, 1, 1), one(0, 2, 2), one(0, 0, 0)]);
    let cin = ("cin", 1, false, vec![Said(vec![0, 50], 1, 1), Said(vec![0, 50], 0, 0)]);
    let children = children(&[police, cin]);
    assert_eq!(children.names().len(), 3);
    assert_eq!(children.of_table(0)[0], children.of_table(1)[1]);
    // Two records of one service with different numbers are not joined by name alone.
    let cin = ("cin", 0, false, vec![Said(vec![0, 50], 1, 1), Said(vec![0, 51], 1, 1)]);
    let children = self::children(&[cin]);
    assert_eq!((children.names().len(), found(&children, "ambiguous-match-key")), (2, 1));
}

#[test]
fn a_family_number_off_the_register_joins_no_siblings() {
    let help = ("help", 0, false, vec![Said(vec![0, 90], 1, 1), Said(vec![0, 90], 2, 2)]);
    let children = children(&[help]);
    assert_eq!(children.names().len(), 2);
    assert_eq!(children.number(&p(90)), Number::Shared);
}

#[test]
fn a_chain_of_numbers_that_leads_to_two_pupils_joins_neither() {
    let census = ("census", 0, true, vec![one(10, 1, 1), one(20, 2, 2)]);
    let a = ("a", 1, false, vec![Said(vec![10, 50], 0, 0), Said(vec![51, 50], 0, 0)]);
    let b = ("b", 2, false, vec![Said(vec![20, 52], 0, 0), Said(vec![51, 52], 0, 0)]);
    let children = children(&[census, a, b]);
    assert_eq!(children.of_table(1)[0], 0);
    assert_eq!(children.of_table(2)[0], 1);
    assert_eq!(children.names().len(), 4);
}

#[test]
fn each_number_of_such_a_chain_leads_nowhere_by_itself() {
    let census = ("census", 0, true, vec![one(10, 1, 1), one(20, 2, 2)]);
    // The chain is by 50; 70 stands beside it on the rows without a pupil number.
    let a = ("a", 1, false, vec![Said(vec![10, 50], 0, 0), Said(vec![51, 50], 0, 0)]);
    let b = ("b", 2, false, vec![Said(vec![20, 52], 0, 0), Said(vec![51, 52], 0, 0)]);
    let c = ("c", 3, false, vec![Said(vec![51, 70], 0, 0), Said(vec![51, 70], 0, 0)]);
    let children = children(&[census, a, b, c]);
    for number in [50, 51, 52, 70] {
        assert_eq!(children.number(&p(number)), Number::Shared, "{number}");
    }
}

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
fn cases() -> u32 {
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
