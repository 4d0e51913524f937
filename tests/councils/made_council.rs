//! A council of some eighty children, made of a seed, with the defects of real deliveries.

use minster_tests::deliveries::{Child, Council, day_first, upn};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The deliveries: source and period.
pub(crate) const DELIVERIES: [(&str, &str); 8] = [
    ("school_census", "2024-autumn"),
    ("school_census", "2025-spring"),
    ("school_census", "2025-summer"),
    ("ssda903", "2023-24"),
    ("ssda903", "2024-25"),
    ("cin", "2024-25"),
    ("sen2", "2024-25"),
    ("missing", "2024-25"),
];

/// Numbers that a seed decides: the same seed gives the same council.
struct Dice(ChaCha8Rng);

impl Dice {
    /// A number below a bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    /// True this often in a hundred.
    fn falls(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

/// A child as it is, whatever the files say.
struct Real {
    child: Child,
    /// Its pupil number of the year before, where it changed.
    former: Option<String>,
    /// From which term on, and until which, it is on roll.
    terms: std::ops::Range<usize>,
    /// No school has given it a number.
    unnumbered: bool,
    number_903: Option<u32>,
}

const TERMS: [&str; 3] = ["2024-autumn", "2025-spring", "2025-summer"];
const HEADER: &str = "pupilonrolltableid,NativeId,dob,surname,forename,upn,formerupn,sex,ethnicity,entrydate,enrolstatus,\
                      ncyearactual,language,boarder,senprovision,topupfunding,termlysessionspossible\r\n";

/// Writes all deliveries.
pub(crate) fn deliver(council: &Council, seed: u64) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let people = people(&mut dice);
    for (term, period) in TERMS.iter().enumerate() {
        let (pupils, meals) = term_of(&people, term, period, &mut dice);
        council.deliver("school_census", &format!("{period}/{period}_pupilonroll.csv"), pupils);
        council.deliver("school_census", &format!("{period}/{period}_fsmperiodsonroll.csv"), meals);
    }
    looked_after(council, &people);
    council.deliver("cin", "2024-25/cin.xml", in_need(&people, &mut dice));
    council.deliver("sen2", "2024-25/sen2.xml", plans(&people, &mut dice));
    council.deliver("missing", "2024-25/missing_episodes.csv", missing(&people, &mut dice));
}

/// Seventy pupils; ten children whom no school knows. Names are one child's each.
fn people(dice: &mut Dice) -> Vec<Real> {
    let accents = ["José", "Zoë", "Siân", "Łukasz", "Chloë", "Ada", "Dov", "Bilal"];
    let mut people: Vec<Real> = Vec::new();
    for place in 0..80u32 {
        let mut child = Child::at(place);
        child.surname = format!("{}{}", child.surname, letters(place));
        child.forename = dice.pick(&accents).to_owned();
        let on_roll = place < 70;
        let from = if on_roll && dice.falls(10) { 1 + dice.below(2) as usize } else { 0 };
        let until = if on_roll && dice.falls(10) { (from + 1).min(3) } else { 3 };
        people.push(Real {
            former: (on_roll && from == 0 && until == 3 && dice.falls(8)).then(|| upn(500 + place)),
            terms: if on_roll { from..until } else { 0..0 },
            unnumbered: dice.falls(6),
            number_903: (place % 4 == 1).then_some(700 + place),
            child,
        });
    }
    // Twins: one birth date, and in some families one number.
    for pair in 0..4 {
        let born = people[2 * pair].child.born.clone();
        let number = people[2 * pair].child.upn.clone();
        let shares = pair % 2 == 0;
        let (one, other) = people.split_at_mut(2 * pair + 1);
        let (one, other) = (&mut one[2 * pair], &mut other[0]);
        other.child.born = born;
        for twin in [one, other] {
            (twin.former, twin.number_903, twin.terms) = (None, None, 0..3);
            twin.unnumbered = false;
            if shares {
                twin.child.upn.clone_from(&number);
            }
        }
    }
    people
}

/// Two letters that tell one surname from another.
fn letters(place: u32) -> String {
    let letter = |n: u32| char::from(b'a' + (n % 26) as u8);
    format!("{}{}", letter(place / 26), letter(place))
}

/// A term's census: dual registrations, a number that is missing or changes, a mistyped birth date, columns left blank.
fn term_of(people: &[Real], term: usize, period: &str, dice: &mut Dice) -> (String, String) {
    let (mut pupils, mut meals) =
        (HEADER.to_owned(), "pupilonrolltableid,fsmstartdate,fsmenddate\r\n".to_owned());
    for (place, real) in people.iter().enumerate().filter(|(_, real)| real.terms.contains(&term)) {
        let child = &real.child;
        let shares = people.iter().filter(|other| other.child.upn == child.upn).count() > 1;
        let own = |number: &str| if real.unnumbered { String::new() } else { number.to_owned() };
        let (now, former) = match &real.former {
            // The number changes in spring; from then on the census names the one before.
            Some(before) if term == 0 => (before.as_str(), ""),
            Some(before) => (child.upn.as_str(), before.as_str()),
            None => (child.upn.as_str(), ""),
        };
        // A birth date is mistyped in one term alone, where a number holds the child together.
        let mistyped =
            term == 1 && place % 23 == 7 && real.terms == (0..3) && !real.unnumbered && !shares;
        let born = if mistyped { "2012-12-28" } else { &child.born };
        let ethnicity = if term == 1 { dice.pick(&["WBRI", "BAFR", "MWBC", ""]) } else { "" };
        let sen = ["N", "K", "E"][(place + term / 2) % 3];
        let dual = place % 9 == 4;
        let mut row = |id: &str, school: &str, status: &str, sen: &str, year: usize| {
            pupils += &format!(
                "{id},{school},{born},{},{},{},{},{},{ethnicity},2023-09-04,{status},{year},ENG,N,{sen},0,118\r\n",
                child.surname,
                child.forename,
                own(now),
                own(former),
                child.sex,
            );
        };
        let (main, second) = (format!("{period}{place}"), format!("{period}{place}x"));
        if dual {
            row(&second, "S900", "S", "N", 3);
        }
        row(&main, &child.school, if dual { "M" } else { "C" }, sen, 5 + place % 6);
        if place % 5 == 0 {
            // Open in the first terms, closed in the last; both schools tell of it.
            let end = if term == 2 { "2025-05-02" } else { "" };
            meals += &format!("{main},2023-09-11,{end}\r\n");
            if dual {
                meals += &format!("{second},2023-09-11,{end}\r\n");
            }
            if term == 2 && place % 10 == 0 {
                meals += &format!("{main},2025-05-06,\r\n");
            }
        }
    }
    (pupils, meals)
}

/// Two years' returns: an episode open in the first and closed in the second, numbers with leading zeros.
fn looked_after(council: &Council, people: &[Real]) {
    for (year, period) in ["2023-24", "2024-25"].iter().enumerate() {
        let mut header = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\r\n".to_owned();
        let mut episodes =
            "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,\
                            HOME_POST,PL_POST,URN\r\n"
                .to_owned();
        for real in people {
            let Some(number) = real.number_903 else { continue };
            let Child { sex, born, upn, .. } = &real.child;
            let known = !real.terms.is_empty() && !real.unnumbered;
            let upn = if known { upn } else { "" };
            let number = format!("{number:07}");
            header += &format!("{number},{sex},{},WBRI,{upn},0,\r\n", day_first(born));
            let moved = number.ends_with(['1', '5']);
            let (end, why) = match (year, moved) {
                (1, true) => ("10/06/2024", ",X1,CARPL"),
                _ => ("", ",,"),
            };
            episodes += &format!("{number},01/06/2023,S,C2,N1,U1,PR1,{end}{why},,,\r\n");
            if year == 1 && moved {
                episodes += &format!("{number},10/06/2024,P,C2,N1,K2,PR1,,,,,,\r\n");
            }
        }
        council.deliver("ssda903", &format!("{period}/header.csv"), header);
        council.deliver("ssda903", &format!("{period}/episodes.csv"), episodes);
    }
}

/// Children in need: the same numbers without zeros; a child that stands twice; one referral told twice.
fn in_need(people: &[Real], dice: &mut Dice) -> String {
    let mut all = String::new();
    for real in people {
        let Some(number) = real.number_903 else { continue };
        let Child { sex, born, .. } = &real.child;
        let referral = |day: &str| {
            format!(
                "<CINdetails><CINreferralDate>{day}</CINreferralDate><ReferralSource>1A</ReferralSource>\
                 <PrimaryNeedCode>N1</PrimaryNeedCode></CINdetails>"
            )
        };
        let more = if dice.falls(30) { referral("2025-01-20") } else { String::new() };
        let child = |referrals: String| {
            format!(
                "<Child><ChildIdentifiers><LAchildID>{number}</LAchildID><UPNunknown>UN4</UPNunknown>\
                 <PersonBirthDate>{born}</PersonBirthDate><Sex>{sex}</Sex></ChildIdentifiers><ChildCharacteristics>\
                 <Ethnicity>WBRI</Ethnicity></ChildCharacteristics>{referrals}</Child>\n"
            )
        };
        all += &child(referral("2024-09-10") + &more);
        if dice.falls(20) {
            all += &child(referral("2024-09-10"));
        }
    }
    format!("<Message><Children>\n{all}</Children></Message>\n")
}

/// Plans: with a pupil number, without one though on roll, and of children under school age.
fn plans(people: &[Real], dice: &mut Dice) -> String {
    let mut all = String::new();
    for real in people.iter().step_by(3) {
        let Child { surname, forename, born, sex, upn, .. } = &real.child;
        let number = match dice.falls(50) && !real.terms.is_empty() && !real.unnumbered {
            true => format!("<UPN>{upn}</UPN>"),
            false => "<UPNunknown>UN1</UPNunknown>".to_owned(),
        };
        let plans = "<ActivePlansRecord><SENtype>ASD</SENtype></ActivePlansRecord>";
        all += &format!(
            "<Person><Surname>{}</Surname><Forename>{forename}</Forename><PersonBirthDate>{born}</PersonBirthDate>\
             <Sex>{sex}</Sex>{number}<ActivePlans>{plans}</ActivePlans></Person>\n",
            surname.to_uppercase(),
        );
    }
    format!("<Message><Persons>\n{all}</Persons></Message>\n")
}

/// The police: names without accents, one reference for children who go together, two episodes on one day.
fn missing(people: &[Real], dice: &mut Dice) -> String {
    let mut csv =
        "police_ref,nhs_number,forename,surname,dob,postcode,reported,found,risk\r\n".to_owned();
    for (place, real) in people.iter().enumerate().filter(|(place, _)| place % 7 >= 5) {
        let Child { surname, forename, born, .. } = &real.child;
        let plain = forename.replace(['é', 'ë'], "e").replace('â', "a").replace('Ł', "L");
        let incident = place / 7;
        let row = format!(
            "INC{incident},,{plain},{surname},{born},LS9 8ZZ,2025-02-11,2025-02-11,LOW\r\n"
        );
        csv += &row.repeat(1 + dice.below(2) as usize);
    }
    csv
}
