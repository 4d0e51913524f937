//! Dates and postcodes in their usual spellings.

use jiff::civil::Date;

/// The shortest year that a child of a registry was born in, and the last.
const YEARS: std::ops::RangeInclusive<i16> = 1950..=2100;
/// Names of months, of which three letters are enough.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Letters that no postcode has in its last two places (BS 7666).
const NOT_INWARD: &[u8] = b"CIKMOV";

/// A date at the head of a text: its bytes there, and the days that it may be.
pub(super) fn date(text: &str) -> Option<(usize, Vec<Date>)> {
    let mut at = At { text: text.as_bytes(), place: 0 };
    let found = match at.text.first()? {
        b'0'..=b'9' => at.clone_of(At::of_digits).or_else(|| at.clone_of(At::day_and_month)),
        first if first.is_ascii_alphabetic() => at.clone_of(At::month_first),
        _ => None,
    };
    let (place, days) = found?;
    at.place = place;
    // A time may follow at once.
    let ends = match at.peek() {
        None => true,
        Some(b'T' | b't') => at.text.get(place + 1).is_some_and(u8::is_ascii_digit),
        Some(byte) => !byte.is_ascii_alphanumeric(),
    };
    (ends && !days.is_empty()).then_some((place, days))
}

/// A postcode at the head of a text: its bytes there, and itself in upper case without blanks.
pub(super) fn postcode(text: &str) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if !(1..=2).contains(&letters) || !bytes.get(letters)?.is_ascii_digit() {
        return None;
    }
    let try_at = |outward: usize| {
        let has_blank = bytes.get(outward) == Some(&b' ');
        let from = outward + usize::from(has_blank);
        let [digit, one, other] = *bytes.get(from..from + 3)?.first_chunk::<3>()?;
        let inward = |byte: u8| {
            byte.is_ascii_alphabetic() && !NOT_INWARD.contains(&byte.to_ascii_uppercase())
        };
        // Within a character no postcode ends.
        let ends = !text.get(from + 3..)?.chars().next().is_some_and(char::is_alphanumeric);
        (digit.is_ascii_digit() && inward(one) && inward(other) && ends).then(|| {
            let plain = [&bytes[..outward], &bytes[from..from + 3]].concat();
            (from + 3, String::from_utf8_lossy(&plain).to_ascii_uppercase())
        })
    };
    let longer = bytes.get(letters + 1).is_some_and(u8::is_ascii_alphanumeric);
    longer.then(|| try_at(letters + 2)).flatten().or_else(|| try_at(letters + 1))
}

/// A place in a text.
struct At<'a> {
    text: &'a [u8],
    place: usize,
}

impl<'a> At<'a> {
    /// Tries from here, and gives the place behind what was found.
    fn clone_of(
        &self,
        find: impl FnOnce(&mut At<'a>) -> Option<Vec<Date>>,
    ) -> Option<(usize, Vec<Date>)> {
        let mut at = At { text: self.text, place: self.place };
        let days = find(&mut at)?;
        Some((at.place, days))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.place).copied()
    }

