//! The shipped schedule, row by row, and what a text may say.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use jiff::civil::Date;
use minster_retention::{Disposal, Event, Facts, Schedule, ScheduleError};
use proptest::prelude::*;

const SHIPPED: &str = include_str!("../../../config/retention.toml");

fn shipped() -> Schedule {
    SHIPPED.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Known facts: `category` for each category, `event=date` for each date, `event~date` where it had not happened yet on a day.
fn facts(words: &str) -> Facts {
    let mut facts = Facts::default();
    for word in words.split_whitespace() {
        match word.split_once('=') {
            Some((event, on)) => {
                let event = Event::ALL.into_iter().find(|known| known.as_str() == event).unwrap();
                facts.happened(event, day(on));
            }
            None if word.contains('~') => {
                let (event, on) = word.split_once('~').unwrap();
                let event = Event::ALL.into_iter().find(|known| known.as_str() == event).unwrap();
                facts.is_open(event, day(on));
            }
            None => facts.is_of(word.parse().unwrap()),
        }
    }
    facts
}

/// The disposal date and its category, or the missing date.
fn told(schedule: &Schedule, person: &str, words: &str) -> String {
    match schedule.disposal(&person.parse().unwrap(), &facts(words)) {
        Disposal::On { date, category, .. } => format!("{date} {category}"),
        Disposal::Undetermined { category, missing } => format!("{missing} missing for {category}"),
        Disposal::Unscheduled => "unscheduled".into(),
    }
}

/// A family left in 2000 and was approved again: the old end is none, until the new one has a date.
#[test]
fn an_end_before_a_day_on_which_the_case_was_open_is_none() {
    let schedule = shipped();
    for (words, expected) in [
        ("approval-ended=2000-03-01", "2025-03-01 adoptive-applicant"),
        (
            "approval-ended=2000-03-01 approval-ended~2024-04-01",
            "approval-ended missing for adoptive-applicant",
        ),
        ("approval-ended~2024-04-01", "approval-ended missing for adoptive-applicant"),
        // The year's delivery began while it was open, and the end came in that year.
        ("approval-ended=2024-06-01 approval-ended~2024-04-01", "2049-06-01 adoptive-applicant"),
        (
            "approval-ended=2024-06-01 approval-ended~2025-04-01 approval-ended~2024-04-01",
            "approval-ended missing for adoptive-applicant",
        ),
    ] {
        let words = format!("adoptive-applicant {words}");
        assert_eq!(told(&schedule, "adopter", &words), expected, "{words}");
    }
    let mut of_two = facts("adoptive-applicant approval-ended=2000-03-01");
    of_two.extend(&facts("approval-ended~2024-04-01"));
    assert_eq!(of_two.over(Event::ApprovalEnded), None, "facts of two rows add up");
}

#[test]
fn each_row_of_the_notice_has_its_date() {
    let schedule = shipped();
    assert_eq!(schedule.categories().len(), 9);
    for (person, words, expected) in [
        ("child", "child-protection-plan birth=2008-03-15", "2048-03-15 child-protection-plan"),
        ("child", "looked-after birth=2008-03-15", "2083-03-15 looked-after"),
        ("child", "looked-after birth=2008-03-15 death=2020-06-01", "2035-06-01 looked-after"),
        ("child", "looked-after birth=2008-03-15 death=2030-06-01", "2083-03-15 looked-after"),
        (
            "adopter",
            "adoptive-applicant approval-ended=2010-05-05",
            "2035-05-05 adoptive-applicant",
        ),
        (
            "foster-carer",
            "fostering-applicant refusal-or-withdrawal=2020-01-31",
            "2023-01-31 fostering-applicant",
        ),
        ("child", "adoption birth=2008-03-15", "2108-03-15 adoption"),
        ("child", "private-fostering birth=2008-03-15", "2083-03-15 private-fostering"),
        (
            "private-foster-parent",
            "private-foster-parent last-contact=2015-07-01",
            "2025-07-01 private-foster-parent",
        ),
        (
            "private-foster-parent",
            "private-foster-parent death=2015-07-01",
            "2017-07-01 private-foster-parent",
        ),
        (
            "private-foster-parent",
            "private-foster-parent last-contact=2014-01-01 death=2023-07-01",
            "2025-07-01 private-foster-parent",
        ),
        ("child", "birth=2008-03-15", "2033-03-15 other-records"),
        (
            "person-posing-a-risk",
            "posing-a-risk caution-or-conviction=1990-12-31",
            "2065-12-31 posing-a-risk",
        ),
    ] {
        assert_eq!(told(&schedule, person, words), expected, "{person}: {words}");
    }
}

#[test]
fn the_day_before_eighteen_is_before_eighteen_and_the_birthday_is_not() {
    let schedule = shipped();
    let died =
        |on: &str| told(&schedule, "child", &format!("looked-after birth=2000-05-10 death={on}"));
    assert_eq!(died("2018-05-09"), "2033-05-09 looked-after");
    assert_eq!(died("2018-05-10"), "2075-05-10 looked-after");
    // 29 February 2000 and 18 years is 1 March 2018.
    let leap =
        |on: &str| told(&schedule, "child", &format!("looked-after birth=2000-02-29 death={on}"));
    assert_eq!(leap("2018-02-28"), "2033-02-28 looked-after");
    assert_eq!(leap("2018-03-01"), "2075-03-01 looked-after");
}

#[test]
fn a_leap_day_becomes_the_first_of_march_in_a_year_without_it() {
    let schedule = shipped();
    assert_eq!(told(&schedule, "child", "birth=2008-02-29"), "2033-03-01 other-records");
    assert_eq!(
        told(&schedule, "child", "child-protection-plan birth=2008-02-29"),
        "2048-02-29 child-protection-plan"
    );
    // 2100 is no leap year.
    assert_eq!(told(&schedule, "child", "adoption birth=2000-02-29"), "2100-03-01 adoption");
}

#[test]
fn of_several_categories_the_latest_date_counts() {
    let schedule = shipped();
    let of = |words: &str| told(&schedule, "child", words);
    assert_eq!(
        of("child-protection-plan looked-after birth=2008-03-15"),
        "2083-03-15 looked-after"
    );
    assert_eq!(of("looked-after adoption birth=2008-03-15"), "2108-03-15 adoption");
    // The death shortens one category and not the other.
    assert_eq!(
        of("looked-after child-protection-plan birth=2008-03-15 death=2020-06-01"),
        "2048-03-15 child-protection-plan"
    );
    // The default row is for those of whom no other is shown.
    assert_eq!(of("looked-after birth=2008-03-15 death=2009-01-01"), "2024-01-01 looked-after");
}

#[test]
fn a_missing_date_is_named_and_never_guessed() {
    let schedule = shipped();
    for (person, words, expected) in [
        ("child", "", "birth missing for other-records"),
        ("child", "looked-after", "birth missing for looked-after"),
        ("child", "looked-after death=2020-06-01", "birth missing for looked-after"),
        ("adopter", "adoptive-applicant", "approval-ended missing for adoptive-applicant"),
        (
            "foster-carer",
            "fostering-applicant",
            "refusal-or-withdrawal missing for fostering-applicant",
        ),
        (
            "private-foster-parent",
            "private-foster-parent",
            "last-contact missing for private-foster-parent",
        ),
        (
            "person-posing-a-risk",
            "posing-a-risk",
            "caution-or-conviction missing for posing-a-risk",
        ),
        ("adopter", "", "unscheduled"),
    ] {
        assert_eq!(told(&schedule, person, words), expected, "{person}: {words}");
    }
}

#[test]
fn where_sources_differ_the_later_date_keeps_and_the_earlier_does_not_shorten() {
    let schedule = shipped();
    let of = |words: &str| told(&schedule, "child", words);
    assert_eq!(of("birth=2008-03-15 birth=2008-05-13"), "2033-05-13 other-records");
    // By one birth date the child died at 17, by the other at 18.
    assert_eq!(
        of("looked-after birth=2000-05-10 birth=2000-06-10 death=2018-05-20"),
        "2075-06-10 looked-after"
    );
}

/// A schedule of one row.
fn one(rule: &str) -> Result<Schedule, ScheduleError> {
    format!(
        "[[person]]\nname = \"child\"\nkinds = [\"upn\"]\n[[category]]\nname = \"c\"\nnotice = \"n\"\nperson = \"child\"\n\
         default = true\nend = \"destroyed\"\nevidence = []\nrule = {rule}\n"
    )
    .parse()
}

#[test]
fn other_councils_rules_can_be_said() {
    for (rule, words, expected) in [
        ("{ event = \"case-closed\", years = 6 }", "case-closed=2020-04-01", "2026-04-01 c"),
        ("{ event = \"last-activity\", years = 15 }", "last-activity=2020-04-01", "2035-04-01 c"),
        (
            "{ end_of = \"financial-year\", of = { event = \"last-activity\" }, years = 6 }",
            "last-activity=2020-04-01",
            "2027-03-31 c",
        ),
        (
            "{ end_of = \"financial-year\", of = { event = \"last-activity\" }, years = 6 }",
            "last-activity=2020-03-31",
            "2026-03-31 c",
        ),
        (
            "{ end_of = \"academic-year\", of = { event = \"last-activity\" } }",
            "last-activity=2024-09-01",
            "2025-08-31 c",
        ),
        (
            "{ latest = [{ event = \"birth\", years = 18 }, { event = \"last-activity\" }], years = 3 }",
            "birth=2000-01-01 last-activity=2010-01-01",
            "2021-01-01 c",
        ),
        (
            "{ latest = [{ event = \"birth\", years = 18 }, { event = \"last-activity\" }], years = 3 }",
            "birth=2000-01-01 last-activity=2020-01-01",
            "2023-01-01 c",
        ),
        (
            "{ earliest = [{ event = \"birth\", years = 100 }, { event = \"death\", years = 10 }] }",
            "birth=2000-01-01 death=2030-01-01",
            "2040-01-01 c",
        ),
        (
            "{ earliest = [{ event = \"birth\", years = 100 }, { event = \"death\", years = 10 }] }",
            "birth=2000-01-01",
            "death missing for c",
        ),
    ] {
        assert_eq!(told(&one(rule).unwrap(), "child", words), expected, "{rule}: {words}");
    }
}

#[test]
fn a_text_that_says_too_little_or_too_much_is_no_schedule() {
    for rule in [
        "{ years = 3 }",
        "{ event = \"birth\", latest = [] }",
        "{ latest = [], years = 3 }",
        "{ event = \"birth\", years = 201 }",
        "{ end_of = \"financial-year\" }",
        "{ event = \"birth\", of = { event = \"death\" } }",
        "{ died_before = 18, then = { event = \"death\" } }",
        "{ died_before = 201, then = { event = \"death\" }, else = { event = \"birth\" } }",
    ] {
        assert!(matches!(one(rule), Err(ScheduleError::Rule { .. })), "{rule}: {:?}", one(rule));
    }
    assert!(matches!(one("{ event = \"expected-birth\" }"), Err(ScheduleError::Toml(_))));
    let changed = |from: &str, to: &str| {
        assert!(SHIPPED.contains(from), "{from}");
        SHIPPED.replacen(from, to, 1).parse::<Schedule>().unwrap_err()
    };
    let error = changed("name = \"adoption\"", "name = \"looked-after\"");
    assert_eq!(error.to_string(), "the category looked-after stands there twice");
    let error = changed("person = \"adopter\"", "person = \"nobody\"");
    assert!(matches!(error, ScheduleError::NoPerson { .. }), "{error}");
    let error = changed("kinds = [\"adopter-family\"]", "kinds = [\"upn\"]");
    assert!(matches!(error, ScheduleError::Kind { .. }), "{error}");
    let error = changed(
        "rule = { event = \"birth\", years = 100 }",
        "default = true\nrule = { event = \"birth\", years = 100 }",
    );
    assert!(matches!(error, ScheduleError::Defaults { .. }), "{error}");
    let error = changed(", in = [\"E11\", \"E12\"]", "");
    assert!(matches!(error, ScheduleError::Evidence { .. }), "{error}");
    let error = changed("sources = [\"pnw\", \"pnw_xlsx\"]", "sources = []");
    assert!(matches!(error, ScheduleError::Evidence { .. }), "{error}");
    assert!(matches!("person = []\ncategory = []".parse::<Schedule>(), Err(ScheduleError::Size)));
}

#[test]
fn only_the_dates_that_a_rule_needs_are_asked_for() {
    let schedule = shipped();
    let needs = |person: &str| -> Vec<&str> {
        schedule.needs(&person.parse().unwrap()).into_iter().map(Event::as_str).collect()
    };
    assert_eq!(needs("child"), ["birth", "death"]);
    assert_eq!(needs("adopter"), ["approval-ended"]);
    let unshown: Vec<&str> =
        schedule.without_evidence().map(|category| category.name.as_str()).collect();
    assert_eq!(
        unshown,
        ["fostering-applicant", "private-fostering", "private-foster-parent", "posing-a-risk"]
    );
}

fn dates() -> impl Strategy<Value = Date> {
    (1930i16..2025, 1i8..=12, 1i8..=31)
        .prop_filter_map("a day", |(y, m, d)| Date::new(y, m, d).ok())
}

const OF_CHILDREN: [&str; 4] =
    ["child-protection-plan", "looked-after", "adoption", "private-fostering"];

proptest! {
    #[test]
    fn a_further_category_of_a_living_child_never_shortens(
        born in dates(), shown in proptest::sample::subsequence(&OF_CHILDREN[..], 0..4), more in 0usize..4,
    ) {
        let schedule = shipped();
        let date = |shown: &[&str]| {
            let mut facts = Facts::default();
            facts.happened(Event::Birth, born);
            shown.iter().for_each(|one| facts.is_of(one.parse().unwrap()));
            match schedule.disposal(&"child".parse().unwrap(), &facts) {
                Disposal::On { date, .. } => date,
                other => panic!("{other:?}"),
            }
        };
        let with = [&shown[..], &[OF_CHILDREN[more]]].concat();
        prop_assert!(date(&with) >= date(&shown));
        prop_assert!(date(&shown) > born);
    }

    #[test]
    fn a_later_birth_date_never_comes_due_earlier(one in dates(), other in dates()) {
        let schedule = shipped();
        let date = |born: &[Date]| {
            let mut facts = Facts::default();
            born.iter().for_each(|born| facts.happened(Event::Birth, *born));
            match schedule.disposal(&"child".parse().unwrap(), &facts) {
                Disposal::On { date, .. } => date,
                other => panic!("{other:?}"),
            }
        };
        prop_assert_eq!(date(&[one, other]), date(&[one.max(other)]));
        prop_assert_eq!(date(&[one, other]), date(&[other, one]));
        if one <= other {
            prop_assert!(date(&[one]) <= date(&[other]));
        }
    }

    #[test]
    fn facts_of_two_sources_add_up_in_either_order(
        births in proptest::collection::vec(dates(), 0..3), deaths in proptest::collection::vec(dates(), 0..3),
        at in 0usize..3,
    ) {
        let mut whole = Facts::default();
        let (mut first, mut second) = (Facts::default(), Facts::default());
        for (place, (event, on)) in births.iter().map(|on| (Event::Birth, *on))
            .chain(deaths.iter().map(|on| (Event::Death, *on))).enumerate()
        {
            whole.happened(event, on);
            if place < at { first.happened(event, on) } else { second.happened(event, on) }
        }
        let (mut one, mut other) = (first.clone(), second.clone());
        one.extend(&second);
        other.extend(&first);
        prop_assert_eq!(&one, &whole);
        prop_assert_eq!(&other, &whole);
    }
}
