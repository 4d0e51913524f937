//! Suppression, attack and certificates: over tables as a council's (sex, age, ethnicity in groups, ward in
//! localities, all margins; made-up children, skewed as real ones are, so that small counts are common),
//! and over the tables on which GaussSuppression was measured, where they are at hand: `MINSTER_SAMPLES`
//! names a folder with `tables/z1.csv`, `MINSTER_PEER_TABLES` one with `micro_100000_20_5_3.csv`.
//!
//! `cargo bench --bench protect` runs those that take seconds; with `-- all` those that take minutes too.
//! With `-- rounding` the same tables are rounded and perturbed instead; with `-- releasable` the comparison
//! modes are left out; with `-- million` tables of a million cells are released, and the memory that it took is
//! told; with `-- insider` the releasable mode is against insiders who know one child. With
//! `-- cheapest` small tables are suppressed by the heuristic alone, with the usual effort, and with more.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{collections::BTreeMap, io::Write, sync::LazyLock, time::Instant};

use minster_attack::{Refusal, verify_rounded, verify_with};
use minster_disclosure::{
    Effort, Optimum, RoundingMethod, SearchOutcome, round, sparsity, suppress, suppress_at, widen,
};
use minster_disclosure_tests::{
    comparison::{Linear, Singletons, linear},
    peers::{self, PeerTable, Recorded},
};
use minster_model::{
    policy::{Costs, Policy, Zeros},
    table::{CountTable, Hierarchy, Pattern, TableSet},
};

/// Years of age where these are told one by one.
const YEARS: usize = 18;

/// Weights of the age bands and of the ethnic codes, and the group of each code.
const AGES: [f64; 6] = [5.0, 22.0, 27.0, 27.0, 14.0, 5.0];
const CODES: [f64; 18] =
    [60.0, 0.4, 0.15, 0.5, 4.0, 2.0, 1.0, 1.6, 2.4, 3.0, 6.0, 2.5, 0.6, 2.4, 1.5, 4.0, 1.2, 2.5];
const GROUPS: [usize; 18] = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4];

/// Seconds of a processor that this thread has had: others on the machine do not count. Where the system does not
/// say, seconds of the clock.
fn processor() -> f64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|ran| ran.parse::<f64>().ok());
    nanoseconds.map_or_else(|| BEGUN.elapsed().as_secs_f64(), |ran| ran / 1e9)
}

fn asked(what: &str) -> bool {
    std::env::args().any(|argument| argument == what)
}

fn main() {
    let all = asked("all");
    if asked("rounding") {
        return rounded(all);
    }
    if asked("cheapest") {
        return cheapest();
    }
    if asked("million") {
        return million();
    }
    let (peer_tables, missing) = peers::at_hand(all);
    missing.iter().for_each(|missing| println!("not at hand: {missing}"));
    println!(
        "{:<35} {:>6} {:>7} | {:^19} | {:^41} | {:^32} | {:^32}",
        "", "", "", "peer, as recorded", "not releasable", "zeros shown", "zeros may go"
    );
    println!(
        "{:<35} {:>6} {:>7} | {:>5} {:>7} {:>5} | {:>13} {:>13} {:>13} | {} | {}",
        "protect",
        "cells",
        "primary",
        "none",
        "default",
        "wide",
        "none",
        "guarded",
        "wide",
        RELEASABLE,
        RELEASABLE
    );
    let small = Council::new(100_000, 20, 5);
    let large = Council::new(1_000_000, 60, 10);
    let mut own = vec![
        ("100,000 made up, groups", small.table(false, false)),
        ("1,000,000 made up, groups", large.table(false, false)),
    ];
    if all {
        own.push(("100,000 made up, codes", small.table(true, false)));
        own.push(("100,000 made up, codes, years", small.table(true, true)));
    }
    for (name, table) in own {
        let policy = Policy::new(5, Zeros::Published);
        let set = TableSet { tables: vec![table], policy };
        measure(&PeerTable { name, set, recorded: Recorded::default() }, false);
    }
    peer_tables.iter().for_each(|table| measure(table, all));
}

const RELEASABLE: &str = " withheld suppress attack verdict";

/// One line: how much is withheld, and in how many seconds of a processor. The weaker modes are run where the peer was.
fn measure(table: &PeerTable, all: bool) {
    let PeerTable { name, set, recorded } = table;
    let counts = set.tables[0].cell_counts();
    let primary = counts.iter().filter(|&&count| set.policy.is_small(count)).count();
    print!("{name:<35} {:>6} {primary:>7} |", counts.len());
    let figure = |figure: Option<usize>| figure.map_or("-".to_owned(), |figure| figure.to_string());
    let Recorded { no_singletons, default, intervals } = *recorded;
    print!(" {:>5} {:>7} {:>5} |", figure(no_singletons), figure(default), figure(intervals));
    let compared = default.is_some() || name.ends_with("codes");
    let modes = [
        (compared, Singletons::None, 0),
        (compared, Singletons::Guarded, 0),
        (intervals.is_some() || (all && default.is_some()), Singletons::Guarded, 5),
    ];
    for (is_run, singletons, width) in modes {
        let what = if is_run && !asked("releasable") {
            compare(set, Linear { singletons, width })
        } else {
            "-".into()
        };
        print!(" {what:>13}");
        std::io::stdout().flush().unwrap();
    }
    for zeros in [Zeros::Published, Zeros::MayBeWithheld] {
        print!(" | {:>32}", release(set, zeros));
        std::io::stdout().flush().unwrap();
    }
    println!();
}

