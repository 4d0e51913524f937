//! SEN2 of January 2025, as XML. A child with a plan has one request with its active plan; some have an
//! older request that was refused. Other children have requests that led to no plan.

use crate::{
    calendar::Day,
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    file_pieces::Piece,
    services::{Damage, name},
    slips::{self, Clerk},
    xml::{around, born, dated, element, flag, push, upn_or_code},
};

// The schema lists London's authorities alone, so that a made-up council can only be XXX, unknown.
pub(crate) const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Message>
<Header><CollectionDetails><Collection>SEN2</Collection><Year>2025</Year><ReferenceDate>2025-01-16</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>XXX</LEA><SoftwareCode>Local Authority</SoftwareCode><Release>1</Release><SerialNo>001</SerialNo><DateTime>2025-02-03T09:00:00</DateTime><DMO>Y</DMO><DCO>Y</DCO><DSCO>N</DSCO></Source></Header>
<Persons>
"#;
pub(crate) const TAIL: &str = "</Persons>\n</Message>\n";

/// The day that the return counts on.
const CENSUS: Day = Day::new(2025, 1, 16);
const NEEDS: [&str; 10] = ["ASD", "ASD", "SEMH", "SEMH", "SLCN", "SLCN", "MLD", "SLD", "PD", "DS"];

/// Ways in which a request leads to no plan.
#[derive(Clone, Copy)]
enum Outcome {
    Refused,
    Undecided,
    Withdrawn,
    BeingAssessed,
    NoPlan,
    Ceased,
}

pub(crate) fn add(council: &Council, child: &Child, piece: &mut Piece) {
    let planned = child.sen == 'E';
    let mut request = Dice::new(council.seed, Subject::Request, child.number);
    let rate = if child.sen == 'K' { 0.05 } else { 0.003 };
    if !planned && (child.unborn || !request.chance(rate)) {
        return;
    }
    let mut dice = Dice::new(council.seed, Subject::Sen2, child.number);
    let mut damage = Damage::default();
    let mut text = String::from("<Person>");
    let named = slips::names(council, child, Clerk::Service, CENSUS, &mut dice, &mut damage);
    let [forename, surname] = named.unwrap_or_else(|| {
        let surname = name(council, &child.surname, &mut dice, &mut damage);
        [name(council, &child.forename, &mut dice, &mut damage), surname]
    });
    element(&mut text, "Surname", &surname);
    element(&mut text, "Forename", &forename);
    element(&mut text, "PersonBirthDate", &born(council, child, &mut dice, &mut damage));
    element(&mut text, "Sex", if child.male { "M" } else { "F" });
    element(&mut text, "Ethnicity", child.recorded_ethnicity);
    let postcode = slips::postcode(child, CENSUS, &mut dice, &mut damage);
    element(&mut text, "PostCode", &postcode);
    let upn = upn_or_code(council, child, &mut dice, &mut damage, "UN5");
    element(&mut text, "UPN", upn.as_deref().unwrap_or_default());
    element(&mut text, "UniqueLearnerNumber", child.uln.as_deref().unwrap_or_default());
    // SEN2 has no UN4: a child new to the authority is UN8 there.
    let code = upn.err().unwrap_or_default();
    element(&mut text, "UPNunknown", if code == "UN4" { "UN8" } else { code });
    // No request before a child is a year old.
    let earliest = child.born.plus(400);
    if planned {
        let received = Day::new(2022, 1, 1).plus(dice.between(0, 900)).max(earliest);
        if request.chance(0.1) {
            around(&mut text, "Requests", |text| {
                let refused = received.plus(-300).max(child.born.plus(200));
                outcome(text, refused, Outcome::Refused, &mut request);
            });
        }
        around(&mut text, "Requests", |text| plan(text, received, child, &mut dice));
    } else {
        let what = request.weighted(&[
            (Outcome::Refused, 30),
            (Outcome::Undecided, 15),
            (Outcome::Withdrawn, 8),
            (Outcome::BeingAssessed, 25),
            (Outcome::NoPlan, 14),
            (Outcome::Ceased, 8),
        ]);
        // Early enough for all of it to have happened.
        let latest = if matches!(what, Outcome::NoPlan | Outcome::Ceased) { 150 } else { 330 };
        let received = Day::new(2024, 1, 1).plus(request.between(0, latest)).max(earliest);
        around(&mut text, "Requests", |text| outcome(text, received, what, &mut request));
    }
    text += "</Person>";
    push(piece, &text, child.number, damage.defect());
}

/// The first part of a request: received, and decided upon or not yet.
fn begin(text: &mut String, received: Day, decision: &str, dice: &mut Dice) {
    dated(text, "ReceivedDate", Some(received));
    element(text, "RequestSource", dice.pick(&["1", "1", "2", "2", "3", "4", "5"]));
    flag(text, "RYA", dice.chance(0.01));
    let decided = (decision == "Y" || decision == "N").then(|| received.plus(40));
    dated(text, "RequestOutcomeDate", decided);
    element(text, "RequestOutcome", decision);
    if decided.is_some() {
        flag(text, "RequestMediation", decision == "N" && dice.chance(0.2));
        flag(text, "RequestTribunal", decision == "N" && dice.chance(0.1));
    }
}

