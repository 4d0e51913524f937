//! One text, read token by token and judged line by line.
//!
//! | told as | what stands in a line | how much must |
//! |---|---|---|
//! | `children` | a birth date beside two names, or beside a postcode, of one child | one line, and as many as lines with a whole name of a child and a date that is not this child's |
//! | `names` | two names of one child, at most three words between them | of three children, and of as many as there are neighbouring names of no one child |
//! | `birth_dates` | a birth date beside one name of one child | three different ones, and as many as there are in lines where date and name are of different children |
//! | `postcodes` | a postcode of a child | one, and as many different ones as others |
//!
//! So a guess stands out only alone in a text. Ten guesses in one text hide the one that is right.

use std::collections::{HashSet, VecDeque};

use minster_identifiers::folded_name;
use minster_vault_api::{Recognised, TextToken};

use super::{Known, Part, SHORTEST_NAME};

/// Tokens of the lines before that a line's own stand beside: an XML file has a line for each cell.
const BEFORE: u64 = 12;
/// Words between two names of one child, at most, and one more: `"surname":"Smith","forename":"Emma"`.
const APART: u64 = 4;
/// Known parts after which a line is judged, though it goes on.
const MOST: usize = 64;
/// No name is longer, in bytes.
const LONGEST: usize = 80;
/// Different finds that are counted.
const COUNTED: usize = 1 << 16;
/// Whole names, or birth dates beside one name: fewer may be a member of staff, or chance.
const FEWEST: usize = 3;
/// A text with any find costs so much of the day's budget, at least.
const LEAST_COST: u64 = 10;

/// A part that some child has.
#[derive(Debug, Clone, Copy)]
struct Seen {
    part: Part,
    hash: u64,
    at: u64,
}

/// A text that is being read.
#[derive(Default)]
pub(crate) struct Reading {
    /// Tokens so far, ends of lines left out.
    at: u64,
    /// The first token of the line.
    begins: u64,
    /// Known parts of the line, and of what stands before it.
    seen: VecDeque<Seen>,
    /// The last words, as far as they may be one name.
    joined: Vec<String>,
    /// Whether a postcode stood in the line that some child has.
    postcode: bool,
    found: Found,
}

/// The finds so far.
#[derive(Default)]
struct Found {
    lines: Recognised,
    /// Lines with a child's whole name and a date that is not this child's.
    near: u64,
    names: HashSet<u64>,
    other_names: HashSet<u64>,
    dates: HashSet<u64>,
    /// Lines with names and dates of different children.
    other_dates: HashSet<u64>,
    postcodes: HashSet<u64>,
    other_postcodes: HashSet<u64>,
}

impl Reading {
    /// Reads the next token.
    pub(crate) fn take(&mut self, known: &Known, token: TextToken<'_>) {
        match token {
            TextToken::Word(text) => {
                self.joined.clear();
                self.word(known, text);
            }
            TextToken::Joined(text) => self.word(known, text),
            TextToken::Date(text) => self.other(known, Part::Date, text),
            TextToken::Postcode(text) => self.other(known, Part::Postcode, text),
            TextToken::Line => self.line(known),
        }
        if self.seen.len() >= MOST {
            self.line(known);
        }
    }

    /// Ends the text: what is told of it, and what it costs of the day's budget.
    pub(crate) fn end(mut self, known: &Known) -> (Recognised, u64) {
        self.line(known);
        self.found.judge()
    }

    fn word(&mut self, known: &Known, text: &str) {
        self.at += 1;
        if text.len() > LONGEST {
            return self.joined.clear();
        }
        self.joined.push(folded_name(text));
        let from = self.joined.len().saturating_sub(3);
        self.joined.drain(..from);
        for first in 0..self.joined.len() {
            let name = self.joined[first..].concat();
            let is_name = name.chars().count() >= SHORTEST_NAME;
            if let Some(hash) = known.find(Part::Name, &name).filter(|_| is_name) {
                self.seen.push_back(Seen { part: Part::Name, hash, at: self.at });
            }
        }
    }

    fn other(&mut self, known: &Known, part: Part, text: &str) {
        self.at += 1;
        self.joined.clear();
        let found = known.find(part, text);
        if part == Part::Postcode {
            let place = match found {
                Some(_) => &mut self.found.postcodes,
                None => &mut self.found.other_postcodes,
            };
            count(place, known.hash(part, text));
            self.postcode |= found.is_some();
        }
        if let Some(hash) = found {
            self.seen.push_back(Seen { part, hash, at: self.at });
        }
    }

