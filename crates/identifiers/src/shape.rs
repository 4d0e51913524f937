//! Texts that look like what identifies a child: for kept cells, and for names of files, columns, sheets and elements.

use std::{fmt, path::Path};

use minster_model::{escaped, is_hidden};

use crate::{NhsNumber, Uln, Upn};

/// The look of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A pupil number with its right check letter.
    PupilNumber,
    /// Ten digits with the right check digit of an NHS number.
    NhsNumber,
    /// Ten digits with the right check digit of a learner number.
    LearnerNumber,
    /// A telephone number of the United Kingdom.
    Telephone,
    /// An e-mail address.
    Email,
    /// A postcode in a postcode area that exists.
    Postcode,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PupilNumber => "a pupil number",
            Self::NhsNumber => "an NHS number",
            Self::LearnerNumber => "a learner number",
            Self::Telephone => "a telephone number",
            Self::Email => "an e-mail address",
            Self::Postcode => "a postcode",
        })
    }
}

/// Postcode areas (Royal Mail, Postcode Address File).
const AREAS: [&str; 124] = [
    "AB", "AL", "B", "BA", "BB", "BD", "BH", "BL", "BN", "BR", "BS", "BT", "CA", "CB", "CF", "CH",
    "CM", "CO", "CR", "CT", "CV", "CW", "DA", "DD", "DE", "DG", "DH", "DL", "DN", "DT", "DY", "E",
    "EC", "EH", "EN", "EX", "FK", "FY", "G", "GL", "GU", "GY", "HA", "HD", "HG", "HP", "HR", "HS",
    "HU", "HX", "IG", "IM", "IP", "IV", "JE", "KA", "KT", "KW", "KY", "L", "LA", "LD", "LE", "LL",
    "LN", "LS", "LU", "M", "ME", "MK", "ML", "N", "NE", "NG", "NN", "NP", "NR", "NW", "OL", "OX",
    "PA", "PE", "PH", "PL", "PO", "PR", "RG", "RH", "RM", "S", "SA", "SE", "SG", "SK", "SL", "SM",
    "SN", "SO", "SP", "SR", "SS", "ST", "SW", "SY", "TA", "TD", "TF", "TN", "TQ", "TR", "TS", "TW",
    "UB", "W", "WA", "WC", "WD", "WF", "WN", "WR", "WS", "WV", "YO", "ZE",
];

impl Shape {
    /// The first shape that a text holds, whole or among other words. Dashes and blanks inside a number do not hide it.
    ///
    /// ```
    /// use minster_identifiers::Shape;
    ///
    /// assert_eq!(Shape::find("plan_Q330400024001.csv"), Some(Shape::PupilNumber));
    /// assert_eq!(Shape::find("943 476 5919"), Some(Shape::NhsNumber));
    /// assert_eq!(Shape::find("2024_autumn_pupilonroll.csv"), None);
    /// ```
    pub fn find(text: &str) -> Option<Self> {
        // No identifier is shorter: most kept cells end here.
        if text.len() < 5 {
            return None;
        }
        // A character that cannot be seen hides nothing: neither between two digits nor between a number and its neighbour.
        Self::of_visible(text).or_else(|| {
            let visible = || text.chars().filter(|c| !is_hidden(*c)).collect::<String>();
            text.contains(is_hidden).then(visible).and_then(|text| Self::of_visible(&text))
        })
    }

