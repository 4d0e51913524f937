//! Rows are told apart by child, on small tables of persons that a person can work out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod conservation;
mod two_children;
mod worlds;

use minster_matcher::{
    children::{Children, Linkage, Number},
    person_rows::{PersonRow, PersonTable, Persons, Sex},
    review::ReviewEntry,
};
use minster_model::Pseudonym;

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
            // The third column is that of a number which one person alone has.
            person_numbers: vec![2],
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
    // Without a name the sex alone does not speak against the number.
    assert_eq!(children.of_table(1), [pupils[1], pupils[0], pupils[0]]);
    assert_eq!(
        children.linkage_of_table(1),
        [Linkage::MatchKey, Linkage::Identifier, Linkage::Identifier]
    );
}

#[test]
fn a_service_s_number_leads_a_brother_s_rows_with_his_twin_sister_s_number_to_him() {
    let (sister, brother) = (one(10, 1, 1).of(Sex::Female), one(20, 1, 2).of(Sex::Male));
    let rows = [10, 20, 20, 10].map(|number| Said(vec![number, 50], 1, 0).of(Sex::Male));
    let census = ("census", 0, true, vec![sister, brother]);
    let children = world(persons_of([census, ("cin", 1, false, rows.to_vec())]));
    assert_eq!(children.of_table(1), [children.of_table(0)[1]; 4]);
}

#[test]
fn a_family_s_number_beside_two_pupils_leads_no_row_of_the_one_to_the_other() {
    // The brother's rows say what is true of him; the sister's say nothing against her.
    let (sister, brother) = (one(10, 1, 1).of(Sex::Female), one(20, 1, 2).of(Sex::Male));
    let rows = [(10, Sex::Female), (20, Sex::Male)];
    let rows = rows.map(|(number, sex)| Said(vec![number, 50], 1, 0).of(sex));
    let census = ("census", 0, true, vec![sister, brother]);
    let children = world(persons_of([census, ("cin", 1, false, rows.to_vec())]));
    assert_eq!(children.of_table(1), children.of_table(0));
}

#[test]
fn a_sister_with_her_twin_sister_s_number_is_found_by_a_third_thing_alone() {
    let (one_, other) = (one(10, 1, 1), one(20, 1, 2));
    let help = ("help", 1, false, vec![one(10, 1, 2), one(10, 1, 3)]);
    let world_ = [("census", 0, true, vec![one_.clone(), other.clone()]), help.clone()];
    let found_ = children(&world_);
    let pupils = found_.of_table(0);
    // She may be the pupil of the number, whose name is a namesake's in another spelling.
    assert!(!pupils.contains(&found_.of_table(1)[0]));
    assert_eq!(found_.of_table(1)[1], pupils[0]);
    assert_eq!(found_.linkage_of_table(1), [Linkage::ConflictingBirthDate, Linkage::Identifier]);
    assert_eq!(found(&found_, "number-of-another-child"), 1);
    // A service's number ties her row to her own, or to the other's.
    for (number, place) in [(20, 1), (10, 0)] {
        let tied = vec![Said(vec![10, 50], 1, 2), Said(vec![number, 50], 1, 0)];
        let census = ("census", 0, true, vec![one_.clone(), other.clone()]);
        let tied = children(&[census, ("cin", 1, false, tied)]);
        assert_eq!(tied.of_table(1), [tied.of_table(0)[place]; 2], "{number}");
        assert_eq!(found(&tied, "number-of-another-child"), 1);
    }
    // A leaver has the name too: then it is not another pupil's alone.
    let leavers = ("census", 2, true, vec![one(30, 1, 2)]);
    let census = ("census", 0, true, vec![one_.clone(), other]);
    let found = children(&[census, leavers, ("help", 1, false, vec![one(10, 1, 2)])]);
    assert_eq!(found.of_table(2), [found.of_table(0)[0]]);
    // Two who share a name: the number decides, though one of them was mistyped like the row.
    let autumn = ("census", 0, true, vec![one_.clone(), one(20, 1, 2)]);
    let spring = ("census", 2, true, vec![one_, one(20, 1, 1)]);
    let found = children(&[autumn, spring, help]);
    assert_eq!(found.of_table(2), [found.of_table(0)[0]; 2]);
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
fn two_spellings_under_a_number_of_one_person_are_one_child_and_two_birth_dates_are_two() {
    for (birth, counted) in [(1, 1), (0, 1), (2, 2)] {
        let said = |birth, name| Said(vec![0, 0, 90], birth, name);
        let police = ("police", 0, false, vec![said(1, 1), said(birth, 2)]);
        let children = children(&[police]);
        assert_eq!(children.names().len(), counted, "{birth}");
        assert_eq!(found(&children, "service-number-two-children"), counted as u64 - 1);
    }
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
