//! The risk in a set of pseudonymised rows, one row a child: how many children stand alone by their quasi-identifiers
//! (uniqueness), how large the smallest class is (k-anonymity), and what a class gives away of a sensitive column
//! (l-diversity, t-closeness). It sees columns of codes, and no value; it opens no file, and depends on no other room.
//!
//! Sources: L. Sweeney, "k-anonymity: a model for protecting privacy" (2002); A. Machanavajjhala et al., "l-diversity:
//! privacy beyond k-anonymity" (2007); N. Li et al., "t-closeness: privacy beyond k-anonymity and l-diversity" (2007).
//!
//! A blank is a value like any other: whoever codes the columns gives it a code of its own. In a sensitive column it may be
//! left out instead, see [`Sensitive::left_out`].
//!
//! Memory: 4 bytes a row and column, and while a set of columns is grouped at most 28 bytes a row.
//!
//! ```
//! use minster_risk::{Classes, Column};
//!
//! let sex = Column::new(vec![0, 0, 1, 1, 1], 2)?;
//! let ward = Column::new(vec![0, 0, 0, 1, 1], 2)?;
//! let sizes = Classes::of(&[&sex, &ward])?.sizes();
//! // (0, 0) twice, (1, 0) once, (1, 1) twice.
//! assert_eq!((sizes.classes, sizes.unique, sizes.smallest), (3, 1, Some(1)));
//! # Ok::<(), minster_risk::RiskError>(())
//! ```
#![forbid(unsafe_code)]

mod classes;
mod column;
mod sensitive;
mod sizes;

pub use classes::Classes;
pub use column::{Column, RiskError};
pub use sensitive::{Inference, Scale, Sensitive};
pub use sizes::{BELOW, Band, Sizes};
