/// Why a hierarchy or table cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A node names a parent that does not stand before it.
    #[error("dimension {dimension}: node {node} stands before its parent")]
    ParentOrder {
        /// The dimension's name.
        dimension: String,
        /// The node's number.
        node: usize,
    },
    /// A grouping that does not put each leaf into a group of its own.
    #[error("dimension {dimension}: a grouping must put every leaf into one of its groups")]
    Grouping {
        /// The dimension's name.
        dimension: String,
    },
    /// Two nodes have the same code.
    #[error("dimension {dimension}: two nodes have the same code")]
    DuplicateCode {
        /// The dimension's name.
        dimension: String,
    },
    /// A dimension without nodes, or a table without dimensions.
    #[error("a table needs at least one dimension, and a dimension at least one node")]
    Empty,
    /// The inner counts do not fill the table.
    #[error("the table has {expected} inner cells, but {got} counts were given")]
    Counts {
        /// Inner cells of the table.
        expected: usize,
        /// Counts given.
        got: usize,
    },
    /// A cell is named that the table does not have.
    #[error("the table {table} does not have the cell that is named")]
    NoSuchCell {
        /// The table.
        table: String,
    },
    /// A tie that names no dimension of the table, or not one class a leaf.
    #[error("the table {table} has a tie that does not fit its dimensions")]
    Tie {
        /// The table.
        table: String,
    },
    /// An inner cell that is said to count nobody, and counts someone; or that the table does not have.
    #[error("the table {table} counts someone in a cell that is said to count nobody")]
    KnownZero {
        /// The table.
        table: String,
    },
    /// The cells cannot be numbered.
    #[error("the table has too many cells to number")]
    TooLarge,
}
