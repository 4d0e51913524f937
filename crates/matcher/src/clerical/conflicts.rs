//! Rows in conflict of sources without scored matching: they have the number of a pupil with another birth date, sex or name, and
//! nothing else leads them anywhere. The keyed values of such a source are compared whole: no typing error can be told.

use std::collections::BTreeMap;

use ahash::HashSet;
use minster_scoring::Agreement;

use super::decisions::{DecidedPair, Doubt};
use crate::{
    children::ExactLinks,
    small_set::{NONE, SmallSet},
};

/// Each group of such rows with the pupil whose number it has, unless scored matching has something to say of the two.
pub(crate) fn conflicts(exact: &ExactLinks<'_>, scored: &[Doubt]) -> Vec<Doubt> {
    let ExactLinks { persons, register, services, .. } = exact;
    let mut said_of: BTreeMap<DecidedPair, [SmallSet; 3]> = BTreeMap::new();
    for row in persons.all() {
        let unit = services.refused(row);
        if unit != NONE && services.child(row) == NONE {
            said_of.entry((services.root(row), register.root(unit))).or_default();
        }
    }
    let scored: HashSet<u32> = scored.iter().map(|(known, _)| known.0).collect();
    said_of.retain(|place, _| !scored.contains(&place.0));
    if said_of.is_empty() {
        return Vec::new();
    }
    for row in persons.all().filter(|row| register.unit(*row) == NONE) {
        let root = services.root(row);
        let of_root = said_of.range_mut((root, 0)..=(root, NONE));
        for (_, said) in of_root {
            let codes = [persons.name(row), persons.birth(row), persons.sex(row)];
            said.iter_mut().zip(codes).for_each(|(set, code)| set.add(code));
        }
    }
    let doubt = |((root, unit), said): (DecidedPair, [SmallSet; 3])| {
        let pupil = register.at(unit);
        let known = [&pupil.names, &pupil.births, &pupil.sexes];
        let mut told = said.iter().zip(known).map(|(own, known)| agreement(own, known));
        let [name, birth, sex] = [(); 3].map(|()| told.next().unwrap_or(Agreement::Missing));
        ((root, unit), [name, name, birth, sex, Agreement::Missing])
    };
    said_of.into_iter().map(doubt).collect()
}

fn agreement(own: &SmallSet, known: &SmallSet) -> Agreement {
    match own.is_empty() || known.is_empty() {
        true => Agreement::Missing,
        false if own.meets(known) => Agreement::Agrees,
        false => Agreement::Differs,
    }
}
