//! The CIN census and SEN2, as XML. All values are made here from letters, digits and hyphens, so that
//! none needs escaping.

use std::fmt::Write as _;

use crate::{
    calendar::{DateStyle, Day},
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    numbers,
    services::{Damage, date, name, service_upn},
    sheet::Piece,
};

pub(crate) const CIN_HEAD: &str = "<Message>\n<Header><CollectionDetails><Collection>CIN</Collection><Year>2025</Year><ReferenceDate>2025-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>899</LEA><SoftwareCode>Local Authority</SoftwareCode><Release>1</Release><SerialNo>001</SerialNo><DateTime>2025-05-23T11:14:05</DateTime></Source></Header>\n<Children>\n";
pub(crate) const CIN_TAIL: &str = "</Children>\n</Message>\n";
pub(crate) const SEN2_HEAD: &str = "<Message>\n<Header><CollectionDetails><Collection>SEN2</Collection><Year>2025</Year><ReferenceDate>2025-01-16</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>899</LEA><SoftwareCode>Local Authority</SoftwareCode><SerialNo>001</SerialNo><DateTime>2025-02-03T09:00:00</DateTime></Source></Header>\n<Persons>\n";
pub(crate) const SEN2_TAIL: &str = "</Persons>\n</Message>\n";

fn element(text: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, "<{name}>{value}</{name}>");
    }
}

fn push(piece: &mut Piece, text: &str, child: u64, defect: &'static str) {
    piece.bytes.extend_from_slice(text.as_bytes());
    piece.bytes.push(b'\n');
    piece.rows += 1;
    piece.tell(child, defect);
}

/// The pupil number or the code for its absence: never both.
fn upn_elements(
    council: &Council,
    child: &Child,
    dice: &mut Dice,
    damage: &mut Damage,
    text: &mut String,
    absent: &str,
) {
    match service_upn(council, child, dice, damage) {
        Ok(upn) if !upn.is_empty() => element(text, "UPN", &upn),
        Ok(_) => element(text, "UPNunknown", absent),
        Err(code) => element(text, "UPNunknown", code),
    }
}

pub(crate) fn add_cin(council: &Council, child: &Child, piece: &mut Piece) {
    if !child.in_need {
        return;
    }
    let mut dice = Dice::new(council.seed, Subject::InNeed, child.number);
    let mut damage = Damage::default();
    let mut text = String::from("<Child><ChildIdentifiers>");
    element(&mut text, "LAchildID", &numbers::care_number(child.number));
    upn_elements(council, child, &mut dice, &mut damage, &mut text, "UN4");
    if let (_, Some(former)) = child.upn_in(2) {
        element(&mut text, "FormerUPN", former);
    }
    let born = date(council, child.born, DateStyle::Iso, &mut dice, &mut damage);
    element(&mut text, "PersonBirthDate", &born);
    element(&mut text, "Sex", if child.male { "M" } else { "F" });
    text += "</ChildIdentifiers><ChildCharacteristics>";
    element(&mut text, "Ethnicity", child.ethnicity);
    if dice.chance(0.12) {
        text += "<Disabilities>";
        element(&mut text, "Disability", dice.pick(&["MOB", "HAND", "LD", "AUT", "COMM"]));
        text += "</Disabilities>";
    }
    text += "</ChildCharacteristics>";
    for _ in 0..dice.weighted(&[(1, 85), (2, 15)]) {
        let referral = Day::new(2024, 4, 1).plus(dice.between(-200, 330)).max(child.born);
        text += "<CINdetails>";
        element(&mut text, "CINreferralDate", &referral.iso());
        element(&mut text, "ReferralSource", dice.pick(&["1A", "1B", "2A", "2B", "3A", "6"]));
        element(&mut text, "PrimaryNeedCode", dice.pick(&["N1", "N2", "N3", "N4", "N5", "N8"]));
        if dice.chance(0.4) {
            element(&mut text, "CINclosureDate", &referral.plus(dice.between(10, 200)).iso());
            element(&mut text, "ReasonForClosure", "RC8");
        }
        text += "<Assessments>";
        element(&mut text, "AssessmentActualStartDate", &referral.plus(3).iso());
        element(&mut text, "AssessmentAuthorisationDate", &referral.plus(40).iso());
        text += "<FactorsIdentifiedAtAssessment>";
        element(&mut text, "AssessmentFactors", dice.pick(&["1A", "2B", "3A", "4A", "17A"]));
        text += "</FactorsIdentifiedAtAssessment></Assessments>";
        if dice.chance(0.2) {
            text += "<ChildProtectionPlans>";
            element(&mut text, "CPPstartDate", &referral.plus(60).iso());
            element(&mut text, "InitialCategoryOfAbuse", dice.pick(&["NEG", "EMO", "PHY"]));
            element(&mut text, "LatestCategoryOfAbuse", "NEG");
            element(&mut text, "NumberOfPreviousCPP", "0");
            text += "</ChildProtectionPlans>";
        }
        text += "</CINdetails>";
    }
    text += "</Child>";
    push(piece, &text, child.number, damage.defect());
}

pub(crate) fn add_sen2(council: &Council, child: &Child, piece: &mut Piece) {
    if child.sen != 'E' {
        return;
    }
    let mut dice = Dice::new(council.seed, Subject::Sen2, child.number);
    let mut damage = Damage::default();
    let mut text = String::from("<Person>");
    element(&mut text, "Surname", &name(council, &child.surname, &mut dice, &mut damage));
    element(&mut text, "Forename", &name(council, &child.forename, &mut dice, &mut damage));
    let born = date(council, child.born, DateStyle::Iso, &mut dice, &mut damage);
    element(&mut text, "PersonBirthDate", &born);
    element(&mut text, "Sex", if child.male { "M" } else { "F" });
    element(&mut text, "Ethnicity", child.ethnicity);
    element(&mut text, "PostCode", &child.postcode);
    let mut upn = String::new();
    upn_elements(council, child, &mut dice, &mut damage, &mut upn, "UN5");
    let (number, code): (&str, &str) =
        if upn.starts_with("<UPN>") { (&upn, "") } else { ("", &upn) };
    text += number;
    element(&mut text, "UniqueLearnerNumber", child.uln.as_deref().unwrap_or_default());
    text += code;
    let received = Day::new(2022, 1, 1).plus(dice.between(0, 900));
    text += "<Requests><RequestRecord>";
    element(&mut text, "ReceivedDate", &received.iso());
    element(&mut text, "RequestSource", dice.pick(&["1", "3", "5", "8"]));
    element(&mut text, "RequestOutcomeDate", &received.plus(40).iso());
    element(&mut text, "RequestOutcome", "Y");
    text += "<Assessment>";
    element(&mut text, "AssessmentOutcome", "Y");
    element(&mut text, "AssessmentOutcomeDate", &received.plus(100).iso());
    text += "<NamedPlan>";
    element(&mut text, "StartDate", &received.plus(140).iso());
    element(&mut text, "PlanRes", "NA");
    text += "</NamedPlan></Assessment></RequestRecord></Requests>";
    text += "<ActivePlans><ActivePlansRecord>";
    element(&mut text, "TransferLA", "N");
    element(&mut text, "ReviewMeeting", &Day::new(2024, 10, 1).plus(dice.between(0, 200)).iso());
    element(&mut text, "SENtype", dice.pick(&["ASD", "SEMH", "SLCN", "MLD", "PD"]));
    element(&mut text, "SENsetting", "OLA");
    text += "</ActivePlansRecord></ActivePlans></Person>";
    push(piece, &text, child.number, damage.defect());
}
