//! Which figures by value are shown. Children of each value of a column are in two parts, linked and not linked; the totals
//! of the two are known. Small counts are hidden, and further ones with them, so that no subtraction brings a small one back.
//!
//! Twelve of 40 girls and 3 of 50 boys are not linked, and 5 of 9 children without a known sex. The 3 is hidden. Alone it
//! would be what the total, 20, leaves over 12 and 5; so the figures of the children without a known sex are hidden with it,
//! and of both values together 8 are not linked.
//!
//! ```
//! use minster_matcher::hiding::{Pair, Shown, Smallest, hide};
//!
//! let pairs = [(28, 12), (47, 3), (4, 5)].map(|(part, rest)| Pair { part, rest });
//! assert_eq!(hide(&pairs, Smallest::default()), [Shown::Whole, Shown::Size, Shown::Size]);
//! ```
//!
//! This holds, where neither total is small itself: for each hidden small count there are two ways to give children to all
//! values, both as all that is shown says; in one the count is not small, and in the other it is at least the threshold less 1
//! smaller. A value's name is shown only beside its number of children.

use serde::{Deserialize, Serialize};

/// The smallest count that is shown: 5 or more. Smaller ones are hidden, but for 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Smallest(u64);

impl Smallest {
    /// As a number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Whether a count is hidden for itself.
    fn hides(self, count: u64) -> bool {
        (1..self.0).contains(&count)
    }
}

impl Default for Smallest {
    fn default() -> Self {
        Self(minster_model::SMALLEST_SHOWN)
    }
}

impl TryFrom<u64> for Smallest {
    type Error = String;

    fn try_from(count: u64) -> Result<Self, String> {
        match count >= Self::default().0 {
            true => Ok(Self(count)),
            false => Err(format!(
                "the smallest count that a report shows is {} or more",
                Self::default().0
            )),
        }
    }
}

impl From<Smallest> for u64 {
    fn from(smallest: Smallest) -> Self {
        smallest.0
    }
}

/// Children of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// Children of whom it is true: linked.
    pub part: u64,
    /// The others.
    pub rest: u64,
}

impl Pair {
    /// All of the value.
    pub fn size(self) -> u64 {
        self.part + self.rest
    }

    /// Both together.
    pub(crate) fn sum(pairs: impl IntoIterator<Item = Self>) -> Self {
        let add =
            |sum: Self, one: Self| Self { part: sum.part + one.part, rest: sum.rest + one.rest };
        pairs.into_iter().fold(Self::default(), add)
    }
}

/// How much of a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// All.
    Whole,
    /// How many children have it.
    Size,
    /// Not even that anyone has it.
    Nothing,
}

