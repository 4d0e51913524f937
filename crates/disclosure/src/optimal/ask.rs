//! Says what the promise asks of a pattern, one insider at a time, and what stays asked of a smaller pattern.
//!
//! **Withholding more never takes a world away.** A world of a pattern leaves what is published at the
//! truth; whatever more may be withheld counts, in truth, at least the least that a withheld cell can be (a
//! zero is never withheld where zeros are published), so that the world is one of the larger pattern too.
//! The pattern could change what is asked in two ways:
//!
//! - *Low*, by the inner cells that are withheld. Below a small cell each that counts anyone is small and
//!   so withheld in every pattern, and one that counts none adds nothing either way: low is the same in
//!   all. Below a large guarded cell it is not: one more withheld there means that the cell must be able
//!   to be less. So a pattern that fails *low* of a guarded cell shows that a smaller one fails only
//!   where that withholds, below the cell, what [`Ask::pinned`] names.
//! - *Insiders*, by whom a withheld cell could hold. One who is not below the cell asked for asks the
//!   same as an outsider, in worlds that leave them there. Where their own cell is published every world
//!   does: to ask them in any case asks nothing more. Below a small cell theirs is always withheld; below
//!   a guarded one it is named by [`Ask::pinned`].

use std::collections::BTreeMap;

use minster_model::table::Guarded;

use crate::{
    optimal::bits::Bits,
    problem::{
        cells::Cells,
        demand::{self, Owner},
    },
};

/// A demand of the promise, as an outsider makes it; who else makes it asks for the same or a little else.
pub(crate) struct Ask {
    /// A sum of cells, with signs.
    pub(crate) terms: Vec<(usize, i64)>,
    wanted: Wanted,
    /// The inner cells that it counts, where those in them ask otherwise: by how much less each can be.
    below: BTreeMap<usize, i64>,
}

enum Wanted {
    /// It may be as little as its withheld inner cells leave it, or less by this.
    Less(i64),
    /// It may be more by this.
    More(i64),
    /// A small cell may be max(threshold, `low` + threshold − 1), given its count.
    Large { low: i64, threshold: i64, count: i64 },
}

/// How far the sum must be able to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    AtMost(i64),
    AtLeast(i64),
}

impl Bound {
    pub(crate) fn is_met(self, change: i64) -> bool {
        match self {
            Self::AtMost(bound) => change <= bound,
            Self::AtLeast(bound) => change >= bound,
        }
    }
}

impl Ask {
    /// Returns what an outsider or someone in an inner cell asks of a pattern; nothing where the truth
    /// meets it, or where whoever is in a published cell would ask otherwise than an outsider.
    pub(crate) fn bound(
        &self,
        known: &[i64],
        withheld: &Bits,
        who: Option<usize>,
    ) -> Option<Bound> {
        let who = who.filter(|who| self.below.contains_key(who));
        if who.is_some_and(|who| !withheld.has(who)) {
            return None;
        }
        let more = who.map_or(0, |who| known[who]);
        let low = || -> i64 {
            let withheld = self.below.iter().filter(|(cell, _)| withheld.has(**cell));
            withheld.map(|(_, less)| -less).sum()
        };
        let bound = match self.wanted {
            Wanted::Less(down) => Bound::AtMost((low() + more).max(-down)),
            Wanted::More(up) => Bound::AtLeast(up),
            Wanted::Large { low, threshold, count } => {
                Bound::AtLeast(threshold.max(low + more + threshold - 1) - count)
            }
        };
        (!bound.is_met(0)).then_some(bound)
    }

    /// Whether someone in an inner cell asks otherwise than an outsider.
    pub(crate) fn is_below(&self, who: usize) -> bool {
        self.below.contains_key(&who)
    }

    /// The cells of a pattern, forced ones aside, but for which less might be asked of a smaller one.
    pub(crate) fn pinned(
        &self,
        known: &[i64],
        forced: &Bits,
        withheld: &Bits,
        who: Option<usize>,
    ) -> Vec<usize> {
        let Wanted::Less(down) = self.wanted else { return Vec::new() };
        let who = who.filter(|who| self.below.contains_key(who));
        let mut needed = down.saturating_add(who.map_or(0, |who| known[who]));
        let mut pinned = Vec::new();
        let mut below: Vec<(usize, i64)> = self.below.iter().map(|(&c, &less)| (c, less)).collect();
        below.retain(|&(cell, less)| withheld.has(cell) && less > 0);
        below.sort_by_key(|&(cell, less)| {
            (!forced.has(cell) && who != Some(cell), std::cmp::Reverse(less), cell)
        });
        for (cell, less) in below {
            // As soon as the cell may be as little as is asked, the others make no difference.
            if needed <= 0 {
                break;
            }
            needed -= less;
            if !forced.has(cell) {
                pinned.push(cell);
            }
        }
        pinned
    }
}

