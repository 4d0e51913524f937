//! Reads what a rounded or perturbed number tells: from where to where the count can be, by the public rule alone.

use minster_model::{
    IdVec, TableId,
    policy::Policy,
    rounding::{Margins, Rounding},
    table::{CountTable, Pattern, TableSet},
};

use crate::shared::{
    alternative_table,
    id_slice::IdSlice,
    linked_tables,
    refusal::Refusal,
    typed::{InnerCell, TableCell, TypedPattern, TypedSet, TypedTable},
};

/// Where no number bounds a count.
const UNBOUNDED: i64 = 1 << 40;

/// A count is at least `low` and at most `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// Every cell's range, by table.
pub(crate) type Ranges = IdVec<TableId, IdVec<TableCell, Range>>;

impl Range {
    /// The range of one count.
    pub(crate) fn exact(count: i64) -> Self {
        Self { low: count, high: count }
    }

    pub(crate) fn contains(self, count: i64) -> bool {
        (self.low..=self.high).contains(&count)
    }

    /// The range that two ranges of one count leave of it together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }
}

/// For every cell of every table, its own range: of a table that was published before, what that says.
///
/// # Errors
/// [`Refusal::Shape`] where there is not one number a cell; [`Refusal::Rule`] where a number does not follow
/// from the true count by the rule.
pub(crate) fn ranges(
    set: &TableSet,
    published: IdSlice<'_, TableId, Vec<u64>>,
    rule: Rounding,
) -> Result<Ranges, Refusal> {
    if published.len() != set.tables.len() || !is_a_rule(rule) {
        return Err(Refusal::Shape);
    }
    let mut all = Ranges::new();
    for (table, published) in set.tables.iter().zip(published) {
        let counts = alternative_table::counts(table);
        all.push(match table.published_pattern() {
            Some(_) if !published.is_empty() => return Err(Refusal::Standing),
            Some(pattern) => published_before(table, pattern, table.policy(set.policy), &counts),
            None => of_numbers(table, IdSlice::new(published), rule, &counts)?,
        });
    }
    match rule {
        Rounding::Controlled { .. } => adds_up(set, published, all),
        _ => Ok(all),
    }
}

/// The ranges that a table's published numbers tell, once each is seen to follow from the true count.
fn of_numbers(
    table: &CountTable,
    published: IdSlice<'_, TableCell, u64>,
    rule: Rounding,
    counts: &IdVec<TableCell, u64>,
) -> Result<IdVec<TableCell, Range>, Refusal> {
    if published.len() != counts.len() {
        return Err(Refusal::Shape);
    }
    let inner = table.cells_of_inner();
    let cells = published.enumerate().zip(counts).zip(table.known_zero_cells());
    cells
        .map(|(((cell, &number), &count), is_known)| {
            let is_inner = inner.as_slice().binary_search(&cell).is_ok();
            let range = range(rule, is_inner, number as i64);
            if !range.contains(count as i64) || !follows(rule, number) {
                return Err(Refusal::Rule { table: table.name().to_owned() });
            }
            // No number tells more of a cell of which everyone knows that nobody can be there.
            Ok(if is_known { Range::exact(0) } else { range })
        })
        .collect()
}

fn is_a_rule(rule: Rounding) -> bool {
    match rule {
        Rounding::Nearest { base } | Rounding::Controlled { base, .. } => {
            (Rounding::LEAST_BASE..=Rounding::LARGEST_BASE).contains(&base)
        }
        Rounding::OpenSafely | Rounding::CellKey => true,
    }
}

/// From where to where a count can be of which the rule makes a number.
fn range(rule: Rounding, is_inner: bool, number: i64) -> Range {
    match rule {
        // Halves go up: 10 to the nearest 10 is 5 to 14.
        Rounding::Nearest { base } => around(number, base / 2, (base - 1) / 2),
        Rounding::Controlled { base, margins } => match (is_inner, margins) {
            (false, Margins::WithinTwo) => around(number, 2 * base - 1, 2 * base - 1),
            _ => around(number, base - 1, base - 1),
        },
        Rounding::OpenSafely if number == 0 => around(number, 0, Rounding::OPEN_SAFELY_REDACTED),
        Rounding::OpenSafely => {
            let half = Rounding::OPEN_SAFELY_BASE / 2;
            let Range { low, high } = around(number, half, half);
            // The rule shows a redacted count as 0: any other number says that the count is above that.
            Range { low: low.max(Rounding::OPEN_SAFELY_REDACTED as i64 + 1), high }
        }
        Rounding::CellKey => around(number, Rounding::CELL_KEY_MAXIMUM, Rounding::CELL_KEY_MAXIMUM),
    }
}