    /// Judges the line.
    fn line(&mut self, known: &Known) {
        let seen: Vec<Seen> = self.seen.iter().copied().collect();
        let begins = self.begins;
        // In the line, or one of them so near before it.
        let own = |one: &Seen, other: &Seen| {
            let (first, last) = (one.at.min(other.at), one.at.max(other.at));
            first > begins || last > begins && last - first <= BEFORE
        };
        let whole_line = |one: &Seen, other: &Seen| one.at > begins && other.at > begins;
        let of = |part: Part| seen.iter().filter(move |one| one.part == part);

        let (mut names, mut whole_names) = (false, Vec::new());
        for (place, one) in seen.iter().enumerate().filter(|(_, one)| one.part == Part::Name) {
            let later = seen[place + 1..].iter().filter(|other| other.part == Part::Name);
            for other in later.filter(|other| own(one, other) && other.at - one.at <= APART) {
                if one.hash == other.hash || one.at == other.at {
                    continue;
                }
                if known.are_of_one(one.hash, other.hash) {
                    names = true;
                    whole_names.push((*one, *other));
                    count(&mut self.found.names, known.pair(one.hash, other.hash));
                } else if other.at - one.at == 1 && whole_line(one, other) {
                    count(&mut self.found.other_names, known.pair(one.hash, other.hash));
                }
            }
        }

        let (mut child, mut one_name, mut in_line) = (false, false, false);
        let mut apart = Vec::new();
        for date in of(Part::Date) {
            let beside = of(Part::Name).filter(|name| own(name, date));
            let (with, without): (Vec<&Seen>, Vec<&Seen>) =
                beside.partition(|name| known.are_of_one(name.hash, date.hash));
            child |= of(Part::Postcode)
                .any(|one| own(one, date) && known.are_of_one(one.hash, date.hash));
            child |= with.iter().enumerate().any(|(place, one)| {
                let others = with[place + 1..].iter();
                others.into_iter().any(|other| known.are_of_one(one.hash, other.hash))
            });
            for name in &with {
                one_name = true;
                in_line |= whole_line(name, date);
                count(&mut self.found.dates, known.pair(name.hash, date.hash));
            }
            let without = without.iter().filter(|name| whole_line(name, date));
            apart.extend(without.map(|name| known.pair(name.hash, date.hash)));
        }
        let is_near = of(Part::Date).any(|date| {
            whole_names.iter().any(|(one, other)| whole_line(one, date) && whole_line(other, date))
        });

        if !in_line {
            apart.iter().for_each(|pair| count(&mut self.found.other_dates, *pair));
        }
        let Found { lines, near, .. } = &mut self.found;
        lines.children += u64::from(child);
        lines.names += u64::from(names);
        lines.birth_dates += u64::from(one_name);
        lines.postcodes += u64::from(self.postcode);
        *near += u64::from(is_near && !child);
        self.postcode = false;
        self.begins = self.at;
        let from = self.at.saturating_sub(BEFORE);
        self.seen.retain(|one| one.at > from);
        // A line of many parts goes on without what would have it judged again at once.
        let left = self.seen.len().saturating_sub(MOST / 2);
        self.seen.drain(..left);
    }
}

impl Found {
    fn judge(&self) -> (Recognised, u64) {
        let Self { lines, near, .. } = self;
        let Self { names, other_names, dates, other_dates, postcodes, other_postcodes, .. } = self;
        let told = |lines: u64, is_told: bool| if is_told { lines } else { 0 };
        let recognised = Recognised {
            children: told(lines.children, lines.children >= *near),
            names: told(lines.names, names.len() >= FEWEST.max(other_names.len())),
            birth_dates: told(lines.birth_dates, dates.len() >= FEWEST.max(other_dates.len())),
            postcodes: told(lines.postcodes, postcodes.len() >= other_postcodes.len()),
        };
        let any = lines.children + near + lines.names + lines.birth_dates > 0
            || !postcodes.is_empty()
            || !other_postcodes.is_empty();
        let others = other_names.len() + other_dates.len() + other_postcodes.len();
        let guesses = near + others as u64;
        (recognised, if any { guesses.max(LEAST_COST) } else { 0 })
    }
}

