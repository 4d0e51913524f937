//! Releases of other periods about mostly the same children: an attacker supposes that these have not changed.
//!
//! Such a release is known, whatever its period and its deliveries are called, and stands beside a new one. Weaker rules
//! than its own are refused; so is a column that the two divide at edges of which neither has all of the other's. Where
//! next to all children are the same, their differences are protected as those of corrected data are. So is a release about
//! other children that would count next to all of its own now: it stands beside the new one as if it were of one period.

use minster_model::{
    Purpose,
    policy::{Policy, Zeros},
};
use minster_store::{DatasetKeys, Store};

use crate::{
    definition::release_definition::{Definition, Dimension},
    earlier_releases::{entry::Entry, ledger, sample::Sample},
    error::AggregateError,
    publish::counted_sample,
    refusal::{ReleaseRefusal, RulesDiffer},
};

/// Two releases count mostly the same children where this share of those of either is common.
const MOSTLY: f64 = 0.5;

/// Their differences are about few where this share is common.
const NEARLY_ALL: f64 = 0.98;

/// Releases of other periods that say of the present children nearly what they said of theirs.
#[derive(Default)]
pub(crate) struct NearlyTheSame<'a> {
    /// They count nearly all the children whom the new release counts.
    pub(crate) same: Vec<&'a Entry>,
    /// They count others, and would count nearly all of those now.
    pub(crate) others: Vec<&'a Entry>,
}

impl<'a> NearlyTheSame<'a> {
    /// Compares a definition with releases of other periods. `now` has some of the children whom a definition would count
    /// now, and none if it names a column that is no more. `notice` is told of releases that cannot be compared.
    ///
    /// # Errors
    /// [`AggregateError::Refused`] where one counts mostly the same children, under stricter rules or divided otherwise.
    pub(crate) fn find(
        (definition, sample): (&Definition, &Sample),
        others: impl Iterator<Item = &'a Entry>,
        (store, purpose): (&Store, &Purpose),
        keys: &mut dyn DatasetKeys,
        mut now: impl FnMut(&Definition) -> Result<Option<Sample>, AggregateError>,
        notice: &dyn Fn(&str),
    ) -> Result<Self, AggregateError> {
        let mut nearly = Self::default();
        // Releases about the very same children have one sample, and those that choose alike choose the same now.
        let mut then_of: Vec<(&Entry, Option<Sample>)> = Vec::new();
        let mut now_of: Vec<(&Entry, Option<Sample>)> = Vec::new();
        for entry in others {
            let place = then_of.iter().position(|(of, _)| of.children == entry.children);
            let place = match place {
                Some(place) => place,
                None => {
                    then_of.push((entry, counted_sample::read(entry, store, purpose, keys)?));
                    then_of.len() - 1
                }
            };
            let Some(then) = &then_of[place].1 else {
                notice(&format!(
                    "the release {} of {} cannot be compared with this one, because its restricted report is gone or was made by an earlier program: take care that the two together tell nothing of few children",
                    entry.definition.name, entry.period
                ));
                continue;
            };
            let common = sample.common(then);
            if common >= MOSTLY {
                stands_beside(definition, entry)?;
            }
            if common >= NEARLY_ALL {
                nearly.same.push(entry);
                continue;
            }
            let alike = |(of, _): &(&Entry, Option<Sample>)| {
                ledger::same_children(&of.definition, &entry.definition)
            };
            let place = match now_of.iter().position(alike) {
                Some(place) => place,
                None => {
                    now_of.push((entry, now(&entry.definition)?));
                    now_of.len() - 1
                }
            };
            if now_of[place].1.as_ref().is_some_and(|now| now.common(then) >= NEARLY_ALL) {
                nearly.others.push(entry);
            }
        }
        Ok(nearly)
    }
}

/// Whether a new release may stand beside one about mostly the same children.
fn stands_beside(definition: &Definition, entry: &Entry) -> Result<(), AggregateError> {
    let refused = |difference| {
        Err(ReleaseRefusal::MostlySameChildren { release: entry.named(), difference }.into())
    };
    if is_weaker(definition.policy(), entry.definition.policy()) {
        return refused(RulesDiffer::Weaker);
    }
    for dimension in &definition.dimensions {
        let mut others = entry.definition.dimensions.iter();
        if let Some(other) = others.find(|other| crosses(dimension, other)) {
            let column = dimension.column.clone();
            let (there, here) = (edges(other), edges(dimension));
            return refused(RulesDiffer::Edges { column, there, here });
        }
    }
    Ok(())
}

/// Whether a policy lets out what another one hides.
fn is_weaker(policy: Policy, than: Policy) -> bool {
    // A zero that may serve as cover is no weaker than one that is always shown, nor stricter.
    let zeros = policy.zeros != Zeros::Unsafe && than.zeros == Zeros::Unsafe;
    policy.threshold < than.threshold || policy.insider < than.insider || zeros
}

/// Whether two dimensions divide one column at edges of which neither has all of the other's.
fn crosses(one: &Dimension, other: &Dimension) -> bool {
    let lacks = |one: &Dimension, other: &Dimension| {
        other.bands.iter().any(|edge| !one.bands.contains(edge))
    };
    let are_bands = !one.bands.is_empty() && !other.bands.is_empty();
    one.column == other.column && are_bands && lacks(one, other) && lacks(other, one)
}

fn edges(dimension: &Dimension) -> String {
    let edges: Vec<String> = dimension.bands.iter().map(i64::to_string).collect();
    edges.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_weaker_where_it_shows_more() {
        let policy = |threshold, zeros, insider| Policy { threshold, zeros, insider };
        let standing = policy(5, Zeros::Published, 1);
        assert!(!is_weaker(standing, standing));
        assert!(is_weaker(policy(4, Zeros::Published, 1), standing));
        assert!(is_weaker(policy(5, Zeros::Published, 0), standing));
        assert!(!is_weaker(policy(10, Zeros::Unsafe, 2), standing));
        assert!(is_weaker(policy(10, Zeros::MayBeWithheld, 2), policy(5, Zeros::Unsafe, 1)));
        assert!(!is_weaker(policy(5, Zeros::MayBeWithheld, 1), standing));
        assert!(!is_weaker(standing, policy(5, Zeros::MayBeWithheld, 1)));
    }

    #[test]
    fn edges_cross_where_neither_has_all_of_the_other_s() {
        let divided = |bands: &str, labels: &str| {
            let text = format!(
                "name = \"r\"\npopulation = \"all\"\n[[dimension]]\nname = \"age\"\ncolumn = \"age\"\ntotal = \"all\"\n\
                 bands = {bands}\nlabels = {labels}\n[[table]]\nname = \"t\"\ndimensions = [\"age\"]\n"
            );
            Definition::parse(&text).unwrap().dimensions.remove(0)
        };
        let at_5 = divided("[0, 5]", "[\"a\", \"b\"]");
        let at_6 = divided("[0, 6]", "[\"a\", \"b\"]");
        let at_both = divided("[0, 5, 6]", "[\"a\", \"b\", \"c\"]");
        assert!(crosses(&at_5, &at_6) && crosses(&at_6, &at_5));
        assert!(!crosses(&at_5, &at_5) && !crosses(&at_5, &at_both) && !crosses(&at_both, &at_6));
    }
}
