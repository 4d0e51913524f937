//! Random tables, measured a second time by the plainest reading of each definition; and by a second program.
#![allow(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use minster_risk::{Classes, Column, RiskError, Scale, Sensitive};
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

/// Rows of codes, each code below its column's number of values.
fn tables() -> impl Strategy<Value = (Vec<u32>, Vec<Vec<u32>>)> {
    // Numbers of values whose product passes 2^64, so that keys are made anew on the way.
    let values = prop::collection::vec(prop_oneof![1_u32..4, Just(1 << 20), Just(u32::MAX)], 2..7);
    values.prop_flat_map(|values| {
        // Few codes, at both ends, so that rows agree.
        let code = |&of: &u32| {
            (0..of.min(3), any::<bool>()).prop_map(
                move |(code, end)| {
                    if end { of - 1 - code } else { code }
                },
            )
        };
        let row: Vec<_> = values.iter().map(code).collect();
        (Just(values), prop::collection::vec(row, 0..60))
    })
}

fn columns(values: &[u32], rows: &[Vec<u32>]) -> Vec<Column> {
    let of = |at: usize| Column::new(rows.iter().map(|row| row[at]).collect(), values[at]).unwrap();
    (0..values.len()).map(of).collect()
}

proptest! {
    #[test]
    fn two_rows_are_of_one_class_where_they_agree_in_every_column((values, rows) in tables()) {
        let columns = columns(&values, &rows);
        let classes = Classes::of(&columns.iter().collect::<Vec<_>>()).unwrap();
        let of_row = classes.of_row();
        for (a, row) in rows.iter().enumerate() {
            for (b, other) in rows.iter().enumerate() {
                prop_assert_eq!(row == other, of_row[a] == of_row[b]);
            }
        }
        let mut counts: BTreeMap<&Vec<u32>, u64> = BTreeMap::new();
        rows.iter().for_each(|row| *counts.entry(row).or_default() += 1);
        let sizes = classes.sizes();
        let below = |bound| counts.values().filter(|&&count| count < bound).sum::<u64>();
        prop_assert_eq!(sizes.classes, counts.len() as u64);
        prop_assert_eq!(sizes.smallest.map(u64::from), counts.values().copied().min());
        prop_assert_eq!((sizes.unique, sizes.below), (below(2), [3, 5, 10].map(below)));
        prop_assert_eq!(sizes.bands.iter().map(|of| of.children).sum::<u64>(), rows.len() as u64);
    }

    #[test]
    fn a_coarser_column_never_has_more_unique_children((values, rows) in tables()) {
        let values: Vec<u32> = values.iter().map(|&of| of.min(1 << 20)).collect();
        let rows: Vec<Vec<u32>> = rows.iter().map(|row| {
            row.iter().zip(&values).map(|(&code, &of)| code % of).collect()
        }).collect();
        let columns = columns(&values, &rows);
        let halves: Vec<u32> = (0..values[0]).map(|code| code / 2).collect();
        let coarser = columns[0].coarser(&halves, values[0].div_ceil(2)).unwrap();
        let before = Classes::of(&columns.iter().collect::<Vec<_>>()).unwrap().sizes();
        let mut after: Vec<&Column> = columns.iter().collect();
        after[0] = &coarser;
        let after = Classes::of(&after).unwrap().sizes();
        let without = Classes::of(&columns[1..].iter().collect::<Vec<_>>()).unwrap().sizes();
        prop_assert!(after.unique <= before.unique && without.unique <= after.unique);
        prop_assert!(after.smallest >= before.smallest && without.smallest >= after.smallest);
    }
}

/// Measures of a sensitive column by their definitions, over shares.
fn plainly(classes: &[u32], codes: &[u32], values: u32, scale: Scale) -> (usize, f64, f64) {
    let share = |rows: &[u32], code: u32| {
        rows.iter().filter(|&&of| of == code).count() as f64 / rows.len() as f64
    };
    let (mut distinct, mut entropy, mut closeness) = (usize::MAX, f64::MAX, 0_f64);
    for class in 0..=classes.iter().copied().max().unwrap() {
        let of_class = classes.iter().zip(codes).filter(|(of, _)| **of == class);
        let rows: Vec<u32> = of_class.map(|(_, &code)| code).collect();
        let shares: Vec<f64> = (0..values).map(|code| share(&rows, code)).collect();
        let less: Vec<f64> =
            (0..values).map(|code| share(&rows, code) - share(codes, code)).collect();
        distinct = distinct.min(shares.iter().filter(|&&of| of > 0.0).count());
        let of_class: f64 = shares.iter().filter(|&&of| of > 0.0).map(|of| -of * of.ln()).sum();
        entropy = entropy.min(of_class.exp());
        let distance = match scale {
            Scale::Nominal => less.iter().map(|of| of.abs()).sum::<f64>() / 2.0,
            Scale::Ordered => {
                let mut sum = 0.0;
                let cumulative = less.iter().map(|of| {
                    sum += of;
                    f64::abs(sum)
                });
                cumulative.sum::<f64>() / f64::from((values - 1).max(1))
            }
        };
        closeness = closeness.max(distance);
    }
    (distinct, entropy, closeness)
}

