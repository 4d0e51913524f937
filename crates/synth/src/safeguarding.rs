//! The Standard Safeguarding Dataset: three of its tables, as a database exports them. They say of the
//! same children what the children in need census and the looked-after return say.

use crate::{
    calendar::Day,
    child::Child,
    cin,
    council::Council,
    dice::Subject,
    file_pieces::Piece,
    harder_council, looked_after, numbers,
    services::Damage,
    slips::{self, Clerk},
};

/// The tables and their columns.
pub(crate) const FILES: [(&str, &str); 3] = [
    (
        "ssd_person.csv",
        "pers_person_id,pers_forename,pers_surname,pers_sex,pers_gender,pers_ethnicity,pers_dob,pers_common_child_id,pers_legacy_id,pers_upn_unknown,pers_send_flag,pers_expected_dob,pers_death_date,pers_is_mother,pers_nationality",
    ),
    (
        "ssd_cin_episodes.csv",
        "cine_referral_id,cine_person_id,cine_referral_date,cine_cin_primary_need_code,cine_referral_source_code,cine_referral_source_desc,cine_referral_outcome_json,cine_referral_nfa,cine_close_reason,cine_close_date,cine_referral_team,cine_referral_worker_id",
    ),
    (
        "ssd_cla_episodes.csv",
        "clae_cla_episode_id,clae_person_id,clae_cla_episode_start_date,clae_cla_episode_start_reason,clae_cla_primary_need_code,clae_cla_episode_ceased_date,clae_cla_episode_ceased_reason,clae_cla_id,clae_referral_id,clae_cla_placement_id,clae_entered_care_date,clae_cla_last_iro_contact_date",
    ),
];

/// Adds a child's rows. `pieces` are the three tables'.
pub(crate) fn add(council: &Council, child: &Child, pieces: &mut [Piece]) {
    if !child.in_need {
        return;
    }
    let id = numbers::care_number(child.number);
    let yes = |yes: bool| if yes { "Y" } else { "N" };
    let born = time(Some(child.born));
    let (born, expected) = if child.unborn { ("", born.as_str()) } else { (born.as_str(), "") };
    let sex = match (child.unborn, child.male) {
        (true, _) => "U",
        (false, true) => "M",
        (false, false) => "F",
    };
    let ethnicity = if child.unborn { "NOBT" } else { child.ethnicity };
    let no_number = child.upn_at_end().err().unwrap_or_default();
    let mut dice = child.dice(council, Subject::Safeguarding);
    let mut damage = Damage::default();
    let day = child.year_end();
    let named = match child.unborn {
        true => None,
        false => slips::names(council, child, Clerk::Service, day, &mut dice, &mut damage),
    };
    let [forename, surname] =
        named.unwrap_or_else(|| [child.forename.clone(), child.surname.clone()]);
    let wrong = (!child.unborn)
        .then(|| slips::wrong_birth_date(council, child, Clerk::Service, &mut dice, &mut damage));
    let wrong = wrong.flatten().map(|day| time(Some(day)));
    let born = wrong.as_deref().unwrap_or(born);
    let (nhs, defect) = harder_council::nhs_number(council, child, &mut dice);
    if !defect.is_empty() {
        damage.note(defect, ());
    }
    let name = [forename.as_str(), &surname];
    let known = [sex, "", ethnicity, born, &nhs, "", no_number, yes(child.sen != 'N')];
    let mut tell = |table: usize, fields: &[&str]| {
        pieces[table].row(fields);
        pieces[table].tell(child.number, if table == 0 { damage.defect() } else { "" });
    };
    let referrals = cin::referrals(council, child);
    let died = time(cin::death(&referrals));
    tell(0, &[[id.as_str()].as_slice(), &name, &known, &[expected, &died, "N", ""]].concat());

    let mut referral_id = String::new();
    for (order, referral) in referrals.iter().enumerate() {
        referral_id = format!("R{id}{order}");
        let (day, why) = referral.closed.map_or((None, ""), |(day, why)| (Some(day), why));
        let outcome = format!(
            r#"{{"OUTCOME_SINGLE_ASSESSMENT_FLAG":"{}","OUTCOME_NFA_FLAG":"{}","COMMENTS":""}}"#,
            yes(!referral.no_action),
            yes(referral.no_action),
        );
        let (date, closed) = (time(Some(referral.date)), time(day));
        let (nfa, team) = (yes(referral.no_action), format!("T{}", child.ward % 6));
        let worker = format!("W{:03}", child.number % 300);
        let opened = [&referral_id, &id, date.as_str(), referral.need, referral.source, ""];
        tell(1, &[opened.as_slice(), &[&outcome, nfa, why, &closed, &team, &worker]].concat());
    }
    let mut entered = String::new();
    for (order, episode) in looked_after::episodes(council, child).iter().enumerate() {
        let start = time(Some(episode.start));
        if order == 0 {
            entered.clone_from(&start);
        }
        let (day, why) = episode.end.map_or((None, ""), |(day, why)| (Some(day), why));
        let (episode_id, care) = (format!("E{id}{order}"), format!("C{id}"));
        let (placement, ceased) = (format!("P{id}{order}"), time(day));
        let begun = [&episode_id, &id, start.as_str(), episode.why_new, episode.need];
        let rest = [&ceased, why, &care, &referral_id, &placement, &entered, ""];
        tell(2, &[begun.as_slice(), &rest].concat());
    }
}

/// A date as the database writes its date and time.
fn time(day: Option<Day>) -> String {
    day.map(|day| day.iso() + "T00:00:00").unwrap_or_default()
}
