//! Measures beside the count: sums with their largest contributors, and medians.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use minster_disclosure::Contributions;
use minster_model::{ColumnName, table::CountTable};

use crate::{
    definition::release_definition::{Definition, Kind, Table},
    error::AggregateError,
    tabulate::column_values,
};

/// The numbers that one table measures beside the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    /// By the column that is summed.
    pub(crate) sums: BTreeMap<ColumnName, Summed>,
    /// By the measure, for every cell; none where the rule for medians does not let it be shown.
    pub(crate) medians: BTreeMap<ColumnName, Vec<Option<u64>>>,
}

impl Measured {
    /// Without the columns that a table's sums are made of and that it does not show.
    pub(crate) fn shown(mut self, table: &Table) -> Self {
        let shown: Vec<&ColumnName> =
            table.measures.iter().flat_map(|measure| measure.summed()).collect();
        self.sums.retain(|column, _| shown.contains(&column));
        self
    }
}

/// The sums of one column.
#[derive(Debug, Clone)]
pub(crate) struct Summed {
    /// The sums of the inner cells.
    pub(crate) inner: Vec<u64>,
    /// The contributions that make up each cell's sum, by children.
    pub(crate) children: Vec<Contributions>,
    /// The same by respondents, where the definition names them.
    pub(crate) respondents: Option<Vec<Contributions>>,
}

/// A table's measures while its rows are counted.
pub(crate) struct Measuring<'a> {
    sums: BTreeMap<&'a ColumnName, Summing>,
    medians: Vec<Median<'a>>,
    respondent: Option<&'a ColumnName>,
    /// Numbers for the respondents' names.
    respondents: HashMap<String, u32>,
    threshold: u64,
}

struct Summing {
    inner: Vec<u64>,
    /// For each inner cell its largest contributions, largest first; as many as the rules look at.
    largest: Vec<u64>,
    each: usize,
    contributors: Vec<u64>,
    /// By inner cell and respondent.
    of_respondents: BTreeMap<(usize, u32), u64>,
}

struct Median<'a> {
    name: &'a ColumnName,
    of: &'a ColumnName,
    step: u64,
    minimum: u64,
    /// Children by inner cell and rounded value.
    children: BTreeMap<(usize, u64), u64>,
}

impl<'a> Measuring<'a> {
    /// `parts` are the columns that the table's sums are made of: nobody publishes them.
    pub(crate) fn new(
        definition: &'a Definition,
        (table, parts): (&'a Table, &'a [ColumnName]),
        size: usize,
    ) -> Self {
        let summed = table.measures.iter().flat_map(|measure| measure.summed()).chain(parts);
        let medians = table.measures.iter().filter_map(|measure| match measure.kind() {
            Kind::Median { of, step, minimum } => {
                let children = BTreeMap::new();
                Some(Median { name: &measure.name, of, step, minimum, children })
            }
            _ => None,
        });
        Self { medians: medians.collect(), ..Self::of_sums(definition, summed, size) }
    }

    /// Adds up some columns, and nothing else.
    pub(crate) fn of_sums(
        definition: &'a Definition,
        columns: impl IntoIterator<Item = &'a ColumnName>,
        size: usize,
    ) -> Self {
        let each = definition.sum_rules().largest();
        let summing = || Summing {
            inner: vec![0; size],
            largest: vec![0; size * each],
            each,
            contributors: vec![0; size],
            of_respondents: BTreeMap::new(),
        };
        Self {
            sums: columns.into_iter().map(|name| (name, summing())).collect(),
            medians: Vec::new(),
            respondent: definition.respondent.as_ref().map(|respondent| &respondent.column),
            respondents: HashMap::new(),
            threshold: definition.policy().threshold,
        }
    }

    /// The amount that each row adds to each sum.
    pub(crate) fn amounts(
        &self,
        batch: &RecordBatch,
    ) -> Result<Vec<(&'a ColumnName, Vec<u64>)>, AggregateError> {
        self.sums.keys().map(|&name| Ok((name, column_values::amounts(batch, name)?))).collect()
    }

