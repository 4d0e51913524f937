//! Two pupils of the register who look like one, under two numbers: what reviewers decide of them.

use std::collections::{BTreeMap, BTreeSet};

use ahash::{HashMap, HashMapExt, HashSet};
use minster_model::Pseudonym;
use minster_scoring::{AGREEMENT_PARTS, Agreement};

use super::{
    Decision, EXACT_ONLY, NOT_FOUND, Pair, Review, TWO_PUPILS, Verdict,
    decisions::{DecidedPair, codes, new_id, only},
};
use crate::{
    person_rows::Persons,
    register::Register,
    small_set::{NONE, OneOrSeveral},
};

/// The decisions about pupils, as places of this linking: children of the register, the lesser one first.
#[derive(Debug, Default)]
pub(crate) struct Pupils {
    /// Those that are one child.
    pub(crate) same: Vec<DecidedPair>,
    /// Those that stay two.
    pub(crate) apart: Vec<DecidedPair>,
    /// Decisions that were not honoured, by reason.
    pub(crate) refused: BTreeMap<String, u64>,
    known: HashMap<DecidedPair, String>,
}

/// The register's children, before any of them are joined.
struct RegisterTerms {
    /// For each child the deliveries in which a row has a current number of its.
    deliveries: HashMap<u32, BTreeSet<u32>>,
    /// Children that are linked by their number alone.
    exact_only: HashSet<u32>,
}

impl RegisterTerms {
    fn of(persons: &Persons, register: &Register) -> Self {
        let mut deliveries: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for row in persons.all().filter(|row| persons.table_of(*row).register) {
            if persons.current(row) != NONE {
                let delivery = persons.table_of(row).delivery;
                deliveries.entry(register.unit(row)).or_default().insert(delivery);
            }
        }
        let units = persons.exact_only_rows().map(|row| register.unit(row));
        Self { deliveries, exact_only: units.filter(|unit| *unit != NONE).collect() }
    }

    fn hides(&self, (a, b): DecidedPair) -> bool {
        self.exact_only.contains(&a) || self.exact_only.contains(&b)
    }

    /// Whether some children have no two current numbers in one delivery.
    fn may_be_one(&self, units: &BTreeSet<u32>) -> bool {
        let of = || units.iter().filter_map(|unit| self.deliveries.get(unit));
        let all: BTreeSet<&u32> = of().flatten().collect();
        of().map(BTreeSet::len).sum::<usize>() == all.len()
    }
}

/// The child of the register to which evidence leads.
pub(super) fn pupil(persons: &Persons, register: &Register, evidence: &[Pseudonym]) -> Option<u32> {
    let found = |code| register.number(code).or_else(|| register.only_of_key(code));
    only(persons, evidence, |code| found(code).map_or(OneOrSeveral::Nothing, OneOrSeveral::One))
}

/// Pairs of pupils whom a reviewer may join: they share a match key, and no delivery has a number of each.
pub(crate) fn alike(persons: &Persons, register: &Register) -> Vec<DecidedPair> {
    let alike = register.alike();
    if alike.is_empty() {
        return Vec::new();
    }
    let terms = RegisterTerms::of(persons, register);
    let may = |place: &DecidedPair| {
        !terms.hides(*place) && terms.may_be_one(&BTreeSet::from([place.0, place.1]))
    };
    alike.into_iter().filter(may).collect()
}

impl Review {
    /// Finds the pairs of pupils again, and says which are one child. All pairs to join are looked at together: two current
    /// numbers of one delivery, or two pupils who were decided to be different, and nothing of it is joined.
    pub(crate) fn settle_pupils(&self, persons: &Persons, register: &Register) -> Pupils {
        let mut settled = Pupils::default();
        if !self.pairs.values().any(|pair| pair.two_pupils) {
            return settled;
        }
        let terms = RegisterTerms::of(persons, register);
        let mut refuse = |why: &str| *settled.refused.entry(why.to_owned()).or_default() += 1;
        let mut same = Vec::new();
        for (id, pair) in self.pairs.iter().filter(|(_, pair)| pair.two_pupils) {
            let sides = [&pair.rows, &pair.pupil].map(|side| pupil(persons, register, side));
            let place = match sides {
                [Some(a), Some(b)] if a != b => Some((a.min(b), a.max(b))),
                _ => None,
            };
            let is_hidden = place.is_some_and(|place| terms.hides(place));
            if let (Some(place), false) = (place, is_hidden) {
                settled.known.insert(place, id.clone());
            }
            match (self.verdict(id), place) {
                (Verdict::Agreed(Decision::Same | Decision::Different), _) if is_hidden => {
                    refuse(EXACT_ONLY);
                }
                (Verdict::Agreed(Decision::Same), Some(place)) => same.push(place),
                (Verdict::Agreed(Decision::Different), Some(place)) => settled.apart.push(place),
                // A former number of the register has made them one meanwhile, or they are in no delivery.
                (Verdict::Agreed(Decision::Same | Decision::Different), None) => refuse(NOT_FOUND),
                _ => {}
            }
        }
        for place in &same {
            let whole = whole(place.0, &same);
            let contradicts =
                settled.apart.iter().any(|(a, b)| whole.contains(a) && whole.contains(b));
            match terms.may_be_one(&whole) && !contradicts {
                true => settled.same.push(*place),
                false => refuse(TWO_PUPILS),
            }
        }
        settled
    }

