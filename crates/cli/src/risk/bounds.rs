//! The bounds of a policy, beside what is measured. A broken one is named, and nothing is told of how far it is broken: beside the
//! bound such a number would give a small count away.

use minster_risk::{BELOW, Sizes};

use super::{
    assessment::Measured,
    policy::{Bounds, Policy},
};

/// Entropies and distances are sums of fractions: a bound is not broken by the last bits of a number.
pub(super) const LAST_BITS: f64 = 1e-9;

/// The broken bounds, in words. A bound of something that could not be measured is broken.
pub(super) fn broken(policy: &Policy, measured: &Measured<'_>) -> Vec<String> {
    let mut broken = of_sizes(&policy.bounds, &measured.whole);
    for (of, found) in policy.sensitive.iter().zip(&measured.inferences) {
        let column = of.column.as_str();
        let mut judge = |bound: String, is_within: Option<bool>| match is_within {
            Some(true) => {}
            Some(false) => broken.push(bound),
            None => broken.push(format!("{bound}: nothing was measured, since no row counts")),
        };
        if let Some(least) = of.distinct_l {
            let is_within = found.distinct.map(|l| l >= least);
            judge(format!("distinct_l = {least} of {column}"), is_within);
        }
        if let Some(least) = of.entropy_l {
            let is_within = found.entropy.map(|l| l >= least - LAST_BITS);
            judge(format!("entropy_l = {least} of {column}"), is_within);
        }
        if let Some(most) = of.t {
            let is_within = found.closeness.map(|t| t <= most + LAST_BITS);
            judge(format!("t = {most} of {column}"), is_within);
        }
    }
    broken
}

/// The broken bounds of classes, by exact counts.
pub(super) fn of_sizes(bounds: &Bounds, sizes: &Sizes) -> Vec<String> {
    let [below_3, below_5, below_10] = bounds.below();
    let percents = [
        ("unique_percent", bounds.unique_percent, sizes.unique),
        ("below_3_percent", below_3, sizes.below[0]),
        ("below_5_percent", below_5, sizes.below[1]),
        ("below_10_percent", below_10, sizes.below[2]),
    ];
    let asked = percents.into_iter().filter_map(|(name, most, children)| {
        most.map(|most| (format!("{name} = {most}"), 100.0 * sizes.share(children) <= most))
    });
    let smallest = bounds.smallest_class.map(|least| {
        (format!("smallest_class = {least}"), sizes.smallest.is_some_and(|k| k >= least))
    });
    let nothing =
        if sizes.children == 0 { ": nothing was measured, since no row counts" } else { "" };
    let broken = asked.chain(smallest).filter(|(_, is_within)| sizes.children == 0 || !is_within);
    broken.map(|(bound, _)| bound + nothing).collect()
}

/// Sizes below which children are counted, as the bounds name them.
const _: () = assert!(BELOW[0] == 3 && BELOW[1] == 5 && BELOW[2] == 10);

#[cfg(test)]
mod tests {
    use minster_risk::{Classes, Column};

    use super::*;

    fn sizes(codes: &[u32]) -> Sizes {
        Classes::of(&[&Column::new(codes.to_vec(), 2).unwrap()]).unwrap().sizes()
    }

    #[test]
    fn a_broken_bound_is_named_alike_however_far_it_is_broken() {
        let bounds = Bounds { smallest_class: Some(5), ..Bounds::default() };
        let one = of_sizes(&bounds, &sizes(&[0, 1, 1, 1, 1, 1]));
        assert_eq!(one, ["smallest_class = 5"]);
        assert_eq!(of_sizes(&bounds, &sizes(&[0, 0, 0, 0, 1, 1, 1, 1, 1])), one);
        assert!(of_sizes(&bounds, &sizes(&[0; 5])).is_empty());
    }

    #[test]
    fn an_empty_table_is_within_no_bound() {
        let bounds = Bounds { unique_percent: Some(1.0), ..Bounds::default() };
        let broken = of_sizes(&bounds, &sizes(&[]));
        assert_eq!(broken, ["unique_percent = 1: nothing was measured, since no row counts"]);
        assert!(of_sizes(&Bounds::default(), &sizes(&[])).is_empty());
    }
}
