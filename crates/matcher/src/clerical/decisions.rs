//! The effect of decisions on linking: which rows are led to which pupil, and which are kept from which.

use std::collections::BTreeMap;

use ahash::{HashMap, HashMapExt, HashSet};
use minster_model::Pseudonym;
use minster_scoring::{AGREEMENT_PARTS, Agreement};

use super::{
    BY_NUMBER, Decision, EXACT_ONLY, NOT_FOUND, Pair, Pupils, Review, TWO_PUPILS, Verdict,
    pupil_pairs::pupil,
};
use crate::{
    children::{ExactLinks, Linkage},
    identities::derived,
    person_rows::Persons,
    small_set::{NONE, OneOrSeveral},
};

/// Rows of services, named by the first of their group, and a child of the register; or two children of the register.
pub(crate) type DecidedPair = (u32, u32);

/// Rows and a child of the register who may be one, and how their parts agree.
pub(crate) type Doubt = (DecidedPair, [Agreement; AGREEMENT_PARTS.len()]);

/// The decisions, as places of this linking.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Rows that are led to a child of the register.
    pub(crate) same: Vec<DecidedPair>,
    /// Rows that are kept from one.
    pub(crate) apart: Vec<DecidedPair>,
    /// The outcome of the decisions.
    pub(crate) refused: BTreeMap<String, u64>,
    /// The pairs that are known, by their places.
    known: HashMap<DecidedPair, String>,
}

impl Settled {
    /// Whether a decision says where these rows belong, or that they do not belong to this child.
    pub(crate) fn decides(&self, place: DecidedPair) -> bool {
        self.apart.contains(&place) || self.same.iter().any(|same| same.0 == place.0)
    }

    fn refuse(&mut self, why: &str) {
        *self.refused.entry(why.to_owned()).or_default() += 1;
    }
}

/// Codes of numbers and match keys, and what each leads to.
struct KnownLeads<'a> {
    exact: &'a ExactLinks<'a>,
    /// For codes that were asked for: the group of rows of services.
    groups: HashMap<u32, OneOrSeveral>,
}

impl<'a> KnownLeads<'a> {
    fn new(exact: &'a ExactLinks<'a>, wanted: &HashSet<u32>) -> Self {
        let mut groups: HashMap<u32, OneOrSeveral> = HashMap::new();
        let persons = exact.persons;
        for row in persons.all().filter(|row| exact.register.unit(*row) == NONE) {
            for code in codes(persons, row).filter(|code| wanted.contains(code)) {
                groups.entry(code).or_default().add(exact.services.root(row));
            }
        }
        Self { exact, groups }
    }

    fn rows(&self, evidence: &[Pseudonym]) -> Option<u32> {
        let lead = |code| self.groups.get(&code).copied().unwrap_or_default();
        only(self.exact.persons, evidence, lead)
    }

    fn pupil(&self, evidence: &[Pseudonym]) -> Option<u32> {
        pupil(self.exact.persons, self.exact.register, evidence)
    }
}

/// The one place to which all evidence leads that leads anywhere.
pub(super) fn only(
    persons: &Persons,
    evidence: &[Pseudonym],
    lead: impl Fn(u32) -> OneOrSeveral,
) -> Option<u32> {
    let mut place = OneOrSeveral::Nothing;
    for code in evidence.iter().filter_map(|one| persons.code_of(one)) {
        match lead(code) {
            OneOrSeveral::Several => return None,
            OneOrSeveral::One(found) => place.add(found),
            OneOrSeveral::Nothing => {}
        }
    }
    place.only()
}

/// The id of a pair that was never in doubt before; none where nothing would lead back to one of its sides.
pub(super) fn new_id(rows: &[Pseudonym], pupil: &[Pseudonym]) -> Option<String> {
    let both = [rows.first()?.as_bytes().as_slice(), pupil.first()?.as_bytes()].concat();
    Some(derived("review", &both).to_string()[..16].to_owned())
}

/// A row's numbers and match keys.
pub(super) fn codes(persons: &Persons, row: u32) -> impl Iterator<Item = u32> + '_ {
    persons.numbers_known(row).chain(persons.keys(row))
}

