//! Ids that stay. A child's id is made once, of what the first delivery says about the child, and is kept as long as any
//! number or match key leads back to it. Where two ids turn out to be one child's, the older stays; where one turns out to be
//! two children's, the child with more of its evidence keeps it. Both are written down.

use std::collections::BTreeMap;

use ahash::{HashMap, HashMapExt, HashSet};
use minster_model::Pseudonym;
use minster_store::sha256;
use serde::{Deserialize, Serialize};

use crate::parallel_reader::{made_on_all_cores, made_on_each_core};

/// Children while ids are given out, each with its evidence and the id that fits it best. All evidence stands in one list: there
/// are as many children as that, and most have one piece.
#[derive(Debug, Clone, Default)]
pub struct ClusterEvidence {
    evidence: Vec<Pseudonym>,
    /// For each child where its evidence ends.
    ends: Vec<u32>,
    best: Vec<Option<Pseudonym>>,
}

impl ClusterEvidence {
    /// Adds a child: the evidence for it and no other (numbers, match keys, or rows where there is neither), and the id that it
    /// gets where it has none and nobody else has it.
    pub fn add(&mut self, evidence: &[Pseudonym], best: Option<Pseudonym>) {
        self.evidence.extend_from_slice(evidence);
        self.ends.push(self.evidence.len() as u32);
        self.best.push(best);
    }

    /// Adds the children of another list.
    pub(crate) fn append(&mut self, other: &Self) {
        let before = self.evidence.len() as u32;
        self.evidence.extend_from_slice(&other.evidence);
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.best.extend_from_slice(&other.best);
    }

    /// How many children there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn start(&self, cluster: usize) -> usize {
        cluster.checked_sub(1).map_or(0, |before| self.ends[before] as usize)
    }

    /// The evidence of a child.
    fn of(&self, cluster: usize) -> &[Pseudonym] {
        &self.evidence[self.start(cluster)..self.ends[cluster] as usize]
    }

    /// One child's part of a list that stands beside the evidence.
    fn beside<'l, T>(&self, list: &'l [T], cluster: usize) -> &'l [T] {
        &list[self.start(cluster)..self.ends[cluster] as usize]
    }
}

/// A change of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// `from` and `to` are one child's: `to` stays.
    Merged,
    /// Evidence of `from` is of another child: `to` is that child's.
    Split,
}

impl ChangeKind {
    /// The name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Split => "split",
        }
    }
}

/// A merge or a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub happened: ChangeKind,
    /// The id that was.
    pub from: Pseudonym,
    /// The id that is.
    pub to: Pseudonym,
    /// The child that now has `to`.
    pub cluster: usize,
}

/// The ids of children, and what leads to each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    /// For each number, match key or row the id that it leads to.
    pub evidence: HashMap<Pseudonym, Pseudonym>,
    /// All ids that were ever made, and which was first.
    pub made: HashMap<Pseudonym, u64>,
}

/// Ids given out: one a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The id of each cluster.
    pub ids: Vec<Pseudonym>,
    /// How many numbers, match keys and rows lead to an id that they did not lead to before. Where there are none, nothing is
    /// new.
    pub learnt: usize,
    /// Merges and splits.
    pub changes: Vec<Change>,
    /// For each child with a change, the ids that its evidence led to before.
    pub before: BTreeMap<Pseudonym, Pseudonym>,
}

impl Identities {
    /// Gives each cluster its id, and remembers what leads to it. `of_row` makes the id that a cluster's first row gives, where
    /// none other fits.
    pub fn assign(
        &mut self,
        clusters: &ClusterEvidence,
        of_row: impl Fn(usize) -> Pseudonym,
    ) -> Assigned {
        // The ids to which the pieces of evidence led before, cluster by cluster.
        let all = &clusters.evidence;
        let before: Vec<Option<Pseudonym>> = made_on_all_cores(all.len(), |range| {
            all[range].iter().map(|evidence| self.evidence.get(evidence).copied()).collect()
        });
        let led = FormerIds { clusters, before: &before };
        let holders = led.holders();
        let age = |id: &Pseudonym| (self.made.get(id).copied().unwrap_or(u64::MAX), *id);
        let mut oldest: Vec<Option<Pseudonym>> = vec![None; clusters.len()];
        for (id, holder) in holders.all() {
            let known = &mut oldest[holder.cluster as usize];
            *known = Some(match *known {
                Some(known) if age(&known) < age(id) => known,
                _ => *id,
            });
        }
        let ids = self.given(clusters, oldest, of_row);
        let mut of = Assigned { ids, learnt: 0, changes: Vec::new(), before: BTreeMap::new() };
        for (cluster, before) in led.each() {
            let (evidence, to) = (clusters.of(cluster), of.ids[cluster]);
            if before.iter().all(|id| *id == Some(to)) {
                continue;
            }
            let known = || evidence.iter().zip(before).filter_map(|(one, id)| Some((*one, (*id)?)));
            let mut others: Vec<Pseudonym> =
                known().map(|(_, id)| id).filter(|id| *id != to).collect();
            of.learnt += evidence.len() - known().count() + others.len();
            self.evidence.extend(evidence.iter().map(|one| (*one, to)));
            others.sort_unstable();
            others.dedup();
            if !others.is_empty() {
                of.before.extend(known());
            }
            of.changes.extend(others.into_iter().map(|from| {
                let is_held =
                    holders.of(&from).is_some_and(|held| held.cluster as usize == cluster);
                let happened = if is_held { ChangeKind::Merged } else { ChangeKind::Split };
                Change { happened, from, to, cluster }
            }));
        }
        of
    }

