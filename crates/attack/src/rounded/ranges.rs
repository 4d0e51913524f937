//! Reads what a rounded or perturbed number tells: from where to where the count can be, by the public rule alone.

use minster_model::{
    policy::Policy,
    rounding::{Margins, Rounding},
    table::{CountTable, TableSet},
};

use crate::shared::{alternative_table, linked_tables, refusal::Refusal};

/// Where no number bounds a count.
const UNBOUNDED: i64 = 1 << 40;

/// A count is at least `low` and at most `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// For every cell of every table, its own range: of a table that was published before, what that says.
///
/// # Errors
/// [`Refusal::Shape`] where there is not one number a cell; [`Refusal::Rule`] where a number does not follow
/// from the true count by the rule.
pub(crate) fn ranges(
    set: &TableSet,
    published: &[Vec<u64>],
    rule: Rounding,
) -> Result<Vec<Vec<Range>>, Refusal> {
    if published.len() != set.tables.len() || !is_a_rule(rule) {
        return Err(Refusal::Shape);
    }
    let mut all = Vec::new();
    for (table, published) in set.tables.iter().zip(published) {
        let counts = alternative_table::cells(table, table.inner());
        if table.published_pattern().is_some() {
            if !published.is_empty() {
                return Err(Refusal::Standing);
            }
            all.push(published_before(table, table.policy(set.policy), &counts));
            continue;
        }
        if published.len() != counts.len() {
            return Err(Refusal::Shape);
        }
        let inner = table.inner_cells();
        let known = table.known_zero_cells();
        let mut of_table = Vec::new();
        for (cell, (&number, &count)) in published.iter().zip(&counts).enumerate() {
            let is_inner = inner.binary_search(&cell).is_ok();
            let range = range(rule, is_inner, number as i64);
            let within = (range.low..=range.high).contains(&(count as i64));
            if !within || !follows(rule, number) {
                return Err(Refusal::Rule { table: table.name().to_owned() });
            }
            // No number tells more of a cell of which everyone knows that nobody can be there.
            of_table.push(if known[cell] { Range { low: 0, high: 0 } } else { range });
        }
        all.push(of_table);
    }
    match rule {
        Rounding::Controlled { .. } => adds_up(set, published, all),
        _ => Ok(all),
    }
}

fn is_a_rule(rule: Rounding) -> bool {
    match rule {
        Rounding::Nearest { base } | Rounding::Controlled { base, .. } => {
            (Rounding::LEAST_BASE..=Rounding::LARGEST_BASE).contains(&base)
        }
        Rounding::OpenSafely | Rounding::CellKey => true,
    }
}

fn range(rule: Rounding, is_inner: bool, number: i64) -> Range {
    let around =
        |down: u64, up: u64| Range { low: (number - down as i64).max(0), high: number + up as i64 };
    match rule {
        // Halves go up: 10 to the nearest 10 is 5 to 14.
        Rounding::Nearest { base } => around(base / 2, (base - 1) / 2),
        Rounding::Controlled { base, margins } => match (is_inner, margins) {
            (false, Margins::WithinTwo) => around(2 * base - 1, 2 * base - 1),
            _ => around(base - 1, base - 1),
        },
        Rounding::OpenSafely if number == 0 => around(0, Rounding::OPEN_SAFELY_REDACTED),
        Rounding::OpenSafely => {
            let half = Rounding::OPEN_SAFELY_BASE / 2;
            let Range { low, high } = around(half, half);
            Range { low: low.max(Rounding::OPEN_SAFELY_REDACTED as i64 + 1), high }
        }
        Rounding::CellKey => around(Rounding::CELL_KEY_MAXIMUM, Rounding::CELL_KEY_MAXIMUM),
    }
}

/// Whether a number that is near enough also has the form that the rule gives it.
fn follows(rule: Rounding, number: u64) -> bool {
    match rule {
        Rounding::Nearest { base } | Rounding::Controlled { base, .. } => {
            number.is_multiple_of(base)
        }
        Rounding::OpenSafely => number.is_multiple_of(Rounding::OPEN_SAFELY_BASE),
        Rounding::CellKey => !(1..Rounding::CELL_KEY_THRESHOLD).contains(&number),
    }
}

