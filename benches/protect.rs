//! Suppression and attack over made-up wards, groups and sexes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints what it measured")]

use std::time::Instant;

use minster_attack::verify_with;
use minster_disclosure::suppress;
use minster_model::cube::{CountTable, Hierarchy, Policy, TableSet, Zeros};

fn main() {
    println!(
        "{:<24} {:>8} {:>9} {:>10} {:>10}",
        "protect", "cells", "withheld", "suppress s", "attack s"
    );
    for (wards, groups) in [(8, 6), (16, 14), (30, 14)] {
        let set = council(wards, groups);
        let begun = Instant::now();
        let suppression = suppress(&set).unwrap();
        let suppressed = begun.elapsed().as_secs_f64();
        let withheld =
            suppression.patterns[0].withheld.iter().filter(|withheld| **withheld).count();
        let begun = Instant::now();
        let verdict = verify_with(set.clone(), suppression.patterns, &suppression.worlds)
            .map_or("refused", |_| "safe");
        let attacked = begun.elapsed().as_secs_f64();
        let cells = set.tables[0].cell_count();
        println!(
            "{:<24} {cells:>8} {withheld:>9} {suppressed:>10.2} {attacked:>10.2} {verdict}",
            format!("{wards} wards, {groups} groups")
        );
    }
}

fn council(wards: usize, groups: usize) -> TableSet {
    let nodes = std::iter::once(("all".to_owned(), None))
        .chain((0..4).map(|locality| (format!("L{locality}"), Some(0))))
        .chain((0..wards).map(|ward| (format!("W{ward}"), Some(1 + ward % 4))));
    let ward = Hierarchy::new("ward", nodes.collect()).unwrap();
    let flat = |name: &str, size: usize| {
        Hierarchy::flat(name, "all", (0..size).map(|leaf| leaf.to_string())).unwrap()
    };
    let dimensions = vec![ward, flat("sex", 2), flat("group", groups)];
    let mut state = 1u64;
    let inner = (0..wards * 2 * groups).map(|cell| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let group = (cell % groups) as u64;
        (state >> 33) % (400 / (1 + group * group)).max(1)
    });
    let table = CountTable::new("council", dimensions, inner.collect(), vec![]).unwrap();
    TableSet { tables: vec![table], policy: Policy { threshold: 5, zeros: Zeros::MayBeWithheld } }
}
