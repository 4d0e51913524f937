//! Children looked after: the SSDA903 return of 2024-25 as its CSV set.

use crate::{
    calendar::{DateStyle, Day},
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    numbers, places,
    services::{Damage, Untidy, date, service_upn},
    sheet::Piece,
};

/// The files of the set and their headers.
pub(crate) const FILES: [(&str, &str); 12] = [
    ("SSDA903_2025_header.csv", "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB"),
    (
        "SSDA903_2025_episodes.csv",
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN",
    ),
    ("SSDA903_2025_reviews.csv", "CHILD,DOB,REVIEW,REVIEW_CODE"),
    ("SSDA903_2025_uasc.csv", "CHILD,SEX,DOB,DUC"),
    (
        "SSDA903_2025_oc2.csv",
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED",
    ),
    ("SSDA903_2025_oc3.csv", "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM"),
    (
        "SSDA903_2025_ad1.csv",
        "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR",
    ),
    (
        "SSDA903_2025_placedadoption.csv",
        "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED",
    ),
    ("SSDA903_2025_prevperm.csv", "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM"),
    ("SSDA903_2025_missing.csv", "CHILD,DOB,MISSING,MIS_START,MIS_END"),
    // One export with a byte-order mark, as some systems write all of theirs.
    ("SSDA903_2025_sw_episodes.csv", "\u{feff}CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON"),
    ("SSDA903_2025_DoLo.csv", "CHILD,DOB,DOLO_START,DOLO_END"),
];

