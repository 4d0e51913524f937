//! The search for a large controlled rounding: flips that bring the sums nearer to the truth, at first some
//! that do not (threshold accepting, Dueck & Scheuer 1990). Its dice are thrown from the attempt's number
//! and its steps are counted, so that the same tables are rounded alike on every machine.

use minster_model::IdVec;

use crate::rounding::choices::{ChoiceId, Choices, Sum, SumId};

/// Proposals for each inner cell that goes up or down.
const PROPOSALS: usize = 600;
/// How many bases squared a sum that is a base too far costs; two bases, eight times as much.
const FAR: i64 = 6;
/// Flips of one proposal, at most.
const FLIPS: usize = 8;

/// Which choices go up.
pub(crate) fn search(choices: &Choices, attempt: u64) -> IdVec<ChoiceId, bool> {
    let proposals = PROPOSALS * choices.above.len();
    let mut dice = Dice::new(attempt);
    let up = even(choices, &mut dice);
    let mut state = State { errors: choices.errors(&up), up, choices };
    let mut best = (state.far(), state.up.clone());
    let mut flipped = Vec::with_capacity(FLIPS);
    for step in 0..proposals {
        // Worse states are the way out of one that no single proposal betters, and are tolerated less and less.
        let left = (proposals - step) as i64;
        let tolerated = choices.base * choices.base * left / proposals as i64;
        flipped.clear();
        let worse = state.propose(&mut dice, &mut flipped);
        if worse > tolerated {
            // A second flip undoes the first.
            flipped.iter().for_each(|&choice| _ = state.flip(choice));
        }
        // A measurement looks at every choice, so it is made once for as many proposals as there are choices.
        if step % choices.above.len() == 0 {
            best = state.better(best);
        }
    }
    state.better(best).1
}

/// Every so many up that the running sum is never more than a base off. The dice says where it starts, so that another
/// attempt starts from another state.
fn even(choices: &Choices, dice: &mut Dice) -> IdVec<ChoiceId, bool> {
    let mut sum = dice.below(choices.base as usize) as i64;
    let go_up = |above: &i64| {
        sum += above;
        let up = sum >= choices.base;
        sum -= if up { choices.base } else { 0 };
        up
    };
    choices.above.iter().map(go_up).collect()
}

/// The choices that go up now, and how far each sum is from the truth.
struct State<'a> {
    choices: &'a Choices,
    up: IdVec<ChoiceId, bool>,
    errors: IdVec<SumId, i64>,
}

impl State<'_> {
    /// Flips a choice, perhaps another that makes up for it in one of its margins, and what links need.
    /// Says by how much that is worse.
    fn propose(&mut self, dice: &mut Dice, flipped: &mut Vec<ChoiceId>) -> i64 {
        let choices = self.choices;
        let first = ChoiceId(dice.below(choices.above.len()));
        let mut worse = self.flip(first);
        flipped.push(first);
        // A flip moves all sums of its cell by a base. A second flip the other way, half the time, puts one of them back.
        let sums = &choices.sums_of[first];
        if !sums.is_empty()
            && dice.below(2) == 0
            && let Some((sum, _)) = dice.one_of(sums)
            && let Some((other, _)) = dice.one_of(&choices.sums[sum].choices)
            && other != first
            && self.up[other] == self.up[first]
        {
            worse += self.flip(other);
            flipped.push(other);
        }
        // Linked tables must agree: each link that is off takes a flip that brings it nearer, which may put others off.
        let mut at = 0;
        while let Some(&of) = flipped.get(at).filter(|_| flipped.len() < FLIPS) {
            for &(sum, _) in &choices.sums_of[of] {
                if choices.sums[sum].is_margin || self.errors[sum] == 0 {
                    continue;
                }
                let Some((other, sign)) = dice.one_of(&choices.sums[sum].choices) else { continue };
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

    /// Flips a choice and says by how much that is worse. Only the sums that it is in are looked at, as no other changes.
    fn flip(&mut self, choice: ChoiceId) -> i64 {
        let choices = self.choices;
        let before = choices.error(choice, self.up[choice]);
        self.up[choice] = !self.up[choice];
        let after = choices.error(choice, self.up[choice]);
        let mut worse = after * after - before * before;
        for &(sum, sign) in &choices.sums_of[choice] {
            let old = self.errors[sum];
            let new = old + sign * (after - before);
            self.errors[sum] = new;
            worse += sum_cost(new, choices.base) - sum_cost(old, choices.base);
        }
        worse
    }

    /// Sums too far to be released, sums not next to the truth, and the distance.
    fn far(&self) -> (usize, usize, i64) {
        let sums = self.choices.sums.iter().zip(&self.errors);
        let base = self.choices.base;
        // The public rule lets a margin be less than two bases off, and linked tables agree.
        let too_far = |(sum, error): &(&Sum, &i64)| error.abs() / base > i64::from(sum.is_margin);
        let not_next = self.errors.iter().filter(|error| error.abs() / base > 0).count();
        let inner = self.up.enumerate().map(|(choice, up)| self.choices.error(choice, *up));
        let distance = inner.chain(self.errors.iter().copied()).map(i64::abs).sum();
        (sums.filter(too_far).count(), not_next, distance)
    }

    /// The better of this state and the best before: what can be released comes first, however near the rest is.
    fn better(&self, best: (Far, IdVec<ChoiceId, bool>)) -> (Far, IdVec<ChoiceId, bool>) {
        let far = self.far();
        if far < best.0 { (far, self.up.clone()) } else { best }
    }
}

/// How bad a state is, as [`State::far`] says it.
type Far = (usize, usize, i64);

/// The cost of a sum that is so far off. The square makes many small errors better than one large one. The third power of
/// whole bases keeps a sum from leaving what the public rule allows for the sake of others.
fn sum_cost(error: i64, base: i64) -> i64 {
    let far = error.abs() / base;
    error * error + FAR * base * base * far * far * far
}

/// Steele, Lea & Flood's SplitMix64: the same throws from the same number.
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of a number.
    pub(crate) fn new(number: u64) -> Self {
        Self(number)
    }

    /// One of some, if there is any.
    fn one_of<T: Copy>(&mut self, some: &[T]) -> Option<T> {
        if some.is_empty() { None } else { some.get(self.below(some.len())).copied() }
    }

    /// A number below another, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // By multiplication (Lemire 2019): the high half of the product is below `end`.
        ((u128::from(mixed) * end as u128) >> 64) as usize
    }
}