    /// A number of so many digits at most, and how many they are.
    fn number(&mut self) -> Option<(i16, usize)> {
        let digits =
            self.text[self.place..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(self.text.get(self.place..self.place + digits)?).ok()?;
        self.place += digits;
        Some((text.parse().ok()?, digits))
    }

    /// A separator of dates.
    fn separator(&mut self) -> Option<u8> {
        let byte = self.peek().filter(|byte| b"-/. ".contains(byte))?;
        self.place += 1;
        Some(byte)
    }

    /// `20100304`, `2010-03-04`, `4/3/2010`, `04.03.10`.
    fn of_digits(&mut self) -> Option<Vec<Date>> {
        let digits = self.text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 8 {
            self.place = 8;
            let of = |range: std::ops::Range<usize>| {
                std::str::from_utf8(self.text.get(range)?).ok()?.parse::<i16>().ok()
            };
            let first = day(of(0..4)?, of(4..6)?, of(6..8)?);
            return Some(first.into_iter().chain(day(of(4..8)?, of(2..4)?, of(0..2)?)).collect());
        }
        let (one, long) = self.number()?;
        let between = self.separator()?;
        let (two, middle) = self.number()?;
        if self.separator()? != between || middle > 2 {
            return None;
        }
        let (three, last) = self.number()?;
        match (long, last) {
            (4, 1 | 2) => Some(day(one, two, three).into_iter().collect()),
            (1 | 2, 4) => Some(either(three, two, one)),
            (1 | 2, 2) if between != b' ' => {
                Some([1900, 2000].iter().flat_map(|of| either(of + three, two, one)).collect())
            }
            _ => None,
        }
    }

    /// `4 March 2010`, `4th Mar 10`, `04-MAR-2010`.
    fn day_and_month(&mut self) -> Option<Vec<Date>> {
        let (of_month, _) = self.number().filter(|(_, digits)| *digits <= 2)?;
        for ending in ["st", "nd", "rd", "th"] {
            if self.text[self.place..].starts_with(ending.as_bytes()) {
                self.place += 2;
                break;
            }
        }
        self.between()?;
        let month = self.month()?;
        self.between()?;
        self.years(month, of_month)
    }

    /// `March 4, 2010`.
    fn month_first(&mut self) -> Option<Vec<Date>> {
        let month = self.month()?;
        self.between()?;
        let (of_month, _) = self.number().filter(|(_, digits)| *digits <= 2)?;
        self.between()?;
        self.years(month, of_month)
    }

    /// One or two characters between the words of a date.
    fn between(&mut self) -> Option<()> {
        let rest = self.text[self.place..].iter();
        let between = rest.take_while(|byte| b" -/.,".contains(byte)).count();
        self.place += between;
        (1..=2).contains(&between).then_some(())
    }

    fn month(&mut self) -> Option<i16> {
        let rest = &self.text[self.place..];
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let word = std::str::from_utf8(&rest[..letters]).ok()?.to_ascii_lowercase();
        let month = MONTHS.iter().zip(1..).find(|(name, _)| {
            word.len() >= 3 && (name.starts_with(&word) || word == "sept" && **name == "september")
        })?;
        self.place += letters;
        Some(month.1)
    }

    fn years(&mut self, month: i16, of_month: i16) -> Option<Vec<Date>> {
        match self.number()? {
            (year, 4) => Some(day(year, month, of_month).into_iter().collect()),
            (year, 2) => {
                let both = [1900, 2000].iter().filter_map(|of| day(of + year, month, of_month));
                Some(both.collect())
            }
            _ => None,
        }
    }
}

/// The day with the month in the middle, and the one with the month first, where there are both.
fn either(year: i16, middle: i16, first: i16) -> Vec<Date> {
    let mut days: Vec<Date> =
        day(year, middle, first).into_iter().chain(day(year, first, middle)).collect();
    days.dedup();
    days
}

fn day(year: i16, month: i16, of_month: i16) -> Option<Date> {
    let small = |number: i16| i8::try_from(number).ok();
    Date::new(year, small(month)?, small(of_month)?).ok().filter(|_| YEARS.contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_in_its_usual_spellings() {
        let told = |text: &str| {
            let days = date(text).map(|(_, days)| days).unwrap_or_default();
            days.iter().map(Date::to_string).collect::<Vec<_>>().join(" ")
        };
        for text in [
            "2010-03-14",
            "2010-03-14T00:00:00Z",
            "2010/3/14",
            "20100314",
            "14032010,",
            "14/03/2010 x",
            "14.3.2010",
            "14-03-2010",
            "14 03 2010",
            "14 March 2010",
            "14th mar 2010",
            "14-MAR-2010",
            "March 14, 2010",
            "2010-03-14\u{e9}",
        ] {
            assert_eq!(told(text), "2010-03-14", "{text}");
        }
        assert_eq!(told("04/03/2010"), "2010-03-04 2010-04-03");
        assert_eq!(told("14/03/10"), "2010-03-14");
        assert_eq!(told("14 Mar 56"), "1956-03-14 2056-03-14");
        for none in [
            "2010-03-32",
            "2010-03-145",
            "1.2.3",
            "10.0.0.1",
            "2010-03",
            "201003140",
            "march",
            "maybe 4 2010",
            "12:30",
            "1234-05-06",
            "4 Mars 2010",
            "2010-03-14x",
        ] {
            assert_eq!(told(none), "", "{none}");
        }
    }

    #[test]
    fn a_postcode_is_read_with_and_without_its_blank() {
        let told = |text: &str| postcode(text).map(|(_, plain)| plain).unwrap_or_default();
        for (text, plain) in [
            ("SW1A 2AA", "SW1A2AA"),
            ("sw1a2aa,", "SW1A2AA"),
            ("M1 1AE", "M11AE"),
            ("m11ae", "M11AE"),
            ("CR2 6XH.", "CR26XH"),
            ("DN55 1PT", "DN551PT"),
        ] {
            assert_eq!(told(text), plain, "{text}");
        }
        for none in [
            "SW1A",
            "SW1A 2A",
            "SW1A 2AAA",
            "SW1A 2CA",
            "ABC1 2AA",
            "1A 2AA",
            "SW1A  2AA",
            "h46,\n\u{f1}",
            "a1\u{f1}\u{f1}",
            "é",
        ] {
            assert_eq!(told(none), "", "{none}");
        }
    }
}
