//! How well rows came to their children, in numbers that can be added up over councils.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use crate::{
    Site,
    truth::{Row, Truth},
};

/// Rows of a true child, or of a linked one, by whose they are.
type Shares = HashMap<u32, BTreeMap<u32, u64>>;

/// Prints lines of fields between tabs: `rate`, a name, what is measured, and the two numbers of the share; `count`, a name,
/// what was counted and of how many; `lost`, a source, what happened to a row, how many.
pub(crate) fn print(site: &mut Site, folder: &Path) {
    let truth = Truth::read(site, folder);
    let main = main_children(&truth);
    let is_right = |row: &Row| row.linked.is_some() && row.linked == main.get(&row.child).copied();
    let sources: BTreeSet<&str> = truth.rows.iter().map(|row| row.source.as_str()).collect();
    print_rates("all", &truth, is_right, |_| true);
    for source in sources {
        print_rates(source, &truth, is_right, |row| row.source == source);
    }
    for (name, children) in groups(&truth) {
        print_rates(&name, &truth, is_right, |row| children.contains(&row.child));
    }
    print_counts(&truth);
    let owner = owners(&truth);
    let mut lost: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for row in truth.rows.iter().filter(|row| !is_right(row)) {
        let others = row.linked.is_some_and(|linked| owner[&linked] != row.child);
        let defect = if row.defect.is_empty() { "no defect" } else { &row.defect };
        let place = if others { "to another child" } else { "apart" };
        let what = format!("{place}: {defect}, {}{}", row.how, most_telling(&truth, row.child));
        *lost.entry((&row.source, what)).or_default() += 1;
    }
    miscounted(&truth, &main, &owner);
    for ((source, what), rows) in lost {
        println!("lost\t{source}\t{what}\t{rows}");
    }
}

/// Pupils who are counted more than once, or not at all, by what they are like.
fn miscounted(truth: &Truth, main: &HashMap<u32, u32>, owner: &HashMap<u32, u32>) {
    let mut found: BTreeMap<(&str, String), u64> = BTreeMap::new();
    let mut add = |what, child| {
        let like = most_telling(truth, child);
        let like = if like.is_empty() { " (no trait)".to_owned() } else { like };
        *found.entry((what, like)).or_default() += 1;
    };
    for (linked, child) in owner {
        if truth.on_spine[*linked as usize] && main.get(child) != Some(linked) {
            add("counted again", *child);
        }
    }
    for (child, place) in truth.children.iter().zip(0..) {
        let own = main.get(&place).is_some_and(|linked| truth.on_spine[*linked as usize]);
        if child.is_pupil && !own {
            add("not counted", place);
        }
    }
    for ((what, like), pupils) in found {
        println!("lost\tpupils\t{what}{like}\t{pupils}");
    }
}

/// Returns the trait of a child that explains most of a lost row.
fn most_telling(truth: &Truth, child: u32) -> String {
    const TELLING: [&str; 9] = [
        "adopted",
        "number-used-again",
        "number-changed",
        "namesake",
        "twin",
        "newly-arrived",
        "name-changed",
        "transliterated",
        "moved",
    ];
    let traits = truth.traits.get(&child);
    let has = |one: &&&str| traits.is_some_and(|traits| traits.iter().any(|known| known == **one));
    TELLING.iter().find(has).map(|one| format!(" ({})", one.replace('-', " "))).unwrap_or_default()
}

/// The true child that most rows of each linked one are about.
fn owners(truth: &Truth) -> HashMap<u32, u32> {
    let mut shares = Shares::new();
    for row in &truth.rows {
        if let Some(linked) = row.linked {
            *shares.entry(linked).or_default().entry(row.child).or_default() += 1;
        }
    }
    // The first child's share counts among equal ones.
    let most = |shares: &BTreeMap<u32, u64>| -> Option<u32> {
        let key = |(child, rows): &(&u32, &u64)| (**rows, std::cmp::Reverse(**child));
        shares.iter().max_by_key(key).map(|(child, _)| *child)
    };
    shares.iter().filter_map(|(linked, shares)| Some((*linked, most(shares)?))).collect()
}