    fn of_visible(text: &str) -> Option<Self> {
        if is_email(text) {
            return Some(Self::Email);
        }
        let runs: Vec<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|run| !run.is_empty())
            .collect();
        let in_runs = runs.iter().find_map(|run| Self::of_run(&run.to_ascii_uppercase()));
        // `AB1 2CD` stands in two runs.
        let postcode = |pair: &[&str]| {
            let together = pair.concat().to_ascii_uppercase();
            // `S47 1st visits` is no postcode.
            let ordinal = ["1st", "2nd", "3rd"].contains(&pair[1])
                || pair[1].len() == 3 && pair[1].ends_with("th");
            (pair[1].len() == 3 && !ordinal && is_postcode(&together)).then_some(Self::Postcode)
        };
        in_runs
            .or_else(|| runs.windows(2).find_map(postcode))
            .or_else(|| runs.windows(3).find_map(Self::of_groups))
            .or_else(|| (runs.len() > 2).then(|| Self::of_run(&compact(text))).flatten())
            .or_else(|| Self::of_pieces(&runs, text))
            .or_else(|| digit_groups(text).find_map(|digits| Self::of_run(&digits)))
    }

    /// `943.476.5919`: the groups in which the NHS writes its numbers, whatever stands between.
    fn of_groups(groups: &[&str]) -> Option<Self> {
        let digits = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
        let lengths = groups.iter().map(|group| group.len()).eq([3, 3, 4]);
        (digits && lengths).then(|| Self::of_run(&groups.concat())).flatten()
    }

    /// A pupil number or a telephone number that is all of the text, with punctuation in it: `Q3304-00024001`, `(01632) 960.417`.
    fn of_pieces(runs: &[&str], text: &str) -> Option<Self> {
        let whole = runs.concat().to_ascii_uppercase();
        let shape = Self::of_run(&whole);
        match shape {
            Some(Self::PupilNumber) if whole.len() == 13 => shape,
            // `+44 (0)1632 …`: the country's number and the 0 that falls away behind it.
            _ if !text.contains(|c: char| c.is_alphabetic()) => match whole.strip_prefix("440") {
                Some(rest) if rest.len() == 10 => Some(Self::Telephone),
                _ if shape == Some(Self::Telephone) => shape,
                _ => None,
            },
            _ => None,
        }
    }

    /// The shape of upper-case letters and digits without anything between them.
    fn of_run(run: &str) -> Option<Self> {
        let digits = run.bytes().all(|byte| byte.is_ascii_digit());
        if run.len() >= 13 && run.is_ascii() {
            let windows = (0..=run.len() - 13).map(|at| &run[at..at + 13]);
            // A number that starts in the middle of a longer one is none.
            let starts = |window: &&str| window.starts_with(|c: char| c.is_ascii_alphabetic());
            if windows.filter(starts).any(|window| Upn::parse(window).is_ok()) {
                return Some(Self::PupilNumber);
            }
        }
        let telephone = (10..=11).contains(&run.len()) && run.starts_with('0')
            || run.len() == 12 && run.starts_with("44")
            || run.len() == 14 && run.starts_with("0044");
        match (digits, run.len()) {
            (true, _) if telephone => Some(Self::Telephone),
            (true, 10) if is_stamp(run) => None,
            (true, 10) if NhsNumber::parse(run).is_ok() => Some(Self::NhsNumber),
            (true, 10) if matches!(Uln::parse(run), Ok(Uln::Known(_))) => Some(Self::LearnerNumber),
            (false, 5..=7) if is_postcode(run) => Some(Self::Postcode),
            _ => None,
        }
    }
}

/// A text without blanks and dashes, upper case.
fn compact(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2013}'));
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

/// Digits with single blanks or dashes between them, put together. Those that hold a date are a file's stamp.
fn digit_groups(text: &str) -> impl Iterator<Item = String> {
    let mut groups: Vec<Vec<String>> = vec![vec![String::new()]];
    let mut between = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => {
                match (between, groups.last_mut()) {
                    (0, _) => {}
                    (1, Some(group)) => group.push(String::new()),
                    _ => groups.push(vec![String::new()]),
                }
                between = 0;
                if let Some(piece) = groups.last_mut().and_then(|group| group.last_mut()) {
                    piece.push(c);
                }
            }
            ' ' | '-' => between += 1,
            _ => between = 2,
        }
    }
    let dated = |group: &Vec<String>| {
        let year = |text: &str| text.parse::<u32>().is_ok_and(|year| (1990..=2100).contains(&year));
        let of_day = |piece: &String| piece.len() == 8 && (year(&piece[..4]) || year(&piece[4..]));
        let apart = |pieces: &[String]| {
            let lengths: Vec<usize> = pieces.iter().map(String::len).collect();
            match lengths.as_slice() {
                [2, 2, 4] => year(&pieces[2]),
                [4, 2, 2] => year(&pieces[0]),
                _ => false,
            }
        };
        group.iter().any(of_day) || group.windows(3).any(apart)
    };
    let whole = groups.into_iter().filter(move |group| !dated(group)).map(|group| group.concat());
    whole.filter(|group| (10..=14).contains(&group.len()))
}

/// The year, month, day and hour of a file's name: `2024093010`.
fn is_stamp(run: &str) -> bool {
    let number = |from: usize, to: usize| run[from..to].parse::<u32>().unwrap_or(0);
    (1990..=2100).contains(&number(0, 4))
        && (1..=12).contains(&number(4, 6))
        && (1..=31).contains(&number(6, 8))
        && number(8, 10) < 24
}

fn is_email(text: &str) -> bool {
    let mut parts = text.split('@');
    let (Some(before), Some(after)) = (parts.next(), parts.next()) else { return false };
    let local = |c: char| !c.is_whitespace() && !c.is_control();
    let domain = |c: char| c.is_alphanumeric();
    before.ends_with(local) && after.starts_with(domain) && after.contains('.')
}