/// The inner cells that decide how little an owner's cell may be: of a small one, those with anyone in them,
/// for the others add nothing either way.
pub(crate) fn deciding(cells: &Cells<'_>, owner: Owner) -> Vec<usize> {
    match owner {
        Owner::Small(cell) => demand::inner_of(cells, cell),
        Owner::Guarded(cell, _) => cells.inner_below(cell),
        // Rests are asked about where holders are declared, and nothing is sought there.
        Owner::Class { .. } | Owner::Rest(_) => Vec::new(),
    }
}

/// Returns what an owner asks, in a component's numbers.
pub(crate) fn asks(
    cells: &Cells<'_>,
    owner: Owner,
    local: &BTreeMap<usize, usize>,
    forced: &Bits,
) -> Vec<Ask> {
    let below = || -> BTreeMap<usize, i64> {
        let here = |inner: usize| {
            Some((*local.get(&inner)?, cells.count[inner] - cells.least_withheld(inner)))
        };
        deciding(cells, owner).into_iter().filter_map(here).collect()
    };
    let of = |terms: &[(usize, i64)]| -> Vec<(usize, i64)> {
        let here = |&(cell, sign): &(usize, i64)| Some((*local.get(&cell)?, sign));
        terms.iter().filter_map(here).collect()
    };
    let threshold = cells.set.policy.threshold as i64;
    match owner {
        Owner::Small(cell) => {
            let (below, count) = (below(), cells.count[cell]);
            let withheld = below.iter().filter(|(inner, _)| forced.has(**inner));
            let low = count - withheld.map(|(_, less)| less).sum::<i64>();
            let ask = |wanted| Ask { terms: of(&[(cell, 1)]), wanted, below: below.clone() };
            // No world has it at less: to be less by so much is no bound.
            vec![ask(Wanted::Large { low, threshold, count }), ask(Wanted::Less(i64::MAX))]
        }
        Owner::Guarded(cell, Guarded { down, up, .. }) => {
            let below = below();
            let ask = |wanted| Ask { terms: of(&[(cell, 1)]), wanted, below: below.clone() };
            let bounded = |room: u64| i64::try_from(room).unwrap_or(i64::MAX);
            let mut asks = vec![ask(Wanted::Less(bounded(down)))];
            // Whoever is below asks for no more than an outsider.
            if up > 0 {
                asks.push(Ask { below: BTreeMap::new(), ..ask(Wanted::More(bounded(up))) });
            }
            asks
        }
        Owner::Rest(_) => Vec::new(),
        Owner::Class { group, inside } => {
            let missing = threshold - (cells.count[group] - cells.count[inside]);
            let terms = of(&[(group, 1), (inside, -1)]);
            let ask = Ask { terms, wanted: Wanted::More(missing), below: BTreeMap::new() };
            if missing > 0 { vec![ask] } else { Vec::new() }
        }
    }
}

#[cfg(test)]
mod tests {
    use minster_model::{
        policy::{Policy, Prices, Zeros},
        table::{CountTable, Sensitive, TableSet},
    };

    use super::*;
    use crate::{made_up::flat, problem::demand::Insiders};

    /// Two areas by three kinds, with a small area, a large one that is guarded, and a sensitive kind.
    fn set(zeros: Zeros, insider: u64, guarded: Guarded) -> TableSet {
        let sensitive = vec![Sensitive { dimension: 1, categories: vec![1] }];
        let dimensions = vec![flat("area", 2), flat("kind", 3)];
        let table = CountTable::new("t", dimensions, vec![1, 0, 2, 9, 3, 8], sensitive).unwrap();
        let table = table.guarding(vec![guarded]).unwrap();
        TableSet { tables: vec![table], policy: Policy { insider, ..Policy::new(5, zeros) } }
    }

    fn bits(cells: impl IntoIterator<Item = usize>) -> Bits {
        let mut bits = Bits::none(12);
        cells.into_iter().for_each(|cell| bits.put(cell));
        bits
    }

    /// The component is the whole table, with the same numbers.
    fn asks_of(cells: &Cells<'_>, owner: Owner) -> (Vec<Ask>, Bits) {
        let local = (0..cells.len()).map(|cell| (cell, cell)).collect();
        let forced = bits((0..cells.len()).filter(|&cell| demand::is_primary(cells, cell)));
        (asks(cells, owner, &local, &forced), forced)
    }

    fn change(bound: Bound) -> f64 {
        match bound {
            Bound::AtMost(change) | Bound::AtLeast(change) => change as f64,
        }
    }

    fn told(terms: &[(usize, i64)], who: Option<usize>, change: f64) -> String {
        format!("{terms:?} by {change} for {who:?}")
    }

