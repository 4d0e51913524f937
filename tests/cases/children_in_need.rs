//! The children in need census: unborn children, elements that are optional, new, empty or there twice.

use minster_tests::deliveries::{
    Child, Dimension, by_name, cin, cin_child, cin_identifiers, cin_referral,
};

use crate::{council, values::table};

fn child(place: u32, referral: &str) -> String {
    let number = format!("LC{place:04}");
    cin_child(&cin_identifiers(&number, &Child::at(place)), "WIRI", &cin_referral(referral))
}

fn unborn(place: u32) -> String {
    let identifiers = format!(
        "<LAchildID>LU{place:04}</LAchildID><UPNunknown>UN1</UPNunknown>\
         <ExpectedPersonBirthDate>2025-0{}-1{place}</ExpectedPersonBirthDate><Sex>U</Sex>",
        4 + place % 5
    );
    cin_child(&identifiers, "NOBT", &cin_referral(""))
}

#[test]
fn an_unborn_child_has_no_birth_year_and_is_merged_with_nobody() {
    let council = council(48, &["cin"]);
    let dead = cin_identifiers("LD0001", &Child::at(60)).replace(
        "</PersonBirthDate>",
        "</PersonBirthDate><PersonDeathDate>2025-01-22</PersonDeathDate>",
    );
    let mut children: Vec<String> = (1..=34).map(|place| child(place, "")).collect();
    children.extend((1..=7).map(unborn));
    children.push(cin_child(&dead, "WIRI", &cin_referral("")));
    council.deliver("cin", "cin_2025.xml", cin(&children));
    council.release(&[Dimension::counting("referred", "referrals")]);

    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // A child and a referral each.
    assert_eq!(ran.rows("cin"), [84, 84, 0, 0]);
    assert_eq!(ran.linked("cin/children"), by_name(&[("identifier", 34), ("not-on-spine", 8)]));
    assert_eq!(ran.children().0, 56);
    assert_eq!(council.released(), ["All,56,", "none,14,", "one,42,", "more,0,", "Unknown,0,"]);
    let values = table(&council.site, "cin", "children");
    let years = values.column("birth_year");
    assert_eq!(years.iter().filter(|year| year.is_empty()).count(), 7);
    assert_eq!(years.len(), 42);
}

#[test]
fn the_date_of_an_internal_review_is_read() {
    let council = council(20, &["cin"]);
    let assessment = "<Assessments><AssessmentActualStartDate>2024-11-25</AssessmentActualStartDate>\
        <AssessmentInternalReviewDate>2024-12-03</AssessmentInternalReviewDate>\
        <AssessmentAuthorisationDate>2025-01-08</AssessmentAuthorisationDate></Assessments>";
    let children: Vec<String> =
        (1..=13).map(|place| child(place, if place <= 9 { assessment } else { "" })).collect();
    council.deliver("cin", "cin_2025.xml", cin(&children));
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("cin"), [13 + 13 + 9, 13 + 13 + 9, 0, 0]);
    let values = table(&council.site, "cin", "assessments");
    assert_eq!(values.column("assessmentinternalreviewdate"), ["2024-12-03"; 9]);
}

#[test]
fn the_lines_proposed_for_new_elements_are_all_that_a_definition_lacks() {
    let council = council(20, &["cin"]);
    let paused = "<Assessments><AssessmentActualStartDate>2024-11-25</AssessmentActualStartDate>\
        <AssessmentPaused><Reason>moved</Reason></AssessmentPaused></Assessments>";
    let children: Vec<String> = (1..=11).map(|place| child(place, paused)).collect();
    let whole = cin(&children)
        .replace("<Sex>", "<KnownSince>2022-02-01</KnownSince><Sex>")
        .replace("</Message>", "<Checks><Children>11</Children></Checks></Message>");
    council.deliver("cin", "cin_2025.xml", whole);
    let ran = council.run();
    assert_eq!(ran.exit, 2, "{}", ran.text);
    for line in [
        "\"ChildIdentifiers/KnownSince\" = { treatment = \"drop\" }",
        "\"AssessmentPaused/Reason\" = { treatment = \"drop\" }",
        "Add to `ignore`: \"/Message/Checks\"",
    ] {
        assert!(ran.text.lines().any(|told| told == line), "{line}: {}", ran.text);
    }
    council.paste("sources/cin.toml", &ran.text);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("cin"), [33, 33, 0, 0]);
}

#[test]
fn an_assessment_that_found_no_factor_is_read() {
    let council = council(50, &["cin"]);
    let assessment = "<Assessments><AssessmentActualStartDate>2024-11-25</AssessmentActualStartDate>\
        <FactorsIdentifiedAtAssessment/></Assessments>";
    let children: Vec<String> = (1..=21).map(|place| child(place, assessment)).collect();
    council.deliver("cin", "cin_2025.xml", cin(&children));
    council.release(&[Dimension::counting("referred", "referrals")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    assert_eq!(ran.rows("cin"), [63, 63, 0, 0]);
    assert_eq!(council.released(), ["All,50,", "none,29,", "one,21,", "more,0,", "Unknown,0,"]);
}

#[test]
fn a_child_that_stands_twice_in_a_file_is_one_child_with_one_referral() {
    let council = council(50, &["cin"]);
    let children: Vec<String> = (1..=19).map(|place| child(place, "")).collect();
    council.deliver("cin", "cin_2025.xml", cin(&[children.clone(), children].concat()));
    council.release(&[Dimension::counting("referred", "referrals")]);
    let ran = council.run();
    assert_eq!(ran.exit, 0, "{}", ran.text);
    // Their rows stand twice, and the keys of their tables say that they are one.
    assert_eq!(ran.rows("cin"), [76, 76, 0, 0]);
    assert_eq!(ran.children().0, 50);
    assert_eq!(council.released(), ["All,50,", "none,31,", "one,19,", "more,0,", "Unknown,0,"]);
}
