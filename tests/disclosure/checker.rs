//! A third checker of certificates, which knows the promise and the JSON of a restricted report, and nothing else: no
//! type of the table model, no code of suppression or attack, no solver. It adds up.
//!
//! It checks of small counts what method.md promises to an outsider. Insiders, data holders, sensitive categories and
//! protection levels are the attack's alone.

use std::collections::BTreeMap;

use serde_json::Value;

/// A table as the JSON has it, with what follows from it.
struct Table {
    dimensions: Vec<Dimension>,
    inner: Vec<u64>,
    withheld: Vec<bool>,
    known_zeros: Vec<usize>,
    /// By tie: the dimension, and the class of each leaf.
    ties: Vec<(String, usize, Vec<usize>)>,
    /// 1 where every zero is published, else 0.
    least: u64,
    zeros_are_small: bool,
    was_published: bool,
}

struct Dimension {
    name: String,
    /// For each node, the places of the leaves that it counts.
    below: Vec<Vec<usize>>,
    leaves: usize,
}

/// Other inner counts, table by table.
type Counts = Vec<Vec<u64>>;

/// Checks that these certificates show of each small count that it may be as little and as much as the rules leave
/// open. Gives how many small counts there are.
///
/// # Errors
/// The first thing that is not so, in words.
pub fn check(set: &Value, patterns: &Value, certificates: &Value) -> Result<usize, String> {
    let policy = &set["policy"];
    let threshold = policy["threshold"].as_u64().ok_or("no threshold")?;
    let tables = list(&set["tables"]).iter().zip(list(patterns));
    let tables: Vec<Table> = tables.map(|(table, pattern)| read(table, pattern, policy)).collect();
    let truth: Counts = tables.iter().map(|table| table.inner.clone()).collect();
    let mut possible = vec![truth.clone()];
    for (number, certificate) in list(certificates).iter().enumerate() {
        let mut counts = truth.clone();
        for change in list(&certificate["counts"]) {
            let at = |place: usize| change[place].as_u64().unwrap() as usize;
            counts[at(0)][at(1)] = at(2) as u64;
        }
        is_possible(&tables, &counts).map_err(|why| format!("certificate {number}: {why}"))?;
        possible.push(counts);
    }
    let mut small = 0;
    for (number, table) in tables.iter().enumerate() {
        for cell in 0..table.withheld.len() {
            let inner = table.below(cell);
            let count = sum(&table.inner, &inner);
            let is_known = inner.iter().all(|inner| table.known_zeros.contains(inner));
            let is_small = count < threshold && (count > 0 || table.zeros_are_small && !is_known);
            if !is_small {
                continue;
            }
            if !table.withheld[cell] {
                match table.was_published {
                    true => continue,
                    false => return Err(format!("a small count of table {number} is published")),
                }
            }
            small += 1;
            let low = (0..tables.len())
                .filter_map(|other| least(&tables, (number, cell), other))
                .max()
                .unwrap_or_default();
            let high = threshold.max(low + threshold - 1);
            let values = possible.iter().map(|counts| sum(&counts[number], &inner));
            let (least, most) = values
                .fold((u64::MAX, 0), |(least, most), value| (least.min(value), most.max(value)));
            if least > low || most < high {
                return Err(format!(
                    "cell {cell} of table {number} is shown from {least} to {most}"
                ));
            }
        }
    }
    Ok(small)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn sum(counts: &[u64], inner: &[usize]) -> u64 {
    inner.iter().map(|&inner| counts[inner]).sum()
}

fn read(table: &Value, pattern: &Value, policy: &Value) -> Table {
    let numbers = |value: &Value| list(value).iter().map(|of| of.as_u64().unwrap()).collect();
    let places = |value: &Value| -> Vec<usize> {
        list(value).iter().map(|of| of.as_u64().unwrap() as usize).collect()
    };
    let zeros = table["zeros"].as_str().or_else(|| policy["zeros"].as_str()).unwrap();
    let tie = |tie: &Value| {
        let dimension = tie["dimension"].as_u64().unwrap() as usize;
        (tie["name"].as_str().unwrap().to_owned(), dimension, places(&tie["class_of"]))
    };
    Table {
        dimensions: list(&table["dimensions"]).iter().map(dimension).collect(),
        inner: numbers(&table["inner"]),
        withheld: list(&pattern["withheld"]).iter().map(|of| of == true).collect(),
        known_zeros: places(&table["known_zeros"]),
        ties: list(&table["ties"]).iter().map(tie).collect(),
        least: u64::from(zeros == "published"),
        zeros_are_small: zeros == "unsafe",
        was_published: !table["published"].is_null(),
    }
}

/// A forest of codes with their parents, and groups of its leaves after it.
fn dimension(value: &Value) -> Dimension {
    let parents: Vec<Option<usize>> =
        list(&value["parents"]).iter().map(|of| of.as_u64().map(|of| of as usize)).collect();
    let is_leaf = |node: &usize| !parents.contains(&Some(*node));
    let leaves: Vec<usize> = (0..parents.len()).filter(is_leaf).collect();
    let mut below = vec![Vec::new(); parents.len()];
    for (place, &leaf) in leaves.iter().enumerate() {
        let mut node = Some(leaf);
        while let Some(at) = node {
            below[at].push(place);
            node = parents[at];
        }
    }
    for grouping in list(&value["groupings"]) {
        let first = below.len();
        below.resize(first + list(&grouping["codes"]).len(), Vec::new());
        for (place, group) in list(&grouping["group_of"]).iter().enumerate() {
            below[first + group.as_u64().unwrap() as usize].push(place);
        }
    }
    let name = value["name"].as_str().unwrap().to_owned();
    Dimension { name, below, leaves: leaves.len() }
}

impl Table {
    /// The place of a node or leaf in each dimension, of a number that counts the last dimension fastest.
    fn split(&self, mut number: usize, size: impl Fn(&Dimension) -> usize) -> Vec<usize> {
        let mut places = vec![0; self.dimensions.len()];
        for (place, dimension) in places.iter_mut().zip(&self.dimensions).rev() {
            *place = number % size(dimension);
            number /= size(dimension);
        }
        places
    }

    /// The leaves that an inner cell takes.
    fn leaves(&self, inner: usize) -> Vec<usize> {
        self.split(inner, |of| of.leaves)
    }

    /// The inner cells that a cell counts.
    fn below(&self, cell: usize) -> Vec<usize> {
        let nodes = self.split(cell, |of| of.below.len());
        let counts = |inner: &usize| {
            let mut of = self.dimensions.iter().zip(&nodes).zip(self.leaves(*inner));
            of.all(|((dimension, &node), leaf)| dimension.below[node].contains(&leaf))
        };
        (0..self.inner.len()).filter(counts).collect()
    }

    /// The categories by which an inner cell is compared with those of another table: leaves of the dimensions of both,
    /// and classes of the ties of both.
    fn shared(&self, other: &Self, inner: usize) -> BTreeMap<String, usize> {
        let leaves = self.leaves(inner);
        let dimensions = self.dimensions.iter().zip(&leaves);
        let dimensions =
            dimensions.filter(|(own, _)| other.dimensions.iter().any(|of| of.name == own.name));
        let dimensions = dimensions.map(|(own, leaf)| (format!("by {}", own.name), *leaf));
        // A tie of two dimensions of one table has one class in every cell that can count anyone.
        let ties = self.ties.iter().filter(|own| other.ties.iter().any(|of| of.0 == own.0));
        let ties =
            ties.map(|(name, dimension, of)| (format!("tie {name}"), of[leaves[*dimension]]));
        dimensions.chain(ties).collect()
    }
}

/// Whether a reader cannot rule these counts out.
fn is_possible(tables: &[Table], counts: &Counts) -> Result<(), String> {
    for (number, (table, counts)) in tables.iter().zip(counts).enumerate() {
        for cell in 0..table.withheld.len() {
            let inner = table.below(cell);
            let (now, truth) = (sum(counts, &inner), sum(&table.inner, &inner));
            if !table.withheld[cell] && now != truth {
                return Err(format!("a published number of table {number} is another"));
            }
            let is_known = inner.len() == 1 && table.known_zeros.contains(&inner[0]);
            let is_inner = inner.len() == 1 && table.is_inner(cell);
            if is_inner && table.withheld[cell] && !is_known && now < table.least {
                return Err(format!("a withheld number of table {number} is less than it can be"));
            }
            if is_known && now > 0 {
                return Err(format!("somebody is where nobody can be, in table {number}"));
            }
        }
    }
    for (first, one) in tables.iter().enumerate() {
        for (second, other) in tables.iter().enumerate().filter(|(second, _)| *second > first) {
            let mut sums: BTreeMap<BTreeMap<String, usize>, i64> = BTreeMap::new();
            for (inner, count) in counts[first].iter().enumerate() {
                *sums.entry(one.shared(other, inner)).or_default() += *count as i64;
            }
            for (inner, count) in counts[second].iter().enumerate() {
                *sums.entry(other.shared(one, inner)).or_default() -= *count as i64;
            }
            if sums.values().any(|sum| *sum != 0) {
                return Err(format!("tables {first} and {second} do not agree"));
            }
        }
    }
    Ok(())
}

impl Table {
    /// Whether a cell is no margin: each of its nodes counts one leaf, and no node below it does.
    fn is_inner(&self, cell: usize) -> bool {
        let nodes = self.split(cell, |of| of.below.len());
        self.dimensions.iter().zip(nodes).all(|(dimension, node)| {
            let last = dimension.below.iter().rposition(|below| *below == dimension.below[node]);
            dimension.below[node].len() == 1 && last == Some(node)
        })
    }
}

/// The least that the inner cells of another table within a cell add up to, by the rules; none where it does not tell
/// who is there.
fn least(tables: &[Table], (number, cell): (usize, usize), other: usize) -> Option<u64> {
    let (table, finer) = (&tables[number], &tables[other]);
    let nodes = table.split(cell, |of| of.below.len());
    let mut total = 0;
    for inner in 0..finer.inner.len() {
        let leaves = finer.leaves(inner);
        let mut is_within = true;
        for (place, (dimension, &node)) in table.dimensions.iter().zip(&nodes).enumerate() {
            let below = &dimension.below[node];
            if below.len() == dimension.leaves {
                continue;
            }
            let named = finer.dimensions.iter().position(|of| of.name == dimension.name);
            is_within &= match named {
                Some(at) => below.contains(&leaves[at]),
                None => {
                    let own = table.ties.iter().filter(|tie| tie.1 == place);
                    let pairs: Vec<_> = own
                        .filter_map(|own| Some((own, finer.ties.iter().find(|of| of.0 == own.0)?)))
                        .collect();
                    if pairs.is_empty() {
                        return None;
                    }
                    pairs.iter().any(|(own, of)| {
                        let class = of.2[leaves[of.1]];
                        (0..dimension.leaves)
                            .all(|leaf| own.2[leaf] != class || below.contains(&leaf))
                    })
                }
            };
        }
        if is_within {
            let is_known = finer.known_zeros.contains(&inner);
            total += match finer.is_withheld(inner) && !is_known {
                true => finer.least,
                false => finer.inner[inner],
            };
        }
    }
    Some(total)
}

impl Table {
    /// Whether an inner cell is withheld.
    fn is_withheld(&self, inner: usize) -> bool {
        let cells = (0..self.withheld.len()).filter(|&cell| self.is_inner(cell));
        cells.filter(|&cell| self.below(cell) == [inner]).any(|cell| self.withheld[cell])
    }
}
