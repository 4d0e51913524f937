//! One summary column a child: rows of a source's table, grouped by child with Polars.
//!
//! Batch by batch: each batch is grouped at once and only its partial result is kept, so memory is
//! bounded by the number of children, not of rows.

use minster_model::ColumnName;
use polars::prelude::*;
use serde::Deserialize;

/// Groups partial results together once they hold this many rows.
const PARTIAL_ROWS: usize = 1 << 20;

const CHILD: &str = "child";
const VALUE: &str = "value";
const ORDER: &str = "order";

/// What becomes of a table's rows: one value a child.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Summary {
    /// The number of rows.
    Count,
    /// The sum of a whole-number column; a missing value adds nothing.
    Sum {
        /// The column summed.
        of: ColumnName,
    },
    /// The greatest value of a column.
    Max {
        /// The column compared.
        of: ColumnName,
    },
    /// The value that stands in the row with the greatest `by`; ties go to the greater value.
    Latest {
        /// The column whose value is taken.
        of: ColumnName,
        /// The column, most often a date, that decides which row is latest.
        by: ColumnName,
    },
}

impl Summary {
    /// The columns that it reads: the value's, then the order's.
    pub fn columns(&self) -> Vec<&ColumnName> {
        match self {
            Self::Count => vec![],
            Self::Sum { of } | Self::Max { of } => vec![of],
            Self::Latest { of, by } => vec![of, by],
        }
    }
}

/// Why rows could not be summarised. Polars' own message may quote values, so it is not repeated.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not summarise {column}: {step} failed; check that the column's type fits its summary"
)]
pub struct SummaryError {
    column: String,
    step: &'static str,
}

/// Gathers one summary over the batches of a table.
#[derive(Debug)]
pub struct Summariser {
    name: String,
    summary: Summary,
    partial: Option<DataFrame>,
}

/// A summary's result: children in ascending order, each once, with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Summarised {
    /// The children's numbers.
    pub children: Vec<u32>,
    /// Their values.
    pub values: Series,
}

impl Summariser {
    /// Starts a summary; `name` is the column of the integrated dataset it fills.
    pub fn new(name: impl Into<String>, summary: Summary) -> Self {
        Self { name: name.into(), summary, partial: None }
    }

    /// Adds rows: the child of each, and the columns that [`Summary::columns`] names, in its order.
    pub fn add(&mut self, children: &[u32], columns: Vec<Series>) -> Result<(), SummaryError> {
        let mut frame = vec![Column::new(CHILD.into(), children)];
        for (column, name) in columns.into_iter().zip([VALUE, ORDER]) {
            frame.push(column.with_name(name.into()).into());
        }
        let batch =
            DataFrame::new(children.len(), frame).map_err(|_| self.error("reading a batch"))?;
        let first: Expr = match &self.summary {
            Summary::Count => len().cast(DataType::Int64).alias(VALUE),
            Summary::Sum { .. } => col(VALUE).cast(DataType::Int64).sum().alias(VALUE),
            Summary::Max { .. } | Summary::Latest { .. } => col(VALUE),
        };
        let grouped = match &self.summary {
            Summary::Count | Summary::Sum { .. } => {
                batch.lazy().group_by([col(CHILD)]).agg([first]).collect()
            }
            Summary::Max { .. } | Summary::Latest { .. } => self.reduce(batch),
        };
        let grouped = grouped.map_err(|_| self.error("grouping a batch"))?;
        self.merge(grouped)
    }

    /// The values of all rows added.
    pub fn finish(mut self) -> Result<Summarised, SummaryError> {
        let Some(partial) = self.partial.take() else {
            return Ok(Summarised {
                children: vec![],
                values: Series::new_empty(self.name.as_str().into(), &DataType::Int64),
            });
        };
        let reduced = self
            .reduce(partial)
            .and_then(|frame| frame.lazy().sort([CHILD], SortMultipleOptions::default()).collect())
            .map_err(|_| self.error("grouping"))?;
        let read = || -> PolarsResult<Summarised> {
            let children = reduced.column(CHILD)?.as_materialized_series().u32()?;
            let values = reduced.column(VALUE)?.as_materialized_series().clone();
            Ok(Summarised {
                children: children.into_no_null_iter().collect(),
                values: values.with_name(self.name.as_str().into()),
            })
        };
        read().map_err(|_| self.error("reading the result"))
    }