impl Review {
    /// Finds the pairs again, and says what their decisions do. Nothing of an exact-only identity is decided, no rows are led
    /// to two pupils, and a number that the rows have outweighs a decision.
    pub(crate) fn settle(&self, exact: &ExactLinks<'_>) -> Settled {
        let mut settled = Settled::default();
        let pairs = || self.pairs.iter().filter(|(_, pair)| !pair.two_pupils);
        if pairs().next().is_none() {
            return settled;
        }
        let all = pairs().flat_map(|(_, pair)| &pair.rows);
        let wanted = all.filter_map(|one| exact.persons.code_of(one)).collect();
        let leads = KnownLeads::new(exact, &wanted);
        let hidden = ExactOnlyGroups::of(exact);
        let mut same: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (id, pair) in pairs() {
            let place = leads.rows(&pair.rows).zip(leads.pupil(&pair.pupil));
            let is_hidden = place.is_some_and(|place| hidden.has(place));
            if let (Some(place), false) = (place, is_hidden) {
                settled.known.insert(place, id.clone());
            }
            let Verdict::Agreed(decision @ (Decision::Same | Decision::Different)) =
                self.verdict(id)
            else {
                continue;
            };
            let Some((root, unit)) = place.filter(|_| !is_hidden) else {
                settled.refuse(if is_hidden { EXACT_ONLY } else { NOT_FOUND });
                continue;
            };
            let led = match exact.services.child(root) {
                NONE => None,
                led => Some(exact.register.root(led)),
            };
            let by_number = exact.services.linkage[root as usize] == Linkage::Identifier;
            match (decision, led) {
                (Decision::Same, Some(led)) if led != unit => {
                    settled.refuse(if by_number { BY_NUMBER } else { TWO_PUPILS });
                }
                (Decision::Same, _) => same.entry(root).or_default().push(unit),
                (_, Some(led)) if led == unit && by_number => settled.refuse(BY_NUMBER),
                _ => settled.apart.push((root, unit)),
            }
        }
        for (root, mut units) in same {
            // Two pupils whom another decision made one.
            units.sort_unstable();
            units.dedup();
            match units.as_slice() {
                // Led there by now in any case: the decision has nothing to do.
                [unit] => settled.same.push((root, *unit)),
                _ => units.iter().for_each(|_| settled.refuse(TWO_PUPILS)),
            }
        }
        settled
    }

    /// Learns which pairs are in doubt now. A pair that nothing would lead back to is left out, and so is one of an exact-only
    /// identity.
    pub(crate) fn learn(
        &mut self,
        exact: &ExactLinks<'_>,
        (settled, pupils): (&Settled, &Pupils),
        (doubts, of_pupils): (&[Doubt], &[Doubt]),
    ) {
        self.pairs.values_mut().for_each(|pair| pair.open = false);
        self.learn_pupils((exact.persons, exact.register), pupils, of_pupils);
        if doubts.is_empty() {
            return;
        }
        let persons = exact.persons;
        let mut of_root: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut of_unit: HashMap<u32, Vec<u32>> = HashMap::new();
        for ((root, unit), _) in doubts {
            of_root.insert(*root, Vec::new());
            of_unit.insert(*unit, Vec::new());
        }
        for row in persons.all() {
            let (of, place) = match exact.register.unit(row) {
                NONE => (&mut of_root, exact.services.root(row)),
                unit => (&mut of_unit, unit),
            };
            if let Some(known) = of.get_mut(&place) {
                known.extend(codes(persons, row));
            }
        }
        let wanted = of_root.values().flatten().copied().collect();
        let leads = KnownLeads::new(exact, &wanted);
        let hidden = ExactOnlyGroups::of(exact);
        let told = |codes: &[u32], leads_back: &dyn Fn(&[Pseudonym]) -> bool| -> Vec<Pseudonym> {
            let all = codes.iter().map(|code| persons.pseudonym(*code));
            let mut all: Vec<Pseudonym> = all.filter(|one| leads_back(&[*one])).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        for (place @ (root, unit), agreement) in doubts {
            if hidden.has(*place) {
                continue;
            }
            let rows = told(&of_root[root], &|one| leads.rows(one) == Some(*root));
            let pupil = told(&of_unit[unit], &|one| leads.pupil(one) == Some(*unit));
            let known = settled.known.get(place).cloned();
            let Some(id) = known.or_else(|| new_id(&rows, &pupil)) else { continue };
            let agreement = *agreement;
            self.pairs.insert(id, Pair { agreement, open: true, two_pupils: false, rows, pupil });
        }
    }
}

/// Groups of rows and children of the register that are linked by their number alone.
struct ExactOnlyGroups {
    roots: HashSet<u32>,
    units: HashSet<u32>,
}

impl ExactOnlyGroups {
    fn of(exact: &ExactLinks<'_>) -> Self {
        let mut hidden = Self { roots: HashSet::default(), units: HashSet::default() };
        for row in exact.persons.exact_only_rows() {
            match exact.register.unit(row) {
                NONE => hidden.roots.insert(exact.services.root(row)),
                unit => hidden.units.insert(unit),
            };
        }
        hidden
    }