/// A request that led to no plan, or to one that has ceased.
fn outcome(text: &mut String, received: Day, outcome: Outcome, dice: &mut Dice) {
    let decision = match outcome {
        Outcome::Refused => "N",
        Outcome::Undecided => "A",
        Outcome::Withdrawn => "W",
        Outcome::BeingAssessed | Outcome::NoPlan | Outcome::Ceased => "Y",
    };
    begin(text, received, decision, dice);
    match outcome {
        Outcome::Refused | Outcome::Undecided | Outcome::Withdrawn => {}
        Outcome::BeingAssessed => {
            around(text, "Assessment", |text| element(text, "AssessmentOutcome", "A"));
        }
        Outcome::NoPlan => around(text, "Assessment", |text| {
            assessed(text, "N", received.plus(100), dice);
        }),
        Outcome::Ceased => around(text, "Assessment", |text| {
            assessed(text, "Y", received.plus(100), dice);
            around(text, "NamedPlan", |text| {
                named(text, received.plus(140), dice);
                dated(text, "CeaseDate", Some(received.plus(200)));
                element(text, "CeaseReason", dice.pick(&["2", "5", "6", "7"]));
            });
        }),
    }
}

fn assessed(text: &mut String, decision: &str, day: Day, dice: &mut Dice) {
    element(text, "AssessmentOutcome", decision);
    dated(text, "AssessmentOutcomeDate", Some(day));
    flag(text, "AssessmentMediation", dice.chance(0.05));
    flag(text, "AssessmentTribunal", decision == "N" && dice.chance(0.1));
    flag(text, "OtherMediation", false);
    flag(text, "OtherTribunal", dice.chance(0.02));
    flag(text, "Week20", dice.chance(0.1));
}

/// The plan as it was issued.
fn named(text: &mut String, start: Day, dice: &mut Dice) {
    dated(text, "StartDate", Some(start));
    around(text, "PlanDetail", |text| setting(text, 1, dice));
    if dice.chance(0.05) {
        around(text, "PlanDetail", |text| {
            setting(text, 2, dice);
            flag(text, "SENunitIndicator", dice.chance(0.3));
            flag(text, "ResourcedProvisionIndicator", false);
        });
    }
    let residential = if dice.chance(0.02) { dice.pick(&["A", "B"]) } else { "" };
    element(text, "PlanRes", residential);
    let budget = dice.chance(0.05);
    flag(text, "PB", budget);
    flag(text, "OA", budget && dice.chance(0.5));
    element(text, "DP", if budget { dice.pick(&["E", "S", "H", "I"]) } else { "" });
}

/// Where a child is taught. The 2025 schema's patterns for URN and UKPRN hold `^` and `$`, which stand for
/// themselves in a schema, so that no school's number validates: every placement is a kind of setting.
fn setting(text: &mut String, rank: u32, dice: &mut Dice) {
    let kind = dice.pick(&["OLA", "OLA", "OPA", "EHE", "EYP", "OTH"]);
    element(text, "SENSetting", kind);
    element(text, "SENSettingOther", if kind == "OTH" { "Type of school named" } else { "" });
    element(text, "PlacementRank", &rank.to_string());
}

/// A request with its active plan. A plan that was decided upon before the year is told as historical.
fn plan(text: &mut String, received: Day, child: &Child, dice: &mut Dice) {
    let historical = received < Day::new(2023, 8, 1);
    match historical {
        true => element(text, "RequestOutcome", "H"),
        false => begin(text, received, "Y", dice),
    }
    let start = received.plus(140).min(CENSUS);
    around(text, "Assessment", |text| {
        match historical {
            true => element(text, "AssessmentOutcome", "H"),
            false => assessed(text, "Y", received.plus(100), dice),
        }
        around(text, "NamedPlan", |text| named(text, start, dice));
    });
    around(text, "ActivePlans", |text| {
        element(text, "TransferLA", if dice.chance(0.02) { "XXX" } else { "" });
        for rank in 1..=dice.weighted(&[(1, 92), (2, 8)]) {
            around(text, "PlacementDetail", |text| {
                setting(text, rank, dice);
                dated(text, "EntryDate", Some(start));
                flag(text, "SENunitIndicator", dice.chance(0.05));
                flag(text, "ResourcedProvisionIndicator", dice.chance(0.05));
                element(text, "Res", if dice.chance(0.02) { "A" } else { "" });
                let sixteen = child.born.age_at(CENSUS) >= 16;
                element(text, "WBP", if sixteen && dice.chance(0.1) { "S" } else { "" });
            });
        }
        let first = dice.pick(&NEEDS);
        let second = if dice.chance(0.3) { dice.pick(&["HI", "VI", "SPLD", "OTH"]) } else { "" };
        for (rank, need) in [("1", first), ("2", second)] {
            if !need.is_empty() {
                around(text, "SENneed", |text| {
                    element(text, "SENtype", need);
                    element(text, "SENtypeRank", rank);
                });
            }
        }
        // A plan is reviewed within each year.
        let review = start.plus(300);
        if review <= CENSUS {
            dated(text, "ReviewMeeting", Some(review));
            dated(text, "LastReview", Some(review.plus(20)).filter(|day| *day <= CENSUS));
            element(text, "ReviewOutcome", dice.pick(&["M", "M", "M", "A"]));
        }
        let transfer = Some(Day::new(2025, 2, 15)).filter(|_| dice.chance(0.08));
        dated(text, "PhaseTransferDueDate", transfer);
    });
}
