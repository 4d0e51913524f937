//! The promise, as every alternative table of a small set shows whether it holds.

use minster_disclosure_tests::alternative_tables::{self, Known};
use minster_model::table::{Pattern, ProtectionLevel, TableSet};

/// Returns what the promise requires of each cell that is small or unsafe by rule: table, cell, how little and how
/// much it must be able to be.
pub(crate) fn promised(
    set: &TableSet,
    patterns: &[Pattern],
    known: Option<Known>,
) -> Vec<(usize, usize, u64, u64)> {
    let threshold = set.policy.threshold;
    let mut all = Vec::new();
    for (number, table) in set.tables.iter().enumerate() {
        let counts = alternative_tables::sums(table, table.inner());
        let below = alternative_tables::below(table);
        let own = |cell: usize| -> u64 {
            let places = below[cell].iter();
            places.map(|&place| least_of(set, patterns, known, (number, place))).sum()
        };
        for cell in (0..counts.len()).filter(|&cell| set.policy.is_small(counts[cell])) {
            let others = (0..set.tables.len()).filter(|other| *other != number);
            let of_others = others.map(|other| {
                let within = alternative_tables::within(table, cell, &set.tables[other]);
                within
                    .into_iter()
                    .map(|place| least_of(set, patterns, known, (other, place)))
                    .sum::<u64>()
            });
            let low: u64 = of_others.max().unwrap_or_default().max(own(cell));
            all.push((number, cell, low, threshold.max(low + threshold - 1)));
        }
        for &ProtectionLevel { cell, lower, upper } in table.protection_levels() {
            let low = own(cell).max(counts[cell].saturating_sub(lower));
            all.push((number, cell, low, counts[cell] + upper));
        }
    }
    all
}

/// The least that an inner cell of a table can be by the rules alone, to someone.
fn least_of(
    set: &TableSet,
    patterns: &[Pattern],
    known: Option<Known>,
    (number, place): (usize, usize),
) -> u64 {
    let table = &set.tables[number];
    let cell = (0..table.cell_count()).filter(|&cell| table.is_inner(cell)).nth(place).unwrap();
    match (patterns[number].withheld[cell], known) {
        (false, _) => table.inner()[place],
        (true, Some((of, knows))) if of == (number, place) => knows,
        (true, _) => set.policy.zeros.least_withheld(),
    }
}

/// Whether the promise holds in the worlds found by trying.
pub(crate) fn holds(
    set: &TableSet,
    patterns: &[Pattern],
    alternatives: &alternative_tables::Extremes,
) -> bool {
    holds_known(set, patterns, alternatives, None)
}

/// The same in the worlds that someone thinks possible.
pub(crate) fn holds_known(
    set: &TableSet,
    patterns: &[Pattern],
    alternatives: &alternative_tables::Extremes,
    known: Option<Known>,
) -> bool {
    let small = promised(set, patterns, known).into_iter().all(|(table, cell, low, high)| {
        patterns[table].withheld[cell]
            && alternatives.least[table][cell] <= low
            && alternatives.most[table][cell] >= high
    });
    small && alternatives.outside.iter().all(|outside| *outside >= set.policy.threshold)
}
