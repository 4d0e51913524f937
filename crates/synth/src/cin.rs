//! The children in need census of 2024-25, as XML.

use crate::{
    calendar::Day,
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    file_pieces::Piece,
    numbers,
    services::Damage,
    xml::{around, born, dated, element, flag, push, upn_or_code},
};

/// The census of a year: 0, or -1 for the one before.
pub(crate) fn head(year: i32) -> String {
    let year = 2025 + year;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Message>
<Header><CollectionDetails><Collection>CIN</Collection><Year>{year}</Year><ReferenceDate>{year}-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>899</LEA><SoftwareCode>Local Authority</SoftwareCode><Release>1</Release><SerialNo>001</SerialNo><DateTime>{year}-05-23T11:14:05</DateTime></Source></Header>
<Children>
"#
    )
}
pub(crate) const TAIL: &str = "</Children>\n</Message>\n";

const SOURCES: [&str; 12] = ["1A", "1B", "1D", "2A", "2A", "2B", "3A", "3B", "3E", "5A", "6", "6"];
const NEEDS: [&str; 9] = ["N1", "N1", "N1", "N2", "N3", "N4", "N5", "N6", "N8"];
const FACTORS: [&str; 14] =
    ["1B", "2B", "3A", "3B", "4A", "4B", "5A", "6A", "7A", "10A", "15A", "16A", "17A", "24A"];
const DISABILITIES: [&str; 8] = ["MOB", "HAND", "COMM", "LD", "HEAR", "VIS", "BEH", "AUT"];
const ABUSE: [&str; 5] = ["NEG", "NEG", "EMO", "PHY", "SAB"];
const DIED: &str = "RC2";