/// The linked child that is each true one: the largest of those that are mostly its own.
fn main_children(truth: &Truth) -> HashMap<u32, u32> {
    let owners = owners(truth);
    let mut shares = Shares::new();
    for row in &truth.rows {
        if let Some(linked) = row.linked.filter(|linked| owners[linked] == row.child) {
            *shares.entry(row.child).or_default().entry(linked).or_default() += 1;
        }
    }
    // Among equal ones the child of the first row counts: its number follows from the vault's key.
    let mut first: HashMap<u32, usize> = HashMap::new();
    for (place, row) in truth.rows.iter().enumerate() {
        if let Some(linked) = row.linked {
            first.entry(linked).or_insert(place);
        }
    }
    let largest = |shares: &BTreeMap<u32, u64>| {
        let key = |(linked, rows): &(&u32, &u64)| {
            (truth.on_spine[**linked as usize], **rows, std::cmp::Reverse(first.get(linked)))
        };
        shares.iter().max_by_key(key).map(|(linked, _)| *linked)
    };
    shares.iter().filter_map(|(child, shares)| Some((*child, largest(shares)?))).collect()
}

/// Groups of children that a linker must not serve worse.
fn groups(truth: &Truth) -> Vec<(String, BTreeSet<u32>)> {
    let mut groups: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for row in truth.rows.iter().filter(|row| row.source == "ssda903") {
        groups.entry("looked after".to_owned()).or_default().insert(row.child);
    }
    for (child, place) in truth.children.iter().zip(0..) {
        let broad = match child.ethnicity.as_bytes().first() {
            Some(b'W') => "White",
            Some(b'A') => "Asian",
            Some(b'B') => "Black",
            Some(b'M') => "Mixed",
            _ => "other ethnicity",
        };
        groups.entry(broad.to_owned()).or_default().insert(place);
    }
    for (child, traits) in &truth.traits {
        for one in traits {
            groups.entry(one.replace('-', " ")).or_default().insert(*child);
        }
    }
    groups.into_iter().collect()
}

/// Pairs among so many.
fn pairs(rows: u64) -> u64 {
    rows * rows.saturating_sub(1) / 2
}

/// Prints how many of the rows that are meant, alone and in pairs with any row, came to their child.
fn print_rates(
    name: &str,
    truth: &Truth,
    is_right: impl Fn(&Row) -> bool,
    is_meant: impl Fn(&Row) -> bool,
) {
    // All rows, and those that are not meant: the pairs of the first that are none of the second have a meant row.
    let mut delivered: HashMap<u32, [u64; 2]> = HashMap::new();
    let (mut accepted, mut linked, mut found) = (HashMap::new(), HashMap::new(), HashMap::new());
    let (mut rows, mut rows_accepted, mut right) = (0u64, 0u64, 0u64);
    for row in &truth.rows {
        let meant = is_meant(row);
        let add = |counts: &mut [u64; 2]| {
            counts[0] += 1;
            counts[1] += u64::from(!meant);
        };
        add(delivered.entry(row.child).or_default());
        if let Some(to) = row.linked {
            add(accepted.entry(row.child).or_insert([0; 2]));
            add(linked.entry(to).or_insert([0; 2]));
            add(found.entry((to, row.child)).or_insert([0; 2]));
        }
        rows += u64::from(meant);
        rows_accepted += u64::from(meant && row.linked.is_some());
        right += u64::from(meant && is_right(row));
    }
    fn of<K>(counts: &HashMap<K, [u64; 2]>) -> u64 {
        counts.values().map(|[all, others]| pairs(*all) - pairs(*others)).sum()
    }
    let (delivered, accepted, linked, found) =
        (of(&delivered), of(&accepted), of(&linked), of(&found));
    for (what, part, whole) in [
        ("precision", found, linked),
        ("recall, accepted", found, accepted),
        ("recall, delivered", found, delivered),
        ("rows right, accepted", right, rows_accepted),
        ("rows right, delivered", right, rows),
    ] {
        println!("rate\t{name}\t{what}\t{part}\t{whole}");
    }
}

fn print_counts(truth: &Truth) {
    let pupils = truth.on_spine.iter().filter(|on_spine| **on_spine).count();
    let true_pupils = truth.children.iter().filter(|child| child.is_pupil).count();
    let known: BTreeSet<u32> = truth.rows.iter().map(|row| row.child).collect();
    println!("count\tpupils\t{pupils}\t{true_pupils}");
    println!("count\tchildren\t{}\t{}", truth.on_spine.len(), known.len());
    let mut of_child: HashMap<u32, BTreeSet<u32>> = HashMap::new();
    for row in &truth.rows {
        of_child.entry(row.child).or_default().extend(row.linked);
    }
    let meet = |pair: &&(u32, u32)| match (of_child.get(&pair.0), of_child.get(&pair.1)) {
        (Some(a), Some(b)) => !a.is_disjoint(b),
        _ => false,
    };
    for (name, pairs) in
        [("twins merged", &truth.twins), ("exact-only pairs linked", &truth.exact_only)]
    {
        println!("count\t{name}\t{}\t{}", pairs.iter().filter(meet).count(), pairs.len());
    }
}
