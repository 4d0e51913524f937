//! Who is the same child: pseudonyms that one row of one source holds belong together.
//!
//! A union-find over pseudonyms. Three rules keep it from merging two children:
//! a spine identifier whose rows disagree on the birth date links nothing (*two children, one
//! UPN*); two groups whose birth dates are known and differ are never merged; a match key links
//! only where exactly one child of the spine has it (twins share birth date, surname and postcode,
//! so a key needs the forename too). Pupils who never had a number are one child over several
//! deliveries only by a match key that no delivery gives to two pupils.

use std::collections::{BTreeMap, HashMap, HashSet};

use minster_model::Pseudonym;

use crate::groups::{BirthDates, Groups, usable};

/// What one row says about one child. Every field is a keyed pseudonym.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityRow {
    /// Identifiers that the row holds for the child: UPN, former UPN, the service's own.
    pub identifiers: Vec<Pseudonym>,
    /// The keyed birth date, to tell two children with one identifier apart.
    pub birth_date: Option<Pseudonym>,
    /// Match keys, tried in this order where no identifier leads to the spine.
    pub match_keys: Vec<Pseudonym>,
}

/// How a row of a source came to its child of the spine, or why it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Linkage {
    /// By an identifier of its own, or one that a bridge or a former UPN ties to it.
    Identifier,
    /// By a match key that exactly one child of the spine has.
    MatchKey,
    /// Its identifier is unknown to the spine, and so are its match keys.
    NotOnSpine,
    /// More than one child of the spine has its match key.
    AmbiguousMatchKey,
    /// The row holds neither an identifier nor a match key.
    NoIdentifier,
    /// Its identifier stands for rows that disagree on the birth date.
    ConflictingBirthDate,
}

impl Linkage {
    /// Whether the row is linked to the spine.
    pub fn is_linked(self) -> bool {
        matches!(self, Self::Identifier | Self::MatchKey)
    }

    /// The stable name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::MatchKey => "match-key",
            Self::NotOnSpine => "not-on-spine",
            Self::AmbiguousMatchKey => "ambiguous-match-key",
            Self::NoIdentifier => "no-identifier",
            Self::ConflictingBirthDate => "conflicting-birth-date",
        }
    }
}

/// Gathers identity rows; [`ChildrenBuilder::build`] decides who is who.
#[derive(Debug, Default)]
pub struct ChildrenBuilder {
    spine: Vec<IdentityRow>,
    unnumbered: BTreeMap<usize, Vec<IdentityRow>>,
    others: Vec<IdentityRow>,
}

impl ChildrenBuilder {
    /// Adds a row of the spine. Its first identifier is the child's current one.
    pub fn add_spine(&mut self, row: IdentityRow) {
        self.spine.push(row);
    }

    /// Adds a pupil of the spine's source who has no current identifier in this delivery.
    pub fn add_unnumbered(&mut self, delivery: usize, row: IdentityRow) {
        self.unnumbered.entry(delivery).or_default().push(row);
    }

    /// Adds a row of another source.
    pub fn add(&mut self, row: IdentityRow) {
        self.others.push(row);
    }

