//! One child, made from the seed and its own number.

use crate::{
    calendar::{self, Day, TERMS},
    council::Council,
    dice::{Dice, Subject},
    ethnicity,
    harder_council::{self, Hard},
    numbers::{self, Numbers, authority},
    places,
};

/// The content of a child's field for a pupil number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PupilNumber {
    Known(String),
    /// A temporary one in autumn; the permanent one, with the temporary as former, from spring on.
    Replaced {
        temporary: String,
        permanent: String,
    },
    /// A temporary one all year.
    Temporary(String),
    /// None, and why.
    Missing(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) number: u64,
    pub(crate) surname: String,
    pub(crate) forename: String,
    pub(crate) male: bool,
    pub(crate) born: Day,
    pub(crate) ward: usize,
    pub(crate) postcode: String,
    /// The main code.
    pub(crate) ethnicity: &'static str,
    /// The code that schools recorded: the main code, or an extended one below it.
    pub(crate) recorded_ethnicity: &'static str,
    pub(crate) sen: char,
    pub(crate) meals: bool,
    pub(crate) upn: PupilNumber,
    pub(crate) former_upn: Option<String>,
    pub(crate) nhs: String,
    pub(crate) uln: Option<String>,
    /// The school in each term; none before it came and after it left.
    pub(crate) schools: [Option<u64>; 3],
    /// How often it misses a session.
    pub(crate) absence: f64,
    pub(crate) looked_after: bool,
    pub(crate) unaccompanied: bool,
    /// Not born yet: only the children in need census knows it, and `born` is the day expected.
    pub(crate) unborn: bool,
    pub(crate) in_need: bool,
    pub(crate) early_help: bool,
    pub(crate) missing: bool,
    /// The school year that is written about: 0, or -1 for the one before.
    pub(crate) year: i32,
    /// Further facts of the harder council.
    pub(crate) hard: Option<Box<Hard>>,
}

/// Children of one block are a few families; a block is what is made at once.
pub(crate) const BLOCK: u64 = 4;

const ONSETS: [&str; 18] =
    ["B", "C", "D", "F", "G", "H", "K", "L", "M", "N", "P", "R", "S", "T", "W", "Br", "Gr", "Th"];
const MIDDLES: [&str; 12] =
    ["al", "ar", "ed", "el", "en", "im", "ol", "on", "or", "ud", "and", "ist"];
const SURNAME_ENDS: [&str; 14] = [
    "by", "don", "er", "field", "ford", "ham", "ley", "man", "sett", "son", "stead", "ton", "well",
    "worth",
];
const GIRL_ENDS: [&str; 8] = ["a", "ie", "ina", "ey", "ette", "elle", "ia", "wen"];
const BOY_ENDS: [&str; 8] = ["an", "o", "in", "us", "ick", "ael", "am", "ert"];

/// The children of a block, in order.
pub(crate) fn block(council: &Council, block: u64) -> Vec<Child> {
    let mut dice = Dice::new(council.seed, Subject::Family, block);
    let mut children = Vec::new();
    let last = ((block + 1) * BLOCK).min(council.children());
    let mut number = block * BLOCK;
    while number < last {
        let size = dice.weighted(&[(1, 40), (2, 38), (3, 16), (4, 6)]).min(last - number);
        family(council, number, size, &mut dice, &mut children);
        number += size;
    }
    children
}

