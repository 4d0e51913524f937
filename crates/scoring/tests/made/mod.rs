//! Records made of clear texts, with keyed values that stand for them.

use std::hash::{DefaultHasher, Hash, Hasher};

use minster_scoring::{BirthDate, KeyedValue, Name, Postcode, Record};

pub(crate) fn keyed(kind: &str, text: &str) -> KeyedValue {
    let mut bytes = [0; 16];
    for (half, bytes) in bytes.chunks_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (half, kind, text).hash(&mut hasher);
        bytes.copy_from_slice(&hasher.finish().to_le_bytes());
    }
    KeyedValue::from_bytes(bytes)
}

fn without_one(text: &str) -> Vec<String> {
    (0..text.len()).map(|at| format!("{}{}", &text[..at], &text[at + 1..])).collect()
}

pub(crate) fn name(text: &str) -> Name {
    let of = |texts: &[String]| texts.iter().map(|text| keyed("name", text)).collect();
    let one = without_one(text);
    let two: Vec<String> = one.iter().flat_map(|text| without_one(text)).collect();
    let consonants: String = text.chars().filter(|c| !"AEIOUHY".contains(*c)).collect();
    Name {
        whole: Some(keyed("name", text)),
        initial: Some(keyed("initial", &text[..1])),
        sounds: vec![keyed("sound", &consonants)],
        one_less: if text.len() > 2 { of(&one) } else { Vec::new() },
        two_less: if text.len() > 4 { of(&two) } else { Vec::new() },
    }
}

/// `2011-03-04`.
pub(crate) fn born(text: &str) -> BirthDate {
    let (year, month, day) = (&text[..4], &text[5..7], &text[8..]);
    let digits = format!("{year}{month}{day}");
    BirthDate {
        whole: keyed("date", &digits),
        swapped: (day <= "12" && day != month)
            .then(|| keyed("date", &format!("{year}{day}{month}"))),
        one_less: without_one(&digits).iter().map(|text| keyed("digits", text)).collect(),
        year: keyed("year", year),
        month: keyed("month", month),
        day: keyed("day", day),
    }
}

pub(crate) fn postcode(text: &str) -> Postcode {
    Postcode {
        unit: keyed("postcode", text),
        sector: Some(keyed("sector", &text[..text.len() - 2])),
        one_less: without_one(text).iter().map(|text| keyed("postcode", text)).collect(),
    }
}

/// One value of each part; an empty text is none.
pub(crate) fn person([forename, surname, date, sex, home]: [&str; 5]) -> Record {
    let some = |text: &str| !text.is_empty();
    Record {
        forenames: some(forename).then(|| name(forename)).into_iter().collect(),
        surnames: some(surname).then(|| name(surname)).into_iter().collect(),
        birth_dates: some(date).then(|| born(date)).into_iter().collect(),
        sexes: some(sex).then(|| keyed("sex", sex)).into_iter().collect(),
        postcodes: some(home).then(|| postcode(home)).into_iter().collect(),
        identifiers: Vec::new(),
    }
}

const FORENAMES: [&str; 40] = [
    "ZOFIA", "JACK", "JAMES", "AMIR", "AMIRA", "OLIVIA", "NOAH", "GEORGE", "ISLA", "AVA",
    "MOHAMMED", "MUHAMMAD", "AYESHA", "AISHA", "LILY", "FREYA", "LEO", "ARTHUR", "THEO", "HARRY",
    "OSCAR", "IVY", "ROSIE", "SOPHIE", "SOPHIA", "EMILY", "GRACE", "ELLA", "POPPY", "HENRY",
    "LUCAS", "ALFIE", "FINLEY", "ARCHIE", "THOMAS", "TOBIAS", "ADAM", "ADIL", "YUSUF", "MAYA",
];
const SURNAMES: [&str; 32] = [
    "SMITH", "SMYTH", "JONES", "KHAN", "PATEL", "BROWN", "TAYLOR", "WILSON", "EVANS", "THOMAS",
    "ROBERTS", "JOHNSON", "LEWIS", "WALKER", "ROBINSON", "WOOD", "THOMPSON", "WHITE", "WATSON",
    "JACKSON", "WRIGHT", "GREEN", "HARRIS", "COOPER", "KING", "LEE", "MARTIN", "CLARKE", "HUSSAIN",
    "BEGUM", "KOWALSKA", "NOWAK",
];

/// The `number`th of many persons, of whom hardly two are alike: texts of each part.
pub(crate) fn of_many(number: usize) -> [String; 5] {
    let drawn = |salt: usize, of: u64| {
        let mut hasher = DefaultHasher::new();
        (number, salt).hash(&mut hasher);
        (hasher.finish() % of) as usize
    };
    // Squared, so that some names are frequent and some are rare.
    let skewed = |salt: usize, of: usize| {
        let drawn = drawn(salt, 1_000) as f64 / 1_000.0;
        (drawn * drawn * of as f64) as usize
    };
    [
        FORENAMES[skewed(1, FORENAMES.len())].to_owned(),
        SURNAMES[skewed(2, SURNAMES.len())].to_owned(),
        format!("{}-{:02}-{:02}", 2006 + drawn(3, 12), 1 + drawn(4, 12), 1 + drawn(5, 28)),
        ["F", "M"][drawn(6, 2)].to_owned(),
        format!(
            "AB{} {}{}{}",
            1 + drawn(7, 9),
            drawn(8, 10),
            letter(drawn(9, 20)),
            letter(drawn(10, 20))
        ),
    ]
}

fn letter(number: usize) -> char {
    char::from(b'A' + (number % 20) as u8)
}

pub(crate) fn made(texts: &[String; 5]) -> Record {
    person(texts.each_ref().map(String::as_str))
}