    /// Decides who is who. The same rows in any order give the same children.
    pub fn build(mut self) -> Children {
        let order =
            |row: &IdentityRow| (row.identifiers.clone(), row.birth_date, row.match_keys.clone());
        self.spine.sort_by_cached_key(order);
        self.spine.dedup();
        self.others.sort_by_cached_key(order);
        self.others.dedup();

        let unnumbered = self.unnumbered.values().flatten();
        let BirthDates { known, conflicting } =
            BirthDates::new(&self.spine, unnumbered.chain(&self.others));
        let mut groups = Groups::default();
        let mut refused_merges = 0;
        let unnumbered = self.unnumbered.values_mut().flat_map(|rows| {
            rows.sort_by_cached_key(order);
            rows.iter()
        });
        let fits = |row: &IdentityRow, identifier: &Pseudonym| !matches!((row.birth_date, known.get(identifier)), (Some(a), Some(b)) if a != *b);
        for row in &self.spine {
            let (linked, other): (Vec<&Pseudonym>, Vec<&Pseudonym>) =
                usable(row, &conflicting).partition(|identifier| fits(row, identifier));
            refused_merges += other.len() as u64 + groups.join(linked, row.birth_date);
        }
        for row in unnumbered.chain(&self.others) {
            // Another service's number for a pupil with another birth date is no bridge.
            match usable(row, &conflicting).all(|identifier| fits(row, identifier)) {
                true => {
                    let linked = usable(row, &conflicting).collect();
                    refused_merges += groups.join(linked, row.birth_date);
                }
                false => refused_merges += 1,
            }
        }
        refused_merges += self.join_unnumbered(&mut groups, &conflicting);

        let mut on_spine = HashSet::new();
        let mut current: HashMap<u32, Pseudonym> = HashMap::new();
        let mut by_match_key: HashMap<Pseudonym, HashSet<u32>> = HashMap::new();
        for row in &self.spine {
            let Some(&first) = usable(row, &conflicting).next() else { continue };
            let Some(group) = groups.find_known(&first) else { continue };
            on_spine.insert(group);
            current.entry(group).and_modify(|id| *id = first.min(*id)).or_insert(first);
            for &key in &row.match_keys {
                by_match_key.entry(key).or_default().insert(group);
            }
        }

        let mut members: BTreeMap<Pseudonym, u32> = BTreeMap::new();
        for (&token, &code) in &groups.codes {
            let group = groups.find(code);
            let name = current.get(&group).copied();
            members.insert(token, group);
            if name.is_none() {
                current.insert(group, token);
            }
        }
        // A group off the spine is named by its least pseudonym, whatever the hash order above.
        for (&token, &group) in members.iter().rev() {
            if !on_spine.contains(&group) {
                current.insert(group, token);
            }
        }

        let names: BTreeMap<Pseudonym, u32> =
            current.iter().map(|(&group, &name)| (name, group)).collect();
        let child_of_group: HashMap<u32, u32> =
            names.values().zip(0u32..).map(|(&group, child)| (group, child)).collect();
        let by_token =
            members.iter().map(|(&token, group)| (token, child_of_group[group])).collect();
        let by_match_key = by_match_key
            .into_iter()
            .map(|(key, groups)| {
                let mut groups = groups.into_iter();
                let unique = match (groups.next(), groups.next()) {
                    (Some(group), None) => Some(child_of_group[&group]),
                    _ => None,
                };
                (key, unique)
            })
            .collect();
        Children {
            spine: names.values().map(|group| on_spine.contains(group)).collect(),
            names: names.into_keys().collect(),
            by_token,
            by_match_key,
            conflicting,
            refused_merges,
        }
    }

    /// Joins the pupils without a number whom a match key shows to be one child over several
    /// deliveries. A key links nothing that a numbered pupil has (which of them is meant is for
    /// [`Children::resolve`]), nor one that two pupils of one delivery share.
    fn join_unnumbered(&self, groups: &mut Groups, conflicting: &HashSet<Pseudonym>) -> u64 {
        let mut taken: HashSet<Pseudonym> =
            self.spine.iter().flat_map(|row| row.match_keys.iter().copied()).collect();
        let mut holders: BTreeMap<Pseudonym, Vec<u32>> = BTreeMap::new();
        for rows in self.unnumbered.values() {
            let mut here: BTreeMap<Pseudonym, u32> = BTreeMap::new();
            for row in rows {
                let Some(&first) = usable(row, conflicting).next() else { continue };
                let Some(group) = groups.find_known(&first) else { continue };
                for &key in &row.match_keys {
                    if *here.entry(key).or_insert(group) != group {
                        taken.insert(key);
                    }
                }
            }
            for (key, group) in here {
                holders.entry(key).or_default().push(group);
            }
        }
        let mut refused = 0;
        for (_, holders) in holders.iter().filter(|(key, _)| !taken.contains(key)) {
            for &other in &holders[1..] {
                refused += u64::from(!groups.union(holders[0], other));
            }
        }
        refused
    }
}

/// The children, numbered from 0 in the order of their pseudonyms.
#[derive(Debug)]
pub struct Children {
    names: Vec<Pseudonym>,
    spine: Vec<bool>,
    by_token: HashMap<Pseudonym, u32>,
    by_match_key: HashMap<Pseudonym, Option<u32>>,
    conflicting: HashSet<Pseudonym>,
    refused_merges: u64,
}

impl Children {
    /// Each child's pseudonym: its least current spine identifier, else its least pseudonym.
    pub fn names(&self) -> &[Pseudonym] {
        &self.names
    }

