//! Children looked after: the SSDA903 return as its CSV set.

use crate::{
    calendar::{DateStyle, Day},
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    numbers,
    services::{Damage, date, service_upn},
    sheet::Piece,
};

/// The files of the set and their headers.
pub(crate) const FILES: [(&str, &str); 12] = [
    ("header.csv", "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB"),
    (
        "episodes.csv",
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN",
    ),
    ("reviews.csv", "CHILD,DOB,REVIEW,REVIEW_CODE"),
    ("uasc.csv", "CHILD,SEX,DOB,DUC"),
    (
        "oc2.csv",
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED",
    ),
    ("oc3.csv", "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM"),
    ("ad1.csv", "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR"),
    ("placed_for_adoption.csv", "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED"),
    ("previous_permanence.csv", "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM"),
    ("missing.csv", "CHILD,DOB,MISSING,MIS_START,MIS_END"),
    ("sw_episodes.csv", "\u{feff}CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON"),
    ("DoLo.csv", "CHILD,DOB,DOLO_START,DOLO_END"),
];
/// Adds a child's rows. `pieces` are the twelve files'.
pub(crate) fn add(council: &Council, child: &Child, pieces: &mut [Piece]) {
    if !child.looked_after {
        return;
    }
    let mut dice = Dice::new(council.seed, Subject::LookedAfter, child.number);
    let id = numbers::care_number(child.number);
    let born = child.born.slashed();
    let mut tell = |file: usize, fields: &[&str], defect: &'static str| {
        pieces[file].row(fields);
        pieces[file].tell(child.number, defect);
    };
    let mut damage = Damage::default();
    let upn = match service_upn(council, child, &mut dice, &mut damage) {
        Ok(upn) if upn.is_empty() => "UN4".to_owned(),
        Ok(upn) => upn,
        Err(code) => code.to_owned(),
    };
    let header_born = date(council, child.born, DateStyle::Slashed, &mut dice, &mut damage);
    let sex = if child.male { "M" } else { "F" };
    tell(0, &[&id, sex, &header_born, child.ethnicity, &upn, "", ""], damage.defect());
    let mut start = Day::new(2024, 4, 1).plus(dice.between(-700, 300)).max(child.born);
    let episodes = dice.weighted(&[(1, 55), (2, 25), (3, 13), (5, 7)]);
    for episode in 0..episodes {
        let last = episode + 1 == episodes;
        let end = start.plus(dice.between(20, 250)).min(Day::YEAR_END);
        let open = last && dice.chance(0.75);
        let rne = if episode == 0 { "S" } else { dice.pick(&["P", "L", "T"]) };
        let place = dice.pick(&["U1", "U3", "U4", "U6", "K2", "H5", "P1"]);
        let end_text = if open { String::new() } else { end.slashed() };
        let reason = match (open, last) {
            (true, _) => "",
            (false, false) => "X1",
            (false, true) => dice.pick(&["E4A", "E8", "E11", "E3"]),
        };
        let legal = dice.pick(&["V2", "C2", "C1", "E1"]);
        let change = if last { "" } else { dice.pick(&["CARPL", "PLACE", "OTHER"]) };
        let fields = [
            id.as_str(),
            &start.slashed(),
            rne,
            legal,
            "N1",
            place,
            "PR1",
            &end_text,
            reason,
            change,
            &child.postcode,
            "",
            "",
        ];
        tell(1, &fields, "");
        start = end;
    }
    let review = Day::new(2024, 10, 1).plus(dice.between(0, 150)).slashed();
    tell(2, &[&id, &born, &review, "PN1"], "");
    if child.unaccompanied {
        let adult = child.born.plus(18 * 365 + 5).slashed();
        tell(3, &[&id, sex, &born, &adult], "");
    }
    let score = dice.below(30).to_string();
    let flag = |yes: bool| if yes { "1" } else { "0" };
    let convicted = flag(dice.chance(0.02));
    tell(4, &[&id, &born, &score, "", convicted, "1", "1", "1", "1", "0", "0", "0"], "");
    if child.born < Day::new(2007, 6, 1) {
        tell(5, &[&id, &born, "YES", "F4", "B1"], "");
    }
    if child.born > Day::new(2019, 1, 1) && dice.chance(0.1) {
        let day = Day::new(2024, 11, 1).plus(dice.between(0, 100)).slashed();
        tell(6, &[&id, &born, &day, &day, "0", "2", "MF", "L0"], "");
        tell(7, &[&id, &born, &day, "", ""], "");
    }
    tell(8, &[&id, &born, "Z1", "", ""], "");
    if child.missing {
        let day = Day::new(2024, 5, 1).plus(dice.between(0, 300));
        tell(9, &[&id, &born, "M", &day.slashed(), &day.plus(2).slashed()], "");
    }
    let worker = format!("SW{:04}", dice.below(400));
    let begun = Day::new(2024, 4, 1).slashed();
    tell(10, &[&id, &born, &worker, &begun, "", "FCONTA"], "");
    if dice.chance(0.01) {
        let day = Day::new(2025, 1, 1).plus(dice.between(0, 40));
        tell(11, &[&id, &born, &day.slashed(), &day.plus(20).slashed()], "");
    }
}