    /// The id of each cluster: the oldest that it holds, else a new one.
    fn given(
        &mut self,
        clusters: &ClusterEvidence,
        oldest: Vec<Option<Pseudonym>>,
        of_row: impl Fn(usize) -> Pseudonym,
    ) -> Vec<Pseudonym> {
        if let Some(all) = oldest.iter().copied().collect() {
            return all;
        }
        let mut taken: HashSet<Pseudonym> = oldest.iter().flatten().copied().collect();
        let mut next = self.made.values().max().map_or(0, |last| last + 1);
        let mut new = |place: usize| {
            // An id that was merged away comes back to the child whose evidence it was.
            let is_free = |id: &Pseudonym| {
                !taken.contains(id)
                    && (!self.made.contains_key(id) || clusters.of(place).contains(id))
            };
            let id = clusters.best[place].filter(is_free).unwrap_or_else(|| {
                let mut id = of_row(place);
                // A row that has another child now may have given its id to the child that it had.
                while !is_free(&id) {
                    id = derived("after", id.as_bytes());
                }
                id
            });
            taken.insert(id);
            self.made.entry(id).or_insert_with(|| {
                next += 1;
                next - 1
            });
            id
        };
        let all = oldest.into_iter().enumerate();
        all.map(|(place, oldest)| oldest.unwrap_or_else(|| new(place))).collect()
    }
}

/// The ids to which clusters' evidence led before.
struct FormerIds<'a> {
    clusters: &'a ClusterEvidence,
    /// For each piece of evidence, cluster by cluster.
    before: &'a [Option<Pseudonym>],
}

/// The cluster that holds an id, and how much of its evidence leads to it.
#[derive(Clone, Copy)]
struct HoldingCluster {
    cluster: u32,
    evidence: u32,
    /// Whether the id is one of its numbers or match keys.
    is_own: bool,
}

impl<'a> FormerIds<'a> {
    /// Each cluster's place with what its evidence led to.
    fn each(&self) -> impl Iterator<Item = (usize, &'a [Option<Pseudonym>])> + use<'a> {
        let Self { clusters, before } = *self;
        (0..clusters.len()).map(|cluster| (cluster, clusters.beside(before, cluster)))
    }

    /// For each id the cluster with most of its evidence, then the one that the id is a number of, then the first.
    fn holders(&self) -> Holders {
        Holders(made_on_each_core(|core, cores| self.holders_of(core, cores)))
    }

    /// The holders of one core's ids.
    fn holders_of(&self, core: usize, cores: usize) -> HashMap<Pseudonym, HoldingCluster> {
        let is_ours = |id: &Pseudonym| Holders::core(id, cores) == core;
        // Nearly each cluster holds one id.
        let known = self.before.len().min(self.clusters.len()) / cores;
        let mut holders: HashMap<Pseudonym, HoldingCluster> = HashMap::with_capacity(known);
        let mut claims: Vec<(Pseudonym, HoldingCluster)> = Vec::new();
        for (place, before) in self.each() {
            claims.clear();
            for (evidence, id) in self.clusters.of(place).iter().zip(before) {
                let Some(id) = id.filter(is_ours) else { continue };
                let is_own = *evidence == id;
                match claims.iter_mut().find(|claim| claim.0 == id) {
                    Some((_, claim)) => {
                        claim.evidence += 1;
                        claim.is_own |= is_own;
                    }
                    None => {
                        claims.push((
                            id,
                            HoldingCluster { cluster: place as u32, evidence: 1, is_own },
                        ));
                    }
                }
            }
            for (id, claim) in &claims {
                let held = holders.entry(*id).or_insert(*claim);
                if (claim.evidence, claim.is_own) > (held.evidence, held.is_own) {
                    *held = *claim;
                }
            }
        }
        holders
    }
}

/// The cluster that holds each id. Each core has those whose numbers begin alike.
struct Holders(Vec<HashMap<Pseudonym, HoldingCluster>>);

impl Holders {
    fn core(id: &Pseudonym, cores: usize) -> usize {
        usize::from(id.as_bytes()[0]) % cores
    }

    fn of(&self, id: &Pseudonym) -> Option<&HoldingCluster> {
        self.0[Self::core(id, self.0.len())].get(id)
    }