    /// Adds partial sums of some inner cells.
    pub(crate) fn add_sums(
        &mut self,
        column: &ColumnName,
        cells: &[usize],
        sums: impl Iterator<Item = u64>,
    ) {
        let Some(summing) = self.sums.get_mut(column) else { return };
        cells.iter().zip(sums).for_each(|(&cell, sum)| summing.inner[cell] += sum);
    }

    /// Takes note of who contributes how much, row by row.
    pub(crate) fn add_rows(
        &mut self,
        batch: &RecordBatch,
        cells: &[u32],
        amounts: &[(&'a ColumnName, Vec<u64>)],
    ) -> Result<(), AggregateError> {
        let respondents = match self.respondent.filter(|_| !amounts.is_empty()) {
            Some(column) => {
                let known = &mut self.respondents;
                let texts = column_values::texts(batch, column)?;
                let number = |text: Option<&str>| {
                    let next = known.len() as u32;
                    // A child without a respondent is held by nobody else.
                    *known.entry(text.unwrap_or_default().to_owned()).or_insert(next)
                };
                Some(texts.iter().map(number).collect::<Vec<u32>>())
            }
            None => None,
        };
        for (column, amounts) in amounts {
            let Some(summing) = self.sums.get_mut(*column) else { continue };
            for (row, (&cell, &amount)) in cells.iter().zip(amounts).enumerate() {
                if amount == 0 {
                    continue;
                }
                let cell = cell as usize;
                summing.contributors[cell] += 1;
                let each = summing.each;
                insert(&mut summing.largest[cell * each..(cell + 1) * each], amount);
                if let Some(respondents) = &respondents {
                    *summing.of_respondents.entry((cell, respondents[row])).or_default() += amount;
                }
            }
        }
        for median in &mut self.medians {
            for (&cell, number) in cells.iter().zip(column_values::numbers(batch, median.of)?) {
                let Some(number) = number else { continue };
                let number = u64::try_from(number).map_err(|_| {
                    column_values::failed(
                        median.of.as_str(),
                        "taking the median of a column below zero",
                    )
                })?;
                let rounded = (number + median.step / 2) / median.step * median.step;
                *median.children.entry((cell as usize, rounded)).or_default() += 1;
            }
        }
        Ok(())
    }

    /// All margins too.
    pub(crate) fn finish(self, count_table: &CountTable) -> Measured {
        let (threshold, has_respondents) = (self.threshold, self.respondent.is_some());
        let medians = self.medians.into_iter();
        Measured {
            sums: self
                .sums
                .into_iter()
                .map(|(name, summing)| (name.clone(), summing.finish(count_table, has_respondents)))
                .collect(),
            medians: medians
                .map(|of| (of.name.clone(), of.finish(count_table, threshold)))
                .collect(),
        }
    }
}

impl Summing {
    fn finish(self, count_table: &CountTable, has_respondents: bool) -> Summed {
        let each = self.each;
        let nobody = || Contributions { largest: vec![0; each], ..Contributions::default() };
        let mut children: Vec<Contributions> =
            (0..count_table.cell_count()).map(|_| nobody()).collect();
        count_table.add_up(|inner, cells| {
            for &cell in cells {
                let of = &mut children[cell];
                of.total += self.inner[inner];
                of.contributors += self.contributors[inner];
                for &amount in &self.largest[inner * each..(inner + 1) * each] {
                    insert(&mut of.largest, amount);
                }
            }
        });
        let respondents = has_respondents.then(|| self.by_respondents(count_table, nobody));
        Summed { inner: self.inner, children, respondents }
    }

    fn by_respondents(
        &self,
        count_table: &CountTable,
        nobody: impl Fn() -> Contributions,
    ) -> Vec<Contributions> {
        let mut parts: BTreeMap<(usize, u32), u64> = BTreeMap::new();
        count_table.add_up(|inner, cells| {
            let of_cell = self.of_respondents.range((inner, 0)..=(inner, u32::MAX));
            for (&(_, respondent), amount) in of_cell {
                cells
                    .iter()
                    .for_each(|&cell| *parts.entry((cell, respondent)).or_default() += amount);
            }
        });
        let mut respondents: Vec<Contributions> =
            (0..count_table.cell_count()).map(|_| nobody()).collect();
        for ((cell, _), amount) in parts {
            let of = &mut respondents[cell];
            of.total += amount;
            of.contributors += 1;
            insert(&mut of.largest, amount);
        }
        respondents
    }
}

impl Median<'_> {
    /// The lower of the two middle values, rounded; shown where enough children have a value, and enough
    /// of them the one that is shown.
    fn finish(self, count_table: &CountTable, threshold: u64) -> Vec<Option<u64>> {
        let mut of_cells: Vec<BTreeMap<u64, u64>> = vec![BTreeMap::new(); count_table.cell_count()];
        count_table.add_up(|inner, cells| {
            for (&(_, value), count) in self.children.range((inner, 0)..=(inner, u64::MAX)) {
                cells.iter().for_each(|&cell| *of_cells[cell].entry(value).or_default() += count);
            }
        });
        let median = |values: BTreeMap<u64, u64>| {
            let all: u64 = values.values().sum();
            let mut below = 0;
            let middle = values.into_iter().find(|(_, count)| {
                below += count;
                2 * below >= all
            });
            middle
                .filter(|(_, sharing)| all >= self.minimum.max(threshold) && *sharing >= threshold)
                .map(|(value, _)| value)
        };
        of_cells.into_iter().map(median).collect()
    }
}

/// Puts an amount into its place among the largest; the smallest falls out.
fn insert(largest: &mut [u64], amount: u64) {
    let at = largest.partition_point(|&larger| larger >= amount);
    if at < largest.len() {
        largest[at..].rotate_right(1);
        largest[at] = amount;
    }
}

#[cfg(test)]
mod tests {
    use minster_model::table::Hierarchy;