    /// One world for all insiders is what one of them asks who knows most.
    fn is_compared(cells: &Cells<'_>, change: f64) -> bool {
        cells.set.policy.insider == 0 || change < 0.0
    }

    fn demanded(cells: &Cells<'_>, owner: Owner, withheld: &Bits) -> Vec<String> {
        let pattern: Vec<bool> = (0..cells.len()).map(|cell| withheld.has(cell)).collect();
        let demands = owner.demands(cells, &pattern).into_iter();
        let of = demands.filter(|demand| is_compared(cells, demand.change)).map(|demand| {
            let terms = demand.terms.iter().map(|(cell, sign)| (*cell, *sign as i64));
            let who = match demand.insiders {
                Insiders::Ask(who) => Some(who),
                _ => None,
            };
            told(&terms.collect::<Vec<_>>(), who, demand.change)
        });
        let mut demanded: Vec<String> = of.collect();
        demanded.sort();
        demanded
    }

    fn asked(cells: &Cells<'_>, owner: Owner, asks: &[Ask], withheld: &Bits) -> Vec<String> {
        let mut asked = Vec::new();
        for ask in asks {
            let insiders = ask
                .below
                .keys()
                .copied()
                .filter(|who| matches!(owner, Owner::Small(_)) && cells.insiders[*who] > 0);
            for who in std::iter::once(None).chain(insiders.map(Some)) {
                let bound = ask.bound(&cells.insiders, withheld, who);
                let change = bound.map(change).filter(|by| is_compared(cells, *by));
                asked.extend(change.map(|change| told(&ask.terms, who, change)));
            }
        }
        asked.sort();
        asked
    }

    #[test]
    fn what_is_asked_is_what_is_demanded() {
        let policies = [
            (Zeros::Published, 0),
            (Zeros::MayBeWithheld, 0),
            (Zeros::Unsafe, 0),
            (Zeros::MayBeWithheld, 1),
            (Zeros::MayBeWithheld, 2),
        ];
        let rooms = [(3, 2), (25, 1), (0, 4), (4, 0)];
        let all = policies.iter().flat_map(|policy| rooms.map(|room| (*policy, room)));
        for ((zeros, insider), (down, up)) in all {
            let set = set(zeros, insider, Guarded { cell: 8, down, up });
            let cells = Cells::new(&set, Prices::default());
            for owner in demand::owners(&cells) {
                let (asks, forced) = asks_of(&cells, owner);
                for also in [vec![], vec![9], vec![9, 11]] {
                    let withheld = bits(forced.iter().chain(also));
                    assert_eq!(
                        asked(&cells, owner, &asks, &withheld),
                        demanded(&cells, owner, &withheld),
                        "{owner:?} {zeros:?} {insider}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_pinned_is_what_a_smaller_pattern_could_be_asked_less_without() {
        for (insider, down) in (0..3).flat_map(|insider| (1..25).map(move |down| (insider, down))) {
            let guarded = Guarded { cell: 8, down, up: 1 };
            let set = set(Zeros::MayBeWithheld, insider, guarded);
            let cells = Cells::new(&set, Prices::default());
            let (asks, forced) = asks_of(&cells, Owner::Guarded(8, guarded));
            let ask = &asks[0];
            let wholes = [&[9, 11][..], &[9], &[11]];
            let cases = wholes.iter().flat_map(|free| {
                [None, Some(9), Some(10), Some(11)]
                    .map(|who| (bits(forced.iter().chain(free.iter().copied())), *free, who))
            });
            for (whole, free, who) in cases {
                // Whoever is in a published cell asks as everyone does.
                let asked = |pattern: &Bits| {
                    let who = who.filter(|who| pattern.has(*who));
                    ask.bound(&cells.insiders, pattern, who).map_or(0.0, change)
                };
                let pinned = ask.pinned(&cells.insiders, &forced, &whole, who);
                let smaller = |left: &[usize]| {
                    let all = (0..8u8).map(|some| {
                        free.iter().copied().filter(move |cell| some >> (cell - 9) & 1 == 1)
                    });
                    let forced = &forced;
                    let left = left.to_vec();
                    all.map(move |some| bits(forced.iter().chain(some).chain(left.clone())))
                        .collect::<Vec<_>>()
                };
                assert!(
                    smaller(&pinned).iter().all(|pattern| asked(pattern) <= asked(&whole)),
                    "{insider} {down} {who:?}"
                );
                // Whoever asks is pinned themselves, though others might do.
                for cell in pinned.iter().filter(|_| who.is_none()) {
                    let without: Vec<_> = pinned.iter().copied().filter(|of| of != cell).collect();
                    assert!(
                        smaller(&without).iter().any(|pattern| asked(pattern) > asked(&whole)),
                        "{insider} {down} {who:?} {cell}"
                    );
                }
            }
        }
    }
}
