//! Councils at random whose data change: children join, leave, and are corrected, from one night or term to the next, and
//! each time something else is released.
//!
//! The attacker knows the last delivery's releases, and supposes of earlier numbers that they have hardly changed: of
//! each that is less than the threshold away from the present one, and not small now, they are taken to know the present one.
//! Numbers of another period count if 98 in 100 of those whom they count are the same.
//! `MINSTER_ATTACKS` says how many, as for the other councils at random; a fifth of these is made.

use std::collections::BTreeSet;

use crate::{
    attacker::{Attacker, Cell},
    council::{Row, Small, dimension, table},
    random::{Dice, Tally, attack_all},
};

const COLUMNS: [&str; 4] = ["ward", "sex", "need", "plan"];
const VALUES: [&[&str]; 4] =
    [&["W0", "W1", "W2"], &["F", "M", "U"], &["yes", "no"], &["yes", "no"]];
const PERIODS: [&str; 4] = ["2024-autumn", "2025-spring", "2025-summer", "2025-autumn"];
const STEPS: usize = 4;

fn child(dice: &mut Dice) -> Row {
    let need = if dice.one_in(3) { "yes" } else { "no" };
    let plan = if need == "yes" && !dice.one_in(6) { "yes" } else { "no" };
    let sex = if dice.one_in(16) { "U" } else { dice.one_of(&["F", "M"]) };
    [dice.one_of(VALUES[0]), sex, need, plan].map(str::to_owned).to_vec()
}

/// A release: its definition, its tables' columns, and whom it counts.
struct Release {
    definition: String,
    tables: Vec<Vec<&'static str>>,
    chosen: Option<(&'static str, &'static str)>,
}

impl Release {
    /// The numbers of those whom it counts among children of whom the first has this number.
    fn counted(&self, first: usize, rows: &[Row]) -> BTreeSet<usize> {
        let is_counted = |row: &Row| {
            let place = |column| COLUMNS.iter().position(|of| *of == column).unwrap();
            self.chosen.is_none_or(|(column, value)| row[place(column)] == value)
        };
        let counted = (first..).zip(rows).filter(|(_, row)| is_counted(row));
        counted.map(|(number, _)| number).collect()
    }
}

/// Whether next to all of the children of either are the other's too.
fn are_nearly_the_same(some: &BTreeSet<usize>, others: &BTreeSet<usize>) -> bool {
    some.intersection(others).count() * 100 >= some.union(others).count() * 98
}

