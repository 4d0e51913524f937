//! The school census: seven CSV tables a term.

use crate::{
    calendar::{DateStyle, TERMS},
    child::{Child, year_group},
    council::Council,
    dice::{Dice, Subject},
    numbers, places,
    services::{Damage, date, tidy_upn},
    sheet::Piece,
};

const PUPILS: &str = "\
    pupilonrolltableid,NativeId,dob,surname,forename,middlenames,\
    preferredsurname,formersurname,upn,formerupn,uniquelearnernumber,sex,\
    entrydate,pupilonrollorderseqcolumn,sourceid,schoolcensustableid,\
    hoursatsetting,schoollunchtaken,parttime,topupfunding,\
    termlysessionspossible,termlysessionsauthorised,termlysessionsunauthorised,\
    senunitindicator,resourcedprovisionindicator,nonqualhrs,ftemp,qualhrs,\
    qualhrspreviousyear,nonqualhrspreviousyear,tlevelqualhrs,tlevelnonqualhrs,\
    moveoffrollflag,fundedhours,missingaddress,duplicatenotfunded,\
    summerhalfterm2sessionspossible,extendedhours,eligibilitycode,\
    summerhalfterm2sessionsauthorised,summerhalfterm2sessionsunauthorised,\
    dafindicator,summerhalfterm2sessionseducational,\
    summerhalfterm2sessionsexceptional,summerhalfterm2sessionscoronavirus,yssa,\
    servicechild,language,classtype,enrolstatus,boarder,plaa,senprovision,\
    ncyearactual,mathsgcsehighestpriorattainment,mathsgcsepriorattainmentyear11,\
    englishgcsehighestpriorattainment,englishgcsepriorattainmentyear11,\
    mathsgcsefundingexemption,englishgcsefundingexemption,\
    mathsgcsehighestpriorattainmentpreviousyear,\
    englishgcsehighestpriorattainmentpreviousyear,eyppr,eyppbf,ethnicity";
const LEAVERS: &str = "\
    pupilnolongeronrolltableid,NativeId,dob,surname,forename,middlenames,\
    preferredsurname,formersurname,upn,formerupn,uniquelearnernumber,sex,\
    entrydate,leavingdate,pupilnolongeronrollorderseqcolumn,sourceid,\
    schoolcensustableid,parttime,termlysessionspossible,termlysessionsauthorised,\
    termlysessionsunauthorised,moveonrollflag,missingaddress,\
    summerhalfterm2sessionsauthorised,summerhalfterm2sessionspossible,\
    summerhalfterm2sessionsunauthorised,qualhrs,qualhrspreviousyear,\
    nonqualhrspreviousyear,tlevelqualhrs,tlevelnonqualhrs,nonqualhrs,\
    summerhalfterm2sessionseducational,summerhalfterm2sessionsexceptional,\
    summerhalfterm2sessionscoronavirus,boarder,language,ncyearleaving,\
    mathsgcsehighestpriorattainment,mathsgcsepriorattainmentyear11,\
    englishgcsehighestpriorattainment,englishgcsepriorattainmentyear11,\
    mathsgcsefundingexemption,englishgcsefundingexemption,\
    mathsgcsehighestpriorattainmentpreviousyear,\
    englishgcsehighestpriorattainmentpreviousyear";
const SESSIONS: &str = "\
    pupilonrolltableid,NativeId,termlysessiondetailsonrolltableid,\
    termlysessiondetailsonrollorderseqcolumn,sourceid,sessions,attendancereason";
const EXCLUSIONS: &str = "\
    pupilonrolltableid,NativeId,termlyexclusionsonrolltableid,\
    termlyexclusionsonrollorderseqcolumn,sourceid,startdate,sessions,reason1,\
    reason2,reason3,category,senprovision";
const MEALS: &str = "\
    pupilonrolltableid,NativeId,fsmperiodsonrolltableid,\
    fsmperiodsonrollorderseqcolumn,sourceid,fsmstartdate,fsmenddate,ukcountry";
const NEEDS: &str = "\
    pupilonrolltableid,NativeId,senneedsonrolltableid,\
    senneedsonrollorderseqcolumn,sourceid,sentyperank,sentype";
const ADDRESSES: &str = "\
    pupilonrolltableid,NativeId,addressesonrolltableid,\
    addressesonrollorderseqcolumn,sourceid,postcode,uprn";
/// The tables of one term: the end of the file's name, and its header.
pub(crate) const FILES: [(&str, &str); 7] = [
    ("pupilonroll", PUPILS),
    ("pupilnolongeronroll", LEAVERS),
    ("termlysessiondetailsonroll", SESSIONS),
    ("termlyexclusionsonroll", EXCLUSIONS),
    ("fsmperiodsonroll", MEALS),
    ("senneedsonroll", NEEDS),
    ("addressesonroll", ADDRESSES),
];

/// Folder and file prefix of each term.
pub(crate) const NAMES: [(&str, &str); 3] = [
    ("2024-autumn", "2024_autumn"),
    ("2025-spring", "2025_spring"),
    ("2025-summer", "2025_summer"),
];

/// Adds a child's rows of one term. `pieces` are the seven tables'.
pub(crate) fn add(council: &Council, child: &Child, term: usize, pieces: &mut [Piece]) {
    let mut dice = Dice::new(council.seed, Subject::Census, child.number * 3 + term as u64);
    if let Some(school) = child.schools[term] {
        on_roll(council, child, term, school, &mut dice, pieces);
    }
    let before = term.checked_sub(1).and_then(|term| child.schools[term]);
    if let Some(school) = before.filter(|_| child.schools[term] != before) {
        leaver(council, child, term, school, &mut dice, &mut pieces[1]);
    }
}