    use super::*;

    fn count_table() -> CountTable {
        let sex = Hierarchy::flat("sex", "all", ["F".into(), "M".into()]).unwrap();
        CountTable::new("t", vec![sex], vec![0, 0], vec![]).unwrap()
    }

    #[test]
    fn the_largest_of_a_margin_are_the_largest_of_its_parts() {
        let mut of_respondents = BTreeMap::new();
        of_respondents.extend([((0, 0), 9), ((0, 1), 4), ((1, 0), 8)]);
        let summing = Summing {
            inner: vec![13, 8],
            largest: vec![9, 4, 5, 3],
            each: 2,
            contributors: vec![2, 2],
            of_respondents,
        };
        let summed = summing.finish(&count_table(), true);
        let all = &summed.children[0];
        assert_eq!((all.total, all.contributors, all.largest.as_slice()), (21, 4, &[9, 5][..]));
        let respondents = &summed.respondents.unwrap()[0];
        // One respondent has children in both.
        assert_eq!((respondents.contributors, respondents.largest.as_slice()), (2, &[17, 4][..]));
    }

    #[test]
    fn a_median_that_few_share_is_not_shown() {
        let name: ColumnName = "m".parse().unwrap();
        let median = |children: &[((usize, u64), u64)]| Median {
            name: &name,
            of: &name,
            step: 5,
            minimum: 10,
            children: children.iter().copied().collect(),
        };
        let shared = median(&[((0, 0), 4), ((0, 5), 6), ((1, 5), 3), ((1, 10), 2)]);
        assert_eq!(shared.finish(&count_table(), 5), [Some(5), Some(5), None]);
        let rare = median(&[((0, 0), 5), ((0, 5), 2), ((0, 10), 5)]);
        assert_eq!(rare.finish(&count_table(), 5), [None, None, None]);
    }

    #[test]
    fn what_is_inserted_stays_in_order() {
        let mut largest = [0; 3];
        [2, 9, 4, 1, 9].iter().for_each(|&amount| insert(&mut largest, amount));
        assert_eq!(largest, [9, 9, 4]);
    }
}
