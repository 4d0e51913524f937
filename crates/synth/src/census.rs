//! The school census: the CSV tables of three terms.

mod layouts;
mod pupil;

use layouts::{Layout, Table};
pub(crate) use layouts::{NAMES, TABLES};

use self::pupil::Pupil;
use crate::{
    calendar::{DateStyle, Day},
    child::Child,
    council::Council,
    dice::{Dice, Subject},
    file_pieces::Piece,
    numbers, places,
    services::{Damage, date, tidy_upn},
    slips::{self, Clerk},
};

/// Tables of all three terms.
pub(crate) const FILES: usize = TABLES[0].len() + TABLES[1].len() + TABLES[2].len();

/// Adds a child's rows of all terms. `pieces` are the tables', term after term.
pub(crate) fn add(council: &Council, child: &Child, mut pieces: &mut [Piece]) {
    if !child.ever_in_spine() {
        return;
    }
    let pupil = Pupil::of(council, child);
    for (term, layouts) in TABLES.into_iter().enumerate() {
        let (pieces_of_term, rest) = pieces.split_at_mut(layouts.len());
        pieces = rest;
        let dice = child.dice_of(council, Subject::Census, child.number * 3 + term as u64);
        let mut census =
            Census { council, child, pupil: &pupil, term, layouts, dice, pieces: pieces_of_term };
        if let Some(school) = child.schools[term] {
            census.on_roll(school);
        }
        if let Some(school) = census.left().filter(|left| child.schools[term] != Some(*left)) {
            census.off_roll(school);
        }
    }
}

/// One child in one term.
struct Census<'a> {
    council: &'a Council,
    child: &'a Child,
    pupil: &'a Pupil,
    term: usize,
    layouts: &'static [Layout],
    dice: Dice,
    pieces: &'a mut [Piece],
}

/// The rows of one child at one school share this.
struct Entry {
    /// The number that the child tables join on.
    id: String,
    school: String,
    source: String,
}