/// One referral of a child.
pub(crate) struct Referral {
    pub(crate) date: Day,
    pub(crate) source: &'static str,
    pub(crate) need: &'static str,
    /// The day it was closed and why; none while it is open.
    pub(crate) closed: Option<(Day, &'static str)>,
    /// Nothing followed.
    pub(crate) no_action: bool,
}

/// A child's referrals, in order.
pub(crate) fn referrals(council: &Council, child: &Child) -> Vec<Referral> {
    if !child.in_need {
        return Vec::new();
    }
    let mut dice = child.dice(council, Subject::Referrals);
    if child.unborn {
        let date = child.year_end().plus(dice.between(-120, -5));
        let source = dice.pick(&["3A", "3F", "5A"]);
        return vec![Referral { date, source, need: "N1", closed: None, no_action: false }];
    }
    let wanted = dice.weighted(&[(1, 85), (2, 15)]);
    let latest = if wanted == 1 { 330 } else { 120 };
    let mut date = child.day(2024, 4, 1).plus(dice.between(-200, latest)).max(child.born);
    let mut referrals = Vec::new();
    for number in 1..=wanted {
        let no_action = dice.chance(0.06);
        let length = if no_action { dice.between(0, 3) } else { dice.between(10, 150) };
        let end = date.plus(length);
        let open = number == wanted && !no_action && dice.chance(0.6);
        let why = match no_action {
            true => "RC8",
            false => dice.pick(&["RC7", "RC7", "RC8", "RC9", "RC5"]),
        };
        referrals.push(Referral {
            date,
            source: dice.pick(&SOURCES),
            need: dice.pick(&NEEDS),
            closed: (!open && end <= child.year_end()).then_some((end, why)),
            no_action,
        });
        date = end.plus(dice.between(20, 60)).min(child.year_end().plus(-5));
    }
    // Only where no other source goes on naming the child.
    let elsewhere = child.in_spine() || child.looked_after || child.early_help || child.missing;
    if !elsewhere
        && child.sen == 'N'
        && dice.chance(0.03)
        && let Some(Referral { closed: Some((_, why)), .. }) = referrals.last_mut()
    {
        *why = DIED;
    }
    referrals
}

/// The day a child died: its last case was closed for it.
pub(crate) fn death(referrals: &[Referral]) -> Option<Day> {
    referrals.last()?.closed.filter(|(_, why)| *why == DIED).map(|(day, _)| day)
}

pub(crate) fn add(council: &Council, child: &Child, piece: &mut Piece) {
    if !child.in_need {
        return;
    }
    let mut dice = child.dice(council, Subject::InNeed);
    let mut damage = Damage::default();
    let referrals = referrals(council, child);
    let mut text = String::from("<Child>");
    around(&mut text, "ChildIdentifiers", |text| {
        element(text, "LAchildID", &numbers::care_number(child.number));
        let upn = upn_or_code(council, child, &mut dice, &mut damage, "UN4");
        element(text, "UPN", upn.as_deref().unwrap_or_default());
        element(text, "FormerUPN", child.upn_in(2).1.unwrap_or_default());
        element(text, "UPNunknown", upn.err().unwrap_or_default());
        if child.unborn {
            dated(text, "ExpectedPersonBirthDate", Some(child.born));
            element(text, "Sex", "U");
            return;
        }
        element(text, "PersonBirthDate", &born(council, child, &mut dice, &mut damage));
        // Until 2024 the census asked for the gender, as a number.
        match (child.year, child.male) {
            (0, male) => element(text, "Sex", if male { "M" } else { "F" }),
            (_, male) => element(text, "GenderCurrent", if male { "1" } else { "2" }),
        }
        dated(text, "PersonDeathDate", death(&referrals));
    });
    around(&mut text, "ChildCharacteristics", |text| {
        element(text, "Ethnicity", if child.unborn { "NOBT" } else { child.ethnicity });
        if !child.unborn && dice.chance(0.12) {
            let count = dice.weighted(&[(1, 6), (2, 3), (3, 1)]);
            around(text, "Disabilities", |text| {
                for code in several(&DISABILITIES, count, &mut dice) {
                    element(text, "Disability", code);
                }
            });
        }
    });
    for referral in &referrals {
        around(&mut text, "CINdetails", |text| details(text, referral, child, &mut dice));
    }
    text += "</Child>";
    push(piece, &text, child.number, damage.defect());
}

/// One referral and what followed. Nothing is dated behind its end.
fn details(text: &mut String, referral: &Referral, child: &Child, dice: &mut Dice) {
    let end = referral.closed.map_or(child.year_end(), |(day, _)| day);
    let by_end = |day: Day| Some(day).filter(|day| *day <= end);
    let followed = !referral.no_action;
    // A conference follows an inquiry, or a plan that another council had made.
    let inquiry = by_end(referral.date.plus(dice.between(7, 20)));
    let inquiry = inquiry.filter(|_| followed && dice.chance(0.35));
    let conference = inquiry.and_then(|day| by_end(day.plus(dice.between(10, 15))));
    let conference = conference.filter(|_| dice.chance(0.6));
    let moved_in = by_end(referral.date.plus(14));
    let moved_in = moved_in.filter(|_| followed && inquiry.is_none() && dice.chance(0.02));
    let protected = conference.filter(|_| dice.chance(0.75)).or(moved_in);

    dated(text, "CINreferralDate", Some(referral.date));
    element(text, "ReferralSource", referral.source);
    element(text, "PrimaryNeedCode", referral.need);
    dated(text, "CINclosureDate", referral.closed.map(|(day, _)| day));
    element(text, "ReasonForClosure", referral.closed.map_or("", |(_, why)| why));
    dated(text, "DateOfInitialCPC", moved_in);
    if followed {
        assessments(text, referral, end, dice);
        let plan = by_end(referral.date.plus(dice.between(40, 60)));
        if let Some(day) = plan.filter(|_| protected.is_none() && dice.chance(0.45)) {
            around(text, "CINPlanDates", |text| {
                dated(text, "CINPlanStartDate", Some(day));
                dated(text, "CINPlanEndDate", referral.closed.map(|(day, _)| day));
            });
        }
    }
    if let Some(day) = inquiry {
        around(text, "Section47", |text| {
            dated(text, "S47ActualStartDate", Some(day));
            dated(text, "InitialCPCtarget", conference.map(|_| day.plus(21)));
            dated(text, "DateOfInitialCPC", conference);
            flag(text, "ICPCnotRequired", conference.is_none());
        });
    }
    flag(text, "ReferralNFA", referral.no_action);
    if let Some(start) = protected {
        around(text, "ChildProtectionPlans", |text| plan(text, start, end, child, dice));
    }
}

fn assessments(text: &mut String, referral: &Referral, end: Day, dice: &mut Dice) {
    let by_end = |day: Day| Some(day).filter(|day| *day <= end);
    let mut start = by_end(referral.date.plus(dice.between(1, 5)));
    for _ in 0..dice.weighted(&[(1, 85), (2, 15)]) {
        let Some(day) = start else { return };
        let authorised = by_end(day.plus(dice.between(15, 45)));
        let review = by_end(day.plus(10)).filter(|_| dice.chance(0.3));
        around(text, "Assessments", |text| {
            dated(text, "AssessmentActualStartDate", Some(day));
            dated(text, "AssessmentInternalReviewDate", review);
            dated(text, "AssessmentAuthorisationDate", authorised);
            // Factors are known when the assessment is finished.
            if authorised.is_some() {
                let count = dice.weighted(&[(0, 10), (1, 40), (2, 25), (3, 15), (4, 10)]);
                around(text, "FactorsIdentifiedAtAssessment", |text| {
                    for code in several(&FACTORS, count, dice) {
                        element(text, "AssessmentFactors", code);
                    }
                    if count == 0 {
                        element(text, "AssessmentFactors", "21");
                    }
                });
            }
        });
        start = authorised.and_then(|day| by_end(day.plus(dice.between(30, 90))));
    }
}

/// A child protection plan: its first review is due within three months, each later one within six.
fn plan(text: &mut String, start: Day, end: Day, child: &Child, dice: &mut Dice) {
    let ceased = start.plus(dice.between(90, 400));
    let ceased = Some(ceased).filter(|day| *day <= end);
    let until = ceased.unwrap_or(end);
    let first = dice.pick(&ABUSE);
    dated(text, "CPPstartDate", Some(start));
    dated(text, "CPPendDate", ceased);
    element(text, "InitialCategoryOfAbuse", first);
    let latest = if dice.chance(0.15) { dice.pick(&ABUSE) } else { first };
    element(text, "LatestCategoryOfAbuse", latest);
    let before = if child.unborn { 0 } else { dice.weighted(&[(0, 78), (1, 17), (2, 5)]) };
    element(text, "NumberOfPreviousCPP", &before.to_string());
    let mut review = start.plus(dice.between(75, 90));
    if review <= until {
        around(text, "Reviews", |text| {
            while review <= until {
                dated(text, "CPPreviewDate", Some(review));
                review = review.plus(dice.between(150, 180));
            }
        });
    }
}

/// So many different codes, in the list's order.
fn several<'a>(codes: &[&'a str], count: usize, dice: &mut Dice) -> Vec<&'a str> {
    let mut chosen: Vec<usize> = (0..codes.len()).collect();
    while chosen.len() > count {
        chosen.remove(dice.below(chosen.len() as u64) as usize);
    }
    chosen.into_iter().map(|place| codes[place]).collect()
}
