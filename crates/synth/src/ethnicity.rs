//! Ethnicity: the main codes that all returns know, and the extended codes that schools may record.

use crate::dice::Dice;

/// Main codes with their weight.
const MAIN: [(&str, u32); 18] = [
    ("WBRI", 640),
    ("WOTH", 62),
    ("WIRI", 6),
    ("WIRT", 3),
    ("WROM", 4),
    ("APKN", 58),
    ("AIND", 38),
    ("ABAN", 22),
    ("AOTH", 17),
    ("BAFR", 44),
    ("BCRB", 9),
    ("BOTH", 8),
    ("MWBC", 16),
    ("MWAS", 15),
    ("MWBA", 9),
    ("MOTH", 24),
    ("CHNE", 5),
    ("OOTH", 20),
];

/// Main codes with extended codes below them. The codes of one main code stand together in the
/// ministry's list; those whose place there is in doubt (ABRI, AWEL, BBRI, BWEL) are left out.
const EXTENDED: [(&str, &[&str]); 11] = [
    ("WBRI", &["WENG", "WENG", "WENG", "WSCO", "WWEL", "WNIR", "WCOR", "WOWB"]),
    ("WOTH", &["WEEU", "WEEU", "WWEU", "WITA", "WPOR", "WTUR", "WALB", "WKOS", "WOTW"]),
    ("WROM", &["WROR", "WROG", "WROO"]),
    ("MWAS", &["MWAP", "MWAI", "MWAO"]),
    ("MOTH", &["MWOE", "MWCH", "MABL", "MOTM"]),
    ("APKN", &["AKPA", "AMPK", "AOPK"]),
    ("AOTH", &["ANEP", "ASLT", "AAFR", "AOTA"]),
    ("BAFR", &["BSOM", "BSOM", "BNGN", "BGHA", "BCON", "BSUD", "BAOF"]),
    ("BOTH", &["BEUR", "BNAM", "BOTB"]),
    ("CHNE", &["CHKC", "CMAL", "COCH"]),
    ("OOTH", &["OAFG", "ORAB", "OKRD", "OIRN", "OYEM", "OVIE", "OOEG"]),
];

/// A family's main code.
pub(crate) fn main_code(dice: &mut Dice) -> &'static str {
    dice.weighted(&MAIN)
}

/// The code that a school records: for one child in five an extended one.
pub(crate) fn recorded(main: &'static str, dice: &mut Dice) -> &'static str {
    let extended = EXTENDED.iter().find(|(code, _)| *code == main);
    match extended {
        Some((_, codes)) if dice.chance(0.2) => dice.pick(codes),
        _ => main,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_main_and_extended() {
        let main: Vec<&str> = MAIN.iter().map(|(code, _)| *code).collect();
        for (code, extended) in EXTENDED {
            assert!(main.contains(&code));
            assert!(extended.iter().all(|code| !main.contains(code)));
        }
    }
}