    /// Whether each child is a pupil of the council's schools.
    pub fn on_spine(&self) -> &[bool] {
        &self.spine
    }

    /// Identifiers set aside because their spine rows disagree on the birth date.
    pub fn conflicting_identifiers(&self) -> usize {
        self.conflicting.len()
    }

    /// Merges refused because the two birth dates differ: for review.
    pub fn refused_merges(&self) -> u64 {
        self.refused_merges
    }

    /// The child of an identifier.
    pub fn child(&self, identifier: &Pseudonym) -> Option<u32> {
        self.by_token.get(identifier).copied()
    }

    /// The child that a row is about, and how it came to the spine or why it did not.
    pub fn resolve(&self, row: &IdentityRow) -> (Option<u32>, Linkage) {
        let own = row.identifiers.iter().find_map(|identifier| self.child(identifier));
        if let Some(child) = own.filter(|&child| self.spine[child as usize]) {
            return (Some(child), Linkage::Identifier);
        }
        let mut ambiguous = false;
        for key in &row.match_keys {
            match self.by_match_key.get(key) {
                Some(Some(child)) => return (Some(*child), Linkage::MatchKey),
                Some(None) => ambiguous = true,
                None => {}
            }
        }
        let reason = if ambiguous {
            Linkage::AmbiguousMatchKey
        } else if row.identifiers.iter().any(|id| self.conflicting.contains(id)) {
            Linkage::ConflictingBirthDate
        } else if row.identifiers.is_empty() && row.match_keys.is_empty() {
            Linkage::NoIdentifier
        } else {
            Linkage::NotOnSpine
        };
        (own, reason)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p(n: u8) -> Pseudonym {
        Pseudonym::from_bytes([n; 16])
    }

    fn row(identifiers: &[u8], birth_date: u8, keys: &[u8]) -> IdentityRow {
        IdentityRow {
            identifiers: identifiers.iter().copied().map(p).collect(),
            birth_date: (birth_date > 0).then(|| p(birth_date)),
            match_keys: keys.iter().copied().map(p).collect(),
        }
    }

    fn children(spine: &[IdentityRow], others: &[IdentityRow]) -> Children {
        let mut builder = ChildrenBuilder::default();
        spine.iter().cloned().for_each(|row| builder.add_spine(row));
        others.iter().cloned().for_each(|row| builder.add(row));
        builder.build()
    }

    #[test]
    fn a_bridge_and_a_former_upn_lead_to_the_spine() {
        let spine = [row(&[10, 11], 200, &[])];
        let header = row(&[11, 50], 0, &[]);
        let cin = row(&[50], 0, &[]);
        let children = children(&spine, &[header.clone(), cin.clone()]);
        assert_eq!(children.names(), [p(10)]);
        assert_eq!(children.resolve(&header), (Some(0), Linkage::Identifier));
        assert_eq!(children.resolve(&cin), (Some(0), Linkage::Identifier));
        assert_eq!(children.child(&p(50)), Some(0));
    }

    #[test]
    fn two_children_with_one_upn_link_nothing() {
        let spine = [row(&[10], 200, &[]), row(&[10], 201, &[])];
        let children = children(&spine, &[]);
        assert_eq!(children.conflicting_identifiers(), 1);
        assert_eq!(children.resolve(&row(&[10], 0, &[])), (None, Linkage::ConflictingBirthDate));
    }

    #[test]
    fn two_birth_dates_are_never_merged() {
        let spine = [row(&[10], 200, &[]), row(&[20], 201, &[])];
        let children = children(&spine, &[row(&[10, 20], 0, &[])]);
        assert_eq!(children.names().len(), 2);
        assert_eq!(children.refused_merges(), 1);
    }

    #[test]
    fn a_match_key_links_only_where_one_child_has_it() {
        let spine = [row(&[10], 200, &[90]), row(&[20], 200, &[91]), row(&[30], 200, &[91])];
        let children = children(&spine, &[]);
        assert_eq!(children.resolve(&row(&[], 0, &[90])), (Some(0), Linkage::MatchKey));
        assert_eq!(children.resolve(&row(&[], 0, &[91])), (None, Linkage::AmbiguousMatchKey));
        assert_eq!(children.resolve(&row(&[], 0, &[92])), (None, Linkage::NotOnSpine));
        assert_eq!(children.resolve(&row(&[], 0, &[])), (None, Linkage::NoIdentifier));
    }

    #[test]
    fn a_pupil_without_a_number_is_one_child_over_the_terms() {
        let mut builder = ChildrenBuilder::default();
        builder.add_spine(row(&[10], 200, &[90]));
        // One pupil in two terms; two of one name and birth date; one whose key a numbered pupil has.
        for (term, id, key) in [(0, 20, 91), (1, 21, 91), (0, 30, 92), (0, 31, 92), (1, 32, 92)] {
            builder.add_unnumbered(term, row(&[id], 200, &[key]));
        }
        builder.add_unnumbered(0, row(&[40], 200, &[90]));
        let children = builder.build();
        assert_eq!(children.child(&p(20)), children.child(&p(21)));
        assert_ne!(children.child(&p(30)), children.child(&p(31)));
        assert_ne!(children.child(&p(30)), children.child(&p(32)));
        let (child, linkage) = children.resolve(&row(&[40], 200, &[90]));
        assert_eq!((child, linkage), (children.child(&p(10)), Linkage::MatchKey));
    }

    #[test]
    fn who_is_who_does_not_depend_on_what_the_pseudonyms_are() {
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) % below) as u8
        };
        for _ in 0..500 {
            let rows: Vec<(bool, Vec<u8>, u8)> = (0..8)
                .map(|_| {
                    let identifiers = (0..1 + next(2)).map(|_| 1 + next(8)).collect();
                    (next(3) > 0, identifiers, 201 + next(2))
                })
                .collect();
            let partition = |other_key: bool| {
                let renamed = |id: u8| if other_key { 100 - id } else { id };
                let mut builder = ChildrenBuilder::default();
                for (spine, identifiers, birth_date) in &rows {
                    let identifiers: Vec<u8> = identifiers.iter().map(|&id| renamed(id)).collect();
                    let row = row(&identifiers, *birth_date, &[]);
                    if *spine { builder.add_spine(row) } else { builder.add(row) }
                }
                let children = builder.build();
                let child = |id: u8| children.child(&p(renamed(id)));
                (1..9)
                    .flat_map(|a| (1..9).map(move |b| (a, b)))
                    .map(|(a, b)| child(a).is_some() && child(a) == child(b))
                    .collect::<Vec<bool>>()
            };
            assert_eq!(partition(false), partition(true), "{rows:?}");
        }
    }

    #[test]
    fn a_child_only_another_service_knows_is_kept_and_marked() {
        let other = row(&[60, 55], 0, &[]);
        let children = children(&[row(&[70], 0, &[])], std::slice::from_ref(&other));
        assert_eq!(children.names(), [p(55), p(70)]);
        assert_eq!(children.on_spine(), [false, true]);
        assert_eq!(children.resolve(&other), (Some(0), Linkage::NotOnSpine));
    }

    proptest! {
        #[test]
        fn the_order_of_rows_changes_nothing(
            spine in prop::collection::vec((1u8..20, 0u8..20, 0u8..4, 200u8..205), 1..12),
            others in prop::collection::vec((0u8..20, 20u8..30), 0..12),
            seed in any::<u64>(),
        ) {
            let spine: Vec<_> = spine.into_iter().map(|(id, former, birth, key)| {
                let ids: &[u8] = if former == 0 { &[id] } else { &[id, former] };
                row(ids, if birth == 0 { 0 } else { 240 + birth }, &[key])
            }).collect();
            let others: Vec<_> = others.into_iter().map(|(id, own)| {
                let ids: &[u8] = if id == 0 { &[own] } else { &[id, own] };
                row(ids, 0, &[])
            }).collect();
            let one = children(&spine, &others);
            let turn = |rows: &[IdentityRow]| {
                let mut rows = rows.to_vec();
                let by = (seed as usize) % rows.len().max(1);
                rows.rotate_left(by);
                rows.reverse();
                rows
            };
            let two = children(&turn(&spine), &turn(&others));
            prop_assert_eq!(one.names(), two.names());
            prop_assert_eq!(one.on_spine(), two.on_spine());
            for n in 0..=255u8 {
                prop_assert_eq!(one.child(&p(n)), two.child(&p(n)));
            }
        }
    }
}
