//! Numbers in other forms than their own: with separators, glued to letters, backwards, without their letter, or in pieces in
//! neighbouring cells of a row.
//!
//! | [`Form`] | example, made from `Q330400024001` | what makes it right |
//! |---|---|---|
//! | `Separated` | `Q33-0400-024001` | the check character |
//! | `Glued` | `pupilQ330400024001x` | the check character |
//! | `Backwards` | `100420004033Q` | the check letter |
//! | `Letterless` | `330400024001` | an authority, a kind of school, and a year, as such a number has them |
//! | `Split` | `Q3304,00024001` | the check letter |
//!
//! Ten digits, of an NHS number or a learner's, stand in each of these forms but the fourth. A learner's number in any of them, and an
//! NHS number backwards or split, counts from three different ones on: [`Finding::least`] says so.
//!
//! Whatever has the form by chance is right as seldom as chance allows, as for the plain numbers: the wrong ones tell how many.

use std::hash::{BuildHasher, RandomState};

use crate::{
    Kind,
    chance::Finding,
    scan::{is_pupil, letter, plausible, remainder},
    tally::Tally,
};

/// A line that is longer is searched piece by piece.
const LONGEST: usize = 64 << 10;
/// The overlap of two pieces, so that no number is cut.
const OVERLAP: usize = 256;
/// A longer word is a hash, a key or a picture.
const LONGEST_WORD: usize = 40;
/// Pieces of one number, between separators and in cells of a row.
const PIECES: usize = 6;
const CELLS: usize = 3;

/// The form in which a number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With hyphens, dots, slashes, underscores or spaces in it.
    Separated,
    /// In the middle of a word.
    Glued,
    /// From its last character to its first.
    Backwards,
    /// A pupil number's 12 digits.
    Letterless,
    /// In pieces, in neighbouring cells.
    Split,
}

const FORMS: [Form; 5] =
    [Form::Separated, Form::Glued, Form::Backwards, Form::Letterless, Form::Split];

impl Form {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Separated => "with separators in them",
            Self::Glued => "glued to letters",
            Self::Backwards => "backwards",
            Self::Letterless => "without their letter",
            Self::Split => "split over cells",
        }
    }
}

/// One search for disguised numbers: of a file, of a table's rows.
#[derive(Default)]
pub struct Disguised {
    key: RandomState,
    pupil: [Counts; 5],
    nhs: [Counts; 5],
    learner: [Counts; 5],
    line: Vec<u8>,
}

#[derive(Default)]
struct Counts {
    right: Tally,
    wrong: Tally,
}

impl Disguised {
    /// Searches a whole: a cell, a row.
    pub fn value(&mut self, bytes: &[u8]) {
        bytes.split(|byte| matches!(byte, b'\n' | b'\r' | 0)).for_each(|line| self.search(line));
    }

    /// Searches a row, its cells parted by commas, for numbers in pieces alone.
    pub fn split(&mut self, row: &[u8]) {
        if row.iter().filter(|byte| byte.is_ascii_digit()).take(10).count() == 10 {
            let words = words(row);
            (0..words.len()).for_each(|first| self.split_at(row, &words[first..]));
        }
    }