    fn merge(&mut self, grouped: DataFrame) -> Result<(), SummaryError> {
        let merged = match self.partial.take() {
            None => grouped,
            Some(mut partial) => {
                partial.vstack_mut(&grouped).map_err(|_| self.error("joining batches"))?;
                partial
            }
        };
        self.partial = Some(if merged.height() > PARTIAL_ROWS {
            self.reduce(merged).map_err(|_| self.error("joining batches"))?
        } else {
            merged
        });
        Ok(())
    }

    /// Partial results to one row a child. Reducing twice changes nothing.
    fn reduce(&self, partial: DataFrame) -> PolarsResult<DataFrame> {
        let values: Vec<Expr> = match &self.summary {
            Summary::Count | Summary::Sum { .. } => vec![col(VALUE).sum()],
            Summary::Max { .. } => vec![col(VALUE).max()],
            Summary::Latest { .. } => {
                let by = [col(ORDER), col(VALUE)];
                let order = SortMultipleOptions::default();
                vec![
                    col(VALUE).sort_by(by.clone(), order.clone()).last(),
                    col(ORDER).sort_by(by, order).last(),
                ]
            }
        };
        partial.lazy().group_by([col(CHILD)]).agg(values).collect()
    }

    fn error(&self, step: &'static str) -> SummaryError {
        SummaryError { column: self.name.clone(), step }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> ColumnName {
        text.parse().unwrap()
    }

    fn column(values: Vec<Option<i64>>) -> Series {
        Series::new("x".into(), values)
    }

    fn run(summary: Summary, rows: &[(u32, i64, i64)], batch: usize) -> BTreeMap<u32, i64> {
        let needed = summary.columns().len();
        let mut summariser = Summariser::new("s", summary);
        for rows in rows.chunks(batch) {
            let children: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let mut columns = vec![
                column(rows.iter().map(|row| Some(row.1)).collect()),
                column(rows.iter().map(|row| Some(row.2)).collect()),
            ];
            columns.truncate(needed);
            summariser.add(&children, columns).unwrap();
        }
        let result = summariser.finish().unwrap();
        let values = result.values.i64().unwrap();
        result.children.iter().copied().zip(values.into_no_null_iter()).collect()
    }

    #[test]
    fn the_latest_row_wins_and_ties_go_to_the_greater_value() {
        let rows = [(1, 7, 100), (1, 8, 300), (1, 9, 200), (2, 5, 1), (2, 6, 1)];
        let latest = Summary::Latest { of: name("a"), by: name("b") };
        assert_eq!(run(latest, &rows, 2), BTreeMap::from([(1, 8), (2, 6)]));
    }

    #[test]
    fn a_missing_value_adds_nothing() {
        let mut summariser = Summariser::new("s", Summary::Sum { of: name("a") });
        summariser.add(&[3, 3], vec![column(vec![None, Some(4)])]).unwrap();
        let result = summariser.finish().unwrap();
        assert_eq!(result.children, [3]);
        assert_eq!(result.values.i64().unwrap().get(0), Some(4));
    }

    #[test]
    fn an_error_quotes_no_value() {
        let mut summariser = Summariser::new("s", Summary::Sum { of: name("a") });
        let text = Series::new("x".into(), ["Q330400024001"]);
        if let Err(error) = summariser.add(&[1], vec![text]) {
            assert!(!error.to_string().contains("Q3304"));
        }
        let short = summariser.add(&[1, 2], vec![column(vec![Some(1)])]);
        assert!(short.is_err());
    }

    proptest! {
        #[test]
        fn the_size_of_batches_changes_nothing(
            rows in prop::collection::vec((0u32..6, -9i64..9, 0i64..5), 0..60),
            batch in 1usize..20,
        ) {
            for summary in [
                Summary::Count,
                Summary::Sum { of: name("a") },
                Summary::Max { of: name("a") },
                Summary::Latest { of: name("a"), by: name("b") },
            ] {
                let whole = run(summary.clone(), &rows, 1000);
                prop_assert_eq!(run(summary.clone(), &rows, batch), whole.clone());
                let mut expected: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
                for &(child, value, order) in &rows {
                    expected.entry(child).or_default().push((order, value));
                }
                let expected: BTreeMap<u32, i64> = expected.into_iter().map(|(child, rows)| {
                    let values = rows.iter().map(|row| row.1);
                    (child, match summary {
                        Summary::Count => rows.len() as i64,
                        Summary::Sum { .. } => values.sum(),
                        Summary::Max { .. } => values.max().unwrap(),
                        Summary::Latest { .. } => rows.iter().max().unwrap().1,
                    })
                }).collect();
                prop_assert_eq!(whole, expected);
            }
        }
    }
}
