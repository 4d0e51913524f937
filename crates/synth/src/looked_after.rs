//! Children looked after: the SSDA903 return of 2024-25 as its CSV set.

use crate::{
    calendar::{DateStyle, Day},
    child::Child,
    council::Council,
    dice::Subject,
    file_pieces::Piece,
    numbers, places,
    services::{Damage, Untidy, date, service_upn},
    slips::Clerk,
};

/// The files of the set and their headers. The year before has its own in the name.
pub(crate) const FILES: [(&str, &str); 12] = [
    ("header", "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB"),
    (
        "episodes",
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN",
    ),
    ("reviews", "CHILD,DOB,REVIEW,REVIEW_CODE"),
    ("uasc", "CHILD,SEX,DOB,DUC"),
    (
        "oc2",
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED",
    ),
    ("oc3", "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM"),
    ("ad1", "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR"),
    ("placedadoption", "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED"),
    ("prevperm", "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM"),
    ("missing", "CHILD,DOB,MISSING,MIS_START,MIS_END"),
    // One export with a byte-order mark, as some systems write all of theirs.
    ("sw_episodes", "\u{feff}CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON"),
    ("DoLo", "CHILD,DOB,DOLO_START,DOLO_END"),
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
    let mut dice = child.dice(council, Subject::CareEpisodes);
    let (year, month, day) = child.born.civil();
    // Care ends at eighteen at the latest. 1 March stands for 29 February.
    let adult = match (month, day) {
        (2, 29) => Day::new(year + 18, 3, 1),
        _ => Day::new(year + 18, month, day),
    };
    let limit = adult.min(child.year_end());
    let mut start = child.day(2024, 4, 1).plus(dice.between(-700, 300));
    start = start.min(limit.plus(-30)).max(child.born);
    let wanted = dice.weighted(&[(1, 55), (2, 25), (3, 13), (5, 7)]);
    let need = dice.pick(&["N1", "N1", "N1", "N2", "N3", "N4", "N5", "N8"]);
    let mut episodes = Vec::new();
    for number in 0..wanted {
        let end = start.plus(dice.between(20, 250)).min(limit);
        let last = number + 1 == wanted || end == limit;
        let open = last && limit == child.year_end() && dice.chance(0.75);
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
    // Care under this identity ended when the child was adopted.
    if child.hard.as_deref().is_some_and(|hard| hard.is_old_identity)
        && child.year == 0
        && let Some(last) = episodes.last_mut()
    {
        let day = child.day(2024, 12, 1).plus(dice.between(0, 40)).max(last.start.plus(1));
        last.end = Some((day.min(limit), dice.pick(&["E11", "E12"])));
        last.place = "A6";
    }
    episodes
}

/// Adds a child's rows. `pieces` are the twelve files'.
pub(crate) fn add(council: &Council, child: &Child, pieces: &mut [Piece]) {
    if !child.looked_after {
        return;
    }
    let mut dice = child.dice(council, Subject::LookedAfter);
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
    let header_born =
        date(council, child, Clerk::Service, DateStyle::Slashed, &mut dice, &mut damage);
    let sex = if child.male { "M" } else { "F" };
    let mother = !child.male && child.born < Day::new(2010, 1, 1) && dice.chance(0.03);
    let (is_mother, of_child) = match mother {
        true => ("1", child.day(2024, 6, 1).plus(dice.between(0, 200)).slashed()),
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
    let mut review = child.day(2024, 10, 1).plus(dice.between(-180, 0));
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
        let day = child.day(2024, 11, 1).plus(dice.between(0, 100)).slashed();
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
        let day = child.day(2024, 5, 1).plus(dice.between(0, 300));
        let kind = if dice.chance(0.85) { "M" } else { "A" };
        tell(9, &[&id, &born, kind, &day.slashed(), &day.plus(2).slashed()], "");
    }
    let worker = format!("SW{:04}", dice.below(400));
    let begun = child.day(2024, 4, 1).slashed();
    tell(10, &[&id, &born, &worker, &begun, "", "FCONTA"], "");
    if dice.chance(0.01) {
        let day = child.day(2025, 1, 1).plus(dice.between(0, 40));
        tell(11, &[&id, &born, &day.slashed(), &day.plus(20).slashed()], "");
    }
}
