//! Scored matching of keyed parts: which records of two tables are one person's, by names that sound alike or are a
//! typing error apart, parts of a birth date, sex and postcodes, none of which it can read. It depends on no other crate of
//! minster, and reads and writes nothing.
//!
//! Zofia Kowalska is `Zofia Kovalska` to the police. The two surnames differ, and so do their keyed values: `KOWALSKA` and
//! `KOVALSKA` with a letter less are both `KOALSKA`, so that one keyed value is the same.
//!
//! ```
//! use minster_scoring::{BirthDate, Name, Record, Records, Settings, KeyedValue, link};
//!
//! /// In use, a keyed hash that the vault makes.
//! fn keyed(kind: u8, text: &str) -> KeyedValue {
//!     let mut bytes = [kind; 16];
//!     bytes[1..=text.len()].copy_from_slice(text.as_bytes());
//!     KeyedValue::from_bytes(bytes)
//! }
//! fn name(text: &str) -> Name {
//!     let less = |at: usize| keyed(1, &format!("{}{}", &text[..at], &text[at + 1..]));
//!     Name {
//!         whole: Some(keyed(1, text)),
//!         initial: Some(keyed(2, &text[..1])),
//!         one_less: (0..text.len()).map(less).collect(),
//!         ..Name::default()
//!     }
//! }
//! fn person(forename: &str, surname: &str, born: &str) -> Record {
//!     Record {
//!         forenames: vec![name(forename)],
//!         surnames: vec![name(surname)],
//!         birth_dates: vec![BirthDate {
//!             whole: keyed(3, born),
//!             swapped: None,
//!             one_less: Vec::new(),
//!             year: keyed(4, &born[..4]),
//!             month: keyed(5, &born[5..7]),
//!             day: keyed(6, &born[8..]),
//!         }],
//!         ..Record::default()
//!     }
//! }
//!
//! let (mut police, mut pupils) = (Records::default(), Records::default());
//! police.add(person("ZOFIA", "KOVALSKA", "2011-03-04"))?;
//! pupils.add(person("ZOFIA", "KOWALSKA", "2011-03-04"))?;
//! for number in 0..500 {
//!     let born = format!("20{:02}-{:02}-{:02}", 8 + number % 5, 1 + number % 12, 1 + number % 28);
//!     pupils.add(person(&format!("PUPIL{number}"), &format!("OTHER{}", number * 7919 % 997), &born))?;
//! }
//! let found = link(&police, &pupils, &Settings::default());
//! assert_eq!((found.links[0].left, found.links[0].right), (0, 0));
//! assert!(found.links[0].probability > 0.99);
//! # Ok::<(), minster_scoring::ScoringError>(())
//! ```
#![forbid(unsafe_code)]

mod blocks;
mod chance;
mod compare;
mod error;
mod links;
mod record;
mod report;
mod settings;
mod tables;
mod weights;

use rayon::prelude::*;

pub use blocks::KeyReport;
pub use compare::{AGREEMENT_PARTS, Agreement, Conflict};
pub use error::ScoringError;
pub use record::{
    BirthDate, KeyedValue, MOST_KEYED_VALUES, MOST_VALUES, Name, Postcode, Record, Records,
};
pub use report::{Band, LevelReport, Report};
pub use settings::{Forenames, Lead, Matching, Probability, Settings};

use chance::{Chances, Frequencies};
use compare::Comparer;
use tables::{Side, Values};
use weights::{Pair, Weights};

/// Two records that are one person's.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Link {
    /// The place of the record in the left table.
    pub left: usize,
    /// The place of the record in the right table.
    pub right: usize,
    /// The probability that they are, given all that either could be linked to.
    pub probability: f64,
}

/// Two records that may be one person's: likelier than not by what the two say alone, whether they were linked or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likely {
    /// The place of the record in the left table.
    pub left: usize,
    /// The place of the record in the right table.
    pub right: usize,
    /// How the parts agree, in the order of [`AGREEMENT_PARTS`].
    pub agreement: [Agreement; AGREEMENT_PARTS.len()],
}

/// The result of [`link`].
#[derive(Clone, Debug, PartialEq)]
pub struct Linkage {
    /// The links, by left and right place.
    pub links: Vec<Link>,
    /// For each left record the likeliest right ones, two at most, by left and right place. No rule forbids them.
    pub likely: Vec<Likely>,
    /// Further links of a lower threshold, by left and right place: pairs of a probability of 0.5 or more.
    pub below: Vec<Link>,
    /// How they were found.
    pub report: Report,
}

/// The result of [`dedupe`].
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// Places of records that are one person's: two or more each, in order.
    pub clusters: Vec<Vec<usize>>,
    /// The pairs that joined them, the lesser place left.
    pub links: Vec<Link>,
    /// How they were found.
    pub report: Report,
}

