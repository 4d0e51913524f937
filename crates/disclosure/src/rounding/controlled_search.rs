//! The search for a large controlled rounding: flips that bring the sums nearer to the truth, at first some
//! that do not (threshold accepting, Dueck & Scheuer 1990). Its dice are thrown from the attempt's number
//! and its steps are counted, so that the same tables are rounded alike on every machine.

use crate::rounding::choices::{Choices, Sum};

/// Proposals for each inner cell that goes up or down.
const PROPOSALS: usize = 600;
/// How many bases squared a sum that is a base too far costs; two bases, eight times as much.
const FAR: i64 = 6;
/// Flips of one proposal, at most.
const FLIPS: usize = 8;

/// Which choices go up.
pub(crate) fn search(choices: &Choices, attempt: u64) -> Vec<bool> {
    let proposals = PROPOSALS * choices.above.len();
    let mut dice = Dice::new(attempt);
    let up = even(choices, &mut dice);
    let mut state = State { errors: choices.errors(&up), up, choices };
    let mut best = (state.far(), state.up.clone());
    let mut flipped = Vec::with_capacity(FLIPS);
    for step in 0..proposals {
        // From one base squared down to nothing.
        let left = (proposals - step) as i64;
        let tolerated = choices.base * choices.base * left / proposals as i64;
        flipped.clear();
        let worse = state.propose(&mut dice, &mut flipped);
        if worse > tolerated {
            flipped.iter().for_each(|&choice| _ = state.flip(choice));
        }
        if step % choices.above.len() == 0 {
            best = state.better(best);
        }
    }
    state.better(best).1
}

/// Every so many up that the running sum is never more than a base off.
fn even(choices: &Choices, dice: &mut Dice) -> Vec<bool> {
    let mut sum = dice.below(choices.base as usize) as i64;
    let go_up = |above: &i64| {
        sum += above;
        let up = sum >= choices.base;
        sum -= if up { choices.base } else { 0 };
        up
    };
    choices.above.iter().map(go_up).collect()
}

struct State<'a> {
    choices: &'a Choices,
    up: Vec<bool>,
    errors: Vec<i64>,
}

impl State<'_> {
    /// Flips a choice, perhaps another that makes up for it in one of its margins, and what links need.
    /// Says by how much that is worse.
    fn propose(&mut self, dice: &mut Dice, flipped: &mut Vec<usize>) -> i64 {
        let choices = self.choices;
        let first = dice.below(choices.above.len());
        let mut worse = self.flip(first);
        flipped.push(first);
        let sums = &choices.sums_of[first];
        if !sums.is_empty() && dice.below(2) == 0 {
            let (sum, _) = sums[dice.below(sums.len())];
            let among = &choices.sums[sum].choices;
            let (other, _) = among[dice.below(among.len())];
            if other != first && self.up[other] == self.up[first] {
                worse += self.flip(other);
                flipped.push(other);
            }
        }
        let mut at = 0;
        while at < flipped.len() && flipped.len() < FLIPS {
            for &(sum, _) in &choices.sums_of[flipped[at]] {
                if choices.sums[sum].is_margin || self.errors[sum] == 0 {
                    continue;
                }
                let among = &choices.sums[sum].choices;
                let (other, sign) = among[dice.below(among.len())];
                let change = if self.up[other] { -sign } else { sign };
                if change * self.errors[sum] < 0 && !flipped.contains(&other) {
                    worse += self.flip(other);
                    flipped.push(other);
                }
            }
            at += 1;
        }
        worse
    }

    /// Flips a choice and says by how much that is worse.
    fn flip(&mut self, choice: usize) -> i64 {
        let choices = self.choices;
        let before = choices.error(choice, self.up[choice]);
        self.up[choice] = !self.up[choice];
        let after = choices.error(choice, self.up[choice]);
        let mut worse = after * after - before * before;
        for &(sum, sign) in &choices.sums_of[choice] {
            let error = &mut self.errors[sum];
            let cost = |error: i64| {
                let far = error.abs() / choices.base;
                error * error + FAR * choices.base * choices.base * far * far * far
            };
            let before = cost(*error);
            *error += sign * (after - choices.error(choice, !self.up[choice]));
            worse += cost(*error) - before;
        }
        worse
    }

    /// Sums too far to be released, sums not next to the truth, and the distance.
    fn far(&self) -> (usize, usize, i64) {
        let sums = self.choices.sums.iter().zip(&self.errors);
        let bases = |error: &i64| error.abs() / self.choices.base;
        let too_far = |(sum, error): &(&Sum, &i64)| bases(error) > i64::from(sum.is_margin);
        let not_next = self.errors.iter().filter(|error| bases(error) > 0).count();
        let inner = (0..self.up.len()).map(|choice| self.choices.error(choice, self.up[choice]));
        let distance = inner.chain(self.errors.iter().copied()).map(i64::abs).sum();
        (sums.filter(too_far).count(), not_next, distance)
    }

    fn better(&self, best: (Far, Vec<bool>)) -> (Far, Vec<bool>) {
        let far = self.far();
        if far < best.0 { (far, self.up.clone()) } else { best }
    }
}

type Far = (usize, usize, i64);

/// Steele, Lea & Flood's SplitMix64: the same throws from the same number.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }

    /// A number below another, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * end as u128) >> 64) as usize
    }
}