    fn has(&self, (root, unit): DecidedPair) -> bool {
        self.roots.contains(&root) || self.units.contains(&unit)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::{
        children::{Children, LastStep},
        identities::Identities,
        person_rows::{PersonRow, PersonTable},
        register::Register,
    };

    fn pseudonym_of(kind: u8, n: u8) -> Option<Pseudonym> {
        Some(Pseudonym::from_bytes([kind, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
    }

    const NUMBER: u8 = 1;
    const KEY: u8 = 2;

    fn row(number: Option<u8>, key: u8) -> PersonRow {
        PersonRow {
            numbers: vec![number.and_then(|number| pseudonym_of(NUMBER, number))],
            match_keys: vec![pseudonym_of(KEY, key)],
            ..PersonRow::default()
        }
    }

    /// Two pupils, and a row of the police with another spelling; what the last row says can be changed.
    fn persons(last: &PersonRow) -> Persons {
        let mut persons = Persons::default();
        for (source, register) in [("school_census", true), ("missing", false)] {
            persons.begin(PersonTable {
                source: source.parse().unwrap(),
                period: "2024-25".parse().unwrap(),
                table: "persons".parse().unwrap(),
                delivery: u32::from(!register),
                register,
                spine: register,
                numbers: 1,
                person_numbers: Vec::new(),
                match_keys: 1,
            });
            match register {
                true => (1..=2).for_each(|n| persons.add(&row(Some(n), n))),
                false => persons.add(last),
            }
        }
        persons
    }

    /// Links with what a review says of the police's row, which is in doubt with both pupils; gives the children of all rows.
    fn linked(persons: &Persons, review: &mut Review) -> (Vec<u32>, Settled) {
        let mut told = None;
        let nobody = |_: &Register| Vec::new();
        let children = Children::with(persons, &mut Identities::default(), nobody, |exact| {
            let settled = review.settle(exact);
            let root = exact.services.root(2);
            let doubts: Vec<Doubt> = (0..2)
                .map(|row| ((root, exact.register.unit(row)), [Agreement::Near; 5]))
                .filter(|_| exact.services.child(root) == NONE)
                .collect();
            review.learn(exact, (&settled, &Pupils::default()), (&doubts, &[]));
            let (reviewed, apart) = (settled.same.clone(), settled.apart.clone());
            told = Some(settled);
            Ok::<_, Infallible>(LastStep { reviewed, apart, ..LastStep::default() })
        });
        let children = children.unwrap();
        ([children.of_table(0), children.of_table(1)].concat(), told.unwrap())
    }

    fn ids(review: &Review) -> Vec<String> {
        review.pairs.keys().cloned().collect()
    }

    /// The pair whose pupil has this number.
    fn id_of(review: &Review, number: u8) -> String {
        let wanted = pseudonym_of(NUMBER, number).unwrap();
        let found = review.pairs.iter().find(|(_, pair)| pair.pupil.contains(&wanted));
        found.unwrap().0.clone()
    }

    #[test]
    fn a_decision_links_and_no_rows_are_led_to_two_pupils() {
        let persons = persons(&row(None, 9));
        let mut review = Review::default();
        let (of_row, _) = linked(&persons, &mut review);
        assert!(of_row[2] != of_row[0] && of_row[2] != of_row[1]);
        let first = id_of(&review, 1);
        let known = ids(&review);
        assert_eq!(known.len(), 2);
        review.decide(&first, "rae", Decision::Same);
        let (of_row, settled) = linked(&persons, &mut review);
        assert_eq!(of_row[2], of_row[0]);
        assert!(settled.refused.is_empty());
        assert_eq!(ids(&review), known, "a pair keeps its id");
        // The other reviewer joins it to the other pupil: it would make two pupils one.
        let second = id_of(&review, 2);
        review.decide(&second, "sol", Decision::Same);
        let (of_row, settled) = linked(&persons, &mut review);
        assert!(of_row[0] != of_row[1] && of_row[2] != of_row[0] && of_row[2] != of_row[1]);
        assert_eq!(settled.refused, [(TWO_PUPILS.to_owned(), 2)].into());
        // Two say differently of one pair: neither is honoured.
        review.decide(&second, "rae", Decision::Different);
        let (of_row, settled) = linked(&persons, &mut review);
        assert_eq!(of_row[2], of_row[0]);
        assert_eq!((settled.same.len(), settled.apart.len()), (1, 0));
    }

    #[test]
    fn a_pair_that_is_kept_apart_stays_so_where_a_name_key_comes_to_agree() {
        let mut review = Review::default();
        let telling = |number, key| PersonRow {
            numbers: vec![pseudonym_of(NUMBER, number)],
            match_keys: vec![pseudonym_of(KEY, key)],
            ..PersonRow::default()
        };
        linked(&persons(&telling(7, 9)), &mut review);
        let first = id_of(&review, 1);
        review.decide(&first, "rae", Decision::Different);
        // The police's next delivery has the name as the school does.
        let (of_row, settled) = linked(&persons(&telling(7, 1)), &mut review);
        assert_eq!(settled.apart.len(), 1);
        assert_ne!(of_row[2], of_row[0]);
        let mut same = Review::default();
        let (of_row, _) = linked(&persons(&telling(7, 1)), &mut same);
        assert_eq!(of_row[2], of_row[0], "without the decision the name key leads there");
    }

    #[test]
    fn a_row_in_conflict_of_a_source_without_scores_goes_out_and_a_decision_links_it() {
        let other = pseudonym_of(3, 1);
        let conflict = PersonRow { birth_date: other, ..row(Some(1), 9) };
        let mut rows = Persons::default();
        for (source, register) in [("school_census", true), ("cin", false)] {
            let of = persons(&row(None, 9)).tables.swap_remove(usize::from(!register));
            rows.begin(PersonTable { source: source.parse().unwrap(), ..of });
            match register {
                true => rows.add(&PersonRow { birth_date: pseudonym_of(3, 2), ..row(Some(1), 1) }),
                false => rows.add(&conflict),
            }
        }
        let mut review = Review::default();
        let link = |review: &mut Review| {
            let nobody = |_: &Register| Vec::new();
            let children = Children::with(&rows, &mut Identities::default(), nobody, |exact| {
                let settled = review.settle(exact);
                let doubts = crate::clerical::conflicts(exact, &[]);
                review.learn(exact, (&settled, &Pupils::default()), (&doubts, &[]));
                let (reviewed, apart) = (settled.same, settled.apart);
                Ok::<_, Infallible>(LastStep { reviewed, apart, ..LastStep::default() })
            });
            let children = children.unwrap();
            (children.of_table(0)[0], children.of_table(1)[0])
        };
        let (pupil, found) = link(&mut review);
        assert_ne!(pupil, found);
        let [pair] = review.pairs.values().collect::<Vec<_>>()[..] else { panic!("one pair") };
        let missing = Agreement::Missing;
        assert_eq!(
            pair.agreement,
            [missing, missing, Agreement::Differs, missing, missing],
            "the birth date differs, and nothing else is known"
        );
        review.decide(&id_of(&review, 1), "rae", Decision::Same);
        let (pupil, found) = link(&mut review);
        assert_eq!(pupil, found);
    }

    #[test]
    fn an_exact_only_row_is_in_no_pair_and_obeys_no_decision() {
        let mut review = Review::default();
        linked(&persons(&row(None, 9)), &mut review);
        let first = id_of(&review, 1);
        review.decide(&first, "rae", Decision::Same);
        let marked = persons(&PersonRow { exact_only: true, ..row(None, 9) });
        let (of_row, settled) = linked(&marked, &mut review);
        assert_ne!(of_row[2], of_row[0]);
        assert_eq!(settled.refused, [(EXACT_ONLY.to_owned(), 1)].into());
        assert!(review.pairs.values().all(|pair| !pair.open));
        let mut fresh = Review::default();
        linked(&marked, &mut fresh);
        assert!(fresh.pairs.is_empty());
    }
}
