//! Properties of any two tables.
#![allow(clippy::unwrap_used, reason = "a test's panic is its report")]

mod made;

use std::collections::{BTreeMap, HashSet};

use made::person;
use minster_scoring::{Lead, Link, Matching, Probability, Records, Settings, dedupe, link};
use proptest::prelude::*;

type Texts = [&'static str; 5];

/// Persons of few names, so that many are alike: siblings, twins, namesakes, mistyped rows.
fn texts() -> impl Strategy<Value = Texts> {
    let forename = prop::sample::select(vec![
        "AMIR", "AMIRA", "JACK", "JACQUES", "OLIVIA", "OLIVIO", "NOAH", "SMITH", "",
    ]);
    let surname = prop::sample::select(vec![
        "SMITH", "SMYTH", "SMIHT", "KHAN", "KHANN", "KOWALSKA", "AMIR", "",
    ]);
    let date = prop::sample::select(vec![
        "2011-03-04",
        "2011-04-03",
        "2011-03-05",
        "2012-11-30",
        "2009-07-15",
        "",
    ]);
    let sex = prop::sample::select(vec!["F", "M", ""]);
    let home = prop::sample::select(vec!["AB1 2CD", "AB1 2CE", "AB1 3CD", "EF9 1GH", ""]);
    (forename, surname, date, sex, home).prop_map(|(a, b, c, d, e)| [a, b, c, d, e])
}

fn table() -> impl Strategy<Value = Vec<Texts>> {
    prop::collection::vec(texts(), 0..40)
}

/// Low, so that much is linked and much could go wrong.
fn settings(matching: Matching) -> Settings {
    Settings {
        matching,
        threshold: Probability::new(0.2).unwrap(),
        lead: Lead::new(1.0).unwrap(),
        largest_block: 30,
        most_pairs: 500,
        ..Settings::default()
    }
}

fn records(all: &[Texts]) -> Records {
    let mut records = Records::default();
    all.iter().for_each(|texts| records.add(person(*texts)).unwrap());
    records
}

/// Links by what they join, so that they can be compared where records stand elsewhere.
fn joined(links: &[Link], left: &[Texts], right: &[Texts]) -> BTreeMap<(Texts, Texts, u64), usize> {
    let mut all = BTreeMap::new();
    for link in links {
        *all.entry((left[link.left], right[link.right], link.probability.to_bits()))
            .or_insert(0) += 1;
    }
    all
}

/// Whether the two clear records may be of one person: forenames (or crossed names) are alike, and the same where the sexes
/// differ.
fn contradict(a: &Texts, b: &Texts) -> bool {
    let differ = |a: &str, b: &str| !a.is_empty() && !b.is_empty() && a != b;
    let swapped = |a: &Texts, b: &Texts| {
        made::name(a[0]).one_less.iter().chain(&made::name(a[0]).whole).any(|keyed| {
            let other = made::name(b[1]);
            other.whole == Some(*keyed) || other.one_less.contains(keyed)
        })
    };
    if a[0].is_empty() || b[0].is_empty() {
        return true;
    }
    let crossed = !a[1].is_empty() && !b[1].is_empty() && swapped(a, b) && swapped(b, a);
    let unlike = {
        let family = |text: &str| match text {
            "AMIR" | "AMIRA" => 0,
            "JACK" | "JACQUES" => 1,
            "OLIVIA" | "OLIVIO" => 2,
            "NOAH" => 3,
            _ => 4,
        };
        family(a[0]) != family(b[0])
    };
    (unlike && !crossed) || (!crossed && a[0] != b[0] && differ(a[3], b[3]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_records_does_not_matter(left in table(), right in table(), turn in 0_usize..40) {
        let settings = settings(Matching::ManyToOne);
        let found = link(&records(&left), &records(&right), &settings);
        let (mut other_left, mut other_right) = (left.clone(), right.clone());
        other_left.reverse();
        let by = turn % other_right.len().max(1);
        other_right.rotate_left(by);
        let other = link(&records(&other_left), &records(&other_right), &settings);
        prop_assert_eq!(&found.report, &other.report);
        prop_assert_eq!(joined(&found.links, &left, &right), joined(&other.links, &other_left, &other_right));
        let (one, other) = (dedupe(&records(&left), &settings), dedupe(&records(&other_left), &settings));
        prop_assert_eq!(&one.report, &other.report);
        let texts = |clusters: &[Vec<usize>], of: &[Texts]| {
            let mut all: Vec<Vec<Texts>> = clusters.iter().map(|cluster| {
                let mut members: Vec<Texts> = cluster.iter().map(|place| of[*place]).collect();
                members.sort_unstable();
                members
            }).collect();
            all.sort();
            all
        };
        prop_assert_eq!(texts(&one.clusters, &left), texts(&other.clusters, &other_left));
    }

    #[test]
    fn one_to_one_is_the_same_from_either_side(left in table(), right in table()) {
        let settings = settings(Matching::OneToOne);
        let (one, other) = (link(&records(&left), &records(&right), &settings), link(&records(&right), &records(&left), &settings));
        let mut turned: Vec<Link> = other.links.iter().map(|of| Link { left: of.right, right: of.left, ..*of }).collect();
        turned.sort_by_key(|link| (link.left, link.right));
        prop_assert_eq!(one.links, turned);
    }

    #[test]
    fn links_of_a_lower_threshold_are_told_beside_the_links(left in table(), right in table()) {
        for matching in [Matching::OneToOne, Matching::ManyToOne] {
            let at = |threshold| {
                let threshold = Probability::new(threshold).unwrap();
                link(&records(&left), &records(&right), &Settings { threshold, ..settings(matching) })
            };
            let (high, low) = (at(0.9), at(0.5));
            let mut both = [high.links.clone(), high.below].concat();
            both.sort_by_key(|link| (link.left, link.right));
            prop_assert_eq!(&both, &low.links);
            prop_assert!(low.below.is_empty());
            let least = |link: &&Link| link.probability >= 0.9;
            prop_assert_eq!(low.links.iter().filter(least).count(), high.links.len());
        }
    }

    #[test]
    fn no_record_is_linked_twice(left in table(), right in table()) {
        for matching in [Matching::OneToOne, Matching::ManyToOne] {
            let found = link(&records(&left), &records(&right), &settings(matching));
            let mut lefts = HashSet::new();
            let mut rights = HashSet::new();
            for of in &found.links {
                prop_assert!(lefts.insert(of.left));
                prop_assert!(rights.insert(of.right) || matching == Matching::ManyToOne);
                prop_assert!(of.probability >= 0.2 && of.probability <= 1.0);
            }
            prop_assert_eq!(found.report.links as usize, found.links.len());
        }
    }

    #[test]
    fn nothing_that_contradicts_is_put_together(left in table(), right in table()) {
        let found = link(&records(&left), &records(&right), &settings(Matching::ManyToOne));
        for of in &found.links {
            prop_assert!(!contradict(&left[of.left], &right[of.right]), "{:?} {:?}", left[of.left], right[of.right]);
        }
        let all = [left, right].concat();
        let found = dedupe(&records(&all), &settings(Matching::ManyToOne));
        for cluster in &found.clusters {
            for (place, a) in cluster.iter().enumerate() {
                for b in &cluster[place + 1..] {
                    prop_assert!(!contradict(&all[*a], &all[*b]), "{:?} {:?}", all[*a], all[*b]);
                }
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let of = |range: std::ops::Range<usize>| {
        let mut records = Records::default();
        range.for_each(|number| records.add(made::made(&made::of_many(number))).unwrap());
        records
    };
    let (left, right) = (of(0..3_000), of(1_500..6_000));
    let mut found = Vec::new();
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        found.push(pool.install(|| {
            (link(&left, &right, &Settings::default()), dedupe(&right, &Settings::default()))
        }));
    }
    assert!(found[0].0.links.len() > 1_000);
    assert!(found[0] == found[1] && found[1] == found[2]);
}