    /// Searches the next piece of something long; [`Disguised::end`] says that it was the last.
    pub fn feed(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            self.line.extend_from_slice(part);
            let whole = part.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r' | 0));
            if whole || self.line.len() > LONGEST {
                let line = std::mem::take(&mut self.line);
                self.search(&line);
                if !whole {
                    self.line.extend_from_slice(&line[line.len() - OVERLAP..]);
                }
            }
        }
    }

    /// Ends what was fed.
    pub fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.search(&line);
    }

    /// The findings so far, those without a string of their form left out.
    pub fn findings(&self) -> Vec<(Form, Finding)> {
        let of = |kind: Kind, counts: &[Counts; 5]| {
            let each = FORMS.iter().zip(counts).map(|(form, Counts { right, wrong })| {
                (*form, Finding::of_form(kind, *form, right, wrong))
            });
            each.filter(|(_, finding)| finding.shaped > 0).collect::<Vec<_>>()
        };
        let Self { pupil, nhs, learner, .. } = self;
        [of(Kind::Pupil, pupil), of(Kind::Nhs, nhs), of(Kind::Learner, learner)].concat()
    }

    fn search(&mut self, line: &[u8]) {
        // Every form has ten digits or more.
        if line.iter().filter(|byte| byte.is_ascii_digit()).take(10).count() < 10 {
            return;
        }
        let words = words(line);
        for word in &words {
            self.word(&line[word.clone()]);
        }
        for first in 0..words.len() {
            self.joined(line, &words[first..], PIECES, Form::Separated, |gap| match gap {
                [separator @ (b'-' | b'_' | b'.' | b'/' | b' ')] => Some(*separator),
                _ => None,
            });
            self.split_at(line, &words[first..]);
        }
    }

    /// Whether the first words are a number in neighbouring cells.
    fn split_at(&mut self, line: &[u8], words: &[std::ops::Range<usize>]) {
        self.joined(line, words, CELLS, Form::Split, |gap| {
            let gap = gap.strip_prefix(b"\"").unwrap_or(gap);
            match gap.strip_suffix(b"\"").unwrap_or(gap) {
                [separator @ (b',' | b';' | b'\t' | b'|')] => Some(*separator),
                _ => None,
            }
        });
    }

    /// The content of one word.
    fn word(&mut self, word: &[u8]) {
        if let Ok(characters) = <[u8; 13]>::try_from(word) {
            let mut turned = characters.map(|byte| byte.to_ascii_uppercase());
            turned.reverse();
            if has_form(&turned) {
                self.see(Form::Backwards, &turned);
            }
        }
        if let Ok(digits) = <[u8; 12]>::try_from(word)
            && digits.iter().all(u8::is_ascii_digit)
        {
            self.count(Kind::Pupil, Form::Letterless, is_structured(&digits), &digits);
        }
        if word.len() == 10 {
            self.backwards(word);
        }
        if word.len() <= 10 || word.len() > LONGEST_WORD || word.iter().all(u8::is_ascii_hexdigit) {
            return;
        }
        let mut at = 0;
        while at < word.len() {
            let digits = word[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            match digits {
                0 => at += 1,
                10 => {
                    self.ten(Form::Glued, &word[at..at + 10]);
                    at += 10;
                }
                11 | 12 if at > 0 && word.len() > 13 => {
                    let number = word.get(at - 1..at + 12);
                    let number = number.and_then(|number| <[u8; 13]>::try_from(number).ok());
                    if let Some(number) =
                        number.map(|number| number.map(|byte| byte.to_ascii_uppercase()))
                        && has_form(&number)
                    {
                        self.see(Form::Glued, &number);
                    }
                    at += digits;
                }
                digits => at += digits,
            }
        }
    }

    /// The first words, put together, where the same separator stands between them.
    fn joined(
        &mut self,
        line: &[u8],
        words: &[std::ops::Range<usize>],
        most: usize,
        form: Form,
        separator: impl Fn(&[u8]) -> Option<u8>,
    ) {
        let Some(first) = words.first() else { return };
        // The code of a ward or an authority is no piece of a number (ONS, GSS codes).
        if form == Form::Split && first.len() == 9 && line[first.start].is_ascii_alphabetic() {
            return;
        }
        let (mut whole, mut between) = (line[first.clone()].to_vec(), None);
        for (before, next) in words.iter().zip(&words[1..]).take(most - 1) {
            let Some(gap) = separator(&line[before.end..next.start]) else { return };
            if *between.get_or_insert(gap) != gap {
                return;
            }
            whole.extend_from_slice(&line[next.clone()]);
            if whole.len() > 13 {
                return;
            }
            if let Ok(number) = <[u8; 13]>::try_from(whole.as_slice()) {
                let number = number.map(|byte| byte.to_ascii_uppercase());
                if has_form(&number) {
                    self.see(form, &number);
                }
            }
            if whole.len() == 10 {
                let parts = words.iter().map(|word| word.len());
                let are = |lengths: [usize; 3]| parts.clone().take(3).eq(lengths);
                // Three, three and four are the plain form.
                let is_plain = are([3, 3, 4]);
                match form {
                    Form::Split => self.ten(form, &whole),
                    _ if matches!(gap, b'-' | b'_') && !is_plain => self.ten(form, &whole),
                    _ => {}
                }
                if form == Form::Separated && are([4, 3, 3]) {
                    self.backwards(&whole);
                }
            }
        }
    }

    /// Ten digits from the last to the first.
    fn backwards(&mut self, digits: &[u8]) {
        let turned: Vec<u8> = digits.iter().rev().copied().collect();
        self.ten(Form::Backwards, &turned);
    }

    fn see(&mut self, form: Form, number: &[u8; 13]) {
        self.count(Kind::Pupil, form, is_pupil(number), number);
    }

    fn ten(&mut self, form: Form, digits: &[u8]) {
        if let Ok(digits) = <[u8; 10]>::try_from(digits)
            && plausible(&digits)
        {
            let (sum, check) = remainder(&digits);
            let nhs = (sum + check) % 11 == 0;
            let learner = sum != 0 && sum + check == 10;
            // A number of the one kind is no wrong one of the other.
            if nhs || !learner {
                self.count(Kind::Nhs, form, nhs, &digits);
            }
            if learner || !nhs {
                self.count(Kind::Learner, form, learner, &digits);
            }
        }
    }

    fn count(&mut self, kind: Kind, form: Form, right: bool, number: &[u8]) {
        let hash = self.key.hash_one(number);
        let counts = match kind {
            Kind::Pupil => &mut self.pupil,
            Kind::Nhs => &mut self.nhs,
            Kind::Learner => &mut self.learner,
        };
        let Counts { right: of_right, wrong } = &mut counts[form as usize];
        if right { of_right.add(hash) } else { wrong.add(hash) }
    }
}