/// Returns what a table says that was published with cells withheld.
fn published_before(table: &CountTable, policy: Policy, counts: &[u64]) -> Vec<Range> {
    let inner = table.inner_cells();
    let withheld =
        |cell: usize| table.published_pattern().is_some_and(|published| published.withheld[cell]);
    let range = |(cell, &count): (usize, &u64)| match withheld(cell) {
        false => Range { low: count as i64, high: count as i64 },
        true => {
            let is_inner = inner.binary_search(&cell).is_ok();
            let low = if is_inner { policy.zeros.least_withheld() as i64 } else { 0 };
            Range { low, high: UNBOUNDED }
        }
    };
    counts.iter().enumerate().map(range).collect()
}

/// Refuses a controlled rounding of which the margins are not the sums of what they count. A margin's number
/// then follows from others, so that its own range is no wider than the sum of its inner cells'.
fn adds_up(
    set: &TableSet,
    published: &[Vec<u64>],
    mut ranges: Vec<Vec<Range>>,
) -> Result<Vec<Vec<Range>>, Refusal> {
    let is_new = |number: usize| set.tables[number].published_pattern().is_none();
    let inner_of = |number: usize| -> Vec<u64> {
        let inner = set.tables[number].inner_cells();
        inner.into_iter().map(|cell| published[number][cell]).collect()
    };
    for number in (0..set.tables.len()).filter(|&number| is_new(number)) {
        let table = &set.tables[number];
        if alternative_table::cells(table, &inner_of(number)) != published[number] {
            return Err(Refusal::Rule { table: table.name().to_owned() });
        }
        let inner = table.inner_cells();
        for (cell, below) in alternative_table::below(table).into_iter().enumerate() {
            let of_inner = |end: fn(&Range) -> i64| -> i64 {
                below.iter().map(|&place| end(&ranges[number][inner[place]])).sum()
            };
            let (low, high) = (of_inner(|range| range.low), of_inner(|range| range.high));
            let Range { low: own_low, high: own_high } = ranges[number][cell];
            ranges[number][cell] = Range { low: own_low.max(low), high: own_high.min(high) };
        }
    }
    for (first, second) in linked_tables::pairs(set).filter(|&(a, b)| is_new(a) && is_new(b)) {
        let (one, other) = (inner_of(first), inner_of(second));
        let agree = linked_tables::shared(&set.tables[first], &set.tables[second])
            .into_values()
            .all(|(of_first, of_second)| {
                of_first.iter().map(|&inner| one[inner]).sum::<u64>()
                    == of_second.iter().map(|&inner| other[inner]).sum::<u64>()
            });
        if !agree {
            return Err(Refusal::Rule { table: set.tables[second].name().to_owned() });
        }
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: Rounding, number: i64) -> (i64, i64) {
        let Range { low, high } = range(rule, true, number);
        (low, high)
    }

    #[test]
    fn a_number_tells_a_range() {
        assert_eq!(of(Rounding::Nearest { base: 5 }, 0), (0, 2));
        assert_eq!(of(Rounding::Nearest { base: 5 }, 5), (3, 7));
        assert_eq!(of(Rounding::Nearest { base: 10 }, 10), (5, 14));
        assert_eq!(of(Rounding::OpenSafely, 0), (0, 7));
        assert_eq!(of(Rounding::OpenSafely, 10), (8, 12));
        assert_eq!(of(Rounding::CellKey, 0), (0, 5));
        // No children may be published as 5.
        assert_eq!(of(Rounding::CellKey, 5), (0, 10));
        assert_eq!(of(Rounding::CellKey, 6), (1, 11));
        let controlled = |margins| Rounding::Controlled { base: 3, margins };
        assert_eq!(of(controlled(Margins::Adjacent), 3), (1, 5));
        assert_eq!(of(controlled(Margins::WithinTwo), 3), (1, 5));
        let margin = range(controlled(Margins::WithinTwo), false, 9);
        assert_eq!((margin.low, margin.high), (4, 14));
    }
    #[test]
    fn what_no_rule_gives_is_not_by_it() {
        let bases = [0, Rounding::LEAST_BASE - 1, Rounding::LARGEST_BASE + 1];
        assert!(bases.iter().all(|&base| !is_a_rule(Rounding::Nearest { base })));
        assert!(is_a_rule(Rounding::Nearest { base: Rounding::LEAST_BASE }));
        // By cell key nothing small is shown.
        let by_key = |number| follows(Rounding::CellKey, number);
        assert!(by_key(0) && by_key(5) && by_key(6) && !by_key(1) && !by_key(4));
        // Nothing becomes 5 where up to 7 become 0.
        let Range { low, high } = range(Rounding::OpenSafely, true, 5);
        assert!(low > high);
    }
}
