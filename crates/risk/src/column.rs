/// Why columns cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RiskError {
    /// A code stands for no value.
    #[error(
        "row {row} has the code {code}, and the column has {values} values; number the values from 0"
    )]
    Code {
        /// The row, from 0.
        row: usize,
        /// Its code.
        code: u32,
        /// The number of values.
        values: u32,
    },
    /// Two columns are not of the same rows.
    #[error("a column has {rows} rows, and another {others}; give columns of the same rows")]
    Rows {
        /// The rows of the one.
        rows: usize,
        /// The rows of the other.
        others: usize,
    },
    /// There are more rows than a code can number.
    #[error(
        "there are {rows} rows, and at most 4294967295 can be measured; measure a part of them"
    )]
    TooMany {
        /// The rows.
        rows: usize,
    },
    /// Without a column there is nothing to measure by.
    #[error("there is no quasi-identifier; name at least one")]
    NoColumn,
}

/// A column of codes, one a row. Equal values have equal codes, and different values different ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    codes: Vec<u32>,
    values: u32,
}

impl Column {
    /// A column whose codes are below `values`.
    ///
    /// # Errors
    /// [`RiskError::Code`] with the first row whose code is not, [`RiskError::TooMany`].
    pub fn new(codes: Vec<u32>, values: u32) -> Result<Self, RiskError> {
        if u32::try_from(codes.len()).is_err() {
            return Err(RiskError::TooMany { rows: codes.len() });
        }
        match codes.iter().position(|&code| code >= values) {
            Some(row) => Err(RiskError::Code { row, code: codes[row], values }),
            None => Ok(Self { codes, values }),
        }
    }

    /// The codes, by row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The number of values that a code may stand for.
    pub fn values(&self) -> u32 {
        self.values
    }

    /// The column after a coarser treatment: `to` has for each code that of its group, below `groups`.
    ///
    /// # Errors
    /// [`RiskError::Rows`] where `to` is not of this column's values, [`RiskError::Code`] as [`Column::new`].
    pub fn coarser(&self, to: &[u32], groups: u32) -> Result<Self, RiskError> {
        if to.len() != self.values as usize {
            return Err(RiskError::Rows { rows: to.len(), others: self.values as usize });
        }
        Self::new(self.codes.iter().map(|&code| to[code as usize]).collect(), groups)
    }
}
