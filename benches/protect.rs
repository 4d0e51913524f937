//! Suppression, attack and certificates over tables as a council's: sex, age, ethnicity in groups, ward
//! in localities, all margins. Made-up children, skewed as real ones are, so that small counts are common.
//!
//! `cargo bench --bench protect` runs those that take seconds; with `-- all` those that take minutes too.
//! With `-- rounding` the same tables are rounded and perturbed instead.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use minster_attack::{verify_rounded, verify_with};
use minster_disclosure::{Method, round, suppress};
use minster_model::cube::{CountTable, Hierarchy, Policy, TableSet, Zeros};

/// Weights of the age bands and of the ethnic codes, and the group of each code.
const AGES: [f64; 6] = [5.0, 22.0, 27.0, 27.0, 14.0, 5.0];
const CODES: [f64; 18] =
    [60.0, 0.4, 0.15, 0.5, 4.0, 2.0, 1.0, 1.6, 2.4, 3.0, 6.0, 2.5, 0.6, 2.4, 1.5, 4.0, 1.2, 2.5];
const GROUPS: [usize; 18] = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4];

fn main() {
    let asked = |what: &str| std::env::args().any(|argument| argument == what);
    let all = asked("all");
    if asked("rounding") {
        return rounded(all);
    }
    println!(
        "{:<34} {:>7} {:>8} {:>9} {:>10} {:>9} {:>7}",
        "protect", "cells", "primary", "withheld", "suppress s", "attack s", "verdict"
    );
    let small = Council::new(100_000, 20, 5);
    let large = Council::new(1_000_000, 60, 10);
    let mut tables = vec![
        ("100,000 children, groups", small.table(false, false)),
        ("1,000,000 children, groups", large.table(false, false)),
    ];
    if all {
        tables.push(("100,000 children, codes", small.table(true, false)));
        tables.push(("100,000 children, codes, years", small.table(true, true)));
    }
    for (name, table) in tables {
        for zeros in [Zeros::Published, Zeros::MayBeWithheld] {
            measure(name, &table, zeros);
        }
    }
}

fn measure(name: &str, table: &CountTable, zeros: Zeros) {
    let policy = Policy::new(5, zeros);
    let set = TableSet { tables: vec![table.clone()], policy };
    let primary = table.cell_counts().into_iter().filter(|count| (1..5).contains(count)).count();
    let begun = Instant::now();
    let cells = table.cell_count();
    let suppression = match suppress(&set) {
        Ok(suppression) => suppression,
        Err(refusal) => return println!("{name:<34} {cells:>7} {primary:>8} {refusal}"),
    };
    let suppressed = begun.elapsed();
    let withheld = suppression.patterns[0].withheld.iter().filter(|withheld| **withheld).count();
    let begun = Instant::now();
    let verdict = verify_with(set, suppression.patterns, &suppression.worlds)
        .map_or_else(|_| "refused", |_| "safe");
    let attacked = begun.elapsed();
    let zeros = match zeros {
        Zeros::Published => "zeros shown",
        Zeros::MayBeWithheld => "zeros may go",
        Zeros::Unsafe => "zeros unsafe",
    };
    let seconds = |time: Duration| time.as_secs_f64();
    println!(
        "{:<34} {cells:>7} {primary:>8} {withheld:>9} {:>10.2} {:>9.2} {verdict:>7}",
        format!("{name}, {zeros}"),
        seconds(suppressed),
        seconds(attacked)
    );
}

/// What each way of rounding makes of the tables.
fn rounded(all: bool) {
    println!(
        "{:<50} {:>7} {:>8} {:>8} {:>9} {:>8}  verdict",
        "rounding", "cells", "primary", "round s", "mean off", "attack s"
    );
    let small = Council::new(100_000, 20, 5);
    let large = Council::new(1_000_000, 60, 10);
    let mut tables = vec![
        ("100,000 children, codes by ward", by_ward(&small.table(true, false))),
        ("100,000 children, groups by ward", by_ward(&small.table(false, false))),
        ("1,000,000 children, groups by ward", by_ward(&large.table(false, false))),
        ("100,000 children, groups", small.table(false, false)),
        ("1,000,000 children, groups", large.table(false, false)),
        ("100,000 children, codes", small.table(true, false)),
    ];
    if all {
        tables.push(("100,000 children, codes, years", small.table(true, true)));
    }
    for (name, table) in tables {
        let mut dice = Dice(7);
        let mut key = |&count: &u64| {
            (0..count).fold(0u64, |sum, _| {
                let (high, low) = (dice.unit().to_bits() << 12, dice.unit().to_bits() >> 20);
                sum.wrapping_add(high ^ low)
            })
        };
        let keys = [table.inner().iter().map(&mut key).collect()];
        let methods = [
            ("nearest 5", Method::Nearest { base: 5 }),
            ("controlled 3", Method::Controlled { base: 3, attempt: 0 }),
            ("controlled 5", Method::Controlled { base: 5, attempt: 0 }),
            ("OpenSAFELY", Method::OpenSafely),
            ("cell key", Method::CellKey { keys: &keys }),
        ];
        for (how, method) in methods {
            measure_rounding(&format!("{name}, {how}"), &table, method);
        }
    }
}