impl Census<'_> {
    /// The school that the child left since the census before.
    fn left(&self) -> Option<u64> {
        match self.term.checked_sub(1) {
            Some(before) => self.child.schools[before],
            // The school of the year before tells of a child who left in summer.
            None if !self.child.in_spine() => {
                self.child.hard.as_deref().and_then(|hard| hard.before.schools[2])
            }
            None => self.pupil.left_in_summer.then(|| {
                let school = self.child.schools[0].unwrap_or_default();
                (school + 1) % places::schools(self.council.pupils)
            }),
        }
    }

    /// The last day of the term before.
    fn leaving_day(&self) -> Day {
        let child = self.child;
        self.term.checked_sub(1).map_or(child.day(2024, 7, 23), |before| child.term(before).1)
    }

    /// Adds a row to a table, where the term has it. Columns that all tables have are filled here.
    fn row(
        &mut self,
        table: Table,
        entry: &Entry,
        order: u64,
        defect: &'static str,
        value: impl Fn(&str) -> String,
    ) {
        let Some(place) = self.layouts.iter().position(|layout| layout.table == table) else {
            return;
        };
        let own = self.child.number * 64 + table as u64 * 4 + order;
        let row: Vec<String> = self.layouts[place]
            .columns
            .split(',')
            .map(|column| match column {
                "pupilonrolltableid" | "pupilnolongeronrolltableid" => entry.id.clone(),
                "NativeId" => entry.school.clone(),
                "sourceid" => entry.source.clone(),
                "schoolcensustableid" => census_id(&entry.school, self.term),
                column if column.ends_with("tableid") => {
                    numbers::table_id(own, 40 + self.term as u64)
                }
                column if column.ends_with("orderseqcolumn") => order.to_string(),
                column => value(column),
            })
            .collect();
        self.pieces[place].row(&row);
        self.pieces[place].tell(self.child.number, defect);
    }

    fn on_roll(&mut self, school: u64) {
        let (council, child, pupil, term) = (self.council, self.child, self.pupil, self.term);
        let entry = self.entry(school, 0);
        let mut damage = Damage::default();
        let (upn, former) = child.upn_in(term);
        let upn = tidy_upn(council, child, upn.unwrap_or_default(), &mut self.dice, &mut damage);
        let born =
            date(council, child, Clerk::School, DateStyle::Census, &mut self.dice, &mut damage);
        let day = child.term(term).0;
        let named = self.names(day, &mut damage);
        // The pupils' table is every term's first. Autumn does not ask for ethnicity: nothing can be
        // wrong with it.
        let asked = self.layouts[0].columns.contains("ethnicity");
        let ethnicity = match self.dice.chance(council.defects.unknown_code) && asked {
            true => damage.note("unknown-code", "ZZZZ"),
            false => child.recorded_ethnicity,
        };
        let possible = 120 + self.dice.below(20);
        let missed = (possible as f64 * child.absence) as u64;
        let unauthorised = self.dice.below(missed / 3 + 1);
        self.row(Table::Pupils, &entry, 1, damage.defect(), |column| match column {
            "dob" => born.clone(),
            "upn" => upn.clone(),
            "surname" => named[1].clone(),
            "forename" => named[0].clone(),
            "formerupn" => former.unwrap_or_default().to_owned(),
            "entrydate" => child.term(term).0.census(),
            "ethnicity" => ethnicity.to_owned(),
            "senprovision" => child.sen.to_string(),
            "ncyearactual" => nc_year(child),
            "termlysessionspossible" => format!("{possible}.0"),
            "termlysessionsauthorised" => format!("{}.0", missed - unauthorised),
            "termlysessionsunauthorised" => format!("{unauthorised}.0"),
            _ => pupil.value(child, column),
        });
        if self.dice.chance(council.defects.duplicate_row) {
            self.pieces[0].repeat(child.number);
        }
        self.sessions(Table::Sessions, &entry, missed);
        let rate = if child.sen == 'N' { 0.004 } else { 0.02 };
        self.exclusion(Table::Exclusions, &entry, rate, 0.05);
        if child.meals {
            self.row(Table::Meals, &entry, 1, "", |column| match column {
                "fsmstartdate" => child.term(0).0.census(),
                "ukcountry" => "ENG".to_owned(),
                _ => String::new(),
            });
        }
        if child.sen != 'N' {
            let need = self.dice.pick(&["SPLD", "MLD", "SLCN", "SEMH", "ASD", "PD", "HI"]);
            self.need(&entry, 1, need);
            if self.dice.chance(0.15) {
                self.need(&entry, 2, "OTH");
            }
        }
        let home = slips::postcode(child, day, &mut self.dice, &mut Damage::default());
        self.row(Table::Addresses, &entry, 1, "", |column| pupil.address(child, &home, column));
        if self.dice.chance(child.absence / 4.0) {
            self.half_term(Table::HalfTerm, &entry);
        }
    }

    fn off_roll(&mut self, school: u64) {
        let (council, child, pupil, term) = (self.council, self.child, self.pupil, self.term);
        let entry = self.entry(school, 9);
        let mut damage = Damage::default();
        let (upn, former) = child.upn_in(term);
        let upn = tidy_upn(council, child, upn.unwrap_or_default(), &mut self.dice, &mut damage);
        let last = self.leaving_day();
        let named = self.names(last, &mut damage);
        let possible = 60 + self.dice.below(60);
        let missed = (possible as f64 * child.absence) as u64;
        self.row(Table::Leavers, &entry, 1, damage.defect(), |column| match column {
            "dob" => child.born.census(),
            "surname" => named[1].clone(),
            "forename" => named[0].clone(),
            "upn" => upn.clone(),
            "formerupn" => former.unwrap_or_default().to_owned(),
            "entrydate" => last.plus(-300).census(),
            "leavingdate" => last.census(),
            "ethnicity" => child.recorded_ethnicity.to_owned(),
            "ncyearleaving" => nc_year(child),
            "termlysessionspossible" => format!("{possible}.0"),
            "termlysessionsauthorised" => format!("{missed}.0"),
            "termlysessionsunauthorised" => "0.0".to_owned(),
            _ => pupil.value(child, column),
        });
        self.sessions(Table::SessionsOff, &entry, missed);
        self.exclusion(Table::ExclusionsOff, &entry, 0.06, 0.6);
        let home = slips::postcode(child, last, &mut self.dice, &mut Damage::default());
        self.row(Table::AddressesOff, &entry, 1, "", |column| pupil.address(child, &home, column));
        if self.dice.chance(child.absence) {
            self.half_term(Table::HalfTermOff, &entry);
        }
    }

    /// Forename and surname as the school has them on a day.
    fn names(&mut self, day: Day, damage: &mut Damage) -> [String; 2] {
        let (council, child) = (self.council, self.child);
        let named = slips::names(council, child, Clerk::School, day, &mut self.dice, damage);
        named.unwrap_or_else(|| [child.forename.clone(), child.surname.clone()])
    }

    fn entry(&self, school: u64, salt: u64) -> Entry {
        let term = self.term as u64;
        Entry {
            id: numbers::pupil_table_id(self.child.number, salt + term),
            school: places::code(school),
            source: numbers::table_id(self.child.number, 11 + salt + term),
        }
    }

    fn sessions(&mut self, table: Table, entry: &Entry, missed: u64) {
        for (order, reason) in ["I", "M", "U"].iter().enumerate() {
            if self.dice.chance(self.child.absence * 3.0) {
                let sessions = 1 + self.dice.below(missed + 1);
                self.session_row(table, entry, order as u64 + 1, sessions, reason);
            }
        }
    }

    fn half_term(&mut self, table: Table, entry: &Entry) {
        let (sessions, reason) = (1 + self.dice.below(9), self.dice.pick(&["I", "M", "G"]));
        self.session_row(table, entry, 1, sessions, reason);
    }

    fn session_row(&mut self, table: Table, entry: &Entry, order: u64, sessions: u64, why: &str) {
        self.row(table, entry, order, "", |column| match column {
            "sessions" => format!("{sessions}.0"),
            "attendancereason" => why.to_owned(),
            _ => String::new(),
        });
    }

    /// Adds an exclusion at a rate; so many of them are permanent.
    fn exclusion(&mut self, table: Table, entry: &Entry, rate: f64, permanent: f64) {
        if !self.dice.chance(rate) {
            return;
        }
        let day = match table {
            Table::ExclusionsOff => self.leaving_day().plus(-self.dice.between(3, 60)),
            _ => self.child.term(self.term).0.plus(self.dice.between(3, 60)),
        };
        let permanent = self.dice.chance(permanent);
        let reason = self.dice.pick(&["PP", "PA", "VA", "DB", "DM"]);
        let second = if self.dice.chance(0.1) { "BU" } else { "" };
        let sen = self.child.sen;
        self.row(table, entry, 1, "", |column| match column {
            "startdate" => day.census(),
            "sessions" => if permanent { "0.0" } else { "4.0" }.to_owned(),
            "category" => if permanent { "PERM" } else { "SUSP" }.to_owned(),
            "reason1" => reason.to_owned(),
            "reason2" => second.to_owned(),
            "senprovision" => sen.to_string(),
            _ => String::new(),
        });
    }

    fn need(&mut self, entry: &Entry, rank: u64, need: &str) {
        self.row(Table::Needs, entry, rank, "", |column| match column {
            "sentyperank" => format!("{rank}.0"),
            "sentype" => need.to_owned(),
            _ => String::new(),
        });
    }
}

/// The number of a school's whole return.
fn census_id(school: &str, term: usize) -> String {
    let number = school.bytes().fold(0, |sum: u64, byte| sum * 31 + u64::from(byte));
    numbers::table_id(number, 30 + term as u64)
}

fn nc_year(child: &Child) -> String {
    match child.year_group() {
        year @ 1..=14 => year.to_string(),
        0 => "R".to_owned(),
        -1 => "N2".to_owned(),
        _ => "N1".to_owned(),
    }
}
