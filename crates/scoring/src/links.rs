//! Which pairs become links, and which records one cluster.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Matching, Settings,
    compare::{Comparer, Conflict},
    tables::Side,
    weights::{Pair, probability},
};

/// A cluster of more records than this is no person: what would join it to others is refused.
pub(crate) const LARGEST_CLUSTER: usize = 64;

/// Pairs that are less likely than this are told of in no way.
const AS_LIKELY_AS_NOT: f64 = 0.5;

/// Pairs that were chosen, each with its probability, and why others were not.
#[derive(Default)]
pub(crate) struct Chosen {
    pub(crate) pairs: Vec<(u32, u32, f64)>,
    /// Pairs that lead likewise and are less likely than the threshold, yet as likely as not.
    pub(crate) below: Vec<(u32, u32, f64)>,
    /// Pairs that would be linked but for a rule.
    pub(crate) conflicts: BTreeMap<&'static str, u64>,
    /// Pairs of the threshold's probability that another pair is too close to.
    pub(crate) runners_up: u64,
    /// The probability that the conflicts would have been matches, summed.
    pub(crate) refused: f64,
}

/// The rivals for one record: the two best odds, and the sum of all. No odds pass what a number holds: each part's
/// are at most the number of records.
#[derive(Clone, Copy)]
struct Rivals {
    best: f64,
    second: f64,
    odds: f64,
}

impl Rivals {
    const NONE: Self = Self { best: f64::NEG_INFINITY, second: f64::NEG_INFINITY, odds: 0.0 };

    fn add(&mut self, log_odds: f64) {
        self.odds += log_odds.exp();
        if log_odds > self.best {
            (self.best, self.second) = (log_odds, self.best);
        } else {
            self.second = self.second.max(log_odds);
        }
    }

    /// The odds of the best other pair than one of these odds.
    fn other(self, log_odds: f64) -> f64 {
        if log_odds < self.best { self.best } else { self.second }
    }
}

/// Each left record's best right one, where it leads; with [`Matching::OneToOne`] also the right record's best left one.
pub(crate) fn links(
    pairs: &[Pair],
    log_odds: &[f64],
    (left_records, right_records): (usize, usize),
    settings: &Settings,
) -> Chosen {
    let mut chosen = Chosen::default();
    let mut of_left = vec![Rivals::NONE; left_records];
    let mut of_right = vec![Rivals::NONE; right_records];
    let exclusive = settings.matching == Matching::OneToOne;
    let allowed = |pair: &&(&Pair, &f64)| !pair.0.is_forbidden;
    for (pair, log_odds) in pairs.iter().zip(log_odds).filter(|pair| allowed(&pair)) {
        of_left[pair.left as usize].add(*log_odds);
        of_right[pair.right as usize].add(*log_odds);
    }
    let lead = settings.lead.log();
    for (pair, log_odds) in pairs.iter().zip(log_odds).filter(|pair| allowed(&pair)) {
        let (left, right) = (&of_left[pair.left as usize], &of_right[pair.right as usize]);
        let own = log_odds.exp();
        // A left record is one person, so of its pairs one at most is a match.
        let mut rivals = left.odds;
        let mut other = left.other(*log_odds);
        if exclusive {
            // First the two sums, so that the result is one from either side.
            rivals = (left.odds + right.odds) - own;
            other = other.max(right.other(*log_odds));
        }
        let share = own / (1.0 + rivals);
        let leads = log_odds - other >= lead;
        if leads && share < settings.threshold.get() && share >= AS_LIKELY_AS_NOT {
            chosen.below.push((pair.left, pair.right, share));
        }
        if leads && share >= settings.threshold.get() {
            chosen.pairs.push((pair.left, pair.right, share));
        } else if probability(*log_odds) >= settings.threshold.get() {
            chosen.runners_up += 1;
        }
    }
    chosen
}

/// Right records that are told of one left one, at most.
const MOST_LIKELY: usize = 2;