/// Runs of letters and digits.
fn words(line: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut words, mut from) = (Vec::new(), None);
    for (at, byte) in line.iter().enumerate() {
        match (byte.is_ascii_alphanumeric(), from) {
            (true, None) => from = Some(at),
            (false, Some(begun)) => {
                words.push(begun..at);
                from = None;
            }
            _ => {}
        }
    }
    words.extend(from.map(|begun| begun..line.len()));
    words
}

/// A check letter, 11 digits, and a digit or a letter.
fn has_form(number: &[u8; 13]) -> bool {
    letter(number[0]).is_some()
        && number[1..12].iter().all(u8::is_ascii_digit)
        && (number[12].is_ascii_digit() || letter(number[12]).is_some())
}

/// Numbers of local authorities in England and Wales (Department for Education, Get Information about Schools).
const AUTHORITIES: [(u16, u16); 20] = [
    (201, 213),
    (301, 320),
    (330, 336),
    (340, 344),
    (350, 359),
    (370, 373),
    (380, 384),
    (390, 394),
    (420, 420),
    (660, 681),
    (800, 803),
    (805, 816),
    (821, 826),
    (830, 831),
    (835, 846),
    (850, 857),
    (860, 861),
    (865, 896),
    (908, 909),
    (916, 943),
];

/// Whether 12 digits are those of a pupil number: an authority, a school's number from 1000 to 7999, and a year of the last
/// thirty (Department for Education, "Unique pupil numbers").
fn is_structured(digits: &[u8; 12]) -> bool {
    let value =
        |digits: &[u8]| digits.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let authority = value(&digits[..3]);
    let (school, year) = (digits[3], value(&digits[7..9]));
    AUTHORITIES.iter().any(|(first, last)| (*first..=*last).contains(&authority))
        && (b'1'..=b'7').contains(&school)
        && (year <= 30 || year >= 97)
}
