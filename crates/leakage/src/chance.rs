//! How many numbers are right by chance.
//!
//! Strings of the right form that are no numbers are right as often as their check character allows.
//! So the wrong ones beside them tell how many of the right ones are chance: of every 23 strings of a pupil
//! number's form one is right and 22 are wrong; of every 11 of ten digits one is an NHS number, one a
//! learner's, nine neither. A leak has right ones without wrong ones beside them.

use crate::{Form, Kind, tally::Tally};

/// Right ones by chance for each wrong one, the form being there.
const PUPIL_ODDS: f64 = 1.0 / 22.0;
const TEN_ODDS: f64 = 1.0 / 9.0;
/// Ten digits in these disguises are frequent: times of a clock, and counts in neighbouring cells. One or two right ones say nothing.
const LEAST_OF_TEN: u64 = 3;
/// Chance gives twelve digits so: 18 authorities' numbers in a hundred, 7 first digits of a school's in ten, 34 years in a hundred.
const LETTERLESS_ODDS: f64 = 0.045;
/// Right ones by chance in one byte of a stream of random bytes: two delimiters (194 of 256 each), and
/// each character one of so many.
const PUPIL_RANDOM: f64 =
    DELIMITED * (46.0 / 256.0) * DIGIT_5 * DIGIT_5 * DIGIT * (56.0 / 256.0) / 23.0;
const TEN_RANDOM: f64 = DELIMITED * DIGIT_5 * DIGIT_5 / 11.0;
const DELIMITED: f64 = (194.0 / 256.0) * (194.0 / 256.0);
const DIGIT: f64 = 10.0 / 256.0;
const DIGIT_5: f64 = DIGIT * DIGIT * DIGIT * DIGIT * DIGIT;

/// The strings that were found of one kind. Different strings are counted once, however often they stand there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The kind.
    pub kind: Kind,
    /// Different strings of its form.
    pub shaped: u64,
    /// Those with the right check character.
    pub right: u64,
    /// How often the right ones stand there.
    pub times: u64,
    /// How many right ones chance alone would give.
    pub expected: f64,
    /// Fewer different right ones say nothing, whatever chance would give.
    pub least: u64,
}

impl Finding {
    pub(crate) fn of(kind: Kind, right: &Tally, wrong: &Tally, bytes: u64) -> Self {
        let (odds, random) = match kind {
            Kind::Pupil => (PUPIL_ODDS, PUPIL_RANDOM),
            Kind::Nhs | Kind::Learner => (TEN_ODDS, TEN_RANDOM),
        };
        let wrong = wrong.different();
        Self {
            kind,
            shaped: right.different() + wrong,
            right: right.different(),
            times: right.all(),
            expected: wrong as f64 * odds + bytes as f64 * random,
            least: 1,
        }
    }

    pub(crate) fn of_form(kind: Kind, form: Form, right: &Tally, wrong: &Tally) -> Self {
        let odds = match (kind, form) {
            (Kind::Pupil, Form::Letterless) => LETTERLESS_ODDS,
            (Kind::Pupil, _) => PUPIL_ODDS,
            (Kind::Nhs | Kind::Learner, _) => TEN_ODDS,
        };
        let (right, times, wrong) = (right.different(), right.all(), wrong.different());
        let least = match (kind, form) {
            (Kind::Pupil, _) | (Kind::Nhs, Form::Separated | Form::Glued) => 1,
            _ => LEAST_OF_TEN,
        };
        Self { kind, shaped: right + wrong, right, times, expected: wrong as f64 * odds, least }
    }

    /// The chance that chance alone gives so many or more: a Poisson count's upper tail.
    pub fn chance(&self) -> f64 {
        let (right, mean) = (self.right as f64, self.expected);
        if right <= mean || right < 1.0 {
            return 1.0;
        }
        let factorial: f64 = (1..=self.right).map(|factor| (factor as f64).ln()).sum();
        let (mut term, mut tail, mut at) =
            ((right * mean.ln() - mean - factorial).exp(), 0.0, right);
        while term > tail * 1e-12 && at < right + 1e7 {
            tail += term;
            at += 1.0;
            term *= mean / at;
        }
        tail
    }

    /// The verdict: whether there are more than chance explains. Where chance gives so many less often
    /// than once in 20 for pupil numbers, whose form alone is rare, or once in 100 for ten digits.
    pub fn beyond_chance(&self) -> bool {
        let limit = match self.kind {
            Kind::Pupil => 0.05,
            Kind::Nhs | Kind::Learner => 0.01,
        };
        self.right >= self.least.max(1) && self.chance() < limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(right: u64, expected: f64) -> Finding {
        Finding { kind: Kind::Nhs, shaped: right, right, times: right, expected, least: 1 }
    }

    #[test]
    fn the_tail_is_poisson_s() {
        for (right, mean, tail) in
            [(1, 0.1, 0.095163), (2, 1.0, 0.264241), (5, 1.0, 0.003660), (20, 10.0, 0.003454)]
        {
            let chance = finding(right, mean).chance();
            assert!((chance - tail).abs() < 1e-6, "{right} of {mean}: {chance}");
        }
        assert!(finding(2000, 1000.0).chance() < 1e-100);
        assert!(finding(0, 0.0).chance() == 1.0 && finding(1, 0.0).chance() == 0.0);
    }
}
