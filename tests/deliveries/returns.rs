//! Rows of returns about made-up children, in the layouts that the shipped definitions read.

use super::numbers::upn;

/// A child, another for each place.
#[derive(Debug, Clone)]
pub struct Child {
    /// The pupil number; blank where none is known.
    pub upn: String,
    /// The surname.
    pub surname: String,
    /// The forename.
    pub forename: String,
    /// The birth date, ISO.
    pub born: String,
    /// Sex, as the school wrote it.
    pub sex: String,
    /// Ethnicity, as the school wrote it.
    pub ethnicity: String,
    /// The school, as the council's system numbers it.
    pub school: String,
    /// Sessions possible in the term.
    pub sessions: String,
}

const BEGINNINGS: [&str; 11] =
    ["Ash", "Birk", "Cald", "Dene", "Elm", "Fern", "Gar", "Hather", "Keld", "Lang", "Mire"];
const ENDS: [&str; 9] =
    ["croft", "dale", "field", "gill", "holme", "lock", "shaw", "thwaite", "worth"];
const FORENAMES: [&str; 7] = ["Ada", "Bilal", "Cerys", "Dov", "Edie", "Farah", "Gwen"];

impl Child {
    /// A girl or a boy of a school, of ten to fifteen years.
    pub fn at(place: u32) -> Self {
        let pick = |from: &[&str], by: u32| from[by as usize % from.len()].to_owned();
        Self {
            upn: upn(place),
            surname: pick(&BEGINNINGS, place) + &pick(&ENDS, place / 11),
            forename: pick(&FORENAMES, place),
            born: born(place),
            sex: pick(&["M", "F"], place),
            ethnicity: "WBRI".to_owned(),
            school: pick(&["S101", "S102", "S103"], place),
            sessions: "118".to_owned(),
        }
    }
}

/// A birth date; the first that come twice are 660 places apart.
pub fn born(place: u32) -> String {
    format!("{}-{:02}-{:02}", 2009 + place % 5, 1 + place % 12, 1 + place * 3 % 22)
}

/// An ISO date with the day first, as a spreadsheet shows it.
pub fn day_first(iso: &str) -> String {
    iso.split('-').rev().collect::<Vec<_>>().join("/")
}

/// The census's `pupilonroll` file, without the columns that a term need not have.
pub fn pupils(children: impl IntoIterator<Item = Child>) -> String {
    let mut csv =
        "pupilonrolltableid,NativeId,dob,surname,forename,upn,sex,ethnicity,entrydate,enrolstatus,\
         ncyearactual,language,boarder,senprovision,topupfunding,termlysessionspossible\r\n"
            .to_owned();
    for (child, row) in children.into_iter().zip(1..) {
        let Child { upn, surname, forename, born, sex, ethnicity, school, sessions } = child;
        csv += &format!(
            "row-{row},{school},{born},{surname},{forename},{upn},{sex},{ethnicity},2023-09-04,C,7,ENG,N,N,0,{sessions}\r\n"
        );
    }
    csv
}

/// The census's `pupilnolongeronroll` file, likewise.
pub fn leavers(children: impl IntoIterator<Item = Child>) -> String {
    let mut csv = "pupilnolongeronrolltableid,NativeId,dob,surname,forename,upn,sex,ethnicity,entrydate,leavingdate,\
         termlysessionspossible\r\n"
        .to_owned();
    for (child, row) in children.into_iter().zip(1..) {
        let Child { upn, surname, forename, born, sex, ethnicity, school, sessions } = child;
        csv += &format!(
            "left-{row},{school},{born},{surname},{forename},{upn},{sex},{ethnicity},2022-09-05,2024-07-19,{sessions}\r\n"
        );
    }
    csv
}

/// The header file of the return about looked-after children.
pub fn header_903(rows: &[String]) -> String {
    format!("CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\r\n{}", rows.concat())
}

/// A row of it.
pub fn header_903_row(number: &str, child: &Child) -> String {
    let Child { upn, born, sex, ethnicity, .. } = child;
    format!("{number},{sex},{},{ethnicity},{upn},0,\r\n", day_first(born))
}

/// The columns of the episodes file.
pub const EPISODES_903: [&str; 13] = [
    "CHILD",
    "DECOM",
    "RNE",
    "LS",
    "CIN",
    "PLACE",
    "PLACE_PROVIDER",
    "DEC",
    "REC",
    "REASON_PLACE_CHANGE",
    "HOME_POST",
    "PL_POST",
    "URN",
];

/// The episodes file: an episode in foster care for each number.
pub fn episodes_903(numbers: &[String]) -> String {
    let rows = numbers.iter().map(|number| format!("{number},19/02/2025,S,V2,N4,U4,PR2,,,,,,\r\n"));
    EPISODES_903.join(",") + "\r\n" + &rows.collect::<String>()
}

/// The children in need census: a line a child, and before the first child two lines.
pub fn cin(children: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Message><Header><CollectionDetails><Collection>CIN</Collection>\
         <Year>2025</Year></CollectionDetails></Header><Children>\n{}\n</Children></Message>\n",
        children.join("\n")
    )
}

/// A child of it: elements of `ChildIdentifiers`, ethnicity, what else it says.
pub fn cin_child(identifiers: &str, ethnicity: &str, more: &str) -> String {
    format!(
        "<Child><ChildIdentifiers>{identifiers}</ChildIdentifiers><ChildCharacteristics><Ethnicity>{ethnicity}</Ethnicity>\
         </ChildCharacteristics>{more}</Child>"
    )
}

/// The usual `ChildIdentifiers` of a child that a school knows.
pub fn cin_identifiers(number: &str, child: &Child) -> String {
    let Child { upn, born, sex, .. } = child;
    format!(
        "<LAchildID>{number}</LAchildID><UPN>{upn}</UPN><PersonBirthDate>{born}</PersonBirthDate><Sex>{sex}</Sex>"
    )
}

/// A referral; `more` stands behind its elements.
pub fn cin_referral(more: &str) -> String {
    format!(
        "<CINdetails><CINreferralDate>2024-11-21</CINreferralDate><ReferralSource>2A</ReferralSource>\
         <PrimaryNeedCode>N4</PrimaryNeedCode>{more}<ReferralNFA>0</ReferralNFA></CINdetails>"
    )
}

/// The header of early help's file.
pub const EARLY_HELP: &str =
    "person_id,upn,forename,surname,dob,postcode,start_date,end_date,reason";

/// A row of it, without its line's end.
pub fn early_help_row(person: &str, child: &Child, start: &str) -> String {
    let Child { upn, surname, forename, born, .. } = child;
    format!("{person},{upn},{forename},{surname},{},LS9 8ZZ,{start},,HOUSING", day_first(born))
}