fn around(number: i64, down: u64, up: u64) -> Range {
    Range { low: (number - down as i64).max(0), high: number + up as i64 }
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
fn published_before(
    table: &CountTable,
    pattern: &Pattern,
    policy: Policy,
    counts: &IdVec<TableCell, u64>,
) -> IdVec<TableCell, Range> {
    let inner = table.cells_of_inner();
    let cells = counts.enumerate().zip(pattern.by_cell());
    cells
        .map(|((cell, &count), &withheld)| {
            if !withheld {
                return Range::exact(count as i64);
            }
            let is_inner = inner.as_slice().binary_search(&cell).is_ok();
            // The policy bounds inner cells; what a margin is at least follows from those that it counts.
            let low = if is_inner { policy.zeros.least_withheld() as i64 } else { 0 };
            Range { low, high: UNBOUNDED }
        })
        .collect()
}

/// Refuses a controlled rounding of which the margins are not the sums of what they count. A margin's number
/// then follows from others, so that its own range is no wider than the sum of its inner cells'.
fn adds_up(
    set: &TableSet,
    published: IdSlice<'_, TableId, Vec<u64>>,
    mut ranges: Ranges,
) -> Result<Ranges, Refusal> {
    let tables = set.by_table();
    let numbers: IdVec<TableId, Option<IdVec<InnerCell, u64>>> = tables
        .iter()
        .zip(published)
        .map(|(table, published)| {
            table.published_pattern().is_none().then(|| of_inner(table, published))
        })
        .collect();
    for (number, table) in tables.enumerate() {
        let Some(numbers) = &numbers[number] else { continue };
        if alternative_table::cells(table, numbers.into()).as_slice() != published[number] {
            return Err(Refusal::Rule { table: table.name().to_owned() });
        }
        let inner = table.cells_of_inner();
        let ranges = &mut ranges[number];
        for (cell, below) in alternative_table::below(table).enumerate() {
            // An inner cell is its only part, and keeps its range: those of margins are narrowed by ranges that stand.
            let low = below.iter().map(|&part| ranges[inner[part]].low).sum();
            let high = below.iter().map(|&part| ranges[inner[part]].high).sum();
            ranges[cell] = ranges[cell].and(Range { low, high });
        }
    }
    for (first, second) in linked_tables::pairs(set) {
        // A table that was published before was not rounded with the others.
        let (Some(one), Some(other)) = (&numbers[first], &numbers[second]) else { continue };
        let agree = linked_tables::shared(set.table(first), set.table(second))
            .all(|(of_first, of_second)| sum_of(one, &of_first) == sum_of(other, &of_second));
        if !agree {
            return Err(Refusal::Rule { table: tables.at(second).name().to_owned() });
        }
    }
    Ok(ranges)
}

/// The published numbers of a table's inner cells.
fn of_inner(table: &CountTable, published: &[u64]) -> IdVec<InnerCell, u64> {
    let published: IdSlice<'_, TableCell, u64> = IdSlice::new(published);
    table.cells_of_inner().into_iter().map(|cell| published[cell]).collect()
}

fn sum_of(numbers: &IdVec<InnerCell, u64>, cells: &[InnerCell]) -> u64 {
    cells.iter().map(|&inner| numbers[inner]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: Rounding, number: i64) -> (i64, i64) {
        let Range { low, high } = range(rule, true, number);
        (low, high)
    }

    fn controlled(margins: Margins) -> Rounding {
        Rounding::Controlled { base: 3, margins }
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
        let by_key = [0, 1, 4, 5, 6].map(|number| follows(Rounding::CellKey, number));
        assert_eq!(by_key, [true, false, false, true, true]);
        // Nothing becomes 5 where up to 7 become 0.
        let Range { low, high } = range(Rounding::OpenSafely, true, 5);
        assert!(low > high);
    }
}
