//! Lists what owners demand, for the sake of holders too.

use minster_model::{policy::Zeros, table::Guarded};

use crate::problem::{
    cells::Cells,
    demand::{Demand, Insiders, Knowing, Owner, between, least},
};

impl Owner {
    /// Its demands, given which cells are withheld. One that the truth meets is none.
    pub(crate) fn demands(self, cells: &Cells<'_>, withheld: &[bool]) -> Vec<Demand> {
        let mut demands = self.demands_of_all(cells, withheld);
        if cells.holders.are_declared() {
            demands.extend(of_holders(self, cells, withheld));
        }
        demands
    }
}

/// Returns what an owner demands for the sake of holders, given which cells are withheld. Insiders are others: no
/// holder is taken to know what they do.
fn of_holders(owner: Owner, cells: &Cells<'_>, withheld: &[bool]) -> Vec<Demand> {
    let holders = &cells.holders;
    let threshold = cells.set.policy.threshold as i64;
    let knowing = |demands: Vec<Demand>, knowing: Knowing| {
        let of = move |demand| Demand {
            insiders: Insiders::Ignored,
            knowing: knowing.clone(),
            ..demand
        };
        demands.into_iter().map(of)
    };
    let all_but = |but| Knowing::Holders { but };
    match owner {
        Owner::Small(cell) => {
            let low = least(cells, withheld, cell);
            let high = threshold.max(low + threshold - 1);
            let demands = between(cell, low - cells.count[cell], high - cells.count[cell]);
            let but = holders.concerned(cells, cell);
            knowing(demands, all_but(but)).chain(of_rests(cells, withheld, cell)).collect()
        }
        Owner::Rest(cell) => of_rests(cells, withheld, cell),
        Owner::Guarded(cell, Guarded { down, up, .. }) => {
            let (down, up) = (-(down as i64), up as i64);
            let low = least(cells, withheld, cell) - cells.count[cell];
            let concerned = holders.concerned(cells, cell);
            let mut demands: Vec<Demand> =
                knowing(between(cell, low.max(down), up), all_but(concerned.clone())).collect();
            let none_is_shown = cells.policy(cell).zeros == Zeros::Published;
            for holder in concerned.into_iter().filter(|_| holders.of(cell).is_none()) {
                let rest = holders.rest(cells, cell, holder);
                if rest > 0 || !none_is_shown {
                    let low = least_rest(cells, withheld, cell, holder) - rest;
                    let demand = between(cell, low.max(down), up);
                    demands.extend(knowing(demand, Knowing::Holder(holder)));
                }
            }
            demands
        }
        Owner::Class { group, inside } => {
            let outside = cells.count[group] - cells.count[inside];
            let missing = |outside: i64| {
                let terms = vec![(group, 1.0), (inside, -1.0)];
                let demand = |missing| Demand { terms, ..Demand::change_of(group, missing) };
                let missing = threshold - outside;
                (missing > 0).then(|| demand(missing as f64)).into_iter().collect::<Vec<_>>()
            };
            let (mut but, mut demands) = (Vec::new(), Vec::new());
            for holder in holders.below(cells, group) {
                let own = holders.own(cells, group, holder) - holders.own(cells, inside, holder);
                let has_rest = holders.rest(cells, inside, holder) > 0;
                if own > 0 && has_rest {
                    demands.extend(knowing(missing(outside - own), Knowing::Holder(holder)));
                }
                if own > 0 || !has_rest {
                    but.push(holder);
                }
            }
            demands.extend(knowing(missing(outside), all_but(but)));
            demands
        }
    }
}

/// Returns what the holders demand to whom a cell's rest is small.
fn of_rests(cells: &Cells<'_>, withheld: &[bool], cell: usize) -> Vec<Demand> {
    let threshold = cells.set.policy.threshold as i64;
    let mut demands = Vec::new();
    for (holder, _) in cells.holders.small_of(cell) {
        let rest = cells.holders.rest(cells, cell, holder);
        let low = least_rest(cells, withheld, cell, holder);
        let high = threshold.max(low + threshold - 1);
        for demand in between(cell, low - rest, high - rest) {
            let knowing = Knowing::Holder(holder);
            demands.push(Demand { insiders: Insiders::Ignored, knowing, ..demand });
        }
    }
    demands
}

/// The least that what is left of a cell to a holder can be, given which inner cells are withheld.
fn least_rest(cells: &Cells<'_>, withheld: &[bool], cell: usize, holder: u32) -> i64 {
    let of_inner = |inner: usize| match withheld[inner] {
        true => cells.least_withheld(inner),
        false => cells.count[inner],
    };
    match cells.holders.others(cell, holder) {
        Some(others) if !cells.is_standing(cell) => others.iter().copied().map(of_inner).sum(),
        _ => {
            let below = cells.inner_below(cell).into_iter();
            let others = below.filter(|&inner| cells.holders.of(inner) != Some(holder));
            others.map(of_inner).sum()
        }
    }
}