/// Each left record's likeliest right ones of those that are likelier than not, by what the two say alone.
pub(crate) fn likely<'a>(pairs: &'a [Pair], log_odds: &[f64]) -> Vec<&'a Pair> {
    let mut of_left: BTreeMap<u32, Vec<(f64, &Pair)>> = BTreeMap::new();
    for (pair, log_odds) in pairs.iter().zip(log_odds) {
        if !pair.is_forbidden && *log_odds >= 0.0 {
            of_left.entry(pair.left).or_default().push((*log_odds, pair));
        }
    }
    let mut likely = Vec::new();
    for mut pairs in of_left.into_values() {
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.right.cmp(&b.1.right)));
        likely.extend(pairs.into_iter().take(MOST_LIKELY).map(|(_, pair)| pair));
    }
    likely
}

/// Clusters of one table's records: each pair of the threshold's probability joins two, unless records that would come
/// together contradict each other.
pub(crate) fn clusters(
    pairs: &[Pair],
    log_odds: &[f64],
    side: &Side,
    comparer: &Comparer<'_>,
    settings: &Settings,
) -> (Chosen, Vec<Vec<u32>>) {
    let mut chosen = Chosen::default();
    let likely = |log_odds: f64| probability(log_odds) >= settings.threshold.get();
    let mut order: Vec<usize> = (0..pairs.len())
        .filter(|pair| !pairs[*pair].is_forbidden && likely(log_odds[*pair]))
        .collect();
    // The most likely first; equals by their records' content.
    order.sort_by(|a, b| log_odds[*b].total_cmp(&log_odds[*a]).then(a.cmp(b)));
    let mut cluster: Vec<u32> = (0..side.len() as u32).collect();
    let mut members: HashMap<u32, Vec<u32>> =
        cluster.iter().map(|place| (*place, vec![*place])).collect();
    for pair in order {
        let Pair { left, right, .. } = pairs[pair];
        let (one, other) = (cluster[left as usize], cluster[right as usize]);
        if one == other {
            chosen.pairs.push((left, right, probability(log_odds[pair])));
            continue;
        }
        let (some, others) = (&members[&one], &members[&other]);
        if some.len() + others.len() > LARGEST_CLUSTER {
            *chosen.conflicts.entry("cluster-too-large").or_insert(0) += 1;
            continue;
        }
        let contradicts = some.iter().any(|a| {
            others.iter().any(|b| {
                let (pattern, _) = comparer.compare((side, *a as usize), (side, *b as usize));
                pattern.conflict(settings.forenames).is_some()
            })
        });
        if contradicts {
            *chosen.conflicts.entry("contradicts-its-cluster").or_insert(0) += 1;
            continue;
        }
        let moved = members.remove(&other).unwrap_or_default();
        moved.iter().for_each(|place| cluster[*place as usize] = one);
        members.entry(one).or_default().extend(moved);
        chosen.pairs.push((left, right, probability(log_odds[pair])));
    }
    let mut clusters: Vec<Vec<u32>> =
        members.into_values().filter(|members| members.len() > 1).collect();
    clusters.iter_mut().for_each(|members| members.sort_unstable());
    clusters.sort();
    (chosen, clusters)
}

/// Counts the pairs that the weights would have chosen and a rule forbids.
pub(crate) fn count_conflicts(
    chosen: &mut Chosen,
    pairs: &[Pair],
    log_odds: &[f64],
    settings: &Settings,
) {
    for (pair, log_odds) in pairs.iter().zip(log_odds).filter(|(pair, _)| pair.is_forbidden) {
        let Some(conflict) = pair.pattern.conflict(settings.forenames) else { continue };
        chosen.refused += probability(*log_odds);
        if probability(*log_odds) >= settings.threshold.get() {
            *chosen.conflicts.entry(conflict.as_str()).or_insert(0) += 1;
        }
    }
}

impl Conflict {
    /// How it is called in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherForename => "other-forename",
            Self::OtherSex => "other-sex",
            Self::NoForename => "no-forename",
        }
    }
}