fn release(dice: &mut Dice, zeros: &str) -> Release {
    let mut definition =
        format!("threshold = 5\nzeros = \"{zeros}\"\ninsider = 0\npopulation = \"spine\"\n");
    let chosen = match dice.below(7) {
        0 => Some(("sex", "F")),
        1 => Some(("sex", "M")),
        2 => Some(("need", "yes")),
        3 => Some(("plan", "yes")),
        _ => None,
    };
    if let Some((column, value)) = chosen {
        definition += &format!("where = [{{ column = \"{column}\", in = [\"{value}\"] }}]\n");
    }
    let menu: [&[&'static str]; 7] = [
        &["ward"],
        &["ward"],
        &["ward", "sex"],
        &["ward", "need"],
        &["ward", "plan"],
        &["sex", "need"],
        &["plan"],
    ];
    let tables: BTreeSet<Vec<&'static str>> =
        (0..1 + dice.below(2)).map(|_| menu[dice.below(menu.len())].to_vec()).collect();
    let used: BTreeSet<&str> = tables.iter().flatten().copied().collect();
    for column in used {
        let at = COLUMNS.iter().position(|of| *of == column).unwrap();
        definition += &dimension(column, &format!("codes = {:?}", VALUES[at]));
    }
    for (at, columns) in tables.iter().enumerate() {
        definition += &table(&format!("t{at}"), columns);
    }
    Release { definition, tables: tables.into_iter().collect(), chosen }
}

/// The children of the next delivery, and how many of the first have left since the first delivery.
fn change(dice: &mut Dice, rows: &mut Vec<Row>, left: &mut usize) {
    let many = [0, 1, 2, 3, 7][dice.below(5)];
    match dice.below(4) {
        0 => {}
        1 => rows.extend((0..many).map(|_| child(dice)).collect::<Vec<_>>()),
        2 => {
            rows.drain(..many);
            *left += many;
        }
        _ => {
            for _ in 0..many {
                let at = dice.below(rows.len());
                rows[at] = child(dice);
            }
        }
    }
}

fn attacked(number: usize, tally: &Tally) -> Vec<String> {
    let mut dice = Dice::of(number as u64 + 1_000_000);
    let mut rows: Vec<Row> = (0..60 + dice.below(160)).map(|_| child(&mut dice)).collect();
    let zeros = dice.one_of(&["published", "may-be-withheld"]);
    let council = Small::new(&COLUMNS, &[]);
    let (mut left, mut period, mut told) = (0, 0, String::new());
    let mut released: Vec<(usize, String, usize, Release, BTreeSet<usize>)> = Vec::new();
    let mut step_of_data = 0;
    for step in 0..STEPS {
        let before = rows.clone();
        if step > 0 {
            if dice.one_in(4) {
                period += 1;
            }
            change(&mut dice, &mut rows, &mut left);
            // The last release is of the data of the one before: the two are compared as they stand.
            if step == STEPS - 1 {
                rows.clone_from(&before);
            }
        }
        council.period(PERIODS[period]);
        council.deliver_from(1 + left, &rows);
        if rows != before {
            step_of_data = step;
        }
        let release = release(&mut dice, zeros);
        let name = format!("r{step}");
        council.define(&name, &release.definition);
        let ran = council.run();
        match ran.exit {
            0 => tally.released(),
            4 => {
                tally.refused(&ran.text);
                continue;
            }
            exit => panic!("council {number}: exit {exit}: {}", ran.text),
        }
        told += &format!(
            "# {name} of {}, {} children\n{}",
            PERIODS[period],
            rows.len(),
            release.definition
        );
        let counted = release.counted(left, &rows);
        released.push((step, name, period, release, counted));
    }
    let taken: BTreeSet<Row> = possible();
    let mut attacker = Attacker::knowing(&COLUMNS, &rows, &taken.into_iter().collect::<Vec<_>>());
    if zeros != "published" {
        attacker.zeros_may_be_withheld();
    }
    for (step, name, of_period, release, then) in &released {
        let is_known =
            *of_period == period || are_nearly_the_same(then, &release.counted(left, &rows));
        if !is_known {
            continue;
        }
        let counted = release.chosen.map(|(column, value)| (column, [value]));
        let counted = match &counted {
            Some((column, value)) => Cell::of(&[(*column, value.as_slice())]),
            None => Cell::of(&[]),
        };
        for at in 0..release.tables.len() {
            let of = council.released(name, PERIODS[*of_period], &format!("t{at}")).unwrap();
            match *step >= step_of_data {
                true => attacker.reads_of(&of, &[], &[], &counted),
                false => attacker.supposes(&of, &counted, 5),
            }
        }
    }
    tally.small(attacker.small(5));
    let mut given_away = attacker.given_away(5);
    // Nobody publishes these; they are what releases about some children leave of those about all.
    if released.iter().any(|(.., release, _)| release.chosen.is_some()) {
        let apart = released.iter().filter_map(|(.., release, _)| release.chosen);
        for (column, _) in apart.collect::<BTreeSet<_>>() {
            let at = COLUMNS.iter().position(|of| *of == column).unwrap();
            for ward in VALUES[0] {
                for value in VALUES[at] {
                    let cell = Cell::of(&[("ward", &[ward]), (column, &[value])]);
                    let count = attacker.count_of(&cell);
                    let (low, high) = attacker.range(&cell);
                    if (1..5).contains(&count) && high < 5.0 - 1e-6 {
                        given_away.push(format!("{ward} {column} {value}: {low} to {high}"));
                    }
                }
            }
        }
    }
    match given_away.is_empty() {
        true => given_away,
        false => vec![format!("council {number}:\n{told}\n{}", given_away.join("\n"))],
    }
}

/// The combinations of values that a child can have: nobody has a plan and no need.
fn possible() -> BTreeSet<Row> {
    let mut possible = BTreeSet::new();
    for ward in VALUES[0] {
        for sex in VALUES[1] {
            for [need, plan] in [["yes", "yes"], ["yes", "no"], ["no", "no"]] {
                possible.insert([*ward, sex, need, plan].map(str::to_owned).to_vec());
            }
        }
    }
    possible
}

#[test]
fn no_random_release_gives_away_a_small_number_after_the_data_changed() {
    let (councils, released, small) = attack_all(5, attacked);
    assert!(released >= councils && 2 * small >= councils, "the councils try something");
}
