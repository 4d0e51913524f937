//! The risk of one million made-up children: sizes of classes, the contribution of each quasi-identifier, l-diversity and
//! t-closeness of two sensitive columns; the measures that pyCANON has, beside pyCANON on the same rows.
//!
//! `cargo xtask peers risk`. The peer runs where `MINSTER_PEERS_PYTHON` names a Python that has it: `pip install pycanon`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it measured"
)]

use std::{fs, process::Command, time::Instant};

use minster_risk::{Classes, Column, Scale, Sensitive};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

const CHILDREN: usize = 1_000_000;
const RUNS: usize = 5;
/// Each quasi-identifier's name and the number of its values.
const QUASI: [(&str, u32); 5] =
    [("sex", 2), ("birth_year", 16), ("ethnicity", 18), ("ward", 40), ("meals", 2)];
const SENSITIVE: [(&str, u32, Scale); 2] =
    [("sen", 3, Scale::Nominal), ("sessions_missed", 50, Scale::Ordered)];

fn main() {
    let mut dice = ChaCha8Rng::seed_from_u64(20_240_401);
    // Skewed, as real values are.
    let mut column = |values: u32| {
        let code = |_| (dice.next_u32() % values).min(dice.next_u32() % values);
        Column::new((0..CHILDREN).map(code).collect(), values).unwrap()
    };
    let quasi = QUASI.map(|(_, values)| column(values));
    let sensitive = SENSITIVE.map(|(_, values, _)| column(values));
    let quasi: Vec<&Column> = quasi.iter().collect();

    let mut seconds: [Vec<f64>; 2] = Default::default();
    let mut found = String::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let classes = Classes::of(&quasi).unwrap();
        let sizes = classes.sizes();
        let inferences = sensitive.iter().zip(SENSITIVE).map(|(column, (_, _, scale))| {
            classes.inference(&Sensitive { column, scale, left_out: None }).unwrap()
        });
        found = format!("{}", sizes.smallest.unwrap());
        for of in inferences {
            let (distinct, closeness) = (of.distinct.unwrap(), of.closeness.unwrap());
            // pyCANON gives the whole part of the entropy's l.
            let entropy = (of.entropy.unwrap() + 1e-9).floor();
            found += &format!(" {distinct} {entropy} {closeness:.6}");
        }
        seconds[0].push(begun.elapsed().as_secs_f64());
        for at in 0..quasi.len() {
            let mut without = quasi.clone();
            let alone = without.remove(at);
            let uniques = [Classes::of(&without), Classes::of(&[alone])];
            let _ = uniques.map(|of| of.unwrap().sizes());
        }
        seconds[1].push(begun.elapsed().as_secs_f64());
    }
    let [ours, whole] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[RUNS / 2]
    });
    println!(
        "{:<32} {:>9} {:>7}  k, and of each sensitive column l, entropy l, t",
        "risk of 1,000,000 x 5", "seconds", "ratio"
    );
    println!("{:<32} {ours:>9.3} {:>7}  {found}", "minster, measures that both have", "1.0");
    println!("{:<32} {whole:>9.3} {:>7}", "minster, and contributions", "");
    let Some(python) = std::env::var_os("MINSTER_PEERS_PYTHON") else {
        eprintln!("LEFT OUT: MINSTER_PEERS_PYTHON does not name a Python with pycanon");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    let names = QUASI.map(|(name, _)| name).into_iter().chain(SENSITIVE.map(|(name, ..)| name));
    let mut text = names.collect::<Vec<_>>().join(",") + "\n";
    for row in 0..CHILDREN {
        let all = quasi.iter().copied().chain(&sensitive);
        let codes: Vec<String> = all.map(|of| of.codes()[row].to_string()).collect();
        text += &(codes.join(",") + "\n");
    }
    fs::write(&rows, text).unwrap();
    let peer = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/peers/risk.py"))
        .arg(&rows)
        .output()
        .unwrap();
    assert!(peer.status.success(), "{}", String::from_utf8_lossy(&peer.stderr));
    let said = String::from_utf8(peer.stdout).unwrap();
    let (seconds, measures) = said.trim().split_once(' ').unwrap();
    let seconds: f64 = seconds.parse().unwrap();
    println!("{:<32} {seconds:>9.3} {:>7.1}  {measures}", "pyCANON, on pandas", seconds / ours);
    println!("{}", if measures == found { "Both say the same." } else { "They differ." });
}
