//! A reader who knows how cells are chosen. They try each table that the published numbers allow, and drop it where the
//! program would have withheld other cells. With a secret dice they drop fewer.

use std::collections::BTreeSet;

use minster_model::policy::Dice;
use proptest::strategy::ValueTree;

use super::*;

/// Rows and columns.
const SIZE: usize = 3;
/// Tables that are published (`MINSTER_CASES_PERCENT` makes it more), and throws that a reader tries on each table that the numbers allow.
const TABLES: u32 = 30;
const THROWS: u8 = 32;
/// Where the numbers allow more tables than these, the next one is published instead.
const MOST: usize = 120;

/// The tables that a reader has left, added up over what was published: in thousandths of those that the numbers allow,
/// the small cells that have one count in all of them, and the cells withheld.
#[derive(Debug, Default, Clone, Copy)]
struct Left {
    thousandths: usize,
    told: usize,
    withheld: usize,
}

fn table(inner: Vec<u64>) -> TableSet {
    let dimensions = vec![flat("a", SIZE), flat("b", SIZE)];
    set(vec![CountTable::new("t", dimensions, inner, vec![]).unwrap()], Zeros::Published)
}

fn thrown(throw: u8) -> Costs {
    Costs::default().cast(Dice::new([throw; 32]))
}

/// All inner counts that agree with what is published; none where they are too many.
fn possible(of: &TableSet, pattern: &Pattern) -> Option<Vec<Vec<u64>>> {
    let table = &of.tables[0];
    let below = alternative_tables::below(table);
    let counts = table.cell_counts();
    let inner = table.inner_cells();
    let free: Vec<usize> = (0..inner.len()).filter(|&of| pattern.withheld[inner[of]]).collect();
    let shown: Vec<usize> = (0..counts.len()).filter(|&cell| !pattern.withheld[cell]).collect();
    let mut now = table.inner().to_vec();
    free.iter().for_each(|&of| now[of] = 1);
    let mut found = Vec::new();
    // Each withheld count from 1 up, the first ones outermost, as far as no published sum is overrun.
    let mut place = 0;
    loop {
        let sums: Vec<u64> =
            below.iter().map(|places| places.iter().map(|&of| now[of]).sum()).collect();
        if shown.iter().any(|&cell| sums[cell] > counts[cell]) {
            now[free[place]] = 1;
            if place == 0 {
                return Some(found);
            }
            place -= 1;
        } else if place + 1 < free.len() {
            place += 1;
            continue;
        } else if shown.iter().all(|&cell| sums[cell] == counts[cell]) {
            found.push(now.clone());
            if found.len() > MOST {
                return None;
            }
        }
        now[free[place]] += 1;
    }
}

/// Publishes a table at some costs. The reader drops each possible table from which none of their own choices makes the
/// same pattern. None where there is nothing to try.
fn left(of: &TableSet, published_at: Costs, tried: &[Costs]) -> Option<Left> {
    let pattern = protect_at(of, published_at).ok()?.remove(0);
    let possible = possible(of, &pattern)?;
    let makes = |inner: &&Vec<u64>| {
        let alternative = table(inner.to_vec());
        let made = |&costs: &Costs| protect_at(&alternative, costs);
        tried.iter().filter_map(|costs| made(costs).ok()).any(|patterns| patterns[0] == pattern)
    };
    let left: Vec<&Vec<u64>> = possible.iter().filter(makes).collect();
    let small =
        of.tables[0].inner().iter().enumerate().filter(|(_, count)| (1..5).contains(*count));
    let counts = |at: usize| left.iter().map(|inner| inner[at]).collect::<BTreeSet<u64>>().len();
    Some(Left {
        thousandths: 1_000 * left.len() / possible.len(),
        told: small.filter(|(at, _)| counts(*at) <= 1).count(),
        withheld: pattern.withheld.iter().filter(|withheld| **withheld).count(),
    })
}

#[test]
fn a_reader_who_knows_the_algorithm_drops_fewer_tables_and_learns_fewer_cells() {
    let counts = prop::collection::vec(prop_oneof![1 => 1..5u64, 3 => 5..14u64], SIZE * SIZE);
    let mut runner = TestRunner::deterministic();
    let throws: Vec<Costs> = (0..THROWS).map(thrown).collect();
    let mut found = Vec::new();
    let tables = tried(TABLES) as usize;
    while found.len() < tables {
        let of = table(counts.new_tree(&mut runner).unwrap().current());
        if of.tables[0].inner().iter().all(|count| *count > 4) {
            continue;
        }
        let plain = left(&of, Costs::default(), &[Costs::default()]);
        // The release's own throw is none of the reader's.
        let diced = left(&of, thrown(THROWS), &throws);
        found.extend(plain.zip(diced));
    }
    let sum = |of: fn(&Left) -> usize| {
        let plain: usize = found.iter().map(|(plain, _)| of(plain)).sum();
        let diced: usize = found.iter().map(|(_, diced)| of(diced)).sum();
        (plain, diced)
    };
    let (plain, diced) = sum(|left| left.thousandths);
    let (told, withheld) = (sum(|left| left.told), sum(|left| left.withheld));
    println!(
        "without and with dice: {} and {} thousandths of the tables are left, {told:?} small cells told, {withheld:?} cells withheld",
        plain / tables,
        diced / tables,
    );
    assert!(diced > plain, "the dice leaves more tables possible");
    assert!(told.1 < told.0, "and tells fewer small cells");
}