    fn all(&self) -> impl Iterator<Item = (&Pseudonym, &HoldingCluster)> {
        self.0.iter().flatten()
    }
}

/// A pseudonym of a child without a number, made of what is pseudonymised or a place: it says nothing that these do not.
pub(crate) fn derived(kind: &str, of: &[u8]) -> Pseudonym {
    let digest = sha256(&[b"minster child\n", kind.as_bytes(), b"\n", of].concat());
    let mut bytes = [0u8; Pseudonym::LEN];
    bytes.copy_from_slice(&digest[..Pseudonym::LEN]);
    Pseudonym::from_bytes(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p(n: u8) -> Pseudonym {
        Pseudonym::from_bytes([n; 16])
    }

    /// Children with so much evidence, the first of which is the best candidate.
    fn clusters<const N: usize>(all: [&[u8]; N]) -> ClusterEvidence {
        let mut clusters = ClusterEvidence::default();
        for evidence in all {
            let evidence: Vec<Pseudonym> = evidence.iter().map(|n| p(*n)).collect();
            clusters.add(&evidence, evidence.first().copied());
        }
        clusters
    }

    /// Gives ids; a row's is 200 and more.
    fn assign(known: &mut Identities, clusters: &ClusterEvidence) -> Assigned {
        let first = |place: usize| clusters.of(place).first().map_or(0, |of| of.as_bytes()[0]);
        known.assign(clusters, |place| p(200 + first(place)))
    }

    #[test]
    fn a_new_number_of_a_child_changes_no_id() {
        let mut known = Identities::default();
        assert_eq!(assign(&mut known, &clusters([&[5], &[7]])).ids, [p(5), p(7)]);
        let second = assign(&mut known, &clusters([&[1, 5], &[7], &[3]]));
        let ids = (second.ids, known.made.len(), second.changes);
        assert_eq!(ids, (vec![p(5), p(7), p(3)], 2 + 1, vec![]));
        assert_eq!(second.learnt, 2, "the new number, and the new child's");
    }

    #[test]
    fn the_older_of_two_ids_of_one_child_stays_and_the_merge_is_written_down() {
        let mut known = Identities::default();
        assign(&mut known, &clusters([&[9]]));
        assign(&mut known, &clusters([&[9], &[2]]));
        let merged = assign(&mut known, &clusters([&[2, 9]]));
        assert_eq!(merged.ids, [p(9)]);
        let change = Change { happened: ChangeKind::Merged, from: p(2), to: p(9), cluster: 0 };
        assert_eq!(merged.changes, [change]);
        // The same again changes nothing.
        let again = assign(&mut known, &clusters([&[2, 9]]));
        assert_eq!((again.ids, again.learnt, again.changes), (vec![p(9)], 0, vec![]));
        // Apart again, the second child has the id that it had.
        let apart = assign(&mut known, &clusters([&[9], &[2]]));
        assert_eq!(apart.ids, [p(9), p(2)]);
        let change = Change { happened: ChangeKind::Split, from: p(9), to: p(2), cluster: 1 };
        assert_eq!((known.made.len(), apart.changes), (2, vec![change]));
    }

    #[test]
    fn the_child_with_more_of_the_evidence_keeps_an_id() {
        let mut known = Identities::default();
        assign(&mut known, &clusters([&[1, 2, 3]]));
        let split = assign(&mut known, &clusters([&[1], &[2, 3]]));
        assert_eq!(split.ids[1], p(1));
        assert_eq!(split.ids[0], p(201), "the number is the other child's id: the row tells");
        assert_eq!(split.changes.len(), 1);
    }

    proptest! {
        /// Worlds of evidence, night after night: each child has one id, no two have the same, the same night again changes
        /// nothing, and all nights from the beginning give the same ids.
        #[test]
        fn ids_are_unique_and_stay(
            nights in prop::collection::vec(prop::collection::vec(0usize..6, 12), 1..5),
        ) {
            let of_night = |night: &Vec<usize>| {
                let mut all = ClusterEvidence::default();
                for child in 0..6 {
                    let evidence = (0..12u8).filter(|n| night[*n as usize] == child).map(p);
                    let evidence: Vec<Pseudonym> = evidence.collect();
                    if !evidence.is_empty() {
                        all.add(&evidence, evidence.first().copied());
                    }
                }
                all
            };
            let mut known = Identities::default();
            let mut all = Vec::new();
            for night in &nights {
                let given = assign(&mut known, &of_night(night));
                let unique: std::collections::BTreeSet<_> = given.ids.iter().collect();
                prop_assert_eq!(unique.len(), of_night(night).len());
                let before = known.clone();
                let again = assign(&mut known, &of_night(night));
                prop_assert_eq!(&again.ids, &given.ids);
                prop_assert_eq!((again.learnt, again.changes.len()), (0, 0));
                prop_assert_eq!(&known, &before);
                all.push(given);
            }
            let mut anew = Identities::default();
            for (night, given) in nights.iter().zip(&all) {
                prop_assert_eq!(&assign(&mut anew, &of_night(night)), given);
            }
        }
    }
}