fn compare(set: &TableSet, mode: Linear) -> String {
    let begun = processor();
    let patterns = linear(set, mode);
    let seconds = processor() - begun;
    patterns.map_or_else(
        |refusal| refusal.to_string(),
        |patterns| format!("{} {seconds:>6.1} s", withheld(&patterns)),
    )
}

fn release(set: &TableSet, zeros: Zeros) -> String {
    let insider = u64::from(asked("insider"));
    let policy = Policy { insider, ..Policy::new(set.policy.threshold, zeros) };
    let set = TableSet { tables: set.tables.clone(), policy };
    let begun = processor();
    let mut suppression = match suppress(&set) {
        Ok(suppression) => suppression,
        Err(refusal) => return refusal.to_string(),
    };
    let suppressed = processor() - begun;
    let begun = processor();
    let mut verdict = "refused";
    for _ in 0..WIDENED {
        match verify_with(set.clone(), suppression.patterns.clone(), &suppression.alternatives) {
            Ok(_) => verdict = "safe",
            Err(Refusal::Unprotected(failures)) => {
                let failing: Vec<_> = failures.iter().map(|f| (f.table, f.cell)).collect();
                if let Ok(wider) = widen(&set, &suppression.patterns, &failing, Costs::default()) {
                    suppression = wider;
                    continue;
                }
            }
            Err(_) => {}
        }
        break;
    }
    let withheld = withheld(&suppression.patterns);
    let attacked = processor() - begun;
    format!("{withheld:>8} {suppressed:>8.2} {attacked:>6.2} {verdict:>7}")
}

/// Attacks, at most: each but the first follows a widening.
const WIDENED: usize = 12;

fn withheld(patterns: &[Pattern]) -> usize {
    patterns.iter().flat_map(|pattern| &pattern.withheld).filter(|withheld| **withheld).count()
}

/// Prints what the search for the cheapest pattern saves, in price, and how long it takes.
fn cheapest() {
    println!("{:<34} {:>5} | heuristic | usual effort | more", "cheapest", "cells");
    let (peer_tables, missing) = peers::at_hand(false);
    missing.iter().for_each(|missing| println!("not at hand: {missing}"));
    let small = peer_tables.into_iter().filter(|table| table.set.tables[0].cell_count() < 200);
    for PeerTable { name, set, .. } in small {
        efforts(name, &[set]);
    }
    let mut dice = Dice(7);
    for sizes in [&[4, 5][..], &[6, 8], &[10, 12], &[3, 3, 3], &[2, 4, 5]] {
        for zeros in [Zeros::Published, Zeros::MayBeWithheld] {
            let sets: Vec<TableSet> = (0..20).map(|_| made_up(sizes, zeros, &mut dice)).collect();
            efforts(&format!("20 of {sizes:?}, {zeros:?}"), &sets);
        }
    }
}

fn efforts(name: &str, sets: &[TableSet]) {
    let cells: usize = sets.iter().map(|set| set.tables[0].cell_count()).sum();
    print!("{name:<34} {cells:>5}");
    let more = Effort { steps: 8 * Effort::default().steps, ..Effort::default() };
    for effort in [Effort::NONE, Effort::default(), more] {
        let (mut cost, mut cells, mut proved, mut longest) = (0.0, 0, 0, 0f64);
        for set in sets {
            let begun = processor();
            let Ok(found) = suppress_at(set, Costs::default(), effort) else { continue };
            longest = longest.max(processor() - begun);
            cost += found.optima.iter().map(|optimum| optimum.cost).sum::<f64>();
            let is_proved = |optimum: &Optimum| optimum.outcome == SearchOutcome::Proved;
            proved += usize::from(found.optima.iter().all(is_proved));
            cells += withheld(&found.patterns);
            assert!(verify_with(set.clone(), found.patterns, &found.alternatives).is_ok());
        }
        print!(" | {cells} {cost:.1} {proved} proved, at most {longest:.3} s");
        std::io::stdout().flush().unwrap();
    }
    println!();
}