    /// Learns which pairs of pupils look like one child now.
    pub(super) fn learn_pupils(
        &mut self,
        (persons, register): (&Persons, &Register),
        settled: &Pupils,
        doubts: &[(DecidedPair, [Agreement; AGREEMENT_PARTS.len()])],
    ) {
        // Those that a decision made one may be judged by a second reviewer.
        for id in settled.same.iter().filter_map(|place| settled.known.get(place)) {
            if let Some(pair) = self.pairs.get_mut(id) {
                pair.open = true;
            }
        }
        let mut of_unit: HashMap<u32, Vec<u32>> = HashMap::new();
        for ((a, b), _) in doubts {
            of_unit.insert(*a, Vec::new());
            of_unit.insert(*b, Vec::new());
        }
        if of_unit.is_empty() {
            return;
        }
        for row in persons.all().filter(|row| persons.table_of(*row).register) {
            if let Some(known) = of_unit.get_mut(&register.unit(row)) {
                known.extend(codes(persons, row));
            }
        }
        let told = |unit: u32| -> Vec<Pseudonym> {
            let all = of_unit[&unit].iter().map(|code| persons.pseudonym(*code));
            let mut all: Vec<Pseudonym> =
                all.filter(|one| pupil(persons, register, &[*one]) == Some(unit)).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        for (place @ (a, b), agreement) in doubts {
            let (rows, pupil) = (told(*a), told(*b));
            let known = settled.known.get(place).cloned();
            let Some(id) = known.or_else(|| new_id(&rows, &pupil)) else { continue };
            let agreement = *agreement;
            self.pairs.insert(id, Pair { agreement, open: true, two_pupils: true, rows, pupil });
        }
    }
}

/// All children that pairs tie to one.
fn whole(unit: u32, pairs: &[DecidedPair]) -> BTreeSet<u32> {
    let mut whole = BTreeSet::from([unit]);
    loop {
        let before = whole.len();
        for (a, b) in pairs {
            if whole.contains(a) || whole.contains(b) {
                whole.extend([*a, *b]);
            }
        }
        if whole.len() == before {
            return whole;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::{
        children::{Children, LastStep},
        clerical::Settled,
        identities::Identities,
        person_rows::{PersonRow, PersonTable},
    };

    fn pseudonym_of(kind: u8, n: u8) -> Pseudonym {
        let mut bytes = [0; 16];
        (bytes[0], bytes[1]) = (kind, n);
        Pseudonym::from_bytes(bytes)
    }

    fn row(number: u8, key: u8) -> PersonRow {
        PersonRow {
            numbers: vec![Some(pseudonym_of(1, number))],
            match_keys: vec![Some(pseudonym_of(2, key))],
            ..PersonRow::default()
        }
    }

    /// Censuses, each of its rows.
    fn censuses(all: &[&[PersonRow]]) -> Persons {
        let mut persons = Persons::default();
        for (rows, delivery) in all.iter().zip(0..) {
            persons.begin(PersonTable {
                source: "school_census".parse().unwrap(),
                period: format!("term-{delivery}").parse().unwrap(),
                table: "pupils".parse().unwrap(),
                delivery,
                register: true,
                spine: true,
                numbers: 1,
                person_numbers: Vec::new(),
                match_keys: 1,
            });
            rows.iter().for_each(|row| persons.add(row));
        }
        persons
    }

    struct Linked {
        children: usize,
        changes: Vec<String>,
        refused: BTreeMap<String, u64>,
        for_review: usize,
    }

    fn link(persons: &Persons, review: &mut Review, ids: &mut Identities) -> Linked {
        let (known, mut refused) = (review.clone(), BTreeMap::new());
        let settled = std::cell::RefCell::new(Pupils::default());
        let first = |register: &Register| {
            let pupils = known.settle_pupils(persons, register);
            refused = pupils.refused.clone();
            let same = pupils.same.clone();
            settled.replace(pupils);
            same
        };
        let children = Children::with(persons, ids, first, |exact| {
            let of: Vec<_> = alike(persons, exact.register)
                .into_iter()
                .map(|place| (place, [Agreement::Agrees; AGREEMENT_PARTS.len()]))
                .collect();
            review.learn(exact, (&Settled::default(), &settled.borrow()), (&[], &of));
            Ok::<_, Infallible>(LastStep::default())
        })
        .unwrap();
        Linked {
            children: children.names().len(),
            changes: children.changes().iter().map(|(_, why)| why.clone()).collect(),
            refused,
            for_review: children.review(persons, |_| true).len(),
        }
    }

    fn decide_all(review: &mut Review, decision: Decision) {
        let ids: Vec<String> = review.pairs.keys().cloned().collect();
        ids.iter().for_each(|id| review.decide(id, "rae", decision));
    }

    #[test]
    fn two_numbers_of_two_terms_are_one_child_where_a_reviewer_says_so() {
        let persons = censuses(&[&[row(1, 9)], &[row(2, 9)]]);
        let (mut review, mut ids) = (Review::default(), Identities::default());
        let before = link(&persons, &mut review, &mut ids);
        assert_eq!((before.children, before.for_review, review.pairs.len()), (2, 1, 1));
        let known: Vec<String> = review.pairs.keys().cloned().collect();
        decide_all(&mut review, Decision::Same);
        let after = link(&persons, &mut review, &mut ids);
        assert_eq!((after.children, after.for_review), (1, 0));
        assert_eq!(after.changes, ["a reviewer's decision"]);
        assert_eq!(review.pairs.keys().cloned().collect::<Vec<_>>(), known);
        assert!(review.pairs[&known[0]].open, "a second reviewer may judge it");
        let again = link(&persons, &mut review, &mut ids);
        assert_eq!((again.children, again.changes.len()), (1, 0));
        // The second reviewer says otherwise: they are two again.
        review.decide(&known[0], "sol", Decision::Different);
        let apart = link(&persons, &mut review, &mut ids);
        assert_eq!((apart.children, apart.for_review), (2, 1));
        decide_all(&mut review, Decision::Different);
        assert_eq!(link(&persons, &mut review, &mut ids).children, 2);
    }

    #[test]
    fn two_current_numbers_of_one_delivery_are_in_no_pair_and_obey_no_decision() {
        let (mut review, mut ids) = (Review::default(), Identities::default());
        let both = censuses(&[&[row(1, 9), row(2, 9)]]);
        assert_eq!(link(&both, &mut review, &mut ids).children, 2);
        assert!(review.pairs.is_empty());
        link(&censuses(&[&[row(1, 9)], &[row(2, 9)]]), &mut review, &mut ids);
        decide_all(&mut review, Decision::Same);
        // The next census has both.
        let next = censuses(&[&[row(1, 9)], &[row(2, 9)], &[row(1, 9), row(2, 9)]]);
        let linked = link(&next, &mut review, &mut ids);
        assert_eq!(linked.children, 2);
        assert_eq!(linked.refused, [(TWO_PUPILS.to_owned(), 1)].into());
        assert!(review.pairs.values().all(|pair| !pair.open));
    }

    #[test]
    fn pupils_tied_by_a_third_are_looked_at_together() {
        let (mut review, mut ids) = (Review::default(), Identities::default());
        // 2 and 3 stand in one census; each looks like 1.
        let persons = censuses(&[&[row(1, 9)], &[row(2, 9), row(3, 9)]]);
        link(&persons, &mut review, &mut ids);
        assert_eq!(review.pairs.len(), 2);
        decide_all(&mut review, Decision::Same);
        let linked = link(&persons, &mut review, &mut ids);
        assert_eq!(linked.children, 3);
        assert_eq!(linked.refused, [(TWO_PUPILS.to_owned(), 2)].into());
    }

    #[test]
    fn no_decision_is_honoured_of_an_exact_only_pupil() {
        let (mut review, mut ids) = (Review::default(), Identities::default());
        link(&censuses(&[&[row(1, 9)], &[row(2, 9)]]), &mut review, &mut ids);
        decide_all(&mut review, Decision::Same);
        let marked = PersonRow { exact_only: true, ..row(2, 9) };
        let linked = link(&censuses(&[&[row(1, 9)], &[marked]]), &mut review, &mut ids);
        assert_eq!(linked.children, 2);
        assert_eq!(linked.refused, [(EXACT_ONLY.to_owned(), 1)].into());
    }
}