/// How much of each value is shown. All values with children must be given: the totals are theirs.
pub fn hide(pairs: &[Pair], smallest: Smallest) -> Vec<Shown> {
    let mut shown: Vec<Shown> = vec![Shown::Whole; pairs.len()];
    let mut order: Vec<usize> = (0..pairs.len()).filter(|at| pairs[*at].size() > 0).collect();
    // The value of the fewest children goes first: it costs least.
    order.sort_by_key(|at| (pairs[*at].size(), *at));
    let with = |shown: &[Shown], wanted: &dyn Fn(Shown) -> bool| {
        let of = |at: &&usize| wanted(shown[**at]);
        let places: Vec<usize> = order.iter().filter(of).copied().collect();
        let sum = Pair::sum(places.iter().map(|at| pairs[*at]));
        (places.len(), sum)
    };
    // Values of few children are not named. They alone are few, so that others always go with a single one.
    order
        .iter()
        .filter(|at| smallest.hides(pairs[**at].size()))
        .for_each(|at| shown[*at] = Shown::Nothing);
    loop {
        let (_, sum) = with(&shown, &|shown| shown == Shown::Nothing);
        let next = order.iter().find(|at| shown[**at] != Shown::Nothing);
        match next {
            Some(next) if smallest.hides(sum.size()) => shown[*next] = Shown::Nothing,
            _ => break,
        }
    }
    for at in &order {
        let Pair { part, rest } = pairs[*at];
        if shown[*at] == Shown::Whole && (smallest.hides(part) || smallest.hides(rest)) {
            shown[*at] = Shown::Size;
        }
    }
    loop {
        let (values, sum) = with(&shown, &|shown| shown != Shown::Whole);
        let next = order.iter().find(|at| shown[**at] == Shown::Whole);
        match next {
            Some(next) if values == 1 || smallest.hides(sum.part) || smallest.hides(sum.rest) => {
                shown[*next] = Shown::Size;
            }
            // One value's figures are the totals: it is not named beside them.
            None if values == 1 => return vec![Shown::Nothing; pairs.len()],
            _ => return shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T: u64 = 3;

    /// Every way to give children to the values that is as what is shown says.
    fn worlds(pairs: &[Pair], shown: &[Shown]) -> Vec<Vec<Pair>> {
        let total = Pair::sum(pairs.iter().copied());
        let mut worlds = vec![Vec::new()];
        for (pair, shown) in pairs.iter().zip(shown) {
            let could_be = |other: &Pair| match shown {
                Shown::Whole => other == pair,
                Shown::Size => other.size() == pair.size(),
                Shown::Nothing => true,
            };
            let mut more = Vec::new();
            for world in worlds {
                let so_far = Pair::sum(world.iter().copied());
                for part in 0..=total.part - so_far.part {
                    for rest in 0..=total.rest - so_far.rest {
                        let next = Pair { part, rest };
                        if could_be(&next) {
                            more.push([world.as_slice(), &[next]].concat());
                        }
                    }
                }
            }
            worlds = more;
        }
        worlds.retain(|world| Pair::sum(world.iter().copied()) == total);
        worlds
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        /// An attacker with all worlds before them, for each hidden small count.
        #[test]
        fn shown_figures_leave_every_hidden_small_count_open(
            counts in prop::collection::vec((0u64..6, 0u64..6), 1..5),
        ) {
            let pairs: Vec<Pair> = counts.iter().map(|(part, rest)| Pair { part: *part, rest: *rest }).collect();
            let smallest = Smallest(T);
            let shown = hide(&pairs, smallest);
            let total = Pair::sum(pairs.iter().copied());
            for (pair, shown) in pairs.iter().zip(&shown) {
                let small = smallest.hides(pair.part) || smallest.hides(pair.rest);
                prop_assert!(!(small && *shown == Shown::Whole));
                prop_assert!(!smallest.hides(pair.size()) || *shown == Shown::Nothing);
            }
            // Where a total is small, it says so itself; then no part of any value is shown.
            if smallest.hides(total.part) || smallest.hides(total.rest) {
                let with_children = pairs.iter().zip(&shown).filter(|(pair, _)| pair.size() > 0);
                for (_, shown) in with_children {
                    prop_assert!(*shown != Shown::Whole);
                }
                return Ok(());
            }
            let worlds = worlds(&pairs, &shown);
            let open = |at: usize, of: fn(Pair) -> u64| {
                let all = || worlds.iter().map(|world| of(world[at]));
                (all().min().unwrap_or(0), all().max().unwrap_or(0))
            };
            for (at, (pair, shown)) in pairs.iter().zip(&shown).enumerate() {
                let of: [fn(Pair) -> u64; 3] = [|pair| pair.part, |pair| pair.rest, Pair::size];
                for of in of.into_iter().filter(|of| smallest.hides(of(*pair))) {
                    let (low, high) = open(at, of);
                    prop_assert!(*shown != Shown::Whole);
                    prop_assert!(high >= T && high - low >= T - 1, "{:?} {:?}: {low} to {high}", pairs, shown);
                }
            }
        }

        /// Nothing is hidden where nothing is small.
        #[test]
        fn counts_that_are_not_small_are_shown(counts in prop::collection::vec((5u64..90, 5u64..90), 1..9)) {
            let pairs: Vec<Pair> = counts.iter().map(|(part, rest)| Pair { part: *part, rest: *rest }).collect();
            prop_assert_eq!(hide(&pairs, Smallest::default()), vec![Shown::Whole; pairs.len()]);
        }
    }

    #[test]
    fn the_last_value_but_one_is_hidden_with_the_only_small_one() {
        let pairs = |of: &[(u64, u64)]| -> Vec<Pair> {
            of.iter().map(|(part, rest)| Pair { part: *part, rest: *rest }).collect()
        };
        let hidden = |of: &[(u64, u64)]| hide(&pairs(of), Smallest::default());
        use Shown::{Nothing, Size, Whole};
        assert_eq!(hidden(&[(30, 3), (40, 9), (90, 0)]), [Size, Size, Whole]);
        // A value of two children is not named; nor is the next.
        assert_eq!(hidden(&[(2, 0), (40, 9), (90, 8)]), [Nothing, Nothing, Whole]);
        // Fewer than five are not linked in all.
        assert_eq!(hidden(&[(30, 3), (90, 0)]), [Size, Size]);
        assert_eq!(hidden(&[(30, 3)]), [Nothing]);
        assert_eq!(hidden(&[(30, 0)]), [Whole]);
    }
}
