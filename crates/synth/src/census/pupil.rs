//! Schools hold more of a pupil than other sources do: other names, the language, the address.

use crate::{
    child::{self, Child},
    council::Council,
    dice::{Dice, Subject},
    places,
};

/// The same in every term.
pub(super) struct Pupil {
    middle: String,
    preferred: String,
    former: String,
    language: &'static str,
    enrolment: &'static str,
    lunch: bool,
    service: &'static str,
    carer: &'static str,
    house: u64,
    property: String,
    /// It came from another of the council's schools in the summer before.
    pub(super) left_in_summer: bool,
}

impl Pupil {
    pub(super) fn of(council: &Council, child: &Child) -> Self {
        let mut dice = child.dice(council, Subject::Pupil);
        let middle = match dice.chance(0.6) {
            true => child::forename(&mut dice, child.male),
            false => String::new(),
        };
        let other = |dice: &mut Dice, rate| match dice.chance(rate) {
            true => child::surname(dice),
            false => String::new(),
        };
        let preferred = other(&mut dice, 0.04);
        let mut former = other(&mut dice, 0.02);
        if let Some(hard) = child.hard.as_deref() {
            former = hard.former_name.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
        }
        // Children of one home live in one house: it follows from what they share.
        let home = child.surname.bytes().chain(child.postcode.bytes());
        let home = home.fold(7, |sum: u64, byte| (sum * 131 + u64::from(byte)) % 1_000_000_007);
        Self {
            middle,
            preferred,
            former,
            language: language(child, &mut dice),
            enrolment: if dice.chance(0.01) { "M" } else { "C" },
            lunch: (0..=2).contains(&child.year_group()) && dice.chance(0.85),
            service: if dice.chance(0.02) { "Y" } else { "N" },
            carer: dice.weighted(&[("N", 980), ("P", 12), ("S", 8)]),
            house: 1 + home % 140,
            // Twelve digits, so that none looks like an NHS number.
            property: format!("{}", 100_000_000_000 + home),
            left_in_summer: child.schools[0].is_some()
                && child.dice(council, Subject::Left).chance(0.02),
        }
    }

    /// A column of the pupils' and the leavers' tables; blank where nothing is known.
    pub(super) fn value(&self, child: &Child, column: &str) -> String {
        let nursery = child.year_group() < 0;
        let flag = |yes: bool| if yes { "True" } else { "False" };
        let text = match column {
            "surname" => &child.surname,
            "forename" => &child.forename,
            "middlenames" => &self.middle,
            "preferredsurname" => match self.preferred.as_str() {
                "" => &child.surname,
                preferred => preferred,
            },
            "formersurname" => &self.former,
            "uniquelearnernumber" => child.uln.as_deref().unwrap_or_default(),
            "sex" => match child.male {
                true => "M",
                false => "F",
            },
            "language" => self.language,
            "enrolstatus" => self.enrolment,
            "classtype" => match nursery {
                true => "N",
                false => "O",
            },
            "boarder" | "plaa" => "N",
            "servicechild" => self.service,
            "youngcarer" => self.carer,
            "parttime" => flag(nursery),
            "schoollunchtaken" => flag(self.lunch),
            "topupfunding" => flag(child.sen == 'E'),
            "senunitindicator" | "resourcedprovisionindicator" | "dafindicator" => flag(false),
            "hoursatsetting" | "fundedhours" if nursery => "15.0",
            _ => "",
        };
        text.to_owned()
    }

    /// A column of the addresses' tables.
    pub(super) fn address(&self, child: &Child, home: &str, column: &str) -> String {
        match column {
            "postcode" => home.to_owned(),
            "uniquepropertyreferencenumber" => self.property.clone(),
            "paon" => self.house.to_string(),
            "street" => format!("{} Road", places::WARDS[child.ward].0),
            "town" => "Mereford".to_owned(),
            _ => String::new(),
        }
    }
}

fn language(child: &Child, dice: &mut Dice) -> &'static str {
    let other = match child.ethnicity {
        "APKN" => dice.pick(&["URD", "PNJ"]),
        "ABAN" => "BNG",
        "AIND" => dice.pick(&["GUJ", "HIN"]),
        "BAFR" => dice.pick(&["SOM", "YOR"]),
        "WOTH" => dice.pick(&["POL", "ITA", "POR"]),
        "OOTH" => "ARA",
        _ => return "ENG",
    };
    if dice.chance(0.5) { other } else { "ENG" }
}
