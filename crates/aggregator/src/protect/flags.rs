//! Sums of a column that is 0 or 1 are counts: of the children of whom it is 1, beside all others.
//!
//! If 18 of 20 pupils are eligible, 2 are not. So a table with such a sum counts twice, by whether it is 1, and these
//! counts keep the rules for counts: they are protected and attacked with all other counts.

use minster_model::{
    ColumnName,
    policy::Zeros,
    table::{CountTable, Hierarchy, Pattern},
};

use crate::{error::AggregateError, tabulate::contributions::Summed};

/// The two categories: it is 1, or it is not.
pub(crate) fn codes() -> [&'static str; 2] {
    ["1", "not 1"]
}

/// The name of the dimension of a column.
pub(crate) fn name(column: &ColumnName) -> String {
    format!("{column}{IS_ONE}")
}

/// How the name of such a dimension ends.
pub(crate) const IS_ONE: &str = " = 1";

/// Whether a column adds 1 or nothing for each child.
pub(crate) fn is_flag(summed: &Summed) -> bool {
    let largest = summed.children.iter().filter_map(|of| of.largest.first()).max();
    largest == Some(&1)
}

/// A table's children, apart by whether a column is 1; none where the column is no flag.
pub(crate) fn table(
    count: &CountTable,
    column: &ColumnName,
    summed: &Summed,
    zeros: Zeros,
) -> Result<Option<CountTable>, AggregateError> {
    if !is_flag(summed) {
        return Ok(None);
    }
    // Their total is the table's own count, so that none is needed here.
    let categories = codes().map(|code| (code.to_owned(), None)).to_vec();
    let flag = Hierarchy::new(name(column), categories)?;
    let dimensions = count.dimensions().iter().cloned().chain([flag]).collect();
    let inner = count.inner().iter().zip(&summed.inner);
    let inner = inner.flat_map(|(all, sum)| [*sum, all.saturating_sub(*sum)]).collect();
    let name = format!("{} ({})", count.name(), name(column));
    // A sum that is withheld may be nothing, where a count is not.
    let zeros = if zeros == Zeros::Unsafe { zeros } else { Zeros::MayBeWithheld };
    Ok(Some(CountTable::new(name, dimensions, inner, vec![])?.with_zeros(zeros)))
}

/// The cell that counts the children of whom it is 1, for a cell of the table itself.
pub(crate) fn cell_of(cell: usize) -> usize {
    cell * codes().len()
}

/// The table as a release published it before: `counts` and `sums` are the published numbers of the table itself.
pub(crate) fn published_before(
    table: CountTable,
    counts: &[Option<u64>],
    sums: &[Option<u64>],
) -> Result<CountTable, AggregateError> {
    let mut withheld = vec![true; table.cell_count()];
    for (cell, (count, sum)) in counts.iter().zip(sums).enumerate() {
        let first = cell_of(cell);
        withheld[first] = sum.is_none();
        withheld[first + 1] = sum.is_none() || count.is_none();
    }
    Ok(table.published_before(Pattern { withheld })?)
}