/// `AB1 2CD` without its blank: an area that exists, a district, a digit and two letters (Royal Mail, Postcode Address
/// File, "Postcode formats"). Letters that no real postcode ends in count too: they are typed for others.
fn is_postcode(run: &str) -> bool {
    if !(5..=7).contains(&run.len()) || !run.is_ascii() {
        return false;
    }
    let (outward, inward) = run.split_at(run.len() - 3);
    let letters = outward.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (area, district) = outward.split_at(letters);
    let inward = inward.as_bytes();
    let district_fits = district.starts_with(|c: char| c.is_ascii_digit())
        && district.len() <= 2
        && (area.len() + district.len() <= 4);
    AREAS.binary_search(&area).is_ok()
        && district_fits
        && inward[0].is_ascii_digit()
        && inward[1..].iter().all(u8::is_ascii_alphabetic)
}

/// A foreign name as it may be shown: not at all where it holds what identifies a child, else escaped.
///
/// ```
/// assert_eq!(minster_identifiers::shown("pupils.csv"), "pupils.csv");
/// assert_eq!(minster_identifiers::shown("Q330400024001.csv"), "(a name with a pupil number in it)");
/// ```
pub fn shown(name: &str) -> String {
    match Shape::find(name) {
        Some(shape) => format!("(a name with {shape} in it)"),
        None => escaped(name).to_string(),
    }
}

/// A path as it may be shown: each of its steps as [`shown`] shows it.
pub fn shown_path(path: &Path) -> String {
    let mut text = String::new();
    for step in path.components() {
        match step {
            std::path::Component::RootDir => text.push('/'),
            step => {
                if !text.is_empty() && !text.ends_with('/') {
                    text.push('/');
                }
                text.push_str(&shown(&step.as_os_str().to_string_lossy()));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_whole_and_among_other_words() {
        for (text, shape) in [
            ("Q330400024001", Shape::PupilNumber),
            ("q330400024001", Shape::PupilNumber),
            ("x-Q3304000-24001", Shape::PupilNumber),
            ("plan for Q330400024001 (2)", Shape::PupilNumber),
            ("abcQ330400024001", Shape::PupilNumber),
            ("9434765919", Shape::NhsNumber),
            ("943 476 5919", Shape::NhsNumber),
            ("943-476-5919.csv", Shape::NhsNumber),
            ("note 943 476 5919 x", Shape::NhsNumber),
            ("943.476.5919", Shape::NhsNumber),
            ("943_476_5919.csv", Shape::NhsNumber),
            ("943/476/5919", Shape::NhsNumber),
            ("9434\u{200b}765919", Shape::NhsNumber),
            ("\u{1b}]0;9434765919\u{7}\u{9b}2J", Shape::NhsNumber),
            ("Q.330400024001", Shape::PupilNumber),
            ("Q330/400024001", Shape::PupilNumber),
            ("(01632)960983", Shape::Telephone),
            ("01632.960983", Shape::Telephone),
            ("+44(0)1632960983", Shape::Telephone),
            ("jo_@fam.example", Shape::Email),
            ("01632960983", Shape::Telephone),
            ("01632 960 983", Shape::Telephone),
            ("+44 1632 960983", Shape::Telephone),
            ("ann@example.org", Shape::Email),
            ("AB1 2CD", Shape::Postcode),
            ("sw1a2aa", Shape::Postcode),
            ("EC1A 1BB list", Shape::Postcode),
        ] {
            assert_eq!(Shape::find(text), Some(shape), "{text}");
        }
    }

    #[test]
    fn names_of_files_columns_and_codes_look_like_no_identifier() {
        for text in [
            "2024_autumn_termlysessiondetailsonroll.csv",
            "SSDA903_2025_header.csv",
            "20240930103000.csv",
            "2024093010_export.csv",
            "S47 1st visit date",
            "S47 2nd enquiry",
            "List_S47_1st_visits.csv",
            "E1 3rd quarter",
            "Cin_07-07-2024 09.30.12.xml",
            "300_CIN_2024_001 20250501.xml",
            "returns 2024-09-30 10-30.csv",
            "summerhalfterm2sessionspossible",
            "AssessmentInternalReviewDate",
            "List 11",
            "WBRI",
            "100000",
            "816/2000",
            "E12000007",
            "A330400024001",
            "1,120",
            "N1",
            "R12AB",
            "2024-autumn",
        ] {
            assert_eq!(Shape::find(text), None, "{text}");
        }
    }

    #[test]
    fn areas_are_in_order() {
        assert!(AREAS.is_sorted());
    }

    #[test]
    fn a_path_shows_no_step_that_identifies() {
        let shown = shown_path(Path::new("/drop/ann@example.org/a\u{202e}.csv"));
        assert_eq!(shown, "/drop/(a name with an e-mail address in it)/a\\u{202e}.csv");
    }
}