fn family(council: &Council, first: u64, size: u64, dice: &mut Dice, out: &mut Vec<Child>) {
    let surname = surname(dice);
    let weights: Vec<(usize, u32)> =
        places::WARDS.iter().enumerate().map(|(ward, (_, weight, _))| (ward, *weight)).collect();
    let ward = dice.weighted(&weights);
    let postcode = places::postcode(ward, dice.below(places::POSTCODES));
    let ethnicity = ethnicity::main_code(dice);
    let meals = dice.chance(0.12 + 0.35 * (ward % 7) as f64 / 7.0);
    let twins = size > 1 && dice.chance(0.03);
    let mut elder: Option<(Day, char)> = None;
    for number in first..first + size {
        let mut dice = Dice::new(council.seed, Subject::Child, number);
        let male = dice.chance(0.51);
        let mut born = Day::new(2006, 9, 1).plus(dice.between(0, 15 * 365));
        let mut forename = forename(&mut dice, male);
        if let (true, Some((day, initial))) = (twins, elder) {
            born = day;
            // Twins whose names begin alike are the hardest to tell apart.
            if dice.chance(0.2) {
                forename.replace_range(..1, &initial.to_string());
            }
        }
        let pupil = number < council.pupils;
        let unaccompanied = !pupil && dice.chance(0.1);
        if unaccompanied {
            let (year, month, _) = born.civil();
            born = Day::new(year, month, 15);
        }
        elder = Some((born, forename.chars().next().unwrap_or('A')));
        let looked_after = unaccompanied || dice.chance(if pupil { 0.008 } else { 0.12 });
        let (upn, former_upn) = pupil_number(council, number, pupil, born, &mut dice);
        let mut detail = Dice::new(council.seed, Subject::Detail, number);
        let mut child = Child {
            number,
            surname: surname.clone(),
            forename,
            male,
            born,
            ward,
            postcode: postcode.clone(),
            ethnicity,
            recorded_ethnicity: ethnicity::recorded(ethnicity, &mut detail),
            sen: dice.weighted(&[('N', 82), ('K', 14), ('E', 4)]),
            meals,
            upn,
            former_upn,
            nhs: numbers::nhs_number(number),
            uln: (born < Day::new(2011, 9, 1)).then(|| numbers::learner_number(number)),
            schools: schools(council, number, pupil, born, &mut dice),
            absence: 0.02 + 0.12 * dice.unit().powi(4) + if dice.chance(0.05) { 0.25 } else { 0.0 },
            looked_after,
            unaccompanied,
            unborn: false,
            in_need: looked_after || dice.chance(if pupil { 0.035 } else { 0.3 }),
            early_help: dice.chance(if pupil { 0.05 } else { 0.3 }),
            missing: dice.chance(if looked_after { 0.08 } else { 0.004 }),
            year: 0,
            hard: None,
        };
        let may_be_unborn = !pupil && !looked_after && !twins && child.sen != 'E';
        if may_be_unborn && detail.chance(0.04) {
            expect(&mut child, &mut detail);
        }
        out.push(child);
    }
}

/// Turns a child of no school into one who is expected: it has no name and no number yet.
fn expect(child: &mut Child, dice: &mut Dice) {
    child.unborn = true;
    child.born = Day::YEAR_END.plus(dice.between(5, 200));
    child.forename.clear();
    child.nhs.clear();
    (child.upn, child.former_upn, child.uln) = (PupilNumber::Missing("UN1"), None, None);
    child.sen = 'N';
    child.in_need = true;
    child.early_help = false;
    child.missing = false;
}

pub(crate) fn surname(dice: &mut Dice) -> String {
    format!("{}{}{}", dice.pick(&ONSETS), dice.pick(&MIDDLES), dice.pick(&SURNAME_ENDS))
}

pub(crate) fn forename(dice: &mut Dice, male: bool) -> String {
    let ends = if male { &BOY_ENDS } else { &GIRL_ENDS };
    format!("{}{}{}", dice.pick(&ONSETS), dice.pick(&MIDDLES), dice.pick(ends))
}

fn pupil_number(
    council: &Council,
    number: u64,
    pupil: bool,
    born: Day,
    dice: &mut Dice,
) -> (PupilNumber, Option<String>) {
    let numbers = Numbers::new(council.children());
    let year = (born.civil().0 + 4).min(2024);
    let authority = match dice.chance(0.1) {
        true => authority::NEIGHBOURS[dice.below(6) as usize],
        false => authority::OWN,
    };
    if !pupil {
        return match dice.chance(0.4) {
            true => (PupilNumber::Missing(dice.pick(&["UN2", "UN3", "UN4"])), None),
            false => (PupilNumber::Known(numbers.upn(authority::ELSEWHERE, number, year)), None),
        };
    }
    let own = numbers.upn(authority, number, year);
    let temporary = numbers.temporary_upn(authority, number, year);
    match dice.weighted(&[(0, 9700), (1, 120), (2, 30), (3, 150)]) {
        1 => (PupilNumber::Replaced { temporary, permanent: own }, None),
        2 => (PupilNumber::Temporary(temporary), None),
        3 => (PupilNumber::Known(own), Some(numbers.upn(authority::MISTAKEN, number, year))),
        _ => (PupilNumber::Known(own), None),
    }
}

