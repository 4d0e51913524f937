//! The classes of a map: equal steps with round edges, from the numbers that are shown alone.

use crate::content::{Unit, thousands};

/// More shades cannot be told apart.
pub(super) const MOST_CLASSES: usize = 5;

/// Classes of numbers. Numbers are held in tenths, because that is how exactly they are shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Classes {
    start: u64,
    step: u64,
    classes: usize,
    is_whole: bool,
}

impl Classes {
    /// Those of the numbers that are shown.
    pub(super) fn of(shown: impl Iterator<Item = f64>, unit: Unit) -> Self {
        let is_whole = unit == Unit::Whole;
        let numbers: Vec<u64> = shown.map(tenths).collect();
        let (Some(&least), Some(&most)) = (numbers.iter().min(), numbers.iter().max()) else {
            return Self { start: 0, step: 10, classes: 0, is_whole };
        };
        let mut steps = steps(if is_whole { 10 } else { 1 });
        loop {
            let step = steps.next().unwrap_or(u64::MAX);
            let start = least - least % step;
            let classes = (most - start) / step + 1;
            if classes <= MOST_CLASSES as u64 {
                return Self { start, step, classes: classes as usize, is_whole };
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.classes
    }

    /// The class of a number that was among those shown.
    pub(super) fn class_of(&self, number: f64) -> usize {
        let at = (tenths(number).saturating_sub(self.start) / self.step) as usize;
        at.min(self.classes.saturating_sub(1))
    }

    /// Its least and greatest number, in words.
    pub(super) fn range(&self, class: usize) -> String {
        let from = self.start.saturating_add(self.step.saturating_mul(class as u64));
        let one = if self.is_whole { 10 } else { 1 };
        let to = from.saturating_add(self.step - one);
        match from == to {
            true => self.text(from),
            false => format!("{} to {}", self.text(from), self.text(to)),
        }
    }

    fn text(&self, tenths: u64) -> String {
        let whole = thousands(tenths / 10);
        if self.is_whole { whole } else { format!("{whole}.{}", tenths % 10) }
    }
}

fn tenths(number: f64) -> u64 {
    (number * 10.0).round().max(0.0) as u64
}

/// 1, 2, 5, 10, 20, 50 … times the least.
fn steps(least: u64) -> impl Iterator<Item = u64> {
    let tens = std::iter::successors(Some(least), |of: &u64| of.checked_mul(10));
    tens.flat_map(|of| [Some(of), of.checked_mul(2), of.checked_mul(5)]).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(shown: &[f64], unit: Unit) -> Vec<String> {
        let classes = Classes::of(shown.iter().copied(), unit);
        (0..classes.len()).map(|class| classes.range(class)).collect()
    }

    #[test]
    fn classes_have_round_edges() {
        let of = ranges(&[3.0, 12.0, 47.0], Unit::Whole);
        assert_eq!(of, ["0 to 9", "10 to 19", "20 to 29", "30 to 39", "40 to 49"]);
        let of = ranges(&[1_050.0, 9_800.0], Unit::Whole);
        assert_eq!(
            of,
            ["0 to 1,999", "2,000 to 3,999", "4,000 to 5,999", "6,000 to 7,999", "8,000 to 9,999"]
        );
        assert_eq!(
            ranges(&[12.3, 14.9], Unit::Percent),
            ["12.0 to 12.9", "13.0 to 13.9", "14.0 to 14.9"]
        );
        assert_eq!(ranges(&[7.0, 7.0], Unit::Whole), ["7"]);
        assert_eq!(ranges(&[0.0], Unit::Number), ["0.0"]);
        assert!(ranges(&[], Unit::Whole).is_empty());
    }

    proptest! {
        #[test]
        fn each_number_is_in_the_class_that_the_key_says(numbers in proptest::collection::vec(0u64..2_000_000, 1..40)) {
            let classes = Classes::of(numbers.iter().map(|&of| of as f64), Unit::Whole);
            prop_assert!((1..=MOST_CLASSES).contains(&classes.len()));
            for &number in &numbers {
                let class = classes.class_of(number as f64);
                prop_assert!(class < classes.len());
                let range = classes.range(class).replace(',', "");
                let ends: Vec<u64> = range.split(" to ").map(|of| of.parse().unwrap_or(u64::MAX)).collect();
                prop_assert!(ends[0] <= number && number <= *ends.last().unwrap_or(&0), "{number} in {range}");
            }
        }
    }
}