/// A table of which a quarter of the cells are below four, and a quarter up to a hundred.
fn made_up(sizes: &[usize], zeros: Zeros, dice: &mut Dice) -> TableSet {
    let dimension = |(number, &size): (usize, &usize)| {
        let leaves = (0..size).map(|leaf| format!("{number}-{leaf}"));
        Hierarchy::flat(format!("d{number}"), "all", leaves).unwrap()
    };
    let mut count = |_| {
        let most = [4.0, 12.0, 40.0, 100.0][dice.pick(&[1.0; 4])];
        (dice.unit() * most) as u64
    };
    let counts = (0..sizes.iter().product()).map(&mut count).collect();
    let dimensions = sizes.iter().enumerate().map(dimension).collect();
    let table = CountTable::new("made up", dimensions, counts, vec![]).unwrap();
    TableSet { tables: vec![table], policy: Policy::new(5, zeros) }
}

/// Tables of a million cells: one that most cells have children for, and one that is mostly empty.
fn million() {
    for children in [100_000, 24_000_000] {
        let table = Council::by_years(children, 150, 30).table(true, true);
        let policy = Policy::new(5, Zeros::Published);
        let set = TableSet { tables: vec![table], policy };
        let counts = set.tables[0].cell_counts();
        let primary = counts.iter().filter(|&&count| policy.is_small(count)).count();
        println!("{children} children, {} cells, {primary} primary", counts.len());
        for sparse in sparsity(&set) {
            println!("  {sparse}");
        }
        for zeros in [Zeros::Published, Zeros::MayBeWithheld] {
            println!("  {zeros:?}: {RELEASABLE}: {}", release(&set, zeros));
            let status = procfs::process::Process::myself().and_then(|process| process.status());
            match status.ok().and_then(|status| status.vmhwm) {
                Some(most) => println!("  peak memory {most} kB"),
                None => println!("  peak memory unknown"),
            }
            std::io::stdout().flush().unwrap();
        }
    }
}

/// Prints what each way of rounding makes of the tables.
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
            ("nearest 5", RoundingMethod::Nearest { base: 5 }),
            ("controlled 3", RoundingMethod::Controlled { base: 3, attempt: 0 }),
            ("controlled 5", RoundingMethod::Controlled { base: 5, attempt: 0 }),
            ("OpenSAFELY", RoundingMethod::OpenSafely),
            ("cell key", RoundingMethod::CellKey { keys: &keys }),
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

fn measure_rounding(name: &str, table: &CountTable, method: RoundingMethod<'_>) {
    let policy = Policy::new(5, Zeros::MayBeWithheld);
    let set = TableSet { tables: vec![table.clone()], policy };
    let counts = table.cell_counts();
    let primary = counts.iter().filter(|count| (1..5).contains(*count)).count();
    let begun = processor();
    let cells = counts.len();
    let rounded = match round(&set, method) {
        Ok(rounded) => rounded,
        Err(refusal) => return println!("{name:<50} {cells:>7} {primary:>8} {refusal}"),
    };
    let took = processor() - begun;
    let off = |(published, count): (&u64, &u64)| published.abs_diff(*count);
    let off: u64 = rounded.published[0].iter().zip(&counts).map(off).sum();
    let off = off as f64 / cells as f64;
    let begun = processor();
    let verdict = match verify_rounded(set, rounded.published, rounded.rule) {
        Ok(releasable) => format!("safe, {} worlds", releasable.certificates().len()),
        Err(refusal) => refusal.to_string(),
    };
    let attacked = processor() - begun;
    println!(
        "{name:<50} {cells:>7} {primary:>8} {took:>8.2} {off:>9.2} {attacked:>8.2}  {verdict}"
    );
}

/// Children by sex, age, ethnic code, ward and year.
struct Council {
    children: BTreeMap<[usize; 5], u64>,
    ages: usize,
    wards: usize,
    localities: usize,
}

impl Council {
    fn new(children: u64, wards: usize, localities: usize) -> Self {
        Self::of_ages(&AGES, children, wards, localities)
    }

    fn by_years(children: u64, wards: usize, localities: usize) -> Self {
        Self::of_ages(&[1.0; YEARS], children, wards, localities)
    }

    fn of_ages(ages: &[f64], children: u64, wards: usize, localities: usize) -> Self {
        let mut dice = Dice(20_240_401);
        // Gamma of shape 3: wards of unlike size.
        let sizes: Vec<f64> =
            (0..wards).map(|_| -(dice.unit() * dice.unit() * dice.unit()).ln()).collect();
        let (none, ages_told) = (BTreeMap::new(), ages.len());
        let mut council = Self { children: none, ages: ages_told, wards, localities };
        for _ in 0..children {
            let sex = dice.pick(&[1.0, 1.0]);
            let child = [sex, dice.pick(ages), dice.pick(&CODES), dice.pick(&sizes)];
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
        let mut dimensions = vec![flat("sex", 2), flat("age", self.ages), ethnicity, ward];
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