fn on_roll(
    council: &Council,
    child: &Child,
    term: usize,
    school: u64,
    dice: &mut Dice,
    pieces: &mut [Piece],
) {
    let id = numbers::pupil_table_id(child.number, term as u64);
    let code = places::code(school);
    let mut damage = Damage::default();
    let (upn, former) = child.upn_in(term);
    let upn = tidy_upn(council, upn.unwrap_or_default(), dice, &mut damage);
    let born = date(council, child.born, DateStyle::Census, dice, &mut damage);
    let ethnicity = match dice.chance(council.defects.unknown_code) {
        true => damage.note("unknown-code", "ZZZZ"),
        false => child.ethnicity,
    };
    let possible = 120 + dice.below(20);
    let missed = (possible as f64 * child.absence) as u64;
    let unauthorised = dice.below(missed / 3 + 1);
    let row: Vec<String> = PUPILS
        .split(',')
        .map(|column| match column {
            "pupilonrolltableid" => id.clone(),
            "NativeId" => code.clone(),
            "dob" => born.clone(),
            "surname" => child.surname.clone(),
            "forename" => child.forename.clone(),
            "upn" => upn.clone(),
            "formerupn" => former.unwrap_or_default().to_owned(),
            "uniquelearnernumber" => child.uln.clone().unwrap_or_default(),
            "sex" => if child.male { "M" } else { "F" }.to_owned(),
            "entrydate" => TERMS[term].first.census(),
            "pupilonrollorderseqcolumn" => "1".to_owned(),
            "sourceid" => numbers::table_id(child.number, 11 + term as u64),
            "senprovision" => child.sen.to_string(),
            "ncyearactual" => nc_year(child),
            "termlysessionspossible" => format!("{possible}.0"),
            "termlysessionsauthorised" => format!("{}.0", missed - unauthorised),
            "termlysessionsunauthorised" => format!("{unauthorised}.0"),
            "language" => "ENG".to_owned(),
            "ethnicity" => ethnicity.to_owned(),
            _ => String::new(),
        })
        .collect();
    pieces[0].row(&row);
    pieces[0].tell(child.number, damage.defect());
    if dice.chance(council.defects.duplicate_row) {
        pieces[0].repeat(child.number);
    }
    let other = |salt: u64| numbers::table_id(child.number * 8 + salt, term as u64);
    for (order, reason) in ["I", "M", "U"].iter().enumerate() {
        if dice.chance(child.absence * 3.0) {
            let sessions = format!("{}.0", 1 + dice.below(missed + 1));
            let order = (order + 1).to_string();
            pieces[2].row(&[&id, &code, &other(1), &order, &other(7), &sessions, *reason]);
            pieces[2].tell(child.number, "");
        }
    }
    if dice.chance(if child.sen == 'N' { 0.004 } else { 0.02 }) {
        let day = TERMS[term].first.plus(dice.between(3, 60)).census();
        let (sessions, category) =
            if dice.chance(0.05) { ("0.0", "PERM") } else { ("4.0", "FIXD") };
        let reason = dice.pick(&["PP", "PA", "VA", "DB", "DM"]);
        let (table, source) = (other(2), other(7));
        pieces[3]
            .row(&[&id, &code, &table, "1", &source, &day, sessions, reason, "", "", category, ""]);
        pieces[3].tell(child.number, "");
    }
    if child.meals {
        let start = TERMS[0].first.census();
        pieces[4].row(&[&id, &code, &other(3), "1", &other(7), &start, "", "ENG"]);
        pieces[4].tell(child.number, "");
    }
    if child.sen != 'N' {
        let need = dice.pick(&["SPLD", "MLD", "SLCN", "SEMH", "ASD", "PD", "HI"]);
        pieces[5].row(&[&id, &code, &other(4), "1", &other(7), "1", need]);
        pieces[5].tell(child.number, "");
    }
    pieces[6].row(&[&id, &code, &other(5), "1", &other(7), &child.postcode, ""]);
    pieces[6].tell(child.number, "");
}

fn leaver(
    council: &Council,
    child: &Child,
    term: usize,
    school: u64,
    dice: &mut Dice,
    piece: &mut Piece,
) {
    let mut damage = Damage::default();
    let (upn, former) = child.upn_in(term);
    let upn = tidy_upn(council, upn.unwrap_or_default(), dice, &mut damage);
    let row: Vec<String> = LEAVERS
        .split(',')
        .map(|column| match column {
            "pupilnolongeronrolltableid" => numbers::pupil_table_id(child.number, 9 + term as u64),
            "NativeId" => places::code(school),
            "dob" => child.born.census(),
            "surname" => child.surname.clone(),
            "forename" => child.forename.clone(),
            "upn" => upn.clone(),
            "formerupn" => former.unwrap_or_default().to_owned(),
            "sex" => if child.male { "M" } else { "F" }.to_owned(),
            "leavingdate" => TERMS[term - 1].last.census(),
            _ => String::new(),
        })
        .collect();
    piece.row(&row);
    piece.tell(child.number, damage.defect());
}

fn nc_year(child: &Child) -> String {
    match year_group(child.born) {
        year @ 1..=14 => year.to_string(),
        0 => "R".to_owned(),
        -1 => "N2".to_owned(),
        _ => "N1".to_owned(),
    }
}