/// Links two tables. Weights are estimated for these two tables alone. The same records give the same links in any order and
/// at any number of threads; one to one, they do so whichever table is the left one.
pub fn link(left: &Records, right: &Records, settings: &Settings) -> Linkage {
    let (values, mut sides) = Values::of(&[left, right]);
    // Scored with the lesser table first, so that sums are made in one order whichever comes left.
    let turned = sides[0].is_behind(&sides[1]);
    if turned {
        sides.swap(0, 1);
    }
    let frequencies = Frequencies::new(&values, &sides);
    let comparer = Comparer { values: &values, frequencies: &frequencies };
    let mut scored = Scored::new(&comparer, &sides, settings);
    if turned {
        sides.swap(0, 1);
        scored.pairs.iter_mut().for_each(Pair::turn);
    }
    let records = (left.len(), right.len());
    let mut chosen = links::links(&scored.pairs, &scored.log_odds, records, settings);
    links::count_conflicts(&mut chosen, &scored.pairs, &scored.log_odds, settings);
    let report = scored.report(records, &chosen);
    let place = |side: &Side, record: u32| side.places[record as usize] as usize;
    let links = |pairs: Vec<(u32, u32, f64)>| {
        let link = |(i, j, probability)| Link {
            left: place(&sides[0], i),
            right: place(&sides[1], j),
            probability,
        };
        let mut links: Vec<Link> = pairs.into_iter().map(link).collect();
        links.sort_unstable_by_key(|link| (link.left, link.right));
        links
    };
    let mut likely: Vec<Likely> = links::likely(&scored.pairs, &scored.log_odds)
        .into_iter()
        .map(|pair| Likely {
            left: place(&sides[0], pair.left),
            right: place(&sides[1], pair.right),
            agreement: pair.pattern.agreement(),
        })
        .collect();
    likely.sort_unstable_by_key(|pair| (pair.left, pair.right));
    Linkage { links: links(chosen.pairs), likely, below: links(chosen.below), report }
}

/// How records of one table agree, pair by pair: places of records, in the order in which they were added.
pub fn agreements(
    records: &Records,
    pairs: &[(usize, usize)],
) -> Vec<[Agreement; AGREEMENT_PARTS.len()]> {
    let (values, sides) = Values::of(&[records]);
    let frequencies = Frequencies::new(&values, &sides);
    let comparer = Comparer { values: &values, frequencies: &frequencies };
    let mut of_place = vec![0; records.len()];
    for (record, place) in sides[0].places.iter().enumerate() {
        of_place[*place as usize] = record;
    }
    let agreement = |(a, b): &(usize, usize)| {
        let (a, b) = ((&sides[0], of_place[*a]), (&sides[0], of_place[*b]));
        comparer.compare(a, b).0.agreement()
    };
    pairs.iter().map(agreement).collect()
}

/// Finds the records of one table that are one person's.
pub fn dedupe(records: &Records, settings: &Settings) -> Clusters {
    let (values, sides) = Values::of(&[records]);
    let frequencies = Frequencies::new(&values, &sides);
    let comparer = Comparer { values: &values, frequencies: &frequencies };
    let scored = Scored::new(&comparer, &sides, settings);
    let (mut chosen, clusters) =
        links::clusters(&scored.pairs, &scored.log_odds, &sides[0], &comparer, settings);
    links::count_conflicts(&mut chosen, &scored.pairs, &scored.log_odds, settings);
    let report = scored.report((records.len(), records.len()), &chosen);
    let place = |record: u32| sides[0].places[record as usize] as usize;
    let mut links: Vec<Link> = chosen
        .pairs
        .into_iter()
        .map(|(i, j, probability)| {
            let (i, j) = (place(i), place(j));
            Link { left: i.min(j), right: i.max(j), probability }
        })
        .collect();
    links.sort_unstable_by_key(|link| (link.left, link.right));
    let mut clusters: Vec<Vec<usize>> = clusters
        .into_iter()
        .map(|members| {
            let mut places: Vec<usize> = members.into_iter().map(place).collect();
            places.sort_unstable();
            places
        })
        .collect();
    clusters.sort_unstable();
    Clusters { clusters, links, report }
}

/// The compared pairs and what they weigh.
struct Scored {
    pairs: Vec<Pair>,
    log_odds: Vec<f64>,
    weights: Weights,
    keys: Vec<KeyReport>,
}

impl Scored {
    fn new(comparer: &Comparer<'_>, sides: &[Side], settings: &Settings) -> Self {
        let (left, right) = (&sides[0], &sides[sides.len() - 1]);
        let (candidates, keys) = blocks::candidates(comparer.values, sides, settings);
        let chances = Chances::new(comparer, sides, settings.sampled_pairs);
        let pairs: Vec<Pair> = candidates
            .par_iter()
            .map(|candidate| {
                let (i, j, _) = *candidate;
                let compared = comparer.compare((left, i as usize), (right, j as usize));
                let is_forbidden = compared.0.conflict(settings.forenames).is_some();
                Pair::new(*candidate, compared, &chances, is_forbidden)
            })
            .collect();
        let (some, others) = (left.len() as f64, right.len() as f64);
        let all = if sides.len() == 1 { some * (some - 1.0) / 2.0 } else { some * others };
        let weights = Weights::estimate(&pairs, &chances, all.max(1.0), some.min(others).max(1.0));
        let log_odds = weights.all_log_odds(&pairs);
        Self { pairs, log_odds, weights, keys }
    }

    fn report(&self, records: (usize, usize), chosen: &links::Chosen) -> Report {
        let scored = (self.pairs.as_slice(), self.log_odds.as_slice());
        Report::new(records, self.keys.clone(), &self.weights, scored, chosen)
    }
}