fn count(found: &mut HashSet<u64>, one: u64) {
    if found.len() < COUNTED {
        found.insert(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMMA: &str = "SMITHJONES\u{1f}EMMA\u{1f}2010-03-04\u{1f}ZZ11AA";

    fn known() -> Known {
        let mut known = Known::default();
        for text in [
            EMMA,
            "KHAN\u{1f}OMAR\u{1f}2011-05-06",
            "LEE\u{1f}GRACE",
            "LEE\u{1f}GRACE\u{1f}2012-07-08",
            "2013-01-01",
            "BROWN\u{1f}MAY\u{1f}2013-01-02",
        ] {
            known.add(text);
        }
        known
    }

    /// Words between blanks, lines between `/`; dates and postcodes by their first letter.
    fn read(known: &Known, text: &str) -> (Recognised, u64) {
        let mut reading = Reading::default();
        for (place, line) in text.split('/').enumerate() {
            if place > 0 {
                reading.take(known, TextToken::Line);
            }
            for word in line.split_whitespace() {
                reading.take(
                    known,
                    match (word.as_bytes()[0], word.strip_prefix('+')) {
                        (b'2', _) => TextToken::Date(word),
                        (b'Z', _) => TextToken::Postcode(word),
                        (_, Some(joined)) => TextToken::Joined(joined),
                        (_, None) => TextToken::Word(word),
                    },
                );
            }
        }
        reading.end(known)
    }

    fn told(text: &str) -> Recognised {
        read(&known(), text).0
    }

    #[test]
    fn a_row_of_a_child_is_recognised_in_every_order_and_over_lines() {
        let child = |text: &str| told(text).children;
        for row in [
            "id Smith +Jones Emma 2010-03-04",
            "2010-03-04 x emma y smith-jones",
            "Surname Smith-Jones Surname / Forename Emma Forename / Born 2010-03-04",
            "Zoe 2010-03-04 ZZ11AA",
            "Khan Omar 2012-07-08 2011-05-06",
        ] {
            assert_eq!(child(row), 1, "{row}");
        }
        assert_eq!(child("Khan Omar 2011-05-06 / Lee Grace 2012-07-08"), 2);
    }

    #[test]
    fn parts_of_several_children_and_single_parts_are_words() {
        for text in [
            "",
            "Emma",
            "Smith-Jones",
            "2010-03-04",
            "2013-01-01 Grace",
            "Grace 2010-03-04",
            "Emma Khan 2012-07-08",
            "Omar Smith-Jones 2013-01-01",
            // Two names of one child, and too few of them to be told from a member of staff.
            "Emma Smith-Jones",
            "Emma Smith-Jones / Omar Khan",
            // Too far apart.
            "Khan Omar / a b c d e f g h i j k l 2011-05-06",
        ] {
            assert!(told(text).is_none(), "{text}: {:?}", told(text));
        }
    }

    #[test]
    fn whole_names_and_dates_beside_one_name_are_told_where_there_are_several() {
        let three = "Emma Smith-Jones / Khan Omar / Grace Lee";
        assert_eq!(told(three).names, 3);
        // Neighbours of no one child: as many as chance gives.
        let staff = " / Emma Khan / Emma Lee / Omar Lee / Grace Khan";
        assert_eq!(told(&format!("{three}{staff}")).names, 0);
        let dates = "Emma 2010-03-04 / Omar x 2011-05-06 / 2012-07-08 Lee";
        assert_eq!((told(dates).birth_dates, told(dates).children), (3, 0));
        let others = " / May 2010-03-04 / May 2011-05-06 / May 2012-07-08 / May 2013-01-01";
        assert_eq!(told(&format!("{dates}{others}")).birth_dates, 0);
    }

    #[test]
    fn a_postcode_of_a_child_is_told_and_one_among_others_is_not() {
        assert_eq!(told("call ZZ11AA").postcodes, 1);
        assert_eq!(told("ZZ11AA ZZ11AB").postcodes, 1);
        assert_eq!(told("ZZ11AA / ZZ11AB ZZ11AC").postcodes, 0);
        assert_eq!(told("ZZ11AB").postcodes, 0);
    }

    /// A child's birth date can be tried out once a text, and each try is paid for.
    #[test]
    fn a_guess_hides_among_others_and_costs_its_share() {
        let known = known();
        assert_eq!(
            read(&known, "Omar Khan 2011-05-06"),
            (Recognised { children: 1, ..Recognised::default() }, LEAST_COST)
        );
        assert_eq!(read(&known, "Omar Khan 2010-03-04"), (Recognised::default(), LEAST_COST));
        let guesses = ["2010-03-04", "2012-07-08", "2011-05-06", "2013-01-01"];
        let lines = guesses.map(|born| format!("Omar Khan {born}")).join(" / ");
        // The carried lines must not join the guesses.
        let filled = lines.replace('/', "/ a b c d e f g h i j k l m n /");
        let (told, cost) = read(&known, &filled);
        assert!(told.is_none(), "{told:?}");
        assert!(cost >= LEAST_COST);
        let many = vec![filled; 10].join(" / a b c d e f g h i j k l m n / ");
        assert!(read(&known, &many).1 >= 30);
        // Words without any child cost nothing: nothing is learned from them.
        assert_eq!(
            read(&known, "Grace Khan at the old school, Emma Lee"),
            (Recognised::default(), 0)
        );
    }

    #[test]
    fn a_long_line_is_judged_piece_by_piece() {
        let line = vec!["Omar Khan 2011-05-06"; 500].join(" ");
        let found = told(&line);
        assert!(found.children > 10 && found.children < 500, "{found:?}");
    }
}