/// The same children without sex and age.
fn by_ward(table: &CountTable) -> CountTable {
    let dimensions = table.dimensions()[2..].to_vec();
    let size: usize = dimensions.iter().map(|dimension| dimension.leaves().len()).product();
    let mut inner = vec![0; size];
    table.inner().iter().enumerate().for_each(|(at, count)| inner[at % size] += count);
    CountTable::new("council", dimensions, inner, vec![]).unwrap()
}

fn measure_rounding(name: &str, table: &CountTable, method: Method<'_>) {
    let policy = Policy::new(5, Zeros::MayBeWithheld);
    let set = TableSet { tables: vec![table.clone()], policy };
    let counts = table.cell_counts();
    let primary = counts.iter().filter(|count| (1..5).contains(*count)).count();
    let begun = Instant::now();
    let cells = counts.len();
    let rounded = match round(&set, method) {
        Ok(rounded) => rounded,
        Err(refusal) => return println!("{name:<50} {cells:>7} {primary:>8} {refusal}"),
    };
    let took = begun.elapsed().as_secs_f64();
    let off = |(published, count): (&u64, &u64)| published.abs_diff(*count);
    let off: u64 = rounded.published[0].iter().zip(&counts).map(off).sum();
    let off = off as f64 / cells as f64;
    let begun = Instant::now();
    let verdict = match verify_rounded(set, rounded.published, rounded.rule) {
        Ok(releasable) => format!("safe, {} worlds", releasable.certificates().len()),
        Err(refusal) => refusal.to_string(),
    };
    let attacked = begun.elapsed().as_secs_f64();
    println!(
        "{name:<50} {cells:>7} {primary:>8} {took:>8.2} {off:>9.2} {attacked:>8.2}  {verdict}"
    );
}

/// Children by sex, age, ethnic code, ward and year.
struct Council {
    children: BTreeMap<[usize; 5], u64>,
    wards: usize,
    localities: usize,
}

impl Council {
    fn new(children: u64, wards: usize, localities: usize) -> Self {
        let mut dice = Dice(20_240_401);
        // Gamma of shape 3: wards of unlike size.
        let sizes: Vec<f64> =
            (0..wards).map(|_| -(dice.unit() * dice.unit() * dice.unit()).ln()).collect();
        let mut council = Self { children: BTreeMap::new(), wards, localities };
        for _ in 0..children {
            let sex = dice.pick(&[1.0, 1.0]);
            let child = [sex, dice.pick(&AGES), dice.pick(&CODES), dice.pick(&sizes)];
            let [sex, age, code, ward] = child;
            *council.children.entry([sex, age, code, ward, dice.pick(&[1.0; 3])]).or_default() += 1;
        }
        council
    }

    fn table(&self, codes: bool, years: bool) -> CountTable {
        let flat = |name: &str, size: usize| {
            Hierarchy::flat(name, "all", (0..size).map(|leaf| format!("{name}{leaf}"))).unwrap()
        };
        let below = |name: &str, groups: usize, group_of: &dyn Fn(usize) -> usize, size: usize| {
            let nodes = std::iter::once(("all".to_owned(), None))
                .chain((0..groups).map(|group| (format!("group{group}"), Some(0))))
                .chain((0..size).map(|leaf| (format!("{name}{leaf}"), Some(1 + group_of(leaf)))));
            Hierarchy::new(name, nodes.collect()).unwrap()
        };
        let ethnicity = match codes {
            true => below("code", 5, &|code| GROUPS[code], CODES.len()),
            false => flat("group", 5),
        };
        let ward = below("ward", self.localities, &|ward| ward % self.localities, self.wards);
        let mut dimensions = vec![flat("sex", 2), flat("age", AGES.len()), ethnicity, ward];
        if years {
            dimensions.push(flat("year", 3));
        }
        let sizes: Vec<usize> = dimensions.iter().map(|d| d.leaves().len()).collect();
        let mut inner = vec![0; sizes.iter().product()];
        for (&[sex, age, code, ward, year], count) in &self.children {
            let place = [sex, age, if codes { code } else { GROUPS[code] }, ward, year];
            let at = sizes.iter().zip(place).fold(0, |at, (size, leaf)| at * size + leaf);
            inner[at] += count;
        }
        CountTable::new("council", dimensions, inner, vec![]).unwrap()
    }
}

/// Knuth's linear congruence, for the same council each time.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn pick(&mut self, weights: &[f64]) -> usize {
        let mut at = self.unit() * weights.iter().sum::<f64>();
        weights
            .iter()
            .position(|weight| {
                at -= weight;
                at < 0.0
            })
            .unwrap_or(weights.len() - 1)
    }
}
