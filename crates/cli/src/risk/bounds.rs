//! The bounds of a policy, beside what is measured.

use minster_risk::{BELOW, Sizes};

use super::{
    assessment::{Measured, Shown},
    policy::{Bounds, Policy},
};

/// Entropies and distances are sums of fractions: a bound is not broken by the last bits of a number.
const LAST_BITS: f64 = 1e-9;

/// The broken bounds, in words.
pub(super) fn broken(policy: &Policy, measured: &Measured<'_>, shown: Shown) -> Vec<String> {
    let mut broken = of_sizes(&policy.bounds, &measured.whole, shown);
    for (of, found) in policy.sensitive.iter().zip(&measured.inferences) {
        let column = of.column.as_str();
        if let (Some(least), Some(l)) = (of.distinct_l, found.distinct)
            && l < least
        {
            broken.push(format!(
                "a class has {l} values of {column}, and at least {least} are asked for"
            ));
        }
        if let (Some(least), Some(l)) = (of.entropy_l, found.entropy)
            && l < least - LAST_BITS
        {
            broken.push(format!(
                "the entropy l of {column} is {l:.2}, and at least {least} is asked for"
            ));
        }
        if let (Some(most), Some(t)) = (of.t, found.closeness)
            && t > most + LAST_BITS
        {
            broken.push(format!(
                "a class is {t:.3} from all children in {column}, and at most {most} is allowed"
            ));
        }
    }
    broken
}

/// The broken bounds of classes. They are judged by exact counts, and told with those that may be shown.
pub(super) fn of_sizes(bounds: &Bounds, sizes: &Sizes, shown: Shown) -> Vec<String> {
    let mut broken = Vec::new();
    let percent = |children: u64| 100.0 * sizes.share(children);
    let told = |children: u64| match shown.share(children, sizes.children) {
        share if share.percent > 0.0 => format!("{} % of children", share.percent),
        _ => "fewer than 0.1 % of children".to_owned(),
    };
    if let Some(most) = bounds.unique_percent
        && percent(sizes.unique) > most
    {
        let unique = told(sizes.unique);
        broken.push(format!("{unique} are alone in their class, and at most {most} % may be"));
    }
    for ((most, children), below) in bounds.below().into_iter().zip(sizes.below).zip(BELOW) {
        if let Some(most) = most
            && percent(children) > most
        {
            let children = told(children);
            broken.push(format!(
                "{children} are in classes of fewer than {below}, and at most {most} % may be"
            ));
        }
    }
    if let (Some(least), Some(k)) = (bounds.smallest_class, sizes.smallest)
        && k < least
    {
        let k = shown.smallest(Some(k)).map_or("1 to 4".to_owned(), |k| k.to_string());
        broken.push(format!(
            "the smallest class has {k} children, and at least {least} are asked for"
        ));
    }
    broken
}