proptest! {
    #[test]
    fn sensitive_columns_are_measured_as_they_are_defined(
        rows in prop::collection::vec((0_u32..4, 0_u32..9), 1..80),
        unused in 0_u32..4,
    ) {
        let (classes, codes): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
        let quasi = Column::new(classes, 4).unwrap();
        let column = Column::new(codes, 9 + unused).unwrap();
        let classes = Classes::of(&[&quasi]).unwrap();
        for scale in [Scale::Nominal, Scale::Ordered] {
            let found = classes.inference(&Sensitive { column: &column, scale, left_out: None }).unwrap();
            let (distinct, entropy, closeness) =
                plainly(classes.of_row(), column.codes(), column.values(), scale);
            prop_assert_eq!(found.distinct, Some(distinct as u32));
            prop_assert!((found.entropy.unwrap() - entropy).abs() < 1e-9);
            prop_assert!((found.closeness.unwrap() - closeness).abs() < 1e-9,
                "{:?}: {:?} is not {closeness}", scale, found.closeness);
        }
    }
}

#[test]
fn columns_of_other_rows_or_codes_without_a_value_are_refused() {
    let one = Column::new(vec![0], 1).unwrap();
    let two = Column::new(vec![0, 0], 1).unwrap();
    assert_eq!(Column::new(vec![0, 1], 1), Err(RiskError::Code { row: 1, code: 1, values: 1 }));
    assert_eq!(Classes::of(&[&one, &two]), Err(RiskError::Rows { rows: 1, others: 2 }));
    assert_eq!(Classes::of(&[]), Err(RiskError::NoColumn));
    let sensitive = Sensitive { column: &two, scale: Scale::Nominal, left_out: None };
    let found = Classes::of(&[&one]).unwrap().inference(&sensitive);
    assert_eq!(found, Err(RiskError::Rows { rows: 1, others: 2 }));
    assert_eq!(two.coarser(&[0, 0], 1), Err(RiskError::Rows { rows: 2, others: 1 }));
}

/// Reads rows of five codes; the last is sensitive. Prints what the module prints.
const PYTHON: &str = r#"
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from math import exp, log
rows = [tuple(map(int, line.split())) for line in sys.stdin]
classes = defaultdict(list)
for row in rows:
    classes[row[:-1]].append(row[-1])
sizes = [len(c) for c in classes.values()]
m = 7
q = Counter(r[-1] for r in rows)
n = len(rows)
def distances(c):
    p = Counter(c)
    d = [Fraction(p[v], len(c)) - Fraction(q[v], n) for v in range(m)]
    ordered = sum(abs(sum(d[:i + 1])) for i in range(m)) / (m - 1)
    return sum(map(abs, d)) / 2, ordered
def entropy(c):
    return exp(-sum(x / len(c) * log(x / len(c)) for x in Counter(c).values()))
ds = [distances(c) for c in classes.values()]
print(len(classes), min(sizes), sizes.count(1), *[sum(s for s in sizes if s < b) for b in (3, 5, 10)],
      min(len(set(c)) for c in classes.values()), sum(len(c) for c in classes.values() if len(set(c)) == 1),
      f"{min(map(entropy, classes.values())):.9f}",
      f"{float(max(d[0] for d in ds)):.9f}", f"{float(max(d[1] for d in ds)):.9f}")
"#;

#[test]
fn a_second_program_measures_the_same() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("LEFT OUT: there is no python3");
        return;
    }
    for (seed, rows) in [(1, 40), (2, 3_000), (3, 20_000)] {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let values = [2, 5, 3, 4, 7];
        let rows: Vec<Vec<u32>> = (0..rows)
            .map(|_| values.map(|of| (dice.next_u32() % of).min(dice.next_u32() % of)).to_vec())
            .collect();
        let columns = columns(&values, &rows);
        let quasi: Vec<&Column> = columns[..4].iter().collect();
        let classes = Classes::of(&quasi).unwrap();
        let sizes = classes.sizes();
        let of = |scale| {
            classes.inference(&Sensitive { column: &columns[4], scale, left_out: None }).unwrap()
        };
        let (nominal, ordered) = (of(Scale::Nominal), of(Scale::Ordered));
        let [three, five, ten] = sizes.below;
        let ours = format!(
            "{} {} {} {three} {five} {ten} {} {} {:.9} {:.9} {:.9}\n",
            sizes.classes,
            sizes.smallest.unwrap(),
            sizes.unique,
            nominal.distinct.unwrap(),
            nominal.alike,
            nominal.entropy.unwrap(),
            nominal.closeness.unwrap(),
            ordered.closeness.unwrap(),
        );
        let mut python = Command::new("python3")
            .args(["-c", PYTHON])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = rows
            .iter()
            .map(|row| row.iter().map(u32::to_string).collect::<Vec<_>>().join(" ") + "\n");
        let text: String = lines.collect();
        python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let theirs = python.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(theirs.stdout).unwrap(), ours, "seed {seed}");
    }
}