fn schools(
    council: &Council,
    number: u64,
    pupil: bool,
    born: Day,
    dice: &mut Dice,
) -> [Option<u64>; 3] {
    if !pupil {
        return [None; 3];
    }
    let count = places::schools(council.pupils);
    let secondary = year_group(born) >= 7;
    let near = number * 7 / (BLOCK * 5) + dice.below(3);
    let start = near % count;
    let school = (0..3).map(|step| (start + step) % count);
    let school = school.into_iter().find(|school| places::is_secondary(*school) == secondary);
    let school = school.unwrap_or(start);
    let moved = (school + 3) % count;
    match dice.weighted(&[(0, 945), (1, 12), (2, 12), (3, 16), (4, 15)]) {
        1 => [None, Some(school), Some(school)],
        2 => [Some(school), Some(school), None],
        3 => [Some(school), Some(moved), Some(moved)],
        4 => [Some(school), None, None],
        _ => [Some(school); 3],
    }
}

/// The year group in 2024-25: 0 is reception, −1 and −2 the nursery years.
pub(crate) fn year_group(born: Day) -> i32 {
    born.age_at(Day::new(2024, 8, 31)) - 4
}

impl Child {
    /// A day of the school year that is written about; `year` is the one that it has in 2024-25.
    pub(crate) fn day(&self, year: i32, month: i32, day: i32) -> Day {
        Day::new(year + self.year, month, day)
    }

    /// The last day that is counted in that year.
    pub(crate) fn year_end(&self) -> Day {
        self.day(2025, 3, 31)
    }

    /// First and last day of a term of that year.
    pub(crate) fn term(&self, term: usize) -> (Day, Day) {
        let weeks = self.year * calendar::WEEKS;
        (TERMS[term].first.plus(weeks), TERMS[term].last.plus(weeks))
    }

    /// A stream of chance about this child in that year.
    pub(crate) fn dice(&self, council: &Council, subject: Subject) -> Dice {
        self.dice_of(council, subject, self.number)
    }

    /// One of several such streams.
    pub(crate) fn dice_of(&self, council: &Council, subject: Subject, number: u64) -> Dice {
        Dice::new(council.seed ^ u64::from(self.year.unsigned_abs()) << 48, subject, number)
    }

    /// The year group in that year: 0 is reception, -1 and -2 the nursery years.
    pub(crate) fn year_group(&self) -> i32 {
        year_group(self.born) + self.year
    }

    /// How many times as often as others its records are wrong.
    pub(crate) fn error(&self) -> f64 {
        self.hard.as_deref().map_or(1.0, |hard| hard.error)
    }

    /// The pupil number and the former one as the schools hold them in a term.
    pub(crate) fn upn_in(&self, term: usize) -> (Option<&str>, Option<&str>) {
        match &self.upn {
            PupilNumber::Known(upn) | PupilNumber::Temporary(upn) => {
                (Some(upn), self.former_upn.as_deref())
            }
            PupilNumber::Replaced { temporary, .. } if term == 0 => (Some(temporary), None),
            PupilNumber::Replaced { temporary, permanent } => (Some(permanent), Some(temporary)),
            PupilNumber::Missing(_) => (None, None),
        }
    }

    /// The pupil number that stands at the end of the year, or why there is none.
    pub(crate) fn upn_at_end(&self) -> Result<&str, &'static str> {
        match &self.upn {
            PupilNumber::Missing(code) => Err(code),
            _ => Ok(self.upn_in(2).0.unwrap_or_default()),
        }
    }

    /// Whether it was at one of the council's schools in any term.
    pub(crate) fn in_spine(&self) -> bool {
        self.schools.iter().any(Option::is_some)
    }

    /// The same of all years that are written about.
    pub(crate) fn ever_in_spine(&self) -> bool {
        self.in_spine()
            || harder_council::a_year_before(self).is_some_and(|before| before.in_spine())
    }
}