/// One episode of care.
pub(crate) struct Episode {
    pub(crate) start: Day,
    pub(crate) why_new: &'static str,
    pub(crate) need: &'static str,
    legal: &'static str,
    place: &'static str,
    provider: &'static str,
    /// The day it ended and why; none while it lasts.
    pub(crate) end: Option<(Day, &'static str)>,
    change: &'static str,
    postcode: String,
    home: String,
}

/// A child's episodes of care, in order.
pub(crate) fn episodes(council: &Council, child: &Child) -> Vec<Episode> {
    if !child.looked_after {
        return Vec::new();
    }
    let mut dice = Dice::new(council.seed, Subject::CareEpisodes, child.number);
    let (year, month, day) = child.born.civil();
    // Care ends at eighteen at the latest. 1 March stands for 29 February.
    let adult = match (month, day) {
        (2, 29) => Day::new(year + 18, 3, 1),
        _ => Day::new(year + 18, month, day),
    };
    let limit = adult.min(Day::YEAR_END);
    let mut start = Day::new(2024, 4, 1).plus(dice.between(-700, 300));
    start = start.min(limit.plus(-30)).max(child.born);
    let wanted = dice.weighted(&[(1, 55), (2, 25), (3, 13), (5, 7)]);
    let need = dice.pick(&["N1", "N1", "N1", "N2", "N3", "N4", "N5", "N8"]);
    let mut episodes = Vec::new();
    for number in 0..wanted {
        let end = start.plus(dice.between(20, 250)).min(limit);
        let last = number + 1 == wanted || end == limit;
        let open = last && limit == Day::YEAR_END && dice.chance(0.75);
        let place = dice.pick(&["U1", "U3", "U4", "U6", "K2", "K1", "P1", "A6"]);
        episodes.push(Episode {
            start,
            why_new: if number == 0 { "S" } else { dice.pick(&["P", "L", "T"]) },
            need,
            legal: dice.pick(&["V2", "C2", "C1", "E1"]),
            place,
            provider: if place == "P1" { "PR0" } else { dice.pick(&["PR1", "PR1", "PR4"]) },
            end: match (open, last) {
                (true, _) => None,
                (false, false) => Some((end, "X1")),
                (false, true) => Some((end, dice.pick(&["E4A", "E8", "E48", "E46", "E3"]))),
            },
            change: if last { "" } else { dice.pick(&["CARPL", "PLACE", "OTHER"]) },
            postcode: places::postcode(
                dice.below(places::WARDS.len() as u64) as usize,
                dice.below(places::POSTCODES),
            ),
            // Foster homes and children's homes have a number of the inspectorate.
            home: match place {
                "P1" => "XXXXXXX".to_owned(),
                _ => (1_000_000 + dice.below(3_000_000)).to_string(),
            },
        });
        if last {
            break;
        }
        start = end;
    }
    episodes
}

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
    let upn = match service_upn(council, child, Untidy::Anyhow, &mut dice, &mut damage) {
        Ok(upn) if upn.is_empty() => "UN4".to_owned(),
        Ok(upn) => upn,
        Err(code) => code.to_owned(),
    };
    let header_born = date(council, child.born, DateStyle::Slashed, &mut dice, &mut damage);
    let sex = if child.male { "M" } else { "F" };
    let mother = !child.male && child.born < Day::new(2010, 1, 1) && dice.chance(0.03);
    let (is_mother, of_child) = match mother {
        true => ("1", Day::new(2024, 6, 1).plus(dice.between(0, 200)).slashed()),
        false => ("", String::new()),
    };
    let header = [&id, sex, &header_born, child.ethnicity, &upn, is_mother, &of_child];
    tell(0, &header, damage.defect());
    for episode in episodes(council, child) {
        let (end, reason) = match episode.end {
            Some((day, reason)) => (day.slashed(), reason),
            None => (String::new(), ""),
        };
        let Episode { why_new, legal, need, place, provider, change, .. } = episode;
        let (home_post, start) = (child.postcode.as_str(), episode.start.slashed());
        let placed = [home_post, &episode.postcode, &episode.home];
        let begun = [&id, start.as_str(), why_new, legal, need, place, provider];
        tell(1, &[begun.as_slice(), &[&end, reason, change], &placed].concat(), "");
    }
    let mut review = Day::new(2024, 10, 1).plus(dice.between(-180, 0));
    for _ in 0..dice.weighted(&[(1, 70), (2, 25), (3, 5)]) {
        let code = dice.pick(&["PN1", "PN1", "PN2", "PN3", "PN5"]);
        tell(2, &[&id, &born, &review.slashed(), code], "");
        review = review.plus(dice.between(60, 90));
    }
    if child.unaccompanied {
        let adult = child.born.plus(18 * 365 + 5).slashed();
        tell(3, &[&id, sex, &born, &adult], "");
    }
    let score = dice.below(30).to_string();
    let flag = |yes: bool| if yes { "1" } else { "0" };
    let convicted = flag(dice.chance(0.02));
    // A score, or the reason why there is none.
    let (score, none) = match dice.chance(0.2) {
        true => ("", dice.pick(&["SDQ1", "SDQ2", "SDQ3", "SDQ4"])),
        false => (score.as_str(), ""),
    };
    tell(4, &[&id, &born, score, none, convicted, "1", "1", "1", "1", "0", "0", "0"], "");
    if child.born < Day::new(2007, 6, 1) {
        tell(5, &[&id, &born, "YES", dice.pick(&["F4", "F2", "P5", "G5"]), "B1"], "");
    }
    if child.born > Day::new(2019, 1, 1) && dice.chance(0.1) {
        let day = Day::new(2024, 11, 1).plus(dice.between(0, 100)).slashed();
        tell(6, &[&id, &born, &day, &day, "0", "2", "MF", "L0"], "");
        tell(7, &[&id, &born, &day, "", ""], "");
    }
    if dice.chance(0.03) {
        let day = Day::new(2018, 1, 1).plus(dice.between(0, 1500)).max(child.born.plus(90));
        tell(8, &[&id, &born, "P2", "899", &day.slashed()], "");
    } else {
        tell(8, &[&id, &born, "Z1", "", ""], "");
    }
    if child.missing {
        let day = Day::new(2024, 5, 1).plus(dice.between(0, 300));
        let kind = if dice.chance(0.85) { "M" } else { "A" };
        tell(9, &[&id, &born, kind, &day.slashed(), &day.plus(2).slashed()], "");
    }
    let worker = format!("SW{:04}", dice.below(400));
    let begun = Day::new(2024, 4, 1).slashed();
    tell(10, &[&id, &born, &worker, &begun, "", "FCONTA"], "");
    if dice.chance(0.01) {
        let day = Day::new(2025, 1, 1).plus(dice.between(0, 40));
        tell(11, &[&id, &born, &day.slashed(), &day.plus(20).slashed()], "");
    }
}
